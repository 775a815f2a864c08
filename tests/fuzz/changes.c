/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/changes.h"

#include <string.h>

#define RW (BH_MAP_READ | BH_MAP_WRITE)

bool changes_has(uint64_t number)
{
    return number >= BH_CALL_IOAS_COPY && number <= BH_CALL_IOAS_UNMAP_BATCH;
}

/* What the caller's memory held when the call began. */
static union {
    struct bh_ioas_copy copy;
    struct bh_map map[BH_BATCH];
    struct bh_unmap unmap[BH_BATCH];
} given;

static bool is_whole(uint64_t from, uint64_t size)
{
    return size != 0 && ((from | size) & (PAGE_SIZE - 1)) == 0 && from + (size - 1) >= from;
}

static bool is_within(uint64_t iova, uint64_t size)
{
    return iova < book.input_limit && size <= book.input_limit - iova;
}

/* Those that need no look at what is mapped. */
static uint32_t malformed(unsigned int guest, const struct book_space *space,
                          const struct bh_map *map)
{
    uint32_t causes = 0;

    if (!is_whole(map->iova, map->size) || !is_whole(map->address, map->size) || map->flags == 0 ||
        map->flags > RW)
        causes |= ALLOWED(BH_EINVAL);
    if (!is_within(map->iova, map->size) || closed_meets(space, map->iova, map->size) ||
        !book_own_memory(guest, map->address, map->size))
        causes |= ALLOWED(BH_ERANGE);
    return causes;
}

static uint64_t physical(unsigned int guest, uint64_t address)
{
    return address - book.guest[guest].base + book.guest[guest].physical;
}

static uint32_t leaf_count(const struct leaves *leaves)
{
    uint64_t count = 0;

    for (unsigned int i = 0; i < leaves->count; i++)
        count += leaves->stretch[i].count;
    return (uint32_t)count;
}

/* ---- A plan: what the call does step by step, on leaves of its own ------------------------------------------- */

static struct plan {
    struct leaves leaves;
    unsigned int pages; /* that are free */
    bool doorbell;      /* the tree has one, too */
    uint32_t left;      /* leaves that may still be written */
    uint64_t done, part;
    uint32_t causes; /* of what is refused next; 0: nothing is */
} plan;

static void plan_start(unsigned int guest, const struct book_space *space)
{
    plan.leaves = space->leaves;
    plan.doorbell = messages_in(space);
    plan.pages = book_pages_free(guest);
    plan.left = BH_MAP_ENTRIES_PER_CALL;
    plan.done = 0;
    plan.part = 0;
    plan.causes = 0;
}

/* One map; answers how many bytes of it are done. */
static uint64_t plan_map(uint64_t iova, uint64_t address, uint64_t size, uint64_t flags)
{
    static struct leaves with;
    uint64_t done = leaves_would_add(&plan.leaves, iova, address, size, plan.left);

    if (leaves_any(&plan.leaves, iova, done)) {
        plan.causes = ALLOWED(BH_EEXIST);
        return 0;
    }
    with = plan.leaves;
    leaves_add(&with, iova, address, size, (uint32_t)flags, plan.left);
    unsigned int pages = messages_pages(&with, plan.doorbell) -
                         messages_pages(&plan.leaves, plan.doorbell);

    if (pages > plan.pages) {
        plan.causes = ALLOWED(BH_ENOSPC);
        return 0;
    }
    plan.pages -= pages;
    plan.left -= leaf_count(&with) - leaf_count(&plan.leaves);
    plan.leaves = with;
    return done;
}

static void plan_map_batch(unsigned int guest, const struct book_space *space, uint64_t count)
{
    while (plan.done < count && plan.left > 0) {
        const struct bh_map *map = &given.map[plan.done];

        plan.causes = malformed(guest, space, map);
        if (plan.causes != 0)
            return;
        plan.part = plan_map(map->iova, physical(guest, map->address), map->size, map->flags);
        if (plan.part < map->size)
            return;
        plan.done++;
        plan.part = 0;
    }
}

static void plan_copy(const struct book_space *from)
{
    uint32_t looks = BH_MAP_ENTRIES_PER_CALL;

    while (plan.done < given.copy.bytes && looks > 0 && plan.left > 0) {
        uint64_t at = given.copy.from_iova + plan.done, first = 0, found = 0;
        uint64_t wanted = given.copy.bytes - plan.done;

        /* Leaves that lead to one stretch of memory. */
        while (found < wanted && looks > 0) {
            const struct stretch *stretch = leaves_find(&from->leaves, at + found);

            if (stretch == NULL)
                break;
            uint64_t inside = (at + found) & (stretch_step(stretch) - 1);
            uint64_t address = stretch->address + (at + found - stretch->from);

            if (found == 0)
                first = address;
            else if (address != first + found)
                break;
            found += stretch_step(stretch) - inside;
            looks--;
        }
        if (found == 0) {
            plan.causes = ALLOWED(BH_ENOENT);
            /* A doorbell is mapped, and no memory of the caller's. */
            if (messages_in(from) && at == align_down(book.doorbell, PAGE_SIZE))
                plan.causes = ALLOWED(BH_ERANGE);
            return;
        }
        wanted = min_u64(found, wanted);
        uint64_t done = plan_map(given.copy.to_iova + plan.done, first, wanted, given.copy.flags);

        plan.done += done;
        if (done < wanted)
            return;
    }
}

