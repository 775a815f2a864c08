/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "arch/host/host.h"
#include "bulkhead/abi.h"
#include "columns.h"
#include "kernel/assign.h"
#include "kernel/hypercall.h"
#include "kernel/window.h"

#define ARGUMENTS 6
#define BLOCK BIT(21)
#define READ_WRITE (BH_MAP_READ | BH_MAP_WRITE)

/* x: number and arguments in x[0..5], as the guest's registers; results as well. */
static int64_t call(struct partition *partition, uint64_t x[ARGUMENTS])
{
    hypercall(&partition->vcpu, x, x[0]);
    return (int64_t)x[0];
}

static int64_t bind(struct partition *partition, const struct device *device)
{
    int64_t result;

    do { /* a reset takes its time; it fails, or ends */
        uint64_t x[ARGUMENTS] = { BH_CALL_DEVICE_BIND, device->id, device->id };

        result = call(partition, x);
        if (result == BH_EAGAIN)
            host_advance(x[1]);
    } while (result == BH_EAGAIN);
    return result;
}

/* Every vector that the device has, each to an interrupt of its own as far as these go. */
static uint32_t bind_messages(struct partition *partition, const struct device *device)
{
    uint32_t bound = 0;

    for (uint32_t vector = 0; vector < device->vectors; vector++) {
        uint64_t x[ARGUMENTS] = { BH_CALL_MSI_BIND, device->id, vector,
                                  BH_MESSAGE_FIRST +
                                      vector % (BH_MESSAGE_LAST - BH_MESSAGE_FIRST + 1) };

        bound += call(partition, x) == BH_OK;
    }
    return bound;
}

/* The id of an ioas that the device is attached to, or an error. */
static int64_t attach(struct partition *partition, const struct device *device)
{
    uint64_t alloc[ARGUMENTS] = { BH_CALL_IOAS_ALLOC_PAGING, device->id, BH_IOAS_NONE };
    int64_t ioas = call(partition, alloc);
    uint64_t x[ARGUMENTS] = { BH_CALL_ATTACH, device->id, BH_PASID_NONE, (uint64_t)ioas };

    if (ioas < 0)
        return ioas;
    int64_t result = call(partition, x);

    return result == BH_OK ? ioas : result;
}

/* Maps the whole, over as many calls as it takes; *done says how much of it. */
static int64_t map(struct partition *partition, int64_t ioas, uint64_t iova, uint64_t address,
                   uint64_t size, uint64_t flags, uint64_t *done)
{
    int64_t result;

    *done = 0;
    do {
        uint64_t x[ARGUMENTS] = { BH_CALL_IOAS_MAP, (uint64_t)ioas, iova + *done,
                                  address + *done,  size - *done,   flags };

        result = call(partition, x);
        if (result == BH_OK || result == BH_EAGAIN)
            *done += x[1];
    } while (result == BH_EAGAIN);
    return result;
}

/* About half, in whole blocks for as long as possible: they need no table of their own. */
static uint64_t smaller(uint64_t size)
{
    return size > BLOCK ? max_u64(align_down(size / 2, BLOCK), BLOCK)
                        : align_down(size / 2, PAGE_SIZE);
}

/* Maps the partition's memory from its base on, as much as its pool has pages for: a call whose
 * tables do not fit maps nothing, so less is asked for. */
static uint64_t map_own(struct partition *partition, int64_t ioas)
{
    uint64_t base = partition->set->memory_base, all = partition->visible_size, mapped = 0;

    for (uint64_t size = all; size != 0;) {
        uint64_t done;
        int64_t result = map(partition, ioas, base + mapped, base + mapped, size, READ_WRITE,
                             &done);

        mapped += done;
        size = result == BH_OK ? all - mapped : smaller(size - done);
    }
    return mapped;
}

/* ---- Windows ---------------------------------------------------------------------------------- */

/* It and those that it shares windows with begin to live. */
static bool connect_windows(struct partition *partition)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        struct window_side *side = partition->window[i];
        struct window_side *other = &side->window->side[side == &side->window->side[0]];

        if (!other->live &&
            (!partition_build_stage2(other->partition) || !windows_join(other->partition)))
            return false;
    }
    return windows_join(partition);
}

