/* SPDX-License-Identifier: Apache-2.0 */
/* What a set answers to trouble of a partition: a crash, a device that storms, a unit that fails (kernel/lifecycle.c,
 * fault.c; docs/configuration.md). */
#include "groups.h"
#include "kernel/lifecycle.h"
#include "machine.h"
#include "observer.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define STORM 5000 /* faults of one second: more than a device has */

enum { TROUBLED, MANAGER };

static struct partition_spec *prepare(void)
{
    machine_plain();
    struct partition_spec *manager = machine_partition("two");

    manager->pci[0] = DEVICE1_NAME;
    manager->manager = true;
    return &machine.partition[TROUBLED];
}

static void begin(void)
{
    uint64_t ioas;

    observer_start();
    machine_boot();
    ioas = bind_and_attach(TROUBLED, DEVICE1_ID, 1);
    assert_int_equal(map(TROUBLED, ioas, IOVA, BASE + 0x3000, PAGE_SIZE), BH_OK);
}

static void run_crash(void *unused)
{
    (void)unused;
    host_guest_ops->crash(&partitions.partition[TROUBLED].vcpu, "read what is not its own", 0x666);
}

static void crash(void)
{
    host_cpu = partitions.partition[TROUBLED].cpu;
    assert_int_equal(host_run(run_crash, NULL), HOST_IDLE);
}

static bool starts_again(void)
{
    enum host_end end;

    return host_run_work(partitions.partition[TROUBLED].cpu, &end) && end == HOST_GUEST;
}

static void expect_off(uint32_t code, uint32_t cause)
{
    struct bh_query_partition seen = query_partition(MANAGER, TROUBLED);

    assert_int_equal(seen.state, BH_PARTITION_OFF);
    assert_int_equal(seen.exit_code, code);
    assert_int_equal(seen.cause, cause);
}

/* The event queue of the unit overflows with what the device does. */
static void storm(void)
{
    uint64_t value = 0;

    machine.masked = true;
    for (unsigned int i = 0; i < STORM; i++)
        smmuv3_model_dma(machine.unit[0], 0x100, 0x900000, &value, sizeof(value), true);
    machine.masked = false;
    machine_interrupts();
}

