/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule. An access is judged word by word.
 *
 * - While nothing is outstanding, QEMU must do what the model does, and what the model does with
 *   its caches must be what tables and registers mean.
 * - After a change that has not been invalidated, or not widely enough, the architecture lets a
 *   cached copy live on or go: what was true before the change and what is true after it are both
 *   right, for QEMU and for the model.
 * - A difference is explained if a deviation's condition holds and QEMU did just what it says.
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Something that a word of an access may become, and the deviations it takes. */
struct candidate {
    struct piece piece;
    struct piece told; /* the same with its event, if something keeps that from being recorded */
    uint64_t met;      /* a bit for each deviation */
};

/* What an access means through each choice of views that makes a difference. */
struct viewed {
    unsigned matter; /* the views that do */
    bool have[VIEWS_ALL + 1];
    struct outcome outcome[VIEWS_ALL + 1];
    struct outcome told[VIEWS_ALL + 1];
};

struct trial {
    struct scenario *scenario;
    const struct access *access;
    struct tally *tally;
    struct outcome keep, after, before;
    struct viewed viewed_after, viewed_before;
    bool stale; /* `before` is possible too */
    struct seen seen;
    struct candidate candidates[PIECES_MAX][CANDIDATES_MAX];
    unsigned counts[PIECES_MAX];
    const struct candidate *chosen[PIECES_MAX];
};

/* ------------------------------------------------------------------ what the model says */

static void swap_change(struct scenario *scenario, const uint64_t *words)
{
    const struct change *change = &scenario->change;

    memcpy(scenario->pair->mirror + (change->at - RAM_BASE), words,
           change->words * sizeof(uint64_t));
}

static bool same_piece(const struct piece *a, const struct piece *b)
{
    if (a->landed != b->landed || a->recorded != b->recorded) {
        return false;
    }
    if (a->landed) {
        return a->address == b->address;
    }
    return !a->recorded || memcmp(a->record, b->record, sizeof(a->record)) == 0;
}

static bool same_outcome(const struct trial *trial, const struct outcome *a,
                         const struct outcome *b)
{
    for (unsigned i = 0; i < trial->access->count; i++) {
        if (!same_piece(&a->pieces[i], &b->pieces[i]) || a->pieces[i].cause != b->pieces[i].cause) {
            return false;
        }
    }
    return true;
}

static const struct outcome *through(struct trial *trial, struct viewed *viewed, unsigned views)
{
    struct pair *pair = trial->scenario->pair;

    if (!viewed->have[views]) {
        model_access(pair, &pair->fresh, trial->access, views, &viewed->outcome[views]);
        model_access(pair, &pair->fresh, trial->access, views | VIEW_RECORDED,
                     &viewed->told[views]);
        viewed->have[views] = true;
    }
    return &viewed->outcome[views];
}

/* Whether a view makes a difference to some choice of those that matter so far. */
static bool view_matters(struct trial *trial, struct viewed *viewed, unsigned view)
{
    for (unsigned views = 0; views <= VIEWS_ALL; views++) {
        if (!(views & ~viewed->matter) && !same_outcome(trial, through(trial, viewed, views),
                                                        through(trial, viewed, views | view))) {
            return true;
        }
    }
    return false;
}

/* Add the views that make a difference to one of those so far; answers whether there were any. */
static bool add_views_that_matter(struct trial *trial, struct viewed *viewed)
{
    unsigned matter = viewed->matter;

    for (unsigned view = 1; view < VIEWS_ALL; view <<= 1) {
        if (!(viewed->matter & view) && view_matters(trial, viewed, view)) {
            viewed->matter |= view;
        }
    }
    return viewed->matter != matter;
}

