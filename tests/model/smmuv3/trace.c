/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace: what the unit consumed, in a ring, and counters per opcode.
 */
#include "internal.h"

void model_trace(struct smmuv3_model *model, struct smmuv3_model_command *command)
{
    command->sequence = model->trace_total++;
    model->trace[command->sequence % model->p.trace_length] = *command;
    if (!command->illegal) {
        model->opcode_count[command->opcode]++;
    }
}

uint64_t smmuv3_model_command_total(const struct smmuv3_model *model)
{
    return model->trace_total;
}

uint64_t smmuv3_model_command_count(const struct smmuv3_model *model, uint8_t opcode)
{
    return model->opcode_count[opcode];
}

const struct smmuv3_model_command *smmuv3_model_command_at(const struct smmuv3_model *model,
                                                           uint64_t sequence)
{
    if (sequence >= model->trace_total || model->trace_total - sequence > model->p.trace_length) {
        return NULL;
    }
    return &model->trace[sequence % model->p.trace_length];
}
