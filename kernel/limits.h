/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the fixed arrays. A configuration that needs more is refused, with the number that it
 * exceeds. */
#ifndef KERNEL_LIMITS_H
#define KERNEL_LIMITS_H

/* The hypervisor's own memory beyond its image: stream tables, queues, records. */
#define OWN_MEMORY UINT64_C(0x100000)

#define PARTITION_LIMIT 8
#define DEVICE_LIMIT 192
#define PARTITION_DEVICES 16
#define PARTITION_IOAS 16
#define PARTITION_NAME 32
#define BOOTARGS_LIMIT 512
#define SET_SIZE_LIMIT 65536
#define TREE_SIZE_LIMIT 131072

#endif
