/* SPDX-License-Identifier: Apache-2.0 */
/* Event rings: what partitions are told of their devices, and what they can spoil (kernel/events.c,
 * kernel/fault.c; I9, I10; rows 2.37 to 2.39). */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "ring_bench.h"

#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)

/* ---- The call ---------------------------------------------------------------------------------------- */

static void a_ring_begins_empty_and_only_its_header_is_written(void)
{
    const uint8_t *bytes;

    ring_start();
    assert_int_equal(ring_of(0)->magic, BH_EVENT_RING_MAGIC);
    assert_int_equal(ring_of(0)->version, BH_EVENT_RING_VERSION);
    assert_int_equal(ring_of(0)->producer, 0);
    assert_int_equal(ring_of(0)->consumer, 0);
    assert_int_equal(ring_of(0)->lost, 0);
    assert_int_equal(ring_of(0)->sequence, 0);
    assert_int_equal(ring_of(0)->overflows, 0);
    bytes = (const uint8_t *)ring_of(0)->record;
    for (size_t i = 0; i < sizeof(ring_of(0)->record); i++)
        assert_int_equal(bytes[i], PATTERN);
    assert_false(ring_woken(0));
}

static void expect_refusal(int64_t code, uint64_t address)
{
    uint64_t before = machine_state();

    if (call1(0, BH_CALL_EVENT_RING, address) != code)
        fail_msg("event_ring(0x%llx) answers %lld, not %lld", (unsigned long long)address,
                 (long long)machine.x[0], (long long)code);
    assert_int_equal(machine_state(), before);
}

static void event_ring_refuses_what_is_not_one_page_of_own_memory(void)
{
    static const uint64_t wild[] = { 1,
                                     8,
                                     RING + 8,
                                     RING + 2048,
                                     BASE - PAGE_SIZE,
                                     BASE + VISIBLE,
                                     BASE + VISIBLE - 2048,
                                     BASE + 0x3FF000,
                                     UINT64_MAX,
                                     UINT64_MAX - 4095,
                                     UINT64_C(1) << 63,
                                     RING | UINT64_C(1) << 32,
                                     RING | UINT64_C(1) << 63 };

    machine_plain();
    machine_boot();
    for (unsigned int i = 0; i < ARRAY_LENGTH(wild); i++)
        expect_refusal(BH_EFAULT, wild[i]);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, BASE + VISIBLE - PAGE_SIZE), BH_OK);
}

static void a_partition_has_one_ring_at_a_time_and_withdraws_it_once(void)
{
    machine_plain();
    machine_boot();
    expect_refusal(BH_ENOENT, 0);
    assert_int_equal(ring_open(0), BH_OK);
    expect_refusal(BH_EEXIST, RING);
    expect_refusal(BH_EEXIST, RING + PAGE_SIZE);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, 0), BH_OK);
    expect_refusal(BH_ENOENT, 0);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, RING + PAGE_SIZE), BH_OK);
}

/* ---- Records ----------------------------------------------------------------------------------------- */

static void i9_row_2_38_a_fault_becomes_a_record_that_names_all_of_it(void)
{
    uint64_t ioas = ring_start(), before, value;
    const struct bh_event *event = ring_of(0)->record;

    before = time_now();
    assert_int_equal(ring_fire(DEVICE1, IOVA + 8), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, 1);
    assert_int_equal(ring_of(0)->sequence, 1);
    assert_true(ring_woken(0));
    assert_int_equal(event->sequence, 0);
    assert_in_range(event->time, before, time_now());
    assert_int_equal(event->type, BH_EVENT_FAULT);
    assert_int_equal(event->device, DEVICE1_ID);
    assert_int_equal(event->label, 0x77);
    assert_int_equal(event->iova, IOVA + 8);
    assert_int_equal(event->pasid, BH_PASID_NONE);
    assert_int_equal(event->access, BH_ACCESS_WRITE);
    assert_int_equal(event->cause, BH_CAUSE_TRANSLATION);
    assert_int_equal(event->iommu, 0);
    assert_int_equal(event->cookie, 0);
    /* The next one has the next number, and another cause. */
    assert_int_equal(call(0, BH_CALL_IOAS_MAP, ioas, 0x5000, BASE, PAGE_SIZE, BH_MAP_WRITE), BH_OK);
    assert_int_equal(dma_read(DEVICE1, 0x5010, &value), DMA_BLOCKED);
    assert_int_equal(event[1].sequence, 1);
    assert_int_equal(event[1].cause, BH_CAUSE_PERMISSION);
    assert_int_equal(event[1].access, BH_ACCESS_READ);
    assert_int_equal(event[1].iova, 0x5010);
}

