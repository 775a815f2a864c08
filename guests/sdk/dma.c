/* SPDX-License-Identifier: Apache-2.0 */
#include "dma.h"

#include <string.h>

/* The region, from partition.ld. */
extern unsigned char __dma_start[], __dma_end[];

static unsigned char *next = __dma_start;

void *dma_alloc(size_t pages)
{
    size_t left = (size_t)(__dma_end - next) / DMA_PAGE_BYTES;
    unsigned char *memory = next;

    if (pages == 0 || pages > left)
        return NULL;
    next += pages * DMA_PAGE_BYTES;
    return memset(memory, 0, pages * DMA_PAGE_BYTES);
}
