/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host machine put back to where it was: the variables of kernel/, drivers/, lib/ and arch/host,
 * and the machine's memory. So that a campaign starts thousands of runs a second from a machine that
 * has booted. What stands in models, and in the variables of tests, is their own to keep.
 *
 * Not covered: memory behind the caches (units whose accesses are not coherent), and CPUs that are in
 * the middle of something.
 */
#ifndef ARCH_HOST_SNAPSHOT_H
#define ARCH_HOST_SNAPSHOT_H

/* Keeps what there is now, in place of what was kept before. */
void host_snapshot_take(void);

/* Puts it back; taken before. What is kept stays. */
void host_snapshot_restore(void);

#endif
