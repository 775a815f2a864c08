/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program to begin with: who am I, what do I own, and what time is it? Change it, then
 *
 *     make run CONFIG=guests/example/example.dts
 *
 * builds and starts it. The set beside it runs it twice: as 64-bit code and as 32-bit code. How a device is
 * used shows dma.c.
 */
#include <inttypes.h>
#include <stdio.h>

#include "sdk/bulkhead.h"
#include "sdk/timer.h"
#include "sdk/tree.h"

#define NAP_NS (20 * NS_PER_MS)
#define WORD_BYTES 32
#define BITS_PER_BYTE 8
#define MIB_SHIFT 20

int main(void)
{
    struct bh_partition_info self;
    struct bh_device_info device;
    char greeting[WORD_BYTES];
    uint64_t begin = timer_now();

    if (bh_partition_info(&self) != BH_OK)
        return 1;
    if (!tree_bootarg("greeting", greeting, sizeof(greeting)))
        return 2;
    printf("%s from %.*s: %d-bit code, %" PRIu64 " MiB at 0x%" PRIx64 "\n", greeting,
           (int)sizeof(self.name), self.name, (int)sizeof(uintptr_t) * BITS_PER_BYTE,
           self.memory_size >> MIB_SHIFT, self.memory_base);

    for (uint32_t i = 0; bh_device_info(i, &device) == BH_OK; i++)
        printf("device %" PRIu32 ": %.*s, group %" PRIu32 "\n", i, (int)sizeof(device.name),
               device.name, device.group);

    timer_sleep_ns(NAP_NS);
    printf("slept %.1f ms\n", (double)timer_ns(timer_now() - begin) / (double)NS_PER_MS);
    return 0;
}
