/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of a partition program: EL1h, MMU off, interrupts masked, x0 = device tree.
 *
 * No C code runs before the MMU is on: the compiler and newlib use unaligned accesses, which fault
 * on memory that is Device for want of a translation (real CPUs do so; QEMU does not under a
 * stage 2). So this file turns on floating point, writes an identity map, turns on MMU and caches,
 * clears .bss and calls bh_start(tree). It holds the exception vectors too.
 *
 * The map, 4 KiB granule, 40 bits of address:
 *   0x0000000000 .. 0x003fffffff  Device-nGnRE
 *   0x0040000000 .. 0x00401fffff  by page: code r-x, constants r--, data rw-, stack guard unmapped
 *   0x0040200000 .. 0x007fffffff  Normal write-back, rw-
 *   up to 0xffffffffff            Device-nGnRE, but the GiB that holds the tree is Normal, rw-
 * Memory that the partition does not have is mapped as well; a touch of it ends in the hypervisor.
 */

/* ---- Architecture constants (Arm ARM DDI 0487, D8 and D19) ----------------------------------- */
#define CPACR_FPEN (3 << 20) /* no trap of floating point at EL1 and EL0 */

#define DESC_BLOCK 0x1
#define DESC_TABLE 0x3
#define DESC_PAGE 0x3
#define DESC_NORMAL (0 << 2) /* index into MAIR */
#define DESC_DEVICE (1 << 2)
#define DESC_READ_ONLY (2 << 6)
#define DESC_INNER (3 << 8)
#define DESC_AF (1 << 10)
#define DESC_XN (3 << 53) /* PXN and UXN */

#define ATTR_CODE (DESC_NORMAL | DESC_READ_ONLY | DESC_INNER | DESC_AF)
#define ATTR_CONST (ATTR_CODE | DESC_XN)
#define ATTR_DATA (DESC_NORMAL | DESC_INNER | DESC_AF | DESC_XN)
#define ATTR_DEVICE (DESC_DEVICE | DESC_AF | DESC_XN)

#define MAIR_VALUE 0x04ff /* 0: Normal, write-back, allocate; 1: Device-nGnRE */

#define TCR_T0SZ_40 (64 - 40)
#define TCR_WRITE_BACK ((1 << 8) | (1 << 10)) /* walks: inner and outer write-back */
#define TCR_SH_INNER (3 << 12)
#define TCR_NO_TTBR1 (1 << 23)
#define TCR_IPS_40 (2 << 32)
#define TCR_VALUE (TCR_T0SZ_40 | TCR_WRITE_BACK | TCR_SH_INNER | TCR_NO_TTBR1 | TCR_IPS_40)

#define SCTLR_RES1 0x30d00800
#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)
#define SCTLR_SA (1 << 3)
#define SCTLR_I (1 << 12)
#define SCTLR_WXN (1 << 19)
#define SCTLR_VALUE (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)

#define CTR_DMINLINE_SHIFT 16
#define CTR_DMINLINE_BITS 4

#define PAGE_SHIFT 12
#define PAGE_BYTES (1 << PAGE_SHIFT)
#define BLOCK2_SHIFT 21 /* a block of level 2: 2 MiB */
#define BLOCK1_SHIFT 30 /* a block of level 1: 1 GiB */
#define TABLE_ENTRIES 512
#define MEMORY_BASE_GIB 1 /* the GiB that holds the program, see partition.ld */

/* Layout of the frame that a fatal exception leaves: struct exception_frame of exception_aarch64.c. */
#define FRAME_SP (31 * 8)
#define FRAME_ELR (32 * 8)
#define FRAME_ESR (34 * 8)
#define FRAME_VECTOR (36 * 8)
#define FRAME_BYTES (37 * 8)

/* Layout of the stack frame of an interrupt. */
#define IRQ_X18 (9 * 16)
#define IRQ_ELR (10 * 16)
#define IRQ_FPSR (11 * 16)
#define IRQ_Q (12 * 16)
#define IRQ_BYTES (IRQ_Q + 32 * 16)

/* ---- Entry ----------------------------------------------------------------------------------- */
    .section .text.start, "ax"
    .global _start
    .type _start, %function
