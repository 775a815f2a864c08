/* SPDX-License-Identifier: Apache-2.0 */
/* What a map or an unmap of a common space does not need: several trees or units, windows, and all of a space. */
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"
#include "kernel/window.h"

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

bool ioas_remove_alike(struct partition *partition, struct ioas *ioas, uint64_t iova,
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

int64_t ioas_map_alike(struct partition *partition, struct ioas *ioas, uint64_t iova,
                       uint64_t physical, uint64_t size, uint64_t flags)
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
        int64_t result = ioas_remove(partition, ioas, iova, size, progress);

        return result == BH_OK ? BH_ENOSPC : result;
    }
    return BH_OK;
}

int64_t ioas_map_window(struct partition *partition, struct ioas *ioas, uint64_t iova,
                        uint64_t address, uint64_t size, uint64_t flags, uint64_t *done)
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

int64_t ioas_remove_shared(struct partition *partition, struct ioas *ioas, uint64_t iova,
                           uint64_t size, struct pagetable_progress progress[IOAS_TREES])
{
    uint64_t end = iova + size, skipped = 0;

    progress->done = progress->bytes = 0;
    if (!windows_may_unmap(partition, ioas, iova, size))
        return BH_EINVAL;
    /* Doorbells stay: the call does what stands before them, or what stands behind. */
    if (ioas_meets_doorbells(ioas, iova, size)) {
        if (iova >= DOORBELL_WINDOW)
            skipped = min_u64(size, DOORBELL_WINDOW + DOORBELL_WINDOW_SIZE - iova);
        size = iova >= DOORBELL_WINDOW ? size - skipped : DOORBELL_WINDOW - iova;
        iova += skipped;
    }
    int64_t result = size == 0 ? BH_OK : ioas_remove(partition, ioas, iova, size, progress);

    if (progress->done != 0)
        windows_unmapped(partition, ioas, iova, progress->done, result != BH_ETIMEDOUT);
    if (result == BH_OK || result == BH_EAGAIN)
        progress->done += skipped;
    return result == BH_OK && iova + size != end ? BH_EAGAIN : result;
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
                     ? ioas_remove_shared(partition, ioas, from, limit - from, progress)
                     : ioas_remove(partition, ioas, from, limit - from, progress);
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
        result = ioas_remove(partition, ioas, iova + at, size - at, progress);
        windows_unmapped(partition, ioas, iova + at, progress[0].done, result != BH_ETIMEDOUT);
        at += progress[0].done;
    } while (result == BH_EAGAIN);
    return result == BH_OK;
}
