/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/page_pool.h"

#include "lib/string.h"

static uint64_t page_of(const struct page_pool *pool, uint32_t index)
{
    return pool->base + ((uint64_t)index << PAGE_SHIFT);
}

void page_pool_init(struct page_pool *pool, uint64_t base, uint32_t count,
                    struct page_record *records)
{
    *pool = (struct page_pool){ .base = base, .count = count, .free = count, .records = records };
    pool->first_free = count > 0 ? 0 : PAGE_NONE;
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (struct page_record){ .next = i + 1 < count ? i + 1 : PAGE_NONE };
        memset(memory_pointer(page_of(pool, i)), 0, PAGE_SIZE);
    }
    barrier_entries();
}

uint64_t page_pool_take(struct page_pool *pool)
{
    uint64_t page = 0;

    lock_acquire(&pool->lock);
    if (pool->first_free != PAGE_NONE) {
        page = page_of(pool, pool->first_free);
        pool->first_free = pool->records[pool->first_free].next;
        pool->free--;
    }
    lock_release(&pool->lock);
    return page;
}

void page_list_add(struct page_pool *pool, struct page_list *list, uint64_t page)
{
    page_pool_record(pool, page)->next = list->first;
    list->first = (uint32_t)((page - pool->base) >> PAGE_SHIFT);
    list->count++;
}

void page_list_join(const struct page_pool *pool, struct page_list *list, struct page_list *from)
{
    while (from->first != PAGE_NONE) {
        struct page_record *record = &pool->records[from->first];
        uint32_t next = record->next;

        record->next = list->first;
        list->first = from->first;
        list->count++;
        from->first = next;
    }
    from->count = 0;
}

void page_pool_give(struct page_pool *pool, struct page_list *list)
{
    while (list->first != PAGE_NONE) {
        uint32_t index = list->first;
        struct page_record *record = &pool->records[index];

        list->first = record->next;
        if (record->entries != 0) {
            memset(memory_pointer(page_of(pool, index)), 0, PAGE_SIZE);
            record->entries = 0;
        }
        lock_acquire(&pool->lock);
        record->next = pool->first_free;
        pool->first_free = index;
        pool->free++;
        lock_release(&pool->lock);
    }
    list->count = 0;
}
