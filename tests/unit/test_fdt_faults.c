/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that are whole but say something wrong or rare, one statement at a time: what the reader of
 * device trees (drivers/topology/fdt.c) answers, and that it names the node. */
#include <string.h>

#include "drivers/topology/fdt.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define SMMU "/smmuv3@9050000"
#define GIC "/intc@8000000"
#define HOST "/pcie@3f000000"
#define CLOCK "/pl031@9010000"

/* ---- The header ---------------------------------------------------------------------------------- */

static void what_is_no_tree_has_no_extent(void)
{
    assert_true(fdt_bench_read(NULL));
    assert_true(fdt_extent(fdt_blob) > sizeof(struct fdt_header));
    assert_true(fdt_extent(fdt_blob) <= fdt_totalsize(fdt_blob));
    fdt_blob[0] ^= 1;
    assert_int_equal(fdt_extent(fdt_blob), 0);
}

static void a_tree_of_a_version_before_17_is_refused(void)
{
    assert_true(fdt_bench_read(NULL));
    fdt_set_version(fdt_blob, 16);
    assert_false(fdt_take(fdt_blob, fdt_copy, sizeof(fdt_copy), &fdt_error));
    assert_string_equal(fdt_error.text, "the device tree's header is corrupt");
}

static void a_tree_whose_structure_is_corrupt_is_refused(void)
{
    assert_true(fdt_bench_read(NULL));
    fdt_blob[fdt_off_dt_struct(fdt_blob)] = 0xFF;
    assert_false(fdt_take(fdt_blob, fdt_copy, sizeof(fdt_copy), &fdt_error));
    assert_string_equal(fdt_error.text, "the device tree is corrupt");
}

/* ---- Memory and CPUs ----------------------------------------------------------------------------- */

static void wrap_memory(void *tree)
{
    EDIT_CELLS(tree, "/memory@40000000", "reg", 0xFFFFFFFF, 0xFFFFF000, 0, 0x2000);
}

static void empty_memory(void *tree)
{
    EDIT_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0, 0, 0x48000000, 0, 0x1000);
}

static void reserve(void *tree)
{
    edit_add(tree, "/", "reserved-memory");
    EDIT_CELLS(tree, "/reserved-memory", "#address-cells", 2);
    EDIT_CELLS(tree, "/reserved-memory", "#size-cells", 2);
    edit_add(tree, "/reserved-memory", "firmware@45000000");
    EDIT_CELLS(tree, "/reserved-memory/firmware@45000000", "reg", 0, 0x45000000, 0, 0x3000);
}

static void memory_that_wraps_around_is_refused_and_empty_memory_is_none(void)
{
    expect_refused(wrap_memory, "/memory@40000000", "reg wraps around");
    expect_accepted(empty_memory);
    assert_int_equal(fdt_found.memory_count, 1);
    assert_int_equal(fdt_found.memory[0].base, 0x48000000);
}

static void reserved_memory_is_reserved(void)
{
    expect_accepted(reserve);
    assert_int_equal(fdt_found.reserved_count, 2); /* and the reservation block's one */
    assert_int_equal(fdt_found.reserved[0].base, 0x45000000);
    assert_int_equal(fdt_found.reserved[0].size, 0x3000);
}

static void sixteen_reservations(void *tree)
{
    for (unsigned int i = 0; i < TOPOLOGY_RANGES; i++)
        assert_int_equal(fdt_add_mem_rsv(tree, 0x41000000 + i * UINT64_C(0x10000), 0x1000), 0);
}

static void more_reservations_than_are_kept_are_refused_never_cut(void)
{
    expect_refused(sixteen_reservations, "", "the memory reservation block is corrupt");
}

static void headless_cpu(void *tree)
{
    edit_remove(tree, "/cpus/cpu@0", "reg");
}

static void short_cpu(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 2);
}

static void wide_cpu(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 3);
}

static void disabled_cpu(void *tree)
{
    edit_text(tree, "/cpus/cpu@0", "status", "disabled");
}

static void okay_cpu(void *tree)
{
    edit_text(tree, "/cpus/cpu@0", "status", "okay");
}

