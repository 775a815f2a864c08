/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of ACPI tables (drivers/topology/acpi.c): what it reads, what it refuses, and that nothing in the
 * tables can hurt. */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi_bench.h"
#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define CORRUPTIONS 20000
#define HOST "/pcie@3f000000"
#define GIC "/intc@8000000"

/* ---- A machine that is right ---------------------------------------------------------------------------- */

static void the_tables_of_a_machine_are_read_right(void)
{
    uint32_t stream;

    expect_acpi_accepted(NULL, NULL);
    assert_int_equal(acpi_found.cpu_count, 4);
    assert_int_equal(acpi_found.cpu[3].affinity, 3);
    assert_true(acpi_found.psci && acpi_found.psci_smc && acpi_found.gicv3);
    assert_int_equal(acpi_found.gic_range_count, 2);
    assert_int_equal(acpi_found.gic_range[0].base, 0x08000000);
    assert_int_equal(acpi_found.gic_range[0].size, 0x10000);
    assert_int_equal(acpi_found.gic_range[1].base, 0x080A0000);
    assert_int_equal(acpi_found.gic_range[1].size, 0xF60000);
    assert_int_equal(acpi_found.gic_redistributors, 1);
    assert_int_equal(acpi_found.serial.base, SERIAL_BASE);
    assert_string_equal(acpi_found.serial_compatible, "arm,pl011");
    assert_int_equal(acpi_found.serial_interrupt, SERIAL_INTERRUPT);
    assert_int_equal(acpi_found.host_count, 1);
    assert_int_equal(acpi_found.host[0].ecam.base, ECAM_BASE);
    assert_int_equal(acpi_found.host[0].ecam.size, ECAM_BUSES << 20);
    assert_int_equal(acpi_found.host[0].bus_last, ECAM_BUSES - 1);
    assert_int_equal(acpi_found.iommu_count, 2);
    assert_int_equal(acpi_found.iommu[1].registers.base, UNIT_BASE + UNIT_STRIDE);
    assert_int_equal(acpi_found.iommu[1].event_interrupt, UNIT_EVENT_INTERRUPT(1));
    assert_int_equal(acpi_found.iommu[1].error_interrupt, UNIT_ERROR_INTERRUPT(1));
    assert_true(acpi_found.iommu[1].coherent);
    assert_int_equal(topology_stream(&acpi_found.host[0], 0x7FF, &stream), 0);
    assert_int_equal(stream, 0x7FF);
    assert_int_equal(topology_stream(&acpi_found.host[0], 0x801, &stream), 1);
    assert_int_equal(stream, 0x1801);
    assert_int_equal(topology_stream(&acpi_found.host[0], 0xF00, &stream), IOMMU_NONE);
    assert_true(topology_line_taken(&acpi_found, UNIT_EVENT_INTERRUPT(0) + 2));
}

/* What ACPI has as well. */
static void add_its(void *tree)
{
    edit_its(tree, ACPI_ITS_BASE, 0x8200);
    EDIT_CELLS(tree, HOST, "msi-map", 0, 0x8200, 0, 0x800, 0x800, 0x8200, 0x1800, 0x700, 0xF00,
               0x8200, 0xF00, 0x100);
}

/* Leaves what ACPI says in AML alone or not at all, and has the rest wrong. */
static void cut_down(void *tree)
{
    char name[64];

    for (unsigned int i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "/smmuv3@%llx",
                 (unsigned long long)(UNIT_BASE + i * UNIT_STRIDE));
        assert_int_equal(fdt_del_node(tree, edit_node(tree, name)), 0);
    }
    edit_remove(tree, HOST, "iommu-map");
    edit_remove(tree, "/chosen", "stdout-path");
    edit_remove(tree, "/pl011@9000000", "interrupts");
    edit_text(tree, "/psci", "method", "hvc");
    edit_its(tree, ACPI_ITS_BASE, 0x8200);
    EDIT_CELLS(tree, HOST, "msi-map", 0, 0x8200, 0x8000, 0x1000);
    EDIT_CELLS(tree, GIC, "reg", 0, 0x18000000, 0, 0x10000, 0, 0x180A0000, 0, 0x20000, 0,
               0x180C0000, 0, 0x20000);
    EDIT_CELLS(tree, GIC, "redistributor-stride", 0x40000);
    EDIT_CELLS(tree, "/cpus/cpu@0", "reg", 77);
}

