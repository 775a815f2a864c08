/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/plan.h"

#include "arch/arch.h"
#include "kernel/memory.h"
#include "kernel/partition.h"
#include "lib/boot_memory.h"

#define MEMORY_ALIGNMENT BIT(21)
#define AARCH32_END BIT(32)

static bool listed(const struct partition *partition, const struct device *device)
{
    return partition_device(partition, device->id) != NULL;
}

static bool over(struct topology_range a, struct topology_range b)
{
    return a.size != 0 && b.size != 0 && range_overlaps(a.base, a.size, b.base, b.size);
}

static bool lies_over_vgic(struct topology_range range)
{
    const struct topology_range *vgic[] = { &arch_guest_layout.distributor,
                                            &arch_guest_layout.redistributor };

    for (size_t i = 0; i < ARRAY_LENGTH(vgic); i++) {
        if (over(range, *vgic[i]))
            return true;
    }
    return false;
}

/* A block of registers masters if the machine's tree says so; that it does not is the set's word. */
static bool check_dma(const struct device *device, const struct set_device *wanted,
                      struct set_error *error)
{
    if (device->function != NULL || device->block->masters != wanted->no_dma)
        return true;
    if (wanted->no_dma)
        return set_refuse(error, wanted->node, "no-dma",
                          "%s masters behind an IOMMU: leave no-dma out", wanted->name);
    return set_refuse(error, wanted->node, "no-dma",
                      "a register block is given without DMA: add no-dma; to say that it cannot "
                      "master");
}

static bool find_device(struct partition *partition, const struct set_device *wanted,
                        struct set_error *error)
{
    const char *property = wanted->kind == SET_DEVICE_PCI ? "pci" : "path";
    struct device *device = device_find(wanted->name);

    if (device == NULL)
        return set_refuse(error, wanted->node, property,
                          "this machine has no %s: write the address of a device that it has",
                          wanted->name);
    if ((device->function != NULL) != (wanted->kind == SET_DEVICE_PCI))
        return set_refuse(error, wanted->node, property, "%s is not a device of that kind",
                          wanted->name);
    if (device->refusal != NULL)
        return set_refuse(error, wanted->node, property, "%s cannot be assigned: it %s",
                          wanted->name, device->refusal);
    if (!check_dma(device, wanted, error))
        return false;
    for (unsigned int i = 0; i < PCI_BARS; i++) {
        struct topology_range range = device_pages(device, i);

        if (lies_over_vgic(range))
            return set_refuse(error, wanted->node, property,
                              "the registers of %s lie where a partition sees its interrupt "
                              "controller: it cannot be given",
                              wanted->name);
        if (partition->set->aarch32 && !range_inside(range.base, range.size, 0, AARCH32_END))
            return set_refuse(error, wanted->node, property,
                              "the registers of %s lie at 0x%lx, out of reach of an AArch32 "
                              "partition: give it to a 64-bit one",
                              wanted->name, range.base);
        if (range.size != 0 && range_overlaps(range.base, range.size, partition->set->memory_base,
                                              partition->set->memory_size))
            return set_refuse(error, partition->set->node, "memory",
                              "overlaps the registers of %s at 0x%lx: choose another base",
                              wanted->name, range.base);
    }
    if (!ioas_plan(partition, device))
        return set_refuse(error, wanted->node, property,
                          "%s stands behind an IOMMU of a third kind (%u bits of input) for this "
                          "partition, and %u is the most: list it for another",
                          wanted->name, device->iommu->capabilities.input_bits, IOAS_TREES);
    partition->device[partition->device_count++] = device;
    return true;
}

/* What of the partition lies where the configuration space of its devices is to be; NULL: nothing. */
static const char *under_config(const struct set *set, const struct partition *partition)
{
    struct topology_range config = partition->config;

    if (lies_over_vgic(config))
        return "its interrupt controller";
    if (over(config,
             (struct topology_range){ partition->set->memory_base, partition->set->memory_size }))
        return "its memory";
    for (uint32_t i = 0; i < set->window_count; i++) {
        const struct set_window *window = &set->window[i];

        for (uint32_t side = 0; side < 2; side++) {
            if (window->side[side] == partition->index &&
                over(config, (struct topology_range){ window->address[side], window->size }))
                return window->name;
        }
    }
    for (uint32_t i = 0; i < partition->device_count; i++) {
        for (unsigned int r = 0; r < PCI_BARS; r++) {
            if (over(config, device_registers(partition->device[i], r)))
                return partition->device[i]->name;
        }
    }
    return NULL;
}

static bool place_config(const struct set *set, struct partition *partition,
                         struct set_error *error)
{
    const char *under;

    for (uint32_t i = 0; i < partition->device_count; i++) {
        if (partition->device[i]->function != NULL)
            partition->config = (struct topology_range){ partition->set->pci_config,
                                                         CONFIG_WINDOW };
    }
    under = under_config(set, partition);
    return under == NULL || set_refuse(error, partition->set->node, "pci-config",
                                       "[0x%lx, +1 MiB) lies over %s: write another address",
                                       partition->config.base, under);
}

