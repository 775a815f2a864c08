/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IOVAs that are closed: an address that means something else than memory must mean no memory. While a device is
 * attached it may name a register of another member of its group, say, and never come to the IOMMU. And where the
 * owner's devices raise messages the window of their doorbells is closed in each of its spaces, from its first day, so
 * that neither an attach nor a binding of a message ever meets a mapping there.
 *
 * Who maps in the largest stretch that is open asks nothing more; what lies elsewhere is looked up here.
 */
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"

/* Of the ranges that the owner and the devices of the mask close, the one with the lowest beginning that ends behind
 * `at`; size 0: there is none. */
static struct topology_range next_closed(const struct ioas *ioas, uint32_t mask, uint64_t at)
{
    struct topology_range next = { .size = 0 };

    if (ioas->owner->messages && DOORBELL_WINDOW + DOORBELL_WINDOW_SIZE > at)
        next = (struct topology_range){ .base = DOORBELL_WINDOW, .size = DOORBELL_WINDOW_SIZE };
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        const struct device *device = ioas->owner->device[first_bit(left)];

        for (unsigned int i = 0; i < DEVICE_CLOSES; i++) {
            struct topology_range range = device_closes(device, i);

            if (range.base + range.size > at && (next.size == 0 || range.base < next.base))
                next = range;
        }
    }
    return next;
}

/* The limit of the first tree, and of those that devices are attached through. */
static uint64_t reach(const struct ioas *ioas)
{
    uint64_t limit = ioas->tree[0].table.limit;

    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        if (ioas->tree[t].attached != 0)
            limit = min_u64(limit, ioas->tree[t].table.limit);
    }
    return limit;
}

/* The first stretch from `at` on, below the limit, where the devices of the mask close nothing; size 0: there is
 * none. */
static struct topology_range next_open(const struct ioas *ioas, uint32_t mask, uint64_t at,
                                       uint64_t limit)
{
    struct topology_range closed = next_closed(ioas, mask, at);

    while (closed.size != 0 && closed.base <= at) {
        at = closed.base + closed.size;
        closed = next_closed(ioas, mask, at);
    }
    uint64_t end = closed.size == 0 ? limit : min_u64(closed.base, limit);

    return (struct topology_range){ .base = at, .size = at < end ? end - at : 0 };
}

void ioas_keep_to_limits(struct ioas *ioas)
{
    uint64_t limit = reach(ioas);
    struct topology_range open = next_open(ioas, ioas->closed, 0, limit);

    ioas->open = open;
    while (open.size != 0) {
        if (open.size > ioas->open.size)
            ioas->open = open;
        open = next_open(ioas, ioas->closed, open.base + open.size, limit);
    }
    ioas->output_limit = ioas->tree[0].output_limit;
    for (uint32_t t = 1; t < ioas->tree_count; t++) {
        if (ioas->tree[t].attached != 0)
            ioas->output_limit = min_u64(ioas->output_limit, ioas->tree[t].output_limit);
    }
}

bool ioas_is_open(const struct ioas *ioas, uint64_t iova, uint64_t size)
{
    struct topology_range closed = next_closed(ioas, ioas->closed, iova);

    return range_inside(iova, size, 0, reach(ioas)) &&
           (closed.size == 0 || closed.base >= iova + size);
}

/* How many ranges remain where the devices of the mask close theirs; of them, unless it is NULL, the first
 * BH_RANGES. */
static uint32_t list(const struct ioas *ioas, uint32_t mask, struct bh_range *ranges)
{
    uint64_t limit = reach(ioas);
    struct topology_range open = next_open(ioas, mask, 0, limit);
    uint32_t count = 0;

    while (open.size != 0) {
        if (ranges != NULL && count < BH_RANGES)
            ranges[count] = (struct bh_range){ .first = open.base,
                                               .last = open.base + open.size - 1 };
        count++;
        open = next_open(ioas, mask, open.base + open.size, limit);
    }
    return count;
}

uint32_t ioas_list_open(const struct ioas *ioas, struct bh_range *ranges)
{
    return list(ioas, ioas->closed, ranges);
}

/* Work: each step passes over an absent entry, all that it would cover, and a table that is there and lies inside the
 * range whole holds a leaf: so at most the entries of the tables in which the range begins and ends. */
static bool is_mapped(const struct pagetable *table, struct topology_range range)
{
    uint64_t end = min_u64(range.base + range.size, table->limit);

    for (uint64_t at = range.base; at < end;) {
        struct pagetable_place place = pagetable_walk(table, at);
        uint64_t span = PAGE_SIZE << place.height * table->format->level_bits;

        if ((*place.entry & table->format->present_mask) != 0)
            return true;
        at = align_down(at, span) + span;
    }
    return false;
}

static bool is_reserved(const struct ioas *ioas, struct topology_range range)
{
    for (uint32_t i = 0; i < ioas->reserved_count; i++) {
        const struct bh_range *reserved = &ioas->reserved[i];

        if (reserved->last >= range.base && reserved->first < range.base + range.size)
            return true;
    }
    return false;
}

/* The bit of one of the owner's devices. */
static uint32_t bit_of(const struct ioas *ioas, const struct device *device)
{
    uint32_t index = 0;

    while (ioas->owner->device[index] != device)
        index++;
    return (uint32_t)BIT(index);
}

int64_t ioas_close(struct ioas *ioas, const struct device *device)
{
    uint32_t mask = ioas->closed | bit_of(ioas, device);

    for (unsigned int i = 0; i < DEVICE_CLOSES; i++) {
        struct topology_range range = device_closes(device, i);

        if (range.size != 0 && (is_mapped(&ioas->tree[0].table, range) || is_reserved(ioas, range)))
            return BH_ERANGE;
    }
    if (list(ioas, mask, NULL) > BH_RANGES)
        return BH_ENOSPC;
    ioas->closed = mask;
    ioas_keep_to_limits(ioas);
    return BH_OK;
}

void ioas_reopen(struct ioas *ioas, const struct device *device)
{
    ioas->closed &= ~bit_of(ioas, device);
    ioas_keep_to_limits(ioas);
}
