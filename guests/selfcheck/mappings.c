/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that change mappings many at a time, or move them: remap, copy, batches, unmap_all. After each of
 * them an edu writes, and the pages tell which one it was led to.
 */

#include "common/check.h"
#include "common/edu.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/pci.h"
#include "selfcheck.h"

#define LABEL 0x4d
#define IOVA 0x10000000u
#define OTHER_IOVA 0x10400000u
#define BATCH_IOVA 0x10800000u
#define PAGES 3
#define BATCH_STRIDE 2 /* pages; ranges of a batch do not touch */
#define BYTES 4
#define BEFORE 0x0ddba11u
#define WRITTEN 0x600df00du
#define BOTH (BH_MAP_READ | BH_MAP_WRITE)
#define NOWHERE PAGES

static struct edu edu;
static uint32_t device;
static volatile uint32_t *page[PAGES];

/* The edu's buffer holds WRITTEN: it goes into the page of that number, and into none of the others. */
static void check_written(uint64_t iova, unsigned int number, const char *what)
{
    for (unsigned int i = 0; i < PAGES; i++)
        *page[i] = BEFORE;
    check_true(edu_transfer(&edu, EDU_TO_MEMORY, iova, 0, BYTES), "a transfer");
    for (unsigned int i = 0; i < PAGES; i++)
        check_equal(i == number ? WRITTEN : BEFORE, *page[i], what);
}

static bool take_device(void)
{
    struct bh_device_info info;

    if (!pci_find_id(EDU_VENDOR_DEVICE, &info) || bh_bind(info.device, LABEL) != BH_OK)
        return false;
    device = info.device;
    for (unsigned int i = 0; i < PAGES; i++) {
        page[i] = dma_alloc(1);
        if (!page[i])
            return false;
    }
    return edu_init(&edu, pci_registers(device, 0));
}

static uint32_t new_ioas(void)
{
    int64_t id = bh_ioas_alloc_paging(device, BH_IOAS_NONE);

    check_true(id > 0, "ioas_alloc_paging");
    return id > 0 ? (uint32_t)id : BH_IOAS_NONE;
}

/* To another page, then without the right to write; page 1 is mapped at the end. */
static void remap(uint32_t ioas)
{
    uint64_t done = 0;
    bool hitless = true;

    check_status(BH_OK, bh_map(ioas, IOVA, bh_address(page[0]), DMA_PAGE_BYTES, BOTH, NULL), "map");
    *page[0] = WRITTEN;
    check_true(edu_transfer(&edu, EDU_FROM_MEMORY, IOVA, 0, BYTES), "the device reads");
    check_written(IOVA, 0, "a write before remap");
    check_status(
        BH_OK,
        bh_ioas_remap(ioas, IOVA, bh_address(page[1]), DMA_PAGE_BYTES, BOTH, &done, &hitless),
        "remap");
    check_equal(DMA_PAGE_BYTES, done, "remap: bytes");
    check_true(!hitless, "remap: other memory is not only other flags");
    check_written(IOVA, 1, "a write after remap");
    check_status(BH_OK,
                 bh_ioas_remap(ioas, IOVA, bh_address(page[1]), DMA_PAGE_BYTES, BH_MAP_READ, &done,
                               &hitless),
                 "remap to other flags");
    check_true(hitless, "remap: only flags");
    check_written(IOVA, NOWHERE, "a write after its right was taken");
    check_status(
        BH_ENOENT,
        bh_ioas_remap(ioas, OTHER_IOVA, bh_address(page[1]), DMA_PAGE_BYTES, BOTH, NULL, NULL),
        "remap of a hole");
}

