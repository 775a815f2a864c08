/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of live entries (drivers/iommu/smmuv3/entry.c) between every ordered pair of states, those
 * of stage 1 too. What an entry says is read here by its own table of the manual's fields (IHI 0070
 * 5.2, 5.4), not by the driver's: every mixture that the unit may hold must say what the old entry
 * says, what the new one says, or let nothing through. And the model, given the mixture, must
 * translate as with the old entry, as with the new one, or not at all.
 *
 * Mixtures are made of what was stored, so a missing barrier shows nothing here: for that
 * tests/observer/test_wrong.c holds an entry's stores back while its commands are consumed.
 */
#include <string.h>

#include "groups.h"
#include "mixtures.h"

#define STREAM 0x123
#define STATES 9

/* What an entry says: all fields that count in its state; zero where it lets nothing through. */
struct meaning {
    uint64_t word[ENTRY_WORDS];
};

/* Where accesses of the stream end up: 0 if nowhere. */
#define PROBES 5
#define LANDS 0x40010000
struct walks {
    uint64_t address[PROBES];
};

struct state {
    const char *name;
    uint64_t word[ENTRY_WORDS];
    struct walks walks; /* what it must mean to the model */
};

struct kind {
    const struct entry_kind *driver;
    struct meaning (*meaning)(const uint64_t words[ENTRY_WORDS]);
    unsigned int states;
    struct state state[STATES];
    unsigned int syncs[STATES][STATES];
};

static volatile uint64_t *entry;
static const struct kind *kind;
static struct meaning before, after;
static bool nothing_allowed; /* the entry may let nothing through on the way */
static struct walks walks_before, walks_after;
static unsigned int mixed; /* mixtures that were neither */
static bool expected;      /* and that there are some is what the test is about */

/* ---- Context descriptors -------------------------------------------------------------------- */

#define CD_VALID (UINT64_C(1) << 31)
#define CD_EPD0 (UINT64_C(1) << 14)
#define CD_EPD1 (UINT64_C(1) << 30)
/* T0SZ 25, inner shareable write-back, EPD1, V, IPS 4, AA64, R, A, ASET */
#define CD_PLAIN                                                                                   \
    (25 | 1 << 8 | 1 << 10 | 3 << 12 | CD_EPD1 | CD_VALID | UINT64_C(4) << 32 |                    \
     UINT64_C(1) << 41 | UINT64_C(7) << 45)
#define CD_ASID(asid) ((uint64_t)(asid) << 48)
#define TABLE_A BENCH_PAGE(5)
#define TABLE_B BENCH_PAGE(6)
#define MAIR UINT64_C(0x4404FF)

static struct meaning meaning_of_cd(const uint64_t words[ENTRY_WORDS])
{
    struct meaning meaning = { 0 };

    if ((words[0] & CD_VALID) == 0)
        return meaning;
    memcpy(meaning.word, words, sizeof(meaning.word));
    if ((words[0] & CD_EPD0) != 0) {
        meaning.word[0] &= ~UINT64_C(0x3FFF);
        meaning.word[1] = 0;
    }
    if ((words[0] & CD_EPD1) != 0) {
        meaning.word[0] &= ~UINT64_C(0x3FFF0000);
        meaning.word[2] = 0;
    }
    return meaning;
}

static const struct kind context_descriptors = {
    .driver = &smmuv3_context_descriptor,
    .meaning = meaning_of_cd,
    .states = 7,
    .state = {
        { "absent", { 0 }, { { 0 } } },
        { "table A", { CD_PLAIN | CD_ASID(1), TABLE_A, 0, MAIR }, { { 0, 0, LANDS, 0, 0 } } },
        { "table A under another ASID", { CD_PLAIN | CD_ASID(2), TABLE_A, 0, MAIR }, { { 0, 0, LANDS, 0, 0 } } },
        { "table B", { CD_PLAIN | CD_ASID(3), TABLE_B, 0, MAIR }, { { 0, 0, 0, LANDS, 0 } } },
        { "released", { (CD_PLAIN & ~UINT64_C(0x3FFF)) | CD_EPD0 | CD_ASID(1), 0, 0, MAIR }, { { 0 } } },
        { "two tables", { (CD_PLAIN & ~CD_EPD1) | 25 << 16 | 2 << 22 | CD_ASID(1), TABLE_A, TABLE_B, MAIR }, { { 0, 0, LANDS, 0, LANDS } } },
        /* What stands in the fields of tables that are off means nothing, and alone turns nothing. */
        { "released, with leftovers", { (CD_PLAIN & ~UINT64_C(0x3FFF)) | 17 | CD_EPD0 | 18 << 16 | CD_ASID(1), TABLE_B, TABLE_A, MAIR ^ 0x40 }, { { 0 } } },
    },
    /* Filling a dead entry takes two, turning one word takes one, several take three; words that
     * nothing looked at before must be known before the turn. */
    .syncs = {
        { 0, 2, 2, 2, 2, 2, 2 },
        { 1, 0, 1, 3, 1, 2, 3 },
        { 1, 1, 0, 3, 1, 2, 3 },
        { 1, 3, 3, 0, 1, 3, 3 },
        { 1, 2, 2, 2, 0, 2, 1 },
        { 1, 1, 1, 3, 1, 0, 3 },
        { 1, 3, 3, 3, 1, 3, 0 },
    },
};

