/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that the kernel boots on in these tests: memory, a PL011, a PCI host, SMMUv3 models, equal or
 * not, a device tree like that of QEMU's virt machine, and a bundle. One machine a process (unit.h).
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include "arch/boot.h"
#include "arch/host/host.h"
#include "arch/host/pci_model.h"
#include "arch/host/scheduler.h"
#include "arch/host/store_buffer.h"
#include "bulkhead/abi.h"
#include "drivers/topology/topology.h"
#include "kernel/partition.h"
#include "smmuv3_model.h"
#include "unit.h"

#define UNIT_BASE UINT64_C(0x09050000) /* as in boards/qemu-virt */
#ifndef UNIT_STRIDE                    /* tests/growth has more units, closer together */
#define UNIT_STRIDE UINT64_C(0x00100000)
#endif
#define UNIT_EVENT_INTERRUPT(unit) (106u + 8 * (unit))
#define UNIT_ERROR_INTERRUPT(unit) (109u + 8 * (unit))
#define SERIAL_BASE UINT64_C(0x09000000)
#define SERIAL_INTERRUPT 33
/* The line that a pin (1 to 4) of a device of the root bus is wired to; no function has a pin at first. */
#define MACHINE_LINE(device, pin) (35 + ((device) + (pin)-1) % 4)
#define CLOCK_BASE UINT64_C(0x09010000)
#define ECAM_BASE UINT64_C(0x3F000000)
#define ECAM_BUSES 16
#define WINDOW_BASE UINT64_C(0x10000000)
#define WINDOW_SIZE UINT64_C(0x2EFF0000)
#define TREE_ADDRESS UINT64_C(0x4F000000)
#define INITRD_ADDRESS UINT64_C(0x4E000000)
#define UNITS TOPOLOGY_IOMMUS
#define MACHINE_ID_MAPS 40

/* machine_units(): endpoints behind each unit, and the stream ids that they have there. */
#define ENDPOINTS_A_UNIT 2
#define MACHINE_ENDPOINTS 14
#define MACHINE_STREAM(endpoint) (0x10u + (endpoint) % ENDPOINTS_A_UNIT)
#define MACHINE_DEVICE_ID(endpoint) (DEVICE_ID_PCI | ((uint64_t)(endpoint) + 1) << 8)

/* What the device tree says; start from machine_tree_plain(). */
struct tree_options {
    unsigned int units, cpus, memories, hosts;
    uint64_t initrd_size; /* 0: no initrd */
    bool gic, serial, disabled_unit;
    uint32_t host_buses;
    unsigned int maps; /* iommu-map entries; each of 0x10000 / maps ids */
    unsigned int blocks;
    unsigned int depth;       /* nodes nested below one more node */
    void (*edit)(void *tree); /* changes what was written; there is room for 4 KiB more */
};

struct partition_spec {
    const char *name;
    const char *payload;
    const char *bootargs;
    uint64_t memory_base, memory_size, physical;
    uint32_t pool_pages;
    bool aarch32, manager;
    const char *on_crash, *on_storm, *on_unit_failure; /* NULL: not said */
    uint32_t restarts;                                 /* plus 1; 0: not said */
    const char *pci[PARTITION_DEVICES];
    const char *block[2];
    bool masters; /* its blocks do: there is no no-dma */
};

struct window_spec {
    const char *name;
    const char *between[2];
    const char *writable_by[2]; /* NULL: nobody more */
    uint64_t size, address[2];
    bool dma;
    uint32_t maps; /* 0: not said */
};

struct payload_file {
    const char *name;
    const void *bytes;
    uint64_t size;
};

/* Who looks on (tests/observer); it may ask models, and changes nothing. */
struct machine_watch {
    /* A word that the unit's model read for smmuv3_model_reach(). */
    void (*audited)(unsigned int unit, uint64_t address);
    /* After the access. */
    void (*register_read)(unsigned int unit, uint64_t offset, uint64_t value);
    void (*register_written)(unsigned int unit, uint64_t offset, uint64_t value);
    void (*transfer)(unsigned int unit, uint32_t stream, uint64_t iova, uint64_t size, bool write,
                     bool landed);
};

/* Requester ids [first, +count) come to a unit as streams [stream, +count). */
struct machine_id_map {
    uint32_t first, count;
    unsigned int unit;
    uint32_t stream;
};

