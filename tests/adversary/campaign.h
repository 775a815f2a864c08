/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many runs of one scenario, each in a process of its own that starts where the caller stands. A run that
 * fails is made as short as it gets and shown: what it did that was not the plainest, what failed, and the
 * command that plays it again.
 */
#ifndef TESTS_ADVERSARY_CAMPAIGN_H
#define TESTS_ADVERSARY_CAMPAIGN_H

#include <stdint.h>

/* Runs the scenario with that many seeds; fails the test if one of them fails. name: the test's, for
 * the command; BULKHEAD_REPLAY in the environment may name one run instead. */
void campaign_seeds(const char *name, void (*scenario)(void), unsigned int seeds);

/* Runs the scenario with every sequence of choices; answers how many there are, at most limit. */
unsigned int campaign_all(const char *name, void (*scenario)(void), unsigned int limit);

/* As campaign_seeds(), for tests of the campaign itself: answers how many choices other than 0 the
 * shortest failing run needs; -1: no run failed. Shows nothing. */
int campaign_shortest(void (*scenario)(void), unsigned int seeds, uint64_t *seed);

#endif
