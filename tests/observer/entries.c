/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream tables as the registers name them, and what has stood in each entry. The unit reads an entry word
 * by word and may keep any word until a CFGI of the stream has been consumed and a later CMD_SYNC has
 * completed: all mixtures of the words since then count (I11, I1).
 */
#include <string.h>

#include "internal.h"

#define LEVEL2_LIMIT 512
#define MIXTURE_STEPS 65536
#define STE_BYTES (DECODE_STE_WORDS * sizeof(uint64_t))

/* Second-level tables as the descriptors say now. */
struct level2 {
    uint32_t first, count;
    uint64_t base;
};

static struct level2 level2[UNITS][LEVEL2_LIMIT];
static unsigned int level2_count[UNITS];

/* ---- Where entries lie ------------------------------------------------------------------------------ */

static uint64_t level1_size(const struct decoded_table *table)
{
    return (uint64_t)sizeof(uint64_t)
           << (table->log2_size - min_u64(table->split, table->log2_size));
}

/* Reads the first level anew. */
void entries_base(unsigned int unit)
{
    struct unit *u = &observer.unit[unit];

    u->table = decode_table(u->strtab_base, u->strtab_base_cfg);
    level2_count[unit] = 0;
    if (u->table.base == 0 || u->table.log2_size > 16)
        return;
    if (!u->table.two_level) {
        level2[unit][level2_count[unit]++] = (struct level2){
            .count = (uint32_t)BIT(u->table.log2_size), .base = u->table.base
        };
        return;
    }
    for (uint64_t i = 0; i < level1_size(&u->table) / sizeof(uint64_t); i++) {
        uint64_t descriptor;
        uint32_t count;

        observer_read(unit, u->table.base + i * sizeof(descriptor), &descriptor, 1);
        uint64_t base = decode_level1(&u->table, descriptor, &count);

        if (count == 0)
            continue;
        if (level2_count[unit] == LEVEL2_LIMIT)
            report_violation(ITSELF, NULL, NULL,
                             "unit %u has more than %u second-level stream tables", unit,
                             LEVEL2_LIMIT);
        level2[unit][level2_count[unit]++] = (struct level2){
            .first = (uint32_t)(i << u->table.split), .count = count, .base = base
        };
    }
}

uint64_t entries_address(unsigned int unit, uint32_t stream, uint64_t *level1)
{
    const struct decoded_table *table = &observer.unit[unit].table;

    *level1 = table->two_level ? table->base + (uint64_t)(stream >> table->split) * sizeof(uint64_t)
                               : 0;
    for (unsigned int i = 0; i < level2_count[unit]; i++) {
        const struct level2 *found = &level2[unit][i];

        if (stream - found->first < found->count)
            return found->base + (stream - found->first) * STE_BYTES;
    }
    return 0;
}

/* The streams that a word of the stream table belongs to. word: of the entry; DECODE_STE_WORDS: it is a
 * first-level descriptor. */
bool entries_find(unsigned int unit, uint64_t address, uint32_t *stream, uint32_t *count,
                  unsigned int *word)
{
    const struct decoded_table *table = &observer.unit[unit].table;

    if (table->two_level && table->base != 0 && address - table->base < level1_size(table)) {
        *stream = (uint32_t)((address - table->base) / sizeof(uint64_t) << table->split);
        *count = (uint32_t)BIT(table->split);
        *word = DECODE_STE_WORDS;
        return true;
    }
    for (unsigned int i = 0; i < level2_count[unit]; i++) {
        const struct level2 *found = &level2[unit][i];

        if (address - found->base < found->count * STE_BYTES) {
            *stream = found->first + (uint32_t)((address - found->base) / STE_BYTES);
            *count = 1;
            *word = (unsigned int)((address - found->base) % STE_BYTES / sizeof(uint64_t));
            return true;
        }
    }
    return false;
}

bool entries_overlap(unsigned int unit, uint64_t address, uint64_t size)
{
    const struct decoded_table *table = &observer.unit[unit].table;

    if (table->two_level && table->base != 0 &&
        range_overlaps(address, size, table->base, level1_size(table)))
        return true;
    for (unsigned int i = 0; i < level2_count[unit]; i++) {
        if (range_overlaps(address, size, level2[unit][i].base, level2[unit][i].count * STE_BYTES))
            return true;
    }
    return false;
}

