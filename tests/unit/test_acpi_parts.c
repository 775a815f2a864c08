/* SPDX-License-Identifier: Apache-2.0 */
/* What the MADT, the MCFG and the IORT say, one wrong or rare statement at a time. */
#include <string.h>

#include "acpi_bench.h"
#include "groups.h"

/* ---- MADT ------------------------------------------------------------------------------------------------ */

static void entry_of_one_byte(void)
{
    acpi_put(acpi_at.madt + 4, 4, acpi_at.distributor + 1 - acpi_at.madt);
}

static void entry_without_length(void)
{
    acpi_put(acpi_at.redistributor + 1, 1, 1);
}

static void entry_behind_the_end(void)
{
    acpi_put(acpi_at.its + 1, 1, 21);
}

static void short_cpu(void)
{
    acpi_put(acpi_at.madt + 4, 4, acpi_at.cpu + 75 - acpi_at.madt);
    acpi_put(acpi_at.cpu + 1, 1, 75);
}

static void second_distributor(void)
{
    acpi_put(acpi_at.cpu, 1, 12);
}

static void old_distributor(void)
{
    acpi_put(acpi_at.distributor + 20, 1, 2);
}

static void no_distributor(void)
{
    acpi_put(acpi_at.distributor, 1, 99);
}

static void distributor_at_zero(void)
{
    acpi_put(acpi_at.distributor + 8, 8, 0);
}

static void wrapping_distributor(void)
{
    acpi_put(acpi_at.distributor + 8, 8, UINT64_MAX - 0xFFFE);
}

static void empty_region(void)
{
    acpi_put(acpi_at.redistributor + 12, 4, 0);
}

static void an_interrupt_controller_that_is_wrong_in_any_way_is_refused(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_refused(NULL, entry_of_one_byte, "APIC+0x2c", "an entry that is cut off");
    expect_acpi_refused(NULL, entry_without_length, "APIC", "an entry that is cut off");
    expect_acpi_refused(NULL, entry_behind_the_end, "APIC", "an entry that is cut off");
    options.regions = 0;
    options.its = 0;
    expect_acpi_refused(&options, NULL, "APIC", "no redistributors");
    options.own_redistributors = true;
    expect_acpi_refused(&options, short_cpu, "APIC+0x44", "shorter than its kind");
    expect_acpi_refused(NULL, second_distributor, "APIC+0x44", "a second interrupt controller");
    expect_acpi_refused(NULL, old_distributor, "APIC+0x2c", "no GICv3 or GICv4");
    expect_acpi_refused(NULL, no_distributor, "APIC", "no distributor");
    expect_acpi_refused(NULL, distributor_at_zero, "APIC", "no distributor");
    expect_acpi_refused(NULL, wrapping_distributor, "APIC", "empty or wrap around");
    expect_acpi_refused(NULL, empty_region, "APIC", "empty or wrap around");
}

static void version_four(void)
{
    acpi_put(acpi_at.distributor + 20, 1, 4);
}

static void redistributors_are_regions_or_those_that_each_cpu_names(void)
{
    struct acpi_options options = acpi_plain();

    options.regions = TOPOLOGY_GIC_RANGES - 1;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.gic_redistributors, TOPOLOGY_GIC_RANGES - 1);
    options.regions = TOPOLOGY_GIC_RANGES;
    expect_acpi_refused(&options, NULL, "APIC", "more register ranges");
    options.regions = 0;
    options.own_redistributors = true;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.gic_redistributors, 4);
    assert_int_equal(acpi_found.gic_range[4].base, 0x08100000);
    assert_int_equal(acpi_found.gic_range[4].size, 0x20000);
    expect_acpi_accepted(&options, version_four);
    assert_int_equal(acpi_found.gic_range[4].size, 0x40000);
    /* Regions count where both are there. */
    options.regions = 1;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.gic_redistributors, 1);
}

static void cpu_is_off(void)
{
    acpi_put(acpi_at.cpu + 12, 4, 8); /* could come later */
    acpi_put(acpi_at.cpu + 80 + 68, 8, UINT64_C(0xFFFFFF8070605040));
}

