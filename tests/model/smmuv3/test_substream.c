/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Substreams: which CD a transaction uses, linear and two-level CD tables, and their caches.
 */
#include "fixture.h"

enum { CD_TABLE_LOG2 = 3 };

/* A guest with eight CDs; the root of each maps page 0 to an own page. */
struct table {
    struct guest g;
    uint64_t pages[8];
};

static struct table eight_cds(unsigned s1dss)
{
    struct table t = { .g = plain_guest() };
    uint64_t cd[CD_WORDS];

    for (unsigned i = 0; i < 8; i++) {
        uint64_t root = new_root1(t.g.machine, &PLAIN_S1);

        t.pages[i] = take(t.g.machine, 4096);
        stage1_cd(cd, &PLAIN_S1, root);
        field_put(cd, CD_ASID, 10 + i);
        put_cd(t.g.machine, t.g.cds + UINT64_C(64) * i, cd);
        map1(&t.g, root, 0, 3, t.pages[i], 0);
    }
    field_put(t.g.ste, STE_S1CDMAX, CD_TABLE_LOG2);
    field_put(t.g.ste, STE_S1DSS, s1dss);
    put_ste(t.g.machine, SID, t.g.ste);
    return t;
}

static void each_substream_has_the_cd_of_its_index(void **state)
{
    struct table t = eight_cds(0);

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct smmuv3_model_result result = access_as(&t.g, i, 0, false);

        assert_int_equal(result.outcome, SMMUV3_MODEL_OK);
        assert_int_equal(result.address, t.pages[i]);
    }
    assert_no_errors(t.g.machine);
    machine_stop(t.g.machine);
}

static void a_substream_beyond_the_table_is_c_bad_substreamid(void **state)
{
    struct table t = eight_cds(0);
    struct smmuv3_model_event event;

    (void)state;
    assert_int_equal(access_as(&t.g, 8, 0, false).event, C_BAD_SUBSTREAMID);
    event = take_event(t.g.machine);
    assert_int_equal(event.number, C_BAD_SUBSTREAMID);
    assert_int_equal(event.substream_id, 8);
    assert_int_equal(access_as(&t.g, 0xfffff, 0, false).event, C_BAD_SUBSTREAMID);
    machine_stop(t.g.machine);
}

static void s1dss_says_what_a_transaction_without_substream_meets(void **state)
{
    static const struct {
        uint8_t without, with_0;
        bool bypass;
    } expected[4] = {
        { F_STREAM_DISABLED, 0, false }, /* terminate */
        { 0, 0, true },                  /* bypass stage 1 */
        { 0, F_STREAM_DISABLED, false }, /* CD 0 */
        { F_STREAM_DISABLED, 0, false }, /* reserved */
    };

    (void)state;
    for (unsigned dss = 0; dss < 4; dss++) {
        struct table t = eight_cds(dss);
        struct smmuv3_model_result result = access_as(&t.g, -1, 0, false);

        assert_int_equal(result.event, expected[dss].without);
        if (!result.event) {
            assert_int_equal(result.address, expected[dss].bypass ? 0 : t.pages[0]);
        }
        assert_int_equal(access_as(&t.g, 0, 0, false).event, expected[dss].with_0);
        assert_int_equal(access_as(&t.g, 1, 0, false).address, t.pages[1]);
        machine_stop(t.g.machine);
    }
}

static void f_stream_disabled_names_the_substream_it_was_given(void **state)
{
    struct table t = eight_cds(2);
    struct smmuv3_model_event event;

    (void)state;
    assert_int_equal(access_as(&t.g, 0, 0, false).event, F_STREAM_DISABLED);
    event = take_event(t.g.machine);
    assert_string_equal(event.name, "F_STREAM_DISABLED");
    assert_int_equal(event.stream_id, SID);
    machine_stop(t.g.machine);
}

static void bypass_by_s1dss_is_checked_against_the_output_size(void **state)
{
    struct table t = eight_cds(1);

    (void)state;
    assert_int_equal(access_as(&t.g, -1, power_of_2(48), false).event, F_ADDR_SIZE);
    assert_false(take_event(t.g.machine).s2);
    assert_int_equal(smmuv3_model_cached(t.g.machine->unit).cds, 0);
    machine_stop(t.g.machine);
}

