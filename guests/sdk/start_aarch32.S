/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start-up of a partition program in AArch32: SVC mode, MMU off, interrupts masked, r2 = device tree.
 *
 * No C code runs before the MMU is on: the compiler and newlib use unaligned accesses, which fault
 * on memory that is Device for want of a translation. So this file turns on floating point, writes an
 * identity map, turns on MMU and caches, clears .bss and calls bh_start(tree). It holds the exception
 * vectors too. The program stays in SVC mode.
 *
 * The map, long descriptors, 4 KiB granule, 32 bits of address:
 *   0x00000000 .. 0x3fffffff  Device-nGnRE
 *   0x40000000 .. 0x401fffff  by page: code r-x, constants r--, data rw-, stack guard unmapped
 *   0x40200000 .. 0x7fffffff  Normal write-back, rw-
 *   0x80000000 .. 0xffffffff  Device-nGnRE, but the GiB that holds the tree is Normal, rw-
 * Memory that the partition does not have is mapped as well; a touch of it ends in the hypervisor.
 */

/* ---- Architecture constants (Arm ARM DDI 0487, G5 and G8) ------------------------------------ */
#define CPACR_FP (0xf << 20) /* CP10 and CP11 */
#define FPEXC_EN (1 << 30)

/* Lower words of descriptors. */
#define DESC_BLOCK 0x1
#define DESC_TABLE 0x3
#define DESC_PAGE 0x3
#define DESC_NORMAL (0 << 2) /* index into MAIR */
#define DESC_DEVICE (1 << 2)
#define DESC_READ_ONLY (2 << 6)
#define DESC_INNER (3 << 8)
#define DESC_AF (1 << 10)
/* In the upper word: PXN and XN. */
#define DESC_XN_HIGH (3 << 21)

#define ATTR_CODE (DESC_NORMAL | DESC_READ_ONLY | DESC_INNER | DESC_AF)
#define ATTR_CONST ATTR_CODE /* and XN */
#define ATTR_DATA (DESC_NORMAL | DESC_INNER | DESC_AF)
#define ATTR_DEVICE (DESC_DEVICE | DESC_AF)

#define MAIR0_VALUE 0x04ff /* 0: Normal, write-back, allocate; 1: Device-nGnRE */

#define TTBCR_EAE (1 << 31)
#define TTBCR_WRITE_BACK ((1 << 8) | (1 << 10)) /* walks: inner and outer write-back */
#define TTBCR_SH_INNER (3 << 12)
#define TTBCR_NO_TTBR1 (1 << 23)
#define TTBCR_VALUE (TTBCR_EAE | TTBCR_WRITE_BACK | TTBCR_SH_INNER | TTBCR_NO_TTBR1)

#define SCTLR_RES1 0x00c50838
#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)
#define SCTLR_I (1 << 12)
#define SCTLR_WXN (1 << 19)
#define SCTLR_VALUE (SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_WXN)

#define CTR_DMINLINE_SHIFT 16
#define CTR_DMINLINE_BITS 4

#define MODE_SVC 0x13

#define PAGE_BYTES 0x1000
#define BLOCK2_BYTES 0x200000 /* a block of level 2 */
#define BLOCK1_SHIFT 30       /* a block of level 1: 1 GiB */
#define TABLE1_ENTRIES 4
#define TABLE_ENTRIES 512
#define MEMORY_BASE_GIB 1 /* the GiB that holds the program, see partition.ld */

/* Layout of the frame that a fatal exception leaves: struct exception_frame of exception_aarch32.c. */
#define FRAME_SP (13 * 4)
#define FRAME_RETURN (15 * 4)
#define FRAME_DFSR (17 * 4)
#define FRAME_VECTOR (21 * 4)
#define FRAME_BYTES (22 * 4)

    .syntax unified
    .arch   armv7-a
    .fpu    neon
    .arm

/* ---- Entry ----------------------------------------------------------------------------------- */
    .section .text.start, "ax"
    .global _start
    .type   _start, %function
