/* SPDX-License-Identifier: Apache-2.0 */
/* Boot on a machine or a set of which one thing is wrong: what is refused, what is only said, and that
 * nothing is open afterwards (kernel/main.c, plan.c, device.c, lifecycle.c). */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drivers/serial/serial.h"
#include "edit.h"
#include "groups.h"
#include "kernel/board.h"
#include "kernel/bundle.h"
#include "kernel/memory.h"
#include "kernel/plan.h"
#include "lib/boot_memory.h"
#include "machine.h"

#define SMMU "/smmuv3@9050000"
#define HOST "/pcie@3f000000"
#define CLOCK CLOCK_NAME

static void expect_refusal(const char *text)
{
    enum host_end end = machine_kernel();

    if (end != HOST_OFF)
        fail_msg("the kernel went on (%d), expected: %s\n%s", (int)end, text, machine.console);
    assert_console(text);
    assert_console("[bulkhead] off: bulkhead=253\n");
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    assert_int_not_equal(dma_write(DEVICE1, 0x40000000, 1), DMA_LANDED);
}

static void expect_edit_refused(void (*edit)(void *tree), const char *text)
{
    machine_plain();
    machine.tree.edit = edit;
    expect_refusal(text);
}

static void expect_unmappable_refused(uint64_t base, const char *text)
{
    machine_plain();
    host_refuse_maps(base, PAGE_SIZE);
    expect_refusal(text);
}

/* ---- The device tree -------------------------------------------------------------------------------- */

static void a_device_tree_that_is_not_aligned_is_refused(void)
{
    machine_plain();
    machine.tree_given = TREE_ADDRESS + 4;
    expect_refusal("fatal: the device tree's address is not readable memory");
}

static void a_device_tree_in_no_memory_is_refused(void)
{
    machine_plain();
    host_abort_range(0x70000000, 0x1000);
    machine.tree_given = 0x70000000;
    expect_refusal("fatal: the device tree's address is not readable memory");
}

static void a_device_tree_that_cannot_be_mapped_is_refused(void)
{
    expect_unmappable_refused(TREE_ADDRESS, "the device tree's address is not readable memory");
}

static void a_device_tree_whose_end_cannot_be_mapped_is_refused(void)
{
    machine_plain();
    machine.tree.blocks = 60;
    host_refuse_maps(TREE_ADDRESS + PAGE_SIZE, PAGE_SIZE);
    expect_refusal("fatal: the device tree cannot be mapped");
}

static void without_an_address_from_the_boot_loader_the_boards_own_is_used(void)
{
    machine_plain();
    assert_int_equal(board_device_tree, HOST_MEMORY_BASE);
    machine.tree_address = board_device_tree;
    machine.tree_given = 0;
    machine_boot();
    assert_console("one: starts at");
}

static void long_text(void *tree)
{
    edit_text(tree, "/cpus/cpu@0", "status", "okay");
    edit_remove(tree, "/cpus/cpu@0", "reg");
}

static void a_machine_that_cannot_be_read_is_refused_by_node(void)
{
    expect_edit_refused(long_text, "fatal: a cpu node without reg: /cpus/cpu@0");
}

/* ---- The board -------------------------------------------------------------------------------------- */