static void read_tree_of_the_machine(void (*edit)(void *tree))
{
    struct tree_options options = machine_tree_plain();

    machine_reset();
    options.edit = edit;
    options.cpus = 4;
    options.units = 2;
    options.initrd_size = 0x1000;
    machine.id_map_count = 2;
    machine.id_map[0] = (struct machine_id_map){ 0, 0x800, 0, 0 };
    machine.id_map[1] = (struct machine_id_map){ 0x800, 0x700, 1, 0x1800 };
    machine_tree(fdt_blob, sizeof(fdt_blob), &options);
    if (!fdt_bench_take())
        fail_msg("the tree is refused: %s: %s", fdt_error.node, fdt_error.text);
}

static void row_1_19_the_same_machine_gives_the_same_dump_by_tree_and_by_acpi(void)
{
    static char tree[DUMP_SIZE], tables[DUMP_SIZE];

    read_tree_of_the_machine(add_its);
    topology_dump(&fdt_found, tree);
    read_tree_of_the_machine(cut_down);
    acpi_start = fdt_found;
    expect_acpi_accepted(NULL, NULL);
    topology_dump(&acpi_found, tables);
    if (strcmp(tree, tables) != 0)
        fail_msg("by the tree:\n%s\nby ACPI:\n%s", tree, tables);
    assert_non_null(strstr(tables, "stream 0x1800"));
    assert_non_null(strstr(tables, "initrd 0x4e000000"));
}

/* The tree's word that nothing stands before a host is nothing where the IORT has a unit for it; and the other way round. */
static void the_iort_says_which_hosts_nothing_stands_before(void)
{
    struct acpi_options options = acpi_plain();
    struct topology_master *note;

    read_tree_of_the_machine(cut_down);
    assert_int_equal(fdt_found.unprotected_count, 1);
    assert_string_equal(fdt_found.unprotected[0].name, HOST);
    acpi_start = fdt_found;
    note = &acpi_start.unprotected[acpi_start.unprotected_count++];
    *note = (struct topology_master){ .name = "/dma@1", .compatible = "test,dma", .count = 3 };
    expect_acpi_accepted(NULL, NULL);
    assert_int_equal(acpi_found.unprotected_count, 1);
    assert_string_equal(acpi_found.unprotected[0].name, "/dma@1");

    options.map_count = 0;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.unprotected_count, 2);
    assert_string_equal(acpi_found.unprotected[1].name, HOST);
    assert_string_equal(acpi_found.unprotected[1].compatible, "a PCI host");

    while (acpi_start.unprotected_count < TOPOLOGY_MASTERS)
        acpi_start.unprotected[acpi_start.unprotected_count++] = *note;
    acpi_start.unprotected[0] = *note;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.unprotected_count, TOPOLOGY_MASTERS);
    assert_int_equal(acpi_found.unprotected_more, 1);
}

static void what_was_found_before_keeps_its_name_and_place(void)
{
    read_tree_of_the_machine(NULL);
    acpi_start = fdt_found;
    expect_acpi_accepted(NULL, NULL);
    assert_int_equal(acpi_found.iommu_count, 2);
    assert_string_equal(acpi_found.iommu[1].name, fdt_found.iommu[1].name);
    assert_int_equal(acpi_found.host_count, 1);
    assert_string_equal(acpi_found.host[0].name, HOST);
    assert_int_equal(acpi_found.host[0].window_count, fdt_found.host[0].window_count);
    assert_int_equal(acpi_found.host[0].pin_count, fdt_found.host[0].pin_count);
}

static void a_unit_that_the_tables_alone_name_comes_behind_those_of_the_tree(void)
{
    struct acpi_options options = acpi_plain();

    options.units = 3;
    read_tree_of_the_machine(NULL);
    acpi_start = fdt_found;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.iommu_count, 3);
    assert_int_equal(acpi_found.iommu[2].registers.base, UNIT_BASE + 2 * UNIT_STRIDE);
    assert_int_equal(acpi_found.iommu[2].registers.size, 0x20000);
    assert_string_equal(acpi_found.iommu[2].name, "IORT/smmuv3@9250000");
    assert_string_equal(acpi_found.iommu[2].compatible, "arm,smmu-v3");
}

/* ---- RSDP ----------------------------------------------------------------------------------------------------- */

static void wrong_signature(void)
{
    acpi_bytes[acpi_at.rsdp] = 'r';
}

static void old_revision(void)
{
    acpi_put(acpi_at.rsdp + 15, 1, 1);
}

static void no_xsdt(void)
{
    acpi_put(acpi_at.rsdp + 24, 8, 0);
}

static void short_rsdp(void)
{
    acpi_put(acpi_at.rsdp + 20, 4, 35);
}

static void long_rsdp(void)
{
    acpi_put(acpi_at.rsdp + 20, 4, 37);
}

