/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/pagetable.c and lib/page_pool.c: seeded random maps, remaps and unmaps against the oracle, for every width of
 * a level from 2 to 9 bits, then what the properties do not say by themselves.
 */
#include <string.h>

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "arch/seam.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"
#include "lib/pagetable_pages.h"
#include "lib/vmsa.h"
#include "pagetable_oracle.h"
#include "unit.h"

#define POOL_BASE HOST_MEMORY_BASE
#define POOL_LIMIT 2048
#define ATTRIBUTES UINT64_C(0x4C0)

static const struct pagetable_format *kind = &vmsa_4k;
static struct pagetable_format format;
static struct page_record records[POOL_LIMIT];
static struct page_pool pool;
static struct pagetable table;
static struct oracle oracle;
static unsigned int remaps; /* that came to pass */

static uint64_t state(void)
{
    uint64_t hash = hash_bytes(HASH_START, memory_pointer(pool.base), pool.count * PAGE_SIZE);

    hash = hash_bytes(hash, records, sizeof(records));
    hash = hash_bytes(hash, &table, sizeof(table));
    return hash ^ ((uint64_t)pool.free << 32 | pool.first_free);
}

static void start(unsigned int level_bits, uint8_t block_heights, uint32_t pool_pages,
                  bool coherent)
{
    unsigned int input_bits = PAGE_SHIFT + (3 * level_bits < 16 ? 3 * level_bits : 16);

    host_reset();
    format = *kind;
    format.level_bits = (uint8_t)level_bits;
    format.block_heights = block_heights;
    /* The pool's memory is dirty to begin with. */
    memset(memory_pointer(POOL_BASE), 0xA5, pool_pages * PAGE_SIZE);
    page_pool_init(&pool, POOL_BASE, pool_pages, records);
    assert_true(pagetable_init(&table, &format, &pool, input_bits, coherent));
    memset(&oracle, 0, sizeof(oracle));
    oracle.level_bits = level_bits;
    oracle.top = table.height;
    oracle.pages = 1u << (input_bits - PAGE_SHIFT);
    oracle.block_heights = block_heights;
}

static void check_page(uint64_t page)
{
    uint64_t entry = 0, size = 0;
    bool found = pagetable_lookup(&table, page << PAGE_SHIFT, &entry, &size);

    assert_int_equal(found, oracle.page[page].value != 0);
    if (!found)
        return;
    uint64_t inside = (page << PAGE_SHIFT) & (size - 1);

    assert_int_equal(size, PAGE_SIZE << (oracle.level_bits * oracle.page[page].height));
    assert_int_equal((entry & format.address_mask) + inside,
                     oracle.page[page].value & format.address_mask);
    assert_int_equal(entry & ATTRIBUTES, oracle.page[page].value & ATTRIBUTES);
}

static void check_all(void)
{
    uint64_t mapped = 0;

    for (uint64_t page = 0; page < oracle.pages; page++) {
        check_page(page);
        mapped += oracle.page[page].value != 0 ? PAGE_SIZE : 0;
    }
    assert_int_equal(table.mapped, mapped);
    assert_int_equal(pool.count - pool.free, oracle_tables(&oracle));
}

static void check_free_pages_are_zero(void)
{
    uint32_t count = 0;

    for (uint32_t i = pool.first_free; i != PAGE_NONE; i = records[i].next, count++) {
        const uint64_t *word = memory_pointer(pool.base + i * PAGE_SIZE);

        for (unsigned int w = 0; w < PAGE_SIZE / sizeof(*word); w++)
            assert_int_equal(word[w], 0);
        assert_int_equal(records[i].entries, 0);
    }
    assert_int_equal(count, pool.free);
}

/* A size that is often a whole leaf, an address that is often aligned to it. */
static void pick(uint64_t *seed, uint64_t *page, uint64_t *pages)
{
    unsigned int height = (unsigned int)(random_next(seed) % (oracle.top + 1u));
    uint64_t span = UINT64_C(1) << (oracle.level_bits * height);

    *pages = span * (1 + random_next(seed) % 3);
    if (random_next(seed) % 4 == 0)
        *pages += random_next(seed) % (span + 1);
    if (*pages > oracle.pages)
        *pages = oracle.pages;
    *page = random_next(seed) % (oracle.pages - *pages + 1);
    if (random_next(seed) % 4 != 0)
        *page -= *page % span;
}

