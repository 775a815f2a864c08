/* SPDX-License-Identifier: Apache-2.0 */
/* Which nodes of a flattened device tree master memory though no SMMUv3 stands before them. Between the files of this
 * folder, and for tools. */
#ifndef DRIVERS_TOPOLOGY_FDT_MASTERS_H
#define DRIVERS_TOPOLOGY_FDT_MASTERS_H

#include "drivers/topology/topology.h"

/* By which property, or by which name of its own, a node looks like a master of memory; NULL: by none that is known.
 * Work: its properties, for each sign. */
const char *fdt_mastery(const void *tree, int node, bool *by_name);

/* Notes an enabled node in topology->unprotected if it looks like a master, or is a PCI host, and names no SMMUv3
 * first. Work: as above; with iommus or an iommu-map the tree's nodes. */
void fdt_note_master(const void *tree, int node, int parent, struct topology *topology);

#endif
