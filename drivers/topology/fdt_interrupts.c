/* SPDX-License-Identifier: Apache-2.0 */
/* What the tree says of interrupts: those of a node, and the map of a PCI host's pins. Devices work without
 * their INTx, so nothing here refuses a machine. */
#include "drivers/topology/fdt_interrupts.h"

#include <libfdt.h>

#include "lib/log.h"

/* First cell of an interrupt specifier of the GIC binding. */
#define GIC_SPI 0
#define GIC_SPI_FIRST 32
#define GIC_SPI_COUNT 988
#define GIC_CELLS 3      /* at least; a fourth one is for private interrupts */
#define GIC_LEVEL_HIGH 4 /* of the third cell, low four bits */

/* An entry of interrupt-map before its parent's cells: the device's address, its pin, the parent. */
#define PIN_CELL 3
#define PARENT_CELL 4
#define ENTRY_CELLS 5
#define PARENT_CELLS_LIMIT 4

uint32_t fdt_interrupt(const void *tree, int node, int index)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, "interrupts", &length);

    if (cell == NULL || (uint32_t)index >= (uint32_t)length / (3 * sizeof(fdt32_t)))
        return INTERRUPT_NONE;
    cell += (ptrdiff_t)index * 3;
    return fdt32_ld(cell) == GIC_SPI ? fdt32_ld(cell + 1) + GIC_SPI_FIRST : INTERRUPT_NONE;
}

uint32_t fdt_interrupt_named(const void *tree, int node, const char *name)
{
    return fdt_interrupt(tree, node, fdt_stringlist_search(tree, node, "interrupt-names", name));
}

static uint32_t cell_count(const void *tree, int node, const char *name)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &length);

    return cell != NULL && length == (int)sizeof(*cell) ? fdt32_ld(cell) : 0;
}

/* An entry whose parent is the GIC and whose line is level-triggered. False: there is no room. */
static bool add_pin(struct topology_pci_host *host, const fdt32_t *cell, const fdt32_t *specifier)
{
    if (fdt32_ld(specifier) != GIC_SPI || fdt32_ld(specifier + 1) >= GIC_SPI_COUNT ||
        (fdt32_ld(specifier + 2) & 0xF) != GIC_LEVEL_HIGH)
        return true;
    if (host->pin_count == TOPOLOGY_PINS)
        return false;
    host->pin[host->pin_count++] = (struct topology_pin){
        .address = fdt32_ld(cell) & host->pin_address_mask,
        .pin = fdt32_ld(cell + PIN_CELL) & host->pin_mask,
        .interrupt = fdt32_ld(specifier + 1) + GIC_SPI_FIRST
    };
    return true;
}

/* interrupt-map: <device (3), pin, parent, address in the parent, interrupt of the parent> each, the latter
 * two as wide as the parent says. NULL, or what is wrong with it. */
static const char *read_map(const void *tree, int node, struct topology_pci_host *host)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, "interrupt-map", &length);
    uint32_t left = cell == NULL ? 0 : (uint32_t)length / sizeof(*cell), entry, handle = 0;
    int parent = -1;

    for (; left != 0; left -= entry, cell += entry) {
        if (left < ENTRY_CELLS)
            return "has an entry that is cut off";
        /* A look through the whole tree: nearly always one does for all entries. */
        if (fdt32_ld(cell + PARENT_CELL) != handle) {
            handle = fdt32_ld(cell + PARENT_CELL);
            parent = fdt_node_offset_by_phandle(tree, handle);
        }
        if (parent < 0)
            return "names a controller that is not in the tree";
        uint32_t address = cell_count(tree, parent, "#address-cells");
        uint32_t specifier = cell_count(tree, parent, "#interrupt-cells");

        entry = ENTRY_CELLS + address + specifier;
        if (address > PARENT_CELLS_LIMIT || specifier > PARENT_CELLS_LIMIT || entry > left)
            return "has an entry that is cut off";
        if (specifier >= GIC_CELLS && fdt_node_check_compatible(tree, parent, "arm,gic-v3") == 0 &&
            !add_pin(host, cell, cell + ENTRY_CELLS + address))
            return "has more entries than the hypervisor keeps";
    }
    return NULL;
}

void fdt_read_interrupt_map(const void *tree, struct topology_pci_host *host)
{
    int length, node = fdt_path_offset(tree, host->name);
    const fdt32_t *mask = fdt_getprop(tree, node, "interrupt-map-mask", &length);
    bool masked = mask != NULL && length == PARENT_CELL * (int)sizeof(*mask);

    host->pin_address_mask = masked ? fdt32_ld(mask) : UINT32_MAX;
    host->pin_mask = masked ? fdt32_ld(mask + PIN_CELL) : UINT32_MAX;
    const char *reason = read_map(tree, node, host);

    if (reason == NULL)
        return;
    host->pin_count = 0;
    log_warning("%s: its interrupt-map %s: no INTx behind it", host->name, reason);
}
