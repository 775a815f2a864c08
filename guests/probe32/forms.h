/* SPDX-License-Identifier: Apache-2.0 */
/* Single instructions in every form that matters to what they trap as: forms.S. */
#ifndef GUESTS_PROBE32_FORMS_H
#define GUESTS_PROBE32_FORMS_H

#include <stdint.h>

/* One undefined instruction and the return. `udf` is undefined for the CPU, without a trap; the other
 * reads a register of the performance monitors, which the hypervisor says is undefined. */
void a32_udf(void);
void a32_trapped(void);
void t32_udf(void);
void t32_trapped(void);
/* In an IT block of that instruction alone, whose condition holds. */
void t32_udf_in_it(void);
void t32_trapped_in_it(void);

/* Calls it with that CPSR, mode and masks included; it has no stack. */
void run_with(void (*function)(void), uint32_t cpsr);

/* Sum of 1, 2 and 4 for those instructions of an IT block behind a trapped one that were executed. */
uint32_t t32_block_eq_eq_ne(void);           /* ittet eq, the trapped first: expects 1 and 4 */
uint32_t t32_block_narrow(uint32_t address); /* the same with a 16-bit load of a register */
uint32_t t32_load_narrow(uint32_t address);

/* Every banked register of a mode as the target of a trapped MRC and of a trapped load: counts those
 * that did not get the expected value, or that changed a register of another name. */
uint32_t banked_targets(uint32_t mode, uint32_t address, uint32_t expected, uint32_t id);

/* A call with a pattern in all registers: how many of r4 to r12, sp, lr and the flags it changed. */
uint32_t registers_changed_by(const uint32_t arguments[6]);

/* Writes garbage into every register that a partition can write, then resets it. */
_Noreturn void spoil_and_reset(void);

#endif