static void a_cpu_without_a_whole_reg_is_refused_and_a_disabled_one_is_none(void)
{
    expect_refused(headless_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_refused(short_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_refused(wide_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_accepted(disabled_cpu);
    assert_int_equal(fdt_found.cpu_count, 1);
    assert_int_equal(fdt_found.cpu[0].affinity, 1);
    expect_accepted(okay_cpu);
    assert_int_equal(fdt_found.cpu_count, 2);
}

static void old_psci(void *tree)
{
    edit_text(tree, "/psci", "compatible", "arm,psci-0.2");
    edit_text(tree, "/psci", "method", "hvc");
}

static void no_method(void *tree)
{
    edit_remove(tree, "/psci", "method");
}

static void psci_0_2_is_psci_and_its_conduit_is_read(void)
{
    expect_accepted(old_psci);
    assert_true(fdt_found.psci);
    assert_false(fdt_found.psci_smc);
    expect_accepted(no_method);
    assert_true(fdt_found.psci);
    assert_false(fdt_found.psci_smc);
}

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

/* ---- PCI hosts ------------------------------------------------------------------------------------ */

static void headless_host(void *tree)
{
    edit_remove(tree, HOST, "reg");
}

static void windowless_host(void *tree)
{
    edit_remove(tree, HOST, "ranges");
}

static void four_windows(void *tree)
{
    uint32_t values[4 * 7];

    for (unsigned int i = 0; i < 4; i++) {
        const uint32_t window[] = { 0x02000000, 0, 0x10000000 * (i + 1), 0, 0x10000000 * (i + 1), 0,
                                    0x100000 };

        memcpy(&values[(size_t)i * 7], window, sizeof(window));
    }
    edit_cell_array(tree, HOST, "ranges", values, ARRAY_LENGTH(values));
}

static void empty_window(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0);
}

static void wrapping_window(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x02000000, 0, 0x10000000, 0xFFFFFFFF, 0xFFFFF000, 0, 0x2000);
}

static void prefetchable_window(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x42000000, 0, 0x10000000, 0, 0x10000000, 0, 0x100000);
}

static void a_host_without_registers_or_good_windows_is_refused(void)
{
    expect_refused(headless_host, HOST, "a PCI host without reg");
    expect_refused(windowless_host, HOST, "a PCI host without ranges");
    expect_refused(four_windows, HOST, "more PCI windows");
    expect_refused(empty_window, HOST, "a PCI window that is empty or wraps around");
    expect_refused(wrapping_window, HOST, "a PCI window that is empty or wraps around");
    expect_accepted(prefetchable_window);
    assert_true(fdt_found.host[0].window[0].prefetchable);
}

static void wide_bus_range(void *tree)
{
    EDIT_CELLS(tree, HOST, "bus-range", 0, 255);
}

static void no_bus_range(void *tree)
{
    edit_remove(tree, HOST, "bus-range");
}

static void late_bus_range(void *tree)
{
    EDIT_CELLS(tree, HOST, "bus-range", 250, 255);
}

static void backward_bus_range(void *tree)
{
    EDIT_CELLS(tree, HOST, "bus-range", 4, 2);
}

static void distant_bus_range(void *tree)
{
    EDIT_CELLS(tree, HOST, "bus-range", 256, 257);
}

static void small_host(void *tree)
{
    EDIT_CELLS(tree, HOST, "reg", 0, 0x3F000000, 0, 0x80000);
}

static void the_buses_of_a_host_are_those_that_its_registers_cover(void)
{
    expect_accepted(wide_bus_range);
    assert_int_equal(fdt_found.host[0].bus_last, ECAM_BUSES - 1);
    expect_accepted(no_bus_range);
    assert_int_equal(fdt_found.host[0].bus_first, 0);
    assert_int_equal(fdt_found.host[0].bus_last, ECAM_BUSES - 1);
    expect_accepted(late_bus_range);
    assert_int_equal(fdt_found.host[0].bus_first, 250);
    assert_int_equal(fdt_found.host[0].bus_last, 255);
    expect_refused(backward_bus_range, HOST, "a bus-range that its reg does not cover");
    expect_refused(distant_bus_range, HOST, "a bus-range that its reg does not cover");
    expect_refused(small_host, HOST, "a bus-range that its reg does not cover");
}

