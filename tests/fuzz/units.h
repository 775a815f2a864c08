/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of one partition with devices behind several unequal units, at random from a seed, with the observer
 * on. What is counted beside it: the distinct triples of a state, a call in it, and its result.
 */
#ifndef TESTS_FUZZ_UNITS_H
#define TESTS_FUZZ_UNITS_H

#include "lib/types.h"

/* Boots the machine of the seed, which says what its third unit is; then so many calls, each answered as it may be;
 * everything is given back at the end. In a process of its own. */
void units_run(uint64_t seed, unsigned int calls);

/* The program `unit-tests --units [seed]`: a million calls, or the run of one seed. Answers its exit status. */
int units_program(const char *seed);

#endif
