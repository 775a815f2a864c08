/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of an exception that ends a program: what exception_aarch64.c and exception_aarch32.c
 * share. Uses nothing of newlib, whose state may be what went wrong.
 */
#ifndef BULKHEAD_SDK_EXCEPTION_H
#define BULKHEAD_SDK_EXCEPTION_H

#include <stdint.h>

/* The first line. Ends the program where the report itself ran into an exception. */
void exception_begin(const char *name);

/* A register, behind those that stand on the line already. */
void exception_register(const char *name, uintptr_t value);
void exception_end_line(void);

/* The rest of the last line, and the end with that code. */
_Noreturn void exception_end(int code);

#endif
