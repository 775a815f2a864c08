/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each freedom that a chooser is asked about, and what waits for transactions under way.
 */
#include <string.h>

#include "fixture.h"

/* A chooser that takes `answer` for one kind, `after` refusals of it, and 0 for all others. */
struct taste {
    enum smmuv3_model_choice what;
    unsigned answer;
    unsigned after;
    unsigned asked;
    enum smmuv3_model_choice second; /* another kind and its answer, if it is not the first */
    unsigned second_answer;
};

static unsigned choose(void *context, enum smmuv3_model_choice what, unsigned of)
{
    struct taste *taste = context;

    assert_true(of > 1);
    if (what == taste->what && taste->asked++ >= taste->after) {
        return taste->answer < of ? taste->answer : of - 1;
    }
    return what == taste->second && what != taste->what ? taste->second_answer : 0;
}

static struct taste taste_of(enum smmuv3_model_choice what, unsigned answer)
{
    return (struct taste){ .what = what, .answer = answer, .second = what };
}

static void use(struct guest *g, struct taste *taste)
{
    smmuv3_model_set_chooser(g->machine->unit, taste ? choose : NULL, taste);
}

static struct guest one_page(void)
{
    struct guest g = plain_guest();

    map1(&g, g.root, 0x5000, 3, g.page, 0);
    return g;
}

static bool reaches(struct guest *g)
{
    return access_as(g, -1, 0x5000, false).outcome == SMMUV3_MODEL_OK;
}

/* ------------------------------------------------------------------ what is kept */

static void without_fill_nothing_is_cached(void **state)
{
    struct guest g = one_page();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_FILL, 1);
    struct smmuv3_model_cached cached;

    (void)state;
    use(&g, &taste);
    assert_true(reaches(&g));
    cached = smmuv3_model_cached(g.machine->unit);
    assert_int_equal(cached.stes + cached.cds + cached.leaves + cached.tables, 0);
    machine_stop(g.machine);
}

static void eviction_takes_one_entry_or_all(void **state)
{
    static const struct {
        unsigned kind;
        unsigned stes, cds, leaves, tables;
    } cases[] = { { 1, 0, 0, 0, 0 }, { 2, 0, 1, 1, 2 }, { 3, 1, 0, 1, 2 }, { 5, 1, 1, 1, 1 } };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct guest g = one_page();
        struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_EVICT, cases[i].kind);
        struct smmuv3_model_cached cached;
        uint64_t data = 0;

        assert_true(reaches(&g));
        use(&g, &taste);
        /* A stream out of range fetches nothing itself. */
        smmuv3_model_dma(g.machine->unit, 1000, 0, &data, 8, false);
        cached = smmuv3_model_cached(g.machine->unit);
        if (cached.stes != cases[i].stes || cached.cds != cases[i].cds ||
            cached.leaves != cases[i].leaves || cached.tables != cases[i].tables) {
            fail_msg("case %u: %u STEs, %u CDs, %u leaves, %u tables", i, cached.stes, cached.cds,
                     cached.leaves, cached.tables);
        }
        machine_stop(g.machine);
    }
}

static void a_level_1_descriptor_can_be_evicted(void **state)
{
    struct guest g = one_page();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_EVICT, 4);
    uint64_t l1 = take(g.machine, 4096);

    (void)state;
    g.ste[0] &= ~field_mask(STE_S1CONTEXTPTR);
    g.ste[0] |= l1;
    field_put(g.ste, STE_S1FMT, 1);
    set_ste(&g, STE_S1CDMAX, 8);
    poke(g.machine, l1, g.cds | 1);
    assert_int_equal(access_as(&g, 0, 0x5000, false).address, g.page);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).l1cds, 1);
    use(&g, &taste);
    access_as(&g, 0, 0x5000, false);
    assert_int_equal(smmuv3_model_cached(g.machine->unit).l1cds, 0);
    machine_stop(g.machine);
}

static void an_invalidation_may_take_effect_when_it_is_consumed(void **state)
{
    struct guest g = one_page();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_INVALIDATE, 1);

    (void)state;
    assert_true(reaches(&g));
    poke(g.machine, slot1(&g, g.root, 0x5000, 3), 0);
    use(&g, &taste);
    submit(g.machine, TLBI_NH_ALL(VMID));
    assert_false(reaches(&g));
    assert_true(smmuv3_model_invalidation_pending(g.machine->unit));
    machine_stop(g.machine);
}

