/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/topology/acpi.h"

#include "drivers/topology/acpi_tables.h"
#include "lib/format.h"
#include "lib/string.h"

/* RSDP (ACPI 5.2.5.3). */
#define RSDP_SIGNATURE "RSD PTR "
#define RSDP_REVISION 15, 1
#define RSDP_LENGTH 20, 4
#define RSDP_XSDT 24, 8
#define RSDP_SIZE 36
#define RSDP_FIRST_SUM 20 /* bytes under the first of its two sums */
#define RSDP_REVISION_XSDT 2

#define XSDT_ENTRY 0, 8
#define XSDT_ENTRY_SIZE 8

/* FADT (5.2.9). */
#define FADT_ARM_BOOT 129, 2
#define FADT_SIZE 131
#define ARM_BOOT_PSCI BIT(0)
#define ARM_BOOT_HVC BIT(1)

/* MADT (5.2.12). */
#define MADT_FIRST 44
#define MADT_TYPE 0, 1
#define MADT_LENGTH 1, 1
#define MADT_ENTRY_SIZE 2
#define MADT_GICC 11
#define MADT_GICD 12
#define MADT_MSI_FRAME 13
#define MADT_GICR 14
#define MADT_ITS 15

#define GICC_FLAGS 12, 4
#define GICC_ENABLED BIT(0)
#define GICC_INTERFACE 32, 8
#define GICC_VIRTUAL 40, 8
#define GICC_HYPERVISOR 48, 8
#define GICC_REDISTRIBUTOR 60, 8
#define GICC_MPIDR 68, 8
#define GICC_SIZE 76
#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0))

#define GICD_BASE 8, 8
#define GICD_VERSION 20, 1
#define GICD_SIZE 24
#define GICD_VERSION_UNSAID 0
#define GICD_VERSION_3 3
#define GICD_VERSION_4 4

#define GICR_BASE 4, 8
#define GICR_LENGTH 12, 4
#define GICR_SIZE 16

#define PART_ID 4, 4   /* of an ITS ... */
#define PART_BASE 8, 8 /* ... or an MSI frame */
#define PART_SIZE 16

/* Registers of the parts of a GIC (IHI 0069 12.10; GICv2m: 0x1000). */
#define GIC_FRAME 0x10000
#define GIC_FRAMES 0x20000
#define GIC_FRAMES_4 0x40000
#define GIC_INTERFACE_SIZE 0x2000
#define GIC_HYPERVISOR_SIZE 0x1000
#define GIC_MSI_SIZE 0x1000

/* MCFG (PCI Firmware 4.1.2). */
#define MCFG_FIRST 44
#define MCFG_BASE 0, 8 /* of bus 0, whether it is there or not */
#define MCFG_SEGMENT 8, 2
#define MCFG_BUS_FIRST 10, 1
#define MCFG_BUS_LAST 11, 1
#define MCFG_ENTRY_SIZE 16
#define ECAM_BUS_SHIFT 20

/* SPCR. Its address is a generic one (ACPI 5.2.3.2): a space, four bytes on, where in it. */
#define SPCR_TYPE 36, 1
#define SPCR_ADDRESS_SPACE 40, 1
#define SPCR_ADDRESS 44, 8
#define SPCR_INTERRUPT_TYPE 52, 1
#define SPCR_INTERRUPT 54, 4
#define SPCR_SIZE 58
#define SPCR_TYPE_PL011 3
#define SPCR_TYPE_SBSA 14
#define SPCR_SPACE_MEMORY 0
#define SPCR_INTERRUPT_GIC BIT(3)

#define SHARED_FIRST 32
#define SHARED_LAST 1019

struct reader {
    const struct acpi_area *area;
    struct acpi_table xsdt;
    struct topology *topology;
    struct topology_error *error;
};

uint64_t acpi_field(const uint8_t *structure, uint32_t offset, uint32_t width)
{
    uint64_t value = 0;

    while (width-- > 0)
        value = value << 8 | structure[offset + width];
    return value;
}

bool acpi_refuse(struct topology_error *error, const struct acpi_table *table, uint32_t offset,
                 const char *text)
{
    error->text = text;
    format(error->node, sizeof(error->node), "%s+0x%x", table->name, offset);
    return false;
}

static bool refuse(struct reader *reader, const char *name, const char *text)
{
    reader->error->text = text;
    format(reader->error->node, sizeof(reader->error->node), "%s", name);
    return false;
}

