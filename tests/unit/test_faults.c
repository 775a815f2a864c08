/* SPDX-License-Identifier: Apache-2.0 */
/* Fault records and lines, windows, and the silent park of a storm (kernel/fault.c; I9). */
#include <string.h>

#include "arch/host/host.h"
#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define SECOND UINT64_C(1000000000)

static uint64_t ioas;

static void start(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 0x77);
}

static unsigned int fault_lines(void)
{
    unsigned int lines = 0;

    machine_drain_console();
    for (const char *at = machine.console; (at = strstr(at, "fault: device=")) != NULL; at++)
        lines++;
    return lines;
}

static enum dma fire(uint64_t iova)
{
    pci_model_set16(&machine.pci, DEVICE1, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, DEVICE1, 4) | 4));
    return dma_write(DEVICE1, iova, 1);
}

static void i9_a_fault_line_names_device_partition_cause_access_and_address(void)
{
    uint64_t value;

    start();
    assert_int_equal(fire(0x123000), DMA_BLOCKED);
    assert_console("[bulkhead] fault: device=0000:01:00.0 partition=one cause=translation access=w "
                   "iova=0x123000");
    host_advance(SECOND);
    assert_int_equal(call(0, BH_CALL_IOAS_MAP, ioas, 0x5000, BASE, PAGE_SIZE, BH_MAP_WRITE), BH_OK);
    assert_int_equal(dma_read(DEVICE1, 0x5010, &value), DMA_BLOCKED);
    assert_console("cause=permission access=r iova=0x5010");
}

static void i9_the_record_holds_the_last_fault_and_counts_all(void)
{
    struct bh_query_fault fault;

    start();
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(fire(i * 0x10000), DMA_BLOCKED);
    fault = query_fault(0, DEVICE1_ID);
    assert_int_equal(fault.count, 20);
    assert_int_equal(fault.iova, 20 * 0x10000);
    assert_int_equal(fault.label, 0x77);
    assert_int_equal(fault.lost, 0);
}

static void i7_a_window_has_a_bounded_number_of_lines(void)
{
    start();
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(fire(i * 0x10000), DMA_BLOCKED);
    unsigned int lines = fault_lines();

    assert_in_range(lines, 1, 9);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 500);
    /* The next window has lines again. */
    host_advance(2 * SECOND);
    assert_int_equal(fire(0x9990000), DMA_BLOCKED);
    assert_int_equal(fault_lines(), lines + 1);
    assert_console("iova=0x9990000");
}

static void a_burst_on_one_page_is_one_line(void)
{
    start();
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(fire(0x70000 + 8 * i), DMA_BLOCKED);
    assert_int_equal(fault_lines(), 1);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 100);
}

static void i9_events_that_were_lost_are_counted_for_each_partition_behind_the_unit(void)
{
    uint64_t value = 0;

    start();
    for (unsigned int i = 0; i < 3000; i++)
        smmuv3_model_dma(machine.unit[0], 0x100, 0x100000, &value, sizeof(value), true);
    assert_true(smmuv3_model_events_lost(machine.unit[0]) > 0);
    machine_interrupts();
    assert_int_equal(query_fault(0, DEVICE1_ID).lost, 1);
    assert_console("overflowed");
}

static void a_parked_device_that_storms_falls_silent_and_others_are_still_reported(void)
{
    uint64_t recorded;

    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < 5000; i++)
        assert_int_equal(fire(0x100000), DMA_BLOCKED);
    recorded = smmuv3_model_events_recorded(machine.unit[0]);
    assert_true(device_find(DEVICE1_NAME)->silent);
    for (unsigned int i = 0; i < 100; i++)
        assert_int_equal(fire(0x100000), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded);
    pci_model_set16(&machine.pci, DEVICE2, 4, 6);
    assert_int_equal(dma_write(DEVICE2, 0x1000, 1), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded + 1);
    assert_console("device=0000:02:00.0");
    /* An owner that attaches it makes it heard again. */
    uint64_t id = bind_and_attach(0, DEVICE1_ID, 1);

    assert_int_equal(map(0, id, 0, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0, 1), DMA_LANDED);
    assert_false(query_state(0, DEVICE1_ID).stream_silent);
    assert_int_equal(fire(0x100000), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded + 2);
}

static void i9_faults_for_another_owner_are_not_told(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    bind_and_attach(0, DEVICE1_ID, 0x77);
    assert_int_equal(fire(0x123000), DMA_BLOCKED);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 1);
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 0);
    assert_int_equal(query_fault(1, DEVICE1_ID).iova, 0);
    call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE);
    call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 0);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 0);
}

static void i9_an_unknown_stream_is_named_by_its_number(void)
{
    uint64_t value = 0;

    start();
    smmuv3_model_dma(machine.unit[0], 0x1234, 0x1000, &value, sizeof(value), true);
    machine_interrupts();
    assert_console("device=unknown partition=none");
    assert_console("stream=0x1234");
}

static void a_silenced_unit_is_said_once_with_its_reason(void)
{
    const char *first;

    start();
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_console("reported that it failed: silenced");
    first = strstr(machine.console, "silenced");
    host_interrupt(UNIT_ERROR_INTERRUPT(0));
    machine_drain_console();
    assert_null(strstr(first + 1, "silenced, nothing"));
    assert_int_equal(map(0, ioas, 0, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, ioas, 0, PAGE_SIZE), BH_ETIMEDOUT);
}

