/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Bulkhead hypercall ABI: the only header that guests share with the hypervisor.
 *
 * Transport, arm64: HVC #0 with a function id of the SMC Calling Convention (DEN 0028), vendor
 * hypervisor service, 64-bit form. Function id in x0, arguments in x1 to x5; x0 returns BH_OK, a
 * value that is not negative, or one of the errors below; x1 to x3 return what the call documents.
 * All other registers are preserved. The header is plain C and assembler-safe for constants.
 *
 * From AArch32 the function ids are those of the 32-bit form, and r0 to r5 stand for x0 to x5:
 * arguments are zero-extended, x0 fits with its sign, other results are cut to 32 bits (none that a
 * call documents is longer, since no argument is). Neither width has the other's ids.
 *
 * Structures live in the partition's own memory, Normal write-back, 8-byte aligned, and are named by
 * guest-physical address. Each begins with its size in bytes as the caller knows it: the hypervisor
 * fills at most that many and writes back how many it filled. A size smaller than the first version
 * of the structure is EINVAL.
 *
 * Every call has a bound on its work. Where a call can do more than its bound in one go, it does a
 * part, returns BH_EAGAIN and says in x1 how much is done; the caller goes on from there.
 */
#ifndef BULKHEAD_ABI_H
#define BULKHEAD_ABI_H

/* Version of this document: major differs where a caller must change. */
#define BH_ABI_MAJOR 0
#define BH_ABI_MINOR 4

/* ---- Function ids (SMC Calling Convention: fast call, SMC64, owner 6) ----------------------- */
#define BH_FUNCTION_BASE 0xC6000000
/* The same calls from AArch32: fast call, SMC32, owner 6. */
#define BH_FUNCTION_BASE_32 0x86000000

/* Discovery by any SMCCC caller, 32-bit ids fixed by the convention. */
#define BH_SMCCC_CALL_COUNT 0x8600FF00
#define BH_SMCCC_UID 0x8600FF01
#define BH_SMCCC_REVISION 0x8600FF03

/* The UID that BH_SMCCC_UID returns in w0 to w3. */
#define BH_UID_0 0x7A21E0B4
#define BH_UID_1 0x4D5B9C36
#define BH_UID_2 0x1E8F62A9
#define BH_UID_3 0xC30D7758

#define BH_CALL_VERSION 0
#define BH_CALL_FEATURES 1
#define BH_CALL_PARTITION_INFO 2
#define BH_CALL_DEVICE_INFO 3
#define BH_CALL_DEVICE_BIND 4
#define BH_CALL_DEVICE_UNBIND 5
#define BH_CALL_IOAS_ALLOC_PAGING 6
#define BH_CALL_IOAS_FREE 7
#define BH_CALL_IOAS_MAP 8
#define BH_CALL_IOAS_UNMAP 9
#define BH_CALL_ATTACH 10
#define BH_CALL_DETACH 11
#define BH_CALL_QUERY 12
#define BH_CALL_CONSOLE_WRITE 13
#define BH_CALL_POWER 14
#define BH_CALL_EVENT_RING 15
#define BH_CALL_CONSOLE_READ 16
#define BH_CALL_IOAS_RANGES 17
#define BH_CALL_IOAS_RESERVE 18
#define BH_CALL_IOAS_COPY 19
#define BH_CALL_IOAS_REMAP 20
#define BH_CALL_IOAS_UNMAP_ALL 21
#define BH_CALL_IOAS_MAP_BATCH 22
#define BH_CALL_IOAS_UNMAP_BATCH 23
#define BH_CALL_REPLACE 24
#define BH_CALL_DEVICE_RESET 25
#define BH_CALL_NOTIFY 26
#define BH_CALL_YIELD 27
#define BH_CALL_DEVICE_CONFIG_READ 28
#define BH_CALL_DEVICE_CONFIG_WRITE 29
#define BH_CALL_MSI_BIND 30
#define BH_CALL_PARTITION_CONTROL 31
#define BH_CALL_DEVICE_GIVE 32
#define BH_CALL_LIMIT 33 /* one more than the last call number */

/* ---- Errors: few, negative, the same on every architecture ---------------------------------- */
#define BH_OK 0
#define BH_NOT_SUPPORTED (-1) /* no such call; the value that the SMC Calling Convention asks for */
#define BH_ENOENT (-2)        /* no such id, or a device that is not listed for the caller */
#define BH_EPERM (-3)         /* listed, but owned by another or not bound by the caller */
#define BH_EBUSY (-4)         /* in use in a way that excludes this call */
#define BH_EINVAL (-5)        /* a malformed argument */
#define BH_EEXIST (-6)        /* something is there already */
#define BH_ERANGE (-7)     /* outside the aperture, the reserved ranges, or the caller's memory */
#define BH_ENOSPC (-8)     /* a fixed pool is full */
#define BH_EOPNOTSUPP (-9) /* the hardware or the board's policy cannot */
#define BH_EAGAIN (-10)    /* not finished: call again as the call's text says */
#define BH_ETIMEDOUT (-11) /* hardware missed its deadline; the unit has been silenced */
#define BH_EFAULT (-12)    /* a guest pointer that is not the caller's memory, or misaligned */

