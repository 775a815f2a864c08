/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pagetable_pages.h"

/* A stretch of leaves of one size that lies in one table. */
struct run {
    unsigned int height;
    uint32_t count;
};

#define NO_HEIGHT UINT32_MAX

/* Where a walk towards a height ended. */
struct position {
    volatile uint64_t *entry;
    unsigned int height;
};

/* Of the entry for address in its table. Never outside of it, speculation included: addresses are a guest's (I10). */
static inline uint64_t index_in(const struct pagetable_format *format, uint64_t address,
                                unsigned int shift)
{
    return address >> shift & (BIT(format->level_bits) - 1);
}

static uint64_t index_at(const struct pagetable *table, uint64_t address, unsigned int height)
{
    const struct pagetable_format *format = format_of(table);

    return index_in(format, address, span_shift(format, height));
}

static volatile uint64_t *entry_at(const struct pagetable *table, uint64_t page, uint64_t address,
                                   unsigned int height)
{
    return (volatile uint64_t *)memory_pointer(page) + index_at(table, address, height);
}

static bool is_present(const struct pagetable_format *format, uint64_t entry)
{
    return (entry & format->present_mask) != 0;
}

static bool is_leaf(const struct pagetable_format *format, uint64_t entry, unsigned int height)
{
    return height == 0 || (entry & format->leaf_mask) == format->leaf_value;
}

static uint64_t leaf_bits(const struct pagetable_format *format, unsigned int height)
{
    return height == 0 ? format->page_bits : format->block_bits;
}

static void store(const struct pagetable *table, volatile uint64_t *entry, uint64_t value)
{
    entry_write64(entry, value);
    if (!table->coherent)
        cache_clean(entry, sizeof(*entry));
}

static struct page_record *record_of(const struct pagetable *table, const volatile uint64_t *entry)
{
    return page_pool_record(table->pool, align_down(memory_physical(entry), PAGE_SIZE));
}

/* Follows address from the root until it stands at `height`, or at an entry that is absent or a
 * leaf. */
static struct position descend(const struct pagetable *table, uint64_t address, unsigned int height)
{
    const struct pagetable_format *format = format_of(table);
    uint64_t page = table->root;
    unsigned int shift = span_shift(format, table->height);

    for (unsigned int h = table->height;; h--) {
        volatile uint64_t *entry = (volatile uint64_t *)memory_pointer(page) +
                                   index_in(format, address, shift);
        uint64_t value = *entry;

        if (h == height || !is_present(format, value) || is_leaf(format, value, h))
            return (struct position){ .entry = entry, .height = h };
        page = value & format->address_mask;
        shift -= format->level_bits;
    }
}

/* The entry for address at `height`, or NULL: a walk towards it ends above. */
static inline volatile uint64_t *reach(const struct pagetable *table, uint64_t address,
                                       unsigned int height)
{
    const struct pagetable_format *format = format_of(table);
    unsigned int shift = span_shift(format, table->height), last = span_shift(format, height);
    volatile uint64_t *entry = (volatile uint64_t *)memory_pointer(table->root) +
                               index_in(format, address, shift);

    while (shift != last) {
        uint64_t value = *entry;

        if (!is_present(format, value) || is_leaf(format, value, PAGETABLE_HEIGHTS))
            return NULL;
        shift -= format->level_bits;
        entry = (volatile uint64_t *)memory_pointer(value & format->address_mask) +
                index_in(format, address, shift);
    }
    return entry;
}

bool pagetable_init(struct pagetable *table, const struct pagetable_format *format,
                    struct page_pool *pool, unsigned int input_bits, bool coherent)
{
    unsigned int height = 0;

    while (span_shift(format, height + 1) < input_bits)
        height++;
    *table = (struct pagetable){
        .format = format,
        .pool = pool,
        .root = page_pool_take(pool),
        .limit = UINT64_C(1) << input_bits,
        .height = (uint8_t)height,
        .coherent = coherent,
    };
    if (table->root != 0 && !coherent)
        cache_clean(memory_pointer(table->root), PAGE_SIZE);
    return table->root != 0;
}

/* The next stretch of equal leaves: the largest size that alignment and length allow, up to the
 * end of its table. */
static struct run next_run(const struct pagetable *table, uint64_t address, uint64_t output,
                           uint64_t size, uint32_t bound)
{
    const struct pagetable_format *format = format_of(table);
    unsigned int height = 0;

    for (unsigned int h = 1; h <= table->height; h++) {
        if (size < span(format, h) || !is_aligned(address | output, span(format, h)))
            break;
        if ((format->block_heights & BIT(h)) != 0)
            height = h;
    }
    uint64_t count = size >> span_shift(format, height);

    if (height < table->height)
        count = min_u64(count, BIT(format->level_bits) - index_at(table, address, height));
    return (struct run){ .height = height, .count = (uint32_t)min_u64(count, bound) };
}

