/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both stages: everything that stage 1 fetches and puts out goes through stage 2; events say which
 * access it was; entries of both stages outlive a CMD_TLBI_S2_IPA.
 */
#include "fixture.h"

static void an_address_goes_through_both_stages(void **state)
{
    struct guest g = plain_nested();

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5008, false).address, g.page + 8);
    assert_int_equal(access_as(&g, -1, 0x5008, true).address, g.page + 8);
    assert_no_errors(g.machine);
    machine_stop(g.machine);
}

static void the_smaller_page_of_the_two_stages_is_the_entry(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_result result;

    (void)state;
    map1(&g, g.root, 0x200000, 2, MEMORY_BASE, 0); /* 2 MiB over pages of 4 KiB */
    result = access_as(&g, -1, 0x203010, false);
    assert_int_equal(result.address, MEMORY_BASE + 0x3010);
    assert_int_equal(result.contiguous, 0x1000 - 0x10);
    assert_int_equal(access_as(&g, -1, 0x204000, false).address, MEMORY_BASE + 0x4000);
    /* What one block gave goes as one, into however many entries it was cut. */
    poke(g.machine, slot1(&g, g.root, 0x200000, 2), 0);
    submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0x27f000, 1));
    assert_int_equal(access_as(&g, -1, 0x203000, false).event, F_TRANSLATION);
    assert_int_equal(access_as(&g, -1, 0x204000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ events */

/* The event after the page of `address` (in memory) has lost its stage-2 mapping. */
static struct smmuv3_model_event without_page(struct guest *g, uint64_t address, uint64_t iova,
                                              bool write)
{
    struct smmuv3_model_event event;

    poke(g->machine, s2_slot(g, address), 0);
    smmuv3_model_evict(g->machine->unit);
    assert_int_equal(access_as(g, -1, iova, write).event, F_TRANSLATION);
    event = take_event(g->machine);
    assert_int_equal(event.number, F_TRANSLATION);
    assert_true(event.s2);
    assert_int_equal(event.input_address, iova);
    return event;
}

static void a_cd_that_stage_2_lacks_is_a_fault_of_class_cd(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    event = without_page(&g, g.cds, 0x5123, true);
    assert_int_equal(event.class_, CLASS_CD);
    assert_int_equal(event.ipa, out(&g, g.cds));
    assert_false(event.rnw); /* of the transaction */
    assert_int_equal(smmuv3_model_cached(g.machine->unit).cds, 0);
    machine_stop(g.machine);
}

static void a_table_that_stage_2_lacks_is_a_fault_of_class_tt(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;
    uint64_t leaf_table = 0;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    leaf_table = align_down(slot1(&g, g.root, 0x5000, 3), 12);
    event = without_page(&g, leaf_table, 0x5123, false);
    assert_int_equal(event.class_, CLASS_TTD);
    assert_int_equal(event.ipa, out(&g, leaf_table));
    event = without_page(&g, g.root, 0x5123, false);
    assert_int_equal(event.class_, CLASS_TTD);
    assert_int_equal(event.ipa, out(&g, g.root));
    machine_stop(g.machine);
}

static void an_output_that_stage_2_lacks_is_a_fault_of_class_in(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    event = without_page(&g, g.page, 0x5123, true);
    assert_int_equal(event.class_, CLASS_IN);
    assert_int_equal(event.ipa, out(&g, g.page));
    assert_false(event.rnw);
    machine_stop(g.machine);
}

static void a_fault_of_stage_1_stays_one(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    assert_int_equal(access_as(&g, -1, 0x5123, false).event, F_TRANSLATION);
    event = take_event(g.machine);
    assert_false(event.s2);
    assert_int_equal(event.class_, CLASS_IN);
    machine_stop(g.machine);
}

static void r_of_the_stage_that_faults_decides_on_the_record(void **state)
{
    struct guest g = plain_nested();

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    set_cd(&g, CD_R, 0);
    assert_true(access_as(&g, -1, 0x6000, false).event_suppressed);
    poke(g.machine, s2_slot(&g, g.page), 0);
    assert_false(access_as(&g, -1, 0x5000, false).event_suppressed);
    set_cd(&g, CD_R, 1);
    set_ste(&g, STE_S2R, 0);
    assert_true(access_as(&g, -1, 0x5000, false).event_suppressed);
    assert_false(access_as(&g, -1, 0x6000, false).event_suppressed);
    set_cd(&g, CD_A, 0); /* RAZ/WI is of stage 1 only */
    assert_int_equal(access_as(&g, -1, 0x5000, false).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(access_as(&g, -1, 0x6000, false).outcome, SMMUV3_MODEL_RAZ_WI);
    machine_stop(g.machine);
}

static void aborted_fetches_say_whose_they_were(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    smmuv3_model_abort_next(g.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_WALK_EABT);
    event = take_event(g.machine);
    assert_true(event.s2); /* stage 2, on behalf of the CD */
    assert_int_equal(event.class_, CLASS_CD);
    assert_int_equal(event.fetch_address, g.s2_root);
    smmuv3_model_abort_next(g.machine->unit, SMMUV3_MODEL_FETCH_CD, 1);
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_CD_FETCH);
    assert_int_equal(take_event(g.machine).fetch_address, g.cds); /* a physical address */
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ permissions */

static void both_stages_must_allow_the_access(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    poke(g.machine, s2_slot(&g, g.page), g.page | LEAF_AF | LEAF_READ | 0x3c | 3);
    for (unsigned i = 0; i < 2; i++) { /* by a walk, then by the combined entry */
        assert_int_equal(access_as(&g, -1, 0x5010, true).event, F_PERMISSION);
        event = take_event(g.machine);
        assert_true(event.s2);
        assert_int_equal(event.class_, CLASS_IN);
        assert_int_equal(event.ipa, out(&g, g.page));
        assert_int_equal(access_as(&g, -1, 0x5010, false).outcome, SMMUV3_MODEL_OK);
    }
    map1(&g, g.root, 0x6000, 3, g.page, S1_ALL | S1_READ_ONLY);
    assert_int_equal(access_as(&g, -1, 0x6010, true).event, F_PERMISSION);
    assert_false(take_event(g.machine).s2); /* stage 1 is asked first */
    machine_stop(g.machine);
}

static void a_table_that_stage_2_does_not_let_read_is_a_permission_fault_on_a_read(void **state)
{
    struct guest g = plain_nested();
    struct smmuv3_model_event event;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    poke(g.machine, s2_slot(&g, g.root), g.root | LEAF_AF | LEAF_WRITE | 0x3c | 3);
    assert_int_equal(access_as(&g, -1, 0x5000, true).event, F_PERMISSION);
    event = take_event(g.machine);
    assert_int_equal(event.class_, CLASS_TTD);
    assert_true(event.ttrnw);
    assert_int_equal(event.ipa, out(&g, align_down(g.root, 12)));
    machine_stop(g.machine);
}

static void with_s2ptw_tables_and_cds_must_not_be_device_memory(void **state)
{
    struct guest g = plain_nested();
    const uint64_t device = LEAF_ALL | 3; /* MemAttr 0 */

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    poke(g.machine, s2_slot(&g, g.page), g.page | device);
    poke(g.machine, s2_slot(&g, g.root), align_down(g.root, 12) | device);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    set_ste(&g, STE_S2PTW, 1);
    submit_sync(g.machine, TLBI_S12_VMALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_PERMISSION);
    assert_int_equal(take_event(g.machine).class_, CLASS_TTD);
    poke(g.machine, s2_slot(&g, g.root), align_down(g.root, 12) | LEAF_ALL | 0x3c | 3);
    submit_sync(g.machine, TLBI_S12_VMALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* the output may be */
    poke(g.machine, s2_slot(&g, g.cds), g.cds | device);
    submit_sync(g.machine, TLBI_S12_VMALL(VMID));
    submit_sync(g.machine, CFGI_CD(SID, 0, 1));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_PERMISSION);
    assert_int_equal(take_event(g.machine).class_, CLASS_CD);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ caches */

/* A mapped page that has been touched and has then lost its stage-2 mapping. */
static struct guest unmapped_page(void)
{
    struct guest g = plain_nested();

    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    poke(g.machine, s2_slot(&g, g.page), 0);
    return g;
}

static void s2_ipa_alone_leaves_what_both_stages_made(void **state)
{
    struct guest g = unmapped_page();

    (void)state;
    submit_sync(g.machine, TLBI_IPA(VMID, out(&g, g.page), 0));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void nh_all_alone_leaves_what_stage_2_made(void **state)
{
    struct guest g = unmapped_page();

    (void)state;
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* by the IPA's entry */
    machine_stop(g.machine);
}

static void s12_vmall_takes_both(void **state)
{
    struct guest g = unmapped_page();

    (void)state;
    submit_sync(g.machine, TLBI_S12_VMALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void stage_2_is_to_be_synchronised_before_stage_1_is_invalidated(void **state)
{
    struct guest g = unmapped_page();

    (void)state;
    submit(g.machine, TLBI_IPA(VMID, out(&g, g.page), 0));
    submit(g.machine, TLBI_NH_ALL(VMID));
    map1(&g, g.root, 0x40007000, 3, g.page, 0); /* a new stage-1 mapping, by the stale IPA */
    assert_int_equal(access_as(&g, -1, 0x40007000, false).address, g.page);
    send_sync(g.machine);
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    assert_int_equal(access_as(&g, -1, 0x40007000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x40007000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void an_invalidation_of_both_stages_takes_what_came_of_stale_stage_2(void **state)
{
    const uint64_t far = 0x40007000;

    (void)state;
    for (unsigned stale_table = 0; stale_table < 2; stale_table++) {
        struct guest g = unmapped_page();
        uint64_t other = take(g.machine, 4096);
        uint64_t table = 0;

        map1(&g, g.root, far, 3, stale_table ? other : g.page, 0);
        table = align_down(slot1(&g, g.root, far, 3), 12);
        if (stale_table) { /* another page behind the table's IPA has been seen by stage 2 */
            map1(&g, g.root, 0x5000, 3, table, 0);
            submit_sync(g.machine, TLBI_NH_ALL(VMID));
            assert_int_equal(access_as(&g, -1, 0x5000, false).address, table);
            poke(g.machine, s2_slot(&g, table), 0);
        }
        submit(g.machine, TLBI_S12_VMALL(VMID));
        assert_int_equal(access_as(&g, -1, far, false).address, stale_table ? other : g.page);
        send_sync(g.machine);
        assert_int_equal(access_as(&g, -1, far, false).event, F_TRANSLATION);
        assert_true(take_event(g.machine).s2);
        machine_stop(g.machine);
    }
}

static void a_cached_table_holds_the_physical_address_it_had(void **state)
{
    struct guest g = plain_nested();
    uint64_t table = 0, moved = 0;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    table = align_down(slot1(&g, g.root, 0, 3), 12);
    map1(&g, g.root, 0x6000, 3, g.page, 0);
    moved = take(g.machine, 4096); /* stage 2 gives the table's IPA another, empty page */
    poke(g.machine, s2_slot(&g, table), moved | LEAF_ALL | 0x3c | 3);
    submit_sync(g.machine, TLBI_IPA(VMID, out(&g, table), 0));
    assert_int_equal(access_as(&g, -1, 0x6000, false).address, g.page);
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_int_equal(access_as(&g, -1, 0x6000, false).event, F_TRANSLATION);
    machine_stop(g.machine);
}

static void a_large_table_over_small_pages_is_cached_page_by_page(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct geometry large = { .granule = 16, .level = 2, .input_bits = 42, .s2ps = 4 };
    struct guest g = nested_of(&p, &large);
    uint64_t block = take(g.machine, 65536);
    uint64_t slot = 0;

    (void)state;
    map1(&g, g.root, 0, 3, block, 0);
    map1(&g, g.root, 512 * UINT64_C(65536), 3, block, 0); /* in the next 4 KiB of the table */
    assert_int_equal(access_as(&g, -1, 0, false).address, block);
    slot = slot1(&g, g.root, 512 * UINT64_C(65536), 3);
    poke(g.machine, s2_slot(&g, slot), 0);
    assert_int_equal(access_as(&g, -1, 512 * UINT64_C(65536), false).event, F_TRANSLATION);
    assert_int_equal(take_event(g.machine).ipa, align_down(out(&g, slot), 12));
    assert_int_equal(access_as(&g, -1, 65536, false).event, F_TRANSLATION); /* no such leaf */
    assert_false(take_event(g.machine).s2);
    machine_stop(g.machine);
}

static void a_stage_1_bypass_by_s1dss_uses_stage_2_alone(void **state)
{
    struct guest g = plain_nested();

    (void)state;
    set_ste(&g, STE_S1CDMAX, 2);
    set_ste(&g, STE_S1DSS, 1);
    assert_int_equal(access_as(&g, -1, out(&g, g.page), false).address, g.page);
    assert_int_equal(access_as(&g, -1, power_of_2(48), false).event, F_ADDR_SIZE);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).cds, 0);
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, 0, 0x5000, false).address, g.page);
    machine_stop(g.machine);
}

static void an_intermediate_address_beyond_s2t0sz_is_a_stage_2_fault(void **state)
{
    struct guest g = plain_nested();

    (void)state;
    map1(&g, g.root, 0x5000, 3, power_of_2(40) + g.offset, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).event, F_TRANSLATION);
    assert_true(take_event(g.machine).s2);
    machine_stop(g.machine);
}

int run_nested_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_goes_through_both_stages),
        cmocka_unit_test(the_smaller_page_of_the_two_stages_is_the_entry),
        cmocka_unit_test(a_cd_that_stage_2_lacks_is_a_fault_of_class_cd),
        cmocka_unit_test(a_table_that_stage_2_lacks_is_a_fault_of_class_tt),
        cmocka_unit_test(an_output_that_stage_2_lacks_is_a_fault_of_class_in),
        cmocka_unit_test(a_fault_of_stage_1_stays_one),
        cmocka_unit_test(r_of_the_stage_that_faults_decides_on_the_record),
        cmocka_unit_test(aborted_fetches_say_whose_they_were),
        cmocka_unit_test(both_stages_must_allow_the_access),
        cmocka_unit_test(a_table_that_stage_2_does_not_let_read_is_a_permission_fault_on_a_read),
        cmocka_unit_test(with_s2ptw_tables_and_cds_must_not_be_device_memory),
        cmocka_unit_test(s2_ipa_alone_leaves_what_both_stages_made),
        cmocka_unit_test(nh_all_alone_leaves_what_stage_2_made),
        cmocka_unit_test(s12_vmall_takes_both),
        cmocka_unit_test(stage_2_is_to_be_synchronised_before_stage_1_is_invalidated),
        cmocka_unit_test(an_invalidation_of_both_stages_takes_what_came_of_stale_stage_2),
        cmocka_unit_test(a_cached_table_holds_the_physical_address_it_had),
        cmocka_unit_test(a_large_table_over_small_pages_is_cached_page_by_page),
        cmocka_unit_test(a_stage_1_bypass_by_s1dss_uses_stage_2_alone),
        cmocka_unit_test(an_intermediate_address_beyond_s2t0sz_is_a_stage_2_fault),
    };

    return cmocka_run_group_tests_name("nested", tests, NULL, NULL);
}
