/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of assigned devices (I12): which line a pin reaches, who may have it, and that a device raises it
 * only while it leads to its owner. */
#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "edit.h"
#include "groups.h"
#include "kernel/guest_tree.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + 0x100000)
#define PCI_NODE "/pcie@3f000000"
#define GIC_NODE "/intc@8000000"
#define GIC_HANDLE 0x8100
#define ENTRY 10
#define PIN 0x3D
#define INTX_DISABLE 0x400

static void edit_no_map(void *tree)
{
    edit_remove(tree, PCI_NODE, "interrupt-map");
}

static unsigned int map_entries;
static uint32_t wires[64 * ENTRY];

static void add_entry(uint32_t device, uint32_t pin, uint32_t spi, uint32_t flags)
{
    const uint32_t entry[ENTRY] = { device << 11, 0, 0, pin, GIC_HANDLE, 0, 0, 0, spi, flags };

    memcpy(&wires[(size_t)map_entries++ * ENTRY], entry, sizeof(entry));
}

static void write_map(void *tree, uint32_t count)
{
    fdt32_t cell[ARRAY_LENGTH(wires)];

    for (uint32_t i = 0; i < count; i++)
        cell[i] = cpu_to_fdt32(wires[i]);
    assert_int_equal(fdt_setprop(tree, edit_node(tree, PCI_NODE), "interrupt-map", cell,
                                 (int)(count * sizeof(*cell))),
                     0);
}

static void edit_map(void *tree)
{
    write_map(tree, map_entries * ENTRY);
}

static void set_pin(int function, uint8_t pin)
{
    machine.pci.function[function].config[PIN] = pin;
}

/* The plain machine, with pin A of both devices. */
static void plain(void)
{
    machine_plain();
    map_entries = 0;
    set_pin(DEVICE1, 1);
    set_pin(DEVICE2, 1);
}

/* And the whole map of its tree in wires[], to be changed. */
static void plain_map(void)
{
    plain();
    for (uint32_t device = 0; device < 4; device++) {
        for (uint32_t pin = 1; pin <= 4; pin++)
            add_entry(device, pin, MACHINE_LINE(device, pin) - 32, 4);
    }
    machine.tree.edit = edit_map;
}

static void start(void)
{
    observer_start();
    machine_boot();
}

static const struct bh_device_info *info_of(unsigned int partition, uint64_t index)
{
    struct bh_device_info *info = guest(partition, STRUCTURE);

    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
    assert_int_equal(call2(partition, BH_CALL_DEVICE_INFO, index, STRUCTURE), BH_OK);
    return info;
}

static bool may_raise(int function)
{
    return (pci_model_get16(&machine.pci, function, 4) & INTX_DISABLE) == 0;
}

/* The partition and the INTID that a line leads to; 0: to nobody. */
static uint32_t leads_to(uint32_t line, unsigned int partition)
{
    uint32_t interrupt = 0;
    const struct vcpu *vcpu = host_route(line, &interrupt);

    if (vcpu == NULL)
        return 0;
    assert_ptr_equal(vcpu, &partitions.partition[partition].vcpu);
    return interrupt;
}

static void expect_none(unsigned int partition, uint64_t index)
{
    assert_int_equal(info_of(partition, index)->interrupts, BH_INTERRUPTS_NONE);
    assert_int_equal(info_of(partition, index)->interrupt, 0);
}

static void expect_line(unsigned int partition, uint64_t index, uint32_t interrupt)
{
    assert_int_equal(info_of(partition, index)->interrupts, BH_INTERRUPTS_LINE);
    assert_int_equal(info_of(partition, index)->interrupt, interrupt);
}

/* ---- Which line ------------------------------------------------------------------------------ */

