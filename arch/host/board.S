/* SPDX-License-Identifier: Apache-2.0 */
/* The board's part of the image, for the host: see tools/board_table.sh and arch/boot.h. */
#include BOARD_TABLE
    .balign 8
    .globl board_tree_start, board_tree_end
board_tree_start:
    .incbin BOARD_TREE
board_tree_end:
    .section .note.GNU-stack, "", @progbits
