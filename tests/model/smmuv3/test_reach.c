/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: what it lists is what the device can reach, from memory and from caches.
 */
#include "fixture.h"

enum { MOST_PIECES = 16 };

struct pieces {
    unsigned count;
    struct smmuv3_model_reach at[MOST_PIECES];
};

static void collect(void *context, const struct smmuv3_model_reach *piece)
{
    struct pieces *pieces = context;

    assert_true(pieces->count < MOST_PIECES);
    pieces->at[pieces->count++] = *piece;
}

static struct pieces reach(struct machine *m)
{
    struct pieces pieces = { 0 };

    assert_true(smmuv3_model_reach(m->unit, SID, collect, &pieces));
    return pieces;
}

static void assert_piece(const struct smmuv3_model_reach *piece, uint64_t iova, uint64_t address,
                         uint64_t size, enum smmuv3_model_reach_source source)
{
    assert_int_equal(piece->iova, iova);
    assert_int_equal(piece->address, address);
    assert_int_equal(piece->size, size);
    assert_int_equal(piece->source, source);
}

static void a_disabled_unit_lets_reach_everything_or_nothing(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);
    struct pieces pieces = reach(m);

    (void)state;
    assert_int_equal(pieces.count, 1);
    assert_piece(&pieces.at[0], 0, 0, power_of_2(48), SMMUV3_MODEL_REACH_MEMORY);
    smmuv3_model_write32(m->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    assert_int_equal(reach(m).count, 0);
    machine_stop(m);
}

static void abort_and_invalid_entries_reach_nothing_and_bypass_everything(void **state)
{
    struct machine *m = plain_up();
    const uint64_t abort_ste[STE_WORDS] = { 0x1 };
    const uint64_t bypass[STE_WORDS] = { 0x9 };

    (void)state;
    assert_int_equal(reach(m).count, 0);
    put_ste(m, SID, abort_ste);
    assert_int_equal(reach(m).count, 0);
    put_ste(m, SID, bypass);
    assert_int_equal(reach(m).count, 1);
    machine_stop(m);
}

static void neighbouring_pages_of_equal_rights_are_one_piece(void **state)
{
    struct assigned a = plain();
    struct pieces pieces;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x1000, 3, MEMORY_BASE, 0);
    map(a.machine, &a.geometry, a.root, 0x2000, 3, MEMORY_BASE + 0x1000, 0);
    map(a.machine, &a.geometry, a.root, 0x3000, 3, MEMORY_BASE + 0x2000, LEAF_AF | LEAF_READ);
    map(a.machine, &a.geometry, a.root, 0x40000000, 1, MEMORY_BASE, 0);
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 3);
    assert_piece(&pieces.at[0], 0x1000, MEMORY_BASE, 0x2000, SMMUV3_MODEL_REACH_MEMORY);
    assert_true(pieces.at[0].writable);
    assert_piece(&pieces.at[1], 0x3000, MEMORY_BASE + 0x2000, 0x1000, SMMUV3_MODEL_REACH_MEMORY);
    assert_false(pieces.at[1].writable);
    assert_piece(&pieces.at[2], 0x40000000, MEMORY_BASE, 0x40000000, SMMUV3_MODEL_REACH_MEMORY);
    machine_stop(a.machine);
}

static void a_page_without_access_flag_or_beyond_the_output_size_is_not_reach(void **state)
{
    struct assigned a = plain();

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x1000, 3, a.page, LEAF_READ);
    map(a.machine, &a.geometry, a.root, 0x2000, 3, power_of_2(44), 0);
    assert_int_equal(reach(a.machine).count, 0);
    machine_stop(a.machine);
}

static void a_stale_translation_is_reach_until_it_is_invalidated(void **state)
{
    struct assigned a = plain();
    struct pieces pieces;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    assert_reaches(a.machine, 0x5000, a.page);
    poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, 0x5000, 3), 0);
    submit(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 1);
    assert_piece(&pieces.at[0], 0x5000, a.page, 0x1000, SMMUV3_MODEL_REACH_CACHE);
    send_sync(a.machine);
    assert_int_equal(reach(a.machine).count, 0);
    machine_stop(a.machine);
}

static void a_stale_table_is_reach_for_all_that_it_holds(void **state)
{
    struct assigned a = plain();
    struct pieces pieces;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    map(a.machine, &a.geometry, a.root, 0x9000, 3, a.page, 0);
    assert_reaches(a.machine, 0x5000, a.page);
    poke(a.machine, descriptor_at(a.machine, &a.geometry, a.root, 0, 2), 0);
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 2);
    assert_piece(&pieces.at[0], 0x5000, a.page, 0x1000, SMMUV3_MODEL_REACH_CACHE);
    assert_piece(&pieces.at[1], 0x9000, a.page, 0x1000, SMMUV3_MODEL_REACH_CACHE);
    assert_reaches(a.machine, 0x9000, a.page);
    machine_stop(a.machine);
}

static void a_stale_ste_is_reach_until_cfgi(void **state)
{
    struct assigned a = plain();
    const uint64_t bypass[STE_WORDS] = { 0x9 };
    const uint64_t abort_ste[STE_WORDS] = { 0x1 };
    struct pieces pieces;

    (void)state;
    put_ste(a.machine, SID, bypass);
    assert_reaches(a.machine, MEMORY_BASE, MEMORY_BASE);
    put_ste(a.machine, SID, abort_ste);
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 1);
    assert_int_equal(pieces.at[0].source, SMMUV3_MODEL_REACH_CACHE);
    submit_sync(a.machine, CFGI_STE_LEAF(SID));
    assert_int_equal(reach(a.machine).count, 0);
    machine_stop(a.machine);
}

