/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of live stream-table entries and context descriptors: between any two entries of the
 * kinds that it is given, whatever mixture of words the unit holds at any moment says what the old
 * entry says, what the new one says, or lets nothing through.
 *
 * The unit fetches each word at any moment and keeps it as long as it likes; once it has completed
 * the command to forget, what it holds was fetched after that. A store reaches it only by a
 * barrier, and, where it does not see the caches, a clean before that.
 */
#include "drivers/iommu/smmuv3/unit.h"
#include "tests/proofs/proof.h"

/* What an entry says: the fields that count in its state, by the manual (IHI 0070 5.2, 5.4). */
struct meaning {
    bool passes; /* something */
    uint64_t word[ENTRY_WORDS];
};

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];

static struct iommu iommu;
static struct smmuv3 unit = { .iommu = &iommu };
static volatile uint64_t *const live = &proof_memory[0];
static uint64_t held[ENTRY_WORDS]; /* by the unit */
static struct meaning old_meaning, new_meaning;
static bool one_word; /* of what the entries say is different */
static bool failed;   /* the unit, before or on the way */
static unsigned int stores, forgets;
static bool unclean[ENTRY_WORDS], unpublished;

#ifdef CONTEXT_DESCRIPTOR
static struct meaning meaning_of(const uint64_t word[ENTRY_WORDS])
{
    struct meaning meaning = { .passes = (word[0] >> 31 & 1) != 0 };

    if (!meaning.passes)
        return meaning;
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        meaning.word[i] = word[i];
    if ((word[0] >> 14 & 1) != 0) { /* EPD0 */
        meaning.word[0] &= ~UINT64_C(0x3FFF);
        meaning.word[1] = 0;
    }
    if ((word[0] >> 30 & 1) != 0) { /* EPD1 */
        meaning.word[0] &= ~UINT64_C(0x3FFF0000);
        meaning.word[2] = 0;
    }
    return meaning;
}

static bool is_legal(const uint64_t word[ENTRY_WORDS])
{
    (void)word;
    return true;
}
#define KIND smmuv3_context_descriptor
/* V, the EPDs, and of each field, and of what is no field, a bit or two. */
#define FEW                                                                                        \
    {                                                                                              \
        0x00010000C001C001, 0x3, 0x3, 0x3, 0x3, 0x3, 0x3, 0x3                                      \
    }
#else
static struct meaning meaning_of(const uint64_t word[ENTRY_WORDS])
{
    uint64_t config = word[0] >> 1 & 7;
    struct meaning meaning = { .passes = (word[0] & 1) != 0 && config >= 4 };

    if (!meaning.passes)
        return meaning;
    meaning.word[0] = word[0] & 0xF;
    /* All but S1DSS, S1CIR, S1COR, S1CSH, PPAR, S1STALLD, STRW */
    meaning.word[1] = word[1] & ~UINT64_C(0xC80400FF);
    if ((config & 1) != 0) {
        /* And S1Fmt, S1ContextPtr, S1CDMax; S2VMID */
        meaning.word[0] = word[0];
        meaning.word[1] = word[1];
        meaning.word[2] = word[2] & 0xFFFF;
    }
    if ((config & 2) != 0) {
        meaning.word[2] = word[2];
        meaning.word[3] = word[3];
    }
    return meaning;
}

/* Abort, stage 1, stage 2, both; never bypass. */
static bool is_legal(const uint64_t word[ENTRY_WORDS])
{
    uint64_t config = word[0] >> 1 & 7;

    return (word[0] & 1) == 0 || config == 0 || config >= 5;
}
#define KIND smmuv3_stream_entry
/* V and Config, and of each field, and of what is no field, a bit or two. */
#define FEW                                                                                        \
    {                                                                                              \
        0x08180000000000DF, 0x0004100058080155, 0x8000008000018001, 0x0018000000000011, 0x3, 0x3,  \
            0x3, 0x3                                                                               \
    }
#endif

