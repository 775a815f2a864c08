/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered checks and the console of the 32-bit probe; as guests/probe/check.h, by hypercall alone. */
#ifndef GUESTS_PROBE32_CHECK_H
#define GUESTS_PROBE32_CHECK_H

#include <bulkhead/abi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_UNUSABLE 119 /* no such test, or a word of bootargs is missing */

struct call_result {
    uint32_t value[4]; /* r0 to r3 */
};

/* HVC with r0 = function and r1 to r5. */
struct call_result call(uint32_t function, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                        uint32_t e);

/* A call of Bulkhead's by its number; its status. */
int32_t bulkhead(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e);

void print(const char *text);
void print_number(uint32_t value);

void check_equal(uint32_t expected, uint32_t seen, const char *what);
void check_true(bool holds, const char *what);

/* Whether one has failed so far. */
bool check_failed(void);

/* Prints how many there were. Returns the exit code: 0, or the number of the first that failed. */
int check_result(void);

/* The text behind name= in bootargs, up to a space; NULL: there is none. */
const char *argument(const char *name);
bool argument_number(const char *name, uint32_t *value);

extern uint32_t tree_address;

#endif
