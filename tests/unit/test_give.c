/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that change hands by order of the manager (kernel/give.c): each step, and what is left where one fails (I6). */
#include <string.h>

#include "groups.h"
#include "kernel/give.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define RING (BASE + 0x180000)
#define SIBLING_NAME "0000:01:00.1"
#define SIBLING_ID (DEVICE1_ID + 1)
#define STEPS 4000 /* of a reset, at most */

enum { OWNER, HEIR, MANAGER };

static struct group *group;

/* Three partitions; the first two list the device, the third is their manager. */
static void prepare(void)
{
    machine_plain();
    host_cpus = 3;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    machine_partition("three")->manager = true;
}

static void boot(void)
{
    observer_start();
    machine_boot();
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(call1(i, BH_CALL_EVENT_RING, RING), BH_OK);
    group = device_find(DEVICE1_NAME)->group;
}

static void start(void)
{
    uint64_t ioas;

    prepare();
    boot();
    ioas = bind_and_attach(OWNER, DEVICE1_ID, 0xAB);
    assert_int_equal(map(OWNER, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
}

static int64_t give(unsigned int to)
{
    return call2(MANAGER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, to);
}

/* Again until it is through; whoever is recalled comes. */
static int64_t give_all(unsigned int to)
{
    int64_t result = give(to);

    for (unsigned int i = 0; i < STEPS && result == BH_EAGAIN; i++) {
        assert_true(machine.x[1] != 0);
        host_advance(machine.x[1]);
        for (unsigned int p = 0; p < machine.partition_count; p++) {
            if (machine_recall(p))
                assert_int_equal(machine.end, HOST_RETURNED);
        }
        result = give(to);
    }
    return result;
}

/* The device fires whatever its command register says. */
static enum dma fire(void)
{
    pci_model_set16(&machine.pci, DEVICE1, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, DEVICE1, 4) | 4));
    return dma_write(DEVICE1, IOVA, 0xBAD);
}

static void expect_nobodys(void)
{
    const struct device *device = device_find(DEVICE1_NAME);

    assert_int_equal(owner_decode(atomic_load(&group->owner)).state, OWNER_NONE);
    assert_null(device->bound);
    assert_null(device->ioas);
    assert_int_equal(device->reset.step, 0);
    assert_int_not_equal(fire(), DMA_LANDED);
    assert_int_equal(*(uint64_t *)guest(OWNER, BASE + 0x3000), 0x11);
}

/* The events of that type in the partition's ring; the last of them in *event. */
static unsigned int told(unsigned int partition, uint32_t type, struct bh_event *event)
{
    const struct bh_event_ring *ring = guest(partition, RING);
    unsigned int count = 0;

    for (uint64_t i = 0; i < ring->producer; i++) {
        if (ring->record[i].type != type)
            continue;
        *event = ring->record[i];
        count++;
    }
    return count;
}

static bool sees_registers(unsigned int partition)
{
    const struct device *device = device_find(DEVICE1_NAME);
    uint64_t entry, size;

    return pagetable_lookup(&partitions.partition[partition].stage2,
                            device_registers(device, 0).base, &entry, &size);
}

static void row_3_6_the_owner_loses_device_and_registers_before_the_new_one_gets_it(void)
{
    uint32_t resets;
    struct bh_event event;

    start();
    resets = machine.pci.function[DEVICE1].function_resets;
    assert_int_equal(give(HEIR), BH_EAGAIN);
    /* Its CPU has not come yet: all is as it was, and nobody else gets in. */
    assert_true(sees_registers(OWNER));
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    assert_int_equal(call2(HEIR, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EPERM);
    uint64_t invalidates = host_counters.stage2_invalidates;

    assert_true(machine_recall(OWNER));
    assert_int_equal(machine.end, HOST_RETURNED); /* the guest goes on */
    assert_false(sees_registers(OWNER));
    assert_int_equal(host_counters.stage2_invalidates, invalidates + 1);
    expect_nobodys();
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_TAKEN, &event), 1);
    assert_int_equal(event.device, DEVICE1_ID);
    assert_int_equal(event.label, 0xAB);
    assert_int_equal(query_pool(OWNER).ioas_used, 1);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets + 1);
    expect_nobodys();
    assert_int_equal(told(HEIR, BH_EVENT_DEVICE_GIVEN, &event), 1);
    assert_int_equal(event.device, DEVICE1_ID);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
    bind_and_attach(HEIR, DEVICE1_ID, 0xCD);
    assert_int_equal(query_fault(HEIR, DEVICE1_ID).count, 0);
    assert_true(sees_registers(HEIR));
    assert_units_clean();
}

