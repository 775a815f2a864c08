/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event rings (include/bulkhead/abi.h, struct bh_event_ring): what a partition is told of its devices.
 * The page is the partition's, and hostile: nothing in it is believed. What is written comes from
 * struct event_ring, and of what the guest writes only `consumer` is read: once to find room, and
 * once behind a record to see whether the reader may be asleep. Neither value leads to an address.
 *
 * Nobody waits for a guest here: a ring without room loses the event, counted (I9).
 */
#ifndef KERNEL_EVENTS_H
#define KERNEL_EVENTS_H

#include "bulkhead/abi.h"
#include "lib/lock.h"

struct partition;

struct event_ring {
    struct lock lock;        /* guards everything here; last in the lock order but for the log's */
    volatile uint64_t *page; /* NULL: none */
    uint64_t producer, sequence, lost, overflows; /* as they stand in the page */

    /* For the health record, since boot. */
    uint64_t all_faults, all_lost, all_overflows;
};

/* The hypercall: address 0 withdraws, any other makes that page of its memory the ring. Returns BH_* codes
 * (include/bulkhead/abi.h, EVENT_RING). A CPU of the partition. Constant work. */
int64_t event_ring_set(struct partition *partition, uint64_t address);

/* The partition is ending: nothing is written to its memory and it gets no interrupt any more when
 * this returns. Its CPU. Waits for one record that another CPU may be writing. */
void event_ring_end(struct partition *partition);

/* Tells a partition. sequence and time are filled in here. room: false where the event's device has
 * had its share: it is only counted. Any CPU; bounded. */
void event_post(struct partition *partition, const struct bh_event *event, bool room);

/* Counts that a unit in front of the partition's devices lost faults. Any CPU; constant work. */
void event_overflow(struct partition *partition);

#endif