static void i9_row_2_39_of_two_devices_in_one_space_the_record_names_the_one_that_faulted(void)
{
    uint64_t ioas = ring_start();

    assert_int_equal(bind(0, DEVICE2_ID, 0x88), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(ring_fire(DEVICE2, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->record[0].device, DEVICE2_ID);
    assert_int_equal(ring_of(0)->record[0].label, 0x88);
    assert_int_equal(ring_of(0)->record[1].device, DEVICE1_ID);
    assert_int_equal(ring_of(0)->record[1].label, 0x77);
}

static void a_device_that_is_not_attached_is_told_of_too_and_one_that_is_given_back_is_not(void)
{
    ring_start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, 1);
    assert_int_equal(ring_of(0)->record[0].label, 0x77);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_fire(DEVICE2, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, 1);
}

static void i9_a_partition_hears_of_its_own_devices_alone(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    bind_and_attach(0, DEVICE1_ID, 1);
    bind_and_attach(1, DEVICE2_ID, 2);
    assert_int_equal(ring_open(0), BH_OK);
    assert_int_equal(ring_open(1), BH_OK);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, 1);
    assert_int_equal(ring_of(1)->producer, 0);
    assert_false(ring_woken(1));
    assert_int_equal(ring_fire(DEVICE2, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, 1);
    assert_int_equal(ring_of(1)->producer, 1);
    assert_int_equal(ring_of(1)->record[0].label, 2);
    assert_int_equal(ring_health(0).faults, 1);
}

/* A fault of theirs may be from the time of another owner. */
static void a_member_of_its_group_that_it_has_not_bound_is_not_told_of(void)
{
    int sibling;

    machine_plain();
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.partition[0].pci[1] = "0000:01:00.1";
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(ring_open(0), BH_OK);
    assert_int_equal(ring_fire(sibling, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->sequence, 0);
    assert_int_equal(ring_health(0).faults, 0);
    assert_console("device=0000:01:00.1 partition=one");
    assert_int_equal(bind(0, DEVICE_ID_PCI | 0x101, 2), BH_OK);
    assert_int_equal(ring_fire(sibling, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->record[0].label, 2);
}

/* ---- The interrupt ------------------------------------------------------------------------------------ */

static void the_interrupt_comes_when_the_reader_had_taken_all_and_only_then(void)
{
    ring_start();
    ring_post(0, 0);
    assert_true(ring_woken(0));
    ring_post(0, 1);
    ring_post(0, 2);
    assert_false(ring_woken(0));
    ring_of(0)->consumer = 2;
    ring_post(0, 3);
    assert_false(ring_woken(0));
    ring_of(0)->consumer = 4;
    ring_post(0, 4);
    assert_true(ring_woken(0));
}

static void the_interrupt_comes_over_the_end_of_the_ring_too(void)
{
    ring_start();
    for (unsigned int i = 0; i < 3 * BH_EVENT_RECORDS; i++) {
        ring_post(0, i);
        if (!ring_woken(0))
            fail_msg("record %u did not wake the reader", i);
        if (ring_of(0)->record[i % BH_EVENT_RECORDS].iova != i)
            fail_msg("record %u is not in its slot", i);
        ring_of(0)->consumer = ring_of(0)->producer;
    }
    assert_int_equal(ring_of(0)->lost, 0);
}

/* ---- Losses --------------------------------------------------------------------------------------------- */

static void i9_row_2_37_what_a_full_ring_does_not_take_is_counted_and_numbered(void)
{
    ring_start();
    for (unsigned int i = 0; i < LAST + 10; i++)
        ring_post(0, i);
    assert_int_equal(ring_of(0)->producer, LAST);
    assert_int_equal(ring_of(0)->lost, 10);
    assert_int_equal(ring_of(0)->sequence, LAST + 10);
    for (unsigned int i = 0; i < LAST; i++)
        assert_int_equal(ring_of(0)->record[i].sequence, i);
    /* The slot that is always free. */
    assert_int_equal(((const uint8_t *)&ring_of(0)->record[LAST])[0], PATTERN);
    /* One is taken: one has room, and its number tells of the ten. */
    ring_of(0)->consumer = 1;
    ring_post(0, 0x1000);
    ring_post(0, 0x1001);
    assert_int_equal(ring_of(0)->producer, 0);
    assert_int_equal(ring_of(0)->record[LAST].sequence, LAST + 10);
    assert_int_equal(ring_of(0)->record[LAST].iova, 0x1000);
    assert_int_equal(ring_of(0)->lost, 11);
    assert_int_equal(ring_of(0)->sequence, LAST + 12);
    assert_int_equal(ring_health(0).events_lost, 11);
}

static void i7_one_device_has_its_share_of_a_second_and_leaves_room_for_another(void)
{
    ring_start();
    assert_int_equal(bind(0, DEVICE2_ID, 0x88), BH_OK);
    for (uint64_t i = 0; i < BH_EVENT_RATE + 100; i++)
        assert_int_equal(ring_fire(DEVICE1, IOVA + i * PAGE_SIZE), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, BH_EVENT_RATE);
    assert_int_equal(ring_of(0)->lost, 100);
    assert_int_equal(ring_fire(DEVICE2, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->producer, BH_EVENT_RATE + 1);
    assert_int_equal(ring_of(0)->record[BH_EVENT_RATE].sequence, BH_EVENT_RATE + 100);
    assert_int_equal(ring_of(0)->record[BH_EVENT_RATE].device, DEVICE2_ID);
    /* The next second has a share again. */
    host_advance(2 * SECOND);
    ring_of(0)->consumer = ring_of(0)->producer;
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(ring_of(0)->record[BH_EVENT_RATE + 1].sequence, BH_EVENT_RATE + 101);
    assert_int_equal(ring_health(0).faults, BH_EVENT_RATE + 102);
}

/* ---- A hostile page ---------------------------------------------------------------------------------------- */

static struct bh_event_ring wanted; /* what the page must hold behind a post */

/* Behind a ring that stands at `slot` the guest writes `consumer`; then something happens. */
static void spoil_and_post(uint64_t slot, uint64_t consumer, uint64_t number)
{
    uint64_t next = slot == LAST ? 0 : slot + 1;
    bool room = consumer <= LAST && consumer != next;
    struct bh_event_ring *ring = ring_of(0);

    memset(ring, PATTERN, sizeof(*ring));
    ring->consumer = consumer;
    wanted = *ring;
    wanted.sequence = number + 1;
    if (room) {
        wanted.producer = next;
        wanted.record[slot] = (struct bh_event){ .sequence = number,
                                                 .type = BH_EVENT_FAULT,
                                                 .iova = number };
    } else {
        wanted.lost = partitions.partition[0].events.lost + 1;
    }
    ring_post(0, number);
    if (room)
        ring->record[slot].time = 0;
    if (memcmp(ring, &wanted, sizeof(wanted)) != 0)
        fail_msg("at slot %llu with consumer 0x%llx the page is not what it should be",
                 (unsigned long long)slot, (unsigned long long)consumer);
    if (ring_woken(0) != (consumer == slot))
        fail_msg("at slot %llu with consumer 0x%llx the interrupt is wrong",
                 (unsigned long long)slot, (unsigned long long)consumer);
}

/* At every slot of the ring, every index that there is, and many that there are not. */
static void i10_no_index_that_a_guest_writes_leads_anywhere_but_to_the_next_slot(void)
{
    static const uint64_t wild[] = { BH_EVENT_RECORDS,      BH_EVENT_RECORDS + 1,
                                     UINT64_C(0x100),       UINT64_C(0xFFFFFFFF),
                                     UINT64_C(0x100000000), UINT64_C(0x10000003E),
                                     UINT64_C(1) << 63,     UINT64_MAX - LAST,
                                     UINT64_MAX - 1,        UINT64_MAX };
    struct event_ring *events;
    uint64_t number = 0;
    uint8_t *around;

    ring_start();
    events = &partitions.partition[0].events;
    around = guest(0, RING - PAGE_SIZE);
    memset(around, PATTERN, PAGE_SIZE);
    memset(around + 2 * PAGE_SIZE, PATTERN, PAGE_SIZE);
    for (uint64_t slot = 0; slot < BH_EVENT_RECORDS; slot++) {
        for (uint64_t i = 0; i < BH_EVENT_RECORDS + ARRAY_LENGTH(wild); i++) {
            events->producer = slot;
            spoil_and_post(slot, i < BH_EVENT_RECORDS ? i : wild[i - BH_EVENT_RECORDS], number++);
        }
    }
    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        assert_int_equal(around[i], PATTERN);
        assert_int_equal(around[2 * PAGE_SIZE + i], PATTERN);
    }
}

static void a_reader_that_repairs_its_index_is_served_again(void)
{
    ring_start();
    ring_of(0)->consumer = BH_EVENT_RECORDS;
    ring_post(0, 1);
    assert_false(ring_woken(0));
    assert_int_equal(ring_of(0)->producer, 0);
    assert_int_equal(ring_of(0)->lost, 1);
    ring_of(0)->consumer = 0;
    ring_post(0, 2);
    assert_true(ring_woken(0));
    assert_int_equal(ring_of(0)->record[0].sequence, 1);
}

/* ---- The end of a ring ---------------------------------------------------------------------------------------- */

static void nothing_is_written_to_a_ring_that_was_withdrawn(void)
{
    ring_start();
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, 0), BH_OK);
    memset(ring_of(0), PATTERN, sizeof(struct bh_event_ring));
    uint64_t before = hash_bytes(HASH_START, ring_of(0), sizeof(struct bh_event_ring));

    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    event_overflow(&partitions.partition[0]);
    assert_int_equal(hash_bytes(HASH_START, ring_of(0), sizeof(struct bh_event_ring)), before);
    assert_false(ring_woken(0));
    /* What was not told was not lost by a ring; the fault itself counts. */
    assert_int_equal(ring_health(0).events_lost, 0);
    assert_int_equal(ring_health(0).faults, 1);
}

static void a_ring_ends_with_its_partition(void)
{
    machine_plain();
    machine_partition("two");
    machine_boot();
    assert_int_equal(ring_open(0), BH_OK);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    memset(ring_of(0), PATTERN, sizeof(struct bh_event_ring));
    partitions.partition[0].vcpu.running = true; /* it would hear of an interrupt */
    ring_post(0, 1);
    assert_false(ring_woken(0));
    assert_int_equal(*(const uint8_t *)ring_of(0), PATTERN);
}

static void a_ring_ends_with_a_reset_and_the_next_life_begins_one_of_its_own(void)
{
    ring_start();
    for (unsigned int i = 0; i < 5; i++)
        ring_post(0, i);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    ring_post(0, 6);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    ring_post(0, 7);
    assert_int_equal(*(const uint64_t *)(const void *)ring_of(0), 0);
    assert_int_equal(ring_open(0), BH_OK);
    ring_post(0, 8);
    assert_int_equal(ring_of(0)->record[0].sequence, 0);
    assert_int_equal(ring_of(0)->record[0].iova, 8);
    assert_int_equal(ring_of(0)->lost, 0);
}

int run_rings_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ring_begins_empty_and_only_its_header_is_written),
        TEST(event_ring_refuses_what_is_not_one_page_of_own_memory),
        TEST(a_partition_has_one_ring_at_a_time_and_withdraws_it_once),
        TEST(i9_row_2_38_a_fault_becomes_a_record_that_names_all_of_it),
        TEST(i9_row_2_39_of_two_devices_in_one_space_the_record_names_the_one_that_faulted),
        TEST(a_device_that_is_not_attached_is_told_of_too_and_one_that_is_given_back_is_not),
        TEST(i9_a_partition_hears_of_its_own_devices_alone),
        TEST(a_member_of_its_group_that_it_has_not_bound_is_not_told_of),
        TEST(the_interrupt_comes_when_the_reader_had_taken_all_and_only_then),
        TEST(the_interrupt_comes_over_the_end_of_the_ring_too),
        TEST(i9_row_2_37_what_a_full_ring_does_not_take_is_counted_and_numbered),
        TEST(i7_one_device_has_its_share_of_a_second_and_leaves_room_for_another),
        TEST(i10_no_index_that_a_guest_writes_leads_anywhere_but_to_the_next_slot),
        TEST(a_reader_that_repairs_its_index_is_served_again),
        TEST(nothing_is_written_to_a_ring_that_was_withdrawn),
        TEST(a_ring_ends_with_its_partition),
        TEST(a_ring_ends_with_a_reset_and_the_next_life_begins_one_of_its_own),
    };

    return RUN_GROUP("kernel/events");
}
