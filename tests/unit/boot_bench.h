/* SPDX-License-Identifier: Apache-2.0 */
/* Boots that come to nothing. */
#ifndef TESTS_BOOT_BENCH_H
#define TESTS_BOOT_BENCH_H

/* Starts the kernel on the machine that was made; fails the test unless it says the text, starts no partition and
 * leaves no device that reaches memory. */
void expect_boot_refused(const char *text);

#endif
