/* SPDX-License-Identifier: Apache-2.0 */
/* The event ring with real faults: those of an edu, whose blocked transfers are a fault a word. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/edu.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/events.h"
#include "sdk/gic.h"
#include "sdk/timer.h"
#include "tests.h"

#define LABEL 0xE7E27u
#define IOVA 0x100000000ull
#define UNMAPPED 0x200000000ull
#define SECOND_PAST (NS_PER_SECOND + 100 * NS_PER_MS) /* a device's share of a second is new */
#define WAIT_NS NS_PER_SECOND
#define NOTHING_NS (300 * NS_PER_MS) /* an edu's transfer happens 100 ms after its start */
#define PATTERN 0x5a

static struct bh_device_info info;
static struct edu edu;
static uint32_t ioas;

/* Bound and attached, one page mapped to be read. */
static void prepare(void)
{
    uint32_t index;
    void *page = dma_alloc(1);

    check_true(find_edu(&index, &info), "an edu is on the list");
    if (check_failed())
        return;
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    ioas = (uint32_t)bh_ioas_alloc_paging(info.device, BH_IOAS_NONE);
    check_status(BH_OK, bh_map(ioas, IOVA, bh_address(page), DMA_PAGE_BYTES, BH_MAP_READ, NULL),
                 "map");
    check_status(BH_OK, bh_attach(info.device, BH_PASID_NONE, ioas), "attach");
    check_true(edu_init(&edu, info.bar[0].address), "the edu answers");
}

/* The next event, waited for. */
static bool next(struct bh_event *event)
{
    return events_wait(event, WAIT_NS);
}

static unsigned int drain(void)
{
    struct bh_event event;
    unsigned int count = 0;

    while (events_next(&event))
        count++;
    return count;
}

static void check_calls_of_ring(void)
{
    static _Alignas(BH_EVENT_RING_BYTES) unsigned char page[BH_EVENT_RING_BYTES];
    struct bh_partition_info self;
    uint64_t address = bh_address(page);

    check_status(BH_OK, bh_partition_info(&self), "partition_info");
    uint64_t end = self.memory_base + self.memory_size;
    const struct call_check rows[] = {
        { "withdraw without a ring", BH_ENOENT, BH_CALL_EVENT_RING, { 0 } },
        { "a ring in half a page", BH_EFAULT, BH_CALL_EVENT_RING, { address + 2048 } },
        { "a ring that is misaligned", BH_EFAULT, BH_CALL_EVENT_RING, { address + 8 } },
        { "a ring behind memory", BH_EFAULT, BH_CALL_EVENT_RING, { end } },
        { "a ring below memory",
          BH_EFAULT,
          BH_CALL_EVENT_RING,
          { self.memory_base - BH_EVENT_RING_BYTES } },
        { "a ring in a device's registers",
          BH_EFAULT,
          BH_CALL_EVENT_RING,
          { info.bar[0].address } },
        { "a ring at the last address", BH_EFAULT, BH_CALL_EVENT_RING, { ~0ull } },
        { "a ring, bit 52 set", BH_EFAULT, BH_CALL_EVENT_RING, { address | 1ull << 52 } },
        { "a ring", BH_OK, BH_CALL_EVENT_RING, { address } },
        { "a second ring", BH_EEXIST, BH_CALL_EVENT_RING, { address } },
        { "withdraw", BH_OK, BH_CALL_EVENT_RING, { 0 } },
        { "withdraw again", BH_ENOENT, BH_CALL_EVENT_RING, { 0 } },
    };

    CHECK_CALLS(rows);
    check_true(self.event_interrupt >= 32, "the ring has an interrupt");
}

static void check_event(const struct bh_event *event, uint64_t sequence, uint64_t iova,
                        uint32_t access, uint32_t cause)
{
    check_equal(sequence, event->sequence, "sequence");
    check_equal(BH_EVENT_FAULT, event->type, "type");
    check_equal(info.device, event->device, "device");
    check_equal(LABEL, event->label, "label");
    check_equal(iova, event->iova, "iova");
    check_equal(BH_PASID_NONE, event->pasid, "pasid");
    check_equal(access, event->access, "access");
    check_equal(cause, event->cause, "cause");
    check_equal(info.iommu, event->iommu, "iommu");
    check_equal(0, event->cookie, "cookie");
}

/* One word each: written where nothing is, read there, written to what may be read. */
static void check_faults(void)
{
    struct bh_event event = { 0 };

    check_status(BH_OK, events_open(), "open the ring");
    check_true(!events_next(&event), "a new ring is empty");
    edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(next(&event), "a blocked write is an event");
    check_event(&event, 0, UNMAPPED, BH_ACCESS_WRITE, BH_CAUSE_TRANSLATION);
    uint64_t first = event.time;

    edu_transfer(&edu, EDU_FROM_MEMORY, UNMAPPED + 0x1008, 0, 4);
    check_true(next(&event), "a blocked read is an event");
    check_event(&event, 1, UNMAPPED + 0x1008, BH_ACCESS_READ, BH_CAUSE_TRANSLATION);
    check_true(event.time > first, "time goes on");
    edu_transfer(&edu, EDU_TO_MEMORY, IOVA + 16, 0, 4);
    check_true(next(&event), "a write to what may be read is an event");
    check_event(&event, 2, IOVA + 16, BH_ACCESS_WRITE, BH_CAUSE_PERMISSION);
    edu_transfer(&edu, EDU_FROM_MEMORY, IOVA, 0, 4);
    check_true(!events_next(&event), "what is allowed is no event");
    check_equal(0, events_lost(), "none is lost");
}

