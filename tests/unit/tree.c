/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's device tree (as QEMU's virt machine writes it), the set, and the bundle. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "kernel/bundle.h"
#include "machine.h"

#define UNIT_HANDLE(unit) (0x8000u + (unit))
#define GIC_HANDLE 0x8100

/* Cells are few; sizes and addresses take two of them. */
static void cells(void *tree, const char *name, const uint32_t *values, unsigned int count)
{
    fdt32_t cell[192];

    assert_true(count <= ARRAY_LENGTH(cell));
    for (unsigned int i = 0; i < count; i++)
        cell[i] = cpu_to_fdt32(values[i]);
    assert_int_equal(fdt_property(tree, name, cell, (int)(count * sizeof(cell[0]))), 0);
}

#define CELLS(tree, name, ...)                                                                     \
    cells(tree, name, (const uint32_t[]){ __VA_ARGS__ },                                           \
          sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
#define HIGH(value) ((uint32_t)((uint64_t)(value) >> 32))
#define LOW(value) ((uint32_t)(value))

static void text(void *tree, const char *name, const char *value)
{
    assert_int_equal(fdt_property(tree, name, value, (int)strlen(value) + 1), 0);
}

static void begin(void *tree, const char *name)
{
    assert_int_equal(fdt_begin_node(tree, name), 0);
}

static void end(void *tree)
{
    assert_int_equal(fdt_end_node(tree), 0);
}

static size_t finish(void *tree, void (*edit)(void *tree))
{
    static _Alignas(8) uint8_t room[TREE_SIZE_LIMIT + 0x2000];

    assert_int_equal(fdt_finish(tree), 0);
    if (edit == NULL)
        return fdt_totalsize(tree);
    assert_int_equal(fdt_open_into(tree, room, (int)fdt_totalsize(tree) + 0x1000), 0);
    edit(room);
    assert_int_equal(fdt_pack(room), 0);
    memcpy(tree, room, fdt_totalsize(room));
    return fdt_totalsize(tree);
}

static void write_cpus(void *tree, unsigned int count)
{
    char name[16];

    begin(tree, "cpus");
    CELLS(tree, "#address-cells", 1);
    CELLS(tree, "#size-cells", 0);
    for (unsigned int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "cpu@%x", i);
        begin(tree, name);
        text(tree, "device_type", "cpu");
        CELLS(tree, "reg", i);
        end(tree);
    }
    end(tree);
}

static void write_unit(void *tree, unsigned int unit, bool disabled)
{
    static const char names[] = "eventq\0priq\0cmdq-sync\0gerror";
    uint64_t base = UNIT_BASE + unit * UNIT_STRIDE;
    char name[32];

    snprintf(name, sizeof(name), "smmuv3@%llx", (unsigned long long)base);
    begin(tree, name);
    text(tree, "compatible", "arm,smmu-v3");
    if (disabled)
        text(tree, "status", "disabled");
    CELLS(tree, "reg", 0, LOW(base), 0, 0x20000);
    CELLS(tree, "interrupts", 0, UNIT_EVENT_INTERRUPT(unit) - 32, 1, 0,
          UNIT_EVENT_INTERRUPT(unit) - 31, 1, 0, UNIT_EVENT_INTERRUPT(unit) - 30, 1, 0,
          UNIT_ERROR_INTERRUPT(unit) - 32, 1);
    assert_int_equal(fdt_property(tree, "interrupt-names", names, sizeof(names)), 0);
    CELLS(tree, "phandle", UNIT_HANDLE(unit));
    if (unit >= machine.unit_count || machine.parameters[unit].cohacc)
        assert_int_equal(fdt_property(tree, "dma-coherent", NULL, 0), 0);
    end(tree);
}

