/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of PCI functions: which line a pin reaches, by bridges and by the tree's interrupt-map. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "edit.h"
#include "groups.h"
#include "lines_bench.h"

static void edit_no_map(void *tree)
{
    edit_remove(tree, PCI_NODE, "interrupt-map");
}

static void expect_turns(uint8_t pin)
{
    plain();
    struct pci_model *pci = &machine.pci;
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);
    int deep = pci_model_bridge(pci, bridge, 5, 0, -1);

    set_pin(pci_model_endpoint(pci, bridge, 2, 0), pin);
    set_pin(pci_model_endpoint(pci, deep, 3, 0), pin);
    set_pin(DEVICE1, pin);
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), MACHINE_LINE(1, pin));
    assert_int_equal(line_of_device("0000:04:02.0"), MACHINE_LINE(3, pin + 2));
    assert_int_equal(line_of_device("0000:05:03.0"), MACHINE_LINE(3, pin + 3 + 5));
}

static void each_bridge_turns_pin_a_by_the_device_number(void)
{
    expect_turns(1);
}

static void each_bridge_turns_pin_d_by_the_device_number(void)
{
    expect_turns(4);
}

static void a_device_on_the_root_bus_has_the_line_of_its_number(void)
{
    plain();
    set_pin(pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, 6, 0), 2);
    start();
    assert_int_equal(line_of_device("0000:00:06.0"),
                     MACHINE_LINE(2, 2)); /* the mask lets two bits see */
}

static void expect_no_line(uint8_t pin)
{
    plain();
    set_pin(DEVICE1, pin);
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), INTERRUPT_NONE);
    expect_none(0, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_false(may_raise(DEVICE1));
}

static void a_device_without_pin_has_no_line(void)
{
    expect_no_line(0);
}

static void a_pin_that_does_not_exist_has_no_line(void)
{
    expect_no_line(5); /* the remainder would be pin A's */
}

static void a_machine_without_map_has_no_lines(void)
{
    plain();
    machine.tree.edit = edit_no_map;
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), INTERRUPT_NONE);
    expect_none(0, 0);
}

static void entries_that_are_no_level_line_of_the_gic_name_none(void)
{
    plain();
    machine.tree.edit = edit_map;
    add_entry(0, 1, 3, 4);
    add_entry(1, 1, 5, 1);   /* an edge */
    add_entry(1, 1, 988, 4); /* no such interrupt */
    add_entry(1, 1, 6, 4);
    wires[3 * ENTRY + 7] = 1; /* a private one */
    add_entry(1, 1, 7, 4);
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), 39);
}

/* The GIC takes two cells and what follows looks like the third. */
static void edit_few_cells(void *tree)
{
    for (unsigned int i = 0; i < 2; i++) {
        const uint32_t entry[] = { 1 << 11 | 4, 0, 0, 1, GIC_HANDLE, 0, 0, 0, 4 };

        memcpy(&wires[i * ARRAY_LENGTH(entry)], entry, sizeof(entry));
    }
    write_map(tree, 18);
    EDIT_CELLS(tree, GIC_NODE, "#interrupt-cells", 2);
}

static void lines_of_a_gic_that_has_no_trigger_cell_are_not_known(void)
{
    plain();
    machine.tree.edit = edit_few_cells;
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), INTERRUPT_NONE);
}

static void edit_more_cells(void *tree)
{
    const uint32_t entry[] = { 1 << 11, 0, 0, 1, GIC_HANDLE, 0, 0, 0, 9, 4, 0 };

    memcpy(wires, entry, sizeof(entry));
    write_map(tree, ARRAY_LENGTH(entry));
    EDIT_CELLS(tree, GIC_NODE, "#interrupt-cells", 4);
}

static void a_gic_with_a_fourth_cell_has_lines_too(void)
{
    plain();
    machine.tree.edit = edit_more_cells;
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), 41);
}

/* Another controller, without addresses, has the first entry; the second is the GIC's. */
static void edit_other_controller(void *tree)
{
    const uint32_t entries[] = { 1 << 11, 0, 0, 1, 0x9000,     0, 5, 4, /**/
                                 1 << 11, 0, 0, 1, GIC_HANDLE, 0, 0, 0, 9, 4 };

    memcpy(wires, entries, sizeof(entries));
    write_map(tree, ARRAY_LENGTH(entries));
    edit_add(tree, "/", "other");
    EDIT_CELLS(tree, "/other", "phandle", 0x9000);
    EDIT_CELLS(tree, "/other", "#interrupt-cells", 3);
}

