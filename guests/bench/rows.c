/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/mmio.h"
#include "timed.h"

#define EDU_LIVENESS 0x04 /* keeps what is written, inverted; nothing else happens */

static uint64_t reading; /* ticks of two readings with nothing between */
static uintptr_t mark_registers;
static uint32_t rows;

void rows_calibrate(void)
{
    uint64_t nops = UINT64_MAX;

    /* The least of many: an interrupt may come between two readings. */
    reading = UINT64_MAX;
    for (unsigned int i = 0; i < REPETITIONS_LIMIT; i++) {
        uint64_t nothing = timed_nothing(), thousand = timed_nops();

        reading = nothing < reading ? nothing : reading;
        nops = thousand < nops ? thousand : nops;
    }
    printf("calibration nops=1000 ticks=%" PRIu64 " reading=%" PRIu64 "\n", nops - reading,
           reading);
}

uint64_t rows_reading(void)
{
    return reading;
}

void rows_mark_with(uintptr_t registers)
{
    mark_registers = registers;
}

void row_begin(struct row *row, const char *name)
{
    row->name = name;
    row->id = ++rows;
    row->count = 0;
}

static void mark(uint32_t value)
{
    if (mark_registers != 0)
        mmio_write32(mark_registers + EDU_LIVENESS, value);
}

void row_before(const struct row *row)
{
    mark(row->id * 2);
}

void row_after(const struct row *row)
{
    mark(row->id * 2 + 1);
}

void row_add(struct row *row, uint64_t ticks)
{
    if (row->count < REPETITIONS_LIMIT)
        row->ticks[row->count++] = ticks - reading;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

void row_print(struct row *row)
{
    qsort(row->ticks, row->count, sizeof(row->ticks[0]), compare);
    printf("row id=%" PRIu32 " name=%s count=%" PRIu32 " min=%" PRIu64 " median=%" PRIu64
           " worst=%" PRIu64 "\n",
           row->id, row->name, row->count, row->ticks[0], row->ticks[row->count / 2],
           row->ticks[row->count - 1]);
}
