/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stream reaches, kept incrementally. The model is asked for one stream at a time, and each word
 * that it reads for the answer is noted: by page for tables; entries of the stream table are found by
 * their address (entries.c). A store to anything else changes nothing of the stream's reach.
 *
 * What the unit fetches into its caches does not change a reach: a reach is what memory and caches allow
 * together. What it drops does, where the dropped was more than memory allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define HOST_PAGES (HOST_MEMORY_SIZE >> PAGE_SHIFT)

/* Which watched streams stood on a page, by their bits. */
static uint64_t watch[HOST_PAGES][WATCHED / 64];
/* The run under way: whose reads are noted. */
static struct stream *running;
static uint64_t first_level, entry_address;
static uint64_t last_page;

struct stream *reach_stream(unsigned int unit, uint32_t id)
{
    struct stream **slot = &observer.unit[unit].stream[id];

    if (*slot == NULL) {
        struct stream *stream = calloc(1, sizeof(*stream));

        assert_non_null(stream);
        assert_true(observer.watched_count < WATCHED);
        stream->unit = unit;
        stream->id = id;
        stream->index = observer.watched_count;
        observer.watched[observer.watched_count++] = stream;
        *slot = stream;
        entries_learn(stream);
    }
    return *slot;
}

/* ---- What a run stood on -------------------------------------------------------------------------- */

static bool page_number(uint64_t address, uint32_t *number)
{
    *number = (uint32_t)((address - HOST_MEMORY_BASE) >> PAGE_SHIFT);
    return address - HOST_MEMORY_BASE < HOST_MEMORY_SIZE;
}

static void note_page(struct stream *stream, uint32_t page)
{
    uint64_t *word = &watch[page][stream->index / 64];
    uint64_t bit = BIT(stream->index % 64);

    if ((*word & bit) != 0)
        return;
    *word |= bit;
    if (stream->page_count == stream->page_room) {
        stream->page_room = stream->page_room != 0 ? 2 * stream->page_room : 16;
        stream->page = realloc(stream->page, stream->page_room * sizeof(*stream->page));
        assert_non_null(stream->page);
    }
    stream->page[stream->page_count++] = page;
}

static void forget_pages(struct stream *stream)
{
    for (unsigned int i = 0; i < stream->page_count; i++)
        watch[stream->page[i]][stream->index / 64] &= ~BIT(stream->index % 64);
    stream->page_count = 0;
}

void reach_audited(unsigned int unit, uint64_t address)
{
    uint32_t page;

    if (running == NULL || running->unit != unit || align_down(address, PAGE_SIZE) == last_page ||
        address == first_level || address - entry_address < DECODE_STE_WORDS * sizeof(uint64_t))
        return;
    last_page = align_down(address, PAGE_SIZE);
    if (page_number(address, &page) && !entries_overlap(unit, address, sizeof(uint64_t)))
        note_page(running, page);
}

bool reach_is_walked(uint64_t page)
{
    uint32_t number;
    uint64_t any = 0;

    if (!page_number(page, &number))
        return false;
    for (unsigned int i = 0; i < ARRAY_LENGTH(watch[0]); i++)
        any |= watch[number][i];
    return any != 0;
}

/* ---- One stream ----------------------------------------------------------------------------------- */

struct answer {
    struct pieces memory, all;
};

static void collect(void *context, const struct smmuv3_model_reach *found)
{
    struct answer *answer = context;
    struct piece piece = { .iova = found->iova,
                           .address = found->address,
                           .size = found->size,
                           .pasid = found->ssv ? found->substream_id : BH_PASID_NONE };

    /* To fetch instructions is to read. */
    piece.access = (found->readable ? BH_MAP_READ : 0) | (found->writable ? BH_MAP_WRITE : 0);
    if (piece.access == 0)
        return;
    pieces_add(&answer->all, piece);
    if (found->source == SMMUV3_MODEL_REACH_MEMORY)
        pieces_add(&answer->memory, piece);
}

static bool ask(unsigned int unit, uint32_t id, struct answer *answer)
{
    bool complete;

    pieces_clear(&answer->memory);
    pieces_clear(&answer->all);
    complete = smmuv3_model_reach(machine.unit[unit], id, collect, answer);
    pieces_canonical(&answer->memory);
    pieces_canonical(&answer->all);
    return complete;
}

static bool same(const struct pieces *a, const struct pieces *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->item, b->item, a->count * sizeof(*a->item)) == 0);
}

/* A unit that is off treats all streams alike. */
static bool compute_disabled(unsigned int unit)
{
    static struct answer answer;

    if (observer.unit[unit].enabled)
        return false;
    ask(unit, 0, &answer);
    judge_disabled(unit, &answer.all);
    return true;
}

/* In the midst of a replace: all that it had is there, or all that it is to have, unless it is blocked. */
static void note_blocked(struct stream *stream)
{
    static struct pieces old, new;
    struct piece lacking;

    if (ledger_both(stream->unit, stream->id, &old, &new) &&
        pieces_lacks(&stream->memory, &old, &lacking) &&
        pieces_lacks(&stream->memory, &new, &lacking))
        stream->history.blocked = true;
}

/* Something was reached while that stood in memory. It may have been through what the unit still has of the entry before:
 * the parked root has nothing in it. */
