/* SPDX-License-Identifier: Apache-2.0 */
#include "tree_facts.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "drivers/topology/fdt_masters.h"

#define UNIT_CELLS_LIMIT 8
#define MAP_CELLS 4

void facts_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

void facts_path(const void *tree, int node, char path[FACTS_PATH])
{
    if (node < 0)
        snprintf(path, FACTS_PATH, "/");
    else if (fdt_get_path(tree, node, path, FACTS_PATH) != 0)
        snprintf(path, FACTS_PATH, ".../%s", fdt_get_name(tree, node, NULL));
    facts_printable(path);
}

void facts_compatible(const void *tree, int node, char text[FACTS_PATH])
{
    size_t used = 0;
    const char *word;

    text[0] = '\0';
    for (int i = 0; (word = fdt_stringlist_get(tree, node, "compatible", i, NULL)) != NULL; i++) {
        size_t length = strlen(word) + (i != 0 ? 2 : 0);

        if (used + length >= FACTS_PATH)
            break;
        snprintf(text + used, FACTS_PATH - used, "%s%s", i != 0 ? ", " : "", word);
        used += length;
    }
    facts_printable(text);
}

bool facts_has(const void *tree, int node, const char *name)
{
    return fdt_getprop(tree, node, name, NULL) != NULL;
}

bool facts_is_enabled(const void *tree, int node)
{
    const char *status = fdt_getprop(tree, node, "status", NULL);

    return status == NULL || strncmp(status, "ok", 2) == 0;
}

bool facts_is_smmuv3(const void *tree, int node)
{
    return fdt_node_check_compatible(tree, node, "arm,smmu-v3") == 0;
}

bool facts_is_unit(const void *tree, int node)
{
    return facts_has(tree, node, "#iommu-cells") || facts_is_smmuv3(tree, node);
}

bool facts_is_pci_host(const void *tree, int node)
{
    const char *type = fdt_getprop(tree, node, "device_type", NULL);
    int parent = fdt_parent_offset(tree, node);

    /* A bridge below a host calls itself so, too. */
    if (parent >= 0 && facts_has(tree, parent, "bus-range"))
        return false;
    return type != NULL && strcmp(type, "pci") == 0 &&
           (facts_has(tree, node, "bus-range") || facts_has(tree, node, "reg"));
}

/* Cells of an entry of iommus that names that unit; 0: none that can be. */
static uint32_t entry_cells(const void *tree, int unit)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, unit, "#iommu-cells", &length);
    uint32_t cells = cell == NULL || length != (int)sizeof(*cell) ? 1 : fdt32_ld(cell);

    return cells > UNIT_CELLS_LIMIT ? 0 : 1 + cells;
}

int facts_unit_of(const void *tree, int node, uint32_t index)
{
    bool is_map = facts_has(tree, node, "iommu-map");
    int length, unit = FACTS_NO_MORE;
    const fdt32_t *cell = fdt_getprop(tree, node, is_map ? "iommu-map" : "iommus", &length);
    uint32_t left = cell == NULL ? 0 : (uint32_t)length / sizeof(*cell);

    for (uint32_t i = 0; i <= index; i++) {
        if (left == 0)
            return FACTS_NO_MORE;
        if (is_map && left < MAP_CELLS)
            return FACTS_MALFORMED;
        unit = fdt_node_offset_by_phandle(tree, fdt32_ld(cell + (is_map ? 1 : 0)));
        uint32_t entry = is_map ? MAP_CELLS : unit < 0 ? 0 : entry_cells(tree, unit);

        if (unit < 0 || entry == 0 || entry > left)
            return FACTS_MALFORMED;
        cell += entry;
        left -= entry;
    }
    return unit;
}

const char *facts_mastery(const void *tree, int node)
{
    static char text[64];
    bool by_name;
    const char *sign = fdt_mastery(tree, node, &by_name);

    if (sign == NULL)
        return NULL;
    snprintf(text, sizeof(text), by_name ? "its name is that of a bus master, %s" : "it says %s",
             sign);
    return text;
}
