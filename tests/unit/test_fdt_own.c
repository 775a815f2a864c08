/* SPDX-License-Identifier: Apache-2.0 */
/* What a device tree says of the units and of the interrupt controller, which the hypervisor programs itself,
 * one wrong or rare statement at a time. */
#include "drivers/topology/fdt.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define SMMU "/smmuv3@9050000"
#define GIC "/intc@8000000"
#define HOST "/pcie@3f000000"
#define CLOCK "/pl031@9010000"

/* ---- What the hypervisor programs itself -------------------------------------------------------------- */

static void headless_iommu(void *tree)
{
    edit_remove(tree, SMMU, "reg");
}

static void nameless_interrupts(void *tree)
{
    edit_remove(tree, SMMU, "interrupt-names");
}

static void no_interrupts(void *tree)
{
    edit_remove(tree, SMMU, "interrupts");
}

static void private_interrupts(void *tree)
{
    EDIT_CELLS(tree, SMMU, "interrupts", 1, 74, 1, 1, 75, 1, 1, 76, 1, 1, 77, 1);
}

static void few_interrupts(void *tree)
{
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 74, 1, 0, 75, 1);
}

static void an_iommu_without_reg_is_refused(void)
{
    expect_refused(headless_iommu, SMMU, "an IOMMU without reg");
}

/* The sum with the first shared interrupt wraps: to the interrupts of each CPU. */
static void wrapping_interrupts(void *tree)
{
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 0xFFFFFFE0, 1, 0, 988, 1, 0, 0xFFFFFFF9, 1, 0, 987, 1);
}

static void wide_interrupts(void *tree)
{
    EDIT_CELLS(tree, GIC, "#interrupt-cells", 4);
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 74, 1, 0, 0, 75, 1, 0, 0, 76, 1, 0, 0, 77, 1, 0);
}

static void foreign_interrupts(void *tree)
{
    EDIT_CELLS(tree, SMMU, "interrupt-parent", 0x7777);
}

static void an_iommus_interrupts_are_the_controllers_and_within_what_it_has(void)
{
    expect_accepted(wrapping_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, 32 + 987);
    expect_accepted(wide_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, 32 + 74);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, 32 + 77);
    expect_accepted(foreign_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
}

static void an_iommus_interrupts_count_only_if_named_and_shared(void)
{
    expect_accepted(nameless_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
    expect_accepted(no_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    expect_accepted(private_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    expect_accepted(few_interrupts);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, 32 + 74);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
}

static void older_controller(void *tree)
{
    edit_text(tree, GIC, "compatible", "arm,cortex-a15-gic");
}

static void an_iommus_interrupts_are_not_known_where_no_gicv3_is(void)
{
    expect_accepted(older_controller);
    assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
    assert_int_equal(fdt_found.serial_interrupt, INTERRUPT_NONE);
}

static uint32_t specifier_cells;

/* However few cells a specifier has, the first two look like a shared interrupt. */
static void narrow_interrupts(void *tree)
{
    EDIT_CELLS(tree, GIC, "#interrupt-cells", specifier_cells);
    EDIT_CELLS(tree, SMMU, "interrupts", 0, 74, 0, 75, 0, 76, 0, 77);
}

static void an_iommus_interrupts_are_not_known_where_a_specifier_is_too_short_for_a_gic(void)
{
    for (specifier_cells = 0; specifier_cells < 3; specifier_cells++) {
        expect_accepted(narrow_interrupts);
        assert_int_equal(fdt_found.iommu[0].event_interrupt, INTERRUPT_NONE);
        assert_int_equal(fdt_found.iommu[0].error_interrupt, INTERRUPT_NONE);
        assert_int_equal(fdt_found.serial_interrupt, INTERRUPT_NONE);
    }
}

static void long_iommu(void *tree)
{
    edit_add(tree, "/", "smmu-with-a-name-that-is-longer-than-any-name-kept");
    edit_text(tree, "/smmu-with-a-name-that-is-longer-than-any-name-kept", "compatible",
              "arm,smmu-v3");
    EDIT_CELLS(tree, "/smmu-with-a-name-that-is-longer-than-any-name-kept", "reg", 0, 0x09100000, 0,
               0x20000);
}

static void long_host(void *tree)
{
    assert_int_equal(fdt_set_name(tree, edit_node(tree, HOST),
                                  "pcie-with-a-name-that-is-longer-than-any-name-kept"),
                     0);
}

static void long_block(void *tree)
{
    assert_int_equal(fdt_set_name(tree, edit_node(tree, CLOCK),
                                  "clock-with-a-name-that-is-longer-than-any-name-kept"),
                     0);
}

static void a_path_too_long_to_keep_refuses_the_machine_or_leaves_a_block_out(void)
{
    expect_refused(long_iommu, "", "a node path that is too long");
    expect_refused(long_host, "", "a node path that is too long");
    expect_accepted(NULL);
    uint32_t blocks = fdt_found.block_count;

    expect_accepted(long_block);
    assert_int_equal(fdt_found.block_count, blocks - 1);
}

static void second_gic(void *tree)
{
    edit_add(tree, "/", "intc@9100000");
    edit_text(tree, "/intc@9100000", "compatible", "arm,gic-v3");
    EDIT_CELLS(tree, "/intc@9100000", "reg", 0, 0x09100000, 0, 0x10000, 0, 0x09200000, 0, 0x10000);
}

static void half_gic(void *tree)
{
    EDIT_CELLS(tree, GIC, "reg", 0, 0x08000000, 0, 0x10000);
}

static void headless_gic(void *tree)
{
    edit_remove(tree, GIC, "reg");
}

static void disabled_gic(void *tree)
{
    edit_text(tree, GIC, "status", "disabled");
}

/* Two regions of redistributors, and behind them the CPU interface in memory. */
static void wide_gic(void *tree)
{
    EDIT_CELLS(tree, GIC, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0x40000, 0x40, 0, 0,
               0x80000, 0, 0x08010000, 0, 0x10000);
    EDIT_CELLS(tree, GIC, "#redistributor-regions", 2);
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0, 0x40000);
}

static void short_stride(void *tree)
{
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0x30000);
}

