/* SPDX-License-Identifier: Apache-2.0 */
/* Words of the proofs: values that may be anything, what is given, and what must hold. */
#ifndef PROOFS_PROOF_H
#define PROOFS_PROOF_H

#include "lib/types.h"

/* The checker gives a function of such a name that has no body any value. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

/* Any value of so many bits: cheaper for the checker than an assumption, since the others are known. */
static inline uint64_t any_bits(unsigned int bits)
{
    return nondet_u64() & ((UINT64_C(1) << bits) - 1);
}

#define GIVEN(condition) __CPROVER_assume(condition)
#define HOLDS(condition, sentence) __CPROVER_assert(condition, sentence)

#define IMPLIES(a, b) (!(a) || (b))

#endif
