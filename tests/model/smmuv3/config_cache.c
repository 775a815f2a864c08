/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration cache (4.3, 16.2): level-1 descriptors and STEs by StreamID, CDs and their
 * level-1 descriptors by StreamID and SubstreamID, in whatever state they were fetched. Nothing
 * leaves it but by command or by eviction.
 */
#include <string.h>

#include "internal.h"

const struct cached_ste *model_cached_ste(const struct smmuv3_model *model, uint32_t stream_id)
{
    const struct model_caches *caches = &model->caches;
    unsigned i = 0;

    for (bool more = model_index_first(&caches->ste_index, model_hash(stream_id, 0), &i); more;
         more = model_index_next(&caches->ste_index, &i)) {
        if (caches->stes[i].stream_id == stream_id) {
            return &caches->stes[i];
        }
    }
    return NULL;
}

/* The age of what a structure found through this STE descends from. */
uint64_t model_ste_stamp(const struct smmuv3_model *model, uint32_t stream_id)
{
    const struct cached_ste *cached = model_cached_ste(model, stream_id);

    return cached ? cached->stamp : model->caches.now;
}

const struct cached_cd *model_cached_cd(const struct smmuv3_model *model, uint32_t stream_id,
                                        uint32_t index)
{
    const struct model_caches *caches = &model->caches;
    unsigned i = 0;

    for (bool more = model_index_first(&caches->cd_index, model_hash(stream_id, index), &i); more;
         more = model_index_next(&caches->cd_index, &i)) {
        if (caches->cds[i].stream_id == stream_id && caches->cds[i].index == index) {
            return &caches->cds[i];
        }
    }
    return NULL;
}

static bool l1cd_covers(const struct cached_l1cd *entry, uint32_t stream_id, uint32_t index)
{
    return entry->stream_id == stream_id && align_down(index, entry->split) == entry->first;
}

const struct cached_l1cd *model_cached_l1cd(const struct smmuv3_model *model, uint32_t stream_id,
                                            uint32_t index)
{
    for (unsigned i = 0; i < model->caches.l1cd_count; i++) {
        if (l1cd_covers(&model->caches.l1cds[i], stream_id, index)) {
            return &model->caches.l1cds[i];
        }
    }
    return NULL;
}

static bool covers(const struct cached_l1std *entry, uint32_t stream_id)
{
    return align_down(stream_id, entry->split) == entry->first;
}

const struct cached_l1std *model_cached_l1std(const struct smmuv3_model *model, uint32_t stream_id)
{
    for (unsigned i = 0; i < model->caches.l1std_count; i++) {
        if (covers(&model->caches.l1stds[i], stream_id)) {
            return &model->caches.l1stds[i];
        }
    }
    return NULL;
}

static void index_stes(struct model_caches *caches)
{
    if (model_index_full(&caches->ste_index, caches->ste_room - 1)) {
        model_index_resize(&caches->ste_index, caches->ste_room);
    } else {
        model_index_clear(&caches->ste_index);
    }
    for (unsigned i = 0; i < caches->ste_count; i++) {
        model_index_add(&caches->ste_index, model_hash(caches->stes[i].stream_id, 0), i);
    }
}

static void index_cds(struct model_caches *caches)
{
    if (model_index_full(&caches->cd_index, caches->cd_room - 1)) {
        model_index_resize(&caches->cd_index, caches->cd_room);
    } else {
        model_index_clear(&caches->cd_index);
    }
    for (unsigned i = 0; i < caches->cd_count; i++) {
        model_index_add(&caches->cd_index,
                        model_hash(caches->cds[i].stream_id, caches->cds[i].index), i);
    }
}

void model_cache_ste(struct smmuv3_model *model, const struct cached_ste *entry)
{
    struct model_caches *caches = &model->caches;

    if (model_choose(model, SMMUV3_MODEL_CHOOSE_FILL, 2)) {
        return;
    }
    if (caches->ste_count == caches->ste_room) {
        caches->stes = model_grow(caches->stes, &caches->ste_room, sizeof(*caches->stes));
        index_stes(caches);
    }
    caches->stes[caches->ste_count] = *entry;
    model_index_add(&caches->ste_index, model_hash(entry->stream_id, 0), caches->ste_count++);
}

void model_cache_cd(struct smmuv3_model *model, const struct cached_cd *entry)
{
    struct model_caches *caches = &model->caches;

    if (model_choose(model, SMMUV3_MODEL_CHOOSE_FILL, 2)) {
        return;
    }
    if (caches->cd_count == caches->cd_room) {
        caches->cds = model_grow(caches->cds, &caches->cd_room, sizeof(*caches->cds));
        index_cds(caches);
    }
    caches->cds[caches->cd_count] = *entry;
    model_index_add(&caches->cd_index, model_hash(entry->stream_id, entry->index),
                    caches->cd_count++);
}

void model_cache_l1cd(struct smmuv3_model *model, const struct cached_l1cd *entry)
{
    struct model_caches *caches = &model->caches;

    if (model_choose(model, SMMUV3_MODEL_CHOOSE_FILL, 2)) {
        return;
    }
    if (caches->l1cd_count == caches->l1cd_room) {
        caches->l1cds = model_grow(caches->l1cds, &caches->l1cd_room, sizeof(*caches->l1cds));
    }
    caches->l1cds[caches->l1cd_count++] = *entry;
}

void model_cache_l1std(struct smmuv3_model *model, const struct cached_l1std *entry)
{
    struct model_caches *caches = &model->caches;

    if (model_choose(model, SMMUV3_MODEL_CHOOSE_FILL, 2)) {
        return;
    }
    if (caches->l1std_count == caches->l1std_room) {
        caches->l1stds = model_grow(caches->l1stds, &caches->l1std_room, sizeof(*caches->l1stds));
    }
    caches->l1stds[caches->l1std_count++] = *entry;
}

/* ------------------------------------------------------------------ eviction of one entry */

/* Take element `at` out of an array of `count`, the others keeping their order. */
static void take_out(void *array, unsigned at, unsigned *count, size_t element)
{
    char *from = (char *)array + at * element;

    memmove(from, from + element, (--*count - at) * element);
}

void model_forget_ste(struct smmuv3_model *model, unsigned at)
{
    model->caches.dropped++;
    take_out(model->caches.stes, at, &model->caches.ste_count, sizeof(struct cached_ste));
    index_stes(&model->caches);
}

void model_forget_cd(struct smmuv3_model *model, unsigned at)
{
    model->caches.dropped++;
    take_out(model->caches.cds, at, &model->caches.cd_count, sizeof(struct cached_cd));
    index_cds(&model->caches);
}

/* A level-1 descriptor, those of the stream table counted first. */
void model_forget_descriptor(struct smmuv3_model *model, unsigned at)
{
    struct model_caches *caches = &model->caches;

    caches->dropped++;
    if (at < caches->l1std_count) {
        take_out(caches->l1stds, at, &caches->l1std_count, sizeof(struct cached_l1std));
    } else {
        take_out(caches->l1cds, at - caches->l1std_count, &caches->l1cd_count,
                 sizeof(struct cached_l1cd));
    }
}

/* ------------------------------------------------------------------ invalidation */

/* Streams that a command names: 2^log2 from an aligned first one. */
static bool streams_of(const struct smmuv3_model_command *command, uint64_t *first, unsigned *log2)
{
    switch (command->opcode) {
    case CMD_CFGI_STE:
    case CMD_CFGI_CD:
    case CMD_CFGI_CD_ALL:
        *log2 = 0;
        break;
    case CMD_CFGI_STE_RANGE:
        *log2 = command->range + 1;
        break;
    default:
        return false;
    }
    *first = align_down(command->stream_id, *log2);
    return true;
}

static bool overlap(uint64_t a, unsigned log2_a, uint64_t b, unsigned log2_b)
{
    return a < b + power_of_2(log2_b) && b < a + power_of_2(log2_a);
}

