/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and their fields. Between the files of this folder. */
#ifndef DRIVERS_TOPOLOGY_ACPI_TABLES_H
#define DRIVERS_TOPOLOGY_ACPI_TABLES_H

#include "drivers/topology/topology.h"

/* A field is named with its offset and its width in bytes. It need not be aligned. */
uint64_t acpi_field(const uint8_t *structure, uint32_t offset, uint32_t width);

/* The header of every table but the RSDP (ACPI 5.2.6). */
#define ACPI_SIGNATURE 0, 4
#define ACPI_LENGTH 4, 4
#define ACPI_HEADER_SIZE 36

/* A table that has its length, its sum and its room checked. */
struct acpi_table {
    const uint8_t *bytes;
    uint32_t length; /* at least ACPI_HEADER_SIZE */
    char name[5];
};

/* Notes the refusal and where in the table; returns false. */
bool acpi_refuse(struct topology_error *error, const struct acpi_table *table, uint32_t offset,
                 const char *text);

/* The INTID of a GSIV; INTERRUPT_NONE if it is no shared interrupt. Such a one is taken. */
uint32_t acpi_take_line(struct topology *topology, uint64_t gsiv);

/* The IORT: units, and which stream a requester has (acpi_iort.c). The hosts are known. */
bool acpi_read_iort(const struct acpi_table *table, struct topology *topology,
                    struct topology_error *error);

#endif
