/* SPDX-License-Identifier: Apache-2.0 */
/* ELF-64 (System V ABI, chapter 4 and 5). */
#include "kernel/payload.h"

#include "lib/string.h"

#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_EXECUTABLE 2
#define ELF_AARCH64 183
#define ELF_LOAD 1
#define ELF_HEADERS_LIMIT 32

struct elf_header {
    uint8_t magic[4];
    uint8_t class, encoding;
    uint8_t ident_rest[10];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_offset, section_offset;
    uint32_t flags;
    uint16_t header_size, program_size, program_count;
    uint16_t section_size, section_count, section_names;
};

struct elf_program {
    uint32_t type, flags;
    uint64_t offset, virtual_address, physical_address;
    uint64_t file_size, memory_size, alignment;
};

struct target {
    uint8_t *memory;
    uint64_t size, base;
    uint64_t file_start, file_size; /* where the file itself stands, as an offset into memory */
};

static const char *place_segment(const struct target *target, const uint8_t *file,
                                 const struct elf_program *program)
{
    uint64_t at = program->physical_address - target->base;

    if (program->memory_size == 0)
        return NULL;
    if (program->file_size > program->memory_size || program->offset > target->file_size ||
        program->file_size > target->file_size - program->offset)
        return "is a corrupt ELF file: a segment lies outside the file";
    if (!range_valid(program->physical_address, program->memory_size) ||
        !range_inside(program->physical_address, program->memory_size, target->base, target->size))
        return "does not fit: a segment lies outside the partition's memory";
    if (range_overlaps(at, program->memory_size, target->file_start, target->file_size))
        return "does not fit: give the partition memory for twice the payload";
    memcpy(target->memory + at, file + program->offset, program->file_size);
    return NULL;
}

static const char *place_elf(const struct target *target, const uint8_t *file,
                             const struct elf_header *header, uint64_t *entry)
{
    if (header->class != ELF_CLASS_64 || header->encoding != ELF_LITTLE_ENDIAN ||
        header->machine != ELF_AARCH64)
        return "is an ELF file for another architecture";
    if (header->type != ELF_EXECUTABLE)
        return "is not a statically linked executable";
    if (header->program_size != sizeof(struct elf_program) ||
        header->program_count > ELF_HEADERS_LIMIT || header->program_offset > target->file_size ||
        header->program_count * sizeof(struct elf_program) >
            target->file_size - header->program_offset)
        return "is a corrupt ELF file: its program headers";
    for (uint32_t i = 0; i < header->program_count; i++) {
        struct elf_program program;
        const char *error;

        memcpy(&program, file + header->program_offset + i * sizeof(program), sizeof(program));
        error = program.type == ELF_LOAD ? place_segment(target, file, &program) : NULL;
        if (error != NULL)
            return error;
    }
    if (!range_inside(header->entry, 4, target->base, target->size))
        return "starts outside the partition's memory";
    *entry = header->entry;
    return NULL;
}

const char *payload_place(const uint8_t *file, uint64_t size, uint8_t *memory, uint64_t memory_size,
                          uint64_t base, uint64_t *entry)
{
    struct target target = {
        .memory = memory,
        .size = memory_size,
        .base = base,
        .file_start = (uint64_t)(file - memory),
        .file_size = size,
    };
    struct elf_header header;

    if (size >= sizeof(header.magic) && memcmp(file, "\177ELF", sizeof(header.magic)) == 0) {
        if (size < sizeof(header))
            return "is a corrupt ELF file: its header is cut";
        memcpy(&header, file, sizeof(header));
        return place_elf(&target, file, &header, entry);
    }
    if (size == 0)
        return "is empty";
    memmove(memory, file, size);
    *entry = base;
    return NULL;
}
