/* SPDX-License-Identifier: Apache-2.0 */
/* ABI checks: I/O address spaces, map and unmap. The device is bound and never attached here. */
#include "common/check.h"
#include "sdk/bulkhead.h"
#include "tests.h"

#define HIGH_BIT (1ull << 32)
#define WILD 0xfffffffeull
#define PAGE 4096ull
#define MIB (1024 * 1024ull)
#define BLOCK (2 * MIB)
#define GIB (1024 * MIB)
#define IOVA 0x100000000ull
#define TOP_PAGE (~0ull - PAGE + 1)
#define BAD_FLAG 4u
#define IDS_MAX 256
#define SPARSE_MAX 4096

/* A page more than one call does in leaves of 4 KiB. */
#define LONG_BYTES ((BH_MAP_ENTRIES_PER_CALL + 16) * PAGE)
#define CALL_BYTES (BH_MAP_ENTRIES_PER_CALL * PAGE)

static struct bh_query_pool pool(void)
{
    struct bh_query_pool result = { 0 };

    check_status(BH_OK, bh_query_pool(&result), "query pool");
    return result;
}

static uint32_t new_ioas(const struct subject *subject)
{
    int64_t id = bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);

    check_true(id > 0, "ioas_alloc_paging");
    return id > 0 ? (uint32_t)id : BH_IOAS_NONE;
}

/* Ids until there are no more; each is new, and all come back. */
static void exhaust_ids(const struct subject *subject)
{
    static uint32_t ids[IDS_MAX];
    struct bh_query_pool before = pool();
    uint64_t left = before.ioas_total - before.ioas_used;
    int64_t status = BH_OK;
    unsigned int count = 0;

    if (left >= IDS_MAX) {
        check_skip("ioas_alloc until none is left", "there are too many");
        return;
    }
    while (count < IDS_MAX) {
        status = bh_ioas_alloc_paging(subject->id, BH_IOAS_NONE);
        if (status < 0)
            break;
        ids[count++] = (uint32_t)status;
    }
    check_status(BH_ENOSPC, status, "ioas_alloc with none left");
    check_true(count <= left, "no more I/O address spaces than the limit");
    check_true(count > 0, "at least one I/O address space");
    while (count > 0)
        check_status(BH_OK, bh_ioas_free(ids[--count]), "ioas_free of an empty one");
    check_equal(before.pages_free, pool().pages_free, "table pages come back");
    check_equal(before.ioas_used, pool().ioas_used, "ids come back");
}

void abi_ioas(const struct subject *subject)
{
    uint64_t device = subject->id;
    uint32_t old = new_ioas(subject);
    uint32_t next;
    const struct call_check rows[] = {
        { "ioas_alloc, wild device", BH_ENOENT, BH_CALL_IOAS_ALLOC_PAGING, { WILD, BH_IOAS_NONE } },
        { "ioas_alloc, a parent", BH_EOPNOTSUPP, BH_CALL_IOAS_ALLOC_PAGING, { device, old } },
        { "ioas_free, id 0", BH_ENOENT, BH_CALL_IOAS_FREE, { BH_IOAS_NONE } },
        { "ioas_free, wild id", BH_ENOENT, BH_CALL_IOAS_FREE, { WILD } },
        { "ioas_free, bit 32 set", BH_ENOENT, BH_CALL_IOAS_FREE, { HIGH_BIT | old } },
        { "ioas_free", BH_OK, BH_CALL_IOAS_FREE, { old } },
        { "ioas_free, freed id", BH_ENOENT, BH_CALL_IOAS_FREE, { old } },
    };

    CHECK_CALLS(rows);
    next = new_ioas(subject);
    check_true(next != old, "a freed id does not come back at once");
    const struct call_check stale[] = {
        { "map, old generation",
          BH_ENOENT,
          BH_CALL_IOAS_MAP,
          { old, IOVA, subject->self.memory_base, PAGE, BH_MAP_READ } },
        { "unmap, old generation", BH_ENOENT, BH_CALL_IOAS_UNMAP, { old, IOVA, PAGE } },
        { "ioas_free, old generation", BH_ENOENT, BH_CALL_IOAS_FREE, { old } },
        { "attach, old generation", BH_ENOENT, BH_CALL_ATTACH, { device, BH_PASID_NONE, old } },
        { "ioas_free, new generation", BH_OK, BH_CALL_IOAS_FREE, { next } },
    };
    CHECK_CALLS(stale);
    exhaust_ids(subject);
}