static void xsdt_before(void)
{
    acpi_put(acpi_at.rsdp + 24, 8, ACPI_BASE - 1);
}

static void xsdt_behind(void)
{
    acpi_put(acpi_at.rsdp + 24, 8, ACPI_BASE + acpi_at.used - 35);
}

static void xsdt_elsewhere(void)
{
    acpi_put(acpi_at.rsdp + 24, 8, ACPI_BASE + acpi_at.iort);
}

static void a_root_pointer_that_is_wrong_in_any_way_is_refused(void)
{
    expect_acpi_refused(NULL, wrong_signature, "RSDP", "no RSDP where it should be");
    expect_acpi_refused(NULL, old_revision, "RSDP", "without XSDT");
    expect_acpi_refused(NULL, no_xsdt, "RSDP", "without XSDT");
    expect_acpi_refused(NULL, short_rsdp, "RSDP", "a length");
    expect_acpi_refused(NULL, long_rsdp, "RSDP", "a length");
    expect_acpi_refused(NULL, xsdt_before, "XSDT", "outside the memory of the ACPI tables");
    expect_acpi_refused(NULL, xsdt_behind, "XSDT", "outside the memory of the ACPI tables");
    expect_acpi_refused(NULL, xsdt_elsewhere, "XSDT", "not where the one above it says");
}

static void expect_sum_is_checked(uint32_t at, const char *node)
{
    struct acpi_options plain = acpi_plain();

    acpi_build(&plain, ACPI_BASE);
    acpi_bytes[at] ^= 1;
    if (acpi_bench_take())
        fail_msg("the byte 0x%x of the %s has changed, and it is accepted", at, node);
    if (strcmp(acpi_error.node, node) != 0 || strstr(acpi_error.text, "checksum") == NULL)
        fail_msg("refused with \"%s: %s\"", acpi_error.node, acpi_error.text);
}

static void every_table_that_is_read_has_its_sum_checked(void)
{
    struct acpi_options plain = acpi_plain();

    acpi_build(&plain, ACPI_BASE);
    expect_sum_is_checked(acpi_at.rsdp + 10, "RSDP");
    expect_sum_is_checked(acpi_at.rsdp + 33, "RSDP"); /* the second sum alone */
    expect_sum_is_checked(acpi_at.xsdt + 12, "XSDT");
    expect_sum_is_checked(acpi_at.fadt + 200, "FACP");
    expect_sum_is_checked(acpi_at.madt + 36, "APIC");
    expect_sum_is_checked(acpi_at.mcfg + 40, "MCFG");
    expect_sum_is_checked(acpi_at.spcr + 70, "SPCR");
    expect_sum_is_checked(acpi_at.iort + 44, "IORT");
}

/* The first sum of the RSDP, with the second one right. */
static void the_first_sum_of_the_root_pointer_is_checked_by_itself(void)
{
    struct acpi_options plain = acpi_plain();

    acpi_build(&plain, ACPI_BASE);
    acpi_bytes[acpi_at.rsdp + 10]++;
    acpi_bytes[acpi_at.rsdp + 33]--;
    assert_false(acpi_bench_take());
    assert_non_null(strstr(acpi_error.text, "checksum"));
}

/* ---- Tables ------------------------------------------------------------------------------------------------------ */

static void short_table(void)
{
    acpi_put(acpi_at.iort + 4, 4, 35);
}

static void endless_table(void)
{
    acpi_put(acpi_at.iort + 4, 4, acpi_at.used - acpi_at.iort + 1);
}

static void huge_table(void)
{
    acpi_put(acpi_at.iort + 4, 4, 0xFFFFFFFF);
}

static void cut_xsdt(void)
{
    acpi_put(acpi_at.xsdt + 4, 4, acpi_get(acpi_at.xsdt + 4, 4) - 1);
}

static void stray_entry(void)
{
    acpi_put(acpi_at.xsdt + 36 + 8, 8, ACPI_BASE + acpi_at.used);
}

static void second_iort(void)
{
    /* The MCFG becomes an IORT. */
    acpi_put(acpi_at.mcfg, 4, acpi_get(acpi_at.iort, 4));
}

static void same_iort_twice(void)
{
    acpi_put(acpi_at.xsdt + 36 + 2 * 8, 8, ACPI_BASE + acpi_at.iort);
}

