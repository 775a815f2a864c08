/* SPDX-License-Identifier: Apache-2.0 */
/* What IOMMUs report: faults go to the device's record, to the event ring of who has it bound and, a few
 * lines at a time, to the log (I9). */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "drivers/iommu/iommu.h"

extern const struct iommu_events fault_events;

/* Handler of a unit's lines for events and errors; argument: the struct iommu. Boot CPU. However many
 * events come, all units together take a tenth of the CPU's time, in equal parts, and one call reads a part
 * of its unit's queue at most. */
void fault_interrupt(void *argument);

/* "translation", "permission", ...: the names of BH_CAUSE_*; "other" for any other number. */
const char *fault_cause_name(uint32_t cause);

#endif
