/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of fw_cfg (drivers/topology/fw_cfg.c): files, and the script that makes ACPI tables of them. */
#include <string.h>

#include "fw_cfg_bench.h"
#include "groups.h"

#define CAPACITY 0x8000
#define CORRUPTIONS 5000

static uint8_t some[64];

static void expect_good(void)
{
    if (!fw_read(CAPACITY))
        fail_msg("refused: %s: %s", fw_error.node, fw_error.text);
}

static void expect_refused(const char *node, const char *text)
{
    if (fw_read(CAPACITY))
        fail_msg("accepted; expected: %s: %s", node, text);
    if (strcmp(fw_error.node, node) != 0 || strstr(fw_error.text, text) == NULL)
        fail_msg("refused with \"%s: %s\", not \"%s: %s\"", fw_error.node, fw_error.text, node,
                 text);
}

static uint64_t little_endian(const uint8_t *bytes, unsigned int width)
{
    uint64_t value = 0;

    while (width-- > 0)
        value = value << 8 | bytes[width];
    return value;
}

/* ---- What is right ---------------------------------------------------------------------------------------- */

static void the_script_makes_the_tables_that_lie_in_memory_elsewhere(void)
{
    static char by_file[DUMP_SIZE], by_memory[DUMP_SIZE];

    fw_plain();
    expect_good();
    if (!acpi_read_topology(&fw_area, fw_rsdp, &acpi_found, &acpi_error))
        fail_msg("refused: %s: %s", acpi_error.node, acpi_error.text);
    topology_dump(&acpi_found, by_file);
    expect_acpi_accepted(NULL, NULL);
    topology_dump(&acpi_found, by_memory);
    assert_string_equal(by_file, by_memory);
}

static void tables_are_padded_and_the_padding_needs_no_room(void)
{
    fw_plain();
    assert_true(fw_read(CAPACITY));
    assert_true(fw_area.size < CAPACITY);
    fw.tables[FW_TABLES_SIZE - 1] = 1;
    expect_refused("etc/table-loader+0x80", "larger than the hypervisor's copy of it can be");
}

static void a_read_goes_through_the_files_a_few_times_and_no_more(void)
{
    fw_plain();
    expect_good();
    assert_in_range(fw.reads, FW_TABLES_SIZE / 8, 2 * FW_TABLES_SIZE / 8);
}

static void commands_that_tell_the_machine_something_and_empty_ones_are_passed_over(void)
{
    fw_plain();
    fw_command(4);
    fw_command(0);
    expect_good();
}

/* ---- Files ------------------------------------------------------------------------------------------------- */

static void without_a_device_or_its_files_there_are_no_tables(void)
{
    fw_plain();
    fw.signature[3] = 'V';
    expect_refused("fw_cfg", "no fw_cfg where the device tree has one");
    fw_empty();
    expect_refused("etc/table-loader", "a file that fw_cfg does not have");
    fw_plain();
    fw.file[1].name = "etc/acpi/rsdq";
    expect_refused("etc/acpi/rsdp", "a file that fw_cfg does not have");
    fw_plain();
    fw.file[1].name = "etc/acpi/rsdp2";
    expect_refused("etc/acpi/rsdp", "a file that fw_cfg does not have");
    fw_plain();
    fw.claimed_count = 257;
    expect_refused("etc/table-loader", "more files than are looked through");
    fw.claimed_count = 256; /* those behind the last one have no name */
    expect_good();
}

static void a_file_that_is_too_large_is_refused(void)
{
    fw_plain();
    fw.file[3].size -= 1;
    expect_refused("etc/table-loader", "a script that is cut off or too long");
    fw.file[3].size = 0x4000 + 128;
    expect_refused("etc/table-loader", "a script that is cut off or too long");
    fw_plain();
    assert_false(fw_read(0));
    assert_non_null(strstr(fw_error.text, "no room for the script"));
    assert_false(fw_read(sizeof(fw.script) - 1));
    assert_non_null(strstr(fw_error.text, "no room for the script"));
    fw_plain();
    fw.file[2].size = 0x100001;
    expect_refused("etc/table-loader+0x80", "larger than the hypervisor's copy of it can be");
    assert_true(fw.reads < 0x1000);
}

