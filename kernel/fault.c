/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/fault.h"

#include "arch/arch.h"
#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/events.h"
#include "kernel/lifecycle.h"
#include "kernel/partition.h"
#include "lib/log.h"

/* Within one window a device gets so many lines in the log, BH_EVENT_RATE records in its owner's
 * ring, and so many faults before it falls silent (row 1.12). */
#define WINDOW_MICROSECONDS 1000000
#define WINDOW_LINES 8
#define WINDOW_FAULTS 4096
/* Faults on one page that follow each other this closely are one transfer. */
#define BURST_MICROSECONDS 10000
/* Of the boot CPU's time events have one part in so many, and of that the events of each unit the same
 * (I7): none waits for a storm behind another unit. A unit may run ahead of its part by what it has in one
 * period. Over that its events wait in its queue, and what finds no room there is lost and counted. */
#define TIME_PARTS 10
#define PERIOD_MICROSECONDS 10000
/* The longest that it waits: a handler whose CPU was held up by others does not pay for all of that. */
#define WAIT_MICROSECONDS 100000

const char *fault_cause_name(uint32_t cause)
{
    static const char *const names[] = {
        [BH_CAUSE_NONE] = "none",
        [BH_CAUSE_TRANSLATION] = "translation",
        [BH_CAUSE_PERMISSION] = "permission",
        [BH_CAUSE_ADDRESS_SIZE] = "address-size",
        [BH_CAUSE_ACCESS_FLAG] = "access-flag",
        [BH_CAUSE_STREAM] = "stream",
        [BH_CAUSE_TABLE] = "table",
        [BH_CAUSE_OTHER] = "other",
    };

    return cause < ARRAY_LENGTH(names) ? names[cause] : "other";
}

/* The partition a device's group belongs to now, for people. */
static const char *owner_name(const struct device *device)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));

    return owner.state == OWNER_PARTITION ? partitions.partition[owner.index].name : "none";
}

/* What is kept of the events of each unit; the boot CPU's. */
static struct unit_events {
    struct device_faults
        nobodys;   /* of streams that belong to no device, and of former owners' devices */
    uint64_t paid; /* with its part of the CPU it has paid for what it used at this moment */

    /* Who fills the queue: records are counted from the first that waited at a look, to the last that
     * waited when an overflow was seen; where none was, the next look counts afresh. */
    uint64_t queue; /* number of the first */
    uint64_t end;   /* the overflow is judged before this one; 0: there was none */
    uint64_t next;  /* to be read */
    uint32_t queued;
    bool storms; /* a device is to fall silent */
} units[TOPOLOGY_IOMMUS];

static uint64_t ticks(uint64_t microseconds)
{
    return time_ticks_per_second() / 1000000 * microseconds;
}

static bool same_burst(const struct device_faults *faults, const struct iommu_fault *fault)
{
    return faults->count != 0 && time_now() - faults->last < ticks(BURST_MICROSECONDS) &&
           faults->cause == fault->cause && faults->access == fault->access &&
           align_down(faults->iova, PAGE_SIZE) == align_down(fault->iova, PAGE_SIZE);
}

static void open_window(struct device_faults *faults, const char *device)
{
    uint64_t now = time_now();

    if (faults->window_start != 0 && now - faults->window_start < ticks(WINDOW_MICROSECONDS))
        return;
    if (faults->window_lines > WINDOW_LINES)
        log_warning("%u more lines about %s were left out", faults->window_lines - WINDOW_LINES,
                    device);
    faults->window_start = now;
    faults->window_count = 0;
    faults->window_lines = 0;
    faults->window_events = 0;
    faults->window_told_storm = false;
}

/* Counts the fault in its window and keeps it as the last one. A burst on one page is one line
 * of the log; the record counts each fault of it. */
static void record(struct device_faults *faults, const struct iommu_fault *fault,
                   const char *device, const char *owner)
{
    bool quiet = same_burst(faults, fault);

    open_window(faults, device);
    faults->window_count++;
    if (!quiet && faults->window_lines++ < WINDOW_LINES)
        log_warning("fault: device=%s partition=%s cause=%s access=%s iova=0x%lx stream=0x%x",
                    device, owner, fault_cause_name(fault->cause),
                    fault->access == BH_ACCESS_READ ? "r" : "w", fault->iova, fault->stream);
    faults->last = time_now();
    faults->iova = fault->iova;
    faults->cause = fault->cause;
    faults->access = fault->access;
    faults->pasid = fault->pasid;
    /* The count last: a reader that sees it sees the record that it counts. */
    __atomic_store_n(&faults->count, faults->count + 1, __ATOMIC_RELEASE);
}

