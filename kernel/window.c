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
    if (!joined)
        windows_leave(partition);
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
    if (!window->connected)
        return;
    disconnect(window);
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
