/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/fdt.h"

#include <libfdt.h>

#include "drivers/topology/fdt_interrupts.h"
#include "drivers/topology/fdt_maps.h"
#include "drivers/topology/fdt_masters.h"
#include "lib/string.h"

/* Flag bits of a PCI address cell (PCI Bus Binding to Open Firmware, 2.2.1.1). */
#define PCI_CELL_SPACE BITS(25, 24)
#define PCI_CELL_SPACE_MEMORY32 2
#define PCI_CELL_SPACE_MEMORY64 3
#define PCI_CELL_PREFETCHABLE BIT(30)

/* A redistributor has two frames at least (IHI 0069 12.10). */
#define GIC_FRAME 0x10000
#define GIC_FRAMES 0x20000

/* Two pages of 64 KiB (IHI 0070 6.1). */
#define IOMMU_REGISTERS 0x20000

#define TREE_DEPTH 8

/*
 * libfdt's errors are negative. A positive length says that the property is there, and an error is,
 * without its sign, larger than any number of cells or index. No cells for an address is an error.
 */

struct reader {
    const void *tree;
    bool
        plain; /* reg of the nodes at hand is a physical address: every bus above maps one to one */
    bool off;  /* a node above is disabled */
    struct topology *topology;
    struct topology_error *error;
    struct fdt_survey *survey; /* NULL: a machine is booted */
};

static void leave_out(const struct reader *reader, int node, const char *text)
{
    if (reader->survey != NULL)
        reader->survey->left_out(reader->survey->context, node, text, false);
}

/* False, which the callers answer, ends the reading; but for a survey, which is told. */
static bool refuse(struct reader *reader, int node, const char *text)
{
    if (reader->survey != NULL)
        reader->survey->left_out(reader->survey->context, node, text, true);
    reader->error->text = text;
    if (node < 0 || fdt_get_path(reader->tree, node, reader->error->node, TOPOLOGY_NAME) != 0)
        reader->error->node[0] = '\0';
    return false;
}

static void copy_text(char to[TOPOLOGY_NAME], const char *from)
{
    size_t length = from == NULL ? 0 : strnlen(from, TOPOLOGY_NAME - 1);

    if (length != 0)
        memcpy(to, from, length);
    to[length] = '\0';
}

static uint64_t cells(const fdt32_t *cell, uint32_t count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 32 | fdt32_ld(cell++);
    return value;
}

static bool has_compatible(const void *tree, int node, const char *compatible)
{
    return fdt_node_check_compatible(tree, node, compatible) == 0;
}

/* How many cells a child's address or size has. libfdt's own readers of it bring along its editor of
 * trees. What is no number is one that no caller takes. */
uint32_t fdt_child_cells(const void *tree, int parent, const char *name, uint32_t otherwise)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, parent, name, &length);

    if (cell == NULL)
        return otherwise;
    return length == (int)sizeof(*cell) ? fdt32_ld(cell) : UINT32_MAX;
}

static uint32_t child_address_cells(const void *tree, int parent)
{
    uint32_t count = fdt_child_cells(tree, parent, "#address-cells", 2);

    return count == 0 ? UINT32_MAX : count;
}

static bool is_disabled(const void *tree, int node)
{
    int length;
    const char *status = fdt_getprop(tree, node, "status", &length);

    return length > 0 && strncmp(status, "ok", 2) != 0;
}

/* Disabled, by itself or with what it stands on. */
static bool is_off(const struct reader *reader, int node)
{
    return reader->off || is_disabled(reader->tree, node);
}

/* The index-th entry of `reg`, in the parent's cells. False: there is none. */
static bool read_reg(const void *tree, int node, int parent, unsigned int index,
                     struct topology_range *range)
{
    uint32_t address_cells = child_address_cells(tree, parent);
    uint32_t size_cells = fdt_child_cells(tree, parent, "#size-cells", 1);
    int length;
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &length);

    if (reg == NULL || address_cells > 2 || size_cells > 2)
        return false;
    uint32_t entry = address_cells + size_cells;

    if ((uint64_t)length / sizeof(fdt32_t) < (uint64_t)entry * (index + 1))
        return false;
    reg += (size_t)entry * index;
    range->base = cells(reg, address_cells);
    range->size = cells(reg + address_cells, size_cells);
    return true;
}

