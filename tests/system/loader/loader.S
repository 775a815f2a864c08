/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot loader that leaves the SMMU on and translating, as some firmware does.
 *
 * The boot-window test starts it in place of the image (`-kernel`): entered at EL2, it gives every
 * stream a way to memory, turns the unit on, and jumps to the image, which QEMU has put at NEXT, with
 * x0 = device tree as the arm64 boot protocol asks. What it leaves behind is what a take-over must
 * deal with: tables that pass DMA, live queues, and caches that fill as the test fires its devices.
 *
 *   bus 0         STE.Config = 0b100, bypass
 *   other buses   STE.Config = 0b110, stage 2, RAM mapped onto itself under VMID 1: the first tag
 *                 that Bulkhead gives, so that a translation that it fails to drop would be met
 *
 * The stream table has two levels because Bulkhead's has, and in QEMU that choice outlives SMMUEN.
 * Layouts: Arm IHI 0070, chapters 5 (STE) and 6 (registers).
 */

#define SMMU_BASE 0x09050000
#define SMMU_CR0 0x20
#define SMMU_CR0ACK 0x24
#define SMMU_CR1 0x28
#define SMMU_STRTAB_BASE 0x80
#define SMMU_STRTAB_BASE_CFG 0x88
#define SMMU_CMDQ_BASE 0x90
#define SMMU_CMDQ_PROD 0x98
#define SMMU_CMDQ_CONS 0x9C
#define SMMU_EVENTQ_BASE 0xA0
#define SMMU_EVENTQ_PROD 0x100A8
#define SMMU_EVENTQ_CONS 0x100AC

#define CR0_SMMUEN (1 << 0)
#define CR0_EVENTQEN (1 << 2)
#define CR0_CMDQEN (1 << 3)
#define CR0_ON (CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN)
#define CR1_CACHEABLE 0xD75 /* tables and queues: write-back, inner shareable */

#define SPLIT 8
#define LOG2SIZE 16
#define STRTAB_CFG (1 << 16 | SPLIT << 6 | LOG2SIZE) /* FMT = two levels */
#define L1_ENTRIES (1 << (LOG2SIZE - SPLIT))
#define L2_ENTRIES (1 << SPLIT)
#define L1_SPAN (SPLIT + 1)
#define QUEUE_LOG2 5

#define STE_V 1
#define STE_BYPASS (STE_V | 4 << 1)
#define STE_STAGE2 (STE_V | 6 << 1)
#define STE1_SHCFG_INCOMING (1 << 44)
/* S2T0SZ = 25, start at level 1, cacheable and shareable walks, 4 KiB, 44 bits, AArch64 tables */
#define STE2_VMID 1
#define STE2_STAGE2 \
        (STE2_VMID | (25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 4 << 16) << 32 | 1 << 51 | 1 << 58)

#define RAM_BASE 0x40000000 /* the one gigabyte that stage 2 maps, entry 1 of its table */
#define S2_BLOCK (1 << 10 | 3 << 8 | 3 << 6 | 0xF << 2 | 1)

        .section .text, "ax"
        .global _start
_start: b       enter                   /* the arm64 Image header */
        .long   0
        .quad   0x200000                /* text_offset */
        .quad   image_end - _start      /* image_size, what the tables need included */
        .quad   0xA                     /* little-endian, 4 KiB, anywhere in memory */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

enter:  mov     x19, x0                 /* the device tree goes on to the image */
        ldr     x20, =SMMU_BASE
        ldr     x21, =level1
        ldr     x22, =bypass
        ldr     x23, =stage2
        ldr     x24, =identity
        adr     x0, _start              /* linked at 0: what it says is an offset */
        add     x21, x21, x0
        add     x22, x22, x0
        add     x23, x23, x0
        add     x24, x24, x0

        ldr     x1, =STE_BYPASS         /* one table for bus 0 */
        ldr     x2, =STE1_SHCFG_INCOMING
        mov     x3, xzr
        mov     x4, xzr
        mov     x5, x22
        bl      fill_entries
        ldr     x1, =STE_STAGE2         /* one for all others */
        ldr     x3, =STE2_STAGE2
        mov     x4, x24
        mov     x5, x23
        bl      fill_entries

        ldr     x1, =RAM_BASE
        add     x1, x1, #(S2_BLOCK & 0xFFF)
        str     x1, [x24, #8]

        add     x1, x22, #L1_SPAN
        str     x1, [x21]
        add     x1, x23, #L1_SPAN
        mov     x2, #1
1:      str     x1, [x21, x2, lsl #3]
        add     x2, x2, #1
        cmp     x2, #L1_ENTRIES
        b.ne    1b
        dsb     sy

        str     x21, [x20, #SMMU_STRTAB_BASE]
        ldr     w1, =STRTAB_CFG
        str     w1, [x20, #SMMU_STRTAB_BASE_CFG]
        ldr     w1, =CR1_CACHEABLE
        str     w1, [x20, #SMMU_CR1]
        ldr     x0, =queues
        adr     x1, _start
        add     x1, x1, x0
        add     x2, x1, #QUEUE_LOG2
        str     x2, [x20, #SMMU_CMDQ_BASE]
        str     wzr, [x20, #SMMU_CMDQ_PROD]
        str     wzr, [x20, #SMMU_CMDQ_CONS]
        add     x1, x1, #(32 << QUEUE_LOG2)
        add     x2, x1, #QUEUE_LOG2
        str     x2, [x20, #SMMU_EVENTQ_BASE]
        ldr     x2, =SMMU_EVENTQ_PROD
        str     wzr, [x20, x2]
        ldr     x2, =SMMU_EVENTQ_CONS
        str     wzr, [x20, x2]
        mov     w1, #CR0_ON
        str     w1, [x20, #SMMU_CR0]
2:      ldr     w2, [x20, #SMMU_CR0ACK]
        cmp     w1, w2
        b.ne    2b

        mov     x0, x19
        mov     x1, xzr
        mov     x2, xzr
        mov     x3, xzr
        ldr     x4, =NEXT
        br      x4

/* Fills the table of L2_ENTRIES at x5 with {x1, x2, x3, x4, 0, 0, 0, 0}; changes x5, x6. */
fill_entries:
        mov     x6, #L2_ENTRIES
3:      stp     x1, x2, [x5]
        stp     x3, x4, [x5, #16]
        stp     xzr, xzr, [x5, #32]
        stp     xzr, xzr, [x5, #48]
        add     x5, x5, #64
        subs    x6, x6, #1
        b.ne    3b
        ret
        .ltorg

/* Behind the code, inside image_size, not in the file. QEMU hands out zeroed memory. */
        .section .bss, "aw", %nobits
        .balign 0x4000
level1: .skip   8 * L1_ENTRIES
        .balign 0x4000
bypass: .skip   64 * L2_ENTRIES
stage2: .skip   64 * L2_ENTRIES
identity:
        .skip   0x1000
queues: .skip   64 << QUEUE_LOG2        /* commands, 16 bytes each, then events, 32 bytes each */
        .balign 0x1000
image_end:
