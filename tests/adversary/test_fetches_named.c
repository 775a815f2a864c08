/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose other CPU, or whose device, changes what names mappings in the midst of a call, between any two
 * instructions that read it: the structure of ioas_copy and the elements of batches. One word changes at a time, and
 * the answer, and what is mapped afterwards, are those of the old or of the new word.
 */
#include <limits.h>
#include <string.h>

#include "lib/pagetable.h"
#include "tests/adversary/memory_watch.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define STRUCTURE (BASE + 0x210000)

#define PLACES 48 /* pages from 0 on that are looked at in each space */
#define WORDS 8
#define NEVER UINT_MAX

/* A call, and the words in its caller's memory that say what it does. */
struct naming {
    uint64_t number, x[3];
    unsigned int read; /* words that it reads */
    unsigned int words;
    uint64_t word[WORDS];
};

/* What a call answers, and what is mapped after it. */
struct outcome {
    int64_t result;
    uint64_t x[3];
    uint64_t mapped[2], entry[2][PLACES];
};

#define NAMINGS 4
static struct naming namings[NAMINGS];
static uint64_t spaces[2];

static void start(void)
{
    machine_plain();
    machine_boot();
    spaces[0] = bind_and_attach(0, DEVICE1_ID, 1);
    spaces[1] = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    assert_true((int64_t)spaces[1] > 0);
    /* Behind 48 bytes nothing is looked at; of 56, the last word must be zero. */
    namings[0] = (struct naming){
        BH_CALL_IOAS_COPY,
        { STRUCTURE },
        .read = 6,
        .words = 7,
        .word = { 48, spaces[0] | spaces[1] << 32, 0x8000, 0x10000, 0x2000, 3, 1 },
    };
    namings[1] = namings[0];
    namings[1].read = 7;
    namings[1].word[0] = 56;
    namings[1].word[6] = 0;
    namings[2] = (struct naming){
        BH_CALL_IOAS_MAP_BATCH,
        { spaces[0], STRUCTURE, 2 },
        .read = 8,
        .words = 8,
    };
    memcpy(namings[2].word,
           (const struct bh_map[2]){ { 0x10000, BASE, 0x1000, 3 },
                                     { 0x12000, BASE + 0x4000, 0x2000, 1 } },
           2 * sizeof(struct bh_map));
    namings[3] = (struct naming){
        BH_CALL_IOAS_UNMAP_BATCH,
        { spaces[0], STRUCTURE, 2 },
        .read = 4,
        .words = 4,
        .word = { 0x8000, 0x1000, 0xB000, 0x1000 },
    };
}

/* The spaces as every call finds them, and the caller's words. */
static void prepare(const struct naming *naming)
{
    for (unsigned int i = 0; i < ARRAY_LENGTH(spaces); i++) {
        while (call2(0, BH_CALL_IOAS_UNMAP_ALL, spaces[i], 0) != BH_OK)
            assert_true(machine.x[2] != 0);
    }
    assert_int_equal(map(0, spaces[0], 0x8000, BASE + 0x1000, 0x4000), BH_OK);
    memcpy(guest(0, STRUCTURE), naming->word, naming->words * sizeof(naming->word[0]));
}

static int64_t call_named(const struct naming *naming)
{
    return call3(0, naming->number, naming->x[0], naming->x[1], naming->x[2]);
}

/* ---- Which words a call reads -------------------------------------------------------------------------------- */

static struct {
    unsigned int count;
    struct memory_access access[4 * WORDS];
} reads;

static void note_reads(const struct memory_access *access)
{
    if (reads.count < ARRAY_LENGTH(reads.access))
        reads.access[reads.count] = *access;
    reads.count++;
}

static void i10_of_what_names_mappings_each_word_is_read_once(void)
{
    start();
    for (unsigned int n = 0; n < NAMINGS; n++) {
        bool seen[WORDS] = { false };

        prepare(&namings[n]);
        reads.count = 0;
        memory_watch(guest(0, BASE), VISIBLE, note_reads);
        int64_t result = call_named(&namings[n]);

        memory_watch_end();
        assert_int_equal(result, BH_OK);
        assert_in_range(reads.count, 1, ARRAY_LENGTH(reads.access));
        for (unsigned int i = 0; i < reads.count; i++) {
            const struct memory_access *read = &reads.access[i];
            uint64_t word = (read->offset - (STRUCTURE - BASE)) / 8;

            if (read->write || word >= namings[n].read || seen[word])
                fail_msg("call %llu: %s %s 0x%llx of its caller's memory%s",
                         (unsigned long long)namings[n].number, read->function,
                         read->write ? "writes" : "reads", (unsigned long long)read->offset,
                         word < namings[n].read && seen[word] ? " once more" : "");
            seen[word] = true;
        }
    }
}

