/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of a GICv3 as one vCPU needs: the distributor with the shared interrupts, its own redistributor
 * with the private ones, the CPU interface by system registers. Addresses come from the tree's arm,gic-v3
 * node: reg 0 the distributor, reg 1 the redistributors, of which the first is this vCPU's. Arm IHI 0069:
 * 12.9 (distributor), 12.11 (redistributor), 12.2 (CPU interface).
 *
 * Interrupts stay masked unless the program asks. With masked interrupts WFI still wakes on a
 * pending one, and gic_acknowledge() tells which: no handler, no lost wake-up.
 */
#ifndef BULKHEAD_SDK_GIC_H
#define BULKHEAD_SDK_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_INTID_LIMIT 1020 /* this and above: no interrupt to take */

/* Brings the GIC up, once; later calls return what the first did. False: no GICv3 in the tree, or one that
 * does not answer. No function here waits for it longer than a tenth of a second. */
bool gic_init(void);

/* Enables a private interrupt, INTID 0 to 31; whether it is enabled; forgets that it is pending, once its source
 * is quiet. After gic_init(). */
void gic_enable_private(uint32_t intid);
bool gic_private_is_enabled(uint32_t intid);
void gic_clear_private(uint32_t intid);

/* Enables a shared interrupt, INTID 32 on: a device's (bh_device_info.interrupt), or the hypervisor's own;
 * and disables it: it is not taken any more when this returns. After gic_init(). */
void gic_enable_shared(uint32_t intid);
void gic_disable_shared(uint32_t intid);

/* Forgets that a shared interrupt, an edge, is pending. After gic_init(). */
void gic_clear_shared(uint32_t intid);

/* Raises a software-generated interrupt of this vCPU, INTID 0 to 15. After gic_init(). */
void gic_raise(uint32_t intid);

/* Takes the pending interrupt of highest priority; GIC_INTID_LIMIT or above: none. */
uint32_t gic_acknowledge(void);

/* Ends an interrupt that was taken. Its source must be quiet, or it comes again. */
void gic_end(uint32_t intid);

/* Lets IRQs reach bh_interrupt(), or masks them again. */
void gic_unmask(void);
void gic_mask(void);

#endif
