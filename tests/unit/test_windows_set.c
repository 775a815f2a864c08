/* SPDX-License-Identifier: Apache-2.0 */
/* Windows (kernel/window.h): what a set may say of them, and what the machine has no place for. */
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/window.h"
#include "machine.h"

#define BASE UINT64_C(0x40000000)
#define AT UINT64_C(0x80000000)
#define SIZE UINT64_C(0x4000)

static struct window_spec *spec;

static struct set set;
static struct set_error error;

static bool read(void)
{
    static _Alignas(8) uint8_t tree[SET_SIZE_LIMIT];

    memset(&error, 0, sizeof(error));
    return set_read(tree, machine_set(tree, sizeof(tree)), &set, &error);
}

/* Refused for that property of the window; then there is a good one again. */
static void expect(const char *property)
{
    if (read())
        fail_msg("accepted, where %s is wrong", property);
    assert_string_equal(error.node, "/windows/samples");
    assert_string_equal(error.property, property);
    assert_true(strlen(error.text) > 10);
    spec = machine_shared();
}

static void a_window_is_read_as_the_set_says(void)
{
    spec = machine_shared();
    spec->writable_by[0] = "two";
    spec->writable_by[1] = NULL;
    spec->address[1] = 0x90000000;
    spec->dma = true;
    assert_true(read());
    assert_int_equal(set.window_count, 1);
    const struct set_window *window = &set.window[0];

    assert_string_equal(window->name, "samples");
    assert_int_equal(window->side[0], 0);
    assert_int_equal(window->side[1], 1);
    assert_int_equal(window->size, SIZE);
    assert_int_equal(window->address[0], AT);
    assert_int_equal(window->address[1], 0x90000000);
    assert_false(window->writes[0]);
    assert_true(window->writes[1]);
    assert_true(window->dma);
    assert_int_equal(window->maps, 8);
    spec->maps = 16;
    spec->dma = false;
    assert_true(read());
    assert_int_equal(set.window[0].maps, 16);
    assert_false(set.window[0].dma);
}

static void a_set_without_windows_has_none(void)
{
    machine_plain();
    assert_true(read());
    assert_int_equal(set.window_count, 0);
    machine_boot();
    assert_int_equal(windows.count, 0);
}

static void drop_windows(void *tree)
{
    assert_int_equal(fdt_del_node(tree, fdt_path_offset(tree, "/windows")), 0);
}

static void a_set_may_do_without_the_node_of_windows(void)
{
    machine_plain();
    machine.edit_set = drop_windows;
    assert_true(read());
    assert_int_equal(set.window_count, 0);
    assert_int_equal(set.partition_count, 1);
}

static void sides_that_are_wrong_are_refused_by_name(void)
{
    spec = machine_shared();
    spec->between[1] = NULL;
    expect("between");
    spec->between[0] = NULL;
    spec->between[1] = NULL;
    expect("between");
    spec->between[1] = "three";
    expect("between");
    spec->between[0] = "zero";
    expect("between");
    spec->between[1] = "one"; /* with itself */
    expect("between");
    spec->writable_by[0] = NULL;
    expect("writable-by");
    spec->writable_by[1] = "three";
    expect("writable-by");
    spec->writable_by[1] = "one"; /* named twice */
    expect("writable-by");
    machine_partition("three");
    spec->writable_by[1] = "three"; /* a partition, and no side of it */
    expect("writable-by");
}

static void sizes_and_addresses_that_are_wrong_are_refused_by_name(void)
{
    static const uint64_t sizes[] = {
        0, 0x800, 0x1001, 0x201000, 0x20200000, 0x40000000, UINT64_MAX & ~UINT64_C(0xFFF)
    };

    spec = machine_shared();
    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes); i++) {
        spec->size = sizes[i];
        expect("size");
    }
    for (unsigned int side = 0; side < 2; side++) {
        spec->address[side] = AT + 0x800;
        expect("at");
        spec->address[side] = BIT(39) - SIZE + PAGE_SIZE;
        expect("at");
        spec->address[side] = BIT(39);
        expect("at");
        spec->address[side] = UINT64_MAX - 0xFFF;
        expect("at");
        spec->address[side] = BASE + 0x3FF000; /* over its own memory, its pool included */
        expect("at");
        spec->address[side] = BASE - PAGE_SIZE;
        expect("at");
        spec->address[side] = 0x0800F000; /* over the interrupt controller */
        expect("at");
        spec->size = 0x200000;
        spec->address[side] = AT + 0x1000; /* blocks need blocks */
        expect("at");
        spec->address[side] = BIT(39) - SIZE;
        assert_true(read());
    }
}

static void a_window_of_an_aarch32_partition_lies_below_4_gib(void)
{
    spec = machine_shared();
    machine.partition[1].aarch32 = true;
    spec->address[1] = BIT(32) - SIZE;
    assert_true(read());
    spec->address[1] = BIT(32);
    expect("at");
}

static void windows_of_one_partition_that_overlap_are_refused_by_name(void)
{
    spec = machine_shared();
    machine_partition("three");
    /* Where another partition has something is no concern of it. */
    machine_window("more", "two", "three")->address[0] = AT + SIZE;
    machine.window[1].address[1] = AT;
    assert_true(read());
    machine.window[1].address[0] = AT + SIZE - PAGE_SIZE;
    assert_false(read());
    assert_string_equal(error.node, "/windows/more");
    assert_string_equal(error.property, "at");
}

static void give_dma_a_value(void *tree)
{
    EDIT_CELLS(tree, "/windows/samples", "dma", 1);
}

static void drop_at(void *tree)
{
    edit_remove(tree, "/windows/samples", "at");
}

static void drop_writers(void *tree)
{
    edit_remove(tree, "/windows/samples", "writable-by");
}

