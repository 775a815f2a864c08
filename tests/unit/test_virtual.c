/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual functions (drivers/pci/virtual.c): who gets them, where they stand, what joins them, and that they can be
 * assigned while their physical function cannot. */
#include <string.h>

#include "arch/seam.h"
#include "boot_bench.h"
#include "bulkhead/abi.h"
#include "groups.h"
#include "kernel/device.h"
#include "observer.h"
#include "pci_bench.h"

#define ROOT PCI_MODEL_ROOT
#define OFFSET 0x80
#define STRIDE 2
#define TOTAL 4
#define ARI_FORWARDING 0x20

static struct pci_model *const pci = &machine.pci;
static int port, physical, first; /* in the model */

static void make(uint16_t offset, uint16_t stride)
{
    port = pci_model_bridge(pci, ROOT, 5, 0, 4);
    pci_model_set32(pci, port, pci->function[port].cap_express + 0x24, ARI_FORWARDING);
    pci->function[port].writable[pci->function[port].cap_express + 0x28] = ARI_FORWARDING;
    physical = pci_model_endpoint(pci, port, 0, 0);
    pci_model_express(pci, physical, 0, true);
    pci_model_extended(pci, physical, 0x0E, 8);
    pci_model_bar(pci, physical, 0, 0x1000, false);
    first = pci_model_virtual(pci, physical, TOTAL, offset, stride);
    pci_model_virtual_bar(pci, physical, 0, 0x4000, true);
    pci_model_virtual_bar(pci, physical, 3, 0x1000, false);
}

static void bench(uint32_t most)
{
    pci_bench_reset();
    make(OFFSET, STRIDE);
    found.virtual_most = most;
}

static uint16_t control(void)
{
    return pci_model_get16(pci, physical, pci->function[physical].cap_sriov + 8);
}

static const struct pci_function *virtual_at(unsigned int n)
{
    return pci_bench_at(1, (OFFSET + n * STRIDE) >> 3, (OFFSET + n * STRIDE) & 7);
}

static void a_physical_function_is_given_as_many_as_the_board_says(void)
{
    for (unsigned int most = 0; most < TOTAL + 2; most++) {
        unsigned int count = most < TOTAL ? most : TOTAL;

        bench(most);
        pci_bench_isolate(true);
        assert_int_equal(found.count, 2 + count);
        assert_int_equal(pci_bench_at(1, 0, 0)->virtual_count, count);
        for (unsigned int n = 0; n < TOTAL; n++)
            assert_int_equal(pci_model_is_enabled(pci, first + (int)n), n < count);
    }
}

static void virtual_functions_stand_where_offset_and_stride_lead(void)
{
    bench(TOTAL);
    uint64_t start = time_now();

    pci_bench_isolate(true);
    assert_true(time_now() - start >= 100000000);
    for (unsigned int n = 0; n < TOTAL; n++) {
        const struct pci_function *function = virtual_at(n);

        assert_int_equal(function->physical, 1 + (pci_bench_at(1, 0, 0) - found.function));
        assert_int_equal(function->vendor, 0x1234);
        assert_int_equal(function->device, 0xBEEF);
        assert_int_equal(function->class_revision, 0x00FF0010);
        assert_int_equal(function->kind, PCI_ENDPOINT);
        assert_int_equal(function->requester, function->rid);
        assert_int_equal(function->reset_method, PCI_RESET_FUNCTION_LEVEL);
        assert_false(function->loud);
    }
    /* ARI leads requests to them, and the device knows that it does. */
    assert_int_equal(pci_model_get16(pci, port, pci->function[port].cap_express + 0x28),
                     ARI_FORWARDING);
    assert_int_equal(control(), 0x19);
}

static void the_registers_of_each_virtual_function_have_pages_of_their_own(void)
{
    uint64_t at, small;

    bench(TOTAL);
    pci_bench_isolate(true);
    at = pci_model_get32(pci, physical, pci->function[physical].cap_sriov + 0x24) & ~UINT64_C(0xF);
    small = pci_model_get32(pci, physical, pci->function[physical].cap_sriov + 0x30);
    assert_int_not_equal(at, 0);
    assert_true(small >= at + TOTAL * UINT64_C(0x4000) || at >= small + TOTAL * UINT64_C(0x1000));
    for (unsigned int n = 0; n < TOTAL; n++) {
        const struct pci_function *function = virtual_at(n);

        assert_int_equal(function->bar[0].address, at + n * UINT64_C(0x4000));
        assert_int_equal(function->bar[0].size, 0x4000);
        assert_int_equal(function->bar[3].address, small + n * UINT64_C(0x1000));
        assert_false(function->unplaced);
    }
    assert_int_equal(pci_model_get32(pci, physical, pci->function[physical].cap_sriov + 0x20), 1);
    /* The port's window leads to the last of them. */
    uint32_t window = pci_model_get32(pci, port, 0x20);

    assert_true((window & 0xFFF00000u) + 0x100000 >= small + TOTAL * UINT64_C(0x1000));
}

