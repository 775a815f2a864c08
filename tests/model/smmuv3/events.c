/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event queue (7.2, 7.3, 7.4): records, when the queue can be written, overflow.
 */
#include "internal.h"

/* Which events carry what besides number, StreamID and SubstreamID (7.3). */
enum content {
    PLAIN,
    WITH_FETCH,       /* the address that aborted */
    WITH_INPUT_FETCH, /* the transaction and the address that aborted */
    WITH_INPUT_IPA,   /* the transaction and, at stage 2, its IPA */
};

static const struct event_format {
    const char *name;
    enum content content;
} formats[] = {
    [F_UUT] = { "F_UUT", PLAIN },
    [C_BAD_STREAMID] = { "C_BAD_STREAMID", PLAIN },
    [F_STE_FETCH] = { "F_STE_FETCH", WITH_FETCH },
    [C_BAD_STE] = { "C_BAD_STE", PLAIN },
    [F_BAD_ATS_TREQ] = { "F_BAD_ATS_TREQ", PLAIN },
    [F_STREAM_DISABLED] = { "F_STREAM_DISABLED", PLAIN },
    [F_TRANSL_FORBIDDEN] = { "F_TRANSL_FORBIDDEN", PLAIN },
    [C_BAD_SUBSTREAMID] = { "C_BAD_SUBSTREAMID", PLAIN },
    [F_CD_FETCH] = { "F_CD_FETCH", WITH_FETCH },
    [C_BAD_CD] = { "C_BAD_CD", PLAIN },
    [F_WALK_EABT] = { "F_WALK_EABT", WITH_INPUT_FETCH },
    [F_TRANSLATION] = { "F_TRANSLATION", WITH_INPUT_IPA },
    [F_ADDR_SIZE] = { "F_ADDR_SIZE", WITH_INPUT_IPA },
    [F_ACCESS] = { "F_ACCESS", WITH_INPUT_IPA },
    [F_PERMISSION] = { "F_PERMISSION", WITH_INPUT_IPA },
    [F_TLB_CONFLICT] = { "F_TLB_CONFLICT", WITH_INPUT_IPA },
    [F_CFG_CONFLICT] = { "F_CFG_CONFLICT", PLAIN },
    [E_PAGE_REQUEST] = { "E_PAGE_REQUEST", PLAIN },
};

enum { FORMATS = sizeof(formats) / sizeof(*formats) };

static void build_record(uint64_t record[EVENT_WORDS], const struct smmuv3_model_access *access,
                         const struct fault *fault)
{
    enum content content = formats[fault->event].content;

    field_put(record, EVENT_NUMBER, fault->event);
    field_put(record, EVENT_STREAMID, access->stream_id);
    if (access->ssv) {
        /* C_BAD_SUBSTREAMID has no SSV: its SubstreamID is always valid. */
        field_put(record, EVENT_SSV, fault->event != C_BAD_SUBSTREAMID);
        field_put(record, EVENT_SUBSTREAMID, access->substream_id);
    }
    if (content == WITH_FETCH || content == WITH_INPUT_FETCH) {
        record[field_low(EVENT_FETCHADDR) / 64] |= fault->fetch_address &
                                                   field_mask(EVENT_FETCHADDR);
    }
    if (content == WITH_INPUT_FETCH || content == WITH_INPUT_IPA) {
        field_put(record, EVENT_PNU, fault->privileged);
        field_put(record, EVENT_IND, fault->instruction && !access->write);
        field_put(record, EVENT_RNW, !access->write);
        field_put(record, EVENT_S2, fault->s2);
        field_put(record, EVENT_CLASS, fault->class_);
        field_put(record, EVENT_TTRNW, fault->event == F_PERMISSION && fault->ttrnw);
        field_put(record, EVENT_INPUTADDR, access->iova);
    }
    if (fault->event == F_TRANSL_FORBIDDEN) {
        field_put(record, EVENT_RNW, !access->write);
        field_put(record, EVENT_INPUTADDR, access->iova);
    }
    if (fault->stalled) {
        field_put(record, EVENT_STALL, 1);
        field_put(record, EVENT_STAG, fault->stag);
    }
    if (content == WITH_INPUT_IPA && fault->s2) {
        record[field_low(EVENT_IPA) / 64] |= fault->ipa & field_mask(EVENT_IPA);
    }
}

/* A record was lost to a full queue: say so, once until it is acknowledged. */
static void overflow(struct smmuv3_model *model)
{
    uint64_t flags = model->reg[EVENTQ_PROD] ^ model->reg[EVENTQ_CONS];

    if (model->p.overflow == SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR) {
        model_gerror_raise(model, GERROR_EVENTQ_ABT_ERR);
    } else if (!field_in(flags, EVENTQ_OVERFLOW)) {
        model->reg[EVENTQ_PROD] ^= field_mask(EVENTQ_OVERFLOW);
    }
}

