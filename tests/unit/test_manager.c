/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager of a set orders: stop, start and restart of the others, and what it is told of them
 * (kernel/lifecycle.c; I4, I6). */
#include <string.h>

#include "groups.h"
#include "kernel/bundle.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define RING (BASE + 0x180000)
#define STRUCTURE (BASE + 0x210000)

enum { WORKER, MANAGER };

static uint64_t ioas;

/* A worker with a device that writes into its memory, and its manager, which may bind that device too. */
static void start(void)
{
    machine_plain();
    struct partition_spec *manager = machine_partition("two");

    manager->pci[0] = DEVICE1_NAME;
    manager->manager = true;
    observer_start();
    machine_boot();
    assert_int_equal(call1(MANAGER, BH_CALL_EVENT_RING, RING), BH_OK);
    ioas = bind_and_attach(WORKER, DEVICE1_ID, 0xAB);
    assert_int_equal(map(WORKER, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
}

static int64_t order(uint64_t action)
{
    return call2(MANAGER, BH_CALL_PARTITION_CONTROL, WORKER, action);
}

/* It is done when the worker's CPU has left the guest. */
static void order_and_follow(uint64_t action)
{
    assert_int_equal(order(action), BH_OK);
    assert_true(machine_recall(WORKER));
    assert_int_equal(machine.end, HOST_IDLE);
}

/* The device fires whatever its command register says. */
static enum dma fire(void)
{
    pci_model_set16(&machine.pci, DEVICE1, 4,
                    (uint16_t)(pci_model_get16(&machine.pci, DEVICE1, 4) | 4));
    return dma_write(DEVICE1, IOVA, 0xBAD);
}

static void expect_seen(uint32_t state, uint32_t code, uint32_t starts, uint32_t cause)
{
    struct bh_query_partition seen = query_partition(MANAGER, WORKER);

    assert_string_equal(seen.name, "one");
    assert_int_equal(seen.state, state);
    assert_int_equal(seen.exit_code, code);
    assert_int_equal(seen.starts, starts);
    assert_int_equal(seen.cause, cause);
}

static void expect_told(uint64_t number, uint32_t state, uint64_t code)
{
    const struct bh_event_ring *ring = guest(MANAGER, RING);
    const struct bh_event *event = &ring->record[number];

    assert_true(number < ring->producer);
    assert_int_equal(event->type, BH_EVENT_PARTITION);
    assert_int_equal(event->label, WORKER);
    assert_int_equal(event->cause, state);
    assert_int_equal(event->iova, code);
    assert_int_equal(event->device, 0);
}

static void i6_a_stop_parks_the_devices_and_gives_them_back(void)
{
    start();
    expect_seen(BH_PARTITION_RUNNING, 0, 1, BH_END_NONE);
    assert_int_equal(order(BH_PARTITION_STOP), BH_OK);
    /* Its CPU has not come yet. */
    expect_seen(BH_PARTITION_CHANGING, 0, 1, BH_END_NONE);
    assert_int_equal(order(BH_PARTITION_STOP), BH_EBUSY);
    assert_true(machine_recall(WORKER));
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(fire(), DMA_BLOCKED);
    assert_console("one: off, code 252");
    expect_seen(BH_PARTITION_OFF, 252, 1, BH_END_MANAGER);
    expect_told(0, BH_PARTITION_OFF, 252);
    assert_int_equal(order(BH_PARTITION_STOP), BH_EEXIST);
    assert_int_equal(bind(MANAGER, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(query_fault(MANAGER, DEVICE1_ID).count, 0);
}

static void i4_a_start_is_a_new_life_in_clean_memory(void)
{
    start();
    memset(guest(WORKER, BASE + 0x10000), 0xEE, PAGE_SIZE);
    order_and_follow(BH_PARTITION_STOP);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    expect_seen(BH_PARTITION_CHANGING, 252, 1, BH_END_MANAGER);
    assert_int_equal(order(BH_PARTITION_STOP), BH_EBUSY);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_seen(BH_PARTITION_RUNNING, 252, 2, BH_END_MANAGER);
    expect_told(1, BH_PARTITION_RUNNING, 252);
    assert_int_equal(order(BH_PARTITION_START), BH_EEXIST);
    for (const uint64_t *word = guest(WORKER, BASE + 0x10000), *end = word + 512; word < end;
         word++)
        assert_int_equal(*word, 0);
    assert_int_equal(*(uint32_t *)guest(WORKER, BASE), 0xD503201F);
    assert_int_equal(map(WORKER, ioas, IOVA, BASE, PAGE_SIZE), BH_ENOENT);
    ioas = bind_and_attach(WORKER, DEVICE1_ID, 1);
    assert_int_equal(map(WORKER, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x11), DMA_LANDED);
    assert_units_clean();
}

static void row_1_4_a_restart_ends_the_old_life_and_groups_keep_their_numbers(void)
{
    uint32_t group;

    start();
    group = device_find(DEVICE1_NAME)->group->number;
    order_and_follow(BH_PARTITION_RESTART);
    assert_int_equal(fire(), DMA_BLOCKED);
    expect_seen(BH_PARTITION_CHANGING, 252, 1, BH_END_MANAGER);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_seen(BH_PARTITION_RUNNING, 252, 2, BH_END_MANAGER);
    assert_int_equal(query_pool(WORKER).ioas_used, 0);
    assert_int_equal(device_find(DEVICE1_NAME)->group->number, group);
    assert_int_equal(bind(WORKER, DEVICE1_ID, 1), BH_OK);
}

static void a_restart_of_one_that_is_off_is_a_start(void)
{
    start();
    order_and_follow(BH_PARTITION_STOP);
    assert_int_equal(order(BH_PARTITION_RESTART), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_seen(BH_PARTITION_RUNNING, 252, 2, BH_END_MANAGER);
}

static void expect_refused(unsigned int caller, int64_t code, uint64_t index, uint64_t action)
{
    uint64_t before = machine_state();

    assert_int_equal(call2(caller, BH_CALL_PARTITION_CONTROL, index, action), code);
    assert_int_equal(machine_state(), before);
    assert_false(partitions.partition[WORKER].vcpu.recalled);
}

static void refusals_are_as_documented_and_change_nothing(void)
{
    start();
    expect_refused(WORKER, BH_EPERM, MANAGER, BH_PARTITION_STOP);
    expect_refused(WORKER, BH_EPERM, 7, 9);
    expect_refused(MANAGER, BH_ENOENT, 2, BH_PARTITION_STOP);
    expect_refused(MANAGER, BH_ENOENT, UINT64_MAX, BH_PARTITION_STOP);
    expect_refused(MANAGER, BH_EINVAL, WORKER, BH_PARTITION_RESTART + 1);
    expect_refused(MANAGER, BH_EINVAL, WORKER, UINT64_MAX);
    expect_refused(MANAGER, BH_EINVAL, MANAGER, BH_PARTITION_STOP);
    expect_refused(MANAGER, BH_EEXIST, WORKER, BH_PARTITION_START);
    assert_int_equal(call3(WORKER, BH_CALL_QUERY, BH_QUERY_PARTITION, STRUCTURE, MANAGER),
                     BH_EPERM);
    assert_int_equal(call3(MANAGER, BH_CALL_QUERY, BH_QUERY_PARTITION, STRUCTURE, 2), BH_ENOENT);
    *(uint64_t *)guest(MANAGER, STRUCTURE) = sizeof(struct bh_query_partition) - 1;
    assert_int_equal(call3(MANAGER, BH_CALL_QUERY, BH_QUERY_PARTITION, STRUCTURE, WORKER),
                     BH_EINVAL);
}

static void a_set_without_manager_has_nobody_who_orders(void)
{
    machine_plain();
    machine_partition("two");
    machine_boot();
    expect_refused(MANAGER, BH_EPERM, WORKER, BH_PARTITION_STOP);
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 3);
    assert_int_equal(machine.end, HOST_IDLE);
}

static void an_order_goes_before_what_the_partition_wants_itself(void)
{
    enum host_end end;

    start();
    assert_int_equal(order(BH_PARTITION_STOP), BH_OK);
    call2(WORKER, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine.end, HOST_IDLE);
    assert_false(host_run_work(partitions.partition[WORKER].cpu, &end));
    assert_int_equal(query_partition(MANAGER, WORKER).state, BH_PARTITION_OFF);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    assert_int_equal(order(BH_PARTITION_RESTART), BH_OK);
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 7);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_seen(BH_PARTITION_RUNNING, 7, 3, BH_END_MANAGER);
    /* That was the last order: the next end is its own. */
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 9);
    expect_seen(BH_PARTITION_OFF, 9, 3, BH_END_SELF);
}

static void run_recalled(void *unused)
{
    (void)unused;
    host_guest_ops->recalled(&partitions.partition[WORKER].vcpu);
}

static void a_recall_without_an_order_lets_the_guest_go_on(void)
{
    start();
    assert_int_equal(host_run(run_recalled, NULL), HOST_RETURNED);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0x22), DMA_LANDED);
    expect_seen(BH_PARTITION_RUNNING, 0, 1, BH_END_NONE);
}

static void crash(void *unused)
{
    (void)unused;
    host_guest_ops->crash(&partitions.partition[WORKER].vcpu, "read what is not its own", 0x666);
}

static void the_manager_learns_why_a_partition_ended(void)
{
    start();
    assert_int_equal(host_run(crash, NULL), HOST_IDLE);
    expect_seen(BH_PARTITION_OFF, 254, 1, BH_END_CRASH);
    expect_told(0, BH_PARTITION_OFF, 254);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 5);
    expect_seen(BH_PARTITION_OFF, 5, 2, BH_END_SELF);
}

static void a_payload_that_is_damaged_keeps_its_partition_off(void)
{
    const struct bundle_header *header = memory_pointer(INITRD_ADDRESS);
    const struct bundle_entry *payload = (const struct bundle_entry *)(header + 1) + 1;

    start();
    order_and_follow(BH_PARTITION_STOP);
    *(uint8_t *)memory_pointer(INITRD_ADDRESS + payload->offset) ^= 1;
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_IDLE);
    expect_seen(BH_PARTITION_OFF, 253, 1, BH_END_LOAD);
    /* Put right, it starts. */
    *(uint8_t *)memory_pointer(INITRD_ADDRESS + payload->offset) ^= 1;
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_seen(BH_PARTITION_RUNNING, 253, 2, BH_END_LOAD);
}

