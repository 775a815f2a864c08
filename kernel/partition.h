/* SPDX-License-Identifier: Apache-2.0 */
/* A partition: its memory, its vCPU, the devices it may bind, and its objects. */
#ifndef KERNEL_PARTITION_H
#define KERNEL_PARTITION_H

#include <stdatomic.h>

#include "arch/arch.h"
#include "bulkhead/abi.h"
#include "kernel/device.h"
#include "kernel/events.h"
#include "kernel/ioas.h"
#include "kernel/limits.h"
#include "kernel/set.h"
#include "kernel/vdev/console.h"
#include "lib/page_pool.h"
#include "lib/pagetable.h"
#include "vcpu.h"

struct window_side;

enum partition_state {
    PARTITION_LOADING, /* by boot, or by its CPU for another life */
    PARTITION_RUNNING,
    PARTITION_ENDING,
    PARTITION_OFF,
};

/* What its CPU is to do with it at the next moment that it leaves the guest. */
enum partition_order { ORDER_NONE, ORDER_STOP, ORDER_RESTART };

/* Exit codes that the hypervisor gives. */
#define EXIT_STOPPED 252
#define EXIT_CRASH 254
#define EXIT_REFUSED 253

struct partition {
    const struct set_partition *set;
    const char *name;
    uint32_t index;
    unsigned int cpu;
    /* Its calls and the beginnings of its lives since boot, and the last of them: by its one vCPU (last_calls.h). */
    uint64_t recorded;
    struct bh_call_record record[BH_RECORDS];
    bool messages; /* a device that it lists can raise them */
    bool pinned;   /* a unit failed while it held a device: its memory may still be reached */

    /* Its life; all of it guarded by the lock, which comes just before those of event rings. */
    struct lock life;
    enum partition_state state; /* leaves RUNNING and ENDING by its own CPU alone */
    enum partition_order order; /* of one that runs */
    uint32_t exit_code;         /* of its last life */
    uint32_t cause;             /* BH_END_* of that */
    uint32_t order_cause;       /* what it becomes by the order */
    uint32_t starts;
    uint32_t recoveries; /* starts that the set's answers caused */

    uint64_t physical;     /* where its memory begins */
    uint64_t visible_size; /* what the guest sees; the table pool lies behind */
    struct page_pool pool;
    struct pagetable stage2;
    uint16_t tag;   /* VMID of the CPUs' stage 2 */
    uint64_t entry; /* guest-physical, of the loaded payload */
    struct topology_range
        config; /* guest-physical, of its devices' configuration space; size 0: none */
    struct vcpu vcpu;

    uint32_t device_count;
    struct device *device[PARTITION_DEVICES];
    uint32_t window_count;
    struct window_side *window[PARTITION_WINDOWS];
    uint32_t class_count; /* of the units behind which they stand */
    struct ioas_class unit_class[IOAS_TREES];
    uint8_t class_of[TOPOLOGY_IOMMUS]; /* index of that plus 1; 0: no listed device behind it */
    struct ioas ioas[PARTITION_IOAS];
    struct console console;
    struct event_ring events;
};

struct partitions {
    uint32_t count;
    struct partition partition[PARTITION_LIMIT];
    _Atomic uint32_t running;
    _Atomic bool safe; /* in the safe state: nothing runs any more */
};

extern struct partitions partitions;

/* The partition that may give orders to others, or NULL: the set names none. */
struct partition *partition_manager(void);

/*
 * The pointer to size bytes, one at least, of the partition's own memory at guest-physical address,
 * or NULL where it is not all its own, or not aligned to the power of two given.
 */
void *partition_memory(const struct partition *partition, uint64_t address, uint64_t size,
                       uint64_t alignment);

/* The physical address of a range of the partition's own memory, not empty. False: not all its
 * own. */
bool partition_resolve(const struct partition *partition, uint64_t address, uint64_t size,
                       uint64_t *physical);

/*
 * Gives a filled structure of size bytes to the guest, at an address of its own: as many bytes as it has room for, the
 * structure's size field saying how many. first: bytes of the structure's first version, which is the least room.
 * The guest's size is read once. Returns BH_OK, BH_EFAULT or BH_EINVAL.
 */
int64_t partition_give(const struct partition *partition, uint64_t address, void *structure,
                       uint64_t size, uint64_t first);

/* Makes its pool and its CPUs' stage 2 anew: its memory at its base, no registers. False: the pool
 * is too small. Boot, or its own CPU while it does not run and nothing of it is cached. Work: the pool is
 * zeroed, and one entry for each block of its memory. */
bool partition_build_stage2(struct partition *partition);

/* The partition's interrupt that stands for the device's INTx (0: none): of devices on one line that of the
 * first. */
uint32_t partition_interrupt(const struct partition *partition, const struct device *device);

/* The partition's device with that id, or NULL: not listed for it. */
struct device *partition_device(const struct partition *partition, uint64_t id);

#endif
