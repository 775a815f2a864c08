/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book's part about calls that change many mappings or read structures: remap, copy, unmap_all and batches. What
 * they read in the caller's memory is read here before the call, once.
 */
#ifndef TESTS_FUZZ_CHANGES_H
#define TESTS_FUZZ_CHANGES_H

#include "tests/fuzz/book_parts.h"

/* The errors that the ABI allows for such a call of x[0]; 0: it must not be refused. */
uint32_t changes_causes(unsigned int guest, const uint64_t *x);

/* Enters what was answered with BH_OK or BH_EAGAIN. */
void changes_enter(unsigned int guest, const uint64_t *x, int64_t answer);

/* Whether the number is that of such a call. */
bool changes_has(uint64_t number);

#endif