_start:
    mov     x20, x0
    ldr     x1, =vectors
    msr     vbar_el1, x1
    mov     x1, #CPACR_FPEN
    msr     cpacr_el1, x1
    isb

    bl      build_tables

    ldr     x1, =MAIR_VALUE
    msr     mair_el1, x1
    ldr     x1, =TCR_VALUE
    msr     tcr_el1, x1
    ldr     x1, =table_l0
    msr     ttbr0_el1, x1
    dsb     ishst
    tlbi    vmalle1
    ic      iallu
    dsb     ish
    isb
    ldr     x1, =SCTLR_VALUE
    msr     sctlr_el1, x1
    isb

    ldr     x1, =__stack_top
    mov     sp, x1

    ldr     x1, =__bss_start
    ldr     x2, =__bss_end
1:  cmp     x1, x2
    b.hs    2f
    stp     xzr, xzr, [x1], #16
    b       1b

2:  mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    bl      bh_start
3:  wfi
    b       3b
    .size _start, . - _start

/*
 * Writes the identity map. x20 = device tree. Runs with the MMU off: stores go to memory, so the
 * lines that a cache may hold of the tables are invalidated behind them.
 */
build_tables:
    /* Level 0: two tables of 512 GiB each. */
    ldr     x1, =table_l0
    ldr     x2, =table_l1
    orr     x3, x2, #DESC_TABLE
    add     x4, x3, #PAGE_BYTES
    stp     x3, x4, [x1]

    /* Level 1, both tables, which lie one behind the other: devices, but for two entries. */
    ldr     x3, =(ATTR_DEVICE | DESC_BLOCK)
    mov     x4, xzr