static void refuse_map(const struct subject *subject, uint64_t ioas)
{
    uint64_t base = subject->self.memory_base, end = base + subject->self.memory_size;
    uint64_t registers = subject->info.bar[0].address;
    const uint64_t r = BH_MAP_READ;
    const struct call_check rows[] = {
        { "map, size 0", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, IOVA, base, 0, r } },
        { "map, odd size", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, IOVA, base, PAGE + 1, r } },
        { "map, odd iova", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, IOVA + 8, base, PAGE, r } },
        { "map, odd address", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, IOVA, base + 8, PAGE, r } },
        { "map, iova wraps", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, TOP_PAGE, base, 2 * PAGE, r } },
        { "map, address wraps",
          BH_EINVAL,
          BH_CALL_IOAS_MAP,
          { ioas, IOVA, TOP_PAGE, 2 * PAGE, r } },
        { "map, no flag", BH_EINVAL, BH_CALL_IOAS_MAP, { ioas, IOVA, base, PAGE, 0 } },
        { "map, unknown flag",
          BH_EINVAL,
          BH_CALL_IOAS_MAP,
          { ioas, IOVA, base, PAGE, r | BAD_FLAG } },
        { "map, unknown flag 32",
          BH_EINVAL,
          BH_CALL_IOAS_MAP,
          { ioas, IOVA, base, PAGE, r | HIGH_BIT } },
        { "map, address 0", BH_ERANGE, BH_CALL_IOAS_MAP, { ioas, IOVA, 0, PAGE, r } },
        { "map below memory", BH_ERANGE, BH_CALL_IOAS_MAP, { ioas, IOVA, base - PAGE, PAGE, r } },
        { "map behind memory", BH_ERANGE, BH_CALL_IOAS_MAP, { ioas, IOVA, end, PAGE, r } },
        { "map across the end",
          BH_ERANGE,
          BH_CALL_IOAS_MAP,
          { ioas, IOVA, end - PAGE, 2 * PAGE, r } },
        { "map of registers", BH_ERANGE, BH_CALL_IOAS_MAP, { ioas, IOVA, registers, PAGE, r } },
        { "map, ioas 0", BH_ENOENT, BH_CALL_IOAS_MAP, { BH_IOAS_NONE, IOVA, base, PAGE, r } },
        { "map, wild ioas", BH_ENOENT, BH_CALL_IOAS_MAP, { WILD, IOVA, base, PAGE, r } },
        { "map, bit 32 of ioas",
          BH_ENOENT,
          BH_CALL_IOAS_MAP,
          { HIGH_BIT | ioas, IOVA, base, PAGE, r } },
        { "unmap, size 0", BH_EINVAL, BH_CALL_IOAS_UNMAP, { ioas, IOVA, 0 } },
        { "unmap, odd size", BH_EINVAL, BH_CALL_IOAS_UNMAP, { ioas, IOVA, PAGE - 1 } },
        { "unmap, odd iova", BH_EINVAL, BH_CALL_IOAS_UNMAP, { ioas, IOVA + 8, PAGE } },
        { "unmap, iova wraps", BH_EINVAL, BH_CALL_IOAS_UNMAP, { ioas, TOP_PAGE, 2 * PAGE } },
        { "unmap, ioas 0", BH_ENOENT, BH_CALL_IOAS_UNMAP, { BH_IOAS_NONE, IOVA, PAGE } },
        { "unmap, wild ioas", BH_ENOENT, BH_CALL_IOAS_UNMAP, { WILD, IOVA, PAGE } },
    };

    CHECK_CALLS(rows);
}

