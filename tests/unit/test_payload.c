/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads and bundles (kernel/payload.c, kernel/bundle.c): what is good, and each way to be bad. */
#include <elf.h>
#include <string.h>

#include "arch/seam.h"
#include "groups.h"
#include "kernel/bundle.h"
#include "kernel/payload.h"
#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define MEMORY_SIZE 0x10000
#define FILE_AT 0xC000

static _Alignas(4096) uint8_t memory[MEMORY_SIZE];
static struct {
    Elf64_Ehdr header;
    Elf64_Phdr program[2];
    uint8_t code[256];
} elf;
static struct {
    Elf32_Ehdr header;
    Elf32_Phdr program[2];
    uint8_t code[256];
} elf32;
static uint64_t entry;
static bool aarch32; /* the partition's */

static void make_elf(void)
{
    memset(memory, 0, sizeof(memory));
    memset(&elf, 0, sizeof(elf));
    memcpy(elf.header.e_ident, "\177ELF\2\1\1", 7);
    elf.header.e_type = ET_EXEC;
    elf.header.e_machine = EM_AARCH64;
    elf.header.e_entry = BASE + 0x1010;
    elf.header.e_phoff = sizeof(Elf64_Ehdr);
    elf.header.e_phentsize = sizeof(Elf64_Phdr);
    elf.header.e_phnum = 2;
    elf.program[0] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = UINT64_MAX };
    elf.program[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
                                   .p_offset = offsetof(__typeof__(elf), code),
                                   .p_vaddr = 0xFFFF000000000000,
                                   .p_paddr = BASE + 0x1000,
                                   .p_filesz = 256,
                                   .p_memsz = 0x400 };
    memset(elf.code, 0xC3, sizeof(elf.code));
    aarch32 = false;
}

static const char *place(uint64_t size)
{
    memcpy(memory + FILE_AT, &elf, sizeof(elf));
    return payload_place(memory + FILE_AT, size, memory, MEMORY_SIZE, BASE, aarch32, &entry);
}

static void a_good_elf_file_stands_at_its_physical_addresses(void)
{
    make_elf();
    assert_null(place(sizeof(elf)));
    assert_int_equal(entry, BASE + 0x1010);
    for (unsigned int i = 0; i < 256; i++)
        assert_int_equal(memory[0x1000 + i], 0xC3);
    for (unsigned int i = 256; i < 0x400; i++)
        assert_int_equal(memory[0x1000 + i], 0);
    assert_int_equal(memory[0xFFF], 0);
}

static void make_elf32(void)
{
    memset(memory, 0, sizeof(memory));
    memset(&elf32, 0, sizeof(elf32));
    memcpy(elf32.header.e_ident, "\177ELF\1\1\1", 7);
    elf32.header.e_type = ET_EXEC;
    elf32.header.e_machine = EM_ARM;
    elf32.header.e_entry = (uint32_t)BASE + 0x1010;
    elf32.header.e_phoff = sizeof(Elf32_Ehdr);
    elf32.header.e_phentsize = sizeof(Elf32_Phdr);
    elf32.header.e_phnum = 2;
    elf32.program[0] = (Elf32_Phdr){ .p_type = PT_NOTE, .p_offset = UINT32_MAX };
    elf32.program[1] = (Elf32_Phdr){ .p_type = PT_LOAD,
                                     .p_offset = offsetof(__typeof__(elf32), code),
                                     .p_vaddr = 0xC0000000,
                                     .p_paddr = (uint32_t)BASE + 0x1000,
                                     .p_filesz = 256,
                                     .p_memsz = 0x400 };
    memset(elf32.code, 0x3C, sizeof(elf32.code));
    aarch32 = true;
}

static const char *place32(uint64_t size)
{
    memcpy(memory + FILE_AT, &elf32, sizeof(elf32));
    return payload_place(memory + FILE_AT, size, memory, MEMORY_SIZE, BASE, aarch32, &entry);
}

static void expect32(const char *text)
{
    const char *error = place32(sizeof(elf32));

    assert_non_null(error);
    if (strstr(error, text) == NULL)
        fail_msg("the error is \"%s\", not \"%s\"", error, text);
    for (unsigned int i = 0; i < FILE_AT; i++)
        assert_int_equal(memory[i], 0);
    make_elf32();
}

