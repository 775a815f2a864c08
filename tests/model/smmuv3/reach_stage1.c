/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of stage 1: every range of one CD's address space, by tables in memory read through
 * stage 2 wherever it leads, by cached tables and by cached leaves.
 */
#include "audit.h"

/* One half of a CD's address space. */
struct visit {
    struct audit *audit;
    const struct stage1 *s1;
    const struct half *half;
};

static enum smmuv3_model_reach_source either(enum smmuv3_model_reach_source a,
                                             enum smmuv3_model_reach_source b)
{
    return a == SMMUV3_MODEL_REACH_CACHE ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------ leaves */

/* A range that stage 1 maps, through every range of stage 2 that it meets. */
static void tell(const struct visit *visit, uint64_t va, uint64_t ipa, uint64_t size,
                 const struct rights *rights, enum smmuv3_model_reach_source source)
{
    struct audit *audit = visit->audit;

    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece *piece = &audit->ipas[i];
        uint64_t first = larger(ipa, piece->ipa);
        uint64_t end = smaller(ipa + size, piece->ipa + piece->size);

        if (first < end) {
            audit_piece(audit, va + (first - ipa), piece->address + (first - piece->ipa),
                        end - first, rights->user & piece->rights.user,
                        rights->privileged & piece->rights.privileged,
                        either(source, piece->source));
        }
    }
}

static void visit_leaf(const struct visit *visit, unsigned level, uint64_t va, uint64_t descriptor,
                       unsigned inherit, enum smmuv3_model_reach_source source)
{
    struct audit *audit = visit->audit;
    const struct tables *t = &visit->half->t;
    unsigned log2 = model_leaf_log2(audit->model, t, level, va, descriptor);
    uint64_t output = align_down(
        model_output(audit->model, t, model_level_shift(t, level), descriptor), log2);
    struct rights rights = model_stage1_rights(visit->s1, descriptor, inherit);

    if (output > low_bits(t->output_bits) ||
        (!visit->s1->affd && !visit->s1->ha && !field_in(descriptor, DESC_AF))) {
        return;
    }
    va = align_down(va, log2);
    if (log2 > model_level_shift(t, level)) {
        uint64_t group = model_hash(va, output);

        if (audit->last_group == group) {
            return; /* another member of a group that was told */
        }
        audit->last_group = group;
    }
    tell(visit, va, output, power_of_2(log2), &rights, source);
}

/* ------------------------------------------------------------------ tables */

static void visit_table(const struct visit *visit, unsigned level, uint64_t table, uint64_t va,
                        unsigned inherit, enum smmuv3_model_reach_source source);

/* Descriptors that lie one after the other in memory, the first of which translates `va`. */
static void visit_descriptors(const struct visit *visit, unsigned level, uint64_t address,
                              uint64_t count, uint64_t va, unsigned inherit,
                              enum smmuv3_model_reach_source source)
{
    struct audit *audit = visit->audit;
    const struct tables *t = &visit->half->t;
    uint64_t span = power_of_2(model_level_shift(t, level));

    if (!audit_visit(audit, va, address, level, inherit)) {
        return;
    }
    audit_structure(audit, SMMUV3_MODEL_STRUCTURE_STAGE1_TABLE, address,
                    count * power_of_2(DESC_LOG2_BYTES));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t descriptor = 0;
        uint64_t output = 0;

        if (!audit_look(audit, address + i * sizeof(descriptor), &descriptor, 1)) {
            continue;
        }
        if (model_is_leaf(audit->model, t, level, descriptor)) {
            visit_leaf(visit, level, va + i * span, descriptor, inherit, source);
        } else if (model_is_table(level, descriptor)) {
            output = model_output(audit->model, t, t->granule, descriptor);
            if (output <= low_bits(t->output_bits)) {
                visit_table(visit, level + 1, output, va + i * span,
                            inherit | model_inherited(visit->half, descriptor), source);
            }
        }
    }
}

