/* SPDX-License-Identifier: Apache-2.0 */
/* What functions say of themselves, as lines of the log. tools/topology.py reads them (docs/configuration.md). */
#include "drivers/pci/pci.h"
#include "lib/format.h"
#include "lib/log.h"

#define HEADER_WORDS 16
#define CAPABILITY_WORDS 4
#define WORD_TEXT 9 /* a blank and eight digits */

static void print_words(const struct pci_function *function, uint32_t offset, uint32_t count)
{
    char name[PCI_NAME], text[HEADER_WORDS * WORD_TEXT + 1];

    for (uint32_t i = 0; i < count; i++)
        format(text + (size_t)i * WORD_TEXT, WORD_TEXT + 1, " %08x",
               pci_read32(function, offset + i * (uint32_t)sizeof(uint32_t)));
    pci_name(function, name);
    log_info("pci: %s %03x:%s", name, offset, text);
}

/* The header, the beginning of each capability that is known, and what sizing the BARs has found. */
static void print_function(const struct pci_function *function)
{
    const uint32_t capability[] = { function->cap_power,    function->cap_msi,
                                    function->cap_msix,     function->cap_express,
                                    function->cap_advanced, function->cap_acs,
                                    function->cap_ats,      function->cap_pasid,
                                    function->cap_sriov,    function->cap_ari };
    const struct pci_bar *bar = function->bar;
    char name[PCI_NAME];

    print_words(function, 0, HEADER_WORDS);
    for (size_t i = 0; i < ARRAY_LENGTH(capability); i++) {
        /* As long as the header: that of SR-IOV has the BARs of the virtual functions. */
        if (capability[i] != 0)
            print_words(function, capability[i],
                        capability[i] == function->cap_sriov ? HEADER_WORDS : CAPABILITY_WORDS);
    }
    pci_name(function, name);
    log_info("pci: %s sizes: %lx %lx %lx %lx %lx %lx", name, bar[0].size, bar[1].size, bar[2].size,
             bar[3].size, bar[4].size, bar[5].size);
}

void pci_dump(const struct pci *pci)
{
    for (uint32_t i = 0; i < pci->count; i++)
        print_function(&pci->function[i]);
}