static void what_firmware_enabled_is_off_where_the_board_wants_none(void)
{
    bench(0);
    pci_model_set16(pci, physical, pci->function[physical].cap_sriov + 0x10, TOTAL);
    pci_model_set16(pci, physical, pci->function[physical].cap_sriov + 8, 0x9);
    uint64_t start = time_now();

    pci_bench_isolate(true);
    assert_int_equal(control() & 1, 0);
    assert_true(time_now() - start >= 1000000000);
}

static void a_virtual_function_beyond_the_bus_of_its_physical_one_has_no_place(void)
{
    pci_bench_reset();
    make(0xFD, 1);
    found.virtual_most = TOTAL;
    pci_bench_isolate(true);
    assert_int_equal(pci_bench_at(1, 0, 0)->virtual_count, 3);
    assert_int_equal(pci_model_get16(pci, physical, pci->function[physical].cap_sriov + 0x10), 3);
    assert_non_null(
        strstr(host_console(), "pci: 0000:01:00.0: of 4 virtual functions 3 have a place"));
}

static void virtual_functions_without_an_offset_are_none(void)
{
    pci_bench_reset();
    make(0, STRIDE);
    found.virtual_most = TOTAL;
    pci_bench_isolate(true);
    assert_int_equal(found.count, 2);
    assert_int_equal(control() & 1, 0);
    pci_bench_reset();
    make(OFFSET, 0);
    found.virtual_most = TOTAL;
    pci_bench_isolate(true);
    assert_int_equal(found.count, 2);
}

static void virtual_functions_whose_registers_do_not_fit_stay_off(void)
{
    const uint16_t third_bar = 0x24 + 2 * 4;

    bench(TOTAL);
    pci_model_virtual_bar(pci, physical, 2, UINT64_C(0x20000000), false);
    pci_bench_isolate(true);
    assert_int_equal(control() & 1, 0);
    for (unsigned int n = 0; n < TOTAL; n++) {
        assert_true(virtual_at(n)->unplaced);
        assert_int_not_equal(virtual_at(n)->bar[0].address, 0);
        assert_int_equal(virtual_at(n)->bar[2].address, 0);
    }
    assert_int_equal(pci_model_get32(pci, physical, pci->function[physical].cap_sriov + third_bar),
                     0);
    assert_int_equal(pci_bench_at(1, 0, 0)->virtual_count, 0);
    assert_false(pci_bench_at(1, 0, 0)->unplaced);
}

/* Without ARI above them, requests would not be led beyond the eighth function of the bus. */
static void a_port_without_ari_is_not_asked_to_lead(void)
{
    bench(TOTAL);
    pci_model_set32(pci, port, pci->function[port].cap_express + 0x24, 0);
    pci_bench_isolate(true);
    assert_int_equal(pci_model_get16(pci, port, pci->function[port].cap_express + 0x28), 0);
    assert_int_equal(control() & 0x10, 0);
}

static void on_a_root_bus_nobody_above_has_to_lead(void)
{
    pci_bench_reset();
    physical = pci_model_endpoint(pci, ROOT, 9, 0);
    pci_model_express(pci, physical, 9, true);
    pci_model_bar(pci, physical, 0, 0x1000, false);
    first = pci_model_virtual(pci, physical, TOTAL, OFFSET, STRIDE);
    pci_model_virtual_bar(pci, physical, 0, 0x4000, true);
    found.virtual_most = TOTAL;
    pci_bench_isolate(true);
    assert_int_equal(pci_bench_at(0, 9, 0)->virtual_count, TOTAL);
    assert_int_equal(control(), 0x19);
}

/* ---- Groups ------------------------------------------------------------------------------------- */

static void virtual_functions_stand_alone_on_the_boards_word(void)
{
    bench(TOTAL);
    found.virtual_isolated = true;
    pci_bench_isolate(true);
    for (uint32_t i = 0; i < found.count; i++) {
        assert_int_equal(found.function[i].group, i);
        assert_int_equal(found.function[i].group_reasons, 0);
    }
}

static void without_the_boards_word_they_are_one_group_with_their_physical_one(void)
{
    bench(TOTAL);
    pci_bench_isolate(true);
    for (unsigned int n = 0; n < TOTAL; n++) {
        assert_int_equal(virtual_at(n)->group, pci_bench_at(1, 0, 0)->group);
        assert_int_equal(virtual_at(n)->group_reasons, BH_GROUP_VIRTUAL_FUNCTION);
    }
}

