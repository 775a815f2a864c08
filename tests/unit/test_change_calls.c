/* SPDX-License-Identifier: Apache-2.0 */
/* ioas_remap, ioas_copy, ioas_unmap_all and the batches: results, refusals, and what the device reaches after each,
 * watched by the observer. */
#include <string.h>

#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define STRUCTURE (BASE + 0x210000)
#define RW (BH_MAP_READ | BH_MAP_WRITE)
#define IOVA UINT64_C(0x10000)
#define BLOCK UINT64_C(0x200000)

static uint64_t ioas;

static void boot(void)
{
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
}

static void start(void)
{
    machine_plain();
    boot();
}

static int64_t remap(uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    return call(0, BH_CALL_IOAS_REMAP, ioas, iova, address, size, flags);
}

static void refused(int64_t code, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                    uint64_t e)
{
    uint64_t before = machine_state();
    int64_t result = call(0, number, a, b, c, d, e);

    if (result != code)
        fail_msg("call %llu (0x%llx, 0x%llx, 0x%llx, 0x%llx, 0x%llx) answers %lld, not %lld",
                 (unsigned long long)number, (unsigned long long)a, (unsigned long long)b,
                 (unsigned long long)c, (unsigned long long)d, (unsigned long long)e,
                 (long long)result, (long long)code);
    assert_int_equal(machine_state(), before);
}

static void expect_reads(uint64_t iova, uint64_t address)
{
    static uint64_t turn = 0x1000;
    uint64_t value = 0;

    memcpy(guest(0, address), &(uint64_t){ ++turn }, 8);
    assert_int_equal(dma_read(DEVICE1, iova, &value), DMA_LANDED);
    assert_int_equal(value, turn);
}

/* ---- Remap --------------------------------------------------------------------------------------- */

static void row_2_10_a_remap_leads_to_other_memory_with_nothing_in_between(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
    expect_reads(IOVA + 0x1000, BASE + 0x2000); /* the unit has cached it */
    uint64_t syncs = devices.iommu[0].counters.syncs;

    assert_int_equal(remap(IOVA, BASE + 0x101000, 3 * PAGE_SIZE, RW), BH_OK);
    assert_int_equal(machine.x[1], 3 * PAGE_SIZE);
    assert_int_equal(machine.x[2], 0);
    assert_int_equal(devices.iommu[0].counters.syncs - syncs, 1);
    expect_reads(IOVA, BASE + 0x101000);
    expect_reads(IOVA + 0x2000, BASE + 0x103000);
    assert_int_equal(unmap(0, ioas, IOVA, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], 3 * PAGE_SIZE);
    assert_units_clean();
}

static void row_2_10_a_remap_that_changes_the_access_alone_says_that_it_was_hitless(void)
{
    start();
    assert_int_equal(map(0, ioas, BLOCK, BASE, BLOCK), BH_OK);
    assert_int_equal(dma_write(DEVICE1, BLOCK + 0x300008, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, BLOCK + 0x100008, 1), DMA_LANDED);
    assert_int_equal(remap(BLOCK, BASE, BLOCK, BH_MAP_READ), BH_OK);
    assert_int_equal(machine.x[1], BLOCK);
    assert_int_equal(machine.x[2], 1);
    assert_int_equal(dma_write(DEVICE1, BLOCK + 0x100008, 1), DMA_BLOCKED);
    expect_reads(BLOCK + 0x100008, BASE + 0x100008);
}

static void row_2_10_a_remap_does_its_bound_and_says_how_far_it_came(void)
{
    start();
    assert_int_equal(map(0, ioas, 0x1000, BASE, 512 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 0x201000, BASE + BLOCK, 4 * PAGE_SIZE), BH_OK);
    assert_int_equal(remap(0x1000, BASE + 0x10000, 516 * PAGE_SIZE, RW), BH_EAGAIN);
    assert_int_equal(machine.x[1], 512 * PAGE_SIZE);
    expect_reads(0x1000, BASE + 0x10000);
    expect_reads(0x201000, BASE + BLOCK);
    assert_int_equal(remap(0x201000, BASE + 0x210000, 4 * PAGE_SIZE, RW), BH_OK);
    expect_reads(0x204000, BASE + 0x213000);
}

