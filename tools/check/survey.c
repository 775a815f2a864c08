/* SPDX-License-Identifier: Apache-2.0 */
#include "survey.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/topology/fdt.h"
#include "kernel/device.h"
#include "machine.h"

struct survey survey;

/* A node that the reader left out without refusing the machine. */
struct left_out {
    int node;
    const char *text;
};

static struct {
    uint32_t count;
    struct left_out *node;
    bool again; /* the tree is being read once more: what is told is known */
} left;

static void *grown(void *array, uint32_t count, size_t size)
{
    void *larger = realloc(array, (count + 1) * size);

    if (larger == NULL) {
        fprintf(stderr, "check: out of memory\n");
        exit(1);
    }
    memset((uint8_t *)larger + count * size, 0, size);
    return larger;
}

static void add_refusal(int node, const char *text)
{
    survey.refusal = grown(survey.refusal, survey.refusal_count, sizeof(*survey.refusal));
    struct survey_refusal *refusal = &survey.refusal[survey.refusal_count++];

    facts_path(survey.tree, node, refusal->path);
    refusal->text = text;
}

static void note_left_out(void *context, int node, const char *text, bool refused)
{
    (void)context;
    if (left.again)
        return;
    if (refused)
        add_refusal(node, text);
    if (node < 0)
        return;
    left.node = grown(left.node, left.count, sizeof(*left.node));
    left.node[left.count++] = (struct left_out){ .node = node, .text = text };
}

/* ---- IOMMUs ---------------------------------------------------------------------------------- */

static struct survey_unit *find_unit(int node)
{
    for (uint32_t i = 0; i < survey.unit_count; i++) {
        if (survey.unit[i].node == node)
            return &survey.unit[i];
    }
    return NULL;
}

static const struct iommu *driven_unit(int node)
{
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        if (fdt_path_offset(survey.tree, devices.iommu[i].topology->name) == node)
            return &devices.iommu[i];
    }
    return NULL;
}

static void add_unit(int node)
{
    survey.unit = grown(survey.unit, survey.unit_count, sizeof(*survey.unit));
    struct survey_unit *unit = &survey.unit[survey.unit_count++];
    const struct iommu *iommu = driven_unit(node);

    unit->node = node;
    facts_path(survey.tree, node, unit->path);
    facts_compatible(survey.tree, node, unit->compatible);
    unit->driven = iommu != NULL;
    unit->enabled = facts_is_enabled(survey.tree, node);
    unit->usable = iommu != NULL && iommu->usable;
    if (!facts_is_smmuv3(survey.tree, node))
        unit->why = "another kind: the hypervisor drives SMMUv3";
    else if (iommu == NULL)
        unit->why = "refused, see above";
    else if (!iommu->usable)
        unit->why = machine.unit_refusal[iommu - devices.iommu];
    else if (!unit->enabled)
        unit->why = "the tree disables it";
}

/* ---- Devices --------------------------------------------------------------------------------- */

/* What the hypervisor says, and how that counts. */
static enum verdict verdict_of(const char *text)
{
    static const struct {
        const char *part;
        enum verdict verdict;
    } verdicts[] = {
        { "several IOMMUs", SEVERAL_UNITS },
        { "shares its stream id", SHARED_STREAM },
        { "more stream ids", MANY_STREAMS },
        { "no pairs of an IOMMU", MALFORMED },
        { "IOMMU that is not in the tree", MALFORMED },
        { "device tree disables", UNIT_DISABLED },
        { "no IOMMU", NO_IOMMUS },
        { "IOMMU that", UNIT_UNUSABLE },
        { "without a table entry", UNIT_UNUSABLE },
        { "bus that translates", BUS },
        { "register", REGISTERS },
        { "above the addresses", REGISTERS },
        { "hypervisor's own console", REGISTERS },
        { "than the hypervisor keeps", BEYOND_LIMIT },
    };

    for (size_t i = 0; i < ARRAY_LENGTH(verdicts); i++) {
        if (strstr(text, verdicts[i].part) != NULL)
            return verdicts[i].verdict;
    }
    return OTHER_REASON;
}

/* The first of its units that is no reason for hope. False: all are driven. */
static bool explain_by_unit(struct survey_device *device)
{
    for (uint32_t i = 0;; i++) {
        int node = facts_unit_of(survey.tree, device->node, i);

        if (node == FACTS_NO_MORE)
            return false;
        if (node == FACTS_MALFORMED) {
            device->verdict = MALFORMED;
            snprintf(device->why, sizeof(device->why),
                     "its iommus name what the tree does not have, or are cut off");
            return true;
        }
        struct survey_unit *unit = find_unit(node);

        if (unit == NULL || (unit->why == NULL && unit->usable))
            continue;
        bool other = !facts_is_smmuv3(survey.tree, node);

        device->verdict = other ? OTHER_UNIT : unit->enabled ? UNIT_UNUSABLE : UNIT_DISABLED;
        if (other)
            snprintf(device->why, sizeof(device->why), "behind an IOMMU of another kind: %s",
                     unit->compatible);
        else
            snprintf(device->why, sizeof(device->why), "behind %s: %s", unit->path, unit->why);
        return true;
    }
}

