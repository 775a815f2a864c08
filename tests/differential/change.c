/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of tables that the unit is not told of at once, commands that do not tell it enough, and
 * those that do (IHI 0070, 4.3, 4.4, 3.21).
 */
#include <string.h>

#include "scenario.h"

enum opcode {
    OP_CFGI_STE = 0x03,
    OP_CFGI_STE_RANGE = 0x04,
    OP_CFGI_CD = 0x05,
    OP_CFGI_CD_ALL = 0x06,
    OP_TLBI_NH_ALL = 0x10,
    OP_TLBI_NH_ASID = 0x11,
    OP_TLBI_NH_VA = 0x12,
    OP_TLBI_NH_VAA = 0x13,
    OP_TLBI_S12_VMALL = 0x28,
    OP_TLBI_S2_IPA = 0x2a,
    OP_TLBI_NSNH_ALL = 0x30,
    OP_SYNC = 0x46,
    RANGE_ALL = 31,
};

/* ------------------------------------------------------------------ commands */

static void send_sync(struct scenario *scenario)
{
    both_command(scenario->pair, OP_SYNC, 0);
}

static void config_command(struct scenario *scenario, unsigned opcode, uint32_t stream_id,
                           uint64_t word1)
{
    both_command(scenario->pair, opcode | (uint64_t)stream_id << 32, word1);
}

static void tlb_command(struct scenario *scenario, unsigned opcode, unsigned vmid, unsigned asid,
                        uint64_t word0, uint64_t word1)
{
    both_command(scenario->pair, opcode | (uint64_t)vmid << 32 | (uint64_t)asid << 48 | word0,
                 word1);
}

/*
 * By address: one that the leaf covers; or, where a granule is told, the leaf's range, with or
 * without its level. A range of 2^n pages is told by SCALE n, NUM 0.
 */
static void address_command(struct scenario *scenario, unsigned opcode, unsigned asid,
                            const struct space *space, uint64_t input, const struct leaf *leaf,
                            unsigned vmid)
{
    struct dice *dice = &scenario->dice;
    uint64_t word0 = 0;
    uint64_t word1 = input & ~UINT64_C(0xfff);

    /* With both stages all of the leaf must be named: see part-of-block-only. */
    if (scenario->mode == MODE_NESTED || chance(dice, 50)) {
        unsigned shift = level_shift(space, leaf->level);
        unsigned pages = shift - space->granule;

        word1 = input & ~((UINT64_C(1) << shift) - 1);
        word0 = (uint64_t)pages << 20;
        word1 |= (uint64_t)(space->granule - 10) / 2 << 10;
        /* One page without a level is reserved (4.4.1.1). */
        if (pages == 0) {
            word1 |= (uint64_t)leaf->level << 8;
        }
    }
    word1 |= chance(dice, 50); /* Leaf: nothing but a leaf was changed */
    tlb_command(scenario, opcode, vmid, asid, word0, word1);
}

/* ------------------------------------------------------------------ changes */

static void remember(struct scenario *scenario, uint64_t at, unsigned words)
{
    struct change *change = &scenario->change;

    change->at = at;
    change->words = words;
    for (unsigned i = 0; i < words; i++) {
        change->before[i] = peek64(scenario->pair, at + i * UINT64_C(8));
    }
}

void see_before_change(struct scenario *scenario, bool before)
{
    const struct change *change = &scenario->change;

    memcpy(scenario->pair->mirror + (change->at - RAM_BASE),
           before ? change->before : change->after, change->words * sizeof(uint64_t));
}

static void store(struct scenario *scenario)
{
    struct change *change = &scenario->change;

    for (unsigned i = 0; i < change->words; i++) {
        poke64(scenario->pair, change->at + i * UINT64_C(8), change->after[i]);
    }
    change->open = memcmp(change->before, change->after, change->words * sizeof(uint64_t)) != 0;
}

