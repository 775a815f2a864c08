/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 walks: geometries, reserved descriptors, sizes, access flag, permissions, events.
 */
#include "fixture.h"

/* One mapping at an address, in one geometry; the byte before and after must fault. */
struct geometry_case {
    struct geometry geometry;
    uint64_t ipa;
    unsigned level; /* of the leaf */
};

static void every_granule_start_level_and_leaf_level_translates(void **state)
{
    static const struct geometry_case cases[] = {
        { { 12, 0, 48, 5 }, UINT64_C(0x123456789000), 3 },
        { { 12, 0, 44, 4 }, UINT64_C(0x012340000000), 2 },
        { { 12, 0, 40, 4 }, UINT64_C(0x00c000000000), 1 },
        { { 12, 1, 39, 4 }, UINT64_C(0x7ffffff000), 3 },
        { { 12, 1, 40, 4 }, UINT64_C(0xffffe00000), 2 },  /* 2 concatenated tables */
        { { 12, 1, 43, 4 }, UINT64_C(0x7fffffff000), 3 }, /* 16 */
        { { 12, 2, 30, 4 }, UINT64_C(0x3fffe000), 3 },
        { { 12, 2, 34, 4 }, UINT64_C(0x3ffe00000), 2 },
        { { 14, 1, 47, 5 }, UINT64_C(0x7ffffe000000), 2 },
        { { 14, 1, 48, 5 }, UINT64_C(0xffffffffc000), 3 },
        { { 14, 2, 36, 4 }, UINT64_C(0xfffffc000), 3 },
        { { 14, 2, 40, 4 }, UINT64_C(0xfffe000000), 2 },
        { { 14, 3, 29, 4 }, UINT64_C(0x1fffc000), 3 },
        { { 16, 1, 48, 5 }, UINT64_C(0xffffe0000000), 2 },
        { { 16, 2, 42, 4 }, UINT64_C(0x3ffffff0000), 3 },
        { { 16, 2, 46, 5 }, UINT64_C(0x3fffe0000000), 2 },
        { { 16, 3, 33, 4 }, UINT64_C(0x1ffff0000), 3 },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct geometry *g = &cases[i].geometry;
        unsigned log2 = g->granule + (g->granule - 3) * (3 - cases[i].level);
        uint64_t output = align_down(MEMORY_BASE, log2);
        struct assigned a = assign(&p, g);
        struct smmuv3_model_access access = { .stream_id = SID, .iova = cases[i].ipa };
        struct smmuv3_model_result result;

        map(a.machine, g, a.root, cases[i].ipa, cases[i].level, output, 0);
        result = smmuv3_model_transact(a.machine->unit, &access);
        if (result.outcome != SMMUV3_MODEL_OK || result.address != output ||
            result.contiguous != power_of_2(log2)) {
            fail_msg("geometry %u: outcome %d, address 0x%llx", i, (int)result.outcome,
                     (unsigned long long)result.address);
        }
        access.iova += power_of_2(log2) - 1;
        assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).address,
                         output + power_of_2(log2) - 1);
        access.iova = cases[i].ipa - 1;
        assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).event, F_TRANSLATION);
        access.iova = power_of_2(g->input_bits);
        assert_int_equal(smmuv3_model_translate(a.machine->unit, &access).outcome,
                         SMMUV3_MODEL_ABORT);
        assert_no_errors(a.machine);
        machine_stop(a.machine);
    }
}

static void data_goes_to_and_comes_from_where_the_page_is(void **state)
{
    struct assigned a = plain();
    uint64_t data = 0x0123456789abcdef;
    uint64_t other = take(a.machine, 4096);
    struct smmuv3_model_result result;
    uint8_t bytes[32];

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x10000, 3, a.page, 0);
    map(a.machine, &a.geometry, a.root, 0x11000, 3, other, 0);
    result = smmuv3_model_dma(a.machine->unit, SID, 0x10ffc, &data, sizeof(data), true);
    assert_int_equal(result.outcome, SMMUV3_MODEL_OK);
    assert_int_equal(result.done, 8);
    assert_int_equal(peek(a.machine, a.page + 4088), UINT64_C(0x89abcdef00000000));
    assert_int_equal(peek(a.machine, other), 0x01234567);
    result = smmuv3_model_dma(a.machine->unit, SID, 0x11ff0, bytes, sizeof(bytes), false);
    assert_int_equal(result.outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(result.done, 16);
    assert_int_equal(result.fault_iova, 0x12000);
    machine_stop(a.machine);
}

