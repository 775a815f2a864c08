/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS model: LPIs of a redistributor, and what the ITS tells it late. */
#include "fixture_its.h"

static void the_lpi_of_the_highest_priority_is_taken_first_and_a_disabled_one_never(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench); /* priority 0xA0 */
    its_configure(bench, ITS_LPI + 1, 0x81);
    its_configure(bench, ITS_LPI + 2, 0x10);
    for (unsigned i = 1; i < 3; i++) {
        its_mapti(bench, ITS_DEVICE, ITS_EVENT + i, ITS_LPI + i, ITS_ICID);
    }
    for (unsigned i = 0; i < 3; i++) {
        its_model_message(bench->model, ITS_DEVICE, ITS_EVENT + i);
    }
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI + 1);
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI);
    assert_int_equal(its_model_acknowledge(bench->model, 0), 1023);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI + 2));
    assert_int_equal(its_model_acknowledge(bench->model, 1), 1023);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void a_configuration_is_kept_until_it_is_invalidated(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI);
    its_configure(bench, ITS_LPI, 0xA0);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI); /* still enabled */
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, ITS_EVENT);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), 1023);
    its_configure(bench, ITS_LPI, 0xA1);
    assert_int_equal(its_model_acknowledge(bench->model, 0), 1023);
    its_invall(bench, ITS_ICID);
    assert_int_equal(bench->interrupts[0], 3);
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI);
    its_configure(bench, ITS_LPI, 0xA0);
    its_model_evict(bench->model);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), 1023);
    its_stop(bench);
}

static void a_unit_that_fetches_early_has_what_was_there_when_lpis_were_enabled(void **state)
{
    struct its_model_parameters p = its_model_like_qemu();

    p.fetches_early = true;
    struct its_bench *bench = its_up(&p);

    (void)state;
    its_configure(bench, ITS_LPI, 0xA1); /* and no INV */
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), ITS_EVENT_BITS);
    its_mapc(bench, ITS_ICID, 0, true);
    its_mapti(bench, ITS_DEVICE, ITS_EVENT, ITS_LPI, ITS_ICID);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), 1023);
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, ITS_EVENT);
    assert_int_equal(its_model_acknowledge(bench->model, 0), ITS_LPI);
    its_stop(bench);
}

static void what_a_redistributor_is_told_late_it_knows_after_its_sync(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_model_set_late(bench->model, ITS_MODEL_LATE_TELLING, ITS_MODEL_NEVER);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_false(its_model_pending(bench->model, 0, ITS_LPI));
    its_event_command(bench, COMMAND_DISCARD, ITS_DEVICE, ITS_EVENT);
    assert_true(its_model_step(bench->model, ITS_MODEL_LATE_TELLING));
    assert_true(its_model_pending(bench->model, 0, ITS_LPI)); /* though it is discarded */
    its_sync(bench, 1);                                       /* of another */
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    its_sync(bench, 0);
    assert_false(its_model_pending(bench->model, 0, ITS_LPI));
    assert_false(its_model_step(bench->model, ITS_MODEL_LATE_TELLING));
    assert_no_mistakes(bench);
    its_stop(bench);
}

static unsigned always(void *context, enum its_model_choice what, unsigned of)
{
    (void)context;
    return what == ITS_MODEL_CHOOSE_TELLING ? of - 1 : 0;
}

static void what_is_told_late_may_be_heard_at_any_moment(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_model_set_late(bench->model, ITS_MODEL_LATE_TELLING, ITS_MODEL_NEVER);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    its_model_set_chooser(bench->model, always, NULL);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT + 1);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    its_stop(bench);
}

static void while_lpis_are_enabled_their_tables_cannot_be_changed(void **state)
{
    struct its_bench *bench = its_plain();
    uint64_t table = its_model_redistributor_read(bench->model, 0, AT_GICR_PROPBASER, 8);

    (void)state;
    its_model_redistributor_write(bench->model, 0, AT_GICR_PROPBASER, 0, 8);
    its_model_redistributor_write(bench->model, 0, AT_GICR_PENDBASER, 0, 8);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_STATE), 2);
    assert_int_equal(its_model_redistributor_read(bench->model, 0, AT_GICR_PROPBASER, 8), table);
    its_model_redistributor_write(bench->model, 0, AT_GICR_CTLR, 0, 4);
    its_model_redistributor_write(bench->model, 0, AT_GICR_PROPBASER, 0, 8);
    assert_int_equal(its_model_redistributor_read(bench->model, 0, AT_GICR_PROPBASER, 8), 0);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_ALL), 2);
    its_stop(bench);
}

