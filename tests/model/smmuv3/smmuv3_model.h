/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reference model of the Arm SMMUv3 (IHI 0070), Non-secure programming interface.
 *
 * The hypervisor's unchanged driver runs against it on the host. It is written from the
 * architecture alone and shares nothing with the driver, so that the two disagree where either
 * is wrong. Where the architecture leaves a choice, the model takes the one that forgives least:
 *
 *  - a configuration cache and a TLB keep whatever was fetched, invalid STEs included, until a
 *    command that must remove it has been consumed and a later CMD_SYNC has completed;
 *  - an invalidation covers what the architecture promises and nothing else (leaf, TG, TTL,
 *    range, stage and tag are honoured to the letter), and only what was fetched before the
 *    command was consumed: what a device caused to be fetched between the command and its
 *    CMD_SYNC stays;
 *  - a register whose reset value is UNKNOWN holds a pattern, a guarded register is read-only
 *    while its guard is up, a reserved field of a command is an illegal command;
 *  - whatever the architecture calls a mistake of software takes its architectural effect and is
 *    written to a list of programming errors, so that a test can assert that there were none.
 *
 * Built: registers, stream tables, context descriptors and substreams, bypass, abort, stage 1,
 * stage 2 and both (VMSAv8-64, little-endian), hardware flag updates, stalls, ATS (split-stage too)
 * and PRI (smmuv3_model_pcie.h), every command of the Non-secure queue, all error paths, the event
 * queue, GERROR, interrupts, late acknowledgement.
 * Not yet: big-endian and AArch32 tables; 52-bit input addresses (IDR5.VAX); CR2.REC_CFG_ATS,
 * PASIDs on translated transactions (IDR3.PASIDTT), DPT, ATSCHK as configuration caches may keep it.
 * A transaction that needs one of these is terminated with the outcome SMMUV3_MODEL_NOT_MODELLED,
 * never with an event, so that a test cannot mistake it for a result.
 *
 * Any number of instances exist at once; they share nothing. An instance is not thread-safe.
 */
#ifndef SMMUV3_MODEL_H
#define SMMUV3_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smmuv3_model;

/* ------------------------------------------------------------------ what the unit can do */

/* What the event queue does when it is full. */
enum smmuv3_model_overflow {
    SMMUV3_MODEL_OVERFLOW_OVFLG,          /* the architecture: EVENTQ_PROD.OVFLG toggles */
    SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR, /* QEMU 10.0 to 11.1: GERROR.EVENTQ_ABT_ERR */
};

/* When CMD_CFGI_* and CMD_TLBI_* take effect. */
enum smmuv3_model_invalidation {
    SMMUV3_MODEL_INVALIDATE_AT_SYNC, /* when a later CMD_SYNC completes: the latest allowed */
    SMMUV3_MODEL_INVALIDATE_AT_ONCE, /* when consumed: the earliest allowed, as QEMU does */
};

/*
 * Capabilities, in the order and with the names of the ID registers, then choices that the
 * architecture leaves to an implementation. Start from one of the functions below and change
 * what the test is about.
 */
struct smmuv3_model_parameters {
    /* IDR0 */
    bool s2p;     /* stage 2 */
    bool s1p;     /* stage 1 */
    unsigned ttf; /* 2: AArch64 tables only; 3: AArch32 too */
    bool cohacc;
    bool btm;
    unsigned httu;
    bool hyp; /* NS-EL2 StreamWorlds */
    bool ats;
    bool ns1ats;
    bool asid16;
    bool msi;
    bool sev;
    bool pri;
    bool vmid16;
    bool cd2l;
    unsigned ttendian;    /* 0 mixed, 2 little, 3 big */
    unsigned stall_model; /* 0 both, 1 terminate only, 2 stall only */
    bool term_model;      /* true: a terminated transaction always aborts */
    bool st_level;        /* two-level stream tables; the architecture wants them with
                                 SIDSIZE >= 7, the model does not insist */
    /* IDR1: sizes as log2 */
    unsigned sidsize;
    unsigned ssidsize;
    unsigned priqs;
    unsigned eventqs;
    unsigned cmdqs;
    bool attr_perms_ovr; /* STE.PRIVCFG and INSTCFG exist */
    /* IDR3 */
    bool had;
    bool fwb;
    bool xnx;
    bool pps;      /* automatic page responses keep the PASID, whatever STE.PPAR says */
    bool stt;      /* small translation tables: S2T0SZ up to 48 */
    bool ril;      /* range invalidation and level hints */
    unsigned bbml; /* 2: a TLB conflict resolves itself; else F_TLB_CONFLICT */
    /* IDR5 */
    unsigned oas; /* bits of physical address: 32, 36, 40, 42, 44, 48 or 52 */
    bool gran4k;
    bool gran16k;
    bool gran64k;
    unsigned stall_max;
    /* identification */
    uint32_t iidr;
    uint32_t aidr; /* 1: SMMUv3.1, ... */

