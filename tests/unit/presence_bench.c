/* SPDX-License-Identifier: Apache-2.0 */
/* See presence_bench.h. */
#include "presence_bench.h"

#include "observer.h"

uint64_t ioas;
int sibling;

struct device *device(void)
{
    return device_find(DEVICE1_NAME);
}

void prepare(void)
{
    machine_plain();
    host_cpus = 3;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine_partition("three")->manager = true;
}

void boot(void)
{
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(call1(i, BH_CALL_EVENT_RING, RING), BH_OK);
}

void start_free(void)
{
    prepare();
    boot();
}

void attach(void)
{
    ioas = bind_and_attach(OWNER, DEVICE1_ID, LABEL);
    assert_int_equal(map(OWNER, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
}

void start_attached(void)
{
    start_free();
    attach();
}

void pull(int function)
{
    pci_model_pull(&machine.pci, function);
}

void insert(int function)
{
    pci_model_insert(&machine.pci, function);
}

void turn(void)
{
    assert_int_equal(host_every(), 1);
    for (unsigned int p = 0; p < machine.partition_count; p++) {
        if (machine_recall(p))
            assert_int_equal(machine.end, HOST_RETURNED);
    }
}

unsigned int told_of(unsigned int partition, uint32_t type, struct bh_event *event)
{
    const struct bh_event_ring *ring = guest(partition, RING);
    unsigned int count = 0;

    for (uint64_t i = 0; i < ring->producer; i++) {
        if (ring->record[i].type != type)
            continue;
        *event = ring->record[i];
        count++;
    }
    return count;
}

unsigned int told(unsigned int partition, uint32_t type)
{
    struct bh_event event;

    return told_of(partition, type, &event);
}

enum dma fire(int function)
{
    pci_model_set16(&machine.pci, function, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, function, 4) | 4));
    return dma_write(function, IOVA, 0xBAD);
}

void expect_parked(int function)
{
    assert_int_not_equal(fire(function), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(OWNER, BASE + 0x3000), 0x11);
}

bool sees_registers(unsigned int partition)
{
    uint64_t entry, size;

    return pagetable_lookup(&partitions.partition[partition].stage2,
                            device_registers(device(), 0).base, &entry, &size);
}

void expect_nobodys(void)
{
    assert_int_equal(owner_decode(atomic_load(&device()->group->owner)).state, OWNER_NONE);
    assert_null(device()->bound);
    assert_null(device()->ioas);
    assert_int_equal(device()->reset.step, 0);
    assert_int_equal(device()->presence, PCI_ABSENT);
    assert_false(sees_registers(OWNER));
}

int64_t reset_all(unsigned int partition)
{
    int64_t result;

    while ((result = call1(partition, BH_CALL_DEVICE_RESET, DEVICE1_ID)) == BH_EAGAIN)
        host_advance(machine.x[1]);
    return result;
}

void start_group(void)
{
    prepare();
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_bar(&machine.pci, sibling, 0, 0x1000, false);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.partition[OWNER].pci[1] = SIBLING_NAME;
    machine.partition[BESIDE].pci[1] = SIBLING_NAME;
    boot();
    attach();
    assert_int_equal(bind(OWNER, SIBLING_ID, 2), BH_OK);
    assert_int_equal(call3(OWNER, BH_CALL_ATTACH, SIBLING_ID, BH_PASID_NONE, ioas), BH_OK);
}
