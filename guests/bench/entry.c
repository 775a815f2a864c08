/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that do next to nothing. */
#include "bench.h"

#include <string.h>

#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/psci.h"
#include "sdk/timer.h"

#define CALL(number) (CPU_CALL_BASE | (uint64_t)(number))
#define PSCI_VERSION_EXPECTED 0x10001 /* 1.1 */
#define CONSOLE_BYTES 64
#define CONSOLE_PAUSE_NS NS_PER_MS /* until the line is out */

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
