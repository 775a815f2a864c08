/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts in a flattened device tree. Between the files of this folder. */
#ifndef DRIVERS_TOPOLOGY_FDT_INTERRUPTS_H
#define DRIVERS_TOPOLOGY_FDT_INTERRUPTS_H

#include "drivers/topology/topology.h"

/* The INTID of the index-th interrupt of a node, three cells each; INTERRUPT_NONE if it has none. */
uint32_t fdt_interrupt(const void *tree, int node, int index);
/* The same by its name in interrupt-names. */
uint32_t fdt_interrupt_named(const void *tree, int node, const char *name);

/* Reads the interrupt-map of a host that has been read. A map that is not understood from end to end, or
 * does not fit, costs the devices behind the host their INTx, with a line in the log. Work: its entries, and
 * for each change of the controller among them the tree's nodes. */
void fdt_read_interrupt_map(const void *tree, struct topology_pci_host *host);

#endif
