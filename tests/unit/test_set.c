/* SPDX-License-Identifier: Apache-2.0 */
/* Partition sets (kernel/set.c): each refusal with its node and property; and what a partition is told of
 * its machine (kernel/guest_tree.c). */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/guest_tree.h"
#include "kernel/set.h"
#include "machine.h"

static _Alignas(8) uint8_t tree[SET_SIZE_LIMIT];
static size_t tree_size;
static struct set set;
static struct set_error error;

static bool read(void)
{
    tree_size = machine_set(tree, sizeof(tree));
    memset(&error, 0, sizeof(error));
    return set_read(tree, tree_size, &set, &error);
}

static void expect(const char *node, const char *property)
{
    if (read())
        fail_msg("accepted, where %s of %s is wrong", property, node);
    assert_string_equal(error.node, node);
    assert_string_equal(error.property, property);
    assert_true(strlen(error.text) > 10);
    machine_plain();
}

static struct partition_spec *one(void)
{
    return &machine.partition[0];
}

static void a_good_set_is_read_right(void)
{
    machine_plain();
    one()->bootargs = "a=1 b=2";
    one()->physical = 0x48000000;
    one()->block[0] = CLOCK_NAME;
    assert_true(read());
    assert_int_equal(set.partition_count, 1);
    const struct set_partition *partition = &set.partition[0];

    assert_string_equal(partition->name, "one");
    assert_string_equal(partition->payload, "flat.bin");
    assert_string_equal(partition->bootargs, "a=1 b=2");
    assert_int_equal(partition->memory_base, 0x40000000);
    assert_int_equal(partition->memory_size, 0x400000);
    assert_true(partition->fixed_physical);
    assert_int_equal(partition->physical, 0x48000000);
    assert_int_equal(partition->pool_pages, 64);
    assert_int_equal(partition->device_count, 2);
    assert_int_equal(partition->device[0].kind, SET_DEVICE_PCI);
    assert_string_equal(partition->device[0].name, DEVICE1_NAME);
    assert_int_equal(partition->device[1].kind, SET_DEVICE_BLOCK);
    assert_string_equal(partition->device[1].name, CLOCK_NAME);
}

static void memory_that_is_wrong_is_refused_by_name(void)
{
    machine_plain();
    one()->memory_size = 0;
    expect("/partitions/one", "memory");
    one()->memory_size = 0x300000;
    expect("/partitions/one", "memory");
    one()->memory_base = 0x40001000;
    expect("/partitions/one", "memory");
    one()->memory_base = UINT64_MAX - 0x1FFFFF;
    expect("/partitions/one", "memory");
    one()->memory_base = BIT(39);
    expect("/partitions/one", "memory");
    one()->memory_base = BIT(39) - 0x200000;
    expect("/partitions/one", "memory");
    /* Over the interrupt controller that the guest sees. */
    one()->memory_base = 0x08000000;
    expect("/partitions/one", "memory");
    one()->memory_base = 0x07E00000;
    expect("/partitions/one", "memory");
    one()->physical = 0x48001000;
    expect("/partitions/one", "physical-address");
}

static void an_aarch32_partition_says_so_and_has_its_memory_below_4_gib(void)
{
    machine_plain();
    assert_true(read());
    assert_false(set.partition[0].aarch32);
    one()->aarch32 = true;
    assert_true(read());
    assert_true(set.partition[0].aarch32);
    one()->memory_base = BIT(32) - 0x400000;
    assert_true(read());
    one()->memory_base = BIT(32) - 0x200000;
    expect("/partitions/one", "memory");
    one()->memory_base = BIT(32) - 0x200000;
    assert_true(read());
    one()->aarch32 = true;
    one()->memory_base = BIT(32);
    expect("/partitions/one", "memory");
}

static void give_the_flag_a_value(void *written)
{
    EDIT_CELLS(written, "/partitions/one", "aarch32", 1);
}

static void only_the_partition_that_says_so_is_the_manager(void)
{
    machine_plain();
    machine_partition("two")->manager = true;
    assert_true(read());
    assert_false(set.partition[0].manager);
    assert_true(set.partition[1].manager);
}

static void a_second_manager_is_refused_and_both_are_named(void)
{
    machine_plain();
    one()->manager = true;
    machine_partition("two")->manager = true;
    expect("/partitions/two", "manager");
    assert_non_null(strstr(error.text, "/partitions/one is the manager"));
}

