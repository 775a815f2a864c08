/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time by the generic timer (Arm ARM DDI 0487 D12): the virtual counter, and the virtual timer's interrupt
 * to sleep on. The counter is good from the first instruction; the GIC is brought up by the first sleep.
 * Times in ns may be up to 2^63, which is 292 years.
 */
#ifndef BULKHEAD_SDK_TIMER_H
#define BULKHEAD_SDK_TIMER_H

#include <stdint.h>

#define TIMER_INTID 27 /* virtual timer, PPI 11 */

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

/* Virtual counter, in ticks; not before what stands before in the program. */
uint64_t timer_now(void);

/* Ticks a second. */
uint64_t timer_frequency(void);

/* Conversion; ticks are rounded up, so that a wait is never short. */
uint64_t timer_ticks(uint64_t ns);
uint64_t timer_ns(uint64_t ticks);

/* Arms the timer for an absolute count; its interrupt stays up until timer_stop(). */
void timer_start(uint64_t deadline);
void timer_stop(void);

/* Waits by looking at the counter. */
void timer_spin_ns(uint64_t ns);

/*
 * Waits that long, by WFI. Interrupts that the program has unmasked reach bh_interrupt() meanwhile; masked
 * ones stay pending, and one that is keeps the CPU awake. The timer is the sleeper's: what timer_start()
 * had armed is forgotten, and its interrupt is enabled afterwards. Spins when the tree has no GICv3.
 */
void timer_sleep_ns(uint64_t ns);

/*
 * The same until the counter's deadline or any enabled interrupt, whichever is first; for a program that
 * waits for something: it masks interrupts, looks, and dozes if there was nothing. Without a GICv3 it
 * returns at once.
 */
void timer_doze(uint64_t deadline);

#endif
