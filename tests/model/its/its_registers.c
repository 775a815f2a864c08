/* SPDX-License-Identifier: Apache-2.0 */
/* The control frame of the ITS (12.19). */
#include "its_internal.h"

enum {
    IIDR = 0x43B,       /* Arm, as QEMU answers for its GIC */
    PIDR2_GICV3 = 0x3B, /* ArchRev 3, JEDEC, part of Arm's number */
    PAGE_4K = 12,
    QUEUE_ALIGN = 16,
};

static bool quiet(const struct its_model *model)
{
    return !model->enabled && model->busy == 0;
}

/* ------------------------------------------------------------------ values */

static uint64_t typer(const struct its_model *model)
{
    const struct its_model_parameters *p = &model->p;
    uint64_t value = 0;

    field_put(&value, TYPER_PHYSICAL, 1);
    field_put(&value, TYPER_ITT_ENTRY_SIZE, p->itt_entry - 1);
    field_put(&value, TYPER_ID_BITS, p->event_bits - 1);
    field_put(&value, TYPER_DEVBITS, p->device_bits - 1);
    field_put(&value, TYPER_PTA, p->physical_targets);
    field_put(&value, TYPER_HCC, p->held_collections);
    if (p->collection_bits != 16) {
        field_put(&value, TYPER_CIL, 1);
        field_put(&value, TYPER_CIDBITS, p->collection_bits - 1);
    }
    return value;
}

static uint64_t control(struct its_model *model)
{
    uint64_t value = 0;

    field_put(&value, CTLR_ENABLED, model->enabled);
    field_put(&value, CTLR_QUIESCENT, quiet(model));
    if (model->busy != 0 && model->busy != ITS_MODEL_NEVER) {
        model->busy--;
    }
    return value;
}

static uint64_t creadr(struct its_model *model)
{
    uint64_t value = 0;

    if (model->waits != 0 && model->waits != ITS_MODEL_NEVER && --model->waits == 0 &&
        its_consume(model)) {
        model->waits = model->late[ITS_MODEL_LATE_COMMANDS];
    }
    value = model->creadr;
    field_put(&value, CREADR_STALLED, model->stalled);
    return value;
}

static uint64_t value_at(struct its_model *model, uint64_t at)
{
    if (at >= AT_GITS_BASER && at < AT_GITS_BASER + GITS_BASERS * 8) {
        return model->baser[(at - AT_GITS_BASER) / 8];
    }
    switch (at) {
    case AT_GITS_CTLR:
        return control(model) | (uint64_t)IIDR << 32;
    case AT_GITS_TYPER:
        return typer(model);
    case AT_GITS_CBASER:
        return model->cbaser;
    case AT_GITS_CWRITER:
        return model->cwriter;
    case AT_GITS_CREADR:
        return creadr(model);
    case AT_GITS_PIDR2:
        return PIDR2_GICV3;
    default:
        return 0;
    }
}

static bool of_32_bits(uint64_t at)
{
    return at == AT_GITS_CTLR || at >= AT_GITS_PIDR2 - 0x18;
}

static bool wrong_width(struct its_model *model, uint64_t offset, unsigned bytes)
{
    bool wrong = (bytes != 4 && bytes != 8) || offset % bytes != 0 || offset >= ITS_MODEL_FRAMES ||
                 (bytes == 8 && of_32_bits(align_down(offset, 3)));

    if (wrong) {
        its_mistake(model, ITS_MODEL_ACCESS, "a register", "an access of this width or alignment",
                    offset);
    }
    return wrong;
}

uint64_t its_model_read(struct its_model *model, uint64_t offset, unsigned bytes)
{
    if (wrong_width(model, offset, bytes)) {
        return 0;
    }
    uint64_t value = value_at(model, align_down(offset, 3));

    if (bytes == 8) {
        return value;
    }
    return offset % 8 ? value >> 32 : value & UINT32_MAX;
}

/* ------------------------------------------------------------------ writes */

static void write_control(struct its_model *model, uint64_t value)
{
    bool enable = field_in(value, CTLR_ENABLED) != 0;

    if (enable && !model->enabled && model->busy != 0) {
        its_mistake(model, ITS_MODEL_STATE, "GITS_CTLR", "enabled before it was quiescent", value);
        return;
    }
    if (!enable && model->enabled) {
        model->busy = model->late[ITS_MODEL_LATE_QUIESCENT];
    }
    model->enabled = enable;
    its_consider_commands(model);
}

static uint64_t as_shared(const struct its_model *model, uint64_t value)
{
    if (!model->p.shareable) {
        field_put(&value, CBASER_SHAREABILITY, 0); /* the same bits in GITS_BASER */
    }
    return value;
}