    /* choices */
    uint32_t gbpa_reset; /* reset value of GBPA; ABORT clear means bypass out of reset */
    uint64_t unknown;    /* what a register holds that resets to an UNKNOWN value */
    enum smmuv3_model_overflow overflow;
    enum smmuv3_model_invalidation invalidation;
    bool early_retry;      /* retry a stalled transaction before it is terminated (3.12.2.2) */
    bool ignore_reserved;  /* ignore reserved fields of commands instead of CERROR_ILL */
    unsigned trace_length; /* commands that the trace keeps; 0 means 1024 */
};

/*
 * The unit that QEMU emulates with stage=nested: IDR0 0x0d44101b, IDR1 0x02730010, IDR3 0x1414,
 * IDR5 0x74, AIDR 1, IIDR 0. Its choices are QEMU's where they are legal (invalidation at once,
 * reserved fields ignored, zero for UNKNOWN); its event-queue overflow is the architecture's
 * until the test sets `overflow`.
 */
struct smmuv3_model_parameters smmuv3_model_like_qemu(void);

/*
 * A plain unit of the kind of an MMU-600: SMMUv3.1, both stages, HYP, MSI, stalls, 48-bit
 * addresses, no range invalidation, the unforgiving choices. ATS and PRI are off.
 */
struct smmuv3_model_parameters smmuv3_model_like_mmu600(void);

/*
 * Everything that the model has, unforgiving: the unit above with ATS (split-stage too), PRI,
 * stalls that are retried before they are terminated, range invalidation, XNX, S2FWB, small
 * tables. Switch off what a test is not about: ats = false takes PRI with it, stall_model = 1 the
 * stalls, ssidsize = 0 the PASIDs.
 */
struct smmuv3_model_parameters smmuv3_model_like_full(void);

/*
 * Units unlike the plain one (like_mmu600) in one thing, which a driver must find out from the ID
 * registers and respect. The input size of stage 2 is the output size (3.4: IAS); that of stage 1
 * alone is 48 bits on all of them.
 */
enum smmuv3_model_variant {
    SMMUV3_MODEL_PLAIN,
    SMMUV3_MODEL_32_BITS, /* IDR5.OAS */
    SMMUV3_MODEL_36_BITS,
    SMMUV3_MODEL_40_BITS,
    SMMUV3_MODEL_42_BITS,
    SMMUV3_MODEL_44_BITS,
    SMMUV3_MODEL_SMALL_TAGS,   /* VMIDs and ASIDs of 8 bits */
    SMMUV3_MODEL_RANGES,       /* with range invalidation; the plain one has none */
    SMMUV3_MODEL_ONE_LEVEL,    /* linear stream tables: StreamIDs of 6 bits */
    SMMUV3_MODEL_NOT_COHERENT, /* its own accesses do not see the CPUs' caches */
    SMMUV3_MODEL_STAGE_1_ONLY,
    SMMUV3_MODEL_STAGE_2_ONLY,
    SMMUV3_MODEL_4K_ONLY,
    SMMUV3_MODEL_NO_4K,        /* granules of 16 and 64 KiB */
    SMMUV3_MODEL_SMALL_QUEUES, /* of two commands, and two events */
    SMMUV3_MODEL_VARIANTS,
};
struct smmuv3_model_parameters smmuv3_model_variant(enum smmuv3_model_variant variant);

/* The variant's name, for people. */
const char *smmuv3_model_variant_name(enum smmuv3_model_variant variant);

