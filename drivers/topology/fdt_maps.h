/* SPDX-License-Identifier: Apache-2.0 */
/* Maps in a flattened device tree: iommu-map says as which stream of which IOMMU the accesses of a PCI function
 * come, msi-map as which device of which ITS its messages do, and memory-region what memory firmware keeps for a
 * master. Between the files of this folder. */
#ifndef DRIVERS_TOPOLOGY_FDT_MAPS_H
#define DRIVERS_TOPOLOGY_FDT_MAPS_H

#include "drivers/topology/topology.h"

/* The IOMMU with that phandle, or IOMMU_NONE. */
uint32_t fdt_find_iommu(const struct topology *topology, uint32_t handle);

/*
 * The two below read a map of a host that has been read, when all IOMMUs and ITSs have been. Work: its
 * entries.
 */

/* NULL, or why nobody knows what stands in front of the host's functions. */
const char *fdt_read_iommu_map(const void *tree, const struct topology *topology,
                               struct topology_pci_host *host);

/* Entries that lead to no ITS are passed over. Devices work without messages: a map that is wrong costs
 * those behind the host theirs, with a line in the log. */
void fdt_read_msi_map(const void *tree, const struct topology *topology,
                      struct topology_pci_host *host);

/* How many cells the addresses of a node's children have, or their sizes, as the property of that name says. */
uint32_t fdt_child_cells(const void *tree, int parent, const char *name, uint32_t otherwise);

/* The index-th range of a node's reg, below whatever node it stands. False: there is none. */
bool fdt_range(const void *tree, int node, unsigned int index, struct topology_range *range);

/*
 * Takes down what firmware keeps for a master whose streams have been read: the reserved memory that
 * memory-region names, at its own addresses, pools of an operating system aside. NULL, or why it stays
 * blocked. Work: for each entry the tree's nodes.
 */
const char *fdt_read_firmware(const void *tree, struct topology *topology,
                              const struct topology_block *block);

#endif
