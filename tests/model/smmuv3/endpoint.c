/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints behind StreamIDs, and CMD_ATC_INV (4.5.1, 3.9.1.4, 3.9.1.5): requests that leave the
 * unit, and what a CMD_SYNC waits for.
 */
#include <stdlib.h>

#include "internal.h"

const struct smmuv3_model_endpoint *model_endpoint(const struct smmuv3_model *model,
                                                   uint32_t stream_id)
{
    for (unsigned i = 0; i < model->pcie.endpoint_count; i++) {
        if (model->pcie.endpoints[i].stream_id == stream_id) {
            return &model->pcie.endpoints[i].calls;
        }
    }
    return NULL;
}

void smmuv3_model_attach_endpoint(struct smmuv3_model *model, uint32_t stream_id,
                                  const struct smmuv3_model_endpoint *endpoint)
{
    struct model_pcie *pcie = &model->pcie;
    unsigned at = 0;

    while (at < pcie->endpoint_count && pcie->endpoints[at].stream_id != stream_id) {
        at++;
    }
    if (!endpoint) {
        if (at < pcie->endpoint_count) {
            pcie->endpoints[at] = pcie->endpoints[--pcie->endpoint_count];
        }
        return;
    }
    if (at == pcie->endpoint_count) {
        if (pcie->endpoint_count == pcie->endpoint_room) {
            pcie->endpoints = model_grow(pcie->endpoints, &pcie->endpoint_room,
                                         sizeof(*pcie->endpoints));
        }
        pcie->endpoint_count++;
    }
    pcie->endpoints[at] = (struct endpoint){ .stream_id = stream_id, .calls = *endpoint };
}

/* A copy of the unit speaks to nobody: its endpoints can only be asked what they hold. */
void model_endpoints_copy(struct smmuv3_model *copy)
{
    struct model_pcie *pcie = &copy->pcie;

    pcie->endpoints = model_array_copy(pcie->endpoints, pcie->endpoint_count, pcie->endpoint_room,
                                       sizeof(*pcie->endpoints));
    pcie->outstanding = model_array_copy(pcie->outstanding, pcie->outstanding_count,
                                         pcie->outstanding_room, sizeof(*pcie->outstanding));
    for (unsigned i = 0; i < pcie->endpoint_count; i++) {
        pcie->endpoints[i].calls.page_response = NULL;
        pcie->endpoints[i].calls.invalidate = NULL;
    }
}

void model_endpoints_destroy(struct smmuv3_model *model)
{
    free(model->pcie.endpoints);
    free(model->pcie.outstanding);
}

/* ------------------------------------------------------------------ invalidations */

static const char *without_effect(const struct smmuv3_model *model,
                                  const struct smmuv3_model_command *command)
{
    if (!model_enabled(model, CR0_SMMUEN)) {
        return "is IGNORED while SMMUEN is 0";
    }
    if (command->ssv && !model->p.ssidsize) {
        return "SSV on a unit without PASIDs: without effect";
    }
    if (command->log2_size > ATC_SIZE_ALL + ATC_LOG2_UNIT) {
        return "Size exceeds 52: nothing is invalidated";
    }
    return NULL;
}

/* Send the request. The endpoint may answer before this returns. */
void model_atc_inv(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    const struct smmuv3_model_endpoint *endpoint = model_endpoint(model, command->stream_id);
    struct model_pcie *pcie = &model->pcie;
    const char *why = without_effect(model, command);
    struct smmuv3_model_atc_invalidation request = {
        .stream_id = command->stream_id,
        .ssv = command->ssv,
        .substream_id = command->ssv ? command->substream_id : 0,
        .global = command->ssv && command->global,
        .iova = command->address,
        .log2_size = command->log2_size,
    };

    if (why) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, command->name, why, command->raw[1]);
        return;
    }
    if (!endpoint) {
        return;
    }
    request.tag = ++pcie->tags;
    if (pcie->outstanding_count == pcie->outstanding_room) {
        pcie->outstanding = model_grow(pcie->outstanding, &pcie->outstanding_room,
                                       sizeof(*pcie->outstanding));
    }
    pcie->outstanding[pcie->outstanding_count++] = (struct atc_request){
        .tag = request.tag,
        .stream_id = request.stream_id,
    };
    if (endpoint->invalidate) {
        endpoint->invalidate(endpoint->context, &request);
    } else {
        smmuv3_model_atc_answer(model, request.tag); /* an Unsupported Request completes, too */
    }
}

void smmuv3_model_atc_answer(struct smmuv3_model *model, uint64_t tag)
{
    struct model_pcie *pcie = &model->pcie;

    for (unsigned i = 0; i < pcie->outstanding_count; i++) {
        if (pcie->outstanding[i].tag == tag) {
            pcie->outstanding[i] = pcie->outstanding[--pcie->outstanding_count];
            if (!pcie->outstanding_count) {
                model->late[SMMUV3_MODEL_LATE_ATC_TIMEOUT].pending = false;
                model_consider_commands(model);
            }
            return;
        }
    }
}

bool model_atc_outstanding(const struct smmuv3_model *model)
{
    return model->pcie.outstanding_count > 0;
}

unsigned smmuv3_model_atc_unanswered(const struct smmuv3_model *model)
{
    return model->pcie.outstanding_count;
}

/* The time is up: none of them counts any more, and the CMD_SYNC that waits fails. */
void model_atc_timeout(struct smmuv3_model *model)
{
    if (!model_atc_outstanding(model)) {
        return;
    }
    model->pcie.outstanding_count = 0;
    model->fail_next_sync = true;
    model_consider_commands(model);
}