static void with_one_cd_s1dss_and_s1fmt_are_ignored_and_no_substream_is_allowed(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0, 3, g.page, 0);
    for (unsigned dss = 0; dss < 4; dss++) {
        set_ste(&g, STE_S1DSS, dss);
        set_ste(&g, STE_S1FMT, dss);
        assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
        assert_int_equal(access_as(&g, 0, 0, false).event, C_BAD_SUBSTREAMID);
    }
    machine_stop(g.machine);
}

static void without_substreams_s1cdmax_is_ignored(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct guest g;

    (void)state;
    p.ssidsize = 0;
    g = guest_of(&p, &PLAIN_S1);
    map1(&g, g.root, 0, 3, g.page, 0);
    set_ste(&g, STE_S1CDMAX, 31);
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    assert_int_equal(access_as(&g, 1, 0, false).event, C_BAD_SUBSTREAMID);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ two levels */

/* Substream `ssid` over a two-level table; answers where its L1CD is. */
static uint64_t two_levels(struct guest *g, unsigned fmt, unsigned cdmax, uint32_t ssid)
{
    unsigned split = fmt == 1 ? 6 : 10;
    uint64_t l1 = take(g->machine, 65536);
    uint64_t l2 = take(g->machine, power_of_2(split + 6));
    uint64_t cd[CD_WORDS];

    g->ste[0] &= ~field_mask(STE_S1CONTEXTPTR);
    g->ste[0] |= out(g, l1);
    field_put(g->ste, STE_S1FMT, fmt);
    field_put(g->ste, STE_S1CDMAX, cdmax);
    put_ste(g->machine, SID, g->ste);
    stage1_cd(cd, &g->geometry, out(g, g->root));
    put_cd(g->machine, l2 + offset_within(ssid, split) * 64, cd);
    poke(g->machine, l1 + ssid / power_of_2(split) * 8, out(g, l2) | 1);
    map1(g, g->root, 0, 3, g->page, 0);
    return l1 + ssid / power_of_2(split) * 8;
}

static void both_leaf_sizes_of_two_level_tables_are_walked(void **state)
{
    static const struct {
        unsigned fmt, cdmax;
        uint32_t ssid;
    } cases[] = { { 1, 4, 9 }, { 1, 6, 63 }, { 1, 16, 0x1234 }, { 2, 8, 200 }, { 2, 16, 0xfedc } };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (unsigned both = 0; both < 2; both++) {
            struct guest g = both ? plain_nested() : plain_guest();
            struct smmuv3_model_result result;

            two_levels(&g, cases[i].fmt, cases[i].cdmax, cases[i].ssid);
            result = access_as(&g, cases[i].ssid, 0, false);
            if (result.outcome != SMMUV3_MODEL_OK || result.address != g.page) {
                fail_msg("case %u: outcome %d, event 0x%x", i, (int)result.outcome, result.event);
            }
            /* The neighbour's CD is there, but not valid. */
            assert_int_equal(access_as(&g, cases[i].ssid ^ 1, 0, false).event, C_BAD_CD);
            assert_no_errors(g.machine);
            machine_stop(g.machine);
        }
    }
}

static void an_l1cd_without_v_is_c_bad_substreamid_with_the_substream(void **state)
{
    struct guest g = plain_guest();
    struct smmuv3_model_event event;

    (void)state;
    poke(g.machine, two_levels(&g, 1, 8, 100), 0);
    assert_int_equal(access_as(&g, 100, 0, false).event, C_BAD_SUBSTREAMID);
    event = take_event(g.machine);
    assert_int_equal(event.number, C_BAD_SUBSTREAMID);
    assert_int_equal(event.substream_id, 100);
    machine_stop(g.machine);
}

