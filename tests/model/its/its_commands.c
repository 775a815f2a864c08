/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue (5.2.1, 5.3): when a command is consumed, the errors that the manual lists with
 * each, and what it does.
 */
#include <stdlib.h>

#include "its_internal.h"

enum { PAGE_4K = 12, ITT_ALIGN = 8, RDBASE_SHIFT = 16 };

/* One command, its fields read. */
struct its_command {
    uint64_t word[COMMAND_WORDS];
    unsigned opcode;
    uint32_t device_id, event_id, intid, icid;
    bool valid;
    /* What it names, as far as there is any. */
    struct its_device *device;
    struct its_event *event;
    struct its_collection *collection;
};

/* A command's error, or null. */
typedef const char *(*its_check)(struct its_model *model, struct its_command *command);
typedef void (*its_effect)(struct its_model *model, struct its_command *command);

/* ------------------------------------------------------------------ what a command names */

static const char *find_device(struct its_model *model, struct its_command *command)
{
    uint64_t entry = 0;

    if (!its_device_entry(model, command->device_id, &entry)) {
        return "DEVICE_OOR: the DeviceID has no entry in the device table";
    }
    command->device = its_device(model, command->device_id);
    if (!command->device || !command->device->mapped) {
        return "UNMAPPED_DEVICE";
    }
    its_look(model, ITS_MODEL_DEVICE_TABLE, entry, command->device->mark, "a device's command");
    if (command->event_id >= power_of_2(command->device->bits)) {
        return "ID_OOR: the EventID lies beyond the ITT";
    }
    command->event = &command->device->event[command->event_id];
    its_look(model, ITS_MODEL_ITT, its_event_entry(model, command->device, command->event_id),
             command->event->mark, "an event's command");
    return NULL;
}

static const char *find_collection(struct its_model *model, struct its_command *command,
                                   uint32_t icid)
{
    uint64_t entry = 0;

    if (!its_collection_entry(model, icid, &entry)) {
        return "COLLECTION_OOR: the ICID has no entry in the collection table";
    }
    command->collection = &model->collection[icid];
    if (entry) {
        its_look(model, ITS_MODEL_COLLECTION_TABLE, entry, command->collection->mark,
                 "a collection's command");
    }
    return NULL;
}

static const char *find_interrupt(struct its_model *model, struct its_command *command)
{
    const char *error = find_device(model, command);

    if (error) {
        return error;
    }
    return command->event->mapped ? NULL : "UNMAPPED_INTERRUPT";
}

static const char *find_target(struct its_model *model, struct its_command *command)
{
    const char *error = find_interrupt(model, command);

    if (error) {
        return error;
    }
    error = find_collection(model, command, command->event->icid);
    return error ? error : command->collection->mapped ? NULL : "UNMAPPED_COLLECTION";
}

