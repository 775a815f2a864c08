/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces change while a device streams: an NVMe controller reads its disk, 256 KiB a command, and with each
 * look at the completion queue something moves. No command may fail, and every page of data is where one of the
 * spaces that the controller had meanwhile leads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/fault.h"
#include "common/nvme.h"
#include "common/testdev.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0x57e0u
#define QUEUES_IOVA UINT64_C(0x200000000)
#define DATA_IOVA UINT64_C(0x300000000)
#define WRITE_IOVA UINT64_C(0x400000000)
#define QUEUE_PAGES 6 /* those of struct nvme_memory, and the list of the data's */
#define LIST 5
#define DATA_PAGES 64
#define PAGE_WORDS (DMA_PAGE_BYTES / sizeof(uint32_t))
#define CANARY 0xcafecafeu
#define PATTERN 0x5eed0000u /* and the number of the page */
#define BOTH (BH_MAP_READ | BH_MAP_WRITE)
#define COMMANDS 40u
#define MOVES 200u
#define COMMANDS_MOST 2000u

static struct bh_device_info controller, writer;
static struct nvme nvme;
static struct nvme_memory memory;
static uint32_t ioas[2], now; /* the spaces, and which of them the one that moves is in */
static _Alignas(DMA_PAGE_BYTES) volatile uint32_t data[2][DATA_PAGES * PAGE_WORDS];
static volatile uint32_t *written[2];
static uint64_t moves, hitless;

/* ---- What moves ------------------------------------------------------------------------------ */

static void move_writer(void)
{
    uint32_t next = now ^ 1;

    check_status(BH_OK, bh_detach(writer.device, BH_PASID_NONE), "detach of the neighbour");
    check_status(BH_OK, bh_attach(writer.device, BH_PASID_NONE, ioas[next]),
                 "attach of the neighbour to the other space");
    *written[0] = *written[1] = CANARY;
    dma_publish();
    testdev_write(writer.bar[0].address, WRITE_IOVA, bh_address(written[next]));
    check_equal(TESTDEV_PATTERN, *written[next], "the neighbour writes to where it is now");
    check_equal(CANARY, *written[now], "and not to where it was");
    now = next;
    moves++;
}

static void replace_controller(void)
{
    struct bh_result result = bh_call(BH_CALL_REPLACE, controller.device, BH_PASID_NONE,
                                      ioas[now ^ 1], 0, 0);

    check_status(BH_OK, result.status, "replace");
    if (result.status != BH_OK)
        return;
    now ^= 1;
    moves++;
    hitless += result.value[0];
}

/* ---- The stream ------------------------------------------------------------------------------ */

static void map(uint32_t space, uint64_t iova, const volatile void *at, uint64_t pages)
{
    check_status(BH_OK, bh_map(space, iova, bh_address(at), pages * DMA_PAGE_BYTES, BOTH, NULL),
                 "map");
}

/* The queues at one address in both spaces, the data of each at another. */
static void make_spaces(void)
{
    volatile uint8_t *queues = dma_alloc(QUEUE_PAGES);
    struct nvme_page *const pages[] = { &memory.admin_submissions, &memory.admin_completions,
                                        &memory.submissions, &memory.completions,
                                        &memory.identity };
    volatile uint64_t *list = (volatile uint64_t *)(queues + (size_t)LIST * DMA_PAGE_BYTES);

    for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        *pages[i] = (struct nvme_page){ .bytes = queues + (size_t)i * DMA_PAGE_BYTES,
                                        .iova = QUEUES_IOVA + (uint64_t)i * DMA_PAGE_BYTES };
    for (uint64_t i = 1; i < DATA_PAGES; i++)
        list[i - 1] = DATA_IOVA + i * DMA_PAGE_BYTES;
    for (unsigned int i = 0; i < 2; i++) {
        int64_t id = bh_ioas_alloc_paging(controller.device, BH_IOAS_NONE);

        check_true(id > 0, "ioas_alloc_paging");
        ioas[i] = (uint32_t)id;
        written[i] = dma_alloc(1);
        check_true(written[i] != NULL, "there is memory for it");
        map(ioas[i], QUEUES_IOVA, queues, QUEUE_PAGES);
        map(ioas[i], DATA_IOVA, data[i], DATA_PAGES);
        map(ioas[i], WRITE_IOVA, written[i], 1);
    }
}

