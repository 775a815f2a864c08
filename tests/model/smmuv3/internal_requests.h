/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the SMMUv3 model: what masters wait for. Stalled transactions, page requests, endpoints
 * with an address translation cache. Included by internal.h only.
 */
#ifndef SMMUV3_MODEL_INTERNAL_REQUESTS_H
#define SMMUV3_MODEL_INTERNAL_REQUESTS_H

#include "layout.h"
#include "smmuv3_model.h"
#include "smmuv3_model_pcie.h"

struct fault;
struct lookup;

/* A device's access under way: `done` of `length` bytes; length 0 is a transaction without data. */
struct dma {
    struct smmuv3_model_access access; /* of its first byte */
    uint8_t *data;
    size_t length;
    size_t done;
};

/* Where a stalled transaction stands. */
enum stall_state {
    STALL_WAITING,  /* without an event record: the queue or the STAGs have no room */
    STALL_RECORDED, /* software knows its STAG */
    STALL_MARKED,   /* a command or SMMUEN decided what becomes of it */
    STALL_RETRYING, /* under way, as though it had just arrived */
    STALL_ENDED,    /* its result waits to be collected */
};

struct stalled {
    uint64_t token;
    struct dma dma;
    enum stall_state state;
    uint64_t behind; /* waiting: a like one, whose event stands for this one too; 0 if none */
    bool retry;      /* marked: to be retried, else terminated */
    bool raz_wi;     /* marked for termination without an abort */
    struct smmuv3_model_result result;
};

/* A STAG that an event record carries and that no command has acknowledged. */
struct stag {
    bool used;
    uint32_t stream_id;
    uint64_t token; /* the transaction; it may have ended by an early retry */
};

struct model_stalls {
    struct stalled *list; /* oldest first */
    unsigned count, room;
    struct stag *stags; /* IDR5.STALL_MAX of them */
    unsigned *free;     /* those not used; the last one freed is taken first */
    unsigned free_count;
    uint64_t tokens;
    bool waking;
    void (*ended)(void *context, uint64_t token);
    void *ended_context;
};

/* An ATS invalidation that was sent and not answered. */
struct atc_request {
    uint64_t tag;
    uint32_t stream_id;
};

struct endpoint {
    uint32_t stream_id;
    struct smmuv3_model_endpoint calls;
};

struct model_pcie {
    struct endpoint *endpoints;
    unsigned endpoint_count, endpoint_room;
    struct atc_request *outstanding;
    unsigned outstanding_count, outstanding_room;
    uint64_t tags;
};

/* dma.c: an access in pieces, from where it stands until it is complete or something ends it */
struct smmuv3_model_access model_dma_next(const struct dma *dma);
struct smmuv3_model_result model_dma_run(struct smmuv3_model *model, struct dma *dma,
                                         struct fault *fault);

/* stall.c */
void model_stalls_create(struct smmuv3_model *model);
void model_stalls_copy(struct smmuv3_model *copy);
void model_stalls_destroy(struct smmuv3_model *model);
uint64_t model_stall(struct smmuv3_model *model, const struct dma *dma, struct fault *fault);
void model_stalls_wake(struct smmuv3_model *model);
void model_stalls_disable(struct smmuv3_model *model);
void model_stalls_reset(struct smmuv3_model *model);
bool model_stall_marked(const struct smmuv3_model *model);
void model_stall_conclude(struct smmuv3_model *model);
void model_resume(struct smmuv3_model *model, const struct smmuv3_model_command *command);
void model_stall_term(struct smmuv3_model *model, const struct smmuv3_model_command *command);

/* priq.c */
bool model_priq_enabled(const struct smmuv3_model *model);
void model_pri_resp(struct smmuv3_model *model, const struct smmuv3_model_command *command);

/* ats.c */
struct smmuv3_model_result model_translated(struct smmuv3_model *model, const struct lookup *lookup,
                                            struct fault *fault);

/* atc_reach.c */
void model_atc_reach(struct smmuv3_model *model, uint32_t stream_id,
                     void (*piece)(void *context, const struct smmuv3_model_reach *piece),
                     void *context);

/* endpoint.c: endpoints, and the invalidations sent to them */
const struct smmuv3_model_endpoint *model_endpoint(const struct smmuv3_model *model,
                                                   uint32_t stream_id);
void model_atc_inv(struct smmuv3_model *model, const struct smmuv3_model_command *command);
bool model_atc_outstanding(const struct smmuv3_model *model);
void model_atc_timeout(struct smmuv3_model *model);
void model_endpoints_copy(struct smmuv3_model *copy);
void model_endpoints_destroy(struct smmuv3_model *model);

#endif
