/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register pages (6.2, 6.3): map, access sizes, guards, reserved fields, update protocols.
 */
#include <string.h>

#include "internal.h"

#define PAGE_1 0x10000u

/* What keeps a register from being written (6.2: Guarded). */
enum guard {
    FREE,
    READ_ONLY,
    BY_SMMUEN,
    BY_CMDQEN,
    BY_EVENTQEN,
    BY_PRIQEN,
    BY_GERROR_IRQEN,
    BY_EVENTQ_IRQEN,
    BY_PRIQ_IRQEN,
    BY_UPDATE,
};

/*
 * 6.2. Offsets confirmed: QEMU, FreeBSD (which has PROD and CONS of EVENTQ and PRIQ in page 1); GBPA:
 * TF-A; PRIQ: gem5 too.
 */
static const struct description {
    const char *name;
    uint32_t offset;
    unsigned bytes;
    enum guard guard;
} descriptions[REGISTERS] = {
    [IDR0] = { "SMMU_IDR0", 0x00, 4, READ_ONLY },
    [IDR1] = { "SMMU_IDR1", 0x04, 4, READ_ONLY },
    [IDR2] = { "SMMU_IDR2", 0x08, 4, READ_ONLY },
    [IDR3] = { "SMMU_IDR3", 0x0c, 4, READ_ONLY },
    [IDR4] = { "SMMU_IDR4", 0x10, 4, READ_ONLY },
    [IDR5] = { "SMMU_IDR5", 0x14, 4, READ_ONLY },
    [IIDR] = { "SMMU_IIDR", 0x18, 4, READ_ONLY },
    [AIDR] = { "SMMU_AIDR", 0x1c, 4, READ_ONLY },
    [CR0] = { "SMMU_CR0", 0x20, 4, FREE },
    [CR0ACK] = { "SMMU_CR0ACK", 0x24, 4, READ_ONLY },
    [CR1] = { "SMMU_CR1", 0x28, 4, FREE },
    [CR2] = { "SMMU_CR2", 0x2c, 4, BY_SMMUEN },
    [STATUSR] = { "SMMU_STATUSR", 0x40, 4, READ_ONLY },
    [GBPA] = { "SMMU_GBPA", 0x44, 4, BY_UPDATE },
    [IRQ_CTRL] = { "SMMU_IRQ_CTRL", 0x50, 4, FREE },
    [IRQ_CTRLACK] = { "SMMU_IRQ_CTRLACK", 0x54, 4, READ_ONLY },
    [GERROR] = { "SMMU_GERROR", 0x60, 4, READ_ONLY },
    [GERRORN] = { "SMMU_GERRORN", 0x64, 4, FREE },
    [GERROR_IRQ_CFG0] = { "SMMU_GERROR_IRQ_CFG0", 0x68, 8, BY_GERROR_IRQEN },
    [GERROR_IRQ_CFG1] = { "SMMU_GERROR_IRQ_CFG1", 0x70, 4, BY_GERROR_IRQEN },
    [GERROR_IRQ_CFG2] = { "SMMU_GERROR_IRQ_CFG2", 0x74, 4, BY_GERROR_IRQEN },
    [STRTAB_BASE] = { "SMMU_STRTAB_BASE", 0x80, 8, BY_SMMUEN },
    [STRTAB_BASE_CFG] = { "SMMU_STRTAB_BASE_CFG", 0x88, 4, BY_SMMUEN },
    [CMDQ_BASE] = { "SMMU_CMDQ_BASE", 0x90, 8, BY_CMDQEN },
    [CMDQ_PROD] = { "SMMU_CMDQ_PROD", 0x98, 4, FREE },
    [CMDQ_CONS] = { "SMMU_CMDQ_CONS", 0x9c, 4, BY_CMDQEN },
    [EVENTQ_BASE] = { "SMMU_EVENTQ_BASE", 0xa0, 8, BY_EVENTQEN },
    [EVENTQ_IRQ_CFG0] = { "SMMU_EVENTQ_IRQ_CFG0", 0xb0, 8, BY_EVENTQ_IRQEN },
    [EVENTQ_IRQ_CFG1] = { "SMMU_EVENTQ_IRQ_CFG1", 0xb8, 4, BY_EVENTQ_IRQEN },
    [EVENTQ_IRQ_CFG2] = { "SMMU_EVENTQ_IRQ_CFG2", 0xbc, 4, BY_EVENTQ_IRQEN },
    [EVENTQ_PROD] = { "SMMU_EVENTQ_PROD", PAGE_1 + 0xa8, 4, BY_EVENTQEN },
    [EVENTQ_CONS] = { "SMMU_EVENTQ_CONS", PAGE_1 + 0xac, 4, FREE },
    [PRIQ_BASE] = { "SMMU_PRIQ_BASE", 0xc0, 8, BY_PRIQEN },
    [PRIQ_IRQ_CFG0] = { "SMMU_PRIQ_IRQ_CFG0", 0xd0, 8, BY_PRIQ_IRQEN },
    [PRIQ_IRQ_CFG1] = { "SMMU_PRIQ_IRQ_CFG1", 0xd8, 4, BY_PRIQ_IRQEN },
    [PRIQ_IRQ_CFG2] = { "SMMU_PRIQ_IRQ_CFG2", 0xdc, 4, BY_PRIQ_IRQEN },
    [PRIQ_PROD] = { "SMMU_PRIQ_PROD", PAGE_1 + 0xc8, 4, BY_PRIQEN },
    [PRIQ_CONS] = { "SMMU_PRIQ_CONS", PAGE_1 + 0xcc, 4, FREE },
};

