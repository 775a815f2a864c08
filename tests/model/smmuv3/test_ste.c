/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STEs: which stage-2 and stage-1 configurations are ILLEGAL, legal, or legal but not modelled.
 */
#include "fixture.h"

static void a_stage_2_ste_looks_as_the_manual_says(void **state)
{
    uint64_t ste[STE_WORDS];

    (void)state;
    stage2_ste(ste, &PLAIN_4K, 0x80004000);
    assert_int_equal(ste[0], 0xd);
    assert_int_equal(ste[1], 0);
    assert_int_equal(ste[2], UINT64_C(0x040c005900000007));
    assert_int_equal(ste[3], 0x80004000);
    field_put(ste, STE_S2AFFD, 1);
    field_put(ste, STE_S2S, 1);
    field_put(ste, STE_S2TG, 2);
    assert_int_equal(ste[2], UINT64_C(0x062c805900000007));
}

/* A legal stage-1 STE whose CD lies where no memory is ends here: that is how legality shows. */
static void a_stage_1_ste_leads_to_its_cd(void **state)
{
    struct machine *m = plain_up();
    uint64_t ste[STE_WORDS] = { 0xb | 0x4c0 };
    struct smmuv3_model_event event;

    (void)state;
    put_ste(m, SID, ste);
    assert_aborts(m, MEMORY_BASE, F_CD_FETCH);
    event = take_event(m);
    assert_int_equal(event.number, F_CD_FETCH);
    assert_int_equal(event.fetch_address, 0x4c0);
    machine_stop(m);
}

static void a_stage_that_the_unit_lacks_makes_the_ste_illegal(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    uint64_t ste[STE_WORDS] = { 0xb };
    struct machine *m = NULL;

    (void)state;
    p.s1p = false;
    p.hyp = false;
    m = machine_up(&p);
    put_ste(m, SID, ste);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    machine_stop(m);

    p = smmuv3_model_like_mmu600();
    p.s2p = false;
    m = machine_up(&p);
    stage2_ste(ste, &PLAIN_4K, MEMORY_BASE);
    put_ste(m, SID, ste);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    machine_stop(m);
}

/* The event that an access meets, when `field` of a good STE is changed to `value`. */
static uint8_t event_with(const struct smmuv3_model_parameters *p, const struct geometry *geometry,
                          unsigned field, uint64_t value)
{
    struct assigned a = assign(p, geometry);
    uint64_t ste[STE_WORDS];
    struct smmuv3_model_result result;

    stage2_ste(ste, geometry, a.root);
    if (field == STE_S2TTB) {
        ste[3] = value;
    } else {
        field_put(ste, field, value);
    }
    put_ste(a.machine, SID, ste);
    result = dma(a.machine, 0, false);
    machine_stop(a.machine);
    return result.event;
}

/* A good STE over an empty table faults with F_TRANSLATION; that is how legality shows here. */
struct illegal_case {
    const char *name;
    unsigned field;
    uint64_t value;
    uint8_t event;
};

static void stage_2_fields_are_checked_one_by_one(void **state)
{
    static const struct illegal_case cases[] = {
        { "as it is", STE_S2R, 1, F_TRANSLATION },
        { "S2TG reserved", STE_S2TG, 3, C_BAD_STE },
        { "S2T0SZ largest", STE_S2T0SZ, 33, F_TRANSLATION },
        { "S2T0SZ too small for the level", STE_S2T0SZ, 20, C_BAD_STE },
        { "S2T0SZ 16 concatenated tables", STE_S2T0SZ, 21, F_TRANSLATION },
        { "S2T0SZ too large for the level", STE_S2T0SZ, 34, C_BAD_STE },
        { "S2SL0 reserved without STT", STE_S2SL0, 3, C_BAD_STE },
        { "S2SL0 inconsistent", STE_S2SL0, 2, C_BAD_STE },
        { "S2ENDI on a little-endian unit", STE_S2ENDI, 1, C_BAD_STE },
        { "S2HA without hardware updates", STE_S2HA, 1, C_BAD_STE },
        { "S2HD without hardware updates", STE_S2HD, 1, C_BAD_STE },
        { "AArch32 tables that do not exist", STE_S2AA64, 0, C_BAD_STE },
        { "S2TTB beyond S2PS", STE_S2TTB, UINT64_C(0x100000000000), C_BAD_STE },
        { "S2PS reserved is capped", STE_S2PS, 7, F_TRANSLATION },
        { "S2VMID of 16 bits", STE_S2VMID, 0xffff, F_TRANSLATION },
        { "S1 fields are ignored", STE_S1STALLD, 1, F_TRANSLATION },
        { "STRW is ignored", STE_STRW, 3, F_TRANSLATION },
        { "EATS is ignored without ATS", STE_EATS, 2, F_TRANSLATION },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t event = event_with(&p, &PLAIN_4K, cases[i].field, cases[i].value);

        if (event != cases[i].event) {
            fail_msg("%s: event 0x%x", cases[i].name, event);
        }
    }
}

