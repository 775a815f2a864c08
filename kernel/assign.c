/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/assign.h"

#include "bulkhead/abi.h"
#include "kernel/line.h"
#include "kernel/message.h"
#include "kernel/partition.h"

#define REGISTER_RANGES BH_BAR_COUNT

/* Nobody waits for the lock of a group that is another's; and another CPU of the partition may have unbound the device
 * before the lock was there. */
bool assign_hold(const struct partition *partition, struct device *device)
{
    if (device->bound != partition)
        return false;
    lock_acquire(&device->group->lock);
    if (device->bound == partition)
        return true;
    lock_release(&device->group->lock);
    return false;
}

void assign_let_go(struct device *device)
{
    lock_release(&device->group->lock);
}

/* Whether a range of the device before that index has the page, or another one that the partition has bound. */
static bool is_there(const struct partition *partition, const struct device *device,
                     unsigned int index, uint64_t page)
{
    for (uint32_t d = 0; d < partition->device_count; d++) {
        const struct device *other = partition->device[d];

        if (other->group != device->group || (other != device && other->bound != partition))
            continue;
        for (unsigned int i = 0; i < (other == device ? index : REGISTER_RANGES); i++) {
            struct topology_range range = device_pages(other, i);

            if (page - range.base < range.size)
                return true;
        }
    }
    return false;
}

/* The pages that come with the device and go with it. Of what it shares, which is where a range begins or ends, that
 * is those that nothing else has brought. */
static struct topology_range pages_of(const struct partition *partition,
                                      const struct device *device, unsigned int index)
{
    struct topology_range range = device_pages(device, index);

    if (device->block == NULL || range.size == 0)
        return range;
    if (is_there(partition, device, index, range.base)) {
        range.base += PAGE_SIZE;
        range.size -= PAGE_SIZE;
    }
    if (range.size != 0 && is_there(partition, device, index, range.base + range.size - PAGE_SIZE))
        range.size -= PAGE_SIZE;
    return range;
}

/* Its registers appear at the guest-physical address that is their physical one. All of them, or
 * none. */
static bool map_registers(struct partition *partition, const struct device *device)
{
    struct pagetable_progress progress;

    for (unsigned int i = 0; i < REGISTER_RANGES; i++) {
        struct topology_range range = pages_of(partition, device, i);

        if (range.size == 0)
            continue;
        if (pagetable_map(&partition->stage2, range.base, range.base, range.size,
                          arch_stage2_device_attributes(), UINT32_MAX, &progress) != PAGETABLE_OK)
            return false;
    }
    return true;
}

/* Also undoes a map_registers() that stopped half-way: absent ranges are no error. */
static void unmap_registers(struct partition *partition, const struct device *device)
{
    struct page_list freed[REGISTER_RANGES];

    for (unsigned int i = 0; i < REGISTER_RANGES; i++) {
        struct topology_range range = pages_of(partition, device, i);
        struct pagetable_progress progress = { .freed = PAGE_LIST_EMPTY };

        if (range.size != 0)
            pagetable_unmap(&partition->stage2, range.base, range.size, UINT32_MAX, &progress);
        freed[i] = progress.freed;
    }
    arch_stage2_invalidate(partition->stage2.root, partition->tag);
    for (unsigned int i = 0; i < REGISTER_RANGES; i++)
        page_pool_give(&partition->pool, &freed[i]);
}

static bool label_in_use(const struct partition *partition, uint64_t label)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *device = partition->device[i];

        if (device->bound == partition && device->label == label)
            return true;
    }
    return false;
}

int64_t assign_reset_step(struct device *device, uint64_t *wait)
{
    uint64_t now;

    switch (pci_reset(&devices.pci, device->function, &device->reset)) {
    case PCI_RESET_DONE:
        return BH_OK;
    case PCI_RESET_WAITING:
        now = time_now();
        *wait = device->reset.ready > now
                    ? (device->reset.ready - now) * 1000 / (time_ticks_per_second() / 1000000)
                    : 1000000;
        return BH_EAGAIN;
    case PCI_RESET_FAILED:
    default:
        return BH_ETIMEDOUT;
    }
}

/* Of what its unit has told so far, nothing is the device's; the lines of a second are, however often it changes
 * hands. Event lock held. */
static void start_record(struct device *device)
{
    const struct iommu *iommu = device->iommu;

    device->faults = (struct device_faults){
        .from = iommu != NULL ? iommu->driver->events_end(iommu) : 0,
        .window_start = device->faults.window_start,
        .window_lines = device->faults.window_lines,
        .window_told_storm = device->faults.window_told_storm,
    };
}

/* With its group a former owner loses the records of its devices: a fault on a shared stream is recorded at one
 * of them, whichever made it. Event lock held. */
