/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first instructions: the arm64 Linux boot protocol (Image header; x0 = device tree; entered at
 * EL2, MMU off, caches for the image cleaned).
 *
 * Order matters: the IOMMUs are closed before anything else (I2). Until that is done nothing is
 * stored but on the boot stack, and the code below is position-independent.
 */
#include "layout.h"
#include "stack.inc"

    .section .head.first, "ax"
    .globl _start
_start:
    b boot_entry
    .long 0
    .quad 0x200000          /* text_offset: the image goes to a 2 MiB-aligned base + this */
                            /* image_size, with bss and stacks: linker/arm64.ld puts it here */
    .section .head.text, "ax"
    .quad 0xA               /* little endian, 4 KiB pages, anywhere in memory */
    .quad 0
    .quad 0
    .quad 0
    .ascii "ARM\x64"
    .long 0

boot_entry:
    mov x20, x0
    mrs x0, CurrentEL       /* a unit that is not there may answer with an abort: be ready to say so */
    cmp x0, #(2 << 2)
    b.ne 1f
    adrp x0, vectors
    add x0, x0, :lo12:vectors
    msr vbar_el2, x0
    isb
1:
    adrp x1, stacks_start
    add x1, x1, :lo12:stacks_start
    add x1, x1, #STACK_STRIDE
    sub sp, x1, #64         /* struct early_report, on the stack and nowhere else */
    adrp x0, board_smmuv3_bases
    add x0, x0, :lo12:board_smmuv3_bases
    adrp x1, board_smmuv3_count
    ldr w1, [x1, :lo12:board_smmuv3_count]
    mov x2, sp
    bl smmuv3_close_early

    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    adrp x0, text_not_el2
    add x0, x0, :lo12:text_not_el2
    b.ne refuse_start

    /* Move the pointers in tables to where the image is: the words there that lie in the image as it
     * was linked. tools/check_relocations.py has seen that these are the pointers and nothing else. */
    adr x0, image_start
    movz x1, #(IMAGE_LINK_ADDRESS & 0xffff)
    movk x1, #((IMAGE_LINK_ADDRESS >> 16) & 0xffff), lsl #16
    sub x21, x0, x1
    adr x4, image_end
    sub x4, x4, x0
    adr x2, relocated_start
    adr x3, relocated_end
1:  cmp x2, x3
    b.hs 2f
    ldr x5, [x2]
    sub x6, x5, x1
    cmp x6, x4
    add x6, x5, x21
    csel x5, x6, x5, lo
    str x5, [x2], #8
    b 1b

2:  adrp x0, bss_start
    add x0, x0, :lo12:bss_start
    adrp x1, bss_end
    add x1, x1, :lo12:bss_end
3:  stp xzr, xzr, [x0], #64 /* bss begins and ends on a page */
    stp xzr, xzr, [x0, #-48]
    stp xzr, xzr, [x0, #-32]
    stp xzr, xzr, [x0, #-16]
    cmp x0, x1
    b.lo 3b

    /* Drop what the caches may hold of memory that was just written past them. */
    adrp x0, relocated_start
    add x0, x0, :lo12:relocated_start
    adrp x1, image_end
    add x1, x1, :lo12:image_end
    mrs x2, ctr_el0
    ubfx x2, x2, #16, #4
    mov x3, #4
    lsl x2, x3, x2
    dsb sy
4:  dc ivac, x0
    add x0, x0, x2
    cmp x0, x1
    b.lo 4b
    dsb sy

    mov x0, x20
    mov x1, sp
    bl arch_boot
5:  wfi
    b 5b

/* An exception before the MMU is on: nothing can be told but that the board's table is not this machine's. */
    .globl refuse_exception
refuse_exception:
    adrp x0, text_no_answer
    add x0, x0, :lo12:text_no_answer
/* x0: a text. Prints it on the board's serial port, if it names one, and stops. Any exception
 * level. */
refuse_start:
    adrp x1, board_serial
    ldr x1, [x1, :lo12:board_serial]
    cbz x1, 7f
6:  ldrb w2, [x0], #1
    cbz w2, 7f
    str w2, [x1]            /* PL011 UARTDR; its transmit FIFO of 32 is emptied by the delay */
    mov x3, #0x40000
8:  subs x3, x3, #1
    b.ne 8b
    b 6b
7:  wfi
    b 7b

/* A CPU that PSCI started: x0 = its struct cpu, whose stack is in the same place as the boot
 * CPU's. */
    .globl secondary_entry
secondary_entry:
    msr tpidr_el2, x0
    mov x19, x0
    mov x1, #(1 << 31)      /* HCR_EL2.RW and nothing else: the layout of TCR_EL2 hangs on E2H */
    msr hcr_el2, x1
    isb
    stack_top 2, 0, 1
    mov sp, x2
    bl mmu_enable
    mov x0, x19
    bl arch_secondary
9:  wfi
    b 9b

    .section .rodata, "a"
text_no_answer:
    .ascii "[bulkhead] fatal: a register of the board's table does not answer: "
    .asciz "is there no SMMU, or is this another board? (QEMU: -M virt,iommu=smmuv3)\r\n"
text_not_el2:
    .ascii "[bulkhead] fatal: not entered at EL2: start the image with the virtualization "
    .asciz "extensions on (QEMU: -M virt,virtualization=on)\r\n"

    .section .board_tree, "a"
    .balign 8
    .incbin BOARD_TREE
