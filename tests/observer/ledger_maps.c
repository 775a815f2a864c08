/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of calls that map and unmap: what is under way while they run, and what their answers say. */
#include "ledger.h"

/* Per CPU, maps or unmaps under way: allowed, not promised. */
static struct {
    const struct space *space;
    unsigned int count;
    struct mapping mapping[BH_BATCH];
} mapping_now[HOST_CPUS], unmapping_now[HOST_CPUS];

void ledger_maps_reset(void)
{
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        mapping_now[i].space = NULL;
        unmapping_now[i].space = NULL;
    }
}

/* ---- Calls begin --------------------------------------------------------------------------------------- */

static void begin_map(const struct pending_call *call)
{
    const struct space *space = ledger_find_space(call->partition, call->x[1]);

    if (space == NULL ||
        !ledger_visible(call->partition, call->x[3], call->x[4], (uint32_t)call->x[5]) ||
        !range_valid(call->x[2], call->x[4]))
        return;
    mapping_now[call->cpu].space = space;
    mapping_now[call->cpu].count = 1;
    mapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = call->x[2],
                                                          .address = call->x[3],
                                                          .size = call->x[4],
                                                          .access = (uint32_t)call->x[5] };
}

static void begin_unmap(const struct pending_call *call)
{
    if (!range_valid(call->x[2], call->x[3]))
        return;
    unmapping_now[call->cpu].space = ledger_find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 1;
    unmapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = call->x[2],
                                                            .size = call->x[3] };
}

/* Calls of more than one mapping: what stands in the caller's memory when they begin. */

/* count elements of that many bytes, or NULL: not all the caller's. */
static const void *elements(const struct pending_call *call, uint64_t address, uint64_t count,
                            uint64_t bytes)
{
    if (count == 0 || count > BH_BATCH || (address & 7) != 0 ||
        !ledger_is_own(call->partition, address, count * bytes))
        return NULL;
    return guest(call->partition, address);
}

static void begin_map_batch(const struct pending_call *call)
{
    const struct bh_map *from = elements(call, call->x[2], call->x[3], sizeof(*from));

    if (from == NULL)
        return;
    mapping_now[call->cpu].space = ledger_find_space(call->partition, call->x[1]);
    mapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < call->x[3]; i++) {
        if (!ledger_is_own(call->partition, from[i].address, from[i].size) ||
            !range_valid(from[i].iova, from[i].size))
            break; /* no further does the batch come */
        mapping_now[call->cpu].mapping[mapping_now[call->cpu].count++] = (struct mapping){
            .iova = from[i].iova,
            .address = from[i].address,
            .size = from[i].size,
            .access = (uint32_t)from[i].flags
        };
    }
}

static void begin_unmap_batch(const struct pending_call *call)
{
    const struct bh_unmap *from = elements(call, call->x[2], call->x[3], sizeof(*from));

    if (from == NULL)
        return;
    unmapping_now[call->cpu].space = ledger_find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < call->x[3] && range_valid(from[i].iova, from[i].size); i++)
        unmapping_now[call->cpu].mapping[unmapping_now[call->cpu].count++] = (struct mapping){
            .iova = from[i].iova, .size = from[i].size
        };
}

/* What the source maps, piece by piece, at the place where it goes. */
static void begin_copy(const struct pending_call *call)
{
    const struct bh_ioas_copy *copy = elements(call, call->x[1], 1, sizeof(*copy));
    const struct space *from = copy != NULL ? ledger_find_space(call->partition, copy->from) : NULL;

    if (from == NULL || !range_valid(copy->from_iova, copy->bytes))
        return;
    mapping_now[call->cpu].space = ledger_find_space(call->partition, copy->to);
    mapping_now[call->cpu].count = 0;
    for (unsigned int i = 0; i < from->count && mapping_now[call->cpu].count < BH_BATCH; i++) {
        const struct mapping *whole = &from->mapping[i];
        uint64_t first = max_u64(copy->from_iova, whole->iova);
        uint64_t last = min_u64(copy->from_iova + copy->bytes, whole->iova + whole->size);

        if (first < last)
            mapping_now[call->cpu].mapping[mapping_now[call->cpu].count++] = (struct mapping){
                .iova = copy->to_iova + (first - copy->from_iova),
                .address = whole->address + (first - whole->iova),
                .size = last - first,
                .access = (uint32_t)copy->flags
            };
    }
}

