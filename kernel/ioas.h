/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O address spaces. A `paging` ioas maps I/O virtual addresses to the owner's guest-physical
 * memory, which is resolved here when it is mapped. It has one domain on each IOMMU instance that
 * it is used with; in this version that is the instance it was made for.
 *
 * All functions return BH_* codes as include/bulkhead/abi.h documents them per call.
 */
#ifndef KERNEL_IOAS_H
#define KERNEL_IOAS_H

#include "drivers/iommu/iommu.h"
#include "lib/lock.h"

struct partition;
struct device;

struct ioas {
    struct lock lock;        /* guards everything here; second in the lock order */
    struct partition *owner; /* NULL: the slot is free */
    struct iommu *iommu;
    struct iommu_domain domain;
    uint32_t generation; /* of the slot: part of the id */
    uint32_t id;         /* 0: the slot is free */
    uint32_t attached;   /* devices attached */
};

/* Ids are slot + 1 in the low byte and the slot's generation above. */
struct ioas *ioas_find(struct partition *partition, uint64_t id);

/* Positive id, or an error. */
int64_t ioas_alloc_paging(struct partition *partition, struct device *device);
int64_t ioas_free(struct partition *partition, struct ioas *ioas);
int64_t ioas_map(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t address,
                 uint64_t size, uint64_t flags, uint64_t *done);
int64_t ioas_unmap(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                   uint64_t *done, uint64_t *bytes);

/* The owner is dying and every device is detached: frees all its spaces whatever is mapped.
 * False: a unit failed and the owner's memory stays pinned. */
bool ioas_free_all(struct partition *partition);

#endif
