/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a transaction (3.11, 3.12, 3.4, chapter 15): disabled, stream table, bypass, stage 2.
 */
#include "internal.h"

static struct smmuv3_model_result ended(enum smmuv3_model_outcome outcome)
{
    return (struct smmuv3_model_result){ .outcome = outcome };
}

static struct smmuv3_model_result silent_abort(struct fault *fault)
{
    *fault = (struct fault){ .event = 0 };
    return ended(SMMUV3_MODEL_ABORT);
}

static struct smmuv3_model_result not_modelled(const char *what)
{
    struct smmuv3_model_result result = ended(SMMUV3_MODEL_NOT_MODELLED);

    result.not_modelled = what;
    return result;
}

/* Identity up to the end of the output range. */
static struct smmuv3_model_result identity(const struct smmuv3_model *model, uint64_t iova)
{
    return (struct smmuv3_model_result){
        .outcome = SMMUV3_MODEL_OK,
        .address = iova,
        .contiguous = low_bits(model->p.oas) - iova + 1,
        .readable = true,
        .writable = true,
        .executable = true,
    };
}

/* SMMUEN == 0: GBPA rules, no event whatever happens. */
static struct smmuv3_model_result disabled(const struct smmuv3_model *model, uint64_t iova,
                                           struct fault *fault)
{
    if (field_in(model->gbpa_effective, GBPA_ABORT) || iova > low_bits(model->p.oas)) {
        return silent_abort(fault);
    }
    return identity(model, iova);
}

/* Terminated with an event; whether it is recorded depends on its kind. */
static struct smmuv3_model_result terminated(const struct smmuv3_model *model,
                                             const struct fault *fault, bool record)
{
    struct smmuv3_model_result result = ended(SMMUV3_MODEL_ABORT);

    result.event = fault->event;
    if (fault->event == C_BAD_STREAMID) {
        result.event_suppressed = !field_in(model->reg[CR2], CR2_RECINVSID);
    }
    if (fault->translation_related) {
        result.event_suppressed = !record;
    }
    return result;
}

static struct smmuv3_model_result bad(const struct smmuv3_model *model, uint8_t event,
                                      struct fault *fault)
{
    *fault = (struct fault){ .event = event, .class_ = CLASS_IN };
    return terminated(model, fault, true);
}

static unsigned input_limit(const struct smmuv3_model *model, bool through_stage2)
{
    /* IAS: 40 bits at least where AArch32 tables exist (3.4). */
    if (through_stage2 && model->p.ttf == 3 && model->p.oas < 40) {
        return 40;
    }
    return model->p.oas;
}

static struct smmuv3_model_result by_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                                            const uint64_t ste[STE_WORDS], struct fault *fault)
{
    struct stage2 s2 = model_ste_stage2(model, ste);
    struct translation translation = { 0 };

    if (!model_walk_stage2(model, lookup, &s2, lookup->access->iova, &translation, fault)) {
        if (fault->translation_related && s2.stall) {
            return not_modelled("stalled transactions");
        }
        return terminated(model, fault, s2.record);
    }
    return (struct smmuv3_model_result){
        .outcome = SMMUV3_MODEL_OK,
        .address = translation.output,
        .contiguous = translation.contiguous,
        .readable = translation.readable,
        .writable = translation.writable,
        .executable = translation.executable,
    };
}

