/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of one row, and the line that closes it:
 *
 *     row id=N name=TEXT count=N min=N median=N worst=N
 *
 * Where the device is bound, each counted call stands between two writes to a register of the edu:
 * id * 2 before, id * 2 + 1 after. QEMU's trace then shows which SMMU commands belong to which row.
 */
#ifndef GUESTS_BENCH_REPORT_H
#define GUESTS_BENCH_REPORT_H

#include <stdint.h>

#define REPETITIONS_LIMIT 256 /* and how many there are unless bootargs say less */

struct row {
    const char *name;
    uint32_t id; /* given by the first sample, from 1 on */
    uint32_t count;
    uint64_t ticks[REPETITIONS_LIMIT];
};

/* How many samples a row gets: `repetitions=N` of bootargs, or the limit. */
uint32_t report_repetitions(void);

/* Measures what two readings of the counter cost and prints the calibration. */
void report_calibrate(void);

/* Ticks of two readings of the counter. After report_calibrate(). */
uint64_t report_reading(void);

/* From here on marks are written to the edu with these registers. 0: none any more. */
void report_mark_with(uintptr_t registers);

void row_begin(struct row *row, const char *name);
void row_before(const struct row *row);
void row_after(const struct row *row);

/* Adds a sample; the cost of the readings is subtracted here. */
void row_add(struct row *row, uint64_t ticks);

void row_print(struct row *row);

/* Ends the program if a call did not answer what it must: a figure of a refusal is worth nothing. */
void report_expect(const char *name, int64_t status, int64_t expected);

#endif