/* ------------------------------------------------------------------ what the unit sits in */

/* Why the unit accesses memory: the environment may treat kinds differently. */
enum smmuv3_model_access_kind {
    SMMUV3_MODEL_FETCH_L1STD,
    SMMUV3_MODEL_FETCH_STE,
    SMMUV3_MODEL_FETCH_L1CD,
    SMMUV3_MODEL_FETCH_CD,
    SMMUV3_MODEL_FETCH_TABLE,  /* translation table descriptor */
    SMMUV3_MODEL_UPDATE_TABLE, /* access flag or dirty state of one, atomically */
    SMMUV3_MODEL_FETCH_COMMAND,
    SMMUV3_MODEL_WRITE_EVENT,
    SMMUV3_MODEL_WRITE_PRI,
    SMMUV3_MODEL_WRITE_MSI,
    SMMUV3_MODEL_CLIENT, /* the device's own access, translated */
    SMMUV3_MODEL_AUDIT,  /* smmuv3_model_reach looks; the hardware would not */
    SMMUV3_MODEL_ACCESS_KINDS,
};

/* The interrupt lines; all are edges. */
enum smmuv3_model_line {
    SMMUV3_MODEL_LINE_EVENTQ,
    SMMUV3_MODEL_LINE_CMD_SYNC,
    SMMUV3_MODEL_LINE_GERROR,
    SMMUV3_MODEL_LINE_PRIQ,
    SMMUV3_MODEL_LINES,
};

/*
 * Physical memory and interrupts, as functions of the caller. `read` and `write` answer false
 * for an external abort. Structures are read in 64-bit words, one call each, lowest first, so
 * that a store buffer in between may change memory from word to word; client accesses come in
 * pieces that do not cross a translation. All of memory is little-endian. `interrupt` may be
 * null; it is called after what it announces can be observed.
 *
 * `update` writes `desired` over a 64-bit word if it holds `expected`, as one atomic access, and
 * tells in `seen` what it held. Null means: by one read and one write, with nothing in between.
 */
struct smmuv3_model_environment {
    void *context;
    bool (*read)(void *context, enum smmuv3_model_access_kind kind, uint64_t address, void *data,
                 size_t size);
    bool (*write)(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                  const void *data, size_t size);
    void (*interrupt)(void *context, enum smmuv3_model_line line);
    bool (*update)(void *context, enum smmuv3_model_access_kind kind, uint64_t address,
                   uint64_t expected, uint64_t desired, uint64_t *seen);
};

/* ------------------------------------------------------------------ life */

/* Create an instance, as after reset, its caches empty. Both arguments are copied. */
struct smmuv3_model *smmuv3_model_create(const struct smmuv3_model_parameters *parameters,
                                         const struct smmuv3_model_environment *environment);

/*
 * A new instance in the same state, caches, queues' registers, lateness and lists included, that
 * sits in `environment`; null means the same one. The two share nothing afterwards.
 */
struct smmuv3_model *smmuv3_model_copy(const struct smmuv3_model *model,
                                       const struct smmuv3_model_environment *environment);

/* Destroy an instance; null is allowed. */
void smmuv3_model_destroy(struct smmuv3_model *model);

/*
 * Reset the unit: CR0, IRQ_CTRL, GERROR and GERRORN to 0, GBPA to its parameter, UNKNOWN
 * registers to the pattern, service failure mode left. The caches KEEP their contents, as the
 * architecture permits: software must invalidate before it sets SMMUEN. Trace, counters and
 * programming errors are kept, late settings are kept, pending late work is dropped.
 */
void smmuv3_model_reset(struct smmuv3_model *model);

/* ------------------------------------------------------------------ registers */

/*
 * Access a register of page 0 (offset 0x00000) or page 1 (offset 0x10000). A 64-bit register
 * takes one 64-bit access or two 32-bit ones. An access of the wrong size or alignment, and a
 * 64-bit access to 32-bit registers, is RAZ/WI and a programming error. Undefined locations and
 * the page-0 offsets of page-1 registers are RAZ/WI.
 */