static void i4_a_partition_whose_unit_died_is_not_started_again(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    order_and_follow(BH_PARTITION_RESTART);
    assert_int_equal(query_partition(MANAGER, WORKER).state, BH_PARTITION_OFF);
    assert_int_equal(order(BH_PARTITION_START), BH_EOPNOTSUPP);
    assert_int_equal(order(BH_PARTITION_RESTART), BH_EOPNOTSUPP);
    assert_int_equal(order(BH_PARTITION_STOP), BH_EEXIST);
    assert_int_not_equal(fire(), DMA_LANDED);
}

static void the_machine_is_off_when_nobody_is_left_to_start_anybody(void)
{
    start();
    order_and_follow(BH_PARTITION_STOP);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    call2(MANAGER, BH_CALL_POWER, BH_POWER_OFF, 0);
    /* The worker, which is being loaded, lives on. */
    assert_int_equal(machine.end, HOST_IDLE);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 4);
    assert_int_equal(machine.end, HOST_OFF);
    assert_console("[bulkhead] off: one=4 two=0\n");
}

static void a_manager_that_starts_again_has_a_ring_of_its_own_to_be_told_in(void)
{
    start();
    call2(MANAGER, BH_CALL_POWER, BH_POWER_RESET, 0);
    assert_int_equal(machine_run_cpu(partitions.partition[MANAGER].cpu), HOST_GUEST);
    order_and_follow(BH_PARTITION_STOP);
    assert_int_equal(call1(MANAGER, BH_CALL_EVENT_RING, RING), BH_OK);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    expect_told(0, BH_PARTITION_RUNNING, 252);
}

static struct bh_query_calls calls_of(unsigned int asker, uint64_t index)
{
    struct bh_query_calls *calls = guest(asker, STRUCTURE);

    *calls = (struct bh_query_calls){ .size = sizeof(*calls) };
    assert_int_equal(call3(asker, BH_CALL_QUERY, BH_QUERY_CALLS, STRUCTURE, index), BH_OK);
    assert_int_equal(calls->size, sizeof(*calls));
    return *calls;
}

static void expect_record(const struct bh_query_calls *calls, unsigned int back, uint64_t call,
                          uint64_t first, uint64_t second, int64_t result)
{
    const struct bh_call_record *record = &calls->record[back];

    assert_int_equal(record->call, call);
    assert_int_equal(record->argument[0], first);
    assert_int_equal(record->argument[1], second);
    assert_int_equal(record->result, result);
}

static void the_last_calls_of_a_partition_are_there_for_itself_the_newest_first(void)
{
    start();
    struct bh_query_calls before = calls_of(WORKER, BH_PARTITION_SELF);

    expect_record(&before, 0, BH_CALL_QUERY, BH_QUERY_CALLS, STRUCTURE, BH_RECORD_OPEN);
    expect_record(&before, 1, BH_CALL_IOAS_MAP, ioas, IOVA, BH_OK);
    expect_record(&before, (unsigned int)before.recorded - 1, BH_RECORD_LIFE, 1, BH_END_NONE, 0);
    expect_record(&before, (unsigned int)before.recorded, 0, 0, 0, 0);
    assert_int_equal(call2(WORKER, BH_CALL_DETACH, DEVICE1_ID, 7), BH_EOPNOTSUPP);
    struct bh_query_calls after = calls_of(WORKER, BH_PARTITION_SELF);

    assert_int_equal(after.recorded, before.recorded + 2);
    expect_record(&after, 1, BH_CALL_DETACH, DEVICE1_ID, 7, BH_EOPNOTSUPP);
    expect_record(&after, 2, BH_CALL_QUERY, BH_QUERY_CALLS, STRUCTURE, BH_OK);
}

