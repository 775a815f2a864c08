/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition sees of instructions that the hypervisor answers or says are undefined. */
#include "check.h"
#include "common/gic_registers.h"
#include "forms.h"
#include "state.h"
#include "tests.h"

#define SCTLR_SPAN (1u << 23)
#define SCTLR_EE (1u << 25)
#define SCTLR_TE (1u << 30)
#define SCTLR_V (1u << 13)

#define CPSR_T 0x20u
#define CPSR_OF_USER 0x1d0u
#define MODE_FIQ 0x11u
#define MODE_IRQ 0x12u
#define MODE_SVC 0x13u
#define MODE_ABT 0x17u
#define MODE_SYS 0x1fu

#define NOT_SUPPORTED 0xffffffffu
#define RUBBISH 0x5a5a5a5au

/* An instruction that writes one register, or reads it. The text is a string: it can stand in no
 * parentheses. */
/* NOLINTBEGIN(bugprone-macro-parentheses) */
#define READ(text)                                                                                 \
    __extension__({                                                                                \
        uint32_t read_value = RUBBISH;                                                             \
        __asm__ volatile(text : "+r"(read_value) : : "r0", "r12", "memory", "cc");                 \
        read_value;                                                                                \
    })
#define WRITE(text, value) __asm__ volatile(text : : "r"((uint32_t)(value)) : "memory", "cc")
/* NOLINTEND(bugprone-macro-parentheses) */

/* That instruction is undefined, and changes no register. */
#define IS_UNDEFINED(text, what)                                                                   \
    do {                                                                                           \
        uint32_t undefined_before = undefined_state.count;                                         \
        uint32_t undefined_value = READ(text);                                                     \
        check_equal(undefined_before + 1, undefined_state.count, what);                            \
        check_equal(RUBBISH, undefined_value, what);                                               \
    } while (0)

#define IS_ANSWERED(text, expected, what)                                                          \
    do {                                                                                           \
        uint32_t answered_before = undefined_state.count;                                          \
        uint32_t answered_value = READ(text);                                                      \
        check_equal(answered_before, undefined_state.count, what);                                 \
        check_equal(expected, answered_value, what);                                               \
    } while (0)

#define IS_TAKEN(text, what)                                                                       \
    do {                                                                                           \
        uint32_t taken_before = undefined_state.count;                                             \
        WRITE(text, ~0u);                                                                          \
        check_equal(taken_before, undefined_state.count, what);                                    \
    } while (0)

/* ---- Registers that do not exist for a partition ------------------------------------------------- */
static void performance_monitors(void)
{
    IS_UNDEFINED("mrc p15, 0, %0, c9, c12, 0", "PMCR");
    IS_UNDEFINED("mcr p15, 0, %0, c9, c12, 0", "PMCR, written");
    IS_UNDEFINED("mrc p15, 0, %0, c9, c12, 1", "PMCNTENSET");
    IS_UNDEFINED("mrc p15, 0, %0, c9, c13, 0", "PMCCNTR");
    IS_UNDEFINED("mrc p15, 0, %0, c9, c14, 0", "PMUSERENR");
    IS_UNDEFINED("mrc p15, 0, %0, c14, c8, 0", "PMEVCNTR0");
    IS_UNDEFINED("mrc p15, 0, %0, c14, c15, 7", "PMCCFILTR");
    IS_UNDEFINED("mrrc p15, 0, %0, r12, c9", "PMCCNTR, 64 bits");
}

