/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units that differ in one capability: the ID registers say it, software that respects it gets its
 * device through, and software that does not is told so in the way that the architecture has for it.
 */
#include <string.h>

#include "fixture.h"

#define COHACC UINT64_C(0x10)

/* The unit as its ID registers have it, read apart from the model's own fields. */
struct said {
    uint32_t idr0, idr1, idr3, idr5;
};

static struct said ask(enum smmuv3_model_variant variant)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(variant);
    struct machine *m = machine_start(&p);
    struct said said = {
        .idr0 = smmuv3_model_read32(m->unit, AT_IDR0),
        .idr1 = smmuv3_model_read32(m->unit, AT_IDR1),
        .idr3 = smmuv3_model_read32(m->unit, AT_IDR3),
        .idr5 = smmuv3_model_read32(m->unit, AT_IDR5),
    };

    machine_stop(m);
    return said;
}

static void the_id_registers_say_in_what_a_variant_differs(void **state)
{
    /* Bits that are turned over in IDR0, IDR1, IDR3 and IDR5 of the plain unit. */
    static const struct said differs[SMMUV3_MODEL_VARIANTS] = {
        [SMMUV3_MODEL_32_BITS] = { 0, 0, 0, 5 ^ 0 },
        [SMMUV3_MODEL_36_BITS] = { 0, 0, 0, 5 ^ 1 },
        [SMMUV3_MODEL_40_BITS] = { 0, 0, 0, 5 ^ 2 },
        [SMMUV3_MODEL_42_BITS] = { 0, 0, 0, 5 ^ 3 },
        [SMMUV3_MODEL_44_BITS] = { 0, 0, 0, 5 ^ 4 },
        [SMMUV3_MODEL_SMALL_TAGS] = { 1 << 18 | 1 << 12, 0, 0, 0 },
        [SMMUV3_MODEL_RANGES] = { 0, 0, 1 << 10, 0 },
        [SMMUV3_MODEL_ONE_LEVEL] = { 1 << 27, 16 ^ 6, 0, 0 },
        [SMMUV3_MODEL_NOT_COHERENT] = { 1 << 4, 0, 0, 0 },
        [SMMUV3_MODEL_STAGE_1_ONLY] = { 1 << 0 | 1 << 18 | 1 << 9, 0, 0, 0 },
        [SMMUV3_MODEL_STAGE_2_ONLY] = { 1 << 1 | 1 << 12 | 1 << 19 | 1 << 9, 16 << 6, 1 << 2, 0 },
        [SMMUV3_MODEL_4K_ONLY] = { 0, 0, 0, 1 << 5 | 1 << 6 },
        [SMMUV3_MODEL_NO_4K] = { 0, 0, 0, 1 << 4 },
        [SMMUV3_MODEL_SMALL_QUEUES] = { 0, (8 ^ 1) << 21 | (8 ^ 1) << 16, 0, 0 },
    };
    const struct said plain = ask(SMMUV3_MODEL_PLAIN);

    (void)state;
    for (unsigned i = 0; i < SMMUV3_MODEL_VARIANTS; i++) {
        struct said said = ask(i);

        if ((said.idr0 ^ plain.idr0) != differs[i].idr0 ||
            (said.idr1 ^ plain.idr1) != differs[i].idr1 ||
            (said.idr3 ^ plain.idr3) != differs[i].idr3 ||
            (said.idr5 ^ plain.idr5) != differs[i].idr5) {
            fail_msg("%s: IDR0 0x%x IDR1 0x%x IDR3 0x%x IDR5 0x%x", smmuv3_model_variant_name(i),
                     said.idr0, said.idr1, said.idr3, said.idr5);
        }
    }
}

/* Stage 2 in the largest shape that a unit of this output size has, or stage 1 of 48 bits. */
static struct geometry whole(const struct smmuv3_model_parameters *p)
{
    struct geometry g = { .granule = p->gran4k ? 12 : 16, .input_bits = p->s2p ? p->oas : 48 };