static void add_manager_with_value(void *written)
{
    EDIT_CELLS(written, "/partitions/one", "manager", 1);
}

static void a_value_of_manager_is_refused_by_name(void)
{
    machine_plain();
    machine.edit_set = add_manager_with_value;
    expect("/partitions/one", "manager");
}

static void what_a_set_answers_to_trouble_has_defaults_and_four_words(void)
{
    machine_plain();
    assert_true(read());
    assert_int_equal(set.partition[0].answer[TROUBLE_CRASH], ANSWER_STOP);
    assert_int_equal(set.partition[0].answer[TROUBLE_STORM], ANSWER_LOG);
    assert_int_equal(set.partition[0].answer[TROUBLE_UNIT], ANSWER_LOG);
    assert_int_equal(set.partition[0].restarts, 3);
    one()->on_crash = "restart";
    one()->on_storm = "safe-state";
    one()->on_unit_failure = "stop";
    one()->restarts = 1 + 7;
    assert_true(read());
    assert_int_equal(set.partition[0].answer[TROUBLE_CRASH], ANSWER_RESTART);
    assert_int_equal(set.partition[0].answer[TROUBLE_STORM], ANSWER_SAFE_STATE);
    assert_int_equal(set.partition[0].answer[TROUBLE_UNIT], ANSWER_STOP);
    assert_int_equal(set.partition[0].restarts, 7);
    one()->on_unit_failure = "log";
    assert_true(read());
    assert_int_equal(set.partition[0].answer[TROUBLE_UNIT], ANSWER_LOG);
}

static void restarts_as_text(void *written)
{
    edit_text(written, "/partitions/one", "restarts", "often");
}

static void an_answer_that_there_is_not_is_refused_by_name(void)
{
    machine_plain();
    one()->on_crash = "log"; /* what crashed cannot go on */
    expect("/partitions/one", "on-crash");
    assert_null(strstr(error.text, "log"));
    one()->on_storm = "halt";
    expect("/partitions/one", "on-storm");
    assert_non_null(strstr(error.text, "write \"log\", \"stop\", \"restart\" or \"safe-state\""));
    one()->on_unit_failure = "a word that is much too long";
    expect("/partitions/one", "on-unit-failure");
    machine.edit_set = restarts_as_text;
    expect("/partitions/one", "restarts");
}

static void a_value_of_aarch32_is_refused_by_name(void)
{
    machine_plain();
    machine.edit_set = give_the_flag_a_value;
    expect("/partitions/one", "aarch32");
}

static void a_pool_that_is_wrong_is_refused_by_name(void)
{
    machine_plain();
    one()->pool_pages = 0;
    expect("/partitions/one", "pool-pages");
    one()->pool_pages = 7;
    expect("/partitions/one", "pool-pages");
    one()->pool_pages = 65537;
    expect("/partitions/one", "pool-pages");
    one()->pool_pages = UINT32_MAX;
    expect("/partitions/one", "pool-pages");
    one()->pool_pages = 513;
    expect("/partitions/one", "pool-pages");
    one()->pool_pages = 512;
    assert_true(read());
}

static void memories_that_overlap_are_refused_by_name(void)
{
    machine_plain();
    one()->physical = 0x48000000;
    machine_partition("two")->physical = 0x48200000;
    expect("/partitions/two", "physical-address");
    one()->physical = 0x48000000;
    machine_partition("two")->physical = 0x48400000;
    assert_true(read());
}

static void names_that_are_wrong_are_refused(void)
{
    machine_plain();
    one()->name = "bulkhead";
    expect("/partitions/bulkhead", "console");
    one()->name = "a,b";
    expect("/partitions/a,b", "console");
    one()->payload = "0123456789012345678901234567890123456789012345678901234567890123";
    expect("/partitions/one", "payload");
}

static void devices_that_are_wrong_are_refused_by_node(void)
{
    static const char *const bad[] = {
        "",           "1:0.0",        "0000:01:00.8", "0000:01:00.",
        "0000:01:00", "0000:01:0A.0", "0000-01:00.0", "0000:01:00.00"
    };
    machine_plain();
    for (unsigned int i = 0; i < ARRAY_LENGTH(bad); i++) {
        one()->pci[0] = bad[i];
        assert_false(read());
        assert_string_equal(error.property, "pci");
        assert_non_null(strstr(error.node, "/partitions/one/devices/device"));
    }
    machine_plain();
    one()->pci[1] = DEVICE1_NAME;
    assert_false(read());
    assert_non_null(strstr(error.text, "twice"));
}

