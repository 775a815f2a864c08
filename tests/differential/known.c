/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each deviation that explains a difference still exists: a set-up that shows it, judged like any
 * other. A QEMU that mends one fails its test here; then the deviation goes.
 */
#include <string.h>

#include "fixture.h"
#include "run.h"

enum { FIRST = 0x1000 };

#define HALF UINT64_C(0x4000000000)        /* half of 39 bits */
#define UPPER UINT64_C(0xffffffff80001000) /* in TTB1's half */
#define BEYOND (UINT64_C(1) << 45)         /* more than any output size here */
#define NOWHERE UINT64_C(0x7000000000)     /* an IPA that nothing maps */

static uint64_t data(void)
{
    return chunk_address(0);
}

static void stage1_of(struct fixture *f, struct pair *pair)
{
    fixture_begin(f, pair, true, false, 12, 39);
}

static void stage2_of(struct fixture *f, struct pair *pair)
{
    fixture_begin(f, pair, false, true, 12, 39);
}

/* Both stages, with a page of stage 1 at FIRST; stage 2 gives these rights to what is behind. */
static void nested_of(struct fixture *f, struct pair *pair, uint64_t rights)
{
    fixture_begin(f, pair, true, true, 12, 39);
    fixture_map1(f, FIRST, data(), S1_ALL);
    fixture_map2(f, data(), data(), rights);
    fixture_map_tables(f);
}

/* Where the descriptor is that leads from one level of stage 1 to the next. */
static uint64_t table_slot(struct fixture *f, uint64_t input, unsigned level)
{
    return descriptor_slot(f->scenario->pair, &f->scenario->spaces[0][input >> 63], input, level,
                           false);
}

static void set_word(struct fixture *f, uint64_t at, uint64_t bits)
{
    poke64(f->scenario->pair, at, peek64(f->scenario->pair, at) | bits);
}

/* ------------------------------------------------------------------ seen through a view */

static void first_table_only(struct fixture *f, struct pair *pair)
{
    fixture_begin(f, pair, false, true, 12, 40);
    fixture_map2(f, (UINT64_C(1) << 39) + FIRST, data(), S2_ALL);
    fixture_start(f);
    fixture_access(f, (UINT64_C(1) << 39) + FIRST, false);
}

