/* SPDX-License-Identifier: Apache-2.0 */
/* Two units under one kernel, with the same stream ids behind each of them. */
#include <libfdt.h>

#include "groups.h"
#include "kernel/partition.h"
#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define STREAM 0x100
#define SECOND_HANDLE 0x8001u
#define SIBLING_NAME "0000:01:00.1"
#define INTEGRATED_NAME "0000:00:05.0"
#define SIBLING_ID (DEVICE_ID_PCI | 0x101)

/* Bus 1 stands behind the first unit, bus 2 behind the second, where its ids are those of bus 1 again.
 * Both functions on bus 1 have one id. */
static void lead_bus_2_to_the_second_unit(void *tree)
{
    static const uint32_t map[] = { 0x000, 0x8000, 0x000, 0x101,         0x101, 0x8000,
                                    0x100, 0x1,    0x200, SECOND_HANDLE, 0x100, 0x100 };
    fdt32_t cell[ARRAY_LENGTH(map)];
    int node = fdt_node_offset_by_compatible(tree, -1, "pci-host-ecam-generic");

    for (unsigned int i = 0; i < ARRAY_LENGTH(map); i++)
        cell[i] = cpu_to_fdt32(map[i]);
    assert_int_equal(fdt_setprop(tree, node, "iommu-map", cell, sizeof(cell)), 0);
}

/* Partition "one" may bind what stands behind both units. */
static void boot(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    int sibling;

    machine_plain();
    machine_add_unit(&parameters);
    machine_board_unit();
    machine.tree.units = 2;
    machine.tree.edit = lead_bus_2_to_the_second_unit;
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    pci_model_multifunction(&machine.pci, DEVICE1);
    pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, 5, 0); /* of an id of its own */
    machine.partition[0].pci[1] = SIBLING_NAME;
    machine.partition[0].pci[2] = DEVICE2_NAME;
    machine_boot();
    assert_true(devices.iommu[0].usable);
    assert_true(devices.iommu[1].usable);
    assert_ptr_equal(device_find(DEVICE1_NAME)->iommu, &devices.iommu[0]);
    assert_ptr_equal(device_find(DEVICE2_NAME)->iommu, &devices.iommu[1]);
    assert_int_equal(device_find(DEVICE1_NAME)->stream, STREAM);
    assert_int_equal(device_find(SIBLING_NAME)->stream, STREAM);
    assert_int_equal(device_find(DEVICE2_NAME)->stream, STREAM);
}

/* By what the unit keeps, and by what stands in memory. */
static void expect(unsigned int unit, uint64_t iova, enum smmuv3_model_outcome outcome,
                   uint64_t address)
{
    const struct smmuv3_model_access access = { .stream_id = STREAM, .iova = iova, .write = true };

    for (unsigned int fresh = 0; fresh < 2; fresh++) {
        struct smmuv3_model_result result = smmuv3_model_transact(machine.unit[unit], &access);

        if (result.outcome != outcome || (outcome == SMMUV3_MODEL_OK && result.address != address))
            fail_msg("unit %u leads 0x%llx to 0x%llx with outcome %d", unit,
                     (unsigned long long)iova, (unsigned long long)result.address,
                     (int)result.outcome);
        smmuv3_model_evict(machine.unit[unit]);
    }
}

static void expect_reach(unsigned int unit, uint64_t iova, uint64_t offset)
{
    expect(unit, iova, SMMUV3_MODEL_OK, partitions.partition[0].physical + offset);
}

static void expect_blocked(unsigned int unit, uint64_t iova)
{
    expect(unit, iova, SMMUV3_MODEL_ABORT, 0);
}

static void i5_devices_with_one_id_on_two_units_reach_what_is_mapped_for_each(void)
{
    uint64_t first, second;

    boot();
    expect_blocked(0, IOVA);
    expect_blocked(1, IOVA);
    first = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, first, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    expect_reach(0, IOVA, 0x3000);
    expect_blocked(1, IOVA);
    second = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, second, IOVA, BASE + 0x5000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, second, 2 * IOVA, BASE + 0x6000, PAGE_SIZE), BH_OK);
    expect_reach(0, IOVA, 0x3000);
    expect_reach(1, IOVA, 0x5000);
    expect_reach(1, 2 * IOVA, 0x6000);
    expect_blocked(0, 2 * IOVA);
    /* What is taken away from one stays the other's. */
    assert_int_equal(unmap(0, first, IOVA, PAGE_SIZE), BH_OK);
    expect_blocked(0, IOVA);
    expect_reach(1, IOVA, 0x5000);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
    expect_blocked(1, IOVA);
    /* What the two share is attached on both. */
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, first), BH_OK);
    assert_int_equal(map(0, first, IOVA, BASE + 0x7000, PAGE_SIZE), BH_OK);
    expect_reach(0, IOVA, 0x7000);
    expect_reach(1, IOVA, 0x7000);
    assert_units_clean();
}

static void a_device_that_shares_its_id_is_no_sibling_of_what_stands_behind_another_unit(void)
{
    uint64_t first, second;

    boot();
    second = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, second, IOVA, BASE + 0x5000, PAGE_SIZE), BH_OK);
    /* Attached, though the same id is attached to another ioas elsewhere... */
    first = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, first, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    expect_reach(0, IOVA, 0x3000);
    /* ...and parked, though the same id stays attached elsewhere. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_blocked(0, IOVA);
    expect_reach(1, IOVA, 0x5000);
    assert_units_clean();
}

static void i9_a_fault_is_told_of_the_device_behind_the_unit_that_reports_it(void)
{
    boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    expect_blocked(1, IOVA);
    machine_interrupts();
    /* Once by what the unit keeps, once by what stands in memory. */
    assert_int_equal(query_fault(0, DEVICE2_ID).count, 2);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 0);
    assert_int_equal(query_fault(0, SIBLING_ID).count, 0);
}

