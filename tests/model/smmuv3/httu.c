/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardware updates of access flag and dirty state (3.13): the one atomic write that the unit makes
 * to a translation table.
 */
#include "internal.h"

/* An environment without an atomic access of its own gets a read and a write. */
static bool update(struct smmuv3_model *model, uint64_t address, uint64_t expected,
                   uint64_t desired, uint64_t *seen)
{
    if (model->environment.update) {
        return model->environment.update(model->environment.context, SMMUV3_MODEL_UPDATE_TABLE,
                                         address, expected, desired, seen);
    }
    if (!model->environment.read(model->environment.context, SMMUV3_MODEL_UPDATE_TABLE, address,
                                 seen, sizeof(*seen))) {
        return false;
    }
    return *seen != expected ||
           model->environment.write(model->environment.context, SMMUV3_MODEL_UPDATE_TABLE, address,
                                    &desired, sizeof(desired));
}

enum update model_update_descriptor(struct smmuv3_model *model, uint64_t address, uint64_t expected,
                                    uint64_t desired)
{
    uint64_t seen = 0;

    if (model_injected_abort(model, SMMUV3_MODEL_UPDATE_TABLE) ||
        !update(model, address, expected, desired, &seen)) {
        return UPDATE_ABORTED;
    }
    return seen == expected ? UPDATE_DONE : UPDATE_CHANGED;
}
