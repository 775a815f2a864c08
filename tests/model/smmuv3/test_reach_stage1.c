/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit over stage 1, both stages and substreams; structures and roots that it tells of; what
 * is reachable while a register write is not yet acknowledged.
 */
#include <string.h>

#include "fixture.h"

enum { MOST_TOLD = 32 };

struct pieces {
    unsigned count;
    struct smmuv3_model_reach at[MOST_TOLD];
};

static void collect(void *context, const struct smmuv3_model_reach *piece)
{
    struct pieces *pieces = context;

    assert_true(pieces->count < MOST_TOLD);
    pieces->at[pieces->count++] = *piece;
}

static struct pieces reach(struct guest *g)
{
    struct pieces pieces = { 0 };

    assert_true(smmuv3_model_reach(g->machine->unit, SID, collect, &pieces));
    return pieces;
}

static void assert_piece(const struct smmuv3_model_reach *piece, int64_t substream, uint64_t iova,
                         uint64_t address, uint64_t size, enum smmuv3_model_reach_source source)
{
    assert_int_equal(piece->stream_id, SID);
    assert_int_equal(piece->ssv, substream >= 0);
    assert_int_equal(piece->substream_id, substream >= 0 ? substream : 0);
    assert_int_equal(piece->iova, iova);
    assert_int_equal(piece->address, address);
    assert_int_equal(piece->size, size);
    assert_int_equal(piece->source, source);
}

#define MEM SMMUV3_MODEL_REACH_MEMORY
#define CACHED SMMUV3_MODEL_REACH_CACHE

static void both_halves_of_a_cd_are_reach(void **state)
{
    struct guest g = plain_guest();
    uint64_t root = new_root1(g.machine, &PLAIN_S1);
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    map1(&g, g.root, 0x6000, 3, g.page, S1_AF | S1_READ_ONLY | S1_PXN | S1_UXN);
    map1(&g, root, 0x7000, 3, g.page, 0);
    set_cd(&g, CD_T1SZ, 25);
    set_cd(&g, CD_TG1, 2);
    set_cd(&g, CD_TTB1, root / 16);
    set_cd(&g, CD_EPD1, 0);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 3);
    assert_piece(&pieces.at[0], -1, 0x5000, g.page, 0x1000, MEM);
    assert_true(pieces.at[0].readable && pieces.at[0].writable && pieces.at[0].executable);
    assert_piece(&pieces.at[1], -1, 0x6000, g.page, 0x1000, MEM);
    assert_true(pieces.at[1].readable && !pieces.at[1].writable && !pieces.at[1].executable);
    assert_piece(&pieces.at[2], -1, ~low_bits(39) + 0x7000, g.page, 0x1000, MEM);
    machine_stop(g.machine);
}

static void every_substream_that_may_pass_is_told_with_its_number(void **state)
{
    struct guest g = plain_guest();
    uint64_t cd[CD_WORDS];
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    stage1_cd(cd, &PLAIN_S1, g.root);
    put_cd(g.machine, g.cds + UINT64_C(3) * 64, cd);
    set_ste(&g, STE_S1CDMAX, 2);
    pieces = reach(&g); /* without a substream: terminated */
    assert_int_equal(pieces.count, 2);
    assert_piece(&pieces.at[0], 0, 0x5000, g.page, 0x1000, MEM);
    assert_piece(&pieces.at[1], 3, 0x5000, g.page, 0x1000, MEM);
    set_ste(&g, STE_S1DSS, 2);
    pieces = reach(&g); /* CD 0 is for those without */
    assert_int_equal(pieces.count, 2);
    assert_piece(&pieces.at[0], -1, 0x5000, g.page, 0x1000, MEM);
    assert_piece(&pieces.at[1], 3, 0x5000, g.page, 0x1000, MEM);
    set_ste(&g, STE_S1DSS, 1);
    pieces = reach(&g); /* those without bypass */
    assert_int_equal(pieces.count, 3);
    assert_piece(&pieces.at[0], -1, 0, 0, power_of_2(48), MEM);
    machine_stop(g.machine);
}