_start:
    mov     r10, r2
    ldr     r0, =vectors
    mcr     p15, 0, r0, c12, c0, 0          /* VBAR */
    mov     r0, #CPACR_FP
    mcr     p15, 0, r0, c1, c0, 2           /* CPACR */
    isb
    mov     r0, #FPEXC_EN
    vmsr    fpexc, r0

    bl      build_tables

    ldr     r0, =MAIR0_VALUE
    mov     r1, #0
    mcr     p15, 0, r0, c10, c2, 0          /* MAIR0 */
    mcr     p15, 0, r1, c10, c2, 1          /* MAIR1 */
    ldr     r0, =TTBCR_VALUE
    mcr     p15, 0, r0, c2, c0, 2           /* TTBCR */
    ldr     r0, =table_l1
    mcrr    p15, 0, r0, r1, c2              /* TTBR0 */
    dsb     ishst
    mcr     p15, 0, r1, c8, c7, 0           /* TLBIALL */
    mcr     p15, 0, r1, c7, c5, 0           /* ICIALLU, branch predictors too */
    dsb     ish
    isb
    ldr     r0, =SCTLR_VALUE
    mcr     p15, 0, r0, c1, c0, 0           /* SCTLR */
    isb

    ldr     sp, =__stack_top

    ldr     r0, =__bss_start
    ldr     r1, =__bss_end
    mov     r2, #0
    mov     r3, #0
1:  cmp     r0, r1
    strdlo  r2, r3, [r0], #8
    blo     1b

    mov     r11, #0
    mov     lr, #0
    mov     r0, r10
    bl      bh_start
2:  wfi
    b       2b
    .size _start, . - _start

/*
 * Writes the identity map. r10 = device tree. Runs with the MMU off: stores go to memory, so the
 * lines that a cache may hold of the tables are invalidated behind them.
 */
build_tables:
    /* Level 1: devices, but for the GiB of the tree and that of the program. */
    ldr     r1, =table_l1
    ldr     r4, =(ATTR_DEVICE | DESC_BLOCK)
    ldr     r5, =(ATTR_DATA | DESC_BLOCK)
    ldr     r3, =DESC_XN_HIGH
    lsr     r6, r10, #BLOCK1_SHIFT
    mov     r7, #0
