/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream table (3.3.1, 5.1, 6.3.24, 6.3.25): linear or two levels, from StreamID to STE.
 */
#include "internal.h"

/* Encodings of STRTAB_BASE_CFG.FMT and SPLIT, L1STD.Span. Confirmed: FreeBSD; Span: manual 5.1 */
enum {
    FMT_TWO_LEVEL = 1,
    SPLIT_4K = 6,
    SPLIT_16K = 8,
    SPLIT_64K = 10,
    SPAN_LAST = 11,
};

static unsigned configured_log2_size(const struct smmuv3_model *model)
{
    return (unsigned)field_in(model->reg[STRTAB_BASE_CFG], STRTAB_BASE_CFG_LOG2SIZE);
}

bool model_two_level(const struct smmuv3_model *model)
{
    return model->p.st_level &&
           field_in(model->reg[STRTAB_BASE_CFG], STRTAB_BASE_CFG_FMT) == FMT_TWO_LEVEL;
}

/* The split point; reserved values behave as 6. */
unsigned model_split(const struct smmuv3_model *model)
{
    unsigned split = (unsigned)field_in(model->reg[STRTAB_BASE_CFG], STRTAB_BASE_CFG_SPLIT);

    return split == SPLIT_16K || split == SPLIT_64K ? split : SPLIT_4K;
}

/* The range check uses the smaller of LOG2SIZE and IDR1.SIDSIZE. */
bool model_stream_in_range(const struct smmuv3_model *model, uint32_t stream_id)
{
    unsigned log2_size = configured_log2_size(model);

    if (log2_size > model->p.sidsize) {
        log2_size = model->p.sidsize;
    }
    return stream_id <= low_bits(log2_size);
}

/* The base is aligned to the table's size, by LOG2SIZE as it was written. */
static uint64_t table_base(const struct smmuv3_model *model, unsigned log2_bytes)
{
    return align_down(field_address(&model->reg[STRTAB_BASE], STRTAB_BASE_ADDR), log2_bytes);
}

uint64_t model_linear_ste_address(const struct smmuv3_model *model, uint32_t stream_id)
{
    return table_base(model, configured_log2_size(model) + STE_LOG2_BYTES) +
           stream_id * power_of_2(STE_LOG2_BYTES);
}

uint64_t model_l1std_address(const struct smmuv3_model *model, uint32_t stream_id)
{
    unsigned log2_size = configured_log2_size(model);
    unsigned split = model_split(model);
    unsigned log2_bytes = log2_size > split ? log2_size - split + L1STD_LOG2_BYTES : 0;

    if (log2_bytes < field_low(STRTAB_BASE_ADDR)) {
        log2_bytes = field_low(STRTAB_BASE_ADDR);
    }
    return table_base(model, log2_bytes) +
           stream_id / power_of_2(split) * power_of_2(L1STD_LOG2_BYTES);
}

/* The STE that a level-1 descriptor gives for the stream; false if it gives none. */
bool model_l2_ste_address(const struct smmuv3_model *model, uint64_t l1std, uint32_t stream_id,
                          uint64_t *address)
{
    unsigned split = model_split(model);
    unsigned span = (unsigned)field_in(l1std, L1STD_SPAN);
    uint64_t index = offset_within(stream_id, split);

    if (span == 0 || span > SPAN_LAST || span > split + 1 || index >= power_of_2(span - 1)) {
        return false;
    }
    *address = align_down(field_address(&l1std, L1STD_L2PTR), STE_LOG2_BYTES + span - 1) +
               index * power_of_2(STE_LOG2_BYTES);
    return true;
}

/* ------------------------------------------------------------------ lookup */

static bool fetch_failed(struct fault *fault, uint64_t address)
{
    *fault = (struct fault){ .event = F_STE_FETCH, .fetch_address = address };
    return false;
}

/*
 * Fetch words of a structure. An address beyond the output size is not truncated: that choice of
 * 3.4.3 is the one that shows.
 */
static bool fetch(struct smmuv3_model *model, const struct lookup *lookup,
                  enum smmuv3_model_access_kind kind, uint64_t address, uint64_t *words,
                  unsigned count, struct fault *fault)
{
    if (address > low_bits(model->p.oas) ||
        !model_read_words(model, kind, lookup->pure, address, words, count)) {
        return fetch_failed(fault, address);
    }
    return true;
}

