/* SPDX-License-Identifier: Apache-2.0 */
/* ioas_alloc, ioas_free, ioas_map and ioas_unmap (kernel/ioas.c): results, refusals, and what the device
 * reaches after each. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define RW (BH_MAP_READ | BH_MAP_WRITE)

static uint64_t ioas;

static void start(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static void expect_map(int64_t code, uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    uint64_t before = machine_state();
    int64_t result = call(0, BH_CALL_IOAS_MAP, ioas, iova, address, size, flags);

    if (result != code)
        fail_msg("map 0x%llx to 0x%llx, 0x%llx bytes: %lld, not %lld", (unsigned long long)iova,
                 (unsigned long long)address, (unsigned long long)size, (long long)result,
                 (long long)code);
    assert_int_equal(machine_state(), before);
}

static void expect_unmap(int64_t code, uint64_t iova, uint64_t size)
{
    uint64_t before = machine_state();

    assert_int_equal(unmap(0, ioas, iova, size), code);
    assert_int_equal(machine_state(), before);
}

static void i3_row_2_8_a_device_reaches_what_is_mapped_and_nothing_else(void)
{
    uint64_t value = 0;

    start();
    assert_int_equal(map(0, ioas, 0x10000, BASE + 0x1000, PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[1], PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, 0x10008, 0x1122), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x1008), 0x1122);
    assert_int_equal(dma_read(DEVICE1, 0x10008, &value), DMA_LANDED);
    assert_int_equal(value, 0x1122);
    assert_int_equal(dma_write(DEVICE1, 0x11000, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, 0xF000, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, BASE, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, partitions.partition[0].physical, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, WINDOW_BASE, 1), DMA_BLOCKED);
    assert_units_clean();
}

static void unmap_is_followed_by_a_matching_tlbi_and_a_sync_before_it_returns(void)
{
    struct smmuv3_model *unit;
    uint64_t first;

    start();
    unit = machine.unit[0];
    assert_int_equal(map(0, ioas, 0x10000, BASE, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_LANDED);
    first = smmuv3_model_command_total(unit);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[1], PAGE_SIZE);
    assert_int_equal(machine.x[2], PAGE_SIZE);
    const struct smmuv3_model_command *tlbi = smmuv3_model_command_at(unit, first);

    assert_int_equal(tlbi->opcode, 0x2A);
    assert_int_equal(tlbi->address, 0x10000);
    assert_int_equal(tlbi->vmid, partitions.partition[0].ioas[0].domain[0].tag);
    assert_int_equal(smmuv3_model_command_at(unit, first + 1)->opcode, 0x46);
    assert_int_equal(smmuv3_model_command_total(unit), first + 2);
    assert_false(smmuv3_model_invalidation_pending(unit));
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, 0x11000, 1), DMA_LANDED);
}

static void i4_unmap_with_a_hole_in_front_invalidates_what_it_removed(void)
{
    start();
    assert_int_equal(map(0, ioas, 0x14000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 0x1A000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x14000, 1), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, 0x10000, 8 * PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, 0x14000, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, 0x1A000, 1), DMA_LANDED);
}

static void map_gives_the_device_only_the_access_that_the_flags_name(void)
{
    uint64_t value;

    start();
    assert_int_equal(call(0, BH_CALL_IOAS_MAP, ioas, 0x10000, BASE, PAGE_SIZE, BH_MAP_READ), BH_OK);
    assert_int_equal(call(0, BH_CALL_IOAS_MAP, ioas, 0x11000, BASE, PAGE_SIZE, BH_MAP_WRITE),
                     BH_OK);
    assert_int_equal(dma_read(DEVICE1, 0x10000, &value), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_BLOCKED);
    assert_int_equal(query_fault(0, DEVICE1_ID).cause, BH_CAUSE_PERMISSION);
    assert_int_equal(dma_write(DEVICE1, 0x11000, 1), DMA_LANDED);
    assert_int_equal(dma_read(DEVICE1, 0x11000, &value), DMA_BLOCKED);
}

static void row_4_14_map_refuses_malformed_arguments_and_changes_nothing(void)
{
    start();
    expect_map(BH_EINVAL, 0, BASE, 0, RW);
    expect_map(BH_EINVAL, 1, BASE, PAGE_SIZE, RW);
    expect_map(BH_EINVAL, 0, BASE + 8, PAGE_SIZE, RW);
    expect_map(BH_EINVAL, 0, BASE, PAGE_SIZE + 1, RW);
    expect_map(BH_EINVAL, 0, BASE, PAGE_SIZE, 0);
    expect_map(BH_EINVAL, 0, BASE, PAGE_SIZE, 4);
    expect_map(BH_EINVAL, 0, BASE, PAGE_SIZE, RW | UINT64_C(1) << 63);
    expect_map(BH_EINVAL, UINT64_MAX - PAGE_SIZE + 1, BASE, 2 * PAGE_SIZE, RW);
    expect_map(BH_EINVAL, 0, UINT64_MAX - PAGE_SIZE + 1, 2 * PAGE_SIZE, RW);
    expect_map(BH_EINVAL, 0, BASE, ~(PAGE_SIZE - 1) + 1, RW);
}

static void i3_row_2_22_map_refuses_what_is_not_the_callers_memory(void)
{
    start();
    expect_map(BH_ERANGE, 0, 0, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, BASE - PAGE_SIZE, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, BASE - PAGE_SIZE, 2 * PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, BASE + VISIBLE - PAGE_SIZE, 2 * PAGE_SIZE, RW);
    /* The table pool behind it, the hypervisor's memory, the device's own registers. */
    expect_map(BH_ERANGE, 0, BASE + VISIBLE, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, HOST_MEMORY_BASE + 0x400000, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, WINDOW_BASE + 0x100000, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, UNIT_BASE, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, BASE, VISIBLE + PAGE_SIZE, RW);
    expect_map(BH_ERANGE, 0, BASE, UINT64_C(1) << 62, RW);
}

