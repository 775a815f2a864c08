/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GICv3 that a guest sees (IHI 0069): a distributor without shared lines (ITLinesNumber 0), one
 * redistributor, and the CPU interface that the hardware virtualises with list registers.
 *
 * All calls by the CPU that the vCPU is pinned to.
 */
#ifndef ARCH_ARM64_VDEV_VGIC_H
#define ARCH_ARM64_VDEV_VGIC_H

#include "arch/arm64/guest.h"

/* Reset state, list registers empty, virtual interface on. */
void vgic_start(struct vgic *vgic);

/* Empties the list registers and turns the virtual interface and the guest's timer line off. */
void vgic_stop(struct vgic *vgic);

/* True if the guest-physical address is in the distributor or the redistributor. */
bool vgic_contains(uint64_t address);

/* An access to the registers. Those that do not exist read as zero and ignore writes (12.1.3). */
void vgic_access(struct vgic *vgic, struct guest_access *access);

/* The physical virtual-timer interrupt came: hands it to the guest, who will deactivate it. */
void vgic_timer(struct vcpu *vcpu);

/* A software-generated interrupt of the guest to itself. */
void vgic_software(struct vgic *vgic, uint32_t interrupt);

/* Moves pending interrupts into list registers that have come free. */
void vgic_refill(struct vgic *vgic);

#endif
