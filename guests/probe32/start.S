/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of the 32-bit probe: SVC mode, MMU off, all masked. Writes down every register that the
 * partition was given before it changes one, then calls probe_main(). MMU and caches stay off: the
 * compiler is told to keep accesses aligned (guests/probe32/probe32.mk).
 *
 * An undefined instruction is written down and passed over; any other exception ends the partition.
 */
#include "state.h"

#define MODE_USR 0x10
#define MODE_FIQ 0x11
#define MODE_IRQ 0x12
#define MODE_SVC 0x13
#define MODE_ABT 0x17
#define MODE_UND 0x1b
#define MODE_SYS 0x1f
#define STACK_BYTES 0x1000

    .syntax unified
    .arch_extension virt
    .arm

    .macro mode number, masks=aif
    cpsid   \masks, #\number
    .endm

    /* The next word of the state: a register of the system, or a banked one. */
    .macro keep_system opc1, crn, crm, opc2
    mrc     p15, \opc1, r0, \crn, \crm, \opc2
    str     r0, [r12], #4
    .endm

    .macro keep_banked names:vararg
    .irp    name, \names
    mrs     r0, \name
    str     r0, [r12], #4
    .endr
    .endm

    .section .text.start, "ax"
    .global _start
    .type   _start, %function
_start:
    mcr     p15, 0, r12, c13, c0, 4         /* TPIDRPRW: the one that is not written down */
    adr     r12, place_of_state
    ldr     r12, [r12]
    stmia   r12!, {r0-r11}
    mrc     p15, 0, r0, c13, c0, 4
    str     r0, [r12], #4
    str     sp, [r12], #4
    str     lr, [r12], #4
    mrs     r0, cpsr
    str     r0, [r12], #4
    keep_banked sp_usr, lr_usr, r8_fiq, r9_fiq, r10_fiq, r11_fiq, r12_fiq, sp_fiq, lr_fiq
    keep_banked sp_irq, lr_irq, sp_abt, lr_abt, sp_und, lr_und
    keep_banked spsr_fiq, spsr_irq, spsr_abt, spsr_und
    mrs     r0, spsr
    str     r0, [r12], #4
    keep_system 0, c1, c0, 0                /* SCTLR */
    keep_system 0, c1, c0, 2                /* CPACR */
    keep_system 0, c2, c0, 0                /* TTBR0 */
    keep_system 0, c2, c0, 1                /* TTBR1 */
    keep_system 0, c2, c0, 2                /* TTBCR */
    keep_system 0, c3, c0, 0                /* DACR */
    keep_system 0, c5, c0, 0                /* DFSR */
    keep_system 0, c5, c0, 1                /* IFSR */
    keep_system 0, c5, c1, 0                /* ADFSR */
    keep_system 0, c5, c1, 1                /* AIFSR */
    keep_system 0, c6, c0, 0                /* DFAR */
    keep_system 0, c6, c0, 2                /* IFAR */
    keep_system 0, c7, c4, 0                /* PAR */
    keep_system 0, c10, c2, 0               /* MAIR0 */
    keep_system 0, c10, c2, 1               /* MAIR1 */
    keep_system 0, c10, c3, 0               /* AMAIR0 */
    keep_system 0, c10, c3, 1               /* AMAIR1 */
    keep_system 0, c12, c0, 0               /* VBAR */
    keep_system 0, c13, c0, 1               /* CONTEXTIDR */
    keep_system 0, c13, c0, 2               /* TPIDRURW */
    keep_system 0, c13, c0, 3               /* TPIDRURO */
    keep_system 2, c0, c0, 0                /* CSSELR */
    keep_system 0, c14, c1, 0               /* CNTKCTL */
    keep_system 0, c14, c3, 1               /* CNTV_CTL */
    keep_system 0, c0, c0, 5                /* MPIDR */

    ldr     r0, =vectors
    mcr     p15, 0, r0, c12, c0, 0          /* VBAR */
    mov     r0, #(0xf << 20)                /* CPACR: CP10 and CP11 */
    mcr     p15, 0, r0, c1, c0, 2
    isb
    .fpu    vfpv4
    vmrs    r0, fpexc
    str     r0, [r12], #4
    ldr     r0, =stacks_end
    mov     sp, r0
    mode    MODE_UND
    sub     sp, r0, #STACK_BYTES
    mode    MODE_ABT
    sub     sp, r0, #(2 * STACK_BYTES)
    mode    MODE_IRQ
    sub     sp, r0, #(3 * STACK_BYTES)
    mode    MODE_SYS
    sub     sp, r0, #(4 * STACK_BYTES)
    mode    MODE_FIQ
    sub     sp, r0, #(4 * STACK_BYTES)
    mode    MODE_SVC
    ldr     r0, =bss_start
    ldr     r1, =bss_end
    mov     r2, #0
1:  cmp     r0, r1
    strlo   r2, [r0], #4
    blo     1b
    bl      probe_main
    /* The exit code is what it returned. */
    .global probe_exit
probe_exit:
    mov     r2, r0
    ldr     r0, =(BH_FUNCTION_BASE_32 | BH_CALL_POWER)
    mov     r1, #BH_POWER_OFF
    hvc     #0
    b       .

/* The state lies outside of .bss, which is cleared behind it. */
place_of_state:
    .word   start_state

    .balign 32
    .global vectors
vectors:
    b       .                               /* reset: not used */
    b       undefined
    b       .                               /* SVC: not used */
    b       prefetch_abort
    b       data_abort
    b       .
    b       interrupt
    b       .

    /* lr: the address of the instruction, plus 4 or, in T32, plus 2. */
undefined:
    push    {r0-r3, lr}
    ldr     r0, =undefined_state
    str     lr, [r0, #UNDEFINED_LR]
    mrs     r1, spsr
    str     r1, [r0, #UNDEFINED_SPSR]
    mrs     r2, cpsr
    str     r2, [r0, #UNDEFINED_CPSR]
    ldr     r2, [r0, #UNDEFINED_COUNT]
    add     r2, r2, #1
    str     r2, [r0, #UNDEFINED_COUNT]
    tst     r1, #0x20                       /* T32: the second half of a long one is passed over */
    beq     1f
    ldrh    r2, [lr, #-2]
    lsr     r2, r2, #11
    cmp     r2, #0x1d
    addhs   lr, lr, #2
    strhs   lr, [sp, #16]
    bic     r1, r1, #0x06000000             /* and an IT block is over */
    bic     r1, r1, #0x0000fc00
    msr     spsr_cxsf, r1
1:  pop     {r0-r3, lr}
    movs    pc, lr

prefetch_abort:
    mov     r0, #EXIT_PREFETCH_ABORT
    b       probe_exit
data_abort:
    mov     r0, #EXIT_DATA_ABORT
    b       probe_exit

interrupt:
    sub     lr, lr, #4
    push    {r0-r3, r12, lr}
    bl      interrupt_taken
    pop     {r0-r3, r12, lr}
    movs    pc, lr

    .section .noinit, "aw", %nobits
    .balign 8
    .global start_state
start_state:
    .skip   START_BYTES

    .section .stacks, "aw", %nobits
    .balign 8
    .skip   5 * STACK_BYTES
stacks_end:
