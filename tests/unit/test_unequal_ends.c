/* SPDX-License-Identifier: Apache-2.0 */
/* Units that are not equal: what each is told to forget, and what is left when one dies or something runs short. */
#include <pthread.h>

#include "groups.h"
#include "kernel/window.h"
#include "observer.h"
#include "unequal_bench.h"

/* ---- Invalidation --------------------------------------------------------------------------------- */

static void expect_commands(unsigned int unit, uint64_t first, unsigned int count)
{
    const struct smmuv3_model *model = machine.unit[unit];

    if (smmuv3_model_command_total(model) != first + count)
        fail_msg("unit %u got %llu commands, not %u", unit,
                 (unsigned long long)(smmuv3_model_command_total(model) - first), count);
    if (count == 0)
        return;
    assert_int_equal(smmuv3_model_command_at(model, first)->opcode, 0x2A);
    assert_int_equal(smmuv3_model_command_at(model, first)->address, IOVA);
    assert_int_equal(smmuv3_model_command_at(model, first)->vmid,
                     partitions.partition[0].ioas[0].domain[unit].tag);
    assert_int_equal(smmuv3_model_command_at(model, first + 1)->opcode, 0x46);
}

static void row_4_12_an_unmap_is_one_tlbi_and_one_sync_in_each_unit_that_may_cache_it(void)
{
    uint64_t ioas, first[2];

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    for (unsigned int attached = 0; attached <= 2; attached++) {
        if (attached != 0)
            assert_int_equal(unequal_attach(attached == 1 ? DEVICE1_ID : DEVICE2_ID, ioas), BH_OK);
        assert_int_equal(map(0, ioas, IOVA, BASE, 2 * PAGE_SIZE), BH_OK);
        for (unsigned int unit = 0; unit < 2; unit++)
            first[unit] = unequal_commands(unit);
        assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
        for (unsigned int unit = 0; unit < 2; unit++)
            expect_commands(unit, first[unit], unit < attached ? 2 : 0);
        assert_int_equal(unmap(0, ioas, IOVA, 2 * PAGE_SIZE), BH_OK);
    }
    assert_units_clean();
}

static uint64_t batch_of_the_first;

/* The second unit is told before the first one is waited for. */
static void note_second(unsigned int unit, uint64_t offset, uint64_t value)
{
    const uint64_t producer = 0x98;

    (void)value;
    if (unit == 1 && offset == producer && batch_of_the_first == 0)
        batch_of_the_first = smmuv3_model_command_total(machine.unit[0]);
}

static void row_4_12_every_unit_has_its_batch_before_the_first_one_is_waited_for(void)
{
    uint64_t ioas, first;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    first = unequal_commands(0);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, 5);
    machine.before_register_write = note_second;
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    machine.before_register_write = NULL;
    if (batch_of_the_first == 0 || smmuv3_model_invalidation_pending(machine.unit[0]))
        fail_msg("the second unit was not told, or the first one not waited for");
    assert_true(batch_of_the_first <= first + 2);
    unequal_both(IOVA, DMA_BLOCKED);
}

static void row_4_12_an_unmap_that_meets_one_dead_unit_is_etimedout_and_done_on_the_other(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    unequal_both(IOVA, DMA_LANDED);
    smmuv3_model_set_late(machine.unit[1], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
    assert_false(devices.iommu[0].silenced);
    assert_true(devices.iommu[1].silenced);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_int_not_equal(dma_write(DEVICE2, IOVA, 1), DMA_LANDED);
    /* And the other way round: the unit that answers comes second. */
    assert_int_equal(map(0, ioas, 2 * IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 1), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, 2 * IOVA, PAGE_SIZE), BH_ETIMEDOUT);
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 1), DMA_BLOCKED);
}

static void i4_a_free_gives_back_the_tags_of_every_unit_and_the_pages_of_every_tree(void)
{
    uint32_t free;
    uint16_t tags[2];
    uint64_t ioas, first[2];

    unequal_start_48_and_32();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    free = partitions.partition[0].pool.free;
    ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
    unequal_detach(DEVICE1_ID);
    unequal_detach(DEVICE2_ID);
    for (unsigned int unit = 0; unit < 2; unit++) {
        tags[unit] = partitions.partition[0].ioas[0].domain[unit].tag;
        first[unit] = unequal_commands(unit);
        assert_int_not_equal(tags[unit], 0);
    }
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    for (unsigned int unit = 0; unit < 2; unit++) {
        assert_int_equal(smmuv3_model_command_at(machine.unit[unit], first[unit])->opcode, 0x28);
        assert_int_equal(devices.iommu[unit].tags[tags[unit] / 64] & BIT(tags[unit] % 64), 0);
    }
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_units_clean();
}