/* The redistributor that an RDbase names; false: none. */
static bool target_of(const struct its_model *model, const struct its_command *command,
                      unsigned field, unsigned *redistributor)
{
    uint64_t value = field_of(command->word, field);

    for (unsigned i = 0; i < model->p.redistributors; i++) {
        uint64_t wanted = model->p.physical_targets
                              ? model->p.redistributor[i] / power_of_2(RDBASE_SHIFT)
                              : i;

        if (value == wanted) {
            *redistributor = i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ MAPD, MAPC */

static const char *check_mapd(struct its_model *model, struct its_command *command)
{
    uint64_t entry = 0;

    if (!its_device_entry(model, command->device_id, &entry)) {
        return "DEVICE_OOR: the DeviceID has no entry in the device table";
    }
    if (command->valid && field_of(command->word, COMMAND_ITT_SIZE) + 1 > model->p.event_bits) {
        return "ITTSIZE_OOR";
    }
    command->device = its_device(model, command->device_id);
    return NULL;
}

static void do_mapd(struct its_model *model, struct its_command *command)
{
    struct its_device *device = command->device ? command->device
                                                : its_device_new(model, command->device_id);
    uint64_t entry = 0;

    its_device_entry(model, command->device_id, &entry);
    its_leave(model, ITS_MODEL_DEVICE_TABLE, entry, &device->mark, "MAPD");
    if (device->mapped && command->valid) {
        its_mistake(model, ITS_MODEL_UNPREDICTABLE, "MAPD", "the device has an ITT already",
                    command->device_id);
    }
    free(device->event);
    device->event = NULL;
    device->mapped = false;
    if (!command->valid) {
        return;
    }
    device->bits = (unsigned)field_of(command->word, COMMAND_ITT_SIZE) + 1;
    device->itt = field_of(command->word, COMMAND_ITT_ADDRESS) * power_of_2(ITT_ALIGN);
    its_given(model, "MAPD", device->itt, power_of_2(device->bits) * model->p.itt_entry);
    device->event = calloc(power_of_2(device->bits), sizeof(*device->event));
    if (!device->event) {
        abort();
    }
    device->mapped = true;
    for (uint32_t i = 0; i < power_of_2(device->bits); i++) {
        if (!its_look(model, ITS_MODEL_ITT, its_event_entry(model, device, i), 0, "MAPD")) {
            break;
        }
    }
}

static const char *check_mapc(struct its_model *model, struct its_command *command)
{
    unsigned redistributor = 0;
    const char *error = find_collection(model, command, command->icid);

    if (error) {
        return error;
    }
    return !command->valid || target_of(model, command, COMMAND_RDBASE, &redistributor)
               ? NULL
               : "RDbase names no redistributor";
}

static bool in_use(const struct its_model *model, uint32_t icid)
{
    for (unsigned i = 0; i < model->devices; i++) {
        const struct its_device *device = &model->device[i];

        for (uint32_t event = 0; device->mapped && event < power_of_2(device->bits); event++) {
            if (device->event[event].mapped && device->event[event].icid == icid) {
                return true;
            }
        }
    }
    return false;
}

static void do_mapc(struct its_model *model, struct its_command *command)
{
    struct its_collection *collection = command->collection;
    unsigned redistributor = collection->redistributor;
    uint64_t entry = 0;

    its_collection_entry(model, command->icid, &entry);
    if (entry) {
        its_leave(model, ITS_MODEL_COLLECTION_TABLE, entry, &collection->mark, "MAPC");
    }
    if (command->valid) {
        target_of(model, command, COMMAND_RDBASE, &redistributor);
    }
    if (collection->mapped && (!command->valid || redistributor != collection->redistributor) &&
        in_use(model, command->icid)) {
        its_mistake(model, ITS_MODEL_UNPREDICTABLE, "MAPC",
                    "interrupts are mapped to the collection", command->icid);
    }
    *collection = (struct its_collection){ .mark = collection->mark,
                                           .mapped = command->valid,
                                           .redistributor = redistributor };
}

/* ------------------------------------------------------------------ MAPTI, MAPI, MOVI, DISCARD */

static bool an_lpi(const struct its_model *model, uint32_t intid)
{
    return intid >= ITS_MODEL_FIRST_LPI && intid < power_of_2(model->p.lpi_bits);
}

static const char *check_mapti(struct its_model *model, struct its_command *command)
{
    const char *error = find_device(model, command);

    if (!error) {
        error = find_collection(model, command, command->icid);
    }
    return error                           ? error
           : an_lpi(model, command->intid) ? NULL
                                           : "PHYSICALID_OOR: the INTID is no LPI";
}

static const char *check_mapi(struct its_model *model, struct its_command *command)
{
    command->intid = command->event_id;
    return check_mapti(model, command);
}

/* Another event with this INTID, in another collection: nobody knows where the LPI is pending. */
static bool elsewhere(const struct its_model *model, uint32_t intid, uint32_t icid)
{
    for (unsigned i = 0; i < model->devices; i++) {
        const struct its_device *device = &model->device[i];

        for (uint32_t event = 0; device->mapped && event < power_of_2(device->bits); event++) {
            if (device->event[event].mapped && device->event[event].intid == intid &&
                device->event[event].icid != icid) {
                return true;
            }
        }
    }
    return false;
}

static void leave_event(struct its_model *model, struct its_command *command, const char *name)
{
    its_leave(model, ITS_MODEL_ITT, its_event_entry(model, command->device, command->event_id),
              &command->event->mark, name);
}

static void do_mapti(struct its_model *model, struct its_command *command)
{
    if (command->event->mapped) {
        its_mistake(model, ITS_MODEL_UNPREDICTABLE, "MAPTI", "the event is mapped already",
                    command->event_id);
    }
    if (elsewhere(model, command->intid, command->icid)) {
        its_mistake(model, ITS_MODEL_UNPREDICTABLE, "MAPTI",
                    "the INTID is mapped in another collection", command->intid);
    }
    leave_event(model, command, "MAPTI");
    command->event->mapped = true;
    command->event->intid = command->intid;
    command->event->icid = (uint16_t)command->icid;
}

static const char *check_movi(struct its_model *model, struct its_command *command)
{
    const char *error = find_target(model, command);

    if (!error) {
        error = find_collection(model, command, command->icid);
    }
    return error ? error : command->collection->mapped ? NULL : "UNMAPPED_COLLECTION";
}

static void do_movi(struct its_model *model, struct its_command *command)
{
    unsigned from = model->collection[command->event->icid].redistributor;

    leave_event(model, command, "MOVI");
    command->event->icid = (uint16_t)command->icid;
    its_tell(model, from, WORD_MOVE, command->event->intid, command->collection->redistributor);
}

static void do_discard(struct its_model *model, struct its_command *command)
{
    leave_event(model, command, "DISCARD");
    command->event->mapped = false;
    its_tell(model, command->collection->redistributor, WORD_CLEAR, command->event->intid, 0);
    its_tell(model, command->collection->redistributor, WORD_INVALIDATE, command->event->intid, 0);
}

/* ------------------------------------------------------------------ the others */

static void do_int(struct its_model *model, struct its_command *command)
{
    its_tell(model, command->collection->redistributor, WORD_SET, command->event->intid, 0);
}

static void do_clear(struct its_model *model, struct its_command *command)
{
    its_tell(model, command->collection->redistributor, WORD_CLEAR, command->event->intid, 0);
}

static void do_inv(struct its_model *model, struct its_command *command)
{
    its_tell(model, command->collection->redistributor, WORD_INVALIDATE, command->event->intid, 0);
}

static const char *check_invall(struct its_model *model, struct its_command *command)
{
    const char *error = find_collection(model, command, command->icid);

    return error ? error : command->collection->mapped ? NULL : "UNMAPPED_COLLECTION";
}

static void do_invall(struct its_model *model, struct its_command *command)
{
    its_tell(model, command->collection->redistributor, WORD_INVALIDATE_ALL, 0, 0);
}

static const char *check_sync(struct its_model *model, struct its_command *command)
{
    unsigned redistributor = 0;

    return target_of(model, command, COMMAND_RDBASE, &redistributor)
               ? NULL
               : "RDbase names no redistributor";
}

static void do_sync(struct its_model *model, struct its_command *command)
{
    unsigned redistributor = 0;

    target_of(model, command, COMMAND_RDBASE, &redistributor);
    its_hear_all(model, redistributor);
}

static const char *check_movall(struct its_model *model, struct its_command *command)
{
    unsigned redistributor = 0;

    return target_of(model, command, COMMAND_RDBASE, &redistributor) &&
                   target_of(model, command, COMMAND_RDBASE2, &redistributor)
               ? NULL
               : "RDbase names no redistributor";
}

static void do_movall(struct its_model *model, struct its_command *command)
{
    unsigned from = 0;
    unsigned to = 0;

    target_of(model, command, COMMAND_RDBASE, &from);
    target_of(model, command, COMMAND_RDBASE2, &to);
    its_tell(model, from, WORD_MOVE_ALL, 0, to);
}

static const struct {
    unsigned opcode;
    const char *name;
    its_check check;
    its_effect effect;
} kinds[] = {
    { COMMAND_MOVI, "MOVI", check_movi, do_movi },
    { COMMAND_INT, "INT", find_target, do_int },
    { COMMAND_CLEAR, "CLEAR", find_target, do_clear },
    { COMMAND_SYNC, "SYNC", check_sync, do_sync },
    { COMMAND_MAPD, "MAPD", check_mapd, do_mapd },
    { COMMAND_MAPC, "MAPC", check_mapc, do_mapc },
    { COMMAND_MAPTI, "MAPTI", check_mapti, do_mapti },
    { COMMAND_MAPI, "MAPI", check_mapi, do_mapti },
    { COMMAND_INV, "INV", find_target, do_inv },
    { COMMAND_INVALL, "INVALL", check_invall, do_invall },
    { COMMAND_MOVALL, "MOVALL", check_movall, do_movall },
    { COMMAND_DISCARD, "DISCARD", find_target, do_discard },
};

/* ------------------------------------------------------------------ the queue */

static bool due(const struct its_model *model)
{
    return model->enabled && field_in(model->cbaser, CBASER_VALID) && !model->stalled &&
           !model->broken && model->creadr != model->cwriter;
}

/* The bits that each command leaves reserved are not looked at: an implementation ignores them. */
static struct its_command decode(const uint64_t *word)
{
    struct its_command command = { .opcode = (unsigned)field_of(word, COMMAND_OPCODE),
                                   .device_id = (uint32_t)field_of(word, COMMAND_DEVICE),
                                   .event_id = (uint32_t)field_of(word, COMMAND_EVENT),
                                   .intid = (uint32_t)field_of(word, COMMAND_INTID),
                                   .icid = (uint32_t)field_of(word, COMMAND_ICID),
                                   .valid = field_of(word, COMMAND_VALID) != 0 };

    for (unsigned i = 0; i < COMMAND_WORDS; i++) {
        command.word[i] = word[i];
    }
    return command;
}

static const char *perform(struct its_model *model, struct its_command *command, const char **name)
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (kinds[i].opcode == command->opcode) {
            const char *error = kinds[i].check(model, command);

            *name = kinds[i].name;
            if (!error) {
                kinds[i].effect(model, command);
            }
            return error;
        }
    }
    return "an opcode that is none";
}

/* Consume one command, or stall at it. */
bool its_consume(struct its_model *model)
{
    uint64_t word[COMMAND_WORDS] = { 0 };
    uint64_t address = field_address(&model->cbaser, CBASER_ADDRESS) + model->creadr;
    const char *name = "a command";
    const char *error = NULL;

    if (!due(model)) {
        return false;
    }
    for (unsigned i = 0; i < COMMAND_WORDS && !error; i++) {
        if (!model->environment.read(model->environment.context, ITS_MODEL_COMMAND,
                                     address + i * sizeof(*word), &word[i], sizeof(*word))) {
            its_mistake(model, ITS_MODEL_TABLE, name, "the queue is not memory", address);
            model->broken = true;
            return false;
        }
    }
    struct its_command command = decode(word);

    error = perform(model, &command, &name);
    if (error) {
        bool skips = (model->p.answer == ITS_MODEL_SKIPS) !=
                     (its_choose(model, ITS_MODEL_CHOOSE_ANSWER, 2) != 0);

        its_mistake(model, ITS_MODEL_COMMAND_ERROR, name, error, word[0]);
        model->stalled = !skips;
        if (!skips) {
            return true;
        }
    }
    model->commands[command.opcode]++;
    model->commands[ITS_MODEL_ANY] += command.opcode != ITS_MODEL_ANY;
    model->creadr = (model->creadr + COMMAND_BYTES) %
                    ((field_in(model->cbaser, CBASER_SIZE) + 1) * power_of_2(PAGE_4K));
    return true;
}

void its_consider_commands(struct its_model *model)
{
    while (model->late[ITS_MODEL_LATE_COMMANDS] == 0 && its_consume(model)) {
    }
}