static void a_table_that_is_wrong_in_any_way_is_refused(void)
{
    expect_acpi_refused(NULL, short_table, "IORT", "a length that is less than its header");
    expect_acpi_refused(NULL, endless_table, "IORT", "or more than can be read");
    expect_acpi_refused(NULL, huge_table, "IORT", "or more than can be read");
    expect_acpi_refused(NULL, cut_xsdt, "XSDT", "an entry that is cut off");
    expect_acpi_refused(NULL, stray_entry, "XSDT+0x2c", "an entry that lies outside");
    expect_acpi_refused(NULL, second_iort, "IORT", "there twice");
}

static void a_table_may_be_listed_twice(void)
{
    expect_acpi_accepted(NULL, same_iort_twice);
    assert_int_equal(acpi_found.host_count, 0); /* it stands where the MCFG was listed */
    assert_int_equal(acpi_found.iommu_count, 2);
}

static void no_fadt(void)
{
    acpi_bytes[acpi_at.fadt] = 'X';
}

static void no_madt(void)
{
    acpi_bytes[acpi_at.madt] = 'X';
}

static void no_iort(void)
{
    acpi_bytes[acpi_at.iort] = 'X';
}

static void short_fadt(void)
{
    acpi_put(acpi_at.fadt + 4, 4, 130);
}

static void short_madt(void)
{
    acpi_put(acpi_at.madt + 4, 4, 43);
}

static void short_iort(void)
{
    acpi_put(acpi_at.iort + 4, 4, 47);
}

static void tables_that_are_needed_are_there_and_long_enough(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_refused(NULL, no_fadt, "FACP", "needed and not there");
    expect_acpi_refused(NULL, no_madt, "APIC", "needed and not there");
    expect_acpi_refused(NULL, no_iort, "IORT", "needed and not there");
    expect_acpi_refused(NULL, short_fadt, "FACP", "too short");
    expect_acpi_refused(NULL, short_madt, "APIC", "too short");
    expect_acpi_refused(NULL, short_iort, "IORT", "too short");
    options.console = false;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.serial_interrupt, INTERRUPT_NONE);
}

/* ---- FADT, SPCR ------------------------------------------------------------------------------------------------------ */

static void hypervisor_calls(void)
{
    acpi_put(acpi_at.fadt + 129, 2, 3);
}

static void no_psci(void)
{
    acpi_put(acpi_at.fadt + 129, 2, 0);
}

static void psci_is_what_the_fadt_says(void)
{
    expect_acpi_accepted(NULL, hypervisor_calls);
    assert_true(acpi_found.psci && !acpi_found.psci_smc);
    expect_acpi_accepted(NULL, no_psci);
    assert_true(!acpi_found.psci && !acpi_found.psci_smc);
}

static void sbsa_port(void)
{
    acpi_put(acpi_at.spcr + 36, 1, 14);
}

static void other_port(void)
{
    acpi_put(acpi_at.spcr + 36, 1, 0);
}

static void port_in_io_space(void)
{
    acpi_put(acpi_at.spcr + 40, 1, 1);
}

static void port_at_zero(void)
{
    acpi_put(acpi_at.spcr + 44, 8, 0);
}

static void port_at_the_end(void)
{
    acpi_put(acpi_at.spcr + 44, 8, UINT64_MAX - 0xFFE);
}

static void port_without_interrupt(void)
{
    acpi_put(acpi_at.spcr + 52, 1, 0);
}

static void port_of_a_private_interrupt(void)
{
    acpi_put(acpi_at.spcr + 54, 4, 31);
}

static void short_spcr(void)
{
    acpi_put(acpi_at.spcr + 4, 4, 57);
}

static void a_console_is_what_is_understood(void)
{
    expect_acpi_accepted(NULL, sbsa_port);
    assert_string_equal(acpi_found.serial_compatible, "arm,sbsa-uart");
    expect_acpi_accepted(NULL, other_port);
    assert_int_equal(acpi_found.serial.size, 0);
    expect_acpi_accepted(NULL, port_in_io_space);
    assert_int_equal(acpi_found.serial.size, 0);
    expect_acpi_accepted(NULL, short_spcr);
    assert_int_equal(acpi_found.serial.size, 0);
    expect_acpi_refused(NULL, port_at_zero, "SPCR", "a port without an address");
    expect_acpi_refused(NULL, port_at_the_end, "SPCR", "a port without an address");
    expect_acpi_accepted(NULL, port_without_interrupt);
    assert_int_equal(acpi_found.serial_interrupt, INTERRUPT_NONE);
    assert_false(topology_line_taken(&acpi_found, SERIAL_INTERRUPT));
    expect_acpi_accepted(NULL, port_of_a_private_interrupt);
    assert_int_equal(acpi_found.serial_interrupt, INTERRUPT_NONE);
}

/* ---- Any bytes ----------------------------------------------------------------------------------------------------------- */

