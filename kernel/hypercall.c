/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/hypercall.h"

#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/keyboard.h"
#include "kernel/lifecycle.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "lib/format.h"
#include "lib/string.h"

/*
 * Gives a filled structure of size bytes to the guest: as many as the caller has room for, its size
 * field saying how many. first: bytes of the structure's first version, which is the least room. The
 * guest's size is read once.
 */
static int64_t give(const struct partition *partition, uint64_t address, void *structure,
                    uint64_t size, uint64_t first)
{
    const uint64_t *wanted = partition_memory(partition, address, sizeof(*wanted), 8);
    uint64_t room;
    void *to;

    if (wanted == NULL)
        return BH_EFAULT;
    room = *(const volatile uint64_t *)wanted;
    if (room < first)
        return BH_EINVAL;
    size = min_u64(size, room);
    to = partition_memory(partition, address, size, 8);
    if (to == NULL)
        return BH_EFAULT;
    memcpy(structure, &size, sizeof(size));
    memcpy(to, structure, size);
    return BH_OK;
}

/*
 * Takes a structure of size bytes from the guest, each word of it once; the rest of a shorter one stays as it is.
 * Of a longer one, up to a page, the words that are not known here must be zero.
 */
static int64_t take(const struct partition *partition, uint64_t address, uint64_t *structure,
                    uint64_t size, uint64_t first)
{
    const volatile uint64_t *from = partition_memory(partition, address, sizeof(*from), 8);
    uint64_t given, unknown = 0;

    if (from == NULL)
        return BH_EFAULT;
    given = *from;
    if (given < first || given > PAGE_SIZE || !is_aligned(given, sizeof(*from)))
        return BH_EINVAL;
    if (partition_memory(partition, address, given, 8) == NULL)
        return BH_EFAULT;
    for (uint64_t i = 1; i < given / sizeof(*from); i++) {
        if (i < size / sizeof(*from))
            structure[i] = from[i];
        else
            unknown |= from[i];
    }
    return unknown == 0 ? BH_OK : BH_EINVAL;
}

static int64_t call_version(struct partition *partition, uint64_t *x)
{
    (void)partition;
    (void)x;
    return BH_ABI_MAJOR << 16 | BH_ABI_MINOR;
}

static int64_t call_features(struct partition *partition, uint64_t *x)
{
    (void)partition;
    return x[1] < BH_CALL_LIMIT ? BH_OK : BH_NOT_SUPPORTED;
}

static int64_t call_partition_info(struct partition *partition, uint64_t *x)
{
    struct bh_partition_info info = {
        .device_count = partition->device_count,
        .processor_count = partition->set->cpus,
        .memory_base = partition->set->memory_base,
        .memory_size = partition->visible_size,
        .pool_pages_free = partition->pool.free,
        .pool_pages_total = partition->pool.count,
        .ioas_limit = PARTITION_IOAS,
        .event_interrupt = INTERRUPT_EVENT_RING,
        .console_interrupt = keyboard_works() ? INTERRUPT_CONSOLE : 0,
    };

    format(info.name, sizeof(info.name), "%s", partition->name);
    return give(partition, x[1], &info, sizeof(info), BH_PARTITION_INFO_FIRST_BYTES);
}

static void describe_translation(const struct device *device, struct bh_device_info *info)
{
    const struct iommu_capabilities *capabilities = &device->iommu->capabilities;

    info->iommu = device->iommu->number;
    info->capabilities |= BH_DEVICE_DMA;
    info->aperture_last = BIT(capabilities->input_bits) - 1;
    info->page_sizes = capabilities->page_sizes;
}