/* A page is more faults than a device has in a second, and the next second is another. */
static void check_share(void)
{
    struct bh_event event = { 0 };
    struct bh_query_fault fault;
    uint64_t before, after;

    timer_sleep_ns(SECOND_PAST);
    bh_query_fault(info.device, &fault);
    before = fault.count;
    edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, EDU_BUFFER_BYTES);
    timer_sleep_ns(SECOND_PAST);
    bh_query_fault(info.device, &fault);
    after = fault.count;
    check_true(after - before > BH_EVENT_RATE, "a page is many faults");
    check_equal(BH_EVENT_RATE, drain(), "events of one device in a second");
    check_equal(after - before - BH_EVENT_RATE, events_lost(), "all others are counted as lost");
    edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(next(&event), "the next second has a share");
    check_equal(3 + after - before, event.sequence, "its number tells of those that were lost");
    printf("%" PRIu64 " faults, %" PRIu64 " events lost, %" PRIu64 " overflows\n", after - before,
           events_lost(), events_overflows());
}

/* Indices that name no slot, and one that names the wrong one: the ring is full or is not, no more. */
static void check_hostile(void)
{
    static _Alignas(BH_EVENT_RING_BYTES) volatile struct bh_event_ring page[3];
    static const uint64_t wild[] = { BH_EVENT_RECORDS, 0x100, 0xffffffffull, 1ull << 32, ~0ull };
    volatile struct bh_event_ring *ring = &page[1];
    volatile unsigned char *bytes = (volatile unsigned char *)page;
    bool intact = true;

    check_status(BH_OK, events_close(), "close the ring");
    for (size_t i = 0; i < sizeof(page); i++)
        bytes[i] = PATTERN;
    check_status(BH_OK, bh_event_ring(bh_address(ring)), "a ring between two pages");
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        ring->consumer = wild[i];
        ring->producer = wild[i];
        edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
        timer_sleep_ns(10 * NS_PER_MS);
        check_equal(i + 1, ring->lost, "an index that names no slot is a full ring");
        check_equal(wild[i], ring->producer, "nothing was added");
    }
    ring->consumer = 0;
    edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    timer_sleep_ns(10 * NS_PER_MS);
    check_equal(1, ring->producer, "the hypervisor's own index stands again");
    check_equal(sizeof(wild) / sizeof(wild[0]), ring->record[0].sequence, "and the number");
    check_status(BH_OK, bh_event_ring(0), "withdraw");
    for (size_t i = 0; i < sizeof(page[0]); i++)
        intact = intact && bytes[i] == PATTERN && bytes[2 * sizeof(page[0]) + i] == PATTERN;
    check_true(intact, "the pages beside the ring are untouched");
    ring->producer = 0;
    edu_transfer(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    timer_sleep_ns(10 * NS_PER_MS);
    check_equal(0, ring->producer, "a ring that was withdrawn is left alone");
}

/* Whether the ring's interrupt comes within that time; it is taken and ended. */
static bool interrupt_comes(uint32_t intid, uint64_t ns)
{
    uint64_t deadline = timer_now() + timer_ticks(ns);
    bool came = false;

    while (!came && timer_now() < deadline) {
        uint32_t taken = gic_acknowledge();

        came = taken == intid;
        if (taken < GIC_INTID_LIMIT)
            gic_end(taken);
    }
    return came;
}

/* Once for what comes while nobody reads, and again when all has been taken. */
static void check_interrupt(void)
{
    struct bh_partition_info self;
    struct bh_event event;

    bh_partition_info(&self);
    timer_sleep_ns(SECOND_PAST);
    drain();
    gic_clear_shared(self.event_interrupt); /* of those that were drained */
    check_true(!interrupt_comes(self.event_interrupt, 10 * NS_PER_MS), "no event, no interrupt");
    edu_start(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(interrupt_comes(self.event_interrupt, WAIT_NS), "an event interrupts");
    edu_wait(&edu);
    edu_start(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(!interrupt_comes(self.event_interrupt, NOTHING_NS),
               "a second one does not, while the first has not been taken");
    edu_wait(&edu);
    check_equal(2, drain(), "both are there");
    edu_start(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(interrupt_comes(self.event_interrupt, WAIT_NS), "the next one interrupts again");
    edu_wait(&edu);
    check_equal(1, drain(), "and is there");
    uint64_t before = timer_now();

    edu_start(&edu, EDU_TO_MEMORY, UNMAPPED, 0, 4);
    check_true(events_wait(&event, 10 * WAIT_NS), "it ends a sleep");
    check_true(timer_ns(timer_now() - before) < 5 * WAIT_NS, "long before the sleep's end");
    edu_wait(&edu);
}

static void check_health(void)
{
    static struct bh_query_health health;
    struct bh_query_fault fault;

    check_status(BH_OK, bh_query_health(&health), "query health");
    bh_query_fault(info.device, &fault);
    check_equal(sizeof(health), health.size, "query health: bytes filled");
    check_equal(fault.count, health.faults, "faults of the only device");
    check_true(health.events_lost > 0, "events were lost");
    check_equal(fault.lost, health.overflows, "overflows of its unit");
    check_equal(0, health.illegal_commands, "no command was refused");
    check_equal(0, health.units_silenced, "no unit failed");
    check_equal(0, health.devices_silent, "no device is silent");
    check_equal(0, health.pinned, "no memory is pinned");
}

int test_events(void)
{
    prepare();
    if (check_failed())
        return check_result();
    check_calls_of_ring();
    check_faults();
    check_share();
    check_interrupt();
    check_hostile();
    check_health();
    check_status(BH_OK, bh_detach(info.device, BH_PASID_NONE), "detach");
    check_status(BH_OK, bh_device_unbind(info.device), "unbind");
    return check_result();
}
