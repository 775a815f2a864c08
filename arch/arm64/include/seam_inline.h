/* SPDX-License-Identifier: Apache-2.0 */
/* The seams on AArch64 at EL2, where physical addresses are mapped to themselves. See
 * arch/seam.h. */
#ifndef ARCH_ARM64_SEAM_INLINE_H
#define ARCH_ARM64_SEAM_INLINE_H

#include "lib/types.h"

/* The tables of the CPUs and of the SMMUs (lib/pagetable_format.h). */
#define ARCH_ONE_FORMAT VMSA_4K

/* The accesses are written in assembler so that each stays one load or store without writeback, the
 * only kind whose syndrome a hypervisor below could decode. */
static inline uint32_t mmio_read32(uint64_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write16(uint64_t address, uint16_t value)
{
    __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline uint64_t mmio_read64(uint64_t address)
{
    uint64_t value;

    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write64(uint64_t address, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void entry_write64(volatile uint64_t *entry, uint64_t value)
{
    *entry = value;
}

static inline void barrier_entries(void)
{
    __asm__ volatile("dsb st" : : : "memory");
}

static inline void barrier_full(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

static inline void barrier_device_read(void)
{
    __asm__ volatile("dmb oshld" : : : "memory");
}

static inline void *memory_pointer(uint64_t physical)
{
    return (void *)(uintptr_t)physical;
}

static inline uint64_t memory_physical(const volatile void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* TPIDR_EL2 points at the struct cpu of this CPU, whose first word is its index. */
static inline unsigned int cpu_index(void)
{
    const unsigned int *cpu;

    __asm__ volatile("mrs %0, tpidr_el2" : "=r"(cpu));
    return *cpu;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("yield" : : : "memory");
}

static inline void cpu_lock_wanted(const volatile void *lock)
{
    (void)lock;
}

static inline void cpu_lock_taken(const volatile void *lock)
{
    (void)lock;
}

static inline void cpu_lock_released(const volatile void *lock)
{
    (void)lock;
}

static inline void cpu_atomic(const volatile void *word)
{
    (void)word;
}

static inline uint64_t time_now(void)
{
    uint64_t ticks;

    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

static inline uint64_t time_ticks_per_second(void)
{
    uint64_t frequency;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return frequency;
}

#endif
