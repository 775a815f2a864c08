/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload of either width: each run begins with a right ELF file, changes its headers field by field and
 * byte by byte, and loads it at the end of a partition's memory, as kernel/lifecycle.c does. What is loaded
 * is compared with a reading of the same file by the C library's names for its fields.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/payload.h"
#include "tests/adversary/hardware.h"
#include "tests/fuzz/fuzz.h"

#define BASE UINT64_C(0x40000000)
#define MEMORY_SIZE 0x4000
#define SEGMENTS 3
#define CONTENTS 0x200

union payload {
    struct {
        Elf64_Ehdr header;
        Elf64_Phdr program[SEGMENTS];
        uint8_t contents[CONTENTS];
    } wide;
    struct {
        Elf32_Ehdr header;
        Elf32_Phdr program[SEGMENTS];
        uint8_t contents[CONTENTS];
    } narrow;
    uint8_t bytes[sizeof(Elf64_Ehdr) + SEGMENTS * sizeof(Elf64_Phdr) + CONTENTS];
};

/* Of a segment, whatever the width. */
struct segment {
    uint64_t type, offset, address, file_size, memory_size;
};

static uint64_t some_number(void)
{
    static const uint64_t number[] = { 0,           1,       4,          0x1000,
                                       MEMORY_SIZE, BASE,    BIT(31),    UINT32_MAX,
                                       BIT(32),     BIT(63), UINT64_MAX, BASE + MEMORY_SIZE - 4 };
    unsigned int index = guest_choice(16);

    return index < ARRAY_LENGTH(number) ? number[index] : BASE + (uint64_t)guest_choice(256) * 64;
}

static uint64_t number_or(uint64_t right)
{
    return guest_choice(12) == 11 ? some_number() : right;
}

static uint64_t make_wide(union payload *payload)
{
    Elf64_Ehdr *header = &payload->wide.header;

    memcpy(header->e_ident, "\177ELF\2\1\1", 7);
    header->e_type = ET_EXEC;
    header->e_machine = EM_AARCH64;
    header->e_entry = number_or(BASE);
    header->e_phoff = number_or(sizeof(*header));
    header->e_phentsize = (uint16_t)number_or(sizeof(Elf64_Phdr));
    header->e_phnum = (uint16_t)number_or(SEGMENTS);
    for (unsigned int i = 0; i < SEGMENTS; i++)
        payload->wide.program[i] = (Elf64_Phdr){
            .p_type = guest_choice(8) == 7 ? PT_NOTE : PT_LOAD,
            .p_offset = number_or(offsetof(union payload, wide.contents) + (uint64_t)i * 0x80),
            .p_paddr = number_or(BASE + (uint64_t)i * 0x1000),
            .p_filesz = number_or(0x80),
            .p_memsz = number_or(0x100),
        };
    return sizeof(payload->wide);
}

static uint64_t make_narrow(union payload *payload)
{
    Elf32_Ehdr *header = &payload->narrow.header;

    memcpy(header->e_ident, "\177ELF\1\1\1", 7);
    header->e_type = ET_EXEC;
    header->e_machine = EM_ARM;
    header->e_entry = (uint32_t)number_or(BASE | guest_choice(2));
    header->e_phoff = (uint32_t)number_or(sizeof(*header));
    header->e_phentsize = (uint16_t)number_or(sizeof(Elf32_Phdr));
    header->e_phnum = (uint16_t)number_or(SEGMENTS);
    for (unsigned int i = 0; i < SEGMENTS; i++)
        payload->narrow.program[i] = (Elf32_Phdr){
            .p_type = guest_choice(8) == 7 ? PT_NOTE : PT_LOAD,
            .p_offset = (uint32_t)number_or(offsetof(union payload, narrow.contents) +
                                            (uint64_t)i * 0x80),
            .p_paddr = (uint32_t)number_or(BASE + (uint64_t)i * 0x1000),
            .p_filesz = (uint32_t)number_or(0x80),
            .p_memsz = (uint32_t)number_or(0x100),
        };
    return sizeof(payload->narrow);
}