uint32_t acpi_take_line(struct topology *topology, uint64_t gsiv)
{
    if (gsiv < SHARED_FIRST || gsiv > SHARED_LAST)
        return INTERRUPT_NONE;
    topology->taken_lines[gsiv / 64] |= BIT(gsiv % 64);
    return (uint32_t)gsiv;
}

/* ---- Finding tables -------------------------------------------------------------------------- */

/* The bytes at an address; NULL: not all of them are there. */
static const uint8_t *find_bytes(const struct acpi_area *area, uint64_t address, uint64_t size)
{
    return range_inside(address, size, area->base, area->size)
               ? area->bytes + (address - area->base)
               : NULL;
}

static bool sums_to_zero(const uint8_t *bytes, uint64_t size)
{
    uint8_t sum = 0;

    while (size-- > 0)
        sum = (uint8_t)(sum + *bytes++);
    return sum == 0;
}

/* Checks the table at the address, whose signature is known. */
static bool open_table(struct reader *reader, uint64_t address, struct acpi_table *table)
{
    const uint8_t *header = find_bytes(reader->area, address, ACPI_HEADER_SIZE);
    uint64_t length = header == NULL ? 0 : acpi_field(header, ACPI_LENGTH);

    if (header == NULL)
        return refuse(reader, table->name, "a table outside the memory of the ACPI tables");
    if (length < ACPI_HEADER_SIZE || length > ACPI_TABLE_LIMIT ||
        find_bytes(reader->area, address, length) == NULL)
        return refuse(reader, table->name,
                      "a length that is less than its header or more than can be read");
    if (memcmp(header, table->name, 4) != 0)
        return refuse(reader, table->name, "a table that is not where the one above it says");
    if (!sums_to_zero(header, length))
        return refuse(reader, table->name, "a checksum that is wrong");
    table->bytes = header;
    table->length = (uint32_t)length;
    return true;
}

static bool open_root(struct reader *reader, uint64_t address)
{
    const uint8_t *rsdp = find_bytes(reader->area, address, RSDP_SIZE);
    const char *name = "RSDP";

    if (rsdp == NULL || memcmp(rsdp, RSDP_SIGNATURE, sizeof(RSDP_SIGNATURE) - 1) != 0)
        return refuse(reader, name, "no RSDP where it should be");
    if (acpi_field(rsdp, RSDP_REVISION) < RSDP_REVISION_XSDT || acpi_field(rsdp, RSDP_XSDT) == 0)
        return refuse(reader, name, "an RSDP without XSDT: ACPI before 2.0 is not read");
    uint64_t length = acpi_field(rsdp, RSDP_LENGTH);

    if (length < RSDP_SIZE || find_bytes(reader->area, address, length) == NULL)
        return refuse(reader, name,
                      "a length that is less than its header or more than can be read");
    if (!sums_to_zero(rsdp, RSDP_FIRST_SUM) || !sums_to_zero(rsdp, length))
        return refuse(reader, name, "a checksum that is wrong");
    reader->xsdt = (struct acpi_table){ .name = "XSDT" };
    if (!open_table(reader, acpi_field(rsdp, RSDP_XSDT), &reader->xsdt))
        return false;
    return (reader->xsdt.length - ACPI_HEADER_SIZE) % XSDT_ENTRY_SIZE == 0 ||
           refuse(reader, "XSDT", "an entry that is cut off");
}

/* Finds a table and checks it. One that is not there has no bytes. Tables may be listed twice, but which of
 * two to believe nobody says. */
static bool find_table(struct reader *reader, const char *signature, struct acpi_table *table)
{
    const struct acpi_table *xsdt = &reader->xsdt;
    uint64_t found = 0;

    *table = (struct acpi_table){ .bytes = NULL };
    memcpy(table->name, signature, sizeof(table->name));
    for (uint32_t at = ACPI_HEADER_SIZE; at < xsdt->length; at += XSDT_ENTRY_SIZE) {
        uint64_t address = acpi_field(xsdt->bytes + at, XSDT_ENTRY);
        const uint8_t *header = find_bytes(reader->area, address, ACPI_HEADER_SIZE);

        if (header == NULL)
            return acpi_refuse(reader->error, xsdt, at,
                               "an entry that lies outside the memory of the ACPI tables");
        if (memcmp(header, signature, 4) != 0 || address == found)
            continue;
        if (found != 0)
            return refuse(reader, signature, "a table that is there twice");
        found = address;
    }
    return found == 0 || open_table(reader, found, table);
}