static void a_good_elf32_file_stands_at_its_physical_addresses(void)
{
    make_elf32();
    assert_null(place32(sizeof(elf32)));
    assert_int_equal(entry, BASE + 0x1010);
    for (unsigned int i = 0; i < 256; i++)
        assert_int_equal(memory[0x1000 + i], 0x3C);
    for (unsigned int i = 256; i < 0x400; i++)
        assert_int_equal(memory[0x1000 + i], 0);
    assert_int_equal(memory[0xFFF], 0);
}

static void an_entry_in_t32_code_keeps_its_bit(void)
{
    make_elf32();
    elf32.header.e_entry = (uint32_t)BASE + 0x1011;
    assert_null(place32(sizeof(elf32)));
    assert_int_equal(entry, BASE + 0x1011);
    make_elf32();
    elf32.header.e_entry = (uint32_t)BASE + MEMORY_SIZE - 3;
    assert_null(place32(sizeof(elf32)));
    make_elf32();
    elf32.header.e_entry = (uint32_t)BASE + MEMORY_SIZE - 1;
    assert_string_equal(place32(sizeof(elf32)), "starts outside the partition's memory");
    make_elf();
    elf.header.e_entry = BASE + MEMORY_SIZE - 3;
    assert_string_equal(place(sizeof(elf)), "starts outside the partition's memory");
}

static void an_elf_file_for_the_other_width_is_refused(void)
{
    make_elf32();
    aarch32 = false;
    expect32("is an ELF file for AArch32, and this is a 64-bit partition: add aarch32;");
    make_elf();
    aarch32 = true;
    assert_string_equal(place(sizeof(elf)), "is an ELF file for AArch64, and this is a 32-bit "
                                            "partition: remove aarch32;");
    make_elf32();
    elf32.header.e_machine = EM_AARCH64;
    expect32("another architecture");
    elf32.header.e_ident[EI_CLASS] = ELFCLASS64;
    expect32("another architecture");
    elf32.header.e_ident[EI_CLASS] = ELFCLASSNONE;
    expect32("another architecture");
    elf32.header.e_ident[EI_DATA] = ELFDATA2MSB;
    expect32("another architecture");
    elf32.header.e_type = ET_DYN;
    expect32("not a statically linked executable");
}

static void a_header_is_whole_or_cut_by_its_own_width(void)
{
    make_elf32();
    assert_string_equal(place32(sizeof(Elf32_Ehdr) - 1),
                        "is a corrupt ELF file: its header is cut");
    assert_string_equal(place32(sizeof(Elf32_Ehdr)), "is a corrupt ELF file: its program headers");
    make_elf();
    assert_string_equal(place(sizeof(Elf64_Ehdr) - 1), "is a corrupt ELF file: its header is cut");
    assert_string_equal(place(sizeof(Elf64_Ehdr)), "is a corrupt ELF file: its program headers");
}

static void a_corrupt_elf32_file_is_refused(void)
{
    make_elf32();
    elf32.header.e_phentsize = sizeof(Elf64_Phdr);
    expect32("program headers");
    elf32.header.e_phnum = 33;
    expect32("program headers");
    elf32.header.e_phoff = UINT32_MAX;
    expect32("program headers");
    elf32.header.e_phoff = sizeof(elf32) - 2 * sizeof(Elf32_Phdr) + 1;
    expect32("program headers");
    elf32.program[1].p_filesz = 0x401;
    expect32("outside the file");
    elf32.program[1].p_offset = sizeof(elf32) - 255;
    expect32("outside the file");
    elf32.program[1].p_offset = UINT32_MAX;
    expect32("outside the file");
    elf32.program[1].p_paddr = (uint32_t)BASE - 1;
    expect32("outside the partition's memory");
    elf32.program[1].p_paddr = UINT32_MAX;
    expect32("outside the partition's memory");
    elf32.program[1].p_memsz = UINT32_MAX;
    expect32("outside the partition's memory");
    elf32.program[1].p_paddr = (uint32_t)BASE + FILE_AT - 0x3FF;
    expect32("memory for twice the payload");
}

static void i8_every_corrupt_byte_of_an_elf32_file_is_accepted_or_refused_within_bounds(void)
{
    uint64_t seed = 78;

    for (unsigned int i = 0; i < 20000; i++) {
        make_elf32();
        uint8_t *byte = (uint8_t *)&elf32 + random_next(&seed) % (sizeof(elf32) - 256);

        *byte ^= (uint8_t)(1 + random_next(&seed) % 255);
        if (place32(sizeof(elf32)) == NULL)
            assert_true(range_inside(entry & ~UINT64_C(1), 4, BASE, MEMORY_SIZE));
    }
}

