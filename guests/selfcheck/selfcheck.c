/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SDK promises a program, checked from inside, alike in both widths: bootargs test=NAME
 * chooses one of the behaviours below. tests/system/test_sdk.py runs them all.
 */
#include "selfcheck.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/tree.h"

#define NAME_BYTES 32

static const struct {
    const char *name; /* test=... */
    int (*run)(void);
} tests[] = {
    { "library", test_library },
    { "calls", test_calls },
    { "interrupts", test_interrupts },
    { "deaf", test_deaf },
    { "sleep", test_sleep },
    { "mappings", test_mappings },
    { "listen", test_listen },
    { "wild", test_wild },
    { "storm", test_storm },
    { "undefined", end_undefined },
    { "write-code", end_write_code },
    { "write-constant", end_write_constant },
    { "run-data", end_run_data },
    { "run-stack", end_run_stack },
    { "deep-recursion", end_deep_recursion },
    { "abort", end_abort },
    { "large-code", end_large_code },
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
    printf("no test \"%s\"\n", name);
    return CHECK_EXIT_UNUSABLE;
}
