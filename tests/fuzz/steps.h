/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of the fuzzer (hypercalls.c) is made of: what a partition does, and what hardware does. */
#ifndef TESTS_FUZZ_STEPS_H
#define TESTS_FUZZ_STEPS_H

#include "tests/fuzz/book.h"

/* A call by the book. */
int64_t step_call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                  uint64_t d, uint64_t e);

/* All of a bind or of a reset, or a part. */
void step_bind(unsigned int partition, uint64_t device);
void step_reset(unsigned int partition, uint64_t device);
void step_bind_message(unsigned int partition);
void step_map(unsigned int partition);
void step_unmap(unsigned int partition);
/* Something that is mapped led elsewhere or mapped once more, or several maps or unmaps in one call. */
void step_change(unsigned int partition);
void step_ask(unsigned int partition);
/* Any number but those that end a partition, and anything for arguments. */
void step_anything(unsigned int partition);
/* A device is given to a partition; whose CPU leaves its guest if it was asked to. */
void step_give(unsigned int partition);
void step_recall(unsigned int partition);
/* The manager's order, and what the other partition's CPU does of it. */
void step_control(unsigned int partition);
/* True: the machine is off. */
bool step_power(unsigned int partition);

/* A device accesses memory, whether or not it has been told that it may. */
void step_fire(void);
/* A device raises messages, its own or not; they are taken or wait. */
void step_raise(void);
/* The unit fetches, forgets, or fails. */
void step_hardware(void);

#endif
