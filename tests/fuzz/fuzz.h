/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets of the fuzzer and of the property tests: the same scenarios, whose every choice comes from
 * tests/adversary/choices.h: there from bytes, a choice each, here from seeds.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "lib/types.h"

struct fuzz_target {
    const char *name;
    /* Once: what every run starts from. */
    void (*prepare)(void);
    void (*run)(void);
    bool from_machine; /* a run changes the machine that prepare() booted */
};

/* By name, and by number; NULL: there is none. */
const struct fuzz_target *fuzz_target_find(const char *name);
const struct fuzz_target *fuzz_target_at(unsigned int index);

/* hypercalls.c */
void fuzz_calls_boot(void);
void fuzz_calls_boot_without_messages(void);
void fuzz_calls_boot_tight(void);
void fuzz_calls(void);

/* trees.c */
void fuzz_trees_prepare(void);
void fuzz_set(void);
void fuzz_machine_tree(void);
void fuzz_bundle(void);

/* tables.c */
void fuzz_acpi(void);
void fuzz_fw_cfg(void);

/* payloads.c */
void fuzz_payload(void);

/* Every refused call is compared, the observer looks on; off where speed counts more. */
extern bool fuzz_thorough;

/* False: the input has no more choices to give. Seeds always have. */
extern bool (*fuzz_more)(void);

#endif
