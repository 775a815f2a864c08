/* SPDX-License-Identifier: Apache-2.0 */
/* What the boot CPU does again and again: when a test says that its time has come. */
#include "arch/host/host.h"

static void (*regular[ARCH_REGULAR])(void);

void host_every_reset(void)
{
    for (unsigned int i = 0; i < ARCH_REGULAR; i++)
        regular[i] = NULL;
}

void arch_every(uint64_t ticks, void (*function)(void))
{
    unsigned int free = 0;

    (void)ticks;
    while (free < ARCH_REGULAR - 1 && regular[free] != NULL)
        free++;
    regular[free] = function;
}

unsigned int host_every(void)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < ARCH_REGULAR; i++) {
        if (regular[i] == NULL)
            continue;
        regular[i]();
        count++;
    }
    return count;
}
