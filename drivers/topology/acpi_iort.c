/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IORT (Arm DEN0049): nodes with id mappings, which name the node they lead to by its offset. A master
 * leads to a unit or to an ITS, a unit to an ITS and to nothing else: a reference may point forward, but no
 * path is longer than two, and none comes back.
 */
#include "drivers/topology/acpi_tables.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

#define IORT_NODES 36, 4
#define IORT_FIRST 40, 4
#define IORT_SIZE 48

/* Every node. */
#define NODE_TYPE 0, 1
#define NODE_LENGTH 1, 2
#define NODE_MAPS 8, 4
#define NODE_MAP_OFFSET 12, 4
#define NODE_SIZE 16

enum node_type {
    NODE_ITS_GROUP,
    NODE_COMPONENT,
    NODE_ROOT_COMPLEX,
    NODE_SMMU,
    NODE_SMMUV3,
    NODE_COUNTERS,
    NODE_RESERVED_MEMORY,
    NODE_TYPES,
    NODE_NONE = -1
};

#define GROUP_COUNT 16, 4
#define GROUP_FIRST 20, 4 /* the id that the MADT has for an ITS; any of a group's will do */
#define GROUP_SIZE 24     /* of one that has a member */

#define SMMUV3_BASE 16, 8
#define SMMUV3_FLAGS 24, 4
#define SMMUV3_COHERENT BIT(0)
#define SMMUV3_MODEL 40, 4
#define SMMUV3_EVENT 44, 4
#define SMMUV3_PRI 48, 4
#define SMMUV3_ERROR 52, 4
#define SMMUV3_SYNC 56, 4
#define SMMUV3_SIZE 60
#define SMMUV3_REGISTERS 0x20000 /* two pages of 64 KiB (IHI 0070 6.1) */

#define ROOT_SEGMENT 28, 4
#define ROOT_SIZE 32

#define RESERVED_RANGES 20, 4
#define RESERVED_OFFSET 24, 4
#define RESERVED_SIZE 28
#define RANGE_BASE 0, 8
#define RANGE_LENGTH 8, 8
#define RANGE_SIZE 20

#define COMPONENT_NAME 29
#define COMPONENT_SIZE 30

/* An id mapping. */
#define MAP_INPUT 0, 4
#define MAP_COUNT 4, 4 /* less one */
#define MAP_OUTPUT 8, 4
#define MAP_REFERENCE 12, 4
#define MAP_FLAGS 16, 4
#define MAP_SINGLE BIT(0) /* whatever comes in, the output is one id */
#define MAP_SIZE 20

#define REQUESTERS 0x10000 /* of a segment */

struct iort {
    const struct acpi_table *table;
    uint32_t first, count;
    struct topology *topology;
    struct topology_error *error;
};

struct map {
    uint64_t first, count, output;
    uint64_t reference;
    bool single;
};

static bool refuse(const struct iort *iort, uint32_t node, const char *text)
{
    return acpi_refuse(iort->error, iort->table, node, text);
}

/* The nodes of a table that was checked are there as they say. */
static const uint8_t *node_at(const struct iort *iort, uint32_t node)
{
    return iort->table->bytes + node;
}

static uint32_t next_node(const struct iort *iort, uint32_t node)
{
    return node + (uint32_t)acpi_field(node_at(iort, node), NODE_LENGTH);
}

static uint32_t map_count(const struct iort *iort, uint32_t node)
{
    return (uint32_t)acpi_field(node_at(iort, node), NODE_MAPS);
}

static struct map map_at(const struct iort *iort, uint32_t node, uint32_t index)
{
    const uint8_t *bytes = node_at(iort, node);
    const uint8_t *map = bytes + acpi_field(bytes, NODE_MAP_OFFSET) + (size_t)index * MAP_SIZE;

