/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fixed pool of table pages. Every page in it is all zero, so taking one costs the same always; a
 * page comes back zeroed by whoever emptied it, or is zeroed on its way back.
 *
 * The pool knows of each page how many of its entries are in use, which lets a walker give back a
 * table the moment its last entry goes.
 */
#ifndef LIB_PAGE_POOL_H
#define LIB_PAGE_POOL_H

#include "lib/lock.h"
#include "lib/types.h"

#define PAGE_NONE UINT32_MAX

struct page_record {
    uint32_t next;     /* index of the next page of the list this page is on, or PAGE_NONE */
    uint32_t entries;  /* entries in use while the page is a table */
    uint64_t checksum; /* of the entries; kept for an audit of live tables, 0 until there is one */
};

struct page_pool {
    struct lock lock; /* guards free, first_free and the free pages' records */
    uint64_t base;    /* physical */
    uint32_t count;
    uint32_t free;
    uint32_t first_free;
    struct page_record *records; /* count of them */
};

/* Pages taken out of tables that hardware may still hold; they return to their pool only after the
 * invalidation that covers them has completed (I4). */
struct page_list {
    uint32_t first;
    uint32_t count;
};

#define PAGE_LIST_EMPTY ((struct page_list){ .first = PAGE_NONE, .count = 0 })

/* Makes a pool of the pages [base, +count * 4 KiB), which are mapped and whose contents do not
 * matter: they are zeroed here. records has room for count and outlives the pool. Work: count
 * pages. */
void page_pool_init(struct page_pool *pool, uint64_t base, uint32_t count,
                    struct page_record *records);

/* Takes a zeroed page: its physical address, or 0 if the pool is empty. Constant work. */
uint64_t page_pool_take(struct page_pool *pool);

/* Puts a page that belongs to the pool on a list that waits for an invalidation. Constant work. */
void page_list_add(struct page_pool *pool, struct page_list *list, uint64_t page);

/* Moves what is on one list to another of the same pool. Work: the pages moved. */
void page_list_join(const struct page_pool *pool, struct page_list *list, struct page_list *from);

/* Gives a list back to its pool and empties it. Work: zeroing of each page that still has
 * entries. */
void page_pool_give(struct page_pool *pool, struct page_list *list);

/* The record of a page of this pool. */
static inline struct page_record *page_pool_record(const struct page_pool *pool, uint64_t page)
{
    return &pool->records[(page - pool->base) >> PAGE_SHIFT];
}

#endif
