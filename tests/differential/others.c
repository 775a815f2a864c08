/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deviations that the random part keeps away from, because what follows from them would hide the
 * rest: shown one by one, what the model does and what QEMU does. And properties of the machine
 * that the rest relies on.
 */
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "run.h"

#define FIRST UINT64_C(0x1000)
#define BLOCK UINT64_C(0x40000000) /* of stage 1, level 1 */
#define EVENT_NUMBER(record) ((uint8_t)(record)[0])

enum event_number { C_BAD_STE = 0x04, F_CD_FETCH = 0x09, F_TRANSLATION = 0x10 };
enum { TESTDEV = 2 }; /* which device is the first iommu-testdev */

enum command {
    CFGI_ALL = 0x04,
    TLBI_NH_ALL = 0x10,
    TLBI_NH_VA = 0x12,
    TLBI_EL2_ALL = 0x20,
    TLBI_S12_VMALL = 0x28,
    TLBI_S2_IPA = 0x2a,
    SYNC = 0x46,
    RESERVED = 0x5f,
};

#define VMID_1 (UINT64_C(1) << 32)
#define ASID_1 (UINT64_C(1) << 48)
#define GERROR_EVENTQ_ABT UINT32_C(4)
#define OVFLG UINT32_C(0x80000000)

static uint64_t data(unsigned chunk)
{
    return chunk_address(chunk);
}

/* ------------------------------------------------------------------ commands and queues */

/* How far the queue of each side has come after one command. */
static bool only_model_refuses(struct pair *pair, uint64_t word0, uint64_t word1)
{
    struct fixture fixture;
    uint32_t before = 0;

    fixture_begin(&fixture, pair, true, true, 12, 39);
    before = smmuv3_model_read32(pair->keep.model, R_CMDQ_CONS);
    both_command(pair, word0, word1);
    qtest_sync(&pair->qtest);
    return (smmuv3_model_read32(pair->keep.model, R_CMDQ_CONS) & 0xfffff) == (before & 0xfffff) &&
           (qemu_read32(pair, R_CMDQ_CONS) & 0xfffff) == pair->cmdq_prod;
}

static bool one_page_range_accepted(struct pair *pair)
{
    return only_model_refuses(pair, TLBI_NH_VA | VMID_1 | ASID_1, FIRST | 1 << 10);
}

static bool el2_commands_accepted(struct pair *pair)
{
    return only_model_refuses(pair, TLBI_EL2_ALL, 0);
}

static bool overflow_is_abort(struct pair *pair)
{
    struct fixture fixture;
    uint32_t prod = 0;

    fixture_begin(&fixture, pair, false, true, 12, 39);
    both_write32(pair, R_CR0, 0);
    both_write64(pair, R_EVENTQ_BASE, AT_EVENTQ); /* one entry */
    both_write32(pair, R_CR0, CR0_QUEUES);
    fixture_start(&fixture);
    qtest_write32(&pair->qtest, pair->smmu + R_EVENTQ_CONS, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct access access = { .iova = FIRST, .count = 2 };
        struct seen seen = { .events = 0 };

        qemu_access(pair, &access, RAM_BASE, &seen);
    }
    prod = qemu_read32(pair, R_EVENTQ_PROD);
    return (qemu_read32(pair, R_GERROR) ^ qemu_read32(pair, R_GERRORN)) == GERROR_EVENTQ_ABT &&
           !(prod & OVFLG);
}

/* ------------------------------------------------------------------ STE and CD */

/* What comes of it is F_TRANSLATION: QEMU aligns the table to nonsense. */
static bool small_input_accepted(struct pair *pair)
{
    struct fixture f;
    struct seen seen;

    fixture_begin(&f, pair, false, true, 12, 39);
    fixture_map2(&f, FIRST, data(0), S2_ALL);
    f.ste_clear[2] = UINT64_C(0x3f) << 32;
    f.ste_set[2] = UINT64_C(39) << 32; /* S2T0SZ: 25 bits, where level 1 resolves from 30 on */
    fixture_start(&f);
    seen = fixture_qemu(&f, FIRST, false);
    return fixture_model(&f, FIRST, false).cause == C_BAD_STE && seen.events == 1 &&
           EVENT_NUMBER(seen.records[0]) == F_TRANSLATION;
}

