/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before this proof's include path's others: an index into the slots of a partition is looked at slot
 * by slot. The value is the one that clamp_index() made; but as a constant it tells the checker
 * which object a pointer leads to, and that is what makes these proofs end.
 */
#ifndef PROOFS_SLOTS_TYPES_H
#define PROOFS_SLOTS_TYPES_H

#include_next "lib/types.h"

#define PROOF_SLOTS 3

extern uint64_t proof_slot; /* of the case that is looked at; the harness goes through all */

static inline uint64_t proof_slot_index(uint64_t index, uint64_t limit)
{
    uint64_t clamped = clamp_index(index, limit);

    if (limit != PROOF_SLOTS)
        return clamped;
    __CPROVER_assume(clamped == proof_slot);
    return proof_slot;
}

#define clamp_index(index, limit) proof_slot_index(index, limit)

/* Of units, of which there is one here: the checker is told which, for the same reason. */
static inline uint32_t proof_first_bit(uint64_t bits)
{
    __CPROVER_assert(bits == 1, "there is one unit");
    return 0;
}

#define first_bit(bits) proof_first_bit(bits)

#endif
