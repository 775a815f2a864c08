/* SPDX-License-Identifier: Apache-2.0 */
#include "pagetable_oracle.h"

#include <string.h>

static uint64_t leaf_pages(const struct oracle *oracle, unsigned int height)
{
    return UINT64_C(1) << (oracle->level_bits * height);
}

unsigned int oracle_leaf(const struct oracle *oracle, uint64_t page, uint64_t output_page,
                         uint64_t pages)
{
    unsigned int best = 0;

    for (unsigned int height = 1; height <= oracle->top; height++) {
        uint64_t span = leaf_pages(oracle, height);

        if ((oracle->block_heights & 1u << height) != 0 && span <= pages &&
            (page & (span - 1)) == 0 && (output_page & (span - 1)) == 0)
            best = height;
    }
    return best;
}

/* Tables of one height, by the pages that need them. */
static uint32_t tables_at(const struct oracle *oracle, unsigned int height)
{
    uint64_t span = leaf_pages(oracle, height + 1);
    uint32_t tables = 0;

    for (uint64_t first = 0; first < oracle->pages; first += span) {
        bool needed = false;

        for (uint64_t page = first; page < first + span && page < oracle->pages && !needed; page++)
            needed = oracle->page[page].value != 0 && oracle->page[page].height <= height;
        tables += needed;
    }
    return tables;
}

uint32_t oracle_tables(const struct oracle *oracle)
{
    uint32_t tables = 1;

    for (unsigned int height = 0; height < oracle->top; height++)
        tables += tables_at(oracle, height);
    return tables;
}

enum pagetable_result oracle_map(struct oracle *oracle, uint64_t page, uint64_t output_page,
                                 uint64_t pages, uint64_t attributes, uint32_t bound,
                                 uint32_t free_tables, uint64_t *done)
{
    static struct oracle before;
    uint32_t tables = oracle_tables(oracle);
    uint64_t at = 0;

    before = *oracle;
    *done = 0;
    while (at < pages && bound-- > 0) {
        unsigned int height = oracle_leaf(oracle, page + at, output_page + at, pages - at);
        uint64_t span = leaf_pages(oracle, height);

        for (uint64_t i = at; i < at + span; i++) {
            if (oracle->page[page + i].value != 0) {
                *oracle = before;
                return PAGETABLE_EXISTS;
            }
            oracle->page[page + i].value = (output_page + i) << PAGE_SHIFT | attributes;
            oracle->page[page + i].height = (uint8_t)height;
        }
        at += span;
    }
    if (oracle_tables(oracle) - tables > free_tables) {
        *oracle = before;
        return PAGETABLE_FULL;
    }
    *done = at;
    return at < pages ? PAGETABLE_MORE : PAGETABLE_OK;
}

static bool inside_leaf(const struct oracle *oracle, uint64_t page)
{
    return page < oracle->pages && oracle->page[page].value != 0 &&
           page % leaf_pages(oracle, oracle->page[page].height) != 0;
}

bool oracle_cuts(const struct oracle *oracle, uint64_t page, uint64_t pages)
{
    return inside_leaf(oracle, page) || inside_leaf(oracle, page + pages);
}

uint64_t oracle_unmap(struct oracle *oracle, uint64_t page, uint64_t pages, uint32_t *leaves)
{
    uint64_t mapped = 0;

    *leaves = 0;
    for (uint64_t i = page; i < page + pages; i++) {
        if (oracle->page[i].value == 0)
            continue;
        mapped++;
        *leaves += i % leaf_pages(oracle, oracle->page[i].height) == 0;
        oracle->page[i].value = 0;
    }
    return mapped;
}

enum pagetable_result oracle_remap(struct oracle *oracle, uint64_t page, uint64_t output_page,
                                   uint64_t pages, uint64_t attributes, uint32_t bound,
                                   uint64_t *done, bool *same)
{
    uint64_t at = 0;

    *same = true;
    *done = 0;
    while (at < pages && bound-- > 0) {
        if (oracle->page[page + at].value == 0)
            return PAGETABLE_ABSENT;
        uint64_t span = leaf_pages(oracle, oracle->page[page + at].height);

        if ((page + at) % span != 0 || (output_page + at) % span != 0 || pages - at < span)
            return PAGETABLE_CUT;
        *same = *same && oracle->page[page + at].value >> PAGE_SHIFT == output_page + at;
        at += span;
    }
    *done = at;
    for (uint64_t i = 0; i < at; i++)
        oracle->page[page + i].value = (output_page + i) << PAGE_SHIFT | attributes;
    return at < pages ? PAGETABLE_MORE : PAGETABLE_OK;
}
