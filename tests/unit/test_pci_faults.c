/* SPDX-License-Identifier: Apache-2.0 */
/* Rare functions: capabilities of every kind, ports of every type, functions that are gone, windows of every
 * shape (drivers/pci). */
#include <inttypes.h>
#include <string.h>

#include "groups.h"
#include "pci_bench.h"

#define ROOT PCI_MODEL_ROOT

static struct pci_model *const pci = &machine.pci;

static void capabilities_are_found_by_their_ids(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    uint32_t msi = pci_model_capability(pci, index, 0x05, 0x18);
    uint32_t unknown = pci_model_capability(pci, index, 0x09, 0x10);
    uint32_t msix = pci_model_capability(pci, index, 0x11, 0x0C);

    pci_bench_enumerate();
    const struct pci_function *function = pci_bench_at(0, 1, 0);

    assert_int_equal(function->cap_power, 0);
    assert_int_equal(function->cap_msi, msi);
    assert_int_equal(function->cap_msix, msix);
    assert_int_equal(unknown, msi + 0x40);
    assert_int_equal(function->cap_express, 0);
    assert_int_equal(function->cap_advanced, 0);
}

static void extended_capabilities_are_found_by_their_ids(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_express(pci, index, 9, true);
    uint32_t serial = pci_model_extended(pci, index, 0x03, 0x0C);
    uint32_t ari = pci_model_extended(pci, index, 0x0E, 0x08);
    uint32_t ats = pci_model_extended(pci, index, 0x0F, 0x08);
    uint32_t sriov = pci_model_extended(pci, index, 0x10, 0x40);
    uint32_t pasid = pci_model_extended(pci, index, 0x1B, 0x08);

    pci_bench_enumerate();
    const struct pci_function *function = pci_bench_at(0, 1, 0);

    assert_int_equal(serial, 0x100);
    assert_int_equal(function->cap_ari, ari);
    assert_int_equal(function->cap_ats, ats);
    assert_int_equal(function->cap_sriov, sriov);
    assert_int_equal(function->cap_pasid, pasid);
    assert_int_equal(function->cap_acs, 0);
}

static void a_function_that_stops_answering_has_no_more_capabilities(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_express(pci, index, 9, true);
    pci_model_set32(pci, index, 0x100, UINT32_MAX);
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 1, 0)->cap_acs, 0);
    assert_int_equal(pci_bench_at(0, 1, 0)->cap_ats, 0);
}

static void without_the_status_bit_there_is_no_list(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_power(pci, index, true);
    pci_model_set16(pci, index, 6, 0);
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 1, 0)->cap_power, 0);
}

static void a_bridge_of_another_type_is_treated_like_a_conventional_one(void)
{
    pci_bench_reset();
    int bridge = pci_model_bridge(pci, ROOT, 1, 0, 8); /* from PCI to PCI Express */

    pci_model_endpoint(pci, bridge, 0, 0);
    pci_model_endpoint(pci, bridge, 1, 0);
    pci_bench_isolate(true);
    assert_int_equal(pci_bench_at(0, 1, 0)->kind, PCI_BRIDGE_CONVENTIONAL);
    assert_int_equal(pci_bench_at(1, 0, 0)->group, pci_bench_at(1, 1, 0)->group);
    assert_int_equal(pci_bench_at(1, 1, 0)->requester, PCI_RID(0, 1, 0));
}

static void on_a_link_only_device_0_is_looked_for(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int up = pci_model_bridge(pci, port, 0, 0, 5);
    int down = pci_model_bridge(pci, up, 3, 0, 6);

    pci_model_endpoint(pci, port, 1, 0); /* answers for every device number */
    pci_model_endpoint(pci, down, 0, 0);
    pci_model_endpoint(pci, down, 7, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 4);
    assert_int_equal(pci_bench_at(3, 0, 0)->kind, PCI_ENDPOINT);
}

static void a_function_with_an_identity_of_zero_is_none(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_set32(pci, index, 0, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 0);
}