/* What firmware keeps for a stream: the observer's, which asks nobody what was read of the tree. */
struct machine_firmware {
    unsigned int unit;
    uint32_t stream;
    uint64_t base, size;
};

struct machine {
    struct smmuv3_model_parameters parameters[UNITS];
    struct smmuv3_model *unit[UNITS];
    unsigned int unit_count;
    bool pending[UNITS][SMMUV3_MODEL_LINES]; /* interrupts that have not been taken */
    bool masked; /* the boot CPU takes no interrupts now: they stay pending */
    void (*before_register_write)(unsigned int unit, uint64_t offset, uint64_t value);
    void (*after_register_write)(unsigned int unit, uint64_t offset, uint64_t value);
    /* Answers what the unit reads instead of memory; false: memory. */
    bool (*read_instead)(enum smmuv3_model_access_kind kind, uint64_t address, uint64_t *word);
    const struct machine_watch *watch; /* NULL: nobody */
    bool
        fetching[UNITS]; /* a fetch of the unit is under way, and stores become visible before it */
    struct pci_model pci;
    unsigned int id_map_count; /* 0: all ids come to the first unit, as themselves */
    struct machine_id_map id_map[MACHINE_ID_MAPS];
    unsigned int firmware_count;
    struct machine_firmware firmware[4];
    unsigned int endpoint_count; /* of machine_units() */
    int endpoint[MACHINE_ENDPOINTS];
    uint64_t tree_address; /* where the tree lies; TREE_ADDRESS after machine_reset() */
    uint64_t tree_given;   /* what the boot loader says; 0: nothing */
    struct tree_options tree;
    void (*edit_set)(void *tree); /* as tree_options.edit, for the set */
    unsigned int partition_count;
    struct partition_spec partition[PARTITION_LIMIT + 1];
    unsigned int window_count;
    struct window_spec window[WINDOW_LIMIT + 1];
    unsigned int payload_count;
    struct payload_file payload[4];
    char console[131072]; /* what came out of the PL011 */
    size_t console_used;
    uint64_t transfers; /* that devices began */
    bool serial_stuck;  /* its FIFO stays full */
    const char *typed;  /* what it has received and nobody has read yet; NULL: nothing */
    uint32_t serial_mask;
    unsigned int serial_starts; /* how often its control register was written */
    uint64_t x[6];              /* registers after the last call() */
    enum host_end end;
};

extern struct machine machine;

/* An empty machine: memory, serial port, PCI host without functions, no unit. */
void machine_reset(void);
/* Adds a unit behind its registers, as after reset. */
void machine_add_unit(const struct smmuv3_model_parameters *parameters);
/* The board's table names one unit more; it names the first one after machine_reset(). */
void machine_board_unit(void);
/* Adds a unit that board and tree name, too, and leads the functions of a bus to it. Those on buses below the
 * first such bus stay with the first unit. */
void machine_unit_for_bus(const struct smmuv3_model_parameters *parameters, unsigned int bus);
/* Lets the pending interrupts reach the kernel, and those that it asked to come again later. */
void machine_interrupts(void);

/* A machine with one unit, an endpoint alone below each of two root ports (0000:01:00.0 with FLR,
 * 0000:02:00.0 without), and one partition "one" that may bind the first. Not booted. */
void machine_plain(void);
/* The same with other capabilities of the unit. */
void machine_plain_with(const struct smmuv3_model_parameters *parameters);
#define PORT1 0
#define PORT2 1
#define DEVICE1 2
#define DEVICE2 3
#define DEVICE1_NAME "0000:01:00.0"
#define DEVICE2_NAME "0000:02:00.0"
#define DEVICE1_ID (DEVICE_ID_PCI | 0x100)
#define DEVICE2_ID (DEVICE_ID_PCI | 0x200)
#define CLOCK_NAME "/pl031@9010000"

/*
 * units.c: a machine with units of these kinds (at most 7), and behind each of them two endpoints, each
 * alone below a root port of its own. Endpoint n is function 0 of bus n + 1, stands behind unit n / 2, and
 * has there the stream id MACHINE_STREAM(n), which is the same number on every unit; those with an even
 * number have FLR. Partition "one" may bind all of them. Not booted.
 */
