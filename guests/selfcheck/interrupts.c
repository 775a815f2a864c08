/* SPDX-License-Identifier: Apache-2.0 */
/* Time, and a program that is interrupted while it computes. */
#include <libfdt.h>
#include <string.h>

#include "common/check.h"
#include "common/gic_registers.h"
#include "sdk/bulkhead.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "selfcheck.h"

#define NAP_NS (5 * NS_PER_MS)
#define PERIOD_NS (200 * NS_PER_US)
#define INTERRUPTS 20u
#define LIMIT_NS (5 * NS_PER_SECOND)
#define TERMS 200

#define SHARED 80u /* no device's, nor the hypervisor's own */
#define SHARED_BIT (1u << SHARED % 32)

#define TREE_BYTES 0x4000
#define REG_CELLS 8 /* two ranges, of two cells the address and two the size */
#define DEAF_WORDS 16

static volatile unsigned int taken;
static volatile double disturbance;

/* Something that uses floating-point registers and general ones alike. */
static double compute(double step)
{
    double sum = 0.0, odd = 1.0, sign = 1.0;

    for (unsigned int i = 0; i < TERMS; i++) {
        sum += sign / odd;
        odd += step;
        sign = -sign;
    }
    return sum;
}

void bh_interrupt(void)
{
    uint32_t intid = gic_acknowledge();

    if (!sleep_takes(intid) && intid == TIMER_INTID) {
        taken++;
        disturbance = compute(3.0);
        if (taken < INTERRUPTS)
            timer_start(timer_now() + timer_ticks(PERIOD_NS));
        else
            timer_stop();
    }
    if (intid < GIC_INTID_LIMIT)
        gic_end(intid);
}

static void check_time(void)
{
    uint64_t before = timer_now();

    timer_sleep_ns(NAP_NS);
    check_true(timer_ns(timer_now() - before) >= NAP_NS, "a sleep is not short");
    before = timer_now();
    timer_spin_ns(PERIOD_NS);
    check_true(timer_ns(timer_now() - before) >= PERIOD_NS, "nor is a wait");
    check_equal(NS_PER_SECOND, timer_ns(timer_frequency()), "a second has its ticks");
}

/* One that nobody raises but this program, by the distributor. */
static void check_shared(void)
{
    int node = tree_find_compatible("arm,gic-v3");
    uint64_t distributor = 0, redistributor = 0, bytes;

    check_true(tree_reg(node, 0, &distributor, &bytes) && tree_reg(node, 1, &redistributor, &bytes),
               "the tree tells where the interrupt controller is");
    check_true(!tree_reg(node, 2, &bytes, &bytes) && !tree_reg(node, -1, &bytes, &bytes) &&
                   !tree_reg(node, INT32_MAX, &bytes, &bytes) && !tree_reg(-1, 0, &bytes, &bytes),
               "and nothing else");
    check_equal(GICD_BASE, distributor, "the distributor");
    check_equal(GICR_BASE, redistributor, "the redistributor");
    check_true(mmio_read64(GICR_TYPER) & GICR_TYPER_LAST, "a register of 64 bits");
    gic_enable_shared(SHARED);
    mmio_write32(GICD_ISPENDR(SHARED / 32), SHARED_BIT);
    check_equal(SHARED, gic_acknowledge(), "a shared interrupt comes");
    gic_end(SHARED);
    gic_disable_shared(SHARED);
    mmio_write32(GICD_ISPENDR(SHARED / 32), SHARED_BIT);
    check_true(gic_acknowledge() >= GIC_INTID_LIMIT, "it does not while it is disabled");
}

/* Memory in place of the registers: what is set there stays. */
int test_deaf(void)
{
    static _Alignas(sizeof(uint64_t)) unsigned char tree[TREE_BYTES];
    static uint32_t distributor[DEAF_WORDS], redistributor[DEAF_WORDS];
    fdt32_t reg[REG_CELLS] = { 0 };
    uint64_t before = timer_now();
    int node = tree_find_compatible("arm,gic-v3");

    memcpy(tree, bh_tree, fdt_totalsize(bh_tree));
    reg[1] = cpu_to_fdt32((uint32_t)bh_address(distributor));
    reg[5] = cpu_to_fdt32((uint32_t)bh_address(redistributor));
    check_status(0, fdt_setprop_inplace(tree, node, "reg", reg, sizeof(reg)), "a tree of my own");
    bh_tree = tree;
    redistributor[(GICR_WAKER - GICR_BASE) / sizeof(uint32_t)] = GICR_WAKER_ASLEEP;
    check_true(!gic_init(), "a controller that never wakes is not there");
    timer_sleep_ns(NAP_NS);
    check_true(timer_now() - before < timer_ticks(NS_PER_SECOND), "and is not waited for");
    return check_result();
}

int test_interrupts(void)
{
    double quiet = compute(2.0), other = compute(3.0);
    unsigned int wrong = 0;
    uint64_t deadline;

    check_time();
    check_true(gic_init(), "the interrupt controller is there");
    gic_enable_private(TIMER_INTID);
    deadline = timer_now() + timer_ticks(LIMIT_NS);
    timer_start(timer_now());
    gic_unmask();
    while (taken < INTERRUPTS && timer_now() < deadline) {
        double seen = compute(2.0);

        if (seen < quiet || seen > quiet)
            wrong++;
    }
    gic_mask();
    check_equal(INTERRUPTS, taken, "interrupts come");
    check_equal(0, wrong, "what was computed meanwhile is right");
    check_true(disturbance <= other && disturbance >= other, "and so is what handlers compute");
    timer_sleep_ns(NAP_NS);
    check_equal(INTERRUPTS, taken, "none comes while they are masked");
    check_shared();
    return check_result();
}
