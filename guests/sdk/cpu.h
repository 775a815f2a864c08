/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does with instructions that the two widths of the CPU spell differently: the
 * hypercall, accesses to registers of devices, the timer, the interrupt controller's registers.
 *
 * Programs use bulkhead.h, mmio.h, timer.h and gic.h; those stand on this. It is the only place of
 * the SDK that asks for the width. Each width's header defines
 *
 *     CPU_CALL_BASE                    function id of hypercall 0
 *     bh_hvc()                         one HVC #0; the compiler assumes that memory changes
 *     cpu_load32/64, cpu_store32/64    one aligned access each, in program order with the others (two for 64
 *                                      bits in AArch32, the lower half first)
 *     cpu_order_stores/loads           those before, before any access behind, devices' too
 *     cpu_counter, cpu_counter_frequency          the virtual counter, not read early; ticks a second
 *     cpu_timer_compare, cpu_timer_control        CNTV_CVAL, CNTV_CTL
 *     cpu_mask_interrupts, cpu_unmask_interrupts  IRQs alone, at once
 *     cpu_interrupt_mask, cpu_restore_interrupt_mask    the mask as it is; as one of these said it was
 *     cpu_wait                         WFI, behind all accesses: wakes on a pending IRQ, masked or not
 *     cpu_icc_*, cpu_set_icc_*         registers of the GIC's CPU interface by their names
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