static void the_same_fault_later_is_another_line(void)
{
    start();
    assert_int_equal(fire(0x70000), DMA_BLOCKED);
    host_advance(SECOND / 50);
    assert_int_equal(fire(0x70000), DMA_BLOCKED);
    assert_int_equal(fault_lines(), 2);
}

static void a_fault_with_another_cause_is_another_line(void)
{
    start();
    assert_int_equal(fire(0x5000), DMA_BLOCKED);
    assert_int_equal(call(0, BH_CALL_IOAS_MAP, ioas, 0x5000, BASE, PAGE_SIZE, BH_MAP_READ), BH_OK);
    assert_int_equal(fire(0x5000), DMA_BLOCKED);
    assert_console("cause=translation access=w iova=0x5000");
    assert_console("cause=permission access=w iova=0x5000");
}

static void a_fault_in_the_other_direction_is_another_line(void)
{
    uint64_t value;

    start();
    assert_int_equal(fire(0x70000), DMA_BLOCKED);
    assert_int_equal(dma_read(DEVICE1, 0x70000, &value), DMA_BLOCKED);
    assert_console("access=w iova=0x70000");
    assert_console("access=r iova=0x70000");
}

static void a_fault_on_the_next_page_is_another_line(void)
{
    start();
    assert_int_equal(fire(0x70FF8), DMA_BLOCKED);
    assert_int_equal(fire(0x71000), DMA_BLOCKED);
    assert_int_equal(fault_lines(), 2);
}

static void a_window_begins_with_its_first_fault(void)
{
    start();
    assert_true(time_now() < SECOND / 2);
    host_advance(SECOND - SECOND / 10 - time_now());
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(fire(i * 0x10000), DMA_BLOCKED);
    unsigned int lines = fault_lines();

    host_advance(SECOND / 2);
    assert_int_equal(fire(0x9990000), DMA_BLOCKED);
    assert_int_equal(fault_lines(), lines);
}

/* A stream that nobody owns cannot be made silent: its reports fill every gap in the queue. */
static void i7_row_1_12_events_that_never_end_take_a_tenth_of_the_boot_cpu(void)
{
    uint64_t value = 0, begin, spent = 0, seen;

    start();
    host_time_step = 100;
    begin = time_now();
    while (time_now() - begin < SECOND) {
        for (unsigned int i = 0; i < 20; i++)
            smmuv3_model_dma(machine.unit[0], 0x1234, 0x1000, &value, sizeof(value), true);
        uint64_t before = time_now();

        host_interrupt(UNIT_EVENT_INTERRUPT(0));
        spent += time_now() - before;
        host_advance(10000);
    }
    if (spent > SECOND / 100 * 14)
        fail_msg("of a second events took %llu us", (unsigned long long)spent / 1000);
    seen = smmuv3_model_events_recorded(machine.unit[0]);
    assert_true(seen > 10000);
    assert_true(smmuv3_model_events_lost(machine.unit[0]) > 0);
    assert_true(query_fault(0, DEVICE1_ID).lost > 0);
    /* What waited is read as soon as its time has come. */
    machine_interrupts();
    assert_int_equal(devices.iommu[0].counters.events, seen);
    assert_int_equal(fire(0x123000), DMA_BLOCKED);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 1);
    assert_false(devices.iommu[0].silenced);
}

#define EVENTQ_CONS_OFFSET 0x100AC

static uint64_t held_up_until;

static void be_held_up(unsigned int unit, uint64_t offset, uint64_t value)
{
    uint64_t data = 0;

    (void)unit;
    (void)value;
    if (offset != EVENTQ_CONS_OFFSET)
        return;
    machine.after_register_write = NULL;
    for (unsigned int i = 0; i < 100; i++)
        smmuv3_model_dma(machine.unit[0], 0x100, 0x1000, &data, sizeof(data), true);
    host_advance(10 * SECOND);
    held_up_until = time_now();
}

/* As where the machine is an emulated one: the time that others took is not paid for by faults. */
static void a_cpu_that_was_held_up_in_its_handler_reads_on_within_a_tenth_of_a_second(void)
{
    start();
    machine.after_register_write = be_held_up;
    assert_int_equal(fire(0x123000), DMA_BLOCKED);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 101);
    if (time_now() - held_up_until > SECOND / 8)
        fail_msg("the last fault was read after %llu us",
                 (unsigned long long)(time_now() - held_up_until) / 1000);
}

int run_faults_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i9_a_fault_line_names_device_partition_cause_access_and_address),
        TEST(i9_the_record_holds_the_last_fault_and_counts_all),
        TEST(i7_a_window_has_a_bounded_number_of_lines),
        TEST(a_burst_on_one_page_is_one_line),
        TEST(i9_events_that_were_lost_are_counted_for_each_partition_behind_the_unit),
        TEST(a_parked_device_that_storms_falls_silent_and_others_are_still_reported),
        TEST(i9_faults_for_another_owner_are_not_told),
        TEST(i9_an_unknown_stream_is_named_by_its_number),
        TEST(a_silenced_unit_is_said_once_with_its_reason),
        TEST(the_same_fault_later_is_another_line),
        TEST(a_fault_with_another_cause_is_another_line),
        TEST(a_fault_in_the_other_direction_is_another_line),
        TEST(a_fault_on_the_next_page_is_another_line),
        TEST(a_window_begins_with_its_first_fault),
        TEST(i7_row_1_12_events_that_never_end_take_a_tenth_of_the_boot_cpu),
        TEST(a_cpu_that_was_held_up_in_its_handler_reads_on_within_a_tenth_of_a_second),
    };

    return RUN_GROUP("kernel/fault");
}
