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
#include <string.h>

#include "trial.h"

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
        if (!trial->chosen[i]->piece.translated || !stream->ste_at) {
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
