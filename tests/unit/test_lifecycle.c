/* SPDX-License-Identifier: Apache-2.0 */
/* The ways out of ownership, and what happens to a partition's devices and memory when it ends (I6). */
#include <stdio.h>
#include <string.h>

#include "groups.h"
#include "kernel/guest_tree.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)

static uint64_t ioas;

static void start(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 0xAB);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
}

/* The device fires whatever its command register says: mastering off is no fence. */
static enum dma fire(uint64_t iova)
{
    pci_model_set16(&machine.pci, DEVICE1, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, DEVICE1, 4) | 4));
    return dma_write(DEVICE1, iova, 0xBAD);
}

static uint64_t witness(void)
{
    return *(uint64_t *)guest(0, BASE + 0x3000);
}

static void expect_blocked(const char *owner)
{
    char line[160];
    uint64_t recorded = smmuv3_model_events_recorded(machine.unit[0]);

    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    assert_int_equal(smmuv3_model_events_recorded(machine.unit[0]), recorded + 1);
    assert_int_equal(witness(), 0x11);
    snprintf(line, sizeof(line),
             "fault: device=%s partition=%s cause=translation access=w iova=0x10000", DEVICE1_NAME,
             owner);
    assert_console(line);
    assert_false(smmuv3_model_invalidation_pending(machine.unit[0]));
}

static void power(void *reset)
{
    host_guest_ops->power(&partitions.partition[0].vcpu, *(bool *)reset);
}

static void crash(void *unused)
{
    (void)unused;
    host_guest_ops->crash(&partitions.partition[0].vcpu, "read what is not its own", 0x666);
}

static void i6_after_unmap_the_device_is_blocked_and_the_fault_has_a_record(void)
{
    start();
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    expect_blocked("one");
    struct bh_query_fault fault = query_fault(0, DEVICE1_ID);

    assert_int_equal(fault.count, 1);
    assert_int_equal(fault.label, 0xAB);
    assert_int_equal(fault.iova, IOVA);
    assert_int_equal(fault.cause, BH_CAUSE_TRANSLATION);
    assert_int_equal(fault.access, BH_ACCESS_WRITE);
    assert_int_equal(fault.pasid, BH_PASID_NONE);
}

static void i6_after_detach_the_device_is_parked_when_the_call_returns(void)
{
    start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    expect_blocked("one");
}

static void i6_row_1_3_row_1_9_row_3_20_after_unbind_the_device_is_parked_and_nobodys(void)
{
    start();
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    expect_blocked("none");
}

static void row_3_19_an_unbind_of_what_is_attached_is_ebusy_and_leaves_it_attached(void)
{
    start();
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_EBUSY);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, ioas);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x12), DMA_LANDED);
    assert_int_equal(call2(1, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EPERM);
}

static void i6_power_off_parks_the_device_first_and_gives_it_back(void)
{
    bool reset = false;

    start();
    assert_int_equal(host_run(power, &reset), HOST_IDLE);
    expect_blocked("none");
    assert_console("one: off, code 0");
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(query_fault(1, DEVICE1_ID).count, 0);
}

static void i6_the_power_call_ends_the_partition_with_its_code(void)
{
    start();
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 42);
    assert_int_equal(machine.end, HOST_IDLE);
    expect_blocked("none");
    call2(1, BH_CALL_POWER, BH_POWER_OFF, 7);
    assert_int_equal(machine.end, HOST_OFF);
    assert_console("[bulkhead] off: one=42 two=7\n");
}