/* ---- A word that changes -------------------------------------------------------------------------------------- */

static unsigned int turn, change_at;
static volatile uint64_t *changing;
static uint64_t change_to;

/* The other CPU's store comes ahead of one access. */
static void change_named(const struct memory_access *access)
{
    (void)access;
    if (turn++ == change_at)
        *changing = change_to;
}

/* Of the call on these words, of which one is `after` from the access of that number on. */
static struct outcome outcome_of(const struct naming *naming, unsigned int word, uint64_t after,
                                 unsigned int at)
{
    struct outcome outcome;

    prepare(naming);
    memset(&outcome, 0, sizeof(outcome));
    changing = (uint64_t *)guest(0, STRUCTURE) + word;
    turn = 0;
    change_at = at;
    change_to = after;
    memory_watch(guest(0, STRUCTURE), PAGE_SIZE, change_named);
    outcome.result = call_named(naming);
    memory_watch_end();
    memcpy(outcome.x, machine.x + 1, sizeof(outcome.x));
    for (unsigned int s = 0; s < ARRAY_LENGTH(spaces); s++) {
        struct ioas *space = ioas_acquire(&partitions.partition[0], spaces[s]);
        const struct pagetable *table = &space->tree[0].table;
        uint64_t entry, size;

        outcome.mapped[s] = table->mapped;
        for (unsigned int p = 0; p < PLACES; p++) {
            if (pagetable_lookup(table, p * PAGE_SIZE, &entry, &size))
                outcome.entry[s][p] = entry;
        }
        ioas_release(space);
    }
    return outcome;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

/* Over every moment of the change of one word. Answers whether it makes a difference. */
static bool expect_old_or_new(const struct naming *naming, unsigned int word, uint64_t after)
{
    struct naming changed = *naming;
    bool more = true;

    changed.word[word] = after;
    const struct outcome old = outcome_of(naming, word, 0, NEVER);
    const struct outcome new = outcome_of(&changed, word, 0, NEVER);

    for (unsigned int at = 0; more; at++) {
        const struct outcome seen = outcome_of(naming, word, after, at);

        more = turn > at; /* the change came */
        if (!same(&seen, &old) && !same(&seen, &new))
            fail_msg("call %llu: word %u turns from 0x%llx to 0x%llx at access %u: it answers "
                     "%lld, of the old %lld, of the new %lld, and maps what is neither's",
                     (unsigned long long)naming->number, word,
                     (unsigned long long)naming->word[word], (unsigned long long)after, at,
                     (long long)seen.result, (long long)old.result, (long long)new.result);
    }
    return !same(&old, &new);
}

static void i10_a_word_that_changes_in_the_midst_of_a_call_is_the_old_or_the_new_one(void)
{
    start();
    const uint64_t one = spaces[0] | spaces[0] << 32;
    const uint64_t hostile[] = { 0, 4, 40, 0x3000, 0xA000, BASE + VISIBLE, one, UINT64_MAX };

    for (unsigned int n = 0; n < NAMINGS; n++) {
        for (unsigned int word = 0; word < namings[n].words; word++) {
            unsigned int differences = 0;

            for (unsigned int i = 0; i < ARRAY_LENGTH(hostile); i++) {
                struct naming turned = namings[n];

                turned.word[word] = hostile[i];
                differences += expect_old_or_new(&namings[n], word, hostile[i]);
                (void)expect_old_or_new(&turned, word, namings[n].word[word]);
            }
            assert_true(word >= namings[n].read ? differences == 0 : differences > 1);
        }
    }
}

int run_fetches_named_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i10_of_what_names_mappings_each_word_is_read_once),
        TEST(i10_a_word_that_changes_in_the_midst_of_a_call_is_the_old_or_the_new_one),
    };

    return RUN_GROUP("names of mappings changed in the midst of a call");
}
