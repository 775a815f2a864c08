/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of configuration: the STEs that a lookup for the stream could take, and under each of
 * them every substream with every CD that it could take.
 */
#include <string.h>

#include "audit.h"

/* ------------------------------------------------------------------ CDs */

static enum smmuv3_model_reach_source either(enum smmuv3_model_reach_source a,
                                             enum smmuv3_model_reach_source b)
{
    return a == SMMUV3_MODEL_REACH_CACHE ? a : b;
}

static void visit_cd(struct audit *audit, const uint64_t cd[CD_WORDS],
                     enum smmuv3_model_reach_source source)
{
    struct stage1 s1;

    if (model_cd_illegal(audit->model, audit->ste, cd)) {
        return;
    }
    if (model_cd_not_modelled(audit->model, audit->ste, cd)) {
        audit->complete = false;
        return;
    }
    s1 = model_cd_stage1(audit->model, audit->ste, cd);
    audit_stage1(audit, &s1, source);
}

/* The CD at an address as the STE or an L1CD has it, wherever stage 2 leads. */
static void visit_cd_at(struct audit *audit, uint64_t address,
                        enum smmuv3_model_reach_source source)
{
    uint64_t cd[CD_WORDS];

    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece piece = audit->ipas[i];
        uint64_t at = piece.address + (address - piece.ipa);

        if (address < piece.ipa || address - piece.ipa >= piece.size ||
            !audit_readable(audit, &piece)) {
            continue;
        }
        audit_structure(audit, SMMUV3_MODEL_STRUCTURE_CD, at, sizeof(cd));
        /* An invalid CD shows in its first word; a large table is mostly made of them. */
        if (audit_look(audit, at, cd, 1) && field_of(cd, CD_V) &&
            audit_look(audit, at, cd, CD_WORDS)) {
            visit_cd(audit, cd, either(source, piece.source));
        }
    }
}

/* Whether memory says the same as a cached CD, at the place where the STE says it is. */
static bool memory_has(struct audit *audit, uint64_t address, const uint64_t cd[CD_WORDS])
{
    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece *piece = &audit->ipas[i];
        uint64_t words[CD_WORDS];

        if (address >= piece->ipa && address - piece->ipa < piece->size &&
            audit_readable(audit, piece) &&
            audit_look(audit, piece->address + (address - piece->ipa), words, CD_WORDS) &&
            !memcmp(words, cd, sizeof(words))) {
            return true;
        }
    }
    return false;
}

/* The words that a level-1 descriptor could have: in memory, wherever that is, and cached. */
enum { MOST_L1CDS = 8 };
struct l1cds {
    unsigned count;
    uint64_t words[MOST_L1CDS];
    enum smmuv3_model_reach_source sources[MOST_L1CDS];
};

static void add_l1cd(struct audit *audit, struct l1cds *l1cds, uint64_t word,
                     enum smmuv3_model_reach_source source)
{
    for (unsigned i = 0; i < l1cds->count; i++) {
        if (l1cds->words[i] == word) {
            return;
        }
    }
    if (l1cds->count == MOST_L1CDS) {
        audit->complete = false; /* more places than anybody has made yet */
        return;
    }
    l1cds->words[l1cds->count] = word;
    l1cds->sources[l1cds->count++] = source;
}

static struct l1cds l1cds_of(struct audit *audit, const struct cd_table *table, uint32_t index)
{
    const struct cached_l1cd *cached = model_cached_l1cd(audit->model, audit->stream_id, index);
    uint64_t address = table->base + index / power_of_2(table->split) * sizeof(uint64_t);
    struct l1cds l1cds = { 0 };

    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece *piece = &audit->ipas[i];
        uint64_t at = piece->address + (address - piece->ipa);
        uint64_t word = 0;

        if (address < piece->ipa || address - piece->ipa >= piece->size ||
            !audit_readable(audit, piece)) {
            continue;
        }
        audit_structure(audit, SMMUV3_MODEL_STRUCTURE_L1CD, at, sizeof(word));
        if (audit_look(audit, at, &word, 1)) {
            add_l1cd(audit, &l1cds, word, either(audit->source, piece->source));
        }
    }
    if (cached) {
        add_l1cd(audit, &l1cds, cached->word, SMMUV3_MODEL_REACH_CACHE);
    }
    return l1cds;
}

/* Whoever uses the CD of this index, through every descriptor and through the cache. */
static void visit_index(struct audit *audit, const struct cd_table *table,
                        const struct l1cds *l1cds, uint32_t index)
{
    const struct cached_cd *cached = model_cached_cd(audit->model, audit->stream_id, index);
    bool same = false;

    for (unsigned i = 0; i < (table->split ? l1cds->count : 1); i++) {
        uint64_t address = table->base + index * power_of_2(CD_LOG2_BYTES);

        if (table->split && !model_l2_cd_address(table, l1cds->words[i], index, &address)) {
            continue;
        }
        visit_cd_at(audit, address, table->split ? l1cds->sources[i] : audit->source);
        same = same || (cached && memory_has(audit, address, cached->words));
    }
    if (cached && !same) {
        visit_cd(audit, cached->words, SMMUV3_MODEL_REACH_CACHE);
    }
}

