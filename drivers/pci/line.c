/* SPDX-License-Identifier: Apache-2.0 */
/* Which line of the interrupt controller a function's INTx reaches: the host's map names those of the root
 * bus, and each bridge on the way turns the pins by the device's number (PCI-to-PCI Bridge 9.1). */
#include "drivers/pci/pci.h"

#define PINS 4

uint32_t pci_line(const struct pci *pci, const struct pci_function *function)
{
    uint32_t pin = function->pin;

    if (pin == 0)
        return INTERRUPT_NONE;
    while (function->parent != PCI_NO_PARENT) {
        pin = (pin - 1 + (function->rid >> 3 & 31)) % PINS + 1;
        function = &pci->function[function->parent];
    }
    return topology_line(function->host, function->rid, pin);
}

bool pci_line_is_loud(const struct pci *pci, uint32_t line)
{
    bool loud = pci->unseen;

    for (uint32_t i = 0; i < pci->count; i++) {
        uint32_t own = pci_line(pci, &pci->function[i]);

        /* One whose line is not known may raise any. */
        loud = loud || (pci->function[i].loud && (own == line || own == INTERRUPT_NONE));
    }
    return loud;
}