    /* 4 KiB: up to 16 tables of level 1 in a row reach 43 bits; 64 KiB: level 1 from 43 bits on. */
    g.level = p->gran4k ? (g.input_bits > 43 || !p->s2p ? 0
                           : g.input_bits > 34          ? 1
                                                        : 2)
                        : (g.input_bits > 42 ? 1 : 2);
    g.s2ps = p->oas == 32 ? 0 : p->oas == 36 ? 1 : p->oas == 40 ? 2 : p->oas == 42 ? 3 : 0;
    g.s2ps = p->oas == 44 ? 4 : p->oas == 48 ? 5 : g.s2ps;
    return g;
}

/* The last page below 2^input_bits, through whichever stage the unit has. */
static struct smmuv3_model_result last_page(const struct smmuv3_model_parameters *p,
                                            uint64_t *expected)
{
    const struct geometry g = whole(p);
    uint64_t iova = power_of_2(g.input_bits) - power_of_2(g.granule);
    struct smmuv3_model_result result;

    if (p->s2p) {
        struct assigned a = assign(p, &g);

        *expected = take(a.machine, power_of_2(g.granule));
        map(a.machine, &g, a.root, iova, 3, *expected, 0);
        result = dma(a.machine, iova, true);
        assert_no_errors(a.machine);
        machine_stop(a.machine);
    } else {
        struct guest guest = guest_of(p, &g);

        *expected = take(guest.machine, power_of_2(g.granule));
        map1(&guest, guest.root, iova, 3, *expected, 0);
        result = access_as(&guest, -1, iova, true);
        assert_no_errors(guest.machine);
        machine_stop(guest.machine);
    }
    return result;
}

static void every_variant_translates_its_whole_input(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SMMUV3_MODEL_VARIANTS; i++) {
        struct smmuv3_model_parameters p = smmuv3_model_variant(i);
        uint64_t expected = 0;
        struct smmuv3_model_result result = last_page(&p, &expected);

        if (result.outcome != SMMUV3_MODEL_OK || result.address != expected) {
            fail_msg("%s: outcome %d, event 0x%x, address 0x%llx", smmuv3_model_variant_name(i),
                     (int)result.outcome, result.event, (unsigned long long)result.address);
        }
    }
}

/* The event of an access through a stage-2 STE of this shape over an empty table. */
static uint8_t event_of_shape(const struct smmuv3_model_parameters *p, struct geometry geometry)
{
    struct assigned a = assign(p, &geometry);
    uint8_t event = dma(a.machine, 0, false).event;

    machine_stop(a.machine);
    return event;
}

static void one_input_bit_more_than_the_output_size_is_no_stage_2(void **state)
{
    (void)state;
    for (unsigned i = SMMUV3_MODEL_32_BITS; i <= SMMUV3_MODEL_42_BITS; i++) {
        struct smmuv3_model_parameters p = smmuv3_model_variant(i);
        struct geometry g = whole(&p);

        assert_int_equal(event_of_shape(&p, g), F_TRANSLATION);
        g.input_bits++;
        if (event_of_shape(&p, g) != C_BAD_STE) {
            fail_msg("%s: an input of %u bits", smmuv3_model_variant_name(i), g.input_bits);
        }
    }
}

static void an_output_beyond_the_unit_is_f_addr_size_whatever_the_ste_says(void **state)
{
    (void)state;
    for (unsigned i = SMMUV3_MODEL_32_BITS; i <= SMMUV3_MODEL_44_BITS; i++) {
        struct smmuv3_model_parameters p = smmuv3_model_variant(i);
        struct geometry g = whole(&p);
        struct assigned a;

        g.s2ps = 5; /* 48 bits */
        a = assign(&p, &g);
        map(a.machine, &g, a.root, 0x5000, 3, power_of_2(p.oas), 0);
        assert_aborts(a.machine, 0x5000, F_ADDR_SIZE);
        machine_stop(a.machine);
    }
}

