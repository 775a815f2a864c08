/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardware updates of access flag and dirty state, at either stage and at both.
 */
#include "fixture.h"

static struct smmuv3_model_parameters updating(void)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    p.httu = 2;
    return p;
}

/* Stage 1 alone, one page, HA and HD as given. */
static struct guest stage_1(bool ha, bool hd, uint64_t attributes)
{
    struct smmuv3_model_parameters p = updating();
    struct guest g = guest_of(&p, &PLAIN_S1);

    set_cd(&g, CD_HA, ha);
    set_cd(&g, CD_HD, hd);
    map1(&g, g.root, 0, 3, g.page, attributes);
    return g;
}

static uint64_t leaf_of(struct guest *g)
{
    return peek(g->machine, slot1(g, g->root, 0, 3));
}

static void an_access_sets_the_access_flag_of_stage_1(void **state)
{
    struct guest g = stage_1(true, false, S1_USER | S1_NG);
    uint64_t before = leaf_of(&g);

    (void)state;
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g), before | S1_AF);
    machine_stop(g.machine);

    g = stage_1(false, false, S1_USER | S1_NG);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_ACCESS);
    assert_int_equal(leaf_of(&g), before);
    machine_stop(g.machine);
}

static void a_write_makes_a_clean_page_of_stage_1_dirty(void **state)
{
    const uint64_t clean = S1_ALL | S1_READ_ONLY | S1_DBM;
    struct guest g = stage_1(true, true, clean);
    uint64_t before = leaf_of(&g);

    (void)state;
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g), before); /* a read changes nothing */
    assert_int_equal(access_as(&g, -1, 0, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g), before & ~S1_READ_ONLY);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).leaves, 1);
    machine_stop(g.machine);
}

static void only_dbm_hd_and_the_tables_above_make_a_page_clean(void **state)
{
    static const struct {
        bool ha, hd;
        uint64_t attributes, table;
    } cases[] = {
        { true, false, S1_ALL | S1_READ_ONLY | S1_DBM, 0 },                /* access only */
        { true, true, S1_ALL | S1_READ_ONLY, 0 },                          /* no DBM */
        { false, true, S1_ALL | S1_READ_ONLY | S1_DBM, 0 },                /* reserved */
        { true, true, S1_ALL | S1_READ_ONLY | S1_DBM, UINT64_C(1) << 62 }, /* APTable[1] */
        { true, true, S1_AF | S1_NG | S1_READ_ONLY | S1_DBM, 0 },          /* not for users */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct guest g = stage_1(cases[i].ha, cases[i].hd, cases[i].attributes);
        uint64_t before = leaf_of(&g);
        uint64_t slot = slot1(&g, g.root, 0, 2);

        poke(g.machine, slot, peek(g.machine, slot) | cases[i].table);
        if (access_as(&g, -1, 0, true).event != F_PERMISSION || leaf_of(&g) != before) {
            fail_msg("case %u: 0x%llx", i, (unsigned long long)leaf_of(&g));
        }
        machine_stop(g.machine);
    }
}

static void a_clean_page_counts_as_writable_for_execution(void **state)
{
    struct guest g = stage_1(true, true, S1_AF | S1_USER | S1_READ_ONLY | S1_DBM);
    struct smmuv3_model_access access = { .stream_id = SID, .instruction = true };

    (void)state;
    access.privileged = true;
    assert_int_equal(smmuv3_model_transact(g.machine->unit, &access).event, F_PERMISSION);
    access.privileged = false;
    assert_int_equal(smmuv3_model_transact(g.machine->unit, &access).event, 0);
    set_cd(&g, CD_WXN, 1);
    submit_sync(g.machine, TLBI_NH_ALL(VMID));
    assert_int_equal(smmuv3_model_transact(g.machine->unit, &access).event, F_PERMISSION);
    machine_stop(g.machine);
}

static void looking_without_a_trace_updates_nothing(void **state)
{
    struct guest g = stage_1(true, true, S1_USER | S1_NG | S1_READ_ONLY | S1_DBM);
    const struct smmuv3_model_access access = { .stream_id = SID, .write = true };
    uint64_t before = leaf_of(&g);

    (void)state;
    assert_int_equal(smmuv3_model_translate(g.machine->unit, &access).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g), before);
    machine_stop(g.machine);
}

static void an_aborted_update_is_an_aborted_walk(void **state)
{
    struct guest g = stage_1(true, false, S1_USER | S1_NG);
    struct smmuv3_model_event event;

    (void)state;
    smmuv3_model_abort_next(g.machine->unit, SMMUV3_MODEL_UPDATE_TABLE, 1);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_WALK_EABT);
    event = take_event(g.machine);
    assert_false(event.s2);
    assert_int_equal(event.fetch_address, slot1(&g, g.root, 0, 3));
    machine_stop(g.machine);
}

static void stage_2_updates_its_descriptors_too(void **state)
{
    struct smmuv3_model_parameters p = updating();
    struct assigned a = assign(&p, &PLAIN_4K);
    uint64_t ste[STE_WORDS];
    uint64_t slot = 0;

    (void)state;
    stage2_ste(ste, &a.geometry, a.root);
    field_put(ste, STE_S2HA, 1);
    field_put(ste, STE_S2HD, 1);
    put_ste(a.machine, SID, ste);
    map(a.machine, &a.geometry, a.root, 0, 3, a.page, LEAF_READ | S1_DBM);
    slot = descriptor_at(a.machine, &a.geometry, a.root, 0, 3);
    assert_int_equal(dma(a.machine, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(peek(a.machine, slot), a.page | LEAF_READ | LEAF_AF | S1_DBM | 3);
    assert_int_equal(dma(a.machine, 0, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(peek(a.machine, slot), a.page | LEAF_ALL | S1_DBM | 3);
    map(a.machine, &a.geometry, a.root, 0x1000, 3, a.page, LEAF_READ);
    assert_int_equal(dma(a.machine, 0x1000, true).event, F_PERMISSION);
    machine_stop(a.machine);
}

/* ------------------------------------------------------------------ both stages */

/* Both stages with all updates; stage 2 maps everything clean and not yet accessed. */
static struct guest both(uint64_t attributes)
{
    struct smmuv3_model_parameters p = updating();
    struct guest g = nested_of(&p, &PLAIN_S1);

    for (uint64_t at = MEMORY_BASE; at < MEMORY_BASE + MEMORY_SIZE; at += 4096) {
        poke(g.machine, s2_slot(&g, at), at | LEAF_READ | S1_DBM | 0x3c | 3);
    }
    set_ste(&g, STE_S2HA, 1);
    set_ste(&g, STE_S2HD, 1);
    set_cd(&g, CD_HA, 1);
    set_cd(&g, CD_HD, 1);
    map1(&g, g.root, 0, 3, g.page, attributes);
    return g;
}

static unsigned s2_flags(struct guest *g, uint64_t address)
{
    return (unsigned)(peek(g->machine, s2_slot(g, address)) & (LEAF_AF | LEAF_WRITE));
}

static void an_update_of_stage_1_is_a_write_for_stage_2(void **state)
{
    struct guest g = both(S1_USER | S1_NG);

    (void)state;
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g) & S1_AF, S1_AF);
    assert_int_equal(s2_flags(&g, slot1(&g, g.root, 0, 3)), LEAF_AF | LEAF_WRITE);
    assert_int_equal(s2_flags(&g, g.root), LEAF_AF);
    assert_int_equal(s2_flags(&g, g.cds), LEAF_AF);
    assert_int_equal(s2_flags(&g, g.page), LEAF_AF);
    assert_int_equal(access_as(&g, -1, 0, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(s2_flags(&g, g.page), LEAF_AF | LEAF_WRITE);
    machine_stop(g.machine);
}

static void a_table_that_stage_2_does_not_let_write_is_a_permission_fault_on_a_write(void **state)
{
    struct guest g = both(S1_USER | S1_NG);
    uint64_t slot = slot1(&g, g.root, 0, 3);
    uint64_t before = leaf_of(&g);
    struct smmuv3_model_event event;

    (void)state;
    poke(g.machine, s2_slot(&g, slot), align_down(slot, 12) | LEAF_AF | LEAF_READ | 0x3c | 3);
    assert_int_equal(access_as(&g, -1, 0, false).event, F_PERMISSION);
    event = take_event(g.machine);
    assert_true(event.s2);
    assert_int_equal(event.class_, CLASS_TTD);
    assert_false(event.ttrnw);
    assert_true(event.rnw);
    assert_int_equal(leaf_of(&g), before);
    machine_stop(g.machine);
}

static void a_write_through_a_combined_entry_marks_both_stages(void **state)
{
    struct guest g = both(S1_ALL | S1_READ_ONLY | S1_DBM);

    (void)state;
    assert_int_equal(access_as(&g, -1, 0, false).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g) & S1_READ_ONLY, S1_READ_ONLY);
    assert_int_equal(access_as(&g, -1, 0, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(leaf_of(&g) & S1_READ_ONLY, 0);
    assert_int_equal(s2_flags(&g, g.page), LEAF_AF | LEAF_WRITE);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ atomicity */

/* An environment in which software changes the descriptor just before the update arrives. */
struct race {
    struct machine *machine;
    uint64_t slot, replacement;
    unsigned updates;
};

static bool racing_update(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                          uint64_t expected, uint64_t desired, uint64_t *seen)
{
    struct race *race = context;

    assert_int_equal(kind, SMMUV3_MODEL_UPDATE_TABLE);
    if (race->updates++ == 0) {
        poke(race->machine, race->slot, race->replacement);
    }
    *seen = peek(race->machine, address);
    if (*seen == expected) {
        poke(race->machine, address, desired);
    }
    return true;
}

static bool racing_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                        void *data, size_t size)
{
    struct race *race = context;

    (void)kind;
    assert_int_equal(size, 8);
    *(uint64_t *)data = peek(race->machine, address);
    return true;
}

static bool racing_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                         const void *data, size_t size)
{
    struct race *race = context;

    assert_int_equal(kind, SMMUV3_MODEL_WRITE_EVENT);
    assert_int_equal(size, 32);
    poke(race->machine, address, *(const uint64_t *)data);
    return true;
}

static void an_update_that_finds_another_descriptor_walks_again(void **state)
{
    (void)state;
    for (unsigned unmapped = 0; unmapped < 2; unmapped++) {
        struct guest g = stage_1(true, true, S1_USER | S1_NG);
        struct race race = { .machine = g.machine, .slot = slot1(&g, g.root, 0, 3) };
        struct smmuv3_model *old = g.machine->unit;
        const struct smmuv3_model_environment environment = {
            .context = &race,
            .read = racing_read,
            .write = racing_write,
            .update = racing_update,
        };
        struct smmuv3_model_result result;
        uint64_t other = take(g.machine, 4096);

        race.replacement = unmapped ? 0 : other | S1_USER | S1_NG | 3;
        g.machine->unit = smmuv3_model_copy(old, &environment);
        smmuv3_model_destroy(old);
        result = access_as(&g, -1, 0, false);
        if (unmapped) {
            assert_int_equal(result.outcome, SMMUV3_MODEL_ABORT);
            assert_int_equal(leaf_of(&g), 0);
        } else {
            assert_int_equal(result.address, other);
            assert_int_equal(leaf_of(&g), other | S1_ALL | 3);
            assert_int_equal(race.updates, 2);
        }
        machine_stop(g.machine);
    }
}

int run_httu_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_sets_the_access_flag_of_stage_1),
        cmocka_unit_test(a_write_makes_a_clean_page_of_stage_1_dirty),
        cmocka_unit_test(only_dbm_hd_and_the_tables_above_make_a_page_clean),
        cmocka_unit_test(a_clean_page_counts_as_writable_for_execution),
        cmocka_unit_test(looking_without_a_trace_updates_nothing),
        cmocka_unit_test(an_aborted_update_is_an_aborted_walk),
        cmocka_unit_test(stage_2_updates_its_descriptors_too),
        cmocka_unit_test(an_update_of_stage_1_is_a_write_for_stage_2),
        cmocka_unit_test(a_table_that_stage_2_does_not_let_write_is_a_permission_fault_on_a_write),
        cmocka_unit_test(a_write_through_a_combined_entry_marks_both_stages),
        cmocka_unit_test(an_update_that_finds_another_descriptor_walks_again),
    };

    return cmocka_run_group_tests_name("hardware updates", tests, NULL, NULL);
}
