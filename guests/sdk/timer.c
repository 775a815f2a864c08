/* SPDX-License-Identifier: Apache-2.0 */
#include "timer.h"

#include <stdbool.h>

#include "cpu.h"
#include "gic.h"

#define CNTV_CTL_ENABLE 1u

uint64_t timer_now(void)
{
    return cpu_counter();
}

uint64_t timer_frequency(void)
{
    return cpu_counter_frequency();
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
    cpu_timer_compare(deadline);
    cpu_timer_control(CNTV_CTL_ENABLE);
}

void timer_stop(void)
{
    cpu_timer_control(0);
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
    uintptr_t mask = cpu_interrupt_mask();

    if (!gic_init()) {
        timer_spin_ns(ns);
        return;
    }
    gic_mask();
    gic_enable_private(TIMER_INTID);

    /*
     * The interrupt is masked, not disabled: one that comes between the look at the counter and
     * the WFI stays pending, and WFI falls through. One taken early arms the timer again.
     */
    while (timer_now() < deadline) {
        timer_start(deadline);
        cpu_wait();
        take_pending();
    }
    timer_stop();
    take_pending();
    cpu_restore_interrupt_mask(mask);
}