static uint32_t line_of_device(const char *name)
{
    return device_find(name)->line;
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

static const char *boot_text(void (*edit)(void *tree))
{
    static char text[256];
    struct topology_error error = { 0 };
    struct topology topology;
    static _Alignas(8) uint8_t tree[TREE_SIZE_LIMIT];

    plain_map();
    machine.tree.edit = edit;
    machine_tree(tree, sizeof(tree), &machine.tree);
    if (fdt_read_topology(tree, &topology, &error))
        return "";
    snprintf(text, sizeof(text), "%s: %s", error.node, error.text);
    return text;
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

static void a_map_that_cannot_be_kept_is_refused(void)
{
    assert_string_equal(boot_text(edit_map), "");
    assert_string_equal(boot_text(edit_cut), PCI_NODE ": an interrupt-map entry that is cut off");
    assert_string_equal(boot_text(edit_cut_short),
                        PCI_NODE ": an interrupt-map entry that is cut off");
    assert_string_equal(boot_text(edit_stranger),
                        PCI_NODE ": interrupt-map names a controller that is not in the tree");
    assert_string_equal(boot_text(edit_many),
                        PCI_NODE ": more interrupt-map entries than the hypervisor keeps");
    assert_string_equal(boot_text(edit_wide_specifier),
                        PCI_NODE ": an interrupt-map entry that is cut off");
    assert_string_equal(boot_text(edit_wide), PCI_NODE ": an interrupt-map entry that is cut off");
}

/* ---- Who may have it ------------------------------------------------------------------------- */

static void a_line_that_a_device_of_another_partition_shares_is_given_to_nobody(void)
{
    plain();
    machine.pci.function[DEVICE2].config[PIN] = 4; /* of device 2: the line of device 1's pin A */
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    start();
    assert_int_equal(line_of_device(DEVICE2_NAME), line_of_device(DEVICE1_NAME));
    expect_none(0, 0);
    expect_none(1, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(1, DEVICE2_ID, 1), BH_OK);
    assert_false(may_raise(DEVICE1) || may_raise(DEVICE2));
    assert_int_equal(leads_to(36, 0), 0);
}

static void two_partitions_that_may_bind_one_device_have_its_line_in_turn(void)
{
    plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    start();
    expect_line(0, 0, 40);
    expect_line(1, 0, 40);
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(bind(i % 2, DEVICE1_ID, 1), BH_OK);
        assert_int_equal(leads_to(36, i % 2), 40);
        assert_int_equal(call1(i % 2, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
        assert_int_equal(leads_to(36, 0), 0);
    }
}

static void expect_own(uint32_t line)
{
    plain();
    machine.tree.edit = edit_map;
    add_entry(1, 1, line - 32, 4);
    start();
    assert_int_equal(line_of_device(DEVICE1_NAME), line);
    expect_none(0, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_false(may_raise(DEVICE1));
}

static void the_consoles_line_is_given_to_nobody(void)
{
    expect_own(SERIAL_INTERRUPT);
}

static void a_units_event_line_is_given_to_nobody(void)
{
    expect_own(UNIT_EVENT_INTERRUPT(0));
}

static void a_units_error_line_is_given_to_nobody(void)
{
    expect_own(UNIT_ERROR_INTERRUPT(0));
}

static void a_line_shared_with_a_device_that_nobody_may_bind_is_given(void)
{
    plain();
    machine.pci.function[DEVICE2].config[PIN] = 4;
    machine_partition("two");
    start();
    expect_line(0, 0, 40);
}

static void partitions_whose_lines_differ_have_one_each(void)
{
    plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    start();
    expect_line(0, 0, 40);
    expect_line(1, 0, 40);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(1, DEVICE2_ID, 1), BH_OK);
    assert_int_equal(leads_to(36, 0), 40);
    assert_int_equal(leads_to(37, 1), 40);
}

static void devices_without_pin_raise_nothing_beside_each_other(void)
{
    plain();
    set_pin(DEVICE1, 0);
    set_pin(DEVICE2, 0);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_false(may_raise(DEVICE1) || may_raise(DEVICE2));
}

static void devices_of_one_partition_on_one_line_have_one_interrupt(void)
{
    plain();
    machine.pci.function[DEVICE2].config[PIN] = 4;
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    expect_line(0, 0, 40);
    expect_line(0, 1, 40);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(leads_to(36, 0), 40);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_true(may_raise(DEVICE1) && may_raise(DEVICE2));
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_false(may_raise(DEVICE2));
    assert_int_equal(leads_to(36, 0), 40);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(leads_to(36, 0), 0);
}

static void functions_of_one_group_share_a_line_among_partitions(void)
{
    plain();
    struct pci_model *pci = &machine.pci;
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);
    int a = pci_model_endpoint(pci, bridge, 0, 0), b = pci_model_endpoint(pci, bridge, 4, 0);

    pci_model_power(pci, a, true);
    pci_model_power(pci, b, true);
    set_pin(a, 1);
    set_pin(b, 1);
    machine_partition("two");
    for (unsigned int p = 0; p < 2; p++) {
        machine.partition[p].pci[0] = "0000:04:00.0";
        machine.partition[p].pci[1] = "0000:04:04.0";
    }
    start();
    for (unsigned int p = 0; p < 2; p++) {
        expect_line(p, 0, 40);
        expect_line(p, 1, 40);
    }
}

static void each_device_has_an_interrupt_of_its_own_number(void)
{
    plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    expect_line(0, 0, 40);
    expect_line(0, 1, 41);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(leads_to(37, 0), 41);
    assert_int_equal(leads_to(36, 0), 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(leads_to(36, 0), 40);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(leads_to(36, 0), 0);
    assert_int_equal(leads_to(37, 0), 41);
}

static void the_partitions_tree_names_the_interrupt(void)
{
    int length;

    plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    set_pin(DEVICE2, 0);
    start();
    const void *tree = guest(0, partitions.partition[0].vcpu.start.tree);
    int node = fdt_path_offset(tree, "/bulkhead/device@10000100");
    const fdt32_t *cell = fdt_getprop(tree, node, "interrupts", &length);

    assert_non_null(cell);
    assert_int_equal(length, 12);
    assert_int_equal(fdt32_ld(cell), 0);
    assert_int_equal(fdt32_ld(cell + 1), 40 - 32);
    assert_int_equal(fdt32_ld(cell + 2), 4);
    node = fdt_path_offset(tree, "/bulkhead/device@10000200");
    assert_true(node >= 0);
    assert_null(fdt_getprop(tree, node, "interrupts", NULL));
}

/* ---- While it is bound, and no longer --------------------------------------------------------- */

static void a_device_raises_its_line_only_while_it_is_bound(void)
{
    plain();
    start();
    assert_false(may_raise(DEVICE1));
    assert_int_equal(leads_to(36, 0), 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_true(may_raise(DEVICE1));
    assert_int_equal(leads_to(36, 0), 40);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(leads_to(36, 0), 0);
}

static void power(void *reset)
{
    host_guest_ops->power(&partitions.partition[0].vcpu, *(bool *)reset);
}

static void crash(void *unused)
{
    (void)unused;
    host_guest_ops->crash(&partitions.partition[0].vcpu, "read what is not its own", 0x666);
}

static void end_by(void (*way)(void *argument), bool reset)
{
    plain();
    machine_partition("two");
    start();
    bind_and_attach(0, DEVICE1_ID, 1);
    assert_true(may_raise(DEVICE1));
    host_cpu = partitions.partition[0].cpu;
    assert_int_equal(host_run(way, &reset), HOST_IDLE);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(leads_to(36, 0), 0);
}

static void i12_when_a_partition_turns_off_its_lines_are_taken_back(void)
{
    end_by(power, false);
}

static void i12_when_a_partition_resets_its_lines_are_taken_back(void)
{
    end_by(power, true);
}

static void i12_when_a_partition_is_ended_its_lines_are_taken_back(void)
{
    end_by(crash, false);
}

static void a_bind_that_fails_leaves_the_line_alone(void)
{
    struct page_list taken = PAGE_LIST_EMPTY;

    plain();
    start();
    while (partitions.partition[0].pool.free > 0)
        page_list_add(&partitions.partition[0].pool, &taken,
                      page_pool_take(&partitions.partition[0].pool));
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_ENOSPC);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(leads_to(36, 0), 0);
}

static void an_interrupt_reaches_a_vcpu_that_runs(void)
{
    plain();
    start();
    struct vcpu *vcpu = &partitions.partition[0].vcpu;

    arch_vcpu_interrupt(vcpu, INTERRUPT_EVENT_RING);
    arch_vcpu_interrupt(vcpu, 95);
    arch_vcpu_interrupt(vcpu, 31);
    arch_vcpu_interrupt(vcpu, 96);
    assert_int_equal(vcpu->interrupts, UINT64_C(0x8000000000000001));
}

int run_lines_tests(void)
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
        TEST(a_map_that_cannot_be_kept_is_refused),
        TEST(a_line_that_a_device_of_another_partition_shares_is_given_to_nobody),
        TEST(two_partitions_that_may_bind_one_device_have_its_line_in_turn),
        TEST(the_consoles_line_is_given_to_nobody),
        TEST(a_units_event_line_is_given_to_nobody),
        TEST(a_units_error_line_is_given_to_nobody),
        TEST(a_line_shared_with_a_device_that_nobody_may_bind_is_given),
        TEST(partitions_whose_lines_differ_have_one_each),
        TEST(devices_without_pin_raise_nothing_beside_each_other),
        TEST(devices_of_one_partition_on_one_line_have_one_interrupt),
        TEST(functions_of_one_group_share_a_line_among_partitions),
        TEST(each_device_has_an_interrupt_of_its_own_number),
        TEST(the_partitions_tree_names_the_interrupt),
        TEST(a_device_raises_its_line_only_while_it_is_bound),
        TEST(i12_when_a_partition_turns_off_its_lines_are_taken_back),
        TEST(i12_when_a_partition_resets_its_lines_are_taken_back),
        TEST(i12_when_a_partition_is_ended_its_lines_are_taken_back),
        TEST(a_bind_that_fails_leaves_the_line_alone),
        TEST(an_interrupt_reaches_a_vcpu_that_runs),
    };

    return RUN_GROUP("lines");
}