/* The partitions that may bind each member of a group must be the same. */
static bool check_groups(const struct partition *partition, struct set_error *error)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *device = partition->device[i];

        for (uint32_t j = 0; j < devices.count; j++) {
            const struct device *sibling = &devices.device[j];

            /* A physical function that is kept back is nobody's. */
            if (sibling->group != device->group ||
                (sibling->function != NULL && sibling->function->virtual_count != 0))
                continue;
            for (uint32_t p = 0; p < partitions.count; p++) {
                if (listed(&partitions.partition[p], device) ==
                    listed(&partitions.partition[p], sibling))
                    continue;
                char why[GROUP_REASONS];

                group_explain(device->group->reasons, why, sizeof(why));
                return set_refuse(
                    error, partition->set->device[i].node,
                    device->function != NULL ? "pci" : "path",
                    "%s and %s are one group, which cannot be split: list both for %s, "
                    "or neither (%s)",
                    device->name, sibling->name, partitions.partition[p].name, why);
            }
        }
    }
    return true;
}

static bool only_for(const struct device *device, const struct partition *partition)
{
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (&partitions.partition[i] != partition && listed(&partitions.partition[i], device))
            return false;
    }
    return true;
}

/* What a platform master still does for one owner the next one must not get: nothing resets it in between. */
static bool check_masters(const struct partition *partition, struct set_error *error)
{
    for (uint32_t i = 0; i < partition->device_count; i++) {
        const struct device *device = partition->device[i];

        if (device->block != NULL && device->iommu != NULL && !only_for(device, partition))
            return set_refuse(error, partition->set->device[i].node, "path",
                              "%s cannot be reset between owners: list it for one partition",
                              device->name);
    }
    return true;
}

/* Who raises a line that others listen to disturbs them, and learns of them (I12). Members of a group have
 * one owner at a time. */
static void refuse_shared_lines(void)
{
    for (uint32_t p = 0; p < partitions.count; p++) {
        for (uint32_t i = 0; i < partitions.partition[p].device_count; i++) {
            struct device *device = partitions.partition[p].device[i];

            for (uint32_t j = 0; j < devices.count; j++) {
                const struct device *other = &devices.device[j];

                if (other->line == device->line && other->group != device->group &&
                    !only_for(other, &partitions.partition[p]))
                    device->line_refusal = "is shared with a device of another partition";
            }
        }
    }
}

static void tell_refused_lines(void)
{
    for (uint32_t p = 0; p < partitions.count; p++) {
        const struct partition *partition = &partitions.partition[p];

        for (uint32_t i = 0; i < partition->device_count; i++) {
            const struct device *device = partition->device[i];

            if (device->line != INTERRUPT_NONE && device->line_refusal != NULL)
                device_tell_refused_line(device, partition->name);
        }
    }
}

bool plan_partitions(const struct set *set, unsigned int cpu_count, struct set_error *error)
{
    partitions.count = 0;
    if (set->partition_count > cpu_count)
        return set_refuse(
            error, "/partitions", "cpus",
            "%u partitions of one CPU each, and the machine has %u: remove partitions",
            set->partition_count, cpu_count);
    for (uint32_t i = 0; i < set->partition_count; i++) {
        struct partition *partition = &partitions.partition[i];

        *partition = (struct partition){ .set = &set->partition[i],
                                         .name = set->partition[i].name,
                                         .index = i,
                                         .cpu = i,
                                         .tag = (uint16_t)(i + 1) };
        partition->visible_size = partition->set->memory_size -
                                  (uint64_t)partition->set->pool_pages * PAGE_SIZE;
        partitions.count++;
        if (partition->set->aarch32 && !arch_cpu_has_aarch32(partition->cpu))
            return set_refuse(error, partition->set->node, "aarch32",
                              "%s would run on CPU %u, which has no AArch32 at EL1: give it 64-bit "
                              "code, or take another machine",
                              partition->name, partition->cpu);
        for (uint32_t d = 0; d < partition->set->device_count; d++) {
            if (!find_device(partition, &partition->set->device[d], error))
                return false;
        }
        if (!place_config(set, partition, error))
            return false;
    }
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (!check_groups(&partitions.partition[i], error) ||
            !check_masters(&partitions.partition[i], error))
            return false;
    }
    refuse_shared_lines();
    tell_refused_lines();
    return true;
}

bool plan_memory(struct set_error *error)
{
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < partitions.count; i++) {
            struct partition *partition = &partitions.partition[i];
            const struct set_partition *set = partition->set;

            /* Those that say where they lie come first, so that no other is put there. */
            if (set->fixed_physical != (pass == 0))
                continue;
            if (!set->fixed_physical)
                partition->physical = memory_take(set->memory_size, MEMORY_ALIGNMENT);
            else if (memory_take_at(set->physical, set->memory_size))
                partition->physical = set->physical;
            else
                return set_refuse(error, set->node, "physical-address",
                                  "[0x%lx, +0x%lx) is not free memory of this machine",
                                  set->physical, set->memory_size);
            if (partition->physical == 0 || !arch_map_memory(partition->physical, set->memory_size))
                return set_refuse(error, set->node, "memory",
                                  "the machine has no 0x%lx bytes left: lower it",
                                  set->memory_size);
            partition->pool.records = boot_memory_take(set->pool_pages * sizeof(struct page_record),
                                                       64);
            if (partition->pool.records == NULL)
                return set_refuse(error, set->node, "pool-pages",
                                  "the hypervisor has no memory to keep so many: lower it");
        }
    }
    return true;
}
