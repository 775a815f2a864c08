/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: interrupts that a device raises by writing a number of its own, its vector, to an address, the doorbell.
 * A message unit (on Arm: an ITS) knows the device by the id that its writes carry, and turns {device, vector} into
 * a message of the machine for one CPU. What nobody mapped it drops: a device raises nothing but its own vectors.
 *
 * A unit that misses a deadline is used no more: nothing is mapped there again, and no new message comes from it.
 */
#ifndef DRIVERS_IRQCHIP_MESSAGE_H
#define DRIVERS_IRQCHIP_MESSAGE_H

#include "drivers/topology/topology.h"
#include "lib/lock.h"

#define MESSAGES 1024      /* of the machine, numbered from 0 */
#define MESSAGE_VECTORS 32 /* of one device, at most: a power of two */
#define MESSAGE_DEADLINE_MICROSECONDS 100000

struct message_unit {
    const struct topology_its *topology;
    bool usable;       /* it started, and has not failed since */
    uint64_t doorbell; /* physical */
    uint64_t commands; /* that it was given */

    /* The driver's own. */
    uint64_t base;
    uint64_t type;
    bool coherent;               /* it sees what is stored */
    uint64_t device_limit;       /* it has entries for the devices below this */
    uint64_t *level1;            /* of the table of devices, where that has two levels; else NULL */
    uint64_t page, page_devices; /* of it: bytes, and devices that have their entries there */
    uint64_t target[TOPOLOGY_CPUS];
    struct lock lock; /* guards the queue */
    volatile uint64_t *queue;
    uint64_t produced; /* commands ever put into it */
    uint64_t consumed; /* of these, known to be consumed */
};

/* Boot only, on memory that is mapped: brings up a unit, in whatever state it is, with room for the devices below
 * device_limit, and nothing mapped. False: *reason says why not, and it translates nothing. */
bool message_unit_start(struct message_unit *unit, const struct topology_its *topology,
                        uint64_t device_limit, const char **reason);

/* Boot only: messages can be sent to that CPU from now on. target: as the architecture names it. One command queue's
 * wait, here and below, each with the deadline. */
bool message_unit_add_cpu(struct message_unit *unit, uint32_t cpu, uint64_t target);

/* Boot only: a table for that many vectors of a device, a power of two. False: no memory, out of range, or the unit
 * failed. */
bool message_unit_add_device(struct message_unit *unit, uint32_t device, uint32_t vectors);

/* The device's vector, which leads nowhere, leads to the message at the CPU. Any CPU. False: the unit failed. */
bool message_map(struct message_unit *unit, uint32_t device, uint32_t vector, uint32_t message,
                 uint32_t cpu);

/* It leads nowhere any more, and what had come and the CPU has not taken is gone when this returns. Any CPU. False:
 * the unit failed, now or before; it may still come. */
bool message_unmap(struct message_unit *unit, uint32_t device, uint32_t vector, uint32_t cpu);

#endif
