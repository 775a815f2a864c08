/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's functions on memory and strings that the compiler and libfdt call by name.
 * newlib's own versions use vector registers, which belong to the guests here.
 *
 * Copies go by 16 bytes and fills by 64 where alignment allows it, since boot and hand-over scrub
 * and copy whole partitions with them.
 */
#include "lib/string.h"

#include <stdint.h>

/* A word that may alias any type. */
typedef uint64_t __attribute__((may_alias)) any_word;

void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0) {
        any_word *tw = (any_word *)to;
        const any_word *fw = (const any_word *)from;

        for (; length >= 16; length -= 16, tw += 2, fw += 2) {
            uint64_t low = fw[0], high = fw[1];

            tw[0] = low;
            tw[1] = high;
        }
        t = (unsigned char *)tw;
        f = (const unsigned char *)fw;
    }
    while (length-- > 0)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (t <= f || t >= f + length)
        return memcpy(to, from, length);
    while (length-- > 0)
        t[length] = f[length];
    return to;
}

void *memset(void *to, int value, size_t length)
{
    unsigned char *t = to;

    while (((uintptr_t)t & 7) != 0 && length > 0) {
        *t++ = (unsigned char)value;
        length--;
    }
    any_word *tw = (any_word *)(void *)t;
    uint64_t word = (unsigned char)value * UINT64_C(0x0101010101010101);

    for (; length >= 64; length -= 64, tw += 8) {
        tw[0] = word;
        tw[1] = word;
        tw[2] = word;
        tw[3] = word;
        tw[4] = word;
        tw[5] = word;
        tw[6] = word;
        tw[7] = word;
    }
    t = (unsigned char *)tw;
    while (length-- > 0)
        *t++ = (unsigned char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
    const unsigned char *x = a, *y = b;

    for (; length > 0; x++, y++, length--) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

void *memchr(const void *memory, int value, size_t length)
{
    const unsigned char *m = memory;

    for (; length > 0; m++, length--) {
        if (*m == (unsigned char)value)
            return (void *)(uintptr_t)m;
    }
    return NULL;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    return length;
}

size_t strnlen(const char *text, size_t limit)
{
    size_t length = 0;

    while (length < limit && text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *a, const char *b)
{
    for (; *a != '\0' && *a == *b; a++, b++)
        ;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit > 0; a++, b++, limit--) {
        if (*a != *b || *a == '\0')
            return (unsigned char)*a - (unsigned char)*b;
    }
    return 0;
}

char *strchr(const char *text, int character)
{
    for (;; text++) {
        if (*text == (char)character)
            return (char *)(uintptr_t)text;
        if (*text == '\0')
            return NULL;
    }
}

char *strrchr(const char *text, int character)
{
    char *last = NULL;

    for (;; text++) {
        if (*text == (char)character)
            last = (char *)(uintptr_t)text;
        if (*text == '\0')
            return last;
    }
}
