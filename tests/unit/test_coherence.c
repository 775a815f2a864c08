/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unit whose accesses are not coherent (IDR0.COHACC 0): what it reads has been cleaned to memory before it looks,
 * and memory that gets another owner is new in memory as well as in the caches.
 */
#include <string.h>

#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define STRUCTURE (BASE + 0x100000)
#define IOVA UINT64_C(0x50000000)
#define MEMORY (BASE + 0x3000)
#define BLOCK UINT64_C(0x200000)

/* The unit looks when a device or a command makes it look, and not between. */
static void start(void)
{
    const struct observer_options options = { .no_fetching = true };
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    machine_plain_with(&parameters);
    observer_start_with(&options);
    machine_boot();
    assert_false(devices.iommu[0].capabilities.coherent);
}

static unsigned int fetches;

/* What a CPU has stored, and what the unit finds: the same. */
static bool expect_clean(enum smmuv3_model_access_kind kind, uint64_t address, uint64_t *word)
{
    uint64_t in_memory;

    (void)word;
    if (kind == SMMUV3_MODEL_CLIENT || kind == SMMUV3_MODEL_AUDIT)
        return false;
    host_view_read(HOST_VIEW_MEMORY, address, &in_memory, sizeof(in_memory));
    if (in_memory != *(volatile uint64_t *)memory_pointer(address))
        fail_msg("the unit reads 0x%llx at 0x%llx, where 0x%llx was stored and not cleaned",
                 (unsigned long long)in_memory, (unsigned long long)address,
                 (unsigned long long)*(volatile uint64_t *)memory_pointer(address));
    fetches++;
    return false;
}

static void row_3_23_a_unit_that_is_not_coherent_reads_nothing_that_is_in_a_cache_only(void)
{
    uint64_t space[2];

    start();
    host_stores_mode(HOST_STORES_HELD);
    machine.read_instead = expect_clean;
    space[0] = bind_and_attach(0, DEVICE1_ID, 1);
    space[1] = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    for (unsigned int round = 0; round < 20; round++) {
        uint64_t iova = IOVA + round * BLOCK, ioas = space[round % 2];

        assert_int_equal(call3(0, BH_CALL_REPLACE, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
        assert_int_equal(dma_write(DEVICE1, iova, 1), DMA_BLOCKED);
        assert_int_equal(map(0, ioas, iova, MEMORY, 3 * PAGE_SIZE), BH_OK);
        assert_int_equal(dma_write(DEVICE1, iova, round), DMA_LANDED);
        assert_int_equal(*(uint64_t *)guest(0, MEMORY), round);
        assert_int_equal(unmap(0, ioas, iova, 3 * PAGE_SIZE), BH_OK);
        assert_int_equal(dma_write(DEVICE1, iova, 1), DMA_BLOCKED);
    }
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_true(fetches > 100);
    assert_units_clean();
}

static void row_3_23_nesting_is_not_offered_behind_a_unit_that_is_not_coherent(void)
{
    struct bh_device_info *info;
    uint64_t ioas;

    start();
    info = guest(0, STRUCTURE);
    *info = (struct bh_device_info){ .size = sizeof(*info) };
    assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, 0, STRUCTURE), BH_OK);
    assert_int_equal(info->capabilities & BH_DEVICE_NESTING, 0);
    assert_int_equal(info->capabilities & BH_DEVICE_DMA, BH_DEVICE_DMA);
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, ioas), BH_EOPNOTSUPP);
}

/* A CPU begins a life with its caches off, and a device may read past them: no byte of the former life is in memory, and
 * no line that was written in it comes back over what the new one writes. */
static void row_3_23_i4_memory_of_a_new_life_is_new_behind_the_caches(void)
{
    uint64_t frame, size, word = 0, invalidates;

    start();
    frame = partitions.partition[0].physical;
    size = partitions.partition[0].set->memory_size;
    for (uint64_t at = 0x100000; at < 0x200000; at += PAGE_SIZE) {
        *(uint64_t *)guest(0, BASE + at) = 0x5EC2E7;
        cache_clean(guest(0, BASE + at), sizeof(word));
    }
    barrier_entries();
    host_view_read(HOST_VIEW_MEMORY, frame + 0x100000, &word, sizeof(word));
    assert_int_equal(word, 0x5EC2E7);
    invalidates = host_counters.invalidates;
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(partitions.partition[0].cpu), HOST_GUEST);
    assert_true(host_counters.invalidates > invalidates);
    for (uint64_t at = 0x100000; at < size; at += sizeof(word)) {
        uint64_t cached = *(volatile uint64_t *)memory_pointer(frame + at);

        host_view_read(HOST_VIEW_MEMORY, frame + at, &word, sizeof(word));
        if (word == 0x5EC2E7 || (at < 0x200000 && word != 0))
            fail_msg("0x%llx is in memory at 0x%llx", (unsigned long long)word,
                     (unsigned long long)at);
        if (at < 0x200000 && cached != 0)
            fail_msg("0x%llx is in the caches at 0x%llx", (unsigned long long)cached,
                     (unsigned long long)at);
    }
}

int run_coherence_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_23_a_unit_that_is_not_coherent_reads_nothing_that_is_in_a_cache_only),
        TEST(row_3_23_nesting_is_not_offered_behind_a_unit_that_is_not_coherent),
        TEST(row_3_23_i4_memory_of_a_new_life_is_new_behind_the_caches),
    };

    return RUN_GROUP("kernel/coherence");
}
