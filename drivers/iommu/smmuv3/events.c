/* SPDX-License-Identifier: Apache-2.0 */
/* The event queue (IHI 0070 7.2, 7.3). */
#include "bulkhead/abi.h"
#include "drivers/iommu/smmuv3/unit.h"

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
        return BH_CAUSE_STREAM;
    case EVENT_STE_FETCH:
    case EVENT_WALK_ABORT:
        return BH_CAUSE_TABLE;
    default:
        return BH_CAUSE_OTHER;
    }
}

static void report(struct iommu *iommu, const struct event *event)
{
    uint64_t type = FIELD_GET(EVENT0_TYPE, event->word[0]);
    struct iommu_fault fault = {
        .stream = (uint32_t)FIELD_GET(EVENT0_STREAM, event->word[0]),
        .pasid = (event->word[0] & EVENT0_SSV) != 0
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

void smmuv3_events(struct smmuv3 *unit)
{
    struct iommu *iommu = unit->iommu;
    uint32_t wrap = (uint32_t)BIT(unit->event_log2), position_mask = 2 * wrap - 1;
    bool lost;

    if (iommu->silenced)
        return;
    lock_acquire(&unit->event_lock);
    /* QEMU reports a full queue as an abort; with room left an abort is a failure. Nobody else
     * makes room, so a queue that was full when the abort came is full still when it is looked
     * at here. */
    bool aborted = take_abort(unit);
    uint32_t producer = mmio_read32(unit->base + SMMU_EVENTQ_PROD);
    bool full = ((producer ^ unit->event_consumer) & position_mask) == wrap;

    lost = aborted && full;
    barrier_device_read();
    /* The unit's index is not trusted for more than one queue's worth of records a call. */
    for (uint32_t left = wrap; left > 0; left--) {
        struct event event;

        if (((producer ^ unit->event_consumer) & position_mask) == 0)
            break;
        const volatile uint64_t *record = unit->events +
                                          (size_t)(unit->event_consumer & (wrap - 1)) * EVENT_WORDS;

        if (!iommu->capabilities.coherent)
            cache_clean_invalidate(record, EVENT_SIZE);
        for (unsigned int i = 0; i < EVENT_WORDS; i++)
            event.word[i] = record[i];
        unit->event_consumer = (unit->event_consumer & (uint32_t)EVENTQ_OVERFLOW) |
                               ((unit->event_consumer + 1) & position_mask);
        report(iommu, &event);
    }
    if (((producer ^ unit->event_consumer) & EVENTQ_OVERFLOW) != 0) {
        unit->event_consumer ^= (uint32_t)EVENTQ_OVERFLOW;
        lost = true;
    }
    mmio_write32(unit->base + SMMU_EVENTQ_CONS, unit->event_consumer);
    lock_release(&unit->event_lock);
    if (aborted && !full)
        smmuv3_silence(unit, FAILURE_EVENT_QUEUE);
    if (lost) {
        iommu->counters.events_lost++;
        iommu_events->lost(iommu);
    }
}