    return (struct map){ .first = acpi_field(map, MAP_INPUT),
                         .count = acpi_field(map, MAP_COUNT) + 1,
                         .output = acpi_field(map, MAP_OUTPUT),
                         .reference = acpi_field(map, MAP_REFERENCE),
                         .single = (acpi_field(map, MAP_FLAGS) & MAP_SINGLE) != 0 };
}

/* ---- Checks ---------------------------------------------------------------------------------------- */

static bool check_node(const struct iort *iort, uint32_t node)
{
    static const uint8_t sizes[NODE_TYPES] = { [NODE_COMPONENT] = COMPONENT_SIZE,
                                               [NODE_ROOT_COMPLEX] = ROOT_SIZE,
                                               [NODE_SMMUV3] = SMMUV3_SIZE,
                                               [NODE_RESERVED_MEMORY] = RESERVED_SIZE };
    uint32_t left = iort->table->length - node;
    const uint8_t *bytes = node_at(iort, node);
    uint64_t length = left < NODE_SIZE ? 0 : acpi_field(bytes, NODE_LENGTH);

    if (length < NODE_SIZE || length > left)
        return refuse(iort, node, "a node that is cut off");
    uint64_t type = acpi_field(bytes, NODE_TYPE), maps = acpi_field(bytes, NODE_MAPS);
    uint64_t offset = acpi_field(bytes, NODE_MAP_OFFSET);

    if (type < NODE_TYPES && length < sizes[type])
        return refuse(iort, node, "a node that is shorter than its kind");
    if (maps != 0 && (offset < NODE_SIZE || offset > length || maps > (length - offset) / MAP_SIZE))
        return refuse(iort, node, "id mappings that do not lie in their node");
    return true;
}

/* What stands at the offset: a node's type, or NODE_NONE. */
static int type_at(const struct iort *iort, uint64_t offset)
{
    uint32_t node = iort->first;

    for (uint32_t i = 0; i < iort->count; i++, node = next_node(iort, node)) {
        if (node == offset)
            return (int)acpi_field(node_at(iort, node), NODE_TYPE);
    }
    return NODE_NONE;
}

static bool is_iommu(int type)
{
    return type == NODE_SMMU || type == NODE_SMMUV3;
}

static bool check_references(const struct iort *iort, uint32_t node)
{
    int type = (int)acpi_field(node_at(iort, node), NODE_TYPE);

    if (type >= NODE_TYPES)
        return true; /* of a later edition; nobody may lead to it */
    for (uint32_t i = 0; i < map_count(iort, node); i++) {
        int target = type_at(iort, map_at(iort, node, i).reference);

        if (type == NODE_ITS_GROUP ||
            (target != NODE_ITS_GROUP && (is_iommu(type) || !is_iommu(target))))
            return refuse(iort, node, "an id mapping that leads to no IOMMU and to no ITS");
    }
    return true;
}

typedef bool (*visitor)(const struct iort *iort, uint32_t node);

/* Visits the nodes of a type; of a table that was checked. */
static bool each_node(const struct iort *iort, int type, visitor visit)
{
    uint32_t node = iort->first;

    for (uint32_t i = 0; i < iort->count; i++, node = next_node(iort, node)) {
        if ((type == NODE_NONE || (int)acpi_field(node_at(iort, node), NODE_TYPE) == type) &&
            !visit(iort, node))
            return false;
    }
    return true;
}

static bool check_table(const struct iort *iort)
{
    uint32_t node = iort->first;

    if (iort->first < IORT_SIZE && iort->count != 0)
        return refuse(iort, node, "nodes that begin in the header");
    for (uint32_t i = 0; i < iort->count; i++, node = next_node(iort, node)) {
        if (node >= iort->table->length)
            return refuse(iort, node, "fewer nodes than the table counts");
        if (!check_node(iort, node))
            return false;
    }
    return each_node(iort, NODE_NONE, check_references);
}

/* ---- Units ------------------------------------------------------------------------------------------- */

/* The unit with those registers, a new one where there is none; NULL: it does not fit. */
static struct topology_iommu *unit_at(struct topology *topology, uint64_t base)
{
    struct topology_iommu *unit = topology->iommu;
    const struct topology_iommu *end = unit + topology->iommu_count;

