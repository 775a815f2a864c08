/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tags: which root each names, by the entries of the stream table and by what the unit has cached; and
 * whether a TLBI of it has completed since an entry named it last (I4, I5).
 */
#include "internal.h"

/* ---- Who names them --------------------------------------------------------------------------------------------- */

static const struct stream *named_by(unsigned int unit, uint16_t tag, const struct stream *but);

/* In a replace a tag that nobody else has may go from the old root to one other. */
static bool moves_on(const struct stream *stream, const struct tag *tag,
                     const struct translation *to)
{
    const struct translation *old = &stream->history.old;

    return stream->history.replaces != 0 && to->tag != old->tag && tag->root == old->root &&
           tag->other == 0 && named_by(stream->unit, to->tag, stream) == NULL;
}

bool tags_barren(uint64_t root)
{
    unsigned int partition;

    return pages_owner(root, &partition) == PAGE_HYPERVISOR;
}

static void expect_no_entries(const struct stream *stream, uint64_t root)
{
    uint64_t entries[PAGE_SIZE / sizeof(uint64_t)];
    unsigned int i = 0;

    observer_read(stream->unit, root, entries, ARRAY_LENGTH(entries));
    while (i < ARRAY_LENGTH(entries) && entries[i] == 0)
        i++;
    if (i < ARRAY_LENGTH(entries))
        report_violation(I3, stream, NULL,
                         "its entry names the root 0x%llx, which is the hypervisor's own and has "
                         "the entry 0x%llx",
                         (unsigned long long)root, (unsigned long long)entries[i]);
}

/* A tag that stood over the barren root, on the way to the first root that it names in earnest. */
static bool enters(const struct stream *stream, const struct tag *tag, uint16_t number)
{
    return tags_barren(tag->root) && tag->other == 0 &&
           named_by(stream->unit, number, stream) == NULL;
}

void tags_name(const struct stream *stream, const struct mixtures *mixtures)
{
    struct unit *unit = &observer.unit[stream->unit];

    for (unsigned int i = 0; i < mixtures->count; i++) {
        const struct translation *translation = &mixtures->item[i];
        struct tag *tag = &unit->tag[translation->tag];

        tag->last_named = observer.now;
        tag->dirty = true;
        if (translation->barren && !ledger_is_firmware(stream->unit, stream->id))
            expect_no_entries(stream, translation->root);
        if (tag->root == translation->root || tag->other == translation->root ||
            (translation->barren && tag->root != 0))
            continue;
        if (tag->root == 0 || enters(stream, tag, translation->tag)) {
            tag->root = translation->root;
        } else if (moves_on(stream, tag, translation)) {
            tag->other = translation->root;
        } else {
            report_violation(
                I5, stream, NULL,
                "tag %u names the root 0x%llx in its entry, and since earlier another, "
                "0x%llx, of which the unit may still hold translations",
                translation->tag, (unsigned long long)translation->root,
                (unsigned long long)tag->root);
        }
    }
}

void tags_passed(const struct stream *stream, uint16_t number)
{
    const struct tag *tag = &observer.unit[stream->unit].tag[number];

    if (tag->dirty && tag->used)
        report_violation(I5, stream, NULL,
                         "tag %u was reserved for the change of its entry, which is over, and no "
                         "TLBI of it has completed since: it names the root 0x%llx%s",
                         number, (unsigned long long)tag->root,
                         tag->other != 0 ? " and another" : "");
}

static bool names(const struct stream *stream, uint16_t tag)
{
    struct mixtures mixtures;

    if (!stream->history.known)
        return false;
    entries_mixtures(stream, &mixtures);
    for (unsigned int i = 0; i < mixtures.count; i++) {
        if (mixtures.item[i].tag == tag)
            return true;
    }
    return false;
}

static const struct stream *named_by(unsigned int unit, uint16_t tag, const struct stream *but)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        if (observer.watched[i] != but && observer.watched[i]->unit == unit &&
            names(observer.watched[i], tag))
            return observer.watched[i];
    }
    return NULL;
}

/* A tag that no version of the entry names any more: what was translated under it may be under way. */
void tags_lose(struct history *history, uint16_t tag)
{
    for (unsigned int i = 0; i < history->lost_count; i++) {
        if (history->lost[i].tag == tag) {
            history->lost[i].since = observer.now;
            return;
        }
    }
    assert_true(history->lost_count < LOST);
    history->lost[history->lost_count].tag = tag;
    history->lost[history->lost_count++].since = observer.now;
}

/* ---- Invalidation ------------------------------------------------------------------------------------- */

void tags_flush(unsigned int unit, bool all, uint16_t tag)
{
    struct unit *u = &observer.unit[unit];

    if (u->flush_count == FLUSHES)
        report_violation(ITSELF, NULL, NULL,
                         "unit %u consumed more than %u invalidations of tags without a SYNC", unit,
                         FLUSHES);
    u->flush[u->flush_count++] = (struct flush){ .all = all, .tag = tag, .since = observer.now };
}

