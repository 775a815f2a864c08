/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What QEMU 11.1 does otherwise than the architecture: each with its condition and its effect. A
 * test of its own (known.c) asserts that each still exists.
 */
#include <string.h>

#include "judge.h"

enum event {
    C_BAD_STREAMID = 0x02,
    C_BAD_STE = 0x04,
    C_BAD_CD = 0x0a,
    F_CD_FETCH = 0x09,
    F_WALK_EABT = 0x0b,
    F_TRANSLATION = 0x10,
    F_ADDR_SIZE = 0x11,
    F_ACCESS = 0x12,
    F_PERMISSION = 0x13,
};

/* Bits of an event record's second word. */
#define EVENT_RNW (UINT64_C(1) << 35)
#define EVENT_S2 (UINT64_C(1) << 39)
#define EVENT_CLASS_TT (UINT64_C(1) << 40)
#define EVENT_CLASS_IN (UINT64_C(2) << 40)

static uint64_t field(const uint64_t *words, unsigned high, unsigned low)
{
    uint64_t mask = (UINT64_C(1) << (high - low + 1)) - 1;

    return words[low / 64] >> low % 64 & mask;
}

static uint64_t stream_id_of(const struct circumstances *c)
{
    return c->scenario->pair->devices[c->access->device].stream_id;
}

/* An event that names nothing but the stream, recorded whatever S2R or RECINVSID say. */
static void becomes_config_event(const struct circumstances *c, struct piece *piece, uint8_t number)
{
    *piece = (struct piece){
        .recorded = true,
        .cause = number,
        .record = { number | stream_id_of(c) << 32 },
    };
}

static void becomes_silent(struct piece *piece)
{
    *piece = (struct piece){ .cause = piece->cause };
}

static uint64_t config_of(const struct circumstances *c)
{
    return field(c->ste, 0, 0) ? field(c->ste, 3, 1) : 0;
}

/* ------------------------------------------------------------------ stream table */

static bool always_records_bad_streamid(const struct circumstances *c, struct piece *piece)
{
    if (piece->cause != C_BAD_STREAMID || piece->recorded) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STREAMID);
    return true;
}

