/* SPDX-License-Identifier: Apache-2.0 */
/* The host machine itself (arch/host): what it promises of stores that hardware reads, and what it does
 * not. */
#include <string.h>

#include "bench.h"
#include "groups.h"

#define A BENCH_PAGE(0)
#define B (BENCH_PAGE(0) + 8)
#define DOORBELL SERIAL_BASE

static volatile uint64_t *word(uint64_t address)
{
    return memory_pointer(address);
}

static uint64_t hardware_sees(uint64_t address)
{
    uint64_t value;

    host_hardware_read(address, &value, sizeof(value));
    return value;
}

static uint64_t memory_holds(uint64_t address)
{
    uint64_t value;

    host_view_read(HOST_VIEW_MEMORY, address, &value, sizeof(value));
    return value;
}

static void hold(void)
{
    machine_reset();
    host_stores_mode(HOST_STORES_HELD);
}

static void a_store_is_seen_by_its_cpu_at_once_and_by_hardware_at_the_barrier(void)
{
    hold();
    entry_write64(word(A), 1);
    assert_int_equal(*word(A), 1);
    assert_int_equal(hardware_sees(A), 0);
    barrier_entries();
    assert_int_equal(hardware_sees(A), 1);
    assert_int_equal(host_stores_legal(), 0);
}

static void a_doorbell_makes_nothing_visible(void)
{
    hold();
    entry_write64(word(A), 1);
    mmio_write32(DOORBELL, 1);
    (void)mmio_read32(DOORBELL);
    assert_int_equal(hardware_sees(A), 0);
}

static void a_barrier_is_that_of_its_cpu_alone(void)
{
    hold();
    entry_write64(word(A), 1);
    host_cpu = 1;
    entry_write64(word(B), 2);
    barrier_entries();
    assert_int_equal(hardware_sees(A), 0);
    assert_int_equal(hardware_sees(B), 2);
    host_cpu = 0;
    barrier_entries();
    assert_int_equal(hardware_sees(A), 1);
}

static void stores_to_one_address_keep_their_order_and_others_none(void)
{
    hold();
    entry_write64(word(A), 1);
    entry_write64(word(A), 2);
    entry_write64(word(B), 3);
    assert_int_equal(host_stores_legal(), 2);
    assert_int_equal(host_stores_at(0).after, 1);
    assert_int_equal(host_stores_at(1).after, 3);
    host_stores_release(1);
    assert_int_equal(hardware_sees(A), 0);
    assert_int_equal(hardware_sees(B), 3);
    host_stores_release(0);
    assert_int_equal(hardware_sees(A), 1);
    assert_int_equal(*word(A), 2);
    host_stores_release(0);
    assert_int_equal(hardware_sees(A), 2);
    assert_int_equal(host_stores_legal(), 0);
}

static void what_a_device_writes_comes_before_a_store_that_nobody_has_seen(void)
{
    const uint32_t half = 7;
    uint64_t both[2];

    hold();
    entry_write64(word(A), 1);
    host_hardware_write(A + 4, &half, sizeof(half));
    assert_int_equal(hardware_sees(A), UINT64_C(7) << 32);
    assert_int_equal(*word(A), 1);
    host_hardware_write(B, &half, sizeof(half));
    host_hardware_read(A + 4, both, 8);
    assert_int_equal(both[0], UINT64_C(7) << 32 | 7);
    barrier_entries();
    assert_int_equal(hardware_sees(A), 1);
}

static struct host_store seen[16];
static unsigned int seen_count;

static void note(const struct host_store *store)
{
    assert_int_equal(hardware_sees(store->address), store->after);
    seen[seen_count++] = *store;
}

static __attribute__((noinline)) void storing_function(void)
{
    entry_write64(word(A), 5);
    entry_write64(word(A), 6);
}

static void each_store_that_becomes_visible_is_reported_with_what_it_changed_and_who_made_it(void)
{
    char text[200];

    hold();
    host_visible = note;
    host_cpu = 1;
    storing_function();
    assert_int_equal(seen_count, 0);
    barrier_entries();
    assert_int_equal(seen_count, 2);
    assert_int_equal(seen[0].before, 0);
    assert_int_equal(seen[0].after, 5);
    assert_int_equal(seen[1].before, 5);
    assert_int_equal(seen[1].after, 6);
    assert_int_equal(seen[1].sequence, seen[0].sequence + 1);
    assert_int_equal(seen[0].address, A);
    assert_int_equal(seen[0].cpu, 1);
    assert_string_equal(host_symbol(seen[0].caller[0]), "storing_function");
    host_store_text(&seen[1], text, sizeof(text));
    if (strstr(text, "CPU 1 to 0x46000000: 0x5 -> 0x6 by storing_function < each_store_") == NULL)
        fail_msg("reported as \"%s\"", text);
}

static void without_coherence_a_store_needs_cleaning_and_then_a_barrier(void)
{
    machine_reset();
    host_noncoherent_start();
    entry_write64(word(A), 1);
    barrier_entries();
    assert_int_equal(hardware_sees(A), 1);
    assert_int_equal(memory_holds(A), 0);
    cache_clean(word(B), 8);
    barrier_entries();
    assert_int_equal(memory_holds(A), 0);
    cache_clean(word(A), 8);
    assert_int_equal(memory_holds(A), 0);
    host_cpu = 1;
    barrier_entries();
    assert_int_equal(memory_holds(A), 0);
    host_cpu = 0;
    barrier_entries();
    assert_int_equal(memory_holds(A), 1);
    /* What was stored after the cleaning is not covered by it. */
    entry_write64(word(A), 2);
    cache_clean(word(A), 8);
    entry_write64(word(A), 3);
    barrier_entries();
    assert_int_equal(memory_holds(A), 2);
    assert_int_equal(host_stores_legal(), 1);
    host_stores_release(0);
    assert_int_equal(memory_holds(A), 3);
}

