/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATS (3.9.1, 13.6, 13.7, STE.EATS, CR0.ATSCHK): translation requests and translated transactions.
 */
#include "internal.h"

/* What the stream's STE makes of ATS. Encodings confirmed: FreeBSD */
enum eats {
    EATS_OFF = 0,
    EATS_FULL_ATS = 1,
    EATS_SPLIT_STAGE = 2,
};

/* 0b11 is reserved without IDR3.DPT; split-stage is off while ATSCHK is 0; bypass has no ATS. */
static enum eats effective_eats(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    uint64_t config = field_of(ste, STE_CONFIG);
    uint64_t eats = field_of(ste, STE_EATS);

    if (!field_in(config, CONFIG_STAGE1) && !field_in(config, CONFIG_STAGE2)) {
        return EATS_OFF;
    }
    if (eats == EATS_SPLIT_STAGE && model_enabled(model, CR0_ATSCHK)) {
        return EATS_SPLIT_STAGE;
    }
    return eats == EATS_FULL_ATS ? EATS_FULL_ATS : EATS_OFF;
}

/* ------------------------------------------------------------------ translated transactions */

/* Straight on, if the address exists: one that does not is aborted, no event, or cut (3.9.1.1). */
static struct smmuv3_model_result pass(struct smmuv3_model *model, const struct lookup *lookup,
                                       struct fault *fault)
{
    uint64_t address = lookup->access->iova;

    if (address > low_bits(model->p.oas)) {
        if (lookup->pure || !model_choose(model, SMMUV3_MODEL_CHOOSE_TRUNCATE, 2)) {
            return model_abort_with(model, 0, fault);
        }
        address &= low_bits(model->p.oas);
    }
    return model_identity(model, address);
}

/* EATS says split-stage: the address is an IPA, the transaction data and unprivileged. */
static struct smmuv3_model_result through_stage2(struct smmuv3_model *model,
                                                 const struct lookup *lookup,
                                                 const uint64_t ste[STE_WORDS], struct fault *fault)
{
    struct smmuv3_model_access access = {
        .stream_id = lookup->access->stream_id,
        .iova = lookup->access->iova,
        .write = lookup->access->write,
    };
    struct lookup plain = { .access = &access, .pure = lookup->pure };

    return model_stage2_only(model, &plain, ste, fault);
}

/* A field of CR0, the old value or the new while it awaits its acknowledge. */
static bool cr0_says(struct smmuv3_model *model, const struct lookup *lookup, unsigned field)
{
    return field_in(model_in_effect(model, lookup, model->reg[CR0ACK], model->reg[CR0], field),
                    field);
}

/* Errors of configuration are silent here, since CR2.REC_CFG_ATS does not exist (3.9.1.3). */
struct smmuv3_model_result model_translated(struct smmuv3_model *model, const struct lookup *lookup,
                                            struct fault *fault)
{
    uint64_t ste[STE_WORDS];

    if (!model->p.ats) {
        return model_abort_with(model, 0, fault);
    }
    if (!cr0_says(model, lookup, CR0_SMMUEN)) {
        return model_abort_with(model, F_TRANSL_FORBIDDEN, fault);
    }
    if (!cr0_says(model, lookup, CR0_ATSCHK)) {
        return pass(model, lookup, fault);
    }
    if (!model_find_ste(model, lookup, ste, fault) || model_ste_illegal(model, ste) ||
        !field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return model_abort_with(model, 0, fault);
    }
    switch (effective_eats(model, ste)) {
    case EATS_FULL_ATS:
        return pass(model, lookup, fault);
    case EATS_SPLIT_STAGE:
        return through_stage2(model, lookup, ste, fault);
    default:
        return model_abort_with(model, F_TRANSL_FORBIDDEN, fault);
    }
}

/* What an STE, as memory or the configuration cache has it, allows. */
static enum smmuv3_model_translated allowed(const struct smmuv3_model *model,
                                            const uint64_t ste[STE_WORDS])
{
    if (model_ste_illegal(model, ste) || !field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return SMMUV3_MODEL_TRANSLATED_NONE;
    }
    switch (effective_eats(model, ste)) {
    case EATS_FULL_ATS:
        return SMMUV3_MODEL_TRANSLATED_ALL;
    case EATS_SPLIT_STAGE:
        return SMMUV3_MODEL_TRANSLATED_STAGE2;
    default:
        return SMMUV3_MODEL_TRANSLATED_NONE;
    }
}