/* ---- Constants of arguments ----------------------------------------------------------------- */
#define BH_PASID_NONE 0xFFFFFFFF /* attach without a PASID */
#define BH_IOAS_NONE 0           /* no parent; never a valid id */

#define BH_MAP_READ 1  /* the device may read */
#define BH_MAP_WRITE 2 /* the device may write */

/* Most leaves that one map call writes, and most steps of one unmap call: a step clears a leaf, drops
 * a table of pages, or skips a hole. */
#define BH_MAP_ENTRIES_PER_CALL 512

#define BH_BATCH 512      /* most elements of one map_batch or unmap_batch */
#define BH_RANGES 16      /* of one ioas, at most */
#define BH_RESERVATIONS 8 /* of one ioas, at most */

/* Where the doorbells of messages appear in the ioas of a partition that lists a device with messages. Nothing else can
 * be mapped there. */
#define BH_DOORBELLS 0x08000000
#define BH_DOORBELLS_BYTES 0x100000
#define BH_MESSAGE_VECTORS 32 /* of one device, at most */
#define BH_MESSAGE_FIRST 64   /* INTIDs that messages can be, ... */
#define BH_MESSAGE_LAST 95    /* ... this one too */

#define BH_CONSOLE_BYTES_PER_CALL 256
#define BH_CONSOLE_INPUT_BYTES 256 /* of input that wait; more are dropped */

#define BH_POWER_OFF 0   /* power(action, code): end this partition with an exit code, 0 to 255 */
#define BH_POWER_RESET 1 /* start this partition afresh */

/* partition_control(partition, action) */
#define BH_PARTITION_STOP 0
#define BH_PARTITION_START 1
#define BH_PARTITION_RESTART 2

#define BH_QUERY_STATE 0      /* query(what, structure, device): struct bh_query_state */
#define BH_QUERY_FAULT 1      /* struct bh_query_fault: the last fault of the named device */
#define BH_QUERY_POOL 2       /* struct bh_query_pool */
#define BH_QUERY_HEALTH 3     /* struct bh_query_health */
#define BH_QUERY_ATTACHMENT 4 /* struct bh_query_attachment; takes an index among the attachments */
#define BH_QUERY_COUNTERS 5   /* struct bh_query_counters */
#define BH_QUERY_DIGEST 6     /* struct bh_query_digest */
#define BH_QUERY_WINDOW 7     /* struct bh_query_window; the third argument is the window's index */

#define BH_QUERY_PARTITION 8 /* struct bh_query_partition; the third argument is its index */
#define BH_QUERY_CALLS 9     /* struct bh_query_calls; the third argument is a partition's index */

#define BH_PARTITION_SELF 0xFFFFFFFF /* to BH_QUERY_CALLS: the caller itself */

#define BH_RECORDS 32             /* of one partition */
#define BH_RECORD_LIFE 0xFFFFFFFF /* call of a record that no call left: a life begins */
#define BH_RECORD_OPEN (-1024)    /* result of a call that has not returned, or never will */

/* State of a partition. */
#define BH_PARTITION_OFF 0
#define BH_PARTITION_RUNNING 1
#define BH_PARTITION_CHANGING 2 /* it is ending, or being loaded */

/* Why its last life ended. */
#define BH_END_NONE 0    /* none has ended yet */
#define BH_END_SELF 1    /* power, or PSCI */
#define BH_END_CRASH 2   /* it did what ends a partition */
#define BH_END_MANAGER 3 /* partition_control */
#define BH_END_LOAD 4    /* it could not be loaded again */
#define BH_END_STORM 5   /* a device of it stormed, and the set answers with that */
#define BH_END_UNIT 6 /* a unit in front of a device of it failed, and the set answers with that */
#define BH_END_SAFE_STATE                                                                          \
    7 /* all partitions were stopped, because the set says so for one of them */

/* Owner of a device's group, as the caller may know it. */
#define BH_OWNER_NONE 0
#define BH_OWNER_HYPERVISOR 1
#define BH_OWNER_SELF 2
#define BH_OWNER_OTHER 3

/* Cause of a fault. */
#define BH_CAUSE_NONE 0
#define BH_CAUSE_TRANSLATION 1  /* nothing is mapped there */
#define BH_CAUSE_PERMISSION 2   /* mapped, but not for this access */
#define BH_CAUSE_ADDRESS_SIZE 3 /* the address lies outside what the tables can name */
#define BH_CAUSE_ACCESS_FLAG 4
#define BH_CAUSE_STREAM 5 /* the stream has no usable table entry */
#define BH_CAUSE_TABLE 6  /* the unit could not read a table */
#define BH_CAUSE_OTHER 7

#define BH_ACCESS_READ 0
#define BH_ACCESS_WRITE 1

