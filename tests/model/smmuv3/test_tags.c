/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags of stage-1 entries: VMID, ASID, ASET, regime; which lookups they answer, and which
 * invalidations remove the entries that the unit itself made.
 */
#include "fixture.h"

/* A second stream with a CD of its own over an empty root. */
struct pair {
    struct guest g;
    uint64_t cd; /* of the other stream */
};

static struct pair two_streams(uint64_t attributes)
{
    struct pair pair = { .g = plain_guest() };
    uint64_t cd[CD_WORDS];

    pair.cd = take(pair.g.machine, 64);
    stage1_cd(cd, &PLAIN_S1, new_root1(pair.g.machine, &PLAIN_S1));
    put_cd(pair.g.machine, pair.cd, cd);
    map1(&pair.g, pair.g.root, 0x5000, 3, pair.g.page, attributes);
    assert_int_equal(access_as(&pair.g, -1, 0x5000, false).address, pair.g.page);
    return pair;
}

/* Whether the other stream, with these tags, finds what the first one left in the TLB. */
static bool other_finds(struct pair *pair, unsigned vmid, unsigned asid, unsigned aset,
                        unsigned strw)
{
    const struct smmuv3_model_access access = { .stream_id = SID + 1, .iova = 0x5000 };
    uint64_t ste[STE_WORDS] = { pair->cd | 0xb };
    uint64_t cd[CD_WORDS];

    for (unsigned i = 0; i < CD_WORDS; i++) {
        cd[i] = peek(pair->g.machine, pair->cd + UINT64_C(8) * i);
    }
    field_put(cd, CD_ASID, asid);
    field_put(cd, CD_ASET, aset);
    put_cd(pair->g.machine, pair->cd, cd);
    field_put(ste, STE_S2VMID, vmid);
    field_put(ste, STE_STRW, strw);
    put_ste(pair->g.machine, SID + 1, ste);
    submit_sync(pair->g.machine, CFGI_STE_LEAF(SID + 1));
    return smmuv3_model_transact(pair->g.machine->unit, &access).outcome == SMMUV3_MODEL_OK;
}

static void a_lookup_finds_its_own_vmid_asid_and_regime_only(void **state)
{
    struct pair pair = two_streams(S1_ALL);

    (void)state;
    assert_true(other_finds(&pair, VMID, ASID, 0, 0));
    assert_true(other_finds(&pair, VMID, ASID, 1, 0)); /* ASET counts for global ones only */
    assert_false(other_finds(&pair, VMID + 1, ASID, 0, 0));
    assert_false(other_finds(&pair, VMID, ASID + 1, 0, 0));
    assert_false(other_finds(&pair, VMID, ASID, 0, 2));
    machine_stop(pair.g.machine);
}

static void a_global_entry_answers_every_asid_of_its_set(void **state)
{
    struct pair pair = two_streams(S1_AF | S1_USER);

    (void)state;
    assert_true(other_finds(&pair, VMID, ASID + 1, 0, 0));
    assert_false(other_finds(&pair, VMID, ASID + 1, 1, 0));
    /* Its own ASID finds the tables that the walk left, and so the page again. */
    assert_true(other_finds(&pair, VMID, ASID, 1, 0));
    assert_false(other_finds(&pair, VMID + 1, ASID, 0, 0));
    machine_stop(pair.g.machine);
}

static void el2_has_no_asids_and_e2h_does(void **state)
{
    (void)state;
    for (unsigned e2h = 0; e2h < 2; e2h++) {
        struct pair pair = { .g = plain_guest() };
        uint64_t cd[CD_WORDS];

        smmuv3_model_write32(pair.g.machine->unit, AT_CR0, CR0_QUEUES);
        smmuv3_model_write32(pair.g.machine->unit, AT_CR2, 2 | e2h);
        smmuv3_model_write32(pair.g.machine->unit, AT_CR0, CR0_ALL);
        set_ste(&pair.g, STE_STRW, 2);
        pair.cd = take(pair.g.machine, 64);
        stage1_cd(cd, &PLAIN_S1, new_root1(pair.g.machine, &PLAIN_S1));
        put_cd(pair.g.machine, pair.cd, cd);
        map1(&pair.g, pair.g.root, 0x5000, 3, pair.g.page, S1_ALL);
        assert_int_equal(access_as(&pair.g, -1, 0x5000, false).address, pair.g.page);
        assert_true(other_finds(&pair, VMID + 1, ASID, 0, 2)); /* no VMIDs either */
        assert_int_equal(other_finds(&pair, VMID, ASID + 1, 0, 2), !e2h);
        assert_false(other_finds(&pair, VMID, ASID, 0, 0));
        machine_stop(pair.g.machine);
    }
}

/* ------------------------------------------------------------------ invalidation */

/* Whether a page, mapped with these attributes and cached, is gone after one command. */
static bool removed_by(uint64_t attributes, uint64_t word0, uint64_t word1)
{
    struct guest g = plain_guest();
    bool removed = false;

    map1(&g, g.root, 0x5000, 3, g.page, attributes);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0x5000, 3), 0);
    submit(g.machine, word0, word1);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* not before CMD_SYNC */
    send_sync(g.machine);
    removed = access_as(&g, -1, 0x5000, false).event == F_TRANSLATION;
    machine_stop(g.machine);
    return removed;
}

