/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of QEMU's `iommu-testdev` (1b36:0005; QEMU's docs/specs/iommu-testdev.rst): it writes a fixed
 * pattern to an I/O address, at once, and then looks at a physical address for what it wrote, past
 * the IOMMU. It asks nobody for leave: bus mastering off is no fence for it.
 */
#ifndef GUESTS_COMMON_TESTDEV_H
#define GUESTS_COMMON_TESTDEV_H

#include <stdint.h>

#define TESTDEV_VENDOR_DEVICE 0x00051b36u /* as in struct bh_device_info */
#define TESTDEV_PATTERN 0x12345678u

/* How a write ended, by the device's own word. */
#define TESTDEV_LANDED 0u             /* the pattern stands at the physical address */
#define TESTDEV_FAILED 0xdead0002u    /* the bus refused the write */
#define TESTDEV_ELSEWHERE 0xdead0004u /* the write went through, and not to the physical address */

/* Writes four bytes to iova, which are expected at `physical`: an address of memory, it is read. */
uint32_t testdev_write(uintptr_t registers, uint64_t iova, uint64_t physical);

#endif
