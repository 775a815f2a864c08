/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/message.h"

#include "arch/arch.h"
#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "kernel/ioas_parts.h"
#include "kernel/partition.h"
#include "lib/boot_memory.h"
#include "lib/log.h"
#include "lib/string.h"

struct messages messages;

/* ---- Boot ----------------------------------------------------------------------------------- */

/* Two devices with one id would raise each other's vectors: within a group, the first has them. */
static bool is_alone(const struct device *device)
{
    for (const struct device *other = devices.device; other < device; other++) {
        if (other->message_unit == device->message_unit &&
            other->message_device == device->message_device)
            return false;
    }
    return true;
}

/* Whether a device of another group writes with that id: it would raise this one's vectors, whoever has it. */
static bool has_others_id(const struct device *device, uint32_t unit, uint32_t id)
{
    bool found = false;

    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *other = &devices.device[i];
        uint32_t its;

        found = found || (other->function != NULL && other->group != device->group &&
                          topology_event_device(other->function->host, other->function->requester,
                                                &its) == unit &&
                          its == id);
    }
    return found;
}

/* A function with vectors behind a unit of messages that is known. */
static void find_unit(struct device *device)
{
    static const struct topology_range doorbells = { DOORBELL_WINDOW, DOORBELL_WINDOW_SIZE };
    const struct pci_function *function = device->function;
    uint32_t unit;

    if (function == NULL || device->refusal != NULL || device->iommu == NULL ||
        pci_vectors(function) == 0)
        return;
    unit = topology_event_device(function->host, function->requester, &device->message_device);
    if (unit >= messages.unit_count)
        return;
    if (topology_overlap(doorbells, device->group->peers))
        log_warning("%s raises no messages: registers of its group answer where doorbells are",
                    device->name);
    else if (has_others_id(device, unit, device->message_device))
        log_warning("%s raises no messages: a device of another group has its id", device->name);
    else
        device->message_unit = &messages.unit[unit];
}

static uint64_t device_limit(const struct message_unit *unit)
{
    uint64_t limit = 0;

    for (uint32_t i = 0; i < devices.count; i++) {
        if (devices.device[i].message_unit == unit)
            limit = max_u64(limit, (uint64_t)devices.device[i].message_device + 1);
    }
    return limit;
}

/* Its vectors, as many as are kept, get messages and a table of the unit. */
static void add_device(struct device *device)
{
    uint32_t vectors = (uint32_t)min_u64(pci_vectors(device->function), MESSAGE_VECTORS), room = 1;

    while (room < vectors)
        room *= 2;
    if (!is_alone(device) || messages.count + vectors > MESSAGES ||
        !message_unit_add_device(device->message_unit, device->message_device, room)) {
        log_warning("%s raises no messages: another of its group has its id, or there is no room",
                    device->name);
        return;
    }
    device->message_first = messages.count;
    device->vectors = vectors;
    messages.count += vectors;
}

static void start_unit(struct message_unit *unit, const struct topology_its *topology,
                       unsigned int cpu_count)
{
    uint64_t limit = device_limit(unit), used = boot_memory_used();
    uint32_t first = messages.count;
    const char *reason = "no table pages for its registers";
    bool complete = true;

    if (limit == 0)
        return; /* nobody would use it */
    if (!arch_map_device(topology->registers.base, topology->registers.size) ||
        !message_unit_start(unit, topology, limit, &reason)) {
        log_error("%s is not used: %s", topology->name, reason);
        return;
    }
    for (unsigned int i = 0; i < cpu_count; i++) {
        uint64_t target = arch_message_target(i);

        complete = complete && target != 0 && message_unit_add_cpu(unit, i, target);
    }
    if (!complete) {
        unit->usable = false;
        log_error("%s is not used: a CPU takes no messages", topology->name);
        return;
    }
    for (uint32_t i = 0; i < devices.count; i++) {
        if (devices.device[i].message_unit == unit)
            add_device(&devices.device[i]);
    }
    log_info("%s: messages of devices are their owners': %u vectors, %lu commands, %lu KiB",
             topology->name, messages.count - first, unit->commands,
             (boot_memory_used() - used) >> 10);
}