static void without_coherence_plain_data_stays_in_the_caches_until_it_is_cleaned(void)
{
    machine_reset();
    *word(A) = 1;
    host_noncoherent_start();
    assert_int_equal(memory_holds(A), 1);
    *word(A) = 2;
    barrier_entries();
    assert_int_equal(memory_holds(A), 1);
    cache_clean(word(A), 8);
    assert_int_equal(memory_holds(A), 2);
}

static void without_coherence_a_cpu_sees_what_a_unit_wrote_when_it_has_invalidated(void)
{
    uint64_t value = 9;

    machine_reset();
    host_noncoherent_start();
    host_view_write(HOST_VIEW_MEMORY, A, &value, sizeof(value));
    assert_int_equal(*word(A), 0);
    cache_clean(word(A), 8);
    assert_int_equal(*word(A), 0);
    assert_int_equal(memory_holds(A), 9);
    cache_clean_invalidate(word(A), 8);
    assert_int_equal(*word(A), 9);
}

/* An entry of a stream that aborts, turned by hand into one that a unit calls ill-formed. */
static void the_model_sees_old_values_where_a_barrier_is_missing(void)
{
    static const uint32_t stream = 9;
    static const uint64_t invalid = 0;
    volatile uint64_t *ste;

    bench_plain();
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, stream));
    ste = word((bench_unit()->level1[0] & L1STD_POINTER) + stream * UINT64_C(64));
    assert_int_equal(bench_ask(stream, 0).event, 0);
    host_stores_mode(HOST_STORES_HELD);
    entry_write64(ste, invalid);
    assert_int_equal(bench_ask(stream, 0).event, 0);
    barrier_entries();
    assert_int_equal(bench_ask(stream, 0).event, 0x04); /* C_BAD_STE */
}

static void a_command_that_is_not_behind_a_barrier_is_fetched_as_it_was(void)
{
    bench_plain();
    host_stores_mode(HOST_STORES_HELD);
    volatile uint64_t *slot = bench_unit()->commands + bench_unit()->produced * COMMAND_WORDS;

    /* What the queue held before: zeros, which are no command. */
    entry_write64(&slot[0], CMD_TLBI_NSNH_ALL);
    entry_write64(&slot[1], 0);
    uint64_t consumed = smmuv3_model_command_total(machine.unit[0]);

    mmio_write32(UNIT_BASE + SMMU_CMDQ_PROD, (uint32_t)(bench_unit()->produced + 1));
    assert_true(smmuv3_model_command_at(machine.unit[0], consumed)->illegal);
    assert_int_not_equal(mmio_read32(UNIT_BASE + SMMU_GERROR) & 1, 0);
}

/* ---- Snapshots ---------------------------------------------------------------------------------- */

static void a_machine_that_is_put_back_does_the_same_again(void)
{
    uint64_t state, ioas, first, value = 0;

    machine_plain();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, 0x10000, 0x40000000, PAGE_SIZE), BH_OK);
    state = machine_state();
    first = *(uint64_t *)guest(0, 0x40000000);
    machine_snapshot_take();
    for (uint64_t round = 1; round <= 3; round++) {
        assert_int_equal(dma_write(DEVICE1, 0x10000, round), DMA_LANDED);
        assert_int_equal(*(uint64_t *)guest(0, 0x40000000), round);
        assert_int_equal(map(0, ioas, 0x11000, 0x40000000, PAGE_SIZE), BH_OK);
        assert_int_equal(unmap(0, ioas, 0x10000, PAGE_SIZE), BH_OK);
        assert_int_equal(dma_write(DEVICE1, 0x10000, round), DMA_BLOCKED);
        assert_int_not_equal(machine_state(), state);
        machine_snapshot_restore();
        assert_int_equal(machine_state(), state);
        assert_int_equal(*(uint64_t *)guest(0, 0x40000000), first);
        assert_int_equal(dma_read(DEVICE1, 0x10000, &value), DMA_LANDED);
        assert_int_equal(dma_read(DEVICE1, 0x11000, &value), DMA_BLOCKED);
        machine_snapshot_restore();
    }
    assert_units_clean();
}

int run_host_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_store_is_seen_by_its_cpu_at_once_and_by_hardware_at_the_barrier),
        TEST(a_doorbell_makes_nothing_visible),
        TEST(a_barrier_is_that_of_its_cpu_alone),
        TEST(stores_to_one_address_keep_their_order_and_others_none),
        TEST(what_a_device_writes_comes_before_a_store_that_nobody_has_seen),
        TEST(each_store_that_becomes_visible_is_reported_with_what_it_changed_and_who_made_it),
        TEST(without_coherence_a_store_needs_cleaning_and_then_a_barrier),
        TEST(without_coherence_plain_data_stays_in_the_caches_until_it_is_cleaned),
        TEST(without_coherence_a_cpu_sees_what_a_unit_wrote_when_it_has_invalidated),
        TEST(the_model_sees_old_values_where_a_barrier_is_missing),
        TEST(a_command_that_is_not_behind_a_barrier_is_fetched_as_it_was),
        TEST(a_machine_that_is_put_back_does_the_same_again),
    };

    return RUN_GROUP("host/stores");
}
