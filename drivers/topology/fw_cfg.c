/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/fw_cfg.h"

#include "arch/seam.h"
#include "drivers/topology/acpi_tables.h"
#include "lib/format.h"
#include "lib/string.h"

/* Registers. The data register gives the bytes of a file in the order of memory, at any width. The selector
 * is big-endian. Behind the end of a file zeroes are read. */
#define FW_CFG_DATA 0
#define FW_CFG_SELECTOR 8
#define WORD 8

#define KEY_SIGNATURE 0x0000
#define KEY_DIRECTORY 0x0019
#define SIGNATURE "QEMU"

/* The directory: a count, then files. Numbers are big-endian. */
#define DIRECTORY_LIMIT 256
#define FILE_SIZE 0 /* four bytes */
#define FILE_KEY 4  /* two bytes */
#define FILE_NAME 8
#define NAME_SIZE 56
#define FILE_ENTRY_SIZE 64

#define FILE_LIMIT 0x100000 /* bytes that are read, whatever is kept of them */

#define RSDP_FILE "etc/acpi/rsdp"
#define SCRIPT_FILE "etc/table-loader"
#define ROOTS_FILE "etc/extra-pci-roots" /* a little-endian number of eight bytes */

/* The script: commands of one size. Numbers are little-endian. */
#define COMMAND 0, 4
#define COMMAND_NONE 0 /* the rest of the file */
#define COMMAND_ALLOCATE 1
#define COMMAND_POINTER 2
#define COMMAND_CHECKSUM 3
#define COMMAND_TELL 4 /* where a blob lies; the machine is told nothing */
#define COMMAND_SIZE 128
#define COMMAND_FILE 4
#define ALLOCATE_ALIGNMENT 60, 4
#define POINTER_SOURCE 60
#define POINTER_OFFSET 116, 4
#define POINTER_SIZE 120, 1
#define CHECKSUM_OFFSET 60, 4
#define CHECKSUM_START 64, 4
#define CHECKSUM_LENGTH 68, 4

#define SCRIPT_LIMIT 0x4000
#define BLOBS 8
#define ALIGNMENT_LIMIT PAGE_SIZE

/* Where the buffer begins, for the tables: low, so that a pointer of any width reaches it, and not at 0. */
#define AREA_BASE PAGE_SIZE

struct file {
    uint32_t size;
    uint16_t key;
};

struct blob {
    char name[NAME_SIZE];
    uint8_t *bytes;
    uint64_t size;
};

struct loader {
    uint64_t registers;
    uint8_t *buffer;
    uint64_t capacity, used;
    uint32_t blob_count;
    struct blob blob[BLOBS];
    struct topology_error *error;
};

