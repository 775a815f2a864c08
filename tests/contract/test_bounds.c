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

/* ---- Calls that change what is mapped, and batches ---------------------------------------------------------- */

/* Leaves of 4 KiB on both sides of 512 GiB. */
#define LEAVES_SIZE (BH_MAP_ENTRIES_PER_CALL * PAGE_SIZE)
#define OVER_THE_TOP (BIT(39) - LEAVES_SIZE / 2)

static void ranges_and_reserve_meet_their_bounds(void)
{
    struct bh_ioas_ranges *ranges;

    start();
    ranges = guest(0, BASE);
    ranges->size = sizeof(*ranges);
    assert_int_equal(call2(0, BH_CALL_IOAS_RANGES, ioas, BASE), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_RANGES, locks);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, IOVA, PAGE_SIZE), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_RESERVE, locks);
}

static void a_copy_of_the_most_leaves_over_every_boundary_meets_its_bound(void)
{
    struct bh_ioas_copy *copy;
    int64_t to;

    start();
    to = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    assert_true(to > 0);
    assert_int_equal(map(0, ioas, IOVA, BASE + PAGE_SIZE, LEAVES_SIZE), BH_OK);
    copy = guest(0, BASE);
    *copy = (struct bh_ioas_copy){ .size = sizeof(*copy),
                                   .from = (uint32_t)ioas,
                                   .to = (uint32_t)to,
                                   .from_iova = IOVA,
                                   .to_iova = OVER_THE_TOP,
                                   .bytes = LEAVES_SIZE,
                                   .flags = BH_MAP_READ };
    assert_int_equal(call1(0, BH_CALL_IOAS_COPY, BASE), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_COPY, entries);
    /* Units are told where it is undone, as of a map. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_COPY).locks - machine.unit_count);
}

static int64_t remap(uint64_t iova, uint64_t address, uint64_t size)
{
    return call(0, BH_CALL_IOAS_REMAP, ioas, iova, address, size, BH_MAP_READ);
}

static void a_remap_of_the_most_leaves_meets_its_bound(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint64_t told;

    parameters.ril = false;
    start_with(&parameters);
    told = most(BH_CALL_IOAS_REMAP).commands * PAGE_SIZE;
    assert_int_equal(map(0, ioas, OVER_THE_TOP, BASE + PAGE_SIZE, LEAVES_SIZE), BH_OK);
    assert_int_equal(remap(OVER_THE_TOP, BASE + 2 * PAGE_SIZE, LEAVES_SIZE), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_REMAP, entries);
    EXPECT_MOST(BH_CALL_IOAS_REMAP, syncs);
    /* A second tree that has no place for the memory would give six tables back. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_REMAP).locks - 6);
    assert_int_equal(remap(OVER_THE_TOP, BASE + PAGE_SIZE, told), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_REMAP, commands);
}

static void an_unmap_of_all_meets_its_bound(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint64_t tables = BIT(39) - BH_MAP_ENTRIES_PER_CALL / 2 * BLOCK, told;

    parameters.ril = false;
    start_with(&parameters);
    told = most(BH_CALL_IOAS_UNMAP_ALL).commands * PAGE_SIZE;
    fill_blocks(tables, BH_MAP_ENTRIES_PER_CALL);
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, tables), BH_EAGAIN);
    assert_int_equal(machine.x[2], BH_MAP_ENTRIES_PER_CALL * BLOCK);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_ALL, syncs);
    /* Each map of a window that goes would take one more. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_UNMAP_ALL).locks -
                                              (uint64_t)PARTITION_WINDOWS * WINDOW_MAPS - 1);
    /* Leaf by leaf in the first table, which is not taken whole; the next one is, with what is above it. */
    assert_int_equal(map(0, ioas, BIT(39) - BLOCK + PAGE_SIZE, BASE, BLOCK), BH_OK);
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, BIT(39) - BLOCK + PAGE_SIZE),
                     BH_EAGAIN);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_ALL, entries);
    assert_int_equal(map(0, ioas, IOVA + BLOCK - told, BASE, told), BH_OK);
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, IOVA + BLOCK - told), BH_EAGAIN);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_ALL, commands);
}

/* Each element has three tables to itself. */
static void batches_of_pages_that_are_far_apart_meet_their_bounds(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    machine_plain_with(&parameters);
    machine.partition[0].memory_size = 0x1000000;
    machine.partition[0].pool_pages = 1600;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    maps = guest(0, BASE);
    for (uint64_t i = 0; i < BH_BATCH; i++)
        maps[i] = (struct bh_map){ i << 39, BASE, PAGE_SIZE, BH_MAP_READ };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, BASE, BH_BATCH), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_MAP_BATCH, entries);
    /* Units are told where it is undone. */
    assert_int_equal(contract_last.locks, most(BH_CALL_IOAS_MAP_BATCH).locks - machine.unit_count);
    unmaps = guest(0, BASE);
    for (uint64_t i = 0; i < BH_BATCH; i++)
        unmaps[i] = (struct bh_unmap){ i << 39, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, ioas, BASE, BH_BATCH), BH_OK);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_BATCH, entries);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_BATCH, commands);
    EXPECT_MOST(BH_CALL_IOAS_UNMAP_BATCH, syncs);
    /* How often the queue is looked at for room depends on its size. */
    assert_in_range(contract_last.locks, most(BH_CALL_IOAS_UNMAP_BATCH).locks - 32,
                    most(BH_CALL_IOAS_UNMAP_BATCH).locks);
}

