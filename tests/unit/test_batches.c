/* SPDX-License-Identifier: Apache-2.0 */
/* Batches of pages side by side, which are done with one walk a table: what they leave is what their elements would
 * leave one by one. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "tests/random.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define STRUCTURE (BASE + 0x210000)
#define RW (BH_MAP_READ | BH_MAP_WRITE)
#define TABLE UINT64_C(0x200000) /* what a table of pages covers */
#define FIRST (8 * TABLE) /* three tables are worked on, and in each of them the last pages */
#define TABLES 3
#define PAGES 24
#define ELEMENTS 24
#define ROUNDS 400

static uint64_t batched, single; /* two spaces */
static uint64_t seed;

static void start(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    batched = bind_and_attach(0, DEVICE1_ID, 1);
    single = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    seed = 0xBA7C;
}

static uint64_t page_at(unsigned int table, unsigned int page)
{
    return FIRST + (table + 1) * TABLE - PAGES / 2 * PAGE_SIZE + page * PAGE_SIZE;
}

/* Mostly a page; now and then something that a batch may not take for one. */
static struct bh_map any_map(uint64_t iova)
{
    struct bh_map map = { .iova = iova,
                          .address = BASE + random_below(&seed, 64) * PAGE_SIZE,
                          .size = PAGE_SIZE,
                          .flags = 1 + random_below(&seed, 3) };

    switch (random_below(&seed, 80)) {
    case 0:
        map.size = 0;
        break;
    case 1:
        map.size = PAGE_SIZE / 2;
        break;
    case 2:
    case 3:
        map.size = 2 * PAGE_SIZE;
        break;
    case 4:
        map.iova += 8;
        break;
    case 5:
        map.address += 8;
        break;
    case 6:
        map.flags = random_below(&seed, 2) * 4;
        break;
    case 7:
        map.address = BASE + VISIBLE;
        break;
    case 8:
        map.address = BASE - PAGE_SIZE;
        break;
    case 9:
        map.iova = UINT64_C(1) << 60;
        break;
    default:
        break;
    }
    return map;
}

/* The answer of a batch whose first elements could be done one by one, and the next of which answered result. */
static int64_t answer_after(uint64_t done, int64_t result)
{
    return result == BH_OK || done == 0 ? result : BH_EAGAIN;
}

static void map_round(unsigned int table, unsigned int page)
{
    struct bh_map maps[ELEMENTS];
    int64_t result = BH_OK;
    uint64_t done = 0;

    for (unsigned int i = 0; i < ELEMENTS; i++)
        maps[i] = any_map(page_at(table, page + i));
    while (done < ELEMENTS) {
        const struct bh_map *map = &maps[done];

        result = call(0, BH_CALL_IOAS_MAP, single, map->iova, map->address, map->size, map->flags);
        if (result != BH_OK)
            break;
        done++;
    }
    memcpy(guest(0, STRUCTURE), maps, sizeof(maps));
    int64_t answer = call3(0, BH_CALL_IOAS_MAP_BATCH, batched, STRUCTURE, ELEMENTS);

    if (answer != answer_after(done, result) || machine.x[1] != done)
        fail_msg(
            "a batch of maps from 0x%llx on answers %lld after %llu elements; one by one it is "
            "%lld after %llu",
            (unsigned long long)maps[0].iova, (long long)answer, (unsigned long long)machine.x[1],
            (long long)result, (unsigned long long)done);
}

static void unmap_round(unsigned int table, unsigned int page)
{
    struct bh_unmap unmaps[ELEMENTS];
    int64_t result = BH_OK;
    uint64_t done = 0, bytes = 0;

    for (unsigned int i = 0; i < ELEMENTS; i++) {
        struct bh_map map = any_map(page_at(table, page + i));

        unmaps[i] = (struct bh_unmap){ map.iova, map.size };
    }
    while (done < ELEMENTS) {
        result = unmap(0, single, unmaps[done].iova, unmaps[done].size);
        if (result != BH_OK)
            break;
        bytes += machine.x[2];
        done++;
    }
    memcpy(guest(0, STRUCTURE), unmaps, sizeof(unmaps));
    int64_t answer = call3(0, BH_CALL_IOAS_UNMAP_BATCH, batched, STRUCTURE, ELEMENTS);

    if (answer != answer_after(done, result) || machine.x[1] != done || machine.x[3] != bytes)
        fail_msg(
            "a batch of unmaps from 0x%llx on answers %lld after %llu elements and %llu bytes; one by "
            "one it is %lld after %llu and %llu",
            (unsigned long long)unmaps[0].iova, (long long)answer, (unsigned long long)machine.x[1],
            (unsigned long long)machine.x[3], (long long)result, (unsigned long long)done,
            (unsigned long long)bytes);
}