static void a_corrupt_board_description_ends_the_run(void)
{
    uintptr_t page = (uintptr_t)board_tree_start & ~(uintptr_t)(PAGE_SIZE - 1);

    machine_plain();
    assert_int_equal(mprotect((void *)page, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    *(uint8_t *)(uintptr_t)board_tree_start ^= 0xFF;
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_string_equal(strstr(host_console(), "[bulkhead] fatal"),
                        "[bulkhead] fatal: the board's description in the image is corrupt\n"
                        "[bulkhead] off: bulkhead=253\n");
}

static _Alignas(8) uint8_t board_tree[2048];

static void write_board(const char *compatible)
{
    assert_int_equal(fdt_create_empty_tree(board_tree, sizeof(board_tree)), 0);
    edit_text(board_tree, "/", "compatible", compatible);
}

static void what_a_board_does_not_say_has_a_default(void)
{
    struct board board;

    write_board("bulkhead,board");
    assert_true(board_read(board_tree, sizeof(board_tree), &board));
    assert_false(board.root_isolates);
    assert_string_equal(board.serial_compatible, "arm,pl011");
    assert_string_equal(board.model, "unnamed");
    edit_add(board_tree, "/", "pci");
    assert_true(board_read(board_tree, sizeof(board_tree), &board));
    assert_false(board.root_isolates);
    edit_flag(board_tree, "/pci", "root-complex-isolates");
    edit_text(board_tree, "/", "model", "bench");
    edit_text(board_tree, "/", "serial-compatible", "test,serial");
    assert_true(board_read(board_tree, sizeof(board_tree), &board));
    assert_true(board.root_isolates);
    assert_string_equal(board.serial_compatible, "test,serial");
    assert_string_equal(board.model, "bench");
    write_board("other,board");
    assert_false(board_read(board_tree, sizeof(board_tree), &board));
}

static void a_board_description_that_is_cut_is_refused(void)
{
    struct board board;

    write_board("bulkhead,board");
    assert_int_equal(fdt_pack(board_tree), 0);
    assert_true(board_read(board_tree, fdt_totalsize(board_tree), &board));
    assert_false(board_read(board_tree, fdt_totalsize(board_tree) - 1, &board));
}

static void move_unit(void *tree)
{
    EDIT_CELLS(tree, SMMU, "reg", 0, 0x09150000, 0, 0x20000);
}

static void a_unit_of_the_boards_table_that_the_tree_lacks_is_refused(void)
{
    expect_edit_refused(move_unit,
                        "the board's table names an IOMMU that the device tree does not");
}

/* ---- Serial port ------------------------------------------------------------------------------------- */

#define OTHER_SERIAL UINT64_C(0x09040000)
#define OTHER_SERIAL_INTERRUPT 77

static char other_console[4096];
static size_t other_used;

static uint64_t other_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    (void)offset;
    (void)bytes;
    return 0;
}

static void other_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    if (offset == 0 && other_used + 1 < sizeof(other_console))
        other_console[other_used++] = (char)value;
}

static void other_serial(void *tree)
{
    edit_add(tree, "/", "pl011@9040000");
    edit_text(tree, "/pl011@9040000", "compatible", "arm,pl011");
    EDIT_CELLS(tree, "/pl011@9040000", "reg", 0, (uint32_t)OTHER_SERIAL, 0, 0x1000);
    EDIT_CELLS(tree, "/pl011@9040000", "interrupts", 0, OTHER_SERIAL_INTERRUPT - 32, 4);
    edit_text(tree, "/chosen", "stdout-path", "/pl011@9040000");
}

static uint32_t console_interrupt(void)
{
    struct bh_partition_info *info = guest(0, UINT64_C(0x40100000));

    info->size = sizeof(*info);
    assert_int_equal(call1(0, BH_CALL_PARTITION_INFO, UINT64_C(0x40100000)), BH_OK);
    return info->console_interrupt;
}

/* Nobody listens to the line, where there is one, and partitions are told that nobody types. */
static void expect_no_input(uint32_t line)
{
    assert_int_equal(console_interrupt(), 0);
    assert_false(host_interrupt(line));
}

static void the_log_goes_on_at_the_port_that_the_tree_names(void)
{
    machine_plain();
    machine.tree.edit = other_serial;
    host_attach(&(struct host_registers){
        .base = OTHER_SERIAL, .size = PAGE_SIZE, .read = other_read, .write = other_write });
    machine_boot();
    assert_null(strstr(machine.console, "Bulkhead on"));
    assert_non_null(strstr(other_console, "[bulkhead] Bulkhead on qemu-virt"));
    assert_int_equal(console_interrupt(), 33);
    assert_true(host_interrupt(OTHER_SERIAL_INTERRUPT));
}

static void unknown_serial(void *tree)
{
    other_serial(tree);
    edit_text(tree, "/pl011@9040000", "compatible", "test,serial");
}