static bool need_table(struct reader *reader, const char *signature, uint32_t size,
                       struct acpi_table *table)
{
    if (!find_table(reader, signature, table))
        return false;
    if (table->bytes == NULL)
        return refuse(reader, signature, "a table that is needed and not there");
    return table->length >= size ||
           refuse(reader, signature, "a table that is too short for what is read of it");
}

/* ---- The interrupt controller and CPUs --------------------------------------------------------- */

struct madt {
    struct acpi_table table;
    struct topology *topology;
    struct topology_error *error;
    uint64_t frames; /* bytes of one redistributor */
};

/* Called with an entry of the kind and its offset; it has the size that the kind has. */
typedef bool (*madt_visitor)(struct madt *madt, const uint8_t *entry, uint32_t at);

static bool each_entry(struct madt *madt, uint64_t type, uint64_t size, madt_visitor visit)
{
    const struct acpi_table *table = &madt->table;
    uint64_t length;

    for (uint32_t at = MADT_FIRST; at < table->length; at += (uint32_t)length) {
        const uint8_t *entry = table->bytes + at;

        length = table->length - at < MADT_ENTRY_SIZE ? 0 : acpi_field(entry, MADT_LENGTH);
        if (length < MADT_ENTRY_SIZE || length > table->length - at)
            return acpi_refuse(madt->error, table, at, "an entry that is cut off");
        if (acpi_field(entry, MADT_TYPE) != type)
            continue;
        if (length < size)
            return acpi_refuse(madt->error, table, at, "an entry that is shorter than its kind");
        if (!visit(madt, entry, at))
            return false;
    }
    return true;
}

/* Adds registers of the GIC; those that are there already, or at 0, are none. */
static bool add_gic_range(struct madt *madt, uint32_t at, uint64_t base, uint64_t size)
{
    struct topology *topology = madt->topology;

    for (uint32_t i = 0; i < topology->gic_range_count; i++) {
        if (topology->gic_range[i].base == base)
            return true;
    }
    if (base == 0)
        return true;
    if (!range_valid(base, size))
        return acpi_refuse(madt->error, &madt->table, at,
                           "registers that are empty or wrap around");
    if (topology->gic_range_count == TOPOLOGY_GIC_RANGES)
        return acpi_refuse(madt->error, &madt->table, at,
                           "more register ranges of the interrupt controller than are kept");
    topology->gic_range[topology->gic_range_count++] = (struct topology_range){ base, size };
    return true;
}

static bool visit_distributor(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    uint64_t version = acpi_field(entry, GICD_VERSION);

    if (madt->topology->gicv3)
        return acpi_refuse(madt->error, &madt->table, at, "a second interrupt controller");
    if (version != GICD_VERSION_UNSAID && version != GICD_VERSION_3 && version != GICD_VERSION_4)
        return acpi_refuse(madt->error, &madt->table, at,
                           "an interrupt controller that is no GICv3 or GICv4");
    madt->topology->gicv3 = true;
    madt->frames = version == GICD_VERSION_4 ? GIC_FRAMES_4 : GIC_FRAMES;
    return add_gic_range(madt, at, acpi_field(entry, GICD_BASE), GIC_FRAME);
}

static bool visit_redistributors(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    return add_gic_range(madt, at, acpi_field(entry, GICR_BASE), acpi_field(entry, GICR_LENGTH));
}

static bool is_enabled(const uint8_t *entry)
{
    return (acpi_field(entry, GICC_FLAGS) & GICC_ENABLED) != 0;
}

static bool visit_own_redistributor(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    return !is_enabled(entry) ||
           add_gic_range(madt, at, acpi_field(entry, GICC_REDISTRIBUTOR), madt->frames);
}

static bool visit_cpu(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    struct topology *topology = madt->topology;

    if (!is_enabled(entry))
        return true;
    /* CPUs beyond the array stay off: nothing of the machine is lost by not using them. */
    if (topology->cpu_count < TOPOLOGY_CPUS)
        topology->cpu[topology->cpu_count++].affinity = acpi_field(entry, GICC_MPIDR) &
                                                        MPIDR_AFFINITY;
    return add_gic_range(madt, at, acpi_field(entry, GICC_INTERFACE), GIC_INTERFACE_SIZE) &&
           add_gic_range(madt, at, acpi_field(entry, GICC_HYPERVISOR), GIC_HYPERVISOR_SIZE) &&
           add_gic_range(madt, at, acpi_field(entry, GICC_VIRTUAL), GIC_INTERFACE_SIZE);
}