/* The tag that the living unit got back may be another's by the next try. */
static void a_free_that_a_dead_unit_holds_up_gives_the_other_units_tag_back_once(void)
{
    uint64_t ioas, commands;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    unequal_detach(DEVICE1_ID);
    unequal_detach(DEVICE2_ID);
    smmuv3_model_set_late(machine.unit[1], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_ETIMEDOUT);
    commands = smmuv3_model_command_total(machine.unit[0]);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_ETIMEDOUT);
    assert_int_equal(smmuv3_model_command_total(machine.unit[0]), commands);
}

static void an_ioas_that_was_never_attached_asks_no_unit_when_it_goes(void)
{
    uint64_t ioas, first[2];

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    for (unsigned int unit = 0; unit < 2; unit++)
        first[unit] = unequal_commands(unit);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    for (unsigned int unit = 0; unit < 2; unit++)
        assert_int_equal(unequal_commands(unit), first[unit]);
}

static void i4_a_dead_partition_leaves_no_tag_on_either_unit(void)
{
    unequal_start_48_and_32();
    unequal_shared_ioas();
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    /* Parked streams have the first one. */
    for (unsigned int unit = 0; unit < 2; unit++)
        assert_int_equal(devices.iommu[unit].tags[0], BIT(1));
}

/* ---- Shortage ------------------------------------------------------------------------------------------ */

/* The first tree needs three tables for a page, the second two. */
static void a_map_that_the_second_tree_has_no_pages_for_is_in_neither(void)
{
    struct partition *partition;
    struct page_list taken;
    uint64_t ioas;

    unequal_start_48_and_32();
    partition = &partitions.partition[0];
    ioas = unequal_shared_ioas();
    for (uint32_t left = 0; left <= 5; left++) {
        uint64_t first = unequal_commands(0), second = unequal_commands(1);

        unequal_leave_pages(&taken, left);
        assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), left < 5 ? BH_ENOSPC : BH_OK);
        assert_int_equal(machine.x[1], left < 5 ? 0 : PAGE_SIZE);
        assert_int_equal(partition->pool.free, left < 5 ? left : 0);
        assert_int_equal(partition->ioas[0].tree[0].table.mapped, left < 5 ? 0 : PAGE_SIZE);
        /* A device may have used what was there for a moment: its unit was told. */
        assert_int_equal(unequal_commands(0) - first != 0, left == 3 || left == 4);
        assert_int_equal(unequal_commands(1), second);
        page_pool_give(&partition->pool, &taken);
        unequal_both(IOVA, left < 5 ? DMA_BLOCKED : DMA_LANDED);
    }
    assert_units_clean();
}

static void a_map_whose_second_tree_is_short_of_pages_on_a_dying_unit_pins_the_memory(void)
{
    struct page_list taken;
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    unequal_leave_pages(&taken, 3);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
    assert_int_equal(partitions.partition[0].pool.free, 0);
}

/* The first tree had the window for a moment: where its unit does not answer, a device may have it still. */
static void row_2_20_a_window_that_the_second_tree_has_no_pages_for_is_lost_with_a_dying_unit(void)
{
    const struct smmuv3_model_parameters narrow = unequal_unit(32);
    struct window_spec *spec;
    struct page_list taken;
    uint64_t ioas;

    unequal_plan(&narrow);
    machine_partition("two");
    spec = machine_window("samples", "one", "two");
    spec->dma = true;
    observer_start();
    machine_boot();
    ioas = unequal_shared_ioas();
    unequal_leave_pages(&taken, 3);
    assert_int_equal(map(0, ioas, IOVA, spec->address[0], PAGE_SIZE), BH_ENOSPC);
    assert_false(windows.window[0].pinned);
    assert_int_equal(partitions.partition[0].ioas[0].window_maps, 0);
    assert_int_equal(partitions.partition[0].pool.free, 3);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(map(0, ioas, IOVA, spec->address[0], PAGE_SIZE), BH_ETIMEDOUT);
    assert_int_equal(machine.x[1], 0);
    assert_true(windows.window[0].pinned);
    assert_int_equal(partitions.partition[0].ioas[0].window_maps, 0);
    /* The next life of a side has other memory there. */
    assert_true(windows.window[0].connected);
    call2(1, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(1), HOST_GUEST);
    assert_false(windows.window[0].connected);
}

