/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree that a partition gets in x0 or r2: its machine, and nothing of the real one. */
#ifndef KERNEL_GUEST_TREE_H
#define KERNEL_GUEST_TREE_H

#include "kernel/partition.h"

#define GUEST_TREE_SIZE UINT64_C(0x10000)

/* Writes it to buffer (GUEST_TREE_SIZE bytes). False: it does not fit. The partition's CPU, or boot, before it
 * starts. Work: GUEST_TREE_SIZE, and the partition's devices. */
bool guest_tree_write(const struct partition *partition, void *buffer);

#endif
