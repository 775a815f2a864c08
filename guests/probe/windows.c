/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Windows: two partitions with one called "link" between them, which both write and devices may reach. What one
 * says the other hears by the doorbell alone; what becomes of it when one of them ends, and begins anew.
 */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "common/edu.h"
#include "common/fault.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/timer.h"
#include "tests.h"

#define LABEL 0x71
#define IOVA 0x10000000u
#define ROUNDS 50
#define COME_NS (10 * NS_PER_SECOND)
#define MAY (BH_MAP_READ | BH_MAP_WRITE)
#define PATTERN 0x600DF00Du
#define FIRST_LIFE 1 /* changes of a window whose sides began together */
#define REPLY 0x100  /* where in the window the second side answers */

static struct bh_query_window window;

/* By device accesses: the SDK maps memory alone as memory. */
static void put(uint32_t offset, uint32_t value)
{
    mmio_write32((uintptr_t)window.address + offset, value);
}

static uint32_t get(uint32_t offset)
{
    return mmio_read32((uintptr_t)window.address + offset);
}

static bool is_zero(void)
{
    uint32_t all = 0;

    for (uint32_t offset = 0; offset < window.bytes; offset += sizeof(all))
        all |= get(offset);
    return all == 0;
}

static bool begin(void)
{
    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    check_status(BH_OK, bh_query_window(0, &window), "query of the window");
    check_true((window.rights & BH_WINDOW_WRITE) != 0, "it may be written");
    if (!check_failed())
        gic_enable_shared(window.interrupt);
    return !check_failed();
}

/* The doorbell, within so long. */
static bool heard(void)
{
    uint64_t end = timer_now() + timer_ticks(COME_NS);
    uint32_t intid = gic_acknowledge();

    while (intid >= GIC_INTID_LIMIT && timer_now() < end)
        intid = gic_acknowledge();
    if (intid < GIC_INTID_LIMIT)
        gic_end(intid);
    return intid == window.interrupt;
}

/* Rings until the other side runs. */
static int64_t ring(void)
{
    uint64_t end = timer_now() + timer_ticks(COME_NS);
    int64_t result = bh_notify(0);

    while (result == BH_EAGAIN && timer_now() < end) {
        timer_sleep_ns(NS_PER_MS);
        result = bh_notify(0);
    }
    return result;
}

int test_window_ask(void)
{
    if (!begin())
        return check_result();
    check_equal(BH_WINDOW_CONNECTED, window.state, "both live");
    check_true(is_zero(), "it begins as zeros");
    for (uint32_t round = 1; round <= ROUNDS && !check_failed(); round++) {
        put(0, round);
        check_status(BH_OK, ring(), "notify");
        check_true(heard(), "the answer's doorbell comes");
        check_equal(~round, get(REPLY), "the answer is to this");
    }
    check_status(BH_OK, ring(), "the last answer has been read");
    return check_result();
}

int test_window_answer(void)
{
    if (!begin())
        return check_result();
    for (uint32_t round = 1; round <= ROUNDS && !check_failed(); round++) {
        check_true(heard(), "the doorbell comes");
        check_equal(round, get(0), "with what was written before it");
        put(REPLY, ~get(0));
        check_status(BH_OK, ring(), "notify");
    }
    check_true(heard(), "the last answer has been read"); /* it would go with this partition */
    return check_result();
}

int test_window_trespass(void)
{
    check_status(BH_OK, bh_query_window(0, &window), "query of the window");
    check_equal(0, window.rights & BH_WINDOW_WRITE, "it may only be read");
    check_equal(0, get(0), "it is read");
    if (check_failed())
        return check_result();
    put(0, PATTERN);
    check_true(false, "the write ends this partition");
    return check_result();
}

/* Waits for the other's word, leaves a pattern everywhere, and is gone; or, in another life, finds none of it. */
static bool leave_pattern(void)
{
    if (!begin())
        return false;
    check_true(heard(), "the doorbell comes");
    for (uint32_t offset = 0; offset < window.bytes; offset += sizeof(uint32_t))
        put(offset, PATTERN);
    return !check_failed();
}

int test_window_end(void)
{
    leave_pattern();
    return check_result();
}