static void no_domain(void *tree)
{
    edit_remove(tree, HOST, "linux,pci-domain");
}

static void domain_five(void *tree)
{
    EDIT_CELLS(tree, HOST, "linux,pci-domain", 5);
}

static void the_segment_of_a_host_is_its_domain_or_its_number(void)
{
    expect_accepted(no_domain);
    assert_int_equal(fdt_found.host[0].segment, 0);
    expect_accepted(domain_five);
    assert_int_equal(fdt_found.host[0].segment, 5);
}

/* ---- Which stream a requester has ------------------------------------------------------------------- */

static void mask_all(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map-mask", 0xFFFF);
}

static void mask_functions(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map-mask", 0xFFF8);
}

static void long_mask(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map-mask", 0xFFFF, 0xFFFF);
}

static void seventeen_maps(void *tree)
{
    uint32_t values[17 * 4];

    for (uint32_t i = 0; i < 17; i++) {
        values[(size_t)i * 4] = i;
        values[(size_t)i * 4 + 1] = 0x8000;
        values[(size_t)i * 4 + 2] = i;
        values[(size_t)i * 4 + 3] = 1;
    }
    edit_cell_array(tree, HOST, "iommu-map", values, ARRAY_LENGTH(values));
}

static void empty_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0, 0x8000, 0, 0);
}

static void large_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0x100, 0x8000, 0, 0x10000);
}

static void wrapping_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0, 0x8000, 0xFFFFFF00, 0x101);
}

static void last_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0, 0x8000, 0xFFFFFF00, 0x100);
}

static void foreign_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0, 0x8001, 0, 0x100);
}

static void no_map(void *tree)
{
    edit_remove(tree, HOST, "iommu-map");
}

static void an_iommu_map_that_is_wrong_in_any_way_is_refused(void)
{
    uint32_t stream;

    expect_accepted(mask_all);
    expect_refused(mask_functions, HOST, "an iommu-map-mask that merges requester ids");
    expect_refused(long_mask, HOST, "an iommu-map-mask that merges requester ids");
    expect_refused(seventeen_maps, HOST, "more iommu-map entries");
    expect_refused(empty_map, HOST, "an iommu-map entry that is empty or out of range");
    expect_refused(large_map, HOST, "an iommu-map entry that is empty or out of range");
    expect_refused(wrapping_map, HOST, "an iommu-map entry that is empty or out of range");
    expect_refused(foreign_map, HOST, "iommu-map names an IOMMU that is not in the tree");
    expect_accepted(last_map);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0xFF, &stream), 0);
    assert_int_equal(stream, 0xFFFFFFFF);
    expect_accepted(no_map);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0, &stream), IOMMU_NONE);
}

static void second_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0x200, 0x8000, 0x1200, 0x10, 0x300, 0x8000, 0x2300, 0x10);
}

static void a_requester_between_two_maps_has_no_stream(void)
{
    uint32_t stream;

    expect_accepted(second_map);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0x1FF, &stream), IOMMU_NONE);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0x20F, &stream), 0);
    assert_int_equal(stream, 0x120F);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0x210, &stream), IOMMU_NONE);
    assert_int_equal(topology_stream(&fdt_found.host[0], 0x300, &stream), 0);
    assert_int_equal(stream, 0x2300);
}

/* ---- Blocks ----------------------------------------------------------------------------------------- */

static void master(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 5);
}

static void doorbell(void *tree)
{
    edit_flag(tree, CLOCK, "msi-controller");
}

static void disabled(void *tree)
{
    edit_text(tree, CLOCK, "status", "disabled");
}

static void headless(void *tree)
{
    edit_remove(tree, CLOCK, "reg");
}

static void incompatible(void *tree)
{
    edit_remove(tree, CLOCK, "compatible");
}

static void narrow(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0);
}