static void a_narrow_unit_still_has_48_bits_of_input_in_stage_1(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_32_BITS);
    const struct geometry g = { .granule = 12, .level = 0, .input_bits = 48, .s2ps = 0 };
    struct guest guest = guest_of(&p, &g);

    (void)state;
    map1(&guest, guest.root, UINT64_C(0xfffffffff000), 3, guest.page, 0);
    assert_int_equal(access_as(&guest, -1, UINT64_C(0xfffffffff000), true).address, guest.page);
    machine_stop(guest.machine);
}

/* ------------------------------------------------------------------ tags */

static void a_tag_of_nine_bits_is_no_tag_of_a_unit_with_eight(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_SMALL_TAGS);
    struct assigned a = assign(&p, &PLAIN_4K);
    uint64_t ste[STE_WORDS];
    struct guest g;

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2VMID, 0xff);
    put_ste(a.machine, SID, ste);
    assert_aborts(a.machine, 0, F_TRANSLATION);
    field_put(ste, STE_S2VMID, 0x100);
    put_ste(a.machine, SID, ste);
    submit_sync(a.machine, CFGI_STE_LEAF(SID));
    assert_aborts(a.machine, 0, C_BAD_STE);
    machine_stop(a.machine);

    g = guest_of(&p, &PLAIN_S1);
    set_cd(&g, CD_ASID, 0xff);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
    set_cd(&g, CD_ASID, 0x100);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    machine_stop(g.machine);
}

/* Not the tag of the lower eight bits either: nothing is invalidated by it. */
static void an_invalidation_of_a_tag_of_nine_bits_removes_nothing(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_SMALL_TAGS);
    struct assigned a = assign(&p, &PLAIN_4K);
    struct guest g;

    (void)state;
    leave_stale_page(&a, 0x5000);
    submit_sync(a.machine, TLBI_S12_VMALL(0x100 + VMID));
    submit_sync(a.machine, TLBI_IPA(0x100 + VMID, 0x5000, 0));
    assert_reaches(a.machine, 0x5000, a.page);
    submit_sync(a.machine, TLBI_S12_VMALL(VMID));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    machine_stop(a.machine);

    g = guest_of(&p, &PLAIN_S1);
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0x5000, 3), 0);
    submit_sync(g.machine, TLBI_NH_ASID(VMID, 0x100 + ASID));
    submit_sync(g.machine, TLBI_NH_VA(VMID, 0x100 + ASID, 0x5000, 1));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ASID(VMID, ASID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ commands */

static bool illegal(enum smmuv3_model_variant variant, uint64_t word0, uint64_t word1)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(variant);
    struct machine *m = machine_up(&p);
    bool error = false;

    submit(m, word0, word1);
    error = smmuv3_model_read32(m->unit, AT_GERROR) & 1;
    machine_stop(m);
    return error;
}

static void a_range_is_illegal_where_the_unit_has_none(void **state)
{
    (void)state;
    assert_true(illegal(SMMUV3_MODEL_PLAIN, TLBI_IPA_RANGE(VMID, 0, 1, 1, 0, 3, 0)));
    assert_true(illegal(SMMUV3_MODEL_PLAIN, TLBI_IPA_RANGE(VMID, 0, 1, 1, 3, 0, 0)));
    assert_false(illegal(SMMUV3_MODEL_PLAIN, TLBI_IPA(VMID, 0x1000, 1)));
    assert_false(illegal(SMMUV3_MODEL_RANGES, TLBI_IPA_RANGE(VMID, 0, 1, 1, 0, 3, 0)));
    assert_false(illegal(SMMUV3_MODEL_RANGES, TLBI_IPA_RANGE(VMID, 0, 1, 1, 3, 0, 0)));
}

