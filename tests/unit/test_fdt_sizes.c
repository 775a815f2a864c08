/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that are too short or too long somewhere: the whole, a property, a number of cells. What the
 * reader (drivers/topology/fdt.c) takes for a number must stand inside the property that it reads. */
#include <string.h>

#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define SMMU "/smmuv3@9050000"
#define HOST "/pcie@3f000000"

/* ---- The whole tree -------------------------------------------------------------------------------- */

static void expect_header_refused(void)
{
    if (fdt_bench_take())
        fail_msg("the tree was accepted");
    assert_string_equal(fdt_error.text, "the device tree's header is corrupt");
}

static void a_tree_that_claims_to_end_inside_its_own_blocks_is_refused(void)
{
    expect_accepted(NULL);
    fdt_set_totalsize(fdt_blob, (uint32_t)fdt_extent(fdt_blob) - 1);
    expect_header_refused();
}

static void a_tree_whose_blocks_end_inside_its_header_is_refused(void)
{
    expect_accepted(NULL);
    fdt_set_off_dt_struct(fdt_blob, 0);
    fdt_set_size_dt_struct(fdt_blob, FDT_HEADER_SIZE - 1);
    fdt_set_off_dt_strings(fdt_blob, 0);
    fdt_set_size_dt_strings(fdt_blob, 0);
    expect_header_refused();
}

/* As QEMU writes it. */
static void a_tree_with_room_behind_its_blocks_is_read_without_the_room(void)
{
    expect_accepted(NULL);
    uint64_t end = fdt_extent(fdt_blob);

    fdt_set_totalsize(fdt_blob, 0x100000);
    if (!fdt_bench_take())
        fail_msg("refused: %s: %s", fdt_error.node, fdt_error.text);
    assert_int_equal(fdt_totalsize(fdt_copy), end);
    assert_int_equal(fdt_found.iommu_count, 1);
}

/* ---- Numbers of cells -------------------------------------------------------------------------------- */

static struct {
    uint32_t address, size;
    const char *compatible;
} bus;

static void part_on_bus(void *tree)
{
    edit_add(tree, "/", "bus");
    EDIT_CELLS(tree, "/bus", "#address-cells", bus.address);
    EDIT_CELLS(tree, "/bus", "#size-cells", bus.size);
    edit_flag(tree, "/bus", "ranges");
    edit_add(tree, "/bus", "part");
    edit_text(tree, "/bus/part", "compatible", bus.compatible);
    /* Long enough for every number of cells. */
    EDIT_CELLS(tree, "/bus/part", "reg", 0x0C000000, 0x1000, 0x0C002000, 0x1000, 0x0C004000, 0x1000,
               0x0C006000, 0x1000, 0x0C008000, 0x1000);
}

static void addresses_of_no_or_more_than_two_cells_are_not_read(void)
{
    static const struct {
        uint32_t address, size;
    } rows[] = { { 3, 1 }, { 4, 2 }, { 1, 3 }, { 2, 4 }, { 0, 1 }, { 5, 1 }, { 1, 5 }, { 0, 0 } };

    bus.address = bus.size = 1;
    bus.compatible = "test,block";
    expect_accepted(part_on_bus);
    assert_non_null(fdt_bench_block("/bus/part"));
    assert_int_equal(fdt_bench_block("/bus/part")->registers[1].base, 0x0C002000);
    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++) {
        bus.address = rows[i].address;
        bus.size = rows[i].size;
        bus.compatible = "test,block";
        expect_accepted(part_on_bus);
        if (fdt_bench_block("/bus/part") != NULL)
            fail_msg("a block was read by %u and %u cells", bus.address, bus.size);
        bus.compatible = "arm,smmu-v3";
        expect_refused(part_on_bus, "/bus/part", "an IOMMU without reg");
        bus.compatible = "pci-host-ecam-generic";
        expect_refused(part_on_bus, "/bus/part", "a PCI host without reg");
    }
}

static const char *odd_property;

static void odd_number_of_cells(void *tree)
{
    part_on_bus(tree);
    edit_remove(tree, "/bus", odd_property);
    EDIT_CELLS(tree, "/bus", odd_property, 1, 1);
}

static void absent_number_of_cells(void *tree)
{
    part_on_bus(tree);
    edit_remove(tree, "/bus", odd_property);
}