static void a_missing_page_is_f_translation_with_all_its_fields(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_access access = {
        .stream_id = SID,
        .iova = 0x4321,
        .write = true,
        .privileged = true,
        .instruction = true,
    };
    struct smmuv3_model_event event;

    (void)state;
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).event, F_TRANSLATION);
    event = take_event(a.machine);
    assert_int_equal(event.number, F_TRANSLATION);
    assert_string_equal(event.name, "F_TRANSLATION");
    assert_int_equal(event.stream_id, SID);
    assert_false(event.ssv);
    assert_false(event.stall);
    assert_true(event.pnu);
    assert_false(event.ind); /* a write is data */
    assert_false(event.rnw);
    assert_true(event.s2);
    assert_int_equal(event.class_, CLASS_IN);
    assert_int_equal(event.input_address, 0x4321);
    assert_int_equal(event.ipa, 0x4000);
    machine_stop(a.machine);
}

static void an_event_record_has_its_bits_where_qemu_has_them(void **state)
{
    struct assigned a = plain();

    (void)state;
    assert_aborts(a.machine, 0x4321, F_TRANSLATION);
    assert_int_equal(peek(a.machine, a.machine->eventq), UINT64_C(0x0000000500000010));
    assert_int_equal(peek(a.machine, a.machine->eventq + 8), UINT64_C(0x0000028800000000));
    assert_int_equal(peek(a.machine, a.machine->eventq + 16), 0x4321);
    assert_int_equal(peek(a.machine, a.machine->eventq + 24), 0x4000);
    machine_stop(a.machine);
}

static void an_input_beyond_s2t0sz_is_a_stage_2_fault_and_beyond_ias_a_stage_1_fault(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_event event;

    (void)state;
    assert_aborts(a.machine, power_of_2(39), F_TRANSLATION);
    event = take_event(a.machine);
    assert_true(event.s2);
    assert_aborts(a.machine, power_of_2(48), F_ADDR_SIZE);
    event = take_event(a.machine);
    assert_int_equal(event.number, F_ADDR_SIZE);
    assert_false(event.s2);
    machine_stop(a.machine);
}

static void reserved_descriptors_do_not_translate(void **state)
{
    static const struct {
        struct geometry geometry;
        unsigned level;
        uint64_t descriptor;
    } cases[] = {
        { { 12, 1, 39, 4 }, 3, LEAF_ALL | 1 }, /* level 3, bit 1 clear */
        { { 12, 1, 39, 4 }, 3, LEAF_ALL | 2 }, /* bit 0 clear */
        { { 12, 0, 48, 5 }, 0, LEAF_ALL | 1 }, /* block at level 0 */
        { { 14, 1, 47, 5 }, 1, LEAF_ALL | 1 }, /* 16 KiB: block at level 1 */
        { { 16, 1, 48, 5 }, 1, LEAF_ALL | 1 }, /* 64 KiB, 48 bits: block at level 1 */
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct assigned a = assign(&p, &cases[i].geometry);

        map(a.machine, &a.geometry, a.root, 0, cases[i].level, 0, 0);
        poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, 0, cases[i].level),
             cases[i].descriptor);
        assert_aborts(a.machine, 0, F_TRANSLATION);
        machine_stop(a.machine);
    }
}

static void an_output_beyond_s2ps_is_f_addr_size_for_leaves_and_tables(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_event event;
    uint64_t slot = 0;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0, 3, power_of_2(44), 0);
    assert_aborts(a.machine, 0, F_ADDR_SIZE);
    event = take_event(a.machine);
    assert_int_equal(event.number, F_ADDR_SIZE);
    assert_true(event.s2);
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0, 2);
    poke(a.machine, slot, power_of_2(44) | 3);
    smmuv3_model_evict(a.machine->unit);
    assert_aborts(a.machine, 0, F_ADDR_SIZE);
    machine_stop(a.machine);
}

static void a_clear_access_flag_faults_unless_s2affd(void **state)
{
    struct assigned a = plain();
    uint64_t ste[STE_WORDS];

    (void)state;
    map(a.machine, &a.geometry, a.root, 0, 3, a.page, LEAF_READ | LEAF_WRITE);
    assert_aborts(a.machine, 0, F_ACCESS);
    assert_int_equal(take_event(a.machine).number, F_ACCESS);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 0);
    stage2_ste(ste, &a.geometry, a.root);
    field_put(ste, STE_S2AFFD, 1);
    put_ste(a.machine, SID, ste);
    submit_sync(a.machine, CFGI_STE_LEAF(SID));
    assert_reaches(a.machine, 0, a.page);
    machine_stop(a.machine);
}

