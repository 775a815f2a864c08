/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deviations in stream tables and STEs, and in stage 2 where it is alone.
 */
#include "deviation.h"

/* ------------------------------------------------------------------ stream table */

bool always_records_bad_streamid(const struct circumstances *c, struct piece *piece)
{
    if (piece->cause != C_BAD_STREAMID || piece->recorded) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STREAMID);
    return true;
}

/* The stream is within LOG2SIZE and its level-1 descriptor has a span, but one that is too short. */
bool takes_short_span_for_bad_ste(const struct circumstances *c, struct piece *piece)
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

bool refuses_s1cdmax(const struct circumstances *c, struct piece *piece)
{
    if ((config_of(c) & 4) == 0 || (config_of(c) & 3) == 0 || piece->cause == C_BAD_STE ||
        !field(c->ste, 63, 59)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

bool refuses_s1stalld_without_stage1(const struct circumstances *c, struct piece *piece)
{
    if (config_of(c) != 6 || piece->cause == C_BAD_STE || !field(c->ste, 91, 91)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

unsigned effective_ps(const uint64_t *ste)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 44, 44, 44 };

    return sizes[field(ste, 178, 176)];
}

bool limits_s2t0sz_by_s2ps(const struct circumstances *c, struct piece *piece)
{
    if ((config_of(c) & 6) != 6 || piece->cause == C_BAD_STE ||
        64 - field(c->ste, 165, 160) <= effective_ps(c->ste)) {
        return false;
    }
    becomes_config_event(c, piece, C_BAD_STE);
    return true;
}

/* ------------------------------------------------------------------ size of the input address */

bool does_not_record_input_size(const struct circumstances *c, struct piece *piece)
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

bool checks_leaf_before_its_address(const struct circumstances *c, struct piece *piece)
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
bool hides_permission_fault_on_hit(const struct circumstances *c, struct piece *piece)
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

bool records_all_of_ipa(const struct circumstances *c, struct piece *piece)
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