static void a_number_of_cells_is_one_cell_or_the_default(void)
{
    static const char *const properties[] = { "#address-cells", "#size-cells" };

    bus.address = bus.size = 1;
    bus.compatible = "test,block";
    for (unsigned int i = 0; i < ARRAY_LENGTH(properties); i++) {
        odd_property = properties[i];
        expect_accepted(odd_number_of_cells);
        if (fdt_bench_block("/bus/part") != NULL)
            fail_msg("a block was read with a %s of two cells", odd_property);
    }
    odd_property = "#size-cells";
    expect_accepted(absent_number_of_cells);
    assert_int_equal(fdt_bench_block("/bus/part")->registers[1].base, 0x0C002000);
    odd_property = "#address-cells";
    expect_accepted(absent_number_of_cells);
    assert_int_equal(fdt_bench_block("/bus/part")->registers[0].base, 0x0C00000000001000);
}

static void cpu_of_three_cells(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 3);
    EDIT_CELLS(tree, "/cpus/cpu@0", "reg", 0, 0, 0);
}

static void cpu_of_no_cells(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 0);
}

static void cpu_of_two_cells(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 2);
    EDIT_CELLS(tree, "/cpus/cpu@0", "reg", 1, 0x100);
    EDIT_CELLS(tree, "/cpus/cpu@1", "reg", 0, 0x200);
}

static void a_cpus_affinity_has_one_cell_or_two(void)
{
    expect_accepted(cpu_of_two_cells);
    assert_int_equal(fdt_found.cpu[0].affinity, 0x100000100);
    expect_refused(cpu_of_three_cells, "/cpus/cpu@0", "a cpu node without reg");
    expect_refused(cpu_of_no_cells, "/cpus/cpu@0", "a cpu node without reg");
}

/* ---- Properties ------------------------------------------------------------------------------------- */

/* What is added to a node stands in front of what it has. The fourth interrupt is gerror. */
static void numbers_behind_interrupts(void *tree)
{
    edit_remove(tree, SMMU, "interrupts");
    EDIT_CELLS(tree, SMMU, "behind", 0, 99, 1, 0, 99, 1);
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 74, 1, 0, 75, 1);
}

/* libfdt answers a list of names that does not end with an error of its own. */
static void numbers_before_interrupts(void *tree)
{
    static const uint32_t none[64] = { 0 };
    int node = edit_node(tree, SMMU);

    assert_int_equal(fdt_setprop(tree, node, "interrupt-names", "eventq", 6), 0);
    edit_remove(tree, SMMU, "interrupts");
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 74, 1);
    edit_cell_array(tree, SMMU, "before", none, ARRAY_LENGTH(none));
}

static void numbers_beside_an_interrupts_property_are_no_interrupts(void)
{
    expect_accepted(numbers_behind_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, 32 + 74);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
    expect_accepted(numbers_before_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
}

static void half_a_bus_range(void *tree)
{
    EDIT_CELLS(tree, HOST, "bus-range", 2);
}

static void a_bus_range_of_one_number_is_none(void)
{
    expect_accepted(half_a_bus_range);
    assert_int_equal(fdt_found.host[0].bus_first, 0);
    assert_int_equal(fdt_found.host[0].bus_last, ECAM_BUSES - 1);
}

static void window_that_wraps_on_the_bus(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x03000000, 0xFFFFFFFF, 0xFFFFF000, 0, 0x10000000, 0, 0x2000);
}

static void window_that_ends_the_bus(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x03000000, 0xFFFFFFFF, 0xFFFFE000, 0, 0x10000000, 0, 0x1000);
}

static void a_pci_window_may_not_wrap_around_on_the_bus(void)
{
    expect_refused(window_that_wraps_on_the_bus, HOST,
                   "a PCI window that is empty or wraps around");
    expect_accepted(window_that_ends_the_bus);
}

int run_fdt_sizes_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_that_claims_to_end_inside_its_own_blocks_is_refused),
        TEST(a_tree_whose_blocks_end_inside_its_header_is_refused),
        TEST(a_tree_with_room_behind_its_blocks_is_read_without_the_room),
        TEST(addresses_of_no_or_more_than_two_cells_are_not_read),
        TEST(a_number_of_cells_is_one_cell_or_the_default),
        TEST(a_cpus_affinity_has_one_cell_or_two),
        TEST(numbers_beside_an_interrupts_property_are_no_interrupts),
        TEST(a_bus_range_of_one_number_is_none),
        TEST(a_pci_window_may_not_wrap_around_on_the_bus),
    };

    return RUN_GROUP("topology/fdt, sizes");
}