/* ---- Versions of an entry --------------------------------------------------------------------------- */

/* All that decides where an access goes: what is reported of those that go nowhere is no part of it. A context
 * descriptor that an entry may lead to does not change (look_at_store()). */
static struct translation translation_of(unsigned int unit, const uint64_t words[DECODE_STE_WORDS])
{
    uint64_t context[DECODE_CD_WORDS] = { 0 };
    struct decoded_ste ste = decode_ste(words);
    struct translation translation;

    if (ste.kind == DECODED_STAGE1) {
        observer_read(unit, ste.context, context, DECODE_CD_WORDS);
        decode_cd(&ste, context);
    }
    translation = (struct translation){ .valid = ste.kind != DECODED_NOTHING,
                                        .tag = ste.tag,
                                        .root = ste.root };
    translation.barren = translation.valid && tags_barren(translation.root);
    decode_how(&ste, words, context, translation.how);
    return translation;
}

static bool same_way(const struct translation *a, const struct translation *b)
{
    return memcmp(a->how, b->how, sizeof(a->how)) == 0;
}

static bool same_translation(const struct translation *a, const struct translation *b)
{
    return a->valid == b->valid &&
           (!a->valid || (a->tag == b->tag && a->root == b->root && same_way(a, b)));
}

/* Stage 1 is for units that have no other. */
static bool is_foreign(unsigned int unit, enum decoded_kind kind)
{
    return kind == DECODED_OTHER || (kind == DECODED_STAGE1 && machine.parameters[unit].s2p);
}

static void add_mixture(const struct stream *stream, struct mixtures *mixtures,
                        const uint64_t words[DECODE_STE_WORDS])
{
    struct translation translation = translation_of(stream->unit, words);
    enum decoded_kind kind = decode_ste(words).kind;
    char text[400];

    if (kind == DECODED_BYPASS)
        report_violation(I1, stream, NULL, "its entry may be read as %s",
                         decode_ste_text(words, text, sizeof(text)));
    if (is_foreign(stream->unit, kind))
        report_violation(I3, stream, NULL,
                         "its entry may be read as one with a stage 1, which nobody attached: %s",
                         decode_ste_text(words, text, sizeof(text)));
    mixtures->blocked = mixtures->blocked || !translation.valid || translation.barren;
    if (!translation.valid)
        return;
    for (unsigned int i = 0; i < mixtures->count; i++) {
        if (same_translation(&mixtures->item[i], &translation))
            return;
    }
    if (mixtures->count == MIXTURES)
        report_violation(ITSELF, stream, NULL,
                         "its entry may be read as more than %u translations: too many to follow",
                         MIXTURES);
    mixtures->item[mixtures->count++] = translation;
}

void entries_mixtures(const struct stream *stream, struct mixtures *mixtures)
{
    const struct history *history = &stream->history;
    unsigned int index[DECODE_STE_WORDS] = { 0 };
    uint64_t words[DECODE_STE_WORDS];
    unsigned int word = 0;

    mixtures->count = 0;
    mixtures->blocked = false;
    for (unsigned int step = 0; step < MIXTURE_STEPS && word < DECODE_STE_WORDS; step++) {
        for (unsigned int i = 0; i < DECODE_STE_WORDS; i++)
            words[i] = history->version[index[i]][i];
        add_mixture(stream, mixtures, words);
        for (word = 0; word < DECODE_STE_WORDS; word++) {
            do
                index[word]++;
            while (index[word] < history->count &&
                   history->version[index[word]][word] == history->version[index[word] - 1][word]);
            if (index[word] < history->count)
                break;
            index[word] = 0;
        }
    }
    if (word < DECODE_STE_WORDS)
        report_violation(
            ITSELF, stream, NULL,
            "the words that stood in its entry have more than %u mixtures: too many to "
            "follow",
            MIXTURE_STEPS);
}

static const uint64_t *newest(const struct history *history)
{
    return history->version[history->count - 1];
}