/* The entries of `reg` from that one on are nobody's: whether there are any. */
static bool keep_rest(struct reader *reader, int node, int parent, unsigned int index)
{
    struct topology *topology = reader->topology;
    struct topology_range range;
    unsigned int first = index;

    for (; read_reg(reader->tree, node, parent, index, &range); index++) {
        if (topology->rest_count < TOPOLOGY_REST)
            topology->rest[topology->rest_count++] = range;
        else
            topology->has_more_rest = true;
    }
    return index != first;
}

bool fdt_range(const void *tree, int node, unsigned int index, struct topology_range *range)
{
    return read_reg(tree, node, fdt_parent_offset(tree, node), index, range);
}

static bool add_range(struct reader *reader, int node, struct topology_range *array,
                      uint32_t *count, struct topology_range range)
{
    if (!range_valid(range.base, range.size))
        return range.size == 0 ? true : refuse(reader, node, "reg wraps around");
    if (*count == TOPOLOGY_RANGES)
        return refuse(reader, node, "more memory ranges than the hypervisor keeps");
    array[(*count)++] = range;
    return true;
}

static bool read_memory(struct reader *reader, int node, int parent, bool reserved)
{
    struct topology *topology = reader->topology;
    struct topology_range range;

    for (unsigned int i = 0; read_reg(reader->tree, node, parent, i, &range); i++) {
        if (!add_range(reader, node, reserved ? topology->reserved : topology->memory,
                       reserved ? &topology->reserved_count : &topology->memory_count, range))
            return false;
    }
    return true;
}

static bool read_cpu(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    int length;
    const fdt32_t *reg = fdt_getprop(reader->tree, node, "reg", &length);
    uint32_t address_cells = child_address_cells(reader->tree, parent);

    if (address_cells > 2 || length < (int)(address_cells * sizeof(fdt32_t)))
        return refuse(reader, node, "a cpu node without reg");
    /* CPUs beyond the array stay off: nothing of the machine is lost by not using them. */
    if (topology->cpu_count < TOPOLOGY_CPUS)
        topology->cpu[topology->cpu_count++].affinity = cells(reg, address_cells);
    return true;
}

static bool read_iommu(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    const void *tree = reader->tree;
    struct topology_iommu *iommu;

    if (topology->iommu_count == TOPOLOGY_IOMMUS)
        return refuse(reader, node, "more IOMMUs than the hypervisor keeps");
    iommu = &topology->iommu[topology->iommu_count];
    if (!read_reg(tree, node, parent, 0, &iommu->registers))
        return refuse(reader, node, "an IOMMU without reg");
    if (iommu->registers.size < IOMMU_REGISTERS)
        return refuse(reader, node, "an IOMMU whose reg does not cover its registers");
    if (fdt_get_path(tree, node, iommu->name, TOPOLOGY_NAME) != 0)
        return refuse(reader, node, "a node path that is too long");
    copy_text(iommu->compatible, "arm,smmu-v3");
    iommu->event_interrupt = fdt_interrupt_named(tree, node, "eventq");
    iommu->error_interrupt = fdt_interrupt_named(tree, node, "gerror");
    iommu->handle = fdt_get_phandle(tree, node);
    iommu->coherent = fdt_getprop(tree, node, "dma-coherent", NULL) != NULL;
    iommu->disabled = is_off(reader, node);
    topology->iommu_count++;
    keep_rest(reader, node, parent, 1);
    return true;
}

static uint32_t cell_count(const void *tree, int node, const char *name)
{
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &length);

    return cell != NULL && length == (int)sizeof(*cell) ? fdt32_ld(cell) : 0;
}