/* Its upper half may have a register of its own. */
static uint64_t cursor_of(const struct pending_call *call)
{
    return call->x[2] | call->x[3] << 32;
}

static void begin_unmap_all(const struct pending_call *call)
{
    uint64_t cursor = cursor_of(call);

    unmapping_now[call->cpu].space = ledger_find_space(call->partition, call->x[1]);
    unmapping_now[call->cpu].count = 1;
    unmapping_now[call->cpu].mapping[0] = (struct mapping){ .iova = cursor,
                                                            .size = UINT64_MAX - cursor };
}

void ledger_maps_begin(const struct pending_call *call)
{
    switch (call->number) {
    case BH_CALL_IOAS_MAP:
        begin_map(call);
        break;
    case BH_CALL_IOAS_UNMAP:
        begin_unmap(call);
        break;
    case BH_CALL_IOAS_REMAP:
        begin_map(call);
        unmapping_now[call->cpu] = mapping_now[call->cpu];
        break;
    case BH_CALL_IOAS_UNMAP_ALL:
        begin_unmap_all(call);
        break;
    case BH_CALL_IOAS_COPY:
        begin_copy(call);
        break;
    case BH_CALL_IOAS_MAP_BATCH:
        begin_map_batch(call);
        break;
    case BH_CALL_IOAS_UNMAP_BATCH:
        begin_unmap_batch(call);
        break;
    default:
        break;
    }
}

/* ---- Calls end ----------------------------------------------------------------------------------------- */

