/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU of AArch64: what does not stay in the registers of the CPU that it is pinned to. */
#ifndef ARCH_ARM64_VCPU_H
#define ARCH_ARM64_VCPU_H

#include <stdatomic.h>

#include "arch/arm64/vdev/vgic.h"
#include "arm64.h"
#include "lib/types.h"

struct vcpu {
    struct partition *partition;
    struct guest_frame frame; /* only for the first entry */
    uint64_t stage2_root;
    uint16_t tag;
    bool aarch32;
    struct vgic vgic;        /* touched only by the CPU that the vCPU is pinned to */
    struct cpu *_Atomic cpu; /* where it runs; NULL: it does not */
    _Atomic bool recalled;   /* that CPU is to leave the guest once */
};

#endif
