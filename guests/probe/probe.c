/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of the system tests: bootargs test=NAME chooses one behaviour of tests.h. Exit code
 * 0: what was seen is what include/bulkhead/abi.h says; else the number of the first failed check.
 */
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/tree.h"
#include "tests.h"

#define NAME_BYTES 32

static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {
    { "abi", test_abi },
    { "touch", test_touch },
    { "crash", test_crash },
    { "smc", test_smc },
    { "psci", test_psci },
    { "reset", test_reset },
    { "hang", test_hang },
    { "timer", test_timer },
    { "interrupts", test_interrupts },
    { "timer-left", test_timer_left },
    { "gic", test_gic },
    { "line", test_line },
    { "line-none", test_line_none },
    { "line-watch", test_line_watch },
    { "line-die", test_line_die },
    { "line-heir", test_line_heir },
    { "message", test_message },
    { "message-nvme", test_message_nvme },
    { "console", test_console },
    { "exit", test_exit },
    { "die-dma", test_die_dma },
    { "registers", test_registers },
    { "rtc", test_rtc },
    { "nvme", test_nvme },
    { "config", test_config },
    { "events", test_events },
    { "periodic", test_periodic },
    { "units", test_units },
    { "peers", test_peers },
    { "peers-hold", test_peers_hold },
    { "peers-late", test_peers_late },
    { "virtual", test_virtual },
    { "shared", test_shared },
    { "stream", test_stream },
    { "pulled", test_pulled },
    { "window-ask", test_window_ask },
    { "window-answer", test_window_answer },
    { "window-trespass", test_window_trespass },
    { "window-end", test_window_end },
    { "window-again", test_window_again },
    { "window-survive", test_window_survive },
    { "window-outlive", test_window_outlive },
    { "manage", test_manage },
    { "give", test_give },
    { "hammer", test_hammer },
};

int main(void)
{
    char name[NAME_BYTES];

    tree_bootarg("test", name, sizeof(name));
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (strcmp(tests[i].name, name) == 0) {
            printf("test %s\n", name);
            return tests[i].run();
        }
    }
    printf("no test \"%s\": bootargs need test=NAME, NAME one of", name);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        printf(" %s", tests[i].name);
    printf("\n");
    return CHECK_EXIT_UNUSABLE;
}
