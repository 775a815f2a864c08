/* SPDX-License-Identifier: Apache-2.0 */
/* Remap and copy: what is mapped leads elsewhere, or is mapped at another place too. */
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"
#include "kernel/window.h"

/* ---- Remap -------------------------------------------------------------------------------------- */

/* One remap that has been checked, for as much as one call does. */
struct change {
    struct ioas *ioas;
    uint64_t iova, physical, size, flags;
    bool hitless;
    bool along[IOAS_TREES]; /* the tree has the same leaves there */
    struct pagetable_progress progress[IOAS_TREES];
};

/* A tree behind the first one that does not hold all of it, or cannot, is to hold nothing of it. */
static void plan_others(struct change *change)
{
    for (uint32_t t = 1; t < change->ioas->tree_count; t++) {
        struct ioas_tree *tree = &change->ioas->tree[t];
        struct pagetable_progress *progress = &change->progress[t];
        uint64_t part = ioas_within(tree, change->iova, change->size);

        *progress = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
        if (part == 0)
            continue;
        change->along[t] = part == change->size &&
                           change->physical + change->size <= tree->output_limit &&
                           pagetable_remap_check(&tree->table, change->iova, change->physical,
                                                 change->size, UINT32_MAX,
                                                 progress) == PAGETABLE_OK;
        if (!change->along[t])
            pagetable_unmap(&tree->table, change->iova, part, UINT32_MAX, progress);
    }
}

static void break_all(struct change *change)
{
    for (uint32_t t = 0; t < change->ioas->tree_count; t++) {
        if (change->along[t])
            pagetable_remap_break(&change->ioas->tree[t].table, change->iova, change->size);
    }
}

static void make_all(struct change *change)
{
    for (uint32_t t = 0; t < change->ioas->tree_count; t++) {
        struct ioas_tree *tree = &change->ioas->tree[t];

        if (change->along[t])
            pagetable_remap_make(&tree->table, change->iova, change->physical, change->size,
                                 ioas_attributes(tree->format, change->flags));
    }
}

/* No unit knows the old leaves any more. False: one has failed. */
static bool forget_all(const struct change *change)
{
    struct ioas_batch batch = { .waiting = 0 };

    for (uint32_t t = 0; t < change->ioas->tree_count; t++)
        ioas_put(change->ioas, t, &change->progress[t], true, &batch);
    return ioas_wait(&batch);
}

/* A unit that fails in between is closed; on the others what was begun is done. */
static bool carry_out(struct partition *partition, struct change *change)
{
    bool clean;

    if (!change->hitless)
        break_all(change);
    else
        make_all(change);
    clean = forget_all(change);
    if (!change->hitless)
        make_all(change);
    for (uint32_t t = 1; clean && t < change->ioas->tree_count; t++)
        page_pool_give(&partition->pool, &change->progress[t].freed);
    partition->pinned = partition->pinned || !clean;
    return clean;
}

static int64_t remap_locked(struct partition *partition, struct change *change, uint64_t address)
{
    int64_t result = ioas_check_map(change->ioas, change->iova, address, change->size,
                                    change->flags);

    if (result != BH_OK)
        return result;
    if (!partition_resolve(partition, address, change->size, &change->physical) ||
        !range_inside(change->physical, change->size, 0, change->ioas->output_limit))
        return BH_ERANGE;
    /* A window's memory is taken out by unmap alone, so that its withdrawal finds all of it. */
    if (windows_meet(partition, change->ioas, change->iova, change->size))
        return BH_ERANGE;
    switch (pagetable_remap_check(&change->ioas->tree[0].table, change->iova, change->physical,
                                  change->size, BH_MAP_ENTRIES_PER_CALL, &change->progress[0])) {
    case PAGETABLE_OK:
        break;
    case PAGETABLE_MORE:
        result = BH_EAGAIN;
        break;
    case PAGETABLE_ABSENT:
        return BH_ENOENT;
    default:
        return BH_EINVAL;
    }
    change->size = change->progress[0].done;
    change->hitless = change->progress[0].same_output;
    change->along[0] = true;
    plan_others(change);
    return carry_out(partition, change) ? result : BH_ETIMEDOUT;
}

