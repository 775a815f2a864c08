/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of rows that bench.c runs one after the other. */
#ifndef GUESTS_BENCH_BENCH_H
#define GUESTS_BENCH_BENCH_H

#include <stdint.h>

#include "timed.h"

#define CALLS_LIMIT 2 /* calls that are measured in turn, each with a row of its own */

/* What the memory groups work on. */
struct subject {
    uint32_t index, device; /* of the edu */
    uint32_t ioas;          /* attached from bench_attach() on */
    uint32_t other;         /* a second one, which the device has been attached to as well */
    uint64_t block;         /* guest-physical, own memory aligned like IOVAs are, physically too */
    uint64_t block_bytes;   /* what needs more is left out */
};

/* calls.c: measures the calls in turn, report_repetitions() times; each must answer what it is expected to. */
void bench_calls(const struct call *calls, unsigned int count);

/* entry.c: what the way in and out costs; of both widths. */
void bench_entry(void);

/* interrupt.c */
void bench_interrupt(void);

/* ownership.c: at the end the device is bound and attached to an ioas, and has been to another. */
void bench_bind(struct subject *subject);
void bench_ioas(struct subject *subject);
void bench_attach(const struct subject *subject);
void bench_replace(struct subject *subject);
void bench_reset(const struct subject *subject);

/* query.c: questions; windows only where the set has one. */
void bench_query(const struct subject *subject);
void bench_window(void);

/* memory.c: spaces that their unit knows, so that what is taken out of them has to be invalidated there. */
void bench_memory(const struct subject *subject);
void bench_growth(const struct subject *subject);

/* change.c: what else is done to what is mapped, in the same spaces. */
void bench_change(const struct subject *subject);
void bench_batches(const struct subject *subject);

#endif
