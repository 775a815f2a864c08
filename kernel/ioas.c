/* SPDX-License-Identifier: Apache-2.0 */
/* Map and unmap. How a space comes and goes stands in kernel/ioas_life.c. */
#include "kernel/ioas_parts.h"

#include "bulkhead/abi.h"
#include "kernel/partition.h"
#include "kernel/window.h"

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

void ioas_put(const struct ioas *ioas, uint32_t tree, const struct pagetable_progress *progress,
              bool last, struct ioas_batch *batch)
{
    if (progress->leaves == 0 && !progress->tables_freed)
        return;
    for (uint32_t left = ioas->tree[tree].units; left != 0; left &= left - 1) {
        uint32_t unit = first_bit(left);
        struct iommu *iommu = &devices.iommu[unit];

        if ((batch->waiting & BIT(unit)) == 0)
            batch->ticket[unit] = IOMMU_TICKET_EMPTY;
        if (iommu->driver->invalidate(
                iommu, &ioas->domain[unit], progress->first, progress->end - progress->first,
                progress->leaves, progress->tables_freed, &batch->ticket[unit], last) == IOMMU_OK)
            batch->waiting |= (uint32_t)BIT(unit);
        else
            batch->failed = true;
    }
}

bool ioas_wait(const struct ioas_batch *batch)
{
    bool clean = !batch->failed;

    for (uint32_t waiting = batch->waiting; waiting != 0; waiting &= waiting - 1) {
        uint32_t unit = first_bit(waiting);

        clean = iommu_wait(&devices.iommu[unit], &batch->ticket[unit]) == IOMMU_OK && clean;
    }
    return clean;
}

/* The space has several trees or units: those behind the first lose what it lost, all units forget it, and the
 * other trees' tables go back. False: a unit has failed. */
static __attribute__((noinline)) bool remove_alike(struct partition *partition, struct ioas *ioas,
                                                   uint64_t iova,
                                                   struct pagetable_progress progress[IOAS_TREES])
{
    struct ioas_batch batch;

    batch.waiting = 0; /* tickets have no meaning yet */
    batch.failed = false;
    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        uint64_t part = ioas_within(&ioas->tree[t], iova, progress[0].done);

        progress[t] = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
        /* Where there is a leaf in the first tree there is the same leaf here, or none. And the steps are as
         * many, or those of one table of holes. */
        if (part != 0)
            pagetable_unmap(&ioas->tree[t].table, iova, part, UINT32_MAX, &progress[t]);
    }
    for (uint32_t t = 0; t < ioas->tree_count; t++)
        ioas_put(ioas, t, &progress[t], true, &batch);
    if (!ioas_wait(&batch))
        return false;
    for (uint32_t t = 1; t < ioas->tree_count; t++)
        page_pool_give(&partition->pool, &progress[t].freed);
    return true;
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

/* Takes [iova, +size) out of every tree as far as the bound allows for the first one, and waits until no unit
 * knows it any more. *progress: of the first tree; behind it there is room for the others'. */
