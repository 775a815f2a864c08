/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU of AArch64: what does not stay in the registers of the CPU that it is pinned to. */
#ifndef ARCH_ARM64_VCPU_H
#define ARCH_ARM64_VCPU_H

#include "arm64.h"
#include "lib/types.h"

#define VGIC_PRIVATE 32 /* SGIs 0 to 15, PPIs 16 to 31; there are no SPIs yet */
#define VGIC_LIST_REGISTERS 16

/* The interrupt controller as one vCPU sees it. Touched only by the CPU that the vCPU is
 * pinned to. */
struct vgic {
    uint32_t group;   /* GICR_IGROUPR0 */
    uint32_t enabled; /* GICR_ISENABLER0 */
    uint32_t pending; /* raised and not yet in a list register */
    uint32_t edge;    /* GICR_ICFGR as a bit an interrupt */
    uint8_t priority[VGIC_PRIVATE];
    uint32_t distributor_control; /* GICD_CTLR */
    uint32_t waker;               /* GICR_WAKER */
    unsigned int list_registers;  /* that the hardware has */
};

struct vcpu {
    struct partition *partition;
    struct guest_frame frame; /* only for the first entry */
    uint64_t stage2_root;
    uint16_t tag;
    bool aarch32;
    struct vgic vgic;
};

#endif
