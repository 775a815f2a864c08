/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samples of one row, and the line that closes it:
 *
 *     row id=N name=TEXT count=N min=N median=N worst=N
 *
 * Where the device is bound, each counted call stands between two writes to a register of the edu:
 * id * 2 before, id * 2 + 1 after. QEMU's trace then shows which SMMU commands belong to which row.
 * Nothing here knows what it runs on: the program that measures Linux counts with it too.
 */
#ifndef GUESTS_BENCH_ROWS_H
#define GUESTS_BENCH_ROWS_H

#include <stdint.h>

#define REPETITIONS_LIMIT 256

struct row {
    const char *name;
    uint32_t id; /* given by the first sample, from 1 on */
    uint32_t count;
    uint64_t ticks[REPETITIONS_LIMIT];
};

/* Measures what two readings of the counter cost and prints the calibration. */
void rows_calibrate(void);

/* Ticks of two readings of the counter. After rows_calibrate(). */
uint64_t rows_reading(void);

/* From here on marks are written to the edu with these registers. 0: none any more. */
void rows_mark_with(uintptr_t registers);

void row_begin(struct row *row, const char *name);
void row_before(const struct row *row);
void row_after(const struct row *row);

/* Adds a sample; the cost of the readings is subtracted here. */
void row_add(struct row *row, uint64_t ticks);

void row_print(struct row *row);

#endif
