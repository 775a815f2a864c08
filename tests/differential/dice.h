/* SPDX-License-Identifier: Apache-2.0 */
/* Dice: the same seed makes the same scenario everywhere. */
#ifndef DICE_H
#define DICE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/random.h"

struct dice {
    uint64_t state;
};

static inline uint64_t roll(struct dice *dice)
{
    return random_next(&dice->state);
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
