/* SPDX-License-Identifier: Apache-2.0 */
/* PCI Express Base 6.0 chapter 7, as a device does it: see pci_model.h. */
#include "arch/host/pci_model.h"

#include <stdlib.h>
#include <string.h>

enum {
    COMMAND = 0x04,
    STATUS = 0x06,
    HEADER = 0x0E,
    BAR0 = 0x10,
    SECONDARY = 0x19,
    SUBORDINATE = 0x1A,
    CAPABILITIES = 0x34,
    CONTROL = 0x3E,
    MASTER = 0x4,
    SRIOV_CONTROL = 0x08,
    SRIOV_NUMBER = 0x10,
    SRIOV_BAR0 = 0x24,
    SRIOV_ENABLE = 0x1,
    BUS_RESET = 0x40,
};

uint16_t pci_model_get16(const struct pci_model *pci, int index, uint32_t offset)
{
    const uint8_t *byte = &pci->function[index].config[offset];

    return (uint16_t)(byte[0] | byte[1] << 8);
}

uint32_t pci_model_get32(const struct pci_model *pci, int index, uint32_t offset)
{
    return pci_model_get16(pci, index, offset) | (uint32_t)pci_model_get16(pci, index, offset + 2)
                                                     << 16;
}

void pci_model_set16(struct pci_model *pci, int index, uint32_t offset, uint16_t value)
{
    pci->function[index].config[offset] = (uint8_t)value;
    pci->function[index].config[offset + 1] = (uint8_t)(value >> 8);
}

void pci_model_set32(struct pci_model *pci, int index, uint32_t offset, uint32_t value)
{
    pci_model_set16(pci, index, offset, (uint16_t)value);
    pci_model_set16(pci, index, offset + 2, (uint16_t)(value >> 16));
}

static void writable(struct pci_model *pci, int index, uint32_t offset, uint32_t size)
{
    memset(&pci->function[index].writable[offset], 0xFF, size);
}

/* ---- Building --------------------------------------------------------------------------------- */

static int add(struct pci_model *pci, int parent, uint8_t device, uint8_t function)
{
    int index = (int)pci->count++;

    if (pci->count > PCI_MODEL_FUNCTIONS)
        abort();
    pci->function[index] = (struct pci_model_function){ .parent = parent,
                                                        .device = device,
                                                        .function = function };
    pci_model_set16(pci, index, 0x00, 0x1234);
    pci_model_set16(pci, index, 0x02, (uint16_t)(0x1000 + index));
    /* As firmware may leave it: decoding and mastering. */
    pci_model_set16(pci, index, COMMAND, 0x0007);
    pci->function[index].writable[COMMAND] = 0x47;
    pci->function[index].writable[COMMAND + 1] = 0x05;
    writable(pci, index, 0x3C, 1);
    return index;
}

int pci_model_endpoint(struct pci_model *pci, int parent, uint8_t device, uint8_t function)
{
    int index = add(pci, parent, device, function);

    pci_model_set32(pci, index, 0x08, 0x00FF0010);
    return index;
}

int pci_model_bridge(struct pci_model *pci, int parent, uint8_t device, uint8_t function,
                     int express_type)
{
    int index = add(pci, parent, device, function);

    pci->function[index].bridge = true;
    pci_model_set32(pci, index, 0x08, 0x06040000);
    pci->function[index].config[HEADER] = 1;
    writable(pci, index, 0x18, 4);
    writable(pci, index, 0x1C, 2);
    writable(pci, index, 0x20, 0x14);
    writable(pci, index, CONTROL, 2);
    if (express_type >= 0)
        pci_model_express(pci, index, (unsigned int)express_type, false);
    return index;
}

uint32_t pci_model_capability(struct pci_model *pci, int index, uint8_t id, uint32_t size)
{
    struct pci_model_function *f = &pci->function[index];
    uint32_t at = f->last_cap == 0 ? 0x40 : f->last_cap + 0x40;

    if (size > 0x40 || at >= 0x100)
        abort();
    if (f->last_cap == 0)
        f->config[CAPABILITIES] = (uint8_t)at;
    else
        f->config[f->last_cap + 1] = (uint8_t)at;
    f->config[STATUS] |= 0x10;
    f->config[at] = id;
    f->last_cap = at;
    return at;
}

uint32_t pci_model_extended(struct pci_model *pci, int index, uint16_t id, uint32_t size)
{
    struct pci_model_function *f = &pci->function[index];
    uint32_t at = f->last_extended == 0 ? 0x100 : f->last_extended + 0x40;

    if (size > 0x40)
        abort();
    if (f->last_extended != 0)
        pci_model_set16(pci, index, f->last_extended + 2, (uint16_t)(at << 4 | 1));
    pci_model_set32(pci, index, at, id | UINT32_C(1) << 16);
    f->last_extended = at;
    return at;
}