/* The stream is within LOG2SIZE and its level-1 descriptor has a span, but one that is too short. */
static bool takes_short_span_for_bad_ste(const struct circumstances *c, struct piece *piece)
{
    struct pair *pair = c->scenario->pair;
    uint32_t config = smmuv3_model_read32(pair->keep.model, R_STRTAB_BASE_CFG);
    unsigned split = config >> 6 & 31;
    uint64_t descriptor = peek64(pair, AT_STREAMS + (stream_id_of(c) >> split) * 8);

    if (piece->cause != C_BAD_STREAMID || !(config >> 16 & 1) || stream_id_of(c) >> (config & 63) ||
        !(descriptor & 31)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

/* ------------------------------------------------------------------ STE */

static bool refuses_s1cdmax(const struct circumstances *c, struct piece *piece)
{
    if ((config_of(c) & 4) == 0 || (config_of(c) & 3) == 0 || piece->cause == C_BAD_STE ||
        !field(c->ste, 63, 59)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

static bool refuses_s1stalld_without_stage1(const struct circumstances *c, struct piece *piece)
{
    if (config_of(c) != 6 || piece->cause == C_BAD_STE || !field(c->ste, 91, 91)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

static unsigned effective_ps(const uint64_t *ste)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 44, 44, 44 };

    return sizes[field(ste, 178, 176)];
}

static bool limits_s2t0sz_by_s2ps(const struct circumstances *c, struct piece *piece)
{
    if ((config_of(c) & 6) != 6 || piece->cause == C_BAD_STE ||
        64 - field(c->ste, 165, 160) <= effective_ps(c->ste)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

/* ------------------------------------------------------------------ size of the input address */

static bool does_not_record_input_size(const struct circumstances *c, struct piece *piece)
{
    if (piece->cause != F_ADDR_SIZE || !piece->recorded || (config_of(c) & 1) ||
        c->iova < UINT64_C(1) << 44) {
        return false;
    }
    becomes_silent(piece);
    return true;
}

/* ------------------------------------------------------------------ stage 2 */

static bool stage2_only(const struct circumstances *c)
{
    return config_of(c) == 6 && stage2_space(c->scenario, c->ste);
}

/* The leaf that an address of a stage-2 stream leads to. */
static struct walked stage2_leaf(const struct circumstances *c)
{
    return walk_to(c->scenario->pair, stage2_space(c->scenario, c->ste), c->iova);
}

static bool checks_leaf_before_its_address(const struct circumstances *c, struct piece *piece)
{
    struct walked leaf;
    uint8_t number = F_PERMISSION;

    if (piece->cause != F_ADDR_SIZE || !stage2_only(c) || c->iova >> 44) {
        return false;
    }
    leaf = stage2_leaf(c);
    if (leaf.level != LEVEL_LAST && (leaf.descriptor & 3) == DESCRIPTOR_TABLE) {
        return false;
    }
    if (!(leaf.descriptor & DESCRIPTOR_AF) && !field(c->ste, 181, 181)) {
        number = F_ACCESS;
    } else if (leaf.descriptor & (c->access->write ? S2_WRITE : S2_READ)) {
        return false;
    }
    piece->cause = number;
    if (piece->recorded) {
        piece->record[0] = (piece->record[0] & ~UINT64_C(0xff)) | number;
    }
    return true;
}

/*
 * QEMU's TLB holds the page, put there by an access that was allowed. It refuses a write that the
 * entry does not allow without telling, and a read is refused by what QEMU has around the SMMU.
 */
static bool hides_permission_fault_on_hit(const struct circumstances *c, struct piece *piece)
{
    struct walked leaf;
    unsigned shift = 0;

    if (piece->cause != F_PERMISSION || !piece->recorded || !stage2_only(c)) {
        return false;
    }
    leaf = stage2_leaf(c);
    shift = level_shift(stage2_space(c->scenario, c->ste), leaf.level);
    for (unsigned i = 0; i < c->history->count && i < HISTORY_MAX; i++) {
        const struct passed *passed = &c->history->passed[i];

        if (passed->vmid == field(c->ste, 143, 128) && passed->iova >> shift == c->iova >> shift) {
            becomes_silent(piece);
            return true;
        }
    }
    return false;
}

static bool records_all_of_ipa(const struct circumstances *c, struct piece *piece)
{
    uint8_t number = (uint8_t)piece->record[0];

    if (!piece->recorded || number < F_TRANSLATION || number > F_PERMISSION ||
        !(piece->record[1] & EVENT_S2) || !(piece->record[1] & EVENT_CLASS_IN) ||
        piece->record[3] & 0xfff || !(c->iova & 0xfff)) {
        return false;
    }
    piece->record[3] |= c->iova & 0xfff;
    return true;
}

/* ------------------------------------------------------------------ stage 1 */

/* The stage-1 tables that an address goes through; null without stage 1. */
static const struct space *first_stage(const struct circumstances *c)
{
    return config_of(c) & 1 ? stage1_space(c->scenario, c->cd, c->iova >> 55 & 1) : NULL;
}

/* The address as the tables see it: its highest byte may be ignored, bit 55 decides. */
static uint64_t untagged(uint64_t iova)
{
    return iova >> 55 & 1 ? iova | UINT64_C(0xff) << 56 : iova & ~(UINT64_C(0xff) << 56);
}

static bool hierarchy_disabled(const struct circumstances *c)
{
    return c->cd[1 + (c->iova >> 55 & 1)] >> 1 & 1;
}

/* The first descriptor on the way whose table takes the right to write; false if none does. */
static bool table_takes_write(const struct circumstances *c, const struct space *space)
{
    uint64_t iova = untagged(c->iova);

    for (unsigned level = space->level; level < LEVEL_LAST; level++) {
        uint64_t slot = descriptor_slot(c->scenario->pair, (struct space *)(uintptr_t)space, iova,
                                        level, false);
        uint64_t descriptor = slot ? peek64(c->scenario->pair, slot) : 0;

        if ((descriptor & 3) != DESCRIPTOR_TABLE) {
            return false;
        }
        if (descriptor & S1_TABLE_READ_ONLY) {
            return true;
        }
    }
    return false;
}

static void becomes(struct piece *piece, uint8_t number)
{
    piece->cause = number;
    if (piece->recorded) {
        piece->record[0] = (piece->record[0] & ~UINT64_C(0xff)) | number;
    }
}

/* Before what lies below is looked at, and before stage 2 is asked for it. */
static bool checks_table_rights_on_the_way(const struct circumstances *c, struct piece *piece)
{
    const struct space *space = first_stage(c);

    if (!space || !c->access->write || hierarchy_disabled(c) || piece->cause < F_WALK_EABT ||
        piece->cause > F_PERMISSION || !table_takes_write(c, space)) {
        return false;
    }
    *piece = (struct piece){ .cause = F_PERMISSION, .recorded = field(c->cd, 45, 45) };
    if (piece->recorded) {
        piece->record[0] = F_PERMISSION | stream_id_of(c) << 32;
        piece->record[1] = EVENT_CLASS_IN;
        piece->record[2] = c->iova;
    }
    return true;
}

static bool checks_stage1_leaf_before_its_address(const struct circumstances *c,
                                                  struct piece *piece)
{
    const struct space *space = first_stage(c);
    struct walked leaf;

    if (!space || piece->cause != F_ADDR_SIZE) {
        return false;
    }
    leaf = walk_to(c->scenario->pair, space, untagged(c->iova));
    if (leaf.level != LEVEL_LAST && (leaf.descriptor & 3) == DESCRIPTOR_TABLE) {
        return false;
    }
    if (!(leaf.descriptor & DESCRIPTOR_AF) && !field(c->cd, 35, 35)) {
        becomes(piece, F_ACCESS);
        return true;
    }
    if (c->access->write && leaf.descriptor & S1_READ_ONLY) {
        becomes(piece, F_PERMISSION);
        return true;
    }
    return false;
}

/*
 * A table beyond the output size is read all the same: where memory has nothing there, that fails.
 * Such an abort is recorded whatever S2R and CD.R say.
 */
static bool reads_table_beyond_size(const struct circumstances *c, struct piece *piece)
{
    const struct space *space = config_of(c) == 5 ? first_stage(c)
                                                  : stage2_space(c->scenario, c->ste);
    uint64_t class_ = config_of(c) == 5 ? EVENT_CLASS_TT : EVENT_S2 | EVENT_CLASS_IN;
    struct walked last;

    if (piece->cause != F_ADDR_SIZE || config_of(c) == 7 || !space) {
        return false;
    }
    last = walk_to(c->scenario->pair, space, config_of(c) == 5 ? untagged(c->iova) : c->iova);
    if (in_ram(last.slot, 8)) {
        return false;
    }
    *piece = (struct piece){
        .recorded = true,
        .cause = F_WALK_EABT,
        .record = { F_WALK_EABT | stream_id_of(c) << 32,
                    class_ | (c->access->write ? 0 : EVENT_RNW), c->iova, last.slot },
    };
    return true;
}

/* An earlier access left the page in QEMU's TLB. */
static bool page_was_used(const struct circumstances *c)
{
    const struct space *space = first_stage(c);
    unsigned shift = 0;

    if (!space) {
        return false;
    }
    shift = level_shift(space, walk_to(c->scenario->pair, space, untagged(c->iova)).level);
    for (unsigned i = 0; i < c->history->count && i < HISTORY_MAX; i++) {
        if (untagged(c->history->passed[i].iova) >> shift == untagged(c->iova) >> shift) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ both stages */

#define EVENT_CLASS (UINT64_C(3) << 40)
#define EVENT_TTRNW (UINT64_C(1) << 44)
#define EVENT_IPA UINT64_C(0x000ffffffffff000)

static bool is_stage2_fault(const struct piece *piece, uint64_t class_)
{
    return piece->recorded && piece->cause >= F_TRANSLATION && piece->cause <= F_PERMISSION &&
           piece->record[1] & EVENT_S2 && (piece->record[1] & EVENT_CLASS) == class_;
}

static bool has_no_ttrnw(const struct circumstances *c, struct piece *piece)
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

static bool says_read_for_fetch(const struct circumstances *c, struct piece *piece)
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
static bool says_ipa_of_table(const struct circumstances *c, struct piece *piece)
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
static bool takes_table_fault_for_stage1(const struct circumstances *c, struct piece *piece)
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
static bool asks_stage2_for_table_beyond(const struct circumstances *c, struct piece *piece)
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
static bool translates_both_ttbs(const struct circumstances *c, struct piece *piece)
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
static bool loses_ipa_on_hit(const struct circumstances *c, struct piece *piece)
{
    if (config_of(c) != 7 || !c->access->write || piece->cause != F_PERMISSION ||
        !is_stage2_fault(piece, EVENT_CLASS_IN) || !page_was_used(c)) {
        return false;
    }
    piece->record[3] = 0;
    return true;
}

/* ------------------------------------------------------------------ the table */

const struct deviation deviations[] = {
    { "first-table-only",
      "of the concatenated tables that a stage-2 walk may start at, only the first is used",
      VIEW_FIRST_TABLE, NULL, NULL },
    { "flag-updates-not-refused", "STE.S2HA and S2HD are ignored, though IDR0.HTTU is 0",
      VIEW_NO_FLAG_UPDATES, NULL, NULL },
    { "span-too-wide", "a level-1 descriptor of Span n has 2^n STEs, not 2^(n-1)", VIEW_WIDE_SPAN,
      NULL, NULL },
    { "one-tbi", "CD.TBI0 decides for both halves of the address space, TBI1 is not looked at",
      VIEW_ONE_TBI, NULL, NULL },
    { "table-rights-lost-on-hit",
      "APTable is not kept in the TLB: after a read of a page, a write to it passes",
      VIEW_NO_TABLE_RIGHTS, page_was_used, NULL },
    { "read-passes-on-hit",
      "with both stages, a read that stage 2 forbids passes after a write to the same page",
      VIEW_STAGE2_READABLE, page_was_used, NULL },
    { "always-privileged",
      "a transaction has the rights of privileged code, though events say PnU = 0", VIEW_PRIVILEGED,
      NULL, NULL },
    { "bad-streamid-always-recorded", "C_BAD_STREAMID is recorded with CR2.RECINVSID = 0", 0, NULL,
      always_records_bad_streamid },
    { "short-span-is-bad-ste",
      "a StreamID beyond the span of its level-1 descriptor gives C_BAD_STE, not C_BAD_STREAMID", 0,
      NULL, takes_short_span_for_bad_ste },
    { "s1cdmax-refused",
      "STE.S1CDMax other than 0 gives C_BAD_STE, though it is ignored without SubstreamIDs", 0,
      NULL, refuses_s1cdmax },
    { "s1stalld-refused-without-stage1",
      "STE.S1STALLD gives C_BAD_STE where stage 1 is not selected", 0, NULL,
      refuses_s1stalld_without_stage1 },
    { "s2t0sz-against-ps", "S2T0SZ is limited by S2PS, not by the intermediate address size", 0,
      NULL, limits_s2t0sz_by_s2ps },
    { "input-size-not-recorded",
      "without stage 1, an input address beyond the output size ends without F_ADDR_SIZE", 0, NULL,
      does_not_record_input_size },
    { "leaf-before-address",
      "access flag and permissions of a leaf are checked before the size of its address", 0, NULL,
      checks_leaf_before_its_address },
    { "table-address-not-checked",
      "the address in a table descriptor is not checked against the output size, but used", 0, NULL,
      reads_table_beyond_size },
    { "large-table-address-is-tt",
      "with both stages, a table's address beyond the IPA size is reported with CLASS = TT and an IPA",
      0, NULL, asks_stage2_for_table_beyond },
    { "table-rights-before-leaf",
      "a write through a table that forbids it is a permission fault, whatever lies below", 0, NULL,
      checks_table_rights_on_the_way },
    { "stage1-leaf-before-address", "as leaf-before-address, at stage 1", 0, NULL,
      checks_stage1_leaf_before_its_address },
    { "no-event-on-hit", "a stage-2 permission fault on a TLB hit records no event", 0, NULL,
      hides_permission_fault_on_hit },
    { "no-ttrnw", "an event's TTRnW is never set", 0, NULL, has_no_ttrnw },
    { "rnw-of-fetch",
      "a stage-2 fault on a context descriptor or on TTB0, TTB1 says RnW = 1, whatever the device did",
      0, NULL, says_read_for_fetch },
    { "ipa-of-table",
      "a stage-2 fault on a stage-1 descriptor gives the IPA of its table, not its own", 0, NULL,
      says_ipa_of_table },
    { "table-fault-of-stage1",
      "a stage-2 fault on a stage-1 table below the first is reported as one of stage 1", 0, NULL,
      takes_table_fault_for_stage1 },
    { "both-ttbs-translated",
      "with both stages, TTB0 and TTB1 go through stage 2 when the context descriptor is read", 0,
      NULL, translates_both_ttbs },
    { "ipa-lost-on-hit", "with both stages, a write that stage 2 forbids gives IPA 0 on a TLB hit",
      0, NULL, loses_ipa_on_hit },
    { "ipa-with-offset", "bits 11:0 of an event's IPA, which are reserved, hold the page offset", 0,
      NULL, records_all_of_ipa },
};
const unsigned deviation_count = sizeof(deviations) / sizeof(*deviations);