static void a_function_that_is_gone_is_not_written_to(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_bench_enumerate();
    const struct pci_function *function = pci_bench_at(0, 1, 0);

    pci->function[index].gone = true;
    unsigned int writes = pci->write_count;

    pci_set_mastering(function, true);
    pci_set_decode(function, false);
    assert_int_equal(pci->write_count, writes);
    assert_int_equal(pci->lost_writes, 0);
    pci->function[index].gone = false;
    pci_set_mastering(function, true);
    assert_int_equal(pci_model_get16(pci, index, 4) & 7, 4);
    pci_set_decode(function, true);
    assert_int_equal(pci_model_get16(pci, index, 4) & 7, 6);
    pci_set_mastering(function, false);
    assert_int_equal(pci_model_get16(pci, index, 4) & 7, 2);
}

/* ---- Windows ------------------------------------------------------------------------------------------ */

static void without_a_narrow_window_no_function_gets_registers(void)
{
    pci_bench_reset();
    pci_host.window_count = 1; /* the wide one */
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x1000, false);
    pci_bench_enumerate();
    assert_true(pci_bench_at(0, 1, 0)->unplaced);
    assert_int_equal(pci_bench_at(0, 1, 0)->bar[0].address, 0);
}

static void the_first_narrow_window_is_the_one_that_is_used(void)
{
    pci_bench_reset();
    pci_host.window[2] = (struct topology_pci_window){ .cpu_base = 0x50000000,
                                                       .pci_base = 0x50000000,
                                                       .size = 0x100000 };
    pci_host.window_count = 3;
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x1000, false);
    pci_bench_enumerate();
    assert_in_range(pci_bench_at(0, 1, 0)->bar[0].address, WINDOW_BASE, WINDOW_BASE + WINDOW_SIZE);
}

static void bar_of(unsigned int count, uint64_t size, uint64_t window)
{
    pci_bench_reset();
    pci_host.window[1].size = window;
    for (unsigned int i = 0; i < count; i++)
        pci_model_bar(pci, pci_model_endpoint(pci, ROOT, (uint8_t)(1 + i), 0), 0, size, false);
    pci_bench_enumerate();
}

static void a_window_is_used_to_its_last_byte_and_no_further(void)
{
    bar_of(2, 0x100000, 0x200000);
    assert_false(pci_bench_at(0, 1, 0)->unplaced || pci_bench_at(0, 2, 0)->unplaced);
    bar_of(2, 0x100000, 0x1FF000);
    assert_false(pci_bench_at(0, 1, 0)->unplaced);
    assert_true(pci_bench_at(0, 2, 0)->unplaced);
    /* The place would begin behind the window's end. */
    bar_of(2, 0x1000, 0x1000);
    assert_false(pci_bench_at(0, 1, 0)->unplaced);
    assert_true(pci_bench_at(0, 2, 0)->unplaced);
    bar_of(1, 0x40000000, 0x1000000);
    assert_true(pci_bench_at(0, 1, 0)->unplaced);
}

static void the_end_of_all_addresses_is_not_passed_by_a_window(void)
{
    pci_bench_reset();
    pci_host.window[1].pci_base = UINT64_MAX - 0xFFFFF;
    pci_host.window[1].size = 0x1000;
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x200000, false); /* the next such address is 0 */
    pci_bench_enumerate();
    assert_true(pci_bench_at(0, 1, 0)->unplaced);
    assert_int_equal(pci_bench_at(0, 1, 0)->bar[0].address, 0);
}

/* Sizing leaves the highest address that a register can hold; a bridge decodes whatever it holds. */
static void registers_without_a_place_hold_no_address(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int index = pci_model_endpoint(pci, port, 0, 0);

    pci_model_bar(pci, port, 0, UINT64_C(1) << 31, false);
    pci_model_io_bar(pci, index, 0, 0x20);
    pci_model_bar(pci, index, 1, UINT64_C(1) << 31, false);
    pci_bench_enumerate();
    assert_true(pci_bench_at(0, 1, 0)->unplaced);
    assert_true(pci_bench_at(1, 0, 0)->unplaced);
    assert_int_equal(pci_model_get32(pci, port, 0x10) & 0xFFFFFFF0, 0);
    assert_int_equal(pci_model_get32(pci, index, 0x10) & 0xFFFFFFF0, 0);
    assert_int_equal(pci_model_get32(pci, index, 0x14) & 0xFFFFFFF0, 0);
}