/* What the one maps to be read, the other maps to be written; and the device moves there. */
static void copy(uint32_t from, uint32_t to)
{
    struct bh_ioas_copy request = { .from = from,
                                    .to = to,
                                    .from_iova = IOVA,
                                    .to_iova = OTHER_IOVA,
                                    .bytes = DMA_PAGE_BYTES,
                                    .flags = BOTH };
    uint64_t done = 0;

    check_status(BH_OK, bh_ioas_copy(&request, &done), "copy");
    check_equal(DMA_PAGE_BYTES, done, "copy: bytes");
    check_status(BH_EEXIST, bh_ioas_copy(&request, NULL), "copy over the same");
    check_status(BH_OK, bh_replace(device, BH_PASID_NONE, to, NULL), "replace");
    check_written(OTHER_IOVA, 1, "a write through the copy");
}

static void batches(uint32_t ioas)
{
    struct bh_map maps[PAGES];
    struct bh_unmap unmaps[PAGES];
    uint64_t elements = 0, bytes = 1, unmapped = 0;

    for (unsigned int i = 0; i < PAGES; i++) {
        uint64_t iova = BATCH_IOVA + (uint64_t)i * BATCH_STRIDE * DMA_PAGE_BYTES;

        maps[i] = (struct bh_map){ iova, bh_address(page[i]), DMA_PAGE_BYTES, BOTH };
        unmaps[i] = (struct bh_unmap){ iova, DMA_PAGE_BYTES };
    }
    check_status(BH_OK, bh_ioas_map_batch(ioas, maps, PAGES, &elements, &bytes), "map_batch");
    check_equal(PAGES, elements, "map_batch: elements");
    check_equal(0, bytes, "map_batch: bytes of the next");
    for (unsigned int i = 0; i < PAGES; i++)
        check_written(maps[i].iova, i, "a write after map_batch");
    check_status(BH_EEXIST, bh_ioas_map_batch(ioas, maps, PAGES, NULL, NULL), "the batch again");
    check_status(BH_EINVAL, bh_ioas_map_batch(ioas, maps, BH_BATCH + 1, NULL, NULL), "too many");

    /* The last element stays, for unmap_all. */
    bytes = 1;
    check_status(BH_OK, bh_ioas_unmap_batch(ioas, unmaps, PAGES - 1, &elements, &bytes, &unmapped),
                 "unmap_batch");
    check_equal(PAGES - 1, elements, "unmap_batch: elements");
    check_equal(0, bytes, "unmap_batch: bytes of the next");
    check_equal((uint64_t)(PAGES - 1) * DMA_PAGE_BYTES, unmapped,
                "unmap_batch: bytes that were mapped");
    check_written(maps[0].iova, NOWHERE, "a write after unmap_batch");
    check_written(maps[PAGES - 1].iova, PAGES - 1, "a write to what the batch did not name");
}

static void unmap_all(uint32_t ioas, uint64_t expected)
{
    uint64_t cursor = 0, total = 0, step;
    int64_t status;

    do {
        status = bh_ioas_unmap_all(ioas, &cursor, &step);
        total += step;
    } while (status == BH_EAGAIN);
    check_status(BH_OK, status, "unmap_all");
    check_equal(0, cursor, "unmap_all: where to go on");
    check_equal(expected, total, "unmap_all: bytes that were mapped");
}

int test_mappings(void)
{
    uint32_t first, second;

    check_true(take_device(), "an edu and memory for it");
    if (check_failed())
        return check_result();
    first = new_ioas();
    second = new_ioas();
    check_status(BH_OK, bh_attach(device, BH_PASID_NONE, first), "attach");
    remap(first);
    copy(first, second);
    batches(second);
    unmap_all(second, UINT64_C(2) * DMA_PAGE_BYTES);
    check_written(OTHER_IOVA, NOWHERE, "a write after unmap_all");
    check_status(BH_OK, bh_detach(device, BH_PASID_NONE), "detach");
    check_status(BH_OK, bh_ioas_free(second), "ioas_free, as nothing is left");
    check_status(BH_EBUSY, bh_ioas_free(first), "ioas_free of the source, which still maps");
    unmap_all(first, DMA_PAGE_BYTES);
    check_status(BH_OK, bh_ioas_free(first), "ioas_free of the source");
    check_status(BH_OK, bh_device_unbind(device), "unbind");
    return check_result();
}
