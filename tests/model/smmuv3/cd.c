/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CD (5.4): which ones are ILLEGAL (5.4.2), and the stage-1 configuration of a legal one.
 */
#include "internal.h"

/* The two halves have the same fields in different places. */
static const struct half_fields {
    unsigned tsz, tg, epd, tbi, had, ttb;
} halves[2] = {
    { CD_T0SZ, CD_TG0, CD_EPD0, CD_TBI0, CD_HAD0, CD_TTB0 },
    { CD_T1SZ, CD_TG1, CD_EPD1, CD_TBI1, CD_HAD1, CD_TTB1 },
};

/* log2 of the granule, 0 if reserved or not implemented. TG0 and TG1 differ. Confirmed: FreeBSD */
static unsigned granule_of(const struct smmuv3_model *model, const uint64_t cd[CD_WORDS],
                           unsigned which)
{
    const unsigned small = model->p.gran4k ? 12 : 0;
    const unsigned middle = model->p.gran16k ? 14 : 0;
    const unsigned large = model->p.gran64k ? 16 : 0;
    const unsigned granules[2][4] = {
        { small, large, middle, 0 },
        { 0, middle, small, large },
    };

    return granules[which][field_of(cd, halves[which].tg)];
}

/* EL2 without E2H has one half, and no way to switch it off. */
static bool exists(enum tlb_regime regime, unsigned which)
{
    return which == 0 || regime != REGIME_NS_EL2;
}

static bool disabled(enum tlb_regime regime, const uint64_t cd[CD_WORDS], unsigned which)
{
    return !exists(regime, which) || (regime != REGIME_NS_EL2 && field_of(cd, halves[which].epd));
}

/* ------------------------------------------------------------------ legality */

static bool tsz_out_of_range(const struct smmuv3_model *model, unsigned granule, unsigned tsz)
{
    unsigned largest = 39;

    if (model->p.stt) {
        largest = granule == 16 ? 47 : 48;
    }
    return tsz < 16 || tsz > largest; /* IDR5.VAX is 0: 48 bits a half */
}

static const char *half_illegal(const struct smmuv3_model *model, const uint64_t cd[CD_WORDS],
                                unsigned which)
{
    unsigned granule = granule_of(model, cd, which);
    unsigned bits = model_size_bits(model, field_of(cd, CD_IPS));

    if (tsz_out_of_range(model, granule, (unsigned)field_of(cd, halves[which].tsz))) {
        return "TxSZ out of range";
    }
    if (!granule) {
        return "TGx is reserved or not supported";
    }
    if (granule < 16 && bits > 48) {
        bits = 48;
    }
    if (field_of(cd, halves[which].ttb) * power_of_2(4) > low_bits(bits)) {
        return "TTBx out of range";
    }
    return NULL;
}

/* Why the way of ending a faulty transaction is not possible (5.5). */
static const char *fault_model_illegal(const struct smmuv3_model *model,
                                       const uint64_t ste[STE_WORDS], const uint64_t cd[CD_WORDS])
{
    bool stall = field_of(cd, CD_S);

    if (stall && field_of(ste, STE_S1STALLD)) {
        return "S though the STE forbids stalls";
    }
    if (!field_of(cd, CD_A) && model->p.term_model) {
        return "A is 0 where terminated transactions always abort";
    }
    if (stall ? model->p.stall_model == STALL_TERMINATE_ONLY
              : model->p.stall_model == STALL_FORCED) {
        return "S contradicts IDR0.STALL_MODEL";
    }
    return NULL;
}

/* Why the tables are of a kind that cannot be. */
static const char *format_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                                  const uint64_t cd[CD_WORDS], enum tlb_regime regime)
{
    bool aarch64 = field_of(cd, CD_AA64);
    bool big = field_of(cd, CD_ENDI);
    bool walks = !disabled(regime, cd, 0) || !disabled(regime, cd, 1);

    if (walks && ((model->p.ttendian == TTENDIAN_LITTLE && big) ||
                  (model->p.ttendian == TTENDIAN_BIG && !big))) {
        return "ENDI contradicts IDR0.TTENDIAN";
    }
    if (!field_in(model->p.ttf, aarch64 ? TTF_AARCH64 : TTF_AARCH32) ||
        (!aarch64 && regime == REGIME_NS_EL2_E2H)) {
        return "AA64 selects tables that the unit or its StreamWorld lacks";
    }
    if (aarch64 && field_in(field_of(ste, STE_CONFIG), CONFIG_STAGE2) &&
        !field_of(ste, STE_S2AA64)) {
        return "64-bit stage 1 over a 32-bit stage 2";
    }
    if (!aarch64) {
        return NULL;
    }
    if ((field_of(cd, CD_HA) || field_of(cd, CD_HD)) && model->p.httu == HTTU_NONE) {
        return "HA or HD without hardware updates";
    }
    if (field_of(cd, CD_HD) && model->p.httu == HTTU_ACCESS) {
        return "HD with access-flag updates only";
    }
    return NULL;
}