/* Leaves keep their sizes. */
static void plan_remap(unsigned int guest, const uint64_t *x)
{
    static struct leaves with;
    uint64_t output = physical(guest, x[3]);

    with = plan.leaves;
    while (plan.done < x[4] && plan.left > 0) {
        const struct stretch *stretch = leaves_find(&plan.leaves, x[2] + plan.done);
        uint64_t step = stretch != NULL ? stretch_step(stretch) : 0;

        if (stretch == NULL)
            plan.causes = ALLOWED(BH_ENOENT);
        else if (((x[2] + plan.done) & (step - 1)) != 0 ||
                 ((output + plan.done) & (step - 1)) != 0 || x[4] - plan.done < step)
            plan.causes = ALLOWED(BH_EINVAL);
        if (plan.causes != 0)
            return;
        plan.part |= (stretch->address + (x[2] + plan.done - stretch->from)) ^ (output + plan.done);
        plan.left--;
        plan.done += step;
    }
    leaves_redirect(&with, x[2], output, plan.done, (uint32_t)x[5]);
    plan.leaves = with;
}

/* ---- Causes -------------------------------------------------------------------------------------------------- */

static uint32_t causes_of_elements(unsigned int guest, const uint64_t *x, uint64_t bytes)
{
    if (x[3] == 0 || x[3] > BH_BATCH)
        return ALLOWED(BH_EINVAL);
    if ((x[2] & 7) != 0 || !book_own_memory(guest, x[2], x[3] * bytes))
        return ALLOWED(BH_EFAULT);
    memcpy(&given, book_memory(guest, x[2]), x[3] * bytes);
    return 0;
}

static uint32_t take_copy(unsigned int guest, uint64_t address)
{
    uint64_t size, word;

    if ((address & 7) != 0 || !book_own_memory(guest, address, sizeof(size)))
        return ALLOWED(BH_EFAULT);
    memcpy(&size, book_memory(guest, address), sizeof(size));
    if (size < sizeof(given.copy) || size > PAGE_SIZE || (size & 7) != 0)
        return ALLOWED(BH_EINVAL);
    if (!book_own_memory(guest, address, size))
        return ALLOWED(BH_EFAULT);
    memcpy(&given.copy, book_memory(guest, address), sizeof(given.copy));
    for (uint64_t at = sizeof(given.copy); at < size; at += sizeof(word)) {
        memcpy(&word, book_memory(guest, address + at), sizeof(word));
        if (word != 0)
            return ALLOWED(BH_EINVAL);
    }
    return 0;
}

static uint32_t causes_of_copy(unsigned int guest, const uint64_t *x)
{
    const struct bh_ioas_copy *copy = &given.copy;
    uint32_t causes = take_copy(guest, x[1]);

    if (causes != 0)
        return causes;
    const struct book_space *from = book_space(guest, copy->from);
    const struct book_space *to = book_space(guest, copy->to);

    if (from == NULL || to == NULL)
        return ALLOWED(BH_ENOENT);
    if (!is_whole(copy->from_iova, copy->bytes) || !is_whole(copy->to_iova, copy->bytes) ||
        copy->flags == 0 || copy->flags > RW)
        causes |= ALLOWED(BH_EINVAL);
    if (!is_within(copy->from_iova, copy->bytes) || !is_within(copy->to_iova, copy->bytes) ||
        closed_meets(to, copy->to_iova, copy->bytes))
        causes |= ALLOWED(BH_ERANGE);
    if (causes != 0)
        return causes;
    plan_start(guest, to);
    plan_copy(from);
    return plan.done == 0 ? plan.causes : 0;
}

/* Of a cursor, what it is whole: its upper half has a register of its own. */
static uint64_t cursor_of(uint64_t lower, uint64_t upper)
{
    return lower | upper << 32;
}

static uint32_t causes_of_unmap_all(unsigned int guest, const uint64_t *x)
{
    uint64_t cursor = cursor_of(x[2], x[3]);
    const uint64_t unmap[6] = { BH_CALL_IOAS_UNMAP, x[1], cursor, book.input_limit - cursor };
    uint32_t causes = 0;

    if (book_space(guest, x[1]) == NULL)
        return ALLOWED(BH_ENOENT);
    causes |= (cursor & (PAGE_SIZE - 1)) != 0 ? ALLOWED(BH_EINVAL) : 0;
    causes |= cursor >= book.input_limit ? ALLOWED(BH_ERANGE) : 0;
    return causes != 0 ? causes : spaces_causes_of_unmap(guest, unmap);
}

