/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every unit test shares: cmocka, and isolation. The kernel keeps its state in static arrays that
 * are filled once a boot, so each test runs in a process of its own: it starts from a program that has
 * done nothing yet, and a crash or an endless loop costs that test alone.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/random.h"

struct isolated {
    void (*test)(void);
    const char *name;
};

/* Runs the test in a child; shows what the child printed if it fails. */
void isolated_run(void **state);

/* Ends this process once it has computed for so long, however busy the machine is. */
void limit_process(unsigned int seconds);

/* Called when the test has returned; NULL: nothing. And the name of the test that runs, in its process. */
extern void (*unit_after_test)(void);
extern const char *unit_test_name;

/* An entry of a group; the test is a function without arguments. */
#define TEST(function)                                                                             \
    {                                                                                              \
        .name = #function, .test_func = isolated_run, .initial_state = &(struct isolated)          \
        {                                                                                          \
            .test = (function), .name = #function                                                  \
        }                                                                                          \
    }

/* Runs the group called `tests` of a file; answers how many failed. */
#define RUN_GROUP(name) cmocka_run_group_tests_name(name, tests, NULL, NULL)

/* The length of a campaign: whole in the plain build, a part of it in slower ones (mk/host.mk). */
#ifndef CAMPAIGN_DIVISOR
#define CAMPAIGN_DIVISOR 1
#endif

static inline unsigned int campaign(unsigned int full)
{
    return (full + CAMPAIGN_DIVISOR - 1) / CAMPAIGN_DIVISOR;
}

/* FNV-1a, to compare large memory before and after. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    uint64_t word;

    for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
        memcpy(&word, (const uint8_t *)bytes + at, sizeof(word)); /* of any alignment */
        hash = (hash ^ word) * UINT64_C(0x100000001B3);
    }
    return hash;
}

#define HASH_START UINT64_C(0xCBF29CE484222325)

#endif
