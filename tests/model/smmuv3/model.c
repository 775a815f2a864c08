/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of an instance, its way to memory and interrupts, programming errors, lateness, injection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void *model_must(void *memory)
{
    if (!memory) {
        fputs("smmuv3 model: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct smmuv3_model *smmuv3_model_create(const struct smmuv3_model_parameters *parameters,
                                         const struct smmuv3_model_environment *environment)
{
    struct smmuv3_model *model = model_must(calloc(1, sizeof(*model)));

    model->p = *parameters;
    model->environment = *environment;
    if (!model->p.trace_length) {
        model->p.trace_length = TRACE_DEFAULT;
    }
    model->trace = model_must(calloc(model->p.trace_length, sizeof(*model->trace)));
    model->late[SMMUV3_MODEL_LATE_ATC_TIMEOUT].reads = SMMUV3_MODEL_NEVER;
    model_stalls_create(model);
    smmuv3_model_reset(model);
    return model;
}

/* A copy of `count` elements in an array with room for as many as `room`; null for none. */
void *model_array_copy(const void *array, unsigned count, unsigned room, size_t element)
{
    void *copy = room ? model_must(malloc(room * element)) : NULL;

    if (copy && count) {
        memcpy(copy, array, count * element);
    }
    return copy;
}

struct smmuv3_model *smmuv3_model_copy(const struct smmuv3_model *model,
                                       const struct smmuv3_model_environment *environment)
{
    struct smmuv3_model *copy = model_must(malloc(sizeof(*copy)));
    struct model_caches *caches = &copy->caches;

    *copy = *model;
    if (environment) {
        copy->environment = *environment;
    }
    copy->trace = model_array_copy(model->trace, model->p.trace_length, model->p.trace_length,
                                   sizeof(*copy->trace));
    copy->pending = model_array_copy(model->pending, model->pending_count, model->pending_room,
                                     sizeof(*copy->pending));
    caches->l1stds = model_array_copy(caches->l1stds, caches->l1std_count, caches->l1std_room,
                                      sizeof(*caches->l1stds));
    caches->stes = model_array_copy(caches->stes, caches->ste_count, caches->ste_room,
                                    sizeof(*caches->stes));
    caches->l1cds = model_array_copy(caches->l1cds, caches->l1cd_count, caches->l1cd_room,
                                     sizeof(*caches->l1cds));
    caches->cds = model_array_copy(caches->cds, caches->cd_count, caches->cd_room,
                                   sizeof(*caches->cds));
    caches->tlb = model_array_copy(caches->tlb, caches->tlb_count, caches->tlb_room,
                                   sizeof(*caches->tlb));
    model_index_copy(&caches->ste_index);
    model_index_copy(&caches->cd_index);
    model_index_copy(&caches->tlb_index);
    model_stalls_copy(copy);
    model_endpoints_copy(copy);
    return copy;
}

void smmuv3_model_destroy(struct smmuv3_model *model)
{
    if (!model) {
        return;
    }
    free(model->trace);
    model_stalls_destroy(model);
    model_endpoints_destroy(model);
    free(model->pending);
    free(model->caches.l1stds);
    free(model->caches.stes);
    free(model->caches.l1cds);
    free(model->caches.cds);
    free(model->caches.tlb);
    model_index_free(&model->caches.ste_index);
    model_index_free(&model->caches.cd_index);
    model_index_free(&model->caches.tlb_index);
    free(model);
}

void smmuv3_model_reset(struct smmuv3_model *model)
{
    model_registers_reset(model);
    model_stalls_reset(model);
    model->pcie.outstanding_count = 0;
    model->pending_count = 0;
    for (unsigned i = 0; i < SMMUV3_MODEL_LATES; i++) {
        model->late[i].pending = false;
    }
    model->service_failure = false;
    model->cmdq_stuck = false;
    model->eventq_inconsistent = false;
    model->unsynced = false;
    model->asked = 0;
    model->invalidated = 0;
}

void smmuv3_model_evict(struct smmuv3_model *model)
{
    model->caches.dropped++;
    model->caches.l1std_count = 0;
    model->caches.ste_count = 0;
    model->caches.l1cd_count = 0;
    model->caches.cd_count = 0;
    model_index_clear(&model->caches.ste_index);
    model_index_clear(&model->caches.cd_index);
    model_tlb_evict(model);
}

/* Make sure that `array` has room for one more than *room elements; it doubles. */
void *model_grow(void *array, unsigned *room, size_t element)
{
    *room = *room ? *room * 2 : 16;
    return model_must(realloc(array, *room * element));
}

/* ------------------------------------------------------------------ memory and interrupts */

/* An external abort that a test asked for. */
bool model_injected_abort(struct smmuv3_model *model, enum smmuv3_model_access_kind kind)
{
    if (!model->abort_next[kind]) {
        return false;
    }
    model->abort_next[kind]--;
    return true;
}

bool model_read(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                void *data, size_t size)
{
    if (model_injected_abort(model, kind)) {
        return false;
    }
    return model->environment.read(model->environment.context, kind, address, data, size);
}

/* Read 64-bit words one by one. A pure lookup passes by injected aborts, it leaves no trace. */
bool model_read_words(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, bool pure,
                      uint64_t address, uint64_t *words, unsigned count)
{
    if (!pure && model_injected_abort(model, kind)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!model->environment.read(model->environment.context, pure ? SMMUV3_MODEL_AUDIT : kind,
                                     address + i * sizeof(*words), &words[i], sizeof(*words))) {
            return false;
        }
    }
    return true;
}

bool model_write(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                 const void *data, size_t size)
{
    if (model_injected_abort(model, kind)) {
        return false;
    }
    return model->environment.write(model->environment.context, kind, address, data, size);
}

void model_interrupt(struct smmuv3_model *model, enum smmuv3_model_line line)
{
    if (model->environment.interrupt) {
        model->environment.interrupt(model->environment.context, line);
    }
}

void smmuv3_model_abort_next(struct smmuv3_model *model, enum smmuv3_model_access_kind kind,
                             unsigned count)
{
    model->abort_next[kind] = count;
}

void smmuv3_model_drop_sync_signals(struct smmuv3_model *model, unsigned count)
{
    model->drop_sync_signals = count;
}

void smmuv3_model_fail_next_sync(struct smmuv3_model *model)
{
    model->fail_next_sync = true;
}

/* ------------------------------------------------------------------ programming errors */

void model_error(struct smmuv3_model *model, enum smmuv3_model_error_kind kind, const char *subject,
                 const char *text, uint64_t value)
{
    for (unsigned i = 0; i < sizeof(model->error_counts) / sizeof(*model->error_counts); i++) {
        model->error_counts[i] += (unsigned)kind == power_of_2(i);
    }
    if (model->error_count < ERRORS_KEPT) {
        model->errors[model->error_count++] = (struct smmuv3_model_error){
            .kind = kind,
            .subject = subject,
            .text = text,
            .value = value,
        };
    }
}

unsigned smmuv3_model_error_count(const struct smmuv3_model *model, unsigned mask)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sizeof(model->error_counts) / sizeof(*model->error_counts); i++) {
        count += mask & power_of_2(i) ? model->error_counts[i] : 0;
    }
    return count;
}

