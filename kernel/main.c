/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot, in the order that the invariants demand: the IOMMUs are closed when this begins; then their
 * tables, then interrupts and PCI, then partitions. Nothing that was read before the lockdown is
 * used.
 */
#include "arch/arch.h"
#include "arch/boot.h"
#include "arch/seam.h"
#include "drivers/serial/serial.h"
#include "drivers/topology/fdt.h"
#include "kernel/board.h"
#include "kernel/bundle.h"
#include "kernel/digest.h"
#include "kernel/fault.h"
#include "kernel/firmware.h"
#include "kernel/keyboard.h"
#include "kernel/lifecycle.h"
#include "kernel/memory.h"
#include "kernel/message.h"
#include "kernel/partition.h"
#include "kernel/plan.h"
#include "kernel/presence.h"
#include "kernel/window.h"
#include "lib/boot_memory.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/string.h"

#define MICROSECONDS_PER_SECOND 1000000

static struct topology topology;
static struct board board;
static struct bundle bundle;
static struct set set;
static _Alignas(8) uint8_t tree[TREE_SIZE_LIMIT];

static _Noreturn void refuse(const char *text, const char *node)
{
    log_error("fatal: %s%s%s", text, *node != '\0' ? ": " : "", node);
    lifecycle_refuse();
}

static _Noreturn void refuse_set(const struct set_error *error)
{
    char line[LOG_LINE];

    set_error_line(error, bundle.entry[0].name, line, sizeof(line));
    log_error("%s", line);
    lifecycle_refuse();
}

/* A port to speak through as early as possible: the board's, until the tree names one. */
static void start_log(void)
{
    const struct serial_driver *driver = serial_find(board.serial_compatible);

    if (board_serial != 0 && driver != NULL && arch_map_device(board_serial, PAGE_SIZE))
        log_start(&driver->port, board_serial);
}

static void read_tree(uint64_t address)
{
    struct topology_error error = { 0 };
    uint32_t first;

    if (address == 0)
        address = board_device_tree;
    if (!is_aligned(address, 8) || !arch_map_memory(address, FDT_HEADER_SIZE) ||
        !mmio_probe32(address, &first))
        refuse("the device tree's address is not readable memory", "");
    uint64_t extent = min_u64(fdt_extent(memory_pointer(address)), TREE_SIZE_LIMIT);

    if (!arch_map_memory(address, max_u64(extent, FDT_HEADER_SIZE)) ||
        !fdt_take(memory_pointer(address), tree, sizeof(tree), &error) ||
        !fdt_read_topology(tree, &topology, &error))
        refuse(error.text != NULL ? error.text : "the device tree cannot be mapped", error.node);
}

static void follow_serial(void)
{
    /* The board's port stays the hypervisor's where the tree names none. */
    if (topology.serial.size == 0 && board_serial != 0)
        topology.serial = (struct topology_range){ .base = board_serial, .size = PAGE_SIZE };
    const struct serial_driver *driver = serial_find(topology.serial_compatible);

    if (driver != NULL && topology.serial.base != board_serial &&
        arch_map_device(topology.serial.base, topology.serial.size))
        log_start(&driver->port, topology.serial.base);
}

static int early_index(uint64_t base)
{
    for (uint64_t i = 0; i < board_smmuv3_count; i++) {
        if (board_smmuv3_bases[i] == base)
            return (int)i;
    }
    return -1;
}

/* A unit in the tree that the table does not name was open until now: it is closed on sight and
 * said. */
static void close_unit(struct iommu *iommu, const struct early_report *early)
{
    const struct topology_iommu *unit = iommu->topology;
    int index = early_index(unit->registers.base);
    enum early_state state;

    if (index >= 0) {
        state = (enum early_state)early->state[index];
    } else {
        iommu->late = true;
        state = iommu->driver->close(unit->registers.base);
        log_warning("%s: not in the board's table, closed late: its devices are not assignable",
                    unit->name);
    }
    if (state == EARLY_WAS_ENABLED)
        log_info("%s: firmware had left it enabled; taken over without opening", unit->name);
    if (state == EARLY_UNRESPONSIVE)
        refuse("an IOMMU did not acknowledge ABORT: what is behind it cannot be kept from memory",
               unit->name);
}

/* What is known of the machine is whole. */
static void check_units(void)
{
    if (topology.iommu_count == 0)
        refuse("no SMMUv3 in the device tree: devices could not be kept from memory", "");
    for (uint64_t i = 0; i < board_smmuv3_count; i++) {
        bool known = false;

        for (uint32_t u = 0; u < topology.iommu_count; u++)
            known = known || topology.iommu[u].registers.base == board_smmuv3_bases[i];
        if (!known)
            refuse("the board's table names an IOMMU that the device tree does not have", "");
    }
}