/* Who has the device now, or NULL. */
static struct partition *holder_of(const struct device *device)
{
    return __atomic_load_n(&device->bound, __ATOMIC_ACQUIRE);
}

static bool is_behind(const struct partition *partition, const struct iommu *iommu)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        if (partition->device[i]->iommu == iommu && holder_of(partition->device[i]) == partition)
            return true;
    }
    return false;
}

/* An event about a device, for the partition that has it, if one has. */
static void tell_holder(const struct device *device, uint32_t type, const struct iommu_fault *fault,
                        bool room)
{
    struct partition *holder = holder_of(device);

    if (holder == NULL)
        return;
    struct bh_event event = { .type = type,
                              .device = device->id,
                              .label = device->label,
                              .pasid = BH_PASID_NONE,
                              .iommu = device->iommu->number };

    if (fault != NULL) {
        event.iova = fault->iova;
        event.pasid = fault->pasid;
        event.access = fault->access;
        event.cause = fault->cause;
    }
    event_post(holder, &event, room);
}

/* An event about a unit, for a partition that has bound a device behind it. */
static void tell_of_unit(struct partition *partition, const struct iommu *iommu, uint32_t type)
{
    const struct bh_event event = { .type = type, .pasid = BH_PASID_NONE, .iommu = iommu->number };

    event_post(partition, &event, true);
}

/* A device that fills the queue is not heard any more: parked, it is blocked without a report;
 * attached, it still reaches what is mapped for it. Group lock held. */
static void silence(struct device *device)
{
    struct device *heard = device_by_stream(device->iommu, device->stream);
    struct device_faults *faults = &device->faults;
    bool told = faults->window_told_storm && faults->window_lines++ >= WINDOW_LINES;

    faults->window_told_storm = true;
    if (!told)
        log_warning("device %s floods the event queue%s: no more reports of it", heard->name,
                    heard->ioas == NULL ? " while parked" : "");
    if (device_silence(heard) == IOMMU_OK)
        tell_holder(heard, BH_EVENT_SILENT, NULL, true);
    if (holder_of(heard) != NULL)
        lifecycle_answer(holder_of(heard), TROUBLE_STORM);
}

/* With the group's lock the device stays in these hands, and what it did in others is forgotten. If its group is
 * in use at this moment, the next storm tries again. */
static void try_silence(struct device *device)
{
    bool taken = lock_try(&device->group->lock);

    if (taken && device->faults.storms && !device->silent)
        silence(device);
    device->faults.storms = false;
    if (taken)
        lock_release(&device->group->lock);
}

/* Streams change with no event lock held: a unit takes its time. */
static void silence_storms(const struct iommu *iommu)
{
    struct unit_events *unit = &units[iommu->number];

    if (!unit->storms)
        return;
    unit->storms = false;
    for (uint32_t i = 0; i < devices.count; i++) {
        if (devices.device[i].iommu == iommu)
            try_silence(&devices.device[i]);
    }
}

static void note_storm(struct device *device)
{
    device->faults.storms = true;
    units[device->iommu->number].storms = true;
}

/* The records of the device among those that are counted now. */
static uint32_t queued(const struct unit_events *unit, const struct device *device)
{
    return device->faults.queue == unit->queue ? device->faults.queued : 0;
}

/* The full queue has been read. A device's share of it is the same part for each device behind the unit, and
 * one for streams of no device. Of the devices that had more than that, those with the most fall silent: if
 * only devices filled the queue, there is one. */
static void judge(const struct iommu *iommu)
{
    struct unit_events *unit = &units[iommu->number];
    uint64_t shares = 1, most = 0;

    for (uint32_t i = 0; i < devices.count; i++) {
        if (devices.device[i].iommu != iommu)
            continue;
        shares++;
        most = max_u64(most, queued(unit, &devices.device[i]));
    }
    for (uint32_t i = 0; i < devices.count && most * shares > unit->queued; i++) {
        if (devices.device[i].iommu == iommu && queued(unit, &devices.device[i]) == most)
            note_storm(&devices.device[i]);
    }
    unit->end = 0;
}

