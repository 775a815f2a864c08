/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are pulled out, and what is put into their place. */
#include "drivers/pci/internal.h"
#include "drivers/pci/registers.h"

enum pci_presence pci_presence(const struct pci_function *function)
{
    uint32_t known = (uint32_t)function->device << 16 | function->vendor;
    uint32_t found = pci_read32(function, PCI_VENDOR);

    /* A virtual one has its ids in its physical one, and shows none (9.3.4.1.1). The device id of one that is not ready
     * reads as all ones, whatever its vendor's does (2.3.2). */
    if (function->physical == 0 && found >> 16 == VENDOR_NONE)
        return PCI_ABSENT;
    uint32_t class_revision = pci_read32(function, PCI_CLASS_REVISION);

    if (class_revision == UINT32_MAX)
        return PCI_ABSENT;
    return class_revision == function->class_revision && (function->physical != 0 || found == known)
               ? PCI_PRESENT
               : PCI_STRANGER;
}

bool pci_is_settled(const struct pci_function *function)
{
    /* A virtual one decodes by a bit of its physical one. */
    return pci_presence(function) == PCI_PRESENT &&
           (function->physical != 0 || (pci_read16(function, PCI_COMMAND) & COMMAND_MEMORY) != 0);
}

void pci_shut(const struct pci_function *function)
{
    pci_write16(function, PCI_COMMAND, COMMAND_INTX_DISABLE);
}
