/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/topology.h"

#include "lib/string.h"

/* IHI 0069 12.10. */
#define ITS_FRAME 0x10000
#define ITS_FRAMES 0x20000

extern const struct topology_reader topology_readers_start[], topology_readers_end[];

const struct topology_reader *topology_find_reader(const char *name)
{
    for (const struct topology_reader *r = topology_readers_start; r < topology_readers_end; r++) {
        if (strcmp(r->name, name) == 0)
            return r;
    }
    return NULL;
}

#define ECAM_BUS_SHIFT 20
#define WINDOW_GRANULE BIT(20) /* of a bridge's window */

/* The part of one of so many hosts, with that bus first and that one last. */
static void take_part(struct topology_pci_host *part, uint32_t number, uint32_t of, uint32_t first,
                      uint32_t last)
{
    part->ecam.base += (uint64_t)(first - part->bus_first) << ECAM_BUS_SHIFT;
    part->ecam.size = (uint64_t)(last + 1 - first) << ECAM_BUS_SHIFT;
    part->bus_first = (uint8_t)first;
    part->bus_last = (uint8_t)last;
    for (uint32_t i = 0; i < part->window_count; i++) {
        struct topology_pci_window *window = &part->window[i];

        window->size = align_down(window->size / of, WINDOW_GRANULE);
        window->cpu_base += number * window->size;
        window->pci_base += number * window->size;
    }
    if (number != 0)
        part->pin_count = 0;
}

bool topology_divide_host(struct topology *topology, uint32_t index, const uint8_t *root,
                          uint32_t count)
{
    struct topology_pci_host *host = &topology->host[index];

    if (count > TOPOLOGY_PCI_HOSTS - topology->host_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct topology_pci_host *part = &topology->host[topology->host_count++];

        *part = *host;
        take_part(part, i + 1, count + 1, root[i],
                  i + 1 < count ? root[i + 1] - 1u : host->bus_last);
    }
    if (count != 0)
        take_part(host, 0, count + 1, host->bus_first, root[0] - 1u);
    return true;
}

/* What the maps lead the requester id to, and as which id there; UINT32_MAX: to nothing. */
static uint32_t follow(const struct topology_id_map *map, uint32_t count, uint32_t requester,
                       uint32_t *id)
{
    for (; count != 0; count--, map++) {
        /* Below the first it wraps to what no map counts. */
        if (requester - map->first < map->count) {
            *id = map->stream + (requester - map->first);
            return map->iommu;
        }
    }
    return UINT32_MAX;
}

uint32_t topology_stream(const struct topology_pci_host *host, uint32_t requester, uint32_t *stream)
{
    return follow(host->map, host->map_count, requester, stream);
}

uint32_t topology_event_device(const struct topology_pci_host *host, uint32_t requester,
                               uint32_t *device_id)
{
    return follow(host->msi_map, host->msi_map_count, requester, device_id);
}

bool topology_its_fits(struct topology_range registers)
{
    return registers.size >= ITS_FRAMES && is_aligned(registers.base, ITS_FRAME) &&
           range_valid(registers.base, registers.size);
}

uint32_t topology_line(const struct topology_pci_host *host, uint32_t requester, uint32_t pin)
{
    for (uint32_t i = 0; i < host->pin_count; i++) {
        if (host->pin[i].address == (requester << 8 & host->pin_address_mask) &&
            host->pin[i].pin == (pin & host->pin_mask))
            return host->pin[i].interrupt;
    }
    return INTERRUPT_NONE;
}

bool topology_line_taken(const struct topology *topology, uint32_t line)
{
    return line < TOPOLOGY_LINES && (topology->taken_lines[line / 64] & BIT(line % 64)) != 0;
}

const char *topology_add_stream(struct topology_block *block, uint32_t iommu, uint32_t stream)
{
    if (block->stream_count != 0 && iommu != block->iommu)
        return "masters behind several IOMMUs";
    block->iommu = iommu;
    for (uint32_t i = 0; i < block->stream_count; i++) {
        if (block->stream[i] == stream)
            return NULL;
    }
    if (block->stream_count == TOPOLOGY_STREAMS)
        return "has more stream ids than the hypervisor keeps";
    block->stream[block->stream_count++] = stream;
    return NULL;
}

bool topology_add_firmware(struct topology *topology, uint32_t iommu, uint32_t stream,
                           uint32_t count, struct topology_range memory)
{
    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_firmware *known = &topology->firmware[i];

        if (known->iommu == iommu && known->stream == stream && known->count == count &&
            known->memory.base == memory.base && known->memory.size == memory.size)
            return true;
    }
    if (topology->firmware_count == TOPOLOGY_FIRMWARE)
        return false;
    topology->firmware[topology->firmware_count++] = (struct topology_firmware){
        .iommu = iommu, .stream = stream, .count = count, .memory = memory
    };
    return true;
}

bool topology_is_firmware(const struct topology *topology, uint32_t iommu, uint32_t stream)
{
    bool found = false;

    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_firmware *firmware = &topology->firmware[i];

        found = found || (firmware->iommu == iommu && stream - firmware->stream < firmware->count);
    }
    return found;
}

bool topology_has_infrastructure(const struct topology *topology, struct topology_range range)
{
    bool found = topology_overlap(range, topology->serial);

    for (uint32_t i = 0; i < topology->gic_range_count; i++)
        found = found || topology_overlap(range, topology->gic_range[i]);
    for (uint32_t i = 0; i < topology->its_count; i++)
        found = found || topology_overlap(range, topology->its[i].registers);
    for (uint32_t i = 0; i < topology->iommu_count; i++)
        found = found || topology_overlap(range, topology->iommu[i].registers);
    for (uint32_t h = 0; h < topology->host_count; h++) {
        const struct topology_pci_host *host = &topology->host[h];

        found = found || topology_overlap(range, host->ecam);
        for (uint32_t w = 0; w < host->window_count; w++)
            found = found ||
                    topology_overlap(range, (struct topology_range){ host->window[w].cpu_base,
                                                                     host->window[w].size });
    }
    return found;
}

bool topology_has_rest(const struct topology *topology, struct topology_range range)
{
    bool found = false;

    for (uint32_t i = 0; i < topology->rest_count; i++)
        found = found || topology_overlap(range, topology->rest[i]);
    return found;
}

bool topology_has_block(const struct topology *topology, struct topology_range range,
                        uint32_t aside)
{
    bool found = false;

    for (uint32_t i = 0; i < topology->block_count; i++) {
        for (uint32_t r = 0; i != aside && r < topology->block[i].register_count; r++)
            found = found || topology_overlap(range, topology->block[i].registers[r]);
    }
    return found;
}

uint32_t topology_stream_count(const struct topology *topology, uint32_t unit)
{
    uint64_t count = 1;

    for (uint32_t h = 0; h < topology->host_count; h++) {
        const struct topology_pci_host *host = &topology->host[h];

        for (uint32_t i = 0; i < host->map_count; i++) {
            const struct topology_id_map *map = &host->map[i];

            if (map->iommu == unit)
                count = max_u64(count, (uint64_t)map->stream + map->count);
        }
    }
    for (uint32_t i = 0; i < topology->block_count; i++) {
        const struct topology_block *block = &topology->block[i];

        for (uint32_t s = 0; block->iommu == unit && s < block->stream_count; s++)
            count = max_u64(count, (uint64_t)block->stream[s] + 1);
    }
    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_firmware *firmware = &topology->firmware[i];

        if (firmware->iommu == unit)
            count = max_u64(count, (uint64_t)firmware->stream + firmware->count);
    }
    return (uint32_t)min_u64(count, UINT32_MAX);
}
