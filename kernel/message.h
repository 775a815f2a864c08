/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of assigned devices (I12): who gets them, and how they stop. Each vector of a device is a message of the
 * machine from boot on, and leads to an interrupt of the partition that has bound the device, when that asks for it.
 *
 * A device reaches the doorbell by a page of its ioas, at the same IOVA in each: it is there while a device is
 * attached that has a vector bound (kernel/ioas_doorbell.c).
 */
#ifndef KERNEL_MESSAGE_H
#define KERNEL_MESSAGE_H

#include "drivers/irqchip/message.h"

struct device;
struct partition;

struct messages {
    uint32_t unit_count;
    struct message_unit unit[TOPOLOGY_ITS];
    uint32_t count; /* that are vectors of a device */
};

extern struct messages messages;

/* Boot, once the devices are known and the CPUs run: brings up the units and gives each device its messages. What has
 * none says `interrupts: none`, or has INTx. Work: the square of the devices. */
void messages_start(const struct topology *topology, unsigned int cpu_count);

/* How many vectors of the device its owner can bind now, and the IOVA of the doorbell; 0: none. */
uint32_t message_vectors(const struct device *device);
uint64_t message_doorbell(const struct device *device);

/*
 * Has the vector of the device, which the partition has bound and whose group's lock is held, lead to the
 * partition's interrupt; interrupt 0: nowhere any more. iova: 0, or the doorbell's. BH_* codes; abi.h has them with
 * their causes. Work: two commands of the unit; with a device's first vector the doorbell's page, and with its last
 * that and a SYNC.
 */
int64_t message_bind(struct partition *partition, struct device *device, uint64_t vector,
                     uint64_t interrupt, uint64_t iova);

/* None of the device's vectors leads anywhere any more, and what had come is gone. Group lock held, on the CPU of
 * the partition that has it bound. Work: as many unbinds. */
void message_unbind_all(struct partition *partition, struct device *device);

#endif
