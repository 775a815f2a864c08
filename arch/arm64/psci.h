/* SPDX-License-Identifier: Apache-2.0 */
/* Power State Coordination Interface (DEN 0022): the firmware's side that the hypervisor calls, and
 * the side that guests see. */
#ifndef ARCH_ARM64_PSCI_H
#define ARCH_ARM64_PSCI_H

#include "vcpu.h"

/* Firmware: starts a CPU at a physical address with MMU off and x0 = argument. 0, or a PSCI
 * error. */
int64_t psci_cpu_on(uint64_t affinity, uint64_t entry, uint64_t argument);

/* Answers a guest's call, or returns false where the function id is not PSCI's. SYSTEM_OFF and
 * SYSTEM_RESET do not return. */
bool psci_guest_call(struct vcpu *vcpu, uint64_t *x);

#endif