struct translation entries_now(const struct stream *stream)
{
    return translation_of(stream->unit, newest(&stream->history));
}

/* What stands there is what the stream is to have: the next change begins here. */
static void settle(struct history *history, struct translation now)
{
    history->old = now;
    history->seen_count = 0;
    history->passed = 0;
    history->blocked = false;
}

const struct stream *entries_context(unsigned int unit, uint64_t address)
{
    const uint64_t bytes = DECODE_CD_WORDS * sizeof(uint64_t);

    for (unsigned int i = 0; i < observer.watched_count; i++) {
        const struct history *history = &observer.watched[i]->history;

        for (unsigned int n = 0;
             observer.watched[i]->unit == unit && history->known && n < history->count; n++) {
            struct decoded_ste ste = decode_ste(history->version[n]);

            if (ste.kind == DECODED_STAGE1 && address - ste.context < bytes)
                return observer.watched[i];
        }
    }
    return NULL;
}

/* ---- What happens ------------------------------------------------------------------------------------- */

void entries_learn(struct stream *stream)
{
    struct history *history = &stream->history;
    uint64_t level1;

    history->address = entries_address(stream->unit, stream->id, &level1);
    if (history->address == 0)
        return;
    history->known = true;
    history->count = 1;
    history->forgotten = 0;
    observer_read(stream->unit, history->address, history->version[0], DECODE_STE_WORDS);
    history->old = entries_now(stream);
}

/* Streams whose entries lead anywhere already. */
void entries_adopt(unsigned int unit)
{
    uint64_t words[DECODE_STE_WORDS];

    for (unsigned int i = 0; i < level2_count[unit]; i++) {
        const struct level2 *table = &level2[unit][i];

        for (uint32_t n = 0; n < table->count; n++) {
            observer_read(unit, table->base + n * STE_BYTES, words, DECODE_STE_WORDS);
            if (decode_ste(words).kind != DECODED_NOTHING)
                reach_stream(unit, table->first + n);
        }
    }
}

static bool was_seen(const struct history *history, const struct translation *seen)
{
    for (unsigned int i = 0; i < history->seen_count; i++) {
        if (same_translation(&history->seen[i], seen))
            return true;
    }
    return same_translation(&history->old, seen);
}

/* On the way from the old root to one other, by tags that may change. */
static bool is_on_the_way(const struct history *history, const struct translation *seen)
{
    uint64_t other = 0;

    if (history->replaces == 0 || history->seen_count == SEEN || !same_way(seen, &history->old))
        return false;
    for (unsigned int i = 0; i < history->seen_count; i++) {
        if (history->seen[i].root != history->old.root)
            other = history->seen[i].root;
    }
    return seen->root == history->old.root || other == 0 || seen->root == other;
}

/* Over the barren root a tag stands for what the unit has cached under it already: that is what the stream had, where
 * it is the old tag, or what it is to have, where the change ends under it. */
static void pass_barren(struct stream *stream, const struct translation *seen)
{
    struct history *history = &stream->history;

    if (seen->tag == history->old.tag && history->old.valid)
        return;
    if (history->passed != 0 && history->passed != seen->tag)
        report_violation(I11, stream, NULL,
                         "its entry has tag %u over the empty root, then tag %u, in one change",
                         history->passed, seen->tag);
    history->passed = seen->tag;
}

/* What a unit that failed may go on reading, when its entry turns to nothing on the way. */
static bool is_tag_of(const struct translation *translation, uint16_t tag)
{
    return translation->valid && translation->tag == tag;
}

