/* SPDX-License-Identifier: Apache-2.0 */
/* Enumeration (drivers/pci/enumerate.c) and the placing of BARs (bars.c). */
#include <string.h>

#include "drivers/pci/internal.h"
#include "groups.h"
#include "pci_bench.h"

#define ROOT PCI_MODEL_ROOT

static struct pci_model *const pci = &machine.pci;

static uint64_t bar_of(int index, unsigned int bar)
{
    return pci_model_get32(pci, index, 0x10 + 4 * bar) & ~UINT64_C(0xF);
}

static void i2_decoding_and_mastering_go_off_before_anything_else_is_written(void)
{
    bool off[8] = { false };

    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    for (uint8_t function = 0; function < 4; function++) {
        int index = pci_model_endpoint(pci, port, 0, function);

        pci_model_multifunction(pci, index);
        pci_model_bar(pci, index, 0, 0x1000, false);
    }
    pci_model_endpoint(pci, ROOT, 2, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 6);
    for (unsigned int i = 0; i < pci->write_count; i++) {
        const struct pci_model_write *write = &pci->write[i];

        if (!off[write->function]) {
            assert_int_equal(write->offset, 4);
            assert_int_equal(write->value & 7, 0);
            off[write->function] = true;
        }
        if (write->offset == 4 && !pci->function[write->function].bridge)
            assert_int_equal(write->value & 7, 0);
    }
    for (unsigned int i = 0; i < 6; i++)
        assert_true(off[i]);
    for (int i = 1; i < 6; i++)
        assert_int_equal(pci_model_get16(pci, i, 4) & 0x407, 0x400);
}

static void bridges_are_numbered_depth_first(void)
{
    pci_bench_reset();
    int port1 = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int port2 = pci_model_bridge(pci, ROOT, 2, 0, 4);
    int up = pci_model_bridge(pci, port1, 0, 0, 5);
    int down1 = pci_model_bridge(pci, up, 0, 0, 6);
    int down2 = pci_model_bridge(pci, up, 1, 0, 6);

    pci_model_endpoint(pci, down1, 0, 0);
    pci_model_endpoint(pci, down2, 0, 0);
    pci_model_endpoint(pci, port2, 0, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 8);
    assert_int_equal(pci_model_get32(pci, port1, 0x18) & 0xFFFFFF, 0x040100);
    assert_int_equal(pci_model_get32(pci, up, 0x18) & 0xFFFFFF, 0x040201);
    assert_int_equal(pci_model_get32(pci, down1, 0x18) & 0xFFFFFF, 0x030302);
    assert_int_equal(pci_model_get32(pci, down2, 0x18) & 0xFFFFFF, 0x040402);
    assert_int_equal(pci_model_get32(pci, port2, 0x18) & 0xFFFFFF, 0x050500);
    assert_int_equal(pci_bench_at(3, 0, 0)->kind, PCI_ENDPOINT);
    assert_int_equal(pci_bench_at(4, 0, 0)->kind, PCI_ENDPOINT);
    assert_int_equal(pci_bench_at(5, 0, 0)->kind, PCI_ENDPOINT);
    assert_int_equal(pci_bench_at(2, 1, 0)->kind, PCI_SWITCH_DOWNSTREAM);
    assert_int_equal(pci_bench_at(1, 0, 0)->kind, PCI_SWITCH_UPSTREAM);
}

/*
 * Firmware had given buses 2 and 3 to ports that come later; here the first port's switch gets
 * them. One of these ports is another function of the first one's device.
 */
static void bus_numbers_that_firmware_left_do_not_answer_for_others(void)
{
    pci_bench_reset();
    int port2 = pci_model_bridge(pci, ROOT, 1, 1, 4);
    int far2 = pci_model_endpoint(pci, port2, 0, 0);
    int port3 = pci_model_bridge(pci, ROOT, 2, 0, 4);
    int far3 = pci_model_endpoint(pci, port3, 0, 0);
    int port1 = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int up = pci_model_bridge(pci, port1, 0, 0, 5);
    int down = pci_model_bridge(pci, up, 0, 0, 6);
    int near = pci_model_endpoint(pci, down, 0, 0);

    pci_model_multifunction(pci, port1);
    pci_model_set32(pci, port1, 0x18, 0x010100);
    pci_model_set32(pci, port2, 0x18, 0x020200);
    pci_model_set32(pci, port3, 0x18, 0x030300);
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(2, 0, 0)->kind, PCI_SWITCH_DOWNSTREAM);
    assert_int_equal(pci_bench_at(3, 0, 0)->device, pci_model_get16(pci, near, 2));
    assert_int_equal(pci_bench_at(4, 0, 0)->device, pci_model_get16(pci, far2, 2));
    assert_int_equal(pci_bench_at(5, 0, 0)->device, pci_model_get16(pci, far3, 2));
    assert_int_equal(found.count, 8);
}

