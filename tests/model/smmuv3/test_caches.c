/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches: what survives, and that each invalidation removes what it promises and nothing else.
 */
#include "fixture.h"

/* ------------------------------------------------------------------ configuration */

static void an_ste_stays_until_cfgi_ste(void **state)
{
    struct assigned a = plain();
    const uint64_t bypass[STE_WORDS] = { 0x9 };

    (void)state;
    assert_aborts(a.machine, MEMORY_BASE, F_TRANSLATION);
    put_ste(a.machine, SID, bypass);
    assert_aborts(a.machine, MEMORY_BASE, F_TRANSLATION);
    submit_sync(a.machine, CFGI_STE_LEAF(SID + 1));
    assert_aborts(a.machine, MEMORY_BASE, F_TRANSLATION);
    submit_sync(a.machine, CFGI_STE_LEAF(SID));
    assert_reaches(a.machine, MEMORY_BASE, MEMORY_BASE);
    machine_stop(a.machine);
}

static void an_invalid_ste_is_cached_too(void **state)
{
    struct machine *m = plain_up();
    const uint64_t bypass[STE_WORDS] = { 0x9 };

    (void)state;
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    put_ste(m, SID, bypass);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    submit_sync(m, CFGI_RANGE(0, 31));
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

static void cached_configuration_survives_smmuen_and_a_new_table(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model *unit = a.machine->unit;
    uint64_t empty = take(a.machine, power_of_2(STREAMS_LOG2) * 64);

    (void)state;
    leave_stale_page(&a, 0x1000);
    smmuv3_model_write32(unit, AT_CR0, CR0_QUEUES);
    smmuv3_model_write64(unit, AT_STRTAB_BASE, empty);
    smmuv3_model_write32(unit, AT_CR0, CR0_ALL);
    assert_reaches(a.machine, 0x1000, a.page);
    submit_sync(a.machine, CFGI_RANGE(0, 31));
    assert_aborts(a.machine, 0x1000, C_BAD_STE);
    machine_stop(a.machine);
}

static void caches_survive_reset(void **state)
{
    struct assigned a = plain();

    (void)state;
    leave_stale_page(&a, 0x1000);
    smmuv3_model_reset(a.machine->unit);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).stes, 1);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 1);
    machine_stop(a.machine);
}

static void a_range_covers_exactly_its_aligned_streams(void **state)
{
    struct machine *m = plain_up();
    uint64_t data = 0;

    (void)state;
    for (uint32_t sid = 0; sid < 16; sid++) {
        smmuv3_model_dma(m->unit, sid, 0, &data, 8, false);
    }
    submit_sync(m, CFGI_RANGE(6, 1)); /* 4 streams: 4 to 7 */
    assert_int_equal(smmuv3_model_cached(m->unit).stes, 12);
    submit_sync(m, CFGI_RANGE(0, 31));
    assert_int_equal(smmuv3_model_cached(m->unit).stes, 0);
    machine_stop(m);
}

static void a_level_1_descriptor_stays_until_cfgi_with_leaf_0(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);
    uint64_t l1 = 0, old = 0, new = 0;

    (void)state;
    bring_up_queues(m);
    l1 = take(m, 64);
    old = take(m, 4096);
    new = take(m, 4096);
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, l1);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, 0x10000 + 6 * 64 + 8);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    poke(m, l1, old | 7);
    poke(m, new + UINT64_C(64) * SID, 0x9);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    poke(m, l1, new | 7);
    submit_sync(m, CFGI_STE_LEAF(SID));
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);     /* through the old level-2 table */
    submit_sync(m, CFGI_STE_ALL_LEVELS(SID + 1)); /* same L1STD, other STE */
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);     /* the STE is still cached */
    submit_sync(m, CFGI_STE_LEAF(SID));
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

/* ------------------------------------------------------------------ TLB */

