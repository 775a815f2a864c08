/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* Of a processor. No test takes a tenth of this; one that hangs is ended by it. */
#define SECONDS_LIMIT 120
/* As often, by the clock: for what waits and computes nothing. */
#define WAITING_FACTOR 20

void (*unit_after_test)(void);
const char *unit_test_name;

void limit_process(unsigned int seconds)
{
    struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

    /* Whoever started the program may allow less (tests/mutants). */
    if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_cur > seconds) {
        limit = (struct rlimit){ .rlim_cur = seconds, .rlim_max = seconds + 1 };
        if (setrlimit(RLIMIT_CPU, &limit) != 0)
            perror("setrlimit");
    }
    alarm(seconds * WAITING_FACTOR);
}

static void run_alone(void **state)
{
    const struct isolated *isolated = *state;

    unit_test_name = isolated->name;
    isolated->test();
    if (unit_after_test != NULL)
        unit_after_test();
}

static _Noreturn void run_child(const struct isolated *isolated, int output)
{
    struct isolated copy = *isolated;
    const struct CMUnitTest test = { .name = isolated->name,
                                     .test_func = run_alone,
                                     .initial_state = &copy };

    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    limit_process(SECONDS_LIMIT);
    int failed = _cmocka_run_group_tests("alone", &test, 1, NULL, NULL);

    (void)fflush(NULL);
    _exit(failed != 0);
}

void isolated_run(void **state)
{
    FILE *output = tmpfile();
    int status = -1;
    char line[512];

    assert_non_null(output);
    (void)fflush(NULL);
    pid_t child = fork();

    if (child == 0)
        run_child(*state, fileno(output));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0) {
        rewind(output);
        while (fgets(line, sizeof(line), output) != NULL)
            (void)fputs(line, stdout);
    }
    (void)fclose(output);
    if (status != 0)
        fail_msg("the test's process ended with status 0x%x", (unsigned int)status);
}