static void a_contiguous_leaf_may_be_cached_alone(void **state)
{
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_GROUP, 1);

    (void)state;
    for (unsigned stage = 1; stage <= 2; stage++) {
        struct guest g = plain_nested();
        uint64_t contiguous = 0;

        taste.asked = 0;
        use(&g, &taste);
        if (stage == 1) {
            map1(&g, g.root, 0x10000, 3, MEMORY_BASE + 0x10000, S1_ALL | S1_CONTIGUOUS);
            contiguous = access_as(&g, -1, 0x10000, false).contiguous;
        } else {
            set_ste(&g, STE_CONFIG, 6);
            poke(g.machine, s2_slot(&g, MEMORY_BASE + 0x10000),
                 (MEMORY_BASE + 0x10000) | LEAF_ALL | 0x3c | 3 | S1_CONTIGUOUS);
            contiguous = access_as(&g, -1, 0x10000, false).contiguous;
        }
        assert_int_equal(contiguous, 4096);
        assert_true(taste.asked > 0);
        machine_stop(g.machine);
    }
}

static void with_bbml_2_any_matching_leaf_may_be_taken(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_HIT, 1);
    struct guest g;

    (void)state;
    p.bbml = 2;
    g = guest_of(&p, &PLAIN_S1);
    map1(&g, g.root, 0x1000, 3, g.page, 0);
    assert_int_equal(access_as(&g, -1, 0x1000, false).address, g.page);
    poke(g.machine, slot1(&g, g.root, 0, 2), MEMORY_BASE | S1_ALL | 1);
    submit_sync(g.machine, TLBI_NH_VA(VMID, ASID, 0x2000, 0));
    assert_int_equal(access_as(&g, -1, 0x3000, false).address, MEMORY_BASE + 0x3000);
    assert_int_equal(access_as(&g, -1, 0x1000, false).address, g.page);
    use(&g, &taste);
    assert_int_equal(access_as(&g, -1, 0x1000, false).address, MEMORY_BASE + 0x1000);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ speculation, registers */

static void what_is_reachable_may_be_fetched_ahead(void **state)
{
    static const struct {
        unsigned kind;
        unsigned stes, cds, leaves;
    } expected[] = { { 1, 2, 1, 1 }, { 2, 1, 2, 2 }, { 3, 1, 1, 2 } };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct guest g = one_page();
        struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_SPECULATE, expected[i].kind);
        struct smmuv3_model_cached cached;
        uint64_t cd[CD_WORDS];

        taste.second = SMMUV3_MODEL_CHOOSE_AHEAD;
        taste.second_answer = 1;
        map1(&g, g.root, 0x4000, 3, g.page, 0);
        stage1_cd(cd, &PLAIN_S1, g.root);
        field_put(cd, CD_ASID, ASID + 1);
        put_cd(g.machine, g.cds + 64, cd);
        field_put(g.ste, STE_S1DSS, 2);
        set_ste(&g, STE_S1CDMAX, 1);
        use(&g, &taste);
        assert_true(reaches(&g));
        cached = smmuv3_model_cached(g.machine->unit);
        if (cached.stes != expected[i].stes || cached.cds != expected[i].cds ||
            cached.leaves != expected[i].leaves) {
            fail_msg("kind %u: %u STEs, %u CDs, %u leaves", expected[i].kind, cached.stes,
                     cached.cds, cached.leaves);
        }
        assert_int_equal(events_waiting(g.machine), 0); /* speculation records nothing */
        machine_stop(g.machine);
    }
}

static void a_register_s_new_value_may_count_before_its_acknowledge(void **state)
{
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_PENDING, 1);
    struct guest g = one_page();

    (void)state;
    smmuv3_model_set_late(g.machine->unit, SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_set_late(g.machine->unit, SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(g.machine->unit, AT_CR0, CR0_QUEUES);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page);
    use(&g, &taste);
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, 0x5000);
    smmuv3_model_write32(g.machine->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    assert_int_equal(access_as(&g, -1, 0x5000, false).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ words */

/* An environment that does something when a certain word is read. */
struct watch {
    struct machine *machine;
    uint64_t trigger; /* address; 0: none */
    void (*happen)(struct watch *watch);
    struct guest *g;
    uint64_t order[32];
    unsigned reads;
    uint32_t cons; /* CMDQ_CONS while a CMD_SYNC was held */
};

static bool watched_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                         void *data, size_t size)
{
    struct watch *watch = context;

    assert_int_equal(size % 8, 0);
    if (kind != SMMUV3_MODEL_AUDIT && watch->reads < 32) {
        watch->order[watch->reads++] = address;
    }
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = peek(watch->machine, address + i);

        memcpy((char *)data + i, &word, 8);
    }
    if (kind != SMMUV3_MODEL_AUDIT && address == watch->trigger) {
        watch->trigger = 0;
        watch->happen(watch);
    }
    return true;
}