uint32_t smmuv3_model_read32(struct smmuv3_model *model, uint32_t offset);
uint64_t smmuv3_model_read64(struct smmuv3_model *model, uint32_t offset);
void smmuv3_model_write32(struct smmuv3_model *model, uint32_t offset, uint32_t value);
void smmuv3_model_write64(struct smmuv3_model *model, uint32_t offset, uint64_t value);

/* ------------------------------------------------------------------ devices */

enum smmuv3_model_outcome {
    SMMUV3_MODEL_OK,
    SMMUV3_MODEL_ABORT,     /* the unit terminated the transaction */
    SMMUV3_MODEL_RAZ_WI,    /* terminated, but the device is told that it succeeded (CD.A == 0) */
    SMMUV3_MODEL_STALLED,   /* it waits in the unit; `token` tells which it is */
    SMMUV3_MODEL_BUS_ABORT, /* translated, but memory refused: no event is recorded */
    SMMUV3_MODEL_NOT_MODELLED, /* needs a part of the architecture that the model lacks */
};

/* One transaction, complete: what a master presents to the unit. */
struct smmuv3_model_access {
    uint32_t stream_id;
    bool ssv; /* a SubstreamID is presented */
    uint32_t substream_id;
    uint64_t iova;
    bool write;
    bool privileged;
    bool instruction;
    bool translated; /* by ATS: the iova is what a translation completion gave */
};

/* What became of it. */
struct smmuv3_model_result {
    enum smmuv3_model_outcome outcome;
    uint64_t address;    /* outcome OK: the output address of iova */
    uint64_t ipa;        /* outcome OK, if stage 1 took part: what it gave */
    uint64_t contiguous; /* outcome OK: bytes from there under the same translation */
    bool readable, writable, executable;
    uint8_t event;            /* outcome ABORT, RAZ_WI: number of the event, 0 if it is silent */
    bool event_suppressed;    /* CD.R, S2R or RECINVSID == 0 keeps it from being recorded */
    const char *not_modelled; /* outcome NOT_MODELLED: what is missing */
    size_t done;              /* of smmuv3_model_dma: bytes transferred before it ended */
    uint64_t fault_iova;      /* of smmuv3_model_dma: the input address that ended it */
    uint64_t token;           /* outcome STALLED */
};

/*
 * A device reads into, or writes from, `buffer`. The access is cut where translations end; each
 * piece is a transaction of its own, and the first that fails ends the access with its outcome,
 * `done` telling how much went through. Caches fill, events are recorded. What a RAZ_WI outcome
 * ends reads as zero.
 */
struct smmuv3_model_result smmuv3_model_dma(struct smmuv3_model *model, uint32_t stream_id,
                                            uint64_t iova, void *buffer, size_t length,
                                            bool is_write);

/* The same with a SubstreamID; its stream, substream, direction and attributes are `access`'s. */
struct smmuv3_model_result smmuv3_model_dma_as(struct smmuv3_model *model,
                                               const struct smmuv3_model_access *access,
                                               void *buffer, size_t length);

/* One transaction with all its attributes, translated as smmuv3_model_dma does, not performed. */
struct smmuv3_model_result smmuv3_model_transact(struct smmuv3_model *model,
                                                 const struct smmuv3_model_access *access);

/*
 * What smmuv3_model_transact would answer now, without a trace: nothing is cached, no event is
 * recorded, no injected abort is used up.
 */
struct smmuv3_model_result smmuv3_model_translate(struct smmuv3_model *model,
                                                  const struct smmuv3_model_access *access);

/* ------------------------------------------------------------------ stalls */

/*
 * Whether a stalled access has ended. If so its token is spent, `result` says how it ended as the
 * call that began it would have, and `buffer`, if not null, receives what a read transferred. What
 * was to be written was taken over when the access began.
 */
bool smmuv3_model_stall_ended(struct smmuv3_model *model, uint64_t token, void *buffer,
                              struct smmuv3_model_result *result);

/* Whether it still waits; false also for a token that is unknown or spent. */
bool smmuv3_model_stall_waits(const struct smmuv3_model *model, uint64_t token);

/* `ended` is called whenever a stalled access has ended; null ends that. */
void smmuv3_model_on_stall_end(struct smmuv3_model *model,
                               void (*ended)(void *context, uint64_t token), void *context);

