/* SPDX-License-Identifier: Apache-2.0 */
/* Devices behind units that are not equal, one of 48 bits, one of 32: what each can reach, alone or through one ioas. */
#include "groups.h"
#include "unequal_bench.h"

static void row_4_7_each_device_is_translated_by_the_unit_that_it_stands_behind(void)
{
    uint64_t first, second;

    unequal_start_48_and_32();
    first = bind_and_attach(0, DEVICE1_ID, 1);
    second = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, first, BIT(33), BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, second, IOVA, BASE + 0x5000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, BIT(33), 11), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE2, IOVA, 22), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x3000), 11);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x5000), 22);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE2, BIT(33), 1), DMA_BLOCKED);
    assert_units_clean();
}

/* ---- One ioas behind both ------------------------------------------------------------------------- */

static void row_0_4_one_map_and_one_unmap_serve_the_devices_behind_both_units(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, 3 * PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[1], 3 * PAGE_SIZE);
    assert_int_equal(dma_write(DEVICE1, IOVA, 11), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE2, IOVA + PAGE_SIZE, 22), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x3000), 11);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x4000), 22);
    assert_int_equal(unmap(0, ioas, IOVA, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[1], 2 * PAGE_SIZE);
    assert_int_equal(machine.x[2], 2 * PAGE_SIZE);
    unequal_both(IOVA, DMA_BLOCKED);
    unequal_both(IOVA + PAGE_SIZE, DMA_BLOCKED);
    unequal_both(IOVA + 2 * PAGE_SIZE, DMA_LANDED);
    assert_units_clean();
}

static void row_0_4_what_was_mapped_before_an_attach_is_there_behind_it(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 2), DMA_LANDED);
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    unequal_both(IOVA, DMA_LANDED);
}

static void row_4_8_a_unit_that_a_mapping_lies_beyond_is_erange_and_the_mapping_intact(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    assert_int_equal(map(0, ioas, BIT(33), BASE, PAGE_SIZE), BH_OK);
    unequal_refused(BH_ERANGE, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas, 0);
    assert_int_equal(query_state(0, DEVICE2_ID).ioas, 0);
    assert_int_equal(dma_write(DEVICE1, BIT(33), 1), DMA_LANDED);
    unequal_last(ioas, BIT(48) - 1);
    /* Without it there is nothing in the way. */
    assert_int_equal(unmap(0, ioas, BIT(33), PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
}

static void row_4_8_a_mapping_that_begins_below_a_units_end_and_ends_above_is_beyond_it(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    assert_int_equal(map(0, ioas, BIT(32) - PAGE_SIZE, BASE, 2 * PAGE_SIZE), BH_OK);
    unequal_refused(BH_ERANGE, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas, 0);
    assert_int_equal(unmap(0, ioas, BIT(32), PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
    unequal_both(BIT(32) - 8, DMA_LANDED);
    assert_int_equal(unmap(0, ioas, BIT(32) - PAGE_SIZE, PAGE_SIZE), BH_OK);
    unequal_both(BIT(32) - 8, DMA_BLOCKED);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_EBUSY);
    unequal_detach(DEVICE1_ID);
    unequal_detach(DEVICE2_ID);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    assert_units_clean();
}

static void row_4_10_while_a_narrow_unit_is_attached_a_map_beyond_it_is_erange(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    unequal_last(ioas, BIT(32) - 1);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_MAP, ioas, BIT(32), BASE, PAGE_SIZE);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_MAP, ioas, BIT(32) - PAGE_SIZE, BASE, 2 * PAGE_SIZE);
    assert_int_equal(map(0, ioas, BIT(32) - PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
    unequal_both(BIT(32) - 8, DMA_LANDED);
    /* What one may name is not less for an unmap: there is nothing there. */
    assert_int_equal(unmap(0, ioas, BIT(32), PAGE_SIZE), BH_OK);
    assert_int_equal(machine.x[2], 0);
    unequal_detach(DEVICE1_ID);
    unequal_last(ioas, BIT(32) - 1);
    unequal_detach(DEVICE2_ID);
    unequal_last(ioas, BIT(48) - 1);
    assert_int_equal(map(0, ioas, BIT(32), BASE, PAGE_SIZE), BH_OK);
}

static void row_4_5_the_geometry_is_that_of_the_device_the_ioas_was_made_for(void)
{
    uint64_t wide;
    int64_t narrow;

    unequal_start_48_and_32();
    wide = unequal_ioas();
    unequal_last(wide, BIT(48) - 1);
    narrow = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE2_ID, BH_IOAS_NONE);
    unequal_last((uint64_t)narrow, BIT(32) - 1);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_MAP, (uint64_t)narrow, BIT(32), BASE, PAGE_SIZE);
    /* A wider unit does not make it wider. */
    assert_int_equal(unequal_attach(DEVICE1_ID, (uint64_t)narrow), BH_OK);
    unequal_last((uint64_t)narrow, BIT(32) - 1);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_MAP, (uint64_t)narrow, BIT(32), BASE, PAGE_SIZE);
    assert_int_equal(map(0, (uint64_t)narrow, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, (uint64_t)narrow), BH_OK);
    unequal_both(IOVA, DMA_LANDED);
}

