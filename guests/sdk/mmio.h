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

static inline uint32_t mmio_read32(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t mmio_read64(uintptr_t address)
{
    uint64_t value;

    __asm__ volatile("ldr %x0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write64(uintptr_t address, uint64_t value)
{
    __asm__ volatile("str %x0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/* What was stored to memory is there for a device that a later register write starts. */
static inline void dma_publish(void)
{
    __asm__ volatile("dmb oshst" : : : "memory");
}

/* Loads from memory after this see what a device wrote before the register read before this. */
static inline void dma_observe(void)
{
    __asm__ volatile("dmb oshld" : : : "memory");
}

#endif