/* The level-1 descriptor of the stream, from the cache or from memory, and its age. */
static bool find_l1std(struct smmuv3_model *model, const struct lookup *lookup, uint64_t *word,
                       uint64_t *stamp, struct fault *fault)
{
    uint32_t stream_id = lookup->access->stream_id;
    const struct cached_l1std *cached = model_cached_l1std(model, stream_id);
    struct cached_l1std entry = { .split = model_split(model) };

    if (cached) {
        *word = cached->word;
        *stamp = cached->stamp;
        return true;
    }
    if (!fetch(model, lookup, SMMUV3_MODEL_FETCH_L1STD, model_l1std_address(model, stream_id), word,
               1, fault)) {
        return false;
    }
    if (!lookup->pure) {
        entry.first = (uint32_t)align_down(stream_id, entry.split);
        entry.word = *word;
        entry.stamp = *stamp;
        model_cache_l1std(model, &entry);
    }
    return true;
}

/* Where the STE is; `stamp` becomes the age of a cached descriptor on the way. */
static bool find_address(struct smmuv3_model *model, const struct lookup *lookup, uint64_t *address,
                         uint64_t *stamp, struct fault *fault)
{
    uint32_t stream_id = lookup->access->stream_id;
    uint64_t l1std = 0;

    if (!model_two_level(model)) {
        *address = model_linear_ste_address(model, stream_id);
        return true;
    }
    return find_l1std(model, lookup, &l1std, stamp, fault) &&
           model_l2_ste_address(model, l1std, stream_id, address);
}

/*
 * Fetch the STE, and cache it as it is, valid or not; an aborted fetch leaves nothing (5.2.1). Of
 * `old`, an entry that was cached, words may be kept; then what is made of them is as old.
 */
static bool fetch_ste(struct smmuv3_model *model, const struct lookup *lookup,
                      const struct cached_ste *old, struct cached_ste *entry, struct fault *fault)
{
    uint64_t address = 0;
    bool kept = false;

    entry->fetched = model->caches.now;
    entry->stamp = model->caches.now;
    model->caches.now += !lookup->pure;
    if (!find_address(model, lookup, &address, &entry->stamp, fault)) {
        return false;
    }
    if (address > low_bits(model->p.oas) ||
        !(lookup->pure ? model_read_words(model, SMMUV3_MODEL_FETCH_STE, true, address,
                                          entry->words, STE_WORDS)
                       : model_fetch_words(model, SMMUV3_MODEL_FETCH_STE, address, entry->words,
                                           STE_WORDS, old ? old->words : NULL, &kept))) {
        return fetch_failed(fault, address);
    }
    if (kept && old) {
        entry->fetched = old->fetched;
        entry->stamp = old->stamp < entry->stamp ? old->stamp : entry->stamp;
    }
    if (!lookup->pure) {
        model_cache_ste(model, entry);
        model_check_ste(model, entry->words);
    }
    return true;
}

/* The STE of the stream, from the cache or from memory. */
bool model_find_ste(struct smmuv3_model *model, const struct lookup *lookup,
                    uint64_t ste[STE_WORDS], struct fault *fault)
{
    uint32_t stream_id = lookup->access->stream_id;
    const struct cached_ste *cached = model_cached_ste(model, stream_id);
    struct cached_ste entry = { .stream_id = stream_id };
    struct cached_ste old;
    bool again = cached && !lookup->pure && model_choose(model, SMMUV3_MODEL_CHOOSE_REFETCH, 2);

    *fault = (struct fault){ .event = C_BAD_STREAMID };
    if (!model_stream_in_range(model, stream_id)) {
        return false;
    }
    if (again) {
        old = *cached;
        model_forget_ste(model, (unsigned)(cached - model->caches.stes));
    }
    if (cached && !again) {
        entry = *cached;
    } else if (!fetch_ste(model, lookup, again ? &old : NULL, &entry, fault)) {
        return false;
    }
    for (unsigned i = 0; i < STE_WORDS; i++) {
        ste[i] = entry.words[i];
    }
    return true;
}
