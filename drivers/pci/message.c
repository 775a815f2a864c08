/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities by which a function raises messages: MSI-X (7.7.2), or else MSI (7.7.1). */
#include "drivers/pci/pci.h"
#include "drivers/pci/registers.h"

static uint64_t log2_vectors(uint16_t control)
{
    return FIELD_GET(MSI_CAPABLE, control);
}

uint32_t pci_vectors(const struct pci_function *function)
{
    if (function->cap_msix != 0)
        return (uint32_t)FIELD_GET(MSIX_TABLE_SIZE,
                                   pci_read16(function, function->cap_msix + MESSAGE_CONTROL)) +
               1;
    if (function->cap_msi == 0)
        return 0;
    return 1u << log2_vectors(pci_read16(function, function->cap_msi + MESSAGE_CONTROL));
}

uint64_t pci_vector_entry(const struct pci_function *function, uint32_t vector)
{
    if (function->cap_msix == 0)
        return 0;
    uint32_t place = pci_read32(function, function->cap_msix + MSIX_TABLE);
    uint64_t bar = FIELD_GET(MSIX_TABLE_BAR, place);

    if (bar >= PCI_BARS || function->bar[bar].address == 0)
        return 0;
    return function->bar[bar].address + (place & ~(uint32_t)MSIX_TABLE_BAR) +
           (uint64_t)vector * MSIX_ENTRY_SIZE;
}

/* Vectors are numbered from 0 by the low bits of what it writes; one that is not mapped leads nowhere. */
static void start_msi(const struct pci_function *function, uint16_t control, uint64_t doorbell)
{
    uint32_t offset = function->cap_msi;
    bool wide = (control & MSI_WIDE) != 0;

    pci_write32(function, offset + MSI_ADDRESS, (uint32_t)doorbell);
    if (wide)
        pci_write32(function, offset + MSI_ADDRESS_HIGH, (uint32_t)(doorbell >> 32));
    pci_write16(function, offset + (wide ? MSI_DATA_WIDE : MSI_DATA), 0);
}

void pci_set_messages(const struct pci_function *function, uint64_t doorbell, bool on)
{
    bool extended = function->cap_msix != 0;
    uint32_t offset = (extended ? function->cap_msix : function->cap_msi) + MESSAGE_CONTROL;
    uint16_t control = pci_read16(function, offset);

    if (control == UINT16_MAX)
        return; /* it is gone, or held in reset */
    if (!extended && on)
        start_msi(function, control, doorbell);
    if (extended)
        control = (uint16_t)((control & ~(MSIX_ENABLE | MSIX_MASK)) | (on ? MSIX_ENABLE : 0));
    else
        control = (uint16_t)((control & ~(MSI_ENABLE | MSI_ENABLED_VECTORS)) |
                             (on ? MSI_ENABLE |
                                       FIELD_PUT(MSI_ENABLED_VECTORS, log2_vectors(control))
                                 : 0));
    pci_write16(function, offset, control);
}