static void i8_tables_truncated_at_every_byte_are_refused_within_bounds(void)
{
    struct acpi_options options = acpi_plain();

    options.component = "\\_SB.DEV0";
    options.component_map_count = 1;
    options.component_map[0] = (struct acpi_map){ 0, 1, 0x4000, 0, true };
    acpi_build(&options, ACPI_BASE);
    for (uint32_t whole = acpi_at.used; acpi_at.used > 0; acpi_at.used--) {
        /* The RSDP stands last: without it nothing is read. Where it is whole all the rest is. */
        if (acpi_bench_take() != (acpi_at.used == whole))
            fail_msg("%u of %u bytes: %s", acpi_at.used, whole, acpi_error.text);
    }
}

/* Every table cut at every byte, its sum right, with what is behind it out of reach of the sanitiser. */
static void i8_a_table_that_ends_anywhere_is_refused_within_bounds(void)
{
    struct acpi_options options = acpi_plain();

    acpi_build(&options, ACPI_BASE);
    for (unsigned int i = 0; i < acpi_at.table_count; i++) {
        uint64_t whole = acpi_get(acpi_at.table[i] + 4, 4);

        for (uint64_t length = 0; length < whole; length++) {
            acpi_put(acpi_at.table[i] + 4, 4, length);
            acpi_sum();
            acpi_bench_take();
        }
        acpi_put(acpi_at.table[i] + 4, 4, whole);
        acpi_sum();
    }
    assert_true(acpi_bench_take());
}

static void check_found(void)
{
    assert_true(acpi_found.iommu_count <= TOPOLOGY_IOMMUS);
    assert_true(acpi_found.cpu_count <= TOPOLOGY_CPUS);
    assert_true(acpi_found.host_count <= TOPOLOGY_PCI_HOSTS);
    assert_true(acpi_found.gic_range_count <= TOPOLOGY_GIC_RANGES);
    for (uint32_t h = 0; h < acpi_found.host_count; h++) {
        const struct topology_pci_host *host = &acpi_found.host[h];

        assert_true(range_valid(host->ecam.base, host->ecam.size));
        for (uint32_t m = 0; m < host->map_count; m++) {
            assert_true(host->map[m].iommu < acpi_found.iommu_count);
            assert_true(range_inside(host->map[m].first, host->map[m].count, 0, 0x10000));
        }
    }
}

static void i8_twenty_thousand_corrupt_bytes_are_accepted_or_refused_within_bounds(void)
{
    struct acpi_options options = acpi_plain();
    unsigned int accepted = 0;
    uint64_t seed = 0xAC91;

    options.component = "\\_SB.DEV0";
    options.component_map_count = 1;
    options.component_map[0] = (struct acpi_map){ 0, 2, 0x4000, 0, false };
    acpi_build(&options, ACPI_BASE);
    for (unsigned int i = 0; i < CORRUPTIONS; i++) {
        uint32_t at = (uint32_t)(random_next(&seed) % acpi_at.used);
        uint8_t old = acpi_bytes[at];

        acpi_bytes[at] = (uint8_t)random_next(&seed);
        acpi_sum();
        if (acpi_bench_take()) {
            accepted++;
            check_found();
        }
        acpi_bytes[at] = old;
    }
    assert_true(accepted > 0 && accepted < CORRUPTIONS);
}

int run_acpi_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tables_of_a_machine_are_read_right),
        TEST(row_1_19_the_same_machine_gives_the_same_dump_by_tree_and_by_acpi),
        TEST(the_iort_says_which_hosts_nothing_stands_before),
        TEST(what_was_found_before_keeps_its_name_and_place),
        TEST(a_unit_that_the_tables_alone_name_comes_behind_those_of_the_tree),
        TEST(a_root_pointer_that_is_wrong_in_any_way_is_refused),
        TEST(every_table_that_is_read_has_its_sum_checked),
        TEST(the_first_sum_of_the_root_pointer_is_checked_by_itself),
        TEST(a_table_that_is_wrong_in_any_way_is_refused),
        TEST(a_table_may_be_listed_twice),
        TEST(tables_that_are_needed_are_there_and_long_enough),
        TEST(psci_is_what_the_fadt_says),
        TEST(a_console_is_what_is_understood),
        TEST(i8_tables_truncated_at_every_byte_are_refused_within_bounds),
        TEST(i8_a_table_that_ends_anywhere_is_refused_within_bounds),
        TEST(i8_twenty_thousand_corrupt_bytes_are_accepted_or_refused_within_bounds),
    };

    return RUN_GROUP("topology/acpi");
}
