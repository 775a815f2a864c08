/* SPDX-License-Identifier: Apache-2.0 */
/* Masters that firmware drives (kernel/firmware.c), as a device tree names them (drivers/topology/fdt_firmware.c). */
#include <stdio.h>
#include <string.h>

#include "boot_bench.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"
#include "kernel/device.h"
#include "kernel/firmware.h"
#include "machine.h"
#include "tests/observer/observer.h"

#define MASTER CLOCK_NAME
#define OTHER "/virtio_mmio@a000000"
#define UNIT_PHANDLE 0x8000u
#define MASTER_PHANDLE 0x9000u
#define OTHER_PHANDLE 0x9001u
#define REGION_PHANDLE(number) (0x9100u + (number))
#define STREAM 0xF003u
#define SECOND_STREAM 0xF001u
#define MEMORY "/reserved-memory"
#define FIRST UINT64_C(0x47000000)
#define FIRST_SIZE 0x3000u
#define SECOND UINT64_C(0x48001000)
#define SECOND_SIZE 0x1000u

static char regions[TOPOLOGY_FIRMWARE + 1][64]; /* their paths */

/* A child of /reserved-memory. */
static void add_region(void *tree, unsigned int number, uint64_t base, uint32_t size)
{
    char name[32];

    snprintf(name, sizeof(name), "firmware@%llx", (unsigned long long)base);
    snprintf(regions[number], sizeof(regions[number]), MEMORY "/%s", name);
    edit_add(tree, MEMORY, name);
    EDIT_CELLS(tree, regions[number], "reg", (uint32_t)(base >> 32), (uint32_t)base, 0, size);
    EDIT_CELLS(tree, regions[number], "phandle", REGION_PHANDLE(number));
}

static void begin(void *tree)
{
    edit_add(tree, "/", "reserved-memory");
    EDIT_CELLS(tree, MEMORY, "#address-cells", 2);
    EDIT_CELLS(tree, MEMORY, "#size-cells", 2);
    edit_flag(tree, MEMORY, "ranges");
    EDIT_CELLS(tree, MASTER, "phandle", MASTER_PHANDLE);
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, STREAM, UNIT_PHANDLE, SECOND_STREAM);
}

/* The master has two stretches of memory. */
static void two_regions(void *tree)
{
    begin(tree);
    add_region(tree, 0, FIRST, FIRST_SIZE);
    add_region(tree, 1, SECOND, SECOND_SIZE);
    EDIT_CELLS(tree, MASTER, "memory-region", REGION_PHANDLE(0), REGION_PHANDLE(1));
}

static void one_region(void *tree)
{
    begin(tree);
    add_region(tree, 0, FIRST, FIRST_SIZE);
    EDIT_CELLS(tree, MASTER, "memory-region", REGION_PHANDLE(0));
}

static void start(void (*edit)(void *tree))
{
    machine_plain();
    machine.tree.edit = edit;
    for (unsigned int s = 0; s < 2; s++) {
        uint32_t stream = s == 0 ? STREAM : SECOND_STREAM;

        machine.firmware[machine.firmware_count++] = (struct machine_firmware){ 0, stream, FIRST,
                                                                                FIRST_SIZE };
        machine.firmware[machine.firmware_count++] = (struct machine_firmware){ 0, stream, SECOND,
                                                                                SECOND_SIZE };
    }
    observer_start();
    machine_boot();
}

static bool lands(uint32_t stream, uint64_t address, bool write)
{
    uint64_t value = 0x1122334455667788;
    struct smmuv3_model_result result = smmuv3_model_dma(machine.unit[0], stream, address, &value,
                                                         sizeof(value), write);

    machine_interrupts();
    return result.outcome == SMMUV3_MODEL_OK;
}

static void expect_exactly(uint32_t stream, uint64_t base, uint64_t size)
{
    for (unsigned int write = 0; write < 2; write++) {
        assert_true(lands(stream, base, write != 0));
        assert_true(lands(stream, base + size - 8, write != 0));
        assert_false(lands(stream, base - 8, write != 0));
        assert_false(lands(stream, base - PAGE_SIZE, write != 0));
        assert_false(lands(stream, base + size, write != 0));
        assert_false(lands(stream, base + size + PAGE_SIZE, write != 0));
    }
}

