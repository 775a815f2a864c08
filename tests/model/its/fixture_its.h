/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the ITS model share: memory, an ITS with its tables, commands.
 */
#ifndef MODEL_ITS_FIXTURE_ITS_H
#define MODEL_ITS_FIXTURE_ITS_H

#include "cmocka_prelude.h"
#include "its_layout.h"
#include "its_model.h"

#define ITS_MEMORY UINT64_C(0x40000000)
#define ITS_MEMORY_SIZE UINT64_C(0x1000000)
#define ITS_QUEUE (ITS_MEMORY + 0x10000)
#define ITS_QUEUE_BYTES UINT64_C(0x1000) /* one page */
#define ITS_CONFIGURATION (ITS_MEMORY + 0x20000)
#define ITS_PENDING(redistributor) (ITS_MEMORY + 0x40000 + (redistributor)*UINT64_C(0x10000))
#define ITS_COLLECTIONS (ITS_MEMORY + 0x80000)
#define ITS_DEVICES (ITS_MEMORY + 0x100000)
#define ITS_ITT(n) (ITS_MEMORY + 0x800000 + (n)*UINT64_C(0x10000))

enum {
    ITS_DEVICE = 0x108,
    ITS_EVENT = 3,
    ITS_ICID = 2,
    ITS_LPI = 8200,
    ITS_EVENT_BITS = 5, /* that its_map_device() gives */
};

struct its_bench {
    struct its_model *model;
    struct its_model_parameters p;
    uint8_t *memory;
    uint64_t refused, refused_size; /* is not memory for the ITS */
    unsigned interrupts[ITS_MODEL_REDISTRIBUTORS];
    uint64_t write; /* offset of the next command */
};

/* As after reset; as software brings it up: tables, queue, LPIs on every redistributor, enabled. */
struct its_bench *its_start(const struct its_model_parameters *parameters);
struct its_bench *its_up(const struct its_model_parameters *parameters);
struct its_bench *its_plain(void); /* like QEMU's, up */
void its_stop(struct its_bench *bench);

uint64_t its_get(struct its_bench *bench, uint64_t offset);
void its_put(struct its_bench *bench, uint64_t offset, uint64_t value);
void its_poke(struct its_bench *bench, uint64_t address, uint64_t value);
uint64_t its_peek(struct its_bench *bench, uint64_t address);

/* Write a command behind the others and tell the ITS. */
void its_submit(struct its_bench *bench, uint64_t word0, uint64_t word1, uint64_t word2,
                uint64_t word3);
void its_mapd(struct its_bench *bench, uint32_t device, uint64_t itt, unsigned bits);
void its_unmapd(struct its_bench *bench, uint32_t device);
void its_mapc(struct its_bench *bench, uint32_t icid, unsigned redistributor, bool valid);
void its_mapti(struct its_bench *bench, uint32_t device, uint32_t event, uint32_t intid,
               uint32_t icid);
void its_event_command(struct its_bench *bench, unsigned opcode, uint32_t device, uint32_t event);
void its_movi(struct its_bench *bench, uint32_t device, uint32_t event, uint32_t icid);
void its_invall(struct its_bench *bench, uint32_t icid);
void its_sync(struct its_bench *bench, unsigned redistributor);
/* The LPI's byte in the configuration table, without telling anyone. */
void its_configure(struct its_bench *bench, uint32_t intid, uint8_t value);

/* ITS_DEVICE with ITS_EVENT as ITS_LPI, enabled, on redistributor 0. */
void its_map_one(struct its_bench *bench);

void assert_no_mistakes(struct its_bench *bench);
/* Exactly one, of this kind, that says this. */
void assert_mistake(struct its_bench *bench, enum its_model_mistake_kind kind, const char *text);

int run_its_register_tests(void);
int run_its_command_tests(void);
int run_its_table_tests(void);
int run_its_lpi_tests(void);

#endif