static void cpus_are_those_that_are_enabled(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_accepted(NULL, cpu_is_off);
    assert_int_equal(acpi_found.cpu_count, 3);
    assert_int_equal(acpi_found.cpu[0].affinity, UINT64_C(0x8000605040));
    options.cpus = TOPOLOGY_CPUS + 1;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.cpu_count, TOPOLOGY_CPUS);
    options.regions = 0;
    options.own_redistributors = true;
    expect_acpi_accepted(&options, cpu_is_off);
    assert_int_equal(acpi_found.gic_redistributors, TOPOLOGY_CPUS);
}

static void cpu_interfaces(void)
{
    for (uint32_t cpu = 0; cpu < 4; cpu++) {
        acpi_put(acpi_at.cpu + 80 * cpu + 32, 8, 0x0A000000);
        acpi_put(acpi_at.cpu + 80 * cpu + 40, 8, 0x0A020000);
        acpi_put(acpi_at.cpu + 80 * cpu + 48, 8, 0x0A010000);
    }
}

static void cpu_interfaces_in_memory_are_registers_of_the_controller_once(void)
{
    expect_acpi_accepted(NULL, cpu_interfaces);
    assert_int_equal(acpi_found.gic_range_count, 5);
    assert_int_equal(acpi_found.gic_range[3].base, 0x0A010000);
    assert_int_equal(acpi_found.gic_range[3].size, 0x1000);
    assert_int_equal(acpi_found.gic_range[4].size, 0x2000);
}

static void a_frame_for_messages_is_nobodys(void)
{
    struct acpi_options options = acpi_plain();

    options.msi_frame = true;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.block_count, 1);
    assert_string_equal(acpi_found.block[0].compatible, "arm,gic-v2m-frame");
    assert_int_equal(acpi_found.block[0].registers[0].base, 0x08020000);
    assert_int_equal(acpi_found.block[0].registers[0].size, 0x1000);
    assert_true(acpi_found.block[0].infrastructure);
    /* A block of the tree that it turns out to be. */
    acpi_start = (struct topology){ .block_count = 1 };
    acpi_start.block[0].register_count = 1;
    acpi_start.block[0].registers[0].base = 0x08020000;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.block_count, 1);
    assert_true(acpi_found.block[0].infrastructure);
    acpi_start.block_count = TOPOLOGY_BLOCKS;
    acpi_start.block[0].registers[0].base = 0x1000;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.block_count, TOPOLOGY_BLOCKS);
}

/* ---- MCFG ---------------------------------------------------------------------------------------------------- */

static void backward_buses(void)
{
    acpi_put(acpi_at.mcfg + 44 + 10, 1, ECAM_BUSES);
}

static void nowhere(void)
{
    acpi_put(acpi_at.mcfg + 44, 8, 0);
}

static void wrapping_host(void)
{
    acpi_put(acpi_at.mcfg + 44, 8, UINT64_C(0xFFFFFFFFFFF00000));
}

static void last_host(void)
{
    acpi_put(acpi_at.mcfg + 44, 8, UINT64_C(0xFFFFFFFFFF000000));
}

static void late_buses(void)
{
    acpi_put(acpi_at.mcfg + 44 + 10, 2, 0x0F0E);
}

static void wrapping_late_buses(void)
{
    late_buses();
    acpi_put(acpi_at.mcfg + 44, 8, UINT64_C(0xFFFFFFFFFFF00000));
}

static void cut_host(void)
{
    acpi_put(acpi_at.mcfg + 4, 4, acpi_get(acpi_at.mcfg + 4, 4) - 1);
}

static void short_mcfg(void)
{
    acpi_put(acpi_at.mcfg + 4, 4, 40);
}

static void a_host_that_is_wrong_in_any_way_is_refused(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_refused(NULL, backward_buses, "MCFG+0x2c", "last bus is before its first");
    expect_acpi_refused(NULL, nowhere, "MCFG+0x2c", "nowhere or wraps around");
    expect_acpi_refused(NULL, wrapping_host, "MCFG+0x2c", "nowhere or wraps around");
    expect_acpi_refused(NULL, wrapping_late_buses, "MCFG+0x2c", "nowhere or wraps around");
    expect_acpi_accepted(NULL, last_host);
    expect_acpi_refused(NULL, cut_host, "MCFG", "an entry that is cut off");
    expect_acpi_refused(NULL, short_mcfg, "MCFG", "an entry that is cut off");
    options.hosts = TOPOLOGY_PCI_HOSTS;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.host[3].segment, 3);
    assert_int_equal(acpi_found.host[3].map_count, 0);
    options.hosts++;
    expect_acpi_refused(&options, NULL, "MCFG+0x6c", "more PCI hosts");
}