static void commands_remove_what_the_unit_made_by_its_tags(void **state)
{
    const uint64_t global = S1_AF | S1_USER;

    (void)state;
    assert_true(removed_by(S1_ALL, TLBI_NH_ALL(VMID)));
    assert_false(removed_by(S1_ALL, TLBI_NH_ALL(VMID + 1)));
    assert_true(removed_by(S1_ALL, TLBI_NH_ASID(VMID, ASID)));
    assert_false(removed_by(S1_ALL, TLBI_NH_ASID(VMID, ASID + 1)));
    assert_false(removed_by(S1_ALL, TLBI_NH_ASID(VMID + 1, ASID)));
    assert_false(removed_by(global, TLBI_NH_ASID(VMID, ASID)));
    assert_true(removed_by(S1_ALL, TLBI_NH_VA(VMID, ASID, 0x5000, 1)));
    assert_false(removed_by(S1_ALL, TLBI_NH_VA(VMID, ASID, 0x6000, 1)));
    assert_false(removed_by(S1_ALL, TLBI_NH_VA(VMID, ASID + 1, 0x5000, 1)));
    assert_true(removed_by(global, TLBI_NH_VA(VMID, ASID + 1, 0x5000, 1)));
    assert_true(removed_by(S1_ALL, TLBI_NH_VAA(VMID, 0x5000, 1)));
    assert_false(removed_by(S1_ALL, TLBI_NH_VAA(VMID + 1, 0x5000, 1)));
    assert_true(removed_by(S1_ALL, TLBI_S12_VMALL(VMID)));
    assert_false(removed_by(S1_ALL, TLBI_IPA(VMID, 0x5000, 0)));
    assert_true(removed_by(S1_ALL, TLBI_NSNH_ALL));
    assert_false(removed_by(S1_ALL, TLBI_EL2_ALL));
}

static void a_leaf_invalidation_leaves_the_walk_cache(void **state)
{
    struct guest g = plain_guest();
    uint64_t table = take(g.machine, 4096);

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0x5000, 2), table | 3); /* an empty one */
    submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0x5000, 1));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* by the old table */
    submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0x5000, 0));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void a_range_with_a_level_hint_takes_the_leaves_of_that_level(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const uint64_t tags = ((uint64_t)VMID << 32) | ((uint64_t)ASID << 48);
    struct guest g;

    (void)state;
    p.ril = true;
    g = guest_of(&p, &PLAIN_S1);
    for (uint64_t va = 0; va < 0x4000; va += 0x1000) {
        map1(&g, g.root, va, 3, g.page, 0);
        assert_int_equal(access_as(&g, -1, va, false).address, g.page);
    }
    map1(&g, g.root, 0x200000, 2, MEMORY_BASE, 0);
    assert_int_equal(access_as(&g, -1, 0x200000, false).address, MEMORY_BASE);
    /* 4 KiB, TTL 3, 3 pages from 0x1000 on */
    submit_sync(g.machine, 0x12 | tags | (UINT64_C(2) << 12), 0x1000 | 1 | 0x400 | 0x300);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 2);
    /* everything from 0 on, TTL 3: not the block */
    submit_sync(g.machine, 0x12 | tags | (UINT64_C(31) << 12) | (UINT64_C(5) << 20),
                1 | 0x400 | 0x300);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 1);
    submit_sync(g.machine, 0x12 | tags | (UINT64_C(31) << 12) | (UINT64_C(5) << 20),
                1 | 0x400 | 0x200);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 0);
    machine_stop(g.machine);
}

static void a_new_asid_does_not_see_what_the_old_one_left(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0x5000, 3), 0);
    set_cd(&g, CD_ASID, ASID + 1);
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    set_cd(&g, CD_ASID, ASID);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    machine_stop(g.machine);
}

static void a_hit_needs_no_walk_where_epd_forbids_one(void **state)
{
    struct guest g = plain_guest();

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    set_cd(&g, CD_EPD0, 1);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ASID(VMID, ASID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void overlapping_leaves_conflict_below_bbml_2_only(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (p.bbml = 0; p.bbml < 3; p.bbml++) {
        struct guest g = guest_of(&p, &PLAIN_S1);

        map1(&g, g.root, 0x1000, 3, g.page, 0);
        assert_int_equal(access_as(&g, -1, 0x1000, false).address, g.page);
        poke(g.machine, slot1(&g, g.root, 0, 2), MEMORY_BASE | S1_ALL | 1);
        submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0x2000, 0)); /* tables, not the page */
        assert_int_equal(access_as(&g, -1, 0x3000, false).address, MEMORY_BASE + 0x3000);
        if (p.bbml == 2) {
            assert_int_equal(access_as(&g, -1, 0x1000, false).address, g.page);
        } else {
            assert_int_equal(access_as(&g, -1, 0x1000, false).event, F_TLB_CONFLICT);
        }
        machine_stop(g.machine);
    }
}

int run_tag_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lookup_finds_its_own_vmid_asid_and_regime_only),
        cmocka_unit_test(a_global_entry_answers_every_asid_of_its_set),
        cmocka_unit_test(el2_has_no_asids_and_e2h_does),
        cmocka_unit_test(commands_remove_what_the_unit_made_by_its_tags),
        cmocka_unit_test(a_leaf_invalidation_leaves_the_walk_cache),
        cmocka_unit_test(a_range_with_a_level_hint_takes_the_leaves_of_that_level),
        cmocka_unit_test(a_new_asid_does_not_see_what_the_old_one_left),
        cmocka_unit_test(a_hit_needs_no_walk_where_epd_forbids_one),
        cmocka_unit_test(overlapping_leaves_conflict_below_bbml_2_only),
    };

    return cmocka_run_group_tests_name("tags", tests, NULL, NULL);
}