/* The STE in memory, past the cached one; a cached level-1 descriptor on the way counts. */
static bool ste_in_memory(struct smmuv3_model *model, uint32_t stream_id, uint64_t ste[STE_WORDS])
{
    uint64_t address = model_linear_ste_address(model, stream_id);
    const struct cached_l1std *cached = model_cached_l1std(model, stream_id);
    uint64_t l1std = cached ? cached->word : 0;

    if (!model_stream_in_range(model, stream_id)) {
        return false;
    }
    if (model_two_level(model) &&
        ((!cached && !model_read_words(model, SMMUV3_MODEL_AUDIT, true,
                                       model_l1std_address(model, stream_id), &l1std, 1)) ||
         !model_l2_ste_address(model, l1std, stream_id, &address))) {
        return false;
    }
    return model_read_words(model, SMMUV3_MODEL_AUDIT, true, address, ste, STE_WORDS);
}

enum smmuv3_model_translated smmuv3_model_translated(struct smmuv3_model *model, uint32_t stream_id)
{
    const struct cached_ste *cached = model_cached_ste(model, stream_id);
    enum smmuv3_model_translated by_cache = SMMUV3_MODEL_TRANSLATED_NONE;
    enum smmuv3_model_translated by_memory = SMMUV3_MODEL_TRANSLATED_NONE;
    /* While a change awaits its acknowledge, the old value or the new may be in effect. */
    const uint64_t either = model->reg[CR0] | model->reg[CR0ACK];
    const uint64_t both = model->reg[CR0] & model->reg[CR0ACK];
    uint64_t ste[STE_WORDS];

    if (!model->p.ats || model->service_failure || !field_in(either, CR0_SMMUEN)) {
        return SMMUV3_MODEL_TRANSLATED_NONE;
    }
    if (!field_in(both, CR0_ATSCHK)) {
        return SMMUV3_MODEL_TRANSLATED_ALL;
    }
    if (cached) {
        by_cache = allowed(model, cached->words);
    }
    if (ste_in_memory(model, stream_id, ste)) {
        by_memory = allowed(model, ste);
    }
    return by_cache > by_memory ? by_cache : by_memory;
}

/* ------------------------------------------------------------------ translation requests */

static struct smmuv3_model_ats_completion refuse(struct smmuv3_model *model,
                                                 const struct smmuv3_model_access *access,
                                                 enum smmuv3_model_ats_status status, uint8_t event)
{
    struct fault fault = { .event = event };

    if (event) {
        model_record_fault(model, access, &fault);
    }
    return (struct smmuv3_model_ats_completion){ .status = status, .event = event };
}

/* What one right of the translation amounts to. */
enum grant {
    GRANTED,
    DENIED,         /* F_PERMISSION */
    NO_TRANSLATION, /* any other fault of the translation itself */
    ABORTED,        /* an error: Completer Abort */
    UNKNOWN_HERE,   /* not modelled */
};

/* Look up as a transaction of this kind would. Nothing stalls and no event is recorded. */
static enum grant look_up(struct smmuv3_model *model, const struct smmuv3_model_access *access,
                          struct smmuv3_model_result *result)
{
    struct lookup lookup = { .access = access };
    struct fault fault = { 0 };

    model_be_free(model, access);
    *result = model_transaction(model, &lookup, &fault);
    if (result->outcome == SMMUV3_MODEL_OK) {
        return GRANTED;
    }
    if (result->outcome == SMMUV3_MODEL_NOT_MODELLED) {
        return UNKNOWN_HERE;
    }
    switch (result->event) {
    case F_PERMISSION:
        return fault.class_ == CLASS_IN ? DENIED : NO_TRANSLATION;
    case F_TRANSLATION:
    case F_ADDR_SIZE:
    case F_ACCESS:
        return NO_TRANSLATION;
    default:
        return ABORTED;
    }
}

/* What the device is given: the output, or with split-stage ATS what stage 1 gave. */
static uint64_t given(const struct smmuv3_model_result *found, bool split)
{
    return split ? found->ipa : found->address;
}

/*
 * The largest aligned span around the address that one translation covers: the answer that puts
 * most into the device's cache.
 */
static void widen(struct smmuv3_model *model, const struct smmuv3_model_access *access,
                  const struct smmuv3_model_result *found, bool split,
                  struct smmuv3_model_ats_completion *completion)
{
    uint64_t end = access->iova + found->contiguous;
    uint64_t address = given(found, split);
    unsigned limit = model_choose(model, SMMUV3_MODEL_CHOOSE_SPAN, 2) ? ATC_LOG2_UNIT + 1
                                                                      : model->p.oas;

