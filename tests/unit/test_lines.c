/* SPDX-License-Identifier: Apache-2.0 */
/* INTx of assigned devices (I12): who may have a line, and that a device raises it only while it leads to
 * its owner. */
#include <libfdt.h>
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/guest_tree.h"
#include "lines_bench.h"

/* ---- Who may have it ------------------------------------------------------------------------- */

static void a_line_that_a_device_of_another_partition_shares_is_given_to_nobody(void)
{
    plain();
    set_pin(DEVICE2, 4); /* of device 2: the line of device 1's pin A */
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
    set_pin(DEVICE2, 4);
    machine_partition("two");
    start();
    expect_line(0, 0, 40);
}

#define LOUD "may be raised by a function that cannot be kept from it"

static void i12_a_line_that_an_unlisted_function_may_raise_all_the_time_is_given_to_nobody(void)
{
    plain();
    set_pin(DEVICE2, 4);
    make_loud(DEVICE2);
    start();
    assert_console("pci: 02:00.0 cannot be kept from raising its line\n");
    expect_refused_line(LOUD);
}

static void i12_a_line_that_a_bridge_may_raise_all_the_time_is_given_to_nobody(void)
{
    plain();
    set_pin(PORT2, 4); /* of device 2: the line of device 1's pin A */
    make_loud(PORT2);
    start();
    expect_refused_line(LOUD);
}

static void i12_a_function_that_cannot_be_kept_from_raising_its_line_has_none(void)
{
    plain();
    make_loud(DEVICE1);
    start();
    expect_none(0, 0);
    assert_console(DEVICE1_NAME " has no INTx: its line " LOUD);
}

static void a_function_that_raises_another_line_all_the_time_disturbs_nobody(void)
{
    plain();
    make_loud(DEVICE2);
    start();
    expect_line(0, 0, 40);
}

static void a_function_without_pin_raises_nothing_whatever_its_command_register_keeps(void)
{
    plain();
    set_pin(DEVICE2, 0);
    make_loud(DEVICE2);
    start();
    expect_line(0, 0, 40);
}

static void i12_a_function_whose_line_is_not_known_may_raise_any(void)
{
    plain();
    set_pin(DEVICE2, 5); /* reserved */
    make_loud(DEVICE2);
    start();
    expect_refused_line(LOUD);
}

static void i12_a_command_register_that_reads_as_all_ones_keeps_nothing(void)
{
    plain();
    set_pin(DEVICE2, 4);
    pci_model_set16(&machine.pci, DEVICE2, 4, 0xFFFF);
    memset(&machine.pci.function[DEVICE2].writable[4], 0, 2);
    start();
    expect_refused_line(LOUD);
}

static void i12_functions_behind_a_bridge_without_bus_number_may_raise_any_line(void)
{
    plain();
    machine.tree.host_buses = 3;
    pci_model_endpoint(&machine.pci, pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4), 0, 0);
    start();
    expect_refused_line(LOUD);
}

static void i12_functions_beyond_those_that_are_kept_may_raise_any_line(void)
{
    plain();
    for (uint8_t i = 0; i < PCI_FUNCTIONS; i++) {
        int function = pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, (uint8_t)(3 + i / 8),
                                          i % 8);

        pci_model_multifunction(&machine.pci, function);
    }
    start();
    assert_int_equal(devices.pci.dropped, 4);
    expect_refused_line(LOUD);
}

#define OTHER_ECAM UINT64_C(0x3D000000)

static void edit_other_host(void *tree)
{
    EDIT_CELLS(tree, "/pcie@4f000000", "reg", 0, (uint32_t)OTHER_ECAM, 0, ECAM_BUSES << 20);
}

static void i12_functions_of_a_host_that_cannot_be_looked_at_may_raise_any_line(void)
{
    plain();
    machine.tree.hosts = 2;
    machine.tree.edit = edit_other_host;
    host_refuse_maps(OTHER_ECAM, PAGE_SIZE);
    start();
    expect_refused_line(LOUD);
}

static void edit_clock(void *tree)
{
    EDIT_CELLS(tree, CLOCK_NAME, "interrupts", 0, 4, 4);
}

static void i12_a_line_that_a_block_of_the_machine_may_raise_is_given_to_nobody(void)
{
    plain();
    machine.tree.edit = edit_clock;
    start();
    expect_refused_line("is also that of another node of the machine's tree");
}

static void nothing_is_said_of_a_device_that_has_its_line_nor_of_one_without_pin(void)
{
    plain();
    set_pin(DEVICE2, 0);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_true(may_raise(DEVICE1));
    machine_drain_console();
    if (strstr(machine.console, "INTx") != NULL)
        fail_msg("the log speaks of INTx:\n%s", machine.console);
}

