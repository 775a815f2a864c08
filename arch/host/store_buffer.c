/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/store_buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/host/behind_caches.h"
#include "arch/host/host.h"
#include "arch/seam.h"

/* Real buffers are smaller; when this one is full, its oldest store becomes visible. */
#define LIMIT 1024
#define FILTER 4096

/* A store on its way through one stage. */
struct pending {
    struct host_store store; /* before: what the view sees; after: what was stored */
    bool hindered;           /* an older one to the same word must become visible first */
    bool cleaned;            /* a cache_clean() has covered it, ... */
    unsigned int cleaner;    /* ... of this CPU, whose next barrier completes it */
};

/* A stage holds its stores in the order in which they were made. */
struct stage {
    unsigned int count;
    unsigned int legal;      /* how many of them are not hindered */
    uint16_t filter[FILTER]; /* how many of them have an address with this hash */
    struct pending item[LIMIT];
};

static enum host_stores mode;
static struct stage buffered; /* seen by no hardware */
static struct stage cached;   /* seen by coherent hardware; only if some is not */
static uint64_t sequence;

void (*host_visible)(const struct host_store *store);

static uint16_t *filter_of(struct stage *stage, uint64_t address)
{
    return &stage->filter[(address >> 3) % FILTER];
}

/* The oldest store of the stage to a word, or NULL. */
static struct pending *oldest_to(struct stage *stage, uint64_t word)
{
    if (*filter_of(stage, word) == 0)
        return NULL;
    for (unsigned int i = 0; i < stage->count; i++) {
        if (stage->item[i].store.address == word)
            return &stage->item[i];
    }
    return NULL;
}

static void put(struct stage *stage, const struct pending *pending)
{
    struct pending *added = &stage->item[stage->count];

    *added = *pending;
    added->hindered = oldest_to(stage, added->store.address) != NULL;
    stage->legal += !added->hindered;
    stage->count++;
    ++*filter_of(stage, added->store.address);
}

static struct pending take(struct stage *stage, unsigned int index)
{
    struct pending taken = stage->item[index], *next;

    stage->count--;
    memmove(&stage->item[index], &stage->item[index + 1],
            (stage->count - index) * sizeof(stage->item[0]));
    --*filter_of(stage, taken.store.address);
    next = oldest_to(stage, taken.store.address);
    stage->legal -= !taken.hindered;
    if (next != NULL && next->hindered) {
        next->hindered = false;
        stage->legal++;
    }
    return taken;
}

static __attribute__((no_sanitize_address)) uint64_t *word_at(uint64_t address)
{
    return memory_pointer(address);
}

/* ---- What hardware sees ---------------------------------------------------------------------- */

/* The word as coherent hardware sees it. */
static __attribute__((no_sanitize_address)) uint64_t seen(uint64_t word)
{
    const struct pending *oldest = oldest_to(&buffered, word);

    return oldest != NULL ? oldest->store.before : *(volatile uint64_t *)word_at(word);
}

static uint64_t look(enum host_view view, uint64_t word)
{
    return view == HOST_VIEW_COHERENT ? seen(word) : behind_caches_get(word);
}

/* A device's write comes before the stores that nobody has seen yet. */
static __attribute__((no_sanitize_address)) void write_word(enum host_view view, uint64_t word,
                                                            uint64_t value)
{
    struct pending *oldest = oldest_to(&buffered, word);

    if (view == HOST_VIEW_MEMORY) {
        behind_caches_write(word, value);
        return;
    }
    if (oldest != NULL)
        oldest->store.before = value;
    else
        *(volatile uint64_t *)word_at(word) = value;
    behind_caches_put(word, value);
}

/* The part of [address + done, address + size) that lies in one word. */
struct part {
    uint64_t word;
    size_t skip, length;
};

static struct part part_at(uint64_t address, size_t done, size_t size)
{
    uint64_t word = align_down(address + done, 8);
    size_t skip = address + done - word;

    return (struct part){ .word = word, .skip = skip, .length = min_u64(8 - skip, size - done) };
}

void host_view_read(enum host_view view, uint64_t address, void *data, size_t size)
{
    unsigned char *bytes = data;

    for (size_t done = 0; done < size;) {
        struct part part = part_at(address, done, size);
        uint64_t value = look(view, part.word);

        memcpy(bytes + done, (const unsigned char *)&value + part.skip, part.length);
        done += part.length;
    }
}