static struct seen fetch_cd_from(struct fixture *f, struct pair *pair, uint64_t address)
{
    fixture_begin(f, pair, true, false, 12, 39);
    f->ste_clear[0] = UINT64_C(0x000fffffffffffc0);
    f->ste_set[0] = address;
    fixture_start(f);
    return fixture_qemu(f, FIRST, false);
}

static bool contextptr_not_checked(struct pair *pair)
{
    struct fixture f;
    struct seen seen = fetch_cd_from(&f, pair, UINT64_C(1) << 46);

    return fixture_model(&f, FIRST, false).cause == C_BAD_STE && seen.events == 1 &&
           EVENT_NUMBER(seen.records[0]) == F_CD_FETCH;
}

static bool fetch_address_misplaced(struct pair *pair)
{
    struct fixture f;
    struct seen seen = fetch_cd_from(&f, pair, HOLE_FIRST);
    struct piece piece = fixture_model(&f, FIRST, false);

    return piece.recorded && piece.record[3] == HOLE_FIRST && piece.record[2] == 0 &&
           seen.events == 1 && EVENT_NUMBER(seen.records[0]) == F_CD_FETCH &&
           seen.records[0][2] == HOLE_FIRST && seen.records[0][3] == 0;
}

static bool two_level_sticks(struct pair *pair)
{
    struct fixture f;

    /* The showing before this one left FMT = 1; now it is 0, and so is the level-1 descriptor. */
    fixture_begin(&f, pair, false, true, 12, 39);
    fixture_map2(&f, FIRST, data(0), S2_ALL);
    fixture_start(&f);
    return fixture_model(&f, FIRST, false).landed && !fixture_qemu_reads(&f, FIRST, data(0));
}

/* ------------------------------------------------------------------ walks */

static bool block_at_level_0(struct pair *pair)
{
    struct fixture f;
    uint64_t root = 0;

    fixture_begin(&f, pair, true, false, 12, 39);
    root = f.scenario->spaces[0][0].root;
    poke64(pair, root, S1_ALL | DESCRIPTOR_BLOCK);
    f.cd_clear[0] = 0x3f;
    f.cd_set[0] = 16; /* T0SZ: 48 bits, from level 0 */
    fixture_start(&f);
    return !fixture_model(&f, data(0), false).landed && fixture_qemu_reads(&f, data(0), data(0));
}

/* Stage 1 has tables of 64 KiB, stage 2 maps only the first page of one, QEMU reads on. */
static bool table_in_one_piece(struct pair *pair)
{
    const uint64_t iova = UINT64_C(0x4000000000);
    struct fixture f;
    const struct space *space = NULL;
    uint64_t slot = 0;

    fixture_begin(&f, pair, true, true, 16, 39);
    space = &f.scenario->spaces[0][0];
    slot = fixture_map1(&f, iova, data(0), S1_ALL);
    fixture_map2(&f, f.scenario->streams[0].cd_at, f.scenario->streams[0].cd_at, S2_ALL);
    fixture_map2(&f, space->root, space->root, S2_ALL);
    fixture_map2(&f, f.scenario->spaces[0][1].root, f.scenario->spaces[0][1].root, S2_ALL);
    fixture_map2(&f, slot & ~UINT64_C(0xfff), slot & ~UINT64_C(0xfff), S2_ALL);
    fixture_map2(&f, data(0), data(0), S2_ALL);
    fixture_start(&f);
    return !fixture_model(&f, iova, false).landed && fixture_qemu_reads(&f, iova, data(0));
}

/* ------------------------------------------------------------------ invalidation, both stages */

