/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/arm64/call.h"

/* Power State Coordination Interface (DEN 0022), as guests see it. */
#define PSCI_VERSION 0x84000000
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009
#define PSCI_FEATURES 0x8400000A
#define PSCI_1_1 0x00010001

#define SMCCC_VERSION 0x80000000
#define SMCCC_ARCH_FEATURES 0x80000001
#define SMCCC_1_1 0x10001

static uint64_t psci_features(uint64_t function)
{
    switch (function) {
    case PSCI_VERSION:
    case PSCI_SYSTEM_OFF:
    case PSCI_SYSTEM_RESET:
    case PSCI_FEATURES:
    case SMCCC_VERSION: /* how a caller finds out that the convention is 1.1 at least */
        return 0;
    default:
        return CALL_NOT_SUPPORTED;
    }
}

void call_other(struct vcpu *vcpu, uint64_t *x)
{
    uint64_t asked = x[1] & UINT32_MAX;

    switch (x[0] & UINT32_MAX) {
    case SMCCC_VERSION:
        x[0] = SMCCC_1_1;
        break;
    case SMCCC_ARCH_FEATURES:
        x[0] = asked == SMCCC_VERSION || asked == SMCCC_ARCH_FEATURES ? 0 : CALL_NOT_SUPPORTED;
        break;
    case BH_SMCCC_CALL_COUNT:
        x[0] = BH_CALL_LIMIT;
        break;
    case BH_SMCCC_UID:
        x[0] = BH_UID_0;
        x[1] = BH_UID_1;
        x[2] = BH_UID_2;
        x[3] = BH_UID_3;
        break;
    case BH_SMCCC_REVISION:
        x[0] = BH_ABI_MAJOR;
        x[1] = BH_ABI_MINOR;
        break;
    case PSCI_VERSION:
        x[0] = PSCI_1_1;
        break;
    case PSCI_FEATURES:
        x[0] = psci_features(asked);
        break;
    case PSCI_SYSTEM_OFF:
        guest_ops->power(vcpu, false);
        break;
    case PSCI_SYSTEM_RESET:
        guest_ops->power(vcpu, true);
        break;
    default:
        x[0] = CALL_NOT_SUPPORTED;
        break;
    }
}