static void note_used(unsigned int unit, const struct translation *now)
{
    uint64_t root[PAGE_SIZE / sizeof(uint64_t)];
    bool empty = true;

    if (!now->valid || observer.unit[unit].tag[now->tag].used)
        return;
    observer_read(unit, now->root, root, ARRAY_LENGTH(root));
    for (unsigned int i = 0; i < ARRAY_LENGTH(root); i++)
        empty = empty && root[i] == 0;
    observer.unit[unit].tag[now->tag].used = !empty;
}

static void refresh(struct stream *stream)
{
    struct answer answer = { .memory = stream->memory, .all = stream->all };

    observer.counts.reaches++;
    forget_pages(stream);
    running = stream;
    entry_address = entries_address(stream->unit, stream->id, &first_level);
    last_page = 0;
    stream->complete = ask(stream->unit, stream->id, &answer);
    running = NULL;
    stream->memory = answer.memory;
    stream->all = answer.all;
    if (stream->all.count != 0 && stream->history.known) {
        struct translation now = entries_now(stream);

        note_used(stream->unit, &now);
    }
    if (stream->history.replaces != 0)
        note_blocked(stream);
    for (unsigned int i = 0; i < stream->page_count; i++) {
        uint64_t page = HOST_MEMORY_BASE + ((uint64_t)stream->page[i] << PAGE_SHIFT);

        if (pages_free(page))
            judge_page_free(stream, page);
    }
    judge_stream(stream);
}

void reach_compute(unsigned int unit, uint32_t id)
{
    static struct answer answer;
    struct stream *stream = observer.unit[unit].stream[id];
    bool complete;

    if (compute_disabled(unit))
        return;
    if (stream == NULL) {
        complete = ask(unit, id, &answer);
        observer.counts.reaches++;
        if (complete && answer.all.count == 0)
            return;
        stream = reach_stream(unit, id);
    }
    refresh(stream);
}

/* Every watched stream that stood on the page. */
void reach_store(unsigned int unit, uint64_t address)
{
    uint32_t page;

    if (observer.broken || !page_number(address, &page))
        return;
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        struct stream *stream = observer.watched[i];

        if (stream->unit == unit && (watch[page][i / 64] & BIT(i % 64)) != 0 &&
            !compute_disabled(unit))
            refresh(stream);
    }
}

/* ---- All of them ---------------------------------------------------------------------------------- */

static void compare_stream(unsigned int unit, uint32_t id)
{
    static struct answer answer;
    const struct stream *stream = observer.unit[unit].stream[id];
    struct piece lacking = { 0 };

    ask(unit, id, &answer);
    if (stream == NULL && answer.all.count == 0)
        return;
    if (stream != NULL && same(&answer.all, &stream->all) && same(&answer.memory, &stream->memory))
        return;
    if (stream == NULL)
        stream = reach_stream(unit, id);
    if (!pieces_lacks(&stream->all, &answer.all, &lacking) &&
        !pieces_lacks(&answer.all, &stream->all, &lacking) &&
        !pieces_lacks(&stream->memory, &answer.memory, &lacking))
        pieces_lacks(&answer.memory, &stream->memory, &lacking);
    report_violation(ITSELF, stream, &lacking,
                     "computed afresh, the stream's reach differs from the one that was kept");
}

/* compare: against what is kept. Else it is computed and judged. */
void reach_all(unsigned int unit, bool compare)
{
    uint32_t streams = (uint32_t)BIT(observer.unit[unit].table.log2_size);

    if (compute_disabled(unit))
        return;
    observer.counts.full_passes++;
    for (uint32_t id = 0; id < streams && id < STREAMS; id++) {
        if (compare)
            compare_stream(unit, id);
        else
            reach_compute(unit, id);
    }
}

/* Something was dropped from the caches: it matters where they allowed more than memory. */
void reach_cached_part(unsigned int unit)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        struct stream *stream = observer.watched[i];

        if (stream->unit == unit && !same(&stream->all, &stream->memory) && !compute_disabled(unit))
            refresh(stream);
    }
}

void reach_watched(unsigned int unit)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        if (observer.watched[i]->unit == unit && !compute_disabled(unit))
            refresh(observer.watched[i]);
    }
}

/* ---- The unit fetches ------------------------------------------------------------------------------- */

/* At most so many leaves of what the stream reaches, spread over all of it, go into the unit's caches. */
void reach_fetch(const struct stream *stream, unsigned int most)
{
    const struct pieces *pieces = &stream->memory;
    unsigned int (*choose)(const char *what, unsigned int count) = host_choose;

    if (!observer.fetching || !observer.unit[stream->unit].enabled)
        return;
    /* What the unit reads now must not make other stores visible in the midst of an event. */
    host_choose = NULL;
    if (pieces->count == 0) {
        smmuv3_model_prefetch(machine.unit[stream->unit], stream->id,
                              observer_random(64) << PAGE_SHIFT);
        observer.counts.fetches++;
    }
    for (unsigned int i = 0; i < pieces->count && most > 0; i++) {
        const struct piece *piece = &pieces->item[i];
        uint64_t pages = piece->size >> PAGE_SHIFT;
        unsigned int share = (unsigned int)min_u64(pages,
                                                   (most + pieces->count - 1) / pieces->count);

        for (unsigned int n = 0; n < share; n++) {
            uint64_t page = share == pages ? n : n == 0 ? 0 : observer_random(pages);

            smmuv3_model_prefetch(machine.unit[stream->unit], stream->id,
                                  piece->iova + (page << PAGE_SHIFT));
            observer.counts.fetches++;
        }
    }
    host_choose = choose;
}
