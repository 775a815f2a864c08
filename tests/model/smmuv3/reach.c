/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: everything that a stream can reach now, from memory and from what is cached.
 */
#include <string.h>

#include "internal.h"

/* One run of the audit. Equal neighbours are joined before they are reported. */
struct audit {
    struct smmuv3_model *model;
    void (*piece)(void *context, const struct smmuv3_model_reach *piece);
    void *context;
    struct smmuv3_model_reach pending;
    enum smmuv3_model_reach_source source;
    const struct stage2 *s2;
    bool complete;
};

static void flush(struct audit *audit)
{
    if (audit->pending.size) {
        audit->piece(audit->context, &audit->pending);
        audit->pending.size = 0;
    }
}

static bool joins(const struct smmuv3_model_reach *a, const struct smmuv3_model_reach *b)
{
    return a->size && a->iova + a->size == b->iova && a->address + a->size == b->address &&
           a->readable == b->readable && a->writable == b->writable &&
           a->executable == b->executable && a->source == b->source;
}

static void report(struct audit *audit, struct smmuv3_model_reach piece)
{
    piece.source = audit->source;
    if (!piece.readable && !piece.writable && !piece.executable) {
        return;
    }
    if (joins(&audit->pending, &piece)) {
        audit->pending.size += piece.size;
        return;
    }
    flush(audit);
    audit->pending = piece;
}

static void report_identity(struct audit *audit)
{
    report(audit, (struct smmuv3_model_reach){
                      .size = power_of_2(audit->model->p.oas),
                      .readable = true,
                      .writable = true,
                      .executable = true,
                  });
}

static bool look(struct audit *audit, uint64_t address, uint64_t *words, unsigned count)
{
    return model_read_words(audit->model, SMMUV3_MODEL_AUDIT, true, address, words, count);
}

static bool executable(const struct audit *audit, unsigned xn)
{
    return model_stage2_executable(audit->model, xn, false) ||
           model_stage2_executable(audit->model, xn, true);
}

/* ------------------------------------------------------------------ stage 2 */

static void report_leaf(struct audit *audit, unsigned level, uint64_t ipa, uint64_t descriptor)
{
    const struct stage2 *s2 = audit->s2;
    unsigned log2 = model_level_shift(&s2->t, level);
    uint64_t output = model_output(audit->model, &s2->t, log2, descriptor);

    if (output > low_bits(s2->t.output_bits) || (!s2->affd && !field_in(descriptor, DESC_AF))) {
        return;
    }
    report(audit, (struct smmuv3_model_reach){
                      .iova = ipa,
                      .address = output,
                      .size = power_of_2(log2),
                      .readable = field_in(descriptor, DESC_S2AP_READ),
                      .writable = field_in(descriptor, DESC_S2AP_WRITE),
                      .executable = executable(audit, (unsigned)field_in(descriptor, DESC_XN)),
                  });
}

/* Everything below a table of this level that translates from `ipa` on. */
static void visit_table(struct audit *audit, unsigned level, uint64_t table, uint64_t ipa)
{
    const struct stage2 *s2 = audit->s2;
    uint64_t entries = power_of_2(model_index_bits(&s2->t, level));
    uint64_t span = power_of_2(model_level_shift(&s2->t, level));

    for (uint64_t i = 0; i < entries; i++) {
        uint64_t descriptor = 0;
        uint64_t output = 0;

        if (!look(audit, table + i * sizeof(descriptor), &descriptor, 1)) {
            continue;
        }
        if (model_is_leaf(audit->model, &s2->t, level, descriptor)) {
            report_leaf(audit, level, ipa + i * span, descriptor);
        } else if (model_is_table(level, descriptor)) {
            output = model_output(audit->model, &s2->t, s2->t.granule, descriptor);
            if (output <= low_bits(s2->t.output_bits)) {
                visit_table(audit, level + 1, output, ipa + i * span);
            }
        }
    }
}

/* Whether memory leads to the same next table as a cached table descriptor says. */
static bool memory_agrees(struct audit *audit, const struct tlb_entry *entry)
{
    const struct stage2 *s2 = audit->s2;
    uint64_t table = s2->t.ttb;

    for (unsigned level = s2->t.start_level; level <= entry->level; level++) {
        unsigned log2 = model_level_shift(&s2->t, level);
        uint64_t within = offset_within(entry->input, log2 + model_index_bits(&s2->t, level));
        uint64_t descriptor = 0;

        if (!look(audit, table + within / power_of_2(log2) * sizeof(descriptor), &descriptor, 1) ||
            !model_is_table(level, descriptor)) {
            return false;
        }
        table = model_output(audit->model, &s2->t, s2->t.granule, descriptor);
    }
    return table == entry->output;
}

