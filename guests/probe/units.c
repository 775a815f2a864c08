/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices behind several IOMMUs in one partition: an iommu-testdev each, which says at once whether the bus took
 * its write. Whether it landed the page tells.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "common/fault.h"
#include "common/testdev.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "tests.h"

#define UNITS 4
#define LABEL 0x5100u /* of the first device; one more for each */
#define IOVA UINT64_C(0x100000000)
#define CANARY 0xcafecafeu
#define WORD 4
#define SETTLE_NS (200 * NS_PER_MS)
#define BOTH (BH_MAP_READ | BH_MAP_WRITE)

struct subject_device {
    struct bh_device_info info;
    volatile uint32_t *page;
    uint32_t ioas;
};

static struct subject_device subject[UNITS];
static uint32_t subjects;

/* What the bus said of a write, and whether it is in the page: at its beginning, or in its last word. */
static bool writes(const struct subject_device *device, uint64_t iova, volatile uint32_t *page)
{
    volatile uint32_t *word = page + iova % DMA_PAGE_BYTES / WORD;
    uint32_t result;

    *word = CANARY;
    dma_publish();
    result = testdev_write(device->info.bar[0].address, iova, bh_address(word));
    check_true(result == TESTDEV_FAILED || result == TESTDEV_ELSEWHERE || result == TESTDEV_LANDED,
               "the device tried");
    check_true(*word == (result == TESTDEV_FAILED ? CANARY : TESTDEV_PATTERN) || *word == CANARY,
               "what was refused is not in the page, and nothing else is");
    return *word == TESTDEV_PATTERN;
}

static void check_lands(const struct subject_device *device, uint64_t iova, volatile uint32_t *page,
                        const char *what)
{
    bool landed = writes(device, iova, page);

    check_true(landed, what);
    if (!landed)
        printf("%s: a write to 0x%" PRIx64 " did not land\n", device->info.name, iova);
}

/* Blocked, and the fault that says so is this device's and nobody else's. */
static void check_blocked(const struct subject_device *device, uint64_t iova,
                          volatile uint32_t *page, const char *what)
{
    uint64_t counts[UNITS] = { 0 };
    struct bh_query_fault fault;

    for (uint32_t i = 0; i < subjects; i++)
        counts[i] = fault_of(subject[i].info.device).count;
    bool landed = writes(device, iova, page);

    check_true(!landed, what);
    if (landed)
        printf("%s: a write to 0x%" PRIx64 " landed\n", device->info.name, iova);
    check_true(fault_wait(device->info.device, counts[device - subject], FAULT_LIMIT_NS, &fault),
               "its fault is counted");
    check_true(fault_fits(&fault, iova, BH_ACCESS_WRITE, BH_CAUSE_TRANSLATION),
               "address, access and cause of the fault");
    check_equal(LABEL + (uint64_t)(device - subject), fault.label, "the fault names the device");
    for (uint32_t i = 0; i < subjects; i++)
        check_equal(counts[i] + (&subject[i] == device), fault_of(subject[i].info.device).count,
                    "faults of each device");
}

/* Every iommu-testdev of the list; what else is there stays as it is. */
static void bind_all(void)
{
    struct bh_device_info info;

    for (uint32_t i = 0; subjects < UNITS && bh_device_info(i, &info) == BH_OK; i++) {
        if (info.vendor_device != TESTDEV_VENDOR_DEVICE)
            continue;
        struct subject_device *device = &subject[subjects];

        check_status(BH_OK, bh_bind(info.device, LABEL + subjects), "bind");
        check_status(BH_OK, bh_device_info(i, &device->info), "device_info");
        device->page = dma_alloc(1);
        subjects++;
        printf("IOMMU %" PRIu32 ": %s, aperture 0x%" PRIx64 " to 0x%" PRIx64 ", pages 0x%" PRIx64
               "\n",
               device->info.iommu, device->info.name, device->info.aperture_first,
               device->info.aperture_last, device->info.page_sizes);
    }
    check_true(subjects > 1, "devices behind more than one IOMMU");
    for (uint32_t i = 0; i < subjects; i++) {
        for (uint32_t j = 0; j < i; j++)
            check_true(subject[i].info.iommu != subject[j].info.iommu &&
                           subject[i].info.group != subject[j].info.group,
                       "each has an IOMMU and a group of its own");
    }
}

