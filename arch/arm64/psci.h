/* SPDX-License-Identifier: Apache-2.0 */
/* Power State Coordination Interface (DEN 0022): the firmware's side, which the hypervisor calls. What guests
 * see of it is in call.c. */
#ifndef ARCH_ARM64_PSCI_H
#define ARCH_ARM64_PSCI_H

#include "lib/types.h"

/* Firmware: starts a CPU at a physical address with MMU off and x0 = argument. 0, or a PSCI
 * error. */
int64_t psci_cpu_on(uint64_t affinity, uint64_t entry, uint64_t argument);

#endif