static bool read_gic(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    uint32_t count = 0;
    int length;
    const fdt32_t *stride = fdt_getprop(reader->tree, node, "redistributor-stride", &length);

    if (topology->gicv3)
        return refuse(reader, node, "a second interrupt controller");
    while (count < TOPOLOGY_GIC_RANGES &&
           read_reg(reader->tree, node, parent, count, &topology->gic_range[count]))
        count++;
    topology->gic_range_count = count;
    keep_rest(reader, node, parent, count);
    topology->gic_redistributors = (uint32_t)max_u64(
        cell_count(reader->tree, node, "#redistributor-regions"), 1);
    if (topology->gic_redistributors >= count)
        return refuse(reader, node, "a GICv3 without its register ranges");
    if (stride != NULL && length <= (int)(2 * sizeof(*stride)))
        topology->gic_stride = cells(stride, (uint32_t)length / sizeof(*stride));
    if (stride != NULL && (topology->gic_stride < GIC_FRAMES || topology->gic_stride > UINT32_MAX ||
                           !is_aligned(topology->gic_stride, GIC_FRAME)))
        return refuse(reader, node, "a redistributor-stride that is none");
    topology->gicv3 = true;
    return true;
}

/* False: one that cannot be used, or that nothing can name. */
static bool read_its(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    struct topology_its *its = &topology->its[topology->its_count];

    if (!has_compatible(reader->tree, node, "arm,gic-v3-its") ||
        topology->its_count == TOPOLOGY_ITS ||
        !read_reg(reader->tree, node, parent, 0, &its->registers) ||
        !topology_its_fits(its->registers) ||
        fdt_get_path(reader->tree, node, its->name, TOPOLOGY_NAME) != 0)
        return false;
    its->handle = fdt_get_phandle(reader->tree, node);
    if (its->handle == 0)
        return false;
    topology->its_count++;
    keep_rest(reader, node, parent, 1);
    return true;
}

static void read_psci(struct reader *reader, int node)
{
    const char *method = fdt_getprop(reader->tree, node, "method", NULL);

    reader->topology->psci = true;
    reader->topology->psci_smc = method != NULL && strcmp(method, "smc") == 0;
}

static bool read_windows(struct reader *reader, int node, int parent,
                         struct topology_pci_host *host)
{
    const void *tree = reader->tree;
    /* One or two: the host's reg was read by them. */
    uint32_t parent_cells = child_address_cells(tree, parent);
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, "ranges", &length);
    int entry = 3 + (int)parent_cells + 2;

    if (cell == NULL)
        return refuse(reader, node, "a PCI host without ranges");
    for (int left = length / (int)sizeof(fdt32_t); left >= entry; left -= entry, cell += entry) {
        uint64_t flags = fdt32_ld(cell);
        uint64_t space = FIELD_GET(PCI_CELL_SPACE, flags);

        if (space != PCI_CELL_SPACE_MEMORY32 && space != PCI_CELL_SPACE_MEMORY64)
            continue;
        if (host->window_count == TOPOLOGY_PCI_WINDOWS)
            return refuse(reader, node, "more PCI windows than the hypervisor keeps");
        struct topology_pci_window *window = &host->window[host->window_count++];

        window->pci_base = cells(cell + 1, 2);
        window->cpu_base = cells(cell + 3, parent_cells);
        window->size = cells(cell + 3 + parent_cells, 2);
        window->wide = space == PCI_CELL_SPACE_MEMORY64;
        window->prefetchable = (flags & PCI_CELL_PREFETCHABLE) != 0;
        if (!range_valid(window->pci_base, window->size) ||
            !range_valid(window->cpu_base, window->size))
            return refuse(reader, node, "a PCI window that is empty or wraps around");
    }
    return true;
}

