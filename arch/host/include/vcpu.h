/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual CPU in a process: the kernel's side of a guest, whose deeds the tests play. */
#ifndef ARCH_HOST_VCPU_H
#define ARCH_HOST_VCPU_H

#include "lib/types.h"

struct partition;

struct vcpu {
    struct partition *partition;
    uint64_t entry;
    uint64_t argument;
    uint64_t stage2_root;
    uint16_t tag;
    bool running;
};

#endif
