/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_bench.h"

#include <string.h>

#include "observer.h"

#define WAKE BIT(INTERRUPT_EVENT_RING - 32)

struct bh_event_ring *ring_of(unsigned int partition)
{
    return guest(partition, RING);
}

int64_t ring_open(unsigned int partition)
{
    return call1(partition, BH_CALL_EVENT_RING, RING);
}

bool ring_woken(unsigned int partition)
{
    struct vcpu *vcpu = &partitions.partition[partition].vcpu;
    uint64_t interrupts = atomic_exchange(&vcpu->interrupts, 0);

    assert_int_equal(interrupts & ~WAKE, 0);
    return (interrupts & WAKE) != 0;
}

enum dma ring_fire(int function, uint64_t iova)
{
    pci_model_set16(&machine.pci, function, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, function, 4) | 4));
    return dma_write(function, iova, 1);
}

uint64_t ring_start(void)
{
    uint64_t ioas;

    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 0x77);
    memset(ring_of(0), PATTERN, sizeof(struct bh_event_ring));
    assert_int_equal(ring_open(0), BH_OK);
    return ioas;
}

void ring_post(unsigned int partition, uint64_t iova)
{
    const struct bh_event event = { .type = BH_EVENT_FAULT, .iova = iova };

    event_post(&partitions.partition[partition], &event, true);
}

struct bh_query_health ring_health(unsigned int partition)
{
    struct bh_query_health *health = guest(partition, BASE + 0x100000);

    *health = (struct bh_query_health){ .size = sizeof(*health) };
    assert_int_equal(call2(partition, BH_CALL_QUERY, BH_QUERY_HEALTH, BASE + 0x100000), BH_OK);
    assert_int_equal(health->size, sizeof(*health));
    return *health;
}