static void more_partitions_than_are_kept_are_refused(void)
{
    static char names[PARTITION_LIMIT][4];

    machine_plain();
    for (unsigned int i = 0; i < PARTITION_LIMIT; i++) {
        names[i][0] = 'p';
        names[i][1] = (char)('a' + i);
        machine_partition(names[i]);
    }
    expect("/partitions/ph", "");
}

static void a_set_without_partitions_is_refused(void)
{
    machine_plain();
    machine.partition_count = 0;
    expect("/partitions", "");
}

static void i8_a_set_truncated_at_every_byte_is_refused(void)
{
    machine_plain();
    assert_true(read());
    for (size_t length = 0; length < tree_size; length++) {
        uint8_t *cut = malloc(length + 1);

        memcpy(cut, tree, length);
        assert_false(set_read(cut, length, &set, &error));
        free(cut);
    }
    assert_false(set_read(tree, SET_SIZE_LIMIT + 1, &set, &error));
}

static void i8_ten_thousand_corrupt_sets_are_accepted_or_refused_within_bounds(void)
{
    uint64_t seed = 0x5E7;
    uint8_t *room;

    machine_plain();
    machine_partition("two")->pci[0] = DEVICE2_NAME;
    assert_true(read());
    room = malloc(tree_size);
    memcpy(room, tree, tree_size);
    for (unsigned int i = 0; i < 10000; i++) {
        size_t at = random_next(&seed) % tree_size;
        uint8_t old = room[at];

        room[at] = (uint8_t)random_next(&seed);
        memset(&error, 0, sizeof(error));
        if (set_read(room, tree_size, &set, &error)) {
            assert_true(set.partition_count >= 1 && set.partition_count <= PARTITION_LIMIT);
            for (uint32_t p = 0; p < set.partition_count; p++) {
                assert_true(set.partition[p].pool_pages >= 8);
                assert_true(set.partition[p].device_count <= PARTITION_DEVICES);
            }
        } else {
            assert_true(error.text[0] != '\0');
        }
        room[at] = old;
    }
    free(room);
}

/* ---- What the guest is told ------------------------------------------------------------------------ */

static const void *guest_tree(void)
{
    return guest(0, host_guest->start.tree);
}

static uint64_t two_cells(const fdt32_t *cell)
{
    return (uint64_t)fdt32_ld(cell) << 32 | fdt32_ld(cell + 1);
}

static void the_guests_tree_describes_its_machine_and_nothing_of_the_real_one(void)
{
    int length;

    machine_plain();
    one()->bootargs = "quiet x=3";
    machine_boot();
    const void *fdt = guest_tree();

    assert_int_equal(fdt_check_full(fdt, GUEST_TREE_SIZE), 0);
    const fdt32_t *reg = fdt_getprop(fdt, fdt_path_offset(fdt, "/memory"), "reg", &length);

    assert_int_equal(length, 16);
    assert_int_equal(two_cells(reg), 0x40000000);
    assert_int_equal(two_cells(reg + 2), partitions.partition[0].visible_size);
    assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL),
                        "quiet x=3");
    assert_string_equal(fdt_getprop(fdt, 0, "model", NULL), "one");
    assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/psci"), "method", NULL), "hvc");
    reg = fdt_getprop(fdt, fdt_path_offset(fdt, "/interrupt-controller"), "reg", &length);
    assert_int_equal(length, 32);
    assert_int_equal(two_cells(reg), arch_guest_layout.distributor.base);
    assert_int_equal(two_cells(reg + 4), arch_guest_layout.redistributor.base);
    assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "arm,smmu-v3"), -FDT_ERR_NOTFOUND);
    assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "arm,pl011"), -FDT_ERR_NOTFOUND);
    int host = fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic");

    assert_int_equal(two_cells(fdt_getprop(fdt, host, "reg", NULL)),
                     partitions.partition[0].config.base);
    assert_int_equal(fdt_node_offset_by_compatible(fdt, host, "pci-host-ecam-generic"),
                     -FDT_ERR_NOTFOUND);
}