/* Where there is a doorbell, a batch does not go round it. */
static uint32_t causes_of_doorbell(const struct book_space *space, const struct bh_unmap *unmap)
{
    return space != NULL && messages_in(space) && messages_meet(unmap->iova, unmap->size)
               ? ALLOWED(BH_ERANGE)
               : 0;
}

static uint32_t causes_of_unmap_batch(unsigned int guest, const uint64_t *x)
{
    uint32_t causes = causes_of_elements(guest, x, sizeof(struct bh_unmap));
    const uint64_t first[6] = { BH_CALL_IOAS_UNMAP, x[1], given.unmap[0].iova,
                                given.unmap[0].size };

    return causes != 0 ? causes
                       : spaces_causes_of_unmap(guest, first) |
                             causes_of_doorbell(book_space(guest, x[1]), &given.unmap[0]);
}

uint32_t changes_causes(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);
    const struct bh_map map = { .iova = x[2], .address = x[3], .size = x[4], .flags = x[5] };
    uint32_t causes;

    if (x[0] == BH_CALL_IOAS_COPY)
        return causes_of_copy(guest, x);
    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    switch (x[0]) {
    case BH_CALL_IOAS_UNMAP_ALL:
        return causes_of_unmap_all(guest, x);
    case BH_CALL_IOAS_UNMAP_BATCH:
        return causes_of_unmap_batch(guest, x);
    case BH_CALL_IOAS_REMAP:
        causes = malformed(guest, space, &map);
        if (causes != 0)
            return causes;
        plan_start(guest, space);
        plan_remap(guest, x);
        return plan.causes;
    case BH_CALL_IOAS_MAP_BATCH:
    default:
        causes = causes_of_elements(guest, x, sizeof(struct bh_map));
        if (causes != 0)
            return causes;
        plan_start(guest, space);
        plan_map_batch(guest, space, x[3]);
        return plan.done == 0 && plan.part == 0 ? plan.causes : 0;
    }
}

/* ---- Entering ------------------------------------------------------------------------------------------------ */

/* [iova, +done) of size bytes is gone; answers how many of them were mapped. */
static uint64_t enter_removal(struct book_space *space, uint64_t iova, uint64_t done)
{
    uint64_t bytes = leaves_bytes(&space->leaves, iova, done);

    if (leaves_cut(&space->leaves, iova + done))
        fail_msg("an unmap stopped within a leaf at 0x%llx", (unsigned long long)(iova + done));
    leaves_remove(&space->leaves, iova, done);
    return bytes;
}

static void enter_unmap_batch(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t elements = machine.x[1], part = machine.x[2], bytes = 0;

    EXPECT(elements <= x[3] && (elements == x[3]) == (answer == BH_OK));
    EXPECT(answer == BH_EAGAIN || part == 0);
    EXPECT(part == 0 || part < given.unmap[elements].size);
    for (uint64_t i = 0; i < elements; i++)
        bytes += enter_removal(space, given.unmap[i].iova, given.unmap[i].size);
    if (part != 0)
        bytes += enter_removal(space, given.unmap[elements].iova, part);
    EXPECT(machine.x[3] == bytes);
}

static void enter_unmap_all(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t from = cursor_of(x[2], x[3]), to = cursor_of(machine.x[1], machine.x[3]);
    uint64_t end = answer == BH_OK ? book.input_limit : to;

    EXPECT(answer == BH_OK ? to == 0 : end > from && end < book.input_limit);
    EXPECT(machine.x[2] == enter_removal(space, from, end - from));
}

void changes_enter(unsigned int guest, const uint64_t *x, int64_t answer)
{
    bool all;

    EXPECT(answer == BH_OK || answer == BH_EAGAIN);
    switch (x[0]) {
    case BH_CALL_IOAS_UNMAP_ALL:
        enter_unmap_all(guest, x, answer);
        return;
    case BH_CALL_IOAS_UNMAP_BATCH:
        enter_unmap_batch(guest, x, answer);
        return;
    case BH_CALL_IOAS_COPY:
        all = plan.done == given.copy.bytes;
        book_space(guest, given.copy.to)->leaves = plan.leaves;
        break;
    case BH_CALL_IOAS_REMAP:
        all = plan.done == x[4];
        EXPECT(machine.x[2] == (plan.part == 0)); /* no leaf led elsewhere */
        book_space(guest, x[1])->leaves = plan.leaves;
        break;
    case BH_CALL_IOAS_MAP_BATCH:
    default:
        all = plan.done == x[3];
        EXPECT(machine.x[2] == plan.part);
        book_space(guest, x[1])->leaves = plan.leaves;
        break;
    }
    EXPECT(machine.x[1] == plan.done);
    EXPECT(all == (answer == BH_OK));
}
