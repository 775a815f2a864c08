/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The freedoms of the architecture, asked of a chooser: in what order words are fetched, what the
 * caches keep, when they lose it, what is fetched without need, which value of a register that is
 * being changed counts. Without a chooser each is the plainest, 0.
 */
#include "internal.h"

void smmuv3_model_set_chooser(struct smmuv3_model *model,
                              unsigned (*choose)(void *context, enum smmuv3_model_choice what,
                                                 unsigned of),
                              void *context)
{
    model->choose = choose;
    model->choose_context = context;
}

const char *smmuv3_model_choice_name(enum smmuv3_model_choice what)
{
    static const char *const names[SMMUV3_MODEL_CHOICES] = {
        [SMMUV3_MODEL_CHOOSE_WORD] = "the unit fetches a word",
        [SMMUV3_MODEL_CHOOSE_REFETCH] = "the unit fetches a cached structure again",
        [SMMUV3_MODEL_CHOOSE_KEEP_WORD] = "the unit keeps a word it had",
        [SMMUV3_MODEL_CHOOSE_FILL] = "the unit caches what it fetched",
        [SMMUV3_MODEL_CHOOSE_EVICT] = "the unit evicts",
        [SMMUV3_MODEL_CHOOSE_EVICTED] = "the unit evicts an entry",
        [SMMUV3_MODEL_CHOOSE_SPECULATE] = "the unit fetches ahead",
        [SMMUV3_MODEL_CHOOSE_AHEAD] = "what the unit fetches ahead",
        [SMMUV3_MODEL_CHOOSE_GROUP] = "the unit caches a contiguous group",
        [SMMUV3_MODEL_CHOOSE_HIT] = "the unit takes one of several hits",
        [SMMUV3_MODEL_CHOOSE_PENDING] = "the unit uses a register's new value",
        [SMMUV3_MODEL_CHOOSE_INVALIDATE] = "the unit invalidates before CMD_SYNC",
        [SMMUV3_MODEL_CHOOSE_DUPLICATE] = "the unit suppresses a like stall's event",
        [SMMUV3_MODEL_CHOOSE_EARLY] = "the unit retries a stall of its own accord",
        [SMMUV3_MODEL_CHOOSE_TERM] = "the unit terminates stalls of an open stream",
        [SMMUV3_MODEL_CHOOSE_SPAN] = "the unit answers ATS for one page",
        [SMMUV3_MODEL_CHOOSE_GRANT] = "the unit grants no more than was asked for",
        [SMMUV3_MODEL_CHOOSE_TRUNCATE] = "the unit truncates a translated address",
    };

    return names[what];
}

/* One of `of` ways, 0 the plainest. */
unsigned model_choose(struct smmuv3_model *model, enum smmuv3_model_choice what, unsigned of)
{
    unsigned chosen = model->choose && of > 1 ? model->choose(model->choose_context, what, of) : 0;

    return chosen < of ? chosen : 0;
}

/* ------------------------------------------------------------------ words of a structure */

/*
 * Read the words of an STE or CD, in any order; of `old`, if it is given, any may be kept (3.21.3:
 * structures may be cached in part). Answers in `kept` whether one was.
 */