/* Frames of GICv2m raise whatever line is written to them, whoever writes: they isolate nobody. */
static void refuse_frames(const struct topology *topology)
{
    for (uint32_t i = 0; i < topology->block_count; i++) {
        if (strcmp(topology->block[i].compatible, "arm,gic-v2m-frame") == 0)
            log_warning(
                "%s: a GICv2m frame does not tell devices apart: none raises messages there",
                topology->block[i].name);
    }
}

void messages_start(const struct topology *topology, unsigned int cpu_count)
{
    messages.unit_count = topology->its_count;
    refuse_frames(topology);
    for (uint32_t i = 0; i < devices.count; i++)
        find_unit(&devices.device[i]);
    for (uint32_t i = 0; i < messages.unit_count; i++)
        start_unit(&messages.unit[i], &topology->its[i], cpu_count);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

uint32_t message_vectors(const struct device *device)
{
    return device->vectors != 0 && device->message_unit->usable ? device->vectors : 0;
}

uint64_t message_doorbell(const struct device *device)
{
    return message_vectors(device) != 0
               ? ioas_doorbell_page(device) + device->message_unit->doorbell % PAGE_SIZE
               : 0;
}

static void stop(struct device *device)
{
    struct ioas *ioas = device->ioas;

    pci_set_messages(device->function, 0, false);
    if (ioas == NULL)
        return;
    lock_acquire(&ioas->lock);
    ioas_close_doorbell(ioas, device);
    lock_release(&ioas->lock);
}

/* The last one of a device first loses the way to the doorbell: nothing comes behind it. */
static bool unbind(const struct partition *partition, struct device *device, uint32_t vector)
{
    uint32_t message = device->message_first + vector;

    if (device->vectors_bound == BIT(vector))
        stop(device);
    device->vectors_bound &= ~(uint32_t)BIT(vector);
    bool clean = message_unmap(device->message_unit, device->message_device, vector,
                               partition->cpu);

    arch_message_route(message, NULL, 0);
    return clean;
}

void message_unbind_all(struct partition *partition, struct device *device)
{
    while (device->vectors_bound != 0)
        unbind(partition, device, first_bit(device->vectors_bound));
}

/* The device's first vector gives it the way to the doorbell. */
static int64_t start(struct device *device)
{
    struct ioas *ioas = device->ioas;
    int64_t result = BH_OK;

    if (ioas != NULL) {
        lock_acquire(&ioas->lock);
        result = ioas_open_doorbell(ioas, device);
        lock_release(&ioas->lock);
    }
    return result;
}

static int64_t bind(struct partition *partition, struct device *device, uint32_t vector,
                    uint32_t interrupt)
{
    uint32_t message = device->message_first + vector;
    int64_t result = BH_OK;

    if ((device->vectors_bound & BIT(vector)) != 0) {
        arch_message_route(message, &partition->vcpu, interrupt);
        return BH_OK;
    }
    if (device->vectors_bound == 0)
        result = start(device);
    if (result != BH_OK)
        return result;
    device->vectors_bound |= (uint32_t)BIT(vector);
    arch_message_route(message, &partition->vcpu, interrupt);
    if (!message_map(device->message_unit, device->message_device, vector, message,
                     partition->cpu)) {
        unbind(partition, device, vector);
        return BH_ETIMEDOUT;
    }
    pci_set_messages(device->function, message_doorbell(device), true);
    return BH_OK;
}

int64_t message_bind(struct partition *partition, struct device *device, uint64_t vector,
                     uint64_t interrupt, uint64_t iova)
{
    if (device->vectors == 0)
        return BH_EOPNOTSUPP;
    if (vector >= device->vectors)
        return BH_ERANGE;
    uint32_t number = (uint32_t)clamp_index(vector, MESSAGE_VECTORS);

    if (interrupt != 0 && (interrupt < BH_MESSAGE_FIRST || interrupt > BH_MESSAGE_LAST))
        return BH_EINVAL;
    if (interrupt == 0) {
        if ((device->vectors_bound & BIT(number)) == 0)
            return BH_ENOENT;
        return unbind(partition, device, number) ? BH_OK : BH_ETIMEDOUT;
    }
    if (!device->message_unit->usable)
        return BH_EOPNOTSUPP;
    if (iova != 0 && iova != message_doorbell(device))
        return BH_EINVAL;
    if (device->reset.step != 0)
        return BH_EBUSY;
    return bind(partition, device, number, (uint32_t)interrupt);
}