static void row_2_10_remap_refusals_are_as_documented_and_change_nothing(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, BLOCK, BASE, BLOCK), BH_OK);
    const struct {
        int64_t code;
        uint64_t iova, address, size, flags;
    } rows[] = {
        { BH_ENOENT, IOVA, BASE, 4 * PAGE_SIZE, RW },
        { BH_ENOENT, IOVA - PAGE_SIZE, BASE, 2 * PAGE_SIZE, RW },
        { BH_ENOENT, 0x40000000, BASE, PAGE_SIZE, RW },
        { BH_EINVAL, BLOCK, BASE + PAGE_SIZE, BLOCK, RW },
        { BH_EINVAL, BLOCK, BASE, PAGE_SIZE, RW },
        { BH_EINVAL, BLOCK + PAGE_SIZE, BASE + PAGE_SIZE, PAGE_SIZE, RW },
        { BH_EINVAL, IOVA, BASE, 0, RW },
        { BH_EINVAL, IOVA + 1, BASE, PAGE_SIZE, RW },
        { BH_EINVAL, IOVA, BASE + 1, PAGE_SIZE, RW },
        { BH_EINVAL, IOVA, BASE, PAGE_SIZE, 0 },
        { BH_EINVAL, IOVA, BASE, PAGE_SIZE, 4 },
        { BH_EINVAL, IOVA, UINT64_MAX - 0xFFF, 2 * PAGE_SIZE, RW },
        { BH_ERANGE, IOVA, BASE - PAGE_SIZE, PAGE_SIZE, RW },
        { BH_ERANGE, IOVA, BASE + VISIBLE, PAGE_SIZE, RW },
        { BH_ERANGE, UINT64_C(1) << 48, BASE, PAGE_SIZE, RW },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++)
        refused(rows[i].code, BH_CALL_IOAS_REMAP, ioas, rows[i].iova, rows[i].address, rows[i].size,
                rows[i].flags);
    refused(BH_ENOENT, BH_CALL_IOAS_REMAP, ioas + 1, IOVA, BASE, PAGE_SIZE, RW);
    expect_reads(IOVA, BASE + 0x1000);
}

static unsigned int told; /* how often the unit was told of commands */

static void expect_nothing_mapped(unsigned int unit, uint64_t offset, uint64_t value)
{
    const struct pagetable *table = &partitions.partition[0].ioas[0].tree[0].table;
    uint64_t entry, size;

    (void)unit;
    (void)value;
    if (offset != SMMU_CMDQ_PROD)
        return;
    told++;
    for (uint64_t at = IOVA; at < IOVA + 3 * PAGE_SIZE; at += PAGE_SIZE) {
        if (pagetable_lookup(table, at, &entry, &size))
            fail_msg("the unit forgets while 0x%llx leads somewhere", (unsigned long long)at);
    }
}

/* Break before make: while a unit may know the old leaf the new one is not there. */
static void row_2_10_other_memory_is_there_once_the_unit_has_forgotten_the_old(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 3 * PAGE_SIZE), BH_OK);
    machine.before_register_write = expect_nothing_mapped;
    assert_int_equal(remap(IOVA, BASE + 0x101000, 3 * PAGE_SIZE, RW), BH_OK);
    machine.before_register_write = NULL;
    assert_true(told > 0);
    expect_reads(IOVA, BASE + 0x101000);
}

static void fail_unit(void)
{
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
}

static void a_unit_that_failed_pins_the_memory_of_a_remap(void)
{
    start();
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
    fail_unit();
    assert_int_equal(remap(IOVA, BASE + 0x2000, PAGE_SIZE, RW), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
}

/* ---- Unmap all ----------------------------------------------------------------------------------- */

static void row_2_12_unmap_all_empties_a_space_a_bounded_part_a_call(void)
{
    uint64_t cursor = 0, bytes = 0;
    unsigned int calls = 0;
    int64_t result;

    start();
    uint64_t free = query_pool(0).pages_free;

    assert_int_equal(map(0, ioas, 0x1000, BASE, 512 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, UINT64_C(0x7000000000), BASE, 300 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 4 * BLOCK, BASE, BLOCK), BH_OK);
    do {
        uint64_t syncs = devices.iommu[0].counters.syncs;

        result = call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, cursor);
        assert_true(devices.iommu[0].counters.syncs - syncs <= 1);
        bytes += machine.x[2];
        assert_true(result == BH_OK ? machine.x[1] == 0 : machine.x[1] > cursor);
        cursor = machine.x[1];
        calls++;
    } while (result == BH_EAGAIN && calls < 100);
    assert_int_equal(result, BH_OK);
    assert_in_range(calls, 2, 8);
    assert_int_equal(bytes, 812 * PAGE_SIZE + BLOCK);
    assert_int_equal(query_pool(0).pages_free, free);
    assert_int_equal(dma_write(DEVICE1, 0x1000, 1), DMA_BLOCKED);
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, 0), BH_OK);
    assert_int_equal(machine.x[2], 0);
}