static uint32_t pick_bound(uint64_t *seed)
{
    return random_next(seed) % 2 == 0 ? UINT32_MAX : (uint32_t)(1 + random_next(seed) % 40);
}

static void random_map(uint64_t *seed)
{
    struct pagetable_progress progress;
    uint64_t page, pages, done, output, before = state();
    uint32_t bound = pick_bound(seed), used = pool.count - pool.free;

    pick(seed, &page, &pages);
    output = random_next(seed) % 4 == 0 ? random_next(seed) % 0x10000 : page + 0x40000;
    enum pagetable_result expected = oracle_map(&oracle, page, output, pages, ATTRIBUTES, bound,
                                                pool.free, &done);
    uint64_t entries = host_counters.entries, cleans = host_counters.cleans;
    enum pagetable_result result = pagetable_map(&table, page << PAGE_SHIFT, output << PAGE_SHIFT,
                                                 pages << PAGE_SHIFT, ATTRIBUTES, bound, &progress);

    assert_int_equal(result, expected);
    assert_int_equal(progress.done, done << PAGE_SHIFT);
    if (result == PAGETABLE_EXISTS || result == PAGETABLE_FULL) {
        assert_int_equal(state(), before);
        assert_int_equal(host_counters.entries, entries);
        return;
    }
    uint32_t taken = pool.count - pool.free - used;

    assert_true(progress.leaves <= bound);
    assert_int_equal(host_counters.entries - entries, progress.leaves + taken);
    assert_int_equal(host_counters.cleans - cleans,
                     table.coherent ? 0 : progress.leaves + 2 * taken);
}

static void random_unmap(uint64_t *seed)
{
    struct pagetable_progress progress;
    uint64_t page, pages, before = state();
    uint32_t bound = pick_bound(seed), leaves;

    pick(seed, &page, &pages);
    bool cut = oracle_cuts(&oracle, page, pages);
    uint32_t tables = oracle_tables(&oracle);
    uint64_t entries = host_counters.entries;
    enum pagetable_result result = pagetable_unmap(&table, page << PAGE_SHIFT, pages << PAGE_SHIFT,
                                                   bound, &progress);

    assert_int_equal(result == PAGETABLE_CUT, cut);
    if (cut) {
        assert_int_equal(state(), before);
        return;
    }
    assert_int_equal(result == PAGETABLE_MORE, progress.done < pages << PAGE_SHIFT);
    assert_true(progress.done > 0);
    /* It stops between leaves only. */
    assert_false(oracle_cuts(&oracle, page, progress.done >> PAGE_SHIFT));
    uint64_t first = page, last = page + (progress.done >> PAGE_SHIFT), end = last;

    while (first < end && oracle.page[first].value == 0)
        first++;
    while (end > first && oracle.page[end - 1].value == 0)
        end--;
    assert_int_equal(oracle_unmap(&oracle, page, progress.done >> PAGE_SHIFT, &leaves)
                         << PAGE_SHIFT,
                     progress.bytes);
    assert_int_equal(progress.leaves, leaves);
    if (leaves != 0) {
        assert_in_range(progress.first >> PAGE_SHIFT, page, first);
        assert_in_range(progress.end >> PAGE_SHIFT, end, last);
        /* One command for one leaf names the address of that leaf. */
        if (leaves == 1 && !progress.tables_freed)
            assert_int_equal(progress.first >> PAGE_SHIFT, first);
    }
    assert_int_equal(progress.freed.count, tables - oracle_tables(&oracle));
    assert_int_equal(progress.tables_freed, progress.freed.count != 0);
    assert_in_range(progress.steps, 1, bound);
    assert_true(result != PAGETABLE_MORE || progress.steps == bound);
    if (bound != UINT32_MAX)
        assert_true(host_counters.entries - entries <= bound * (uint64_t)(oracle.top + 1));
    page_pool_give(&pool, &progress.freed);
    assert_int_equal(progress.freed.count, 0);
}

