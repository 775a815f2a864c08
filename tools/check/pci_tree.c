/* SPDX-License-Identifier: Apache-2.0 */
#include "pci_tree.h"

#include <libfdt.h>
#include <string.h>

#include "drivers/pci/pci.h"
#include "drivers/pci/registers.h"

#define DEPTH_LIMIT 8

struct kind {
    const char *name;
    int express_type;
};

static const struct kind bridges[] = {
    { "root-port", EXPRESS_TYPE_ROOT_PORT },
    { "upstream-port", EXPRESS_TYPE_UPSTREAM },
    { "downstream-port", EXPRESS_TYPE_DOWNSTREAM },
    { "pcie-to-pci-bridge", EXPRESS_TYPE_TO_PCI },
    { "pci-bridge", -1 },
};

/* The cells of a property; how many there are, 0 if it is absent. */
static int read_cells(const void *tree, int node, const char *name, uint32_t *values, int limit)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &length);
    int count = cell == NULL ? 0 : length / (int)sizeof(*cell);

    for (int i = 0; i < count && i < limit; i++)
        values[i] = fdt32_ld(&cell[i]);
    return count;
}

static bool has(const void *tree, int node, const char *name)
{
    return fdt_getprop(tree, node, name, NULL) != NULL;
}

/* NULL in *kind: an endpoint. False: a kind that does not exist. */
static bool find_kind(const void *tree, int node, const struct kind **kind)
{
    const char *name = fdt_getprop(tree, node, "kind", NULL);

    *kind = NULL;
    if (name == NULL || strcmp(name, "endpoint") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LENGTH(bridges) && *kind == NULL; i++) {
        if (strcmp(bridges[i].name, name) == 0)
            *kind = &bridges[i];
    }
    return *kind != NULL;
}

/* Whether wide-bars names the BAR, or, without a value, all of them. */
static bool is_wide(const void *tree, int node, uint32_t bar)
{
    uint32_t cell[PCI_BARS];
    int count = read_cells(tree, node, "wide-bars", cell, PCI_BARS);
    bool named = count == 0 && has(tree, node, "wide-bars");

    for (int i = 0; i < count && i < PCI_BARS; i++)
        named = named || cell[i] == bar;
    return named;
}

/* bars = <index size-high size-low> ... */
static const char *add_bars(const void *tree, int node, struct pci_model *pci, int index)
{
    uint32_t cell[3 * PCI_BARS];
    int count = read_cells(tree, node, "bars", cell, (int)ARRAY_LENGTH(cell));

    if (count % 3 != 0 || count > (int)ARRAY_LENGTH(cell))
        return "bars: write <index size-high size-low> for each";
    for (int i = 0; i < count; i += 3) {
        uint64_t size = (uint64_t)cell[i + 1] << 32 | cell[i + 2];

        if (cell[i] >= PCI_BARS || size < 16 || (size & (size - 1)) != 0)
            return "bars: an index below 6 and a power of two from 16 bytes on";
        pci_model_bar(pci, index, cell[i], size, is_wide(tree, node, cell[i]));
    }
    return NULL;
}

/* msi = <vectors>, msi-x = <vectors>: what the function raises messages by. */
static const char *add_messages(const void *tree, int node, struct pci_model *pci, int index)
{
    struct pci_model_function *function = &pci->function[index];
    uint32_t vectors;

    if (has(tree, node, "msi")) {
        if (read_cells(tree, node, "msi", &vectors, 1) != 1 || vectors < 1 || vectors > 32 ||
            (vectors & (vectors - 1)) != 0)
            return "msi: how many vectors, a power of two up to 32";
        uint32_t control = pci_model_capability(pci, index, CAP_MSI, MSI_BYTES) + MESSAGE_CONTROL;

        pci_model_set16(
            pci, index, control,
            (uint16_t)(MSI_WIDE | FIELD_PUT(MSI_CAPABLE, (uint64_t)__builtin_ctz(vectors))));
        function->writable[control] = (uint8_t)(MSI_ENABLE | MSI_ENABLED_VECTORS);
    }
    if (has(tree, node, "msi-x")) {
        if (read_cells(tree, node, "msi-x", &vectors, 1) != 1 || vectors < 1 || vectors > 2048)
            return "msi-x: how many vectors, 1 to 2048";
        uint32_t control = pci_model_capability(pci, index, CAP_MSIX, MSIX_BYTES) + MESSAGE_CONTROL;

        pci_model_set16(pci, index, control, (uint16_t)(vectors - 1));
        function->writable[control + 1] = (uint8_t)((MSIX_ENABLE | MSIX_MASK) >> 8);
    }
    return NULL;
}

