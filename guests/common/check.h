/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered checks. Each one that fails prints "check N: expected X, saw Y (what)"; the run goes on,
 * and its exit code is the number of the first failure.
 */
#ifndef GUESTS_COMMON_CHECK_H
#define GUESTS_COMMON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Highest exit code of a failed check; checks above it share it. The SDK's codes lie behind. */
#define CHECK_EXIT_MAX 118
#define CHECK_EXIT_UNUSABLE 119 /* no such test, or a word of bootargs is missing */

/* Two values are equal. */
void check_equal(uint64_t expected, uint64_t seen, const char *what);

/* A status is that one. */
void check_status(int64_t expected, int64_t seen, const char *what);

/* A status is one of two, where the ABI leaves open which of two mistakes is named. */
void check_either(int64_t first, int64_t second, int64_t seen, const char *what);

/* Something holds. */
void check_true(bool holds, const char *what);

/* A check that this partition or machine cannot make: it keeps its number. */
void check_skip(const char *what, const char *why);

/* One hypercall and the status that it must return. */
struct call_check {
    const char *what;
    int64_t expected;
    uint32_t call; /* BH_CALL_* */
    uint64_t argument[5];
};

void check_calls(const struct call_check *rows, size_t count);
#define CHECK_CALLS(rows) check_calls(rows, sizeof(rows) / sizeof((rows)[0]))

/* Whether one has failed so far: a test that cannot go on without it ends. */
bool check_failed(void);

/* Prints how many there were. Returns the exit code. Once, at the end. */
int check_result(void);

#endif
