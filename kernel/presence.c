/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/presence.h"

#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "kernel/give.h"
#include "kernel/partition.h"
#include "lib/log.h"

/* Time between two looks at a function, as long as there are no more of them than one turn takes. */
#define PERIOD_MICROSECONDS 100000
#define LOOKS 8

static struct device *watched[DEVICE_LIMIT];
static uint32_t watched_count, next;

/* Everybody who may bind the device now. Group lock held. */
static void tell_all(const struct device *device, uint32_t type)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));
    uint32_t reserved = atomic_load(&device->group->reserved);

    for (uint32_t i = 0; i < partitions.count; i++) {
        struct partition *partition = &partitions.partition[i];

        if (partition_device(partition, device->id) == device &&
            (owner.state != OWNER_PARTITION || owner.index == i) &&
            (reserved == GROUP_FREE || reserved == i + 1))
            give_tell(partition, device, type, 0);
    }
}

/* Its owner's CPU takes it away, and tells of it; it is asked again as long as it has not come. */
static void have_it_taken(const struct device *device)
{
    if (device->bound != NULL)
        arch_vcpu_recall(&device->bound->vcpu);
    else
        tell_all(device, BH_EVENT_DEVICE_REMOVED);
}

/* Group lock held. */
static void note(struct device *device, enum pci_presence presence)
{
    static const char *const texts[] = {
        [PCI_PRESENT] = "is back, and parked until it is bound",
        [PCI_ABSENT] = "is gone: parked",
        [PCI_STRANGER] = "is gone: what stands in its place is not what boot found, and nobody's",
    };
    bool was_there = atomic_load(&device->presence) == PCI_PRESENT;

    atomic_store(&device->presence, (uint8_t)presence);
    if (presence != PCI_ABSENT)
        pci_shut(device->function);
    log_warning("%s: %s", device->name, texts[presence]);
    if (was_there)
        have_it_taken(device);
    else if (presence == PCI_PRESENT)
        tell_all(device, BH_EVENT_DEVICE_ADDED);
}

/* Group lock held, no reset under way. */
static void look(struct device *device)
{
    enum pci_presence last = (enum pci_presence)atomic_load(&device->presence), now;

    if (device->bound != NULL && last != PCI_PRESENT) {
        arch_vcpu_recall(&device->bound->vcpu);
        return;
    }
    now = pci_presence(device->function);
    /* What lost its settings was gone meanwhile. */
    if (device->bound != NULL && now == PCI_PRESENT && !pci_is_settled(device->function))
        now = PCI_ABSENT;
    if (now != last)
        note(device, now);
}

/* Who has the group's lock may have the function reset: the next turn sees more. */
static void try_to_look(struct device *device)
{
    if (!lock_try(&device->group->lock))
        return;
    if (device->reset.step == 0 && time_passed(device->reset.ready))
        look(device);
    lock_release(&device->group->lock);
}

static void turn(void)
{
    for (uint32_t i = 0; i < LOOKS && i < watched_count; i++) {
        try_to_look(watched[next]);
        next = next + 1 < watched_count ? next + 1 : 0;
    }
}

bool presence_access(const struct partition *partition, uint64_t address, bool write,
                     uint64_t *value)
{
    bool lost = false;

    for (uint32_t d = 0; d < partition->device_count; d++) {
        const struct device *device = partition->device[d];

        if (__atomic_load_n(&device->lost_by, __ATOMIC_RELAXED) != partition)
            continue;
        for (unsigned int i = 0; i < BH_BAR_COUNT; i++) {
            struct topology_range range = device_pages(device, i);

            lost = lost || address - range.base < range.size;
        }
    }
    if (lost && !write)
        *value = UINT64_MAX;
    return lost;
}

static bool is_listed(const struct device *device)
{
    bool listed = false;

    for (uint32_t i = 0; i < partitions.count; i++)
        listed = listed || partition_device(&partitions.partition[i], device->id) == device;
    return listed;
}

void presence_start(void)
{
    watched_count = 0;
    next = 0;
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->function != NULL && device->refusal == NULL && is_listed(device))
            watched[watched_count++] = device;
    }
    if (watched_count != 0)
        arch_every(time_ticks_per_second() / 1000000 * PERIOD_MICROSECONDS, turn);
}