/* The register at this offset, also for the upper half of a 64-bit one; REGISTERS if none. */
static enum model_register register_at(uint32_t offset)
{
    unsigned i = 0;

    while (i < REGISTERS && (offset < descriptions[i].offset ||
                             offset - descriptions[i].offset >= descriptions[i].bytes)) {
        i++;
    }
    return (enum model_register)i;
}

/* ------------------------------------------------------------------ state */

/* Whether a function of CR0 is in effect: what CR0ACK says, not what was written. */
bool model_enabled(const struct smmuv3_model *model, unsigned cr0_field)
{
    return field_in(model->reg[CR0ACK], cr0_field);
}

/* A guard stands from the write that raises it to the acknowledge that it is down. */
static bool guarded(const struct smmuv3_model *model, enum guard guard)
{
    uint64_t cr0 = model->reg[CR0] | model->reg[CR0ACK];
    uint64_t irq_ctrl = model->reg[IRQ_CTRL] | model->reg[IRQ_CTRLACK];

    switch (guard) {
    case FREE:
        return false;
    case READ_ONLY:
        return true;
    case BY_SMMUEN:
        return field_in(cr0, CR0_SMMUEN);
    case BY_CMDQEN:
        return field_in(cr0, CR0_CMDQEN);
    case BY_EVENTQEN:
        return field_in(cr0, CR0_EVENTQEN);
    case BY_PRIQEN:
        return field_in(cr0, CR0_PRIQEN);
    case BY_GERROR_IRQEN:
        return field_in(irq_ctrl, IRQ_CTRL_GERROR_IRQEN);
    case BY_EVENTQ_IRQEN:
        return field_in(irq_ctrl, IRQ_CTRL_EVENTQ_IRQEN);
    case BY_PRIQ_IRQEN:
        return field_in(irq_ctrl, IRQ_CTRL_PRIQ_IRQEN);
    case BY_UPDATE:
        return field_in(model->reg[GBPA], GBPA_UPDATE);
    }
    return true;
}

void model_cr0_update(struct smmuv3_model *model)
{
    uint64_t rising = model->reg[CR0] & ~model->reg[CR0ACK];
    uint64_t falling = model->reg[CR0ACK] & ~model->reg[CR0];

    model->reg[CR0ACK] = model->reg[CR0];
    if (!model_enabled(model, CR0_CMDQEN)) {
        model->cmdq_stuck = false;
    }
    if (rising & field_mask(CR0_EVENTQEN)) {
        model->eventq_inconsistent = false;
    }
    if (rising & field_mask(CR0_PRIQEN)) {
        model->priq_inconsistent = false;
    }
    if (field_in(falling, CR0_SMMUEN)) {
        model_stalls_disable(model);
    }
    model_stalls_wake(model);
    model_consider_commands(model);
}

void model_gbpa_update(struct smmuv3_model *model)
{
    model->reg[GBPA] &= ~field_mask(GBPA_UPDATE);
    model->gbpa_effective = model->reg[GBPA];
}

void model_irq_ctrl_update(struct smmuv3_model *model)
{
    model->reg[IRQ_CTRLACK] = model->reg[IRQ_CTRL];
}

/* ------------------------------------------------------------------ writing */