    while (unit < end && unit->registers.base != base)
        unit++;
    if (topology->iommu_count == TOPOLOGY_IOMMUS && unit == end)
        return NULL;
    if (unit == end) {
        *unit = (struct topology_iommu){ .registers = { base, SMMUV3_REGISTERS } };
        format(unit->name, sizeof(unit->name), "IORT/smmuv3@%lx", base);
        format(unit->compatible, sizeof(unit->compatible), "arm,smmu-v3");
        topology->iommu_count++;
    }
    return unit;
}

static bool visit_unit(const struct iort *iort, uint32_t node)
{
    struct topology *topology = iort->topology;
    const uint8_t *bytes = node_at(iort, node);
    uint64_t base = acpi_field(bytes, SMMUV3_BASE);

    if (base == 0 || !is_aligned(base, PAGE_SIZE) || !range_valid(base, SMMUV3_REGISTERS))
        return refuse(iort, node, "an SMMUv3 whose registers are nowhere");
    if (acpi_field(bytes, SMMUV3_MODEL) != 0)
        return refuse(iort, node, "an SMMUv3 of a model that is not as the architecture says");
    struct topology_iommu *unit = unit_at(topology, base);

    if (unit == NULL)
        return refuse(iort, node, "more IOMMUs than the hypervisor keeps");
    if (unit->handle != 0)
        return refuse(iort, node, "a second node for one SMMUv3");
    unit->handle = node;
    unit->event_interrupt = acpi_take_line(topology, acpi_field(bytes, SMMUV3_EVENT));
    unit->error_interrupt = acpi_take_line(topology, acpi_field(bytes, SMMUV3_ERROR));
    acpi_take_line(topology, acpi_field(bytes, SMMUV3_PRI));
    acpi_take_line(topology, acpi_field(bytes, SMMUV3_SYNC));
    unit->coherent = (acpi_field(bytes, SMMUV3_FLAGS) & SMMUV3_COHERENT) != 0;
    return true;
}

/* The unit that the mapping leads to; IOMMU_NONE: it leads past all units. One that only the tree names has
 * the handle 0, where no node stands. */
static uint32_t unit_of(const struct iort *iort, const struct map *map)
{
    for (uint32_t i = 0; i < iort->topology->iommu_count; i++) {
        if (iort->topology->iommu[i].handle == map->reference)
            return i;
    }
    return IOMMU_NONE;
}

/* ---- Masters ------------------------------------------------------------------------------------------ */

/* Whether an earlier mapping of the segment, of any root complex, has one of the ids too: then nobody knows
 * which unit, if any, is in front of it. */
static bool is_mapped_before(const struct iort *iort, uint32_t end_node, uint32_t end_index,
                             const struct map *map)
{
    uint64_t segment = acpi_field(node_at(iort, end_node), ROOT_SEGMENT);

    for (uint32_t node = iort->first; node <= end_node; node = next_node(iort, node)) {
        const uint8_t *bytes = node_at(iort, node);

        if (acpi_field(bytes, NODE_TYPE) != NODE_ROOT_COMPLEX ||
            acpi_field(bytes, ROOT_SEGMENT) != segment)
            continue;
        for (uint32_t i = 0; i < (node == end_node ? end_index : map_count(iort, node)); i++) {
            struct map other = map_at(iort, node, i);

            if (range_overlaps(map->first, map->count, other.first, other.count))
                return true;
        }
    }
    return false;
}

/* Adds what the mapping says of the host's own buses to its maps, of which there are *count. A stretch that
 * goes on where the last one ended is the same stretch. False: there is no room. */
