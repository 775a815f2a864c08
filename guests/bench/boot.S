/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest payload: reads the physical counter with its first instruction, prints it as 16
 * hexadecimal digits, and ends. Under `-icount shift=0` the counter of 1 GHz began with the machine,
 * so the number is that of the instructions from reset. No stack, no C.
 */
#include <bulkhead/abi.h>

#define CALL_CONSOLE_WRITE (BH_FUNCTION_BASE + BH_CALL_CONSOLE_WRITE)
#define CALL_POWER (BH_FUNCTION_BASE + BH_CALL_POWER)

    .section .text.start, "ax"
    .global _start
_start:
    mrs x19, cntpct_el0
    adr x20, digits
    mov x21, #60
1:  lsr x0, x19, x21
    and x0, x0, #15
    add x1, x0, #'0'
    add x2, x0, #('a' - 10)
    cmp x0, #10
    csel x1, x1, x2, lo
    strb w1, [x20], #1
    subs x21, x21, #4
    b.pl 1b
    ldr x0, =CALL_CONSOLE_WRITE
    adr x1, text
    mov x2, #(text_end - text)
    hvc #0
    ldr x0, =CALL_POWER
    mov x1, #BH_POWER_OFF
    mov x2, #0
    hvc #0
2:  wfi
    b 2b

text:
    .ascii "start 0x"
digits:
    .ascii "0000000000000000\n"
text_end:
