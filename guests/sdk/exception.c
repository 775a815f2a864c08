/* SPDX-License-Identifier: Apache-2.0 */
#include "exception.h"

#include <stdbool.h>
#include <stddef.h>

#include "bulkhead.h"
#include "gic.h"

#define LINE_BYTES 100
#define DIGIT_BITS 4
#define HEX_DIGITS (8 / DIGIT_BITS * (int)sizeof(uintptr_t))

static struct line {
    char text[LINE_BYTES];
    size_t length;
} line;

static void add_text(const char *text)
{
    while (*text && line.length < LINE_BYTES)
        line.text[line.length++] = *text++;
}

static void add_hex(uintptr_t value, int digits)
{
    while (digits-- > 0 && line.length < LINE_BYTES)
        line.text[line.length++] = "0123456789abcdef"[value >> (digits * DIGIT_BITS) & 0xf];
}

void exception_register(const char *name, uintptr_t value)
{
    add_text(line.length ? "  " : "");
    add_text(name);
    add_text("=");
    add_hex(value, HEX_DIGITS);
}

void exception_end_line(void)
{
    if (line.length == LINE_BYTES)
        line.length--;
    line.text[line.length++] = '\n';
    bh_print(line.text, line.length);
    line.length = 0;
}

void exception_begin(const char *name)
{
    static bool again;

    if (again)
        bh_exit(BH_EXIT_EXCEPTION);
    again = true;
    line.length = 0;
    add_text("unexpected: ");
    add_text(name);
    exception_end_line();
}

_Noreturn void exception_end(int code)
{
    if (line.length != 0)
        exception_end_line();
    bh_exit(code);
}

__attribute__((weak)) void bh_interrupt(void)
{
    add_text("unexpected: an interrupt");
    exception_register("intid", gic_acknowledge());
    exception_end(BH_EXIT_INTERRUPT);
}
