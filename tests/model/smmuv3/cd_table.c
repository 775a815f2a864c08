/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CD table (3.3.2, 5.2 S1Fmt, 5.3): one CD, a linear table, or two levels; fetched through
 * stage 2 where the stream has one.
 */
#include "internal.h"

enum {
    SPLIT_4K = 6,
    SPLIT_64K = 10,
    SMALLEST_ALIGNMENT = 6,
};

/* The shape of the stream's table. Its base is taken to be aligned to its size, or to 64 bytes. */
struct cd_table model_cd_table(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    uint64_t fmt = field_of(ste, STE_S1FMT);
    struct cd_table table = { 0 };
    unsigned log2_bytes = 0;

    if (model->p.ssidsize) {
        table.log2_size = (unsigned)field_of(ste, STE_S1CDMAX);
    }
    if (table.log2_size && fmt == S1FMT_2LEVEL_4K) {
        table.split = SPLIT_4K;
    }
    if (table.log2_size && fmt == S1FMT_2LEVEL_64K) {
        table.split = SPLIT_64K;
    }
    log2_bytes = table.log2_size + CD_LOG2_BYTES;
    if (table.split) {
        log2_bytes = L1CD_LOG2_BYTES +
                     (table.log2_size > table.split ? table.log2_size - table.split : 0);
    }
    if (log2_bytes < SMALLEST_ALIGNMENT) {
        log2_bytes = SMALLEST_ALIGNMENT;
    }
    table.base = align_down(field_address(ste, STE_S1CONTEXTPTR), log2_bytes);
    return table;
}

/* The CD that a level-1 descriptor gives for the index; false if it gives none. */
bool model_l2_cd_address(const struct cd_table *table, uint64_t l1cd, uint32_t index,
                         uint64_t *address)
{
    if (!field_in(l1cd, L1CD_V)) {
        return false;
    }
    *address = align_down(field_address(&l1cd, L1CD_L2PTR), table->split + CD_LOG2_BYTES) +
               offset_within(index, table->split) * power_of_2(CD_LOG2_BYTES);
    return true;
}

/* ------------------------------------------------------------------ lookup */

/* One search for a CD. */
struct search {
    struct smmuv3_model *model;
    const struct lookup *lookup;
    const uint64_t *ste;
    const struct stage2 *s2;
    struct fault *fault;
    uint32_t index;
    uint64_t now;
    const struct cached_cd *old; /* words of it may be kept */
    bool kept;
};

static bool fails(const struct search *search, uint8_t event, uint64_t address)
{
    *search->fault = (struct fault){ .event = event, .fetch_address = address };
    return false;
}

/*
 * Fetch words of a structure; `address` is an IPA where the stream has stage 2. A pointer beyond
 * the output size is no pointer (3.4.3): `wild` says which event that is.
 */
static bool fetch(struct search *search, enum smmuv3_model_access_kind kind, uint64_t address,
                  uint8_t wild, uint64_t *words, unsigned count)
{
    const uint64_t *old = search->old && count == CD_WORDS ? search->old->words : NULL;
    const struct stage2_request request = {
        .ipa = address,
        .class_ = CLASS_CD,
        .privileged = true,
    };
    struct tlb_entry leaf;

    if (search->s2) {
        if (!model_walk_stage2(search->model, search->lookup, search->s2, &request, &leaf,
                               search->fault)) {
            return false;
        }
        address = leaf.output + (address - leaf.input);
    } else if (address > low_bits(search->model->p.oas)) {
        return fails(search, wild, address);
    }
    if (!(search->lookup->pure ? model_read_words(search->model, kind, true, address, words, count)
                               : model_fetch_words(search->model, kind, address, words, count, old,
                                                   &search->kept))) {
        return fails(search, F_CD_FETCH, address);
    }
    return true;
}

