/* SPDX-License-Identifier: Apache-2.0 */
/* A sleep ends its own interrupt and no other: handlers run meanwhile, and what is masked waits. */
#include "sdk/timer.h"

#include "common/check.h"
#include "common/edu.h"
#include "common/gic_registers.h"
#include "sdk/bulkhead.h"
#include "sdk/events.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/pci.h"
#include "selfcheck.h"

#define LABEL 0x51
#define SHARED 80u /* no device's, nor the hypervisor's own */
#define NAP_NS (5 * NS_PER_MS)
#define SLEEP_NS NS_PER_SECOND /* an edu's transfer, and its interrupt, come after 100 ms */
#define TRANSFER_BYTES 4

static struct edu edu;
static uint32_t line;
static volatile unsigned int line_count;
static volatile uint64_t line_time;

bool sleep_takes(uint32_t intid)
{
    if (line == 0 || intid != line)
        return false;
    edu_quieten(&edu);
    line_count++;
    line_time = timer_now();
    return true;
}

static void sleep(uint64_t ns)
{
    timer_sleep_ns(ns);
}

static void wait_for_event(uint64_t ns)
{
    struct bh_event event;

    check_true(!events_wait(&event, ns), "there is no event");
}

static bool pending(uint32_t intid)
{
    return mmio_read32(GICD_ISPENDR(intid / 32)) >> intid % 32 & 1;
}

/* An edge that nobody repeats. */
static void check_masked(void (*wait)(uint64_t ns))
{
    uint64_t before = timer_now();

    gic_enable_shared(SHARED);
    mmio_write32(GICD_ISPENDR(SHARED / 32), 1u << SHARED % 32);
    wait(NAP_NS);
    check_true(timer_now() - before >= timer_ticks(NAP_NS), "an interrupt does not end it");
    check_true(pending(SHARED), "nor is the interrupt lost");
    check_equal(SHARED, gic_acknowledge(), "it can be taken");
    gic_end(SHARED);
    check_true(gic_acknowledge() >= GIC_INTID_LIMIT, "and no other, the timer's neither");
    gic_disable_shared(SHARED);
}

/* A level: without a handler it would come again and again. */
static void check_handled(void (*wait)(uint64_t ns))
{
    uint64_t before = timer_now(), end = before + timer_ticks(SLEEP_NS);

    line_count = 0;
    check_true(edu_start_interrupting(&edu, EDU_FROM_MEMORY, 0, 0, TRANSFER_BYTES), "a transfer");
    gic_unmask();
    wait(SLEEP_NS);
    gic_mask();
    check_true(timer_now() >= end, "an interrupt that is taken does not end it either");
    check_equal(1, line_count, "the handler runs");
    check_true(line_time > before && line_time < end, "while it waits");
}

int test_sleep(void)
{
    struct bh_device_info device;

    check_true(gic_init(), "the interrupt controller is there");
    check_true(pci_find_id(EDU_VENDOR_DEVICE, &device), "an edu is on the list");
    check_status(BH_OK, bh_bind(device.device, LABEL), "bind");
    check_true(edu_init(&edu, pci_registers(device.device, 0)), "it answers");
    check_status(BH_OK, events_open(), "a ring");
    if (check_failed())
        return check_result();
    line = device.interrupt;
    gic_enable_shared(line);
    check_masked(sleep);
    check_masked(wait_for_event);
    check_handled(sleep);
    check_handled(wait_for_event);
    check_status(BH_OK, bh_device_unbind(device.device), "unbind");
    return check_result();
}
