/* SPDX-License-Identifier: Apache-2.0 */
/* What guests and devices do on the machine of these tests: hypercalls and DMA. */
#include <string.h>

#include "arch/arm64/call.h"
#include "kernel/window.h"
#include "lib/boot_memory.h"
#include "machine.h"

/* Where guests put the structures that they pass, from the start of their memory. */
#define STRUCTURE_OFFSET UINT64_C(0x200000)

struct pending_call {
    unsigned int partition;
    uint64_t number;
};

const struct arch_guest_ops *guest_ops;
enum guest_width guest_width;

/* What stands in the halves of registers that the caller's width does not have. */
#define JUNK UINT64_C(0xDEAD000100000000)

static void run_call(void *argument)
{
    const struct pending_call *pending = argument;
    struct vcpu *vcpu = &partitions.partition[pending->partition].vcpu;

    guest_ops = host_guest_ops;
    if (guest_width == GUEST_AARCH64) {
        machine.x[0] = JUNK | (BH_FUNCTION_BASE + pending->number);
        call_aarch64(vcpu, machine.x);
        return;
    }
    machine.x[0] = BH_FUNCTION_BASE_32 + pending->number;
    for (unsigned int i = 0; i < ARRAY_LENGTH(machine.x); i++)
        machine.x[i] = JUNK | (uint32_t)machine.x[i];
    call_aarch32(vcpu, machine.x);
    /* r0 is a signed number, the others are what fits. */
    machine.x[0] = (uint64_t)(int32_t)machine.x[0];
    for (unsigned int i = 1; i < ARRAY_LENGTH(machine.x); i++)
        machine.x[i] = (uint32_t)machine.x[i];
}

int64_t call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
             uint64_t d, uint64_t e)
{
    struct pending_call pending = { .partition = partition, .number = number };

    machine.x[0] = number;
    machine.x[1] = a;
    machine.x[2] = b;
    machine.x[3] = c;
    machine.x[4] = d;
    machine.x[5] = e;
    host_cpu = partitions.partition[partition].cpu;
    machine.end = host_run(run_call, &pending);
    machine_interrupts();
    return (int64_t)machine.x[0];
}

static void run_recalled(void *argument)
{
    host_guest_ops->recalled(argument);
}

bool machine_recall(unsigned int partition)
{
    struct partition *p = &partitions.partition[partition];

    if (!p->vcpu.running || !p->vcpu.recalled)
        return false;
    p->vcpu.recalled = false;
    host_cpu = p->cpu;
    machine.end = host_run(run_recalled, &p->vcpu);
    machine_interrupts();
    return true;
}

int64_t bind(unsigned int partition, uint64_t device, uint64_t label)
{
    int64_t result = call2(partition, BH_CALL_DEVICE_BIND, device, label);

    for (unsigned int tries = 0; result == BH_EAGAIN && tries < 2000; tries++) {
        assert_true(machine.x[1] != 0);
        host_advance(machine.x[1]);
        result = call2(partition, BH_CALL_DEVICE_BIND, device, label);
    }
    return result;
}

uint64_t bind_and_attach(unsigned int partition, uint64_t device, uint64_t label)
{
    assert_int_equal(bind(partition, device, label), BH_OK);
    int64_t ioas = call2(partition, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE);

    assert_true(ioas > 0);
    assert_int_equal(call3(partition, BH_CALL_ATTACH, device, BH_PASID_NONE, (uint64_t)ioas),
                     BH_OK);
    return (uint64_t)ioas;
}

int64_t map(unsigned int partition, uint64_t ioas, uint64_t iova, uint64_t address, uint64_t size)
{
    return call(partition, BH_CALL_IOAS_MAP, ioas, iova, address, size, BH_MAP_READ | BH_MAP_WRITE);
}

int64_t unmap(unsigned int partition, uint64_t ioas, uint64_t iova, uint64_t size)
{
    return call3(partition, BH_CALL_IOAS_UNMAP, ioas, iova, size);
}

void *guest(unsigned int partition, uint64_t address)
{
    const struct partition *p = &partitions.partition[partition];

    return memory_pointer(p->physical + (address - p->set->memory_base));
}

static void query(unsigned int partition, uint64_t what, uint64_t device, void *structure,
                  uint64_t size)
{
    uint64_t address = partitions.partition[partition].set->memory_base + STRUCTURE_OFFSET;

    memcpy(guest(partition, address), &size, sizeof(size));
    assert_int_equal(call3(partition, BH_CALL_QUERY, what, address, device), BH_OK);
    memcpy(structure, guest(partition, address), size);
    memset(guest(partition, address), 0, size);
}

struct bh_query_state query_state(unsigned int partition, uint64_t device)
{
    struct bh_query_state state;

    query(partition, BH_QUERY_STATE, device, &state, sizeof(state));
    return state;
}

struct bh_query_fault query_fault(unsigned int partition, uint64_t device)
{
    struct bh_query_fault fault;

    query(partition, BH_QUERY_FAULT, device, &fault, sizeof(fault));
    return fault;
}