/* ---- What is open ------------------------------------------------------------------------------------------ */

static void row_1_14_i1_a_master_of_firmware_reaches_its_memory_and_not_a_page_beside(void)
{
    uint64_t *memory = memory_pointer(FIRST + 0x1000);

    start(two_regions);
    for (unsigned int s = 0; s < 2; s++) {
        expect_exactly(s == 0 ? STREAM : SECOND_STREAM, FIRST, FIRST_SIZE);
        expect_exactly(s == 0 ? STREAM : SECOND_STREAM, SECOND, SECOND_SIZE);
    }
    *memory = 0;
    assert_true(lands(STREAM, FIRST + 0x1000, true));
    assert_int_equal(*memory, 0x1122334455667788);
    assert_console(
        "/smmuv3@9050000: 1 streams from 0xf003 on reach the memory that firmware keeps");
    assert_units_clean();
}

static void without_memory_of_its_own_a_master_reaches_nothing(void)
{
    start(begin);
    assert_false(lands(STREAM, FIRST, true));
    assert_null(device_find(MASTER)->refusal);
}

static void row_3_21_a_master_of_firmware_is_nobodys(void)
{
    machine_plain();
    machine.tree.edit = one_region;
    machine.partition[0].block[0] = MASTER;
    machine.partition[0].masters = true;
    expect_boot_refused(MASTER " cannot be assigned: it reaches memory that firmware keeps for it");
}

static void i3_memory_of_firmware_is_no_partition_s(void)
{
    machine_plain();
    machine.tree.edit = one_region;
    machine.partition[0].physical = FIRST & ~UINT64_C(0x1FFFFF);
    expect_boot_refused("set.dts:/partitions/one: physical-address: [0x47000000, +0x400000) is not "
                        "free memory of this machine");
}

/* ---- What the tree says ------------------------------------------------------------------------------------ */

static void expect_regions(void (*edit)(void *tree), uint32_t count)
{
    expect_accepted(edit);
    assert_int_equal(fdt_found.firmware_count, 2 * count); /* of two streams */
    assert_null(fdt_bench_block(MASTER)->streams_refusal);
}

static void a_pool(void *tree)
{
    two_regions(tree);
    edit_text(tree, regions[0], "compatible", "shared-dma-pool");
}

static void a_region_that_is_off(void *tree)
{
    two_regions(tree);
    edit_text(tree, regions[1], "status", "disabled");
}

static void a_region_that_is_on(void *tree)
{
    two_regions(tree);
    edit_text(tree, regions[1], "status", "okay");
}

static void a_region_to_be_placed(void *tree)
{
    two_regions(tree);
    edit_remove(tree, regions[1], "reg");
}

static void itself(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "iommu-addresses", MASTER_PHANDLE, 0, (uint32_t)FIRST, 0,
               FIRST_SIZE);
}

static void others_only(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "iommu-addresses", OTHER_PHANDLE, 0, 0x1000, 0, FIRST_SIZE);
}

static void others_and_itself(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "iommu-addresses", OTHER_PHANDLE, 0, 0x1000, 0, FIRST_SIZE,
               MASTER_PHANDLE, 0, (uint32_t)FIRST, 0, FIRST_SIZE);
}

static void memory_of_firmware_is_what_memory_region_names_and_is_placed_and_no_pool(void)
{
    expect_regions(begin, 0);
    expect_regions(two_regions, 2);
    assert_int_equal(fdt_found.firmware[0].stream, STREAM);
    assert_int_equal(fdt_found.firmware[0].count, 1);
    assert_int_equal(fdt_found.firmware[1].stream, SECOND_STREAM);
    assert_int_equal(fdt_found.firmware[3].memory.base, SECOND);
    assert_int_equal(fdt_found.firmware[3].memory.size, SECOND_SIZE);
    expect_regions(a_pool, 1);
    assert_int_equal(fdt_found.firmware[0].memory.base, SECOND);
    expect_regions(a_region_that_is_off, 1);
    expect_regions(a_region_that_is_on, 2);
    expect_regions(a_region_to_be_placed, 1);
}