static void cut_gic(void *tree)
{
    EDIT_CELLS(tree, GIC, "#redistributor-regions", 2);
}

static void narrow_stride(void *tree)
{
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0, 0x10000);
}

static void endless_stride(void *tree)
{
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0xFFFFFFFF, 0xFFFE0000);
}

static void odd_stride(void *tree)
{
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0, 0x28000);
}

static void strange_stride(void *tree)
{
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0, 0, 0x20000);
}

static void many_regions(void *tree, uint32_t count)
{
    uint32_t cell[80];

    for (size_t i = 0; i <= count; i++) {
        cell[i * 4] = 0;
        cell[i * 4 + 1] = 0x08000000 + (uint32_t)i * 0x20000;
        cell[i * 4 + 2] = 0;
        cell[i * 4 + 3] = 0x20000;
    }
    edit_cell_array(tree, GIC, "reg", cell, (count + 1) * 4);
    EDIT_CELLS(tree, GIC, "#redistributor-regions", count);
}

static void all_regions(void *tree)
{
    many_regions(tree, TOPOLOGY_GIC_RANGES - 1);
}

static void too_many_regions(void *tree)
{
    many_regions(tree, TOPOLOGY_GIC_RANGES);
}

static void each_region_of_redistributors_is_read(void)
{
    expect_accepted(wide_gic);
    assert_int_equal(fdt_found.gic_range_count, 4);
    assert_int_equal(fdt_found.gic_redistributors, 2);
    assert_int_equal(fdt_found.gic_range[2].base, 0x4000000000);
    assert_int_equal(fdt_found.gic_range[2].size, 0x80000);
    assert_int_equal(fdt_found.gic_range[3].base, 0x08010000);
    assert_int_equal(fdt_found.gic_stride, 0x40000);
    expect_accepted(short_stride);
    assert_int_equal(fdt_found.gic_stride, 0x30000);
    expect_accepted(all_regions);
    assert_int_equal(fdt_found.gic_redistributors, TOPOLOGY_GIC_RANGES - 1);
    assert_int_equal(fdt_found.gic_range[TOPOLOGY_GIC_RANGES - 1].base,
                     0x08000000 + (TOPOLOGY_GIC_RANGES - 1) * 0x20000);
    expect_refused(cut_gic, GIC, "a GICv3 without its register ranges");
    expect_refused(too_many_regions, GIC, "a GICv3 without its register ranges");
    expect_refused(narrow_stride, GIC, "a redistributor-stride that is none");
    expect_refused(endless_stride, GIC, "a redistributor-stride that is none");
    expect_refused(odd_stride, GIC, "a redistributor-stride that is none");
    expect_refused(strange_stride, GIC, "a redistributor-stride that is none");
}