/* Those that were found since the last call. */
static void close_units(const struct early_report *early)
{
    for (uint32_t i = devices.iommu_count; i < topology.iommu_count; i++) {
        struct iommu *iommu = &devices.iommu[i];

        iommu->topology = &topology.iommu[i];
        iommu->number = i;
        iommu->driver = iommu_find_driver(topology.iommu[i].compatible);
        if (iommu->driver == NULL)
            refuse("no driver for an IOMMU", iommu->topology->name);
        if (!arch_map_device(iommu->topology->registers.base, iommu->topology->registers.size))
            refuse("no table pages for an IOMMU's registers", iommu->topology->name);
        close_unit(iommu, early);
    }
    devices.iommu_count = topology.iommu_count;
}

static void start_units(void)
{
    iommu_register_events(&fault_events);
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        struct iommu *iommu = &devices.iommu[i];
        const char *reason = NULL;

        if (iommu->late)
            continue;
        iommu->usable = iommu->driver->start(iommu, topology_stream_count(&topology, i), &reason);
        if (iommu->usable)
            log_info("%s: every stream aborts; %u-bit input, %u-bit output, %s stream table",
                     iommu->topology->name, iommu->capabilities.input_bits,
                     iommu->capabilities.output_bits,
                     iommu->capabilities.two_level ? "two-level" : "linear");
        else
            log_error("%s: stays closed: %s", iommu->topology->name, reason);
    }
}

/* Returns the hypervisor's own, behind its image. */
static struct topology_range take_memory(void)
{
    uint64_t image_base, image_size, own;

    arch_image_range(&image_base, &image_size);
    if (!memory_start(&topology) || !memory_reserve(image_base, image_size))
        refuse("memory is cut into more stretches than the hypervisor keeps", "");
    own = memory_take(OWN_MEMORY, BIT(21));
    if (own == 0 || !arch_map_memory(own, OWN_MEMORY))
        refuse("no memory for the hypervisor itself", "");
    boot_memory_start(own, OWN_MEMORY);
    return (struct topology_range){ own, OWN_MEMORY };
}

static void start_interrupts(void)
{
    const char *reason = NULL;

    if (!arch_interrupts_start(&topology, &reason))
        refuse(reason, "");
    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        const struct topology_iommu *unit = &topology.iommu[i];

        if (!devices.iommu[i].usable)
            continue;
        if (!arch_interrupt_enable(unit->event_interrupt, true, fault_interrupt,
                                   &devices.iommu[i]) ||
            !arch_interrupt_enable(unit->error_interrupt, true, fault_interrupt, &devices.iommu[i]))
            log_warning("%s: no interrupt for its events: faults are not reported", unit->name);
        else
            /* It has been on for a while: what it said is lost, and it says no more before it is read. */
            arch_interrupt_again(unit->event_interrupt);
    }
    /* The tree's port need not be the log's. */
    if (!keyboard_start(log_is_at(topology.serial.base) ? topology.serial_interrupt
                                                        : INTERRUPT_NONE))
        log_warning("the serial port has no interrupt: nobody can type");
}

/* Enumerates the hosts from that one on. */
static void find_functions(uint32_t first)
{
    devices.pci.virtual_most = board.virtual_functions;
    devices.pci.virtual_isolated = board.virtual_isolated;
    for (uint32_t i = first; i < topology.host_count; i++) {
        const struct topology_pci_host *host = &topology.host[i];

        if (!arch_map_device(host->ecam.base, host->ecam.size)) {
            log_error("%s: no table pages for its configuration space: not used", host->name);
            devices.pci.unseen = true;
            continue;
        }
        pci_enumerate(&devices.pci, host);
    }
}

/* Gives root buses that stand among those of other hosts, so many, hosts of their own. */
static void divide_hosts(uint32_t roots)
{
    uint8_t root[TOPOLOGY_PCI_HOSTS];
    uint32_t hosts = topology.host_count;

    for (uint32_t i = 0; roots != 0 && i < hosts; i++) {
        const struct topology_pci_host *host = &topology.host[i];

        if (!arch_map_device(host->ecam.base, host->ecam.size))
            continue;
        uint32_t count = pci_find_roots(host, root, (uint32_t)min_u64(roots, TOPOLOGY_PCI_HOSTS));

        roots -= count;
        if (!topology_divide_host(&topology, i, root, count))
            refuse("more PCI hosts than the hypervisor keeps", host->name);
    }
}

/* What firmware tells besides the tree. Tables may be made when they are read first, with the bus numbers of
 * that moment: all bridges have theirs before, behind every root bus. *hosts: how many were enumerated. NULL,
 * or why the tables cannot be read. */
