/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue (4.1, 7.1): when a command is consumed, and what stops consumption.
 */
#include "internal.h"

/* Whether the queue runs: enabled, no error outstanding, a command there. */
static bool command_due(const struct smmuv3_model *model)
{
    struct queue queue = model_cmdq(model);
    uint64_t used = model_queue_used(queue, model->reg[CMDQ_PROD], model->reg[CMDQ_CONS]);

    return model_enabled(model, CR0_CMDQEN) && !model_gerror_active(model, GERROR_CMDQ_ERR) &&
           !model->cmdq_stuck && !model->service_failure && used && used <= model_queue_size(queue);
}

/* Whether the next command is a CMD_SYNC; looked at only to choose what it waits for. */
static bool next_is_sync(struct smmuv3_model *model)
{
    uint64_t raw[2] = { 0, 0 };
    uint64_t address = model_queue_entry(model_cmdq(model), model->reg[CMDQ_CONS]);

    return model_read_words(model, SMMUV3_MODEL_AUDIT, true, address, raw, 2) &&
           field_of(raw, CMD_OPCODE) == CMD_SYNC;
}

/* A CMD_SYNC completes when the transactions that use what was invalidated are done (3.21). */
static bool sync_held(struct smmuv3_model *model)
{
    model->held = model->held || model->in_flight;
    return model->in_flight;
}

bool model_command_waits(struct smmuv3_model *model, bool sync)
{
    return command_due(model) && next_is_sync(model) == sync &&
           !(sync && (model_atc_outstanding(model) || sync_held(model)));
}

/*
 * Schedule what is next, until something waits or the queue has run dry. What a command causes
 * outside may come back here; the command is done first.
 */
void model_consider_commands(struct smmuv3_model *model)
{
    while (!model->consuming && command_due(model)) {
        enum smmuv3_model_late what = next_is_sync(model) ? SMMUV3_MODEL_LATE_SYNC
                                                          : SMMUV3_MODEL_LATE_COMMANDS;

        if (what == SMMUV3_MODEL_LATE_SYNC && sync_held(model)) {
            return;
        }
        if (what == SMMUV3_MODEL_LATE_SYNC && model_atc_outstanding(model)) {
            model_schedule(model, SMMUV3_MODEL_LATE_ATC_TIMEOUT);
            return;
        }
        if (model->late[what].reads) {
            model_schedule(model, what);
            return;
        }
        model_consume_one(model);
    }
}

static void stop_with(struct smmuv3_model *model, enum smmuv3_model_cerror error)
{
    field_put(&model->reg[CMDQ_CONS], CMDQ_CONS_ERR, error);
    model_gerror_raise(model, GERROR_CMDQ_ERR);
}

static void signal_sync(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    if (command->cs != SYNC_SIG_IRQ) {
        return;
    }
    if (model->drop_sync_signals) {
        model->drop_sync_signals--;
        return;
    }
    model_send_interrupt(model, SMMUV3_MODEL_LINE_CMD_SYNC, command->msi_address, command->msi_data,
                         GERROR_MSI_CMDQ_ABT_ERR);
}

/* Fetch, check, execute one command and move CONS on. */
void model_consume_one(struct smmuv3_model *model)
{
    struct queue queue = model_cmdq(model);
    uint64_t cons = model->reg[CMDQ_CONS];
    struct smmuv3_model_command command = { 0 };
    uint64_t raw[2] = { 0, 0 };
    const char *fault = NULL;

    if (!command_due(model)) {
        return;
    }
    if (!model_read_words(model, SMMUV3_MODEL_FETCH_COMMAND, false, model_queue_entry(queue, cons),
                          raw, 2)) {
        stop_with(model, SMMUV3_MODEL_CERROR_ABT);
        return;
    }
    model_decode_command(model, raw, &command);
    fault = model_command_fault(model, &command);
    command.illegal = fault != NULL;
    if (!fault && command.opcode == CMD_SYNC && model->fail_next_sync) {
        model->fail_next_sync = false;
        stop_with(model, SMMUV3_MODEL_CERROR_ATC_INV_SYNC);
        return;
    }
    model_trace(model, &command);
    if (fault) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, command.name, fault, command.sequence);
        stop_with(model, SMMUV3_MODEL_CERROR_ILL);
        return;
    }
    model->consuming = true;
    model_execute(model, &command);
    model->consuming = false;
    model->reg[CMDQ_CONS] = model_queue_next(queue, cons) |
                            (model->reg[CMDQ_CONS] & field_mask(CMDQ_CONS_ERR));
    if (command.opcode == CMD_SYNC) {
        signal_sync(model, &command);
    }
}
