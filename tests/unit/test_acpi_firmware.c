/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that firmware keeps for masters, as the nodes of reserved memory of an IORT name it. */
#include <string.h>

#include "acpi_bench.h"
#include "groups.h"

#define STREAM 0x1234
#define MEMORY UINT64_C(0x47000000)
#define MEMORY_SIZE 0x10000

static struct acpi_options one(void)
{
    struct acpi_options options = acpi_plain();

    options.reserved_count = 1;
    options.reserved[0] = (struct acpi_reserved){
        .range_count = 1,
        .range = { { MEMORY, MEMORY_SIZE } },
        .map_count = 1,
        .map = { { 0, 3, STREAM, 1, false } },
    };
    return options;
}

static void expect(uint32_t index, uint32_t unit, uint32_t stream, uint32_t count, uint64_t base,
                   uint64_t size)
{
    const struct topology_firmware *firmware = &acpi_found.firmware[index];

    assert_true(index < acpi_found.firmware_count);
    assert_int_equal(firmware->iommu, unit);
    assert_int_equal(firmware->stream, stream);
    assert_int_equal(firmware->count, count);
    assert_int_equal(firmware->memory.base, base);
    assert_int_equal(firmware->memory.size, size);
}

static void each_mapping_names_streams_that_have_each_range_of_their_node(void)
{
    struct acpi_options options = one();

    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 1);
    expect(0, 1, STREAM, 3, MEMORY, MEMORY_SIZE);
    options.reserved[0].range_count = 2;
    options.reserved[0].range[1] = (struct topology_range){ 0x50000000, 0x20000 };
    options.reserved[0].map_count = 2;
    options.reserved[0].map[1] = (struct acpi_map){ 0, 7, 0x20, 0, true };
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 4);
    expect(1, 1, STREAM, 3, 0x50000000, 0x20000);
    expect(2, 0, 0x20, 1, MEMORY, MEMORY_SIZE);
    expect(3, 0, 0x20, 1, 0x50000000, 0x20000);
}

static void a_unit_s_table_has_the_streams_of_firmware(void)
{
    struct acpi_options options = one();

    options.reserved[0].map[0].output = 0x7000;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(topology_stream_count(&acpi_found, 1), 0x7003);
    assert_true(topology_is_firmware(&acpi_found, 1, 0x7000));
    assert_true(topology_is_firmware(&acpi_found, 1, 0x7002));
    assert_false(topology_is_firmware(&acpi_found, 1, 0x6FFF));
    assert_false(topology_is_firmware(&acpi_found, 1, 0x7003));
    assert_false(topology_is_firmware(&acpi_found, 0, 0x7000));
}

static void what_is_named_twice_is_there_once(void)
{
    struct acpi_options options = one();

    options.reserved_count = 2;
    options.reserved[1] = options.reserved[0];
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 1);
    options.reserved[1].range[0].base += MEMORY_SIZE;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 2);
    options.reserved[1] = options.reserved[0];
    options.reserved[1].range[0].size += MEMORY_SIZE;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 2);
    options.reserved[1] = options.reserved[0];
    options.reserved[1].map[0].count++;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 2);
    options.reserved[1] = options.reserved[0];
    options.reserved[1].map[0].output++;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 2);
    options.reserved[1] = options.reserved[0];
    options.reserved[1].map[0].target = 0;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.firmware_count, 2);
}

static void ranges_in_the_header(void)
{
    acpi_put(acpi_at.reserved_node + 24, 4, 27);
}

static void ranges_behind_the_node(void)
{
    acpi_put(acpi_at.reserved_node + 24, 4, acpi_get(acpi_at.reserved_node + 1, 2) + 1);
    acpi_put(acpi_at.reserved_node + 20, 4, 0);
}

static void a_range_too_many(void)
{
    acpi_put(acpi_at.reserved_node + 20, 4, 3); /* the mapping behind the first is one more */
}

static void short_node(void)
{
    acpi_put(acpi_at.its_node, 1, 6); /* 24 bytes */
}

static void a_node_of_reserved_memory_that_is_wrong_in_any_way_is_refused(void)
{
    struct acpi_options options = one();
    const char *outside = "ranges of reserved memory that do not lie in their node";

    expect_acpi_refused(&options, ranges_in_the_header, "IORT", outside);
    expect_acpi_refused(&options, ranges_behind_the_node, "IORT", outside);
    expect_acpi_refused(&options, a_range_too_many, "IORT", outside);
    expect_acpi_refused(NULL, short_node, "IORT", "a node that is shorter than its kind");
    options.reserved[0].map[0].output = 0xFFFFFFFE;
    expect_acpi_refused(&options, NULL, "IORT", "an id mapping that is out of range");
    options.reserved[0].map[0].count = 2;
    expect_acpi_accepted(&options, NULL);
    /* All ids that there are: a number that their count does not fit into. */
    options.reserved[0].map[0] = (struct acpi_map){ 0, 0, 0, 1, false };
    expect_acpi_refused(&options, NULL, "IORT", "an id mapping that is out of range");
    options.reserved[0].map[0] = (struct acpi_map){ 0, 2, 0xFFFFFFFE, 1, false };
    options.other_iommu = true;
    options.reserved[0].map[0].target = ACPI_TO_OTHER;
    expect_acpi_refused(&options, NULL, "IORT", "of what stands behind no SMMUv3");
    options = one();
    options.reserved[0].range_count = TOPOLOGY_FIRMWARE + 1;
    for (uint32_t i = 0; i < options.reserved[0].range_count; i++)
        options.reserved[0].range[i] = (struct topology_range){ MEMORY + (uint64_t)i * MEMORY_SIZE,
                                                                1 };
    expect_acpi_refused(&options, NULL, "IORT", "more reserved memory than the hypervisor keeps");
    options.reserved[0].range_count--;
    expect_acpi_accepted(&options, NULL);
}

int run_acpi_firmware_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_mapping_names_streams_that_have_each_range_of_their_node),
        TEST(a_unit_s_table_has_the_streams_of_firmware),
        TEST(what_is_named_twice_is_there_once),
        TEST(a_node_of_reserved_memory_that_is_wrong_in_any_way_is_refused),
    };

    return RUN_GROUP("topology/acpi, memory of firmware");
}