/* A range of leaves that are there, more often than not; mostly to where it leads already, or as aligned. */
static void pick_remap(uint64_t *seed, uint64_t *page, uint64_t *output, uint64_t *pages)
{
    pick(seed, page, pages);
    for (unsigned int i = 0; i < 64 && oracle.page[*page].value == 0; i++)
        *page = random_next(seed) % oracle.pages;
    if (oracle.page[*page].value != 0 && random_next(seed) % 8 != 0) {
        uint64_t span = UINT64_C(1) << (oracle.level_bits * oracle.page[*page].height);

        *page -= *page % span;
        *pages = span * (1 + random_next(seed) % 2);
    }
    if (*pages > oracle.pages - *page)
        *pages = oracle.pages - *page;
    *output = oracle.page[*page].value >> PAGE_SHIFT;
    if (random_next(seed) % 2 == 0)
        *output = *page + 0x80000 + random_next(seed) % 8 / 7;
}

static void expect_absent(uint64_t page, uint64_t pages)
{
    uint64_t entry, size;

    for (uint64_t i = page; i < page + pages; i++)
        assert_false(pagetable_lookup(&table, i << PAGE_SHIFT, &entry, &size));
}

static void random_remap(uint64_t *seed)
{
    struct pagetable_progress progress;
    uint64_t page, pages, output, done, before = state();
    uint64_t attributes = random_next(seed) % 2 == 0 ? ATTRIBUTES : 0x440;
    uint32_t bound = pick_bound(seed);
    bool same;

    pick_remap(seed, &page, &output, &pages);
    enum pagetable_result expected = oracle_remap(&oracle, page, output, pages, attributes, bound,
                                                  &done, &same);
    uint64_t mapped = table.mapped, entries = host_counters.entries;
    enum pagetable_result result = pagetable_remap_check(
        &table, page << PAGE_SHIFT, output << PAGE_SHIFT, pages << PAGE_SHIFT, bound, &progress);

    assert_int_equal(result, expected);
    assert_int_equal(progress.done, done << PAGE_SHIFT);
    assert_int_equal(state(), before);
    assert_int_equal(host_counters.entries, entries);
    if (result == PAGETABLE_ABSENT || result == PAGETABLE_CUT)
        return;
    assert_int_equal(progress.same_output, same);
    assert_int_equal(progress.first, page << PAGE_SHIFT);
    assert_int_equal(progress.end, (page + done) << PAGE_SHIFT);
    assert_in_range(progress.leaves, 1, bound);
    uint64_t cleans = host_counters.cleans;

    if (!same) {
        pagetable_remap_break(&table, page << PAGE_SHIFT, progress.done);
        expect_absent(page, done);
    }
    pagetable_remap_make(&table, page << PAGE_SHIFT, output << PAGE_SHIFT, progress.done,
                         attributes);
    entries = host_counters.entries - entries;
    assert_int_equal(entries, (same ? 1 : 2) * progress.leaves);
    assert_int_equal(host_counters.cleans - cleans, table.coherent ? 0 : entries);
    assert_int_equal(table.mapped, mapped);
    remaps++;
}

static void run_random(unsigned int level_bits, uint8_t block_heights, uint32_t pool_pages,
                       bool coherent, unsigned int steps)
{
    uint64_t seed = 0xB01D + level_bits * 64 + block_heights;

    start(level_bits, block_heights, pool_pages, coherent);
    remaps = 0;
    for (unsigned int step = 0; step < steps; step++) {
        switch (random_next(&seed) % 7) {
        case 0:
        case 1:
        case 2:
            random_map(&seed);
            break;
        case 3:
        case 4:
            random_remap(&seed);
            break;
        default:
            random_unmap(&seed);
            break;
        }
        if (step % 100 == 0)
            check_all();
    }
    check_all();
    check_free_pages_are_zero();
    assert_true(remaps > steps / 20);
}

static void random_maps_and_unmaps_agree_with_a_plain_array_for_levels_of_2_to_9_bits(void)
{
    for (unsigned int level_bits = 2; level_bits <= 9; level_bits++)
        run_random(level_bits, 7, level_bits < 4 ? 24 : 60, true, 900);
}

static void random_maps_and_unmaps_agree_where_blocks_are_not_allowed_at_every_height(void)
{
    run_random(3, 1, 40, true, 900);
    run_random(3, 5, 40, true, 900);
    run_random(4, 3, 100, true, 900);
}

