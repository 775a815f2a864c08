/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS model: its registers. */
#include "fixture_its.h"

static void what_the_unit_can_do_is_read_from_its_type_register(void **state)
{
    struct its_model_parameters p = its_model_like_strict();
    struct its_bench *bench = its_start(&p);
    uint64_t typer = its_get(bench, AT_GITS_TYPER);

    (void)state;
    assert_int_equal(field_in(typer, TYPER_DEVBITS), 17);
    assert_int_equal(field_in(typer, TYPER_ID_BITS), 10);
    assert_int_equal(field_in(typer, TYPER_ITT_ENTRY_SIZE), 15);
    assert_int_equal(field_in(typer, TYPER_PTA), 1);
    assert_int_equal(field_in(typer, TYPER_HCC), 8);
    assert_int_equal(field_in(typer, TYPER_CIL), 1);
    assert_int_equal(field_in(typer, TYPER_CIDBITS), 3);
    assert_int_equal(its_model_read(bench->model, AT_GITS_TYPER + 4, 4), typer >> 32);
    assert_int_equal(field_in(its_get(bench, AT_GITS_BASER), BASER_TYPE), BASER_DEVICES);
    assert_int_equal(field_in(its_get(bench, AT_GITS_BASER), BASER_ENTRY_SIZE), 15);
    assert_int_equal(field_in(its_get(bench, AT_GITS_BASER + 8), BASER_TYPE), BASER_COLLECTIONS);
    assert_int_equal(its_get(bench, AT_GITS_BASER + 16), 0);
    its_stop(bench);
}

static void of_a_table_register_the_fixed_fields_stay_as_the_unit_has_them(void **state)
{
    struct its_model_parameters p = its_model_like_strict();
    struct its_bench *bench = its_start(&p);

    (void)state;
    its_put(bench, AT_GITS_BASER, ITS_DEVICES | 0x400 | UINT64_C(1) << 62 | UINT64_C(1) << 63);
    uint64_t value = its_get(bench, AT_GITS_BASER);

    assert_int_equal(field_in(value, BASER_TYPE), BASER_DEVICES);
    assert_int_equal(field_in(value, BASER_ENTRY_SIZE), 15);
    assert_int_equal(field_in(value, BASER_PAGE_SIZE), 2);
    assert_int_equal(field_in(value, BASER_INDIRECT), 0);
    assert_int_equal(field_in(value, BASER_SHAREABILITY), 0);
    assert_int_equal(field_in(value, BASER_VALID), 1);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void while_it_is_enabled_or_not_quiescent_tables_and_queue_cannot_be_changed(void **state)
{
    struct its_bench *bench = its_plain();
    uint64_t queue = its_get(bench, AT_GITS_CBASER);

    (void)state;
    its_model_set_late(bench->model, ITS_MODEL_LATE_QUIESCENT, 2);
    its_put(bench, AT_GITS_CBASER, 0);
    its_put(bench, AT_GITS_CTLR, 0);
    its_put(bench, AT_GITS_CBASER, 0);
    its_put(bench, AT_GITS_BASER, 0);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_STATE), 3);
    assert_int_equal(its_get(bench, AT_GITS_CBASER), queue);
    assert_int_equal(its_get(bench, AT_GITS_CTLR) >> 31, 0);
    its_put(bench, AT_GITS_CTLR, 1); /* too early, too */
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_STATE), 4);
    assert_int_equal(its_get(bench, AT_GITS_CTLR) >> 31, 0);
    assert_int_equal(its_get(bench, AT_GITS_CTLR) >> 31, 1);
    its_put(bench, AT_GITS_CBASER, 0);
    assert_int_equal(its_get(bench, AT_GITS_CBASER), 0);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_ALL), 4);
    its_stop(bench);
}

static void a_queue_that_is_not_aligned_or_overrun_is_noted(void **state)
{
    struct its_model_parameters p = its_model_like_qemu();
    struct its_bench *bench = its_start(&p);

    (void)state;
    its_put(bench, AT_GITS_CBASER, (ITS_QUEUE + 0x1000) | field_mask(CBASER_VALID));
    assert_mistake(bench, ITS_MODEL_VALUE, "not aligned to 64 KiB");
    its_stop(bench);
    bench = its_plain();
    its_put(bench, AT_GITS_CWRITER, ITS_QUEUE_BYTES);
    assert_mistake(bench, ITS_MODEL_VALUE, "beyond the queue");
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 0);
    its_stop(bench);
}

static void a_new_queue_is_read_from_its_beginning(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_mapc(bench, 0, 0, true);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), COMMAND_BYTES);
    its_put(bench, AT_GITS_CTLR, 0);
    its_put(bench, AT_GITS_CBASER, ITS_QUEUE | field_mask(CBASER_VALID));
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 0);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void halves_of_a_register_are_as_good_as_the_whole(void **state)
{
    struct its_model_parameters p = its_model_like_qemu();
    struct its_bench *bench = its_start(&p);

    (void)state;
    its_model_write(bench->model, AT_GITS_CBASER, ITS_QUEUE, 4);
    its_model_write(bench->model, AT_GITS_CBASER + 4, UINT64_C(1) << 31, 4);
    assert_int_equal(its_get(bench, AT_GITS_CBASER), ITS_QUEUE | field_mask(CBASER_VALID));
    assert_int_equal(its_model_read(bench->model, AT_GITS_CBASER, 4), ITS_QUEUE);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void accesses_of_a_wrong_width_or_to_nothing_are_noted(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    assert_int_equal(its_model_read(bench->model, AT_GITS_CTLR, 8), 0);
    its_model_write(bench->model, AT_GITS_CBASER + 2, 0, 4);
    its_model_write(bench->model, 0x4000, 1, 8);
    its_model_write(bench->model, AT_GITS_IIDR, 1, 4);
    its_model_write(bench->model, AT_GITS_TRANSLATER, 1, 4);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_ACCESS), 5);
    assert_int_equal(its_get(bench, AT_GITS_CTLR) & 1, 1);
    its_stop(bench);
}

int run_its_register_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_unit_can_do_is_read_from_its_type_register),
        cmocka_unit_test(of_a_table_register_the_fixed_fields_stay_as_the_unit_has_them),
        cmocka_unit_test(while_it_is_enabled_or_not_quiescent_tables_and_queue_cannot_be_changed),
        cmocka_unit_test(a_queue_that_is_not_aligned_or_overrun_is_noted),
        cmocka_unit_test(a_new_queue_is_read_from_its_beginning),
        cmocka_unit_test(halves_of_a_register_are_as_good_as_the_whole),
        cmocka_unit_test(accesses_of_a_wrong_width_or_to_nothing_are_noted),
    };

    return cmocka_run_group_tests_name("ITS registers", tests, NULL, NULL);
}
