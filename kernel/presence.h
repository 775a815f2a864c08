/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI functions that are pulled out while the machine runs, and come back. What boot found keeps its record, its group
 * and its stream for ever; what changes is whether it is there. A function that is gone is taken from its owner as if
 * that had detached and unbound it (give_leave()); one that is back is parked until somebody binds it (I6).
 */
#ifndef KERNEL_PRESENCE_H
#define KERNEL_PRESENCE_H

#include "lib/types.h"

struct partition;

/* Has the boot CPU look at the functions that partitions list, again and again: a few each time, whatever there is
 * to see. Boot, when the partitions are planned. */
void presence_start(void);

/*
 * Registers that the partition had when their device was pulled out read as all ones, as they would by themselves, and
 * forget what is written: it learns of it too late to blame it. False: there are none at that address. The
 * partition's CPU. Work: the registers of its devices.
 */
bool presence_access(const struct partition *partition, uint64_t address, bool write,
                     uint64_t *value);

#endif
