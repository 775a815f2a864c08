/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global errors (7.5): GERROR toggles when an error becomes active, software answers by toggling
 * GERRORN. And the sending of interrupts (3.18), whose aborted MSIs are global errors.
 */
#include "internal.h"

bool model_gerror_active(const struct smmuv3_model *model, unsigned field)
{
    return field_in(model->reg[GERROR] ^ model->reg[GERRORN], field);
}

void model_gerror_raise(struct smmuv3_model *model, unsigned field)
{
    if (model_gerror_active(model, field)) {
        return;
    }
    model->reg[GERROR] ^= field_mask(field);
    if (field == GERROR_SFM_ERR) {
        model->service_failure = true;
    }
    /* A GERROR interrupt about a lost GERROR MSI would be lost too (7.5.1). */
    if (field != GERROR_MSI_GERROR_ABT_ERR &&
        field_in(model->reg[IRQ_CTRLACK], IRQ_CTRL_GERROR_IRQEN)) {
        model_send_interrupt(model, SMMUV3_MODEL_LINE_GERROR, model->reg[GERROR_IRQ_CFG0],
                             (uint32_t)model->reg[GERROR_IRQ_CFG1], GERROR_MSI_GERROR_ABT_ERR);
    }
}

void smmuv3_model_raise_gerror(struct smmuv3_model *model, unsigned bit)
{
    model_gerror_raise(model, FIELD(bit, bit));
}

/* The wire always, the MSI if the unit has MSIs and an address is configured. */
void model_send_interrupt(struct smmuv3_model *model, enum smmuv3_model_line line,
                          uint64_t msi_address, uint32_t msi_data, unsigned abort_field)
{
    uint64_t address = field_address(&msi_address, IRQ_CFG0_ADDR) & low_bits(model->p.oas);

    if (model->p.msi && msi_address &&
        !model_write(model, SMMUV3_MODEL_WRITE_MSI, address, &msi_data, sizeof(msi_data))) {
        model_gerror_raise(model, abort_field);
    }
    model_interrupt(model, line);
}
