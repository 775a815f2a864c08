/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMSAv8-64 translation tables (DDI 0487 D8.2, D8.3), as far as both stages agree: what a level
 * resolves, which descriptors are tables and leaves, output addresses, contiguous groups.
 */
#include "internal.h"

/* Bits of the input address below those that a table of this level resolves. */
unsigned model_level_shift(const struct tables *t, unsigned level)
{
    return t->granule + (t->granule - DESC_LOG2_BYTES) * (LAST_LEVEL - level);
}

/* Bits that it resolves; more than a stride at the start of stage 2 where tables are concatenated. */
unsigned model_index_bits(const struct tables *t, unsigned level)
{
    if (level == t->start_level) {
        return t->input_bits - model_level_shift(t, level);
    }
    return t->granule - DESC_LOG2_BYTES;
}

/* Where the descriptor for this input lies in a table of this level. */
uint64_t model_descriptor_address(const struct tables *t, unsigned level, uint64_t table,
                                  uint64_t input)
{
    unsigned log2 = model_level_shift(t, level);
    uint64_t within = offset_within(input, log2 + model_index_bits(t, level));

    return table + within / power_of_2(log2) * power_of_2(DESC_LOG2_BYTES);
}

bool model_is_table(unsigned level, uint64_t descriptor)
{
    return level < LAST_LEVEL && field_in(descriptor, DESC_VALID) &&
           field_in(descriptor, DESC_TABLE);
}

/* Blocks: 4 KiB at levels 1 and 2, 16 KiB at 2, 64 KiB at 2 and, with 52-bit addresses, 1. */
static bool block_allowed(const struct smmuv3_model *model, const struct tables *t, unsigned level)
{
    switch (t->granule) {
    case 12:
        return level == 1 || level == 2;
    case 14:
        return level == 2;
    default:
        return level == 2 || (level == 1 && model->p.oas == 52);
    }
}

bool model_is_leaf(const struct smmuv3_model *model, const struct tables *t, unsigned level,
                   uint64_t descriptor)
{
    if (!field_in(descriptor, DESC_VALID)) {
        return false;
    }
    if (level == LAST_LEVEL) {
        return field_in(descriptor, DESC_TABLE);
    }
    return !field_in(descriptor, DESC_TABLE) && block_allowed(model, t, level);
}

/* The address in a descriptor, aligned to 2^log2; bits 51:48 lie low with 64 KiB granules. */
uint64_t model_output(const struct smmuv3_model *model, const struct tables *t, unsigned log2,
                      uint64_t descriptor)
{
    uint64_t output = align_down(field_address(&descriptor, DESC_ADDRESS), log2);

    if (t->granule == 16 && model->p.oas == 52) {
        field_put(&output, FIELD(51, 48), field_in(descriptor, DESC_ADDRESS_51_48));
    }
    return output;
}

/* How many descriptors a contiguous group has, as log2 (DDI 0487 D8.7.1). */
static unsigned contiguous_log2(const struct tables *t, unsigned level)
{
    switch (t->granule) {
    case 12:
        return 4;
    case 14:
        return level == LAST_LEVEL ? 7 : 5;
    default:
        return 5;
    }
}

/*
 * What one leaf may be cached as. With the Contiguous bit that is the whole group: that the other
 * descriptors say the same is software's promise. A group that the input range cuts, or whose
 * output is out of line, is none.
 */
unsigned model_leaf_log2(const struct smmuv3_model *model, const struct tables *t, unsigned level,
                         uint64_t input, uint64_t descriptor)
{
    unsigned log2 = model_level_shift(t, level);
    unsigned group = log2 + contiguous_log2(t, level);
    uint64_t output = model_output(model, t, log2, descriptor);

    if (!field_in(descriptor, DESC_CONTIGUOUS) || group > t->input_bits ||
        offset_within(output, group) != offset_within(align_down(input, log2), group)) {
        return log2;
    }
    return group;
}

bool model_allows(const struct rights *rights, bool privileged, bool write, bool instruction)
{
    unsigned held = privileged ? rights->privileged : rights->user;

    return held & (write ? RIGHT_WRITE : instruction ? RIGHT_EXECUTE : RIGHT_READ);
}