static void with_acs_each_they_stand_alone_without_it(void)
{
    bench(TOTAL);
    pci_model_acs(pci, physical, 0x0C);
    for (int n = 0; n < TOTAL; n++)
        pci_model_acs(pci, first + n, 0x0C);
    pci_bench_isolate(true);
    for (unsigned int n = 0; n < TOTAL; n++)
        assert_int_equal(virtual_at(n)->group_reasons, 0);
}

/* ---- Assigned ------------------------------------------------------------------------------------ */

#define VIRTUAL_NAME "0000:03:10.0"
#define VIRTUAL_ID (DEVICE_ID_PCI | 0x380)
#define NEXT_NAME "0000:03:10.2"
#define NEXT_ID (DEVICE_ID_PCI | 0x382)

/* The board gives two, and vouches for them. */
static void build(void)
{
    machine_plain();
    make(OFFSET, STRIDE);
    machine.partition[0].pci[1] = VIRTUAL_NAME;
    machine_partition("two")->pci[0] = NEXT_NAME;
}

static void start(void)
{
    build();
    observer_start();
    machine_boot();
}

static void row_0_8_virtual_functions_have_streams_groups_and_owners_of_their_own(void)
{
    start();
    assert_null(device_find("0000:03:10.4"));
    assert_ptr_not_equal(device_find(VIRTUAL_NAME)->group, device_find(NEXT_NAME)->group);
    assert_int_equal(device_find(VIRTUAL_NAME)->stream, 0x380);
    assert_int_equal(device_find(NEXT_NAME)->stream, 0x382);
    uint64_t mine = bind_and_attach(0, VIRTUAL_ID, 1), other = bind_and_attach(1, NEXT_ID, 1);

    assert_int_equal(map(0, mine, 0x1000, 0x40000000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(first, 0x1000, 7), DMA_LANDED);
    assert_int_equal(dma_write(first + 1, 0x1000, 8), DMA_BLOCKED);
    assert_int_equal(map(1, other, 0x1000, 0x40000000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(first + 1, 0x1000, 8), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, 0x40000000), 7);
    assert_int_equal(*(uint64_t *)guest(1, 0x40000000), 8);
    /* A reset of one is its own. */
    assert_int_equal(pci->function[first].function_resets, 1);
    assert_int_equal(pci->function[physical].function_resets, 0);
}

static void i13_a_virtual_functions_registers_come_with_it_alone(void)
{
    start();
    uint64_t entry, size, bar = device_find(VIRTUAL_NAME)->function->bar[0].address;

    assert_int_equal(bind(0, VIRTUAL_ID, 1), BH_OK);
    assert_true(pagetable_lookup(&partitions.partition[0].stage2, bar, &entry, &size));
    assert_true(pagetable_lookup(&partitions.partition[0].stage2, bar + 0x3000, &entry, &size));
    assert_false(pagetable_lookup(&partitions.partition[0].stage2, bar + 0x4000, &entry, &size));
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, VIRTUAL_ID), BH_OK);
    assert_false(pagetable_lookup(&partitions.partition[0].stage2, bar, &entry, &size));
    assert_int_equal(control(), 0x19);
}

static void a_virtual_function_that_does_not_come_back_from_its_reset_is_etimedout(void)
{
    start();
    pci->reset_reads = PCI_MODEL_NEVER;
    assert_int_equal(bind(0, VIRTUAL_ID, 1), BH_ETIMEDOUT);
}

static void the_physical_function_stays_with_the_hypervisor(void)
{
    build();
    machine.partition[0].pci[1] = "0000:03:00.0";
    expect_boot_refused(
        "0000:03:00.0 cannot be assigned: it has virtual functions, and stays with the "
        "hypervisor");
}

int run_virtual_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_physical_function_is_given_as_many_as_the_board_says),
        TEST(virtual_functions_stand_where_offset_and_stride_lead),
        TEST(the_registers_of_each_virtual_function_have_pages_of_their_own),
        TEST(what_firmware_enabled_is_off_where_the_board_wants_none),
        TEST(a_virtual_function_beyond_the_bus_of_its_physical_one_has_no_place),
        TEST(virtual_functions_without_an_offset_are_none),
        TEST(virtual_functions_whose_registers_do_not_fit_stay_off),
        TEST(a_port_without_ari_is_not_asked_to_lead),
        TEST(on_a_root_bus_nobody_above_has_to_lead),
        TEST(virtual_functions_stand_alone_on_the_boards_word),
        TEST(without_the_boards_word_they_are_one_group_with_their_physical_one),
        TEST(with_acs_each_they_stand_alone_without_it),
        TEST(row_0_8_virtual_functions_have_streams_groups_and_owners_of_their_own),
        TEST(i13_a_virtual_functions_registers_come_with_it_alone),
        TEST(a_virtual_function_that_does_not_come_back_from_its_reset_is_etimedout),
        TEST(the_physical_function_stays_with_the_hypervisor),
    };

    return RUN_GROUP("pci/virtual");
}
