/* SPDX-License-Identifier: Apache-2.0 */
/* See book_parts.h. This file: I/O address spaces, what is mapped in them, and which devices are attached. */
#include "tests/fuzz/book_parts.h"

#include <string.h>

/* ---- What may be answered -------------------------------------------------------------------------------- */

static unsigned int tags_used(void)
{
    unsigned int tags = 0;

    for (unsigned int guest = 0; guest < BOOK_GUESTS; guest++) {
        for (unsigned int i = 0; i < PARTITION_IOAS; i++)
            tags += book.guest[guest].space[i].live && book.guest[guest].space[i].tagged;
    }
    return tags;
}

static uint32_t causes_of_alloc(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    unsigned int live = 0;
    uint32_t causes = 0;

    if (device == NULL)
        return ALLOWED(BH_ENOENT);
    if (device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (x[2] != BH_IOAS_NONE || !device->dma)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    for (unsigned int i = 0; i < PARTITION_IOAS; i++)
        live += book.guest[guest].space[i].live;
    if (live == PARTITION_IOAS || book_pages_free(guest) == 0)
        causes |= ALLOWED(BH_ENOSPC);
    return causes;
}

static uint32_t causes_of_map(unsigned int guest, const uint64_t *x)
{
    static struct leaves with;
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (!book_range_is_whole(x[2], x[4]) || !book_range_is_whole(x[3], x[4]) || x[5] == 0 ||
        x[5] > (BH_MAP_READ | BH_MAP_WRITE))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[4] > book.input_limit - x[2] ||
        closed_meets(space, x[2], x[4]) || !book_own_memory(guest, x[3], x[4]))
        causes |= ALLOWED(BH_ERANGE);
    if (causes != 0)
        return causes;
    uint64_t physical = x[3] - book.guest[guest].base + book.guest[guest].physical;
    uint64_t done = leaves_would_add(&space->leaves, x[2], physical, x[4], BH_MAP_ENTRIES_PER_CALL);

    if (leaves_any(&space->leaves, x[2], done))
        return ALLOWED(BH_EEXIST);
    with = space->leaves;
    leaves_add(&with, x[2], physical, x[4], 0, BH_MAP_ENTRIES_PER_CALL);
    return messages_pages(&with, messages_in(space)) - messages_pages_of(space) >
                   book_pages_free(guest)
               ? ALLOWED(BH_ENOSPC)
               : 0;
}

uint32_t spaces_causes_of_unmap(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (!book_range_is_whole(x[2], x[3]))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[3] > book.input_limit - x[2])
        causes |= ALLOWED(BH_ERANGE);
    if (causes == 0 &&
        (leaves_cut(&space->leaves, x[2]) || leaves_cut(&space->leaves, x[2] + x[3])))
        causes |= ALLOWED(BH_EINVAL);
    return causes;
}

static bool sibling_elsewhere(const struct book_device *device, const struct book_space *space)
{
    for (unsigned int i = 0; i < book.device_count; i++) {
        const struct book_device *other = &book.device[i];

        if (other != device && other->dma && device->dma && other->stream == device->stream &&
            other->space != NULL && other->space != space)
            return true;
    }
    return false;
}

static uint32_t causes_of_attach(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    const struct book_space *space = book_space(guest, x[3]);
    uint32_t causes = 0;

    if (device == NULL || space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if ((x[2] != 0 && x[2] != BH_PASID_NONE) || (device != NULL && !device->dma))
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (device != NULL &&
        (device->space != NULL || device->again || sibling_elsewhere(device, space)))
        causes |= ALLOWED(BH_EBUSY);
    if (space != NULL && !space->tagged && tags_used() == book.tag_limit)
        causes |= ALLOWED(BH_ENOSPC);
    if (space != NULL && device != NULL && closed_forbids(space, device))
        causes |= ALLOWED(BH_ERANGE);
    if (space != NULL && device != NULL && messages_lack_pages(guest, device, space))
        causes |= ALLOWED(BH_ENOSPC);
    if (book.failed)
        causes |= ALLOWED(BH_ETIMEDOUT);
    return causes;
}

static uint32_t causes_of_detach(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    uint32_t causes = 0;

    if (device == NULL || device->space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] != 0 && x[2] != BH_PASID_NONE)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    return causes;
}

