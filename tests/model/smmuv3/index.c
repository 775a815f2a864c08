/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains by hash over the arrays of the caches: the index only says which elements to look at.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { FEWEST_HEADS_LOG2 = 6 };

/* Spread the bits of a key over all of a word (a multiplication by an odd constant). */
uint64_t model_hash(uint64_t a, uint64_t b)
{
    uint64_t mixed = a * UINT64_C(0x9e3779b97f4a7c15) ^ b;

    mixed ^= mixed / power_of_2(29);
    mixed *= UINT64_C(0xbf58476d1ce4e5b9);
    return mixed ^ mixed / power_of_2(32);
}

static uint32_t *head_of(const struct model_index *index, uint64_t hash)
{
    return &index->heads[offset_within(hash, index->log2_heads)];
}

void model_index_clear(struct model_index *index)
{
    if (index->heads) {
        memset(index->heads, 0, power_of_2(index->log2_heads) * sizeof(*index->heads));
    }
}

/* Whether the index must be made anew, by model_index_resize, before `element` can be added. */
bool model_index_full(const struct model_index *index, unsigned element)
{
    return element >= index->room;
}

/* Make room for `room` elements, with about as many heads; the index is empty afterwards. */
void model_index_resize(struct model_index *index, unsigned room)
{
    unsigned log2 = FEWEST_HEADS_LOG2;

    while (power_of_2(log2) < room) {
        log2++;
    }
    free(index->heads);
    index->log2_heads = log2;
    index->heads = model_must(calloc(power_of_2(log2), sizeof(*index->heads)));
    index->next = model_must(realloc(index->next, room * sizeof(*index->next)));
    index->room = room;
}

void model_index_add(struct model_index *index, uint64_t hash, unsigned element)
{
    uint32_t *head = head_of(index, hash);

    index->next[element] = *head;
    *head = element + 1;
}

/* Take an element out of the chain that it was added to. */
void model_index_remove(struct model_index *index, uint64_t hash, unsigned element)
{
    uint32_t *link = head_of(index, hash);

    while (*link != element + 1) {
        link = &index->next[*link - 1];
    }
    *link = index->next[element];
}

/* The last element added under this hash, and the one before an element; false at the end. */
bool model_index_first(const struct model_index *index, uint64_t hash, unsigned *element)
{
    uint32_t at = index->heads ? *head_of(index, hash) : 0;

    *element = at - 1;
    return at;
}

bool model_index_next(const struct model_index *index, unsigned *element)
{
    uint32_t at = index->next[*element];

    *element = at - 1;
    return at;
}

void model_index_free(struct model_index *index)
{
    free(index->heads);
    free(index->next);
    *index = (struct model_index){ 0 };
}

/* A copy of its own of what `index` points to. */
void model_index_copy(struct model_index *index)
{
    struct model_index old = *index;

    *index = (struct model_index){ 0 };
    if (!old.heads) {
        return;
    }
    model_index_resize(index, old.room);
    memcpy(index->heads, old.heads, power_of_2(old.log2_heads) * sizeof(*old.heads));
    memcpy(index->next, old.next, old.room * sizeof(*old.next));
}
