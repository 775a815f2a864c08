/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/device.h"

#include "arch/arch.h"
#include "kernel/ioas.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

struct devices devices;

static struct group groups[DEVICE_LIMIT];

static struct device *add(void)
{
    return devices.count < DEVICE_LIMIT ? &devices.device[devices.count++] : NULL;
}

bool device_has_stream(const struct device *device, uint32_t stream)
{
    bool found = false;

    for (uint32_t i = 0; i < device->stream_count; i++)
        found = found || device->streams[i] == stream;
    return found;
}

static bool prepare_streams(const struct device *device)
{
    for (uint32_t i = 0; i < device->stream_count; i++) {
        if (!device->iommu->driver->stream_prepare(device->iommu, device->streams[i]))
            return false;
    }
    return true;
}

/* Why the streams are nobody's; NULL: they are the device's. */
static const char *refuse_streams(const struct topology *topology, uint32_t unit,
                                  const uint32_t *streams, uint32_t count)
{
    if (unit >= devices.iommu_count)
        return "stands behind no IOMMU";
    if (!devices.iommu[unit].usable)
        return "stands behind an IOMMU that is not usable";
    if (devices.iommu[unit].topology->disabled)
        return "stands behind an IOMMU that the device tree disables";
    for (uint32_t i = 0; i < count; i++) {
        if (topology_is_firmware(topology, unit, streams[i]))
            return "reaches memory that firmware keeps for it";
    }
    return NULL;
}

/* Gives the streams of the device, whose first one it knows, an entry each behind that unit and parks them, or says
 * why the device cannot be assigned. */
static void take_streams(const struct topology *topology, struct device *device, uint32_t unit)
{
    const uint32_t *streams = device->block != NULL ? device->block->stream : &device->stream;
    uint32_t count = device->block != NULL ? device->block->stream_count : 1;

    device->refusal = refuse_streams(topology, unit, streams, count);
    if (device->refusal != NULL)
        return;
    device->iommu = &devices.iommu[unit];
    device->streams = streams;
    device->stream_count = count;
    if (!prepare_streams(device)) {
        device->refusal = "has a stream without a table entry";
        device->iommu = NULL;
        device->stream_count = 0;
        return;
    }
    if (device_park(device, false) != IOMMU_OK)
        device->refusal = "stands behind an IOMMU that failed";
}

static bool within_stage2(const struct device *device)
{
    for (unsigned int i = 0; i < PCI_BARS; i++) {
        struct topology_range range = device_registers(device, i);

        if (!range_inside(range.base, range.size, 0, BIT(arch_stage2_bits())))
            return false;
    }
    return true;
}

/* Why the line cannot be given, whoever else is listed for it (I12); NULL: it can. */
static const char *refuse_line(const struct topology *topology, uint32_t line)
{
    if (topology_line_taken(topology, line))
        return "is also that of another node of the machine's tree";
    if (pci_line_is_loud(&devices.pci, line))
        return "may be raised by a function that cannot be kept from it";
    return NULL;
}

static void add_function(const struct topology *topology, const struct pci_function *function)
{
    struct device *device;

    if (function->kind != PCI_ENDPOINT && function->kind != PCI_INTEGRATED)
        return;
    device = add();
    if (device == NULL)
        return;
    pci_name(function, device->name);
    device->function = function;
    device->line = pci_line(&devices.pci, function);
    device->line_refusal = refuse_line(topology, device->line);
    device->id = DEVICE_ID_PCI | function->host->segment << 16 | function->rid;
    device->group = &groups[function->group];
    device->group->number = function->group;
    device->group->reasons = function->group_reasons;
    device->group->peers = pci_peers(&devices.pci, function->group);
    device->group->members++;
    device->closes = device->group->peers.size != 0;
    if (function->virtual_count != 0)
        device->refusal = "has virtual functions, and stays with the hypervisor";
    else if (function->unplaced)
        device->refusal = "has registers that do not fit into the PCI window";
    else if (!within_stage2(device))
        device->refusal = "lies above the addresses that a partition has";
    else
        take_streams(topology, device,
                     topology_stream(function->host, function->requester, &device->stream));
}

