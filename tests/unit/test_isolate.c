/* SPDX-License-Identifier: Apache-2.0 */
/* Groups and requester ids (drivers/pci/isolate.c), and the reset ladder (reset.c). */
#include <string.h>

#include "arch/seam.h"
#include "bulkhead/abi.h"
#include "groups.h"
#include "pci_bench.h"

#define ROOT PCI_MODEL_ROOT
#define ACS_ALL 0x7F
#define ACS_WANTED 0x1F

static struct pci_model *const pci = &machine.pci;

static void expect_alone(uint32_t bus, uint32_t device, uint32_t function)
{
    const struct pci_function *f = pci_bench_at(bus, device, function);

    assert_int_equal(f->group_reasons, 0);
    for (uint32_t i = 0; i < found.count; i++) {
        if (&found.function[i] != f)
            assert_int_not_equal(found.function[i].group, f->group);
    }
}

static void expect_together(const struct pci_function *a, const struct pci_function *b,
                            uint32_t reasons)
{
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->group_reasons & reasons, reasons);
    assert_int_equal(a->group_reasons, b->group_reasons);
}

static void devices_alone_below_root_ports_stand_alone_on_the_boards_word(void)
{
    pci_bench_reset();
    for (uint8_t device = 1; device < 4; device++)
        pci_model_endpoint(pci, pci_model_bridge(pci, ROOT, device, 0, 4), 0, 0);
    pci_bench_isolate(true);
    for (uint32_t bus = 1; bus < 4; bus++) {
        expect_alone(bus, 0, 0);
        assert_int_equal(pci_bench_at(bus, 0, 0)->requester, PCI_RID(bus, 0, 0));
    }
}

static void without_the_boards_word_ports_without_acs_are_one_group(void)
{
    pci_bench_reset();
    for (uint8_t device = 1; device < 4; device++)
        pci_model_endpoint(pci, pci_model_bridge(pci, ROOT, device, 0, 4), 0, 0);
    pci_bench_isolate(false);
    expect_together(pci_bench_at(1, 0, 0), pci_bench_at(2, 0, 0), BH_GROUP_ROOT_COMPLEX);
    expect_together(pci_bench_at(1, 0, 0), pci_bench_at(3, 0, 0), BH_GROUP_ROOT_COMPLEX);
}

static void row_1_4_ports_with_acs_isolate_without_the_boards_word(void)
{
    pci_bench_reset();
    for (uint8_t device = 1; device < 4; device++) {
        int port = pci_model_bridge(pci, ROOT, device, 0, 4);

        pci_model_acs(pci, port, ACS_ALL);
        pci_model_endpoint(pci, port, 0, 0);
    }
    pci_bench_isolate(false);
    for (uint32_t bus = 1; bus < 4; bus++)
        expect_alone(bus, 0, 0);
    /* Egress control and direct translated stay off. */
    assert_int_equal(pci_model_get16(pci, 0, pci->function[0].cap_acs + 6), ACS_WANTED);
}

static void acs_that_does_not_stay_on_does_not_isolate(void)
{
    pci_bench_reset();
    for (uint8_t device = 1; device < 3; device++) {
        int port = pci_model_bridge(pci, ROOT, device, 0, 4);

        pci_model_acs(pci, port, ACS_ALL);
        pci->function[port].writable[pci->function[port].cap_acs + 6] = 0x1B;
        pci_model_endpoint(pci, port, 0, 0);
    }
    pci_bench_isolate(false);
    expect_together(pci_bench_at(1, 0, 0), pci_bench_at(2, 0, 0), BH_GROUP_ROOT_COMPLEX);
}

static void integrated_endpoints_stand_alone_only_on_the_boards_word(void)
{
    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 3, 0);
    pci_model_endpoint(pci, ROOT, 4, 0);
    pci_bench_isolate(true);
    expect_alone(0, 3, 0);
    expect_alone(0, 4, 0);
    pci_isolate(&found, false);
    expect_together(pci_bench_at(0, 3, 0), pci_bench_at(0, 4, 0), BH_GROUP_ROOT_COMPLEX);
}

static void a_function_that_has_nobody_to_share_a_root_complex_with_stands_alone(void)
{
    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 3, 0);
    pci_bench_isolate(false);
    expect_alone(0, 3, 0);
}