static bool read_pci_host(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    const void *tree = reader->tree;
    struct topology_pci_host *host;
    int length;

    if (topology->host_count == TOPOLOGY_PCI_HOSTS)
        return refuse(reader, node, "more PCI hosts than the hypervisor keeps");
    host = &topology->host[topology->host_count];
    if (!read_reg(tree, node, parent, 0, &host->ecam))
        return refuse(reader, node, "a PCI host without reg");
    if (fdt_get_path(tree, node, host->name, TOPOLOGY_NAME) != 0)
        return refuse(reader, node, "a node path that is too long");
    const fdt32_t *bus = fdt_getprop(tree, node, "bus-range", &length);
    uint64_t first = 0, last = 255;

    if (length >= 2 * (int)sizeof(fdt32_t)) {
        first = fdt32_ld(bus);
        last = fdt32_ld(bus + 1);
    }
    /* The configuration space of a bus is 1 MiB (PCI Express 7.2.2). */
    last = min_u64(last, first + (host->ecam.size >> 20) - 1);
    if (last > 255 || first > last || host->ecam.size < BIT(20))
        return refuse(reader, node, "a bus-range that its reg does not cover");
    host->bus_first = (uint8_t)first;
    host->bus_last = (uint8_t)last;
    const fdt32_t *domain = fdt_getprop(tree, node, "linux,pci-domain", &length);

    host->segment = length == (int)sizeof(fdt32_t) ? fdt32_ld(domain) : topology->host_count;
    topology->host_count++;
    keep_rest(reader, node, parent, 1);
    return read_windows(reader, node, parent, host);
}

/* Whether there is room for one more block, and the survey does not pass it over. */
static bool block_is_kept(const struct reader *reader)
{
    if (reader->survey != NULL && reader->survey->blocks++ < reader->survey->skip)
        return false;
    return reader->topology->block_count < TOPOLOGY_BLOCKS;
}

static void read_block(struct reader *reader, int node, int parent)
{
    struct topology *topology = reader->topology;
    const void *tree = reader->tree;
    struct topology_block block = { 0 };
    static const char *const infrastructure[] = { "interrupt-controller", "msi-controller",
                                                  "#iommu-cells", "iommu-map", "msi-map" };
    int length;

    while (
        block.register_count < TOPOLOGY_REGISTERS &&
        read_reg(tree, node, parent, block.register_count, &block.registers[block.register_count]))
        block.register_count++;
    /* What is not kept cannot be assigned, and is in nobody's stage 2. */
    if (block.register_count == 0) {
        leave_out(reader, node, "has no registers with addresses of the machine");
        return;
    }
    if (fdt_get_path(tree, node, block.name, TOPOLOGY_NAME) != 0) {
        leave_out(reader, node, "has a node path that is longer than the hypervisor keeps");
        keep_rest(reader, node, parent, 0);
        return;
    }
    if (!block_is_kept(reader))
        return;
    block.has_more = keep_rest(reader, node, parent, block.register_count);
    copy_text(block.compatible, fdt_stringlist_get(tree, node, "compatible", 0, &length));
    block.masters = fdt_getprop(tree, node, "iommus", NULL) != NULL;
    for (size_t i = 0; i < ARRAY_LENGTH(infrastructure); i++)
        block.infrastructure |= fdt_getprop(tree, node, infrastructure[i], NULL) != NULL;
    topology->block[topology->block_count++] = block;
}

/* A bus whose children's addresses are those of its parent: it says so by empty ranges, or by ranges that lead
 * each to itself. */
static bool is_plain_bus(const void *tree, int node, int parent)
{
    uint32_t own_cells = child_address_cells(tree, node);
    uint32_t parent_cells = child_address_cells(tree, parent);
    uint32_t size_cells = fdt_child_cells(tree, node, "#size-cells", 1);
    int length;
    const fdt32_t *cell = fdt_getprop(tree, node, "ranges", &length);

    if (cell == NULL || length == 0)
        return cell != NULL;
    if (own_cells > 2 || parent_cells > 2 || size_cells > 2)
        return false;
    uint32_t left = (uint32_t)length / sizeof(*cell), entry = own_cells + parent_cells + size_cells;

    for (; left >= entry; left -= entry, cell += entry) {
        if (cells(cell, own_cells) != cells(cell + own_cells, parent_cells))
            return false;
    }
    return left == 0;
}

/* What the hypervisor itself programs must be where its reg says. */
static bool need_plain(struct reader *reader, int node)
{
    return reader->plain ||
           refuse(reader, node, "stands on a bus that translates addresses: not supported");
}