/* Counts a record in its queue; device: whose it is, or NULL. */
static void count(struct unit_events *unit, struct device *device, const struct iommu_fault *fault)
{
    unit->next = fault->number + 1;
    if (unit->end == 0 && unit->queue != fault->first) {
        unit->queue = fault->first;
        unit->queued = 0;
    }
    unit->queued++;
    if (device == NULL)
        return;
    device->faults.queued = queued(unit, device) + 1;
    device->faults.queue = unit->queue;
}

/* Boot CPU, from the unit's event interrupt. Event lock held: the device changes hands before or behind it. */
static void on_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    struct unit_events *unit = &units[iommu->number];
    struct device *device = device_by_stream(iommu, fault->stream);
    const char *name = device == NULL ? "unknown" : device->name;

    if (device != NULL && fault->number < device->faults.from)
        device = NULL;
    count(unit, device, fault);
    if (device == NULL) {
        record(&unit->nobodys, fault, name, "none");
    } else {
        record(&device->faults, fault, name, owner_name(device));
        tell_holder(device, BH_EVENT_FAULT, fault, device->faults.window_events++ < BH_EVENT_RATE);
        if (device->faults.window_count > WINDOW_FAULTS)
            note_storm(device);
    }
    if (unit->next == unit->end)
        judge(iommu);
}

/* Counted for everybody behind the unit; told once in a window. */
static void tell_of_loss(struct iommu *iommu)
{
    static struct device_faults windows[TOPOLOGY_IOMMUS];
    struct device_faults *window = &windows[iommu->number];

    open_window(window, NULL);
    for (uint32_t i = 0; i < partitions.count; i++) {
        struct partition *partition = &partitions.partition[i];

        if (!is_behind(partition, iommu))
            continue;
        event_overflow(partition);
        if (window->window_count == 0)
            tell_of_unit(partition, iommu, BH_EVENT_LOST);
    }
    window->window_count++;
}

/* Event lock held. Who filled the queue is known when it has been read; an overflow until then is the same. */
static void on_lost(struct iommu *iommu, uint64_t end)
{
    struct unit_events *unit = &units[iommu->number];

    if (iommu->counters.events_lost == 1)
        log_warning("%s: event queue overflowed: some faults were not recorded",
                    iommu->topology->name);
    for (uint32_t i = 0; i < devices.count; i++) {
        if (devices.device[i].iommu == iommu)
            devices.device[i].faults.lost++;
    }
    tell_of_loss(iommu);
    if (unit->end == 0)
        unit->end = end;
    if (unit->next >= unit->end)
        judge(iommu);
}

static void on_failed(struct iommu *iommu)
{
    assign_cut_off(iommu);
}

static void on_silenced(struct iommu *iommu, enum iommu_failure reason)
{
    static const char *const names[] = {
        [FAILURE_DEADLINE] = "missed a deadline",
        [FAILURE_COMMAND] = "refused its commands",
        [FAILURE_EVENT_QUEUE] = "cannot write its event queue",
        [FAILURE_SERVICE] = "reported that it failed",
    };

    log_error("%s %s: silenced, the devices behind it are cut off", iommu->topology->name,
              names[reason]);
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (!is_behind(&partitions.partition[i], iommu))
            continue;
        tell_of_unit(&partitions.partition[i], iommu, BH_EVENT_SILENCED);
        lifecycle_answer(&partitions.partition[i], TROUBLE_UNIT);
    }
}

const struct iommu_events fault_events = {
    .fault = on_fault,
    .lost = on_lost,
    .failed = on_failed,
    .silenced = on_silenced,
};

void fault_interrupt(void *argument)
{
    struct iommu *iommu = argument;
    struct unit_events *unit = &units[iommu->number];
    uint32_t line = iommu->topology->event_interrupt;
    uint64_t begin = time_now(), now = begin, period = ticks(PERIOD_MICROSECONDS);
    bool more = true;

    unit->paid = max_u64(unit->paid, begin);
    if (unit->paid - begin <= period) {
        more = iommu->driver->handle_events(iommu);
        silence_storms(iommu);
        now = time_now();
        unit->paid += (now - begin) * TIME_PARTS * devices.iommu_count;
        unit->paid = min_u64(unit->paid, now + period + ticks(WAIT_MICROSECONDS));
    }
    if (!more)
        return;
    if (unit->paid <= now + period)
        arch_interrupt_again(line);
    else
        arch_interrupt_at(line, unit->paid - period);
}