/* As other units' tables do: nothing but a mark of its own makes a leaf, and what is absent has none. */
static void random_maps_and_unmaps_agree_where_a_leaf_is_marked_and_a_table_is_not(void)
{
    static const struct pagetable_format marked = {
        .present_mask = 3,
        .address_mask = BITS(47, 12),
        .table_bits = 3,
        .leaf_mask = BIT(52),
        .leaf_value = BIT(52),
        .page_bits = 3,
        .block_bits = 3 | BIT(52),
    };

    kind = &marked;
    for (unsigned int level_bits = 2; level_bits <= 5; level_bits++)
        run_random(level_bits, 7, 40, true, 900);
}

static void each_table_store_is_cleaned_for_a_walker_that_does_not_see_the_caches(void)
{
    run_random(3, 7, 40, false, 900);
}

static void a_pool_too_small_refuses_and_changes_nothing_at_every_number_of_pages(void)
{
    struct pagetable_progress progress;

    /* Pages from 510 to 513 of two stretches need three tables beside the root. */
    for (uint32_t pages = 1; pages <= 4; pages++) {
        start(4, 7, pages, true);
        uint64_t before = state();
        enum pagetable_result result = pagetable_map(&table, 0xFE000, 0x40001000, 0x4000,
                                                     ATTRIBUTES, UINT32_MAX, &progress);

        if (result == PAGETABLE_FULL)
            assert_int_equal(state(), before);
        assert_int_equal(result, pages < 5 ? PAGETABLE_FULL : PAGETABLE_OK);
    }
    start(4, 7, 5, true);
    assert_int_equal(
        pagetable_map(&table, 0xFE000, 0x40001000, 0x4000, ATTRIBUTES, UINT32_MAX, &progress),
        PAGETABLE_OK);
    assert_int_equal(pool.free, 0);
}

static void no_tree_is_made_from_an_empty_pool(void)
{
    struct pagetable other;

    for (unsigned int coherent = 0; coherent < 2; coherent++) {
        start(9, 7, 1, true);
        assert_int_equal(pool.free, 0);
        assert_false(pagetable_init(&other, &format, &pool, 39, coherent == 1));
        /* There is no page whose zeros a walker could miss. */
        assert_int_equal(host_counters.cleans, 0);
    }
}

static void a_root_is_cleaned_for_a_walker_that_does_not_see_the_caches_and_for_no_other(void)
{
    start(9, 7, 1, true);
    assert_int_equal(host_counters.cleans, 0);
    start(9, 7, 1, false);
    assert_int_equal(host_counters.cleans, 1);
}

static void the_zeros_of_a_new_pool_stand_in_memory_before_a_page_of_it_is_taken(void)
{
    host_reset();
    page_pool_init(&pool, POOL_BASE, 4, records);
    assert_int_equal(host_counters.barriers, 1);
}

static void what_a_map_or_an_unmap_stored_is_seen_by_walkers_when_it_returns(void)
{
    struct pagetable_progress progress;

    start(9, 7, 8, true);
    host_stores_mode(HOST_STORES_HELD);
    pagetable_map(&table, 0, 0x40001000, 3 * PAGE_SIZE, ATTRIBUTES, UINT32_MAX, &progress);
    assert_int_equal(host_stores_legal(), 0);
    pagetable_unmap(&table, 0, PAGE_SIZE, UINT32_MAX, &progress);
    assert_int_equal(progress.leaves, 1);
    assert_int_equal(host_stores_legal(), 0);
    pagetable_map(&table, 0, 0x40001000, PAGE_SIZE, ATTRIBUTES, UINT32_MAX, &progress);
    assert_int_equal(progress.leaves, 1);
    assert_int_equal(host_stores_legal(), 0);
    struct pagetable_pages pages;

    pagetable_pages_open(&pages, &table, 0);
    assert_true(pagetable_pages_map(&pages, 0x3000, 0x40003000, ATTRIBUTES));
    pagetable_pages_close(&pages);
    assert_int_equal(host_stores_legal(), 0);
}

