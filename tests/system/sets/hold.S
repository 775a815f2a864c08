/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition that does what it is told from outside, so that a test can look between two steps.
 *
 * With DEVICE, an id of the ABI: binds it, maps IOVA 4 GiB to the page at BASE + 1 MiB for reads
 * and writes, the page behind it to the page behind that for reads, and attaches. Then it prints
 * "holding" and watches its mailbox at BASE + 32 KiB: a command, an argument, the last result. A
 * command that is done reads 0. A flat binary, MMU off.
 */
#include <bulkhead/abi.h>

#define MAILBOX 0x8000
#define COMMAND 0
#define ARGUMENT 8
#define RESULT 16
#define TELL_OFF 1    /* with the argument as exit code */
#define TELL_TOUCH 2  /* read that address */
#define TELL_DETACH 3
#define TELL_UNBIND 4
#define TELL_UNMAP 5  /* the page at that IOVA */
#define TELL_RESET 6
#define TELL_ATTACH 7
#define TELL_RING 8   /* the page at that address becomes the event ring */

#define PAGES 0x100000
#define IOVA 0x100000000
#define PAGE 0x1000
#define LABEL 0x401d

        .macro  call number
        ldr     x0, =(BH_FUNCTION_BASE + \number)
        hvc     #0
        .endm

        .macro  must
        cbnz    x0, failed
        .endm

        .section .text, "ax"
        .global _start
_start: adr     x19, _start
        add     x20, x19, #MAILBOX
#if DEVICE
        bl      bind
        ldr     x1, =DEVICE
        mov     x2, #BH_IOAS_NONE
        call    BH_CALL_IOAS_ALLOC_PAGING
        mov     x21, x0
        tbnz    x0, #63, failed
        mov     x1, x21
        ldr     x2, =IOVA
        add     x3, x19, #PAGES
        mov     x4, #PAGE
        mov     x5, #(BH_MAP_READ | BH_MAP_WRITE)
        call    BH_CALL_IOAS_MAP
        must
        mov     x1, x21
        ldr     x2, =(IOVA + PAGE)
        add     x3, x19, #PAGES
        add     x3, x3, #PAGE
        mov     x4, #PAGE
        mov     x5, #BH_MAP_READ
        call    BH_CALL_IOAS_MAP
        must
        bl      attach
        must
#endif
        adr     x1, text
        mov     x2, #(text_end - text)
        call    BH_CALL_CONSOLE_WRITE

wait:   yield
        ldr     x22, [x20, #COMMAND]
        cbz     x22, wait
        ldr     x23, [x20, #ARGUMENT]
        bl      obey
        str     x0, [x20, #RESULT]
        dmb     sy
        str     xzr, [x20, #COMMAND]
        b       wait

obey:   cmp     x22, #TELL_OFF
        b.eq    off
        cmp     x22, #TELL_TOUCH
        b.eq    touch
        cmp     x22, #TELL_RESET
        b.eq    reset
        cmp     x22, #TELL_UNMAP
        b.eq    unmap
        cmp     x22, #TELL_ATTACH
        b.eq    attach
        cmp     x22, #TELL_RING
        b.eq    ring
        ldr     x1, =DEVICE
        cmp     x22, #TELL_UNBIND
        b.eq    unbind
        mov     w2, #BH_PASID_NONE
        call    BH_CALL_DETACH
        ret
unbind: call    BH_CALL_DEVICE_UNBIND
        ret
unmap:  mov     x1, x21
        mov     x2, x23
        mov     x3, #PAGE
        call    BH_CALL_IOAS_UNMAP
        ret
attach: ldr     x1, =DEVICE
        mov     w2, #BH_PASID_NONE
        mov     x3, x21
        call    BH_CALL_ATTACH
        ret
ring:   mov     x1, x23
        call    BH_CALL_EVENT_RING
        ret
touch:  ldr     w0, [x23]
        ret
bind:   ldr     x1, =DEVICE
        mov     x2, #LABEL
        call    BH_CALL_DEVICE_BIND
        cmn     x0, #10                 /* BH_EAGAIN: the reset is under way */
        b.eq    bind
        must
        ret
reset:  mov     x1, #BH_POWER_RESET
        mov     x2, xzr
        b       power
failed: neg     x23, x0                 /* the error is the exit code */
off:    mov     x1, #BH_POWER_OFF
        mov     x2, x23
power:  call    BH_CALL_POWER
        b       .

text:   .ascii  "holding\n"
text_end:
