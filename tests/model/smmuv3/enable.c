/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What software must have done before it sets an enable of CR0 (3.11, 6.3.26): bases and indexes
 * written, sizes and alignment in range, caches invalidated. The unit does not refuse; it would
 * use whatever it finds. The list of programming errors says so.
 */
#include "internal.h"

static void need(struct smmuv3_model *model, enum model_register reg, const char *name)
{
    if (!model->written[reg]) {
        model_error(model, SMMUV3_MODEL_ERROR_ORDER, name,
                    "enabled though it was not written since reset", model->reg[reg]);
    }
}

static void check_queue(struct smmuv3_model *model, const char *name, enum model_register base,
                        unsigned limit, struct queue queue, enum model_register prod,
                        enum model_register cons)
{
    if (field_in(model->reg[base], Q_BASE_LOG2SIZE) > limit) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, name, "LOG2SIZE exceeds what IDR1 allows",
                    model->reg[base]);
    }
    if (field_address(&model->reg[base], Q_BASE_ADDR) != queue.base) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, name, "is not aligned to its size",
                    model->reg[base]);
    }
    if (model_queue_used(queue, model->reg[prod], model->reg[cons]) > model_queue_size(queue)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, name, "enabled with inconsistent indexes",
                    model->reg[prod]);
    }
}

static void check_cmdq(struct smmuv3_model *model)
{
    need(model, CR1, "SMMU_CR1");
    need(model, CMDQ_BASE, "SMMU_CMDQ_BASE");
    need(model, CMDQ_PROD, "SMMU_CMDQ_PROD");
    need(model, CMDQ_CONS, "SMMU_CMDQ_CONS");
    check_queue(model, "SMMU_CMDQ_BASE", CMDQ_BASE, model->p.cmdqs, model_cmdq(model), CMDQ_PROD,
                CMDQ_CONS);
}

static void check_eventq(struct smmuv3_model *model)
{
    need(model, CR1, "SMMU_CR1");
    need(model, EVENTQ_BASE, "SMMU_EVENTQ_BASE");
    need(model, EVENTQ_PROD, "SMMU_EVENTQ_PROD");
    need(model, EVENTQ_CONS, "SMMU_EVENTQ_CONS");
    check_queue(model, "SMMU_EVENTQ_BASE", EVENTQ_BASE, model->p.eventqs, model_eventq(model),
                EVENTQ_PROD, EVENTQ_CONS);
    if (field_in(model->reg[EVENTQ_PROD] ^ model->reg[EVENTQ_CONS], EVENTQ_OVERFLOW)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_EVENTQ_CONS",
                    "enabled with an overflow not acknowledged", model->reg[EVENTQ_CONS]);
    }
}

static void check_priq(struct smmuv3_model *model)
{
    need(model, CR1, "SMMU_CR1");
    need(model, PRIQ_BASE, "SMMU_PRIQ_BASE");
    need(model, PRIQ_PROD, "SMMU_PRIQ_PROD");
    need(model, PRIQ_CONS, "SMMU_PRIQ_CONS");
    check_queue(model, "SMMU_PRIQ_BASE", PRIQ_BASE, model->p.priqs, model_priq(model), PRIQ_PROD,
                PRIQ_CONS);
    if (field_in(model->reg[PRIQ_PROD] ^ model->reg[PRIQ_CONS], PRIQ_OVERFLOW)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_PRIQ_CONS",
                    "enabled with an overflow not acknowledged", model->reg[PRIQ_CONS]);
    }
}

static void check_stream_table(struct smmuv3_model *model)
{
    uint64_t cfg = model->reg[STRTAB_BASE_CFG];
    uint64_t split = field_in(cfg, STRTAB_BASE_CFG_SPLIT);
    uint64_t first = model_two_level(model) ? model_l1std_address(model, 0)
                                            : model_linear_ste_address(model, 0);

    if (field_in(cfg, STRTAB_BASE_CFG_LOG2SIZE) > model->p.sidsize) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_STRTAB_BASE_CFG",
                    "LOG2SIZE exceeds IDR1.SIDSIZE", cfg);
    }
    if (field_in(cfg, STRTAB_BASE_CFG_FMT) > 1) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_STRTAB_BASE_CFG", "FMT is reserved",
                    cfg);
    }
    if (model_two_level(model) && model_split(model) != split) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_STRTAB_BASE_CFG", "SPLIT is reserved",
                    cfg);
    }
    if (field_address(&model->reg[STRTAB_BASE], STRTAB_BASE_ADDR) != first) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_STRTAB_BASE",
                    "is not aligned to the table's size", model->reg[STRTAB_BASE]);
    }
}

static void check_translation(struct smmuv3_model *model)
{
    need(model, CR1, "SMMU_CR1");
    need(model, CR2, "SMMU_CR2");
    need(model, STRTAB_BASE, "SMMU_STRTAB_BASE");
    need(model, STRTAB_BASE_CFG, "SMMU_STRTAB_BASE_CFG");
    check_stream_table(model);
    if (!(model->invalidated & WHOLE_CONFIG)) {
        model_error(model, SMMUV3_MODEL_ERROR_ORDER, "SMMU_CR0.SMMUEN",
                    "set before CMD_CFGI_ALL and CMD_SYNC completed", 0);
    }
    if (!(model->invalidated & WHOLE_TLB_NH) ||
        (model->p.hyp && !(model->invalidated & WHOLE_TLB_EL2))) {
        model_error(model, SMMUV3_MODEL_ERROR_ORDER, "SMMU_CR0.SMMUEN",
                    "set before all TLB entries were invalidated", 0);
    }
}

/* Interrupts: with MSIs an address that was never written sends them anywhere (6.3.21). */
void model_check_irq_enable(struct smmuv3_model *model, uint64_t rising)
{
    if (model->p.msi && field_in(rising, IRQ_CTRL_GERROR_IRQEN)) {
        need(model, GERROR_IRQ_CFG0, "SMMU_GERROR_IRQ_CFG0");
    }
    if (model->p.msi && field_in(rising, IRQ_CTRL_EVENTQ_IRQEN)) {
        need(model, EVENTQ_IRQ_CFG0, "SMMU_EVENTQ_IRQ_CFG0");
    }
    if (field_in(rising, IRQ_CTRL_PRIQ_IRQEN)) {
        if (model->p.msi) {
            need(model, PRIQ_IRQ_CFG0, "SMMU_PRIQ_IRQ_CFG0");
        }
        need(model, PRIQ_IRQ_CFG2, "SMMU_PRIQ_IRQ_CFG2");
    }
}

void model_check_enable(struct smmuv3_model *model, uint64_t rising)
{
    if (field_in(rising, CR0_CMDQEN)) {
        check_cmdq(model);
    }
    if (field_in(rising, CR0_EVENTQEN)) {
        check_eventq(model);
    }
    if (field_in(rising, CR0_PRIQEN)) {
        check_priq(model);
    }
    if (field_in(rising, CR0_SMMUEN)) {
        check_translation(model);
    }
}
