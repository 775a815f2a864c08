/* SPDX-License-Identifier: Apache-2.0 */
/* The contracts of what a guest has but for devices: its memory, its console, its life. */
#include "kernel/keyboard.h"
#include "kernel/lifecycle.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"
#include "tests/proofs/calls.h"

/* Guest memory is written whole structures at a time, to memory that is the caller's. */
void *memcpy(void *restrict to, const void *restrict from, size_t length)
{
    HOLDS(__CPROVER_w_ok(to, length) && __CPROVER_r_ok(from, length), "a copy stays inside");
    if (__CPROVER_same_object(to, proof_memory))
        effects++;
    return to;
}

size_t format(char *buffer, size_t size, const char *text, ...)
{
    (void)text;
    HOLDS(__CPROVER_w_ok(buffer, size), "a name stays inside its field");
    return 0;
}

/* What other CPUs look at: of these calls the header of an event ring alone. */
void proof_store(volatile uint64_t *entry, uint64_t value)
{
    HOLDS(CALL == BH_CALL_EVENT_RING && __CPROVER_same_object((const void *)entry, proof_memory) &&
              __CPROVER_w_ok(entry, sizeof(*entry)),
          "a ring is stored to, and nothing else");
    (void)value; /* no call reads it back: its memory holds anything before and behind */
    effects++;
}

void proof_barrier(void)
{
}

void console_write(struct console *console, unsigned int source, const char *name,
                   const char *bytes, size_t length)
{
    (void)source;
    (void)name;
    HOLDS(console == &caller->console && length > 0 && length <= BH_CONSOLE_BYTES_PER_CALL &&
              __CPROVER_r_ok(bytes, length),
          "the console gets its bytes");
    effects++;
}

size_t console_read(struct console *console, char *bytes, size_t length)
{
    size_t count = nondet_u64();

    HOLDS(console == &caller->console && length > 0 && length <= BH_CONSOLE_BYTES_PER_CALL &&
              __CPROVER_w_ok(bytes, length),
          "input goes to memory of the caller");
    GIVEN(count <= length);
    effects++;
    return count;
}

bool keyboard_works(void)
{
    return nondet_bool();
}

uint64_t log_dropped(unsigned int source)
{
    HOLDS(source == LOG_HYPERVISOR + 1 + caller->index, "the caller's own lines");
    return nondet_u64();
}

bool arch_vcpu_interrupt(struct vcpu *vcpu, uint32_t interrupt)
{
    (void)vcpu;
    (void)interrupt;
    HOLDS(false, "no event is told here");
}

_Noreturn void lifecycle_end(struct partition *partition, uint32_t exit_code, bool again)
{
    (void)again;
    HOLDS(partition == caller && exit_code <= UINT8_MAX, "the caller ends with a code of one byte");
    GIVEN(false);
    for (;;)
        ;
}

int64_t lifecycle_control(struct partition *partition, uint64_t action)
{
    HOLDS(caller->set->manager && action <= BH_PARTITION_RESTART,
          "the manager orders what there is");
    HOLDS(partition >= partitions.partition && partition < partitions.partition + partitions.count,
          "it is a partition of the set");
    return any_of(CODE(BH_OK) | CODE(BH_EBUSY) | CODE(BH_EEXIST) | CODE(BH_EOPNOTSUPP));
}

void lifecycle_query(struct partition *partition, struct bh_query_partition *query)
{
    (void)partition;
    HOLDS(caller->set->manager, "the manager asks");
    *query = (struct bh_query_partition){ .state = nondet_u32() };
}

const uint8_t *digest_of_image(void)
{
    static const uint8_t digest[32];

    return digest;
}

const uint8_t *lifecycle_set_digest(void)
{
    static const uint8_t digest[32];

    return digest;
}
