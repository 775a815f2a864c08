/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls that are measured in turn. */
#include "bench.h"
#include "report.h"

static struct row rows[CALLS_LIMIT];

void bench_calls(const struct call *calls, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        row_begin(&rows[i], calls[i].name);
    for (uint32_t repetition = report_repetitions(); repetition > 0; repetition--) {
        for (unsigned int i = 0; i < count; i++) {
            row_before(&rows[i]);
            struct timed result = timed_call(&calls[i]);

            row_after(&rows[i]);
            report_expect(calls[i].name, result.status, calls[i].expected);
            row_add(&rows[i], result.ticks);
        }
    }
    for (unsigned int i = 0; i < count; i++)
        row_print(&rows[i]);
}
