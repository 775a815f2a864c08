/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scenario: one random set of stream tables, contexts and translation tables for all devices of
 * a machine, then a sequence of accesses and changes. Everything in it follows from its seed.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "dice.h"
#include "pair.h"
#include "tables.h"

enum mode { MODE_STAGE1, MODE_STAGE2, MODE_NESTED, MODES };

enum { STE_WORD_COUNT = 8, CD_WORD_COUNT = 8, RECENT = 8, LINGER = 4 };

/* A device's configuration, as it was written. */
struct stream {
    uint64_t ste_at; /* where its STE is; 0 if it has none */
    uint64_t cd_at;
    bool stage1, stage2; /* the STE selects them */
    struct space *s1[2]; /* by TTB0 and TTB1; null if there is none */
    struct space *s2;
    unsigned vmid, asid;
};

/* One store that the unit has not been told of; what was there, and what must be invalidated. */
struct change {
    bool open;
    uint64_t at;
    uint64_t before[8];
    uint64_t after[8];
    unsigned words;
    enum change_kind { CHANGE_LEAF1, CHANGE_LEAF2, CHANGE_STE, CHANGE_CD } kind;
    unsigned device;
    struct leaf leaf;
    const char *text;
};

struct scenario {
    struct pair *pair;
    struct dice dice;
    enum mode mode;
    bool two_level;
    uint64_t seed;
    unsigned run;        /* which of the runner's runs, for the replay command */
    uint64_t ipa_offset; /* nested: IPA minus physical address of what stage 1 needs */
    struct stream streams[DEVICES_MAX];
    struct space spaces[DEVICES_MAX][3];  /* TTB0, TTB1, stage 2 */
    uint64_t configurations[DEVICES_MAX]; /* hashes, for counting distinct ones */
    struct change change;
    unsigned linger; /* accesses that still look at what was changed and is invalidated */
    struct access recent[RECENT];
    unsigned recent_count;
    unsigned step;
};

/* build.c: write the tables of all streams; registers so far that SMMUEN can be set. */
void scenario_build(struct scenario *scenario);

/* context.c: parts of it. */
void build_stage1(struct scenario *scenario, unsigned device);
void build_stage2(struct scenario *scenario, unsigned device);
void map_for_nesting(struct scenario *scenario, unsigned device, uint64_t first, uint64_t end);
void fill_stage1(struct scenario *scenario, unsigned device);

/* change.c: change something, invalidate too little or nothing, in the end all that is needed. */
void change_something(struct scenario *scenario);
void invalidate_wrongly(struct scenario *scenario);
void invalidate_rightly(struct scenario *scenario);

/* Let the models see memory as it was before the outstanding change, or as it is. */
void see_before_change(struct scenario *scenario, bool before);

/* The stage-2 tables that an STE points to, whichever stream they were made for; null if none. */
struct space *stage2_space(struct scenario *scenario, const uint64_t *ste);

/* The same for a context descriptor, by TTB. */
struct space *stage1_space(struct scenario *scenario, const uint64_t *cd, unsigned which);

/* Print STE, CD and the walks of an address. */
void print_stream(const struct scenario *scenario, unsigned device, uint64_t iova);

/* A random access; false if none was found that can be compared. */
bool choose_access(struct scenario *scenario, struct access *access);

#endif
