/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls on unequal units are counted by: the state that a call found, itself, and what it answered. */
#ifndef TESTS_FUZZ_UNITS_STATE_H
#define TESTS_FUZZ_UNITS_STATE_H

#include "lib/types.h"
#include "tests/unit/machine.h"

#define UNITS_KINDS 3
#define UNITS_SPACES 5
#define NO_SPACE UNITS_SPACES
#define UNITS_STATES (UNITS_KINDS * 3 * 5 * 3)
#define UNITS_RESULTS 14 /* good, and each error */
#define UNITS_TRIPLES (UNITS_STATES * BH_CALL_LIMIT * UNITS_RESULTS)

/* Where the triples are marked; a run of its own process has them in memory that others see. */
struct units_tally {
    uint64_t calls;
    uint8_t seen[UNITS_TRIPLES];
};
extern struct units_tally *units_tally;

void units_state_reset(void);
/* The unit that the device stands behind; whether it is bound and attached; whether the space is there, empty,
 * or how many units devices are attached to it behind; whether the device is attached there. */
unsigned int units_state_of(unsigned int device, unsigned int space);
void units_note(unsigned int state, unsigned int number, int64_t result);
/* Of this run. */
unsigned int units_calls(void);

/* Spaces by number; id 0: none. */
uint64_t units_id(unsigned int space);
unsigned int units_some_space(unsigned int draw);
unsigned int units_room(void);
void units_space_made(unsigned int space, uint64_t id);
void units_space_gone(unsigned int space);

/* What is to be there again at the end. */
struct units_pools {
    uint32_t pages;
    unsigned int tags[UNITS_KINDS];
};
struct units_pools units_pools(void);
void units_pools_compare(const struct units_pools *before);

#endif