static void refuse_outside_aperture(const struct subject *subject, uint64_t ioas)
{
    uint64_t base = subject->self.memory_base;
    uint64_t above = subject->info.aperture_last + 1;
    const struct call_check rows[] = {
        { "map above the aperture",
          BH_ERANGE,
          BH_CALL_IOAS_MAP,
          { ioas, above, base, PAGE, BH_MAP_READ } },
        { "map across the aperture's end",
          BH_ERANGE,
          BH_CALL_IOAS_MAP,
          { ioas, above - PAGE, base, 2 * PAGE, BH_MAP_READ } },
        { "map at the highest bit",
          BH_ERANGE,
          BH_CALL_IOAS_MAP,
          { ioas, 1ull << 63, base, PAGE, BH_MAP_READ } },
        { "unmap above the aperture", BH_ERANGE, BH_CALL_IOAS_UNMAP, { ioas, above, PAGE } },
        { "unmap across the aperture's end",
          BH_ERANGE,
          BH_CALL_IOAS_UNMAP,
          { ioas, above - PAGE, 2 * PAGE } },
    };

    if (above == 0)
        check_skip("the aperture's end", "it is the end of all addresses");
    else
        CHECK_CALLS(rows);
}

/* Neither a refused map nor a hole changes what is there. */
static void overlap(const struct subject *subject, uint32_t ioas)
{
    uint64_t base = subject->self.memory_base;
    uint64_t done = 0, unmapped = 0;

    check_status(BH_OK, bh_ioas_map(ioas, IOVA + PAGE, base, PAGE, BH_MAP_READ, &done), "map");
    check_equal(PAGE, done, "map: bytes done");
    check_status(BH_EEXIST, bh_ioas_map(ioas, IOVA + PAGE, base, PAGE, BH_MAP_READ, &done),
                 "map over the same");
    check_status(BH_EEXIST, bh_ioas_map(ioas, IOVA, base, 3 * PAGE, BH_MAP_READ, &done),
                 "map around it");
    check_status(BH_OK, bh_ioas_unmap(ioas, IOVA, PAGE, &done, &unmapped), "unmap of a hole");
    check_equal(PAGE, done, "unmap of a hole: bytes done");
    check_equal(0, unmapped, "the refused map left nothing in front");
    check_status(BH_OK, bh_ioas_unmap(ioas, IOVA + 2 * PAGE, PAGE, &done, &unmapped),
                 "unmap behind it");
    check_equal(0, unmapped, "the refused map left nothing behind");

    check_status(BH_OK, bh_ioas_map(ioas, IOVA + 3 * PAGE, base, PAGE, BH_MAP_WRITE, &done),
                 "map for writing only");
    check_status(BH_OK, bh_ioas_unmap(ioas, IOVA, 4 * PAGE, &done, &unmapped),
                 "unmap across holes");
    check_equal(4 * PAGE, done, "unmap across holes: bytes done");
    check_equal(2 * PAGE, unmapped, "unmap across holes: bytes that were mapped");
    check_status(BH_OK, bh_ioas_unmap(ioas, IOVA, 4 * PAGE, &done, &unmapped), "unmap again");
    check_equal(0, unmapped, "unmap again: nothing was left");
}

void abi_map(const struct subject *subject)
{
    struct bh_query_pool before = pool();
    uint32_t ioas = new_ioas(subject);

    refuse_map(subject, ioas);
    refuse_outside_aperture(subject, ioas);
    overlap(subject, ioas);
    check_status(BH_OK, bh_ioas_free(ioas), "ioas_free after unmap");
    check_equal(before.pages_free, pool().pages_free, "table pages come back from maps");
}

/* More leaves than one call does: iova and address differ by a page modulo any block. */
static void many_leaves(const struct subject *subject, uint32_t ioas)
{
    uint64_t base = subject->self.memory_base;
    uint64_t done = 0, unmapped = 0;
    int64_t status;

    if (subject->self.memory_size < LONG_BYTES) {
        check_skip("map of more leaves than one call does", "too little memory");
        return;
    }
    status = bh_ioas_map(ioas, IOVA + PAGE, base, LONG_BYTES, BH_MAP_READ, &done);
    check_status(BH_EAGAIN, status, "map of more leaves than one call does");
    check_true(done > 0 && done <= CALL_BYTES, "map: a part was done");
    check_status(
        BH_OK, bh_map(ioas, IOVA + PAGE + done, base + done, LONG_BYTES - done, BH_MAP_READ, NULL),
        "map of the rest");
    status = bh_ioas_unmap(ioas, IOVA + PAGE, LONG_BYTES, &done, &unmapped);
    check_either(BH_EAGAIN, BH_OK, status, "unmap of the long range");
    check_equal(done, unmapped, "unmap: all that was dealt with had been mapped");
    if (status == BH_EAGAIN) {
        uint64_t rest = 0;

        check_true(done > 0 && done < LONG_BYTES, "unmap: a part was done");
        check_status(BH_OK, bh_unmap(ioas, IOVA + PAGE + done, LONG_BYTES - done, &rest),
                     "unmap of the rest");
        unmapped += rest;
    }
    check_equal(LONG_BYTES, unmapped, "unmap: all of it");
}

