/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of arch/arm64 that run guests share. All of it on the CPU of the guest, in its trap; constant
 * work. */
#ifndef ARCH_ARM64_GUEST_H
#define ARCH_ARM64_GUEST_H

#include "arch/arch.h"
#include "vcpu.h"

struct guest_frame;

extern const struct arch_guest_ops *guest_ops;

/* A system register that traps: encoding as in the syndrome without direction and register, bits
 * 21:5 and 4:1. True: emulated, *value read or written. False: undefined for this guest. */
bool guest_sysreg(struct vcpu *vcpu, uint64_t syndrome, uint64_t *value);

/* A register of AArch32's coprocessors that traps; class is the syndrome's. As above. */
bool guest_coprocessor(struct vcpu *vcpu, unsigned int class, uint64_t syndrome, uint64_t *value);

/* A write to the register that raises software-generated interrupts. */
void guest_software_interrupt(struct vcpu *vcpu, uint64_t value);

/* Makes the guest take an undefined-instruction exception at its own EL1. */
void guest_inject_undefined(struct guest_frame *frame);

/* Goes on behind the instruction that trapped with that syndrome. */
void guest_advance(struct guest_frame *frame, uint64_t syndrome);

#endif
