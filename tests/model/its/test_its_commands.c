/* SPDX-License-Identifier: Apache-2.0 */
/* The ITS model: what commands do, what is wrong with them, when they are consumed. */
#include "fixture_its.h"

static void a_message_is_translated_by_what_commands_mapped_and_nothing_else(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_NO_DEVICE);
    its_map_one(bench);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_TRANSLATED);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT + 1),
                     ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, 1 << ITS_EVENT_BITS),
                     ITS_MODEL_NO_EVENT);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE + 1, ITS_EVENT),
                     ITS_MODEL_NO_DEVICE);
    its_put(bench, AT_GITS_CTLR, 0);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_DISABLED);
    assert_int_equal(its_model_delivered(bench->model), 1);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void a_unit_with_other_widths_works_when_it_is_asked_for_them(void **state)
{
    struct its_model_parameters p = its_model_like_strict();
    struct its_bench *bench = its_up(&p);

    (void)state;
    its_map_one(bench);
    its_mapc(bench, 12, 1, true); /* behind those that the unit holds itself */
    its_mapti(bench, ITS_DEVICE, 7, ITS_LPI + 1, 12);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, 7), ITS_MODEL_TRANSLATED);
    assert_true(its_model_pending(bench->model, 1, ITS_LPI + 1));
    assert_int_not_equal(its_peek(bench, ITS_COLLECTIONS + UINT64_C(4) * 16), 0);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void what_was_unmapped_or_discarded_translates_nothing(void **state)
{
    struct its_bench *bench = its_plain();
    uint32_t intid = 0;
    unsigned redistributor = 9;

    (void)state;
    its_map_one(bench);
    assert_true(its_model_mapping(bench->model, ITS_DEVICE, ITS_EVENT, &intid, &redistributor));
    assert_int_equal(intid, ITS_LPI);
    assert_int_equal(redistributor, 0);
    its_event_command(bench, COMMAND_INT, ITS_DEVICE, ITS_EVENT);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    its_event_command(bench, COMMAND_DISCARD, ITS_DEVICE, ITS_EVENT);
    assert_false(its_model_pending(bench->model, 0, ITS_LPI));
    assert_false(its_model_mapping(bench->model, ITS_DEVICE, ITS_EVENT, &intid, &redistributor));
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_NO_EVENT);
    its_mapti(bench, ITS_DEVICE, ITS_EVENT, ITS_LPI, ITS_ICID); /* again */
    its_mapc(bench, ITS_ICID + 1, 0, true);
    its_unmapd(bench, ITS_DEVICE);
    assert_int_equal(its_model_message(bench->model, ITS_DEVICE, ITS_EVENT), ITS_MODEL_NO_DEVICE);
    assert_int_equal(its_model_devices(bench->model), 0);
    its_mapc(bench, ITS_ICID + 1, 0, false);
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void an_interrupt_that_moves_takes_its_pending_state_along(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_mapc(bench, ITS_ICID + 1, 1, true);
    its_model_message(bench->model, ITS_DEVICE, ITS_EVENT);
    its_movi(bench, ITS_DEVICE, ITS_EVENT, ITS_ICID + 1);
    assert_false(its_model_pending(bench->model, 0, ITS_LPI));
    assert_true(its_model_pending(bench->model, 1, ITS_LPI));
    assert_int_equal(bench->interrupts[1], 1);
    its_submit(bench, COMMAND_MOVALL, 0, UINT64_C(1) << 16, 0);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    its_event_command(bench, COMMAND_CLEAR, ITS_DEVICE, ITS_EVENT); /* where the event goes now */
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    assert_no_mistakes(bench);
    its_stop(bench);
}

static void the_short_form_of_a_mapping_takes_the_event_for_the_interrupt(void **state)
{
    struct its_bench *bench = its_plain();
    uint32_t intid = 0;
    unsigned redistributor = 9;

    (void)state;
    its_mapc(bench, ITS_ICID, 0, true);
    its_mapd(bench, ITS_DEVICE, ITS_ITT(0), 14);
    its_submit(bench, COMMAND_MAPI | (uint64_t)ITS_DEVICE << 32, 8195, ITS_ICID, 0);
    assert_true(its_model_mapping(bench->model, ITS_DEVICE, 8195, &intid, &redistributor));
    assert_int_equal(intid, 8195);
    assert_no_mistakes(bench);
    its_stop(bench);
}

/* ------------------------------------------------------------------ errors */

struct wrong {
    uint64_t word[COMMAND_WORDS];
    const char *text;
};

