/* SPDX-License-Identifier: Apache-2.0 */
/* Remap, copy and batches where units of 48 and of 32 bits serve one partition: what each tree has then. */
#include <string.h>

#include "groups.h"
#include "kernel/window.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define STRUCTURE (BASE + 0x200000)
#define RW (BH_MAP_READ | BH_MAP_WRITE)

static uint64_t id;
static struct ioas *ioas;

static uint64_t alloc(void)
{
    int64_t result = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(result > 0);
    return (uint64_t)result;
}

static int64_t attach(uint64_t device, uint64_t to)
{
    return call3(0, BH_CALL_ATTACH, device, BH_PASID_NONE, to);
}

static void detach_second(void)
{
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
}

/* The first device is attached to the ioas. */
static void start(void)
{
    struct smmuv3_model_parameters narrow = smmuv3_model_like_mmu600();

    narrow.oas = 32;
    machine_plain();
    machine_unit_for_bus(&narrow, 2);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    id = alloc();
    ioas = &partitions.partition[0].ioas[0];
    assert_int_equal(ioas->tree_count, 2);
    assert_int_equal(attach(DEVICE1_ID, id), BH_OK);
}

static int64_t remap(uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    return call(0, BH_CALL_IOAS_REMAP, id, iova, address, size, flags);
}

static void expect_write(uint64_t device, uint64_t iova, uint64_t address)
{
    static uint64_t turn = 0x1000;

    assert_int_equal(dma_write((uint16_t)device, iova, ++turn), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, address), turn);
}

static void expect_both(uint64_t iova, uint64_t address)
{
    expect_write(DEVICE1, iova, address);
    expect_write(DEVICE2, iova, address);
}

static void expect_neither(uint64_t iova)
{
    assert_int_equal(dma_write(DEVICE1, iova, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE2, iova, 2), DMA_BLOCKED);
}

/* ---- Remap --------------------------------------------------------------------------------------- */

static void a_remap_leads_both_units_to_the_other_memory(void)
{
    start();
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    assert_int_equal(map(0, id, IOVA, BASE + 0x1000, 2 * PAGE_SIZE), BH_OK);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x2000);
    assert_int_equal(remap(IOVA, BASE + 0x101000, 2 * PAGE_SIZE, RW), BH_OK);
    expect_both(IOVA, BASE + 0x101000);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x102000);
    assert_int_equal(remap(IOVA, BASE + 0x101000, PAGE_SIZE, BH_MAP_READ), BH_OK);
    assert_int_equal(machine.x[2], 1);
    expect_neither(IOVA);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x102000);
    assert_units_clean();
}

