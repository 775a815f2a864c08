/* SPDX-License-Identifier: Apache-2.0 */
/* The life of partitions: load, run, end. */
#ifndef KERNEL_LIFECYCLE_H
#define KERNEL_LIFECYCLE_H

#include "arch/arch.h"
#include "kernel/bundle.h"

struct partition;

/* What guests do that ends them, and their hypercalls: for arch_guest_register(). */
extern const struct arch_guest_ops lifecycle_guest_ops;

/* Starts every planned partition on its CPU, from the payloads of the bundle. Boot CPU; does not
 * return. */
_Noreturn void lifecycle_start_all(const struct bundle *bundle);

/* Ends the calling CPU's partition: parks its devices first of all, then says so; starts it
 * again if `again`. Does not return. */
_Noreturn void lifecycle_end(struct partition *partition, uint32_t exit_code, bool again);

/* The run is over before it began: prints why and the last line, and turns the machine off. */
_Noreturn void lifecycle_refuse(void);

#endif
