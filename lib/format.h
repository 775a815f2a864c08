/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text formatting for logs: the part of printf that the hypervisor needs, with no allocation, no
 * locale and no floating point.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Writes at most size bytes into buffer, always zero-terminated when size > 0, and returns how many
 * bytes stand there without the zero (never more than size - 1: what does not fit is cut).
 * Conversions: %c %s %d %u %x %%, with flags '-' and '0', a width, a precision for %s, and the
 * length modifiers l, ll and z. An unknown conversion prints itself.
 */
size_t format(char *buffer, size_t size, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

size_t format_list(char *buffer, size_t size, const char *text, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