static void a_remap_beyond_the_second_unit_leaves_its_tree_as_it_is(void)
{
    start();
    assert_int_equal(map(0, id, IOVA, BASE + 0x1000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, id, BIT(32), BASE + 0x2000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, id, BIT(32) + IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    expect_write(DEVICE1, BIT(32), BASE + 0x2000);
    uint64_t free = partitions.partition[0].pool.free;

    assert_int_equal(remap(BIT(32), BASE + 0x5000, PAGE_SIZE, RW), BH_OK);
    assert_int_equal(remap(BIT(32) + IOVA, BASE + 0x6000, PAGE_SIZE, RW), BH_OK);
    assert_int_equal(partitions.partition[0].pool.free, free);
    expect_write(DEVICE1, BIT(32), BASE + 0x5000);
    expect_write(DEVICE1, BIT(32) + IOVA, BASE + 0x6000);
    assert_int_equal(unmap(0, id, BIT(32), 2 * IOVA), BH_OK);
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    expect_both(IOVA, BASE + 0x1000);
    assert_units_clean();
}

/* Would the second tree keep its page, it led to the old memory, and the attach found as much in both. */
static void a_remap_across_the_second_units_end_takes_what_it_had_out_of_its_tree(void)
{
    start();
    uint64_t free = partitions.partition[0].pool.free;

    assert_int_equal(map(0, id, BIT(32) - PAGE_SIZE, BASE + 0x1000, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, PAGE_SIZE);
    uint64_t mapped = partitions.partition[0].pool.free;

    assert_int_equal(remap(BIT(32) - PAGE_SIZE, BASE + 0x5000, 2 * PAGE_SIZE, RW), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, 0);
    assert_int_equal(partitions.partition[0].pool.free, mapped + 2);
    expect_write(DEVICE1, BIT(32) - PAGE_SIZE, BASE + 0x5000);
    expect_write(DEVICE1, BIT(32), BASE + 0x6000);
    assert_int_equal(unmap(0, id, BIT(32), PAGE_SIZE), BH_OK);
    assert_int_equal(attach(DEVICE2_ID, id), BH_ERANGE);
    assert_int_equal(unmap(0, id, BIT(32) - PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    expect_neither(BIT(32) - PAGE_SIZE);
    assert_units_clean();
}

/* As if the second unit's addresses ended below the memory of this machine. */
static void a_remap_to_memory_that_the_second_unit_cannot_address_is_in_the_first_tree_alone(void)
{
    start();
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    assert_int_equal(map(0, id, IOVA, BASE, 3 * PAGE_SIZE), BH_OK);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x1000);
    detach_second();
    ioas->tree[1].output_limit = partitions.partition[0].physical + 2 * PAGE_SIZE;
    /* The last page below the limit goes along, the next one does not. */
    assert_int_equal(remap(IOVA, BASE + PAGE_SIZE, PAGE_SIZE, RW), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, 3 * PAGE_SIZE);
    assert_int_equal(remap(IOVA + PAGE_SIZE, BASE + 2 * PAGE_SIZE, PAGE_SIZE, RW), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, 2 * PAGE_SIZE);
    assert_int_equal(attach(DEVICE2_ID, id), BH_ERANGE);
    expect_write(DEVICE1, IOVA + PAGE_SIZE, BASE + 2 * PAGE_SIZE);
    assert_int_equal(unmap(0, id, IOVA + PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    expect_both(IOVA, BASE + PAGE_SIZE);
    expect_neither(IOVA + PAGE_SIZE);
    assert_units_clean();
}

static void a_remap_of_what_the_second_tree_has_a_part_of_takes_that_part_out(void)
{
    start();
    assert_int_equal(map(0, id, IOVA, BASE, 2 * PAGE_SIZE), BH_OK);
    uint64_t free = partitions.partition[0].pool.free;

    ioas->tree[1].output_limit = partitions.partition[0].physical + PAGE_SIZE;
    assert_int_equal(remap(IOVA, BASE + 0x5000, PAGE_SIZE, RW), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, PAGE_SIZE);
    ioas->tree[1].output_limit = BIT(32);
    assert_int_equal(remap(IOVA, BASE + 0x7000, 2 * PAGE_SIZE, RW), BH_OK);
    assert_int_equal(ioas->tree[1].table.mapped, 0);
    assert_int_equal(partitions.partition[0].pool.free, free + 2);
    expect_write(DEVICE1, IOVA + PAGE_SIZE, BASE + 0x8000);
    assert_int_equal(unmap(0, id, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(attach(DEVICE2_ID, id), BH_ERANGE);
}

/* As if its addresses ended below the memory of this machine, which no size of the manual does. */
static void what_an_attached_unit_cannot_address_is_erange_in_a_remap_and_in_a_batch(void)
{
    struct bh_map *maps;
    uint64_t before;

    start();
    ioas->tree[1].output_limit = partitions.partition[0].physical + 2 * PAGE_SIZE;
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    assert_int_equal(map(0, id, IOVA, BASE, PAGE_SIZE), BH_OK);
    maps = guest(0, STRUCTURE);
    maps[0] = (struct bh_map){ 2 * IOVA, BASE + 2 * PAGE_SIZE, PAGE_SIZE, RW };
    before = machine_state();
    assert_int_equal(remap(IOVA, BASE + 2 * PAGE_SIZE, PAGE_SIZE, RW), BH_ERANGE);
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, id, STRUCTURE, 1), BH_ERANGE);
    assert_int_equal(machine_state(), before);
    maps[0].address = BASE + PAGE_SIZE;
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, id, STRUCTURE, 1), BH_OK);
    expect_both(IOVA, BASE);
    expect_both(2 * IOVA, BASE + PAGE_SIZE);
}

/* An index beyond the root of a tree of 39 bits would be that of a word behind it, here of no table at all. */
static void no_call_looks_in_a_tree_for_what_lies_beyond_it(void)
{
    const uint64_t iova = BIT(48) - PAGE_SIZE;
    struct bh_unmap *unmaps;
    uint64_t behind;

    start();
    behind = ioas->tree[1].table.root + (iova >> 30) * sizeof(uint64_t);
    assert_true(behind >= partitions.partition[0].physical + 0x400000);
    memset(memory_pointer(align_down(behind, PAGE_SIZE)), 0xFF, PAGE_SIZE);
    assert_int_equal(map(0, id, iova, BASE, PAGE_SIZE), BH_OK);
    expect_write(DEVICE1, iova, BASE);
    assert_int_equal(remap(iova, BASE + PAGE_SIZE, PAGE_SIZE, RW), BH_OK);
    expect_write(DEVICE1, iova, BASE + PAGE_SIZE);
    assert_int_equal(unmap(0, id, iova, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, id, iova, BASE, PAGE_SIZE), BH_OK);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ iova, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, id, STRUCTURE, 1), BH_OK);
    assert_int_equal(dma_write(DEVICE1, iova, 1), DMA_BLOCKED);
    assert_int_equal(ioas->tree[1].table.mapped, 0);
    assert_units_clean();
}

/* ---- Batches ------------------------------------------------------------------------------------- */

static void a_batch_of_unmaps_takes_out_of_each_tree_what_it_has(void)
{
    struct bh_unmap *unmaps;

    start();
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    uint64_t free = partitions.partition[0].pool.free;

    assert_int_equal(map(0, id, IOVA, BASE + 0x1000, 4 * PAGE_SIZE), BH_OK);
    expect_both(IOVA, BASE + 0x1000);
    expect_both(IOVA + 2 * PAGE_SIZE, BASE + 0x3000);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ IOVA + 2 * PAGE_SIZE, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, id, STRUCTURE, 2), BH_OK);
    expect_neither(IOVA);
    expect_neither(IOVA + 2 * PAGE_SIZE);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x2000);
    expect_both(IOVA + 3 * PAGE_SIZE, BASE + 0x4000);
    unmaps[0] = (struct bh_unmap){ IOVA, 4 * PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, id, STRUCTURE, 1), BH_OK);
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_units_clean();
}

