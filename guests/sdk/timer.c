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

/*
 * The timer's interrupt comes while masked alone, and is forgotten when it has woken: no handler of the
 * program sees it. It stays enabled, since that costs more than the sleep. All others stay as they are:
 * masked, one that is pending lets WFI fall through.
 */
void timer_doze(uint64_t deadline)
{
    uintptr_t mask = cpu_interrupt_mask();

    if (!gic_init())
        return;
    gic_mask();
    if (!gic_private_is_enabled(TIMER_INTID))
        gic_enable_private(TIMER_INTID);
    timer_start(deadline);
    cpu_wait();
    timer_stop();
    gic_clear_private(TIMER_INTID);
    cpu_restore_interrupt_mask(mask);
}

void timer_sleep_ns(uint64_t ns)
{
    uint64_t deadline = timer_now() + timer_ticks(ns);

    while (timer_now() < deadline)
        timer_doze(deadline);
}