/* A table, in every place where stage 2 may have it or parts of it. */
static void visit_table(const struct visit *visit, unsigned level, uint64_t table, uint64_t va,
                        unsigned inherit, enum smmuv3_model_reach_source source)
{
    struct audit *audit = visit->audit;
    const struct tables *t = &visit->half->t;
    uint64_t bytes = power_of_2(model_index_bits(t, level) + DESC_LOG2_BYTES);
    uint64_t span = power_of_2(model_level_shift(t, level));

    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece *piece = &audit->ipas[i];
        uint64_t first = larger(table, piece->ipa);
        uint64_t end = smaller(table + bytes, piece->ipa + piece->size);

        if (first < end && audit_readable(audit, piece)) {
            visit_descriptors(visit, level, piece->address + (first - piece->ipa),
                              (end - first) / power_of_2(DESC_LOG2_BYTES),
                              va + (first - table) / power_of_2(DESC_LOG2_BYTES) * span, inherit,
                              either(source, piece->source));
        }
    }
}

/* ------------------------------------------------------------------ what is cached */

static void visit_entry(const struct visit *visit, const struct tlb_entry *entry)
{
    struct audit *audit = visit->audit;
    const struct tables *t = &visit->half->t;

    if (!entry->table) {
        audit_piece(audit, entry->input, entry->output, power_of_2(entry->log2_size),
                    entry->s1.user & entry->s2.user, entry->s1.privileged & entry->s2.privileged,
                    SMMUV3_MODEL_REACH_CACHE);
    } else if (!visit->half->disabled && entry->granule == t->granule &&
               entry->level >= t->start_level) {
        visit_descriptors(visit, entry->level + 1, entry->output,
                          power_of_2(entry->log2_size - model_level_shift(t, entry->level + 1)),
                          entry->input, entry->inherit, SMMUV3_MODEL_REACH_CACHE);
    }
}

static void visit_tlb(const struct visit *visit)
{
    const struct smmuv3_model *model = visit->audit->model;
    const struct tlb_key key = {
        .regime = visit->s1->regime,
        .vmid = visit->s1->vmid,
        .asid = visit->s1->asid,
        .aset = visit->s1->aset,
    };

    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        const struct tlb_entry *entry = &model->caches.tlb[i];
        uint64_t va = entry->input;

        if (model_tlb_matches(model, &key, entry) &&
            model_half_for(visit->s1, &va) == visit->half) {
            visit_entry(visit, entry);
        }
    }
}

static void tell_root(const struct visit *visit, enum smmuv3_model_reach_source source)
{
    struct audit *audit = visit->audit;
    enum tlb_regime regime = visit->s1->regime;

    if (audit->root && !visit->half->disabled) {
        audit->root(audit->context, &(struct smmuv3_model_root){
                                        .stream_id = audit->stream_id,
                                        .stage = 1,
                                        .el2 = regime != REGIME_NS_EL1_VA,
                                        .has_asid = regime != REGIME_NS_EL2,
                                        .vmid = visit->s1->vmid,
                                        .asid = visit->s1->asid,
                                        .root = visit->half->t.ttb,
                                        .source = source,
                                    });
    }
}

/* All of one CD's address space. The IPAs are listed. */
void audit_stage1(struct audit *audit, const struct stage1 *s1,
                  enum smmuv3_model_reach_source source)
{
    audit->last_group = 0;
    audit_forget_visited(audit);
    for (unsigned which = 0; which < 2; which++) {
        const struct visit visit = { .audit = audit, .s1 = s1, .half = &s1->half[which] };

        if (!visit.half->exists) {
            continue;
        }
        tell_root(&visit, source);
        if (!visit.half->disabled) {
            const struct tables *t = &visit.half->t;

            visit_table(&visit, t->start_level, t->ttb, which ? ~low_bits(t->input_bits) : 0, 0,
                        source);
        }
        visit_tlb(&visit);
    }
}