void pci_model_bar(struct pci_model *pci, int index, unsigned int bar, uint64_t size, bool wide)
{
    struct pci_model_function *f = &pci->function[index];

    f->bar_size[bar] = size;
    f->bar_kind[bar] = wide ? 0x4 : 0x0;
    pci_model_set32(pci, index, BAR0 + 4 * bar, f->bar_kind[bar]);
    if (wide) {
        f->bar_size[bar + 1] = size;
        f->bar_kind[bar + 1] = UINT32_MAX; /* the upper half */
    }
}

void pci_model_io_bar(struct pci_model *pci, int index, unsigned int bar, uint32_t size)
{
    pci_model_bar(pci, index, bar, size, false);
    pci->function[index].bar_kind[bar] = 0x1;
    pci_model_set32(pci, index, BAR0 + 4 * bar, 0x1);
}

void pci_model_express(struct pci_model *pci, int index, unsigned int type, bool reset)
{
    uint32_t at = pci_model_capability(pci, index, 0x10, 0x3C);

    pci->function[index].cap_express = at;
    pci_model_set16(pci, index, at + 2, (uint16_t)(type << 4 | 2));
    pci_model_set32(pci, index, at + 4, reset ? UINT32_C(1) << 28 : 0);
    writable(pci, index, at + 8, 2);
}

void pci_model_advanced(struct pci_model *pci, int index)
{
    uint32_t at = pci_model_capability(pci, index, 0x13, 6);

    pci->function[index].cap_advanced = at;
    pci->function[index].config[at + 3] = 0x03;
    writable(pci, index, at + 4, 1);
}

void pci_model_power(struct pci_model *pci, int index, bool soft_reset)
{
    uint32_t at = pci_model_capability(pci, index, 0x01, 8);

    pci->function[index].cap_power = at;
    pci->function[index].config[at + 4] = soft_reset ? 0 : 0x08;
    pci->function[index].writable[at + 4] = 0x03;
}

void pci_model_acs(struct pci_model *pci, int index, uint16_t bits)
{
    uint32_t at = pci_model_extended(pci, index, 0x0D, 8);

    pci->function[index].cap_acs = at;
    pci_model_set16(pci, index, at + 4, bits);
    pci->function[index].writable[at + 6] = (uint8_t)bits;
}

void pci_model_multifunction(struct pci_model *pci, int index)
{
    pci->function[index].config[HEADER] |= 0x80;
}

int pci_model_virtual(struct pci_model *pci, int index, uint16_t total, uint16_t offset,
                      uint16_t stride)
{
    struct pci_model_function *f = &pci->function[index];
    int first = (int)pci->count;
    uint32_t at = pci_model_extended(pci, index, 0x10, 0x40);

    f->cap_sriov = at;
    writable(pci, index, at + SRIOV_CONTROL, 1);
    writable(pci, index, at + SRIOV_NUMBER, 2);
    pci_model_set32(pci, index, at + 0x0C, (uint32_t)total << 16 | total);
    pci_model_set32(pci, index, at + 0x14, (uint32_t)stride << 16 | offset);
    pci_model_set32(pci, index, at + 0x18, UINT32_C(0xBEEF) << 16);
    pci_model_set32(pci, index, at + 0x1C, 0x553);
    writable(pci, index, at + 0x20, 4);
    for (uint16_t n = 1; n <= total; n++) {
        int one = add(pci, f->parent, 0, 0);
        struct pci_model_function *v = &pci->function[one];

        /* No ids, no BARs, of COMMAND the mastering alone. */
        memset(v->config, 0, sizeof(v->config));
        memset(v->writable, 0, sizeof(v->writable));
        pci_model_set32(pci, one, 0x00, UINT32_MAX);
        pci_model_set32(pci, one, 0x08, pci_model_get32(pci, index, 0x08));
        v->writable[COMMAND] = MASTER;
        v->physical = index;
        v->number = n;
        pci_model_express(pci, one, 0, true);
    }
    return first;
}

void pci_model_virtual_bar(struct pci_model *pci, int index, unsigned int bar, uint64_t size,
                           bool wide)
{
    struct pci_model_function *f = &pci->function[index];

    f->virtual_size[bar] = size;
    f->virtual_kind[bar] = wide ? 0x4 : 0x0;
    pci_model_set32(pci, index, f->cap_sriov + SRIOV_BAR0 + 4 * bar, f->virtual_kind[bar]);
    if (wide) {
        f->virtual_size[bar + 1] = size;
        f->virtual_kind[bar + 1] = UINT32_MAX;
    }
}

