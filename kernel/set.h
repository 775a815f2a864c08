/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition set: what the user wants, read from its compiled device tree (docs/configuration.md).
 * Read and checked by the same code on the host (make check) and at boot.
 */
#ifndef KERNEL_SET_H
#define KERNEL_SET_H

#include "kernel/limits.h"
#include "lib/types.h"

#define SET_DEVICE_NAME 48
#define SET_NODE 64

enum set_device_kind { SET_DEVICE_PCI, SET_DEVICE_BLOCK };

struct set_device {
    enum set_device_kind kind;
    char node[SET_NODE]; /* of the set, for messages */
    char
        name[SET_DEVICE_NAME]; /* PCI: as pci_name() writes it; block: path in the machine's tree */
    bool no_dma;               /* block: the set's word that it cannot master */
};

/* What happens to a partition, and what the set says is done then. */
enum set_trouble { TROUBLE_CRASH, TROUBLE_STORM, TROUBLE_UNIT, SET_TROUBLES };
enum set_answer { ANSWER_LOG, ANSWER_STOP, ANSWER_RESTART, ANSWER_SAFE_STATE, SET_ANSWERS };

struct set_partition {
    char node[SET_NODE];
    char name[PARTITION_NAME];
    char payload[PARTITION_NAME * 2]; /* name in the bundle */
    char bootargs[BOOTARGS_LIMIT];
    bool aarch32; /* it starts in AArch32 state */
    bool manager; /* it may stop and start the others */
    enum set_answer answer[SET_TROUBLES];
    uint32_t restarts; /* that answers may cause, since boot: behind them it stops */
    uint32_t cpus;
    uint64_t memory_base; /* guest-physical */
    uint64_t memory_size;
    bool fixed_physical; /* physical says where the memory lies; otherwise boot chooses */
    uint64_t physical;
    uint32_t pool_pages;
    uint64_t pci_config; /* guest-physical, of its devices' configuration space */
    uint32_t device_count;
    struct set_device device[PARTITION_DEVICES];
};

/* Memory that two partitions share. */
struct set_window {
    char node[SET_NODE];
    char name[PARTITION_NAME];
    uint32_t side[2]; /* partitions, by index */
    uint64_t size;
    uint64_t address[2]; /* guest-physical, where each side has it */
    bool writes[2];
    bool dma;      /* devices may reach it */
    uint32_t maps; /* that a side's devices may have of it at a time */
};

struct set {
    uint32_t partition_count;
    struct set_partition partition[PARTITION_LIMIT];
    uint32_t window_count;
    struct set_window window[WINDOW_LIMIT];
};

/* Of a window of that size: its addresses and its size are multiples of this. So it has 512 leaves at most. */
uint64_t window_alignment(uint64_t size);

/* A mistake in a set: one line for people. */
struct set_error {
    char node[SET_NODE];
    const char *property;
    char text[288]; /* what is wrong, and what to write instead */
};

/*
 * Reads the tree of size bytes into *set and checks everything that needs no machine: shape, names,
 * overlaps. False: *error says what to change. Work: the tree's size.
 */
bool set_read(const void *tree, uint64_t size, struct set *set, struct set_error *error);

/* "file:node: property: text", zero-terminated, cut at size. Returns its length. */
size_t set_error_line(const struct set_error *error, const char *file, char *line, size_t size);

/* Fills *error and returns false; for the checks that need the machine (kernel/plan.c). */
bool set_refuse(struct set_error *error, const char *node, const char *property, const char *text,
                ...) __attribute__((format(printf, 4, 5)));

#endif
