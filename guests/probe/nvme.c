/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An NVMe controller that somebody else used before: what a bind leaves of it, and that it works.
 * Registers and commands: NVM Express Base 2.0, chapters 3 and 5.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define LABEL 0x4e56u
#define IOVA 0x200000000ull

/* Registers (3.1.3): controller configuration and status, admin queues, doorbells. */
#define NVME_CC 0x14
#define NVME_CSTS 0x1C
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_SUBMISSION_DOORBELL 0x1000
#define CC_ENABLE (1u << 0)
#define CC_ENTRY_SIZES (6u << 16 | 4u << 20) /* 64 bytes a command, 16 a completion */
#define CSTS_READY (1u << 0)
#define QUEUE_ENTRIES 2u
#define AQA_ENTRIES ((QUEUE_ENTRIES - 1) << 16 | (QUEUE_ENTRIES - 1))

#define IDENTIFY 0x06u
#define IDENTIFY_CONTROLLER 1u
#define SERIAL_OFFSET 4u /* of the controller's data */
#define PHASE (1u << 16) /* of a completion's last word; above it the status, 0: success */

#define WAIT_MILLISECONDS 2000u

/* Three pages at IOVA: commands, completions, data. */
#define PAGES 3
#define COMPLETIONS ((size_t)DMA_PAGE_BYTES)
#define DATA (2 * (size_t)DMA_PAGE_BYTES)

static bool wait_ready(uint64_t registers, uint32_t ready)
{
    for (unsigned int i = 0; i < WAIT_MILLISECONDS; i++) {
        if ((mmio_read32(registers + NVME_CSTS) & CSTS_READY) == ready)
            return true;
        timer_spin_ns(NS_PER_MS);
    }
    return false;
}

/*
 * The device as the bind's reset left it. FLR also clears AQA, ASQ and ACQ (3.7.2); QEMU's
 * controller keeps them, so they are not asked.
 */
static void check_reset(uint64_t registers)
{
    check_equal(0, mmio_read32(registers + NVME_CC), "controller configuration");
    check_equal(0, mmio_read32(registers + NVME_CSTS), "controller status");
}

static void write_address(uint64_t at, uint64_t value)
{
    mmio_write32(at, (uint32_t)value);
    mmio_write32(at + 4, (uint32_t)(value >> 32));
}

static bool enable(uint64_t registers)
{
    mmio_write32(registers + NVME_AQA, AQA_ENTRIES);
    write_address(registers + NVME_ASQ, IOVA);
    write_address(registers + NVME_ACQ, IOVA + COMPLETIONS);
    mmio_write32(registers + NVME_CC, CC_ENTRY_SIZES | CC_ENABLE);
    return wait_ready(registers, CSTS_READY);
}

/* One Identify (5.17) into the data page; the status of its completion, or UINT32_MAX. */
static uint32_t identify(uint64_t registers, volatile uint8_t *pages)
{
    volatile uint32_t *command = (volatile uint32_t *)pages;
    const volatile uint32_t *completion = (const volatile uint32_t *)(pages + COMPLETIONS);
    const uint64_t data = IOVA + DATA;

    command[0] = IDENTIFY;
    command[6] = (uint32_t)data;
    command[7] = (uint32_t)(data >> 32);
    command[10] = IDENTIFY_CONTROLLER;
    dma_publish();
    mmio_write32(registers + NVME_SUBMISSION_DOORBELL, 1);
    for (unsigned int i = 0; i < WAIT_MILLISECONDS; i++) {
        uint32_t status = completion[3];

        if ((status & PHASE) != 0) {
            dma_observe();
            return status >> 17;
        }
        timer_spin_ns(NS_PER_MS);
    }
    return UINT32_MAX;
}

int test_nvme(void)
{
    char end[32], serial[21] = "", wanted[21] = "";
    struct bh_device_info info;
    int64_t ioas;

    if (!tree_bootarg("device-name", end, sizeof(end)) ||
        !tree_bootarg("serial", wanted, sizeof(wanted))) {
        printf("bootargs need device-name=END and serial=TEXT\n");
        return CHECK_EXIT_UNUSABLE;
    }
    volatile uint8_t *pages = dma_alloc(PAGES);

    if (pages == NULL || !find_named(end, &info)) {
        check_true(false, "the controller is on the list, and there is memory for it");
        return check_result();
    }
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    check_true(find_named(end, &info) && info.bar[0].address != 0, "its registers have an address");
    if (check_failed())
        return check_result();
    check_reset(info.bar[0].address);
    ioas = bh_ioas_alloc_paging(info.device, BH_IOAS_NONE);
    check_true(ioas > 0, "ioas_alloc_paging");
    check_status(BH_OK,
                 bh_map((uint32_t)ioas, IOVA, bh_address(pages), PAGES * (uint64_t)DMA_PAGE_BYTES,
                        BH_MAP_READ | BH_MAP_WRITE, NULL),
                 "map");
    check_status(BH_OK, bh_attach(info.device, BH_PASID_NONE, (uint32_t)ioas), "attach");
    check_true(enable(info.bar[0].address), "it comes up with queues of this partition");
    if (check_failed())
        return check_result();
    check_equal(0, identify(info.bar[0].address, pages), "Identify succeeds");
    for (size_t i = 0; i < sizeof(serial) - 1; i++)
        serial[i] = (char)pages[DATA + SERIAL_OFFSET + i];
    check_true(strncmp(serial, wanted, strlen(wanted)) == 0, "it is the controller that was named");
    printf("serial number: %s\n", serial);
    check_status(BH_OK, bh_detach(info.device, BH_PASID_NONE), "detach");
    check_status(BH_OK, bh_device_unbind(info.device), "unbind");
    return check_result();
}
