/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers from a seed (splitmix64): the same seed makes the same scenario everywhere.
 */
#ifndef DICE_H
#define DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to count - 1. */
static inline unsigned below(struct dice *dice, unsigned count)
{
    return (unsigned)(roll(dice) % count);
}

static inline unsigned between(struct dice *dice, unsigned first, unsigned last)
{
    return first + below(dice, last - first + 1);
}

static inline bool chance(struct dice *dice, unsigned percent)
{
    return below(dice, 100) < percent;
}

#endif