static void row_4_11_an_attach_that_would_cut_a_reserved_range_is_erange(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, BIT(32) - PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
    /* One that reaches beyond what is left is not promised any more. */
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_RESERVE, ioas, BIT(32) - PAGE_SIZE, 2 * PAGE_SIZE, 0);
    unequal_detach(DEVICE2_ID);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, BIT(32) - PAGE_SIZE, 2 * PAGE_SIZE),
                     BH_OK);
    unequal_refused(BH_ERANGE, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas, 0);
    assert_int_equal(unequal_attach(DEVICE1_ID, ioas), BH_OK);
    /* Dropped, it is in nobody's way. */
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, 0, 0), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, ioas), BH_OK);
}

static void row_4_11_reserve_refuses_what_is_malformed_or_too_much(void)
{
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    unequal_refused(BH_ENOENT, BH_CALL_IOAS_RESERVE, ioas + 1, 0, PAGE_SIZE, 0);
    unequal_refused(BH_EINVAL, BH_CALL_IOAS_RESERVE, ioas, PAGE_SIZE, 0, 0);
    unequal_refused(BH_EINVAL, BH_CALL_IOAS_RESERVE, ioas, 8, PAGE_SIZE, 0);
    unequal_refused(BH_EINVAL, BH_CALL_IOAS_RESERVE, ioas, 0, PAGE_SIZE + 1, 0);
    unequal_refused(BH_EINVAL, BH_CALL_IOAS_RESERVE, ioas, ~(PAGE_SIZE - 1), 2 * PAGE_SIZE, 0);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_RESERVE, ioas, BIT(48) - PAGE_SIZE, 2 * PAGE_SIZE, 0);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_RESERVE, ioas, BIT(48), PAGE_SIZE, 0);
    for (unsigned int i = 0; i < BH_RESERVATIONS; i++)
        assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, i * PAGE_SIZE, PAGE_SIZE), BH_OK);
    unequal_refused(BH_ENOSPC, BH_CALL_IOAS_RESERVE, ioas, BIT(33), PAGE_SIZE, 0);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, 0, 0), BH_OK);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, ioas, 0, BIT(48)), BH_OK);
    /* Of a former life of the slot nothing is promised. */
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, ioas), BH_OK);
    int64_t next = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_int_equal(unequal_attach(DEVICE2_ID, (uint64_t)next), BH_OK);
}

