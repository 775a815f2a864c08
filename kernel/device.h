/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices, groups, and who owns them. Devices and groups come from topology, once, and keep their
 * ids for the life of the machine; what changes is the owner word of a group and where a device is
 * attached.
 *
 * Ownership is per group, translation is per device (docs/architecture.md).
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <stdatomic.h>

#include "drivers/iommu/iommu.h"
#include "drivers/pci/pci.h"
#include "kernel/limits.h"
#include "kernel/vdev/pci_config.h"
#include "lib/lock.h"

struct partition;
struct ioas;
struct message_unit;

/* ---- The owner word ------------------------------------------------------------------------- */

/*
 * {state, owner, count} in one word that only compare-and-swap changes. none leads to the others,
 * the others lead only to none, and none means parked. count: devices of the group that the owner
 * has bound.
 */
enum owner_state { OWNER_NONE, OWNER_HYPERVISOR, OWNER_PARTITION };

struct owner {
    enum owner_state state;
    uint32_t index; /* of the partition */
    uint32_t count;
};

/* The parts of such a word, as read. */
struct owner owner_decode(uint64_t word);

/* The four below: any CPU, no lock. Each try again means that another CPU has changed the word. */

/* Takes the word for a partition, or counts one more device of it. False: someone else has it. */
bool owner_claim(_Atomic uint64_t *word, uint32_t partition);

/* Gives one device back; true if that was the last one and the word is none now. The partition
 * holds it. */
bool owner_release(_Atomic uint64_t *word, uint32_t partition);

/* none to hypervisor, and back. False: it was not none (not the hypervisor's). */
bool owner_claim_hypervisor(_Atomic uint64_t *word);
bool owner_release_hypervisor(_Atomic uint64_t *word);

/* ---- Devices and groups --------------------------------------------------------------------- */

struct group {
    struct lock lock; /* guards the members' bound, attached and reset; first in the lock order */
    _Atomic uint64_t owner;
    uint32_t number;  /* index of its first device: stable while the machine is the same */
    uint32_t reasons; /* BH_GROUP_* */
    uint32_t members; /* devices that could be assigned */
    struct topology_range
        peers; /* where an access of a member may end at another, short of the IOMMU */

    /* By the manager's orders (kernel/give.h). */
    _Atomic uint32_t
        reserved;         /* GROUP_FREE, GROUP_WITHHELD, or who alone may take it: index plus 1 */
    _Atomic bool leaving; /* its owner's CPU is to give it back */
    bool handing;         /* the hypervisor has it and resets it; the manager's CPU alone */
};

#define GROUP_FREE 0
#define GROUP_WITHHELD UINT32_MAX

/* Why its members are one: the texts of BH_GROUP_* bits, or "stands alone" for none. Cut at size. */
void group_explain(uint32_t reasons, char *text, size_t size);
#define GROUP_REASONS 192 /* bytes that hold those that one group can have */

/* Makes one group of register blocks on one page; with a device that nobody may have, nobody has any. Boot only. */
void groups_join_pages(void);

/* Says in the log which devices are not alone in their groups. Boot only. */
void groups_tell(void);

struct device_faults {
    uint64_t from; /* number of its unit's first event that can be of this owner's time */
    uint64_t count;
    uint64_t lost;
    uint64_t iova; /* of the last one */
    uint32_t cause, access, pasid;
    uint64_t last;         /* ticks */
    uint64_t window_start; /* ticks; 0: there was none */
    uint32_t window_count;
    uint32_t window_lines;  /* that there were to say, also beyond those that a window has */
    bool window_told_storm; /* a line in any case */
    uint32_t window_events; /* that its owner was told */
    uint64_t queue;         /* its unit's count of the queue to which the next one belongs */
    uint32_t queued;        /* in that, records of the device */
    bool storms;            /* it is to fall silent */
};

struct device {
    char name[48];
    uint32_t id;                         /* from topology: kind and address */
    const struct pci_function *function; /* PCI ... */
    const struct topology_block *block;  /* ... or a block of registers, of a master or of none */
    struct group *group;
    struct iommu *iommu;   /* NULL: no DMA */
    uint32_t stream_count; /* they are parked and attached as one; 0: no DMA */
    const uint32_t *streams;
    uint32_t stream;     /* the first of them, that of a PCI function */
    bool stream_shared;  /* by another device, of the same group */
    const char *refusal; /* why it cannot be assigned; NULL: it can */
    uint32_t line;       /* that its INTx is wired to; INTERRUPT_NONE: none */
    bool closes;         /* device_closes() names something */

