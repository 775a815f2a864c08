/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls with garbage above what the SMC Calling Convention (DEN 0028) says counts: the function id
 * is W0, whatever the rest of X0 holds; a 32-bit call takes W1 and W2.
 *
 * Ends with the number of the first call that was answered differently from its clean form, else 0.
 */
#include <bulkhead/abi.h>

#define GARBAGE 0xdeadbeef00000000
#define PSCI_VERSION 0x84000000
#define PSCI_FEATURES 0x8400000a
#define PSCI_1_1 0x10001
#define OTHER_OWNER 0xc3000000

/* Call `id` with garbage above it; \expected in w0, or exit code \number. */
        .macro  expect number, id, argument, expected
        ldr     x0, =(GARBAGE | \id)
        ldr     x1, =\argument
        mov     x2, xzr
        hvc     #0
        mov     w19, #\number
        ldr     w1, =\expected
        cmp     w0, w1
        b.ne    end
        .endm

        .section .text, "ax"
        .global _start
_start: expect  1, BH_SMCCC_UID, 0, BH_UID_0
        expect  2, BH_SMCCC_REVISION, 0, BH_ABI_MAJOR
        expect  3, PSCI_VERSION, 0, PSCI_1_1
        expect  4, PSCI_FEATURES, (GARBAGE | PSCI_VERSION), 0
        expect  5, OTHER_OWNER, 0, 0xffffffff
        expect  6, (BH_FUNCTION_BASE + BH_CALL_VERSION), 0, (BH_ABI_MAJOR << 16 | BH_ABI_MINOR)
        expect  7, (BH_FUNCTION_BASE + BH_CALL_FEATURES), BH_CALL_VERSION, 0
        expect  8, (BH_FUNCTION_BASE + BH_CALL_LIMIT), 0, 0xffffffff
        mov     x19, xzr
end:    ldr     x0, =(BH_FUNCTION_BASE + BH_CALL_POWER)
        mov     x1, #BH_POWER_OFF
        mov     x2, x19
        hvc     #0
        b       .
