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

/* An entry of a PCI host's interrupt-map before its parent's cells: the device's address, its pin, the parent. */
#define PIN_CELL 3
#define PARENT_CELL 4
#define PARENT_CELLS_LIMIT 4

/* The cells of a property; *count is 0 where there is none. */
static const fdt32_t *find_cells(const void *tree, int node, const char *name, uint32_t *count)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &length);

    *count = cell == NULL ? 0 : (uint32_t)length / sizeof(*cell);
    return cell;
}

static uint32_t one_cell(const void *tree, int node, const char *name, uint32_t otherwise)
{
    uint32_t count;
    const fdt32_t *cell = find_cells(tree, node, name, &count);

    return count == 1 ? fdt32_ld(cell) : otherwise;
}

static void look_up(struct fdt_controller *controller, uint32_t handle)
{
    const void *tree = controller->tree;
    int node = fdt_node_offset_by_phandle(tree, handle);

    controller->handle = handle;
    controller->found = node >= 0;
    controller->address_cells = one_cell(tree, node, "#address-cells", 0);
    controller->interrupt_cells = one_cell(tree, node, "#interrupt-cells", 0);
    controller->gic = controller->interrupt_cells >= GIC_CELLS &&
                      fdt_node_check_compatible(tree, node, "arm,gic-v3") == 0;
}

/* False: it is not in the tree. */
static bool find_controller(struct fdt_controller *controller, uint32_t handle)
{
    if (handle != controller->handle)
        look_up(controller, handle);
    return controller->found;
}

static bool is_shared(const fdt32_t *specifier)
{
    return fdt32_ld(specifier) == GIC_SPI && fdt32_ld(specifier + 1) < GIC_SPI_COUNT;
}

uint32_t fdt_interrupt(const void *tree, int node, int index)
{
    int gic = fdt_node_offset_by_compatible(tree, -1, "arm,gic-v3");
    uint32_t count, handle = gic < 0 ? 0 : fdt_get_phandle(tree, gic);
    uint32_t step = one_cell(tree, gic, "#interrupt-cells", GIC_CELLS);
    const fdt32_t *cell = find_cells(tree, node, "interrupts", &count);

    if (gic < 0 || one_cell(tree, node, "interrupt-parent", handle) != handle || step < GIC_CELLS ||
        (uint32_t)index >= count / step)
        return INTERRUPT_NONE;
    cell += (size_t)(uint32_t)index * step;
    return is_shared(cell) ? fdt32_ld(cell + 1) + GIC_SPI_FIRST : INTERRUPT_NONE;
}

uint32_t fdt_interrupt_named(const void *tree, int node, const char *name)
{
    return fdt_interrupt(tree, node, fdt_stringlist_search(tree, node, "interrupt-names", name));
}

/* Who is handed each entry that names a shared interrupt of the GIC; false: there is no room for it. */
typedef bool (*taker)(void *argument, const fdt32_t *entry, const fdt32_t *specifier);

/* Entries: so many cells, a controller's handle, in a map an address of the controller's, a specifier, the
 * latter two as wide as the controller says. NULL, or what is wrong with them. */
static const char *take_entries(struct fdt_controller *controller, int node, const char *name,
                                uint32_t before, bool is_map, taker take, void *argument)
{
    uint32_t left, entry;
    const fdt32_t *cell = find_cells(controller->tree, node, name, &left);

    for (; left != 0; left -= entry, cell += entry) {
        if (left <= before)
            return "has an entry that is cut off";
        if (!find_controller(controller, fdt32_ld(cell + before)))
            return "names a controller that is not in the tree";
        uint32_t address = is_map ? controller->address_cells : 0;
        uint32_t specifier = before + 1 + address;

        entry = specifier + controller->interrupt_cells;
        if (address > PARENT_CELLS_LIMIT || controller->interrupt_cells > PARENT_CELLS_LIMIT ||
            entry > left)
            return "has an entry that is cut off";
        if (controller->gic && is_shared(cell + specifier) &&
            !take(argument, cell, cell + specifier))
            return "has more entries than the hypervisor keeps";
    }
    return NULL;
}

static bool take_line(void *argument, const fdt32_t *entry, const fdt32_t *specifier)
{
    struct topology *topology = argument;
    uint32_t line = fdt32_ld(specifier + 1) + GIC_SPI_FIRST;

    (void)entry;
    topology->taken_lines[line / 64] |= BIT(line % 64);
    return true;
}

uint32_t fdt_take_lines(struct fdt_controller *controller, int node, uint32_t parent, bool maps,
                        struct topology *topology)
{
    const void *tree = controller->tree;
    uint32_t left, step;
    const fdt32_t *cell = find_cells(tree, node, "interrupts", &left);

    parent = one_cell(tree, node, "interrupt-parent", parent);
    if (find_controller(controller, parent) && controller->gic) {
        step = controller->interrupt_cells;
        for (; left >= step; left -= step, cell += step) {
            if (is_shared(cell))
                take_line(topology, NULL, cell);
        }
    }
    take_entries(controller, node, "interrupts-extended", 0, false, take_line, topology);
    uint32_t own_cells = one_cell(tree, node, "#interrupt-cells", 0);

    if (maps)
        take_entries(controller, node, "interrupt-map",
                     one_cell(tree, node, "#address-cells", 0) + own_cells, true, take_line,
                     topology);
    return own_cells != 0 ? fdt_get_phandle(tree, node) : parent;
}

/* An entry whose line is level-triggered. */
static bool add_pin(void *argument, const fdt32_t *entry, const fdt32_t *specifier)
{
    struct topology_pci_host *host = argument;

    if ((fdt32_ld(specifier + 2) & 0xF) != GIC_LEVEL_HIGH)
        return true;
    if (host->pin_count == TOPOLOGY_PINS)
        return false;
    host->pin[host->pin_count++] = (struct topology_pin){
        .address = fdt32_ld(entry) & host->pin_address_mask,
        .pin = fdt32_ld(entry + PIN_CELL) & host->pin_mask,
        .interrupt = fdt32_ld(specifier + 1) + GIC_SPI_FIRST
    };
    return true;
}

void fdt_read_interrupt_map(struct fdt_controller *controller, struct topology_pci_host *host)
{
    int node = fdt_path_offset(controller->tree, host->name);
    uint32_t count;
    const fdt32_t *mask = find_cells(controller->tree, node, "interrupt-map-mask", &count);
    bool masked = count == PARENT_CELL;

    host->pin_address_mask = masked ? fdt32_ld(mask) : UINT32_MAX;
    host->pin_mask = masked ? fdt32_ld(mask + PIN_CELL) : UINT32_MAX;
    const char *reason = take_entries(controller, node, "interrupt-map", PARENT_CELL, true, add_pin,
                                      host);

    if (reason == NULL)
        return;
    host->pin_count = 0;
    log_warning("%s: its interrupt-map %s: no INTx behind it", host->name, reason);
}
