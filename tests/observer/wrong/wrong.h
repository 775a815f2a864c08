/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliberately wrong drivers: each is the real one with one deed left out, done early or done in the wrong
 * order. Each is installed on the first unit of a machine that has been booted, and each breaks an
 * invariant that the observer must notice (test_wrong.c). They are fixtures, and show nothing by
 * themselves.
 */
#ifndef TESTS_OBSERVER_WRONG_H
#define TESTS_OBSERVER_WRONG_H

#include "drivers/iommu/smmuv3/unit.h"

/* The first unit's driver, as a copy that may be changed; it is the one that the kernel calls from here
 * on. */
struct iommu_driver *wrong_driver(void);
/* The driver as it is. */
const struct iommu_driver *right_driver(void);

/* The live entry of a stream of the first unit. */
volatile uint64_t *wrong_entry(uint32_t stream);

void wrong_unmap_without_sync(void);
void wrong_barrier_before_producer(void);
void wrong_no_barrier_behind_the_entry(void);
void wrong_no_barrier_behind_a_leaf(void);
void wrong_tag_given_early(void);
void wrong_tag_given_twice(void);
void wrong_entry_in_place(void);
void wrong_narrow_invalidation(void);
void wrong_walk_caches_kept(void);
void wrong_entry_not_forgotten(void);
void wrong_valid_before_words(void);
void wrong_no_drain(void);
void wrong_drain_too_early(void);
void wrong_root_before_tag(void);
void wrong_no_clean(void);
void wrong_silenced_only_in_name(void);
void wrong_failure_forgotten(void);
void wrong_second_unit_not_told(void);

#endif