/* Why a CD is ILLEGAL (CdIllegal of 5.4.2, the Non-secure part); null if it is legal. */
const char *model_cd_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                             const uint64_t cd[CD_WORDS])
{
    enum tlb_regime regime = model_ste_regime(model, ste);
    const char *why = NULL;

    if (!field_of(cd, CD_V)) {
        return "V is 0";
    }
    why = fault_model_illegal(model, ste, cd);
    if (!why) {
        why = format_illegal(model, ste, cd, regime);
    }
    if (!why && regime != REGIME_NS_EL2 && !model->p.asid16 &&
        field_of(cd, CD_ASID) > low_bits(8)) {
        why = "ASID exceeds 8 bits";
    }
    for (unsigned which = 0; which < 2 && !why && field_of(cd, CD_AA64); which++) {
        why = disabled(regime, cd, which) ? NULL : half_illegal(model, cd, which);
    }
    return why;
}

/* What a legal CD needs that the model lacks; null if nothing. */
const char *model_cd_not_modelled(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                                  const uint64_t cd[CD_WORDS])
{
    enum tlb_regime regime = model_ste_regime(model, ste);

    if (!field_of(cd, CD_AA64)) {
        return "AArch32 tables";
    }
    if (field_of(cd, CD_ENDI) && !(disabled(regime, cd, 0) && disabled(regime, cd, 1))) {
        return "big-endian tables";
    }
    return NULL;
}

/* ------------------------------------------------------------------ what it configures */

/* The first level of a walk (DDI 0487 D8.2.8): no tables are concatenated at stage 1. */
static unsigned start_level(unsigned granule, unsigned input_bits)
{
    return LAST_LEVEL - (input_bits - 1 - granule) / (granule - DESC_LOG2_BYTES);
}

static struct half half_of(const struct smmuv3_model *model, const uint64_t cd[CD_WORDS],
                           enum tlb_regime regime, unsigned which)
{
    const struct half_fields *fields = &halves[which];
    struct half half = {
        .exists = exists(regime, which),
        .disabled = disabled(regime, cd, which),
        .ignore_top_byte = field_of(cd, fields->tbi),
        .flat = model->p.had && field_of(cd, fields->had),
    };
    unsigned log2_bytes = 0;

    if (half.disabled) {
        return half;
    }
    half.t.granule = granule_of(model, cd, which);
    half.t.input_bits = 64 - (unsigned)field_of(cd, fields->tsz);
    half.t.output_bits = model_size_bits(model, field_of(cd, CD_IPS));
    half.t.start_level = start_level(half.t.granule, half.t.input_bits);
    log2_bytes = model_index_bits(&half.t, half.t.start_level) + DESC_LOG2_BYTES;
    if (half.t.output_bits == 52 && log2_bytes < 6) {
        log2_bytes = 6;
    }
    half.t.ttb = align_down(field_of(cd, fields->ttb) * power_of_2(4), log2_bytes);
    return half;
}

/* The stage-1 configuration of a CD that is legal and modelled. */
struct stage1 model_cd_stage1(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                              const uint64_t cd[CD_WORDS])
{
    enum tlb_regime regime = model_ste_regime(model, ste);
    struct stage1 s1 = {
        .half = { half_of(model, cd, regime, 0), half_of(model, cd, regime, 1) },
        .regime = regime,
        .affd = field_of(cd, CD_AFFD),
        .ha = field_of(cd, CD_HA),
        .hd = field_of(cd, CD_HA) && field_of(cd, CD_HD),
        .wxn = field_of(cd, CD_WXN),
        .pan = field_of(cd, CD_PAN),
        .stall = field_of(cd, CD_S),
        .record = field_of(cd, CD_R),
        .abort = field_of(cd, CD_A),
    };

    if (regime == REGIME_NS_EL1_VA && model->p.s2p) {
        s1.vmid = (uint16_t)field_of(ste, STE_S2VMID);
    }
    if (regime != REGIME_NS_EL2) {
        s1.asid = (uint16_t)field_of(cd, CD_ASID);
        s1.aset = field_of(cd, CD_ASET);
    }
    return s1;
}

/* Mistakes in a fetched CD that the unit would not report. */
void model_check_cd(struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                    const uint64_t cd[CD_WORDS])
{
    static const char *const names[2] = { "CD.TTB0", "CD.TTB1" };
    struct stage1 s1;

    if (model_cd_illegal(model, ste, cd) || model_cd_not_modelled(model, ste, cd)) {
        return;
    }
    s1 = model_cd_stage1(model, ste, cd);
    for (unsigned which = 0; which < 2; which++) {
        uint64_t ttb = field_of(cd, halves[which].ttb) * power_of_2(4);

        if (!s1.half[which].disabled && s1.half[which].t.ttb != ttb) {
            model_error(model, SMMUV3_MODEL_ERROR_VALUE, names[which],
                        "is not aligned to its table", ttb);
        }
    }
    if (field_of(cd, CD_HD) && !field_of(cd, CD_HA)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "CD.HD", "is reserved without HA", cd[0]);
    }
}