static bool watched_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                          const void *data, size_t size)
{
    struct watch *watch = context;

    (void)kind;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;

        memcpy(&word, (const char *)data + i, 8);
        poke(watch->machine, address + i, word);
    }
    return true;
}

/* Let the guest's unit live in an environment that is watched. */
static void put_under_watch(struct guest *g, struct watch *watch)
{
    const struct smmuv3_model_environment environment = {
        .context = watch,
        .read = watched_read,
        .write = watched_write,
    };
    struct smmuv3_model *old = g->machine->unit;

    watch->machine = g->machine;
    watch->g = g;
    g->machine->unit = smmuv3_model_copy(old, &environment);
    smmuv3_model_destroy(old);
}

static void words_come_in_the_order_that_is_chosen(void **state)
{
    (void)state;
    for (unsigned answer = 0; answer < 8; answer += 7) {
        struct guest g = one_page();
        struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_WORD, answer);
        struct watch watch = { 0 };
        uint64_t ste = g.machine->stream_table + UINT64_C(64) * SID;

        put_under_watch(&g, &watch);
        use(&g, &taste);
        assert_true(reaches(&g));
        for (unsigned i = 0; i < 8; i++) {
            assert_int_equal(watch.order[i], ste + UINT64_C(8) * (answer ? 7 - i : i));
            assert_int_equal(watch.order[8 + i], g.cds + UINT64_C(8) * (answer ? 7 - i : i));
        }
        machine_stop(g.machine);
    }
}

/* The STE becomes a bypass while the unit has read its first word. */
static void become_bypass(struct watch *watch)
{
    const uint64_t bypass[STE_WORDS] = { 0x9 };

    put_ste(watch->machine, SID, bypass);
}

static void memory_may_change_between_words(void **state)
{
    struct guest g = one_page();
    struct watch watch = { .happen = become_bypass };

    (void)state;
    put_under_watch(&g, &watch);
    watch.trigger = g.machine->stream_table + UINT64_C(64) * SID;
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* by the old word */
    assert_int_equal(access_as(&g, -1, 0x5000, false).address, g.page); /* which is cached */
    machine_stop(g.machine);
}

static void words_of_a_cached_structure_may_be_kept_and_others_read(void **state)
{
    const uint64_t bypass[STE_WORDS] = { 0x9 };
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_REFETCH, 1);
    struct assigned a = plain();
    uint64_t other = new_root(a.machine, &a.geometry);
    uint64_t ste[STE_WORDS];

    (void)state;
    map(a.machine, &a.geometry, other, 0x5000, 3, a.page, 0);
    assert_aborts(a.machine, 0x5000, F_TRANSLATION);
    stage2_ste(ste, &a.geometry, other); /* only the word of S2TTB differs */
    put_ste(a.machine, SID, ste);
    smmuv3_model_set_chooser(a.machine->unit, choose, &taste);
    assert_aborts(a.machine, 0x5000, F_TRANSLATION); /* every word is kept */
    /* The fourth word is read, in the order of words; the others are kept. */
    put_ste(a.machine, SID, bypass);
    poke(a.machine, a.machine->stream_table + UINT64_C(64) * SID + 24, other);
    taste = (struct taste){ .what = SMMUV3_MODEL_CHOOSE_KEEP_WORD,
                            .answer = 1,
                            .after = 3,
                            .second = SMMUV3_MODEL_CHOOSE_REFETCH,
                            .second_answer = 1 };
    assert_reaches(a.machine, 0x5000, a.page);
    /* What an old word is part of goes with an invalidation that names it. */
    smmuv3_model_set_chooser(a.machine->unit, NULL, NULL);
    submit_sync(a.machine, TLBI_S12_VMALL(VMID));
    assert_reaches(a.machine, 0x5000, a.page);
    submit_sync(a.machine, CFGI_STE_LEAF(SID));
    assert_reaches(a.machine, MEMORY_BASE, MEMORY_BASE);
    machine_stop(a.machine);
}

static void words_of_a_cd_may_be_kept_too(void **state)
{
    struct guest g = one_page();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOOSE_REFETCH, 1);
    uint64_t root = new_root1(g.machine, &PLAIN_S1);
    uint64_t cd[CD_WORDS];

    (void)state;
    assert_true(reaches(&g));
    stage1_cd(cd, &PLAIN_S1, root);
    field_put(cd, CD_ASID, ASID + 1);
    put_cd(g.machine, g.cds, cd);
    use(&g, &taste);
    assert_true(reaches(&g)); /* both words are the old ones */
    taste.second = SMMUV3_MODEL_CHOOSE_KEEP_WORD;
    taste.second_answer = 1;
    assert_false(reaches(&g)); /* both are new */
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ transactions under way */

