/* SPDX-License-Identifier: Apache-2.0 */
#include "timer.h"

#include <stdbool.h>

#include "gic.h"

#define CNTV_CTL_ENABLE 1ull

uint64_t timer_now(void)
{
    uint64_t count;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count) : : "memory");
    return count;
}

uint64_t timer_frequency(void)
{
    uint64_t hertz;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hertz));
    return hertz;
}

/* Seconds and rest apart: no product leaves 64 bits below 18 GHz. */
uint64_t timer_ticks(uint64_t ns)
{
    uint64_t hertz = timer_frequency();

    return ns / NS_PER_SECOND * hertz +
           (ns % NS_PER_SECOND * hertz + NS_PER_SECOND - 1) / NS_PER_SECOND;
}

uint64_t timer_ns(uint64_t ticks)
{
    uint64_t hertz = timer_frequency();

    return ticks / hertz * NS_PER_SECOND + ticks % hertz * NS_PER_SECOND / hertz;
}

void timer_start(uint64_t deadline)
{
    __asm__ volatile("msr cntv_cval_el0, %0\n\t"
                     "msr cntv_ctl_el0, %1\n\t"
                     "isb"
                     :
                     : "r"(deadline), "r"(CNTV_CTL_ENABLE)
                     : "memory");
}

void timer_stop(void)
{
    __asm__ volatile("msr cntv_ctl_el0, xzr\n\tisb" : : : "memory");
}

void timer_spin_ns(uint64_t ns)
{
    uint64_t deadline = timer_now() + timer_ticks(ns);

    while (timer_now() < deadline)
        ;
}

/* Takes whatever is pending, so that it does not keep the next WFI from waiting. */
static void take_pending(void)
{
    uint32_t intid = gic_acknowledge();

    if (intid >= GIC_INTID_LIMIT)
        return;
    if (intid == TIMER_INTID)
        timer_stop();
    gic_end(intid);
}

void timer_sleep_ns(uint64_t ns)
{
    uint64_t deadline = timer_now() + timer_ticks(ns);
    uint64_t daif;

    if (!gic_init()) {
        timer_spin_ns(ns);
        return;
    }
    __asm__ volatile("mrs %0, daif" : "=r"(daif));
    gic_mask();
    gic_enable_private(TIMER_INTID);

    /*
     * The interrupt is masked, not disabled: one that comes between the look at the counter and
     * the WFI stays pending, and WFI falls through. One taken early arms the timer again.
     */
    while (timer_now() < deadline) {
        timer_start(deadline);
        __asm__ volatile("dsb sy\n\twfi" : : : "memory");
        take_pending();
    }
    timer_stop();
    take_pending();
    __asm__ volatile("msr daif, %0\n\tisb" : : "r"(daif) : "memory");
}
