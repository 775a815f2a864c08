/* SPDX-License-Identifier: Apache-2.0 */
/* What a device tree says of interrupt translation services, and of the messages that reach them. */
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define HOST "/pcie@3f000000"
#define GIC "/intc@8000000"
#define ITS GIC "/its@8080000"
#define ITS_BASE UINT64_C(0x08080000)
#define ITS_STRIDE UINT64_C(0x01000000)
#define ITS_HANDLE(number) (0x8200u + (number))
#define LONG "interrupt-translation-service-of-the-machine@8080000"
#define GIC_HANDLE 0x8100

/* ---- The services ------------------------------------------------------------------------------------------ */

/* The last one that is added stands first. */
static void add(void *tree, unsigned int count)
{
    for (unsigned int i = count; i-- > 0;)
        edit_its(tree, ITS_BASE + i * ITS_STRIDE, ITS_HANDLE(i));
}

static void one(void *tree)
{
    add(tree, 1);
}

static void two(void *tree)
{
    add(tree, 2);
}

static void the_its_below_the_gic_is_read_and_is_no_block(void)
{
    expect_accepted(NULL);
    assert_int_equal(fdt_found.its_count, 0);
    expect_accepted(two);
    assert_int_equal(fdt_found.its_count, 2);
    assert_string_equal(fdt_found.its[0].name, ITS);
    assert_int_equal(fdt_found.its[0].registers.base, ITS_BASE);
    assert_int_equal(fdt_found.its[0].registers.size, 0x20000);
    assert_int_equal(fdt_found.its[0].handle, ITS_HANDLE(0));
    assert_int_equal(fdt_found.its[1].registers.base, ITS_BASE + ITS_STRIDE);
    assert_int_equal(fdt_found.its[1].handle, ITS_HANDLE(1));
    assert_null(fdt_bench_block(ITS));
}

static void one_frame(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, ITS, "reg", 0, (uint32_t)ITS_BASE, 0, 0x1FFFF);
}

static void four_frames(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, ITS, "reg", 0, (uint32_t)ITS_BASE, 0, 0x40000);
}

static void crooked(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, ITS, "reg", 0, (uint32_t)ITS_BASE + 0x1000, 0, 0x20000);
}

static void wrapping(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, ITS, "reg", 0xFFFFFFFF, 0xFFFF0000, 0, 0x20000);
}

static void nameless(void *tree)
{
    one(tree);
    edit_remove(tree, ITS, "phandle");
}

static void headless(void *tree)
{
    one(tree);
    edit_remove(tree, ITS, "reg");
}

static void disabled(void *tree)
{
    one(tree);
    edit_text(tree, ITS, "status", "disabled");
}

static void translated(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, GIC, "ranges", 0, 0, 0, 0x08000000, 0, 0x1000000);
}

static void of_another_kind(void *tree)
{
    one(tree);
    edit_text(tree, ITS, "compatible", "arm,gic-v5-its");
}

static void expect_none(void (*edit)(void *tree), bool block)
{
    expect_accepted(edit);
    assert_int_equal(fdt_found.its_count, 0);
    if (!block) {
        assert_null(fdt_bench_block(ITS));
        return;
    }
    assert_non_null(fdt_bench_block(ITS));
    assert_true(fdt_bench_block(ITS)->infrastructure);
}

static void long_name(void *tree)
{
    one(tree);
    assert_int_equal(fdt_set_name(tree, edit_node(tree, ITS), LONG), 0);
}

static void an_its_is_what_maps_can_name_and_the_hypervisor_can_use(void)
{
    expect_none(one_frame, true);
    expect_accepted(four_frames);
    assert_int_equal(fdt_found.its[0].registers.size, 0x40000);
    expect_none(crooked, true);
    expect_none(wrapping, true);
    expect_none(nameless, true);
    expect_none(of_another_kind, true);
    expect_none(headless, false);
    expect_none(disabled, false);
    expect_none(translated, false);
    expect_accepted(long_name);
    assert_int_equal(fdt_found.its_count, 0);
}

static void five(void *tree)
{
    add(tree, TOPOLOGY_ITS + 1);
}

static void an_its_beyond_those_that_are_kept_is_nobodys_block(void)
{
    expect_accepted(five);
    assert_int_equal(fdt_found.its_count, TOPOLOGY_ITS);
    assert_non_null(fdt_bench_block(GIC "/its@c080000"));
    assert_true(fdt_bench_block(GIC "/its@c080000")->infrastructure);
}

