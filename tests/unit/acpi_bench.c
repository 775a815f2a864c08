/* SPDX-License-Identifier: Apache-2.0 */
#include "acpi_bench.h"

#include <stdlib.h>
#include <string.h>

uint8_t acpi_bytes[ACPI_ROOM];
struct acpi_places acpi_at;
struct topology acpi_start, acpi_found;
struct topology_error acpi_error;

/* ---- Writing ------------------------------------------------------------------------------------------ */

void acpi_put(uint32_t offset, unsigned int width, uint64_t value)
{
    assert_true(offset + width <= ACPI_ROOM);
    for (unsigned int i = 0; i < width; i++)
        acpi_bytes[offset + i] = (uint8_t)(value >> (8 * i));
}

uint64_t acpi_get(uint32_t offset, unsigned int width)
{
    uint64_t value = 0;

    assert_true(offset + width <= ACPI_ROOM);
    for (unsigned int i = 0; i < width; i++)
        value |= (uint64_t)acpi_bytes[offset + i] << (8 * i);
    return value;
}

static void u(unsigned int width, uint64_t value)
{
    acpi_put(acpi_at.used, width, value);
    acpi_at.used += width;
}

static void zeroes(unsigned int count)
{
    while (count-- > 0)
        u(1, 0);
}

static void characters(const char *text, size_t count)
{
    while (count-- > 0)
        u(1, (uint8_t)*text++);
}

/* At an odd address, as QEMU's are. */
static uint32_t begin(const char *signature)
{
    acpi_at.used |= 1;
    uint32_t table = acpi_at.used;

    characters(signature, 4);
    u(4, 0); /* length: end() */
    u(1, 1);
    u(1, 0); /* checksum: acpi_sum() */
    characters("BULKHDTESTTABL", 14);
    u(4, 1);
    characters("TEST", 4);
    u(4, 1);
    return table;
}

static void end(uint32_t table)
{
    acpi_put(table + 4, 4, acpi_at.used - table);
}

static void list(uint32_t table)
{
    end(table);
    assert_true(acpi_at.table_count < ACPI_TABLES);
    acpi_at.table[acpi_at.table_count++] = table;
}

static void write_fadt(void)
{
    acpi_at.fadt = begin("FACP");
    zeroes(129 - 36);
    u(2, 1); /* PSCI, by SMC */
    zeroes(276 - 131);
    list(acpi_at.fadt);
}

static void write_cpu(unsigned int cpu, bool redistributor)
{
    u(1, 11);
    u(1, 80);
    u(2, 0);
    u(4, cpu); /* interface */
    u(4, cpu); /* processor */
    u(4, 1);   /* enabled */
    u(4, 0);   /* parking */
    u(4, 23);  /* performance counters */
    u(8, 0);   /* parked at */
    u(8, 0);   /* GICC */
    u(8, 0);   /* GICV */
    u(8, 0);   /* GICH */
    u(4, 25);  /* maintenance */
    u(8, redistributor ? 0x080A0000 + cpu * 0x20000 : 0);
    u(8, cpu); /* MPIDR */
    u(4, 0);
}

static void write_madt(const struct acpi_options *options)
{
    acpi_at.madt = begin("APIC");
    zeroes(8);
    acpi_at.distributor = acpi_at.used;
    u(1, 12);
    u(1, 24);
    u(2, 0);
    u(4, 0);
    u(8, 0x08000000);
    u(4, 0);
    u(1, 3);
    zeroes(3);
    acpi_at.cpu = acpi_at.used;
    for (unsigned int i = 0; i < options->cpus; i++)
        write_cpu(i, options->own_redistributors);
    for (unsigned int i = 0; i < options->regions; i++) {
        if (i == 0)
            acpi_at.redistributor = acpi_at.used;
        u(1, 14);
        u(1, 16);
        u(2, 0);
        u(8, 0x080A0000 + i * 0x1000000);
        u(4, 0xF60000);
    }
    acpi_at.its = options->its != 0 ? acpi_at.used : 0;
    for (unsigned int i = 0; i < options->its; i++) {
        u(1, 15);
        u(1, 20);
        u(2, 0);
        u(4, ACPI_ITS_ID(i));
        u(8, ACPI_ITS_BASE + i * ACPI_ITS_STRIDE);
        u(4, 0);
    }
    if (options->msi_frame) {
        u(1, 13);
        u(1, 24);
        u(2, 0);
        u(4, 0);
        u(8, 0x08020000);
        zeroes(8);
    }
    list(acpi_at.madt);
}