    for (unsigned log2 = ATC_LOG2_UNIT; log2 < limit; log2++) {
        struct smmuv3_model_access first = *access;
        struct smmuv3_model_result at_first;
        uint64_t before = offset_within(access->iova, log2);

        first.iova = access->iova - before;
        if (before > address || first.iova + power_of_2(log2) > end) {
            break;
        }
        at_first = smmuv3_model_translate(model, &first);
        if (at_first.outcome != SMMUV3_MODEL_OK || given(&at_first, split) != address - before ||
            first.iova + at_first.contiguous != end) {
            break;
        }
        completion->iova = first.iova;
        completion->address = given(&at_first, split);
        completion->size = power_of_2(log2);
    }
}

/* Looked up one after the other, but one translation. */
static bool same(const struct smmuv3_model_result *a, const struct smmuv3_model_result *b)
{
    return a->address == b->address && a->ipa == b->ipa;
}

/* Read is always asked for, write unless NW says no, execute if the request does (13.7). */
static struct smmuv3_model_ats_completion grant(struct smmuv3_model *model,
                                                const struct smmuv3_model_ats_request *request,
                                                struct smmuv3_model_access access, bool split)
{
    struct smmuv3_model_ats_completion completion = { .privileged = access.privileged };
    struct smmuv3_model_result read;
    struct smmuv3_model_result write = { 0 };
    struct smmuv3_model_result execute;
    enum grant readable = look_up(model, &access, &read);
    enum grant writable = DENIED;

    access.write = true;
    if (readable == GRANTED && request->no_write) {
        writable = read.writable && !model_choose(model, SMMUV3_MODEL_CHOOSE_GRANT, 2) ? GRANTED
                                                                                       : DENIED;
        write = read;
    } else if (readable <= DENIED && !request->no_write) {
        writable = look_up(model, &access, &write);
    }
    access.write = false;
    if (readable == UNKNOWN_HERE || writable == UNKNOWN_HERE) {
        completion.status = SMMUV3_MODEL_ATS_NOT_MODELLED;
        completion.not_modelled = readable == UNKNOWN_HERE ? read.not_modelled : write.not_modelled;
        return completion;
    }
    if (readable == ABORTED || writable == ABORTED) {
        return refuse(model, &access, SMMUV3_MODEL_ATS_COMPLETER_ABORT, 0);
    }
    completion.readable = readable == GRANTED;
    completion.writable = writable == GRANTED && (!completion.readable || same(&read, &write));
    completion.iova = align_down(access.iova, ATC_LOG2_UNIT);
    completion.size = power_of_2(ATC_LOG2_UNIT);
    if (completion.readable && request->ssv && request->execute) {
        access.instruction = true;
        completion.executable = look_up(model, &access, &execute) == GRANTED &&
                                same(&read, &execute);
        access.instruction = false;
    }
    if (completion.readable || completion.writable) {
        access.write = !completion.readable;
        widen(model, &access, completion.readable ? &read : &write, split, &completion);
    }
    return completion;
}

/* Where the request is refused before any translation: status and event (3.9.1.2). */
static struct smmuv3_model_ats_completion answer(struct smmuv3_model *model,
                                                 const struct smmuv3_model_ats_request *request)
{
    struct smmuv3_model_access access = {
        .stream_id = request->stream_id,
        .ssv = request->ssv,
        .substream_id = request->substream_id,
        .iova = align_down(request->iova, ATC_LOG2_UNIT),
        .privileged = request->ssv && request->privileged,
    };
    struct lookup lookup = { .access = &access };
    struct fault fault;
    uint64_t ste[STE_WORDS];

    if (!model->p.ats || model->service_failure) {
        return refuse(model, &access, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST, 0);
    }
    if (!model_enabled(model, CR0_SMMUEN)) {
        return refuse(model, &access, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST, F_BAD_ATS_TREQ);
    }
    if (!model_find_ste(model, &lookup, ste, &fault) || model_ste_illegal(model, ste)) {
        return refuse(model, &access, SMMUV3_MODEL_ATS_COMPLETER_ABORT, 0);
    }
    if (!field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return refuse(model, &access, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST, 0);
    }
    switch (effective_eats(model, ste)) {
    case EATS_FULL_ATS:
        return grant(model, request, access, false);
    case EATS_SPLIT_STAGE:
        return grant(model, request, access, true);
    default:
        return refuse(model, &access, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST, F_BAD_ATS_TREQ);
    }
}

struct smmuv3_model_ats_completion smmuv3_model_ats_translate(
    struct smmuv3_model *model, const struct smmuv3_model_ats_request *request)
{
    struct smmuv3_model_ats_completion completion;

    model_enter(model);
    completion = answer(model, request);
    model_leave(model);
    return completion;
}
