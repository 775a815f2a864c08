/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transfer of the device and the judgement of how it ended.
 *
 * The device says nothing about success, so the judgement rests on two witnesses. The fault record
 * of Bulkhead: its count rises, and it names this device, address, access and cause. The data:
 * memory that a write should change, or the device's buffer after a read. A transfer counts as
 * blocked only when the fault is there and no data moved; as landed only when the data moved and
 * no fault is there.
 */
#ifndef GUESTS_SENSOR_ATTEMPT_H
#define GUESTS_SENSOR_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/edu.h"
#include "common/report.h"

/* A page of this program, and the I/O address at which the device may come to know it. */
struct page {
    volatile uint32_t *words;
    uint64_t iova;
};

/* The device and what its transfers need. */
struct rig {
    struct edu edu;
    uint32_t device; /* id for the calls */
    uint64_t label;  /* given at bind: comes back in fault records */
    struct page source;
    struct page target;
    struct page spare;
    uint32_t pattern; /* what the device's buffer begins with; another one for each attempt */
};

/* What is tried: one word between the device's buffer and an I/O address. */
struct attempt {
    const char *what; /* for the table */
    enum edu_direction direction;
    uint64_t iova;
    volatile uint32_t *witness; /* what a write would change; null: not visible from here */
    enum outcome expected;
    uint32_t cause; /* BH_CAUSE_* of the fault, where one is expected */
};

/*
 * Puts a fresh pattern into the device's buffer, by DMA from the source page: needs the device
 * attached and the source mapped. False when the device does not become idle.
 */
bool rig_load(struct rig *rig);

/* Makes the attempt, with the pattern loaded last, tells how it ended and adds it to the table. */
void attempt_run(struct rig *rig, const struct attempt *attempt);

/*
 * The two halves of attempt_run() for a write, for what has to happen in between: the start, and
 * the judgement once the transfer's time is over. bound: the device still is, so its
 * label must be in the fault record.
 */
struct started {
    uint64_t faults;
    bool running;
};

struct started attempt_start(struct rig *rig, const struct attempt *attempt);
void attempt_judge(struct rig *rig, const struct attempt *attempt, const struct started *started,
                   bool bound);

#endif