int test_window_again(void)
{
    check_status(BH_OK, bh_query_window(0, &window), "query of the window");
    if (window.changes == FIRST_LIFE) {
        if (leave_pattern())
            bh_power(BH_POWER_RESET, 0);
        return check_result();
    }
    if (!begin())
        return check_result();
    check_equal(BH_WINDOW_CONNECTED, window.state, "both live again");
    check_true(is_zero(), "nothing of the former life is there");
    put(REPLY, PATTERN);
    check_status(BH_OK, ring(), "notify");
    check_true(heard(), "the survivor's device has written");
    check_equal(PATTERN, get(0), "what it was to write");
    return check_result();
}

struct survivor {
    struct edu edu;
    uint32_t device, ioas;
};

/* The edu takes the word that the window holds at REPLY. */
static bool prepare(struct survivor *self)
{
    struct bh_device_info info;
    uint32_t index;

    if (!begin())
        return false;
    check_true(find_edu(&index, &info), "an edu is on the list");
    check_status(BH_OK, bh_bind(info.device, LABEL), "bind");
    self->device = info.device;
    self->ioas = (uint32_t)bh_ioas_alloc_paging(info.device, BH_IOAS_NONE);
    check_status(BH_OK, bh_attach(info.device, BH_PASID_NONE, self->ioas), "attach");
    check_true(!check_failed() && edu_init(&self->edu, (uintptr_t)info.bar[0].address),
               "the edu answers");
    check_status(BH_OK, bh_map(self->ioas, IOVA, window.address, window.bytes, MAY, NULL),
                 "the window is mapped for it");
    put(REPLY, PATTERN);
    check_true(edu_transfer(&self->edu, EDU_FROM_MEMORY, IOVA + REPLY, 0, sizeof(uint32_t)) &&
                   edu_transfer(&self->edu, EDU_TO_MEMORY, IOVA, 0, sizeof(uint32_t)),
               "it copies within the window");
    check_equal(PATTERN, get(0), "and what it copied is there");
    return !check_failed();
}

/* Its device is blocked, by a record of it. */
static void check_blocked(const struct survivor *self)
{
    uint64_t before = fault_of(self->device).count;
    struct bh_query_fault fault;

    edu_transfer(&self->edu, EDU_TO_MEMORY, IOVA, 0, sizeof(uint32_t));
    check_true(fault_wait(self->device, before, FAULT_LIMIT_NS, &fault) &&
                   fault_fits(&fault, IOVA, BH_ACCESS_WRITE, BH_CAUSE_TRANSLATION),
               "the device is blocked where the window was");
}

static uint64_t changes(void)
{
    check_status(BH_OK, bh_query_window(0, &window), "query of the window");
    return window.changes;
}

int test_window_survive(void)
{
    struct survivor self;

    if (!prepare(&self))
        return check_result();
    check_status(BH_OK, ring(), "notify");
    check_true(heard(), "the doorbell tells of the other's end");
    check_equal(FIRST_LIFE + 1, changes(), "it was withdrawn");
    check_equal(BH_WINDOW_WITHDRAWN, window.state, "and so it is");
    check_true(is_zero(), "there is memory of my own, all zero");
    check_blocked(&self);
    check_true(is_zero(), "nothing came from the device");
    put(0, 1); /* its own, and no fault */
    check_equal(1, get(0), "it is memory");
    check_status(BH_EAGAIN, bh_notify(0), "nobody is there to be rung");
    check_status(BH_ERANGE, bh_map(self.ioas, IOVA, window.address, window.bytes, MAY, NULL),
                 "nothing is there to be mapped");
    return check_result();
}

int test_window_outlive(void)
{
    struct survivor self;

    if (!prepare(&self))
        return check_result();
    check_status(BH_OK, ring(), "notify");
    while (!check_failed() && changes() < FIRST_LIFE + 2)
        check_true(heard(), "the doorbell tells of each change");
    while (!check_failed() && get(REPLY) != PATTERN)
        check_true(heard(), "the new life rings");
    check_equal(0, get(0), "nothing but its word is there");
    check_blocked(&self);
    check_equal(0, get(0), "nothing came from the device");
    check_status(BH_OK, bh_map(self.ioas, IOVA, window.address, window.bytes, MAY, NULL),
                 "the window of the new life is mapped");
    check_true(edu_transfer(&self.edu, EDU_TO_MEMORY, IOVA, 0, sizeof(uint32_t)), "a transfer");
    check_equal(PATTERN, get(0), "the device reaches it");
    check_status(BH_OK, ring(), "notify");
    return check_result();
}
