/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-1 walks: geometries, both halves, top byte, sizes, access flag, contiguous groups, events.
 */
#include "fixture.h"

struct geometry_case {
    struct geometry geometry;
    uint64_t va;
    unsigned level; /* of the leaf */
};

static void every_granule_input_size_and_leaf_level_translates(void **state)
{
    static const struct geometry_case cases[] = {
        { { 12, 0, 48, 5 }, UINT64_C(0x123456789000), 3 },
        { { 12, 0, 40, 4 }, UINT64_C(0x00c000000000), 1 },
        { { 12, 1, 39, 4 }, UINT64_C(0x7ffffff000), 3 },
        { { 12, 1, 33, 4 }, UINT64_C(0x1ffe00000), 2 },
        { { 12, 1, 31, 4 }, UINT64_C(0x7ffff000), 3 },
        { { 12, 2, 30, 4 }, UINT64_C(0x3fffe000), 3 },
        { { 12, 2, 25, 4 }, UINT64_C(0x1fff000), 3 },
        { { 14, 0, 48, 5 }, UINT64_C(0xffffffffc000), 3 },
        { { 14, 1, 47, 5 }, UINT64_C(0x7ffffe000000), 2 },
        { { 14, 1, 37, 5 }, UINT64_C(0x1fffffc000), 3 },
        { { 14, 2, 36, 4 }, UINT64_C(0xfffffc000), 3 },
        { { 14, 3, 25, 4 }, UINT64_C(0x1ffc000), 3 },
        { { 16, 1, 48, 5 }, UINT64_C(0xffffe0000000), 2 },
        { { 16, 2, 42, 4 }, UINT64_C(0x3ffffff0000), 3 },
        { { 16, 3, 29, 4 }, UINT64_C(0x1fff0000), 3 },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct geometry *g = &cases[i].geometry;
        unsigned log2 = g->granule + (g->granule - 3) * (3 - cases[i].level);
        uint64_t output = align_down(MEMORY_BASE, log2);
        struct guest guest = guest_of(&p, g);
        struct smmuv3_model_result result;

        map1(&guest, guest.root, cases[i].va, cases[i].level, output, 0);
        result = access_as(&guest, -1, cases[i].va, false);
        if (result.outcome != SMMUV3_MODEL_OK || result.address != output ||
            result.contiguous != power_of_2(log2)) {
            fail_msg("geometry %u: outcome %d, event 0x%x, address 0x%llx", i, (int)result.outcome,
                     result.event, (unsigned long long)result.address);
        }
        assert_int_equal(access_as(&guest, -1, cases[i].va + power_of_2(log2) - 1, false).address,
                         output + power_of_2(log2) - 1);
        assert_int_equal(access_as(&guest, -1, cases[i].va - 1, false).event, F_TRANSLATION);
        assert_int_equal(access_as(&guest, -1, power_of_2(g->input_bits), false).event,
                         F_TRANSLATION);
        assert_no_errors(guest.machine);
        machine_stop(guest.machine);
    }
}