static void commands_of_a_stage_that_the_unit_lacks_are_illegal(void **state)
{
    (void)state;
    assert_true(illegal(SMMUV3_MODEL_STAGE_1_ONLY, TLBI_S12_VMALL(VMID)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_1_ONLY, TLBI_IPA(VMID, 0, 1)));
    assert_false(illegal(SMMUV3_MODEL_STAGE_1_ONLY, CFGI_CD(SID, 0, 1)));
    assert_false(illegal(SMMUV3_MODEL_STAGE_1_ONLY, TLBI_NH_ASID(0, ASID)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, CFGI_CD(SID, 0, 1)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, CFGI_CD_ALL(SID)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, TLBI_NH_ASID(0, ASID)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, TLBI_NH_VA(0, ASID, 0, 1)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, TLBI_NH_ALL(VMID)));
    assert_false(illegal(SMMUV3_MODEL_STAGE_2_ONLY, TLBI_S12_VMALL(VMID)));
    assert_true(illegal(SMMUV3_MODEL_STAGE_1_ONLY, TLBI_EL2_ALL));
    assert_true(illegal(SMMUV3_MODEL_STAGE_2_ONLY, TLBI_EL2_ALL));
}

/* ------------------------------------------------------------------ stages */

/* The event of an access through an STE of this Config. */
static uint8_t event_of_config(enum smmuv3_model_variant variant, unsigned config)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(variant);
    struct assigned a = assign(&p, &PLAIN_4K);
    uint64_t ste[STE_WORDS];
    uint8_t event = 0;

    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_CONFIG, config);
    put_ste(a.machine, SID, ste);
    event = dma(a.machine, 0, false).event;
    machine_stop(a.machine);
    return event;
}

static void an_entry_with_a_stage_that_the_unit_lacks_is_bad(void **state)
{
    (void)state;
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_1_ONLY, 5), F_CD_FETCH);
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_1_ONLY, 6), C_BAD_STE);
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_1_ONLY, 7), C_BAD_STE);
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_2_ONLY, 5), C_BAD_STE);
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_2_ONLY, 6), F_TRANSLATION);
    assert_int_equal(event_of_config(SMMUV3_MODEL_STAGE_2_ONLY, 7), C_BAD_STE);
}

/* STE.S2VMID tags nothing there, and the VMID of a command is 0. */
static void a_unit_of_stage_1_alone_has_no_vmids(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_STAGE_1_ONLY);
    struct guest g = guest_of(&p, &PLAIN_S1);

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    set_ste(&g, STE_S2VMID, 0xffff);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0x5000, 3), 0);
    set_ste(&g, STE_S2VMID, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ASID(VMID, ASID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ASID(0, ASID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ granules, tables, queues */

static void a_granule_that_the_unit_lacks_is_bad_in_both_stages(void **state)
{
    const struct smmuv3_model_parameters none = smmuv3_model_variant(SMMUV3_MODEL_NO_4K);
    const struct smmuv3_model_parameters only = smmuv3_model_variant(SMMUV3_MODEL_4K_ONLY);
    const struct geometry large = { .granule = 16, .level = 2, .input_bits = 40, .s2ps = 5 };
    const struct geometry middle = { .granule = 14, .level = 2, .input_bits = 40, .s2ps = 5 };
    struct guest g;

    (void)state;
    assert_int_equal(event_of_shape(&none, PLAIN_4K), C_BAD_STE);
    assert_int_equal(event_of_shape(&none, large), F_TRANSLATION);
    assert_int_equal(event_of_shape(&none, middle), F_TRANSLATION);
    assert_int_equal(event_of_shape(&only, PLAIN_4K), F_TRANSLATION);
    assert_int_equal(event_of_shape(&only, large), C_BAD_STE);
    assert_int_equal(event_of_shape(&only, middle), C_BAD_STE);
    g = guest_of(&none, &PLAIN_S1);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    machine_stop(g.machine);
    g = guest_of(&only, &PLAIN_S1);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void a_one_level_unit_knows_64_streams_and_no_second_level(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_ONE_LEVEL);
    struct assigned a = assign(&p, &PLAIN_4K);
    struct smmuv3_model_access access = { .stream_id = 64 };

    (void)state;
    assert_aborts(a.machine, 0, F_TRANSLATION);
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).event, C_BAD_STREAMID);
    access.stream_id = 63;
    assert_int_equal(smmuv3_model_transact(a.machine->unit, &access).event, C_BAD_STE);
    smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_QUEUES);
    smmuv3_model_write32(a.machine->unit, AT_STRTAB_BASE_CFG, 0x10000 + 8 * 64 + 6);
    assert_int_equal(smmuv3_model_read32(a.machine->unit, AT_STRTAB_BASE_CFG), 6);
    machine_stop(a.machine);
}