static void flag_updates_not_refused(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_map2(f, FIRST, data(), S2_ALL);
    f->ste_set[2] = UINT64_C(1) << 56; /* S2HA */
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

/* A two-level stream table; the stream's STE is at index 8 of the second level. */
static void two_level(struct fixture *f, struct pair *pair, unsigned span)
{
    uint64_t table = 0;

    stage2_of(f, pair);
    table = take_tables(pair, 4096, 4096);
    fixture_map2(f, FIRST, data(), S2_ALL);
    f->scenario->two_level = true;
    f->ste_at = table + pair->devices[0].stream_id * UINT64_C(64);
    f->table_config = 10 | 6 << 6 | 1 << 16;
    poke64(pair, AT_STREAMS, table | span);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void span_too_wide(struct fixture *f, struct pair *pair)
{
    two_level(f, pair, 4);
}

static void short_span_is_bad_ste(struct fixture *f, struct pair *pair)
{
    two_level(f, pair, 1);
}

static void one_tbi(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    fixture_map1(f, UPPER, data(), S1_ALL);
    f->cd_set[0] = UINT64_C(1) << 38; /* TBI0 */
    fixture_start(f);
    fixture_access(f, UPPER ^ UINT64_C(0x55) << 56, false);
}

static void table_rights_lost_on_hit(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    fixture_map1(f, FIRST, data(), S1_ALL);
    set_word(f, table_slot(f, FIRST, 1), S1_TABLE_READ_ONLY);
    fixture_start(f);
    fixture_access(f, FIRST, false);
    fixture_access(f, FIRST, true);
}

static void read_passes_on_hit(struct fixture *f, struct pair *pair)
{
    nested_of(f, pair, DESCRIPTOR_AF | S2_WRITE);
    fixture_start(f);
    fixture_access(f, FIRST, true);
    fixture_access(f, FIRST, false);
}

static void always_privileged(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    fixture_map1(f, FIRST, data(), S1_ALL & ~S1_USER);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

/* ------------------------------------------------------------------ configuration */

static void bad_streamid_always_recorded(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    f->cr2 = 0;
    f->table_config = 2; /* four streams */
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void s1cdmax_refused(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    fixture_map1(f, FIRST, data(), S1_ALL);
    f->ste_set[0] = UINT64_C(1) << 59;
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void s1stalld_refused_without_stage1(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_map2(f, FIRST, data(), S2_ALL);
    f->ste_set[1] = UINT64_C(1) << 27;
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void s2t0sz_against_ps(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_map2(f, FIRST, data(), S2_ALL);
    f->ste_clear[2] = UINT64_C(7) << 48;
    f->ste_set[2] = UINT64_C(1) << 48; /* S2PS: 36 bits */
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void input_size_not_recorded(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_start(f);
    fixture_access(f, BEYOND, false);
}

/* ------------------------------------------------------------------ walks */

static void leaf_before_address(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_map2(f, FIRST, data() | BEYOND, S2_ALL & ~DESCRIPTOR_AF);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void table_address_not_checked(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    poke64(pair, descriptor_slot(pair, &f->scenario->spaces[0][2], FIRST, 2, true),
           BEYOND | DESCRIPTOR_TABLE);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void large_table_address_is_tt(struct fixture *f, struct pair *pair)
{
    nested_of(f, pair, S2_ALL);
    poke64(pair, table_slot(f, FIRST, 2), BEYOND | DESCRIPTOR_TABLE);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void table_rights_before_leaf(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    poke64(pair, fixture_map1(f, FIRST, data(), S1_ALL), 0);
    set_word(f, table_slot(f, FIRST, 1), S1_TABLE_READ_ONLY);
    fixture_start(f);
    fixture_access(f, FIRST, true);
}

static void stage1_leaf_before_address(struct fixture *f, struct pair *pair)
{
    stage1_of(f, pair);
    fixture_map1(f, FIRST, data() | BEYOND, S1_ALL & ~DESCRIPTOR_AF);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void no_event_on_hit(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_map2(f, FIRST, data(), DESCRIPTOR_AF | S2_READ);
    fixture_start(f);
    fixture_access(f, FIRST, false);
    fixture_access(f, FIRST, true);
}

/* ------------------------------------------------------------------ both stages */

/* Stage 2 has pages of its own for the CD and for the two first tables of stage 1. */
static void pages_of(struct fixture *f, struct pair *pair, uint64_t cd, uint64_t ttb0,
                     uint64_t ttb1)
{
    const struct space *spaces = NULL;

    fixture_begin(f, pair, true, true, 12, 39);
    spaces = f->scenario->spaces[0];
    poke64(pair, fixture_map2(f, f->scenario->streams[0].cd_at, f->scenario->streams[0].cd_at, 0),
           cd ? f->scenario->streams[0].cd_at | cd | DESCRIPTOR_TABLE : 0);
    poke64(pair, fixture_map2(f, spaces[0].root, spaces[0].root, 0),
           ttb0 ? spaces[0].root | ttb0 | DESCRIPTOR_TABLE : 0);
    poke64(pair, fixture_map2(f, spaces[1].root, spaces[1].root, 0),
           ttb1 ? spaces[1].root | ttb1 | DESCRIPTOR_TABLE : 0);
    fixture_start(f);
}

static void no_ttrnw(struct fixture *f, struct pair *pair)
{
    pages_of(f, pair, S2_ALL, DESCRIPTOR_AF | S2_WRITE, S2_ALL);
    fixture_access(f, FIRST, false);
}

static void rnw_of_fetch(struct fixture *f, struct pair *pair)
{
    pages_of(f, pair, 0, S2_ALL, S2_ALL);
    fixture_access(f, FIRST, true);
}

static void both_ttbs_translated(struct fixture *f, struct pair *pair)
{
    pages_of(f, pair, S2_ALL, S2_ALL, 0);
    fixture_access(f, FIRST, false);
}

/* The first table of 64 KiB granule has two pages of stage 2; neither is mapped. */
static void ipa_of_table(struct fixture *f, struct pair *pair)
{
    fixture_begin(f, pair, true, true, 16, 39);
    fixture_map2(f, f->scenario->streams[0].cd_at, f->scenario->streams[0].cd_at, S2_ALL);
    fixture_start(f);
    fixture_access(f, HALF, false);
}

static void table_fault_of_stage1(struct fixture *f, struct pair *pair)
{
    nested_of(f, pair, S2_ALL);
    poke64(pair, table_slot(f, FIRST, 2), NOWHERE | DESCRIPTOR_TABLE);
    fixture_start(f);
    fixture_access(f, FIRST, false);
}

static void ipa_lost_on_hit(struct fixture *f, struct pair *pair)
{
    nested_of(f, pair, DESCRIPTOR_AF | S2_READ);
    fixture_start(f);
    fixture_access(f, FIRST, false);
    fixture_access(f, FIRST, true);
}

static void ipa_with_offset(struct fixture *f, struct pair *pair)
{
    stage2_of(f, pair);
    fixture_start(f);
    fixture_access(f, FIRST + 4, false);
}

/* ------------------------------------------------------------------ all of them */

static const struct showing {
    const char *name;
    void (*show)(struct fixture *fixture, struct pair *pair);
} showings[] = {
    { "first-table-only", first_table_only },
    { "flag-updates-not-refused", flag_updates_not_refused },
    { "one-tbi", one_tbi },
    { "table-rights-lost-on-hit", table_rights_lost_on_hit },
    { "read-passes-on-hit", read_passes_on_hit },
    { "always-privileged", always_privileged },
    { "bad-streamid-always-recorded", bad_streamid_always_recorded },
    { "s1cdmax-refused", s1cdmax_refused },
    { "s1stalld-refused-without-stage1", s1stalld_refused_without_stage1 },
    { "s2t0sz-against-ps", s2t0sz_against_ps },
    { "input-size-not-recorded", input_size_not_recorded },
    { "leaf-before-address", leaf_before_address },
    { "table-address-not-checked", table_address_not_checked },
    { "large-table-address-is-tt", large_table_address_is_tt },
    { "table-rights-before-leaf", table_rights_before_leaf },
    { "stage1-leaf-before-address", stage1_leaf_before_address },
    { "no-event-on-hit", no_event_on_hit },
    { "no-ttrnw", no_ttrnw },
    { "rnw-of-fetch", rnw_of_fetch },
    { "ipa-of-table", ipa_of_table },
    { "table-fault-of-stage1", table_fault_of_stage1 },
    { "both-ttbs-translated", both_ttbs_translated },
    { "ipa-lost-on-hit", ipa_lost_on_hit },
    { "ipa-with-offset", ipa_with_offset },
    /* The last two: QEMU does not forget a two-level stream table. */
    { "span-too-wide", span_too_wide },
    { "short-span-is-bad-ste", short_span_is_bad_ste },
};

static bool shows(const struct showing *showing, struct pair *pair, const char *name)
{
    static struct fixture fixture;

    if (strcmp(showing->name, name) != 0) {
        return false;
    }
    showing->show(&fixture, pair);
    for (unsigned d = 0; d < deviation_count; d++) {
        if (!strcmp(deviations[d].name, name)) {
            return fixture.tally.met[d] > 0 && fixture.tally.failures == 0;
        }
    }
    return false;
}

/* In the order of the showings; a deviation that none shows fails too. */
void test_known_deviations(struct pair *pair, struct results *results)
{
    const unsigned count = sizeof(showings) / sizeof(*showings);
    uint64_t shown = 0;

    for (unsigned i = 0; i < count; i++) {
        bool exists = shows(&showings[i], pair, showings[i].name);

        report(results, exists, "a known deviation is gone or does otherwise", showings[i].name);
        for (unsigned d = 0; d < deviation_count; d++) {
            shown |= (uint64_t)!strcmp(deviations[d].name, showings[i].name) << d;
        }
    }
    for (unsigned d = 0; d < deviation_count; d++) {
        if (!(shown >> d & 1)) {
            report(results, false, "a deviation without a test", deviations[d].name);
        }
    }
}
