/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/fdt_masters.h"

#include <libfdt.h>

#include "lib/format.h"
#include "lib/string.h"

/* What only masters say of themselves. */
static const char signs[] = "dma-coherent\0#dma-cells\0memory-region\0";

/* Names that the Devicetree Specification (2.2.2) recommends for devices that nearly always master memory. */
static const char names[] =
    "crypto\0display\0dma\0dma-controller\0dsi\0ethernet\0gpu\0isp\0mmc\0nand-controller\0npu\0"
    "sata\0sdhci\0ufs\0ufshc\0usb\0video-codec\0video-decoder\0vpu\0";

static bool has(const void *tree, int node, const char *name)
{
    return fdt_getprop(tree, node, name, NULL) != NULL;
}

static bool is_pci(const void *tree, int node)
{
    const char *type = fdt_getprop(tree, node, "device_type", NULL);

    return type != NULL && strcmp(type, "pci") == 0;
}

const char *fdt_mastery(const void *tree, int node, bool *by_name)
{
    int length;
    const char *name = fdt_get_name(tree, node, &length);
    const char *unit = name == NULL ? NULL : memchr(name, '@', (size_t)length);
    size_t base = unit == NULL ? (size_t)length : (size_t)(unit - name);

    /* A bus says such things for what stands on it. */
    if (name == NULL || has(tree, node, "ranges"))
        return NULL;
    *by_name = false;
    for (const char *sign = signs; *sign != '\0'; sign += strlen(sign) + 1) {
        if (has(tree, node, sign))
            return sign;
    }
    *by_name = true;
    for (const char *known = names; *known != '\0'; known += strlen(known) + 1) {
        if (strlen(known) == base && strncmp(name, known, base) == 0)
            return known;
    }
    return NULL;
}

/* The first entry of iommus names its unit in the first cell, one of an iommu-map in the second. */
static bool is_behind_smmuv3(const void *tree, int node)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, "iommus", &length);
    int place = 0;

    if (cell == NULL) {
        cell = fdt_getprop(tree, node, "iommu-map", &length);
        place = 1;
    }
    return length >= (place + 1) * (int)sizeof(*cell) &&
           fdt_node_check_compatible(tree, fdt_node_offset_by_phandle(tree, fdt32_ld(cell + place)),
                                     "arm,smmu-v3") == 0;
}

void fdt_note_master(const void *tree, int node, int parent, struct topology *topology)
{
    const char *compatible = fdt_stringlist_get(tree, node, "compatible", 0, NULL);
    struct topology_master *last = &topology->unprotected[topology->unprotected_count];
    bool by_name;

    /* Functions below a host are the host's; who translates or takes interrupts for others is no device. */
    if (compatible == NULL || is_pci(tree, parent) || has(tree, node, "#iommu-cells") ||
        has(tree, node, "msi-controller"))
        return;
    if (!is_pci(tree, node) && !has(tree, node, "iommus") &&
        fdt_mastery(tree, node, &by_name) == NULL)
        return;
    if (is_behind_smmuv3(tree, node))
        return;
    if (topology->unprotected_count != 0 &&
        strncmp(last[-1].compatible, compatible, TOPOLOGY_NAME - 1) == 0) {
        last[-1].count++;
        return;
    }
    if (topology->unprotected_count == TOPOLOGY_MASTERS) {
        topology->unprotected_more++;
        return;
    }
    topology->unprotected_count++;
    if (fdt_get_path(tree, node, last->name, TOPOLOGY_NAME) != 0)
        format(last->name, TOPOLOGY_NAME, "%s", fdt_get_name(tree, node, NULL));
    format(last->compatible, TOPOLOGY_NAME, "%s", compatible);
    last->count = 1;
    last->host = is_pci(tree, node);
}