static void a_gic_that_is_not_one_whole_gic_is_refused(void)
{
    expect_refused(half_gic, GIC, "a GICv3 without its register ranges");
    expect_refused(headless_gic, GIC, "a GICv3 without its register ranges");
    expect_refused(second_gic, GIC, "a second interrupt controller");
    expect_accepted(disabled_gic);
    assert_false(fdt_found.gicv3);
}

static void move_to_bus(void *tree, const char *compatible, bool plain)
{
    edit_add(tree, "/", "bus");
    EDIT_CELLS(tree, "/bus", "#address-cells", 2);
    EDIT_CELLS(tree, "/bus", "#size-cells", 2);
    if (plain)
        edit_flag(tree, "/bus", "ranges");
    else
        EDIT_CELLS(tree, "/bus", "ranges", 0, 0, 1, 0, 0, 0x80000000);
    edit_add(tree, "/bus", "part@c000000");
    edit_text(tree, "/bus/part@c000000", "compatible", compatible);
    EDIT_CELLS(tree, "/bus/part@c000000", "reg", 0, 0x0C000000, 0, 0x20000, 0, 0x0D000000, 0,
               0x1000000);
}

static void translated_iommu(void *tree)
{
    move_to_bus(tree, "arm,smmu-v3", false);
}

static void translated_gic(void *tree)
{
    assert_int_equal(fdt_del_node(tree, edit_node(tree, GIC)), 0);
    move_to_bus(tree, "arm,gic-v3", false);
}

static void translated_host(void *tree)
{
    move_to_bus(tree, "pci-host-ecam-generic", false);
}

static void translated_block(void *tree)
{
    move_to_bus(tree, "test,block", false);
}

static void plain_block(void *tree)
{
    move_to_bus(tree, "test,block", true);
}

static void plain_iommu(void *tree)
{
    move_to_bus(tree, "arm,smmu-v3", true);
}

static void what_stands_on_a_bus_that_translates_is_refused_or_is_no_block(void)
{
    static const char *const node = "/bus/part@c000000";

    expect_refused(translated_iommu, node, "stands on a bus that translates addresses");
    expect_refused(translated_gic, node, "stands on a bus that translates addresses");
    expect_refused(translated_host, node, "stands on a bus that translates addresses");
    expect_accepted(translated_block);
    assert_null(fdt_bench_block(node));
    expect_accepted(plain_block);
    assert_non_null(fdt_bench_block(node));
    assert_int_equal(fdt_bench_block(node)->register_count, 2);
    assert_int_equal(fdt_bench_block(node)->registers[0].base, 0x0C000000);
    expect_accepted(plain_iommu);
    assert_int_equal(fdt_found.iommu_count, 2);
    assert_string_equal(fdt_found.iommu[0].name, node);
}

static const uint32_t *bus_ranges;
static unsigned int bus_range_cells;

static void block_on_bus_with_ranges(void *tree)
{
    move_to_bus(tree, "test,block", true);
    edit_cell_array(tree, "/bus", "ranges", bus_ranges, bus_range_cells);
}

static void ranges_that_lead_each_to_itself_are_no_translation(void)
{
    static const uint32_t itself[] = { 0, 0, 0, 0, 0x10, 0 },
                          stretches[] = { 0, 0x0C000000, 0, 0x0C000000, 0, 0x20000,
                                          1, 0x0D000000, 1, 0x0D000000, 1, 0 },
                          second[] = { 0, 0x0C000000, 0, 0x0C000000, 0, 0x20000,
                                       0, 0x0D000000, 1, 0x0D000000, 0, 0x20000 },
                          cut[] = { 0, 0x0C000000, 0, 0x0C000000, 0, 0x20000, 0 };
    static const struct {
        const uint32_t *cells;
        unsigned int count;
        bool plain;
    } rows[] = { { itself, ARRAY_LENGTH(itself), true },
                 { stretches, ARRAY_LENGTH(stretches), true },
                 { second, ARRAY_LENGTH(second), false },
                 { cut, ARRAY_LENGTH(cut), false } };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++) {
        bus_ranges = rows[i].cells;
        bus_range_cells = rows[i].count;
        expect_accepted(block_on_bus_with_ranges);
        if ((fdt_bench_block("/bus/part@c000000") != NULL) != rows[i].plain)
            fail_msg("ranges %u are %s", i, rows[i].plain ? "not followed" : "followed");
    }
}

