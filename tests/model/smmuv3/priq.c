/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PRI queue (chapter 8, 3.9.1, 4.5.2): page requests recorded, overflow, and what the unit
 * answers by itself.
 */
#include "internal.h"

/* Effective PRIQEN: 0 while SMMUEN is (6.3.9.5). */
bool model_priq_enabled(const struct smmuv3_model *model)
{
    return model->p.pri && model->p.ats && model_enabled(model, CR0_SMMUEN) &&
           model_enabled(model, CR0_PRIQEN);
}

static bool stop_marker(const struct smmuv3_model_page_request *request)
{
    return request->ssv && request->last && !request->read && !request->write;
}

static void deliver(struct smmuv3_model *model, const struct smmuv3_model_page_response *response)
{
    const struct smmuv3_model_endpoint *endpoint = model_endpoint(model, response->stream_id);

    if (endpoint && endpoint->page_response) {
        endpoint->page_response(endpoint->context, response);
    }
}

/* An automatic response; `with_pasid` keeps that of the request. */
static enum smmuv3_model_page_outcome answer(struct smmuv3_model *model,
                                             const struct smmuv3_model_page_request *request,
                                             enum smmuv3_model_response_code code, bool with_pasid)
{
    struct smmuv3_model_page_response response = {
        .stream_id = request->stream_id,
        .ssv = with_pasid && request->ssv,
        .prg_index = request->prg_index,
        .code = code,
        .automatic = true,
    };

    model->page_requests_lost++;
    if (stop_marker(request)) {
        return SMMUV3_MODEL_PAGE_DISCARDED;
    }
    response.substream_id = response.ssv ? request->substream_id : 0;
    deliver(model, &response);
    return SMMUV3_MODEL_PAGE_ANSWERED;
}

static void interrupt(struct smmuv3_model *model)
{
    if (field_in(model->reg[IRQ_CTRLACK], IRQ_CTRL_PRIQ_IRQEN)) {
        model_send_interrupt(model, SMMUV3_MODEL_LINE_PRIQ, model->reg[PRIQ_IRQ_CFG0],
                             (uint32_t)model->reg[PRIQ_IRQ_CFG1], GERROR_MSI_PRIQ_ABT_ERR);
    }
}

/* PRIQ_IRQ_CFG2.LO: the interrupt is for Last requests, discarded ones too, not for non-empty. */
static bool last_only(const struct smmuv3_model *model)
{
    return field_in(model->reg[PRIQ_IRQ_CFG2], PRIQ_IRQ_CFG2_LO);
}

/*
 * The queue has no room, or has had none and software did not acknowledge it: Last requests are
 * answered with success, so that the device tries again; others vanish (8.1).
 */
static enum smmuv3_model_page_outcome overflow(struct smmuv3_model *model,
                                               const struct smmuv3_model_page_request *request)
{
    struct smmuv3_model_access access = { .stream_id = request->stream_id };
    struct lookup lookup = { .access = &access };
    enum smmuv3_model_page_outcome outcome = SMMUV3_MODEL_PAGE_DISCARDED;
    struct fault fault;
    uint64_t ste[STE_WORDS];

    if (!field_in(model->reg[PRIQ_PROD] ^ model->reg[PRIQ_CONS], PRIQ_OVERFLOW)) {
        model->reg[PRIQ_PROD] ^= field_mask(PRIQ_OVERFLOW);
    }
    if (!request->last) {
        model->page_requests_lost++;
    } else if (!request->ssv || stop_marker(request) || model->p.pps) {
        outcome = answer(model, request, SMMUV3_MODEL_RESPONSE_SUCCESS, true);
    } else if (!model_find_ste(model, &lookup, ste, &fault) || model_ste_illegal(model, ste)) {
        outcome = answer(model, request, SMMUV3_MODEL_RESPONSE_FAILURE, false);
    } else {
        outcome = answer(model, request, SMMUV3_MODEL_RESPONSE_SUCCESS, field_of(ste, STE_PPAR));
    }
    if (request->last && last_only(model)) {
        interrupt(model);
    }
    return outcome;
}

