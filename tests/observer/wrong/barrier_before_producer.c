/* SPDX-License-Identifier: Apache-2.0 */
/* The unit is told of commands that it cannot see yet: it consumes what stood in their slots before. */
#include "tests/observer/wrap.h"
#include "wrong.h"

static uint32_t no_barrier(struct command *commands, uint32_t count)
{
    (void)commands;
    wrong.barriers_skipped = 1; /* the next one: before CMDQ_PROD */
    return count;
}

void wrong_barrier_before_producer(void)
{
    wrong.commands = no_barrier;
}
