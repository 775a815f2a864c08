/* SPDX-License-Identifier: Apache-2.0 */
#include "testdev.h"

#include "sdk/mmio.h"

/* All registers are of 32 bits. */
#define TRIGGER 0x00 /* reading it does what was armed */
#define IOVA_LOW 0x04
#define IOVA_HIGH 0x08
#define LENGTH 0x0c
#define RESULT 0x10
#define ARM 0x14
#define ATTRIBUTES 0x18
#define PHYSICAL_LOW 0x1c
#define PHYSICAL_HIGH 0x20

#define HALF_BITS 32
#define WRITE_BYTES 4

uint32_t testdev_write(uintptr_t registers, uint64_t iova, uint64_t physical)
{
    uint32_t result;

    mmio_write32(registers + IOVA_LOW, (uint32_t)iova);
    mmio_write32(registers + IOVA_HIGH, (uint32_t)(iova >> HALF_BITS));
    mmio_write32(registers + PHYSICAL_LOW, (uint32_t)physical);
    mmio_write32(registers + PHYSICAL_HIGH, (uint32_t)(physical >> HALF_BITS));
    mmio_write32(registers + LENGTH, WRITE_BYTES);
    mmio_write32(registers + ATTRIBUTES, 0);
    mmio_write32(registers + ARM, 1);
    dma_publish();
    mmio_read32(registers + TRIGGER);
    result = mmio_read32(registers + RESULT);
    dma_observe();
    return result;
}