static void sync(struct pair *pair)
{
    both_command(pair, SYNC, 0);
    qtest_sync(&pair->qtest);
}

/*
 * A block of stage 1 over pages of stage 2: QEMU caches it by the page, and an invalidation of one
 * address removes one page of it. The architecture wants all that came of the block to go.
 */
static bool part_of_block_only(struct pair *pair)
{
    struct fixture f;
    struct space *space = NULL;

    fixture_begin(&f, pair, true, true, 12, 39);
    space = &f.scenario->spaces[0][0];
    map_leaf(pair, space, BLOCK, 1, BLOCK | S1_ALL | DESCRIPTOR_BLOCK, 0);
    fixture_map2(&f, data(0), data(0), S2_ALL);
    fixture_map2(&f, data(0) + 4096, data(0) + 4096, S2_ALL);
    fixture_map_tables(&f);
    fixture_start(&f);
    if (!fixture_qemu_reads(&f, data(0), data(0)) || !fixture_model(&f, data(0), false).landed) {
        return false;
    }
    poke64(pair, descriptor_slot(pair, space, BLOCK, 1, false), 0);
    both_command(pair, TLBI_NH_VA | VMID_1 | ASID_1, data(0) + 4096);
    sync(pair);
    return !fixture_model(&f, data(0), false).landed && fixture_qemu_reads(&f, data(0), data(0));
}

/* TTB0 was translated when the CD was read; that lives on after stage 2 was invalidated. */
static bool ttb_kept_with_config(struct pair *pair)
{
    struct fixture f;
    uint64_t root = 0, slot = 0;

    fixture_begin(&f, pair, true, true, 12, 39);
    root = f.scenario->spaces[0][0].root;
    fixture_map1(&f, FIRST, data(0), S1_ALL);
    fixture_map2(&f, data(0), data(0), S2_ALL);
    for (uint64_t at = AT_TABLES; at < pair->tables_end; at += 65536) {
        fixture_map2(&f, at, at, S2_ALL);
    }
    slot = fixture_map2(&f, root, root, S2_ALL);
    fixture_start(&f);
    if (!fixture_qemu_reads(&f, FIRST, data(0)) || !fixture_model(&f, FIRST, false).landed) {
        return false;
    }
    poke64(pair, slot, 0);
    both_command(pair, TLBI_S12_VMALL | VMID_1, 0);
    sync(pair);
    return !fixture_model(&f, FIRST, false).landed && fixture_qemu_reads(&f, FIRST, data(0));
}

/* ------------------------------------------------------------------ properties */

static bool same_identification(const char *qemu, enum unit_kind kind)
{
    static const uint32_t registers[] = { R_IDR0, R_IDR1, R_IDR3, R_IDR5, R_IIDR, R_AIDR };
    static struct pair pair;
    bool same = true;

    pair_start(&pair, kind, qemu);
    for (unsigned i = 0; i < sizeof(registers) / sizeof(*registers); i++) {
        same = same && qemu_read32(&pair, registers[i]) ==
                           smmuv3_model_read32(pair.keep.model, registers[i]);
    }
    pair_stop(&pair);
    return same;
}

/* A write by iommu-testdev with the unit off: what both sides say of it, and without an event. */
static bool both_say(struct fixture *f, uint32_t result, bool landed)
{
    struct pair *pair = f->scenario->pair;
    struct access access = { .device = TESTDEV, .iova = data(0), .count = 1, .write = true };
    struct seen seen = { .events = 0 };
    struct outcome outcome;

    qemu_access(pair, &access, data(0), &seen);
    model_access(pair, &pair->keep, &access, VIEW_PLAIN, &outcome);
    return seen.result == result && outcome.pieces[0].landed == landed && seen.events == 0 &&
           !outcome.pieces[0].recorded;
}

