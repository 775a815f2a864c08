/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that go wrong: each is to end by the SDK's report and the exit code of its kind. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "selfcheck.h"

#define BEYOND_EXIT_CODES 300
#define FRAME_WORDS 64
#define DEPTH 100000u /* frames, far more than the stack holds */

static const uint32_t constant = 1;
static uint32_t code_word[4];

int end_undefined(void)
{
    __asm__ volatile("udf #0");
    return 0;
}

static void write_to(uintptr_t address)
{
    *(volatile uint32_t *)address = 0;
    printf("0x%08lx was written\n", (unsigned long)address);
}

int end_write_code(void)
{
    write_to((uintptr_t)&end_write_code & ~(uintptr_t)3);
    return 0;
}

int end_write_constant(void)
{
    write_to((uintptr_t)&constant);
    return 0;
}

static int jump_to(const uint32_t *words)
{
    /* What stands there does not matter: it must not be fetched. */
    void (*function)(void) = (void (*)(void))(uintptr_t)words;

    function();
    return 0;
}

int end_run_data(void)
{
    return jump_to(code_word);
}

int end_run_stack(void)
{
    uint32_t words[4] = { 0 };

    __asm__ volatile("" : : "r"(words) : "memory");
    return jump_to(words);
}

/* NOLINTNEXTLINE(misc-no-recursion): the stack has to overflow. */
static uint32_t dive(volatile uint32_t *above)
{
    volatile uint32_t words[FRAME_WORDS];

    words[0] = *above + 1;
    return words[0] < DEPTH ? dive(words) + words[0] : 0;
}

int end_deep_recursion(void)
{
    volatile uint32_t first = 0;

    return (int)dive(&first);
}

int end_abort(void)
{
    abort();
}

int end_large_code(void)
{
    exit(BEYOND_EXIT_CODES);
}
