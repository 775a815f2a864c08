/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/partition.h"

#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "lib/string.h"

struct partitions partitions;

struct partition *partition_manager(void)
{
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (partitions.partition[i].set->manager)
            return &partitions.partition[i];
    }
    return NULL;
}

bool partition_resolve(const struct partition *partition, uint64_t address, uint64_t size,
                       uint64_t *physical)
{
    uint64_t base = partition->set->memory_base;

    if (!range_inside(address, size, base, partition->visible_size))
        return false;
    *physical = partition->physical + clamp_index(address - base, partition->visible_size);
    return true;
}

void *partition_memory(const struct partition *partition, uint64_t address, uint64_t size,
                       uint64_t alignment)
{
    uint64_t physical;

    if (!is_aligned(address, alignment) || !partition_resolve(partition, address, size, &physical))
        return NULL;
    return memory_pointer(physical);
}

int64_t partition_give(const struct partition *partition, uint64_t address, void *structure,
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

struct device *partition_device(const struct partition *partition, uint64_t id)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        if (partition->device[i]->id == id)
            return partition->device[i];
    }
    return NULL;
}

uint32_t partition_interrupt(const struct partition *partition, const struct device *device)
{
    if (device->line == INTERRUPT_NONE ||
        __atomic_load_n(&device->line_refusal, __ATOMIC_ACQUIRE) != NULL)
        return 0;
    for (uint32_t i = 0; i < partition->device_count; i++) {
        if (partition->device[i]->line == device->line)
            return INTERRUPT_DEVICE(i);
    }
    return 0;
}

bool partition_build_stage2(struct partition *partition)
{
    uint32_t pages = partition->set->pool_pages;
    struct pagetable_progress progress;

    page_pool_init(&partition->pool, partition->physical + partition->visible_size, pages,
                   partition->pool.records);
    return pagetable_init(&partition->stage2, arch_stage2_format(), &partition->pool,
                          arch_stage2_bits(), true) &&
           pagetable_map(&partition->stage2, partition->set->memory_base, partition->physical,
                         partition->visible_size, arch_stage2_memory_attributes(), UINT32_MAX,
                         &progress) == PAGETABLE_OK;
}
