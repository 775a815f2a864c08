/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The STE (5.2): which configurations are ILLEGAL, and the stage-2 configuration of a legal one.
 */
#include "internal.h"

/* Encodings. Confirmed: EATS, STRW, S1Fmt, STALL_MODEL, TTENDIAN, HTTU, TTF: FreeBSD; S2PS: QEMU */
enum {
    EATS_FULL = 1,
    EATS_SPLIT = 2,
    STRW_ILLEGAL = FIELD(0, 0), /* 0bx1 */
    SL0_RESERVED = LAST_LEVEL + 1,
};

static bool stage1(const uint64_t ste[STE_WORDS])
{
    return field_in(field_of(ste, STE_CONFIG), CONFIG_STAGE1);
}

static bool stage2(const uint64_t ste[STE_WORDS])
{
    return field_in(field_of(ste, STE_CONFIG), CONFIG_STAGE2);
}

/* log2 of the stage-2 granule; 0 if reserved or not implemented. Encoding: manual only. */
static unsigned granule_of(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    const unsigned granules[] = {
        model->p.gran4k ? 12 : 0,
        model->p.gran64k ? 16 : 0,
        model->p.gran16k ? 14 : 0,
        0,
    };

    return granules[field_of(ste, STE_S2TG)];
}

static unsigned max_of(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Intermediate address size (3.4). */
unsigned model_ias(const struct smmuv3_model *model)
{
    return max_of(field_in(model->p.ttf, TTF_AARCH32) ? 40 : 0,
                  field_in(model->p.ttf, TTF_AARCH64) ? model->p.oas : 0);
}

/* Effective S2PS or IPS: capped to the output size; 52 bits came with SMMUv3.1. */
unsigned model_size_bits(const struct smmuv3_model *model, uint64_t encoded)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 48, 52, 52 };
    unsigned bits = sizes[encoded];

    if (!model->p.aidr && bits > 48) {
        bits = 48;
    }
    return bits < model->p.oas ? bits : model->p.oas;
}

static unsigned output_bits(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    return model_size_bits(model, field_of(ste, STE_S2PS));
}

/*
 * The level that S2SL0 selects (DDI 0487, VTCR_EL2.SL0), SL0_RESERVED if it selects none. Levels
 * confirmed: QEMU hw/arm/smmu-internal.h; what they need of the output size: DDI 0487 only.
 */
static unsigned start_level(const struct smmuv3_model *model, unsigned granule, uint64_t sl0)
{
    const unsigned oas = model->p.oas;
    const unsigned small[] = {
        2,
        1,
        oas >= 44 ? 0 : SL0_RESERVED,
        model->p.stt ? 3 : SL0_RESERVED,
    };
    const unsigned large[] = {
        3,
        2,
        oas >= (granule == 14 ? 42 : 44) ? 1 : SL0_RESERVED,
        SL0_RESERVED,
    };

    return granule == 12 ? small[sl0] : large[sl0];
}

/* S2T0SZ within what the unit supports (STES2T0SZInvalid of 5.2.2). */
static bool t0sz_out_of_range(const struct smmuv3_model *model, unsigned granule, unsigned t0sz)
{
    unsigned largest = 39;
    unsigned smallest = 64 - model_ias(model);

    if (model->p.stt) {
        largest = granule == 16 ? 47 : 48;
    }
    if (model->p.aidr) {
        smallest = max_of(smallest, granule == 16 ? 12 : 16);
    }
    return t0sz < smallest || t0sz > largest;
}

/*
 * The input size must be resolved from the start level on: at least two entries there, at most
 * sixteen concatenated tables.
 */
static bool levels_inconsistent(unsigned granule, unsigned level, unsigned input_bits)
{
    unsigned stride = granule - DESC_LOG2_BYTES;
    unsigned below = granule + stride * (LAST_LEVEL - level);

    return input_bits < below + 1 || input_bits > below + stride + 4;
}

static bool ttb_out_of_range(const struct smmuv3_model *model, unsigned granule,
                             const uint64_t ste[STE_WORDS])
{
    unsigned bits = output_bits(model, ste);

    if (granule < 16 && bits > 48) {
        bits = 48;
    }
    return field_address(ste, STE_S2TTB) > low_bits(bits);
}

/* ------------------------------------------------------------------ the three groups of checks */

