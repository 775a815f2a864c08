/* SPDX-License-Identifier: Apache-2.0 */
/* Other memory, or another access, behind leaves that stay where they are (pagetable.h). */
#include "lib/pagetable_format.h"

enum pagetable_result pagetable_remap_check(const struct pagetable *table, uint64_t address,
                                            uint64_t output, uint64_t size, uint32_t bound,
                                            struct pagetable_progress *progress)
{
    const struct pagetable_format *format = format_of(table);
    uint64_t done = 0;
    uint32_t leaves = 0;
    bool same = true;

    *progress = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
    while (done < size && leaves < bound) {
        struct pagetable_place place = pagetable_walk(table, address + done);
        uint64_t value = *place.entry, step = span(format, place.height);

        if ((value & format->present_mask) == 0)
            return PAGETABLE_ABSENT;
        if (!is_aligned((address + done) | (output + done), step) || size - done < step)
            return PAGETABLE_CUT;
        same = same && (value & format->address_mask) == output + done;
        done += step;
        leaves++;
    }
    progress->done = done;
    progress->bytes = done;
    progress->leaves = leaves;
    progress->first = address;
    progress->end = address + done;
    progress->same_output = same;
    return done < size ? PAGETABLE_MORE : PAGETABLE_OK;
}

static void store(const struct pagetable *table, volatile uint64_t *entry, uint64_t value)
{
    entry_write64(entry, value);
    if (!table->coherent)
        cache_clean(entry, sizeof(*entry));
}

void pagetable_remap_break(struct pagetable *table, uint64_t address, uint64_t size)
{
    const struct pagetable_format *format = format_of(table);

    for (uint64_t done = 0; done < size;) {
        struct pagetable_place place = pagetable_walk(table, address + done);

        store(table, place.entry, 0);
        done += span(format, place.height);
    }
    barrier_entries();
}

void pagetable_remap_make(struct pagetable *table, uint64_t address, uint64_t output, uint64_t size,
                          uint64_t attributes)
{
    const struct pagetable_format *format = format_of(table);

    for (uint64_t done = 0; done < size;) {
        /* Where a leaf was broken the walk still ends at its place. */
        struct pagetable_place place = pagetable_walk(table, address + done);

        store(table, place.entry,
              (output + done) | attributes |
                  (place.height == 0 ? format->page_bits : format->block_bits));
        done += span(format, place.height);
    }
    barrier_entries();
}
