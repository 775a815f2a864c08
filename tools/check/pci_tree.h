/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board's PCI functions as boards/<name>/pci.dts lists them (docs/configuration.md), turned into a
 * configuration space that the hypervisor's own enumeration reads.
 */
#ifndef TOOLS_CHECK_PCI_TREE_H
#define TOOLS_CHECK_PCI_TREE_H

#include "arch/host/pci_model.h"

/* Adds every function of the compiled tree to *pci. NULL, or what is wrong, with its node's path. */
const char *pci_tree_read(const void *tree, struct pci_model *pci, char *node, int node_size);

#endif
