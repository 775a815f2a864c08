/* SPDX-License-Identifier: Apache-2.0 */
/* A board's tree that the hypervisor would not start on: its reader tells what it leaves out, and goes on. */
#include <string.h>

#include "edit.h"
#include "fdt_bench.h"
#include "groups.h"

#define HOST "/pcie@3f000000"
#define NOTES 32

static struct {
    unsigned int count;
    struct {
        char node[64];
        const char *text;
        bool refused;
    } note[NOTES];
} told;

static void take_note(void *context, int node, const char *text, bool refused)
{
    assert_ptr_equal(context, &told);
    assert_true(told.count < NOTES);
    told.note[told.count].node[0] = '\0';
    if (node >= 0)
        assert_int_equal(
            fdt_get_path(fdt_copy, node, told.note[told.count].node, sizeof(told.note[0].node)), 0);
    told.note[told.count].text = text;
    told.note[told.count++].refused = refused;
}

/* Reads what fdt_bench_read() has taken once more. How many blocks the tree has. */
static uint32_t look(uint32_t skip)
{
    struct fdt_survey survey = { .left_out = take_note, .context = &told, .skip = skip };

    told.count = 0;
    fdt_survey_topology(fdt_copy, &fdt_found, &survey);
    return survey.blocks;
}

/* The text of the note on a node; fails the test if there is none of that kind. */
static void expect_told(const char *node, const char *text, bool refused)
{
    for (unsigned int i = 0; i < told.count; i++) {
        if (strcmp(told.note[i].node, node) == 0 && strstr(told.note[i].text, text) != NULL &&
            told.note[i].refused == refused)
            return;
    }
    fail_msg("nobody was told \"%s: %s\"", node, text);
}

static void of_a_machine_that_starts_a_survey_reads_what_a_boot_reads(void)
{
    static struct topology booted;

    expect_accepted(NULL);
    booted = fdt_found;
    assert_int_equal(look(0), booted.block_count);
    assert_memory_equal(&fdt_found, &booted, sizeof(booted));
    for (unsigned int i = 0; i < told.count; i++)
        assert_false(told.note[i].refused);
}

static void two_faults(void *tree)
{
    edit_remove(tree, HOST, "reg");
    EDIT_CELLS(tree, "/chosen", "linux,initrd-start", 0x48000000);
    EDIT_CELLS(tree, "/chosen", "linux,initrd-end", 0x47000000);
}

static void what_a_boot_ends_for_is_told_and_the_rest_is_read(void)
{
    expect_refused(two_faults, HOST, "a PCI host without reg");
    look(0);
    expect_told(HOST, "a PCI host without reg", true);
    expect_told("/chosen", "linux,initrd-end is missing or not behind", true);
    assert_int_equal(fdt_found.host_count, 0);
    assert_int_equal(fdt_found.iommu_count, 1);
    assert_true(fdt_found.gicv3);
}

static void strange_map(void *tree)
{
    EDIT_CELLS(tree, HOST, "iommu-map", 0, 0x7777, 0, 0x10000);
}

static void a_map_that_cannot_be_followed_costs_the_host_its_streams_alone(void)
{
    expect_refused(strange_map, HOST, "iommu-map names an IOMMU that is not in the tree");
    look(0);
    expect_told(HOST, "iommu-map names an IOMMU that is not in the tree", true);
    assert_int_equal(fdt_found.host_count, 1);
    assert_int_equal(fdt_found.host[0].map_count, 0);
    assert_int_not_equal(fdt_found.memory_count, 0);
}

static void deep_nodes(void *tree)
{
    char path[64] = "";

    for (unsigned int i = 0; i < 9; i++) {
        edit_add(tree, path[0] == '\0' ? "/" : path, "n");
        strcat(path, "/n");
    }
    edit_add(tree, "/", "m");
    edit_text(tree, "/m", "compatible", "test,block");
    EDIT_CELLS(tree, "/m", "reg", 0, 0x0C000000, 0, 0x1000);
}

static void nodes_below_what_the_reader_follows_are_passed_over(void)
{
    expect_refused(deep_nodes, "/n/n/n/n/n/n/n/n", "nodes are nested too deeply");
    look(0);
    expect_told("/n/n/n/n/n/n/n/n", "nodes are nested too deeply", true);
    expect_told("/n/n/n/n/n/n/n/n/n", "nodes are nested too deeply", true);
    assert_non_null(fdt_bench_block("/m"));
}

static void odd_blocks(void *tree)
{
    edit_add(tree, "/", "a-name-that-is-rather-long-for-a-node@c000000");
    edit_text(tree, "/a-name-that-is-rather-long-for-a-node@c000000", "compatible", "test,block");
    edit_flag(tree, "/a-name-that-is-rather-long-for-a-node@c000000", "ranges");
    edit_add(tree, "/a-name-that-is-rather-long-for-a-node@c000000", "p");
    edit_text(tree, "/a-name-that-is-rather-long-for-a-node@c000000/p", "compatible", "test,block");
    EDIT_CELLS(tree, "/a-name-that-is-rather-long-for-a-node@c000000/p", "reg", 0, 0x0C000000,
               0x1000);
    edit_add(tree, "/", "bus");
    EDIT_CELLS(tree, "/bus", "ranges", 0, 0, 1, 0, 0x1000);
    edit_add(tree, "/bus", "part");
    edit_text(tree, "/bus/part", "compatible", "test,block");
    EDIT_CELLS(tree, "/bus/part", "reg", 0, 0, 0x1000);
    edit_add(tree, "/", "bare");
    edit_text(tree, "/bare", "compatible", "test,block");
}

static void a_node_that_is_no_block_is_told_with_its_reason(void)
{
    expect_accepted(odd_blocks);
    look(0);
    expect_told("/a-name-that-is-rather-long-for-a-node@c000000/p", "a node path that is longer",
                false);
    expect_told("/bus/part", "stands on a bus that translates addresses", false);
    expect_told("/bare", "has no registers", false);
}

static void blocks_beyond_the_table_are_counted_and_read_from_where_it_ended(void)
{
    struct tree_options options = machine_tree_plain();

    expect_accepted(NULL);
    uint32_t before = fdt_found.block_count;

    options.blocks = TOPOLOGY_BLOCKS + 3;
    machine_tree(fdt_blob, sizeof(fdt_blob), &options);
    assert_true(fdt_bench_take());
    uint32_t blocks = look(0);

    assert_int_equal(fdt_found.block_count, TOPOLOGY_BLOCKS);
    assert_in_range(blocks, TOPOLOGY_BLOCKS + 3, TOPOLOGY_BLOCKS + 3 + before);
    assert_int_equal(look(TOPOLOGY_BLOCKS), blocks);
    assert_int_equal(fdt_found.block_count, blocks - TOPOLOGY_BLOCKS);
    assert_int_equal(look(blocks), blocks);
    assert_int_equal(fdt_found.block_count, 0);
}

int run_survey_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_a_machine_that_starts_a_survey_reads_what_a_boot_reads),
        TEST(what_a_boot_ends_for_is_told_and_the_rest_is_read),
        TEST(a_map_that_cannot_be_followed_costs_the_host_its_streams_alone),
        TEST(nodes_below_what_the_reader_follows_are_passed_over),
        TEST(a_node_that_is_no_block_is_told_with_its_reason),
        TEST(blocks_beyond_the_table_are_counted_and_read_from_where_it_ended),
    };

    return RUN_GROUP("topology/fdt, surveys");
}
