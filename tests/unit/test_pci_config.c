/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration space that the owner of a function sees (kernel/vdev/pci_config.c): by calls and by the window
 * of its addresses, field by field; and that hardware does not change by what it writes. */
#include <libfdt.h>
#include <string.h>

#include "edit.h"
#include "groups.h"
#include "kernel/guest_tree.h"
#include "lines_bench.h"
#include "observer.h"

#define WINDOW UINT64_C(0x08100000) /* the default */
#define FUNCTION(slot) (WINDOW + ((uint64_t)(slot) << 15))
#define ONES UINT32_MAX
#define COMMAND_BITS 0x406 /* memory, mastering, INTx disable */

/* Capabilities of the device under test, in the order of its own list. */
#define AT_MSIX 0xC0
#define AT_EXPRESS 0x40
#define AT_HIDDEN 0x90 /* enhanced allocation */
#define AT_POWER 0x80
#define AT_ADVANCED 0xF0 /* with a function-level reset, hidden */
#define AT_VENDOR 0xD0
#define AT_MSI 0xA0

static void word(uint32_t at, uint32_t value)
{
    pci_model_set32(&machine.pci, DEVICE1, at, value);
}

static uint32_t real(uint32_t at)
{
    return pci_model_get32(&machine.pci, DEVICE1, at);
}

static void capability(uint32_t at, uint32_t id, uint32_t next, uint32_t upper)
{
    word(at, id | next << 8 | upper << 16);
}

/* plain() gave it registers and the Express capability at 0x40. */
static void fill(void)
{
    plain();
    memset(&machine.pci.function[DEVICE1].writable[0x40], 0xFF, 0x1000 - 0x40);
    word(0x0C, 0x80001040); /* a BIST, header layout 0, latency, cache line */
    word(0x2C, 0x56781AF4);
    word(0x30, 0xFFFE0001);
    word(0x34, AT_MSIX);
    machine.pci.function[DEVICE1].config[0x3C] = 0x5A;
    capability(AT_MSIX, 0x11, AT_EXPRESS, 0x8007);
    word(AT_MSIX + 4, 0x2002);
    word(AT_MSIX + 8, 0x3002);
    capability(AT_EXPRESS, 0x10, AT_HIDDEN, 0x0002);
    word(AT_EXPRESS + 4, 0x10008FC0); /* with FLR */
    word(AT_EXPRESS + 8, 0x00002810);
    word(AT_EXPRESS + 12, 0x12345678);
    capability(AT_HIDDEN, 0x14, AT_POWER, 1);
    capability(AT_POWER, 0x01, AT_ADVANCED, 0xFE03);
    word(AT_POWER + 4, 0x0008);
    capability(AT_ADVANCED, 0x13, AT_VENDOR, 0x0306);
    capability(AT_VENDOR, 0x09, AT_MSI, 0x0110);
    word(AT_VENDOR + 12, 0xABCD0123);
    capability(AT_MSI, 0x05, 0, 0x0080);
    word(AT_MSI + 4, 0xFEE00000);
    word(0x100, 0x1401000D); /* ACS, and something behind it */
    word(0x140, 0x0001000F);
}

static void bound(void)
{
    fill();
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
}

static uint32_t look(uint32_t offset, uint32_t width)
{
    assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, DEVICE1_ID, offset, width), BH_OK);
    return (uint32_t)machine.x[1];
}

static void put(uint32_t offset, uint32_t width, uint64_t value)
{
    assert_int_equal(call(0, BH_CALL_DEVICE_CONFIG_WRITE, DEVICE1_ID, offset, width, value, 0),
                     BH_OK);
}

static uint64_t load(uint64_t address, unsigned int bytes)
{
    uint64_t value = 0x1122334455667788;

    assert_true(
        host_guest_ops->access(&partitions.partition[0].vcpu, address, bytes, false, &value));
    return value;
}

static void store(uint64_t address, unsigned int bytes, uint64_t value)
{
    assert_true(
        host_guest_ops->access(&partitions.partition[0].vcpu, address, bytes, true, &value));
}

static bool is_in_window(uint64_t address)
{
    uint64_t value = 0;

    return host_guest_ops->access(&partitions.partition[0].vcpu, address, 4, false, &value);
}

/* ---- What is there ------------------------------------------------------------------------------------- */

