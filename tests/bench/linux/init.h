/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of rows, and how a sample of one is taken. */
#ifndef BENCH_LINUX_INIT_H
#define BENCH_LINUX_INIT_H

#include <stdint.h>

#include "bench/rows.h"
#include "system.h"

#define PATH_BYTES 128

/* Open files of VFIO; the container has an address space from bench_memory() on. */
struct subject {
    uint64_t group, container;
};

/* One counted system call, which must not fail. */
void bench_sample(struct row *row, enum system_call_number number, uint64_t a0, uint64_t a1,
                  uint64_t a2);

/* memory.c */
void bench_memory(const struct subject *subject);

#endif