static void write_cbaser(struct its_model *model, uint64_t value)
{
    uint64_t base = field_address(&value, CBASER_ADDRESS);

    if (!quiet(model)) {
        its_mistake(model, ITS_MODEL_STATE, "GITS_CBASER", "written while the ITS is not quiescent",
                    value);
        return;
    }
    if (offset_within(base, QUEUE_ALIGN) != 0) {
        its_mistake(model, ITS_MODEL_VALUE, "GITS_CBASER", "the queue is not aligned to 64 KiB",
                    value);
    }
    model->cbaser = 0;
    if (field_in(value, CBASER_VALID)) {
        its_given(model, "GITS_CBASER", base,
                  (field_in(value, CBASER_SIZE) + 1) * power_of_2(PAGE_4K));
    }
    model->cbaser = as_shared(model, value);
    model->creadr = 0;
    model->stalled = false;
    model->broken = false;
}

static void write_cwriter(struct its_model *model, uint64_t value)
{
    uint64_t size = (field_in(model->cbaser, CBASER_SIZE) + 1) * power_of_2(PAGE_4K);

    model->cwriter = field_address(&value, QUEUE_OFFSET);
    model->broken = model->cwriter >= size;
    if (model->broken) {
        its_mistake(model, ITS_MODEL_VALUE, "GITS_CWRITER", "it points beyond the queue", value);
    }
    if (field_in(value, CWRITER_RETRY)) {
        model->stalled = false;
    }
    model->waits = model->late[ITS_MODEL_LATE_COMMANDS];
    its_consider_commands(model);
}

static void given_baser(struct its_model *model, uint64_t value)
{
    unsigned page = 0;

    if (!its_page_bits(model, value, &page)) {
        its_mistake(model, ITS_MODEL_VALUE, "GITS_BASER", "a reserved page size", value);
    }
    if (page < QUEUE_ALIGN && offset_within(field_address(&value, BASER_ADDRESS), page) != 0) {
        its_mistake(model, ITS_MODEL_VALUE, "GITS_BASER", "the table is not aligned to its pages",
                    value);
    }
    its_given(model, "GITS_BASER", its_baser_address(model, value), its_baser_bytes(model, value));
}

/* Type and entry size are fixed, as is what the unit has but one of. */
static void write_baser(struct its_model *model, unsigned index, uint64_t value)
{
    uint64_t old = model->baser[index];
    unsigned page = 0;

    if (field_in(old, BASER_TYPE) == 0) {
        return; /* RES0: a register that is not implemented */
    }
    if (!quiet(model)) {
        its_mistake(model, ITS_MODEL_STATE, "GITS_BASER", "written while the ITS is not quiescent",
                    value);
        return;
    }
    field_put(&value, BASER_TYPE, field_in(old, BASER_TYPE));
    field_put(&value, BASER_ENTRY_SIZE, field_in(old, BASER_ENTRY_SIZE));
    if (index != 0 || !model->p.two_levels) {
        field_put(&value, BASER_INDIRECT, 0);
    }
    its_page_bits(model, value, &page);
    if (model->p.page_bits) {
        field_put(&value, BASER_PAGE_SIZE, (page - PAGE_4K) / 2);
    }
    model->baser[index] = 0;
    if (field_in(value, BASER_VALID)) {
        given_baser(model, value);
    }
    model->baser[index] = as_shared(model, value);
    if (index == 0) {
        its_forget_devices(model);
    } else {
        for (size_t i = model->p.held_collections; i < power_of_2(model->p.collection_bits); i++) {
            model->collection[i] = (struct its_collection){ 0 };
        }
    }
}

static void write_at(struct its_model *model, uint64_t at, uint64_t value)
{
    if (at >= AT_GITS_BASER && at < AT_GITS_BASER + GITS_BASERS * 8) {
        write_baser(model, (unsigned)(at - AT_GITS_BASER) / 8, value);
        return;
    }
    switch (at) {
    case AT_GITS_CTLR:
        write_control(model, value);
        break;
    case AT_GITS_CBASER:
        write_cbaser(model, value);
        break;
    case AT_GITS_CWRITER:
        write_cwriter(model, value);
        break;
    case AT_GITS_TRANSLATER:
        its_mistake(model, ITS_MODEL_ACCESS, "GITS_TRANSLATER", "a CPU writes it", value);
        break;
    default:
        its_mistake(model, ITS_MODEL_ACCESS, "a register", "a write of what is none", at);
        break;
    }
}

/* Half of a 64-bit register takes effect with the other half as it stands. */
void its_model_write(struct its_model *model, uint64_t offset, uint64_t value, unsigned bytes)
{
    uint64_t at = align_down(offset, 3);

    if (wrong_width(model, offset, bytes)) {
        return;
    }
    if (offset == AT_GITS_IIDR) {
        its_mistake(model, ITS_MODEL_ACCESS, "GITS_IIDR", "it is read-only", value);
        return;
    }
    if (bytes == 4) {
        uint64_t old = at == AT_GITS_CBASER    ? model->cbaser
                       : at == AT_GITS_CWRITER ? model->cwriter
                       : at >= AT_GITS_BASER && at < AT_GITS_BASER + GITS_BASERS * 8
                           ? model->baser[(at - AT_GITS_BASER) / 8]
                           : 0;

        if (offset % 8) {
            value = (old & UINT32_MAX) | value << 32;
        } else {
            value = (old & ~(uint64_t)UINT32_MAX) | (value & UINT32_MAX);
        }
    }
    write_at(model, at, value);
}