/* True if nothing is mapped where the stretch would go; position: where a walk towards it ended. */
static bool run_is_free(const struct pagetable *table, struct position position, struct run run)
{
    const struct pagetable_format *format = format_of(table);

    if (position.height > run.height)
        return !is_present(format, *position.entry);
    for (uint32_t i = 0; i < run.count; i++) {
        if (is_present(format, position.entry[i]))
            return false;
    }
    return true;
}

/* How many tables a stretch needs beyond those that earlier stretches of the same request need
 * already (their ends stand in covered[]). */
static uint32_t count_tables(const struct pagetable *table, uint64_t address,
                             struct position position, struct run run,
                             uint64_t covered[PAGETABLE_HEIGHTS])
{
    const struct pagetable_format *format = format_of(table);
    uint32_t tables = 0;

    for (unsigned int h = run.height; h < position.height; h++) {
        if (address < covered[h])
            continue;
        covered[h] = align_down(address, span(format, h + 1)) + span(format, h + 1);
        tables++;
    }
    return tables;
}

static void write_run(struct pagetable *table, uint64_t address, uint64_t output,
                      struct position position, struct run run, uint64_t attributes)
{
    const struct pagetable_format *format = format_of(table);
    uint64_t value = output | attributes | leaf_bits(format, run.height);
    uint64_t step = span(format, run.height);

    while (position.height > run.height) {
        uint64_t page = page_pool_take(table->pool);

        if (!table->coherent)
            cache_clean(memory_pointer(page), PAGE_SIZE);
        record_of(table, position.entry)->entries++;
        store(table, position.entry, page | format->table_bits);
        position.height--;
        position.entry = entry_at(table, page, address, position.height);
    }
    record_of(table, position.entry)->entries += run.count;
    for (uint32_t i = 0; i < run.count; i++, value += step)
        store(table, &position.entry[i], value);
}

/* The height at which a leaf of that size may stand, at multiples of it; NO_HEIGHT: at none, or the table is one
 * that has to be cleaned to memory. */
static inline unsigned int height_of(const struct pagetable *table, uint64_t size)
{
    const struct pagetable_format *format = format_of(table);

    if (!table->coherent)
        return NO_HEIGHT;
    for (unsigned int h = 0; h <= table->height && span(format, h) <= size; h++) {
        if (span(format, h) == size)
            return (format->block_heights & BIT(h)) != 0 ? h : NO_HEIGHT;
    }
    return NO_HEIGHT;
}

/* A request of several stretches: all of it is checked before any of it is written. Not a part of the
 * common request, whose registers it would take. */
static __attribute__((noinline)) enum pagetable_result map_runs(struct pagetable *table,
                                                                uint64_t address, uint64_t output,
                                                                uint64_t size, uint64_t attributes,
                                                                uint32_t bound,
                                                                struct pagetable_progress *progress)
{
    uint64_t covered[PAGETABLE_HEIGHTS] = { 0 };
    uint32_t left = bound, tables = 0;
    uint64_t done = 0;

    while (done < size && left > 0) {
        struct run run = next_run(table, address + done, output + done, size - done, left);
        struct position position = descend(table, address + done, run.height);

        if (!run_is_free(table, position, run))
            return PAGETABLE_EXISTS;
        tables += count_tables(table, address + done, position, run, covered);
        done += run.count * span(format_of(table), run.height);
        left -= run.count;
    }
    if (tables > table->pool->free)
        return PAGETABLE_FULL;
    for (uint64_t at = 0; at < done;) {
        struct run run = next_run(table, address + at, output + at, done - at, bound);

        write_run(table, address + at, output + at, descend(table, address + at, run.height), run,
                  attributes);
        at += run.count * span(format_of(table), run.height);
        progress->leaves += run.count;
    }
    progress->done = done;
    return done < size ? PAGETABLE_MORE : PAGETABLE_OK;
}

/* A request that is one stretch, the common one: a single walk. */
static enum pagetable_result map_run(struct pagetable *table, uint64_t address, uint64_t output,
                                     uint64_t size, uint64_t attributes, struct run run,
                                     struct pagetable_progress *progress)
{
    struct position position = descend(table, address, run.height);

    if (!run_is_free(table, position, run))
        return PAGETABLE_EXISTS;
    if (position.height - run.height > table->pool->free)
        return PAGETABLE_FULL;
    write_run(table, address, output, position, run, attributes);
    progress->leaves = run.count;
    progress->done = size;
    return PAGETABLE_OK;
}

/* Any request. */
static __attribute__((noinline)) enum pagetable_result map_any(struct pagetable *table,
                                                               uint64_t address, uint64_t output,
                                                               uint64_t size, uint64_t attributes,
                                                               uint32_t bound,
                                                               struct pagetable_progress *progress)
{
    struct run run = next_run(table, address, output, size, bound);
    enum pagetable_result result;

