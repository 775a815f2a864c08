/* SPDX-License-Identifier: Apache-2.0 */
/* The life of partitions: load, run, end. */
#ifndef KERNEL_LIFECYCLE_H
#define KERNEL_LIFECYCLE_H

#include "arch/arch.h"
#include "kernel/bundle.h"
#include "kernel/set.h"

struct partition;

/* What guests do that ends them, and their hypercalls: for arch_guest_register(). */
extern const struct arch_guest_ops lifecycle_guest_ops;

/* Puts every planned partition's payload and device tree into its memory, so that all could
 * start. Boot CPU. False: *error names what to change; nothing may start. Work: the partitions'
 * memory. */
bool lifecycle_load_all(const struct bundle *bundle, struct set_error *error);

/* The SHA-256 of the set that was read: 32 bytes, the bundle's own word, which was checked. After
 * lifecycle_load_all(). */
const uint8_t *lifecycle_set_digest(void);

/* Starts every loaded partition on its CPU. Boot CPU; does not return. */
_Noreturn void lifecycle_run_all(void);

/* The calling CPU's partition ends itself: parks its devices first of all, then says so; starts it
 * again if `again`. Does not return. Work: that of a release of its devices and ioas; for another life also its
 * memory, as in lifecycle_load_all(). */
_Noreturn void lifecycle_end(struct partition *partition, uint32_t exit_code, bool again);

/* The manager orders: action is one of BH_PARTITION_STOP, _START and _RESTART. Returns BH_* codes
 * (include/bulkhead/abi.h, PARTITION_CONTROL). Its own CPU does it, later. Any CPU but the partition's; constant
 * work. */
int64_t lifecycle_control(struct partition *partition, uint64_t action);

/* Does what the set says is done when that happens to the partition: a line of the log, or an order to its CPU. Any CPU;
 * constant work for each partition. */
void lifecycle_answer(struct partition *partition, enum set_trouble trouble);

/* What the manager is told of the partition. Any CPU; constant work. */
struct bh_query_partition;
void lifecycle_query(struct partition *partition, struct bh_query_partition *query);

/* The run is over before it began: prints why and the last line, and turns the machine off. */
_Noreturn void lifecycle_refuse(void);

#endif