#define OF(opcode, device) ((opcode) | (uint64_t)(device) << 32)
#define AS(event, intid) ((event) | (uint64_t)(intid) << 32)
#define VALID (UINT64_C(1) << 63)

/* With ITS_DEVICE mapped, ITS_EVENT and ITS_ICID, and nothing else; collections 0 to 511. */
static const struct wrong wrong[] = {
    { { 0x7F }, "opcode" },
    { { OF(COMMAND_MAPD, 0x10000), 4, ITS_ITT(1) | VALID }, "DEVICE_OOR" },
    { { OF(COMMAND_MAPD, 5), 16, ITS_ITT(1) | VALID }, "ITTSIZE_OOR" },
    { { COMMAND_MAPC, 0, 512 | VALID }, "COLLECTION_OOR" },
    { { COMMAND_MAPC, 0, 1 | UINT64_C(2) << 16 | VALID }, "RDbase" },
    { { OF(COMMAND_MAPTI, 0x10000), AS(0, 8192) }, "DEVICE_OOR" },
    { { OF(COMMAND_MAPTI, 5), AS(0, 8192) }, "UNMAPPED_DEVICE" },
    { { OF(COMMAND_MAPTI, ITS_DEVICE), AS(32, 8192) }, "ID_OOR" },
    { { OF(COMMAND_MAPTI, ITS_DEVICE), AS(1, 8192), 512 }, "COLLECTION_OOR" },
    { { OF(COMMAND_MAPTI, ITS_DEVICE), AS(1, 8191) }, "PHYSICALID_OOR" },
    { { OF(COMMAND_MAPTI, ITS_DEVICE), AS(1, 0x10000) }, "PHYSICALID_OOR" },
    { { OF(COMMAND_MAPI, ITS_DEVICE), 1 }, "PHYSICALID_OOR" },
    { { OF(COMMAND_MOVI, ITS_DEVICE), 1 }, "UNMAPPED_INTERRUPT" },
    { { OF(COMMAND_MOVI, ITS_DEVICE), ITS_EVENT, 1 }, "UNMAPPED_COLLECTION" },
    { { OF(COMMAND_DISCARD, ITS_DEVICE), 1 }, "UNMAPPED_INTERRUPT" },
    { { OF(COMMAND_INV, 5), ITS_EVENT }, "UNMAPPED_DEVICE" },
    { { OF(COMMAND_INV, ITS_DEVICE), 1 }, "UNMAPPED_INTERRUPT" },
    { { OF(COMMAND_INT, ITS_DEVICE), 32 }, "ID_OOR" },
    { { OF(COMMAND_CLEAR, ITS_DEVICE), 1 }, "UNMAPPED_INTERRUPT" },
    { { COMMAND_INVALL, 0, 1 }, "UNMAPPED_COLLECTION" },
    { { COMMAND_INVALL, 0, 512 }, "COLLECTION_OOR" },
    { { COMMAND_SYNC, 0, UINT64_C(7) << 16 }, "RDbase" },
    { { COMMAND_MOVALL, 0, 0, UINT64_C(7) << 16 }, "RDbase" },
};

static void each_error_of_a_command_has_its_name_and_stalls_the_queue(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct its_bench *bench = its_plain();
        const uint64_t *word = wrong[i].word;

        its_map_one(bench);
        uint64_t at = bench->write;

        its_submit(bench, word[0], word[1], word[2], word[3]);
        assert_mistake(bench, ITS_MODEL_COMMAND_ERROR, wrong[i].text);
        assert_int_equal(its_get(bench, AT_GITS_CREADR), at | 1);
        its_sync(bench, 0);
        assert_int_equal(its_get(bench, AT_GITS_CREADR), at | 1);
        its_stop(bench);
    }
}

static void a_unit_that_skips_goes_on_behind_the_error(void **state)
{
    struct its_model_parameters p = its_model_like_qemu();

    p.answer = ITS_MODEL_SKIPS;
    struct its_bench *bench = its_up(&p);

    (void)state;
    its_map_one(bench);
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, 1);
    assert_mistake(bench, ITS_MODEL_COMMAND_ERROR, "UNMAPPED_INTERRUPT");
    assert_int_equal(its_get(bench, AT_GITS_CREADR), bench->write);
    its_event_command(bench, COMMAND_INT, ITS_DEVICE, ITS_EVENT);
    assert_true(its_model_pending(bench->model, 0, ITS_LPI));
    its_stop(bench);
}

