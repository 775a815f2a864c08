/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The early closer (invariant I2): the first thing that runs on the machine. It makes every SMMUv3
 * of the board's linked table abort all transactions, before the device tree is looked at, before
 * memory is cleared, before relocation.
 *
 * early.c is position-independent by itself: it refers to nothing but the table it is given, stores
 * to nothing but the stack and registers, and calls nothing.
 */
#ifndef DRIVERS_IOMMU_SMMUV3_EARLY_H
#define DRIVERS_IOMMU_SMMUV3_EARLY_H

#include "drivers/iommu/early.h"
#include "lib/types.h"

/*
 * Closes the units whose register bases stand in bases[0..count), count <= EARLY_UNITS. Runs once,
 * on the boot CPU, with the MMU on or off. Work: at most EARLY_POLLS register reads a wait, three
 * waits a unit. (IHI 0070 6.3.12 SMMU_GBPA, 6.3.9 SMMU_CR0.)
 */
void smmuv3_close_early(const uint64_t *bases, uint32_t count, struct early_report *report);

/* The same for one unit that the table did not name. */
enum early_state smmuv3_close(uint64_t base);

#endif
