/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two sides of the comparison and what is done to both: QEMU's SMMUv3 behind qtest, and the
 * reference model. Memory is one file that QEMU maps as its RAM and a mirror that the model reads;
 * every store, register access and command goes to both.
 *
 * The model exists twice. `keep` keeps in its caches whatever it may; `fresh` is evicted before
 * each access, so that it says what registers and memory as they stand mean.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "qtest.h"
#include "tests/model/smmuv3/smmuv3_model.h"

#define RAM_BASE UINT64_C(0x40000000)
#define RAM_BYTES UINT64_C(0x40000000)

/* Where things lie in RAM. QEMU puts a device tree at its start. */
#define AT_CMDQ UINT64_C(0x40400000)
#define AT_EVENTQ UINT64_C(0x40500000)
#define AT_STREAMS UINT64_C(0x40600000) /* stream tables, level 1 and linear */
#define AT_BUFFER UINT64_C(0x40700000)  /* what was read by a device is put here to be looked at */
#define AT_TABLES UINT64_C(0x41000000)  /* all other tables, one scenario at a time */
#define TABLES_BYTES UINT64_C(0x02000000)

/* Nothing answers there: RAM ends below, and devices begin above. */
#define HOLE_FIRST UINT64_C(0x0000000300000000)
#define HOLE_LAST UINT64_C(0x0000003effffffff)

enum {
    CMDQ_LOG2 = 8,
    EVENTQ_LOG2 = 8,
    DEVICES_MAX = 8,
    CHUNKS = 12, /* pieces of memory that devices may reach */
    CHUNK_BYTES = 65536,
    PIECES_MAX = 16, /* 32-bit words in one access */
};

enum register_offset {
    R_IDR0 = 0x00,
    R_IDR1 = 0x04,
    R_IDR3 = 0x0c,
    R_IDR5 = 0x14,
    R_IIDR = 0x18,
    R_AIDR = 0x1c,
    R_CR0 = 0x20,
    R_CR0ACK = 0x24,
    R_CR1 = 0x28,
    R_CR2 = 0x2c,
    R_GBPA = 0x44,
    R_IRQ_CTRL = 0x50,
    R_GERROR = 0x60,
    R_GERRORN = 0x64,
    R_STRTAB_BASE = 0x80,
    R_STRTAB_BASE_CFG = 0x88,
    R_CMDQ_BASE = 0x90,
    R_CMDQ_PROD = 0x98,
    R_CMDQ_CONS = 0x9c,
    R_EVENTQ_BASE = 0xa0,
    R_EVENTQ_PROD = 0x100a8,
    R_EVENTQ_CONS = 0x100ac,
};

enum cr0_value {
    CR0_QUEUES = 0xc, /* CMDQEN, EVENTQEN */
    CR0_ON = 0xd,     /* and SMMUEN */
};

enum unit_kind { UNIT_NESTED, UNIT_STAGE1, UNIT_STAGE2 };

/* What can master the bus. */
struct device {
    bool edu; /* reads and writes; else iommu-testdev, which writes */
    uint32_t stream_id;
    uint64_t bar;
};

/*
 * What QEMU reads otherwise than the architecture has it, as a view that the model can be given of
 * memory and of a transaction.
 */
enum view {
    VIEW_PLAIN = 0,
    VIEW_FIRST_TABLE = 1,      /* of concatenated tables only the first */
    VIEW_NO_FLAG_UPDATES = 2,  /* STE.S2HA and S2HD read as 0 */
    VIEW_PRIVILEGED = 4,       /* every transaction is privileged */
    VIEW_WIDE_SPAN = 8,        /* L1STD.Span n means 2^n STEs, not 2^(n-1) */
    VIEW_ONE_TBI = 16,         /* CD.TBI0 stands for TBI1 too */
    VIEW_NO_TABLE_RIGHTS = 32, /* as if CD.HAD0 and HAD1 were 1 */
    VIEW_STAGE2_READABLE = 64, /* every leaf of stage 2 may be read */
    VIEW_BITS = 7,
    VIEWS_ALL = (1 << VIEW_BITS) - 1,
    VIEW_RECORDED = 1 << VIEW_BITS, /* as if STE.S2R and CD.R were 1: what a record would say */
};

/* Concatenated tables: where they lie, and how large one and all of them are. */
struct concatenated {
    uint64_t root, table_bytes, bytes;
};