/* Substreams of one level-2 table, or of the whole table: those that may pass. */
static void visit_substreams(struct audit *audit, const struct cd_table *table, uint32_t first,
                             uint64_t count)
{
    struct l1cds l1cds = { 0 };

    if (table->split) {
        l1cds = l1cds_of(audit, table, first);
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t index = 0;
        uint8_t event = 0;

        audit->ssv = true;
        audit->substream_id = first + (uint32_t)i;
        if (model_substream(audit->model, audit->ste, true, audit->substream_id, &index, &event) ==
            SUBSTREAM_CD) {
            visit_index(audit, table, &l1cds, index);
        }
    }
    audit->ssv = false;
    audit->substream_id = 0;
}

/* ------------------------------------------------------------------ STEs */

static void visit_bypass(struct audit *audit)
{
    for (unsigned i = 0; i < audit->ipa_count; i++) {
        const struct ipa_piece *piece = &audit->ipas[i];

        audit_piece(audit, piece->ipa, piece->address, piece->size, piece->rights.user,
                    piece->rights.privileged, piece->source);
    }
}

/* Accesses without a SubstreamID, then those with one. */
static void visit_contexts(struct audit *audit)
{
    const struct cd_table table = model_cd_table(audit->model, audit->ste);
    uint64_t step = table.split ? power_of_2(table.split) : power_of_2(table.log2_size);
    uint32_t index = 0;
    uint8_t event = 0;
    struct l1cds l1cds = { 0 };

    switch (model_substream(audit->model, audit->ste, false, 0, &index, &event)) {
    case SUBSTREAM_BYPASS:
        visit_bypass(audit);
        break;
    case SUBSTREAM_CD:
        if (table.split) {
            l1cds = l1cds_of(audit, &table, index);
        }
        visit_index(audit, &table, &l1cds, index);
        break;
    case SUBSTREAM_FAULT:
        break;
    }
    if (!field_in(field_of(audit->ste, STE_CONFIG), CONFIG_STAGE1) || !table.log2_size) {
        return;
    }
    for (uint64_t first = 0; first < power_of_2(table.log2_size); first += step) {
        visit_substreams(audit, &table, (uint32_t)first, step);
    }
}

static void visit_ste(struct audit *audit, const uint64_t ste[STE_WORDS],
                      enum smmuv3_model_reach_source source)
{
    uint64_t config = field_of(ste, STE_CONFIG);
    struct stage2 s2;

    if (model_ste_illegal(audit->model, ste) || !field_in(config, CONFIG_PASS)) {
        return;
    }
    if (model_ste_not_modelled(audit->model, ste)) {
        audit->complete = false;
        return;
    }
    audit->ste = ste;
    audit->source = source;
    audit->s2 = NULL;
    if (field_in(config, CONFIG_STAGE2)) {
        s2 = model_ste_stage2(audit->model, ste);
        audit->s2 = &s2;
        if (audit->root) {
            audit->root(audit->context, &(struct smmuv3_model_root){
                                            .stream_id = audit->stream_id,
                                            .stage = 2,
                                            .vmid = s2.vmid,
                                            .root = s2.t.ttb,
                                            .source = source,
                                        });
        }
    }
    audit_stage2(audit);
    visit_contexts(audit);
    audit->s2 = NULL;
    audit->ste = NULL;
}

/* The STE at an address, if it can be read. */
static bool ste_at(struct audit *audit, uint64_t address, uint64_t ste[STE_WORDS])
{
    audit_structure(audit, SMMUV3_MODEL_STRUCTURE_STE, address, STE_WORDS * sizeof(*ste));
    return audit_look(audit, address, ste, STE_WORDS);
}

static bool l1std_in_memory(struct audit *audit, uint64_t *word)
{
    uint64_t address = model_l1std_address(audit->model, audit->stream_id);

    audit_structure(audit, SMMUV3_MODEL_STRUCTURE_L1STD, address, sizeof(*word));
    return audit_look(audit, address, word, 1);
}

static bool ste_in_memory(struct audit *audit, uint64_t ste[STE_WORDS])
{
    struct smmuv3_model *model = audit->model;
    uint64_t address = model_linear_ste_address(model, audit->stream_id);
    uint64_t l1std = 0;

    if (model_two_level(model) &&
        (!l1std_in_memory(audit, &l1std) ||
         !model_l2_ste_address(model, l1std, audit->stream_id, &address))) {
        return false;
    }
    return ste_at(audit, address, ste);
}

/* Through memory alone, through a cached level-1 descriptor, through a cached STE. */
void audit_stream(struct audit *audit)
{
    struct smmuv3_model *model = audit->model;
    const struct cached_ste *cached = model_cached_ste(model, audit->stream_id);
    const struct cached_l1std *l1std = model_cached_l1std(model, audit->stream_id);
    uint64_t ste[STE_WORDS] = { 0 };
    uint64_t address = 0;
    uint64_t word = 0;

    if (ste_in_memory(audit, ste)) {
        visit_ste(audit, ste, SMMUV3_MODEL_REACH_MEMORY);
    }
    if (cached && memcmp(cached->words, ste, sizeof(ste)) != 0) {
        visit_ste(audit, cached->words, SMMUV3_MODEL_REACH_CACHE);
    }
    if (model_two_level(model) && l1std &&
        (!l1std_in_memory(audit, &word) || word != l1std->word) &&
        model_l2_ste_address(model, l1std->word, audit->stream_id, &address) &&
        ste_at(audit, address, ste)) {
        visit_ste(audit, ste, SMMUV3_MODEL_REACH_CACHE);
    }
}
