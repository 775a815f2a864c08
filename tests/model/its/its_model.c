/* SPDX-License-Identifier: Apache-2.0 */
/* Life of an instance, its lists, what may happen late, messages of devices. */
#include <stdlib.h>
#include <string.h>

#include "its_internal.h"

struct its_model_parameters its_model_like_qemu(void)
{
    return (struct its_model_parameters){
        .device_bits = 16,
        .event_bits = 16,
        .collection_bits = 16,
        .lpi_bits = 16,
        .itt_entry = 12,
        .device_entry = 8,
        .collection_entry = 8,
        .two_levels = true,
        .shareable = true,
        .lpis_may_end = true,
        .answer = ITS_MODEL_STALLS,
        .redistributors = 2,
    };
}

struct its_model_parameters its_model_like_strict(void)
{
    return (struct its_model_parameters){
        .device_bits = 18,
        .event_bits = 11,
        .collection_bits = 4,
        .lpi_bits = 14,
        .itt_entry = 16,
        .device_entry = 16,
        .collection_entry = 16,
        .held_collections = 8,
        .page_bits = 16,
        .physical_targets = true,
        .fetches_early = true,
        .answer = ITS_MODEL_STALLS,
        .redistributors = 2,
        .redistributor = { 0x080A0000, 0x080C0000 },
    };
}

static void *blank(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory) {
        abort();
    }
    return memory;
}

struct its_model *its_model_create(const struct its_model_parameters *parameters,
                                   const struct its_model_environment *environment)
{
    struct its_model *model = blank(1, sizeof(*model));
    size_t lpis = (size_t)power_of_2(parameters->lpi_bits);

    model->p = *parameters;
    model->environment = *environment;
    model->collection = blank((size_t)power_of_2(parameters->collection_bits),
                              sizeof(*model->collection));
    for (unsigned i = 0; i < parameters->redistributors; i++) {
        model->redistributor[i].pending = blank(lpis, sizeof(bool));
        model->redistributor[i].known = blank(lpis, sizeof(bool));
        model->redistributor[i].configuration = blank(lpis, 1);
    }
    field_put(&model->baser[0], BASER_TYPE, BASER_DEVICES);
    field_put(&model->baser[0], BASER_ENTRY_SIZE, parameters->device_entry - 1);
    if (power_of_2(parameters->collection_bits) > parameters->held_collections) {
        field_put(&model->baser[1], BASER_TYPE, BASER_COLLECTIONS);
        field_put(&model->baser[1], BASER_ENTRY_SIZE, parameters->collection_entry - 1);
    }
    return model;
}

static void *duplicate(const void *memory, size_t count, size_t size)
{
    void *copy = memory ? blank(count ? count : 1, size) : NULL;

    if (memory) {
        memcpy(copy, memory, count * size);
    }
    return copy;
}

struct its_model *its_model_copy(const struct its_model *model)
{
    struct its_model *copy = duplicate(model, 1, sizeof(*model));
    size_t lpis = (size_t)power_of_2(model->p.lpi_bits);

    copy->collection = duplicate(model->collection, (size_t)power_of_2(model->p.collection_bits),
                                 sizeof(*model->collection));
    copy->device = duplicate(model->device, model->device_room, sizeof(*model->device));
    for (unsigned i = 0; i < model->devices; i++) {
        copy->device[i].event = duplicate(model->device[i].event,
                                          (size_t)power_of_2(model->device[i].bits),
                                          sizeof(*model->device[i].event));
    }
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        const struct its_redistributor *from = &model->redistributor[i];
        struct its_redistributor *to = &copy->redistributor[i];

        to->pending = duplicate(from->pending, lpis, sizeof(bool));
        to->known = duplicate(from->known, lpis, sizeof(bool));
        to->configuration = duplicate(from->configuration, lpis, 1);
        to->telling = duplicate(from->telling, from->telling_room, sizeof(*from->telling));
    }
    return copy;
}

void its_model_destroy(struct its_model *model)
{
    if (!model) {
        return;
    }
    its_forget_devices(model);
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        free(model->redistributor[i].pending);
        free(model->redistributor[i].known);
        free(model->redistributor[i].configuration);
        free(model->redistributor[i].telling);
    }
    free(model->device);
    free(model->collection);
    free(model);
}

/* ------------------------------------------------------------------ lists */

static unsigned kind_index(enum its_model_mistake_kind kind)
{
    unsigned index = 0;

    while (power_of_2(index) != (uint64_t)kind) {
        index++;
    }
    return index;
}

