/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stalled transactions (3.12.2, 4.7.1, 4.7.2, 5.5): kept with a STAG until software decides,
 * retried as though they had just arrived.
 *
 * Freedom of the architecture, as it is used here: a STAG is given out again as soon as it is free,
 * the last one freed first, and its values tell nothing; what finds no room in the event queue or no
 * STAG is retried when there is room. Duplicates are suppressed if the chooser says so.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { SAME_PAGE = 12 }; /* log2 */

/* STAGs are opaque: a permutation of 16 bits keeps software from counting on small numbers. */
static uint16_t stag_value(unsigned index)
{
    return (uint16_t)(index * 0x9e37u + 0x4d2bu);
}

static unsigned stag_limit(const struct smmuv3_model *model)
{
    return model->p.stall_model == 1 ? 0 : model->p.stall_max;
}

void model_stalls_create(struct smmuv3_model *model)
{
    struct model_stalls *stalls = &model->stalls;
    unsigned limit = stag_limit(model);

    stalls->stags = model_must(calloc(limit + 1, sizeof(*stalls->stags)));
    stalls->free = model_must(calloc(limit + 1, sizeof(*stalls->free)));
    for (unsigned i = limit; i-- > 0;) {
        stalls->free[stalls->free_count++] = i;
    }
}

static uint8_t *copy_of(const uint8_t *data, size_t length)
{
    uint8_t *copy = length ? model_must(malloc(length)) : NULL;

    if (length) {
        memcpy(copy, data, length);
    }
    return copy;
}

void model_stalls_copy(struct smmuv3_model *copy)
{
    struct model_stalls *stalls = &copy->stalls;
    unsigned limit = stag_limit(copy) + 1;

    stalls->list = model_array_copy(stalls->list, stalls->count, stalls->room,
                                    sizeof(*stalls->list));
    stalls->stags = model_array_copy(stalls->stags, limit, limit, sizeof(*stalls->stags));
    stalls->free = model_array_copy(stalls->free, limit, limit, sizeof(*stalls->free));
    stalls->ended = NULL;
    for (unsigned i = 0; i < stalls->count; i++) {
        struct dma *dma = &stalls->list[i].dma;

        dma->data = copy_of(dma->data, dma->length);
    }
}

void model_stalls_destroy(struct smmuv3_model *model)
{
    for (unsigned i = 0; i < model->stalls.count; i++) {
        free(model->stalls.list[i].dma.data);
    }
    free(model->stalls.list);
    free(model->stalls.stags);
    free(model->stalls.free);
}

static struct stalled *find(const struct smmuv3_model *model, uint64_t token)
{
    for (unsigned i = 0; i < model->stalls.count; i++) {
        if (model->stalls.list[i].token == token) {
            return &model->stalls.list[i];
        }
    }
    return NULL;
}

/* The oldest that is younger than a token. What is called meanwhile may change the list. */
static struct stalled *next_after(const struct smmuv3_model *model, uint64_t token)
{
    for (unsigned i = 0; i < model->stalls.count; i++) {
        if (model->stalls.list[i].token > token) {
            return &model->stalls.list[i];
        }
    }
    return NULL;
}

static void finish(struct smmuv3_model *model, struct stalled *stalled,
                   const struct smmuv3_model_result *result)
{
    stalled->state = STALL_ENDED;
    stalled->result = *result;
    if (model->stalls.ended) {
        model->stalls.ended(model->stalls.ended_context, stalled->token);
    }
}

/* ------------------------------------------------------------------ STAGs */

static void release_stag(struct smmuv3_model *model, unsigned index)
{
    model->stalls.stags[index].used = false;
    model->stalls.free[model->stalls.free_count++] = index;
}

static void release_stags_of(struct smmuv3_model *model, bool all, uint32_t stream_id)
{
    for (unsigned i = stag_limit(model); i-- > 0;) {
        const struct stag *stag = &model->stalls.stags[i];

        if (stag->used && (all || stag->stream_id == stream_id)) {
            release_stag(model, i);
        }
    }
}

/* Whether one record may stand for two transactions (3.12.2.1). */
static bool alike(const struct stalled *a, const struct stalled *b)
{
    struct smmuv3_model_access first = model_dma_next(&a->dma);
    struct smmuv3_model_access second = model_dma_next(&b->dma);

    return first.stream_id == second.stream_id && first.ssv == second.ssv &&
           first.substream_id == second.substream_id && first.write == second.write &&
           first.privileged == second.privileged && first.instruction == second.instruction &&
           align_down(first.iova, SAME_PAGE) == align_down(second.iova, SAME_PAGE);
}