static void bit_55_selects_the_half(void **state)
{
    struct guest g = plain_guest();
    uint64_t other = take(g.machine, 4096);
    uint64_t root = new_root1(g.machine, &PLAIN_S1);
    const uint64_t top = ~low_bits(39);

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    map1(&g, root, 0x5000, 3, other, 0);
    assert_int_equal(access_as(&g, -1, top + 0x5000, false).event, F_TRANSLATION); /* EPD1 */
    set_cd(&g, CD_T1SZ, 25);
    set_cd(&g, CD_TG1, 2);
    set_cd(&g, CD_TTB1, root / 16);
    set_cd(&g, CD_EPD1, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    assert_int_equal(access_as(&g, -1, top + 0x5000, false).address, other);
    assert_int_equal(access_as(&g, -1, top - 0x1000, false).event, F_TRANSLATION);
    assert_int_equal(access_as(&g, -1, top + 0x6000, false).event, F_TRANSLATION);
    assert_no_errors(g.machine);
    machine_stop(g.machine);
}

static void the_granules_of_the_halves_have_encodings_of_their_own(void **state)
{
    static const unsigned granules[] = { 0, 14, 12, 16 }; /* by TG1 */

    (void)state;
    for (unsigned tg1 = 1; tg1 < 4; tg1++) {
        struct guest g = plain_guest();
        unsigned granule = granules[tg1];
        uint64_t root = take(g.machine, power_of_2(granule));
        uint64_t output = align_down(MEMORY_BASE, 30);
        unsigned level = granule == 12 ? 1 : 2;
        unsigned log2 = granule + (granule - 3) * (3 - level);

        poke(g.machine, root, output | S1_ALL | 1); /* a block at the start level */
        set_cd(&g, CD_T1SZ, 64 - (log2 + 2));
        set_cd(&g, CD_TG1, tg1);
        set_cd(&g, CD_TTB1, root / 16);
        set_cd(&g, CD_EPD1, 0);
        assert_int_equal(access_as(&g, -1, ~low_bits(log2 + 2) + 0x1234, false).address,
                         output + 0x1234);
        machine_stop(g.machine);
    }
}

static void the_top_byte_is_ignored_where_tbi_says_so(void **state)
{
    struct guest g = plain_guest();
    const uint64_t tagged = UINT64_C(0xab00000000005000);

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, tagged, false).event, F_TRANSLATION);
    assert_int_equal(take_event(g.machine).input_address, tagged);
    set_cd(&g, CD_TBI0, 1);
    assert_int_equal(access_as(&g, -1, tagged, false).address, g.page);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 1);
    assert_int_equal(access_as(&g, -1, tagged | power_of_2(54), false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void reserved_descriptors_do_not_translate(void **state)
{
    static const struct {
        struct geometry geometry;
        unsigned level;
        uint64_t descriptor;
    } cases[] = {
        { { 12, 1, 39, 4 }, 3, 0x441 }, /* level 3, bit 1 clear */
        { { 12, 1, 39, 4 }, 3, 0x442 }, /* bit 0 clear */
        { { 12, 0, 48, 5 }, 0, 0x441 }, /* block at level 0 */
        { { 14, 1, 47, 5 }, 1, 0x441 }, /* 16 KiB: block at level 1 */
        { { 16, 1, 48, 5 }, 1, 0x441 }, /* 64 KiB, 48 bits: block at level 1 */
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct guest g = guest_of(&p, &cases[i].geometry);

        poke(g.machine, slot1(&g, g.root, 0, cases[i].level), cases[i].descriptor);
        assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
        machine_stop(g.machine);
    }
}

static void a_fault_of_stage_1_has_its_fields(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_access access = {
        .stream_id = SID,
        .ssv = true,
        .substream_id = 1,
        .iova = 0x4321,
        .privileged = true,
        .instruction = true,
    };
    struct smmuv3_model_event event;
    uint64_t cd[CD_WORDS];

    (void)state;
    stage1_cd(cd, &PLAIN_S1, g.root);
    put_cd(g.machine, g.cds + 64, cd);
    field_put(g.ste, STE_S1CDMAX, 1);
    put_ste(g.machine, SID, g.ste);
    assert_int_equal(smmuv3_model_transact(g.machine->unit, &access).event, F_TRANSLATION);
    event = take_event(g.machine);
    assert_int_equal(event.number, F_TRANSLATION);
    assert_true(event.ssv);
    assert_int_equal(event.substream_id, 1);
    assert_true(event.pnu);
    assert_true(event.ind);
    assert_true(event.rnw);
    assert_false(event.s2);
    assert_int_equal(event.class_, CLASS_IN);
    assert_int_equal(event.input_address, 0x4321);
    assert_int_equal(event.ipa, 0);
    machine_stop(g.machine);
}

static void an_output_beyond_ips_is_f_addr_size_for_leaves_and_tables(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0, 3, power_of_2(44), 0);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_ADDR_SIZE);
    assert_false(take_event(g.machine).s2);
    poke(g.machine, slot1(&g, g.root, 0, 2), power_of_2(44) | 3);
    smmuv3_model_evict(g.machine->unit);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_ADDR_SIZE);
    machine_stop(g.machine);
}

static void ips_is_capped_to_the_output_size_of_the_unit(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct geometry large = PLAIN_S1;
    struct guest g;

    (void)state;
    p.oas = 42;
    large.s2ps = 5;
    g = guest_of(&p, &large);
    map1(&g, g.root, 0, 3, power_of_2(42), 0);
    map1(&g, g.root, 0x1000, 3, power_of_2(41), 0);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_ADDR_SIZE);
    assert_int_equal(access_as(&g, -1, 0x1000, false).address, power_of_2(41));
    machine_stop(g.machine);
}

static void a_clear_access_flag_faults_unless_affd(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0, 3, g.page, S1_USER | S1_NG);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_ACCESS);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 0);
    set_cd(&g, CD_AFFD, 1);
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    machine_stop(g.machine);
}

