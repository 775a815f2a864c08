/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that are whole but say something wrong or rare, one statement at a time: what the reader of
 * device trees (drivers/topology/fdt.c) answers, and that it names the node. */
#include <string.h>

#include "drivers/topology/fdt.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define CLOCK "/pl031@9010000"

/* ---- The header ---------------------------------------------------------------------------------- */

static void what_is_no_tree_has_no_extent(void)
{
    assert_true(fdt_bench_read(NULL));
    assert_true(fdt_extent(fdt_blob) > sizeof(struct fdt_header));
    assert_true(fdt_extent(fdt_blob) <= fdt_totalsize(fdt_blob));
    fdt_blob[0] ^= 1;
    assert_int_equal(fdt_extent(fdt_blob), 0);
}

static void a_tree_of_a_version_before_17_is_refused(void)
{
    assert_true(fdt_bench_read(NULL));
    fdt_set_version(fdt_blob, 16);
    assert_false(fdt_take(fdt_blob, fdt_copy, sizeof(fdt_copy), &fdt_error));
    assert_string_equal(fdt_error.text, "the device tree's header is corrupt");
}

static void a_tree_whose_structure_is_corrupt_is_refused(void)
{
    assert_true(fdt_bench_read(NULL));
    fdt_blob[fdt_off_dt_struct(fdt_blob)] = 0xFF;
    assert_false(fdt_take(fdt_blob, fdt_copy, sizeof(fdt_copy), &fdt_error));
    assert_string_equal(fdt_error.text, "the device tree is corrupt");
}

/* ---- Memory and CPUs ----------------------------------------------------------------------------- */

static void wrap_memory(void *tree)
{
    EDIT_CELLS(tree, "/memory@40000000", "reg", 0xFFFFFFFF, 0xFFFFF000, 0, 0x2000);
}

static void empty_memory(void *tree)
{
    EDIT_CELLS(tree, "/memory@40000000", "reg", 0, 0x40000000, 0, 0, 0, 0x48000000, 0, 0x1000);
}

static void reserve(void *tree)
{
    edit_add(tree, "/", "reserved-memory");
    EDIT_CELLS(tree, "/reserved-memory", "#address-cells", 2);
    EDIT_CELLS(tree, "/reserved-memory", "#size-cells", 2);
    edit_add(tree, "/reserved-memory", "firmware@45000000");
    EDIT_CELLS(tree, "/reserved-memory/firmware@45000000", "reg", 0, 0x45000000, 0, 0x3000);
}

static void memory_that_wraps_around_is_refused_and_empty_memory_is_none(void)
{
    expect_refused(wrap_memory, "/memory@40000000", "reg wraps around");
    expect_accepted(empty_memory);
    assert_int_equal(fdt_found.memory_count, 1);
    assert_int_equal(fdt_found.memory[0].base, 0x48000000);
}

static void reserved_memory_is_reserved(void)
{
    expect_accepted(reserve);
    assert_int_equal(fdt_found.reserved_count, 2); /* and the reservation block's one */
    assert_int_equal(fdt_found.reserved[0].base, 0x45000000);
    assert_int_equal(fdt_found.reserved[0].size, 0x3000);
}

static void sixteen_reservations(void *tree)
{
    for (unsigned int i = 0; i < TOPOLOGY_RANGES; i++)
        assert_int_equal(fdt_add_mem_rsv(tree, 0x41000000 + i * UINT64_C(0x10000), 0x1000), 0);
}

static void more_reservations_than_are_kept_are_refused_never_cut(void)
{
    expect_refused(sixteen_reservations, "", "more memory ranges than the hypervisor keeps");
}

static void headless_cpu(void *tree)
{
    edit_remove(tree, "/cpus/cpu@0", "reg");
}

static void short_cpu(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 2);
}

static void wide_cpu(void *tree)
{
    EDIT_CELLS(tree, "/cpus", "#address-cells", 3);
}

static void disabled_cpu(void *tree)
{
    edit_text(tree, "/cpus/cpu@0", "status", "disabled");
}

static void okay_cpu(void *tree)
{
    edit_text(tree, "/cpus/cpu@0", "status", "okay");
}

