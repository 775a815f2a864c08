/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does with instructions that the two widths of the CPU spell differently: the
 * hypercall, accesses to registers of devices, the timer, the interrupt controller's registers.
 *
 * Programs use bulkhead.h, mmio.h, timer.h and gic.h; those stand on this. It is the only place of
 * the SDK that asks for the width.
 */
#ifndef BULKHEAD_SDK_CPU_H
#define BULKHEAD_SDK_CPU_H

#include <stdint.h>

#include <bulkhead/abi.h>

/* A hypercall's results: x0 to x3, or r0 to r3 with the status sign-extended. */
struct bh_result {
    int64_t status;
    uint64_t value[3];
};

#ifdef __aarch64__
#include "cpu_aarch64.h"
#else
#include "cpu_aarch32.h"
#endif

#endif
