/* SPDX-License-Identifier: Apache-2.0 */
/* Faults that wait in a unit's queue while a device changes hands (kernel/assign.c, kernel/fault.c; I9): they
 * are nobody's, whenever they are read. */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define RING (BASE + 0x180000)
#define STREAM 0x100
#define OLD UINT64_C(0x111000) /* what the former owner's device wanted */
#define NEW UINT64_C(0x222000)
#define CMDQ_PROD_OFFSET 0x98

static struct bh_event_ring *ring_of(unsigned int partition)
{
    return guest(partition, RING);
}

/* Two partitions that may bind the same device. */
static void boot(const struct smmuv3_model_parameters *parameters)
{
    machine_plain_with(parameters);
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(call1(i, BH_CALL_EVENT_RING, RING), BH_OK);
    machine.masked = true;
}

static void look(void)
{
    machine.masked = false;
    machine_interrupts();
    machine.masked = true;
}

static void start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    boot(&parameters);
}

/* Faults; none is read before look(). */
static void fault(uint64_t iova, unsigned int times)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < times; i++)
        smmuv3_model_dma(machine.unit[0], STREAM, iova, &value, sizeof(value), true);
}

static void give_back(unsigned int partition)
{
    assert_int_equal(call1(partition, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
}

static void expect_untold(unsigned int partition)
{
    assert_int_equal(ring_of(partition)->sequence, 0);
    assert_int_equal(query_fault(partition, DEVICE1_ID).count, 0);
    assert_int_equal(query_fault(partition, DEVICE1_ID).iova, 0);
}

static void i9_faults_that_wait_while_a_device_changes_hands_are_told_to_nobody(void)
{
    start();
    bind_and_attach(0, DEVICE1_ID, 0x77);
    fault(OLD, 10);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    fault(OLD, 10);
    give_back(0);
    fault(OLD, 10);
    assert_int_equal(bind(1, DEVICE1_ID, 0x88), BH_OK);
    look();
    expect_untold(0);
    expect_untold(1);
    assert_console("device=0000:01:00.0 partition=none cause=translation access=w iova=0x111000");
    /* What comes now is the new owner's. */
    fault(NEW, 1);
    look();
    assert_int_equal(ring_of(0)->sequence, 0);
    assert_int_equal(ring_of(1)->sequence, 1);
    assert_int_equal(ring_of(1)->record[0].iova, NEW);
    assert_int_equal(ring_of(1)->record[0].label, 0x88);
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 1);
    assert_units_clean();
}

static void a_device_that_comes_back_to_its_owner_brings_no_faults_of_before(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    fault(OLD, 3);
    give_back(0);
    assert_int_equal(bind(0, DEVICE1_ID, 2), BH_OK);
    fault(NEW, 1);
    look();
    assert_int_equal(ring_of(0)->sequence, 1);
    assert_int_equal(ring_of(0)->record[0].iova, NEW);
    assert_int_equal(ring_of(0)->record[0].label, 2);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 1);
}

/* A unit has the time until a SYNC to show the record of what it has blocked (4.7.3). */
static unsigned int held_back;

static void show_at_sync(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    if (offset != CMDQ_PROD_OFFSET || held_back == 0)
        return;
    fault(OLD, held_back);
    held_back = 0;
}

static void i9_faults_that_a_unit_shows_no_sooner_than_it_must_are_still_the_former_owners(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    give_back(0);
    held_back = 2;
    machine.before_register_write = show_at_sync;
    assert_int_equal(bind(1, DEVICE1_ID, 2), BH_OK);
    assert_int_equal(call1(1, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    bind_and_attach(1, DEVICE1_ID, 2);
    assert_int_equal(held_back, 0);
    look();
    expect_untold(1);
}

/* ---- What a unit says before its interrupt is on ---- */
#define CR0_OFFSET 0x20
#define CR0_ENABLED 1

static void fault_while_booting(unsigned int unit, uint64_t offset, uint64_t value)
{
    if (unit != 0 || offset != CR0_OFFSET || (value & CR0_ENABLED) == 0)
        return;
    fault(OLD, 3);
    /* The edge comes to a controller that forgets it when it is brought up. */
    machine.pending[0][SMMUV3_MODEL_LINE_EVENTQ] = false;
}

static void i9_what_a_unit_blocks_before_its_interrupt_is_on_is_read_all_the_same(void)
{
    machine_plain();
    observer_start();
    machine.after_register_write = fault_while_booting;
    machine_boot();
    machine_interrupts();
    assert_int_equal(devices.iommu[0].counters.events, 3);
    fault(OLD, 1);
    machine_interrupts();
    assert_int_equal(devices.iommu[0].counters.events, 4);
}

static void a_bind_whose_unit_does_not_answer_fails_and_leaves_the_device_free(void)
{
    struct device *device;

    start();
    device = device_find(DEVICE1_NAME);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(bind(1, DEVICE1_ID, 2), BH_ETIMEDOUT);
    assert_true(devices.iommu[0].silenced);
    assert_null(device->bound);
    assert_int_equal(owner_decode(atomic_load(&device->group->owner)).state, OWNER_NONE);
}

static void a_queue_that_the_former_owner_filled_does_not_silence_the_device_of_the_next(void)
{
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    fault(OLD, 3000);
    assert_true(smmuv3_model_events_lost(machine.unit[0]) > 0);
    give_back(0);
    assert_int_equal(bind(1, DEVICE1_ID, 2), BH_OK);
    look();
    assert_int_equal(query_state(1, DEVICE1_ID).stream_silent, 0);
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 0);
    fault(NEW, 1);
    look();
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 1);
}