static void the_head_of_the_space_names_the_function(void)
{
    bound();
    assert_int_equal(look(0, 4), real(0));
    assert_int_equal(look(0, 2), 0x1234);
    assert_int_equal(look(2, 2), real(0) >> 16);
    assert_int_equal(look(3, 1), real(0) >> 24);
    assert_int_equal(look(8, 4), real(8));
    assert_int_equal(look(0x2C, 4), 0x56781AF4);
}

static void what_has_no_meaning_for_an_owner_reads_as_zero(void)
{
    static const uint32_t zero[] = { 0x0C, 0x28,  0x30,  0x38,  0x60, 0x94,
                                     0xF4, 0x100, 0x104, 0x140, 0xFFC };

    bound();
    word(0x28, 0x1234);
    word(0x38, 0x1234);
    word(0x60, 0x1234); /* behind what every Express capability has */
    word(0x94, 0x1234);
    word(0xFFC, 0x1234);
    for (size_t i = 0; i < ARRAY_LENGTH(zero); i++) {
        if (look(zero[i], 4) != 0)
            fail_msg("0x%x reads as 0x%x", zero[i], look(zero[i], 4));
    }
}

/* ---- Capabilities ---------------------------------------------------------------------------------------- */

static void the_list_has_what_an_owner_may_see_in_ascending_order(void)
{
    static const uint8_t order[][2] = { { AT_EXPRESS, 0x10 },
                                        { AT_POWER, 0x01 },
                                        { AT_MSI, 0x05 },
                                        { AT_MSIX, 0x11 },
                                        { AT_VENDOR, 0x09 } };
    uint32_t at;

    bound();
    assert_int_equal(look(6, 2) & 0x10, 0x10);
    at = look(0x34, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(order); i++) {
        assert_int_equal(at, order[i][0]);
        assert_int_equal(look(at, 1), order[i][1]);
        at = look(at + 1, 1);
    }
    assert_int_equal(at, 0);
    assert_int_equal(look(0x34, 4), AT_EXPRESS);
}

static void a_function_without_capabilities_has_no_list(void)
{
    machine_plain();
    machine.partition[0].pci[0] = DEVICE2_NAME;
    pci_model_capability(&machine.pci, DEVICE2, 0x14, 4);
    observer_start();
    machine_boot();
    assert_int_equal(bind(0, DEVICE2_ID, 1), BH_OK);
    assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, DEVICE2_ID, 6, 2), BH_OK);
    assert_int_equal(machine.x[1] & 0x10, 0);
    assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, DEVICE2_ID, 0x34, 4), BH_OK);
    assert_int_equal(machine.x[1], 0);
    assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, DEVICE2_ID, 0x40, 4), BH_OK);
    assert_int_equal(machine.x[1], 0);
}

static void the_express_capability_is_an_integrated_endpoints_without_reset_and_link(void)
{
    bound();
    assert_int_equal(look(AT_EXPRESS + 2, 2), 0x0092);
    assert_int_equal(look(AT_EXPRESS + 4, 4), 0x00008FC0);
    assert_int_equal(look(AT_EXPRESS + 8, 4), real(AT_EXPRESS + 8));
    assert_int_equal(look(AT_EXPRESS + 12, 4), 0);
}

static void messages_and_power_are_read_as_they_are_and_vendors_words_as_far_as_they_go(void)
{
    bound();
    assert_int_equal(look(AT_POWER, 4), 0x00030001 | AT_MSI << 8);
    assert_int_equal(look(AT_POWER + 4, 4), 0x0008);
    assert_int_equal(look(AT_POWER + 8, 4), 0);
    assert_int_equal(look(AT_MSI + 2, 2), 0x0080);
    assert_int_equal(look(AT_MSI + 4, 4), 0xFEE00000);
    assert_int_equal(look(AT_MSIX + 2, 2), 0x8007);
    assert_int_equal(look(AT_MSIX + 4, 4), 0x2002);
    assert_int_equal(look(AT_MSIX + 8, 4), 0x3002);
    assert_int_equal(look(AT_MSIX + 12, 4), 0);
    assert_int_equal(look(AT_VENDOR + 12, 4), 0xABCD0123);
    word(AT_VENDOR + 16, 0x1234);
    assert_int_equal(look(AT_VENDOR + 16, 4), 0);
}