static void the_configuration_space_of_a_host_begins_with_its_first_bus(void)
{
    uint32_t stream;

    expect_acpi_accepted(NULL, late_buses);
    assert_int_equal(acpi_found.host[0].ecam.base, ECAM_BASE + 0xE00000);
    assert_int_equal(acpi_found.host[0].ecam.size, 0x200000);
    assert_int_equal(acpi_found.host[0].bus_first, 14);
    /* Of the maps it has what concerns its own buses. */
    assert_int_equal(acpi_found.host[0].map_count, 1);
    assert_int_equal(topology_stream(&acpi_found.host[0], 0xE00, &stream), 1);
    assert_int_equal(stream, 0x1E00);
}

static void two_hosts(uint64_t second)
{
    acpi_start = (struct topology){ .host_count = 2 };
    acpi_start.host[0] = (struct topology_pci_host){ .ecam = { ECAM_BASE, 0x700000 },
                                                     .bus_last = 6 };
    acpi_start.host[1] = (struct topology_pci_host){ .ecam = { second, 0x800000 },
                                                     .bus_first = 8,
                                                     .bus_last = 15 };
}

static void hosts_that_divide_the_buses_of_an_entry_stay_as_they_are(void)
{
    uint32_t stream;

    two_hosts(ECAM_BASE + 0x800000);
    expect_acpi_accepted(NULL, NULL);
    assert_int_equal(acpi_found.host_count, 2);
    assert_int_equal(acpi_found.host[0].map_count, 1);
    assert_int_equal(acpi_found.host[0].map[0].count, 0x700);
    assert_int_equal(topology_stream(&acpi_found.host[1], 0x800, &stream), 1);
    two_hosts(ECAM_BASE + 0x700000);
    expect_acpi_refused(NULL, NULL, "MCFG+0x2c", "not the one that was found");
    two_hosts(ECAM_BASE + 0x800000);
    acpi_start.host[1].bus_last = 16;
    expect_acpi_refused(NULL, NULL, "MCFG+0x2c", "not the one that was found");
    acpi_start.host[1].segment = 1;
    expect_acpi_accepted(NULL, NULL);
}

/* ---- IORT: nodes ------------------------------------------------------------------------------------------------ */

static void nodes_in_the_header(void)
{
    acpi_put(acpi_at.iort + 40, 4, 47);
}

static void nodes_behind_the_end(void)
{
    acpi_put(acpi_at.iort + 40, 4, 0xFFFFFFF0);
}

static void one_node_more(void)
{
    acpi_put(acpi_at.iort + 36, 4, acpi_get(acpi_at.iort + 36, 4) + 1);
}

static void node_without_length(void)
{
    acpi_put(acpi_at.root_node + 1, 2, 0);
}

static void node_behind_the_end(void)
{
    acpi_put(acpi_at.root_node + 1, 2, acpi_get(acpi_at.root_node + 1, 2) + 1);
}

static void short_unit(void)
{
    acpi_put(acpi_at.its_node, 1, 4); /* the ITS group is 24 bytes */
}

static void maps_in_the_header(void)
{
    acpi_put(acpi_at.root_node + 12, 4, 15);
}

static void maps_behind_the_node(void)
{
    acpi_put(acpi_at.root_node + 12, 4, acpi_get(acpi_at.root_node + 12, 4) + 1);
}

static void maps_far_behind(void)
{
    acpi_put(acpi_at.root_node + 12, 4, 0xFFFFFFFF);
}

static void too_many_maps(void)
{
    acpi_put(acpi_at.root_node + 8, 4, 0xCCCCCCCD); /* times 20 is 4, modulo 2^32 */
}

