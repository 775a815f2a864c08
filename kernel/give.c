/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/give.h"

#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/partition.h"
#include "lib/log.h"

#define OWNER_WAIT_NANOSECONDS 100000

void give_tell(struct partition *partition, const struct device *device, uint32_t type,
               uint64_t label)
{
    const struct bh_event event = { .type = type,
                                    .device = device->id,
                                    .label = label,
                                    .pasid = BH_PASID_NONE,
                                    .iommu = device->iommu != NULL ? device->iommu->number
                                                                   : IOMMU_NONE };

    event_post(partition, &event, true);
}

static bool is_given_away(const struct partition *partition, const struct device *device)
{
    return atomic_load(&device->group->leaving) &&
           atomic_load(&device->group->reserved) != partition->index + 1;
}

bool give_leave(struct partition *partition)
{
    bool clean = true;

    for (uint32_t i = 0; i < partition->device_count; i++) {
        struct device *device = partition->device[i];
        uint64_t label = device->label;
        bool bound = device->bound == partition;
        bool gone = atomic_load(&device->presence) != PCI_PRESENT;

        if (!(gone || is_given_away(partition, device)) || !assign_owns(partition, device))
            continue;
        clean = assign_release(partition, device) && clean;
        if (bound && gone)
            __atomic_store_n(&device->lost_by, partition, __ATOMIC_RELAXED);
        if (bound)
            give_tell(partition, device, gone ? BH_EVENT_DEVICE_REMOVED : BH_EVENT_DEVICE_TAKEN,
                      label);
    }
    return clean;
}

/* The owner's CPU is asked again each time: it may have been between two lives. */
static int64_t have_it_leave(struct group *group, uint64_t *wait)
{
    struct owner owner = owner_decode(atomic_load(&group->owner));

    if (owner.state == OWNER_PARTITION) {
        atomic_store(&group->leaving, true);
        arch_vcpu_recall(&partitions.partition[owner.index].vcpu);
    }
    *wait = OWNER_WAIT_NANOSECONDS;
    return BH_EAGAIN;
}

static bool needs_reset(const struct device *device, const struct group *group)
{
    return device->group == group && device->function != NULL &&
           atomic_load(&device->presence) == PCI_PRESENT &&
           pci_reset_method(&devices.pci, device->function) != PCI_RESET_NONE;
}

/* All members, side by side. */
static int64_t reset_members(const struct group *group, uint64_t *wait)
{
    int64_t result = BH_OK;

    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];
        uint64_t ready = 0;

        if (!needs_reset(device, group) || device->handed)
            continue;
        int64_t step = assign_reset_step(device, &ready);

        device->handed = step == BH_OK;
        *wait = max_u64(*wait, ready);
        if (step == BH_ETIMEDOUT)
            return step;
        if (step == BH_EAGAIN)
            result = step;
    }
    return result;
}

/* From the hypervisor's hands into nobody's. Group lock held. */
static void put_down(struct group *group)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->group != group)
            continue;
        assign_give_up_reset(device);
        device->handed = false;
    }
    group->handing = false;
    owner_release_hypervisor(&group->owner);
}

/* Why the device can be given to nobody, or BH_OK. */
static int64_t check(const struct device *device)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));

    if (device->refusal != NULL || (owner.state == OWNER_HYPERVISOR && !device->group->handing))
        return BH_EOPNOTSUPP;
    if (atomic_load(&device->presence) != PCI_PRESENT)
        return BH_ENOENT;
    if (device->function != NULL &&
        pci_reset_method(&devices.pci, device->function) == PCI_RESET_NONE)
        return BH_EOPNOTSUPP;
    return device->iommu != NULL && device->iommu->silenced ? BH_ETIMEDOUT : BH_OK;
}

/* The hypervisor has the group. */
static int64_t go_on(struct device *device, uint64_t *wait)
{
    struct group *group = device->group;
    int64_t result;

    lock_acquire(&group->lock);
    result = check(device);
    if (result == BH_OK)
        result = reset_members(group, wait);
    if (result != BH_OK && result != BH_EAGAIN)
        atomic_store(&group->reserved, GROUP_WITHHELD);
    if (result != BH_EAGAIN)
        put_down(group);
    lock_release(&group->lock);
    return result;
}

static void tell_why_not(const struct device *device, const struct partition *to)
{
    log_error("%s: not given to %s: it %s; it stays parked and nobody's", device->name, to->name,
              device->refusal != NULL                         ? device->refusal
              : atomic_load(&device->presence) != PCI_PRESENT ? "is gone"
              : device->iommu != NULL && device->iommu->silenced
                  ? "stands behind an IOMMU that failed"
                  : "did not come back from its reset");
}

int64_t give_device(struct partition *to, struct device *device, uint64_t *wait)
{
    struct group *group = device->group;
    int64_t result;

    if (assign_owns(to, device)) {
        atomic_store(&group->reserved, to->index + 1);
        return BH_OK;
    }
    result = check(device);
    if (result != BH_OK && atomic_load(&group->reserved) != to->index + 1)
        return result;
    atomic_store(&group->reserved, to->index + 1);
    if (!group->handing && !owner_claim_hypervisor(&group->owner))
        return have_it_leave(group, wait);
    group->handing = true;
    atomic_store(&group->leaving, false);
    result = go_on(device, wait);
    if (result == BH_EAGAIN)
        return result;
    if (result != BH_OK) {
        tell_why_not(device, to);
        return result;
    }
    log_info("%s: given to %s", device->name, to->name);
    give_tell(to, device, BH_EVENT_DEVICE_GIVEN, 0);
    return BH_OK;
}

void give_end(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct group *group = devices.device[i].group;

        if (!group->handing)
            continue;
        lock_acquire(&group->lock);
        put_down(group);
        lock_release(&group->lock);
    }
}
