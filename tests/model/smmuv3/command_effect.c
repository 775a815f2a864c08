/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands do (4.2 to 4.7). Invalidations wait for the CMD_SYNC that completes them, unless
 * the unit was made to invalidate at once.
 */
#include "internal.h"

static void invalidate(struct smmuv3_model *model, const struct pending_invalidation *invalidation)
{
    model_invalidate_config(model, invalidation);
    model_invalidate_tlb(model, invalidation);
}

/* All that was asked for before a CMD_SYNC has happened when it completes. */
void model_complete_invalidations(struct smmuv3_model *model)
{
    for (unsigned i = 0; i < model->pending_count; i++) {
        invalidate(model, &model->pending[i]);
    }
    model->pending_count = 0;
    model->unsynced = false;
    model->invalidated |= model->asked;
}

/* The whole cache that a command invalidates, 0 if it is narrower. */
static unsigned whole_cache(const struct smmuv3_model *model,
                            const struct smmuv3_model_command *command)
{
    switch (command->opcode) {
    case CMD_CFGI_STE_RANGE:
        return command->range == CFGI_RANGE_ALL ? WHOLE_CONFIG : 0;
    case CMD_TLBI_NSNH_ALL:
        return WHOLE_TLB_NH;
    case CMD_TLBI_NH_ALL:
        return model->p.s2p ? 0 : WHOLE_TLB_NH;
    case CMD_TLBI_EL2_ALL:
        return WHOLE_TLB_EL2;
    default:
        return 0;
    }
}

static void ask_invalidation(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    struct pending_invalidation invalidation = {
        .command = *command,
        .e2h = field_in(model->reg[CR2], CR2_E2H),
        .stamp = model->caches.now++,
    };

    model->unsynced = true;
    model->asked |= whole_cache(model, command);
    if (model->p.invalidation == SMMUV3_MODEL_INVALIDATE_AT_ONCE ||
        model_choose(model, SMMUV3_MODEL_CHOOSE_INVALIDATE, 2)) {
        invalidate(model, &invalidation);
        if (!model->in_flight) {
            return;
        }
        /* What is under way may yet cache what it read before. */
    }
    if (model->pending_count == model->pending_room) {
        model->pending = model_grow(model->pending, &model->pending_room, sizeof(*model->pending));
    }
    model->pending[model->pending_count++] = invalidation;
}

bool smmuv3_model_invalidation_pending(const struct smmuv3_model *model)
{
    return model->unsynced;
}

/* The parameters of range invalidation that make its range UNPREDICTABLE (4.4.1.1). */
static bool range_unpredictable(const struct smmuv3_model_command *command)
{
    unsigned level = command->ttl ? command->ttl : LAST_LEVEL;
    const struct tables shape = { .granule = command->granule };

    return command->granule && offset_within(command->address, model_level_shift(&shape, level));
}

static void prefetch(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    if (model_enabled(model, CR0_SMMUEN)) {
        smmuv3_model_prefetch(model, command->stream_id, command->address);
    }
}

void model_execute(struct smmuv3_model *model, const struct smmuv3_model_command *command)
{
    switch (command->opcode) {
    case CMD_PREFETCH_CONFIG:
    case CMD_PREFETCH_ADDR:
        prefetch(model, command);
        break;
    case CMD_SYNC:
        model_complete_invalidations(model);
        break;
    case CMD_ATC_INV:
        model_atc_inv(model, command);
        break;
    case CMD_PRI_RESP:
        model_pri_resp(model, command);
        break;
    case CMD_RESUME:
        model_resume(model, command);
        break;
    case CMD_STALL_TERM:
        model_stall_term(model, command);
        break;
    default:
        if (range_unpredictable(command)) {
            model_error(model, SMMUV3_MODEL_ERROR_VALUE, command->name,
                        "range is not aligned to its granule or level", command->address);
            break;
        }
        ask_invalidation(model, command);
        break;
    }
}
