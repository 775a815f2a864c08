/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the requirements that no other test is the observable test of: what several devices of one partition
 * share, and what is nobody else's. */
#include "observer.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define OTHER_IOVA UINT64_C(0x900000)
#define MEMBER 4 /* the second function of DEVICE1 */
#define MEMBER_ID (DEVICE1_ID | 1)
#define COMMAND 4
#define BUS_MASTER 4

/* Partition "one" may bind both devices; its second attaches to the first one's space. */
static uint64_t start_two_devices(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    uint64_t ioas = bind_and_attach(0, DEVICE1_ID, 1);

    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    return ioas;
}

static uint64_t new_space(unsigned int partition, uint64_t device)
{
    int64_t ioas = call2(partition, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE);

    assert_true(ioas > 0);
    return (uint64_t)ioas;
}

static void expect_refusal(unsigned int partition, int64_t code, uint64_t number, uint64_t a,
                           uint64_t b, uint64_t c)
{
    uint64_t before = machine_state();
    int64_t answer = call3(partition, number, a, b, c);

    if (answer != code)
        fail_msg("call %llu (0x%llx, 0x%llx, 0x%llx) answered %lld, not %lld",
                 (unsigned long long)number, (unsigned long long)a, (unsigned long long)b,
                 (unsigned long long)c, (long long)answer, (long long)code);
    assert_int_equal(machine_state(), before);
}

static void row_0_1_a_pasid_is_eopnotsupp_and_pasid_0_is_einval(void)
{
    uint64_t ioas = start_two_devices();

    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
    for (uint64_t pasid = 1; pasid < BIT(20); pasid = pasid * 4 + 1)
        expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_ATTACH, DEVICE2_ID, pasid, ioas);
    expect_refusal(0, BH_EINVAL, BH_CALL_ATTACH, DEVICE2_ID, 0, ioas);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_DETACH, DEVICE1_ID, 1, 0);
    expect_refusal(0, BH_EINVAL, BH_CALL_DETACH, DEVICE1_ID, 0, 0);
}

static void row_0_4_one_unmap_ends_it_for_every_device_of_the_space(void)
{
    uint64_t ioas = start_two_devices();

    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    assert_int_equal(dma_write(DEVICE2, IOVA, 2), DMA_LANDED);
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 3), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE2, IOVA, 4), DMA_BLOCKED);
    assert_int_equal(*(uint64_t *)guest(0, BASE), 2);
}

static void row_2_13_a_second_device_lands_on_the_pages_of_the_first(void)
{
    uint64_t ioas = start_two_devices(), value = 0;

    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(map(0, ioas, IOVA, BASE + PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x1357), DMA_LANDED);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_read(DEVICE2, IOVA, &value), DMA_LANDED);
    assert_int_equal(value, 0x1357);
    /* That one leaves makes no difference to the other. */
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 0x2468), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + PAGE_SIZE), 0x2468);
}

static void row_2_16_a_device_changes_its_space_while_another_goes_on_in_the_old_one(void)
{
    uint64_t old = start_two_devices(), new = new_space(0, DEVICE2_ID);

    assert_int_equal(map(0, old, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, new, OTHER_IOVA, BASE + PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 1), DMA_LANDED);
    for (unsigned int turn = 0; turn < 8; turn++) {
        assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
        assert_int_equal(dma_write(DEVICE1, IOVA, turn), DMA_LANDED);
        assert_int_equal(
            call3(0, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, turn % 2 == 0 ? new : old), BH_OK);
        assert_int_equal(dma_write(DEVICE1, IOVA, turn), DMA_LANDED);
        assert_int_equal(dma_write(DEVICE2, turn % 2 == 0 ? OTHER_IOVA : IOVA, turn), DMA_LANDED);
        assert_int_equal(dma_write(DEVICE2, turn % 2 == 0 ? IOVA : OTHER_IOVA, turn), DMA_BLOCKED);
    }
    assert_int_equal(query_fault(0, DEVICE1_ID).count, 0);
}

static void row_0_16_the_id_of_an_earlier_ioas_is_enoent_in_every_call(void)
{
    uint64_t ioas = start_two_devices(), gone = new_space(0, DEVICE1_ID);

    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, gone), BH_OK);
    assert_int_not_equal(new_space(0, DEVICE1_ID), gone);
    assert_int_not_equal(ioas, gone);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE2_ID, BH_PASID_NONE), BH_OK);
    expect_refusal(0, BH_ENOENT, BH_CALL_IOAS_FREE, gone, 0, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_IOAS_UNMAP, gone, IOVA, PAGE_SIZE);
    expect_refusal(0, BH_ENOENT, BH_CALL_ATTACH, DEVICE2_ID, BH_PASID_NONE, gone);
    uint64_t before = machine_state();

    assert_int_equal(map(0, gone, IOVA, BASE, PAGE_SIZE), BH_ENOENT);
    assert_int_equal(machine_state(), before);
}

