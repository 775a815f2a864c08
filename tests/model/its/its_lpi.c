/* SPDX-License-Identifier: Apache-2.0 */
/* Redistributors as far as they keep LPIs (5.1): configuration, pending state, what the ITS tells. */
#include <stdlib.h>

#include "its_internal.h"

enum { SPURIOUS = 1023, NO_LPIS_BELOW = 14, PENDING_ALIGN = 16 };

uint32_t its_lpi_end(const struct its_model *model, const struct its_redistributor *r)
{
    unsigned bits = (unsigned)field_in(r->propbaser, PROPBASER_IDBITS) + 1;

    if (bits < NO_LPIS_BELOW) {
        return ITS_MODEL_FIRST_LPI;
    }
    return (uint32_t)power_of_2(bits < model->p.lpi_bits ? bits : model->p.lpi_bits);
}

static void put_pending(struct its_redistributor *r, uint32_t intid, bool pending)
{
    r->pendings += (unsigned)pending - (unsigned)r->pending[intid];
    r->pending[intid] = pending;
}

/* ------------------------------------------------------------------ configurations */

static void fetch(struct its_model *model, struct its_redistributor *r, uint32_t intid)
{
    uint64_t at = field_address(&r->propbaser, PROPBASER_ADDRESS) + intid - ITS_MODEL_FIRST_LPI;

    if (r->known[intid]) {
        return;
    }
    r->configuration[intid] = 0;
    if (!model->environment.read(model->environment.context, ITS_MODEL_CONFIGURATION, at,
                                 &r->configuration[intid], 1)) {
        its_mistake(model, ITS_MODEL_TABLE, "GICR_PROPBASER", "a configuration is not memory given",
                    at);
    }
    r->known[intid] = true;
}

static bool takes(struct its_model *model, struct its_redistributor *r, uint32_t intid)
{
    if (!r->pending[intid]) {
        return false;
    }
    fetch(model, r, intid);
    return field_in(r->configuration[intid], LPI_ENABLE) != 0;
}

/* The one to be taken first; its end: there is none. */
static uint32_t first(struct its_model *model, struct its_redistributor *r)
{
    uint32_t end = r->enabled ? its_lpi_end(model, r) : ITS_MODEL_FIRST_LPI;
    uint32_t found = end;

    for (uint32_t intid = ITS_MODEL_FIRST_LPI; intid < end; intid++) {
        if (takes(model, r, intid) &&
            (found == end || field_in(r->configuration[intid], LPI_PRIORITY) <
                                 field_in(r->configuration[found], LPI_PRIORITY))) {
            found = intid;
        }
    }
    return found;
}

static bool ready(struct its_model *model, struct its_redistributor *r)
{
    return r->enabled && r->pendings != 0 && first(model, r) != its_lpi_end(model, r);
}

static void signal(struct its_model *model, unsigned redistributor)
{
    struct its_redistributor *r = &model->redistributor[redistributor];
    bool was = r->signalled;

    r->signalled = ready(model, r);
    if (r->signalled && !was && model->environment.interrupt) {
        model->environment.interrupt(model->environment.context, redistributor);
    }
}

/* ------------------------------------------------------------------ what the ITS tells */

void its_tell(struct its_model *model, unsigned redistributor, enum its_word word, uint32_t intid,
              unsigned to)
{
    struct its_redistributor *r = &model->redistributor[redistributor];

    if (r->tellings == r->telling_room) {
        r->telling_room = r->telling_room ? 2 * r->telling_room : 16;
        r->telling = realloc(r->telling, r->telling_room * sizeof(*r->telling));
        if (!r->telling) {
            abort();
        }
    }
    r->telling[r->tellings++] = (struct its_telling){ .word = word, .intid = intid, .to = to };
    if (model->late[ITS_MODEL_LATE_TELLING] == 0) {
        its_hear_all(model, redistributor);
    }
}

static void set_pending(struct its_model *model, unsigned redistributor, uint32_t intid)
{
    struct its_redistributor *r = &model->redistributor[redistributor];

    if (!r->enabled || intid >= its_lpi_end(model, r)) {
        its_mistake(model, ITS_MODEL_STATE, "an LPI",
                    "it is sent to a redistributor that has no such LPI enabled", intid);
        return;
    }
    put_pending(r, intid, true);
    model->delivered++;
}

