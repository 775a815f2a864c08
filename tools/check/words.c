/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <stdio.h>
#include <string.h>

#include "kernel/message.h"
#include "kernel/partition.h"

const char *words_reasons(uint32_t bits)
{
    static char text[GROUP_REASONS];

    group_explain(bits, text, sizeof(text));
    return text;
}

const char *words_owners(const struct device *device)
{
    static char text[256];

    text[0] = '\0';
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (partition_device(&partitions.partition[i], device->id) == NULL)
            continue;
        if (text[0] != '\0')
            strncat(text, ", ", sizeof(text) - strlen(text) - 1);
        strncat(text, partitions.partition[i].name, sizeof(text) - strlen(text) - 1);
    }
    return text[0] == '\0' ? "nobody" : text;
}

const char *words_reset(const struct device *device)
{
    static const char *const names[] = {
        [PCI_RESET_NONE] = "none",
        [PCI_RESET_FUNCTION_LEVEL] = "function level",
        [PCI_RESET_POWER] = "power state",
        [PCI_RESET_SECONDARY_BUS] = "secondary bus",
    };

    return device->function == NULL ? "-" : names[pci_reset_method(&devices.pci, device->function)];
}

const char *words_interrupts(const struct device *device)
{
    static char text[48];
    uint32_t vectors = message_vectors(device);
    bool line = device->line != INTERRUPT_NONE && device->line_refusal == NULL;
    int used = 0;

    text[0] = '\0';
    if (vectors != 0)
        used = snprintf(text, sizeof(text), "%u message%s", vectors, vectors == 1 ? "" : "s");
    if (line)
        snprintf(text + used, sizeof(text) - (size_t)used, "%sINTx %u", used != 0 ? " or " : "",
                 device->line);
    return text[0] == '\0' ? "none" : text;
}
