/* SPDX-License-Identifier: Apache-2.0 */
/* Behaviours that are about the CPU: aborts, traps, registers, the timer and its interrupt. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "sdk/bulkhead.h"
#include "sdk/gic.h"
#include "sdk/mmio.h"
#include "sdk/psci.h"
#include "sdk/timer.h"
#include "sdk/tree.h"
#include "tests.h"

#define WORD_BYTES 8
#define POKE 0xdeadbeefu

#define REGISTERS_X 31
#define REGISTERS_Q 32
#define FIRST_PRESERVED 4 /* x0 to x3 are results */
#define PATTERN 0x1357900000000000ull

#define TICKS 10
#define PERIOD_NS NS_PER_MS
#define LATE_MAX_NS (50 * NS_PER_MS) /* an emulated CPU may lose its host for a while */
#define LOST_NS NS_PER_SECOND

void registers_hvc(const uint64_t argument[6], uint64_t x[REGISTERS_X], uint64_t q[2 * REGISTERS_Q],
                   uint64_t pattern);

int test_touch(void)
{
    char access[WORD_BYTES];
    uint64_t address;
    uint32_t value = POKE;

    if (!tree_bootarg_number("address", &address)) {
        printf("bootargs have no address=N\n");
        return CHECK_EXIT_UNUSABLE;
    }
    tree_bootarg("access", access, sizeof(access));
    if (strcmp(access, "w") == 0) {
        printf("writing 0x%" PRIx64 "\n", address);
        mmio_write32(address, value);
    } else {
        printf("reading 0x%" PRIx64 "\n", address);
        value = mmio_read32(address);
    }
    printf("check 1: expected the end of this partition, saw 0x%" PRIx32 " (touch)\n", value);
    return 1;
}

int test_crash(void)
{
    printf("an undefined instruction follows\n");
    __asm__ volatile("udf #0");
    check_true(false, "an undefined instruction is taken to the own vectors");
    return check_result();
}

int test_smc(void)
{
    register uint64_t x0 __asm__("x0") = PSCI_VERSION;

    __asm__ volatile("smc #0"
                     : "+r"(x0)
                     :
                     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "memory");
    check_status(BH_NOT_SUPPORTED, (int64_t)x0, "smc");
    return check_result();
}

int test_hang(void)
{
    printf("spinning\n");
    for (;;)
        __asm__ volatile("" : : : "memory");
}

/* ---- Registers ------------------------------------------------------------------------------- */
static void preserved_by(const uint64_t argument[6], uint64_t pattern, const char *what)
{
    uint64_t x[REGISTERS_X], q[2 * REGISTERS_Q];

    registers_hvc(argument, x, q, pattern);
    printf("after %s\n", what);
    for (unsigned int i = FIRST_PRESERVED; i < REGISTERS_X; i++)
        check_equal(i < 6 ? argument[i] : pattern + i, x[i], "a general register");
    for (unsigned int i = 0; i < 2 * REGISTERS_Q; i++)
        check_equal(pattern + 32 + i / 2, q[i], "half of a vector register");
}

int test_registers(void)
{
    static struct bh_partition_info info;
    static const char text[] = "a line from a call with patterns in all registers\n";
    const uint64_t calls[][6] = {
        { BH_FUNCTION_BASE | BH_CALL_VERSION, 1, 2, 3, 4, 5 },
        { BH_FUNCTION_BASE | BH_CALL_LIMIT, 1, 2, 3, 4, 5 },
        { BH_FUNCTION_BASE | BH_CALL_PARTITION_INFO, bh_address(&info), 2, 3, 4, 5 },
        { BH_FUNCTION_BASE | BH_CALL_CONSOLE_WRITE, bh_address(text), sizeof(text) - 1, 3, 4, 5 },
        { BH_FUNCTION_BASE | BH_CALL_IOAS_MAP, BH_IOAS_NONE, 0, 0, 0, 0 },
        { BH_FUNCTION_BASE | BH_CALL_IOAS_MAP, BH_IOAS_NONE, 0, 0, 4096, BH_MAP_READ },
        { PSCI_VERSION, 1, 2, 3, 4, 5 },
        { BH_SMCCC_UID, 1, 2, 3, 4, 5 },
    };
    static const char *const names[] = {
        "version",       "an unknown call",     "partition_info", "console_write",
        "a refused map", "another refused map", "PSCI version",   "UID",
    };

    info.size = sizeof(info);
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        preserved_by(calls[i], PATTERN + ((uint64_t)i << 32), names[i]);
    return check_result();
}

/* ---- Timer ----------------------------------------------------------------------------------- */
/* Written by the interrupt. */
static volatile unsigned int fired;
static volatile uint64_t fired_at;
static volatile uint32_t fired_intid;

void bh_interrupt(void)
{
    uint32_t intid = gic_acknowledge();

    fired_at = timer_now();
    fired_intid = intid;
    fired = fired + 1;
    timer_stop();
    if (intid < GIC_INTID_LIMIT)
        gic_end(intid);
}

/* One interrupt by the vector. WFI only with interrupts masked, so that none comes before it. */
static void wait_for_interrupt(uint64_t deadline)
{
    uint64_t give_up = deadline + timer_ticks(LOST_NS);

    fired = 0;
    timer_start(deadline);
    while (fired == 0 && timer_now() < give_up) {
        if (timer_now() < deadline)
            cpu_wait();
        gic_unmask();
        gic_mask();
    }
}

static void by_vector(void)
{
    uint64_t start = timer_now();

    gic_enable_private(TIMER_INTID);
    for (unsigned int i = 1; i <= TICKS; i++) {
        uint64_t deadline = start + i * timer_ticks(PERIOD_NS);

        wait_for_interrupt(deadline);
        check_equal(1, fired, "one interrupt for one deadline");
        check_equal(TIMER_INTID, fired_intid, "its INTID");
        check_true(fired_at >= deadline, "it is not early");
        check_true(fired_at < deadline + timer_ticks(LATE_MAX_NS), "it is not late");
    }
}

static void by_sleep(void)
{
    uint64_t start = timer_now();

    for (unsigned int i = 1; i <= TICKS; i++) {
        uint64_t deadline = timer_now() + timer_ticks(PERIOD_NS);
        uint64_t now;

        timer_sleep_ns(PERIOD_NS);
        now = timer_now();
        check_true(now >= deadline, "a sleep is not short");
        check_true(now < deadline + timer_ticks(LATE_MAX_NS), "a sleep is not long");
    }
    printf("%d sleeps of 1 ms took %" PRIu64 " us\n", TICKS,
           timer_ns(timer_now() - start) / NS_PER_US);
}

int test_timer(void)
{
    printf("counter at %" PRIu64 " Hz\n", timer_frequency());
    check_true(timer_frequency() != 0, "the counter has a frequency");
    check_true(gic_init(), "the tree has a GICv3");
    if (check_failed())
        return check_result();
    by_sleep();
    by_vector();
    return check_result();
}
