/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration space through ECAM (7.2.2), by 32-bit accesses. */
#include "arch/seam.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/registers.h"
#include "lib/format.h"

uint32_t pci_read32(const struct pci_function *function, uint32_t offset)
{
    uint32_t value =
        UINT32_MAX; /* what a function that is gone answers, with or without an abort */

    mmio_probe32(function->config + offset, &value);
    return value;
}

uint16_t pci_read16(const struct pci_function *function, uint32_t offset)
{
    return (uint16_t)(pci_read32(function, offset & ~3u) >> (offset & 2) * 8);
}

uint8_t pci_read8(const struct pci_function *function, uint32_t offset)
{
    return (uint8_t)(pci_read32(function, offset & ~3u) >> (offset & 3) * 8);
}

void pci_write32(const struct pci_function *function, uint32_t offset, uint32_t value)
{
    mmio_write32(function->config + offset, value);
}

/* The other half of the word is written back as it was read, but for STATUS, whose bits a one
 * clears. In the other words that the hypervisor writes like this, a status bit beside may be
 * cleared: nobody uses it. */
void pci_write16(const struct pci_function *function, uint32_t offset, uint16_t value)
{
    uint32_t word_offset = offset & ~3u, shift = (offset & 2) * 8;
    uint32_t other = word_offset == PCI_COMMAND ? 0 : pci_read32(function, word_offset);

    other &= ~(UINT32_C(0xFFFF) << shift);
    pci_write32(function, word_offset, other | (uint32_t)value << shift);
}

static void change_command(const struct pci_function *function, uint16_t set, uint16_t clear)
{
    uint16_t command = pci_read16(function, PCI_COMMAND);

    if (command == UINT16_MAX)
        return; /* it is gone, or held in reset: there is nothing to turn off */
    pci_write16(function, PCI_COMMAND, (uint16_t)((command & ~clear) | set));
}

void pci_set_decode(const struct pci_function *function, bool on)
{
    change_command(function, on ? COMMAND_MEMORY : 0, on ? 0 : COMMAND_MEMORY);
}

void pci_set_mastering(const struct pci_function *function, bool on)
{
    change_command(function, on ? COMMAND_MASTER : 0, on ? 0 : COMMAND_MASTER);
}

void pci_set_interrupts(const struct pci_function *function, bool on)
{
    change_command(function, on ? 0 : COMMAND_INTX_DISABLE, on ? COMMAND_INTX_DISABLE : 0);
}

void pci_name(const struct pci_function *function, char name[PCI_NAME])
{
    format(name, PCI_NAME, "%04x:%02x:%02x.%x", function->host->segment, function->rid >> 8,
           function->rid >> 3 & 31, function->rid & 7);
}
