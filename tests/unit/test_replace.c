/* SPDX-License-Identifier: Apache-2.0 */
/* A device is moved from one ioas to another while it works (kernel/assign.c), and who is attached where. */
#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"
#include "kernel/assign.h"
#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define OLD UINT64_C(0x3000) /* offsets of what the two ioas lead IOVA to */
#define NEW UINT64_C(0x5000)
#define STRUCTURE (BASE + 0x200000)
#define SIBLING_NAME "0000:01:00.1"
#define SIBLING_ID (DEVICE_ID_PCI | 0x101)

static uint64_t old, new;

static uint64_t another_ioas(uint64_t device)
{
    int64_t id = call2(0, BH_CALL_IOAS_ALLOC_PAGING, device, BH_IOAS_NONE);

    assert_true(id > 0);
    return (uint64_t)id;
}

static int64_t replace(uint64_t device, uint64_t ioas)
{
    return call3(0, BH_CALL_REPLACE, device, BH_PASID_NONE, ioas);
}

static void start_with(const struct smmuv3_model_parameters *parameters)
{
    machine_plain_with(parameters);
    machine_boot();
    old = bind_and_attach(0, DEVICE1_ID, 1);
    new = another_ioas(DEVICE1_ID);
    assert_int_equal(map(0, old, IOVA, BASE + OLD, PAGE_SIZE), BH_OK);
    assert_int_equal(map(0, new, IOVA, BASE + NEW, PAGE_SIZE), BH_OK);
}

static void start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    start_with(&parameters);
}

/* ---- A device that never stops ------------------------------------------------------------------------ */

static unsigned int tried, blocked, reached_old, reached_new;

/* At each register that is written: what the device reaches now. */
static void write_on(unsigned int unit, uint64_t offset, uint64_t value)
{
    struct smmuv3_model_access access = { .iova = IOVA, .write = true };
    uint64_t physical = partitions.partition[0].physical;

    (void)offset;
    (void)value;
    if (!pci_model_requester(&machine.pci, DEVICE1, &access.stream_id))
        fail_msg("the device may not write while it is moved");
    struct smmuv3_model_result result = smmuv3_model_transact(machine.unit[unit], &access);

    tried++;
    if (result.outcome != SMMUV3_MODEL_OK)
        blocked++;
    else if (result.address == physical + OLD)
        reached_old++;
    else if (result.address == physical + NEW)
        reached_new++;
    else
        fail_msg("the device reaches 0x%llx", (unsigned long long)result.address);
}

static void replace_while_it_writes(void)
{
    machine.before_register_write = write_on;
    machine.after_register_write = write_on;
    assert_int_equal(replace(DEVICE1_ID, new), BH_OK);
    machine.before_register_write = NULL;
    machine.after_register_write = NULL;
}

static void row_2_17_a_device_that_is_moved_reaches_the_old_or_the_new_memory_at_every_moment(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.bbml = 2;
    start_with(&parameters);
    replace_while_it_writes();
    assert_int_equal(machine.x[1], 1);
    if (blocked != 0 || reached_old == 0 || reached_new == 0)
        fail_msg("of %u writes %u were blocked, %u old, %u new", tried, blocked, reached_old,
                 reached_new);
    assert_units_clean();
}

static void row_2_17_a_replace_that_blocks_on_the_way_says_so(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.bbml = 0;
    start_with(&parameters);
    replace_while_it_writes();
    assert_int_equal(machine.x[1], 0);
    assert_true(blocked != 0);
    assert_units_clean();
}