/* Views that make a difference only together: none of the others does without this one. */
static bool add_views_that_matter_together(struct trial *trial, struct viewed *viewed)
{
    unsigned matter = viewed->matter;
    const struct outcome *all = through(trial, viewed, VIEWS_ALL);

    if (same_outcome(trial, through(trial, viewed, viewed->matter), all)) {
        return false;
    }
    for (unsigned view = 1; view < VIEWS_ALL; view <<= 1) {
        if (!same_outcome(trial, through(trial, viewed, VIEWS_ALL & ~view), all)) {
            viewed->matter |= view;
        }
    }
    return viewed->matter != matter;
}

static void ask_fresh(struct trial *trial, struct viewed *viewed)
{
    viewed->matter = 0;
    memset(viewed->have, 0, sizeof(viewed->have));
    while (add_views_that_matter(trial, viewed) || add_views_that_matter_together(trial, viewed)) {
    }
}

static void ask_models(struct trial *trial)
{
    struct scenario *scenario = trial->scenario;
    struct pair *pair = scenario->pair;

    trial->stale = scenario->change.open;
    model_access(pair, &pair->keep, trial->access, VIEW_PLAIN, &trial->keep);
    ask_fresh(trial, &trial->viewed_after);
    trial->after = trial->viewed_after.outcome[VIEW_PLAIN];
    if (trial->stale) {
        swap_change(scenario, scenario->change.before);
        ask_fresh(trial, &trial->viewed_before);
        swap_change(scenario, scenario->change.after);
        trial->before = trial->viewed_before.outcome[VIEW_PLAIN];
    }
}

/* The model, caches and all, must be within its own rule. */
static bool model_is_sound(const struct trial *trial)
{
    for (unsigned i = 0; i < trial->access->count; i++) {
        const struct piece *piece = &trial->keep.pieces[i];

        bool before = trial->stale && same_piece(piece, &trial->before.pieces[i]);

        if (piece->not_modelled || (!before && !same_piece(piece, &trial->after.pieces[i]))) {
            return false;
        }
    }
    return true;
}

static void read_config(struct scenario *scenario, struct circumstances *circumstances)
{
    const struct stream *stream = &scenario->streams[circumstances->access->device];
    uint64_t cd_at = 0;

    for (unsigned i = 0; i < STE_WORD_COUNT; i++) {
        circumstances->ste[i] = stream->ste_at
                                    ? peek64(scenario->pair, stream->ste_at + i * UINT64_C(8))
                                    : 0;
    }
    cd_at = circumstances->ste[0] & UINT64_C(0x000fffffffffffc0);
    if ((circumstances->ste[0] >> 1 & 7) == 7) {
        cd_at -= scenario->ipa_offset;
    }
    for (unsigned i = 0; i < CD_WORD_COUNT; i++) {
        circumstances->cd[i] = peek64(scenario->pair, cd_at + i * UINT64_C(8));
    }
}

static void add_candidate(struct trial *trial, unsigned index, const struct candidate *candidate)
{
    unsigned *count = &trial->counts[index];

    if (*count < CANDIDATES_MAX) {
        trial->candidates[index][(*count)++] = *candidate;
    }
}

/* Whether each of these views may be had in these circumstances. */
static bool views_apply(const struct circumstances *circumstances, unsigned views)
{
    for (unsigned d = 0; d < deviation_count; d++) {
        if (deviations[d].view & views && deviations[d].when &&
            !deviations[d].when(circumstances)) {
            return false;
        }
    }
    return true;
}

static uint64_t deviations_of_views(unsigned views)
{
    uint64_t met = 0;

    for (unsigned d = 0; d < deviation_count; d++) {
        met |= (uint64_t)((deviations[d].view & views) != 0) << d;
    }
    return met;
}

