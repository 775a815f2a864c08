/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts in a flattened device tree. Between the files of this folder. */
#ifndef DRIVERS_TOPOLOGY_FDT_INTERRUPTS_H
#define DRIVERS_TOPOLOGY_FDT_INTERRUPTS_H

#include "drivers/topology/topology.h"

/* The INTID of the index-th interrupt of a node, three cells each; INTERRUPT_NONE if it has none. */
uint32_t fdt_interrupt(const void *tree, int node, int index);
/* The same by its name in interrupt-names. */
uint32_t fdt_interrupt_named(const void *tree, int node, const char *name);

/* The controller that was looked up last. A look goes through the whole tree, and nearly always it is the
 * GIC that is named. Zeroed at first, but for the tree. */
struct fdt_controller {
    const void *tree;
    uint32_t handle;
    bool found, gic;
    uint32_t address_cells, interrupt_cells;
};

/* Puts the lines that a node names for itself, or in a map of its own where maps is true, into taken_lines.
 * parent: the controller of nodes that name none. Returns the one of its children. */
uint32_t fdt_take_lines(struct fdt_controller *controller, int node, uint32_t parent, bool maps,
                        struct topology *topology);

/* Reads the interrupt-map of a host that has been read. A map that is not understood from end to end, or
 * does not fit, costs the devices behind the host their INTx, with a line in the log. Work: its entries, and
 * for each change of the controller among them the tree's nodes. */
void fdt_read_interrupt_map(struct fdt_controller *controller, struct topology_pci_host *host);

#endif
