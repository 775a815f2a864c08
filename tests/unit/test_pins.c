/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of PCI functions: which line a pin reaches, by bridges and by the tree's interrupt-map. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "edit.h"
#include "fdt_bench.h"
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

#define OTHER_HANDLE 0x9000

static void edit_other(void *tree)
{
    edit_add(tree, "/", "other");
    EDIT_CELLS(tree, "/other", "phandle", OTHER_HANDLE);
    EDIT_CELLS(tree, "/other", "#interrupt-cells", 2);
}

/* Another controller, without addresses, has the first entry; the second is the GIC's. */
static void edit_other_controller(void *tree)
{
    const uint32_t entries[] = { 1 << 11, 0, 0, 1, OTHER_HANDLE, 0, 5, 4, /**/
                                 1 << 11, 0, 0, 1, GIC_HANDLE,   0, 0, 0, 9, 4 };

    memcpy(wires, entries, sizeof(entries));
    write_map(tree, ARRAY_LENGTH(entries));
    edit_other(tree);
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

/* ---- Lines that something else has ------------------------------------------------------------ */

static bool taken(void (*edit)(void *tree), uint32_t line)
{
    expect_accepted(edit);
    return topology_line_taken(&fdt_found, line);
}

static void edit_nothing(void *tree)
{
    (void)tree;
}

static void lines_of_the_hypervisors_own_devices_are_taken_and_the_pins_are_not(void)
{
    assert_true(taken(edit_nothing, SERIAL_INTERRUPT));
    for (uint32_t line = UNIT_EVENT_INTERRUPT(0); line <= UNIT_ERROR_INTERRUPT(0); line++)
        assert_true(taken(edit_nothing, line));
    for (uint32_t line = 35; line < 39; line++)
        assert_false(taken(edit_nothing, line));
    assert_false(topology_line_taken(&fdt_found, INTERRUPT_NONE));
}

/* SPIs 4 and 100 and the last one; 7 belongs to each CPU alone, 988 does not exist. */
static void edit_several(void *tree)
{
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts", 0, 4, 1, 0, 100, 4, 1, 7, 4, 0, 988, 4, 0, 987, 4, 0,
               101);
}

static void every_shared_interrupt_of_a_node_is_taken(void)
{
    assert_true(taken(edit_several, 36));
    assert_true(taken(edit_several, 132));
    assert_true(taken(edit_several, 1019));
    assert_false(taken(edit_several, 1020));
    assert_false(taken(edit_several, 39));
    assert_false(taken(edit_several, 133)); /* cut off */
}

static void edit_disabled(void *tree)
{
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts", 0, 4, 4);
    edit_text(tree, CLOCK_NAME, "status", "disabled");
}

static void a_node_that_is_disabled_has_its_line_all_the_same(void)
{
    assert_true(taken(edit_disabled, 36));
}

static void edit_extended(void *tree)
{
    edit_other(tree);
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts-extended", OTHER_HANDLE, 0, 5, GIC_HANDLE, 0, 4, 4,
               GIC_HANDLE, 1, 7, 4, GIC_HANDLE, 0, 988, 4);
}

static void interrupts_of_several_controllers_are_told_apart(void)
{
    assert_true(taken(edit_extended, 36));
    assert_false(taken(edit_extended, 37));
    assert_false(taken(edit_extended, 39)); /* belongs to each CPU alone */
    assert_false(taken(edit_extended, 1020));
}

static void edit_parent(void *tree)
{
    edit_other(tree);
    EDIT_CELLS(tree, CLOCK_NAME, "interrupt-parent", OTHER_HANDLE);
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts", 0, 4, 4);
}

static void a_node_of_another_controller_has_no_line_of_the_gic(void)
{
    assert_false(taken(edit_parent, 36));
}

/* A node below another one: without a parent of its own it has that one's, or that one is its parent. */
static void edit_below(void *tree, const char *above)
{
    char path[48];

    edit_other(tree);
    edit_add(tree, above, "below");
    snprintf(path, sizeof(path), "%s/below", above);
    EDIT_CELLS(tree, path, "interrupts", 0, 4, 4);
}

static void edit_below_clock(void *tree)
{
    edit_below(tree, CLOCK_NAME);
}

static void edit_below_stranger(void *tree)
{
    edit_below(tree, CLOCK_NAME);
    EDIT_CELLS(tree, CLOCK_NAME, "interrupt-parent", OTHER_HANDLE);
}

static void edit_below_controller(void *tree)
{
    edit_below(tree, "/other");
}

static void edit_below_gic(void *tree)
{
    edit_below(tree, GIC_NODE);
}

static void edit_no_parent(void *tree)
{
    edit_below(tree, CLOCK_NAME);
    edit_remove(tree, "/", "interrupt-parent");
}

static void a_nodes_controller_is_the_nearest_one_above_it(void)
{
    assert_true(taken(edit_below_clock, 36));
    assert_false(taken(edit_below_stranger, 36));
    assert_false(taken(edit_below_controller, 36));
    assert_true(taken(edit_below_gic, 36));
    assert_false(taken(edit_no_parent, 36));
}

/* Of a host that is not used: entries of two child cells more than its pin. */
static void edit_other_nexus(void *tree)
{
    edit_add(tree, "/", "nexus");
    EDIT_CELLS(tree, "/nexus", "#address-cells", 2);
    EDIT_CELLS(tree, "/nexus", "#interrupt-cells", 1);
    EDIT_CELLS(tree, "/nexus", "interrupt-map", 0, 0, 1, GIC_HANDLE, 0, 0, 0, 4, 1, 0, 0, 2,
               GIC_HANDLE, 0, 0, 0, 6, 4);
}

static void edit_host_off(void *tree)
{
    edit_text(tree, PCI_NODE, "status", "disabled");
}

static void the_map_of_what_is_no_host_takes_its_lines(void)
{
    assert_true(taken(edit_other_nexus, 36));
    assert_true(taken(edit_other_nexus, 38));
    assert_false(taken(edit_other_nexus, 37));
    assert_true(taken(edit_host_off, 36));
}

static void edit_broken(void *tree)
{
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts-extended", GIC_HANDLE, 0, 4, 4, GIC_HANDLE, 0, 5);
    EDIT_CELLS(tree, "/", "#interrupt-cells", 0xFFFFFFFE);
    EDIT_CELLS(tree, "/", "interrupt-map", 1, 2, 3);
}

static void what_is_cut_off_names_no_line_and_refuses_nothing(void)
{
    assert_true(taken(edit_broken, 36));
    assert_false(taken(edit_broken, 37));
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
        TEST(lines_of_the_hypervisors_own_devices_are_taken_and_the_pins_are_not),
        TEST(every_shared_interrupt_of_a_node_is_taken),
        TEST(a_node_that_is_disabled_has_its_line_all_the_same),
        TEST(interrupts_of_several_controllers_are_told_apart),
        TEST(a_node_of_another_controller_has_no_line_of_the_gic),
        TEST(a_nodes_controller_is_the_nearest_one_above_it),
        TEST(the_map_of_what_is_no_host_takes_its_lines),
        TEST(what_is_cut_off_names_no_line_and_refuses_nothing),
    };

    return RUN_GROUP("pins");
}
