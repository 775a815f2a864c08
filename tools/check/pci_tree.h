/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board's PCI functions as boards/<name>/pci.dts lists them (docs/configuration.md), turned into a
 * configuration space that the hypervisor's own enumeration reads.
 */
#ifndef TOOLS_CHECK_PCI_TREE_H
#define TOOLS_CHECK_PCI_TREE_H

#include "arch/host/pci_model.h"
#include "drivers/topology/topology.h"

/* Makes pci[i] of the functions behind host i of the machine, as many as that has, with at most
 * virtual_most virtual functions for each physical one. NULL, or what is wrong, with its node's path. */
const char *pci_tree_read(const void *tree, const struct topology *topology, uint32_t virtual_most,
                          struct pci_model *pci, char *node, int node_size);

#endif
