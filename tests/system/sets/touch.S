/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One access to ADDRESS and no more, from wherever the partition's memory lies: a flat binary, MMU
 * off, no stack. HOW: 0 reads, 1 writes, 2 executes. Ends with code 1 if it comes back.
 */
#include <bulkhead/abi.h>

        .section .text, "ax"
        .global _start
_start: ldr     x1, =ADDRESS
        mov     w2, #0xdead
#if HOW == 0
        ldr     w2, [x1]
#elif HOW == 1
        str     w2, [x1]
#else
        br      x1
#endif
        ldr     x0, =(BH_FUNCTION_BASE + BH_CALL_POWER)
        mov     x1, #BH_POWER_OFF
        mov     x2, #1
        hvc     #0
        b       .
