/* SPDX-License-Identifier: Apache-2.0 */
/* See book.h. This file: addresses that a space does not have while a member of a group is attached (docs/abi.md,
 * ioas_ranges). */
#include "tests/fuzz/book.h"

#define BRIDGE_WINDOW 0x20
#define MIB UINT64_C(0x100000)

static void stretch(struct topology_range *range, uint64_t from, uint64_t end)
{
    uint64_t last = range->base + range->size;

    if (range->size != 0 && range->base < from)
        from = range->base;
    if (range->size != 0 && last > end)
        end = last;
    *range = (struct topology_range){ .base = from, .size = end - from };
}

void closed_open(const struct bh_device_info *info, const struct book_device *device)
{
    struct topology_range *range = &book.closed[device->group];

    if (info->group_reasons == 0 || device->function < 0)
        return;
    for (unsigned int i = 0; i < BH_BAR_COUNT; i++) {
        if (info->bar[i].bytes != 0)
            stretch(range, info->bar[i].address,
                    info->bar[i].address + align_up(info->bar[i].bytes, PAGE_SIZE));
    }
    int bridge = machine.pci.function[device->function].parent;

    if ((info->group_reasons & BH_GROUP_ALIAS) != 0) {
        uint32_t window = pci_model_get32(&machine.pci, bridge, BRIDGE_WINDOW);

        stretch(range, (uint64_t)(window & 0xFFF0) << 16, (window & 0xFFF00000) + MIB);
    }
}

static bool meet(const struct topology_range *range, uint64_t from, uint64_t size)
{
    return range->size != 0 && from < range->base + range->size && from + size > range->base;
}

static bool is_closed(const struct book_space *space, unsigned int group)
{
    bool attached = false;

    for (unsigned int i = 0; i < book.device_count; i++)
        attached = attached || (book.device[i].space == space && book.device[i].group == group);
    return attached;
}

bool closed_meets(const struct book_space *space, uint64_t iova, uint64_t size)
{
    bool found = messages_meet(iova, size);

    for (unsigned int group = 0; group < book.device_count; group++)
        found = found || (is_closed(space, group) && meet(&book.closed[group], iova, size));
    return found;
}

bool closed_forbids(const struct book_space *space, const struct book_device *device)
{
    const struct topology_range *range = &book.closed[device->group];
    bool found = range->size != 0 && leaves_any(&space->leaves, range->base, range->size);

    for (unsigned int i = 0; i < space->reserved; i++)
        found = found || meet(range, space->kept[i].base, space->kept[i].size);
    return found;
}

bool closed_ranges_hold(const struct book_space *space, const struct bh_ioas_ranges *ranges)
{
    uint64_t at = 0;
    unsigned int n = 0;
    bool hold = true;

    /* Doorbells, then groups stand one behind the other, and none at the ends. */
    if (book.doorbell != 0) {
        hold = ranges->range[0].first == 0 && ranges->range[0].last == BH_DOORBELLS - 1;
        at = BH_DOORBELLS + (uint64_t)BH_DOORBELLS_BYTES;
        n = 1;
    }
    for (unsigned int group = 0; group < book.device_count; group++) {
        const struct topology_range *range = &book.closed[group];

        if (range->size == 0 || !is_closed(space, group))
            continue;
        hold = hold && ranges->range[n].first == at && ranges->range[n].last == range->base - 1;
        at = range->base + range->size;
        n++;
    }
    return hold && ranges->count == n + 1 && ranges->range[n].first == at &&
           ranges->range[n].last == book.input_limit - 1;
}
