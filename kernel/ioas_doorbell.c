/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Doorbells in I/O address spaces: a page for each message unit, at an IOVA of its own, in every tree. A space of a
 * partition that lists devices with messages keeps the window of these pages closed (kernel/ioas_closed.c).
 */
#include "kernel/ioas_parts.h"
#include "kernel/message.h"
#include "kernel/partition.h"

uint64_t ioas_doorbell_page(const struct device *device)
{
    return DOORBELL_WINDOW + (uint64_t)(device->message_unit - messages.unit) * DOORBELL_STRIDE;
}

bool ioas_meets_doorbells(const struct ioas *ioas, uint64_t iova, uint64_t size)
{
    return ioas->owner->messages &&
           range_overlaps(iova, size, DOORBELL_WINDOW, DOORBELL_WINDOW_SIZE);
}

/* Takes it out of all trees; false: a unit has failed. */
static bool unmap_page(struct ioas *ioas, uint64_t iova)
{
    struct pagetable_progress progress[IOAS_TREES];

    return ioas_remove(ioas->owner, ioas, iova, PAGE_SIZE, progress) == BH_OK;
}

/* Devices write there, and as far as the format can say it, do not read. */
static int64_t map_page(struct ioas *ioas, uint64_t iova, uint64_t physical)
{
    for (uint32_t t = 0; t < ioas->tree_count; t++) {
        struct ioas_tree *tree = &ioas->tree[t];
        struct pagetable_progress progress;

        int64_t result = BH_EOPNOTSUPP;

        if (ioas_within(tree, iova, PAGE_SIZE) != 0 && physical < tree->output_limit)
            result = pagetable_map(&tree->table, iova, physical, PAGE_SIZE,
                                   tree->format->common ^ tree->format->write ^
                                       tree->format->registers,
                                   UINT32_MAX, &progress) == PAGETABLE_OK
                         ? BH_OK
                         : BH_ENOSPC;
        if (result == BH_OK)
            continue;
        if (t != 0)
            unmap_page(ioas, iova);
        return result;
    }
    return BH_OK;
}

int64_t ioas_open_doorbell(struct ioas *ioas, const struct device *device)
{
    uint64_t index = (uint64_t)(device->message_unit - messages.unit);
    int64_t result = BH_OK;

    if (ioas->doorbell[index] == 0) {
        result = map_page(ioas, ioas_doorbell_page(device),
                          align_down(device->message_unit->doorbell, PAGE_SIZE));
        ioas->window_maps += result == BH_OK;
    }
    ioas->doorbell[index] += result == BH_OK;
    return result;
}

void ioas_close_doorbell(struct ioas *ioas, const struct device *device)
{
    uint64_t index = (uint64_t)(device->message_unit - messages.unit);

    if (--ioas->doorbell[index] != 0)
        return;
    ioas->window_maps--;
    unmap_page(ioas, ioas_doorbell_page(device));
}
