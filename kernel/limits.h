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
/* Shared interrupts that a partition sees: what each INTID means. */
#define INTERRUPT_EVENT_RING 32
#define INTERRUPT_CONSOLE 33
#define INTERRUPT_DEVICE(index) (40 + (index)) /* INTx of the device with that index in its list */
#define INTERRUPT_WINDOW(index)                                                                    \
    (56 + (index)) /* doorbell of the window with that index in its list */

#define WINDOW_LIMIT 8
#define PARTITION_WINDOWS 8
#define WINDOW_MAPS 16 /* most maps of one window that the devices of one side may have */

#define SET_SIZE_LIMIT 65536
#define TREE_SIZE_LIMIT 131072

#endif
