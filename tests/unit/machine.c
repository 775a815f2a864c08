/* SPDX-License-Identifier: Apache-2.0 */
/* See machine.h: the hardware, and boot. What guests and devices do stands in guest.c. */
#include "machine.h"

#include <stdio.h>
#include <string.h>

#include "arch/host/snapshot.h"
#include "drivers/iommu/smmuv3/early.h"
#include "its_bench.h"
#include "lib/sha256.h"

#define PL011_DATA 0x00
#define PL011_FLAGS 0x18
#define PL011_FLAG_EMPTY 0x10
#define PL011_FLAG_FULL 0x20
#define PL011_CONTROL 0x30
#define PL011_MASK 0x38

struct machine machine;

/* The board's table (arch/boot.h) as the kernel sees it here; the names are the linker's (mk/host.mk). */
extern const uint64_t __real_board_smmuv3_bases[];
extern const uint64_t __real_board_smmuv3_count;
extern uint64_t __wrap_board_smmuv3_bases[UNITS];
extern uint64_t __wrap_board_smmuv3_count;
uint64_t __wrap_board_smmuv3_bases[UNITS];
uint64_t __wrap_board_smmuv3_count;

static void board_table_reset(void)
{
    __wrap_board_smmuv3_count = __real_board_smmuv3_count;
    assert_true(__real_board_smmuv3_count <= UNITS);
    for (uint64_t i = 0; i < __real_board_smmuv3_count; i++)
        __wrap_board_smmuv3_bases[i] = __real_board_smmuv3_bases[i];
}

void machine_board_unit(void)
{
    uint64_t index = __wrap_board_smmuv3_count++;

    assert_true(index < UNITS);
    __wrap_board_smmuv3_bases[index] = UNIT_BASE + index * UNIT_STRIDE;
}

extern char __executable_start[], _end[];

/* ---- Memory as a unit sees it ---------------------------------------------------------------------- */

static bool is_memory(uint64_t address, uint64_t size)
{
    uint64_t image = memory_physical(__executable_start);

    return range_inside(address, size, HOST_MEMORY_BASE, HOST_MEMORY_SIZE) ||
           range_inside(address, size, image, memory_physical(_end) - image);
}

/* The unit's own accesses may pass the CPUs' caches by; those of the devices behind it do not. */
static enum host_view view_of(const void *context, enum smmuv3_model_access_kind kind)
{
    return kind == SMMUV3_MODEL_CLIENT || machine.parameters[(uintptr_t)context].cohacc
               ? HOST_VIEW_COHERENT
               : HOST_VIEW_MEMORY;
}

static bool unit_read(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                      void *data, size_t size)
{
    if (!is_memory(address, size))
        return false;
    if (size == sizeof(uint64_t) && machine.read_instead != NULL &&
        machine.read_instead(kind, address, data))
        return true;
    if (kind != SMMUV3_MODEL_AUDIT) {
        machine.fetching[(uintptr_t)context] = true;
        host_stores_moment();
        machine.fetching[(uintptr_t)context] = false;
    } else if (machine.watch != NULL) {
        machine.watch->audited((unsigned int)(uintptr_t)context, address);
    }
    host_view_read(view_of(context, kind), address, data, size);
    return true;
}

static bool unit_write(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                       const void *data, size_t size)
{
    if (!is_memory(address, size))
        return false;
    host_view_write(view_of(context, kind), address, data, size);
    return true;
}

static void unit_interrupt(void *context, enum smmuv3_model_line line)
{
    unsigned int unit = (unsigned int)(uintptr_t)context;

    if (!host_scheduling())
        machine.pending[unit][line] = true;
    else if (line != SMMUV3_MODEL_LINE_CMD_SYNC)
        host_raise(line == SMMUV3_MODEL_LINE_EVENTQ ? UNIT_EVENT_INTERRUPT(unit)
                                                    : UNIT_ERROR_INTERRUPT(unit));
}

static void take_pending(void)
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        for (unsigned int line = 0; line < SMMUV3_MODEL_LINES; line++) {
            bool pending = machine.pending[unit][line];

            machine.pending[unit][line] = false;
            if (pending && line == SMMUV3_MODEL_LINE_EVENTQ)
                host_interrupt(UNIT_EVENT_INTERRUPT(unit));
            if (pending && line == SMMUV3_MODEL_LINE_GERROR)
                host_interrupt(UNIT_ERROR_INTERRUPT(unit));
        }
    }
}

void machine_interrupts(void)
{
    if (machine.masked)
        return;
    take_pending();
    while (host_interrupt_later())
        take_pending();
}

/* ---- Registers ---------------------------------------------------------------------------------- */

