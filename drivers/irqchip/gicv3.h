/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 distributor and redistributors (IHI 0069, chapter 12), by memory-mapped registers. */
#ifndef DRIVERS_IRQCHIP_GICV3_H
#define DRIVERS_IRQCHIP_GICV3_H

#include "drivers/topology/topology.h"

/* All lines off and in group 1, affinity routing on. Boot CPU, once, registers mapped. False:
 * missed its deadline. Work: the lines. */
bool gicv3_distributor_start(uint64_t base);

/* Finds the redistributor of a CPU, wakes it, all private interrupts off and in group 1. Returns
 * its physical base, or 0. */
uint64_t gicv3_redistributor_start(struct topology_range registers, uint64_t affinity);

/* Enables or disables interrupt 0 to 31 of a redistributor. */
void gicv3_private_enable(uint64_t redistributor, uint32_t interrupt, bool enable);

/* Makes interrupt 0 to 31 of a redistributor inactive. */
void gicv3_private_deactivate(uint64_t redistributor, uint32_t interrupt);

/* Makes a shared line pending. */
void gicv3_line_pend(uint32_t interrupt);

/* Routes a shared line (INTID 32 on) to a CPU and enables it. False: the distributor has no such
 * line. */
bool gicv3_line_enable(uint32_t interrupt, bool edge, uint64_t affinity);

#endif
