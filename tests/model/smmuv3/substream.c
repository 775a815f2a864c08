/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From SubstreamID to an index into the CD table (3.3.2, STE.S1CDMax, STE.S1DSS): the rules for
 * transactions with one and without.
 */
#include "internal.h"

/* STE.S1DSS. Confirmed: Linux arm-smmu-v3.h. 3 is reserved and behaves as 0. */
enum s1dss {
    S1DSS_BYPASS = 1,
    S1DSS_CD_0 = 2,
};

static enum substream refuse(uint8_t *event, uint8_t with)
{
    *event = with;
    return SUBSTREAM_FAULT;
}

enum substream model_substream(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                               bool ssv, uint32_t substream_id, uint32_t *index, uint8_t *event)
{
    bool stage1 = field_in(field_of(ste, STE_CONFIG), CONFIG_STAGE1);
    uint64_t cdmax = model->p.ssidsize ? field_of(ste, STE_S1CDMAX) : 0;
    uint64_t dss = field_of(ste, STE_S1DSS);

    *index = ssv ? substream_id : 0;
    if (ssv) {
        if (!stage1 || !cdmax || substream_id > low_bits((unsigned)cdmax)) {
            return refuse(event, C_BAD_SUBSTREAMID);
        }
        return !substream_id && dss == S1DSS_CD_0 ? refuse(event, F_STREAM_DISABLED) : SUBSTREAM_CD;
    }
    if (!stage1) {
        return SUBSTREAM_BYPASS;
    }
    if (!cdmax || dss == S1DSS_CD_0) {
        return SUBSTREAM_CD;
    }
    return dss == S1DSS_BYPASS ? SUBSTREAM_BYPASS : refuse(event, F_STREAM_DISABLED);
}
