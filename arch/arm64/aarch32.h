/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests whose EL1 is AArch32 (Arm ARM G1): their first state, and the exceptions that the
 * hypervisor makes them take. Registers stand in struct guest_frame as the AArch64 view has them
 * (D1.20.1): r0 to r12 in x0 to x12, the banked ones above. All on the CPU of the guest; constant work.
 */
#ifndef ARCH_ARM64_AARCH32_H
#define ARCH_ARM64_AARCH32_H

#include "arch/arm64/guest.h"

/* The frame at the first instruction: SVC mode, A, I and F masked. */
void aarch32_frame_start(struct guest_frame *frame, const struct arch_start *start);

/* Registers of EL1 and EL0 that only AArch32 sees, and those that start otherwise than in
 * AArch64. Only on a CPU that has AArch32 at EL1. */
void aarch32_registers_start(void);

/* Goes on behind the trapped instruction. */
void aarch32_advance(struct guest_frame *frame, uint64_t syndrome);

/* Makes the guest take an Undefined Instruction exception. */
void aarch32_inject_undefined(struct guest_frame *frame);

#endif