static bool add_map(const struct topology_pci_host *host, const struct map *map, uint32_t target,
                    struct topology_id_map maps[TOPOLOGY_ID_MAPS], uint32_t *count)
{
    uint64_t first = max_u64(map->first, (uint64_t)host->bus_first << 8);
    uint64_t end = min_u64(map->first + map->count, ((uint64_t)host->bus_last + 1) << 8);
    uint64_t id = map->output + (first - map->first);
    struct topology_id_map *last = *count != 0 ? &maps[*count - 1] : NULL;

    if (first >= end)
        return true;
    if (last != NULL && last->iommu == target && last->first + last->count == first &&
        (uint64_t)last->stream + last->count == id) {
        last->count += (uint32_t)(end - first);
        return true;
    }
    if (*count == TOPOLOGY_ID_MAPS)
        return false;
    maps[(*count)++] = (struct topology_id_map){ .first = (uint32_t)first,
                                                 .count = (uint32_t)(end - first),
                                                 .iommu = target,
                                                 .stream = (uint32_t)id };
    return true;
}

static const char *read_root_map(const struct iort *iort, uint32_t node, uint32_t index)
{
    struct topology *topology = iort->topology;
    uint64_t segment = acpi_field(node_at(iort, node), ROOT_SEGMENT);
    struct map map = map_at(iort, node, index);

    if (map.single)
        return "a single mapping of a root complex, which merges requester ids: not supported";
    if (map.first + map.count > REQUESTERS || map.output + map.count - 1 > UINT32_MAX)
        return "an id mapping that is out of range";
    if (is_mapped_before(iort, node, index, &map))
        return "id mappings that overlap";
    if (type_at(iort, map.reference) == NODE_SMMU)
        return "an id mapping that leads to an IOMMU that cannot be closed";
    uint32_t unit = unit_of(iort, &map);

    for (uint32_t h = 0; unit != IOMMU_NONE && h < topology->host_count; h++) {
        struct topology_pci_host *host = &topology->host[h];

        if (host->segment == segment && !add_map(host, &map, unit, host->map, &host->map_count))
            return "more id mappings than the hypervisor keeps";
    }
    return NULL;
}

static bool visit_root(const struct iort *iort, uint32_t node)
{
    for (uint32_t i = 0; i < map_count(iort, node); i++) {
        const char *reason = read_root_map(iort, node, i);

        if (reason != NULL)
            return refuse(iort, node, reason);
    }
    return true;
}

/* ---- Messages ------------------------------------------------------------------------------------------ */

/* The ITS of a group; ITS_NONE: there is none that is known. */
static uint32_t its_of(const struct iort *iort, uint64_t group)
{
    const uint8_t *bytes = node_at(iort, (uint32_t)group);

    if (acpi_field(bytes, NODE_LENGTH) < GROUP_SIZE || acpi_field(bytes, GROUP_COUNT) == 0)
        return ITS_NONE;
    for (uint32_t i = 0; i < iort->topology->its_count; i++) {
        if (iort->topology->its[i].handle == acpi_field(bytes, GROUP_FIRST))
            return i;
    }
    return ITS_NONE;
}

/* Adds where messages of the stretch come to an ITS. False: they are no ids, or others had one of the
 * stretch's, or there is no room. */
static bool add_messages(const struct iort *iort, struct topology_pci_host *host,
                         const struct map *map)
{
    uint32_t its = its_of(iort, map->reference);

    if (its == ITS_NONE)
        return true;
    for (uint32_t i = 0; i < host->msi_map_count; i++) {
        if (range_overlaps(map->first, map->count, host->msi_map[i].first, host->msi_map[i].count))
            return false;
    }
    return map->output + map->count - 1 <= UINT32_MAX &&
           add_map(host, map, its, host->msi_map, &host->msi_map_count);
}

/* Messages are accesses: what comes to a unit as a stream goes on from there to where the unit's own mappings
 * lead that stream. Its single mapping is for messages of the unit itself. */