/* What begins below 4 GiB may end above, and the cursor of the last calls lies there whatever is mapped. */
static void row_2_12_unmap_all_ends_for_a_caller_of_32_bit_registers_too(void)
{
    const uint64_t last = UINT64_C(0xFFFFF000);
    unsigned int calls = 0;
    int64_t result;

    start();
    assert_int_equal(map(0, ioas, 0x1000, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, last, BASE, 2 * PAGE_SIZE), BH_OK);
    guest_width = GUEST_AARCH32;
    machine.x[1] = machine.x[3] = 0;
    do {
        result = call3(0, BH_CALL_IOAS_UNMAP_ALL, ioas, machine.x[1], machine.x[3]);
        calls++;
    } while (result == BH_EAGAIN && calls < 2000);
    assert_int_equal(result, BH_OK);
    assert_true(calls > 2 && machine.x[1] == 0 && machine.x[3] == 0);
    assert_int_equal(dma_write(DEVICE1, last + PAGE_SIZE, 1), DMA_BLOCKED);
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_ALL, ioas, 0, 1 << 16), BH_ERANGE);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    guest_width = GUEST_AARCH64;
}

/* A caller of whole registers may give back what it got. */
static void the_upper_half_of_a_whole_cursor_changes_nothing(void)
{
    start();
    assert_int_equal(map(0, ioas, UINT64_C(0x7000000000), BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, 0), BH_EAGAIN);
    while (machine.x[1] < UINT64_C(0x7000000000) && machine.x[0] == (uint64_t)BH_EAGAIN) {
        assert_int_equal(machine.x[3], machine.x[1] >> 32);
        call3(0, BH_CALL_IOAS_UNMAP_ALL, ioas, machine.x[1], machine.x[3]);
    }
    assert_int_equal(machine.x[2], PAGE_SIZE);
}

static void row_2_12_unmap_all_refusals_are_as_documented_and_change_nothing(void)
{
    start();
    assert_int_equal(map(0, ioas, BLOCK, BASE, BLOCK), BH_OK);
    refused(BH_EINVAL, BH_CALL_IOAS_UNMAP_ALL, ioas, 1, 0, 0, 0);
    refused(BH_EINVAL, BH_CALL_IOAS_UNMAP_ALL, ioas, BLOCK + PAGE_SIZE, 0, 0, 0);
    refused(BH_ERANGE, BH_CALL_IOAS_UNMAP_ALL, ioas, UINT64_C(1) << 48, 0, 0, 0);
    refused(BH_ENOENT, BH_CALL_IOAS_UNMAP_ALL, ioas + 1, 0, 0, 0, 0);
    fail_unit();
    assert_int_equal(call2(0, BH_CALL_IOAS_UNMAP_ALL, ioas, 0), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
}

/* ---- Batches ------------------------------------------------------------------------------------- */

static int64_t map_batch(uint64_t count)
{
    return call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, count);
}

static int64_t unmap_batch(uint64_t count)
{
    return call3(0, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE, count);
}

/* count scattered pages. */
static void write_maps(unsigned int count)
{
    struct bh_map *maps = guest(0, STRUCTURE);

    for (unsigned int i = 0; i < count; i++)
        maps[i] = (struct bh_map){ .iova = IOVA + 2 * PAGE_SIZE * i,
                                   .address = BASE + (count - 1 - i) % 256 * PAGE_SIZE,
                                   .size = PAGE_SIZE,
                                   .flags = RW };
}

