/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/pci on the model of configuration space, without a kernel above. */
#ifndef TESTS_PCI_BENCH_H
#define TESTS_PCI_BENCH_H

#include "drivers/pci/pci.h"
#include "machine.h"

extern struct pci found;
extern struct topology_pci_host pci_host;

/* An empty machine with one host of ECAM_BUSES buses. */
void pci_bench_reset(void);
/* Enumerates what stands in machine.pci; isolates with the board's word or without. */
void pci_bench_enumerate(void);
void pci_bench_isolate(bool root_isolates);
/* What was found at bus, device, function; fails the test if nothing. */
struct pci_function *pci_bench_at(uint32_t bus, uint32_t device, uint32_t function);

#endif
