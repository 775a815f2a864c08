/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration cache (4.3, 16.2): level-1 descriptors and STEs by StreamID, in whatever
 * state they were fetched. Nothing leaves it but by command or by eviction.
 */
#include "internal.h"

const struct cached_ste *model_cached_ste(const struct smmuv3_model *model, uint32_t stream_id)
{
    for (unsigned i = 0; i < model->caches.ste_count; i++) {
        if (model->caches.stes[i].stream_id == stream_id) {
            return &model->caches.stes[i];
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

void model_cache_ste(struct smmuv3_model *model, const struct cached_ste *entry)
{
    struct model_caches *caches = &model->caches;

    if (caches->ste_count == caches->ste_room) {
        caches->stes = model_grow(caches->stes, &caches->ste_room, sizeof(*caches->stes));
    }
    caches->stes[caches->ste_count++] = *entry;
}

void model_cache_l1std(struct smmuv3_model *model, const struct cached_l1std *entry)
{
    struct model_caches *caches = &model->caches;

    if (caches->l1std_count == caches->l1std_room) {
        caches->l1stds = model_grow(caches->l1stds, &caches->l1std_room, sizeof(*caches->l1stds));
    }
    caches->l1stds[caches->l1std_count++] = *entry;
}

/* ------------------------------------------------------------------ invalidation */

/* Streams that a command names: 2^log2 from an aligned first one. */
static bool streams_of(const struct smmuv3_model_command *command, uint64_t *first, unsigned *log2)
{
    switch (command->opcode) {
    case CMD_CFGI_STE:
        *log2 = 0;
        break;
    case CMD_CFGI_STE_RANGE:
        *log2 = command->range + 1;
        break;
    default:
        return false; /* CMD_CFGI_CD and CMD_CFGI_CD_ALL: no CDs are cached yet */
    }
    *first = align_down(command->stream_id, *log2);
    return true;
}

static bool overlap(uint64_t a, unsigned log2_a, uint64_t b, unsigned log2_b)
{
    return a < b + power_of_2(log2_b) && b < a + power_of_2(log2_a);
}

void model_invalidate_config(struct smmuv3_model *model,
                             const struct pending_invalidation *invalidation)
{
    struct model_caches *caches = &model->caches;
    uint64_t first = 0;
    unsigned log2 = 0;
    unsigned kept = 0;

    if (!streams_of(&invalidation->command, &first, &log2)) {
        return;
    }
    for (unsigned i = 0; i < caches->ste_count; i++) {
        const struct cached_ste *entry = &caches->stes[i];

        if (entry->stamp > invalidation->stamp || !overlap(entry->stream_id, 0, first, log2)) {
            caches->stes[kept++] = *entry;
        }
    }
    caches->ste_count = kept;

    /* CMD_CFGI_STE with Leaf == 1 leaves the descriptors on the way; a range never does. */
    kept = 0;
    for (unsigned i = 0; i < caches->l1std_count; i++) {
        const struct cached_l1std *entry = &caches->l1stds[i];

        if (invalidation->command.leaf || entry->stamp > invalidation->stamp ||
            !overlap(entry->first, entry->split, first, log2)) {
            caches->l1stds[kept++] = *entry;
        }
    }
    caches->l1std_count = kept;
}