static void the_guests_tree_names_each_device_with_its_registers(void)
{
    int length;

    machine_plain();
    machine_boot();
    const void *fdt = guest_tree();
    int node = fdt_node_offset_by_compatible(fdt, -1, "bulkhead,device");

    assert_true(node >= 0);
    assert_int_equal(fdt32_ld(fdt_getprop(fdt, node, "bulkhead,device-id", NULL)), DEVICE1_ID);
    assert_string_equal(fdt_getprop(fdt, node, "bulkhead,name", NULL), DEVICE1_NAME);
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

    assert_int_equal(length, 32);
    assert_int_equal(two_cells(reg), pci_model_get32(&machine.pci, DEVICE1, 0x10) & ~0xFu);
    assert_int_equal(two_cells(reg + 2), 0x1000);
    assert_int_equal(two_cells(reg + 6), 0x4000);
    assert_int_equal(fdt_node_offset_by_compatible(fdt, node, "bulkhead,device"),
                     -FDT_ERR_NOTFOUND);
}

static void the_guests_tree_names_all_six_register_ranges_of_a_device(void)
{
    int length = 0;

    machine_plain();
    for (unsigned int i = 1; i < PCI_BARS; i++)
        pci_model_bar(&machine.pci, DEVICE2, i, 0x1000u << i, false);
    one()->pci[0] = DEVICE2_NAME;
    machine_boot();
    const void *fdt = guest_tree();
    int node = fdt_node_offset_by_compatible(fdt, -1, "bulkhead,device");
    const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

    if (length != PCI_BARS * 16)
        fail_msg("%d bytes are %d ranges, not %d", length, length / 16, PCI_BARS);
    for (unsigned int i = 0; i < PCI_BARS; i++) {
        const struct topology_range range = device_registers(device_find(DEVICE2_NAME), i);

        assert_int_equal(two_cells(reg + (size_t)4 * i), range.base);
        assert_int_equal(two_cells(reg + (size_t)4 * i + 2), range.size);
        assert_int_equal(range.size, i == 0 ? 0x100000 : 0x1000u << i);
    }
}

static void a_refusal_is_one_line_whatever_the_nodes_are_called(void)
{
    const struct set_error wrong = { .node = "/a\nb\x1b[2J",
                                     .property = "cpus",
                                     .text = "is wrong" };
    char line[80];

    assert_int_equal(set_error_line(&wrong, "set.dts", line, sizeof(line)),
                     strlen("set.dts:/a.b.[2J: cpus: is wrong"));
    assert_string_equal(line, "set.dts:/a.b.[2J: cpus: is wrong");
}

/* What a property holds, cell by cell. */
static void expect_cells(const void *fdt, const char *path, const char *name, unsigned int count,
                         const uint32_t *values)
{
    int length = -1, node = fdt_path_offset(fdt, path);
    const fdt32_t *cell = node < 0 ? NULL : fdt_getprop(fdt, node, name, &length);

    if (cell == NULL || (unsigned int)length != count * sizeof(*cell))
        fail_msg("%s %s: %d bytes, not %u cells", path, name, length, count);
    for (unsigned int i = 0; i < count; i++) {
        if (fdt32_ld(cell + i) != values[i])
            fail_msg("%s %s: cell %u is %u, not %u", path, name, i, fdt32_ld(cell + i), values[i]);
    }
}

#define EXPECT_CELLS(fdt, path, name, ...)                                                         \
    expect_cells(fdt, path, name, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t),    \
                 (const uint32_t[]){ __VA_ARGS__ })

static void expect_text(const void *fdt, const char *path, const char *name, const char *value)
{
    int node = fdt_path_offset(fdt, path);
    const char *text = node < 0 ? NULL : fdt_getprop(fdt, node, name, NULL);

    if (text == NULL || strcmp(text, value) != 0)
        fail_msg("%s %s: \"%s\", not \"%s\"", path, name, text == NULL ? "" : text, value);
}

static void expect_flag(const void *fdt, const char *path, const char *name)
{
    int length = -1, node = fdt_path_offset(fdt, path);

    if (node < 0 || fdt_getprop(fdt, node, name, &length) == NULL || length != 0)
        fail_msg("%s lacks the empty %s", path, name);
}

