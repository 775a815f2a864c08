/* SPDX-License-Identifier: Apache-2.0 */
#include "events.h"

#include "cpu.h"
#include "gic.h"
#include "timer.h"

static _Alignas(BH_EVENT_RING_BYTES) volatile struct bh_event_ring ring;
static uint32_t interrupt; /* of the ring; 0: there is no GIC */

/* Counters of 64 bits: on a CPU of 32 bits a look may fall between the halves of a change. */
static uint64_t counter(const volatile uint64_t *word)
{
    uint64_t value = *word;

    while (value != *word)
        value = *word;
    return value;
}

int64_t events_open(void)
{
    struct bh_partition_info self;
    int64_t status = bh_partition_info(&self);

    if (status == BH_OK)
        status = bh_event_ring(bh_address(&ring));
    if (status == BH_OK && gic_init()) {
        interrupt = self.event_interrupt;
        gic_enable_shared(interrupt);
    }
    return status;
}

int64_t events_close(void)
{
    return bh_event_ring(0);
}

bool events_next(struct bh_event *event)
{
    uint64_t slot = ring.consumer;

    /* The store of the index is seen before this look, or the record wakes this CPU. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (ring.producer == slot)
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    *event = ring.record[slot];
    __atomic_thread_fence(__ATOMIC_RELEASE);
    ring.consumer = slot + 1 == BH_EVENT_RECORDS ? 0 : slot + 1;
    return true;
}

/* One look, and one sleep where there is nothing: masked in between, and the ring's interrupt is forgotten
 * first, so that an event behind the look wakes again. */
static bool look_or_doze(struct bh_event *event, uint64_t deadline)
{
    uintptr_t mask = cpu_interrupt_mask();
    bool found;

    gic_mask();
    if (interrupt != 0)
        gic_clear_shared(interrupt);
    found = events_next(event);
    if (!found)
        timer_doze(deadline);
    cpu_restore_interrupt_mask(mask);
    return found;
}

bool events_wait(struct bh_event *event, uint64_t ns)
{
    uint64_t deadline = timer_now() + timer_ticks(ns);

    while (!events_next(event)) {
        if (timer_now() >= deadline)
            return false;
        if (look_or_doze(event, deadline))
            return true;
    }
    return true;
}

uint64_t events_lost(void)
{
    return counter(&ring.lost);
}

uint64_t events_overflows(void)
{
    return counter(&ring.overflows);
}
