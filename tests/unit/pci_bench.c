/* SPDX-License-Identifier: Apache-2.0 */
#include "pci_bench.h"

#include <string.h>

struct pci found;
struct topology_pci_host pci_host;

void pci_bench_reset(void)
{
    machine_reset();
    memset(&found, 0, sizeof(found));
    pci_host = (struct topology_pci_host){
        .name = "/pcie",
        .ecam = { .base = ECAM_BASE, .size = ECAM_BUSES << 20 },
        .bus_last = ECAM_BUSES - 1,
        .window_count = 2,
        .window = { { .cpu_base = 0x8000000000,
                      .pci_base = 0x8000000000,
                      .size = 0x8000000000,
                      .wide = true },
                    { .cpu_base = WINDOW_BASE, .pci_base = WINDOW_BASE, .size = WINDOW_SIZE } },
    };
}

void pci_bench_enumerate(void)
{
    pci_enumerate(&found, &pci_host);
}

void pci_bench_isolate(bool root_isolates)
{
    pci_bench_enumerate();
    pci_isolate(&found, root_isolates);
}

struct pci_function *pci_bench_at(uint32_t bus, uint32_t device, uint32_t function)
{
    for (uint32_t i = 0; i < found.count; i++) {
        if (found.function[i].rid == PCI_RID(bus, device, function))
            return &found.function[i];
    }
    fail_msg("nothing was found at %02x:%02x.%x", bus, device, function);
    return NULL;
}