static void name_units(struct survey_device *device)
{
    for (uint32_t i = 0;; i++) {
        int node = facts_unit_of(survey.tree, device->node, i);
        struct survey_unit *unit = node >= 0 ? find_unit(node) : NULL;

        if (node < 0)
            return;
        if (unit == NULL)
            continue;
        if (i == 0)
            snprintf(device->unit_path, sizeof(device->unit_path), "%s", unit->path);
        unit->named++;
    }
}

/* refusal: of the hypervisor; NULL: it can be isolated. */
static void add_device(int node, const char *refusal, const struct topology_block *block)
{
    bool masters = facts_has(survey.tree, node, "iommus");
    const char *sign = masters ? NULL : facts_mastery(survey.tree, node);

    if (facts_is_pci_host(survey.tree, node) || facts_is_unit(survey.tree, node))
        return;
    if (!masters && sign == NULL)
        return;
    survey.device = grown(survey.device, survey.device_count, sizeof(*survey.device));
    struct survey_device *device = &survey.device[survey.device_count++];

    device->node = node;
    facts_path(survey.tree, node, device->path);
    facts_compatible(survey.tree, node, device->compatible);
    for (uint32_t i = 0; block != NULL && i < block->stream_count; i++)
        device->stream[device->stream_count++] = block->stream[i];
    name_units(device);
    if (!masters) {
        device->verdict = NO_IOMMUS;
        snprintf(device->why, sizeof(device->why), "no iommus, and %s", sign);
    } else if (refusal == NULL) {
        device->verdict = ISOLATED;
    } else if (!explain_by_unit(device)) {
        device->verdict = verdict_of(refusal);
        snprintf(device->why, sizeof(device->why), "%s", refusal);
    }
}

/* Those in the hypervisor's table: what it says is what holds. */
static void add_kept(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *device = &devices.device[i];
        int node = fdt_path_offset(survey.tree, device->block->name);
        bool isolated = device->refusal == NULL && device->iommu != NULL;
        uint32_t before = survey.device_count;

        add_device(node,
                   isolated
                       ? NULL
                       : (device->refusal != NULL ? device->refusal : "stands behind no IOMMU"),
                   device->block);
        if (survey.device_count > before) {
            survey.device[before].group = device->group->number;
        } else if (!facts_is_unit(survey.tree, node) && !facts_is_pci_host(survey.tree, node)) {
            survey.plain++;
            survey.given += device->refusal == NULL;
        }
    }
}

/* Those for which it has no room: its reader once more, from where its table ended. */
static void add_beyond(void)
{
    static struct topology page;
    struct fdt_survey reading = { .left_out = note_left_out };

    left.again = true;
    for (uint32_t first = TOPOLOGY_BLOCKS; first < survey.blocks; first += TOPOLOGY_BLOCKS) {
        reading.skip = first;
        fdt_survey_topology(survey.tree, &page, &reading);
        for (uint32_t i = 0; i < page.block_count; i++) {
            const struct topology_block *block = &page.block[i];
            int node = fdt_path_offset(survey.tree, block->name);
            uint32_t before = survey.device_count;

            add_device(node,
                       block->streams_refusal != NULL
                           ? block->streams_refusal
                           : "stands behind more nodes than the hypervisor keeps",
                       block);
            survey.plain += survey.device_count == before && !facts_is_unit(survey.tree, node) &&
                            !facts_is_pci_host(survey.tree, node);
        }
    }
}

static void add_left_out(void)
{
    for (uint32_t i = 0; i < left.count; i++)
        add_device(left.node[i].node, left.node[i].text, NULL);
}

/* ---- PCI hosts -------------------------------------------------------------------------------- */

static const struct topology_pci_host *driven_host(int node)
{
    for (uint32_t i = 0; i < machine.topology.host_count; i++) {
        if (fdt_path_offset(survey.tree, machine.topology.host[i].name) == node)
            return &machine.topology.host[i];
    }
    return NULL;
}

static const char *refusal_of(int node)
{
    for (uint32_t i = 0; i < left.count; i++) {
        if (left.node[i].node == node)
            return left.node[i].text;
    }
    return NULL;
}

