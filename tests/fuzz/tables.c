/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What firmware and the machine say in ACPI tables: right ones of some machine, changed field by field, with
 * sums that are right again, by memory and by the files and the script of fw_cfg. Whatever they are, the
 * reader answers with what holds together, or with what is wrong where.
 */
#include <string.h>

#include "fw_cfg_bench.h"
#include "tests/adversary/hardware.h"
#include "tests/fuzz/fuzz.h"

#define CHANGES 8
#define CAPACITY 0x8000

static const struct acpi_map some_maps[] = {
    { 0, 0x800, 0, 0, false },
    { 0x800, 0x700, 0x1800, 1, false },
    { 0xF00, 0x100, 0xF00, ACPI_TO_ITS, false },
    { 0, 0x10000, 0, 0, false },
    { 0x100, 1, 0xFFFFFFFF, 1, true },
    { 0x200, 8, 0x200, ACPI_TO_OTHER, false },
    { 0xFFFF, 1, 3, 0, false },
};

static unsigned int choose_maps(struct acpi_map *map, unsigned int limit)
{
    unsigned int count = guest_choice(limit + 1);

    for (unsigned int i = 0; i < count; i++) {
        map[i] = some_maps[guest_choice(ARRAY_LENGTH(some_maps))];
        map[i].first += guest_choice(4) * 0x40;
    }
    return count;
}

static struct acpi_options some_machine(void)
{
    struct acpi_options options = acpi_plain();

    if (guest_choice(2) == 0)
        return options;
    options.other_iommu = true;
    options.cpus = guest_choice(10);
    options.units = 2 + guest_choice(3);
    options.hosts = guest_choice(4);
    options.regions = guest_choice(3);
    options.own_redistributors = guest_choice(2) != 0;
    options.msi_frame = guest_choice(2) != 0;
    options.root_count = guest_choice(3);
    options.map_count = choose_maps(options.map, 6);
    options.its = guest_choice(3);
    options.groups = 1 + guest_choice(2);
    options.unit_map_count = choose_maps(options.unit_map, 3);
    for (unsigned int i = 0; i < options.unit_map_count; i++)
        options.unit_map[i].target = ACPI_TO_ITS + guest_choice(options.groups);
    options.component = guest_choice(2) != 0 ? "\\_SB.DEV0" : NULL;
    options.component_map_count = choose_maps(options.component_map, 4);
    return options;
}

static uint64_t some_value(void)
{
    static const uint64_t value[] = {
        0,          1,          4,          20,
        0x30,       0x48,       0xFF,       0xFFFF,
        0x10000,    0x7FFFFFFF, 0x80000000, 0xFFFFFFF0,
        0xFFFFFFFF, ACPI_BASE,  UINT64_MAX, UINT64_C(0xFFFFFFFFFFF00000)
    };
    unsigned int index = guest_choice(24);

    return index < ARRAY_LENGTH(value) ? value[index] : guest_choice(256);
}

/* A field of a table or of a node; where they begin is where most stands that is looked at. */
static void change_field(void)
{
    const uint32_t place[] = { acpi_at.rsdp,          acpi_at.xsdt,
                               acpi_at.fadt,          acpi_at.madt,
                               acpi_at.mcfg,          acpi_at.spcr,
                               acpi_at.iort,          acpi_at.distributor,
                               acpi_at.redistributor, acpi_at.cpu,
                               acpi_at.its,           acpi_at.its_node,
                               acpi_at.root_node,     acpi_at.component_node,
                               acpi_at.unit_node[0],  acpi_at.unit_node[1] };
    static const unsigned int width[] = { 1, 2, 4, 8 };
    uint32_t at = place[guest_choice(ARRAY_LENGTH(place))] + guest_choice(128);
    unsigned int bytes = width[guest_choice(ARRAY_LENGTH(width))];
    uint64_t value = some_value();

    if (guest_choice(4) == 0)
        value += acpi_get(at, bytes);
    if (at + bytes <= acpi_at.used)
        acpi_put(at, bytes, value);
}

static void change_fields(void)
{
    for (unsigned int i = guest_choice(CHANGES); i > 0; i--)
        change_field();
    if (guest_choice(8) != 7)
        acpi_sum();
    if (guest_choice(16) == 15)
        acpi_at.used -= guest_choice(256) % acpi_at.used;
}

static void expect_reason(const struct topology_error *error)
{
    assert_non_null(error->text);
    if (strlen(error->text) < 10)
        fail_msg("a refusal that says nothing: \"%s\"", error->text);
    for (const char *c = error->node; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            fail_msg("a refusal with the byte 0x%x in it", (unsigned char)*c);
    }
}

