/* SPDX-License-Identifier: Apache-2.0 */
/* The observer itself: that it looks, that it computes no more than it must, and that it would notice if it
 * computed too little. */
#include <stdlib.h>
#include <string.h>

#include "arch/seam.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"
#include "machine.h"
#include "observer.h"
#include "wrong/wrong.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)

static uint64_t ioas;

static void start_with(const struct observer_options *options)
{
    machine_plain();
    observer_start_with(options);
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
}

static void start(void)
{
    start_with(&(struct observer_options){ .mode = HOST_STORES_IMMEDIATE });
}

static void every_store_command_and_call_is_looked_at(void)
{
    start();
    struct observer_counts before = observer_counts();
    uint64_t entries = host_counters.entries;
    uint64_t commands = smmuv3_model_command_total(machine.unit[0]);

    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    struct observer_counts after = observer_counts();

    assert_true(host_counters.entries > entries + 10);
    assert_int_equal(after.stores - before.stores, host_counters.entries - entries);
    assert_int_equal(after.commands - before.commands,
                     smmuv3_model_command_total(machine.unit[0]) - commands);
    assert_int_equal(after.calls - before.calls, 2);
}

static void a_store_elsewhere_computes_nothing_anew(void)
{
    start();
    /* A second space, to which no device is attached: the stores to its tables concern no stream. */
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    struct observer_counts before = observer_counts();

    assert_true(other > 0);
    assert_int_equal(map(0, (uint64_t)other, IOVA, BASE, 64 * PAGE_SIZE), BH_OK);
    struct observer_counts after = observer_counts();

    assert_true(after.stores - before.stores >= 64);
    assert_int_equal(after.reaches, before.reaches);
    assert_int_equal(map(0, ioas, 2 * IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_true(observer_counts().reaches > after.reaches);
}

static void expect_disagreement(void (*scenario)(void))
{
    const char *report = observer_caught(scenario);

    assert_non_null(report);
    assert_non_null(strstr(report, "The observer disagrees with itself"));
    assert_non_null(strstr(report, "computed afresh, the stream's reach differs"));
}

static void map_with_a_broken_observer(void)
{
    start();
    observer_break_incremental();
    map(0, ioas, 2 * IOVA, BASE + 0x5000, PAGE_SIZE);
}

static void an_observer_that_misses_stores_is_found_out_by_a_full_recomputation(void)
{
    expect_disagreement(map_with_a_broken_observer);
}

/* The table whose entries translate pages from 0 on. */
static uint64_t *last_table(void)
{
    uint64_t *table = memory_pointer(partitions.partition[0].ioas[0].tree[0].table.root);

    for (unsigned int level = 0; level < 3; level++)
        table = memory_pointer(table[0] & BITS(47, 12));
    return table;
}

/* ---- What the unit does of its own accord ------------------------------------------------------------------- */

/* The leaf is cleared, and a cache allows more than memory, until the unit evicts it. */
static void evict_and_recompute(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)value;
    if (offset != SMMU_CMDQ_PROD)
        return;
    smmuv3_model_evict(machine.unit[unit]);
    observer_check_all();
}

static void a_unit_that_evicts_by_its_own_choice_is_no_disagreement(void)
{
    start();
    machine.before_register_write = evict_and_recompute;
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
}

/* A command that the unit consumes when it likes is looked at with the next store, and before it. */
static void a_recomputation_waits_for_the_store_that_became_visible(void)
{
    const struct smmuv3 *unit;

    start_with(&(struct observer_options){ .mode = HOST_STORES_IMMEDIATE, .period = 1 });
    unit = devices.iommu[0].unit;
    uint32_t producer = smmuv3_model_read32(machine.unit[0], SMMU_CMDQ_PROD);
    volatile uint64_t *slot = (volatile uint64_t *)unit->commands + 2 * (size_t)producer;

    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, SMMUV3_MODEL_NEVER);
    entry_write64(&slot[0], CMD_TLBI_NSNH_ALL);
    entry_write64(&slot[1], 0);
    mmio_write32(UNIT_BASE + SMMU_CMDQ_PROD, producer + 1);
    assert_true(smmuv3_model_step(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS));
    uint64_t commands = observer_counts().commands;

    entry_write64(&last_table()[IOVA / PAGE_SIZE], 0);
    assert_int_equal(observer_counts().commands, commands + 1);
}

