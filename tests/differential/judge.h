/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Judging one access: what the model allows, what QEMU did, and which of QEMU's known deviations
 * explains a difference.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "scenario.h"

enum { CANDIDATES_MAX = 64, HISTORY_MAX = 2048 };

/* An access that went through earlier in the scenario: QEMU's TLB may hold its page. */
struct passed {
    unsigned vmid;
    uint64_t iova;
};

struct history {
    struct passed passed[HISTORY_MAX];
    unsigned count;
};

/* What a deviation looks at. */
struct circumstances {
    struct scenario *scenario;
    const struct access *access;
    const struct history *history;
    uint64_t iova; /* of the word */
    uint64_t ste[STE_WORD_COUNT];
    uint64_t cd[CD_WORD_COUNT];
    struct piece told; /* what the word becomes if nothing keeps its event from being recorded */
};

/* One of QEMU's deviations: when it occurs, and what QEMU does then. */
struct deviation {
    const char *name;
    const char *text;
    unsigned view; /* if it is one of the views that the model can be given, which */
    bool (*when)(const struct circumstances *circumstances); /* and when only, if not always */
    /* Else: if it occurs, make *piece what QEMU makes of it and answer true. */
    bool (*apply)(const struct circumstances *circumstances, struct piece *piece);
};

extern const struct deviation deviations[];
extern const unsigned deviation_count;

struct tally {
    uint64_t accesses, reads, events, agreements, stale;
    uint64_t met[64]; /* by deviation */
    uint64_t failures;
};

/* Do an access on both sides and compare. Answers false if they differ and nothing explains it. */
bool judge_access(struct scenario *scenario, const struct access *access, struct history *history,
                  struct tally *tally);

#endif
