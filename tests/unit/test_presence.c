/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are pulled out and come back (kernel/presence.c): what comes back is parked, who may bind it is told, and
 * nothing else takes its place (I6). */
#include <string.h>

#include "groups.h"
#include "presence_bench.h"

#define OTHER_VENDOR 0x4321

/* ---- Out and in again ----------------------------------------------------------------------------------- */

static void row_1_22_i6_a_device_that_is_pulled_out_is_parked_and_taken_from_its_owner(void)
{
    struct bh_event event;

    start_attached();
    pull(DEVICE1);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 0); /* nobody has looked */
    uint64_t invalidates = host_counters.stage2_invalidates;

    turn();
    expect_nobodys();
    expect_parked(DEVICE1);
    assert_int_equal(host_counters.stage2_invalidates, invalidates + 1);
    assert_int_equal(told_of(OWNER, BH_EVENT_DEVICE_REMOVED, &event), 1);
    assert_int_equal(event.device, DEVICE1_ID);
    assert_int_equal(event.label, LABEL);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_TAKEN), 0);
    assert_console("0000:01:00.0: is gone: parked");
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_ENOENT);
    assert_int_equal(call2(BESIDE, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_ENOENT);
    assert_int_equal(call3(OWNER, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_EPERM);
    assert_int_equal(call1(OWNER, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_EPERM);
    assert_int_equal(owner_decode(atomic_load(&device()->group->owner)).state, OWNER_NONE);
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    assert_units_clean();
}

static void row_1_22_i6_a_device_that_comes_back_is_parked_until_it_is_bound(void)
{
    struct topology_range registers;
    struct bh_event event;

    start_attached();
    registers = device_registers(device(), 0);
    pull(DEVICE1);
    turn();
    insert(DEVICE1);
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_ENOENT);
    turn();
    expect_parked(DEVICE1);
    for (unsigned int p = OWNER; p <= BESIDE; p++) {
        assert_int_equal(told_of(p, BH_EVENT_DEVICE_ADDED, &event), 1);
        assert_int_equal(event.device, DEVICE1_ID);
        assert_int_equal(event.label, 0);
    }
    assert_console("0000:01:00.0: is back, and parked until it is bound");
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 7), BH_OK);
    expect_parked(DEVICE1);
    assert_true(sees_registers(OWNER));
    assert_int_equal(device_registers(device(), 0).base, registers.base);
    assert_int_equal(pci_model_get32(&machine.pci, DEVICE1, 0x10),
                     pci_bus_address(device()->function, 0));
    assert_int_equal(call3(OWNER, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x22), DMA_LANDED);
    assert_units_clean();
}

static void it_may_come_back_to_another_that_lists_it(void)
{
    start_attached();
    pull(DEVICE1);
    turn();
    insert(DEVICE1);
    turn();
    bind_and_attach(BESIDE, DEVICE1_ID, 3);
    expect_parked(DEVICE1); /* for the one who had it */
    assert_int_equal(bind(OWNER, DEVICE1_ID, 3), BH_EPERM);
}

/* Out and in between two looks: it has lost what was set. */
static void row_1_22_i6_a_device_that_was_out_between_two_looks_is_taken_too(void)
{
    start_attached();
    pull(DEVICE1);
    insert(DEVICE1);
    turn();
    expect_nobodys();
    expect_parked(DEVICE1);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 0);
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 7), BH_OK);
}

static void i6_a_reset_does_not_bring_back_what_was_out_between_two_looks(void)
{
    start_attached();
    pull(DEVICE1);
    insert(DEVICE1);
    assert_int_equal(reset_all(OWNER), BH_ETIMEDOUT);
    assert_null(device()->ioas);
    expect_parked(DEVICE1);
}

/* The link was down for a moment and the function kept its settings: nobody knows what it was in between. */
static void a_device_that_nobody_has_taken_yet_does_not_come_back(void)
{
    start_attached();
    pull(DEVICE1);
    assert_int_equal(host_every(), 1);
    machine.pci.function[DEVICE1].gone = false;
    partitions.partition[OWNER].vcpu.recalled = false; /* its CPU was between two lives */
    assert_int_equal(host_every(), 1);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 0);
    assert_true(machine_recall(OWNER)); /* asked again */
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    turn();
    assert_int_equal(device()->presence, PCI_PRESENT);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
}

/* ---- Something else in its place ------------------------------------------------------------------------ */

static void i6_another_function_in_its_place_is_nobodys(void)
{
    start_attached();
    pull(DEVICE1);
    turn();
    insert(DEVICE1);
    pci_model_set16(&machine.pci, DEVICE1, 0, OTHER_VENDOR);
    turn();
    assert_int_equal(device()->presence, PCI_STRANGER);
    assert_console(
        "0000:01:00.0: is gone: what stands in its place is not what boot found, and nobody's");
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, 4), 0x400); /* shut, INTx too */
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 0);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_ENOENT);
    expect_parked(DEVICE1);
    /* And the right one later. */
    pci_model_set16(&machine.pci, DEVICE1, 0, 0x1234);
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
}

static void another_function_that_takes_its_place_at_once_is_shut(void)
{
    start_attached();
    insert(DEVICE1);
    machine.pci.function[DEVICE1].config[8] ^= 1; /* its revision */
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    turn();
    assert_int_equal(device()->presence, PCI_STRANGER);
    assert_null(device()->bound);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, 4), 0x400);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 1);
    expect_parked(DEVICE1);
}

