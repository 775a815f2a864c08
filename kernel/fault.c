/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/fault.h"

#include "bulkhead/abi.h"
#include "kernel/assign.h"
#include "kernel/partition.h"
#include "lib/log.h"

/* Within one window a device gets so many lines in the log; a parked one so many events before it
 * falls silent (row 1.12). */
#define WINDOW_MICROSECONDS 1000000
#define WINDOW_LINES 8
#define WINDOW_EVENTS 4096
/* Faults on one page that follow each other this closely are one transfer. */
#define BURST_MICROSECONDS 10000

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

/* The partition a device belongs to now, for people. */
static const char *owner_name(const struct device *device)
{
    struct owner owner = owner_decode(atomic_load(&device->group->owner));

    return owner.state == OWNER_PARTITION ? partitions.partition[owner.index].name : "none";
}

static bool same_burst(const struct device_faults *faults, const struct iommu_fault *fault)
{
    uint64_t burst = time_ticks_per_second() / 1000000 * BURST_MICROSECONDS;

    return faults->count != 0 && time_now() - faults->last < burst &&
           faults->cause == fault->cause && faults->access == fault->access &&
           align_down(faults->iova, PAGE_SIZE) == align_down(fault->iova, PAGE_SIZE);
}

static void open_window(struct device_faults *faults)
{
    uint64_t now = time_now();

    if (faults->window_count != 0 &&
        now - faults->window_start < time_ticks_per_second() / 1000000 * WINDOW_MICROSECONDS)
        return;
    faults->window_start = now;
    faults->window_count = 0;
    faults->window_lines = 0;
}

/* Counts the fault in its window and keeps it as the last one. A burst on one page is one line
 * of the log; the record counts each fault of it. */
static void record(struct device_faults *faults, const struct iommu_fault *fault,
                   const char *device, const char *owner)
{
    bool quiet = same_burst(faults, fault);

    open_window(faults);
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

/* A parked device that fills the queue is not heard any more, unless another uses its stream. Its
 * group may be in use at this moment: then the next fault tries again. */
static void silence_parked(struct device *device)
{
    if (device->silent || !lock_try(&device->group->lock))
        return;
    if (device_by_stream(device->iommu, device->stream)->ioas == NULL) {
        log_warning("device %s floods the event queue while parked: no more reports of it",
                    device->name);
        device_park(device, true);
    }
    lock_release(&device->group->lock);
}

/* Boot CPU, from the unit's event interrupt. */
static void on_fault(struct iommu *iommu, const struct iommu_fault *fault)
{
    static struct device_faults unknown;
    struct device *device = device_by_stream(iommu, fault->stream);

    if (device == NULL) {
        record(&unknown, fault, "unknown", "none");
        return;
    }
    record(&device->faults, fault, device->name, owner_name(device));
    if (device->faults.window_count > WINDOW_EVENTS)
        silence_parked(device);
}

static void on_lost(struct iommu *iommu)
{
    struct device *most = NULL;

    if (iommu->counters.events_lost == 1)
        log_warning("%s: event queue overflowed: some faults were not recorded",
                    iommu->topology->name);
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->iommu != iommu)
            continue;
        device->faults.lost++;
        if (most == NULL || device->faults.window_count > most->faults.window_count)
            most = device;
    }
    if (most != NULL)
        silence_parked(most);
}

static void on_silenced(struct iommu *iommu, enum iommu_failure reason)
{
    static const char *const names[] = {
        [FAILURE_DEADLINE] = "missed a deadline",
        [FAILURE_COMMAND] = "refused its commands",
        [FAILURE_EVENT_QUEUE] = "cannot write its event queue",
        [FAILURE_SERVICE] = "reported that it failed",
    };

    assign_cut_off(iommu);
    log_error("%s %s: silenced, the devices behind it are cut off", iommu->topology->name,
              names[reason]);
}

const struct iommu_events fault_events = {
    .fault = on_fault,
    .lost = on_lost,
    .silenced = on_silenced,
};