/* What becomes of a transaction; `fault` is what an event would say. Records nothing. */
struct smmuv3_model_result model_transaction(struct smmuv3_model *model,
                                             const struct lookup *lookup, struct fault *fault)
{
    const struct smmuv3_model_access *access = lookup->access;
    uint64_t ste[STE_WORDS];
    uint64_t config = 0;
    const char *lacking = NULL;
    bool through_stage2 = false;

    if (model->service_failure) {
        return silent_abort(fault);
    }
    if (!model_enabled(model, CR0_SMMUEN)) {
        return disabled(model, access->iova, fault);
    }
    if (!model_find_ste(model, lookup, ste, fault)) {
        return terminated(model, fault, true);
    }
    if (model_ste_illegal(model, ste)) {
        return bad(model, C_BAD_STE, fault);
    }
    config = field_of(ste, STE_CONFIG);
    if (!field_in(config, CONFIG_PASS)) {
        return silent_abort(fault);
    }
    if (access->ssv && (!field_in(config, CONFIG_STAGE1) || !model->p.ssidsize)) {
        return bad(model, C_BAD_SUBSTREAMID, fault);
    }
    lacking = model_ste_not_modelled(model, ste);
    if (lacking) {
        return not_modelled(lacking);
    }
    /* Stage 1 does not translate: its address size fault is recorded whatever S2R says. */
    through_stage2 = field_in(config, CONFIG_STAGE2);
    if (access->iova > low_bits(input_limit(model, through_stage2))) {
        return bad(model, F_ADDR_SIZE, fault);
    }
    if (!through_stage2) {
        return identity(model, access->iova);
    }
    return by_stage2(model, lookup, ste, fault);
}

/* ------------------------------------------------------------------ what tests call */

struct smmuv3_model_result smmuv3_model_transact(struct smmuv3_model *model,
                                                 const struct smmuv3_model_access *access)
{
    struct lookup lookup = { .access = access };
    struct fault fault = { 0 };
    struct smmuv3_model_result result = model_transaction(model, &lookup, &fault);

    if (result.event && !result.event_suppressed) {
        model_record_fault(model, access, &fault);
    }
    return result;
}

struct smmuv3_model_result smmuv3_model_translate(struct smmuv3_model *model,
                                                  const struct smmuv3_model_access *access)
{
    struct lookup lookup = { .access = access, .pure = true };
    struct fault fault = { 0 };

    return model_transaction(model, &lookup, &fault);
}

void smmuv3_model_prefetch(struct smmuv3_model *model, uint32_t stream_id, uint64_t iova)
{
    struct smmuv3_model_access access = { .stream_id = stream_id, .iova = iova };
    struct lookup lookup = { .access = &access };
    struct fault fault = { 0 };

    if (model_enabled(model, CR0_SMMUEN)) {
        model_transaction(model, &lookup, &fault);
    }
}

/* One piece of a device's access: translated, then performed in memory. */
static struct smmuv3_model_result transfer(struct smmuv3_model *model,
                                           const struct smmuv3_model_access *access, uint8_t *data,
                                           size_t left, size_t *moved)
{
    struct smmuv3_model_result result = smmuv3_model_transact(model, access);
    size_t size = left;
    bool done = false;

    if (result.outcome != SMMUV3_MODEL_OK) {
        return result;
    }
    if (result.contiguous && result.contiguous < size) {
        size = (size_t)result.contiguous;
    }
    done = access->write ? model_write(model, SMMUV3_MODEL_CLIENT, result.address, data, size)
                         : model_read(model, SMMUV3_MODEL_CLIENT, result.address, data, size);
    if (!done) {
        return ended(SMMUV3_MODEL_BUS_ABORT);
    }
    *moved = size;
    return result;
}

struct smmuv3_model_result smmuv3_model_dma(struct smmuv3_model *model, uint32_t stream_id,
                                            uint64_t iova, void *buffer, size_t length,
                                            bool is_write)
{
    struct smmuv3_model_access access = { .stream_id = stream_id, .write = is_write };
    struct smmuv3_model_result result = ended(SMMUV3_MODEL_OK);
    uint8_t *data = buffer;
    size_t done = 0;

    while (done < length) {
        size_t moved = 0;

        access.iova = iova + done;
        result = transfer(model, &access, data + done, length - done, &moved);
        if (result.outcome != SMMUV3_MODEL_OK) {
            result.fault_iova = access.iova;
            break;
        }
        done += moved;
    }
    result.done = done;
    return result;
}