static void forget_former(const struct group *group, const struct partition *partition)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->group != group || device->last_bound == partition)
            continue;
        device->last_bound = NULL;
        start_record(device);
    }
}

/* What happens to the device from here on is the new owner's to know (NULL: nobody's), and nothing that
 * happened before: what the unit has in its queue is numbered, and told by its number. Group lock held. */
static void hand_over(struct device *device, struct partition *partition, uint64_t label)
{
    struct iommu *iommu = device->iommu;

    if (iommu != NULL)
        lock_acquire(&iommu->event_lock);
    if (partition != NULL) {
        start_record(device);
        forget_former(device->group, partition);
        device->last_bound = partition;
        device->label = label;
    }
    __atomic_store_n(&device->bound, partition, __ATOMIC_RELEASE);
    if (iommu != NULL)
        lock_release(&iommu->event_lock);
}

/* Group lock held, owner word counted up for this device. */
static int64_t bind_owned(struct partition *partition, struct device *device, uint64_t label,
                          uint64_t *wait)
{
    if (device->function != NULL) {
        int64_t result = assign_reset_step(device, wait);

        if (result != BH_OK)
            return result;
    }
    /* What it asked for until its reset is blocked. Of that nothing may be in the unit only, or it would be told
     * to the new owner. */
    if (device_settle(device) != IOMMU_OK)
        return BH_ETIMEDOUT;
    if (!map_registers(partition, device)) {
        unmap_registers(partition, device);
        return BH_ENOSPC;
    }
    hand_over(device, partition, label);
    config_start(device);
    if (device->function != NULL)
        pci_set_decode(device->function, true);
    line_open(partition, device);
    return BH_OK;
}

/* Why the partition, which owns the group, may not bind the device now, or BH_OK. */
static int64_t check_bind(const struct partition *partition, const struct device *device,
                          uint64_t label)
{
    uint32_t reserved = atomic_load(&device->group->reserved);

    if (device->refusal != NULL)
        return BH_EOPNOTSUPP;
    if (atomic_load(&device->presence) != PCI_PRESENT)
        return BH_ENOENT;
    if (device->bound == partition)
        return BH_EBUSY;
    if (reserved != GROUP_FREE && reserved != partition->index + 1)
        return BH_EPERM;
    if (label_in_use(partition, label))
        return BH_EEXIST;
    if (device->iommu != NULL && device->iommu->silenced)
        return BH_ETIMEDOUT;
    if (device->function != NULL &&
        pci_reset_method(&devices.pci, device->function) == PCI_RESET_NONE)
        return BH_EOPNOTSUPP;
    return BH_OK;
}

void assign_give_up_reset(struct device *device)
{
    if (device->function != NULL)
        pci_reset_cancel(&devices.pci, device->function, &device->reset);
}

static void release(struct partition *partition, struct device *device, uint32_t count)
{
    while (count-- > 0)
        owner_release(&device->group->owner, partition->index);
}

/*
 * The owner word is claimed before the lock is taken, so only partitions that own the group ever
 * wait for it. Each device that is bound, or whose reset is under way, counts once; the call itself
 * counts once while it runs.
 */
int64_t assign_bind(struct partition *partition, struct device *device, uint64_t label,
                    uint64_t *wait)
{
    struct group *group = device->group;
    int64_t result;

    if (!owner_claim(&group->owner, partition->index))
        return BH_EPERM;
    lock_acquire(&group->lock);
    bool counted = device->bound == partition || device->reset.step != 0;

    result = check_bind(partition, device, label);
    if (result == BH_OK)
        result = bind_owned(partition, device, label, wait);
    if (result == BH_OK || result == BH_EAGAIN) {
        release(partition, device, counted ? 1 : 0);
    } else if (device->bound == partition) {
        release(partition, device, 1);
    } else {
        assign_give_up_reset(device);
        release(partition, device, counted ? 2 : 1);
    }
    lock_release(&group->lock);
    return result;
}

/* A platform master has no such switch: it is its streams that are shut. */
static void set_mastering(const struct device *device, bool on)
{
    if (device->function != NULL)
        pci_set_mastering(device->function, on);
}

static struct device *find_sibling(const struct device *device, bool translating)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *other = &devices.device[i];

        if (other != device && other->iommu == device->iommu && other->stream == device->stream &&
            other->ioas != NULL && !(translating && other->held))
            return other;
    }
    return NULL;
}

/* Another device on the same stream that is attached; translating: and not held. */
static inline struct device *attached_sibling(const struct device *device, bool translating)
{
    return device->stream_shared ? find_sibling(device, translating) : NULL;
}

