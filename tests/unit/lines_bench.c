/* SPDX-License-Identifier: Apache-2.0 */
#include "lines_bench.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#include "edit.h"
#include "observer.h"

#define STRUCTURE UINT64_C(0x40100000)
#define PIN 0x3D
#define INTX_DISABLE 0x400

unsigned int map_entries;
uint32_t wires[64 * ENTRY];

void add_entry(uint32_t device, uint32_t pin, uint32_t spi, uint32_t flags)
{
    const uint32_t entry[ENTRY] = { device << 11, 0, 0, pin, GIC_HANDLE, 0, 0, 0, spi, flags };

    memcpy(&wires[(size_t)map_entries++ * ENTRY], entry, sizeof(entry));
}

void write_map(void *tree, uint32_t count)
{
    fdt32_t cell[ARRAY_LENGTH(wires)];

    for (uint32_t i = 0; i < count; i++)
        cell[i] = cpu_to_fdt32(wires[i]);
    assert_int_equal(fdt_setprop(tree, edit_node(tree, PCI_NODE), "interrupt-map", cell,
                                 (int)(count * sizeof(*cell))),
                     0);
}

void edit_map(void *tree)
{
    write_map(tree, map_entries * ENTRY);
}

void set_pin(int function, uint8_t pin)
{
    machine.pci.function[function].config[PIN] = pin;
}

void make_loud(int function)
{
    machine.pci.function[function].writable[5] &= (uint8_t) ~(INTX_DISABLE >> 8);
}

void plain(void)
{
    machine_plain();
    map_entries = 0;
    set_pin(DEVICE1, 1);
    set_pin(DEVICE2, 1);
}

void plain_map(void)
{
    plain();
    for (uint32_t device = 0; device < 4; device++) {
        for (uint32_t pin = 1; pin <= 4; pin++)
            add_entry(device, pin, MACHINE_LINE(device, pin) - 32, 4);
    }
    machine.tree.edit = edit_map;
}

void start(void)
{
    observer_start();
    machine_boot();
}

const struct bh_device_info *info_of(unsigned int partition, uint64_t index)
{
    struct bh_device_info *info = guest(partition, STRUCTURE);

    memset(info, 0, sizeof(*info));
    info->size = sizeof(*info);
    assert_int_equal(call2(partition, BH_CALL_DEVICE_INFO, index, STRUCTURE), BH_OK);
    return info;
}

bool may_raise(int function)
{
    return (pci_model_get16(&machine.pci, function, 4) & INTX_DISABLE) == 0;
}

uint32_t leads_to(uint32_t line, unsigned int partition)
{
    uint32_t interrupt = 0;
    const struct vcpu *vcpu = host_route(line, &interrupt);

    if (vcpu == NULL)
        return 0;
    assert_ptr_equal(vcpu, &partitions.partition[partition].vcpu);
    return interrupt;
}

void expect_none(unsigned int partition, uint64_t index)
{
    assert_int_equal(info_of(partition, index)->interrupts, BH_INTERRUPTS_NONE);
    assert_int_equal(info_of(partition, index)->interrupt, 0);
}

void expect_refused_line(const char *why)
{
    char line[160];

    assert_int_not_equal(line_of_device(DEVICE1_NAME), INTERRUPT_NONE);
    expect_none(0, 0);
    snprintf(line, sizeof(line), "one: " DEVICE1_NAME " has no INTx: its line %s\n", why);
    assert_console(line);
    if (device_find(DEVICE1_NAME)->bound == NULL)
        bind_and_attach(0, DEVICE1_ID, 1);
    assert_false(may_raise(DEVICE1));
    assert_int_equal(leads_to(line_of_device(DEVICE1_NAME), 0), 0);
}

void expect_line(unsigned int partition, uint64_t index, uint32_t interrupt)
{
    assert_int_equal(info_of(partition, index)->interrupts, BH_INTERRUPTS_LINE);
    assert_int_equal(info_of(partition, index)->interrupt, interrupt);
}

uint32_t line_of_device(const char *name)
{
    return device_find(name)->line;
}