/* What a word becomes where QEMU sees something otherwise; as few views as explain it. */
static void add_views(struct trial *trial, const struct circumstances *circumstances,
                      unsigned index, struct viewed *viewed)
{
    unsigned first = trial->counts[index];

    for (unsigned size = 0; size <= VIEW_BITS; size++) {
        for (unsigned views = 0; views <= VIEWS_ALL; views++) {
            struct candidate candidate;
            bool known = (unsigned)__builtin_popcount(views) != size || views & ~viewed->matter;

            if (known || !views_apply(circumstances, views)) {
                continue;
            }
            through(trial, viewed, views);
            candidate.piece = viewed->outcome[views].pieces[index];
            candidate.told = viewed->told[views].pieces[index];
            candidate.met = deviations_of_views(views);
            for (unsigned c = first; c < trial->counts[index]; c++) {
                known = known || same_piece(&candidate.told, &trial->candidates[index][c].told);
            }
            if (!known) {
                add_candidate(trial, index, &candidate);
            }
        }
    }
}

/* All that `apply` makes of the candidates from `first` on. */
static void add_deviations(struct trial *trial, struct circumstances *circumstances, unsigned index,
                           unsigned first)
{
    for (unsigned d = 0; d < deviation_count; d++) {
        unsigned known = trial->counts[index];

        for (unsigned c = first; c < known && deviations[d].apply; c++) {
            struct candidate candidate = trial->candidates[index][c];

            circumstances->told = candidate.told;
            if (deviations[d].apply(circumstances, &candidate.piece)) {
                candidate.met |= UINT64_C(1) << d;
                add_candidate(trial, index, &candidate);
            }
        }
    }
}

static void make_candidates(struct trial *trial, struct circumstances *circumstances)
{
    struct scenario *scenario = trial->scenario;

    for (unsigned i = 0; i < trial->access->count; i++) {
        unsigned first = 0;

        circumstances->iova = trial->access->iova + i * UINT64_C(4);
        read_config(scenario, circumstances);
        add_views(trial, circumstances, i, &trial->viewed_after);
        add_deviations(trial, circumstances, i, 0);
        first = trial->counts[i];
        if (trial->stale) {
            swap_change(scenario, scenario->change.before);
            read_config(scenario, circumstances);
            add_views(trial, circumstances, i, &trial->viewed_before);
            add_deviations(trial, circumstances, i, first);
            swap_change(scenario, scenario->change.after);
        }
    }
}

/* ------------------------------------------------------------------ what QEMU did */

static uint32_t ram32(const struct pair *pair, uint64_t address)
{
    uint32_t value = 0;

    memcpy(&value, pair->ram + (address - RAM_BASE), sizeof(value));
    return value;
}

static bool matches(const struct trial *trial, unsigned index, const struct piece *piece,
                    unsigned events_taken)
{
    uint32_t word = trial->seen.words[index];

    if (piece->landed) {
        return word == (trial->access->write ? ram32(trial->scenario->pair, piece->address)
                                             : peek32(trial->scenario->pair, piece->address));
    }
    if (!trial->access->write && word != 0) {
        return false;
    }
    return !piece->recorded ||
           (events_taken < trial->seen.events &&
            memcmp(trial->seen.records[events_taken], piece->record, sizeof(piece->record)) == 0);
}

/* What leaves a trace is looked for first: silence fits everything. */
static const struct candidate *choose(const struct trial *trial, unsigned index,
                                      unsigned events_taken)
{
    enum { RECORDED, LANDED, SILENT, KINDS };

    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned c = 0; c < trial->counts[index]; c++) {
            const struct candidate *candidate = &trial->candidates[index][c];
            const struct piece *piece = &candidate->piece;
            unsigned has = piece->recorded ? RECORDED : piece->landed ? LANDED : SILENT;

            if (has == kind && matches(trial, index, &candidate->piece, events_taken)) {
                return candidate;
            }
        }
    }
    return NULL;
}

/* Bring the mirror up to date with what was written. */
static void note_write(struct trial *trial)
{
    struct pair *pair = trial->scenario->pair;

    for (unsigned i = 0; i < trial->access->count; i++) {
        const struct piece *piece = &trial->chosen[i]->piece;

        if (trial->access->write && piece->landed) {
            memcpy(pair->mirror + (piece->address - RAM_BASE), &trial->seen.words[i],
                   sizeof(uint32_t));
        }
    }
}

