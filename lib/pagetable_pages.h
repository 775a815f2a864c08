/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of pages that is there, for what maps or unmaps page after page in it: the walk to it is made once, and
 * the counts and the barrier come once, when it is closed. In between nothing else is done to the tree. What does
 * not fit (another table, an entry in use, a table's last entry) is left to pagetable_map() and pagetable_unmap().
 */
#ifndef LIB_PAGETABLE_PAGES_H
#define LIB_PAGETABLE_PAGES_H

#include "lib/pagetable_format.h"

struct pagetable_pages {
    struct pagetable *table;
    volatile uint64_t *entry; /* of the first page */
    uint64_t first, size;     /* its addresses; size 0: none is open */
    uint32_t entries;         /* in use */
};

/* Opens the one that address lies in, where there is one and walkers see the caches. Work: one entry a height. */
void pagetable_pages_open(struct pagetable_pages *pages, struct pagetable *table, uint64_t address);

/* What was done is counted, and walkers see it. */
void pagetable_pages_close(struct pagetable_pages *pages);

/* The entry of a page that lies in it, or NULL; never one outside of it, speculation included (I10). */
static inline volatile uint64_t *pagetable_pages_entry(const struct pagetable_pages *pages,
                                                       uint64_t address)
{
    uint64_t offset = address - pages->first;

    if (offset >= pages->size)
        return NULL;
    return &pages->entry[offset >> PAGE_SHIFT & (BIT(format_of(pages->table)->level_bits) - 1)];
}

/* Writes an entry that is absent. False: nothing was done. */
static inline bool pagetable_pages_map(struct pagetable_pages *pages, uint64_t address,
                                       uint64_t output, uint64_t attributes)
{
    volatile uint64_t *entry = pagetable_pages_entry(pages, address);

    if (entry == NULL || (*entry & format_of(pages->table)->present_mask) != 0)
        return false;
    entry_write64(entry, output | attributes | format_of(pages->table)->page_bits);
    pages->entries++;
    return true;
}

/* Clears an entry that is not the last of the table. False: nothing was done. */
static inline bool pagetable_pages_unmap(struct pagetable_pages *pages, uint64_t address)
{
    volatile uint64_t *entry = pagetable_pages_entry(pages, address);

    if (entry == NULL || (*entry & format_of(pages->table)->present_mask) == 0 ||
        pages->entries == 1)
        return false;
    entry_write64(entry, 0);
    pages->entries--;
    return true;
}

#endif
