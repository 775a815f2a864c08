/* SPDX-License-Identifier: Apache-2.0 */
/* Shared fate: what the failure of one thing would hit together. */
#ifndef TOOLS_CHECK_FATE_H
#define TOOLS_CHECK_FATE_H

#include "kernel/device.h"

/* For people: partitions behind each IOMMU, below each root port that several share, and on each line. */
void fate_print(void);

/* The same, but for the lines, as records. */
void fate_record(void);

/* The port on the root bus that a function stands below; NULL: none. */
const struct pci_function *fate_root_port(const struct pci_function *function);

#endif