static void lines_of_another_controller_are_not_the_gics(void)
{
    plain();
    machine.tree.edit = edit_other_controller;
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), 41);
}

/* The devices lose their INTx, and nothing else. */
static void expect_no_lines(void (*edit)(void *tree), const char *reason)
{
    char line[160];

    plain_map();
    machine.tree.edit = edit;
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), INTERRUPT_NONE);
    expect_none(0, 0);
    bind_and_attach(0, DEVICE1_ID, 1);
    assert_false(may_raise(DEVICE1));
    snprintf(line, sizeof(line), PCI_NODE ": its interrupt-map %s: no INTx behind it\n", reason);
    assert_console(line);
}

static void edit_cut(void *tree)
{
    write_map(tree, map_entries * ENTRY - 1);
}

static void edit_cut_short(void *tree)
{
    write_map(tree, map_entries * ENTRY - ENTRY + 4);
}

static void edit_stranger(void *tree)
{
    wires[(map_entries - 1) * ENTRY + 4] = 0x4242;
    edit_map(tree);
}

static void edit_many(void *tree)
{
    while (map_entries < 33)
        add_entry(0, 1, 3, 4);
    edit_map(tree);
}

static void edit_wide(void *tree)
{
    edit_map(tree);
    EDIT_CELLS(tree, GIC_NODE, "#address-cells", 0xFFFFFFF9);
}

static void edit_wide_specifier(void *tree)
{
    edit_map(tree);
    EDIT_CELLS(tree, GIC_NODE, "#interrupt-cells",
               0xFFFFFFFE); /* the sum would be an entry of five */
}

static void a_map_whose_last_cell_is_missing_costs_its_devices_their_lines(void)
{
    expect_no_lines(edit_cut, "has an entry that is cut off");
}

static void a_map_that_ends_before_a_controller_costs_its_devices_their_lines(void)
{
    expect_no_lines(edit_cut_short, "has an entry that is cut off");
}

static void a_map_that_names_a_controller_that_is_not_in_the_tree_costs_its_devices_their_lines(
    void)
{
    expect_no_lines(edit_stranger, "names a controller that is not in the tree");
}

static void a_map_larger_than_the_table_costs_its_devices_their_lines(void)
{
    expect_no_lines(edit_many, "has more entries than the hypervisor keeps");
}

static void a_map_of_a_controller_with_too_many_address_cells_costs_its_devices_their_lines(void)
{
    expect_no_lines(edit_wide, "has an entry that is cut off");
}

static void a_map_of_a_controller_with_too_many_interrupt_cells_costs_its_devices_their_lines(void)
{
    expect_no_lines(edit_wide_specifier, "has an entry that is cut off");
}

static void the_lines_of_another_host_are_left_alone(void)
{
    struct topology_error error = { 0 };
    struct topology topology;
    static _Alignas(8) uint8_t tree[TREE_SIZE_LIMIT];

    plain_map();
    machine.tree.hosts = 2;
    machine.tree.edit = edit_cut;
    machine_tree(tree, sizeof(tree), &machine.tree);
    assert_true(fdt_read_topology(tree, &topology, &error));
    assert_int_equal(topology.host[0].pin_count, 0);
    assert_int_equal(topology.host[1].pin_count, 16);
}

int run_pins_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_bridge_turns_pin_a_by_the_device_number),
        TEST(each_bridge_turns_pin_d_by_the_device_number),
        TEST(a_device_on_the_root_bus_has_the_line_of_its_number),
        TEST(a_device_without_pin_has_no_line),
        TEST(a_pin_that_does_not_exist_has_no_line),
        TEST(a_machine_without_map_has_no_lines),
        TEST(entries_that_are_no_level_line_of_the_gic_name_none),
        TEST(lines_of_a_gic_that_has_no_trigger_cell_are_not_known),
        TEST(a_gic_with_a_fourth_cell_has_lines_too),
        TEST(lines_of_another_controller_are_not_the_gics),
        TEST(a_map_whose_last_cell_is_missing_costs_its_devices_their_lines),
        TEST(a_map_that_ends_before_a_controller_costs_its_devices_their_lines),
        TEST(a_map_that_names_a_controller_that_is_not_in_the_tree_costs_its_devices_their_lines),
        TEST(a_map_larger_than_the_table_costs_its_devices_their_lines),
        TEST(a_map_of_a_controller_with_too_many_address_cells_costs_its_devices_their_lines),
        TEST(a_map_of_a_controller_with_too_many_interrupt_cells_costs_its_devices_their_lines),
        TEST(the_lines_of_another_host_are_left_alone),
    };

    return RUN_GROUP("pins");
}