static unsigned the_other(void *context, enum its_model_choice what, unsigned of)
{
    (void)context;
    return what == ITS_MODEL_CHOOSE_ANSWER ? of - 1 : 0;
}

static void whether_it_stalls_may_be_chosen_each_time(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_model_set_chooser(bench->model, the_other, NULL);
    its_event_command(bench, COMMAND_INV, ITS_DEVICE, 1);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), bench->write);
    its_stop(bench);
}

static void a_stalled_queue_goes_on_when_software_says_retry(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    uint64_t at = bench->write;

    its_submit(bench, 0x7F, 0, 0, 0);
    its_poke(bench, ITS_QUEUE + at, COMMAND_SYNC);
    its_put(bench, AT_GITS_CWRITER, bench->write);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), at | 1);
    its_put(bench, AT_GITS_CWRITER, bench->write | field_mask(CWRITER_RETRY));
    assert_int_equal(its_get(bench, AT_GITS_CREADR), bench->write);
    its_stop(bench);
}

static void what_the_manual_calls_unpredictable_is_noted(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_map_one(bench);
    its_mapc(bench, ITS_ICID + 1, 1, true);
    assert_no_mistakes(bench);
    its_mapti(bench, ITS_DEVICE, ITS_EVENT, ITS_LPI, ITS_ICID);         /* mapped already */
    its_mapti(bench, ITS_DEVICE, ITS_EVENT + 1, ITS_LPI, ITS_ICID + 1); /* one LPI, two places */
    its_mapc(bench, ITS_ICID, 0, false);                                /* in use */
    its_mapd(bench, ITS_DEVICE, ITS_ITT(1), 5);                         /* mapped already */
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_UNPREDICTABLE), 4);
    assert_int_equal(its_model_mistakes(bench->model, ITS_MODEL_ALL), 4);
    its_stop(bench);
}

/* ------------------------------------------------------------------ time */

static void commands_can_be_consumed_late_or_never(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    its_model_set_late(bench->model, ITS_MODEL_LATE_COMMANDS, 2);
    its_mapc(bench, 0, 0, true);
    its_mapc(bench, 1, 0, true);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 0);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), COMMAND_BYTES);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), COMMAND_BYTES);
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 2 * COMMAND_BYTES);
    its_model_set_late(bench->model, ITS_MODEL_LATE_COMMANDS, ITS_MODEL_NEVER);
    its_mapc(bench, 2, 0, true);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(its_get(bench, AT_GITS_CREADR), 2 * COMMAND_BYTES);
    }
    assert_true(its_model_step(bench->model, ITS_MODEL_LATE_COMMANDS));
    assert_false(its_model_step(bench->model, ITS_MODEL_LATE_COMMANDS));
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 3 * COMMAND_BYTES);
    assert_int_equal(its_model_commands(bench->model, COMMAND_MAPC), 3);
    assert_int_equal(its_model_commands(bench->model, ITS_MODEL_ANY), 3);
    its_stop(bench);
}

static void the_queue_wraps(void **state)
{
    struct its_bench *bench = its_plain();

    (void)state;
    for (unsigned i = 0; i < ITS_QUEUE_BYTES / COMMAND_BYTES + 3; i++) {
        its_sync(bench, 0);
    }
    assert_int_equal(its_get(bench, AT_GITS_CREADR), 3 * COMMAND_BYTES);
    assert_int_equal(its_model_commands(bench->model, COMMAND_SYNC), 131);
    assert_no_mistakes(bench);
    its_stop(bench);
}

int run_its_command_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_translated_by_what_commands_mapped_and_nothing_else),
        cmocka_unit_test(a_unit_with_other_widths_works_when_it_is_asked_for_them),
        cmocka_unit_test(what_was_unmapped_or_discarded_translates_nothing),
        cmocka_unit_test(an_interrupt_that_moves_takes_its_pending_state_along),
        cmocka_unit_test(the_short_form_of_a_mapping_takes_the_event_for_the_interrupt),
        cmocka_unit_test(each_error_of_a_command_has_its_name_and_stalls_the_queue),
        cmocka_unit_test(a_unit_that_skips_goes_on_behind_the_error),
        cmocka_unit_test(whether_it_stalls_may_be_chosen_each_time),
        cmocka_unit_test(a_stalled_queue_goes_on_when_software_says_retry),
        cmocka_unit_test(what_the_manual_calls_unpredictable_is_noted),
        cmocka_unit_test(commands_can_be_consumed_late_or_never),
        cmocka_unit_test(the_queue_wraps),
    };

    return cmocka_run_group_tests_name("ITS commands", tests, NULL, NULL);
}
