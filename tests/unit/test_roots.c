/* SPDX-License-Identifier: Apache-2.0 */
/* Several root buses among the buses of one host: finding them (drivers/pci/enumerate.c), and giving each a host of
 * its own (drivers/topology/topology.c). */
#include <string.h>

#include "groups.h"
#include "pci_bench.h"

#define ROOT PCI_MODEL_ROOT
#define SECOND 6
#define THIRD 11

static struct pci_model *const pci = &machine.pci;
static struct topology topology;

/* ---- Finding ----------------------------------------------------------------------------------------------- */

/* A port on that root bus with an endpoint behind it; firmware gave the link that number. */
static int add_port(uint8_t root, uint8_t device, uint32_t link)
{
    int port = pci_model_bridge(pci, ROOT, device, 0, 4);

    pci->function[port].root = root;
    pci_model_endpoint(pci, port, 0, 0);
    pci_model_set32(pci, port, 0x18, link << 16 | link << 8 | root);
    return port;
}

static void three_roots(void)
{
    pci_bench_reset();
    add_port(0, 1, 1);
    add_port(0, 2, 2);
    add_port(SECOND, 0, SECOND + 1);
    add_port(THIRD, 31, THIRD + 2);
}

static void root_buses_are_those_that_answer_while_no_bridge_passes_anything_on(void)
{
    uint8_t root[4] = { 0 };

    three_roots();
    assert_int_equal(pci_find_roots(&pci_host, root, 4), 2);
    assert_int_equal(root[0], SECOND);
    assert_int_equal(root[1], THIRD);
    for (unsigned int i = 0; i < pci->count; i++) {
        if (pci->function[i].bridge)
            assert_int_equal(pci_model_get32(pci, (int)i, 0x18) >> 8, 0);
    }
}

static void no_more_root_buses_are_looked_for_than_there_are(void)
{
    uint8_t root[4] = { 0 };

    three_roots();
    assert_int_equal(pci_find_roots(&pci_host, root, 1), 1);
    assert_int_equal(root[0], SECOND);
    assert_int_equal(root[1], 0);
    assert_int_equal(pci_model_get32(pci, 6, 0x18), (THIRD + 2) << 16 | (THIRD + 2) << 8 | THIRD);
}

static void the_last_bus_of_a_host_may_be_a_root_bus_and_none_behind_it(void)
{
    uint8_t root[4] = { 0 };

    pci_bench_reset();
    add_port(ECAM_BUSES - 1, 0, 0);
    assert_int_equal(pci_find_roots(&pci_host, root, 4), 1);
    assert_int_equal(root[0], ECAM_BUSES - 1);
    pci_host.bus_last--;
    assert_int_equal(pci_find_roots(&pci_host, root, 4), 0);
}

/* ---- Dividing ---------------------------------------------------------------------------------------------- */

static void divide(void)
{
    static const uint8_t root[] = { SECOND, THIRD };

    pci_bench_reset();
    topology = (struct topology){ .host_count = 1 };
    topology.host[0] = pci_host;
    topology.host[0].pin_count = 3;
    topology.host[0].segment = 7;
    assert_true(topology_divide_host(&topology, 0, root, 2));
    assert_int_equal(topology.host_count, 3);
}

static void each_root_bus_begins_a_host_with_the_buses_up_to_the_next_one(void)
{
    static const uint8_t first[] = { 0, SECOND, THIRD },
                         last[] = { SECOND - 1, THIRD - 1, ECAM_BUSES - 1 };

    divide();
    for (unsigned int i = 0; i < 3; i++) {
        const struct topology_pci_host *host = &topology.host[i];

        assert_int_equal(host->bus_first, first[i]);
        assert_int_equal(host->bus_last, last[i]);
        assert_int_equal(host->ecam.base, ECAM_BASE + ((uint64_t)first[i] << 20));
        assert_int_equal(host->ecam.size, (uint64_t)(last[i] + 1 - first[i]) << 20);
        assert_int_equal(host->segment, 7);
        assert_string_equal(host->name, pci_host.name);
    }
}

static void each_part_has_an_equal_part_of_each_window_and_bridges_can_pass_it(void)
{
    divide();
    for (unsigned int i = 0; i < 3; i++) {
        for (unsigned int w = 0; w < 2; w++) {
            const struct topology_pci_window *window = &topology.host[i].window[w];
            uint64_t size = pci_host.window[w].size / 3 >> 20 << 20;

            assert_int_equal(window->size, size);
            assert_int_equal(window->pci_base, pci_host.window[w].pci_base + i * size);
            assert_int_equal(window->cpu_base, pci_host.window[w].cpu_base + i * size);
            assert_int_equal(window->wide, pci_host.window[w].wide);
        }
    }
}

/* Nobody says how those of the others are wired. */
static void only_the_first_part_knows_the_lines_of_its_pins(void)
{
    divide();
    assert_int_equal(topology.host[0].pin_count, 3);
    assert_int_equal(topology.host[1].pin_count, 0);
    assert_int_equal(topology.host[2].pin_count, 0);
}

static void a_host_without_further_roots_stays_whole_and_too_many_are_refused(void)
{
    static const uint8_t root[] = { 2, 4, 6, 8 };
    static struct topology before;

    pci_bench_reset();
    topology = (struct topology){ .host_count = 1 };
    topology.host[0] = pci_host;
    before = topology;
    assert_true(topology_divide_host(&topology, 0, root, 0));
    assert_memory_equal(&topology, &before, sizeof(before));
    assert_false(topology_divide_host(&topology, 0, root, TOPOLOGY_PCI_HOSTS));
    assert_memory_equal(&topology, &before, sizeof(before));
    assert_true(topology_divide_host(&topology, 0, root, TOPOLOGY_PCI_HOSTS - 1));
    assert_int_equal(topology.host_count, TOPOLOGY_PCI_HOSTS);
}

int run_roots_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(root_buses_are_those_that_answer_while_no_bridge_passes_anything_on),
        TEST(no_more_root_buses_are_looked_for_than_there_are),
        TEST(the_last_bus_of_a_host_may_be_a_root_bus_and_none_behind_it),
        TEST(each_root_bus_begins_a_host_with_the_buses_up_to_the_next_one),
        TEST(each_part_has_an_equal_part_of_each_window_and_bridges_can_pass_it),
        TEST(only_the_first_part_knows_the_lines_of_its_pins),
        TEST(a_host_without_further_roots_stays_whole_and_too_many_are_refused),
    };

    return RUN_GROUP("pci, root buses");
}