static void write_unmaps(unsigned int count)
{
    struct bh_unmap *unmaps = guest(0, STRUCTURE);

    for (unsigned int i = 0; i < count; i++)
        unmaps[i] = (struct bh_unmap){ .iova = IOVA + 2 * PAGE_SIZE * i, .size = PAGE_SIZE };
}

static void row_2_11_a_batch_of_maps_and_one_of_unmaps_with_one_sync(void)
{
    start();
    write_maps(BH_BATCH);
    assert_int_equal(map_batch(BH_BATCH), BH_OK);
    assert_int_equal(machine.x[1], BH_BATCH);
    assert_int_equal(machine.x[2], 0);
    expect_reads(IOVA, BASE + 255 * PAGE_SIZE);
    expect_reads(IOVA + 2 * PAGE_SIZE * 511, BASE);
    write_unmaps(BH_BATCH);
    uint64_t syncs = devices.iommu[0].counters.syncs;

    assert_int_equal(unmap_batch(BH_BATCH), BH_OK);
    assert_int_equal(machine.x[1], BH_BATCH);
    assert_int_equal(machine.x[3], BH_BATCH * PAGE_SIZE);
    assert_int_equal(devices.iommu[0].counters.syncs - syncs, 1);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA + 2 * PAGE_SIZE * 511, 1), DMA_BLOCKED);
    assert_units_clean();
}

/* Elements that touch are one range to the unit. */
static void a_batch_of_unmaps_side_by_side_is_one_range(void)
{
    struct bh_unmap *unmaps;

    start();
    assert_int_equal(map(0, ioas, IOVA, BASE, 64 * PAGE_SIZE), BH_OK);
    expect_reads(IOVA, BASE);
    unmaps = guest(0, STRUCTURE);
    for (unsigned int i = 0; i < 64; i++)
        unmaps[i] = (struct bh_unmap){ .iova = IOVA + i * PAGE_SIZE, .size = PAGE_SIZE };
    uint64_t commands = smmuv3_model_command_total(machine.unit[0]);

    assert_int_equal(unmap_batch(64), BH_OK);
    assert_int_equal(smmuv3_model_command_total(machine.unit[0]) - commands, 2);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
}

static void a_batch_shares_one_bound_and_says_where_it_stands(void)
{
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    start();
    maps = guest(0, STRUCTURE);
    maps[0] = (struct bh_map){ 0x1000, BASE, 500 * PAGE_SIZE, RW };
    maps[1] = (struct bh_map){ 0x1000000, BASE + 0x1000, 20 * PAGE_SIZE, RW };
    maps[2] = (struct bh_map){ 0x2000000, BASE, PAGE_SIZE, RW };
    assert_int_equal(map_batch(3), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine.x[2], 12 * PAGE_SIZE);
    expect_reads(0x100B000, BASE + 0xC000);
    assert_int_equal(dma_write(DEVICE1, 0x100C000, 1), DMA_BLOCKED);
    maps[1] = (struct bh_map){ 0x100C000, BASE + 0xD000, 8 * PAGE_SIZE, RW };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE + sizeof(*maps), 2), BH_OK);
    assert_int_equal(machine.x[1], 2);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ 0x1000, 500 * PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ 0x1000000, 20 * PAGE_SIZE };
    unmaps[2] = (struct bh_unmap){ 0x2000000, PAGE_SIZE };
    assert_int_equal(unmap_batch(3), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine.x[2], 12 * PAGE_SIZE);
    assert_int_equal(machine.x[3], 512 * PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, 0x100B000, 1), DMA_BLOCKED);
    expect_reads(0x100C000, BASE + 0xD000);
}

/* The element that is not begun has no part, and nothing of it counts. */
static void a_batch_whose_bound_is_used_up_ends_between_two_elements(void)
{
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    start();
    maps = guest(0, STRUCTURE);
    maps[0] = (struct bh_map){ 0x1000, BASE, 512 * PAGE_SIZE, RW };
    maps[1] = (struct bh_map){ 0x1000000, BASE + 0x1000, PAGE_SIZE, RW };
    assert_int_equal(map_batch(2), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine.x[2], 0);
    assert_int_equal(dma_write(DEVICE1, 0x1000000, 1), DMA_BLOCKED);
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE + sizeof(*maps), 1), BH_OK);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ 0x1000, 512 * PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ 0x1000000, PAGE_SIZE };
    assert_int_equal(unmap_batch(2), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine.x[2], 0);
    assert_int_equal(machine.x[3], 512 * PAGE_SIZE);
    expect_reads(0x1000000, BASE + 0x1000);
}