static void what_the_unit_can_do_decides_what_is_legal(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry deep = { .granule = 12, .level = 0, .input_bits = 40, .s2ps = 2 };
    const struct geometry small = { .granule = 12, .level = 3, .input_bits = 20, .s2ps = 4 };

    (void)state;
    p.vmid16 = false;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2VMID, 0x100), C_BAD_STE);
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2VMID, 0xff), F_TRANSLATION);
    p.gran4k = false;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2R, 1), C_BAD_STE);

    p = smmuv3_model_like_mmu600();
    assert_int_equal(event_with(&p, &deep, STE_S2R, 1), F_TRANSLATION);
    p.oas = 40; /* below 44 bits, level 0 does not exist */
    assert_int_equal(event_with(&p, &deep, STE_S2R, 1), C_BAD_STE);

    p = smmuv3_model_like_mmu600();
    assert_int_equal(event_with(&p, &small, STE_S2R, 1), C_BAD_STE);
    p.stt = true;
    assert_int_equal(event_with(&p, &small, STE_S2R, 1), F_TRANSLATION);

    p = smmuv3_model_like_mmu600();
    p.oas = 32;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2T0SZ, 31), C_BAD_STE);

    p = smmuv3_model_like_qemu();
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2S, 1), C_BAD_STE);
    p.stall_model = 2;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2S, 0), C_BAD_STE);

    p = smmuv3_model_like_mmu600();
    p.ats = true;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_EATS, 2), C_BAD_STE);
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_EATS, 1), F_TRANSLATION);
}

static void a_legal_stall_stalls(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct assigned a = assign(&p, &PLAIN_4K);
    uint64_t ste[STE_WORDS];

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, 1);
    put_ste(a.machine, SID, ste);
    assert_int_equal(dma(a.machine, 0, false).outcome, SMMUV3_MODEL_STALLED);
    machine_stop(a.machine);
}

static void a_misaligned_stage_2_table_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct assigned a = assign(&p, &PLAIN_4K);
    uint64_t ste[STE_WORDS];

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root + 0x800);
    put_ste(a.machine, SID, ste);
    assert_aborts(a.machine, 0, F_TRANSLATION);
    assert_one_error(a.machine, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(a.machine);
}

static void stage_1_fields_are_checked_one_by_one(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct {
        unsigned field;
        uint64_t value;
        uint8_t event;
    } cases[] = {
        { STE_STRW, 0, F_CD_FETCH },     { STE_STRW, 2, F_CD_FETCH },
        { STE_STRW, 1, C_BAD_STE },      { STE_STRW, 3, C_BAD_STE },
        { STE_S1STALLD, 1, F_CD_FETCH }, { STE_S1CDMAX, 16, F_STREAM_DISABLED },
        { STE_S1CDMAX, 17, C_BAD_STE },  { STE_S2VMID, 0xffff, F_CD_FETCH },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct machine *m = machine_up(&p);
        uint64_t ste[STE_WORDS] = { 0xb };

        field_put(ste, cases[i].field, cases[i].value);
        put_ste(m, SID, ste);
        if (dma(m, 0, false).event != cases[i].event) {
            fail_msg("case %u", i);
        }
        machine_stop(m);
    }
}

static void stage_1_pointers_and_formats_must_be_possible(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    uint64_t ste[STE_WORDS] = { 0xb | power_of_2(48) };
    struct machine *m = machine_up(&p);

    (void)state;
    put_ste(m, SID, ste);
    assert_aborts(m, 0, C_BAD_STE); /* beyond the output size */
    machine_stop(m);

    p.cd2l = false;
    m = machine_up(&p);
    ste[0] = 0xb;
    field_put(ste, STE_S1FMT, 1);
    put_ste(m, SID, ste);
    assert_aborts(m, 0, F_CD_FETCH); /* one CD */
    field_put(ste, STE_S1CDMAX, 4);
    put_ste(m, SID, ste);
    submit_sync(m, CFGI_STE_LEAF(SID));
    assert_aborts(m, 0, C_BAD_STE);
    machine_stop(m);

    p.stall_model = 1;
    m = machine_up(&p);
    ste[0] = 0xb;
    field_put(ste, STE_S1STALLD, 1);
    put_ste(m, SID, ste);
    assert_aborts(m, 0, C_BAD_STE);
    machine_stop(m);
}

static void formats_that_the_unit_has_but_the_model_lacks_are_refused_as_such(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct assigned a;
    uint64_t ste[STE_WORDS];

    (void)state;
    p.ttf = 3;
    p.ttendian = 0;
    p.httu = 2;
    for (unsigned i = 0; i < 2; i++) {
        static const unsigned fields[] = { STE_S2AA64, STE_S2ENDI };

        a = assign(&p, &PLAIN_4K);
        stage2_ste(ste, &PLAIN_4K, a.root);
        field_put(ste, fields[i], fields[i] != STE_S2AA64);
        put_ste(a.machine, SID, ste);
        assert_int_equal(dma(a.machine, 0, false).outcome, SMMUV3_MODEL_NOT_MODELLED);
        machine_stop(a.machine);
    }
    p.httu = 1;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2HD, 1), C_BAD_STE);
}

