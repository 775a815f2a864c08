/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/boot_memory.h"

#include "arch/seam.h"
#include "lib/string.h"

static uint64_t first, next, end;

void boot_memory_start(uint64_t base, uint64_t size)
{
    first = base;
    next = base;
    end = base + size;
}

void *boot_memory_take(uint64_t size, uint64_t alignment)
{
    uint64_t base = align_up(next, alignment);

    if (size == 0 || base < next || base > end || size > end - base)
        return NULL;
    next = base + size;
    memset(memory_pointer(base), 0, size);
    return memory_pointer(base);
}

void boot_memory_seal(void)
{
    end = next;
}

uint64_t boot_memory_used(void)
{
    return next - first;
}