/* The opposite of what a leaf allows, another page, nothing, or something where nothing was. */
static uint64_t changed_descriptor(struct scenario *scenario, const struct space *space,
                                   const struct leaf *leaf, bool stage1)
{
    struct dice *dice = &scenario->dice;
    uint64_t descriptor = scenario->change.before[0];
    uint64_t size = UINT64_C(1) << level_shift(space, leaf->level);

    if (!(descriptor & 1)) {
        uint64_t base = chunk_address(below(dice, CHUNKS)) & ~(size - 1);

        return (base + (stage1 ? space->beyond : 0)) | DESCRIPTOR_AF | S2_READ |
               (stage1 ? S1_NOT_GLOBAL : S2_WRITE) |
               (leaf->level == LEVEL_LAST ? DESCRIPTOR_TABLE : DESCRIPTOR_BLOCK);
    }
    switch (below(dice, 5)) {
    case 0:
        return descriptor ^ S2_WRITE; /* where stage 1 has S1_READ_ONLY */
    case 1:
        return descriptor ^ S2_READ; /* where stage 1 has S1_USER */
    case 2:
        return descriptor & ~DESCRIPTOR_AF;
    default:
        return chance(dice, 50) ? 0 : descriptor & ~UINT64_C(1);
    }
}

/* A leaf that a recent access of the device went through, so that it may be cached; or any. */
static const struct leaf *choose_leaf(struct scenario *scenario, unsigned device,
                                      const struct space *space)
{
    for (unsigned i = 0; i < scenario->recent_count && i < RECENT; i++) {
        const struct access *access = &scenario->recent[i];

        for (unsigned n = 0; n < space->count; n++) {
            const struct leaf *leaf = &space->leaves[n];

            if (access->device == device &&
                access->iova >> level_shift(space, leaf->level) ==
                    leaf->input >> level_shift(space, leaf->level) &&
                chance(&scenario->dice, 50)) {
                return leaf;
            }
        }
    }
    return &space->leaves[below(&scenario->dice, space->count)];
}

static bool change_leaf(struct scenario *scenario, unsigned device, bool stage1)
{
    struct change *change = &scenario->change;
    struct stream *stream = &scenario->streams[device];
    struct space *space = stage1 ? stream->s1[below(&scenario->dice, 2)] : stream->s2;

    if (!space || !space->count) {
        return false;
    }
    change->leaf = *choose_leaf(scenario, device, space);
    change->kind = stage1 ? CHANGE_LEAF1 : CHANGE_LEAF2;
    change->text = stage1 ? "a leaf of stage 1" : "a leaf of stage 2";
    remember(scenario, change->leaf.slot, 1);
    if ((change->before[0] & 3) == DESCRIPTOR_TABLE && change->leaf.level != LEVEL_LAST) {
        return false;
    }
    change->after[0] = changed_descriptor(scenario, space, &change->leaf, stage1);
    store(scenario);
    if (!(change->before[0] & 1)) {
        change->open = false; /* what is not valid is not cached (3.21.1) */
    }
    if (change->open && !stage1 && stream->stage1) {
        /*
         * One leaf may hold tables, context descriptor and data, some cached and some not: what is
         * possible then is more than before and after. So the unit is told at once.
         */
        invalidate_rightly(scenario);
    }
    return true;
}

static bool change_ste(struct scenario *scenario, unsigned device)
{
    struct change *change = &scenario->change;
    struct dice *dice = &scenario->dice;
    unsigned other = below(dice, scenario->pair->device_count);

    if (!scenario->streams[device].ste_at) {
        return false;
    }
    change->kind = CHANGE_STE;
    change->text = "an STE";
    remember(scenario, scenario->streams[device].ste_at, STE_WORD_COUNT);
    memcpy(change->after, change->before, sizeof(change->after));
    switch (below(dice, 4)) {
    case 0:
        change->after[0] ^= 1; /* V */
        break;
    case 1:
        change->after[0] &= ~UINT64_C(0xe); /* Config: abort */
        break;
    case 2:
        change->after[0] = (change->after[0] & ~UINT64_C(0xe)) | 8; /* bypass */
        break;
    default:
        if (!scenario->streams[other].ste_at) {
            return false;
        }
        for (unsigned i = 0; i < STE_WORD_COUNT; i++) {
            change->after[i] = peek64(scenario->pair,
                                      scenario->streams[other].ste_at + i * UINT64_C(8));
        }
        break;
    }
    store(scenario);
    return true;
}

static bool change_cd(struct scenario *scenario, unsigned device)
{
    static const unsigned bits[] = { 14, 30, 31, 35, 45, 48 }; /* EPD0, EPD1, V, AFFD, R, ASID */
    struct change *change = &scenario->change;

    if (!scenario->streams[device].stage1) {
        return false;
    }
    change->kind = CHANGE_CD;
    change->text = "a context descriptor";
    remember(scenario, scenario->streams[device].cd_at, 1);
    change->after[0] = change->before[0] ^ UINT64_C(1) << bits[below(&scenario->dice, 6)];
    store(scenario);
    return true;
}

void change_something(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    unsigned device = below(dice, scenario->pair->device_count);
    struct stream *stream = &scenario->streams[device];

    memset(&scenario->change, 0, sizeof(scenario->change));
    scenario->change.device = device;
    if (chance(dice, 25)) {
        change_ste(scenario, device);
    } else if (stream->stage1 && chance(dice, 20)) {
        change_cd(scenario, device);
    } else {
        change_leaf(scenario, device, stream->stage1 && (!stream->stage2 || chance(dice, 50)));
    }
}

/* ------------------------------------------------------------------ invalidations */

/* Something that is not what the change needs, or nothing. More than needed is allowed to occur. */
void invalidate_wrongly(struct scenario *scenario)
{
    struct dice *dice = &scenario->dice;
    const struct change *change = &scenario->change;
    const struct pair *pair = scenario->pair;
    bool s1p = pair->parameters.s1p, s2p = pair->parameters.s2p;
    uint32_t stream_id = pair->devices[change->device].stream_id;

    switch (below(dice, 8)) {
    case 0: /* another VMID */
        tlb_command(scenario, s2p ? OP_TLBI_S12_VMALL : OP_TLBI_NH_ALL, s2p ? 9999 : 0, 0, 0, 0);
        break;
    case 1: /* another stream */
        config_command(scenario, OP_CFGI_STE, stream_id ^ 1, 0);
        break;
    case 2: /* another address */
        tlb_command(scenario, s2p ? OP_TLBI_S2_IPA : OP_TLBI_NH_VAA,
                    s2p ? scenario->streams[change->device].vmid : 0, 0, 0, UINT64_C(0x7f12345000));
        break;
    case 3: /* another ASID */
        if (s1p) {
            tlb_command(scenario, OP_TLBI_NH_ASID, s2p ? scenario->streams[change->device].vmid : 0,
                        9999, 0, 0);
        }
        break;
    case 4: /* caches of the other sort */
        if (change->kind == CHANGE_LEAF1 || change->kind == CHANGE_LEAF2) {
            config_command(scenario, OP_CFGI_STE_RANGE, 0, RANGE_ALL);
        } else {
            tlb_command(scenario, OP_TLBI_NSNH_ALL, 0, 0, 0, 0);
        }
        break;
    case 5: /* the other stage */
        if (s1p && s2p && change->kind == CHANGE_LEAF2) {
            tlb_command(scenario, OP_TLBI_NH_ALL, scenario->streams[change->device].vmid, 0, 0, 0);
        }
        break;
    default:
        return;
    }
    send_sync(scenario);
}

