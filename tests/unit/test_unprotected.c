/* SPDX-License-Identifier: Apache-2.0 */
/* Masters of memory that no SMMUv3 stands before: the tree's reader notes them (drivers/topology/fdt_masters.c), and
 * the boot says them. */
#include <stdio.h>
#include <string.h>

#include "arch/boot.h"
#include "drivers/topology/fdt_masters.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"
#include "kernel/board.h"
#include "observer.h"

#define HOST "/pcie@3f000000"
#define SMMU "/smmuv3@9050000"

/* What one node more says of itself. */
static struct {
    const char *name, *compatible, *flag, *type;
    const char *behind; /* path of what its iommus, or its iommu-map, names */
    bool disabled, map;
    unsigned int count;
} node;

static uint32_t handle_of(void *tree, const char *path)
{
    uint32_t handle = fdt_get_phandle(tree, edit_node(tree, path));

    if (handle != 0)
        return handle;
    EDIT_CELLS(tree, path, "phandle", 0x7654);
    return 0x7654;
}

static void add_node(void *tree)
{
    char path[64];

    edit_add(tree, "/", "unit");
    edit_text(tree, "/unit", "compatible", "test,unit");
    EDIT_CELLS(tree, "/unit", "#iommu-cells", 1);
    edit_flag(tree, "/unit", "dma-coherent");
    for (unsigned int i = 0; i < node.count; i++) {
        snprintf(path, sizeof(path), i == 0 ? "%s" : "%s-%u", node.name, i);
        edit_add(tree, "/", path);
        snprintf(path, sizeof(path), i == 0 ? "/%s" : "/%s-%u", node.name, i);
        if (node.compatible != NULL)
            edit_text(tree, path, "compatible", node.compatible);
        if (node.flag != NULL)
            edit_flag(tree, path, node.flag);
        if (node.type != NULL)
            edit_text(tree, path, "device_type", node.type);
        if (node.behind != NULL && node.map)
            EDIT_CELLS(tree, path, "iommu-map", 0, handle_of(tree, node.behind), 0, 0x100);
        else if (node.behind != NULL)
            EDIT_CELLS(tree, path, "iommus", handle_of(tree, node.behind), 7);
        if (node.disabled)
            edit_text(tree, path, "status", "disabled");
    }
}

static const struct topology_master *noted(const char *compatible)
{
    for (uint32_t i = 0; i < fdt_found.unprotected_count; i++) {
        if (strcmp(fdt_found.unprotected[i].compatible, compatible) == 0)
            return &fdt_found.unprotected[i];
    }
    return NULL;
}

/* A node of that name; what else is to be said of it stands in `node`. */
static const struct topology_master *note_of(const char *name)
{
    node.name = name;
    node.compatible = "test,device";
    node.count = 1;
    expect_accepted(add_node);
    assert_null(noted("test,unit"));
    return noted("test,device");
}

static void start(void)
{
    memset(&node, 0, sizeof(node));
}

static void each_sign_of_a_master_is_one(void)
{
    static const char *const flags[] = { "dma-coherent", "#dma-cells", "memory-region" };
    static const char *const names[] = { "crypto", "ethernet@a000000", "vpu@1", "nand-controller" };

    for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
        start();
        node.flag = flags[i];
        const struct topology_master *master = note_of("block");

        if (master == NULL || strcmp(master->name, "/block") != 0 || master->count != 1)
            fail_msg("%s is no sign", flags[i]);
    }
    start();
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        if (note_of(names[i]) == NULL)
            fail_msg("%s is no name of a master", names[i]);
    }
    assert_null(note_of("block"));
    assert_null(note_of("ethernets@1"));
    assert_null(note_of("ether@1"));
}

static void what_is_told_names_the_sign(void)
{
    bool by_name = true;

    start();
    node.flag = "dma-coherent";
    note_of("ethernet@1");
    assert_string_equal(fdt_mastery(fdt_copy, fdt_path_offset(fdt_copy, "/ethernet@1"), &by_name),
                        "dma-coherent");
    assert_false(by_name);
    node.flag = NULL;
    note_of("ethernet@1");
    assert_string_equal(fdt_mastery(fdt_copy, fdt_path_offset(fdt_copy, "/ethernet@1"), &by_name),
                        "ethernet");
    assert_true(by_name);
}

static void who_stands_behind_an_smmuv3_is_none_of_them(void)
{
    start();
    node.behind = SMMU;
    assert_null(note_of("ethernet@1"));
    node.behind = "/unit";
    assert_non_null(note_of("ethernet@1"));
    assert_non_null(note_of("block"));
}

static void a_host_whose_map_leads_to_no_smmuv3_is_one_of_them(void)
{
    start();
    node.type = "pci";
    assert_non_null(note_of("host"));
    node.map = true;
    node.behind = "/unit";
    assert_non_null(note_of("host"));
    node.behind = SMMU;
    assert_null(note_of("host"));
}

static void function_below_the_host(void *tree)
{
    edit_add(tree, HOST, "ethernet@0");
    edit_text(tree, HOST "/ethernet@0", "compatible", "test,device");
}

