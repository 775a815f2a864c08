/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The book's part about calls that change many mappings or read structures: remap, copy, unmap_all and batches. What
 * they read in the caller's memory is read here before the call, once.
 */
#ifndef TESTS_FUZZ_CHANGES_H
#define TESTS_FUZZ_CHANGES_H

#include "tests/fuzz/book.h"

/* The errors that the ABI allows for such a call of x[0]; 0: it must not be refused. */
uint32_t changes_causes(unsigned int guest, const uint64_t *x);

/* Enters what was answered with BH_OK or BH_EAGAIN. */
void changes_enter(unsigned int guest, const uint64_t *x, int64_t answer);

/* Whether the number is that of such a call. */
bool changes_has(uint64_t number);

/* Of the rest of the book (book.c). */
struct book_space *book_space(unsigned int guest, uint64_t id);
bool book_own_memory(unsigned int guest, uint64_t address, uint64_t size);
unsigned int book_pages_free(unsigned int guest);
uint32_t book_causes_of_unmap(unsigned int guest, const uint64_t *x);

#endif