    *progress = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
    if (run.count * span(format_of(table), run.height) == size)
        result = map_run(table, address, output, size, attributes, run, progress);
    else
        result = map_runs(table, address, output, size, attributes, bound, progress);
    barrier_entries();
    table->mapped += progress->done;
    progress->bytes = progress->done;
    return result;
}

/* One leaf in a table that is there, the common request, is written here, with one walk. */
enum pagetable_result pagetable_map(struct pagetable *table, uint64_t address, uint64_t output,
                                    uint64_t size, uint64_t attributes, uint32_t bound,
                                    struct pagetable_progress *progress)
{
    const struct pagetable_format *format = format_of(table);
    unsigned int height = height_of(table, size);
    volatile uint64_t *entry = NULL;

    if (height != NO_HEIGHT && is_aligned(address | output, size))
        entry = reach(table, address, height);
    if (entry == NULL || is_present(format, *entry))
        return map_any(table, address, output, size, attributes, bound, progress);
    record_of(table, entry)->entries++;
    entry_write64(entry, output | attributes | leaf_bits(format, height));
    barrier_entries();
    table->mapped += size;
    progress->done = progress->bytes = size;
    progress->leaves = 1;
    return PAGETABLE_OK;
}

struct unmapping {
    struct pagetable *table;
    struct pagetable_progress *progress;
    uint64_t address, end;
    uint32_t left;
};

/* True if a walk to address that ended at position stands inside a leaf that begins before address. */
static bool is_inside_leaf(const struct pagetable *table, uint64_t address,
                           struct position position)
{
    return is_present(format_of(table), *position.entry) &&
           !is_aligned(address, span(format_of(table), position.height));
}

/* True if the end of the range cuts a leaf. first: where a walk to its beginning ended; where
 * both lie among the pages of one table no leaf is larger than a page, and no second walk is
 * needed. */
static bool cuts_end(const struct pagetable *table, const struct unmapping *u,
                     struct position first)
{
    const struct pagetable_format *format = format_of(table);
    bool same_table = first.height == 0 && table->height > 0 &&
                      align_down(u->address, span(format, 1)) ==
                          align_down(u->end - 1, span(format, 1));

    if (u->end == table->limit || same_table ||
        u->end == align_down(u->address, span(format, first.height)) + span(format, first.height))
        return false;
    return is_inside_leaf(table, u->end, descend(table, u->end, 0));
}

/* [address, +size) lost leaves: it must be invalidated. Stretches come in ascending order. */
static void note_removed(struct pagetable_progress *progress, uint64_t address, uint64_t size)
{
    if (progress->end == 0)
        progress->first = address;
    progress->end = address + size;
}

/* Takes out of the tree the table below the entry for address at `height`, and every one above it
 * that this leaves empty. */
static void unlink_table(struct unmapping *u, uint64_t address, unsigned int height)
{
    struct pagetable *table = u->table;

    for (unsigned int h = height; h <= table->height; h++) {
        volatile uint64_t *entry = descend(table, address, h).entry;
        uint64_t page = *entry & format_of(table)->address_mask;

        store(table, entry, 0);
        page_list_add(table->pool, &u->progress->freed, page);
        u->progress->tables_freed = true;
        if (--record_of(table, entry)->entries != 0)
            break;
    }
}

/* Drops the whole table of pages that position stands in: one store instead of one a page. */
static void drop_table(struct unmapping *u, struct position position)
{
    struct pagetable *table = u->table;
    uint64_t size = span(format_of(table), 1);
    uint32_t entries = record_of(table, position.entry)->entries;

    unlink_table(u, u->address, 1);
    note_removed(u->progress, u->address, size);
    u->progress->bytes += (uint64_t)entries * span(format_of(table), 0);
    u->progress->leaves += entries;
    u->address += size;
    u->left--;
}

/* Clears leaves from position on, up to the end of the range, of the table or of the bound. */
static void clear_leaves(struct unmapping *u, struct position position)
{
    struct pagetable *table = u->table;
    const struct pagetable_format *format = format_of(table);
    uint64_t step = span(format, position.height), address = u->address;
    uint64_t room = position.height < table->height
                        ? BIT(format->level_bits) - index_at(table, address, position.height)
                        : UINT32_MAX;
    uint64_t wanted = (u->end - address) >> span_shift(format, position.height);
    uint32_t count = (uint32_t)min_u64(min_u64(wanted, room), u->left);
    uint32_t cleared = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = position.entry[i];

        if (!is_present(format, value))
            continue;
        if (!is_leaf(format, value, position.height)) {
            count = i;
            break;
        }
        store(table, &position.entry[i], 0);
        note_removed(u->progress, address + i * step, step);
        cleared++;
    }
    u->left -= count;
    u->address += count * step;
    u->progress->bytes += cleared * step;
    u->progress->leaves += cleared;
    struct page_record *record = record_of(table, position.entry);

    record->entries -= cleared;
    if (record->entries == 0) /* of the root: nothing stands above it */
        unlink_table(u, address, position.height + 1);
}

