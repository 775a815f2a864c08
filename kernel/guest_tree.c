/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/guest_tree.h"

#include <libfdt.h>

#include "kernel/window.h"
#include "lib/format.h"
#include "lib/string.h"

#define GIC_HANDLE 1
#define SPI 0
#define PPI 1
#define SPI_FIRST 32
#define EDGE_RISING 1
#define LEVEL_HIGH 4
#define LEVEL_LOW 8
#define PPI_SECURE_TIMER 13
#define PPI_TIMER 14
#define PPI_VIRTUAL_TIMER 11
#define PPI_HYPERVISOR_TIMER 10
/* Cells of PCI addresses, and of interrupts behind the host (IEEE 1275's PCI binding): configuration space of a
 * device, 32-bit memory; address, pin, controller, its interrupt. */
#define PCI_ADDRESS_CELLS 3
#define PCI_MEMORY_32 0x02000000
#define PCI_DEVICE_SHIFT 11
#define PCI_PINS 7
#define PIN_A 1
#define PCI_RANGE_CELLS 7
#define PCI_LINE_CELLS 8
/* The longest property: base and size of each register range, in two cells each. */
#define CELLS_LIMIT (4 * PCI_BARS)

/* The first error sticks, as in libfdt's own sequential-write functions. */
struct writer {
    void *tree;
    int error;
};

static void check(struct writer *writer, int error)
{
    if (writer->error == 0)
        writer->error = error;
}

static void begin(struct writer *writer, const char *name)
{
    check(writer, fdt_begin_node(writer->tree, name));
}

static void end(struct writer *writer)
{
    check(writer, fdt_end_node(writer->tree));
}

static void text(struct writer *writer, const char *name, const char *value)
{
    check(writer, fdt_property(writer->tree, name, value, (int)strlen(value) + 1));
}

static void flag(struct writer *writer, const char *name)
{
    check(writer, fdt_property(writer->tree, name, NULL, 0));
}

static void numbers(struct writer *writer, const char *name, const uint32_t *values,
                    unsigned int count)
{
    fdt32_t cells[CELLS_LIMIT];

    for (unsigned int i = 0; i < count && i < ARRAY_LENGTH(cells); i++)
        fdt32_st(&cells[i], values[i]);
    check(writer, fdt_property(writer->tree, name, cells, (int)count * (int)sizeof(fdt32_t)));
}

static void number(struct writer *writer, const char *name, uint32_t value)
{
    numbers(writer, name, &value, 1);
}

static void ranges(struct writer *writer, const char *name, const struct topology_range *range,
                   unsigned int count)
{
    uint32_t values[CELLS_LIMIT];
    unsigned int used = 0;

    for (unsigned int i = 0; i < count && used + 4 <= ARRAY_LENGTH(values); i++) {
        values[used++] = (uint32_t)(range[i].base >> 32);
        values[used++] = (uint32_t)range[i].base;
        values[used++] = (uint32_t)(range[i].size >> 32);
        values[used++] = (uint32_t)range[i].size;
    }
    numbers(writer, name, values, used);
}

static void address_cells(struct writer *writer, uint32_t address, uint32_t size)
{
    number(writer, "#address-cells", address);
    number(writer, "#size-cells", size);
}