static void a_cpu_without_a_whole_reg_is_refused_and_a_disabled_one_is_none(void)
{
    expect_refused(headless_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_refused(short_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_refused(wide_cpu, "/cpus/cpu@0", "a cpu node without reg");
    expect_accepted(disabled_cpu);
    assert_int_equal(fdt_found.cpu_count, 1);
    assert_int_equal(fdt_found.cpu[0].affinity, 1);
    expect_accepted(okay_cpu);
    assert_int_equal(fdt_found.cpu_count, 2);
}

static void old_psci(void *tree)
{
    edit_text(tree, "/psci", "compatible", "arm,psci-0.2");
    edit_text(tree, "/psci", "method", "hvc");
}

static void no_method(void *tree)
{
    edit_remove(tree, "/psci", "method");
}

static void psci_0_2_is_psci_and_its_conduit_is_read(void)
{
    expect_accepted(old_psci);
    assert_true(fdt_found.psci);
    assert_false(fdt_found.psci_smc);
    expect_accepted(no_method);
    assert_true(fdt_found.psci);
    assert_false(fdt_found.psci_smc);
}

/* ---- Blocks ----------------------------------------------------------------------------------------- */

static void master(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 5);
}

static void doorbell(void *tree)
{
    edit_flag(tree, CLOCK, "msi-controller");
}

static void disabled(void *tree)
{
    edit_text(tree, CLOCK, "status", "disabled");
}

static void headless(void *tree)
{
    edit_remove(tree, CLOCK, "reg");
}

static void incompatible(void *tree)
{
    edit_remove(tree, CLOCK, "compatible");
}

static void narrow(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "reg", 0, 0x09010000, 0);
}

static void a_block_says_whether_it_masters_or_serves_others(void)
{
    expect_accepted(NULL);
    assert_false(fdt_bench_block(CLOCK)->masters || fdt_bench_block(CLOCK)->infrastructure);
    expect_accepted(master);
    assert_true(fdt_bench_block(CLOCK)->masters);
    expect_accepted(doorbell);
    assert_true(fdt_bench_block(CLOCK)->infrastructure);
}

static void second_unit(void *tree)
{
    edit_add(tree, "/", "smmuv3@9100000");
    edit_text(tree, "/smmuv3@9100000", "compatible", "arm,smmu-v3");
    EDIT_CELLS(tree, "/smmuv3@9100000", "reg", 0, 0x09100000, 0, 0x20000);
    EDIT_CELLS(tree, "/smmuv3@9100000", "phandle", 0x9000);
}

static void master_of_three(void *tree)
{
    second_unit(tree);
    EDIT_CELLS(tree, CLOCK, "iommus", 0x9000, 0x12345, 0x9000, 7, 0x9000, 0x12345, 0x9000, 9);
}

static void master_of_eight(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000, 2, 0x8000, 3, 0x8000, 4, 0x8000, 5, 0x8000,
               6, 0x8000, 7, 0x8000, 8);
}

static void master_of_nine(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000, 2, 0x8000, 3, 0x8000, 4, 0x8000, 5, 0x8000,
               6, 0x8000, 7, 0x8000, 8, 0x8000, 9);
}

static void master_of_two_units(void *tree)
{
    second_unit(tree);
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x9000, 1);
}

static void master_of_no_unit(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x7777, 1);
}

static void master_without_ids(void *tree)
{
    edit_flag(tree, CLOCK, "iommus");
}

static void master_cut_off(void *tree)
{
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000);
}

static void a_master_has_the_stream_ids_that_it_names_each_once(void)
{
    expect_accepted(master_of_three);
    const struct topology_block *block = fdt_bench_block(CLOCK);

    assert_null(block->streams_refusal);
    assert_string_equal(fdt_found.iommu[block->iommu].name, "/smmuv3@9100000");
    assert_int_equal(block->stream_count, 3);
    assert_int_equal(block->stream[0], 0x12345);
    assert_int_equal(block->stream[1], 7);
    assert_int_equal(block->stream[2], 9);
    assert_int_equal(topology_stream_count(&fdt_found, block->iommu), 0x12346);
    expect_accepted(master_of_eight);
    assert_null(fdt_bench_block(CLOCK)->streams_refusal);
    assert_int_equal(fdt_bench_block(CLOCK)->stream_count, TOPOLOGY_STREAMS);
}

static void master_of_the_first(void *tree)
{
    second_unit(tree);
    EDIT_CELLS(tree, CLOCK, "iommus", 0x8000, 1, 0x8000, 2);
}

static void a_master_stands_behind_the_unit_that_it_names_whichever_that_is(void)
{
    const struct topology_block *block;
    uint32_t other;

    expect_accepted(master_of_three);
    other = fdt_bench_block(CLOCK)->iommu;
    expect_accepted(master_of_the_first);
    block = fdt_bench_block(CLOCK);
    assert_null(block->streams_refusal);
    assert_int_equal(block->iommu, 1 - other);
    assert_int_equal(block->stream_count, 2);
}

