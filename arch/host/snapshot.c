/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/host/host.h"
#include "arch/seam.h"

/* linker/host.ld */
extern uint64_t host_data_start[], host_data_end[], host_bss_start[], host_bss_end[];

struct area {
    uint64_t *start, *end;
};

/* The kept copies lie on the heap, their addresses outside of what is put back. */
struct kept {
    int memory;
    const char *view; /* of that file, shared */
    pid_t process;    /* whose file it is: a child's is another */
    uint64_t *words;
};

static struct kept *kept __attribute__((section(".host_kept")));

static struct area area(unsigned int index)
{
    return index == 0 ? (struct area){ host_data_start, host_data_end }
                      : (struct area){ host_bss_start, host_bss_end };
}

static void fail(const char *what)
{
    perror(what);
    abort();
}

/* Not the library's memcpy: padding between globals is kept too. */
__attribute__((no_sanitize_address)) static void copy(volatile uint64_t *to,
                                                      const volatile uint64_t *from, size_t words)
{
    for (size_t i = 0; i < words; i++)
        to[i] = from[i];
}

static void *machine_memory(void)
{
    return memory_pointer(HOST_MEMORY_BASE);
}

static void open_file(void)
{
    int file = memfd_create("machine", 0);
    void *view;

    if (file < 0 || ftruncate(file, (off_t)HOST_MEMORY_SIZE) != 0)
        fail("host: no file for a snapshot");
    view = mmap(NULL, HOST_MEMORY_SIZE, PROT_READ, MAP_SHARED, file, 0);
    if (view == MAP_FAILED)
        fail("host: no view of a snapshot");
    kept->memory = file;
    kept->view = view;
    kept->process = getpid();
}

static void close_file(void)
{
    munmap((void *)(uintptr_t)kept->view, HOST_MEMORY_SIZE);
    close(kept->memory);
}

/* The machine's memory is large and nearly empty: pages that nobody touched stay holes, and what is kept already is
 * not written again. */
static void keep_memory(void)
{
    static unsigned char present[HOST_MEMORY_SIZE / PAGE_SIZE], held[ARRAY_LENGTH(present)];

    if (mincore(machine_memory(), HOST_MEMORY_SIZE, present) != 0 ||
        mincore((void *)(uintptr_t)kept->view, HOST_MEMORY_SIZE, held) != 0)
        fail("host: cannot keep the machine's memory");
    for (uint64_t i = 0; i < ARRAY_LENGTH(present); i++) {
        const void *page = memory_pointer(HOST_MEMORY_BASE + i * PAGE_SIZE);

        if (((present[i] | held[i]) & 1) != 0 &&
            memcmp(page, kept->view + i * PAGE_SIZE, PAGE_SIZE) != 0 &&
            pwrite(kept->memory, page, PAGE_SIZE, (off_t)(i * PAGE_SIZE)) != (ssize_t)PAGE_SIZE)
            fail("host: cannot keep a page");
    }
}

static size_t words_in_all(void)
{
    return (size_t)(host_data_end - host_data_start) + (size_t)(host_bss_end - host_bss_start);
}

void host_snapshot_take(void)
{
    if (kept == NULL) {
        kept = calloc(1, sizeof(*kept));
        if (kept == NULL)
            fail("host: no memory for a snapshot");
        kept->words = malloc(words_in_all() * sizeof(uint64_t));
        if (kept->words == NULL)
            fail("host: no memory for a snapshot");
        open_file();
    } else if (kept->process != getpid()) {
        close_file();
        open_file();
    }
    keep_memory();
    size_t done = 0;

    for (unsigned int i = 0; i < 2; i++) {
        struct area of = area(i);

        copy(kept->words + done, of.start, (size_t)(of.end - of.start));
        done += (size_t)(of.end - of.start);
    }
}

void host_snapshot_restore(void)
{
    size_t done = 0;

    /* A private mapping of the file: what is written to it is dropped the next time. */
    if (mmap(machine_memory(), HOST_MEMORY_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, kept->memory, 0) != machine_memory())
        fail("host: cannot put the machine's memory back");
    for (unsigned int i = 0; i < 2; i++) {
        struct area of = area(i);

        copy(of.start, kept->words + done, (size_t)(of.end - of.start));
        done += (size_t)(of.end - of.start);
    }
}