static void i8_every_truncation_of_an_elf32_file_is_accepted_or_refused_within_bounds(void)
{
    for (uint64_t size = 0; size < sizeof(elf32); size++) {
        make_elf32();
        memcpy(memory + MEMORY_SIZE - size, &elf32, size);
        payload_place(memory + MEMORY_SIZE - size, size, memory, MEMORY_SIZE, BASE, aarch32,
                      &entry);
    }
}

static void a_flat_binary_is_for_either_width(void)
{
    make_elf32();
    elf32.header.e_ident[0] = 0;
    assert_null(place32(sizeof(elf32)));
    assert_int_equal(entry, BASE);
    assert_memory_equal(memory, &elf32, sizeof(elf32));
}

static void a_flat_binary_stands_at_the_start_of_memory(void)
{
    make_elf();
    elf.header.e_ident[0] = 0;
    assert_null(place(sizeof(elf)));
    assert_int_equal(entry, BASE);
    assert_memory_equal(memory, &elf, sizeof(elf));
    make_elf();
    assert_string_equal(place(8), "is a corrupt ELF file: its header is cut");
    elf.header.e_ident[0] = 0;
    memcpy(memory + FILE_AT, &elf, 8);
    assert_null(place(8));
    assert_memory_equal(memory, &elf, 8);
    assert_string_equal(place(0), "is empty");
    /* A file that ends in the midst of what would make it ELF, whatever stands behind it. */
    make_elf();
    assert_null(place(3));
    assert_memory_equal(memory, &elf, 3);
}

static void expect(const char *text)
{
    const char *error = place(sizeof(elf));

    assert_non_null(error);
    if (strstr(error, text) == NULL)
        fail_msg("the error is \"%s\", not \"%s\"", error, text);
    /* Nothing was placed. */
    for (unsigned int i = 0; i < FILE_AT; i++)
        assert_int_equal(memory[i], 0);
    make_elf();
}

static void an_elf_file_for_another_machine_is_refused(void)
{
    make_elf();
    elf.header.e_machine = EM_X86_64;
    expect("another architecture");
    elf.header.e_ident[EI_CLASS] = ELFCLASS32;
    expect("another architecture");
    elf.header.e_ident[EI_DATA] = ELFDATA2MSB;
    expect("another architecture");
    elf.header.e_type = ET_DYN;
    expect("not a statically linked executable");
    elf.header.e_type = ET_REL;
    expect("not a statically linked executable");
}

static void a_corrupt_elf_file_is_refused(void)
{
    make_elf();
    elf.header.e_phentsize = 32;
    expect("program headers");
    elf.header.e_phnum = 33;
    expect("program headers");
    elf.header.e_phnum = UINT16_MAX;
    expect("program headers");
    elf.header.e_phoff = sizeof(elf);
    expect("program headers");
    elf.header.e_phoff = UINT64_MAX;
    expect("program headers");
    elf.program[1].p_filesz = 0x401;
    expect("outside the file");
    elf.program[1].p_offset = sizeof(elf) - 255;
    expect("outside the file");
    elf.program[1].p_offset = UINT64_MAX;
    expect("outside the file");
    elf.program[1].p_filesz = UINT64_MAX;
    elf.program[1].p_memsz = UINT64_MAX;
    expect("outside the file");
}

static void a_segment_outside_the_memory_is_refused(void)
{
    make_elf();
    elf.program[1].p_paddr = BASE - 1;
    expect("outside the partition's memory");
    elf.program[1].p_paddr = BASE + MEMORY_SIZE - 0x3FF;
    expect("outside the partition's memory");
    elf.program[1].p_paddr = UINT64_MAX - 0x100;
    expect("outside the partition's memory");
    elf.program[1].p_memsz = UINT64_MAX - BASE;
    expect("outside the partition's memory");
    elf.program[1].p_paddr = 0;
    expect("outside the partition's memory");
    elf.program[1].p_paddr = BASE + FILE_AT - 0x3FF;
    expect("memory for twice the payload");
    elf.header.e_entry = BASE - 4;
    assert_string_equal(place(sizeof(elf)), "starts outside the partition's memory");
    make_elf();
    elf.header.e_entry = BASE + MEMORY_SIZE - 2;
    assert_string_equal(place(sizeof(elf)), "starts outside the partition's memory");
}