/* ---- BARs ---------------------------------------------------------------------------------------------- */

static void a_bar_tells_its_place_and_its_size_and_stays_there(void)
{
    bound();
    const uint64_t first = device_registers(device_find(DEVICE1_NAME), 0).base;
    const uint64_t third = device_registers(device_find(DEVICE1_NAME), 2).base;

    assert_int_equal(look(0x10, 4), first);
    assert_int_equal(look(0x14, 4), 0);
    assert_int_equal(look(0x18, 4), third | 4);
    assert_int_equal(look(0x1C, 4), 0);
    put(0x10, 4, ONES);
    put(0x18, 4, 0xFFFFFFF0);
    put(0x1C, 4, ONES);
    assert_int_equal(look(0x10, 4), 0xFFFFF000);
    assert_int_equal(look(0x18, 4), 0xFFFFC004);
    assert_int_equal(look(0x1C, 4), ONES);
    put(0x10, 4, 0x20000000);
    put(0x18, 4, 0);
    put(0x1C, 4, 0);
    assert_int_equal(look(0x10, 4), first);
    assert_int_equal(look(0x18, 4), third | 4);
    assert_int_equal(look(0x1C, 4), 0);
    put(0x10, 4, ONES);
    put(0x12, 2, 0); /* a part of it is ignored */
    assert_int_equal(look(0x10, 4), 0xFFFFF000);
    assert_int_equal(real(0x10), first);
}

static void a_bar_that_is_not_there_reads_as_zero_whatever_is_written(void)
{
    fill();
    pci_model_io_bar(&machine.pci, DEVICE1, 4, 0x20);
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    for (uint32_t at = 0x20; at < 0x28; at += 4) {
        put(at, 4, ONES);
        assert_int_equal(look(at, 4), 0);
    }
}

/* ---- COMMAND ------------------------------------------------------------------------------------------- */

static uint16_t real_command(void)
{
    return pci_model_get16(&machine.pci, DEVICE1, 4);
}

static void the_command_register_keeps_what_is_written_and_hardware_follows_bind_and_attach(void)
{
    bound();
    assert_int_equal(look(4, 2), 0);
    assert_int_equal(real_command() & 6, 2);
    put(4, 2, 0xFFFF);
    assert_int_equal(look(4, 2), COMMAND_BITS);
    assert_int_equal(real_command() & 6, 2); /* no mastering without an attach */
    put(4, 2, 0);
    assert_int_equal(real_command() & 6, 2); /* decode until the unbind */
    put(5, 1, 4);
    put(4, 1, 4);
    assert_int_equal(look(4, 2), 0x404);
    put(6, 2, 0xFFFF); /* STATUS is of the hardware */
    assert_int_equal(look(4, 2), 0x404);
    uint64_t ioas = (uint64_t)call2(0, BH_CALL_IOAS_ALLOC_PAGING, DEVICE1_ID, 0);

    assert_int_equal(call3(0, BH_CALL_ATTACH, DEVICE1_ID, BH_PASID_NONE, ioas), BH_OK);
    put(4, 2, 0);
    assert_int_equal(real_command() & 6, 6);
    assert_int_equal(call2(0, BH_CALL_DETACH, DEVICE1_ID, BH_PASID_NONE), BH_OK);
    put(4, 2, 6);
    assert_int_equal(real_command() & 6, 2);
}

static void the_owner_may_keep_the_function_from_raising_its_line(void)
{
    fill();
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_true(may_raise(DEVICE1));
    assert_int_equal(look(0x3C, 4), 0x100);
    put(4, 2, 0x400);
    assert_false(may_raise(DEVICE1));
    put(4, 1, 2); /* the other byte */
    assert_false(may_raise(DEVICE1));
    put(4, 2, 2);
    assert_true(may_raise(DEVICE1));
}

static void a_function_without_a_line_stays_kept_from_it(void)
{
    fill();
    make_loud(DEVICE2);
    set_pin(DEVICE2, 4); /* of device 2: the line of device 1's pin A */
    start();
    expect_none(0, 0);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(look(0x3C, 4), 0);
    put(4, 2, 0x400);
    put(4, 2, 0);
    assert_false(may_raise(DEVICE1));
}

/* ---- What hardware sees of it ------------------------------------------------------------------------------ */