/* ---- Moves, resets, doorbells ---------------------------------------------------------------------------------- */

static void start_and_replace(unsigned int bbml)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    int64_t to;

    parameters.bbml = bbml;
    start_with(&parameters);
    to = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    assert_true(to > 0);
    assert_int_equal(call3(0, BH_CALL_REPLACE, DEVICE1_ID, BH_PASID_NONE, (uint64_t)to), BH_OK);
}

static void a_replace_without_a_gap_meets_its_bound(void)
{
    start_and_replace(2);
    EXPECT_MOST(BH_CALL_REPLACE, commands);
    EXPECT_MOST(BH_CALL_REPLACE, syncs);
    EXPECT_MOST(BH_CALL_REPLACE, locks);
}

static void a_replace_with_a_gap_meets_its_bound(void)
{
    start_and_replace(0);
    EXPECT_MOST(BH_CALL_REPLACE, entries);
    EXPECT_MOST(BH_CALL_REPLACE, syncs);
}

/* The most that one of the calls does that it takes. */
static struct contract_work reset(void)
{
    struct contract_work done = { 0 };
    int64_t result;

    do {
        result = call1(0, BH_CALL_DEVICE_RESET, DEVICE1_ID);
        host_advance(machine.x[1]);
        done.entries = max_u64(done.entries, contract_last.entries);
        done.commands = max_u64(done.commands, contract_last.commands);
        done.syncs = max_u64(done.syncs, contract_last.syncs);
        done.locks = max_u64(done.locks, contract_last.locks);
    } while (result == BH_EAGAIN);
    assert_int_equal(result, BH_OK);
    return done;
}

static void a_reset_of_an_attached_device_meets_its_bound(void)
{
    start();
    contract_last = reset();
    /* One that storms while it is reset takes all four words of its entry, not two. */
    assert_int_equal(contract_last.entries, most(BH_CALL_DEVICE_RESET).entries / 2);
    EXPECT_MOST(BH_CALL_DEVICE_RESET, commands);
    EXPECT_MOST(BH_CALL_DEVICE_RESET, syncs);
    /* A device that does not come back leaves its ioas, too. */
    assert_int_equal(contract_last.locks, most(BH_CALL_DEVICE_RESET).locks - 1);
}

static void notify_and_yield_meet_their_bounds(void)
{
    machine_plain();
    machine_partition("two");
    machine_window("samples", "one", "two");
    machine_boot();
    assert_int_equal(call1(0, BH_CALL_NOTIFY, 0), BH_OK);
    EXPECT_MOST(BH_CALL_NOTIFY, locks);
    assert_int_equal(call0(0, BH_CALL_YIELD), BH_OK);
    EXPECT_MOST(BH_CALL_YIELD, locks);
}

static void partition_control_meets_its_bound(void)
{
    machine_plain();
    machine_partition("two")->manager = true;
    machine_boot();
    assert_int_equal(call2(1, BH_CALL_PARTITION_CONTROL, 0, BH_PARTITION_STOP), BH_OK);
    EXPECT_MOST(BH_CALL_PARTITION_CONTROL, locks);
}

static void the_last_step_of_a_give_meets_its_bound(void)
{
    int64_t result;

    machine_plain();
    machine_partition("two")->manager = true;
    machine_boot();
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, BASE + PAGE_SIZE), BH_OK);
    while ((result = call2(1, BH_CALL_DEVICE_GIVE, DEVICE1_ID, 0)) == BH_EAGAIN)
        host_advance(machine.x[1]);
    assert_int_equal(result, BH_OK);
    EXPECT_MOST(BH_CALL_DEVICE_GIVE, entries);
    EXPECT_MOST(BH_CALL_DEVICE_GIVE, locks);
}

int run_bounds_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_map_of_the_most_leaves_over_every_boundary_meets_its_bound),
        TEST(an_unmap_that_drops_the_most_tables_meets_its_bound),
        TEST(an_unmap_of_the_most_leaves_that_are_told_one_by_one_meets_its_bound),
        TEST(attach_and_detach_meet_their_bounds),
        TEST(alloc_and_free_meet_their_bounds),
        TEST(ranges_and_reserve_meet_their_bounds),
        TEST(a_copy_of_the_most_leaves_over_every_boundary_meets_its_bound),
        TEST(a_remap_of_the_most_leaves_meets_its_bound),
        TEST(an_unmap_of_all_meets_its_bound),
        TEST(batches_of_pages_that_are_far_apart_meet_their_bounds),
        TEST(a_replace_without_a_gap_meets_its_bound),
        TEST(a_replace_with_a_gap_meets_its_bound),
        TEST(a_reset_of_an_attached_device_meets_its_bound),
        TEST(notify_and_yield_meet_their_bounds),
        TEST(partition_control_meets_its_bound),
        TEST(the_last_step_of_a_give_meets_its_bound),
        TEST(a_console_write_of_nothing_but_newlines_meets_its_bound),
    };

    return RUN_GROUP("bounds of calls");
}