/* Each property that a kernel which follows the bindings looks for. */
static void the_guests_tree_follows_the_bindings_to_the_letter(void)
{
    char path[64];

    machine_plain();
    machine_boot();
    const void *fdt = guest_tree();

    expect_text(fdt, "/", "compatible", "bulkhead,partition");
    EXPECT_CELLS(fdt, "/", "#address-cells", 2);
    EXPECT_CELLS(fdt, "/", "#size-cells", 2);
    EXPECT_CELLS(fdt, "/", "interrupt-parent", 1);
    expect_text(fdt, "/memory", "device_type", "memory");
    EXPECT_CELLS(fdt, "/cpus", "#address-cells", 1);
    EXPECT_CELLS(fdt, "/cpus", "#size-cells", 0);
    expect_text(fdt, "/cpus/cpu@0", "device_type", "cpu");
    expect_text(fdt, "/cpus/cpu@0", "compatible", "arm,armv8");
    expect_text(fdt, "/cpus/cpu@0", "enable-method", "psci");
    EXPECT_CELLS(fdt, "/cpus/cpu@0", "reg", 0);
    int psci = fdt_path_offset(fdt, "/psci");

    assert_int_equal(fdt_node_check_compatible(fdt, psci, "arm,psci-1.0"), 0);
    assert_int_equal(fdt_node_check_compatible(fdt, psci, "arm,psci-0.2"), 0);
    expect_text(fdt, "/timer", "compatible", "arm,armv8-timer");
    EXPECT_CELLS(fdt, "/timer", "interrupts", 1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8);
    expect_flag(fdt, "/timer", "always-on");
    expect_text(fdt, "/interrupt-controller", "compatible", "arm,gic-v3");
    EXPECT_CELLS(fdt, "/interrupt-controller", "#interrupt-cells", 3);
    expect_flag(fdt, "/interrupt-controller", "interrupt-controller");
    EXPECT_CELLS(fdt, "/interrupt-controller", "phandle", 1);
    expect_text(fdt, "/bulkhead", "compatible", "bulkhead,hypervisor");
    expect_text(fdt, "/bulkhead", "method", "hvc");
    EXPECT_CELLS(fdt, "/bulkhead", "#address-cells", 2);
    EXPECT_CELLS(fdt, "/bulkhead", "#size-cells", 2);
    expect_flag(fdt, "/bulkhead", "ranges");
    (void)snprintf(path, sizeof(path), "/bulkhead/device@%x", (unsigned int)DEVICE1_ID);
    expect_text(fdt, path, "compatible", "bulkhead,device");
}

static void the_tree_of_an_aarch32_partition_has_both_names_of_the_timer(void)
{
    machine_plain();
    one()->aarch32 = true;
    machine_boot();
    const void *fdt = guest_tree();
    int timer = fdt_path_offset(fdt, "/timer");

    assert_true(host_guest->start.aarch32);
    assert_int_equal(fdt_node_check_compatible(fdt, timer, "arm,armv8-timer"), 0);
    assert_int_equal(fdt_node_check_compatible(fdt, timer, "arm,armv7-timer"), 0);
    assert_int_equal(fdt_stringlist_count(fdt, timer, "compatible"), 2);
    expect_text(fdt, "/cpus/cpu@0", "enable-method", "psci");
}

int run_set_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_set_is_read_right),
        TEST(memory_that_is_wrong_is_refused_by_name),
        TEST(an_aarch32_partition_says_so_and_has_its_memory_below_4_gib),
        TEST(a_value_of_aarch32_is_refused_by_name),
        TEST(only_the_partition_that_says_so_is_the_manager),
        TEST(a_second_manager_is_refused_and_both_are_named),
        TEST(a_value_of_manager_is_refused_by_name),
        TEST(what_a_set_answers_to_trouble_has_defaults_and_four_words),
        TEST(an_answer_that_there_is_not_is_refused_by_name),
        TEST(a_pool_that_is_wrong_is_refused_by_name),
        TEST(memories_that_overlap_are_refused_by_name),
        TEST(names_that_are_wrong_are_refused),
        TEST(devices_that_are_wrong_are_refused_by_node),
        TEST(more_partitions_than_are_kept_are_refused),
        TEST(a_set_without_partitions_is_refused),
        TEST(i8_a_set_truncated_at_every_byte_is_refused),
        TEST(i8_ten_thousand_corrupt_sets_are_accepted_or_refused_within_bounds),
        TEST(the_guests_tree_describes_its_machine_and_nothing_of_the_real_one),
        TEST(the_guests_tree_names_each_device_with_its_registers),
        TEST(the_guests_tree_names_all_six_register_ranges_of_a_device),
        TEST(a_refusal_is_one_line_whatever_the_nodes_are_called),
        TEST(the_guests_tree_follows_the_bindings_to_the_letter),
        TEST(the_tree_of_an_aarch32_partition_has_both_names_of_the_timer),
    };

    return RUN_GROUP("kernel/set and guest tree");
}
