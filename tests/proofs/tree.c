/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proofs/tree.h"

#include "lib/string.h"
#include "lib/vmsa.h"

#define VALID BIT(0)
#define TABLE_OR_PAGE BIT(1)
#define ADDRESS BITS(47, 12)

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];
struct pagetable_format tree_format;
struct page_record tree_records[PROOF_PAGES];
struct page_pool tree_pool;
struct pagetable tree;

#define OUTPUT_BITS (TREE_BITS + 1)

enum { NOT_REACHED = TREE_HEIGHT + 1 };

static uint64_t page_index(uint64_t page)
{
    return (page - PROOF_PHYSICAL) >> PAGE_SHIFT;
}

static bool is_page(uint64_t page)
{
    return is_aligned(page, PAGE_SIZE) && page >= PROOF_PHYSICAL && page_index(page) < PROOF_PAGES;
}

/* One entry of a table at `height`; a table below it is noted in heights[]. */
static bool entry_is_whole(uint64_t entry, unsigned int height, uint8_t heights[PROOF_PAGES])
{
    uint64_t address = entry & ADDRESS;

    if ((entry & VALID) == 0)
        return entry == 0;
    if (height == 0 || (entry & TABLE_OR_PAGE) == 0)
        return ((entry & TABLE_OR_PAGE) != 0) == (height == 0) &&
               (tree_format.block_heights & BIT(height)) != 0 &&
               is_aligned(address, TREE_SPAN(height));
    if (entry != (address | VALID | TABLE_OR_PAGE) || !is_page(address) ||
        heights[page_index(address)] != NOT_REACHED)
        return false;
    heights[page_index(address)] = (uint8_t)(height - 1);
    return true;
}

/* One table's entries, and their number. */
static bool table_is_whole(uint32_t page, unsigned int height, uint8_t heights[PROOF_PAGES])
{
    uint32_t used = 0;
    bool whole = true;

    for (unsigned int i = 0; i < PROOF_ENTRIES; i++) {
        uint64_t entry = proof_memory[page * PROOF_ENTRIES + i];

        used += entry != 0;
        whole = whole && entry_is_whole(entry, height, heights);
    }
    return whole && tree_records[page].entries == used && (used != 0 || height == TREE_HEIGHT);
}

/* A list of pages that nothing reaches. Counts how many follow from first on. */
static bool list_is_whole(uint32_t first, uint32_t count, bool zero, uint8_t heights[PROOF_PAGES])
{
    uint32_t index = first, found = 0;

    for (unsigned int i = 0; i < PROOF_PAGES; i++) {
        if (index == PAGE_NONE)
            break;
        if (index >= PROOF_PAGES || heights[index] != NOT_REACHED)
            return false;
        heights[index] = NOT_REACHED + 1;
        if (zero) {
            for (unsigned int j = 0; j < PROOF_ENTRIES; j++) {
                if (proof_memory[index * PROOF_ENTRIES + j] != 0)
                    return false;
            }
            if (tree_records[index].entries != 0)
                return false;
        }
        found++;
        index = tree_records[index].next;
    }
    return index == PAGE_NONE && found == count;
}

bool tree_is_whole(const struct page_list *freed)
{
    uint8_t heights[PROOF_PAGES];
    bool whole = is_page(tree.root);

    for (unsigned int i = 0; i < PROOF_PAGES; i++)
        heights[i] = NOT_REACHED;
    if (!whole)
        return false;
    heights[page_index(tree.root)] = TREE_HEIGHT;
    for (unsigned int height = TREE_HEIGHT; height <= TREE_HEIGHT; height--) {
        for (uint32_t page = 0; page < PROOF_PAGES; page++) {
            if (heights[page] == height)
                whole = whole && table_is_whole(page, height, heights);
        }
    }
    whole = whole && list_is_whole(tree_pool.first_free, tree_pool.free, true, heights);
    if (freed != NULL)
        whole = whole && list_is_whole(freed->first, freed->count, false, heights);
    for (uint32_t page = 0; page < PROOF_PAGES; page++)
        whole = whole && heights[page] != NOT_REACHED;
    return whole;
}

uint64_t tree_any_address(void)
{
    return any_bits(TREE_BITS + 1) << PAGE_SHIFT;
}

uint64_t tree_any_output(void)
{
    return (any_bits(OUTPUT_BITS) << PAGE_SHIFT) | (nondet_bool() ? BIT(47) : 0);
}

uint64_t tree_any_attributes(void)
{
    return (any_bits(10) << 2) | (any_bits(16) << 48);
}

