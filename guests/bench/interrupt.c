/* SPDX-License-Identifier: Apache-2.0 */
/* The way of an interrupt. */
#include "bench.h"
#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/gic.h"
#include "sdk/timer.h"

#define LEAD_NS (20 * NS_PER_US) /* from arming the timer to its line */
#define PROLOGUE 1               /* instructions of the handler before its reading */

extern const char bench_vectors[];
extern volatile uint64_t bench_arrival;

/* From the compare value, at which the line rises, to the first instruction of the handler. */
void bench_interrupt(void)
{
    static struct row row;
    uint64_t vectors;

    if (!gic_init()) {
        report_expect("interrupt", BH_ENOENT, BH_OK);
        return;
    }
    gic_mask();
    gic_enable_private(TIMER_INTID);
    __asm__ volatile("mrs %0, vbar_el1" : "=r"(vectors));
    __asm__ volatile("msr vbar_el1, %0\n\tisb" : : "r"(bench_vectors) : "memory");
    row_begin(&row, "interrupt");
    for (uint32_t i = report_repetitions(); i > 0; i--) {
        uint64_t deadline = timer_now() + timer_ticks(LEAD_NS);

        bench_arrival = 0;
        gic_unmask();
        timer_start(deadline);
        while (bench_arrival == 0)
            ;
        gic_mask();
        /* The row's samples have two readings subtracted; this one has none. */
        row_add(&row, bench_arrival - deadline - PROLOGUE + rows_reading());
    }
    __asm__ volatile("msr vbar_el1, %0\n\tisb" : : "r"(vectors) : "memory");
    row_print(&row);
}