static int64_t call_device_info(struct partition *partition, uint64_t *x)
{
    if (x[1] >= partition->device_count)
        return BH_ENOENT;
    const struct device *device = partition->device[clamp_index(x[1], PARTITION_DEVICES)];
    struct bh_device_info info = {
        .device = device->id,
        .group = device->group->number,
        .group_reasons = device->group->reasons,
        .group_members = device->group->members,
        .iommu = IOMMU_NONE,
        .interrupts = BH_INTERRUPTS_NONE,
    };

    info.interrupt = partition_interrupt(partition, device);
    if (info.interrupt != 0)
        info.interrupts = BH_INTERRUPTS_LINE;
    if (device->iommu != NULL)
        describe_translation(device, &info);
    if (device->function != NULL) {
        info.vendor_device = device->function->vendor | (uint32_t)device->function->device << 16;
        info.class_revision = device->function->class_revision;
        if (pci_reset_method(&devices.pci, device->function) == PCI_RESET_FUNCTION_LEVEL)
            info.capabilities |= BH_DEVICE_FLR;
    }
    for (unsigned int i = 0; i < BH_BAR_COUNT; i++) {
        struct topology_range range = device_registers(device, i);

        info.bar[i] = (struct bh_bar){ .address = range.base, .bytes = range.size };
    }
    format(info.name, sizeof(info.name), "%s", device->name);
    return give(partition, x[2], &info, sizeof(info), BH_DEVICE_INFO_FIRST_BYTES);
}

static int64_t call_device_bind(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);
    uint64_t wait = 0;

    if (device == NULL)
        return BH_ENOENT;
    int64_t result = assign_bind(partition, device, x[2], &wait);

    x[1] = wait;
    return result;
}

static int64_t call_device_unbind(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);

    return device == NULL ? BH_ENOENT : assign_unbind(partition, device);
}

static int64_t call_ioas_alloc_paging(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);

    if (device == NULL)
        return BH_ENOENT;
    if (device->bound != partition)
        return BH_EPERM;
    if (x[2] != BH_IOAS_NONE)
        return BH_EOPNOTSUPP;
    return ioas_alloc_paging(partition, device);
}

static int64_t call_ioas_free(struct partition *partition, uint64_t *x)
{
    return ioas_free(partition, x[1]);
}

static int64_t call_ioas_map(struct partition *partition, uint64_t *x)
{
    uint64_t id = x[1];

    x[1] = 0;
    return ioas_map(partition, id, x[2], x[3], x[4], x[5], &x[1]);
}

static int64_t call_ioas_unmap(struct partition *partition, uint64_t *x)
{
    uint64_t id = x[1], iova = x[2];

    x[1] = x[2] = 0;
    return ioas_unmap(partition, id, iova, x[3], &x[1], &x[2]);
}

static int64_t call_ioas_ranges(struct partition *partition, uint64_t *x)
{
    struct bh_ioas_ranges ranges = { .count = 0 };
    int64_t result = ioas_ranges(partition, x[1], ranges.range, &ranges.count);

    return result == BH_OK ? give(partition, x[2], &ranges, sizeof(ranges), sizeof(ranges))
                           : result;
}

static int64_t call_ioas_reserve(struct partition *partition, uint64_t *x)
{
    return ioas_reserve(partition, x[1], x[2], x[3]);
}

static int64_t call_ioas_unmap_all(struct partition *partition, uint64_t *x)
{
    /* Where registers have 32 bits the upper half comes and goes in one of its own; elsewhere it is the same bits. */
    uint64_t cursor = x[2] | x[3] << 32, bytes = 0;
    int64_t result = ioas_unmap_all(partition, x[1], &cursor, &bytes);

    x[1] = cursor;
    x[2] = bytes;
    x[3] = cursor >> 32;
    return result;
}

static int64_t call_ioas_remap(struct partition *partition, uint64_t *x)
{
    uint64_t done = 0;
    bool hitless = false;
    int64_t result = ioas_remap(partition, x[1], x[2], x[3], x[4], x[5], &done, &hitless);

    x[1] = done;
    x[2] = hitless;
    return result;
}

static int64_t call_ioas_copy(struct partition *partition, uint64_t *x)
{
    struct bh_ioas_copy copy = { 0 };
    uint64_t done = 0;
    int64_t result = take(partition, x[1], &copy.size, sizeof(copy), BH_IOAS_COPY_FIRST_BYTES);

    if (result == BH_OK)
        result = ioas_copy(partition, &copy, &done);
    x[1] = done;
    return result;
}

static int64_t call_ioas_map_batch(struct partition *partition, uint64_t *x)
{
    struct ioas_batch_done done = { 0 };
    int64_t result = ioas_map_batch(partition, x[1], x[2], x[3], &done);

    x[1] = done.elements;
    x[2] = done.part;
    return result;
}

