/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/ioas.h"

#include "bulkhead/abi.h"
#include "kernel/partition.h"

#define ID_SLOT BITS(7, 0)
#define ID_GENERATION BITS(30, 8)

/* Ids are positive as 32-bit numbers; a generation that wraps after 2^23 uses of a slot is old
 * news. */
static uint32_t make_id(uint32_t slot, uint32_t generation)
{
    return (uint32_t)(FIELD_PUT(ID_GENERATION, generation) | (slot + 1));
}

struct ioas *ioas_find(struct partition *partition, uint64_t id)
{
    uint64_t slot = (id & ID_SLOT) - 1;
    struct ioas *ioas;

    if (slot >= PARTITION_IOAS)
        return NULL;
    ioas = &partition->ioas[clamp_index(slot, PARTITION_IOAS)];
    return ioas->id == id ? ioas : NULL;
}

int64_t ioas_alloc_paging(struct partition *partition, struct device *device)
{
    struct iommu *iommu = device->iommu;
    struct ioas *ioas = NULL;

    if (iommu == NULL)
        return BH_EOPNOTSUPP;
    for (uint32_t i = 0; i < PARTITION_IOAS && ioas == NULL; i++) {
        if (partition->ioas[i].owner == NULL)
            ioas = &partition->ioas[i];
    }
    if (ioas == NULL)
        return BH_ENOSPC;
    uint16_t tag = iommu_tag_take(iommu);

    if (tag == 0)
        return BH_ENOSPC;
    if (!pagetable_init(&ioas->table, iommu->format->entries, &partition->pool,
                        iommu->capabilities.input_bits, iommu->capabilities.coherent)) {
        iommu_tag_give(iommu, tag);
        return BH_ENOSPC;
    }
    ioas->domain = (struct iommu_domain){ &ioas->table, tag };
    ioas->iommu = iommu;
    ioas->attached = 0;
    ioas->generation++;
    ioas->owner = partition;
    ioas->id = make_id((uint32_t)(ioas - partition->ioas), ioas->generation);
    return ioas->id;
}

/* Tag and root go back once nothing caches them. */
static bool retire(struct partition *partition, struct ioas *ioas)
{
    struct page_list freed = PAGE_LIST_EMPTY;

    if (ioas->iommu->driver->invalidate_domain(ioas->iommu, &ioas->domain) != IOMMU_OK)
        return false;
    pagetable_release(&ioas->table, &freed);
    page_pool_give(&partition->pool, &freed);
    iommu_tag_give(ioas->iommu, ioas->domain.tag);
    ioas->owner = NULL;
    ioas->id = 0;
    return true;
}

int64_t ioas_free(struct partition *partition, struct ioas *ioas)
{
    int64_t result = BH_OK;

    lock_acquire(&ioas->lock);
    if (ioas->attached != 0 || ioas->table.mapped != 0)
        result = BH_EBUSY;
    else if (!retire(partition, ioas))
        result = BH_ETIMEDOUT; /* tag and root stay taken: the unit may still know them */
    lock_release(&ioas->lock);
    return result;
}

/* What both map and unmap demand of a range of I/O virtual addresses. */
static int64_t check_range(const struct ioas *ioas, uint64_t iova, uint64_t size)
{
    if (!range_valid(iova, size) || !is_aligned(iova | size, PAGE_SIZE))
        return BH_EINVAL;
    if (!range_inside(iova, size, 0, ioas->table.limit))
        return BH_ERANGE;
    return BH_OK;
}

int64_t ioas_map(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t address,
                 uint64_t size, uint64_t flags, uint64_t *done)
{
    static const int64_t codes[] = {
        [PAGETABLE_OK] = BH_OK,       [PAGETABLE_MORE] = BH_EAGAIN, [PAGETABLE_EXISTS] = BH_EEXIST,
        [PAGETABLE_FULL] = BH_ENOSPC, [PAGETABLE_CUT] = BH_EINVAL,
    };
    const struct iommu_format *format = ioas->iommu->format;
    struct pagetable_progress progress;
    uint64_t physical, attributes = format->common;
    int64_t result = check_range(ioas, iova, size);

    if (result != BH_OK)
        return result;
    if (!range_valid(address, size) || !is_aligned(address, PAGE_SIZE) || flags == 0 ||
        (flags & ~(uint64_t)(BH_MAP_READ | BH_MAP_WRITE)) != 0)
        return BH_EINVAL;
    if (!partition_resolve(partition, address, size, &physical) ||
        !range_inside(physical, size, 0, BIT(ioas->iommu->capabilities.output_bits)))
        return BH_ERANGE;
    attributes ^= (flags & BH_MAP_READ) != 0 ? format->read : 0;
    attributes ^= (flags & BH_MAP_WRITE) != 0 ? format->write : 0;
    lock_acquire(&ioas->lock);
    enum pagetable_result mapped = pagetable_map(&ioas->table, iova, physical, size, attributes,
                                                 BH_MAP_ENTRIES_PER_CALL, &progress);

    lock_release(&ioas->lock);
    *done = progress.done;
    return codes[mapped];
}

int64_t ioas_unmap(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                   uint64_t *done, uint64_t *bytes)
{
    struct iommu *iommu = ioas->iommu;
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    struct pagetable_progress progress;
    int64_t result = check_range(ioas, iova, size);

    if (result != BH_OK)
        return result;
    lock_acquire(&ioas->lock);
    enum pagetable_result unmapped = pagetable_unmap(&ioas->table, iova, size,
                                                     BH_MAP_ENTRIES_PER_CALL, &progress);

    if (progress.leaves != 0 || progress.tables_freed) {
        if (iommu->driver->invalidate(iommu, &ioas->domain, progress.first,
                                      progress.end - progress.first, progress.leaves,
                                      progress.tables_freed, &ticket, true) == IOMMU_OK &&
            iommu_wait(iommu, &ticket) == IOMMU_OK) {
            page_pool_give(&partition->pool, &progress.freed);
        } else {
            partition->pinned = true; /* table pages and frames stay what they are */
            result = BH_ETIMEDOUT;
        }
    }
    lock_release(&ioas->lock);
    *done = progress.done;
    *bytes = progress.bytes;
    if (result != BH_OK)
        return result;
    return unmapped == PAGETABLE_CUT ? BH_EINVAL : unmapped == PAGETABLE_MORE ? BH_EAGAIN : BH_OK;
}

bool ioas_free_all(struct partition *partition)
{
    bool clean = true;

    for (uint32_t i = 0; i < PARTITION_IOAS; i++) {
        struct ioas *ioas = &partition->ioas[i];

        if (ioas->owner == NULL)
            continue;
        /* The pool is made anew before the partition starts again, so only the tag matters here. */
        if (ioas->iommu->driver->invalidate_domain(ioas->iommu, &ioas->domain) != IOMMU_OK) {
            clean = false;
            continue;
        }
        iommu_tag_give(ioas->iommu, ioas->domain.tag);
        ioas->owner = NULL;
        ioas->id = 0;
    }
    return clean;
}
