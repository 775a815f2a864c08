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
    end(&writer);
    write_machine(&writer, partition);
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