static void write_machine(struct writer *writer, const struct partition *partition)
{
    const struct topology_range memory = { .base = partition->set->memory_base,
                                           .size = partition->visible_size };
    const struct topology_range gic[] = { arch_guest_layout.distributor,
                                          arch_guest_layout.redistributor };
    const uint32_t timers[] = { PPI,
                                PPI_SECURE_TIMER,
                                LEVEL_LOW,
                                PPI,
                                PPI_TIMER,
                                LEVEL_LOW,
                                PPI,
                                PPI_VIRTUAL_TIMER,
                                LEVEL_LOW,
                                PPI,
                                PPI_HYPERVISOR_TIMER,
                                LEVEL_LOW };

    begin(writer, "memory");
    text(writer, "device_type", "memory");
    ranges(writer, "reg", &memory, 1);
    end(writer);

    begin(writer, "cpus");
    address_cells(writer, 1, 0);
    begin(writer, "cpu@0");
    text(writer, "device_type", "cpu");
    text(writer, "compatible", "arm,armv8");
    text(writer, "enable-method", "psci");
    number(writer, "reg", 0);
    end(writer);
    end(writer);

    begin(writer, "psci");
    check(writer, fdt_property(writer->tree, "compatible", "arm,psci-1.0\0arm,psci-0.2", 26));
    text(writer, "method", "hvc");
    end(writer);

    begin(writer, "timer");
    if (partition->set->aarch32) /* 32-bit kernels may know the older name alone */
        check(writer,
              fdt_property(writer->tree, "compatible", "arm,armv8-timer\0arm,armv7-timer", 32));
    else
        text(writer, "compatible", "arm,armv8-timer");
    numbers(writer, "interrupts", timers, ARRAY_LENGTH(timers));
    flag(writer, "always-on");
    end(writer);

    begin(writer, "interrupt-controller");
    text(writer, "compatible", "arm,gic-v3");
    number(writer, "#interrupt-cells", 3);
    flag(writer, "interrupt-controller");
    ranges(writer, "reg", gic, ARRAY_LENGTH(gic));
    number(writer, "phandle", GIC_HANDLE);
    end(writer);
}

static void write_device(struct writer *writer, const struct partition *partition,
                         const struct device *device)
{
    uint32_t interrupt = partition_interrupt(partition, device);
    struct topology_range registers[PCI_BARS];
    unsigned int count = 0;
    char name[32];

    for (unsigned int i = 0; i < PCI_BARS; i++) {
        registers[count] = device_registers(device, i);
        if (registers[count].size != 0)
            count++;
    }
    format(name, sizeof(name), "device@%x", device->id);
    begin(writer, name);
    text(writer, "compatible", "bulkhead,device");
    number(writer, "bulkhead,device-id", device->id);
    text(writer, "bulkhead,name", device->name);
    if (count != 0)
        ranges(writer, "reg", registers, count);
    if (interrupt != 0)
        numbers(writer, "interrupts", (uint32_t[]){ SPI, interrupt - SPI_FIRST, LEVEL_HIGH }, 3);
    end(writer);
}

/* The value of a property of so many cells, to be filled; NULL where there is no room. */
static fdt32_t *room(struct writer *writer, const char *name, unsigned int count)
{
    void *value = NULL;

    check(writer,
          fdt_property_placeholder(writer->tree, name, (int)count * (int)sizeof(fdt32_t), &value));
    return value;
}

static fdt32_t *put(fdt32_t *cell, const uint32_t *values, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        fdt32_st(cell++, values[i]);
    return cell;
}

/* Where the BARs stand, each by itself: nobody else's registers are named. They are not moved. */
static void write_pci_ranges(struct writer *writer, const struct partition *partition)
{
    fdt32_t *cell = NULL;

    for (unsigned int pass = 0, count = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < partition->device_count; i++) {
            const struct device *device = partition->device[i];

            for (unsigned int bar = 0; device->function != NULL && bar < PCI_BARS; bar++) {
                struct topology_range range = device_registers(device, bar);
                uint64_t size = align_up(range.size, PAGE_SIZE), bus;

                if (size == 0)
                    continue;
                count++;
                bus = pci_bus_address(device->function, bar);
                if (cell != NULL)
                    cell = put(cell,
                               (uint32_t[]){ PCI_MEMORY_32, (uint32_t)(bus >> 32), (uint32_t)bus,
                                             (uint32_t)(range.base >> 32), (uint32_t)range.base,
                                             (uint32_t)(size >> 32), (uint32_t)size },
                               PCI_RANGE_CELLS);
            }
        }
        if (pass == 0)
            cell = room(writer, "ranges", PCI_RANGE_CELLS * count);
    }
}

