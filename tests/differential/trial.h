/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One access under judgement: what it may become, and what it became.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "judge.h"

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

/* expect.c: let the models do the access; answer for their caches; list what QEMU may do. */
void ask_models(struct trial *trial);
bool model_is_sound(const struct trial *trial);
void make_candidates(struct trial *trial, struct circumstances *circumstances);

/* report.c: all there is to know of an access that failed. */
void print_trial(const struct trial *trial, const char *why);

#endif