/* The segment in an accepted file. */
static struct segment segment_of(const uint8_t *file, bool narrow, unsigned int index)
{
    Elf64_Ehdr wide_header;
    Elf64_Phdr wide;
    Elf32_Ehdr header;
    Elf32_Phdr program;

    if (narrow) {
        memcpy(&header, file, sizeof(header));
        memcpy(&program, file + header.e_phoff + index * sizeof(program), sizeof(program));
        return (struct segment){ program.p_type, program.p_offset, program.p_paddr,
                                 program.p_filesz, program.p_memsz };
    }
    memcpy(&wide_header, file, sizeof(wide_header));
    memcpy(&wide, file + wide_header.e_phoff + index * sizeof(wide), sizeof(wide));
    return (struct segment){ wide.p_type, wide.p_offset, wide.p_paddr, wide.p_filesz,
                             wide.p_memsz };
}

static unsigned int segments_of(const uint8_t *file, bool narrow)
{
    uint16_t count;

    memcpy(&count, file + (narrow ? offsetof(Elf32_Ehdr, e_phnum) : offsetof(Elf64_Ehdr, e_phnum)),
           sizeof(count));
    return count;
}

/* Memory is what the file says, and the file itself is as it was. */
static void check_loaded(const uint8_t *memory, const uint8_t *file, uint64_t size, bool narrow)
{
    static uint8_t expected[MEMORY_SIZE];

    memset(expected, 0, sizeof(expected));
    memcpy(expected + MEMORY_SIZE - size, file, size);
    for (unsigned int i = 0; i < segments_of(file, narrow); i++) {
        struct segment segment = segment_of(file, narrow, i);

        if (segment.type == PT_LOAD && segment.memory_size != 0) {
            assert_true(range_inside(segment.address, segment.memory_size, BASE, MEMORY_SIZE));
            memcpy(expected + (segment.address - BASE), file + segment.offset, segment.file_size);
        }
    }
    assert_memory_equal(memory, expected, MEMORY_SIZE);
}

static void check_placed(const uint8_t *memory, const uint8_t *file, uint64_t size, bool aarch32,
                         uint64_t entry)
{
    if (size >= SELFMAG && memcmp(file, ELFMAG, SELFMAG) == 0) {
        assert_true((file[EI_CLASS] == ELFCLASS32) == aarch32);
        assert_true(range_inside(entry & ~(uint64_t)aarch32, 4, BASE, MEMORY_SIZE));
        check_loaded(memory, file, size, aarch32);
    } else {
        assert_int_equal(entry, BASE);
        assert_memory_equal(memory, file, size);
    }
}

static void check_refused(const char *text)
{
    assert_true(strlen(text) > 5);
    for (const char *c = text; *c != '\0'; c++)
        assert_true(*c >= ' ' && *c <= '~');
}

void fuzz_payload(void)
{
    union payload payload;
    bool narrow = guest_choice(2) == 1, aarch32 = guest_choice(8) == 7 ? !narrow : narrow;
    uint8_t *memory = calloc(1, MEMORY_SIZE);
    uint64_t entry = 0;

    assert_non_null(memory);
    memset(&payload, 0xA7, sizeof(payload));
    uint64_t size = narrow ? make_narrow(&payload) : make_wide(&payload);

    for (unsigned int i = guest_choice(4); i > 0; i--)
        payload.bytes[guest_choice((unsigned int)size)] = (uint8_t)guest_choice(256);
    if (guest_choice(8) == 7)
        size = guest_choice((unsigned int)size + 1);
    uint8_t *file = memory + MEMORY_SIZE - size;

    memcpy(file, payload.bytes, size);
    const char *error = payload_place(file, size, memory, MEMORY_SIZE, BASE, aarch32, &entry);

    if (error != NULL)
        check_refused(error);
    else
        check_placed(memory, payload.bytes, size, aarch32, entry);
    free(memory);
}
