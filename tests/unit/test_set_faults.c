/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of which one property is malformed, missing, too long or said twice (kernel/set.c): the node and
 * the property that the refusal names. */
#include <stdio.h>
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/set.h"
#include "machine.h"

#define ONE "/partitions/one"

static _Alignas(8) uint8_t tree[SET_SIZE_LIMIT];
static struct set set;
static struct set_error error;
static char device_path[128];

static bool read_edited(void (*edit)(void *tree))
{
    machine_plain();
    machine.edit_set = edit;
    memset(&error, 0, sizeof(error));
    return set_read(tree, machine_set(tree, sizeof(tree)), &set, &error);
}

static void expect_refused(void (*edit)(void *tree), const char *node, const char *property,
                           const char *text)
{
    if (read_edited(edit))
        fail_msg("accepted; expected: %s: %s: %s", node, property, text);
    if (strcmp(error.node, node) != 0 || strcmp(error.property, property) != 0 ||
        strstr(error.text, text) == NULL)
        fail_msg("refused with \"%s: %s: %s\", not \"%s: %s: %s\"", error.node, error.property,
                 error.text, node, property, text);
}

/* The path of the only device. */
static const char *device_node(void *edited)
{
    int node = fdt_first_subnode(edited, edit_node(edited, ONE "/devices"));

    assert_true(node >= 0);
    assert_int_equal(fdt_get_path(edited, node, device_path, sizeof(device_path)), 0);
    return device_path;
}

/* ---- The whole -------------------------------------------------------------------------------------- */

static void other_compatible(void *edited)
{
    edit_text(edited, "/", "compatible", "other,set");
}

static void no_partitions(void *edited)
{
    assert_int_equal(fdt_del_node(edited, edit_node(edited, "/partitions")), 0);
}

static void no_devices(void *edited)
{
    assert_int_equal(fdt_del_node(edited, edit_node(edited, ONE "/devices")), 0);
}

static void a_tree_that_is_no_set_is_refused(void)
{
    expect_refused(other_compatible, "/", "compatible", "bulkhead,partition-set");
    expect_refused(no_partitions, "/partitions", "", "is missing");
}

static void a_partition_may_have_no_devices(void)
{
    assert_true(read_edited(no_devices));
    assert_int_equal(set.partition[0].device_count, 0);
}

static void the_line_of_an_error_names_file_node_and_property_if_there_is_one(void)
{
    char line[300];

    assert_false(read_edited(other_compatible));
    set_error_line(&error, "x.dts", line, sizeof(line));
    assert_string_equal(line, "x.dts:/: compatible: write compatible = \"bulkhead,partition-set\"");
    assert_false(read_edited(no_partitions));
    set_error_line(&error, "x.dts", line, sizeof(line));
    assert_string_equal(line, "x.dts:/partitions: is missing: add it, and add a node for each "
                              "partition");
    error.property = NULL;
    set_error_line(&error, "x.dts", line, sizeof(line));
    assert_non_null(strstr(line, "x.dts:/partitions: is missing"));
}

/* ---- Names ------------------------------------------------------------------------------------------ */

static void long_partition(void *edited)
{
    assert_int_equal(fdt_set_name(edited, edit_node(edited, ONE),
                                  "a-partition-whose-path-is-longer-than-sixty-three-characters"),
                     0);
}

static void long_name(void *edited)
{
    assert_int_equal(
        fdt_set_name(edited, edit_node(edited, ONE), "p2345678901234567890123456789012"), 0);
}

static void fitting_name(void *edited)
{
    assert_int_equal(
        fdt_set_name(edited, edit_node(edited, ONE), "p234567890123456789012345678901"), 0);
}

static void long_device(void *edited)
{
    assert_int_equal(fdt_set_name(edited, edit_node(edited, device_node(edited)),
                                  "device-whose-path-is-longer-than-sixty-three"),
                     0);
}

static void a_path_that_is_too_long_is_refused(void)
{
    expect_refused(long_partition, "/", "", "a node's path is longer than 63 characters");
    expect_refused(long_device, "/", "", "a node's path is longer than 63 characters");
}

static void a_node_name_that_is_too_long_for_a_console_is_refused(void)
{
    expect_refused(long_name, "/partitions/p2345678901234567890123456789012", "console",
                   "longer than 31 characters");
    assert_true(read_edited(fitting_name));
    assert_string_equal(set.partition[0].name, "p234567890123456789012345678901");
}

static void spaced_console(void *edited)
{
    edit_text(edited, ONE, "console", "a b");
}

static void open_console(void *edited)
{
    EDIT_CELLS(edited, ONE, "console", 0x61626364);
}

static void empty_console(void *edited)
{
    edit_flag(edited, ONE, "console");
}

static void zero_console(void *edited)
{
    edit_text(edited, ONE, "console", "");
}