/* ---- Stream-table entries ------------------------------------------------------------------- */

#define STE_VALID UINT64_C(1)
#define STE_NOTHING (STE_VALID | 0 << 1)
#define STE_STAGE1 (STE_VALID | 5 << 1)
#define STE_STAGE2 (STE_VALID | 6 << 1)
#define STE_NESTED (STE_VALID | 7 << 1)
#define STE_CONTEXTS(address, log2) ((address) | UINT64_C(log2) << 59)
#define STE_S1_CACHED UINT64_C(0xD4) /* S1CIR, S1COR write-back, S1CSH inner */
/* S1DSS, S1CIR, S1COR, S1CSH, PPAR, S1STALLD, STRW */
#define STE_STAGE1_FIELDS UINT64_C(0xC80400FF)
#define STE_ATS (UINT64_C(1) << 28) /* EATS: translated requests skip the tables */
#define STE_INCOMING (UINT64_C(1) << 44)
#define STE_MERGE (UINT64_C(1) << 19)
#define STE_S2_PLAIN                                                                               \
    (UINT64_C(25) << 32 | UINT64_C(1) << 38 | UINT64_C(4) << 48 | UINT64_C(0x89) << 51)
#define STAGE2_P BENCH_PAGE(1)
#define STAGE2_Q BENCH_PAGE(2)
#define CONTEXTS_X BENCH_PAGE(3)
#define CONTEXTS_Y BENCH_PAGE(4)

static struct meaning meaning_of_ste(const uint64_t words[ENTRY_WORDS])
{
    struct meaning meaning = { 0 };
    bool stage1 = (words[0] & 2) != 0, stage2 = (words[0] & 4) != 0, passes = (words[0] & 8) != 0;

    if ((words[0] & STE_VALID) == 0 || !passes)
        return meaning;
    meaning.word[0] = words[0] & 0xF;
    meaning.word[1] = words[1] & ~STE_STAGE1_FIELDS;
    if (stage1) {
        meaning.word[0] = words[0];
        meaning.word[1] = words[1];
        meaning.word[2] = words[2] & 0xFFFF;
    }
    if (stage2) {
        meaning.word[2] = words[2];
        meaning.word[3] = words[3];
    }
    return meaning;
}

static const struct kind stream_entries = {
    .driver = &smmuv3_stream_entry,
    .meaning = meaning_of_ste,
    .states = 9,
    .state = {
        { "abort", { STE_NOTHING }, { { 0 } } },
        { "stage 2 P", { STE_STAGE2, STE_MERGE | STE_INCOMING, STE_S2_PLAIN | 1, STAGE2_P }, { { LANDS, 0, 0, 0, 0 } } },
        { "stage 2 Q", { STE_STAGE2, STE_MERGE | STE_INCOMING, STE_S2_PLAIN | 2, STAGE2_Q }, { { 0, LANDS, 0, 0, 0 } } },
        { "contexts X over P, others through P",
          { STE_NESTED | STE_CONTEXTS(CONTEXTS_X, 4), STE_MERGE | STE_INCOMING | STE_S1_CACHED | 1,
            STE_S2_PLAIN | 1, STAGE2_P }, { { LANDS, 0, LANDS, 0, 0 } } },
        { "contexts X over P, others terminated",
          { STE_NESTED | STE_CONTEXTS(CONTEXTS_X, 4), STE_MERGE | STE_INCOMING | STE_S1_CACHED,
            STE_S2_PLAIN | 1, STAGE2_P }, { { 0, 0, LANDS, 0, 0 } } },
        { "contexts Y over P",
          { STE_NESTED | STE_CONTEXTS(CONTEXTS_Y, 4), STE_MERGE | STE_INCOMING | STE_S1_CACHED,
            STE_S2_PLAIN | 1, STAGE2_P }, { { 0, 0, 0, LANDS, 0 } } },
        { "contexts Y alone",
          { STE_STAGE1 | STE_CONTEXTS(CONTEXTS_Y, 4), STE_MERGE | STE_INCOMING | STE_S1_CACHED }, { { 0, 0, 0, LANDS, 0 } } },
        { "stage 2 P, ATS allowed",
          { STE_STAGE2, STE_MERGE | STE_INCOMING | STE_ATS, STE_S2_PLAIN | 1, STAGE2_P },
          { { LANDS, 0, 0, 0, 0 } } },
        /* The unit looks at nothing of it but that it is not valid: leaving it takes no way round. */
        { "not valid, with leftovers",
          { STE_STAGE2 & ~STE_VALID, STE_MERGE | STE_INCOMING, STE_S2_PLAIN | 1, STAGE2_P },
          { { 0 } } },
    },
    .syncs = {
        { 0, 2, 2, 2, 2, 2, 2, 2, 1 },
        { 1, 0, 3, 2, 2, 2, 3, 1, 1 },
        { 1, 3, 0, 3, 3, 3, 3, 3, 1 },
        { 1, 1, 3, 0, 1, 3, 3, 3, 1 },
        { 1, 1, 3, 1, 0, 1, 3, 3, 1 },
        { 1, 1, 3, 3, 1, 0, 3, 3, 1 },
        { 1, 3, 3, 3, 3, 3, 0, 3, 1 },
        { 1, 1, 3, 3, 3, 3, 3, 0, 1 },
        { 1, 2, 2, 2, 2, 2, 2, 2, 0 },
    },
};

