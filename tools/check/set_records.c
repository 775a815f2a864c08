/* SPDX-License-Identifier: Apache-2.0 */
#include "set_records.h"

#include <string.h>

#include "fate.h"
#include "kernel/message.h"
#include "kernel/partition.h"
#include "kernel/window.h"
#include "machine.h"
#include "matrix.h"
#include "records.h"
#include "words.h"

static void record_partition(const struct partition *partition)
{
    record_begin("partition");
    record_text("name", partition->name);
    record_number("cpu", partition->cpu);
    record_number("guest", partition->set->memory_base);
    record_number("physical", partition->physical);
    record_number("size", partition->visible_size);
    record_number("pool_pages", partition->set->pool_pages);
    record_text("payload", partition->set->payload);
    record_flag("aarch32", partition->set->aarch32);
    record_end();
}

static void record_window(const struct window *window)
{
    const struct set_window *set = window->set;

    record_begin("window");
    record_text("name", set->name);
    record_list("sides");
    for (uint32_t i = 0; i < 2; i++)
        record_text(NULL, partitions.partition[set->side[i]].name);
    record_list_end();
    record_list("writers");
    for (uint32_t i = 0; i < 2; i++) {
        if (set->writes[i])
            record_text(NULL, partitions.partition[set->side[i]].name);
    }
    record_list_end();
    record_number("physical", window->physical);
    record_number("size", set->size);
    record_flag("dma", set->dma);
    record_end();
}

static void record_units(void)
{
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        record_begin("unit");
        record_text("name", devices.iommu[i].topology->name);
        record_text("compatible", devices.iommu[i].topology->compatible);
        record_flag("smmuv3", true);
        record_flag("driven", true);
        record_flag("enabled", !devices.iommu[i].topology->disabled);
        record_flag("usable", devices.iommu[i].usable);
        record_end();
    }
}

static void record_owners(const struct device *device)
{
    record_list("owners");
    for (uint32_t i = 0; i < partitions.count; i++) {
        if (partition_device(&partitions.partition[i], device->id) != NULL)
            record_text(NULL, partitions.partition[i].name);
    }
    record_list_end();
}

static void record_or_null(const char *name, const char *text)
{
    if (text != NULL)
        record_text(name, text);
    else
        record_null(name);
}

static void record_root_port(const struct pci_function *function)
{
    const struct pci_function *port = function != NULL ? fate_root_port(function) : NULL;
    char name[PCI_NAME];

    if (port != NULL)
        pci_name(port, name);
    record_or_null("port", port != NULL ? name : NULL);
}

static void record_unprotected(void)
{
    for (uint32_t i = 0; i < machine.topology.unprotected_count; i++) {
        const struct topology_master *master = &machine.topology.unprotected[i];

        record_begin("unprotected");
        record_text("name", master->name);
        record_text("compatible", master->compatible);
        record_number("count", master->count);
        record_flag("trusted", board_trusts(&machine.board, master->compatible));
        record_end();
    }
}

/* The ITS that its messages go to, the id that they carry there, and how many of them it can have. */
static void record_messages(const struct device *device)
{
    uint32_t vectors = message_vectors(device);

    record_or_null("its", vectors != 0 ? device->message_unit->topology->name : NULL);
    record_number("device_id", vectors != 0 ? device->message_device : 0);
    record_number("messages", vectors);
}

static void record_device(const struct device *device)
{
    const struct pci_function *function = device->function;

    record_begin("device");
    record_text("name", device->name);
    record_number("group", device->group->number);
    record_text("reasons", words_reasons(device->group->reasons));
    record_owners(device);
    record_or_null("unit", device->iommu != NULL ? device->iommu->topology->name : NULL);
    record_or_null("host", function != NULL ? function->host->name : NULL);
    record_number("bus", function != NULL ? function->rid >> 8 : 0);
    record_root_port(function);
    record_text("reset", words_reset(device));
    record_or_null("refusal", device->refusal);
    if (device->line != INTERRUPT_NONE)
        record_number("line", device->line);
    else
        record_null("line");
    record_or_null("line_refusal", device->line_refusal);
    record_text("interrupts", words_interrupts(device));
    record_messages(device);
    record_list("streams");
    for (uint32_t i = 0; i < device->stream_count; i++)
        record_number(NULL, device->streams[i]);
    record_list_end();
    record_end();
}

void set_record(const char *name)
{
    const char *tables = machine.board.firmware_tables;

    record_begin("set");
    record_text("name", name);
    record_or_null("tables", tables[0] != '\0' ? tables : NULL);
    record_end();
    for (uint32_t i = 0; i < partitions.count; i++)
        record_partition(&partitions.partition[i]);
    for (uint32_t i = 0; i < windows.count; i++)
        record_window(&windows.window[i]);
    record_units();
    for (uint32_t i = 0; i < devices.count; i++) {
        /* As what is printed: register blocks that nobody asks for are the board's furniture. */
        if (devices.device[i].block == NULL ||
            strcmp(words_owners(&devices.device[i]), "nobody") != 0 ||
            devices.device[i].block->masters)
            record_device(&devices.device[i]);
    }
    fate_record();
    record_unprotected();
    matrix_record();
}
