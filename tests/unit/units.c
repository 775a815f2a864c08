/* SPDX-License-Identifier: Apache-2.0 */
/* Machines with several units of unequal kinds; see machine.h. */
#include <stdio.h>

#include "machine.h"

#define ENDPOINT_BAR_BYTES 0x1000

bool machine_stream(uint32_t requester, unsigned int *unit, uint32_t *stream)
{
    *unit = 0;
    *stream = requester;
    for (unsigned int i = 0; i < machine.id_map_count; i++) {
        const struct machine_id_map *map = &machine.id_map[i];

        if (requester - map->first >= map->count)
            continue;
        *unit = map->unit;
        *stream = requester - map->first + map->stream;
        return true;
    }
    return machine.id_map_count == 0;
}

static void lead(uint32_t requester, uint32_t count, unsigned int unit, uint32_t stream)
{
    assert_true(machine.id_map_count < MACHINE_ID_MAPS);
    machine.id_map[machine.id_map_count++] = (struct machine_id_map){
        .first = requester, .count = count, .unit = unit, .stream = stream
    };
}

/* The root bus, to the first unit that has room for its ids beside those of the endpoints. */
static void lead_ports(void)
{
    const unsigned int log2_ids = 8;

    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        if (machine.parameters[unit].sidsize <= log2_ids)
            continue;
        lead(0, (uint32_t)BIT(log2_ids), unit, (uint32_t)BIT(log2_ids));
        return;
    }
}

static void add_endpoint(unsigned int index, int port)
{
    int function = pci_model_endpoint(&machine.pci, port, 0, 0);

    pci_model_express(&machine.pci, function, 0, index % 2 == 0);
    pci_model_bar(&machine.pci, function, 0, ENDPOINT_BAR_BYTES, false);
    lead((index + 1) << 8, 1, index / ENDPOINTS_A_UNIT, MACHINE_STREAM(index));
    machine.endpoint[index] = function;
}

static void add_endpoints(unsigned int count, struct partition_spec *owner)
{
    static char names[MACHINE_ENDPOINTS][16];
    int port[MACHINE_ENDPOINTS];

    assert_true(count <= MACHINE_ENDPOINTS);
    machine.endpoint_count = count;
    lead_ports();
    for (unsigned int i = 0; i < count; i++)
        port[i] = pci_model_bridge(&machine.pci, PCI_MODEL_ROOT, (uint8_t)i, 0, 4);
    for (unsigned int i = 0; i < count; i++) {
        add_endpoint(i, port[i]);
        snprintf(names[i], sizeof(names[i]), "0000:%02x:00.0", (i + 1) & 0xFF);
        owner->pci[i] = names[i];
    }
}

void machine_units_with(const struct smmuv3_model_parameters *parameters, unsigned int count)
{
    static const uint32_t payload[] = { 0xD503201F, 0x14000000 };

    machine_reset();
    for (unsigned int i = 0; i < count; i++) {
        machine_add_unit(&parameters[i]);
        if (i != 0)
            machine_board_unit();
    }
    machine.tree.units = count;
    machine.payload[machine.payload_count++] = (struct payload_file){ .name = "flat.bin",
                                                                      .bytes = payload,
                                                                      .size = sizeof(payload) };
    add_endpoints(count * ENDPOINTS_A_UNIT, machine_partition("one"));
}

void machine_units(const enum smmuv3_model_variant *variants, unsigned int count)
{
    struct smmuv3_model_parameters parameters[UNITS];

    assert_true(count <= UNITS);
    for (unsigned int i = 0; i < count; i++)
        parameters[i] = smmuv3_model_variant(variants[i]);
    machine_units_with(parameters, count);
}