static int make_switch(uint16_t acs)
{
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int up = pci_model_bridge(pci, port, 0, 0, 5);

    for (uint8_t device = 0; device < 2; device++) {
        int down = pci_model_bridge(pci, up, device, 0, 6);

        if (acs != 0)
            pci_model_acs(pci, down, acs);
        pci_model_endpoint(pci, down, 0, 0);
    }
    return up;
}

static void a_switch_without_acs_joins_what_is_below_it(void)
{
    pci_bench_reset();
    make_switch(0);
    pci_bench_isolate(true);
    expect_together(pci_bench_at(3, 0, 0), pci_bench_at(4, 0, 0), BH_GROUP_NO_ACS);
}

static void a_switch_with_acs_keeps_its_devices_apart(void)
{
    pci_bench_reset();
    make_switch(ACS_ALL);
    pci_bench_isolate(true);
    expect_alone(3, 0, 0);
    expect_alone(4, 0, 0);
}

static void a_switch_with_half_of_acs_joins_what_is_below_it(void)
{
    for (unsigned int bit = 0; bit < 5; bit++) {
        if (bit == 1)
            continue; /* translation blocking is not what keeps ports apart */
        pci_bench_reset();
        make_switch((uint16_t)(ACS_WANTED & ~(1u << bit)));
        pci_bench_isolate(true);
        expect_together(pci_bench_at(3, 0, 0), pci_bench_at(4, 0, 0), BH_GROUP_NO_ACS);
    }
}

static void functions_behind_a_bridge_to_pci_share_its_requester_id(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int bridge = pci_model_bridge(pci, port, 0, 0, 7);
    int a = pci_model_endpoint(pci, bridge, 1, 0);

    pci_model_endpoint(pci, bridge, 2, 0);
    pci_bench_isolate(true);
    expect_together(pci_bench_at(2, 1, 0), pci_bench_at(2, 2, 0), BH_GROUP_ALIAS);
    assert_int_equal(pci_bench_at(2, 1, 0)->requester, 0x200);
    assert_int_equal(pci_bench_at(2, 2, 0)->requester, 0x200);
    /* As the model of the bridge forwards it. */
    uint32_t requester = 0;

    pci_model_set16(pci, a, 4, 4);
    assert_true(pci_model_requester(pci, a, &requester));
    assert_int_equal(requester, 0x200);
}

static void functions_behind_a_conventional_bridge_carry_its_id(void)
{
    pci_bench_reset();
    int bridge = pci_model_bridge(pci, ROOT, 6, 0, -1);

    pci_model_endpoint(pci, bridge, 1, 0);
    pci_model_endpoint(pci, bridge, 2, 0);
    pci_bench_isolate(true);
    expect_together(pci_bench_at(1, 1, 0), pci_bench_at(1, 2, 0), BH_GROUP_ALIAS);
    assert_int_equal(pci_bench_at(1, 1, 0)->requester, PCI_RID(0, 6, 0));
}

static void make_multifunction(uint16_t first, uint16_t second)
{
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    for (uint8_t function = 0; function < 2; function++) {
        int index = pci_model_endpoint(pci, port, 0, function);

        pci_model_multifunction(pci, index);
        pci_model_express(pci, index, 0, false);
        pci_model_acs(pci, index, function == 0 ? first : second);
    }
    pci_bench_isolate(true);
}

static void functions_of_one_device_are_a_group_unless_each_has_acs(void)
{
    pci_bench_reset();
    make_multifunction(0, 0);
    expect_together(pci_bench_at(1, 0, 0), pci_bench_at(1, 0, 1), BH_GROUP_MULTIFUNCTION);
    pci_bench_reset();
    make_multifunction(0x0C, 0);
    expect_together(pci_bench_at(1, 0, 0), pci_bench_at(1, 0, 1), BH_GROUP_MULTIFUNCTION);
    pci_bench_reset();
    make_multifunction(0x0C, 0x0C);
    expect_alone(1, 0, 0);
    expect_alone(1, 0, 1);
}

/* ---- Reset -------------------------------------------------------------------------------------- */

