/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/boot_memory.h"

#include "arch/seam.h"
#include "lib/string.h"

/* What large alignments left between: the first so many of at least a page are used for what is taken later. */
#define GAPS 8

struct stretch {
    uint64_t next, end;
};

static uint64_t first;
static struct stretch rest, gaps[GAPS];
static unsigned int gap_count;

void boot_memory_start(uint64_t base, uint64_t size)
{
    first = base;
    rest = (struct stretch){ .next = base, .end = base + size };
    gap_count = 0;
}

/* 0: it has no room. */
static uint64_t take_from(struct stretch *stretch, uint64_t size, uint64_t alignment)
{
    uint64_t base = align_up(stretch->next, alignment);

    if (size == 0 || base < stretch->next || base > stretch->end || size > stretch->end - base)
        return 0;
    stretch->next = base + size;
    return base;
}

void *boot_memory_take(uint64_t size, uint64_t alignment)
{
    uint64_t base = 0, begin = rest.next;

    for (unsigned int i = 0; i < gap_count && base == 0; i++)
        base = take_from(&gaps[i], size, alignment);
    if (base == 0) {
        base = take_from(&rest, size, alignment);
        if (base >= begin + PAGE_SIZE && gap_count < GAPS)
            gaps[gap_count++] = (struct stretch){ .next = begin, .end = base };
    }
    if (base == 0)
        return NULL;
    memset(memory_pointer(base), 0, size);
    return memory_pointer(base);
}

void boot_memory_seal(void)
{
    rest.end = rest.next;
    gap_count = 0;
}

uint64_t boot_memory_used(void)
{
    return rest.next - first;
}