static void store_past_the_seam(void)
{
    uint64_t *table;

    start();
    table = last_table();
    /* The page behind the one that is mapped. */
    table[IOVA / PAGE_SIZE + 1] = table[IOVA / PAGE_SIZE] + PAGE_SIZE;
    observer_check_all();
}

static void a_store_past_the_seam_is_found_by_a_full_recomputation(void)
{
    expect_disagreement(store_past_the_seam);
}

static void map_read_only_and_make_it_writable(void)
{
    uint64_t *table;

    start();
    table = last_table();
    call(0, BH_CALL_IOAS_MAP, ioas, 2 * IOVA, BASE, PAGE_SIZE, BH_MAP_READ);
    entry_write64(&table[2 * IOVA / PAGE_SIZE], table[2 * IOVA / PAGE_SIZE] | 0x80);
}

static void i3_more_access_than_was_mapped_is_caught(void)
{
    const char *report = observer_caught(map_read_only_and_make_it_writable);

    assert_non_null(report);
    assert_non_null(strstr(report, "its owner mapped this, but for less access"));
    assert_non_null(strstr(report, "which is memory of partition one, guest-physical 0x40000000"));
}

/* The kernel's own objects say nothing against it: only the ledger knows what was asked. */
static void map_the_pool(void)
{
    start();
    entry_write64(&last_table()[40], partitions.partition[0].pool.base | 0x7FF);
}

static void i14_a_way_to_a_table_pool_is_caught(void)
{
    const char *report = observer_caught(map_the_pool);

    assert_non_null(report);
    assert_non_null(strstr(report, "I14: no stream reaches the hypervisor's tables and queues"));
    assert_non_null(strstr(report, "which is table pool of partition one"));
}

static void open_the_unit(void)
{
    start();
    mmio_write32(UNIT_BASE + 0x44, 0x80000000);
    mmio_write32(UNIT_BASE + 0x20, 0);
}

static void i1_a_unit_that_opens_again_is_caught(void)
{
    const char *report = observer_caught(open_the_unit);

    assert_non_null(report);
    assert_non_null(strstr(report, "I1: no stream bypasses translation"));
    assert_non_null(strstr(report, "it was closed before"));
}

static void attach_another_stream(void)
{
    machine_plain();
    observer_start();
    machine_boot();
    device_find(DEVICE1_NAME)->stream = device_find(DEVICE2_NAME)->stream;
    bind_and_attach(0, DEVICE1_ID, 1);
}

static void i3_an_attach_of_a_stream_that_is_not_the_devices_is_caught(void)
{
    const char *report = observer_caught(attach_another_stream);

    assert_non_null(report);
    assert_non_null(strstr(report, "the device's requests are of id 0x100"));
}

static void bind_where_memory_overlaps(void)
{
    machine_plain();
    machine_partition("two");
    observer_start();
    machine_boot();
    partitions.partition[1].physical = partitions.partition[0].physical + PAGE_SIZE;
    (void)bind(0, DEVICE1_ID, 1);
}

static void i3_partitions_whose_memory_overlaps_are_caught(void)
{
    const char *report = observer_caught(bind_where_memory_overlaps);

    assert_non_null(report);
    assert_non_null(strstr(report, "the memory of partitions one and two overlaps"));
}

/* The partition is moved: its last page is the command queue's first one. */
static void bind_over_the_command_queue(void)
{
    const uint64_t cmdq_base = 0x90;

    machine_plain();
    observer_start();
    machine_boot();
    partitions.partition[0].physical = (smmuv3_model_read64(machine.unit[0], cmdq_base) &
                                        BITS(51, 5)) +
                                       PAGE_SIZE - machine.partition[0].memory_size;
    (void)bind(0, DEVICE1_ID, 1);
}

static void i14_a_partition_that_holds_the_command_queue_is_caught(void)
{
    const char *report = observer_caught(bind_over_the_command_queue);

    assert_non_null(report);
    assert_non_null(strstr(report, "I14: no stream reaches the hypervisor's tables and queues"));
    assert_non_null(strstr(report, "a command queue lies in partition one"));
}

