/* SPDX-License-Identifier: Apache-2.0 */
#include "fate.h"

#include <stdio.h>
#include <string.h>

#include "kernel/message.h"
#include "kernel/partition.h"
#include "machine.h"
#include "records.h"
#include "words.h"

/* Something of the machine that partitions may stand on together. */
struct shared {
    const char *kind;
    char name[TOPOLOGY_NAME]; /* which one of its kind */
    char label[96];           /* both, as they are printed */
    bool always;              /* said even where it is one partition's or nobody's */
    bool hit[PARTITION_LIMIT];
};

typedef void (*tell)(const struct shared *shared);

/* ---- What there is ---------------------------------------------------------------------------- */

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

static bool is_of_host(const void *thing, const struct device *device)
{
    return device->function != NULL && device->function->host == thing;
}

static bool raises_by(const void *thing, const struct device *device)
{
    return device->message_unit == thing && message_vectors(device) != 0;
}

const struct pci_function *fate_root_port(const struct pci_function *function)
{
    while (function->parent != PCI_NO_PARENT)
        function = &devices.pci.function[function->parent];
    return function->kind == PCI_ROOT_PORT ? function : NULL;
}

static struct shared shared_of(const char *kind, const char *name)
{
    struct shared shared = { .kind = kind };

    snprintf(shared.name, sizeof(shared.name), "%s", name);
    snprintf(shared.label, sizeof(shared.label), "%s %s", kind, name);
    return shared;
}

/* Those are hit of whose devices one is. */
static void hit_by_devices(struct shared *shared, hit hits, const void *thing)
{
    for (uint32_t i = 0; i < partitions.count; i++) {
        const struct partition *partition = &partitions.partition[i];

        for (uint32_t d = 0; d < partition->device_count; d++)
            shared->hit[i] = shared->hit[i] || hits(thing, partition->device[d]);
    }
}

static void tell_units(tell told)
{
    for (uint32_t unit = 0; unit < devices.iommu_count; unit++) {
        struct shared shared = shared_of("IOMMU", devices.iommu[unit].topology->name);

        snprintf(shared.label, sizeof(shared.label), "IOMMU %u (%s)", unit, shared.name);
        shared.always = true;
        hit_by_devices(&shared, is_behind, &devices.iommu[unit]);
        told(&shared);
    }
    for (uint32_t i = 0; i < messages.unit_count; i++) {
        struct shared shared = shared_of("ITS", machine.topology.its[i].name);

        shared.always = true;
        hit_by_devices(&shared, raises_by, &messages.unit[i]);
        told(&shared);
    }
}

static void tell_pci(tell told)
{
    char name[PCI_NAME];

    for (uint32_t i = 0; i < machine.topology.host_count; i++) {
        const struct topology_pci_host *host = &machine.topology.host[i];
        struct shared shared = shared_of("PCI host", host->name);

        hit_by_devices(&shared, is_of_host, host);
        told(&shared);
    }
    for (uint32_t i = 0; i < devices.pci.count; i++) {
        const struct pci_function *port = &devices.pci.function[i];

        if (port->kind != PCI_ROOT_PORT)
            continue;
        pci_name(port, name);
        struct shared shared = shared_of("root port", name);

        hit_by_devices(&shared, is_below, port);
        told(&shared);
    }
}

/* What every partition stands on, by where it is: a tree that names no more tells no more. */
static void tell_rest(tell told)
{
    const struct topology *topology = &machine.topology;
    const struct topology_range one[] = { topology->gic_range[0], topology->serial };
    static const char *const kinds[] = { "interrupt controller", "console" };
    char name[TOPOLOGY_NAME];

    for (size_t i = 0; i < ARRAY_LENGTH(one); i++) {
        snprintf(name, sizeof(name), "0x%llx", (unsigned long long)one[i].base);
        struct shared shared = shared_of(kinds[i], name);

        memset(shared.hit, one[i].size != 0, partitions.count);
        told(&shared);
    }
    for (uint32_t i = 0; i < topology->memory_count; i++) {
        const struct topology_range *memory = &topology->memory[i];

        snprintf(name, sizeof(name), "0x%llx-0x%llx", (unsigned long long)memory->base,
                 (unsigned long long)(memory->base + memory->size - 1));
        struct shared shared = shared_of("memory", name);

        for (uint32_t p = 0; p < partitions.count; p++)
            shared.hit[p] = partitions.partition[p].physical - memory->base < memory->size;
        told(&shared);
    }
}

/* Calls it for each thing that is shared, or worth a word in any case. */
static void tell_all(tell told)
{
    tell_units(told);
    tell_pci(told);
    tell_rest(told);
}

static bool is_worth_it(const struct shared *shared)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < partitions.count; i++)
        count += shared->hit[i];
    return shared->always || count > 1;
}

/* ---- Lines ------------------------------------------------------------------------------------ */

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

static void print_shared(const struct shared *shared)
{
    const char *separator = "";

    if (!is_worth_it(shared))
        return;
    printf("  %s: ", shared->label);
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (!shared->hit[i])
            continue;
        printf("%s%s", separator, partitions.partition[i].name);
        separator = ", ";
    }
    printf("%s\n", *separator == '\0' ? "no partition" : "");
}

static void record_shared(const struct shared *shared)
{
    if (!is_worth_it(shared))
        return;
    record_begin("shared");
    record_text("what", shared->kind);
    record_text("name", shared->name);
    record_list("partitions");
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (shared->hit[i])
            record_text(NULL, partitions.partition[i].name);
    }
    record_list_end();
    record_end();
}

void fate_print(void)
{
    printf("\nshared fate\n");
    tell_all(print_shared);
    print_lines();
}

void fate_record(void)
{
    tell_all(record_shared);
}