static void fail_unit(void)
{
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    assert_int_equal(call2(TROUBLED, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_ETIMEDOUT);
}

static void a_partition_that_crashes_is_started_again_as_often_as_its_set_says(void)
{
    struct partition_spec *spec = prepare();

    spec->on_crash = "restart";
    spec->restarts = 1 + 2;
    begin();
    crash();
    assert_true(starts_again());
    assert_int_equal(query_partition(MANAGER, TROUBLED).cause, BH_END_CRASH);
    assert_int_equal(query_partition(MANAGER, TROUBLED).exit_code, 254);
    crash();
    assert_true(starts_again());
    crash();
    assert_false(starts_again());
    expect_off(254, BH_END_CRASH);
    /* The manager's own starts are not counted. */
    assert_int_equal(call2(MANAGER, BH_CALL_PARTITION_CONTROL, TROUBLED, BH_PARTITION_START),
                     BH_OK);
    assert_true(starts_again());
    crash();
    assert_false(starts_again());
}

static void a_set_that_says_nothing_stops_what_crashes_and_lets_the_rest_go_on(void)
{
    prepare();
    begin();
    storm();
    assert_int_equal(query_state(TROUBLED, DEVICE1_ID).stream_silent, 1);
    fail_unit();
    assert_false(machine_recall(TROUBLED));
    crash();
    assert_false(starts_again());
    expect_off(254, BH_END_CRASH);
}

static void a_storm_ends_the_partition_where_its_set_says_so(void)
{
    prepare()->on_storm = "stop";
    begin();
    storm();
    assert_true(machine_recall(TROUBLED));
    assert_int_equal(machine.end, HOST_IDLE);
    expect_off(252, BH_END_STORM);
    assert_int_equal(dma_write(DEVICE1, IOVA, 0xBAD), DMA_NOT_MASTERING);
}

static void a_storm_restarts_the_partition_where_its_set_says_so(void)
{
    prepare()->on_storm = "restart";
    begin();
    storm();
    assert_true(machine_recall(TROUBLED));
    assert_true(starts_again());
    assert_int_equal(query_partition(MANAGER, TROUBLED).cause, BH_END_STORM);
    assert_false(machine_recall(TROUBLED));
}

static void a_unit_that_fails_ends_the_partitions_whose_set_says_so(void)
{
    prepare()->on_unit_failure = "stop";
    begin();
    fail_unit();
    assert_false(machine_recall(MANAGER));
    assert_true(machine_recall(TROUBLED));
    expect_off(252, BH_END_UNIT);
}

static void i4_nobody_restarts_in_memory_that_a_failed_unit_may_still_reach(void)
{
    prepare()->on_unit_failure = "restart";
    begin();
    fail_unit();
    assert_true(machine_recall(TROUBLED));
    assert_false(starts_again());
    expect_off(254, BH_END_UNIT);
    assert_console("its memory is not used again");
}

static void in_the_safe_state_every_partition_stops_and_the_machine_is_off(void)
{
    prepare()->on_crash = "safe-state";
    begin();
    crash();
    assert_console("safe state: all partitions stop");
    assert_false(starts_again());
    assert_true(machine_recall(MANAGER));
    assert_int_equal(machine.end, HOST_OFF);
    assert_console("[bulkhead] off: one=254 two=252\n");
}

static unsigned int times_said(const char *text)
{
    unsigned int times = 0;

    for (const char *at = strstr(machine.console, text); at != NULL; at = strstr(at + 1, text))
        times++;
    return times;
}

static void the_safe_state_is_entered_once_whoever_else_is_in_trouble(void)
{
    prepare()->on_crash = "safe-state";
    machine.partition[MANAGER].on_crash = "safe-state";
    begin();
    crash();
    lifecycle_answer(&partitions.partition[MANAGER], TROUBLE_CRASH);
    assert_false(starts_again());
    assert_true(machine_recall(MANAGER));
    assert_int_equal(machine.end, HOST_OFF);
    assert_int_equal(times_said("safe state: all partitions stop"), 1);
}

static void what_is_being_loaded_when_the_safe_state_comes_never_runs(void)
{
    prepare();
    machine.partition[MANAGER].on_crash = "safe-state";
    begin();
    assert_int_equal(call2(MANAGER, BH_CALL_PARTITION_CONTROL, TROUBLED, BH_PARTITION_RESTART),
                     BH_OK);
    assert_true(machine_recall(TROUBLED));
    /* Somebody's trouble, while it is between its lives. */
    lifecycle_answer(&partitions.partition[MANAGER], TROUBLE_CRASH);
    assert_false(starts_again());
    expect_off(252, BH_END_SAFE_STATE);
    assert_int_equal(call2(MANAGER, BH_CALL_PARTITION_CONTROL, TROUBLED, BH_PARTITION_START),
                     BH_EOPNOTSUPP);
}

static void a_crash_tells_the_last_calls_and_no_more_of_them(void)
{
    prepare()->on_crash = "restart";
    machine.partition[TROUBLED].restarts = 1 + 1;
    begin();
    for (unsigned int i = 0; i < 9; i++)
        assert_int_equal(call2(TROUBLED, BH_CALL_FEATURES, i, 0x77), BH_OK);
    assert_int_equal(call2(TROUBLED, BH_CALL_DETACH, 0xABC, BH_PASID_NONE), BH_ENOENT);
    crash();
    assert_console("one: call 11(0xabc, 0xffffffff): -2\n");
    assert_console("one: call 1(0x8, 0x77): 0\n");
    assert_console("one: call 1(0x6, 0x77): 0\n");
    assert_int_equal(times_said("one: call "), 4);
    /* Those of a former life were told when it ended. */
    assert_true(starts_again());
    assert_int_equal(call0(TROUBLED, BH_CALL_YIELD), BH_OK);
    crash();
    assert_console("one: call 27(");
    assert_int_equal(times_said("one: call "), 5);
}

int run_health_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_partition_that_crashes_is_started_again_as_often_as_its_set_says),
        TEST(a_set_that_says_nothing_stops_what_crashes_and_lets_the_rest_go_on),
        TEST(a_storm_ends_the_partition_where_its_set_says_so),
        TEST(a_storm_restarts_the_partition_where_its_set_says_so),
        TEST(a_unit_that_fails_ends_the_partitions_whose_set_says_so),
        TEST(i4_nobody_restarts_in_memory_that_a_failed_unit_may_still_reach),
        TEST(in_the_safe_state_every_partition_stops_and_the_machine_is_off),
        TEST(the_safe_state_is_entered_once_whoever_else_is_in_trouble),
        TEST(what_is_being_loaded_when_the_safe_state_comes_never_runs),
        TEST(a_crash_tells_the_last_calls_and_no_more_of_them),
    };

    return RUN_GROUP("health of partitions");
}
