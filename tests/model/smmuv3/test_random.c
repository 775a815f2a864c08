/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model against itself, by chance with a fixed seed: whatever an access reaches, at any moment
 * and with any stale entry about, the audit has told; and whatever the audit tells of memory, an
 * access through empty caches reaches.
 */
#include <stdlib.h>

#include "fixture.h"
#include "tests/random.h"

enum {
    ROUNDS = 24,
    STEPS = 60,
    SUBSTREAMS_LOG2 = 2,
    TABLES = 6, /* places for tables, CDs and pages */
};

/* A small world: a few pages of memory that serve as table, CD and data, all at random. */
struct world {
    struct guest g;
    uint64_t places[TABLES];
    uint64_t round; /* the seed it began with */
    uint64_t seed;
    bool nested;
};

static struct world new_world(uint64_t seed)
{
    struct world w = { .round = seed, .seed = seed, .nested = seed % 2 };
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    p.bbml = 2;
    p.httu = seed % 3 == 0 ? 2 : 0;
    w.g = w.nested ? nested_of(&p, &PLAIN_S1) : guest_of(&p, &PLAIN_S1);
    for (unsigned i = 0; i < TABLES; i++) {
        w.places[i] = take(w.g.machine, 4096);
    }
    field_put(w.g.ste, STE_S1CDMAX, SUBSTREAMS_LOG2);
    field_put(w.g.ste, STE_S1DSS, random_below(&w.seed, 3));
    put_ste(w.g.machine, SID, w.g.ste);
    return w;
}

static uint64_t place(struct world *w)
{
    return w->places[random_below(&w->seed, TABLES)];
}

/* A descriptor that is a table, a page, a block or nothing, over one of the places. */
static uint64_t any_descriptor(struct world *w)
{
    uint64_t target = out(&w->g, place(w));

    switch (random_below(&w->seed, 6)) {
    case 0:
        return 0;
    case 1:
    case 2:
        return target | 3 | S1_ALL; /* a table, or a page at the last level */
    case 3:
        return target | 3 | S1_AF | S1_USER | S1_READ_ONLY | S1_DBM;
    case 4:
        return target | 3 | S1_ALL | (UINT64_C(1) << 62) | S1_CONTIGUOUS;
    default:
        return align_down(target, 21) | 1 | S1_ALL;
    }
}

static void change_cd(struct world *w)
{
    uint64_t cd[CD_WORDS];

    stage1_cd(cd, &PLAIN_S1, out(&w->g, place(w)));
    field_put(cd, CD_V, random_below(&w->seed, 5) != 0);
    field_put(cd, CD_ASID, ASID + random_below(&w->seed, 2));
    field_put(cd, CD_ASET, random_below(&w->seed, 2));
    field_put(cd, CD_AFFD, random_below(&w->seed, 2));
    field_put(cd, CD_WXN, random_below(&w->seed, 2));
    if (w->g.machine->p.httu) {
        field_put(cd, CD_HA, random_below(&w->seed, 2));
        field_put(cd, CD_HD, random_below(&w->seed, 2));
    }
    put_cd(w->g.machine, w->g.cds + 64 * random_below(&w->seed, 4), cd);
}

static void change_stage2(struct world *w)
{
    uint64_t at = place(w);

    if (w->nested) {
        uint64_t to = random_below(&w->seed, 3) ? place(w) : at;

        poke(w->g.machine, s2_slot(&w->g, at),
             random_below(&w->seed, 5) ? to | LEAF_ALL | 0x3c | 3 : 0);
    }
}

static void invalidate(struct world *w)
{
    struct machine *m = w->g.machine;
    uint64_t va = random_below(&w->seed, 4) << 12;

    switch (random_below(&w->seed, 8)) {
    case 0:
        submit(m, CFGI_CD(SID, 0, 0));
        break;
    case 1:
        submit(m, CFGI_STE_LEAF(SID));
        break;
    case 2:
        submit(m, TLBI_NH_VA(VMID, ASID, va, 1));
        break;
    case 3:
        submit(m, TLBI_NH_ASID(VMID, ASID));
        break;
    case 4:
        submit(m, TLBI_NH_ALL(VMID));
        break;
    case 5:
        submit(m, TLBI_IPA(VMID, out(&w->g, place(w)), 0));
        break;
    default:
        send_sync(m);
        break;
    }
}

/* Few addresses, so that they meet: the first entries of each level. */
static uint64_t any_va(struct world *w)
{
    return (random_below(&w->seed, 2) << 30) + (random_below(&w->seed, 2) << 21) +
           (random_below(&w->seed, 4) << 12) + random_below(&w->seed, 512) * 8;
}

static struct smmuv3_model_access any_access(struct world *w)
{
    return (struct smmuv3_model_access){
        .stream_id = SID,
        .ssv = random_below(&w->seed, 2),
        .substream_id = (uint32_t)random_below(&w->seed, 4),
        .iova = any_va(w),
        .write = random_below(&w->seed, 2),
        .privileged = random_below(&w->seed, 2),
    };
}

/* ------------------------------------------------------------------ what is compared */

struct looked_for {
    const struct smmuv3_model_access *access;
    uint64_t address;
    bool found;
};

static bool same_context(const struct smmuv3_model_reach *piece,
                         const struct smmuv3_model_access *access)
{
    return piece->ssv == access->ssv &&
           (!piece->ssv || piece->substream_id == access->substream_id);
}

static void look_for(void *context, const struct smmuv3_model_reach *piece)
{
    struct looked_for *looked_for = context;
    const struct smmuv3_model_access *access = looked_for->access;

    if (same_context(piece, access) && access->iova - piece->iova < piece->size &&
        piece->address + (access->iova - piece->iova) == looked_for->address &&
        (access->write ? piece->writable : piece->readable)) {
        looked_for->found = true;
    }
}

