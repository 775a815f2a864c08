/* SPDX-License-Identifier: Apache-2.0 */
/*
 * I/O address spaces. A `paging` ioas maps I/O virtual addresses to the owner's guest-physical
 * memory, which is resolved here when it is mapped.
 *
 * Units that differ in format or input size cannot walk one tree, so a space has a tree for each class of
 * units behind which the partition's listed devices stand; boot works the classes out. Every map goes into
 * each tree as far as the tree reaches, and so an attach copies nothing. A tree that nobody is attached
 * through may hold less than the space; an attach through it is refused then.
 *
 * On each unit that it was attached behind the space has a domain, {tree, tag}, until it is freed. What is
 * removed from a tree is invalidated on exactly the units that have a domain of that tree.
 *
 * Functions return BH_* codes; include/bulkhead/abi.h has each with its causes, call by call. They are
 * called on a CPU of the partition whose space it is. Those that take an id take the space's lock
 * themselves, and answer BH_ENOENT where the partition has no space with that id.
 */
#ifndef KERNEL_IOAS_H
#define KERNEL_IOAS_H

#include "bulkhead/abi.h"
#include "drivers/iommu/iommu.h"
#include "lib/lock.h"

struct partition;
struct device;

#define IOAS_TREES 2

/* Where doorbells appear (kernel/ioas_doorbell.c): that of message unit n at n strides. */
#define DOORBELL_WINDOW ((uint64_t)BH_DOORBELLS)
#define DOORBELL_WINDOW_SIZE ((uint64_t)BH_DOORBELLS_BYTES)
#define DOORBELL_STRIDE UINT64_C(0x10000)

#define IOAS_ID_SLOT BITS(7, 0) /* plus 1 */
#define IOAS_ID_GENERATION BITS(30, 8)

/* Units whose domains can share a tree. */
struct ioas_class {
    const struct iommu_format *format;
    unsigned int input_bits;
    unsigned int output_bits; /* the fewest of them */
    bool coherent;            /* each of them is */
};

struct ioas_tree {
    struct pagetable table;
    const struct iommu_format *format;
    uint64_t output_limit; /* its units reach addresses below this */
    uint32_t attached;     /* devices attached through it */
    uint32_t units;        /* bit n: instance n has a domain of it */
};

struct ioas {
    struct lock lock;        /* guards everything here; second in the lock order */
    struct partition *owner; /* NULL: the slot is free */
    uint32_t generation;     /* of the slot: part of the id */
    uint32_t id;             /* 0: the slot is free */
    uint32_t attached;       /* devices attached */
    uint32_t
        window_maps; /* maps of windows (kernel/window.h) in it, and doorbells: an unmap looks for them */
    uint32_t tree_count;
    uint32_t closed; /* bit n: what the owner's device n closes (device_closes()) is closed here */
    /* IOVAs that can be mapped: the largest stretch of them without a gap. kernel/ioas_closed.c knows the others. */
    struct topology_range open;
    uint64_t output_limit;           /* memory below this can be mapped */
    uint32_t doorbell[TOPOLOGY_ITS]; /* attached devices that have bound a message of that unit */
    struct ioas_tree
        tree[IOAS_TREES]; /* the first holds all that is mapped: it is of the class of the
                                        * device that the space was made for */
    struct iommu_domain domain[TOPOLOGY_IOMMUS]; /* by instance; tag 0: none there */
    uint32_t reserved_count;
    struct bh_range reserved[BH_RESERVATIONS]; /* no attach may cut these */
};

/* Boot: the device becomes one of those that the partition may bind, and the class of its unit one of the
 * partition's. False: that would be a class more than IOAS_TREES. */
bool ioas_plan(struct partition *partition, const struct device *device);

/* The partition's space with that id, its lock taken, or NULL: none, or one of an earlier life of the slot.
 * Constant work. */
struct ioas *ioas_acquire(struct partition *partition, uint64_t id);

void ioas_release(struct ioas *ioas);

/* Both of two, their locks taken in the order of the slots; one and its one lock where the ids are the same.
 * False: there is not either of them, and no lock is taken. */
bool ioas_acquire_pair(struct partition *partition, uint64_t a, uint64_t b, struct ioas *pair[2]);
void ioas_release_pair(struct ioas *const pair[2]);

