/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a transaction (3.3, 3.4, 3.11, 3.12, chapter 15): disabled, stream table, substream,
 * bypass, the stages of translation, and what ends it.
 */
#include "internal.h"

static struct smmuv3_model_result ended(enum smmuv3_model_outcome outcome)
{
    return (struct smmuv3_model_result){ .outcome = outcome };
}

static struct smmuv3_model_result silent_abort(struct fault *fault)
{
    *fault = (struct fault){ .event = 0 };
    return ended(SMMUV3_MODEL_ABORT);
}

static struct smmuv3_model_result not_modelled(const char *what)
{
    struct smmuv3_model_result result = ended(SMMUV3_MODEL_NOT_MODELLED);

    result.not_modelled = what;
    return result;
}

/* Identity up to the end of the output range. */
static struct smmuv3_model_result identity(const struct smmuv3_model *model, uint64_t iova)
{
    return (struct smmuv3_model_result){
        .outcome = SMMUV3_MODEL_OK,
        .address = iova,
        .contiguous = low_bits(model->p.oas) - iova + 1,
        .readable = true,
        .writable = true,
        .executable = true,
    };
}

/*
 * The value of a register that counts now; while a change awaits its acknowledge, either may
 * (6.3.9, 6.3.14).
 */
uint64_t model_in_effect(struct smmuv3_model *model, const struct lookup *lookup, uint64_t old,
                         uint64_t new, unsigned field)
{
    bool changes = field_in(old ^ new, field);

    return changes && !lookup->pure && model_choose(model, SMMUV3_MODEL_CHOOSE_PENDING, 2) ? new
                                                                                           : old;
}

/* SMMUEN == 0: GBPA rules, no event whatever happens. */
static struct smmuv3_model_result disabled(struct smmuv3_model *model, const struct lookup *lookup,
                                           struct fault *fault)
{
    uint64_t iova = lookup->access->iova;
    uint64_t gbpa = model_in_effect(model, lookup, model->gbpa_effective, model->reg[GBPA],
                                    GBPA_ABORT);

    if (field_in(gbpa, GBPA_ABORT) || iova > low_bits(model->p.oas)) {
        return silent_abort(fault);
    }
    return identity(model, iova);
}

/* Terminated; what that means and whether an event is recorded depends on the fault (5.5). */
static struct smmuv3_model_result terminated(const struct smmuv3_model *model,
                                             const struct fault *fault)
{
    bool raz_wi = fault->translation_related && fault->raz_wi;
    struct smmuv3_model_result result = ended(raz_wi ? SMMUV3_MODEL_RAZ_WI : SMMUV3_MODEL_ABORT);

    result.event = fault->event;
    if (fault->event == C_BAD_STREAMID) {
        result.event_suppressed = !field_in(model->reg[CR2], CR2_RECINVSID);
    }
    if (fault->translation_related) {
        result.event_suppressed = !fault->record;
    }
    return result;
}

/* It waits; the caller records the event, whatever R says (5.5). */
static struct smmuv3_model_result stalled(const struct fault *fault)
{
    struct smmuv3_model_result result = ended(SMMUV3_MODEL_STALLED);

    result.event = fault->event;
    return result;
}

static struct smmuv3_model_result bad(const struct smmuv3_model *model, uint8_t event,
                                      struct fault *fault)
{
    *fault = (struct fault){ .event = event, .class_ = CLASS_IN };
    return terminated(model, fault);
}

/* A stage of translation, or a fetch on its behalf, has found a fault. */
static struct smmuv3_model_result faulted(const struct smmuv3_model *model,
                                          const struct fault *fault)
{
    if (fault->translation_related && fault->stall) {
        return stalled(fault);
    }
    return terminated(model, fault);
}

static struct smmuv3_model_result reached(const struct translation *translation)
{
    return (struct smmuv3_model_result){
        .outcome = SMMUV3_MODEL_OK,
        .address = translation->output,
        .ipa = translation->ipa,
        .contiguous = translation->contiguous,
        .readable = translation->readable,
        .writable = translation->writable,
        .executable = translation->executable,
    };
}

/* Stage 2 alone: the input address is the IPA. */
static struct smmuv3_model_result by_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                                            const struct stage2 *s2, struct fault *fault)
{
    const struct smmuv3_model_access *access = lookup->access;
    const struct stage2_request request = {
        .ipa = access->iova,
        .class_ = CLASS_IN,
        .write = access->write,
        .instruction = access->instruction,
        .privileged = access->privileged,
    };
    struct translation translation;
    struct tlb_entry leaf;

    if (!model_walk_stage2(model, lookup, s2, &request, &leaf, fault)) {
        return faulted(model, fault);
    }
    translation = (struct translation){
        .output = leaf.output + (access->iova - leaf.input),
        .ipa = access->iova,
        .contiguous = power_of_2(leaf.log2_size) - (access->iova - leaf.input),
        .readable = model_allows(&leaf.s2, access->privileged, false, false),
        .writable = model_allows(&leaf.s2, access->privileged, true, false),
        .executable = model_allows(&leaf.s2, access->privileged, false, true),
    };
    return reached(&translation);
}

