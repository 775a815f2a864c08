/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masters that firmware drives while the machine runs, and that its tables name with the memory they need: each
 * of their streams reaches that memory at its own addresses and nothing else (I1), from when its unit starts. No
 * partition gets such a stream, and none such memory.
 */
#ifndef KERNEL_FIRMWARE_H
#define KERNEL_FIRMWARE_H

#include "drivers/topology/topology.h"

/* Opens what the topology names, and says what stays blocked and why: what is not whole pages, or lies over
 * registers or over `own`, the hypervisor's memory. Once, when units run and before memory is given to
 * partitions. Work: two SYNCs a stream. */
void firmware_start(const struct topology *topology, struct topology_range own);

#endif
