/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket lock: first come, first served, so the wait of one CPU is bounded by the critical sections
 * of the others. Not recursive. docs/architecture.md has the
 * order in which locks nest.
 */
#ifndef LIB_LOCK_H
#define LIB_LOCK_H

#include <stdatomic.h>

#include "arch/seam.h"

struct lock {
    _Atomic uint32_t next;
    _Atomic uint32_t serving;
};

static inline void lock_acquire(struct lock *lock)
{
    cpu_lock_wanted(lock);
    uint32_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

    while (
        __builtin_expect(atomic_load_explicit(&lock->serving, memory_order_acquire) != ticket, 0))
        cpu_relax();
    cpu_lock_taken(lock);
}

/* Takes the lock if nobody holds it; never waits. */
static inline bool lock_try(struct lock *lock)
{
    uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
    uint32_t expected = serving;

    if (!atomic_compare_exchange_strong_explicit(&lock->next, &expected, serving + 1,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    cpu_lock_taken(lock);
    return true;
}

static inline void lock_release(struct lock *lock)
{
    uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_relaxed);

    atomic_store_explicit(&lock->serving, serving + 1, memory_order_release);
    cpu_lock_released(lock);
}

#endif
