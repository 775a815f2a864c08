/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NVMe controller that is pulled out while it reads its disk, and comes back: the reads end, its registers read as all
 * ones, nobody is ended; what comes back reaches nothing before it is bound, and works when it is attached again.
 */
#include <stdio.h>

#include "common/check.h"
#include "common/nvme.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/events.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "sdk/timer.h"
#include "tests.h"

#define LABEL 0x9a11u
#define IOVA UINT64_C(0x200000000)
#define PAGES 6 /* those of struct nvme_memory, and one of data */
#define DATA 5
#define BOTH (BH_MAP_READ | BH_MAP_WRITE)
#define PATTERN 0xa7
#define CSTS 0x1C
#define ROUNDS 2
#define READS 20
#define TOLD_NS (10 * NS_PER_SECOND)
#define BACK_NS (60 * NS_PER_SECOND)

static struct bh_device_info controller;
static struct nvme nvme;
static struct nvme_memory memory;
static volatile uint8_t *data;
static uint32_t ioas;

static void make_space(void)
{
    volatile uint8_t *pages = dma_alloc(PAGES);
    struct nvme_page *const parts[] = { &memory.admin_submissions, &memory.admin_completions,
                                        &memory.submissions, &memory.completions,
                                        &memory.identity };

    check_true(pages != NULL, "there is memory");
    for (unsigned int i = 0; i < DATA; i++)
        *parts[i] = (struct nvme_page){ .bytes = pages + (size_t)i * DMA_PAGE_BYTES,
                                        .iova = IOVA + (uint64_t)i * DMA_PAGE_BYTES };
    data = pages + (size_t)DATA * DMA_PAGE_BYTES;
    ioas = (uint32_t)bh_ioas_alloc_paging(controller.device, BH_IOAS_NONE);
    check_status(
        BH_OK, bh_map(ioas, IOVA, bh_address(pages), (uint64_t)PAGES * DMA_PAGE_BYTES, BOTH, NULL),
        "map");
}

static void fill(uint8_t value)
{
    for (size_t i = 0; i < DMA_PAGE_BYTES; i++)
        data[i] = value;
    dma_publish();
}

static int transfer(enum nvme_direction direction)
{
    return nvme_transfer(&nvme, direction, 0, DMA_PAGE_BYTES / nvme.block_bytes,
                         IOVA + (uint64_t)DATA * DMA_PAGE_BYTES, 0);
}

/* Bound, attached and ready. */
static void take(void)
{
    check_status(BH_OK, bh_bind(controller.device, LABEL), "bind");
    pci_find_class(NVME_CLASS, &controller);
    if (ioas == 0)
        make_space();
    check_status(BH_OK, bh_attach(controller.device, BH_PASID_NONE, ioas), "attach");
    if (check_failed())
        return;
    check_equal(NVME_OK, (uint64_t)nvme_enable(&nvme, controller.bar[0].address, &memory),
                "the controller is enabled");
    if (!check_failed())
        check_equal(NVME_OK, (uint64_t)nvme_identify(&nvme), "identify");
    if (!check_failed())
        check_equal(NVME_OK, (uint64_t)nvme_create_queues(&nvme), "queues");
}

static int read_once(void)
{
    fill(0);
    int status = transfer(NVME_READ);

    if (status == NVME_OK)
        check_true(data[0] == PATTERN && data[DMA_PAGE_BYTES - 1] == PATTERN,
                   "what is on the disk was read");
    return status;
}

/* The next event of that type about the controller. */
static bool told(uint32_t type, uint64_t label, uint64_t within)
{
    struct bh_event event;

    while (events_wait(&event, within)) {
        if (event.type == type)
            return event.device == controller.device && event.label == label;
    }
    return false;
}

static void lose(void)
{
    int status = NVME_OK;

    printf("reading\n");
    while (status == NVME_OK && !check_failed())
        status = read_once();
    check_equal((uint64_t)NVME_FATAL, (uint64_t)status,
                "the read that it was pulled out of failed");
    check_true(told(BH_EVENT_DEVICE_REMOVED, LABEL, TOLD_NS), "its owner is told that it is gone");
    check_equal(UINT32_MAX, mmio_read32(controller.bar[0].address + CSTS),
                "its registers read as all ones");
    mmio_write32(controller.bar[0].address + CSTS, 0);
    check_status(BH_ENOENT, bh_bind(controller.device, LABEL), "bind of what is gone");
    check_status(BH_EPERM, bh_attach(controller.device, BH_PASID_NONE, ioas), "attach of it");
    check_status(BH_EPERM, bh_device_unbind(controller.device), "unbind of it");
    printf("gone\n");
    check_true(told(BH_EVENT_DEVICE_ADDED, 0, BACK_NS), "it is told that it is back");
    check_status(BH_EPERM, bh_attach(controller.device, BH_PASID_NONE, ioas),
                 "attach before it is bound");
}

int test_pulled(void)
{
    if (!pci_find_class(NVME_CLASS, &controller) || events_open() != BH_OK) {
        printf("an NVMe controller is needed, and a GICv3\n");
        return CHECK_EXIT_UNUSABLE;
    }
    take();
    if (!check_failed()) {
        fill(PATTERN);
        check_equal(NVME_OK, (uint64_t)transfer(NVME_WRITE), "what will be read is on the disk");
    }
    for (unsigned int round = 0; round < ROUNDS && !check_failed(); round++) {
        lose();
        if (!check_failed())
            take();
    }
    for (unsigned int i = 0; i < READS && !check_failed(); i++)
        check_equal(NVME_OK, (uint64_t)read_once(), "it works as before");
    return check_result();
}