/* A recorded stall behind which this one may wait without an event; 0 if it is to have its own. */
static uint64_t like_one(struct smmuv3_model *model, const struct stalled *stalled)
{
    for (unsigned i = 0; i < model->stalls.count; i++) {
        const struct stalled *other = &model->stalls.list[i];

        if (other->state == STALL_RECORDED && alike(other, stalled)) {
            return model_choose(model, SMMUV3_MODEL_CHOOSE_DUPLICATE, 2) ? other->token : 0;
        }
    }
    return 0;
}

/*
 * Tell software: a record with a STAG. False if there is no room for one now. A record whose write
 * aborts is lost, and its transaction waits for CMD_STALL_TERM (7.2.2).
 */
static bool tell(struct smmuv3_model *model, struct stalled *stalled, struct fault *fault)
{
    struct model_stalls *stalls = &model->stalls;
    struct smmuv3_model_access access = model_dma_next(&stalled->dma);
    unsigned index = 0;

    stalled->behind = like_one(model, stalled);
    if (stalled->behind || !stalls->free_count || !model_eventq_writable(model)) {
        return false;
    }
    index = stalls->free[--stalls->free_count];
    stalls->stags[index] = (struct stag){
        .used = true,
        .stream_id = access.stream_id,
        .token = stalled->token,
    };
    stalled->state = STALL_RECORDED;
    fault->stalled = true;
    fault->stag = stag_value(index);
    model_record_fault(model, &access, fault);
    return true;
}

/* ------------------------------------------------------------------ coming and going on */

/* Keep an access whose next transaction stalls. */
uint64_t model_stall(struct smmuv3_model *model, const struct dma *dma, struct fault *fault)
{
    struct model_stalls *stalls = &model->stalls;
    struct stalled *stalled = NULL;

    if (stalls->count == stalls->room) {
        stalls->list = model_grow(stalls->list, &stalls->room, sizeof(*stalls->list));
    }
    stalled = &stalls->list[stalls->count++];
    *stalled = (struct stalled){ .token = ++stalls->tokens, .dma = *dma };
    stalled->dma.data = copy_of(dma->data, dma->length);
    tell(model, stalled, fault);
    return stalls->tokens;
}

/* As though it had just arrived: with whatever tables, configuration and caches say now. */
static void retry(struct smmuv3_model *model, uint64_t token)
{
    struct stalled *stalled = find(model, token);
    struct dma dma = stalled->dma;
    struct fault fault;
    struct smmuv3_model_result result;

    stalled->state = STALL_RETRYING;
    result = model_dma_run(model, &dma, &fault);
    stalled = find(model, token);
    stalled->dma = dma;
    stalled->state = STALL_WAITING;
    if (result.outcome == SMMUV3_MODEL_STALLED) {
        tell(model, stalled, &fault);
    } else {
        finish(model, stalled, &result);
    }
}

/* Whether the next transaction of an access would do other than stall again. Leaves no trace. */
static struct smmuv3_model_result look_ahead(struct smmuv3_model *model,
                                             const struct stalled *stalled)
{
    struct smmuv3_model_access access = model_dma_next(&stalled->dma);

    return smmuv3_model_translate(model, &access);
}

/*
 * A retry that no command asked for gives no further event: it goes through, or ends by a changed
 * configuration, or waits on.
 */
static bool early_retry(struct smmuv3_model *model, struct stalled *stalled)
{
    struct smmuv3_model_result ahead = look_ahead(model, stalled);

    if (ahead.outcome == SMMUV3_MODEL_STALLED) {
        return false;
    }
    if (ahead.outcome == SMMUV3_MODEL_OK) {
        retry(model, stalled->token);
        return true;
    }
    ahead.done = stalled->dma.done;
    ahead.event_suppressed = true;
    finish(model, stalled, &ahead);
    return true;
}

bool smmuv3_model_early_retry(struct smmuv3_model *model, uint64_t token)
{
    struct stalled *stalled = find(model, token);

    if (!stalled || stalled->state == STALL_ENDED || stalled->state == STALL_RETRYING) {
        return true;
    }
    return early_retry(model, stalled);
}

