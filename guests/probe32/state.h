/* SPDX-License-Identifier: Apache-2.0 */
/* What start.S writes down: the registers at the first instruction, and undefined instructions. */
#ifndef GUESTS_PROBE32_STATE_H
#define GUESTS_PROBE32_STATE_H

#include <bulkhead/abi.h>

#define START_WORDS 62
#define START_BYTES (4 * START_WORDS)

/* Words of the state that are not zero. */
#define START_R1 1
#define START_R2 2
#define START_CPSR 15
#define START_SCTLR 36
#define START_MPIDR 60
#define START_FPEXC 61

/* Offsets into struct undefined_state. */
#define UNDEFINED_COUNT 0
#define UNDEFINED_LR 4
#define UNDEFINED_SPSR 8
#define UNDEFINED_CPSR 12

#define EXIT_PREFETCH_ABORT 120
#define EXIT_DATA_ABORT 121

#ifndef __ASSEMBLER__
#include <stdint.h>

/* In the order of start.S, which state.c names. */
extern uint32_t start_state[START_WORDS];

/* Of the last undefined instruction; count of all. */
struct undefined_state {
    uint32_t count;
    uint32_t lr;
    uint32_t spsr;
    uint32_t cpsr; /* on entry to the handler */
};
extern volatile struct undefined_state undefined_state;

/* Called in IRQ mode. */
void interrupt_taken(void);
#endif
#endif