static void expect_alike(void)
{
    const struct ioas *spaces = partitions.partition[0].ioas;

    assert_int_equal(spaces[0].tree[0].table.mapped, spaces[1].tree[0].table.mapped);
    for (uint64_t iova = FIRST; iova < FIRST + (TABLES + 1) * TABLE; iova += PAGE_SIZE) {
        uint64_t entry[2] = { 0, 0 }, size;

        for (unsigned int i = 0; i < 2; i++)
            pagetable_lookup(&spaces[i].tree[0].table, iova, &entry[i], &size);
        if (entry[0] != entry[1])
            fail_msg("0x%llx leads to 0x%llx after batches and to 0x%llx after single calls",
                     (unsigned long long)iova, (unsigned long long)entry[0],
                     (unsigned long long)entry[1]);
    }
}

static void row_2_11_batches_leave_what_their_elements_would_one_by_one(void)
{
    start();
    uint32_t free = partitions.partition[0].pool.free;

    for (unsigned int round = 0; round < ROUNDS; round++) {
        unsigned int table = (unsigned int)random_below(&seed, TABLES);
        unsigned int page = (unsigned int)random_below(&seed, PAGES);

        if (random_below(&seed, 2) == 0)
            map_round(table, page);
        else
            unmap_round(table, page);
        if (round % 16 == 0)
            expect_alike();
    }
    expect_alike();
    assert_int_equal(unmap(0, batched, FIRST, (TABLES + 1) * TABLE), BH_OK);
    assert_int_equal(unmap(0, single, FIRST, (TABLES + 1) * TABLE), BH_OK);
    assert_int_equal(partitions.partition[0].ioas[0].tree[0].table.mapped, 0);
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_units_clean();
}

static void write_pages(unsigned int count)
{
    struct bh_map *maps = guest(0, STRUCTURE);

    for (unsigned int i = 0; i < count; i++)
        maps[i] = (struct bh_map){ FIRST + i * PAGE_SIZE, BASE + i * PAGE_SIZE, PAGE_SIZE, RW };
}

static void the_bound_of_one_call_holds_for_a_batch_of_pages_behind_a_larger_element(void)
{
    struct bh_unmap *unmaps;

    start();
    write_pages(4);
    struct bh_map *maps = guest(0, STRUCTURE);

    maps[0] = (struct bh_map){ FIRST - 510 * PAGE_SIZE, BASE, 511 * PAGE_SIZE, RW };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, batched, STRUCTURE, 4), BH_EAGAIN);
    assert_int_equal(machine.x[1], 2);
    assert_int_equal(partitions.partition[0].ioas[0].tree[0].table.mapped, 512 * PAGE_SIZE);
    assert_int_equal(map(0, batched, FIRST + 2 * PAGE_SIZE, BASE, 2 * PAGE_SIZE), BH_OK);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ FIRST - 510 * PAGE_SIZE, 511 * PAGE_SIZE };
    for (unsigned int i = 1; i < 4; i++)
        unmaps[i] = (struct bh_unmap){ FIRST + i * PAGE_SIZE, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, batched, STRUCTURE, 4), BH_EAGAIN);
    assert_int_equal(machine.x[1], 2);
    assert_int_equal(partitions.partition[0].ioas[0].tree[0].table.mapped, 2 * PAGE_SIZE);
}

static void a_page_beyond_what_the_units_can_address_ends_a_batch(void)
{
    start();
    write_pages(4);
    partitions.partition[0].ioas[0].output_limit = partitions.partition[0].physical + 3 * PAGE_SIZE;
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, batched, STRUCTURE, 4), BH_EAGAIN);
    assert_int_equal(machine.x[1], 3);
}

/* What a walker does not see before it is cleaned to memory is not left in the caches. */
static void a_batch_of_pages_reaches_a_device_whose_unit_does_not_see_the_caches(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    struct bh_unmap *unmaps;

    parameters.cohacc = false;
    machine_plain_with(&parameters);
    observer_start();
    machine_boot();
    batched = bind_and_attach(0, DEVICE1_ID, 1);
    write_pages(8);
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, batched, STRUCTURE, 8), BH_OK);
    for (unsigned int i = 0; i < 8; i++)
        assert_int_equal(dma_write(DEVICE1, FIRST + i * PAGE_SIZE, 1), DMA_LANDED);
    unmaps = guest(0, STRUCTURE);
    for (unsigned int i = 0; i < 7; i++)
        unmaps[i] = (struct bh_unmap){ FIRST + i * PAGE_SIZE, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, batched, STRUCTURE, 7), BH_OK);
    for (unsigned int i = 0; i < 7; i++)
        assert_int_equal(dma_write(DEVICE1, FIRST + i * PAGE_SIZE, 1), DMA_BLOCKED);
}

int run_batches_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_11_batches_leave_what_their_elements_would_one_by_one),
        TEST(the_bound_of_one_call_holds_for_a_batch_of_pages_behind_a_larger_element),
        TEST(a_page_beyond_what_the_units_can_address_ends_a_batch),
        TEST(a_batch_of_pages_reaches_a_device_whose_unit_does_not_see_the_caches),
    };

    return RUN_GROUP("kernel/batches");
}
