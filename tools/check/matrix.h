/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The isolation matrix: for each device of the set and each partition that may bind it, what the
 * device reaches when that partition has mapped all it can. Partitions are played through the
 * hypervisor's own hypercalls; what is reached says the model of the IOMMU, stream by stream.
 */
#ifndef TOOLS_CHECK_MATRIX_H
#define TOOLS_CHECK_MATRIX_H

#include "lib/types.h"

/* Plays every partition with every device of the planned set. The machine was started. */
void matrix_walk(void);

/* The table, on standard output. */
void matrix_print(void);

/* Its columns and rows, and how many findings there are, as records. */
void matrix_record(void);

/* Tells what was found that must not be, on standard error, with the walks; how many findings. file:
 * what the partitions' nodes are looked for in. */
uint32_t matrix_print_findings(const char *file);

#endif
