/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI functions of the partition's list. Configuration space is the hypervisor's: what a function is,
 * and where its registers stand while it is bound, device_info tells.
 */
#ifndef BULKHEAD_SDK_PCI_H
#define BULKHEAD_SDK_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "bulkhead.h"

/* The first function with that class code (base class, sub-class, interface: 24 bits). */
bool pci_find_class(uint32_t class_code, struct bh_device_info *info);

/* The first with that vendor (low half) and device id (high half). */
bool pci_find_id(uint32_t vendor_device, struct bh_device_info *info);

/* Where the registers of that BAR stand while the device is bound; 0: none, or out of a pointer's reach. */
uintptr_t pci_registers(uint32_t device, unsigned int bar);

/* Has a vector of a device that is bound raise my interrupt, BH_MESSAGE_FIRST to BH_MESSAGE_LAST, an edge; 0: nothing
 * any more. As bh_msi_bind(), and writes the vector's entry of the MSI-X table. */
int64_t pci_message(uint32_t device, uint32_t vector, uint32_t interrupt);

#endif