static void check_maps(const struct topology_pci_host *host, const struct topology_id_map *maps,
                       uint32_t count, uint32_t targets)
{
    assert_true(count <= TOPOLOGY_ID_MAPS);
    for (uint32_t m = 0; m < count; m++) {
        const struct topology_id_map *map = &maps[m];

        assert_true(map->iommu < targets);
        assert_true(range_inside(map->first, map->count, (uint64_t)host->bus_first << 8,
                                 (uint64_t)(host->bus_last - host->bus_first + 1) << 8));
        assert_true(map->stream + (map->count - 1) >= map->stream);
        for (uint32_t o = 0; o < m; o++)
            assert_false(range_overlaps(map->first, map->count, maps[o].first, maps[o].count));
    }
}

static void check_host(const struct topology_pci_host *host)
{
    assert_true(range_valid(host->ecam.base, host->ecam.size));
    check_maps(host, host->map, host->map_count, acpi_found.iommu_count);
    check_maps(host, host->msi_map, host->msi_map_count, acpi_found.its_count);
}

static void check_found(void)
{
    assert_true(acpi_found.cpu_count <= TOPOLOGY_CPUS);
    assert_true(acpi_found.iommu_count <= TOPOLOGY_IOMMUS);
    assert_true(acpi_found.gic_range_count <= TOPOLOGY_GIC_RANGES);
    assert_in_range(acpi_found.gic_redistributors, 1, acpi_found.gic_range_count - 1);
    assert_true(acpi_found.its_count <= TOPOLOGY_ITS);
    for (uint32_t i = 0; i < acpi_found.its_count; i++)
        assert_true(topology_its_fits(acpi_found.its[i].registers));
    assert_true(acpi_found.host_count <= TOPOLOGY_PCI_HOSTS);
    for (uint32_t i = 0; i < acpi_found.gic_range_count; i++)
        assert_true(range_valid(acpi_found.gic_range[i].base, acpi_found.gic_range[i].size));
    for (uint32_t i = 0; i < acpi_found.iommu_count; i++)
        assert_true(
            range_valid(acpi_found.iommu[i].registers.base, acpi_found.iommu[i].registers.size));
    for (uint32_t i = 0; i < acpi_found.host_count; i++)
        check_host(&acpi_found.host[i]);
    for (uint32_t i = 0; i < acpi_found.block_count; i++) {
        assert_true(acpi_found.block[i].stream_count <= TOPOLOGY_STREAMS);
        assert_true(memchr(acpi_found.block[i].name, '\0', TOPOLOGY_NAME) != NULL);
    }
}

void fuzz_acpi(void)
{
    struct acpi_options options = some_machine();

    acpi_build(&options, ACPI_BASE);
    change_fields();
    if (acpi_bench_take())
        check_found();
    else
        expect_reason(&acpi_error);
}

/* ---- fw_cfg ------------------------------------------------------------------------------------------------ */

static void change_script(void)
{
    uint8_t *command = fw.script + (size_t)128 * guest_choice(fw.command_count);
    static const uint32_t field[] = { 0, 4, 60, 64, 68, 116, 120 };
    uint32_t at = field[guest_choice(ARRAY_LENGTH(field))] + guest_choice(4);
    uint64_t value = some_value();

    for (unsigned int i = guest_choice(4) + 1; i > 0; i--, value >>= 8)
        command[at++] = (uint8_t)value;
}

static void change_file(void)
{
    struct fw_file *file = &fw.file[guest_choice(fw.file_count)];

    if (guest_choice(2) == 0)
        file->size = guest_choice(256) * file->size / 256;
    else if (file->size != 0)
        file->bytes[(guest_choice(256) << 8 | guest_choice(256)) % file->size] = (uint8_t)
            guest_choice(256);
}

void fuzz_fw_cfg(void)
{
    fw_plain();
    fw.file[2].size = 0x2000; /* the rest is zeroes */
    for (unsigned int i = guest_choice(CHANGES); i > 0; i--) {
        if (guest_choice(4) != 0)
            change_script();
        else
            change_file();
    }
    if (guest_choice(16) == 15)
        fw.claimed_count = guest_choice(256) + guest_choice(256);
    if (!fw_read(CAPACITY - guest_choice(2) * guest_choice(256) * 64)) {
        expect_reason(&fw_error);
        return;
    }
    acpi_found = acpi_start;
    if (acpi_read_topology(&fw_area, fw_rsdp, &acpi_found, &acpi_error))
        check_found();
    else
        expect_reason(&acpi_error);
}