static void a_block_says_whether_it_masters_or_serves_others(void)
{
    expect_accepted(NULL);
    assert_false(fdt_bench_block(CLOCK)->masters || fdt_bench_block(CLOCK)->infrastructure);
    expect_accepted(master);
    assert_true(fdt_bench_block(CLOCK)->masters);
    expect_accepted(doorbell);
    assert_true(fdt_bench_block(CLOCK)->infrastructure);
}

static void second_unit(void *tree)
{
    edit_add(tree, "/", "smmuv3@9100000");
    edit_text(tree, "/smmuv3@9100000", "compatible", "arm,smmu-v3");
    EDIT_CELLS(tree, "/smmuv3@9100000", "reg", 0, 0x09100000, 0, 0x20000);
    EDIT_CELLS(tree, "/smmuv3@9100000", "phandle", 0x9000);
}

static void master_of_three(void *tree)
{
    second_unit(tree);
    EDIT_CELLS(tree, CLOCK, "iommus", 0x9000, 0x12345, 0x9000, 7, 0x9000, 0x12345, 0x9000, 9);
}

static void master_of_eight(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000, 2, 0x8000, 3, 0x8000, 4, 0x8000, 5, 0x8000,
               6, 0x8000, 7, 0x8000, 8);
}

static void master_of_nine(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000, 2, 0x8000, 3, 0x8000, 4, 0x8000, 5, 0x8000,
               6, 0x8000, 7, 0x8000, 8, 0x8000, 9);
}

static void master_of_two_units(void *tree)
{
    second_unit(tree);
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x9000, 1);
}

static void master_of_no_unit(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x7777, 1);
}

static void master_without_ids(void *tree)
{
    edit_flag(tree, CLOCK, "iommus");
}

static void master_cut_off(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000);
}

static void a_master_has_the_stream_ids_that_it_names_each_once(void)
{
    expect_accepted(master_of_three);
    const struct topology_block *block = fdt_bench_block(CLOCK);

    assert_null(block->streams_refusal);
    assert_string_equal(fdt_found.iommu[block->iommu].name, "/smmuv3@9100000");
    assert_int_equal(block->stream_count, 3);
    assert_int_equal(block->stream[0], 0x12345);
    assert_int_equal(block->stream[1], 7);
    assert_int_equal(block->stream[2], 9);
    assert_int_equal(topology_stream_count(&fdt_found, block->iommu), 0x12346);
    expect_accepted(master_of_eight);
    assert_null(fdt_bench_block(CLOCK)->streams_refusal);
    assert_int_equal(fdt_bench_block(CLOCK)->stream_count, TOPOLOGY_STREAMS);
}

static void a_master_whose_stream_ids_cannot_be_used_says_why(void)
{
    static const struct {
        void (*edit)(void *);
        const char *text;
    } rows[] = {
        { master_of_nine, "has more stream ids than the hypervisor keeps" },
        { master_of_two_units, "masters behind several IOMMUs" },
        { master_of_no_unit, "masters behind an IOMMU that is not in the tree" },
        { master_without_ids, "has iommus that are no pairs of an IOMMU and a stream id" },
        { master_cut_off, "has iommus that are no pairs of an IOMMU and a stream id" },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_accepted(rows[i].edit);
        assert_true(fdt_bench_block(CLOCK)->masters);
        assert_non_null(fdt_bench_block(CLOCK)->streams_refusal);
        assert_string_equal(fdt_bench_block(CLOCK)->streams_refusal, rows[i].text);
    }
}

static void what_is_disabled_or_has_no_registers_is_no_block(void)
{
    static void (*const edits[])(void *) = { disabled, headless, incompatible, narrow };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        expect_accepted(edits[i]);
        assert_null(fdt_bench_block(CLOCK));
    }
}

/* ---- /chosen ------------------------------------------------------------------------------------------ */

static void no_chosen(void *tree)
{
    assert_int_equal(fdt_del_node(tree, edit_node(tree, "/chosen")), 0);
}

static void short_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-start", 0x4E000000);
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0x4E002000);
}

static void odd_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-start", 0, 0x4E000000, 0);
}

static void endless_initrd(void *tree)
{
    edit_remove(tree, "/chosen", "linux,initrd-end");
}

static void odd_end(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0, 0x4E002000, 0);
}

static void backward_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0, 0x4E000000);
}

