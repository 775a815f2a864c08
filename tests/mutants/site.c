/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test program of the mutants' build. Started plainly it runs the tests as ever, without the site
 * that MUTANT names. With MUTANT_LIST it prints the names of its tests and runs none. With MUTANT_SERVER it
 * reads jobs from its input, a line each: site, seconds, and the name of a test; runs each in a child, and
 * answers with a line: how the child ended (0: passed, 1: failed, 2: used up its seconds, 3: did not end)
 * and the milliseconds that it took. All are of processor time, so that a loaded machine changes nothing.
 * What a test came by stands in the file MUTANT_REACHED, a byte a site; line "0 seconds name" clears it
 * first.
 */
#include "tests/mutants/site.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The linker gives us the program's start (--wrap=main) and that of the tests, and each group of them. */
int run_program(int count, char **arguments) __asm__("__real_main");
int run_jobs(int count, char **arguments) __asm__("__wrap_main");
int run_group(const char *name, const struct CMUnitTest *tests, size_t count,
              CMFixtureFunction set_up,
              CMFixtureFunction tear_down) __asm__("__real__cmocka_run_group_tests");
int take_group(const char *name, const struct CMUnitTest *tests, size_t count,
               CMFixtureFunction set_up,
               CMFixtureFunction tear_down) __asm__("__wrap__cmocka_run_group_tests");

static uint8_t unwatched[MUTANT_SITES];

uint32_t mutant_site_off;
volatile uint8_t *mutant_sites = unwatched;

/* Shared with the children that tests run in. */
static void watch(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *shared = MAP_FAILED;

    if (file >= 0 && ftruncate(file, MUTANT_SITES) == 0)
        shared = mmap(NULL, MUTANT_SITES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    mutant_sites = shared;
    close(file);
}

enum ending { PASSED, FAILED, USED_UP, DOES_NOT_END };

/* A child that uses no time and does not end has shown nothing: this many seconds of the clock, then it
 * is given up. */
#define PATIENCE 600

static uint64_t milliseconds(int whose)
{
    struct rusage used;

    getrusage(whose, &used);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
           (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* What it forks has the same limit each, and a grandchild's end is only seen as a failure. */
static _Noreturn void run_child(char *name, uint64_t limit, int output)
{
    const struct rlimit time_limit = { .rlim_cur = limit, .rlim_max = limit + 1 };
    char *arguments[] = { name, name, NULL };

    setpgid(0, 0);
    setrlimit(RLIMIT_CPU, &time_limit);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    int failed = run_program(2, arguments);

    _exit(failed == 0 ? PASSED : milliseconds(RUSAGE_CHILDREN) >= limit * 900 ? USED_UP : FAILED);
}

/* SIGCHLD is blocked. */
static enum ending run_job(char *name, uint64_t limit, int output)
{
    const struct timespec wait = { .tv_sec = PATIENCE };
    sigset_t children;
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        run_child(name, limit, output);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    setpgid(child, child);
    if (sigtimedwait(&children, NULL, &wait) < 0 && errno == EAGAIN) {
        kill(-child, SIGKILL);
        waitpid(child, &status, 0);
        sigtimedwait(&children, NULL, &(const struct timespec){ 0 });
        return DOES_NOT_END;
    }
    waitpid(child, &status, 0);
    kill(-child, SIGKILL); /* a grandchild that a crash has left */
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL ? USED_UP : FAILED;
    return (enum ending)WEXITSTATUS(status);
}

int take_group(const char *name, const struct CMUnitTest *tests, size_t count,
               CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    if (getenv("MUTANT_LIST") == NULL)
        return run_group(name, tests, count, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        puts(tests[i].name);
    return 0;
}

int run_jobs(int count, char **arguments)
{
    const char *off = getenv("MUTANT"), *reached = getenv("MUTANT_REACHED");
    char line[256];
    sigset_t children;

    if (reached != NULL)
        watch(reached);
    if (off != NULL)
        mutant_site_off = (uint32_t)strtoul(off, NULL, 10);
    if (getenv("MUTANT_SERVER") == NULL)
        return run_program(count, arguments);
    int output = open("/dev/null", O_WRONLY | O_CLOEXEC);

    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *at = line;

        mutant_site_off = (uint32_t)strtoul(at, &at, 10);
        uint64_t limit = strtoul(at, &at, 10);
        char *name = at + strspn(at, " ");

        name[strcspn(name, "\n")] = '\0';
        uint64_t start = milliseconds(RUSAGE_CHILDREN);

        if (mutant_site_off == 0)
            memset((void *)(uintptr_t)mutant_sites, 0, MUTANT_SITES);
        enum ending result = run_job(name, limit, output);

        printf("%d %llu\n", (int)result,
               (unsigned long long)(milliseconds(RUSAGE_CHILDREN) - start));
        (void)fflush(stdout);
    }
    return EXIT_SUCCESS;
}