static void expect_silent(unsigned int silent)
{
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, silent);
    assert_int_equal(query_state(0, SIBLING_ID).stream_silent, silent);
    assert_int_equal(query_state(0, DEVICE2_ID).stream_silent, 0);
    assert_false(device_find(INTEGRATED_NAME)->silent);
}

/* The stream is one, whoever of the two is attached or asks. */
static void a_shared_stream_is_silent_for_all_on_it_until_it_is_moved(void)
{
    uint64_t value = 0, ioas;

    boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(bind(0, SIBLING_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_ID, BH_PASID_NONE, ioas), BH_OK);
    expect_silent(0);
    for (unsigned int i = 0; i < 5000; i++) {
        smmuv3_model_dma(machine.unit[0], STREAM, IOVA, &value, sizeof(value), true);
        machine_interrupts();
    }
    expect_silent(1);
    /* The other one is attached still: the stream stays as it is. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_silent(1);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    expect_silent(1);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_ID, BH_PASID_NONE), BH_OK);
    expect_silent(0);
    assert_units_clean();
}

static void i9_an_overflow_is_told_to_nobody_who_has_devices_behind_another_unit_alone(void)
{
    struct bh_query_health *health;

    boot();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    for (unsigned int unit = 0; unit < 2; unit++) {
        uint64_t value = 0;

        for (unsigned int i = 0; i < 3000; i++)
            smmuv3_model_dma(machine.unit[unit], STREAM, IOVA, &value, sizeof(value), true);
        machine_interrupts();
        health = guest(0, BASE + 0x100000);
        *health = (struct bh_query_health){ .size = sizeof(*health) };
        assert_int_equal(call2(0, BH_CALL_QUERY, BH_QUERY_HEALTH, BASE + 0x100000), BH_OK);
        assert_int_equal(health->overflows, unit);
    }
}

#define SECOND UINT64_C(1000000000)

/* What streams of no device leave in the unit's queue; nothing makes them silent. */
static void fill(unsigned int unit)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < 200; i++)
        smmuv3_model_dma(machine.unit[unit], 0x7000, IOVA, &value, sizeof(value), true);
}

/* A second of a storm behind the unit, whose interrupt comes as often as the CPU has time for it; how long
 * events took of it. */
static uint64_t storm_for_a_second(unsigned int units)
{
    uint64_t begin = time_now(), spent = 0;

    while (time_now() - begin < SECOND) {
        for (unsigned int unit = 0; unit < units; unit++) {
            fill(unit);
            uint64_t before = time_now();

            host_interrupt(UNIT_EVENT_INTERRUPT(unit));
            spent += time_now() - before;
        }
        host_advance(10000);
    }
    return spent;
}

static void i7_a_storm_behind_one_unit_holds_up_no_report_of_another(void)
{
    boot();
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    host_time_step = 100;
    storm_for_a_second(1);
    expect_blocked(1, IOVA);
    host_interrupt(UNIT_EVENT_INTERRUPT(1));
    assert_int_equal(query_fault(0, DEVICE2_ID).count, 2);
}

static void i7_storms_behind_all_units_take_a_tenth_of_the_boot_cpu_together(void)
{
    uint64_t read[2], spent;

    boot();
    host_time_step = 100;
    spent = storm_for_a_second(2);
    if (spent > SECOND / 100 * 14)
        fail_msg("of a second events took %llu us", (unsigned long long)spent / 1000);
    /* Each has had its part. */
    for (unsigned int unit = 0; unit < 2; unit++)
        read[unit] = devices.iommu[unit].counters.events;
    if (read[0] < 1000 || read[1] < read[0] / 10 * 8 || read[1] > read[0] / 10 * 12)
        fail_msg("of one unit %llu events were read, of the other %llu",
                 (unsigned long long)read[0], (unsigned long long)read[1]);
}

static void leave(unsigned int unit, uint32_t stream, unsigned int faults)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < faults; i++)
        smmuv3_model_dma(machine.unit[unit], stream, IOVA, &value, sizeof(value), true);
}

/* As many faults at the same places of two queues: too many of one of several devices, and not of a single one. */
static void an_overflow_is_judged_by_the_devices_of_its_own_unit(void)
{
    boot();
    for (unsigned int unit = 2; unit-- > 0;) {
        leave(unit, STREAM, 100); /* of 256 */
        leave(unit, 0x7000, 3000);
    }
    host_interrupt(UNIT_EVENT_INTERRUPT(1));
    machine_interrupts();
    assert_true(device_find(DEVICE1_NAME)->silent);
    assert_false(device_find(DEVICE2_NAME)->silent);
    leave(1, STREAM, 1);
    machine_interrupts();
    assert_false(device_find(DEVICE2_NAME)->silent);
}

int run_two_units_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i5_devices_with_one_id_on_two_units_reach_what_is_mapped_for_each),
        TEST(a_device_that_shares_its_id_is_no_sibling_of_what_stands_behind_another_unit),
        TEST(i9_a_fault_is_told_of_the_device_behind_the_unit_that_reports_it),
        TEST(a_shared_stream_is_silent_for_all_on_it_until_it_is_moved),
        TEST(i9_an_overflow_is_told_to_nobody_who_has_devices_behind_another_unit_alone),
        TEST(an_overflow_is_judged_by_the_devices_of_its_own_unit),
        TEST(i7_a_storm_behind_one_unit_holds_up_no_report_of_another),
        TEST(i7_storms_behind_all_units_take_a_tenth_of_the_boot_cpu_together),
    };

    return RUN_GROUP("kernel/two units");
}