static void kinds_are_told_apart(void)
{
    pci_bench_reset();
    int host = pci_model_endpoint(pci, ROOT, 0, 0);
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    pci_model_set32(pci, host, 8, 0x06000000);
    int to_pci = pci_model_bridge(pci, port, 0, 0, 7);

    pci_model_bridge(pci, to_pci, 3, 0, -1);
    pci_model_endpoint(pci, ROOT, 9, 0);
    pci_bench_enumerate();
    assert_int_equal(pci_bench_at(0, 0, 0)->kind, PCI_HOST_BRIDGE);
    assert_int_equal(pci_bench_at(0, 1, 0)->kind, PCI_ROOT_PORT);
    assert_int_equal(pci_bench_at(1, 0, 0)->kind, PCI_BRIDGE_TO_PCI);
    assert_int_equal(pci_bench_at(2, 3, 0)->kind, PCI_BRIDGE_CONVENTIONAL);
    assert_int_equal(pci_bench_at(0, 9, 0)->kind, PCI_INTEGRATED);
}

static void functions_of_a_device_are_looked_for_only_where_it_has_several(void)
{
    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 4, 0);
    pci_model_endpoint(pci, ROOT, 4, 3);
    pci_bench_enumerate();
    assert_int_equal(found.count, 1);
    memset(&found, 0, sizeof(found));
    pci_model_multifunction(pci, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 2);
}

static void i8_capability_lists_that_do_not_end_are_cut(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 4, 0);

    pci_model_express(pci, index, 9, true);
    pci_model_acs(pci, index, 0);
    /* Both lists lead back into themselves. */
    pci->function[index].config[pci->function[index].cap_express + 1] = 0x40;
    pci_model_set16(pci, index, 0x102, 0x1001);
    pci_bench_enumerate();
    assert_int_equal(found.count, 1);
    assert_int_equal(found.function[0].cap_express, 0x40);
    assert_int_equal(found.function[0].cap_acs, 0x100);
}

static void i8_noise_in_configuration_space_is_survived(void)
{
    uint64_t seed = 4711;

    for (unsigned int round = 0; round < 300; round++) {
        pci_bench_reset();
        int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

        for (uint8_t device = 2; device < 6; device++) {
            int index = pci_model_endpoint(pci, device < 4 ? ROOT : port, device < 4 ? device : 0,
                                           device < 4 ? 0 : device & 1);

            for (unsigned int i = 8; i < 4096; i++)
                pci->function[index].config[i] = (uint8_t)random_next(&seed);
        }
        pci_bench_isolate(true);
        assert_true(found.count <= 8 * 32);
    }
}

static void bus_numbers_that_run_out_leave_the_rest_off(void)
{
    int parent = ROOT;

    pci_bench_reset();
    pci_host.bus_last = 3;
    for (unsigned int i = 0; i < 6; i++)
        parent = pci_model_bridge(pci, parent, 0, 0, i == 0 ? 4 : 6);
    pci_model_endpoint(pci, parent, 0, 0);
    pci_bench_enumerate();
    assert_int_equal(found.count, 4);
    assert_non_null(strstr(host_console(), "no bus number left"));
}

static void i7_a_chain_of_bridges_deeper_than_the_limit_is_cut(void)
{
    int parent = ROOT;

    pci_bench_reset();
    for (unsigned int i = 0; i < 12; i++)
        parent = pci_model_bridge(pci, parent, 0, 0, i == 0 ? 4 : 6);
    pci_bench_enumerate();
    assert_int_equal(found.count, PCI_DEPTH);
}

static void functions_beyond_the_array_are_switched_off_and_counted(void)
{
    pci_bench_reset();
    for (uint8_t device = 0; device < 32; device++) {
        for (uint8_t function = 0; function < 5 && pci->count < PCI_MODEL_FUNCTIONS; function++)
            pci_model_multifunction(pci, pci_model_endpoint(pci, ROOT, device, function));
    }
    pci_bench_enumerate();
    assert_int_equal(found.count, PCI_FUNCTIONS);
    assert_int_equal(found.dropped, PCI_MODEL_FUNCTIONS - PCI_FUNCTIONS);
    assert_non_null(strstr(host_console(), "pci: 32 functions beyond the first 128 stay off"));
    for (int i = 0; i < PCI_MODEL_FUNCTIONS; i++)
        assert_int_equal(pci_model_get16(pci, i, 4) & 7, 0);
}

