/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random accesses: mostly to what is mapped, and near it, and nowhere.
 */
#include "scenario.h"

enum { ATTEMPTS = 20, PAGE = 4096, EDGE_WORDS = 64 };

/* An offset into a page, where fill_chunks put something: near its start or its end. */
static uint64_t offset_in_page(struct dice *dice)
{
    uint64_t word = below(dice, EDGE_WORDS - PIECES_MAX);

    return chance(dice, 70) ? word * 4 : PAGE - 4 * (PIECES_MAX + 1 + word);
}

static uint64_t choose_in_space(struct scenario *scenario, const struct space *space)
{
    struct dice *dice = &scenario->dice;
    uint64_t bits = (UINT64_C(1) << space->input_bits) - 1;
    const struct leaf *leaf = NULL;

    if (!space->count || chance(dice, 4)) {
        return space->base + (roll(dice) & bits & ~UINT64_C(3));
    }
    leaf = &space->leaves[below(dice, space->count)];
    if (chance(dice, 8)) {
        return (leaf->input ^ UINT64_C(1) << between(dice, space->granule, space->input_bits - 1)) +
               offset_in_page(dice);
    }
    if (chance(dice, 4)) { /* across the end of the page */
        return leaf->input + leaf->inside + (UINT64_C(1) << space->granule) - 8;
    }
    return leaf->input + leaf->inside + offset_in_page(dice);
}

static uint64_t choose_iova(struct scenario *scenario, const struct stream *stream)
{
    struct dice *dice = &scenario->dice;
    uint64_t iova = 0;

    if (stream->stage1) {
        iova = choose_in_space(scenario, stream->s1[below(dice, 2)]);
    } else if (stream->stage2) {
        iova = choose_in_space(scenario, stream->s2);
    } else {
        iova = chunk_address(below(dice, CHUNKS)) + offset_in_page(dice);
    }
    if (chance(dice, 3)) {
        iova ^= UINT64_C(1) << between(dice, 25, 63);
    }
    if (stream->stage1 && chance(dice, 8)) {
        iova ^= roll(dice) << 56; /* what TBI ignores */
    }
    return iova;
}

static bool in_chunks(uint64_t address)
{
    for (unsigned i = 0; i < CHUNKS; i++) {
        if (address >= chunk_address(i) && address < chunk_address(i) + CHUNK_BYTES) {
            return true;
        }
    }
    return false;
}

static bool in_tables(const struct pair *pair, uint64_t address)
{
    return (address >= AT_STREAMS && address < AT_BUFFER) ||
           (address >= AT_TABLES && address < pair->tables_end);
}

/* Neither memory nor a window of the machine's. */
static bool nothing_there(uint64_t address)
{
    return (address >= HOLE_FIRST && address <= HOLE_LAST) || address >> 40;
}

static bool piece_harmless(const struct pair *pair, const struct piece *piece, bool write)
{
    if (piece->not_modelled) {
        return false;
    }
    if (piece->landed) {
        return in_chunks(piece->address) || (!write && in_tables(pair, piece->address));
    }
    return !piece->translated || nothing_there(piece->address);
}

/* As memory is now, or was before the change, as it is or as QEMU may see it. */
static bool seen_harmless(struct scenario *scenario, const struct access *access, unsigned views,
                          bool before)
{
    struct pair *pair = scenario->pair;
    struct outcome outcome;

    if (before) {
        see_before_change(scenario, true);
    }
    model_access(pair, &pair->fresh, access, views, &outcome);
    if (before) {
        see_before_change(scenario, false);
    }
    for (unsigned i = 0; i < access->count; i++) {
        if (!piece_harmless(pair, &outcome.pieces[i], access->write)) {
            return false;
        }
    }
    return true;
}

/*
 * Whether both sides may do it: a write must not hit tables, a read only what is compared, and
 * nothing a device of the machine.
 */
static bool harmless(struct scenario *scenario, const struct access *access)
{
    return seen_harmless(scenario, access, VIEW_PLAIN, false) &&
           seen_harmless(scenario, access, VIEWS_ALL, false) &&
           (!scenario->change.open || (seen_harmless(scenario, access, VIEW_PLAIN, true) &&
                                       seen_harmless(scenario, access, VIEWS_ALL, true)));
}

/* Remember it, for a change to look at. */
static void note_recent(struct scenario *scenario, const struct access *access)
{
    scenario->recent[scenario->recent_count++ % RECENT] = *access;
    scenario->linger -= scenario->linger > 0;
}

bool choose_access(struct scenario *scenario, struct access *access)
{
    static const unsigned counts[] = { 1, 1, 1, 1, 1, 1, 2, 2, 4, PIECES_MAX };
    struct dice *dice = &scenario->dice;
    struct pair *pair = scenario->pair;

    for (unsigned i = 0; i < ATTEMPTS; i++) {
        bool changed = (scenario->change.open || scenario->linger) && chance(dice, 60);

        access->device = changed ? scenario->change.device : below(dice, pair->device_count);
        access->iova = choose_iova(scenario, &scenario->streams[access->device]);
        access->count = counts[below(dice, sizeof(counts) / sizeof(*counts))];
        access->write = !pair->devices[access->device].edu || chance(dice, 35);
        if (changed && scenario->change.kind <= CHANGE_LEAF2 && scenario->change.leaf.slot &&
            (scenario->change.kind == CHANGE_LEAF1 || !scenario->streams[access->device].stage1)) {
            access->iova = scenario->change.leaf.input + scenario->change.leaf.inside +
                           offset_in_page(dice);
        }
        if (harmless(scenario, access)) {
            note_recent(scenario, access);
            return true;
        }
    }
    return false;
}
