/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping and unmapping, in the shapes of guests/bench/memory.c: the same I/O virtual addresses, sizes
 * and neighbours that stay. The memory is there and was touched; for sizes above a page it is of huge
 * pages, so that one entry of the IOMMU's table can hold it. What is to take 512 entries lies askew
 * to its address, as it does there.
 */
#include <stddef.h>
#include <stdint.h>

#include "init.h"
#include "system.h"
#include "vfio.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define HUGE_2M (SYSTEM_MAP_HUGETLB | 21 << SYSTEM_MAP_HUGE_SHIFT)
#define HUGE_1G (SYSTEM_MAP_HUGETLB | 30 << SYSTEM_MAP_HUGE_SHIFT)

#define IOVA_PAGE (65 * GIB)
#define IOVA_BLOCK_2M (66 * GIB)
#define IOVA_BLOCK_1G (68 * GIB)
#define IOVA_SPREAD (80 * GIB)
#define IOVA_FULL (84 * GIB)
#define IOVA_GROWTH (88 * GIB)

/* A call on a whole GiB takes as long as thousands of the others. */
#define REPETITIONS_PAGE REPETITIONS_LIMIT
#define REPETITIONS_2M 64
#define REPETITIONS_1G 8

#define MOST_MAPPINGS 16384

static struct vfio_dma_map mapping(uint64_t iova, uint64_t address, uint64_t bytes)
{
    return (struct vfio_dma_map){
        .size = sizeof(struct vfio_dma_map),
        .flags = VFIO_MAP_READ | VFIO_MAP_WRITE,
        .address = address,
        .iova = iova,
        .bytes = bytes,
    };
}

static void stay(const struct subject *subject, uint64_t iova, uint64_t address, uint64_t bytes)
{
    const struct vfio_dma_map map = mapping(iova, address, bytes);

    system_ioctl("a mapping that stays", subject->container, VFIO_IOMMU_MAP_DMA,
                 system_address(&map));
}

/* A row for the map, a row for the unmap that undoes it. The first of each warms up. */
static void pair(const struct subject *subject, const char *map_name, const char *unmap_name,
                 const struct vfio_dma_map *map, unsigned int repetitions)
{
    static struct row map_row, unmap_row;

    row_begin(&map_row, map_name);
    row_begin(&unmap_row, unmap_name);
    for (unsigned int i = 0; i < repetitions; i++) {
        struct vfio_dma_unmap unmap = { .size = sizeof(unmap),
                                        .iova = map->iova,
                                        .bytes = map->bytes };

        bench_sample(&map_row, SYSTEM_IOCTL, subject->container, VFIO_IOMMU_MAP_DMA,
                     system_address(map));
        bench_sample(&unmap_row, SYSTEM_IOCTL, subject->container, VFIO_IOMMU_UNMAP_DMA,
                     system_address(&unmap));
        if (unmap.bytes != map->bytes)
            system_fail("unmap did not unmap all");
    }
    row_print(&map_row);
    row_print(&unmap_row);
}

/* So many mappings of a page each stand while one more is made and undone. */
static void growth(const struct subject *subject, uint64_t address)
{
    static const struct {
        uint64_t mappings;
        const char *map, *unmap;
    } steps[] = {
        { 1, "map-4k-of-1", "unmap-4k-of-1" },
        { 128, "map-4k-of-128", "unmap-4k-of-128" },
        { 1024, "map-4k-of-1024", "unmap-4k-of-1024" },
        { MOST_MAPPINGS, "map-4k-of-16384", "unmap-4k-of-16384" },
    };
    const struct vfio_dma_map map = mapping(IOVA_GROWTH, address, PAGE);
    uint64_t standing = 0;

    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        for (; standing < steps[i].mappings; standing++)
            stay(subject, IOVA_GROWTH + (1 + standing) * PAGE, address + standing * PAGE, PAGE);
        pair(subject, steps[i].map, steps[i].unmap, &map, REPETITIONS_PAGE);
    }
}

void bench_memory(const struct subject *subject)
{
    uint64_t pages = system_address(system_memory("64 MiB of pages", MOST_MAPPINGS * PAGE, 0));
    uint64_t huge = system_address(system_memory("huge pages of 2 MiB", 4 * MIB, HUGE_2M));
    uint64_t gib = system_address(system_memory("a huge page of 1 GiB", GIB, HUGE_1G));
    struct vfio_dma_map map;

    stay(subject, IOVA_PAGE + PAGE, pages, PAGE);
    map = mapping(IOVA_PAGE, pages, PAGE);
    pair(subject, "map-4k", "unmap-4k", &map, REPETITIONS_PAGE);

    stay(subject, IOVA_BLOCK_2M + 2 * MIB, huge, 2 * MIB);
    map = mapping(IOVA_BLOCK_2M, huge, 2 * MIB);
    pair(subject, "map-2m", "unmap-2m", &map, REPETITIONS_2M);

    map = mapping(IOVA_BLOCK_1G, gib, GIB);
    pair(subject, "map-1g", "unmap-1g", &map, REPETITIONS_1G);

    stay(subject, IOVA_SPREAD, pages, PAGE);
    stay(subject, IOVA_SPREAD + 4 * MIB - PAGE, pages, PAGE);
    map = mapping(IOVA_SPREAD + MIB, huge, 2 * MIB);
    pair(subject, "map-512", "unmap-512", &map, REPETITIONS_2M);

    stay(subject, IOVA_FULL + 2 * MIB, pages, PAGE);
    map = mapping(IOVA_FULL, huge + PAGE, 2 * MIB);
    pair(subject, "map-512-table", "unmap-512-table", &map, REPETITIONS_2M);

    growth(subject, pages);
}
