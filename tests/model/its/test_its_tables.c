/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS model: the memory that software gives for tables. */
#include "fixture_its.h"

static void memory_that_is_not_zero_is_no_itt(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_poke(bench, ITS_ITT(0) + UINT64_C(12) * ITS_EVENT, 1);
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), ITS_EVENT_BITS);
    assert_mistake(bench, ITS_MODEL_TABLE, "not zero");
    its_stop(bench);
}

static void an_itt_that_was_used_must_be_cleared_before_it_is_given_again(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_unmapd(bench, ITS_DEVICE);
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), ITS_EVENT_BITS);
    assert_mistake(bench, ITS_MODEL_TABLE, "not zero");
    its_stop(bench);
}

static void a_store_to_an_entry_in_use_is_seen_by_the_next_command_and_by_a_message(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_poke(bench, ITS_ITT(0) + UINT64_C(12) * ITS_EVENT, 0);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_mistake(bench, ITS_MODEL_TABLE, "stored to by software");
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_TABLE), 2);
    its_stop(bench);
    bench = its_plain();
    its_map_one(bench);
    its_poke(bench, ITS_DEVICES + UINT64_C(8) * ITS_DEVICE, 0);
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, ITS_EVENT);
    assert_mistake(bench, ITS_MODEL_TABLE, "stored to by software");
    its_stop(bench);
    bench = its_plain();
    its_map_one(bench);
    its_poke(bench, ITS_COLLECTIONS + UINT64_C(8) * ITS_ICID, 0);
    its_invall(bench, ITS_ICID);
    assert_mistake(bench, ITS_MODEL_TABLE, "stored to by software");
    its_stop(bench);
}

static void memory_is_given_for_one_table_only(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_mapd(bench, 1, ITS_ITT(0), 5);
    its_mapd(bench, 2, ITS_ITT(0) + 0x200, 5); /* 32 entries of 12 bytes end at 0x180 */
    assert_no_mistakes(bench);
    its_mapd(bench, 3, ITS_ITT(0) + 0x100, 5);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_TABLE), 2); /* with both */
    its_mapd(bench, 4, ITS_PENDING(1), 5);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_TABLE), 3);
    its_mapd(bench, 5, ITS_QUEUE + 0xF00, 5);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_TABLE), 4);
    its_stop(bench);
}

static void an_entry_where_no_memory_was_allotted_is_noted(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    bench->refused = ITS_ITT(0) + 0x100;
    bench->refused_size = 0x1000;
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), ITS_EVENT_BITS);
    assert_mistake(bench, ITS_MODEL_TABLE, "not in memory given");
    its_stop(bench);
}

static struct its_bench *two_levels(void)
{
    const struct its_model_parameters p = its_model_like_qemu();
    struct its_bench *bench = its_up(&p);

    its_put(bench, AT_GITS_CTLR, 0);
    its_put(bench, AT_GITS_BASER,
            ITS_DEVICES | field_mask(BASER_VALID) | field_mask(BASER_INDIRECT));
    its_put(bench, AT_GITS_CTLR, 1);
    return bench;
}

static void of_a_table_of_two_levels_each_page_serves_its_devices(void **state)
{
    struct its_bench *bench = two_levels();
    const uint64_t page = ITS_DEVICES + 0x10000;

    (void)state;
    its_poke(bench, ITS_DEVICES + 8, page | field_mask(LEVEL1_VALID)); /* 512 devices a page */
    its_mapd(bench, 512 + 7, ITS_ITT(0), 5);
    assert_no_mistakes(bench);
    assert_int_not_equal(its_peek(bench, page + UINT64_C(7) * 8), 0);
    its_mapd(bench, 7, ITS_ITT(1), 5); /* its page is not there */
    assert_mistake(bench, ITS_MODEL_COMMAND_ERROR, "DEVICE_OOR");
    its_stop(bench);
}

static void a_table_that_is_too_small_ends_where_it_ends(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_put(bench, AT_GITS_CTLR, 0);
    its_put(bench, AT_GITS_BASER, ITS_DEVICES | field_mask(BASER_VALID)); /* one page */
    its_put(bench, AT_GITS_CTLR, 1);
    its_mapd(bench, 511, ITS_ITT(0), 5);
    assert_no_mistakes(bench);
    its_mapd(bench, 512, ITS_ITT(1), 5);
    assert_mistake(bench, ITS_MODEL_COMMAND_ERROR, "DEVICE_OOR");
    its_stop(bench);
}

static void without_a_device_table_no_device_can_be_mapped(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_put(bench, AT_GITS_CTLR, 0);
    its_put(bench, AT_GITS_BASER, 0);
    its_put(bench, AT_GITS_CTLR, 1);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_NO_DEVICE);
    its_mapd(bench, ITS_DEVICE, ITS_ITT(1), 5);
    assert_mistake(bench, ITS_MODEL_COMMAND_ERROR, "DEVICE_OOR");
    its_stop(bench);
}

int run_its_table_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_is_not_zero_is_no_itt),
        cmocka_unit_test(an_itt_that_was_used_must_be_cleared_before_it_is_given_again),
        cmocka_unit_test(a_store_to_an_entry_in_use_is_seen_by_the_next_command_and_by_a_message),
        cmocka_unit_test(memory_is_given_for_one_table_only),
        cmocka_unit_test(an_entry_where_no_memory_was_allotted_is_noted),
        cmocka_unit_test(of_a_table_of_two_levels_each_page_serves_its_devices),
        cmocka_unit_test(a_table_that_is_too_small_ends_where_it_ends),
        cmocka_unit_test(without_a_device_table_no_device_can_be_mapped),
    };

    return cmocka_run_group_tests_name("ITS tables", tests, NULL, NULL);
}