static int transfer(enum nvme_direction direction)
{
    return nvme_transfer(&nvme, direction, 0, DATA_PAGES * DMA_PAGE_BYTES / nvme.block_bytes,
                         DATA_IOVA, QUEUES_IOVA + (uint64_t)LIST * DMA_PAGE_BYTES);
}

static void start(void)
{
    check_status(BH_OK, bh_attach(controller.device, BH_PASID_NONE, ioas[0]), "attach");
    check_equal(NVME_OK, (uint64_t)nvme_enable(&nvme, controller.bar[0].address, &memory),
                "the controller is enabled");
    if (check_failed())
        return;
    check_equal(NVME_OK, (uint64_t)nvme_identify(&nvme), "identify");
    check_equal(NVME_OK, (uint64_t)nvme_create_queues(&nvme), "queues");
    for (uint32_t page = 0; page < DATA_PAGES; page++) {
        for (uint32_t word = 0; word < PAGE_WORDS; word++)
            data[0][page * PAGE_WORDS + word] = PATTERN + page;
    }
    if (!check_failed())
        check_equal(NVME_OK, (uint64_t)transfer(NVME_WRITE), "what will be read is on the disk");
}

static bool holds(const volatile uint32_t *page, uint32_t value)
{
    bool all = true;

    for (uint32_t word = 0; word < PAGE_WORDS; word++)
        all = all && page[word] == value;
    return all;
}

/* Each page in one of the two, whole; where the controller does not move, in its own. */
static void check_data(bool moving)
{
    for (uint32_t page = 0; page < DATA_PAGES; page++) {
        const volatile uint32_t *first = data[0] + page * PAGE_WORDS;
        const volatile uint32_t *second = data[1] + page * PAGE_WORDS;
        bool in_first = holds(first, PATTERN + page) && holds(second, CANARY);
        bool in_second = holds(second, PATTERN + page) && holds(first, CANARY);

        check_true(in_first || (moving && in_second), "each page of data is in one of the spaces");
    }
}

static void stream(bool moving)
{
    uint32_t commands = 0;

    while (!check_failed() && commands < COMMANDS_MOST && (commands < COMMANDS || moves < MOVES)) {
        for (size_t i = 0; i < DATA_PAGES * PAGE_WORDS; i++)
            data[0][i] = data[1][i] = CANARY;
        dma_publish();
        check_equal(NVME_OK, (uint64_t)transfer(NVME_READ), "the disk is read");
        check_data(moving);
        commands++;
    }
    check_equal(0, fault_of(controller.device).count, "faults of the controller");
    check_true(moves >= MOVES, "something has moved meanwhile");
    printf("%" PRIu32 " commands, %" PRIu64 " moves, %" PRIu64 " hitless\n", commands, moves,
           hitless);
}

int test_stream(void)
{
    char how[16];
    bool moving, endless;

    tree_bootarg("how", how, sizeof(how));
    endless = strcmp(how, "endless") == 0;
    moving = endless || strcmp(how, "replace") == 0;
    if (!pci_find_class(NVME_CLASS, &controller) ||
        (!moving && !pci_find_id(TESTDEV_VENDOR_DEVICE, &writer))) {
        printf("an NVMe controller is needed, and an iommu-testdev unless how=replace\n");
        return CHECK_EXIT_UNUSABLE;
    }
    check_status(BH_OK, bh_bind(controller.device, LABEL), "bind");
    pci_find_class(NVME_CLASS, &controller);
    make_spaces();
    if (!moving) {
        check_status(BH_OK, bh_bind(writer.device, LABEL + 1), "bind of the neighbour");
        pci_find_id(TESTDEV_VENDOR_DEVICE, &writer);
        check_status(BH_OK, bh_attach(writer.device, BH_PASID_NONE, ioas[0]),
                     "the neighbour begins in the same space");
    }
    if (!check_failed())
        start();
    if (check_failed())
        return check_result();
    nvme.meanwhile = moving ? replace_controller : move_writer;
    do {
        printf("streaming\n");
        stream(moving);
    } while (endless && !check_failed());
    nvme.meanwhile = NULL;
    check_equal(NVME_OK, (uint64_t)nvme_shut_down(&nvme), "the controller is shut down");
    check_status(BH_OK, bh_detach(controller.device, BH_PASID_NONE), "detach");
    return check_result();
}
