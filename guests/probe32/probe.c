/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of the system tests in AArch32: bootargs test=NAME chooses one behaviour of tests.h.
 * Exit code 0: what was seen is what include/bulkhead/abi.h says; else the number of the first failed
 * check.
 */
#include "check.h"
#include "state.h"
#include "tests.h"

int probe_main(void);

static const struct {
    const char *name; /* as it stands in bootargs */
    int (*run)(void);
} tests[] = {
    { "test=start", test_start },
    { "test=traps", test_traps },
    { "test=high-vectors", test_high_vectors },
    { "test=identification", test_identification },
    { "test=wild", test_wild },
    { "test=interrupts", test_interrupts },
    { "test=calls", test_calls },
    { "test=device", test_device },
    { "test=psci", test_psci },
    { "test=reset", test_reset },
    { "test=exit", test_exit },
    { "test=touch", test_touch },
};

int probe_main(void)
{
    tree_address = start_state[START_R2];
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argument(tests[i].name) != NULL) {
            print(tests[i].name);
            print("\n");
            return tests[i].run();
        }
    }
    print("no such test in bootargs\n");
    return EXIT_UNUSABLE;
}