/* ---- Messages ----------------------------------------------------------------------------------------------- */

static void expect_device(uint32_t requester, uint32_t its, uint32_t device)
{
    uint32_t id = 0;

    assert_int_equal(topology_event_device(&fdt_found.host[0], requester, &id), its);
    if (its != ITS_NONE)
        assert_int_equal(id, device);
}

static void two_maps(void *tree)
{
    two(tree);
    EDIT_CELLS(tree, HOST, "msi-map-mask", 0xFFFF);
    EDIT_CELLS(tree, HOST, "msi-map", 0x100, ITS_HANDLE(1), 0x5100, 0x100, 0x300, ITS_HANDLE(0), 0,
               1);
}

static void messages_reach_the_its_that_the_map_names_as_the_device_that_it_says(void)
{
    expect_accepted(two_maps);
    expect_device(0xFF, ITS_NONE, 0);
    expect_device(0x100, 1, 0x5100);
    expect_device(0x1FF, 1, 0x51FF);
    expect_device(0x200, ITS_NONE, 0);
    expect_device(0x300, 0, 0);
    expect_device(0x301, ITS_NONE, 0);
}

static void without_a_map_no_message_reaches_an_its(void)
{
    expect_accepted(one);
    expect_device(0x100, ITS_NONE, 0);
}

static void map_to_others(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, HOST, "msi-map", 0, GIC_HANDLE, 0, 0x100, 0x100, ITS_HANDLE(0), 0x100, 0x100,
               0x200, 0x7777, 0x200, 0x100);
}

static void an_entry_that_leads_to_no_its_is_passed_over(void)
{
    expect_accepted(map_to_others);
    expect_device(0x50, ITS_NONE, 0);
    expect_device(0x150, 0, 0x150);
    expect_device(0x250, ITS_NONE, 0);
    assert_int_equal(fdt_found.host[0].msi_map_count, 1);
}

static void mask_functions(void *tree)
{
    two_maps(tree);
    EDIT_CELLS(tree, HOST, "msi-map-mask", 0xFFF8);
}

static void empty_entry(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, HOST, "msi-map", 0, ITS_HANDLE(0), 0, 0x100, 0x100, ITS_HANDLE(0), 0, 0);
}

static void large_entry(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, HOST, "msi-map", 1, ITS_HANDLE(0), 0, 0x10000);
}

static void wrapping_entry(void *tree)
{
    one(tree);
    EDIT_CELLS(tree, HOST, "msi-map", 0, ITS_HANDLE(0), 0xFFFFFFFF, 2);
}

static void seventeen_entries(void *tree)
{
    uint32_t values[17 * 4];

    one(tree);
    for (uint32_t i = 0; i < 17; i++) {
        const uint32_t entry[] = { i, ITS_HANDLE(0), i, 1 };

        memcpy(&values[(size_t)i * 4], entry, sizeof(entry));
    }
    edit_cell_array(tree, HOST, "msi-map", values, ARRAY_LENGTH(values));
}

/* The machine is as good as without messages. */
static void a_msi_map_that_is_wrong_costs_the_devices_behind_the_host_their_messages(void)
{
    static void (*const edits[])(void *tree) = { mask_functions, empty_entry, large_entry,
                                                 wrapping_entry, seventeen_entries };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        expect_accepted(edits[i]);
        assert_int_equal(fdt_found.its_count, i == 0 ? 2 : 1);
        assert_int_equal(fdt_found.host[0].map_count, 1);
        assert_int_equal(fdt_found.host[0].msi_map_count, 0);
    }
}

static void a_msi_map_that_is_wrong_is_told_of_by_its_host(void)
{
    machine_plain();
    machine.tree.edit = large_entry;
    machine_boot();
    assert_console(HOST ": its msi-map merges ids, leaves their range, or is too long: no MSI");
}

int run_fdt_its_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_its_below_the_gic_is_read_and_is_no_block),
        TEST(an_its_is_what_maps_can_name_and_the_hypervisor_can_use),
        TEST(an_its_beyond_those_that_are_kept_is_nobodys_block),
        TEST(messages_reach_the_its_that_the_map_names_as_the_device_that_it_says),
        TEST(without_a_map_no_message_reaches_an_its),
        TEST(an_entry_that_leads_to_no_its_is_passed_over),
        TEST(a_msi_map_that_is_wrong_costs_the_devices_behind_the_host_their_messages),
        TEST(a_msi_map_that_is_wrong_is_told_of_by_its_host),
    };

    return RUN_GROUP("topology/fdt, ITS");
}