static bool add_messages_behind(const struct iort *iort, struct topology_pci_host *host,
                                const struct map *map)
{
    uint32_t unit = (uint32_t)map->reference;

    for (uint32_t i = 0; i < map_count(iort, unit); i++) {
        struct map on = map_at(iort, unit, i);
        uint64_t first = max_u64(map->output, on.first);
        uint64_t end = min_u64(map->output + map->count, on.first + on.count);
        const struct map part = { .first = map->first + (first - map->output),
                                  .count = end - first,
                                  .output = on.output + (first - on.first),
                                  .reference = on.reference };

        if (!on.single && first < end && !add_messages(iort, host, &part))
            return false;
    }
    return true;
}

static bool read_messages(const struct iort *iort, struct topology_pci_host *host)
{
    uint32_t node = iort->first;

    for (uint32_t n = 0; n < iort->count; n++, node = next_node(iort, node)) {
        const uint8_t *bytes = node_at(iort, node);

        if (acpi_field(bytes, NODE_TYPE) != NODE_ROOT_COMPLEX ||
            acpi_field(bytes, ROOT_SEGMENT) != host->segment)
            continue;
        for (uint32_t i = 0; i < map_count(iort, node); i++) {
            struct map map = map_at(iort, node, i);

            if (type_at(iort, map.reference) == NODE_ITS_GROUP
                    ? !add_messages(iort, host, &map)
                    : !add_messages_behind(iort, host, &map))
                return false;
        }
    }
    return true;
}

/* Devices work without messages. */
static void read_all_messages(const struct iort *iort)
{
    for (uint32_t i = 0; i < iort->topology->host_count; i++) {
        struct topology_pci_host *host = &iort->topology->host[i];

        if (read_messages(iort, host))
            continue;
        host->msi_map_count = 0;
        log_warning("%s: mappings to its ITS overlap or are too many: no MSI behind it",
                    host->name);
    }
}

/* ---- Components ---------------------------------------------------------------------------------------- */

/* What is wrong with the mappings of one component concerns it alone: NULL, or why it cannot be assigned. */
static const char *read_streams(const struct iort *iort, uint32_t node,
                                struct topology_block *block)
{
    const char *refusal = NULL;

    for (uint32_t i = 0; refusal == NULL && i < map_count(iort, node); i++) {
        struct map map = map_at(iort, node, i);
        uint32_t unit = unit_of(iort, &map);

        if (map.single)
            map.count = 1;
        if (type_at(iort, map.reference) == NODE_ITS_GROUP)
            continue; /* its interrupts */
        block->masters = true;
        if (unit == IOMMU_NONE)
            return "masters behind an IOMMU that is no SMMUv3";
        if (map.output + map.count - 1 > UINT32_MAX)
            return "has stream ids that are none";
        for (uint64_t id = 0; refusal == NULL && id < map.count; id++)
            refusal = topology_add_stream(block, unit, (uint32_t)(map.output + id));
    }
    return refusal;
}

static bool is_printable(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return false;
    }
    return true;
}

/* A component is a block without registers: those are told in AML. */
static bool visit_component(const struct iort *iort, uint32_t node)
{
    struct topology *topology = iort->topology;
    const uint8_t *bytes = node_at(iort, node);
    uint64_t end = acpi_field(bytes, NODE_LENGTH);

    if (map_count(iort, node) != 0)
        end = acpi_field(bytes, NODE_MAP_OFFSET);
    const char *name = (const char *)bytes + COMPONENT_NAME;
    size_t room = end > COMPONENT_NAME ? (size_t)(end - COMPONENT_NAME) : 0;
    size_t length = strnlen(name, room);

    if (length == room || length >= TOPOLOGY_NAME || !is_printable(name, length))
        return refuse(iort, node, "a component whose name is too long or is none");
    if (topology->block_count == TOPOLOGY_BLOCKS)
        return true; /* cannot be assigned */
    struct topology_block *block = &topology->block[topology->block_count++];

    *block = (struct topology_block){ .register_count = 0 };
    memcpy(block->name, name, length);
    block->streams_refusal = read_streams(iort, node, block);
    return true;
}

/* ---- Memory that firmware keeps for masters -------------------------------------------------------------- */