static void a_stale_level_1_descriptor_is_reach(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);
    struct pieces pieces;
    uint64_t l1 = 0, l2 = 0;

    (void)state;
    bring_up_queues(m);
    l1 = take(m, 64);
    l2 = take(m, 4096);
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, l1);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, 0x10000 + 6 * 64 + 8);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    poke(m, l1, l2 | 7);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    poke(m, l1, 0);
    poke(m, l2 + UINT64_C(64) * SID, 0x9);
    submit_sync(m, CFGI_STE_LEAF(SID));
    pieces = reach(m);
    assert_int_equal(pieces.count, 1);
    assert_int_equal(pieces.at[0].source, SMMUV3_MODEL_REACH_CACHE);
    submit_sync(m, CFGI_STE_ALL_LEVELS(SID));
    assert_int_equal(reach(m).count, 0);
    machine_stop(m);
}

static void a_page_counts_for_any_right_and_not_for_none(void **state)
{
    struct assigned a = plain();
    const uint64_t never_execute = power_of_2(54);
    struct pieces pieces;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x1000, 3, a.page, LEAF_AF | never_execute);
    map(a.machine, &a.geometry, a.root, 0x3000, 3, a.page, LEAF_AF);
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, LEAF_AF | LEAF_WRITE | never_execute);
    map(a.machine, &a.geometry, a.root, 0x7000, 3, a.page, LEAF_AF | LEAF_READ | never_execute);
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 3);
    assert_true(pieces.at[0].executable);
    assert_true(pieces.at[1].writable && !pieces.at[1].readable && !pieces.at[1].executable);
    assert_true(pieces.at[2].readable && !pieces.at[2].writable);
    machine_stop(a.machine);
}

static void a_stream_out_of_range_or_a_failed_unit_reaches_nothing(void **state)
{
    struct machine *m = plain_up();
    struct pieces pieces = { 0 };

    (void)state;
    assert_true(smmuv3_model_reach(m->unit, 1000, collect, &pieces));
    assert_int_equal(pieces.count, 0);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    assert_int_equal(reach(m).count, 1);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_SFM_ERR);
    assert_int_equal(reach(m).count, 0);
    machine_stop(m);
}

static void a_cached_table_that_memory_agrees_with_is_not_told_twice(void **state)
{
    struct assigned a = plain();
    struct pieces pieces;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    assert_reaches(a.machine, 0x5000, a.page);
    submit_sync(a.machine, TLBI_IPA(VMID, 0x5000, 1));
    assert_int_equal(smmuv3_model_cached(a.machine->unit).tables, 2);
    pieces = reach(a.machine);
    assert_int_equal(pieces.count, 1);
    assert_int_equal(pieces.at[0].source, SMMUV3_MODEL_REACH_MEMORY);
    machine_stop(a.machine);
}

static void the_audit_says_when_it_cannot_tell(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = (p.ttendian = 0, machine_up(&p));
    const uint64_t big_endian[STE_WORDS] = { 0xd, 0, UINT64_C(0x041c005900000007), MEMORY_BASE };
    struct pieces pieces = { 0 };

    (void)state;
    put_ste(m, SID, big_endian);
    assert_false(smmuv3_model_reach(m->unit, SID, collect, &pieces));
    machine_stop(m);
}

static void the_audit_changes_nothing(void **state)
{
    struct assigned a = plain();
    struct smmuv3_model_cached cached;

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    smmuv3_model_abort_next(a.machine->unit, SMMUV3_MODEL_FETCH_STE, 1);
    assert_int_equal(reach(a.machine).count, 1);
    cached = smmuv3_model_cached(a.machine->unit);
    assert_int_equal(cached.stes + cached.leaves + cached.tables, 0);
    assert_aborts(a.machine, 0x5000, F_STE_FETCH);
    machine_stop(a.machine);
}

int run_reach_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disabled_unit_lets_reach_everything_or_nothing),
        cmocka_unit_test(abort_and_invalid_entries_reach_nothing_and_bypass_everything),
        cmocka_unit_test(neighbouring_pages_of_equal_rights_are_one_piece),
        cmocka_unit_test(a_page_without_access_flag_or_beyond_the_output_size_is_not_reach),
        cmocka_unit_test(a_stale_translation_is_reach_until_it_is_invalidated),
        cmocka_unit_test(a_stale_table_is_reach_for_all_that_it_holds),
        cmocka_unit_test(a_stale_ste_is_reach_until_cfgi),
        cmocka_unit_test(a_stale_level_1_descriptor_is_reach),
        cmocka_unit_test(the_audit_says_when_it_cannot_tell),
        cmocka_unit_test(the_audit_changes_nothing),
        cmocka_unit_test(a_page_counts_for_any_right_and_not_for_none),
        cmocka_unit_test(a_stream_out_of_range_or_a_failed_unit_reaches_nothing),
        cmocka_unit_test(a_cached_table_that_memory_agrees_with_is_not_told_twice),
    };

    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
