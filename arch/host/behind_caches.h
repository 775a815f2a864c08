/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory behind the CPUs' caches, as a unit sees it whose accesses are not coherent: a second copy of
 * the machine's memory and of the program, which only cleaning and the unit itself change.
 */
#ifndef ARCH_HOST_BEHIND_CACHES_H
#define ARCH_HOST_BEHIND_CACHES_H

#include "lib/types.h"

/* The copy is made (equal to what CPUs see now), and forgotten. Without it nothing is covered. */
void behind_caches_start(void);
void behind_caches_stop(void);
bool behind_caches_covers(uint64_t address);

/* A word as the copy has it; 0 where nothing is covered. */
uint64_t behind_caches_get(uint64_t word);
void behind_caches_put(uint64_t word, uint64_t value);
/* By a unit: CPUs see it when they have invalidated. */
void behind_caches_write(uint64_t word, uint64_t value);

/* The word's line is written back if a CPU wrote to it; invalidate: CPUs see what a unit wrote. */
void behind_caches_clean(uint64_t word, bool invalidate);

#endif
