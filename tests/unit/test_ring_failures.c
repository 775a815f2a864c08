/* SPDX-License-Identifier: Apache-2.0 */
/* What partitions are told where devices storm and units fail, by event rings and by the record of health
 * (kernel/events.c, kernel/fault.c; I9, I7). */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "ring_bench.h"

static struct bh_event last_event(unsigned int partition)
{
    const struct bh_event_ring *ring = ring_of(partition);

    return ring->record[ring->producer == 0 ? LAST : ring->producer - 1];
}

static void storm(int function, uint64_t iova)
{
    for (unsigned int i = 0; i < 5000; i++) {
        assert_int_equal(ring_fire(function, iova), DMA_BLOCKED);
        if (ring_of(0)->magic == BH_EVENT_RING_MAGIC)
            ring_of(0)->consumer = ring_of(0)->producer;
    }
}

static void row_1_12_a_parked_device_that_storms_falls_silent_and_its_owner_is_told(void)
{
    ring_start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    storm(DEVICE1, IOVA);
    assert_int_equal(last_event(0).type, BH_EVENT_SILENT);
    assert_int_equal(last_event(0).device, DEVICE1_ID);
    assert_int_equal(last_event(0).label, 0x77);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 1);
    assert_int_equal(ring_health(0).devices_silent, 1);
}

static void i7_an_attached_device_that_storms_falls_silent_and_keeps_what_it_reaches(void)
{
    uint64_t ioas = ring_start(), recorded;

    assert_int_equal(map(0, ioas, 0, BASE, PAGE_SIZE), BH_OK);
    storm(DEVICE1, IOVA);
    assert_int_equal(last_event(0).type, BH_EVENT_SILENT);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 1);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, ioas);
    assert_console("device 0000:01:00.0 floods the event queue: no more reports of it");
    recorded = smmuv3_model_events_recorded(machine.unit[0]);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded);
    assert_int_equal(dma_write(DEVICE1, 8, 0xFEED), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 8), 0xFEED);
    /* The other device is heard as ever. */
    assert_int_equal(ring_fire(DEVICE2, IOVA), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded + 1);
    /* Moved, it is heard again. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 0);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(ring_fire(DEVICE1, IOVA), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded + 2);
    assert_units_clean();
}

static void overflow(void)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < 3000; i++)
        smmuv3_model_dma(machine.unit[0], 0x100, IOVA, &value, sizeof(value), true);
    machine_interrupts();
}

static void i9_an_overflow_is_counted_for_everybody_behind_the_unit_and_told_once_a_second(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    machine_partition("three");
    machine.tree.cpus = 3;
    host_cpus = 3;
    observer_start();
    machine_boot();
    bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(bind(1, DEVICE2_ID, 2), BH_OK);
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(call1(i, BH_CALL_EVENT_RING, RING), BH_OK);
    overflow();
    assert_int_equal(ring_of(0)->overflows, 1);
    assert_int_equal(ring_of(1)->overflows, 1);
    assert_int_equal(ring_of(2)->overflows, 0);
    assert_int_equal(last_event(1).type, BH_EVENT_LOST);
    assert_int_equal(last_event(1).device, 0);
    assert_int_equal(last_event(1).iommu, 0);
    assert_int_equal(ring_of(2)->producer, 0);
    /* The next one at once is counted, and no record. */
    uint64_t told = ring_of(1)->sequence;

    device_find(DEVICE1_NAME)
        ->iommu->driver->stream_set(&devices.iommu[0], 0x100, STREAM_PARKED_LOGGED, NULL);
    overflow();
    assert_int_equal(ring_of(1)->overflows, 2);
    assert_int_equal(ring_of(1)->sequence, told);
    host_advance(2 * SECOND);
    overflow();
    assert_int_equal(ring_of(1)->sequence, told + 1);
    assert_int_equal(ring_health(1).overflows, 3);
    assert_int_equal(ring_health(2).overflows, 0);
}

static void a_unit_that_fails_is_told_to_everybody_behind_it(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(ring_open(0), BH_OK);
    assert_int_equal(ring_open(1), BH_OK);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(ring_of(0)->producer, 1);
    assert_int_equal(last_event(0).type, BH_EVENT_SILENCED);
    assert_int_equal(last_event(0).iommu, 0);
    assert_true(ring_woken(0));
    /* Of what it has not bound a partition learns when it asks. */
    assert_int_equal(ring_of(1)->producer, 0);
    assert_int_equal(ring_health(1).units_silenced, 1);
    assert_int_equal(ring_health(0).units_silenced, 1);
}

/* The unit's registers are written while it is closed; until the last of them it may let something pass. */
static unsigned int told_too_early, closing_writes;

static void expect_untold(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)offset;
    (void)value;
    closing_writes++;
    told_too_early += ring_of(0)->producer != 0;
}

static void whoever_reads_that_a_unit_failed_finds_it_closed_and_its_devices_cut_off(void)
{
    const struct smmuv3_model_access access = { .stream_id = 0x100, .iova = 0, .write = true };
    uint64_t ioas = ring_start();

    assert_int_equal(map(0, ioas, 0, BASE, PAGE_SIZE), BH_OK);
    machine.before_register_write = expect_untold;
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(last_event(0).type, BH_EVENT_SILENCED);
    assert_true(closing_writes >= 2);
    assert_int_equal(told_too_early, 0);
    assert_int_equal(smmuv3_model_transact(machine.unit[0], &access).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(dma_write(DEVICE1, 0, 1), DMA_NOT_MASTERING);
}

static void the_health_record_tells_of_refused_commands_lost_lines_and_pinned_memory(void)
{
    struct bh_query_health health;

    ring_start();
    health = ring_health(0);
    assert_int_equal(health.illegal_commands, 0);
    assert_int_equal(health.console_dropped, 0);
    assert_int_equal(health.pinned, 0);
    devices.iommu[0].counters.illegal_commands = 3;
    partitions.partition[0].pinned = true;
    machine_drain_console();
    machine.serial_stuck = true;
    memcpy(guest(0, BASE), "line\n", 5);
    for (unsigned int i = 0; i < 2000; i++)
        assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, BASE, 5), BH_OK);
    health = ring_health(0);
    assert_int_equal(health.illegal_commands, 3);
    assert_int_equal(health.console_dropped, log_dropped(1));
    assert_true(health.console_dropped > 0);
    assert_int_equal(health.pinned, 1);
    assert_int_equal(health.units_silenced, 0);
    assert_int_equal(health.input_dropped, 0);
}

int run_ring_failures_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_1_12_a_parked_device_that_storms_falls_silent_and_its_owner_is_told),
        TEST(i7_an_attached_device_that_storms_falls_silent_and_keeps_what_it_reaches),
        TEST(i9_an_overflow_is_counted_for_everybody_behind_the_unit_and_told_once_a_second),
        TEST(a_unit_that_fails_is_told_to_everybody_behind_it),
        TEST(whoever_reads_that_a_unit_failed_finds_it_closed_and_its_devices_cut_off),
        TEST(the_health_record_tells_of_refused_commands_lost_lines_and_pinned_memory),
    };

    return RUN_GROUP("kernel/events, failures");
}