static void i6_a_crash_takes_the_dma_with_it_before_anything_is_said(void)
{
    start();
    assert_int_equal(host_run(crash, NULL), HOST_IDLE);
    expect_blocked("none");
    assert_console("one: ended: it read what is not its own: 0x666");
    call2(1, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_console("off: one=254 two=0\n");
}

static void i6_a_partition_that_dies_in_the_middle_of_a_bind_leaves_the_device_bindable(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    observer_start();
    machine_boot();
    assert_int_equal(call2(0, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_EAGAIN);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(query_state(1, DEVICE1_ID).owner, BH_OWNER_NONE);
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 2);
}

static void i4_restart_scrubs_the_memory_and_forgets_every_object(void)
{
    start();
    memset(guest(0, BASE + 0x10000), 0xEE, 0x100000);
    assert_int_equal(map(0, ioas, 0x20000, BASE + 0x10000, PAGE_SIZE), BH_OK);
    uint64_t invalidates = host_counters.invalidates;

    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(fire(0x20000), DMA_BLOCKED);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    assert_true(host_counters.invalidates > invalidates);
    const uint64_t *word = guest(0, BASE + 0x10000);

    for (unsigned int i = 0; i < 0x100000 / sizeof(*word); i++)
        assert_int_equal(word[i], 0);
    assert_int_equal(map(0, ioas, IOVA, BASE, PAGE_SIZE), BH_ENOENT);
    assert_int_equal(query_pool(0).ioas_used, 0);
    assert_int_equal(fire(IOVA), DMA_BLOCKED);
    /* And it can do it all again. */
    ioas = bind_and_attach(0, DEVICE1_ID, 0xAB);
    assert_int_equal(map(0, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    assert_units_clean();
}

static void i4_restart_leaves_no_byte_of_a_former_life_on_any_page(void)
{
    static uint8_t before[0x400000];
    const struct partition *partition;

    machine_plain();
    machine_boot();
    partition = &partitions.partition[0];
    assert_true(partition->set->memory_size <= sizeof(before));
    assert_true(partition->visible_size < partition->set->memory_size);
    memcpy(before, memory_pointer(partition->physical), partition->visible_size);
    memset(memory_pointer(partition->physical), 0xEE, partition->visible_size);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    /* The payload, the tree and zeros, as in the first life, whose memory had held nothing. */
    for (uint64_t at = 0; at < partition->visible_size; at += PAGE_SIZE) {
        if (memcmp(before + at, guest(0, BASE + at), PAGE_SIZE) != 0)
            fail_msg("page 0x%llx is not what it was", (unsigned long long)(BASE + at));
    }
    assert_int_not_equal(*(uint32_t *)guest(0, BASE), 0);
    assert_int_not_equal(*(uint32_t *)guest(0, BASE + partition->visible_size - GUEST_TREE_SIZE),
                         0);
}

static uint8_t payload[0x380000];

/* So many bytes of it stand at the start of the memory, and zeros from there to the tree. */
static void expect_alone(uint64_t size)
{
    uint64_t end;

    machine_plain();
    machine.payload[0].bytes = payload;
    machine.payload[0].size = size;
    machine_boot();
    end = partitions.partition[0].visible_size - GUEST_TREE_SIZE;
    assert_true(size < end);
    assert_memory_equal(guest(0, BASE), payload, size);
    for (const uint8_t *at = guest(0, BASE + size), *last = guest(0, BASE + end); at < last; at++) {
        if (*at != 0)
            fail_msg("0x%llx bytes: at +0x%llx stands 0x%02x", (unsigned long long)size,
                     (unsigned long long)(at - (const uint8_t *)guest(0, BASE)), *at);
    }
}

static void i4_nothing_of_the_payloads_file_is_left_beside_the_payload(void)
{
    memset(payload, 0xA5, sizeof(payload));
    expect_alone(0x1234);
}

static void a_flat_payload_may_take_more_than_half_of_the_memory(void)
{
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(1 + i % 251);
    expect_alone(sizeof(payload));
}

static void each_life_begins_with_code_that_its_cpu_fetches(void)
{
    start();
    assert_int_equal(host_counters.code_synchronisations, partitions.count);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine_run_cpu(0), HOST_GUEST);
    assert_int_equal(host_counters.code_synchronisations, partitions.count + 1);
}

static void i4_tags_of_a_dead_partition_are_invalidated_before_they_are_given_back(void)
{
    uint16_t tag;

    start();
    tag = partitions.partition[0].ioas[0].domain[0].tag;
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(smmuv3_model_cached(machine.unit[0]).leaves, 0);
    assert_int_equal(devices.iommu[0].tags[tag / 64] & BIT(tag % 64), 0);
}

static void a_partition_whose_unit_died_is_not_started_again(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_console("its memory is not used again");
    assert_int_not_equal(fire(IOVA), DMA_LANDED);
    enum host_end end;

    assert_false(host_run_work(0, &end));
}

static void a_partition_with_an_ioas_that_a_dead_unit_may_know_is_not_started_again(void)
{
    enum host_end end;
    uint16_t tag;

    start();
    tag = partitions.partition[0].ioas[0].domain[0].tag;
    assert_int_equal(unmap(0, ioas, IOVA, PAGE_SIZE), BH_OK);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    call2(0, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_console("its memory is not used again");
    assert_console("one: off, code 254");
    assert_false(host_run_work(0, &end));
    assert_int_equal(query_pool(0).ioas_used, 1);
    /* The unit may still know translations of that tag: nobody gets it. */
    assert_true((devices.iommu[0].tags[tag / 64] & BIT(tag % 64)) != 0);
}

static void detach_and_attach_that_meet_a_dead_unit_are_etimedout_and_pass_nothing(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
    assert_true(partitions.partition[0].pinned);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    assert_int_not_equal(fire(IOVA), DMA_LANDED);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).ioas, 0);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_ETIMEDOUT);
    assert_int_equal(query_state(0, DEVICE1_ID).bound, 0);
    assert_int_equal(call2(1, BH_CALL_DEVICE_BIND, DEVICE1_ID, 1), BH_ETIMEDOUT);
    assert_int_equal(query_state(1, DEVICE1_ID).owner, BH_OWNER_NONE);
}