static bool read_node(struct reader *reader, int node, int parent)
{
    const void *tree = reader->tree;
    const char *type = fdt_getprop(tree, node, "device_type", NULL);
    const char *parent_name = fdt_get_name(tree, parent, NULL);

    if (strcmp(parent_name, "reserved-memory") == 0)
        return read_memory(reader, node, parent, true);
    /* What is not enabled is secure memory, or is not there. */
    if (type != NULL && strcmp(type, "memory") == 0)
        return is_off(reader, node) || read_memory(reader, node, parent, false);
    if (type != NULL && strcmp(type, "cpu") == 0)
        return is_off(reader, node) || read_cpu(reader, node, parent);
    if (has_compatible(tree, node, "arm,psci-0.2") || has_compatible(tree, node, "arm,psci-1.0")) {
        read_psci(reader, node);
        return true;
    }
    /* A disabled IOMMU is an IOMMU all the same: it must be closed. */
    if (has_compatible(tree, node, "arm,smmu-v3"))
        return need_plain(reader, node) && read_iommu(reader, node, parent);
    if (is_off(reader, node))
        return true;
    fdt_note_master(tree, node, parent, reader->topology);
    if (has_compatible(tree, node, "arm,gic-v3"))
        return need_plain(reader, node) && read_gic(reader, node, parent);
    if (has_compatible(tree, node, "pci-host-ecam-generic"))
        return need_plain(reader, node) && read_pci_host(reader, node, parent);
    if (fdt_getprop(tree, node, "compatible", NULL) == NULL)
        return true;
    if (!reader->plain)
        leave_out(reader, node, "stands on a bus that translates addresses");
    else if (!read_its(reader, node, parent))
        read_block(reader, node, parent);
    return true;
}

static bool read_iommu_map(struct reader *reader, struct topology_pci_host *host)
{
    const char *reason = fdt_read_iommu_map(reader->tree, reader->topology, host);

    return reason == NULL || refuse(reader, fdt_path_offset(reader->tree, host->name), reason);
}

/* iommus: <phandle, stream> each. What is wrong with them concerns this node alone: NULL, or why it cannot be
 * assigned. */