static void an_l1cd_beyond_the_output_size_is_c_bad_substreamid_from_smmuv3_1_on(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (p.aidr = 0; p.aidr < 2; p.aidr++) {
        struct guest g = guest_of(&p, &PLAIN_S1);

        poke(g.machine, two_levels(&g, 1, 8, 100), power_of_2(50) | 1);
        assert_int_equal(access_as(&g, 100, 0, false).event,
                         p.aidr ? C_BAD_SUBSTREAMID : F_CD_FETCH);
        machine_stop(g.machine);
    }
}

static void an_aborted_fetch_is_f_cd_fetch_and_leaves_nothing(void **state)
{
    static const enum smmuv3_model_access_kind kinds[] = {
        SMMUV3_MODEL_FETCH_L1CD,
        SMMUV3_MODEL_FETCH_CD,
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct guest g = plain_guest();
        uint64_t l1cd = two_levels(&g, 1, 8, 100);
        struct smmuv3_model_event event;

        smmuv3_model_abort_next(g.machine->unit, kinds[i], 1);
        assert_int_equal(access_as(&g, 100, 0, false).event, F_CD_FETCH);
        event = take_event(g.machine);
        assert_true(event.ssv);
        assert_int_equal(event.substream_id, 100);
        assert_int_equal(event.fetch_address,
                         i ? (peek(g.machine, l1cd) & ~UINT64_C(1)) + UINT64_C(64) * (100 % 64)
                           : l1cd);
        assert_int_equal(smmuv3_model_cached(g.machine->unit).l1cds, i);
        assert_int_equal(smmuv3_model_cached(g.machine->unit).cds, 0);
        assert_int_equal(access_as(&g, 100, 0, false).address, g.page);
        machine_stop(g.machine);
    }
}

static void a_misaligned_cd_table_is_noted(void **state)
{
    struct table t = eight_cds(0);

    (void)state;
    t.g.ste[0] |= 64; /* eight CDs want 512 bytes */
    put_ste(t.g.machine, SID, t.g.ste);
    assert_int_equal(access_as(&t.g, 1, 0, false).address, t.pages[1]);
    assert_one_error(t.g.machine, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(t.g.machine);
}

/* ------------------------------------------------------------------ caches */

/* Make every CD in memory invalid; what is cached keeps working. */
static struct table stale_cds(void)
{
    struct table t = eight_cds(0);

    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(access_as(&t.g, i, 0, false).address, t.pages[i]);
        poke(t.g.machine, t.g.cds + UINT64_C(64) * i, 0);
    }
    return t;
}

static unsigned valid_cds(struct table *t)
{
    unsigned valid = 0;

    for (unsigned i = 0; i < 8; i++) {
        valid += access_as(&t->g, i, 0, false).event != C_BAD_CD;
    }
    return valid;
}

static void a_cd_stays_until_a_command_names_it(void **state)
{
    static const struct {
        uint64_t words[2];
        unsigned left;
    } cases[] = {
        { { CFGI_CD(SID, 3, 1) }, 7 },
        { { CFGI_CD(SID, 3, 0) }, 7 },
        { { CFGI_CD(SID + 1, 3, 0) }, 8 },
        { { CFGI_CD_ALL(SID) }, 0 },
        { { CFGI_CD_ALL(SID + 1) }, 8 },
        { { CFGI_STE_LEAF(SID) }, 0 },
        { { CFGI_STE_ALL_LEVELS(SID) }, 0 },
        { { CFGI_RANGE(SID, 0) }, 0 },
        { { CFGI_RANGE(SID + 8, 1) }, 8 },
        { { CFGI_RANGE(0, 31) }, 0 },
        { { TLBI_NSNH_ALL }, 8 },
        { { CFGI_STE_LEAF(SID + 1) }, 8 },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct table t = stale_cds();
        unsigned valid = 0;

        submit(t.g.machine, cases[i].words[0], cases[i].words[1]);
        assert_int_equal(valid_cds(&t), 8); /* not before CMD_SYNC */
        send_sync(t.g.machine);
        valid = valid_cds(&t);
        if (valid != cases[i].left) {
            fail_msg("case %u left %u CDs", i, valid);
        }
        machine_stop(t.g.machine);
    }
}