/* The change under way leads from what the stream had to one other translation. */
static void judge_change(struct stream *stream, const struct mixtures *mixtures)
{
    struct history *history = &stream->history;
    struct translation first = translation_of(stream->unit, history->version[0]);
    struct translation last = entries_now(stream);

    history->blocked = history->blocked || mixtures->blocked;
    for (unsigned int i = 0; i < mixtures->count; i++) {
        const struct translation *seen = &mixtures->item[i];

        if (!same_translation(seen, &first) && !same_translation(seen, &last) &&
            !(seen->barren && is_tag_of(&first, seen->tag)))
            report_violation(I11, stream, NULL,
                             "the unit may have read its entry as tag %u over the root 0x%llx: a "
                             "mixture of the words before the change and after it",
                             seen->tag, (unsigned long long)seen->root);
        if (was_seen(history, seen))
            continue;
        if (seen->barren) {
            pass_barren(stream, seen);
            continue;
        }
        if (history->seen_count != 0 && !is_on_the_way(history, seen))
            report_violation(I11, stream, NULL,
                             "its entry translates as tag %u over the root 0x%llx, then as tag %u "
                             "over 0x%llx, in one change",
                             history->seen[history->seen_count - 1].tag,
                             (unsigned long long)history->seen[history->seen_count - 1].root,
                             seen->tag, (unsigned long long)seen->root);
        history->seen[history->seen_count++] = *seen;
    }
}

void entries_store(const struct host_store *store, unsigned int unit, uint32_t stream_id,
                   unsigned int word)
{
    bool fresh = observer.unit[unit].stream[stream_id] == NULL;
    struct stream *stream = reach_stream(unit, stream_id);
    struct history *history = &stream->history;
    struct mixtures mixtures;

    if (!history->known)
        entries_learn(stream);
    if (fresh) { /* it was read with the store in it */
        history->version[0][word] = store->before;
        history->old = entries_now(stream);
    }
    if (observer_quiet() && history->count == 1)
        settle(history, entries_now(stream));
    if (!observer.unit[unit].enabled) { /* nobody reads it */
        history->version[history->count - 1][word] = store->after;
        return;
    }
    if (history->count == VERSIONS)
        report_violation(ITSELF, stream, NULL,
                         "%u stores to its entry without a CFGI and a SYNC: too many to follow",
                         VERSIONS);
    memcpy(history->version[history->count], newest(history), STE_BYTES);
    history->version[history->count++][word] = store->after;
    entries_mixtures(stream, &mixtures);
    judge_change(stream, &mixtures);
    tags_name(stream, &mixtures);
}

/* A completed SYNC: what a CFGI covered is gone. */
static void collapse(struct stream *stream)
{
    struct history *history = &stream->history;
    struct mixtures before, after;

    if (!history->known || history->forgotten == 0)
        return;
    entries_mixtures(stream, &before);
    history->count -= history->forgotten;
    memmove(history->version[0], history->version[history->forgotten], history->count * STE_BYTES);
    history->forgotten = 0;
    entries_mixtures(stream, &after);
    for (unsigned int i = 0; i < before.count; i++) {
        bool kept = false;

        for (unsigned int j = 0; j < after.count; j++)
            kept = kept || after.item[j].tag == before.item[i].tag;
        observer.unit[stream->unit].tag[before.item[i].tag].last_named = observer.now;
        if (!kept && observer.unit[stream->unit].tag[before.item[i].tag].used)
            tags_lose(history, before.item[i].tag);
    }
}

static void complete(unsigned int unit)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        if (observer.watched[i]->unit == unit)
            collapse(observer.watched[i]);
    }
    tags_complete(unit);
}

#define OPCODE_CFGI_STE 0x03
#define OPCODE_CFGI_STE_RANGE 0x04
#define OPCODE_TLBI_NH_ALL 0x10
#define OPCODE_TLBI_NH_ASID 0x11
#define OPCODE_TLBI_S12_VMALL 0x28
#define OPCODE_TLBI_NSNH_ALL 0x30
#define OPCODE_SYNC 0x46

void entries_command(unsigned int unit, const struct smmuv3_model_command *command)
{
    uint64_t first = command->stream_id, count = 1;

    if (command->illegal)
        return;
    switch (command->opcode) {
    case OPCODE_TLBI_NH_ALL:
    case OPCODE_TLBI_NH_ASID:
        if (!machine.parameters[unit].s2p)
            tags_flush(unit, command->opcode == OPCODE_TLBI_NH_ALL, command->asid);
        return;
    case OPCODE_CFGI_STE_RANGE:
        count = BIT(command->range + 1);
        first = align_down(first, count);
        break;
    case OPCODE_CFGI_STE:
        break;
    case OPCODE_TLBI_S12_VMALL:
    case OPCODE_TLBI_NSNH_ALL:
        tags_flush(unit, command->opcode == OPCODE_TLBI_NSNH_ALL, command->vmid);
        return;
    case OPCODE_SYNC:
        complete(unit);
        return;
    default:
        return;
    }
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        struct stream *stream = observer.watched[i];

        if (stream->unit == unit && stream->id - first < count && stream->history.known)
            stream->history.forgotten = stream->history.count - 1;
    }
}