int64_t ioas_remap(struct partition *partition, uint64_t id, uint64_t iova, uint64_t address,
                   uint64_t size, uint64_t flags, uint64_t *done, bool *hitless)
{
    struct change change = {
        .ioas = ioas_acquire(partition, id), .iova = iova, .size = size, .flags = flags
    };

    if (change.ioas == NULL)
        return BH_ENOENT;
    int64_t result = remap_locked(partition, &change, address);

    if (result == BH_OK || result == BH_EAGAIN) {
        *done = change.size;
        *hitless = change.hitless;
    }
    ioas_release(change.ioas);
    return result;
}

/* ---- Copy --------------------------------------------------------------------------------------- */

/* The stretch of the source at iova, at most size bytes and *left leaves of it, that leads to one stretch of memory:
 * its bytes, or 0 where nothing is mapped. */
static uint64_t stretch_at(const struct pagetable *table, uint64_t iova, uint64_t size,
                           uint32_t *left, uint64_t *physical)
{
    uint64_t found = 0, entry, leaf;

    while (*left > 0 && found < size && pagetable_lookup(table, iova + found, &entry, &leaf)) {
        uint64_t inside = (iova + found) & (leaf - 1);
        uint64_t output = (entry & table->format->address_mask) + inside;

        if (found == 0)
            *physical = output;
        else if (output != *physical + found)
            break;
        found += leaf - inside;
        --*left;
    }
    return min_u64(found, size);
}

static int64_t copy_stretches(struct partition *partition, struct ioas *from, struct ioas *to,
                              const struct bh_ioas_copy *copy, uint64_t *done)
{
    uint32_t looks = BH_MAP_ENTRIES_PER_CALL, leaves = BH_MAP_ENTRIES_PER_CALL;

    while (*done < copy->bytes && looks > 0 && leaves > 0) {
        struct pagetable_progress progress;
        uint64_t physical = 0;
        uint64_t size = stretch_at(&from->tree[0].table, copy->from_iova + *done,
                                   copy->bytes - *done, &looks, &physical);
        int64_t result;

        if (size == 0)
            return BH_ENOENT;
        /* What it shares with others is not to be had by a way round the set. */
        if (!range_inside(physical, size, partition->physical, partition->visible_size) ||
            !range_inside(physical, size, 0, to->output_limit))
            return BH_ERANGE;
        result = ioas_map_physical(partition, to, copy->to_iova + *done, physical, size,
                                   copy->flags, leaves, &progress);
        if (result != BH_OK && result != BH_EAGAIN)
            return result;
        *done += progress.done;
        leaves -= progress.leaves;
    }
    return *done < copy->bytes ? BH_EAGAIN : BH_OK;
}

static int64_t copy_locked(struct partition *partition, struct ioas *from, struct ioas *to,
                           const struct bh_ioas_copy *copy, uint64_t *done)
{
    int64_t result = ioas_check_range(copy->from_iova, copy->bytes, from->tree[0].table.limit);

    if (result == BH_OK)
        result = ioas_check_open(to, copy->to_iova, copy->bytes);
    if (result == BH_OK && !ioas_flags_valid(copy->flags))
        result = BH_EINVAL;
    if (result == BH_OK)
        result = copy_stretches(partition, from, to, copy, done);
    return ioas_answer(result, *done);
}

int64_t ioas_copy(struct partition *partition, const struct bh_ioas_copy *copy, uint64_t *done)
{
    struct ioas *pair[2];

    if (!ioas_acquire_pair(partition, copy->from, copy->to, pair))
        return BH_ENOENT;
    int64_t result = copy_locked(partition, pair[0], pair[1], copy, done);

    ioas_release_pair(pair);
    return result;
}
