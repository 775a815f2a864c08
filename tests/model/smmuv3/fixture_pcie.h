/* SPDX-License-Identifier: Apache-2.0 */
/*
 * More of the fixture, for units with stalls, ATS and PRI: registers of the PRI queue, commands,
 * an endpoint that notes what it is told.
 */
#ifndef SMMUV3_MODEL_FIXTURE_PCIE_H
#define SMMUV3_MODEL_FIXTURE_PCIE_H

#include "fixture.h"
#include "smmuv3_model_pcie.h"

enum {
    AT_PRIQ_BASE = 0xc0,
    AT_PRIQ_IRQ_CFG0 = 0xd0,
    AT_PRIQ_IRQ_CFG1 = 0xd8,
    AT_PRIQ_IRQ_CFG2 = 0xdc,
    AT_PRIQ_PROD = 0x100c8,
    AT_PRIQ_CONS = 0x100cc,
    CR0_WITH_PRIQ = 0xf,
    CR0_WITH_ATSCHK = 0x1d,
    PRIQ_LOG2 = 2,
    PRIQ_ENTRIES = 4,
};

#define RESUME(sid, stag, ac, ab)                                                                  \
    (UINT64_C(0x44) | ((uint64_t)(sid) << 32) | ((uint64_t)(ac) << 12) | ((uint64_t)(ab) << 13)),  \
        (uint64_t)(stag)
#define STALL_TERM(sid) (UINT64_C(0x45) | ((uint64_t)(sid) << 32)), UINT64_C(0)
#define PRI_RESP(sid, index, resp)                                                                 \
    (UINT64_C(0x41) | ((uint64_t)(sid) << 32)), ((uint64_t)(index) | ((uint64_t)(resp) << 12))
#define PRI_RESP_PASID(sid, pasid, index, resp)                                                    \
    (UINT64_C(0x41) | ((uint64_t)(sid) << 32) | ((uint64_t)(pasid) << 12) | 0x800),                \
        ((uint64_t)(index) | ((uint64_t)(resp) << 12))
#define ATC_INV(sid, iova, size)                                                                   \
    (UINT64_C(0x40) | ((uint64_t)(sid) << 32)), ((uint64_t)(iova) | (uint64_t)(size))
#define ATC_INV_PASID(sid, pasid, global, iova, size)                                              \
    (UINT64_C(0x40) | ((uint64_t)(sid) << 32) | ((uint64_t)(pasid) << 12) | 0x800 |                \
     ((uint64_t)(global) << 9)),                                                                   \
        ((uint64_t)(iova) | (uint64_t)(size))

/* An endpoint that notes what it is told, and answers invalidations if `answers` is set. */
struct noted {
    struct smmuv3_model *unit;
    bool answers;
    unsigned responses, invalidations;
    struct smmuv3_model_page_response response;
    struct smmuv3_model_atc_invalidation invalidation;
};
void put_endpoint(struct machine *machine, struct noted *noted);

/* The unit with everything; SID has stage 2, with stalls if `s2s`. */
struct assigned full(bool s2s);
/* With stalls, which the unit retries before it terminates them only if it chooses to. */
struct assigned full_stalls(void);
/* The same with STE.EATS and CR0.ATSCHK. */
struct assigned full_ats(unsigned eats, bool atschk);

/* From now on the unit takes 1 for this choice, 0 for all others. */
void take_choice(struct machine *machine, enum smmuv3_model_choice what);

/* Set the PRI queue up and switch it on, interrupt included; LO as given. Answers its address. */
uint64_t bring_up_priq(struct machine *machine, bool last_only);

#endif
