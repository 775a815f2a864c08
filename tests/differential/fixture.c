/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain set-up: its STE and CD word by word.
 */
#include "fixture.h"

#include <string.h>

enum { LOG2SIZE = 10, BITS = 39 };

#define STE_PLAIN_STAGE2 UINT64_C(0x040c000000000000) /* S2R, S2AA64, S2PS = 4 */
#define CD_PLAIN UINT64_C(0x0001620480990019) /* T0SZ, T1SZ 25, TG1 4 KiB, V, IPS, AA64, R, A */

static struct scenario scenario;

static void make_space(struct fixture *fixture, unsigned which, unsigned granule, unsigned bits,
                       unsigned level)
{
    struct space *space = &fixture->scenario->spaces[0][which];

    *space = (struct space){ .granule = granule, .level = level, .input_bits = bits, .tag = 1 };
    space->base = which == 1 ? ~UINT64_C(0) << bits : 0;
    make_root(fixture->scenario->pair, space);
}

void fixture_begin(struct fixture *fixture, struct pair *pair, bool stage1, bool stage2,
                   unsigned granule1, unsigned bits2)
{
    struct stream *stream = &scenario.streams[0];

    memset(fixture, 0, sizeof(*fixture));
    memset(&scenario, 0, sizeof(scenario));
    scenario.pair = pair;
    scenario.mode = stage1 ? stage2 ? MODE_NESTED : MODE_STAGE1 : MODE_STAGE2;
    fixture->scenario = &scenario;
    fixture->stage1 = stage1;
    fixture->stage2 = stage2;
    fixture->cr2 = 2;
    fixture->table_config = LOG2SIZE;
    fixture->ste_at = AT_STREAMS + pair->devices[0].stream_id * UINT64_C(64);
    both_reset_queues(pair);
    drop_tables(pair);
    clear_memory(pair, AT_STREAMS, AT_BUFFER - AT_STREAMS);
    pair->concatenated_count = 0;
    pair->stage2_tables_count = 0;
    for (unsigned i = 0; i < CHUNKS; i++) {
        for (uint64_t at = 0; at < 8192; at += 4) {
            poke32(pair, chunk_address(i) + at, (uint32_t)(0x10000001 + i * 0x10000 + at));
        }
    }
    stream->vmid = 1;
    stream->asid = 1;
    stream->stage1 = stage1;
    stream->stage2 = stage2;
    stream->cd_at = take_tables(pair, 65536, 65536);
    make_space(fixture, 0, granule1, BITS, granule1 == 12 ? 1 : 2);
    make_space(fixture, 1, granule1, BITS, granule1 == 12 ? 1 : 2);
    make_space(fixture, 2, 12, bits2, 1);
    note_concatenation(pair, &scenario.spaces[0][2]);
    stream->s1[0] = &scenario.spaces[0][0];
    stream->s1[1] = &scenario.spaces[0][1];
    stream->s2 = &scenario.spaces[0][2];
    if (!stage1) {
        scenario.spaces[0][0].root = 0;
        scenario.spaces[0][1].root = 0;
    }
    pair->stage2_tables[0].first = scenario.spaces[0][2].root;
    pair->stage2_tables_count = 1;
}

static uint64_t map_page(struct fixture *fixture, struct space *space, uint64_t input,
                         uint64_t output, uint64_t rights)
{
    map_leaf(fixture->scenario->pair, space, input, LEVEL_LAST, output | rights | DESCRIPTOR_TABLE,
             0);
    return descriptor_slot(fixture->scenario->pair, space, input, LEVEL_LAST, false);
}

uint64_t fixture_map1(struct fixture *fixture, uint64_t input, uint64_t output, uint64_t rights)
{
    return map_page(fixture, &fixture->scenario->spaces[0][input >> 63], input, output, rights);
}

uint64_t fixture_map2(struct fixture *fixture, uint64_t input, uint64_t output, uint64_t rights)
{
    return map_page(fixture, &fixture->scenario->spaces[0][2], input, output, rights);
}

void fixture_map_tables(struct fixture *fixture)
{
    /* One block is more than a test's tables need. */
    map_leaf(fixture->scenario->pair, &fixture->scenario->spaces[0][2], AT_TABLES, 2,
             AT_TABLES | S2_ALL | DESCRIPTOR_BLOCK, 0);
}

static void write_plain(struct pair *pair, uint64_t at, uint64_t *words, const uint64_t *set,
                        const uint64_t *clear)
{
    for (unsigned i = 0; i < 8; i++) {
        poke64(pair, at + i * UINT64_C(8), (words[i] & ~clear[i]) | set[i]);
    }
}

void fixture_start(struct fixture *fixture)
{
    struct pair *pair = fixture->scenario->pair;
    const struct space *spaces = fixture->scenario->spaces[0];
    struct stream *stream = &fixture->scenario->streams[0];
    uint64_t ste[STE_WORD_COUNT] = { 1 | (uint64_t)(4 + fixture->stage1 + 2 * fixture->stage2)
                                             << 1 };
    uint64_t cd[CD_WORD_COUNT] = { CD_PLAIN, spaces[0].root, spaces[1].root };

    if (fixture->stage1) {
        ste[0] |= stream->cd_at;
    }
    if (spaces[0].granule == 16) {
        cd[0] = (cd[0] & ~UINT64_C(0xc000c0)) | 1 << 6 | 3 << 22; /* TG0, TG1: 64 KiB */
    }
    ste[2] = stream->vmid;
    if (fixture->stage2) {
        ste[2] |= STE_PLAIN_STAGE2 | (uint64_t)(64 - spaces[2].input_bits) << 32 |
                  UINT64_C(1) << 38; /* S2T0SZ; S2SL0: from level 1 */
        ste[3] = spaces[2].root;
    }
    stream->ste_at = fixture->ste_at;
    pair->stage2_tables[0].end = pair->tables_end;
    write_plain(pair, fixture->ste_at, ste, fixture->ste_set, fixture->ste_clear);
    write_plain(pair, stream->cd_at, cd, fixture->cd_set, fixture->cd_clear);
    both_write32(pair, R_CR2, fixture->cr2);
    both_write64(pair, R_STRTAB_BASE, AT_STREAMS);
    both_write32(pair, R_STRTAB_BASE_CFG, fixture->table_config);
    both_write32(pair, R_CR0, CR0_ON);
    qtest_sync(&pair->qtest);
}

void fixture_access(struct fixture *fixture, uint64_t iova, bool write)
{
    struct access access = { .device = 0, .iova = iova, .count = 1, .write = write };

    judge_access(fixture->scenario, &access, &fixture->history, &fixture->tally);
}

struct piece fixture_model(struct fixture *fixture, uint64_t iova, bool write)
{
    struct access access = { .device = 0, .iova = iova, .count = 1, .write = write };
    struct pair *pair = fixture->scenario->pair;
    struct outcome outcome;

    model_access(pair, &pair->keep, &access, VIEW_PLAIN, &outcome);
    return outcome.pieces[0];
}

struct seen fixture_qemu(struct fixture *fixture, uint64_t iova, bool write)
{
    struct access access = { .device = 0, .iova = iova, .count = 1, .write = write };
    struct seen seen = { .words = { 0x5eed5eed } };

    qemu_access(fixture->scenario->pair, &access, RAM_BASE, &seen);
    return seen;
}

bool fixture_qemu_reads(struct fixture *fixture, uint64_t iova, uint64_t address)
{
    struct seen seen = fixture_qemu(fixture, iova, false);

    return seen.events == 0 && seen.words[0] == peek32(fixture->scenario->pair, address);
}
