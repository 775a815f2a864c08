/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables in memory (5.2): where entries lie, and the marks that stand for their contents, whose
 * format is the implementation's.
 */
#include <stdlib.h>

#include "its_internal.h"

enum { LEVEL1_BYTES = 8, PAGE_4K = 12, PAGE_64K = 16 };

/* The page size that a GITS_BASER names; false: a reserved value. */
bool its_page_bits(const struct its_model *model, uint64_t baser, unsigned *bits)
{
    static const unsigned sizes[] = { PAGE_4K, 14, PAGE_64K, PAGE_64K };
    uint64_t field = field_in(baser, BASER_PAGE_SIZE);

    *bits = model->p.page_bits ? model->p.page_bits : sizes[field];
    return field != 3;
}

uint64_t its_baser_address(const struct its_model *model, uint64_t baser)
{
    unsigned bits = 0;

    its_page_bits(model, baser, &bits);
    if (bits < PAGE_64K) {
        return align_down(field_address(&baser, BASER_ADDRESS), bits);
    }
    return field_address(&baser, BASER_ADDRESS_LOW_64K) |
           field_in(baser, BASER_ADDRESS_HIGH_64K) * power_of_2(48);
}

uint64_t its_baser_bytes(const struct its_model *model, uint64_t baser)
{
    unsigned bits = 0;

    its_page_bits(model, baser, &bits);
    return (field_in(baser, BASER_SIZE) + 1) * power_of_2(bits);
}

/* ------------------------------------------------------------------ overlaps */

static void against(struct its_model *model, const char *subject, uint64_t base, uint64_t size,
                    uint64_t other, uint64_t other_size)
{
    if (base < other + other_size && other < base + size) {
        its_mistake(model, ITS_MODEL_TABLE, subject, "the memory is a table's already", base);
    }
}

static uint64_t queue_base(const struct its_model *model)
{
    return field_address(&model->cbaser, CBASER_ADDRESS);
}

static void against_own(struct its_model *model, const char *subject, uint64_t base, uint64_t size)
{
    if (field_in(model->cbaser, CBASER_VALID)) {
        against(model, subject, base, size, queue_base(model),
                (field_in(model->cbaser, CBASER_SIZE) + 1) * power_of_2(PAGE_4K));
    }
    for (unsigned i = 0; i < GITS_BASERS; i++) {
        if (field_in(model->baser[i], BASER_VALID)) {
            against(model, subject, base, size, its_baser_address(model, model->baser[i]),
                    its_baser_bytes(model, model->baser[i]));
        }
    }
    for (unsigned i = 0; i < model->devices; i++) {
        const struct its_device *device = &model->device[i];

        if (device->mapped) {
            against(model, subject, base, size, device->itt,
                    power_of_2(device->bits) * model->p.itt_entry);
        }
    }
}

void its_given(struct its_model *model, const char *subject, uint64_t base, uint64_t size)
{
    against_own(model, subject, base, size);
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        const struct its_redistributor *r = &model->redistributor[i];

        if (r->enabled) {
            against(model, subject, base, size, field_address(&r->propbaser, PROPBASER_ADDRESS),
                    its_lpi_end(model, r) - ITS_MODEL_FIRST_LPI);
            against(model, subject, base, size, field_address(&r->pendbaser, PENDBASER_ADDRESS),
                    its_lpi_end(model, r) / 8);
        }
    }
}

/* ------------------------------------------------------------------ where entries lie */

bool its_device_entry(struct its_model *model, uint32_t id, uint64_t *address)
{
    uint64_t baser = model->baser[0];
    uint64_t base = its_baser_address(model, baser);
    uint64_t bytes = its_baser_bytes(model, baser);
    unsigned page = 0;
    uint64_t level1 = 0;

    if (!field_in(baser, BASER_VALID) || (uint64_t)id >= power_of_2(model->p.device_bits)) {
        return false;
    }
    if (!field_in(baser, BASER_INDIRECT)) {
        *address = base + (uint64_t)id * model->p.device_entry;
        return ((uint64_t)id + 1) * model->p.device_entry <= bytes;
    }
    its_page_bits(model, baser, &page);
    uint64_t a_page = power_of_2(page) / model->p.device_entry;
    uint64_t slot = id / a_page * LEVEL1_BYTES;

    if (slot >= bytes) {
        return false;
    }
    if (!model->environment.read(model->environment.context, ITS_MODEL_DEVICE_TABLE, base + slot,
                                 &level1, sizeof(level1))) {
        its_mistake(model, ITS_MODEL_TABLE, "a device table", "level 1 is no memory", base + slot);
        return false;
    }
    if (!field_in(level1, LEVEL1_VALID)) {
        return false;
    }
    *address = align_down(field_address(&level1, LEVEL1_ADDRESS), page) +
               id % a_page * model->p.device_entry;
    return true;
}

bool its_collection_entry(const struct its_model *model, uint32_t icid, uint64_t *address)
{
    uint64_t baser = model->baser[1];

    *address = 0;
    if (icid >= power_of_2(model->p.collection_bits)) {
        return false;
    }
    if (icid < model->p.held_collections) {
        return true;
    }
    *address = its_baser_address(model, baser) +
               (uint64_t)(icid - model->p.held_collections) * model->p.collection_entry;
    return field_in(baser, BASER_VALID) &&
           *address + model->p.collection_entry <=
               its_baser_address(model, baser) + its_baser_bytes(model, baser);
}

uint64_t its_event_entry(const struct its_model *model, const struct its_device *device,
                         uint32_t event)
{
    return device->itt + (uint64_t)event * model->p.itt_entry;
}

/* ------------------------------------------------------------------ marks */

bool its_look(struct its_model *model, enum its_model_access_kind kind, uint64_t address,
              uint64_t mark, const char *subject)
{
    uint64_t found = 0;

    if (!model->environment.read(model->environment.context, kind, address, &found,
                                 sizeof(found))) {
        its_mistake(model, ITS_MODEL_TABLE, subject, "an entry is not in memory given", address);
        return false;
    }
    if (found != mark) {
        its_mistake(model, ITS_MODEL_TABLE, subject,
                    mark ? "an entry was stored to by software"
                         : "memory was given that is not zero",
                    address);
    }
    return true;
}

bool its_leave(struct its_model *model, enum its_model_access_kind kind, uint64_t address,
               uint64_t *mark, const char *subject)
{
    if (!its_look(model, kind, address, *mark, subject)) {
        return false;
    }
    model->marks++;
    *mark = model->marks * UINT64_C(0x9E3779B97F4A7C15) | 1; /* spread over all bits */
    return model->environment.write(model->environment.context, kind, address, mark, sizeof(*mark));
}

/* ------------------------------------------------------------------ devices */

struct its_device *its_device(struct its_model *model, uint32_t id)
{
    for (unsigned i = 0; i < model->devices; i++) {
        if (model->device[i].id == id) {
            return &model->device[i];
        }
    }
    return NULL;
}

struct its_device *its_device_new(struct its_model *model, uint32_t id)
{
    if (model->devices == model->device_room) {
        model->device_room = model->device_room ? 2 * model->device_room : 16;
        model->device = realloc(model->device, model->device_room * sizeof(*model->device));
        if (!model->device) {
            abort();
        }
    }
    model->device[model->devices] = (struct its_device){ .id = id };
    return &model->device[model->devices++];
}

/* The device table is another one now. */
void its_forget_devices(struct its_model *model)
{
    for (unsigned i = 0; i < model->devices; i++) {
        free(model->device[i].event);
    }
    model->devices = 0;
}