static void two_strings(void *edited)
{
    assert_int_equal(fdt_setprop(edited, edit_node(edited, ONE), "console", "a\0b", 4), 0);
}

static void long_console(void *edited)
{
    edit_text(edited, ONE, "console", "p2345678901234567890123456789012");
}

static void good_console(void *edited)
{
    edit_text(edited, ONE, "console", "Az09-_.");
}

static void own_console(void *edited)
{
    edit_text(edited, ONE, "console", "bulkhead");
}

static void a_console_name_is_one_short_plain_string(void)
{
    static void (*const edits[])(void *) = { spaced_console, open_console, empty_console,
                                             zero_console,   two_strings,  long_console };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++)
        expect_refused(edits[i], ONE, "console", "a name of at most 31 letters");
    assert_true(read_edited(good_console));
    assert_string_equal(set.partition[0].name, "Az09-_.");
    expect_refused(own_console, ONE, "console", "hypervisor's own");
}

static void add_second(void *edited)
{
    edit_add(edited, "/partitions", "two");
    edit_text(edited, "/partitions/two", "console", "one");
    edit_text(edited, "/partitions/two", "payload", "flat.bin");
    EDIT_CELLS(edited, "/partitions/two", "memory", 0, 0x40000000, 0, 0x400000);
}

static void a_name_in_use_is_refused_and_its_holder_is_named(void)
{
    /* fdt_add_subnode() puts the new node first. */
    expect_refused(add_second, ONE, "console", "the name one is in use by /partitions/two");
}

/* ---- Payload and arguments --------------------------------------------------------------------------- */

static void no_payload(void *edited)
{
    edit_remove(edited, ONE, "payload");
}

static void no_arguments(void *edited)
{
    edit_remove(edited, ONE, "bootargs");
}

static void long_arguments(void *edited)
{
    static char text[BOOTARGS_LIMIT + 1];

    memset(text, 'x', BOOTARGS_LIMIT);
    edit_text(edited, ONE, "bootargs", text);
}

static void payload_must_be_said_and_arguments_must_fit(void)
{
    expect_refused(no_payload, ONE, "payload", "write payload");
    expect_refused(long_arguments, ONE, "bootargs", "at most 511 characters");
    assert_true(read_edited(no_arguments));
    assert_string_equal(set.partition[0].bootargs, "");
}

/* ---- Numbers ------------------------------------------------------------------------------------------ */

static void no_memory(void *edited)
{
    edit_remove(edited, ONE, "memory");
}

static void short_memory(void *edited)
{
    EDIT_CELLS(edited, ONE, "memory", 0, 0x40000000);
}

static void odd_memory(void *edited)
{
    EDIT_CELLS(edited, ONE, "memory", 0, 0x40000000, 0x400000);
}

static void long_memory(void *edited)
{
    EDIT_CELLS(edited, ONE, "memory", 0, 0x40000000, 0, 0x400000, 0, 0x80000000, 0, 0x400000);
}

static void memory_is_one_pair_of_numbers(void)
{
    static void (*const edits[])(void *) = { no_memory, short_memory, odd_memory, long_memory };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++)
        expect_refused(edits[i], ONE, "memory", "guest-physical base and size, two cells each");
}

static void short_physical(void *edited)
{
    EDIT_CELLS(edited, ONE, "physical-address", 0x48000000);
}

static void long_physical(void *edited)
{
    EDIT_CELLS(edited, ONE, "physical-address", 0, 0x48000000, 0, 0x4C000000);
}

static void wrapping_physical(void *edited)
{
    EDIT_CELLS(edited, ONE, "physical-address", 0xFFFFFFFF, 0xFFE00000);
}

static void a_physical_address_is_one_number_and_does_not_wrap(void)
{
    expect_refused(short_physical, ONE, "physical-address", "write two cells");
    expect_refused(long_physical, ONE, "physical-address", "write two cells");
    expect_refused(wrapping_physical, ONE, "physical-address", "not wrap around");
}

static void two_cpus(void *edited)
{
    EDIT_CELLS(edited, ONE, "cpus", 2);
}

static void wide_cpus(void *edited)
{
    EDIT_CELLS(edited, ONE, "cpus", 1, 0);
}

static void wide_pool(void *edited)
{
    EDIT_CELLS(edited, ONE, "pool-pages", 64, 0);
}

/* In a memory that has room for it. */
static void large_pool(void *edited)
{
    EDIT_CELLS(edited, ONE, "memory", 0, 0x40000000, 0, 0x40000000);
    EDIT_CELLS(edited, ONE, "pool-pages", 65536);
}

static void too_large_pool(void *edited)
{
    large_pool(edited);
    EDIT_CELLS(edited, ONE, "pool-pages", 65537);
}

static void no_quota(void *edited)
{
    edit_remove(edited, ONE, "cpus");
    edit_remove(edited, ONE, "pool-pages");
}