static void check_map(uint32_t ioas, uint64_t iova, const volatile uint32_t *page)
{
    check_status(BH_OK, bh_map(ioas, iova, bh_address(page), DMA_PAGE_BYTES, BOTH, NULL), "map");
}

static void check_unmap(uint32_t ioas, uint64_t iova)
{
    uint64_t bytes = 0;

    check_status(BH_OK, bh_unmap(ioas, iova, DMA_PAGE_BYTES, &bytes), "unmap");
    check_equal(DMA_PAGE_BYTES, bytes, "bytes that unmap found");
}

static uint32_t check_alloc(const struct subject_device *device)
{
    int64_t ioas = bh_ioas_alloc_paging(device->info.device, BH_IOAS_NONE);

    check_true(ioas > 0, "ioas_alloc_paging");
    return ioas > 0 ? (uint32_t)ioas : BH_IOAS_NONE;
}

/* The last page below the limit of its own IOMMU can be mapped and reached, the one behind neither. */
static void check_aperture(const struct subject_device *device)
{
    uint64_t end = device->info.aperture_last + 1, last = end - DMA_PAGE_BYTES;

    check_map(device->ioas, last, device->page);
    check_lands(device, end - WORD, device->page, "the last word of the aperture lands");
    check_status(BH_ERANGE,
                 bh_map(device->ioas, end, bh_address(device->page), DMA_PAGE_BYTES, BOTH, NULL),
                 "map behind the aperture");
    uint64_t faults = fault_of(device->info.device).count;
    struct bh_query_fault fault;

    check_true(!writes(device, end, device->page), "a write behind the aperture does not land");
    /* Some units tell of it; then not amid what comes next. */
    fault_wait(device->info.device, faults, SETTLE_NS, &fault);
    check_unmap(device->ioas, last);
}

static void check_others_land(const struct subject_device *but, const char *what)
{
    for (uint32_t i = 0; i < subjects; i++) {
        if (&subject[i] != but)
            check_lands(&subject[i], IOVA, subject[i].page, what);
    }
}

static void release_all(void)
{
    for (uint32_t i = 0; i < subjects; i++)
        check_status(BH_OK, bh_device_unbind(subject[i].info.device), "unbind");
}

/* The last address that all of them reach. */
static uint64_t lowest_last(void)
{
    uint64_t last = UINT64_MAX;

    for (uint32_t i = 0; i < subjects; i++) {
        if (subject[i].info.aperture_last < last)
            last = subject[i].info.aperture_last;
    }
    return last;
}

/* Of those that reach farthest the first: a space that is made for it has its aperture. */
static const struct subject_device *widest(void)
{
    const struct subject_device *wide = &subject[0];

    for (uint32_t i = 1; i < subjects; i++) {
        if (subject[i].info.aperture_last > wide->info.aperture_last)
            wide = &subject[i];
    }
    return wide;
}

/* From 0 on, in one piece, up to there. */
static void check_ranges(uint32_t ioas, uint64_t last)
{
    struct bh_ioas_ranges ranges;

    check_status(BH_OK, bh_ioas_ranges(ioas, &ranges), "ioas_ranges");
    check_equal(1, ranges.count, "how many ranges");
    check_equal(0, ranges.range[0].first, "where they begin");
    check_equal(last, ranges.range[0].last, "where they end");
}

static void check_attach(const struct subject_device *device, uint32_t ioas, int64_t expected)
{
    check_status(expected, bh_attach(device->info.device, BH_PASID_NONE, ioas), "attach");
}

static void check_detach(const struct subject_device *device)
{
    check_status(BH_OK, bh_detach(device->info.device, BH_PASID_NONE), "detach");
}

/* A device behind an IOMMU of a lower aperture may not join while something is mapped beyond that; what is mapped
 * stays. With it the space ends where its aperture does. */