static void row_4_15_map_refuses_memory_that_the_unit_cannot_address(void)
{
    start();
    /* As if its addresses ended below the memory of this machine, which no size of the manual does. */
    partitions.partition[0].ioas[0].output_limit = BIT(30);
    assert_true(partitions.partition[0].physical >= BIT(30));
    expect_map(BH_ERANGE, 0, BASE, PAGE_SIZE, RW);
    assert_int_equal(dma_write(DEVICE1, 0, 1), DMA_BLOCKED);
    /* As if they ended within what is mapped. */
    partitions.partition[0].physical = BIT(32) - PAGE_SIZE;
    partitions.partition[0].ioas[0].output_limit = BIT(32);
    expect_map(BH_ERANGE, 0, BASE, 2 * PAGE_SIZE, RW);
    assert_int_equal(map(0, ioas, 0, BASE, PAGE_SIZE), BH_OK);
}

static void row_4_1_map_and_unmap_keep_to_the_aperture(void)
{
    uint64_t limit = BIT(48);

    start();
    expect_map(BH_ERANGE, limit, BASE, PAGE_SIZE, RW);
    expect_map(BH_ERANGE, limit - PAGE_SIZE, BASE, 2 * PAGE_SIZE, RW);
    expect_unmap(BH_ERANGE, limit, PAGE_SIZE);
    expect_unmap(BH_ERANGE, limit - PAGE_SIZE, 2 * PAGE_SIZE);
    assert_int_equal(map(0, ioas, limit - PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, limit - 8, 5), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, limit - PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, limit - 8, 5), DMA_BLOCKED);
}

static void row_2_10_map_over_a_mapping_is_eexist_and_changes_nothing(void)
{
    start();
    assert_int_equal(map(0, ioas, 0x20000, BASE, PAGE_SIZE), BH_OK);
    expect_map(BH_EEXIST, 0x20000, BASE, PAGE_SIZE, RW);
    expect_map(BH_EEXIST, 0x1F000, BASE, 2 * PAGE_SIZE, RW);
    expect_map(BH_EEXIST, 0x20000, BASE + 0x1000, 3 * PAGE_SIZE, RW);
    expect_map(BH_EEXIST, 0, BASE + 0x200000 - partitions.partition[0].physical % 0x200000, 0x40000,
               RW);
}

static void row_2_11_unmap_refuses_malformed_arguments_and_cuts(void)
{
    start();
    assert_int_equal(map(0, ioas, 0x40000000, BASE, 0x200000), BH_OK);
    expect_unmap(BH_EINVAL, 0x40000000, 0);
    expect_unmap(BH_EINVAL, 0x40000001, PAGE_SIZE);
    expect_unmap(BH_EINVAL, 0x40000000, PAGE_SIZE - 1);
    expect_unmap(BH_EINVAL, UINT64_MAX - PAGE_SIZE + 1, 2 * PAGE_SIZE);
    /* Nothing is split. */
    expect_unmap(BH_EINVAL, 0x40000000, PAGE_SIZE);
    expect_unmap(BH_EINVAL, 0x40001000, 0x1FF000);
    assert_int_equal(dma_write(DEVICE1, 0x401FFFF8, 1), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, 0x40000000, 0x200000), BH_OK);
    assert_int_equal(machine.x[2], 0x200000);
}