static void both_stages_must_map_what_is_reach(void **state)
{
    struct guest g = plain_nested();
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x200000, 2, MEMORY_BASE, 0);
    poke(g.machine, s2_slot(&g, MEMORY_BASE + 0x3000), 0);
    poke(g.machine, s2_slot(&g, MEMORY_BASE + 0x4000),
         (MEMORY_BASE + 0x4000) | LEAF_AF | LEAF_READ | 0x3c | 3);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 3);
    assert_piece(&pieces.at[0], -1, 0x200000, MEMORY_BASE, 0x3000, MEM);
    assert_piece(&pieces.at[1], -1, 0x204000, MEMORY_BASE + 0x4000, 0x1000, MEM);
    assert_false(pieces.at[1].writable);
    assert_piece(&pieces.at[2], -1, 0x205000, MEMORY_BASE + 0x5000, 0x1fb000, MEM);
    poke(g.machine, s2_slot(&g, g.cds), 0); /* no CD, no reach */
    assert_int_equal(reach(&g).count, 0);
    machine_stop(g.machine);
}

static void a_contiguous_group_is_told_once_and_whole(void **state)
{
    struct guest g = plain_guest();
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x11000, 3, 0x81000, S1_ALL | S1_CONTIGUOUS);
    map1(&g, g.root, 0x12000, 3, 0x82000, S1_ALL | S1_CONTIGUOUS);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 1);
    assert_piece(&pieces.at[0], -1, 0x10000, 0x80000, 0x10000, MEM);
    machine_stop(g.machine);
}

static void pages_that_an_update_would_open_are_reach(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct pieces pieces;
    struct guest g;

    (void)state;
    p.httu = 2;
    g = guest_of(&p, &PLAIN_S1);
    map1(&g, g.root, 0x5000, 3, g.page, S1_USER | S1_NG | S1_READ_ONLY | S1_DBM);
    assert_int_equal(reach(&g).count, 0);
    set_cd(&g, CD_HA, 1);
    assert_false(reach(&g).at[0].writable);
    set_cd(&g, CD_HD, 1);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 1);
    assert_true(pieces.at[0].writable);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ stale entries */

static void stale_leaves_tables_and_cds_are_reach_until_invalidated(void **state)
{
    static const struct {
        unsigned what; /* 0 leaf, 1 table, 2 CD */
        uint64_t words[2];
    } cases[] = {
        { 0, { TLBI_NH_VA(VMID, ASID, 0x5000, 1) } },
        { 1, { TLBI_NH_VA(VMID, ASID, 0x5000, 0) } },
        { 2, { CFGI_CD(SID, 0, 1) } },
    };

    (void)state;
    for (unsigned both = 0; both < 2; both++) {
        for (unsigned i = 0; i < 3; i++) {
            struct guest g = both ? plain_nested() : plain_guest();
            struct pieces pieces;

            map1(&g, g.root, 0x5000, 3, g.page, 0);
            assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
            poke(g.machine,
                 cases[i].what == 0   ? slot1(&g, g.root, 0x5000, 3)
                 : cases[i].what == 1 ? slot1(&g, g.root, 0x5000, 2)
                                      : g.cds,
                 0);
            submit(g.machine, cases[i].words[0], cases[i].words[1]);
            pieces = reach(&g);
            assert_true(pieces.count > 0);
            assert_piece(&pieces.at[0], -1, 0x5000, g.page, 0x1000, CACHED);
            send_sync(g.machine);
            if (reach(&g).count != 0) {
                fail_msg("case %u is still reach", i);
            }
            machine_stop(g.machine);
        }
    }
}