/* Every word, with everything and with nothing: but for COMMAND not one write gets there. */
static void i3_no_write_reaches_hardware_but_that_of_intx_disable(void)
{
    bound();
    unsigned int before = machine.pci.write_count;

    for (uint32_t at = 0; at < 0x1000; at += 4) {
        put(at, 4, ONES);
        store(FUNCTION(0) + at, 4, ONES);
        put(at, 4, 0);
        store(FUNCTION(0) + at, 4, 0);
    }
    for (unsigned int i = before; i < machine.pci.write_count; i++)
        assert_int_equal(machine.pci.write[i].offset, 4);
    assert_int_equal(machine.pci.write_count - before, 4);
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 1); /* of the bind */
    assert_int_equal(real_command() & 6, 2);
}

static void a_reset_takes_what_was_written(void)
{
    int64_t result;

    bound();
    put(4, 2, 0x406);
    put(0x10, 4, ONES);
    do {
        result = call1(0, BH_CALL_DEVICE_RESET, DEVICE1_ID);
        host_advance(machine.x[1]);
        if (result == BH_EAGAIN) {
            assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, DEVICE1_ID, 0, 4), BH_EBUSY);
            assert_int_equal(call(0, BH_CALL_DEVICE_CONFIG_WRITE, DEVICE1_ID, 4, 2, 6, 0),
                             BH_EBUSY);
            assert_int_equal(load(FUNCTION(0), 4), UINT64_MAX);
        }
    } while (result == BH_EAGAIN);
    assert_int_equal(result, BH_OK);
    assert_int_equal(look(4, 2), 0);
    assert_int_equal(look(0x10, 4), real(0x10));
    put(4, 2, 0x406);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(look(4, 2), 0);
}

static void a_function_that_is_gone_reads_as_all_ones(void)
{
    bound();
    machine.pci.function[DEVICE1].gone = true;
    assert_int_equal(look(0, 4), ONES);
    put(4, 2, 0x400);
    assert_int_equal(load(FUNCTION(0) + AT_MSI + 4, 4) & ONES, 0); /* no such capability any more */
}

/* ---- Refusals ------------------------------------------------------------------------------------------ */

static void expect_refusal(int64_t code, uint64_t device, uint64_t offset, uint64_t width)
{
    uint64_t before = machine_state();

    assert_int_equal(call3(0, BH_CALL_DEVICE_CONFIG_READ, device, offset, width), code);
    assert_int_equal(call(0, BH_CALL_DEVICE_CONFIG_WRITE, device, offset, width, 0, 0), code);
    assert_int_equal(machine_state(), before);
}

static void refusals_are_as_documented_and_change_nothing(void)
{
    static const uint64_t wrong[][2] = { { 0, 0 },          { 0, 3 },       { 0, 8 },
                                         { 1, 2 },          { 2, 4 },       { 0x1000, 1 },
                                         { UINT64_MAX, 1 }, { BIT(32), 4 }, { 0, BIT(32) },
                                         { 0xFFE, 4 } };

    fill();
    machine.partition[0].block[0] = CLOCK_NAME;
    start();
    uint64_t clock = device_find(CLOCK_NAME)->id;

    expect_refusal(BH_EPERM, DEVICE1_ID, 0, 4);
    expect_refusal(BH_ENOENT, DEVICE2_ID, 0, 4);
    expect_refusal(BH_ENOENT, BIT(32) | DEVICE1_ID, 0, 4);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(bind(0, clock, 2), BH_OK);
    expect_refusal(BH_EOPNOTSUPP, clock, 0, 4);
    for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++)
        expect_refusal(BH_EINVAL, DEVICE1_ID, wrong[i][0], wrong[i][1]);
    assert_int_equal(call(0, BH_CALL_DEVICE_CONFIG_WRITE, DEVICE1_ID, 4, 2, BIT(16), 0), BH_EINVAL);
    assert_int_equal(call(0, BH_CALL_DEVICE_CONFIG_WRITE, DEVICE1_ID, 4, 1, 0x106, 0), BH_EINVAL);
}

/* ---- The window ---------------------------------------------------------------------------------------- */

