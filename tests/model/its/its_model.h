/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reference model of the Arm GICv3 Interrupt Translation Service (IHI 0069, chapter 5) with the
 * part of the redistributors that belongs to it: physical LPIs, their configuration and pending
 * state.
 *
 * It is written from the architecture alone and shares nothing with a driver. Where the
 * architecture leaves a choice, the model takes the one that forgives least:
 *
 *  - what a redistributor is told by the ITS (an interrupt, its removal, the loss of a cached
 *    configuration) may wait until a SYNC for that redistributor, in order, and then has taken
 *    effect; a redistributor keeps the configuration of an LPI from the moment LPIs are enabled
 *    until it is told to drop it;
 *  - memory given for a table must be zero, and belongs to the ITS: entries in use carry marks that
 *    the model made, which are looked at with every use and which it leaves in memory;
 *  - an error of a command stalls the queue or skips the command, as the parameters or a chooser
 *    say;
 *  - whatever the architecture calls UNPREDICTABLE or an error of software is written to a list of
 *    mistakes, so that a test can assert that there were none.
 *
 * Not built: virtual interrupts (GICv4), the Secure side, LPIs without an ITS (GICR_SETLPIR), power
 * management, priorities beyond which of several LPIs is taken first.
 *
 * Any number of instances exist at once; they share nothing. An instance is not thread-safe.
 */
#ifndef ITS_MODEL_H
#define ITS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct its_model;

/* ------------------------------------------------------------------ what the unit can do */

#define ITS_MODEL_REDISTRIBUTORS 8
#define ITS_MODEL_FIRST_LPI 8192u

/* What an error of a command does. */
enum its_model_answer {
    ITS_MODEL_STALLS, /* CREADR.Stalled; the queue stands until CWRITER.Retry or a new queue */
    ITS_MODEL_SKIPS,  /* the command does nothing */
};

/* Widths in bits, sizes in bytes; start from one of the functions below. */
struct its_model_parameters {
    unsigned device_bits;     /* GITS_TYPER.Devbits + 1, 1 to 32 */
    unsigned event_bits;      /* GITS_TYPER.ID_bits + 1, 1 to 16 here */
    unsigned collection_bits; /* 16 without GITS_TYPER.CIL */
    unsigned lpi_bits;        /* GICD_TYPER.IDbits + 1: an INTID, 14 to 16 here */
    unsigned itt_entry;       /* GITS_TYPER.ITT_entry_size + 1, 8 or more */
    unsigned device_entry;    /* GITS_BASER0.Entry_Size + 1, 8 or more */
    unsigned collection_entry;
    unsigned held_collections; /* GITS_TYPER.HCC: kept without a table */
    unsigned page_bits;        /* the only page size of tables: 12, 14, 16; 0: software chooses */
    bool physical_targets;     /* GITS_TYPER.PTA: RDbase is an address, not a processor number */
    bool two_levels;           /* the device table may be indirect */
    bool shareable;            /* false: every Shareability field reads as Non-shareable */
    bool lpis_may_end;         /* GICR_CTLR.CES: EnableLPIs can be cleared */
    bool fetches_early;        /* configurations are cached before they are needed */
    enum its_model_answer answer;
    unsigned redistributors;
    uint64_t redistributor[ITS_MODEL_REDISTRIBUTORS]; /* addresses, for physical_targets */
};

/* The unit that QEMU emulates: 16 bits of everything, page size free, nothing cached, prompt. */
struct its_model_parameters its_model_like_qemu(void);

/* Unlike it in all that a driver must ask for: wide DeviceIDs, narrow EventIDs and collections that
 * the unit holds itself, entries of 16 bytes, pages of 64 KiB alone, targets by address, accesses
 * that see no cache, LPIs that cannot be disabled again, stalls. */
struct its_model_parameters its_model_like_strict(void);

/* ------------------------------------------------------------------ what the unit sits in */

enum its_model_access_kind {
    ITS_MODEL_COMMAND,
    ITS_MODEL_DEVICE_TABLE,
    ITS_MODEL_COLLECTION_TABLE,
    ITS_MODEL_ITT,
    ITS_MODEL_CONFIGURATION,
    ITS_MODEL_PENDING,
};

/*
 * Physical memory as functions of the caller: false is an external abort, and what a test did not
 * allot for that kind it answers with false. Accesses are of 8 bytes, aligned as the entry is, or of
 * one for configurations. `interrupt` is told that a redistributor has an enabled pending LPI that
 * it had not before; it may be null.
 */
struct its_model_environment {
    void *context;
    bool (*read)(void *context, enum its_model_access_kind kind, uint64_t address, void *data,
                 size_t size);
    bool (*write)(void *context, enum its_model_access_kind kind, uint64_t address,
                  const void *data, size_t size);
    void (*interrupt)(void *context, unsigned redistributor);
};

/* ------------------------------------------------------------------ life */

/* As after reset. Both arguments are copied. */
struct its_model *its_model_create(const struct its_model_parameters *parameters,
                                   const struct its_model_environment *environment);
/* The same state, the same environment, the same chooser. */
struct its_model *its_model_copy(const struct its_model *model);
void its_model_destroy(struct its_model *model);

/* ------------------------------------------------------------------ registers */

