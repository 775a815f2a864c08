/* SPDX-License-Identifier: Apache-2.0 */
/* See forms.h. */
#include <bulkhead/abi.h>

    .syntax unified
    .arch_extension virt
    .arch_extension sec

    .macro function name
    .balign 4
    .global \name
    .type \name, %function
\name:
    .endm

    .macro trapped register=r0
    mrc     p15, 0, \register, c9, c12, 0   /* PMCR */
    .endm

    .macro answered register=r3
    mrc     p14, 0, \register, c0, c0, 0    /* DBGDIDR */
    .endm

    .text
    .arm
    function a32_udf
    udf     #0
    bx      lr
    function a32_trapped
    trapped
    bx      lr

    .thumb
    .thumb_func
    function t32_udf
    udf     #0
    bx      lr
    .thumb_func
    function t32_trapped
    trapped
    bx      lr
    .thumb_func
    function t32_udf_in_it
    cmp     r0, r0
    it      eq
    .inst.n 0xde00                          /* udf #0; conditional in name alone */
    bx      lr
    .thumb_func
    function t32_trapped_in_it
    cmp     r0, r0
    it      eq
    mrceq   p15, 0, r0, c9, c12, 0
    bx      lr

    .thumb_func
    function t32_block_eq_eq_ne
    movs    r0, #0
    cmp     r0, r0
    ittet   eq
    mrceq   p14, 0, r3, c0, c0, 0
    addeq   r0, #1
    addne   r0, #2
    addeq   r0, #4
    bx      lr

    .thumb_func
    function t32_block_narrow
    mov     r1, r0
    movs    r0, #0
    cmp     r0, r0
    ittet   eq
    ldreq   r3, [r1]
    addeq   r0, #1
    addne   r0, #2
    addeq   r0, #4
    bx      lr

    .thumb_func
    function t32_load_narrow
    ldr     r0, [r0]
    bx      lr

    .arm
    function run_with
    push    {r4, lr}
    mrs     r4, cpsr
    msr     cpsr_fsxc, r1
    blx     r0
    msr     cpsr_fsxc, r4
    pop     {r4, pc}

/* r0: mode, r1: address, r2: what is there, r3: ID_PFR1. r12 counts; r4 keeps CPSR, r5 the register.
 * The registers of the mode that called are on its stack: none of them is touched. */
    .macro  target register
    mov     r5, \register
    ldr     \register, [r1]
    cmp     \register, r2
    addne   r6, r6, #1
    mrc     p15, 0, \register, c0, c1, 1
    cmp     \register, r3
    addne   r6, r6, #1
    mov     \register, r5
    .endm

    function banked_targets
    push    {r4-r12, lr}
    mov     r6, #0
    mov     r7, sp
    mrs     r4, cpsr
    bic     r5, r4, #0x1f
    orr     r5, r5, r0
    msr     cpsr_c, r5
    target  r8
    target  r9
    target  r10
    target  r11
    target  r12
    target  sp
    target  lr
    msr     cpsr_c, r4
    cmp     sp, r7                          /* another mode's is as it was */
    addne   r6, r6, #1
    mov     sp, r7
    mov     r0, r6
    pop     {r4-r12, pc}

