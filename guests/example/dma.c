/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device of one's own: bind it, map a page for it, attach it, let it copy, and give it back.
 *
 *     make run CONFIG=guests/example/dma.dts
 *
 * The device is QEMU's `edu`, whose engine copies between memory and a buffer of its own (QEMU's
 * docs/specs/edu.rst). It sees memory at the addresses that are mapped for it, and nothing else.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sdk/bulkhead.h"
#include "sdk/dma.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "sdk/timer.h"

#define EDU 0x11e81234u /* vendor 1234, device 11e8 */
#define DMA_SOURCE 0x80
#define DMA_TARGET 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98
#define DMA_RUN 1u
#define DMA_TO_MEMORY 2u
#define BUFFER 0x40000u /* the device's own, in the words of its engine */

#define LABEL 1          /* comes back with each fault of the device */
#define IOVA 0x10000000u /* where the device sees the page: any multiple of its size */
#define ANSWER 0x800     /* where in the page the copy goes */
#define MAY (BH_MAP_READ | BH_MAP_WRITE)
#define OUTSIDE 0x20000000u        /* nothing is mapped there */
#define FAULT_NS (100 * NS_PER_MS) /* within which the record of a fault is there */

static void copy(uintptr_t registers, uint32_t from, uint32_t to, uint32_t bytes)
{
    mmio_write32(registers + DMA_SOURCE, from);
    mmio_write32(registers + DMA_TARGET, to);
    mmio_write32(registers + DMA_COUNT, bytes);
    dma_publish();
    mmio_write32(registers + DMA_COMMAND, DMA_RUN | (from == BUFFER ? DMA_TO_MEMORY : 0));
    while (mmio_read32(registers + DMA_COMMAND) & DMA_RUN)
        timer_sleep_ns(NS_PER_MS);
    dma_observe();
}

/* A text from the page to the device and back; then the same to an address that is not mapped. */
static bool use(const struct bh_device_info *edu, char *page)
{
    static const char text[] = "copied by the device";
    uintptr_t registers = pci_registers(edu->device, 0);
    struct bh_query_fault fault;

    memcpy(page, text, sizeof(text));
    copy(registers, IOVA, BUFFER, sizeof(text));
    copy(registers, BUFFER, IOVA + ANSWER, sizeof(text));
    printf("what came back: %s\n", page + ANSWER);

    copy(registers, BUFFER, OUTSIDE, sizeof(uint32_t));
    timer_sleep_ns(FAULT_NS);
    bh_query_fault(edu->device, &fault);
    printf("outside the map: %s fault at 0x%" PRIx64 "\n", bh_cause_name(fault.cause), fault.iova);
    return strcmp(page + ANSWER, text) == 0 && fault.count != 0;
}

int main(void)
{
    struct bh_device_info edu;
    char *page = dma_alloc(1);
    uint32_t ioas;
    bool well;

    if (!page || !pci_find_id(EDU, &edu))
        return 1;
    while (bh_bind(edu.device, LABEL) == BH_EPERM) /* another partition has it */
        timer_sleep_ns(NS_PER_MS);
    ioas = (uint32_t)bh_ioas_alloc_paging(edu.device, BH_IOAS_NONE);
    if (bh_map(ioas, IOVA, bh_address(page), DMA_PAGE_BYTES, MAY, NULL) != BH_OK ||
        bh_attach(edu.device, BH_PASID_NONE, ioas) != BH_OK)
        return 2;

    well = use(&edu, page);

    bh_detach(edu.device, BH_PASID_NONE);
    bh_unmap(ioas, IOVA, DMA_PAGE_BYTES, NULL);
    bh_ioas_free(ioas);
    return well && bh_device_unbind(edu.device) == BH_OK ? 0 : 3;
}
