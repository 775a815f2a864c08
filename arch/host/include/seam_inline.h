/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seams in a process. Physical memory is a fixed mapping whose addresses are the process's own
 * (the program is linked at a low fixed address, and HOST_MEMORY lies where its pointers fit into a
 * table entry), unless a tool added the memory of a real machine, which keeps its own addresses
 * (host_memory_add); registers reach whatever model stands at their address; time is a counter that the
 * tests move.
 */
#ifndef ARCH_HOST_SEAM_INLINE_H
#define ARCH_HOST_SEAM_INLINE_H

#include "lib/types.h"

uint64_t host_mmio_read(uint64_t address, unsigned int bytes);
void host_mmio_write(uint64_t address, uint64_t value, unsigned int bytes);
void host_entry_write(volatile uint64_t *entry, uint64_t value);
void host_barrier(void);
void host_device_barrier(void);
uint64_t host_time(void);
void host_relax(void);
void host_lock_wanted(const volatile void *lock);
void host_lock_taken(const volatile void *lock);
void host_lock_released(const volatile void *lock);
void host_atomic(const volatile void *word);
extern unsigned int host_cpu;
extern unsigned int host_stretches;
extern uint64_t host_ticks_per_second;
void *host_memory_pointer(uint64_t physical);
uint64_t host_memory_physical(const volatile void *pointer);

static inline uint32_t mmio_read32(uint64_t address)
{
    return (uint32_t)host_mmio_read(address, 4);
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
    host_mmio_write(address, value, 4);
}

static inline void mmio_write16(uint64_t address, uint16_t value)
{
    host_mmio_write(address, value, 2);
}

static inline uint64_t mmio_read64(uint64_t address)
{
    return host_mmio_read(address, 8);
}

static inline void mmio_write64(uint64_t address, uint64_t value)
{
    host_mmio_write(address, value, 8);
}

static inline void entry_write64(volatile uint64_t *entry, uint64_t value)
{
    host_entry_write(entry, value);
}

static inline void barrier_entries(void)
{
    host_barrier();
}

static inline void barrier_full(void)
{
    host_barrier();
}

static inline void barrier_device_read(void)
{
    host_device_barrier();
}

static inline void *memory_pointer(uint64_t physical)
{
    return host_stretches != 0 ? host_memory_pointer(physical) : (void *)(uintptr_t)physical;
}

static inline uint64_t memory_physical(const volatile void *pointer)
{
    return host_stretches != 0 ? host_memory_physical(pointer) : (uint64_t)(uintptr_t)pointer;
}

static inline unsigned int cpu_index(void)
{
    return host_cpu;
}

static inline void cpu_relax(void)
{
    host_relax();
}

static inline void cpu_lock_wanted(const volatile void *lock)
{
    host_lock_wanted(lock);
}

static inline void cpu_lock_taken(const volatile void *lock)
{
    host_lock_taken(lock);
}

static inline void cpu_lock_released(const volatile void *lock)
{
    host_lock_released(lock);
}

static inline void cpu_atomic(const volatile void *word)
{
    host_atomic(word);
}

static inline uint64_t time_now(void)
{
    return host_time();
}

static inline uint64_t time_ticks_per_second(void)
{
    return host_ticks_per_second;
}

#endif
