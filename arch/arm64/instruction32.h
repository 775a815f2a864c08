/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of AArch32 that trapped, from the syndrome and the SPSR that they left
 * (Arm ARM F1.3, K1): plain arithmetic, which the unit tests run on the host.
 */
#ifndef ARCH_ARM64_INSTRUCTION32_H
#define ARCH_ARM64_INSTRUCTION32_H

#include "lib/types.h"

/* False: the condition fails, the instruction does nothing. Classes 0x01 to 0x0C and 0x13 alone have
 * what this looks at. */
bool instruction32_holds(uint64_t spsr, uint64_t syndrome);

/* The SPSR behind the instruction: the next one of an IT block, or none. */
uint64_t instruction32_advance(uint64_t spsr);

/* What an Undefined Instruction exception makes of a CPU (G1.12.2). */
struct instruction32_entry {
    uint64_t address; /* of the handler */
    uint64_t spsr;    /* its state, as an exception return from AArch64 takes it */
    uint64_t link;    /* LR_und */
    uint64_t saved;   /* SPSR_und */
};

/* elr and spsr: of the instruction; control and vectors: SCTLR and VBAR. */
void instruction32_undefined(uint64_t elr, uint64_t spsr, uint64_t control, uint64_t vectors,
                             struct instruction32_entry *entry);

/*
 * The AArch64 view's number of a general register, from the one that a syndrome has. It should be that
 * already, but not every emulator converts it: in a mode with that register banked, the number which
 * the instruction names is none of the view's, so that converting twice does no harm.
 */
unsigned int instruction32_register(uint64_t spsr, unsigned int number);

#endif