bool pci_model_is_enabled(const struct pci_model *pci, int index)
{
    const struct pci_model_function *v = &pci->function[index];
    const struct pci_model_function *f = &pci->function[v->physical];

    return !f->gone &&
           (pci_model_get16(pci, v->physical, f->cap_sriov + SRIOV_CONTROL) & SRIOV_ENABLE) != 0 &&
           v->number <= pci_model_get16(pci, v->physical, f->cap_sriov + SRIOV_NUMBER);
}

/* ---- Routing ---------------------------------------------------------------------------------- */

static bool in_bus_reset(const struct pci_model *pci, int index)
{
    for (int up = pci->function[index].parent; up != PCI_MODEL_ROOT;
         up = pci->function[up].parent) {
        if ((pci_model_get16(pci, up, CONTROL) & BUS_RESET) != 0)
            return true;
    }
    return false;
}

/* The bus that the bridges' numbers give to a function now; -1: no cycle gets there. */
static int bus_of(const struct pci_model *pci, int index)
{
    int parent = pci->function[index].parent;
    int bus = pci->bus_first + pci->function[index].root;

    if (parent != PCI_MODEL_ROOT)
        bus = pci->function[parent].config[SECONDARY];
    for (int up = parent; up != PCI_MODEL_ROOT; up = pci->function[up].parent) {
        const uint8_t *config = pci->function[up].config;

        if (config[SECONDARY] == 0 || bus < config[SECONDARY] || bus > config[SUBORDINATE])
            return -1;
    }
    return bus;
}

/* Bus, device and function that it answers to now; -1: to none. */
static int rid_of(const struct pci_model *pci, int index)
{
    const struct pci_model_function *f = &pci->function[index];
    int bus = bus_of(pci, index);

    if (f->number != 0) {
        uint32_t at = pci->function[f->physical].cap_sriov;
        int physical = rid_of(pci, f->physical);

        return physical < 0 || !pci_model_is_enabled(pci, index)
                   ? -1
                   : physical + pci_model_get16(pci, f->physical, at + 0x14) +
                         ((int)f->number - 1) * pci_model_get16(pci, f->physical, at + 0x16);
    }
    return bus < 0 ? -1 : bus << 8 | f->device << 3 | f->function;
}

static struct pci_model_function *find(struct pci_model *pci, uint64_t offset, int *index)
{
    int rid = (int)(offset >> 12) + (pci->bus_first << 8);

    for (int i = 0; i < (int)pci->count; i++) {
        struct pci_model_function *f = &pci->function[i];

        if (!f->gone && rid_of(pci, i) == rid && !in_bus_reset(pci, i)) {
            *index = i;
            return f;
        }
    }
    return NULL;
}

bool pci_model_requester(const struct pci_model *pci, int index, uint32_t *requester)
{
    const struct pci_model_function *f = &pci->function[index];
    int rid = rid_of(pci, index);

    if (rid < 0 || in_bus_reset(pci, index) || (pci_model_get16(pci, index, COMMAND) & MASTER) == 0)
        return false;
    *requester = (uint32_t)rid;
    for (int up = f->parent; up != PCI_MODEL_ROOT; up = pci->function[up].parent) {
        const struct pci_model_function *bridge = &pci->function[up];

        if ((pci_model_get16(pci, up, COMMAND) & MASTER) == 0)
            return false;
        /* A bridge to conventional PCI takes ownership: bus number below it, device 0, function 0. */
        if (bridge->cap_express != 0 && bridge->config[bridge->cap_express + 2] >> 4 == 7)
            *requester = (uint32_t)bridge->config[SECONDARY] << 8;
        else if (bridge->cap_express == 0)
            *requester = (uint32_t)bus_of(pci, up) << 8 | (uint32_t)bridge->device << 3 |
                         bridge->function;
    }
    return true;
}

/* ---- Registers -------------------------------------------------------------------------------- */

static void reset(struct pci_model *pci, int index)
{
    struct pci_model_function *f = &pci->function[index];

    f->mastering_at_reset += (pci_model_get16(pci, index, COMMAND) & MASTER) != 0;
    pci_model_set16(pci, index, COMMAND, 0);
    for (unsigned int bar = 0; bar < 6 && !f->bridge; bar++)
        pci_model_set32(pci, index, BAR0 + 4 * bar,
                        f->bar_kind[bar] == UINT32_MAX ? 0 : f->bar_kind[bar]);
    if (f->bridge)
        pci_model_set32(pci, index, 0x18, 0);
    if (f->cap_acs != 0)
        pci_model_set16(pci, index, f->cap_acs + 6, 0);
    if (f->cap_sriov != 0)
        pci_model_set16(pci, index, f->cap_sriov + SRIOV_CONTROL, 0);
    f->silent_reads = pci->reset_reads;
}