/* The stream goes through the ioas; where it does so already for a sibling it stays as it is. */
static inline bool translate(struct device *device, struct ioas *ioas)
{
    return !device->iommu->silenced &&
           (attached_sibling(device, true) != NULL ||
            device_translate(device, ioas_domain_on(ioas, device->iommu)) == IOMMU_OK);
}

/* Group lock held, device attached: it reaches nothing any more. False: its unit failed. */
static bool stop(struct partition *partition, struct device *device)
{
    set_mastering(device, false);
    if (attached_sibling(device, true) != NULL || device_park(device, false) == IOMMU_OK)
        return true;
    partition->pinned = true;
    return false;
}

static void leave(struct ioas *ioas, const struct device *device)
{
    lock_acquire(&ioas->lock);
    ioas_leave(ioas, device);
    ioas_release(ioas);
}

/* Why the device, which is bound, may not be attached to the ioas now, or BH_OK. Group lock held. */
static int64_t check_attach(const struct device *device, const struct ioas *ioas)
{
    const struct device *sibling = attached_sibling(device, false);

    if (device->iommu == NULL)
        return BH_EOPNOTSUPP;
    if (device->ioas != NULL || device->reset.step != 0 ||
        (sibling != NULL && sibling->ioas != ioas))
        return BH_EBUSY;
    return device->iommu->silenced ? BH_ETIMEDOUT : BH_OK;
}

/* Group lock held. */
static int64_t attach_locked(struct partition *partition, struct device *device, uint64_t id)
{
    struct ioas *ioas = ioas_acquire(partition, id);

    if (ioas == NULL)
        return BH_ENOENT;
    int64_t result = check_attach(device, ioas);

    if (result == BH_OK)
        result = ioas_enter(ioas, device);
    ioas_release(ioas);
    if (result != BH_OK)
        return result;
    if (!translate(device, ioas)) {
        stop(partition, device); /* some of its streams may be there already */
        leave(ioas, device);
        return BH_ETIMEDOUT;
    }
    device->ioas = ioas;
    device->generation++;
    set_mastering(device, true);
    return BH_OK;
}

int64_t assign_attach(struct partition *partition, struct device *device, uint64_t id)
{
    int64_t result;

    if (!assign_hold(partition, device))
        return BH_EPERM;
    result = attach_locked(partition, device, id);
    assign_let_go(device);
    return result;
}

/* Group lock held, device attached. The device is out of its ioas whatever this returns. */
static int64_t detach_locked(struct partition *partition, struct device *device)
{
    struct ioas *ioas = device->ioas;
    int64_t result = stop(partition, device) ? BH_OK : BH_ETIMEDOUT;

    device->ioas = NULL;
    device->held = false;
    device->generation++;
    leave(ioas, device);
    return result;
}

/* Moves the stream; the locks of both spaces are held. A refusal changes nothing. */
static int64_t move(struct device *device, struct ioas *to, bool *hitless)
{
    struct ioas *from = device->ioas;
    bool known = ioas_domain_on(to, device->iommu) != NULL;
    int64_t result;

    if (attached_sibling(device, false) != NULL || device->reset.step != 0)
        return BH_EBUSY;
    result = ioas_enter(to, device);
    if (result != BH_OK)
        return result;
    switch (device_move(device, ioas_domain_on(from, device->iommu),
                        ioas_domain_on(to, device->iommu), hitless)) {
    case IOMMU_OK:
        ioas_leave(from, device);
        device->ioas = to;
        device->generation++;
        return BH_OK;
    case IOMMU_BUSY:
        ioas_leave(to, device);
        if (!known)
            ioas_drop_domain(to, device->iommu);
        return BH_EAGAIN;
    case IOMMU_SILENCED:
    default:
        ioas_leave(to, device);
        return BH_ETIMEDOUT;
    }
}

/* Group lock held. */
static int64_t replace_locked(struct partition *partition, struct device *device, uint64_t id,
                              bool *hitless)
{
    struct ioas *pair[2]; /* from, to */
    int64_t result = BH_OK;

    /* The id of one that a device is attached to stays what it is. */
    if (device->ioas == NULL || !ioas_acquire_pair(partition, device->ioas->id, id, pair))
        return BH_ENOENT;
    *hitless = true;
    if (pair[1] != pair[0])
        result = move(device, pair[1], hitless);
    ioas_release_pair(pair);
    if (result == BH_ETIMEDOUT)
        detach_locked(partition, device);
    return result;
}

int64_t assign_replace(struct partition *partition, struct device *device, uint64_t id,
                       bool *hitless)
{
    int64_t result;

    if (!assign_hold(partition, device))
        return BH_EPERM;
    result = replace_locked(partition, device, id, hitless);
    assign_let_go(device);
    return result;
}

