/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a live stream-table entry or context descriptor (IHI 0070 5.2, 5.4, 3.21.3).
 *
 * The unit reads an entry word by word, at any moment, and may keep what it read until it is told
 * to forget. So an entry changes in steps after each of which every mixture of old and new words
 * means the old or the new state, or nothing at all: first the bits that the current state does not
 * look at, then the one word that turns the state, then what is left over. Where two words would
 * have to turn at once, the entry lets nothing through in between.
 */
#include "drivers/iommu/smmuv3/unit.h"

#define NO_WORD ENTRY_WORDS

static void store(const struct live_entry *live, struct entry *current, unsigned int i,
                  uint64_t value)
{
    if (value == current->word[i])
        return;
    entry_write64(&live->words[i], value);
    current->word[i] = value;
}

static enum iommu_result forget(const struct live_entry *live)
{
    smmuv3_publish(live->unit, live->words, ENTRY_SIZE);
    return smmuv3_issue(live->unit, &live->forget, 1);
}

/* The word that turns `current` into `target`: it alone differs in bits that both states look at.
 * NO_WORD: none does, the two are one state. False: several do. */
static bool find_turn(const struct entry *current, const struct entry *used,
                      const struct entry *target, const struct entry *wanted, unsigned int *turn)
{
    *turn = NO_WORD;
    for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
        if (((current->word[i] ^ target->word[i]) & used->word[i] & wanted->word[i]) == 0)
            continue;
        if (*turn != NO_WORD)
            return false;
        *turn = i;
    }
    return true;
}

/* Stores what the current state does not look at. True: the new state will look at some of it, so
 * the unit must not mix what it read before with the word that turns. */
static bool prepare(const struct live_entry *live, struct entry *current, const struct entry *used,
                    const struct entry *target, const struct entry *wanted, unsigned int turn)
{
    uint64_t looked_at = 0;

    for (unsigned int i = 0; i < ENTRY_WORDS; i++) {
        uint64_t unused = ~used->word[i];

        if (i == turn)
            continue;
        looked_at |= wanted->word[i] & unused;
        store(live, current, i, (current->word[i] & ~unused) | (target->word[i] & unused));
    }
    return looked_at != 0;
}

__attribute__((cold)) enum iommu_result smmuv3_entry_give_up(const struct live_entry *live)
{
    if (live->words[0] != live->kind->blocked)
        entry_write64(&live->words[0], live->kind->blocked);
    smmuv3_publish(live->unit, live->words, ENTRY_SIZE);
    return IOMMU_SILENCED;
}

enum iommu_result smmuv3_entry_write(const struct live_entry *live, const struct entry *target)
{
    struct entry current;
    enum iommu_result result = IOMMU_OK;
    unsigned int turn;

    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        current.word[i] = live->words[i];
    if (live->unit->iommu->silenced)
        return smmuv3_entry_give_up(live);
    struct entry used = live->kind->used(&current), wanted = live->kind->used(target);

    if (!find_turn(&current, &used, target, &wanted, &turn)) {
        store(live, &current, 0, live->kind->blocked);
        result = forget(live);
        used = live->kind->used(&current);
        turn = 0;
    }
    if (result == IOMMU_OK && turn != NO_WORD) {
        if (prepare(live, &current, &used, target, &wanted, turn))
            result = forget(live);
        if (result == IOMMU_OK) {
            store(live, &current, turn, target->word[turn]);
            result = forget(live);
        }
    }
    /* One that did not answer may go by what it has: the other words stay as they are. */
    if (result != IOMMU_OK)
        return smmuv3_entry_give_up(live);
    /* Nothing looks at these bits any more; no copy of them can do harm. */
    for (unsigned int i = 0; i < ENTRY_WORDS; i++)
        store(live, &current, i, target->word[i]);
    smmuv3_publish(live->unit, live->words, ENTRY_SIZE);
    return IOMMU_OK;
}