static void quotas_are_single_cells_with_defaults(void)
{
    expect_refused(two_cpus, ONE, "cpus", "one vCPU");
    expect_refused(wide_cpus, ONE, "cpus", "one vCPU");
    expect_refused(wide_pool, ONE, "pool-pages", "write a number");
    expect_refused(too_large_pool, ONE, "pool-pages", "from 8 to 65536");
    assert_true(read_edited(large_pool));
    assert_int_equal(set.partition[0].pool_pages, 65536);
    assert_true(read_edited(no_quota));
    assert_int_equal(set.partition[0].cpus, 1);
    assert_int_equal(set.partition[0].pool_pages, 64);
}

/* ---- Devices ------------------------------------------------------------------------------------------ */

static void many_devices(void *edited)
{
    char name[16], path[64], pci[16];

    for (unsigned int i = 0; i < PARTITION_DEVICES; i++) {
        snprintf(name, sizeof(name), "more%u", i);
        snprintf(path, sizeof(path), ONE "/devices/more%u", i);
        snprintf(pci, sizeof(pci), "0000:%02x:00.0", 0x20 + i);
        edit_add(edited, ONE "/devices", name);
        edit_text(edited, path, "pci", pci);
    }
}

static void more_devices_than_are_kept_are_refused(void)
{
    assert_false(read_edited(many_devices));
    assert_non_null(strstr(error.text, "more than 16 devices"));
    /* The new ones stand before the one that was there. */
    assert_string_equal(error.node, ONE "/devices/device0");
}

static void numeric_pci(void *edited)
{
    EDIT_CELLS(edited, device_node(edited), "pci", 0x100);
}

static void pci_and_path(void *edited)
{
    edit_text(edited, device_node(edited), "path", "/pl031@9010000");
}

static void neither(void *edited)
{
    edit_remove(edited, device_node(edited), "pci");
}

static void long_path(void *edited)
{
    edit_remove(edited, device_node(edited), "pci");
    edit_text(edited, device_node(edited), "path",
              "/a/path/of/a/node/that/is/longer/than/any/device/has");
}

static void a_device_is_named_in_one_of_two_ways(void)
{
    static const char *const texts[] = { "not a string", "needs either pci", "needs either pci",
                                         "not a string of less than 48 characters" };
    static void (*const edits[])(void *) = { numeric_pci, pci_and_path, neither, long_path };
    static const char *const properties[] = { "pci", "pci", "pci", "path" };

    for (unsigned int i = 0; i < ARRAY_LENGTH(edits); i++) {
        assert_false(read_edited(edits[i]));
        assert_string_equal(error.property, properties[i]);
        assert_string_equal(error.node, device_path);
        if (strstr(error.text, texts[i]) == NULL)
            fail_msg("the reason is \"%s\", not \"%s\"", error.text, texts[i]);
    }
}

static void a_block_listed_twice_is_refused_by_its_path(void)
{
    machine_plain();
    machine.partition[0].block[0] = CLOCK_NAME;
    machine.partition[0].block[1] = CLOCK_NAME;
    assert_false(set_read(tree, machine_set(tree, sizeof(tree)), &set, &error));
    assert_string_equal(error.property, "path");
    assert_non_null(strstr(error.text, "listed twice"));
}

/* Whichever of the two the set names first. */
static void a_memory_without_a_fixed_place_is_in_nobodys_way(void)
{
    for (unsigned int fixed = 0; fixed < 2; fixed++) {
        machine_plain();
        machine_partition("two");
        machine.partition[fixed].physical = 0x200000;
        memset(&error, 0, sizeof(error));
        if (!set_read(tree, machine_set(tree, sizeof(tree)), &set, &error))
            fail_msg("partition %u is fixed: %s: %s", fixed, error.node, error.text);
        assert_true(set.partition[fixed].fixed_physical);
        assert_false(set.partition[1 - fixed].fixed_physical);
    }
}

int run_set_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tree_that_is_no_set_is_refused),
        TEST(a_partition_may_have_no_devices),
        TEST(the_line_of_an_error_names_file_node_and_property_if_there_is_one),
        TEST(a_path_that_is_too_long_is_refused),
        TEST(a_node_name_that_is_too_long_for_a_console_is_refused),
        TEST(a_console_name_is_one_short_plain_string),
        TEST(a_name_in_use_is_refused_and_its_holder_is_named),
        TEST(payload_must_be_said_and_arguments_must_fit),
        TEST(memory_is_one_pair_of_numbers),
        TEST(a_physical_address_is_one_number_and_does_not_wrap),
        TEST(quotas_are_single_cells_with_defaults),
        TEST(more_devices_than_are_kept_are_refused),
        TEST(a_device_is_named_in_one_of_two_ways),
        TEST(a_block_listed_twice_is_refused_by_its_path),
        TEST(a_memory_without_a_fixed_place_is_in_nobodys_way),
    };

    return RUN_GROUP("kernel/set, faults");
}