static int64_t allocated;

static void *allocate(void *device)
{
    allocated = ioas_alloc_paging(&partitions.partition[0], device);
    return NULL;
}

/* The slot was free when it was looked at; its lock is a ticket lock, so that a CPU that waits can be seen. */
static void a_slot_that_another_cpu_takes_first_is_passed(void)
{
    struct partition *partition = &partitions.partition[0];
    struct ioas *slot = partition->ioas;
    pthread_t thread;

    unequal_start_48_and_32();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    lock_acquire(&slot[0].lock);
    assert_int_equal(pthread_create(&thread, NULL, allocate, device_find(DEVICE1_NAME)), 0);
    while (atomic_load(&slot[0].lock.next) - atomic_load(&slot[0].lock.serving) != 2)
        cpu_relax();
    __atomic_store_n(&slot[0].owner, partition, __ATOMIC_RELAXED);
    lock_release(&slot[0].lock);
    pthread_join(thread, NULL);
    assert_true(allocated > 0);
    assert_int_equal((uint64_t)allocated & IOAS_ID_SLOT, 2);
    assert_int_equal(slot[0].id, 0);
    assert_ptr_equal(slot[1].owner, partition);
    for (unsigned int i = 0; i < 2; i++) {
        assert_true(lock_try(&slot[i].lock));
        lock_release(&slot[i].lock);
    }
    slot[0].owner = NULL;
}

static void an_ioas_whose_second_root_finds_no_page_is_not_made(void)
{
    struct page_list taken;
    uint64_t before;

    unequal_start_48_and_32();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    unequal_leave_pages(&taken, 1);
    before = machine_state();
    assert_int_equal(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE), BH_ENOSPC);
    assert_int_equal(machine_state(), before);
    page_pool_give(&partitions.partition[0].pool, &taken);
    assert_true(call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE) > 0);
}

static void an_attach_behind_a_unit_without_tags_is_enospc_and_leaves_the_other_unit_alone(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    while (iommu_tag_take(&devices.iommu[1]) != 0)
        ;
    unequal_refused(BH_ENOSPC, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas, 0);
    unequal_last(ioas, BIT(48) - 1);
}

static void a_unit_that_dies_while_it_is_attached_takes_nothing_away_from_the_ioas(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    smmuv3_model_set_late(machine.unit[1], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE2_ID).ioas, 0);
    unequal_last(ioas, BIT(48) - 1);
    assert_int_equal(partitions.partition[0].ioas[0].attached, 0);
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
}

int run_unequal_ends_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_4_12_an_unmap_is_one_tlbi_and_one_sync_in_each_unit_that_may_cache_it),
        TEST(row_4_12_every_unit_has_its_batch_before_the_first_one_is_waited_for),
        TEST(row_4_12_an_unmap_that_meets_one_dead_unit_is_etimedout_and_done_on_the_other),
        TEST(i4_a_free_gives_back_the_tags_of_every_unit_and_the_pages_of_every_tree),
        TEST(a_free_that_a_dead_unit_holds_up_gives_the_other_units_tag_back_once),
        TEST(an_ioas_that_was_never_attached_asks_no_unit_when_it_goes),
        TEST(i4_a_dead_partition_leaves_no_tag_on_either_unit),
        TEST(a_map_that_the_second_tree_has_no_pages_for_is_in_neither),
        TEST(a_map_whose_second_tree_is_short_of_pages_on_a_dying_unit_pins_the_memory),
        TEST(row_2_20_a_window_that_the_second_tree_has_no_pages_for_is_lost_with_a_dying_unit),
        TEST(a_slot_that_another_cpu_takes_first_is_passed),
        TEST(an_ioas_whose_second_root_finds_no_page_is_not_made),
        TEST(an_attach_behind_a_unit_without_tags_is_enospc_and_leaves_the_other_unit_alone),
        TEST(a_unit_that_dies_while_it_is_attached_takes_nothing_away_from_the_ioas),
    };

    return RUN_GROUP("kernel/unequal units, ends");
}
