/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's entrances: what a stream can reach, which memory that depends on, which roots its
 * tags name; the registers' part in it, and how pieces are joined and told.
 */
#include <stdlib.h>

#include "audit.h"

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
           a->ssv == b->ssv && a->substream_id == b->substream_id && a->readable == b->readable &&
           a->writable == b->writable && a->executable == b->executable && a->source == b->source;
}

/* Tell a piece, or let the one before it grow. What nobody may do anything with is none. */
void audit_piece(struct audit *audit, uint64_t iova, uint64_t address, uint64_t size, unsigned user,
                 unsigned privileged, enum smmuv3_model_reach_source source)
{
    const unsigned held = user | privileged;
    const struct smmuv3_model_reach piece = {
        .stream_id = audit->stream_id,
        .ssv = audit->ssv,
        .substream_id = audit->substream_id,
        .iova = iova,
        .address = address,
        .size = size,
        .readable = held & RIGHT_READ,
        .writable = held & RIGHT_WRITE,
        .executable = held & RIGHT_EXECUTE,
        .source = source,
    };

    if (!held || !audit->piece) {
        return;
    }
    if (joins(&audit->pending, &piece)) {
        audit->pending.size += size;
        return;
    }
    flush(audit);
    audit->pending = piece;
}

void audit_structure(struct audit *audit, enum smmuv3_model_structure_kind kind, uint64_t address,
                     uint64_t size)
{
    if (audit->structure) {
        audit->structure(audit->context, &(struct smmuv3_model_structure){
                                             .stream_id = audit->stream_id,
                                             .kind = kind,
                                             .address = address,
                                             .size = size,
                                         });
    }
}

bool audit_look(struct audit *audit, uint64_t address, uint64_t *words, unsigned count)
{
    return model_read_words(audit->model, SMMUV3_MODEL_AUDIT, true, address, words, count);
}

/* ------------------------------------------------------------------ tables seen */

static uint64_t hash_of(uint64_t input, uint64_t table, unsigned level)
{
    return model_hash(input + level, table);
}

static void index_visited(struct audit *audit)
{
    model_index_resize(&audit->visited_index, audit->visited_room);
    for (unsigned i = 0; i < audit->visited_count; i++) {
        const struct visited *seen = &audit->visited[i];

        model_index_add(&audit->visited_index, hash_of(seen->input, seen->table, seen->level), i);
    }
}

/* Whether this table, for input from here on and with these rights left, is new; only once. */
bool audit_visit(struct audit *audit, uint64_t input, uint64_t table, unsigned level,
                 unsigned inherit)
{
    uint64_t hash = hash_of(input, table, level);
    unsigned i = 0;

    for (bool more = model_index_first(&audit->visited_index, hash, &i); more;
         more = model_index_next(&audit->visited_index, &i)) {
        const struct visited *seen = &audit->visited[i];

        if (seen->input == input && seen->table == table && seen->level == level &&
            seen->inherit == inherit) {
            return false;
        }
    }
    if (audit->visited_count == audit->visited_room) {
        audit->visited = model_grow(audit->visited, &audit->visited_room, sizeof(*audit->visited));
        index_visited(audit);
    }
    audit->visited[audit->visited_count] = (struct visited){ input, table, level, inherit };
    model_index_add(&audit->visited_index, hash, audit->visited_count++);
    return true;
}

void audit_forget_visited(struct audit *audit)
{
    audit->visited_count = 0;
    model_index_clear(&audit->visited_index);
}

/* ------------------------------------------------------------------ registers */

/* While a write awaits its acknowledge, either value may be in effect. */
static bool may_be_enabled(const struct smmuv3_model *model)
{
    return field_in(model->reg[CR0] | model->reg[CR0ACK], CR0_SMMUEN);
}

static bool may_be_disabled(const struct smmuv3_model *model)
{
    return !field_in(model->reg[CR0] & model->reg[CR0ACK], CR0_SMMUEN);
}

static bool may_bypass(const struct smmuv3_model *model)
{
    return !field_in(model->gbpa_effective & model->reg[GBPA], GBPA_ABORT);
}

static bool run(struct audit *audit)
{
    struct smmuv3_model *model = audit->model;

    audit->complete = true;
    if (model->service_failure) {
        return true;
    }
    if (may_be_disabled(model) && may_bypass(model)) {
        audit_piece(audit, 0, 0, power_of_2(model->p.oas), RIGHT_ALL, RIGHT_ALL,
                    SMMUV3_MODEL_REACH_MEMORY);
    }
    if (may_be_enabled(model) && model_stream_in_range(model, audit->stream_id)) {
        audit_stream(audit);
    }
    flush(audit);
    free(audit->ipas);
    free(audit->visited);
    model_index_free(&audit->visited_index);
    return audit->complete;
}

/* ------------------------------------------------------------------ what callers ask */

bool smmuv3_model_reach(struct smmuv3_model *model, uint32_t stream_id,
                        void (*piece)(void *context, const struct smmuv3_model_reach *piece),
                        void *context)
{
    struct audit audit = {
        .model = model,
        .stream_id = stream_id,
        .context = context,
        .piece = piece,
    };
    bool complete = run(&audit);

    model_atc_reach(model, stream_id, piece, context);
    return complete;
}

bool smmuv3_model_structures(struct smmuv3_model *model, uint32_t stream_id,
                             void (*structure)(void *context,
                                               const struct smmuv3_model_structure *structure),
                             void *context)
{
    struct audit audit = {
        .model = model,
        .stream_id = stream_id,
        .context = context,
        .structure = structure,
    };

    return run(&audit);
}

bool smmuv3_model_roots(struct smmuv3_model *model, uint32_t stream_id,
                        void (*root)(void *context, const struct smmuv3_model_root *root),
                        void *context)
{
    struct audit audit = {
        .model = model,
        .stream_id = stream_id,
        .context = context,
        .root = root,
    };

    return run(&audit);
}

/* The roots by which one entry was made: of its first stage, and of stage 2 if it has both. */
void smmuv3_model_tlb_roots(const struct smmuv3_model *model,
                            void (*root)(void *context, const struct smmuv3_model_root *root),
                            void *context)
{
    for (unsigned i = 0; i < model->caches.tlb_count; i++) {
        const struct tlb_entry *entry = &model->caches.tlb[i];
        const bool stage1 = entry->regime != REGIME_NS_EL1_IPA;
        struct smmuv3_model_root told = {
            .stage = stage1 ? 1 : 2,
            .el2 = entry->regime == REGIME_NS_EL2 || entry->regime == REGIME_NS_EL2_E2H,
            .has_asid = stage1 && entry->regime != REGIME_NS_EL2,
            .vmid = entry->vmid,
            .asid = entry->asid,
            .root = entry->root,
            .source = SMMUV3_MODEL_REACH_CACHE,
        };

        root(context, &told);
        if (entry->nested) {
            told.stage = 2;
            told.has_asid = false;
            told.asid = 0;
            told.root = entry->s2_root;
            root(context, &told);
        }
    }
}
