/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page pool: from its start, any sequence of takes and of giving back lists of taken pages. A
 * page is free, taken, or on the list, and each call moves it as it says.
 */
#include "lib/page_pool.h"
#include "lib/string.h"
#include "tests/proofs/proof.h"

enum place { FREE, TAKEN, LISTED };

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];

static struct page_record records[PROOF_PAGES];
static struct page_pool pool;
static enum place place[PROOF_PAGES];
static struct page_list list = { .first = PAGE_NONE };

/* The pages have PROOF_ENTRIES words here; zeroing is by whole pages alone. */
void *memset(void *to, int value, size_t size)
{
    uint64_t *words = to;

    HOLDS(value == 0 && size == PAGE_SIZE, "whole pages are zeroed");
    for (unsigned int i = 0; i < PROOF_ENTRIES; i++)
        words[i] = 0;
    return to;
}

void proof_barrier(void)
{
}

static bool is_zero(uint32_t page)
{
    bool zero = records[page].entries == 0;

    for (unsigned int i = 0; i < PROOF_ENTRIES; i++)
        zero = zero && proof_memory[page * PROOF_ENTRIES + i] == 0;
    return zero;
}

static uint32_t count_in(enum place wanted)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < PROOF_PAGES; i++)
        count += place[i] == wanted;
    return count;
}

static void take(void)
{
    uint32_t free = count_in(FREE);
    uint64_t page = page_pool_take(&pool);
    uint64_t index = (page - PROOF_PHYSICAL) >> PAGE_SHIFT;

    HOLDS((page == 0) == (free == 0), "a take fails only where no page is free");
    if (page == 0)
        return;
    HOLDS(is_aligned(page, PAGE_SIZE) && index < PROOF_PAGES && place[index] == FREE,
          "a page that is taken was free");
    HOLDS(is_zero((uint32_t)index), "a page that is taken is zero");
    place[index] = TAKEN;
}

/* The owner of a page uses it, and puts it on the list: zeroed, or with its entries counted. */
static void discard(void)
{
    uint32_t page = nondet_u8();

    GIVEN(page < PROOF_PAGES && place[page] == TAKEN);
    if (nondet_bool()) {
        records[page].entries = 1 + nondet_u8();
        for (unsigned int i = 0; i < PROOF_ENTRIES; i++)
            proof_memory[page * PROOF_ENTRIES + i] = nondet_u64();
    }
    page_list_add(&pool, &list, PROOF_PHYSICAL + ((uint64_t)page << PAGE_SHIFT));
    place[page] = LISTED;
    HOLDS(list.count == count_in(LISTED), "a list counts its pages");
}

static void give(void)
{
    page_pool_give(&pool, &list);
    HOLDS(list.first == PAGE_NONE && list.count == 0, "a list that was given back is empty");
    for (uint32_t i = 0; i < PROOF_PAGES; i++) {
        if (place[i] == LISTED) {
            place[i] = FREE;
            HOLDS(is_zero(i), "a page that came back is zero");
        }
    }
}

int main(void)
{
    for (unsigned int i = 0; i < PROOF_PAGES * PROOF_ENTRIES; i++)
        proof_memory[i] = nondet_u64();
    page_pool_init(&pool, PROOF_PHYSICAL, PROOF_PAGES, records);
    for (unsigned int i = 0; i < CALLS; i++) {
        uint8_t call = nondet_u8();

        if (call == 0)
            give();
        else if (call == 1)
            discard();
        else
            take();
        HOLDS(pool.free == count_in(FREE), "the pool counts its free pages");
        HOLDS(pool.lock.next == pool.lock.serving, "the lock is free between calls");
    }
    return 0;
}