/* What is taken out waits to be told together with what follows, which may be nothing. */
static void a_batch_of_unmaps_that_ends_with_a_hole_is_forgotten_before_it_returns(void)
{
    struct bh_unmap *unmaps;
    uint64_t syncs;

    start();
    assert_int_equal(map(0, ioas, IOVA, BASE, 2 * PAGE_SIZE), BH_OK);
    expect_reads(IOVA, BASE);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ 64 * BLOCK, PAGE_SIZE };
    syncs = devices.iommu[0].counters.syncs;
    assert_int_equal(unmap_batch(2), BH_OK);
    assert_int_equal(machine.x[3], PAGE_SIZE);
    assert_int_equal(devices.iommu[0].counters.syncs - syncs, 1);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
}

static void a_batch_of_two_neighbours_is_forgotten_with_both(void)
{
    struct bh_unmap *unmaps;

    start();
    assert_int_equal(map(0, ioas, IOVA, BASE, 3 * PAGE_SIZE), BH_OK);
    expect_reads(IOVA, BASE);
    expect_reads(IOVA + PAGE_SIZE, BASE + PAGE_SIZE);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ IOVA + PAGE_SIZE, PAGE_SIZE };
    assert_int_equal(unmap_batch(2), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA + PAGE_SIZE, 1), DMA_BLOCKED);
    expect_reads(IOVA + 2 * PAGE_SIZE, BASE + 2 * PAGE_SIZE);
}

static void a_refused_element_ends_a_batch_and_is_refused_where_it_is_the_first(void)
{
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    start();
    write_maps(4);
    maps = guest(0, STRUCTURE);
    maps[2].size = 1;
    assert_int_equal(map_batch(4), BH_EAGAIN);
    assert_int_equal(machine.x[1], 2);
    assert_int_equal(machine.x[2], 0);
    refused(BH_EINVAL, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE + 2 * sizeof(*maps), 2, 0, 0);
    refused(BH_EEXIST, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, 2, 0, 0);
    maps[0].address = BASE + VISIBLE;
    refused(BH_ERANGE, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, 1, 0, 0);
    maps[0].flags = 8;
    refused(BH_EINVAL, BH_CALL_IOAS_MAP_BATCH, ioas, STRUCTURE, 1, 0, 0);
    assert_int_equal(map(0, ioas, 4 * BLOCK, BASE, BLOCK), BH_OK);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ 4 * BLOCK, PAGE_SIZE };
    assert_int_equal(unmap_batch(2), BH_EAGAIN);
    assert_int_equal(machine.x[1], 1);
    refused(BH_EINVAL, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE + sizeof(*unmaps), 1, 0, 0);
    unmaps[1].iova = UINT64_C(1) << 48;
    assert_int_equal(unmap_batch(2), BH_EAGAIN); /* a hole, and a refusal that has no part */
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine.x[2], 0);
    refused(BH_ERANGE, BH_CALL_IOAS_UNMAP_BATCH, ioas, STRUCTURE + sizeof(*unmaps), 1, 0, 0);
}

static void i10_an_array_is_checked_as_a_whole_before_its_first_element(void)
{
    static const uint64_t calls[] = { BH_CALL_IOAS_MAP_BATCH, BH_CALL_IOAS_UNMAP_BATCH };
    static const uint64_t bytes[] = { sizeof(struct bh_map), sizeof(struct bh_unmap) };

    start();
    for (unsigned int i = 0; i < 2; i++) {
        refused(BH_EINVAL, calls[i], ioas, STRUCTURE, 0, 0, 0);
        refused(BH_EINVAL, calls[i], ioas, STRUCTURE, BH_BATCH + 1, 0, 0);
        refused(BH_EINVAL, calls[i], ioas, STRUCTURE, UINT64_MAX, 0, 0);
        refused(BH_EFAULT, calls[i], ioas, STRUCTURE + 4, 1, 0, 0);
        refused(BH_EFAULT, calls[i], ioas, BASE - 8, 1, 0, 0);
        refused(BH_EFAULT, calls[i], ioas, BASE + VISIBLE - bytes[i], 2, 0, 0);
        refused(BH_ENOENT, calls[i], ioas + 1, STRUCTURE, 1, 0, 0);
    }
}

