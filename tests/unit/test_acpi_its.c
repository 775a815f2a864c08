/* SPDX-License-Identifier: Apache-2.0 */
/* What ACPI tables say of interrupt translation services, and of the messages that reach them: past all units, or
 * behind one, as what the unit takes the requester for. */
#include <string.h>

#include "acpi_bench.h"
#include "groups.h"

/* ---- The services ------------------------------------------------------------------------------------------ */

static void the_its_of_the_madt_is_read_and_is_no_block(void)
{
    struct acpi_options options = acpi_plain();

    options.its = 2;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.its_count, 2);
    assert_string_equal(acpi_found.its[1].name, "MADT/its@9080000");
    assert_int_equal(acpi_found.its[1].registers.base, ACPI_ITS_BASE + ACPI_ITS_STRIDE);
    assert_int_equal(acpi_found.its[1].registers.size, 0x20000);
    assert_int_equal(acpi_found.its[1].handle, ACPI_ITS_ID(1));
    assert_int_equal(acpi_found.block_count, 0);
    options.its = 0;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.its_count, 0);
}

static void an_its_of_the_tree_keeps_its_name_and_place_and_has_the_id_of_the_tables(void)
{
    acpi_start = (struct topology){ .its_count = 2 };
    acpi_start.its[0].registers = (struct topology_range){ 0x0C080000, 0x20000 };
    acpi_start.its[0].handle = ACPI_ITS_ID(0); /* a phandle, which is nobody's id */
    acpi_start.its[1] = (struct topology_its){ .name = "/intc/its",
                                               .registers = { ACPI_ITS_BASE, 0x40000 },
                                               .handle = 0x8006 };
    expect_acpi_accepted(NULL, NULL);
    assert_int_equal(acpi_found.its_count, 2);
    assert_string_equal(acpi_found.its[1].name, "/intc/its");
    assert_int_equal(acpi_found.its[1].registers.size, 0x40000);
    assert_int_equal(acpi_found.host[0].msi_map[0].iommu, 1);
    acpi_start = (struct topology){ .its_count = 0 };
}

static void crooked_its(void)
{
    acpi_put(acpi_at.its + 8, 8, ACPI_ITS_BASE + 0x1000);
}

static void an_its_that_cannot_be_used_is_nobodys_block(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_accepted(NULL, crooked_its);
    assert_int_equal(acpi_found.its_count, 0);
    assert_string_equal(acpi_found.block[0].compatible, "arm,gic-v3-its");
    assert_int_equal(acpi_found.block[0].registers[0].base, ACPI_ITS_BASE + 0x1000);
    assert_int_equal(acpi_found.block[0].registers[0].size, 0x20000);
    assert_true(acpi_found.block[0].infrastructure);
    options.its = TOPOLOGY_ITS + 1;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.its_count, TOPOLOGY_ITS);
    assert_string_equal(acpi_found.block[0].name, "MADT/its@c080000");
}

/* ---- Messages ----------------------------------------------------------------------------------------------- */

static void expect_device(uint32_t requester, uint32_t its, uint32_t device)
{
    uint32_t id = 0, found = topology_event_device(&acpi_found.host[0], requester, &id);

    if (found != its || (its != ITS_NONE && id != device))
        fail_msg("messages of 0x%x come to ITS %d as device 0x%x, not to %d as 0x%x", requester,
                 (int)found, id, (int)its, device);
}

static void messages_reach_the_its_past_the_units_or_behind_one(void)
{
    expect_acpi_accepted(NULL, NULL);
    expect_device(0x7FF, 0, 0x7FF);
    expect_device(0x801, 0, 0x1801);
    expect_device(0xF00, 0, 0xF00);
}