/* The space's domain on that instance, or NULL: there is none. A device that is attached has one. */
static inline struct iommu_domain *ioas_domain_on(struct ioas *ioas, const struct iommu *iommu)
{
    struct iommu_domain *domain = &ioas->domain[iommu->number];

    return domain->tag != 0 ? domain : NULL;
}

/* An empty space with the geometry of the unit of the device, which the partition has bound. Positive id, or
 * an error. Work: the slots and the instances. */
int64_t ioas_alloc_paging(struct partition *partition, struct device *device);

/* Gives back an empty one, after its units have forgotten it: one SYNC each. */
int64_t ioas_free(struct partition *partition, uint64_t id);

/* The device, which masters memory, is about to be attached: the space gets a domain on its unit and keeps
 * to the unit's limits. Refusals change nothing. The space's lock is held, here and below. Work: the tags. */
int64_t ioas_enter(struct ioas *ioas, const struct device *device);

/* The space's domain on that instance, which never saw it, ends. */
void ioas_drop_domain(struct ioas *ioas, const struct iommu *iommu);

/* The device is not attached any more, or could not be. */
void ioas_leave(struct ioas *ioas, const struct device *device);

/* Maps own memory, not more than BH_MAP_ENTRIES_PER_CALL entries of a tree in one go. *done: bytes mapped, a
 * part of size with BH_EAGAIN, else all or, after a refusal, what it was before. */
int64_t ioas_map(struct partition *partition, uint64_t id, uint64_t iova, uint64_t address,
                 uint64_t size, uint64_t flags, uint64_t *done);

/* Removes what lies in the range, of as many entries at most, and waits for one SYNC a unit. *done: bytes of the
 * range dealt with; *bytes: of these, how many were mapped. */
int64_t ioas_unmap(struct partition *partition, uint64_t id, uint64_t iova, uint64_t size,
                   uint64_t *done, uint64_t *bytes);

/* Has what is mapped in the range lead to other memory of the owner, or with another access: leaves that are there,
 * whole, and at most BH_MAP_ENTRIES_PER_CALL of them. *hitless: no access was blocked in between. Two SYNCs' worth
 * of work a unit at most, one SYNC. */
int64_t ioas_remap(struct partition *partition, uint64_t id, uint64_t iova, uint64_t address,
                   uint64_t size, uint64_t flags, uint64_t *done, bool *hitless);

/* Maps what the source maps of the owner's own memory also at another place. A source of as many leaves, and as many
 * leaves written. *done: bytes. */
int64_t ioas_copy(struct partition *partition, const struct bh_ioas_copy *copy, uint64_t *done);

/* How far a batch came. */
struct ioas_batch_done {
    uint64_t elements; /* done whole */
    uint64_t part;     /* bytes of the next one that are done */
    uint64_t bytes;    /* unmap: that were mapped */
};

/* Arrays in the owner's memory at the guest-physical address: bh_map, bh_unmap. The bounds of a single map or
 * unmap are those of the whole batch, and it has one SYNC a unit. */
int64_t ioas_map_batch(struct partition *partition, uint64_t id, uint64_t address, uint64_t count,
                       struct ioas_batch_done *done);
int64_t ioas_unmap_batch(struct partition *partition, uint64_t id, uint64_t address, uint64_t count,
                         struct ioas_batch_done *done);

/* ioas_unmap() of all from *cursor on; *cursor: where the next call goes on, 0 where none has to. */
int64_t ioas_unmap_all(struct partition *partition, uint64_t id, uint64_t *cursor, uint64_t *bytes);

/* What can be mapped now, in ascending order: at most BH_RANGES; *count says how many. Constant work. */
int64_t ioas_ranges(struct partition *partition, uint64_t id, struct bh_range *ranges,
                    uint32_t *count);

/* No later attach shall cut the range; size 0 at 0: none of those that were named so far stays. */
int64_t ioas_reserve(struct partition *partition, uint64_t id, uint64_t iova, uint64_t size);

/* Takes all of the range out, of which no leaf is cut: a window of the owner is withdrawn. By the CPU of the
 * window's other side, the space's lock held. False: a unit failed. */
bool ioas_revoke(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size);

/* The owner is dying and every device is detached: frees all its spaces whatever is mapped.
 * False: a unit failed and the owner's memory stays pinned. Work: one SYNC a space and unit. */
bool ioas_free_all(struct partition *partition);

#endif
