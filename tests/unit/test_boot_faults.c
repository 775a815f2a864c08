/* SPDX-License-Identifier: Apache-2.0 */
/* Boot on a machine or a set of which one thing is wrong: what is refused, what is only said, and that
 * nothing is open afterwards (kernel/main.c, plan.c, device.c, lifecycle.c). */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot_bench.h"
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

static void expect_edit_refused(void (*edit)(void *tree), const char *text)
{
    machine_plain();
    machine.tree.edit = edit;
    expect_boot_refused(text);
}

static void expect_unmappable_refused(uint64_t base, const char *text)
{
    machine_plain();
    host_refuse_maps(base, PAGE_SIZE);
    expect_boot_refused(text);
}

/* ---- The device tree -------------------------------------------------------------------------------- */

static void a_device_tree_that_is_not_aligned_is_refused(void)
{
    machine_plain();
    machine.tree_given = TREE_ADDRESS + 4;
    expect_boot_refused("fatal: the device tree's address is not readable memory");
}

static void a_device_tree_in_no_memory_is_refused(void)
{
    machine_plain();
    host_abort_range(0x70000000, 0x1000);
    machine.tree_given = 0x70000000;
    expect_boot_refused("fatal: the device tree's address is not readable memory");
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
    expect_boot_refused("fatal: the device tree cannot be mapped");
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
    expect_boot_refused("/pl011@9000000 cannot be assigned: it is the hypervisor's own console");
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
    expect_boot_refused("set.dts:/partitions/one: memory: the machine has no 0x400000 bytes left");
}

static void a_host_whose_configuration_space_cannot_be_mapped_is_not_used(void)
{
    machine_plain();
    host_refuse_maps(ECAM_BASE, PAGE_SIZE);
    expect_boot_refused(HOST ": no table pages for its configuration space: not used");
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
    expect_boot_refused("set.dts:/partitions/one: physical-address:");
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
    expect_boot_refused("fatal: the initrd is not a Bulkhead bundle");
}

static void an_empty_set_is_refused(void)
{
    machine_plain();
    bundle_entries()[0].size = 0;
    expect_boot_refused("fatal: the bundle's set is empty or too large");
}

static void a_set_that_is_too_large_is_refused(void)
{
    static uint8_t large[SET_SIZE_LIMIT * 2];

    machine_plain();
    machine.payload[machine.payload_count++] = (struct payload_file){ .name = "large.bin",
                                                                      .bytes = large,
                                                                      .size = sizeof(large) };
    bundle_entries()[0].size = SET_SIZE_LIMIT + 1;
    expect_boot_refused("fatal: the bundle's set is empty or too large");
}

static void row_5_13_a_set_with_a_mistake_is_refused_by_file_node_and_property(void)
{
    machine_plain();
    machine.partition[0].pool_pages = 7;
    expect_boot_refused("[bulkhead] set.dts:/partitions/one: pool-pages: write a number");
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
    expect_boot_refused("fatal: the system counter's frequency (CNTFRQ) is not set");
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
        TEST(row_5_13_a_set_with_a_mistake_is_refused_by_file_node_and_property),
        TEST(a_pool_whose_records_do_not_fit_is_refused),
        TEST(a_payload_damaged_before_a_restart_ends_its_partition_and_no_other),
        TEST(a_counter_whose_frequency_is_not_set_is_refused),
    };

    return RUN_GROUP("kernel/boot, faults");
}
