/* SPDX-License-Identifier: Apache-2.0 */
/* A partition of make check, played by its hypercalls: it takes all it can get. */
#ifndef TOOLS_CHECK_GUEST_H
#define TOOLS_CHECK_GUEST_H

#include "kernel/partition.h"

struct guest_result {
    int64_t bound;     /* what bind answered: BH_OK, or why the device cannot be had */
    uint64_t mapped;   /* bytes of its memory, from its base on, iova = guest-physical address */
    uint64_t refused;  /* maps of what is not its own that were refused */
    uint32_t messages; /* vectors of the device that it bound */
    uint64_t accepted, accepted_size; /* the first that was not; size 0: none */
};

/* Starts the partition, binds and attaches the device, maps all memory of the partition, binds
 * the messages of the device, and tries to map what lies behind every address of every column. */
void guest_take(struct partition *partition, struct device *device, struct guest_result *result);

/* The partition ends: everything goes back. */
void guest_leave(struct partition *partition);

#endif