static void write_pci_lines(struct writer *writer, const struct partition *partition)
{
    fdt32_t *cell = NULL;

    for (unsigned int pass = 0, count = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < partition->device_count; i++) {
            uint32_t interrupt = partition_interrupt(partition, partition->device[i]);

            if (interrupt == 0)
                continue;
            count++;
            if (cell != NULL)
                cell = put(cell,
                           (uint32_t[]){ i << PCI_DEVICE_SHIFT, 0, 0, PIN_A, GIC_HANDLE, SPI,
                                         interrupt - SPI_FIRST, LEVEL_HIGH },
                           PCI_LINE_CELLS);
        }
        if (pass == 0)
            cell = room(writer, "interrupt-map", PCI_LINE_CELLS * count);
    }
}

/* What kernel/vdev/pci_config.c answers at those addresses. */
static void write_pci(struct writer *writer, const struct partition *partition)
{
    char name[32];

    format(name, sizeof(name), "pcie@%lx", partition->config.base);
    begin(writer, name);
    text(writer, "compatible", "pci-host-ecam-generic");
    text(writer, "device_type", "pci");
    address_cells(writer, PCI_ADDRESS_CELLS, 2);
    ranges(writer, "reg", &partition->config, 1);
    numbers(writer, "bus-range", (uint32_t[]){ 0, 0 }, 2);
    write_pci_ranges(writer, partition);
    number(writer, "#interrupt-cells", 1);
    numbers(writer, "interrupt-map-mask", (uint32_t[]){ 0x1F << PCI_DEVICE_SHIFT, 0, 0, PCI_PINS },
            4);
    write_pci_lines(writer, partition);
    end(writer);
}

/* Not a part of /memory: what is there changes under the reader, by another partition and by its end. */
static void write_window(struct writer *writer, const struct window_side *side, uint32_t index)
{
    const struct set_window *set = side->window->set;
    const struct topology_range range = { .base = side->address, .size = set->size };
    char name[32];

    format(name, sizeof(name), "window@%lx", side->address);
    begin(writer, name);
    text(writer, "compatible", "bulkhead,window");
    number(writer, "bulkhead,window", index);
    text(writer, "bulkhead,name", set->name);
    text(writer, "bulkhead,other",
         side->window->side[side == &side->window->side[0]].partition->name);
    ranges(writer, "reg", &range, 1);
    numbers(writer, "interrupts", (uint32_t[]){ SPI, side->interrupt - SPI_FIRST, EDGE_RISING }, 3);
    if (!side->writes)
        flag(writer, "read-only");
    if (set->dma)
        flag(writer, "bulkhead,dma");
    end(writer);
}

bool guest_tree_write(const struct partition *partition, void *buffer)
{
    struct writer writer = { .tree = buffer };

    check(&writer, fdt_create(buffer, (int)GUEST_TREE_SIZE));
    check(&writer, fdt_finish_reservemap(buffer));
    begin(&writer, "");
    text(&writer, "compatible", "bulkhead,partition");
    text(&writer, "model", partition->name);
    address_cells(&writer, 2, 2);
    number(&writer, "interrupt-parent", GIC_HANDLE);
    begin(&writer, "chosen");
    text(&writer, "bootargs", partition->set->bootargs);
    if (partition->config.size != 0)
        number(&writer, "linux,pci-probe-only", 1); /* BARs stay where they are */
    end(&writer);
    write_machine(&writer, partition);
    if (partition->config.size != 0)
        write_pci(&writer, partition);
    begin(&writer, "bulkhead");
    text(&writer, "compatible", "bulkhead,hypervisor");
    text(&writer, "method", "hvc");
    address_cells(&writer, 2, 2);
    flag(&writer, "ranges");
    for (uint32_t i = 0; i < partition->device_count; i++)
        write_device(&writer, partition, partition->device[i]);
    for (uint32_t i = 0; i < partition->window_count; i++)
        write_window(&writer, partition->window[i], i);
    end(&writer);
    end(&writer);
    check(&writer, fdt_finish(buffer));
    return writer.error == 0;
}