/* r0: arguments. */
    .macro  unchanged register, value
    ldr     r3, =\value
    cmp     \register, r3
    addne   r0, r0, #1
    .endm

    function registers_changed_by
    push    {r4-r12, lr}
    ldr     r3, =saved_stack
    str     sp, [r3]
    mov     r12, r0
    ldr     r4, [r12, #16]
    ldr     r5, [r12, #20]
    ldr     r6, =0x60606060
    ldr     r7, =0x70707070
    ldr     r8, =0x80808080
    ldr     r9, =0x90909090
    ldr     r10, =0xa0a0a0a0
    ldr     r11, =0xb0b0b0b0
    ldr     lr, =0xe0e0e0e0
    ldr     sp, =0xd0d0d0d0
    ldr     r0, [r12]
    ldr     r1, [r12, #4]
    ldr     r2, [r12, #8]
    ldr     r3, [r12, #12]
    ldr     r12, =0xc0c0c0c0
    msr     cpsr_f, #0xa8000000             /* N, C, Q */
    hvc     #0
    mov     r0, #0
    mrs     r1, cpsr
    lsr     r1, r1, #24
    cmp     r1, #0xa8
    addne   r0, r0, #1
    unchanged r6, 0x60606060
    unchanged r7, 0x70707070
    unchanged r8, 0x80808080
    unchanged r9, 0x90909090
    unchanged r10, 0xa0a0a0a0
    unchanged r11, 0xb0b0b0b0
    unchanged r12, 0xc0c0c0c0
    unchanged sp, 0xd0d0d0d0
    unchanged lr, 0xe0e0e0e0
    ldr     r3, =saved_stack
    ldr     sp, [r3]
    pop     {r4-r12, pc}
    .ltorg

    .macro  spoil_banked names:vararg
    .irp    name, \names
    msr     \name, r0
    .endr
    .endm

    .macro  spoil opc1, crn, crm, opc2
    mcr     p15, \opc1, r0, \crn, \crm, \opc2
    .endm

    .fpu    neon-vfpv4
    function spoil_and_reset
    mov     r0, #0x40000000                 /* FPEXC.EN */
    vmsr    fpexc, r0
    ldr     r0, =0xdddddddd
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vdup.32 q\n, r0
    .endr
    vmsr    fpscr, r0
    spoil_banked sp_usr, lr_usr, r8_fiq, r9_fiq, r10_fiq, r11_fiq, r12_fiq, sp_fiq, lr_fiq
    spoil_banked sp_irq, lr_irq, sp_abt, lr_abt, sp_und, lr_und
    spoil_banked spsr_fiq, spsr_irq, spsr_abt, spsr_und
    msr     spsr_cxsf, r0
    spoil   0, c1, c0, 2                    /* CPACR */
    spoil   0, c2, c0, 0                    /* TTBR0 */
    spoil   0, c2, c0, 1                    /* TTBR1 */
    spoil   0, c3, c0, 0                    /* DACR */
    spoil   0, c5, c0, 0                    /* DFSR */
    spoil   0, c5, c0, 1                    /* IFSR */
    spoil   0, c5, c1, 0                    /* ADFSR */
    spoil   0, c5, c1, 1                    /* AIFSR */
    spoil   0, c6, c0, 0                    /* DFAR */
    spoil   0, c6, c0, 2                    /* IFAR */
    spoil   0, c7, c4, 0                    /* PAR */
    spoil   0, c10, c2, 0                   /* MAIR0 */
    spoil   0, c10, c2, 1                   /* MAIR1 */
    spoil   0, c10, c3, 0                   /* AMAIR0 */
    spoil   0, c10, c3, 1                   /* AMAIR1 */
    spoil   0, c12, c0, 0                   /* VBAR */
    spoil   0, c13, c0, 1                   /* CONTEXTIDR */
    spoil   0, c13, c0, 2                   /* TPIDRURW */
    spoil   0, c13, c0, 3                   /* TPIDRURO */
    spoil   0, c13, c0, 4                   /* TPIDRPRW */
    spoil   0, c14, c1, 0                   /* CNTKCTL */
    mov     r0, #5
    spoil   0, c2, c0, 2                    /* TTBCR */
    mov     r0, #3
    spoil   0, c14, c3, 1                   /* CNTV_CTL, masked */
    spoil   2, c0, c0, 0                    /* CSSELR */
    mrc     p15, 0, r0, c1, c0, 0
    orr     r0, r0, #0x42000000             /* SCTLR: TE, EE */
    orr     r0, r0, #0x2000                 /* V */
    spoil   0, c1, c0, 0
    isb
    ldr     r4, =0xdddddddd
    mov     r5, r4
    mov     r6, r4
    mov     r7, r4
    mov     r8, r4
    mov     r9, r4
    mov     r10, r4
    mov     r11, r4
    mov     r12, r4
    mov     sp, r4
    mov     lr, r4
    /* From SYS mode: QEMU 11.1 keeps the SPSR of the mode that calls out of the hypervisor's reach. */
    cps     #0x1f
    ldr     r0, =(BH_FUNCTION_BASE_32 | BH_CALL_POWER)
    mov     r1, #BH_POWER_RESET
    mov     r2, #0
    hvc     #0
    b       .
    .ltorg

    .bss
    .balign 4
saved_stack:
    .skip   4
