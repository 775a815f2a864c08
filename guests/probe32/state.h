/* SPDX-License-Identifier: Apache-2.0 */
/* What start.S writes down: the registers at the first instruction, and undefined instructions. */
#ifndef GUESTS_PROBE32_STATE_H
#define GUESTS_PROBE32_STATE_H

#include <bulkhead/abi.h>

#define START_WORDS (START_FPSCR + 1 + 64) /* d0 to d31 */
#define START_BYTES (4 * START_WORDS)

/* Words of the state that are not zero. */
#define START_R1 1
#define START_R2 2
#define START_CPSR 15
#define START_SCTLR 36
#define START_MPIDR 60
#define START_FPEXC 61
#define START_FPSCR 62

/* Offsets into struct undefined_state. */
#define UNDEFINED_COUNT 0
#define UNDEFINED_LR 4
#define UNDEFINED_RETURN 8
#define UNDEFINED_CPSR 12
#define UNDEFINED_R1 16
#define UNDEFINED_R2 20

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
    uint32_t return_cpsr; /* what the handler returns to */
    uint32_t cpsr;        /* on entry to the handler */
    uint32_t kept[2];     /* the handler's own */
};
extern volatile struct undefined_state undefined_state;

#define CPSR_OF_TESTS 0x1d3u /* SVC mode, A32, all masked */

/* Called in that mode, IRQ or FIQ. */
void interrupt_taken(uint32_t mode);

extern char vectors[], vectors_t32[];

/* Calls it in USR mode; it has no stack. */
uint32_t run_user(uint32_t (*function)(void));
#endif
#endif
