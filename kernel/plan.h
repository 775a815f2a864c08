/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a set and a machine to partitions: finds each device, checks that no group is split, that
 * CPUs and memory suffice. The part without memory runs on the host too (make check).
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "kernel/set.h"

/*
 * Checks the set against the device table and fills in partitions' names, devices and CPUs.
 * cpu_count: CPUs of the machine. False: *error names what to change; nothing may start.
 */
bool plan_partitions(const struct set *set, unsigned int cpu_count, struct set_error *error);

/* Gives each planned partition its physical memory. Boot only. */
bool plan_memory(struct set_error *error);

#endif
