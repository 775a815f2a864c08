/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions with an event ring each, and what fills it. */
#ifndef TESTS_RING_BENCH_H
#define TESTS_RING_BENCH_H

#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define RING (BASE + 0x180000)
#define IOVA UINT64_C(0x123000)
#define SECOND UINT64_C(1000000000)
#define PATTERN 0xA5
#define LAST (BH_EVENT_RECORDS - 1)

struct bh_event_ring *ring_of(unsigned int partition);
int64_t ring_open(unsigned int partition);
/* Whether the partition was woken since the last look. */
bool ring_woken(unsigned int partition);
/* The device masters, and writes. */
enum dma ring_fire(int function, uint64_t iova);
/* One partition, one device of it attached, a ring over a page full of a pattern. Answers the ioas. */
uint64_t ring_start(void);
void ring_post(unsigned int partition, uint64_t iova);
struct bh_query_health ring_health(unsigned int partition);

#endif