static void complete_flush(unsigned int unit, const struct flush *flush)
{
    struct unit *u = &observer.unit[unit];

    for (unsigned int tag = flush->all ? 0 : flush->tag;
         tag <= (flush->all ? TAGS - 1 : flush->tag); tag++) {
        struct tag *t = &u->tag[tag];

        if (t->dirty && t->last_named <= flush->since &&
            named_by(unit, (uint16_t)tag, NULL) == NULL)
            *t = (struct tag){ .taken = t->taken, .last_named = t->last_named };
    }
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        struct history *history = &observer.watched[i]->history;
        unsigned int kept = 0;

        for (unsigned int j = 0; observer.watched[i]->unit == unit && j < history->lost_count;
             j++) {
            if ((flush->all || history->lost[j].tag == flush->tag) &&
                history->lost[j].since <= flush->since)
                continue;
            history->lost[kept++] = history->lost[j];
        }
        if (observer.watched[i]->unit == unit)
            history->lost_count = kept;
    }
}

/* A SYNC has completed. */
void tags_complete(unsigned int unit)
{
    struct unit *u = &observer.unit[unit];

    for (unsigned int i = 0; i < u->flush_count; i++)
        complete_flush(unit, &u->flush[i]);
    u->flush_count = 0;
}

/* ---- What the unit has cached under a tag ------------------------------------------------------------- */

struct cached_root {
    unsigned int unit;
    uint32_t tag;  /* TAGS: any */
    uint64_t root; /* 0: any */
    bool found;
    struct smmuv3_model_root first;
};

/* The stage that the unit's domains translate with, and a tag of it. */
static bool of_a_domain(unsigned int unit, const struct smmuv3_model_root *root, uint16_t *tag)
{
    bool stage2 = machine.parameters[unit].s2p;

    *tag = stage2 ? root->vmid : root->asid;
    return root->stage == (stage2 ? 2u : 1u);
}

static void find_cached(void *context, const struct smmuv3_model_root *root)
{
    struct cached_root *wanted = context;
    uint16_t tag;

    if (!of_a_domain(wanted->unit, root, &tag) || wanted->found ||
        (wanted->tag != TAGS && tag != wanted->tag) ||
        (wanted->root != 0 && root->root != wanted->root))
        return;
    wanted->found = true;
    wanted->first = *root;
}

static void refuse_cached_tag(unsigned int unit, uint16_t tag, const char *what)
{
    struct cached_root wanted = { .unit = unit, .tag = tag };

    smmuv3_model_tlb_roots(machine.unit[unit], find_cached, &wanted);
    if (wanted.found)
        report_violation(
            I4, NULL, NULL,
            "tag %u is %s, and unit %u still caches what it translated by the root 0x%llx", tag,
            what, unit, (unsigned long long)wanted.first.root);
}

void tags_page_free(unsigned int unit, uint64_t page)
{
    struct cached_root wanted = { .unit = unit, .tag = TAGS, .root = page };

    smmuv3_model_tlb_roots(machine.unit[unit], find_cached, &wanted);
    if (wanted.found && observer.unit[unit].started)
        report_violation(
            I4, NULL, NULL,
            "the root 0x%llx is free, and unit %u still caches what it translated by it, "
            "under tag %u",
            (unsigned long long)page, unit,
            machine.parameters[unit].s2p ? wanted.first.vmid : wanted.first.asid);
}

static void compare_cached(void *context, const struct smmuv3_model_root *root)
{
    unsigned int unit = *(unsigned int *)context;
    uint16_t number;
    bool ours = of_a_domain(unit, root, &number);
    const struct tag *tag = &observer.unit[unit].tag[number];

    /* By the empty root it has nothing but by what was cached under the tag before, from where it walked on. */
    if (ours && tag->dirty && tag->root != root->root && tag->other != root->root &&
        !tags_barren(root->root))
        report_violation(
            I5, NULL, NULL,
            "tag %u names the root 0x%llx, and unit %u caches what it translated under it by "
            "another, 0x%llx",
            number, (unsigned long long)tag->root, unit, (unsigned long long)root->root);
}

void tags_cached(unsigned int unit)
{
    if (observer.unit[unit].enabled)
        smmuv3_model_tlb_roots(machine.unit[unit], compare_cached, &unit);
}

/* ---- Handed out and given back --------------------------------------------------------------------------- */

void tags_adopt(unsigned int unit, const struct iommu *iommu)
{
    for (unsigned int tag = 1; tag < IOMMU_TAGS; tag++)
        observer.unit[unit].tag[tag].taken = (iommu->tags[tag / 64] >> tag % 64 & 1) != 0;
}

void tags_taken(unsigned int unit, uint16_t tag)
{
    struct tag *t = &observer.unit[unit].tag[tag];
    const struct stream *stream = named_by(unit, tag, NULL);

    t->taken = true;
    if (!observer.unit[unit].started)
        return;
    if (stream != NULL)
        report_violation(I5, stream, NULL,
                         "tag %u is handed out while this stream's entry names it", tag);
    if (t->dirty && t->used)
        report_violation(I4, NULL, NULL,
                         "tag %u is handed out though no TLBI of it has completed since unit %u "
                         "last used it",
                         tag, unit);
    refuse_cached_tag(unit, tag, "handed out");
}

void tags_given(unsigned int unit, uint16_t tag)
{
    struct tag *t = &observer.unit[unit].tag[tag];
    const struct stream *stream = named_by(unit, tag, NULL);

    t->taken = false;
    if (!observer.unit[unit].started)
        return;
    if (stream != NULL)
        report_violation(I4, stream, NULL,
                         "tag %u is given back while this stream's entry names it", tag);
    if (t->dirty && t->used)
        report_violation(I4, NULL, NULL,
                         "tag %u is given back though no TLBI of it has completed since unit %u "
                         "last used it",
                         tag, unit);
    refuse_cached_tag(unit, tag, "given back");
}