/* iommu-testdev's own verdict; it looked at where the model expected the first word. */
static bool testdev_agrees(const struct trial *trial)
{
    uint64_t expected = trial->after.pieces[0].address;
    unsigned landed = 0;
    bool there = true;

    if (trial->scenario->pair->devices[trial->access->device].edu) {
        return true;
    }
    for (unsigned i = 0; i < trial->access->count; i++) {
        landed += trial->chosen[i]->piece.landed;
        there = there && trial->chosen[i]->piece.address == expected + i * UINT64_C(4);
    }
    if (landed < trial->access->count) {
        return trial->seen.result == TESTDEV_BLOCKED;
    }
    return trial->seen.result == (there ? TESTDEV_OK : TESTDEV_MISMATCH);
}

static const char *compare(struct trial *trial)
{
    unsigned events = 0;

    for (unsigned i = 0; i < trial->access->count; i++) {
        trial->chosen[i] = choose(trial, i, events);
        if (!trial->chosen[i]) {
            return "QEMU did something else";
        }
        events += trial->chosen[i]->piece.recorded;
    }
    if (events != trial->seen.events) {
        return "QEMU recorded more events";
    }
    note_write(trial);
    for (unsigned i = 0; i < trial->access->count; i++) {
        for (unsigned c = 0; c < trial->counts[i]; c++) {
            const struct piece *piece = &trial->candidates[i][c].piece;

            if (piece->landed && ram32(trial->scenario->pair, piece->address) !=
                                     peek32(trial->scenario->pair, piece->address)) {
                return "memory differs";
            }
        }
    }
    return testdev_agrees(trial) ? NULL : "iommu-testdev has another verdict";
}

/* ------------------------------------------------------------------ reports */

static void print_piece(const char *who, const struct piece *piece)
{
    printf("    %-12s", who);
    if (piece->not_modelled) {
        printf(" not modelled: %s\n", piece->not_modelled);
    } else if (piece->landed) {
        printf(" lands at 0x%" PRIx64 "\n", piece->address);
    } else if (piece->recorded) {
        printf(" event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
               piece->record[0], piece->record[1], piece->record[2], piece->record[3]);
    } else {
        printf(" nothing lands, nothing is recorded (cause 0x%02x)\n", piece->cause);
    }
}

static void print_trial(const struct trial *trial, const char *why)
{
    static const char *const names[] = { "s1", "s2", "nested" };
    const struct scenario *scenario = trial->scenario;
    const struct access *access = trial->access;
    const struct device *device = &scenario->pair->devices[access->device];

    printf("  FAILED: %s\n", why);
    printf("    mode %s, scenario 0x%" PRIx64 ", step %u: %s of %u words at 0x%" PRIx64
           " by stream 0x%x (%s)\n",
           names[scenario->mode], scenario->seed, scenario->step, access->write ? "write" : "read",
           access->count, access->iova, device->stream_id, device->edu ? "edu" : "iommu-testdev");
    if (trial->stale) {
        printf("    not invalidated: %s at 0x%" PRIx64 ": %016" PRIx64 " became %016" PRIx64 "\n",
               scenario->change.text, scenario->change.at, scenario->change.before[0],
               scenario->change.after[0]);
    }
    for (unsigned i = 0; i < access->count; i++) {
        if (i && trial->chosen[i]) {
            continue;
        }
        printf("    word %u\n", i);
        print_piece("model", &trial->keep.pieces[i]);
        print_piece("tables mean", &trial->after.pieces[i]);
        if (trial->stale) {
            print_piece("meant before", &trial->before.pieces[i]);
        }
        for (unsigned c = 1; c < trial->counts[i] && !trial->chosen[i]; c++) {
            print_piece("a deviation", &trial->candidates[i][c].piece);
        }
        printf("    %-12s word %08" PRIx32 "\n", "QEMU", trial->seen.words[i]);
        if (i > 2) {
            break;
        }
    }
    for (unsigned i = 0; i < trial->seen.events && i < 2; i++) {
        printf("    %-12s event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
               "QEMU", trial->seen.records[i][0], trial->seen.records[i][1],
               trial->seen.records[i][2], trial->seen.records[i][3]);
    }
    printf("    %-12s %u events, device's result 0x%" PRIx64 "\n", "QEMU", trial->seen.events,
           trial->seen.result);
    print_stream(scenario, access->device, access->iova);
    printf("    again: make differential REPLAY=%u:0x%" PRIx64 "\n", scenario->run, scenario->seed);
}