/* What takes part in interrupts stands among the blocks, as that of a tree does; it can be nobody's. */
static bool add_part(struct madt *madt, uint64_t base, uint64_t size, const char *name,
                     const char *compatible)
{
    struct topology *topology = madt->topology;
    uint32_t index = 0;

    while (index < topology->block_count && topology->block[index].registers[0].base != base)
        index++;
    if (index == TOPOLOGY_BLOCKS)
        return true; /* cannot be assigned, and is in nobody's stage 2 */
    struct topology_block *block = &topology->block[index];

    if (index == topology->block_count) {
        *block = (struct topology_block){ .register_count = 1, .registers = { { base, size } } };
        format(block->name, sizeof(block->name), "MADT/%s@%lx", name, base);
        format(block->compatible, sizeof(block->compatible), "%s", compatible);
        topology->block_count++;
    }
    block->infrastructure = true;
    return true;
}

/* One that cannot be used stands among the blocks. */
static bool visit_its(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    struct topology *topology = madt->topology;
    struct topology_range registers = { acpi_field(entry, PART_BASE), GIC_FRAMES };
    uint32_t index = 0;

    (void)at;
    while (index < topology->its_count && topology->its[index].registers.base != registers.base)
        index++;
    if (index == TOPOLOGY_ITS || !topology_its_fits(registers))
        return add_part(madt, registers.base, registers.size, "its", "arm,gic-v3-its");
    struct topology_its *its = &topology->its[index];

    if (index == topology->its_count) {
        its->registers = registers;
        format(its->name, sizeof(its->name), "MADT/its@%lx", registers.base);
        topology->its_count++;
    }
    its->handle = (uint32_t)acpi_field(entry, PART_ID);
    return true;
}

static bool visit_msi_frame(struct madt *madt, const uint8_t *entry, uint32_t at)
{
    (void)at;
    return add_part(madt, acpi_field(entry, PART_BASE), GIC_MSI_SIZE, "v2m", "arm,gic-v2m-frame");
}

static bool read_madt(struct reader *reader)
{
    struct topology *topology = reader->topology;
    struct madt madt = { .topology = topology, .error = reader->error };

    if (!need_table(reader, "APIC", MADT_FIRST, &madt.table))
        return false;
    topology->cpu_count = 0;
    topology->gicv3 = false;
    topology->gic_range_count = 0;
    topology->gic_stride = 0;
    for (uint32_t i = 0; i < topology->its_count; i++)
        topology->its[i].handle = UINT32_MAX;
    if (!each_entry(&madt, MADT_GICD, GICD_SIZE, visit_distributor))
        return false;
    if (topology->gic_range_count == 0)
        return refuse(reader, "APIC", "no distributor");
    /* Regions of redistributors, or where each CPU has its own. */
    if (!each_entry(&madt, MADT_GICR, GICR_SIZE, visit_redistributors) ||
        (topology->gic_range_count == 1 &&
         !each_entry(&madt, MADT_GICC, GICC_SIZE, visit_own_redistributor)))
        return false;
    topology->gic_redistributors = topology->gic_range_count - 1;
    if (topology->gic_redistributors == 0)
        return refuse(reader, "APIC", "no redistributors");
    return each_entry(&madt, MADT_GICC, GICC_SIZE, visit_cpu) &&
           each_entry(&madt, MADT_ITS, PART_SIZE, visit_its) &&
           each_entry(&madt, MADT_MSI_FRAME, PART_SIZE, visit_msi_frame);
}

/* ---- Firmware, console, PCI --------------------------------------------------------------------- */

static bool read_fadt(struct reader *reader)
{
    struct acpi_table table;

    if (!need_table(reader, "FACP", FADT_SIZE, &table))
        return false;
    uint64_t flags = acpi_field(table.bytes, FADT_ARM_BOOT);

    reader->topology->psci = (flags & ARM_BOOT_PSCI) != 0;
    reader->topology->psci_smc = reader->topology->psci && (flags & ARM_BOOT_HVC) == 0;
    return true;
}

/* A console that is not understood is not used. */
static bool read_spcr(struct reader *reader)
{
    struct topology *topology = reader->topology;
    struct acpi_table table;

    if (!find_table(reader, "SPCR", &table))
        return false;
    uint64_t type = table.length < SPCR_SIZE ? 0 : acpi_field(table.bytes, SPCR_TYPE);

    if ((type != SPCR_TYPE_PL011 && type != SPCR_TYPE_SBSA) ||
        acpi_field(table.bytes, SPCR_ADDRESS_SPACE) != SPCR_SPACE_MEMORY)
        return true;
    struct topology_range serial = { .base = acpi_field(table.bytes, SPCR_ADDRESS),
                                     .size = PAGE_SIZE };

    if (!range_valid(serial.base, serial.size) || serial.base == 0)
        return refuse(reader, "SPCR", "a port without an address");
    topology->serial = serial;
    format(topology->serial_compatible, sizeof(topology->serial_compatible), "%s",
           type == SPCR_TYPE_PL011 ? "arm,pl011" : "arm,sbsa-uart");
    topology->serial_interrupt = INTERRUPT_NONE;
    if ((acpi_field(table.bytes, SPCR_INTERRUPT_TYPE) & SPCR_INTERRUPT_GIC) != 0)
        topology->serial_interrupt = acpi_take_line(topology,
                                                    acpi_field(table.bytes, SPCR_INTERRUPT));
    return true;
}