static void pages_are_mapped_and_unmapped_in_one_table_and_counted_when_it_is_closed(void)
{
    struct pagetable_progress progress;
    struct pagetable_pages pages;
    uint64_t entry, size;

    start(9, 7, 8, true);
    pagetable_map(&table, 0x201000, 0x40001000, 2 * PAGE_SIZE, ATTRIBUTES, UINT32_MAX, &progress);
    pagetable_pages_open(&pages, &table, 0x3FF000);
    assert_false(pagetable_pages_map(&pages, 0x201000, 0x50000000, ATTRIBUTES));
    assert_false(pagetable_pages_map(&pages, 0x1FF000, 0x50000000, ATTRIBUTES));
    assert_false(pagetable_pages_map(&pages, 0x400000, 0x50000000, ATTRIBUTES));
    assert_false(pagetable_pages_unmap(&pages, 0x200000));
    assert_true(pagetable_pages_map(&pages, 0x3FF000, 0x50000000, ATTRIBUTES));
    assert_true(pagetable_pages_unmap(&pages, 0x201000));
    assert_true(pagetable_pages_unmap(&pages, 0x202000));
    /* The last of a table goes with it, by pagetable_unmap(). */
    assert_false(pagetable_pages_unmap(&pages, 0x3FF000));
    pagetable_pages_close(&pages);
    assert_int_equal(table.mapped, PAGE_SIZE);
    assert_true(pagetable_lookup(&table, 0x3FF000, &entry, &size));
    assert_int_equal(entry, 0x50000000 | ATTRIBUTES | vmsa_4k.page_bits);
    assert_false(pagetable_pages_map(&pages, 0x200000, 0x50000000, ATTRIBUTES));
    assert_int_equal(pagetable_unmap(&table, 0x3FF000, PAGE_SIZE, 1, &progress), PAGETABLE_OK);
    assert_true(progress.tables_freed);
    page_pool_give(&pool, &progress.freed);
    pagetable_pages_open(&pages, &table, 0x3FF000);
    assert_int_equal(pages.size, 0);
    pagetable_pages_close(&pages);
    assert_int_equal(table.mapped, 0);
}

/* Nor is a table of which its root is the only one: its last entry may go and it stays. */
static void no_pages_are_open_in_a_table_that_has_to_be_cleaned_to_memory(void)
{
    struct pagetable_progress progress;
    struct pagetable_pages pages;

    start(9, 7, 8, false);
    pagetable_map(&table, 0, 0x40001000, PAGE_SIZE, ATTRIBUTES, UINT32_MAX, &progress);
    pagetable_pages_open(&pages, &table, 0);
    assert_int_equal(pages.size, 0);
    host_reset();
    page_pool_init(&pool, POOL_BASE, 1, records);
    assert_true(pagetable_init(&table, &vmsa_4k, &pool, 21, true));
    pagetable_pages_open(&pages, &table, 0);
    assert_int_equal(pages.size, 0);
}

static void row_2_10_a_remap_takes_each_leaf_out_before_another_output_stands_there(void)
{
    struct pagetable_progress progress;
    uint64_t entry, size;

    start(9, 7, 8, true);
    pagetable_map(&table, 0, 0x40001000, 3 * PAGE_SIZE, ATTRIBUTES, UINT32_MAX, &progress);
    assert_int_equal(
        pagetable_remap_check(&table, 0, 0x50000000, 3 * PAGE_SIZE, UINT32_MAX, &progress),
        PAGETABLE_OK);
    assert_false(progress.same_output);
    host_stores_mode(HOST_STORES_HELD);
    pagetable_remap_break(&table, 0, 3 * PAGE_SIZE);
    assert_int_equal(host_stores_legal(), 0);
    expect_absent(0, 3);
    pagetable_remap_make(&table, 0, 0x50000000, 3 * PAGE_SIZE, 0x440);
    assert_int_equal(host_stores_legal(), 0);
    assert_true(pagetable_lookup(&table, 2 * PAGE_SIZE, &entry, &size));
    assert_int_equal(entry & format.address_mask, 0x50002000);
    assert_int_equal(entry & ATTRIBUTES, 0x440);
}

static void row_2_10_a_remap_of_a_block_in_a_misaligned_place_or_half_of_it_is_refused(void)
{
    struct pagetable_progress progress;

    start(9, 7, 8, true);
    pagetable_map(&table, 0x200000, 0x40000000, 0x200000, ATTRIBUTES, UINT32_MAX, &progress);
    assert_int_equal(progress.leaves, 1);
    const struct {
        uint64_t address, output, size;
        enum pagetable_result result;
    } remaps_of[] = {
        { 0x200000, 0x40001000, 0x200000, PAGETABLE_CUT },
        { 0x200000, 0x40000000, 0x1000, PAGETABLE_CUT },
        { 0x201000, 0x40001000, 0x1000, PAGETABLE_CUT },
        { 0x1FF000, 0x401FF000, 0x2000, PAGETABLE_ABSENT },
        { 0x200000, 0x40400000, 0x400000, PAGETABLE_ABSENT },
        { 0x200000, 0x40400000, 0x200000, PAGETABLE_OK },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(remaps_of); i++)
        assert_int_equal(pagetable_remap_check(&table, remaps_of[i].address, remaps_of[i].output,
                                               remaps_of[i].size, 4, &progress),
                         remaps_of[i].result);
}

