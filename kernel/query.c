/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/query.h"

#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/digest.h"
#include "kernel/last_calls.h"
#include "kernel/lifecycle.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "lib/log.h"
#include "lib/string.h"

static uint32_t owner_as_seen_by(const struct partition *partition, const struct device *device)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));

    switch (owner.state) {
    case OWNER_NONE:
        return BH_OWNER_NONE;
    case OWNER_HYPERVISOR:
        return BH_OWNER_HYPERVISOR;
    case OWNER_PARTITION:
    default:
        return owner.index == partition->index ? BH_OWNER_SELF : BH_OWNER_OTHER;
    }
}

static int64_t query_state(const struct partition *partition, struct device *device,
                           uint64_t address)
{
    bool mine = assign_hold(partition, device);
    bool visible = owner_as_seen_by(partition, device) != BH_OWNER_OTHER;
    struct bh_query_state state = {
        .owner = owner_as_seen_by(partition, device),
        .bound = mine,
        .ioas = mine && device->ioas != NULL ? device->ioas->id : 0,
        .stream_silent = visible && device->silent,
        .label = mine ? device->label : 0,
        .generation = visible ? device->generation : 0,
    };

    if (mine)
        assign_let_go(device);
    return partition_give(partition, address, &state, sizeof(state), sizeof(state));
}

static int64_t query_fault(const struct partition *partition, const struct device *device,
                           uint64_t address)
{
    struct bh_query_fault fault = { .pasid = BH_PASID_NONE };

    if (device->iommu != NULL)
        lock_acquire(&device->iommu->event_lock);
    /* What a device did for another owner is not the caller's to know. */
    if (device->last_bound == partition) {
        fault.count = device->faults.count;
        fault.lost = device->faults.lost;
        fault.label = device->label;
        fault.iova = device->faults.iova;
        fault.cause = device->faults.cause;
        fault.access = device->faults.access;
        fault.pasid = device->faults.pasid;
    }
    if (device->iommu != NULL)
        lock_release(&device->iommu->event_lock);
    return partition_give(partition, address, &fault, sizeof(fault), sizeof(fault));
}

/* The index counts the attached ones of the caller's devices, as device_info lists them. */
static int64_t query_attachment(const struct partition *partition, uint64_t address, uint64_t index)
{
    struct bh_query_attachment attachment = { .ioas = 0 };

    for (uint32_t i = 0; i < partition->device_count && attachment.ioas == 0; i++) {
        struct device *device = partition->device[i];

        if (!assign_hold(partition, device))
            continue;
        if (device->ioas != NULL && index-- == 0)
            attachment = (struct bh_query_attachment){
                .device = device->id,
                .pasid = BH_PASID_NONE,
                .ioas = device->ioas->id,
                .iommu = device->iommu->number,
                .label = device->label,
                .generation = device->generation,
            };
        assign_let_go(device);
    }
    if (attachment.ioas == 0)
        return BH_ENOENT;
    return partition_give(partition, address, &attachment, sizeof(attachment), sizeof(attachment));
}

static int64_t query_pool(const struct partition *partition, uint64_t address)
{
    struct bh_query_pool pool = {
        .pages_free = partition->pool.free,
        .pages_total = partition->pool.count,
        .ioas_total = PARTITION_IOAS,
    };

    for (uint32_t i = 0; i < PARTITION_IOAS; i++)
        pool.ioas_used += partition->ioas[i].owner != NULL;
    return partition_give(partition, address, &pool, sizeof(pool), sizeof(pool));
}

/* A unit counts once, at the first of the partition's devices behind it. */
static bool is_first_behind(const struct partition *partition, uint32_t index)
{
    const struct iommu *iommu = partition->device[index]->iommu;

    for (uint32_t i = 0; i < index; i++) {
        if (partition->device[i]->iommu == iommu)
            return false;
    }
    return iommu != NULL;
}

static int64_t query_health(const struct partition *partition, uint64_t address)
{
    const struct event_ring *events = &partition->events;
    struct bh_query_health health = {
        .faults = __atomic_load_n(&events->all_faults, __ATOMIC_RELAXED),
        .events_lost = __atomic_load_n(&events->all_lost, __ATOMIC_RELAXED),
        .overflows = __atomic_load_n(&events->all_overflows, __ATOMIC_RELAXED),
        .console_dropped = log_dropped(LOG_HYPERVISOR + 1 + partition->index),
        .pinned = partition->pinned,
        .input_dropped = partition->console.dropped,
    };

    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *device = partition->device[i];

        health.devices_silent += device->silent &&
                                 owner_as_seen_by(partition, device) == BH_OWNER_SELF;
        if (is_first_behind(partition, i)) {
            health.units_silenced += device->iommu->silenced;
            health.illegal_commands += device->iommu->counters.illegal_commands;
        }
    }
    return partition_give(partition, address, &health, sizeof(health), sizeof(health));
}

