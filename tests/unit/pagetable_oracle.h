/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page table must say, kept as one plain array with an element a page: the oracle of the
 * property tests. It knows nothing of entries or tables, only of leaves.
 */
#ifndef TESTS_PAGETABLE_ORACLE_H
#define TESTS_PAGETABLE_ORACLE_H

#include "lib/pagetable.h"

#define ORACLE_PAGES 65536

struct oracle {
    unsigned int level_bits, top, pages;
    uint8_t block_heights;
    struct {
        uint64_t value; /* output page and attributes; 0: nothing */
        uint8_t height; /* of the leaf that it is part of */
    } page[ORACLE_PAGES];
};

/* The height of the leaf that a map of that many pages must begin with. */
unsigned int oracle_leaf(const struct oracle *oracle, uint64_t page, uint64_t output_page,
                         uint64_t pages);

/* What a map must answer, and how many pages it must have done; changes the oracle only where it must
 * have changed the table. free_tables: pages left in the pool. */
enum pagetable_result oracle_map(struct oracle *oracle, uint64_t page, uint64_t output_page,
                                 uint64_t pages, uint64_t attributes, uint32_t bound,
                                 uint32_t free_tables, uint64_t *done);

/* Whether the range cuts a leaf. */
bool oracle_cuts(const struct oracle *oracle, uint64_t page, uint64_t pages);

/* Removes the leaves of a range; returns the pages that were mapped there. */
uint64_t oracle_unmap(struct oracle *oracle, uint64_t page, uint64_t pages, uint32_t *leaves);

/* What a remap must answer, and how many pages it must have done; changes the oracle as it must change the
 * table. same: whether each page leads where it led before. */
enum pagetable_result oracle_remap(struct oracle *oracle, uint64_t page, uint64_t output_page,
                                   uint64_t pages, uint64_t attributes, uint32_t bound,
                                   uint64_t *done, bool *same);

/* Tables that such a tree needs, its root included. */
uint32_t oracle_tables(const struct oracle *oracle);

#endif
