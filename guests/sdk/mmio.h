/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers, and the order of accesses between them and memory that a device masters.
 *
 * Each access is one load or store with a plain base register: a hypervisor that emulates the
 * register can read what it was from the syndrome, which other addressing modes do not promise.
 */
#ifndef BULKHEAD_SDK_MMIO_H
#define BULKHEAD_SDK_MMIO_H

#include <stdint.h>

#include "cpu.h"

/* One word. The address is a multiple of 4: a misaligned access to a device is a data abort. */
static inline uint32_t mmio_read32(uintptr_t address)
{
    return cpu_load32(address);
}

/* The same, written; it may arrive later: a read of the same device waits for it. */
static inline void mmio_write32(uintptr_t address, uint32_t value)
{
    cpu_store32(address, value);
}

/* Two words; a multiple of 8. In AArch32 these are two accesses of 32 bits, the lower half first. */
static inline uint64_t mmio_read64(uintptr_t address)
{
    return cpu_load64(address);
}

/* The same, written. */
static inline void mmio_write64(uintptr_t address, uint64_t value)
{
    cpu_store64(address, value);
}

/* What was stored to memory is there for a device that a later register write starts. */
static inline void dma_publish(void)
{
    cpu_order_stores();
}

/* Loads from memory after this see what a device wrote before the register read before this. */
static inline void dma_observe(void)
{
    cpu_order_loads();
}

#endif