static void a_port_of_an_unknown_kind_leaves_the_log_where_it_is(void)
{
    assert_null(serial_find("test,serial"));
    machine_plain();
    machine.tree.edit = unknown_serial;
    machine_boot();
    assert_console("[bulkhead] Bulkhead on qemu-virt");
    expect_no_input(OTHER_SERIAL_INTERRUPT);
}

static void a_port_that_cannot_be_mapped_leaves_the_log_where_it_is(void)
{
    machine_plain();
    machine.tree.edit = other_serial;
    host_refuse_maps(OTHER_SERIAL, PAGE_SIZE);
    machine_boot();
    assert_console("[bulkhead] Bulkhead on qemu-virt");
    expect_no_input(OTHER_SERIAL_INTERRUPT);
}

static void serial_without_interrupt(void *tree)
{
    edit_remove(tree, "/pl011@9000000", "interrupts");
}

static void a_port_without_interrupt_takes_no_input_and_says_so(void)
{
    machine_plain();
    machine.tree.edit = serial_without_interrupt;
    machine_boot();
    expect_no_input(SERIAL_INTERRUPT);
    assert_console("[bulkhead] the serial port has no interrupt: nobody can type\n");
}

static void no_stdout(void *tree)
{
    edit_remove(tree, "/chosen", "stdout-path");
}

static void i13_the_boards_port_stays_the_hypervisors_where_the_tree_names_none(void)
{
    machine_plain();
    machine.tree.edit = no_stdout;
    machine.partition[0].block[0] = "/pl011@9000000";
    expect_refusal("/pl011@9000000 cannot be assigned: it is the hypervisor's own console");
}

static void without_a_port_of_its_own_the_hypervisor_runs_unheard(void)
{
    machine_plain();
    host_refuse_maps(SERIAL_BASE, PAGE_SIZE);
    machine_boot();
    assert_int_equal(machine.console_used, 0);
    assert_int_equal(partitions.partition[0].state, PARTITION_RUNNING);
    expect_no_input(SERIAL_INTERRUPT);
}

static void no_stdout_and_clock_at_zero(void *tree)
{
    no_stdout(tree);
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0, 0, 0x1000);
}