/* Out of reset everything passes; then GBPA.ABORT, and nothing does, without an event. */
static bool gbpa_closes(struct pair *pair)
{
    const uint32_t update = UINT32_C(0x80000000) | 0x1000;
    struct fixture f;
    bool open = false, closed = false;

    fixture_begin(&f, pair, false, true, 12, 39);
    open = both_say(&f, TESTDEV_OK, true);
    both_write32(pair, R_GBPA, update | 1u << 20);
    closed = both_say(&f, TESTDEV_BLOCKED, false);
    both_write32(pair, R_GBPA, update);
    qtest_sync(&pair->qtest);
    return open && closed;
}

/* A reserved command stops both queues at the same place; replaced and acknowledged, both go on. */
static bool illegal_command_stops(struct pair *pair)
{
    struct fixture f;
    uint64_t slot = 0;
    bool stopped = false;

    fixture_begin(&f, pair, false, true, 12, 39);
    slot = AT_CMDQ + pair->cmdq_prod * UINT64_C(16);
    both_command(pair, RESERVED, 0);
    both_command(pair, SYNC, 0);
    stopped = queues_agree(pair) && qemu_read32(pair, R_GERROR) != qemu_read32(pair, R_GERRORN);
    poke64(pair, slot, SYNC);
    both_write32(pair, R_GERRORN, qemu_read32(pair, R_GERROR));
    qtest_sync(&pair->qtest);
    return stopped && queues_agree(pair) &&
           (qemu_read32(pair, R_CMDQ_CONS) & 0xfffff) == pair->cmdq_prod;
}

/* What was cached lives on while the unit is off, on both sides. */
static bool caches_outlive_smmuen(struct pair *pair)
{
    struct fixture f;

    fixture_begin(&f, pair, false, true, 12, 39);
    fixture_map2(&f, FIRST, data(0), S2_ALL);
    fixture_start(&f);
    if (!fixture_qemu_reads(&f, FIRST, data(0)) || !fixture_model(&f, FIRST, false).landed) {
        return false;
    }
    poke64(pair, f.ste_at, 0);
    both_write32(pair, R_CR0, CR0_QUEUES);
    both_write32(pair, R_CR0, CR0_ON);
    return fixture_qemu_reads(&f, FIRST, data(0)) && fixture_model(&f, FIRST, false).landed;
}

/* ------------------------------------------------------------------ all of them */

static const struct test {
    const char *kind, *name;
    bool (*holds)(struct pair *pair);
} tests[] = {
    { "property", "GBPA.ABORT closes what is open out of reset", gbpa_closes },
    { "property", "a reserved command stops both queues, and both resume", illegal_command_stops },
    { "property", "caches outlive SMMUEN", caches_outlive_smmuen },
    { "known deviation", "one-page-range-accepted", one_page_range_accepted },
    { "known deviation", "el2-commands-accepted", el2_commands_accepted },
    { "known deviation", "overflow-is-abort", overflow_is_abort },
    { "known deviation", "small-input-accepted", small_input_accepted },
    { "known deviation", "contextptr-not-checked", contextptr_not_checked },
    { "known deviation", "fetch-address-misplaced", fetch_address_misplaced },
    { "known deviation", "block-at-level-0", block_at_level_0 },
    { "known deviation", "table-in-one-piece", table_in_one_piece },
    { "known deviation", "part-of-block-only", part_of_block_only },
    { "known deviation", "ttb-kept-with-config", ttb_kept_with_config },
};

void test_properties(const char *qemu, struct pair *pair, struct results *results)
{
    report(results, same_identification(qemu, UNIT_NESTED), "ID registers", "both stages");
    report(results, same_identification(qemu, UNIT_STAGE1), "ID registers", "stage 1");
    report(results, same_identification(qemu, UNIT_STAGE2), "ID registers", "stage 2");
    for (unsigned i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
        report(results, tests[i].holds(pair), tests[i].kind, tests[i].name);
    }
}

void test_two_level_sticks(struct pair *pair, struct results *results)
{
    report(results, two_level_sticks(pair), "known deviation", "two-level-sticks");
}