/* Type of an event. */
#define BH_EVENT_FAULT 1 /* an access of a device was blocked */
#define BH_EVENT_SILENT                                                                            \
    2 /* a device stormed: what it does is still blocked, and not told any more */
#define BH_EVENT_SILENCED 3 /* a unit failed: nothing passes it until the next boot */
#define BH_EVENT_LOST 4     /* a unit's own queue was full: faults behind it were not recorded */

#define BH_EVENT_WINDOW 5       /* a window was connected or withdrawn */
#define BH_EVENT_DEVICE_TAKEN 6 /* the manager took a device from the caller: parked, and unbound */
#define BH_EVENT_DEVICE_GIVEN                                                                      \
    7                        /* the manager gave it one: it may bind it now, and nobody else may */
#define BH_EVENT_PARTITION 8 /* to the manager: a partition runs, or is off */
#define BH_EVENT_DEVICE_REMOVED 10 /* a device was pulled out: it is parked, and unbound */
#define BH_EVENT_DEVICE_ADDED 11   /* it is there again, parked: the caller may bind it */

/* State of a window. */
#define BH_WINDOW_WITHDRAWN 0 /* the other side does not live */
#define BH_WINDOW_CONNECTED 1

/* Rights: bits of bh_query_window.rights. */
#define BH_WINDOW_WRITE 1        /* the caller may write, else it reads */
#define BH_WINDOW_OTHER_WRITES 2 /* the other side may write */
#define BH_WINDOW_DMA 4          /* devices may reach it */

#define BH_EVENT_RING_BYTES 4096
#define BH_EVENT_RING_MAGIC 0x52564542 /* "BEVR" */
#define BH_EVENT_RING_VERSION 1
#define BH_EVENT_RECORDS 63 /* slots of a ring; one of them is always free */
#define BH_EVENT_RATE 32    /* faults of one device that one second puts into a ring */

/* Why devices share a group: bits of bh_device_info.group_reasons. */
#define BH_GROUP_ALIAS 1             /* they share a requester id behind a bridge */
#define BH_GROUP_MULTIFUNCTION 2     /* functions of one device without ACS between them */
#define BH_GROUP_NO_ACS 4            /* a port on their path does not isolate */
#define BH_GROUP_ROOT_COMPLEX 8      /* the board does not vouch for the root complex above them */
#define BH_GROUP_REGISTERS 16        /* registers of theirs stand on one page */
#define BH_GROUP_VIRTUAL_FUNCTION 32 /* virtual functions of one device, for which nobody vouches */

/* Capabilities of a device: bits of bh_device_info.capabilities. */
#define BH_DEVICE_DMA 1     /* masters memory behind an IOMMU: attach is possible */
#define BH_DEVICE_NESTING 2 /* a nested ioas could be attached (none in this version) */
#define BH_DEVICE_FLR 4     /* function-level reset */

#define BH_INTERRUPTS_NONE 0     /* values of bh_device_info.interrupts */
#define BH_INTERRUPTS_LINE 1     /* one level-triggered interrupt, while the device is bound */
#define BH_INTERRUPTS_MESSAGES 2 /* no such line, but messages: msi_bind */

#define BH_BAR_COUNT 6

/* Bytes of the first version (0.1) of the structures that have grown since. */
#define BH_PARTITION_INFO_FIRST_BYTES 88
#define BH_DEVICE_INFO_FIRST_BYTES 200
#define BH_IOAS_COPY_FIRST_BYTES 48
#define BH_QUERY_DIGEST_FIRST_BYTES 40

#ifndef __ASSEMBLER__
#include <stdint.h>

struct bh_partition_info {
    uint64_t size;
    uint32_t device_count;    /* device_info takes indices below this */
    uint32_t processor_count; /* vCPUs */
    uint64_t memory_base;     /* guest-physical */
    uint64_t memory_size;     /* bytes, what remains after the table pool */
    uint64_t pool_pages_free; /* 4 KiB table pages left */
    uint64_t pool_pages_total;
    uint64_t ioas_limit;        /* most I/O address spaces at a time */
    char name[32];              /* zero-terminated */
    uint32_t event_interrupt;   /* virtual interrupt of the event ring */
    uint32_t console_interrupt; /* and of console input; 0: none */
};

struct bh_bar {
    uint64_t address; /* guest-physical address while bound; 0: not implemented */
    uint64_t bytes;
};