static void the_window_answers_as_the_calls_do(void)
{
    bound();
    for (uint32_t at = 0; at < 0x1000; at += 4)
        assert_int_equal(load(FUNCTION(0) + at, 4), look(at, 4));
    for (uint32_t at = 0; at < 0x200; at++) {
        assert_int_equal(load(FUNCTION(0) + at, 1), look(at, 1));
        if (at % 2 == 0)
            assert_int_equal(load(FUNCTION(0) + at, 2), look(at, 2));
    }
    store(FUNCTION(0) + 4, 2, 0xFFFF0406); /* what is above is not written */
    assert_int_equal(look(4, 2), 0x406);
    store(FUNCTION(0) + 0x10, 4, ONES);
    assert_int_equal(look(0x10, 4), 0xFFFFF000);
}

static void in_the_window_the_rest_is_all_ones(void)
{
    bound();
    assert_int_equal(load(FUNCTION(0), 8), UINT64_MAX);
    assert_int_equal(load(FUNCTION(0) + 1, 2), UINT64_MAX);
    assert_int_equal(load(FUNCTION(0) + 2, 4), UINT64_MAX);
    assert_int_equal(load(FUNCTION(0) + 0x1000, 4), UINT64_MAX); /* function 1 */
    assert_int_equal(load(FUNCTION(1), 4), UINT64_MAX);
    assert_int_equal(load(FUNCTION(31) + 0x7FFC, 4), UINT64_MAX);
    store(FUNCTION(0) + 4, 8, ONES);
    store(FUNCTION(0) + 0x1004, 2, ONES);
    store(FUNCTION(1) + 4, 2, ONES);
    assert_int_equal(look(4, 2), 0);
    assert_false(is_in_window(WINDOW - 1));
    assert_true(is_in_window(WINDOW + 0xFFFFC));
    assert_false(is_in_window(WINDOW + 0x100000));
    assert_false(is_in_window(0));
}

static void row_2_53_before_bind_and_after_unbind_the_function_is_not_there(void)
{
    fill();
    start();
    assert_int_equal(load(FUNCTION(0), 4), UINT64_MAX);
    store(FUNCTION(0) + 4, 2, 6);
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(load(FUNCTION(0), 4), real(0));
    assert_int_equal(load(FUNCTION(0) + 4, 2), 0);
    assert_int_equal(call1(0, BH_CALL_DEVICE_UNBIND, DEVICE1_ID), BH_OK);
    assert_int_equal(load(FUNCTION(0), 4), UINT64_MAX);
}