/* ---- What the model makes of it ------------------------------------------------------------- */

#define PASID 1
#define CONTEXTS_LIVE BENCH_PAGE(9)

static const uint64_t *held; /* what the unit reads of the entry */

static bool read_held(enum smmuv3_model_access_kind access, uint64_t address, uint64_t *word)
{
    uint64_t offset = address - memory_physical(entry);

    (void)access;
    if (held == NULL || offset >= ENTRY_SIZE)
        return false;
    *word = held[offset / sizeof(*word)];
    return true;
}

static struct walks walks_of(const uint64_t words[ENTRY_WORDS])
{
    static const struct smmuv3_model_access probes[PROBES] = {
        { .stream_id = STREAM, .iova = 0x40010000 },
        { .stream_id = STREAM, .iova = 0x80010000 },
        { .stream_id = STREAM, .iova = 0x40010000, .ssv = true, .substream_id = PASID },
        { .stream_id = STREAM, .iova = 0x80010000, .ssv = true, .substream_id = PASID },
        { .stream_id = STREAM, .iova = 0xFFFFFF8080010000, .ssv = true, .substream_id = PASID },
    };
    struct walks walks = { 0 };

    held = words;
    smmuv3_model_evict(machine.unit[0]);
    for (unsigned int i = 0; i < PROBES; i++) {
        struct smmuv3_model_result result = smmuv3_model_translate(machine.unit[0], &probes[i]);

        if (result.outcome == SMMUV3_MODEL_OK)
            walks.address[i] = result.address;
    }
    held = NULL;
    return walks;
}

static void put(uint64_t address, uint64_t value)
{
    *(uint64_t *)memory_pointer(address) = value;
}

/* Tables that lead from 1 GiB or from 2 GiB to 1 GiB, in both formats, and two tables of contexts. */
static void build_tables(void)
{
    static const uint64_t block = 0x40000000 | 1, accessed = 1 << 10;
    static const uint64_t stage1 = accessed | 1 << 6, stage2 = accessed | 3 << 6 | 0xF << 2;

    put(STAGE2_P + 8, block | stage2);
    put(STAGE2_Q + 16, block | stage2);
    put(TABLE_A + 8, block | stage1);
    put(TABLE_B + 16, block | stage1);
    memcpy(memory_pointer(CONTEXTS_X + PASID * ENTRY_SIZE), context_descriptors.state[1].word,
           ENTRY_SIZE);
    memcpy(memory_pointer(CONTEXTS_Y + PASID * ENTRY_SIZE), context_descriptors.state[3].word,
           ENTRY_SIZE);
}

static struct command forget_entry(void)
{
    return kind == &stream_entries ? command_cfgi_ste(STREAM, true)
                                   : command_cfgi_cd(STREAM, PASID);
}

static void write_state(const struct state *state)
{
    const struct live_entry live = {
        .unit = bench_unit(), .kind = kind->driver, .words = entry, .forget = forget_entry()
    };
    struct entry target;

    memcpy(target.word, state->word, sizeof(target.word));
    assert_int_equal(smmuv3_entry_write(&live, &target), IOMMU_OK);
    assert_memory_equal((const void *)(uintptr_t)entry, state->word, sizeof(state->word));
}

