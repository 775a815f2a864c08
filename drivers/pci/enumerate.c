/* SPDX-License-Identifier: Apache-2.0 */
/* Finding functions, numbering buses, reading capabilities. */
#include "arch/seam.h"
#include "drivers/pci/internal.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/registers.h"
#include "lib/log.h"

/* Capability lists come from devices: a list that does not end is cut. */
#define CAPABILITY_LIMIT 48
#define PINS 4

struct scan {
    struct pci *pci;
    const struct topology_pci_host *host;
    uint32_t next_bus;
};

static void scan_bus(struct scan *scan, uint32_t bus, uint32_t parent, unsigned int depth);

static void read_capabilities(struct pci_function *function)
{
    uint32_t offset = pci_read8(function, PCI_CAPABILITIES) & ~3u;

    if ((pci_read16(function, PCI_STATUS) & STATUS_CAPABILITIES) == 0)
        return;
    for (unsigned int i = 0; offset >= CAPABILITY_FIRST && i < CAPABILITY_LIMIT; i++) {
        uint32_t header = pci_read32(function, offset);
        bool shown = true;

        switch (header & 0xFF) {
        case CAP_VENDOR:
            break;
        case CAP_POWER:
            function->cap_power = (uint16_t)offset;
            break;
        case CAP_MSI:
            function->cap_msi = (uint16_t)offset;
            break;
        case CAP_EXPRESS:
            function->cap_express = (uint16_t)offset;
            break;
        case CAP_MSIX:
            function->cap_msix = (uint16_t)offset;
            break;
        case CAP_ADVANCED:
            function->cap_advanced = (uint16_t)offset;
            shown = false;
            break;
        default:
            shown = false;
            break;
        }
        function->shown |= shown ? BIT(offset / 4) : 0;
        offset = header >> 8 & 0xFC;
    }
}

static void read_extended_capabilities(struct pci_function *function)
{
    uint32_t offset = EXTENDED_FIRST;

    for (unsigned int i = 0; offset >= EXTENDED_FIRST && i < CAPABILITY_LIMIT; i++) {
        uint32_t header = pci_read32(function, offset);

        if (header == UINT32_MAX)
            return;
        switch (header & 0xFFFF) {
        case EXTENDED_CAP_ACS:
            function->cap_acs = (uint16_t)offset;
            break;
        case EXTENDED_CAP_ARI:
            function->cap_ari = (uint16_t)offset;
            break;
        case EXTENDED_CAP_ATS:
            function->cap_ats = (uint16_t)offset;
            break;
        case EXTENDED_CAP_SRIOV:
            function->cap_sriov = (uint16_t)offset;
            break;
        case EXTENDED_CAP_PASID:
            function->cap_pasid = (uint16_t)offset;
            break;
        default:
            break;
        }
        offset = header >> 20 & 0xFFC;
    }
}

void pci_read_function(struct pci_function *function)
{
    function->class_revision = pci_read32(function, PCI_CLASS_REVISION);
    read_capabilities(function);
    function->express = function->cap_express != 0;
    if (function->express)
        read_extended_capabilities(function);
}

static enum pci_kind kind_of(const struct pci_function *function, uint8_t layout)
{
    bool on_root_bus = function->parent == PCI_NO_PARENT;

    if (layout == LAYOUT_BRIDGE) {
        if (!function->express)
            return PCI_BRIDGE_CONVENTIONAL;
        switch (FIELD_GET(EXPRESS_TYPE,
                          pci_read16(function, function->cap_express + EXPRESS_CAPABILITIES))) {
        case EXPRESS_TYPE_ROOT_PORT:
            return PCI_ROOT_PORT;
        case EXPRESS_TYPE_UPSTREAM:
            return PCI_SWITCH_UPSTREAM;
        case EXPRESS_TYPE_DOWNSTREAM:
            return PCI_SWITCH_DOWNSTREAM;
        case EXPRESS_TYPE_TO_PCI:
            return PCI_BRIDGE_TO_PCI;
        default:
            return PCI_BRIDGE_CONVENTIONAL;
        }
    }
    if (function->class_revision >> 16 == CLASS_HOST_BRIDGE)
        return PCI_HOST_BRIDGE;
    return on_root_bus ? PCI_INTEGRATED : PCI_ENDPOINT;
}

static void number_bridge(struct scan *scan, uint32_t index, unsigned int depth)
{
    struct pci_function *bridge = &scan->pci->function[index];
    uint32_t bus = scan->next_bus;

    if (bus > scan->host->bus_last || depth + 1 >= PCI_DEPTH) {
        log_warning(
            "pci: no bus number left below bridge %02x:%02x.%x: what is behind it stays off",
            bridge->rid >> 8, bridge->rid >> 3 & 31, bridge->rid & 7);
        scan->pci->unseen = true;
        return;
    }
    scan->next_bus++;
    bridge->secondary = (uint8_t)bus;
    pci_write32(bridge, PCI_BUSES,
                bridge->rid >> 8 | bus << 8 | (uint32_t)scan->host->bus_last << 16);
    scan_bus(scan, bus, index, depth + 1);
    bridge->subordinate = (uint8_t)(scan->next_bus - 1);
    pci_write32(bridge, PCI_BUSES,
                bridge->rid >> 8 | bus << 8 | (uint32_t)bridge->subordinate << 16);
}

/*
 * Looks for a function. First of all it loses its way to memory, whatever firmware set up, and a
 * bridge the numbers of what is behind it.
 */