static void one_endpoint(int *index)
{
    pci_bench_reset();
    *index = pci_model_endpoint(pci, pci_model_bridge(pci, ROOT, 1, 0, 4), 0, 0);
    pci_model_bar(pci, *index, 0, 0x1000, false);
    pci_model_bar(pci, *index, 2, 0x4000, true);
}

/* Runs a reset to its end; answers the result and how long it took. */
static enum pci_reset_result run(struct pci_function *function, uint64_t *nanoseconds)
{
    struct pci_reset reset = { 0 };
    uint64_t start = time_now();
    enum pci_reset_result result;

    do {
        result = pci_reset(&found, function, &reset);
        if (result == PCI_RESET_WAITING)
            host_advance(reset.ready > time_now() ? reset.ready - time_now() : 1000000);
    } while (result == PCI_RESET_WAITING);
    *nanoseconds = time_now() - start;
    assert_int_equal(reset.step, 0);
    return result;
}

static void expect_reset(int index, enum pci_reset_method method, uint64_t least)
{
    uint64_t nanoseconds, bar;
    struct pci_function *function;

    pci_bench_isolate(true);
    function = pci_bench_at(1, 0, 0);
    assert_int_equal(pci_reset_method(&found, function), method);
    bar = pci_model_get32(pci, index, 0x10);
    pci_set_mastering(function, true);
    pci_set_decode(function, true);
    pci->reset_reads = 3;
    assert_int_equal(run(function, &nanoseconds), PCI_RESET_DONE);
    assert_true(nanoseconds >= least);
    assert_true(nanoseconds < 1200000000);
    assert_int_equal(pci->function[index].mastering_at_reset, 0);
    assert_int_equal(pci_model_get16(pci, index, 4) & 0x407, 0x400);
    assert_int_equal(pci_model_get32(pci, index, 0x10), bar);
    assert_int_equal(pci_model_get32(pci, index, 0x18) & 0xFFFFFFF0, function->bar[2].address);
}

static void a_function_with_flr_is_reset_by_it(void)
{
    int index;

    one_endpoint(&index);
    pci_model_power(pci, index, true);
    pci_model_express(pci, index, 0, true);
    expect_reset(index, PCI_RESET_FUNCTION_LEVEL, 100000000);
    assert_int_equal(pci->function[index].function_resets, 1);
    assert_int_equal(pci->function[index].power_resets + pci->function[index].bus_resets, 0);
}

static void a_conventional_function_with_flr_is_reset_by_it(void)
{
    int index;

    one_endpoint(&index);
    pci_model_advanced(pci, index);
    expect_reset(index, PCI_RESET_FUNCTION_LEVEL, 100000000);
    assert_int_equal(pci->function[index].function_resets, 1);
}

/* FLR is the capability's that says so: status bits are none, nor is an express capability without. */
static void flr_is_begun_through_the_capability_that_has_it(void)
{
    int index;

    one_endpoint(&index);
    pci_model_advanced(pci, index);
    pci_model_set16(pci, index, 6, 0x1010);
    expect_reset(index, PCI_RESET_FUNCTION_LEVEL, 100000000);
    assert_int_equal(pci->function[index].function_resets, 1);
    one_endpoint(&index);
    pci_model_express(pci, index, 0, false);
    pci_model_advanced(pci, index);
    expect_reset(index, PCI_RESET_FUNCTION_LEVEL, 100000000);
    assert_int_equal(pci->function[index].function_resets, 1);
}

static void a_functions_acs_is_on_again_after_its_reset(void)
{
    uint64_t nanoseconds;

    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    for (uint8_t function = 0; function < 2; function++) {
        int index = pci_model_endpoint(pci, port, 0, function);

        pci_model_multifunction(pci, index);
        pci_model_express(pci, index, 0, true);
        pci_model_acs(pci, index, 0x0C);
    }
    pci_bench_isolate(true);
    expect_alone(1, 0, 0);
    assert_int_equal(run(pci_bench_at(1, 0, 0), &nanoseconds), PCI_RESET_DONE);
    assert_int_equal(pci->function[1].function_resets, 1);
    assert_int_equal(pci_model_get16(pci, 1, pci->function[1].cap_acs + 6), 0x0C);
}

static void a_function_with_power_management_goes_to_d3_and_back(void)
{
    int index;

    one_endpoint(&index);
    pci_model_power(pci, index, true);
    pci_model_express(pci, index, 0, false);
    expect_reset(index, PCI_RESET_POWER, 20000000);
    assert_int_equal(pci->function[index].power_resets, 1);
}

