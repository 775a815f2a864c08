/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot loader in one instruction: an arm64 Image that enters another one at NEXT, where QEMU has
 * put it, with x0 = device tree as the boot protocol gave it.
 */
        .section .text, "ax"
        .global _start
_start: b       enter
        .long   0
        .quad   0x80000                 /* text_offset */
        .quad   0x1000                  /* image_size */
        .quad   0xA                     /* little-endian, 4 KiB, anywhere in memory */
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0
enter:  ldr     x4, =NEXT
        br      x4
