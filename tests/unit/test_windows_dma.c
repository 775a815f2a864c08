/* SPDX-License-Identifier: Apache-2.0 */
/* Windows and devices (kernel/window.c, kernel/ioas.c): what a partition may map of one for its devices, and that
 * all of it is gone, for every IOMMU, before the frames are anybody else's (row 2.20). */
#include <string.h>

#include "groups.h"
#include "kernel/window.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define AT UINT64_C(0x80000000)
#define SIZE UINT64_C(0x4000)
#define IOVA UINT64_C(0x10000)
#define STRUCTURE (BASE + 0x100000)

static struct window_spec *spec;
static uint64_t ioas;

/* "one" has a device that is attached, and shares 16 KiB at AT with "two". */
static void plain(void)
{
    spec = machine_shared();
    spec->dma = true;
}

static void boot(void)
{
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 0xAB);
}

static void start(void)
{
    plain();
    boot();
}

/* A word of the frames. */
static volatile uint64_t *shared(uint64_t offset)
{
    return (uint64_t *)memory_pointer(windows.window[0].physical + offset);
}

static int64_t map_with(uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    return call(0, BH_CALL_IOAS_MAP, ioas, iova, address, size, flags);
}

static struct bh_query_window query(unsigned int partition)
{
    struct bh_query_window *window = guest(partition, STRUCTURE);

    window->size = sizeof(*window);
    assert_int_equal(call3(partition, BH_CALL_QUERY, BH_QUERY_WINDOW, STRUCTURE, 0), BH_OK);
    return *window;
}

static void end(unsigned int partition, uint64_t action)
{
    call2(partition, BH_CALL_POWER, action, 0);
    assert_int_equal(machine.end, HOST_IDLE);
}

/* The device fires whatever its command register says. */
static enum dma fire(uint64_t iova)
{
    pci_model_set16(&machine.pci, DEVICE1, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, DEVICE1, 4) | 4));
    return dma_write(DEVICE1, iova, 0xBAD);
}

/* Refused, and nothing changed by it. */
static void expect_refusal(int64_t code, uint64_t iova, uint64_t address, uint64_t size,
                           uint64_t flags)
{
    uint64_t before = machine_state();

    assert_int_equal(map_with(iova, address, size, flags), code);
    if (machine_state() != before)
        fail_msg("a map that is refused with %lld changed something", (long long)code);
}

static void row_2_20_a_device_reaches_the_window_that_its_partition_mapped_for_it(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT + 0x1000, 0x2000), BH_OK);
    assert_int_equal(query(0).maps_used, 1);
    assert_int_equal(query(1).maps_used, 0);
    assert_int_equal(dma_write(DEVICE1, IOVA + 0x1008, 0x77), DMA_LANDED);
    assert_int_equal(*shared(0x2008), 0x77);
    assert_int_equal(fire(IOVA + 0x2000), DMA_BLOCKED);
    assert_int_equal(unmap(0, ioas, IOVA, 0x2000), BH_OK);
    assert_int_equal(query(0).maps_used, 0);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_units_clean();
}