/* Any entry of a table at `height`: absent, a leaf, or a table in the next page that none is in. */
static uint64_t any_entry(unsigned int height, uint8_t heights[PROOF_PAGES], uint32_t *next)
{
    uint64_t leaf = tree_any_output() | tree_any_attributes();

    if (nondet_bool())
        return 0;
    if (height > 0 && *next < PROOF_PAGES && nondet_bool()) {
        heights[*next] = (uint8_t)(height - 1);
        return (PROOF_PHYSICAL + ((uint64_t)(*next)++ << PAGE_SHIFT)) | VALID | TABLE_OR_PAGE;
    }
    GIVEN((tree_format.block_heights & BIT(height)) != 0);
    GIVEN((leaf & ADDRESS & (TREE_SPAN(height) - 1)) == 0);
    return leaf | VALID | (height == 0 ? TABLE_OR_PAGE : 0);
}

/*
 * Pages are numbered as a walk level by level finds them, those that are free behind. Nothing in
 * the walker or the pool looks at a page's number, so every other numbering does the same.
 */
void tree_any(void)
{
    uint8_t heights[PROOF_PAGES] = { TREE_HEIGHT };
    uint32_t next = 1;

    tree_format = vmsa_4k;
    tree_format.level_bits = TREE_LEVEL_BITS;
    for (uint32_t page = 0; page < PROOF_PAGES; page++) {
        bool used = page < next;

        tree_records[page] = (struct page_record){ .next = page + 1 < PROOF_PAGES ? page + 1
                                                                                  : PAGE_NONE };
        for (unsigned int i = 0; i < PROOF_ENTRIES; i++) {
            uint64_t entry = used ? any_entry(heights[page], heights, &next) : 0;

            proof_memory[page * PROOF_ENTRIES + i] = entry;
            tree_records[page].entries += entry != 0;
        }
        GIVEN(!used || page == 0 || tree_records[page].entries != 0);
    }
    tree_pool = (struct page_pool){
        .base = PROOF_PHYSICAL,
        .count = PROOF_PAGES,
        .free = PROOF_PAGES - next,
        .first_free = next < PROOF_PAGES ? next : PAGE_NONE,
        .records = tree_records,
    };
    tree = (struct pagetable){
        .format = &tree_format,
        .pool = &tree_pool,
        .root = PROOF_PHYSICAL,
        .limit = TREE_LIMIT,
        .mapped = nondet_u64(),
        .height = TREE_HEIGHT,
        .coherent = nondet_bool(),
    };
    GIVEN(tree.mapped <= TREE_LIMIT);
}

struct translation tree_translate(uint64_t address)
{
    uint64_t page = page_index(tree.root);

    for (unsigned int height = TREE_HEIGHT; height <= TREE_HEIGHT; height--) {
        uint64_t index = address / TREE_SPAN(height) % PROOF_ENTRIES;
        uint64_t entry = proof_memory[page * PROOF_ENTRIES + index];

        if ((entry & VALID) == 0)
            break;
        if (height == 0 || (entry & TABLE_OR_PAGE) == 0)
            return (struct translation){
                .output = (entry & ADDRESS) + (address & (TREE_SPAN(height) - 1)),
                .attributes = entry & ~(ADDRESS | VALID | TABLE_OR_PAGE),
                .size = TREE_SPAN(height),
            };
        page = page_index(entry & ADDRESS);
    }
    return (struct translation){ 0 };
}

bool translation_equal(struct translation a, struct translation b)
{
    return a.output == b.output && a.attributes == b.attributes && a.size == b.size;
}

void tree_remember(struct tree_state *state)
{
    for (unsigned int i = 0; i < PROOF_PAGES * PROOF_ENTRIES; i++)
        state->memory[i] = proof_memory[i];
    for (unsigned int i = 0; i < PROOF_PAGES; i++)
        state->records[i] = tree_records[i];
    state->free = tree_pool.free;
    state->first_free = tree_pool.first_free;
    state->root = tree.root;
    state->mapped = tree.mapped;
}

bool tree_is_as(const struct tree_state *state)
{
    bool same = state->free == tree_pool.free && state->first_free == tree_pool.first_free &&
                state->root == tree.root && state->mapped == tree.mapped;

    for (unsigned int i = 0; i < PROOF_PAGES * PROOF_ENTRIES; i++)
        same = same && state->memory[i] == proof_memory[i];
    for (unsigned int i = 0; i < PROOF_PAGES; i++)
        same = same && state->records[i].next == tree_records[i].next &&
               state->records[i].entries == tree_records[i].entries;
    return same;
}
