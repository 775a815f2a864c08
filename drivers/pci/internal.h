/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of this folder. All but the last three: boot only, while the function's bus is enumerated. */
#ifndef DRIVERS_PCI_INTERNAL_H
#define DRIVERS_PCI_INTERNAL_H

#include "drivers/pci/pci.h"

/* Sizes and places the BARs of the functions from index first on, and opens the bridges above
 * them. */
void pci_place_bars(struct pci *pci, const struct topology_pci_host *host, uint32_t first);

/* Takes the function's virtual ones off, and up to the wanted number of them into the array behind it, not
 * enabled. Works as long as no function behind it has been found. */
void pci_add_virtual(struct pci *pci, uint32_t index);

/* Enables the virtual functions among those from index first on, whose BARs are placed, and reads what each is.
 * Waits as long as the specification asks, once for all. */
void pci_enable_virtual(struct pci *pci, uint32_t first);

/* Its class, and where its capabilities stand. */
void pci_read_function(struct pci_function *function);

/* Switches on, of the access control services, what the function has and Bulkhead wants. */
void pci_enable_acs(const struct pci_function *function);

/* Asks the function how it can be reset. All functions beside it have been found. */
enum pci_reset_method pci_find_reset_method(const struct pci *pci,
                                            const struct pci_function *function);

/* Writes the addresses of the placed BARs again, after a reset; decode is off. False: they are not those that were
 * found, and have no addresses. */
bool pci_restore_bars(const struct pci_function *function);

/* Bus addresses that the bridge sends down; size 0: none. */
struct topology_range pci_bridge_window(const struct pci_function *bridge);

static inline bool pci_is_bridge(const struct pci_function *function)
{
    return function->kind >= PCI_ROOT_PORT;
}

#endif