/* Accesses that wait in the unit, and those of them that an event record told of. */
unsigned smmuv3_model_stalls(const struct smmuv3_model *model);
unsigned smmuv3_model_stalls_recorded(const struct smmuv3_model *model);

/*
 * Retry a stalled access of one's own accord, as the unit may at any moment (3.12.2.2); its STAG
 * stays in use until a command acknowledges it. Answers whether it no longer waits.
 */
bool smmuv3_model_early_retry(struct smmuv3_model *model, uint64_t token);

/* ------------------------------------------------------------------ lateness */

/* What may happen late. */
enum smmuv3_model_late {
    SMMUV3_MODEL_LATE_CR0ACK,      /* CR0 takes effect and is acknowledged */
    SMMUV3_MODEL_LATE_GBPA,        /* GBPA takes effect, Update falls */
    SMMUV3_MODEL_LATE_IRQ_CTRLACK, /* IRQ_CTRL takes effect and is acknowledged */
    SMMUV3_MODEL_LATE_COMMANDS,    /* a command other than CMD_SYNC is consumed */
    SMMUV3_MODEL_LATE_SYNC,        /* a CMD_SYNC completes */
    SMMUV3_MODEL_LATE_STALLED,     /* a resumed or terminated stall goes on or ends */
    SMMUV3_MODEL_LATE_ATC_TIMEOUT, /* unanswered ATS invalidations fail the CMD_SYNC that waits
                                      for them; SMMUV3_MODEL_NEVER after creation */
    SMMUV3_MODEL_LATES,
};

#define SMMUV3_MODEL_NEVER (~0u)

/*
 * From now on, `what` takes place only after `reads` further register reads (each command waits
 * for that many of its own), with SMMUV3_MODEL_NEVER not before a step or a release. 0, the
 * state after creation, is prompt: within the register write that causes it.
 */
void smmuv3_model_set_late(struct smmuv3_model *model, enum smmuv3_model_late what, unsigned reads);

/* Let one pending `what` take place now. Answers whether there was one. */
bool smmuv3_model_step(struct smmuv3_model *model, enum smmuv3_model_late what);

/* Make `what` prompt again and let all that is pending take place. */
void smmuv3_model_release(struct smmuv3_model *model, enum smmuv3_model_late what);

/* ------------------------------------------------------------------ injection */

/* The bits of GERROR, by number. */
enum smmuv3_model_gerror {
    SMMUV3_MODEL_CMDQ_ERR = 0,
    SMMUV3_MODEL_EVENTQ_ABT_ERR = 2,
    SMMUV3_MODEL_PRIQ_ABT_ERR = 3,
    SMMUV3_MODEL_MSI_CMDQ_ABT_ERR = 4,
    SMMUV3_MODEL_MSI_EVENTQ_ABT_ERR = 5,
    SMMUV3_MODEL_MSI_PRIQ_ABT_ERR = 6,
    SMMUV3_MODEL_MSI_GERROR_ABT_ERR = 7,
    SMMUV3_MODEL_SFM_ERR = 8,
};

/* CMDQ_CONS.ERR. */
enum smmuv3_model_cerror {
    SMMUV3_MODEL_CERROR_NONE = 0,
    SMMUV3_MODEL_CERROR_ILL = 1,
    SMMUV3_MODEL_CERROR_ABT = 2,
    SMMUV3_MODEL_CERROR_ATC_INV_SYNC = 3,
};

/*
 * Activate a global error as if its cause had arisen; nothing happens if it is active already.
 * `bit` may be any bit, one that the architecture does not define too. SFM_ERR enters service
 * failure mode: transactions abort, commands and events stop until reset.
 */
void smmuv3_model_raise_gerror(struct smmuv3_model *model, unsigned bit);

/* The next `count` memory accesses of this kind are answered with an external abort. */
void smmuv3_model_abort_next(struct smmuv3_model *model, enum smmuv3_model_access_kind kind,
                             unsigned count);

/* The next `count` CMD_SYNCs complete without their interrupt or MSI. */
void smmuv3_model_drop_sync_signals(struct smmuv3_model *model, unsigned count);

/* The next CMD_SYNC fails with CERROR_ATC_INV_SYNC, as after an ATS timeout. */
void smmuv3_model_fail_next_sync(struct smmuv3_model *model);

