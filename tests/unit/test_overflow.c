/* SPDX-License-Identifier: Apache-2.0 */
/* Who falls silent when a unit's event queue overflows, and what the log says of storms (kernel/fault.c). */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define STREAM1 0x100
#define STREAM2 0x200
#define NOBODYS 0x7000
#define EVENTQ_CONS_OFFSET 0x100AC
#define SECOND UINT64_C(1000000000)

static void fault(uint32_t stream, unsigned int times)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < times; i++)
        smmuv3_model_dma(machine.unit[0], stream, 0x100000, &value, sizeof(value), true);
}

static void boot(enum smmuv3_model_overflow kind, unsigned int queue_log2)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.overflow = kind;
    parameters.eventqs = queue_log2;
    machine_plain_with(&parameters);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
}

static void start(void)
{
    boot(SMMUV3_MODEL_OVERFLOW_OVFLG, 10);
}

static void expect_silent(bool first, bool second)
{
    if (device_find(DEVICE1_NAME)->silent != first || device_find(DEVICE2_NAME)->silent != second)
        fail_msg("the first device is %s, the second %s",
                 device_find(DEVICE1_NAME)->silent ? "silent" : "heard",
                 device_find(DEVICE2_NAME)->silent ? "silent" : "heard");
}

static unsigned int lines_with(const char *text)
{
    unsigned int lines = 0;

    machine_drain_console();
    for (const char *at = machine.console; (at = strstr(at, text)) != NULL; at++)
        lines++;
    return lines;
}

static void fill_behind_another(enum smmuv3_model_overflow kind)
{
    boot(kind, 10);
    fault(STREAM1, 64);
    fault(STREAM2, 3000);
    machine_interrupts();
    expect_silent(false, true);
}

static void who_filled_the_queue_falls_silent_and_not_who_stood_in_front_of_it(void)
{
    fill_behind_another(SMMUV3_MODEL_OVERFLOW_OVFLG);
}

static void who_filled_the_queue_falls_silent_where_the_unit_says_eventq_abort(void)
{
    fill_behind_another(SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR);
}

/* Behind the look that reads the first one's record, before it is asked what went wrong. */
static unsigned int behind_the_look;

static void fill_behind_the_look(unsigned int unit, uint64_t offset, uint64_t value)
{
    unsigned int times = behind_the_look;

    (void)unit;
    (void)value;
    if (offset != EVENTQ_CONS_OFFSET)
        return;
    behind_the_look = 0;
    fault(STREAM2, times);
}

static void who_filled_the_queue_while_another_was_read_falls_silent(void)
{
    boot(SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR, 10);
    behind_the_look = 3000;
    machine.after_register_write = fill_behind_the_look;
    fault(STREAM1, 1);
    machine_interrupts();
    assert_int_equal(behind_the_look, 0);
    expect_silent(false, true);
}

static void what_was_read_before_counts_for_nothing_when_the_queue_overflows(void)
{
    start();
    for (unsigned int i = 0; i < 6; i++) {
        fault(STREAM1, 500);
        machine_interrupts();
    }
    fault(STREAM2, 3000);
    machine_interrupts();
    expect_silent(false, true);
}

static void of_two_that_fill_the_queue_alike_both_fall_silent(void)
{
    start();
    for (unsigned int i = 0; i < 600; i++) {
        fault(STREAM1, 1);
        fault(STREAM2, 1);
    }
    machine_interrupts();
    expect_silent(true, true);
}

static void a_queue_that_is_full_of_nobodys_faults_silences_no_device(void)
{
    start();
    fault(STREAM1, 300);
    fault(NOBODYS, 3000);
    machine_interrupts();
    expect_silent(false, false);
    /* More than a third, where there are two devices and nobody, is more than a share. */
    fault(STREAM1, 400);
    fault(NOBODYS, 3000);
    machine_interrupts();
    expect_silent(true, false);
}

/* The whole queue is read at the first look, before the loss is known. */
static void fill_a_small_queue(enum smmuv3_model_overflow kind)
{
    boot(kind, 3);
    fault(STREAM1, 2);
    fault(STREAM2, 10);
    machine_interrupts();
    expect_silent(false, true);
}

static void who_filled_a_small_queue_falls_silent(void)
{
    fill_a_small_queue(SMMUV3_MODEL_OVERFLOW_OVFLG);
}

static void who_filled_a_small_queue_falls_silent_where_the_unit_says_eventq_abort(void)
{
    fill_a_small_queue(SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR);
}

/* Each overflow is judged by its own queue. */
static void a_second_overflow_silences_whoever_made_that_one(void)
{
    start();
    fault(STREAM2, 3000);
    machine_interrupts();
    expect_silent(false, true);
    fault(STREAM1, 3000);
    machine_interrupts();
    expect_silent(true, true);
}

static void a_storm_that_could_not_be_ended_is_not_held_against_the_device_later(void)
{
    struct device *device;

    start();
    device = device_find(DEVICE1_NAME);
    lock_acquire(&device->group->lock);
    fault(STREAM1, 3000);
    machine_interrupts();
    expect_silent(false, false);
    lock_release(&device->group->lock);
    fault(STREAM2, 3000);
    machine_interrupts();
    expect_silent(false, true);
}

static void i7_a_guest_that_attaches_in_its_own_storm_makes_a_bounded_number_of_lines(void)
{
    uint64_t ioas, value = 0;
    unsigned int lines;

    start();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    /* The storm is said even where faults have used up the lines. */
    for (uint64_t i = 0; i < 20; i++)
        smmuv3_model_dma(machine.unit[0], STREAM1, i << PAGE_SHIFT, &value, sizeof(value), true);
    for (unsigned int i = 0; i < 5000; i++) {
        fault(STREAM1, 1);
        machine_interrupts();
    }
    expect_silent(true, false);
    for (unsigned int i = 0; i < 50; i++) {
        assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
        assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
        expect_silent(false, false);
        fault(STREAM1, 1);
        machine_interrupts();
        expect_silent(true, false);
    }
    assert_true(time_now() < SECOND);
    lines = lines_with("floods the event queue");
    assert_int_equal(lines, 1);
    /* How many there would have been is said once. */
    host_advance(2 * SECOND);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    for (unsigned int i = 0; i < 2; i++) {
        fault(STREAM1, 1);
        machine_interrupts();
    }
    assert_int_equal(lines_with("floods the event queue"), lines);
    assert_int_equal(lines_with("more lines about 0000:01:00.0 were left out"), 1);
}

int run_overflow_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_filled_the_queue_falls_silent_and_not_who_stood_in_front_of_it),
        TEST(who_filled_the_queue_falls_silent_where_the_unit_says_eventq_abort),
        TEST(who_filled_the_queue_while_another_was_read_falls_silent),
        TEST(what_was_read_before_counts_for_nothing_when_the_queue_overflows),
        TEST(of_two_that_fill_the_queue_alike_both_fall_silent),
        TEST(a_queue_that_is_full_of_nobodys_faults_silences_no_device),
        TEST(who_filled_a_small_queue_falls_silent),
        TEST(who_filled_a_small_queue_falls_silent_where_the_unit_says_eventq_abort),
        TEST(a_second_overflow_silences_whoever_made_that_one),
        TEST(a_storm_that_could_not_be_ended_is_not_held_against_the_device_later),
        TEST(i7_a_guest_that_attaches_in_its_own_storm_makes_a_bounded_number_of_lines),
    };

    return RUN_GROUP("kernel/overflow");
}
