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
uint64_t gicv3_redistributor_start(const struct topology *topology, uint64_t affinity);

enum gicv3_state { GICV3_ENABLED, GICV3_PENDING, GICV3_ACTIVE };

/* Sets or clears one state of an interrupt: of the redistributor's (0 to 31), or of a shared line. One
 * that was disabled is not signalled any more when this returns. False: it may be, since the controller
 * missed its deadline. Any CPU. */
bool gicv3_set(uint64_t redistributor, uint32_t interrupt, enum gicv3_state state, bool on);

/* Whether it is pending now. */
bool gicv3_is_pending(uint64_t redistributor, uint32_t interrupt);

/* Routes a shared line (INTID 32 on) to a CPU; it stays off. Level-triggered and less urgent than the lines
 * of gicv3_line_enable(). False: the distributor has no such line. */
bool gicv3_line_route(uint32_t interrupt, uint64_t affinity);

/* Routes a shared line to a CPU and enables it. Boot only: what it changes is shared with the lines
 * beside. False: as above, or the line could not be turned off to be configured. */
bool gicv3_line_enable(uint32_t interrupt, bool edge, uint64_t affinity);

#endif