int64_t assign_detach(struct partition *partition, struct device *device)
{
    int64_t result;

    if (!assign_hold(partition, device))
        return BH_EPERM;
    result = device->ioas == NULL ? BH_ENOENT : detach_locked(partition, device);
    assign_let_go(device);
    return result;
}

/* Group lock held. First the partition's CPUs lose the registers, then the owner changes (row
 * 3.6). */
static int64_t unbind_locked(struct partition *partition, struct device *device)
{
    unmap_registers(partition, device);
    assign_give_up_reset(device);
    if (device->function != NULL)
        pci_set_decode(device->function, false);
    bool closed = line_close(partition, device);

    message_unbind_all(partition, device);
    hand_over(device, NULL, 0);
    owner_release(&device->group->owner, partition->index);
    return closed && (device->iommu == NULL || !device->iommu->silenced) ? BH_OK : BH_ETIMEDOUT;
}

bool assign_owns(const struct partition *partition, const struct device *device)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));

    return owner.state == OWNER_PARTITION && owner.index == partition->index;
}

/* Gives up a bind whose reset is under way: the next one begins it anew. Group lock held. */
static void abandon_locked(struct partition *partition, struct device *device)
{
    assign_give_up_reset(device);
    owner_release(&device->group->owner, partition->index);
}

int64_t assign_unbind(struct partition *partition, struct device *device)
{
    int64_t result = BH_OK;

    if (!assign_owns(partition, device))
        return BH_EPERM;
    lock_acquire(&device->group->lock);
    if (device->bound != partition && device->reset.step == 0)
        result = BH_EPERM;
    else if (device->bound != partition)
        abandon_locked(partition, device);
    else if (device->ioas != NULL)
        result = BH_EBUSY;
    else
        result = unbind_locked(partition, device);
    lock_release(&device->group->lock);
    return result;
}

/* After its reset: decode, interrupt and attachment as they were. Group lock held. */
static int64_t resume(struct partition *partition, struct device *device)
{
    config_start(device);
    pci_set_decode(device->function, true);
    if (partition_interrupt(partition, device) != 0)
        pci_set_interrupts(device->function, true);
    if (!device->held)
        return BH_OK;
    if (!translate(device, device->ioas)) {
        detach_locked(partition, device);
        return BH_ETIMEDOUT;
    }
    device->held = false;
    set_mastering(device, true);
    return BH_OK;
}

/* Group lock held. A device that is not reset to the end does not come back to its ioas. */
static int64_t reset_locked(struct partition *partition, struct device *device, uint64_t *wait)
{
    int64_t result = BH_OK;

    if (device->ioas != NULL && !device->held) {
        /* One that was gone meanwhile does not come back by a reset alone (kernel/presence.h). */
        bool settled = pci_is_settled(device->function);

        device->held = stop(partition, device) && settled;
        result = device->held ? BH_OK : BH_ETIMEDOUT;
    }
    message_unbind_all(partition, device); /* its registers forget them, too */
    if (result == BH_OK)
        result = assign_reset_step(device, wait);
    if (result == BH_OK)
        return resume(partition, device);
    if (result != BH_EAGAIN && device->ioas != NULL)
        detach_locked(partition, device);
    return result;
}

int64_t assign_reset(struct partition *partition, struct device *device, uint64_t *wait)
{
    int64_t result;

    if (device->function == NULL)
        return BH_EOPNOTSUPP;
    if (!assign_hold(partition, device))
        return BH_EPERM;
    result = reset_locked(partition, device, wait);
    assign_let_go(device);
    return result;
}

bool assign_release(struct partition *partition, struct device *device)
{
    bool clean = true;

    if (!assign_owns(partition, device))
        return true;
    lock_acquire(&device->group->lock);
    if (device->ioas != NULL)
        clean = detach_locked(partition, device) == BH_OK;
    if (device->bound == partition)
        unbind_locked(partition, device);
    else if (device->reset.step != 0)
        abandon_locked(partition, device);
    lock_release(&device->group->lock);
    return clean;
}

bool assign_release_all(struct partition *partition)
{
    bool clean = true;

    for (uint32_t i = 0; i < partition->device_count; i++)
        clean = assign_release(partition, partition->device[i]) && clean;
    return clean;
}

void assign_cut_off(const struct iommu *iommu)
{
    const struct pci *pci = &devices.pci;

    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *device = &devices.device[i];

        if (device->iommu != iommu || device->function == NULL)
            continue;
        uint32_t top = device->function->parent;

        while (top != PCI_NO_PARENT && pci->function[top].parent != PCI_NO_PARENT)
            top = pci->function[top].parent;
        pci_set_mastering(top != PCI_NO_PARENT ? &pci->function[top] : device->function, false);
    }
}