static void a_stale_level_1_cd_descriptor_is_reach(void **state)
{
    struct guest g = plain_guest();
    uint64_t l1 = take(g.machine, 4096);
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    g.ste[0] &= ~field_mask(STE_S1CONTEXTPTR);
    g.ste[0] |= l1;
    field_put(g.ste, STE_S1FMT, 1);
    set_ste(&g, STE_S1CDMAX, 8);
    poke(g.machine, l1 + 8, g.cds | 1); /* the CD there is substream 64's */
    assert_int_equal(access_as(&g, 64, 0x5000, false).address, g.page);
    poke(g.machine, l1 + 8, 0);
    submit_sync(g.machine, CFGI_CD(SID, 64, 1));
    submit_sync(g.machine, TLBI_NSNH_ALL);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 1);
    assert_piece(&pieces.at[0], 64, 0x5000, g.page, 0x1000, CACHED);
    submit_sync(g.machine, CFGI_CD(SID, 64, 0));
    assert_int_equal(reach(&g).count, 0);
    machine_stop(g.machine);
}

static void a_stale_stage_2_translation_of_a_table_is_reach(void **state)
{
    struct guest g = plain_nested();
    uint64_t table = 0, moved = 0;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    table = align_down(slot1(&g, g.root, 0, 3), 12);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    moved = take(g.machine, 4096);
    poke(g.machine, s2_slot(&g, table), moved | LEAF_ALL | 0x3c | 3);
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_true(reach(&g).count > 0); /* by the old place of the table */
    submit_sync(g.machine, TLBI_IPA(VMID, out(&g, table), 1));
    assert_int_equal(reach(&g).count, 0);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ registers */

static void while_a_write_awaits_its_acknowledge_old_and_new_are_reach(void **state)
{
    struct guest g = plain_guest();
    struct pieces pieces;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    smmuv3_model_set_late(g.machine->unit, SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_set_late(g.machine->unit, SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(g.machine->unit, AT_CR0, CR0_QUEUES);
    pieces = reach(&g);
    assert_int_equal(pieces.count, 2);
    assert_piece(&pieces.at[0], -1, 0, 0, power_of_2(48), MEM);
    assert_piece(&pieces.at[1], -1, 0x5000, g.page, 0x1000, MEM);
    smmuv3_model_write32(g.machine->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    assert_int_equal(reach(&g).count, 2); /* ABORT is not in effect yet */
    smmuv3_model_step(g.machine->unit, SMMUV3_MODEL_LATE_GBPA);
    assert_int_equal(reach(&g).count, 1);
    smmuv3_model_step(g.machine->unit, SMMUV3_MODEL_LATE_CR0ACK);
    assert_int_equal(reach(&g).count, 0);
    smmuv3_model_write32(g.machine->unit, AT_CR0, CR0_ALL);
    assert_int_equal(reach(&g).count, 1);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ structures and roots */

struct structures {
    unsigned count;
    struct smmuv3_model_structure at[MOST_TOLD];
};

static void collect_structure(void *context, const struct smmuv3_model_structure *structure)
{
    struct structures *structures = context;

    assert_true(structures->count < MOST_TOLD);
    structures->at[structures->count++] = *structure;
}

static bool holds(const struct structures *structures, enum smmuv3_model_structure_kind kind,
                  uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < structures->count; i++) {
        const struct smmuv3_model_structure *at = &structures->at[i];

        if (at->kind == kind && at->address == address && at->size == size) {
            return true;
        }
    }
    return false;
}

static void the_structures_of_a_stream_are_those_it_depends_on(void **state)
{
    struct guest g = plain_nested();
    struct structures structures = { 0 };
    uint64_t table = 0;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    table = align_down(slot1(&g, g.root, 0, 3), 12);
    assert_true(smmuv3_model_structures(g.machine->unit, SID, collect_structure, &structures));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_STE,
                      g.machine->stream_table + UINT64_C(64) * SID, 64));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_CD, g.cds, 64));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_STAGE1_TABLE, g.root, 4096));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_STAGE1_TABLE, table, 4096));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_STAGE2_TABLE, g.s2_root, 4096));
    assert_true(holds(&structures, SMMUV3_MODEL_STRUCTURE_STAGE2_TABLE,
                      align_down(s2_slot(&g, g.page), 12), 4096));
    assert_false(holds(&structures, SMMUV3_MODEL_STRUCTURE_STAGE1_TABLE, g.page, 4096));
    machine_stop(g.machine);
}