static void a_node_that_is_wrong_in_any_way_is_refused(void)
{
    expect_acpi_refused(NULL, nodes_in_the_header, "IORT+0x2f", "nodes that begin in the header");
    expect_acpi_refused(NULL, nodes_behind_the_end, "IORT", "fewer nodes than the table counts");
    expect_acpi_refused(NULL, one_node_more, "IORT", "fewer nodes than the table counts");
    expect_acpi_refused(NULL, node_without_length, "IORT", "a node that is cut off");
    expect_acpi_refused(NULL, node_behind_the_end, "IORT", "a node that is cut off");
    expect_acpi_refused(NULL, short_unit, "IORT+0x30", "a node that is shorter than its kind");
    expect_acpi_refused(NULL, maps_in_the_header, "IORT", "do not lie in their node");
    expect_acpi_refused(NULL, maps_behind_the_node, "IORT", "do not lie in their node");
    expect_acpi_refused(NULL, maps_far_behind, "IORT", "do not lie in their node");
    expect_acpi_refused(NULL, too_many_maps, "IORT", "do not lie in their node");
}

static uint32_t first_map(uint32_t node)
{
    return node + (uint32_t)acpi_get(node + 12, 4);
}

static void lead(uint32_t node, uint32_t reference)
{
    acpi_put(first_map(node) + 12, 4, reference);
}

static void to_nothing(void)
{
    lead(acpi_at.root_node, 0);
}

static void into_a_node(void)
{
    lead(acpi_at.root_node, acpi_at.unit_node[0] - acpi_at.iort + 4);
}

static void behind_the_end(void)
{
    lead(acpi_at.root_node, 0xFFFFFFFC);
}

static void to_itself(void)
{
    lead(acpi_at.root_node, acpi_at.root_node - acpi_at.iort);
}

static void unit_to_itself(void)
{
    lead(acpi_at.unit_node[0], acpi_at.unit_node[0] - acpi_at.iort);
}

static void units_in_a_circle(void)
{
    lead(acpi_at.unit_node[0], acpi_at.unit_node[1] - acpi_at.iort);
    lead(acpi_at.unit_node[1], acpi_at.unit_node[0] - acpi_at.iort);
}

static void unit_to_root(void)
{
    lead(acpi_at.unit_node[1], acpi_at.root_node - acpi_at.iort);
}

static void its_to_unit(void)
{
    /* The second unit becomes an ITS group, and keeps its mapping. */
    acpi_put(acpi_at.unit_node[1], 1, 0);
}

static void a_reference_leads_to_an_iommu_or_an_its_and_never_back(void)
{
    const char *text = "leads to no IOMMU and to no ITS";

    expect_acpi_refused(NULL, to_nothing, "IORT", text);
    expect_acpi_refused(NULL, into_a_node, "IORT", text);
    expect_acpi_refused(NULL, behind_the_end, "IORT", text);
    expect_acpi_refused(NULL, to_itself, "IORT", text);
    expect_acpi_refused(NULL, unit_to_itself, "IORT", text);
    expect_acpi_refused(NULL, units_in_a_circle, "IORT", text);
    expect_acpi_refused(NULL, unit_to_root, "IORT", text);
    expect_acpi_refused(NULL, its_to_unit, "IORT", text);
}

/* The root complex stands first, the unit that it leads to behind it. */
static void root_first(void)
{
    static uint8_t nodes[ACPI_ROOM];
    uint32_t size = (uint32_t)acpi_get(acpi_at.root_node + 1, 2);
    uint32_t before = acpi_at.root_node - acpi_at.its_node;

    memcpy(nodes, acpi_bytes + acpi_at.root_node, size);
    memmove(acpi_bytes + acpi_at.its_node + size, acpi_bytes + acpi_at.its_node, before);
    memcpy(acpi_bytes + acpi_at.its_node, nodes, size);
    acpi_at.root_node = acpi_at.its_node;
    acpi_at.its_node += size;
    for (uint32_t i = 0; i < 2; i++) {
        acpi_at.unit_node[i] += size;
        lead(acpi_at.unit_node[i], acpi_at.its_node - acpi_at.iort);
        acpi_put(first_map(acpi_at.root_node) + 20 * i + 12, 4,
                 acpi_at.unit_node[i] - acpi_at.iort);
    }
    acpi_put(first_map(acpi_at.root_node) + 40 + 12, 4, acpi_at.its_node - acpi_at.iort);
}

static void later_node(void)
{
    acpi_put(acpi_at.root_node, 1, 200);
    to_nothing();
}