static void row_2_17_nothing_of_the_old_ioas_is_reached_when_replace_returns(void)
{
    struct bh_query_state before, state;

    start();
    assert_int_equal(map(0, old, 2 * IOVA, BASE + OLD, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    before = query_state(0, DEVICE1_ID);
    assert_int_equal(replace(DEVICE1_ID, new), BH_OK);
    state = query_state(0, DEVICE1_ID);
    assert_int_equal(state.ioas, new);
    assert_int_equal(state.generation, before.generation + 1);
    assert_int_equal(dma_write(DEVICE1, IOVA, 7), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + NEW), 7);
    assert_int_equal(*(uint64_t *)guest(0, BASE + OLD), 1);
    assert_int_equal(dma_write(DEVICE1, 2 * IOVA, 1), DMA_BLOCKED);
    /* The one may go now, the other may not. */
    assert_int_equal(unmap(0, old, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(unmap(0, old, 2 * IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, old), BH_OK);
    assert_int_equal(unmap(0, new, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, new), BH_EBUSY);
    assert_int_equal(dma_write(DEVICE1, IOVA, 1), DMA_BLOCKED);
    assert_units_clean();
}

static void a_replace_by_the_same_ioas_is_nothing(void)
{
    uint64_t before;

    start();
    before = machine_state();
    assert_int_equal(replace(DEVICE1_ID, old), BH_OK);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(machine_state(), before);
}

/* ---- Refusals --------------------------------------------------------------------------------------------- */

static void expect_refused(int64_t code, uint64_t device, uint64_t pasid, uint64_t ioas)
{
    uint64_t before = machine_state();

    assert_int_equal(call3(0, BH_CALL_REPLACE, device, pasid, ioas), code);
    assert_int_equal(machine_state(), before);
}

static void replace_is_refused_as_attach_is_and_changes_nothing(void)
{
    start();
    expect_refused(BH_ENOENT, DEVICE2_ID, BH_PASID_NONE, new);
    expect_refused(BH_EINVAL, DEVICE1_ID, 0, new);
    expect_refused(BH_EOPNOTSUPP, DEVICE1_ID, 1, new);
    expect_refused(BH_ENOENT, DEVICE1_ID, BH_PASID_NONE, new + 1);
    expect_refused(BH_ENOENT, DEVICE1_ID, BH_PASID_NONE, 0);
    /* Of another life of the slot that it is attached to. */
    expect_refused(BH_ENOENT, DEVICE1_ID, BH_PASID_NONE, old + 0x100);
    expect_refused(BH_ENOENT, DEVICE1_ID, BH_PASID_NONE, new | UINT64_C(1) << 32);
    while (iommu_tag_take(&devices.iommu[0]) != 0)
        ;
    expect_refused(BH_ENOSPC, DEVICE1_ID, BH_PASID_NONE, new);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_refused(BH_ENOENT, DEVICE1_ID, BH_PASID_NONE, old);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    expect_refused(BH_EPERM, DEVICE1_ID, BH_PASID_NONE, new);
}

/* Functions of one device behind a bridge of the model have one stream only if the map says so; here it does
 * not matter which stream they have, but that the kernel takes it for one. */
static void a_stream_that_a_sibling_uses_is_not_moved(void)
{
    int sibling;

    machine_plain();
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.partition[0].pci[1] = SIBLING_NAME;
    machine.id_map_count = 2;
    machine.id_map[0] = (struct machine_id_map){ .first = 0, .count = 0x101 };
    machine.id_map[1] = (struct machine_id_map){ .first = 0x101, .count = 1, .stream = 0x100 };
    machine_boot();
    assert_true(device_find(SIBLING_NAME)->stream_shared);
    old = bind_and_attach(0, DEVICE1_ID, 1);
    new = another_ioas(DEVICE1_ID);
    assert_int_equal(bind(0, SIBLING_ID, 2), BH_OK);
    assert_int_equal(call3(0, BH_CALL_ATTACH, SIBLING_ID, BH_PASID_NONE, old), BH_OK);
    expect_refused(BH_EBUSY, DEVICE1_ID, BH_PASID_NONE, new);
    assert_int_equal(replace(DEVICE1_ID, old), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, SIBLING_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(replace(DEVICE1_ID, new), BH_OK);
}

static void a_device_that_stormed_is_told_of_again_once_it_is_moved(void)
{
    uint64_t count;

    start();
    for (unsigned int i = 0; i < 5000; i++)
        assert_int_equal(dma_write(DEVICE1, IOVA + PAGE_SIZE, 1), DMA_BLOCKED);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 1);
    assert_int_equal(replace(DEVICE1_ID, new), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).stream_silent, 0);
    count = query_fault(0, DEVICE1_ID).count;
    assert_int_equal(dma_write(DEVICE1, IOVA + PAGE_SIZE, 1), DMA_BLOCKED);
    assert_int_equal(query_fault(0, DEVICE1_ID).count, count + 1);
}

static void a_replace_that_meets_a_dead_unit_ends_parked(void)
{
    struct ioas *ioas;

    start();
    ioas = partitions.partition[0].ioas;
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(replace(DEVICE1_ID, new), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    assert_int_equal(ioas[0].attached, 0);
    assert_int_equal(ioas[1].attached, 0);
    assert_int_not_equal(dma_write(DEVICE1, IOVA, 1), DMA_LANDED);
    assert_int_equal(replace(DEVICE1_ID, old), BH_ENOENT);
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(ioas[i].lock.next, ioas[i].lock.serving);
}

/* Another CPU moves another device behind the same unit. */
static void a_replace_beside_another_on_the_unit_is_eagain_and_changes_nothing(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    const struct ioas *ioas;
    struct smmuv3 *unit;

    parameters.bbml = 2;
    start_with(&parameters);
    ioas = partitions.partition[0].ioas;
    unit = devices.iommu[0].unit;
    assert_true(lock_try(&unit->reserved_lock));
    /* The tag that it took for the new one is free again. */
    expect_refused(BH_EAGAIN, DEVICE1_ID, BH_PASID_NONE, new);
    assert_int_equal(ioas[1].domain[0].tag, 0);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, old);
    assert_int_equal(dma_write(DEVICE1, IOVA, 3), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + OLD), 3);
    lock_release(&unit->reserved_lock);
    assert_int_equal(replace(DEVICE1_ID, new), BH_OK);
    assert_int_equal(machine.x[1], 1);
    assert_int_equal(ioas[0].attached, 0);
    assert_int_equal(ioas[1].attached, 1);
    assert_int_equal(dma_write(DEVICE1, IOVA, 5), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + NEW), 5);
    /* One that the unit knows already keeps its own. */
    assert_true(lock_try(&unit->reserved_lock));
    expect_refused(BH_EAGAIN, DEVICE1_ID, BH_PASID_NONE, old);
    assert_int_not_equal(ioas[0].domain[0].tag, 0);
    lock_release(&unit->reserved_lock);
    assert_int_equal(replace(DEVICE1_ID, old), BH_OK);
    assert_units_clean();
}