uint64_t query_bytes(uint64_t what)
{
    static const uint64_t bytes[] = {
        [BH_QUERY_STATE] = sizeof(struct bh_query_state),
        [BH_QUERY_FAULT] = sizeof(struct bh_query_fault),
        [BH_QUERY_POOL] = sizeof(struct bh_query_pool),
        [BH_QUERY_HEALTH] = sizeof(struct bh_query_health),
        [BH_QUERY_ATTACHMENT] = sizeof(struct bh_query_attachment),
        [BH_QUERY_COUNTERS] = sizeof(struct bh_query_counters),
        [BH_QUERY_DIGEST] = sizeof(struct bh_query_digest),
        [BH_QUERY_WINDOW] = sizeof(struct bh_query_window),
        [BH_QUERY_PARTITION] = sizeof(struct bh_query_partition),
        [BH_QUERY_CALLS] = sizeof(struct bh_query_calls),
    };

    return what < ARRAY_LENGTH(bytes) ? bytes[what] : 0;
}

struct bh_query_pool query_pool(unsigned int partition)
{
    struct bh_query_pool pool;

    query(partition, BH_QUERY_POOL, 0, &pool, sizeof(pool));
    return pool;
}

struct bh_query_partition query_partition(unsigned int manager, uint64_t index)
{
    struct bh_query_partition seen;

    query(manager, BH_QUERY_PARTITION, index, &seen, sizeof(seen));
    return seen;
}

static enum dma transfer(int function, uint64_t iova, uint64_t *value, bool is_write)
{
    uint32_t requester = 0, stream;
    unsigned int unit;

    if (!pci_model_requester(&machine.pci, function, &requester))
        return DMA_NOT_MASTERING;
    assert_true(machine_stream(requester, &unit, &stream));
    struct smmuv3_model_result result = smmuv3_model_dma(machine.unit[unit], stream, iova, value,
                                                         sizeof(*value), is_write);

    machine.transfers++;
    if (machine.watch != NULL)
        machine.watch->transfer(unit, stream, iova, sizeof(*value), is_write,
                                result.outcome == SMMUV3_MODEL_OK);
    machine_interrupts();
    return result.outcome == SMMUV3_MODEL_OK ? DMA_LANDED : DMA_BLOCKED;
}

enum dma dma_write(int function, uint64_t iova, uint64_t value)
{
    return transfer(function, iova, &value, true);
}

enum dma dma_read(int function, uint64_t iova, uint64_t *value)
{
    return transfer(function, iova, value, false);
}

/* ---- The state that a refusal must leave alone ------------------------------------------------------ */

static uint64_t hash_partition(uint64_t hash, const struct partition *partition)
{
    static struct partition image;

    image = *partition;
    image.recorded = 0; /* refused ones count, and are recorded */
    memset(image.record, 0, sizeof(image.record));
    memset(&image.pool.lock, 0, sizeof(image.pool.lock));
    memset(&image.events.lock, 0, sizeof(image.events.lock));
    memset(&image.life, 0, sizeof(image.life));
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        struct ioas *ioas = &image.ioas[i];
        uint32_t generation = ioas->generation;

        memset(&ioas->lock, 0, sizeof(ioas->lock));
        /* Of a free slot only the generation means something. */
        if (ioas->owner == NULL) {
            memset(ioas, 0, sizeof(*ioas));
            ioas->generation = generation;
        }
    }
    hash = hash_bytes(hash, &image, sizeof(image));
    hash = hash_bytes(hash, partition->pool.records,
                      partition->pool.count * sizeof(struct page_record));
    return hash_bytes(hash, memory_pointer(partition->pool.base),
                      partition->pool.count * PAGE_SIZE);
}

static uint64_t hash_windows(uint64_t hash)
{
    static struct windows image;

    image = windows;
    for (unsigned int w = 0; w < WINDOW_LIMIT; w++) {
        struct window *window = &image.window[w];

        memset(&window->lock, 0, sizeof(window->lock));
        memset(&window->change, 0, sizeof(window->change));
        for (unsigned int i = 0; i < 2 * WINDOW_MAPS; i++) {
            struct window_map *map = &window->side[i / WINDOW_MAPS].map[i % WINDOW_MAPS];

            if (map->ioas == NULL) /* what stood there means nothing */
                *map = (struct window_map){ 0 };
        }
    }
    return hash_bytes(hash, &image, sizeof(image));
}

uint64_t machine_state(void)
{
    static struct devices image;
    uint64_t hash = HASH_START;

    for (unsigned int i = 0; i < partitions.count; i++)
        hash = hash_partition(hash, &partitions.partition[i]);
    image = devices;
    for (unsigned int i = 0; i < image.iommu_count; i++) {
        memset(&image.iommu[i].tag_lock, 0, sizeof(image.iommu[i].tag_lock));
        memset(&image.iommu[i].event_lock, 0, sizeof(image.iommu[i].event_lock));
    }
    hash = hash_bytes(hash, &image, sizeof(image));
    hash = hash_windows(hash);
    for (unsigned int i = 0; i < devices.count; i++) {
        uint64_t owner = atomic_load(&devices.device[i].group->owner);

        hash = hash_bytes(hash, &owner, sizeof(owner));
    }
    for (unsigned int i = 0; i < machine.pci.count; i++)
        hash = hash_bytes(hash, machine.pci.function[i].config, 4096);
    /* The hypervisor's own memory: stream tables, queues. It is the lowest there is. */
    return hash_bytes(hash, memory_pointer(HOST_MEMORY_BASE), boot_memory_used());
}
