/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deviations where stage 1 goes through stage 2.
 */
#include "deviation.h"

static bool is_stage2_fault(const struct piece *piece, uint64_t class_)
{
    return piece->recorded && piece->cause >= F_TRANSLATION && piece->cause <= F_PERMISSION &&
           piece->record[1] & EVENT_S2 && (piece->record[1] & EVENT_CLASS) == class_;
}

bool has_no_ttrnw(const struct circumstances *c, struct piece *piece)
{
    (void)c;
    if (!piece->recorded || piece->cause != F_PERMISSION || !(piece->record[1] & EVENT_TTRNW)) {
        return false;
    }
    piece->record[1] &= ~EVENT_TTRNW;
    return true;
}

/* Whether the address that did not translate is in the first table, what TTB0 or TTB1 points to. */
static bool in_first_table(const struct circumstances *c, const struct piece *piece)
{
    uint64_t ttb = c->cd[1 + (c->iova >> 55 & 1)] & UINT64_C(0x000ffffffffffff0);

    return (piece->record[3] & EVENT_IPA) >= ttb && (piece->record[3] & EVENT_IPA) < ttb + 65536;
}

bool says_read_for_fetch(const struct circumstances *c, struct piece *piece)
{
    bool first = is_stage2_fault(piece, 0) ||
                 (is_stage2_fault(piece, EVENT_CLASS_TT) && in_first_table(c, piece));

    if (!first || piece->record[1] & EVENT_RNW) {
        return false;
    }
    piece->record[1] |= EVENT_RNW;
    return true;
}

/* Not the descriptor's address but that of its table. */
bool says_ipa_of_table(const struct circumstances *c, struct piece *piece)
{
    const struct space *space = first_stage(c);
    uint64_t table = 0;

    if (!space || !is_stage2_fault(piece, EVENT_CLASS_TT)) {
        return false;
    }
    table = piece->record[3] & ~((UINT64_C(1) << space->granule) - 1);
    if (table == piece->record[3]) {
        return false;
    }
    piece->record[3] = table;
    return true;
}

/* Such a fault counts as one of stage 1: S2 is 0, and CD.R decides whether it is recorded. */
bool takes_table_fault_for_stage1(const struct circumstances *c, struct piece *piece)
{
    const struct piece *told = &c->told;

    if (config_of(c) != 7 || !is_stage2_fault(told, EVENT_CLASS_TT) ||
        piece->cause != told->cause || in_first_table(c, told) ||
        (piece->recorded && !is_stage2_fault(piece, EVENT_CLASS_TT))) {
        return false;
    }
    if (field(c->cd, 45, 45)) {
        *piece = *told;
        piece->record[1] &= ~(EVENT_S2 | EVENT_TTRNW);
        piece->record[3] &= ~((UINT64_C(1) << first_stage(c)->granule) - 1);
    } else {
        becomes_silent(piece);
    }
    return true;
}

/* How a read of an IPA fails by QEMU's lights: the number of the event, 0 if it does not. */
static uint8_t stage2_read_fails(const struct circumstances *c, uint64_t ipa)
{
    const struct space *space = stage2_space(c->scenario, c->ste);
    unsigned one_table = 0;
    struct walked leaf;

    if (!space || ipa >> space->input_bits) {
        return F_TRANSLATION;
    }
    one_table = level_shift(space, space->level) + space->granule - 3;
    leaf = walk_to(c->scenario->pair, space, ipa & ((UINT64_C(1) << one_table) - 1));
    if (!(leaf.descriptor & 1) ||
        (leaf.level == LEVEL_LAST && (leaf.descriptor & 3) == DESCRIPTOR_BLOCK)) {
        return F_TRANSLATION;
    }
    if (!(leaf.descriptor & DESCRIPTOR_AF) && !field(c->ste, 181, 181)) {
        return F_ACCESS;
    }
    if (!(leaf.descriptor & S2_READ)) {
        return F_PERMISSION;
    }
    return (leaf.descriptor & EVENT_IPA & UINT64_C(0x0000ffffffffffff)) >> effective_ps(c->ste)
               ? F_ADDR_SIZE
               : 0;
}