static void older_calls_than_the_ring_holds_are_overwritten_one_by_one(void)
{
    start();
    for (unsigned int i = 0; i < 2 * BH_RECORDS; i++)
        assert_int_equal(call2(WORKER, BH_CALL_FEATURES, i, i), i < BH_CALL_LIMIT ? BH_OK : -1);
    struct bh_query_calls calls = calls_of(WORKER, BH_PARTITION_SELF);

    for (unsigned int i = 1; i < BH_RECORDS; i++)
        expect_record(&calls, i, BH_CALL_FEATURES, 2 * BH_RECORDS - i, 2 * BH_RECORDS - i,
                      2 * BH_RECORDS - i < BH_CALL_LIMIT ? BH_OK : -1);
}

static void the_manager_reads_the_last_calls_of_one_that_is_off_and_of_its_former_lives(void)
{
    start();
    order_and_follow(BH_PARTITION_STOP);
    struct bh_query_calls calls = calls_of(MANAGER, WORKER);

    expect_record(&calls, 0, BH_CALL_IOAS_MAP, ioas, IOVA, BH_OK);
    assert_int_equal(order(BH_PARTITION_START), BH_OK);
    assert_int_equal(machine_run_cpu(partitions.partition[WORKER].cpu), HOST_GUEST);
    calls = calls_of(MANAGER, WORKER);
    expect_record(&calls, 0, BH_RECORD_LIFE, 2, BH_END_MANAGER, 252);
    expect_record(&calls, 1, BH_CALL_IOAS_MAP, ioas, IOVA, BH_OK);
    expect_record(&calls, (unsigned int)calls.recorded - 1, BH_RECORD_LIFE, 1, BH_END_NONE, 0);
}

static void a_call_that_never_returned_is_an_open_one(void)
{
    start();
    call2(WORKER, BH_CALL_POWER, BH_POWER_OFF, 5);
    struct bh_query_calls calls = calls_of(MANAGER, WORKER);

    expect_record(&calls, 0, BH_CALL_POWER, BH_POWER_OFF, 5, BH_RECORD_OPEN);
}

static void nobody_but_the_manager_reads_the_calls_of_another(void)
{
    start();
    for (uint64_t index = 0; index < 3; index++)
        assert_int_equal(call3(WORKER, BH_CALL_QUERY, BH_QUERY_CALLS, STRUCTURE, index), BH_EPERM);
    assert_int_equal(call3(MANAGER, BH_CALL_QUERY, BH_QUERY_CALLS, STRUCTURE, 2), BH_ENOENT);
}

int run_manager_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i6_a_stop_parks_the_devices_and_gives_them_back),
        TEST(i4_a_start_is_a_new_life_in_clean_memory),
        TEST(row_1_4_a_restart_ends_the_old_life_and_groups_keep_their_numbers),
        TEST(a_restart_of_one_that_is_off_is_a_start),
        TEST(refusals_are_as_documented_and_change_nothing),
        TEST(a_set_without_manager_has_nobody_who_orders),
        TEST(an_order_goes_before_what_the_partition_wants_itself),
        TEST(a_recall_without_an_order_lets_the_guest_go_on),
        TEST(the_manager_learns_why_a_partition_ended),
        TEST(a_payload_that_is_damaged_keeps_its_partition_off),
        TEST(i4_a_partition_whose_unit_died_is_not_started_again),
        TEST(the_machine_is_off_when_nobody_is_left_to_start_anybody),
        TEST(a_manager_that_starts_again_has_a_ring_of_its_own_to_be_told_in),
        TEST(the_last_calls_of_a_partition_are_there_for_itself_the_newest_first),
        TEST(older_calls_than_the_ring_holds_are_overwritten_one_by_one),
        TEST(the_manager_reads_the_last_calls_of_one_that_is_off_and_of_its_former_lives),
        TEST(a_call_that_never_returned_is_an_open_one),
        TEST(nobody_but_the_manager_reads_the_calls_of_another),
    };

    return RUN_GROUP("the manager of a set");
}