struct bh_device_info {
    uint64_t size;
    uint32_t device;        /* the id that the other calls take */
    uint32_t group;         /* number of the group, from topology */
    uint32_t group_reasons; /* BH_GROUP_*; 0: alone in its group */
    uint32_t group_members;
    uint32_t iommu;         /* index of the IOMMU instance; 0xFFFFFFFF: none */
    uint32_t capabilities;  /* BH_DEVICE_* */
    uint32_t interrupts;    /* BH_INTERRUPTS_* */
    uint32_t pasid_bits;    /* 0: no PASID */
    uint32_t vendor_device; /* PCI vendor id in the low half, device id in the high one */
    uint32_t class_revision;
    uint64_t aperture_first; /* lowest and highest IOVA that can be mapped for it */
    uint64_t aperture_last;
    uint64_t page_sizes; /* bit n: leaves of 2^n bytes */
    struct bh_bar bar[BH_BAR_COUNT];
    char name[32]; /* PCI address, or node path (end of it) */
    uint32_t
        interrupt; /* INTID of its INTx in the partition's GIC, level-triggered; 0: none. Devices on one
                         * line have the same. */
    uint32_t messages; /* vectors that msi_bind takes, from 0 on; 0: it raises no messages */
    uint64_t doorbell; /* IOVA that they are written to; 0: it raises no messages */
};

struct bh_range {
    uint64_t first;
    uint64_t last; /* it belongs to the range */
};

struct bh_ioas_ranges {
    uint64_t size;
    uint32_t count; /* of those that follow, in ascending order */
    uint32_t reserved;
    struct bh_range range[BH_RANGES];
};

struct bh_query_state {
    uint64_t size;
    uint32_t owner;         /* BH_OWNER_* of the device's group */
    uint32_t bound;         /* this device is bound by the caller */
    uint32_t ioas;          /* ioas attached without a PASID, or 0 */
    uint32_t stream_silent; /* its faults are no longer reported */
    uint64_t label;         /* given at bind */
    uint64_t generation;    /* counts every change of the device's attachment */
};

struct bh_query_fault {
    uint64_t size;
    uint64_t count; /* faults of this device since boot */
    uint64_t lost;  /* faults of its unit that could not be recorded */
    uint64_t label;
    uint64_t iova;   /* of the last one */
    uint32_t cause;  /* BH_CAUSE_* */
    uint32_t access; /* BH_ACCESS_* */
    uint32_t pasid;
    uint32_t reserved;
};

struct bh_query_pool {
    uint64_t size;
    uint64_t pages_free;
    uint64_t pages_total;
    uint64_t ioas_used;
    uint64_t ioas_total;
};

struct bh_query_attachment {
    uint64_t size;
    uint32_t device;     /* id */
    uint32_t pasid;      /* BH_PASID_NONE */
    uint32_t ioas;       /* id */
    uint32_t iommu;      /* index of the unit, as in bh_device_info */
    uint64_t label;      /* given at bind */
    uint64_t generation; /* counts every change of the device's attachment */
};

/* What the hypervisor counts for the caller, since boot; lives of the partition make no difference. */
struct bh_query_health {
    uint64_t size;
    uint64_t faults;      /* of devices while the caller had bound them */
    uint64_t events_lost; /* events that one of its rings did not take */
    uint64_t
        overflows; /* times that a unit lost faults while the caller had bound a device behind it */
    uint64_t illegal_commands; /* that units in front of its listed devices refused */
    uint64_t console_dropped;  /* lines of its console that the serial port was too slow for */
    uint32_t units_silenced;   /* units in front of its listed devices that failed */
    uint32_t devices_silent;   /* devices of its groups whose faults are not told any more */
    uint32_t pinned;           /* 1: a unit failed while it may have reached the caller's memory */
    uint32_t input_dropped;    /* bytes typed to it while BH_CONSOLE_INPUT_BYTES waited already */
};

/* What the caller's calls cost, since boot: read it before and after what is to be measured. */
struct bh_query_counters {
    uint64_t size;
    uint64_t calls; /* of the caller, this one too */
    uint64_t
        commands;   /* to units that no other partition has devices behind, without their SYNCs */
    uint64_t syncs; /* to the same */
    uint32_t units; /* how many these are */
    uint32_t
        locks; /* times that the locks of its ioas and of its table pool were taken, modulo 2^32 */
};

/* What runs here: equal digests are equal contents. */
struct bh_query_digest {
    uint64_t size;
    uint8_t set[32];   /* SHA-256 of the partition set, as the log of the boot has it */
    uint8_t image[32]; /* and of the hypervisor's own text and constants, as `make digest` has it */
};

/*
 * A window: memory that the caller shares with one other partition, because the set says so. While both live it is
 * connected, and each side sees what the other writes. While the other side does not live it is withdrawn, and
 * the caller has at the same addresses memory of its own: zeroed when the window is withdrawn, and gone when it
 * is connected again. The shared memory is zeroed before it is connected.
 */
struct bh_query_window {
    uint64_t size;
    uint64_t address; /* guest-physical */
    uint64_t bytes;
    uint64_t
        changes; /* how often it was connected or withdrawn: the same twice, the same life in between */
    uint32_t rights; /* BH_WINDOW_* */
    uint32_t state;  /* BH_WINDOW_WITHDRAWN or BH_WINDOW_CONNECTED */
    uint32_t
        interrupt; /* INTID by which the other side rings, an edge; also rung by every change of the state */
    uint32_t
        maps_used; /* maps that the caller's devices have of it now, and may have; one a call of map */
    uint32_t maps_total;
    uint32_t reserved;
    char name[32];  /* of the window's node */
    char other[32]; /* of the other side */
};

