/* SPDX-License-Identifier: Apache-2.0 */
/* Register blocks on one page: one group, a page that comes with the first and goes with the last (kernel/group.c,
 * kernel/assign.c). */
#include <stdio.h>
#include <string.h>

#include "boot_bench.h"
#include "edit.h"
#include "groups.h"
#include "machine.h"
#include "observer.h"

#define STRUCTURE UINT64_C(0x40100000)
#define A "/block@b000000"
#define B "/block@b001000"
#define C "/block@b002000"
#define PAGE(n) (UINT64_C(0x0B000000) + (n)*PAGE_SIZE)
#define VIRTIO 0x0A000000 /* 512 bytes that nobody may have */

static void place(void *tree, const char *block, uint32_t address, uint32_t size)
{
    EDIT_CELLS(tree, block, "reg", 0, address, 0, size);
}

static void on_one_page(void *tree)
{
    place(tree, A, (uint32_t)PAGE(0), 0x400);
    place(tree, B, (uint32_t)PAGE(0) + 0x400, 0x400);
}

/* The second page is both's. */
static void across_pages(void *tree)
{
    place(tree, A, (uint32_t)PAGE(0), 0x1400);
    place(tree, B, (uint32_t)PAGE(1) + 0x400, 0x1000);
    place(tree, C, (uint32_t)PAGE(8), 0x1000);
}

static void build(void (*edit)(void *tree))
{
    machine_plain();
    machine.tree.blocks = 3;
    machine.tree.edit = edit;
    machine.partition[0].block[0] = A;
    machine.partition[0].block[1] = B;
}

static void start(void (*edit)(void *tree))
{
    build(edit);
    observer_start();
    machine_boot();
}

static uint64_t id_of(const char *block)
{
    return device_find(block)->id;
}

static struct bh_device_info info_of(const char *block)
{
    struct bh_device_info *info = guest(0, STRUCTURE);

    for (uint64_t index = 0;; index++) {
        memset(info, 0, sizeof(*info));
        info->size = sizeof(*info);
        assert_int_equal(call2(0, BH_CALL_DEVICE_INFO, index, STRUCTURE), BH_OK);
        if (info->device == id_of(block))
            return *info;
    }
}

/* Bit n: the partition's CPU has page n, and at its own address. */
static void expect_pages(uint32_t pages)
{
    for (unsigned int n = 0; n < 4; n++) {
        uint64_t entry, size;
        bool seen = pagetable_lookup(&partitions.partition[0].stage2, PAGE(n), &entry, &size);

        assert_int_equal(seen, pages >> n & 1);
        if (seen)
            assert_int_equal((entry & BITS(47, 12)) + (PAGE(n) & (size - 1)), PAGE(n));
    }
}

static void unbind(const char *block)
{
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, id_of(block)), BH_OK);
}

static void row_5_5_blocks_on_one_page_are_one_group(void)
{
    start(on_one_page);
    assert_int_equal(info_of(A).group, info_of(B).group);
    assert_int_equal(info_of(A).group_reasons, BH_GROUP_REGISTERS);
    assert_int_equal(info_of(B).group_members, 2);
    assert_int_equal(info_of(B).bar[0].address, PAGE(0) + 0x400);
    assert_int_equal(info_of(B).bar[0].bytes, 0x400);
    assert_ptr_not_equal(device_find(C)->group, device_find(A)->group);
    assert_console(A " and 1 more are one group: registers on one page");
}

static void row_5_5_a_set_that_splits_a_page_is_refused_and_says_why(void)
{
    build(on_one_page);
    machine.partition[0].block[1] = NULL;
    expect_boot_refused("path: " A " and " B " are one group, which cannot be split: list both for "
                        "one, or neither (registers on one page)");
}

static void row_0_9_a_page_of_registers_has_one_owner(void)
{
    build(on_one_page);
    machine_partition("two")->block[0] = A;
    machine.partition[1].block[1] = B;
    observer_start();
    machine_boot();
    assert_int_equal(bind(0, id_of(A), 1), BH_OK);
    assert_int_equal(call2(1, BH_CALL_DEVICE_BIND, id_of(B), 1), BH_EPERM);
    assert_int_equal(bind(0, id_of(B), 2), BH_OK);
    unbind(A);
    assert_int_equal(call2(1, BH_CALL_DEVICE_BIND, id_of(A), 1), BH_EPERM);
}

static void i13_a_page_comes_with_the_first_of_its_blocks_and_goes_with_the_last(void)
{
    start(on_one_page);
    for (unsigned int turn = 0; turn < 2; turn++) {
        assert_int_equal(bind(0, id_of(A), 1), BH_OK);
        expect_pages(1);
        assert_int_equal(bind(0, id_of(B), 2), BH_OK);
        expect_pages(1);
        unbind(turn == 0 ? A : B);
        expect_pages(1);
        unbind(turn == 0 ? B : A);
        expect_pages(0);
    }
}

static void i13_of_blocks_that_share_one_page_of_several_the_others_come_and_go_alone(void)
{
    start(across_pages);
    assert_int_equal(bind(0, id_of(A), 1), BH_OK);
    expect_pages(3);
    assert_int_equal(bind(0, id_of(B), 2), BH_OK);
    expect_pages(7);
    unbind(A);
    expect_pages(6);
    assert_int_equal(bind(0, id_of(A), 1), BH_OK);
    unbind(B);
    expect_pages(3);
    unbind(A);
    expect_pages(0);
}