void its_mistake(struct its_model *model, enum its_model_mistake_kind kind, const char *subject,
                 const char *text, uint64_t value)
{
    if (model->mistakes < MISTAKES_KEPT) {
        model->mistake[model->mistakes] = (struct its_model_mistake){
            .kind = kind, .subject = subject, .text = text, .value = value
        };
        model->mistakes++;
    }
    model->mistakes_of[kind_index(kind)]++;
}

unsigned its_model_mistakes(const struct its_model *model, unsigned mask)
{
    unsigned count = 0;

    for (unsigned i = 0; i < sizeof(model->mistakes_of) / sizeof(*model->mistakes_of); i++) {
        if (mask & power_of_2(i)) {
            count += model->mistakes_of[i];
        }
    }
    return count;
}

const struct its_model_mistake *its_model_mistake_at(const struct its_model *model, unsigned mask,
                                                     unsigned n)
{
    for (unsigned i = 0; i < model->mistakes; i++) {
        if ((model->mistake[i].kind & mask) != 0 && n-- == 0) {
            return &model->mistake[i];
        }
    }
    return NULL;
}

uint64_t its_model_commands(const struct its_model *model, unsigned opcode)
{
    return opcode < OPCODES ? model->commands[opcode] : 0;
}

unsigned its_model_devices(const struct its_model *model)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->devices; i++) {
        count += model->device[i].mapped;
    }
    return count;
}

bool its_model_mapping(const struct its_model *model, uint32_t device, uint32_t event,
                       uint32_t *intid, unsigned *redistributor)
{
    for (unsigned i = 0; i < model->devices; i++) {
        const struct its_device *found = &model->device[i];

        if (found->id != device || !found->mapped || event >= power_of_2(found->bits) ||
            !found->event[event].mapped || !model->collection[found->event[event].icid].mapped) {
            continue;
        }
        *intid = found->event[event].intid;
        *redistributor = model->collection[found->event[event].icid].redistributor;
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ lateness and freedom */

void its_model_set_chooser(struct its_model *model,
                           unsigned (*choose)(void *context, enum its_model_choice what,
                                              unsigned of),
                           void *context)
{
    model->choose = choose;
    model->choose_context = context;
}

unsigned its_choose(struct its_model *model, enum its_model_choice what, unsigned of)
{
    unsigned chosen = model->choose ? model->choose(model->choose_context, what, of) : 0;

    return chosen < of ? chosen : 0;
}

void its_model_set_late(struct its_model *model, enum its_model_late what, unsigned reads)
{
    model->late[what] = reads;
    if (what == ITS_MODEL_LATE_COMMANDS) {
        model->waits = reads;
        its_consider_commands(model);
    }
    if (what == ITS_MODEL_LATE_TELLING && reads == 0) {
        for (unsigned i = 0; i < model->p.redistributors; i++) {
            its_hear_all(model, i);
        }
    }
}

bool its_model_step(struct its_model *model, enum its_model_late what)
{
    bool was = false;

    switch (what) {
    case ITS_MODEL_LATE_COMMANDS:
        return its_consume(model);
    case ITS_MODEL_LATE_QUIESCENT:
        was = model->busy != 0;
        model->busy = 0;
        return was;
    case ITS_MODEL_LATE_TELLING:
        for (unsigned i = 0; i < model->p.redistributors && !was; i++) {
            was = its_hear(model, i);
        }
        return was;
    case ITS_MODEL_LATES:
        break;
    }
    return false;
}

void its_model_evict(struct its_model *model)
{
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        for (size_t lpi = 0; lpi < power_of_2(model->p.lpi_bits); lpi++) {
            model->redistributor[i].known[lpi] = false;
        }
    }
}

/* ------------------------------------------------------------------ devices */

enum its_model_outcome its_model_message(struct its_model *model, uint32_t device, uint32_t event)
{
    const struct its_device *found = its_device(model, device);

    if (its_choose(model, ITS_MODEL_CHOOSE_EVICT, 2)) {
        its_model_evict(model);
    }
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        while (its_choose(model, ITS_MODEL_CHOOSE_TELLING, 2) && its_hear(model, i)) {
        }
    }
    if (!model->enabled) {
        return ITS_MODEL_DISABLED;
    }
    if (!found || !found->mapped) {
        return ITS_MODEL_NO_DEVICE;
    }
    if (event >= power_of_2(found->bits) || !found->event[event].mapped) {
        return ITS_MODEL_NO_EVENT;
    }
    const struct its_event *entry = &found->event[event];
    const struct its_collection *collection = &model->collection[entry->icid];

    its_look(model, ITS_MODEL_ITT, its_event_entry(model, found, event), entry->mark, "a message");
    if (!collection->mapped) {
        return ITS_MODEL_NO_COLLECTION;
    }
    its_tell(model, collection->redistributor, WORD_SET, entry->intid, 0);
    return ITS_MODEL_TRANSLATED;
}
