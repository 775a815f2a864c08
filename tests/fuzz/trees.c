/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a boot loader passes: a partition set, the machine's device tree, a bundle. Each run begins with a
 * right one, changes it node by node and byte by byte, and reads it: whatever it is, the reader answers with
 * what holds together, or with one line that says what is wrong where.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "kernel/bundle.h"
#include "kernel/set.h"
#include "tests/adversary/hardware.h"
#include "tests/fuzz/fuzz.h"

#define CHANGES 6
#define ROOM 0x1000

static uint8_t right_set[SET_SIZE_LIMIT], right_tree[TREE_SIZE_LIMIT];
static _Alignas(8) uint8_t work[TREE_SIZE_LIMIT + ROOM];

/* ---- Changes ------------------------------------------------------------------------------------------------ */

static uint32_t some_cell(void)
{
    static const uint32_t cell[] = { 0,          1,          2,          3,
                                     8,          0xFFFF,     4096,       0x00200000,
                                     0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    unsigned int index = guest_choice(16);

    return index < ARRAY_LENGTH(cell) ? cell[index] : guest_choice(256) << (8 * guest_choice(4));
}

static int some_node(const void *tree)
{
    int node = 0;

    for (unsigned int skip = guest_choice(64); skip > 0; skip--) {
        int next = fdt_next_node(tree, node, NULL);

        node = next < 0 ? 0 : next;
    }
    return node;
}

static int some_property(const void *tree, int node)
{
    int property = fdt_first_property_offset(tree, node), next;

    for (unsigned int skip = guest_choice(8); skip > 0 && property >= 0; skip--) {
        next = fdt_next_property_offset(tree, property);
        property = next >= 0 ? next : property;
    }
    return property;
}

static void change_property(void *tree, int node)
{
    const char *name;
    int length, property = some_property(tree, node);
    char copy[64] = "";
    uint8_t value[1024]; /* an interrupt-map has 640 */
    const void *old = property >= 0 ? fdt_getprop_by_offset(tree, property, &name, &length) : NULL;

    if (old == NULL || length > (int)sizeof(value) - 8)
        return;
    strncpy(copy, name, sizeof(copy) - 1);
    memcpy(value, old, (size_t)length);
    switch (guest_choice(5)) {
    case 0:
        if (length >= 4) {
            fdt32_t cell = cpu_to_fdt32(some_cell());

            memcpy(value + (size_t)4 * guest_choice((unsigned int)length / 4), &cell, sizeof(cell));
        }
        break;
    case 1:
        if (length > 0)
            value[guest_choice((unsigned int)length)] = (uint8_t)guest_choice(256);
        break;
    case 2:
        length -= (int)guest_choice((unsigned int)length + 1);
        break;
    case 3:
        memset(value + length, (int)guest_choice(256), 4);
        length += 4;
        break;
    default:
        fdt_delprop(tree, node, copy);
        return;
    }
    fdt_setprop(tree, node, copy, value, length);
}

static void change_node(void *tree, int node)
{
    static const char *const names[] = { "one",      "two",      "devices", "pci",  "partitions",
                                         "memory@0", "smmuv3@0", "x",       "a\nb", "one\x1b[2J" };
    static const char *const properties[] = {
        "memory", "pool-pages",     "pci",        "path",      "no-dma", "physical-address",
        "cpus",   "bootargs",       "reg",        "iommu-map", "iommus", "ranges",
        "status", "#address-cells", "compatible", "aarch32"
    };
    fdt32_t cells[8];

    switch (guest_choice(4)) {
    case 0:
        fdt_add_subnode(tree, node, names[guest_choice(ARRAY_LENGTH(names))]);
        break;
    case 1:
        fdt_del_node(tree, node);
        break;
    case 2:
        fdt_set_name(tree, node, names[guest_choice(ARRAY_LENGTH(names))]);
        break;
    default:
        for (unsigned int i = 0; i < ARRAY_LENGTH(cells); i++)
            cells[i] = cpu_to_fdt32(some_cell());
        fdt_setprop(tree, node, properties[guest_choice(ARRAY_LENGTH(properties))], cells,
                    (int)guest_choice(sizeof(cells) + 1));
        break;
    }
}

/* Any bytes, anywhere. */
static void change_bytes(uint8_t *bytes, size_t size)
{
    for (unsigned int i = guest_choice(16); i > 0; i--) {
        size_t at = guest_choice(256);

        if (guest_choice(2) != 0)
            at = at << 8 | guest_choice(256);
        bytes[at % size] = (uint8_t)guest_choice(256);
    }
}

/* The right tree, changed, in memory of exactly the size that is told, so that the sanitiser sees the first
 * byte behind it. */
static void *changed(const void *right, size_t *size)
{
    assert_int_equal(fdt_open_into(right, work, (int)fdt_totalsize(right) + ROOM), 0);
    for (unsigned int i = guest_choice(CHANGES) + 1; i > 0; i--) {
        int node = some_node(work);

        if (guest_choice(3) != 2)
            change_property(work, node);
        else
            change_node(work, node);
    }
    assert_int_equal(fdt_pack(work), 0);
    *size = fdt_totalsize(work);
    if (guest_choice(4) == 3)
        change_bytes(work, *size);
    if (guest_choice(16) == 15)
        *size = guest_choice(256) * *size / 256;
    void *exact = malloc(*size + (*size == 0));

    assert_non_null(exact);
    memcpy(exact, work, *size);
    return exact;
}

static void expect_line(const char *line)
{
    if (strlen(line) < 10)
        fail_msg("a refusal that says nothing: \"%s\"", line);
    for (const char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            fail_msg("a refusal with the byte 0x%x in it", (unsigned char)*c);
    }
}

/* ---- A set ---------------------------------------------------------------------------------------------------- */

void fuzz_trees_prepare(void)
{
    struct tree_options options = machine_tree_plain();

    machine_plain();
    machine.partition[0].block[0] = CLOCK_NAME;
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    machine_set(right_set, sizeof(right_set));
    options.initrd_size = 0x1000;
    options.units = 2;
    machine_tree(right_tree, sizeof(right_tree), &options);
}

static bool terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void check_partition(const struct set_partition *partition)
{
    assert_true(terminated(partition->node, sizeof(partition->node)));
    assert_true(terminated(partition->name, sizeof(partition->name)) && partition->name[0] != '\0');
    assert_true(terminated(partition->payload, sizeof(partition->payload)));
    assert_true(terminated(partition->bootargs, sizeof(partition->bootargs)));
    assert_true(range_valid(partition->memory_base, partition->memory_size));
    assert_true(is_aligned(partition->memory_base | partition->memory_size, PAGE_SIZE));
    assert_true(!partition->aarch32 || partition->memory_base + partition->memory_size <= BIT(32));
    assert_true(partition->pool_pages >= 8);
    assert_true(partition->pool_pages * PAGE_SIZE < partition->memory_size);
    assert_true(partition->device_count <= PARTITION_DEVICES);
    for (uint32_t i = 0; i < partition->device_count; i++)
        assert_true(terminated(partition->device[i].name, sizeof(partition->device[i].name)));
}

void fuzz_set(void)
{
    static struct set set;
    struct set_error error = { .property = NULL };
    char line[512];
    size_t size;
    void *tree = changed(right_set, &size);

    if (set_read(tree, size, &set, &error)) {
        assert_true(set.partition_count > 0 && set.partition_count <= PARTITION_LIMIT);
        for (uint32_t i = 0; i < set.partition_count; i++)
            check_partition(&set.partition[i]);
    } else {
        assert_true(error.node[0] == '/' && error.property != NULL);
        assert_true(set_error_line(&error, "set.dts", line, sizeof(line)) < sizeof(line));
        expect_line(line);
    }
    free(tree);
}

/* ---- A machine's tree ------------------------------------------------------------------------------------------- */

static void check_pins(const struct topology_pci_host *host)
{
    assert_true(host->pin_count <= TOPOLOGY_PINS);
    for (uint32_t i = 0; i < host->pin_count; i++)
        assert_in_range(host->pin[i].interrupt, 32, 1019);
}

void fuzz_machine_tree(void)
{
    static _Alignas(8) uint8_t copy[TREE_SIZE_LIMIT];
    static struct topology topology;
    struct topology_error error = { .text = NULL };
    size_t size;
    void *tree = changed(right_tree, &size);

    /* The reader believes the size in the header: memory behind it is the boot loader's affair. */
    if (size >= FDT_HEADER_SIZE && fdt_totalsize(tree) <= size && fdt_extent(tree) <= size) {
        if (fdt_take(tree, copy, sizeof(copy), &error) &&
            fdt_read_topology(copy, &topology, &error)) {
            assert_true(topology.iommu_count <= TOPOLOGY_IOMMUS);
            assert_true(topology.cpu_count <= TOPOLOGY_CPUS);
            for (uint32_t i = 0; i < topology.memory_count; i++)
                assert_true(topology.memory[i].base + topology.memory[i].size >=
                            topology.memory[i].base);
            for (uint32_t i = 0; i < topology.host_count; i++)
                check_pins(&topology.host[i]);
        } else {
            assert_non_null(error.text);
            expect_line(error.text);
        }
    }
    free(tree);
}

/* ---- A bundle --------------------------------------------------------------------------------------------------- */

/* At the very end of memory: what reads behind it is caught. */
void fuzz_bundle(void)
{
    static struct bundle bundle;
    static uint8_t room[0x4000];
    uint64_t size = PAGE_SIZE * 3, base = HOST_MEMORY_BASE + HOST_MEMORY_SIZE - size;
    uint8_t *bytes = memory_pointer(base);
    struct bundle_header header = { .version = BUNDLE_VERSION, .count = 2, .size = size };
    struct bundle_entry entry[2] = { { .name = "set.dts", .offset = PAGE_SIZE, .size = 100 },
                                     { .name = "a", .offset = 2 * PAGE_SIZE, .size = PAGE_SIZE } };

    memset(bytes, 0, size);
    memcpy(header.magic, BUNDLE_MAGIC, sizeof(header.magic));
    for (unsigned int i = 0; i < ARRAY_LENGTH(entry); i++)
        sha256(bytes + entry[i].offset, entry[i].size, entry[i].digest);
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), entry, sizeof(entry));
    change_bytes(bytes, guest_choice(2) == 0 ? sizeof(header) + sizeof(entry) : size);
    if (guest_choice(4) == 3)
        size = guest_choice(256) * size / 256;
    /* Less than all: the rest of it lies behind the end. */
    base = HOST_MEMORY_BASE + HOST_MEMORY_SIZE - size;
    memmove(memory_pointer(base), bytes, size);
    const char *reason = bundle_open(&bundle, base, size);

    if (reason != NULL) {
        expect_line(reason);
        return;
    }
    assert_true(bundle.count > 0 && bundle.count <= BUNDLE_ENTRIES);
    for (uint32_t i = 0; i < bundle.count; i++) {
        assert_true(terminated(bundle.entry[i].name, BUNDLE_NAME));
        assert_true(range_inside(bundle.entry[i].offset, bundle.entry[i].size, 0, size) ||
                    bundle.entry[i].size == 0);
        if (bundle.entry[i].size <= sizeof(room))
            bundle_copy(&bundle, &bundle.entry[i], room);
    }
    bundle_find(&bundle, "a");
}