static void invalidate(struct its_model *model, struct its_redistributor *r, uint32_t intid)
{
    r->known[intid] = false;
    if (model->p.fetches_early && r->enabled && intid < its_lpi_end(model, r)) {
        fetch(model, r, intid);
    }
}

static void invalidate_all(struct its_model *model, struct its_redistributor *r)
{
    for (uint32_t intid = ITS_MODEL_FIRST_LPI; intid < power_of_2(model->p.lpi_bits); intid++) {
        invalidate(model, r, intid);
    }
}

static void move(struct its_model *model, struct its_redistributor *from, unsigned to,
                 uint32_t intid)
{
    if (from->pending[intid] && from != &model->redistributor[to]) {
        put_pending(from, intid, false);
        set_pending(model, to, intid);
    }
}

/* A redistributor hears the oldest of what it was told. */
bool its_hear(struct its_model *model, unsigned redistributor)
{
    struct its_redistributor *r = &model->redistributor[redistributor];

    if (r->tellings == 0) {
        return false;
    }
    struct its_telling heard = r->telling[0];

    r->tellings--;
    for (unsigned i = 0; i < r->tellings; i++) {
        r->telling[i] = r->telling[i + 1];
    }
    switch (heard.word) {
    case WORD_SET:
        set_pending(model, redistributor, heard.intid);
        break;
    case WORD_CLEAR:
        put_pending(r, heard.intid, false);
        break;
    case WORD_INVALIDATE:
        invalidate(model, r, heard.intid);
        break;
    case WORD_INVALIDATE_ALL:
        invalidate_all(model, r);
        break;
    case WORD_MOVE:
        move(model, r, heard.to, heard.intid);
        signal(model, heard.to);
        break;
    case WORD_MOVE_ALL:
        for (uint32_t intid = ITS_MODEL_FIRST_LPI; intid < power_of_2(model->p.lpi_bits); intid++) {
            move(model, r, heard.to, intid);
        }
        signal(model, heard.to);
        break;
    }
    signal(model, redistributor);
    return true;
}

void its_hear_all(struct its_model *model, unsigned redistributor)
{
    while (its_hear(model, redistributor)) {
    }
}

/* ------------------------------------------------------------------ CPUs */

bool its_model_pending(const struct its_model *model, unsigned redistributor, uint32_t intid)
{
    return intid < power_of_2(model->p.lpi_bits) &&
           model->redistributor[redistributor].pending[intid];
}

uint32_t its_model_acknowledge(struct its_model *model, unsigned redistributor)
{
    struct its_redistributor *r = &model->redistributor[redistributor];

    if (!ready(model, r)) {
        return SPURIOUS;
    }
    uint32_t intid = first(model, r);

    put_pending(r, intid, false);
    r->signalled = false;
    signal(model, redistributor);
    return intid;
}

uint64_t its_model_delivered(const struct its_model *model)
{
    return model->delivered;
}

/* ------------------------------------------------------------------ registers */

bool its_model_has(uint64_t offset)
{
    uint64_t at = align_down(offset, 3);

    return offset == AT_GICR_CTLR || at == AT_GICR_TYPER || at == AT_GICR_PROPBASER ||
           at == AT_GICR_PENDBASER;
}

uint64_t its_model_redistributor_read(struct its_model *model, unsigned redistributor,
                                      uint64_t offset, unsigned bytes)
{
    const struct its_redistributor *r = &model->redistributor[redistributor];
    uint64_t value = 0;

    switch (align_down(offset, 3)) {
    case AT_GICR_CTLR:
        field_put(&value, GICR_CTLR_ENABLE_LPIS, r->enabled);
        field_put(&value, GICR_CTLR_CES, model->p.lpis_may_end);
        break;
    case AT_GICR_TYPER:
        field_put(&value, GICR_TYPER_PLPIS, 1);
        field_put(&value, GICR_TYPER_PROCESSOR, redistributor);
        break;
    case AT_GICR_PROPBASER:
        value = r->propbaser;
        break;
    case AT_GICR_PENDBASER:
        value = r->pendbaser;
        field_put(&value, PENDBASER_PTZ, 0); /* write-only */
        break;
    default:
        break;
    }
    if (bytes == 8) {
        return value;
    }
    return offset % 8 ? value >> 32 : value & UINT32_MAX;
}

