/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of flattened device trees (Devicetree Specification 0.4, and the bindings arm,smmu-v3,
 * arm,gic-v3, arm,psci, pci-host-ecam-generic, iommu-map). The tree is input: nothing in it is
 * trusted to be well-formed.
 */
#ifndef DRIVERS_TOPOLOGY_FDT_H
#define DRIVERS_TOPOLOGY_FDT_H

#include "drivers/topology/topology.h"

/* Bytes of the tree at source that are in use, from what its header says; 0: there is no tree.
 * Reads the header, FDT_HEADER_SIZE bytes, and nothing else. */
#define FDT_HEADER_SIZE 40
uint64_t fdt_extent(const void *source);

/*
 * Copies the used parts of the tree at `source` into `copy` (capacity bytes, FDT_HEADER_SIZE at
 * least) and checks the copy from end to end. The source is read once only. False: no tree there,
 * corrupt, or larger than capacity; *error says which. Work: the tree's size.
 */
bool fdt_take(const void *source, void *copy, uint64_t capacity, struct topology_error *error);

/*
 * Reads a tree that fdt_take() accepted into *topology. False where the tree names more than the
 * arrays hold or is malformed; *error names the node. Work: nodes times their properties.
 */
bool fdt_read_topology(const void *tree, struct topology *topology, struct topology_error *error);

/* What fdt_survey_topology() is asked, and tells. */
struct fdt_survey {
    /* Told of each enabled node that has a compatible and is not in *topology, and why; refused: fdt_read_topology()
     * would refuse the whole machine there. node: its offset in the tree; -1: of no node. */
    void (*left_out)(void *context, int node, const char *text, bool refused);
    void *context;
    uint32_t
        skip; /* so many of the nodes that are kept as blocks, in the tree's order, are passed over */
    uint32_t
        blocks; /* answer: how many such nodes there are in all, whatever room there is for them */
};

/*
 * The same reading of a tree that fdt_take() accepted and that need not be one of a machine that starts: what would
 * be refused is told and left out, and the reading goes on. For tools on the host.
 */
void fdt_survey_topology(const void *tree, struct topology *topology, struct fdt_survey *survey);

#endif