/* The four pins of four devices are wired to four lines in turn. */
static void write_pins(void *tree)
{
    uint32_t map[160], used = 0;

    for (uint32_t device = 0; device < 4; device++) {
        for (uint32_t pin = 1; pin <= 4; pin++) {
            const uint32_t entry[] = {
                device << 11, 0, 0, pin, GIC_HANDLE, 0, 0, 0, MACHINE_LINE(device, pin) - 32, 4
            };

            memcpy(&map[used], entry, sizeof(entry));
            used += ARRAY_LENGTH(entry);
        }
    }
    CELLS(tree, "#interrupt-cells", 1);
    cells(tree, "interrupt-map", map, used);
    CELLS(tree, "interrupt-map-mask", 0x1800, 0, 0, 7);
}

static void write_host(void *tree, unsigned int host, const struct tree_options *options)
{
    uint32_t map[4 * MACHINE_ID_MAPS], used = 0,
                                       span = options->maps == 0 ? 0 : 0x10000 / options->maps;
    uint64_t ecam = ECAM_BASE + host * UINT64_C(0x10000000);
    char name[32];

    snprintf(name, sizeof(name), "pcie@%llx", (unsigned long long)ecam);
    begin(tree, name);
    text(tree, "compatible", "pci-host-ecam-generic");
    text(tree, "device_type", "pci");
    CELLS(tree, "reg", HIGH(ecam), LOW(ecam), 0, options->host_buses << 20);
    CELLS(tree, "bus-range", 0, options->host_buses - 1);
    CELLS(tree, "linux,pci-domain", host);
    CELLS(tree, "#address-cells", 3);
    CELLS(tree, "#size-cells", 2);
    CELLS(tree, "ranges", 0x01000000, 0, 0, 0, 0x3EFF0000, 0, 0x10000, 0x02000000, 0,
          LOW(WINDOW_BASE), 0, LOW(WINDOW_BASE), 0, LOW(WINDOW_SIZE), 0x03000000, 0x80, 0, 0x80, 0,
          0x80, 0);
    for (unsigned int i = 0; i < machine.id_map_count; i++) {
        map[used++] = machine.id_map[i].first;
        map[used++] = UNIT_HANDLE(machine.id_map[i].unit);
        map[used++] = machine.id_map[i].stream;
        map[used++] = machine.id_map[i].count;
    }
    for (unsigned int i = 0;
         machine.id_map_count == 0 && i < options->maps && used + 4 <= ARRAY_LENGTH(map); i++) {
        map[used++] = i * span;
        map[used++] = UNIT_HANDLE(0);
        map[used++] = i * span;
        map[used++] = span;
    }
    cells(tree, "iommu-map", map, used);
    if (options->gic)
        write_pins(tree);
    end(tree);
}

static void write_block(void *tree, const char *name, const char *compatible, uint64_t base,
                        uint32_t size)
{
    begin(tree, name);
    text(tree, "compatible", compatible);
    CELLS(tree, "reg", 0, LOW(base), 0, size);
    end(tree);
}

static void write_blocks(void *tree, const struct tree_options *options)
{
    char name[32];

    if (options->serial) {
        begin(tree, "pl011@9000000");
        text(tree, "compatible", "arm,pl011");
        CELLS(tree, "reg", 0, LOW(SERIAL_BASE), 0, 0x1000);
        CELLS(tree, "interrupts", 0, 1, 4);
        end(tree);
    }
    write_block(tree, "pl031@9010000", "arm,pl031", CLOCK_BASE, 0x1000);
    write_block(tree, "fw-cfg@9020000", "qemu,fw-cfg-mmio", 0x09020000, 0x1000);
    write_block(tree, "virtio_mmio@a000000", "virtio,mmio", 0x0A000000, 0x200);
    for (unsigned int i = 0; i < options->blocks; i++) {
        snprintf(name, sizeof(name), "block@%x", 0x0B000000 + i * 0x1000);
        write_block(tree, name, "test,block", 0x0B000000 + i * 0x1000, 0x1000);
    }
    for (unsigned int i = 0; i < options->depth; i++)
        begin(tree, "deep");
    for (unsigned int i = 0; i < options->depth; i++)
        end(tree);
}

