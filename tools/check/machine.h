/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine of make check: its memory at its own addresses, each IOMMU a model behind its registers,
 * PCI as the board lists it. What boots on it is the hypervisor's own code, in the order of a boot.
 */
#ifndef TOOLS_CHECK_MACHINE_H
#define TOOLS_CHECK_MACHINE_H

#include <stdio.h>

#include "drivers/topology/topology.h"
#include "kernel/board.h"
#include "smmuv3_model.h"

#define MACHINE_NODE 64

struct machine_files {
    const void *tree;
    size_t tree_size;
    const void *board;
    size_t board_size;
    const void *pci;
};

struct machine {
    struct topology topology;
    struct board board;
    struct topology_range image; /* where the image lies: set it first */
    struct topology_range own;   /* the hypervisor's memory beyond its image */
    struct smmuv3_model *unit[TOPOLOGY_IOMMUS];
    const char *unit_refusal[TOPOLOGY_IOMMUS]; /* why it was not started; NULL: it was */
};

extern struct machine machine;

/* What is wrong with the machine's files. */
struct machine_mistake {
    enum { MISTAKE_TREE, MISTAKE_BOARD, MISTAKE_PCI } file;
    char node[MACHINE_NODE];
    const char *property, *text;
};

/*
 * Boots as far as the device table: units started, PCI enumerated, every stream parked, memory free
 * but for image and hypervisor. Once a process. False: *mistake says why not.
 */
bool machine_start(const struct machine_files *files, struct machine_mistake *mistake);

/*
 * The same of a board of which nothing but its tree is known, which stands in machine.topology: its units and the
 * device table, PCI functions left out. What a boot would end for is left alone. Once a process.
 */
void machine_start_units(void);

const char *machine_unit_name(uint32_t unit);

/* One line: what the unit reads on its way from the stream's entry to where the piece begins. */
void machine_print_walk(FILE *out, uint32_t unit, const struct smmuv3_model_reach *piece);

#endif
