/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many maps or unmaps in one call. Elements are read from the caller's memory once each, as their turn comes. An
 * element that is refused ends the batch: the call answers its error where it is the first, so that nothing has
 * changed, and otherwise BH_EAGAIN, and the next call is the one that is refused.
 */
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "lib/pagetable_pages.h"

/* The elements, or NULL; *result says why. */
static const void *elements_at(const struct partition *partition, uint64_t address, uint64_t count,
                               uint64_t bytes, int64_t *result)
{
    const void *elements = NULL;

    *result = BH_EINVAL;
    if (count == 0 || count > BH_BATCH)
        return NULL;
    elements = partition_memory(partition, address, count * bytes, 8);
    *result = elements == NULL ? BH_EFAULT : BH_OK;
    return elements;
}

static int64_t map_element(struct partition *partition, struct ioas *ioas,
                           const struct bh_map *element, uint32_t bound,
                           struct pagetable_progress *progress)
{
    uint64_t physical;
    int64_t result = ioas_check_map(ioas, element->iova, element->address, element->size,
                                    element->flags);

    if (result != BH_OK)
        return result;
    if (!partition_resolve(partition, element->address, element->size, &physical) ||
        !range_inside(physical, element->size, 0, ioas->output_limit))
        return BH_ERANGE;
    return ioas_map_physical(partition, ioas, element->iova, physical, element->size,
                             element->flags, bound, progress);
}

/* An element was a page: the next ones may lie in its table. They need no walk then, and no check of what all of the
 * owner's memory and all addresses of the table pass. */
static void open_pages(const struct partition *partition, struct ioas *ioas, uint64_t iova,
                       struct pagetable_pages *pages)
{
    uint64_t span = PAGE_SIZE << ioas->tree[0].table.format->level_bits;

    pages->size = 0;
    if (ioas->tree_count > 1 ||
        partition->physical + partition->visible_size > ioas->output_limit ||
        !range_inside(align_down(iova, span), span, ioas->open.base, ioas->open.size))
        return;
    pagetable_pages_open(pages, &ioas->tree[0].table, iova);
}

/* False: it is more than a page of own memory in the open table, where nothing is; nothing was done. */
static inline bool map_page(const struct partition *partition, const struct ioas *ioas,
                            const struct bh_map *element, struct pagetable_pages *pages)
{
    uint64_t offset = element->address - partition->set->memory_base;

    return element->size == PAGE_SIZE && is_aligned(element->iova | element->address, PAGE_SIZE) &&
           ioas_flags_valid(element->flags) && offset < partition->visible_size &&
           pagetable_pages_map(pages, element->iova,
                               partition->physical + clamp_index(offset, partition->visible_size),
                               ioas_attributes(ioas->tree[0].format, element->flags));
}

int64_t ioas_map_batch(struct partition *partition, uint64_t id, uint64_t address, uint64_t count,
                       struct ioas_batch_done *done)
{
    uint32_t left = BH_MAP_ENTRIES_PER_CALL;
    int64_t result;
    const volatile struct bh_map *from;
    struct pagetable_pages pages = { .size = 0 };
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    from = elements_at(partition, address, count, sizeof(*from), &result);
    while (result == BH_OK && done->elements < count) {
        const struct bh_map element = from[done->elements];
        struct pagetable_progress progress;

        if (left != 0 && map_page(partition, ioas, &element, &pages)) {
            left--;
            done->elements++;
            continue;
        }
        pagetable_pages_close(&pages);
        result = left == 0 ? BH_EAGAIN : map_element(partition, ioas, &element, left, &progress);
        if (left == 0 || (result != BH_OK && result != BH_EAGAIN))
            break;
        left -= progress.leaves;
        if (result == BH_OK)
            done->elements++;
        else
            done->part = progress.done;
        if (element.size == PAGE_SIZE)
            open_pages(partition, ioas, element.iova, &pages);
    }
    pagetable_pages_close(&pages);
    ioas_release(ioas);
    return ioas_answer(result, done->elements);
}

/* What has been taken out and is not in the units' queues yet, by tree: ranges that touch become one. */
struct removal {
    struct ioas *ioas;
    struct pagetable_progress pending[IOAS_TREES];
    struct ioas_batch batch;
    struct page_list freed;
};

static void note(const struct partition *partition, struct removal *removal, uint32_t tree,
                 struct pagetable_progress *progress)
{
    struct pagetable_progress *pending = &removal->pending[tree];