/* One step from where a walk to u->address ended. */
static void unmap_step(struct unmapping *u, struct position position)
{
    struct pagetable *table = u->table;
    const struct pagetable_format *format = format_of(table);

    if (position.height == 0 && table->height > 0 && is_aligned(u->address, span(format, 1)) &&
        u->end - u->address >= span(format, 1)) {
        drop_table(u, position);
    } else if (is_present(format, *position.entry)) {
        clear_leaves(u, position);
    } else {
        uint64_t hole = span(format, position.height);

        u->address = min_u64(u->end, align_down(u->address, hole) + hole);
        u->left--;
    }
}

/* Any request. */
static __attribute__((noinline)) enum pagetable_result unmap_any(
    struct pagetable *table, uint64_t address, uint64_t size, uint32_t bound,
    struct pagetable_progress *progress)
{
    struct unmapping u = {
        .table = table,
        .progress = progress,
        .address = address,
        .end = address + size,
        .left = bound,
    };
    struct position position = descend(table, address, 0);

    *progress = (struct pagetable_progress){ .freed = PAGE_LIST_EMPTY };
    if (is_inside_leaf(table, address, position) || cuts_end(table, &u, position))
        return PAGETABLE_CUT;
    for (;;) {
        unmap_step(&u, position);
        if (u.address >= u.end || u.left == 0)
            break;
        position = descend(table, u.address, 0);
    }
    barrier_entries();
    progress->done = u.address - address;
    progress->steps = bound - u.left;
    table->mapped -= progress->bytes;
    return u.address < u.end ? PAGETABLE_MORE : PAGETABLE_OK;
}

/* One leaf that is not its table's last, the common request, is cleared here, with one walk. */
enum pagetable_result pagetable_unmap(struct pagetable *table, uint64_t address, uint64_t size,
                                      uint32_t bound, struct pagetable_progress *progress)
{
    const struct pagetable_format *format = format_of(table);
    unsigned int height = height_of(table, size);
    volatile uint64_t *entry = NULL;

    if (height != NO_HEIGHT && is_aligned(address, size))
        entry = reach(table, address, height);
    if (entry == NULL)
        return unmap_any(table, address, size, bound, progress);
    uint64_t value = *entry;
    struct page_record *record = record_of(table, entry);

    if (!is_present(format, value) || !is_leaf(format, value, height) || record->entries == 1)
        return unmap_any(table, address, size, bound, progress);
    record->entries--;
    entry_write64(entry, 0);
    barrier_entries();
    table->mapped -= size;
    *progress = (struct pagetable_progress){ .done = size,
                                             .bytes = size,
                                             .leaves = 1,
                                             .steps = 1,
                                             .first = address,
                                             .end = address + size,
                                             .freed = PAGE_LIST_EMPTY };
    return PAGETABLE_OK;
}

void pagetable_pages_open(struct pagetable_pages *pages, struct pagetable *table, uint64_t address)
{
    uint64_t size = span(format_of(table), 1);
    volatile uint64_t *entry = table->coherent && table->height > 0
                                   ? reach(table, align_down(address, size), 0)
                                   : NULL;

    *pages = (struct pagetable_pages){ .table = table };
    if (entry != NULL)
        *pages = (struct pagetable_pages){ .table = table,
                                           .entry = entry,
                                           .first = align_down(address, size),
                                           .size = size,
                                           .entries = record_of(table, entry)->entries };
}

void pagetable_pages_close(struct pagetable_pages *pages)
{
    if (pages->size == 0)
        return;
    struct page_record *record = record_of(pages->table, pages->entry);

    pages->table->mapped += ((uint64_t)pages->entries - record->entries) << PAGE_SHIFT;
    record->entries = pages->entries;
    barrier_entries();
    pages->size = 0;
}

struct pagetable_place pagetable_walk(const struct pagetable *table, uint64_t address)
{
    struct position position = descend(table, address, 0);

    return (struct pagetable_place){ .entry = position.entry, .height = position.height };
}

bool pagetable_lookup(const struct pagetable *table, uint64_t address, uint64_t *entry,
                      uint64_t *leaf_size)
{
    if (address >= table->limit)
        return false;
    struct position position = descend(table, address, 0);

    if (!is_present(format_of(table), *position.entry))
        return false;
    *entry = *position.entry;
    *leaf_size = span(format_of(table), position.height);
    return true;
}

void pagetable_release(struct pagetable *table, struct page_list *freed)
{
    page_list_add(table->pool, freed, table->root);
    table->root = 0;
}