bool model_fetch_words(struct smmuv3_model *model, enum smmuv3_model_access_kind kind,
                       uint64_t address, uint64_t *words, unsigned count, const uint64_t *old,
                       bool *kept)
{
    uint64_t left = low_bits(count);

    *kept = false;
    if (model_injected_abort(model, kind)) {
        return false;
    }
    for (unsigned fetched = 0; fetched < count; fetched++) {
        unsigned skip = model_choose(model, SMMUV3_MODEL_CHOOSE_WORD, count - fetched);
        unsigned i = 0;

        while (!field_in(left, FIELD(i, i)) || skip--) {
            i++;
        }
        left &= ~power_of_2(i);
        if (old && !model_choose(model, SMMUV3_MODEL_CHOOSE_KEEP_WORD, 2)) {
            words[i] = old[i];
            *kept = true;
        } else if (!model->environment.read(model->environment.context, kind,
                                            address + i * sizeof(*words), &words[i],
                                            sizeof(*words))) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ eviction */

enum evict {
    EVICT_NOTHING,
    EVICT_ALL,
    EVICT_STE,
    EVICT_CD,
    EVICT_DESCRIPTOR, /* of level 1, of either table */
    EVICT_TRANSLATION,
    EVICTS,
};

static void evict(struct smmuv3_model *model)
{
    struct model_caches *caches = &model->caches;
    unsigned descriptors = caches->l1std_count + caches->l1cd_count;

    switch ((enum evict)model_choose(model, SMMUV3_MODEL_CHOOSE_EVICT, EVICTS)) {
    case EVICT_NOTHING:
    case EVICTS:
        break;
    case EVICT_ALL:
        smmuv3_model_evict(model);
        break;
    case EVICT_STE:
        if (caches->ste_count) {
            model_forget_ste(model,
                             model_choose(model, SMMUV3_MODEL_CHOOSE_EVICTED, caches->ste_count));
        }
        break;
    case EVICT_CD:
        if (caches->cd_count) {
            model_forget_cd(model,
                            model_choose(model, SMMUV3_MODEL_CHOOSE_EVICTED, caches->cd_count));
        }
        break;
    case EVICT_DESCRIPTOR:
        if (descriptors) {
            model_forget_descriptor(model,
                                    model_choose(model, SMMUV3_MODEL_CHOOSE_EVICTED, descriptors));
        }
        break;
    case EVICT_TRANSLATION:
        if (caches->tlb_count) {
            model_tlb_forget(
                model,
                &caches->tlb[model_choose(model, SMMUV3_MODEL_CHOOSE_EVICTED, caches->tlb_count)]);
        }
        break;
    }
}

/* ------------------------------------------------------------------ speculation */

enum ahead {
    AHEAD_NOTHING,
    AHEAD_STREAM,    /* another STE of the table, with what it leads to */
    AHEAD_SUBSTREAM, /* another CD of the stream's table, with what it leads to */
    AHEAD_PAGE,      /* the translation of another page */
    AHEADS,
};

enum {
    NEARBY = 16, /* streams, substreams and pages that are likely */
    PAGE_LOG2 = 12,
};

static void fetch_ahead(struct smmuv3_model *model, struct smmuv3_model_access access)
{
    const struct lookup lookup = { .access = &access };
    struct fault fault;

    switch ((enum ahead)model_choose(model, SMMUV3_MODEL_CHOOSE_SPECULATE, AHEADS)) {
    case AHEAD_NOTHING:
    case AHEADS:
        return;
    case AHEAD_STREAM:
        access.stream_id ^= model_choose(model, SMMUV3_MODEL_CHOOSE_AHEAD, NEARBY);
        break;
    case AHEAD_SUBSTREAM:
        access.ssv = model->p.ssidsize;
        access.substream_id ^= model_choose(model, SMMUV3_MODEL_CHOOSE_AHEAD, NEARBY);
        break;
    case AHEAD_PAGE:
        access.iova ^= model_choose(model, SMMUV3_MODEL_CHOOSE_AHEAD, NEARBY) *
                       power_of_2(PAGE_LOG2);
        break;
    }
    access.write = false; /* no page is made dirty by speculation */
    model_transaction(model, &lookup, &fault);
}

/* Before a transaction: what the unit may do at any moment. */
void model_be_free(struct smmuv3_model *model, const struct smmuv3_model_access *access)
{
    if (!model->choose || model->speculating) {
        return;
    }
    model->speculating = true;
    evict(model);
    if (model_enabled(model, CR0_SMMUEN)) {
        fetch_ahead(model, *access);
    }
    model->speculating = false;
}
