/* SPDX-License-Identifier: Apache-2.0 */
/* One partition with devices behind two units that are not equal, and one I/O address space behind both. */
#ifndef TESTS_UNEQUAL_BENCH_H
#define TESTS_UNEQUAL_BENCH_H

#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define IOVA UINT64_C(0x10000)
#define STRUCTURE (BASE + 0x200000)

struct smmuv3_model_parameters unequal_unit(unsigned int bits);

/* What stands on bus 1 is behind a unit of 48 bits, what stands on bus 2 behind the one given. Not booted. */
void unequal_plan(const struct smmuv3_model_parameters *second);
/* Boots it, with the observer. */
void unequal_start(const struct smmuv3_model_parameters *second);
void unequal_start_48_and_32(void);

/* An ioas of 48 bits; both devices are bound. */
uint64_t unequal_ioas(void);
/* And both are attached to it. */
uint64_t unequal_shared_ioas(void);
int64_t unequal_attach(uint64_t device, uint64_t ioas);
void unequal_detach(uint64_t device);

/* The call, with both accesses as its last argument, answers code and changes nothing. */
void unequal_refused(int64_t code, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* What becomes of a write of each device. */
void unequal_both(uint64_t iova, enum dma outcome);
/* Of the ioas all can be mapped up to there. */
void unequal_last(uint64_t ioas, uint64_t last);
/* Commands that a unit has got so far. */
uint64_t unequal_commands(unsigned int unit);
/* So many pages of the partition's pool stay; the others are on the list. */
void unequal_leave_pages(struct page_list *taken, uint32_t left);

#endif
