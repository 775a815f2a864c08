/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Range invalidation and level hints (4.4.1.1): what they cover and what they spare.
 */
#include "fixture.h"

static struct assigned with_ranges(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    p.ril = true;
    return assign(&p, &PLAIN_4K);
}

/* Pages 0 to 15 stale in the TLB, a block of 2 MiB too. */
static struct assigned stale_pages(void)
{
    struct assigned a = with_ranges();

    for (uint64_t page = 0; page < 16; page++) {
        leave_stale_page(&a, page * 4096);
    }
    map(a.machine, &a.geometry, a.root, 0x200000, 2, MEMORY_BASE, 0);
    assert_reaches(a.machine, 0x200000, MEMORY_BASE);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 17);
    return a;
}

static unsigned leaves_after(struct assigned *a, uint64_t word0, uint64_t word1)
{
    unsigned leaves = 0;

    submit_sync(a->machine, word0, word1);
    leaves = smmuv3_model_cached(a->machine->unit).leaves;
    machine_stop(a->machine);
    return leaves;
}

static void a_range_covers_num_plus_1_times_2_to_the_scale_granules(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0x2000, 1, 1, 0, 2, 0)), 14);
    a = stale_pages();
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0x2000, 1, 1, 0, 2, 1)), 11);
    a = stale_pages();
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 1, 0, 31, 5)), 0);
}

static void a_range_of_another_granule_removes_nothing(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 2, 0, 31, 5)), 17);
    a = stale_pages();
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 3, 0, 31, 5)), 17);
}

static void a_level_hint_spares_leaves_of_other_levels(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 1, 3, 31, 5)), 1);
    a = stale_pages();
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 1, 2, 31, 5)), 16);
    a = stale_pages();
    assert_int_equal(leaves_after(&a, TLBI_IPA_RANGE(VMID, 0, 1, 1, 1, 31, 5)), 17);
}

static void a_level_hint_with_leaf_0_spares_tables_from_that_level_down(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    assert_int_equal(smmuv3_model_cached(a.machine->unit).tables, 2); /* levels 1 and 2 */
    submit_sync(a.machine, TLBI_IPA_RANGE(VMID, 0, 0, 1, 2, 31, 5));
    assert_int_equal(smmuv3_model_cached(a.machine->unit).tables, 1);
    submit_sync(a.machine, TLBI_IPA_RANGE(VMID, 0, 0, 1, 3, 31, 5));
    assert_int_equal(smmuv3_model_cached(a.machine->unit).tables, 0);
    machine_stop(a.machine);
}

static void a_misaligned_range_is_noted_and_does_nothing(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    submit_sync(a.machine, TLBI_IPA_RANGE(VMID, 0x1000, 1, 1, 2, 31, 5));
    assert_one_error(a.machine, SMMUV3_MODEL_ERROR_VALUE);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 17);
    machine_stop(a.machine);
}

static void a_range_does_not_wrap_at_the_top_of_the_address_space(void **state)
{
    struct assigned a = stale_pages();

    (void)state;
    submit_sync(a.machine, TLBI_IPA_RANGE(VMID, 0xfffff000, 1, 1, 0, 31, 31));
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 17);
    assert_no_errors(a.machine);
    machine_stop(a.machine);
}

int run_range_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_covers_num_plus_1_times_2_to_the_scale_granules),
        cmocka_unit_test(a_range_of_another_granule_removes_nothing),
        cmocka_unit_test(a_level_hint_spares_leaves_of_other_levels),
        cmocka_unit_test(a_level_hint_with_leaf_0_spares_tables_from_that_level_down),
        cmocka_unit_test(a_misaligned_range_is_noted_and_does_nothing),
        cmocka_unit_test(a_range_does_not_wrap_at_the_top_of_the_address_space),
    };

    return cmocka_run_group_tests_name("ranges", tests, NULL, NULL);
}