static void some_units_cannot_disable_lpis_again(void **state)
{
    struct its_model_parameters p = its_model_like_strict();
    struct its_bench *bench = its_up(&p);

    (void)state;
    assert_int_equal(its_model_redistributor_read(bench->model, 0, AT_GICR_CTLR, 4), 1);
    its_model_redistributor_write(bench->model, 0, AT_GICR_CTLR, 0, 4);
    assert_mistake(bench, ITS_MODEL_STATE, "cannot be cleared");
    assert_int_equal(its_model_redistributor_read(bench->model, 0, AT_GICR_CTLR, 4), 1);
    its_stop(bench);
}

static void tables_of_redistributors_are_looked_at_when_lpis_are_enabled(void **state)
{
    struct its_model_parameters p = its_model_like_qemu();
    struct its_bench *bench = its_start(&p);

    (void)state;
    its_model_redistributor_write(bench->model, 0, AT_GICR_PROPBASER, ITS_CONFIGURATION | 15, 8);
    its_model_redistributor_write(bench->model, 0, AT_GICR_PENDBASER, ITS_PENDING(0), 8);
    its_poke(bench, ITS_PENDING(0) + 0x800, 1);
    its_model_redistributor_write(bench->model, 0, AT_GICR_CTLR, 1, 4);
    assert_mistake(bench, ITS_MODEL_TABLE, "not zero");
    its_model_redistributor_write(bench->model, 1, AT_GICR_PROPBASER, ITS_CONFIGURATION | 14, 8);
    its_model_redistributor_write(bench->model, 1, AT_GICR_PENDBASER, ITS_PENDING(0) + 0x1000, 8);
    its_model_redistributor_write(bench->model, 1, AT_GICR_CTLR, 1, 4);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_VALUE), 1);         /* 64 KiB */
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_UNPREDICTABLE), 1); /* unequal */
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_TABLE), 3); /* overlap, not zero */
    its_stop(bench);
}

static void an_lpi_that_no_redistributor_takes_is_noted(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_model_redistributor_write(bench->model, 0, AT_GICR_CTLR, 0, 4);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    assert_mistake(bench, ITS_MODEL_STATE, "no such LPI");
    assert_int_equal(its_model_delivered(bench->model), 0);
    its_stop(bench);
}

static void only_the_registers_of_lpis_are_modelled_of_a_redistributor(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    assert_true(its_model_has(AT_GICR_CTLR));
    assert_true(its_model_has(AT_GICR_PROPBASER + 4));
    assert_false(its_model_has(4));    /* GICR_IIDR */
    assert_false(its_model_has(0x14)); /* GICR_WAKER */
    assert_int_equal(its_model_redistributor_read(bench->model, 1, AT_GICR_TYPER, 8), 0x101);
    its_stop(bench);
}

int run_its_lpi_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lpi_of_the_highest_priority_is_taken_first_and_a_disabled_one_never),
        cmocka_unit_test(a_configuration_is_kept_until_it_is_invalidated),
        cmocka_unit_test(a_unit_that_fetches_early_has_what_was_there_when_lpis_were_enabled),
        cmocka_unit_test(what_a_redistributor_is_told_late_it_knows_after_its_sync),
        cmocka_unit_test(what_is_told_late_may_be_heard_at_any_moment),
        cmocka_unit_test(while_lpis_are_enabled_their_tables_cannot_be_changed),
        cmocka_unit_test(some_units_cannot_disable_lpis_again),
        cmocka_unit_test(tables_of_redistributors_are_looked_at_when_lpis_are_enabled),
        cmocka_unit_test(an_lpi_that_no_redistributor_takes_is_noted),
        cmocka_unit_test(only_the_registers_of_lpis_are_modelled_of_a_redistributor),
    };

    return cmocka_run_group_tests_name("ITS LPIs", tests, NULL, NULL);
}
