/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions to EL2 and the way back to a guest.
 *
 * A hypercall is a call: the guest's registers that a C function may change are kept on the stack,
 * the others stay where they are. Every other exception of a guest saves all of them, since what
 * handles it may read or change any. SP_EL2 is at the top of this CPU's stack whenever a guest
 * runs.
 */
#include "layout.h"
#include "stack.inc"

    .macro vector target
    .balign 0x80
    b \target
    .endm

/* A synchronous exception of a guest: of the class of HVC it is a call, of any other all is saved. */
    .macro vector_call class, call, others
    .balign 0x80
    sub sp, sp, #FRAME_SIZE
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    mrs x0, esr_el2
    lsr x1, x0, #26
    cmp x1, #\class
    b.ne \others
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x30, [sp, #144]
    mrs x0, tpidr_el2
    mov x1, sp
    bl \call
    ldp x18, x30, [sp, #144]
    b guest_return_hypercall
    .endm

    .section .vectors, "ax"
    .balign 0x800
    .globl vectors
vectors:
    vector own_fault        /* current EL, SP_EL0: never used */
    vector own_fault
    vector own_fault
    vector own_fault
    vector own_synchronous  /* current EL, SP_ELx */
    vector own_fault        /* interrupts are masked at EL2 */
    vector own_fault
    vector own_fault

    vector_call 0x16, trap_hypercall, guest_synchronous         /* EL1 is AArch64 */
    vector guest_interrupt
    vector guest_interrupt  /* FIQ: not used by the hypervisor, handled alike */
    vector guest_serror
    vector_call 0x12, trap_aarch32_hypercall, guest_synchronous /* EL1 is AArch32 */
    vector guest_interrupt
    vector guest_interrupt
    vector guest_serror

    .text
    .balign 4
guest_return_hypercall:
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x0, x1, [sp], #FRAME_SIZE
    eret
    dsb nsh                 /* no speculation past the return */
    isb

    .macro save_from_x4
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, elr_el2
    stp x30, x1, [sp, #FRAME_X30]
    mrs x1, spsr_el2
    str x1, [sp, #(FRAME_ELR + 8)]
    mov x0, sp
    .endm

    .macro guest_exit name, handler
\name:
    sub sp, sp, #FRAME_SIZE
    stp x0, x1, [sp, #0]
    stp x2, x3, [sp, #16]
    save_from_x4
    bl \handler
    b guest_return
    .endm

guest_synchronous:
    save_from_x4
    bl trap_synchronous
    b guest_return

    guest_exit guest_interrupt, trap_interrupt
    guest_exit guest_serror, trap_serror

    .globl guest_enter
guest_enter:
    mrs x1, tpidr_el2
    stack_top 2, 1, 3       /* the frame may lie on the stack that is reset here */
    sub x2, x2, #FRAME_SIZE
    add x5, x2, #FRAME_SIZE
    cmp x0, x2
    b.eq 2f
    add x0, x0, #FRAME_SIZE /* downwards, so that an overlap is harmless */
1:  ldp x3, x4, [x0, #-16]!
    stp x3, x4, [x5, #-16]!
    cmp x5, x2
    b.ne 1b
2:  mov sp, x2

guest_return:
    ldp x30, x1, [sp, #FRAME_X30]
    ldr x2, [sp, #(FRAME_ELR + 8)]
    msr elr_el2, x1
    msr spsr_el2, x2
    ldp x28, x29, [sp, #224]
    ldp x26, x27, [sp, #208]
    ldp x24, x25, [sp, #192]
    ldp x22, x23, [sp, #176]
    ldp x20, x21, [sp, #160]
    ldp x18, x19, [sp, #144]
    b guest_return_hypercall

    .globl stack_restart
stack_restart:
    mrs x1, tpidr_el2
    stack_top 2, 1, 3
    mov sp, x2
    mov x29, xzr
    blr x0
1:  wfi
    b 1b

/*
 * An exception of the hypervisor itself: the abort that mmio_probe32 foresees, or a fault that ends
 * it. Nothing is pushed before the stack is known to be good: it may be the stack that overflowed.
 */
own_fault:
own_synchronous:
    msr tpidr_el0, x0       /* scratch: mmio_probe32 keeps the guest's values of these two */
    msr tpidrro_el0, x1
    mrs x0, sctlr_el2
    tbnz x0, #0, 3f
    b refuse_exception      /* the MMU is off: boot has only begun */
3:
    mrs x0, esr_el2
    lsr x0, x0, #26
    cmp x0, #0x25           /* data abort, same EL */
    b.ne 1f
    mrs x0, elr_el2
    adr x1, probe_load
    cmp x0, x1
    b.ne 1f
    adr x0, probe_failed
    msr elr_el2, x0
    mrs x0, tpidr_el0
    mrs x1, tpidrro_el0
    eret

1:  mrs x0, tpidr_el2       /* 0 before a CPU knows its own */
    cbz x0, 2f
    ldr w0, [x0]
2:  add x0, x0, #1
    adrp x1, emergency_stacks
    add x1, x1, :lo12:emergency_stacks
    add x0, x1, x0, lsl #12
    mov x1, sp
    mov sp, x0
    sub sp, sp, #FRAME_SIZE
    stp x2, x3, [sp, #16]
    mrs x2, tpidr_el0
    mrs x3, tpidrro_el0
    stp x2, x3, [sp]
    mov x2, x1
    save_from_x4
    mov x1, x2
    b exception_own

/* bool mmio_probe32(uint64_t address, uint32_t *value). An abort overwrites the guest's return
 * state and the two scratch registers, so they are kept here. */
    .globl mmio_probe32
mmio_probe32:
    mrs x2, elr_el2
    mrs x3, spsr_el2
    mrs x5, tpidr_el0
    mrs x6, tpidrro_el0
probe_load:
    ldr w4, [x0]
    dsb sy
    str w4, [x1]
    mov w0, #1
1:  msr elr_el2, x2
    msr spsr_el2, x3
    msr tpidr_el0, x5
    msr tpidrro_el0, x6
    ret
probe_failed:
    mov w0, #0
    b 1b

    .bss
    .balign 16
emergency_stacks:
    .skip 4096 * CPU_LIMIT
