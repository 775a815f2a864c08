/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture for stalls, ATS and PRI; see fixture_pcie.h.
 */
#include "fixture_pcie.h"

static void note_response(void *context, const struct smmuv3_model_page_response *response)
{
    struct noted *noted = context;

    noted->responses++;
    noted->response = *response;
}

static void note_invalidation(void *context,
                              const struct smmuv3_model_atc_invalidation *invalidation)
{
    struct noted *noted = context;

    noted->invalidations++;
    noted->invalidation = *invalidation;
    if (noted->answers) {
        smmuv3_model_atc_answer(noted->unit, invalidation->tag);
    }
}

void put_endpoint(struct machine *machine, struct noted *noted)
{
    const struct smmuv3_model_endpoint endpoint = {
        .context = noted,
        .page_response = note_response,
        .invalidate = note_invalidation,
    };

    noted->unit = machine->unit;
    smmuv3_model_attach_endpoint(machine->unit, SID, &endpoint);
}

static struct assigned with(unsigned eats, bool s2s, bool early_retry)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct assigned a;
    uint64_t ste[STE_WORDS];

    p.early_retry = early_retry;
    a = assign(&p, &PLAIN_4K);
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, s2s);
    field_put(ste, STE_EATS, eats);
    put_ste(a.machine, SID, ste);
    return a;
}

struct assigned full(bool s2s)
{
    return with(0, s2s, true);
}

struct assigned full_stalls(void)
{
    return with(0, true, false);
}

struct assigned full_ats(unsigned eats, bool atschk)
{
    struct assigned a = with(eats, false, true);

    if (atschk) {
        smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_WITH_ATSCHK);
    }
    return a;
}

uint64_t bring_up_priq(struct machine *machine, bool last_only)
{
    struct smmuv3_model *unit = machine->unit;
    uint64_t queue = take(machine, PRIQ_ENTRIES * UINT64_C(16) * 2);

    smmuv3_model_write64(unit, AT_PRIQ_BASE, queue | PRIQ_LOG2);
    smmuv3_model_write32(unit, AT_PRIQ_PROD, 0);
    smmuv3_model_write32(unit, AT_PRIQ_CONS, 0);
    smmuv3_model_write64(unit, AT_PRIQ_IRQ_CFG0, 0);
    smmuv3_model_write32(unit, AT_PRIQ_IRQ_CFG2, last_only ? 0x80000000u : 0);
    smmuv3_model_write32(unit, AT_CR0, smmuv3_model_read32(unit, AT_CR0) | 0x2);
    smmuv3_model_write32(unit, AT_IRQ_CTRL, 0x7);
    assert_no_errors(machine);
    return queue;
}

static unsigned choose_one(void *context, enum smmuv3_model_choice what, unsigned of)
{
    const enum smmuv3_model_choice *taken = context;

    return what == *taken && of > 1;
}

void take_choice(struct machine *machine, enum smmuv3_model_choice what)
{
    static enum smmuv3_model_choice taken[SMMUV3_MODEL_CHOICES];

    taken[what] = what;
    smmuv3_model_set_chooser(machine->unit, choose_one, &taken[what]);
}
