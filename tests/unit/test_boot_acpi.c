/* SPDX-License-Identifier: Apache-2.0 */
/* Boot on a board that has its firmware-tables named: what they say counts, and when they are read. */
#include <sys/mman.h>

#include "arch/boot.h"
#include "arch/seam.h"
#include "edit.h"
#include "fw_cfg_bench.h"
#include "groups.h"
#include "kernel/device.h"

#define HOST "/pcie@3f000000"
#define BRIDGE_BUSES 0x18 /* of a bridge's configuration space */

/* The board's tree is part of the program: its serial-compatible, which has a default, makes room. */
static void name_tables(const char *name)
{
    uint8_t *tree = (uint8_t *)(uintptr_t)board_tree_start;
    uintptr_t page = (uintptr_t)tree & ~(uintptr_t)(PAGE_SIZE - 1);
    char value[sizeof("arm,pl011")] = "";

    assert_int_equal(mprotect((void *)page, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    char *property = memmem(tree + fdt_off_dt_strings(tree), fdt_size_dt_strings(tree),
                            "serial-compatible", sizeof("serial-compatible"));

    assert_non_null(property);
    memcpy(property, "firmware-tables", sizeof("firmware-tables"));
    memcpy(value, name, strlen(name) + 1);
    assert_int_equal(fdt_setprop_inplace(tree, 0, "firmware-tables", value, sizeof(value)), 0);
}

static void without_units(void *tree)
{
    edit_remove(tree, HOST, "iommu-map");
    assert_int_equal(fdt_del_node(tree, edit_node(tree, "/smmuv3@9050000")), 0);
}

/* The plain machine; its tree does not tell of IOMMUs, its tables have one in front of all buses. */
static struct acpi_options begin(void)
{
    struct acpi_options options = acpi_plain();

    machine_plain();
    name_tables("acpi");
    machine.tree.edit = without_units;
    options.cpus = 2;
    options.units = 1;
    options.map_count = 1;
    options.map[0] = (struct acpi_map){ 0, ECAM_BUSES << 8, 0x1000, 0, false };
    return options;
}

static void expect_refused(const char *text)
{
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console(text);
}

static void which_stream_a_device_has_the_tables_say(void)
{
    struct acpi_options options = begin();

    fw_join(&options);
    machine_boot();
    assert_int_equal(device_find(DEVICE1_NAME)->stream, 0x1100);
    assert_int_equal(device_find(DEVICE2_NAME)->stream, 0x1200);
    assert_null(device_find(DEVICE1_NAME)->refusal);
    assert_true(devices.iommu[0].usable);
    assert_units_clean();
}

/* The tree has no iommu-map: it is the tables that know. */
static void a_host_that_the_tables_put_behind_a_unit_is_not_called_unprotected(void)
{
    struct acpi_options options = begin();

    fw_join(&options);
    machine_boot();
    assert_null(strstr(machine.console, "unprotected: " HOST));
}

static void a_host_that_neither_tree_nor_tables_put_behind_a_unit_is_called_unprotected(void)
{
    struct acpi_options options = begin();

    options.map_count = 0;
    fw_join(&options);
    expect_refused("unprotected: " HOST " (a PCI host), 1 of its kind");
}

/* Maps of a tree that knows one unit for all buses, as QEMU's does. */
static void a_map_of_the_tree_does_not_count(void)
{
    struct acpi_options options = begin();

    machine.tree.edit = NULL;
    options.map[0].count = 0x200;
    fw_join(&options);
    machine_boot();
    assert_int_equal(device_find(DEVICE1_NAME)->stream, 0x1100);
    assert_string_equal(device_find(DEVICE2_NAME)->refusal, "stands behind no IOMMU");
    assert_int_equal(devices.iommu_count, 1);
}

static unsigned int looks;

static void bridges_have_their_numbers(void)
{
    looks++;
    for (unsigned int device = 1; device <= 2; device++) {
        uint32_t buses = mmio_read32(ECAM_BASE + ((uint64_t)device << 15) + BRIDGE_BUSES);

        assert_int_equal(buses & 0xFFFFFF, device << 16 | device << 8);
    }
}

static void tables_are_read_when_all_bridges_have_their_numbers(void)
{
    struct acpi_options options = begin();

    fw_join(&options);
    fw.before_tables = bridges_have_their_numbers;
    machine_boot();
    assert_int_equal(looks, 1);
}

/* ---- Further root buses --------------------------------------------------------------------------------- */

#define SECOND_ROOT 8
#define FAR_NAME "0000:09:00.0"

static uint8_t roots[8];

static int far; /* what stands behind a port of the second root bus */

/* As many as the file of fw_cfg says; the second one is behind another unit. */
static void begin_with_roots(uint8_t count)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    struct acpi_options options = begin();
    int port = pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4);

    machine_add_unit(&parameters);
    machine_board_unit();
    machine.pci.function[port].root = SECOND_ROOT;
    far = pci_model_endpoint(&machine.pci, port, 0, 0);
    pci_model_bar(&machine.pci, far, 0, PAGE_SIZE, false);
    pci_model_set16(&machine.pci, far, 0x3C, 0x0100); /* INTA */
    options.units = 2;
    options.map_count = 2;
    options.map[0].count = SECOND_ROOT << 8;
    options.map[1] = (struct acpi_map){ SECOND_ROOT << 8, 0x800, 0x800, 1, false };
    fw_join(&options);
    roots[0] = count;
    fw_add("etc/extra-pci-roots", roots, sizeof(roots));
}

