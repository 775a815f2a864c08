/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include "state.h"

#define CODE_MAX 118
#define TREE_WORD 4
#define DECIMAL 10
#define HEXADECIMAL 16

uint32_t tree_address;

static int checks, failures, first_failure;

struct call_result call(uint32_t function, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                        uint32_t e)
{
    register uint32_t r0 __asm__("r0") = function;
    register uint32_t r1 __asm__("r1") = a;
    register uint32_t r2 __asm__("r2") = b;
    register uint32_t r3 __asm__("r3") = c;
    register uint32_t r4 __asm__("r4") = d;
    register uint32_t r5 __asm__("r5") = e;

    __asm__ volatile(".arch_extension virt\n\thvc #0"
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)
                     : "r"(r4), "r"(r5)
                     : "memory");
    return (struct call_result){ { r0, r1, r2, r3 } };
}

int32_t bulkhead(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e)
{
    return (int32_t)call(BH_FUNCTION_BASE_32 | number, a, b, c, d, e).value[0];
}

void print(const char *text)
{
    uint32_t length = 0;

    while (text[length] != '\0')
        length++;
    if (length != 0)
        bulkhead(BH_CALL_CONSOLE_WRITE, (uint32_t)(uintptr_t)text, length, 0, 0, 0);
}

void print_number(uint32_t value)
{
    char text[2 + 8 + 1] = "0x";

    for (unsigned int i = 0; i < 8; i++)
        text[2 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 0xf];
    text[2 + 8] = '\0';
    print(text);
}

static void print_decimal(uint32_t value)
{
    char text[DECIMAL + 1];
    unsigned int at = sizeof(text) - 1;

    text[at] = '\0';
    do {
        text[--at] = (char)('0' + value % DECIMAL);
        value /= DECIMAL;
    } while (value != 0);
    print(&text[at]);
}

static void count(bool holds)
{
    checks++;
    if (holds)
        return;
    failures++;
    if (first_failure == 0)
        first_failure = checks;
}

void check_equal(uint32_t expected, uint32_t seen, const char *what)
{
    count(expected == seen);
    if (expected == seen)
        return;
    print("check ");
    print_decimal((uint32_t)checks);
    print(": expected ");
    print_number(expected);
    print(", saw ");
    print_number(seen);
    print(" (");
    print(what);
    print(")\n");
}

void check_true(bool holds, const char *what)
{
    check_equal(1, holds, what);
}

bool check_failed(void)
{
    return failures != 0;
}

int check_result(void)
{
    print_decimal((uint32_t)checks);
    print(" checks, ");
    print_decimal((uint32_t)failures);
    print(" failed\n");
    return first_failure < CODE_MAX ? first_failure : CODE_MAX;
}

/* ---- Arguments ------------------------------------------------------------------------------------
 * The tree is searched for "name=", at the begin of a property or behind a space, not read. */
static bool begins(const char *text, const char *with)
{
    while (*with != '\0' && *text == *with) {
        text++;
        with++;
    }
    return *with == '\0';
}

const char *argument(const char *name)
{
    const uint8_t *tree = (const uint8_t *)(uintptr_t)tree_address;
    uint32_t size = (uint32_t)tree[4] << 24 | (uint32_t)tree[5] << 16 | (uint32_t)tree[6] << 8 |
                    tree[7];

    for (uint32_t i = TREE_WORD; i < size; i++) {
        const char *text = (const char *)&tree[i];

        if ((i % TREE_WORD == 0 || tree[i - 1] == ' ') && begins(text, name))
            return text;
    }
    return NULL;
}

bool argument_number(const char *name, uint32_t *value)
{
    const char *text = argument(name);
    uint32_t base = DECIMAL;

    if (text == NULL)
        return false;
    while (*text++ != '=')
        ;
    if (begins(text, "0x")) {
        text += 2;
        base = HEXADECIMAL;
    }
    for (*value = 0;; text++) {
        uint32_t digit = *text >= '0' && *text <= '9'   ? (uint32_t)(*text - '0')
                         : *text >= 'a' && *text <= 'f' ? (uint32_t)(*text - 'a' + DECIMAL)
                                                        : HEXADECIMAL;

        if (digit >= base)
            return true;
        *value = *value * base + digit;
    }
}

/* ---- What the handlers of start.S leave ---------------------------------------------------------- */
volatile struct undefined_state undefined_state = { .return_cpsr = CPSR_OF_TESTS };
