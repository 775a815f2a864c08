/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/fdt_maps.h"

#include <libfdt.h>

#include "lib/log.h"

/* An entry: the first requester id, the controller's handle, its id there, how many. */
#define ENTRY_CELLS 4
#define REQUESTERS 0x10000

struct kind {
    const char *entries, *mask; /* properties */
    uint32_t (*find)(const struct topology *topology, uint32_t handle);
    const char *unknown; /* what is wrong with an entry that leads elsewhere; NULL: nothing */
};

uint32_t fdt_find_iommu(const struct topology *topology, uint32_t handle)
{
    for (uint32_t i = 0; i < topology->iommu_count; i++) {
        if (topology->iommu[i].handle == handle)
            return i;
    }
    return IOMMU_NONE;
}

static uint32_t find_its(const struct topology *topology, uint32_t handle)
{
    for (uint32_t i = 0; i < topology->its_count; i++) {
        if (topology->its[i].handle == handle)
            return i;
    }
    return ITS_NONE;
}

/* NULL, or what is wrong, in the words of an iommu-map. */
static const char *read_entries(const void *tree, int node, const struct kind *kind,
                                const struct topology *topology,
                                struct topology_id_map map[TOPOLOGY_ID_MAPS], uint32_t *count)
{
    int length;
    const fdt32_t *mask = fdt_getprop(tree, node, kind->mask, &length);

    if (mask != NULL &&
        (length != (int)sizeof(*mask) || (fdt32_ld(mask) & (REQUESTERS - 1)) != REQUESTERS - 1))
        return "an iommu-map-mask that merges requester ids";
    const fdt32_t *cell = fdt_getprop(tree, node, kind->entries, &length);

    for (int left = length / (int)sizeof(*cell); left >= ENTRY_CELLS;
         left -= ENTRY_CELLS, cell += ENTRY_CELLS) {
        struct topology_id_map entry = { .first = fdt32_ld(cell),
                                         .iommu = kind->find(topology, fdt32_ld(cell + 1)),
                                         .stream = fdt32_ld(cell + 2),
                                         .count = fdt32_ld(cell + 3) };

        if (entry.iommu == UINT32_MAX && kind->unknown == NULL)
            continue;
        if (entry.iommu == UINT32_MAX)
            return kind->unknown;
        if (*count == TOPOLOGY_ID_MAPS)
            return "more iommu-map entries than the hypervisor keeps";
        if (entry.count == 0 || !range_inside(entry.first, entry.count, 0, REQUESTERS) ||
            entry.stream + (entry.count - 1) < entry.stream)
            return "an iommu-map entry that is empty or out of range";
        map[(*count)++] = entry;
    }
    return NULL;
}

const char *fdt_read_iommu_map(const void *tree, const struct topology *topology,
                               struct topology_pci_host *host)
{
    static const struct kind kind = {
        .entries = "iommu-map",
        .mask = "iommu-map-mask",
        .find = fdt_find_iommu,
        .unknown = "iommu-map names an IOMMU that is not in the tree",
    };

    return read_entries(tree, fdt_path_offset(tree, host->name), &kind, topology, host->map,
                        &host->map_count);
}

void fdt_read_msi_map(const void *tree, const struct topology *topology,
                      struct topology_pci_host *host)
{
    static const struct kind kind = {
        .entries = "msi-map",
        .mask = "msi-map-mask",
        .find = find_its,
    };

    if (read_entries(tree, fdt_path_offset(tree, host->name), &kind, topology, host->msi_map,
                     &host->msi_map_count) == NULL)
        return;
    host->msi_map_count = 0;
    log_warning("%s: its msi-map merges ids, leaves their range, or is too long: no MSI behind it",
                host->name);
}