static void ported_host(void *tree)
{
    function_below_the_host(tree);
    edit_text(tree, HOST, "device_type", "pci");
}

static void functions_below_a_host_are_the_hosts(void)
{
    expect_accepted(ported_host);
    assert_null(noted("test,device"));
}

static void a_bus_and_what_is_disabled_are_none(void)
{
    start();
    node.flag = "ranges";
    assert_null(note_of("usb@1"));
    start();
    node.disabled = true;
    assert_null(note_of("usb@1"));
    node.disabled = false;
    assert_non_null(note_of("usb@1"));
}

static void who_takes_interrupts_for_others_is_none(void)
{
    start();
    node.flag = "msi-controller";
    assert_null(note_of("usb@1"));
}

static void neighbours_of_one_kind_are_counted_and_the_first_is_named(void)
{
    start();
    node.name = "usb";
    node.compatible = "test,device";
    node.count = 3;
    node.flag = "dma-coherent";
    expect_accepted(add_node);
    assert_int_equal(noted("test,device")->count, 3);
}

static void twenty_kinds(void *tree)
{
    for (unsigned int i = 0; i < TOPOLOGY_MASTERS + 4; i++) {
        char path[32], kind[32];

        snprintf(path, sizeof(path), "/usb@%u", i);
        snprintf(kind, sizeof(kind), "test,device%u", i);
        edit_add(tree, "/", path + 1);
        edit_text(tree, path, "compatible", kind);
    }
}

static void more_kinds_than_are_kept_are_counted(void)
{
    expect_accepted(NULL);
    uint32_t before = fdt_found.unprotected_count;

    assert_int_equal(fdt_found.unprotected_more, 0);
    expect_accepted(twenty_kinds);
    assert_int_equal(fdt_found.unprotected_count, TOPOLOGY_MASTERS);
    assert_int_equal(fdt_found.unprotected_more, before + 4);
}

static void deep_master(void *tree)
{
    static const char bus[] = "a-bus-whose-name-is-rather-long-so-that-no-path-fits";

    edit_add(tree, "/", bus);
    edit_add(tree, "/a-bus-whose-name-is-rather-long-so-that-no-path-fits", "usb@1");
    edit_text(tree, "/a-bus-whose-name-is-rather-long-so-that-no-path-fits/usb@1", "compatible",
              "test,device");
}

static void a_node_whose_path_is_too_long_goes_by_its_name(void)
{
    expect_accepted(deep_master);
    assert_string_equal(noted("test,device")->name, "usb@1");
}

/* ---- The boot ------------------------------------------------------------------------------------------ */

static void two_masters(void *tree)
{
    edit_add(tree, "/", "usb@1");
    edit_text(tree, "/usb@1", "compatible", "test,device");
    edit_add(tree, "/", "virtio_mmio@1");
    edit_text(tree, "/virtio_mmio@1", "compatible", "virtio,mmio");
    edit_flag(tree, "/virtio_mmio@1", "dma-coherent");
}

static void a_master_that_the_board_does_not_answer_for_is_said_at_boot(void)
{
    machine_plain();
    machine.tree.edit = two_masters;
    observer_start();
    machine_boot();
    assert_console(
        "[bulkhead] unprotected: /usb@1 (test,device), 1 of its kind: no SMMUv3 stands before it\n");
    assert_null(strstr(machine.console, "virtio_mmio"));
    assert_null(strstr(machine.console, "more nodes that are not named"));
}

static void a_board_that_trusts_nobody_answers_for_nobody(void)
{
    struct board board = { 0 };

    assert_true(
        board_read(board_tree_start, (uint64_t)(board_tree_end - board_tree_start), &board));
    assert_true(board_trusts(&board, "virtio,mmio"));
    assert_false(board_trusts(&board, "virtio"));
    board.trusted = NULL;
    assert_false(board_trusts(&board, "virtio,mmio"));
}

static void masters_that_are_not_named_are_counted_at_boot(void)
{
    machine_plain();
    machine.tree.edit = twenty_kinds;
    observer_start();
    machine_boot();
    assert_console("more nodes that are not named\n");
}

int run_unprotected_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_sign_of_a_master_is_one),
        TEST(what_is_told_names_the_sign),
        TEST(who_stands_behind_an_smmuv3_is_none_of_them),
        TEST(a_host_whose_map_leads_to_no_smmuv3_is_one_of_them),
        TEST(functions_below_a_host_are_the_hosts),
        TEST(a_bus_and_what_is_disabled_are_none),
        TEST(who_takes_interrupts_for_others_is_none),
        TEST(neighbours_of_one_kind_are_counted_and_the_first_is_named),
        TEST(more_kinds_than_are_kept_are_counted),
        TEST(a_node_whose_path_is_too_long_goes_by_its_name),
        TEST(a_master_that_the_board_does_not_answer_for_is_said_at_boot),
        TEST(a_board_that_trusts_nobody_answers_for_nobody),
        TEST(masters_that_are_not_named_are_counted_at_boot),
    };

    return RUN_GROUP("topology/fdt, masters behind no unit");
}