static bool refuse(struct loader *loader, const char *node, const char *text)
{
    loader->error->text = text;
    format(loader->error->node, sizeof(loader->error->node), "%s", node);
    return false;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void select_key(const struct loader *loader, uint16_t key)
{
    mmio_write16(loader->registers + FW_CFG_SELECTOR, (uint16_t)(key << 8 | key >> 8));
}

/* The next eight bytes of what is selected. */
static void read_word(const struct loader *loader, uint8_t bytes[WORD])
{
    uint64_t word = mmio_read64(loader->registers + FW_CFG_DATA);

    for (unsigned int i = 0; i < WORD; i++, word >>= 8)
        bytes[i] = (uint8_t)word;
}

static uint32_t big_endian(const uint8_t *bytes, unsigned int width)
{
    uint32_t value = 0;

    while (width-- > 0)
        value = value << 8 | *bytes++;
    return value;
}

/* The directory has its count in front: its entries are read through a word that lags half behind. */
static bool find_file(struct loader *loader, const char *name, struct file *file)
{
    uint8_t entry[FILE_ENTRY_SIZE + WORD / 2], word[WORD];

    select_key(loader, KEY_DIRECTORY);
    read_word(loader, word);
    uint32_t count = big_endian(word, 4);

    if (count > DIRECTORY_LIMIT)
        return refuse(loader, name, "fw_cfg has more files than are looked through");
    for (uint32_t i = 0; i < count; i++) {
        memcpy(entry, word + WORD / 2, WORD / 2);
        for (uint32_t at = WORD / 2; at < FILE_ENTRY_SIZE; at += WORD) {
            read_word(loader, word);
            memcpy(entry + at, word, WORD);
        }
        if (strncmp((const char *)entry + FILE_NAME, name, NAME_SIZE) != 0)
            continue;
        *file = (struct file){ .size = big_endian(entry + FILE_SIZE, 4),
                               .key = (uint16_t)big_endian(entry + FILE_KEY, 2) };
        return true;
    }
    return refuse(loader, name, "a file that fw_cfg does not have");
}

/*
 * Reads a file to where the buffer is free, from that alignment on. QEMU fills its tables up with zeroes to
 * a size that leaves room to grow: pages of zeroes at a file's end, but for its first, are not kept. *kept
 * says how much is there; NULL: it does not fit.
 */
static uint8_t *load(struct loader *loader, const struct file *file, uint64_t alignment,
                     uint64_t *kept)
{
    uint64_t start = align_up(loader->used, alignment), end = 1;
    uint64_t room = start < loader->capacity ? loader->capacity - start : 0;

    if (file->size > FILE_LIMIT || room == 0)
        return NULL;
    uint8_t *bytes = loader->buffer + start;

    select_key(loader, file->key);
    for (uint64_t at = 0; at < file->size; at += WORD) {
        uint64_t width = min_u64(WORD, file->size - at);
        uint8_t word[WORD];

        read_word(loader, word);
        if (at + width <= room)
            memcpy(bytes + at, word, width);
        for (uint64_t i = 0; i < width; i++)
            end = word[i] != 0 ? at + i + 1 : end;
    }
    *kept = min_u64(align_up(end, PAGE_SIZE), file->size);
    if (*kept > room)
        return NULL;
    loader->used = start + *kept;
    return bytes;
}

/* ---- The script -------------------------------------------------------------------------------- */

/* The blob that the command names there; NULL: it was not allocated. A name that does not end is none. */
static struct blob *find_blob(struct loader *loader, const uint8_t *name)
{
    for (uint32_t i = 0; i < loader->blob_count; i++) {
        if (strncmp(loader->blob[i].name, (const char *)name, NAME_SIZE) == 0)
            return &loader->blob[i];
    }
    return NULL;
}

static bool allocate(struct loader *loader, const uint8_t *command, const char *node)
{
    const char *name = (const char *)command + COMMAND_FILE;
    uint64_t alignment = acpi_field(command, ALLOCATE_ALIGNMENT);
    struct blob *blob = &loader->blob[loader->blob_count];
    struct file file;

    if (memchr(name, '\0', NAME_SIZE) == NULL)
        return refuse(loader, node, "a file name that does not end");
    if (find_blob(loader, command + COMMAND_FILE) != NULL)
        return refuse(loader, node, "a file that is allocated twice");
    if (loader->blob_count == BLOBS)
        return refuse(loader, node, "more files than the hypervisor keeps");
    if (alignment == 0 || alignment > ALIGNMENT_LIMIT || !is_aligned(alignment, alignment))
        return refuse(loader, node, "an alignment that is none");
    if (!find_file(loader, name, &file))
        return false;
    blob->bytes = load(loader, &file, alignment, &blob->size);
    if (blob->bytes == NULL)
        return refuse(loader, node,
                      "a file that is larger than the hypervisor's copy of it can be");
    memcpy(blob->name, name, NAME_SIZE);
    loader->blob_count++;
    return true;
}

static bool add_pointer(struct loader *loader, const uint8_t *command, const char *node)
{
    struct blob *blob = find_blob(loader, command + COMMAND_FILE);
    const struct blob *source = find_blob(loader, command + POINTER_SOURCE);
    uint64_t offset = acpi_field(command, POINTER_OFFSET);
    uint32_t size = (uint32_t)acpi_field(command, POINTER_SIZE);

    if (blob == NULL || source == NULL)
        return refuse(loader, node, "a file that was not allocated");
    if (size == 0 || size > 8 || !is_aligned(size, size))
        return refuse(loader, node, "a pointer of a size that none has");
    if (!range_inside(offset, size, 0, blob->size))
        return refuse(loader, node, "a pointer outside its file");
    uint64_t value = acpi_field(blob->bytes, (uint32_t)offset, size);

    if (value >= source->size)
        return refuse(loader, node, "a pointer that leads out of its file");
    value += AREA_BASE + (uint64_t)(source->bytes - loader->buffer);
    if (size < 8 && value >> (8 * size) != 0)
        return refuse(loader, node, "a pointer that is too narrow");
    for (uint32_t i = 0; i < size; i++, value >>= 8)
        blob->bytes[offset + i] = (uint8_t)value;
    return true;
}

static bool add_checksum(struct loader *loader, const uint8_t *command, const char *node)
{
    struct blob *blob = find_blob(loader, command + COMMAND_FILE);
    uint64_t offset = acpi_field(command, CHECKSUM_OFFSET);
    uint64_t start = acpi_field(command, CHECKSUM_START);
    uint64_t length = acpi_field(command, CHECKSUM_LENGTH);
    uint8_t sum = 0;

    if (blob == NULL)
        return refuse(loader, node, "a file that was not allocated");
    if (length == 0 || !range_inside(start, length, 0, blob->size) ||
        !range_inside(offset, 1, start, length))
        return refuse(loader, node, "a checksum outside its table or its file");
    for (uint64_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + blob->bytes[start + i]);
    blob->bytes[offset] = (uint8_t)(blob->bytes[offset] - sum);
    return true;
}

static bool carry_out(struct loader *loader, const uint8_t *command, const char *node)
{
    switch (acpi_field(command, COMMAND)) {
    case COMMAND_NONE:
    case COMMAND_TELL:
        return true;
    case COMMAND_ALLOCATE:
        return allocate(loader, command, node);
    case COMMAND_POINTER:
        return add_pointer(loader, command, node);
    case COMMAND_CHECKSUM:
        return add_checksum(loader, command, node);
    default:
        return refuse(loader, node, "a command that is not known");
    }
}

bool fw_cfg_read_acpi(uint64_t base, uint8_t *buffer, uint64_t capacity, struct acpi_area *area,
                      uint64_t *rsdp, struct topology_error *error)
{
    struct loader loader = {
        .registers = base, .buffer = buffer, .capacity = capacity, .error = error
    };
    char node[TOPOLOGY_NAME];
    uint8_t word[WORD];
    struct file file;
    uint64_t size;

    error->text = NULL;
    select_key(&loader, KEY_SIGNATURE);
    read_word(&loader, word);
    if (memcmp(word, SIGNATURE, sizeof(SIGNATURE) - 1) != 0)
        return refuse(&loader, "fw_cfg", "no fw_cfg where the device tree has one");
    if (!find_file(&loader, SCRIPT_FILE, &file))
        return false;
    if (file.size % COMMAND_SIZE != 0 || file.size > SCRIPT_LIMIT)
        return refuse(&loader, SCRIPT_FILE, "a script that is cut off or too long");
    const uint8_t *script = load(&loader, &file, 1, &size);

    if (script == NULL)
        return refuse(&loader, SCRIPT_FILE, "no room for the script");
    for (uint32_t at = 0; at < size; at += COMMAND_SIZE) {
        format(node, sizeof(node), SCRIPT_FILE "+0x%x", at);
        if (!carry_out(&loader, script + at, node))
            return false;
    }
    const struct blob *found = find_blob(&loader, (const uint8_t *)RSDP_FILE);

    if (found == NULL)
        return refuse(&loader, RSDP_FILE, "a file that the script does not allocate");
    *rsdp = AREA_BASE + (uint64_t)(found->bytes - buffer);
    *area = (struct acpi_area){ .bytes = buffer, .base = AREA_BASE, .size = loader.used };
    return true;
}

/* ---- As the board names it ------------------------------------------------------------------------- */

static struct topology_range find_registers(const struct topology *topology)
{
    for (uint32_t i = 0; i < topology->block_count; i++) {
        if (strcmp(topology->block[i].compatible, FW_CFG_COMPATIBLE) == 0)
            return (struct topology_range){ topology->block[i].registers[0].base,
                                            FW_CFG_REGISTERS };
    }
    return (struct topology_range){ 0 };
}

static uint32_t count_roots(uint64_t registers)
{
    struct topology_error error;
    struct loader loader = { .registers = registers, .error = &error };
    uint8_t word[WORD];
    struct file file;

    if (!find_file(&loader, ROOTS_FILE, &file))
        return 0;
    select_key(&loader, file.key);
    read_word(&loader, word);
    return (uint32_t)min_u64(acpi_field(word, 0, WORD), UINT32_MAX);
}

static bool read_tables(uint64_t registers, uint8_t *buffer, uint64_t capacity,
                        struct topology *topology, struct topology_error *error)
{
    struct acpi_area area;
    uint64_t rsdp;

    return fw_cfg_read_acpi(registers, buffer, capacity, &area, &rsdp, error) &&
           acpi_read_topology(&area, rsdp, topology, error);
}

TOPOLOGY_READER(reader) = {
    .name = "acpi",
    .registers = find_registers,
    .roots = count_roots,
    .read = read_tables,
};
