/* SPDX-License-Identifier: Apache-2.0 */
/* The unit is told to forget what it was not shown yet: its commands are behind a barrier, and the live entry of
 * the stream, or the table of the space, that they are about is not. */
#include "kernel/partition.h"
#include "tests/observer/wrap.h"
#include "wrong.h"

#define ATTACHED_STREAM 0x100

static bool is_the_entry(uint64_t address)
{
    return address - memory_physical(wrong_entry(ATTACHED_STREAM)) < ENTRY_WORDS * sizeof(uint64_t);
}

/* The pool holds the tables of the first partition and nothing else. */
static bool is_of_a_table(uint64_t address)
{
    const struct page_pool *pool = &partitions.partition[0].pool;

    return address - pool->base < (uint64_t)pool->count * PAGE_SIZE;
}

void wrong_no_barrier_behind_the_entry(void)
{
    wrong.not_waited_for = is_the_entry;
}

void wrong_no_barrier_behind_a_leaf(void)
{
    wrong.not_waited_for = is_of_a_table;
}
