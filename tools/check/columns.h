/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of the isolation matrix: all physical addresses, by what is there. */
#ifndef TOOLS_CHECK_COLUMNS_H
#define TOOLS_CHECK_COLUMNS_H

#include "drivers/topology/topology.h"
#include "kernel/limits.h"

#define COLUMN_LIMIT (2 * PARTITION_LIMIT + WINDOW_LIMIT + TOPOLOGY_ITS + 3)
#define COLUMN_RANGES 160

struct partition;
struct window;
struct message_unit;

struct column {
    char what[64];
    const char *second;                  /* what the second range that is shown is */
    const struct partition *owner;       /* of memory that may be mapped; NULL: nobody may */
    const struct window *window;         /* whose frames they are; NULL: no window's */
    const struct message_unit *doorbell; /* to which messages are written; NULL: none is */
    uint32_t shown;                      /* ranges worth a line of their own */
    uint32_t range_count;
    struct topology_range range[COLUMN_RANGES];
};

struct columns {
    uint32_t count;
    struct column column[COLUMN_LIMIT]; /* the last is whatever is in no other */
};

extern struct columns columns;

/* Partitions' memory and pools, windows, doorbells, the hypervisor, registers, all else. After the plan. */
void columns_build(void);

/* The column of an address, and where the stretch of that column ends at the latest: *end is
 * lowered to it. */
uint32_t columns_find(uint64_t address, uint64_t *end);

/* What the column with that number is called in a line. */
int columns_letter(uint32_t column);

/* The columns' letters, addresses and meaning. */
void columns_print(void);

#endif
