/* SPDX-License-Identifier: Apache-2.0 */
/* Map and unmap. How a space comes and goes stands in kernel/ioas_life.c. */
#include "kernel/ioas.h"

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

/* What both map and unmap demand of a range of I/O virtual addresses. */
static int64_t check_range(uint64_t iova, uint64_t size, uint64_t limit)
{
    if (!range_valid(iova, size) || !is_aligned(iova | size, PAGE_SIZE))
        return BH_EINVAL;
    if (!range_inside(iova, size, 0, limit))
        return BH_ERANGE;
    return BH_OK;
}

static uint64_t attributes_for(const struct iommu_format *format, uint64_t flags)
{
    return format->common ^ ((flags & BH_MAP_READ) != 0 ? format->read : 0) ^
           ((flags & BH_MAP_WRITE) != 0 ? format->write : 0);
}

/* How much of [iova, +size) the tree reaches. */
static uint64_t within(const struct ioas_tree *tree, uint64_t iova, uint64_t size)
{
    return iova < tree->table.limit ? min_u64(size, tree->table.limit - iova) : 0;
}

/* The units forget what was taken out of their trees, one progress each: a batch of commands into each unit's queue,
 * and then the waits. False: one has failed. */
static bool forget(const struct ioas *ioas, const struct pagetable_progress *progress)
{
    struct iommu_ticket ticket[TOPOLOGY_IOMMUS];
    uint32_t waiting = 0;
    bool clean = true;

    for (uint32_t t = 0; t < ioas->tree_count; t++) {
        if (progress[t].leaves == 0 && !progress[t].tables_freed)
            continue;
        for (uint32_t left = ioas->tree[t].units; left != 0; left &= left - 1) {
            uint32_t unit = first_bit(left);
            struct iommu *iommu = &devices.iommu[unit];

            ticket[unit] = IOMMU_TICKET_EMPTY;
            if (iommu->driver->invalidate(iommu, &ioas->domain[unit], progress[t].first,
                                          progress[t].end - progress[t].first, progress[t].leaves,
                                          progress[t].tables_freed, &ticket[unit],
                                          true) == IOMMU_OK)
                waiting |= (uint32_t)BIT(unit);
            else
                clean = false;
        }
    }
    for (; waiting != 0; waiting &= waiting - 1) {
        uint32_t unit = first_bit(waiting);
        struct iommu *iommu = &devices.iommu[unit];

        clean = iommu_wait(iommu, &ticket[unit]) == IOMMU_OK && clean;
    }
    return clean;
}

/* Takes [iova, +size) out of every tree as far as the bound allows for the first one, and waits until no unit
 * knows it any more. *progress: of each tree. */
static int64_t remove(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                      struct pagetable_progress progress[IOAS_TREES])
{
    enum pagetable_result result = pagetable_unmap(&ioas->tree[0].table, iova, size,
                                                   BH_MAP_ENTRIES_PER_CALL, &progress[0]);

    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        uint64_t part = within(&ioas->tree[t], iova, progress[0].done);

        progress[t] = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
        /* Where there is a leaf in the first tree there is the same leaf here, or none. And the steps are as
         * many, or those of one table of holes. */
        if (part != 0)
            pagetable_unmap(&ioas->tree[t].table, iova, part, UINT32_MAX, &progress[t]);
    }
    if (!forget(ioas, progress)) {
        partition->pinned = true; /* table pages and frames stay what they are */
        return BH_ETIMEDOUT;
    }
    for (uint32_t t = 0; t < ioas->tree_count; t++)
        page_pool_give(&partition->pool, &progress[t].freed);
    return codes[result];
}

/* The trees behind the first one get what it got. BH_ENOSPC: none has any of it any more. */
static __attribute__((noinline)) int64_t map_alike(struct partition *partition, struct ioas *ioas,
                                                   uint64_t iova, uint64_t physical, uint64_t size,
                                                   uint64_t flags)
{
    struct pagetable_progress progress[IOAS_TREES];

    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        struct ioas_tree *tree = &ioas->tree[t];
        uint64_t part = within(tree, iova, size);

        if (part == 0 || physical + size > tree->output_limit)
            continue;
        if (pagetable_map(&tree->table, iova, physical, part, attributes_for(tree->format, flags),
                          UINT32_MAX, &progress[t]) == PAGETABLE_OK)
            continue;
        int64_t result = remove(partition, ioas, iova, size, progress);

        return result == BH_OK ? BH_ENOSPC : result;
    }
    return BH_OK;
}

static int64_t map_locked(struct partition *partition, struct ioas *ioas, uint64_t iova,
                          uint64_t address, uint64_t size, uint64_t flags, uint64_t *done)
{
    struct pagetable_progress progress;
    uint64_t physical;
    int64_t result = check_range(iova, size, ioas->limit);

    if (result != BH_OK)
        return result;
    if (!range_valid(address, size) || !is_aligned(address, PAGE_SIZE) || flags == 0 ||
        (flags & ~(uint64_t)(BH_MAP_READ | BH_MAP_WRITE)) != 0)
        return BH_EINVAL;
    if (!partition_resolve(partition, address, size, &physical) ||
        !range_inside(physical, size, 0, ioas->output_limit))
        return BH_ERANGE;
    result = codes[pagetable_map(&ioas->tree[0].table, iova, physical, size,
                                 attributes_for(ioas->tree[0].format, flags),
                                 BH_MAP_ENTRIES_PER_CALL, &progress)];
    if (ioas->tree_count > 1 && progress.done != 0) {
        int64_t others = map_alike(partition, ioas, iova, physical, progress.done, flags);

        if (others != BH_OK)
            return others;
    }
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
    int64_t result = check_range(iova, size, ioas->tree[0].table.limit);

    if (result == BH_OK) {
        result = remove(partition, ioas, iova, size, progress);
        *done = progress[0].done;
        *bytes = progress[0].bytes;
    }
    ioas_release(ioas);
    return result;
}
