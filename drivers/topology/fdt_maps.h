/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of a PCI host's requester ids in a flattened device tree: iommu-map says as which stream of which IOMMU a
 * function's accesses come, msi-map as which device of which ITS its messages do. Between the files of this
 * folder. */
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

#endif