static void visit_tlb(struct audit *audit)
{
    const struct model_caches *caches = &audit->model->caches;
    const struct stage2 *s2 = audit->s2;

    audit->source = SMMUV3_MODEL_REACH_CACHE;
    for (unsigned i = 0; i < caches->tlb_count; i++) {
        const struct tlb_entry *entry = &caches->tlb[i];

        if (entry->regime != REGIME_NS_EL1_IPA || entry->vmid != s2->vmid ||
            entry->input > low_bits(s2->t.input_bits)) {
            continue;
        }
        if (!entry->table) {
            report(audit, (struct smmuv3_model_reach){
                              .iova = entry->input,
                              .address = entry->output,
                              .size = power_of_2(entry->log2_size),
                              .readable = entry->s2.user & RIGHT_READ,
                              .writable = entry->s2.user & RIGHT_WRITE,
                              .executable = (entry->s2.user | entry->s2.privileged) & RIGHT_EXECUTE,
                          });
        } else if (entry->granule == s2->t.granule && entry->level >= s2->t.start_level &&
                   !memory_agrees(audit, entry)) {
            visit_table(audit, entry->level + 1, entry->output, entry->input);
        }
    }
}

/* ------------------------------------------------------------------ streams */

static void visit_ste(struct audit *audit, const uint64_t ste[STE_WORDS],
                      enum smmuv3_model_reach_source source)
{
    uint64_t config = field_of(ste, STE_CONFIG);
    struct stage2 s2;

    if (model_ste_illegal(audit->model, ste) || !field_in(config, CONFIG_PASS)) {
        return;
    }
    if (model_ste_not_modelled(audit->model, ste) || field_in(config, CONFIG_STAGE1)) {
        audit->complete = false;
        return;
    }
    audit->source = source;
    if (!field_in(config, CONFIG_STAGE2)) {
        report_identity(audit);
        return;
    }
    s2 = model_ste_stage2(audit->model, ste);
    audit->s2 = &s2;
    visit_table(audit, s2.t.start_level, s2.t.ttb, 0);
    visit_tlb(audit);
    audit->s2 = NULL;
}

/* The STE at an address, if it can be read. */
static void visit_ste_at(struct audit *audit, uint64_t address,
                         enum smmuv3_model_reach_source source)
{
    uint64_t ste[STE_WORDS];

    if (look(audit, address, ste, STE_WORDS)) {
        visit_ste(audit, ste, source);
    }
}

static bool ste_in_memory(struct audit *audit, uint32_t stream_id, uint64_t ste[STE_WORDS])
{
    struct smmuv3_model *model = audit->model;
    uint64_t address = model_linear_ste_address(model, stream_id);
    uint64_t l1std = 0;

    if (model_two_level(model) && (!look(audit, model_l1std_address(model, stream_id), &l1std, 1) ||
                                   !model_l2_ste_address(model, l1std, stream_id, &address))) {
        return false;
    }
    return look(audit, address, ste, STE_WORDS);
}

/* Through memory alone, through a cached level-1 descriptor, through a cached STE. */
static void visit_stream(struct audit *audit, uint32_t stream_id)
{
    struct smmuv3_model *model = audit->model;
    const struct cached_ste *cached = model_cached_ste(model, stream_id);
    const struct cached_l1std *l1std = model_cached_l1std(model, stream_id);
    uint64_t ste[STE_WORDS] = { 0 };
    uint64_t address = 0;
    uint64_t word = 0;

    if (ste_in_memory(audit, stream_id, ste)) {
        visit_ste(audit, ste, SMMUV3_MODEL_REACH_MEMORY);
    }
    if (cached && memcmp(cached->words, ste, sizeof(ste)) != 0) {
        visit_ste(audit, cached->words, SMMUV3_MODEL_REACH_CACHE);
    }
    if (model_two_level(model) && l1std &&
        (!look(audit, model_l1std_address(model, stream_id), &word, 1) || word != l1std->word) &&
        model_l2_ste_address(model, l1std->word, stream_id, &address)) {
        visit_ste_at(audit, address, SMMUV3_MODEL_REACH_CACHE);
    }
}

bool smmuv3_model_reach(struct smmuv3_model *model, uint32_t stream_id,
                        void (*piece)(void *context, const struct smmuv3_model_reach *piece),
                        void *context)
{
    struct audit audit = {
        .model = model,
        .piece = piece,
        .context = context,
        .source = SMMUV3_MODEL_REACH_MEMORY,
        .complete = true,
    };

    if (model->service_failure) {
        return true;
    }
    if (!model_enabled(model, CR0_SMMUEN)) {
        if (!field_in(model->gbpa_effective, GBPA_ABORT)) {
            report_identity(&audit);
        }
    } else if (model_stream_in_range(model, stream_id)) {
        visit_stream(&audit, stream_id);
    }
    flush(&audit);
    return audit.complete;
}
