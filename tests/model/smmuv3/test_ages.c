/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an invalidation that is consumed before a fetch does to what the fetch leaves: one that
 * names only the entry itself leaves it alone, one that names a cached structure that it was found
 * through takes it along.
 */
#include "fixture.h"

/* Substreams 100 and 101 over a two-level CD table, the first of them touched. */
struct two_level {
    struct guest g;
    uint64_t l1cd, cds;
};

static struct two_level touched(void)
{
    struct two_level t = { .g = plain_guest() };
    uint64_t l1 = take(t.g.machine, 4096);
    uint64_t cd[CD_WORDS];

    t.cds = take(t.g.machine, 4096);
    t.l1cd = l1 + 8;
    poke(t.g.machine, t.l1cd, t.cds | 1);
    for (unsigned i = 0; i < 2; i++) {
        stage1_cd(cd, &PLAIN_S1, t.g.root);
        put_cd(t.g.machine, t.cds + UINT64_C(64) * (100 % 64 + i), cd);
    }
    t.g.ste[0] &= ~field_mask(STE_S1CONTEXTPTR);
    t.g.ste[0] |= l1;
    field_put(t.g.ste, STE_S1FMT, 1);
    set_ste(&t.g, STE_S1CDMAX, 8);
    map1(&t.g, t.g.root, 0x5000, 3, t.g.page, 0);
    assert_int_equal(access_as(&t.g, 100, 0x5000, false).address, t.g.page);
    return t;
}

static void a_new_cd_found_through_a_named_descriptor_goes_with_it(void **state)
{
    struct two_level t = touched();

    (void)state;
    poke(t.g.machine, t.l1cd, 0);
    submit(t.g.machine, CFGI_CD(SID, 101, 0));
    assert_int_equal(access_as(&t.g, 101, 0x5000, false).address, t.g.page);
    send_sync(t.g.machine);
    assert_int_equal(access_as(&t.g, 101, 0x5000, false).event, C_BAD_SUBSTREAMID);
    machine_stop(t.g.machine);
}

static void a_new_cd_is_not_that_of_an_earlier_command_for_the_cd_alone(void **state)
{
    struct two_level t = touched();

    (void)state;
    submit(t.g.machine, CFGI_CD(SID, 101, 1));
    assert_int_equal(access_as(&t.g, 101, 0x5000, false).address, t.g.page);
    poke(t.g.machine, t.cds + UINT64_C(64) * (101 % 64), 0);
    send_sync(t.g.machine);
    assert_int_equal(access_as(&t.g, 101, 0x5000, false).address, t.g.page);
    machine_stop(t.g.machine);
}

static void a_new_ste_is_not_that_of_an_earlier_command_for_the_ste_alone(void **state)
{
    (void)state;
    for (unsigned leaf = 0; leaf < 2; leaf++) {
        struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
        struct machine *m = machine_start(&p);
        uint64_t l1 = 0, l2 = 0, data = 0;

        bring_up_queues(m);
        l1 = take(m, 64);
        l2 = take(m, 4096);
        smmuv3_model_write64(m->unit, AT_STRTAB_BASE, l1);
        smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, 0x10000 + 6 * 64 + 8);
        smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
        poke(m, l1, l2 | 7);
        poke(m, l2 + UINT64_C(64) * SID, 0x9);
        smmuv3_model_dma(m->unit, SID + 1, 0, &data, 8, false); /* the descriptor is cached */
        submit(m, 0x03 | ((uint64_t)SID << 32), leaf);
        assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
        poke(m, l2 + UINT64_C(64) * SID, 0x1);
        send_sync(m);
        if (leaf) {
            assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
        } else {
            assert_aborts(m, MEMORY_BASE, 0);
        }
        machine_stop(m);
    }
}

static void a_new_leaf_is_not_that_of_an_earlier_command_for_leaves(void **state)
{
    (void)state;
    for (unsigned leaf = 0; leaf < 2; leaf++) {
        struct assigned a = plain();
        struct guest g = plain_guest();

        map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
        map(a.machine, &a.geometry, a.root, 0x6000, 3, a.page, 0);
        assert_reaches(a.machine, 0x5000, a.page); /* the tables are cached */
        submit(a.machine, TLBI_IPA(VMID, 0x6000, leaf));
        assert_reaches(a.machine, 0x6000, a.page);
        poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, 0x6000, 3), 0);
        send_sync(a.machine);
        assert_int_equal(dma(a.machine, 0x6000, false).event, leaf ? 0 : F_TRANSLATION);
        machine_stop(a.machine);

        map1(&g, g.root, 0x5000, 3, g.page, 0);
        map1(&g, g.root, 0x6000, 3, g.page, 0);
        assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
        submit(g.machine, TLBI_NH_VA(VMID, ASID, 0x6000, leaf));
        assert_int_equal(access_as(&g, -1, 0x6000, false).address, g.page);
        poke(g.machine, slot1(&g, g.root, 0x6000, 3), 0);
        send_sync(g.machine);
        assert_int_equal(access_as(&g, -1, 0x6000, false).event, leaf ? 0 : F_TRANSLATION);
        machine_stop(g.machine);
    }
}

int run_age_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_cd_found_through_a_named_descriptor_goes_with_it),
        cmocka_unit_test(a_new_cd_is_not_that_of_an_earlier_command_for_the_cd_alone),
        cmocka_unit_test(a_new_ste_is_not_that_of_an_earlier_command_for_the_ste_alone),
        cmocka_unit_test(a_new_leaf_is_not_that_of_an_earlier_command_for_leaves),
    };

    return cmocka_run_group_tests_name("ages", tests, NULL, NULL);
}
