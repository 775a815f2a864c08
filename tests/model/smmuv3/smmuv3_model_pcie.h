/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 model as PCIe sees it (IHI 0070 3.9, 4.5, chapter 8): translation requests and
 * translated transactions (ATS), invalidation of a device's address translation cache (ATC), page
 * requests and their answers (PRI).
 *
 * The unit holds nothing of an ATC; the device does, see tests/model/devices. A translated
 * transaction is an smmuv3_model_access with `translated` set, its iova what a completion gave.
 */
#ifndef SMMUV3_MODEL_PCIE_H
#define SMMUV3_MODEL_PCIE_H

#include "smmuv3_model.h"

/* ------------------------------------------------------------------ translation requests */

struct smmuv3_model_ats_request {
    uint32_t stream_id;
    bool ssv;
    uint32_t substream_id;
    uint64_t iova;
    bool no_write;
    bool execute, privileged; /* of the PASID prefix: without one they mean nothing */
};

enum smmuv3_model_ats_status {
    SMMUV3_MODEL_ATS_SUCCESS,
    SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST,
    SMMUV3_MODEL_ATS_COMPLETER_ABORT,
    SMMUV3_MODEL_ATS_NOT_MODELLED,
};

/*
 * The completion. With success and neither read nor write there is no translation, and `address`
 * means nothing. Global is always 0 (3.9.1). With split-stage ATS the address is an IPA.
 */
struct smmuv3_model_ats_completion {
    enum smmuv3_model_ats_status status;
    uint64_t iova;    /* first byte that the answer covers */
    uint64_t address; /* what that translates to */
    uint64_t size;    /* a power of 2 */
    bool readable, writable, executable, privileged;
    uint8_t event;            /* recorded: F_BAD_ATS_TREQ, else 0 */
    const char *not_modelled; /* status NOT_MODELLED: what is missing */
};

/* Ask for a translation. Caches fill; translation faults give no event and no permission. */
struct smmuv3_model_ats_completion smmuv3_model_ats_translate(
    struct smmuv3_model *model, const struct smmuv3_model_ats_request *request);

/* What translated transactions of a stream may do now, configuration that is cached included. */
enum smmuv3_model_translated {
    SMMUV3_MODEL_TRANSLATED_NONE,
    SMMUV3_MODEL_TRANSLATED_STAGE2, /* pass through stage 2 */
    SMMUV3_MODEL_TRANSLATED_ALL,    /* reach any physical address, invented ones too */
};
enum smmuv3_model_translated smmuv3_model_translated(struct smmuv3_model *model,
                                                     uint32_t stream_id);

/* ------------------------------------------------------------------ page requests */

struct smmuv3_model_page_request {
    uint32_t stream_id;
    bool ssv;
    uint32_t substream_id;
    uint64_t address;
    bool read, write, execute, privileged;
    bool last;
    uint16_t prg_index; /* 9 bits */
};

/* What became of it. An answer that the unit gives by itself arrives before the call returns. */
enum smmuv3_model_page_outcome {
    SMMUV3_MODEL_PAGE_RECORDED,
    SMMUV3_MODEL_PAGE_ANSWERED,
    SMMUV3_MODEL_PAGE_DISCARDED, /* without any answer */
};

/* Last with neither read nor write, and with a PASID, is a stop marker: it is never answered. */
enum smmuv3_model_page_outcome smmuv3_model_page_request(
    struct smmuv3_model *model, const struct smmuv3_model_page_request *request);

/* ResponseCode of a PRG response message (8.3). */
enum smmuv3_model_response_code {
    SMMUV3_MODEL_RESPONSE_SUCCESS = 0,
    SMMUV3_MODEL_RESPONSE_INVALID = 1,
    SMMUV3_MODEL_RESPONSE_FAILURE = 15,
};

struct smmuv3_model_page_response {
    uint32_t stream_id;
    bool ssv;
    uint32_t substream_id;
    uint16_t prg_index;
    enum smmuv3_model_response_code code;
    bool automatic; /* the unit's own; CMD_PRI_RESP did not cause it */
};

/* Page requests recorded and discarded since creation. */
uint64_t smmuv3_model_page_requests_recorded(const struct smmuv3_model *model);
uint64_t smmuv3_model_page_requests_lost(const struct smmuv3_model *model);

/* ------------------------------------------------------------------ endpoints */

/* An ATS Invalidate Request. 2^log2_size bytes from `iova`, which is aligned; 64: everything. */
struct smmuv3_model_atc_invalidation {
    uint64_t tag;
    uint32_t stream_id;
    bool ssv;
    uint32_t substream_id;
    bool global; /* with ssv: whatever the PASID */
    uint64_t iova;
    unsigned log2_size;
};

/* What an ATC holds. */
struct smmuv3_model_atc_entry {
    bool ssv;
    uint32_t substream_id;
    uint64_t iova;
    uint64_t address;
    uint64_t size;
    bool readable, writable, executable, privileged;
};

/*
 * The functions of one endpoint; each may be null. `invalidate` may answer at once or later, by
 * smmuv3_model_atc_answer; `held` tells all that the ATC holds, for smmuv3_model_reach.
 */
struct smmuv3_model_endpoint {
    void *context;
    void (*page_response)(void *context, const struct smmuv3_model_page_response *response);
    void (*invalidate)(void *context, const struct smmuv3_model_atc_invalidation *invalidation);
    void (*held)(void *context, void (*entry)(void *to, const struct smmuv3_model_atc_entry *entry),
                 void *to);
};

/*
 * Put an endpoint behind a StreamID, null to take it away. CMD_ATC_INV and CMD_PRI_RESP to a
 * StreamID without one are IGNORED, as where the system does not support ATS (4.5).
 */
void smmuv3_model_attach_endpoint(struct smmuv3_model *model, uint32_t stream_id,
                                  const struct smmuv3_model_endpoint *endpoint);

/*
 * Answer an invalidation, done or not: the unit cannot tell a completion from an Unsupported
 * Request (3.9.1.5). An unknown tag, one that timed out too, is ignored. Until all are answered a
 * CMD_SYNC waits; SMMUV3_MODEL_LATE_ATC_TIMEOUT ends that with CERROR_ATC_INV_SYNC.
 */
void smmuv3_model_atc_answer(struct smmuv3_model *model, uint64_t tag);

/* Invalidations sent and not answered. */
unsigned smmuv3_model_atc_unanswered(const struct smmuv3_model *model);

#endif