/* What such a unit does it does for the partition: nobody learns of another's work. */
static bool is_alone_behind(const struct partition *partition, uint32_t unit)
{
    bool alone = partition->class_of[unit] != 0;

    for (uint32_t i = 0; i < partitions.count; i++)
        alone = alone && (i == partition->index || partitions.partition[i].class_of[unit] == 0);
    return alone;
}

/* Nothing is counted for this: a ticket lock knows how often it was taken. */
static int64_t query_counters(struct partition *partition, uint64_t address)
{
    struct bh_query_counters counters = { .calls = partition->recorded - partition->starts };

    counters.locks = atomic_load_explicit(&partition->pool.lock.next, memory_order_relaxed);
    for (uint32_t i = 0; i < PARTITION_IOAS; i++)
        counters.locks += atomic_load_explicit(&partition->ioas[i].lock.next, memory_order_relaxed);
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        if (!is_alone_behind(partition, i))
            continue;
        counters.commands += devices.iommu[i].counters.commands;
        counters.syncs += devices.iommu[i].counters.syncs;
        counters.units++;
    }
    return partition_give(partition, address, &counters, sizeof(counters), sizeof(counters));
}

static int64_t query_window(const struct partition *partition, uint64_t index, uint64_t address)
{
    struct bh_query_window window;
    int64_t result = window_query(partition, index, &window);

    return result == BH_OK
               ? partition_give(partition, address, &window, sizeof(window), sizeof(window))
               : result;
}

static int64_t query_partition(const struct partition *partition, uint64_t address, uint64_t index)
{
    struct bh_query_partition query;

    if (!partition->set->manager)
        return BH_EPERM;
    if (index >= partitions.count)
        return BH_ENOENT;
    lifecycle_query(&partitions.partition[clamp_index(index, PARTITION_LIMIT)], &query);
    return partition_give(partition, address, &query, sizeof(query), sizeof(query));
}

/* Who is not the manager learns of itself alone. */
static int64_t query_calls(const struct partition *partition, uint64_t address, uint64_t index)
{
    struct bh_query_calls calls;
    const struct partition *of = partition;

    if (index != BH_PARTITION_SELF) {
        if (!partition->set->manager)
            return BH_EPERM;
        if (index >= partitions.count)
            return BH_ENOENT;
        of = &partitions.partition[clamp_index(index, PARTITION_LIMIT)];
    }
    last_calls_give(of, of == partition, &calls);
    return partition_give(partition, address, &calls, sizeof(calls), sizeof(calls));
}

static int64_t query_digest(const struct partition *partition, uint64_t address)
{
    struct bh_query_digest digest = { 0 };

    memcpy(digest.set, lifecycle_set_digest(), sizeof(digest.set));
    memcpy(digest.image, digest_of_image(), sizeof(digest.image));
    return partition_give(partition, address, &digest, sizeof(digest), BH_QUERY_DIGEST_FIRST_BYTES);
}

int64_t query(struct partition *partition, uint64_t what, uint64_t address, uint64_t which)
{
    struct device *device;

    switch (what) {
    case BH_QUERY_POOL:
        return query_pool(partition, address);
    case BH_QUERY_HEALTH:
        return query_health(partition, address);
    case BH_QUERY_ATTACHMENT:
        return query_attachment(partition, address, which);
    case BH_QUERY_WINDOW:
        return query_window(partition, which, address);
    case BH_QUERY_COUNTERS:
        return query_counters(partition, address);
    case BH_QUERY_DIGEST:
        return query_digest(partition, address);
    case BH_QUERY_PARTITION:
        return query_partition(partition, address, which);
    case BH_QUERY_CALLS:
        return query_calls(partition, address, which);
    case BH_QUERY_STATE:
    case BH_QUERY_FAULT:
        break;
    default:
        return BH_EINVAL;
    }
    device = partition_device(partition, which);
    if (device == NULL)
        return BH_ENOENT;
    return what == BH_QUERY_STATE ? query_state(partition, device, address)
                                  : query_fault(partition, device, address);
}
