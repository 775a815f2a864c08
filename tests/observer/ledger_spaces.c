/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of I/O address spaces: which there are, and what is mapped in them. */
#include <stdlib.h>

#include "ledger.h"

#define LEDGER_SPACES 256

static struct space spaces[LEDGER_SPACES];
static unsigned int space_count;

void ledger_spaces_reset(void)
{
    for (unsigned int i = 0; i < space_count; i++)
        free(spaces[i].mapping);
    for (unsigned int i = 0; i < LEDGER_SPACES; i++)
        spaces[i] = (struct space){ 0 };
    space_count = 0;
}

struct space *ledger_find_space(unsigned int partition, uint64_t id)
{
    for (unsigned int i = 0; i < space_count; i++) {
        if (spaces[i].live && spaces[i].partition == partition && spaces[i].id == id)
            return &spaces[i];
    }
    return NULL;
}

static void add_space(unsigned int partition, uint64_t id)
{
    unsigned int slot = 0;

    if (ledger_find_space(partition, id) != NULL)
        report_violation(I5, NULL, NULL, "two I/O address spaces of one partition have one id");
    while (slot < space_count && (spaces[slot].live || ledger_is_pinned(&spaces[slot])))
        slot++;
    assert_true(slot < LEDGER_SPACES);
    if (slot == space_count)
        space_count++;
    struct space *space = &spaces[slot];

    space->live = true;
    space->partition = partition;
    space->id = id;
    space->count = 0;
}

void ledger_spaces_end(const struct pending_call *call, int64_t result)
{
    struct space *space;

    switch (call->number) {
    case BH_CALL_IOAS_ALLOC_PAGING:
        if (result > 0)
            add_space(call->partition, (uint64_t)result);
        break;
    case BH_CALL_IOAS_FREE:
        space = ledger_find_space(call->partition, call->x[1]);
        if (space != NULL && result == BH_OK)
            space->live = false;
        break;
    default:
        break;
    }
}

void ledger_spaces_gone(unsigned int partition)
{
    for (unsigned int i = 0; i < space_count; i++) {
        if (spaces[i].partition == partition)
            spaces[i].live = false;
    }
}

/* ---- Mappings ----------------------------------------------------------------------------------------- */

void ledger_add_mapping(struct space *space, struct mapping mapping)
{
    if (space->count == space->room) {
        space->room = space->room != 0 ? 2 * space->room : 8;
        space->mapping = realloc(space->mapping, space->room * sizeof(*space->mapping));
        assert_non_null(space->mapping);
    }
    space->mapping[space->count++] = mapping;
}

struct piece ledger_piece(const struct space *space, const struct mapping *mapping)
{
    return (struct piece){ .iova = mapping->iova,
                           .address = ledger_physical(space->partition, mapping->address),
                           .size = mapping->size,
                           .access = mapping->access,
                           .pasid = BH_PASID_NONE };
}

/* What of a mapping lies in [from, end): taken out; or, if unsure, left as what may be there. */
void ledger_cut(struct space *space, uint64_t from, uint64_t end, bool unsure)
{
    for (unsigned int i = 0; i < space->count; i++) {
        struct mapping whole = space->mapping[i], part = whole;
        uint64_t first = max_u64(from, whole.iova), last = min_u64(end, whole.iova + whole.size);

        if (first >= last || (unsure && whole.may_only))
            continue;
        part.iova = first;
        part.address += first - whole.iova;
        part.size = last - first;
        part.may_only = true;
        space->mapping[i] = space->mapping[--space->count];
        if (whole.iova < first) {
            struct mapping front = whole;

            front.size = first - whole.iova;
            ledger_add_mapping(space, front);
        }
        if (last < whole.iova + whole.size) {
            struct mapping back = whole;

            back.iova = last;
            back.address += last - whole.iova;
            back.size = whole.iova + whole.size - last;
            ledger_add_mapping(space, back);
        }
        if (unsure)
            ledger_add_mapping(space, part);
        else
            ledger_remember_past(space, &part);
        i = UINT32_MAX; /* from the first one again */
    }
}

void ledger_spaces_withdrawn(unsigned int partition)
{
    for (unsigned int s = 0; s < space_count; s++) {
        struct space *space = &spaces[s];

        for (unsigned int i = 0; i < space->count;) {
            struct mapping mapping = space->mapping[i];

            if (ledger_other_side(space, &mapping) == partition) {
                ledger_cut(space, mapping.iova, mapping.iova + mapping.size, false);
                i = 0;
            } else {
                i++;
            }
        }
    }
}

void ledger_add_space_pieces(const struct space *space, bool may, struct pieces *pieces)
{
    for (unsigned int i = 0; i < space->count; i++) {
        const struct mapping *mapping = &space->mapping[i];

        if (may || (!mapping->may_only && !ledger_being_unmapped(space, mapping) &&
                    !ledger_is_going(space, mapping)))
            pieces_add(pieces, ledger_piece(space, mapping));
    }
    if (may)
        ledger_add_begun(space, pieces);
}