/* A partition, as its manager sees it. */
struct bh_query_partition {
    uint64_t size;
    uint32_t state;     /* BH_PARTITION_OFF, _RUNNING or _CHANGING */
    uint32_t exit_code; /* of its last life; 0: none has ended */
    uint32_t starts;    /* how often it began to run */
    uint32_t cause;     /* why its last life ended: BH_END_* */
    char name[32];      /* zero-terminated */
};

/* What is left of a call. */
struct bh_call_record {
    uint64_t call;        /* number; BH_RECORD_LIFE: here a life of the partition begins, ... */
    uint64_t argument[2]; /* x1 and x2; ... this one, and why the one before ended: BH_END_* */
    int64_t result;       /* x0, or BH_RECORD_OPEN; ... the exit code of the one before */
};

/* The last calls of a partition, of former lives too. */
struct bh_query_calls {
    uint64_t size;
    uint64_t
        recorded; /* since boot, lives among them: the number of the newest record, from 1 on */
    struct bh_call_record record[BH_RECORDS]; /* the newest first; behind the oldest: zeros */
};

/* Read by the hypervisor, once. */
struct bh_ioas_copy {
    uint64_t size; /* bytes; beyond those of this version there are only zeros, or it is EINVAL */
    uint32_t from; /* ids; the same is allowed */
    uint32_t to;
    uint64_t from_iova;
    uint64_t to_iova;
    uint64_t bytes;
    uint64_t flags; /* BH_MAP_*, of the new mapping */
};

/* Elements of batches, read by the hypervisor: arguments as those of the single calls. */
struct bh_map {
    uint64_t iova;
    uint64_t address;
    uint64_t size;
    uint64_t flags;
};

struct bh_unmap {
    uint64_t iova;
    uint64_t size;
};

/*
 * The event ring: one page of the caller's memory. The hypervisor writes all of it but `consumer`, and
 * reads `consumer` alone.
 *
 * A reader takes the records from slot `consumer` up to, not including, slot `producer`; slot 0
 * follows on the last one. It then stores where it got to in `consumer`, makes that visible
 * (DMB ISH), and looks at `producer` once more: what it sees there it takes, too. It reads a record
 * behind its read of `producer` (load-acquire, or DMB ISHLD between).
 *
 * The interrupt comes when a record was added and the reader had taken all before it: a reader that
 * does as above misses none. It is an edge; nothing is to be acknowledged but the interrupt itself.
 *
 * Every event has a number, one more than the one before. An event that the ring did not take (it
 * was full, or its device had BH_EVENT_RATE events within the second) counts in `lost`, and its
 * number is missing among the records. `sequence` is always records written + `lost`; both are as
 * they were when the last record was added, or later.
 *
 * A `consumer` that names no slot is a ring that is full.
 */

struct bh_event {
    uint64_t sequence; /* from 0 at the start of the ring */
    uint64_t time;     /* system counter (CNTPCT_EL0) when the hypervisor learned of it */
    uint32_t type;     /* BH_EVENT_* */
    uint32_t device;   /* id; 0: the event is about a unit */
    uint64_t label;    /* of the device, given at bind */
    uint64_t iova;     /* of a fault */
    uint32_t pasid;    /* of a fault; BH_PASID_NONE: none */
    uint32_t access;   /* of a fault, BH_ACCESS_* */
    uint32_t cause;    /* of a fault, BH_CAUSE_* */
    uint32_t iommu;    /* index of the unit, as in bh_device_info */
    uint64_t cookie;   /* 0: no answer is waited for */
};

struct bh_event_ring {
    uint32_t magic; /* BH_EVENT_RING_MAGIC */
    uint32_t version;
    uint64_t producer;  /* slot that the next record goes to */
    uint64_t consumer;  /* slot that the reader takes next; written by the reader alone */
    uint64_t lost;      /* events that this ring did not take */
    uint64_t sequence;  /* number of the next event */
    uint64_t overflows; /* times that a unit in front of the caller's devices lost faults */
    uint64_t reserved[2];
    struct bh_event record[BH_EVENT_RECORDS];
};

