/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals that no hypercall of a well-made machine meets, at the functions that make them; and what the
 * kernel does when a unit dies or an owner is not what it was (kernel/assign.c, fault.c, ioas.c). */
#include <pthread.h>
#include <string.h>

#include "groups.h"
#include "kernel/assign.h"
#include "kernel/ioas.h"
#include "kernel/memory.h"
#include "machine.h"
#include "observer.h"

#define STRUCTURE UINT64_C(0x40200000)
#define BASE UINT64_C(0x40000000)

static void start_two(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
}

static void a_device_that_turns_out_unassignable_is_eopnotsupp_and_nobodys(void)
{
    struct device *device;

    start_two();
    device = device_find(DEVICE1_NAME);
    device->refusal = "was found wanting";
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EOPNOTSUPP);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
}

static void the_hypervisors_own_group_is_seen_as_such_and_given_to_nobody(void)
{
    struct device *device;

    start_two();
    device = device_find(DEVICE1_NAME);
    assert_true(owner_claim_hypervisor(&device->group->owner));
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_HYPERVISOR);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EPERM);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_EPERM);
    assert_true(owner_release_hypervisor(&device->group->owner));
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
}

/* Else it could make the group's owner, whom it cannot name, wait. */
static void unbind_of_a_group_that_is_not_the_callers_does_not_touch_its_lock(void)
{
    struct device *device;
    uint32_t tickets;

    start_two();
    device = device_find(DEVICE1_NAME);
    tickets = device->group->lock.next;
    for (unsigned int partition = 0; partition < 2; partition++) {
        assert_int_equal(call1(partition, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_EPERM);
        assert_int_equal(device->group->lock.next, tickets);
    }
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    tickets = device->group->lock.next;
    assert_int_equal(call1(1, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_EPERM);
    assert_int_equal(device->group->lock.next, tickets);
}

static void attach_and_detach_ask_again_who_has_the_device(void)
{
    struct device *device;
    uint64_t id;

    start_two();
    id = bind_and_attach(0, DEVICE1_ID, 1);
    device = device_find(DEVICE1_NAME);
    assert_int_equal(assign_detach(&partitions.partition[1], device), BH_EPERM);
    assert_int_equal(assign_detach(&partitions.partition[0], device), BH_OK);
    assert_int_equal(assign_attach(&partitions.partition[1], device, id), BH_EPERM);
    assert_null(device->ioas);
}

static void nobody_waits_for_the_lock_of_a_group_that_is_anothers(void)
{
    struct bh_query_attachment *attachment;
    struct device *device;

    start_two();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    attachment = guest(1, STRUCTURE);
    attachment->size = sizeof(*attachment);
    device = device_find(DEVICE1_NAME);
    lock_acquire(&device->group->lock);
    /* A call that waits here does so for ever. */
    assert_int_equal(call2(1, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_EPERM);
    assert_int_equal(call1(1, BH_CALL_DEVICE_RESET, DEVICE1_ID), BH_EPERM);
    assert_int_equal(call3(1, BH_CALL_QUERY, BH_QUERY_ATTACHMENT, STRUCTURE, 0), BH_ENOENT);
    assert_int_equal(query_state(1, DEVICE1_ID).owner, BH_OWNER_OTHER);
    lock_release(&device->group->lock);
}

static void unbind_of_a_device_not_bound_is_eperm_though_the_group_is_the_callers(void)
{
    machine_plain();
    pci_model_endpoint(&machine.pci, PORT1, 0, 1);
    pci_model_multifunction(&machine.pci, DEVICE1);
    pci_model_express(&machine.pci, DEVICE2 + 1, 0, true);
    machine.partition[0].pci[1] = "0000:01:00.1";
    observer_start();
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID + 1).owner, BH_OWNER_SELF);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID + 1), BH_EPERM);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 1);
    /* The group's count is what it was: one unbind gives it back. */
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
}

static void an_ioas_on_a_dead_unit_stays_taken(void)
{
    uint64_t id;
    uint32_t free;

    start_two();
    id = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    uint16_t tag = partitions.partition[0].ioas[0].domain[0].tag;

    free = partitions.partition[0].pool.free;
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(call1(0, BH_CALL_IOAS_FREE, id), BH_ETIMEDOUT);
    /* Tag and root may still be known to the unit: neither goes to another. */
    assert_true((devices.iommu[0].tags[tag / 64] & BIT(tag % 64)) != 0);
    assert_int_equal(partitions.partition[0].pool.free, free);
    assert_int_equal(query_pool(0).ioas_used, 1);
}

/* ---- A unit that dies -------------------------------------------------------------------------------------- */