static void every_partition_that_lists_a_device_is_told_why_it_has_no_line(void)
{
    plain();
    set_pin(DEVICE2, 4);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine_partition("three")->pci[0] = DEVICE2_NAME;
    host_cpus = 3;
    start();
    expect_refused_line("is shared with a device of another partition");
    assert_console("two: " DEVICE1_NAME " has no INTx: its line is shared with a device of another "
                   "partition\n");
    assert_console("three: " DEVICE2_NAME " has no INTx: its line is shared with a device of "
                   "another partition\n");
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

static void nothing_is_said_of_devices_without_pin(void)
{
    plain();
    set_pin(DEVICE1, 0);
    set_pin(DEVICE2, 0);
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    start();
    machine_drain_console();
    assert_null(strstr(machine.console, "INTx"));
}

static void devices_of_one_partition_on_one_line_have_one_interrupt(void)
{
    plain();
    set_pin(DEVICE2, 4);
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

/* The interrupt controller answers no more: a line of the machine may be the dead owner's for ever. */
static void a_device_whose_line_is_not_taken_back_goes_to_nobody(void)
{
    plain();
    set_pin(DEVICE2, 4); /* the line of device 1's pin A */
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    host_lines_stay = true;
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_null(device_find(DEVICE2_NAME)->refusal);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_ETIMEDOUT);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_EOPNOTSUPP);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_EOPNOTSUPP);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    machine_drain_console();
    assert_console(DEVICE1_NAME
                   ": its interrupt line was not masked in time: nobody gets it any more");
    assert_console(DEVICE2_NAME
                   ": its interrupt line was not masked in time: nobody gets it any more");
}

static void devices_on_other_lines_go_on_when_one_is_not_taken_back(void)
{
    plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    host_lines_stay = true;
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_ETIMEDOUT);
    host_lines_stay = false;
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE2_ID), BH_OK);
    assert_int_equal(bind(1, DEVICE2_ID, 1), BH_OK);
}

static void a_dead_partitions_line_that_stays_keeps_its_device_from_the_heir(void)
{
    plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    host_cpu = partitions.partition[0].cpu;
    host_lines_stay = true;
    assert_int_equal(host_run(crash, NULL), HOST_IDLE);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_EOPNOTSUPP);
    assert_int_equal(query_state(1, DEVICE1_ID).owner, BH_OWNER_NONE);
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

/* The line is another's by now. */
static void take_line(void)
{
    assert_true(arch_interrupt_enable(36, false, crash, NULL));
}

static void a_device_whose_line_cannot_be_routed_is_bound_without_and_its_owner_is_told(void)
{
    plain();
    start();
    take_line();
    expect_line(0, 0, 40);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    expect_refused_line("cannot be routed");
}

static void no_device_uses_a_line_that_another_failed_to_open(void)
{
    plain();
    set_pin(DEVICE2, 4);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    take_line();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    expect_refused_line("cannot be routed");
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_false(may_raise(DEVICE2));
    expect_none(0, 1);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_false(may_raise(DEVICE1) || may_raise(DEVICE2));
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
        TEST(a_line_that_a_device_of_another_partition_shares_is_given_to_nobody),
        TEST(two_partitions_that_may_bind_one_device_have_its_line_in_turn),
        TEST(the_consoles_line_is_given_to_nobody),
        TEST(a_units_event_line_is_given_to_nobody),
        TEST(a_units_error_line_is_given_to_nobody),
        TEST(a_line_shared_with_a_device_that_nobody_may_bind_is_given),
        TEST(i12_a_line_that_an_unlisted_function_may_raise_all_the_time_is_given_to_nobody),
        TEST(i12_a_line_that_a_bridge_may_raise_all_the_time_is_given_to_nobody),
        TEST(i12_a_function_that_cannot_be_kept_from_raising_its_line_has_none),
        TEST(a_function_that_raises_another_line_all_the_time_disturbs_nobody),
        TEST(a_function_without_pin_raises_nothing_whatever_its_command_register_keeps),
        TEST(i12_a_function_whose_line_is_not_known_may_raise_any),
        TEST(i12_a_command_register_that_reads_as_all_ones_keeps_nothing),
        TEST(i12_functions_behind_a_bridge_without_bus_number_may_raise_any_line),
        TEST(i12_functions_beyond_those_that_are_kept_may_raise_any_line),
        TEST(i12_functions_of_a_host_that_cannot_be_looked_at_may_raise_any_line),
        TEST(i12_a_line_that_a_block_of_the_machine_may_raise_is_given_to_nobody),
        TEST(nothing_is_said_of_a_device_that_has_its_line_nor_of_one_without_pin),
        TEST(every_partition_that_lists_a_device_is_told_why_it_has_no_line),
        TEST(partitions_whose_lines_differ_have_one_each),
        TEST(devices_without_pin_raise_nothing_beside_each_other),
        TEST(nothing_is_said_of_devices_without_pin),
        TEST(devices_of_one_partition_on_one_line_have_one_interrupt),
        TEST(functions_of_one_group_share_a_line_among_partitions),
        TEST(each_device_has_an_interrupt_of_its_own_number),
        TEST(the_partitions_tree_names_the_interrupt),
        TEST(a_device_raises_its_line_only_while_it_is_bound),
        TEST(i12_when_a_partition_turns_off_its_lines_are_taken_back),
        TEST(i12_when_a_partition_resets_its_lines_are_taken_back),
        TEST(i12_when_a_partition_is_ended_its_lines_are_taken_back),
        TEST(a_device_whose_line_is_not_taken_back_goes_to_nobody),
        TEST(devices_on_other_lines_go_on_when_one_is_not_taken_back),
        TEST(a_dead_partitions_line_that_stays_keeps_its_device_from_the_heir),
        TEST(a_bind_that_fails_leaves_the_line_alone),
        TEST(a_device_whose_line_cannot_be_routed_is_bound_without_and_its_owner_is_told),
        TEST(no_device_uses_a_line_that_another_failed_to_open),
        TEST(an_interrupt_reaches_a_vcpu_that_runs),
    };

    return RUN_GROUP("lines");
}
