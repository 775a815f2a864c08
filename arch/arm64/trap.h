/* SPDX-License-Identifier: Apache-2.0 */
/* C entry points of vectors.S, with the state of the guest that was interrupted. */
#ifndef ARCH_ARM64_TRAP_H
#define ARCH_ARM64_TRAP_H

#include "arm64.h"

/* x: the saved x0 to x18 of the caller; the results go there. */
void trap_hypercall(uint64_t *x, struct cpu *cpu);
void trap_synchronous(struct guest_frame *frame);
void trap_interrupt(struct guest_frame *frame);
void trap_serror(struct guest_frame *frame);

void trap_aarch32_hypercall(uint64_t *x, struct cpu *cpu);

/* What else trap_synchronous() finds that AArch64 has not. */
void trap_aarch32(struct vcpu *vcpu, struct guest_frame *frame, uint64_t syndrome);

#endif