static void all_bridges_have_their_numbers(void)
{
    bridges_have_their_numbers();
    assert_int_equal(
        mmio_read32(ECAM_BASE + (SECOND_ROOT << 20 | 3 << 15) + BRIDGE_BUSES) & 0xFFFFFF, 0x090908);
}

static void a_root_bus_that_fw_cfg_counts_is_a_host_before_tables_are_read(void)
{
    begin_with_roots(1);
    fw.before_tables = all_bridges_have_their_numbers;
    machine_boot();
    const struct device *device = device_find(FAR_NAME);

    assert_int_equal(looks, 1);
    assert_non_null(device);
    assert_null(device->refusal);
    assert_int_equal(device->stream, 0x900);
    assert_ptr_equal(device->iommu, &devices.iommu[1]);
    assert_int_equal(device->line, INTERRUPT_NONE);
    assert_true(device->function->bar[0].address >= WINDOW_BASE + WINDOW_SIZE / 3);
    assert_int_equal(device_find(DEVICE1_NAME)->stream, 0x1100);
    assert_ptr_equal(device_find(DEVICE1_NAME)->iommu, &devices.iommu[0]);
}

static void without_a_count_no_root_bus_is_looked_for(void)
{
    begin_with_roots(0);
    machine_boot();
    assert_null(device_find(FAR_NAME));
    assert_non_null(device_find(DEVICE1_NAME));
}

static void more_root_buses_than_are_kept_are_refused(void)
{
    begin_with_roots(200);
    for (uint8_t i = 1; i < TOPOLOGY_PCI_HOSTS; i++) {
        int function = pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, 0, 0);

        machine.pci.function[function].root = (uint8_t)(SECOND_ROOT + i);
    }
    expect_refused("fatal: more PCI hosts than the hypervisor keeps: " HOST);
}

static void a_configuration_space_that_cannot_be_mapped_is_not_looked_through(void)
{
    begin_with_roots(1);
    host_refuse_maps(ECAM_BASE, PAGE_SIZE);
    expect_refused(HOST ": no table pages for its configuration space: not used");
}

/* ---- Units and tables ------------------------------------------------------------------------------------ */

static void a_unit_that_the_tables_alone_name_is_closed_late_and_not_used(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    const struct smmuv3_model_access access = { .stream_id = 5 };
    struct acpi_options options = begin();

    machine_add_unit(&parameters);
    options.units = 2;
    options.map_count = 2;
    options.map[0].count = 0x200;
    options.map[1] = (struct acpi_map){ 0x200, 0x100, 0x200, 1, false };
    fw_join(&options);
    assert_int_equal(smmuv3_model_translate(machine.unit[1], &access).outcome, SMMUV3_MODEL_OK);
    machine_boot();
    assert_int_equal(smmuv3_model_translate(machine.unit[1], &access).outcome, SMMUV3_MODEL_ABORT);
    assert_console("IORT/smmuv3@9150000: not in the board's table, closed late");
    assert_false(devices.iommu[1].usable);
    assert_null(device_find(DEVICE1_NAME)->refusal);
    assert_string_equal(device_find(DEVICE2_NAME)->refusal,
                        "stands behind an IOMMU that is not usable");
}