static const char *read_tables(struct topology_error *error, uint32_t *hosts)
{
    const struct topology_reader *reader = topology_find_reader(board.firmware_tables);

    format(error->node, sizeof(error->node), "%s", board.firmware_tables);
    if (reader == NULL)
        return "the image has no reader for the board's firmware-tables";
    struct topology_range registers = reader->registers(&topology);

    if (registers.size == 0)
        return "the device tree names nothing to read the board's firmware-tables through";
    if (!arch_map_device(registers.base, registers.size))
        return "no table pages for what the firmware-tables are read through";
    divide_hosts(reader->roots(registers.base));
    find_functions(0);
    *hosts = topology.host_count;
    /* What was read of the tree does not point into it. */
    return reader->read(registers.base, tree, sizeof(tree), &topology, error) ? NULL : error->text;
}

static uint32_t complete_topology(void)
{
    struct topology_error error = { 0 };
    uint32_t hosts = 0;
    const char *reason = read_tables(&error, &hosts);

    if (reason != NULL)
        refuse(reason, error.node);
    return hosts;
}

/* What partitions are isolated from only by its own good will. */
static void tell_unprotected(void)
{
    for (uint32_t i = 0; i < topology.unprotected_count; i++) {
        const struct topology_master *master = &topology.unprotected[i];

        if (!board_trusts(&board, master->compatible))
            log_warning("unprotected: %s (%s), %u of its kind: no SMMUv3 stands before it",
                        master->name, master->compatible, master->count);
    }
    if (topology.unprotected_more != 0)
        log_warning("unprotected: %u more nodes that are not named", topology.unprotected_more);
}

static void read_set(struct set_error *error)
{
    const char *reason;
    void *copy;

    if (topology.initrd.size == 0)
        refuse("no partitions: the boot loader passed no bundle as initrd", "");
    if (!arch_map_memory(topology.initrd.base, topology.initrd.size))
        refuse("the bundle cannot be mapped", "");
    reason = bundle_open(&bundle, topology.initrd.base, topology.initrd.size);
    if (reason != NULL)
        refuse(reason, "");
    copy = bundle.entry[0].size <= SET_SIZE_LIMIT ? boot_memory_take(bundle.entry[0].size, 8)
                                                  : NULL;
    if (copy == NULL)
        refuse("the bundle's set is empty or too large", "");
    if (!bundle_copy(&bundle, &bundle.entry[0], copy))
        refuse("the bundle's set does not have the digest that the bundle names: it was damaged",
               "");
    digest_print("set ", bundle.entry[0].name, bundle.entry[0].digest);
    if (!set_read(copy, bundle.entry[0].size, &set, error))
        refuse_set(error);
}

_Noreturn void kernel_main(const struct boot_information *boot)
{
    struct set_error error;
    struct topology_range own;
    unsigned int cpu_count;
    uint32_t hosts = 0;

    bool known = board_read(board_tree_start, (uint64_t)(board_tree_end - board_tree_start),
                            &board);

    bool has_tables = board.firmware_tables[0] != '\0';

    start_log();
    if (!known)
        refuse("the board's description in the image is corrupt", "");
    if (time_ticks_per_second() < MICROSECONDS_PER_SECOND)
        refuse("the system counter's frequency (CNTFRQ) is not set: no deadline would hold", "");
    read_tree(boot->device_tree);
    follow_serial();
    log_info("Bulkhead on %s: %u IOMMUs closed before anything else", board.model,
             boot->early.count);
    if (!has_tables)
        check_units();
    close_units(&boot->early);
    own = take_memory();
    if (has_tables) {
        hosts = complete_topology();
        follow_serial();
        check_units();
        close_units(&boot->early);
    }
    start_units();
    firmware_start(&topology, own);
    find_functions(hosts);
    pci_isolate(&devices.pci, board.root_isolates);
    /* There is nobody to start: whoever boots this wants to know the machine. */
    if (topology.initrd.size == 0)
        pci_dump(&devices.pci);
    devices_build(&topology);
    tell_unprotected();
    start_interrupts();
    cpu_count = arch_start_cpus(&topology, PARTITION_LIMIT);
    messages_start(&topology, cpu_count);
    digest_start();
    read_set(&error);
    if (!plan_partitions(&set, cpu_count, &error) || !plan_memory(&error) ||
        !windows_plan(&set, &error))
        refuse_set(&error);
    log_info("%u devices found, %u partitions, %u CPUs, %lu KiB of tables and queues",
             devices.count, partitions.count, cpu_count, boot_memory_used() >> 10);
    if (!lifecycle_load_all(&bundle, &error))
        refuse_set(&error);
    boot_memory_seal();
    arch_guest_register(&lifecycle_guest_ops);
    presence_start();
    lifecycle_run_all();
}