static void a_dead_unit_is_cut_off_at_the_topmost_port_above_each_device(void)
{
    machine_plain();
    struct pci_model *pci = &machine.pci;
    int port = pci_model_bridge(pci, PCI_MODEL_ROOT, 3, 0, 4);
    int up = pci_model_bridge(pci, port, 0, 0, 5);
    int down = pci_model_bridge(pci, up, 0, 0, 6);
    int deep = pci_model_endpoint(pci, down, 0, 0);
    int integrated = pci_model_endpoint(pci, PCI_MODEL_ROOT, 5, 0);

    observer_start();
    machine_boot();
    pci_model_set16(pci, deep, 4, 6);
    pci_model_set16(pci, integrated, 4, 6);
    assert_int_equal(dma_write(deep, 0x1000, 1), DMA_BLOCKED);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_true(devices.iommu[0].silenced);
    assert_int_equal(pci_model_get16(pci, port, 4) & 4, 0);
    assert_int_equal(pci_model_get16(pci, PORT1, 4) & 4, 0);
    assert_int_equal(pci_model_get16(pci, integrated, 4) & 4, 0);
    assert_int_equal(dma_write(deep, 0x1000, 1), DMA_NOT_MASTERING);
}

/* ---- A storm that meets a group in use --------------------------------------------------------------------- */

static void a_storm_is_silenced_only_while_nobody_works_on_the_group(void)
{
    struct device *device;

    machine_plain();
    observer_start();
    machine_boot();
    device = device_find(DEVICE1_NAME);
    pci_model_set16(&machine.pci, DEVICE1, 4, 6);
    lock_acquire(&device->group->lock);
    for (unsigned int i = 0; i < 4200; i++)
        assert_int_equal(dma_write(DEVICE1, 0x100000, 1), DMA_BLOCKED);
    assert_false(device->silent);
    lock_release(&device->group->lock);
    assert_int_equal(dma_write(DEVICE1, 0x100000, 1), DMA_BLOCKED);
    assert_true(device->silent);
}

static bool refilling;

static void refill(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    (void)value;
    if (offset == 0x100AC && refilling) {
        uint64_t data = 0;

        smmuv3_model_dma(machine.unit[0], 0x100, 0x200000, &data, sizeof(data), true);
    }
}

static void i7_a_device_that_fills_the_queue_as_fast_as_it_is_read_does_not_hold_the_cpu(void)
{
    uint64_t data = 0;

    machine_plain();
    observer_start();
    machine_boot();
    smmuv3_model_dma(machine.unit[0], 0x100, 0x200000, &data, sizeof(data), true);
    refilling = true;
    machine.after_register_write = refill;
    uint64_t again = host_counters.interrupts_again;

    host_interrupt(UNIT_EVENT_INTERRUPT(0));
    struct device *device = device_find(DEVICE1_NAME);
    uint64_t seen = device->faults.count;

    assert_in_range(seen, 1, 8);
    assert_int_equal(host_counters.interrupts_again, again + 1);
    /* It comes again, after others had their turn. */
    refilling = false;
    host_interrupt(UNIT_EVENT_INTERRUPT(0));
    assert_int_equal(device->faults.count, seen + 1);
}

/* ---- Memory ------------------------------------------------------------------------------------------------- */

static void nothing_is_reserved_where_there_is_no_memory(void)
{
    static struct topology topology;

    topology.memory_count = 2;
    topology.memory[0] = (struct topology_range){ .base = 0x40000000, .size = 0x400000 };
    topology.memory[1] = (struct topology_range){ .base = 0x50000800, .size = 0x400 };
    topology.reserved_count = 1;
    topology.reserved[0] = (struct topology_range){ .base = 0x40000000, .size = 0x400000 };
    assert_true(memory_start(&topology));
    assert_int_equal(memory_take(PAGE_SIZE, PAGE_SIZE), 0);
    assert_true(memory_reserve(0x60000000, 0x1000));
}

static void memory_in_more_stretches_than_are_kept_is_said(void)
{
    static struct topology topology;
    unsigned int cuts = 0;

    topology.memory_count = 1;
    topology.memory[0] = (struct topology_range){ .base = 0x40000000, .size = 0x4000000 };
    assert_true(memory_start(&topology));
    while (memory_reserve(0x40001000 + cuts * UINT64_C(0x2000), 0x1000))
        cuts++;
    assert_int_equal(cuts, 63);
}

/* ---- Two CPUs --------------------------------------------------------------------------------------------- */

#define ROUNDS 200000

static _Atomic uint64_t word;

static void *claim_and_release(void *unused)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (!owner_claim(&word, 3))
            return &word; /* nobody else claims it */
        owner_release(&word, 3);
    }
    return unused;
}