static void an_l1cd_stays_until_cfgi_cd_with_leaf_0(void **state)
{
    struct guest g = plain_guest();
    uint64_t l1cd = two_levels(&g, 1, 8, 100);

    (void)state;
    assert_int_equal(access_as(&g, 100, 0, false).address, g.page);
    poke(g.machine, l1cd, 0);
    submit_sync(g.machine, CFGI_CD(SID, 100, 1));
    assert_int_equal(access_as(&g, 100, 0, false).address, g.page); /* through the old L1CD */
    submit_sync(g.machine, CFGI_CD(SID, 101, 0));
    assert_int_equal(smmuv3_model_cached(g.machine->unit).l1cds, 0);
    assert_int_equal(access_as(&g, 100, 0, false).address, g.page); /* the CD is cached yet */
    submit_sync(g.machine, CFGI_CD(SID, 100, 1));
    assert_int_equal(access_as(&g, 100, 0, false).event, C_BAD_SUBSTREAMID);
    machine_stop(g.machine);
}

static void an_invalid_cd_is_cached_too(void **state)
{
    struct guest g = plain_guest();
    uint64_t cd[CD_WORDS] = { 0 };

    (void)state;
    put_cd(g.machine, g.cds, cd);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    stage1_cd(cd, &PLAIN_S1, g.root);
    put_cd(g.machine, g.cds, cd);
    assert_int_equal(access_as(&g, -1, 0, false).event, C_BAD_CD);
    submit_sync(g.machine, CFGI_CD(SID, 0, 1));
    assert_int_equal(access_as(&g, -1, 0, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void a_cd_fetched_after_the_command_is_not_the_command_s(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0, 3, g.page, 0);
    submit(g.machine, CFGI_CD(SID, 0, 1));
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    poke(g.machine, g.cds, 0);
    send_sync(g.machine);
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    machine_stop(g.machine);
}

static void a_cd_found_through_a_stale_ste_goes_with_the_ste(void **state)
{
    struct guest g = plain_guest();
    const uint64_t abort_ste[STE_WORDS] = { 1 };

    (void)state;
    map1(&g, g.root, 0, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page);
    submit_sync(g.machine, CFGI_CD(SID, 0, 1));
    put_ste(g.machine, SID, abort_ste);
    submit(g.machine, CFGI_STE_LEAF(SID));
    assert_int_equal(access_as(&g, -1, 0, false).address, g.page); /* by the old STE, a new CD */
    send_sync(g.machine);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).cds, 0);
    machine_stop(g.machine);
}

int run_substream_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_substream_has_the_cd_of_its_index),
        cmocka_unit_test(a_substream_beyond_the_table_is_c_bad_substreamid),
        cmocka_unit_test(s1dss_says_what_a_transaction_without_substream_meets),
        cmocka_unit_test(f_stream_disabled_names_the_substream_it_was_given),
        cmocka_unit_test(bypass_by_s1dss_is_checked_against_the_output_size),
        cmocka_unit_test(with_one_cd_s1dss_and_s1fmt_are_ignored_and_no_substream_is_allowed),
        cmocka_unit_test(without_substreams_s1cdmax_is_ignored),
        cmocka_unit_test(both_leaf_sizes_of_two_level_tables_are_walked),
        cmocka_unit_test(an_l1cd_without_v_is_c_bad_substreamid_with_the_substream),
        cmocka_unit_test(an_l1cd_beyond_the_output_size_is_c_bad_substreamid_from_smmuv3_1_on),
        cmocka_unit_test(an_aborted_fetch_is_f_cd_fetch_and_leaves_nothing),
        cmocka_unit_test(a_misaligned_cd_table_is_noted),
        cmocka_unit_test(a_cd_stays_until_a_command_names_it),
        cmocka_unit_test(an_l1cd_stays_until_cfgi_cd_with_leaf_0),
        cmocka_unit_test(an_invalid_cd_is_cached_too),
        cmocka_unit_test(a_cd_fetched_after_the_command_is_not_the_command_s),
        cmocka_unit_test(a_cd_found_through_a_stale_ste_goes_with_the_ste),
    };

    return cmocka_run_group_tests_name("substreams", tests, NULL, NULL);
}