/* The ledger allows it: the partition's memory was moved once the device was bound. */
static void map_the_command_queue(void)
{
    const uint64_t cmdq_base = 0x90;

    start();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    partitions.partition[0].physical = smmuv3_model_read64(machine.unit[0], cmdq_base) &
                                       BITS(51, 5);
    map(0, ioas, 4 * IOVA, BASE, PAGE_SIZE);
}

static void i14_a_map_that_reaches_the_command_queue_is_caught(void)
{
    const char *report = observer_caught(map_the_command_queue);

    assert_non_null(report);
    assert_non_null(strstr(report, "I14: no stream reaches the hypervisor's tables and queues"));
    assert_non_null(strstr(report, "it reaches a command queue"));
}

/* ---- What nobody but a wrong kernel could do ---------------------------------------------------------------- */

static void expect_report(void (*scenario)(void), const char *rule, const char *line)
{
    const char *report = observer_caught(scenario);

    assert_non_null(report);
    if (strstr(report, rule) == NULL || strstr(report, line) == NULL)
        fail_msg("the report lacks \"%s\" or \"%s\":\n%s", rule, line, report);
}

static void let_the_entry_bypass(void)
{
    const uint64_t config = BITS(3, 1), bypass = BIT(3);

    start();
    volatile uint64_t *entry = wrong_entry(DEVICE1_ID & 0xFFFF);

    entry_write64(&entry[0], (entry[0] & ~config) | bypass);
}

static void i1_an_entry_that_bypasses_is_caught(void)
{
    expect_report(let_the_entry_bypass, "I1: no stream bypasses translation",
                  "its entry may be read as");
}

static void map_all_to_itself(void)
{
    start();
    uint64_t *root = memory_pointer(partitions.partition[0].ioas[0].tree[0].table.root);
    uint64_t *level1 = memory_pointer(root[0] & BITS(47, 12));

    entry_write64(&level1[BASE >> 30], BASE | 0x7FD); /* a block of 1 GiB */
}

static void i1_a_translation_of_all_to_itself_is_caught(void)
{
    expect_report(map_all_to_itself, "I1: no stream bypasses translation",
                  "no translation stands between it and memory");
}

/* Parked streams share an empty table, which becomes the device's. */
static void let_parked_streams_in(void)
{
    start();
    const uint64_t *owned = memory_pointer(partitions.partition[0].ioas[0].tree[0].table.root);
    uint64_t *parked = memory_pointer(wrong_entry(DEVICE2_ID & 0xFFFF)[3] & BITS(47, 12));

    assert_ptr_not_equal(owned, parked);
    entry_write64(&parked[0], owned[0]);
}

static void i3_a_parked_stream_that_reaches_memory_is_caught(void)
{
    expect_report(let_parked_streams_in, "I3: ", "it is parked, and reaches memory");
}

static void map_the_neighbour(void)
{
    machine_plain();
    machine_partition("two");
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
    entry_write64(&last_table()[40], partitions.partition[1].physical | 0x7FF);
}

static void i3_a_way_to_another_partition_is_caught(void)
{
    expect_report(map_the_neighbour, "I3: ", "it reaches what is not its owner's memory");
}

/* The kernel has forgotten that it is attached. */
static void unbind_while_attached(void)
{
    start();
    device_find(DEVICE1_NAME)->ioas = NULL;
    call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID);
}

static void i6_a_device_that_is_given_back_attached_is_caught(void)
{
    expect_report(unbind_while_attached, "I6: ", "its device was given back while it was attached");
}

/* ---- Ears that are stopped --------------------------------------------------------------------------------- */

/* Past the linker's --wrap, as if it were missing (wrap.c). */
void __real_hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number);
uint64_t __real_page_pool_take(struct page_pool *pool);
uint16_t __real_iommu_tag_take(struct iommu *iommu);

static void nobody_tells_of_stores(void)
{
    int64_t other;

    start();
    other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    host_visible = NULL;
    assert_int_equal(map(0, (uint64_t)other, IOVA, BASE, PAGE_SIZE), BH_OK);
    observer_finish();
}

static void nobody_tells_of_registers(void)
{
    start();
    machine.watch = NULL;
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    observer_finish();
}

static void nobody_tells_of_transfers(void)
{
    const struct machine_watch *watch;

    start();
    watch = machine.watch;
    machine.watch = NULL;
    dma_write(DEVICE1, IOVA, 1);
    machine.watch = watch;
    observer_finish();
}

static void ignore_read(unsigned int unit, uint64_t address)
{
    (void)unit;
    (void)address;
}

static void nobody_tells_of_reads(void)
{
    static struct machine_watch deaf;

    start();
    deaf = *machine.watch;
    deaf.audited = ignore_read;
    machine.watch = &deaf;
    assert_int_equal(map(0, ioas, 2 * IOVA, BASE, PAGE_SIZE), BH_OK);
    observer_finish();
}

static void nobody_tells_of_calls(void)
{
    uint64_t x[6] = { BH_CALL_DEVICE_UNBIND, DEVICE1_ID };

    start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    __real_hypercall(&partitions.partition[0].vcpu, x, x[0]);
    assert_int_equal(x[0], BH_OK);
    observer_finish();
}

static void nobody_tells_of_pages(void)
{
    start();
    assert_true(__real_page_pool_take(&partitions.partition[0].pool) != 0);
    observer_finish();
}

static void nobody_tells_of_tags(void)
{
    start();
    assert_true(__real_iommu_tag_take(&devices.iommu[0]) != 0);
    observer_finish();
}

static void expect_deaf(void (*scenario)(void), const char *line)
{
    expect_report(scenario, "The observer is told of all that happens", line);
}

static void an_observer_that_is_not_told_of_stores_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_stores, "of the number of stores it was told");
}

static void an_observer_that_is_not_told_of_registers_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_registers, "of CMDQ_PROD it was told");
}

static void an_observer_that_is_not_told_of_transfers_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_transfers, "of the number of transfers it was told");
}

static void an_observer_that_is_not_told_of_reads_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_reads, "of a walk, whether it reads tables");
}

static void an_observer_that_is_not_told_of_calls_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_calls, "of a device, whether its partition has bound it");
}

static void an_observer_that_is_not_told_of_pages_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_pages, "of the free pages of a pool it was told");
}

static void an_observer_that_is_not_told_of_tags_fails_the_test(void)
{
    expect_deaf(nobody_tells_of_tags, "of unit 0 is free, as it was told");
}

static void an_observer_that_is_switched_on_late_knows_what_stands_there(void)
{
    machine_plain();
    machine_boot();
    observer_start();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    assert_true(observer_counts().fetches < 100);
}

int run_observer_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_store_command_and_call_is_looked_at),
        TEST(a_store_elsewhere_computes_nothing_anew),
        TEST(an_observer_that_misses_stores_is_found_out_by_a_full_recomputation),
        TEST(a_unit_that_evicts_by_its_own_choice_is_no_disagreement),
        TEST(a_recomputation_waits_for_the_store_that_became_visible),
        TEST(a_store_past_the_seam_is_found_by_a_full_recomputation),
        TEST(i3_more_access_than_was_mapped_is_caught),
        TEST(i14_a_way_to_a_table_pool_is_caught),
        TEST(i1_a_unit_that_opens_again_is_caught),
        TEST(i3_an_attach_of_a_stream_that_is_not_the_devices_is_caught),
        TEST(i3_partitions_whose_memory_overlaps_are_caught),
        TEST(i14_a_partition_that_holds_the_command_queue_is_caught),
        TEST(i14_a_map_that_reaches_the_command_queue_is_caught),
        TEST(i1_an_entry_that_bypasses_is_caught),
        TEST(i1_a_translation_of_all_to_itself_is_caught),
        TEST(i3_a_parked_stream_that_reaches_memory_is_caught),
        TEST(i3_a_way_to_another_partition_is_caught),
        TEST(i6_a_device_that_is_given_back_attached_is_caught),
        TEST(an_observer_that_is_not_told_of_stores_fails_the_test),
        TEST(an_observer_that_is_not_told_of_registers_fails_the_test),
        TEST(an_observer_that_is_not_told_of_transfers_fails_the_test),
        TEST(an_observer_that_is_not_told_of_reads_fails_the_test),
        TEST(an_observer_that_is_not_told_of_calls_fails_the_test),
        TEST(an_observer_that_is_not_told_of_pages_fails_the_test),
        TEST(an_observer_that_is_not_told_of_tags_fails_the_test),
        TEST(an_observer_that_is_switched_on_late_knows_what_stands_there),
    };

    return RUN_GROUP("observer");
}
