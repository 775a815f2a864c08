/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/psci.h"

#include "arch/arch.h"

#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_CPU_ON_64 0xC4000003

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