/* Tables that are the redistributor's from here on. */
static void check_tables(struct its_model *model, const struct its_redistributor *r)
{
    uint64_t table = field_address(&r->propbaser, PROPBASER_ADDRESS);
    uint64_t pending = field_address(&r->pendbaser, PENDBASER_ADDRESS);
    uint32_t end = its_lpi_end(model, r);
    bool shared = false;

    if (end == ITS_MODEL_FIRST_LPI) {
        its_mistake(model, ITS_MODEL_VALUE, "GICR_PROPBASER", "IDbits leave no LPI", r->propbaser);
    }
    for (unsigned i = 0; i < model->p.redistributors; i++) {
        const struct its_redistributor *other = &model->redistributor[i];

        if (other == r || !other->enabled) {
            continue;
        }
        shared = true;
        if (other->propbaser != r->propbaser) {
            its_mistake(model, ITS_MODEL_UNPREDICTABLE, "GICR_PROPBASER",
                        "redistributors have different configuration tables", r->propbaser);
        }
    }
    if (!shared) {
        its_given(model, "GICR_PROPBASER", table, end - ITS_MODEL_FIRST_LPI);
    }
    its_given(model, "GICR_PENDBASER", pending, end / 8);
    for (uint64_t at = 0; at < end / 8; at += 8) {
        if (!its_look(model, ITS_MODEL_PENDING, pending + at, 0, "GICR_PENDBASER")) {
            break;
        }
    }
}

static void write_control(struct its_model *model, unsigned redistributor, uint64_t value)
{
    struct its_redistributor *r = &model->redistributor[redistributor];
    bool enable = field_in(value, GICR_CTLR_ENABLE_LPIS) != 0;

    if (enable == r->enabled) {
        return;
    }
    if (!enable && !model->p.lpis_may_end) {
        its_mistake(model, ITS_MODEL_STATE, "GICR_CTLR", "EnableLPIs cannot be cleared", value);
        return;
    }
    if (enable) {
        check_tables(model, r);
    }
    r->enabled = enable;
    for (uint32_t intid = 0; intid < power_of_2(model->p.lpi_bits); intid++) {
        r->known[intid] = false;
        put_pending(r, intid, false);
    }
    r->signalled = false;
    if (model->p.fetches_early && enable) {
        invalidate_all(model, r);
    }
}

static uint64_t merged(uint64_t old, uint64_t offset, uint64_t value, unsigned bytes)
{
    if (bytes == 8) {
        return value;
    }
    return offset % 8 ? (old & UINT32_MAX) | value << 32
                      : (old & ~(uint64_t)UINT32_MAX) | (value & UINT32_MAX);
}

void its_model_redistributor_write(struct its_model *model, unsigned redistributor, uint64_t offset,
                                   uint64_t value, unsigned bytes)
{
    struct its_redistributor *r = &model->redistributor[redistributor];
    uint64_t at = align_down(offset, 3);

    if (at == AT_GICR_CTLR) {
        write_control(model, redistributor, value);
        return;
    }
    if (r->enabled) {
        its_mistake(model, ITS_MODEL_STATE,
                    at == AT_GICR_PROPBASER ? "GICR_PROPBASER" : "GICR_PENDBASER",
                    "written while LPIs are enabled", value);
        return;
    }
    if (at == AT_GICR_PROPBASER) {
        r->propbaser = merged(r->propbaser, offset, value, bytes);
        if (!model->p.shareable) {
            field_put(&r->propbaser, PROPBASER_SHAREABILITY, 0);
        }
    } else if (at == AT_GICR_PENDBASER) {
        r->pendbaser = merged(r->pendbaser, offset, value, bytes);
        if (offset_within(r->pendbaser, PENDING_ALIGN) & ~low_bits(12)) {
            its_mistake(model, ITS_MODEL_VALUE, "GICR_PENDBASER",
                        "the table is not aligned to 64 KiB", value);
        }
        if (!model->p.shareable) {
            field_put(&r->pendbaser, PENDBASER_SHAREABILITY, 0);
        }
    } else {
        its_mistake(model, ITS_MODEL_ACCESS, "a redistributor", "a write of what is read-only",
                    offset);
    }
}