static void permissions_are_checked_for_reads_and_for_writes(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_event event;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x0000, 3, a.page, LEAF_AF | LEAF_READ);
    map(a.machine, &a.geometry, a.root, 0x1000, 3, a.page, LEAF_AF | LEAF_WRITE);
    map(a.machine, &a.geometry, a.root, 0x2000, 3, a.page, LEAF_AF);
    assert_int_equal(dma(a.machine, 0x0000, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(dma(a.machine, 0x0000, true).event, F_PERMISSION);
    event = take_event(a.machine);
    assert_int_equal(event.number, F_PERMISSION);
    assert_false(event.rnw);
    assert_true(event.s2);
    assert_int_equal(dma(a.machine, 0x1000, false).event, F_PERMISSION);
    assert_true(take_event(a.machine).rnw);
    assert_int_equal(dma(a.machine, 0x1000, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(dma(a.machine, 0x2000, false).event, F_PERMISSION);
    assert_int_equal(dma(a.machine, 0x2000, true).event, F_PERMISSION);
    machine_stop(a.machine);
}

static void execution_follows_xn_and_xnx(void **state)
{
    static const bool allowed[2][4][2] = {
        /* without XNX: by XN[1] */
        { { true, true }, { true, true }, { false, false }, { false, false } },
        /* with XNX: unprivileged, privileged */
        { { true, true }, { true, false }, { false, false }, { false, true } },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned xnx = 0; xnx < 2; xnx++) {
        struct assigned a;

        p.xnx = xnx;
        a = assign(&p, &PLAIN_4K);
        for (unsigned xn = 0; xn < 4; xn++) {
            struct smmuv3_model_access access = {
                .stream_id = SID,
                .iova = UINT64_C(4096) * xn,
                .instruction = true,
            };

            map(a.machine, &a.geometry, a.root, access.iova, 3, a.page,
                LEAF_ALL | xn * power_of_2(53));
            for (unsigned privileged = 0; privileged < 2; privileged++) {
                access.privileged = privileged;
                assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).outcome ==
                                     SMMUV3_MODEL_OK,
                                 allowed[xnx][xn][privileged]);
            }
        }
        machine_stop(a.machine);
    }
}

static void translation_comes_before_size_before_access_flag_before_permission(void **state)
{
    struct assigned a = plain();
    const uint64_t beyond = power_of_2(44);
    uint64_t slot = 0;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0, 3, a.page, LEAF_AF);
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0, 3);
    poke(a.machine, slot, beyond | 2);
    assert_aborts(a.machine, 0, F_TRANSLATION);
    poke(a.machine, slot, beyond | 3);
    assert_aborts(a.machine, 0, F_ADDR_SIZE);
    poke(a.machine, slot, a.page | 3);
    assert_aborts(a.machine, 0, F_ACCESS);
    poke(a.machine, slot, a.page | LEAF_AF | 3);
    assert_aborts(a.machine, 0, F_PERMISSION);
    machine_stop(a.machine);
}

static void without_s2r_translation_faults_are_not_recorded_but_aborted_walks_are(void **state)
{
    struct assigned a = plain();
    uint64_t ste[STE_WORDS];
    struct smmuv3_model_result result;

    (void)state;
    stage2_ste(ste, &a.geometry, a.root);
    field_put(ste, STE_S2R, 0);
    put_ste(a.machine, SID, ste);
    result = dma(a.machine, 0, false);
    assert_int_equal(result.event, F_TRANSLATION);
    assert_true(result.event_suppressed);
    assert_int_equal(events_waiting(a.machine), 0);
    smmuv3_model_abort_next(a.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_aborts(a.machine, 0, F_WALK_EABT);
    assert_int_equal(events_waiting(a.machine), 1);
    assert_aborts(a.machine, power_of_2(48), F_ADDR_SIZE); /* stage 1 has no S2R */
    assert_int_equal(events_waiting(a.machine), 2);
    machine_stop(a.machine);
}

static void an_aborted_walk_names_the_descriptor(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_event event;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x7000, 3, a.page, 0);
    smmuv3_model_abort_next(a.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_aborts(a.machine, 0x7123, F_WALK_EABT);
    event = take_event(a.machine);
    assert_int_equal(event.number, F_WALK_EABT);
    assert_true(event.s2);
    assert_int_equal(event.class_, CLASS_IN);
    assert_int_equal(event.input_address, 0x7123);
    assert_int_equal(event.fetch_address, a.root);
    machine_stop(a.machine);
}

static void a_52_bit_unit_reads_the_high_bits_of_64k_descriptors(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry g = { .granule = 16, .level = 1, .input_bits = 52, .s2ps = 6 };
    struct smmuv3_model_access access = { .stream_id = SID, .iova = UINT64_C(0xf000000000000) };
    struct assigned a;

    (void)state;
    p.oas = 52;
    a = assign(&p, &g);
    map(a.machine, &g, a.root, access.iova, 3, 0x10000 | 0xa000, 0);
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).address,
                     UINT64_C(0xa000000010000));
    access.iova = 0;
    map(a.machine, &g, a.root, 0, 1, 0, 0); /* a block of 4 TiB */
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).contiguous, power_of_2(42));
    machine_stop(a.machine);
}

