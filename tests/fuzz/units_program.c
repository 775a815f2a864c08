/* SPDX-License-Identifier: Apache-2.0 */
/* A million calls, in runs of a process each, two side by side. See units.h. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/units.h"
#include "tests/fuzz/units_state.h"

#define CALLS 1000000
#define RUN_CALLS 5000
#define SIDE_BY_SIDE 2
#define FLOOR 3000 /* triples */
#define FIRST_SEED 1

static pid_t begin(uint64_t seed)
{
    (void)fflush(NULL);
    pid_t process = fork();

    if (process == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assertion ends the process */
        units_run(seed, RUN_CALLS);
        (void)fflush(NULL);
        _exit(0);
    }
    return process;
}

static unsigned int triples(void)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < UNITS_TRIPLES; i++)
        count += units_tally->seen[i];
    return count;
}

/* Answers how many runs failed. */
static unsigned int run_all(void)
{
    struct {
        pid_t process;
        uint64_t seed;
    } side[SIDE_BY_SIDE] = { 0 };
    unsigned int failed = 0, running = 0;
    uint64_t next = FIRST_SEED;
    int status;

    while (next < FIRST_SEED + CALLS / RUN_CALLS || running != 0) {
        unsigned int i = 0;

        if (running < SIDE_BY_SIDE && next < FIRST_SEED + CALLS / RUN_CALLS && failed == 0) {
            while (side[i].process != 0)
                i++;
            side[i].seed = next++;
            side[i].process = begin(side[i].seed);
            running++;
            continue;
        }
        if (running == 0)
            break;
        pid_t process = wait(&status);

        while (side[i].process != process)
            i++;
        side[i].process = 0;
        running--;
        if (status == 0)
            continue;
        printf("a run fails: unit-tests --units %llu\n", (unsigned long long)side[i].seed);
        failed++;
    }
    return failed;
}

int units_program(const char *seed)
{
    unsigned int failed;

    if (seed != NULL) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        units_run(strtoull(seed, NULL, 0), RUN_CALLS);
        printf("%llu calls\n", (unsigned long long)units_tally->calls);
        return 0;
    }
    units_tally = mmap(NULL, sizeof(*units_tally), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (units_tally == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    failed = run_all();
    printf("%llu calls on %d unequal units, observer on: %u distinct (state, call, result), of at "
           "least %d\n",
           (unsigned long long)units_tally->calls, UNITS_KINDS, triples(), FLOOR);
    if (failed == 0 && triples() < FLOOR)
        failed = 1;
    printf("%u passed, %u failed\n", failed == 0, failed);
    return failed != 0;
}
