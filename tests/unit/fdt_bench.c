/* SPDX-License-Identifier: Apache-2.0 */
#include "fdt_bench.h"

#include <stdio.h>
#include <string.h>

#include "edit.h"

#define GIC "/intc@8000000"

_Alignas(8) uint8_t fdt_blob[TREE_SIZE_LIMIT];
_Alignas(8) uint8_t fdt_copy[TREE_SIZE_LIMIT];
struct topology fdt_found;
struct topology_error fdt_error;

bool fdt_bench_take(void)
{
    fdt_error = (struct topology_error){ 0 };
    return fdt_take(fdt_blob, fdt_copy, sizeof(fdt_copy), &fdt_error) &&
           fdt_read_topology(fdt_copy, &fdt_found, &fdt_error);
}

bool fdt_bench_read(void (*edit)(void *tree))
{
    struct tree_options options = machine_tree_plain();

    options.edit = edit;
    options.initrd_size = 0x1000;
    machine_reset();
    machine_tree(fdt_blob, sizeof(fdt_blob), &options);
    return fdt_bench_take();
}

void expect_refused(void (*edit)(void *tree), const char *node, const char *text)
{
    if (fdt_bench_read(edit))
        fail_msg("accepted; expected: %s: %s", node, text);
    assert_non_null(fdt_error.text);
    if (strstr(fdt_error.text, text) == NULL || strcmp(fdt_error.node, node) != 0)
        fail_msg("refused with \"%s: %s\", not \"%s: %s\"", fdt_error.node, fdt_error.text, node,
                 text);
}

void expect_accepted(void (*edit)(void *tree))
{
    if (!fdt_bench_read(edit))
        fail_msg("refused: %s: %s", fdt_error.node, fdt_error.text);
}

void edit_its(void *tree, uint64_t base, uint32_t handle)
{
    char name[32], path[64];

    snprintf(name, sizeof(name), "its@%llx", (unsigned long long)base);
    snprintf(path, sizeof(path), GIC "/%s", name);
    edit_flag(tree, GIC, "ranges");
    EDIT_CELLS(tree, GIC, "#size-cells", 2);
    edit_add(tree, GIC, name);
    edit_text(tree, path, "compatible", "arm,gic-v3-its");
    edit_flag(tree, path, "msi-controller");
    EDIT_CELLS(tree, path, "reg", 0, (uint32_t)base, 0, 0x20000);
    EDIT_CELLS(tree, path, "phandle", handle);
}

void edit_msi_map(void *tree, uint32_t handle)
{
    EDIT_CELLS(tree, "/pcie@3f000000", "msi-map", 0, handle, 0, 0x10000);
}

const struct topology_block *fdt_bench_block(const char *name)
{
    for (uint32_t i = 0; i < fdt_found.block_count; i++) {
        if (strcmp(fdt_found.block[i].name, name) == 0)
            return &fdt_found.block[i];
    }
    return NULL;
}
