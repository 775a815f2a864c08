/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worst case of each call, driven on the model: what is done is what its page in docs/abi.md names as the most,
 * neither more (contract.c looks at every call of every test) nor less, so that no bound is a guess.
 */
#include <string.h>

#include "kernel/window.h"
#include "tests/contract/contract.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define BLOCK UINT64_C(0x200000)
#define IOVA UINT64_C(0x4000000000)
#define LARGE_POOL 1100 /* pages: a table for each of 512 blocks, and more */

static uint64_t ioas;

/* One device that is attached, and table pages for whatever is mapped. */
static void start_with(const struct smmuv3_model_parameters *parameters)
{
    machine_plain_with(parameters);
    machine.partition[0].memory_size = 0x1000000;
    machine.partition[0].pool_pages = LARGE_POOL;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static void start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    start_with(&parameters);
}

static struct contract_work most(uint64_t number)
{
    return contract_bound(number, machine.unit_count);
}

#define EXPECT_MOST(number, field) assert_int_equal(contract_last.field, most(number).field)

static void a_map_of_the_most_leaves_over_every_boundary_meets_its_bound(void)
{
    /* Leaves of 4 KiB on both sides of 512 GiB: two tables on each level below the root. */
    uint64_t size = (BH_MAP_ENTRIES_PER_CALL + 1) * PAGE_SIZE;

    start();
    assert_int_equal(
        map(0, ioas, BIT(39) - size / 2 / PAGE_SIZE * PAGE_SIZE, BASE + PAGE_SIZE, size),
        BH_EAGAIN);
    assert_int_equal(machine.x[1], BH_MAP_ENTRIES_PER_CALL * PAGE_SIZE);
    EXPECT_MOST(BH_CALL_IOAS_MAP, entries);
    /* Units are told of a map where it is undone in one tree for want of room in another. */
    assert_int_equal(contract_last.commands, 0);
    /* Memory of a window would take two locks more. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_MAP).locks - machine.unit_count - 2);
}

/* Fills that many blocks of 2 MiB with leaves of 4 KiB each. */
static void fill_blocks(uint64_t iova, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        assert_int_equal(map(0, ioas, iova + i * BLOCK, BASE + PAGE_SIZE, BLOCK), BH_OK);
}

static void an_unmap_that_drops_the_most_tables_meets_its_bound(void)
{
    /* On both sides of 512 GiB: the tables above them go too. */
    uint64_t iova = BIT(39) - BH_MAP_ENTRIES_PER_CALL / 2 * BLOCK;

    start();
    fill_blocks(iova, BH_MAP_ENTRIES_PER_CALL);
    assert_int_equal(unmap(0, ioas, iova, BH_MAP_ENTRIES_PER_CALL * BLOCK), BH_OK);
    assert_int_equal(machine.x[2], BH_MAP_ENTRIES_PER_CALL * BLOCK);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP, syncs);
    /* Each map of a window that goes would take one more. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_UNMAP).locks -
                                              (uint64_t)PARTITION_WINDOWS * WINDOW_MAPS - 1);
    /* Leaf by leaf there are two more entries above them. */
    uint64_t size = BH_MAP_ENTRIES_PER_CALL * PAGE_SIZE;

    assert_int_equal(map(0, ioas, BIT(39) - size / 2, BASE + PAGE_SIZE, size), BH_OK);
    assert_int_equal(unmap(0, ioas, BIT(39) - size / 2, size), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP, entries);
}

static void an_unmap_of_the_most_leaves_that_are_told_one_by_one_meets_its_bound(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint64_t size;

    parameters.ril = false;
    start_with(&parameters);
    size = most(BH_CALL_IOAS_UNMAP).commands * PAGE_SIZE;
    assert_int_equal(map(0, ioas, IOVA, BASE, size), BH_OK);
    assert_int_equal(unmap(0, ioas, IOVA, size), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP, commands);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP, syncs);
    /* One page more is one command for all. */
    assert_int_equal(map(0, ioas, IOVA, BASE, size + PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, ioas, IOVA, size + PAGE_SIZE), BH_OK);
    assert_int_equal(contract_last.commands, 1);
}

static void attach_and_detach_meet_their_bounds(void)
{
    start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    EXPECT_MOST(BH_CALL_DETACH, entries);
    EXPECT_MOST(BH_CALL_DETACH, commands);
    EXPECT_MOST(BH_CALL_DETACH, syncs);
    EXPECT_MOST(BH_CALL_DETACH, locks);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    EXPECT_MOST(BH_CALL_ATTACH, commands);
    EXPECT_MOST(BH_CALL_ATTACH, syncs);
    /* From an entry that a storm has made silent all four words change, not two. */
    assert_int_equal(contract_last.entries, most(BH_CALL_ATTACH).entries / 2);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(device_park(device_find(DEVICE1_NAME), true), IOMMU_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    EXPECT_MOST(BH_CALL_ATTACH, entries);
    EXPECT_MOST(BH_CALL_ATTACH, commands);
}

static void alloc_and_free_meet_their_bounds(void)
{
    start();
    int64_t made = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(made > 0);
    EXPECT_MOST(BH_CALL_IOAS_ALLOC_PAGING, entries);
    /* No unit knows an ioas that no device was attached to. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)made), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, (uint64_t)made), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_FREE, commands);
    EXPECT_MOST(BH_CALL_IOAS_FREE, syncs);
    EXPECT_MOST(BH_CALL_IOAS_FREE, locks);
}

static void a_console_write_of_nothing_but_newlines_meets_its_bound(void)
{
    start();
    memset(guest(0, BASE), '\n', BH_CONSOLE_BYTES_PER_CALL);
    assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, BASE, BH_CONSOLE_BYTES_PER_CALL), BH_OK);
    EXPECT_MOST(BH_CALL_CONSOLE_WRITE, locks);
}

int run_bounds_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_map_of_the_most_leaves_over_every_boundary_meets_its_bound),
        TEST(an_unmap_that_drops_the_most_tables_meets_its_bound),
        TEST(an_unmap_of_the_most_leaves_that_are_told_one_by_one_meets_its_bound),
        TEST(attach_and_detach_meet_their_bounds),
        TEST(alloc_and_free_meet_their_bounds),
        TEST(a_console_write_of_nothing_but_newlines_meets_its_bound),
    };

    return RUN_GROUP("bounds of calls");
}
