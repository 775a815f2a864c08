/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of ACPI tables (ACPI 6.5: RSDP, XSDT, FADT, MADT; PCI Firmware 3.3: MCFG; SPCR 4; IORT: Arm
 * DEN0049). The tables are input: nothing in them is trusted to be well-formed.
 *
 * It reads tables, no AML. What ACPI says in AML alone, or not at all, stays as the caller had it: memory,
 * the initial RAM disk, the windows and the pins of PCI hosts, platform devices other than the masters that
 * the IORT names. On a machine whose loader passes a tree as well, that is the tree's.
 */
#ifndef DRIVERS_TOPOLOGY_ACPI_H
#define DRIVERS_TOPOLOGY_ACPI_H

#include "drivers/topology/topology.h"

#define ACPI_TABLE_LIMIT 0x10000 /* bytes of a table that is read */

/* A private copy of what firmware left: addresses in the tables mean bytes of [base, +size). It does not
 * change while it is read, does not wrap, and begins behind 0, which in a table means that there is none. */
struct acpi_area {
    const uint8_t *bytes;
    uint64_t base;
    uint64_t size;
};

/*
 * Reads the tables that the RSDP at that address leads to into *topology, which holds what came from
 * elsewhere, or nothing. CPUs, the interrupt controller and the maps of PCI hosts are replaced. Hosts,
 * units and ITSs are added to: one that was there and has the same registers keeps its name and its place, so that
 * indices stay what they were. False: *topology is of no use, and *error names the table and the offset in
 * it. Work: bytes of the tables, and the square of the IORT's id mappings.
 */
bool acpi_read_topology(const struct acpi_area *area, uint64_t rsdp, struct topology *topology,
                        struct topology_error *error);

#endif