static void nothing_is_found_beyond_the_limit(void)
{
    uint64_t entry, size;

    start(9, 7, 8, true);
    assert_false(pagetable_lookup(&table, table.limit, &entry, &size));
    assert_false(pagetable_lookup(&table, UINT64_MAX, &entry, &size));
}

static void the_last_page_below_the_limit_can_be_mapped_and_unmapped(void)
{
    struct pagetable_progress progress;
    uint64_t entry, size;

    start(9, 7, 8, true);
    assert_int_equal(pagetable_map(&table, table.limit - PAGE_SIZE, 0x40000000, PAGE_SIZE,
                                   ATTRIBUTES, 1, &progress),
                     PAGETABLE_OK);
    assert_true(pagetable_lookup(&table, table.limit - 1, &entry, &size));
    assert_int_equal(pagetable_unmap(&table, table.limit - PAGE_SIZE, PAGE_SIZE, 1, &progress),
                     PAGETABLE_OK);
    assert_int_equal(progress.bytes, PAGE_SIZE);
    assert_true(progress.tables_freed);
}

static void i7_unmap_of_an_empty_space_is_bound_by_the_bound(void)
{
    struct pagetable_progress progress;
    unsigned int calls = 0;
    uint64_t at = 0;

    start(9, 7, 8, true);
    while (at < table.limit) {
        pagetable_unmap(&table, at, table.limit - at, 4, &progress);
        assert_true(progress.done <= 4 * (PAGE_SIZE << 9));
        at += progress.done;
        calls++;
    }
    assert_int_equal(calls, (table.limit >> 21) / 4);
}

static void a_tree_of_one_table_can_be_emptied_as_a_whole(void)
{
    struct pagetable_progress progress;
    uint64_t entry, size;

    host_reset();
    page_pool_init(&pool, POOL_BASE, 1, records);
    assert_true(pagetable_init(&table, &vmsa_4k, &pool, 21, true));
    assert_int_equal(table.height, 0);
    assert_int_equal(
        pagetable_map(&table, 0, 0x40001000, table.limit, ATTRIBUTES, UINT32_MAX, &progress),
        PAGETABLE_OK);
    assert_int_equal(pagetable_unmap(&table, 0, table.limit, UINT32_MAX, &progress), PAGETABLE_OK);
    assert_int_equal(progress.bytes, table.limit);
    assert_int_equal(progress.freed.count, 0);
    for (uint64_t page = 0; page < table.limit; page += PAGE_SIZE) {
        if (pagetable_lookup(&table, page, &entry, &size))
            fail_msg("0x%llx is still mapped", (unsigned long long)page);
    }
}

static void a_full_table_is_dropped_by_one_store(void)
{
    struct pagetable_progress progress;

    start(9, 7, 8, true);
    assert_int_equal(
        pagetable_map(&table, 0x200000, 0x40001000, 0x200000, ATTRIBUTES, UINT32_MAX, &progress),
        PAGETABLE_OK);
    assert_int_equal(progress.leaves, 512);
    uint64_t entries = host_counters.entries;

    assert_int_equal(pagetable_unmap(&table, 0x200000, 0x200000, 1, &progress), PAGETABLE_OK);
    assert_int_equal(host_counters.entries - entries, 1);
    assert_int_equal(progress.leaves, 512);
    assert_int_equal(progress.bytes, 0x200000);
    assert_int_equal(progress.freed.count, 1);
    page_pool_give(&pool, &progress.freed);
    check_free_pages_are_zero();
}

static void i4_a_freed_table_page_is_not_in_the_pool_before_it_is_given_back(void)
{
    struct pagetable_progress progress;

    start(9, 7, 2, true);
    pagetable_map(&table, 0, 0x40000000, PAGE_SIZE, ATTRIBUTES, 1, &progress);
    pagetable_unmap(&table, 0, PAGE_SIZE, 1, &progress);
    assert_int_equal(progress.freed.count, 1);
    assert_int_equal(pool.free, 0);
    assert_int_equal(page_pool_take(&pool), 0);
    page_pool_give(&pool, &progress.freed);
    assert_int_equal(pool.free, 1);
}