static uint64_t registers_read(void *context, uint64_t offset, unsigned int bytes)
{
    unsigned int index = (unsigned int)(uintptr_t)context;
    struct smmuv3_model *unit = machine.unit[index];
    uint64_t value = bytes == 8 ? smmuv3_model_read64(unit, (uint32_t)offset)
                                : smmuv3_model_read32(unit, (uint32_t)offset);

    if (machine.watch != NULL)
        machine.watch->register_read(index, offset, value);
    return value;
}

static void registers_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    unsigned int index = (unsigned int)(uintptr_t)context;

    if (machine.before_register_write != NULL)
        machine.before_register_write(index, offset, value);
    if (bytes == 8)
        smmuv3_model_write64(machine.unit[index], (uint32_t)offset, value);
    else
        smmuv3_model_write32(machine.unit[index], (uint32_t)offset, (uint32_t)value);
    if (machine.watch != NULL)
        machine.watch->register_written(index, offset, value);
    if (machine.after_register_write != NULL)
        machine.after_register_write(index, offset, value);
}

static uint64_t serial_read(void *context, uint64_t offset, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    bool empty = machine.typed == NULL || *machine.typed == '\0';

    if (offset == PL011_DATA && !empty)
        return (unsigned char)*machine.typed++;
    if (offset != PL011_FLAGS)
        return 0;
    return (machine.serial_stuck ? PL011_FLAG_FULL : 0) | (empty ? PL011_FLAG_EMPTY : 0);
}

static void serial_write(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)bytes;
    if (offset == PL011_DATA && machine.console_used + 1 < sizeof(machine.console))
        machine.console[machine.console_used++] = (char)value;
    if (offset == PL011_CONTROL)
        machine.serial_starts++;
    if (offset == PL011_MASK)
        machine.serial_mask = (uint32_t)value;
}

void machine_reset(void)
{
    host_reset();
    memset(&machine, 0, sizeof(machine));
    board_table_reset();
    machine.tree = machine_tree_plain();
    machine.tree_address = TREE_ADDRESS;
    machine.tree_given = TREE_ADDRESS;
    host_cpus = 2;
    host_attach(&(struct host_registers){
        .base = SERIAL_BASE, .size = PAGE_SIZE, .read = serial_read, .write = serial_write });
    host_attach(&(struct host_registers){ .base = ECAM_BASE,
                                          .size = ECAM_BUSES << 20,
                                          .context = &machine.pci,
                                          .read = pci_model_read,
                                          .write = pci_model_write });
}

void machine_add_unit(const struct smmuv3_model_parameters *parameters)
{
    uintptr_t index = machine.unit_count++;
    const struct smmuv3_model_environment environment = {
        .context = (void *)index,
        .read = unit_read,
        .write = unit_write,
        .interrupt = unit_interrupt,
    };

    machine.parameters[index] = *parameters;
    if (!parameters->cohacc)
        host_noncoherent_start();
    machine.unit[index] = smmuv3_model_create(parameters, &environment);
    host_attach(&(struct host_registers){ .base = UNIT_BASE + index * UNIT_STRIDE,
                                          .size = 0x20000,
                                          .context = (void *)index,
                                          .read = registers_read,
                                          .write = registers_write });
}

static void lead(uint32_t first, uint32_t count, unsigned int unit, uint32_t stream)
{
    assert_true(machine.id_map_count < MACHINE_ID_MAPS);
    machine.id_map[machine.id_map_count++] = (struct machine_id_map){
        .first = first, .count = count, .unit = unit, .stream = stream
    };
}

void machine_unit_for_bus(const struct smmuv3_model_parameters *parameters, unsigned int bus)
{
    const uint32_t ids = 0x100;

    if (machine.id_map_count == 0)
        lead(0, bus * ids, 0, 0);
    machine_add_unit(parameters);
    machine_board_unit();
    machine.tree.units = machine.unit_count;
    lead(bus * ids, ids, machine.unit_count - 1, bus * ids);
}

/* ---- A plain machine ---------------------------------------------------------------------------- */

static const uint32_t flat_payload[] = { 0xD503201F, 0x14000000 };

struct partition_spec *machine_partition(const char *name)
{
    struct partition_spec *spec = &machine.partition[machine.partition_count++];

    *spec = (struct partition_spec){ .name = name,
                                     .payload = "flat.bin",
                                     .bootargs = "",
                                     .memory_base = 0x40000000,
                                     .memory_size = 0x400000,
                                     .pool_pages = 64 };
    return spec;
}

struct window_spec *machine_window(const char *name, const char *first, const char *second)
{
    uint64_t address = 0x80000000 + machine.window_count * UINT64_C(0x100000);
    struct window_spec *spec = &machine.window[machine.window_count++];