static void row_2_2_the_ids_of_another_partition_are_enoent(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    observer_start();
    machine_boot();
    bind_and_attach(0, DEVICE1_ID, 1);
    uint64_t first = new_space(0, DEVICE1_ID), second = new_space(0, DEVICE1_ID);

    /* Spaces have numbers of their own in each partition: the other one has one, and not two more. */
    bind_and_attach(1, DEVICE2_ID, 1);
    for (uint64_t id = first;; id = second) {
        expect_refusal(1, BH_ENOENT, BH_CALL_IOAS_FREE, id, 0, 0);
        expect_refusal(1, BH_ENOENT, BH_CALL_IOAS_UNMAP, id, IOVA, PAGE_SIZE);
        if (id == second)
            break;
    }
    expect_refusal(1, BH_ENOENT, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE, 0);
    expect_refusal(1, BH_ENOENT, BH_CALL_DEVICE_UNBIND, DEVICE1_ID, 0, 0);
    expect_refusal(0, BH_ENOENT, BH_CALL_IOAS_ALLOC_PAGING, DEVICE2_ID, BH_IOAS_NONE, 0);
}

/* Two functions of one device, which nothing keeps apart: one group, a stream each. */
static uint64_t start_group(void)
{
    machine_plain();
    assert_int_equal(pci_model_endpoint(&machine.pci, PORT1, 0, 1), MEMBER);
    pci_model_express(&machine.pci, MEMBER, 0, true);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.partition[0].pci[1] = "0000:01:00.1";
    observer_start();
    machine_boot();
    return bind_and_attach(0, DEVICE1_ID, 1);
}

static void row_2_3_a_member_that_is_not_attached_stays_parked(void)
{
    uint64_t ioas = start_group(), other = new_space(0, DEVICE1_ID);

    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    assert_int_equal(dma_write(MEMBER, IOVA, 2), DMA_NOT_MASTERING);
    /* Bus mastering off is no fence: the stream itself is parked. */
    pci_model_set16(&machine.pci, MEMBER, COMMAND, BUS_MASTER);
    assert_int_equal(dma_write(MEMBER, IOVA, 3), DMA_BLOCKED);
    assert_int_equal(bind(0, MEMBER_ID, 2), BH_OK);
    pci_model_set16(&machine.pci, MEMBER, COMMAND, BUS_MASTER);
    assert_int_equal(dma_write(MEMBER, IOVA, 4), DMA_BLOCKED);
    assert_int_equal(*(uint64_t *)guest(0, BASE), 1);
    assert_int_equal(call3(0, BH_CALL_ATTACH, MEMBER_ID, BH_PASID_NONE, other), BH_OK);
    assert_int_equal(map(0, other, OTHER_IOVA, BASE + PAGE_SIZE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(MEMBER, OTHER_IOVA, 5), DMA_LANDED);
    assert_int_equal(dma_write(MEMBER, IOVA, 6), DMA_BLOCKED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 7), DMA_LANDED);
}

static void row_2_14_an_ioas_with_a_parent_is_eopnotsupp(void)
{
    uint64_t ioas = start_two_devices();

    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, ioas, 0);
    expect_refusal(0, BH_EOPNOTSUPP, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, 0xFFFF, 0);
}

static void row_2_19_a_frame_that_is_mapped_twice_counts_once(void)
{
    uint64_t ioas = start_two_devices(), size = partitions.partition[0].visible_size;

    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_OK);
    uint64_t free = query_pool(0).pages_free;

    for (uint64_t i = 1; i < 256; i++)
        assert_int_equal(map(0, ioas, IOVA + i * PAGE_SIZE, BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(query_pool(0).pages_free, free);
    assert_int_equal(partitions.partition[0].visible_size, size);
    assert_int_equal(dma_write(DEVICE1, IOVA + 255 * PAGE_SIZE, 9), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE), 9);
}

int run_rows_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_0_1_a_pasid_is_eopnotsupp_and_pasid_0_is_einval),
        TEST(row_0_4_one_unmap_ends_it_for_every_device_of_the_space),
        TEST(row_0_16_the_id_of_an_earlier_ioas_is_enoent_in_every_call),
        TEST(row_2_2_the_ids_of_another_partition_are_enoent),
        TEST(row_2_3_a_member_that_is_not_attached_stays_parked),
        TEST(row_2_13_a_second_device_lands_on_the_pages_of_the_first),
        TEST(row_2_14_an_ioas_with_a_parent_is_eopnotsupp),
        TEST(row_2_16_a_device_changes_its_space_while_another_goes_on_in_the_old_one),
        TEST(row_2_19_a_frame_that_is_mapped_twice_counts_once),
    };

    return RUN_GROUP("rows of the requirements");
}
