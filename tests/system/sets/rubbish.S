/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot loader that leaves rubbish in registers of EL2 that trap what EL1 does, and lets it have features
 * that nobody saves. Entered at EL2 as an arm64 Image, with the image at NEXT and x0 = device tree, on a CPU
 * that has those features.
 */
        .section .text, "ax"
        .global _start
_start: b       enter
        .long   0
        .quad   0x200000                /* text_offset */
        .quad   0x1000                  /* image_size */
        .quad   0xA                     /* little-endian, 4 KiB, anywhere in memory */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

enter:  mov     x1, #-1
        msr     S3_4_C1_C1_4, x1        /* HFGRTR_EL2 */
        msr     S3_4_C1_C1_5, x1        /* HFGWTR_EL2 */
        msr     S3_4_C1_C1_6, x1        /* HFGITR_EL2 */
        msr     S3_4_C3_C1_4, x1        /* HDFGRTR_EL2 */
        msr     S3_4_C3_C1_5, x1        /* HDFGWTR_EL2 */
        msr     S3_4_C1_C2_2, x1        /* HCRX_EL2 */
        mov     x1, #2
        msr     S3_4_C2_C0_3, x1        /* TCR2_EL2.PIE: what a leaf allows stands elsewhere */
        isb
        ldr     x4, =NEXT
        br      x4