static void iommu_addresses_say_for_whom_a_region_is(void)
{
    expect_regions(itself, 1);
    expect_regions(others_and_itself, 1);
    expect_regions(others_only, 0);
}

static void at_another_address(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "iommu-addresses", MASTER_PHANDLE, 0, 0x1000, 0, FIRST_SIZE,
               MASTER_PHANDLE, 0, (uint32_t)FIRST, 0, FIRST_SIZE);
}

static void of_another_size(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "iommu-addresses", MASTER_PHANDLE, 0, (uint32_t)FIRST, 0,
               FIRST_SIZE + 0x1000);
}

static void in_two_pieces(void *tree)
{
    itself(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0, (uint32_t)FIRST, 0, FIRST_SIZE, 0, (uint32_t)SECOND, 0,
               SECOND_SIZE);
}

static void to_nothing(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, MASTER, "memory-region", REGION_PHANDLE(0), 0x7777);
}

static void too_many(void *tree)
{
    uint32_t handles[TOPOLOGY_FIRMWARE / 2 + 1];

    begin(tree);
    for (uint32_t i = 0; i < ARRAY_LENGTH(handles); i++) {
        add_region(tree, i, FIRST + i * UINT64_C(0x10000), 0x1000);
        handles[i] = REGION_PHANDLE(i);
    }
    edit_cell_array(tree, MASTER, "memory-region", handles, ARRAY_LENGTH(handles));
}

static void expect_blocked(void (*edit)(void *tree), const char *reason)
{
    expect_accepted(edit);
    assert_int_equal(fdt_found.firmware_count, 0);
    assert_non_null(fdt_bench_block(MASTER)->streams_refusal);
    assert_non_null(strstr(fdt_bench_block(MASTER)->streams_refusal, reason));
}

static void a_master_whose_memory_cannot_be_opened_as_it_is_stays_blocked(void)
{
    expect_blocked(at_another_address, "at other addresses than its own: not supported");
    expect_blocked(of_another_size, "at other addresses than its own: not supported");
    expect_blocked(in_two_pieces, "at other addresses than its own: not supported");
    expect_blocked(to_nothing, "has a memory-region that is not in the tree");
    expect_blocked(too_many, "has more memory of firmware's than the hypervisor keeps");
    start(to_nothing);
    assert_console(MASTER " has a memory-region that is not in the tree: it stays blocked");
    assert_false(lands(STREAM, FIRST, true));
}

/* ---- What cannot be opened ---------------------------------------------------------------------------------- */

static void expect_closed(void (*edit)(void *tree), const char *reason)
{
    char line[160];

    machine_plain();
    machine.tree.edit = edit;
    observer_start();
    machine_boot();
    snprintf(line, sizeof(line),
             "1 streams from 0xf003 on stay blocked: memory that firmware keeps for them %s\n",
             reason);
    assert_console(line);
    assert_false(lands(STREAM, FIRST, true));
    assert_non_null(device_find(MASTER)->refusal);
}

static void a_part_of_a_page(void *tree)
{
    two_regions(tree);
    EDIT_CELLS(tree, regions[1], "reg", 0, (uint32_t)SECOND, 0, 0x800);
}

static void in_the_middle_of_a_page(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0, (uint32_t)FIRST + 0x800, 0, 0x1000);
}

static void no_memory(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0, (uint32_t)FIRST, 0, 0);
}

static void a_window_is_no_wider_than_whole_pages_that_were_declared(void)
{
    expect_closed(a_part_of_a_page, "is not whole pages");
}

static void a_window_begins_at_a_page(void)
{
    expect_closed(in_the_middle_of_a_page, "is not whole pages");
}

static void a_window_of_nothing_is_none(void)
{
    expect_closed(no_memory, "is not whole pages");
}

static void over_the_bundle(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0, (uint32_t)INITRD_ADDRESS, 0, 0x1000);
}

static void i14_no_window_lies_over_what_the_hypervisor_reads(void)
{
    expect_closed(over_the_bundle, "lies over the hypervisor");
}

static void over_the_unit(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0, (uint32_t)UNIT_BASE, 0, 0x1000);
}

static void i3_no_window_lies_over_registers(void)
{
    expect_closed(over_the_unit, "lies over registers");
}

static void out_of_reach(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, regions[0], "reg", 0x10000, 0, 0, 0x1000);
}

static void a_window_lies_within_what_the_unit_reaches(void)
{
    expect_closed(out_of_reach, "lies beyond what its IOMMU reaches");
}

static void one_over_the_other(void *tree)
{
    two_regions(tree);
    EDIT_CELLS(tree, regions[1], "reg", 0, (uint32_t)FIRST + 0x2000, 0, 0x2000);
}

static void windows_that_overlap_are_none(void)
{
    expect_closed(one_over_the_other, "is there twice, or needs more tables than there are");
}

/* From one stretch of 512 GiB into the next: three tables on either side, and the root. */
static void over_a_border(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE, STREAM);
    EDIT_CELLS(tree, regions[0], "reg", 0x1FF, 0xFFFFF000, 0, 0x2000);
}

static void windows_that_need_too_many_tables_are_none(void)
{
    expect_closed(over_a_border, "is there twice, or needs more tables than there are");
}

/* As after the boot, when nothing is handed out any more. */
static void without_memory_for_tables_streams_stay_blocked(void)
{
    static struct topology topology = { .iommu_count = 1, .firmware_count = 1 };

    topology.firmware[0] = (struct topology_firmware){ 0, STREAM, 1, { FIRST, 0x1000 } };
    machine_plain();
    machine_boot();
    firmware_start(&topology, (struct topology_range){ 0, 0 });
    assert_console(
        "1 streams from 0xf003 on stay blocked: memory that firmware keeps for them needs "
        "more tables than there are");
    assert_false(lands(STREAM, FIRST, true));
}

static void late_unit(void *tree)
{
    one_region(tree);
    EDIT_CELLS(tree, MASTER, "iommus", UNIT_PHANDLE + 1, STREAM);
}

static void a_window_behind_a_unit_that_was_closed_late_is_none(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_plain();
    machine_add_unit(&parameters);
    machine.tree.units = 2;
    machine.tree.edit = late_unit;
    machine_boot();
    assert_console("/smmuv3@9150000: 1 streams from 0xf003 on stay blocked: memory that firmware "
                   "keeps for them stands behind an IOMMU that is not usable");
}

/* From SMMUEN on. */
static void stop_answering(unsigned int unit, uint64_t offset, uint64_t value)
{
    if (offset == 0x20 && (value & 1) != 0)
        smmuv3_model_set_late(machine.unit[unit], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
}

static void a_window_behind_a_unit_that_fails_is_none(void)
{
    machine_plain();
    machine.tree.edit = one_region;
    machine.after_register_write = stop_answering;
    expect_boot_refused("has a stream that could not be opened");
}

int run_firmware_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_1_14_i1_a_master_of_firmware_reaches_its_memory_and_not_a_page_beside),
        TEST(without_memory_of_its_own_a_master_reaches_nothing),
        TEST(row_3_21_a_master_of_firmware_is_nobodys),
        TEST(i3_memory_of_firmware_is_no_partition_s),
        TEST(memory_of_firmware_is_what_memory_region_names_and_is_placed_and_no_pool),
        TEST(iommu_addresses_say_for_whom_a_region_is),
        TEST(a_master_whose_memory_cannot_be_opened_as_it_is_stays_blocked),
        TEST(a_window_is_no_wider_than_whole_pages_that_were_declared),
        TEST(a_window_begins_at_a_page),
        TEST(a_window_of_nothing_is_none),
        TEST(i14_no_window_lies_over_what_the_hypervisor_reads),
        TEST(i3_no_window_lies_over_registers),
        TEST(a_window_lies_within_what_the_unit_reaches),
        TEST(windows_that_overlap_are_none),
        TEST(windows_that_need_too_many_tables_are_none),
        TEST(without_memory_for_tables_streams_stay_blocked),
        TEST(a_window_behind_a_unit_that_was_closed_late_is_none),
        TEST(a_window_behind_a_unit_that_fails_is_none),
    };

    return RUN_GROUP("firmware's masters");
}
