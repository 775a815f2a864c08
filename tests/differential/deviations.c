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
#define EVENT_CLASS_IN (UINT64_C(2) << 40)

static uint64_t field(const uint64_t *words, unsigned high, unsigned low)
{
    uint64_t mask = (UINT64_C(1) << (high - low + 1)) - 1;

    return words[low / 64] >> low % 64 & mask;
}

static const struct stream *stream_of(const struct circumstances *c)
{
    return &c->scenario->streams[c->access->device];
}

static uint64_t stream_id_of(const struct circumstances *c)
{
    return c->scenario->pair->devices[c->access->device].stream_id;
}

/* An event that names nothing but the stream, recorded whatever S2R or RECINVSID say. */
static void becomes_config_event(const struct circumstances *c, struct piece *piece,
                                 uint8_t number)
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

/* The stream is within LOG2SIZE and its level-1 descriptor has a span: that is too short. */
static bool takes_short_span_for_bad_ste(const struct circumstances *c, struct piece *piece)
{
    struct pair *pair = c->scenario->pair;
    uint32_t config = smmuv3_model_read32(pair->keep.model, R_STRTAB_BASE_CFG);
    unsigned split = config >> 6 & 31;
    uint64_t descriptor = peek64(pair, AT_STREAMS + (stream_id_of(c) >> split) * 8);

    if (piece->cause != C_BAD_STREAMID || !(config >> 16 & 1) ||
        stream_id_of(c) >> (config & 63) || !(descriptor & 31)) {
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
    return config_of(c) == 6 && stream_of(c)->s2;
}

/* The leaf that an address of a stage-2 stream leads to. */
static struct walked stage2_leaf(const struct circumstances *c)
{
    return walk_to(c->scenario->pair, stream_of(c)->s2, c->iova);
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

/* A table beyond the output size is read all the same: where memory has nothing there, that fails. */
static bool reads_table_beyond_size(const struct circumstances *c, struct piece *piece)
{
    struct walked last;

    if (piece->cause != F_ADDR_SIZE || !stage2_only(c) || c->iova >> 44) {
        return false;
    }
    last = stage2_leaf(c);
    if (in_ram(last.slot, 8)) {
        return false;
    }
    /* Such an abort is recorded whatever S2R says. */
    *piece = (struct piece){
        .recorded = true,
        .cause = F_WALK_EABT,
        .record = { F_WALK_EABT | stream_id_of(c) << 32,
                    EVENT_S2 | EVENT_CLASS_IN | (c->access->write ? 0 : EVENT_RNW), c->iova,
                    last.slot },
    };
    return true;
}

/*
 * QEMU's TLB holds the page, put there by an access that was allowed. It refuses a write that the
 * entry does not allow without telling, and a read is refused by what QEMU has around the SMMU.
 */
static bool hides_permission_fault_on_hit(const struct circumstances *c, struct piece *piece)
{
    const struct stream *stream = stream_of(c);
    struct walked leaf;
    unsigned shift = 0;

    if (piece->cause != F_PERMISSION || !piece->recorded || !stage2_only(c)) {
        return false;
    }
    leaf = stage2_leaf(c);
    shift = level_shift(stream->s2, leaf.level);
    for (unsigned i = 0; i < c->history->count && i < HISTORY_MAX; i++) {
        const struct passed *passed = &c->history->passed[i];

        if (passed->vmid == stream->vmid && passed->iova >> shift == c->iova >> shift) {
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
        !(piece->record[1] & EVENT_S2) || piece->record[3] & 0xfff || !(c->iova & 0xfff)) {
        return false;
    }
    piece->record[3] |= c->iova & 0xfff;
    return true;
}

/* ------------------------------------------------------------------ the table */

const struct deviation deviations[] = {
    { "first-table-only",
      "of the concatenated tables that a stage-2 walk may start at, only the first is used",
      VIEW_FIRST_TABLE, NULL },
    { "flag-updates-not-refused", "STE.S2HA and S2HD are ignored, though IDR0.HTTU is 0",
      VIEW_NO_FLAG_UPDATES, NULL },
    { "always-privileged",
      "a transaction has the rights of privileged code, though events say PnU = 0",
      VIEW_PRIVILEGED, NULL },
    { "bad-streamid-always-recorded", "C_BAD_STREAMID is recorded with CR2.RECINVSID = 0", 0,
      always_records_bad_streamid },
    { "short-span-is-bad-ste",
      "a StreamID beyond the span of its level-1 descriptor gives C_BAD_STE, not C_BAD_STREAMID", 0,
      takes_short_span_for_bad_ste },
    { "s1cdmax-refused",
      "STE.S1CDMax other than 0 gives C_BAD_STE, though it is ignored without SubstreamIDs", 0,
      refuses_s1cdmax },
    { "s1stalld-refused-without-stage1",
      "STE.S1STALLD gives C_BAD_STE where stage 1 is not selected", 0,
      refuses_s1stalld_without_stage1 },
    { "s2t0sz-against-ps", "S2T0SZ is limited by S2PS, not by the intermediate address size", 0,
      limits_s2t0sz_by_s2ps },
    { "input-size-not-recorded",
      "without stage 1, an input address beyond the output size ends without F_ADDR_SIZE", 0,
      does_not_record_input_size },
    { "leaf-before-address",
      "access flag and permissions of a leaf are checked before the size of its address", 0,
      checks_leaf_before_its_address },
    { "table-address-not-checked",
      "the address in a table descriptor is not checked against the output size, but used", 0,
      reads_table_beyond_size },
    { "no-event-on-hit", "a stage-2 permission fault on a TLB hit records no event", 0,
      hides_permission_fault_on_hit },
    { "ipa-with-offset", "bits 11:0 of an event's IPA, which are reserved, hold the page offset", 0,
      records_all_of_ipa },
};
const unsigned deviation_count = sizeof(deviations) / sizeof(*deviations);