static void other_units_and_granules_have_no_high_bits_there(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry large = { .granule = 16, .level = 2, .input_bits = 42, .s2ps = 4 };
    struct smmuv3_model_access access = { .stream_id = SID };
    struct assigned a = assign(&p, &large);

    (void)state;
    map(a.machine, &large, a.root, 0, 3, 0x10000 | 0xa000, 0); /* RES0 on 48 bits */
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).address, 0x10000);
    machine_stop(a.machine);

    p.oas = 52;
    a = assign(&p, &PLAIN_4K);
    map(a.machine, &a.geometry, a.root, 0, 3, 0x1a000, 0);
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).address, 0x1a000);
    machine_stop(a.machine);
}

static void with_aarch32_tables_the_intermediate_size_is_40_bits_at_least(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry g = { .granule = 12, .level = 1, .input_bits = 40, .s2ps = 1 };
    struct assigned a;

    (void)state;
    p.oas = 36;
    p.ttf = 3;
    a = assign(&p, &g);
    assert_aborts(a.machine, power_of_2(39), F_TRANSLATION);
    assert_aborts(a.machine, power_of_2(40), F_ADDR_SIZE);
    machine_stop(a.machine);
    p.ttf = 2;
    a = assign(&p, &g);
    assert_aborts(a.machine, power_of_2(36), C_BAD_STE); /* S2T0SZ beyond IAS */
    machine_stop(a.machine);
}

static void memory_that_refuses_is_a_bus_abort_without_an_event(void **state)
{
    struct assigned a = plain();

    (void)state;
    map(a.machine, &a.geometry, a.root, 0, 3, 0x1000, 0);
    assert_int_equal(dma(a.machine, 0, false).outcome, SMMUV3_MODEL_BUS_ABORT);
    assert_int_equal(events_waiting(a.machine), 0);
    machine_stop(a.machine);
}

static void the_pure_form_leaves_no_trace(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_access access = { .stream_id = SID, .iova = 0 };
    struct smmuv3_model_cached cached;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0, 3, a.page, 0);
    smmuv3_model_abort_next(a.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(smmuv3_model_translate(a.machine->unit, &access).address, a.page);
    access.iova = 0x1000;
    assert_int_equal(smmuv3_model_translate(a.machine->unit, &access).event, F_TRANSLATION);
    cached = smmuv3_model_cached(a.machine->unit);
    assert_int_equal(cached.stes + cached.leaves + cached.tables, 0);
    assert_int_equal(events_waiting(a.machine), 0);
    assert_aborts(a.machine, 0, F_WALK_EABT);
    machine_stop(a.machine);
}

int run_stage2_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_granule_start_level_and_leaf_level_translates),
        cmocka_unit_test(data_goes_to_and_comes_from_where_the_page_is),
        cmocka_unit_test(a_missing_page_is_f_translation_with_all_its_fields),
        cmocka_unit_test(an_event_record_has_its_bits_where_qemu_has_them),
        cmocka_unit_test(an_input_beyond_s2t0sz_is_a_stage_2_fault_and_beyond_ias_a_stage_1_fault),
        cmocka_unit_test(reserved_descriptors_do_not_translate),
        cmocka_unit_test(an_output_beyond_s2ps_is_f_addr_size_for_leaves_and_tables),
        cmocka_unit_test(a_clear_access_flag_faults_unless_s2affd),
        cmocka_unit_test(permissions_are_checked_for_reads_and_for_writes),
        cmocka_unit_test(execution_follows_xn_and_xnx),
        cmocka_unit_test(translation_comes_before_size_before_access_flag_before_permission),
        cmocka_unit_test(without_s2r_translation_faults_are_not_recorded_but_aborted_walks_are),
        cmocka_unit_test(an_aborted_walk_names_the_descriptor),
        cmocka_unit_test(a_52_bit_unit_reads_the_high_bits_of_64k_descriptors),
        cmocka_unit_test(memory_that_refuses_is_a_bus_abort_without_an_event),
        cmocka_unit_test(the_pure_form_leaves_no_trace),
        cmocka_unit_test(other_units_and_granules_have_no_high_bits_there),
        cmocka_unit_test(with_aarch32_tables_the_intermediate_size_is_40_bits_at_least),
    };

    return cmocka_run_group_tests_name("stage 2", tests, NULL, NULL);
}