/*
 * Fetch speculatively, as hardware may at any moment: the STE of the stream and, if it has
 * stage 2, the translation of `iova`. Nothing is recorded.
 */
void smmuv3_model_prefetch(struct smmuv3_model *model, uint32_t stream_id, uint64_t iova);

/* Evict everything from all caches, as hardware may at any moment. */
void smmuv3_model_evict(struct smmuv3_model *model);

/* ------------------------------------------------------------------ freedom */

/* What the architecture leaves open, moment by moment. Of each, 0 is what happens without. */
enum smmuv3_model_choice {
    SMMUV3_MODEL_CHOOSE_WORD,       /* of an STE or CD: which of the words left comes next */
    SMMUV3_MODEL_CHOOSE_REFETCH,    /* 1: a cached STE or CD is fetched again, at least in part */
    SMMUV3_MODEL_CHOOSE_KEEP_WORD,  /* in that: 0 the old word is kept, 1 it is read */
    SMMUV3_MODEL_CHOOSE_FILL,       /* 1: what was fetched is not cached */
    SMMUV3_MODEL_CHOOSE_EVICT,      /* before a transaction: nothing, all, one of a kind */
    SMMUV3_MODEL_CHOOSE_EVICTED,    /* in that: which one */
    SMMUV3_MODEL_CHOOSE_SPECULATE,  /* before it too: nothing, a stream, a substream, a page */
    SMMUV3_MODEL_CHOOSE_AHEAD,      /* in that: which one nearby */
    SMMUV3_MODEL_CHOOSE_GROUP,      /* 1: a contiguous group is cached as the one leaf only */
    SMMUV3_MODEL_CHOOSE_HIT,        /* with BBML 2: which of several matching leaves */
    SMMUV3_MODEL_CHOOSE_PENDING,    /* 1: CR0 or GBPA counts before its acknowledge */
    SMMUV3_MODEL_CHOOSE_INVALIDATE, /* 1: an invalidation takes effect when it is consumed */
    SMMUV3_MODEL_CHOOSE_DUPLICATE,  /* 1: a stall like one that waits gives no event of its own */
    SMMUV3_MODEL_CHOOSE_EARLY,      /* 1: a stall to be terminated is retried first */
    SMMUV3_MODEL_CHOOSE_TERM,       /* 1: CMD_STALL_TERM terminates though its stream is open */
    SMMUV3_MODEL_CHOOSE_SPAN,       /* 1: an ATS answer covers 4 KiB, whatever the entry does */
    SMMUV3_MODEL_CHOOSE_GRANT,      /* 1: an ATS request with NW is not granted to write */
    SMMUV3_MODEL_CHOOSE_TRUNCATE,   /* 1: translated addresses are cut to the output size */
    SMMUV3_MODEL_CHOICES,
};

/*
 * From now on each of these is asked of `choose`, which answers a number below `of`; null takes it
 * away. It is not asked by what leaves no trace. A search answers 0 until it has something else to
 * try; a seeded scheduler answers by chance. It must not call into the instance.
 *
 * Memory may change, registers may be written and commands consumed while a function of the
 * environment runs, word by word of what the unit fetches: a CMD_SYNC, and the acknowledge of a
 * write to CR0 or GBPA, then wait for the transactions under way, as the architecture has it.
 */
void smmuv3_model_set_chooser(struct smmuv3_model *model,
                              unsigned (*choose)(void *context, enum smmuv3_model_choice what,
                                                 unsigned of),
                              void *context);

/* What is chosen, for people. */
const char *smmuv3_model_choice_name(enum smmuv3_model_choice what);

/* ------------------------------------------------------------------ what software did */

/* Kinds of programming errors, as a mask. */
enum smmuv3_model_error_kind {
    SMMUV3_MODEL_ERROR_SIZE = 1,     /* size or alignment of a register access */
    SMMUV3_MODEL_ERROR_STATE = 2,    /* not allowed in the state the unit is in: ignored */
    SMMUV3_MODEL_ERROR_VALUE = 4,    /* a value that the architecture does not allow */
    SMMUV3_MODEL_ERROR_RESERVED = 8, /* a reserved field or location written with non-zero */
    SMMUV3_MODEL_ERROR_ORDER = 16,   /* enabled before something that it needs was done */
    SMMUV3_MODEL_ERROR_ALL = 31,
};

