/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manager of a set, which stops and starts the first partition of it: what it is told, and that nothing of its own
 * memory changes meanwhile, whatever the other one's device does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/edu.h"
#include "sdk/bulkhead.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define OTHER 0
#define STOPPED 252
#define COME_NS (20 * NS_PER_SECOND)
#define WITNESS_WORDS 0x20000
#define WITNESS(word) (UINT64_C(0x5717E55000000000) | (word))

static uint64_t witness[WITNESS_WORDS];

/* Until it has begun so many lives, or is off. */
static bool comes(uint32_t state, uint32_t starts, struct bh_query_partition *seen)
{
    uint64_t end = timer_now() + timer_ticks(COME_NS);

    do {
        check_status(BH_OK, bh_query_partition(OTHER, seen), "query of the partition");
        if (seen->state == state && seen->starts == starts)
            return true;
        timer_sleep_ns(NS_PER_MS);
    } while (timer_now() < end && !check_failed());
    return false;
}

static uint32_t own_index(void)
{
    struct bh_partition_info self;
    struct bh_query_partition seen;
    uint32_t own = 0;

    check_status(BH_OK, bh_partition_info(&self), "partition_info");
    while (bh_query_partition(own, &seen) == BH_OK && strcmp(seen.name, self.name) != 0)
        own++;
    return own;
}

static void expect_refusals(void)
{
    struct bh_query_partition seen;
    uint32_t own = own_index();

    check_status(BH_EINVAL, bh_partition_control(own, BH_PARTITION_STOP), "the manager itself");
    while (bh_query_partition(own, &seen) == BH_OK)
        own++;
    check_status(BH_ENOENT, bh_partition_control(own, BH_PARTITION_STOP), "one behind the last");
    check_status(BH_EINVAL, bh_partition_control(OTHER, BH_PARTITION_RESTART + 1), "no action");
    check_status(BH_EEXIST, bh_partition_control(OTHER, BH_PARTITION_START), "it runs");
}

static void stop_and_start(void)
{
    struct bh_query_partition seen;

    check_status(BH_OK, bh_partition_control(OTHER, BH_PARTITION_STOP), "stop");
    check_true(comes(BH_PARTITION_OFF, 1, &seen), "it is off");
    check_equal(STOPPED, seen.exit_code, "its code");
    check_equal(BH_END_MANAGER, seen.cause, "its cause");
    check_status(BH_EEXIST, bh_partition_control(OTHER, BH_PARTITION_STOP),
                 "stop of one that is off");
    check_status(BH_OK, bh_partition_control(OTHER, BH_PARTITION_START), "start");
    check_true(comes(BH_PARTITION_RUNNING, 2, &seen), "it runs again");
}

int test_manage(void)
{
    struct bh_query_partition seen;
    uint64_t rounds = 2, wait_ms = 20;

    tree_bootarg_number("rounds", &rounds);
    tree_bootarg_number("wait-ms", &wait_ms);
    for (uint64_t i = 0; i < WITNESS_WORDS; i++)
        witness[i] = WITNESS(i);
    check_true(comes(BH_PARTITION_RUNNING, 1, &seen), "it runs");
    expect_refusals();
    timer_sleep_ns(wait_ms * NS_PER_MS);
    stop_and_start();
    for (uint32_t round = 0; round < rounds && !check_failed(); round++) {
        timer_sleep_ns(wait_ms * NS_PER_MS);
        check_status(BH_OK, bh_partition_control(OTHER, BH_PARTITION_RESTART), "restart");
        check_true(comes(BH_PARTITION_RUNNING, 3 + round, &seen), "it has restarted");
    }
    check_status(BH_OK, bh_partition_control(OTHER, BH_PARTITION_STOP), "the last stop");
    check_true(comes(BH_PARTITION_OFF, 2 + (uint32_t)rounds, &seen), "it is off");
    for (uint64_t i = 0; i < WITNESS_WORDS; i++)
        check_equal(WITNESS(i), witness[i], "a word of the manager's own");
    return check_result();
}

/* Again until it is through, at most so long. */
static int64_t give(uint32_t device, uint32_t to)
{
    uint64_t end = timer_now() + timer_ticks(COME_NS), wait;
    int64_t status;

    while ((status = bh_device_give(device, to, &wait)) == BH_EAGAIN && timer_now() < end)
        timer_sleep_ns(wait);
    return status;
}

static bool other_has(uint32_t device)
{
    uint64_t end = timer_now() + timer_ticks(COME_NS);
    struct bh_query_state state;

    do {
        check_status(BH_OK, bh_query_state(device, &state), "query of the device");
        timer_sleep_ns(NS_PER_MS);
    } while (state.owner != BH_OWNER_OTHER && timer_now() < end && !check_failed());
    return state.owner == BH_OWNER_OTHER;
}

int test_give(void)
{
    struct bh_query_partition seen;
    struct bh_device_info info;
    struct edu edu;
    uint32_t index;

    check_true(find_edu(&index, &info), "an edu is on the list");
    check_true(comes(BH_PARTITION_RUNNING, 1, &seen), "the other runs");
    check_true(!check_failed() && other_has(info.device), "it has the device");
    timer_sleep_ns(500 * NS_PER_MS); /* it hammers by now */
    check_status(BH_EPERM, bh_bind(info.device, 1), "bind of what another has");
    check_status(BH_OK, give(info.device, own_index()), "give");
    /* The other one met the hole where the registers were. */
    check_true(comes(BH_PARTITION_OFF, 1, &seen), "it is off");
    check_equal(BH_END_CRASH, seen.cause, "it crashed");
    check_status(BH_OK, bh_bind(info.device, 1), "bind of what was given");
    check_status(BH_OK, bh_device_info(index, &info), "device_info");
    check_true(!check_failed() && edu_init(&edu, info.bar[0].address), "the edu answers");
    return check_result();
}
