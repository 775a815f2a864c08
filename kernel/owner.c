/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/device.h"

#define OWNER_STATE BITS(1, 0)
#define OWNER_INDEX BITS(31, 16)
#define OWNER_COUNT BITS(63, 32)

static uint64_t encode(enum owner_state state, uint32_t index, uint32_t count)
{
    return FIELD_PUT(OWNER_STATE, state) | FIELD_PUT(OWNER_INDEX, index) |
           FIELD_PUT(OWNER_COUNT, count);
}

struct owner owner_decode(uint64_t word)
{
    return (struct owner){
        .state = (enum owner_state)FIELD_GET(OWNER_STATE, word),
        .index = (uint32_t)FIELD_GET(OWNER_INDEX, word),
        .count = (uint32_t)FIELD_GET(OWNER_COUNT, word),
    };
}

bool owner_claim(_Atomic uint64_t *word, uint32_t partition)
{
    uint64_t old = atomic_load(word);

    for (;;) {
        struct owner owner = owner_decode(old);

        if (owner.state != OWNER_NONE && (owner.state != OWNER_PARTITION ||
                                          owner.index != partition || owner.count == UINT32_MAX))
            return false;
        cpu_atomic(word);
        if (atomic_compare_exchange_weak(word, &old,
                                         encode(OWNER_PARTITION, partition, owner.count + 1)))
            return true;
    }
}

bool owner_release(_Atomic uint64_t *word, uint32_t partition)
{
    uint64_t old = atomic_load(word);

    for (;;) {
        struct owner owner = owner_decode(old);

        if (owner.state != OWNER_PARTITION || owner.index != partition || owner.count == 0)
            return false;
        uint64_t released = owner.count == 1 ? encode(OWNER_NONE, 0, 0)
                                             : encode(OWNER_PARTITION, partition, owner.count - 1);

        cpu_atomic(word);
        if (atomic_compare_exchange_weak(word, &old, released))
            return owner.count == 1;
    }
}

bool owner_claim_hypervisor(_Atomic uint64_t *word)
{
    uint64_t none = encode(OWNER_NONE, 0, 0);

    cpu_atomic(word);
    return atomic_compare_exchange_strong(word, &none, encode(OWNER_HYPERVISOR, 0, 0));
}

bool owner_release_hypervisor(_Atomic uint64_t *word)
{
    uint64_t own = encode(OWNER_HYPERVISOR, 0, 0);

    cpu_atomic(word);
    return atomic_compare_exchange_strong(word, &own, encode(OWNER_NONE, 0, 0));
}