static void explain_host(struct survey_host *host)
{
    int unit_node = facts_unit_of(survey.tree, host->node, 0);
    struct survey_unit *unit = unit_node >= 0 ? find_unit(unit_node) : NULL;
    const char *refusal = refusal_of(host->node);

    if (unit != NULL) {
        unit->named++;
        snprintf(host->unit_path, sizeof(host->unit_path), "%s", unit->path);
    }
    if (refusal != NULL)
        snprintf(host->why, sizeof(host->why), "%s", refusal);
    else if (host->topology == NULL)
        snprintf(host->why, sizeof(host->why),
                 "another kind: the hypervisor drives pci-host-ecam-generic");
    else if (unit_node == FACTS_NO_MORE)
        snprintf(host->why, sizeof(host->why), "no iommu-map: nothing stands in front of it");
    else if (unit == NULL)
        snprintf(host->why, sizeof(host->why), "its iommu-map is malformed");
    else if (unit->why != NULL)
        snprintf(host->why, sizeof(host->why), "behind %s (%s): %s", unit->path, unit->compatible,
                 unit->why);
}

static void add_host(int node)
{
    survey.host = grown(survey.host, survey.host_count, sizeof(*survey.host));
    struct survey_host *host = &survey.host[survey.host_count++];

    host->node = node;
    facts_path(survey.tree, node, host->path);
    facts_compatible(survey.tree, node, host->compatible);
    host->topology = driven_host(node);
    explain_host(host);
}

/* ---- The whole ------------------------------------------------------------------------------- */

/* Every IOMMU, enabled or not, and every host that is. */
static void add_units_and_hosts(void)
{
    int depth = 0;

    for (int node = fdt_next_node(survey.tree, -1, &depth); node >= 0;
         node = fdt_next_node(survey.tree, node, &depth)) {
        survey.nodes++;
        if (facts_is_unit(survey.tree, node))
            add_unit(node);
    }
    depth = 0;
    for (int node = fdt_next_node(survey.tree, -1, &depth); node >= 0;
         node = fdt_next_node(survey.tree, node, &depth)) {
        if (facts_is_pci_host(survey.tree, node) && facts_is_enabled(survey.tree, node))
            add_host(node);
    }
}

/* What the boot would refuse a machine for behind its tree's reading. */
static void look_at_machine(void)
{
    const struct topology *topology = &machine.topology;

    if (survey.bytes > TREE_SIZE_LIMIT)
        add_refusal(-1, "the device tree is larger than the hypervisor's copy of it can be");
    if (topology->iommu_count == 0)
        add_refusal(-1, "no SMMUv3: devices could not be kept from memory");
    if (!topology->gicv3)
        add_refusal(-1, "no GICv3");
    if (!topology->psci_smc)
        add_refusal(-1, "no PSCI by SMC");
}

bool survey_read(const void *data, size_t size, const char **text)
{
    static const char none[] = "not a device tree";
    struct topology_error error = { .text = none };
    struct fdt_survey reading = { .left_out = note_left_out };
    void *copy = size >= FDT_HEADER_SIZE ? malloc(size) : NULL;
    const char *model;

    if (copy == NULL || !fdt_take(data, copy, size, &error)) {
        free(copy);
        *text = error.text;
        return false;
    }
    survey.tree = copy;
    survey.bytes = fdt_totalsize(copy);
    model = fdt_getprop(copy, 0, "model", NULL);
    snprintf(survey.model, sizeof(survey.model), "%s", model != NULL ? model : "");
    facts_printable(survey.model);
    fdt_survey_topology(copy, &machine.topology, &reading);
    survey.blocks = reading.blocks;
    look_at_machine();
    machine_start_units();
    add_units_and_hosts();
    add_kept();
    add_beyond();
    add_left_out();
    return true;
}

uint32_t survey_count(enum verdict verdict)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < survey.device_count; i++)
        count += survey.device[i].verdict == verdict;
    return count;
}

const char *survey_verdict_name(enum verdict verdict)
{
    static const char *const names[VERDICT_COUNT] = {
        [ISOLATED] = "isolated",           [NO_IOMMUS] = "no-iommus",
        [OTHER_UNIT] = "other-unit",       [UNIT_DISABLED] = "unit-disabled",
        [UNIT_UNUSABLE] = "unit-unusable", [SEVERAL_UNITS] = "several-units",
        [SHARED_STREAM] = "shared-stream", [MANY_STREAMS] = "many-streams",
        [MALFORMED] = "malformed",         [BUS] = "bus",
        [REGISTERS] = "registers",         [BEYOND_LIMIT] = "limit",
        [OTHER_REASON] = "other",
    };

    return names[verdict];
}
