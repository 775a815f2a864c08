/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translation tables (VMSAv8-64) built word by word in the memory of both sides.
 */
#ifndef TABLES_H
#define TABLES_H

#include "pair.h"

enum { LEAVES_MAX = 96, LEVEL_LAST = 3 };

/* Bits of descriptors. */
#define DESCRIPTOR_BLOCK UINT64_C(1)
#define DESCRIPTOR_TABLE UINT64_C(3) /* at the last level: page */
#define DESCRIPTOR_AF (UINT64_C(1) << 10)
#define S2_READ (UINT64_C(1) << 6)
#define S2_WRITE (UINT64_C(1) << 7)
#define S1_USER (UINT64_C(1) << 6)
#define S1_READ_ONLY (UINT64_C(1) << 7)
#define S1_NOT_GLOBAL (UINT64_C(1) << 11)
#define S1_TABLE_NO_USER (UINT64_C(1) << 61)
#define S1_TABLE_READ_ONLY (UINT64_C(1) << 62)

/* A leaf that was put into a table. */
struct leaf {
    uint64_t input;  /* its first address */
    uint64_t inside; /* from there to a page that devices may hit */
    uint64_t slot;   /* where its descriptor is */
    unsigned level;
};

/* One set of tables: what a TTB points to. */
struct space {
    unsigned granule; /* log2 */
    unsigned level;   /* that the walk starts at */
    unsigned input_bits;
    uint64_t base;   /* of the input range: 0, or for TTB1 its first address */
    uint64_t root;   /* where the first table is */
    uint64_t beyond; /* address in a descriptor minus address in memory, for tables */
    unsigned tag;    /* VMID or ASID */
    struct leaf leaves[LEAVES_MAX];
    unsigned count;
};

/* Memory for tables: cleared, aligned, for this scenario. */
uint64_t take_tables(struct pair *pair, uint64_t bytes, uint64_t alignment);
void drop_tables(struct pair *pair);

/* log2 of what one entry of a level covers. */
unsigned level_shift(const struct space *space, unsigned level);

/* Whether VMSAv8-64 has blocks at this level. */
bool block_level(const struct space *space, unsigned level);

/* Make the first table; geometry and `beyond` are set. */
void make_root(struct pair *pair, struct space *space);

/* If the first level of a stage-2 space has several tables, say so to the pair. */
void note_concatenation(struct pair *pair, const struct space *space);

/* The last descriptor on the way of an address, and where it is. */
struct walked {
    unsigned level;
    uint64_t slot;
    uint64_t descriptor;
};
struct walked walk_to(const struct pair *pair, const struct space *space, uint64_t input);

/*
 * Where the descriptor of `input` at `level` is; 0 if a leaf is in the way, or if a table is
 * missing and `make` is not set.
 */
uint64_t descriptor_slot(struct pair *pair, struct space *space, uint64_t input, unsigned level,
                         bool make);

/* Put a leaf there unless something is there already; `inside` is remembered. */
bool map_leaf(struct pair *pair, struct space *space, uint64_t input, unsigned level,
              uint64_t descriptor, uint64_t inside);

/* One line a descriptor: the walk of an address, as memory has it. */
void print_walk(const struct pair *pair, const struct space *space, uint64_t input);

#endif
