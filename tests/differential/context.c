/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random translation tables: geometry, leaves, and what can be wrong with them.
 */
#include "scenario.h"

static uint64_t low(unsigned bits)
{
    return bits >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1;
}

/* A page of memory that devices may reach, aligned for this granule. */
static uint64_t random_page(struct scenario *scenario, unsigned granule)
{
    uint64_t chunk = chunk_address(below(&scenario->dice, CHUNKS));

    return chunk + (below(&scenario->dice, CHUNK_BYTES >> granule) << granule);
}

static unsigned random_level(struct scenario *scenario, const struct space *space)
{
    unsigned level = LEVEL_LAST;

    if (chance(&scenario->dice, 35) && space->level <= 2) {
        level = 2;
    }
    if (chance(&scenario->dice, 10) && space->level <= 1 && block_level(space, 1)) {
        level = 1;
    }
    return level < space->level ? space->level : level;
}

/* An input address: anywhere, or near one that is mapped, so that tables are shared. */
static uint64_t random_input(struct scenario *scenario, const struct space *space, unsigned level)
{
    struct dice *dice = &scenario->dice;
    uint64_t size = UINT64_C(1) << level_shift(space, level);
    uint64_t offset = roll(dice) & low(space->input_bits);

    if (space->count && chance(dice, 60)) {
        offset = space->leaves[below(dice, space->count)].input - space->base +
                 between(dice, 1, 5) * size;
    }
    return space->base + (offset & low(space->input_bits) & ~(size - 1));
}

/* Output bits wrong on purpose: beyond what the unit can put out, or where nothing is. */
static uint64_t wrong_output(struct scenario *scenario, uint64_t output)
{
    struct dice *dice = &scenario->dice;

    switch (below(dice, 3)) {
    case 0:
        return output | UINT64_C(1) << between(dice, 44, 47);
    case 1:
        return output | UINT64_C(1) << between(dice, 40, 43);
    default:
        return output | HOLE_FIRST;
    }
}

static uint64_t leaf_type(unsigned level)
{
    return level == LEVEL_LAST ? DESCRIPTOR_TABLE : DESCRIPTOR_BLOCK;
}

/* Bits that mean nothing to either side: memory attributes, shareability, software's own. */
static uint64_t indifferent(struct dice *dice, uint64_t attributes)
{
    return (roll(dice) & attributes) | (roll(dice) & UINT64_C(0x0780000000000300));
}

static uint64_t stage2_attributes(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    uint64_t bits = indifferent(dice, 0x3c) | DESCRIPTOR_AF | S2_READ | S2_WRITE;

    if (chance(dice, 20)) {
        bits &= ~S2_WRITE;
    }
    if (chance(dice, 12)) {
        bits &= ~S2_READ;
    }
    if (chance(dice, 7)) {
        bits &= ~DESCRIPTOR_AF;
    }
    return bits | (roll(dice) & UINT64_C(0x0060000000000000)); /* XN */
}

static uint64_t stage1_attributes(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    uint64_t bits = indifferent(dice, 0x1c) | DESCRIPTOR_AF | S1_USER;

    if (chance(dice, 20)) {
        bits |= S1_READ_ONLY;
    }
    if (chance(dice, 15)) {
        bits &= ~S1_USER;
    }
    if (chance(dice, 7)) {
        bits &= ~DESCRIPTOR_AF;
    }
    /* Without VMIDs all streams share what is global: their tables would have to agree. */
    if (chance(dice, 50) || !scenario->pair->parameters.s2p) {
        bits |= S1_NOT_GLOBAL;
    }
    return bits | (roll(dice) & UINT64_C(0x0060000000000000)); /* UXN, PXN */
}

static void map_random(struct scenario *scenario, struct space *space, bool stage1, uint64_t offset)
{
    struct dice *dice = &scenario->dice;
    unsigned level = random_level(scenario, space);
    uint64_t size = UINT64_C(1) << level_shift(space, level);
    uint64_t page = random_page(scenario, space->granule);
    uint64_t output = (page & ~(size - 1)) + offset;
    uint64_t input = random_input(scenario, space, level);
    uint64_t descriptor = leaf_type(level);

    descriptor |= stage1 ? stage1_attributes(scenario) : stage2_attributes(scenario);
    if (chance(dice, 6)) {
        output = wrong_output(scenario, output);
    }
    if (chance(dice, 3)) {
        descriptor ^= 2; /* another type: reserved at the last level, a table above */
        output = level == LEVEL_LAST ? output : HOLE_FIRST;
    }
    map_leaf(scenario->pair, space, input, level, descriptor | output, page & (size - 1));
}

/* ------------------------------------------------------------------ stage 2 */

/* Concatenation: how many bits beyond one table the first level may resolve. */
enum { CONCATENATED_BITS = 4 };

static void stage2_geometry(struct scenario *scenario, struct space *space, unsigned least_bits)
{
    struct dice *dice = &scenario->dice;
    static const unsigned granules[] = { 12, 14, 16 };

    for (;;) {
        unsigned covered = 0;

        space->granule = granules[below(dice, 3)];
        space->level = space->granule == 12 ? below(dice, 3) : between(dice, 1, 3);
        space->input_bits = between(dice, least_bits, 44);
        covered = level_shift(space, space->level);
        if (space->input_bits > covered &&
            space->input_bits <= covered + space->granule - 3 + CONCATENATED_BITS) {
            return;
        }
    }
}

