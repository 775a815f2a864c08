/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual functions (9): which ones a physical function is given, where their registers lie, and how they come to
 * life. Their requester ids follow from First VF Offset and VF Stride, which the specification lets change with
 * NumVFs and the ARI hierarchy, so these are written first. What they have of configuration space can be
 * read only once they are enabled: until then they are entries of the array.
 */
#include "arch/seam.h"
#include "drivers/pci/internal.h"
#include "drivers/pci/registers.h"
#include "lib/log.h"

/* After VF Enable is set (9.3.3.3.1), or cleared where it was set. */
#define ENABLE_MICROSECONDS 100000
#define DISABLE_MICROSECONDS 1000000

static void wait(uint64_t microseconds)
{
    uint64_t deadline = time_deadline(microseconds);

    while (!time_passed(deadline))
        cpu_relax();
}

/* Those that firmware may have enabled go, whatever becomes of others. */
static void disable(const struct pci_function *function)
{
    uint32_t control = function->cap_sriov + SRIOV_CONTROL;
    bool were_there = (pci_read16(function, control) & SRIOV_ENABLE) != 0;

    pci_write16(function, control, 0);
    if (were_there)
        wait(DISABLE_MICROSECONDS);
}

/* On a link the requests of functions beyond the eighth are led by ARI: the port must pass them on. */
static bool may_lead(const struct pci *pci, const struct pci_function *function)
{
    if (function->parent == PCI_NO_PARENT)
        return true;
    const struct pci_function *port = &pci->function[function->parent];
    uint32_t capability = (uint32_t)port->cap_express + EXPRESS_DEVICE_CAPABILITIES_2;
    uint32_t control = (uint32_t)port->cap_express + EXPRESS_DEVICE_CONTROL_2;

    if (port->cap_express == 0 || function->cap_ari == 0 ||
        (pci_read32(port, capability) & EXPRESS_ARI_SUPPORTED) == 0)
        return false;
    pci_write16(port, control, pci_read16(port, control) | EXPRESS_ARI_FORWARDING);
    return true;
}

/* How many of the wanted ones have a requester id on the function's own bus, which is nobody else's, and a
 * place in the array. */
static uint32_t limit(const struct pci *pci, const struct pci_function *function, uint32_t wanted,
                      uint32_t *offset, uint32_t *stride)
{
    uint32_t room = PCI_FUNCTIONS - pci->count, last = function->rid | 0xFF, count = 0;

    pci_write16(function, function->cap_sriov + SRIOV_NUMBER, (uint16_t)wanted);
    *offset = pci_read16(function, function->cap_sriov + SRIOV_OFFSET);
    *stride = pci_read16(function, function->cap_sriov + SRIOV_STRIDE);
    if (*offset == 0 || (*stride == 0 && wanted > 1))
        return 0;
    while (count < wanted && count < room && function->rid + *offset + count * *stride <= last)
        count++;
    return count;
}

void pci_add_virtual(struct pci *pci, uint32_t index)
{
    struct pci_function *function = &pci->function[index];
    uint32_t at = function->cap_sriov, wanted, count, offset, stride;
    char name[PCI_NAME];

    if (at == 0)
        return;
    disable(function);
    wanted = (uint32_t)min_u64(pci->virtual_most, pci_read16(function, at + SRIOV_INITIAL));
    if (may_lead(pci, function))
        pci_write16(function, at + SRIOV_CONTROL, SRIOV_ARI_HIERARCHY);
    /* Fewer may stand elsewhere. */
    for (count = wanted; count != 0; count = wanted) {
        wanted = limit(pci, function, count, &offset, &stride);
        if (wanted == count)
            break;
        pci_name(function, name);
        log_warning("pci: %s: of %u virtual functions %u have a place", name, count, wanted);
    }
    for (uint32_t n = 0; n < count; n++) {
        uint32_t rid = function->rid + offset + n * stride;

        pci->function[pci->count++] = (struct pci_function){
            .host = function->host,
            .config = function->config + ((uint64_t)(rid - function->rid) << FUNCTION_CONFIG_SHIFT),
            .rid = rid,
            .parent = function->parent,
            .physical = index + 1,
            .kind = function->kind,
            .vendor = function->vendor,
            .device = pci_read16(function, at + SRIOV_DEVICE),
        };
    }
    function->virtual_count = count;
}

void pci_enable_virtual(struct pci *pci, uint32_t first)
{
    bool any = false;

    for (uint32_t i = first; i < pci->count; i++) {
        const struct pci_function *function = &pci->function[i];
        uint32_t control = (uint32_t)function->cap_sriov + SRIOV_CONTROL;

        if (function->virtual_count == 0)
            continue;
        pci_write16(function, control, pci_read16(function, control) | SRIOV_ENABLE | SRIOV_MEMORY);
        any = true;
    }
    if (!any)
        return;
    wait(ENABLE_MICROSECONDS);
    for (uint32_t i = first; i < pci->count; i++) {
        if (pci->function[i].physical != 0)
            pci_read_function(&pci->function[i]);
    }
}