struct tree_options machine_tree_plain(void)
{
    return (struct tree_options){ .units = 1,
                                  .cpus = 2,
                                  .memories = 1,
                                  .hosts = 1,
                                  .gic = true,
                                  .serial = true,
                                  .host_buses = ECAM_BUSES,
                                  .maps = 1 };
}

size_t machine_tree(void *tree, size_t size, const struct tree_options *options)
{
    uint64_t initrd_end = INITRD_ADDRESS + options->initrd_size;
    char name[32];

    assert_int_equal(fdt_create(tree, (int)size), 0);
    assert_int_equal(fdt_add_reservemap_entry(tree, 0x4D000000, 0x1000), 0);
    assert_int_equal(fdt_finish_reservemap(tree), 0);
    begin(tree, "");
    text(tree, "compatible", "linux,dummy-virt");
    CELLS(tree, "#address-cells", 2);
    CELLS(tree, "#size-cells", 2);
    CELLS(tree, "interrupt-parent", GIC_HANDLE);
    for (unsigned int i = 0; i < options->memories; i++) {
        uint64_t bytes = HOST_MEMORY_SIZE / options->memories;
        uint64_t base = HOST_MEMORY_BASE + i * bytes;

        snprintf(name, sizeof(name), "memory@%llx", (unsigned long long)base);
        begin(tree, name);
        text(tree, "device_type", "memory");
        CELLS(tree, "reg", 0, LOW(base), 0, LOW(bytes));
        end(tree);
    }
    write_cpus(tree, options->cpus);
    begin(tree, "psci");
    text(tree, "compatible", "arm,psci-1.0");
    text(tree, "method", "smc");
    end(tree);
    if (options->gic) {
        begin(tree, "intc@8000000");
        text(tree, "compatible", "arm,gic-v3");
        CELLS(tree, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0xF60000);
        CELLS(tree, "phandle", GIC_HANDLE);
        CELLS(tree, "#address-cells", 2);
        CELLS(tree, "#interrupt-cells", 3);
        end(tree);
    }
    for (unsigned int i = 0; i < options->units; i++)
        write_unit(tree, i, options->disabled_unit);
    for (unsigned int i = 0; i < options->hosts; i++)
        write_host(tree, i, options);
    write_blocks(tree, options);
    begin(tree, "chosen");
    if (options->serial)
        text(tree, "stdout-path", "/pl011@9000000");
    if (options->initrd_size != 0) {
        CELLS(tree, "linux,initrd-start", 0, LOW(INITRD_ADDRESS));
        CELLS(tree, "linux,initrd-end", 0, LOW(initrd_end));
    }
    end(tree);
    end(tree);
    return finish(tree, options->edit);
}

/* ---- The set ---------------------------------------------------------------------------------- */

static void write_device(void *tree, const char *name, bool pci, bool no_dma)
{
    static unsigned int number;
    char node[32];

    snprintf(node, sizeof(node), "device%u", number++ % 1000);
    begin(tree, node);
    text(tree, pci ? "pci" : "path", name);
    if (no_dma)
        assert_int_equal(fdt_property(tree, "no-dma", NULL, 0), 0);
    end(tree);
}

