/* SPDX-License-Identifier: Apache-2.0 */
/* What a device tree says of PCI hosts and of the streams behind them, one wrong or rare statement at a time. */
#include "drivers/topology/fdt.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define HOST "/pcie@3f000000"

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

int run_fdt_hosts_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_host_without_registers_or_good_windows_is_refused),
        TEST(the_buses_of_a_host_are_those_that_its_registers_cover),
        TEST(the_segment_of_a_host_is_its_domain_or_its_number),
        TEST(an_iommu_map_that_is_wrong_in_any_way_is_refused),
        TEST(a_requester_between_two_maps_has_no_stream),
    };

    return RUN_GROUP("topology/fdt, hosts");
}
