/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine, in the one internal form that every reader of firmware tables fills in. Addresses
 * are physical, sizes in bytes, interrupts are GIC INTIDs. Fixed arrays: a machine that does not
 * fit is refused by its reader, never cut.
 */
#ifndef DRIVERS_TOPOLOGY_H
#define DRIVERS_TOPOLOGY_H

#include "lib/types.h"

#define TOPOLOGY_NAME 48
#define TOPOLOGY_RANGES 16
#define TOPOLOGY_CPUS 8
#define TOPOLOGY_GIC_RANGES 12
#define TOPOLOGY_IOMMUS 8
#define TOPOLOGY_ITS 4
#define TOPOLOGY_PCI_HOSTS 4
#define TOPOLOGY_PCI_WINDOWS 3
#define TOPOLOGY_ID_MAPS 16
#define TOPOLOGY_PINS 32
#define TOPOLOGY_BLOCKS 64
#define TOPOLOGY_REGISTERS 2
#define TOPOLOGY_REST 64
#define TOPOLOGY_STREAMS 8
#define TOPOLOGY_FIRMWARE 16
#define TOPOLOGY_MASTERS 16
#define TOPOLOGY_LINES 1024 /* INTIDs below this */

#define INTERRUPT_NONE UINT32_MAX
#define IOMMU_NONE UINT32_MAX
#define ITS_NONE UINT32_MAX

struct topology_range {
    uint64_t base;
    uint64_t size;
};

/* True if the valid range shares a byte with the other, which may be empty. */
static inline bool topology_overlap(struct topology_range range, struct topology_range other)
{
    return other.size != 0 && range_overlaps(range.base, range.size, other.base, other.size);
}

struct topology_cpu {
    uint64_t affinity; /* MPIDR_EL1 affinity fields */
};

struct topology_iommu {
    char name[TOPOLOGY_NAME]; /* node path */
    char compatible[TOPOLOGY_NAME];
    struct topology_range registers;
    uint32_t event_interrupt;
    uint32_t error_interrupt;
    uint32_t handle; /* phandle: what maps refer to */
    bool coherent;   /* firmware says that walks are coherent */
    bool disabled;   /* firmware says that it is not to be used */
};

/* An interrupt translation service: two frames of 64 KiB at least (IHI 0069 12.10), on such a boundary. */
struct topology_its {
    char name[TOPOLOGY_NAME]; /* node path */
    struct topology_range registers;
    uint32_t handle; /* what maps refer to */
};

/* A stretch of requester ids [first, +count) that reach iommu as stream ids [stream, +count). In a map of
 * messages: that reach an ITS as DeviceIDs. */
struct topology_id_map {
    uint32_t first;
    uint32_t count;
    uint32_t iommu; /* index into iommu[]; of messages into its[] */
    uint32_t stream;
};

/* What an interrupt pin of a device on a host's root bus is wired to. */
struct topology_pin {
    uint32_t address; /* of the device: its requester id << 8, as far as the mask lets see */
    uint32_t pin;     /* 1 to 4 */
    uint32_t interrupt;
};

struct topology_pci_window {
    uint64_t cpu_base;
    uint64_t pci_base;
    uint64_t size;
    bool wide; /* addresses above 4 GiB: 64-bit BARs only */
    bool prefetchable;
};

struct topology_pci_host {
    char name[TOPOLOGY_NAME];
    struct topology_range ecam;
    uint32_t segment;
    uint8_t bus_first;
    uint8_t bus_last;
    uint32_t window_count;
    struct topology_pci_window window[TOPOLOGY_PCI_WINDOWS];
    uint32_t map_count;
    struct topology_id_map map[TOPOLOGY_ID_MAPS];
    uint32_t msi_map_count;
    struct topology_id_map msi_map[TOPOLOGY_ID_MAPS];
    uint32_t pin_address_mask, pin_mask;
    uint32_t pin_count;
    struct topology_pin pin[TOPOLOGY_PINS];
};

/* A node with registers that is neither memory, CPU, IOMMU, interrupt controller, ITS nor PCI host. An ITS
 * beyond its[], or one that the hypervisor cannot use, is among them. */
struct topology_block {
    char name[TOPOLOGY_NAME]; /* node path */
    char compatible[TOPOLOGY_NAME];
    uint32_t register_count;
    struct topology_range registers[TOPOLOGY_REGISTERS];
    bool has_more;       /* registers than these */
    bool infrastructure; /* it takes part in interrupts or translation for others */

    bool masters;                /* it has an iommus property: */
    const char *streams_refusal; /* why that is of no use; NULL: it says the two below */
    uint32_t iommu;              /* index into iommu[] */
    uint32_t stream_count;
    uint32_t stream[TOPOLOGY_STREAMS]; /* each once */
};

/* Memory that masters reach for firmware while the machine runs: streams [stream, +count) of a unit, the memory
 * at its own addresses. Such a stream is no partition's. */
struct topology_firmware {
    uint32_t iommu; /* index into iommu[] */
    uint32_t stream;
    uint32_t count;
    struct topology_range memory;
};

/* A node that looks like a master of memory, with no SMMUv3 before it, and those behind it in the tree that have the
 * same compatible. */
struct topology_master {
    char name[TOPOLOGY_NAME]; /* path, or the name alone where that is too long */
    char compatible[TOPOLOGY_NAME];
    uint32_t count;
    bool host; /* of PCI functions */
};

struct topology {
    uint32_t memory_count;
    struct topology_range memory[TOPOLOGY_RANGES];
    uint32_t reserved_count;
    struct topology_range reserved[TOPOLOGY_RANGES];

    uint32_t cpu_count;
    struct topology_cpu cpu[TOPOLOGY_CPUS];
    bool psci;     /* CPUs are started by PSCI ... */
    bool psci_smc; /* ... with SMC, the only conduit at EL2 */