static void a_batch_of_pages_side_by_side_is_done_in_each_tree(void)
{
    struct bh_map *maps;
    struct bh_unmap *unmaps;

    start();
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    maps = guest(0, STRUCTURE);
    for (unsigned int i = 0; i < 4; i++)
        maps[i] = (struct bh_map){ IOVA + i * PAGE_SIZE, BASE + i * PAGE_SIZE, PAGE_SIZE, RW };
    assert_int_equal(call3(0, BH_CALL_IOAS_MAP_BATCH, id, STRUCTURE, 4), BH_OK);
    for (unsigned int i = 0; i < 4; i++)
        expect_both(IOVA + i * PAGE_SIZE, BASE + i * PAGE_SIZE);
    unmaps = guest(0, STRUCTURE);
    for (unsigned int i = 0; i < 3; i++)
        unmaps[i] = (struct bh_unmap){ IOVA + i * PAGE_SIZE, PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, id, STRUCTURE, 3), BH_OK);
    for (unsigned int i = 0; i < 3; i++)
        expect_neither(IOVA + i * PAGE_SIZE);
    expect_both(IOVA + 3 * PAGE_SIZE, BASE + 3 * PAGE_SIZE);
    assert_units_clean();
}

static void a_batch_of_unmaps_beyond_and_across_the_second_units_end_leaves_the_trees_alike(void)
{
    struct bh_unmap *unmaps;

    start();
    assert_int_equal(map(0, id, IOVA, BASE + 0x1000, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, id, BIT(32) + IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, id, BIT(32) - PAGE_SIZE, BASE + 0x4000, 2 * PAGE_SIZE), BH_OK);
    expect_write(DEVICE1, BIT(32) + IOVA, BASE + 0x3000);
    expect_write(DEVICE1, BIT(32), BASE + 0x5000);
    unmaps = guest(0, STRUCTURE);
    unmaps[0] = (struct bh_unmap){ BIT(32) + IOVA, PAGE_SIZE };
    unmaps[1] = (struct bh_unmap){ IOVA, PAGE_SIZE };
    unmaps[2] = (struct bh_unmap){ BIT(32) - PAGE_SIZE, 2 * PAGE_SIZE };
    assert_int_equal(call3(0, BH_CALL_IOAS_UNMAP_BATCH, id, STRUCTURE, 3), BH_OK);
    assert_int_equal(machine.x[3], 4 * PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, BIT(32) + IOVA, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, BIT(32), 1), DMA_BLOCKED);
    assert_int_equal(attach(DEVICE2_ID, id), BH_OK);
    expect_neither(IOVA);
    expect_neither(BIT(32) - PAGE_SIZE);
    expect_both(IOVA + PAGE_SIZE, BASE + 0x2000);
    assert_units_clean();
}