/*
 * The calls. Arguments are named in the order x1, x2, ...; "returns" beyond x0 in x1, x2, .... Each text
 * names every error that the call has. docs/abi.md has a page for each, which says the same and the
 * bound on the call's work; tests/contract compares the two.
 *
 * VERSION ()                         returns x0 = major << 16 | minor.
 * FEATURES (call)                    BH_OK: the call of that number exists here; else BH_NOT_SUPPORTED.
 * PARTITION_INFO (structure)         fills struct bh_partition_info. EFAULT, EINVAL.
 * DEVICE_INFO (index, structure)     fills struct bh_device_info. ENOENT: index not below
 *                                    device_count. EFAULT, EINVAL.
 * DEVICE_BIND (device, label)        takes the group of the device for the caller (or one more
 *                                    device of a group it owns), resets the device, then maps its
 *                                    registers into the partition. label comes back in faults.
 *                                    EAGAIN: the reset is under way; call again with the same
 *                                    arguments, x1 = nanoseconds after which that is useful.
 *                                    ENOENT: not listed, or gone: event 11 tells when it is back.
 *                                    EPERM: the group has another owner. EBUSY: bound by the caller
 *                                    already. EEXIST: the label is in use by the caller. EOPNOTSUPP:
 *                                    no way to reset it or to isolate it. ENOSPC: no table pages for
 *                                    its registers.
 *                                    ETIMEDOUT: it did not come back from its reset, or its unit
 *                                    has been silenced; the bind is given up.
 * DEVICE_UNBIND (device)             withdraws the registers and the interrupt, parks the device, gives
 *                                    the group back when it was the caller's last device of it. EPERM: not bound by
 *                                    the caller. EBUSY: still attached. ENOENT. A bind whose reset
 *                                    is under way is given up by it.
 *                                    ETIMEDOUT: the unit missed a deadline and was silenced, or the
 *                                    interrupt controller missed one and nobody gets the device
 *                                    any more; the device is unbound all the same.
 * IOAS_ALLOC_PAGING (device, parent) an empty I/O address space with the geometry of the IOMMU
 *                                    instance of the device, which the caller must have bound.
 *                                    parent: BH_IOAS_NONE (others: EOPNOTSUPP). x0 = id, positive.
 *                                    ENOENT, EPERM, EOPNOTSUPP (no DMA), ENOSPC (ids, pages).
 * IOAS_FREE (ioas)                   ENOENT: no such id or an old generation. EBUSY: attached, or
 *                                    mappings remain: detach and unmap first.
 *                                    ETIMEDOUT: the unit was silenced; the id stays taken.
 * IOAS_MAP (ioas, iova, address, size, flags)
 *                                    maps the caller's guest-physical [address, +size) at iova, with
 *                                    the largest leaves that alignment allows. All multiples of
 *                                    4096. flags: BH_MAP_READ | BH_MAP_WRITE, at least one.
 *                                    x1 = bytes mapped. EAGAIN: the call's bound was reached, go on
 *                                    behind x1. EEXIST: something is mapped in the part that this
 *                                    call would have done; nothing was changed by it. ERANGE:
 *                                    outside the aperture, a reserved range, own memory or a window
 *                                    that is connected and that devices may reach. EPERM: write, of a
 *                                    window that the caller may only read. EINVAL:
 *                                    zero, misaligned or wrapping range, unknown flags. ENOSPC: no
 *                                    table pages, or no map of the window is left; nothing was
 *                                    changed. ENOENT. ETIMEDOUT: there were
 *                                    none, and a unit was silenced that had to forget a part of it.
 * IOAS_UNMAP (ioas, iova, size)      removes every mapping inside [iova, +size), invalidates and
 *                                    waits. Holes are skipped. x1 = bytes of the range dealt with,
 *                                    x2 = bytes that were mapped there. EAGAIN as in map. EINVAL: a
 *                                    mapping is cut by the range (nothing is split), what one call
 *                                    mapped of a window would be left in two pieces, or the range is
 *                                    malformed. ERANGE, ENOENT. ETIMEDOUT: the unit was silenced; the
 *                                    memory stays pinned.
 * IOAS_COPY (structure)              maps what struct bh_ioas_copy names of one ioas, as far as it is own
 *                                    memory, also in another or at another place. x1 = bytes. EAGAIN: a
 *                                    part is done, go on behind x1; an error is of the first byte, and
 *                                    nothing was changed. ENOENT: no such ioas, or nothing is mapped
 *                                    at the source. EEXIST, ENOSPC, ETIMEDOUT as in map. ERANGE: outside an
 *                                    aperture, or memory that is not all the caller's own. EINVAL:
 *                                    ranges or flags as in map, the size of the structure, or something
 *                                    behind what this version knows of it. EFAULT.
 * IOAS_REMAP (ioas, iova, address, size, flags)
 *                                    leads what is mapped in [iova, +size) to [address, +size) of own
 *                                    memory, or gives it other flags. Leaves keep their sizes. Whatever
 *                                    accesses them meanwhile finds the old, nothing, or the new. x1 = bytes,
 *                                    x2 = 1: and never nothing, since only flags were changed. EAGAIN
 *                                    as in map. ENOENT: no such ioas, or a part is not mapped. EINVAL: a
 *                                    leaf is cut by the range, or too large for the new address, or as in
 *                                    map. ERANGE as in map. After these nothing has changed. ETIMEDOUT: the
 *                                    unit was silenced; the memory stays pinned.
 * IOAS_UNMAP_ALL (ioas, cursor, upper)
 *                                    removes every mapping from the cursor on; begin with 0. x1 = where to
 *                                    go on with EAGAIN, else 0; x2 = bytes that were mapped; x3 = bits 63:32
 *                                    of x1. upper is these of the cursor: from AArch32 x3 of the call
 *                                    before; from AArch64 that or 0, it is OR-ed. EINVAL: a
 *                                    cursor that is no multiple of 4096 or cuts a mapping. ERANGE: above
 *                                    the aperture. ENOENT. ETIMEDOUT as in unmap.
 * IOAS_MAP_BATCH (ioas, address, count)
 *                                    maps the elements of an array of struct bh_map in order, at most
 *                                    BH_BATCH, with the bound of one map for all together. x1 = elements done
 *                                    whole, x2 = bytes of the next one that are done, too. EAGAIN: not all;
 *                                    go on behind them. An error is that of the first element, as in map,
 *                                    and nothing was changed: EINVAL, ERANGE, EEXIST, ENOSPC, ETIMEDOUT.
 *                                    ENOENT. EINVAL: count. EFAULT.
 * IOAS_UNMAP_BATCH (ioas, address, count)
 *                                    the same with struct bh_unmap, and one SYNC a unit. x1 = elements done
 *                                    whole, x2 = bytes of the next one that are done, too, x3 = bytes that
 *                                    were mapped. EAGAIN as in the batch of maps. EINVAL, ERANGE, ENOENT,
 *                                    ETIMEDOUT as in unmap. EFAULT.
 * ATTACH (device, pasid, ioas)       the device's transactions go through the ioas from now on.
 *                                    pasid: BH_PASID_NONE (others: EOPNOTSUPP; 0: EINVAL).
 *                                    EBUSY: attached already, or a sibling on the same stream is
 *                                    attached elsewhere, or its reset is under way. EPERM: not bound.
 *                                    ENOENT. EOPNOTSUPP: a device without DMA. ERANGE: its unit does
 *                                    not reach all that is mapped, or all of a reserved range, or registers
 *                                    of its group answer there. ENOSPC: its unit has no tag, or there
 *                                    would be more than BH_RANGES ranges.
 *                                    ETIMEDOUT: unit silenced, device parked.
 * DETACH (device, pasid)             the device is parked when the call returns. ENOENT: not
 *                                    attached or not listed. EPERM, EINVAL, EOPNOTSUPP as above.
 *                                    ETIMEDOUT: unit silenced; the device is detached all the same.
 * DEVICE_RESET (device)              resets the device; it is parked meanwhile, keeps its registers and
 *                                    its interrupt, and is attached as before when the call is through.
 *                                    EAGAIN: the reset is under way; call again, x1 = nanoseconds after
 *                                    which that is useful. ENOENT: not listed. EPERM: not bound by
 *                                    the caller. EOPNOTSUPP: it is no PCI function. ETIMEDOUT: it did not
 *                                    come back from its reset, or the unit was silenced; it is detached.
 * DEVICE_CONFIG_READ (device, offset, width)
 *                                    x1 = the 1, 2 or 4 bytes (width) at offset of the configuration
 *                                    space of a function, as docs/guests.md has it. EINVAL: another
 *                                    width, an offset that is no multiple of it or not below 4096.
 *                                    ENOENT: not listed. EPERM: not bound by the caller. EOPNOTSUPP:
 *                                    it is no PCI function. EBUSY: its reset is under way.
 * DEVICE_CONFIG_WRITE (device, offset, width, value)
 *                                    writes value there. What is not the owner's to change stays as it
 *                                    is, and the call is BH_OK all the same: read it back. EINVAL: as
 *                                    above, or value has more bytes. ENOENT, EPERM, EOPNOTSUPP, EBUSY
 *                                    as above.
 * YIELD ()                           interrupts that wait for this CPU, the hypervisor's and the
 *                                    caller's own, are taken before the caller goes on.
 * QUERY (what, structure, device)    EINVAL: unknown what. ENOENT: device not listed. EFAULT.
 *                                    BH_QUERY_POOL, BH_QUERY_HEALTH, BH_QUERY_COUNTERS and
 *                                    BH_QUERY_DIGEST take no device. BH_QUERY_ATTACHMENT takes an index below the number of
 *                                    the caller's attached devices instead; ENOENT: not below.
 *                                    BH_QUERY_PARTITION and BH_QUERY_CALLS take the index of a partition in
 *                                    the set; EPERM: the caller is not the manager. ENOENT: no such one.
 *                                    BH_QUERY_CALLS also takes BH_PARTITION_SELF, from anybody.
 * CONSOLE_WRITE (address, length)    bytes of own memory to the console, at most
 *                                    BH_CONSOLE_BYTES_PER_CALL; x1 = bytes taken. EFAULT, EINVAL.
 * EVENT_RING (address)               makes a page of own memory the caller's event ring (struct
 *                                    bh_event_ring): writes its header, and from then on what
 *                                    happens to the caller's devices. 0: withdraws it; nothing is
 *                                    written there any more when the call returns. It ends with the
 *                                    partition, too, and with its reset. EFAULT: not all own memory,
 *                                    or not aligned to its size. EEXIST: there is a ring already.
 *                                    ENOENT: there is none to withdraw.
 * CONSOLE_READ (address, length)     what was typed to the caller into own memory; length: 1 to
 *                                    BH_CONSOLE_BYTES_PER_CALL. x1 = bytes taken, 0: none waits.
 *                                    The interrupt console_interrupt comes as an edge when input
 *                                    comes and none waited before. EFAULT, EINVAL.
 * REPLACE (device, pasid, ioas)      the device, which is attached, is moved to the ioas: each of its
 *                                    transactions goes through the old one or the new one, and none
 *                                    through the old one when the call returns. x1 = 1: that was so
 *                                    all the time; 0: some were blocked on the way. ENOENT: as
 *                                    attach, or not attached. EPERM, EINVAL, EOPNOTSUPP, ERANGE,
 *                                    ENOSPC: as attach. EBUSY: a sibling on the same stream is
 *                                    attached, or its reset is under way. EAGAIN: another device of
 *                                    its unit is being moved. After these nothing has changed.
 *                                    ETIMEDOUT: unit silenced, device parked.
 * IOAS_RANGES (ioas, structure)      fills struct bh_ioas_ranges: the IOVAs that can be mapped. Exact from
 *                                    the start; only an attach of the caller takes some away (those
 *                                    beyond the input of the device's unit, and those where registers
 *                                    of its group answer short of it), and only a detach gives
 *                                    them back. ENOENT. EFAULT, EINVAL.
 * IOAS_RESERVE (ioas, iova, size)    [iova, +size) is to stay among the ranges: an attach that would take
 *                                    a part of it away is ERANGE. Multiples of 4096. iova 0, size 0:
 *                                    drops all reservations. EINVAL: zero, misaligned or wrapping
 *                                    range. ERANGE: not within the ranges. ENOSPC: there are
 *                                    BH_RESERVATIONS already. ENOENT.
 * NOTIFY (window)                    the other side of the caller's window with that index (from 0) gets
 *                                    the interrupt of the window, an edge; rings that it has not
 *                                    taken yet are one. ENOENT: no such window. EAGAIN: the other
 *                                    side does not run, nothing happened; the caller's own interrupt
 *                                    of the window comes when it lives.
 * PARTITION_CONTROL (partition, action)
 *                                    for the manager, which the set names: has the partition of that index
 *                                    in the set stop, start or, also where it is off, restart. It is done
 *                                    by the partition's own CPU, after the call: event 8 tells, and
 *                                    BH_QUERY_PARTITION. A start loads it anew, as at boot. EPERM: the
 *                                    caller is not the manager. EINVAL: unknown action, or the caller
 *                                    itself, which has POWER. ENOENT: no such partition. EBUSY: it is
 *                                    changing. EEXIST: a stop of one that is off, a start of one that
 *                                    runs. EOPNOTSUPP: a unit failed under it; its memory is not used
 *                                    again. Or it is the safe state: nothing starts any more.
 * DEVICE_GIVE (device, partition)    for the manager: gives the device, with all of its group, to the
 *                                    partition of that index in the set, which must list it. Whoever
 *                                    owns it loses it, as by detach and unbind, and event 6 tells; all
 *                                    members are reset; then event 7 tells the new one, which may bind
 *                                    it, and which alone may do so until the next order. EAGAIN: call
 *                                    again with the same arguments, x1 = nanoseconds after which that is
 *                                    useful. OK also where that partition owns it. EPERM: the caller is
 *                                    not the manager. ENOENT: no such partition, or it does not list the
 *                                    device, or that is gone. EOPNOTSUPP: no way to reset it or to isolate it.
 *                                    ETIMEDOUT: it did not come back from its reset, or its unit has
 *                                    been silenced. After these two it stays parked, and nobody's if it
 *                                    had been taken away.
 * MSI_BIND (device, vector, interrupt, iova)
 *                                    has the device's vector raise the caller's interrupt, BH_MESSAGE_FIRST to
 *                                    BH_MESSAGE_LAST, an edge; interrupt 0: nothing any more. iova: 0, or
 *                                    that of the doorbell. x1 = address, x2 = data of the message,
 *                                    x3 = where the caller is to write them: the vector's entry of the
 *                                    MSI-X table among the device's registers; 0: the device has MSI,
 *                                    which the call sets up. A vector that is bound already is led to the new
 *                                    interrupt. Unbind and reset of the device undo it.
 *                                    ENOENT: not listed, or a vector that was not bound is to be nothing.
 *                                    EPERM: not bound by the caller. EOPNOTSUPP: the device raises no
 *                                    messages, none that are isolated, or its unit does not reach the
 *                                    doorbell. ERANGE: it has no such vector. EINVAL: another
 *                                    interrupt, or another iova. EBUSY: its reset is under way. ENOSPC:
 *                                    no table pages for the doorbell. ETIMEDOUT: the message unit missed
 *                                    a deadline; nobody binds a message of it any more.
 * POWER (action, code)               does not return. EINVAL: unknown action, code above 255.
 */

#endif /* __ASSEMBLER__ */
#endif /* BULKHEAD_ABI_H */