static void narrow_bus(void *tree)
{
    move_to_bus(tree, "test,block", true);
    edit_remove(tree, "/bus", "#address-cells");
    edit_remove(tree, "/bus", "#size-cells");
    EDIT_CELLS(tree, "/bus", "#address-cells", 1);
    EDIT_CELLS(tree, "/bus", "#size-cells", 1);
    EDIT_CELLS(tree, "/bus", "ranges", 0x0C000000, 0, 0x0C000000, 0x20000);
    EDIT_CELLS(tree, "/bus/part@c000000", "reg", 0x0C000000, 0x1000);
}

static void wide_bus(void *tree)
{
    narrow_bus(tree);
    EDIT_CELLS(tree, "/bus", "#address-cells", 3);
}

static void ranges_are_compared_as_addresses_of_both_widths(void)
{
    expect_accepted(narrow_bus);
    assert_non_null(fdt_bench_block("/bus/part@c000000"));
    expect_accepted(wide_bus);
    assert_null(fdt_bench_block("/bus/part@c000000"));
}

static void disabled_bus(void *tree)
{
    move_to_bus(tree, "test,block", true);
    edit_text(tree, "/bus", "status", "disabled");
}

static void disabled_bus_of_an_iommu(void *tree)
{
    move_to_bus(tree, "arm,smmu-v3", true);
    edit_text(tree, "/bus", "status", "disabled");
}

static void what_stands_on_a_disabled_bus_is_disabled_too(void)
{
    expect_accepted(disabled_bus);
    assert_null(fdt_bench_block("/bus/part@c000000"));
    expect_accepted(disabled_bus_of_an_iommu);
    assert_int_equal(fdt_found.iommu_count, 2);
    assert_true(fdt_found.iommu[0].disabled);
    assert_false(fdt_found.iommu[1].disabled);
}

static void secure_memory(void *tree)
{
    edit_add(tree, "/", "secram@e000000");
    edit_text(tree, "/secram@e000000", "device_type", "memory");
    EDIT_CELLS(tree, "/secram@e000000", "reg", 0, 0x0E000000, 0, 0x1000000);
}

static void disabled_memory(void *tree)
{
    secure_memory(tree);
    edit_text(tree, "/secram@e000000", "status", "disabled");
    edit_text(tree, "/secram@e000000", "secure-status", "okay");
}

static void memory_that_is_disabled_is_not_taken_for_ram(void)
{
    expect_accepted(NULL);
    uint32_t before = fdt_found.memory_count;

    expect_accepted(secure_memory);
    assert_int_equal(fdt_found.memory_count, before + 1);
    expect_accepted(disabled_memory);
    assert_int_equal(fdt_found.memory_count, before);
}

static void short_iommu(void *tree)
{
    move_to_bus(tree, "arm,smmu-v3", true);
    EDIT_CELLS(tree, "/bus/part@c000000", "reg", 0, 0x0C000000, 0, 0x1FFFF);
}

static void an_iommu_with_less_than_its_two_pages_is_refused(void)
{
    expect_refused(short_iommu, "/bus/part@c000000", "an IOMMU whose reg does not cover");
}

int run_fdt_own_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_iommu_without_reg_is_refused),
        TEST(an_iommus_interrupts_are_the_controllers_and_within_what_it_has),
        TEST(an_iommus_interrupts_count_only_if_named_and_shared),
        TEST(an_iommus_interrupts_are_not_known_where_no_gicv3_is),
        TEST(an_iommus_interrupts_are_not_known_where_a_specifier_is_too_short_for_a_gic),
        TEST(a_path_too_long_to_keep_refuses_the_machine_or_leaves_a_block_out),
        TEST(each_region_of_redistributors_is_read),
        TEST(a_gic_that_is_not_one_whole_gic_is_refused),
        TEST(what_stands_on_a_bus_that_translates_is_refused_or_is_no_block),
        TEST(ranges_that_lead_each_to_itself_are_no_translation),
        TEST(ranges_are_compared_as_addresses_of_both_widths),
        TEST(what_stands_on_a_disabled_bus_is_disabled_too),
        TEST(memory_that_is_disabled_is_not_taken_for_ram),
        TEST(an_iommu_with_less_than_its_two_pages_is_refused),
    };

    return RUN_GROUP("topology/fdt, units and controller");
}
