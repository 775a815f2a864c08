/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignment: bind and unbind change who owns a group and whose CPU reaches a device's registers;
 * attach and detach change which memory a device reaches. Every way out ends parked (I6).
 *
 * Functions return BH_* codes; include/bulkhead/abi.h has each with its causes, call by call. They are
 * called on a CPU of the partition, without locks; device is one that the set lists for it. Those that
 * speak to a unit wait for its SYNC, IOMMU_DEADLINE_MICROSECONDS at most, under the lock of the group,
 * which is the caller's alone.
 */
#ifndef KERNEL_ASSIGN_H
#define KERNEL_ASSIGN_H

#include "lib/types.h"

struct partition;
struct device;

/* While the device is held, the partition has it bound and nothing of it changes: the lock of its group is taken.
 * False: the partition has not bound it. */
bool assign_hold(const struct partition *partition, struct device *device);
void assign_let_go(struct device *device);

/*
 * Takes the group or counts one more device of it, takes the device one step further in its reset, and at
 * the end of that shows its registers to the partition. label: any that no other device has which the
 * partition has bound. *wait: with BH_EAGAIN, nanoseconds until the next call is useful. Work: one step of
 * the reset; at the end the table entries of its registers and one invalidation of the CPUs.
 */
int64_t assign_bind(struct partition *partition, struct device *device, uint64_t label,
                    uint64_t *wait);

/* Withdraws the registers, closes the interrupt and gives the group back; a device that is attached is
 * BH_EBUSY. Work: as the end of a bind. */
int64_t assign_unbind(struct partition *partition, struct device *device);

/* Has the bound device's stream go through the partition's ioas with that id. Work: two SYNCs a stream. */
int64_t assign_attach(struct partition *partition, struct device *device, uint64_t id);

/* Parks the device. It is out of its ioas whatever this returns. Work: two SYNCs a stream, and one that waits for
 * its last access. */
int64_t assign_detach(struct partition *partition, struct device *device);

/*
 * Moves the attached device's stream to the partition's ioas with that id; refusals as an attach, and nothing changed.
 * *hitless: each access went through the one or the other. BH_ETIMEDOUT: its unit failed; the device is parked. Work:
 * four SYNCs, under both spaces' locks.
 */
int64_t assign_replace(struct partition *partition, struct device *device, uint64_t id,
                       bool *hitless);

/*
 * Takes the bound device one step further in its reset; parked meanwhile, and attached at the end as it was. Once
 * begun, it goes on with the next call, or ends with the device's unbind. *wait: as in assign_bind(). Work: one
 * step of the reset; that of a detach in the first call, and of an attach in the last.
 */
int64_t assign_reset(struct partition *partition, struct device *device, uint64_t *wait);

/* Parks the device and gives it back, whatever state it is in. False: a unit failed meanwhile and the partition's memory
 * must stay pinned. Its CPU. Work: a detach and an unbind. */
bool assign_release(struct partition *partition, struct device *device);

/* The partition owns the device's group: only then may it wait for the group's lock. */
bool assign_owns(const struct partition *partition, const struct device *device);

/* One step of the reset of a PCI function that nobody has attached: BH_OK, BH_EAGAIN with *wait in nanoseconds, or
 * BH_ETIMEDOUT. Group lock held, here and below. */
int64_t assign_reset_step(struct device *device, uint64_t *wait);
void assign_give_up_reset(struct device *device);

/* The partition is dying: parks and gives back every device it has. False: a unit failed
 * meanwhile and the partition's memory must stay pinned. Work: a detach and an unbind for each. */
bool assign_release_all(struct partition *partition);

/* A unit was silenced: its devices lose bus mastering at the ports above them. Any CPU, no lock: each
 * write clears one bit. Work: one write a device. */
struct iommu;
void assign_cut_off(const struct iommu *iommu);

#endif