    page_list_join(&partition->pool, &removal->freed, &progress->freed);
    if (progress->leaves == 0) /* and no table has been freed */
        return;
    /* Where nothing is pending that is [0, 0), which goes with a range that begins at 0. */
    if (pending->end == progress->first) {
        pending->end = progress->end;
        pending->leaves += progress->leaves;
        pending->tables_freed = pending->tables_freed || progress->tables_freed;
        return;
    }
    if (pending->leaves != 0)
        ioas_put(removal->ioas, tree, pending, false, &removal->batch);
    *pending = *progress;
}

static int64_t unmap_element(const struct partition *partition, struct removal *removal,
                             const struct bh_unmap *element, uint32_t bound,
                             struct pagetable_progress *progress)
{
    struct ioas *ioas = removal->ioas;
    int64_t result = ioas_check_range(element->iova, element->size, ioas->tree[0].table.limit);
    enum pagetable_result unmapped;

    if (result != BH_OK)
        return result;
    /* A window's memory is taken out by unmap alone, which waits before it is told, and goes round doorbells. */
    if (ioas->window_maps != 0 && (windows_meet(partition, ioas, element->iova, element->size) ||
                                   ioas_meets_doorbells(ioas, element->iova, element->size)))
        return BH_ERANGE;
    unmapped = pagetable_unmap(&ioas->tree[0].table, element->iova, element->size, bound, progress);
    if (unmapped == PAGETABLE_CUT)
        return BH_EINVAL;
    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        uint64_t part = ioas_within(&ioas->tree[t], element->iova, progress->done);
        struct pagetable_progress other;

        if (part == 0)
            continue;
        pagetable_unmap(&ioas->tree[t].table, element->iova, part, UINT32_MAX, &other);
        note(partition, removal, t, &other);
    }
    note(partition, removal, 0, progress);
    return unmapped == PAGETABLE_MORE ? BH_EAGAIN : BH_OK;
}

/* False: it is more than a page in the open table that continues what is pending, or nothing is there; nothing was
 * done. */
static inline bool unmap_page(const struct bh_unmap *element, struct pagetable_pages *pages,
                              struct pagetable_progress *pending)
{
    if (element->size != PAGE_SIZE || pending->leaves == 0 || pending->end != element->iova ||
        !pagetable_pages_unmap(pages, element->iova))
        return false;
    pending->end += PAGE_SIZE;
    pending->leaves++;
    return true;
}

/* The units forget it all, with one SYNC each. */
static bool finish(struct partition *partition, struct removal *removal)
{
    for (uint32_t t = 0; t < removal->ioas->tree_count; t++)
        ioas_put(removal->ioas, t, &removal->pending[t], true, &removal->batch);
    if (!ioas_wait(&removal->batch)) {
        partition->pinned = true; /* table pages and frames stay what they are */
        return false;
    }
    page_pool_give(&partition->pool, &removal->freed);
    return true;
}

int64_t ioas_unmap_batch(struct partition *partition, uint64_t id, uint64_t address, uint64_t count,
                         struct ioas_batch_done *done)
{
    uint32_t left = BH_MAP_ENTRIES_PER_CALL;
    int64_t result;
    const volatile struct bh_unmap *from;
    struct pagetable_pages pages = { .size = 0 };
    struct removal removal = { .ioas = ioas_acquire(partition, id), .freed = PAGE_LIST_EMPTY };

    if (removal.ioas == NULL)
        return BH_ENOENT;
    from = elements_at(partition, address, count, sizeof(*from), &result);
    while (result == BH_OK && done->elements < count) {
        const struct bh_unmap element = from[done->elements];
        struct pagetable_progress progress;

        if (left != 0 && unmap_page(&element, &pages, &removal.pending[0])) {
            left--;
            done->bytes += PAGE_SIZE;
            done->elements++;
            continue;
        }
        pagetable_pages_close(&pages);
        result = left == 0 ? BH_EAGAIN
                           : unmap_element(partition, &removal, &element, left, &progress);
        if (left == 0 || (result != BH_OK && result != BH_EAGAIN))
            break;
        left -= progress.steps;
        done->bytes += progress.bytes;
        if (result == BH_OK)
            done->elements++;
        else
            done->part = progress.done;
        if (element.size == PAGE_SIZE && removal.ioas->window_maps == 0)
            open_pages(partition, removal.ioas, element.iova, &pages);
    }
    pagetable_pages_close(&pages);
    if (!finish(partition, &removal))
        result = BH_ETIMEDOUT;
    ioas_release(removal.ioas);
    return ioas_answer(result, done->elements);
}
