/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviours with a device: a death in the middle of DMA, and a register block without DMA. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/edu.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0xd1eu
#define IOVA 0x100000000ull
#define PATTERN 0x44494544u /* "DIED" */
#define DIE_BYTES 64        /* a few words: on some units each is a fault of its own */
#define DEADLY_ADDRESS 0    /* nothing is mapped there in any set of the system tests */

bool find_edu(uint32_t *index, struct bh_device_info *info)
{
    for (*index = 0; bh_device_info(*index, info) == BH_OK; ++*index) {
        if (info->vendor_device == EDU_VENDOR_DEVICE)
            return true;
    }
    return false;
}

bool find_named(const char *end, struct bh_device_info *info)
{
    size_t length = strlen(end);

    for (uint32_t i = 0; bh_device_info(i, info) == BH_OK; i++) {
        const char *terminator = memchr(info->name, '\0', sizeof(info->name));
        size_t name_length = terminator ? (size_t)(terminator - info->name) : 0;

        if (name_length >= length && strcmp(info->name + name_length - length, end) == 0)
            return true;
    }
    return false;
}

/* Bound, attached, one page mapped for both directions; false with a failed check. */
static bool prepare(struct edu *edu, const volatile uint32_t *page)
{
    struct bh_device_info info;
    uint32_t index;
    int64_t ioas;

    check_true(find_edu(&index, &info), "an edu is on the list");
    if (check_failed())
        return false;
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    ioas = bh_ioas_alloc_paging(info.device, BH_IOAS_NONE);
    check_true(ioas > 0, "ioas_alloc_paging");
    check_status(BH_OK,
                 bh_map((uint32_t)ioas, IOVA, bh_address(page), DMA_PAGE_BYTES,
                        BH_MAP_READ | BH_MAP_WRITE, NULL),
                 "map");
    check_status(BH_OK, bh_attach(info.device, BH_PASID_NONE, (uint32_t)ioas), "attach");
    check_status(BH_OK, bh_device_info(index, &info), "device_info");
    if (check_failed())
        return false;
    check_true(edu_init(edu, info.bar[0].address), "the edu answers");
    return !check_failed();
}

/* Its edu and its CPU never rest, until the manager takes the device away: then the next look at a register ends it. */
int test_hammer(void)
{
    volatile uint32_t *page = dma_alloc(1);
    struct edu edu;

    check_true(page != NULL, "a page");
    if (check_failed() || !prepare(&edu, page))
        return check_result();
    printf("hammering\n");
    for (;;) {
        edu_start(&edu, EDU_TO_MEMORY, IOVA, 0, DMA_PAGE_BYTES);
        for (unsigned int i = 0; i < 1000; i++)
            mmio_read32(edu.registers);
    }
}

/*
 * Leaves a write in flight and dies at once. The page begins with the pattern; the device is about
 * to write it to the second half.
 */
int test_die_dma(void)
{
    volatile uint32_t *page = dma_alloc(1);
    const uint32_t half = DMA_PAGE_BYTES / 2;
    uint64_t address = DEADLY_ADDRESS;
    struct edu edu;

    tree_bootarg_number("address", &address);
    if (!prepare(&edu, page))
        return check_result();
    for (uint32_t i = 0; i < DIE_BYTES / sizeof(*page); i++)
        page[i] = PATTERN;
    check_true(edu_transfer(&edu, EDU_FROM_MEMORY, IOVA, 0, DIE_BYTES),
               "the edu takes the pattern");
    if (check_failed())
        return check_result();
    printf("a write of 0x%08x to iova 0x%" PRIx64 ", my 0x%" PRIx64
           ", is in flight; I die by 0x%" PRIx64 "\n",
           PATTERN, (uint64_t)(IOVA + half), bh_address(page) + half, address);
    edu_start(&edu, EDU_TO_MEMORY, IOVA + half, 0, DIE_BYTES);
    mmio_read32(address);
    check_true(false, "the touch ends this partition");
    return check_result();
}

int test_rtc(void)
{
    struct bh_device_info info;
    char name[sizeof(info.name)];
    uint32_t value;

    if (!tree_bootarg("device-name", name, sizeof(name))) {
        printf("bootargs have no device-name=END\n");
        return CHECK_EXIT_UNUSABLE;
    }
    check_true(find_named(name, &info), "the device is on the list");
    if (check_failed())
        return check_result();
    check_true(!(info.capabilities & BH_DEVICE_DMA), "it has no DMA");
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    check_status(BH_EOPNOTSUPP, bh_ioas_alloc_paging(info.device, BH_IOAS_NONE),
                 "ioas_alloc without DMA");
    check_true(info.bar[0].address != 0, "its registers have an address");
    if (check_failed())
        return check_result();
    value = mmio_read32(info.bar[0].address);
    printf("%s at 0x%" PRIx64 ": first register 0x%08" PRIx32 "\n", info.name, info.bar[0].address,
           value);
    check_status(BH_OK, bh_device_unbind(info.device), "unbind");
    return check_result();
}
