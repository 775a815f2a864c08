/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C entry points of vectors.S, with the state of the guest that was interrupted: on the guest's CPU, interrupts
 * masked, no lock held. All return to the guest, unless it is ended.
 */
#ifndef ARCH_ARM64_TRAP_H
#define ARCH_ARM64_TRAP_H

#include "arm64.h"

/* HVC from AArch64. x: the saved x0 to x18 of the caller; the results go there. */
void trap_hypercall(struct cpu *cpu, uint64_t *x);

/* HVC from AArch32: the same registers, of which r0 to r12 are the caller's. */
void trap_aarch32_hypercall(struct cpu *cpu, uint64_t *x);

/* Every other synchronous exception of either width: traps, faults of stage 2, aborts. */
void trap_synchronous(struct guest_frame *frame);

/* A physical interrupt that came while the guest ran. */
void trap_interrupt(struct guest_frame *frame);

/* An SError: the guest is taken for its cause and ends (I8). */
void trap_serror(struct guest_frame *frame);

/* What else trap_synchronous() finds that AArch64 has not. */
void trap_aarch32(struct vcpu *vcpu, struct guest_frame *frame, uint64_t syndrome);

#endif