static void check_narrowing(uint32_t ioas, volatile uint32_t *page)
{
    const struct subject_device *wide = widest();
    uint64_t beyond = lowest_last() + 1;

    if (wide->info.aperture_last < beyond)
        return;
    check_ranges(ioas, beyond - 1);
    for (uint32_t i = 0; i < subjects; i++)
        check_detach(&subject[i]);
    check_ranges(ioas, wide->info.aperture_last);
    check_attach(wide, ioas, BH_OK);
    check_map(ioas, beyond, page);
    check_lands(wide, beyond, page, "beyond what the others reach");
    for (uint32_t i = 0; i < subjects; i++) {
        if (subject[i].info.aperture_last < beyond)
            check_attach(&subject[i], ioas, BH_ERANGE);
    }
    check_lands(wide, beyond, page, "after the refusal");
    check_unmap(ioas, beyond);
    check_blocked(wide, beyond, page, "beyond, after unmap");
    for (uint32_t i = 0; i < subjects; i++) {
        if (&subject[i] != wide)
            check_attach(&subject[i], ioas, BH_OK);
    }
    check_status(BH_ERANGE, bh_map(ioas, beyond, bh_address(page), DMA_PAGE_BYTES, BOTH, NULL),
                 "map beyond what one of the attached reaches");
    printf("%s alone reaches beyond 0x%" PRIx64 "\n", wide->info.name, beyond - 1);
}

/* One address space for all of them: what is mapped is there for each, and what is unmapped for none. */
int test_shared(void)
{
    bind_all();
    if (check_failed())
        return check_result();
    uint32_t ioas = check_alloc(widest());
    volatile uint32_t *page = subject[0].page;

    check_ranges(ioas, widest()->info.aperture_last);
    check_map(ioas, IOVA, page);
    for (uint32_t i = 0; i < subjects; i++)
        check_attach(&subject[i], ioas, BH_OK);
    for (unsigned int round = 0; round < 2 && !check_failed(); round++) {
        for (uint32_t i = 0; i < subjects; i++)
            check_lands(&subject[i], IOVA, page, "one page for all");
        check_unmap(ioas, IOVA);
        for (uint32_t i = 0; i < subjects; i++)
            check_blocked(&subject[i], IOVA, page, "after one unmap");
        check_map(ioas, IOVA, page);
    }
    for (uint32_t i = 0; i < subjects; i++) {
        check_detach(&subject[i]);
        check_blocked(&subject[i], IOVA, page, "detached from the space of all");
        for (uint32_t j = 0; j < subjects; j++) {
            if (j != i)
                check_lands(&subject[j], IOVA, page, "attached still");
        }
        check_status(BH_EBUSY, bh_ioas_free(ioas), "free while others are attached");
        check_attach(&subject[i], ioas, BH_OK);
        check_lands(&subject[i], IOVA, page, "attached again to the space of all");
    }
    check_narrowing(ioas, page);
    for (uint32_t i = 0; i < subjects; i++) {
        check_lands(&subject[i], IOVA, page, "at the end");
        check_detach(&subject[i]);
    }
    check_unmap(ioas, IOVA);
    check_status(BH_OK, bh_ioas_free(ioas), "ioas_free");
    release_all();
    return check_result();
}

int test_units(void)
{
    bind_all();
    for (uint32_t i = 0; i < subjects && !check_failed(); i++) {
        subject[i].ioas = check_alloc(&subject[i]);
        check_blocked(&subject[i], IOVA, subject[i].page, "bound and not attached, it is parked");
        check_map(subject[i].ioas, IOVA, subject[i].page);
        check_attach(&subject[i], subject[i].ioas, BH_OK);
    }
    if (check_failed())
        return check_result();
    for (uint32_t i = 0; i < subjects; i++) {
        for (uint32_t j = 0; j < subjects; j++)
            *subject[j].page = CANARY;
        check_lands(&subject[i], IOVA, subject[i].page, "one address, a page of its own for each");
        for (uint32_t j = 0; j < subjects; j++)
            check_equal(i == j ? TESTDEV_PATTERN : CANARY, *subject[j].page, "whose page it was");
        check_aperture(&subject[i]);
    }
    for (uint32_t i = 0; i < subjects; i++) {
        struct subject_device *device = &subject[i];

        check_unmap(device->ioas, IOVA);
        check_blocked(device, IOVA, device->page, "after unmap");
        check_others_land(device, "behind the other IOMMUs nothing was unmapped");
        check_map(device->ioas, IOVA, device->page);
        check_detach(device);
        check_blocked(device, IOVA, device->page, "after detach");
        check_others_land(device, "behind the other IOMMUs nothing was detached");
        check_attach(device, device->ioas, BH_OK);
        check_lands(device, IOVA, device->page, "attached again");
    }
    for (uint32_t i = 0; i < subjects; i++) {
        check_detach(&subject[i]);
        check_unmap(subject[i].ioas, IOVA);
        check_status(BH_OK, bh_ioas_free(subject[i].ioas), "ioas_free");
    }
    release_all();
    return check_result();
}
