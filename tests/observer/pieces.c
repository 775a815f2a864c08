/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of pieces: stretches of I/O virtual addresses that lead to physical ones. In canonical form two sets
 * that mean the same are equal: sorted by PASID, where a piece leads, its access and its address, neighbours
 * and overlaps joined.
 */
#include <stdlib.h>

#include "internal.h"

void pieces_clear(struct pieces *pieces)
{
    pieces->count = 0;
}

void pieces_add(struct pieces *pieces, struct piece piece)
{
    if (pieces->count == pieces->room) {
        pieces->room = pieces->room != 0 ? 2 * pieces->room : 8;
        pieces->item = realloc(pieces->item, pieces->room * sizeof(*pieces->item));
        assert_non_null(pieces->item);
    }
    pieces->item[pieces->count++] = piece;
}

static int order(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;
    uint64_t to_a = a->address - a->iova, to_b = b->address - b->iova;

    if (a->pasid != b->pasid)
        return a->pasid < b->pasid ? -1 : 1;
    if (to_a != to_b)
        return to_a < to_b ? -1 : 1;
    if (a->access != b->access)
        return a->access < b->access ? -1 : 1;
    return a->iova < b->iova ? -1 : a->iova > b->iova;
}

static bool same_way(const struct piece *a, const struct piece *b)
{
    return a->pasid == b->pasid && a->address - a->iova == b->address - b->iova;
}

static bool same_kind(const struct piece *a, const struct piece *b)
{
    return same_way(a, b) && a->access == b->access;
}

void pieces_canonical(struct pieces *pieces)
{
    unsigned int kept = 0;

    if (pieces->count == 0)
        return;
    qsort(pieces->item, pieces->count, sizeof(*pieces->item), order);
    for (unsigned int i = 1; i < pieces->count; i++) {
        struct piece *last = &pieces->item[kept];
        const struct piece *next = &pieces->item[i];

        if (same_kind(last, next) && next->iova <= last->iova + last->size)
            last->size = max_u64(last->size, next->iova + next->size - last->iova);
        else
            pieces->item[++kept] = *next;
    }
    pieces->count = kept + 1;
}

/* How far from `iova` on, up to `end`, one of the given pieces leads to the same place with all the
 * access. */
static uint64_t covered_until(const struct pieces *given, const struct piece *wanted, uint64_t iova)
{
    uint64_t until = iova;

    for (unsigned int i = 0; i < given->count; i++) {
        const struct piece *piece = &given->item[i];

        if (same_way(piece, wanted) && (wanted->access & ~piece->access) == 0 &&
            piece->iova <= iova && iova - piece->iova < piece->size)
            until = max_u64(until, piece->iova + piece->size);
    }
    return until;
}

/* Where the next piece that could cover begins. */
static uint64_t next_begin(const struct pieces *given, uint64_t iova, uint64_t end)
{
    for (unsigned int i = 0; i < given->count; i++) {
        if (given->item[i].iova > iova)
            end = min_u64(end, given->item[i].iova);
    }
    return end;
}

bool pieces_lacks(const struct pieces *given, const struct pieces *wanted, struct piece *lacking)
{
    for (unsigned int i = 0; i < wanted->count; i++) {
        const struct piece *piece = &wanted->item[i];
        uint64_t iova = piece->iova, end = piece->iova + piece->size;

        while (iova < end) {
            uint64_t until = covered_until(given, piece, iova);

            if (until > iova) {
                iova = until;
                continue;
            }
            *lacking = *piece;
            lacking->iova = iova;
            lacking->address = piece->address + (iova - piece->iova);
            lacking->size = next_begin(given, iova, end) - iova;
            return true;
        }
    }
    return false;
}
