/* SPDX-License-Identifier: Apache-2.0 */
/* A topology in lines, to compare what two readers made of one machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi_bench.h"

#define LINES 256
#define LINE 160

static char lines[LINES][LINE];
static unsigned int count;

static void say(const char *text, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *text, ...)
{
    va_list arguments;

    assert_true(count < LINES);
    va_start(arguments, text);
    assert_true(vsnprintf(lines[count++], LINE, text, arguments) < LINE);
    va_end(arguments);
}

static void say_range(const char *what, struct topology_range range)
{
    say("%s 0x%llx +0x%llx", what, (unsigned long long)range.base, (unsigned long long)range.size);
}

static unsigned long long unit_base(const struct topology *topology, uint32_t unit)
{
    assert_true(unit < topology->iommu_count);
    return topology->iommu[unit].registers.base;
}

static unsigned long long its_base(const struct topology *topology, uint32_t its)
{
    assert_true(its < topology->its_count);
    return topology->its[its].registers.base;
}

static void say_host(const struct topology *topology, const struct topology_pci_host *host)
{
    char name[32];

    snprintf(name, sizeof(name), "pci 0x%llx", (unsigned long long)host->ecam.base);
    say("%s +0x%llx: segment %u, buses %u to %u", name, (unsigned long long)host->ecam.size,
        host->segment, host->bus_first, host->bus_last);
    for (uint32_t i = 0; i < host->window_count; i++)
        say("%s window 0x%llx at 0x%llx +0x%llx%s%s", name,
            (unsigned long long)host->window[i].pci_base,
            (unsigned long long)host->window[i].cpu_base, (unsigned long long)host->window[i].size,
            host->window[i].wide ? " wide" : "", host->window[i].prefetchable ? " prefetch" : "");
    for (uint32_t i = 0; i < host->map_count; i++)
        say("%s ids 0x%x +0x%x -> iommu 0x%llx stream 0x%x", name, host->map[i].first,
            host->map[i].count, unit_base(topology, host->map[i].iommu), host->map[i].stream);
    for (uint32_t i = 0; i < host->msi_map_count; i++)
        say("%s messages of 0x%x +0x%x -> its 0x%llx device 0x%x", name, host->msi_map[i].first,
            host->msi_map[i].count, its_base(topology, host->msi_map[i].iommu),
            host->msi_map[i].stream);
    for (uint32_t i = 0; i < host->pin_count; i++)
        say("%s pin %u of 0x%x (0x%x, 0x%x) -> %u", name, host->pin[i].pin, host->pin[i].address,
            host->pin_mask, host->pin_address_mask, host->pin[i].interrupt);
}

static void say_block(const struct topology *topology, const struct topology_block *block)
{
    char name[96];

    snprintf(name, sizeof(name), "block %s 0x%llx", block->compatible,
             (unsigned long long)block->registers[0].base);
    for (uint32_t i = 0; i < block->register_count; i++)
        say_range(name, block->registers[i]);
    say("%s%s%s", name, block->infrastructure ? " infrastructure" : "",
        block->masters ? " masters" : "");
    for (uint32_t i = 0; i < block->stream_count; i++)
        say("%s -> iommu 0x%llx stream 0x%x", name, unit_base(topology, block->iommu),
            block->stream[i]);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

void topology_dump(const struct topology *topology, char text[DUMP_SIZE])
{
    size_t used = 0;

    count = 0;
    for (uint32_t i = 0; i < topology->memory_count; i++)
        say_range("memory", topology->memory[i]);
    for (uint32_t i = 0; i < topology->reserved_count; i++)
        say_range("reserved", topology->reserved[i]);
    for (uint32_t i = 0; i < topology->cpu_count; i++)
        say("cpu %u: 0x%llx", i, (unsigned long long)topology->cpu[i].affinity);
    say("psci %u smc %u gicv3 %u regions %u stride 0x%llx", topology->psci, topology->psci_smc,
        topology->gicv3, topology->gic_redistributors, (unsigned long long)topology->gic_stride);
    for (uint32_t i = 0; i < topology->gic_range_count; i++)
        say_range("gic", topology->gic_range[i]);
    say("serial %s interrupt %u", topology->serial_compatible, topology->serial_interrupt);
    say_range("serial", topology->serial);
    say_range("initrd", topology->initrd);
    for (uint32_t i = 0; i < topology->iommu_count; i++) {
        const struct topology_iommu *unit = &topology->iommu[i];

        say("iommu %s 0x%llx +0x%llx: events %u, errors %u%s", unit->compatible,
            (unsigned long long)unit->registers.base, (unsigned long long)unit->registers.size,
            unit->event_interrupt, unit->error_interrupt, unit->coherent ? ", coherent" : "");
    }
    for (uint32_t i = 0; i < topology->its_count; i++)
        say_range("its", topology->its[i].registers);
    for (uint32_t i = 0; i < topology->host_count; i++)
        say_host(topology, &topology->host[i]);
    for (uint32_t i = 0; i < topology->block_count; i++)
        say_block(topology, &topology->block[i]);
    for (uint32_t i = 0; i < topology->firmware_count; i++) {
        const struct topology_firmware *firmware = &topology->firmware[i];

        say("firmware iommu 0x%llx streams 0x%x +0x%x: 0x%llx +0x%llx",
            unit_base(topology, firmware->iommu), firmware->stream, firmware->count,
            (unsigned long long)firmware->memory.base, (unsigned long long)firmware->memory.size);
    }
    for (uint32_t i = 0; i < TOPOLOGY_LINES; i++) {
        if (topology_line_taken(topology, i))
            say("line %u is taken", i);
    }
    qsort(lines, count, LINE, compare);
    for (unsigned int i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, DUMP_SIZE - used, "%s\n", lines[i]);
    assert_true(used < DUMP_SIZE);
}
