/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Only in the coverage build: tests run in child processes that end by _exit(), which writes no
 * counters. The linker sends _exit() here (--wrap=_exit).
 */
_Noreturn void exit_at_once(int status) __asm__("__real__exit");
_Noreturn void exit_with_counters(int status) __asm__("__wrap__exit");
/* gcc's run-time library, gcov.h. */
void write_counters(void) __asm__("__gcov_dump");

_Noreturn void exit_with_counters(int status)
{
    write_counters();
    exit_at_once(status);
}