    *spec = (struct window_spec){ .name = name,
                                  .between = { first, second },
                                  .writable_by = { first, second },
                                  .size = 0x4000,
                                  .address = { address, address } };
    return spec;
}

struct window_spec *machine_shared(void)
{
    machine_plain();
    machine_partition("two")->pci[0] = DEVICE1_NAME;
    return machine_window("samples", "one", "two");
}

void machine_plain_with(const struct smmuv3_model_parameters *parameters)
{
    struct pci_model *pci = &machine.pci;

    machine_reset();
    machine_add_unit(parameters);
    assert_int_equal(pci_model_bridge(pci, PCI_MODEL_ROOT, 1, 0, 4), PORT1);
    assert_int_equal(pci_model_bridge(pci, PCI_MODEL_ROOT, 2, 0, 4), PORT2);
    assert_int_equal(pci_model_endpoint(pci, PORT1, 0, 0), DEVICE1);
    assert_int_equal(pci_model_endpoint(pci, PORT2, 0, 0), DEVICE2);
    pci_model_express(pci, DEVICE1, 0, true);
    pci_model_bar(pci, DEVICE1, 0, 0x1000, false);
    pci_model_bar(pci, DEVICE1, 2, 0x4000, true);
    pci_model_bar(pci, DEVICE2, 0, 0x100000, false);
    machine.payload[machine.payload_count++] = (struct payload_file){
        .name = "flat.bin", .bytes = flat_payload, .size = sizeof(flat_payload)
    };
    machine_partition("one")->pci[0] = DEVICE1_NAME;
}

void machine_plain(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    machine_plain_with(&parameters);
}

/* ---- Boot ------------------------------------------------------------------------------------------ */

static void run_kernel(void *argument)
{
    kernel_main(argument);
}

enum host_end machine_kernel(void)
{
    struct boot_information boot = { .device_tree = machine.tree_given };

    if (machine.tree.initrd_size == 0 && machine.partition_count != 0)
        machine.tree.initrd_size = machine_bundle();
    machine_tree(memory_pointer(machine.tree_address), TREE_SIZE_LIMIT, &machine.tree);
    smmuv3_close_early(board_smmuv3_bases, (uint32_t)board_smmuv3_count, &boot.early);
    return host_run(run_kernel, &boot);
}

enum host_end machine_run_cpu(unsigned int cpu)
{
    enum host_end end = HOST_RETURNED;

    assert_true(host_run_work(cpu, &end));
    return end;
}

void machine_boot(void)
{
    enum host_end end = machine_kernel();

    if (end != HOST_IDLE)
        fail_msg("the kernel did not start its partitions:\n%s", machine.console);
    while (host_interrupt_later()) /* the boot CPU takes what it asked for while it could not */
        ;
    for (unsigned int i = 0; i < machine.partition_count; i++) {
        if (machine_run_cpu(i) != HOST_GUEST)
            fail_msg("partition %u did not start:\n%s", i, machine.console);
    }
}

static struct machine kept;

static void copy_units(struct smmuv3_model *to[UNITS], struct smmuv3_model *const from[UNITS])
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        smmuv3_model_destroy(to[unit]);
        to[unit] = smmuv3_model_copy(from[unit], NULL);
    }
}

void machine_snapshot_take(void)
{
    struct smmuv3_model *units[UNITS];

    memcpy(units, kept.unit, sizeof(units));
    kept = machine;
    memcpy(kept.unit, units, sizeof(units));
    copy_units(kept.unit, machine.unit);
    its_keep();
    host_snapshot_take();
}

void machine_snapshot_restore(void)
{
    struct smmuv3_model *units[UNITS];

    memcpy(units, machine.unit, sizeof(units));
    machine = kept;
    memcpy(machine.unit, units, sizeof(units));
    copy_units(machine.unit, kept.unit);
    its_put_back();
    host_snapshot_restore();
}

void assert_units_clean(void)
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        const struct smmuv3_model_error *error = smmuv3_model_error_at(machine.unit[unit],
                                                                       SMMUV3_MODEL_ERROR_ALL, 0);

        if (error != NULL)
            fail_msg("unit %u: %s: %s (0x%llx)", unit, error->subject, error->text,
                     (unsigned long long)error->value);
    }
}

void machine_drain_console(void)
{
    /* A burst an interrupt; the port takes whatever comes. */
    for (unsigned int i = 0; i < 4096 && host_interrupt(SERIAL_INTERRUPT); i++)
        ;
}

void assert_console(const char *text)
{
    machine_drain_console();
    if (strstr(machine.console, text) == NULL)
        fail_msg("the console lacks \"%s\":\n%s", text, machine.console);
}