static int64_t call_ioas_unmap_batch(struct partition *partition, uint64_t *x)
{
    struct ioas_batch_done done = { 0 };
    int64_t result = ioas_unmap_batch(partition, x[1], x[2], x[3], &done);

    x[1] = done.elements;
    x[2] = done.part;
    x[3] = done.bytes;
    return result;
}

/* The device whose attachment x1 and x2 name. It is listed; whether it is bound, the one who holds it asks. */
static int64_t name_attachment(const struct partition *partition, const uint64_t *x,
                               struct device **device)
{
    *device = partition_device(partition, x[1]);
    if (*device == NULL)
        return BH_ENOENT;
    if (x[2] == 0)
        return BH_EINVAL;
    return x[2] == BH_PASID_NONE ? BH_OK : BH_EOPNOTSUPP;
}

static int64_t call_attach(struct partition *partition, uint64_t *x)
{
    struct device *device;
    int64_t result = name_attachment(partition, x, &device);

    return result == BH_OK ? assign_attach(partition, device, x[3]) : result;
}

static int64_t call_replace(struct partition *partition, uint64_t *x)
{
    struct device *device;
    bool hitless = false;
    int64_t result = name_attachment(partition, x, &device);

    if (result != BH_OK)
        return result;
    result = assign_replace(partition, device, x[3], &hitless);
    x[1] = hitless;
    return result;
}

static int64_t call_detach(struct partition *partition, uint64_t *x)
{
    struct device *device;
    int64_t result = name_attachment(partition, x, &device);

    return result == BH_OK ? assign_detach(partition, device) : result;
}

static int64_t call_device_reset(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);
    uint64_t wait = 0;

    if (device == NULL)
        return BH_ENOENT;
    int64_t result = assign_reset(partition, device, &wait);

    x[1] = wait;
    return result;
}

static int64_t call_device_config_read(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);

    return device == NULL ? BH_ENOENT : config_read(partition, device, x[2], x[3], &x[1]);
}

static int64_t call_device_config_write(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);

    return device == NULL ? BH_ENOENT : config_write(partition, device, x[2], x[3], x[4]);
}

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
    return give(partition, address, &state, sizeof(state), sizeof(state));
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
    return give(partition, address, &fault, sizeof(fault), sizeof(fault));
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
    return give(partition, address, &attachment, sizeof(attachment), sizeof(attachment));
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
    return give(partition, address, &pool, sizeof(pool), sizeof(pool));
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
    return give(partition, address, &health, sizeof(health), sizeof(health));
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
    struct bh_query_counters counters = { .calls = partition->calls };

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
    return give(partition, address, &counters, sizeof(counters), sizeof(counters));
}

static int64_t query_window(const struct partition *partition, uint64_t index, uint64_t address)
{
    struct bh_query_window window;
    int64_t result = window_query(partition, index, &window);

    return result == BH_OK ? give(partition, address, &window, sizeof(window), sizeof(window))
                           : result;
}

static int64_t query_digest(const struct partition *partition, uint64_t address)
{
    struct bh_query_digest digest = { 0 };

    memcpy(digest.set, lifecycle_set_digest(), sizeof(digest.set));
    return give(partition, address, &digest, sizeof(digest), sizeof(digest));
}

static int64_t call_query(struct partition *partition, uint64_t *x)
{
    struct device *device;

    if (x[1] == BH_QUERY_POOL)
        return query_pool(partition, x[2]);
    if (x[1] == BH_QUERY_HEALTH)
        return query_health(partition, x[2]);
    if (x[1] == BH_QUERY_ATTACHMENT)
        return query_attachment(partition, x[2], x[3]);
    if (x[1] == BH_QUERY_WINDOW)
        return query_window(partition, x[3], x[2]);
    if (x[1] == BH_QUERY_COUNTERS)
        return query_counters(partition, x[2]);
    if (x[1] == BH_QUERY_DIGEST)
        return query_digest(partition, x[2]);
    if (x[1] != BH_QUERY_STATE && x[1] != BH_QUERY_FAULT)
        return BH_EINVAL;
    device = partition_device(partition, x[3]);
    if (device == NULL)
        return BH_ENOENT;
    return x[1] == BH_QUERY_STATE ? query_state(partition, device, x[2])
                                  : query_fault(partition, device, x[2]);
}