/* Whether a record would find its place now (7.2.1). */
bool model_eventq_writable(const struct smmuv3_model *model)
{
    struct queue queue = model_eventq(model);
    uint64_t used = model_queue_used(queue, model->reg[EVENTQ_PROD], model->reg[EVENTQ_CONS]);

    return model_enabled(model, CR0_EVENTQEN) && !model->service_failure &&
           !model_gerror_active(model, GERROR_EVENTQ_ABT_ERR) && !model->eventq_inconsistent &&
           used < model_queue_size(queue);
}

/* Append a record. What cannot be written is discarded; a full queue overflows by it (7.2.1). */
static void append(struct smmuv3_model *model, const uint64_t record[EVENT_WORDS])
{
    struct queue queue = model_eventq(model);
    uint64_t prod = model->reg[EVENTQ_PROD];
    uint64_t used = model_queue_used(queue, prod, model->reg[EVENTQ_CONS]);
    uint64_t next = 0;

    if (!model_enabled(model, CR0_EVENTQEN) || model->service_failure ||
        model_gerror_active(model, GERROR_EVENTQ_ABT_ERR)) {
        model->events_lost++;
        return;
    }
    if (used >= model_queue_size(queue) || model->eventq_inconsistent) {
        model->events_lost++;
        overflow(model);
        return;
    }
    if (!model_write(model, SMMUV3_MODEL_WRITE_EVENT, model_queue_entry(queue, prod), record,
                     EVENT_WORDS * sizeof(*record))) {
        model->events_lost++;
        model_gerror_raise(model, GERROR_EVENTQ_ABT_ERR);
        return;
    }
    next = model_queue_next(queue, prod) | (prod & field_mask(EVENTQ_OVERFLOW));
    model->reg[EVENTQ_PROD] = next;
    model->events_recorded++;
    /* The interrupt announces that an empty queue became non-empty, no more (3.18.2). */
    if (!used && field_in(model->reg[IRQ_CTRLACK], IRQ_CTRL_EVENTQ_IRQEN)) {
        model_send_interrupt(model, SMMUV3_MODEL_LINE_EVENTQ, model->reg[EVENTQ_IRQ_CFG0],
                             (uint32_t)model->reg[EVENTQ_IRQ_CFG1], GERROR_MSI_EVENTQ_ABT_ERR);
    }
}

/* Record why a transaction was terminated. The caller has applied S2R and RECINVSID. */
void model_record_fault(struct smmuv3_model *model, const struct smmuv3_model_access *access,
                        const struct fault *fault)
{
    uint64_t record[EVENT_WORDS] = { 0 };

    build_record(record, access, fault);
    append(model, record);
}

uint64_t smmuv3_model_events_recorded(const struct smmuv3_model *model)
{
    return model->events_recorded;
}

uint64_t smmuv3_model_events_lost(const struct smmuv3_model *model)
{
    return model->events_lost;
}

struct smmuv3_model_event smmuv3_model_decode_event(const uint64_t record[4])
{
    struct smmuv3_model_event event = {
        .number = (uint8_t)field_of(record, EVENT_NUMBER),
        .ssv = field_of(record, EVENT_SSV),
        .substream_id = (uint32_t)field_of(record, EVENT_SUBSTREAMID),
        .stream_id = (uint32_t)field_of(record, EVENT_STREAMID),
    };
    enum content content = PLAIN;

    event.name = event.number < FORMATS ? formats[event.number].name : NULL;
    if (!event.name) {
        event.name = "unknown event";
        return event;
    }
    content = formats[event.number].content;
    if (event.number == F_TRANSL_FORBIDDEN) {
        event.rnw = field_of(record, EVENT_RNW);
        event.input_address = field_of(record, EVENT_INPUTADDR);
    }
    if (content == WITH_FETCH || content == WITH_INPUT_FETCH) {
        event.fetch_address = field_address(record, EVENT_FETCHADDR);
    }
    if (content == WITH_INPUT_FETCH || content == WITH_INPUT_IPA) {
        event.stag = (uint16_t)field_of(record, EVENT_STAG);
        event.stall = field_of(record, EVENT_STALL);
        event.pnu = field_of(record, EVENT_PNU);
        event.ind = field_of(record, EVENT_IND);
        event.rnw = field_of(record, EVENT_RNW);
        event.s2 = field_of(record, EVENT_S2);
        event.class_ = (unsigned)field_of(record, EVENT_CLASS);
        event.input_address = field_of(record, EVENT_INPUTADDR);
    }
    if (content == WITH_INPUT_IPA) {
        event.ttrnw = field_of(record, EVENT_TTRNW);
        event.ipa = field_address(record, EVENT_IPA);
    }
    return event;
}
