/* SPDX-License-Identifier: Apache-2.0 */
#include "pci_tree.h"

#include <libfdt.h>
#include <string.h>

#include "drivers/pci/pci.h"
#include "drivers/pci/registers.h"

#define DEPTH_LIMIT 8
#define VIRTUAL_FUNCTIONS "virtual-functions"

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

/* How a BAR is given to a function, or to the virtual functions of one. */
typedef void (*bar_setter)(struct pci_model *pci, int index, unsigned int bar, uint64_t size,
                           bool wide);

/* bars = <index size-high size-low> ... */
static const char *add_bars(const void *tree, int node, struct pci_model *pci, int index,
                            bar_setter set)
{
    uint32_t cell[3 * PCI_BARS];
    int count = read_cells(tree, node, "bars", cell, (int)ARRAY_LENGTH(cell));

    if (count % 3 != 0 || count > (int)ARRAY_LENGTH(cell))
        return "bars: write <index size-high size-low> for each";
    for (int i = 0; i < count; i += 3) {
        uint64_t size = (uint64_t)cell[i + 1] << 32 | cell[i + 2];

        if (cell[i] >= PCI_BARS || size < 16 || (size & (size - 1)) != 0)
            return "bars: an index below 6 and a power of two from 16 bytes on";
        set(pci, index, cell[i], size, is_wide(tree, node, cell[i]));
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

/* The node virtual-functions of an endpoint: as many as the board has enabled, at most. */
static const char *add_virtual(const void *tree, int node, struct pci_model *pci, int index,
                               uint32_t most)
{
    int virtual = fdt_subnode_offset(tree, node, VIRTUAL_FUNCTIONS);
    uint32_t place[3], device, acs;
    const char *error = NULL;

    if (virtual < 0)
        return NULL;
    if (pci->function[index].bridge || pci->function[index].cap_express == 0)
        return "virtual-functions: only below an endpoint that is `express`";
    if (fdt_first_subnode(tree, virtual) >= 0)
        return "virtual-functions: one node for all of them, without others below it";
    if (read_cells(tree, virtual, "functions", place, 3) != 3 || place[0] < 1 ||
        place[0] > UINT8_MAX || place[1] < 1 || place[1] > UINT8_MAX || place[2] > UINT8_MAX)
        return "virtual-functions: write functions = <how-many first-offset stride>";
    if (read_cells(tree, virtual, "device", &device, 1) != 1)
        return "virtual-functions: write device = <their device id>";
    uint32_t count = (uint32_t)min_u64(place[0], most);

    if (count > PCI_MODEL_FUNCTIONS - pci->count)
        return "more functions than are kept";
    int first = pci_model_virtual(pci, index, (uint16_t)count, (uint16_t)place[1],
                                  (uint16_t)place[2]);

    pci_model_set32(pci, index, pci->function[index].cap_sriov + SRIOV_STRIDE + 2, device << 16);
    for (int i = first; i < first + (int)count && error == NULL; i++) {
        error = add_messages(tree, virtual, pci, i);
        if (read_cells(tree, virtual, "acs", &acs, 1) == 1)
            pci_model_acs(pci, i, (uint16_t)acs);
    }
    return error != NULL ? error : add_bars(tree, virtual, pci, index, pci_model_virtual_bar);
}

static const char *add_function(const void *tree, int node, struct pci_model *pci, int parent,
                                uint32_t most, int *index)
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
    if (error == NULL)
        error = add_bars(tree, node, pci, *index, pci_model_bar);
    return error != NULL ? error : add_virtual(tree, node, pci, *index, most);
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

static bool is_virtual(const void *tree, int node)
{
    return strcmp(fdt_get_name(tree, node, NULL), VIRTUAL_FUNCTIONS) == 0;
}

const char *pci_tree_read(const void *tree, const struct topology *topology, uint32_t virtual_most,
                          struct pci_model *pci, char *node_path, int node_size)
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
        if (error == NULL && depth == 1 && is_virtual(tree, node))
            error = "virtual-functions: only below an endpoint that is `express`";
        if (error == NULL && depth >= DEPTH_LIMIT)
            error = "bridges are nested too deeply";
        if (error == NULL && (depth > 1 || host < 0) && !is_virtual(tree, node))
            error = add_function(tree, node, &pci[host < 0 ? 0 : host], parents[depth - 1],
                                 virtual_most, &parents[depth]);
        if (error != NULL) {
            fdt_get_path(tree, node, node_path, node_size);
            return error;
        }
    }
    return NULL;
}