static void a_unit_that_failed_pins_the_memory_of_a_batch(void)
{
    start();
    write_maps(4);
    assert_int_equal(map_batch(4), BH_OK);
    write_unmaps(4);
    fail_unit();
    assert_int_equal(unmap_batch(4), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
}

/* ---- Copy ---------------------------------------------------------------------------------------- */

static struct bh_ioas_copy *copy;

static void boot_copy(void)
{
    boot();
    copy = guest(0, STRUCTURE);
    *copy = (struct bh_ioas_copy){ .size = sizeof(*copy),
                                   .from = (uint32_t)ioas,
                                   .to = (uint32_t)ioas,
                                   .from_iova = IOVA,
                                   .to_iova = 4 * BLOCK,
                                   .bytes = 3 * PAGE_SIZE,
                                   .flags = BH_MAP_READ };
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x1000, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, IOVA + 2 * PAGE_SIZE, BASE + 0x8000, PAGE_SIZE), BH_OK);
}

static void start_copy(void)
{
    machine_plain();
    boot_copy();
}

static int64_t make_copy(void)
{
    return call1(0, BH_CALL_IOAS_COPY, STRUCTURE);
}

static void refused_copy(int64_t code)
{
    refused(code, BH_CALL_IOAS_COPY, STRUCTURE, 0, 0, 0, 0);
}