static void an_unmapped_page_stays_reachable_until_tlbi_and_sync(void **state)
{
    struct assigned a = plain();

    (void)state;
    leave_stale_page(&a, 0x5000);
    submit(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_reaches(a.machine, 0x5000, a.page);
    assert_true(smmuv3_model_invalidation_pending(a.machine->unit));
    send_sync(a.machine);
    assert_false(smmuv3_model_invalidation_pending(a.machine->unit));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    machine_stop(a.machine);
}

static void an_invalidation_at_once_needs_no_sync_to_take_effect(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct assigned a = assign(&p, &PLAIN_4K);

    (void)state;
    leave_stale_page(&a, 0x5000);
    submit(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    assert_true(smmuv3_model_invalidation_pending(a.machine->unit));
    machine_stop(a.machine);
}

static void an_invalidation_before_the_store_does_not_count(void **state)
{
    struct assigned a = plain();
    uint64_t slot = 0;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    submit(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_reaches(a.machine, 0x5000, a.page); /* refilled after the command */
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0x5000, 3);
    poke(a.machine, slot, 0);
    send_sync(a.machine);
    assert_reaches(a.machine, 0x5000, a.page); /* so CMD_SYNC left it there */
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    machine_stop(a.machine);
}

static void a_tlbi_not_ordered_after_cfgi_leaves_what_the_old_ste_refills(void **state)
{
    struct assigned a = plain();
    const uint64_t far = 0x40006000;
    uint64_t ste[STE_WORDS];

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    map(a.machine, &a.geometry, a.root, far, 3, a.page, 0);
    assert_reaches(a.machine, 0x5000, a.page);
    stage2_ste(ste, &a.geometry, new_root(a.machine, &a.geometry));
    put_ste(a.machine, SID, ste);
    submit(a.machine, CFGI_STE_LEAF(SID));
    submit(a.machine, TLBI_S12_VMALL(VMID));
    assert_reaches(a.machine, far, a.page); /* the old STE is still cached */
    send_sync(a.machine);
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    assert_reaches(a.machine, far, a.page); /* and its translation stays */
    submit_sync(a.machine, TLBI_S12_VMALL(VMID));
    assert_aborts(a.machine, far, F_TRANSLATION);
    machine_stop(a.machine);
}

static void a_leaf_made_from_a_stale_table_goes_with_the_table(void **state)
{
    struct assigned a = plain();
    uint64_t slot = 0;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    map(a.machine, &a.geometry, a.root, 0x6000, 3, a.page, 0);
    assert_reaches(a.machine, 0x5000, a.page);
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0, 2);
    poke(a.machine, slot, 0);
    submit(a.machine, TLBI_S12_VMALL(VMID));
    assert_reaches(a.machine, 0x6000, a.page); /* through the cached table */
    send_sync(a.machine);
    assert_aborts(a.machine, 0x6000, F_TRANSLATION); /* but not beyond CMD_SYNC */
    machine_stop(a.machine);
}

static void another_vmid_or_address_is_left_alone(void **state)
{
    struct assigned a = plain();

    (void)state;
    leave_stale_page(&a, 0x5000);
    submit_sync(a.machine, TLBI_IPA(VMID + 1, 0x5000, 0));
    submit_sync(a.machine, TLBI_IPA(VMID, 0x6000, 0));
    submit_sync(a.machine, TLBI_S12_VMALL(VMID + 1));
    submit_sync(a.machine, TLBI_EL2_ALL);
    submit_sync(a.machine, CFGI_RANGE(0, 31));
    assert_reaches(a.machine, 0x5000, a.page);
    submit_sync(a.machine, TLBI_S12_VMALL(VMID));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    machine_stop(a.machine);
}

static void stage_1_invalidations_leave_stage_2_translations(void **state)
{
    struct assigned a = plain();

    (void)state;
    leave_stale_page(&a, 0x5000);
    submit_sync(a.machine, TLBI_NH_ALL(VMID));
    submit_sync(a.machine, 0x12 | ((uint64_t)VMID << 32), 0x5000);
    assert_reaches(a.machine, 0x5000, a.page);
    submit_sync(a.machine, TLBI_NSNH_ALL);
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    machine_stop(a.machine);
}

static void with_8_bit_vmids_a_larger_one_matches_nothing(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct assigned a;

    (void)state;
    p.vmid16 = false;
    a = assign(&p, &PLAIN_4K);
    leave_stale_page(&a, 0x5000);
    submit_sync(a.machine, TLBI_S12_VMALL(0x100 + VMID));
    assert_reaches(a.machine, 0x5000, a.page);
    machine_stop(a.machine);
}

static void translations_are_shared_by_all_streams_of_a_vmid(void **state)
{
    struct assigned a = plain();
    uint64_t ste[STE_WORDS];
    uint64_t data = 0;

    (void)state;
    leave_stale_page(&a, 0x5000);
    stage2_ste(ste, &a.geometry, new_root(a.machine, &a.geometry));
    put_ste(a.machine, SID + 1, ste); /* same VMID over an empty table */
    assert_int_equal(smmuv3_model_dma(a.machine->unit, SID + 1, 0x5000, &data, 8, false).outcome,
                     SMMUV3_MODEL_OK);
    machine_stop(a.machine);
}

static void a_block_is_one_entry_and_any_address_in_it_removes_it(void **state)
{
    struct assigned a = plain();
    const uint64_t block = 0x40000000;

    (void)state;
    map(a.machine, &a.geometry, a.root, block, 2, MEMORY_BASE, 0);
    assert_reaches(a.machine, block + 0x1000, MEMORY_BASE + 0x1000);
    poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, block, 2), 0);
    assert_reaches(a.machine, block + 0x103000, MEMORY_BASE + 0x103000);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 1);
    submit_sync(a.machine, TLBI_IPA(VMID, block + 0x7000, 1));
    assert_aborts(a.machine, block + 0x103000, F_TRANSLATION);
    machine_stop(a.machine);
}