static int64_t call_console_write(struct partition *partition, uint64_t *x)
{
    uint64_t length = x[2];
    char bytes[BH_CONSOLE_BYTES_PER_CALL];
    const void *from;

    if (length == 0 || length > sizeof(bytes))
        return BH_EINVAL;
    from = partition_memory(partition, x[1], length, 1);
    if (from == NULL)
        return BH_EFAULT;
    memcpy(bytes, from, length);
    console_write(&partition->console, LOG_HYPERVISOR + 1 + partition->index, partition->name,
                  bytes, length);
    x[1] = length;
    return BH_OK;
}

static int64_t call_console_read(struct partition *partition, uint64_t *x)
{
    uint64_t length = x[2];
    void *to;

    if (length == 0 || length > BH_CONSOLE_BYTES_PER_CALL)
        return BH_EINVAL;
    to = partition_memory(partition, x[1], length, 1);
    if (to == NULL)
        return BH_EFAULT;
    x[1] = console_read(&partition->console, to, length);
    return BH_OK;
}

static int64_t call_event_ring(struct partition *partition, uint64_t *x)
{
    return event_ring_set(partition, x[1]);
}

/* The return is where the CPU takes what waits for it. */
static int64_t call_yield(struct partition *partition, uint64_t *x)
{
    (void)partition;
    (void)x;
    return BH_OK;
}

static int64_t call_notify(struct partition *partition, uint64_t *x)
{
    return window_notify(partition, x[1]);
}

static int64_t call_power(struct partition *partition, uint64_t *x)
{
    if (x[1] > BH_POWER_RESET || x[2] > UINT8_MAX)
        return BH_EINVAL;
    lifecycle_end(partition, (uint32_t)x[2], x[1] == BH_POWER_RESET);
}

static int64_t (*const calls[BH_CALL_LIMIT])(struct partition *partition, uint64_t *x) = {
    [BH_CALL_VERSION] = call_version,
    [BH_CALL_FEATURES] = call_features,
    [BH_CALL_PARTITION_INFO] = call_partition_info,
    [BH_CALL_DEVICE_INFO] = call_device_info,
    [BH_CALL_DEVICE_BIND] = call_device_bind,
    [BH_CALL_DEVICE_UNBIND] = call_device_unbind,
    [BH_CALL_IOAS_ALLOC_PAGING] = call_ioas_alloc_paging,
    [BH_CALL_IOAS_FREE] = call_ioas_free,
    [BH_CALL_IOAS_MAP] = call_ioas_map,
    [BH_CALL_IOAS_UNMAP] = call_ioas_unmap,
    [BH_CALL_ATTACH] = call_attach,
    [BH_CALL_DETACH] = call_detach,
    [BH_CALL_QUERY] = call_query,
    [BH_CALL_CONSOLE_WRITE] = call_console_write,
    [BH_CALL_POWER] = call_power,
    [BH_CALL_EVENT_RING] = call_event_ring,
    [BH_CALL_CONSOLE_READ] = call_console_read,
    [BH_CALL_IOAS_RANGES] = call_ioas_ranges,
    [BH_CALL_IOAS_RESERVE] = call_ioas_reserve,
    [BH_CALL_IOAS_COPY] = call_ioas_copy,
    [BH_CALL_IOAS_REMAP] = call_ioas_remap,
    [BH_CALL_IOAS_UNMAP_ALL] = call_ioas_unmap_all,
    [BH_CALL_IOAS_MAP_BATCH] = call_ioas_map_batch,
    [BH_CALL_IOAS_UNMAP_BATCH] = call_ioas_unmap_batch,
    [BH_CALL_REPLACE] = call_replace,
    [BH_CALL_DEVICE_RESET] = call_device_reset,
    [BH_CALL_NOTIFY] = call_notify,
    [BH_CALL_YIELD] = call_yield,
    [BH_CALL_DEVICE_CONFIG_READ] = call_device_config_read,
    [BH_CALL_DEVICE_CONFIG_WRITE] = call_device_config_write,
};

void hypercall(struct vcpu *vcpu, uint64_t number, uint64_t *x)
{
    struct partition *partition = arch_vcpu_partition(vcpu);

    partition->calls++;
    x[0] = (uint64_t)calls[clamp_index(number, BH_CALL_LIMIT)](partition, x);
}