static void i8_absent_functions_that_abort_are_no_harm(void)
{
    pci_bench_reset();
    pci_model_endpoint(pci, ROOT, 4, 0);
    host_abort_range(ECAM_BASE + (5u << 15), 0x1000000);
    pci_bench_enumerate();
    assert_int_equal(found.count, 1);
}

/* ---- BARs --------------------------------------------------------------------------------------- */

static void every_bar_stands_alone_in_its_pages_inside_the_window(void)
{
    static const uint64_t sizes[] = { 0x10, 0x80, 0x1000, 0x2000, 0x100000, 0x4000 };
    struct {
        uint64_t base, size;
    } placed[64];
    unsigned int count = 0;

    pci_bench_reset();
    for (uint8_t port = 1; port < 4; port++) {
        int bridge = pci_model_bridge(pci, ROOT, port, 0, 4);
        int index = pci_model_endpoint(pci, bridge, 0, 0);

        for (unsigned int bar = 0; bar < 6; bar++)
            pci_model_bar(pci, index, bar, sizes[(bar + port) % 6], false);
    }
    pci_bench_enumerate();
    for (uint32_t i = 0; i < found.count; i++) {
        for (unsigned int bar = 0; bar < PCI_BARS; bar++) {
            const struct pci_bar *b = &found.function[i].bar[bar];

            if (b->size == 0)
                continue;
            assert_true(is_aligned(b->address, max_u64(b->size, PAGE_SIZE)));
            assert_true(range_inside(b->address, b->size, WINDOW_BASE, WINDOW_SIZE));
            placed[count].base = b->address;
            placed[count++].size = max_u64(b->size, PAGE_SIZE);
        }
    }
    assert_int_equal(count, 18);
    for (unsigned int a = 0; a < count; a++) {
        for (unsigned int b = 0; b < a; b++)
            assert_false(
                range_overlaps(placed[a].base, placed[a].size, placed[b].base, placed[b].size));
    }
}

static void bars_lie_inside_the_window_of_every_bridge_above(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);
    int up = pci_model_bridge(pci, port, 0, 0, 5);
    int down = pci_model_bridge(pci, up, 2, 0, 6);
    int index = pci_model_endpoint(pci, down, 0, 0);
    int other = pci_model_bridge(pci, ROOT, 2, 0, 4);
    int far = pci_model_endpoint(pci, other, 0, 0);

    pci_model_bar(pci, index, 0, 0x400000, false);
    pci_model_bar(pci, far, 0, 0x1000, false);
    pci_bench_enumerate();
    for (int bridge = down; bridge != ROOT; bridge = pci->function[bridge].parent) {
        uint64_t base = (uint64_t)(pci_model_get16(pci, bridge, 0x20) & 0xFFF0) << 16;
        uint64_t limit = ((uint64_t)(pci_model_get16(pci, bridge, 0x22) & 0xFFF0) << 16) + 0xFFFFF;

        assert_true(bar_of(index, 0) >= base && bar_of(index, 0) + 0x3FFFFF <= limit);
        assert_false(bar_of(far, 0) >= base && bar_of(far, 0) <= limit);
        /* Prefetchable and I/O windows stay closed; requests from below go up. */
        assert_true((pci_model_get16(pci, bridge, 0x24) & 0xFFF0) >
                    (pci_model_get16(pci, bridge, 0x26) & 0xFFF0));
        assert_int_equal(pci_model_get16(pci, bridge, 4) & 7, 6);
    }
}

static void a_bridge_with_nothing_below_passes_no_memory(void)
{
    pci_bench_reset();
    int port = pci_model_bridge(pci, ROOT, 1, 0, 4);

    pci_bench_enumerate();
    assert_true((pci_model_get16(pci, port, 0x20) & 0xFFF0) >
                (pci_model_get16(pci, port, 0x22) & 0xFFF0));
}

static void wide_bars_take_two_registers_and_lie_below_4_gib(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x4000, true);
    pci_model_bar(pci, index, 2, 0x1000, false);
    pci_model_bar(pci, index, 4, 0x10000, true);
    pci_bench_enumerate();
    const struct pci_function *function = pci_bench_at(0, 1, 0);

    assert_true(function->bar[0].wide && function->bar[4].wide);
    assert_int_equal(function->bar[1].size, 0);
    assert_int_equal(function->bar[0].size, 0x4000);
    assert_int_equal(function->bar[4].size, 0x10000);
    assert_int_equal(bar_of(index, 0), function->bar[0].address);
    assert_int_equal(pci_model_get32(pci, index, 0x14), 0);
    assert_false(function->unplaced);
}