static void row_2_20_what_the_set_does_not_allow_is_refused_and_changes_nothing(void)
{
    plain();
    spec->writable_by[0] = "two";
    spec->writable_by[1] = NULL;
    machine_window("no-dma", "one", "two"); /* at AT + 1 MiB */
    boot();
    expect_refusal(BH_EPERM, IOVA, AT, PAGE_SIZE, BH_MAP_WRITE);
    expect_refusal(BH_EPERM, IOVA, AT, PAGE_SIZE, BH_MAP_READ | BH_MAP_WRITE);
    expect_refusal(BH_ERANGE, IOVA, AT + 0x100000, PAGE_SIZE, BH_MAP_READ);
    expect_refusal(BH_ERANGE, IOVA, AT - PAGE_SIZE, PAGE_SIZE, BH_MAP_READ);
    expect_refusal(BH_ERANGE, IOVA, AT - PAGE_SIZE, 2 * PAGE_SIZE, BH_MAP_READ);
    expect_refusal(BH_ERANGE, IOVA, AT + SIZE, PAGE_SIZE, BH_MAP_READ);
    expect_refusal(BH_ERANGE, IOVA, AT + SIZE - PAGE_SIZE, 2 * PAGE_SIZE, BH_MAP_READ);
    expect_refusal(BH_EINVAL, IOVA, AT + 8, PAGE_SIZE, BH_MAP_READ);
    assert_int_equal(map_with(IOVA, AT, SIZE, BH_MAP_READ), BH_OK);
    expect_refusal(BH_EEXIST, IOVA, AT, PAGE_SIZE, BH_MAP_READ);
    assert_int_equal(query(0).maps_used, 1);
    uint64_t value;

    *shared(0) = 0x11;
    assert_int_equal(dma_read(DEVICE1, IOVA, &value), DMA_LANDED);
    assert_int_equal(value, 0x11);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_int_equal(*shared(0), 0x11);
}

/* As if the unit's addresses ended below the window, which no size of the manual does here. */
static void row_4_15_a_window_that_the_unit_cannot_address_is_erange_and_takes_no_map(void)
{
    start();
    partitions.partition[0].ioas[0].output_limit = windows.window[0].physical;
    expect_refusal(BH_ERANGE, IOVA, AT, PAGE_SIZE, BH_MAP_READ);
}

static void row_2_20_each_map_takes_one_of_as_many_as_the_set_allows(void)
{
    plain();
    spec->maps = 3;
    boot();
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(map(0, ioas, IOVA + i * SIZE, AT, SIZE), BH_OK);
    expect_refusal(BH_ENOSPC, IOVA + 3 * SIZE, AT, PAGE_SIZE, BH_MAP_READ);
    /* Own memory is not counted. */
    assert_int_equal(map(0, ioas, IOVA + 3 * SIZE, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_EBUSY);
    /* All at once; each is one again. */
    assert_int_equal(unmap(0, ioas, IOVA, 3 * SIZE), BH_OK);
    assert_int_equal(query(0).maps_used, 0);
    assert_int_equal(dma_write(DEVICE1, IOVA + 3 * SIZE, 1), DMA_LANDED);
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(map(0, ioas, IOVA + i * SIZE, AT, SIZE), BH_OK);
    assert_int_equal(query(0).maps_used, 3);
}

static void row_2_20_a_map_that_is_unmapped_in_parts_stays_one_piece(void)
{
    uint64_t before;

    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    before = machine_state();
    assert_int_equal(unmap(0, ioas, IOVA + 0x1000, 0x1000), BH_EINVAL);
    assert_int_equal(machine_state(), before);
    assert_int_equal(unmap(0, ioas, IOVA, 0x1000), BH_OK); /* the front ... */
    assert_int_equal(query(0).maps_used, 1);
    assert_int_equal(unmap(0, ioas, IOVA + 0x3000, 0x1000), BH_OK); /* ... the back ... */
    assert_int_equal(query(0).maps_used, 1);
    /* ... what lies there now is not the window's. */
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, IOVA + 0x3000, BASE + 0x3000, PAGE_SIZE), BH_OK);
    end(1, BH_POWER_OFF);
    assert_int_equal(fire(IOVA + 0x1000), DMA_BLOCKED);
    assert_int_equal(fire(IOVA + 0x2000), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE1, IOVA + 0x3000, 1), DMA_LANDED);
    assert_int_equal(query(0).maps_used, 0);
    /* Nothing is left of it that would make an unmap a cut. */
    assert_int_equal(unmap(0, ioas, IOVA, SIZE), BH_OK);
    assert_int_equal(machine.x[2], 2 * PAGE_SIZE);
}

