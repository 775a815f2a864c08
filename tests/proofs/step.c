/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step at the real size: a path of tables of 512 entries down from the root, with any contents
 * beside the path. One page is mapped or unmapped at its end: the one store is to the entry that the
 * address's own bits name. Stores are noted, not done: nothing reads them after.
 */
#include "lib/vmsa.h"
#include "tests/proofs/proof.h"

#define HEIGHT (PROOF_PAGES - 1)
#define INDEX(address, height) ((address) >> (PAGE_SHIFT + 9 * (height)) & 511)
#define WORD(page, index) ((uint64_t)(page)*PROOF_ENTRIES + (index))

uint64_t proof_memory[PROOF_PAGES * PROOF_ENTRIES];

static struct page_record records[PROOF_PAGES];
static struct page_pool pool = {
    .base = PROOF_PHYSICAL, .count = PROOF_PAGES, .first_free = PAGE_NONE, .records = records
};
static struct pagetable table;
static uint64_t word_written, value_written;
static unsigned int stores;

void proof_store(volatile uint64_t *entry, uint64_t value)
{
    word_written = __CPROVER_POINTER_OFFSET(entry) / sizeof(uint64_t);
    value_written = value;
    stores++;
}

void proof_barrier(void)
{
}

void cache_clean(const volatile void *pointer, uint64_t size)
{
    (void)pointer;
    (void)size;
}

/* The tables of the path: the root is page 0, each entry of the path names the next. */
static void any_path(uint64_t address)
{
    table = (struct pagetable){ .format = &vmsa_4k,
                                .pool = &pool,
                                .root = PROOF_PHYSICAL,
                                .limit = BIT(PAGE_SHIFT + 9 * PROOF_PAGES),
                                .mapped = nondet_u64(),
                                .height = HEIGHT,
                                .coherent = true };
    GIVEN(table.mapped >= PAGE_SIZE && table.mapped < table.limit);
    for (unsigned int i = 0; i < PROOF_PAGES; i++) {
        records[i].entries = nondet_u32();
        /* So many are in use, this one and others. */
        GIVEN(records[i].entries >= 2 && records[i].entries < 512);
        if (i < HEIGHT)
            GIVEN(proof_memory[WORD(i, INDEX(address, HEIGHT - i))] ==
                  ((PROOF_PHYSICAL + ((i + UINT64_C(1)) << PAGE_SHIFT)) | 3));
    }
}

int main(void)
{
    uint64_t address = any_bits(9 * PROOF_PAGES) << PAGE_SHIFT;
    uint64_t end = WORD(HEIGHT, INDEX(address, 0));
    struct pagetable_progress progress;

    for (unsigned int i = 0; i < PROOF_PAGES * PROOF_ENTRIES; i++)
        proof_memory[i] = nondet_u64() & 3;
    any_path(address);
    uint64_t old = proof_memory[end];
    uint32_t old_count = records[HEIGHT].entries;
    uint64_t old_mapped = table.mapped;

    GIVEN((old & 3) != 1);
#ifdef UNMAP
    enum pagetable_result result = pagetable_unmap(&table, address, PAGE_SIZE, 1, &progress);

    HOLDS(result == PAGETABLE_OK && progress.done == PAGE_SIZE, "one page is dealt with");
    HOLDS(stores == (old & 1) && IMPLIES((old & 1) != 0, word_written == end && value_written == 0),
          "its entry is cleared, if it was there, and nothing else is stored");
    HOLDS(progress.bytes == (old & 1) * PAGE_SIZE && table.mapped == old_mapped - progress.bytes &&
              records[HEIGHT].entries == old_count - (old & 1),
          "it is counted off");
    HOLDS(IMPLIES((old & 1) != 0, progress.first == address && progress.end == address + PAGE_SIZE),
          "the page, and no more, is to be invalidated");
    HOLDS(!progress.tables_freed, "a table with other entries stays");
#else
    uint64_t output = any_bits(36) << PAGE_SHIFT, attributes = any_bits(10) << 2;
    enum pagetable_result result = pagetable_map(&table, address, output, PAGE_SIZE, attributes, 1,
                                                 &progress);

    HOLDS((result == PAGETABLE_EXISTS) == ((old & 1) != 0) &&
              IMPLIES((old & 1) == 0, result == PAGETABLE_OK),
          "a page is mapped where none was, and nowhere else");
    HOLDS(
        stores == (result == PAGETABLE_OK) &&
            IMPLIES(stores == 1, word_written == end && value_written == (output | attributes | 3)),
        "its entry is written, and nothing else");
    HOLDS(records[HEIGHT].entries == old_count + stores &&
              table.mapped == old_mapped + stores * PAGE_SIZE,
          "it is counted");
#endif
    return 0;
}