static void write_mcfg(const struct acpi_options *options)
{
    acpi_at.mcfg = begin("MCFG");
    zeroes(8);
    for (unsigned int i = 0; i < options->hosts; i++) {
        u(8, ECAM_BASE + i * UINT64_C(0x10000000));
        u(2, i);
        u(1, 0);
        u(1, options->buses - 1u);
        u(4, 0);
    }
    list(acpi_at.mcfg);
}

static void write_spcr(void)
{
    acpi_at.spcr = begin("SPCR");
    u(1, 3); /* PL011 */
    zeroes(3);
    u(1, 0); /* memory */
    u(1, 32);
    u(1, 0);
    u(1, 3);
    u(8, SERIAL_BASE);
    u(1, 8); /* GIC */
    u(1, 0);
    u(4, SERIAL_INTERRUPT);
    zeroes(80 - 58);
    list(acpi_at.spcr);
}

/* ---- The IORT ------------------------------------------------------------------------------------------- */

static uint32_t begin_node(unsigned int type, unsigned int maps)
{
    uint32_t node = acpi_at.used;

    u(1, type);
    u(2, 0); /* length: write_maps() */
    u(1, 1);
    u(4, 0);
    u(4, maps);
    u(4, 0); /* where they stand: write_maps() */
    return node;
}

static uint32_t node_of(unsigned int target)
{
    if (target == ACPI_TO_OTHER)
        return acpi_at.other_node;
    return target < ACPI_UNITS ? acpi_at.unit_node[target]
                               : acpi_at.its_node + 24 * (target - ACPI_TO_ITS);
}

static void write_maps(uint32_t node, const struct acpi_map *map, unsigned int count)
{
    if (count != 0)
        acpi_put(node + 12, 4, acpi_at.used - node);
    for (unsigned int i = 0; i < count; i++, map++) {
        u(4, map->first);
        u(4, map->count - 1);
        u(4, map->output);
        u(4, node_of(map->target) - acpi_at.iort);
        u(4, map->single);
    }
    acpi_put(node + 1, 2, acpi_at.used - node);
}

static void write_unit(const struct acpi_options *options, unsigned int unit)
{
    uint32_t node = begin_node(4, options->unit_map_count);

    acpi_at.unit_node[unit] = node;
    u(8, UNIT_BASE + unit * UNIT_STRIDE);
    u(4, 1); /* coherent */
    u(4, 0);
    u(8, 0); /* VATOS */
    u(4, 0); /* model */
    u(4, UNIT_EVENT_INTERRUPT(unit));
    u(4, UNIT_EVENT_INTERRUPT(unit) + 1); /* page requests */
    u(4, UNIT_ERROR_INTERRUPT(unit));
    u(4, UNIT_EVENT_INTERRUPT(unit) + 2); /* synchronisation */
    u(4, 0);
    u(4, 0);
    write_maps(node, options->unit_map, options->unit_map_count);
}

static void write_root(const struct acpi_options *options, unsigned int segment)
{
    uint32_t node = begin_node(2, options->map_count);

    if (acpi_at.root_node == 0)
        acpi_at.root_node = node;
    u(8, 1); /* memory is coherent */
    u(4, 0);
    u(4, segment);
    u(1, 64);
    zeroes(3);
    write_maps(node, options->map, options->map_count);
}

static void write_component(const struct acpi_options *options)
{
    uint32_t node = begin_node(1, options->component_map_count);

    acpi_at.component_node = node;
    u(4, 0);
    u(8, 0);
    u(1, 32);
    characters(options->component, strlen(options->component) + 1);
    while ((acpi_at.used - node) % 4 != 0)
        u(1, 0);
    write_maps(node, options->component_map, options->component_map_count);
}

static void write_reserved(const struct acpi_reserved *reserved)
{
    uint32_t node = begin_node(6, reserved->map_count);

    acpi_at.reserved_node = node;
    u(4, 0);
    u(4, reserved->range_count);
    u(4, 28);
    for (unsigned int i = 0; i < reserved->range_count; i++) {
        u(8, reserved->range[i].base);
        u(8, reserved->range[i].size);
        u(4, 0);
    }
    write_maps(node, reserved->map, reserved->map_count);
}

static void write_iort(const struct acpi_options *options)
{
    acpi_at.iort = begin("IORT");
    u(4, options->groups + options->other_iommu + options->units + options->root_count +
             (options->component != NULL) + options->reserved_count);
    u(4, 48);
    u(4, 0);
    acpi_at.its_node = acpi_at.used;
    for (unsigned int i = 0; i < options->groups; i++) {
        uint32_t node = begin_node(0, 0);

        u(4, 1);
        u(4, ACPI_ITS_ID(i));
        write_maps(node, NULL, 0);
    }
    if (options->other_iommu) {
        acpi_at.other_node = begin_node(3, 0);
        zeroes(60);
        write_maps(acpi_at.other_node, NULL, 0);
    }
    for (unsigned int i = 0; i < options->units; i++)
        write_unit(options, i);
    for (unsigned int i = 0; i < options->root_count; i++)
        write_root(options, 0);
    if (options->component != NULL)
        write_component(options);
    for (unsigned int i = 0; i < options->reserved_count; i++)
        write_reserved(&options->reserved[i]);
    list(acpi_at.iort);
}