static void the_level_that_s2sl0_selects_exists_from_an_output_size_on(void **state)
{
    static const struct {
        struct geometry geometry;
        unsigned enough, too_small;
    } cases[] = {
        { { 12, 0, 40, 2 }, 44, 42 },
        { { 14, 1, 40, 2 }, 42, 40 },
        { { 16, 1, 43, 2 }, 44, 42 },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        p.oas = cases[i].enough;
        assert_int_equal(event_with(&p, &cases[i].geometry, STE_S2R, 1), F_TRANSLATION);
        p.oas = cases[i].too_small;
        assert_int_equal(event_with(&p, &cases[i].geometry, STE_S2R, 1), C_BAD_STE);
    }
}

static void stage_1_fields_are_ignored_where_stage_1_is_off(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();

    (void)state;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S1STALLD, 1), F_TRANSLATION);
}

/* The event of an access under a stage-1 STE with these fields. */
static uint8_t stage1_event(const struct smmuv3_model_parameters *p, unsigned field, uint64_t value)
{
    struct machine *m = machine_up(p);
    uint64_t ste[STE_WORDS] = { 0xb };
    uint8_t event = 0;

    field_put(ste, STE_STRW, 2);
    field_put(ste, field, value);
    put_ste(m, SID, ste);
    event = dma(m, 0, false).event;
    machine_stop(m);
    return event;
}

static void a_hypervisor_stream_has_no_vmid_to_check(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    p.vmid16 = false;
    assert_int_equal(stage1_event(&p, STE_S2VMID, 0x100), F_CD_FETCH);
    p.hyp = false; /* then STRW is ignored and the VMID counts */
    assert_int_equal(stage1_event(&p, STE_S2VMID, 0x100), C_BAD_STE);
}

static void split_stage_ats_wants_both_stages_and_support(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    p.ats = true;
    assert_int_equal(stage1_event(&p, STE_EATS, 2), C_BAD_STE);
    assert_int_equal(stage1_event(&p, STE_EATS, 1), F_CD_FETCH);
    for (unsigned i = 0; i < 2; i++) {
        struct assigned a = assign(&p, &PLAIN_4K);
        uint64_t ste[STE_WORDS];

        stage2_ste(ste, &PLAIN_4K, a.root);
        field_put(ste, STE_CONFIG, 7);
        field_put(ste, STE_EATS, 2);
        put_ste(a.machine, SID, ste);
        assert_aborts(a.machine, 0, p.ns1ats ? C_BAD_STE : F_TRANSLATION); /* the CD's IPA */
        machine_stop(a.machine);
        p.ns1ats = true;
    }
}

static void access_flag_updates_do_not_need_dirty_flag_updates(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    p.httu = 1;
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2HA, 1), F_TRANSLATION);
    assert_int_equal(event_with(&p, &PLAIN_4K, STE_S2HD, 1), C_BAD_STE);
}

static void a_substream_needs_substream_bits(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const uint64_t ste[STE_WORDS] = { 0xb | power_of_2(59) }; /* two CDs */
    struct smmuv3_model_access access = { .stream_id = SID, .ssv = true };

    (void)state;
    for (p.ssidsize = 0; p.ssidsize < 2; p.ssidsize++) {
        struct machine *m = machine_up(&p);

        put_ste(m, SID, ste);
        assert_int_equal(smmuv3_model_transact(m->unit, &access).event,
                         p.ssidsize ? F_CD_FETCH : C_BAD_SUBSTREAMID);
        machine_stop(m);
    }
}

int run_ste_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_2_ste_looks_as_the_manual_says),
        cmocka_unit_test(a_stage_1_ste_leads_to_its_cd),
        cmocka_unit_test(a_stage_that_the_unit_lacks_makes_the_ste_illegal),
        cmocka_unit_test(stage_2_fields_are_checked_one_by_one),
        cmocka_unit_test(what_the_unit_can_do_decides_what_is_legal),
        cmocka_unit_test(a_legal_stall_stalls),
        cmocka_unit_test(a_misaligned_stage_2_table_is_noted),
        cmocka_unit_test(stage_1_fields_are_checked_one_by_one),
        cmocka_unit_test(stage_1_pointers_and_formats_must_be_possible),
        cmocka_unit_test(formats_that_the_unit_has_but_the_model_lacks_are_refused_as_such),
        cmocka_unit_test(the_level_that_s2sl0_selects_exists_from_an_output_size_on),
        cmocka_unit_test(stage_1_fields_are_ignored_where_stage_1_is_off),
        cmocka_unit_test(a_hypervisor_stream_has_no_vmid_to_check),
        cmocka_unit_test(split_stage_ats_wants_both_stages_and_support),
        cmocka_unit_test(access_flag_updates_do_not_need_dirty_flag_updates),
        cmocka_unit_test(a_substream_needs_substream_bits),
    };

    return cmocka_run_group_tests_name("STE", tests, NULL, NULL);
}
