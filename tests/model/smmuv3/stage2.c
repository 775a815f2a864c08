/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 walks over VMSAv8-64 tables (3.4, DDI 0487): concatenated starting tables, walk cache,
 * reserved descriptors, output size, access flag, permissions.
 */
#include "internal.h"

/* Bits of the input address below those that a table of this level resolves. */
unsigned model_stage2_level_shift(const struct stage2 *s2, unsigned level)
{
    return s2->granule + (s2->granule - DESC_LOG2_BYTES) * (LAST_LEVEL - level);
}

/* Bits that it resolves; more than a stride at the start where tables are concatenated. */
unsigned model_stage2_index_bits(const struct stage2 *s2, unsigned level)
{
    if (level == s2->start_level) {
        return s2->input_bits - model_stage2_level_shift(s2, level);
    }
    return s2->granule - DESC_LOG2_BYTES;
}

bool model_stage2_is_table(unsigned level, uint64_t descriptor)
{
    return level < LAST_LEVEL && field_in(descriptor, DESC_VALID) &&
           field_in(descriptor, DESC_TABLE);
}

/* Blocks: 4 KiB at levels 1 and 2, 16 KiB at 2, 64 KiB at 2 and, with 52-bit addresses, 1. */
static bool block_allowed(const struct smmuv3_model *model, const struct stage2 *s2, unsigned level)
{
    switch (s2->granule) {
    case 12:
        return level == 1 || level == 2;
    case 14:
        return level == 2;
    default:
        return level == 2 || (level == 1 && model->p.oas == 52);
    }
}

bool model_stage2_is_leaf(const struct smmuv3_model *model, const struct stage2 *s2, unsigned level,
                          uint64_t descriptor)
{
    if (!field_in(descriptor, DESC_VALID)) {
        return false;
    }
    if (level == LAST_LEVEL) {
        return field_in(descriptor, DESC_TABLE);
    }
    return !field_in(descriptor, DESC_TABLE) && block_allowed(model, s2, level);
}

/* The address in a descriptor, aligned to 2^log2; bits 51:48 lie low with 64 KiB granules. */
uint64_t model_stage2_output(const struct smmuv3_model *model, const struct stage2 *s2,
                             unsigned log2, uint64_t descriptor)
{
    uint64_t output = align_down(field_address(&descriptor, DESC_ADDRESS), log2);

    if (s2->granule == 16 && model->p.oas == 52) {
        field_put(&output, FIELD(51, 48), field_in(descriptor, DESC_ADDRESS_51_48));
    }
    return output;
}

/* XN[1:0]: 0 all, 1 unprivileged only, 2 nobody, 3 privileged only; without XNX, XN[1] alone. */
bool model_stage2_executable(const struct smmuv3_model *model, unsigned xn, bool privileged)
{
    switch (model->p.xnx ? xn : (unsigned)align_down(xn, 1)) {
    case 0:
        return true;
    case 1:
        return !privileged;
    case 3:
        return privileged;
    default:
        return false;
    }
}

/* ------------------------------------------------------------------ faults */

static bool fails(struct fault *fault, uint8_t event, uint64_t ipa)
{
    *fault = (struct fault){
        .event = event,
        .translation_related = true,
        .s2 = true,
        .class_ = CLASS_IN,
        .ipa = ipa,
    };
    return false;
}

static bool walk_aborts(struct fault *fault, uint64_t address)
{
    *fault = (struct fault){
        .event = F_WALK_EABT,
        .s2 = true,
        .class_ = CLASS_IN,
        .fetch_address = address,
    };
    return false;
}

/* ------------------------------------------------------------------ the walk */

struct walk {
    struct smmuv3_model *model;
    const struct lookup *lookup;
    const struct stage2 *s2;
    uint64_t ipa;
    unsigned level;
    uint64_t table;
    uint64_t stamp;
};

/* Begin at the deepest table that the walk cache knows, else at the root. */
static void begin_walk(struct walk *walk)
{
    const struct stage2 *s2 = walk->s2;

    walk->level = s2->start_level;
    walk->table = s2->ttb;
    walk->stamp = walk->model->caches.now;
    walk->model->caches.now += !walk->lookup->pure;
    for (unsigned level = LAST_LEVEL; level-- > s2->start_level;) {
        const struct tlb_entry *entry = model_tlb_table(walk->model, s2, level, walk->ipa);

        if (entry) {
            walk->level = level + 1;
            walk->table = entry->output;
            walk->stamp = entry->stamp;
            return;
        }
    }
}

/* The entry that this descriptor makes; it is as old as the oldest that it was derived from. */
static struct tlb_entry entry_for(const struct walk *walk, uint64_t descriptor, uint64_t output)
{
    unsigned log2 = model_stage2_level_shift(walk->s2, walk->level);