/* No change of the stream's entry is under way: it is what it is to be. */
void entries_quiet(struct stream *stream)
{
    struct history *history = &stream->history;
    struct translation now;

    if (!history->known || !observer.unit[stream->unit].enabled)
        return;
    now = entries_now(stream);
    for (unsigned int i = 0; now.valid && i < history->seen_count; i++) {
        const struct translation *seen = &history->seen[i];

        if (!same_translation(seen, &now) && !same_translation(seen, &history->old))
            report_violation(I11, stream, NULL,
                             "the change of its entry led through tag %u over the root 0x%llx, "
                             "which is neither what it was nor what it is now",
                             seen->tag, (unsigned long long)seen->root);
    }
    if (now.valid && history->passed != 0 && history->passed != now.tag)
        report_violation(I11, stream, NULL,
                         "the change of its entry led through tag %u over the empty root, which is "
                         "the tag of neither what it was nor what it is now",
                         history->passed);
    settle(history, now);
}

/* ---- Replace ------------------------------------------------------------------------------------------ */

void entries_replace_begins(struct stream *stream)
{
    stream->history.replaces++;
    stream->history.blocked = false;
}

/* A tag that was neither the old one nor is the new one has named these two roots, and is clean again. */
static void judge_passed(const struct stream *stream, const struct translation *seen,
                         const struct translation *now)
{
    const struct translation *old = &stream->history.old;

    if (seen->tag == now->tag || (seen->root != old->root && seen->root != now->root))
        report_violation(I11, stream, NULL,
                         "the replace led through tag %u over the root 0x%llx, which is neither "
                         "what the stream had nor what it has now",
                         seen->tag, (unsigned long long)seen->root);
    tags_passed(stream, seen->tag);
}

void entries_replaced(struct stream *stream, bool done, bool hitless)
{
    struct history *history = &stream->history;
    struct translation now;

    if (history->replaces == 0 || --history->replaces != 0 || !history->known ||
        !observer.unit[stream->unit].enabled)
        return;
    if (done && hitless && history->blocked)
        report_violation(
            I11, stream, NULL,
            "replace says that it was hitless, and the stream's accesses may have been "
            "blocked at some moment of it");
    now = entries_now(stream);
    for (unsigned int i = 0; i < history->seen_count; i++) {
        if (!same_translation(&history->seen[i], &now) &&
            !same_translation(&history->seen[i], &history->old))
            judge_passed(stream, &history->seen[i], &now);
    }
    settle(history, now);
}

/* A call that parked the stream has returned. */
void entries_parked(const struct stream *stream)
{
    const struct history *history = &stream->history;
    const struct unit *unit = &observer.unit[stream->unit];
    struct mixtures mixtures;
    struct translation now;

    if (!history->known || !unit->enabled)
        return;
    now = entries_now(stream);
    entries_mixtures(stream, &mixtures);
    for (unsigned int i = 0; i < mixtures.count; i++) {
        const struct translation *seen = &mixtures.item[i];

        if (!same_translation(seen, &now) && unit->tag[seen->tag].used)
            report_violation(
                I4, stream, NULL,
                "it is parked, and the unit may still have its entry as it was: tag %u "
                "over the root 0x%llx; no CFGI_STE of it and SYNC have followed",
                seen->tag, (unsigned long long)seen->root);
    }
    for (unsigned int i = 0; i < history->lost_count; i++)
        report_violation(
            I4, stream, NULL,
            "it is parked, and its last accesses may be under way: since its entry left "
            "tag %u, no TLBI of that tag and SYNC have completed",
            history->lost[i].tag);
}
