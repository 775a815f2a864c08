/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that boot finds and that nobody may be given: the set that lists one is refused, by name and reason. */
#include "boot_bench.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"
#include "machine.h"

#define HOST "/pcie@3f000000"
#define CLOCK CLOCK_NAME

/* ---- Devices that cannot be assigned ------------------------------------------------------------------- */

static void expect_device_refused(void (*edit)(void *tree), const char *text)
{
    machine_plain();
    machine.tree.edit = edit;
    machine.partition[0].block[0] = CLOCK;
    expect_boot_refused(text);
}

static void no_map(void *tree)
{
    edit_remove(tree, HOST, "iommu-map");
}

static void foreign_stream(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0x100, 0x8000, 0x100, 1, 0x200, 0x8000, 0x100, 1);
}

static void high_window(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x02000000, 0, 0x10000000, 0x80, 0, 0, 0x10000000);
}

static void window_over_vgic(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x02000000, 0, 0x10000000, 0, 0x08000000, 0, 0x1000000);
}

static void window_above_4_gib(void *tree)
{
    EDIT_CELLS(tree, HOST, "ranges", 0x02000000, 0, 0x10000000, 1, 0, 0, 0x10000000);
}

static void i1_a_function_behind_no_iommu_cannot_be_assigned(void)
{
    expect_device_refused(no_map, "0000:01:00.0 cannot be assigned: it stands behind no IOMMU");
}

static void i3_functions_of_two_groups_on_one_stream_cannot_be_assigned(void)
{
    expect_device_refused(foreign_stream,
                          "0000:01:00.0 cannot be assigned: it shares its stream id "
                          "with a device of another group");
    assert_string_equal(device_find(DEVICE2_NAME)->refusal, device_find(DEVICE1_NAME)->refusal);
    assert_true(device_find(DEVICE2_NAME)->stream_shared);
}

static void a_function_whose_registers_lie_above_the_guests_addresses_cannot_be_assigned(void)
{
    expect_device_refused(high_window,
                          "0000:01:00.0 cannot be assigned: it lies above the addresses");
}

static void a_function_over_the_guests_interrupt_controller_cannot_be_given(void)
{
    expect_device_refused(window_over_vgic,
                          "pci: the registers of 0000:01:00.0 lie where a partition sees its "
                          "interrupt controller");
}

static void a_function_above_4_gib_is_none_of_an_aarch32_partition(void)
{
    machine_plain();
    machine.partition[0].aarch32 = true;
    machine.tree.edit = window_above_4_gib;
    expect_boot_refused(
        "pci: the registers of 0000:01:00.0 lie at 0x100000000, out of reach of an AArch32");
}

static void a_function_above_4_gib_may_be_a_64_bit_partition_s(void)
{
    machine_plain();
    machine.tree.edit = window_above_4_gib;
    machine_boot();
    assert_console("one: starts at");
}

static void a_function_whose_registers_do_not_fit_cannot_be_assigned(void)
{
    machine_plain();
    pci_model_bar(&machine.pci, DEVICE1, 0, UINT64_C(1) << 31, false);
    expect_boot_refused(
        "0000:01:00.0 cannot be assigned: it has registers that do not fit into the PCI window");
}

static void stop_answering(unsigned int unit, uint64_t offset, uint64_t value)
{
    /* From SMMUEN on. */
    if (offset == 0x20 && (value & 1) != 0)
        smmuv3_model_set_late(machine.unit[unit], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
}

static void i6_functions_behind_a_unit_that_dies_during_boot_cannot_be_assigned(void)
{
    machine_plain();
    pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.after_register_write = stop_answering;
    expect_boot_refused("0000:01:00.0 cannot be assigned: it has a stream without a table entry");
    assert_string_equal(device_find("0000:01:00.1")->refusal, "stands behind an IOMMU that failed");
}

static void controller(void *tree)
{
    edit_flag(tree, CLOCK, "interrupt-controller");
}

static void high(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0x80, 0, 0, 0x1000);
}

static void no_registers(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0, 0);
}

/* With a block of virtio. */
static void part_of_page(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x0A000200, 0, 0x200);
}

static void move_clock(void *tree, uint64_t base)
{
    EDIT_CELLS(tree, CLOCK, "reg", (uint32_t)(base >> 32), (uint32_t)base, 0, 0x1000);
}

static void over_unit(void *tree)
{
    move_clock(tree, UNIT_BASE + 0x1000);
}

static void over_distributor(void *tree)
{
    move_clock(tree, 0x08001000);
}

static void over_redistributors(void *tree)
{
    move_clock(tree, 0x080B0000);
}

