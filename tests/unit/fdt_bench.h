/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of device trees (drivers/topology/fdt.c) on the machine's tree with one change to it. */
#ifndef TESTS_FDT_BENCH_H
#define TESTS_FDT_BENCH_H

#include <stdbool.h>

#include "drivers/topology/fdt.h"
#include "machine.h"

/* The tree as a boot loader leaves it, the hypervisor's copy, and what the reader made of it. */
extern uint8_t fdt_blob[TREE_SIZE_LIMIT], fdt_copy[TREE_SIZE_LIMIT];
extern struct topology fdt_found;
extern struct topology_error fdt_error;

/* Makes the tree, edits it (NULL: it stays as it is), takes it and reads it. */
bool fdt_bench_read(void (*edit)(void *tree));
/* Takes and reads what stands in fdt_blob. */
bool fdt_bench_take(void);
/* The same as a test: fails it if the tree is accepted, or refused with another text or node. */
void expect_refused(void (*edit)(void *tree), const char *node, const char *text);
void expect_accepted(void (*edit)(void *tree));

/* Adds an ITS below the GIC, as an edit. */
void edit_its(void *tree, uint64_t base, uint32_t handle);
/* Messages of all functions go to the unit of that handle. */
void edit_msi_map(void *tree, uint32_t handle);

/* The block of that name; NULL: none. */
const struct topology_block *fdt_bench_block(const char *name);

#endif