static void i10_ids_that_are_wild_or_old_are_enoent_in_every_call(void)
{
    static const uint64_t wild[] = { 0, 2, 0xFF, 0x101, UINT64_MAX, UINT64_C(1) << 32 };
    uint64_t old = 0;

    start();
    int64_t fresh = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(fresh > 0);
    old = (uint64_t)fresh;
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, old), BH_OK);
    int64_t reused = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(reused & 0xFF, fresh & 0xFF);
    assert_int_not_equal(reused, fresh);
    uint64_t before = machine_state();

    for (unsigned int i = 0; i <= ARRAY_LENGTH(wild); i++) {
        uint64_t id = i < ARRAY_LENGTH(wild) ? wild[i] : old;

        if (id == ioas)
            continue;
        assert_int_equal(map(0, id, 0, BASE, PAGE_SIZE), BH_ENOENT);
        assert_int_equal(unmap(0, id, 0, PAGE_SIZE), BH_ENOENT);
        assert_int_equal(call1(0, BH_CALL_IOAS_FREE, id), BH_ENOENT);
        assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, id), BH_ENOENT);
    }
    assert_int_equal(machine_state(), before);
}

static void i7_row_2_9_a_map_larger_than_the_bound_says_where_to_go_on(void)
{
    uint64_t pages = 700, at = 0;
    unsigned int calls = 0;
    int64_t result;

    start();
    do {
        result = map(0, ioas, 0x10001000 + at, BASE + 0x2000 + at, pages * PAGE_SIZE - at);
        at += machine.x[1];
        calls++;
    } while (result == BH_EAGAIN);
    assert_int_equal(result, BH_OK);
    assert_int_equal(at, pages * PAGE_SIZE);
    assert_int_equal(calls, 2);
    for (uint64_t page = 0; page < pages; page += 13)
        assert_int_equal(dma_write(DEVICE1, 0x10001000 + page * PAGE_SIZE, page), DMA_LANDED);
    calls = 0;
    for (at = 0, result = BH_EAGAIN; result == BH_EAGAIN; calls++) {
        result = unmap(0, ioas, 0x10001000 + at, pages * PAGE_SIZE - at);
        at += machine.x[1];
    }
    assert_int_equal(result, BH_OK);
    assert_int_equal(at, pages * PAGE_SIZE);
    assert_int_equal(partitions.partition[0].ioas[0].tree[0].table.mapped, 0);
    for (uint64_t page = 0; page < pages; page += 13)
        assert_int_equal(dma_write(DEVICE1, 0x10001000 + page * PAGE_SIZE, page), DMA_BLOCKED);
}

static void i7_unmap_of_the_whole_aperture_takes_bounded_steps(void)
{
    uint64_t at = 0, entries;
    unsigned int calls = 0;
    int64_t result;

    start();
    assert_int_equal(map(0, ioas, 0x40000000, BASE, PAGE_SIZE), BH_OK);
    do {
        entries = host_counters.entries;
        result = unmap(0, ioas, at, BIT(48) - at);
        assert_true(host_counters.entries - entries < UINT64_C(2) * BH_MAP_ENTRIES_PER_CALL);
        assert_true(result == BH_OK || (result == BH_EAGAIN && machine.x[1] != 0));
        at += machine.x[1];
        calls++;
    } while (result == BH_EAGAIN && calls < 1000);
    assert_int_equal(result, BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_BLOCKED);
}

static void no_table_pages_is_enospc_at_every_page_and_the_state_is_restored(void)
{
    struct partition *partition;
    struct page_list taken;

    start();
    partition = &partitions.partition[0];
    /* A map across a 512 GiB boundary needs six tables. Leave fewer and fewer. */
    for (uint32_t left = 0; left <= 6; left++) {
        uint32_t free = partition->pool.free;

        taken = PAGE_LIST_EMPTY;
        while (partition->pool.free > left)
            page_list_add(&partition->pool, &taken, page_pool_take(&partition->pool));
        if (left < 6) {
            expect_map(BH_ENOSPC, BIT(39) - PAGE_SIZE, BASE, 2 * PAGE_SIZE, RW);
        } else {
            assert_int_equal(map(0, ioas, BIT(39) - PAGE_SIZE, BASE, 2 * PAGE_SIZE), BH_OK);
            assert_int_equal(partition->pool.free, 0);
            assert_int_equal(unmap(0, ioas, BIT(39) - PAGE_SIZE, 2 * PAGE_SIZE), BH_OK);
        }
        page_pool_give(&partition->pool, &taken);
        assert_int_equal(partition->pool.free, free);
    }
}

