/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/leaves.h"

#include <string.h>

#include "tests/unit/unit.h"

#define LARGEST 2 /* leaves of 1 GiB */

static uint64_t step_of(unsigned int height)
{
    return PAGE_SIZE << (9 * height);
}

void leaves_start(struct leaves *leaves, unsigned int bits)
{
    leaves->count = 0;
    leaves->top = (bits - PAGE_SHIFT + 8) / 9 - 1;
}

static void insert(struct leaves *leaves, struct stretch added)
{
    unsigned int at = 0;

    assert_true(leaves->count < LEAVES_STRETCHES);
    while (at < leaves->count && leaves->stretch[at].from < added.from)
        at++;
    memmove(&leaves->stretch[at + 1], &leaves->stretch[at],
            (leaves->count - at) * sizeof(leaves->stretch[0]));
    leaves->stretch[at] = added;
    leaves->count++;
}

/* The largest leaf that begins at both addresses and fits. */
static unsigned int largest(const struct leaves *leaves, uint64_t from, uint64_t address,
                            uint64_t size)
{
    unsigned int height = LARGEST < leaves->top ? LARGEST : leaves->top;

    while (height > 0 &&
           (((from | address) & (step_of(height) - 1)) != 0 || size < step_of(height)))
        height--;
    return height;
}

static uint64_t cover(const struct leaves *leaves, struct leaves *to, uint64_t from,
                      uint64_t address, uint64_t size, uint32_t access, uint32_t bound)
{
    uint64_t done = 0;

    while (done < size && bound > 0) {
        struct stretch next = { .from = from + done, .address = address + done, .access = access };

        next.height = largest(leaves, next.from, next.address, size - done);
        while (done < size && bound > 0 &&
               largest(leaves, from + done, address + done, size - done) == next.height) {
            next.count++;
            bound--;
            done += step_of(next.height);
        }
        if (to != NULL)
            insert(to, next);
    }
    return done;
}

uint64_t leaves_add(struct leaves *leaves, uint64_t from, uint64_t address, uint64_t size,
                    uint32_t access, uint32_t bound)
{
    return cover(leaves, leaves, from, address, size, access, bound);
}

uint64_t leaves_would_add(const struct leaves *leaves, uint64_t from, uint64_t address,
                          uint64_t size, uint32_t bound)
{
    return cover(leaves, NULL, from, address, size, 0, bound);
}

bool leaves_any(const struct leaves *leaves, uint64_t from, uint64_t size)
{
    for (unsigned int i = 0; i < leaves->count; i++) {
        const struct stretch *stretch = &leaves->stretch[i];

        if (stretch->from < from + size && from < stretch_end(stretch))
            return true;
    }
    return false;
}

const struct stretch *leaves_find(const struct leaves *leaves, uint64_t at)
{
    for (unsigned int i = 0; i < leaves->count; i++) {
        if (at >= leaves->stretch[i].from && at < stretch_end(&leaves->stretch[i]))
            return &leaves->stretch[i];
    }
    return NULL;
}

bool leaves_cut(const struct leaves *leaves, uint64_t at)
{
    const struct stretch *stretch = leaves_find(leaves, at);

    return stretch != NULL && (at & (stretch_step(stretch) - 1)) != 0;
}

/* The part of a stretch inside [from, end), in whole leaves. */
static struct stretch inside(const struct stretch *stretch, uint64_t from, uint64_t end)
{
    uint64_t step = stretch_step(stretch), first = stretch->from, last = stretch_end(stretch);
    struct stretch part = *stretch;

    if (from > first)
        first = from > last ? last : first + (from - first + step - 1) / step * step;
    if (end < last)
        last = end < first ? first : first + (end - first) / step * step;
    part.from = first;
    part.address += first - stretch->from;
    part.count = last > first ? (last - first) / step : 0;
    return part;
}

uint64_t leaves_bytes(const struct leaves *leaves, uint64_t from, uint64_t size)
{
    uint64_t bytes = 0;

    for (unsigned int i = 0; i < leaves->count; i++) {
        struct stretch part = inside(&leaves->stretch[i], from, from + size);

        bytes += part.count * stretch_step(&part);
    }
    return bytes;
}

void leaves_remove(struct leaves *leaves, uint64_t from, uint64_t size)
{
    for (unsigned int i = 0; i < leaves->count; i++) {
        struct stretch whole = leaves->stretch[i], part = inside(&whole, from, from + size);
        struct stretch behind = whole;

        if (part.count == 0)
            continue;
        memmove(&leaves->stretch[i], &leaves->stretch[i + 1],
                (leaves->count - i - 1) * sizeof(whole));
        leaves->count--;
        behind.from = stretch_end(&part);
        behind.address += behind.from - whole.from;
        behind.count = (stretch_end(&whole) - behind.from) / stretch_step(&whole);
        whole.count = (part.from - whole.from) / stretch_step(&whole);
        if (behind.count != 0)
            insert(leaves, behind);
        if (whole.count != 0)
            insert(leaves, whole);
        i -= whole.count == 0;
    }
}

unsigned int leaves_pages(const struct leaves *leaves)
{
    unsigned int pages = 1;

    for (unsigned int height = 0; height < leaves->top; height++) {
        uint64_t next = 0; /* tables below it are counted */

        for (unsigned int i = 0; i < leaves->count; i++) {
            const struct stretch *stretch = &leaves->stretch[i];
            uint64_t first = stretch->from / step_of(height + 1);
            uint64_t end = (stretch_end(stretch) - 1) / step_of(height + 1) + 1;

            if (stretch->height > height || end <= next)
                continue;
            pages += (unsigned int)(end - (first > next ? first : next));
            next = end;
        }
    }
    return pages;
}

void leaves_redirect(struct leaves *leaves, uint64_t from, uint64_t address, uint64_t size,
                     uint32_t access)
{
    static struct leaves before;

    before = *leaves;
    leaves_remove(leaves, from, size);
    for (unsigned int i = 0; i < before.count; i++) {
        struct stretch part = inside(&before.stretch[i], from, from + size);

        part.address = address + (part.from - from);
        part.access = access;
        if (part.count != 0)
            insert(leaves, part);
    }
}
