/* SPDX-License-Identifier: Apache-2.0 */
#include "columns.h"

#include <stdio.h>

#include "arch/seam.h"
#include "kernel/message.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "machine.h"

struct columns columns;

extern char __executable_start[], _end[];

static struct column *add(const struct partition *owner, const char *name, const char *what)
{
    struct column *column = &columns.column[columns.count++];

    *column = (struct column){ .owner = owner };
    snprintf(column->what, sizeof(column->what), "%s%s", name, what);
    return column;
}

static void add_range(struct column *column, struct topology_range range)
{
    if (range.size != 0 && column->range_count < COLUMN_RANGES)
        column->range[column->range_count++] = range;
}

static void add_partitions(void)
{
    for (uint32_t i = 0; i < partitions.count; i++) {
        const struct partition *partition = &partitions.partition[i];
        uint64_t pool = partition->physical + partition->visible_size;
        struct column *memory = add(partition, partition->name, "");

        add_range(memory, (struct topology_range){ partition->physical, partition->visible_size });
        memory->shown = 1;
        memory = add(NULL, partition->name, ": its table pool");
        add_range(memory, (struct topology_range){ pool, partition->set->memory_size -
                                                             partition->visible_size });
        memory->shown = 1;
    }
}

static void add_windows(void)
{
    for (uint32_t i = 0; i < windows.count; i++) {
        const struct window *window = &windows.window[i];
        struct column *column = add(NULL, window->set->name, ": window");

        column->window = window;
        add_range(column, (struct topology_range){ window->physical, window->set->size });
        column->shown = 1;
    }
}

static bool is_listed(const struct device *device)
{
    bool listed = false;

    for (uint32_t i = 0; i < partitions.count; i++)
        listed = listed || partition_device(&partitions.partition[i], device->id) != NULL;
    return listed;
}

/* Of each message unit that a device of somebody's uses: the page behind which its own registers do not lie. */
static void add_doorbells(void)
{
    for (uint32_t u = 0; u < messages.unit_count; u++) {
        const struct message_unit *unit = &messages.unit[u];
        bool used = false;

        for (uint32_t i = 0; i < devices.count; i++)
            used = used ||
                   (devices.device[i].message_unit == unit &&
                    message_vectors(&devices.device[i]) != 0 && is_listed(&devices.device[i]));
        if (!used)
            continue;
        struct column *column = add(NULL, unit->topology->name, ": doorbell");

        column->doorbell = unit;
        add_range(column,
                  (struct topology_range){ align_down(unit->doorbell, PAGE_SIZE), PAGE_SIZE });
        column->shown = 1;
    }
}

/* On the host the image's globals are those of this program. */
static void add_hypervisor(void)
{
    struct column *column = add(NULL, "Bulkhead", ": tables and queues");
    uint64_t start = (uint64_t)(uintptr_t)__executable_start;

    add_range(column, machine.own);
    add_range(column, machine.image);
    column->shown = column->range_count;
    column->second = "Bulkhead: image";
    add_range(column, (struct topology_range){ start, (uint64_t)(uintptr_t)_end - start });
}

static void add_registers(void)
{
    const struct topology *topology = &machine.topology;
    struct column *column = add(NULL, "registers",
                                ": interrupt controller, IOMMUs, PCI, every node");

    for (uint32_t i = 0; i < topology->gic_range_count; i++)
        add_range(column, topology->gic_range[i]);
    for (uint32_t i = 0; i < topology->its_count; i++)
        add_range(column, topology->its[i].registers);
    add_range(column, topology->serial);
    for (uint32_t i = 0; i < topology->iommu_count; i++)
        add_range(column, topology->iommu[i].registers);
    for (uint32_t h = 0; h < topology->host_count; h++) {
        const struct topology_pci_host *host = &topology->host[h];

        add_range(column, host->ecam);
        for (uint32_t w = 0; w < host->window_count; w++)
            add_range(column,
                      (struct topology_range){ host->window[w].cpu_base, host->window[w].size });
    }
    for (uint32_t i = 0; i < topology->block_count; i++) {
        for (uint32_t r = 0; r < topology->block[i].register_count; r++)
            add_range(column, topology->block[i].registers[r]);
    }
}

void columns_build(void)
{
    columns.count = 0;
    add_partitions();
    add_windows();
    add_doorbells(); /* before the registers, of which they are some */
    add_hypervisor();
    add_registers();
    add(NULL, "everything else", "");
}

uint32_t columns_find(uint64_t address, uint64_t *end)
{
    for (uint32_t c = 0; c < columns.count; c++) {
        const struct column *column = &columns.column[c];

        for (uint32_t r = 0; r < column->range_count; r++) {
            uint64_t base = column->range[r].base;

            if (address - base < column->range[r].size) {
                *end = min_u64(*end, base + column->range[r].size);
                return c;
            }
            if (base > address)
                *end = min_u64(*end, base);
        }
    }
    return columns.count - 1;
}

int columns_letter(uint32_t column)
{
    return column < 26 ? (int)('A' + column) : (int)('a' + column - 26);
}

static void print_line(int letter, const char *where, const char *what)
{
    printf("  %c  %-25s  %s\n", letter, where, what);
}

void columns_print(void)
{
    char where[64];

    for (uint32_t c = 0; c < columns.count; c++) {
        const struct column *column = &columns.column[c];
        int letter = columns_letter(c);

        snprintf(where, sizeof(where), "%u ranges", column->range_count);
        if (column->shown == 0)
            print_line(letter, column->range_count != 0 ? where : "", column->what);
        for (uint32_t r = 0; r < column->shown; r++) {
            const struct topology_range *range = &column->range[r];

            snprintf(where, sizeof(where), "0x%08llx-0x%08llx", (unsigned long long)range->base,
                     (unsigned long long)(range->base + range->size - 1));
            print_line(r == 0 ? letter : ' ', where, r == 0 ? column->what : column->second);
        }
    }
}