const struct smmuv3_model_error *smmuv3_model_error_at(const struct smmuv3_model *model,
                                                       unsigned mask, unsigned n)
{
    for (unsigned i = 0; i < model->error_count; i++) {
        if (((unsigned)model->errors[i].kind & mask) && n-- == 0) {
            return &model->errors[i];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ lateness */

/* Let what is pending take place. */
static void take_place(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    model->late[what].pending = false;
    switch (what) {
    case SMMUV3_MODEL_LATE_CR0ACK:
        model_cr0_update(model);
        break;
    case SMMUV3_MODEL_LATE_GBPA:
        model_gbpa_update(model);
        break;
    case SMMUV3_MODEL_LATE_IRQ_CTRLACK:
        model_irq_ctrl_update(model);
        break;
    case SMMUV3_MODEL_LATE_COMMANDS:
    case SMMUV3_MODEL_LATE_SYNC:
        model_consume_one(model);
        model_consider_commands(model);
        break;
    case SMMUV3_MODEL_LATE_STALLED:
        model_stall_conclude(model);
        if (model_stall_marked(model)) {
            model_schedule(model, what);
        }
        break;
    case SMMUV3_MODEL_LATE_ATC_TIMEOUT:
        model_atc_timeout(model);
        break;
    case SMMUV3_MODEL_LATES:
        break;
    }
}

/* What a CMD_SYNC, a new CR0 or GBPA has to wait for: transactions under way (3.11, 4.7.3). */
static bool held_back(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    bool waits = model->in_flight &&
                 (what == SMMUV3_MODEL_LATE_CR0ACK || what == SMMUV3_MODEL_LATE_GBPA);

    model->held = model->held || waits;
    return waits;
}

void model_enter(struct smmuv3_model *model)
{
    model->in_flight++;
}

/* A transaction has ended: what has waited for it takes place, if it is not late besides. */
void model_leave(struct smmuv3_model *model)
{
    static const enum smmuv3_model_late waiting[] = {
        SMMUV3_MODEL_LATE_CR0ACK,
        SMMUV3_MODEL_LATE_GBPA,
    };

    if (--model->in_flight || !model->held) {
        return;
    }
    model->held = false;
    for (unsigned i = 0; i < sizeof(waiting) / sizeof(*waiting); i++) {
        if (model->late[waiting[i]].pending && !model->late[waiting[i]].reads) {
            take_place(model, waiting[i]);
        }
    }
    model_consider_commands(model);
}

/* Something is to happen: at once if it is prompt, else when its reads have passed. */
void model_schedule(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    struct model_lateness *late = &model->late[what];

    if (!late->reads && !held_back(model, what)) {
        take_place(model, what);
    } else if (!late->pending) {
        late->pending = true;
        late->left = late->reads;
    }
}

/* A command has lost its turn if the queue was stopped meanwhile. */
static bool still_due(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    if (!model->late[what].pending || held_back(model, what)) {
        return false;
    }
    if (what == SMMUV3_MODEL_LATE_COMMANDS || what == SMMUV3_MODEL_LATE_SYNC) {
        return model_command_waits(model, what == SMMUV3_MODEL_LATE_SYNC);
    }
    if (what == SMMUV3_MODEL_LATE_ATC_TIMEOUT) {
        return model_atc_outstanding(model);
    }
    return true;
}

/* A register is about to be read: time passes. */
void model_tick(struct smmuv3_model *model)
{
    for (unsigned i = 0; i < SMMUV3_MODEL_LATES; i++) {
        struct model_lateness *late = &model->late[i];

        if (!still_due(model, (enum smmuv3_model_late)i) || late->left == SMMUV3_MODEL_NEVER) {
            continue;
        }
        if (late->left) {
            late->left--;
        } else {
            take_place(model, (enum smmuv3_model_late)i);
        }
    }
}

void smmuv3_model_set_late(struct smmuv3_model *model, enum smmuv3_model_late what, unsigned reads)
{
    model->late[what].reads = reads;
}

bool smmuv3_model_step(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    if (!still_due(model, what)) {
        return false;
    }
    take_place(model, what);
    return true;
}

void smmuv3_model_release(struct smmuv3_model *model, enum smmuv3_model_late what)
{
    model->late[what].reads = 0;
    if (still_due(model, what)) {
        take_place(model, what);
    }
}
