/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stream, set up plainly, for tests of one thing: the first edu, tables of 4 KiB granule and 39
 * bits, everything mapped that is needed to reach the tables.
 */
#ifndef DIFFERENTIAL_FIXTURE_H
#define DIFFERENTIAL_FIXTURE_H

#include "judge.h"

/* What is written besides the plain words of STE and CD. */
struct fixture {
    struct scenario *scenario;
    struct tally tally;
    struct history history;
    bool stage1, stage2;
    uint64_t ste_set[STE_WORD_COUNT], ste_clear[STE_WORD_COUNT];
    uint64_t cd_set[CD_WORD_COUNT], cd_clear[CD_WORD_COUNT];
    uint32_t cr2;
    uint32_t table_config; /* STRTAB_BASE_CFG */
    uint64_t ste_at;
};

/* Rights of leaves. */
#define S2_ALL (DESCRIPTOR_AF | S2_READ | S2_WRITE)
#define S1_ALL (DESCRIPTOR_AF | S1_USER | S1_NOT_GLOBAL)

/* Queues reset, tables empty; `granule1` is of stage 1, `bits2` the input size of stage 2. */
void fixture_begin(struct fixture *fixture, struct pair *pair, bool stage1, bool stage2,
                   unsigned granule1, unsigned bits2);

/* Map a page in TTB0's or TTB1's tables, or in those of stage 2, to memory or elsewhere. */
uint64_t fixture_map1(struct fixture *fixture, uint64_t input, uint64_t output, uint64_t rights);
uint64_t fixture_map2(struct fixture *fixture, uint64_t input, uint64_t output, uint64_t rights);

/* For nesting: the tables, identity by blocks of 2 MiB; and what devices reach. */
void fixture_map_tables(struct fixture *fixture);

/* Write STE and CD and switch the unit on. */
void fixture_start(struct fixture *fixture);

/* An access that is judged; and one whose result on either side is only told. */
void fixture_access(struct fixture *fixture, uint64_t iova, bool write);
struct piece fixture_model(struct fixture *fixture, uint64_t iova, bool write);
struct seen fixture_qemu(struct fixture *fixture, uint64_t iova, bool write);

/* Whether QEMU's read brought the word of that address. */
bool fixture_qemu_reads(struct fixture *fixture, uint64_t iova, uint64_t address);

#endif
