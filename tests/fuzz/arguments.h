/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of calls, as a run of the fuzzer (hypercalls.c) chooses them: mostly right, sometimes bent. */
#ifndef TESTS_FUZZ_ARGUMENTS_H
#define TESTS_FUZZ_ARGUMENTS_H

#include "tests/fuzz/book.h"

#define BASE UINT64_C(0x40000000)

/* A run goes its own way even where every choice is the plainest one: which of several ordinary things is
 * done depends on the salt, on the step and on the choice. Seeds leave the plainest choice more or less often: many
 * salts tell the runs apart. */
void choose_salt(void);

/* Below count; one of the values. */
unsigned int vary(unsigned int count);
uint64_t pick(const uint64_t *values, unsigned int count);

#define PICK(...)                                                                                  \
    pick((const uint64_t[]){ __VA_ARGS__ },                                                        \
         (unsigned int)(sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)))

/* Mostly as it should be, sometimes bent. */
uint64_t bend(uint64_t value);

/* Mostly one for which the call makes sense: bound by the caller, or free. */
uint64_t device_of(unsigned int partition, bool bound);
uint64_t some_device(void);

/* Mostly a live one, sometimes one that is gone. */
struct book_space *space_of(unsigned int partition);
uint64_t some_space(unsigned int partition);

uint64_t some_iova(void);
uint64_t some_size(void);
/* All that a guest sees, too. */
uint64_t some_address(void);

#endif
