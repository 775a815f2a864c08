/* SPDX-License-Identifier: Apache-2.0 */
/* What the board's description says beyond the early closer's table (boards/<name>/board.dts). */
#ifndef KERNEL_BOARD_H
#define KERNEL_BOARD_H

#include "lib/types.h"

struct board {
    bool root_isolates; /* the board vouches that its root complexes route nothing peer to peer */
    uint32_t virtual_functions; /* that each physical one is given, at most */
    bool virtual_isolated;      /* the board vouches that they do not reach each other inside */
    char model[32];
    char firmware_tables[16]; /* whose reader completes the device tree; empty: the tree says all */
    char serial_compatible[32]; /* of the port that speaks before the device tree has been read */
    const char *trusted;        /* in the board's tree: a list of texts */
    int trusted_length;
};

/* Reads the tree that is part of the image, or any other for the host, of size bytes. False: not a board's
 * tree, which stays where it is. Boot only. Work: the size of the tree. */
bool board_read(const void *tree, uint64_t size, struct board *board);

/* Whether the board answers for masters of that compatible that no IOMMU stands before. */
bool board_trusts(const struct board *board, const char *compatible);

#endif
