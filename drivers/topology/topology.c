/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/topology.h"

uint32_t topology_stream(const struct topology_pci_host *host, uint32_t requester, uint32_t *stream)
{
    for (uint32_t i = 0; i < host->map_count; i++) {
        const struct topology_id_map *map = &host->map[i];

        if (requester >= map->first && requester - map->first < map->count) {
            *stream = map->stream + (requester - map->first);
            return map->iommu;
        }
    }
    return IOMMU_NONE;
}