/* They may be the windows through which devices reach memory, as firmware has set them up. */
static void the_registers_of_a_host_bridge_are_left_as_they_are(void)
{
    pci_bench_reset();
    int host = pci_model_endpoint(pci, ROOT, 0, 0);

    pci_model_set32(pci, host, 8, 0x06000000);
    pci_model_bar(pci, host, 0, 0x100000, false);
    pci_model_set32(pci, host, 0x10, 0x40000000);
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 0, 0)->bar[0].size, 0);
    for (unsigned int i = 0; i < pci->write_count; i++)
        assert_int_equal(pci->write[i].offset, 4);
    assert_int_equal(pci_model_get32(pci, host, 0x10), 0x40000000);
}

/* Bits 63:32 of its base and of its limit stand in registers of their own. */
static void a_prefetchable_window_that_firmware_left_open_is_closed(void)
{
    static const uint32_t high[][2] = { { 0, 0 }, { 0, 0x80 }, { 0x40, 0x80 }, { 0x80, 0x80 } };

    for (unsigned int i = 0; i < ARRAY_LENGTH(high); i++) {
        pci_bench_reset();
        int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

        pci_model_set32(pci, port, 0x24, 0xFFF10001);
        pci_model_set32(pci, port, 0x28, high[i][0]);
        pci_model_set32(pci, port, 0x2C, high[i][1]);
        pci_bench_enumerate();
        uint64_t base = (uint64_t)pci_model_get32(pci, port, 0x28) << 32 |
                        (uint64_t)(pci_model_get16(pci, port, 0x24) & 0xFFF0) << 16;
        uint64_t limit = (uint64_t)pci_model_get32(pci, port, 0x2C) << 32 |
                         (uint64_t)(pci_model_get16(pci, port, 0x26) & 0xFFF0) << 16 | 0xFFFFF;

        if (base <= limit)
            fail_msg("the port passes %" PRIx64 " to %" PRIx64, base, limit);
    }
}

/* ---- Groups and resets ---------------------------------------------------------------------------------- */

static void functions_of_two_hosts_with_the_same_numbers_are_not_siblings(void)
{
    static struct topology_pci_host other;

    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 1, 0);
    pci_bench_enumerate();
    other = pci_host;
    pci_enumerate(&found, &other);
    assert_int_equal(found.count, 2);
    pci_isolate(&found, true);
    assert_int_not_equal(found.function[0].group, found.function[1].group);
    /* Nor does one root complex turn around the other's requests. */
    pci_isolate(&found, false);
    assert_int_not_equal(found.function[0].group, found.function[1].group);
}

static void the_siblings_acs_counts_as_much_as_its_own(void)
{
    static const uint16_t acs[][2] = { { 0x0C, 0 }, { 0, 0x0C }, { 0x0C, 0x04 }, { 0x08, 0x0C } };

    for (unsigned int i = 0; i < ARRAY_LENGTH(acs); i++) {
        pci_bench_reset();
        int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

        for (uint8_t function = 0; function < 2; function++) {
            int index = pci_model_endpoint(pci, port, 0, function);

            pci_model_multifunction(pci, index);
            pci_model_express(pci, index, 0, false);
            pci_model_acs(pci, index, acs[i][function]);
        }
        pci_bench_isolate(true);
        assert_int_equal(pci_bench_at(1, 0, 0)->group, pci_bench_at(1, 0, 1)->group);
    }
}

static void an_advanced_capability_without_flr_is_no_reset(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_advanced(pci, index);
    pci->function[index].config[pci->function[index].cap_advanced + 3] = 0;
    pci_bench_enumerate();
    assert_int_equal(pci_reset_method(&found, pci_bench_at(0, 1, 0)), PCI_RESET_NONE);
}

static void a_function_whose_identity_aborts_after_its_reset_has_not_come_back(void)
{
    struct pci_reset reset = { 0 };

    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_express(pci, index, 9, true);
    pci_bench_enumerate();
    const struct pci_function *function = pci_bench_at(0, 1, 0);

    for (unsigned int step = 0; step < 2; step++) {
        assert_int_equal(pci_reset(&found, function, &reset), PCI_RESET_WAITING);
        host_advance(200000000);
    }
    host_abort_range(function->config, 4);
    assert_int_equal(pci_reset(&found, function, &reset), PCI_RESET_WAITING);
    host_abort_range(0, 0);
    /* Another device in its place is not the one that was bound, and is not waited for. */
    pci_model_set16(pci, index, 2, 0x4321);
    assert_int_equal(pci_reset(&found, function, &reset), PCI_RESET_FAILED);
}

/* ---- What single lines are for ---------------------------------------------------------------------------- */