static void i7_a_device_has_its_lines_of_a_second_however_often_it_changes_hands(void)
{
    unsigned int lines = 0, owner = 0;
    uint64_t begin;

    start();
    for (begin = time_now(); time_now() - begin < 900000000; owner = 1 - owner) {
        assert_int_equal(bind(owner, DEVICE1_ID, 1), BH_OK);
        for (uint64_t i = 0; i < 20; i++)
            fault(NEW + (i << PAGE_SHIFT), 1);
        look();
        give_back(owner);
    }
    machine_drain_console();
    for (const char *at = machine.console; (at = strstr(at, "fault: device=")) != NULL; at++)
        lines++;
    assert_int_equal(lines, 8);
}

/* Devices behind a unit of so many records change hands at every place of its queue, with any number of records
 * in it. */
static void change_hands_at_every_place(enum smmuv3_model_overflow kind)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint64_t told[2] = { 0, 0 };

    parameters.eventqs = 3;
    parameters.overflow = kind;
    boot(&parameters);
    for (unsigned int round = 0; round < 100; round++) {
        unsigned int owner = round % 2, old = round % 11, new = round / 11 % 8;

        fault(OLD, old);
        assert_int_equal(bind(owner, DEVICE1_ID, round), BH_OK);
        if (old < 8 - new) {
            fault(NEW, new);
            told[owner] += new;
        }
        look();
        if (old < 8 - new &&query_fault(owner, DEVICE1_ID).count != new)
            fail_msg("round %u: behind %u old faults %u new ones are %llu", round, old, new,
                     (unsigned long long)query_fault(owner, DEVICE1_ID).count);
        for (uint64_t i = 0; i < ring_of(owner)->producer; i++) {
            if (ring_of(owner)->record[i].type == BH_EVENT_FAULT &&
                ring_of(owner)->record[i].iova != NEW)
                fail_msg("round %u: its owner is told of a fault of before", round);
        }
        assert_int_equal(partitions.partition[owner].events.all_faults, told[owner]);
        ring_of(owner)->consumer = ring_of(owner)->producer;
        host_advance(2000000000);
        give_back(owner);
    }
}

static void i9_what_is_old_is_known_at_every_place_of_the_queue(void)
{
    change_hands_at_every_place(SMMUV3_MODEL_OVERFLOW_OVFLG);
}

static void i9_what_is_old_is_known_where_the_unit_says_eventq_abort(void)
{
    change_hands_at_every_place(SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR);
}

int run_hand_over_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i9_faults_that_wait_while_a_device_changes_hands_are_told_to_nobody),
        TEST(a_device_that_comes_back_to_its_owner_brings_no_faults_of_before),
        TEST(i9_faults_that_a_unit_shows_no_sooner_than_it_must_are_still_the_former_owners),
        TEST(i9_what_a_unit_blocks_before_its_interrupt_is_on_is_read_all_the_same),
        TEST(a_bind_whose_unit_does_not_answer_fails_and_leaves_the_device_free),
        TEST(a_queue_that_the_former_owner_filled_does_not_silence_the_device_of_the_next),
        TEST(i7_a_device_has_its_lines_of_a_second_however_often_it_changes_hands),
        TEST(i9_what_is_old_is_known_at_every_place_of_the_queue),
        TEST(i9_what_is_old_is_known_where_the_unit_says_eventq_abort),
    };

    return RUN_GROUP("kernel/hand over");
}