static void a_queue_larger_than_the_unit_allows_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_SMALL_QUEUES);
    struct machine *m = machine_up(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, 0);
    smmuv3_model_write64(m->unit, AT_CMDQ_BASE, take(m, 64) | 2);
    smmuv3_model_write32(m->unit, AT_CR0, 8);
    assert_one_error(m, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(m);
}

/* ------------------------------------------------------------------ coherence */

static bool client_only(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                        void *data, size_t size)
{
    unsigned *seen = context;

    seen[kind]++;
    memset(data, 0, size);
    return address != 0;
}

static bool nowhere(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                    const void *data, size_t size)
{
    unsigned *seen = context;

    (void)data;
    (void)size;
    seen[kind]++;
    return address != 0;
}

/* The model has no caches of CPUs: it tells the environment who asks, which then decides by COHACC. */
static void the_environment_can_tell_a_units_own_accesses_from_its_devices(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_variant(SMMUV3_MODEL_NOT_COHERENT);
    unsigned seen[SMMUV3_MODEL_ACCESS_KINDS] = { 0 };
    const struct smmuv3_model_environment environment = { .context = seen,
                                                          .read = client_only,
                                                          .write = nowhere };
    struct smmuv3_model *unit = smmuv3_model_create(&p, &environment);
    uint64_t data = 0;

    (void)state;
    assert_int_equal(smmuv3_model_read32(unit, AT_IDR0) & COHACC, 0);
    smmuv3_model_dma(unit, SID, 0x1000, &data, 8, false); /* bypass, as out of reset */
    assert_int_equal(seen[SMMUV3_MODEL_CLIENT], 1);
    smmuv3_model_write32(unit, AT_CR1, 0);
    smmuv3_model_write32(unit, AT_CR2, 2);
    smmuv3_model_write64(unit, AT_STRTAB_BASE, 0x10000);
    smmuv3_model_write32(unit, AT_STRTAB_BASE_CFG, 6);
    smmuv3_model_write32(unit, AT_CR0, 1);
    assert_int_equal(smmuv3_model_dma(unit, SID, 0x1000, &data, 8, false).event, C_BAD_STE);
    assert_int_equal(seen[SMMUV3_MODEL_FETCH_STE], STE_WORDS);
    assert_int_equal(seen[SMMUV3_MODEL_CLIENT], 1);
    smmuv3_model_destroy(unit);
}

int run_variant_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_id_registers_say_in_what_a_variant_differs),
        cmocka_unit_test(every_variant_translates_its_whole_input),
        cmocka_unit_test(one_input_bit_more_than_the_output_size_is_no_stage_2),
        cmocka_unit_test(an_output_beyond_the_unit_is_f_addr_size_whatever_the_ste_says),
        cmocka_unit_test(a_narrow_unit_still_has_48_bits_of_input_in_stage_1),
        cmocka_unit_test(a_tag_of_nine_bits_is_no_tag_of_a_unit_with_eight),
        cmocka_unit_test(an_invalidation_of_a_tag_of_nine_bits_removes_nothing),
        cmocka_unit_test(a_range_is_illegal_where_the_unit_has_none),
        cmocka_unit_test(commands_of_a_stage_that_the_unit_lacks_are_illegal),
        cmocka_unit_test(an_entry_with_a_stage_that_the_unit_lacks_is_bad),
        cmocka_unit_test(a_unit_of_stage_1_alone_has_no_vmids),
        cmocka_unit_test(a_granule_that_the_unit_lacks_is_bad_in_both_stages),
        cmocka_unit_test(a_one_level_unit_knows_64_streams_and_no_second_level),
        cmocka_unit_test(a_queue_larger_than_the_unit_allows_is_noted),
        cmocka_unit_test(the_environment_can_tell_a_units_own_accesses_from_its_devices),
    };

    return cmocka_run_group_tests_name("variants", tests, NULL, NULL);
}
