/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do next to nothing, and the way of an interrupt. */
#include "bench.h"

#include <string.h>

#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/gic.h"
#include "sdk/psci.h"
#include "sdk/timer.h"

#define CALL(number) (BH_FUNCTION_BASE | (uint64_t)(number))
#define PSCI_VERSION_EXPECTED 0x10001 /* 1.1 */
#define CONSOLE_BYTES 64
#define CONSOLE_PAUSE_NS NS_PER_MS /* until the line is out */
#define LEAD_NS (20 * NS_PER_US)   /* from arming the timer to its line */
#define PROLOGUE 1                 /* instructions of the handler before its reading */

extern const char bench_vectors[];
extern volatile uint64_t bench_arrival;

static void bench_console(void)
{
    static char text[CONSOLE_BYTES];
    static struct row row;
    const struct call call = { .name = "console-64",
                               .id = CALL(BH_CALL_CONSOLE_WRITE),
                               .argument = { bh_address(text), sizeof(text) } };

    memset(text, '.', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\n';
    row_begin(&row, call.name);
    for (uint32_t i = report_repetitions(); i > 0; i--) {
        struct timed result = timed_call(&call);

        report_expect(call.name, result.status, call.expected);
        row_add(&row, result.ticks);
        timer_spin_ns(CONSOLE_PAUSE_NS);
    }
    row_print(&row);
}

void bench_entry(void)
{
    const struct call version = { .name = "null",
                                  .id = CALL(BH_CALL_VERSION),
                                  .expected = BH_ABI_MAJOR << 16 | BH_ABI_MINOR };
    const struct call unknown = { .name = "unknown",
                                  .id = CALL(0xFFF),
                                  .expected = BH_NOT_SUPPORTED };
    const struct call psci = { .name = "psci-version",
                               .id = PSCI_VERSION,
                               .expected = PSCI_VERSION_EXPECTED };

    bench_calls(&version, 1);
    bench_calls(&unknown, 1);
    bench_calls(&psci, 1);
    bench_console();
}

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
