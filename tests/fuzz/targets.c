/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/fuzz/fuzz.h"

bool fuzz_thorough;
bool (*fuzz_more)(void);

static const struct fuzz_target targets[] = {
    { .name = "calls", .prepare = fuzz_calls_boot, .run = fuzz_calls, .from_machine = true },
    { .name = "calls-tight",
      .prepare = fuzz_calls_boot_tight,
      .run = fuzz_calls,
      .from_machine = true },
    { .name = "set", .prepare = fuzz_trees_prepare, .run = fuzz_set },
    { .name = "machine-tree", .prepare = fuzz_trees_prepare, .run = fuzz_machine_tree },
    { .name = "bundle", .prepare = fuzz_trees_prepare, .run = fuzz_bundle },
    { .name = "acpi", .prepare = fuzz_trees_prepare, .run = fuzz_acpi },
    { .name = "fw-cfg", .prepare = fuzz_trees_prepare, .run = fuzz_fw_cfg },
    { .name = "payload", .prepare = fuzz_trees_prepare, .run = fuzz_payload },
};

const struct fuzz_target *fuzz_target_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    }
    return NULL;
}

const struct fuzz_target *fuzz_target_at(unsigned int index)
{
    return index < ARRAY_LENGTH(targets) ? &targets[index] : NULL;
}
