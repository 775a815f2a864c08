/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 64-bit partition that looks at every register that EL1 can write, spoils it, and resets itself, until the
 * machine runs for two seconds: what a life before left would be seen. A register that the CPU does not have
 * is undefined, and fine; so are those of features that a partition is not told of. Ends with code 0, or
 * with the number of what was not as expected; FULL: the CPU has what is numbered from 200 on.
 */
#include <bulkhead/abi.h>

#define SCTLR_START 0x30d00980
#define PSCI_SYSTEM_RESET 0x84000009
#define SECONDS 2
#define CPACR_ALL (3 << 24 | 3 << 20 | 3 << 16) /* SME, FP, SVE: EL1 itself traps none */

        .macro  starts number, name, expected=0
        ldr     x1, =\expected
        mov     x0, x1
        mrs     x0, \name
        mov     x4, #\number
        cmp     x0, x1
        b.ne    end
        .endm

        .macro  spoil name, value=-1
        ldr     x0, =\value
        msr     \name, x0
        .endm

        .macro  undefined number, name
        mov     x26, xzr
        mrs     x0, \name
        mov     x4, #\number
        cbz     x26, end
        .endm

        .section .text, "ax"
        .global _start
_start: starts  1, vbar_el1
        starts  2, elr_el1
        starts  3, spsr_el1
        starts  4, esr_el1
        adr     x0, vectors
        msr     vbar_el1, x0
        isb
        starts  5, sctlr_el1, SCTLR_START
        starts  6, cpacr_el1
        starts  7, ttbr0_el1
        starts  8, ttbr1_el1
        starts  9, tcr_el1
        starts  10, mair_el1
        starts  11, amair_el1
        starts  12, far_el1
        starts  13, afsr0_el1
        starts  14, afsr1_el1
        starts  15, par_el1
        starts  16, contextidr_el1
        starts  17, tpidr_el0
        starts  18, tpidrro_el0
        starts  19, tpidr_el1
        starts  20, sp_el0
        starts  21, csselr_el1
        starts  22, cntkctl_el1
        starts  23, cntv_ctl_el0
        starts  24, cntv_cval_el0
        starts  25, S3_0_C12_C1_1       /* DISR_EL1 */
        starts  26, S3_0_C4_C6_0        /* ICC_PMR_EL1 */
        starts  27, S3_0_C12_C8_4       /* ICC_AP0R0_EL1 */
        starts  28, S3_0_C12_C9_0       /* ICC_AP1R0_EL1 */
        starts  29, S3_0_C12_C12_6      /* ICC_IGRPEN0_EL1 */
        starts  30, S3_0_C12_C12_7      /* ICC_IGRPEN1_EL1 */
        starts  31, S3_0_C12_C12_5, 7   /* ICC_SRE_EL1 */
        mov     x0, sp
        mov     x4, #32
        cbnz    x0, end
        ldr     x0, =CPACR_ALL
        msr     cpacr_el1, x0
        isb
        starts  33, fpcr
        starts  34, fpsr

        undefined 101, S3_0_C10_C4_0    /* LORSA_EL1 */
        undefined 102, S3_0_C10_C4_1    /* LOREA_EL1 */
        undefined 103, S3_0_C10_C4_2    /* LORN_EL1 */
        undefined 104, S3_0_C10_C4_3    /* LORC_EL1 */
        undefined 105, S3_0_C10_C4_7    /* LORID_EL1 */
        undefined 106, S3_0_C2_C0_3     /* TCR2_EL1 */
        undefined 107, S3_0_C1_C0_3     /* SCTLR2_EL1 */
        undefined 108, S3_3_C13_C0_5    /* TPIDR2_EL0 */
        undefined 109, S3_0_C10_C2_2    /* PIRE0_EL1 */
        undefined 110, S3_0_C10_C2_3    /* PIR_EL1 */
        undefined 111, S3_3_C10_C2_4    /* POR_EL0 */
        undefined 112, S3_0_C13_C0_7    /* SCXTNUM_EL1 */
        undefined 113, S3_3_C13_C0_7    /* SCXTNUM_EL0 */
        undefined 114, S3_0_C2_C1_0     /* APIAKeyLo_EL1 */
        undefined 115, S3_0_C1_C0_6     /* GCR_EL1 */
        undefined 116, S3_0_C1_C2_0     /* ZCR_EL1 */
        undefined 117, S3_0_C1_C2_6     /* SMCR_EL1 */
        undefined 118, S3_0_C2_C5_0     /* GCSCR_EL1 */
        undefined 119, S3_0_C10_C2_1    /* MAIR2_EL1 */
        undefined 120, S3_3_C9_C12_0    /* PMCR_EL0 */
        undefined 121, S3_0_C1_C2_1     /* TRFCR_EL1 */
        undefined 122, S3_0_C12_C11_5   /* ICC_SGI1R_EL1, read */

        adr     x0, 1f
        br      x0
1:      mrs     x0, id_aa64pfr0_el1     /* answered: what is behind it was not branched to */
        mrs     x0, S3_0_C10_C4_0       /* undefined: shows PSTATE.BTYPE */
        mov     x4, #131
        tst     x28, #(3 << 10)
        b.ne    end

        spoil   sctlr_el1, (SCTLR_START | 1 << 26 | 1 << 14)
        spoil   ttbr0_el1
        spoil   ttbr1_el1
        spoil   tcr_el1
        spoil   mair_el1
        spoil   amair_el1
        spoil   elr_el1
        spoil   spsr_el1
        spoil   esr_el1
        spoil   far_el1
        spoil   afsr0_el1
        spoil   afsr1_el1
        spoil   par_el1
        spoil   contextidr_el1
        spoil   tpidr_el0
        spoil   tpidrro_el0
        spoil   tpidr_el1
        spoil   sp_el0
        spoil   csselr_el1
        spoil   cntkctl_el1
        spoil   cntv_cval_el0
        spoil   cntv_ctl_el0, 3
        spoil   S3_0_C12_C1_1
        spoil   S3_0_C4_C6_0
        spoil   S3_0_C12_C8_4
        spoil   S3_0_C12_C9_0
        spoil   S3_0_C12_C12_6, 1
        spoil   S3_0_C12_C12_7, 1
        spoil   fpcr, (1 << 24)
        spoil   fpsr, (1 << 27)
        isb
#ifdef FULL
        mov     x4, #200
        mrs     x0, S3_0_C12_C1_1
        cbz     x0, end
#endif
        mov     x4, #0
        mrs     x0, cntpct_el0
        mrs     x1, cntfrq_el0
        mov     x2, #SECONDS
        mul     x1, x1, x2
        cmp     x0, x1
        b.hs    end
        mov     sp, x1
        ldr     x0, =PSCI_SYSTEM_RESET
        hvc     #0
        mov     x4, #99
end:    ldr     x0, =(BH_FUNCTION_BASE + BH_CALL_POWER)
        mov     x1, #BH_POWER_OFF
        mov     x2, x4
        hvc     #0

        .balign 0x800
vectors:
        .rept   4
        .balign 0x80
        mov     x4, #97                 /* on SP_EL0: nobody is there */
        b       end
        .endr
        .balign 0x80
        mrs     x27, esr_el1            /* an instruction that is undefined does nothing, and says so */
        lsr     x27, x27, #26
        mov     x4, #98
        cbnz    x27, end
        mrs     x28, spsr_el1
        mrs     x27, elr_el1
        add     x27, x27, #4
        msr     elr_el1, x27
        mov     x26, #1
        eret
