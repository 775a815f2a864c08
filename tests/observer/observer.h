/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The observer: what can every stream of every unit reach at this moment, and do the invariants of
 * docs/architecture.md allow it? It sits on top of the machine of tests/unit and of the unit's model, and
 * one call switches it on. docs/testing.md says how to read its report.
 *
 * It looks
 *   - when a store became visible to hardware (host_visible, in whatever order the store buffer picks),
 *   - when commands were consumed and when a CMD_SYNC completed,
 *   - when a register write took effect,
 *   - when a device's transfer went through,
 *   - when the kernel takes or gives back a table page or a tag, and has parked a dying partition,
 *   - when a hypercall returned,
 * and checks I1, I3, I4, I5, I6, I11, I14. A violation fails the test with a report.
 *
 * What it knows, and from where:
 *   what is reachable          the model: smmuv3_model_reach(), through memory and through all caches
 *   which table is walked      the words that the model read to answer that
 *   stream table, queues       the values that were written to the unit's registers
 *   entries and their history  the stores that became visible, and the commands that were consumed
 *   what is allowed            the ledger: hypercalls as they were asked and answered, nothing else
 *   a partition's memory       size, guest-physical base and pool: the test's own set; where it lies in
 *                              physical memory: the kernel (checked to overlap nothing)
 *   a device's stream          the kernel's table, compared with the requester id of the PCI model
 *   free table pages, tags     the calls of lib/page_pool.h and drivers/iommu/iommu.h (wrap.c)
 *
 * Hardware may fetch at any moment. The observer makes it do so: before a call that takes something away it
 * has the unit fetch what is about to go, and between the steps, by the seed, what stands there.
 */
#ifndef TESTS_OBSERVER_H
#define TESTS_OBSERVER_H

#include "arch/host/store_buffer.h"
#include "lib/types.h"

struct observer_options {
    uint64_t seed;         /* 0: 1, or OBSERVER_SEED of the environment, which goes before both */
    enum host_stores mode; /* when stores become visible; an order that is to be picked comes from
                            * host_choose(), or from the seed if there is none */
    uint64_t period;       /* events from one full recomputation to the next; 0: a default */
    bool no_fetching;      /* the unit fetches only what devices ask for */
};

/* Watches the machine from here on: after machine_plain() or machine_reset() and machine_add_unit(), before
 * or after the boot, but before the first bind. The test's end is watched too. */
void observer_start(void);
void observer_start_with(const struct observer_options *options);

/* Everything anew: every stream of every unit is computed afresh and must be what the observer has. */
void observer_check_all(void);

/* What is done when a test ends, now: that, and whether the observer was told of all that happened. Every
 * store is visible afterwards, and nothing is watched any more. */
void observer_finish(void);

/* Runs a scenario that breaks a rule: the report, or NULL if the observer found nothing. */
const char *observer_caught(void (*scenario)(void));

struct observer_counts {
    uint64_t events;      /* moments looked at */
    uint64_t reaches;     /* of a stream, computed because something that it stood on changed */
    uint64_t full_passes; /* recomputations of everything */
    uint64_t stores, commands, calls, fetches;
    uint64_t stores_seen; /* of the stores, those that coherent hardware sees */
    uint64_t transfers;
};
struct observer_counts observer_counts(void);

/* For the tests of the observer: from here on stores make it compute nothing anew, and everything is computed
 * afresh at every event. */
void observer_break_incremental(void);

#endif