static void the_initrd_lies_between_start_and_end_in_one_cell_or_two(void)
{
    expect_accepted(no_chosen);
    assert_int_equal(fdt_found.initrd.size, 0);
    assert_int_equal(fdt_found.serial.size, 0);
    expect_accepted(short_initrd);
    assert_int_equal(fdt_found.initrd.base, 0x4E000000);
    assert_int_equal(fdt_found.initrd.size, 0x2000);
    expect_accepted(odd_initrd);
    assert_int_equal(fdt_found.initrd.size, 0);
    expect_refused(endless_initrd, "/chosen", "linux,initrd-end is missing");
    expect_refused(odd_end, "/chosen", "linux,initrd-end is missing");
    expect_refused(backward_initrd, "/chosen", "linux,initrd-end is missing");
}

static void path_with_speed(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/pl011@9000000:115200n8");
}

static void path_to_nothing(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/pl011@1");
}

static void no_path(void *tree)
{
    edit_remove(tree, "/chosen", "stdout-path");
}

static void empty_path(void *tree)
{
    edit_flag(tree, "/chosen", "stdout-path");
}

static void path_without_registers(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/psci");
}

static void the_console_is_what_stdout_path_names(void)
{
    static void (*const edits[])(void *) = { path_to_nothing, no_path, empty_path,
                                             path_without_registers };

    expect_accepted(path_with_speed);
    assert_int_equal(fdt_found.serial.base, SERIAL_BASE);
    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        expect_accepted(edits[i]);
        assert_int_equal(fdt_found.serial.size, 0);
        assert_int_equal(fdt_found.serial_interrupt, INTERRUPT_NONE);
    }
}

static void empty_status(void *tree)
{
    edit_flag(tree, CLOCK, "status");
}

static void an_empty_status_disables_nothing(void)
{
    expect_accepted(empty_status);
    assert_non_null(fdt_bench_block(CLOCK));
}

int run_fdt_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_tree_has_no_extent),
        TEST(a_tree_of_a_version_before_17_is_refused),
        TEST(a_tree_whose_structure_is_corrupt_is_refused),
        TEST(memory_that_wraps_around_is_refused_and_empty_memory_is_none),
        TEST(reserved_memory_is_reserved),
        TEST(more_reservations_than_are_kept_are_refused_never_cut),
        TEST(a_cpu_without_a_whole_reg_is_refused_and_a_disabled_one_is_none),
        TEST(psci_0_2_is_psci_and_its_conduit_is_read),
        TEST(an_iommu_without_reg_is_refused),
        TEST(an_iommus_interrupts_are_the_controllers_and_within_what_it_has),
        TEST(an_iommus_interrupts_count_only_if_named_and_shared),
        TEST(an_iommus_interrupts_are_not_known_where_no_gicv3_is),
        TEST(an_iommus_interrupts_are_not_known_where_a_specifier_is_too_short_for_a_gic),
        TEST(a_path_too_long_to_keep_refuses_the_machine_or_leaves_a_block_out),
        TEST(each_region_of_redistributors_is_read),
        TEST(a_gic_that_is_not_one_whole_gic_is_refused),
        TEST(what_stands_on_a_bus_that_translates_is_refused_or_is_no_block),
        TEST(a_host_without_registers_or_good_windows_is_refused),
        TEST(the_buses_of_a_host_are_those_that_its_registers_cover),
        TEST(the_segment_of_a_host_is_its_domain_or_its_number),
        TEST(an_iommu_map_that_is_wrong_in_any_way_is_refused),
        TEST(a_requester_between_two_maps_has_no_stream),
        TEST(a_block_says_whether_it_masters_or_serves_others),
        TEST(a_master_has_the_stream_ids_that_it_names_each_once),
        TEST(a_master_whose_stream_ids_cannot_be_used_says_why),
        TEST(what_is_disabled_or_has_no_registers_is_no_block),
        TEST(the_initrd_lies_between_start_and_end_in_one_cell_or_two),
        TEST(the_console_is_what_stdout_path_names),
        TEST(an_empty_status_disables_nothing),
    };

    return RUN_GROUP("topology/fdt, faults");
}