struct smmuv3_model_error {
    enum smmuv3_model_error_kind kind;
    const char *subject; /* register or structure */
    const char *text;
    uint64_t value; /* what was written or found */
};

/* How many programming errors of the kinds in `mask` there were since creation. */
unsigned smmuv3_model_error_count(const struct smmuv3_model *model, unsigned mask);

/* The n-th error of those kinds, oldest first; null past the end. The first 64 are kept. */
const struct smmuv3_model_error *smmuv3_model_error_at(const struct smmuv3_model *model,
                                                       unsigned mask, unsigned n);

/*
 * One command as the unit consumed it, with all that it means. A field that the command does not
 * have is 0. `sequence` counts commands from 0 over the life of the instance.
 */
struct smmuv3_model_command {
    uint64_t sequence;
    uint64_t raw[2];
    uint8_t opcode;
    const char *name; /* the manual's, or "reserved" */
    bool illegal;     /* answered with CERROR_ILL, not consumed */
    uint32_t stream_id;
    unsigned range; /* CMD_CFGI_STE_RANGE: 2^(range + 1) streams */
    bool ssv;
    uint32_t substream_id;
    bool leaf;
    uint16_t vmid;
    uint16_t asid;
    uint64_t address;       /* first byte */
    uint64_t size;          /* bytes covered; 0: the one address, whatever holds it */
    unsigned granule;       /* 12, 14 or 16 as TG says, 0 if it does not */
    unsigned ttl;           /* level hint, 0 if none */
    unsigned cs;            /* CMD_SYNC: completion signal */
    bool global;            /* CMD_ATC_INV */
    unsigned log2_size;     /* CMD_ATC_INV: bytes covered from `address`; 64: everything */
    unsigned prg_index;     /* CMD_PRI_RESP */
    unsigned page_response; /* CMD_PRI_RESP: 0 failure, 1 invalid, 2 success */
    uint16_t stag;          /* CMD_RESUME */
    bool retry, abort;      /* CMD_RESUME: Ac, Ab */
    uint64_t msi_address;
    uint32_t msi_data;
};

/* Number of commands consumed, and those found illegal, since creation. */
uint64_t smmuv3_model_command_total(const struct smmuv3_model *model);

/* Number of commands consumed with this opcode. */
uint64_t smmuv3_model_command_count(const struct smmuv3_model *model, uint8_t opcode);

/* The command of this sequence number; null if it is not there yet or no longer kept. */
const struct smmuv3_model_command *smmuv3_model_command_at(const struct smmuv3_model *model,
                                                           uint64_t sequence);

/* Whether CMD_TLBI_* or CMD_CFGI_* were consumed whose completion no CMD_SYNC has ensured. */
bool smmuv3_model_invalidation_pending(const struct smmuv3_model *model);

/* ------------------------------------------------------------------ what the unit holds */

/* Entries in the caches, for tests of the model itself and for statistics. */
struct smmuv3_model_cached {
    unsigned l1stds, stes, l1cds, cds, leaves, tables;
};
struct smmuv3_model_cached smmuv3_model_cached(const struct smmuv3_model *model);

/*
 * Counts the occasions at which the caches dropped something, by a command or of the unit's own
 * accord. While it stays the same, all that was cached still is.
 */
uint64_t smmuv3_model_dropped(const struct smmuv3_model *model);

/* Events recorded, and discarded because the queue could not be written, since creation. */
uint64_t smmuv3_model_events_recorded(const struct smmuv3_model *model);
uint64_t smmuv3_model_events_lost(const struct smmuv3_model *model);

/* An event record, decoded. A field that the event does not have is 0. */
struct smmuv3_model_event {
    uint8_t number;
    const char *name;
    bool ssv;
    uint32_t substream_id;
    uint32_t stream_id;
    uint16_t stag;
    bool stall;
    bool pnu, ind, rnw;
    bool s2;
    unsigned class_; /* 0 CD, 1 TTD, 2 IN */
    bool ttrnw;      /* of a permission fault on a stage-1 descriptor: it was read */
    uint64_t input_address;
    uint64_t ipa;
    uint64_t fetch_address;
};

/* Decode the 32 bytes of a record. */
struct smmuv3_model_event smmuv3_model_decode_event(const uint64_t record[4]);

/* ------------------------------------------------------------------ audit */

/*
 * Where a piece of reach comes from. What caches hold is reported as such even where memory says
 * the same, but for cached structures and tables that equal those in memory.
 */
enum smmuv3_model_reach_source {
    SMMUV3_MODEL_REACH_MEMORY, /* registers and tables as they stand */
    SMMUV3_MODEL_REACH_CACHE,  /* something cached takes part in it */
    SMMUV3_MODEL_REACH_DEVICE, /* the device's own cache holds it, and may use it (ATS) */
};

/* A range that an access of the stream reaches, with this SubstreamID or, SSV clear, without. */
struct smmuv3_model_reach {
    uint32_t stream_id;
    bool ssv;
    uint32_t substream_id;
    uint64_t iova;
    uint64_t address;
    uint64_t size;
    bool readable, writable, executable; /* by anyone, privileged or not */
    enum smmuv3_model_reach_source source;
};

/*
 * Enumerate what the stream can reach now, without a SubstreamID and with every one: through
 * registers, stream table, CD tables and translation tables as memory holds them, and through
 * whatever the caches still hold, in every combination that a lookup could take; while a write to
 * CR0 or GBPA awaits its acknowledge, by the old value and by the new. Neighbouring pieces of
 * equal kind are joined; `piece` is called once for each. Answers false if something on the way is
 * not modelled, so that the list may lack it. It changes nothing and reads memory as
 * SMMUV3_MODEL_AUDIT.
 */
bool smmuv3_model_reach(struct smmuv3_model *model, uint32_t stream_id,
                        void (*piece)(void *context, const struct smmuv3_model_reach *piece),
                        void *context);

/* What the unit reads on a stream's behalf. */
enum smmuv3_model_structure_kind {
    SMMUV3_MODEL_STRUCTURE_L1STD,
    SMMUV3_MODEL_STRUCTURE_STE,
    SMMUV3_MODEL_STRUCTURE_L1CD,
    SMMUV3_MODEL_STRUCTURE_CD,
    SMMUV3_MODEL_STRUCTURE_STAGE1_TABLE,
    SMMUV3_MODEL_STRUCTURE_STAGE2_TABLE,
};

/* A range of physical memory that holds one. Tables come once, as whole as memory has them. */
struct smmuv3_model_structure {
    uint32_t stream_id;
    enum smmuv3_model_structure_kind kind;
    uint64_t address;
    uint64_t size;
};

/*
 * Enumerate the memory that smmuv3_model_reach depends on for this stream: a store elsewhere does
 * not change what the stream can reach. The same range may come more than once. Answers as
 * smmuv3_model_reach does.
 */
bool smmuv3_model_structures(struct smmuv3_model *model, uint32_t stream_id,
                             void (*structure)(void *context,
                                               const struct smmuv3_model_structure *structure),
                             void *context);

/* Which root of which stage a tag names. */
struct smmuv3_model_root {
    uint32_t stream_id; /* of smmuv3_model_roots */
    unsigned stage;
    bool el2;      /* stage 1 of an EL2 regime: no VMID */
    bool has_asid; /* stage 1, but for EL2 without E2H */
    uint16_t vmid;
    uint16_t asid;
    uint64_t root; /* stage 2: S2TTB; stage 1: TTB0 or TTB1 as the CD has it, an IPA over stage 2 */
    enum smmuv3_model_reach_source source;
};

/*
 * Enumerate the pairs of tag and root that the stream's accesses could use now, by STEs and CDs in
 * memory and in caches; and those by which what the TLB holds was made, whichever stream did.
 */
bool smmuv3_model_roots(struct smmuv3_model *model, uint32_t stream_id,
                        void (*root)(void *context, const struct smmuv3_model_root *root),
                        void *context);
void smmuv3_model_tlb_roots(const struct smmuv3_model *model,
                            void (*root)(void *context, const struct smmuv3_model_root *root),
                            void *context);

#endif
