/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration space of PCI functions as their owner sees it: by calls, and by loads and stores in a window
 * of the partition's addresses that has the shape of ECAM (PCI Express 7.2.2), where the function with index n of the
 * partition's list is device n of one bus, function 0. Both come to the same two functions, which pass to hardware
 * one thing alone, whether INTx is disabled. docs/guests.md ("Configuration space") has it field by field.
 *
 * A function is there from its bind to its unbind. Work of each access: two register accesses at most, and a look
 * through the partition's devices for the line.
 */
#ifndef KERNEL_VDEV_PCI_CONFIG_H
#define KERNEL_VDEV_PCI_CONFIG_H

#include "lib/types.h"

struct device;
struct partition;

#define CONFIG_WINDOW BIT(20) /* the ECAM of one bus */

/* What the owner has written, as far as it is kept. */
struct config_view {
    uint16_t command;
    uint8_t sizing; /* bit n: BAR register n has all ones, and reads as the size */
};

/* As after a reset of the function. Group lock held. */
void config_start(struct device *device);

/* One access, of 1, 2 or 4 bytes, aligned, below 4096, of a value that fits. BH_* codes;
 * include/bulkhead/abi.h has each with its causes. device is one that the set lists for the partition. */
int64_t config_read(const struct partition *partition, struct device *device, uint64_t offset,
                    uint64_t bytes, uint64_t *value);
int64_t config_write(const struct partition *partition, struct device *device, uint64_t offset,
                     uint64_t bytes, uint64_t value);

/* An access of the partition's CPU to an address without a translation. False: that is not in the window. What
 * config_read() refuses reads as all ones, and what config_write() refuses is ignored. */
bool config_access(const struct partition *partition, uint64_t address, unsigned int bytes,
                   bool write, uint64_t *value);

#endif