static void row_2_20_the_bound_of_a_call_is_the_bound_of_a_map(void)
{
    plain();
    spec->size = 0x400000; /* 1024 pages where the IOVA allows no block */
    spec->maps = 2;
    boot();
    assert_int_equal(map(0, ioas, IOVA, AT, spec->size), BH_EAGAIN);
    assert_int_equal(machine.x[1], 512 * PAGE_SIZE);
    assert_int_equal(map(0, ioas, IOVA + 512 * PAGE_SIZE, AT + 512 * PAGE_SIZE, 512 * PAGE_SIZE),
                     BH_OK);
    assert_int_equal(query(0).maps_used, 2);
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(fire(IOVA + spec->size - 8), DMA_LANDED);
    end(1, BH_POWER_OFF);
    assert_int_equal(fire(IOVA + PAGE_SIZE), DMA_BLOCKED);
    assert_int_equal(fire(IOVA + spec->size - 8), DMA_BLOCKED);
    assert_int_equal(query(0).maps_used, 0);
    assert_int_equal(partitions.partition[0].ioas[0].window_maps, 0);
}

static void end_other(uint64_t action)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 4 * IOVA, AT, SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 2 * IOVA, BASE, SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    end(1, action);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_int_equal(fire(4 * IOVA), DMA_BLOCKED);
    assert_int_equal(*shared(0), 0x11);
    assert_int_equal(query(0).maps_used, 0);
    /* The survivor's own is as it was, and so is its device. */
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 0x22), DMA_LANDED);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 2);
    /* There is nothing to map now. */
    expect_refusal(BH_ERANGE, IOVA, AT, PAGE_SIZE, BH_MAP_READ);
    assert_units_clean();
}

static void row_2_20_an_end_blocks_the_survivors_device_before_the_call_returns(void)
{
    end_other(BH_POWER_OFF);
}

static void row_2_20_a_reset_blocks_the_survivors_device_before_the_call_returns(void)
{
    end_other(BH_POWER_RESET);
}

static void row_2_20_a_new_life_is_reached_by_what_was_mapped_in_its_time_alone(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    end(1, BH_POWER_RESET);
    assert_int_equal(machine_run_cpu(1), HOST_GUEST);
    assert_int_equal(*shared(0), 0);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_int_equal(*shared(0), 0);
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x33), DMA_LANDED);
    assert_int_equal(*shared(0), 0x33);
}

static void row_2_20_a_side_that_ends_takes_its_own_maps_along(void)
{
    plain();
    spec->maps = 1;
    boot();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    end(0, BH_POWER_RESET);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_false(windows.window[0].pinned);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    ioas = bind_and_attach(0, DEVICE1_ID, 0xAB);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    assert_int_equal(query(0).maps_used, 1);
}

static void row_2_20_other_calls_leave_alone_what_is_mapped_of_a_window(void)
{
    struct bh_unmap *element;
    uint64_t before;

    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    element = guest(0, STRUCTURE);
    element->iova = IOVA;
    element->size = SIZE;
    before = machine_state();
    assert_int_equal(call(0, BH_CALL_IOAS_REMAP, ioas, IOVA, BASE, SIZE, BH_MAP_READ), BH_ERANGE);
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE, 1), BH_ERANGE);
    assert_int_equal(machine_state(), before);
    /* Nor as a page behind one of own memory. */
    assert_int_equal(map(0, ioas, IOVA - PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
    element[0] = (struct bh_unmap){ IOVA - PAGE_SIZE, PAGE_SIZE };
    element[1] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE, 2), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    for (unsigned int i = 0;
         call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, i == 0 ? 0 : machine.x[1]) == BH_EAGAIN; i++)
        assert_true(i < 100);
    assert_int_equal((int64_t)machine.x[0], BH_OK);
    assert_int_equal(query(0).maps_used, 0);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
}

