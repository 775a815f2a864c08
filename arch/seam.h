/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seams: everything that kernel/, drivers/ and lib/ ask of the machine below them. Each
 * architecture answers in its own arch/<name>/seam_inline.h, which the Makefile puts on the include
 * path: on a target most of these are one instruction; on the host they reach models and a fixed
 * mapping.
 *
 * There are three seams that proofs and tests stand on:
 *   registers              mmio_*: a device's registers, by physical address
 *   what hardware reads    entry_write64 and the named barriers and cache calls
 *   memory                 memory_pointer: the one way from a physical address to a pointer
 */
#ifndef ARCH_SEAM_H
#define ARCH_SEAM_H

#include "lib/types.h"

/* ---- Registers ------------------------------------------------------------------------------ */

/* One access of exactly that width; address is physical and naturally aligned, and has been mapped
 * with arch_map_device(). Nothing but their order among themselves: a write does not make entries
 * stored before it visible, a read does not hold back later reads of memory. */
static inline uint32_t mmio_read32(uint64_t address);
static inline void mmio_write32(uint64_t address, uint32_t value);
static inline void mmio_write16(uint64_t address, uint16_t value);
static inline uint64_t mmio_read64(uint64_t address);
static inline void mmio_write64(uint64_t address, uint64_t value);

/*
 * Reads a register that may answer with an external abort (configuration space of an absent PCI
 * function on some root complexes). Returns false and leaves *value alone where it did.
 */
bool mmio_probe32(uint64_t address, uint32_t *value);

/* ---- What hardware reads -------------------------------------------------------------------- */

/* Stores one 64-bit word of a live table or queue, in one piece. The only way to store what an
 * IOMMU or a table walker reads. */
static inline void entry_write64(volatile uint64_t *entry, uint64_t value);

/* All entries written before are visible to every walker in the system before anything that
 * follows: needed before the register write or the entry that lets a walker find them. */
static inline void barrier_entries(void);

/* The same, and no load that follows is made before: between a store that another CPU looks at and a
 * look at what that CPU stored. */
static inline void barrier_full(void);

/* What a device wrote to memory before the register read that told of it is visible to the reads
 * that follow. */
static inline void barrier_device_read(void);

/* Writes back, to the point of coherency, what the data caches hold of [pointer, +size): for tables
 * that a unit without coherent walks reads. */
void cache_clean(const volatile void *pointer, uint64_t size);

/* As cache_clean(), and drops the lines: for memory that changes its owner. */
void cache_clean_invalidate(const volatile void *pointer, uint64_t size);

/* Makes instruction fetches by any CPU see what was written to [pointer, +size). */
void cache_synchronise_code(const volatile void *pointer, uint64_t size);

/* ---- Memory --------------------------------------------------------------------------------- */

/* The pointer to physical memory that the hypervisor has mapped: its own, and partitions'. */
static inline void *memory_pointer(uint64_t physical);
static inline uint64_t memory_physical(const volatile void *pointer);

/* ---- CPU and time --------------------------------------------------------------------------- */

/* 0 for the boot CPU, then in the order of the device tree. */
static inline unsigned int cpu_index(void);
static inline void cpu_relax(void);

/* What CPUs do to each other: nothing on a target; on the host another CPU may go on here. A lock tells
 * when it is about to be waited for, when it has been taken and when it has been given back, other
 * words that several CPUs change tell it before each change. */
static inline void cpu_lock_wanted(const volatile void *lock);
static inline void cpu_lock_taken(const volatile void *lock);
static inline void cpu_lock_released(const volatile void *lock);
static inline void cpu_atomic(const volatile void *word);

/* Monotonic, the same on all CPUs. */
static inline uint64_t time_now(void); /* ticks */
static inline uint64_t time_ticks_per_second(void);

#include "seam_inline.h"

/* A moment so many microseconds from now; and whether a moment has passed. */
static inline uint64_t time_deadline(uint64_t microseconds)
{
    return time_now() + time_ticks_per_second() * microseconds / 1000000;
}

static inline bool time_passed(uint64_t deadline)
{
    return (int64_t)(time_now() - deadline) >= 0;
}

#endif