static void others_that_are_undefined(void)
{
    IS_UNDEFINED("mrc p15, 0, %0, c14, c2, 1", "CNTP_CTL");
    IS_UNDEFINED("mcr p15, 0, %0, c14, c2, 0", "CNTP_TVAL");
    IS_UNDEFINED("mrrc p15, 2, %0, r12, c14", "CNTP_CVAL");
    IS_UNDEFINED("mrc p14, 1, %0, c0, c0, 0", "a register of the trace unit");
    IS_UNDEFINED("mrc p14, 0, %0, c7, c14, 6", "DBGAUTHSTATUS");
    IS_UNDEFINED("ldc p14, c5, [sp]", "LDC to DBGDTRTX");
    IS_UNDEFINED("mrc p15, 0, %0, c15, c0, 0", "an implementation-defined register");
    IS_UNDEFINED("mrc p15, 1, %0, c11, c0, 0", "another implementation-defined register");
    IS_UNDEFINED("mrrc p15, 1, %0, r12, c15", "CPUECTLR of some CPUs");
    IS_UNDEFINED("mrc p15, 0, %0, c5, c3, 0", "ERRIDR");
    IS_UNDEFINED("mrc p15, 0, %0, c13, c2, 0", "AMCR");
    IS_UNDEFINED("mcr p15, 0, %0, c0, c1, 0", "ID_PFR0, written");
    IS_UNDEFINED("mrrc p15, 0, %0, r12, c12", "ICC_SGI1R, read");
    IS_UNDEFINED("mrrc p15, 1, %0, r12, c12", "ICC_ASGI1R, read");
    IS_UNDEFINED("mrc p15, 4, %0, c1, c0, 0", "HSCTLR");
    IS_UNDEFINED("mrc p15, 0, %0, c1, c1, 0", "SCR");
}

/* ---- Registers with nothing behind them ------------------------------------------------------------ */
static void answered(void)
{
    IS_ANSWERED("mrc p15, 0, %0, c1, c0, 1", 0, "ACTLR");
    IS_TAKEN("mcr p15, 0, %0, c1, c0, 1", "ACTLR, written");
    IS_ANSWERED("mrc p14, 0, %0, c0, c0, 0", 0, "DBGDIDR");
    IS_ANSWERED("mrc p14, 0, %0, c0, c1, 0", 0, "DBGDSCRint");
    IS_ANSWERED("mrc p14, 0, %0, c0, c2, 2", 0, "DBGDSCRext");
    IS_ANSWERED("mrc p14, 0, %0, c0, c7, 0", 0, "DBGVCR");
    IS_ANSWERED("mrc p14, 0, %0, c1, c0, 0", 0, "DBGDRAR");
    IS_ANSWERED("mrrc p14, 0, %0, r12, c1", 0, "DBGDRAR, 64 bits");
    IS_ANSWERED("mrc p14, 0, %0, c2, c0, 0", 0, "DBGDSAR");
    IS_ANSWERED("mrrc p14, 0, %0, r12, c2", 0, "DBGDSAR, 64 bits");
    IS_ANSWERED("mrc p14, 0, %0, c1, c1, 4", 0, "DBGOSLSR");
    IS_TAKEN("mcr p14, 0, %0, c1, c0, 4", "DBGOSLAR, written");
    IS_TAKEN("mcr p14, 0, %0, c1, c3, 4", "DBGOSDLR, written");
    IS_TAKEN("mcr p14, 0, %0, c0, c7, 0", "DBGVCR, written");
    IS_TAKEN("mcr p14, 0, %0, c0, c0, 4", "DBGBVR0, written");
    IS_TAKEN("mcr p14, 0, %0, c0, c0, 5", "DBGBCR0, written");
    IS_ANSWERED("mrc p14, 0, %0, c0, c0, 5", 0, "DBGBCR0");
    /* Into the flags: N and C were set. */
    IS_ANSWERED("msr cpsr_f, #0xa0000000\n\tmrc p14, 0, APSR_nzcv, c0, c1, 0\n\tmrs %0, cpsr\n\t"
                "lsr %0, %0, #28",
                0, "DBGDSCRint into the flags");
    IS_ANSWERED("mov r12, #1\n\tmrrc p14, 0, %0, r12, c1\n\tmov %0, r12", 0, "DBGDRAR, upper half");
}

static void secure_monitor_calls(void)
{
    uint32_t before = undefined_state.count;

    check_equal(NOT_SUPPORTED,
                READ(".arch_extension sec\n\tldr r0, =0x84000000\n\tsmc #0\n\tmov %0, r0"), "SMC");
    check_equal(NOT_SUPPORTED, READ("cmp sp, sp\n\tldr r0, =0x84000000\n\tsmceq #0\n\tmov %0, r0"),
                "SMC whose condition holds");
    check_equal(1, READ("cmp sp, sp\n\tmov r0, #1\n\tsmcne #0\n\tmov %0, r0"),
                "SMC whose condition fails");
    check_equal(before, undefined_state.count, "SMC is defined");
}

static void conditions(void)
{
    uint32_t before = undefined_state.count;

    check_equal(RUBBISH, READ("cmp sp, sp\n\tmrcne p15, 0, %0, c9, c12, 0"),
                "what would be undefined and is not done");
    check_equal(RUBBISH, READ("cmp sp, sp\n\tmrcne p14, 0, %0, c0, c0, 0"),
                "what would be answered and is not done");
    check_equal(before, undefined_state.count, "neither is undefined");
    check_equal(0, READ("cmp sp, sp\n\tmrceq p14, 0, %0, c0, c0, 0"), "a condition that holds");
    check_equal(5, t32_block_eq_eq_ne(), "an IT block goes on behind a register");
    check_equal(5, t32_block_narrow(GICD_PIDR2), "an IT block goes on behind a short load");
    check_equal(GICD_PIDR2_VERSION_3, t32_load_narrow(GICD_PIDR2), "a short load");
}

/* ---- Entry to the exception: as the CPU's own -------------------------------------------------------- */
static uint32_t control(void)
{
    return READ("mrc p15, 0, %0, c1, c0, 0");
}

static void set_control(uint32_t value)
{
    WRITE("mcr p15, 0, %0, c1, c0, 0\n\tisb", value);
}

struct entry {
    uint32_t lr, cpsr;
};

static struct entry entered(void (*function)(void), uint32_t cpsr)
{
    uint32_t before = undefined_state.count;

    undefined_state.lr = undefined_state.cpsr = 0;
    undefined_state.return_cpsr = cpsr | (((uintptr_t)function & 1) != 0 ? CPSR_T : 0);
    run_with(function, cpsr);
    undefined_state.return_cpsr = CPSR_OF_TESTS;
    check_equal(before + 1, undefined_state.count, "one exception");
    return (struct entry){ .lr = undefined_state.lr, .cpsr = undefined_state.cpsr };
}

/* How far the link register is behind the instruction, which is the function's first but for an
 * offset. */
static uint32_t distance(const struct entry *state, void (*function)(void))
{
    return state->lr - ((uint32_t)(uintptr_t)function & ~1u);
}

static void same_entry(void (*own)(void), void (*injected)(void), uint32_t cpsr, const char *what)
{
    struct entry expected = entered(own, cpsr);
    struct entry seen = entered(injected, cpsr);

    check_equal(expected.cpsr, seen.cpsr, what);
    check_equal(distance(&expected, own), distance(&seen, injected), what);
}

static void entries_with(uint32_t cpsr)
{
    same_entry(a32_udf, a32_trapped, cpsr, "from A32");
    same_entry(t32_udf, t32_trapped, cpsr, "from T32");
    same_entry(t32_udf_in_it, t32_trapped_in_it, cpsr, "from an IT block");
}

static void entries(void)
{
    static const uint32_t modes[] = { MODE_SVC, MODE_SYS, MODE_IRQ, MODE_ABT, MODE_FIQ };
    /* Masks A, I and F; byte order; GE; PAN; DIT; Q and the flags. */
    static const uint32_t bits[] = { 0x1c0,    0x80,     0x0c0,     0x180,      0x3c0,     0xf01c0,
                                     0x4001c0, 0x2001c0, 0x80001c0, 0xf00001c0, 0x900503c0 };

    for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        entries_with(modes[i] | bits[0]);
    for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
        entries_with(MODE_SVC | bits[i]);
}

static void entries_of_every_control(void)
{
    uint32_t start = control();

    entries();
    set_control(start | SCTLR_EE);
    entries();
    set_control(start & ~SCTLR_SPAN);
    entries();
    set_control(start | SCTLR_TE);
    WRITE("mcr p15, 0, %0, c12, c0, 0\n\tisb", (uintptr_t)vectors_t32);
    entries();
    WRITE("mcr p15, 0, %0, c12, c0, 0\n\tisb", (uintptr_t)vectors);
    set_control(start);
}

static void banked(void)
{
    static const uint32_t modes[] = { MODE_SVC, MODE_SYS, MODE_IRQ, MODE_ABT, MODE_FIQ };
    uint32_t id = READ("mrc p15, 0, %0, c0, c1, 1");

    for (unsigned int i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        check_equal(0, banked_targets(modes[i], GICD_PIDR2, GICD_PIDR2_VERSION_3, id),
                    "registers of a mode that got another value");
}

/* ---- USR mode ------------------------------------------------------------------------------------------ */
static uint32_t user_debug(void)
{
    return READ("mrc p14, 0, %0, c0, c0, 0");
}

static uint32_t user_load(void)
{
    return READ("ldr %0, =0x0800ffe8\n\tmov r12, lr\n\tldr lr, [%0]\n\tmov %0, lr\n\tmov lr, r12");
}

static uint32_t user_hypercall(void)
{
    return READ(".arch_extension virt\n\thvc #0");
}

static void user(void)
{
    uint32_t before = undefined_state.count;

    check_equal(0, run_user(user_debug), "DBGDIDR from USR mode");
    check_equal(GICD_PIDR2_VERSION_3, run_user(user_load), "a load into lr from USR mode");
    check_equal(before, undefined_state.count, "neither is undefined");
    undefined_state.return_cpsr = CPSR_OF_USER;
    check_equal(RUBBISH, run_user(user_hypercall), "HVC from USR mode changes no register");
    check_equal(before + 1, undefined_state.count, "and is undefined");
    undefined_state.return_cpsr = CPSR_OF_TESTS;
}

int test_traps(void)
{
    performance_monitors();
    others_that_are_undefined();
    answered();
    secure_monitor_calls();
    conditions();
    entries_of_every_control();
    banked();
    user();
    return check_result();
}

int test_high_vectors(void)
{
    print("an undefined instruction goes to the high vectors\n");
    set_control(control() | SCTLR_V);
    a32_trapped();
    check_true(false, "no memory lies there");
    return check_result();
}

/* ---- Identification ------------------------------------------------------------------------------------- */
#define FIELD(value, low) ((value) >> (low)&0xf)

int test_identification(void)
{
    uint32_t pfr0 = READ("mrc p15, 0, %0, c0, c1, 0"), pfr1 = READ("mrc p15, 0, %0, c0, c1, 1");
    uint32_t dfr0 = READ("mrc p15, 0, %0, c0, c1, 2"), isar4 = READ("mrc p15, 0, %0, c0, c2, 4");

    check_equal(1, FIELD(pfr0, 0), "A32");
    check_equal(3, FIELD(pfr0, 4), "T32");
    check_equal(0, FIELD(pfr0, 20), "no activity monitors");
    check_equal(0, FIELD(pfr0, 28), "no RAS");
    check_equal(1, FIELD(pfr1, 0), "the modes of EL1");
    check_equal(0, FIELD(pfr1, 4), "no EL3");
    check_equal(0, FIELD(pfr1, 12), "no EL2");
    check_equal(1, FIELD(pfr1, 16), "the timer");
    check_equal(1, FIELD(pfr1, 28), "the interrupt controller's system registers");
    check_equal(6, dfr0, "debug of v8, no trace, no performance monitors");
    check_equal(0, FIELD(isar4, 12), "no SMC");
    check_equal(0, READ("mrc p15, 0, %0, c0, c1, 3"), "ID_AFR0");
    check_equal(0, READ("mrc p15, 0, %0, c0, c3, 5"), "ID_DFR1");
    check_equal(0, READ("mrc p15, 0, %0, c0, c7, 7"), "a reserved one");
    check_true(READ("mrc p15, 0, %0, c0, c1, 4") != 0, "ID_MMFR0");
    check_true(READ("mrc p15, 0, %0, c0, c2, 0") != 0, "ID_ISAR0");
    check_equal(1, FIELD(READ("mrc p15, 0, %0, c0, c2, 5"), 4) != 0, "AES, as the CPU has it");
    WRITE(".fpu vfpv4\n\tvmsr fpexc, %0", 1u << 30);
    check_true(READ("vmrs %0, mvfr0") != 0, "MVFR0");
    check_true(READ("vmrs %0, mvfr1") != 0, "MVFR1");
    check_equal(RUBBISH, READ("cmp sp, sp\n\tvmrsne %0, mvfr0"), "MVFR0 whose condition fails");
    check_equal(0, undefined_state.count, "all of them are there");
    return check_result();
}
