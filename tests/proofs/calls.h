/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the proofs of the hypercalls share: the caller, and what its call has led to. What lies below the calls is
 * replaced by its contract, a file for each family: it may return what it is documented to return, and what it is
 * given is checked against what it asks for.
 */
#ifndef PROOFS_CALLS_H
#define PROOFS_CALLS_H

#include "bulkhead/abi.h"
#include "kernel/partition.h"
#include "tests/proofs/proof.h"

#define CODE(error) (1u << -(error))

extern struct partition the_caller;
static struct partition *const caller = &the_caller;

extern unsigned int effects; /* callees that change something */
extern int64_t inner;        /* what such a callee answered; 1: there was none */
extern uint64_t given[6];    /* the registers */

/* One of the errors, or OK: the answer of a callee that changes something. */
int64_t any_of(unsigned int codes);

/* calls_devices.c */
bool is_listed(const struct device *device);

/* calls_tables.c: the one unit, its format, and what was taken out of tables */
extern const struct iommu_driver proof_driver;
extern const struct iommu_format proof_format;
void any_watch(void);            /* of any address */
bool nothing_is_unawaited(void); /* no command to forget is under way */
bool nothing_is_stale(void);     /* all that was taken out is forgotten */
bool something_was_mapped(void);

/* calls_windows.c */
bool windows_were_asked(uint64_t iova, uint64_t size);

#endif
