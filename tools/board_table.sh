#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the assembler table of a board that the early closer reads: board_table.sh BOARD.dtb > table.S
set -eu
tree=$1

# One "0xHIGH 0xLOW" pair a line for the first two cells of a property.
address() {
    fdtget -t x "$tree" "$1" "$2" | { read -r high low _; printf '    .quad (0x%s << 32) | 0x%s\n' "$high" "$low"; }
}

echo '/* Made from a board description by tools/board_table.sh. */'
echo '    .section .rodata, "a"'
echo '    .balign 8'
echo '    .globl board_smmuv3_bases, board_smmuv3_count, board_serial, board_device_tree'
echo 'board_smmuv3_bases:'
count=0
for node in $(fdtget -l "$tree" /iommus 2> /dev/null); do
    address "/iommus/$node" reg
    count=$((count + 1))
done
[ "$count" -le 8 ] || { echo "board_table.sh: $tree names $count IOMMUs, at most 8 are supported" >&2; exit 1; }
[ "$count" -gt 0 ] || { echo "board_table.sh: $tree names no IOMMU under /iommus" >&2; exit 1; }
echo 'board_smmuv3_count:'
echo "    .quad $count"
for property in serial device-tree; do
    echo "board_$property:" | tr - _
    if fdtget -t x "$tree" / "$property" > /dev/null 2>&1; then address / "$property"; else echo '    .quad 0'; fi
done
