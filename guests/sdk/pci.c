/* SPDX-License-Identifier: Apache-2.0 */
#include "pci.h"

#include "mmio.h"

/* An entry of an MSI-X table (PCI Express Base 6.0, 7.7.2). */
#define ENTRY_ADDRESS 0
#define ENTRY_ADDRESS_HIGH 4
#define ENTRY_DATA 8
#define ENTRY_CONTROL 12
#define ENTRY_MASKED 1u

#define CLASS_SHIFT 8 /* in class_revision: the revision stands below the class code */

bool pci_find_class(uint32_t class_code, struct bh_device_info *info)
{
    for (uint32_t i = 0; bh_device_info(i, info) == BH_OK; i++) {
        if (info->vendor_device != 0 && info->class_revision >> CLASS_SHIFT == class_code)
            return true;
    }
    return false;
}

bool pci_find_id(uint32_t vendor_device, struct bh_device_info *info)
{
    for (uint32_t i = 0; bh_device_info(i, info) == BH_OK; i++) {
        if (info->vendor_device == vendor_device)
            return true;
    }
    return false;
}

uintptr_t pci_registers(uint32_t device, unsigned int bar)
{
    struct bh_device_info info;

    if (bar >= BH_BAR_COUNT)
        return 0;
    for (uint32_t i = 0; bh_device_info(i, &info) == BH_OK; i++) {
        if (info.device == device && info.bar[bar].address <= UINTPTR_MAX)
            return (uintptr_t)info.bar[bar].address;
    }
    return 0;
}

int64_t pci_message(uint32_t device, uint32_t vector, uint32_t interrupt)
{
    struct bh_message message;
    int64_t status = bh_msi_bind(device, vector, interrupt, &message);
    uintptr_t entry = (uintptr_t)message.entry;

    if (status != BH_OK || message.entry == 0)
        return status;
    mmio_write32(entry + ENTRY_CONTROL, ENTRY_MASKED);
    if (interrupt == 0)
        return status;
    mmio_write32(entry + ENTRY_ADDRESS, (uint32_t)message.address);
    mmio_write32(entry + ENTRY_ADDRESS_HIGH, (uint32_t)(message.address >> 32));
    mmio_write32(entry + ENTRY_DATA, message.data);
    mmio_write32(entry + ENTRY_CONTROL, 0);
    return status;
}