static void end_map(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;

    if (done && x[1] != 0 && mapping_now[call->cpu].space == NULL)
        report_violation(I3, NULL, NULL,
                         "map answered OK for memory that is not all the caller's, or an ioas that "
                         "it does not have");
    if (done && x[1] > call->x[4])
        report_violation(I3, NULL, NULL, "map says that it did more than it was asked to");
    if (done && x[1] != 0) {
        mapping_now[call->cpu].mapping[0].size = x[1];
        ledger_add_mapping(space, mapping_now[call->cpu].mapping[0]);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_unmap(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space == NULL)
        return;
    if (result == BH_ETIMEDOUT)
        ledger_cut(space, call->x[2], call->x[2] + call->x[3], true);
    else if ((result == BH_OK || result == BH_EAGAIN) && x[1] != 0)
        ledger_cut(space, call->x[2], call->x[2] + x[1], false);
}

/* Of the mappings under way, those that begin before `end` are there, up to it. */
static void end_maps(const struct pending_call *call, struct space *space, uint64_t end)
{
    for (unsigned int i = 0; space != NULL && i < mapping_now[call->cpu].count; i++) {
        struct mapping mapping = mapping_now[call->cpu].mapping[i];

        if (mapping.iova >= end)
            continue;
        mapping.size = min_u64(mapping.size, end - mapping.iova);
        ledger_add_mapping(space, mapping);
    }
    mapping_now[call->cpu].count = 0;
    mapping_now[call->cpu].space = NULL;
}

static void end_remap(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space != NULL && result == BH_ETIMEDOUT) {
        ledger_cut(space, call->x[2], call->x[2] + call->x[4], true);
        mapping_now[call->cpu].mapping[0].may_only = true;
        end_maps(call, space, UINT64_MAX);
    } else if (space != NULL && (result == BH_OK || result == BH_EAGAIN)) {
        ledger_cut(space, call->x[2], call->x[2] + x[1], false);
        end_maps(call, space, call->x[2] + x[1]);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_copy(const struct pending_call *call, const uint64_t *x)
{
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;
    const struct bh_ioas_copy *copy = elements(call, call->x[1], 1, sizeof(*copy));

    if (done && x[1] != 0)
        end_maps(call, ledger_find_space(call->partition, copy->to), copy->to_iova + x[1]);
    mapping_now[call->cpu].space = NULL;
}

/* elements: done whole; part: bytes of the next. */
static void end_map_batch(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    bool done = (int64_t)x[0] == BH_OK || (int64_t)x[0] == BH_EAGAIN;

    for (unsigned int i = 0; done && i < mapping_now[call->cpu].count && i <= x[1]; i++) {
        struct mapping mapping = mapping_now[call->cpu].mapping[i];

        mapping.size = i < x[1] ? mapping.size : x[2];
        if (mapping.size != 0)
            ledger_add_mapping(space, mapping);
    }
    mapping_now[call->cpu].space = NULL;
}

static void end_unmap_batch(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];
    bool done = result == BH_OK || result == BH_EAGAIN, failed = result == BH_ETIMEDOUT;

    unmapping_now[call->cpu].space = NULL;
    for (unsigned int i = 0; space != NULL && i < unmapping_now[call->cpu].count; i++) {
        const struct mapping *range = &unmapping_now[call->cpu].mapping[i];

        if (failed || (done && i <= x[1]))
            ledger_cut(space, range->iova, range->iova + (failed || i < x[1] ? range->size : x[2]),
                       failed);
    }
}

static void end_unmap_all(const struct pending_call *call, const uint64_t *x)
{
    struct space *space = ledger_find_space(call->partition, call->x[1]);
    int64_t result = (int64_t)x[0];

    unmapping_now[call->cpu].space = NULL;
    if (space != NULL && (result == BH_OK || result == BH_EAGAIN || result == BH_ETIMEDOUT))
        ledger_cut(space, cursor_of(call), result == BH_EAGAIN ? x[1] : UINT64_MAX,
                   result == BH_ETIMEDOUT);
}

void ledger_maps_end(const struct pending_call *call, const uint64_t *x)
{
    switch (call->number) {
    case BH_CALL_IOAS_MAP:
        end_map(call, x);
        break;
    case BH_CALL_IOAS_UNMAP:
        end_unmap(call, x);
        break;
    case BH_CALL_IOAS_REMAP:
        end_remap(call, x);
        break;
    case BH_CALL_IOAS_UNMAP_ALL:
        end_unmap_all(call, x);
        break;
    case BH_CALL_IOAS_COPY:
        end_copy(call, x);
        break;
    case BH_CALL_IOAS_MAP_BATCH:
        end_map_batch(call, x);
        break;
    case BH_CALL_IOAS_UNMAP_BATCH:
        end_unmap_batch(call, x);
        break;
    default:
        break;
    }
}

/* What a call on another CPU is mapping of the windows may be there, or not. */
void ledger_maps_withdrawn(unsigned int partition)
{
    for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
        if (mapping_now[cpu].space != NULL && mapping_now[cpu].count == 1 &&
            ledger_other_side(mapping_now[cpu].space, &mapping_now[cpu].mapping[0]) == partition)
            mapping_now[cpu].mapping[0].may_only = true;
    }
}

/* ---- What follows ---------------------------------------------------------------------------------------- */

bool ledger_being_unmapped(const struct space *space, const struct mapping *mapping)
{
    for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
        for (unsigned int i = 0; unmapping_now[cpu].space == space && i < unmapping_now[cpu].count;
             i++) {
            const struct mapping *going = &unmapping_now[cpu].mapping[i];

            if (range_overlaps(mapping->iova, mapping->size, going->iova, going->size))
                return true;
        }
    }
    return false;
}

void ledger_add_begun(const struct space *space, struct pieces *pieces)
{
    for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
        for (unsigned int i = 0; mapping_now[cpu].space == space && i < mapping_now[cpu].count; i++)
            pieces_add(pieces, ledger_piece(space, &mapping_now[cpu].mapping[i]));
    }
}