void host_view_write(enum host_view view, uint64_t address, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t done = 0; done < size;) {
        struct part part = part_at(address, done, size);
        uint64_t value = look(view, part.word);

        memcpy((unsigned char *)&value + part.skip, bytes + done, part.length);
        write_word(view, part.word, value);
        done += part.length;
    }
}

/* ---- Becoming visible ------------------------------------------------------------------------- */

static void write_back(unsigned int index)
{
    struct host_store store = take(&cached, index).store;

    store.view = HOST_VIEW_MEMORY;
    store.before = behind_caches_get(store.address);
    behind_caches_put(store.address, store.after);
    if (host_visible != NULL)
        host_visible(&store);
}

static void report_coherent(const struct pending *pending)
{
    struct host_store store = pending->store;

    if (behind_caches_covers(store.address)) {
        if (cached.count == LIMIT)
            write_back(0);
        put(&cached, pending);
    }
    /* A plain store to the same word since then shows with it. */
    store.after = seen(store.address);
    if (host_visible != NULL)
        host_visible(&store);
}

static void become_visible(unsigned int index)
{
    struct pending pending = take(&buffered, index);

    report_coherent(&pending);
}

/* Which stores are meant: those that a CPU made, or cleaned, before a moment. */
struct scope {
    bool any; /* all */
    unsigned int cpu;
    uint64_t before;
};

static const struct scope all = { .any = true };

static bool is_in(const struct scope *scope, const struct stage *stage, unsigned int index)
{
    const struct pending *pending = &stage->item[index];

    if (scope->any)
        return true;
    if (stage == &buffered)
        return pending->store.cpu == scope->cpu && pending->store.sequence < scope->before;
    return pending->cleaned && pending->cleaner == scope->cpu;
}

static bool is_meant(const struct stage *stage, unsigned int index, const struct scope *scope)
{
    return !stage->item[index].hindered && is_in(scope, stage, index);
}

/* The n-th legal store of a stage among those that are meant; the stage's count: there are not so
 * many. */
static unsigned int legal_at(const struct stage *stage, const struct scope *scope, unsigned int n)
{
    unsigned int i;

    for (i = 0; i < stage->count; i++) {
        if (is_meant(stage, i, scope) && n-- == 0)
            break;
    }
    return i;
}

static unsigned int legal_count(const struct stage *stage, const struct scope *scope)
{
    unsigned int count = 0;

    if (scope->any)
        return stage->legal;
    for (unsigned int i = 0; i < stage->count; i++)
        count += is_meant(stage, i, scope);
    return count;
}

static unsigned int choose(const char *what, unsigned int count)
{
    return mode == HOST_STORES_SCHEDULED && host_choose != NULL && count > 1
               ? host_choose(what, count)
               : 0;
}

/* The store that holds back one that is meant: an older one to the same word, by another CPU. The
 * stage's count: nothing that is meant is left. */
static unsigned int hindrance(const struct stage *stage, const struct scope *scope)
{
    unsigned int meant = 0, oldest = 0;

    while (meant < stage->count && !is_in(scope, stage, meant))
        meant++;
    if (meant == stage->count)
        return meant;
    while (stage->item[oldest].store.address != stage->item[meant].store.address)
        oldest++;
    return oldest;
}

static void drain(struct stage *stage, const struct scope *scope, void (*deed)(unsigned int index))
{
    for (;;) {
        unsigned int count = legal_count(stage, scope);
        unsigned int index = count != 0 ? legal_at(stage, scope,
                                                   choose("order of stores at a barrier", count))
                                        : hindrance(stage, scope);

        if (index == stage->count)
            return;
        deed(index);
    }
}

uint64_t host_stores_sequence(void)
{
    return sequence;
}

void host_stores_complete(unsigned int cpu, uint64_t before)
{
    const struct scope scope = { .cpu = cpu, .before = before };

    drain(&buffered, &scope, become_visible);
}

void host_stores_barrier(void)
{
    const struct scope scope = { .cpu = host_cpu };

    host_stores_complete(host_cpu, sequence);
    drain(&cached, &scope, write_back);
}

unsigned int host_stores_legal(void)
{
    return legal_count(&buffered, &all) + legal_count(&cached, &all);
}

struct host_store host_stores_at(unsigned int n)
{
    unsigned int first = legal_count(&buffered, &all);
    struct host_store store;