static void a_function_alone_on_its_bus_is_reset_with_the_bus(void)
{
    int index;

    one_endpoint(&index);
    pci_model_power(pci, index, false);
    expect_reset(index, PCI_RESET_SECONDARY_BUS, 102000000);
    assert_int_equal(pci->function[index].bus_resets, 1);
    assert_int_equal(pci_model_get16(pci, 0, 0x3E) & 0x40, 0);
}

static void a_function_with_neighbours_is_not_reset_with_the_bus(void)
{
    int index;

    one_endpoint(&index);
    pci_model_multifunction(pci, index);
    pci_model_endpoint(pci, 0, 0, 1);
    pci_bench_isolate(true);
    assert_int_equal(pci_reset_method(&found, pci_bench_at(1, 0, 0)), PCI_RESET_NONE);
    struct pci_reset reset = { 0 };

    assert_int_equal(pci_reset(&found, pci_bench_at(1, 0, 0), &reset), PCI_RESET_FAILED);
    assert_int_equal(pci->function[index].bus_resets, 0);
}

static void a_function_that_does_not_come_back_fails_within_its_deadline(void)
{
    uint64_t nanoseconds;
    int index;

    one_endpoint(&index);
    pci_model_express(pci, index, 0, true);
    pci_bench_isolate(true);
    pci->reset_reads = PCI_MODEL_NEVER;
    assert_int_equal(run(pci_bench_at(1, 0, 0), &nanoseconds), PCI_RESET_FAILED);
    assert_in_range(nanoseconds, 1000000000, 1300000000);
}

/* ---- Requests that the function still waits for an answer of -------------------------------------- */

static struct pci_reset begun;
static int waits; /* index of a function with FLR */

static enum pci_reset_result step(void)
{
    return pci_reset(&found, pci_bench_at(1, 0, 0), &begun);
}

/* Its capability says so at that offset in a bit. */
static void expect_reset_behind_pending(uint32_t capability, uint32_t offset, uint8_t bit)
{
    uint8_t *status = &pci->function[waits].config[capability + offset];

    pci_bench_isolate(true);
    begun = (struct pci_reset){ 0 };
    *status |= bit;
    for (unsigned int i = 0; i < 50; i++) {
        assert_int_equal(step(), PCI_RESET_WAITING);
        assert_true(begun.step != 0);
        host_advance(1000000);
    }
    assert_int_equal(pci_model_get16(pci, waits, 4), 0x400);
    assert_int_equal(pci->function[waits].function_resets, 0);
    *status &= (uint8_t)~bit;
    assert_int_equal(step(), PCI_RESET_WAITING);
    assert_int_equal(pci->function[waits].function_resets, 1);
    while (step() == PCI_RESET_WAITING)
        host_advance(1000000);
    assert_null(strstr(host_console(), "pending"));
}

static void flr_waits_for_what_the_function_has_asked_for(void)
{
    one_endpoint(&waits);
    pci_model_express(pci, waits, 0, true);
    expect_reset_behind_pending(pci->function[waits].cap_express, 0xA, 0x20);
}

static void flr_of_a_conventional_function_waits_for_what_it_has_asked_for(void)
{
    one_endpoint(&waits);
    pci_model_advanced(pci, waits);
    expect_reset_behind_pending(pci->function[waits].cap_advanced, 5, 0x01);
}

static void other_bits_of_its_status_hold_up_no_flr(void)
{
    one_endpoint(&waits);
    pci_model_express(pci, waits, 0, true);
    pci->function[waits].config[pci->function[waits].cap_express + 0xA] = 0xDF;
    pci_bench_isolate(true);
    assert_int_equal(step(), PCI_RESET_WAITING);
    assert_int_equal(pci->function[waits].function_resets, 1);
}

