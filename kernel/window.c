/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/window.h"

#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "kernel/memory.h"
#include "kernel/partition.h"
#include "lib/format.h"
#include "lib/string.h"

#define MEMORY_ALIGNMENT BIT(21)
#define PARTS 3 /* the frames, and what each side has alone */

struct windows windows;

static struct window_side *other_side(const struct window_side *side)
{
    struct window *window = side->window;

    return &window->side[side == &window->side[0]];
}

/* The partition's side of its index-th window, or NULL. */
static struct window_side *side_of(const struct partition *partition, uint64_t index)
{
    return index < partition->window_count
               ? partition->window[clamp_index(index, PARTITION_WINDOWS)]
               : NULL;
}

/* ---- Plan ------------------------------------------------------------------------------------- */

static bool check_registers(const struct set_window *set, const struct window_side *side,
                            struct set_error *error)
{
    const struct partition *partition = side->partition;

    for (uint32_t i = 0; i < partition->device_count; i++) {
        for (unsigned int n = 0; n < BH_BAR_COUNT; n++) {
            struct topology_range range = device_registers(partition->device[i], n);

            if (range.size != 0 && range_overlaps(side->address, set->size, range.base, range.size))
                return set_refuse(error, set->node, "at", "0x%lx lies over the registers of %s",
                                  side->address, partition->device[i]->name);
        }
    }
    return true;
}

static bool plan_window(const struct set_window *set, struct window *window,
                        struct set_error *error)
{
    *window = (struct window){ .set = set };
    for (uint32_t i = 0; i < 2; i++) {
        struct partition *partition = &partitions.partition[set->side[i]];
        struct window_side *side = &window->side[i];

        side->window = window;
        side->partition = partition;
        side->address = set->address[i];
        side->writes = set->writes[i];
        side->interrupt = INTERRUPT_WINDOW(partition->window_count);
        partition->window[partition->window_count++] = side;
        if (!check_registers(set, side, error))
            return false;
    }
    return true;
}

/* One stretch of memory for all: first those that are made of blocks, then those that are made of pages. */
static bool place_windows(struct set_error *error)
{
    uint64_t total = 0, at;

    for (uint32_t i = 0; i < windows.count; i++)
        total += PARTS * windows.window[i].set->size;
    total = align_up(total, MEMORY_ALIGNMENT);
    at = memory_take(total, MEMORY_ALIGNMENT);
    if (at == 0 || !arch_map_memory(at, total))
        return set_refuse(error, "/windows", "size", "the machine has no 0x%lx bytes left for them",
                          total);
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < windows.count; i++) {
            struct window *window = &windows.window[i];
            uint64_t size = window->set->size;

            if ((size < MEMORY_ALIGNMENT) != (pass == 1))
                continue;
            window->physical = at;
            window->side[0].alone = at + size;
            window->side[1].alone = at + 2 * size;
            at += PARTS * size;
        }
    }
    return true;
}

bool windows_plan(const struct set *set, struct set_error *error)
{
    windows.count = set->window_count;
    for (uint32_t i = 0; i < windows.count; i++) {
        if (!plan_window(&set->window[i], &windows.window[i], error))
            return false;
    }
    return windows.count == 0 || place_windows(error);
}

/* ---- What CPUs have ---------------------------------------------------------------------------- */

static void clear(const struct window *window, uint64_t physical)
{
    void *memory = memory_pointer(physical);

    memset(memory, 0, window->set->size);
    cache_clean_invalidate(memory, window->set->size);
}

static uint64_t attributes(const struct window_side *side)
{
    return arch_stage2_window_attributes(side->writes);
}

/*
 * Leads a live side's window to other memory. Its CPU may be running: for a moment it has nothing there, and
 * waits in windows_settle(). The leaves stay where they are, so that its own changes of its stage 2, elsewhere,
 * may go on meanwhile. Window's lock held.
 */
static void lead(const struct window_side *side, uint64_t physical)
{
    struct partition *partition = side->partition;
    uint64_t size = side->window->set->size;

    pagetable_remap_break(&partition->stage2, side->address, size);
    arch_stage2_invalidate(partition->stage2.root, partition->tag);
    pagetable_remap_make(&partition->stage2, side->address, physical, size, attributes(side));
}

bool windows_settle(const struct partition *partition, uint64_t address)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        const struct window_side *side = partition->window[i];
        struct window *window = side->window;

        if (address - side->address >= window->set->size)
            continue;
        lock_acquire(&window->lock);
        lock_release(&window->lock);
        return true;
    }
    return false;
}

/* ---- What devices have --------------------------------------------------------------------------- */

static struct window_map *take_map(struct window_side *side)
{
    for (uint32_t i = 0; i < side->window->set->maps; i++) {
        if (side->map[i].ioas == NULL)
            return &side->map[i];
    }
    return NULL;
}

