/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stretch of code costs in ticks of the virtual counter. Under `-icount shift=0` and a counter
 * of 1 GHz one tick is one executed instruction; rows_calibrate() shows whether that holds.
 */
#ifndef GUESTS_BENCH_TIMED_H
#define GUESTS_BENCH_TIMED_H

#include <stdint.h>

#define CALL_ARGUMENTS 5

/* A call with everything that it is given, and what it must answer. */
struct call {
    const char *name;
    uint64_t id; /* whole function id, for x0 or r0 */
    uint64_t argument[CALL_ARGUMENTS];
    int64_t expected;
};

struct timed {
    int64_t status;
    uint64_t value; /* x1 or r1 */
    uint64_t ticks; /* the two readings of the counter included */
};

#ifdef __aarch64__
#include "timed_aarch64.h"
#else
#include "timed_aarch32.h"
#endif

#endif