    bool gicv3;
    /* The distributor, the regions of redistributors, and what CPU interfaces it has in memory. */
    uint32_t gic_range_count;
    struct topology_range gic_range[TOPOLOGY_GIC_RANGES];
    uint32_t gic_redistributors; /* how many regions */
    uint64_t gic_stride;         /* from one redistributor to the next; 0: as they say themselves */

    struct topology_range serial;
    char serial_compatible[TOPOLOGY_NAME];
    uint32_t serial_interrupt;

    struct topology_range initrd; /* size 0: none */

    uint32_t iommu_count;
    struct topology_iommu iommu[TOPOLOGY_IOMMUS];
    uint32_t its_count;
    struct topology_its its[TOPOLOGY_ITS];
    uint32_t host_count;
    struct topology_pci_host host[TOPOLOGY_PCI_HOSTS];
    uint32_t block_count;
    struct topology_block block[TOPOLOGY_BLOCKS];
    /* Registers of a node beyond those of it that are kept, or of one that is not kept for its name: nobody's. */
    uint32_t rest_count;
    struct topology_range rest[TOPOLOGY_REST];
    bool has_more_rest; /* than these */
    uint32_t unprotected_count;
    struct topology_master unprotected[TOPOLOGY_MASTERS];
    uint32_t unprotected_more; /* nodes beyond that array */

    uint32_t firmware_count;
    struct topology_firmware firmware[TOPOLOGY_FIRMWARE];

    /* A bit for each shared interrupt that something other than a function of these hosts may raise. */
    uint64_t taken_lines[TOPOLOGY_LINES / 64];
};

/* Why a reader refused a machine: a sentence, and the node it speaks of. */
struct topology_error {
    const char *text; /* NULL: no error */
    char node[TOPOLOGY_NAME];
};

/* Reads what firmware tells besides the device tree, into what was read of the tree. It plugs in with
 * TOPOLOGY_READER. */
struct topology_reader {
    const char *name; /* as a board's firmware-tables names it */
    /* What it reads through, from the tree; size 0: nothing. Mapped before the other two are called. */
    struct topology_range (*registers)(const struct topology *topology);
    /* How many root buses the machine has that no host begins with. Reads no table. */
    uint32_t (*roots)(uint64_t registers);
    /* All bridges have their numbers; the buffer is scratch. False: *topology is
     * of no use, and *error says why. */
    bool (*read)(uint64_t registers, uint8_t *buffer, uint64_t capacity, struct topology *topology,
                 struct topology_error *error);
};

#define TOPOLOGY_READER(name)                                                                      \
    static const struct topology_reader name __attribute__((                                       \
        used, section(".topology_readers"), aligned(_Alignof(struct topology_reader))))

/* The reader of that name; NULL: the image has none. */
const struct topology_reader *topology_find_reader(const char *name);

/*
 * Has a host, whose buses are those of several root buses, begin each with a host of its own, in ascending
 * order: the buses up to the next one and an equal part of each window. Which lines the pins of the others are
 * wired to is not known. False: more hosts than are kept.
 */
bool topology_divide_host(struct topology *topology, uint32_t index, const uint8_t *root,
                          uint32_t count);

/*
 * Finds the unit and the stream id of a requester id of a PCI host. Returns the index into
 * topology->iommu, or IOMMU_NONE if no map names the id. Work: the host's maps.
 */
uint32_t topology_stream(const struct topology_pci_host *host, uint32_t requester,
                         uint32_t *stream);

/*
 * Finds the ITS and the DeviceID that messages of a requester id carry there. Returns the index into
 * topology->its, or ITS_NONE: there is no ITS that its messages reach. Several ids may have one DeviceID.
 * Work: the host's maps.
 */
uint32_t topology_event_device(const struct topology_pci_host *host, uint32_t requester,
                               uint32_t *device_id);

/* Whether an ITS can have its registers there. */
bool topology_its_fits(struct topology_range registers);

/* The line that an interrupt pin (1 to 4) of a device on the host's root bus is wired to, level-triggered;
 * INTERRUPT_NONE: none that is known. Work: the host's pins. */
uint32_t topology_line(const struct topology_pci_host *host, uint32_t requester, uint32_t pin);

/* Whether the line is in taken_lines. */
bool topology_line_taken(const struct topology *topology, uint32_t line);

/* Adds a stream of a block that masters, once. NULL, or why its streams are of no use. Work: its streams. */
const char *topology_add_stream(struct topology_block *block, uint32_t iommu, uint32_t stream);

/* Notes memory of firmware's masters, once. False: there is no room. */
bool topology_add_firmware(struct topology *topology, uint32_t iommu, uint32_t stream,
                           uint32_t count, struct topology_range memory);

/* Whether firmware has memory of its own for the stream. Work: the entries. */
bool topology_is_firmware(const struct topology *topology, uint32_t iommu, uint32_t stream);

/* Whether the valid range lies over the serial port, the interrupt controller, an IOMMU, or what belongs to a PCI host.
 * Work: the machine's ranges. */
bool topology_has_infrastructure(const struct topology *topology, struct topology_range range);

/* Whether it lies over registers that are in rest[]. Work: these. */
bool topology_has_rest(const struct topology *topology, struct topology_range range);

/* Whether it lies over registers of a block, that with the index aside. Work: the blocks. */
bool topology_has_block(const struct topology *topology, struct topology_range range,
                        uint32_t aside);

/* One more than the highest stream of the unit that a map, a master or firmware names, at least 1: how many entries
 * its table needs. Work: the machine's maps and blocks. */
uint32_t topology_stream_count(const struct topology *topology, uint32_t unit);

#endif
