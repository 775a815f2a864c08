/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <libfdt.h>
#include <string.h>

#include "arch/host/host.h"
#include "arch/host/store_buffer.h"
#include "drivers/topology/fdt.h"
#include "kernel/device.h"
#include "kernel/fault.h"
#include "kernel/memory.h"
#include "lib/boot_memory.h"
#include "machine_messages.h"
#include "pci_tree.h"

#define WALK_READS 32

struct machine machine;

static struct pci_model pci_model[TOPOLOGY_PCI_HOSTS];

/* What a unit read while a walk was recorded. */
static struct {
    bool on;
    unsigned int count;
    uint64_t address[WALK_READS], word[WALK_READS];
} record;

static bool refuse(struct machine_mistake *mistake, const char *node, const char *property,
                   const char *text)
{
    snprintf(mistake->node, sizeof(mistake->node), "%s", node);
    mistake->property = property;
    mistake->text = text;
    return false;
}

/* ---- Units ----------------------------------------------------------------------------------- */

static bool unit_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                      void *data, size_t size)
{
    (void)context;
    (void)kind;
    if (!host_is_memory(address, size))
        return false;
    host_hardware_read(address, data, size);
    if (record.on && size == sizeof(uint64_t) && record.count < WALK_READS) {
        record.address[record.count] = address;
        memcpy(&record.word[record.count++], data, size);
    }
    return true;
}

static bool unit_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                       const void *data, size_t size)
{
    (void)context;
    (void)kind;
    if (!host_is_memory(address, size))
        return false;
    host_hardware_write(address, data, size);
    return true;
}

static uint64_t registers_read(void *context, uint64_t offset, unsigned int bytes)
{
    return bytes == 8 ? smmuv3_model_read64(context, (uint32_t)offset)
                      : smmuv3_model_read32(context, (uint32_t)offset);
}

static void registers_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    if (bytes == 8)
        smmuv3_model_write64(context, (uint32_t)offset, value);
    else
        smmuv3_model_write32(context, (uint32_t)offset, (uint32_t)value);
}

static bool add_unit(uint32_t index, struct machine_mistake *mistake)
{
    static const struct smmuv3_model_environment environment = { .read = unit_read,
                                                                 .write = unit_write };
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_qemu();
    const struct topology_iommu *unit = &machine.topology.iommu[index];
    struct iommu *iommu = &devices.iommu[index];

    machine.unit[index] = smmuv3_model_create(&parameters, &environment);
    host_attach(&(struct host_registers){ .base = unit->registers.base,
                                          .size = unit->registers.size,
                                          .context = machine.unit[index],
                                          .read = registers_read,
                                          .write = registers_write });
    iommu->topology = unit;
    iommu->driver = iommu_find_driver(unit->compatible);
    if (iommu->driver == NULL)
        return refuse(mistake, unit->name, "compatible", "no driver for this IOMMU");
    iommu->driver->close(unit->registers.base);
    return true;
}

static bool add_units(struct machine_mistake *mistake)
{
    devices.iommu_count = machine.topology.iommu_count;
    if (devices.iommu_count == 0)
        return refuse(mistake, "/", "compatible",
                      "no SMMUv3: devices could not be kept from memory, and nothing starts");
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        if (!add_unit(i, mistake))
            return false;
    }
    return true;
}

static void start_units(void)
{
    iommu_register_events(&fault_events);
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        struct iommu *iommu = &devices.iommu[i];
        const char *reason = NULL;

        /* One that stays closed refuses its devices, as at boot. */
        iommu->usable = iommu->driver->start(iommu, topology_stream_count(&machine.topology, i),
                                             &reason);
        machine.unit_refusal[i] = iommu->usable ? NULL : reason;
    }
}

const char *machine_unit_name(uint32_t unit)
{
    return machine.topology.iommu[unit].name;
}

/* ---- Memory, PCI ----------------------------------------------------------------------------- */

static bool take_memory(struct machine_mistake *mistake)
{
    const struct topology *topology = &machine.topology;

    for (uint32_t i = 0; i < topology->memory_count; i++) {
        if (!host_memory_add(topology->memory[i].base, topology->memory[i].size))
            return refuse(mistake, "/memory", "reg", "more than this host can represent");
    }
    if (!memory_start(topology) || !memory_reserve(machine.image.base, machine.image.size))
        return refuse(mistake, "/memory", "reg", "is cut into more stretches than are kept");
    machine.own = (struct topology_range){ .base = memory_take(OWN_MEMORY, BIT(21)),
                                           .size = OWN_MEMORY };
    if (machine.own.base == 0)
        return refuse(mistake, "/memory", "reg", "has no room for the hypervisor itself");
    boot_memory_start(machine.own.base, machine.own.size);
    return true;
}