static void two_cpus_of_one_owner_lose_no_step_of_the_count(void)
{
    pthread_t thread[2];
    void *failed = NULL;

    assert_true(owner_claim(&word, 3));
    for (unsigned int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, claim_and_release, NULL), 0);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(thread[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(owner_decode(atomic_load(&word)).count, 1);
    assert_true(owner_release(&word, 3));
    assert_int_equal(atomic_load(&word), 0);
}

/* ---- What single lines are for ---------------------------------------------------------------------------- */

static void i6_the_end_of_one_partition_leaves_the_devices_of_another_alone(void)
{
    start_two();
    uint64_t id = bind_and_attach(1, DEVICE1_ID, 1);

    assert_int_equal(map(1, id, 0x1000, BASE, PAGE_SIZE), BH_OK);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(dma_write(DEVICE1, 0x1000, 7), DMA_LANDED);
    assert_int_equal(query_state(1, DEVICE1_ID).bound, 1);
    assert_false(partitions.partition[0].vcpu.running);
    assert_true(partitions.partition[1].vcpu.running);
}

static void a_bind_that_is_refused_in_the_middle_of_its_reset_begins_anew(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_boot();
    assert_int_equal(bind(0, DEVICE2_ID, 5), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 6), BH_EAGAIN);
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 5), BH_EEXIST);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(device_find(DEVICE1_NAME)->reset.step, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 6), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 2);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
}

static void a_bind_that_runs_out_of_table_pages_at_any_of_them_leaves_nothing_mapped(void)
{
    int64_t result = BH_ENOSPC;

    machine_plain();
    pci_model_bar(&machine.pci, DEVICE1, 1, 0x400000, false); /* the next one lies 4 MiB further */
    machine_boot();
    struct partition *partition = &partitions.partition[0];

    for (uint32_t spare = 0; result == BH_ENOSPC; spare++) {
        struct page_list taken = PAGE_LIST_EMPTY;

        while (partition->pool.free > spare)
            page_list_add(&partition->pool, &taken, page_pool_take(&partition->pool));
        result = bind(0, DEVICE1_ID, 1);
        if (result == BH_ENOSPC) {
            for (unsigned int i = 0; i < PCI_BARS; i++) {
                struct topology_range range = device_registers(device_find(DEVICE1_NAME), i);
                uint64_t entry, size;

                assert_false(range.size != 0 &&
                             pagetable_lookup(&partition->stage2, range.base, &entry, &size));
            }
            assert_int_equal(partition->pool.free, spare);
            assert_int_equal(query_state(0, DEVICE1_ID).owner, BH_OWNER_NONE);
        }
        page_pool_give(&partition->pool, &taken);
        assert_true(spare < 10);
    }
    assert_int_equal(result, BH_OK);
}

static void tags_of_freed_ioas_are_used_again(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.vmid16 = false;
    machine_plain_with(&parameters);
    machine_boot();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    for (unsigned int i = 0; i < 600; i++) {
        int64_t id = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

        if (id <= 0)
            fail_msg("ioas number %u: %lld", i, (long long)id);
        assert_int_equal(call1(0, BH_CALL_IOAS_FREE, (uint64_t)id), BH_OK);
    }
}

static void the_last_line_of_a_run_comes_last_and_the_consoles_before_it(void)
{
    static const char last[] = "[bulkhead] off: one-with-a-name-of-31-charactrs=9\n";
    char *text;

    machine_plain();
    machine.partition[0].name = "one-with-a-name-of-31-charactrs";
    machine_boot();
    text = guest(0, BASE);
    memset(text, 'z', 200);
    for (unsigned int i = 0; i < 9; i++) {
        text[199] = '\n';
        assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, BASE, 200), BH_OK);
    }
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 9);
    assert_int_equal(machine.end, HOST_OFF);
    /* Nobody drains it any more. */
    assert_true(machine.console_used > sizeof(last));
    assert_string_equal(machine.console + machine.console_used - (sizeof(last) - 1), last);
    unsigned int lines = 0;

    for (const char *at = machine.console; (at = strstr(at, "charactrs] zzz")) != NULL; at++)
        lines++;
    if (lines != 9)
        fail_msg("%u lines:\n%s", lines, machine.console);
}

static void a_refusal_after_the_interrupts_are_on_is_out_before_the_machine_is_off(void)
{
    static const char last[] = "[bulkhead] off: bulkhead=253\n";

    machine_plain();
    machine.partition[0].pci[0] = "0000:0a:00.0";
    assert_int_equal(machine_kernel(), HOST_OFF);
    /* Nobody drains it any more. */
    assert_true(machine.console_used > sizeof(last));
    assert_string_equal(machine.console + machine.console_used - (sizeof(last) - 1), last);
}

