/* SPDX-License-Identifier: Apache-2.0 */
/* From start_*.S to main(), and what newlib wants of an operating system. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "bulkhead.h"
#include "tree.h"

#define STDIN 0
#define STDOUT 1
#define STDERR 2
#define EXIT_CODE_MAX 255
#define ONLY_PROCESS 1

/* The heap, from partition.ld. */
extern char __heap_start[], __heap_end[];

_Noreturn void bh_start(const void *tree);

_Noreturn void bh_start(const void *tree)
{
    tree_init(tree);
    exit(main());
}

_Noreturn void bh_exit(int code)
{
    if (code < 0 || code > EXIT_CODE_MAX)
        code = BH_EXIT_LIMIT;
    bh_power(BH_POWER_OFF, (uint64_t)code);
    for (;;)
        cpu_wait();
}

/* ---- newlib ---------------------------------------------------------------------------------- */
_Noreturn void _exit(int code);
int _write(int file, const void *bytes, size_t length);
int _read(int file, void *bytes, size_t length);
int _close(int file);
off_t _lseek(int file, off_t offset, int whence);
int _fstat(int file, struct stat *status);
int _isatty(int file);
int _kill(int process, int signal);
int _getpid(void);
void *_sbrk(ptrdiff_t bytes);

_Noreturn void _exit(int code)
{
    bh_exit(code);
}

int _write(int file, const void *bytes, size_t length)
{
    if (file != STDOUT && file != STDERR) {
        errno = EBADF;
        return -1;
    }
    if (bh_print(bytes, length) != BH_OK) {
        errno = EIO;
        return -1;
    }
    return (int)length;
}

/* Waits for input, which has no end. The key that ends a line is a carriage return on a terminal. */
int _read(int file, void *bytes, size_t length)
{
    char *text = bytes;
    int64_t count;

    if (file != STDIN) {
        errno = EBADF;
        return -1;
    }
    count = length == 0 ? 0 : bh_input(bytes, length);
    if (count < 0) {
        errno = EIO;
        return -1;
    }
    for (int64_t i = 0; i < count; i++) {
        if (text[i] == '\r')
            text[i] = '\n';
    }
    return (int)count;
}

int _close(int file)
{
    (void)file;
    errno = EBADF;
    return -1;
}

off_t _lseek(int file, off_t offset, int whence)
{
    (void)file;
    (void)offset;
    (void)whence;
    errno = ESPIPE;
    return -1;
}

/* A terminal, so that stdout is flushed at each line. */
int _fstat(int file, struct stat *status)
{
    (void)file;
    *status = (struct stat){ .st_mode = S_IFCHR };
    return 0;
}

int _isatty(int file)
{
    (void)file;
    return 1;
}

int _kill(int process, int signal)
{
    (void)process;
    bh_exit(BH_EXIT_SIGNAL + signal);
}

int _getpid(void)
{
    return ONLY_PROCESS;
}

void *_sbrk(ptrdiff_t bytes)
{
    static uintptr_t end = (uintptr_t)__heap_start;
    uintptr_t start = end, next = end + (uintptr_t)bytes;

    if (next < (uintptr_t)__heap_start || next > (uintptr_t)__heap_end) {
        errno = ENOMEM;
        return (void *)-1; /* what newlib's malloc expects of a failed sbrk */
    }
    end = next;
    return (void *)start;
}

/* ---- Stack protector ------------------------------------------------------------------------- */
/* Debian's libfdt.a is compiled with it. The value is fixed: nothing here knows a secret. */
extern const uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

const uintptr_t __stack_chk_guard = (uintptr_t)0x0a0dff00b5c3d7e1;

_Noreturn void __stack_chk_fail(void)
{
    static const char text[] = "stack smashed inside libfdt\n";

    bh_print(text, sizeof(text) - 1);
    bh_exit(BH_EXIT_EXCEPTION);
}
