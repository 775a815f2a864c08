/* SPDX-License-Identifier: Apache-2.0 */
/* Before this proof's include path's others: accesses to the owner word let other CPUs in first. */
#ifndef PROOFS_INTERLEAVED_STDATOMIC_H
#define PROOFS_INTERLEAVED_STDATOMIC_H

#include_next <stdatomic.h>

#include <stdbool.h>
#include <stdint.h>

uint64_t interleaved_load(_Atomic uint64_t *word);
bool interleaved_exchange(_Atomic uint64_t *word, uint64_t *expected, uint64_t desired, bool weak);

#undef atomic_load
#undef atomic_compare_exchange_weak
#undef atomic_compare_exchange_strong
#define atomic_load(word) interleaved_load(word)
#define atomic_compare_exchange_weak(word, expected, desired)                                      \
    interleaved_exchange(word, expected, desired, true)
#define atomic_compare_exchange_strong(word, expected, desired)                                    \
    interleaved_exchange(word, expected, desired, false)

#endif
