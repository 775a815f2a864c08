/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/firmware.h"

#include "arch/boot.h"
#include "kernel/device.h"
#include "kernel/memory.h"
#include "lib/boot_memory.h"
#include "lib/log.h"

#define TABLE_PAGES 4 /* for each entry: a root, and a way to a page */
#define STREAMS 64    /* most that are opened as one */

static struct page_pool pool;
static struct page_record records[TOPOLOGY_FIRMWARE * TABLE_PAGES];
static struct pagetable tables[TOPOLOGY_FIRMWARE];
static struct iommu_domain domains[TOPOLOGY_FIRMWARE];

/* NULL, or why nobody may be given this memory. It is nobody else's when this returns NULL. */
static const char *take_memory(const struct topology *topology, struct topology_range memory,
                               struct topology_range own)
{
    struct topology_range image;

    arch_image_range(&image.base, &image.size);
    if (!range_valid(memory.base, memory.size) || !is_aligned(memory.base | memory.size, PAGE_SIZE))
        return "is not whole pages";
    if (topology_overlap(memory, own) || topology_overlap(memory, image) ||
        topology_overlap(memory, topology->initrd))
        return "lies over the hypervisor";
    if (topology_has_infrastructure(topology, memory) ||
        topology_has_block(topology, memory, UINT32_MAX))
        return "lies over registers";
    return memory_reserve(memory.base, memory.size) ? NULL : "cannot be kept from partitions";
}

static bool same_streams(const struct topology_firmware *a, const struct topology_firmware *b)
{
    return a->iommu == b->iommu && a->stream == b->stream && a->count == b->count;
}

static bool share_streams(const struct topology_firmware *a, const struct topology_firmware *b)
{
    return a->iommu == b->iommu && range_overlaps(a->stream, a->count, b->stream, b->count);
}

/* Maps all memory that the topology has for these streams. NULL, or why that cannot be done. */
static const char *map_memory(const struct topology *topology,
                              const struct topology_firmware *streams, struct topology_range own,
                              struct pagetable *table)
{
    const struct iommu *iommu = &devices.iommu[streams->iommu];
    const struct iommu_format *format = iommu->format;
    uint64_t attributes = format->common ^ format->read ^ format->write;

    if (!pagetable_init(table, format->entries, &pool, iommu->capabilities.input_bits,
                        iommu->capabilities.coherent))
        return "needs more tables than there are";
    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_range memory = topology->firmware[i].memory;
        struct pagetable_progress progress;

        if (!same_streams(streams, &topology->firmware[i]))
            continue;
        const char *reason = take_memory(topology, memory, own);

        if (reason != NULL)
            return reason;
        if (!range_inside(memory.base, memory.size, 0,
                          min_u64(table->limit, BIT(iommu->capabilities.output_bits))))
            return "lies beyond what its IOMMU reaches";
        if (pagetable_map(table, memory.base, memory.base, memory.size, attributes, UINT32_MAX,
                          &progress) != PAGETABLE_OK)
            return "is there twice, or needs more tables than there are";
    }
    return NULL;
}

static const char *open_streams(const struct topology_firmware *streams,
                                struct iommu_domain *domain)
{
    struct iommu *iommu = &devices.iommu[streams->iommu];

    /* A unit has more than there are entries, and nobody else has any yet. */
    domain->tag = iommu_tag_take(iommu);
    for (uint32_t i = 0; i < streams->count; i++) {
        if (!iommu->driver->stream_prepare(iommu, streams->stream + i) ||
            iommu->driver->stream_set(iommu, streams->stream + i, STREAM_ATTACHED, domain) !=
                IOMMU_OK)
            return "has a stream that could not be opened";
    }
    return NULL;
}

static const char *open_memory(const struct topology *topology, uint32_t index,
                               struct topology_range own)
{
    const struct topology_firmware *streams = &topology->firmware[index];
    const char *reason;

    if (!devices.iommu[streams->iommu].usable)
        return "stands behind an IOMMU that is not usable";
    if (streams->count > STREAMS)
        return "is that of more streams than are opened";
    for (uint32_t i = 0; i < index; i++) {
        if (share_streams(streams, &topology->firmware[i]))
            return "is that of streams which have other memory besides";
    }
    domains[index].table = &tables[index];
    reason = map_memory(topology, streams, own, &tables[index]);
    return reason != NULL ? reason : open_streams(streams, &domains[index]);
}

static bool is_first(const struct topology *topology, uint32_t index)
{
    bool first = true;

    for (uint32_t i = 0; i < index; i++)
        first = first && !same_streams(&topology->firmware[i], &topology->firmware[index]);
    return first;
}

void firmware_start(const struct topology *topology, struct topology_range own)
{
    uint32_t count = topology->firmware_count * TABLE_PAGES;
    void *pages;

    if (count == 0)
        return;
    pages = boot_memory_take((uint64_t)count * PAGE_SIZE, PAGE_SIZE);
    if (pages == NULL)
        count = 0;
    page_pool_init(&pool, count != 0 ? memory_physical(pages) : 0, count, records);
    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_firmware *streams = &topology->firmware[i];
        const char *unit = topology->iommu[streams->iommu].name;

        if (!is_first(topology, i))
            continue;
        const char *reason = open_memory(topology, i, own);

        if (reason == NULL)
            log_info("%s: %u streams from 0x%x on reach the memory that firmware keeps for them",
                     unit, streams->count, streams->stream);
        else
            log_warning("%s: %u streams from 0x%x on stay blocked: memory that firmware keeps for "
                        "them %s",
                        unit, streams->count, streams->stream, reason);
    }
}