/* A write to CR0 or IRQ_CTRL: fields whose update is under way keep their first new value. */
static void write_acknowledged(struct smmuv3_model *model, enum model_register reg,
                               enum model_register ack, enum smmuv3_model_late late, uint64_t value)
{
    uint64_t transitional = model->reg[reg] ^ model->reg[ack];
    uint64_t changed = model->reg[reg] ^ value;
    uint64_t rising = 0;

    if (transitional & changed) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, descriptions[reg].name,
                    "a field was changed again before its acknowledge", value);
        changed &= ~transitional;
    }
    rising = changed & ~model->reg[reg];
    model->reg[reg] ^= changed;
    if (reg == CR0) {
        model_check_enable(model, rising);
    } else {
        model_check_irq_enable(model, rising);
    }
    if (model->reg[reg] != model->reg[ack]) {
        model_schedule(model, late);
    }
}

/* CR1 has two halves with guards of their own. */
static void write_cr1(struct smmuv3_model *model, uint64_t value)
{
    const uint64_t table = field_mask(CR1_TABLE_SH) | field_mask(CR1_TABLE_OC) |
                           field_mask(CR1_TABLE_IC);
    const uint64_t queue = field_mask(CR1_QUEUE_SH) | field_mask(CR1_QUEUE_OC) |
                           field_mask(CR1_QUEUE_IC);
    uint64_t changed = model->reg[CR1] ^ value;
    uint64_t locked = 0;

    if (guarded(model, BY_SMMUEN)) {
        locked |= table;
    }
    if (guarded(model, BY_CMDQEN) || guarded(model, BY_EVENTQEN) || guarded(model, BY_PRIQEN)) {
        locked |= queue;
    }
    if (changed & locked) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, "SMMU_CR1",
                    "attributes changed while their tables or queues are in use", value);
    }
    model->reg[CR1] ^= changed & ~locked;
}

static void write_gbpa(struct smmuv3_model *model, uint64_t value)
{
    if (!field_in(value, GBPA_UPDATE)) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, "SMMU_GBPA", "written without Update", value);
        return;
    }
    model->reg[GBPA] = value;
    model_schedule(model, SMMUV3_MODEL_LATE_GBPA);
}

static void write_gerrorn(struct smmuv3_model *model, uint64_t value)
{
    uint64_t active = model->reg[GERROR] ^ model->reg[GERRORN];

    if ((value ^ model->reg[GERRORN]) & ~active) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, "SMMU_GERRORN",
                    "acknowledges an error that is not active", value);
    }
    model->reg[GERRORN] = value;
    model_stalls_wake(model);
    model_consider_commands(model);
}

/* PROD only moves on over free entries; back to CONS while a command error is active (7.1). */
static void write_cmdq_prod(struct smmuv3_model *model, uint64_t value)
{
    struct queue queue = model_cmdq(model);
    uint64_t cons = model->reg[CMDQ_CONS];
    uint64_t old = model_queue_used(queue, model->reg[CMDQ_PROD], cons);
    uint64_t new = model_queue_used(queue, value, cons);
    bool free_choice = !guarded(model, BY_CMDQEN);
    bool backwards = new < old && !model_gerror_active(model, GERROR_CMDQ_ERR);

    if (!free_choice && (new > model_queue_size(queue) || backwards)) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_CMDQ_PROD",
                    "moved backwards or past the free entries", value);
        model->cmdq_stuck = true;
    }
    model->reg[CMDQ_PROD] = value;
    model_consider_commands(model);
}

static void write_eventq_cons(struct smmuv3_model *model, uint64_t value)
{
    struct queue queue = model_eventq(model);
    uint64_t used = model_queue_used(queue, model->reg[EVENTQ_PROD], model->reg[EVENTQ_CONS]);

    if (guarded(model, BY_EVENTQEN) &&
        model_queue_distance(queue, model->reg[EVENTQ_CONS], value) > used) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_EVENTQ_CONS",
                    "moved backwards or past PROD", value);
        model->eventq_inconsistent = true;
    }
    model->reg[EVENTQ_CONS] = value;
    model_stalls_wake(model);
}

static void write_priq_cons(struct smmuv3_model *model, uint64_t value)
{
    struct queue queue = model_priq(model);
    uint64_t used = model_queue_used(queue, model->reg[PRIQ_PROD], model->reg[PRIQ_CONS]);

    if (guarded(model, BY_PRIQEN) &&
        model_queue_distance(queue, model->reg[PRIQ_CONS], value) > used) {
        model_error(model, SMMUV3_MODEL_ERROR_VALUE, "SMMU_PRIQ_CONS",
                    "moved backwards or past PROD", value);
        model->priq_inconsistent = true;
    }
    model->reg[PRIQ_CONS] = value;
}

