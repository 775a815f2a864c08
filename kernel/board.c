/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/board.h"

#include <libfdt.h>

#include "lib/format.h"

bool board_read(const void *tree, uint64_t size, struct board *board)
{
    int length;

    if (fdt_check_full(tree, size) != 0 ||
        fdt_node_check_compatible(tree, 0, "bulkhead,board") != 0)
        return false;
    int pci = fdt_path_offset(tree, "/pci");
    const char *model = fdt_getprop(tree, 0, "model", &length);

    board->root_isolates = pci >= 0 &&
                           fdt_getprop(tree, pci, "root-complex-isolates", &length) != NULL;
    const fdt32_t *functions = pci >= 0 ? fdt_getprop(tree, pci, "virtual-functions", &length)
                                        : NULL;

    board->virtual_functions = functions != NULL && length == (int)sizeof(*functions)
                                   ? fdt32_ld(functions)
                                   : 0;
    board->virtual_isolated = pci >= 0 &&
                              fdt_getprop(tree, pci, "virtual-functions-isolated", &length) != NULL;
    const char *serial = fdt_getprop(tree, 0, "serial-compatible", &length);

    const char *tables = fdt_getprop(tree, 0, "firmware-tables", &length);

    format(board->firmware_tables, sizeof(board->firmware_tables), "%s",
           tables != NULL ? tables : "");
    board->trusted = fdt_getprop(tree, 0, "trusted-masters", &board->trusted_length);

    format(board->serial_compatible, sizeof(board->serial_compatible), "%s",
           serial != NULL ? serial : "arm,pl011");
    format(board->model, sizeof(board->model), "%s", model != NULL ? model : "unnamed");
    return true;
}

bool board_trusts(const struct board *board, const char *compatible)
{
    return board->trusted != NULL &&
           fdt_stringlist_contains(board->trusted, board->trusted_length, compatible) != 0;
}
