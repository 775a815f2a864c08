/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/psci.h"

#include "arch/arch.h"
#include "arch/arm64/guest.h"
#include "lib/log.h"

#define PSCI_VERSION 0x84000000
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009
#define PSCI_FEATURES 0x8400000A
#define PSCI_CPU_ON_64 0xC4000003
#define PSCI_RANGE_MASK UINT64_C(0xBFFFFFE0) /* 32 functions each, 32- and 64-bit forms */
#define PSCI_RANGE UINT64_C(0x84000000)

#define PSCI_1_1 0x00010001
#define SMCCC_VERSION 0x80000000
#define PSCI_NOT_SUPPORTED (-1)

static int64_t firmware_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
    register uint64_t x0 __asm__("x0") = function;
    register uint64_t x1 __asm__("x1") = a;
    register uint64_t x2 __asm__("x2") = b;
    register uint64_t x3 __asm__("x3") = c;

    __asm__ volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
                     :
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
                       "x16", "x17", "memory");
    return (int32_t)x0;
}

int64_t psci_cpu_on(uint64_t affinity, uint64_t entry, uint64_t argument)
{
    return firmware_call(PSCI_CPU_ON_64, affinity, entry, argument);
}

_Noreturn void arch_power_off(void)
{
    firmware_call(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

static int64_t features(uint64_t function)
{
    switch (function) {
    case PSCI_VERSION:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case SMCCC_VERSION: /* how a caller finds out that the convention is 1.1 at least */
        return 0;
    default:
        return PSCI_NOT_SUPPORTED;
    }
}

bool psci_guest_call(struct vcpu *vcpu, uint64_t *x)
{
    uint64_t function = x[0] & UINT32_MAX;

    if ((function & PSCI_RANGE_MASK) != PSCI_RANGE)
        return false;
    switch (function) {
    case PSCI_VERSION:
        x[0] = PSCI_1_1;
        break;
    case PSCI_FEATURES:
        x[0] = (uint64_t)features(x[1] & UINT32_MAX);
        break;
    case PSCI_SYSTEM_OFF:
        guest_ops->power(vcpu, false);
        break;
    case PSCI_SYSTEM_RESET:
        guest_ops->power(vcpu, true);
        break;
    default:
        x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
        break;
    }
    return true;
}