/* ---- Copy ---------------------------------------------------------------------------------------- */

static int64_t copy_page(uint64_t from_iova, uint64_t to, uint64_t to_iova)
{
    struct bh_ioas_copy *copy = guest(0, STRUCTURE);

    *copy = (struct bh_ioas_copy){ .size = sizeof(*copy),
                                   .from = (uint32_t)id,
                                   .to = (uint32_t)to,
                                   .from_iova = from_iova,
                                   .to_iova = to_iova,
                                   .bytes = PAGE_SIZE,
                                   .flags = RW };
    return call1(0, BH_CALL_IOAS_COPY, STRUCTURE);
}

static void a_copy_of_memory_that_a_unit_of_the_other_space_cannot_address_is_erange(void)
{
    uint64_t other;

    start();
    other = alloc();
    partitions.partition[0].ioas[1].tree[1].output_limit = partitions.partition[0].physical +
                                                           2 * PAGE_SIZE;
    assert_int_equal(attach(DEVICE2_ID, other), BH_OK);
    assert_int_equal(map(0, id, IOVA, BASE, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(copy_page(IOVA + PAGE_SIZE, other, 2 * IOVA), BH_OK);
    expect_write(DEVICE2, 2 * IOVA, BASE + PAGE_SIZE);
    assert_int_equal(copy_page(IOVA + 2 * PAGE_SIZE, other, 3 * IOVA), BH_ERANGE);
    assert_int_equal(partitions.partition[0].ioas[1].tree[0].table.mapped, PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE2, 3 * IOVA, 1), DMA_BLOCKED);
    expect_write(DEVICE1, IOVA + 2 * PAGE_SIZE, BASE + 2 * PAGE_SIZE);
    assert_units_clean();
}

static void a_copy_of_a_windows_memory_is_erange(void)
{
    struct window_spec *window;

    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    window = machine_window("samples", "one", "two");
    window->dma = true;
    observer_start();
    machine_boot();
    id = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(map(0, id, IOVA, window->address[0], PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 7), DMA_LANDED);
    assert_int_equal(copy_page(IOVA, id, 2 * IOVA), BH_ERANGE);
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 8), DMA_BLOCKED);
    assert_int_equal(unmap(0, id, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 9), DMA_BLOCKED);
}

int run_change_units_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_remap_leads_both_units_to_the_other_memory),
        TEST(a_remap_beyond_the_second_unit_leaves_its_tree_as_it_is),
        TEST(a_remap_across_the_second_units_end_takes_what_it_had_out_of_its_tree),
        TEST(a_remap_to_memory_that_the_second_unit_cannot_address_is_in_the_first_tree_alone),
        TEST(a_remap_of_what_the_second_tree_has_a_part_of_takes_that_part_out),
        TEST(what_an_attached_unit_cannot_address_is_erange_in_a_remap_and_in_a_batch),
        TEST(no_call_looks_in_a_tree_for_what_lies_beyond_it),
        TEST(a_batch_of_unmaps_takes_out_of_each_tree_what_it_has),
        TEST(a_batch_of_pages_side_by_side_is_done_in_each_tree),
        TEST(a_batch_of_unmaps_beyond_and_across_the_second_units_end_leaves_the_trees_alike),
        TEST(a_copy_of_memory_that_a_unit_of_the_other_space_cannot_address_is_erange),
        TEST(a_copy_of_a_windows_memory_is_erange),
    };

    return RUN_GROUP("kernel/change units");
}