/* True if the valid range lies over something that no partition may have (I13). */
static bool is_taken(const struct topology *topology, struct topology_range range)
{
    bool taken = topology_has_infrastructure(topology, range) || topology_has_rest(topology, range);

    for (uint32_t i = 0; i < topology->memory_count; i++)
        taken = taken || topology_overlap(range, topology->memory[i]);
    return taken;
}

struct topology_range device_pages(const struct device *device, unsigned int index)
{
    struct topology_range range = device_registers(device, index);
    uint64_t end = align_up(range.base + range.size, PAGE_SIZE);

    range.base = align_down(range.base, PAGE_SIZE);
    range.size = range.size == 0 ? 0 : end - range.base;
    return range;
}

static const char *refuse_block(const struct topology *topology, const struct device *device,
                                uint32_t index)
{
    const struct topology_block *block = &topology->block[index];
    /* What can reach memory or interrupts by itself, without an IOMMU in front (I13). */
    static const char *const never[] = { "qemu,fw-cfg-mmio", "virtio,mmio", "cfi-flash" };

    if (block->streams_refusal != NULL)
        return block->streams_refusal;
    if (block->infrastructure)
        return "takes part in the interrupts or translation of others";
    for (size_t i = 0; i < ARRAY_LENGTH(never); i++) {
        if (strcmp(block->compatible, never[i]) == 0)
            return "reaches memory past the IOMMU, or holds firmware";
    }
    if (block->has_more)
        return "has more ranges of registers than the hypervisor keeps";
    for (uint32_t i = 0; i < block->register_count; i++) {
        struct topology_range range = block->registers[i];

        if (!range_valid(range.base, range.size))
            return "has a range of registers that is none";
        if (!range_inside(range.base, range.size, 0, BIT(arch_stage2_bits())))
            return "lies above the addresses that a partition has";
        if (topology_overlap(range, topology->serial))
            return "is the hypervisor's own console";
        if (is_taken(topology, range) || topology_has_block(topology, range, index))
            return "lies over registers or memory that are not its own";
        if (is_aligned(range.base | range.size, PAGE_SIZE))
            continue;
        range = device_pages(device, i);
        /* A full list may be a part of them. */
        if (is_taken(topology, range) || topology->block_count == TOPOLOGY_BLOCKS ||
            topology->has_more_rest)
            return "shares register pages with something that nobody may have";
    }
    return NULL;
}

static void add_block(const struct topology *topology, uint32_t index)
{
    struct device *device = add();

    if (device == NULL)
        return;
    device->block = &topology->block[index];
    format(device->name, sizeof(device->name), "%s", device->block->name);
    device->id = DEVICE_ID_BLOCK | index;
    device->line = INTERRUPT_NONE;
    /* Blocks take group numbers behind those of PCI functions. */
    device->group = &groups[PCI_FUNCTIONS + index];
    device->group->number = PCI_FUNCTIONS + index;
    device->group->members = 1;
    device->refusal = refuse_block(topology, device, index);
    if (device->block->masters && device->refusal == NULL) {
        device->stream = device->block->stream[0];
        take_streams(topology, device, device->block->iommu);
    }
}

static bool share_stream(const struct device *a, const struct device *b)
{
    bool found = false;

    for (uint32_t i = 0; a->iommu == b->iommu && i < a->stream_count; i++)
        found = found || device_has_stream(b, a->streams[i]);
    return found;
}

/* Two ids of different groups on one stream would let one group's owner move the other's device. */
static void find_shared_streams(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *a = &devices.device[i];

        for (uint32_t j = 0; j < i; j++) {
            struct device *b = &devices.device[j];

            if (!share_stream(a, b))
                continue;
            a->stream_shared = true;
            b->stream_shared = true;
            if (a->group != b->group) {
                a->refusal = "shares its stream id with a device of another group";
                b->refusal = a->refusal;
            }
        }
    }
}

