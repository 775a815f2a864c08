/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviours that leave the interrupt controller in states that no tidy program would. */
#include <inttypes.h>
#include <stdio.h>

#include "common/check.h"
#include "common/gic_registers.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/psci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define ALL_SGIS 0xFFFFu

#define SGI_COUNT 12 /* more than an emulated CPU has list registers */
#define SGI_INTID_SHIFT 24
#define SOON_NS NS_PER_MS
#define LATE_NS (200 * NS_PER_MS)
#define PAUSE_NS (20 * NS_PER_MS)
#define FIRST_LIFE_MS 1500

static uint64_t machine_ms(void)
{
    uint64_t ticks;

    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks));
    return timer_ns(ticks) / NS_PER_MS;
}

static void send_to_self(uint64_t intid)
{
    __asm__ volatile("msr S3_0_C12_C11_5, %0\n\tisb" : : "r"(intid << SGI_INTID_SHIFT | 1));
}

/* One timer interrupt, taken by polling. */
static bool timer_comes(void)
{
    uint64_t end = timer_now() + timer_ticks(LATE_NS);
    bool came = false;

    gic_enable_private(TIMER_INTID);
    timer_start(timer_now() + timer_ticks(SOON_NS));
    while (!came && timer_now() < end) {
        uint32_t intid = gic_acknowledge();

        came = intid == TIMER_INTID;
        if (intid < GIC_INTID_LIMIT) {
            timer_stop();
            gic_end(intid);
        }
    }
    timer_stop();
    return came;
}

/* The timer fires while the distributor forwards nothing. */
static void leave_timer_waiting(void)
{
    mmio_write32(GICD_CTLR, 0);
    gic_enable_private(TIMER_INTID);
    timer_start(timer_now() + timer_ticks(SOON_NS));
    timer_spin_ns(PAUSE_NS);
    timer_stop();
}

/* The software-generated interrupts that come now, a bit each; all are ended. */
static uint32_t take_sgis(void)
{
    uint32_t taken = 0;

    for (uint32_t intid = gic_acknowledge(); intid < GIC_INTID_LIMIT; intid = gic_acknowledge()) {
        check_true(intid < SGI_COUNT && !(taken >> intid & 1), "one that was sent, and not twice");
        taken |= 1u << intid % SGI_COUNT;
        gic_end(intid);
    }
    return taken;
}

int test_interrupts(void)
{
    uint32_t stopped, started;

    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    check_true(timer_comes(), "the timer's interrupt comes");

    /* More than there are list registers, then no forwarding: the hypervisor must not wait for room. */
    mmio_write32(GICR_IGROUPR0, ~0u);
    mmio_write32(GICR_ISENABLER0, ALL_SGIS);
    for (uint64_t intid = 0; intid < SGI_COUNT; intid++)
        send_to_self(intid);
    mmio_write32(GICD_CTLR, 0);
    stopped = take_sgis();
    timer_spin_ns(PAUSE_NS);
    check_equal(0, take_sgis(), "nothing comes behind that while nothing is forwarded");
    mmio_write32(GICD_CTLR, GICD_CTLR_ON);
    started = take_sgis();
    printf("forwarding stopped: 0x%" PRIx32 " came, started: 0x%" PRIx32 "\n", stopped, started);
    check_equal(0, stopped & started, "none comes twice");
    check_equal((1u << SGI_COUNT) - 1, stopped | started, "and none is lost");

    leave_timer_waiting();
    mmio_write32(GICR_ICPENDR0, 1u << TIMER_INTID);
    mmio_write32(GICD_CTLR, GICD_CTLR_ON);
    check_true(timer_comes(), "the timer's interrupt comes after ICPENDR");
    return check_result();
}