static void fire(uint32_t stream, unsigned int times)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < times; i++)
        smmuv3_model_dma(machine.unit[0], stream, 0x100000, &value, sizeof(value), true);
}

static unsigned int console_count(const char *text)
{
    unsigned int count = 0;

    machine_drain_console();
    for (const char *at = machine.console; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void of_parked_devices_the_one_that_filled_the_queue_falls_silent(void)
{
    machine_plain();
    machine_boot();
    fire(0x100, 5);
    fire(0x200, 3000);
    machine_interrupts();
    assert_true(device_find(DEVICE2_NAME)->silent);
    assert_false(device_find(DEVICE1_NAME)->silent);
    assert_int_equal(device_find(DEVICE1_NAME)->faults.lost, 1);
    assert_int_equal(device_find(CLOCK_NAME)->faults.lost, 0);
    assert_int_equal(console_count("floods the event queue"), 1);
    /* Streams that no device has fill it again: who is silent is not told of twice. */
    fire(0x7000, 3000);
    machine_interrupts();
    assert_int_equal(device_find(DEVICE1_NAME)->faults.lost, 2);
    assert_int_equal(console_count("floods the event queue"), 1);
}

static void the_first_of_parked_devices_can_be_the_one_that_filled_the_queue(void)
{
    machine_plain();
    machine_boot();
    fire(0x200, 5);
    fire(0x100, 3000);
    machine_interrupts();
    assert_true(device_find(DEVICE1_NAME)->silent);
    assert_false(device_find(DEVICE2_NAME)->silent);
}

static void a_dead_unit_cuts_off_nobody_behind_another(void)
{
    machine_plain();
    machine_boot();
    struct device *other = device_find(DEVICE2_NAME);

    other->iommu = &devices.iommu[1];
    pci_model_set16(&machine.pci, PORT2, 4, 6);
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    machine_interrupts();
    assert_int_equal(pci_model_get16(&machine.pci, PORT1, 4) & 4, 0);
    assert_int_equal(pci_model_get16(&machine.pci, PORT2, 4) & 4, 4);
}

static void a_function_has_no_registers_beyond_its_last(void)
{
    machine_plain();
    machine_boot();
    assert_int_equal(device_registers(device_find(DEVICE1_NAME), PCI_BARS).size, 0);
    assert_int_equal(device_registers(device_find(CLOCK_NAME), 0).base, CLOCK_BASE);
    assert_int_equal(device_registers(device_find(CLOCK_NAME), 1).size, 0);
}

int run_refusals_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_that_turns_out_unassignable_is_eopnotsupp_and_nobodys),
        TEST(the_hypervisors_own_group_is_seen_as_such_and_given_to_nobody),
        TEST(unbind_of_a_group_that_is_not_the_callers_does_not_touch_its_lock),
        TEST(attach_and_detach_ask_again_who_has_the_device),
        TEST(nobody_waits_for_the_lock_of_a_group_that_is_anothers),
        TEST(unbind_of_a_device_not_bound_is_eperm_though_the_group_is_the_callers),
        TEST(an_ioas_on_a_dead_unit_stays_taken),
        TEST(a_dead_unit_is_cut_off_at_the_topmost_port_above_each_device),
        TEST(a_storm_is_silenced_only_while_nobody_works_on_the_group),
        TEST(i7_a_device_that_fills_the_queue_as_fast_as_it_is_read_does_not_hold_the_cpu),
        TEST(nothing_is_reserved_where_there_is_no_memory),
        TEST(memory_in_more_stretches_than_are_kept_is_said),
        TEST(two_cpus_of_one_owner_lose_no_step_of_the_count),
        TEST(i6_the_end_of_one_partition_leaves_the_devices_of_another_alone),
        TEST(a_bind_that_is_refused_in_the_middle_of_its_reset_begins_anew),
        TEST(a_bind_that_runs_out_of_table_pages_at_any_of_them_leaves_nothing_mapped),
        TEST(tags_of_freed_ioas_are_used_again),
        TEST(the_last_line_of_a_run_comes_last_and_the_consoles_before_it),
        TEST(a_refusal_after_the_interrupts_are_on_is_out_before_the_machine_is_off),
        TEST(of_parked_devices_the_one_that_filled_the_queue_falls_silent),
        TEST(the_first_of_parked_devices_can_be_the_one_that_filled_the_queue),
        TEST(a_dead_unit_cuts_off_nobody_behind_another),
        TEST(a_function_has_no_registers_beyond_its_last),
    };

    return RUN_GROUP("kernel/refusals");
}