/* Each that devices may reach, where the partition has it, with all the access that it has. */
static void map_windows(struct partition *partition, int64_t ioas, struct guest_result *result)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        const struct window_side *side = partition->window[i];
        uint64_t at = side->address, size = side->window->set->size, done;

        if (!side->window->set->dma)
            continue;
        if (!side->writes && map(partition, ioas, at, at, size, READ_WRITE, &done) != BH_EPERM) {
            result->accepted = at;
            result->accepted_size = size;
        }
        map(partition, ioas, at, at, size, side->writes ? READ_WRITE : BH_MAP_READ, &done);
    }
}

static bool is_in_window(const struct partition *partition, uint64_t address, uint64_t size)
{
    for (uint32_t i = 0; i < partition->window_count; i++) {
        const struct window_side *side = partition->window[i];

        if (side->window->set->dma &&
            range_inside(address, size, side->address, side->window->set->size))
            return true;
    }
    return false;
}

/* ---- What must be refused -------------------------------------------------------------------- */

struct attempt {
    struct partition *partition;
    int64_t ioas;
    uint64_t iova; /* where nothing of its own is mapped */
    struct guest_result *result;
};

static bool all_its_own(const struct partition *partition, uint64_t address, uint64_t size)
{
    return range_inside(address, size, partition->set->memory_base, partition->visible_size) ||
           is_in_window(partition, address, size);
}

static void try(struct attempt *attempt, uint64_t address, uint64_t size)
{
    /* Where blocks fit, so that the pool lasts if maps are accepted. */
    uint64_t iova = align_up(attempt->iova, BLOCK) + (address & (BLOCK - 1)), done;

    if (!range_valid(address, size) || all_its_own(attempt->partition, address, size))
        return;
    if (map(attempt->partition, attempt->ioas, iova, address, size, READ_WRITE, &done) ==
        BH_ERANGE) {
        attempt->result->refused++;
        return;
    }
    if (attempt->result->accepted_size == 0) {
        attempt->result->accepted = address;
        attempt->result->accepted_size = size;
    }
    attempt->iova = iova + size;
}

/* The first page, the last one, and the whole. */
static void try_range(struct attempt *attempt, struct topology_range range)
{
    uint64_t first = align_down(range.base, PAGE_SIZE);
    uint64_t last = align_down(range.base + (range.size - 1), PAGE_SIZE);

    try(attempt, first, PAGE_SIZE);
    try(attempt, last, PAGE_SIZE);
    if (last - first > PAGE_SIZE && last - first < UINT64_C(1) << 38)
        try(attempt, first, last - first);
}

/* Every physical range by its own address, and what lies around the partition's own memory. */
static void try_all(struct attempt *attempt)
{
    const struct partition *partition = attempt->partition;
    uint64_t base = partition->set->memory_base, end = base + partition->visible_size;

    for (uint32_t c = 0; c < columns.count; c++) {
        for (uint32_t r = 0; r < columns.column[c].range_count; r++)
            try_range(attempt, columns.column[c].range[r]);
    }
    try(attempt, end, PAGE_SIZE); /* its pool lies behind what it sees */
    try(attempt, end - PAGE_SIZE, (uint64_t)2 * PAGE_SIZE);
    try(attempt, base - PAGE_SIZE, PAGE_SIZE);
    try(attempt, base - PAGE_SIZE, (uint64_t)2 * PAGE_SIZE);
}

/* ---- The whole ------------------------------------------------------------------------------- */

void guest_take(struct partition *partition, struct device *device, struct guest_result *result)
{
    const struct set_partition *set = partition->set;

    *result = (struct guest_result){ 0 };
    result->bound = BH_ENOSPC;
    if (!partition_build_stage2(partition))
        return;
    const struct arch_start start = { .entry = set->memory_base, .aarch32 = set->aarch32 };

    arch_vcpu_prepare(&partition->vcpu, partition, &start, partition->stage2.root, partition->tag);
    if (!connect_windows(partition))
        return;
    result->bound = bind(partition, device);
    if (result->bound != BH_OK || device->iommu == NULL)
        return;
    int64_t ioas = attach(partition, device);

    if (ioas < 0)
        return;
    result->mapped = map_own(partition, ioas);
    map_windows(partition, ioas, result);
    result->messages = bind_messages(partition, device);
    struct attempt attempt = { .partition = partition,
                               .ioas = ioas,
                               .iova = set->memory_base + set->memory_size,
                               .result = result };

    try_all(&attempt);
}

void guest_leave(struct partition *partition)
{
    assign_release_all(partition);
    ioas_free_all(partition);
    windows_leave(partition);
    for (uint32_t i = 0; i < partitions.count; i++)
        windows_leave(&partitions.partition[i]);
}