static const char *read_streams(const struct reader *reader, struct topology_block *block)
{
    const void *tree = reader->tree;
    int length;
    const fdt32_t *cell = fdt_getprop(tree, fdt_path_offset(tree, block->name), "iommus", &length);

    if (length <= 0 || length % (int)(2 * sizeof(fdt32_t)) != 0)
        return "has iommus that are no pairs of an IOMMU and a stream id";
    for (int left = length / (int)sizeof(fdt32_t); left != 0; left -= 2, cell += 2) {
        uint32_t iommu = fdt_find_iommu(reader->topology, fdt32_ld(cell));

        if (iommu == IOMMU_NONE)
            return "masters behind an IOMMU that is not in the tree";
        const char *refusal = topology_add_stream(block, iommu, fdt32_ld(cell + 1));

        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}

static bool read_chosen(struct reader *reader)
{
    struct topology *topology = reader->topology;
    const void *tree = reader->tree;
    int length, node = fdt_path_offset(tree, "/chosen");

    if (node < 0)
        return true;
    const fdt32_t *start = fdt_getprop(tree, node, "linux,initrd-start", &length);

    if (length == 4 || length == 8) {
        topology->initrd.base = cells(start, (uint32_t)length / 4);
        const fdt32_t *end = fdt_getprop(tree, node, "linux,initrd-end", &length);
        uint64_t last = length == 4 || length == 8 ? cells(end, (uint32_t)length / 4) : 0;

        if (last <= topology->initrd.base)
            return refuse(reader, node, "linux,initrd-end is missing or not behind -start");
        topology->initrd.size = last - topology->initrd.base;
    }
    const char *path = fdt_getprop(tree, node, "stdout-path", &length);

    if (length <= 0)
        return true;
    const char *colon = memchr(path, ':', (size_t)length);
    int serial = fdt_path_offset_namelen(tree, path,
                                         (int)(colon != NULL ? colon - path : length - 1));

    if (serial < 0)
        return true;
    int parent = fdt_parent_offset(tree, serial);

    if (read_reg(tree, serial, parent, 0, &topology->serial)) {
        copy_text(topology->serial_compatible,
                  fdt_stringlist_get(tree, serial, "compatible", 0, &length));
        topology->serial_interrupt = fdt_interrupt(tree, serial, 0);
    }
    return true;
}

static bool read_reservations(struct reader *reader)
{
    int count = fdt_num_mem_rsv(reader->tree);

    for (int i = 0; i < count; i++) {
        struct topology_range range;

        if (fdt_get_mem_rsv(reader->tree, i, &range.base, &range.size) != 0)
            return refuse(reader, -1, "the memory reservation block is corrupt");
        if (!add_range(reader, -1, reader->topology->reserved, &reader->topology->reserved_count,
                       range))
            return false;
    }
    return true;
}

/* All nodes, parents first. False: refused, and not a survey. */
static bool read_nodes(struct reader *reader, struct fdt_controller *controller)
{
    struct topology *topology = reader->topology;
    const void *tree = reader->tree;
    int parents[TREE_DEPTH] = { 0 };
    bool plain[TREE_DEPTH] = { true }, off[TREE_DEPTH] = { false };
    uint32_t controllers[TREE_DEPTH];
    int depth = 0;

    controllers[0] = fdt_take_lines(controller, 0, 0, true, topology);
    for (int node = fdt_next_node(tree, 0, &depth); node >= 0 && depth >= 1;
         node = fdt_next_node(tree, node, &depth)) {
        if (depth >= TREE_DEPTH) {
            refuse(reader, node, "nodes are nested too deeply");
            if (reader->survey == NULL)
                return false;
            continue;
        }
        parents[depth] = node;
        plain[depth] = plain[depth - 1] && is_plain_bus(tree, node, parents[depth - 1]);
        off[depth] = off[depth - 1] || is_disabled(tree, node);
        reader->plain = plain[depth - 1];
        reader->off = off[depth - 1];
        uint32_t hosts = topology->host_count;

        if (!read_node(reader, node, parents[depth - 1]) && reader->survey == NULL)
            return false;
        /* The map of a host's pins is not the host's own. */
        controllers[depth] = fdt_take_lines(controller, node, controllers[depth - 1],
                                            topology->host_count == hosts, topology);
    }
    return true;
}

static bool read_tree(struct reader *reader)
{
    struct topology *topology = reader->topology;
    struct fdt_controller controller = { .tree = reader->tree };

    memset(topology, 0, sizeof(*topology));
    topology->serial_interrupt = INTERRUPT_NONE;
    if (!read_nodes(reader, &controller))
        return false;
    for (uint32_t i = 0; i < topology->host_count; i++) {
        if (!read_iommu_map(reader, &topology->host[i]) && reader->survey == NULL)
            return false;
        fdt_read_msi_map(reader->tree, topology, &topology->host[i]);
        fdt_read_interrupt_map(&controller, &topology->host[i]);
    }
    for (uint32_t i = 0; i < topology->block_count; i++) {
        struct topology_block *block = &topology->block[i];

        if (block->masters)
            block->streams_refusal = read_streams(reader, block);
        if (block->masters && block->streams_refusal == NULL)
            block->streams_refusal = fdt_read_firmware(reader->tree, topology, block);
    }
    return (read_chosen(reader) || reader->survey != NULL) && read_reservations(reader);
}

bool fdt_read_topology(const void *tree, struct topology *topology, struct topology_error *error)
{
    struct reader reader = { .tree = tree, .topology = topology, .error = error };

    error->text = NULL;
    return read_tree(&reader);
}

void fdt_survey_topology(const void *tree, struct topology *topology, struct fdt_survey *survey)
{
    struct topology_error error;
    struct reader reader = {
        .tree = tree, .topology = topology, .error = &error, .survey = survey
    };

    survey->blocks = 0;
    (void)read_tree(&reader);
}