static void row_2_7_ioas_alloc_without_pages_or_slots_is_enospc(void)
{
    struct partition *partition;
    struct page_list taken = PAGE_LIST_EMPTY;
    uint64_t before;

    start();
    partition = &partitions.partition[0];
    while (partition->pool.free > 0)
        page_list_add(&partition->pool, &taken, page_pool_take(&partition->pool));
    before = machine_state();
    assert_int_equal(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE), BH_ENOSPC);
    assert_int_equal(machine_state(), before);
    page_pool_give(&partition->pool, &taken);
    for (unsigned int i = 1; i < PARTITION_IOAS; i++)
        assert_true(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE) > 0);
    before = machine_state();
    assert_int_equal(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE), BH_ENOSPC);
    assert_int_equal(machine_state(), before);
}

static void the_first_attach_behind_a_unit_without_tags_is_enospc(void)
{
    uint64_t before, other;

    start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    while (iommu_tag_take(&devices.iommu[0]) != 0)
        ;
    other = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    before = machine_state();
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, other), BH_ENOSPC);
    assert_int_equal(machine_state(), before);
    /* An ioas that was attached behind it has its tag. */
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    before = machine_state();
    assert_int_equal(machine_state(), before);
}

static void row_0_19_row_1_5_ioas_free_refuses_while_attached_or_mapped_and_gives_everything_back(
    void)
{
    uint64_t before, pool_free;

    start();
    before = machine_state();
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_EBUSY);
    assert_int_equal(machine_state(), before);
    pool_free = query_pool(0).pages_free;
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(map(0, (uint64_t)other, 0, BASE, PAGE_SIZE), BH_OK);
    before = machine_state();
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, (uint64_t)other), BH_EBUSY);
    assert_int_equal(machine_state(), before);
    assert_int_equal(unmap(0, (uint64_t)other, 0, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, (uint64_t)other), BH_OK);
    assert_int_equal(query_pool(0).pages_free, pool_free);
    assert_int_equal(query_pool(0).ioas_used, 1);
}

static void i4_a_tag_is_used_again_only_after_its_invalidation(void)
{
    struct smmuv3_model *unit;
    uint16_t tag;

    start();
    unit = machine.unit[0];
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)other), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    tag = partitions.partition[0].ioas[1].domain[0].tag;
    uint64_t first = smmuv3_model_command_total(unit);

    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, (uint64_t)other), BH_OK);
    assert_int_equal(smmuv3_model_command_at(unit, first)->opcode, 0x28);
    assert_int_equal(smmuv3_model_command_at(unit, first)->vmid, tag);
    assert_int_equal(smmuv3_model_command_at(unit, first + 1)->opcode, 0x46);
}

int run_map_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i3_row_2_8_a_device_reaches_what_is_mapped_and_nothing_else),
        TEST(unmap_is_followed_by_a_matching_tlbi_and_a_sync_before_it_returns),
        TEST(i4_unmap_with_a_hole_in_front_invalidates_what_it_removed),
        TEST(map_gives_the_device_only_the_access_that_the_flags_name),
        TEST(row_4_14_map_refuses_malformed_arguments_and_changes_nothing),
        TEST(i3_row_2_22_map_refuses_what_is_not_the_callers_memory),
        TEST(row_4_15_map_refuses_memory_that_the_unit_cannot_address),
        TEST(row_4_1_map_and_unmap_keep_to_the_aperture),
        TEST(row_2_10_map_over_a_mapping_is_eexist_and_changes_nothing),
        TEST(row_2_11_unmap_refuses_malformed_arguments_and_cuts),
        TEST(i10_ids_that_are_wild_or_old_are_enoent_in_every_call),
        TEST(i7_row_2_9_a_map_larger_than_the_bound_says_where_to_go_on),
        TEST(i7_unmap_of_the_whole_aperture_takes_bounded_steps),
        TEST(no_table_pages_is_enospc_at_every_page_and_the_state_is_restored),
        TEST(row_2_7_ioas_alloc_without_pages_or_slots_is_enospc),
        TEST(the_first_attach_behind_a_unit_without_tags_is_enospc),
        TEST(row_0_19_row_1_5_ioas_free_refuses_while_attached_or_mapped_and_gives_everything_back),
        TEST(i4_a_tag_is_used_again_only_after_its_invalidation),
    };

    return RUN_GROUP("kernel/ioas");
}
