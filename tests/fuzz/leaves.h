/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a translation tree must hold, by the text of the ABI alone: stretches of leaves of one size, in
 * ascending order, and how many table pages a tree of them takes. No word of a real table is read here.
 */
#ifndef TESTS_FUZZ_LEAVES_H
#define TESTS_FUZZ_LEAVES_H

#include "lib/types.h"

#define LEAVES_STRETCHES 192
#define LEAVES_NO_BOUND UINT32_MAX

/* count leaves of 4 KiB << 9 * height each. */
struct stretch {
    uint64_t from, address;
    unsigned int height;
    uint64_t count;
    uint32_t access;
};

struct leaves {
    unsigned int top; /* height of the root */
    unsigned int count;
    struct stretch stretch[LEAVES_STRETCHES];
};

/* A tree for addresses below 2^bits, empty. */
void leaves_start(struct leaves *leaves, unsigned int bits);

/* The stretches that a map of size bytes writes with at most `bound` leaves, added to `leaves`, whether
 * or not something is there already. Answers how many bytes they cover. */
uint64_t leaves_add(struct leaves *leaves, uint64_t from, uint64_t address, uint64_t size,
                    uint32_t access, uint32_t bound);

/* How many bytes leaves_add() would cover. */
uint64_t leaves_would_add(const struct leaves *leaves, uint64_t from, uint64_t address,
                          uint64_t size, uint32_t bound);

/* True if [from, +size) holds a part of a leaf. */
bool leaves_any(const struct leaves *leaves, uint64_t from, uint64_t size);

/* True if an edge of a range at this address would cut a leaf. */
bool leaves_cut(const struct leaves *leaves, uint64_t at);

/* Bytes of whole leaves inside the range; remove also takes them out. */
uint64_t leaves_bytes(const struct leaves *leaves, uint64_t from, uint64_t size);
void leaves_remove(struct leaves *leaves, uint64_t from, uint64_t size);

/* The whole leaves of [from, +size), which is full of them, lead to address and on, with that access. */
void leaves_redirect(struct leaves *leaves, uint64_t from, uint64_t address, uint64_t size,
                     uint32_t access);

/* The stretch that translates the address, or NULL. */
const struct stretch *leaves_find(const struct leaves *leaves, uint64_t at);

/* Table pages of the tree, its root included. */
unsigned int leaves_pages(const struct leaves *leaves);

static inline uint64_t stretch_step(const struct stretch *stretch)
{
    return PAGE_SIZE << (9 * stretch->height);
}

static inline uint64_t stretch_end(const struct stretch *stretch)
{
    return stretch->from + stretch->count * stretch_step(stretch);
}

#endif