static void row_2_18_a_copy_leads_to_the_same_memory_at_another_place(void)
{
    start_copy();
    assert_int_equal(make_copy(), BH_OK);
    assert_int_equal(machine.x[1], 3 * PAGE_SIZE);
    expect_reads(4 * BLOCK, BASE + 0x1000);
    expect_reads(4 * BLOCK + 2 * PAGE_SIZE, BASE + 0x8000);
    assert_int_equal(dma_write(DEVICE1, 4 * BLOCK, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    /* It stays when the source goes. */
    assert_int_equal(unmap(0, ioas, IOVA, 3 * PAGE_SIZE), BH_OK);
    expect_reads(4 * BLOCK, BASE + 0x1000);
    assert_units_clean();
}

static void row_2_18_a_copy_of_a_part_of_a_block_into_another_space(void)
{
    start_copy();
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(other > 0);
    assert_int_equal(map(0, (uint64_t)other, BLOCK, BASE, BLOCK), BH_OK);
    copy->from = (uint32_t)other;
    copy->from_iova = BLOCK + 0x5000;
    copy->bytes = 6 * PAGE_SIZE;
    assert_int_equal(make_copy(), BH_OK);
    expect_reads(4 * BLOCK + 0x5000, BASE + 0xA000);
    assert_int_equal(dma_write(DEVICE1, 4 * BLOCK + 0x6000, 1), DMA_BLOCKED);
    /* And back, in the other order of the slots. */
    copy->from = (uint32_t)ioas;
    copy->to = (uint32_t)other;
    copy->from_iova = 4 * BLOCK;
    assert_int_equal(make_copy(), BH_OK);
    assert_int_equal(machine.x[1], 6 * PAGE_SIZE);
}

/* The same frame mapped twice is the partition's memory once (nothing is counted by frame). */
static void row_2_19_the_same_frame_is_mapped_twice_and_goes_once_from_each_place(void)
{
    start_copy();
    uint64_t free = query_pool(0).pages_free;

    assert_int_equal(make_copy(), BH_OK);
    assert_int_equal(unmap(0, ioas, 4 * BLOCK, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], 3 * PAGE_SIZE);
    assert_int_equal(query_pool(0).pages_free, free);
    expect_reads(IOVA, BASE + 0x1000);
}

static void row_2_18_a_copy_does_its_bound_and_says_how_far_it_came(void)
{
    start_copy();
    assert_int_equal(map(0, ioas, 0x801000000, BASE + 0x1000, 512 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, ioas, 0x801200000, BASE + 0x201000, PAGE_SIZE), BH_OK);
    copy->from_iova = 0x801000000;
    copy->bytes = 513 * PAGE_SIZE;
    assert_int_equal(make_copy(), BH_EAGAIN);
    assert_int_equal(machine.x[1], 512 * PAGE_SIZE);
    copy->from_iova += 512 * PAGE_SIZE;
    copy->to_iova += 512 * PAGE_SIZE;
    copy->bytes = PAGE_SIZE;
    assert_int_equal(make_copy(), BH_OK);
    expect_reads(4 * BLOCK + 512 * PAGE_SIZE, BASE + 0x201000);
}

/* 4 MiB in two calls: the leaves of the second half lead to nothing until the second one. */
static void expect_two_calls(uint64_t from, uint64_t to, uint64_t first, uint64_t second)
{
    copy->from_iova = from;
    copy->to_iova = to;
    copy->bytes = 2 * BLOCK;
    copy->flags = RW;
    assert_int_equal(make_copy(), BH_EAGAIN);
    assert_int_equal(machine.x[1], BLOCK);
    expect_reads(to + BLOCK - PAGE_SIZE, first + BLOCK - PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, to + BLOCK, 1), DMA_BLOCKED);
    copy->from_iova += BLOCK;
    copy->to_iova += BLOCK;
    copy->bytes = BLOCK;
    assert_int_equal(make_copy(), BH_OK);
    assert_int_equal(machine.x[1], BLOCK);
    expect_reads(to + BLOCK, second);
}

static void row_2_18_a_copy_is_bounded_by_what_it_reads_and_by_what_it_writes(void)
{
    const uint64_t first = BASE + 2 * BLOCK, second = BASE + 3 * BLOCK;

    machine_plain();
    machine.partition[0].memory_size = 8 * BLOCK;
    boot_copy();
    /* Pages become blocks; blocks side by side become pages; blocks that are not do. */
    assert_int_equal(map(0, ioas, 0x801001000, first, BLOCK), BH_OK);
    assert_int_equal(map(0, ioas, 0x801201000, second, BLOCK), BH_OK);
    expect_two_calls(0x801001000, 0x40000000, first, second);
    assert_int_equal(map(0, ioas, 0x50000000, first, 2 * BLOCK), BH_OK);
    expect_two_calls(0x50000000, 0x60001000, first, second);
    assert_int_equal(map(0, ioas, 0x70000000, second, BLOCK), BH_OK);
    assert_int_equal(map(0, ioas, 0x70200000, first, BLOCK), BH_OK);
    expect_two_calls(0x70000000, 0x80001000, second, first);
}

static void row_2_18_what_ends_a_copy_is_refused_where_it_is_the_first(void)
{
    start_copy();
    copy->bytes = 4 * PAGE_SIZE;
    assert_int_equal(make_copy(), BH_EAGAIN);
    assert_int_equal(machine.x[1], 3 * PAGE_SIZE);
    copy->from_iova += 3 * PAGE_SIZE;
    copy->to_iova += 3 * PAGE_SIZE;
    copy->bytes = PAGE_SIZE;
    refused_copy(BH_ENOENT);
    copy->from_iova = IOVA;
    copy->to_iova = 4 * BLOCK;
    refused_copy(BH_EEXIST);
}

static void row_2_18_copy_refusals_are_as_documented_and_change_nothing(void)
{
    static uint8_t kept[2 * PAGE_SIZE];

    start_copy();
    memcpy(kept, copy, sizeof(*copy));
    const struct {
        int64_t code;
        unsigned int word;
        uint64_t value;
    } rows[] = {
        { BH_EINVAL, 0, 40 },
        { BH_EINVAL, 0, 0 },
        { BH_EINVAL, 0, 49 },
        { BH_EINVAL, 0, PAGE_SIZE + 8 },
        { BH_ENOENT, 1, ioas << 32 | (ioas + 1) },
        { BH_ENOENT, 1, (ioas + 1) << 32 | ioas },
        { BH_ENOENT, 1, (ioas + 0x100) << 32 | ioas },
        { BH_ENOENT, 1, 0 },
        { BH_EINVAL, 2, IOVA + 1 },
        { BH_ERANGE, 2, UINT64_C(1) << 48 },
        { BH_EINVAL, 3, IOVA + 1 },
        { BH_ERANGE, 3, UINT64_C(1) << 48 },
        { BH_EINVAL, 4, 0 },
        { BH_EINVAL, 4, 100 },
        { BH_EINVAL, 5, 0 },
        { BH_EINVAL, 5, 4 },
        { BH_EEXIST, 3, IOVA },
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(rows); i++) {
        memcpy(copy, kept, sizeof(*copy));
        ((uint64_t *)copy)[rows[i].word] = rows[i].value;
        refused_copy(rows[i].code);
    }
    /* As in a map, where the range says more than the flags. */
    memcpy(copy, kept, sizeof(*copy));
    copy->from_iova = UINT64_C(1) << 48;
    copy->flags = 0;
    refused_copy(BH_ERANGE);
    memcpy(copy, kept, sizeof(*copy));
    refused(BH_EFAULT, BH_CALL_IOAS_COPY, STRUCTURE + 4, 0, 0, 0, 0);
    refused(BH_EFAULT, BH_CALL_IOAS_COPY, BASE - 8, 0, 0, 0, 0);
    memcpy(guest(0, BASE + VISIBLE - 40), copy, 40);
    refused(BH_EFAULT, BH_CALL_IOAS_COPY, BASE + VISIBLE - 40, 0, 0, 0, 0);
}

static void a_longer_structure_may_hold_nothing_that_is_not_known(void)
{
    uint64_t *words;

    start_copy();
    words = guest(0, STRUCTURE);
    copy->size = 64;
    words[6] = 0;
    words[7] = 1;
    refused_copy(BH_EINVAL);
    words[7] = 0;
    words[8] = 1;
    assert_int_equal(make_copy(), BH_OK);
}

int run_change_calls_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_10_a_remap_leads_to_other_memory_with_nothing_in_between),
        TEST(row_2_10_a_remap_that_changes_the_access_alone_says_that_it_was_hitless),
        TEST(row_2_10_a_remap_does_its_bound_and_says_how_far_it_came),
        TEST(row_2_10_remap_refusals_are_as_documented_and_change_nothing),
        TEST(row_2_10_other_memory_is_there_once_the_unit_has_forgotten_the_old),
        TEST(a_unit_that_failed_pins_the_memory_of_a_remap),
        TEST(row_2_12_unmap_all_empties_a_space_a_bounded_part_a_call),
        TEST(row_2_12_unmap_all_ends_for_a_caller_of_32_bit_registers_too),
        TEST(the_upper_half_of_a_whole_cursor_changes_nothing),
        TEST(row_2_12_unmap_all_refusals_are_as_documented_and_change_nothing),
        TEST(row_2_11_a_batch_of_maps_and_one_of_unmaps_with_one_sync),
        TEST(a_batch_of_unmaps_side_by_side_is_one_range),
        TEST(a_batch_shares_one_bound_and_says_where_it_stands),
        TEST(a_batch_whose_bound_is_used_up_ends_between_two_elements),
        TEST(a_batch_of_unmaps_that_ends_with_a_hole_is_forgotten_before_it_returns),
        TEST(a_batch_of_two_neighbours_is_forgotten_with_both),
        TEST(a_refused_element_ends_a_batch_and_is_refused_where_it_is_the_first),
        TEST(i10_an_array_is_checked_as_a_whole_before_its_first_element),
        TEST(a_unit_that_failed_pins_the_memory_of_a_batch),
        TEST(row_2_18_a_copy_leads_to_the_same_memory_at_another_place),
        TEST(row_2_18_a_copy_of_a_part_of_a_block_into_another_space),
        TEST(row_2_19_the_same_frame_is_mapped_twice_and_goes_once_from_each_place),
        TEST(row_2_18_a_copy_does_its_bound_and_says_how_far_it_came),
        TEST(row_2_18_a_copy_is_bounded_by_what_it_reads_and_by_what_it_writes),
        TEST(row_2_18_what_ends_a_copy_is_refused_where_it_is_the_first),
        TEST(row_2_18_copy_refusals_are_as_documented_and_change_nothing),
        TEST(a_longer_structure_may_hold_nothing_that_is_not_known),
    };

    return RUN_GROUP("kernel/change");
}