static uint64_t older(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The level-1 descriptor for the index, from the cache or from memory, and its ages. */
static bool find_l1cd(struct search *search, const struct cd_table *table, struct cached_l1cd *l1cd)
{
    struct smmuv3_model *model = search->model;
    uint32_t stream_id = search->lookup->access->stream_id;
    const struct cached_l1cd *cached = model_cached_l1cd(model, stream_id, search->index);
    uint64_t address = table->base +
                       search->index / power_of_2(table->split) * power_of_2(L1CD_LOG2_BYTES);

    if (cached) {
        *l1cd = *cached;
        return true;
    }
    *l1cd = (struct cached_l1cd){
        .stream_id = stream_id,
        .first = (uint32_t)align_down(search->index, table->split),
        .split = table->split,
        .fetched = search->now,
        .stamp = older(search->now, model_ste_stamp(model, stream_id)),
    };
    if (!fetch(search, SMMUV3_MODEL_FETCH_L1CD, address, F_CD_FETCH, &l1cd->word, 1)) {
        return false;
    }
    if (!search->lookup->pure) {
        model_cache_l1cd(model, l1cd);
    }
    return true;
}

/* Where the CD is, an IPA where there is stage 2. */
static bool find_address(struct search *search, struct cached_cd *entry, uint64_t *address)
{
    const struct cd_table table = model_cd_table(search->model, search->ste);
    struct cached_l1cd l1cd;

    *address = table.base + search->index * power_of_2(CD_LOG2_BYTES);
    if (!table.split) {
        return true;
    }
    if (!find_l1cd(search, &table, &l1cd)) {
        return false;
    }
    entry->l1cd_stamp = older(entry->l1cd_stamp, l1cd.fetched);
    entry->stamp = older(entry->stamp, l1cd.stamp);
    return model_l2_cd_address(&table, l1cd.word, search->index, address) ||
           fails(search, C_BAD_SUBSTREAMID, 0);
}

/*
 * Fetch the CD, and cache it as it is, valid or not; an aborted fetch, and one that stage 2
 * refuses, leaves nothing (5.4.1). What is made of kept words is as old as they are.
 */
static bool fetch_cd(struct search *search, struct cached_cd *entry)
{
    struct smmuv3_model *model = search->model;
    const struct cached_cd *old = search->old;
    uint64_t address = 0;

    entry->fetched = search->now;
    entry->l1cd_stamp = search->now;
    entry->stamp = older(search->now, model_ste_stamp(model, entry->stream_id));
    model->caches.now += !search->lookup->pure;
    if (!find_address(search, entry, &address) ||
        !fetch(search, SMMUV3_MODEL_FETCH_CD, address,
               model->p.aidr ? C_BAD_SUBSTREAMID : F_CD_FETCH, entry->words, CD_WORDS)) {
        return false;
    }
    if (search->kept && old) {
        entry->fetched = old->fetched;
        entry->l1cd_stamp = older(old->l1cd_stamp, entry->l1cd_stamp);
        entry->stamp = older(old->stamp, entry->stamp);
    }
    if (!search->lookup->pure) {
        model_cache_cd(model, entry);
        model_check_cd(model, search->ste, entry->words);
    }
    return true;
}

/* The CD of this index, from the cache or from memory. */
bool model_find_cd(struct smmuv3_model *model, const struct lookup *lookup,
                   const uint64_t ste[STE_WORDS], const struct stage2 *s2, uint32_t index,
                   uint64_t cd[CD_WORDS], struct fault *fault)
{
    uint32_t stream_id = lookup->access->stream_id;
    const struct cached_cd *cached = model_cached_cd(model, stream_id, index);
    struct search search = {
        .model = model,
        .lookup = lookup,
        .ste = ste,
        .s2 = s2,
        .fault = fault,
        .index = index,
        .now = model->caches.now,
    };
    struct cached_cd entry = { .stream_id = stream_id, .index = index };
    struct cached_cd old;

    if (cached && !lookup->pure && model_choose(model, SMMUV3_MODEL_CHOOSE_REFETCH, 2)) {
        old = *cached;
        search.old = &old;
        model_forget_cd(model, (unsigned)(cached - model->caches.cds));
        cached = NULL;
    }
    if (cached) {
        entry = *cached;
    } else if (!fetch_cd(&search, &entry)) {
        return false;
    }
    for (unsigned i = 0; i < CD_WORDS; i++) {
        cd[i] = entry.words[i];
    }
    return true;
}