static void i11_a_unit_that_answers_nothing_any_more_is_shown_no_mixture(void)
{
    start();
    int64_t other = call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, BH_IOAS_NONE);

    assert_true(other > 0);
    /* It goes on translating, by whatever it reads and keeps; only the ports above are closed. */
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, SMMUV3_MODEL_NEVER);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_GBPA, SMMUV3_MODEL_NEVER);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
    assert_console("only the ports above its devices are closed");
    assert_true(partitions.partition[0].pinned);
    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, (uint64_t)other),
                     BH_ETIMEDOUT);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_ETIMEDOUT);
}

int run_lifecycle_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i6_after_unmap_the_device_is_blocked_and_the_fault_has_a_record),
        TEST(i6_after_detach_the_device_is_parked_when_the_call_returns),
        TEST(i6_row_1_3_row_1_9_row_3_20_after_unbind_the_device_is_parked_and_nobodys),
        TEST(row_3_19_an_unbind_of_what_is_attached_is_ebusy_and_leaves_it_attached),
        TEST(i6_power_off_parks_the_device_first_and_gives_it_back),
        TEST(i6_the_power_call_ends_the_partition_with_its_code),
        TEST(i6_a_crash_takes_the_dma_with_it_before_anything_is_said),
        TEST(i6_a_partition_that_dies_in_the_middle_of_a_bind_leaves_the_device_bindable),
        TEST(i4_restart_scrubs_the_memory_and_forgets_every_object),
        TEST(i4_restart_leaves_no_byte_of_a_former_life_on_any_page),
        TEST(i4_nothing_of_the_payloads_file_is_left_beside_the_payload),
        TEST(a_flat_payload_may_take_more_than_half_of_the_memory),
        TEST(each_life_begins_with_code_that_its_cpu_fetches),
        TEST(i4_tags_of_a_dead_partition_are_invalidated_before_they_are_given_back),
        TEST(a_partition_whose_unit_died_is_not_started_again),
        TEST(i11_a_unit_that_answers_nothing_any_more_is_shown_no_mixture),
        TEST(a_partition_with_an_ioas_that_a_dead_unit_may_know_is_not_started_again),
        TEST(detach_and_attach_that_meet_a_dead_unit_are_etimedout_and_pass_nothing),
    };

    return RUN_GROUP("kernel/lifecycle");
}