static void over_cpu_interface(void *tree)
{
    EDIT_CELLS(tree, "/intc@8000000", "reg", 0, 0x08000000, 0, 0x10000, 0, 0x080A0000, 0, 0x40000,
               0, 0x08100000, 0, 0x20000, 0, 0x08010000, 0, 0x10000);
    EDIT_CELLS(tree, "/intc@8000000", "#redistributor-regions", 2);
    move_clock(tree, 0x0801F000);
}

/* Where it takes messages. */
static void over_its(void *tree)
{
    edit_its(tree, 0x08080000, 0x8200);
    move_clock(tree, 0x08090000);
}

static void over_memory(void *tree)
{
    move_clock(tree, 0x45000000);
}

static void over_ecam(void *tree)
{
    move_clock(tree, ECAM_BASE + 0x100000);
}

static void over_window(void *tree)
{
    move_clock(tree, WINDOW_BASE + 0x100000);
}

static void over_block(void *tree)
{
    move_clock(tree, 0x09020000);
}

static void over_second_registers(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0, 0x1000, 0, (uint32_t)UNIT_BASE, 0, 0x1000);
}

static void three_ranges(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0, 0x1000, 0, 0x0C000000, 0, 0x1000, 0,
               0x0C001000, 0, 0x1000);
}

/* What is kept of it lies elsewhere. */
static void over_third_registers_of_another(void *tree)
{
    edit_add(tree, "/", "many@c000000");
    edit_text(tree, "/many@c000000", "compatible", "test,many");
    EDIT_CELLS(tree, "/many@c000000", "reg", 0, 0x0C000000, 0, 0x1000, 0, 0x0C001000, 0, 0x1000, 0,
               0x09010000, 0, 0x1000);
}

static void over_long_named(void *tree)
{
    static const char name[] = "a-name-that-is-longer-than-what-the-hypervisor-keeps@9010000";

    edit_add(tree, "/", name);
    int node = fdt_subnode_offset(tree, 0, name);
    const fdt32_t reg[] = { 0, cpu_to_fdt32(0x09010000), 0, cpu_to_fdt32(0x1000) };

    assert_int_equal(fdt_setprop_string(tree, node, "compatible", "test,long"), 0);
    node = fdt_subnode_offset(tree, 0, name);
    assert_int_equal(fdt_setprop(tree, node, "reg", reg, sizeof(reg)), 0);
}

/* What is read of it is its configuration space. */
static void over_second_registers_of_the_host(void *tree)
{
    EDIT_CELLS(tree, "/pcie@3f000000", "reg", 0, (uint32_t)ECAM_BASE, 0, (uint32_t)ECAM_BUSES << 20,
               0, 0x09010000, 0, 0x1000);
}

static void over_second_registers_of_an_its(void *tree)
{
    edit_its(tree, 0x08080000, 0x8200);
    EDIT_CELLS(tree, "/intc@8000000/its@8080000", "reg", 0, 0x08080000, 0, 0x20000, 0, 0x09010000,
               0, 0x1000);
}

static void over_second_registers_of_a_unit(void *tree)
{
    EDIT_CELLS(tree, "/smmuv3@9050000", "reg", 0, (uint32_t)UNIT_BASE, 0, 0x20000, 0, 0x09010000, 0,
               0x1000);
}

static void over_last_registers_of_the_gic(void *tree)
{
    uint32_t cell[4 * (TOPOLOGY_GIC_RANGES + 1)];

    for (size_t i = 0; i <= TOPOLOGY_GIC_RANGES; i++) {
        cell[4 * i] = 0;
        cell[4 * i + 1] = i == TOPOLOGY_GIC_RANGES ? 0x09010000
                                                   : 0x08000000 + (uint32_t)i * 0x20000;
        cell[4 * i + 2] = 0;
        cell[4 * i + 3] = i == TOPOLOGY_GIC_RANGES ? 0x1000 : 0x20000;
    }
    edit_cell_array(tree, "/intc@8000000", "reg", cell, 4 * (TOPOLOGY_GIC_RANGES + 1));
}

#define BLOCK_TEST(edit, name, text)                                                               \
    static void i13_a_block_##name##_cannot_be_assigned(void)                                      \
    {                                                                                              \
        expect_device_refused(edit, CLOCK " cannot be assigned: it " text);                        \
    }

