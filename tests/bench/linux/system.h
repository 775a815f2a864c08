/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program asks of the kernel, by the numbers of its interface for AArch64. There is no C
 * library for Linux below: newlib's, which the payloads use, has other numbers for flags and no
 * system calls, so that nothing of <fcntl.h> or <sys/stat.h> may meet what is declared here.
 */
#ifndef BENCH_LINUX_SYSTEM_H
#define BENCH_LINUX_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

enum system_call_number {
    SYSTEM_IOCTL = 29,
    SYSTEM_MOUNT = 40,
    SYSTEM_OPENAT = 56,
    SYSTEM_CLOSE = 57,
    SYSTEM_READ = 63,
    SYSTEM_WRITE = 64,
    SYSTEM_READLINKAT = 78,
    SYSTEM_REBOOT = 142,
    SYSTEM_UNAME = 160,
    SYSTEM_GETPPID = 173,
    SYSTEM_MMAP = 222,
    SYSTEM_MADVISE = 233,
    SYSTEM_FINIT_MODULE = 273,
};

#define SYSTEM_AT_WORKING_FOLDER (-100)
#define SYSTEM_READ_ONLY 0
#define SYSTEM_WRITE_ONLY 1
#define SYSTEM_READ_WRITE 2

#define SYSTEM_PROT_READ 1
#define SYSTEM_PROT_WRITE 2
#define SYSTEM_MAP_SHARED 0x1
#define SYSTEM_MAP_PRIVATE 0x2
#define SYSTEM_MAP_ANONYMOUS 0x20
#define SYSTEM_MAP_HUGETLB 0x40000
#define SYSTEM_MAP_HUGE_SHIFT 26 /* above it stands the logarithm of the page's size */
#define SYSTEM_MADVISE_NO_HUGE_PAGES 15

/* The bare call: a negative result is an error's number. */
static inline int64_t system_call(enum system_call_number number, uint64_t a0, uint64_t a1,
                                  uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    register uint64_t x8 __asm__("x8") = (uint64_t)number;
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x5 __asm__("x5") = a5;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return (int64_t)x0;
}

/* What an ioctl costs, its two readings of the counter included. */
struct timed_result {
    int64_t status;
    uint64_t ticks;
};

/* As timed_call() of the payloads: arguments stand in their registers before the first reading. */
static inline struct timed_result timed_system_call(enum system_call_number number, uint64_t a0,
                                                    uint64_t a1, uint64_t a2)
{
    register uint64_t x8 __asm__("x8") = (uint64_t)number;
    register uint64_t x0 __asm__("x0") = a0;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    uint64_t start, end;

    __asm__ volatile("isb\n\t"
                     "mrs %[start], cntvct_el0\n\t"
                     "svc #0\n\t"
                     "isb\n\t"
                     "mrs %[end], cntvct_el0"
                     : "+r"(x0), [start] "=&r"(start), [end] "=&r"(end)
                     : "r"(x8), "r"(x1), "r"(x2)
                     : "memory", "cc");
    return (struct timed_result){ (int64_t)x0, end - start };
}

/* The address of an object as an argument. */
static inline uint64_t system_address(const volatile void *object)
{
    return (uint64_t)(uintptr_t)object;
}

/* What the counter said at the first instruction of the program. */
uint64_t system_first_count(void);

/* Ends the machine with a line that says what failed, unless the result is none of an error. */
uint64_t system_must(const char *what, int64_t result);

/* The same where no system call is to blame. */
_Noreturn void system_fail(const char *what);

/* Switches the machine off. */
_Noreturn void system_off(void);

void system_mount(const char *type, const char *folder);
uint64_t system_open(const char *path, uint64_t flags);
void system_close(uint64_t file);

/* Loads a kernel module. */
void system_load_module(const char *path);

/* Writes a text to a file that is there, as sysfs takes it: in one piece. */
void system_write_file(const char *path, const char *text);

/* Reads a file as text, without the line's end. */
void system_read_file(const char *path, char *text, size_t size);

/* The last part of what a symbolic link points to. */
void system_link_name(const char *path, char *name, size_t size);

/* ioctl with a pointer or a number. */
uint64_t system_ioctl(const char *what, uint64_t file, uint64_t request, uint64_t argument);

/* Memory that is there: every page was written to. */
void *system_memory(const char *what, uint64_t bytes, uint64_t flags);

#endif
