/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignment: bind and unbind change who owns a group and whose CPU reaches a device's registers;
 * attach and detach change which memory a device reaches. Every way out ends parked (I6).
 *
 * Functions return BH_* codes as include/bulkhead/abi.h documents them per call. They are called on
 * the CPU of the partition; device is one that the set lists for it.
 */
#ifndef KERNEL_ASSIGN_H
#define KERNEL_ASSIGN_H

#include "lib/types.h"

struct partition;
struct device;
struct ioas;

/* *wait: with BH_EAGAIN, nanoseconds until the next call is useful. */
int64_t assign_bind(struct partition *partition, struct device *device, uint64_t label,
                    uint64_t *wait);
int64_t assign_unbind(struct partition *partition, struct device *device);
int64_t assign_attach(struct partition *partition, struct device *device, struct ioas *ioas);
int64_t assign_detach(struct partition *partition, struct device *device);

/* The partition is dying: parks and gives back every device it has. False: a unit failed
 * meanwhile and the partition's memory must stay pinned. */
bool assign_release_all(struct partition *partition);

/* A unit was silenced: its devices lose bus mastering at the ports above them. Any CPU. */
struct iommu;
void assign_cut_off(const struct iommu *iommu);

#endif
