/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random stream tables, STEs and context descriptors (IHI 0070, chapters 5.1, 5.2, 5.4).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"

/* A field by its highest and lowest bit, counted from bit 0 of the structure. */
static void put(uint64_t *words, unsigned high, unsigned low, uint64_t value)
{
    uint64_t mask = (high - low == 63 ? 0 : UINT64_C(1) << (high - low + 1)) - 1;

    words[low / 64] &= ~(mask << low % 64);
    words[low / 64] |= (value & mask) << low % 64;
}

/* Addresses stand in place: their low bits are not part of the field. */
static void put_address(uint64_t *words, unsigned word, uint64_t address)
{
    words[word] |= address;
}

/* Encodings of an output size, IDR5.OAS and the like. */
static unsigned size_code(unsigned bits)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44 };
    unsigned code = 0;

    while (code < 4 && sizes[code] < bits) {
        code++;
    }
    return code;
}

/* ------------------------------------------------------------------ STE */

/* One mistake in the part of an STE that stage 2 uses. QEMU ends itself where S2AA64 is 0. */
static void spoil_stage2(struct scenario *scenario, uint64_t *ste)
{
    struct dice *dice = &scenario->dice;

    switch (below(dice, 9)) {
    case 0:
        put(ste, 175, 174, 3); /* S2TG */
        break;
    case 1:
        put(ste, 165, 160, between(dice, 40, 63)); /* S2T0SZ */
        break;
    case 2:
        put(ste, 165, 160, below(dice, 20));
        break;
    case 3:
        put(ste, 167, 166, 3); /* S2SL0 */
        break;
    case 4:
        ste[3] |= UINT64_C(1) << between(dice, 44, 47); /* S2TTB */
        break;
    case 5:
        put(ste, 180, 180, 1); /* S2ENDI */
        break;
    case 6:
        put(ste, 185, 185, 1); /* S2S */
        break;
    case 7:
        put(ste, 178, 176, below(dice, 4)); /* S2PS */
        break;
    default:
        put(ste, 183 + below(dice, 2), 183, 1); /* S2HD, S2HA */
        break;
    }
}

static void spoil_ste(struct scenario *scenario, struct stream *stream, uint64_t *ste)
{
    struct dice *dice = &scenario->dice;

    switch (below(dice, 6)) {
    case 0:
        put(ste, 0, 0, 0); /* V */
        break;
    case 1:
        put(ste, 91, 91, 1); /* S1STALLD */
        break;
    case 2:
        put(ste, 63, 59, between(dice, 1, 31)); /* S1CDMax */
        break;
    case 3:
        put(ste, 3, 1, below(dice, 4)); /* Config: terminate in silence */
        break;
    default:
        if (stream->stage2) {
            spoil_stage2(scenario, ste);
        } else {
            put(ste, 93, 92, 1); /* EATS: nothing without ATS */
        }
        break;
    }
}

static void put_stage2(struct scenario *scenario, const struct stream *stream, uint64_t *ste)
{
    struct dice *dice = &scenario->dice;
    const struct space *space = stream->s2;
    static const unsigned granule_code[] = { 0, 2, 1 }; /* 4, 16, 64 KiB */

    put(ste, 165, 160, 64 - space->input_bits);
    put(ste, 167, 166, space->granule == 12 ? 2 - space->level : 3 - space->level);
    put(ste, 175, 174, granule_code[(space->granule - 12) / 2]);
    /* Mostly large enough for what QEMU wants of it; see s2t0sz-against-ps. */
    put(ste, 178, 176,
        chance(dice, 80) ? between(dice, size_code(space->input_bits), 7) : below(dice, 8));
    put(ste, 179, 179, 1);                 /* S2AA64 */
    put(ste, 181, 181, chance(dice, 15));  /* S2AFFD */
    put(ste, 186, 186, !chance(dice, 15)); /* S2R */
    put_address(ste, 3, space->root);
    put(ste, 173, 168, roll(dice) & 63); /* S2IR0, S2OR0, S2SH0 */
}

static void write_words(struct pair *pair, uint64_t at, const uint64_t *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        poke64(pair, at + i * sizeof(*words), words[i]);
    }
}