static void a_bar_that_does_not_fit_marks_its_function_and_no_other(void)
{
    pci_bench_reset();
    int large = pci_model_endpoint(pci, ROOT, 1, 0);
    int wider = pci_model_endpoint(pci, ROOT, 2, 0);
    int small = pci_model_endpoint(pci, ROOT, 3, 0);

    pci_model_bar(pci, large, 0, UINT64_C(1) << 31, false);
    pci_model_bar(pci, wider, 0, UINT64_C(1) << 40, true);
    pci_model_bar(pci, small, 0, 0x1000, false);
    /* A size that is no power of two would share a page with its neighbour. */
    int forged = pci_model_endpoint(pci, ROOT, 4, 0);

    pci_model_bar(pci, forged, 0, 0x2010, false);
    pci_bench_enumerate();
    assert_true(pci_bench_at(0, 1, 0)->unplaced);
    assert_true(pci_bench_at(0, 2, 0)->unplaced);
    assert_true(pci_bench_at(0, 4, 0)->unplaced);
    assert_false(pci_bench_at(0, 3, 0)->unplaced);
    assert_int_equal(pci_bench_at(0, 1, 0)->bar[0].address, 0);
    assert_int_not_equal(bar_of(small, 0), 0);
    assert_non_null(strstr(host_console(), "do not fit"));
}

static void io_bars_and_roms_stay_off(void)
{
    pci_bench_reset();
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_io_bar(pci, index, 0, 0x20);
    pci_model_bar(pci, index, 1, 0x1000, false);
    memset(&pci->function[index].writable[0x30], 0xFF, 4);
    pci_model_set32(pci, index, 0x30, 0x10000001);
    pci_bench_enumerate();
    assert_true(pci_bench_at(0, 1, 0)->bar[0].io);
    assert_int_equal(pci_bench_at(0, 1, 0)->bar[0].size, 0);
    assert_int_equal(pci_model_get32(pci, index, 0x30) & 1, 0);
    assert_int_equal(pci_model_get16(pci, index, 4) & 1, 0);
}

static void a_window_that_is_shifted_between_cpu_and_bus_is_followed(void)
{
    pci_bench_reset();
    pci_host.window[1].pci_base = 0x40000000;
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x1000, false);
    pci_bench_enumerate();
    assert_in_range(bar_of(index, 0), 0x40000000, 0x6FFFFFFF);
    assert_int_equal(pci_bench_at(0, 1, 0)->bar[0].address,
                     bar_of(index, 0) - 0x40000000 + WINDOW_BASE);
}

static void restored_bars_are_the_buss_addresses_in_both_halves(void)
{
    pci_bench_reset();
    pci_host.window[1].pci_base = 0x40000000;
    int index = pci_model_endpoint(pci, ROOT, 1, 0);

    pci_model_bar(pci, index, 0, 0x1000, true);
    pci_model_bar(pci, index, 2, 0x1000, false);
    pci_bench_enumerate();
    uint64_t first = bar_of(index, 0), second = bar_of(index, 2);

    assert_in_range(first, 0x40000000, 0x6FFFFFFF);
    pci_model_set32(pci, index, 0x10, 4);
    pci_model_set32(pci, index, 0x14, 0x12);
    pci_model_set32(pci, index, 0x18, 0);
    assert_true(pci_restore_bars(pci_bench_at(0, 1, 0)));
    assert_int_equal(bar_of(index, 0), first);
    assert_int_equal(pci_model_get32(pci, index, 0x14), 0);
    assert_int_equal(bar_of(index, 2), second);
}

int run_pci_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i2_decoding_and_mastering_go_off_before_anything_else_is_written),
        TEST(bridges_are_numbered_depth_first),
        TEST(bus_numbers_that_firmware_left_do_not_answer_for_others),
        TEST(kinds_are_told_apart),
        TEST(functions_of_a_device_are_looked_for_only_where_it_has_several),
        TEST(i8_capability_lists_that_do_not_end_are_cut),
        TEST(i8_noise_in_configuration_space_is_survived),
        TEST(bus_numbers_that_run_out_leave_the_rest_off),
        TEST(i7_a_chain_of_bridges_deeper_than_the_limit_is_cut),
        TEST(functions_beyond_the_array_are_switched_off_and_counted),
        TEST(i8_absent_functions_that_abort_are_no_harm),
        TEST(every_bar_stands_alone_in_its_pages_inside_the_window),
        TEST(bars_lie_inside_the_window_of_every_bridge_above),
        TEST(a_bridge_with_nothing_below_passes_no_memory),
        TEST(wide_bars_take_two_registers_and_lie_below_4_gib),
        TEST(a_bar_that_does_not_fit_marks_its_function_and_no_other),
        TEST(io_bars_and_roms_stay_off),
        TEST(a_window_that_is_shifted_between_cpu_and_bus_is_followed),
        TEST(restored_bars_are_the_buss_addresses_in_both_halves),
    };

    return RUN_GROUP("pci/enumerate and bars");
}
