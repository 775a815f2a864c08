/* SPDX-License-Identifier: Apache-2.0 */
/* timed.h for AArch32. CNTVCT is read as two registers by one instruction. */
#ifndef GUESTS_BENCH_TIMED_AARCH32_H
#define GUESTS_BENCH_TIMED_AARCH32_H

#define TIMED_READ(low, high) "isb\n\tmrrc p15, 1, %[" low "], %[" high "], c14\n\t"

/* What passed between two readings, each of two halves. */
static inline uint64_t timed_between(uint32_t low, uint32_t high, uint32_t end_low,
                                     uint32_t end_high)
{
    return ((uint64_t)end_high << 32 | end_low) - ((uint64_t)high << 32 | low);
}

/* Arguments stand in their registers before the first reading, so that only the call is counted. */
static inline struct timed timed_call(const struct call *call)
{
    uint32_t id = (uint32_t)call->id, a1 = (uint32_t)call->argument[0];
    uint32_t a2 = (uint32_t)call->argument[1], a3 = (uint32_t)call->argument[2];
    uint32_t a4 = (uint32_t)call->argument[3], a5 = (uint32_t)call->argument[4];
    register uint32_t r0 __asm__("r0") = id;
    register uint32_t r1 __asm__("r1") = a1;
    register uint32_t r2 __asm__("r2") = a2;
    register uint32_t r3 __asm__("r3") = a3;
    register uint32_t r4 __asm__("r4") = a4;
    register uint32_t r5 __asm__("r5") = a5;
    uint32_t low, high, end_low, end_high;

    __asm__ volatile(".arch_extension virt\n\t" TIMED_READ("low", "high") "hvc #0\n\t" TIMED_READ(
                         "end_low", "end_high")
                     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r4), "+r"(r5), [low] "=&r"(low),
                       [high] "=&r"(high), [end_low] "=&r"(end_low), [end_high] "=&r"(end_high)
                     :
                     : "memory");
    return (struct timed){ (int32_t)r0, r1, timed_between(low, high, end_low, end_high) };
}

/* Two readings with nothing between. */
static inline uint64_t timed_nothing(void)
{
    uint32_t low, high, end_low, end_high;

    __asm__ volatile(
        TIMED_READ("low", "high") TIMED_READ("end_low", "end_high")
        : [low] "=&r"(low), [high] "=&r"(high), [end_low] "=&r"(end_low), [end_high] "=&r"(end_high)
        :
        : "memory");
    return timed_between(low, high, end_low, end_high);
}

/* Two readings with a thousand instructions between. */
static inline uint64_t timed_nops(void)
{
    uint32_t low, high, end_low, end_high;

    __asm__ volatile(
        TIMED_READ("low", "high") ".rept 1000\n\tnop\n\t.endr\n\t" TIMED_READ("end_low", "end_high")
        : [low] "=&r"(low), [high] "=&r"(high), [end_low] "=&r"(end_low), [end_high] "=&r"(end_high)
        :
        : "memory");
    return timed_between(low, high, end_low, end_high);
}

#endif
