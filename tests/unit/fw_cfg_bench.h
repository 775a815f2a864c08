/* SPDX-License-Identifier: Apache-2.0 */
/* A fw_cfg device with files, and the script that makes tables of them, written command by command. */
#ifndef TESTS_FW_CFG_BENCH_H
#define TESTS_FW_CFG_BENCH_H

#include "acpi_bench.h"
#include "drivers/topology/fw_cfg.h"

#define FW_BASE UINT64_C(0x09020000)
#define FW_TABLES "etc/acpi/tables"
#define FW_RSDP "etc/acpi/rsdp"
#define FW_SCRIPT "etc/table-loader"
#define FW_TABLES_SIZE 0x20000
#define FW_COMMANDS 32
#define FW_FILES 12
#define FW_ROOM 0x20000

struct fw_file {
    const char *name;
    uint8_t *bytes;
    uint32_t size; /* in the directory */
};

struct fw_cfg {
    struct fw_file file[FW_FILES];
    unsigned int file_count;
    uint32_t claimed_count; /* 0: the directory counts right */
    char signature[4];
    uint8_t tables[FW_TABLES_SIZE], rsdp[36], script[FW_COMMANDS * 128];
    unsigned int command_count;
    uint64_t selected, position, reads;
    void (*before_tables)(void); /* called as the tables are selected; NULL: nobody */
};

extern struct fw_cfg fw;

/* What the reader made of it. */
extern uint8_t fw_buffer[FW_ROOM];
extern struct acpi_area fw_area;
extern uint64_t fw_rsdp;
extern struct topology_error fw_error;

/* A device without files, on a machine without anything else; then one whose files and script are as QEMU
 * makes them of the plain machine. */
void fw_empty(void);
void fw_plain(void);
/* The same on a machine that stands, with tables of such a one. */
void fw_join(const struct acpi_options *options);
void fw_add(const char *name, uint8_t *bytes, uint32_t size);
/* Commands behind those that are there. */
void fw_allocate(const char *file, uint32_t alignment);
void fw_pointer(const char *file, const char *source, uint32_t offset, uint8_t size);
void fw_checksum(const char *file, uint32_t offset, uint32_t start, uint32_t length);
uint8_t *fw_command(uint32_t number);

bool fw_read(uint64_t capacity);

#endif