int test_timer_left(void)
{
    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    if (machine_ms() < FIRST_LIFE_MS) {
        leave_timer_waiting();
        printf("reset with the timer's interrupt waiting\n");
        while (machine_ms() < FIRST_LIFE_MS)
            timer_spin_ns(PAUSE_NS);
        psci_system_reset();
    }
    check_true(timer_comes(), "the timer's interrupt comes in the next life");
    return check_result();
}

/* ---- More interrupts than list registers ------------------------------------------------------ */

#define FIRST 64 /* of the interrupts used here; a word of them */
#define COUNT 20
#define PRIORITY_STEP 8

static void set_split(bool split)
{
    __asm__ volatile("msr icc_ctlr_el1, %0\n\tisb" : : "r"((uint64_t)split << 1));
}

static void deactivate(uint64_t intid)
{
    __asm__ volatile("msr icc_dir_el1, %0\n\tisb" : : "r"(intid) : "memory");
}

static uint32_t active(void)
{
    return mmio_read32(GICD_ISACTIVER(FIRST / 32));
}

/* The n-th is n steps more urgent than the first, or all are alike. */
static void set_priorities(bool rising)
{
    for (uint32_t i = 0; i < COUNT; i += 4) {
        uint32_t word = 0;

        for (uint32_t n = 0; n < 4; n++)
            word |= (0xA8 - (rising ? (i + n) * PRIORITY_STEP : 0)) << n * 8;
        mmio_write32(GICD_IPRIORITYR(FIRST + i), word);
    }
}

static void pend(uint32_t n)
{
    mmio_write32(GICD_ISPENDR(FIRST / 32), 1u << n);
}

/* Ends are counted: nobody says of which. */
static void check_nested(void)
{
    set_priorities(true);
    for (uint32_t i = 0; i < COUNT; i++) {
        pend(i);
        check_equal(FIRST + i, gic_acknowledge(), "a more urgent interrupt comes at once");
    }
    check_equal((1u << COUNT) - 1, active(), "all of them are active");
    for (uint32_t i = COUNT; i-- > 0;) {
        gic_end(FIRST + i);
        check_equal((1u << i) - 1, active(), "the last one taken is ended");
    }
}

static void check_order(void)
{
    set_priorities(true);
    mmio_write32(GICD_ISPENDR(FIRST / 32), (1u << COUNT) - 1);
    for (uint32_t i = COUNT; i-- > 0;) {
        check_equal(FIRST + i, gic_acknowledge(), "the most urgent comes first");
        gic_end(FIRST + i);
    }
    check_true(gic_acknowledge() >= GIC_INTID_LIMIT, "there are no more");
}

/* Deactivation names its interrupt, in any order. */
static void check_split(void)
{
    uint32_t expected = 0;

    set_priorities(false);
    set_split(true);
    for (uint32_t i = 0; i < COUNT; i++) {
        pend(i);
        check_equal(FIRST + i, gic_acknowledge(), "an interrupt comes while others are active");
        gic_end(FIRST + i);
        expected |= 1u << i;
        check_equal(expected, active(), "an end leaves it active");
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t n = i * 7 % COUNT;

        deactivate(FIRST + n);
        expected &= ~(1u << n);
        check_equal(expected, active(), "the one that is named is deactivated");
    }
    set_split(false);
}

int test_gic(void)
{
    check_true(gic_init(), "the interrupt controller is there");
    gic_mask();
    check_equal(2, mmio_read32(GICD_TYPER) & 0x1F, "shared interrupts 32 to 95");
    mmio_write32(GICD_ISENABLER(FIRST / 32), (1u << COUNT) - 1);
    check_nested();
    check_order();
    check_split();
    mmio_write64(GICD_IROUTER(FIRST), 1);
    pend(0);
    check_true(gic_acknowledge() >= GIC_INTID_LIMIT, "routed elsewhere, it does not come");
    mmio_write64(GICD_IROUTER(FIRST), 0);
    check_equal(FIRST, gic_acknowledge(), "routed here, it comes");
    gic_end(FIRST);
    return check_result();
}
