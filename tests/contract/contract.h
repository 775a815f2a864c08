/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What docs/abi.md says of each call, asked of every call that any test makes: an error that its page does not
 * name, or more work than its page's bound, fails the test. The pages come here as documented.inc (abi.py).
 */
#ifndef TESTS_CONTRACT_H
#define TESTS_CONTRACT_H

#include "lib/types.h"

/* What one call did, or may do at most. */
struct contract_work {
    uint64_t entries, commands, syncs, locks;
};

/* Whether the page of the call names that error. */
bool contract_names(uint64_t number, int64_t error);

/* How many arguments it has. */
unsigned int contract_arguments(uint64_t number);

/* The bound of the call's page on a machine with so many units. */
struct contract_work contract_bound(uint64_t number, uint64_t units);

/* Around each call (tests/observer/wrap.c). */
void contract_begins(void);
void contract_ends(uint64_t number, int64_t answer);

/* What the last call did that had this CPU and the machine for itself. */
extern struct contract_work contract_last;

#endif
