/* SPDX-License-Identifier: Apache-2.0 */
/* The registers that a partition starts with (docs/abi.md). */
#include "check.h"
#include "state.h"
#include "tests.h"

#define CPSR_START 0x1d3u /* SVC mode, A32, little-endian, A, I and F masked */
#define CPSR_FLAGS 0xf8000000u
#define SCTLR_START 0x00c50838u
#define FPEXC_START 0x700u
#define MPIDR_START 0x80000000u
#define NO_MACHINE 0xffffffffu
#define TREE_MAGIC 0xedfe0dd0u

static const char *const names[START_FPSCR] = {
    "r0",       "r1",       "r2",       "r3",       "r4",      "r5",      "r6",         "r7",
    "r8",       "r9",       "r10",      "r11",      "r12",     "sp_svc",  "lr_svc",     "CPSR",
    "sp_usr",   "lr_usr",   "r8_fiq",   "r9_fiq",   "r10_fiq", "r11_fiq", "r12_fiq",    "sp_fiq",
    "lr_fiq",   "sp_irq",   "lr_irq",   "sp_abt",   "lr_abt",  "sp_und",  "lr_und",     "SPSR_fiq",
    "SPSR_irq", "SPSR_abt", "SPSR_und", "SPSR_svc", "SCTLR",   "CPACR",   "TTBR0",      "TTBR1",
    "TTBCR",    "DACR",     "DFSR",     "IFSR",     "ADFSR",   "AIFSR",   "DFAR",       "IFAR",
    "PAR",      "MAIR0",    "MAIR1",    "AMAIR0",   "AMAIR1",  "VBAR",    "CONTEXTIDR", "TPIDRURW",
    "TPIDRURO", "CSSELR",   "CNTKCTL",  "CNTV_CTL", "MPIDR",   "FPEXC",
};

static uint32_t expected(unsigned int word)
{
    switch (word) {
    case START_R1:
        return NO_MACHINE;
    case START_R2:
        return start_state[START_R2];
    case START_CPSR:
        return CPSR_START;
    case START_SCTLR:
        return SCTLR_START;
    case START_MPIDR:
        return MPIDR_START;
    case START_FPEXC:
        return FPEXC_START;
    default:
        return 0;
    }
}

void check_start(void)
{
    for (unsigned int i = 0; i < START_WORDS; i++) {
        uint32_t seen = start_state[i];

        check_equal(expected(i), i == START_CPSR ? seen & ~CPSR_FLAGS : seen,
                    i < START_FPSCR ? names[i] : "FPSCR, or half of a vector register");
    }
    check_equal(TREE_MAGIC, *(const uint32_t *)(uintptr_t)tree_address, "r2 is the device tree");
}

int test_start(void)
{
    check_start();
    return check_result();
}