/* What a command is about. */
struct scope {
    const struct smmuv3_model_command *command;
    uint64_t stamp;
    uint64_t first;
    unsigned log2;
    bool streams; /* CMD_CFGI_STE and wider, not CMD_CFGI_CD */
};

/* CMD_CFGI_STE with Leaf == 1 goes by the STE's own age; wider ones take what old tables gave. */
static bool takes_ste(const struct scope *scope, const struct cached_ste *entry)
{
    return scope->streams && overlap(entry->stream_id, 0, scope->first, scope->log2) &&
           (scope->command->leaf ? entry->fetched : entry->stamp) <= scope->stamp;
}

/* CMD_CFGI_STE with Leaf == 1 leaves the descriptors on the way; a range never does. */
static bool takes_l1std(const struct scope *scope, const struct cached_l1std *entry)
{
    return scope->streams && !scope->command->leaf && entry->stamp <= scope->stamp &&
           overlap(entry->first, entry->split, scope->first, scope->log2);
}

/* All CDs of the streams, of one stream, or the one CD (4.3.1 to 4.3.4). */
static bool takes_cd(const struct scope *scope, const struct cached_cd *entry)
{
    if (!overlap(entry->stream_id, 0, scope->first, scope->log2)) {
        return false;
    }
    if (scope->streams) {
        return entry->stamp <= scope->stamp;
    }
    if (scope->command->opcode == CMD_CFGI_CD) {
        return entry->index == scope->command->substream_id &&
               (scope->command->leaf ? entry->fetched : entry->l1cd_stamp) <= scope->stamp;
    }
    return entry->l1cd_stamp <= scope->stamp;
}

static bool takes_l1cd(const struct scope *scope, const struct cached_l1cd *entry)
{
    if (!overlap(entry->stream_id, 0, scope->first, scope->log2)) {
        return false;
    }
    if (scope->streams) {
        return entry->stamp <= scope->stamp;
    }
    if (scope->command->opcode == CMD_CFGI_CD) {
        return !scope->command->leaf && entry->fetched <= scope->stamp &&
               l1cd_covers(entry, entry->stream_id, scope->command->substream_id);
    }
    return entry->fetched <= scope->stamp;
}

static void invalidate_stes(struct model_caches *caches, const struct scope *scope)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < caches->ste_count; i++) {
        if (!takes_ste(scope, &caches->stes[i])) {
            caches->stes[kept++] = caches->stes[i];
        }
    }
    if (kept != caches->ste_count) {
        caches->ste_count = kept;
        index_stes(caches);
    }
    kept = 0;
    for (unsigned i = 0; i < caches->l1std_count; i++) {
        if (!takes_l1std(scope, &caches->l1stds[i])) {
            caches->l1stds[kept++] = caches->l1stds[i];
        }
    }
    caches->l1std_count = kept;
}

static void invalidate_cds(struct model_caches *caches, const struct scope *scope)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < caches->cd_count; i++) {
        if (!takes_cd(scope, &caches->cds[i])) {
            caches->cds[kept++] = caches->cds[i];
        }
    }
    if (kept != caches->cd_count) {
        caches->cd_count = kept;
        index_cds(caches);
    }
    kept = 0;
    for (unsigned i = 0; i < caches->l1cd_count; i++) {
        if (!takes_l1cd(scope, &caches->l1cds[i])) {
            caches->l1cds[kept++] = caches->l1cds[i];
        }
    }
    caches->l1cd_count = kept;
}

void model_invalidate_config(struct smmuv3_model *model,
                             const struct pending_invalidation *invalidation)
{
    struct scope scope = {
        .command = &invalidation->command,
        .stamp = invalidation->stamp,
        .streams = invalidation->command.opcode == CMD_CFGI_STE ||
                   invalidation->command.opcode == CMD_CFGI_STE_RANGE,
    };

    if (!streams_of(scope.command, &scope.first, &scope.log2)) {
        return;
    }
    model->caches.dropped++;
    invalidate_stes(&model->caches, &scope);
    invalidate_cds(&model->caches, &scope);
}