BLOCK_TEST(controller, that_serves_others, "takes part in the interrupts or translation of others")
BLOCK_TEST(high, above_the_guests_addresses, "lies above the addresses that a partition has")
BLOCK_TEST(part_of_page, that_shares_a_page, "shares register pages with something")
BLOCK_TEST(no_registers, of_no_size, "has a range of registers that is none")
BLOCK_TEST(over_unit, over_a_unit, "lies over registers or memory that are not its own")
BLOCK_TEST(over_distributor, over_the_distributor, "lies over registers or memory")
BLOCK_TEST(over_redistributors, over_the_redistributors, "lies over registers or memory")
BLOCK_TEST(over_cpu_interface, over_a_cpu_interface, "lies over registers or memory")
BLOCK_TEST(over_its, over_an_its, "lies over registers or memory")
BLOCK_TEST(over_memory, over_memory, "lies over registers or memory")
BLOCK_TEST(over_ecam, over_configuration_space, "lies over registers or memory")
BLOCK_TEST(over_window, over_a_pci_window, "lies over registers or memory")
BLOCK_TEST(over_block, over_another_block, "lies over registers or memory")
BLOCK_TEST(over_second_registers, with_one_range_over_a_unit, "lies over registers or memory")
BLOCK_TEST(three_ranges, with_more_ranges_than_are_kept,
           "has more ranges of registers than the hypervisor keeps")
BLOCK_TEST(over_third_registers_of_another, over_registers_of_another_that_are_not_kept,
           "lies over registers or memory")
BLOCK_TEST(over_long_named, over_one_that_is_not_kept_for_its_name, "lies over registers or memory")
BLOCK_TEST(over_second_registers_of_the_host, over_further_registers_of_a_pci_host,
           "lies over registers or memory")
BLOCK_TEST(over_second_registers_of_an_its, over_further_registers_of_an_its,
           "lies over registers or memory")
BLOCK_TEST(over_second_registers_of_a_unit, over_further_registers_of_a_unit,
           "lies over registers or memory")
BLOCK_TEST(over_last_registers_of_the_gic, over_further_registers_of_the_gic,
           "lies over registers or memory")

static void a_function_named_as_a_block_is_refused(void)
{
    machine_plain();
    machine.partition[0].pci[0] = NULL;
    machine.partition[0].block[0] = DEVICE1_NAME;
    expect_boot_refused("path: 0000:01:00.0 is not a device of that kind");
}

static void a_device_that_cannot_master_is_parked_as_it_is(void)
{
    machine_plain();
    machine_boot();
    uint64_t commands = smmuv3_model_command_total(machine.unit[0]);

    assert_int_equal(device_park(device_find(CLOCK), false), IOMMU_OK);
    assert_int_equal(smmuv3_model_command_total(machine.unit[0]), commands);
}

int run_boot_devices_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i1_a_function_behind_no_iommu_cannot_be_assigned),
        TEST(i3_functions_of_two_groups_on_one_stream_cannot_be_assigned),
        TEST(a_function_whose_registers_lie_above_the_guests_addresses_cannot_be_assigned),
        TEST(a_function_over_the_guests_interrupt_controller_cannot_be_given),
        TEST(a_function_above_4_gib_is_none_of_an_aarch32_partition),
        TEST(a_function_above_4_gib_may_be_a_64_bit_partition_s),
        TEST(a_function_whose_registers_do_not_fit_cannot_be_assigned),
        TEST(i6_functions_behind_a_unit_that_dies_during_boot_cannot_be_assigned),
        TEST(i13_a_block_that_serves_others_cannot_be_assigned),
        TEST(i13_a_block_above_the_guests_addresses_cannot_be_assigned),
        TEST(i13_a_block_that_shares_a_page_cannot_be_assigned),
        TEST(i13_a_block_of_no_size_cannot_be_assigned),
        TEST(i13_a_block_over_a_unit_cannot_be_assigned),
        TEST(i13_a_block_over_the_distributor_cannot_be_assigned),
        TEST(i13_a_block_over_the_redistributors_cannot_be_assigned),
        TEST(i13_a_block_over_a_cpu_interface_cannot_be_assigned),
        TEST(i13_a_block_over_an_its_cannot_be_assigned),
        TEST(i13_a_block_over_memory_cannot_be_assigned),
        TEST(i13_a_block_over_configuration_space_cannot_be_assigned),
        TEST(i13_a_block_over_a_pci_window_cannot_be_assigned),
        TEST(i13_a_block_over_another_block_cannot_be_assigned),
        TEST(i13_a_block_with_one_range_over_a_unit_cannot_be_assigned),
        TEST(i13_a_block_with_more_ranges_than_are_kept_cannot_be_assigned),
        TEST(i13_a_block_over_registers_of_another_that_are_not_kept_cannot_be_assigned),
        TEST(i13_a_block_over_one_that_is_not_kept_for_its_name_cannot_be_assigned),
        TEST(i13_a_block_over_further_registers_of_a_pci_host_cannot_be_assigned),
        TEST(i13_a_block_over_further_registers_of_an_its_cannot_be_assigned),
        TEST(i13_a_block_over_further_registers_of_a_unit_cannot_be_assigned),
        TEST(i13_a_block_over_further_registers_of_the_gic_cannot_be_assigned),
        TEST(a_function_named_as_a_block_is_refused),
        TEST(a_device_that_cannot_master_is_parked_as_it_is),
    };

    return RUN_GROUP("kernel/boot, devices");
}
