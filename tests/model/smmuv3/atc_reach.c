/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of devices' address translation caches: what they hold, as far as the unit lets
 * translated transactions of the stream pass.
 */
#include "internal.h"

struct atc_audit {
    struct smmuv3_model *model;
    uint32_t stream_id;
    enum smmuv3_model_translated allowed;
    void (*piece)(void *context, const struct smmuv3_model_reach *piece);
    void *context;
};

static struct smmuv3_model_reach piece_of(const struct atc_audit *audit,
                                          const struct smmuv3_model_atc_entry *entry)
{
    return (struct smmuv3_model_reach){
        .stream_id = audit->stream_id,
        .ssv = entry->ssv,
        .substream_id = entry->substream_id,
        .iova = entry->iova,
        .address = entry->address,
        .size = entry->size,
        .readable = entry->readable,
        .writable = entry->writable,
        .executable = entry->executable,
        .source = SMMUV3_MODEL_REACH_DEVICE,
    };
}

/* Split-stage: the entry leads to IPAs; each part of it that stage 2 maps is a piece. */
static void through_stage2(const struct atc_audit *audit,
                           const struct smmuv3_model_atc_entry *entry)
{
    uint64_t done = 0;

    while (done < entry->size) {
        struct smmuv3_model_reach piece = piece_of(audit, entry);
        struct smmuv3_model_access access = {
            .stream_id = audit->stream_id,
            .iova = entry->address + done,
            .translated = true,
        };
        struct smmuv3_model_result found = smmuv3_model_translate(audit->model, &access);

        if (found.outcome != SMMUV3_MODEL_OK) {
            access.write = true;
            found = smmuv3_model_translate(audit->model, &access);
        }
        if (found.outcome != SMMUV3_MODEL_OK) {
            done += power_of_2(ATC_LOG2_UNIT);
            continue;
        }
        piece.iova += done;
        piece.address = found.address;
        piece.size = found.contiguous < entry->size - done ? found.contiguous : entry->size - done;
        piece.readable &= found.readable;
        piece.writable &= found.writable;
        piece.executable &= found.executable;
        if (piece.readable || piece.writable) {
            audit->piece(audit->context, &piece);
        }
        done += piece.size;
    }
}

static void visit(void *to, const struct smmuv3_model_atc_entry *entry)
{
    const struct atc_audit *audit = to;
    struct smmuv3_model_reach piece = piece_of(audit, entry);

    if (audit->allowed == SMMUV3_MODEL_TRANSLATED_STAGE2) {
        through_stage2(audit, entry);
    } else if (piece.readable || piece.writable) {
        audit->piece(audit->context, &piece);
    }
}

/* Pieces of reach that the endpoint of the stream holds. */
void model_atc_reach(struct smmuv3_model *model, uint32_t stream_id,
                     void (*piece)(void *context, const struct smmuv3_model_reach *piece),
                     void *context)
{
    const struct smmuv3_model_endpoint *endpoint = model_endpoint(model, stream_id);
    struct atc_audit audit = {
        .model = model,
        .stream_id = stream_id,
        .allowed = smmuv3_model_translated(model, stream_id),
        .piece = piece,
        .context = context,
    };

    if (endpoint && endpoint->held && audit.allowed != SMMUV3_MODEL_TRANSLATED_NONE) {
        endpoint->held(endpoint->context, visit, &audit);
    }
}