/* ---- Memory of firmware ----------------------------------------------------------------------------------- */

#define FIRMWARE_MEMORY UINT64_C(0x47000000)
#define FIRMWARE_STREAM 0x1F00u

/* Behind the only unit; streams of no function. */
static struct acpi_options begin_with_firmware(uint32_t streams)
{
    struct acpi_options options = begin();

    options.reserved_count = 1;
    options.reserved[0] = (struct acpi_reserved){
        .range_count = 1,
        .range = { { FIRMWARE_MEMORY, 0x1000 } },
        .map_count = 1,
        .map = { { 0, streams, FIRMWARE_STREAM, 0, false } },
    };
    return options;
}

static bool firmware_lands(uint32_t stream, uint64_t address)
{
    uint64_t value = 1;
    struct smmuv3_model_result result = smmuv3_model_dma(machine.unit[0], stream, address, &value,
                                                         sizeof(value), true);

    machine_interrupts();
    return result.outcome == SMMUV3_MODEL_OK;
}

static void row_1_14_streams_that_the_iort_names_reach_the_memory_that_it_keeps_for_them(void)
{
    struct acpi_options options = begin_with_firmware(64);

    fw_join(&options);
    machine_boot();
    assert_true(firmware_lands(FIRMWARE_STREAM, FIRMWARE_MEMORY));
    assert_true(firmware_lands(FIRMWARE_STREAM + 63, FIRMWARE_MEMORY + 0xFF8));
    assert_false(firmware_lands(FIRMWARE_STREAM + 63, FIRMWARE_MEMORY + 0x1000));
    assert_false(firmware_lands(FIRMWARE_STREAM, FIRMWARE_MEMORY - PAGE_SIZE));
    assert_false(firmware_lands(FIRMWARE_STREAM + 64, FIRMWARE_MEMORY));
    assert_false(firmware_lands(FIRMWARE_STREAM - 1, FIRMWARE_MEMORY));
    assert_units_clean();
}

static void row_3_21_a_function_whose_stream_is_firmware_s_is_nobodys(void)
{
    struct acpi_options options = begin_with_firmware(1);

    options.reserved[0].map[0].output = 0x1100;
    fw_join(&options);
    expect_refused("0000:01:00.0 cannot be assigned: it reaches memory that firmware keeps for it");
}

static void expect_blocked(const struct acpi_options *options, const char *text)
{
    fw_join(options);
    machine_boot();
    assert_console(text);
    assert_false(firmware_lands(FIRMWARE_STREAM, options->reserved[0].range[0].base));
}

static void more_streams_of_firmware_than_are_opened_stay_blocked(void)
{
    struct acpi_options options = begin_with_firmware(65);

    expect_blocked(&options, "65 streams from 0x1f00 on stay blocked: memory that firmware keeps "
                             "for them is that of more streams than are opened");
}

/* Tables are read when the hypervisor has its own already. */
static void i14_no_window_lies_over_memory_that_the_hypervisor_has_taken(void)
{
    struct acpi_options options = begin_with_firmware(1);

    options.reserved[0].range[0].base = HOST_MEMORY_BASE;
    expect_blocked(&options, "for them lies over the hypervisor");
}

static void streams_with_other_memory_besides_have_what_was_named_first(void)
{
    struct acpi_options options = begin_with_firmware(4);

    options.reserved_count = 2;
    options.reserved[1] = options.reserved[0];
    options.reserved[1].map[0].count = 1;
    options.reserved[1].range[0].base += 0x10000;
    fw_join(&options);
    machine_boot();
    assert_console("1 streams from 0x1f00 on stay blocked: memory that firmware keeps for them is "
                   "that of streams which have other memory besides");
    assert_true(firmware_lands(FIRMWARE_STREAM, FIRMWARE_MEMORY));
    assert_false(firmware_lands(FIRMWARE_STREAM, FIRMWARE_MEMORY + 0x10000));
}

/* The first stretch has all tables: seven over a border of 512 GiB, six over another, three for the last. */
static void streams_for_which_no_table_is_left_stay_blocked(void)
{
    struct acpi_options options = begin_with_firmware(1);

    options.reserved_count = 2;
    options.reserved[1] = options.reserved[0];
    options.reserved[1].map[0].output++;
    options.reserved[0].range_count = 3;
    options.reserved[0].range[0] = (struct topology_range){ 0x1FFFFFFF000, 0x2000 };
    options.reserved[0].range[1] = (struct topology_range){ 0x2FFFFFFF000, 0x2000 };
    options.reserved[0].range[2] = (struct topology_range){ 0x38000000000, 0x1000 };
    fw_join(&options);
    machine_boot();
    assert_console("1 streams from 0x1f00 on reach the memory that firmware keeps for them");
    assert_console("1 streams from 0x1f01 on stay blocked: memory that firmware keeps for them "
                   "needs more tables than there are");
    assert_false(firmware_lands(FIRMWARE_STREAM + 1, FIRMWARE_MEMORY));
}

static void a_unit_of_the_board_that_nobody_else_names_is_refused(void)
{
    struct acpi_options options = begin();

    options.units = 0;
    options.map_count = 0;
    fw_join(&options);
    expect_refused("fatal: no SMMUv3");
}

static void tables_that_cannot_be_read_are_refused_by_name(void)
{
    struct acpi_options options = begin();

    fw_join(&options);
    fw.tables[acpi_at.iort] = 'X';
    expect_refused("fatal: a table that is needed and not there: IORT");
}

static void tables_that_the_image_has_no_reader_for_are_refused(void)
{
    machine_plain();
    name_tables("other");
    expect_refused("fatal: the image has no reader for the board's firmware-tables: other");
}

static void no_fw_cfg(void *tree)
{
    assert_int_equal(fdt_del_node(tree, edit_node(tree, "/fw-cfg@9020000")), 0);
}

static void a_tree_that_names_nothing_to_read_tables_through_is_refused(void)
{
    machine_plain();
    name_tables("acpi");
    machine.tree.edit = no_fw_cfg;
    expect_refused("fatal: the device tree names nothing to read the board's firmware-tables");
}

static void tables_whose_reader_cannot_be_mapped_are_refused(void)
{
    machine_plain();
    name_tables("acpi");
    host_refuse_maps(0x9020000, PAGE_SIZE);
    expect_refused("fatal: no table pages for what the firmware-tables are read through");
}

int run_boot_acpi_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(which_stream_a_device_has_the_tables_say),
        TEST(a_host_that_the_tables_put_behind_a_unit_is_not_called_unprotected),
        TEST(a_host_that_neither_tree_nor_tables_put_behind_a_unit_is_called_unprotected),
        TEST(a_map_of_the_tree_does_not_count),
        TEST(tables_are_read_when_all_bridges_have_their_numbers),
        TEST(a_root_bus_that_fw_cfg_counts_is_a_host_before_tables_are_read),
        TEST(without_a_count_no_root_bus_is_looked_for),
        TEST(more_root_buses_than_are_kept_are_refused),
        TEST(a_configuration_space_that_cannot_be_mapped_is_not_looked_through),
        TEST(a_unit_that_the_tables_alone_name_is_closed_late_and_not_used),
        TEST(row_1_14_streams_that_the_iort_names_reach_the_memory_that_it_keeps_for_them),
        TEST(row_3_21_a_function_whose_stream_is_firmware_s_is_nobodys),
        TEST(more_streams_of_firmware_than_are_opened_stay_blocked),
        TEST(i14_no_window_lies_over_memory_that_the_hypervisor_has_taken),
        TEST(streams_for_which_no_table_is_left_stay_blocked),
        TEST(streams_with_other_memory_besides_have_what_was_named_first),
        TEST(a_unit_of_the_board_that_nobody_else_names_is_refused),
        TEST(tables_that_cannot_be_read_are_refused_by_name),
        TEST(tables_that_the_image_has_no_reader_for_are_refused),
        TEST(a_tree_that_names_nothing_to_read_tables_through_is_refused),
        TEST(tables_whose_reader_cannot_be_mapped_are_refused),
    };

    return RUN_GROUP("boot, ACPI");
}