static void without_any_serial_port_nothing_is_kept_for_one(void)
{
    uintptr_t page = (uintptr_t)&board_serial & ~(uintptr_t)(PAGE_SIZE - 1);

    machine_plain();
    machine.tree.edit = no_stdout_and_clock_at_zero;
    machine.partition[0].block[0] = "/pl011@9000000";
    machine.partition[0].block[1] = CLOCK;
    assert_int_equal(mprotect((void *)page, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    *(uint64_t *)(uintptr_t)&board_serial = 0;
    machine_boot();
    assert_int_equal(machine.console_used, 0);
    assert_null(device_find("/pl011@9000000")->refusal);
    assert_null(device_find(CLOCK)->refusal);
}

/* ---- Memory and table pages ----------------------------------------------------------------------------- */

static void an_iommu_whose_registers_cannot_be_mapped_ends_the_run(void)
{
    expect_unmappable_refused(UNIT_BASE, "no table pages for an IOMMU's registers: " SMMU);
}

static void own_memory_that_cannot_be_mapped_ends_the_run(void)
{
    expect_unmappable_refused(HOST_MEMORY_BASE, "fatal: no memory for the hypervisor itself");
}

static void small_memory(void *tree)
{
    EDIT_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0x10000);
}

static void a_machine_with_less_memory_than_the_hypervisor_needs_is_refused(void)
{
    expect_edit_refused(small_memory, "fatal: no memory for the hypervisor itself");
}

static void a_bundle_that_cannot_be_mapped_is_refused(void)
{
    expect_unmappable_refused(INITRD_ADDRESS, "fatal: the bundle cannot be mapped");
}

static void a_partitions_memory_that_cannot_be_mapped_is_refused(void)
{
    machine_plain();
    machine.partition[0].physical = 0x48000000;
    host_refuse_maps(0x48000000, PAGE_SIZE);
    expect_refusal("set.dts:/partitions/one: memory: the machine has no 0x400000 bytes left");
}

static void a_host_whose_configuration_space_cannot_be_mapped_is_not_used(void)
{
    machine_plain();
    host_refuse_maps(ECAM_BASE, PAGE_SIZE);
    expect_refusal(HOST ": no table pages for its configuration space: not used");
    assert_int_equal(devices.pci.count, 0);
    assert_console("this machine has no 0000:01:00.0");
}

static void no_event_interrupts(void *tree)
{
    edit_remove(tree, SMMU, "interrupt-names");
}

static void a_unit_without_interrupts_is_used_and_that_it_is_deaf_is_said(void)
{
    machine_plain();
    machine.tree.edit = no_event_interrupts;
    machine_boot();
    assert_console(SMMU ": no interrupt for its events: faults are not reported");
}

static void i14_the_image_in_memory_is_given_to_nobody(void)
{
    static const struct topology_range image = { .base = HOST_MEMORY_BASE, .size = 0x300000 };

    machine_plain();
    host_image = image;
    uint8_t *bytes = memory_pointer(image.base);

    memset(bytes, 0x5A, image.size);
    machine_boot();
    for (uint64_t i = 0; i < image.size; i++)
        assert_int_equal(bytes[i], 0x5A);
    assert_false(
        range_overlaps(partitions.partition[0].physical, 0x400000, image.base, image.size));
}

static void a_partition_that_wants_the_images_memory_is_refused(void)
{
    machine_plain();
    host_image = (struct topology_range){ .base = 0x48300000, .size = 0x1000 };
    machine.partition[0].physical = 0x48000000;
    expect_refusal("set.dts:/partitions/one: physical-address:");
}

/* ---- The bundle and the set ------------------------------------------------------------------------------ */

static struct bundle_entry *bundle_entries(void)
{
    machine.tree.initrd_size = machine_bundle();
    return memory_pointer(INITRD_ADDRESS + sizeof(struct bundle_header));
}

static void an_initrd_that_is_no_bundle_is_refused(void)
{
    machine_plain();
    bundle_entries();
    *(uint8_t *)memory_pointer(INITRD_ADDRESS) ^= 1;
    expect_refusal("fatal: the initrd is not a Bulkhead bundle");
}

static void an_empty_set_is_refused(void)
{
    machine_plain();
    bundle_entries()[0].size = 0;
    expect_refusal("fatal: the bundle's set is empty or too large");
}

static void a_set_that_is_too_large_is_refused(void)
{
    static uint8_t large[SET_SIZE_LIMIT * 2];

    machine_plain();
    machine.payload[machine.payload_count++] = (struct payload_file){ .name = "large.bin",
                                                                      .bytes = large,
                                                                      .size = sizeof(large) };
    bundle_entries()[0].size = SET_SIZE_LIMIT + 1;
    expect_refusal("fatal: the bundle's set is empty or too large");
}

static void a_set_with_a_mistake_is_refused_by_file_node_and_property(void)
{
    machine_plain();
    machine.partition[0].pool_pages = 7;
    expect_refusal("[bulkhead] set.dts:/partitions/one: pool-pages: write a number");
}

static void a_pool_whose_records_do_not_fit_is_refused(void)
{
    static struct topology topology;
    static struct set set;
    struct set_error error;

    host_reset();
    topology.memory[topology.memory_count++] = (struct topology_range){ .base = HOST_MEMORY_BASE,
                                                                        .size = HOST_MEMORY_SIZE };
    assert_true(memory_start(&topology));
    set.partition[set.partition_count++] = (struct set_partition){ .node = "/partitions/one",
                                                                   .memory_base = 0x40000000,
                                                                   .memory_size = 0x4000000,
                                                                   .pool_pages = 8192 };
    boot_memory_start(HOST_MEMORY_BASE, 0x10000);
    assert_true(plan_partitions(&set, 1, &error));
    assert_false(plan_memory(&error));
    assert_string_equal(error.node, "/partitions/one");
    assert_string_equal(error.property, "pool-pages");
}

/* ---- Devices that cannot be assigned ------------------------------------------------------------------- */

static void expect_device_refused(void (*edit)(void *tree), const char *text)
{
    machine_plain();
    machine.tree.edit = edit;
    machine.partition[0].block[0] = CLOCK;
    expect_refusal(text);
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
    expect_refusal(
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
    expect_refusal(
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
    expect_refusal("0000:01:00.0 cannot be assigned: it has a stream without a table entry");
    assert_string_equal(device_find("0000:01:00.1")->refusal, "stands behind an IOMMU that failed");
}

static void master(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 5);
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

static void half_page(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0, 0x800);
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

#define BLOCK_TEST(edit, name, text)                                                               \
    static void i13_a_block_##name##_cannot_be_assigned(void)                                      \
    {                                                                                              \
        expect_device_refused(edit, CLOCK " cannot be assigned: it " text);                        \
    }

BLOCK_TEST(master, that_masters, "masters behind an IOMMU")
BLOCK_TEST(controller, that_serves_others, "takes part in the interrupts or translation of others")
BLOCK_TEST(high, above_the_guests_addresses, "lies above the addresses that a partition has")
BLOCK_TEST(half_page, that_shares_a_page, "shares register pages with something else")
BLOCK_TEST(no_registers, of_no_size, "shares register pages with something else")
BLOCK_TEST(over_unit, over_a_unit, "lies over registers or memory that are not its own")
BLOCK_TEST(over_distributor, over_the_distributor, "lies over registers or memory")
BLOCK_TEST(over_redistributors, over_the_redistributors, "lies over registers or memory")
BLOCK_TEST(over_cpu_interface, over_a_cpu_interface, "lies over registers or memory")
BLOCK_TEST(over_memory, over_memory, "lies over registers or memory")
BLOCK_TEST(over_ecam, over_configuration_space, "lies over registers or memory")
BLOCK_TEST(over_window, over_a_pci_window, "lies over registers or memory")
BLOCK_TEST(over_block, over_another_block, "lies over registers or memory")
BLOCK_TEST(over_second_registers, with_one_range_over_a_unit, "lies over registers or memory")

static void a_function_named_as_a_block_is_refused(void)
{
    machine_plain();
    machine.partition[0].pci[0] = NULL;
    machine.partition[0].block[0] = DEVICE1_NAME;
    expect_refusal("path: 0000:01:00.0 is not a device of that kind");
}

static void a_device_that_cannot_master_is_parked_as_it_is(void)
{
    machine_plain();
    machine_boot();
    uint64_t commands = smmuv3_model_command_total(machine.unit[0]);

    assert_int_equal(device_park(device_find(CLOCK), false), IOMMU_OK);
    assert_int_equal(smmuv3_model_command_total(machine.unit[0]), commands);
}

/* ---- A second life ---------------------------------------------------------------------------------- */

static void a_payload_damaged_before_a_restart_ends_its_partition_and_no_other(void)
{
    machine_plain();
    machine_partition("two");
    machine_boot();
    const struct bundle_entry *entry = memory_pointer(INITRD_ADDRESS +
                                                      sizeof(struct bundle_header));

    *(uint8_t *)memory_pointer(INITRD_ADDRESS + entry[1].offset) ^= 1;
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(0), HOST_IDLE);
    assert_console("set.dts:/partitions/one: payload: flat.bin does not have the digest");
    assert_int_equal(partitions.partition[0].state, PARTITION_OFF);
    assert_int_equal(partitions.partition[1].state, PARTITION_RUNNING);
    call2(1, BH_CALL_POWER, BH_POWER_OFF, 3);
    assert_int_equal(machine.end, HOST_OFF);
    assert_console("[bulkhead] off: one=253 two=3\n");
}

static void a_counter_whose_frequency_is_not_set_is_refused(void)
{
    machine_plain();
    host_ticks_per_second = 999999;
    expect_refusal("fatal: the system counter's frequency (CNTFRQ) is not set");
}

int run_boot_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_tree_that_is_not_aligned_is_refused),
        TEST(a_device_tree_in_no_memory_is_refused),
        TEST(a_device_tree_that_cannot_be_mapped_is_refused),
        TEST(a_device_tree_whose_end_cannot_be_mapped_is_refused),
        TEST(without_an_address_from_the_boot_loader_the_boards_own_is_used),
        TEST(a_machine_that_cannot_be_read_is_refused_by_node),
        TEST(a_corrupt_board_description_ends_the_run),
        TEST(what_a_board_does_not_say_has_a_default),
        TEST(a_board_description_that_is_cut_is_refused),
        TEST(a_unit_of_the_boards_table_that_the_tree_lacks_is_refused),
        TEST(the_log_goes_on_at_the_port_that_the_tree_names),
        TEST(a_port_of_an_unknown_kind_leaves_the_log_where_it_is),
        TEST(a_port_without_interrupt_takes_no_input_and_says_so),
        TEST(a_port_that_cannot_be_mapped_leaves_the_log_where_it_is),
        TEST(i13_the_boards_port_stays_the_hypervisors_where_the_tree_names_none),
        TEST(without_a_port_of_its_own_the_hypervisor_runs_unheard),
        TEST(without_any_serial_port_nothing_is_kept_for_one),
        TEST(an_iommu_whose_registers_cannot_be_mapped_ends_the_run),
        TEST(own_memory_that_cannot_be_mapped_ends_the_run),
        TEST(a_machine_with_less_memory_than_the_hypervisor_needs_is_refused),
        TEST(a_bundle_that_cannot_be_mapped_is_refused),
        TEST(a_partitions_memory_that_cannot_be_mapped_is_refused),
        TEST(a_host_whose_configuration_space_cannot_be_mapped_is_not_used),
        TEST(a_unit_without_interrupts_is_used_and_that_it_is_deaf_is_said),
        TEST(i14_the_image_in_memory_is_given_to_nobody),
        TEST(a_partition_that_wants_the_images_memory_is_refused),
        TEST(an_initrd_that_is_no_bundle_is_refused),
        TEST(an_empty_set_is_refused),
        TEST(a_set_that_is_too_large_is_refused),
        TEST(a_set_with_a_mistake_is_refused_by_file_node_and_property),
        TEST(a_pool_whose_records_do_not_fit_is_refused),
        TEST(i1_a_function_behind_no_iommu_cannot_be_assigned),
        TEST(i3_functions_of_two_groups_on_one_stream_cannot_be_assigned),
        TEST(a_function_whose_registers_lie_above_the_guests_addresses_cannot_be_assigned),
        TEST(a_function_over_the_guests_interrupt_controller_cannot_be_given),
        TEST(a_function_above_4_gib_is_none_of_an_aarch32_partition),
        TEST(a_function_above_4_gib_may_be_a_64_bit_partition_s),
        TEST(a_function_whose_registers_do_not_fit_cannot_be_assigned),
        TEST(i6_functions_behind_a_unit_that_dies_during_boot_cannot_be_assigned),
        TEST(i13_a_block_that_masters_cannot_be_assigned),
        TEST(i13_a_block_that_serves_others_cannot_be_assigned),
        TEST(i13_a_block_above_the_guests_addresses_cannot_be_assigned),
        TEST(i13_a_block_that_shares_a_page_cannot_be_assigned),
        TEST(i13_a_block_of_no_size_cannot_be_assigned),
        TEST(i13_a_block_over_a_unit_cannot_be_assigned),
        TEST(i13_a_block_over_the_distributor_cannot_be_assigned),
        TEST(i13_a_block_over_the_redistributors_cannot_be_assigned),
        TEST(i13_a_block_over_a_cpu_interface_cannot_be_assigned),
        TEST(i13_a_block_over_memory_cannot_be_assigned),
        TEST(i13_a_block_over_configuration_space_cannot_be_assigned),
        TEST(i13_a_block_over_a_pci_window_cannot_be_assigned),
        TEST(i13_a_block_over_another_block_cannot_be_assigned),
        TEST(i13_a_block_with_one_range_over_a_unit_cannot_be_assigned),
        TEST(a_function_named_as_a_block_is_refused),
        TEST(a_device_that_cannot_master_is_parked_as_it_is),
        TEST(a_payload_damaged_before_a_restart_ends_its_partition_and_no_other),
        TEST(a_counter_whose_frequency_is_not_set_is_refused),
    };

    return RUN_GROUP("kernel/boot, faults");
}