/* Whether a stall without a record has its turn: room, and what it waits behind was decided. */
static bool may_be_told(const struct smmuv3_model *model, const struct stalled *stalled)
{
    const struct stalled *other = find(model, stalled->behind);

    return stalled->state == STALL_WAITING && model->stalls.free_count &&
           model_eventq_writable(model) && (!other || other->state != STALL_RECORDED);
}

/* Room in the event queue or among the STAGs: what waits without a record is retried. */
void model_stalls_wake(struct smmuv3_model *model)
{
    struct model_stalls *stalls = &model->stalls;
    struct stalled *stalled = NULL;
    uint64_t last = stalls->tokens;
    uint64_t token = 0;

    if (stalls->waking) {
        return;
    }
    stalls->waking = true;
    while ((stalled = next_after(model, token)) && stalled->token <= last) {
        token = stalled->token;
        if (may_be_told(model, stalled)) {
            retry(model, token);
        }
    }
    stalls->waking = false;
}

/* ------------------------------------------------------------------ decisions */

bool model_stall_marked(const struct smmuv3_model *model)
{
    for (unsigned i = 0; i < model->stalls.count; i++) {
        if (model->stalls.list[i].state == STALL_MARKED) {
            return true;
        }
    }
    return false;
}

static bool retries_first(struct smmuv3_model *model)
{
    return model->p.early_retry || model_choose(model, SMMUV3_MODEL_CHOOSE_EARLY, 2);
}

/*
 * What was decided takes place for the oldest. A transaction to be terminated may go through
 * instead, if its retry succeeds before (4.7.1).
 */
void model_stall_conclude(struct smmuv3_model *model)
{
    struct smmuv3_model_result result = { .outcome = SMMUV3_MODEL_ABORT };
    struct stalled *stalled = NULL;

    for (unsigned i = 0; i < model->stalls.count && !stalled; i++) {
        if (model->stalls.list[i].state == STALL_MARKED) {
            stalled = &model->stalls.list[i];
        }
    }
    if (!stalled) {
        return;
    }
    if (stalled->retry) {
        retry(model, stalled->token);
    } else if (!model_enabled(model, CR0_SMMUEN) || !retries_first(model) ||
               !early_retry(model, stalled)) {
        result.done = stalled->dma.done;
        result.fault_iova = model_dma_next(&stalled->dma).iova;
        if (stalled->raz_wi) {
            result.outcome = SMMUV3_MODEL_RAZ_WI;
            if (!stalled->dma.access.write && stalled->dma.length) {
                memset(stalled->dma.data + result.done, 0, stalled->dma.length - result.done);
            }
        }
        finish(model, stalled, &result);
    }
}

static void mark(struct smmuv3_model *model, struct stalled *stalled, bool retry, bool raz_wi)
{
    stalled->state = STALL_MARKED;
    stalled->retry = retry;
    stalled->raz_wi = raz_wi;
    model_schedule(model, SMMUV3_MODEL_LATE_STALLED);
}

/* CMD_RESUME: both the STAG and the StreamID must be those of a recorded stall. */
void model_resume(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    for (unsigned i = 0; i < stag_limit(model); i++) {
        const struct stag *stag = &model->stalls.stags[i];
        struct stalled *stalled = NULL;

        if (!stag->used || stag_value(i) != command->stag ||
            stag->stream_id != command->stream_id) {
            continue;
        }
        stalled = find(model, stag->token);
        release_stag(model, i);
        if (stalled && stalled->state == STALL_RECORDED) {
            mark(model, stalled, command->retry,
                 !command->retry && !command->abort && !model->p.term_model);
        }
        model_stalls_wake(model);
        return;
    }
    model_error(model, SMMUV3_MODEL_ERROR_VALUE, "CMD_RESUME",
                "names no stalled transaction: without effect", command->raw[1]);
}

/* Held in the unit, not under way and not ended. */
static bool waits(const struct stalled *stalled)
{
    return stalled->state != STALL_ENDED && stalled->state != STALL_RETRYING;
}

static void terminate(struct smmuv3_model *model, bool all, uint32_t stream_id)
{
    struct stalled *stalled = NULL;
    uint64_t last = model->stalls.tokens;
    uint64_t token = 0;

    release_stags_of(model, all, stream_id);
    while ((stalled = next_after(model, token)) && stalled->token <= last) {
        token = stalled->token;
        if (waits(stalled) && (all || stalled->dma.access.stream_id == stream_id)) {
            mark(model, stalled, false, false);
        }
    }
}