    return (struct tlb_entry){
        .regime = REGIME_NS_EL1_IPA,
        .table = model_stage2_is_table(walk->level, descriptor),
        .vmid = walk->s2->vmid,
        .granule = walk->s2->granule,
        .level = walk->level,
        .log2_size = log2,
        .input = align_down(walk->ipa, log2),
        .output = output,
        .readable = field_in(descriptor, DESC_S2AP_READ),
        .writable = field_in(descriptor, DESC_S2AP_WRITE),
        .xn = (unsigned)field_in(descriptor, DESC_XN),
        .stamp = walk->stamp,
    };
}

static bool read_descriptor(struct walk *walk, uint64_t *descriptor, struct fault *fault)
{
    const struct stage2 *s2 = walk->s2;
    unsigned log2 = model_stage2_level_shift(s2, walk->level);
    uint64_t within = offset_within(walk->ipa, log2 + model_stage2_index_bits(s2, walk->level));
    uint64_t address = walk->table + within / power_of_2(log2) * sizeof(*descriptor);

    if (!model_read_words(walk->model, SMMUV3_MODEL_FETCH_TABLE, walk->lookup->pure, address,
                          descriptor, 1)) {
        return walk_aborts(fault, address);
    }
    return true;
}

/* Walk to the leaf. Only what is valid and usable is cached (3.21.1). */
static bool walk_to_leaf(struct walk *walk, struct tlb_entry *leaf, struct fault *fault)
{
    const struct stage2 *s2 = walk->s2;
    uint64_t descriptor = 0;

    for (;;) {
        struct tlb_entry entry;
        unsigned log2 = model_stage2_level_shift(s2, walk->level);
        bool table = false;

        if (!read_descriptor(walk, &descriptor, fault)) {
            return false;
        }
        table = model_stage2_is_table(walk->level, descriptor);
        if (!table && !model_stage2_is_leaf(walk->model, s2, walk->level, descriptor)) {
            return fails(fault, F_TRANSLATION, walk->ipa);
        }
        entry = entry_for(
            walk, descriptor,
            model_stage2_output(walk->model, s2, table ? s2->granule : log2, descriptor));
        if (entry.output > low_bits(s2->output_bits)) {
            return fails(fault, F_ADDR_SIZE, walk->ipa);
        }
        if (!table && !s2->affd && !field_in(descriptor, DESC_AF)) {
            return fails(fault, F_ACCESS, walk->ipa);
        }
        if (!walk->lookup->pure) {
            model_tlb_insert(walk->model, &entry);
        }
        if (!table) {
            *leaf = entry;
            return true;
        }
        walk->table = entry.output;
        walk->level++;
    }
}

static bool permitted(const struct smmuv3_model *model, const struct smmuv3_model_access *access,
                      const struct tlb_entry *leaf)
{
    if (access->write) {
        return leaf->writable;
    }
    if (access->instruction) {
        return model_stage2_executable(model, leaf->xn, access->privileged);
    }
    return leaf->readable;
}

/*
 * Translate an IPA: input range, TLB, walk, permissions. Where several leaves match, a unit with
 * BBML 2 takes one, here the oldest; others report the conflict (3.21.1.3).
 */
bool model_walk_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage2 *s2, uint64_t ipa, struct translation *translation,
                       struct fault *fault)
{
    struct walk walk = { .model = model, .lookup = lookup, .s2 = s2, .ipa = ipa };
    const struct tlb_entry *hit = NULL;
    struct tlb_entry leaf;
    unsigned hits = 0;

    if (ipa > low_bits(s2->input_bits)) {
        return fails(fault, F_TRANSLATION, ipa);
    }
    hits = model_tlb_leaves(model, s2->vmid, ipa, &hit);
    if (hits > 1 && model->p.bbml < 2) {
        fails(fault, F_TLB_CONFLICT, ipa);
        fault->translation_related = false;
        return false;
    }
    if (hits) {
        leaf = *hit;
    } else {
        begin_walk(&walk);
        if (!walk_to_leaf(&walk, &leaf, fault)) {
            return false;
        }
    }
    if (!permitted(model, lookup->access, &leaf)) {
        return fails(fault, F_PERMISSION, ipa);
    }
    *translation = (struct translation){
        .output = leaf.output + (ipa - leaf.input),
        .contiguous = power_of_2(leaf.log2_size) - (ipa - leaf.input),
        .readable = leaf.readable,
        .writable = leaf.writable,
        .executable = model_stage2_executable(model, leaf.xn, lookup->access->privileged),
    };
    return true;
}
