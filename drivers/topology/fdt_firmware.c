/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that firmware keeps for masters, as a device tree says it (Devicetree Specification 3.5 and the binding
 * of reserved memory): a master's memory-region names children of /reserved-memory. Where such a child has
 * iommu-addresses, that says for which masters, and at which addresses of theirs.
 */
#include <libfdt.h>

#include "drivers/topology/fdt_maps.h"
#include "lib/log.h"

static uint64_t number(const fdt32_t *cell, uint32_t cells)
{
    uint64_t value = 0;

    while (cells-- > 0)
        value = value << 32 | fdt32_ld(cell++);
    return value;
}

/* Whether the region is meant for that master. *elsewhere: at other addresses than its own, as far as can be
 * told. */
static bool is_for(const void *tree, int region, int master, bool *elsewhere)
{
    int length, bus = fdt_parent_offset(tree, master);
    uint32_t address = fdt_child_cells(tree, bus, "#address-cells", 2);
    uint32_t size = fdt_child_cells(tree, bus, "#size-cells", 1);
    const fdt32_t *cell = fdt_getprop(tree, region, "iommu-addresses", &length);
    struct topology_range own, more;
    bool found = cell == NULL;

    if (!fdt_range(tree, region, 0, &own))
        return false;
    *elsewhere = cell != NULL && (address > 2 || size > 2 || fdt_range(tree, region, 1, &more));
    if (*elsewhere)
        return true;
    int entry = 1 + (int)(address + size);

    for (int left = length / (int)sizeof(*cell); left >= entry; left -= entry, cell += entry) {
        if (fdt32_ld(cell) != fdt_get_phandle(tree, master))
            continue;
        found = true;
        *elsewhere = *elsewhere || number(cell + 1, address) != own.base ||
                     number(cell + 1 + address, size) != own.size;
    }
    return found;
}

/* Those that the operating system hands out, or that it is to place, are nobody's yet. */
static bool is_kept(const void *tree, int region)
{
    int length;
    const char *status = fdt_getprop(tree, region, "status", &length);

    return (status == NULL || (length > 1 && status[0] == 'o' && status[1] == 'k')) &&
           fdt_node_check_compatible(tree, region, "shared-dma-pool") != 0;
}

static const char *add_region(const void *tree, int region, struct topology *topology,
                              const struct topology_block *block)
{
    struct topology_range memory;

    for (unsigned int i = 0; fdt_range(tree, region, i, &memory); i++) {
        for (uint32_t s = 0; s < block->stream_count; s++) {
            if (!topology_add_firmware(topology, block->iommu, block->stream[s], 1, memory))
                return "has more memory of firmware's than the hypervisor keeps";
        }
    }
    return NULL;
}

static const char *add_regions(const void *tree, struct topology *topology,
                               const struct topology_block *block)
{
    int length, node = fdt_path_offset(tree, block->name);
    const fdt32_t *cell = fdt_getprop(tree, node, "memory-region", &length);
    const char *reason = NULL;

    for (int left = length / (int)sizeof(*cell); reason == NULL && left > 0; left--, cell++) {
        int region = fdt_node_offset_by_phandle(tree, fdt32_ld(cell));
        bool elsewhere;

        if (region < 0)
            return "has a memory-region that is not in the tree";
        if (!is_kept(tree, region) || !is_for(tree, region, node, &elsewhere))
            continue;
        if (elsewhere)
            return "has memory of firmware's at other addresses than its own: not supported";
        reason = add_region(tree, region, topology, block);
    }
    return reason;
}

const char *fdt_read_firmware(const void *tree, struct topology *topology,
                              const struct topology_block *block)
{
    uint32_t before = topology->firmware_count;
    const char *reason = add_regions(tree, topology, block);

    if (reason == NULL)
        return NULL;
    topology->firmware_count = before;
    log_warning("%s %s: it stays blocked", block->name, reason);
    return reason;
}
