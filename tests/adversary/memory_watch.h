/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another CPU that changes memory while a call reads it, at any instruction: every access to the memory that is
 * watched faults, is told, and is then made by itself (x86-64's trap flag). The code under test is what the
 * compiler made of the product, with nothing added.
 */
#ifndef TESTS_ADVERSARY_MEMORY_WATCH_H
#define TESTS_ADVERSARY_MEMORY_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_access {
    uint64_t offset; /* in what is watched */
    bool write;
    const char *function; /* that makes it; "?" is the C library's */
};

/* Calls before() ahead of each access to the whole pages at memory; it may change them. One watch at a time. */
void memory_watch(void *memory, size_t size, void (*before)(const struct memory_access *access));

/* Ends it; answers how many accesses there were. */
unsigned int memory_watch_end(void);

#endif