static void i8_every_corrupt_byte_of_an_elf_file_is_accepted_or_refused_within_bounds(void)
{
    uint64_t seed = 77;

    for (unsigned int i = 0; i < 20000; i++) {
        make_elf();
        uint8_t *byte = (uint8_t *)&elf + random_next(&seed) % (sizeof(elf) - 256);

        *byte ^= (uint8_t)(1 + random_next(&seed) % 255);
        if (place(sizeof(elf)) == NULL)
            assert_true(range_inside(entry, 4, BASE, MEMORY_SIZE));
    }
}

static void i8_every_truncation_of_an_elf_file_is_accepted_or_refused_within_bounds(void)
{
    for (uint64_t size = 0; size < sizeof(elf); size++) {
        make_elf();
        /* The rest of the memory behind it is out of bounds for the reader. */
        memcpy(memory + MEMORY_SIZE - size, &elf, size);
        payload_place(memory + MEMORY_SIZE - size, size, memory, MEMORY_SIZE, BASE, aarch32,
                      &entry);
    }
}

/* ---- Bundles ------------------------------------------------------------------------------------- */

static uint64_t bundle_size;
static struct bundle bundle;

static void make_bundle(void)
{
    machine_plain();
    bundle_size = machine_bundle();
}

static struct bundle_header *header(void)
{
    return memory_pointer(INITRD_ADDRESS);
}

static struct bundle_entry *entries(void)
{
    return (struct bundle_entry *)(header() + 1);
}

static void expect_bundle(const char *text)
{
    const char *error = bundle_open(&bundle, INITRD_ADDRESS, bundle_size);

    assert_non_null(error);
    if (strstr(error, text) == NULL)
        fail_msg("the error is \"%s\", not \"%s\"", error, text);
    make_bundle();
}

static void a_good_bundle_opens_and_its_contents_have_their_digests(void)
{
    uint8_t copy[64];

    make_bundle();
    assert_null(bundle_open(&bundle, INITRD_ADDRESS, bundle_size));
    const struct bundle_entry *file = bundle_find(&bundle, "flat.bin");

    assert_non_null(file);
    assert_true(bundle_copy(&bundle, file, copy));
    assert_null(bundle_find(&bundle, "set.dts"));
    assert_null(bundle_find(&bundle, ""));
}

static void a_damaged_content_is_found(void)
{
    static uint8_t copy[64];

    make_bundle();
    assert_null(bundle_open(&bundle, INITRD_ADDRESS, bundle_size));
    const struct bundle_entry *file = bundle_find(&bundle, "flat.bin");

    for (uint64_t i = 0; i < file->size; i++) {
        uint8_t *byte = memory_pointer(INITRD_ADDRESS + file->offset + i);

        *byte ^= 0x10;
        assert_false(bundle_copy(&bundle, file, copy));
        *byte ^= 0x10;
    }
    assert_true(bundle_copy(&bundle, file, copy));
}

static void i10_the_entries_that_were_checked_are_the_ones_that_are_used(void)
{
    make_bundle();
    assert_null(bundle_open(&bundle, INITRD_ADDRESS, bundle_size));
    entries()[1].offset = UINT64_MAX;
    entries()[1].size = UINT64_MAX;
    assert_true(bundle_find(&bundle, "flat.bin")->size < PAGE_SIZE);
}

static void a_corrupt_bundle_is_refused_with_a_reason(void)
{
    make_bundle();
    header()->magic[0] = 'X';
    expect_bundle("not a Bulkhead bundle");
    header()->version = 2;
    expect_bundle("version");
    header()->count = 0;
    expect_bundle("corrupt");
    header()->count = BUNDLE_ENTRIES + 1;
    expect_bundle("corrupt");
    header()->count = UINT32_MAX;
    expect_bundle("corrupt");
    header()->size = sizeof(struct bundle_header);
    expect_bundle("corrupt");
    header()->size = bundle_size + 1;
    expect_bundle("truncated");
    entries()[1].offset = bundle_size + 1;
    expect_bundle("entry of the bundle is corrupt");
    entries()[1].size = bundle_size;
    expect_bundle("entry of the bundle is corrupt");
    entries()[0].size = UINT64_MAX;
    expect_bundle("entry of the bundle is corrupt");
    memset(entries()[1].name, 'n', BUNDLE_NAME);
    expect_bundle("entry of the bundle is corrupt");
}

static void i8_a_bundle_truncated_anywhere_is_refused(void)
{
    make_bundle();
    for (uint64_t size = 0; size < bundle_size; size++)
        assert_non_null(bundle_open(&bundle, INITRD_ADDRESS, size));
}