static const char *ats_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    uint64_t eats = field_of(ste, STE_EATS);
    bool s2s = field_of(ste, STE_S2S);

    if (!model->p.ats || !(stage1(ste) || stage2(ste))) {
        return NULL;
    }
    if (eats == EATS_SPLIT && (!stage1(ste) || !stage2(ste) || s2s || model->p.ns1ats)) {
        return "split-stage ATS without both stages, or with stalls";
    }
    if (eats == EATS_FULL && stage2(ste) && s2s) {
        return "ATS with stage-2 stalls";
    }
    return NULL;
}

static const char *stage1_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    uint64_t cdmax = field_of(ste, STE_S1CDMAX);
    uint64_t fmt = field_of(ste, STE_S1FMT);
    bool two_level = fmt == S1FMT_2LEVEL_4K || fmt == S1FMT_2LEVEL_64K;
    unsigned limit = stage2(ste) ? model_ias(model) : model->p.oas;

    if (!stage2(ste) && model->p.hyp && field_in(field_of(ste, STE_STRW), STRW_ILLEGAL)) {
        return "reserved STRW";
    }
    if (field_of(ste, STE_S1STALLD) && model->p.stall_model) {
        return "S1STALLD where stalls are not configurable";
    }
    if (model->p.ssidsize && cdmax > model->p.ssidsize) {
        return "S1CDMax exceeds IDR1.SSIDSIZE";
    }
    if (model->p.ssidsize && cdmax && two_level && !model->p.cd2l) {
        return "two-level CD table on a unit without";
    }
    if (field_address(ste, STE_S1CONTEXTPTR) > low_bits(limit)) {
        return "S1ContextPtr out of range";
    }
    return NULL;
}

/* How the walk is shaped, for AArch64 tables. */
static const char *walk_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    unsigned t0sz = (unsigned)field_of(ste, STE_S2T0SZ);
    unsigned granule = granule_of(model, ste);
    unsigned level = SL0_RESERVED;

    if (!granule) {
        return "S2TG is reserved or not supported";
    }
    if (ttb_out_of_range(model, granule, ste)) {
        return "S2TTB out of range";
    }
    if (t0sz_out_of_range(model, granule, t0sz)) {
        return "S2T0SZ out of range";
    }
    level = start_level(model, granule, field_of(ste, STE_S2SL0));
    if (level == SL0_RESERVED) {
        return "S2SL0 is reserved or not supported";
    }
    if (levels_inconsistent(granule, level, 64 - t0sz)) {
        return "S2SL0 inconsistent with S2T0SZ and S2TG";
    }
    return NULL;
}

static const char *stage2_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    bool aarch64 = field_of(ste, STE_S2AA64);
    bool big = field_of(ste, STE_S2ENDI);
    bool access_flags = field_of(ste, STE_S2HA);
    bool dirty_flags = field_of(ste, STE_S2HD);
    const char *why = NULL;

    if (field_of(ste, STE_S2S) ? model->p.stall_model == STALL_TERMINATE_ONLY
                               : model->p.stall_model == STALL_FORCED) {
        return "S2S contradicts IDR0.STALL_MODEL";
    }
    if (!field_in(model->p.ttf, aarch64 ? TTF_AARCH64 : TTF_AARCH32)) {
        return "S2AA64 selects tables that IDR0.TTF lacks";
    }
    if (!aarch64 && field_of(ste, STE_S2FWB)) {
        return "S2FWB with AArch32 tables";
    }
    if ((access_flags || dirty_flags) && (!aarch64 || model->p.httu == HTTU_NONE)) {
        return "S2HA or S2HD without hardware updates";
    }
    if (dirty_flags && model->p.httu == HTTU_ACCESS) {
        return "S2HD with access-flag updates only";
    }
    why = aarch64 ? walk_illegal(model, ste) : NULL;
    if (why) {
        return why;
    }
    if ((model->p.ttendian == TTENDIAN_LITTLE && big) ||
        (model->p.ttendian == TTENDIAN_BIG && !big)) {
        return "S2ENDI contradicts IDR0.TTENDIAN";
    }
    return NULL;
}

