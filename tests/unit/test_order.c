/* SPDX-License-Identifier: Apache-2.0 */
/* Order and failure: what stands in memory before a unit is told of it, and what an unmap does when the
 * unit does not answer. */
#include "drivers/iommu/smmuv3/registers.h"
#include "groups.h"
#include "machine.h"
#include "wrap.h"

#define BASE UINT64_C(0x40000000)

static uint64_t ioas;
static bool stored;
static uint64_t barriers_at_store;
static unsigned int tellings;

static void start(void)
{
    machine_plain();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static void note_store(const struct host_store *store)
{
    (void)store;
    stored = true;
    barriers_at_store = host_counters.barriers;
}

static bool behind_barrier(void)
{
    return !stored || host_counters.barriers > barriers_at_store;
}

/* The registers that make the unit look at memory. */
static void expect_barrier(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    if (offset != SMMU_CMDQ_PROD && offset != SMMU_CR0)
        return;
    tellings++;
    assert_true(behind_barrier());
}

static void a_barrier_stands_between_each_store_and_the_register_that_tells_of_it(void)
{
    machine_plain();
    host_visible = note_store;
    machine.before_register_write = expect_barrier;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    for (uint64_t pages = 1; pages < 40; pages += 3) {
        assert_int_equal(map(0, ioas, 0x10000, BASE, pages * PAGE_SIZE), BH_OK);
        assert_true(behind_barrier());
        assert_int_equal(unmap(0, ioas, 0x10000, pages * PAGE_SIZE), BH_OK);
    }
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_true(tellings > 30);
}

static void unmap_that_meets_a_dead_unit_is_etimedout_and_pins_the_memory(void)
{
    uint32_t free;

    start();
    assert_int_equal(map(0, ioas, 0x10000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 0x10000, 1), DMA_LANDED);
    free = partitions.partition[0].pool.free;
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_int_not_equal(dma_write(DEVICE1, 0x10000, 1), DMA_LANDED);
    assert_console("silenced");
    /* The root port above passes nothing any more either. */
    assert_int_equal(pci_model_get16(&machine.pci, PORT1, 4) & 4, 0);
}

static uint64_t stage2_invalidates;
static unsigned int gifts;

static void expect_invalidated(const struct page_pool *pool)
{
    assert_ptr_equal(pool, &partitions.partition[0].pool);
    gifts++;
    if (host_counters.stage2_invalidates == stage2_invalidates)
        fail_msg("table pages go back though the CPUs may still walk through them");
}

static void unbind_invalidates_what_cpus_keep_of_the_registers_before_it_gives_tables_back(void)
{
    machine_plain();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    stage2_invalidates = host_counters.stage2_invalidates;
    wrap_before_pages_given = expect_invalidated;
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_true(gifts > 0);
}

int run_order_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_barrier_stands_between_each_store_and_the_register_that_tells_of_it),
        TEST(unmap_that_meets_a_dead_unit_is_etimedout_and_pins_the_memory),
        TEST(unbind_invalidates_what_cpus_keep_of_the_registers_before_it_gives_tables_back),
    };

    return RUN_GROUP("kernel/order and failure");
}
