/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/line.h"

#include "kernel/partition.h"
#include "lib/log.h"

/* Another device of the partition that is bound has opened the same line. */
static bool line_in_use(const struct partition *partition, const struct device *device)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *other = partition->device[i];

        if (other != device && other->bound == partition && other->line == device->line &&
            other->line_refusal == NULL)
            return true;
    }
    return false;
}

void line_open(struct partition *partition, struct device *device)
{
    uint32_t interrupt = partition_interrupt(partition, device);

    if (interrupt == 0)
        return;
    if (line_in_use(partition, device) ||
        arch_interrupt_route(device->line, &partition->vcpu, interrupt)) {
        pci_set_interrupts(device->function, true);
        return;
    }
    __atomic_store_n(&device->line_refusal, "cannot be routed", __ATOMIC_RELEASE);
    device_tell_refused_line(device, partition->name);
}

/* No device that raises that line is given to anybody again. Those that partitions may bind are all in the
 * hands of one, whose CPU this is, or in the group whose lock is held. */
static void withhold(uint32_t line)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->line != line)
            continue;
        device->refusal = "has an interrupt line that was not masked in time";
        log_error("%s: its interrupt line was not masked in time: nobody gets it any more",
                  device->name);
    }
}

bool line_close(struct partition *partition, const struct device *device)
{
    if (partition_interrupt(partition, device) == 0)
        return true;
    pci_set_interrupts(device->function, false);
    if (line_in_use(partition, device) || arch_interrupt_unroute(device->line))
        return true;
    withhold(device->line);
    return false;
}
