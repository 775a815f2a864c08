/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs: one QEMU each, and the tests that are made in it.
 */
#ifndef RUN_H
#define RUN_H

#include "judge.h"

/* Do one scenario by its seed. Failures are printed and counted. */
void run_scenario(struct scenario *scenario, struct tally *tally);

/* Passed and failed tests. */
struct results {
    unsigned passed, failed;
};
void report(struct results *results, bool passed, const char *kind, const char *name);

/* known.c: each deviation still exists. `pair` is a nested unit that has seen no two-level table. */
void test_known_deviations(struct pair *pair, struct results *results);

/* others.c: what is shown outside judged accesses; the last where known.c left a two-level table. */
void test_properties(const char *qemu, struct pair *pair, struct results *results);
void test_two_level_sticks(struct pair *pair, struct results *results);

#endif