static void nodes_may_stand_in_any_order_and_be_of_a_later_edition(void)
{
    uint32_t stream;

    expect_acpi_accepted(NULL, root_first);
    assert_int_equal(topology_stream(&acpi_found.host[0], 0x801, &stream), 1);
    assert_int_equal(stream, 0x1801);
    expect_acpi_accepted(NULL, later_node);
    assert_int_equal(acpi_found.host[0].map_count, 0);
}

/* ---- IORT: units ---------------------------------------------------------------------------------------------------- */

static void unit_at_zero(void)
{
    acpi_put(acpi_at.unit_node[0] + 16, 8, 0);
}

static void crooked_unit(void)
{
    acpi_put(acpi_at.unit_node[0] + 16, 8, UNIT_BASE + 1);
}

static void wrapping_unit(void)
{
    acpi_put(acpi_at.unit_node[0] + 16, 8, UINT64_C(0xFFFFFFFFFFFF0000));
}

static void other_model(void)
{
    acpi_put(acpi_at.unit_node[0] + 40, 4, 2);
}

static void same_unit(void)
{
    acpi_put(acpi_at.unit_node[1] + 16, 8, UNIT_BASE);
}

static void quiet_unit(void)
{
    acpi_put(acpi_at.unit_node[0] + 24, 4, 0xFFFFFFFE);
    acpi_put(acpi_at.unit_node[0] + 44, 4, 0);
    acpi_put(acpi_at.unit_node[0] + 52, 4, 1020);
}

static void a_unit_that_is_wrong_in_any_way_is_refused(void)
{
    struct acpi_options options = acpi_plain();

    expect_acpi_refused(NULL, unit_at_zero, "IORT", "whose registers are nowhere");
    expect_acpi_refused(NULL, crooked_unit, "IORT", "whose registers are nowhere");
    expect_acpi_refused(NULL, wrapping_unit, "IORT", "whose registers are nowhere");
    expect_acpi_refused(NULL, other_model, "IORT", "not as the architecture says");
    expect_acpi_refused(NULL, same_unit, "IORT", "a second node for one SMMUv3");
    expect_acpi_accepted(NULL, quiet_unit);
    assert_false(acpi_found.iommu[0].coherent);
    assert_int_equal(acpi_found.iommu[0].event_interrupt, INTERRUPT_NONE);
    assert_int_equal(acpi_found.iommu[0].error_interrupt, INTERRUPT_NONE);
    options.units = TOPOLOGY_IOMMUS;
    expect_acpi_accepted(&options, NULL);
    options.units++;
    expect_acpi_refused(&options, NULL, "IORT", "more IOMMUs");
}

/* ---- IORT: which stream a requester has ---------------------------------------------------------------------------- */

static struct acpi_options with_map(struct acpi_map map)
{
    struct acpi_options options = acpi_plain();

    options.map_count = 1;
    options.map[0] = map;
    return options;
}

static void a_mapping_that_is_wrong_in_any_way_is_refused(void)
{
    struct acpi_options options = with_map((struct acpi_map){ 0x100, 0xFF01, 0, 0, false });

    expect_acpi_refused(&options, NULL, "IORT", "an id mapping that is out of range");
    options = with_map((struct acpi_map){ 0, 0, 0, 0, false }); /* 2^32 of them */
    expect_acpi_refused(&options, NULL, "IORT", "an id mapping that is out of range");
    options = with_map((struct acpi_map){ 0, 0x101, 0xFFFFFF00, 0, false });
    expect_acpi_refused(&options, NULL, "IORT", "an id mapping that is out of range");
    options = with_map((struct acpi_map){ 0, 0x100, 0, 0, true });
    expect_acpi_refused(&options, NULL, "IORT", "merges requester ids");
    options = with_map((struct acpi_map){ 0, 0x100, 0, ACPI_TO_OTHER, false });
    options.other_iommu = true;
    expect_acpi_refused(&options, NULL, "IORT", "an IOMMU that cannot be closed");
    options = with_map((struct acpi_map){ 0, 0x100, 0xFFFFFF00, 0, false });
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.host[0].map[0].stream, 0xFFFFFF00);
}