1:  orr     x5, x3, x4, lsl #BLOCK1_SHIFT
    str     x5, [x2, x4, lsl #3]
    add     x4, x4, #1
    cmp     x4, #(2 * TABLE_ENTRIES)
    b.lo    1b

    ldr     x3, =(ATTR_DATA | DESC_BLOCK)
    lsr     x4, x20, #BLOCK1_SHIFT
    cmp     x4, #(2 * TABLE_ENTRIES)
    b.hs    2f
    orr     x5, x3, x4, lsl #BLOCK1_SHIFT
    str     x5, [x2, x4, lsl #3]
2:  ldr     x1, =table_l2
    orr     x5, x1, #DESC_TABLE
    str     x5, [x2, #(MEMORY_BASE_GIB * 8)]

    /* Level 2: memory in blocks of 2 MiB, the first of them by page. */
    ldr     x6, =__image_start
    mov     x4, xzr
3:  add     x5, x6, x4, lsl #BLOCK2_SHIFT
    orr     x5, x5, x3
    str     x5, [x1, x4, lsl #3]
    add     x4, x4, #1
    cmp     x4, #TABLE_ENTRIES
    b.lo    3b
    ldr     x2, =table_l3
    orr     x5, x2, #DESC_TABLE
    str     x5, [x1]

    /* Level 3: x6 runs over the pages. */
    ldr     x7, =__text_end
    ldr     x8, =__rodata_end
    ldr     x9, =__stack_guard
    ldr     x10, =(ATTR_CODE | DESC_PAGE)
    ldr     x11, =(ATTR_CONST | DESC_PAGE)
    ldr     x12, =(ATTR_DATA | DESC_PAGE)
    mov     x4, xzr
4:  cmp     x6, x8
    csel    x5, x11, x12, lo
    cmp     x6, x7
    csel    x5, x10, x5, lo
    orr     x5, x5, x6
    cmp     x6, x9
    csel    x5, xzr, x5, eq
    str     x5, [x2, x4, lsl #3]
    add     x6, x6, #PAGE_BYTES
    add     x4, x4, #1
    cmp     x4, #TABLE_ENTRIES
    b.lo    4b

    dsb     sy
    mrs     x1, ctr_el0
    ubfx    x1, x1, #CTR_DMINLINE_SHIFT, #CTR_DMINLINE_BITS
    mov     x2, #4 /* DminLine counts words, as a power of two */
    lsl     x1, x2, x1
    ldr     x2, =tables_start
    ldr     x3, =tables_end
5:  dc      ivac, x2
    add     x2, x2, x1
    cmp     x2, x3
    b.lo    5b
    dsb     sy
    ret

/* ---- Vectors --------------------------------------------------------------------------------- */
    .section .text.vectors, "ax"

/* Frees x0 by TPIDR_EL1, which nothing else here uses, and puts the vector's number into it. */
    .macro  fatal number
    .balign 0x80
    msr     tpidr_el1, x0
    mov     x0, #\number
    b       fatal_exception
    .endm

    .balign 0x800
vectors:
    fatal   0
    fatal   1
    fatal   2
    fatal   3
    fatal   4
    .balign 0x80
    b       interrupt
    fatal   6
    fatal   7
    fatal   8
    fatal   9
    fatal   10
    fatal   11
    fatal   12
    fatal   13
    fatal   14
    fatal   15
    .balign 0x80

/*
 * Does not return. The stack pointer may be what went wrong: the registers go to a fixed frame and
 * the report runs on a stack of its own.
 */
fatal_exception:
    msr     tpidrro_el0, x1
    ldr     x1, =exception_frame
    str     x0, [x1, #FRAME_VECTOR]
    mrs     x0, tpidr_el1
    str     x0, [x1, #0]
    mrs     x0, tpidrro_el0
    str     x0, [x1, #8]
    stp     x2, x3, [x1, #16]
    stp     x4, x5, [x1, #32]
    stp     x6, x7, [x1, #48]
    stp     x8, x9, [x1, #64]
    stp     x10, x11, [x1, #80]
    stp     x12, x13, [x1, #96]
    stp     x14, x15, [x1, #112]
    stp     x16, x17, [x1, #128]
    stp     x18, x19, [x1, #144]
    stp     x20, x21, [x1, #160]
    stp     x22, x23, [x1, #176]
    stp     x24, x25, [x1, #192]
    stp     x26, x27, [x1, #208]
    stp     x28, x29, [x1, #224]
    mov     x2, sp
    stp     x30, x2, [x1, #(FRAME_SP - 8)]
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [x1, #FRAME_ELR]
    mrs     x2, esr_el1
    mrs     x3, far_el1
    stp     x2, x3, [x1, #FRAME_ESR]
    ldr     x2, =__exception_stack_top
    mov     sp, x2
    mov     x0, x1
    bl      bh_exception

/* Saves what the procedure call standard lets a C function change, and calls bh_interrupt(). */
interrupt:
    sub     sp, sp, #IRQ_BYTES
    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x30, [sp, #IRQ_X18]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #IRQ_ELR]
    mrs     x0, fpsr
    mrs     x1, fpcr
    stp     x0, x1, [sp, #IRQ_FPSR]
    add     x0, sp, #IRQ_Q
    stp     q0, q1, [x0, #0]
    stp     q2, q3, [x0, #32]
    stp     q4, q5, [x0, #64]
    stp     q6, q7, [x0, #96]
    stp     q8, q9, [x0, #128]
    stp     q10, q11, [x0, #160]
    stp     q12, q13, [x0, #192]
    stp     q14, q15, [x0, #224]
    stp     q16, q17, [x0, #256]
    stp     q18, q19, [x0, #288]
    stp     q20, q21, [x0, #320]
    stp     q22, q23, [x0, #352]
    stp     q24, q25, [x0, #384]
    stp     q26, q27, [x0, #416]
    stp     q28, q29, [x0, #448]
    stp     q30, q31, [x0, #480]

    bl      bh_interrupt

    add     x0, sp, #IRQ_Q
    ldp     q0, q1, [x0, #0]
    ldp     q2, q3, [x0, #32]
    ldp     q4, q5, [x0, #64]
    ldp     q6, q7, [x0, #96]
    ldp     q8, q9, [x0, #128]
    ldp     q10, q11, [x0, #160]
    ldp     q12, q13, [x0, #192]
    ldp     q14, q15, [x0, #224]
    ldp     q16, q17, [x0, #256]
    ldp     q18, q19, [x0, #288]
    ldp     q20, q21, [x0, #320]
    ldp     q22, q23, [x0, #352]
    ldp     q24, q25, [x0, #384]
    ldp     q26, q27, [x0, #416]
    ldp     q28, q29, [x0, #448]
    ldp     q30, q31, [x0, #480]
    ldp     x0, x1, [sp, #IRQ_FPSR]
    msr     fpsr, x0
    msr     fpcr, x1
    ldp     x0, x1, [sp, #IRQ_ELR]
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldp     x18, x30, [sp, #IRQ_X18]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp, #0]
    add     sp, sp, #IRQ_BYTES
    eret

/* ---- Tables ---------------------------------------------------------------------------------- */
    .section .tables, "aw", %nobits
    .balign PAGE_BYTES
tables_start:
table_l0:
    .space  PAGE_BYTES
table_l1:
    .space  2 * PAGE_BYTES
table_l2:
    .space  PAGE_BYTES
table_l3:
    .space  PAGE_BYTES
tables_end:

    .section .bss.exception_frame, "aw", %nobits
    .balign 16
exception_frame:
    .space  FRAME_BYTES