static void invalidate_leaf1(struct scenario *scenario)
{
    const struct change *change = &scenario->change;
    const struct stream *stream = &scenario->streams[change->device];
    struct dice *dice = &scenario->dice;
    bool s2p = scenario->pair->parameters.s2p;
    unsigned vmid = s2p ? stream->vmid : 0;
    const struct space *space = stream->s1[change->leaf.input >> 63];
    unsigned asid = (unsigned)(peek64(scenario->pair, stream->cd_at) >> 48);

    switch (below(dice, s2p ? 5 : 4)) {
    case 0:
        address_command(scenario, OP_TLBI_NH_VA, asid, space, change->leaf.input, &change->leaf,
                        vmid);
        break;
    case 1:
        address_command(scenario, OP_TLBI_NH_VAA, 0, space, change->leaf.input, &change->leaf,
                        vmid);
        break;
    case 2:
        tlb_command(scenario, OP_TLBI_NH_ALL, vmid, 0, 0, 0);
        break;
    case 3:
        tlb_command(scenario, OP_TLBI_NSNH_ALL, 0, 0, 0, 0);
        break;
    default:
        tlb_command(scenario, OP_TLBI_S12_VMALL, vmid, 0, 0, 0);
        break;
    }
}

/*
 * A leaf of stage 2. Where stage 1 goes through it, TLB entries of both stages together need an
 * invalidation of stage 1 (4.4.3), and a context descriptor that was fetched through it is cached.
 */
static void invalidate_leaf2(struct scenario *scenario)
{
    const struct change *change = &scenario->change;
    const struct stream *stream = &scenario->streams[change->device];
    struct dice *dice = &scenario->dice;

    if (chance(dice, 70)) {
        address_command(scenario, OP_TLBI_S2_IPA, 0, stream->s2, change->leaf.input, &change->leaf,
                        stream->vmid);
        if (stream->stage1) {
            tlb_command(scenario, OP_TLBI_NH_ALL, stream->vmid, 0, 0, 0);
        }
    } else if (chance(dice, 70)) {
        tlb_command(scenario, OP_TLBI_S12_VMALL, stream->vmid, 0, 0, 0);
    } else {
        tlb_command(scenario, OP_TLBI_NSNH_ALL, 0, 0, 0, 0);
    }
    for (unsigned i = 0; stream->stage1 && i < scenario->pair->device_count; i++) {
        config_command(scenario, OP_CFGI_CD_ALL, scenario->pair->devices[i].stream_id, 0);
    }
}

static void invalidate_config(struct scenario *scenario)
{
    const struct change *change = &scenario->change;
    struct dice *dice = &scenario->dice;
    uint32_t stream_id = scenario->pair->devices[change->device].stream_id;

    switch (below(dice, 4)) {
    case 0: /* Leaf: the level-1 descriptor is as it was */
        config_command(scenario, OP_CFGI_STE, stream_id, below(dice, 2));
        break;
    case 1:
        config_command(scenario, OP_CFGI_STE_RANGE, stream_id, between(dice, 0, 10));
        break;
    case 2:
        config_command(scenario, OP_CFGI_STE_RANGE, 0, RANGE_ALL);
        break;
    default:
        if (change->kind != CHANGE_CD) {
            config_command(scenario, OP_CFGI_STE, stream_id, 0);
        }
        break;
    }
    if (change->kind != CHANGE_CD) {
        return;
    }
    /* Other streams may share the context, and the TLB may hold what it says. */
    for (unsigned i = 0; i < scenario->pair->device_count; i++) {
        config_command(scenario, chance(dice, 50) ? OP_CFGI_CD : OP_CFGI_CD_ALL,
                       scenario->pair->devices[i].stream_id, 1);
    }
    tlb_command(scenario, OP_TLBI_NSNH_ALL, 0, 0, 0, 0);
}

void invalidate_rightly(struct scenario *scenario)
{
    switch (scenario->change.kind) {
    case CHANGE_LEAF1:
        invalidate_leaf1(scenario);
        break;
    case CHANGE_LEAF2:
        invalidate_leaf2(scenario);
        break;
    default:
        invalidate_config(scenario);
        break;
    }
    send_sync(scenario);
    scenario->change.open = false;
    scenario->linger = LINGER;
}