/* The side of the partition that has all of the range, or NULL. */
static struct window_side *find_side(const struct partition *partition, uint64_t address,
                                     uint64_t size)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        struct window_side *side = partition->window[i];

        if (range_inside(address, size, side->address, side->window->set->size))
            return side;
    }
    return NULL;
}

int64_t window_map_begin(const struct partition *partition, struct ioas *ioas, uint64_t iova,
                         uint64_t address, uint64_t size, uint64_t flags, uint64_t *physical,
                         struct window_map **map)
{
    struct window_side *side = find_side(partition, address, size);
    int64_t result = BH_ERANGE;

    if (side == NULL || !side->window->set->dma)
        return BH_ERANGE;
    if ((flags & BH_MAP_WRITE) != 0 && !side->writes)
        return BH_EPERM;
    lock_acquire(&side->window->lock);
    if (side->window->connected) {
        *map = take_map(side);
        result = *map != NULL ? BH_OK : BH_ENOSPC;
    }
    if (result == BH_OK) {
        **map = (struct window_map){ .side = side, .ioas = ioas, .iova = iova, .size = size };
        ioas->window_maps++;
    }
    lock_release(&side->window->lock);
    *physical = side->window->physical +
                clamp_index(address - side->address, side->window->set->size);
    return result;
}

static void give_map(struct window_map *map)
{
    struct window *window = map->side->window;

    lock_acquire(&window->lock);
    map->ioas->window_maps--;
    map->ioas = NULL;
    lock_release(&window->lock);
}

void window_map_end(struct window_map *map, uint64_t done, bool clean)
{
    if (!clean)
        map->side->window->pinned = true;
    map->size = done;
    if (done == 0)
        give_map(map);
}

/* Calls look for each map of the ioas that meets the range, until one answers false. */
static bool each_map(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                     uint64_t size,
                     bool (*look)(struct window_map *map, uint64_t iova, uint64_t size))
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        struct window_side *side = partition->window[i];

        for (uint32_t m = 0; m < side->window->set->maps; m++) {
            struct window_map *map = &side->map[m];

            if (map->ioas == ioas && range_overlaps(iova, size, map->iova, map->size) &&
                !look(map, iova, size))
                return false;
        }
    }
    return true;
}

/* Two pieces would be left of it, and there is room for one. */
static bool stays_whole(struct window_map *map, uint64_t iova, uint64_t size)
{
    return iova <= map->iova || iova + size >= map->iova + map->size;
}

static bool cut(struct window_map *map, uint64_t iova, uint64_t size)
{
    uint64_t end = iova + size, map_end = map->iova + map->size;

    if (iova > map->iova) {
        map->size = iova - map->iova;
    } else if (end < map_end) {
        map->size = map_end - end;
        map->iova = end;
    } else {
        give_map(map);
    }
    return true;
}

/* The frames are not used again: some unit may know the way to them. */
static bool pin_and_cut(struct window_map *map, uint64_t iova, uint64_t size)
{
    map->side->window->pinned = true;
    return cut(map, iova, size);
}

static bool none(struct window_map *map, uint64_t iova, uint64_t size)
{
    (void)map;
    (void)iova;
    (void)size;
    return false;
}

bool windows_meet(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                  uint64_t size)
{
    return ioas->window_maps != 0 && !each_map(partition, ioas, iova, size, none);
}

bool windows_may_unmap(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                       uint64_t size)
{
    return each_map(partition, ioas, iova, size, stays_whole);
}

void windows_unmapped(const struct partition *partition, const struct ioas *ioas, uint64_t iova,
                      uint64_t size, bool clean)
{
    each_map(partition, ioas, iova, size, clean ? cut : pin_and_cut);
}

void windows_forget(const struct partition *partition, const struct ioas *ioas)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        struct window_side *side = partition->window[i];

        for (uint32_t m = 0; m < WINDOW_MAPS; m++) {
            if (side->map[m].ioas == ioas)
                give_map(&side->map[m]);
        }
    }
}

/* The devices of a side have nothing of its window any more when this returns, and get nothing: it is not
 * connected. Its owner may be taking maps out at the same time. False: a unit failed. Change lock held. */
static bool revoke(struct window_side *side)
{
    bool clean = true;

    for (uint32_t m = 0; m < WINDOW_MAPS; m++) {
        struct window_map *map = &side->map[m];
        struct ioas *ioas;

        lock_acquire(&side->window->lock);
        ioas = map->ioas;
        lock_release(&side->window->lock);
        if (ioas == NULL)
            continue;
        lock_acquire(&ioas->lock);
        if (map->ioas == ioas)
            clean = ioas_revoke(side->partition, ioas, map->iova, map->size) && clean;
        lock_release(&ioas->lock);
    }
    return clean;
}

