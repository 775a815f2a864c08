/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviours of this program. */
#ifndef GUESTS_SELFCHECK_SELFCHECK_H
#define GUESTS_SELFCHECK_SELFCHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Checks (check.h of guests/common): the exit code is the number of the first that failed. */
int test_library(void);    /* newlib and the memory that the program is given */
int test_calls(void);      /* hypercalls, and arguments that a register does not hold */
int test_interrupts(void); /* time, and registers across an interrupt */
int test_deaf(void);       /* an interrupt controller that does not answer */
int test_sleep(void);      /* interrupts of others while the program sleeps; needs an edu */

/* The calls that change many mappings, as the writes of a device see them; needs an edu. */
int test_mappings(void);

/* Whether that interrupt, which was taken, is one of test_sleep(): then it has been dealt with. */
bool sleep_takes(uint32_t intid);

/* Repeats each line that is typed, as the C library reads it, until the line "end". */
int test_listen(void);

/* Any calls with any arguments, and as much of one thing as a partition can do. */
int test_wild(void);
int test_storm(void);

/* Ends: the exit code says which. A program that comes back from them has failed. */
int end_undefined(void);
int end_write_code(void);
int end_write_constant(void);
int end_run_data(void);
int end_run_stack(void);
int end_deep_recursion(void);
int end_abort(void);
int end_large_code(void);

#endif