static inline int64_t remove_inline(struct partition *partition, struct ioas *ioas, uint64_t iova,
                                    uint64_t size, struct pagetable_progress progress[IOAS_TREES])
{
    enum pagetable_result result = pagetable_unmap(&ioas->tree[0].table, iova, size,
                                                   BH_MAP_ENTRIES_PER_CALL, &progress[0]);
    uint32_t units = ioas->tree[0].units;
    bool clean = true;

    if (ioas->tree_count > 1 || (units & (units - 1)) != 0)
        clean = remove_alike(partition, ioas, iova, progress);
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

static __attribute__((noinline)) int64_t remove(struct partition *partition, struct ioas *ioas,
                                                uint64_t iova, uint64_t size,
                                                struct pagetable_progress progress[IOAS_TREES])
{
    return remove_inline(partition, ioas, iova, size, progress);
}

/* The trees behind the first one get what it got. BH_ENOSPC: none has any of it any more. */
static __attribute__((noinline)) int64_t map_alike(struct partition *partition, struct ioas *ioas,
                                                   uint64_t iova, uint64_t physical, uint64_t size,
                                                   uint64_t flags)
{
    struct pagetable_progress progress[IOAS_TREES];

    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        struct ioas_tree *tree = &ioas->tree[t];
        uint64_t part = ioas_within(tree, iova, size);

        if (part == 0 || physical + size > tree->output_limit)
            continue;
        if (pagetable_map(&tree->table, iova, physical, part, ioas_attributes(tree->format, flags),
                          UINT32_MAX, &progress[t]) == PAGETABLE_OK)
            continue;
        int64_t result = remove(partition, ioas, iova, size, progress);

        return result == BH_OK ? BH_ENOSPC : result;
    }
    return BH_OK;
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
        int64_t others = map_alike(partition, ioas, iova, physical, progress->done, flags);

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

/* Memory that is not the owner's own: a window, or none. */
static __attribute__((noinline)) int64_t map_window(struct partition *partition, struct ioas *ioas,
                                                    uint64_t iova, uint64_t address, uint64_t size,
                                                    uint64_t flags, uint64_t *done)
{
    struct pagetable_progress progress;
    struct window_map *map;
    uint64_t physical;
    int64_t result = window_map_begin(partition, ioas, iova, address, size, flags, &physical, &map);

    if (result != BH_OK)
        return result;
    if (range_inside(physical, size, 0, ioas->output_limit)) {
        result = ioas_map_physical(partition, ioas, iova, physical, size, flags,
                                   BH_MAP_ENTRIES_PER_CALL, &progress);
        *done = progress.done;
    } else {
        result = BH_ERANGE;
    }
    window_map_end(map, *done, result != BH_ETIMEDOUT);
    return result;
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
        return map_window(partition, ioas, iova, address, size, flags, done);
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

/* As remove(), and the maps of windows in the range are not that any more. */
static __attribute__((noinline)) int64_t remove_shared(
    struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
    struct pagetable_progress progress[IOAS_TREES])
{
    progress->done = progress->bytes = 0;
    if (!windows_may_unmap(partition, ioas, iova, size))
        return BH_EINVAL;
    int64_t result = remove(partition, ioas, iova, size, progress);

    if (progress->done != 0)
        windows_unmapped(partition, ioas, iova, progress->done, result != BH_ETIMEDOUT);
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
        result = ioas->window_maps != 0 ? remove_shared(partition, ioas, iova, size, progress)
                                        : remove_inline(partition, ioas, iova, size, progress);
        *done = progress[0].done;
        *bytes = progress[0].bytes;
    }
    ioas_release(ioas);
    return result;
}

int64_t ioas_unmap_all(struct partition *partition, uint64_t id, uint64_t *cursor, uint64_t *bytes)
{
    struct pagetable_progress progress[IOAS_TREES];
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    uint64_t limit = ioas->tree[0].table.limit, from = *cursor;
    int64_t result = ioas_check_range(from, from < limit ? limit - from : PAGE_SIZE, limit);

    if (result == BH_OK) {
        result = ioas->window_maps != 0
                     ? remove_shared(partition, ioas, from, limit - from, progress)
                     : remove(partition, ioas, from, limit - from, progress);
        *cursor = result == BH_EAGAIN ? from + progress[0].done : 0;
        *bytes = progress[0].bytes;
    }
    ioas_release(ioas);
    return result;
}

bool ioas_revoke(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size)
{
    struct pagetable_progress progress[IOAS_TREES];
    uint64_t at = 0;
    int64_t result;

    do {
        result = remove(partition, ioas, iova + at, size - at, progress);
        windows_unmapped(partition, ioas, iova + at, progress[0].done, result != BH_ETIMEDOUT);
        at += progress[0].done;
    } while (result == BH_EAGAIN);
    return result == BH_OK;
}