void build_stage2(struct scenario *scenario, unsigned device)
{
    struct space *space = &scenario->spaces[device][2];
    bool nested = scenario->mode == MODE_NESTED;
    unsigned leaves = nested ? 0 : between(&scenario->dice, 5, 14);

    *space = (struct space){ .tag = scenario->streams[device].vmid };
    stage2_geometry(scenario, space, nested ? 33 : 25);
    make_root(scenario->pair, space);
    note_concatenation(scenario->pair, space);
    for (unsigned i = 0; i < leaves; i++) {
        map_random(scenario, space, false, 0);
    }
    scenario->streams[device].s2 = space;
}

/* Map what is at `address` in memory at `address + ipa_offset` in the IPA space. */
static void map_ipa(struct scenario *scenario, struct space *space, uint64_t address,
                    unsigned level, uint64_t attributes)
{
    uint64_t base = 0;

    level = level < space->level ? space->level : level;
    base = address & ~low(level_shift(space, level));
    map_leaf(scenario->pair, space, base + scenario->ipa_offset, level,
             base | attributes | leaf_type(level), address - base);
}

/*
 * What stage 1 needs of the IPA space: its tables and context descriptor, which lie from `first`
 * to `end`, and the pages behind it. Some are left out or may not be read.
 */
void map_for_nesting(struct scenario *scenario, unsigned device, uint64_t first, uint64_t end)
{
    struct dice *dice = &scenario->dice;
    struct space *space = &scenario->spaces[device][2];
    unsigned level = chance(dice, 50) || space->level > 2 ? LEVEL_LAST : 2;

    if (space->granule < scenario->spaces[device][0].granule ||
        space->granule < scenario->spaces[device][1].granule) {
        level = 2; /* no table is larger than what maps it: see table-in-one-piece */
    }
    for (uint64_t at = first; at < end; at += 65536) {
        uint64_t attributes = DESCRIPTOR_AF | S2_READ | S2_WRITE;

        if (chance(dice, 3)) {
            continue;
        }
        if (chance(dice, 3)) {
            attributes &= chance(dice, 50) ? ~S2_READ : ~DESCRIPTOR_AF;
        }
        map_ipa(scenario, space, at, level, attributes);
    }
    for (unsigned i = 0; i < CHUNKS; i++) {
        uint64_t attributes = stage2_attributes(scenario);

        if (chance(dice, 70)) {
            map_ipa(scenario, space, chunk_address(i), 2, attributes);
        }
        for (unsigned page = 0; page < 4 && chance(dice, 60); page++) {
            map_ipa(scenario, space, random_page(scenario, space->granule), LEVEL_LAST,
                    stage2_attributes(scenario));
        }
    }
}

/* ------------------------------------------------------------------ stage 1 */

static void stage1_geometry(struct scenario *scenario, struct space *space)
{
    static const unsigned granules[] = { 12, 14, 16 };
    unsigned stride = 0;

    space->granule = granules[below(&scenario->dice, 3)];
    space->input_bits = between(&scenario->dice, 25, 48);
    stride = space->granule - 3;
    space->level = 4 - (space->input_bits - space->granule + stride - 1) / stride;
}

/* Rights taken away by a table on the way to a leaf. */
static void restrict_tables(struct scenario *scenario, struct space *space)
{
    struct dice *dice = &scenario->dice;

    for (unsigned i = 0; i < space->count; i++) {
        const struct leaf *leaf = &space->leaves[i];
        unsigned level = between(dice, space->level, LEVEL_LAST);
        uint64_t slot = 0;

        if (level >= leaf->level || !chance(dice, 10)) {
            continue;
        }
        slot = descriptor_slot(scenario->pair, space, leaf->input, level, false);
        if (slot) {
            poke64(scenario->pair, slot,
                   peek64(scenario->pair, slot) |
                       (chance(dice, 50) ? S1_TABLE_READ_ONLY : S1_TABLE_NO_USER));
        }
    }
}

void build_stage1(struct scenario *scenario, unsigned device)
{
    struct stream *stream = &scenario->streams[device];
    bool nested = scenario->mode == MODE_NESTED;

    for (unsigned i = 0; i < 2; i++) {
        struct space *space = &scenario->spaces[device][i];

        *space = (struct space){ .tag = stream->asid };
        stage1_geometry(scenario, space);
        space->base = i ? ~low(space->input_bits) : 0;
        space->beyond = nested ? scenario->ipa_offset : 0;
        make_root(scenario->pair, space);
        stream->s1[i] = space;
    }
}

void fill_stage1(struct scenario *scenario, unsigned device)
{
    for (unsigned i = 0; i < 2; i++) {
        struct space *space = scenario->streams[device].s1[i];
        unsigned leaves = between(&scenario->dice, 3, 9);

        for (unsigned n = 0; n < leaves; n++) {
            map_random(scenario, space, true,
                       scenario->mode == MODE_NESTED ? scenario->ipa_offset : 0);
        }
        restrict_tables(scenario, space);
    }
}