static void row_4_4_ranges_says_what_can_be_mapped_or_why_it_does_not_say(void)
{
    struct bh_ioas_ranges *ranges;
    uint64_t ioas;

    unequal_start_48_and_32();
    ioas = unequal_ioas();
    unequal_last(ioas, BIT(48) - 1);
    assert_int_equal(map(0, ioas, BIT(48) - PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
    ranges = guest(0, STRUCTURE);
    ranges->size = sizeof(*ranges) - 1;
    unequal_refused(BH_EINVAL, BH_CALL_IOAS_RANGES, ioas, STRUCTURE, 0, 0);
    ranges->size = sizeof(*ranges);
    unequal_refused(BH_ENOENT, BH_CALL_IOAS_RANGES, ioas + 1, STRUCTURE, 0, 0);
    unequal_refused(BH_EFAULT, BH_CALL_IOAS_RANGES, ioas, STRUCTURE + 4, 0, 0);
    unequal_refused(BH_EFAULT, BH_CALL_IOAS_RANGES, ioas, UNIT_BASE, 0, 0);
}

/* ---- Bounds ----------------------------------------------------------------------------------------- */

static void i7_a_long_map_and_a_long_unmap_go_on_alike_in_both_trees(void)
{
    uint64_t pages = 700, at = 0, ioas;
    const struct ioas_tree *tree;
    int64_t result;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    tree = partitions.partition[0].ioas[0].tree;
    do {
        result = map(0, ioas, 0x10001000 + at, BASE + 0x2000 + at, pages * PAGE_SIZE - at);
        at += machine.x[1];
        assert_int_equal(tree[0].table.mapped, at);
        assert_int_equal(tree[1].table.mapped, at);
    } while (result == BH_EAGAIN);
    assert_int_equal(result, BH_OK);
    assert_int_equal(at, pages * PAGE_SIZE);
    for (uint64_t page = 0; page < pages; page += 13)
        unequal_both(0x10001000 + page * PAGE_SIZE, DMA_LANDED);
    at = 0;
    do {
        result = unmap(0, ioas, 0x10001000 + at, pages * PAGE_SIZE - at);
        at += machine.x[1];
        assert_int_equal(tree[0].table.mapped, tree[1].table.mapped);
    } while (result == BH_EAGAIN);
    assert_int_equal(result, BH_OK);
    assert_int_equal(tree[1].table.mapped, 0);
    for (uint64_t page = 0; page < pages; page += 13)
        unequal_both(0x10001000 + page * PAGE_SIZE, DMA_BLOCKED);
}

static void i7_an_unmap_of_the_whole_of_48_bits_takes_bounded_steps_in_both_trees(void)
{
    uint64_t at = 0, entries, ioas;
    unsigned int calls = 0;
    int64_t result;

    unequal_start_48_and_32();
    ioas = unequal_shared_ioas();
    assert_int_equal(map(0, ioas, BIT(31), BASE, PAGE_SIZE), BH_OK);
    do {
        entries = host_counters.entries;
        result = unmap(0, ioas, at, BIT(48) - at);
        assert_true(host_counters.entries - entries < UINT64_C(2) * BH_MAP_ENTRIES_PER_CALL);
        assert_true(result == BH_OK || (result == BH_EAGAIN && machine.x[1] != 0));
        at += machine.x[1];
        calls++;
    } while (result == BH_EAGAIN && calls < 1000);
    assert_int_equal(result, BH_OK);
    unequal_both(BIT(31), DMA_BLOCKED);
}

/* ---- Classes ----------------------------------------------------------------------------------------- */

static void row_4_8_equal_units_share_a_tree(void)
{
    const struct smmuv3_model_parameters same = unequal_unit(48);
    uint64_t ioas;

    unequal_start(&same);
    ioas = unequal_shared_ioas();
    assert_int_equal(partitions.partition[0].ioas[0].tree_count, 1);
    assert_int_equal(map(0, ioas, BIT(33), BASE, PAGE_SIZE), BH_OK);
    unequal_both(BIT(33), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, BIT(33), PAGE_SIZE), BH_OK);
    unequal_both(BIT(33), DMA_BLOCKED);
    unequal_last(ioas, BIT(48) - 1);
    assert_units_clean();
}

/* The table is cleaned for the one that needs it, whichever comes first. */
static void row_4_9_a_tree_that_one_of_its_units_walks_past_the_caches_is_cleaned(void)
{
    struct smmuv3_model_parameters second = unequal_unit(48);
    uint64_t ioas;

    second.cohacc = false;
    unequal_start(&second);
    assert_false(devices.iommu[1].capabilities.coherent);
    ioas = unequal_shared_ioas();
    assert_int_equal(map(0, ioas, BIT(33), BASE, PAGE_SIZE), BH_OK);
    unequal_both(BIT(33), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, BIT(33), PAGE_SIZE), BH_OK);
    unequal_both(BIT(33), DMA_BLOCKED);
    assert_units_clean();
}

/* 40 and 42 bits of output come with 39 of input. */
static void row_4_15_memory_that_one_unit_of_a_class_cannot_address_is_erange(void)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct smmuv3_model_parameters first = unequal_unit(i == 0 ? 40 : 42);
        const struct smmuv3_model_parameters second = unequal_unit(i == 0 ? 42 : 40);

        machine_plain_with(&first);
        machine_unit_for_bus(&second, 2);
        pci_model_express(&machine.pci, DEVICE2, 0, true);
        machine.partition[0].pci[1] = DEVICE2_NAME;
        machine_kernel();
        assert_int_equal(partitions.partition[0].class_count, 1);
        assert_int_equal(partitions.partition[0].unit_class[0].input_bits, 39);
        assert_int_equal(partitions.partition[0].unit_class[0].output_bits, 40);
    }
}

/* As if its addresses ended below the memory of this machine, which no size of the manual does. */
static void row_4_15_what_a_unit_cannot_address_is_left_out_of_its_tree_and_then_erange(void)
{
    struct ioas *ioas;
    uint64_t id;

    unequal_start_48_and_32();
    id = unequal_ioas();
    ioas = &partitions.partition[0].ioas[0];
    ioas->tree[1].output_limit = partitions.partition[0].physical + PAGE_SIZE;
    assert_int_equal(map(0, id, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, id), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 2), DMA_LANDED);
    unequal_refused(BH_ERANGE, BH_CALL_IOAS_MAP, id, 2 * IOVA, BASE, 2 * PAGE_SIZE);
    unequal_detach(DEVICE2_ID);
    assert_int_equal(map(0, id, 2 * IOVA, BASE, 2 * PAGE_SIZE), BH_OK);
    unequal_refused(BH_ERANGE, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, id, 0);
    assert_int_equal(unequal_attach(DEVICE1_ID, id), BH_OK);
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 2), DMA_LANDED);
    assert_int_equal(unmap(0, id, 2 * IOVA, 2 * PAGE_SIZE), BH_OK);
    assert_int_equal(unequal_attach(DEVICE2_ID, id), BH_OK);
}

