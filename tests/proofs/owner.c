/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner word: one CPU makes any call while any number of others make theirs. Before each access
 * of the call the others may have left any word that the state machine knows (from each such word
 * its steps lead to each other one), and each store of the call is shown to be a step of that
 * machine. So what the others are trusted to do is what each CPU is shown to do.
 */
#include "kernel/device.h"
#include "tests/proofs/proof.h"

enum call { CLAIM, RELEASE, CLAIM_HYPERVISOR, RELEASE_HYPERVISOR, CALLS };

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];

static enum call call;
static uint32_t partition;
static unsigned int disturbances = OTHERS; /* accesses before which others come in */
static unsigned int steps;                 /* changes that the call has made */
static struct owner seen;                  /* by the call's last access */
static uint64_t step_to;

static bool well_formed(uint64_t word)
{
    struct owner owner = owner_decode(word);

    return (word & BITS(15, 2)) == 0 && owner.state <= OWNER_PARTITION &&
           IMPLIES(owner.state != OWNER_PARTITION, owner.index == 0 && owner.count == 0) &&
           IMPLIES(owner.state == OWNER_PARTITION, owner.count > 0);
}

/* The state machine: only none leads to the others, and each call makes its own steps alone. */
static bool allowed(struct owner from, struct owner to)
{
    switch (call) {
    case CLAIM:
        return to.state == OWNER_PARTITION && to.index == partition &&
               (from.state == OWNER_NONE
                    ? to.count == 1
                    : from.state == OWNER_PARTITION && from.index == partition &&
                          from.count < UINT32_MAX && to.count == from.count + 1);
    case RELEASE:
        return from.state == OWNER_PARTITION && from.index == partition && from.count > 0 &&
               (from.count == 1 ? to.state == OWNER_NONE
                                : to.state == OWNER_PARTITION && to.index == partition &&
                                      to.count == from.count - 1);
    case CLAIM_HYPERVISOR:
        return from.state == OWNER_NONE && to.state == OWNER_HYPERVISOR;
    default:
        return from.state == OWNER_HYPERVISOR && to.state == OWNER_NONE;
    }
}

static void others(_Atomic uint64_t *word)
{
    uint64_t theirs = nondet_u64();

    if (disturbances == 0 || !nondet_bool())
        return;
    disturbances--;
    GIVEN(well_formed(theirs));
    *word = theirs;
}

uint64_t interleaved_load(_Atomic uint64_t *word)
{
    others(word);
    seen = owner_decode(*word);
    return *word;
}

bool interleaved_exchange(_Atomic uint64_t *word, uint64_t *expected, uint64_t desired, bool weak)
{
    bool fails = false;

    others(word);
    if (weak && disturbances > 0 && nondet_bool()) {
        disturbances--;
        fails = true;
    }
    seen = owner_decode(*word);
    if (fails || *word != *expected) {
        *expected = *word;
        return false;
    }
    HOLDS(well_formed(desired), "a call stores only words that are well formed");
    HOLDS(allowed(seen, owner_decode(desired)), "a call makes only its own steps");
    *word = desired;
    step_to = desired;
    steps++;
    return true;
}

static bool play(_Atomic uint64_t *word)
{
    switch (call) {
    case CLAIM:
        return owner_claim(word, partition);
    case RELEASE:
        return owner_release(word, partition);
    case CLAIM_HYPERVISOR:
        return owner_claim_hypervisor(word);
    default:
        return owner_release_hypervisor(word);
    }
}

int main(void)
{
    uint64_t start = nondet_u64();
    _Atomic uint64_t word = start;

    GIVEN(well_formed(start));
    call = (enum call)nondet_u8();
    GIVEN(call < CALLS);
    partition = nondet_u16();
    bool result = play(&word);
    bool mine = seen.state == OWNER_PARTITION && seen.index == partition;

    HOLDS(steps <= 1, "a call changes the word once at most");
    if (call == RELEASE)
        HOLDS(result == (steps == 1 && owner_decode(step_to).state == OWNER_NONE),
              "a release says whether it was the last");
    else
        HOLDS(result == (steps == 1), "a call says whether it changed the word: one winner");
    HOLDS(IMPLIES(call == CLAIM && !result,
                  seen.state != OWNER_NONE && (!mine || seen.count == UINT32_MAX)),
          "a claim fails only where another owns the group, or the count is full");
    HOLDS(IMPLIES(call == RELEASE && steps == 0, !mine), "a release by the owner is done");
    HOLDS(IMPLIES(call == CLAIM_HYPERVISOR && !result, seen.state != OWNER_NONE),
          "the hypervisor's claim fails only where there is an owner");
    HOLDS(IMPLIES(call == RELEASE_HYPERVISOR && !result, seen.state != OWNER_HYPERVISOR),
          "the hypervisor's release fails only where it is not the owner");
    return 0;
}