/* FNV over words that say how, not where. */
static uint64_t hash_words(uint64_t hash, const uint64_t *words, unsigned count,
                           const uint64_t *masks)
{
    for (unsigned i = 0; i < count; i++) {
        hash = (hash ^ (words[i] & masks[i])) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return hash;
}

static void write_ste(struct scenario *scenario, unsigned device)
{
    static const uint64_t shape[STE_WORD_COUNT] = {
        0xf80000000000003f, ~UINT64_C(0), 0xffffffff00000000, 0, 0, 0, 0, 0
    };
    struct dice *dice = &scenario->dice;
    struct stream *stream = &scenario->streams[device];
    uint64_t ste[STE_WORD_COUNT] = { 0 };

    put(ste, 0, 0, 1);
    put(ste, 3, 1, 4u + stream->stage1 + 2u * stream->stage2);
    put(ste, 143, 128, stream->vmid);
    put(ste, 71, 66, roll(dice) & 63); /* S1CIR, S1COR, S1CSH */
    if (stream->stage1) {
        put_address(ste, 0, stream->cd_at + (stream->stage2 ? scenario->ipa_offset : 0));
    }
    if (stream->stage2) {
        put_stage2(scenario, stream, ste);
    }
    if (chance(dice, 12)) {
        spoil_ste(scenario, stream, ste);
    }
    if (stream->ste_at) {
        write_words(scenario->pair, stream->ste_at, ste, STE_WORD_COUNT);
    }
    scenario->configurations[device] = hash_words(scenario->configurations[device] + 1, ste,
                                                  STE_WORD_COUNT, shape);
}

/* ------------------------------------------------------------------ context descriptor */

static void spoil_cd(struct scenario *scenario, uint64_t *cd)
{
    struct dice *dice = &scenario->dice;

    switch (below(dice, 11)) {
    case 0:
        put(cd, 31, 31, 0); /* V */
        break;
    case 1:
        put(cd, 41, 41, 0); /* AA64 */
        break;
    case 2:
        put(cd, 46, 46, 0); /* A: termination is always an abort here */
        break;
    case 3:
        put(cd, 44, 44, 1); /* S */
        break;
    case 4:
        put(cd, 42 + below(dice, 2), 42, 1); /* HD, HA */
        break;
    case 5:
        put(cd, 15, 15, 1); /* ENDI */
        break;
    case 6:
        put(cd, 7, 6, 3); /* TG0 */
        break;
    case 7:
        put(cd, 23, 22, 0); /* TG1 */
        break;
    case 8:
        put(cd, 5, 0, chance(dice, 50) ? below(dice, 16) : between(dice, 40, 63)); /* T0SZ */
        break;
    case 9:
        cd[1 + below(dice, 2)] |= UINT64_C(1) << between(dice, 44, 47); /* TTB0, TTB1 */
        break;
    default:
        put(cd, 14, 14, 1); /* EPD0 and EPD1 */
        put(cd, 30, 30, 1);
        break;
    }
}

static void write_cd(struct scenario *scenario, unsigned device)
{
    static const uint64_t shape[CD_WORD_COUNT] = { 0x0000ffffffffffff, 7, 7, 0, 0, 0, 0, 0 };
    static const unsigned tg0[] = { 0, 2, 1 }, tg1[] = { 2, 1, 3 };
    struct dice *dice = &scenario->dice;
    struct stream *stream = &scenario->streams[device];
    unsigned least = stream->stage2 ? size_code(stream->s2->input_bits) : 0;
    uint64_t cd[CD_WORD_COUNT] = { 0 };

    put(cd, 5, 0, 64 - stream->s1[0]->input_bits);
    put(cd, 7, 6, tg0[(stream->s1[0]->granule - 12) / 2]);
    put(cd, 14, 14, chance(dice, 15)); /* EPD0 */
    put(cd, 21, 16, 64 - stream->s1[1]->input_bits);
    put(cd, 23, 22, tg1[(stream->s1[1]->granule - 12) / 2]);
    put(cd, 30, 30, chance(dice, 30));                                            /* EPD1 */
    put(cd, 31, 31, 1);                                                           /* V */
    put(cd, 34, 32, chance(dice, 85) ? between(dice, least, 5) : below(dice, 6)); /* IPS */
    put(cd, 35, 35, chance(dice, 15));                                            /* AFFD */
    put(cd, 39, 38, chance(dice, 40) ? below(dice, 4) : 0);                       /* TBI */
    put(cd, 41, 41, 1);                                                           /* AA64 */
    put(cd, 45, 45, !chance(dice, 15));                                           /* R */
    put(cd, 46, 46, 1);                                                           /* A */
    put(cd, 47, 47, chance(dice, 50));                                            /* ASET */
    put(cd, 63, 48, stream->asid);
    put(cd, 65, 65, chance(dice, 30));   /* HAD0 */
    put(cd, 129, 129, chance(dice, 30)); /* HAD1 */
    for (unsigned i = 0; i < 2; i++) {
        put_address(cd, 1 + i, stream->s1[i]->root + stream->s1[i]->beyond);
        put(cd, 13 + 16 * i, 8 + 16 * i, roll(dice) & 63); /* IR, OR, SH */
    }
    if (chance(dice, 12)) {
        spoil_cd(scenario, cd);
    }
    write_words(scenario->pair, stream->cd_at, cd, CD_WORD_COUNT);
    scenario->configurations[device] = hash_words(scenario->configurations[device] + 1, cd,
                                                  CD_WORD_COUNT, shape);
}

/* ------------------------------------------------------------------ stream table */

/* Where the STE of a stream goes; 0 if the stream has none. */
static uint64_t linear_ste(uint64_t base, unsigned log2_size, uint32_t stream_id)
{
    return stream_id < 1u << log2_size ? base + stream_id * UINT64_C(64) : 0;
}

static uint64_t two_level_ste(struct scenario *scenario, unsigned log2_size, unsigned split,
                              uint32_t stream_id)
{
    struct pair *pair = scenario->pair;
    uint64_t at = AT_STREAMS + (stream_id >> split) * UINT64_C(8);
    uint64_t descriptor = peek64(pair, at);
    uint64_t index = stream_id & ((1u << split) - 1);
    unsigned span = split + 1;

    if (stream_id >= 1u << log2_size) {
        return 0;
    }
    if (!descriptor) {
        if (chance(&scenario->dice, 5)) {
            return 0;
        }
        if (chance(&scenario->dice, 25)) {
            span = between(&scenario->dice, 1, split + 1);
        }
        descriptor = take_tables(pair, UINT64_C(64) << split, UINT64_C(64) << split);
        if (chance(&scenario->dice, 3)) {
            descriptor = HOLE_FIRST;
        }
        poke64(pair, at, descriptor | span);
    }
    span = descriptor & 31;
    descriptor &= ~UINT64_C(63);
    if (!span) {
        return 0;
    }
    return index < UINT64_C(1) << (span - 1) && in_ram(descriptor, 64) ? descriptor + index * 64
                                                                       : 0;
}

static void write_stream_table(struct scenario *scenario)
{
    static const unsigned splits[] = { 6, 8, 10 };
    struct dice *dice = &scenario->dice;
    struct pair *pair = scenario->pair;
    unsigned log2_size = chance(dice, 80) ? between(dice, 10, 12) : between(dice, 4, 9);
    unsigned split = splits[below(dice, 3)];

    clear_memory(pair, AT_STREAMS, AT_BUFFER - AT_STREAMS);
    for (unsigned i = 0; i < pair->device_count; i++) {
        uint32_t stream_id = pair->devices[i].stream_id;

        scenario->streams[i].ste_at = scenario->two_level
                                          ? two_level_ste(scenario, log2_size, split, stream_id)
                                          : linear_ste(AT_STREAMS, log2_size, stream_id);
    }
    both_write32(pair, R_CR2, chance(dice, 60) ? 2 : 0); /* RECINVSID */
    both_write64(pair, R_STRTAB_BASE, AT_STREAMS);
    both_write32(pair, R_STRTAB_BASE_CFG,
                 log2_size | (scenario->two_level ? split << 6 | 1u << 16 : 0));
}

/* ------------------------------------------------------------------ all of it */

static void note_stage2_tables(struct pair *pair, uint64_t first)
{
    unsigned n = pair->stage2_tables_count++;

    pair->stage2_tables[n].first = first;
    pair->stage2_tables[n].end = pair->tables_end;
}

static void build_stream(struct scenario *scenario, unsigned device)
{
    struct dice *dice = &scenario->dice;
    struct stream *stream = &scenario->streams[device];
    bool bypass = chance(dice, 6);
    uint64_t first = 0, end = 0;

    stream->vmid = 16 * (1 + device) + below(dice, 16);
    stream->asid = 16 * (1 + device) + below(dice, 16);
    stream->stage1 = !bypass && scenario->mode != MODE_STAGE2;
    stream->stage2 = !bypass && scenario->mode != MODE_STAGE1;
    scenario->configurations[device] = scenario->mode;
    if (stream->stage1) {
        stream->cd_at = take_tables(scenario->pair, 65536, 65536);
        first = stream->cd_at;
        build_stage1(scenario, device);
        fill_stage1(scenario, device);
        end = scenario->pair->tables_end;
    }
    if (stream->stage2) {
        uint64_t stage2_first = scenario->pair->tables_end;

        build_stage2(scenario, device);
        if (stream->stage1) {
            map_for_nesting(scenario, device, first, end);
        }
        note_stage2_tables(scenario->pair, stage2_first);
    }
    if (stream->stage1) {
        write_cd(scenario, device);
    }
    write_ste(scenario, device);
}

/* Two streams with one STE: one VMID, one set of tables, one context. */
static void share_stream(struct scenario *scenario, unsigned device, unsigned with)
{
    uint64_t at = scenario->streams[device].ste_at;

    scenario->streams[device] = scenario->streams[with];
    scenario->streams[device].ste_at = at;
    scenario->configurations[device] = scenario->configurations[with];
    for (unsigned i = 0; i < STE_WORD_COUNT && at && scenario->streams[with].ste_at; i++) {
        poke64(scenario->pair, at + i * UINT64_C(8),
               peek64(scenario->pair, scenario->streams[with].ste_at + i * UINT64_C(8)));
    }
}

static void fill_chunks(struct scenario *scenario)
{
    for (unsigned i = 0; i < CHUNKS; i++) {
        for (uint64_t at = 0; at < CHUNK_BYTES; at += 4096) {
            /* The first words of each page, and the last: where accesses go. */
            for (uint64_t word = 0; word < 32; word++) {
                poke64(scenario->pair, chunk_address(i) + at + word * 8, roll(&scenario->dice));
                poke64(scenario->pair, chunk_address(i) + at + 4096 - 8 - word * 8,
                       roll(&scenario->dice));
            }
        }
    }
}

void scenario_build(struct scenario *scenario)
{
    struct pair *pair = scenario->pair;
    struct dice *dice = &scenario->dice;

    both_reset_queues(pair);
    drop_tables(pair);
    pair->concatenated_count = 0;
    pair->stage2_tables_count = 0;
    fill_chunks(scenario);
    scenario->ipa_offset = scenario->mode == MODE_NESTED ? (uint64_t)between(dice, 0, 6) << 30 : 0;
    write_stream_table(scenario);
    for (unsigned i = 0; i < pair->device_count; i++) {
        if (i && chance(dice, 15)) {
            share_stream(scenario, i, below(dice, i));
        } else {
            build_stream(scenario, i);
        }
    }
    both_write32(pair, R_CR0, CR0_ON);
    qtest_sync(&pair->qtest);
}

struct space *stage2_space(struct scenario *scenario, const uint64_t *ste)
{
    for (unsigned i = 0; i < DEVICES_MAX; i++) {
        struct space *space = &scenario->spaces[i][2];

        if (space->root && space->root == (ste[3] & UINT64_C(0x000ffffffffffff0))) {
            return space;
        }
    }
    return NULL;
}

struct space *stage1_space(struct scenario *scenario, const uint64_t *cd, unsigned which)
{
    for (unsigned i = 0; i < DEVICES_MAX; i++) {
        struct space *space = &scenario->spaces[i][which];

        if (space->root &&
            space->root + space->beyond == (cd[1 + which] & UINT64_C(0x000ffffffffffff0))) {
            return space;
        }
    }
    return NULL;
}

static void print_words(const struct pair *pair, const char *name, uint64_t at)
{
    printf("    %s at 0x%" PRIx64 ":", name, at);
    for (unsigned i = 0; i < 4; i++) {
        printf(" %016" PRIx64, peek64(pair, at + i * UINT64_C(8)));
    }
    printf("\n");
}

void print_stream(const struct scenario *scenario, unsigned device, uint64_t iova)
{
    const struct stream *stream = &scenario->streams[device];
    const struct space *first = stream->s1[iova >> 55 & 1];

    if (stream->ste_at) {
        print_words(scenario->pair, "STE", stream->ste_at);
    } else {
        printf("    no STE\n");
    }
    if (stream->stage1) {
        print_words(scenario->pair, "CD", stream->cd_at);
        print_walk(scenario->pair, first, iova);
        printf("      IPA 0x%" PRIx64 " beyond memory\n", scenario->ipa_offset);
    }
    if (stream->stage2 && !stream->stage1) {
        print_walk(scenario->pair, stream->s2, iova);
    }
}