static void start_pci(void)
{
    devices.pci.virtual_most = machine.board.virtual_functions;
    devices.pci.virtual_isolated = machine.board.virtual_isolated;
    for (uint32_t i = 0; i < machine.topology.host_count; i++) {
        const struct topology_pci_host *host = &machine.topology.host[i];

        pci_model[i].bus_first = host->bus_first;
        host_attach(&(struct host_registers){ .base = host->ecam.base,
                                              .size = host->ecam.size,
                                              .context = &pci_model[i],
                                              .read = pci_model_read,
                                              .write = pci_model_write });
        pci_enumerate(&devices.pci, host);
    }
    pci_isolate(&devices.pci, machine.board.root_isolates);
}

bool machine_start(const struct machine_files *files, struct machine_mistake *mistake)
{
    struct topology_error error = { 0 };
    char node[MACHINE_NODE];

    host_reset();
    mistake->file = MISTAKE_TREE;
    if (fdt_check_full(files->tree, files->tree_size) != 0 ||
        !fdt_read_topology(files->tree, &machine.topology, &error))
        return refuse(mistake, error.node, "",
                      error.text != NULL ? error.text : "not a device tree");
    mistake->file = MISTAKE_BOARD;
    if (!board_read(files->board, files->board_size, &machine.board))
        return refuse(mistake, "/", "compatible", "write \"bulkhead,board\"");
    mistake->file = MISTAKE_PCI;
    const char *text = pci_tree_read(files->pci, &machine.topology, machine.board.virtual_functions,
                                     pci_model, node, sizeof(node));

    if (text != NULL)
        return refuse(mistake, node, "", text);
    mistake->file = MISTAKE_TREE;
    if (!add_units(mistake) || !take_memory(mistake))
        return false;
    start_units();
    start_pci();
    devices_build(&machine.topology);
    machine_start_messages();
    return true;
}

void machine_start_units(void)
{
    /* The board's memory is not needed, and need not be known. */
    static _Alignas(2 << 20) uint8_t own[OWN_MEMORY];
    struct machine_mistake mistake = { 0 };

    host_reset();
    boot_memory_start((uint64_t)(uintptr_t)own, sizeof(own));
    if (machine.topology.iommu_count != 0 && add_units(&mistake))
        start_units();
    devices_build(&machine.topology);
}

/* ---- A walk in words ------------------------------------------------------------------------- */

static bool is_ram(uint64_t address)
{
    for (uint32_t i = 0; i < machine.topology.memory_count; i++) {
        if (address - machine.topology.memory[i].base < machine.topology.memory[i].size)
            return true;
    }
    return false;
}

/* The image's own variables stand elsewhere in this program: their addresses say nothing. */
static void print_step(FILE *out, uint64_t address, uint64_t word)
{
    if (is_ram(address))
        fprintf(out, " -> [0x%llx] = 0x%llx", (unsigned long long)address,
                (unsigned long long)word);
    else
        fprintf(out, " -> [in the image] = 0x%llx", (unsigned long long)word);
}

static const char *access_of(const struct smmuv3_model_result *result)
{
    if (result->readable)
        return result->writable ? "read and write" : "read";
    return result->writable ? "write" : "nothing";
}

void machine_print_walk(FILE *out, uint32_t unit, const struct smmuv3_model_reach *piece)
{
    struct smmuv3_model_access access = { .stream_id = piece->stream_id,
                                          .ssv = piece->ssv,
                                          .substream_id = piece->substream_id,
                                          .iova = piece->iova };
    struct smmuv3_model_result result;

    record.on = true;
    record.count = 0;
    result = smmuv3_model_translate(machine.unit[unit], &access);
    if (result.outcome == SMMUV3_MODEL_ABORT) { /* or what may only be written */
        access.write = true;
        record.count = 0;
        result = smmuv3_model_translate(machine.unit[unit], &access);
    }
    record.on = false;
    fprintf(out, "  walk: IOMMU %u, stream 0x%x", unit, piece->stream_id);
    if (piece->ssv)
        fprintf(out, ", PASID 0x%x", piece->substream_id);
    fprintf(out, ", iova 0x%llx", (unsigned long long)piece->iova);
    for (unsigned int i = 0; i < record.count; i++) {
        /* Of an entry of several words the first stands for all. */
        if (i == 0 || record.address[i] != record.address[i - 1] + sizeof(uint64_t))
            print_step(out, record.address[i], record.word[i]);
    }
    if (result.outcome == SMMUV3_MODEL_OK)
        fprintf(out, " -> 0x%llx, %s\n", (unsigned long long)result.address, access_of(&result));
    else
        fprintf(out, " -> only what the unit has cached leads on\n");
}
