/* SPDX-License-Identifier: Apache-2.0 */
/* The targets under libFuzzer: a byte of the input is a choice. FUZZ_TARGET in the environment names the
 * target. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/adversary/choices.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/machine.h"

/* libFuzzer calls these. */
int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct fuzz_target *target;
static struct choices *record;
static unsigned int given;

static bool more(void)
{
    return record->count < given;
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    const char *name = getenv("FUZZ_TARGET");

    (void)count;
    (void)arguments;
    target = fuzz_target_find(name != NULL ? name : "");
    if (target == NULL) {
        fprintf(stderr, "FUZZ_TARGET names none of the targets:");
        for (unsigned int i = 0; fuzz_target_at(i) != NULL; i++)
            fprintf(stderr, " %s", fuzz_target_at(i)->name);
        fprintf(stderr, "\n");
        exit(2);
    }
    /* A failed assertion of a test ends the process. */
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    fuzz_more = more;
    record = choices_create();
    target->prepare();
    if (target->from_machine)
        machine_snapshot_take();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct choice list[CHOICES_LIMIT];

    given = (unsigned int)(size < CHOICES_LIMIT ? size : CHOICES_LIMIT);
    for (unsigned int i = 0; i < given; i++)
        list[i].taken = bytes[i];
    if (target->from_machine)
        machine_snapshot_restore();
    choices_from_list(record, list, given);
    host_choose = choices_next;
    target->run();
    return 0;
}