static void messages_behind_a_unit_come_as_what_its_mappings_make_of_their_stream(void)
{
    struct acpi_options options = acpi_plain();

    options.its = 2;
    options.groups = 2;
    options.unit_map_count = 3;
    /* Streams 0 to 0x7FF are of the first unit, 0x1800 to 0x1EFF of the second. */
    options.unit_map[0] = (struct acpi_map){ 0x100, 0x100, 0x7100, ACPI_TO_ITS, false };
    options.unit_map[1] = (struct acpi_map){ 0x400, 0x1600, 0x400, ACPI_TO_ITS + 1, false };
    options.unit_map[2] = (struct acpi_map){ 0, 0x10000, 0x5, ACPI_TO_ITS, true };
    expect_acpi_accepted(&options, NULL);
    expect_device(0xFF, ITS_NONE, 0);
    expect_device(0x100, 0, 0x7100);
    expect_device(0x1FF, 0, 0x71FF);
    expect_device(0x200, ITS_NONE, 0);
    expect_device(0x3FF, ITS_NONE, 0);
    expect_device(0x400, 1, 0x400);
    expect_device(0x7FF, 1, 0x7FF);
    expect_device(0x800, 1, 0x1800);
    expect_device(0x9FF, 1, 0x19FF);
    expect_device(0xA00, ITS_NONE, 0);
}

static void host_of_late_buses(void)
{
    acpi_put(acpi_at.mcfg + 44 + 10, 2, 0x0F0E);
}

static void a_host_has_the_messages_of_its_own_buses(void)
{
    expect_acpi_accepted(NULL, host_of_late_buses);
    assert_int_equal(acpi_found.host[0].msi_map_count, 2);
    expect_device(0xDFF, ITS_NONE, 0);
    expect_device(0xE00, 0, 0x1E00);
    expect_device(0xF00, 0, 0xF00);
}

static void root_of_another_segment(void)
{
    acpi_put(acpi_at.root_node + 28, 4, 1);
}

static void messages_of_another_segment_are_none_of_the_host_s(void)
{
    expect_acpi_accepted(NULL, root_of_another_segment);
    assert_int_equal(acpi_found.host[0].msi_map_count, 0);
}

static void empty_group(void)
{
    acpi_put(acpi_at.its_node + 16, 4, 0);
}

static void unknown_member(void)
{
    acpi_put(acpi_at.its_node + 20, 4, ACPI_ITS_ID(1));
}

static void a_group_without_an_its_that_is_known_takes_no_messages(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_accepted(NULL, empty_group);
    assert_int_equal(acpi_found.host[0].msi_map_count, 0);
    expect_acpi_accepted(NULL, unknown_member);
    assert_int_equal(acpi_found.host[0].msi_map_count, 0);
    options.its = 0;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.host[0].msi_map_count, 0);
    assert_int_equal(acpi_found.host[0].map_count, 2);
}

/* ---- Messages that nobody knows the way of -------------------------------------------------------------------- */

static void expect_none(const struct acpi_options *options)
{
    expect_acpi_accepted(options, NULL);
    assert_int_equal(acpi_found.host[0].map_count, 2);
    assert_int_equal(acpi_found.host[0].msi_map_count, 0);
}

static void mappings_of_a_unit_that_are_wrong_cost_the_devices_behind_it_their_messages(void)
{
    struct acpi_options options = acpi_plain();

    options.unit_map_count = 2;
    options.unit_map[1] = (struct acpi_map){ 0x7FF, 1, 0x9000, ACPI_TO_ITS, false };
    expect_none(&options);
    options.unit_map_count = 1;
    options.unit_map[0].output = 0xFFFFFFFF;
    expect_none(&options);
    options = acpi_plain();
    options.unit_map_count = TOPOLOGY_ID_MAPS + 1;
    for (uint32_t i = 0; i < options.unit_map_count; i++)
        options.unit_map[i] = (struct acpi_map){ 2 * i, 1, 2 * i, ACPI_TO_ITS, false };
    expect_none(&options);
}

int run_acpi_its_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_its_of_the_madt_is_read_and_is_no_block),
        TEST(an_its_of_the_tree_keeps_its_name_and_place_and_has_the_id_of_the_tables),
        TEST(an_its_that_cannot_be_used_is_nobodys_block),
        TEST(messages_reach_the_its_past_the_units_or_behind_one),
        TEST(messages_behind_a_unit_come_as_what_its_mappings_make_of_their_stream),
        TEST(a_host_has_the_messages_of_its_own_buses),
        TEST(messages_of_another_segment_are_none_of_the_host_s),
        TEST(a_group_without_an_its_that_is_known_takes_no_messages),
        TEST(mappings_of_a_unit_that_are_wrong_cost_the_devices_behind_it_their_messages),
    };

    return RUN_GROUP("topology/acpi, ITS");
}