/* Why an STE is ILLEGAL (SteIllegal of 5.2.2, the Non-secure part); null if it is legal. */
const char *model_ste_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    const char *why = NULL;
    uint64_t strw = field_of(ste, STE_STRW);
    bool hypervisor_world = model->p.s1p && model->p.hyp && !stage2(ste) && stage1(ste) && strw;

    if (!field_of(ste, STE_V)) {
        return "V is 0";
    }
    if (!field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return NULL;
    }
    if (stage1(ste) && !model->p.s1p) {
        return "stage 1 on a unit without";
    }
    if (stage2(ste) && !model->p.s2p) {
        return "stage 2 on a unit without";
    }
    why = ats_illegal(model, ste);
    if (!why && stage1(ste)) {
        why = stage1_illegal(model, ste);
    }
    if (!why && stage2(ste)) {
        why = stage2_illegal(model, ste);
    }
    if (!why && model->p.s2p && !model->p.vmid16 && (stage1(ste) || stage2(ste)) &&
        !hypervisor_world && field_of(ste, STE_S2VMID) > low_bits(8)) {
        why = "S2VMID exceeds 8 bits";
    }
    return why;
}

/* What a legal STE needs that the model lacks; null if nothing. */
const char *model_ste_not_modelled(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    (void)model;
    if (!stage2(ste)) {
        return NULL;
    }
    if (!field_of(ste, STE_S2AA64)) {
        return "AArch32 tables";
    }
    if (field_of(ste, STE_S2ENDI)) {
        return "big-endian tables";
    }
    return NULL;
}

/* StreamWorld (3.3.3, STE.STRW): what regime stage 1 of this stream belongs to. */
enum tlb_regime model_ste_regime(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    if (stage2(ste) || !model->p.hyp || !field_of(ste, STE_STRW)) {
        return REGIME_NS_EL1_VA;
    }
    return field_in(model->reg[CR2], CR2_E2H) ? REGIME_NS_EL2_E2H : REGIME_NS_EL2;
}

/* The stage-2 configuration of an STE that is legal and modelled. */
struct stage2 model_ste_stage2(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    struct stage2 s2 = {
        .t = {
            .granule = granule_of(model, ste),
            .input_bits = 64 - (unsigned)field_of(ste, STE_S2T0SZ),
            .output_bits = output_bits(model, ste),
        },
        .vmid = (uint16_t)field_of(ste, STE_S2VMID),
        .affd = field_of(ste, STE_S2AFFD),
        .ha = field_of(ste, STE_S2HA),
        .hd = field_of(ste, STE_S2HA) && field_of(ste, STE_S2HD),
        .protected_walk = field_of(ste, STE_S2PTW),
        .fwb = model->p.fwb && field_of(ste, STE_S2FWB),
        .stall = field_of(ste, STE_S2S),
        .record = field_of(ste, STE_S2R),
    };
    unsigned log2_bytes = 0;

    s2.t.start_level = start_level(model, s2.t.granule, field_of(ste, STE_S2SL0));
    /* The table is taken to be aligned to its size; to 64 bytes with 52-bit output. */
    log2_bytes = model_index_bits(&s2.t, s2.t.start_level) + DESC_LOG2_BYTES;
    if (s2.t.output_bits == 52) {
        log2_bytes = max_of(log2_bytes, 6);
    }
    s2.t.ttb = align_down(field_address(ste, STE_S2TTB), log2_bytes);
    return s2;
}

/* S1ContextPtr is taken to be aligned to its table (5.2, S1Fmt); false if it is not. */
static bool context_aligned(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    uint64_t ptr = field_address(ste, STE_S1CONTEXTPTR);

    return model_cd_table(model, ste).base == ptr;
}

/* Mistakes in a fetched STE that the unit would not report: it aligns tables in silence. */
void model_check_ste(struct smmuv3_model *model, const uint64_t ste[STE_WORDS])
{
    if (model_ste_illegal(model, ste) || model_ste_not_modelled(model, ste) ||
        !field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return;
    }
    if (stage2(ste) && model_ste_stage2(model, ste).t.ttb != field_address(ste, STE_S2TTB)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "STE.S2TTB", "is not aligned to its table",
                    field_address(ste, STE_S2TTB));
    }
    if (stage1(ste) && !context_aligned(model, ste)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "STE.S1ContextPtr",
                    "is not aligned to its table", field_address(ste, STE_S1CONTEXTPTR));
    }
}
