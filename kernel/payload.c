/* SPDX-License-Identifier: Apache-2.0 */
/* ELF of both classes (System V ABI, chapter 4 and 5); ELF-32 is widened as it is read. */
#include "kernel/payload.h"

#include "lib/string.h"

#define ELF_CLASS_32 1
#define ELF_CLASS_64 2
#define ELF_LITTLE_ENDIAN 1
#define ELF_EXECUTABLE 2
#define ELF_ARM 40
#define ELF_AARCH64 183
#define ELF_LOAD 1
#define ELF_HEADERS_LIMIT 32

/* The same in both classes. */
struct elf_identity {
    uint8_t magic[4];
    uint8_t class, encoding;
    uint8_t ident_rest[10];
    uint16_t type, machine;
    uint32_t version;
};

struct elf_sizes {
    uint32_t flags;
    uint16_t header_size, program_size, program_count;
    uint16_t section_size, section_count, section_names;
};

struct elf32_header {
    struct elf_identity identity;
    uint32_t entry, program_offset, section_offset;
    struct elf_sizes sizes;
};

struct elf_header {
    struct elf_identity identity;
    uint64_t entry, program_offset, section_offset;
    struct elf_sizes sizes;
};

struct elf32_program {
    uint32_t type, offset, virtual_address, physical_address;
    uint32_t file_size, memory_size, flags, alignment;
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

/* The file's header. NULL, or why it is none of this partition's. */
static const char *read_header(const uint8_t *file, uint64_t size, bool aarch32,
                               struct elf_header *header)
{
    struct elf_identity *identity = &header->identity;
    struct elf32_header narrow;

    if (size < sizeof(narrow))
        return "is a corrupt ELF file: its header is cut";
    memcpy(&narrow, file, sizeof(narrow));
    *identity = narrow.identity;
    bool arm = identity->class == ELF_CLASS_32 && identity->machine == ELF_ARM;

    if (identity->encoding != ELF_LITTLE_ENDIAN ||
        (!arm && (identity->class != ELF_CLASS_64 || identity->machine != ELF_AARCH64)))
        return "is an ELF file for another architecture";
    if (arm && !aarch32)
        return "is an ELF file for AArch32, and this is a 64-bit partition: add aarch32;";
    if (!arm && aarch32)
        return "is an ELF file for AArch64, and this is a 32-bit partition: remove aarch32;";
    if (identity->type != ELF_EXECUTABLE)
        return "is not a statically linked executable";
    if (arm) {
        header->entry = narrow.entry;
        header->program_offset = narrow.program_offset;
        header->sizes = narrow.sizes;
        return NULL;
    }
    if (size < sizeof(*header))
        return "is a corrupt ELF file: its header is cut";
    memcpy(header, file, sizeof(*header));
    return NULL;
}

static void read_program(const uint8_t *from, bool aarch32, struct elf_program *program)
{
    struct elf32_program narrow;

    if (!aarch32) {
        memcpy(program, from, sizeof(*program));
        return;
    }
    memcpy(&narrow, from, sizeof(narrow));
    *program = (struct elf_program){ .type = narrow.type,
                                     .offset = narrow.offset,
                                     .physical_address = narrow.physical_address,
                                     .file_size = narrow.file_size,
                                     .memory_size = narrow.memory_size };
}

static const char *place_elf(const struct target *target, const uint8_t *file, bool aarch32,
                             uint64_t *entry)
{
    uint64_t program_size = aarch32 ? sizeof(struct elf32_program) : sizeof(struct elf_program);
    struct elf_header header;
    const char *error = read_header(file, target->file_size, aarch32, &header);

    if (error != NULL)
        return error;
    if (header.sizes.program_size != program_size ||
        header.sizes.program_count > ELF_HEADERS_LIMIT ||
        header.program_offset > target->file_size ||
        header.sizes.program_count * program_size > target->file_size - header.program_offset)
        return "is a corrupt ELF file: its program headers";
    for (uint32_t i = 0; i < header.sizes.program_count; i++) {
        struct elf_program program;

        read_program(file + header.program_offset + i * program_size, aarch32, &program);
        error = program.type == ELF_LOAD ? place_segment(target, file, &program) : NULL;
        if (error != NULL)
            return error;
    }
    /* Bit 0 is no part of the address of T32 code. */
    if (!range_inside(header.entry & ~(uint64_t)aarch32, 4, target->base, target->size))
        return "starts outside the partition's memory";
    *entry = header.entry;
    return NULL;
}

const char *payload_place(const uint8_t *file, uint64_t size, uint8_t *memory, uint64_t memory_size,
                          uint64_t base, bool aarch32, uint64_t *entry)
{
    static const char magic[] = "\177ELF";
    struct target target = {
        .memory = memory,
        .size = memory_size,
        .base = base,
        .file_start = (uint64_t)(file - memory),
        .file_size = size,
    };

    if (size >= sizeof(magic) - 1 && memcmp(file, magic, sizeof(magic) - 1) == 0)
        return place_elf(&target, file, aarch32, entry);
    if (size == 0)
        return "is empty";
    memmove(memory, file, size);
    *entry = base;
    return NULL;
}
