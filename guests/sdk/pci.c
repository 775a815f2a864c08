/* SPDX-License-Identifier: Apache-2.0 */
#include "pci.h"

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