static void a_leaf_invalidation_leaves_the_walk_cache(void **state)
{
    struct assigned a = plain();
    uint64_t table = take(a.machine, 4096);
    uint64_t slot = 0;

    (void)state;
    leave_stale_page(&a, 0x5000);
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0x5000, 2);
    poke(a.machine, table + UINT64_C(5) * 8, a.page | LEAF_ALL | 3);
    poke(a.machine, slot, table | 3); /* another level-3 table */
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_aborts(a.machine, 0x5000, F_TRANSLATION); /* walked through the old one */
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 0));
    assert_reaches(a.machine, 0x5000, a.page);
    machine_stop(a.machine);
}

static void faults_are_not_cached_but_permissions_are(void **state)
{
    struct assigned a = plain();

    (void)state;
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, LEAF_AF | LEAF_READ);
    assert_int_equal(dma(a.machine, 0x5000, true).event, F_PERMISSION);
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    assert_int_equal(dma(a.machine, 0x5000, true).event, F_PERMISSION);
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_int_equal(dma(a.machine, 0x5000, true).outcome, SMMUV3_MODEL_OK);
    machine_stop(a.machine);
}

static void overlapping_leaves_conflict_below_bbml_2_only(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (p.bbml = 0; p.bbml < 3; p.bbml++) {
        struct assigned a = assign(&p, &PLAIN_4K);
        struct smmuv3_model_event event;

        leave_stale_page(&a, 0x1000);
        poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, 0, 2),
             MEMORY_BASE | LEAF_ALL | 1);
        submit_sync(a.machine, TLBI_IPA(VMID, 0x2000, 0)); /* tables, not the page */
        assert_reaches(a.machine, 0x3000, MEMORY_BASE + 0x3000);
        if (p.bbml == 2) {
            assert_reaches(a.machine, 0x1000, a.page);
        } else {
            assert_aborts(a.machine, 0x1000, F_TLB_CONFLICT);
            event = take_event(a.machine);
            assert_int_equal(event.number, F_TLB_CONFLICT);
            assert_int_equal(event.ipa, 0x1000);
        }
        machine_stop(a.machine);
    }
}

static void speculation_fills_caches_and_eviction_empties_them(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_cached cached;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    smmuv3_model_prefetch(a.machine->unit, SID, 0x5000);
    smmuv3_model_prefetch(a.machine->unit, SID, 0x9000);
    cached = smmuv3_model_cached(a.machine->unit);
    assert_int_equal(cached.stes, 1);
    assert_int_equal(cached.leaves, 1);
    assert_int_equal(events_waiting(a.machine), 0);
    uint64_t dropped = smmuv3_model_dropped(a.machine->unit);

    smmuv3_model_evict(a.machine->unit);
    assert_true(smmuv3_model_dropped(a.machine->unit) > dropped);
    cached = smmuv3_model_cached(a.machine->unit);
    assert_int_equal(cached.stes + cached.leaves + cached.tables, 0);
    machine_stop(a.machine);
}

int run_cache_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ste_stays_until_cfgi_ste),
        cmocka_unit_test(an_invalid_ste_is_cached_too),
        cmocka_unit_test(cached_configuration_survives_smmuen_and_a_new_table),
        cmocka_unit_test(caches_survive_reset),
        cmocka_unit_test(a_range_covers_exactly_its_aligned_streams),
        cmocka_unit_test(a_level_1_descriptor_stays_until_cfgi_with_leaf_0),
        cmocka_unit_test(an_unmapped_page_stays_reachable_until_tlbi_and_sync),
        cmocka_unit_test(an_invalidation_at_once_needs_no_sync_to_take_effect),
        cmocka_unit_test(an_invalidation_before_the_store_does_not_count),
        cmocka_unit_test(a_tlbi_not_ordered_after_cfgi_leaves_what_the_old_ste_refills),
        cmocka_unit_test(a_leaf_made_from_a_stale_table_goes_with_the_table),
        cmocka_unit_test(another_vmid_or_address_is_left_alone),
        cmocka_unit_test(stage_1_invalidations_leave_stage_2_translations),
        cmocka_unit_test(with_8_bit_vmids_a_larger_one_matches_nothing),
        cmocka_unit_test(translations_are_shared_by_all_streams_of_a_vmid),
        cmocka_unit_test(a_block_is_one_entry_and_any_address_in_it_removes_it),
        cmocka_unit_test(a_leaf_invalidation_leaves_the_walk_cache),
        cmocka_unit_test(faults_are_not_cached_but_permissions_are),
        cmocka_unit_test(overlapping_leaves_conflict_below_bbml_2_only),
        cmocka_unit_test(speculation_fills_caches_and_eviction_empties_them),
    };

    return cmocka_run_group_tests_name("caches", tests, NULL, NULL);
}