static void only_functions_that_turn_requests_around_are_a_root_complexs_common_place(void)
{
    pci_bench_reset();
    pci_model_set32(pci, pci_model_endpoint(pci, ROOT, 0, 0), 8, 0x06000000); /* a host bridge */
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    pci_model_acs(pci, port, 0x7F);
    pci_model_endpoint(pci, port, 0, 0);
    pci_model_endpoint(pci, ROOT, 3, 0);
    pci_model_endpoint(pci, ROOT, 4, 0);
    pci_bench_isolate(false);
    uint32_t common = pci_bench_at(0, 3, 0)->group;

    assert_int_equal(pci_bench_at(0, 4, 0)->group, common);
    assert_ptr_equal(&found.function[common], pci_bench_at(0, 3, 0));
    assert_int_not_equal(pci_bench_at(0, 0, 0)->group, common);
    assert_int_not_equal(pci_bench_at(0, 1, 0)->group, common);
    assert_int_not_equal(pci_bench_at(1, 0, 0)->group, common);
    assert_int_equal(pci_bench_at(1, 0, 0)->group_reasons, 0);
}

static void a_downstream_port_on_the_root_bus_is_survived(void)
{
    pci_bench_reset();
    int down = pci_model_bridge(pci, ROOT, 1, 0, 6);

    pci_model_endpoint(pci, down, 0, 0);
    pci_bench_isolate(true);
    assert_int_equal(pci_bench_at(1, 0, 0)->kind, PCI_ENDPOINT);
    assert_true(pci_bench_at(1, 0, 0)->group < found.count);
}

static void root_ports_of_one_device_are_not_joined_on_the_boards_word(void)
{
    pci_bench_reset();
    for (uint8_t function = 0; function < 2; function++) {
        int port = pci_model_bridge(pci, ROOT, 1, function, 4);

        pci_model_multifunction(pci, port);
        pci_model_endpoint(pci, port, 0, 0);
    }
    pci_bench_isolate(true);
    assert_int_not_equal(pci_bench_at(0, 1, 0)->group, pci_bench_at(0, 1, 1)->group);
    assert_int_not_equal(pci_bench_at(1, 0, 0)->group, pci_bench_at(2, 0, 0)->group);
}

static void a_list_of_extended_capabilities_ends_where_the_function_stops_answering(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_express(pci, index, 9, true);
    pci_model_set32(pci, index, 0x100, UINT32_MAX);
    pci_model_set32(pci, index, 0xFFC, 0x0000000D); /* where all ones point to */
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 1, 0)->cap_acs, 0);
}

static void a_bridge_without_a_bus_number_passes_no_cycle_on(void)
{
    int parent = ROOT;

    pci_bench_reset();
    pci_host.bus_last = 2;
    for (unsigned int i = 0; i < 3; i++) {
        parent = pci_model_bridge(pci, parent, 0, 0, i == 0 ? 4 : 6);
        pci_model_set32(pci, parent, 0x18, 0x00090807); /* from firmware */
    }
    pci_bench_enumerate();
    assert_int_equal(found.count, 3);
    assert_int_equal(pci_model_get32(pci, parent, 0x18) & 0xFFFFFF, 0x000002);
}

static void a_function_that_gets_no_registers_is_named(void)
{
    pci_bench_reset();
    pci_model_bar(pci, pci_model_endpoint(pci, ROOT, 7, 0), 0, UINT64_C(1) << 31, false);
    pci_bench_enumerate();
    assert_non_null(strstr(host_console(), "pci: 0000:00:07.0: its registers do not fit"));
}

/* The words that would be a capability's if there were one are the function's identity, command and
 * status. */
static void a_function_without_capabilities_has_none_whatever_its_identity_reads(void)
{
    pci_bench_reset();
    int bridge = pci_model_bridge(pci, ROOT, 1, 0, -1);
    int index = pci_model_endpoint(pci, ROOT, 2, 0);

    pci_model_set16(pci, bridge, 2, 0x0040); /* the type of a root port */
    pci_model_set16(pci, index, 2, 0x0200);  /* function level reset, of a conventional function */
    pci_model_set16(pci, index, 6, 0x1000);  /* and of an express one */
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 1, 0)->kind, PCI_BRIDGE_CONVENTIONAL);
    assert_int_equal(pci_reset_method(&found, pci_bench_at(0, 2, 0)), PCI_RESET_NONE);
}

