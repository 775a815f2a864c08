/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of the GICv3 where a partition sees it (docs/configuration.md), after Arm IHI 0069 12.9
 * (distributor) and 12.11 (redistributor): for tests that go past sdk/gic.h, or have no SDK.
 */
#ifndef GUESTS_COMMON_GIC_REGISTERS_H
#define GUESTS_COMMON_GIC_REGISTERS_H

#define GICD_BASE 0x08000000u
#define GICD_CTLR (GICD_BASE + 0x0000)
#define GICD_CTLR_ON 0x12u /* affinity routing, group 1 */
#define GICD_TYPER (GICD_BASE + 0x0004)
#define GICD_ISENABLER(word) (GICD_BASE + 0x0100 + (word)*4u)
#define GICD_ISPENDR(word) (GICD_BASE + 0x0200 + (word)*4u)
#define GICD_ISACTIVER(word) (GICD_BASE + 0x0300 + (word)*4u)
#define GICD_IPRIORITYR(intid) (GICD_BASE + 0x0400 + (intid))
#define GICD_IROUTER(intid) (GICD_BASE + 0x6000 + (intid)*8u)
#define GICD_PIDR2 (GICD_BASE + 0xffe8)
#define GICD_PIDR2_VERSION_3 0x30u

#define GICR_BASE 0x080a0000u
#define GICR_TYPER (GICR_BASE + 0x0008)
#define GICR_TYPER_LAST 0x10u
#define GICR_WAKER (GICR_BASE + 0x0014)
#define GICR_WAKER_ASLEEP 4u /* ChildrenAsleep */

/* The frame of private interrupts. */
#define GICR_PRIVATE 0x080b0000u
#define GICR_IGROUPR0 (GICR_PRIVATE + 0x0080)
#define GICR_ISENABLER0 (GICR_PRIVATE + 0x0100)
#define GICR_ICENABLER0 (GICR_PRIVATE + 0x0180)
#define GICR_ICPENDR0 (GICR_PRIVATE + 0x0280)
#define GICR_IPRIORITYR (GICR_PRIVATE + 0x0400)

#endif
