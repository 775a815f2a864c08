/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault record of a device (bh_query_fault) as the witness of a transfer: waited for, compared with
 * what was tried, told. The hypervisor takes records from the unit's queue when it has the time, and a
 * storm of somebody else's faults may stand before one's own, or push it out: that is counted as lost.
 */
#ifndef GUESTS_COMMON_FAULT_H
#define GUESTS_COMMON_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "sdk/bulkhead.h"
#include "sdk/timer.h"

#define FAULT_LIMIT_NS (2 * NS_PER_SECOND) /* for a record that is expected */
#define FAULT_POLL_NS (100 * NS_PER_US)
#define FAULT_TRIES 8 /* of a transfer whose record was lost to a full queue of the unit */
#define FAULT_TEXT_BYTES 96

/* The record as it is; zeros after an error. */
struct bh_query_fault fault_of(uint32_t device);

/* Waits until more than `before` faults have been counted. False: there was none within the limit. */
bool fault_wait(uint32_t device, uint64_t before, uint64_t limit_ns, struct bh_query_fault *fault);

/* Whether it is of that address, BH_ACCESS_* and BH_CAUSE_*. */
bool fault_fits(const struct bh_query_fault *fault, uint64_t iova, uint32_t access, uint32_t cause);

/* "write of 0x1000, translation, label 0x1"; returns text. */
const char *fault_text(const struct bh_query_fault *fault, char text[FAULT_TEXT_BYTES]);

/* The same for the table, with what else is to be said: "translation w 0x1000, control lands". */
void fault_proof(const struct bh_query_fault *fault, const char *more,
                 char proof[REPORT_PROOF_BYTES]);

#endif