static void i6_a_page_of_a_partition_that_ends_goes_with_it(void)
{
    start(on_one_page);
    assert_int_equal(bind(0, id_of(A), 1), BH_OK);
    assert_int_equal(bind(0, id_of(B), 2), BH_OK);
    call2(0, BH_CALL_POWER, BH_POWER_OFF, 0);
    assert_int_equal(owner_decode(atomic_load(&device_find(A)->group->owner)).state, OWNER_NONE);
    expect_pages(0);
}

static void two_ranges_on_one_page(void *tree)
{
    EDIT_CELLS(tree, A, "reg", 0, (uint32_t)PAGE(0), 0, 0x100, 0, (uint32_t)PAGE(0) + 0x800, 0,
               0x100);
}

static void a_block_with_two_ranges_on_one_page_stands_alone_and_has_the_page_once(void)
{
    start(two_ranges_on_one_page);
    assert_int_equal(info_of(A).group_reasons, 0);
    assert_int_equal(bind(0, id_of(A), 1), BH_OK);
    expect_pages(1);
    unbind(A);
    expect_pages(0);
}

/* ---- What nobody may have stands on the page -------------------------------------------------------- */

static void beside_virtio(void *tree)
{
    place(tree, A, VIRTIO + 0x200, 0x1000);
    place(tree, B, VIRTIO + 0x1200, 0x200);
}

static void beside_the_console(void *tree)
{
    EDIT_CELLS(tree, "/pl011@9000000", "reg", 0, (uint32_t)SERIAL_BASE, 0, 0x400);
    place(tree, A, (uint32_t)SERIAL_BASE + 0x400, 0x400);
}

static void beside_configuration_space(void *tree)
{
    EDIT_CELLS(tree, "/pcie@3f000000", "reg", 0, (uint32_t)ECAM_BASE, 0,
               (ECAM_BUSES << 20) - 0x400);
    EDIT_CELLS(tree, "/pcie@3f000000", "bus-range", 0, ECAM_BUSES - 2);
    place(tree, A, (uint32_t)ECAM_BASE + (ECAM_BUSES << 20) - 0x400, 0x400);
}

#define REFUSED " cannot be assigned: it shares register pages with something that nobody may have"

static void i13_a_block_on_the_page_of_one_that_nobody_may_have_is_nobodys_and_so_is_its_neighbour(
    void)
{
    build(beside_virtio);
    expect_boot_refused(A REFUSED);
    assert_non_null(device_find(B)->refusal);
    assert_null(device_find(C)->refusal);
}

static void i13_a_block_on_the_page_of_the_console_is_nobodys(void)
{
    build(beside_the_console);
    expect_boot_refused(A REFUSED);
}

static void i13_a_block_on_the_page_of_configuration_space_is_nobodys(void)
{
    build(beside_configuration_space);
    expect_boot_refused(A REFUSED);
}

static void i13_a_part_of_a_page_is_nobodys_where_the_list_of_nodes_is_full(void)
{
    build(on_one_page);
    machine.tree.blocks = TOPOLOGY_BLOCKS;
    expect_boot_refused(A REFUSED);
    assert_null(device_find(C)->refusal);
}

/* Nodes of 20 ranges each, of which two are kept of each: far more than the rest has room for. */
static void many_ranges(void *tree)
{
    on_one_page(tree);
    for (uint32_t n = 0; n < 4; n++) {
        char name[32], path[40];
        uint32_t cell[80];

        for (size_t i = 0; i < 20; i++) {
            cell[4 * i] = 0;
            cell[4 * i + 1] = 0x0D000000 + n * 0x100000 + (uint32_t)i * 0x1000;
            cell[4 * i + 2] = 0;
            cell[4 * i + 3] = 0x1000;
        }
        snprintf(name, sizeof(name), "many@d%x00000", n);
        snprintf(path, sizeof(path), "/%s", name);
        edit_add(tree, "/", name);
        edit_text(tree, path, "compatible", "test,many");
        edit_cell_array(tree, path, "reg", cell, 80);
    }
}

static void i13_a_part_of_a_page_is_nobodys_where_not_all_registers_are_known(void)
{
    build(many_ranges);
    expect_boot_refused(A REFUSED);
    assert_null(device_find(C)->refusal);
}

int run_pages_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_5_5_blocks_on_one_page_are_one_group),
        TEST(row_5_5_a_set_that_splits_a_page_is_refused_and_says_why),
        TEST(row_0_9_a_page_of_registers_has_one_owner),
        TEST(i13_a_page_comes_with_the_first_of_its_blocks_and_goes_with_the_last),
        TEST(i13_of_blocks_that_share_one_page_of_several_the_others_come_and_go_alone),
        TEST(i6_a_page_of_a_partition_that_ends_goes_with_it),
        TEST(a_block_with_two_ranges_on_one_page_stands_alone_and_has_the_page_once),
        TEST(
            i13_a_block_on_the_page_of_one_that_nobody_may_have_is_nobodys_and_so_is_its_neighbour),
        TEST(i13_a_block_on_the_page_of_the_console_is_nobodys),
        TEST(i13_a_block_on_the_page_of_configuration_space_is_nobodys),
        TEST(i13_a_part_of_a_page_is_nobodys_where_the_list_of_nodes_is_full),
        TEST(i13_a_part_of_a_page_is_nobodys_where_not_all_registers_are_known),
    };

    return RUN_GROUP("kernel/group, pages of registers");
}
