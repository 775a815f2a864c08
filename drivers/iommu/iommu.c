/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/iommu/iommu.h"

#include "lib/string.h"

extern const struct iommu_driver iommu_drivers_start[], iommu_drivers_end[];

const struct iommu_events *iommu_events;

const struct iommu_driver *iommu_find_driver(const char *compatible)
{
    for (const struct iommu_driver *d = iommu_drivers_start; d < iommu_drivers_end; d++) {
        if (strcmp(d->compatible, compatible) == 0)
            return d;
    }
    return NULL;
}

void iommu_register_events(const struct iommu_events *events)
{
    iommu_events = events;
}

uint16_t iommu_tag_take(struct iommu *iommu)
{
    uint32_t limit = (uint32_t)min_u64(IOMMU_TAGS, BIT(iommu->capabilities.tag_bits));
    uint16_t tag = 0;

    lock_acquire(&iommu->tag_lock);
    /* Tag 0 is never handed out, so that 0 can say "none". */
    for (uint32_t i = 1; i < limit && tag == 0; i++) {
        if ((iommu->tags[i / 64] & BIT(i % 64)) == 0) {
            iommu->tags[i / 64] |= BIT(i % 64);
            tag = (uint16_t)i;
        }
    }
    lock_release(&iommu->tag_lock);
    return tag;
}

void iommu_tag_give(struct iommu *iommu, uint16_t tag)
{
    lock_acquire(&iommu->tag_lock);
    iommu->tags[tag / 64] &= ~BIT(tag % 64);
    lock_release(&iommu->tag_lock);
}
