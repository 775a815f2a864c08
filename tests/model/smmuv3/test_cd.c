/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDs: which ones are ILLEGAL (5.4.2), and what the rest of one decides.
 */
#include "fixture.h"

/* The event of an access when `field` of a good CD, of an EL1 or EL2 stream, is changed. */
static uint8_t event_with(const struct smmuv3_model_parameters *p, unsigned strw, unsigned field,
                          uint64_t value)
{
    struct guest g = guest_of(p, &PLAIN_S1);
    struct smmuv3_model_result result;

    set_ste(&g, STE_STRW, strw);
    set_cd(&g, field, value);
    result = access_as(&g, -1, 0, false);
    machine_stop(g.machine);
    return result.event;
}

/* A good CD over an empty table faults with F_TRANSLATION; that is how legality shows here. */
struct illegal_case {
    const char *name;
    unsigned field;
    uint64_t value;
    uint8_t event;
};

static void check_all(const struct smmuv3_model_parameters *p, unsigned strw,
                      const struct illegal_case *cases, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t event = event_with(p, strw, cases[i].field, cases[i].value);

        if (event != cases[i].event) {
            fail_msg("%s: event 0x%x", cases[i].name, event);
        }
    }
}

#define CHECK_ALL(p, strw, cases) check_all(p, strw, cases, sizeof(cases) / sizeof(*(cases)))

static void a_cd_looks_as_the_manual_says(void **state)
{
    uint64_t cd[CD_WORDS];

    (void)state;
    stage1_cd(cd, &PLAIN_S1, 0x80004000);
    assert_int_equal(cd[0], UINT64_C(0x00036204c0000019));
    assert_int_equal(cd[1], 0x80004000);
    field_put(cd, CD_TG1, 2);
    field_put(cd, CD_T1SZ, 16);
    field_put(cd, CD_HAD0, 1);
    field_put(cd, CD_HAD1, 1);
    assert_int_equal(cd[0], UINT64_C(0x00036204c0900019));
    assert_int_equal(cd[1], 0x80004002);
    assert_int_equal(cd[2], 2);
}

static void fields_are_checked_one_by_one(void **state)
{
    static const struct illegal_case cases[] = {
        { "as it is", CD_R, 1, F_TRANSLATION },
        { "V", CD_V, 0, C_BAD_CD },
        { "T0SZ largest", CD_T0SZ, 39, F_TRANSLATION },
        { "T0SZ too large", CD_T0SZ, 40, C_BAD_CD },
        { "T0SZ smallest", CD_T0SZ, 16, F_TRANSLATION },
        { "T0SZ too small", CD_T0SZ, 15, C_BAD_CD },
        { "TG0 reserved", CD_TG0, 3, C_BAD_CD },
        { "T1SZ is ignored with EPD1", CD_T1SZ, 5, F_TRANSLATION },
        { "TG1 and T1SZ count without EPD1", CD_EPD1, 0, C_BAD_CD },
        { "EPD0 makes the half fault", CD_EPD0, 1, F_TRANSLATION },
        { "ENDI on a little-endian unit", CD_ENDI, 1, C_BAD_CD },
        { "AArch32 tables that do not exist", CD_AA64, 0, C_BAD_CD },
        { "HA without hardware updates", CD_HA, 1, C_BAD_CD },
        { "HD without hardware updates", CD_HD, 1, C_BAD_CD },
        { "IPS below TTB0", CD_IPS, 0, F_TRANSLATION },
        { "TTB0 beyond IPS", CD_TTB0, UINT64_C(1) << 40, C_BAD_CD },
        { "IPS reserved is capped", CD_IPS, 7, F_TRANSLATION },
        { "ASID of 16 bits", CD_ASID, 0xffff, F_TRANSLATION },
        { "UWXN is ignored", CD_UWXN, 1, F_TRANSLATION },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    CHECK_ALL(&p, 0, cases);
}

static void what_the_unit_can_do_decides_what_is_legal(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    p.asid16 = false;
    assert_int_equal(event_with(&p, 0, CD_ASID, 0x100), C_BAD_CD);
    assert_int_equal(event_with(&p, 0, CD_ASID, 0xff), F_TRANSLATION);
    assert_int_equal(event_with(&p, 2, CD_ASID, 0x100), F_TRANSLATION); /* EL2 has no ASIDs */

    p = smmuv3_model_like_mmu600();
    p.gran4k = false;
    assert_int_equal(event_with(&p, 0, CD_R, 1), C_BAD_CD);
    assert_int_equal(event_with(&p, 0, CD_TG0, 1), F_TRANSLATION);
    assert_int_equal(event_with(&p, 0, CD_TG0, 2), F_TRANSLATION);

    p = smmuv3_model_like_mmu600();
    p.stt = true;
    assert_int_equal(event_with(&p, 0, CD_T0SZ, 48), F_TRANSLATION);
    assert_int_equal(event_with(&p, 0, CD_T0SZ, 49), C_BAD_CD);

    p = smmuv3_model_like_mmu600();
    p.term_model = true;
    assert_int_equal(event_with(&p, 0, CD_A, 0), C_BAD_CD);
    assert_int_equal(event_with(&p, 0, CD_A, 1), F_TRANSLATION);

    p = smmuv3_model_like_mmu600();
    p.stall_model = 1;
    assert_int_equal(event_with(&p, 0, CD_S, 1), C_BAD_CD);
    p.stall_model = 2;
    assert_int_equal(event_with(&p, 0, CD_S, 0), C_BAD_CD);

    p = smmuv3_model_like_mmu600();
    p.httu = 1;
    assert_int_equal(event_with(&p, 0, CD_HA, 1), F_TRANSLATION);
    assert_int_equal(event_with(&p, 0, CD_HD, 1), C_BAD_CD);
}

static void an_ste_may_forbid_stalls(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    set_cd(&g, CD_S, 1);
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_STALLED);
    set_ste(&g, STE_S1STALLD, 1);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    machine_stop(g.machine);
}

