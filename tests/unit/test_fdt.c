/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of device trees (drivers/topology/fdt.c): what it reads, and that nothing in a tree can hurt. */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "groups.h"
#include "machine.h"

#define CORRUPTIONS 10000

static uint8_t *blob;
static size_t size;
static _Alignas(8) uint8_t copy[TREE_SIZE_LIMIT];
static struct topology topology;
static struct topology_error error;

/* The tree in memory of exactly its size, so that the sanitizer sees the first byte behind it. */
static void make(const struct tree_options *options)
{
    static uint8_t buffer[TREE_SIZE_LIMIT];
    uint32_t end;

    machine_reset();
    machine_tree(buffer, sizeof(buffer), options);
    end = fdt_off_dt_strings(buffer) + fdt_size_dt_strings(buffer);
    size = end > fdt_totalsize(buffer) ? end : fdt_totalsize(buffer);
    free(blob);
    blob = malloc(size);
    assert_non_null(blob);
    memcpy(blob, buffer, size);
}

static bool read(void)
{
    error = (struct topology_error){ 0 };
    return fdt_take(blob, copy, sizeof(copy), &error) && fdt_read_topology(copy, &topology, &error);
}

static void a_tree_like_qemus_is_read_right(void)
{
    struct tree_options options = machine_tree_plain();

    options.units = 2;
    options.cpus = 4;
    options.memories = 2;
    options.initrd_size = 0x12345;
    make(&options);
    assert_true(read());
    assert_int_equal(topology.memory_count, 2);
    assert_int_equal(topology.memory[1].base, HOST_MEMORY_BASE + HOST_MEMORY_SIZE / 2);
    assert_int_equal(topology.memory[1].size, HOST_MEMORY_SIZE / 2);
    assert_int_equal(topology.reserved_count, 1);
    assert_int_equal(topology.reserved[0].base, 0x4D000000);
    assert_int_equal(topology.cpu_count, 4);
    assert_int_equal(topology.cpu[3].affinity, 3);
    assert_true(topology.psci && topology.psci_smc && topology.gicv3);
    assert_int_equal(topology.gic_range_count, 2);
    assert_int_equal(topology.gic_range[0].base, 0x08000000);
    assert_int_equal(topology.gic_redistributors, 1);
    assert_int_equal(topology.gic_range[1].base, 0x080A0000);
    assert_int_equal(topology.gic_range[1].size, 0xF60000);
    assert_int_equal(topology.gic_stride, 0);
    assert_int_equal(topology.serial.base, SERIAL_BASE);
    assert_string_equal(topology.serial_compatible, "arm,pl011");
    assert_int_equal(topology.serial_interrupt, SERIAL_INTERRUPT);
    assert_int_equal(topology.initrd.base, INITRD_ADDRESS);
    assert_int_equal(topology.initrd.size, 0x12345);
    assert_int_equal(topology.iommu_count, 2);
    assert_int_equal(topology.iommu[1].registers.base, UNIT_BASE + UNIT_STRIDE);
    assert_int_equal(topology.iommu[1].registers.size, 0x20000);
    assert_int_equal(topology.iommu[1].event_interrupt, UNIT_EVENT_INTERRUPT(1));
    assert_int_equal(topology.iommu[1].error_interrupt, UNIT_ERROR_INTERRUPT(1));
    assert_true(topology.iommu[1].coherent);
    assert_int_equal(topology.host_count, 1);
    assert_int_equal(topology.host[0].ecam.base, ECAM_BASE);
    assert_int_equal(topology.host[0].bus_last, ECAM_BUSES - 1);
    assert_int_equal(topology.host[0].window_count, 2);
    assert_int_equal(topology.host[0].window[0].cpu_base, WINDOW_BASE);
    assert_int_equal(topology.host[0].window[0].size, WINDOW_SIZE);
    assert_false(topology.host[0].window[0].wide);
    assert_true(topology.host[0].window[1].wide);
    assert_int_equal(topology.host[0].map_count, 1);
    assert_int_equal(topology.host[0].map[0].count, 0x10000);
    assert_int_equal(topology.host[0].map[0].iommu, 0);
}

static void blocks_are_what_is_neither_memory_nor_a_part_of_the_machine_that_is_known(void)
{
    const struct tree_options options = machine_tree_plain();
    bool clock = false;

    make(&options);
    assert_true(read());
    for (uint32_t i = 0; i < topology.block_count; i++) {
        clock = clock || strcmp(topology.block[i].name, CLOCK_NAME) == 0;
        assert_null(strstr(topology.block[i].name, "smmu"));
        assert_null(strstr(topology.block[i].name, "intc"));
        assert_null(strstr(topology.block[i].name, "pcie"));
        assert_null(strstr(topology.block[i].name, "memory"));
    }
    assert_true(clock);
}

static void a_stream_is_found_through_the_maps(void)
{
    struct tree_options options = machine_tree_plain();
    uint32_t stream;

    options.maps = 4;
    make(&options);
    assert_true(read());
    assert_int_equal(topology_stream(&topology.host[0], 0x4001, &stream), 0);
    assert_int_equal(stream, 0x4001);
    assert_int_equal(topology_stream(&topology.host[0], 0x10000, &stream), IOMMU_NONE);
}

