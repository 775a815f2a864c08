/* SPDX-License-Identifier: Apache-2.0 */
/* What IOMMUs report: faults go to the device's record and, a few lines at a time, to the log
 * (I9). */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include "drivers/iommu/iommu.h"

extern const struct iommu_events fault_events;

/* "translation", "permission", ...: the names of BH_CAUSE_*. */
const char *fault_cause_name(uint32_t cause);

#endif
