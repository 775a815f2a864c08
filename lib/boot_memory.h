/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's own memory beyond its image: handed out once, while booting, never given back
 * (I7). After boot_memory_seal() nothing is handed out any more.
 */
#ifndef LIB_BOOT_MEMORY_H
#define LIB_BOOT_MEMORY_H

#include "lib/types.h"

/* The memory to hand out, mapped. Once. */
void boot_memory_start(uint64_t base, uint64_t size);

/* Zeroed memory, aligned to a power of two. NULL: not enough left, or sealed. Work: size. */
void *boot_memory_take(uint64_t size, uint64_t alignment);

void boot_memory_seal(void);

/* Bytes handed out so far, gaps of alignment included; for the figures in the log. */
uint64_t boot_memory_used(void);

#endif