static void what_was_given_stays_with_whom_it_was_given_to_until_the_next_order(void)
{
    start();
    assert_int_equal(give_all(HEIR), BH_OK);
    bind_and_attach(HEIR, DEVICE1_ID, 1);
    call2(HEIR, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine_run_cpu(partitions.partition[HEIR].cpu), HOST_GUEST);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(give_all(OWNER), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
}

static void a_device_that_the_partition_owns_already_stays_as_it_is(void)
{
    uint32_t resets;

    start();
    resets = machine.pci.function[DEVICE1].function_resets;
    assert_int_equal(give(OWNER), BH_OK);
    assert_false(machine_recall(OWNER));
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, resets);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    /* But it is reserved now. */
    assert_int_equal(call2(OWNER, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(OWNER, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_EPERM);
}

/* The order was for another, and comes to nothing for one who binds it in time. */
static void a_recall_takes_nothing_from_whom_the_device_is_given_to(void)
{
    start();
    assert_int_equal(give(HEIR), BH_EAGAIN);
    assert_int_equal(call2(OWNER, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(OWNER, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    bind_and_attach(HEIR, DEVICE1_ID, 7);
    partitions.partition[HEIR].vcpu.recalled = true;
    assert_true(machine_recall(HEIR));
    assert_int_equal(query_state(HEIR, DEVICE1_ID).bound, 1);
    assert_int_equal(give(HEIR), BH_OK);
}

static void expect_refused(unsigned int caller, int64_t code, uint64_t device, uint64_t to)
{
    uint64_t before = machine_state();

    assert_int_equal(call2(caller, BH_CALL_DEVICE_GIVE, device, to), code);
    assert_int_equal(machine_state(), before);
    assert_int_equal(group->reserved, GROUP_FREE);
    assert_false(machine_recall(OWNER));
}

static void refusals_of_a_give_are_as_documented_and_change_nothing(void)
{
    start();
    expect_refused(OWNER, BH_EPERM, DEVICE1_ID, HEIR);
    expect_refused(MANAGER, BH_ENOENT, DEVICE1_ID, 3);
    expect_refused(MANAGER, BH_ENOENT, DEVICE1_ID, UINT64_MAX);
    expect_refused(MANAGER, BH_ENOENT, DEVICE2_ID, HEIR); /* not listed */
    expect_refused(MANAGER, BH_ENOENT, DEVICE1_ID, MANAGER);
    expect_refused(MANAGER, BH_ENOENT, 0, HEIR);
    device_find(DEVICE1_NAME)->refusal = "is not given in this test";
    expect_refused(MANAGER, BH_EOPNOTSUPP, DEVICE1_ID, HEIR);
}

static void the_hypervisors_own_group_is_given_to_nobody(void)
{
    prepare();
    boot();
    assert_true(owner_claim_hypervisor(&group->owner));
    expect_refused(MANAGER, BH_EOPNOTSUPP, DEVICE1_ID, HEIR);
    assert_int_equal(owner_decode(atomic_load(&group->owner)).state, OWNER_HYPERVISOR);
}

static void a_device_without_any_reset_is_given_to_nobody(void)
{
    int integrated;

    prepare();
    integrated = pci_model_endpoint(&machine.pci, PCI_MODEL_ROOT, 5, 0);
    pci_model_bar(&machine.pci, integrated, 0, 0x1000, false);
    machine.partition[OWNER].pci[1] = "0000:00:05.0";
    machine.partition[HEIR].pci[1] = "0000:00:05.0";
    boot();
    group = device_find("0000:00:05.0")->group;
    expect_refused(MANAGER, BH_EOPNOTSUPP, DEVICE_ID_PCI | 5 << 3, HEIR);
}

/* ---- What fails on the way ------------------------------------------------------------------------------ */

static void i6_a_device_that_ignores_its_reset_is_parked_and_nobodys(void)
{
    struct bh_event event;

    start();
    machine.pci.reset_reads = PCI_MODEL_NEVER;
    assert_int_equal(give_all(HEIR), BH_ETIMEDOUT);
    expect_nobodys();
    assert_console("0000:01:00.0: not given to two: it did not come back from its reset");
    assert_int_equal(told(HEIR, BH_EVENT_DEVICE_GIVEN, &event), 0);
    machine.pci.reset_reads = 0;
    machine.pci.function[DEVICE1].silent_reads = 0;
    /* It would come back now; but nobody said so. */
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

static void i6_a_device_that_is_pulled_out_on_the_way_is_parked_and_nobodys(void)
{
    start();
    assert_int_equal(give(HEIR), BH_EAGAIN);
    assert_true(machine_recall(OWNER));
    machine.pci.function[DEVICE1].gone = true;
    assert_int_equal(give_all(HEIR), BH_ETIMEDOUT);
    machine.pci.function[DEVICE1].gone = false;
    expect_nobodys();
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
}

static void i4_i6_a_unit_that_does_not_park_the_device_costs_its_owner_the_memory(void)
{
    start();
    assert_int_equal(give(HEIR), BH_EAGAIN);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_true(machine_recall(OWNER));
    assert_true(partitions.partition[OWNER].pinned);
    assert_true(devices.iommu[0].silenced);
    assert_false(sees_registers(OWNER));
    assert_int_equal(give_all(HEIR), BH_ETIMEDOUT);
    expect_nobodys();
    assert_console("0000:01:00.0: not given to two: it stands behind an IOMMU that failed");
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(give_all(OWNER), BH_ETIMEDOUT);
}

static void i6_a_unit_that_fails_before_the_order_changes_nothing_about_the_owner(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(call2(OWNER, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
    expect_refused(MANAGER, BH_ETIMEDOUT, DEVICE1_ID, HEIR);
    assert_int_equal(query_state(OWNER, DEVICE1_ID).bound, 1);
}

static void i12_a_line_that_is_not_masked_in_time_keeps_the_device_from_the_heir(void)
{
    prepare();
    machine.pci.function[DEVICE1].config[0x3D] = 1;
    boot();
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
    host_lines_stay = true;
    assert_int_equal(give_all(HEIR), BH_EOPNOTSUPP);
    assert_console("not given to two: it has an interrupt line that was not masked in time");
    assert_int_equal(owner_decode(atomic_load(&group->owner)).state, OWNER_NONE);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_EOPNOTSUPP);
}

static void i6_a_manager_that_ends_on_the_way_leaves_the_device_to_the_heir_alone(void)
{
    start();
    assert_int_equal(give(HEIR), BH_EAGAIN);
    assert_true(machine_recall(OWNER));
    assert_int_equal(give(HEIR), BH_EAGAIN);
    assert_int_equal(owner_decode(atomic_load(&group->owner)).state, OWNER_HYPERVISOR);
    assert_int_equal(call2(HEIR, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EPERM);
    call2(MANAGER, BH_CALL_POWER, BH_POWER_RESET, 0);
    expect_nobodys();
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
    /* Its next life goes on from there. */
    assert_int_equal(machine_run_cpu(partitions.partition[MANAGER].cpu), HOST_GUEST);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

static void an_heir_without_table_pages_binds_when_it_has_some(void)
{
    struct page_list taken = PAGE_LIST_EMPTY;
    struct page_pool *pool;

    start();
    assert_int_equal(give_all(HEIR), BH_OK);
    pool = &partitions.partition[HEIR].pool;
    while (pool->free > 0)
        page_list_add(pool, &taken, page_pool_take(pool));
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_ENOSPC);
    expect_nobodys();
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_EPERM);
    page_pool_give(pool, &taken);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

/* ---- Whoever owns it ------------------------------------------------------------------------------------ */

static void a_bind_that_is_under_way_is_given_up(void)
{
    struct bh_event event;

    prepare();
    boot();
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_TAKEN, &event), 0); /* it had not bound it yet */
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

static void an_owner_that_ends_by_itself_has_left(void)
{
    start();
    assert_int_equal(give(HEIR), BH_EAGAIN);
    call2(OWNER, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

static void the_manager_gives_away_a_device_of_its_own(void)
{
    machine_plain();
    machine.partition[OWNER].manager = true;
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    group = device_find(DEVICE1_NAME)->group;
    bind_and_attach(OWNER, DEVICE1_ID, 1);
    assert_int_equal(call2(OWNER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, HEIR), BH_EAGAIN);
    assert_true(machine_recall(OWNER));
    int64_t result;

    while ((result = call2(OWNER, BH_CALL_DEVICE_GIVE, DEVICE1_ID, HEIR)) == BH_EAGAIN)
        host_advance(machine.x[1]);
    assert_int_equal(result, BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 1), BH_OK);
}

static void all_members_of_the_group_go_together_and_are_reset_side_by_side(void)
{
    struct bh_event event;
    int sibling;

    machine_plain();
    host_cpus = 3;
    sibling = pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_express(&machine.pci, sibling, 0, true);
    pci_model_bar(&machine.pci, sibling, 0, 0x1000, false);
    pci_model_multifunction(&machine.pci, DEVICE1);
    machine.partition[OWNER].pci[1] = SIBLING_NAME;
    struct partition_spec *two = machine_partition("two");

    two->pci[0] = DEVICE1_NAME;
    two->pci[1] = SIBLING_NAME;
    machine_partition("three")->manager = true;
    boot();
    assert_ptr_equal(device_find(SIBLING_NAME)->group, group);
    bind_and_attach(OWNER, DEVICE1_ID, 1);
    bind_and_attach(OWNER, SIBLING_ID, 2);
    uint32_t resets = machine.pci.function[sibling].function_resets;

    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(told(OWNER, BH_EVENT_DEVICE_TAKEN, &event), 2);
    assert_int_equal(event.label, 2);
    assert_int_equal(machine.pci.function[sibling].function_resets, resets + 1);
    assert_int_equal(query_state(OWNER, SIBLING_ID).owner, BH_OWNER_NONE);
    assert_int_equal(bind(OWNER, SIBLING_ID, 1), BH_EPERM);
    assert_int_equal(bind(HEIR, SIBLING_ID, 1), BH_OK);
    assert_int_equal(bind(HEIR, DEVICE1_ID, 2), BH_OK);
    /* The reset of each time is a reset of all. */
    assert_int_equal(give_all(OWNER), BH_OK);
    assert_int_equal(machine.pci.function[sibling].function_resets, resets + 3);
}

static void a_register_block_is_given_without_a_reset(void)
{
    uint64_t clock;

    prepare();
    machine.partition[OWNER].block[0] = CLOCK_NAME;
    machine.partition[HEIR].block[0] = CLOCK_NAME;
    boot();
    clock = device_find(CLOCK_NAME)->id;
    assert_int_equal(bind(OWNER, clock, 1), BH_OK);
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, clock, HEIR), BH_EAGAIN);
    assert_true(machine_recall(OWNER));
    assert_int_equal(call2(MANAGER, BH_CALL_DEVICE_GIVE, clock, HEIR), BH_OK);
    assert_int_equal(bind(OWNER, clock, 1), BH_EPERM);
    assert_int_equal(bind(HEIR, clock, 1), BH_OK);
}

static void other_groups_of_the_owner_stay_with_it(void)
{
    uint64_t ioas;

    prepare();
    machine.partition[OWNER].pci[1] = DEVICE2_NAME;
    boot();
    assert_int_equal(bind(OWNER, DEVICE1_ID, 1), BH_OK);
    ioas = bind_and_attach(OWNER, DEVICE2_ID, 2);
    assert_int_equal(map(OWNER, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(give_all(HEIR), BH_OK);
    assert_int_equal(dma_write(DEVICE2, IOVA, 0x22), DMA_LANDED);
    assert_int_equal(query_state(OWNER, DEVICE2_ID).bound, 1);
}

int run_give_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_6_the_owner_loses_device_and_registers_before_the_new_one_gets_it),
        TEST(what_was_given_stays_with_whom_it_was_given_to_until_the_next_order),
        TEST(a_device_that_the_partition_owns_already_stays_as_it_is),
        TEST(a_recall_takes_nothing_from_whom_the_device_is_given_to),
        TEST(refusals_of_a_give_are_as_documented_and_change_nothing),
        TEST(the_hypervisors_own_group_is_given_to_nobody),
        TEST(a_device_without_any_reset_is_given_to_nobody),
        TEST(i6_a_device_that_ignores_its_reset_is_parked_and_nobodys),
        TEST(i6_a_device_that_is_pulled_out_on_the_way_is_parked_and_nobodys),
        TEST(i4_i6_a_unit_that_does_not_park_the_device_costs_its_owner_the_memory),
        TEST(i6_a_unit_that_fails_before_the_order_changes_nothing_about_the_owner),
        TEST(i12_a_line_that_is_not_masked_in_time_keeps_the_device_from_the_heir),
        TEST(i6_a_manager_that_ends_on_the_way_leaves_the_device_to_the_heir_alone),
        TEST(an_heir_without_table_pages_binds_when_it_has_some),
        TEST(a_bind_that_is_under_way_is_given_up),
        TEST(an_owner_that_ends_by_itself_has_left),
        TEST(the_manager_gives_away_a_device_of_its_own),
        TEST(all_members_of_the_group_go_together_and_are_reset_side_by_side),
        TEST(a_register_block_is_given_without_a_reset),
        TEST(other_groups_of_the_owner_stay_with_it),
    };

    return RUN_GROUP("devices that are given");
}
