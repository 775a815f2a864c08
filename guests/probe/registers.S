/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void registers_hvc(const uint64_t argument[6], uint64_t *x, uint64_t *q, uint64_t pattern)
 *
 * One HVC with argument[] in x0 to x5 and patterns in all other registers: x<n> holds
 * pattern + n, both halves of q<n> hold pattern + 32 + n. Afterwards x[0..30] and
 * q[0..63] hold what the call left; entries 0 to 3 of x are its results.
 */
#define SAVED_BYTES (12 * 8 + 8 * 8)
#define OUT_X (0)
#define FRAME_BYTES (SAVED_BYTES + 16)
#define SAVED 16

    .section .text.registers_hvc, "ax"
    .global registers_hvc
    .type registers_hvc, %function

    .macro  set_x number
    add     x\number, x30, #\number
    .endm

    .macro  set_q number
    add     x7, x30, #(32 + \number)
    dup     v\number\().2d, x7
    .endm

registers_hvc:
    sub     sp, sp, #FRAME_BYTES
    stp     x1, x2, [sp, #OUT_X]
    stp     x19, x20, [sp, #(SAVED + 0)]
    stp     x21, x22, [sp, #(SAVED + 16)]
    stp     x23, x24, [sp, #(SAVED + 32)]
    stp     x25, x26, [sp, #(SAVED + 48)]
    stp     x27, x28, [sp, #(SAVED + 64)]
    stp     x29, x30, [sp, #(SAVED + 80)]
    stp     d8, d9, [sp, #(SAVED + 96)]
    stp     d10, d11, [sp, #(SAVED + 112)]
    stp     d12, d13, [sp, #(SAVED + 128)]
    stp     d14, d15, [sp, #(SAVED + 144)]

    mov     x30, x3
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    set_q   \n
    .endr
    .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    set_q   \n
    .endr
    .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18
    set_x   \n
    .endr
    .irp    n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    set_x   \n
    .endr
    add     x30, x30, #30
    ldp     x4, x5, [x0, #32]
    ldp     x2, x3, [x0, #16]
    ldp     x0, x1, [x0, #0]

    hvc     #0

    /* Room for x0 to x30 below the frame, as no register is free. */
    sub     sp, sp, #(32 * 8)
    stp     x0, x1, [sp, #0]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    str     x30, [sp, #240]

    ldp     x1, x2, [sp, #(32 * 8 + OUT_X)]
    mov     x4, sp
    mov     x5, #31
1:  ldr     x6, [x4], #8
    str     x6, [x1], #8
    subs    x5, x5, #1
    b.ne    1b
    st1     {v0.2d, v1.2d, v2.2d, v3.2d}, [x2], #64
    st1     {v4.2d, v5.2d, v6.2d, v7.2d}, [x2], #64
    st1     {v8.2d, v9.2d, v10.2d, v11.2d}, [x2], #64
    st1     {v12.2d, v13.2d, v14.2d, v15.2d}, [x2], #64
    st1     {v16.2d, v17.2d, v18.2d, v19.2d}, [x2], #64
    st1     {v20.2d, v21.2d, v22.2d, v23.2d}, [x2], #64
    st1     {v24.2d, v25.2d, v26.2d, v27.2d}, [x2], #64
    st1     {v28.2d, v29.2d, v30.2d, v31.2d}, [x2]
    add     sp, sp, #(32 * 8)

    ldp     x19, x20, [sp, #(SAVED + 0)]
    ldp     x21, x22, [sp, #(SAVED + 16)]
    ldp     x23, x24, [sp, #(SAVED + 32)]
    ldp     x25, x26, [sp, #(SAVED + 48)]
    ldp     x27, x28, [sp, #(SAVED + 64)]
    ldp     x29, x30, [sp, #(SAVED + 80)]
    ldp     d8, d9, [sp, #(SAVED + 96)]
    ldp     d10, d11, [sp, #(SAVED + 112)]
    ldp     d12, d13, [sp, #(SAVED + 128)]
    ldp     d14, d15, [sp, #(SAVED + 144)]
    add     sp, sp, #FRAME_BYTES
    ret
    .size registers_hvc, . - registers_hvc