#define ITS_MODEL_FRAMES 0x20000u /* both, the control frame first */

/* The ITS: `bytes` is 4 or 8. */
uint64_t its_model_read(struct its_model *model, uint64_t offset, unsigned bytes);
void its_model_write(struct its_model *model, uint64_t offset, uint64_t value, unsigned bytes);

/* Whether an offset of a redistributor's first frame is one of those that are modelled here: of
 * GICR_CTLR the bits EnableLPIs, CES and IR, of GICR_TYPER PLPIS and Processor_Number, and all of
 * GICR_PROPBASER and GICR_PENDBASER. What else is in a register is the caller's. */
bool its_model_has(uint64_t offset);
uint64_t its_model_redistributor_read(struct its_model *model, unsigned redistributor,
                                      uint64_t offset, unsigned bytes);
void its_model_redistributor_write(struct its_model *model, unsigned redistributor, uint64_t offset,
                                   uint64_t value, unsigned bytes);

/* ------------------------------------------------------------------ devices and CPUs */

/* What became of a write to GITS_TRANSLATER. */
enum its_model_outcome {
    ITS_MODEL_TRANSLATED,    /* the redistributor is told; whether it takes it is its affair */
    ITS_MODEL_DISABLED,      /* GITS_CTLR.Enabled is 0 */
    ITS_MODEL_NO_DEVICE,     /* no MAPD */
    ITS_MODEL_NO_EVENT,      /* beyond the ITT, or no MAPTI */
    ITS_MODEL_NO_COLLECTION, /* no MAPC */
};

/* A device writes its EventID to GITS_TRANSLATER; the interconnect says which device. */
enum its_model_outcome its_model_message(struct its_model *model, uint32_t device, uint32_t event);

/* Whether an LPI is pending, enabled or not. */
bool its_model_pending(const struct its_model *model, unsigned redistributor, uint32_t intid);

/* The CPU takes the pending, enabled LPI of the highest priority; 1023: there is none. */
uint32_t its_model_acknowledge(struct its_model *model, unsigned redistributor);

/* LPIs set pending on any redistributor since creation. */
uint64_t its_model_delivered(const struct its_model *model);

/* ------------------------------------------------------------------ lateness and freedom */

enum its_model_late {
    ITS_MODEL_LATE_COMMANDS,  /* a command is consumed: so many reads of GITS_CREADR after it */
    ITS_MODEL_LATE_QUIESCENT, /* GITS_CTLR.Quiescent: reads of it after Enabled was cleared */
    ITS_MODEL_LATE_TELLING,   /* not 0: redistributors hear of it with a SYNC, or a step */
    ITS_MODEL_LATES,
};
#define ITS_MODEL_NEVER (~0u)

/* From now on; 0, after creation, is prompt. */
void its_model_set_late(struct its_model *model, enum its_model_late what, unsigned reads);

/* Let the next one take place now. Answers whether there was one. */
bool its_model_step(struct its_model *model, enum its_model_late what);

/* Drop all configurations that are cached, as hardware may at any moment. */
void its_model_evict(struct its_model *model);

enum its_model_choice {
    ITS_MODEL_CHOOSE_ANSWER,  /* 0: as the parameters say, 1: the other one */
    ITS_MODEL_CHOOSE_TELLING, /* with late telling, before a message: 1: one more is heard */
    ITS_MODEL_CHOOSE_EVICT,   /* before a message: 1: the cached configurations are dropped */
};
void its_model_set_chooser(struct its_model *model,
                           unsigned (*choose)(void *context, enum its_model_choice what,
                                              unsigned of),
                           void *context);

/* ------------------------------------------------------------------ what software did */

/* Kinds of mistakes, as a mask. */
enum its_model_mistake_kind {
    ITS_MODEL_ACCESS = 1,        /* width of a register access, a location that is none */
    ITS_MODEL_STATE = 2,         /* not allowed in the state the unit is in: ignored */
    ITS_MODEL_VALUE = 4,         /* a value that the architecture does not allow */
    ITS_MODEL_COMMAND_ERROR = 8, /* the errors that the manual lists with each command */
    ITS_MODEL_UNPREDICTABLE =
        16, /* a command in a state that the manual forbids; it takes effect */
    ITS_MODEL_TABLE =
        32, /* memory of a table: not zero when given, stored to, overlapping, refused */
    ITS_MODEL_ALL = 63,
};

struct its_model_mistake {
    enum its_model_mistake_kind kind;
    const char *subject; /* register or command */
    const char *text;
    uint64_t value;
};

unsigned its_model_mistakes(const struct its_model *model, unsigned mask);

/* The n-th of those kinds, oldest first; null past the end. The first 32 are kept. */
const struct its_model_mistake *its_model_mistake_at(const struct its_model *model, unsigned mask,
                                                     unsigned n);

/* Commands consumed since creation, by opcode; ITS_MODEL_ANY: all. */
#define ITS_MODEL_ANY 0u
uint64_t its_model_commands(const struct its_model *model, unsigned opcode);

/* What an event is mapped to now; false: nothing. */
bool its_model_mapping(const struct its_model *model, uint32_t device, uint32_t event,
                       uint32_t *intid, unsigned *redistributor);

/* Devices that are mapped now. */
unsigned its_model_devices(const struct its_model *model);

#endif
