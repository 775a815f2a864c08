/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a real machine: stretches of RAM with addresses of their own, and the program. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "arch/host/host.h"
#include "arch/seam.h"

#define STRETCHES_LIMIT 16

struct stretch {
    uint64_t base, size;
    uint8_t *at;
};

static struct stretch stretch[STRETCHES_LIMIT];
unsigned int host_stretches;

extern char __executable_start[], _end[];

/* Globals of the program are physical memory at their own addresses. */
static bool in_program(uint64_t address, uint64_t size)
{
    uint64_t start = (uint64_t)(uintptr_t)__executable_start;

    return range_inside(address, size, start, (uint64_t)(uintptr_t)_end - start);
}

static const struct stretch *stretch_of(uint64_t address, uint64_t size)
{
    for (unsigned int i = 0; i < host_stretches; i++) {
        if (range_inside(address, size, stretch[i].base, stretch[i].size))
            return &stretch[i];
    }
    return NULL;
}

bool host_is_memory(uint64_t address, uint64_t size)
{
    return stretch_of(address, size) != NULL || in_program(address, size);
}

void *host_memory_pointer(uint64_t physical)
{
    const struct stretch *found = stretch_of(physical, 1);

    if (found != NULL)
        return found->at + (physical - found->base);
    if (in_program(physical, 1))
        return (void *)(uintptr_t)physical;
    fprintf(stderr, "host: 0x%llx is no memory of this machine\n", (unsigned long long)physical);
    abort();
}

uint64_t host_memory_physical(const volatile void *pointer)
{
    uint64_t address = (uint64_t)(uintptr_t)pointer;

    for (unsigned int i = 0; i < host_stretches; i++) {
        uint64_t offset = address - (uint64_t)(uintptr_t)stretch[i].at;

        if (offset < stretch[i].size)
            return stretch[i].base + offset;
    }
    if (in_program(address, 1))
        return address;
    fprintf(stderr, "host: 0x%llx points to no memory of this machine\n",
            (unsigned long long)address);
    abort();
}

void host_memory_drop(void)
{
    while (host_stretches != 0) {
        host_stretches--;
        munmap(stretch[host_stretches].at, stretch[host_stretches].size);
    }
}

bool host_memory_add(uint64_t base, uint64_t size)
{
    uint64_t start = (uint64_t)(uintptr_t)__executable_start;

    if (host_stretches == STRETCHES_LIMIT || !range_valid(base, size) ||
        range_overlaps(base, size, start, (uint64_t)(uintptr_t)_end - start))
        return false;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    if (at == MAP_FAILED)
        return false;
    stretch[host_stretches++] = (struct stretch){ .base = base, .size = size, .at = at };
    return true;
}
