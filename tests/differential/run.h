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

/* properties.c: registers, queues and the way in and out of translation. */
void test_properties(const char *qemu, struct results *results);

#endif
