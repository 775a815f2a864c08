/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an access may become: by the model with empty caches, now and before an outstanding change,
 * through QEMU's views, and by its deviations.
 */
#include <string.h>

#include "trial.h"

/* ------------------------------------------------------------------ what the model says */

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

void ask_models(struct trial *trial)
{
    struct scenario *scenario = trial->scenario;
    struct pair *pair = scenario->pair;

    trial->stale = scenario->change.open;
    model_access(pair, &pair->keep, trial->access, VIEW_PLAIN, &trial->keep);
    ask_fresh(trial, &trial->viewed_after);
    trial->after = trial->viewed_after.outcome[VIEW_PLAIN];
    if (trial->stale) {
        see_before_change(scenario, true);
        ask_fresh(trial, &trial->viewed_before);
        see_before_change(scenario, false);
        trial->before = trial->viewed_before.outcome[VIEW_PLAIN];
    }
}

/* The model, caches and all, must be within its own rule. */
bool model_is_sound(const struct trial *trial)
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

void make_candidates(struct trial *trial, struct circumstances *circumstances)
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
            see_before_change(scenario, true);
            read_config(scenario, circumstances);
            add_views(trial, circumstances, i, &trial->viewed_before);
            add_deviations(trial, circumstances, i, first);
            see_before_change(scenario, false);
        }
    }
}
