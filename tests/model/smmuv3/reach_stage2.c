/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of stage 2: every range of IPAs that it maps, by tables in memory, by cached tables
 * and by cached leaves, as a list that stage 1, or the caller, is then led through.
 */
#include "audit.h"

static void add(struct audit *audit, const struct ipa_piece *piece)
{
    struct ipa_piece *last = audit->ipa_count ? &audit->ipas[audit->ipa_count - 1] : NULL;

    if (last && last->ipa + last->size == piece->ipa &&
        last->address + last->size == piece->address && last->source == piece->source &&
        last->device == piece->device && last->rights.user == piece->rights.user &&
        last->rights.privileged == piece->rights.privileged) {
        last->size += piece->size;
        return;
    }
    if (!audit->ipas || audit->ipa_count == audit->ipa_room) {
        audit->ipas = model_grow(audit->ipas, &audit->ipa_room, sizeof(*audit->ipas));
    }
    audit->ipas[audit->ipa_count++] = *piece;
}

/* Whether the unit itself may read tables and CDs there. */
bool audit_readable(const struct audit *audit, const struct ipa_piece *piece)
{
    return (piece->rights.privileged & RIGHT_READ) &&
           !(audit->s2 && audit->s2->protected_walk && piece->device);
}

static void add_leaf(struct audit *audit, unsigned level, uint64_t ipa, uint64_t descriptor,
                     enum smmuv3_model_reach_source source)
{
    const struct stage2 *s2 = audit->s2;
    unsigned log2 = model_leaf_log2(audit->model, &s2->t, level, ipa, descriptor);
    uint64_t output = align_down(
        model_output(audit->model, &s2->t, model_level_shift(&s2->t, level), descriptor), log2);

    if (output > low_bits(s2->t.output_bits) ||
        (!s2->affd && !s2->ha && !field_in(descriptor, DESC_AF))) {
        return;
    }
    ipa = align_down(ipa, log2);
    if (log2 > model_level_shift(&s2->t, level)) {
        uint64_t group = model_hash(ipa, output);

        if (audit->last_group == group) {
            return; /* another member of a group that was told */
        }
        audit->last_group = group;
    }
    add(audit, &(struct ipa_piece){
                   .ipa = ipa,
                   .address = output,
                   .size = power_of_2(log2),
                   .rights = model_stage2_rights(audit->model, s2, descriptor),
                   .device = model_stage2_device(s2, descriptor),
                   .source = source,
               });
}

/* Everything below a table of this level that translates from `ipa` on. */
static void visit_table(struct audit *audit, unsigned level, uint64_t table, uint64_t ipa,
                        enum smmuv3_model_reach_source source)
{
    const struct tables *t = &audit->s2->t;
    uint64_t entries = power_of_2(model_index_bits(t, level));
    uint64_t span = power_of_2(model_level_shift(t, level));

    if (!audit_visit(audit, ipa, table, level, 0)) {
        return;
    }
    audit_structure(audit, SMMUV3_MODEL_STRUCTURE_STAGE2_TABLE, table,
                    entries * power_of_2(DESC_LOG2_BYTES));
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t descriptor = 0;
        uint64_t output = 0;

        if (!audit_look(audit, table + i * sizeof(descriptor), &descriptor, 1)) {
            continue;
        }
        if (model_is_leaf(audit->model, t, level, descriptor)) {
            add_leaf(audit, level, ipa + i * span, descriptor, source);
        } else if (model_is_table(level, descriptor)) {
            output = model_output(audit->model, t, t->granule, descriptor);
            if (output <= low_bits(t->output_bits)) {
                visit_table(audit, level + 1, output, ipa + i * span, source);
            }
        }
    }
}

static void visit_tlb(struct audit *audit)
{
    const struct model_caches *caches = &audit->model->caches;
    const struct stage2 *s2 = audit->s2;

    for (unsigned i = 0; i < caches->tlb_count; i++) {
        const struct tlb_entry *entry = &caches->tlb[i];

        if (entry->regime != REGIME_NS_EL1_IPA || entry->vmid != s2->vmid ||
            entry->input > low_bits(s2->t.input_bits)) {
            continue;
        }
        if (!entry->table) {
            add(audit, &(struct ipa_piece){
                           .ipa = entry->input,
                           .address = entry->output,
                           .size = power_of_2(entry->log2_size),
                           .rights = entry->s2,
                           .device = entry->device,
                           .source = SMMUV3_MODEL_REACH_CACHE,
                       });
        } else if (entry->granule == s2->t.granule && entry->level >= s2->t.start_level) {
            visit_table(audit, entry->level + 1, entry->output, entry->input,
                        SMMUV3_MODEL_REACH_CACHE);
        }
    }
}

/* Fill the list of IPAs for the stage 2 that is set, or with the identity if none is. */
void audit_stage2(struct audit *audit)
{
    const struct stage2 *s2 = audit->s2;

    audit->ipa_count = 0;
    audit->last_group = 0;
    audit_forget_visited(audit);
    if (!s2) {
        add(audit, &(struct ipa_piece){
                       .size = power_of_2(audit->model->p.oas),
                       .rights = { .user = RIGHT_ALL, .privileged = RIGHT_ALL },
                       .source = audit->source,
                   });
        return;
    }
    visit_table(audit, s2->t.start_level, s2->t.ttb, 0, audit->source);
    visit_tlb(audit);
    audit_forget_visited(audit);
}