struct roots {
    unsigned count;
    struct smmuv3_model_root at[MOST_TOLD];
};

static void collect_root(void *context, const struct smmuv3_model_root *root)
{
    struct roots *roots = context;

    assert_true(roots->count < MOST_TOLD);
    roots->at[roots->count++] = *root;
}

static void roots_are_told_with_their_tags(void **state)
{
    struct guest g = plain_nested();
    struct roots roots = { 0 };

    (void)state;
    assert_true(smmuv3_model_roots(g.machine->unit, SID, collect_root, &roots));
    assert_int_equal(roots.count, 2);
    assert_int_equal(roots.at[0].stage, 2);
    assert_int_equal(roots.at[0].vmid, VMID);
    assert_int_equal(roots.at[0].root, g.s2_root);
    assert_int_equal(roots.at[1].stage, 1);
    assert_true(roots.at[1].has_asid);
    assert_int_equal(roots.at[1].vmid, VMID);
    assert_int_equal(roots.at[1].asid, ASID);
    assert_int_equal(roots.at[1].root, out(&g, g.root));
    assert_int_equal(roots.at[1].source, SMMUV3_MODEL_REACH_MEMORY);
    machine_stop(g.machine);
}

static void the_tlb_remembers_by_which_roots_it_was_made(void **state)
{
    struct guest g = plain_nested();
    struct roots roots = { 0 };
    uint64_t old = g.root;
    unsigned by_old_root = 0;

    (void)state;
    map1(&g, g.root, 0x5000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    set_cd(&g, CD_TTB0, out(&g, new_root1(g.machine, &PLAIN_S1)) / 16);
    smmuv3_model_tlb_roots(g.machine->unit, collect_root, &roots);
    for (unsigned i = 0; i < roots.count; i++) {
        by_old_root += roots.at[i].stage == 1 && roots.at[i].root == out(&g, old) &&
                       roots.at[i].asid == ASID;
        assert_true(roots.at[i].stage == 1 || roots.at[i].root == g.s2_root);
        assert_int_equal(roots.at[i].vmid, VMID);
    }
    assert_int_equal(by_old_root, 3); /* two tables and a leaf */
    submit_sync(g.machine, TLBI_S12_VMALL(VMID));
    roots.count = 0;
    smmuv3_model_tlb_roots(g.machine->unit, collect_root, &roots);
    assert_int_equal(roots.count, 0);
    machine_stop(g.machine);
}

int run_reach_stage1_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_halves_of_a_cd_are_reach),
        cmocka_unit_test(every_substream_that_may_pass_is_told_with_its_number),
        cmocka_unit_test(both_stages_must_map_what_is_reach),
        cmocka_unit_test(a_contiguous_group_is_told_once_and_whole),
        cmocka_unit_test(pages_that_an_update_would_open_are_reach),
        cmocka_unit_test(stale_leaves_tables_and_cds_are_reach_until_invalidated),
        cmocka_unit_test(a_stale_level_1_cd_descriptor_is_reach),
        cmocka_unit_test(a_stale_stage_2_translation_of_a_table_is_reach),
        cmocka_unit_test(while_a_write_awaits_its_acknowledge_old_and_new_are_reach),
        cmocka_unit_test(the_structures_of_a_stream_are_those_it_depends_on),
        cmocka_unit_test(roots_are_told_with_their_tags),
        cmocka_unit_test(the_tlb_remembers_by_which_roots_it_was_made),
    };

    return cmocka_run_group_tests_name("reach over stage 1", tests, NULL, NULL);
}
