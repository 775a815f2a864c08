/* SPDX-License-Identifier: Apache-2.0 */
/* System calls with a check, and what newlib wants of an operating system. */
#include "system.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_LIMIT 4095 /* a result from -ERROR_LIMIT to -1 is an error */
#define CONSOLE 1
#define PAGE_BYTES 4096
#define HEAP_BYTES 65536
#define REBOOT_MAGIC_1 0xfee1dead
#define REBOOT_MAGIC_2 672274793
#define REBOOT_POWER_OFF 0x4321fedc

_Noreturn void system_start(uint64_t count);
int main(void);

static uint64_t first_count;

_Noreturn void system_start(uint64_t count)
{
    first_count = count;
    main();
    system_off();
}

uint64_t system_first_count(void)
{
    return first_count;
}

_Noreturn void system_off(void)
{
    (void)fflush(stdout);
    (void)system_call(SYSTEM_REBOOT, REBOOT_MAGIC_1, REBOOT_MAGIC_2, REBOOT_POWER_OFF, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfe");
}

_Noreturn void system_fail(const char *what)
{
    printf("failed: %s\n", what);
    system_off();
}

uint64_t system_must(const char *what, int64_t result)
{
    if (result < 0 && result >= -ERROR_LIMIT) {
        printf("failed: %s: error %" PRId64 "\n", what, -result);
        system_off();
    }
    return (uint64_t)result;
}

void system_mount(const char *type, const char *folder)
{
    system_must(folder, system_call(SYSTEM_MOUNT, system_address(type), system_address(folder),
                                    system_address(type), 0, 0, 0));
}

uint64_t system_open(const char *path, uint64_t flags)
{
    return system_must(path, system_call(SYSTEM_OPENAT, (uint64_t)SYSTEM_AT_WORKING_FOLDER,
                                         system_address(path), flags, 0, 0, 0));
}

void system_close(uint64_t file)
{
    system_must("close", system_call(SYSTEM_CLOSE, file, 0, 0, 0, 0, 0));
}

void system_load_module(const char *path)
{
    uint64_t file = system_open(path, SYSTEM_READ_ONLY);

    system_must(path, system_call(SYSTEM_FINIT_MODULE, file, system_address(""), 0, 0, 0, 0));
    system_close(file);
}

void system_write_file(const char *path, const char *text)
{
    uint64_t file = system_open(path, SYSTEM_WRITE_ONLY);
    size_t length = strlen(text);

    if (system_must(path, system_call(SYSTEM_WRITE, file, system_address(text), length, 0, 0, 0)) !=
        length)
        system_fail(path);
    system_close(file);
}

void system_read_file(const char *path, char *text, size_t size)
{
    uint64_t file = system_open(path, SYSTEM_READ_ONLY);
    uint64_t length = system_must(
        path, system_call(SYSTEM_READ, file, system_address(text), size - 1, 0, 0, 0));

    system_close(file);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
}

void system_link_name(const char *path, char *name, size_t size)
{
    char target[PAGE_BYTES];
    uint64_t length = system_must(
        path, system_call(SYSTEM_READLINKAT, (uint64_t)SYSTEM_AT_WORKING_FOLDER,
                          system_address(path), system_address(target), sizeof(target) - 1, 0, 0));
    const char *last;

    target[length] = '\0';
    last = strrchr(target, '/');
    last = last ? last + 1 : target;
    if (strlen(last) >= size)
        system_fail(path);
    memcpy(name, last, strlen(last) + 1);
}

uint64_t system_ioctl(const char *what, uint64_t file, uint64_t request, uint64_t argument)
{
    return system_must(what, system_call(SYSTEM_IOCTL, file, request, argument, 0, 0, 0));
}

void *system_memory(const char *what, uint64_t bytes, uint64_t flags)
{
    uint64_t address = system_must(
        what, system_call(SYSTEM_MMAP, 0, bytes, SYSTEM_PROT_READ | SYSTEM_PROT_WRITE,
                          SYSTEM_MAP_PRIVATE | SYSTEM_MAP_ANONYMOUS | flags, UINT64_MAX, 0));

    if (!(flags & SYSTEM_MAP_HUGETLB))
        system_must(what, system_call(SYSTEM_MADVISE, address, bytes, SYSTEM_MADVISE_NO_HUGE_PAGES,
                                      0, 0, 0));
    for (uint64_t offset = 0; offset < bytes; offset += PAGE_BYTES)
        *(volatile char *)(uintptr_t)(address + offset) = 1;
    return (void *)(uintptr_t)address;
}

/* ---- newlib ---------------------------------------------------------------------------------- */
struct stat;

_Noreturn void _exit(int code);
int _write(int file, const void *bytes, size_t length);
int _read(int file, void *bytes, size_t length);
int _close(int file);
long _lseek(int file, long offset, int whence);
int _fstat(int file, struct stat *status);
int _isatty(int file);
int _kill(int process, int signal);
int _getpid(void);
void *_sbrk(ptrdiff_t bytes);

_Noreturn void _exit(int code)
{
    printf("failed: exit %d\n", code);
    system_off();
}

static bool put(const char *bytes, size_t length)
{
    while (length > 0) {
        int64_t done = system_call(SYSTEM_WRITE, CONSOLE, system_address(bytes), length, 0, 0, 0);

        if (done <= 0)
            return false;
        bytes += done;
        length -= (size_t)done;
    }
    return true;
}

/* Each line gets the name in front that it would have on the console of Bulkhead. */
int _write(int file, const void *bytes, size_t length)
{
    static const char name[] = "[bench] ";
    static bool within; /* a line */
    const char *text = bytes;

    (void)file;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        size_t part = end ? (size_t)(end - (text + at)) + 1 : length - at;

        if ((!within && !put(name, sizeof(name) - 1)) || !put(text + at, part)) {
            errno = EIO;
            return -1;
        }
        within = end == NULL;
        at += part;
    }
    return (int)length;
}

int _read(int file, void *bytes, size_t length)
{
    (void)file;
    (void)bytes;
    (void)length;
    return 0;
}

int _close(int file)
{
    (void)file;
    errno = EBADF;
    return -1;
}

long _lseek(int file, long offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    errno = ESPIPE;
    return -1;
}

/* Nothing is known of it; main() sets the buffer. */
int _fstat(int file, struct stat *status)
{
    (void)file;
    (void)status;
    errno = EBADF;
    return -1;
}

int _isatty(int file)
{
    (void)file;
    return 1;
}

int _kill(int process, int signal)
{
    (void)process;
    printf("failed: signal %d\n", signal);
    system_off();
}

int _getpid(void)
{
    return 1;
}

void *_sbrk(ptrdiff_t bytes)
{
    static _Alignas(16) char heap[HEAP_BYTES];
    static size_t used;
    char *start = heap + used;

    if (bytes < 0 || (size_t)bytes > HEAP_BYTES - used) {
        errno = ENOMEM;
        return (void *)-1; /* what newlib's malloc expects of a failed sbrk */
    }
    used += (size_t)bytes;
    return start;
}
