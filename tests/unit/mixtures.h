/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a unit may make of an entry while it changes: it fetches the words one by one, each at any
 * moment, and may keep each until a SYNC has completed. So after every store it may hold any
 * mixture of the values that each word has had since the last completed SYNC. All of them are tried.
 */
#ifndef TESTS_MIXTURES_H
#define TESTS_MIXTURES_H

#include "bench.h"

/* From now on, after each store to the entry, check() sees every mixture. */
void mixtures_watch(volatile uint64_t *entry, void (*check)(const uint64_t words[ENTRY_WORDS]));
void mixtures_stop(void);

/* Stores to the entry, and mixtures tried, since mixtures_watch(). */
extern unsigned int mixtures_stores;
extern uint64_t mixtures_tried;

#endif
