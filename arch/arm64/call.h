/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of a guest by HVC, in the forms of both widths (include/bulkhead/abi.h; DEN 0028 for ids and
 * registers). Compiled on the host too: nothing here asks anything of the CPU.
 */
#ifndef ARCH_ARM64_CALL_H
#define ARCH_ARM64_CALL_H

#include "arch/arm64/guest.h"
#include "bulkhead/abi.h"

#define CALL_NOT_SUPPORTED ((uint64_t)BH_NOT_SUPPORTED)

/* What is neither width's call: discovery, PSCI, or not supported. Apart: the calls themselves save no
 * registers for it. */
void call_other(struct vcpu *vcpu, uint64_t *x);

/* x: the caller's x0 to x18; results go to x0 to x3. Inline: the traps have no second way to go. */
static inline void call_aarch64(struct vcpu *vcpu, uint64_t *x)
{
    /* The convention passes the function id in w0. */
    uint32_t number = (uint32_t)x[0] - BH_FUNCTION_BASE;

    if (number < BH_CALL_LIMIT) {
        guest_ops->hypercall(vcpu, x, number);
        return;
    }
    call_other(vcpu, x);
}

static inline void call_aarch32(struct vcpu *vcpu, uint64_t *x)
{
    uint32_t number = (uint32_t)x[0] - BH_FUNCTION_BASE_32;

    if (number < BH_CALL_LIMIT) {
        /* The upper halves are whatever the CPU makes of them (D1.20.1). */
        x[1] = (uint32_t)x[1];
        x[2] = (uint32_t)x[2];
        x[3] = (uint32_t)x[3];
        x[4] = (uint32_t)x[4];
        x[5] = (uint32_t)x[5];
        guest_ops->hypercall(vcpu, x, number);
        return;
    }
    call_other(vcpu, x);
}

#endif