/* ---- All of it -------------------------------------------------------------------------------------------- */

struct acpi_options acpi_plain(void)
{
    return (struct acpi_options){ .cpus = 4,
                                  .units = 2,
                                  .hosts = 1,
                                  .regions = 1,
                                  .buses = ECAM_BUSES,
                                  .its = 1,
                                  .groups = 1,
                                  .console = true,
                                  .root_count = 1,
                                  .map_count = 3,
                                  .map = { { 0, 0x800, 0, 0, false },
                                           { 0x800, 0x700, 0x1800, 1, false },
                                           { 0xF00, 0x100, 0xF00, ACPI_TO_ITS, false } },
                                  .unit_map_count = 1,
                                  .unit_map = { { 0, 0x10000, 0, ACPI_TO_ITS, false } } };
}

void acpi_build(const struct acpi_options *options, uint64_t base)
{
    acpi_at = (struct acpi_places){ .used = 0 };
    memset(acpi_bytes, 0, sizeof(acpi_bytes));
    write_fadt();
    write_madt(options);
    write_mcfg(options);
    if (options->console)
        write_spcr();
    write_iort(options);
    acpi_at.xsdt = begin("XSDT");
    for (unsigned int i = 0; i < acpi_at.table_count; i++)
        u(8, base + acpi_at.table[i]);
    end(acpi_at.xsdt);
    acpi_at.rsdp = acpi_at.used;
    characters("RSD PTR ", 8);
    u(1, 0); /* checksum: acpi_sum() */
    characters("BULKHD", 6);
    u(1, 2);
    u(4, 0);
    u(4, 36);
    u(8, base + acpi_at.xsdt);
    u(1, 0); /* the same */
    zeroes(3);
    acpi_sum();
}

static void sum(uint32_t at, uint32_t start, uint64_t length)
{
    uint8_t all = 0;

    if (start + length > acpi_at.used)
        return;
    acpi_bytes[at] = 0;
    for (uint64_t i = 0; i < length; i++)
        all = (uint8_t)(all + acpi_bytes[start + i]);
    acpi_bytes[at] = (uint8_t)-all;
}

void acpi_sum(void)
{
    for (unsigned int i = 0; i < acpi_at.table_count; i++)
        sum(acpi_at.table[i] + 9, acpi_at.table[i], acpi_get(acpi_at.table[i] + 4, 4));
    sum(acpi_at.xsdt + 9, acpi_at.xsdt, acpi_get(acpi_at.xsdt + 4, 4));
    sum(acpi_at.rsdp + 8, acpi_at.rsdp, 20);
    sum(acpi_at.rsdp + 32, acpi_at.rsdp, acpi_get(acpi_at.rsdp + 20, 4));
}

bool acpi_bench_take(void)
{
    uint8_t *exact = malloc(acpi_at.used);
    struct acpi_area area = { .bytes = exact, .base = ACPI_BASE, .size = acpi_at.used };

    assert_non_null(exact);
    memcpy(exact, acpi_bytes, acpi_at.used);
    acpi_error = (struct topology_error){ 0 };
    acpi_found = acpi_start;
    bool good = acpi_read_topology(&area, ACPI_BASE + acpi_at.rsdp, &acpi_found, &acpi_error);

    free(exact);
    if (!good)
        assert_non_null(acpi_error.text);
    return good;
}

bool acpi_bench_read(const struct acpi_options *options, void (*edit)(void))
{
    struct acpi_options plain = acpi_plain();

    acpi_build(options != NULL ? options : &plain, ACPI_BASE);
    if (edit != NULL)
        edit();
    acpi_sum();
    return acpi_bench_take();
}

void expect_acpi_refused(const struct acpi_options *options, void (*edit)(void), const char *node,
                         const char *text)
{
    if (acpi_bench_read(options, edit))
        fail_msg("accepted; expected: %s: %s", node, text);
    if (strstr(acpi_error.text, text) == NULL || strncmp(acpi_error.node, node, strlen(node)) != 0)
        fail_msg("refused with \"%s: %s\", not \"%s: %s\"", acpi_error.node, acpi_error.text, node,
                 text);
}

void expect_acpi_accepted(const struct acpi_options *options, void (*edit)(void))
{
    if (!acpi_bench_read(options, edit))
        fail_msg("refused: %s: %s", acpi_error.node, acpi_error.text);
}
