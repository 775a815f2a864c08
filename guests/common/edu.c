/* SPDX-License-Identifier: Apache-2.0 */
#include "edu.h"

#include "sdk/mmio.h"
#include "sdk/timer.h"

#define EDU_ID 0x00
#define EDU_ID_VALUE 0xedu /* low byte; above it the version */
#define EDU_ID_MASK 0xffu
#define EDU_INTERRUPT_STATUS 0x24
#define EDU_INTERRUPT_RAISE 0x60
#define EDU_INTERRUPT_QUIET 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_TARGET 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_RUN 1u /* reads as one until the transfer has been done */
#define EDU_DMA_TO_MEMORY 2u
#define EDU_DMA_INTERRUPT 4u

#define EDU_BUFFER_ADDRESS 0x40000 /* where the buffer lies in the engine's own addresses */

#define POLL_NS NS_PER_MS
#define LIMIT_NS NS_PER_SECOND

bool edu_init(struct edu *edu, uintptr_t registers)
{
    edu->registers = registers;
    return registers != 0 && (mmio_read32(registers + EDU_ID) & EDU_ID_MASK) == EDU_ID_VALUE;
}

static bool start(const struct edu *edu, enum edu_direction direction, uint64_t iova,
                  uint32_t offset, uint32_t bytes, uint32_t flags)
{
    uint64_t buffer = EDU_BUFFER_ADDRESS + (uint64_t)offset;
    bool to_memory = direction == EDU_TO_MEMORY;

    if (bytes == 0 || offset >= EDU_BUFFER_BYTES || bytes > EDU_BUFFER_BYTES - offset)
        return false;
    mmio_write64(edu->registers + EDU_DMA_SOURCE, to_memory ? buffer : iova);
    mmio_write64(edu->registers + EDU_DMA_TARGET, to_memory ? iova : buffer);
    mmio_write64(edu->registers + EDU_DMA_COUNT, bytes);
    dma_publish();
    mmio_write64(edu->registers + EDU_DMA_COMMAND,
                 EDU_DMA_RUN | (to_memory ? EDU_DMA_TO_MEMORY : 0) | flags);
    return true;
}

bool edu_start(const struct edu *edu, enum edu_direction direction, uint64_t iova, uint32_t offset,
               uint32_t bytes)
{
    return start(edu, direction, iova, offset, bytes, 0);
}

bool edu_start_interrupting(const struct edu *edu, enum edu_direction direction, uint64_t iova,
                            uint32_t offset, uint32_t bytes)
{
    return start(edu, direction, iova, offset, bytes, EDU_DMA_INTERRUPT);
}

bool edu_wait(const struct edu *edu)
{
    uint64_t deadline = timer_now() + timer_ticks(LIMIT_NS);

    while (mmio_read64(edu->registers + EDU_DMA_COMMAND) & EDU_DMA_RUN) {
        if (timer_now() >= deadline)
            return false;
        timer_sleep_ns(POLL_NS);
    }
    dma_observe();
    return true;
}

bool edu_transfer(const struct edu *edu, enum edu_direction direction, uint64_t iova,
                  uint32_t offset, uint32_t bytes)
{
    return edu_start(edu, direction, iova, offset, bytes) && edu_wait(edu);
}

void edu_raise(const struct edu *edu)
{
    mmio_write32(edu->registers + EDU_INTERRUPT_RAISE, 1);
}

/* The read at the end: the write has arrived when it answers. */
void edu_quieten(const struct edu *edu)
{
    mmio_write32(edu->registers + EDU_INTERRUPT_QUIET,
                 mmio_read32(edu->registers + EDU_INTERRUPT_STATUS));
    mmio_read32(edu->registers + EDU_INTERRUPT_STATUS);
}

bool edu_is_raised(const struct edu *edu)
{
    return mmio_read32(edu->registers + EDU_INTERRUPT_STATUS) != 0;
}
