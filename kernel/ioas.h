/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O address spaces. A `paging` ioas maps I/O virtual addresses to the owner's guest-physical
 * memory, which is resolved here when it is mapped. It has one domain on each IOMMU instance that
 * it is used with; in this version that is the instance it was made for.
 *
 * Functions return BH_* codes; include/bulkhead/abi.h has each with its causes, call by call. They are
 * called on a CPU of the partition whose space it is, and take the space's lock themselves.
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
    struct pagetable table;
    struct iommu_domain domain;
    uint32_t generation; /* of the slot: part of the id */
    uint32_t id;         /* 0: the slot is free */
    uint32_t attached;   /* devices attached */
};

/* The partition's space with that id, or NULL: none, or one of an earlier life of the slot. Ids are slot + 1 in
 * the low byte and the slot's generation above. Constant work. */
struct ioas *ioas_find(struct partition *partition, uint64_t id);

/* An empty space with the geometry of the unit of the device, which the partition has bound. Positive id, or
 * an error. Work: the slots and the tags. */
int64_t ioas_alloc_paging(struct partition *partition, struct device *device);

/* Gives back an empty one, after the unit has forgotten it: one SYNC. */
int64_t ioas_free(struct partition *partition, struct ioas *ioas);

/* Maps own memory, not more than BH_MAP_ENTRIES_PER_CALL entries of the tables in one go. *done: bytes mapped, a
 * part of size with BH_EAGAIN, else all or, after a refusal, what it was before. */
int64_t ioas_map(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t address,
                 uint64_t size, uint64_t flags, uint64_t *done);

/* Removes what lies in the range, of as many entries at most, and waits for one SYNC. *done: bytes of the
 * range dealt with; *bytes: of these, how many were mapped. */
int64_t ioas_unmap(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                   uint64_t *done, uint64_t *bytes);

/* The owner is dying and every device is detached: frees all its spaces whatever is mapped.
 * False: a unit failed and the owner's memory stays pinned. Work: one SYNC a space. */
bool ioas_free_all(struct partition *partition);

#endif