static void a_function_with_larger_registers_is_bound_by_nobody(void)
{
    start_free();
    pull(DEVICE1);
    turn();
    machine.pci.function[DEVICE1].bar_size[0] = 0x100000;
    insert(DEVICE1);
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_ETIMEDOUT);
    assert_console("pci: 0000:01:00.0 has other registers than were found at boot");
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, 4), 0x400);
    assert_int_equal(pci_model_get32(&machine.pci, DEVICE1, 0x10), 0);
    assert_false(sees_registers(OWNER));
    machine.pci.function[DEVICE1].bar_size[0] = 0x1000;
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
}

static void a_function_with_a_wide_register_instead_of_a_narrow_one_is_bound_by_nobody(void)
{
    start_free();
    pci_model_bar(&machine.pci, DEVICE1, 0, 0x1000, true);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_ETIMEDOUT);
}

static void a_function_that_turns_into_another_while_it_is_reset_is_not_waited_for(void)
{
    unsigned int calls = 0;

    start_free();
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    pci_model_set16(&machine.pci, DEVICE1, 0, OTHER_VENDOR);
    while (call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1) == BH_EAGAIN) {
        host_advance(machine.x[1]);
        assert_true(++calls < 200);
    }
    assert_int_equal(machine.x[0], (uint64_t)BH_ETIMEDOUT);
    assert_int_equal(owner_decode(atomic_load(&device()->group->owner)).state, OWNER_NONE);
}

/* ---- Groups --------------------------------------------------------------------------------------------- */

static void row_0_14_what_comes_back_to_an_owned_group_is_parked_until_its_owner_binds_it(void)
{
    start_group();
    pull(DEVICE1);
    turn();
    assert_null(device()->bound);
    assert_int_equal(query_state(OWNER, SIBLING_ID).bound, 1);
    assert_int_equal(dma_write(sibling, IOVA, 0x11), DMA_LANDED);
    insert(DEVICE1);
    turn();
    expect_parked(DEVICE1);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 1);
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_ADDED), 0); /* it could not bind it */
    assert_int_equal(bind(BESIDE, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
    expect_parked(DEVICE1);
    assert_int_equal(call3(OWNER, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x33), DMA_LANDED);
    assert_units_clean();
}

static void row_0_15_groups_keep_ids_and_members_whatever_comes_and_goes(void)
{
    struct {
        uint32_t id, group, reasons, members, stream;
        struct iommu *iommu;
    } before[8], now;
    uint32_t count = devices.count;

    start_group();
    count = devices.count;
    assert_true(count <= ARRAY_LENGTH(before));
    for (unsigned int round = 0; round < 4; round++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct device *d = &devices.device[i];

            memset(&now, 0, sizeof(now));
            now.id = d->id;
            now.group = d->group->number;
            now.reasons = d->group->reasons;
            now.members = d->group->members;
            now.stream = d->stream;
            now.iommu = d->iommu;
            if (round == 0)
                memcpy(&before[i], &now, sizeof(now));
            assert_memory_equal(&before[i], &now, sizeof(now));
        }
        if ((round & 1) == 0) {
            pull(DEVICE1);
            pull(sibling);
        } else {
            insert(DEVICE1);
            insert(sibling);
        }
        turn();
        assert_int_equal(devices.count, count);
    }
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 4);
}

static void a_device_that_is_reserved_comes_back_to_whom_it_was_given(void)
{
    start_free();
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE), BH_EAGAIN);
    while (call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, BESIDE) == BH_EAGAIN)
        host_advance(machine.x[1]);
    pull(DEVICE1);
    turn();
    insert(DEVICE1);
    turn();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_REMOVED), 0);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_ADDED), 0);
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_REMOVED), 1);
    assert_int_equal(told(BESIDE, BH_EVENT_DEVICE_ADDED), 1);
}

int run_presence_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_1_22_i6_a_device_that_is_pulled_out_is_parked_and_taken_from_its_owner),
        TEST(row_1_22_i6_a_device_that_comes_back_is_parked_until_it_is_bound),
        TEST(it_may_come_back_to_another_that_lists_it),
        TEST(row_1_22_i6_a_device_that_was_out_between_two_looks_is_taken_too),
        TEST(i6_a_reset_does_not_bring_back_what_was_out_between_two_looks),
        TEST(a_device_that_nobody_has_taken_yet_does_not_come_back),
        TEST(i6_another_function_in_its_place_is_nobodys),
        TEST(another_function_that_takes_its_place_at_once_is_shut),
        TEST(a_function_with_larger_registers_is_bound_by_nobody),
        TEST(a_function_with_a_wide_register_instead_of_a_narrow_one_is_bound_by_nobody),
        TEST(a_function_that_turns_into_another_while_it_is_reset_is_not_waited_for),
        TEST(row_0_14_what_comes_back_to_an_owned_group_is_parked_until_its_owner_binds_it),
        TEST(row_0_15_groups_keep_ids_and_members_whatever_comes_and_goes),
        TEST(a_device_that_is_reserved_comes_back_to_whom_it_was_given),
    };

    return RUN_GROUP("devices that are pulled out and come back");
}