static void write_partition(void *tree, const struct partition_spec *spec)
{
    begin(tree, spec->name);
    CELLS(tree, "cpus", 1);
    CELLS(tree, "memory", HIGH(spec->memory_base), LOW(spec->memory_base), HIGH(spec->memory_size),
          LOW(spec->memory_size));
    CELLS(tree, "pool-pages", spec->pool_pages);
    if (spec->physical != 0)
        CELLS(tree, "physical-address", HIGH(spec->physical), LOW(spec->physical));
    if (spec->aarch32)
        assert_int_equal(fdt_property(tree, "aarch32", NULL, 0), 0);
    if (spec->manager)
        assert_int_equal(fdt_property(tree, "manager", NULL, 0), 0);
    if (spec->on_crash != NULL)
        text(tree, "on-crash", spec->on_crash);
    if (spec->on_storm != NULL)
        text(tree, "on-storm", spec->on_storm);
    if (spec->on_unit_failure != NULL)
        text(tree, "on-unit-failure", spec->on_unit_failure);
    if (spec->restarts != 0)
        CELLS(tree, "restarts", spec->restarts - 1);
    text(tree, "payload", spec->payload);
    text(tree, "bootargs", spec->bootargs);
    begin(tree, "devices");
    for (unsigned int i = 0; i < ARRAY_LENGTH(spec->pci) && spec->pci[i] != NULL; i++)
        write_device(tree, spec->pci[i], true, false);
    for (unsigned int i = 0; i < ARRAY_LENGTH(spec->block) && spec->block[i] != NULL; i++)
        write_device(tree, spec->block[i], false, !spec->masters);
    end(tree);
    end(tree);
}

static void strings(void *tree, const char *name, const char *const text[2])
{
    char list[128];
    size_t used = 0;

    for (unsigned int i = 0; i < 2 && text[i] != NULL; i++) {
        memcpy(list + used, text[i], strlen(text[i]) + 1);
        used += strlen(text[i]) + 1;
    }
    assert_int_equal(fdt_property(tree, name, list, (int)used), 0);
}

static void write_window(void *tree, const struct window_spec *spec)
{
    begin(tree, spec->name);
    strings(tree, "between", spec->between);
    strings(tree, "writable-by", spec->writable_by);
    CELLS(tree, "size", HIGH(spec->size), LOW(spec->size));
    CELLS(tree, "at", HIGH(spec->address[0]), LOW(spec->address[0]), HIGH(spec->address[1]),
          LOW(spec->address[1]));
    if (spec->dma)
        assert_int_equal(fdt_property(tree, "dma", NULL, 0), 0);
    if (spec->maps != 0)
        CELLS(tree, "maps", spec->maps);
    end(tree);
}

size_t machine_set(void *tree, size_t size)
{
    assert_int_equal(fdt_create(tree, (int)size), 0);
    assert_int_equal(fdt_finish_reservemap(tree), 0);
    begin(tree, "");
    text(tree, "compatible", "bulkhead,partition-set");
    begin(tree, "partitions");
    for (unsigned int i = 0; i < machine.partition_count; i++)
        write_partition(tree, &machine.partition[i]);
    end(tree);
    begin(tree, "windows");
    for (unsigned int i = 0; i < machine.window_count; i++)
        write_window(tree, &machine.window[i]);
    end(tree);
    end(tree);
    return finish(tree, machine.edit_set);
}

/* ---- The bundle ------------------------------------------------------------------------------- */

static uint64_t put_entry(struct bundle_entry *entry, const char *name, const void *bytes,
                          uint64_t size, uint64_t offset)
{
    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->offset = offset;
    entry->size = size;
    memcpy(memory_pointer(INITRD_ADDRESS + offset), bytes, size);
    sha256(bytes, size, entry->digest);
    return align_up(offset + size, PAGE_SIZE);
}

uint64_t machine_bundle(void)
{
    static uint8_t set[SET_SIZE_LIMIT];
    struct bundle_header *header = memory_pointer(INITRD_ADDRESS);
    struct bundle_entry *entry = (struct bundle_entry *)(header + 1);
    uint64_t offset = PAGE_SIZE;

    *header = (struct bundle_header){ .version = BUNDLE_VERSION,
                                      .count = 1 + machine.payload_count };
    memcpy(header->magic, BUNDLE_MAGIC, sizeof(header->magic));
    offset = put_entry(entry++, "set.dts", set, machine_set(set, sizeof(set)), offset);
    for (unsigned int i = 0; i < machine.payload_count; i++)
        offset = put_entry(entry++, machine.payload[i].name, machine.payload[i].bytes,
                           machine.payload[i].size, offset);
    header->size = offset;
    return offset;
}
