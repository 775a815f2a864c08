/* SPDX-License-Identifier: Apache-2.0 */
#include "fw_cfg_bench.h"

#include <stdlib.h>
#include <string.h>

struct fw_cfg fw;
uint8_t fw_buffer[FW_ROOM];
struct acpi_area fw_area;
uint64_t fw_rsdp;
struct topology_error fw_error;

/* ---- The device ------------------------------------------------------------------------------------------ */

static uint8_t directory_byte(uint64_t position)
{
    uint32_t count = fw.claimed_count != 0 ? fw.claimed_count : fw.file_count;
    uint8_t entry[64] = { 0 };

    if (position < 4)
        return (uint8_t)(count >> (24 - 8 * position));
    uint64_t index = (position - 4) / 64;

    if (index >= fw.file_count)
        return 0;
    const struct fw_file *file = &fw.file[index];

    for (unsigned int i = 0; i < 4; i++)
        entry[i] = (uint8_t)(file->size >> (24 - 8 * i));
    entry[5] = (uint8_t)(0x20 + index);
    memcpy(entry + 8, file->name, strnlen(file->name, 56));
    return entry[(position - 4) % 64];
}

static uint8_t next_byte(void)
{
    uint64_t position = fw.position++, index = fw.selected - 0x20;

    if (fw.selected == 0)
        return position < 4 ? (uint8_t)fw.signature[position] : 0;
    if (fw.selected == 0x19)
        return directory_byte(position);
    assert_true(index < fw.file_count);
    return fw.file[index].bytes != NULL && position < fw.file[index].size
               ? fw.file[index].bytes[position]
               : 0;
}

static uint64_t device_read(void *context, uint64_t offset, unsigned int bytes)
{
    uint64_t value = 0;

    (void)context;
    assert_int_equal(offset, 0);
    fw.reads++;
    for (unsigned int i = 0; i < bytes; i++)
        value |= (uint64_t)next_byte() << (8 * i);
    return value;
}

/* Two bytes, big-endian; all else the device takes no notice of. */
static void device_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    assert_int_equal(offset, 8);
    assert_int_equal(bytes, 2);
    fw.selected = (value & 0xFF) << 8 | value >> 8;
    fw.position = 0;
    if (fw.before_tables != NULL && fw.selected >= 0x20 &&
        fw.file[fw.selected - 0x20].bytes == fw.tables)
        fw.before_tables();
}

void fw_add(const char *name, uint8_t *bytes, uint32_t size)
{
    assert_true(fw.file_count < FW_FILES);
    fw.file[fw.file_count++] = (struct fw_file){ name, bytes, size };
}

static void attach(void)
{
    memset(&fw, 0, sizeof(fw));
    memcpy(fw.signature, "QEMU", 4);
    host_attach(&(struct host_registers){
        .base = FW_BASE, .size = 0x18, .read = device_read, .write = device_write });
}

void fw_empty(void)
{
    host_reset();
    attach();
}

/* ---- The script ------------------------------------------------------------------------------------------ */

static void put(uint8_t *at, unsigned int width, uint64_t value)
{
    for (unsigned int i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint8_t *fw_command(uint32_t number)
{
    uint8_t *command = fw.script + (size_t)128 * fw.command_count;

    assert_true(fw.command_count < FW_COMMANDS);
    fw.command_count++;
    put(command, 4, number);
    return command;
}

static void put_name(uint8_t *at, const char *name)
{
    memset(at, 0, 56);
    memcpy(at, name, strnlen(name, 56));
}

void fw_allocate(const char *file, uint32_t alignment)
{
    uint8_t *command = fw_command(1);

    put_name(command + 4, file);
    put(command + 60, 4, alignment);
    put(command + 64, 1, 1);
}

void fw_pointer(const char *file, const char *source, uint32_t offset, uint8_t size)
{
    uint8_t *command = fw_command(2);

    put_name(command + 4, file);
    put_name(command + 60, source);
    put(command + 116, 4, offset);
    put(command + 120, 1, size);
}

void fw_checksum(const char *file, uint32_t offset, uint32_t start, uint32_t length)
{
    uint8_t *command = fw_command(3);

    put_name(command + 4, file);
    put(command + 60, 4, offset);
    put(command + 64, 4, start);
    put(command + 68, 4, length);
}

static void add_table(uint32_t table)
{
    fw.tables[table + 9] = 0;
    fw_checksum(FW_TABLES, table + 9, table, (uint32_t)acpi_get(table + 4, 4));
}

static void write_files(const struct acpi_options *options)
{
    acpi_build(options, 0);
    memcpy(fw.tables, acpi_bytes, acpi_at.rsdp);
    memcpy(fw.rsdp, acpi_bytes + acpi_at.rsdp, sizeof(fw.rsdp));
    fw.rsdp[8] = 0;
    fw.rsdp[32] = 0;
    fw_allocate(FW_RSDP, 16);
    fw_allocate(FW_TABLES, 64);
    for (unsigned int i = 0; i < acpi_at.table_count; i++) {
        add_table(acpi_at.table[i]);
        fw_pointer(FW_TABLES, FW_TABLES, acpi_at.xsdt + 36 + 8 * i, 8);
    }
    add_table(acpi_at.xsdt);
    fw_checksum(FW_RSDP, 8, 0, 20);
    fw_pointer(FW_RSDP, FW_TABLES, 24, 8);
    fw_checksum(FW_RSDP, 32, 0, 36);
    fw_add("bootorder", NULL, 0);
    fw_add(FW_RSDP, fw.rsdp, sizeof(fw.rsdp));
    fw_add(FW_TABLES, fw.tables, sizeof(fw.tables));
    fw_add(FW_SCRIPT, fw.script, sizeof(fw.script));
}

void fw_plain(void)
{
    struct acpi_options plain = acpi_plain();

    fw_empty();
    write_files(&plain);
}

void fw_join(const struct acpi_options *options)
{
    attach();
    write_files(options);
}

/* In memory of exactly that size. */
bool fw_read(uint64_t capacity)
{
    uint8_t *exact = malloc(capacity + (capacity == 0));

    assert_non_null(exact);
    assert_true(capacity <= FW_ROOM);
    memset(exact, 0xA5, capacity);
    fw_error = (struct topology_error){ 0 };
    bool good = fw_cfg_read_acpi(FW_BASE, exact, capacity, &fw_area, &fw_rsdp, &fw_error);

    memcpy(fw_buffer, exact, capacity);
    free(exact);
    if (good) {
        assert_ptr_equal(fw_area.bytes, exact);
        assert_true(fw_area.size <= capacity);
        fw_area.bytes = fw_buffer;
    } else {
        assert_non_null(fw_error.text);
    }
    return good;
}
