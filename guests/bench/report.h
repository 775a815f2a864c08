/* SPDX-License-Identifier: Apache-2.0 */
/* What the payload is asked for, and its end when a call fails. */
#ifndef GUESTS_BENCH_REPORT_H
#define GUESTS_BENCH_REPORT_H

#include <stdint.h>

#include "rows.h"

/* How many samples a row gets: `repetitions=N` of bootargs, or the limit. */
uint32_t report_repetitions(void);

/* Ends the program if a call did not answer what it must: a figure of a refusal is worth nothing. */
void report_expect(const char *name, int64_t status, int64_t expected);

#endif
