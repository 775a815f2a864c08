/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deviations in the walk of stage 1.
 */
#include "deviation.h"

/* The stage-1 tables that an address goes through; null without stage 1. */
const struct space *first_stage(const struct circumstances *c)
{
    return config_of(c) & 1 ? stage1_space(c->scenario, c->cd, c->iova >> 55 & 1) : NULL;
}

/* The address as the tables see it: its highest byte may be ignored, bit 55 decides. */
uint64_t untagged(uint64_t iova)
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
bool checks_table_rights_on_the_way(const struct circumstances *c, struct piece *piece)
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

bool checks_stage1_leaf_before_its_address(const struct circumstances *c, struct piece *piece)
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
bool reads_table_beyond_size(const struct circumstances *c, struct piece *piece)
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
bool page_was_used(const struct circumstances *c)
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
