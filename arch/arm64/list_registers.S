/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICH_LR0_EL2 to ICH_LR15_EL2 by number (IHI 0069 12.4): each is a system register of its own name, so
 * the number chooses an instruction. An index above 15 is the caller's mistake and wraps.
 */
    .macro choose
    adr x2, 1f
    and w0, w0, #15
    add x2, x2, x0, lsl #3
    br x2
1:
    .endm

    .text
    .balign 4
    .globl list_register_read
list_register_read:         /* uint64_t (unsigned int index) */
    choose
    .irp high, 12, 13
    .irp low, 0, 1, 2, 3, 4, 5, 6, 7
    mrs x0, s3_4_c12_c\high\()_\low
    ret
    .endr
    .endr

    .globl list_register_write
list_register_write:        /* void (unsigned int index, uint64_t value) */
    choose
    .irp high, 12, 13
    .irp low, 0, 1, 2, 3, 4, 5, 6, 7
    msr s3_4_c12_c\high\()_\low, x1
    ret
    .endr
    .endr
