/* SPDX-License-Identifier: Apache-2.0 */
/* Map and unmap of common spaces, compiled for speed. What several trees or units and what windows need stands in
 * kernel/ioas_several.c, how a space comes and goes in kernel/ioas_life.c. */
#include "kernel/ioas_parts.h"

#include "bulkhead/abi.h"
#include "kernel/partition.h"

static const int64_t codes[] = {
    [PAGETABLE_OK] = BH_OK,       [PAGETABLE_MORE] = BH_EAGAIN, [PAGETABLE_EXISTS] = BH_EEXIST,
    [PAGETABLE_FULL] = BH_ENOSPC, [PAGETABLE_CUT] = BH_EINVAL,
};

struct ioas *ioas_acquire(struct partition *partition, uint64_t id)
{
    uint64_t slot = (id & IOAS_ID_SLOT) - 1;
    struct ioas *ioas;

    if (slot >= PARTITION_IOAS)
        return NULL;
    ioas = &partition->ioas[clamp_index(slot, PARTITION_IOAS)];
    lock_acquire(&ioas->lock);
    if (ioas->id == id)
        return ioas;
    lock_release(&ioas->lock);
    return NULL;
}

void ioas_release(struct ioas *ioas)
{
    lock_release(&ioas->lock);
}

/* The one unit of the one tree forgets what was taken out of it. False: it has failed. */
static inline bool forget(const struct ioas *ioas, uint32_t unit,
                          const struct pagetable_progress *progress)
{
    struct iommu *iommu = &devices.iommu[unit];
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;

    return iommu->driver->invalidate(iommu, &ioas->domain[unit], progress->first,
                                     progress->end - progress->first, progress->leaves,
                                     progress->tables_freed, &ticket, true) == IOMMU_OK &&
           iommu_wait(iommu, &ticket) == IOMMU_OK;
}

/* See ioas_remove(). */
static inline int64_t remove_inline(struct partition *partition, struct ioas *ioas, uint64_t iova,
                                    uint64_t size, struct pagetable_progress progress[IOAS_TREES])
{
    enum pagetable_result result = pagetable_unmap(&ioas->tree[0].table, iova, size,
                                                   BH_MAP_ENTRIES_PER_CALL, &progress[0]);
    uint32_t units = ioas->tree[0].units;
    bool clean = true;

    if (ioas->tree_count > 1 || (units & (units - 1)) != 0)
        clean = ioas_remove_alike(partition, ioas, iova, progress);
    else if (units != 0 && (progress->leaves != 0 || progress->tables_freed))
        clean = forget(ioas, first_bit(units), progress);
    if (!clean) {
        partition->pinned = true; /* table pages and frames stay what they are */
        return BH_ETIMEDOUT;
    }
    if (progress->tables_freed)
        page_pool_give(&partition->pool, &progress->freed);
    return codes[result];
}

int64_t ioas_remove(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                    struct pagetable_progress progress[IOAS_TREES])
{
    return remove_inline(partition, ioas, iova, size, progress);
}

/* See ioas_map_physical(). */
static inline int64_t map_physical(struct partition *partition, struct ioas *ioas, uint64_t iova,
                                   uint64_t physical, uint64_t size, uint64_t flags, uint32_t bound,
                                   struct pagetable_progress *progress)
{
    int64_t result =
        codes[pagetable_map(&ioas->tree[0].table, iova, physical, size,
                            ioas_attributes(ioas->tree[0].format, flags), bound, progress)];

    if (ioas->tree_count > 1 && progress->done != 0) {
        int64_t others = ioas_map_alike(partition, ioas, iova, physical, progress->done, flags);

        if (others != BH_OK) {
            progress->done = 0;
            return others;
        }
    }
    return result;
}

int64_t ioas_map_physical(struct partition *partition, struct ioas *ioas, uint64_t iova,
                          uint64_t physical, uint64_t size, uint64_t flags, uint32_t bound,
                          struct pagetable_progress *progress)
{
    return map_physical(partition, ioas, iova, physical, size, flags, bound, progress);
}

static inline int64_t map_locked(struct partition *partition, struct ioas *ioas, uint64_t iova,
                                 uint64_t address, uint64_t size, uint64_t flags, uint64_t *done)
{
    struct pagetable_progress progress;
    uint64_t physical;
    int64_t result = ioas_check_map(ioas, iova, address, size, flags);

    if (result != BH_OK)
        return result;
    if (!partition_resolve(partition, address, size, &physical))
        return ioas_map_window(partition, ioas, iova, address, size, flags, done);
    if (!range_inside(physical, size, 0, ioas->output_limit))
        return BH_ERANGE;
    result = map_physical(partition, ioas, iova, physical, size, flags, BH_MAP_ENTRIES_PER_CALL,
                          &progress);
    *done = progress.done;
    return result;
}

int64_t ioas_map(struct partition *partition, uint64_t id, uint64_t iova, uint64_t address,
                 uint64_t size, uint64_t flags, uint64_t *done)
{
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    int64_t result = map_locked(partition, ioas, iova, address, size, flags, done);

    ioas_release(ioas);
    return result;
}

int64_t ioas_unmap(struct partition *partition, uint64_t id, uint64_t iova, uint64_t size,
                   uint64_t *done, uint64_t *bytes)
{
    struct pagetable_progress progress[IOAS_TREES];
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    int64_t result = ioas_check_range(iova, size, ioas->tree[0].table.limit);

    if (result == BH_OK) {
        result = ioas->window_maps != 0 ? ioas_remove_shared(partition, ioas, iova, size, progress)
                                        : remove_inline(partition, ioas, iova, size, progress);
        *done = progress[0].done;
        *bytes = progress[0].bytes;
    }
    ioas_release(ioas);
    return result;
}