static void a_segment_without_memory_is_nothing_wherever_it_says_it_lies(void)
{
    make_elf();
    elf.program[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = 0x10, .p_offset = UINT64_MAX };
    assert_null(place(sizeof(elf)));
}

static void a_segment_larger_in_the_file_than_in_memory_is_refused(void)
{
    make_elf();
    elf.program[1].p_memsz = 255;
    assert_string_equal(place(sizeof(elf)),
                        "is a corrupt ELF file: a segment lies outside the file");
}

static void a_segment_that_wraps_around_is_refused(void)
{
    make_elf();
    elf.program[1].p_filesz = 0;
    elf.program[1].p_memsz = UINT64_MAX - BASE;
    assert_string_equal(place(sizeof(elf)),
                        "does not fit: a segment lies outside the partition's memory");
}

static void more_program_headers_than_are_read_are_refused(void)
{
    static Elf64_Phdr none[34];

    make_elf();
    elf.header.e_phnum = 33;
    elf.header.e_phoff = 0x1000;
    memcpy(memory + FILE_AT, &elf, sizeof(elf));
    memcpy(memory + FILE_AT + 0x1000, none, sizeof(none));
    assert_string_equal(
        payload_place(memory + FILE_AT, 0x3000, memory, MEMORY_SIZE, BASE, aarch32, &entry),
        "is a corrupt ELF file: its program headers");
    ((Elf64_Ehdr *)(memory + FILE_AT))->e_phnum = 32;
    assert_null(
        payload_place(memory + FILE_AT, 0x3000, memory, MEMORY_SIZE, BASE, aarch32, &entry));
}

static void a_bundle_smaller_than_its_header_is_truncated(void)
{
    const char *error;

    host_reset();
    error = bundle_open(&bundle, HOST_MEMORY_BASE, sizeof(struct bundle_header) - 1);
    assert_string_equal(error, "the bundle is truncated");
}

static void a_bundle_whose_entries_lie_behind_its_end_is_corrupt(void)
{
    struct bundle_header header = { .version = BUNDLE_VERSION, .count = 1, .size = sizeof(header) };
    const char *error;

    host_reset();
    memcpy(header.magic, BUNDLE_MAGIC, sizeof(header.magic));
    memcpy(memory_pointer(HOST_MEMORY_BASE), &header, sizeof(header));
    error = bundle_open(&bundle, HOST_MEMORY_BASE, PAGE_SIZE);
    assert_non_null(error);
    assert_string_equal(error, "the bundle's header is corrupt");
}

int run_payload_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_elf_file_stands_at_its_physical_addresses),
        TEST(a_flat_binary_stands_at_the_start_of_memory),
        TEST(a_good_elf32_file_stands_at_its_physical_addresses),
        TEST(an_entry_in_t32_code_keeps_its_bit),
        TEST(an_elf_file_for_the_other_width_is_refused),
        TEST(a_header_is_whole_or_cut_by_its_own_width),
        TEST(a_corrupt_elf32_file_is_refused),
        TEST(i8_every_corrupt_byte_of_an_elf32_file_is_accepted_or_refused_within_bounds),
        TEST(i8_every_truncation_of_an_elf32_file_is_accepted_or_refused_within_bounds),
        TEST(a_flat_binary_is_for_either_width),
        TEST(an_elf_file_for_another_machine_is_refused),
        TEST(a_corrupt_elf_file_is_refused),
        TEST(a_segment_outside_the_memory_is_refused),
        TEST(i8_every_corrupt_byte_of_an_elf_file_is_accepted_or_refused_within_bounds),
        TEST(i8_every_truncation_of_an_elf_file_is_accepted_or_refused_within_bounds),
        TEST(a_good_bundle_opens_and_its_contents_have_their_digests),
        TEST(a_damaged_content_is_found),
        TEST(i10_the_entries_that_were_checked_are_the_ones_that_are_used),
        TEST(a_corrupt_bundle_is_refused_with_a_reason),
        TEST(i8_a_bundle_truncated_anywhere_is_refused),
        TEST(a_segment_without_memory_is_nothing_wherever_it_says_it_lies),
        TEST(a_segment_larger_in_the_file_than_in_memory_is_refused),
        TEST(a_segment_that_wraps_around_is_refused),
        TEST(more_program_headers_than_are_read_are_refused),
        TEST(a_bundle_smaller_than_its_header_is_truncated),
        TEST(a_bundle_whose_entries_lie_behind_its_end_is_corrupt),
    };

    return RUN_GROUP("kernel/payload and bundle");
}