/* Two blocks in one call are blocks, not pages: a range that cuts one is refused. */
static void cut_block(const struct subject *subject, uint32_t ioas)
{
    static const char what[] = "unmap of a part of a block";
    uint64_t address = (subject->self.memory_base + BLOCK - 1) / BLOCK * BLOCK;
    uint64_t end = subject->self.memory_base + subject->self.memory_size;
    uint64_t done = 0, unmapped = 0;
    int64_t status;

    if (!(subject->info.page_sizes & BLOCK) || address + 2 * BLOCK > end) {
        check_skip(what, "no blocks, or too little memory");
        return;
    }
    status = bh_ioas_map(ioas, IOVA, address, 2 * BLOCK, BH_MAP_READ, &done);
    if (status == BH_EAGAIN) {
        check_skip(what, "memory is not contiguous in blocks");
        bh_map(ioas, IOVA + done, address + done, 2 * BLOCK - done, BH_MAP_READ, NULL);
    } else {
        check_status(BH_OK, status, "map of two blocks");
        check_status(BH_EINVAL, bh_ioas_unmap(ioas, IOVA, PAGE, NULL, NULL), what);
        check_status(BH_EINVAL, bh_ioas_unmap(ioas, IOVA + BLOCK - PAGE, 2 * PAGE, NULL, NULL),
                     "unmap across the edge of two blocks");
        check_status(BH_EEXIST, bh_ioas_map(ioas, IOVA + PAGE, address, PAGE, BH_MAP_READ, NULL),
                     "map into a block");
    }
    check_status(BH_OK, bh_unmap(ioas, IOVA, 2 * BLOCK, &unmapped), "unmap of two blocks");
    check_equal(2 * BLOCK, unmapped, "both blocks were still whole");
}

/* One page a GiB, until there are no more table pages. */
static void exhaust_pool(const struct subject *subject, uint32_t ioas)
{
    uint64_t last = subject->info.aperture_last;
    uint64_t base = subject->self.memory_base;
    uint64_t iova = IOVA, free_pages = 0;
    int64_t status = BH_OK;
    struct bh_query_pool now = { 0 };

    for (int i = 0; i < SPARSE_MAX && iova < last - GIB; i++, iova += GIB) {
        bh_query_pool(&now);
        free_pages = now.pages_free;
        status = bh_ioas_map(ioas, iova, base, PAGE, BH_MAP_READ, NULL);
        if (status != BH_OK)
            break;
    }
    if (status == BH_OK) {
        check_skip("map with no table page left", "the pool is too large");
    } else {
        check_status(BH_ENOSPC, status, "map with no table page left");
        check_equal(free_pages, pool().pages_free, "a map without space changes nothing");
    }
    status = BH_OK;
    while (iova > IOVA && status == BH_OK) {
        iova -= GIB;
        status = bh_ioas_unmap(ioas, iova, PAGE, NULL, NULL);
    }
    check_status(BH_OK, status, "unmap of the sparse pages");
}

void abi_map_bounds(const struct subject *subject)
{
    struct bh_query_pool before = pool();
    uint32_t ioas = new_ioas(subject);

    many_leaves(subject, ioas);
    cut_block(subject, ioas);
    exhaust_pool(subject, ioas);
    check_status(BH_OK, bh_ioas_free(ioas), "ioas_free after the bounds");
    check_equal(before.pages_free, pool().pages_free, "table pages come back from the bounds");
}