static void ids_that_two_mappings_name_are_refused(void)
{
    struct acpi_options options = acpi_plain();

    /* As QEMU's tables are where they are read before buses have numbers. */
    options.map_count = 2;
    options.map[0] = (struct acpi_map){ 0, 0x100, 0, 0, false };
    options.map[1] = (struct acpi_map){ 0, 0x2100, 0, 1, false };
    expect_acpi_refused(&options, NULL, "IORT", "id mappings that overlap");
    options.map[1] = (struct acpi_map){ 0xFF, 1, 0, ACPI_TO_ITS, false };
    expect_acpi_refused(&options, NULL, "IORT", "id mappings that overlap");
    options.map[0].target = ACPI_TO_ITS;
    options.map[1].target = 1;
    expect_acpi_refused(&options, NULL, "IORT", "id mappings that overlap");
    options.map[1].first = 0x100;
    expect_acpi_accepted(&options, NULL);
    options.root_count = 2;
    expect_acpi_refused(&options, NULL, "IORT", "id mappings that overlap");
}

static void other_segment(void)
{
    acpi_put(acpi_at.root_node + 28, 4, 5);
}

static void a_root_complex_speaks_of_its_segment_alone(void)
{
    struct acpi_options options = acpi_plain();

    options.root_count = 2;
    expect_acpi_accepted(&options, other_segment);
    assert_int_equal(acpi_found.host[0].map_count, 2);
}

static void many_mappings(struct acpi_options *options, unsigned int count, uint32_t gap)
{
    options->map_count = count;
    for (uint32_t i = 0; i < count; i++)
        options->map[i] = (struct acpi_map){ i * 0x10, 0x10 - gap, i * 0x10, 0, false };
}

static void mappings_that_go_on_where_the_last_one_ended_are_one(void)
{
    struct acpi_options options = acpi_plain();

    many_mappings(&options, TOPOLOGY_ID_MAPS + 1, 0);
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.host[0].map_count, 1);
    assert_int_equal(acpi_found.host[0].map[0].count, 0x10 * (TOPOLOGY_ID_MAPS + 1));
    options.map[1].output++;
    options.map[2].target = 1;
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.host[0].map_count, 4);
    many_mappings(&options, TOPOLOGY_ID_MAPS, 1);
    expect_acpi_accepted(&options, NULL);
    many_mappings(&options, TOPOLOGY_ID_MAPS + 1, 1);
    expect_acpi_refused(&options, NULL, "IORT", "more id mappings");
}

/* ---- IORT: components ------------------------------------------------------------------------------------------------ */

static struct acpi_options with_component(struct acpi_map map)
{
    struct acpi_options options = acpi_plain();

    options.its = 0;
    options.component = "\\_SB.DEV0";
    options.component_map_count = 1;
    options.component_map[0] = map;
    return options;
}

static void a_component_is_a_master_with_the_streams_of_its_mappings(void)
{
    /* Of a single mapping neither the input nor the count say anything. */
    struct acpi_options options = with_component((struct acpi_map){ 77, 1000, 0x4000, 1, true });

    options.component_map_count = 3;
    options.component_map[1] = (struct acpi_map){ 0, 3, 0x4000, 1, false };
    options.component_map[2] = (struct acpi_map){ 0, 1, 0x9000, ACPI_TO_ITS, true };
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.block_count, 1);
    assert_string_equal(acpi_found.block[0].name, "\\_SB.DEV0");
    assert_true(acpi_found.block[0].masters);
    assert_null(acpi_found.block[0].streams_refusal);
    assert_int_equal(acpi_found.block[0].iommu, 1);
    assert_int_equal(acpi_found.block[0].stream_count, 3);
    assert_int_equal(acpi_found.block[0].stream[2], 0x4002);
    assert_int_equal(acpi_found.block[0].register_count, 0);
    assert_int_equal(topology_stream_count(&acpi_found, 1), 0x4003);
}

static void expect_component_refusal(const struct acpi_options *options, const char *text)
{
    expect_acpi_accepted(options, NULL);
    assert_int_equal(acpi_found.block_count, 1);
    assert_true(acpi_found.block[0].masters);
    if (acpi_found.block[0].streams_refusal == NULL ||
        strstr(acpi_found.block[0].streams_refusal, text) == NULL)
        fail_msg("the reason is \"%s\", not \"%s\"", acpi_found.block[0].streams_refusal, text);
}