/* What was known of the buses of the entry stays if the entry agrees with it. */
static bool find_hosts(const struct topology *topology, const struct topology_pci_host *entry,
                       bool *agree)
{
    bool found = false;

    *agree = true;
    for (uint32_t i = 0; i < topology->host_count; i++) {
        const struct topology_pci_host *host = &topology->host[i];

        if (host->segment != entry->segment || host->bus_last < entry->bus_first ||
            host->bus_first > entry->bus_last)
            continue;
        found = true;
        *agree = *agree && host->bus_first >= entry->bus_first &&
                 host->bus_last <= entry->bus_last &&
                 host->ecam.base ==
                     entry->ecam.base + ((uint64_t)(uint8_t)(host->bus_first - entry->bus_first)
                                         << ECAM_BUS_SHIFT);
    }
    return found;
}

static bool read_mcfg_entry(struct reader *reader, const struct acpi_table *table, uint32_t at)
{
    struct topology *topology = reader->topology;
    const uint8_t *bytes = table->bytes + at;
    struct topology_pci_host host = { .segment = (uint32_t)acpi_field(bytes, MCFG_SEGMENT),
                                      .bus_first = (uint8_t)acpi_field(bytes, MCFG_BUS_FIRST),
                                      .bus_last = (uint8_t)acpi_field(bytes, MCFG_BUS_LAST),
                                      .pin_address_mask = UINT32_MAX,
                                      .pin_mask = UINT32_MAX };
    uint64_t base = acpi_field(bytes, MCFG_BASE);
    bool agree;

    if (host.bus_last < host.bus_first)
        return acpi_refuse(reader->error, table, at, "a host whose last bus is before its first");
    host.ecam.base = base + ((uint64_t)host.bus_first << ECAM_BUS_SHIFT);
    host.ecam.size = (uint64_t)(host.bus_last - host.bus_first + 1) << ECAM_BUS_SHIFT;
    if (base == 0 || host.ecam.base < base || !range_valid(host.ecam.base, host.ecam.size))
        return acpi_refuse(reader->error, table, at,
                           "a configuration space that is nowhere or wraps around");
    if (find_hosts(topology, &host, &agree))
        return agree || acpi_refuse(reader->error, table, at,
                                    "a configuration space that is not the one that was found");
    if (topology->host_count == TOPOLOGY_PCI_HOSTS)
        return acpi_refuse(reader->error, table, at, "more PCI hosts than the hypervisor keeps");
    format(host.name, sizeof(host.name), "MCFG/pci@%lx", host.ecam.base);
    topology->host[topology->host_count++] = host;
    return true;
}

static bool read_mcfg(struct reader *reader)
{
    struct acpi_table table;

    if (!find_table(reader, "MCFG", &table))
        return false;
    if (table.bytes == NULL)
        return true; /* no PCI */
    if (table.length < MCFG_FIRST || (table.length - MCFG_FIRST) % MCFG_ENTRY_SIZE != 0)
        return refuse(reader, "MCFG", "an entry that is cut off");
    for (uint32_t at = MCFG_FIRST; at < table.length; at += MCFG_ENTRY_SIZE) {
        if (!read_mcfg_entry(reader, &table, at))
            return false;
    }
    return true;
}

bool acpi_read_topology(const struct acpi_area *area, uint64_t rsdp, struct topology *topology,
                        struct topology_error *error)
{
    struct reader reader = { .area = area, .topology = topology, .error = error };
    struct acpi_table iort;

    error->text = NULL;
    if (topology->serial.size == 0)
        topology->serial_interrupt = INTERRUPT_NONE;
    return open_root(&reader, rsdp) && read_fadt(&reader) && read_madt(&reader) &&
           read_spcr(&reader) && read_mcfg(&reader) && need_table(&reader, "IORT", 0, &iort) &&
           acpi_read_iort(&iort, topology, error);
}