/* Whether a new transaction of the stream would be terminated whatever its address is. */
static bool stream_terminates(struct smmuv3_model *model, uint32_t stream_id)
{
    struct smmuv3_model_access access = { .stream_id = stream_id };
    struct lookup lookup = { .access = &access, .pure = true };
    uint64_t ste[STE_WORDS];
    struct fault fault;

    return !model_find_ste(model, &lookup, ste, &fault) || model_ste_illegal(model, ste) ||
           !field_in(field_of(ste, STE_CONFIG), CONFIG_PASS);
}

/*
 * CMD_STALL_TERM. While the STE lets new transactions in, it is UNPREDICTABLE whether anything is
 * terminated (4.7.2): here nothing is, without a chooser.
 */
void model_stall_term(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    bool concerned = false;

    for (unsigned i = 0; i < model->stalls.count; i++) {
        const struct stalled *stalled = &model->stalls.list[i];

        concerned |= waits(stalled) && stalled->dma.access.stream_id == command->stream_id;
    }
    if (concerned && model_enabled(model, CR0_SMMUEN) &&
        !stream_terminates(model, command->stream_id)) {
        model_error(model, SMMUV3_MODEL_ERROR_ORDER, "CMD_STALL_TERM",
                    "while the STE does not terminate new transactions", command->stream_id);
        if (!model_choose(model, SMMUV3_MODEL_CHOOSE_TERM, 2)) {
            return;
        }
    }
    terminate(model, false, command->stream_id);
    model_stalls_wake(model);
}

/* SMMUEN has become 0: all are marked to be aborted, all STAGs are free (6.3.9.6). */
void model_stalls_disable(struct smmuv3_model *model)
{
    terminate(model, true, 0);
}

/* Reset of the unit: whatever waits is aborted, late or not. */
void model_stalls_reset(struct smmuv3_model *model)
{
    struct smmuv3_model_result result = { .outcome = SMMUV3_MODEL_ABORT };
    struct stalled *stalled = NULL;
    uint64_t token = 0;

    release_stags_of(model, true, 0);
    while ((stalled = next_after(model, token))) {
        token = stalled->token;
        if (waits(stalled)) {
            result.done = stalled->dma.done;
            finish(model, stalled, &result);
        }
    }
}

/* ------------------------------------------------------------------ what tests call */

bool smmuv3_model_stall_ended(struct smmuv3_model *model, uint64_t token, void *buffer,
                              struct smmuv3_model_result *result)
{
    struct model_stalls *stalls = &model->stalls;
    struct stalled *stalled = find(model, token);
    unsigned index = 0;

    if (!stalled || stalled->state != STALL_ENDED) {
        return false;
    }
    if (result) {
        *result = stalled->result;
    }
    if (buffer && !stalled->dma.access.write && stalled->dma.length) {
        memcpy(buffer, stalled->dma.data, stalled->dma.length);
    }
    free(stalled->dma.data);
    index = (unsigned)(stalled - stalls->list);
    stalls->count--;
    memmove(stalled, stalled + 1, (stalls->count - index) * sizeof(*stalled));
    return true;
}

bool smmuv3_model_stall_waits(const struct smmuv3_model *model, uint64_t token)
{
    const struct stalled *stalled = find(model, token);

    return stalled && stalled->state != STALL_ENDED;
}

void smmuv3_model_on_stall_end(struct smmuv3_model *model,
                               void (*ended)(void *context, uint64_t token), void *context)
{
    model->stalls.ended = ended;
    model->stalls.ended_context = context;
}

static unsigned count_states(const struct smmuv3_model *model, bool waiting, bool recorded,
                             bool marked)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->stalls.count; i++) {
        enum stall_state state = model->stalls.list[i].state;

        count += (waiting && state == STALL_WAITING) || (recorded && state == STALL_RECORDED) ||
                 (marked && state == STALL_MARKED);
    }
    return count;
}

unsigned smmuv3_model_stalls(const struct smmuv3_model *model)
{
    return count_states(model, true, true, true);
}

unsigned smmuv3_model_stalls_recorded(const struct smmuv3_model *model)
{
    return count_states(model, false, true, false);
}