static uint32_t causes_of_replace(unsigned int guest, const uint64_t *x)
{
    const struct book_device *device = book_device(guest, x[1]);
    const struct book_space *space = book_space(guest, x[3]);
    uint32_t causes = 0;

    if (device == NULL || device->space == NULL || space == NULL)
        causes |= ALLOWED(BH_ENOENT);
    if (x[2] == 0)
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] != 0 && x[2] != BH_PASID_NONE)
        causes |= ALLOWED(BH_EOPNOTSUPP);
    if (device != NULL && device->bound != (int)guest)
        causes |= ALLOWED(BH_EPERM);
    if (device != NULL && space != NULL && device->space != space &&
        (device->again || sibling_elsewhere(device, space)))
        causes |= ALLOWED(BH_EBUSY);
    if (space != NULL && !space->tagged && tags_used() == book.tag_limit)
        causes |= ALLOWED(BH_ENOSPC);
    if (space != NULL && device != NULL && device->space != space && closed_forbids(space, device))
        causes |= ALLOWED(BH_ERANGE);
    if (space != NULL && device != NULL && device->space != space &&
        messages_lack_pages(guest, device, space))
        causes |= ALLOWED(BH_ENOSPC);
    return causes;
}

static uint32_t causes_of_reserve(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);
    uint32_t causes = 0;

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    if (x[2] == 0 && x[3] == 0)
        return 0;
    if (!book_range_is_whole(x[2], x[3]))
        causes |= ALLOWED(BH_EINVAL);
    if (x[2] >= book.input_limit || x[3] > book.input_limit - x[2] ||
        closed_meets(space, x[2], x[3]))
        causes |= ALLOWED(BH_ERANGE);
    return causes | (space->reserved == BH_RESERVATIONS ? ALLOWED(BH_ENOSPC) : 0);
}

static uint32_t causes_of_free(unsigned int guest, const uint64_t *x)
{
    const struct book_space *space = book_space(guest, x[1]);

    if (space == NULL)
        return ALLOWED(BH_ENOENT);
    return space->attached != 0 || space->leaves.count != 0 ? ALLOWED(BH_EBUSY) : 0;
}

static uint32_t causes_of_ranges(unsigned int guest, const uint64_t *x)
{
    return (book_space(guest, x[1]) == NULL ? ALLOWED(BH_ENOENT) : 0) |
           book_causes_of_structure(guest, x[2], sizeof(struct bh_ioas_ranges),
                                    sizeof(struct bh_ioas_ranges));
}

/* ---- What follows from the answer -------------------------------------------------------------------- */

static void enter_alloc(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = NULL;

    EXPECT(answer > 0 && answer <= INT32_MAX);
    EXPECT(book_space(guest, (uint64_t)answer) == NULL);
    for (unsigned int i = 0; i < PARTITION_IOAS; i++) {
        if (!book.guest[guest].space[i].live)
            space = &book.guest[guest].space[i];
        else
            continue;
        EXPECT(space->id != (uint64_t)answer); /* an old id is no new one */
    }
    space->live = true;
    space->unsure = false;
    space->id = (uint64_t)answer;
    space->attached = 0;
    space->tagged = false;
    space->reserved = 0;
    leaves_start(&space->leaves, book.input_bits);
}

static void enter_map(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t physical = x[3] - book.guest[guest].base + book.guest[guest].physical;
    uint64_t done = leaves_add(&space->leaves, x[2], physical, x[4], (uint32_t)x[5],
                               BH_MAP_ENTRIES_PER_CALL);

    EXPECT(machine.x[1] == done);
    EXPECT(answer == (done < x[4] ? BH_EAGAIN : BH_OK));
}

