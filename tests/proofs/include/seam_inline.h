/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seams as the proofs have them. Physical memory is a few small pages, each with room for
 * PROOF_ENTRIES words of its PAGE_SIZE bytes: table pages of a format with few bits a level need no
 * more, and an access beyond them is an error that the checker finds. Each proof says what a store
 * to a live entry does.
 */
#ifndef PROOFS_SEAM_INLINE_H
#define PROOFS_SEAM_INLINE_H

#include "lib/types.h"

#ifndef PROOF_PAGES
#define PROOF_PAGES 1
#endif
#ifndef PROOF_ENTRIES
#define PROOF_ENTRIES 512
#endif

#define PROOF_PHYSICAL UINT64_C(0x40000000) /* where the small pages begin */

extern uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];

/* The proof's own: stores value, and may look at what has become visible by it. */
void proof_store(volatile uint64_t *entry, uint64_t value);
void proof_barrier(void);
uint64_t proof_time(void);

static inline uint32_t mmio_read32(uint64_t address)
{
    (void)address;
    __CPROVER_assert(false, "no register is read here");
    return 0;
}

static inline void mmio_write32(uint64_t address, uint32_t value)
{
    (void)address;
    (void)value;
    __CPROVER_assert(false, "no register is written here");
}

static inline uint64_t mmio_read64(uint64_t address)
{
    return mmio_read32(address);
}

static inline void mmio_write64(uint64_t address, uint64_t value)
{
    mmio_write32(address, (uint32_t)value);
}

static inline void entry_write64(volatile uint64_t *entry, uint64_t value)
{
    proof_store(entry, value);
}

static inline void barrier_entries(void)
{
    proof_barrier();
}

static inline void barrier_full(void)
{
    proof_barrier();
}

static inline void barrier_device_read(void)
{
}

static inline void *memory_pointer(uint64_t physical)
{
    uint64_t page = (physical - PROOF_PHYSICAL) >> PAGE_SHIFT;

    __CPROVER_assert(page < PROOF_PAGES, "the address is one of the memory's");
#ifdef PROOF_BYTES
    return (char *)&proof_memory[page * PROOF_ENTRIES] + (physical & (PAGE_SIZE - 1));
#else
    return &proof_memory[page * PROOF_ENTRIES +
                         (physical & (PAGE_SIZE - 1)) / sizeof(proof_memory[0])];
#endif
}

static inline uint64_t memory_physical(const volatile void *pointer)
{
    uint64_t word = __CPROVER_POINTER_OFFSET(pointer) / sizeof(proof_memory[0]);

    __CPROVER_assert(__CPROVER_same_object(pointer, proof_memory),
                     "the pointer is into the memory");
    return PROOF_PHYSICAL + (word / PROOF_ENTRIES << PAGE_SHIFT) +
           word % PROOF_ENTRIES * sizeof(proof_memory[0]);
}

static inline unsigned int cpu_index(void)
{
    return 0;
}

static inline void cpu_relax(void)
{
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
    return proof_time();
}

static inline uint64_t time_ticks_per_second(void)
{
    return 1000000000;
}

#endif
