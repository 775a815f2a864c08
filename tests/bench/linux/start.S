/* SPDX-License-Identifier: Apache-2.0 */
/* Entry of the program: what the counter said at its first instruction is all it is given. */
    .text
    .global _start
    .type _start, %function
_start:
    mrs x0, cntvct_el0
    mov x29, #0
    mov x30, #0
    bl system_start
    .size _start, . - _start

    .section .note.GNU-stack, "", %progbits