static void an_aborted_walk_is_of_class_tt_and_names_the_descriptor(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x7000, 3, g.page, 0);
    smmuv3_model_abort_next(g.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(access_as(&g, -1, 0x7123, false).event, F_WALK_EABT);
    event = take_event(g.machine);
    assert_false(event.s2);
    assert_int_equal(event.class_, CLASS_TTD);
    assert_int_equal(event.input_address, 0x7123);
    assert_int_equal(event.fetch_address, g.root);
    machine_stop(g.machine);
}

static void a_contiguous_group_is_one_entry(void **state)
{
    static const struct {
        struct geometry geometry;
        unsigned level, group; /* entries, as log2 */
    } cases[] = {
        { { 12, 1, 39, 4 }, 3, 4 }, { { 12, 1, 39, 4 }, 2, 4 }, { { 14, 1, 38, 4 }, 3, 7 },
        { { 14, 1, 38, 4 }, 2, 5 }, { { 16, 2, 42, 4 }, 3, 5 }, { { 16, 2, 42, 4 }, 2, 5 },
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct geometry *geometry = &cases[i].geometry;
        struct guest g = guest_of(&p, geometry);
        unsigned log2 = geometry->granule + (geometry->granule - 3) * (3 - cases[i].level);
        uint64_t size = power_of_2(log2 + cases[i].group);
        uint64_t output = size * 3;
        struct smmuv3_model_result result;

        /* Only the second descriptor of the group is there. */
        map1(&g, g.root, size + power_of_2(log2), cases[i].level, output + power_of_2(log2),
             S1_ALL | S1_CONTIGUOUS);
        result = access_as(&g, -1, size + power_of_2(log2) + 8, false);
        assert_int_equal(result.address, output + power_of_2(log2) + 8);
        assert_int_equal(result.contiguous, size - power_of_2(log2) - 8);
        assert_int_equal(access_as(&g, -1, size, false).address, output);
        assert_int_equal(access_as(&g, -1, 2 * size, false).event, F_TRANSLATION);
        submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, size + 0x1000, 1)); /* any address in it */
        assert_int_equal(access_as(&g, -1, size, false).event, F_TRANSLATION);
        machine_stop(g.machine);
    }
}

static void a_group_out_of_line_is_none(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0x11000, 3, g.page, S1_ALL | S1_CONTIGUOUS); /* page 1 of its group */
    if (offset_within(g.page, 16) == 0x1000) {
        fail_msg("the page happens to be in line");
    }
    assert_int_equal(access_as(&g, -1, 0x11000, false).contiguous, 4096);
    machine_stop(g.machine);
}

static void a_52_bit_unit_reads_the_high_bits_of_64k_descriptors(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry geometry = { .granule = 16, .level = 2, .input_bits = 42, .s2ps = 6 };
    struct guest g;

    (void)state;
    p.oas = 52;
    g = guest_of(&p, &geometry);
    map1(&g, g.root, 0, 3, 0x10000 | 0xa000, 0);
    assert_int_equal(access_as(&g, -1, 0, false).address, UINT64_C(0xa000000010000));
    machine_stop(g.machine);
}

static void the_pure_form_leaves_no_trace(void **state)
{
    struct guest g = plain_guest();
    const struct smmuv3_model_access access = { .stream_id = SID, .iova = 0x5000 };
    struct smmuv3_model_cached cached;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(smmuv3_model_translate(g.machine->unit, &access).address, g.page);
    cached = smmuv3_model_cached(g.machine->unit);
    assert_int_equal(cached.stes + cached.cds + cached.leaves + cached.tables, 0);
    machine_stop(g.machine);
}

int run_stage1_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_granule_input_size_and_leaf_level_translates),
        cmocka_unit_test(bit_55_selects_the_half),
        cmocka_unit_test(the_granules_of_the_halves_have_encodings_of_their_own),
        cmocka_unit_test(the_top_byte_is_ignored_where_tbi_says_so),
        cmocka_unit_test(reserved_descriptors_do_not_translate),
        cmocka_unit_test(a_fault_of_stage_1_has_its_fields),
        cmocka_unit_test(an_output_beyond_ips_is_f_addr_size_for_leaves_and_tables),
        cmocka_unit_test(ips_is_capped_to_the_output_size_of_the_unit),
        cmocka_unit_test(a_clear_access_flag_faults_unless_affd),
        cmocka_unit_test(an_aborted_walk_is_of_class_tt_and_names_the_descriptor),
        cmocka_unit_test(a_contiguous_group_is_one_entry),
        cmocka_unit_test(a_group_out_of_line_is_none),
        cmocka_unit_test(a_52_bit_unit_reads_the_high_bits_of_64k_descriptors),
        cmocka_unit_test(the_pure_form_leaves_no_trace),
    };

    return cmocka_run_group_tests_name("stage 1", tests, NULL, NULL);
}
