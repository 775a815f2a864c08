/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU in a process: the kernel's side of a guest, whose deeds the tests play. */
#ifndef ARCH_HOST_VCPU_H
#define ARCH_HOST_VCPU_H

#include <stdatomic.h>

#include "arch/arch.h"
#include "lib/types.h"

struct vcpu {
    struct partition *partition;
    struct arch_start start;
    uint64_t stage2_root;
    uint16_t tag;
    bool running;
    bool recalled;               /* tests let its CPU leave the guest */
    _Atomic uint64_t interrupts; /* made pending, bit n: INTID 32 + n; tests clear it */
};

#endif