/* What else its space has is its own, to be led elsewhere and taken out at will. */
static void row_2_20_a_map_of_a_window_ties_nothing_beside_it(void)
{
    struct bh_unmap *element;

    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    assert_int_equal(map(0, ioas, IOVA + SIZE, BASE, SIZE), BH_OK);
    assert_int_equal(
        call(0, BH_CALL_IOAS_REMAP, ioas, IOVA + SIZE, BASE + SIZE, SIZE, BH_MAP_WRITE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA + SIZE, 0x22), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + SIZE), 0x22);
    element = guest(0, STRUCTURE);
    element->iova = IOVA + SIZE;
    element->size = SIZE;
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE, 1), BH_OK);
    assert_int_equal(fire(IOVA + SIZE), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    assert_int_equal(query(0).maps_used, 1);
}

static void row_2_20_a_unit_that_fails_at_the_withdrawal_costs_the_window_and_nobodys_life(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    end(1, BH_POWER_RESET);
    assert_true(windows.window[0].pinned);
    assert_int_not_equal(fire(IOVA), DMA_LANDED);
    assert_int_equal(machine_run_cpu(1), HOST_GUEST);
    /* Both go on, each with memory of its own. */
    assert_int_equal(query(0).state, BH_WINDOW_WITHDRAWN);
    assert_int_equal(query(1).state, BH_WINDOW_WITHDRAWN);
    for (unsigned int i = 0; i < 2; i++) {
        uint64_t entry, size;

        assert_true(pagetable_lookup(&partitions.partition[i].stage2, AT, &entry, &size));
        assert_int_equal(entry & BITS(47, 12), windows.window[0].side[i].alone);
    }
    assert_int_equal(call1(0, BH_CALL_NOTIFY, 0), BH_EAGAIN);
}

static void row_2_20_a_unit_that_fails_at_an_unmap_costs_the_window_later(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(unmap(0, ioas, IOVA, SIZE), BH_ETIMEDOUT);
    assert_int_equal(query(0).state, BH_WINDOW_CONNECTED);
    end(1, BH_POWER_RESET);
    assert_int_equal(machine_run_cpu(1), HOST_GUEST);
    assert_int_equal(query(0).state, BH_WINDOW_WITHDRAWN);
}

static void row_2_20_a_side_that_ends_behind_a_failed_unit_costs_the_window(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, AT, SIZE), BH_OK);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    end(0, BH_POWER_RESET);
    assert_true(windows.window[0].pinned);
    assert_console("its memory is not used again");
    assert_int_equal(query(1).state, BH_WINDOW_WITHDRAWN);
}

int run_windows_dma_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_20_a_device_reaches_the_window_that_its_partition_mapped_for_it),
        TEST(row_2_20_what_the_set_does_not_allow_is_refused_and_changes_nothing),
        TEST(row_4_15_a_window_that_the_unit_cannot_address_is_erange_and_takes_no_map),
        TEST(row_2_20_each_map_takes_one_of_as_many_as_the_set_allows),
        TEST(row_2_20_a_map_that_is_unmapped_in_parts_stays_one_piece),
        TEST(row_2_20_the_bound_of_a_call_is_the_bound_of_a_map),
        TEST(row_2_20_an_end_blocks_the_survivors_device_before_the_call_returns),
        TEST(row_2_20_a_reset_blocks_the_survivors_device_before_the_call_returns),
        TEST(row_2_20_a_new_life_is_reached_by_what_was_mapped_in_its_time_alone),
        TEST(row_2_20_a_side_that_ends_takes_its_own_maps_along),
        TEST(row_2_20_other_calls_leave_alone_what_is_mapped_of_a_window),
        TEST(row_2_20_a_map_of_a_window_ties_nothing_beside_it),
        TEST(row_2_20_a_unit_that_fails_at_the_withdrawal_costs_the_window_and_nobodys_life),
        TEST(row_2_20_a_unit_that_fails_at_an_unmap_costs_the_window_later),
        TEST(row_2_20_a_side_that_ends_behind_a_failed_unit_costs_the_window),
    };

    return RUN_GROUP("kernel/window and devices");
}