static void write_register(struct smmuv3_model *model, enum model_register reg, uint64_t value)
{
    const struct description *description = &descriptions[reg];

    if (guarded(model, description->guard)) {
        model_error(model, SMMUV3_MODEL_ERROR_STATE, description->name,
                    description->guard == READ_ONLY ? "written, but it is read-only"
                                                    : "written while it is guarded",
                    value);
        return;
    }
    if (value & ~model_writable(model, reg)) {
        model_error(model, SMMUV3_MODEL_ERROR_RESERVED, description->name, "reserved bits are set",
                    value);
        value &= model_writable(model, reg);
    }
    model->written[reg] = true;
    switch (reg) {
    case CR0:
        write_acknowledged(model, CR0, CR0ACK, SMMUV3_MODEL_LATE_CR0ACK, value);
        break;
    case CR1:
        write_cr1(model, value);
        break;
    case GBPA:
        write_gbpa(model, value);
        break;
    case IRQ_CTRL:
        write_acknowledged(model, IRQ_CTRL, IRQ_CTRLACK, SMMUV3_MODEL_LATE_IRQ_CTRLACK, value);
        break;
    case GERRORN:
        write_gerrorn(model, value);
        break;
    case CMDQ_PROD:
        write_cmdq_prod(model, value);
        break;
    case EVENTQ_CONS:
        write_eventq_cons(model, value);
        break;
    case PRIQ_CONS:
        write_priq_cons(model, value);
        break;
    default:
        model->reg[reg] = value;
        break;
    }
}

/* ------------------------------------------------------------------ the bus */

/*
 * The register that an access reaches, REGISTERS if it is RAZ/WI. Reads of undefined locations
 * are harmless; all else that is wrong is a programming error.
 */
static enum model_register reach_register(struct smmuv3_model *model, uint32_t offset,
                                          unsigned bytes, bool write, uint64_t value)
{
    enum model_register reg = register_at(offset);
    bool aliased = reg == REGISTERS && register_at(offset + PAGE_1) != REGISTERS;

    if (offset % bytes) {
        model_error(model, SMMUV3_MODEL_ERROR_SIZE, "register access", "is not aligned", offset);
        return REGISTERS;
    }
    if (aliased) {
        model_error(model, SMMUV3_MODEL_ERROR_RESERVED, "register access",
                    "to the page-0 offset of a page-1 register", offset);
        return REGISTERS;
    }
    if (reg == REGISTERS) {
        if (write && value) {
            model_error(model, SMMUV3_MODEL_ERROR_RESERVED, "register access",
                        "writes to an undefined location", offset);
        }
        return REGISTERS;
    }
    if (bytes > descriptions[reg].bytes) {
        model_error(model, SMMUV3_MODEL_ERROR_SIZE, descriptions[reg].name,
                    "64-bit access to a 32-bit register", offset);
        return REGISTERS;
    }
    return reg;
}

uint32_t smmuv3_model_read32(struct smmuv3_model *model, uint32_t offset)
{
    enum model_register reg = reach_register(model, offset, sizeof(uint32_t), false, 0);

    model_tick(model);
    if (reg == REGISTERS) {
        return 0;
    }
    if (offset != descriptions[reg].offset) {
        return (uint32_t)field_in(model->reg[reg], FIELD(63, 32));
    }
    return (uint32_t)field_in(model->reg[reg], FIELD(31, 0));
}

uint64_t smmuv3_model_read64(struct smmuv3_model *model, uint32_t offset)
{
    enum model_register reg = reach_register(model, offset, sizeof(uint64_t), false, 0);

    model_tick(model);
    return reg == REGISTERS ? 0 : model->reg[reg];
}

void smmuv3_model_write32(struct smmuv3_model *model, uint32_t offset, uint32_t value)
{
    enum model_register reg = reach_register(model, offset, sizeof(value), true, value);
    uint64_t whole = value;

    if (reg == REGISTERS) {
        return;
    }
    if (descriptions[reg].bytes > sizeof(value)) {
        whole = model->reg[reg] & model_writable(model, reg);
        field_put(&whole, offset == descriptions[reg].offset ? FIELD(31, 0) : FIELD(63, 32), value);
    }
    write_register(model, reg, whole);
}

void smmuv3_model_write64(struct smmuv3_model *model, uint32_t offset, uint64_t value)
{
    enum model_register reg = reach_register(model, offset, sizeof(value), true, value);

    if (reg != REGISTERS) {
        write_register(model, reg, value);
    }
}
