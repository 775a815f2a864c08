/* SPDX-License-Identifier: Apache-2.0 */
/* The hypercall ABI (include/bulkhead/abi.h): arguments are checked here, once, and then used. */
#ifndef KERNEL_HYPERCALL_H
#define KERNEL_HYPERCALL_H

#include "lib/types.h"

struct vcpu;

/* Does a call: x[0] to x[5] as the caller passed them; results go to x[0] to x[3]. number < BH_CALL_LIMIT. By the
 * trap of the vCPU's own CPU, which holds no lock. Work: the bound of the call (docs/abi.md). */
void hypercall(struct vcpu *vcpu, uint64_t *x, uint64_t number);

#endif