/* The page is taken away in the middle of the walk: unmapped, invalidated, synchronised. */
static void take_page_away(struct watch *watch)
{
    poke(watch->machine, slot1(watch->g, watch->g->root, 0x5000, 3), 0);
    submit(watch->machine, TLBI_NH_ALL(VMID));
    send_sync(watch->machine);
    watch->cons = smmuv3_model_read32(watch->machine->unit, AT_CMDQ_CONS);
}

static void cmd_sync_waits_for_the_transactions_under_way(void **state)
{
    static const enum smmuv3_model_invalidation when[] = {
        SMMUV3_MODEL_INVALIDATE_AT_SYNC,
        SMMUV3_MODEL_INVALIDATE_AT_ONCE,
    };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct watch watch = { .happen = take_page_away };
        uint64_t data = 0;
        uint32_t before = 0;
        struct guest g;

        p.invalidation = when[i];
        g = guest_of(&p, &PLAIN_S1);
        map1(&g, g.root, 0x5000, 3, g.page, 0);
        put_under_watch(&g, &watch);
        before = smmuv3_model_read32(g.machine->unit, AT_CMDQ_CONS);
        watch.trigger = slot1(&g, g.root, 0x5000, 3);
        assert_int_equal(smmuv3_model_dma(g.machine->unit, SID, 0x5000, &data, 8, false).address,
                         g.page);
        assert_int_equal(watch.cons, before + 1); /* the CMD_TLBI, not the CMD_SYNC */
        assert_int_equal(smmuv3_model_read32(g.machine->unit, AT_CMDQ_CONS), before + 2);
        assert_false(reaches(&g)); /* nothing of it is left */
        machine_stop(g.machine);
    }
}

static void disable(struct watch *watch)
{
    smmuv3_model_write32(watch->machine->unit, AT_CR0, CR0_QUEUES);
    smmuv3_model_write32(watch->machine->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    watch->cons = smmuv3_model_read32(watch->machine->unit, AT_CR0ACK);
    assert_true(smmuv3_model_read32(watch->machine->unit, AT_GBPA) & 0x80000000u);
}

static void acknowledges_wait_for_the_transactions_under_way(void **state)
{
    struct guest g = one_page();
    struct watch watch = { .happen = disable };

    (void)state;
    put_under_watch(&g, &watch);
    watch.trigger = slot1(&g, g.root, 0x5000, 3);
    assert_true(reaches(&g));
    assert_int_equal(watch.cons, CR0_ALL);
    assert_int_equal(smmuv3_model_read32(g.machine->unit, AT_CR0ACK), CR0_QUEUES);
    assert_false(smmuv3_model_read32(g.machine->unit, AT_GBPA) & 0x80000000u);
    assert_false(reaches(&g));
    machine_stop(g.machine);
}

static void looking_without_a_trace_asks_nothing(void **state)
{
    struct guest g = one_page();
    struct taste taste = taste_of(SMMUV3_MODEL_CHOICES, 0);
    const struct smmuv3_model_access access = { .stream_id = SID, .iova = 0x5000 };

    (void)state;
    for (unsigned what = 0; what < SMMUV3_MODEL_CHOICES; what++) {
        taste.what = (enum smmuv3_model_choice)what;
        use(&g, &taste);
        assert_int_equal(smmuv3_model_translate(g.machine->unit, &access).address, g.page);
        assert_int_equal(taste.asked, 0);
    }
    machine_stop(g.machine);
}

int run_choice_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_fill_nothing_is_cached),
        cmocka_unit_test(eviction_takes_one_entry_or_all),
        cmocka_unit_test(a_level_1_descriptor_can_be_evicted),
        cmocka_unit_test(an_invalidation_may_take_effect_when_it_is_consumed),
        cmocka_unit_test(a_contiguous_leaf_may_be_cached_alone),
        cmocka_unit_test(with_bbml_2_any_matching_leaf_may_be_taken),
        cmocka_unit_test(what_is_reachable_may_be_fetched_ahead),
        cmocka_unit_test(a_register_s_new_value_may_count_before_its_acknowledge),
        cmocka_unit_test(words_come_in_the_order_that_is_chosen),
        cmocka_unit_test(memory_may_change_between_words),
        cmocka_unit_test(words_of_a_cached_structure_may_be_kept_and_others_read),
        cmocka_unit_test(words_of_a_cd_may_be_kept_too),
        cmocka_unit_test(cmd_sync_waits_for_the_transactions_under_way),
        cmocka_unit_test(acknowledges_wait_for_the_transactions_under_way),
        cmocka_unit_test(looking_without_a_trace_asks_nothing),
    };

    return cmocka_run_group_tests_name("choices", tests, NULL, NULL);
}