/* What a side's spaces took along when they could not be freed: their unit may still lead there. */
static bool has_maps(const struct window_side *side)
{
    for (uint32_t m = 0; m < WINDOW_MAPS; m++) {
        if (side->map[m].ioas != NULL)
            return true;
    }
    return false;
}

/* ---- Lives ------------------------------------------------------------------------------------- */

/* The side learns that its window was connected or withdrawn: by an event, and by its doorbell. */
static void tell(const struct window_side *side, uint32_t state)
{
    const struct bh_event event = { .type = BH_EVENT_WINDOW,
                                    .label = side->interrupt - INTERRUPT_WINDOW(0),
                                    .iova = side->address,
                                    .pasid = BH_PASID_NONE,
                                    .cause = state,
                                    .iommu = IOMMU_NONE };

    event_post(side->partition, &event, true);
    arch_vcpu_interrupt(&side->partition->vcpu, side->interrupt);
}

/* Change lock held. */
static bool join(struct window_side *side)
{
    struct window *window = side->window;
    struct window_side *other = other_side(side);
    bool connects = other->live && !window->pinned;
    uint64_t physical = connects ? window->physical : side->alone;
    struct pagetable_progress progress;

    clear(window, physical); /* nobody has it now */
    if (pagetable_map(&side->partition->stage2, side->address, physical, window->set->size,
                      attributes(side), UINT32_MAX, &progress) != PAGETABLE_OK)
        return false;
    side->live = true;
    if (!connects)
        return true;
    lock_acquire(&window->lock);
    lead(other, window->physical);
    window->connected = true;
    window->changes++;
    lock_release(&window->lock);
    tell(other, BH_WINDOW_CONNECTED);
    return true;
}

bool windows_join(struct partition *partition)
{
    bool joined = true;

    for (uint32_t i = 0; i < partition->window_count && joined; i++) {
        struct window *window = partition->window[i]->window;

        lock_acquire(&window->change);
        joined = join(partition->window[i]);
        lock_release(&window->change);
    }
    return joined;
}

/* From here on nobody maps it and nobody rings. Change lock held. */
static void disconnect(struct window *window)
{
    lock_acquire(&window->lock);
    window->connected = false;
    window->changes++;
    lock_release(&window->lock);
}

/* Change lock held: the other side stays as it is, alive or not. */
static void leave(struct window_side *side)
{
    struct window *window = side->window;
    struct window_side *other = other_side(side);

    side->live = false;
    if (has_maps(side))
        window->pinned = true;
    if (!window->connected)
        return;
    disconnect(window);
    if (!revoke(other))
        window->pinned = true;
    clear(window, other->alone); /* nobody has had it since the window was connected */
    lock_acquire(&window->lock);
    lead(other, other->alone);
    lock_release(&window->lock);
    tell(other, BH_WINDOW_WITHDRAWN);
}

void windows_leave(struct partition *partition)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        struct window *window = partition->window[i]->window;

        lock_acquire(&window->change);
        leave(partition->window[i]);
        lock_release(&window->change);
    }
}

/* ---- Calls -------------------------------------------------------------------------------------- */

int64_t window_notify(const struct partition *partition, uint64_t index)
{
    const struct window_side *side = side_of(partition, index);
    struct window_side *other;
    int64_t result = BH_EAGAIN;

    if (side == NULL)
        return BH_ENOENT;
    other = other_side(side);
    lock_acquire(&side->window->lock);
    if (side->window->connected && arch_vcpu_interrupt(&other->partition->vcpu, other->interrupt))
        result = BH_OK;
    lock_release(&side->window->lock);
    return result;
}

int64_t window_query(const struct partition *partition, uint64_t index,
                     struct bh_query_window *answer)
{
    const struct window_side *side = side_of(partition, index);
    const struct set_window *set;
    struct window *window;

    if (side == NULL)
        return BH_ENOENT;
    window = side->window;
    set = window->set;
    *answer = (struct bh_query_window){
        .address = side->address,
        .bytes = set->size,
        .rights = (side->writes ? BH_WINDOW_WRITE : 0) |
                  (other_side(side)->writes ? BH_WINDOW_OTHER_WRITES : 0) |
                  (set->dma ? BH_WINDOW_DMA : 0),
        .interrupt = side->interrupt,
        .maps_total = set->dma ? set->maps : 0,
    };
    format(answer->name, sizeof(answer->name), "%s", set->name);
    format(answer->other, sizeof(answer->other), "%s", other_side(side)->partition->name);
    lock_acquire(&window->lock);
    answer->state = window->connected ? BH_WINDOW_CONNECTED : BH_WINDOW_WITHDRAWN;
    answer->changes = window->changes;
    for (uint32_t i = 0; i < answer->maps_total; i++)
        answer->maps_used += side->map[i].ioas != NULL;
    lock_release(&window->lock);
    return BH_OK;
}