static void a_port_without_acs_does_not_isolate_whatever_its_status_reads(void)
{
    pci_bench_reset();
    for (uint8_t device = 1; device < 3; device++) {
        int port = pci_model_bridge(pci, ROOT, device, 0, 4);

        pci_model_set16(pci, port, 6, 0x001D);
        pci_model_endpoint(pci, port, 0, 0);
    }
    pci_bench_isolate(false);
    assert_int_equal(pci_bench_at(1, 0, 0)->group, pci_bench_at(2, 0, 0)->group);
}

static void an_integrated_endpoint_is_not_joined_with_what_a_port_isolates(void)
{
    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 1, 0);
    int port = pci_model_bridge(pci, ROOT, 2, 0, 4);

    pci_model_acs(pci, port, 0x7F);
    pci_model_endpoint(pci, port, 0, 0);
    pci_bench_isolate(false);
    assert_int_not_equal(pci_bench_at(0, 1, 0)->group, pci_bench_at(1, 0, 0)->group);
    assert_int_not_equal(pci_bench_at(0, 1, 0)->group, pci_bench_at(0, 2, 0)->group);
    assert_int_not_equal(pci_bench_at(0, 2, 0)->group, pci_bench_at(1, 0, 0)->group);
}

/* Its ports below have ACS and so has the root port: what is between them turns nothing around. */
static void a_switchs_upstream_port_needs_no_acs(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int up = pci_model_bridge(pci, port, 0, 0, 5);

    pci_model_acs(pci, port, 0x7F);
    for (uint8_t device = 0; device < 2; device++) {
        int down = pci_model_bridge(pci, up, device, 0, 6);

        pci_model_acs(pci, down, 0x7F);
        pci_model_endpoint(pci, down, 0, 0);
    }
    pci_bench_isolate(false);
    assert_int_not_equal(pci_bench_at(3, 0, 0)->group, pci_bench_at(4, 0, 0)->group);
    assert_int_equal(pci_bench_at(3, 0, 0)->group_reasons, 0);
    assert_int_equal(pci_bench_at(4, 0, 0)->group_reasons, 0);
}

int run_pci_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(capabilities_are_found_by_their_ids),
        TEST(extended_capabilities_are_found_by_their_ids),
        TEST(a_function_that_stops_answering_has_no_more_capabilities),
        TEST(without_the_status_bit_there_is_no_list),
        TEST(a_bridge_of_another_type_is_treated_like_a_conventional_one),
        TEST(on_a_link_only_device_0_is_looked_for),
        TEST(a_function_with_an_identity_of_zero_is_none),
        TEST(a_function_that_is_gone_is_not_written_to),
        TEST(without_a_narrow_window_no_function_gets_registers),
        TEST(the_first_narrow_window_is_the_one_that_is_used),
        TEST(a_window_is_used_to_its_last_byte_and_no_further),
        TEST(the_end_of_all_addresses_is_not_passed_by_a_window),
        TEST(registers_without_a_place_hold_no_address),
        TEST(the_registers_of_a_host_bridge_are_left_as_they_are),
        TEST(a_prefetchable_window_that_firmware_left_open_is_closed),
        TEST(functions_of_two_hosts_with_the_same_numbers_are_not_siblings),
        TEST(the_siblings_acs_counts_as_much_as_its_own),
        TEST(an_advanced_capability_without_flr_is_no_reset),
        TEST(a_function_whose_identity_aborts_after_its_reset_has_not_come_back),
        TEST(only_functions_that_turn_requests_around_are_a_root_complexs_common_place),
        TEST(a_downstream_port_on_the_root_bus_is_survived),
        TEST(root_ports_of_one_device_are_not_joined_on_the_boards_word),
        TEST(a_list_of_extended_capabilities_ends_where_the_function_stops_answering),
        TEST(a_bridge_without_a_bus_number_passes_no_cycle_on),
        TEST(a_function_that_gets_no_registers_is_named),
        TEST(a_function_without_capabilities_has_none_whatever_its_identity_reads),
        TEST(a_port_without_acs_does_not_isolate_whatever_its_status_reads),
        TEST(an_integrated_endpoint_is_not_joined_with_what_a_port_isolates),
        TEST(a_switchs_upstream_port_needs_no_acs),
    };

    return RUN_GROUP("pci/faults");
}
