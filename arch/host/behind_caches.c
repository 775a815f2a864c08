/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/behind_caches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/host/host.h"
#include "arch/seam.h"

#define WRITTEN_LIMIT 8192

static uint64_t *memory, *image; /* the copies; NULL: none */
static uint64_t image_base, image_size;
static uint64_t written[WRITTEN_LIMIT]; /* words that a unit wrote and no CPU has seen */
static unsigned int written_count;

extern char __executable_start[], _end[];

static void *map(uint64_t size)
{
    void *got = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (got == MAP_FAILED) {
        perror("host: no room for the memory behind the caches");
        abort();
    }
    return got;
}

/* Pages that nobody has touched are left alone. */
__attribute__((no_sanitize_address)) static void copy(uint64_t *to, uint64_t from, uint64_t size)
{
    const volatile uint64_t *words = memory_pointer(from);

    for (uint64_t i = 0; i < size / 8; i++) {
        if (words[i] != 0)
            to[i] = words[i];
    }
}

/* The machine's memory is large and nearly empty: only pages that are there are read. */
static void copy_memory(void)
{
    static unsigned char present[HOST_MEMORY_SIZE / PAGE_SIZE];

    if (mincore(memory_pointer(HOST_MEMORY_BASE), HOST_MEMORY_SIZE, present) != 0) {
        perror("host: mincore");
        abort();
    }
    for (uint64_t i = 0; i < ARRAY_LENGTH(present); i++) {
        if ((present[i] & 1) != 0)
            copy(memory + i * PAGE_SIZE / 8, HOST_MEMORY_BASE + i * PAGE_SIZE, PAGE_SIZE);
    }
}

void behind_caches_start(void)
{
    if (memory != NULL)
        return;
    image_base = align_down(memory_physical(__executable_start), 8);
    image_size = align_down(memory_physical(_end) - image_base, 8);
    memory = map(HOST_MEMORY_SIZE);
    image = map(image_size);
    copy(image, image_base, image_size);
    copy_memory();
    written_count = 0;
}

void behind_caches_stop(void)
{
    if (memory == NULL)
        return;
    munmap(memory, HOST_MEMORY_SIZE);
    munmap(image, image_size);
    memory = NULL;
    image = NULL;
}

static uint64_t *copy_of(uint64_t word)
{
    if (memory == NULL)
        return NULL;
    if (word - HOST_MEMORY_BASE < HOST_MEMORY_SIZE)
        return &memory[(word - HOST_MEMORY_BASE) / 8];
    if (word - image_base < image_size)
        return &image[(word - image_base) / 8];
    return NULL;
}

bool behind_caches_covers(uint64_t address)
{
    return copy_of(address) != NULL;
}

uint64_t behind_caches_get(uint64_t word)
{
    const uint64_t *copied = copy_of(word);

    return copied != NULL ? *copied : 0;
}

void behind_caches_put(uint64_t word, uint64_t value)
{
    uint64_t *copied = copy_of(word);

    if (copied != NULL)
        *copied = value;
}

/* Takes a word out of those that no CPU has seen. */
static bool take_written(uint64_t word, bool forget)
{
    for (unsigned int i = 0; i < written_count; i++) {
        if (written[i] != word)
            continue;
        if (forget)
            written[i] = written[--written_count];
        return true;
    }
    return false;
}

__attribute__((no_sanitize_address)) void behind_caches_clean(uint64_t word, bool invalidate)
{
    uint64_t *copied = copy_of(word);
    volatile uint64_t *cpu = memory_pointer(word);

    if (copied == NULL)
        return;
    if (!take_written(word, invalidate))
        *copied = *cpu; /* a line that a unit wrote to is not dirty */
    else if (invalidate)
        *cpu = *copied;
}

void behind_caches_write(uint64_t word, uint64_t value)
{
    behind_caches_put(word, value);
    if (take_written(word, false))
        return;
    if (written_count == WRITTEN_LIMIT) {
        fprintf(stderr, "host: more unseen writes than there is room for\n");
        abort();
    }
    written[written_count++] = word;
}
