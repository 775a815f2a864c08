/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition may know of its own, and its manager of all: the call QUERY. */
#ifndef KERNEL_QUERY_H
#define KERNEL_QUERY_H

#include "lib/types.h"

struct partition;

/* Fills the structure of that kind, BH_QUERY_*, at the guest-physical address; which: a device's id or an index.
 * Returns BH_* codes (include/bulkhead/abi.h, QUERY). A CPU of the partition. Work: the partition's devices. */
int64_t query(struct partition *partition, uint64_t what, uint64_t address, uint64_t which);

#endif