static void drop_sides(void *tree)
{
    edit_remove(tree, "/windows/samples", "between");
}

static void drop_size(void *tree)
{
    edit_remove(tree, "/windows/samples", "size");
}

static void one_cell_of_size(void *tree)
{
    EDIT_CELLS(tree, "/windows/samples", "size", 0x1000);
}

static void one_address(void *tree)
{
    EDIT_CELLS(tree, "/windows/samples", "at", 0, 0x80000000);
}

static void no_maps(void *tree)
{
    EDIT_CELLS(tree, "/windows/samples", "maps", 0);
}

static void a_window_whose_devices_may_have_no_map_of_it_is_refused_by_name(void)
{
    spec = machine_shared();
    spec->dma = true;
    machine.edit_set = no_maps;
    expect("maps");
}

static void properties_of_the_wrong_form_are_refused_by_name(void)
{
    static const struct {
        void (*edit)(void *tree);
        const char *property;
    } wrong[] = {
        { give_dma_a_value, "dma" }, { drop_at, "at" },     { drop_writers, "writable-by" },
        { drop_sides, "between" },   { drop_size, "size" }, { one_cell_of_size, "size" },
        { one_address, "at" },
    };

    spec = machine_shared();
    for (unsigned int i = 0; i < ARRAY_LENGTH(wrong); i++) {
        machine.edit_set = wrong[i].edit;
        expect(wrong[i].property);
    }
    spec->maps = WINDOW_MAPS + 1;
    expect("maps");
}

static void name_it_longer(void *tree)
{
    edit_add(tree, "/windows", "a-name-of-thirty-two-characters-");
}

static void more_windows_than_are_kept_and_names_too_long_are_refused(void)
{
    static const char *const names[] = { "w0", "w1", "w2", "w3", "w4", "w5", "w6", "w7" };

    spec = machine_shared();
    machine.window_count = 0;
    for (unsigned int i = 0; i < WINDOW_LIMIT; i++)
        machine_window(names[i], "one", "two");
    assert_true(read());
    machine_window("last", "one", "two");
    assert_false(read());
    assert_string_equal(error.node, "/windows/last");
    spec = machine_shared();
    machine.window_count = 0;
    machine.edit_set = name_it_longer;
    assert_false(read());
    assert_string_equal(error.node, "/windows/a-name-of-thirty-two-characters-");
}

static void give_it_a_long_path(void *tree)
{
    edit_add(tree, "/windows", "a-window-whose-path-is-longer-than-sixty-three-characters");
}

/* The next character would be the 64th. */
static void give_it_the_longest_path(void *tree)
{
    edit_add(tree, "/windows", "a-window-whose-path-has-just-sixty-three-characters---");
}

static void a_window_whose_path_is_too_long_is_refused(void)
{
    spec = machine_shared();
    machine.window_count = 0;
    machine.edit_set = give_it_a_long_path;
    assert_false(read());
    assert_string_equal(error.node, "/");
    assert_string_equal(error.property, "");
    assert_non_null(strstr(error.text, "a node's path is longer than 63 characters"));
    assert_int_equal(set.window_count, 0);
    machine.edit_set = give_it_the_longest_path; /* refused as a name, not as a path */
    assert_false(read());
    assert_int_equal(strlen(error.node), 63);
    assert_non_null(strstr(error.text, "the node's name is longer than 31 characters"));
}

/* ---- Against the machine --------------------------------------------------------------------------- */

static void a_window_over_the_registers_of_a_listed_device_is_refused_by_name(void)
{
    uint64_t base;

    spec = machine_shared();
    machine_boot();
    base = device_registers(device_find(DEVICE1_NAME), 2).base;
    assert_true(base != 0);
    for (unsigned int side = 0; side < 2; side++) {
        spec = machine_shared();
        spec->address[side] = align_down(base, PAGE_SIZE) + 0x3000;
        assert_int_equal(machine_kernel(), HOST_OFF);
        assert_console("/windows/samples: at: ");
        assert_console(DEVICE1_NAME);
    }
}

static void windows_that_the_machine_has_no_memory_for_are_refused_by_name(void)
{
    spec = machine_shared();
    spec->size = 0x10000000;
    spec->address[0] = spec->address[1] = 0x100000000;
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console("/windows: size: the machine has no");
}

static void windows_that_no_table_page_is_left_for_are_refused_by_name(void)
{
    uint64_t physical;

    spec = machine_shared();
    machine_boot();
    physical = windows.window[0].physical;
    spec = machine_shared();
    host_refuse_maps(physical, PAGE_SIZE);
    assert_int_equal(machine_kernel(), HOST_OFF);
    assert_console("/windows: size: the machine has no");
}

int run_windows_set_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_window_is_read_as_the_set_says),
        TEST(a_set_without_windows_has_none),
        TEST(a_set_may_do_without_the_node_of_windows),
        TEST(sides_that_are_wrong_are_refused_by_name),
        TEST(sizes_and_addresses_that_are_wrong_are_refused_by_name),
        TEST(a_window_of_an_aarch32_partition_lies_below_4_gib),
        TEST(windows_of_one_partition_that_overlap_are_refused_by_name),
        TEST(a_window_whose_devices_may_have_no_map_of_it_is_refused_by_name),
        TEST(properties_of_the_wrong_form_are_refused_by_name),
        TEST(more_windows_than_are_kept_and_names_too_long_are_refused),
        TEST(a_window_whose_path_is_too_long_is_refused),
        TEST(a_window_over_the_registers_of_a_listed_device_is_refused_by_name),
        TEST(windows_that_the_machine_has_no_memory_for_are_refused_by_name),
        TEST(windows_that_no_table_page_is_left_for_are_refused_by_name),
    };

    return RUN_GROUP("kernel/window, the set");
}
