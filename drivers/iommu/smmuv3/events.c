/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue (IHI 0070 7.2, 7.3). */
#include "bulkhead/abi.h"
#include "drivers/iommu/smmuv3/unit.h"

/* Looks at the queue in one call, and records read in it. */
#define EVENT_PASSES 4
#define EVENTS_PER_CALL 64

struct event {
    uint64_t word[EVENT_WORDS];
};

static uint32_t cause_of(uint64_t type)
{
    switch (type) {
    case EVENT_TRANSLATION:
        return BH_CAUSE_TRANSLATION;
    case EVENT_PERMISSION:
        return BH_CAUSE_PERMISSION;
    case EVENT_ADDRESS_SIZE:
        return BH_CAUSE_ADDRESS_SIZE;
    case EVENT_ACCESS:
        return BH_CAUSE_ACCESS_FLAG;
    case EVENT_BAD_STREAM:
    case EVENT_BAD_STE:
    case EVENT_BAD_SUBSTREAM:
    case EVENT_BAD_CD:
        return BH_CAUSE_STREAM;
    case EVENT_STE_FETCH:
    case EVENT_CD_FETCH:
    case EVENT_WALK_ABORT:
        return BH_CAUSE_TABLE;
    default:
        return BH_CAUSE_OTHER;
    }
}

static void report(struct iommu *iommu, const struct event *event, uint64_t number, uint64_t first)
{
    uint64_t type = FIELD_GET(EVENT0_TYPE, event->word[0]);
    struct iommu_fault fault = {
        .number = number,
        .first = first,
        .stream = (uint32_t)FIELD_GET(EVENT0_STREAM, event->word[0]),
        /* That record has no SSV: its subject is a PASID (7.3.9). */
        .pasid = (event->word[0] & EVENT0_SSV) != 0 || type == EVENT_BAD_SUBSTREAM
                     ? (uint32_t)FIELD_GET(EVENT0_SUBSTREAM, event->word[0])
                     : BH_PASID_NONE,
        .iova = event->word[2],
        .cause = cause_of(type),
        .access = (event->word[1] & EVENT1_READ) != 0 ? BH_ACCESS_READ : BH_ACCESS_WRITE,
        .type = (uint32_t)type,
    };

    iommu->counters.events++;
    iommu_events->fault(iommu, &fault);
}

/* Whether the unit says that it could not write an event; acknowledged. */
static bool take_abort(struct smmuv3 *unit)
{
    lock_acquire(&unit->lock);
    uint32_t acknowledged = mmio_read32(unit->base + SMMU_GERRORN);
    uint32_t active = (mmio_read32(unit->base + SMMU_GERROR) ^ acknowledged) &
                      (uint32_t)GERROR_EVENTQ_ABORT;

    if (active != 0)
        mmio_write32(unit->base + SMMU_GERRORN, acknowledged ^ active);
    lock_release(&unit->lock);
    return active != 0;
}

/* Reads the next count records. Event lock held. */
static void read_records(struct smmuv3 *unit, uint32_t count)
{
    struct iommu *iommu = unit->iommu;
    uint32_t wrap = (uint32_t)BIT(unit->event_log2), position_mask = 2 * wrap - 1;
    uint64_t first = unit->events_read;

    barrier_device_read();
    for (uint32_t i = 0; i < count; i++) {
        struct event event;
        const volatile uint64_t *record = unit->events +
                                          (size_t)(unit->event_consumer & (wrap - 1)) * EVENT_WORDS;

        if (!iommu->capabilities.coherent)
            cache_clean_invalidate(record, EVENT_SIZE);
        for (unsigned int w = 0; w < EVENT_WORDS; w++)
            event.word[w] = record[w];
        unit->event_consumer = (unit->event_consumer & (uint32_t)EVENTQ_OVERFLOW) |
                               ((unit->event_consumer + 1) & position_mask);
        report(iommu, &event, unit->events_read++, first);
    }
}

/* How many records there are by this value of the producer index; more than the queue holds is not
 * believed. */
static uint32_t waiting(const struct smmuv3 *unit, uint32_t producer)
{
    uint32_t wrap = (uint32_t)BIT(unit->event_log2);

    return (uint32_t)min_u64((producer - unit->event_consumer) & (2 * wrap - 1), wrap);
}

uint64_t smmuv3_events_end(const struct iommu *iommu)
{
    const struct smmuv3 *unit = iommu->unit;

    return unit->events_read + waiting(unit, mmio_read32(unit->base + SMMU_EVENTQ_PROD));
}

static void report_loss(struct iommu *iommu, uint64_t end)
{
    iommu->counters.events_lost++;
    iommu_events->lost(iommu, end);
}

/* One look at the queue, and at most `left` records of it. *failed: the unit cannot write though there is
 * room. Returns how many were read. Event lock held. */
static uint32_t read_once(struct smmuv3 *unit, uint32_t left, bool *failed)
{
    uint32_t wrap = (uint32_t)BIT(unit->event_log2), position_mask = 2 * wrap - 1;
    uint32_t first = unit->event_consumer;
    uint32_t producer = mmio_read32(unit->base + SMMU_EVENTQ_PROD);
    uint32_t there = waiting(unit, producer);
    uint32_t count = (uint32_t)min_u64(there, left);
    uint64_t end = unit->events_read + there;
    bool lost = false;

    read_records(unit, count);
    if (((producer ^ unit->event_consumer) & EVENTQ_OVERFLOW) != 0) {
        unit->event_consumer ^= (uint32_t)EVENTQ_OVERFLOW;
        lost = true;
    }
    mmio_write32(unit->base + SMMU_EVENTQ_CONS, unit->event_consumer);
    if (take_abort(unit)) {
        /* QEMU reports a full queue as an abort. It was full if, since it began at `first`, a
         * whole queue's worth was written. */
        uint32_t now = mmio_read32(unit->base + SMMU_EVENTQ_PROD);

        if (there >= wrap || ((now - first) & position_mask) >= wrap) {
            lost = true;
            end = unit->events_read + waiting(unit, now);
        } else {
            *failed = true;
        }
    }
    if (lost)
        report_loss(unit->iommu, end);
    return count;
}

/* The unit interrupts when the queue stops being empty, and not again before it has been empty:
 * so it is read until it is (3.18.2), or the caller is told to come back. */
bool smmuv3_events(struct smmuv3 *unit)
{
    struct iommu *iommu = unit->iommu;
    uint32_t left = EVENTS_PER_CALL;
    bool failed = false, more = true;

    if (iommu->silenced)
        return false;
    lock_acquire(&iommu->event_lock);
    for (unsigned int pass = 0; pass < EVENT_PASSES && more && left > 0 && !failed; pass++) {
        uint32_t count = read_once(unit, left, &failed);

        left -= count;
        more = count != 0;
    }
    lock_release(&iommu->event_lock);
    if (failed)
        smmuv3_silence(unit, FAILURE_EVENT_QUEUE);
    return more && !failed;
}