void pci_model_pull(struct pci_model *pci, int index)
{
    pci->function[index].gone = true;
}

void pci_model_insert(struct pci_model *pci, int index)
{
    pci->function[index].gone = false;
    reset(pci, index);
    pci->function[index].mastering_at_reset = 0; /* nobody asked for this one */
    pci->function[index].silent_reads = 0;
}

static void reset_below(struct pci_model *pci, int bridge)
{
    for (int i = 0; i < (int)pci->count; i++) {
        for (int up = pci->function[i].parent; up != PCI_MODEL_ROOT;
             up = pci->function[up].parent) {
            if (up == bridge) {
                pci->function[i].bus_resets++;
                reset(pci, i);
            }
        }
    }
}

uint64_t pci_model_read(void *context, uint64_t offset, unsigned int bytes)
{
    struct pci_model *pci = context;
    int index = 0;
    struct pci_model_function *f = find(pci, offset, &index);

    if (bytes != 4)
        abort();
    if (f == NULL)
        return UINT32_MAX;
    if (f->silent_reads != 0) {
        f->silent_reads -= f->silent_reads != PCI_MODEL_NEVER;
        return UINT32_MAX;
    }
    return pci_model_get32(pci, index, offset & 0xFFC);
}

static void write_bar(struct pci_model *pci, int index, uint32_t at, uint64_t size, uint32_t kind,
                      uint32_t value)
{
    uint64_t mask = ~(size - 1);

    if (size == 0)
        return;
    if (kind == UINT32_MAX)
        pci_model_set32(pci, index, at, value & (uint32_t)(mask >> 32));
    else
        pci_model_set32(pci, index, at, (value & (uint32_t)mask) | kind);
}

/* What a write does beyond being stored. */
static void side_effects(struct pci_model *pci, int index, uint32_t offset, uint32_t before)
{
    struct pci_model_function *f = &pci->function[index];
    uint32_t after = pci_model_get32(pci, index, offset);

    if (f->cap_express != 0 && offset == f->cap_express + 8 && (after & 0x8000) != 0) {
        pci_model_set32(pci, index, offset, after & ~0x8000u);
        if ((pci_model_get32(pci, index, f->cap_express + 4) & UINT32_C(1) << 28) != 0) {
            f->function_resets++;
            reset(pci, index);
        }
    }
    if (f->cap_advanced != 0 && offset == f->cap_advanced + 4 && (after & 1) != 0) {
        f->config[offset] = 0;
        f->function_resets++;
        reset(pci, index);
    }
    if (f->cap_power != 0 && offset == f->cap_power + 4 && (before & 3) == 3 && (after & 3) == 0 &&
        (after & 8) == 0) {
        f->power_resets++;
        reset(pci, index);
    }
    if (f->bridge && offset == 0x3C && (after & ~before & BUS_RESET << 16) != 0)
        reset_below(pci, index);
}

void pci_model_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    struct pci_model *pci = context;
    int index = 0;
    struct pci_model_function *f = find(pci, offset, &index);
    uint32_t at = offset & 0xFFC;

    if (bytes != 4)
        abort();
    if (f == NULL || f->silent_reads != 0) {
        pci->lost_writes++;
        return;
    }
    if (pci->write_count < PCI_MODEL_WRITES)
        pci->write[pci->write_count++] = (struct pci_model_write){ .function = (unsigned int)index,
                                                                   .offset = at,
                                                                   .value = (uint32_t)value };
    if (at >= BAR0 && at < BAR0 + (f->bridge ? 8 : 24)) {
        unsigned int bar = (at - BAR0) / 4;

        write_bar(pci, index, at, f->bar_size[bar], f->bar_kind[bar], (uint32_t)value);
        return;
    }
    if (f->cap_sriov != 0 && at - f->cap_sriov - SRIOV_BAR0 < 24) {
        unsigned int bar = (at - f->cap_sriov - SRIOV_BAR0) / 4;

        write_bar(pci, index, at, f->virtual_size[bar], f->virtual_kind[bar], (uint32_t)value);
        return;
    }
    uint32_t before = pci_model_get32(pci, index, at);
    uint32_t mask = (uint32_t)f->writable[at] | (uint32_t)f->writable[at + 1] << 8 |
                    (uint32_t)f->writable[at + 2] << 16 | (uint32_t)f->writable[at + 3] << 24;

    pci_model_set32(pci, index, at, (before & ~mask) | ((uint32_t)value & mask));
    side_effects(pci, index, at, before);
}