static bool same(const struct meaning *a, const struct meaning *b)
{
    bool equal = a->passes == b->passes;

    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        equal = equal && a->word[i] == b->word[i];
    return equal;
}

/* The unit fetches any words, now; and whatever it then holds must be harmless. */
static void unit_looks(void)
{
    for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
        if (nondet_bool())
            held[i] = live[i];
    }
    struct meaning now = meaning_of(held);

    HOLDS(!now.passes || same(&now, &old_meaning) || same(&now, &new_meaning),
          "what the unit holds says old, or new, or lets nothing through");
    HOLDS(now.passes || !one_word || failed,
          "an entry that differs in one word changes without a gap");
}

void proof_store(volatile uint64_t *entry, uint64_t value)
{
    *entry = value;
    stores++;
    unclean[entry - live] = !iommu.capabilities.coherent;
    unpublished = true;
    unit_looks();
}

void cache_clean(const volatile void *pointer, uint64_t size)
{
    HOLDS(__CPROVER_same_object(pointer, proof_memory) && __CPROVER_POINTER_OFFSET(pointer) == 0 &&
              size == ENTRY_SIZE,
          "the entry is cleaned, all of it");
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        unclean[i] = false;
}

void proof_barrier(void)
{
    unpublished = false;
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        unpublished = unpublished || unclean[i];
}

/* The queue: the unit forgets, or it fails. */
enum iommu_result smmuv3_issue(struct smmuv3 *to, const struct command *commands, uint32_t count)
{
    HOLDS(to == &unit && count == 1 && commands->word[0] == 7 && commands->word[1] == 9,
          "the entry's own command to forget is issued");
    HOLDS(!unpublished, "every store is published before the unit is told to forget");
    forgets++;
    if (failed || nondet_bool()) {
        failed = true;
        return IOMMU_SILENCED;
    }
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        held[i] = live[i];
    unit_looks();
    return IOMMU_OK;
}

/* Any word of an entry. FEW_BITS: the writer treats all bits of a field alike, so a few of each do
 * for a quick look. */
static uint64_t any_word(unsigned int i)
{
#ifdef FEW_BITS
    static const uint64_t few[ENTRY_WORDS] = FEW;

    return nondet_u64() & few[i];
#else
    (void)i;
    return nondet_u64();
#endif
}

int main(void)
{
    const struct live_entry entry = {
        .unit = &unit, .kind = &KIND, .words = live, .forget = { { 7, 9 } }
    };
    struct entry target;
    uint64_t before[ENTRY_WORDS];
    unsigned int different = 0;

    iommu.capabilities.coherent = nondet_bool();
    iommu.silenced = failed = nondet_bool();
    for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
        before[i] = held[i] = live[i] = any_word(i);
        target.word[i] = any_word(i);
    }
    GIVEN(is_legal(before) && is_legal(target.word));
    old_meaning = meaning_of(before);
    new_meaning = meaning_of(target.word);
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        different += old_meaning.word[i] != new_meaning.word[i];
    one_word = old_meaning.passes && new_meaning.passes && different == 1;

    enum iommu_result result = smmuv3_entry_write(&entry, &target);

    bool written = true;
    struct meaning now = meaning_of(held);

    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        written = written && live[i] == target.word[i];
    HOLDS((result == IOMMU_OK) == !failed, "a failure is told");
    HOLDS(IMPLIES(failed, !meaning_of(live).passes && !unpublished),
          "with a unit that failed the entry lets nothing through");
    HOLDS(IMPLIES(result == IOMMU_OK, written && !unpublished),
          "the entry is the target, published");
    HOLDS(IMPLIES(result == IOMMU_OK,
                  same(&now, &new_meaning) || (!now.passes && !new_meaning.passes)),
          "the unit holds nothing of the old entry");
    HOLDS(stores <= 2 * ENTRY_WORDS + 2 && forgets <= 3, "stores and waits have their bounds");
    return 0;
}
