/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of I/O address spaces share. All are called with the space's lock held. */
#ifndef KERNEL_IOAS_PARTS_H
#define KERNEL_IOAS_PARTS_H

#include "kernel/ioas.h"

/* What every call demands of a range of I/O virtual addresses that is to lie below limit. */
static inline int64_t ioas_check_range(uint64_t iova, uint64_t size, uint64_t limit)
{
    if (!range_valid(iova, size) || !is_aligned(iova | size, PAGE_SIZE))
        return BH_EINVAL;
    if (!range_inside(iova, size, 0, limit))
        return BH_ERANGE;
    return BH_OK;
}

/* The answer of a call that did so much of many parts: what ended it there is the next call's to say. */
static inline int64_t ioas_answer(int64_t result, uint64_t done)
{
    return result != BH_OK && result != BH_ETIMEDOUT && done != 0 ? BH_EAGAIN : result;
}

/* Whether [iova, +size) can be mapped, though it does not lie in the largest stretch. */
bool ioas_is_open(const struct ioas *ioas, uint64_t iova, uint64_t size);

/* What every call demands of IOVAs that are to be mapped. */
static inline int64_t ioas_check_open(const struct ioas *ioas, uint64_t iova, uint64_t size)
{
    if (!range_valid(iova, size) || !is_aligned(iova | size, PAGE_SIZE))
        return BH_EINVAL;
    return range_inside(iova, size, ioas->open.base, ioas->open.size) ||
                   ioas_is_open(ioas, iova, size)
               ? BH_OK
               : BH_ERANGE;
}

/* What the device closes is closed from now on. BH_ERANGE: something is mapped or reserved there; BH_ENOSPC: what
 * remains would be more than BH_RANGES ranges. Refusals change nothing. Work: entries of a table or two a range. */
int64_t ioas_close(struct ioas *ioas, const struct device *device);

/* It is not any more, as far as this device is concerned. */
void ioas_reopen(struct ioas *ioas, const struct device *device);

/* What can be mapped, in ascending order: at most BH_RANGES ranges; how many. */
uint32_t ioas_list_open(const struct ioas *ioas, struct bh_range *ranges);

/* The space's limits follow from its trees that devices are attached through, and from what is closed. */
void ioas_keep_to_limits(struct ioas *ioas);

/* Whether the range meets the window that the space keeps for doorbells. */
bool ioas_meets_doorbells(const struct ioas *ioas, uint64_t iova, uint64_t size);

static inline bool ioas_flags_valid(uint64_t flags)
{
    return flags != 0 && (flags & ~(uint64_t)(BH_MAP_READ | BH_MAP_WRITE)) == 0;
}

/* What every call demands that maps [address, +size) of guest-physical memory at iova. */
static inline int64_t ioas_check_map(const struct ioas *ioas, uint64_t iova, uint64_t address,
                                     uint64_t size, uint64_t flags)
{
    int64_t result = ioas_check_open(ioas, iova, size);

    if (result != BH_OK)
        return result;
    return range_valid(address, size) && is_aligned(address, PAGE_SIZE) && ioas_flags_valid(flags)
               ? BH_OK
               : BH_EINVAL;
}

/* Bits of a leaf outside its address. */
static inline uint64_t ioas_attributes(const struct iommu_format *format, uint64_t flags)
{
    return format->common ^ ((flags & BH_MAP_READ) != 0 ? format->read : 0) ^
           ((flags & BH_MAP_WRITE) != 0 ? format->write : 0);
}

/* How much of [iova, +size) the tree reaches. */
static inline uint64_t ioas_within(const struct ioas_tree *tree, uint64_t iova, uint64_t size)
{
    return iova < tree->table.limit ? min_u64(size, tree->table.limit - iova) : 0;
}

/* Maps memory that the owner may map there: [physical, +size) at iova, in every tree. *progress: of the first
 * tree. All or nothing, but for the bound. */
int64_t ioas_map_physical(struct partition *partition, struct ioas *ioas, uint64_t iova,
                          uint64_t physical, uint64_t size, uint64_t flags, uint32_t bound,
                          struct pagetable_progress *progress);

/* Takes [iova, +size) out of every tree as far as the bound allows for the first one, and waits until no unit
 * knows it any more. *progress: of the first tree; behind it there is room for the others'. */
int64_t ioas_remove(struct partition *partition, struct ioas *ioas, uint64_t iova, uint64_t size,
                    struct pagetable_progress progress[IOAS_TREES]);

/* Batches of invalidations that are under way, by instance. */
struct ioas_batch {
    struct iommu_ticket ticket[TOPOLOGY_IOMMUS];
    uint32_t waiting; /* bit n: instance n has commands of it */
    bool failed;
};

/* Has the units of a tree forget what was taken out of it: commands are put into their queues; last: and a SYNC. */
void ioas_put(const struct ioas *ioas, uint32_t tree, const struct pagetable_progress *progress,
              bool last, struct ioas_batch *batch);

/* Waits for the SYNCs. False: a unit has failed. */
bool ioas_wait(const struct ioas_batch *batch);

/* ---- What is not needed for a space with one tree and one unit, and memory of the owner's own -------------- */

/* The trees behind the first one lose what it lost, all units forget it, and the other trees' tables go back.
 * False: a unit has failed. */
bool ioas_remove_alike(struct partition *partition, struct ioas *ioas, uint64_t iova,
                       struct pagetable_progress progress[IOAS_TREES]);

/* The trees behind the first one get what it got. BH_ENOSPC: none has any of it any more. */
int64_t ioas_map_alike(struct partition *partition, struct ioas *ioas, uint64_t iova,
                       uint64_t physical, uint64_t size, uint64_t flags);

/* A map of memory that is not the owner's own: a window, or none. */
int64_t ioas_map_window(struct partition *partition, struct ioas *ioas, uint64_t iova,
                        uint64_t address, uint64_t size, uint64_t flags, uint64_t *done);

/* The IOVA of the page of the device's doorbell. It has messages, here and below. */
uint64_t ioas_doorbell_page(const struct device *device);

/* The device, which has a message bound, is attached to the space, or about to be: the page of its doorbell is there.
 * BH_ENOSPC, BH_EOPNOTSUPP: nothing changed. Work: as a map of a page, and its unmap. */
int64_t ioas_open_doorbell(struct ioas *ioas, const struct device *device);
void ioas_close_doorbell(struct ioas *ioas, const struct device *device);

/* As ioas_remove(), and the maps of windows in the range are not that any more. */
int64_t ioas_remove_shared(struct partition *partition, struct ioas *ioas, uint64_t iova,
                           uint64_t size, struct pagetable_progress progress[IOAS_TREES]);

#endif