static void lists_of_pages_that_wait_can_be_joined(void)
{
    struct page_list all = PAGE_LIST_EMPTY, some = PAGE_LIST_EMPTY;

    start(9, 7, 6, true);
    for (unsigned int i = 0; i < 2; i++)
        page_list_add(&pool, &all, page_pool_take(&pool));
    for (unsigned int i = 0; i < 3; i++)
        page_list_add(&pool, &some, page_pool_take(&pool));
    page_list_join(&pool, &all, &some);
    assert_int_equal(all.count, 5);
    assert_int_equal(some.count, 0);
    page_list_join(&pool, &all, &some);
    assert_int_equal(all.count, 5);
    assert_int_equal(pool.free, 0);
    page_pool_give(&pool, &all);
    assert_int_equal(pool.free, 5);
    check_free_pages_are_zero();
}

static void a_released_root_comes_back_to_the_pool(void)
{
    struct page_list freed = PAGE_LIST_EMPTY;

    start(9, 7, 3, true);
    pagetable_release(&table, &freed);
    assert_int_equal(table.root, 0);
    page_pool_give(&pool, &freed);
    assert_int_equal(pool.free, 3);
    check_free_pages_are_zero();
}

static void an_unmap_up_to_the_limit_looks_at_nothing_behind_a_full_root(void)
{
    struct pagetable_progress progress;

    host_reset();
    /* Behind the root lies what would be an entry that leads to a table in no memory. */
    memset(memory_pointer(POOL_BASE), 0xA7, 2 * PAGE_SIZE);
    page_pool_init(&pool, POOL_BASE, 1, records);
    assert_true(pagetable_init(&table, &vmsa_4k, &pool, 39, true));
    assert_int_equal(pagetable_unmap(&table, table.limit - (UINT64_C(2) << 30), UINT64_C(2) << 30,
                                     UINT32_MAX, &progress),
                     PAGETABLE_OK);
    assert_int_equal(progress.leaves, 0);
}

int run_pagetable_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(random_maps_and_unmaps_agree_with_a_plain_array_for_levels_of_2_to_9_bits),
        TEST(random_maps_and_unmaps_agree_where_blocks_are_not_allowed_at_every_height),
        TEST(random_maps_and_unmaps_agree_where_a_leaf_is_marked_and_a_table_is_not),
        TEST(each_table_store_is_cleaned_for_a_walker_that_does_not_see_the_caches),
        TEST(a_pool_too_small_refuses_and_changes_nothing_at_every_number_of_pages),
        TEST(no_tree_is_made_from_an_empty_pool),
        TEST(a_root_is_cleaned_for_a_walker_that_does_not_see_the_caches_and_for_no_other),
        TEST(the_zeros_of_a_new_pool_stand_in_memory_before_a_page_of_it_is_taken),
        TEST(what_a_map_or_an_unmap_stored_is_seen_by_walkers_when_it_returns),
        TEST(pages_are_mapped_and_unmapped_in_one_table_and_counted_when_it_is_closed),
        TEST(no_pages_are_open_in_a_table_that_has_to_be_cleaned_to_memory),
        TEST(row_2_10_a_remap_takes_each_leaf_out_before_another_output_stands_there),
        TEST(row_2_10_a_remap_of_a_block_in_a_misaligned_place_or_half_of_it_is_refused),
        TEST(nothing_is_found_beyond_the_limit),
        TEST(the_last_page_below_the_limit_can_be_mapped_and_unmapped),
        TEST(i7_unmap_of_an_empty_space_is_bound_by_the_bound),
        TEST(a_tree_of_one_table_can_be_emptied_as_a_whole),
        TEST(a_full_table_is_dropped_by_one_store),
        TEST(i4_a_freed_table_page_is_not_in_the_pool_before_it_is_given_back),
        TEST(lists_of_pages_that_wait_can_be_joined),
        TEST(a_released_root_comes_back_to_the_pool),
        TEST(an_unmap_up_to_the_limit_looks_at_nothing_behind_a_full_root),
    };

    return RUN_GROUP("lib/pagetable");
}
