/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping and unmapping. "Tables present" is had by neighbours that stay mapped in the same table.
 * The memory that is mapped is never touched; only its address and alignment matter.
 */
#include "bench.h"
#include "report.h"
#include "sdk/bulkhead.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE (4 * KIB)
#define FLAGS (BH_MAP_READ | BH_MAP_WRITE)

/* Where each row works: I/O virtual addresses below 2^39, each in a GiB of its own. */
#define IOVA_FIRST (64 * GIB)
#define IOVA_PAGE (65 * GIB)
#define IOVA_BLOCK_2M (66 * GIB)
#define IOVA_BLOCK_1G (68 * GIB)
#define IOVA_TABLES (72 * GIB)
#define IOVA_SPREAD (80 * GIB)
#define IOVA_FULL (84 * GIB)
#define IOVA_GROWTH (88 * GIB)

static void stay(const struct subject *subject, uint64_t iova, uint64_t address, uint64_t size)
{
    report_expect("a mapping that stays", bh_map(subject->ioas, iova, address, size, FLAGS, NULL),
                  BH_OK);
}

/* A row for the map, a row for the unmap that undoes it. */
static void pair(const struct subject *subject, const char *map, const char *unmap, uint64_t iova,
                 uint64_t address, uint64_t size)
{
    const struct call calls[] = {
        { .name = map,
          .id = CALL(BH_CALL_IOAS_MAP),
          .argument = { subject->ioas, iova, address, size, FLAGS } },
        { .name = unmap,
          .id = CALL(BH_CALL_IOAS_UNMAP),
          .argument = { subject->ioas, iova, size } },
    };

    if (size <= subject->block_bytes)
        bench_calls(calls, 2);
}

void bench_memory(const struct subject *subject)
{
    uint64_t block = subject->block;

    /* Three tables are taken and given back: there is nothing else yet. */
    pair(subject, "map-4k-first", "unmap-4k-last", IOVA_FIRST, block, PAGE);

    stay(subject, IOVA_PAGE + PAGE, block, PAGE);
    pair(subject, "map-4k", "unmap-4k", IOVA_PAGE, block, PAGE);

    stay(subject, IOVA_BLOCK_2M + 2 * MIB, block, 2 * MIB);
    pair(subject, "map-2m", "unmap-2m", IOVA_BLOCK_2M, block, 2 * MIB);

    pair(subject, "map-1g", "unmap-1g", IOVA_BLOCK_1G, block, GIB);

    /* Two tables of the three. */
    pair(subject, "map-4k-tables", "unmap-4k-tables", IOVA_TABLES, block, PAGE);

    /* 512 pages over two tables, both of which stay. */
    stay(subject, IOVA_SPREAD, block, PAGE);
    stay(subject, IOVA_SPREAD + 4 * MIB - PAGE, block, PAGE);
    pair(subject, "map-512", "unmap-512", IOVA_SPREAD + MIB, block, 2 * MIB);

    /* 512 pages that are one whole table: misaligned, so that no block will do. */
    stay(subject, IOVA_FULL + 2 * MIB, block, PAGE);
    pair(subject, "map-512-table", "unmap-512-table", IOVA_FULL, block + PAGE, 2 * MIB);
}

void bench_growth(const struct subject *subject)
{
    static const struct {
        uint64_t mappings; /* that stand while one more is made and undone */
        const char *map, *unmap;
    } steps[] = {
        { 1, "map-4k-of-1", "unmap-4k-of-1" },
        { 128, "map-4k-of-128", "unmap-4k-of-128" },
        { 1024, "map-4k-of-1024", "unmap-4k-of-1024" },
        { 16384, "map-4k-of-16384", "unmap-4k-of-16384" },
    };
    uint64_t standing = 0;

    for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t next = IOVA_GROWTH + (1 + standing) * PAGE;

        if (steps[i].mappings * PAGE > subject->block_bytes)
            return;
        stay(subject, next, subject->block + standing * PAGE,
             (steps[i].mappings - standing) * PAGE);
        standing = steps[i].mappings;
        pair(subject, steps[i].map, steps[i].unmap, IOVA_GROWTH, subject->block, PAGE);
    }
}
