/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/device.h"

#include "bulkhead/abi.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

struct devices devices;

static struct group groups[DEVICE_LIMIT];

static struct device *add(void)
{
    return devices.count < DEVICE_LIMIT ? &devices.device[devices.count++] : NULL;
}

/* Gives the function's stream an entry and parks it, or says why the device cannot be assigned. */
static void find_stream(struct device *device, const struct topology *topology)
{
    const struct pci_function *function = device->function;
    uint32_t unit = topology_stream(function->host, function->requester, &device->stream);

    (void)topology;
    if (unit == IOMMU_NONE || unit >= devices.iommu_count) {
        device->refusal = "stands behind no IOMMU";
        return;
    }
    device->iommu = &devices.iommu[unit];
    if (!device->iommu->usable) {
        device->refusal = "its IOMMU is not usable";
        device->iommu = NULL;
        return;
    }
    if (!device->iommu->driver->stream_prepare(device->iommu, device->stream)) {
        device->refusal = "its stream has no table entry";
        device->iommu = NULL;
        return;
    }
    if (device_park(device, false) != IOMMU_OK)
        device->refusal = "its IOMMU failed";
}

static void add_function(const struct pci_function *function, const struct topology *topology)
{
    struct device *device;

    if (function->kind != PCI_ENDPOINT && function->kind != PCI_INTEGRATED)
        return;
    device = add();
    if (device == NULL)
        return;
    pci_name(function, device->name);
    device->function = function;
    device->id = DEVICE_ID_PCI | function->host->segment << 16 | function->rid;
    device->group = &groups[function->group];
    device->group->number = function->group;
    device->group->reasons = function->group_reasons;
    device->group->members++;
    if (function->unplaced)
        device->refusal = "its registers do not fit into the PCI window";
    else
        find_stream(device, topology);
}

static void add_block(const struct topology *topology, uint32_t index)
{
    const struct topology_block *block = &topology->block[index];
    struct device *device = add();

    if (device == NULL)
        return;
    format(device->name, sizeof(device->name), "%s", block->name);
    device->block = block;
    device->id = DEVICE_ID_BLOCK | index;
    /* Blocks take group numbers behind those of PCI functions. */
    device->group = &groups[PCI_FUNCTIONS + index];
    device->group->number = PCI_FUNCTIONS + index;
    device->group->members = 1;
    if (block->masters)
        device->refusal = "masters behind an IOMMU; platform masters are not supported";
    if (range_overlaps(block->registers[0].base, block->registers[0].size, topology->serial.base,
                       max_u64(topology->serial.size, 1)))
        device->refusal = "is the hypervisor's own console";
    for (uint32_t i = 0; i < block->register_count; i++) {
        if (block->registers[i].size == 0 ||
            !is_aligned(block->registers[i].base | block->registers[i].size, PAGE_SIZE))
            device->refusal = "shares register pages with something else";
    }
    /* What can reach memory or interrupts by itself, without an IOMMU in front (I13). */
    static const char *const never[] = { "qemu,fw-cfg-mmio", "virtio,mmio", "cfi-flash" };

    for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
        if (strcmp(block->compatible, never[i]) == 0)
            device->refusal = "reaches memory past the IOMMU, or holds firmware";
    }
}

/* Two ids of different groups on one stream would let one group's owner move the other's device. */
static void refuse_shared_streams(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *a = &devices.device[i];

        for (uint32_t j = 0; j < i; j++) {
            struct device *b = &devices.device[j];

            if (a->iommu != NULL && a->iommu == b->iommu && a->stream == b->stream &&
                a->group != b->group) {
                a->refusal = "shares its stream id with a device of another group";
                b->refusal = a->refusal;
            }
        }
    }
}

void devices_build(const struct topology *topology)
{
    for (uint32_t i = 0; i < devices.pci.count; i++)
        add_function(&devices.pci.function[i], topology);
    for (uint32_t i = 0; i < topology->block_count && PCI_FUNCTIONS + i < DEVICE_LIMIT; i++)
        add_block(topology, i);
    refuse_shared_streams();
}

struct device *device_find(const char *name)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        if (strcmp(devices.device[i].name, name) == 0)
            return &devices.device[i];
    }
    return NULL;
}

struct device *device_by_stream(const struct iommu *iommu, uint32_t stream)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->iommu == iommu && device->stream == stream)
            return device;
    }
    return NULL;
}

struct topology_range device_registers(const struct device *device, unsigned int index)
{
    if (device->function != NULL && index < PCI_BARS)
        return (struct topology_range){ .base = device->function->bar[index].address,
                                        .size = device->function->bar[index].address != 0
                                                    ? device->function->bar[index].size
                                                    : 0 };
    if (device->block != NULL && index < device->block->register_count)
        return device->block->registers[index];
    return (struct topology_range){ 0 };
}

enum iommu_result device_park(struct device *device, bool silent)
{
    if (device->iommu == NULL)
        return IOMMU_OK;
    device->silent = silent;
    return device->iommu->driver->stream_set(
        device->iommu, device->stream, silent ? STREAM_PARKED_SILENT : STREAM_PARKED_LOGGED, NULL);
}
