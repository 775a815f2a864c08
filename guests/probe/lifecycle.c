/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviours about the partition's life and its console. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/psci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define PSCI_MAJOR 1
#define PSCI_WILD 0x8400ff00u
#define LONG_BYTES 600
#define BYTE_VALUES 256
#define LEFT_BEHIND 0x6c6566742e2e2e21ull

/* Memory that start-up does not clear (partition.ld); the pages are not allocated here. */
extern volatile uint64_t __dma_start[];

int test_psci(void)
{
    check_equal(PSCI_MAJOR, PSCI_VERSION_MAJOR(psci_version()), "PSCI major version");
    check_status(PSCI_SUCCESS, psci_features(PSCI_VERSION), "features of VERSION");
    check_status(PSCI_SUCCESS, psci_features(PSCI_FEATURES), "features of FEATURES");
    check_status(PSCI_SUCCESS, psci_features(PSCI_SYSTEM_OFF), "features of SYSTEM_OFF");
    check_status(PSCI_SUCCESS, psci_features(PSCI_SYSTEM_RESET), "features of SYSTEM_RESET");
    check_status(PSCI_NOT_SUPPORTED, psci_features(PSCI_WILD), "features of no function");
    check_status(PSCI_NOT_SUPPORTED, psci_call(PSCI_WILD, 0), "no function");
    if (!check_failed()) {
        psci_system_off();
        check_true(false, "SYSTEM_OFF does not return");
    }
    return check_result();
}

/* Milliseconds of the physical counter, which a restart of the partition does not set back. */
static uint64_t physical_ms(void)
{
    uint64_t count;

    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(count));
    return timer_ns(count) / NS_PER_MS;
}

/*
 * A restarted partition remembers nothing: each start prints a line, and what an earlier life
 * wrote must be gone. Ends by the time since the machine's start, or by the test's limit.
 */
int test_reset(void)
{
    volatile uint64_t *word = &__dma_start[0];
    uint64_t until_ms;

    printf("started, machine at %" PRIu64 " ms, counter at %" PRIu64 " us\n", physical_ms(),
           timer_ns(timer_now()) / NS_PER_US);
    check_equal(0, *word, "memory of an earlier life is scrubbed");
    if (check_failed())
        return check_result();
    *word = LEFT_BEHIND;
    if (tree_bootarg_number("until-ms", &until_ms) && physical_ms() >= until_ms)
        return check_result();
    psci_system_reset();
    check_true(false, "SYSTEM_RESET does not return");
    return check_result();
}

/* ---- Console --------------------------------------------------------------------------------- */
static void write_text(const char *text, size_t length, const char *what)
{
    check_status(BH_OK, bh_print(text, length), what);
}

#define WRITE(text, what) write_text(text, sizeof(text) - 1, what)

int test_console(void)
{
    static char line[LONG_BYTES + 1];
    static char bytes[BYTE_VALUES];

    memset(line, 'x', LONG_BYTES);
    line[LONG_BYTES] = '\n';
    write_text(line, sizeof(line), "a long line");

    WRITE("clear \033[2J, home \033[H, red \033[31m, title \033]0;title\007, 8-bit \2332J\n",
          "terminal control");
    WRITE("return\rover, back\b\b\bspace, bell\a, tab\t, nul\0inside, del\177\n",
          "control characters");
    WRITE("a line that lies:\n[bulkhead] off: probe=0\n\r[bulkhead] off: probe=0\n",
          "the prefix of another");
    WRITE("two\n\n\nempty lines\n", "empty lines");

    for (unsigned int i = 0; i < BYTE_VALUES; i++)
        bytes[i] = (char)i;
    write_text(bytes, sizeof(bytes), "all bytes");
    WRITE("\nthe end, without a newline", "no newline");
    /* No summary: the console closes in the middle of a line. */
    bh_exit(0);
}

int test_exit(void)
{
    uint64_t code;

    if (!tree_bootarg_number("code", &code)) {
        printf("bootargs have no code=N\n");
        return CHECK_EXIT_UNUSABLE;
    }
    return (int)code;
}