static void assert_told(struct world *w, const struct smmuv3_model_access *access, uint64_t address)
{
    struct looked_for looked_for = { .access = access, .address = address };

    smmuv3_model_reach(w->g.machine->unit, SID, look_for, &looked_for);
    if (!looked_for.found) {
        fail_msg("round 0x%llx, seed now 0x%llx: substream %d, 0x%llx %s reaches 0x%llx, which the "
                 "audit lacks",
                 (unsigned long long)w->round, (unsigned long long)w->seed,
                 access->ssv ? (int)access->substream_id : -1, (unsigned long long)access->iova,
                 access->write ? "written" : "read", (unsigned long long)address);
    }
}

static void any_step(struct world *w)
{
    struct smmuv3_model_access access = any_access(w);
    struct smmuv3_model_result result;

    switch (random_below(&w->seed, 10)) {
    case 0:
        change_cd(w);
        break;
    case 1:
        change_stage2(w);
        break;
    case 2:
    case 3:
    case 4:
        poke(w->g.machine, place(w) + 8 * random_below(&w->seed, 4), any_descriptor(w));
        break;
    case 5:
        invalidate(w);
        break;
    default:
        result = smmuv3_model_translate(w->g.machine->unit, &access);
        if (result.outcome == SMMUV3_MODEL_OK) {
            assert_told(w, &access, result.address);
        }
        (void)smmuv3_model_transact(w->g.machine->unit, &access);
        break;
    }
}

/* The unit takes its freedoms, mostly the plainest. */
static unsigned any_choice(void *context, enum smmuv3_model_choice what, unsigned of)
{
    struct world *w = context;

    assert_non_null(smmuv3_model_choice_name(what));
    assert_true(of > 1);
    return random_below(&w->seed, 4) ? 0 : (unsigned)random_below(&w->seed, of);
}

static void whatever_an_access_reaches_the_audit_has_told(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w = new_world(round / 2);

        if (round % 2) {
            smmuv3_model_set_chooser(w.g.machine->unit, any_choice, &w);
        }

        for (unsigned i = 0; i < 4; i++) {
            change_cd(&w);
        }
        for (unsigned step = 0; step < STEPS * 4; step++) {
            any_step(&w);
        }
        machine_stop(w.g.machine);
    }
}

/* Each piece, at its first and its last word, by whoever may. */
static void try_piece(void *context, const struct smmuv3_model_reach *piece)
{
    struct world *w = context;

    for (unsigned i = 0; i < 2; i++) {
        uint64_t offset = i ? piece->size - 8 : 0;
        struct smmuv3_model_access access = {
            .stream_id = SID,
            .ssv = piece->ssv,
            .substream_id = piece->substream_id,
            .iova = piece->iova + offset,
            .write = !piece->readable && piece->writable,
            .instruction = !piece->readable && !piece->writable,
        };
        struct smmuv3_model_result result = smmuv3_model_translate(w->g.machine->unit, &access);

        if (result.outcome != SMMUV3_MODEL_OK) {
            access.privileged = true;
            result = smmuv3_model_translate(w->g.machine->unit, &access);
        }
        if (result.outcome != SMMUV3_MODEL_OK || result.address != piece->address + offset) {
            fail_msg(
                "round 0x%llx, seed now 0x%llx: 0x%llx is told to reach 0x%llx: outcome %d, event 0x%x, 0x%llx",
                (unsigned long long)w->round, (unsigned long long)w->seed,
                (unsigned long long)access.iova, (unsigned long long)(piece->address + offset),
                (int)result.outcome, result.event, (unsigned long long)result.address);
        }
    }
}

static void whatever_the_audit_tells_of_memory_an_access_reaches(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct world w = new_world(round + 1000);

        for (unsigned step = 0; step < STEPS; step++) {
            change_cd(&w);
            poke(w.g.machine, place(&w) + 8 * random_below(&w.seed, 4),
                 any_descriptor(&w) & ~S1_CONTIGUOUS);
            if (step % 20 == 19) {
                smmuv3_model_reach(w.g.machine->unit, SID, try_piece, &w);
            }
        }
        machine_stop(w.g.machine);
    }
}

/* ------------------------------------------------------------------ copies */

static void a_copy_answers_as_the_original_and_goes_its_own_way(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 4; round++) {
        struct world w = new_world(round + 2000);
        struct smmuv3_model *copy = NULL;

        for (unsigned step = 0; step < STEPS * 2; step++) {
            any_step(&w);
        }
        copy = smmuv3_model_copy(w.g.machine->unit, NULL);
        for (unsigned i = 0; i < STEPS; i++) {
            const struct smmuv3_model_access access = any_access(&w);
            struct smmuv3_model_result a = smmuv3_model_translate(w.g.machine->unit, &access);
            struct smmuv3_model_result b = smmuv3_model_translate(copy, &access);

            assert_int_equal(a.outcome, b.outcome);
            assert_int_equal(a.event, b.event);
            assert_int_equal(a.address, b.address);
        }
        smmuv3_model_evict(copy);
        assert_int_equal(smmuv3_model_cached(copy).leaves, 0);
        smmuv3_model_destroy(w.g.machine->unit);
        w.g.machine->unit = copy; /* it lives without the original */
        for (unsigned step = 0; step < STEPS; step++) {
            any_step(&w);
        }
        machine_stop(w.g.machine);
    }
}

int run_random_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_an_access_reaches_the_audit_has_told),
        cmocka_unit_test(whatever_the_audit_tells_of_memory_an_access_reaches),
        cmocka_unit_test(a_copy_answers_as_the_original_and_goes_its_own_way),
    };

    return cmocka_run_group_tests_name("by chance", tests, NULL, NULL);
}