static void a_device_is_not_moved_by_a_partition_that_did_not_bind_it(void)
{
    struct device *device;
    uint64_t before;
    bool hitless = false;

    start();
    device = device_find(DEVICE1_NAME);
    before = machine_state();
    assert_int_equal(assign_replace(&partitions.partition[1], device, new, &hitless), BH_EPERM);
    assert_false(hitless);
    assert_int_equal(machine_state(), before);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, old);
}

/* ---- Unequal units ---------------------------------------------------------------------------------------- */

static void start_48_and_32(void)
{
    struct smmuv3_model_parameters narrow = smmuv3_model_like_mmu600();

    narrow.oas = 32;
    machine_plain();
    machine_unit_for_bus(&narrow, 2);
    pci_model_express(&machine.pci, DEVICE2, 0, true);
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    old = bind_and_attach(0, DEVICE2_ID, 2);
    new = another_ioas(DEVICE1_ID);
}

static void row_4_10_a_replace_by_an_ioas_beyond_the_unit_is_erange_and_changes_nothing(void)
{
    start_48_and_32();
    assert_int_equal(map(0, new, BIT(33), BASE, PAGE_SIZE), BH_OK);
    expect_refused(BH_ERANGE, DEVICE2_ID, BH_PASID_NONE, new);
    assert_int_equal(unmap(0, new, BIT(33), PAGE_SIZE), BH_OK);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, new, BIT(33), PAGE_SIZE), BH_OK);
    expect_refused(BH_ERANGE, DEVICE2_ID, BH_PASID_NONE, new);
    assert_int_equal(call3(0, BH_CALL_IOAS_RESERVE, new, 0, 0), BH_OK);
    assert_int_equal(replace(DEVICE2_ID, new), BH_OK);
    /* It narrows the new one, as an attach does. */
    assert_int_equal(map(0, new, BIT(33), BASE, PAGE_SIZE), BH_ERANGE);
    assert_int_equal(map(0, new, IOVA, BASE + NEW, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 9), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(0, BASE + NEW), 9);
    /* And the one that it leaves is as wide again as it was. */
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, new), BH_OK);
    assert_int_equal(replace(DEVICE2_ID, old), BH_OK);
    assert_int_equal(map(0, new, BIT(33), BASE, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, BIT(33), 1), DMA_LANDED);
    assert_units_clean();
}