void devices_build(const struct topology *topology)
{
    for (uint32_t i = 0; i < devices.pci.count; i++)
        add_function(topology, &devices.pci.function[i]);
    for (uint32_t i = 0; i < topology->block_count && PCI_FUNCTIONS + i < DEVICE_LIMIT; i++)
        add_block(topology, i);
    groups_join_pages();
    find_shared_streams();
    groups_tell();
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
    struct device *first = NULL;

    for (uint32_t i = 0; i < devices.count; i++) {
        struct device *device = &devices.device[i];

        if (device->iommu != iommu || !device_has_stream(device, stream))
            continue;
        if (device->ioas != NULL && !device->held)
            return device;
        if (first == NULL)
            first = device;
    }
    return first;
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

struct topology_range device_closes(const struct device *device, unsigned int index)
{
    return index == 0 ? device->group->peers : (struct topology_range){ 0 };
}

void device_tell_refused_line(const struct device *device, const char *partition)
{
    log_warning("%s: %s has no INTx: its line %s", partition, device->name, device->line_refusal);
}

/* What is reported of a stream concerns all devices on it. */
static inline void note_silent(struct device *device, bool silent)
{
    device->silent = silent;
    for (uint32_t i = 0; device->stream_shared && i < devices.count; i++) {
        if (devices.device[i].iommu == device->iommu && devices.device[i].stream == device->stream)
            devices.device[i].silent = silent;
    }
}

/* All of them, whatever becomes of one: a unit that failed passes nothing anyway. */
static enum iommu_result set_streams(struct device *device, enum iommu_stream_state state,
                                     const struct iommu_domain *domain)
{
    enum iommu_result result = IOMMU_OK;

    note_silent(device, state == STREAM_PARKED_SILENT || state == STREAM_ATTACHED_SILENT);
    for (uint32_t i = 0; i < device->stream_count; i++) {
        if (device->iommu->driver->stream_set(device->iommu, device->streams[i], state, domain) !=
            IOMMU_OK)
            result = IOMMU_SILENCED;
    }
    return result;
}

enum iommu_result device_park(struct device *device, bool silent)
{
    return set_streams(device, silent ? STREAM_PARKED_SILENT : STREAM_PARKED_LOGGED, NULL);
}

enum iommu_result device_translate(struct device *device, const struct iommu_domain *domain)
{
    return set_streams(device, STREAM_ATTACHED, domain);
}

enum iommu_result device_move(struct device *device, const struct iommu_domain *from,
                              const struct iommu_domain *to, bool *hitless)
{
    *hitless = true;
    for (uint32_t i = 0; i < device->stream_count; i++) {
        enum iommu_result result;
        bool smooth;

        result = device->iommu->driver->stream_replace(device->iommu, device->streams[i],
                                                       STREAM_ATTACHED, from, to, &smooth);
        /* One that has begun goes on, and waits for nobody's: that stream is parked on the way. */
        if (result == IOMMU_BUSY && i > 0) {
            smooth = false;
            result = device->iommu->driver->stream_set(device->iommu, device->streams[i],
                                                       STREAM_ATTACHED, to);
        }
        if (result != IOMMU_OK)
            return result;
        *hitless = *hitless && smooth;
    }
    note_silent(device, false);
    return IOMMU_OK;
}

enum iommu_result device_silence(struct device *device)
{
    if (device->ioas == NULL || device->held)
        return device_park(device, true);
    return set_streams(device, STREAM_ATTACHED_SILENT, ioas_domain_on(device->ioas, device->iommu));
}

enum iommu_result device_settle(const struct device *device)
{
    enum iommu_result result = IOMMU_OK;

    for (uint32_t i = 0; i < device->stream_count; i++) {
        if (device->iommu->driver->settle(device->iommu, device->streams[i]) != IOMMU_OK)
            result = IOMMU_SILENCED;
    }
    return result;
}