1:  cmp     r7, r6
    moveq   r2, r5
    movne   r2, r4
    orr     r2, r2, r7, lsl #BLOCK1_SHIFT
    strd    r2, r3, [r1], #8
    add     r7, r7, #1
    cmp     r7, #TABLE1_ENTRIES
    blo     1b

    ldr     r1, =table_l1
    ldr     r0, =table_l2
    orr     r2, r0, #DESC_TABLE
    mov     r3, #0
    strd    r2, r3, [r1, #(MEMORY_BASE_GIB * 8)]

    /* Level 2: memory in blocks of 2 MiB, the first of them by page. */
    ldr     r6, =__image_start
    ldr     r8, =BLOCK2_BYTES
    orr     r2, r6, r5
    ldr     r3, =DESC_XN_HIGH
    mov     r1, r0
    mov     r7, #TABLE_ENTRIES
2:  strd    r2, r3, [r1], #8
    add     r2, r2, r8
    subs    r7, r7, #1
    bne     2b
    ldr     r1, =table_l3
    orr     r2, r1, #DESC_TABLE
    mov     r3, #0
    strd    r2, r3, [r0]

    /* Level 3: r6 runs over the pages. */
    ldr     r7, =__text_end
    ldr     r8, =__rodata_end
    ldr     r9, =__stack_guard
    mov     r12, #TABLE_ENTRIES
3:  ldr     r2, =(ATTR_CONST | DESC_PAGE)
    ldr     r3, =DESC_XN_HIGH
    cmp     r6, r8
    ldrhs   r2, =(ATTR_DATA | DESC_PAGE)
    cmp     r6, r7
    ldrlo   r2, =(ATTR_CODE | DESC_PAGE)
    movlo   r3, #0
    orr     r2, r2, r6
    cmp     r6, r9
    moveq   r2, #0
    strd    r2, r3, [r1], #8
    add     r6, r6, #PAGE_BYTES
    subs    r12, r12, #1
    bne     3b

    dsb     sy
    mrc     p15, 0, r1, c0, c0, 1           /* CTR */
    ubfx    r1, r1, #CTR_DMINLINE_SHIFT, #CTR_DMINLINE_BITS
    mov     r2, #4 /* DminLine counts words, as a power of two */
    lsl     r1, r2, r1
    ldr     r2, =tables_start
    ldr     r3, =tables_end
4:  mcr     p15, 0, r2, c7, c6, 1           /* DCIMVAC */
    add     r2, r2, r1
    cmp     r2, r3
    blo     4b
    dsb     sy
    bx      lr

/* ---- Vectors --------------------------------------------------------------------------------- */
    .section .text.vectors, "ax"

    .balign 32
vectors:
    b       reset
    b       undefined
    b       supervisor_call
    b       prefetch_abort
    b       data_abort
    b       hyp_trap
    b       interrupt
    b       fast_interrupt

    /* Frees r0 by TPIDRPRW, which nothing else here uses, and puts the vector's number into it. */
    .macro  fatal name, number
\name:
    mcr     p15, 0, r0, c13, c0, 4
    mov     r0, #\number
    b       fatal_exception
    .endm

    fatal   reset, 0
    fatal   undefined, 1
    fatal   supervisor_call, 2
    fatal   prefetch_abort, 3
    fatal   data_abort, 4
    fatal   hyp_trap, 5
    fatal   fast_interrupt, 7

/*
 * Does not return. No mode has a stack but SVC mode, whose pointer may be what went wrong: the
 * registers go to a fixed frame and the report runs on a stack of its own, in SVC mode.
 */
fatal_exception:
    mcr     p15, 0, r1, c13, c0, 3          /* TPIDRURO, which nothing uses either */
    ldr     r1, =exception_frame
    str     r0, [r1, #FRAME_VECTOR]
    mrc     p15, 0, r0, c13, c0, 4
    str     r0, [r1]
    mrc     p15, 0, r0, c13, c0, 3
    str     r0, [r1, #4]
    add     r0, r1, #8
    stmia   r0, {r2-r7}
    /* FIQ mode has r8 to r12 of its own: they are read behind the change of mode. */
    mov     r2, lr
    mrs     r3, spsr
    cpsid   aif, #MODE_SVC
    add     r0, r1, #(8 * 4)
    stmia   r0, {r8-r12}
    str     sp, [r1, #FRAME_SP]
    str     lr, [r1, #(FRAME_SP + 4)]
    str     r2, [r1, #FRAME_RETURN]
    str     r3, [r1, #(FRAME_RETURN + 4)]
    mrc     p15, 0, r2, c5, c0, 0           /* DFSR */
    mrc     p15, 0, r3, c6, c0, 0           /* DFAR */
    mrc     p15, 0, r4, c5, c0, 1           /* IFSR */
    mrc     p15, 0, r5, c6, c0, 2           /* IFAR */
    add     r0, r1, #FRAME_DFSR
    stmia   r0, {r2-r5}
    ldr     sp, =__exception_stack_top
    mov     r0, r1
    bl      bh_exception

/*
 * Saves, on the program's stack, what the procedure call standard lets a C function change, and calls
 * bh_interrupt() in SVC mode.
 */
interrupt:
    sub     lr, lr, #4
    srsdb   sp!, #MODE_SVC
    cps     #MODE_SVC
    push    {r0-r3, r12, lr}
    and     r1, sp, #4                      /* the stack of a C function is aligned to 8 */
    sub     sp, sp, r1
    vmrs    r2, fpscr
    push    {r1, r2}
    vpush   {d0-d7}
    vpush   {d16-d31}

    bl      bh_interrupt

    vpop    {d16-d31}
    vpop    {d0-d7}
    pop     {r1, r2}
    vmsr    fpscr, r2
    add     sp, sp, r1
    pop     {r0-r3, r12, lr}
    rfeia   sp!

/* ---- Tables ---------------------------------------------------------------------------------- */
    .section .tables, "aw", %nobits
    .balign PAGE_BYTES
tables_start:
table_l2:
    .space  PAGE_BYTES
table_l3:
    .space  PAGE_BYTES
table_l1:
    .space  TABLE1_ENTRIES * 8
    .balign 64
tables_end:

    .section .bss.exception_frame, "aw", %nobits
    .balign 8
exception_frame:
    .space  FRAME_BYTES
