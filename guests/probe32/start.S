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
    .fpu    neon-vfpv4
    vmrs    r0, fpexc
    str     r0, [r12], #4
    orr     r0, r0, #0x40000000             /* EN */
    vmsr    fpexc, r0
    vmrs    r0, fpscr
    str     r0, [r12], #4
    vstmia  r12!, {d0-d15}
    vstmia  r12!, {d16-d31}
    ldr     r0, =stacks_end
    mov     sp, r0
    mode    MODE_IRQ
    sub     sp, r0, #STACK_BYTES
    mode    MODE_FIQ
    sub     sp, r0, #(2 * STACK_BYTES)
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
    b       supervisor_call
    b       prefetch_abort
    b       data_abort
    b       .
    b       interrupt
    b       fast_interrupt

/* The same for SCTLR.TE. */
    .balign 32
    .thumb
    .global vectors_t32
vectors_t32:
    b.w     .
    ldr.w   pc, place_of_undefined
    b.w     .
    b.w     .
    b.w     .
    b.w     .
    b.w     .
    b.w     .
place_of_undefined:
    .word   undefined
    .arm

/*
 * Returns to the CPSR that the test has written down beforehand: QEMU 11.1 does not load SPSR_und when a
 * hypervisor in AArch64 returns to UND mode, so that SPSR says nothing here.
 *
 * lr: the address of the instruction, plus 4 or, in T32, plus 2. The stack pointer of this mode is
 * nothing but a register here: what follows must do without a stack, and in either byte order.
 */
    .type   undefined, %function
undefined:
    mrs     sp, cpsr
    setend  le
    mcr     p15, 0, r0, c13, c0, 4          /* TPIDRPRW */
    ldr     r0, =undefined_state
    str     sp, [r0, #UNDEFINED_CPSR]
    str     lr, [r0, #UNDEFINED_LR]
    str     r1, [r0, #UNDEFINED_R1]
    str     r2, [r0, #UNDEFINED_R2]
    ldr     r2, [r0, #UNDEFINED_COUNT]
    add     r2, r2, #1
    str     r2, [r0, #UNDEFINED_COUNT]
    ldr     r1, [r0, #UNDEFINED_RETURN]
    msr     spsr_cxsf, r1
    tst     r1, #0x20                       /* T32: the second half of a long one is passed over */
    beq     1f
    ldrh    r2, [lr, #-2]
    lsr     r2, r2, #11
    cmp     r2, #0x1d
    addhs   lr, lr, #2
1:  ldr     r1, [r0, #UNDEFINED_R1]
    ldr     r2, [r0, #UNDEFINED_R2]
    mrc     p15, 0, r0, c13, c0, 4
    movs    pc, lr

/* uint32_t run_user(uint32_t (*function)(void)): in USR mode, without a stack. */
    .global run_user
    .type   run_user, %function
run_user:
    push    {r4-r11, lr}
    ldr     r1, =supervisor_stack
    str     sp, [r1]
    mode    MODE_USR
    blx     r0
    svc     #0
supervisor_call:
    ldr     r1, =supervisor_stack
    ldr     sp, [r1]
    pop     {r4-r11, pc}

prefetch_abort:
    mov     r0, #EXIT_PREFETCH_ABORT
    b       probe_exit
data_abort:
    mov     r0, #EXIT_DATA_ABORT
    b       probe_exit

interrupt:
fast_interrupt:
    sub     lr, lr, #4
    push    {r0-r3, r12, lr}
    mrs     r0, cpsr
    and     r0, r0, #0x1f
    bl      interrupt_taken
    pop     {r0-r3, r12, lr}
    movs    pc, lr

    .section .noinit, "aw", %nobits
    .balign 8
    .global start_state
start_state:
    .skip   START_BYTES

    .section .bss
    .balign 4
supervisor_stack:
    .skip   4

    .section .stacks, "aw", %nobits
    .balign 8
    .skip   3 * STACK_BYTES
stacks_end:
