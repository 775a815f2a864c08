/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for devices: zeroed, aligned to pages, from a fixed region (partition.ld), never freed.
 * The memory is Normal write-back: devices whose accesses do not snoop caches are not served.
 */
#ifndef BULKHEAD_SDK_DMA_H
#define BULKHEAD_SDK_DMA_H

#include <stddef.h>

#define DMA_PAGE_BYTES 4096

/* Contiguous pages, or null when the region is used up. */
void *dma_alloc(size_t pages);

#endif
