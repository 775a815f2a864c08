/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hardware reads, on its way from a CPU: entry_write64(), the barriers and the cache calls of the
 * host machine. docs/testing.md ("The host machine") says what is promised and what is not.
 *
 * A CPU sees its stores at once; hardware sees a store up to the completion of the next named barrier
 * of the CPU that made it, at any moment before, in any order that keeps the stores to one address in
 * theirs. Behind that stands, for units whose accesses are not coherent, memory itself: a store gets
 * there once it has been cleaned and a barrier has followed, or earlier by itself.
 */
#ifndef ARCH_HOST_STORE_BUFFER_H
#define ARCH_HOST_STORE_BUFFER_H

#include <stddef.h>

#include "lib/types.h"

/* When a store becomes visible. */
enum host_stores {
    HOST_STORES_IMMEDIATE, /* when it is made */
    HOST_STORES_HELD,      /* at the barrier, or when the test says so: oldest first */
    HOST_STORES_SCHEDULED, /* at the barrier or earlier, in an order that host_choose() picks */
};

/* Whose eyes. */
enum host_view {
    HOST_VIEW_COHERENT, /* walkers and devices that see the CPUs' caches */
    HOST_VIEW_MEMORY,   /* units whose accesses are not coherent: memory behind the caches */
};

#define HOST_STORE_CALLERS 3

/* A store that became visible, or is about to. */
struct host_store {
    uint64_t address; /* of the 64-bit word */
    uint64_t before;  /* what that view saw until now */
    uint64_t after;   /* what it sees from now on */
    enum host_view view;
    unsigned int cpu;
    uint64_t sequence;                      /* of all stores since host_reset(), from 0 */
    const void *caller[HOST_STORE_CALLERS]; /* innermost first; host_symbol() names them */
};

/* Called after each store became visible, in every mode; NULL: nobody. It may read as hardware and ask
 * models; it must not store. */
extern void (*host_visible)(const struct host_store *store);

/* Changes the mode; what is pending becomes visible first. */
void host_stores_mode(enum host_stores wanted);

/* From now on there are units whose accesses are not coherent. What memory holds now is the same as
 * what the caches hold. */
void host_noncoherent_start(void);

/* What may become visible next, in any mode but IMMEDIATE: how many stores there are to choose from,
 * each with its predecessors to the same address visible; a look at one; and the deed. Oldest first,
 * those for HOST_VIEW_MEMORY behind those for HOST_VIEW_COHERENT. */
unsigned int host_stores_legal(void);
struct host_store host_stores_at(unsigned int n);
void host_stores_release(unsigned int n);
void host_stores_release_all(void);

/* SCHEDULED: a moment at which any number of pending stores may become visible. */
void host_stores_moment(void);

/* Physical memory as hardware sees it, and a write of it. The caller has checked that memory is there.
 * A CPU sees a write to HOST_VIEW_MEMORY once it has invalidated. */
void host_view_read(enum host_view view, uint64_t address, void *data, size_t size);
void host_view_write(enum host_view view, uint64_t address, const void *data, size_t size);

static inline void host_hardware_read(uint64_t address, void *data, size_t size)
{
    host_view_read(HOST_VIEW_COHERENT, address, data, size);
}

static inline void host_hardware_write(uint64_t address, const void *data, size_t size)
{
    host_view_write(HOST_VIEW_COHERENT, address, data, size);
}

/* One line: who stored, where, what changed. Returns text. */
const char *host_store_text(const struct host_store *store, char *text, size_t size);

/* The function or object that an address lies in, or "?". */
const char *host_symbol(const void *address);

/* The return addresses above a frame. */
void host_callers(void *const *frame, const void **callers);

/* For host.c. */
void host_stores_reset(void);
void host_store(volatile uint64_t *entry, uint64_t value, const void *const *callers);
void host_stores_barrier(void);
uint64_t host_stores_sequence(void);
/* The CPU's stores before that sequence number become visible. */
void host_stores_complete(unsigned int cpu, uint64_t before);
void host_stores_clean(uint64_t address, uint64_t size, bool invalidate);

#endif
