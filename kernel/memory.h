/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory at boot: which stretches of RAM are free, and who gets them. Nothing is given
 * back. Boot CPU alone; work: the stretches that are kept, a constant.
 */
#ifndef KERNEL_MEMORY_H
#define KERNEL_MEMORY_H

#include "drivers/topology/topology.h"

/* Takes the RAM of the topology less everything it reserves. False: more stretches than are
 * kept. */
bool memory_start(const struct topology *topology);

/* Takes [base, +size) out of what is free, whole or in part. False: more stretches than are
 * kept. */
bool memory_reserve(uint64_t base, uint64_t size);

/* Free memory of that size and alignment (a power of two), the lowest there is. 0: none. */
uint64_t memory_take(uint64_t size, uint64_t alignment);

/* Takes exactly [base, +size) if all of it is free. False: it is not, and nothing was taken. */
bool memory_take_at(uint64_t base, uint64_t size);

#endif
