/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page-table tree in the proofs' memory: what makes it whole, and what it translates, both said
 * without the walker's code. The proofs assume a whole tree of any shape, run one call of the
 * walker, and show that the tree is whole again: so every tree that calls can make is covered.
 */
#ifndef PROOFS_TREE_H
#define PROOFS_TREE_H

#include "lib/pagetable.h"
#include "tests/proofs/proof.h"

/* The tree's size: TREE_HEIGHT is the root's. */
#define TREE_SPAN(height) (PAGE_SIZE << ((height)*TREE_LEVEL_BITS))
#define TREE_BITS ((TREE_HEIGHT + 1) * TREE_LEVEL_BITS)
#define TREE_LIMIT TREE_SPAN(TREE_HEIGHT + 1)

/* The tree and its pool; the format is the real one but for the bits a level. Objects of their own:
 * the checker then knows where a pointer leads. */
extern struct pagetable_format tree_format;
extern struct page_record tree_records[PROOF_PAGES];
extern struct page_pool tree_pool;
extern struct pagetable tree;

/* Everything that a call could change, to compare with later. */
struct tree_state {
    uint64_t memory[PROOF_PAGES * PROOF_ENTRIES];
    struct page_record records[PROOF_PAGES];
    uint32_t free, first_free;
    uint64_t root, mapped;
};

/* What an address translates to. size 0: nothing. */
struct translation {
    uint64_t output;
    uint64_t attributes;
    uint64_t size; /* of the leaf */
};

/* Any page of the addresses that the tree can map, or their end. */
uint64_t tree_any_address(void);

/* Any output: 2^OUTPUT_BITS pages at either end of what an entry can hold. */
uint64_t tree_any_output(void);

/* Any bits outside the address and outside those that say what an entry is. */
uint64_t tree_any_attributes(void);

/* Any whole tree in any pool. */
void tree_any(void);

/* True if the tree, the pool's free pages and the list are whole: every page is a table reached
 * once, or free and zero, or on the list; no table but the root is empty; counts agree. */
bool tree_is_whole(const struct page_list *freed);

struct translation tree_translate(uint64_t address);
bool translation_equal(struct translation a, struct translation b);

void tree_remember(struct tree_state *state);
bool tree_is_as(const struct tree_state *state);

#endif
