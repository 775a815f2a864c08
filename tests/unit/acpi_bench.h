/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACPI tables of the machine of machine.h with two units, written field by field in the order of the
 * specifications, and the reader of them (drivers/topology/acpi.c) on these with one change.
 */
#ifndef TESTS_ACPI_BENCH_H
#define TESTS_ACPI_BENCH_H

#include <stdbool.h>

#include "drivers/topology/acpi.h"
#include "machine.h"

#define ACPI_ROOM 0x8000
#define ACPI_BASE UINT64_C(0x7F001000) /* where tables lie, for themselves */
#define ACPI_UNITS (TOPOLOGY_IOMMUS + 1)
#define ACPI_TABLES 8
#define ACPI_ITS_BASE UINT64_C(0x08080000)
#define ACPI_ITS_STRIDE UINT64_C(0x01000000)
#define ACPI_ITS_ID(number) (20u + (number)) /* as the MADT names it to the IORT */

/* Where a mapping leads: a unit by its number, or one of these. */
#define ACPI_TO_ITS 100   /* and behind: the groups, each of the ITS with its number */
#define ACPI_TO_OTHER 200 /* an SMMUv2 */

struct acpi_map {
    uint32_t first, count, output;
    unsigned int target;
    bool single;
};

/* Memory that firmware keeps for the streams that the mappings lead to. */
struct acpi_reserved {
    unsigned int range_count;
    struct topology_range range[TOPOLOGY_FIRMWARE + 1];
    unsigned int map_count;
    struct acpi_map map[2];
};

struct acpi_options {
    unsigned int cpus, units, hosts, regions;
    uint8_t buses;
    bool own_redistributors; /* named by the CPUs, instead of regions */
    bool msi_frame, console, other_iommu;
    unsigned int its, groups; /* in the MADT; in the IORT */
    unsigned int root_count;  /* root complexes of segment 0, which share the mappings */
    unsigned int map_count;
    struct acpi_map map[24];
    unsigned int unit_map_count; /* of each unit */
    struct acpi_map unit_map[24];
    const char *component; /* NULL: none */
    unsigned int component_map_count;
    struct acpi_map component_map[12];
    unsigned int reserved_count;
    struct acpi_reserved reserved[2];
};

struct acpi_options acpi_plain(void);

/* Where things stand in acpi_bytes; 0: nowhere. */
struct acpi_places {
    uint32_t used, rsdp, xsdt, fadt, madt, mcfg, spcr, iort;
    uint32_t distributor, redistributor, cpu, its; /* entries of the MADT, the first of each kind */
    uint32_t its_node;                             /* of the first group; one is 24 bytes */
    uint32_t other_node, unit_node[ACPI_UNITS], root_node, component_node, reserved_node;
    uint32_t table_count, table[ACPI_TABLES]; /* in the order of the XSDT */
};

extern uint8_t acpi_bytes[ACPI_ROOM];
extern struct acpi_places acpi_at;
/* What the reader begins with, and what it made of that. */
extern struct topology acpi_start, acpi_found;
extern struct topology_error acpi_error;

/* Writes the tables; addresses in them count from base, sums are right. */
void acpi_build(const struct acpi_options *options, uint64_t base);
void acpi_put(uint32_t offset, unsigned int width, uint64_t value);
uint64_t acpi_get(uint32_t offset, unsigned int width);
/* Makes all sums right again, as far as lengths say where tables end. */
void acpi_sum(void);

/* Reads what stands in acpi_bytes, in memory of exactly that size. */
bool acpi_bench_take(void);
/* Builds, edits (NULL: as it is), makes the sums right, and reads. */
bool acpi_bench_read(const struct acpi_options *options, void (*edit)(void));
/* The same as a test, options NULL: the plain machine. */
void expect_acpi_refused(const struct acpi_options *options, void (*edit)(void), const char *node,
                         const char *text);
void expect_acpi_accepted(const struct acpi_options *options, void (*edit)(void));

/* What a topology says, a line a statement, the same whoever read it: sorted, without the names that each
 * reader has for a thing. */
#define DUMP_SIZE 0x4000
void topology_dump(const struct topology *topology, char text[DUMP_SIZE]);

#endif
