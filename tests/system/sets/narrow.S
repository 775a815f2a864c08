/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 64-bit partition whose EL0 is AArch32: it reads a debug register, a conditional instruction that must
 * not be done behind it, and the interrupt controller, then calls its EL1. Ends with code 0, or with the
 * number of what was not as expected.
 */
#include <bulkhead/abi.h>

#define ESR_EC_SHIFT 26
#define EC_SVC32 0x11
#define GICD_PIDR2 0x0800ffe8
#define GIC_VERSION_3 0x30

        .section .text, "ax"
        .global _start
_start: b       start
narrow: .word   0xee100e10              /* mrc p14, 0, r0, c0, c0, 0: DBGDIDR */
        .word   0xe1500000              /* cmp r0, r0 */
        .word   0x1e102e10              /* mrcne p14, 0, r2, c0, c0, 0 */
        .word   0xe5913000              /* ldr r3, [r1] */
        .word   0xef000000              /* svc #0 */
start:  adr     x0, narrow
        msr     elr_el1, x0
        mov     x0, #0x1d0              /* USR mode, masked */
        msr     spsr_el1, x0
        adr     x0, vectors
        msr     vbar_el1, x0
        isb
        mov     x0, #0x5a
        ldr     x1, =GICD_PIDR2
        mov     x2, #0x5a
        eret

        .balign 0x800
vectors:
        .rept   12
        .balign 0x80
        mov     x4, #1                  /* an exception of another kind */
        b       end
        .endr
        .balign 0x80                    /* from AArch32 */
        mov     x4, #2
        mrs     x5, esr_el1
        lsr     x5, x5, #ESR_EC_SHIFT
        cmp     x5, #EC_SVC32
        b.ne    end
        mov     x4, #3
        cbnz    w0, end
        mov     x4, #4
        cmp     w2, #0x5a
        b.ne    end
        mov     x4, #5
        cmp     w3, #GIC_VERSION_3
        b.ne    end
        mov     x4, #0
end:    ldr     x0, =(BH_FUNCTION_BASE + BH_CALL_POWER)
        mov     x1, #BH_POWER_OFF
        mov     x2, x4
        hvc     #0
