/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors for the measurement of an interrupt: the counter is read by the second instruction of the
 * handler. A taken exception synchronises the context, so no barrier is needed before the reading.
 * All vectors but the one for interrupts stop here, and the run ends by its time limit.
 */
    .text
    .balign 0x800
    .global bench_vectors
bench_vectors:
    .rept 5
    .balign 0x80
    b .
    .endr
    .balign 0x80
    stp x0, x1, [sp, #-16]!
    mrs x0, cntvct_el0
    ldr x1, =bench_arrival
    str x0, [x1]
    msr cntv_ctl_el0, xzr
    mrs x0, icc_iar1_el1
    dsb sy
    isb
    msr icc_eoir1_el1, x0
    isb
    ldp x0, x1, [sp], #16
    eret
    .rept 10
    .balign 0x80
    b .
    .endr
    .balign 0x80

    .bss
    .balign 8
    .global bench_arrival
bench_arrival:
    .skip 8
