/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/iommu/smmuv3/early.h"

#include "arch/seam.h"
#include "drivers/iommu/smmuv3/registers.h"

/* Reads before a unit counts as dead. Counted in reads, not in time: nothing is known of the timer
 * yet. A read of a device takes tens of nanoseconds at least. */
#define EARLY_POLLS 1000000

static bool wait_clear(uint64_t address, uint64_t bits)
{
    for (uint32_t i = 0; i < EARLY_POLLS; i++) {
        if ((mmio_read32(address) & bits) == 0)
            return true;
    }
    return false;
}

/*
 * GBPA rules while SMMUEN is 0, so ABORT goes in first: then a unit that firmware left enabled goes
 * from its translation to abort without a moment of bypass between.
 */
enum early_state smmuv3_close(uint64_t base)
{
    bool enabled = (mmio_read32(base + SMMU_CR0ACK) & CR0_SMMUEN) != 0 ||
                   (mmio_read32(base + SMMU_CR0) & CR0_SMMUEN) != 0;

    if (!wait_clear(base + SMMU_GBPA, GBPA_UPDATE))
        return EARLY_UNRESPONSIVE;
    mmio_write32(base + SMMU_GBPA, (uint32_t)(GBPA_UPDATE | GBPA_ABORT));
    if (!wait_clear(base + SMMU_GBPA, GBPA_UPDATE))
        return EARLY_UNRESPONSIVE;
    if ((mmio_read32(base + SMMU_GBPA) & GBPA_ABORT) == 0)
        return EARLY_UNRESPONSIVE;
    /* Queues and interrupts of a former user go off with the translation. */
    mmio_write32(base + SMMU_CR0, 0);
    if (!wait_clear(base + SMMU_CR0ACK, CR0_SMMUEN | CR0_CMDQEN | CR0_EVENTQEN))
        return EARLY_UNRESPONSIVE;
    return enabled ? EARLY_WAS_ENABLED : EARLY_CLOSED;
}

void smmuv3_close_early(const uint64_t *bases, uint32_t count, struct early_report *report)
{
    report->count = count;
    for (uint32_t i = 0; i < count; i++)
        report->state[i] = smmuv3_close(bases[i]);
}
