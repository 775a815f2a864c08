/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to this partition's devices, one event at a time: the reader of the event ring
 * (struct bh_event_ring). One ring a program.
 *
 *     struct bh_event event;
 *
 *     if (events_open() != BH_OK)
 *         return 1;
 *     while (events_wait(&event, NS_PER_SECOND))
 *         printf("label %" PRIu64 ": %s\n", event.label, bh_cause_name(event.cause));
 *
 * The interrupt bh_partition_info.event_interrupt comes when there is an event after there was none.
 * events_next() that said no has looked behind its own store, so a program that sleeps after it
 * misses nothing. By one CPU.
 */
#ifndef BULKHEAD_SDK_EVENTS_H
#define BULKHEAD_SDK_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead.h"

/* Opens the ring, on a page of the SDK's, and enables its interrupt, if the tree has a GICv3. BH_OK or the
 * call's error. */
int64_t events_open(void);

/* Withdraws it; what was not taken is gone. BH_OK or the call's error. */
int64_t events_close(void);

/* Takes the next event. False: there is none now. */
bool events_next(struct bh_event *event);

/* The same, and sleeps by WFI until there is one, but no longer than that. Other interrupts are as in
 * timer_sleep_ns(); where the program has unmasked them, the ring's own reaches bh_interrupt() too. */
bool events_wait(struct bh_event *event, uint64_t ns);

/* Events that the ring did not take since it was opened: it was full, or a device had its share. */
uint64_t events_lost(void);

/* Times that a unit lost faults before they could become events. */
uint64_t events_overflows(void);

#endif
