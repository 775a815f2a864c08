/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of QEMU's teaching device `edu` (1234:11e8; QEMU's docs/specs/edu.rst): a buffer of 4 KiB
 * inside the device and a DMA engine that copies between it and memory. A transfer happens 100 ms
 * after its start. The device never says that one failed: it looks done either way.
 */
#ifndef GUESTS_COMMON_EDU_H
#define GUESTS_COMMON_EDU_H

#include <stdbool.h>
#include <stdint.h>

#define EDU_VENDOR_DEVICE 0x11e81234u /* as in struct bh_device_info */
#define EDU_BUFFER_BYTES 4096

enum edu_direction {
    EDU_FROM_MEMORY, /* the device reads memory into its buffer */
    EDU_TO_MEMORY,   /* the device writes its buffer to memory */
};

struct edu {
    uintptr_t registers;
};

/* False when what answers at the address is not an edu. */
bool edu_init(struct edu *edu, uintptr_t registers);

/* Starts a transfer of [offset, offset + bytes) of the buffer; false when that leaves it. */
bool edu_start(const struct edu *edu, enum edu_direction direction, uint64_t iova, uint32_t offset,
               uint32_t bytes);

/* The same; when it is done the device interrupts, until edu_quieten(). */
bool edu_start_interrupting(const struct edu *edu, enum edu_direction direction, uint64_t iova,
                            uint32_t offset, uint32_t bytes);

/* Waits until the engine is idle; false when it is not within a second. */
bool edu_wait(const struct edu *edu);

/* Both. */
bool edu_transfer(const struct edu *edu, enum edu_direction direction, uint64_t iova,
                  uint32_t offset, uint32_t bytes);

/* Raises the device's interrupt, level-triggered; ends it; whether it is raised. */
void edu_raise(const struct edu *edu);
void edu_quieten(const struct edu *edu);
bool edu_is_raised(const struct edu *edu);

#endif