static void every_capacity_is_kept(void)
{
    bool good = false;

    fw_plain();
    for (uint64_t capacity = 0; capacity < CAPACITY && !good; capacity += 61)
        good = fw_read(capacity);
    assert_true(good);
}

/* ---- Commands ----------------------------------------------------------------------------------------------- */

/* A device with a file of 64 bytes that is allocated, by its first command. */
static void begin(void)
{
    memset(some, 0, sizeof(some));
    fw_empty();
    fw_add("some", some, sizeof(some));
    fw_add(FW_RSDP, fw.rsdp, sizeof(fw.rsdp));
    fw_add(FW_SCRIPT, fw.script, sizeof(fw.script));
    fw_allocate("some", 8);
}

static void a_script_that_leaves_no_root_pointer_is_refused(void)
{
    begin();
    expect_refused(FW_RSDP, "a file that the script does not allocate");
    fw_allocate(FW_RSDP, 16);
    expect_good();
}

static void an_allocation_that_is_wrong_in_any_way_is_refused(void)
{
    static const uint32_t alignments[] = { 0, 3, 24, 0x2000, 0x80000000, 0xFFFFFFFF };
    static char names[9][8];

    for (unsigned int i = 0; i < ARRAY_LENGTH(alignments); i++) {
        begin();
        fw_allocate(FW_RSDP, alignments[i]);
        expect_refused("etc/table-loader+0x80", "an alignment that is none");
    }
    begin();
    fw_allocate("some", 8);
    expect_refused("etc/table-loader+0x80", "allocated twice");
    begin();
    fw_allocate("other", 8);
    expect_refused("other", "a file that fw_cfg does not have");
    begin();
    fw_allocate("0123456789012345678901234567890123456789012345678901234567890", 8);
    expect_refused("etc/table-loader+0x80", "a file name that does not end");
    fw_empty();
    fw_add(FW_SCRIPT, fw.script, sizeof(fw.script));
    for (unsigned int i = 0; i < 9; i++) {
        names[i][0] = (char)('a' + i);
        fw_add(names[i], some, sizeof(some));
        fw_allocate(names[i], 1);
    }
    expect_refused("etc/table-loader+0x400", "more files than the hypervisor keeps");
}

static void files_lie_where_their_alignment_says(void)
{
    begin();
    memset(some, 0x11, sizeof(some));
    fw_allocate(FW_RSDP, 4096);
    expect_good();
    assert_true(is_aligned(fw_rsdp, 4096));
}

static void a_pointer_that_is_wrong_in_any_way_is_refused(void)
{
    static const uint8_t sizes[] = { 0, 3, 5, 6, 7, 9, 16, 255 };

    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        begin();
        fw_pointer("some", "some", 0, sizes[i]);
        expect_refused("etc/table-loader+0x80", "a pointer of a size that none has");
    }
    begin();
    fw_pointer("some", "other", 0, 8);
    expect_refused("etc/table-loader+0x80", "a file that was not allocated");
    begin();
    fw_pointer("other", "some", 0, 8);
    expect_refused("etc/table-loader+0x80", "a file that was not allocated");
    begin();
    fw_pointer("some", "some", 57, 8);
    expect_refused("etc/table-loader+0x80", "a pointer outside its file");
    begin();
    fw_pointer("some", "some", 0xFFFFFFFF, 1);
    expect_refused("etc/table-loader+0x80", "a pointer outside its file");
    begin();
    some[0] = 64;
    fw_pointer("some", "some", 0, 8);
    expect_refused("etc/table-loader+0x80", "a pointer that leads out of its file");
    begin();
    memset(some, 0xFF, 8);
    fw_pointer("some", "some", 0, 8);
    expect_refused("etc/table-loader+0x80", "a pointer that leads out of its file");
    begin();
    fw_pointer("some", "some", 0, 1);
    expect_refused("etc/table-loader+0x80", "a pointer that is too narrow");
}