/* The unit, and the live entry: the stream's own, or a context that the stream's leads to. */
static void start(const struct kind *which)
{
    bench_plain();
    build_tables();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    machine.read_instead = read_held;
    kind = &stream_entries;
    entry = (volatile uint64_t *)memory_pointer(bench_unit()->level1[STREAM >> STREAM_SPLIT] &
                                                L1STD_POINTER) +
            (size_t)(STREAM & 0xFF) * ENTRY_WORDS;
    if (which == &context_descriptors) {
        static const struct state leads_to_it = {
            .name = "contexts",
            .word = { STE_STAGE1 | STE_CONTEXTS(CONTEXTS_LIVE, 4),
                      STE_MERGE | STE_INCOMING | STE_S1_CACHED },
        };

        write_state(&leads_to_it);
        entry = memory_pointer(CONTEXTS_LIVE + PASID * ENTRY_SIZE);
    }
    kind = which;
}

/* ---- Every ordered pair --------------------------------------------------------------------- */

static bool same(const struct meaning *a, const struct meaning *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static bool same_walks(const struct walks *a, const struct walks *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void walked_astray(const struct walks *walks)
{
    mixed++;
    for (unsigned int i = 0; i < PROBES && !expected; i++) {
        if (walks->address[i] != walks_before.address[i])
            fail_msg("after store %u access %u may reach 0x%llx; before 0x%llx, afterwards 0x%llx",
                     mixtures_stores, i, (unsigned long long)walks->address[i],
                     (unsigned long long)walks_before.address[i],
                     (unsigned long long)walks_after.address[i]);
    }
}

static void check_mixture(const uint64_t words[ENTRY_WORDS])
{
    static const struct meaning nothing;
    static const struct walks nowhere;
    struct meaning meaning = kind->meaning(words);
    struct walks walks = walks_of(words);

    if (!same_walks(&walks, &walks_before) && !same_walks(&walks, &walks_after) &&
        !(nothing_allowed && same_walks(&walks, &nowhere)))
        walked_astray(&walks);
    if (same(&meaning, &before) || same(&meaning, &after) ||
        (nothing_allowed && same(&meaning, &nothing)))
        return;
    mixed++;
    if (expected)
        return;
    fail_msg(
        "after store %u the unit may hold %016llx %016llx %016llx %016llx, which is neither state",
        mixtures_stores, (unsigned long long)words[0], (unsigned long long)words[1],
        (unsigned long long)words[2], (unsigned long long)words[3]);
}

static void change(const struct kind *which, unsigned int from, unsigned int to)
{
    const struct state *old = &which->state[from], *new = &which->state[to];
    const unsigned int needed = which->syncs[from][to];

    write_state(old);
    before = kind->meaning(old->word);
    after = kind->meaning(new->word);
    walks_before = walks_of(old->word);
    walks_after = walks_of(new->word);
    if (!same_walks(&walks_after, &new->walks))
        fail_msg("%s does not lead where it should", new->name);
    nothing_allowed = needed == 3; /* else the change is hitless */
    bench_commands_mark();
    mixtures_watch(entry, check_mixture);
    write_state(new);
    mixtures_stop();
    if (bench_commands(OPCODE_SYNC) != needed)
        fail_msg("from %s to %s: %llu SYNCs, not %u", old->name, new->name,
                 (unsigned long long)bench_commands(OPCODE_SYNC), needed);
}

static void every_pair(const struct kind *which)
{
    uint64_t tried = 0;

    start(which);
    for (unsigned int from = 0; from < which->states; from++) {
        for (unsigned int to = 0; to < which->states; to++) {
            change(which, from, to);
            tried += mixtures_tried;
        }
    }
    assert_true(tried > (uint64_t)which->states * which->states);
}

static void i11_a_stream_entry_says_old_new_or_nothing_in_every_mixture_of_every_change(void)
{
    every_pair(&stream_entries);
}

static void i11_a_context_descriptor_says_old_new_or_nothing_in_every_mixture_of_every_change(void)
{
    every_pair(&context_descriptors);
}

/* What the writer is for: the words stored in their order, in place, are seen as a mixture. */
static void words_stored_in_place_are_seen_as_a_mixture(void)
{
    const struct state *old = &stream_entries.state[1], *new = &stream_entries.state[2];

    start(&stream_entries);
    write_state(old);
    before = meaning_of_ste(old->word);
    after = meaning_of_ste(new->word);
    nothing_allowed = expected = true;
    mixtures_watch(entry, check_mixture);
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        entry_write64(&entry[i], new->word[i]);
    assert_true(mixed > 0);
}

int run_entries_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i11_a_stream_entry_says_old_new_or_nothing_in_every_mixture_of_every_change),
        TEST(i11_a_context_descriptor_says_old_new_or_nothing_in_every_mixture_of_every_change),
        TEST(words_stored_in_place_are_seen_as_a_mixture),
    };

    return RUN_GROUP("smmuv3/entries");
}