/* ---- Who is attached where -------------------------------------------------------------------------------- */

static int64_t ask(uint64_t index, struct bh_query_attachment *attachment)
{
    struct bh_query_attachment *room = guest(0, STRUCTURE);
    int64_t result;

    *room = (struct bh_query_attachment){ .size = sizeof(*room) };
    result = call3(0, BH_CALL_QUERY, BH_QUERY_ATTACHMENT, STRUCTURE, index);
    *attachment = *room;
    return result;
}

static void expect_attachment(uint64_t index, uint64_t device, uint64_t label, uint64_t ioas,
                              uint32_t unit)
{
    struct bh_query_attachment attachment;

    assert_int_equal(ask(index, &attachment), BH_OK);
    assert_int_equal(attachment.size, sizeof(attachment));
    assert_int_equal(attachment.device, device);
    assert_int_equal(attachment.label, label);
    assert_int_equal(attachment.ioas, ioas);
    assert_int_equal(attachment.iommu, unit);
    assert_int_equal(attachment.pasid, BH_PASID_NONE);
    assert_int_equal(attachment.generation, query_state(0, device).generation);
}

static void query_lists_the_callers_attachments_and_nothing_else(void)
{
    struct bh_query_attachment attachment;

    start_48_and_32();
    expect_attachment(0, DEVICE2_ID, 2, old, 1);
    assert_int_equal(ask(1, &attachment), BH_ENOENT);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, new), BH_OK);
    expect_attachment(0, DEVICE1_ID, 1, new, 0);
    expect_attachment(1, DEVICE2_ID, 2, old, 1);
    assert_int_equal(ask(2, &attachment), BH_ENOENT);
    assert_int_equal(ask(UINT64_MAX, &attachment), BH_ENOENT);
    assert_int_equal(replace(DEVICE2_ID, new), BH_OK);
    expect_attachment(1, DEVICE2_ID, 2, new, 1);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_attachment(0, DEVICE2_ID, 2, new, 1);
    /* Those of another partition are not the caller's to know. */
    device_find(DEVICE2_NAME)->bound = &partitions.partition[1];
    assert_int_equal(ask(0, &attachment), BH_ENOENT);
}

int run_replace_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_2_17_a_device_that_is_moved_reaches_the_old_or_the_new_memory_at_every_moment),
        TEST(row_2_17_a_replace_that_blocks_on_the_way_says_so),
        TEST(row_2_17_nothing_of_the_old_ioas_is_reached_when_replace_returns),
        TEST(a_replace_by_the_same_ioas_is_nothing),
        TEST(replace_is_refused_as_attach_is_and_changes_nothing),
        TEST(a_stream_that_a_sibling_uses_is_not_moved),
        TEST(a_device_that_stormed_is_told_of_again_once_it_is_moved),
        TEST(a_replace_that_meets_a_dead_unit_ends_parked),
        TEST(a_replace_beside_another_on_the_unit_is_eagain_and_changes_nothing),
        TEST(a_device_is_not_moved_by_a_partition_that_did_not_bind_it),
        TEST(row_4_10_a_replace_by_an_ioas_beyond_the_unit_is_erange_and_changes_nothing),
        TEST(query_lists_the_callers_attachments_and_nothing_else),
    };

    return RUN_GROUP("kernel/replace");
}
