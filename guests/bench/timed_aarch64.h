/* SPDX-License-Identifier: Apache-2.0 */
/* timed.h for AArch64. */
#ifndef GUESTS_BENCH_TIMED_AARCH64_H
#define GUESTS_BENCH_TIMED_AARCH64_H

/* Arguments stand in their registers before the first reading, so that only the call is counted. */
static inline struct timed timed_call(const struct call *call)
{
    uint64_t id = call->id, a1 = call->argument[0], a2 = call->argument[1];
    uint64_t a3 = call->argument[2], a4 = call->argument[3], a5 = call->argument[4];
    register uint64_t x0 __asm__("x0") = id;
    register uint64_t x1 __asm__("x1") = a1;
    register uint64_t x2 __asm__("x2") = a2;
    register uint64_t x3 __asm__("x3") = a3;
    register uint64_t x4 __asm__("x4") = a4;
    register uint64_t x5 __asm__("x5") = a5;
    uint64_t start, end;

    __asm__ volatile("isb\n\t"
                     "mrs %[start], cntvct_el0\n\t"
                     "hvc #0\n\t"
                     "isb\n\t"
                     "mrs %[end], cntvct_el0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4),
                       "+r"(x5), [start] "=&r"(start), [end] "=&r"(end)
                     :
                     : "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "memory");
    return (struct timed){ (int64_t)x0, x1, end - start };
}

/* Two readings with nothing between. */
static inline uint64_t timed_nothing(void)
{
    uint64_t start, end;

    __asm__ volatile("isb\n\t"
                     "mrs %[start], cntvct_el0\n\t"
                     "isb\n\t"
                     "mrs %[end], cntvct_el0"
                     : [start] "=&r"(start), [end] "=&r"(end)
                     :
                     : "memory");
    return end - start;
}

/* Two readings with a thousand instructions between. */
static inline uint64_t timed_nops(void)
{
    uint64_t start, end;

    __asm__ volatile("isb\n\t"
                     "mrs %[start], cntvct_el0\n\t"
                     ".rept 1000\n\tnop\n\t.endr\n\t"
                     "isb\n\t"
                     "mrs %[end], cntvct_el0"
                     : [start] "=&r"(start), [end] "=&r"(end)
                     :
                     : "memory");
    return end - start;
}

#endif