static void a_master_whose_stream_ids_cannot_be_used_says_why(void)
{
    static const struct {
        void (*edit)(void *);
        const char *text;
    } rows[] = {
        { master_of_nine, "has more stream ids than the hypervisor keeps" },
        { master_of_two_units, "masters behind several IOMMUs" },
        { master_of_no_unit, "masters behind an IOMMU that is not in the tree" },
        { master_without_ids, "has iommus that are no pairs of an IOMMU and a stream id" },
        { master_cut_off, "has iommus that are no pairs of an IOMMU and a stream id" },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++) {
        expect_accepted(rows[i].edit);
        assert_true(fdt_bench_block(CLOCK)->masters);
        assert_non_null(fdt_bench_block(CLOCK)->streams_refusal);
        assert_string_equal(fdt_bench_block(CLOCK)->streams_refusal, rows[i].text);
    }
}

static void what_is_disabled_or_has_no_registers_is_no_block(void)
{
    static void (*const edits[])(void *) = { disabled, headless, incompatible, narrow };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        expect_accepted(edits[i]);
        assert_null(fdt_bench_block(CLOCK));
    }
}

/* ---- /chosen ------------------------------------------------------------------------------------------ */

static void no_chosen(void *tree)
{
    assert_int_equal(fdt_del_node(tree, edit_node(tree, "/chosen")), 0);
}

static void short_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-start", 0x4E000000);
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0x4E002000);
}

static void odd_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-start", 0, 0x4E000000, 0);
}

static void endless_initrd(void *tree)
{
    edit_remove(tree, "/chosen", "linux,initrd-end");
}

static void odd_end(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0, 0x4E002000, 0);
}

static void backward_initrd(void *tree)
{
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0, 0x4E000000);
}

static void the_initrd_lies_between_start_and_end_in_one_cell_or_two(void)
{
    expect_accepted(no_chosen);
    assert_int_equal(fdt_found.initrd.size, 0);
    assert_int_equal(fdt_found.serial.size, 0);
    expect_accepted(short_initrd);
    assert_int_equal(fdt_found.initrd.base, 0x4E000000);
    assert_int_equal(fdt_found.initrd.size, 0x2000);
    expect_accepted(odd_initrd);
    assert_int_equal(fdt_found.initrd.size, 0);
    expect_refused(endless_initrd, "/chosen", "linux,initrd-end is missing");
    expect_refused(odd_end, "/chosen", "linux,initrd-end is missing");
    expect_refused(backward_initrd, "/chosen", "linux,initrd-end is missing");
}

static void path_with_speed(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/pl011@9000000:115200n8");
}

static void path_to_nothing(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/pl011@1");
}

static void no_path(void *tree)
{
    edit_remove(tree, "/chosen", "stdout-path");
}

static void empty_path(void *tree)
{
    edit_flag(tree, "/chosen", "stdout-path");
}

static void path_without_registers(void *tree)
{
    edit_text(tree, "/chosen", "stdout-path", "/psci");
}

static void the_console_is_what_stdout_path_names(void)
{
    static void (*const edits[])(void *) = { path_to_nothing, no_path, empty_path,
                                             path_without_registers };

    expect_accepted(path_with_speed);
    assert_int_equal(fdt_found.serial.base, SERIAL_BASE);
    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        expect_accepted(edits[i]);
        assert_int_equal(fdt_found.serial.size, 0);
        assert_int_equal(fdt_found.serial_interrupt, INTERRUPT_NONE);
    }
}

static void empty_status(void *tree)
{
    edit_flag(tree, CLOCK, "status");
}

static void an_empty_status_disables_nothing(void)
{
    expect_accepted(empty_status);
    assert_non_null(fdt_bench_block(CLOCK));
}

int run_fdt_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_tree_has_no_extent),
        TEST(a_tree_of_a_version_before_17_is_refused),
        TEST(a_tree_whose_structure_is_corrupt_is_refused),
        TEST(memory_that_wraps_around_is_refused_and_empty_memory_is_none),
        TEST(reserved_memory_is_reserved),
        TEST(more_reservations_than_are_kept_are_refused_never_cut),
        TEST(a_cpu_without_a_whole_reg_is_refused_and_a_disabled_one_is_none),
        TEST(psci_0_2_is_psci_and_its_conduit_is_read),
        TEST(a_block_says_whether_it_masters_or_serves_others),
        TEST(a_master_has_the_stream_ids_that_it_names_each_once),
        TEST(a_master_stands_behind_the_unit_that_it_names_whichever_that_is),
        TEST(a_master_whose_stream_ids_cannot_be_used_says_why),
        TEST(what_is_disabled_or_has_no_registers_is_no_block),
        TEST(the_initrd_lies_between_start_and_end_in_one_cell_or_two),
        TEST(the_console_is_what_stdout_path_names),
        TEST(an_empty_status_disables_nothing),
    };

    return RUN_GROUP("topology/fdt, faults");
}
