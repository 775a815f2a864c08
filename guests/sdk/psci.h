/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI (DEN 0022) by HVC: the functions that a partition has. */
#ifndef BULKHEAD_SDK_PSCI_H
#define BULKHEAD_SDK_PSCI_H

#include <stdint.h>

#include "bulkhead.h"

#define PSCI_VERSION 0x84000000u
#define PSCI_CPU_ON_64 0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u
#define PSCI_FEATURES 0x8400000au

#define PSCI_SUCCESS 0
#define PSCI_NOT_SUPPORTED (-1)

#define PSCI_VERSION_MAJOR(version) ((uint32_t)(version) >> 16)
#define PSCI_VERSION_MINOR(version) ((uint32_t)(version)&0xffff)

/* Functions with 32-bit ids return 32 bits; what the upper half holds is not said. */
static inline int32_t psci_call(uint32_t function, uint64_t argument)
{
    return (int32_t)bh_hvc(function, argument, 0, 0, 0, 0).status;
}

/* Major version in the upper half, minor in the lower. */
static inline int32_t psci_version(void)
{
    return psci_call(PSCI_VERSION, 0);
}

/* Feature flags of a function, not negative, or PSCI_NOT_SUPPORTED. */
static inline int32_t psci_features(uint32_t function)
{
    return psci_call(PSCI_FEATURES, function);
}

/* Ends the partition. Returns only where the function is missing. */
static inline int32_t psci_system_off(void)
{
    return psci_call(PSCI_SYSTEM_OFF, 0);
}

/* Starts the partition afresh. Returns only where the function is missing. */
static inline int32_t psci_system_reset(void)
{
    return psci_call(PSCI_SYSTEM_RESET, 0);
}

#endif