    if (n < first)
        return buffered.item[legal_at(&buffered, &all, n)].store;
    store = cached.item[legal_at(&cached, &all, n - first)].store;
    store.view = HOST_VIEW_MEMORY;
    store.before = behind_caches_get(store.address);
    return store;
}

void host_stores_release(unsigned int n)
{
    unsigned int first = legal_count(&buffered, &all);

    if (n < first)
        become_visible(legal_at(&buffered, &all, n));
    else
        write_back(legal_at(&cached, &all, n - first));
}

void host_stores_release_all(void)
{
    while (buffered.count != 0)
        become_visible(0);
    while (cached.count != 0)
        write_back(0);
}

void host_stores_moment(void)
{
    unsigned int count, chosen;

    if (mode != HOST_STORES_SCHEDULED || host_choose == NULL)
        return;
    while ((count = host_stores_legal()) != 0 &&
           (chosen = host_choose("store to become visible", count + 1)) != 0)
        host_stores_release(chosen - 1);
}

/* ---- What CPUs do ------------------------------------------------------------------------------ */

void host_store(volatile uint64_t *entry, uint64_t value, const void *const *callers)
{
    struct pending pending = { .store = { .address = memory_physical(entry),
                                          .before = *entry,
                                          .after = value,
                                          .cpu = host_cpu,
                                          .sequence = sequence } };

    sequence++;
    for (unsigned int i = 0; i < HOST_STORE_CALLERS; i++)
        pending.store.caller[i] = callers[i];
    *entry = value;
    if (mode == HOST_STORES_IMMEDIATE) {
        report_coherent(&pending);
        return;
    }
    if (buffered.count == LIMIT)
        become_visible(0);
    put(&buffered, &pending);
}

void host_stores_mode(enum host_stores wanted)
{
    while (buffered.count != 0)
        become_visible(0);
    mode = wanted;
}

/* Notes for the next barrier which stores of a stage a cleaning covers. */
static void mark_cleaned(struct stage *stage, uint64_t address, uint64_t size)
{
    for (unsigned int i = 0; i < stage->count; i++) {
        struct pending *pending = &stage->item[i];

        if (pending->store.address - address >= size)
            continue;
        /* A store that another CPU still keeps to itself is in no cache yet. */
        if (stage == &buffered && pending->store.cpu != host_cpu)
            continue;
        pending->cleaned = true;
        pending->cleaner = host_cpu;
    }
}

void host_stores_clean(uint64_t address, uint64_t size, bool invalidate)
{
    uint64_t end = address + size;

    address = align_down(address, 8);
    if (!behind_caches_covers(address))
        return;
    mark_cleaned(&buffered, address, end - address);
    mark_cleaned(&cached, address, end - address);
    for (uint64_t word = address; word < end; word += 8) {
        /* Entries wait for the barrier; plain data gets there now. */
        if (*filter_of(&buffered, word) + *filter_of(&cached, word) != 0 &&
            (oldest_to(&buffered, word) != NULL || oldest_to(&cached, word) != NULL))
            continue;
        behind_caches_clean(word, invalidate);
    }
    host_stores_moment();
}

void host_stores_reset(void)
{
    mode = HOST_STORES_IMMEDIATE;
    memset(&buffered, 0, sizeof(buffered));
    memset(&cached, 0, sizeof(cached));
    sequence = 0;
    host_visible = NULL;
    behind_caches_stop();
}

void host_noncoherent_start(void)
{
    host_stores_release_all();
    behind_caches_start();
}

const char *host_store_text(const struct host_store *store, char *text, size_t size)
{
    int used = snprintf(text, size, "store %llu of CPU %u to 0x%llx%s: 0x%llx -> 0x%llx by",
                        (unsigned long long)store->sequence, store->cpu,
                        (unsigned long long)store->address,
                        store->view == HOST_VIEW_MEMORY ? " in memory" : "",
                        (unsigned long long)store->before, (unsigned long long)store->after);

    for (unsigned int i = 0; i < HOST_STORE_CALLERS && store->caller[i] != NULL; i++) {
        if (used < 0 || (size_t)used >= size)
            break;
        used += snprintf(text + used, size - (size_t)used, "%s %s", i == 0 ? "" : " <",
                         host_symbol(store->caller[i]));
    }
    return text;
}