/* One instance of the model. */
struct unit {
    const struct pair *pair;
    struct smmuv3_model *model;
    unsigned views;
    uint64_t record[4]; /* of the last event */
    bool recorded;
};

struct pair {
    enum unit_kind kind;
    struct qtest qtest;
    uint64_t smmu; /* where its registers are */
    struct device devices[DEVICES_MAX];
    unsigned device_count;
    int ram_file;
    uint8_t *ram;    /* QEMU's */
    uint8_t *mirror; /* the model's */
    struct smmuv3_model_parameters parameters;
    struct unit keep, fresh;
    uint32_t cmdq_prod;
    uint32_t eventq_cons; /* of QEMU's queue */
    uint64_t tables_end;  /* what is used of the tables' memory ends here */
    struct concatenated concatenated[DEVICES_MAX];
    unsigned concatenated_count;
    struct {
        uint64_t first, end;
    } stage2_tables[DEVICES_MAX]; /* where the tables of stage 2 lie */
    unsigned stage2_tables_count;
};

/* What became of one 32-bit word of an access. */
struct piece {
    bool translated; /* to `address` */
    bool landed;     /* and there is memory */
    uint64_t address;
    bool recorded;
    uint64_t record[4];
    uint8_t cause; /* number of the event, 0 for none, whether it was recorded or not */
    const char *not_modelled;
};

struct outcome {
    struct piece pieces[PIECES_MAX];
};

struct access {
    unsigned device;
    uint64_t iova;
    unsigned count; /* words */
    bool write;
};

/* machine.c: start QEMU and make its devices usable; the units are created with it. */
void pair_start(struct pair *pair, enum unit_kind kind, const char *qemu);
void pair_stop(struct pair *pair);

/* Where the n-th piece of memory that devices may reach begins. */
uint64_t chunk_address(unsigned n);

/* Whether there is RAM. */
bool in_ram(uint64_t address, uint64_t bytes);

/* Memory, as the models see it, and stores to both. */
uint64_t peek64(const struct pair *pair, uint64_t address);
uint32_t peek32(const struct pair *pair, uint64_t address);
void poke64(struct pair *pair, uint64_t address, uint64_t value);
void poke32(struct pair *pair, uint64_t address, uint32_t value);
void clear_memory(struct pair *pair, uint64_t address, uint64_t bytes);

/* The first address where the two memories differ, in what is used of RAM; 0 if nowhere. */
uint64_t first_difference(const struct pair *pair);

/* Make the mirror what QEMU's memory is, after a difference was reported. */
void accept_memory(struct pair *pair);

/* Registers of both. */
void both_write32(struct pair *pair, uint32_t offset, uint32_t value);
void both_write64(struct pair *pair, uint32_t offset, uint64_t value);
uint32_t qemu_read32(struct pair *pair, uint32_t offset);

/* Put a command into the queue of both and let them consume it. */
void both_command(struct pair *pair, uint64_t word0, uint64_t word1);

/* Whether both have consumed the same commands, with the same global errors. */
bool queues_agree(struct pair *pair);

/* Queues on, everything invalidated, SMMUEN still 0. */
void both_reset_queues(struct pair *pair);

/* What an access means to one of the models, seen through `views`. `fresh` is evicted first. */
void model_access(struct pair *pair, struct unit *unit, const struct access *access, unsigned views,
                  struct outcome *outcome);

/* What QEMU's device did. */
struct seen {
    unsigned events;
    uint64_t records[PIECES_MAX][4];
    uint32_t words[PIECES_MAX]; /* written: what it wrote; read: what it holds afterwards */
    uint64_t result;            /* of iommu-testdev */
};

/*
 * Let QEMU's device access memory. Words to write come from `seen`. iommu-testdev writes a pattern
 * of its own and looks at `expected` whether it arrived.
 */
void qemu_access(struct pair *pair, const struct access *access, uint64_t expected,
                 struct seen *seen);

/* What iommu-testdev writes, and its results. */
#define TESTDEV_PATTERN UINT32_C(0x12345678)
#define TESTDEV_OK UINT32_C(0)
#define TESTDEV_BLOCKED UINT32_C(0xdead0002)
#define TESTDEV_MISMATCH UINT32_C(0xdead0004)

#endif