static void expect_refused(const struct tree_options *options, const char *text)
{
    make(options);
    assert_false(read());
    assert_non_null(error.text);
    if (strstr(error.text, text) == NULL)
        fail_msg("the reason is \"%s\", not \"%s\"", error.text, text);
}

static void too_many_of_anything_is_refused_never_cut(void)
{
    struct tree_options options = machine_tree_plain();

    options.units = TOPOLOGY_IOMMUS + 1;
    expect_refused(&options, "more IOMMUs");
    options = machine_tree_plain();
    options.memories = TOPOLOGY_RANGES + 1;
    expect_refused(&options, "more memory ranges");
    options = machine_tree_plain();
    options.hosts = TOPOLOGY_PCI_HOSTS + 1;
    expect_refused(&options, "more PCI hosts");
    options = machine_tree_plain();
    options.maps = 16;
    make(&options);
    assert_true(read());
    options.depth = 40;
    expect_refused(&options, "nested too deeply");
}

static void more_cpus_or_blocks_than_are_kept_are_left_out(void)
{
    struct tree_options options = machine_tree_plain();

    options.cpus = 32;
    options.blocks = TOPOLOGY_BLOCKS + 10;
    make(&options);
    assert_true(read());
    assert_int_equal(topology.cpu_count, TOPOLOGY_CPUS);
    assert_int_equal(topology.block_count, TOPOLOGY_BLOCKS);
}

static void a_disabled_iommu_is_read_all_the_same(void)
{
    struct tree_options options = machine_tree_plain();

    options.disabled_unit = true;
    make(&options);
    assert_true(read());
    assert_int_equal(topology.iommu_count, 1);
}

static void i8_a_tree_truncated_at_every_byte_is_refused_within_bounds(void)
{
    const struct tree_options options = machine_tree_plain();
    size_t whole;

    make(&options);
    whole = size;
    /* A header that claims more than there is reads what follows in memory; that is the boot loader's
     * gift. What is cut here says so in its header. */
    for (size_t length = sizeof(struct fdt_header); length < whole; length++) {
        uint8_t *cut = malloc(length);

        assert_non_null(cut);
        memcpy(cut, blob, length);
        fdt_set_totalsize(cut, (uint32_t)length);
        error = (struct topology_error){ 0 };
        if (fdt_take(cut, copy, sizeof(copy), &error))
            assert_true(fdt_read_topology(copy, &topology, &error) || error.text != NULL);
        else
            assert_non_null(error.text);
        free(cut);
    }
}

static void i8_ten_thousand_corrupt_bytes_are_accepted_or_refused_within_bounds(void)
{
    struct tree_options options = machine_tree_plain();
    uint64_t seed = 0xFD7;
    unsigned int accepted = 0;

    options.units = 2;
    options.initrd_size = 0x1000;
    make(&options);
    /* Readable memory behind it, as on a machine. */
    uint8_t *room = calloc(1, TREE_SIZE_LIMIT);

    assert_non_null(room);
    memcpy(room, blob, size);
    for (unsigned int i = 0; i < CORRUPTIONS; i++) {
        size_t at = random_next(&seed) % size;
        uint8_t old = room[at];

        room[at] = (uint8_t)random_next(&seed);
        error = (struct topology_error){ 0 };
        bool good = fdt_take(room, copy, sizeof(copy), &error) &&
                    fdt_read_topology(copy, &topology, &error);

        assert_true(good || error.text != NULL);
        if (good) {
            accepted++;
            assert_true(topology.memory_count <= TOPOLOGY_RANGES);
            assert_true(topology.iommu_count <= TOPOLOGY_IOMMUS);
            for (uint32_t h = 0; h < topology.host_count; h++) {
                for (uint32_t m = 0; m < topology.host[h].map_count; m++)
                    assert_true(topology.host[h].map[m].iommu < topology.iommu_count);
            }
        }
        room[at] = old;
    }
    assert_true(accepted > 0 && accepted < CORRUPTIONS);
    free(room);
}

static void no_tree_or_one_too_large_is_refused(void)
{
    const struct tree_options options = machine_tree_plain();

    make(&options);
    assert_false(fdt_take(blob, copy, size - 1, &error));
    assert_non_null(strstr(error.text, "larger"));
    blob[0] ^= 1;
    assert_false(read());
    assert_non_null(strstr(error.text, "no flattened device tree"));
}

int run_fdt_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_like_qemus_is_read_right),
        TEST(blocks_are_what_is_neither_memory_nor_a_part_of_the_machine_that_is_known),
        TEST(a_stream_is_found_through_the_maps),
        TEST(too_many_of_anything_is_refused_never_cut),
        TEST(more_cpus_or_blocks_than_are_kept_are_left_out),
        TEST(a_disabled_iommu_is_read_all_the_same),
        TEST(i8_a_tree_truncated_at_every_byte_is_refused_within_bounds),
        TEST(i8_ten_thousand_corrupt_bytes_are_accepted_or_refused_within_bounds),
        TEST(no_tree_or_one_too_large_is_refused),
    };

    return RUN_GROUP("topology/fdt");
}