static void row_4_9_a_partition_with_a_third_kind_of_unit_is_refused_by_name(void)
{
    const struct smmuv3_model_parameters second = unequal_unit(32), third = unequal_unit(36);

    unequal_plan(&second);
    assert_int_equal(pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4), DEVICE2 + 1);
    pci_model_endpoint(&machine.pci, DEVICE2 + 1, 0, 0);
    pci_model_express(&machine.pci, DEVICE2 + 2, 0, true);
    machine_unit_for_bus(&third, 3);
    machine.partition[0].pci[2] = "0000:03:00.0";
    machine_kernel();
    assert_console("0000:03:00.0 stands behind an IOMMU of a third kind (36 bits of input)");
    assert_console("off: bulkhead=253");
}

/* Two partitions may each have two kinds. */
static void kinds_of_units_are_counted_for_each_partition(void)
{
    const struct smmuv3_model_parameters second = unequal_unit(32), third = unequal_unit(36);

    unequal_plan(&second);
    assert_int_equal(pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, 3, 0, 4), DEVICE2 + 1);
    pci_model_endpoint(&machine.pci, DEVICE2 + 1, 0, 0);
    pci_model_express(&machine.pci, DEVICE2 + 2, 0, true);
    machine_unit_for_bus(&third, 3);
    machine_partition("two")->pci[0] = "0000:03:00.0";
    machine_boot();
    assert_int_equal(partitions.partition[0].class_count, 2);
    assert_int_equal(partitions.partition[1].class_count, 1);
}

static void row_4_9_a_unit_with_stage_1_only_isolates_beside_one_with_both(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_variant(
        SMMUV3_MODEL_STAGE_1_ONLY);
    uint64_t first, second;

    unequal_plan(&parameters);
    machine_boot();
    assert_int_equal(devices.iommu[1].capabilities.stage, 1);
    first = bind_and_attach(0, DEVICE1_ID, 1);
    second = bind_and_attach(0, DEVICE2_ID, 2);
    assert_int_equal(map(0, first, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 1), DMA_BLOCKED);
    assert_int_equal(map(0, second, IOVA, BASE + 0x5000, PAGE_SIZE), BH_OK);
    assert_int_equal(
        call(0, BH_CALL_IOAS_MAP, second, IOVA + PAGE_SIZE, BASE + 0x6000, PAGE_SIZE, BH_MAP_READ),
        BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 22), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + 0x5000), 22);
    assert_int_equal(dma_write(DEVICE2, IOVA + PAGE_SIZE, 23), DMA_BLOCKED);
    assert_int_equal(unmap(0, second, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 24), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 25), DMA_LANDED);
    assert_units_clean();
}

int run_unequal_units_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_4_9_a_unit_with_stage_1_only_isolates_beside_one_with_both),
        TEST(row_4_7_each_device_is_translated_by_the_unit_that_it_stands_behind),
        TEST(row_0_4_one_map_and_one_unmap_serve_the_devices_behind_both_units),
        TEST(row_0_4_what_was_mapped_before_an_attach_is_there_behind_it),
        TEST(row_4_8_a_unit_that_a_mapping_lies_beyond_is_erange_and_the_mapping_intact),
        TEST(row_4_8_a_mapping_that_begins_below_a_units_end_and_ends_above_is_beyond_it),
        TEST(row_4_10_while_a_narrow_unit_is_attached_a_map_beyond_it_is_erange),
        TEST(row_4_5_the_geometry_is_that_of_the_device_the_ioas_was_made_for),
        TEST(row_4_11_an_attach_that_would_cut_a_reserved_range_is_erange),
        TEST(row_4_11_reserve_refuses_what_is_malformed_or_too_much),
        TEST(row_4_4_ranges_says_what_can_be_mapped_or_why_it_does_not_say),
        TEST(i7_a_long_map_and_a_long_unmap_go_on_alike_in_both_trees),
        TEST(i7_an_unmap_of_the_whole_of_48_bits_takes_bounded_steps_in_both_trees),
        TEST(row_4_8_equal_units_share_a_tree),
        TEST(row_4_9_a_tree_that_one_of_its_units_walks_past_the_caches_is_cleaned),
        TEST(row_4_15_memory_that_one_unit_of_a_class_cannot_address_is_erange),
        TEST(row_4_15_what_a_unit_cannot_address_is_left_out_of_its_tree_and_then_erange),
        TEST(row_4_9_a_partition_with_a_third_kind_of_unit_is_refused_by_name),
        TEST(kinds_of_units_are_counted_for_each_partition),
    };

    return RUN_GROUP("kernel/unequal units");
}