static void a_function_that_always_waits_for_something_is_reset_all_the_same_and_that_is_said(void)
{
    uint64_t start;

    one_endpoint(&waits);
    pci_model_express(pci, waits, 0, true);
    pci_bench_isolate(true);
    pci->function[waits].config[pci->function[waits].cap_express + 0xA] = 0x20;
    start = time_now();
    while (pci->function[waits].function_resets == 0) {
        assert_true(time_now() - start < 200000000);
        assert_int_equal(step(), PCI_RESET_WAITING);
        host_advance(1000000);
    }
    assert_in_range(time_now() - start, 100000000, 110000000);
    assert_non_null(strstr(host_console(), "pci: 0000:01:00.0 has requests pending after 100 ms: "
                                           "reset all the same"));
}

static void only_flr_waits_for_requests(void)
{
    one_endpoint(&waits);
    pci_model_express(pci, waits, 0, false);
    pci_model_power(pci, waits, true);
    pci_bench_isolate(true);
    pci->function[waits].config[pci->function[waits].cap_express + 0xA] = 0x20;
    assert_int_equal(step(), PCI_RESET_WAITING);
    assert_int_equal(pci->function[waits].config[pci->function[waits].cap_power + 4] & 3, 3);
}

static void a_function_with_advanced_features_and_without_flr_waits_for_no_request(void)
{
    one_endpoint(&waits);
    pci_model_advanced(pci, waits);
    pci_model_power(pci, waits, true);
    pci->function[waits].config[pci->function[waits].cap_advanced + 3] = 0; /* no FLR, TP only */
    pci->function[waits].config[pci->function[waits].cap_advanced + 5] = 1;
    pci_bench_isolate(true);
    assert_int_equal(step(), PCI_RESET_WAITING);
    assert_int_equal(pci->function[waits].config[pci->function[waits].cap_power + 4] & 3, 3);
}

static void no_step_of_a_reset_comes_before_its_time(void)
{
    struct pci_reset reset = { 0 };
    int index;

    one_endpoint(&index);
    pci_model_express(pci, index, 0, true);
    pci_bench_isolate(true);
    assert_int_equal(pci_reset(&found, pci_bench_at(1, 0, 0), &reset), PCI_RESET_WAITING);
    unsigned int writes = pci->write_count;

    for (unsigned int i = 0; i < 1000; i++)
        assert_int_equal(pci_reset(&found, pci_bench_at(1, 0, 0), &reset), PCI_RESET_WAITING);
    assert_int_equal(pci->write_count, writes);
}

int run_isolate_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(devices_alone_below_root_ports_stand_alone_on_the_boards_word),
        TEST(without_the_boards_word_ports_without_acs_are_one_group),
        TEST(row_1_4_ports_with_acs_isolate_without_the_boards_word),
        TEST(acs_that_does_not_stay_on_does_not_isolate),
        TEST(integrated_endpoints_stand_alone_only_on_the_boards_word),
        TEST(a_function_that_has_nobody_to_share_a_root_complex_with_stands_alone),
        TEST(a_switch_without_acs_joins_what_is_below_it),
        TEST(a_switch_with_acs_keeps_its_devices_apart),
        TEST(a_switch_with_half_of_acs_joins_what_is_below_it),
        TEST(functions_behind_a_bridge_to_pci_share_its_requester_id),
        TEST(functions_behind_a_conventional_bridge_carry_its_id),
        TEST(functions_of_one_device_are_a_group_unless_each_has_acs),
        TEST(a_function_with_flr_is_reset_by_it),
        TEST(a_conventional_function_with_flr_is_reset_by_it),
        TEST(flr_is_begun_through_the_capability_that_has_it),
        TEST(flr_waits_for_what_the_function_has_asked_for),
        TEST(flr_of_a_conventional_function_waits_for_what_it_has_asked_for),
        TEST(other_bits_of_its_status_hold_up_no_flr),
        TEST(a_function_that_always_waits_for_something_is_reset_all_the_same_and_that_is_said),
        TEST(only_flr_waits_for_requests),
        TEST(a_functions_acs_is_on_again_after_its_reset),
        TEST(a_function_with_power_management_goes_to_d3_and_back),
        TEST(a_function_alone_on_its_bus_is_reset_with_the_bus),
        TEST(a_function_with_neighbours_is_not_reset_with_the_bus),
        TEST(a_function_that_does_not_come_back_fails_within_its_deadline),
        TEST(a_function_with_advanced_features_and_without_flr_waits_for_no_request),
        TEST(no_step_of_a_reset_comes_before_its_time),
    };

    return RUN_GROUP("pci/isolate and reset");
}
