/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a device tree beside what the hypervisor's reader keeps of it: enough to explain in words why the
 * hypervisor cannot isolate a device. Nothing here decides whether it can.
 */
#ifndef TOOLS_CHECK_TREE_FACTS_H
#define TOOLS_CHECK_TREE_FACTS_H

#include "lib/types.h"

#define FACTS_PATH 192

/* A tree's text may hold anything, and goes to a terminal: a mark for each byte that cannot be printed. */
void facts_printable(char *text);

/* The node's path, cut to what fits, with a mark for what cannot be printed. */
void facts_path(const void *tree, int node, char path[FACTS_PATH]);

/* All that its compatible says, with commas between; cut to what fits. */
void facts_compatible(const void *tree, int node, char text[FACTS_PATH]);

bool facts_has(const void *tree, int node, const char *name);
bool facts_is_enabled(const void *tree, int node);

/* Translates for others, whatever its kind. */
bool facts_is_unit(const void *tree, int node);
bool facts_is_smmuv3(const void *tree, int node);
bool facts_is_pci_host(const void *tree, int node);

/* The index-th IOMMU that the node's iommus names (a PCI host's iommu-map); -1: there is none of that
 * index; -2: it names one that the tree does not have, or an entry is cut off. */
#define FACTS_NO_MORE (-1)
#define FACTS_MALFORMED (-2)
int facts_unit_of(const void *tree, int node, uint32_t index);

/* By which sign a node without iommus looks like one that masters memory, until the next question; NULL: by none that
 * is known. */
const char *facts_mastery(const void *tree, int node);

#endif