static const char *add_function(const void *tree, int node, struct pci_model *pci, int parent,
                                int *index)
{
    uint32_t place[2], identity[2], class_code, acs, interrupt_pin;
    const struct kind *kind;
    const char *error;

    if (read_cells(tree, node, "reg", place, 2) != 2 || place[0] > 31 || place[1] > 7)
        return "reg: write <device function>";
    if (read_cells(tree, node, "id", identity, 2) != 2)
        return "id: write <vendor device>";
    if (!find_kind(tree, node, &kind))
        return "kind: root-port, upstream-port, downstream-port, pcie-to-pci-bridge, pci-bridge or "
               "endpoint";
    if (pci->count == PCI_MODEL_FUNCTIONS)
        return "more functions than are kept";
    *index = kind != NULL ? pci_model_bridge(pci, parent, (uint8_t)place[0], (uint8_t)place[1],
                                             kind->express_type)
                          : pci_model_endpoint(pci, parent, (uint8_t)place[0], (uint8_t)place[1]);
    pci_model_set16(pci, *index, PCI_VENDOR, (uint16_t)identity[0]);
    pci_model_set16(pci, *index, PCI_VENDOR + 2, (uint16_t)identity[1]);
    if (read_cells(tree, node, "class", &class_code, 1) == 1)
        pci_model_set32(pci, *index, PCI_CLASS_REVISION, class_code << 8);
    if (kind == NULL && has(tree, node, "express"))
        pci_model_express(pci, *index, 0, has(tree, node, "function-level-reset"));
    if (has(tree, node, "power-reset"))
        pci_model_power(pci, *index, true);
    if (has(tree, node, "advanced-reset"))
        pci_model_advanced(pci, *index);
    if (read_cells(tree, node, "acs", &acs, 1) == 1)
        pci_model_acs(pci, *index, (uint16_t)acs);
    if (read_cells(tree, node, "interrupt-pin", &interrupt_pin, 1) == 1) {
        if (interrupt_pin < 1 || interrupt_pin > 4)
            return "interrupt-pin: 1 to 4, or leave it out";
        pci->function[*index].config[PCI_INTERRUPT_PIN] = (uint8_t)interrupt_pin;
    }
    if (has(tree, node, "multifunction"))
        pci_model_multifunction(pci, *index);
    error = add_messages(tree, node, pci, *index);
    return error != NULL ? error : add_bars(tree, node, pci, *index);
}

/* The host whose root bus a node of the top describes; -1: the node is a function of the only host. */
static const char *find_host(const void *tree, int node, const struct topology *topology, int *host)
{
    uint32_t bus;

    *host = -1;
    if (read_cells(tree, node, "bus", &bus, 1) != 1)
        return topology->host_count <= 1 ? NULL
                                         : "stands on one of several root buses: put it into a "
                                           "node with bus = <the first of its bus-range>";
    for (uint32_t i = 0; i < topology->host_count; i++) {
        if (topology->host[i].bus_first == bus)
            *host = (int)i;
    }
    return *host >= 0 ? NULL : "bus: no host bridge of the machine's tree begins with that one";
}

const char *pci_tree_read(const void *tree, const struct topology *topology, struct pci_model *pci,
                          char *node_path, int node_size)
{
    int parents[DEPTH_LIMIT] = { PCI_MODEL_ROOT };
    int depth = 0, host = -1;

    memset(pci, 0, sizeof(*pci) * TOPOLOGY_PCI_HOSTS);
    node_path[0] = '\0';
    if (fdt_node_check_compatible(tree, 0, "bulkhead,pci") != 0)
        return "compatible: write \"bulkhead,pci\"";
    for (int node = fdt_next_node(tree, 0, &depth); node >= 0 && depth > 0;
         node = fdt_next_node(tree, node, &depth)) {
        const char *error = depth == 1 ? find_host(tree, node, topology, &host) : NULL;

        parents[1] = depth == 1 ? PCI_MODEL_ROOT : parents[1];
        if (error == NULL && depth >= DEPTH_LIMIT)
            error = "bridges are nested too deeply";
        if (error == NULL && (depth > 1 || host < 0))
            error = add_function(tree, node, &pci[host < 0 ? 0 : host], parents[depth - 1],
                                 &parents[depth]);
        if (error != NULL) {
            fdt_get_path(tree, node, node_path, node_size);
            return error;
        }
    }
    return NULL;
}
