/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that change hands by order of the manager. The group's owner has it taken away by its own CPU, as if it had
 * detached and unbound; then the hypervisor has it and resets it; then it is nobody's and reserved for the one that
 * it was given to, who binds it. Whatever fails on the way leaves it parked and nobody's (I6).
 */
#ifndef KERNEL_GIVE_H
#define KERNEL_GIVE_H

#include "lib/types.h"

struct partition;
struct device;

/*
 * Goes one step further in giving the device's group to the partition, which lists it. Returns BH_* codes
 * (include/bulkhead/abi.h, DEVICE_GIVE); *wait: with BH_EAGAIN, nanoseconds until the next call is useful. The
 * manager's CPU. Work: one step of the reset of each member.
 */
int64_t give_device(struct partition *to, struct device *device, uint64_t *wait);

/* Takes away from the partition what the manager gives to others, and what is gone (kernel/presence.h). Its CPU, outside
 * of calls. False: a unit failed. Work: a detach and an unbind for each device. */
bool give_leave(struct partition *partition);

/* The event of that type about the device, for the partition. Any CPU. */
void give_tell(struct partition *partition, const struct device *device, uint32_t type,
               uint64_t label);

/* The manager ends: what it was giving is nobody's. Its CPU. Work: the devices. */
void give_end(void);

#endif