static void a_function_that_another_partition_has_is_not_there(void)
{
    fill();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    start();
    assert_int_equal(bind(1, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(load(FUNCTION(0), 4), UINT64_MAX);
    store(FUNCTION(0) + 4, 2, 0x400);
    assert_int_equal(call3(1, BH_CALL_DEVICE_CONFIG_READ, DEVICE1_ID, 4, 2), BH_OK);
    assert_int_equal(machine.x[1], 0);
}

static void a_register_block_has_no_place_in_the_window(void)
{
    fill();
    machine.partition[0].block[0] = CLOCK_NAME;
    machine.partition[0].pci[1] = DEVICE2_NAME;
    start();
    assert_int_equal(bind(0, device_find(CLOCK_NAME)->id, 2), BH_OK);
    assert_int_equal(bind(0, DEVICE2_ID, 3), BH_OK);
    for (unsigned int slot = 0; slot < partitions.partition[0].device_count; slot++)
        assert_int_equal(load(FUNCTION(slot), 2) == 0x1234,
                         partitions.partition[0].device[slot]->id == DEVICE2_ID);
}

static void a_partition_without_functions_has_no_window(void)
{
    machine_plain();
    machine.partition[0].pci[0] = NULL;
    machine.partition[0].block[0] = CLOCK_NAME;
    observer_start();
    machine_boot();
    assert_false(is_in_window(WINDOW));
}

/* ---- Row 0.22 ------------------------------------------------------------------------------------------ */

static void row_0_22_no_owner_can_turn_off_the_access_controls_of_its_function(void)
{
    fill();
    memset(&machine.pci.function[DEVICE1].config[0x100], 0, 0x100);
    pci_model_acs(&machine.pci, DEVICE1, 0x5F);
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    uint16_t before = pci_model_get16(&machine.pci, DEVICE1, 0x106);

    assert_int_equal(before, 0x1F);
    assert_int_equal(look(0x100, 4), 0);
    put(0x104, 4, 0);
    store(FUNCTION(0) + 0x106, 2, 0);
    put(0x106, 1, 0);
    assert_int_equal(pci_model_get16(&machine.pci, DEVICE1, 0x106), before);
}

/* ---- The tree and the set -------------------------------------------------------------------------------- */

static const fdt32_t *cells(const void *tree, const char *name, int count)
{
    int length = 0;
    int node = fdt_node_offset_by_compatible(tree, -1, "pci-host-ecam-generic");
    const fdt32_t *cell = node < 0 ? NULL : fdt_getprop(tree, node, name, &length);

    assert_non_null(cell);
    assert_int_equal(length, count * 4);
    return cell;
}

static void expect_cells(const void *tree, const char *name, const uint32_t *wanted, int count)
{
    const fdt32_t *cell = cells(tree, name, count);

    for (int i = 0; i < count; i++) {
        if (fdt32_ld(cell + i) != wanted[i])
            fail_msg("%s: cell %d is 0x%x and not 0x%x", name, i, fdt32_ld(cell + i), wanted[i]);
    }
}

static void the_tree_describes_the_host_and_where_registers_stand(void)
{
    static uint8_t tree[GUEST_TREE_SIZE];

    fill();
    start();
    uint32_t first = (uint32_t)device_registers(device_find(DEVICE1_NAME), 0).base;
    uint32_t third = (uint32_t)device_registers(device_find(DEVICE1_NAME), 2).base;

    assert_true(guest_tree_write(&partitions.partition[0], tree));
    expect_cells(tree, "reg", (uint32_t[]){ 0, WINDOW, 0, 0x100000 }, 4);
    expect_cells(tree, "bus-range", (uint32_t[]){ 0, 0 }, 2);
    expect_cells(tree, "ranges",
                 (uint32_t[]){ 0x02000000, 0, first, 0, first, 0, 0x1000, 0x02000000, 0, third, 0,
                               third, 0, 0x4000 },
                 14);
    expect_cells(tree, "interrupt-map-mask", (uint32_t[]){ 0xF800, 0, 0, 7 }, 4);
    expect_cells(tree, "interrupt-map", (uint32_t[]){ 0, 0, 0, 1, 1, 0, 40 - 32, 4 }, 8);
    expect_cells(tree, "#address-cells", (uint32_t[]){ 3 }, 1);
    expect_cells(tree, "#size-cells", (uint32_t[]){ 2 }, 1);
    expect_cells(tree, "#interrupt-cells", (uint32_t[]){ 1 }, 1);
    assert_non_null(
        fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "linux,pci-probe-only", NULL));
}

static void without_functions_the_tree_has_no_host(void)
{
    static uint8_t tree[GUEST_TREE_SIZE];

    machine_plain();
    machine.partition[0].pci[0] = NULL;
    observer_start();
    machine_boot();
    assert_true(guest_tree_write(&partitions.partition[0], tree));
    assert_true(fdt_node_offset_by_compatible(tree, -1, "pci-host-ecam-generic") < 0);
    assert_null(fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "linux,pci-probe-only", NULL));
}

static uint64_t wanted_window;

static void edit_window(void *tree)
{
    fdt32_t value[2] = { cpu_to_fdt32((uint32_t)(wanted_window >> 32)),
                         cpu_to_fdt32((uint32_t)wanted_window) };

    assert_int_equal(
        fdt_setprop(tree, edit_node(tree, "/partitions/one"), "pci-config", value, sizeof(value)),
        0);
}

static void the_set_may_put_the_window_elsewhere(void)
{
    wanted_window = 0x7000000000 - 0x100000;
    fill();
    machine.edit_set = edit_window;
    start();
    assert_int_equal(bind(0, DEVICE1_ID, 1), BH_OK);
    assert_int_equal(load(wanted_window, 4), real(0));
    assert_false(is_in_window(WINDOW));
}

static void expect_refused_window(uint64_t at, const char *text)
{
    fill();
    machine_partition("two");
    machine_window("samples", "one", "two");
    machine.edit_set = edit_window;
    wanted_window = at;
    assert_int_not_equal(machine_kernel(), HOST_IDLE);
    assert_console("pci-config: ");
    assert_console(text);
}