/* ------------------------------------------------------------------ one access */

/* Words to write, and other words where they may go. */
static void choose_words(struct trial *trial)
{
    struct scenario *scenario = trial->scenario;
    bool edu = scenario->pair->devices[trial->access->device].edu;

    for (unsigned i = 0; i < trial->access->count; i++) {
        trial->seen.words[i] = edu ? (uint32_t)roll(&scenario->dice) | 1 : TESTDEV_PATTERN;
        for (unsigned c = 0; c < trial->counts[i] && !edu; c++) {
            const struct piece *piece = &trial->candidates[i][c].piece;

            if (piece->landed) {
                poke32(scenario->pair, piece->address, (uint32_t)roll(&scenario->dice) | 1);
            }
        }
    }
}

/* An access went through under the VMID that its STE has, or had before a change. */
static void remember_word(struct history *history, uint64_t vmid_word, uint64_t iova)
{
    history->passed[history->count++ % HISTORY_MAX] = (struct passed){
        .vmid = (uint16_t)vmid_word,
        .iova = iova,
    };
}

static void remember_passed(struct trial *trial, struct history *history)
{
    const struct scenario *scenario = trial->scenario;
    const struct stream *stream = &scenario->streams[trial->access->device];

    for (unsigned i = 0; i < trial->access->count; i++) {
        uint64_t iova = trial->access->iova + i * UINT64_C(4);

        /* Translated, even if nothing is there. */
        if (!trial->chosen[i]->piece.address || !stream->ste_at) {
            continue;
        }
        remember_word(history, peek64(scenario->pair, stream->ste_at + 16), iova);
        if (trial->stale && scenario->change.at == stream->ste_at) {
            remember_word(history, scenario->change.before[2], iova);
        }
    }
}

static void count(struct trial *trial)
{
    struct tally *tally = trial->tally;
    uint64_t met = 0;

    for (unsigned i = 0; i < trial->access->count; i++) {
        met |= trial->chosen[i]->met;
    }
    tally->accesses++;
    tally->reads += !trial->access->write;
    tally->events += trial->seen.events;
    tally->stale += trial->stale;
    tally->agreements += !met;
    for (unsigned d = 0; d < deviation_count; d++) {
        tally->met[d] += met >> d & 1;
    }
}

bool judge_access(struct scenario *scenario, const struct access *access, struct history *history,
                  struct tally *tally)
{
    static struct trial trial;
    static struct circumstances circumstances;
    const char *why = NULL;

    memset(&trial.seen, 0, sizeof(trial.seen));
    memset(trial.counts, 0, sizeof(trial.counts));
    memset(trial.chosen, 0, sizeof(trial.chosen));
    trial.scenario = scenario;
    trial.access = access;
    trial.tally = tally;
    circumstances.scenario = scenario;
    circumstances.access = access;
    circumstances.history = history;
    ask_models(&trial);
    make_candidates(&trial, &circumstances);
    choose_words(&trial);
    qemu_access(scenario->pair, access,
                trial.after.pieces[0].landed ? trial.after.pieces[0].address : RAM_BASE,
                &trial.seen);
    why = compare(&trial);
    if (!why && !model_is_sound(&trial)) {
        why = "the model with its caches is not what tables mean";
    }
    if (why) {
        print_trial(&trial, why);
        tally->accesses++;
        tally->failures++;
        accept_memory(scenario->pair);
        return false;
    }
    remember_passed(&trial, history);
    count(&trial);
    return true;
}