static void a_component_whose_streams_are_of_no_use_is_refused_alone(void)
{
    struct acpi_options options = with_component((struct acpi_map){ 0, 8, 0x4000, 0, false });

    expect_acpi_accepted(&options, NULL);
    assert_null(acpi_found.block[0].streams_refusal);
    options.component_map[0].count = 9;
    expect_component_refusal(&options, "more stream ids than the hypervisor keeps");
    options.component_map[0].count = 0; /* 2^32 of them */
    options.component_map[0].output = 0;
    expect_component_refusal(&options, "more stream ids than the hypervisor keeps");
    options.component_map[0] = (struct acpi_map){ 0, 2, 0xFFFFFFFF, 0, false };
    expect_component_refusal(&options, "stream ids that are none");
    options.component_map[0].target = ACPI_TO_OTHER;
    options.other_iommu = true;
    expect_component_refusal(&options, "an IOMMU that is no SMMUv3");
    options.component_map_count = 2;
    options.component_map[0] = (struct acpi_map){ 0, 1, 1, 0, true };
    options.component_map[1] = (struct acpi_map){ 0, 1, 2, 1, true };
    expect_component_refusal(&options, "several IOMMUs");
    options.component_map_count = 0;
    expect_acpi_accepted(&options, NULL);
    assert_false(acpi_found.block[0].masters);
}

static void endless_name(void)
{
    uint32_t end = acpi_at.component_node + (uint32_t)acpi_get(acpi_at.component_node + 12, 4);

    for (uint32_t at = acpi_at.component_node + 29; at < end; at++)
        acpi_bytes[at] = 'x';
}

static void odd_name(void)
{
    acpi_bytes[acpi_at.component_node + 31] = 0x1B;
}

static void no_room_for_a_name(void)
{
    acpi_put(acpi_at.component_node + 12, 4, 28);
    acpi_put(acpi_at.component_node + 28 + 12, 4, acpi_at.its_node - acpi_at.iort);
}

static void a_component_has_a_name_that_can_be_printed(void)
{
    struct acpi_options options = with_component((struct acpi_map){ 0, 1, 0x4000, 0, true });

    expect_acpi_refused(&options, endless_name, "IORT", "a component whose name");
    expect_acpi_refused(&options, odd_name, "IORT", "a component whose name");
    expect_acpi_refused(&options, no_room_for_a_name, "IORT", "a component whose name");
    options.component = "\\_SB.A123.B123.C123.D123.E123.F123.G123.H123.I12";
    expect_acpi_refused(&options, NULL, "IORT", "a component whose name");
    acpi_start.block_count = TOPOLOGY_BLOCKS;
    options.component = "\\_SB.A123.B123.C123.D123.E123.F123.G123.H123.I1";
    expect_acpi_accepted(&options, NULL);
    assert_int_equal(acpi_found.block_count, TOPOLOGY_BLOCKS);
    acpi_start.block_count = 0;
    expect_acpi_accepted(&options, NULL);
    assert_string_equal(acpi_found.block[0].name, options.component);
}

int run_acpi_parts_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_interrupt_controller_that_is_wrong_in_any_way_is_refused),
        TEST(redistributors_are_regions_or_those_that_each_cpu_names),
        TEST(cpus_are_those_that_are_enabled),
        TEST(cpu_interfaces_in_memory_are_registers_of_the_controller_once),
        TEST(a_frame_for_messages_is_nobodys),
        TEST(a_host_that_is_wrong_in_any_way_is_refused),
        TEST(the_configuration_space_of_a_host_begins_with_its_first_bus),
        TEST(hosts_that_divide_the_buses_of_an_entry_stay_as_they_are),
        TEST(a_node_that_is_wrong_in_any_way_is_refused),
        TEST(a_reference_leads_to_an_iommu_or_an_its_and_never_back),
        TEST(nodes_may_stand_in_any_order_and_be_of_a_later_edition),
        TEST(a_unit_that_is_wrong_in_any_way_is_refused),
        TEST(a_mapping_that_is_wrong_in_any_way_is_refused),
        TEST(ids_that_two_mappings_name_are_refused),
        TEST(a_root_complex_speaks_of_its_segment_alone),
        TEST(mappings_that_go_on_where_the_last_one_ended_are_one),
        TEST(a_component_is_a_master_with_the_streams_of_its_mappings),
        TEST(a_component_whose_streams_are_of_no_use_is_refused_alone),
        TEST(a_component_has_a_name_that_can_be_printed),
    };

    return RUN_GROUP("topology/acpi, parts");
}