static void a_window_over_the_interrupt_controller_is_refused(void)
{
    expect_refused_window(0x08000000, "lies over its interrupt controller");
}

static void a_window_over_its_memory_is_refused(void)
{
    expect_refused_window(0x40300000, "lies over its memory");
}

static void a_window_over_shared_memory_is_refused(void)
{
    expect_refused_window(0x80000000, "lies over samples");
}

static void a_window_over_registers_of_a_device_is_refused(void)
{
    expect_refused_window(0x10000000, "lies over " DEVICE1_NAME);
}

static void a_window_that_is_not_aligned_is_refused(void)
{
    expect_refused_window(0x08180000, "write a multiple of 1 MiB");
}

static void a_window_beyond_the_partitions_addresses_is_refused(void)
{
    expect_refused_window(BIT(39), "write a multiple of 1 MiB below 2^39");
}

/* ---- Anything -------------------------------------------------------------------------------------------- */

/* Whatever is asked, hardware stays as bind and attach left it, and no answer is another's. */
static void accesses_at_random_change_nothing_but_what_they_may(void)
{
    uint64_t seed = 0x1D872B41;

    bound();
    const uint32_t bars[] = { real(0x10), real(0x18), real(0x1C) };

    for (unsigned int i = 0; i < campaign(20000); i++) {
        uint64_t address = WINDOW + random_next(&seed) % 0x9000, value = random_next(&seed);
        unsigned int bytes = 1u << random_next(&seed) % 4;

        if (random_next(&seed) % 2 == 0)
            store(address, bytes, random_next(&seed) % 2 == 0 ? UINT64_MAX : value);
        else
            value = load(address, bytes);
        assert_int_equal(real_command() & 6, 2);
    }
    assert_int_equal(real(0x10), bars[0]);
    assert_int_equal(real(0x18), bars[1]);
    assert_int_equal(real(0x1C), bars[2]);
    assert_int_equal(look(0, 4), real(0));
    assert_int_equal(machine.pci.function[DEVICE1].function_resets, 1);
}

int run_pci_config_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_head_of_the_space_names_the_function),
        TEST(what_has_no_meaning_for_an_owner_reads_as_zero),
        TEST(the_list_has_what_an_owner_may_see_in_ascending_order),
        TEST(a_function_without_capabilities_has_no_list),
        TEST(the_express_capability_is_an_integrated_endpoints_without_reset_and_link),
        TEST(messages_and_power_are_read_as_they_are_and_vendors_words_as_far_as_they_go),
        TEST(a_bar_tells_its_place_and_its_size_and_stays_there),
        TEST(a_bar_that_is_not_there_reads_as_zero_whatever_is_written),
        TEST(the_command_register_keeps_what_is_written_and_hardware_follows_bind_and_attach),
        TEST(the_owner_may_keep_the_function_from_raising_its_line),
        TEST(a_function_without_a_line_stays_kept_from_it),
        TEST(i3_no_write_reaches_hardware_but_that_of_intx_disable),
        TEST(a_reset_takes_what_was_written),
        TEST(a_function_that_is_gone_reads_as_all_ones),
        TEST(refusals_are_as_documented_and_change_nothing),
        TEST(the_window_answers_as_the_calls_do),
        TEST(in_the_window_the_rest_is_all_ones),
        TEST(row_2_53_before_bind_and_after_unbind_the_function_is_not_there),
        TEST(a_function_that_another_partition_has_is_not_there),
        TEST(a_register_block_has_no_place_in_the_window),
        TEST(a_partition_without_functions_has_no_window),
        TEST(row_0_22_no_owner_can_turn_off_the_access_controls_of_its_function),
        TEST(the_tree_describes_the_host_and_where_registers_stand),
        TEST(without_functions_the_tree_has_no_host),
        TEST(the_set_may_put_the_window_elsewhere),
        TEST(a_window_over_the_interrupt_controller_is_refused),
        TEST(a_window_over_its_memory_is_refused),
        TEST(a_window_over_shared_memory_is_refused),
        TEST(a_window_over_registers_of_a_device_is_refused),
        TEST(a_window_that_is_not_aligned_is_refused),
        TEST(a_window_beyond_the_partitions_addresses_is_refused),
        TEST(accesses_at_random_change_nothing_but_what_they_may),
    };

    return RUN_GROUP("the configuration space of an owner");
}