void machine_units(const enum smmuv3_model_variant *variants, unsigned int count);
/* The same, each unit as described. */
void machine_units_with(const struct smmuv3_model_parameters *parameters, unsigned int count);
/* As which stream of which unit a requester id arrives; false: it arrives at none. */
bool machine_stream(uint32_t requester, unsigned int *unit, uint32_t *stream);

/* One more partition of 4 MiB at 0x40000000 with a flat payload. */
struct partition_spec *machine_partition(const char *name);

/* One more window of 16 KiB between the partitions of these names, at 0x80000000 in both, plus 1 MiB for each
 * that was there; both write. */
struct window_spec *machine_window(const char *name, const char *first, const char *second);

/* The plain machine with a second partition, "two", that may bind the same device, and a window of both. */
struct window_spec *machine_shared(void);

/* tree.c: writes the machine's device tree; returns its size. */
struct tree_options machine_tree_plain(void);
size_t machine_tree(void *tree, size_t size, const struct tree_options *options);
/* The set of machine.partition[]; returns its size. */
size_t machine_set(void *tree, size_t size);
/* The bundle at INITRD_ADDRESS; returns its size. */
uint64_t machine_bundle(void);

/* Writes tree and bundle, closes the units, runs kernel_main(). */
enum host_end machine_kernel(void);
/* Boots as far as the first instruction of every partition; fails the test if it does not get there. */
void machine_boot(void);
/* Runs what the kernel asked to run on a partition's CPU. */
enum host_end machine_run_cpu(unsigned int cpu);

/* Keeps the machine as it is, and puts it back (arch/host/snapshot.h): kernel, memory, units, PCI. The
 * tests' own variables are left alone. */
void machine_snapshot_take(void);
void machine_snapshot_restore(void);

/* ---- What guests and devices do ------------------------------------------------------------------ */

/* Which of the two forms a call takes: 64-bit, unless a test says otherwise. */
enum guest_width { GUEST_AARCH64, GUEST_AARCH32 };
extern enum guest_width guest_width;

/* A hypercall of a partition; results also in machine.x, how it ended in machine.end. */
int64_t call(unsigned int partition, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
             uint64_t d, uint64_t e);
#define call0(p, n) call(p, n, 0, 0, 0, 0, 0)
#define call1(p, n, a) call(p, n, a, 0, 0, 0, 0)
#define call2(p, n, a, b) call(p, n, a, b, 0, 0, 0)
#define call3(p, n, a, b, c) call(p, n, a, b, c, 0, 0)

/* Has the partition's CPU leave its guest if that was asked of it; how that ended is in machine.end. False: it was not. */
bool machine_recall(unsigned int partition);

/* bind as a guest does it: again until the reset is over. */
int64_t bind(unsigned int partition, uint64_t device, uint64_t label);
/* bind, ioas, attach: returns the ioas; fails the test where one of them fails. */
uint64_t bind_and_attach(unsigned int partition, uint64_t device, uint64_t label);
int64_t map(unsigned int partition, uint64_t ioas, uint64_t iova, uint64_t address, uint64_t size);
int64_t unmap(unsigned int partition, uint64_t ioas, uint64_t iova, uint64_t size);

/* A pointer to a partition's memory by guest-physical address. */
void *guest(unsigned int partition, uint64_t address);
struct bh_query_state query_state(unsigned int partition, uint64_t device);
struct bh_query_fault query_fault(unsigned int partition, uint64_t device);
struct bh_query_pool query_pool(unsigned int partition);
struct bh_query_partition query_partition(unsigned int manager, uint64_t index);
/* The bytes of what a query fills; 0: there is no such query. */
uint64_t query_bytes(uint64_t what);

/* A device writes (or reads) 8 bytes at iova through its unit; interrupts are taken afterwards. */
enum dma { DMA_LANDED, DMA_BLOCKED, DMA_NOT_MASTERING };
enum dma dma_write(int function, uint64_t iova, uint64_t value);
enum dma dma_read(int function, uint64_t iova, uint64_t *value);

/* Everything that a refused call must leave alone, as one number; counters of locks and of the clock are
 * not part of it. */
uint64_t machine_state(void);

/* No programming error on any unit, no command illegal. */
void assert_units_clean(void);
/* Lets everything that waits for the serial port out. */
void machine_drain_console(void);
/* The serial console holds the text. */
void assert_console(const char *text);

#endif