static void a_pointer_is_moved_to_where_its_file_lies(void)
{
    begin();
    some[60] = 5;
    fw_pointer("some", "some", 60, 4);
    fw_allocate(FW_RSDP, 1);
    expect_good();
    /* The script lies first, the file behind it, and both at the base of the area. */
    uint64_t at = sizeof(fw.script) < PAGE_SIZE ? sizeof(fw.script) : PAGE_SIZE;

    assert_int_equal(little_endian(fw_buffer + at + 60, 4), fw_area.base + at + 5);
    assert_int_equal(fw_rsdp, fw_area.base + at + 64);
}

static void a_checksum_that_is_wrong_in_any_way_is_refused(void)
{
    static const uint32_t wrong[][3] = {
        { 0, 0, 0 },  { 0, 1, 63 },          { 63, 0, 63 },
        { 0, 0, 65 }, { 64, 64, 1 },         { 0, 0, 0xFFFFFFFF },
        { 1, 1, 64 }, { 0xFFFFFFFF, 0, 64 }, { 0, 0xFFFFFFFF, 1 }
    };

    for (unsigned int i = 0; i < ARRAY_LENGTH(wrong); i++) {
        begin();
        fw_checksum("some", wrong[i][0], wrong[i][1], wrong[i][2]);
        expect_refused("etc/table-loader+0x80", "a checksum outside its table or its file");
    }
    begin();
    fw_checksum("other", 0, 0, 1);
    expect_refused("etc/table-loader+0x80", "a file that was not allocated");
}

static void a_command_that_is_not_known_is_refused(void)
{
    begin();
    fw_command(5);
    expect_refused("etc/table-loader+0x80", "a command that is not known");
    begin();
    fw_command(0x80000001);
    expect_refused("etc/table-loader+0x80", "a command that is not known");
}

static void i8_a_script_with_corrupt_bytes_is_carried_out_or_refused_within_bounds(void)
{
    unsigned int carried_out = 0, accepted = 0;
    uint64_t seed = 0xF3C6;

    for (unsigned int i = 0; i < campaign(CORRUPTIONS); i++) {
        fw_plain();
        fw.file[2].size = 0x2000; /* the rest is zeroes */
        for (uint64_t changes = random_next(&seed) % 3 + 1; changes > 0; changes--)
            fw.script[random_next(&seed) % ((uint64_t)fw.command_count * 128)] = (uint8_t)
                random_next(&seed);
        if (!fw_read(CAPACITY))
            continue;
        carried_out++;
        memset(&acpi_found, 0, sizeof(acpi_found));
        accepted += acpi_read_topology(&fw_area, fw_rsdp, &acpi_found, &acpi_error);
    }
    assert_true(accepted > 0 && accepted <= carried_out && carried_out < campaign(CORRUPTIONS));
}

int run_fw_cfg_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_script_makes_the_tables_that_lie_in_memory_elsewhere),
        TEST(tables_are_padded_and_the_padding_needs_no_room),
        TEST(a_read_goes_through_the_files_a_few_times_and_no_more),
        TEST(commands_that_tell_the_machine_something_and_empty_ones_are_passed_over),
        TEST(without_a_device_or_its_files_there_are_no_tables),
        TEST(a_file_that_is_too_large_is_refused),
        TEST(every_capacity_is_kept),
        TEST(a_script_that_leaves_no_root_pointer_is_refused),
        TEST(an_allocation_that_is_wrong_in_any_way_is_refused),
        TEST(files_lie_where_their_alignment_says),
        TEST(a_pointer_that_is_wrong_in_any_way_is_refused),
        TEST(a_pointer_is_moved_to_where_its_file_lies),
        TEST(a_checksum_that_is_wrong_in_any_way_is_refused),
        TEST(a_command_that_is_not_known_is_refused),
        TEST(i8_a_script_with_corrupt_bytes_is_carried_out_or_refused_within_bounds),
    };

    return RUN_GROUP("topology/fw_cfg");
}