static bool silence(const struct scan *scan, uint32_t rid, struct pci_function *found,
                    uint8_t *header)
{
    uint32_t identity;

    found->host = scan->host;
    found->rid = rid;
    found->config = scan->host->ecam.base +
                    ((uint64_t)(rid - ((uint32_t)scan->host->bus_first << 8))
                     << FUNCTION_CONFIG_SHIFT);
    if (!mmio_probe32(found->config + PCI_VENDOR, &identity) ||
        (identity & 0xFFFF) == VENDOR_NONE || identity == 0)
        return false;
    pci_write16(found, PCI_COMMAND, COMMAND_INTX_DISABLE);
    found->vendor = (uint16_t)identity;
    found->device = (uint16_t)(identity >> 16);
    *header = pci_read8(found, PCI_HEADER_TYPE);
    if ((*header & HEADER_LAYOUT) == LAYOUT_BRIDGE)
        pci_write32(found, PCI_BUSES, rid >> 8);
    return true;
}

/* Takes down one function; returns false if there is none. */
static bool scan_function(struct scan *scan, uint32_t rid, uint32_t parent, unsigned int depth,
                          bool *multifunction)
{
    struct pci *pci = scan->pci;
    struct pci_function found = { .parent = parent };
    uint8_t header;

    if (!silence(scan, rid, &found, &header))
        return false;
    *multifunction = (header & HEADER_MULTIFUNCTION) != 0;
    if (pci->count == PCI_FUNCTIONS) {
        pci->dropped++;
        pci->unseen = true;
        return true;
    }
    uint32_t index = pci->count++;
    struct pci_function *function = &pci->function[index];

    found.multifunction = *multifunction;
    found.pin = pci_read8(&found, PCI_INTERRUPT_PIN);
    /* Functions before PCI 2.3 have no such bit. */
    found.loud = found.pin != 0 &&
                 (pci_read16(&found, PCI_COMMAND) & COMMAND_READ_BACK) != COMMAND_INTX_DISABLE;
    if (found.loud)
        log_warning("pci: %02x:%02x.%x cannot be kept from raising its line", rid >> 8,
                    rid >> 3 & 31, rid & 7);
    if (found.pin > PINS)
        found.pin = 0; /* reserved values */
    pci_read_function(&found);
    found.kind = kind_of(&found, header & HEADER_LAYOUT);
    *function = found;
    if ((header & HEADER_LAYOUT) == LAYOUT_BRIDGE)
        number_bridge(scan, index, depth);
    else
        pci_add_virtual(pci, index);
    return true;
}

/* Below a port there is a link, and on a link only device 0. */
static bool is_link(const struct pci *pci, uint32_t bridge)
{
    return bridge != PCI_NO_PARENT && (pci->function[bridge].kind == PCI_ROOT_PORT ||
                                       pci->function[bridge].kind == PCI_SWITCH_DOWNSTREAM);
}

/*
 * A bus number that firmware gave to another bridge may be the next one that is given here: two
 * bridges would pass the same cycles on. So all bridges of a bus forget theirs before any gets one. True:
 * something stands on the bus.
 */
static bool silence_bus(const struct scan *scan, uint32_t bus, uint32_t devices)
{
    bool any = false;

    for (uint32_t device = 0; device < devices; device++) {
        struct pci_function found = { 0 };
        uint8_t header = 0;

        if (!silence(scan, PCI_RID(bus, device, 0), &found, &header))
            continue;
        any = true;
        for (uint32_t function = 1; (header & HEADER_MULTIFUNCTION) != 0 && function < 8;
             function++) {
            uint8_t ignored;

            silence(scan, PCI_RID(bus, device, function), &found, &ignored);
        }
    }
    return any;
}

/* What answers while no bridge passes anything on stands on a root bus. */
uint32_t pci_find_roots(const struct topology_pci_host *host, uint8_t *root, uint32_t limit)
{
    struct scan scan = { .host = host };
    uint32_t count = 0;

    silence_bus(&scan, host->bus_first, 32);
    for (uint32_t bus = host->bus_first + 1u; bus <= host->bus_last && count < limit; bus++) {
        if (silence_bus(&scan, bus, 32))
            root[count++] = (uint8_t)bus;
    }
    return count;
}

static void scan_bus(struct scan *scan, uint32_t bus, uint32_t parent, unsigned int depth)
{
    uint32_t devices = is_link(scan->pci, parent) ? 1 : 32;

    silence_bus(scan, bus, devices);
    for (uint32_t device = 0; device < devices; device++) {
        bool multifunction = false, ignored;

        if (!scan_function(scan, PCI_RID(bus, device, 0), parent, depth, &multifunction))
            continue;
        for (uint32_t function = 1; multifunction && function < 8; function++)
            scan_function(scan, PCI_RID(bus, device, function), parent, depth, &ignored);
    }
}

void pci_enumerate(struct pci *pci, const struct topology_pci_host *host)
{
    struct scan scan = { .pci = pci, .host = host, .next_bus = (uint32_t)host->bus_first + 1 };
    uint32_t first = pci->count;

    scan_bus(&scan, host->bus_first, PCI_NO_PARENT, 0);
    pci_place_bars(pci, host, first);
    pci_enable_virtual(pci, first);
    for (uint32_t i = first; i < pci->count; i++)
        pci->function[i].reset_method = pci_find_reset_method(pci, &pci->function[i]);
    if (pci->dropped != 0)
        log_warning("pci: %u functions beyond the first %u stay off", pci->dropped, PCI_FUNCTIONS);
}
