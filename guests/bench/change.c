/* SPDX-License-Identifier: Apache-2.0 */
/* Remap, copy, batches, unmap_all and reservations. Tables are present, as in memory.c. */
#include "bench.h"
#include "report.h"
#include "sdk/bulkhead.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))
#define MIB UINT64_C(0x100000)
#define GIB (1024 * MIB)
#define PAGE UINT64_C(4096)
#define READ_WRITE (BH_MAP_READ | BH_MAP_WRITE)

/* GiBs that memory.c leaves alone. */
#define IOVA_REMAP (92 * GIB)
#define IOVA_COPY (93 * GIB)
#define IOVA_BATCH (96 * GIB)
#define IOVA_APART (97 * GIB)
#define IOVA_RESERVE (100 * GIB)

#define SCATTER 37 /* no divisor of the elements: neighbours lie that many pages from each other */

static void stay(uint32_t ioas, uint64_t iova, uint64_t address)
{
    report_expect("a mapping that stays", bh_map(ioas, iova, address, PAGE, READ_WRITE, NULL),
                  BH_OK);
}

static void remap(const struct subject *subject)
{
    const struct call elsewhere[] = {
        { .name = "remap-4k",
          .id = CALL(BH_CALL_IOAS_REMAP),
          .argument = { subject->ioas, IOVA_REMAP, subject->block + PAGE, PAGE, READ_WRITE } },
        { .name = "remap-4k-back",
          .id = CALL(BH_CALL_IOAS_REMAP),
          .argument = { subject->ioas, IOVA_REMAP, subject->block, PAGE, READ_WRITE } },
    };
    const struct call rights[] = {
        { .name = "remap-4k-rights",
          .id = CALL(BH_CALL_IOAS_REMAP),
          .argument = { subject->ioas, IOVA_REMAP, subject->block, PAGE, BH_MAP_READ } },
        { .name = "remap-4k-rights-back",
          .id = CALL(BH_CALL_IOAS_REMAP),
          .argument = { subject->ioas, IOVA_REMAP, subject->block, PAGE, READ_WRITE } },
    };

    stay(subject->ioas, IOVA_REMAP, subject->block);
    bench_calls(elsewhere, 2);
    bench_calls(rights, 2);
}

static void copy(const struct subject *subject)
{
    static struct bh_ioas_copy wanted = { .size = sizeof(wanted) };
    const struct call calls[] = {
        { .name = "copy-4k", .id = CALL(BH_CALL_IOAS_COPY), .argument = { bh_address(&wanted) } },
        { .name = "unmap-4k-copied",
          .id = CALL(BH_CALL_IOAS_UNMAP),
          .argument = { subject->other, IOVA_COPY, PAGE } },
    };

    wanted.from = subject->ioas;
    wanted.to = subject->other;
    wanted.from_iova = IOVA_REMAP;
    wanted.to_iova = IOVA_COPY;
    wanted.bytes = PAGE;
    wanted.flags = READ_WRITE;
    stay(subject->other, IOVA_COPY + PAGE, subject->block);
    bench_calls(calls, 2);
    report_expect("the neighbour's unmap", bh_unmap(subject->other, IOVA_COPY + PAGE, PAGE, NULL),
                  BH_OK);
}

/* All of a space in which one page is mapped, at its beginning. */
static void unmap_all(const struct subject *subject)
{
    const struct call calls[] = {
        { .name = "map-alone",
          .id = CALL(BH_CALL_IOAS_MAP),
          .argument = { subject->other, 0, subject->block, PAGE, READ_WRITE } },
        { .name = "unmap-all", .id = CALL(BH_CALL_IOAS_UNMAP_ALL), .argument = { subject->other } },
    };

    bench_calls(calls, 2);
}

static void reserve(const struct subject *subject)
{
    const struct call calls[] = {
        { .name = "reserve",
          .id = CALL(BH_CALL_IOAS_RESERVE),
          .argument = { subject->ioas, IOVA_RESERVE, MIB } },
        { .name = "reserve-none", .id = CALL(BH_CALL_IOAS_RESERVE), .argument = { subject->ioas } },
    };

    bench_calls(calls, 2);
}

void bench_change(const struct subject *subject)
{
    remap(subject);
    copy(subject);
    unmap_all(subject);
    reserve(subject);
}

/* Frames that lie scattered, at I/O virtual addresses `step` apart in tables that stay. */
static void batch(const struct subject *subject, const char *map, const char *unmap, uint64_t iova,
                  uint64_t step)
{
    static struct bh_map maps[BH_BATCH];
    static struct bh_unmap unmaps[BH_BATCH];
    const struct call calls[] = {
        { .name = map,
          .id = CALL(BH_CALL_IOAS_MAP_BATCH),
          .argument = { subject->ioas, bh_address(maps), BH_BATCH } },
        { .name = unmap,
          .id = CALL(BH_CALL_IOAS_UNMAP_BATCH),
          .argument = { subject->ioas, bh_address(unmaps), BH_BATCH } },
    };

    for (uint64_t i = 0; i < BH_BATCH; i++) {
        maps[i] = (struct bh_map){ .iova = iova + i * step,
                                   .address = subject->block + i * SCATTER % BH_BATCH * PAGE,
                                   .size = PAGE,
                                   .flags = READ_WRITE };
        unmaps[i] = (struct bh_unmap){ .iova = maps[i].iova, .size = PAGE };
    }
    stay(subject->ioas, iova - PAGE, subject->block);
    stay(subject->ioas, iova + BH_BATCH * step, subject->block);
    bench_calls(calls, 2);
}

void bench_batches(const struct subject *subject)
{
    /* Over two tables each. */
    batch(subject, "map-batch", "unmap-batch", IOVA_BATCH + MIB, PAGE);
    batch(subject, "map-batch-apart", "unmap-batch-apart", IOVA_APART + PAGE, 2 * PAGE);
}