static void el2_has_one_half_that_cannot_be_switched_off(void **state)
{
    static const struct illegal_case cases[] = {
        { "EPD0 is ignored", CD_EPD0, 1, F_TRANSLATION },
        { "EPD1 is ignored", CD_EPD1, 0, F_TRANSLATION },
        { "TG1 is reserved", CD_TG1, 0, F_TRANSLATION },
        { "T0SZ counts", CD_T0SZ, 15, C_BAD_CD },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    CHECK_ALL(&p, 2, cases);
}

static void with_both_halves_off_the_endianness_is_ignored(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    set_cd(&g, CD_ENDI, 1);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    set_cd(&g, CD_EPD0, 1);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void c_bad_cd_names_stream_and_substream(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_event event;

    (void)state;
    field_put(g.ste, STE_S1CDMAX, 2);
    put_ste(g.machine, SID, g.ste);
    assert_int_equal(access_as(&g, 2, 0, false).event, C_BAD_CD);
    event = take_event(g.machine);
    assert_string_equal(event.name, "C_BAD_CD");
    assert_int_equal(event.stream_id, SID);
    assert_true(event.ssv);
    assert_int_equal(event.substream_id, 2);
    machine_stop(g.machine);
}

static void r_decides_what_is_recorded_and_a_what_the_device_sees(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_access access = { .stream_id = SID };
    struct smmuv3_model_result result;
    uint64_t data = ~UINT64_C(0);

    (void)state;
    set_cd(&g, CD_R, 0);
    result = access_as(&g, -1, 0, false);
    assert_int_equal(result.outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(result.event, F_TRANSLATION);
    assert_true(result.event_suppressed);
    assert_int_equal(events_waiting(g.machine), 0);
    set_cd(&g, CD_A, 0);
    result = smmuv3_model_dma_as(g.machine->unit, &access, &data, sizeof(data));
    assert_int_equal(result.outcome, SMMUV3_MODEL_RAZ_WI);
    assert_int_equal(data, 0);
    set_cd(&g, CD_R, 1);
    assert_int_equal(access_as(&g, -1, 0, true).outcome, SMMUV3_MODEL_RAZ_WI);
    assert_int_equal(events_waiting(g.machine), 1);
    machine_stop(g.machine);
}

static void only_the_four_faults_of_translation_know_a_and_r(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    set_cd(&g, CD_R, 0);
    set_cd(&g, CD_A, 0);
    smmuv3_model_abort_next(g.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(take_event(g.machine).number, F_WALK_EABT);
    machine_stop(g.machine);
}

static void a_misaligned_table_is_noted_and_used_aligned(void **state)
{
    struct guest g = plain_guest();
    uint64_t cd[CD_WORDS];

    (void)state;
    map1(&g, g.root, 0, 3, g.page, 0);
    stage1_cd(cd, &PLAIN_S1, g.root + 0x40);
    put_cd(g.machine, g.cds, cd);
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    assert_one_error(g.machine, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(g.machine);
}

int run_cd_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cd_looks_as_the_manual_says),
        cmocka_unit_test(fields_are_checked_one_by_one),
        cmocka_unit_test(what_the_unit_can_do_decides_what_is_legal),
        cmocka_unit_test(an_ste_may_forbid_stalls),
        cmocka_unit_test(el2_has_one_half_that_cannot_be_switched_off),
        cmocka_unit_test(with_both_halves_off_the_endianness_is_ignored),
        cmocka_unit_test(c_bad_cd_names_stream_and_substream),
        cmocka_unit_test(r_decides_what_is_recorded_and_a_what_the_device_sees),
        cmocka_unit_test(only_the_four_faults_of_translation_know_a_and_r),
        cmocka_unit_test(a_misaligned_table_is_noted_and_used_aligned),
    };

    return cmocka_run_group_tests_name("CD", tests, NULL, NULL);
}
