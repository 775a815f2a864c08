/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What masters present: transactions alone, and accesses that move data, cut where translations
 * end. A stalled one is handed to stall.c with what is left of it.
 */
#include <string.h>

#include "internal.h"

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

/* The address that the next piece begins with. */
struct smmuv3_model_access model_dma_next(const struct dma *dma)
{
    struct smmuv3_model_access access = dma->access;

    access.iova += dma->done;
    return access;
}

/* Move the piece that a translation covers; false if memory refuses. */
static bool move(struct smmuv3_model *model, struct dma *dma,
                 const struct smmuv3_model_result *reached)
{
    size_t size = dma->length - dma->done;
    uint8_t *data = dma->data + dma->done;

    if (reached->contiguous && reached->contiguous < size) {
        size = (size_t)reached->contiguous;
    }
    if (dma->access.write ? !model_write(model, SMMUV3_MODEL_CLIENT, reached->address, data, size)
                          : !model_read(model, SMMUV3_MODEL_CLIENT, reached->address, data, size)) {
        return false;
    }
    dma->done += size;
    return true;
}

/* From where it stands on. Records events; the caller keeps what stalls. */
struct smmuv3_model_result model_dma_run(struct smmuv3_model *model, struct dma *dma,
                                         struct fault *fault)
{
    struct smmuv3_model_result result;

    do {
        struct smmuv3_model_access access = model_dma_next(dma);
        struct lookup lookup = { .access = &access };

        *fault = (struct fault){ 0 };
        model_be_free(model, &access);
        model_enter(model);
        result = model_transaction(model, &lookup, fault);
        if (result.outcome == SMMUV3_MODEL_OK && dma->length && !move(model, dma, &result)) {
            result = (struct smmuv3_model_result){ .outcome = SMMUV3_MODEL_BUS_ABORT };
        }
        if (result.outcome != SMMUV3_MODEL_OK) {
            result.fault_iova = access.iova;
        }
        if (result.event && !result.event_suppressed && result.outcome != SMMUV3_MODEL_STALLED) {
            model_record_fault(model, &access, fault);
        }
        model_leave(model);
    } while (result.outcome == SMMUV3_MODEL_OK && dma->done < dma->length);
    if (result.outcome == SMMUV3_MODEL_RAZ_WI && !dma->access.write && dma->length) {
        memset(dma->data + dma->done, 0, dma->length - dma->done);
    }
    result.done = dma->done;
    return result;
}

static struct smmuv3_model_result begin(struct smmuv3_model *model, struct dma *dma)
{
    struct fault fault;
    struct smmuv3_model_result result = model_dma_run(model, dma, &fault);

    if (result.outcome == SMMUV3_MODEL_STALLED) {
        result.token = model_stall(model, dma, &fault);
    }
    return result;
}

struct smmuv3_model_result smmuv3_model_transact(struct smmuv3_model *model,
                                                 const struct smmuv3_model_access *access)
{
    struct dma dma = { .access = *access };

    return begin(model, &dma);
}

struct smmuv3_model_result smmuv3_model_dma_as(struct smmuv3_model *model,
                                               const struct smmuv3_model_access *access,
                                               void *buffer, size_t length)
{
    struct dma dma = { .access = *access, .data = buffer, .length = length };

    if (!length) {
        return (struct smmuv3_model_result){ .outcome = SMMUV3_MODEL_OK };
    }
    return begin(model, &dma);
}

struct smmuv3_model_result smmuv3_model_dma(struct smmuv3_model *model, uint32_t stream_id,
                                            uint64_t iova, void *buffer, size_t length,
                                            bool is_write)
{
    const struct smmuv3_model_access access = {
        .stream_id = stream_id,
        .iova = iova,
        .write = is_write,
    };

    return smmuv3_model_dma_as(model, &access, buffer, length);
}