/* The streams that a mapping names have the memory of all ranges of the node. */
static const char *add_ranges(const struct iort *iort, uint32_t node, const struct map *map)
{
    const uint8_t *bytes = node_at(iort, node);
    uint64_t count = acpi_field(bytes, RESERVED_RANGES);
    const uint8_t *range = bytes + acpi_field(bytes, RESERVED_OFFSET);
    uint32_t unit = unit_of(iort, map);
    uint64_t streams = map->single ? 1 : map->count;

    if (unit == IOMMU_NONE)
        return "reserved memory of what stands behind no SMMUv3";
    if (map->output + streams - 1 > UINT32_MAX || streams > UINT32_MAX)
        return "an id mapping that is out of range";
    for (; count != 0; count--, range += RANGE_SIZE) {
        struct topology_range memory = { acpi_field(range, RANGE_BASE),
                                         acpi_field(range, RANGE_LENGTH) };

        if (!topology_add_firmware(iort->topology, unit, (uint32_t)map->output, (uint32_t)streams,
                                   memory))
            return "more reserved memory than the hypervisor keeps";
    }
    return NULL;
}

static bool visit_reserved(const struct iort *iort, uint32_t node)
{
    const uint8_t *bytes = node_at(iort, node);
    uint64_t length = acpi_field(bytes, NODE_LENGTH);
    uint64_t offset = acpi_field(bytes, RESERVED_OFFSET);

    if (offset < RESERVED_SIZE || offset > length ||
        acpi_field(bytes, RESERVED_RANGES) > (length - offset) / RANGE_SIZE)
        return refuse(iort, node, "ranges of reserved memory that do not lie in their node");
    for (uint32_t i = 0; i < map_count(iort, node); i++) {
        struct map map = map_at(iort, node, i);
        const char *reason = add_ranges(iort, node, &map);

        if (reason != NULL)
            return refuse(iort, node, reason);
    }
    return true;
}

/* Who stands before a host the tree may not tell, or tell otherwise: its word was the hosts' alone. */
static void note_hosts(struct topology *topology)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < topology->unprotected_count; i++) {
        if (!topology->unprotected[i].host)
            topology->unprotected[kept++] = topology->unprotected[i];
    }
    for (uint32_t i = 0; i < topology->host_count; i++) {
        struct topology_master *note = &topology->unprotected[kept];

        if (topology->host[i].map_count != 0)
            continue;
        if (kept == TOPOLOGY_MASTERS) {
            topology->unprotected_more++;
            continue;
        }
        *note = (struct topology_master){ .count = 1, .host = true, .compatible = "a PCI host" };
        format(note->name, sizeof(note->name), "%s", topology->host[i].name);
        kept++;
    }
    topology->unprotected_count = kept;
}

bool acpi_read_iort(const struct acpi_table *table, struct topology *topology,
                    struct topology_error *error)
{
    struct iort iort = { .table = table, .topology = topology, .error = error };

    if (table->length < IORT_SIZE)
        return refuse(&iort, 0, "a table that is too short for what is read of it");
    iort.count = (uint32_t)acpi_field(table->bytes, IORT_NODES);
    iort.first = (uint32_t)acpi_field(table->bytes, IORT_FIRST);
    for (uint32_t i = 0; i < topology->iommu_count; i++)
        topology->iommu[i].handle = 0;
    for (uint32_t i = 0; i < topology->host_count; i++) {
        topology->host[i].map_count = 0;
        topology->host[i].msi_map_count = 0;
    }
    if (!check_table(&iort) || !each_node(&iort, NODE_SMMUV3, visit_unit) ||
        !each_node(&iort, NODE_ROOT_COMPLEX, visit_root) ||
        !each_node(&iort, NODE_COMPONENT, visit_component) ||
        !each_node(&iort, NODE_RESERVED_MEMORY, visit_reserved))
        return false;
    read_all_messages(&iort);
    note_hosts(topology);
    return true;
}
