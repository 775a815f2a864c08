/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of choices, k of n each, and its record. It comes from a seed, or from a list, behind whose end
 * every choice is 0, the plainest. A run that does nothing but ask here for whatever is free to choose is
 * played again by the seed or by the recorded list. Knows nothing of what is chosen.
 */
#ifndef TESTS_ADVERSARY_CHOICES_H
#define TESTS_ADVERSARY_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

#define CHOICES_LIMIT 131072

struct choice {
    uint16_t taken, of;
};

/* Lives in memory that a run in a child process shares with its parent. */
struct choices {
    unsigned int count; /* asked so far; the first CHOICES_LIMIT are recorded */
    struct choice item[CHOICES_LIMIT];
};

/* A record that children share. */
struct choices *choices_create(void);

/* How a seeded run chooses: every seed has its own readiness to leave the plainest. */
void choices_from_seed(struct choices *record, uint64_t seed);
void choices_from_list(struct choices *record, const struct choice *items, unsigned int count);

/* The next choice below count; for host_choose. */
unsigned int choices_next(const char *what, unsigned int count);

/* Makes of the record of a run the list of the next one, so that all runs come in turn: false after the
 * last. */
bool choices_advance(struct choices *record);

#endif