/* Stage 1, over stage 2 if there is one. */
static struct smmuv3_model_result by_stage1(struct smmuv3_model *model, const struct lookup *lookup,
                                            const uint64_t ste[STE_WORDS], uint32_t index,
                                            const struct stage2 *s2, struct fault *fault)
{
    uint64_t cd[CD_WORDS];
    struct translation translation;
    struct stage1 s1;

    if (!model_find_cd(model, lookup, ste, s2, index, cd, fault)) {
        return faulted(model, fault);
    }
    if (model_cd_illegal(model, ste, cd)) {
        return bad(model, C_BAD_CD, fault);
    }
    if (model_cd_not_modelled(model, ste, cd)) {
        return not_modelled(model_cd_not_modelled(model, ste, cd));
    }
    s1 = model_cd_stage1(model, ste, cd);
    if (!model_walk_stage1(model, lookup, &s1, s2, &translation, fault)) {
        return faulted(model, fault);
    }
    return reached(&translation);
}

/* The stream's configuration is found and legal: through the stages that it selects. */
static struct smmuv3_model_result by_configuration(struct smmuv3_model *model,
                                                   const struct lookup *lookup,
                                                   const uint64_t ste[STE_WORDS],
                                                   struct fault *fault)
{
    const struct smmuv3_model_access *access = lookup->access;
    bool through_stage2 = field_in(field_of(ste, STE_CONFIG), CONFIG_STAGE2);
    uint32_t index = 0;
    uint8_t event = 0;
    enum substream substream = model_substream(model, ste, access->ssv, access->substream_id,
                                               &index, &event);
    struct stage2 s2;

    if (substream == SUBSTREAM_FAULT) {
        return bad(model, event, fault);
    }
    if (model_ste_not_modelled(model, ste)) {
        return not_modelled(model_ste_not_modelled(model, ste));
    }
    if (through_stage2) {
        s2 = model_ste_stage2(model, ste);
    }
    if (substream == SUBSTREAM_CD) {
        return by_stage1(model, lookup, ste, index, through_stage2 ? &s2 : NULL, fault);
    }
    /* Stage 1 does not translate: its address size fault is recorded whatever S2R says. */
    if (access->iova > low_bits(through_stage2 ? model_ias(model) : model->p.oas)) {
        return bad(model, F_ADDR_SIZE, fault);
    }
    return through_stage2 ? by_stage2(model, lookup, &s2, fault) : identity(model, access->iova);
}

/* Values of STE.PRIVCFG and INSTCFG that override (5.2). */
enum override {
    OVERRIDE_OFF = 2, /* unprivileged, data */
    OVERRIDE_ON = 3,  /* privileged, instruction */
};

static bool overridden(uint64_t cfg, bool incoming)
{
    return cfg == OVERRIDE_ON || (cfg != OVERRIDE_OFF && incoming);
}

/* The access as the STE presents it to the stages of translation; a write is data. */
static struct smmuv3_model_access effective(const struct smmuv3_model *model,
                                            const struct smmuv3_model_access *access,
                                            const uint64_t ste[STE_WORDS])
{
    struct smmuv3_model_access effective = *access;

    if (model->p.attr_perms_ovr) {
        effective.privileged = overridden(field_of(ste, STE_PRIVCFG), access->privileged);
        effective.instruction = overridden(field_of(ste, STE_INSTCFG), access->instruction);
    }
    effective.instruction = effective.instruction && !access->write;
    return effective;
}

/* What becomes of a transaction; `fault` is what an event would say. Records nothing. */
struct smmuv3_model_result model_transaction(struct smmuv3_model *model,
                                             const struct lookup *lookup, struct fault *fault)
{
    struct smmuv3_model_access access = *lookup->access;
    const struct lookup as_configured = { .access = &access, .pure = lookup->pure };
    struct smmuv3_model_result result;
    uint64_t ste[STE_WORDS];

    if (model->service_failure) {
        return silent_abort(fault);
    }
    if (access.translated) {
        return model_translated(model, lookup, fault);
    }
    if (!field_in(model_in_effect(model, lookup, model->reg[CR0ACK], model->reg[CR0], CR0_SMMUEN),
                  CR0_SMMUEN)) {
        return disabled(model, lookup, fault);
    }
    if (!model_find_ste(model, lookup, ste, fault)) {
        return terminated(model, fault);
    }
    if (model_ste_illegal(model, ste)) {
        return bad(model, C_BAD_STE, fault);
    }
    if (!field_in(field_of(ste, STE_CONFIG), CONFIG_PASS)) {
        return silent_abort(fault);
    }
    access = effective(model, lookup->access, ste);
    result = by_configuration(model, &as_configured, ste, fault);
    fault->privileged = access.privileged;
    fault->instruction = access.instruction;
    return result;
}

/* ------------------------------------------------------------------ for translated transactions */

struct smmuv3_model_result model_abort_with(struct smmuv3_model *model, uint8_t event,
                                            struct fault *fault)
{
    return event ? bad(model, event, fault) : silent_abort(fault);
}

struct smmuv3_model_result model_identity(const struct smmuv3_model *model, uint64_t iova)
{
    return identity(model, iova);
}

/* The stage 2 of a legal STE, for an IPA from a device. */
struct smmuv3_model_result model_stage2_only(struct smmuv3_model *model,
                                             const struct lookup *lookup,
                                             const uint64_t ste[STE_WORDS], struct fault *fault)
{
    const struct smmuv3_model_access access = effective(model, lookup->access, ste);
    const struct lookup as_configured = { .access = &access, .pure = lookup->pure };
    struct stage2 s2;
    struct smmuv3_model_result result;

    if (model_ste_not_modelled(model, ste)) {
        return not_modelled(model_ste_not_modelled(model, ste));
    }
    if (access.iova > low_bits(model_ias(model))) {
        return bad(model, F_ADDR_SIZE, fault);
    }
    s2 = model_ste_stage2(model, ste);
    result = by_stage2(model, &as_configured, &s2, fault);
    fault->privileged = access.privileged;
    fault->instruction = access.instruction;
    return result;
}
