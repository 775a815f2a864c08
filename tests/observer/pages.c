/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a page is, and which table pages are free. */
#include <stdio.h>

#include "internal.h"
#include "lib/boot_memory.h"

#define HOST_PAGES (HOST_MEMORY_SIZE >> PAGE_SHIFT)

extern char __executable_start[], _end[];

static uint8_t is_free[HOST_PAGES];
static uint8_t is_pool[HOST_PAGES];

void pages_reset(void)
{
    for (uint64_t i = 0; i < HOST_PAGES; i++) {
        is_free[i] = 0;
        is_pool[i] = 0;
    }
}

/* Pages of a pool become free, or are taken. */
void pages_state(uint64_t base, uint64_t count, bool free)
{
    for (uint64_t page = base; page < base + count * PAGE_SIZE; page += PAGE_SIZE) {
        if (page - HOST_MEMORY_BASE >= HOST_MEMORY_SIZE)
            continue;
        is_free[(page - HOST_MEMORY_BASE) >> PAGE_SHIFT] = free;
        is_pool[(page - HOST_MEMORY_BASE) >> PAGE_SHIFT] = 1;
    }
}

bool pages_free(uint64_t page)
{
    return page - HOST_MEMORY_BASE < HOST_MEMORY_SIZE &&
           is_free[(page - HOST_MEMORY_BASE) >> PAGE_SHIFT] != 0;
}

enum page_owner pages_owner(uint64_t address, unsigned int *partition)
{
    uint64_t image = memory_physical(__executable_start);

    *partition = 0;
    for (unsigned int i = 0; i < partitions.count && i < machine.partition_count; i++) {
        const struct partition_spec *spec = &machine.partition[i];
        uint64_t offset = address - partitions.partition[i].physical;
        uint64_t pool = (uint64_t)spec->pool_pages * PAGE_SIZE;

        if (partitions.partition[i].physical == 0 || offset >= spec->memory_size)
            continue;
        *partition = i;
        return offset < spec->memory_size - pool ? PAGE_VISIBLE : PAGE_POOL;
    }
    if (address >= image && address < memory_physical(_end))
        return PAGE_HYPERVISOR;
    if (address - HOST_MEMORY_BASE < max_u64(boot_memory_used(), PAGE_SIZE))
        return PAGE_HYPERVISOR;
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        const struct topology_range *queue = observer.unit[unit].queue;

        if (entries_overlap(unit, address, 1) || address - queue[0].base < queue[0].size ||
            address - queue[1].base < queue[1].size)
            return PAGE_HYPERVISOR;
    }
    if (address - HOST_MEMORY_BASE >= HOST_MEMORY_SIZE)
        return PAGE_REGISTERS;
    return PAGE_NOBODY;
}

/* A unit that is not used has no queues. */
static bool queue_in(const struct topology_range *queue, uint64_t base, uint64_t size)
{
    return queue->size != 0 && range_overlaps(base, size, queue->base, queue->size);
}

/* What of the hypervisor's own lies in [base, +size), beside stream tables; NULL: nothing. */
const char *pages_kept(uint64_t base, uint64_t size)
{
    uint64_t image = memory_physical(__executable_start);

    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        const struct topology_range *queue = observer.unit[unit].queue;

        if (queue_in(&queue[0], base, size))
            return "a command queue";
        if (queue_in(&queue[1], base, size))
            return "an event queue";
    }
    if (range_overlaps(base, size, image, memory_physical(_end) - image))
        return "the image";
    return NULL;
}

static const char *structure_text(uint64_t address)
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        const struct topology_range *queue = observer.unit[unit].queue;

        if (entries_overlap(unit, address, 1))
            return " (a stream table)";
        if (address - queue[0].base < queue[0].size)
            return " (a command queue)";
        if (address - queue[1].base < queue[1].size)
            return " (an event queue)";
    }
    return reach_is_walked(address) ? " (a table that a unit walks)" : "";
}

const char *pages_text(uint64_t address, char *text, size_t size)
{
    unsigned int partition;
    unsigned long long offset;

    switch (pages_owner(address, &partition)) {
    case PAGE_VISIBLE:
        offset = address - partitions.partition[partition].physical;
        snprintf(text, size, "memory of partition %s, guest-physical 0x%llx%s",
                 report_partition(partition), machine.partition[partition].memory_base + offset,
                 structure_text(address));
        break;
    case PAGE_POOL:
        snprintf(text, size, "table pool of partition %s, a page that is %s",
                 report_partition(partition), pages_free(address) ? "free" : "a table");
        break;
    case PAGE_HYPERVISOR:
        snprintf(text, size, "the hypervisor's own memory%s", structure_text(address));
        break;
    case PAGE_REGISTERS:
        snprintf(text, size, "no memory: registers of devices, or nothing");
        break;
    case PAGE_NOBODY:
        snprintf(text, size, "memory that belongs to nobody%s", structure_text(address));
        break;
    }
    return text;
}