/* The first table on the way of an address that is beyond the size of an IPA; 0 if none is. */
static uint64_t table_beyond(const struct circumstances *c, const struct space *space)
{
    uint64_t iova = untagged(c->iova);

    for (unsigned level = space->level; level < LEVEL_LAST; level++) {
        uint64_t slot = descriptor_slot(c->scenario->pair, (struct space *)(uintptr_t)space, iova,
                                        level, false);
        uint64_t descriptor = slot ? peek64(c->scenario->pair, slot) : 0;
        uint64_t table = descriptor & UINT64_C(0x0000fffffffff000) &
                         ~((UINT64_C(1) << space->granule) - 1);

        if ((descriptor & 3) != DESCRIPTOR_TABLE) {
            return 0;
        }
        if (!in_ram(table - space->beyond, 8)) {
            return table;
        }
    }
    return 0;
}

/* With both stages it is stage 2, asked for the table, that finds its address too large. */
bool asks_stage2_for_table_beyond(const struct circumstances *c, struct piece *piece)
{
    const struct space *space = first_stage(c);
    uint64_t table = 0;

    if (config_of(c) != 7 || !space || piece->cause != F_ADDR_SIZE ||
        c->told.record[1] & EVENT_S2) {
        return false;
    }
    table = table_beyond(c, space);
    if (!table) {
        return false;
    }
    *piece = (struct piece){ .cause = F_ADDR_SIZE, .recorded = field(c->cd, 45, 45) };
    if (piece->recorded) {
        piece->record[0] = F_ADDR_SIZE | stream_id_of(c) << 32;
        piece->record[1] = EVENT_CLASS_TT | (c->access->write ? 0 : EVENT_RNW);
        piece->record[2] = c->iova;
        piece->record[3] = table;
    }
    return true;
}

/* What QEMU refuses of a context descriptor before it looks at TTB0 and TTB1. */
static bool head_is_bad(const uint64_t *cd)
{
    bool v = field(cd, 31, 31), aa64 = field(cd, 41, 41), a = field(cd, 46, 46);

    return !v || !aa64 || !a || field(cd, 44, 42);
}

/* And of one half of it. */
static bool half_is_bad(const uint64_t *cd, unsigned which)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 44, 44, 44 };
    unsigned low = which ? 16 : 0;
    uint64_t size = field(cd, low + 5, low);
    uint64_t granule = field(cd, low + 7, low + 6);
    uint64_t ttb = cd[1 + which] & UINT64_C(0x000ffffffffffff0);

    return size < 16 || size > 39 || granule == (which ? 0 : 3) || field(cd, 15, 15) ||
           ttb >> sizes[field(cd, 34, 32)];
}

/* TTB0 and TTB1 are translated when the context descriptor is read, both, whichever is needed. */
bool translates_both_ttbs(const struct circumstances *c, struct piece *piece)
{
    static const unsigned epd[] = { 14, 30 };

    if (config_of(c) != 7 || piece->cause == C_BAD_STE || piece->cause == C_BAD_STREAMID ||
        is_stage2_fault(&c->told, 0) || head_is_bad(c->cd)) {
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint64_t ttb = c->cd[1 + i] & UINT64_C(0x000ffffffffffff0);
        bool disabled = field(c->cd, epd[i], epd[i]);
        uint8_t number = disabled ? 0 : stage2_read_fails(c, ttb);

        if (!disabled && half_is_bad(c->cd, i)) {
            return false;
        }
        if (number && field(c->ste, 186, 186)) {
            *piece = (struct piece){
                .recorded = true,
                .cause = number,
                .record = { number | stream_id_of(c) << 32, EVENT_S2 | EVENT_CLASS_TT | EVENT_RNW,
                            c->iova, ttb },
            };
            return true;
        }
        if (number) {
            *piece = (struct piece){ .cause = number };
            return true;
        }
    }
    return false;
}

/* A write that stage 2 forbids, to a page that QEMU's TLB holds. */
bool loses_ipa_on_hit(const struct circumstances *c, struct piece *piece)
{
    if (config_of(c) != 7 || !c->access->write || piece->cause != F_PERMISSION ||
        !is_stage2_fault(piece, EVENT_CLASS_IN) || !page_was_used(c)) {
        return false;
    }
    piece->record[3] = 0;
    return true;
}
