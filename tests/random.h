/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from a seed (splitmix64): the same seed gives the same numbers on every machine. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *seed)
{
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 to below - 1. */
static inline uint64_t random_below(uint64_t *seed, uint64_t below)
{
    return random_next(seed) % below;
}

#endif