    /* What stood in its place when that was looked at last (enum pci_presence): written under the group's lock by
     * the boot CPU, read by any. */
    _Atomic uint8_t presence;
    struct partition
        *lost_by; /* who had it bound when it was pulled out last: stored by that one's CPU */

    struct config_view config; /* of a function; guarded by the group's lock */

    struct message_unit *message_unit; /* that its messages go to; NULL: none */
    uint32_t message_device;           /* its id there */
    uint32_t message_first;            /* the message of the machine that its vector 0 is */
    uint32_t vectors;                  /* that can be bound, from 0 on; 0: it raises no messages */

    /* Guarded by the group's lock. */
    uint32_t vectors_bound;   /* bit n: vector n leads to an interrupt of its owner */
    const char *line_refusal; /* why no partition may have that line; NULL: the owner may. Once it
                                    * says why, it stays so */

    /* Guarded by the group's lock, and written under the event lock of the unit besides. */
    struct partition *bound;      /* who has it now */
    struct partition *last_bound; /* who had it last: may read of its faults after unbind */
    uint64_t label;

    /* Guarded by the group's lock. */
    struct pci_reset reset;
    struct ioas *ioas;
    bool handed; /* reset for whoever it is given to; the manager's CPU alone */
    bool held;   /* attached, but parked while it is reset: its stream goes back there afterwards */
    uint64_t generation;
    bool silent; /* what its stream does is not reported, after a storm: until it is moved */

    struct device_faults faults; /* of the last owner; guarded by the unit's event lock */
};

struct devices {
    uint32_t count;
    struct device device[DEVICE_LIMIT];
    uint32_t iommu_count;
    struct iommu iommu[TOPOLOGY_IOMMUS];
    struct pci pci;
};

extern struct devices devices;

#define DEVICE_ID_PCI UINT32_C(0x10000000)   /* | segment << 16 | bus, device, function */
#define DEVICE_ID_BLOCK UINT32_C(0x20000000) /* | index in the machine's tree */

/*
 * Makes the device table from what PCI enumeration and topology found, gives every function with a
 * stream an entry, and parks it. Boot only.
 */
void devices_build(const struct topology *topology);

/* The device with that name (PCI address or node path), or NULL. Boot and host only. */
struct device *device_find(const char *name);

/* Whether it is one of the device's. */
bool device_has_stream(const struct device *device, uint32_t stream);

/* What the device's unit has blocked of it before this call is among the unit's events, or lost, when this returns.
 * One SYNC for each stream, with its deadline. */
enum iommu_result device_settle(const struct device *device);

/* The device behind a stream of a unit, or NULL: of several that share it the first that is attached now and not
 * held, which without the group's lock is a hint; else the first. Work: the devices. */
struct device *device_by_stream(const struct iommu *iommu, uint32_t stream);

/* Register range index (BAR number, or reg entry; below BH_BAR_COUNT) as [base, +size); size 0: none. */
struct topology_range device_registers(const struct device *device, unsigned int index);

/* The pages of that range, of which registers of other devices of the group may have parts. */
struct topology_range device_pages(const struct device *device, unsigned int index);

/* IOVAs that mean something else than memory while the device is attached, in ranges: the one with that index,
 * size 0: none; there is none from DEVICE_CLOSES on. Fixed from boot on. */
#define DEVICE_CLOSES 1
struct topology_range device_closes(const struct device *device, unsigned int index);

/* Says in the log that the partition's device does without INTx, and why. */
void device_tell_refused_line(const struct device *device, const char *partition);

/*
 * The three below change the device's streams: of each three SYNCs at most, each with its deadline. IOMMU_SILENCED:
 * the unit has failed, now or before; the streams pass nothing.
 */

/* Parks a device that is not attached: logged, or silent after a burst. Group lock held, or
 * boot. */
enum iommu_result device_park(struct device *device, bool silent);

/* Has its stream go through the ioas' domain, with reports. Group lock held; no other device on the
 * stream is attached. */
enum iommu_result device_translate(struct device *device, const struct iommu_domain *domain);

/* Moves the streams of an attached device, the only one on them that is, from one domain to another, with reports: at
 * most four SYNCs each. *hitless: it was never without a translation. IOMMU_BUSY: nothing happened. Group lock
 * held, and no entry of either table goes meanwhile. */
enum iommu_result device_move(struct device *device, const struct iommu_domain *from,
                              const struct iommu_domain *to, bool *hitless);

/* The stream is not reported any more: parked or attached as before. Group lock held; of several
 * devices on the stream the one that is attached, if there is one. */
enum iommu_result device_silence(struct device *device);

#endif
