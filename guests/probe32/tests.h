/* SPDX-License-Identifier: Apache-2.0 */
/* The behaviours of the 32-bit probe. Each returns its exit code. */
#ifndef GUESTS_PROBE32_TESTS_H
#define GUESTS_PROBE32_TESTS_H

/* Every register at the first instruction. */
int test_start(void);

#endif