static void enter_unmap(unsigned int guest, const uint64_t *x, int64_t answer)
{
    struct book_space *space = book_space(guest, x[1]);
    uint64_t done = machine.x[1];

    EXPECT(answer == BH_OK || answer == BH_EAGAIN);
    EXPECT(done <= x[3] && (done == x[3]) == (answer == BH_OK));
    /* A step is no less than a page; and at doorbells it stops. */
    EXPECT(answer == BH_OK || done >= BH_MAP_ENTRIES_PER_CALL * PAGE_SIZE ||
           (messages_in(space) && x[2] + done == BH_DOORBELLS));
    EXPECT(!leaves_cut(&space->leaves, x[2] + done));
    EXPECT(machine.x[2] == leaves_bytes(&space->leaves, x[2], done));
    leaves_remove(&space->leaves, x[2], done);
}

static void enter_attach(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    device->space = book_space(guest, x[3]);
    device->space->attached++;
    device->space->tagged = true;
}

void spaces_detached(struct book_device *device)
{
    device->space->attached--;
    device->space = NULL;
    device->held = false;
}

static void expect_ranges(unsigned int guest, const uint64_t *x)
{
    struct bh_ioas_ranges ranges;

    memcpy(&ranges, book_memory(guest, x[2]), sizeof(ranges));
    EXPECT(ranges.size == sizeof(ranges) && ranges.reserved == 0);
    EXPECT(closed_ranges_hold(book_space(guest, x[1]), &ranges));
}

static void enter_replace(unsigned int guest, const uint64_t *x)
{
    struct book_device *device = book_device(guest, x[1]);

    EXPECT(machine.x[1] <= 1 && (device->space != book_space(guest, x[3]) || machine.x[1] == 1));
    device->space->attached--;
    enter_attach(guest, (const uint64_t[]){ x[0], x[1], x[2], x[3] });
}

static void enter_reserve(unsigned int guest, const uint64_t *x)
{
    struct book_space *space = book_space(guest, x[1]);

    if (x[3] != 0)
        space->kept[space->reserved] = (struct topology_range){ .base = x[2], .size = x[3] };
    space->reserved = x[3] == 0 ? 0 : space->reserved + 1;
}

static void enter_free(unsigned int guest, const uint64_t *x)
{
    book_space(guest, x[1])->live = false;
}

static void enter_detach(unsigned int guest, const uint64_t *x)
{
    spaces_detached(book_device(guest, x[1]));
}

/* ---- Each call ------------------------------------------------------------------------------------------- */

static const struct {
    uint64_t number;
    uint32_t (*causes)(unsigned int guest, const uint64_t *x);
    void (*enter)(unsigned int guest, const uint64_t *x); /* NULL: the next one does it */
    void (*enter_answer)(unsigned int guest, const uint64_t *x, int64_t answer);
} calls[] = {
    { BH_CALL_IOAS_ALLOC_PAGING, causes_of_alloc, NULL, enter_alloc },
    { BH_CALL_IOAS_FREE, causes_of_free, enter_free, NULL },
    { BH_CALL_IOAS_MAP, causes_of_map, NULL, enter_map },
    { BH_CALL_IOAS_UNMAP, spaces_causes_of_unmap, NULL, enter_unmap },
    { BH_CALL_ATTACH, causes_of_attach, enter_attach, NULL },
    { BH_CALL_DETACH, causes_of_detach, enter_detach, NULL },
    { BH_CALL_REPLACE, causes_of_replace, enter_replace, NULL },
    { BH_CALL_IOAS_RANGES, causes_of_ranges, expect_ranges, NULL },
    { BH_CALL_IOAS_RESERVE, causes_of_reserve, enter_reserve, NULL },
};

/* Its index above; the end: none. */
static unsigned int find(uint64_t number)
{
    unsigned int i = 0;

    while (i < ARRAY_LENGTH(calls) && calls[i].number != number)
        i++;
    return i;
}

bool spaces_has(uint64_t number)
{
    return find(number) < ARRAY_LENGTH(calls);
}

uint32_t spaces_causes(unsigned int guest, const uint64_t *x)
{
    return calls[find(x[0])].causes(guest, x);
}

void spaces_enter(unsigned int guest, const uint64_t *x, int64_t answer)
{
    unsigned int i = find(x[0]);

    if (calls[i].enter == NULL) {
        calls[i].enter_answer(guest, x, answer);
        return;
    }
    EXPECT(answer == BH_OK);
    calls[i].enter(guest, x);
}
