/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where wrong calls begin (test_wild.c, test_matrix.c): two partitions on the machine of the fuzzer, each with a
 * device of its own, spaces, mappings, attachments and a ring, all of it entered in the book.
 */
#ifndef TESTS_FUZZ_SCENE_H
#define TESTS_FUZZ_SCENE_H

#include "tests/fuzz/book.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define STRUCTURE (BASE + 0x210000)
#define RING (BASE + 0x300000)
#define SPARE (BASE + 0x100000) /* memory that is mapped for nobody */
/* What calls read, in the caller's memory: each begins a page of its own. */
#define COPY (BASE + 0x140000)
#define MAPS (BASE + 0x141000)
#define UNMAPS (BASE + 0x142000)
#define IOVA UINT64_C(0x10000)
#define CALLER 1u /* does not list the fifth device, and shares a stream with nobody else */
#define OTHER 0u
#define ARGUMENTS 5

/* The ids of what there is; 0 where there is nothing of it. */
struct scene_ids {
    uint64_t bound, free, attached, foreign, unlisted, clock; /* devices */
    uint64_t full, empty, gone, strange; /* spaces; the last is the other partition's */
};
extern struct scene_ids id;

/* A call by the book. */
int64_t make(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
             uint64_t d, uint64_t e);

/* The machine has booted, nobody has anything. */
void scene_begin(void);

/* Both partitions have a device and spaces, one of them mapped and attached, and the caller has a ring. */
void scene_own_things(void);

#endif
