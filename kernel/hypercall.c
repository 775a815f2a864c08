/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/hypercall.h"

#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/give.h"
#include "kernel/keyboard.h"
#include "kernel/last_calls.h"
#include "kernel/lifecycle.h"
#include "kernel/message.h"
#include "kernel/partition.h"
#include "kernel/query.h"
#include "kernel/window.h"
#include "lib/format.h"
#include "lib/string.h"

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
    return partition_give(partition, x[1], &info, sizeof(info), BH_PARTITION_INFO_FIRST_BYTES);
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
    info.messages = message_vectors(device);
    info.doorbell = message_doorbell(device);
    if (info.interrupts == BH_INTERRUPTS_NONE && info.messages != 0)
        info.interrupts = BH_INTERRUPTS_MESSAGES;
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
    return partition_give(partition, x[2], &info, sizeof(info), BH_DEVICE_INFO_FIRST_BYTES);
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

    return result == BH_OK
               ? partition_give(partition, x[2], &ranges, sizeof(ranges), sizeof(ranges))
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

static int64_t call_msi_bind(struct partition *partition, uint64_t *x)
{
    struct device *device = partition_device(partition, x[1]);
    uint64_t vector = x[2];

    if (device == NULL)
        return BH_ENOENT;
    if (!assign_hold(partition, device))
        return BH_EPERM;
    int64_t result = message_bind(partition, device, vector, x[3], x[4]);

    if (result == BH_OK) {
        x[1] = message_doorbell(device);
        x[2] = vector;
        x[3] = pci_vector_entry(device->function, (uint32_t)vector);
    }
    assign_let_go(device);
    return result;
}

static int64_t call_query(struct partition *partition, uint64_t *x)
{
    return query(partition, x[1], x[2], x[3]);
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
    last_calls_open(partition);
    lifecycle_end(partition, (uint32_t)x[2], x[1] == BH_POWER_RESET);
}

/* Who is not the manager learns of no other partition. */
static int64_t call_partition_control(struct partition *partition, uint64_t *x)
{
    if (!partition->set->manager)
        return BH_EPERM;
    if (x[1] >= partitions.count)
        return BH_ENOENT;
    struct partition *other = &partitions.partition[clamp_index(x[1], PARTITION_LIMIT)];

    if (other == partition || x[2] > BH_PARTITION_RESTART)
        return BH_EINVAL;
    return lifecycle_control(other, x[2]);
}

static int64_t call_device_give(struct partition *partition, uint64_t *x)
{
    if (!partition->set->manager)
        return BH_EPERM;
    if (x[2] >= partitions.count)
        return BH_ENOENT;
    struct partition *to = &partitions.partition[clamp_index(x[2], PARTITION_LIMIT)];
    struct device *device = partition_device(to, x[1]);
    uint64_t wait = 0;

    if (device == NULL)
        return BH_ENOENT;
    int64_t result = give_device(to, device, &wait);

    x[1] = wait;
    return result;
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
    [BH_CALL_MSI_BIND] = call_msi_bind,
    [BH_CALL_PARTITION_CONTROL] = call_partition_control,
    [BH_CALL_DEVICE_GIVE] = call_device_give,
};

void hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number)
{
    struct partition *partition = vcpu->partition;
    struct bh_call_record *record = last_calls_next(partition);

    /* Read before they are stored: in pairs. */
    uint64_t first = x[1], second = x[2];

    record->call = number;
    record->argument[0] = first;
    record->argument[1] = second;
    record->result = calls[clamp_index(number, BH_CALL_LIMIT)](partition, x);
    x[0] = (uint64_t)record->result;
}