static void build(uint64_t entry[PRI_WORDS], const struct smmuv3_model_page_request *request)
{
    field_put(entry, PRI_STREAMID, request->stream_id);
    if (request->ssv) {
        field_put(entry, PRI_SSV, 1);
        field_put(entry, PRI_SUBSTREAMID, request->substream_id);
        field_put(entry, PRI_X, request->execute);
        field_put(entry, PRI_PRIV, request->privileged);
    }
    field_put(entry, PRI_R, request->read);
    field_put(entry, PRI_W, request->write);
    field_put(entry, PRI_LAST, request->last);
    field_put(entry, PRI_PRGINDEX, request->prg_index);
    entry[1] |= request->address & field_mask(PRI_ADDRESS);
}

static enum smmuv3_model_page_outcome record(struct smmuv3_model *model,
                                             const struct smmuv3_model_page_request *request)
{
    struct queue queue = model_priq(model);
    uint64_t prod = model->reg[PRIQ_PROD];
    uint64_t used = model_queue_used(queue, prod, model->reg[PRIQ_CONS]);
    uint64_t entry[PRI_WORDS] = { 0 };

    build(entry, request);
    if (!model_write(model, SMMUV3_MODEL_WRITE_PRI, model_queue_entry(queue, prod), entry,
                     sizeof(entry))) {
        model_gerror_raise(model, GERROR_PRIQ_ABT_ERR);
        return answer(model, request, SMMUV3_MODEL_RESPONSE_FAILURE, false);
    }
    model->reg[PRIQ_PROD] = model_queue_next(queue, prod) | (prod & field_mask(PRIQ_OVERFLOW));
    model->page_requests_recorded++;
    if (last_only(model) ? request->last : !used) {
        interrupt(model);
    }
    return SMMUV3_MODEL_PAGE_RECORDED;
}

enum smmuv3_model_page_outcome smmuv3_model_page_request(
    struct smmuv3_model *model, const struct smmuv3_model_page_request *request)
{
    struct smmuv3_model_page_request seen = *request;
    struct queue queue = model_priq(model);
    uint64_t used = model_queue_used(queue, model->reg[PRIQ_PROD], model->reg[PRIQ_CONS]);

    if (!model->p.ssidsize) {
        seen.ssv = false;
    }
    if (!model_priq_enabled(model) || model_gerror_active(model, GERROR_PRIQ_ABT_ERR) ||
        model->service_failure) {
        return answer(model, &seen, SMMUV3_MODEL_RESPONSE_FAILURE, false);
    }
    if (used >= model_queue_size(queue) || model->priq_inconsistent ||
        field_in(model->reg[PRIQ_PROD] ^ model->reg[PRIQ_CONS], PRIQ_OVERFLOW)) {
        return overflow(model, &seen);
    }
    return record(model, &seen);
}

/* CMD_PRI_RESP. The unit remembers no page request: whatever software says is sent. */
void model_pri_resp(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    static const enum smmuv3_model_response_code codes[] = {
        [PRI_RESP_FAILURE] = SMMUV3_MODEL_RESPONSE_FAILURE,
        [PRI_RESP_INVALID] = SMMUV3_MODEL_RESPONSE_INVALID,
        [PRI_RESP_SUCCESS] = SMMUV3_MODEL_RESPONSE_SUCCESS,
    };
    struct smmuv3_model_page_response response = {
        .stream_id = command->stream_id,
        .ssv = command->ssv,
        .substream_id = command->ssv ? command->substream_id : 0,
        .prg_index = (uint16_t)command->prg_index,
        .code = codes[command->page_response],
    };

    if (!model_enabled(model, CR0_SMMUEN)) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, command->name, "is IGNORED while SMMUEN is 0",
                    command->raw[0]);
        return;
    }
    if (command->ssv && !model->p.ssidsize) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, command->name,
                    "SSV on a unit without PASIDs: without effect", command->raw[0]);
        return;
    }
    deliver(model, &response);
}

uint64_t smmuv3_model_page_requests_recorded(const struct smmuv3_model *model)
{
    return model->page_requests_recorded;
}

uint64_t smmuv3_model_page_requests_lost(const struct smmuv3_model *model)
{
    return model->page_requests_lost;
}
