/* SPDX-License-Identifier: Apache-2.0 */
#include "fate.h"

#include <stdio.h>
#include <string.h>

#include "kernel/partition.h"
#include "words.h"

/* Whether the failure of the thing would hit the device. */
typedef bool (*hit)(const void *thing, const struct device *device);

static bool is_behind(const void *thing, const struct device *device)
{
    return device->iommu == thing;
}

static bool is_below(const void *thing, const struct device *device)
{
    return device->function != NULL && fate_root_port(device->function) == thing;
}

const struct pci_function *fate_root_port(const struct pci_function *function)
{
    while (function->parent != PCI_NO_PARENT)
        function = &devices.pci.function[function->parent];
    return function->kind == PCI_ROOT_PORT ? function : NULL;
}

/* Names of the partitions that would be hit; how many. */
static uint32_t name_partitions(hit hits, const void *thing, char *text, size_t size)
{
    uint32_t count = 0;

    text[0] = '\0';
    for (uint32_t i = 0; i < partitions.count; i++) {
        const struct partition *partition = &partitions.partition[i];
        bool found = false;

        for (uint32_t d = 0; d < partition->device_count; d++)
            found = found || hits(thing, partition->device[d]);
        if (!found)
            continue;
        strncat(text, count++ != 0 ? ", " : "", size - strlen(text) - 1);
        strncat(text, partition->name, size - strlen(text) - 1);
    }
    return count;
}

/* Listed for a partition, the first of its line. */
static bool begins_line(uint32_t index)
{
    const struct device *device = &devices.device[index];

    if (device->line == INTERRUPT_NONE || strcmp(words_owners(device), "nobody") == 0)
        return false;
    for (uint32_t i = 0; i < index; i++) {
        if (devices.device[i].line == device->line &&
            strcmp(words_owners(&devices.device[i]), "nobody") != 0)
            return false;
    }
    return true;
}

/* Who hears whose INTx, and where that is why nobody does. */
static void print_lines(void)
{
    for (uint32_t first = 0; first < devices.count; first++) {
        const char *refusal = NULL, *separator = " ";

        if (!begins_line(first))
            continue;
        printf("  INTx, interrupt %u:", devices.device[first].line);
        for (uint32_t i = first; i < devices.count; i++) {
            const struct device *device = &devices.device[i];

            if (device->line != devices.device[first].line ||
                strcmp(words_owners(device), "nobody") == 0)
                continue;
            printf("%s%s (%s)", separator, device->name, words_owners(device));
            separator = ", ";
            refusal = device->line_refusal != NULL ? device->line_refusal : refusal;
        }
        printf("%s%s\n", refusal != NULL ? ": off, the line " : "", refusal != NULL ? refusal : "");
    }
}

void fate_print(void)
{
    char text[256], name[PCI_NAME];

    printf("\nshared fate\n");
    for (uint32_t unit = 0; unit < devices.iommu_count; unit++) {
        uint32_t count = name_partitions(is_behind, &devices.iommu[unit], text, sizeof(text));

        printf("  IOMMU %u (%s): %s\n", unit, devices.iommu[unit].topology->name,
               count != 0 ? text : "no partition");
    }
    for (uint32_t i = 0; i < devices.pci.count; i++) {
        const struct pci_function *port = &devices.pci.function[i];

        if (port->kind != PCI_ROOT_PORT || name_partitions(is_below, port, text, sizeof(text)) < 2)
            continue;
        pci_name(port, name);
        printf("  root port %s: %s\n", name, text);
    }
    print_lines();
}
