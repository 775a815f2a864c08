/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/memory.h"

#define STRETCHES 64

static struct topology_range stretch[STRETCHES];
static uint32_t count;

static void drop(uint32_t index)
{
    stretch[index] = stretch[--count];
}

static bool add(uint64_t base, uint64_t size)
{
    if (count == STRETCHES)
        return false;
    stretch[count++] = (struct topology_range){ .base = base, .size = size };
    return true;
}

bool memory_reserve(uint64_t base, uint64_t size)
{
    uint64_t first = align_down(base, PAGE_SIZE), end = align_up(base + size, PAGE_SIZE);

    for (uint32_t i = 0; i < count;) {
        struct topology_range old = stretch[i];

        if (!range_overlaps(old.base, old.size, first, end - first)) {
            i++;
            continue;
        }
        drop(i);
        if ((old.base < first && !add(old.base, first - old.base)) ||
            (old.base + old.size > end && !add(end, old.base + old.size - end)))
            return false;
    }
    return true;
}

bool memory_start(const struct topology *topology)
{
    count = 0;
    for (uint32_t i = 0; i < topology->memory_count; i++) {
        const struct topology_range *range = &topology->memory[i];
        uint64_t base = align_up(range->base, PAGE_SIZE);
        uint64_t end = align_down(range->base + range->size, PAGE_SIZE);

        if (base < end && !add(base, end - base))
            return false;
    }
    for (uint32_t i = 0; i < topology->reserved_count; i++) {
        if (!memory_reserve(topology->reserved[i].base, topology->reserved[i].size))
            return false;
    }
    return topology->initrd.size == 0 ||
           memory_reserve(topology->initrd.base, topology->initrd.size);
}

bool memory_take_at(uint64_t base, uint64_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        if (range_inside(base, size, stretch[i].base, stretch[i].size))
            return memory_reserve(base, size);
    }
    return false;
}

uint64_t memory_take(uint64_t size, uint64_t alignment)
{
    uint64_t best = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t base = align_up(stretch[i].base, alignment);

        if (range_inside(base, size, stretch[i].base, stretch[i].size) &&
            (best == 0 || base < best))
            best = base;
    }
    return best != 0 && memory_reserve(best, size) ? best : 0;
}
