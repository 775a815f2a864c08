/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the SMMUv3 model: its state, and what its files offer each other. Each file is one
 * concept; the functions are grouped by file below. Users include smmuv3_model.h only.
 */
#ifndef SMMUV3_MODEL_INTERNAL_H
#define SMMUV3_MODEL_INTERNAL_H

#include "internal_requests.h"
#include "layout.h"
#include "smmuv3_model.h"

enum {
    ERRORS_KEPT = 64,
    TRACE_DEFAULT = 1024,
    LAST_LEVEL = 3,
};

/* Encodings. Confirmed: S1Fmt, STALL_MODEL, TTENDIAN, HTTU, TTF: FreeBSD */
enum {
    STALL_TERMINATE_ONLY = 1,
    STALL_FORCED = 2,
    S1FMT_2LEVEL_4K = 1,
    S1FMT_2LEVEL_64K = 2,
    TTF_AARCH32 = FIELD(0, 0),
    TTF_AARCH64 = FIELD(1, 1),
    TTENDIAN_LITTLE = 2,
    TTENDIAN_BIG = 3,
    HTTU_NONE = 0,
    HTTU_ACCESS = 1,
};

/* Registers of the two pages, in the order of the manual's map. */
enum model_register {
    IDR0,
    IDR1,
    IDR2,
    IDR3,
    IDR4,
    IDR5,
    IIDR,
    AIDR,
    CR0,
    CR0ACK,
    CR1,
    CR2,
    STATUSR,
    GBPA,
    IRQ_CTRL,
    IRQ_CTRLACK,
    GERROR,
    GERRORN,
    GERROR_IRQ_CFG0,
    GERROR_IRQ_CFG1,
    GERROR_IRQ_CFG2,
    STRTAB_BASE,
    STRTAB_BASE_CFG,
    CMDQ_BASE,
    CMDQ_PROD,
    CMDQ_CONS,
    EVENTQ_BASE,
    EVENTQ_IRQ_CFG0,
    EVENTQ_IRQ_CFG1,
    EVENTQ_IRQ_CFG2,
    EVENTQ_PROD,
    EVENTQ_CONS,
    PRIQ_BASE,
    PRIQ_IRQ_CFG0,
    PRIQ_IRQ_CFG1,
    PRIQ_IRQ_CFG2,
    PRIQ_PROD,
    PRIQ_CONS,
    REGISTERS,
};

/* A cached level-1 descriptor covers 2^split streams from `first`. */
struct cached_l1std {
    uint32_t first;
    unsigned split;
    uint64_t word;
    uint64_t stamp;
};

struct cached_ste {
    uint32_t stream_id;
    uint64_t words[STE_WORDS];
    uint64_t fetched;
    uint64_t stamp;
};

/* A level-1 CD descriptor covers 2^split entries of the stream's CD table from `first`. */
struct cached_l1cd {
    uint32_t stream_id;
    uint32_t first;
    unsigned split;
    uint64_t word;
    uint64_t fetched;
    uint64_t stamp;
};

/* A CD by its StreamID and its index in the table; a single CD has index 0. */
struct cached_cd {
    uint32_t stream_id;
    uint32_t index;
    uint64_t words[CD_WORDS];
    uint64_t fetched;
    uint64_t l1cd_stamp; /* the older of `fetched` and of the L1CD that led here */
    uint64_t stamp;      /* the oldest on the way, the STE included */
};

/* Whose translations an entry belongs to (3.17). */
enum tlb_regime {
    REGIME_NS_EL1_IPA, /* stage 2 only: by VMID and IPA */
    REGIME_NS_EL1_VA,  /* stage 1, or both stages in one: by VMID, ASID and VA */
    REGIME_NS_EL2,
    REGIME_NS_EL2_E2H,
};

/* What one stage allows, by privilege. */
enum right {
    RIGHT_READ = 1,
    RIGHT_WRITE = 2,
    RIGHT_EXECUTE = 4,
    RIGHT_ALL = 7,
};
struct rights {
    uint8_t user, privileged;
    bool clean; /* a write must first mark the descriptor dirty */
};

/*
 * A TLB entry: a leaf translates its range to `output`; a table entry is a walk-cache entry, the
 * table descriptor of `level` for its range, whose next table is at `output`. Where stage 1 and
 * stage 2 went into one entry, `ipa` is what lies between. `span` is what the descriptor covers,
 * which may be more than the entry does: the other stage may have splintered it, or less, if the
 * entry covers a contiguous group.
 */
struct tlb_entry {
    enum tlb_regime regime;
    bool table;
    bool nested; /* both stages in one */
    uint16_t vmid;
    uint16_t asid;
    bool global;
    bool aset;
    unsigned granule; /* log2 */
    unsigned level;
    unsigned log2_size;
    unsigned span; /* log2; 0 means log2_size */
    uint64_t input;
    uint64_t ipa;
    uint64_t output;
    struct rights s1, s2;
    bool device;      /* stage 2: Device memory */
    unsigned inherit; /* stage-1 table: enum hierarchical, from here down */
    uint64_t root;    /* of the first stage that took part, */
    uint64_t s2_root; /* and of stage 2 if both did */
    uint64_t order;   /* of insertion */
    uint64_t fetched;
    uint64_t stamp;    /* the oldest on the way, of stage 1 if that took part */
    uint64_t s2_stamp; /* the oldest of stage 2 on the way */
};

/* Chains of array elements by hash, so that a lookup need not visit all of them. */
struct model_index {
    uint32_t *heads, *next; /* element + 1; 0 ends a chain */
    unsigned log2_heads;
    unsigned room;
};

enum { TLB_SIZES = 64 };

/*
 * Every fetch into a cache and every invalidation gets a stamp when it happens. An invalidation
 * removes what is older than itself. `fetched` is when an entry's own structure was read; `stamp`
 * is the age of the oldest cached structure that it was derived from: an invalidation that covers
 * that one takes the entry with it, one that covers only the entry itself goes by `fetched`.
 */
struct model_caches {
    uint64_t now;
    struct cached_l1std *l1stds;
    unsigned l1std_count, l1std_room;
    struct cached_ste *stes;
    unsigned ste_count, ste_room;
    struct cached_l1cd *l1cds;
    unsigned l1cd_count, l1cd_room;
    struct cached_cd *cds;
    unsigned cd_count, cd_room;
    struct tlb_entry *tlb;
    unsigned tlb_count, tlb_room;
    uint64_t tlb_order;
    uint64_t dropped; /* how often entries went, for whatever reason */
    struct model_index ste_index, cd_index, tlb_index;
    unsigned tlb_sizes[TLB_SIZES]; /* entries by log2_size, as they were inserted */
};

/* An invalidation that was consumed and waits for its CMD_SYNC. */
struct pending_invalidation {
    struct smmuv3_model_command command;
    bool e2h;
    uint64_t stamp;
};

/* Whole caches, as masks of `asked` and `invalidated`. */
enum whole_cache {
    WHOLE_CONFIG = 1,
    WHOLE_TLB_NH = 2,
    WHOLE_TLB_EL2 = 4,
};

/* Something late: how many reads it takes, and how many are left for what is pending. */
struct model_lateness {
    unsigned reads;
    unsigned left;
    bool pending;
};

struct smmuv3_model {
    struct smmuv3_model_parameters p;
    struct smmuv3_model_environment environment;

    uint64_t reg[REGISTERS];
    bool written[REGISTERS]; /* since reset */
    uint64_t gbpa_effective;
    bool service_failure;
    bool consuming;           /* a command is being executed */
    bool cmdq_stuck;          /* CMDQ_PROD was moved against the rules */
    bool eventq_inconsistent; /* EVENTQ_CONS was */
    bool priq_inconsistent;   /* PRIQ_CONS was */
    unsigned asked;           /* whole caches whose invalidation was consumed, */
    unsigned invalidated;     /* and those where a CMD_SYNC completed it, since reset */

    struct model_caches caches;
    struct model_stalls stalls;
    struct model_pcie pcie;
    struct pending_invalidation *pending;
    unsigned pending_count, pending_room;
    bool unsynced; /* an invalidation was consumed, no CMD_SYNC since */

    unsigned (*choose)(void *context, enum smmuv3_model_choice what, unsigned of);
    void *choose_context;
    bool speculating;

    unsigned in_flight; /* transactions under way, the memory accesses of which may call back */
    bool held;          /* something waits for them */

    struct model_lateness late[SMMUV3_MODEL_LATES];
    unsigned abort_next[SMMUV3_MODEL_ACCESS_KINDS];
    unsigned drop_sync_signals;
    bool fail_next_sync;

    struct smmuv3_model_error errors[ERRORS_KEPT];
    unsigned error_count;
    unsigned error_counts[8]; /* by kind, log2 */

    struct smmuv3_model_command *trace;
    uint64_t trace_total;
    uint64_t opcode_count[256];
    uint64_t events_recorded;
    uint64_t events_lost;
    uint64_t page_requests_recorded;
    uint64_t page_requests_lost;
};

/* The shape of the translation tables of one stage. */
struct tables {
    unsigned granule; /* log2 of its bytes */
    unsigned start_level;
    unsigned input_bits;
    unsigned output_bits;
    uint64_t ttb;
};

/* The effective stage-2 configuration of a valid STE. */
struct stage2 {
    struct tables t;
    uint16_t vmid;
    bool affd;
    bool ha, hd;
    bool protected_walk; /* S2PTW */
    bool fwb;
    bool stall;
    bool record;
};

/* One half of the address space of a CD: TTB0 or TTB1. */
struct half {
    struct tables t;
    bool disabled; /* EPD: no walk */
    bool exists;   /* EL2 without E2H has no TTB1 */
    bool ignore_top_byte;
    bool flat; /* HAD: hierarchical attributes are ignored */
};

/* The effective stage-1 configuration of a valid CD, reached through a valid STE. */
struct stage1 {
    struct half half[2];
    enum tlb_regime regime;
    uint16_t vmid;
    uint16_t asid;
    bool aset;
    bool affd;
    bool ha, hd;
    bool wxn, pan;
    bool stall;
    bool record;
    bool abort; /* CD.A */
};

/* Why a transaction ends, as far as an event can say it. */
struct fault {
    uint8_t event;            /* 0: silent, or not modelled */
    bool translation_related; /* A, R, S of its stage apply: the next three */
    bool stall;
    bool record;
    bool raz_wi;
    bool stalled; /* the event says so, with this STAG */
    uint16_t stag;
    bool s2;
    unsigned class_;
    bool ttrnw;
    uint64_t ipa;
    uint64_t fetch_address;
    bool privileged, instruction; /* of the transaction, as the STE overrides them */
    const char *not_modelled;
};

/* A translation found. */
struct translation {
    uint64_t output;
    uint64_t ipa;        /* where stage 1 took part: what it gave */
    uint64_t contiguous; /* bytes left in the entry from here on */
    bool readable, writable, executable;
};

/* How a lookup behaves: a pure one leaves no trace. */
struct lookup {
    const struct smmuv3_model_access *access;
    bool pure;
};

/* One address for stage 2 to translate, and what for. */
struct stage2_request {
    uint64_t ipa;
    unsigned class_;
    bool write;
    bool instruction;
    bool privileged;
};

/* model.c: life, memory, programming errors, lateness */
void model_error(struct smmuv3_model *model, enum smmuv3_model_error_kind kind, const char *subject,
                 const char *text, uint64_t value);
bool model_injected_abort(struct smmuv3_model *model, enum smmuv3_model_access_kind kind);
bool model_read(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                void *data, size_t size);
bool model_read_words(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, bool pure,
                      uint64_t address, uint64_t *words, unsigned count);
bool model_write(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                 const void *data, size_t size);
void model_interrupt(struct smmuv3_model *model, enum smmuv3_model_line line);
void *model_must(void *memory);
__attribute__((returns_nonnull)) void *model_grow(void *array, unsigned *room, size_t element);
void *model_array_copy(const void *array, unsigned count, unsigned room, size_t element);
void model_schedule(struct smmuv3_model *model, enum smmuv3_model_late what);
void model_tick(struct smmuv3_model *model);

void model_enter(struct smmuv3_model *model);
void model_leave(struct smmuv3_model *model);

/* choice.c: the freedoms of the architecture */
unsigned model_choose(struct smmuv3_model *model, enum smmuv3_model_choice what, unsigned of);
bool model_fetch_words(struct smmuv3_model *model, enum smmuv3_model_access_kind kind,
                       uint64_t address, uint64_t *words, unsigned count, const uint64_t *old,
                       bool *kept);
void model_be_free(struct smmuv3_model *model, const struct smmuv3_model_access *access);

/* registers.c */
bool model_enabled(const struct smmuv3_model *model, unsigned cr0_field);
void model_registers_reset(struct smmuv3_model *model);
void model_cr0_update(struct smmuv3_model *model);
void model_gbpa_update(struct smmuv3_model *model);
void model_irq_ctrl_update(struct smmuv3_model *model);
uint64_t model_writable(const struct smmuv3_model *model, enum model_register reg);

/* enable.c: what must hold when a part of the unit is switched on */
void model_check_enable(struct smmuv3_model *model, uint64_t rising);
void model_check_irq_enable(struct smmuv3_model *model, uint64_t rising);

/* queue.c: circular queues (3.5.1) */
struct queue {
    uint64_t base;
    unsigned log2_size;
    unsigned log2_entry;
};
struct queue model_cmdq(const struct smmuv3_model *model);
struct queue model_eventq(const struct smmuv3_model *model);
struct queue model_priq(const struct smmuv3_model *model);
uint64_t model_queue_used(struct queue queue, uint64_t prod, uint64_t cons);
uint64_t model_queue_distance(struct queue queue, uint64_t from, uint64_t to);
uint64_t model_queue_size(struct queue queue);
uint64_t model_queue_next(struct queue queue, uint64_t index);
uint64_t model_queue_entry(struct queue queue, uint64_t index);

/* commands.c, command_format.c, command_effect.c */
void model_consider_commands(struct smmuv3_model *model);
bool model_command_waits(struct smmuv3_model *model, bool sync);
void model_consume_one(struct smmuv3_model *model);
void model_decode_command(const struct smmuv3_model *model, const uint64_t raw[2],
                          struct smmuv3_model_command *command);
const char *model_command_fault(const struct smmuv3_model *model,
                                const struct smmuv3_model_command *command);
void model_execute(struct smmuv3_model *model, const struct smmuv3_model_command *command);
void model_complete_invalidations(struct smmuv3_model *model);

/* events.c */
bool model_eventq_writable(const struct smmuv3_model *model);
void model_record_fault(struct smmuv3_model *model, const struct smmuv3_model_access *access,
                        const struct fault *fault);

/* gerror.c */
bool model_gerror_active(const struct smmuv3_model *model, unsigned field);
void model_gerror_raise(struct smmuv3_model *model, unsigned field);
void model_send_interrupt(struct smmuv3_model *model, enum smmuv3_model_line line,
                          uint64_t msi_address, uint32_t msi_data, unsigned abort_field);

/* stream_table.c, ste.c */
bool model_find_ste(struct smmuv3_model *model, const struct lookup *lookup,
                    uint64_t ste[STE_WORDS], struct fault *fault);
uint64_t model_ste_stamp(const struct smmuv3_model *model, uint32_t stream_id);
bool model_stream_in_range(const struct smmuv3_model *model, uint32_t stream_id);
bool model_two_level(const struct smmuv3_model *model);
unsigned model_split(const struct smmuv3_model *model);
uint64_t model_l1std_address(const struct smmuv3_model *model, uint32_t stream_id);
uint64_t model_linear_ste_address(const struct smmuv3_model *model, uint32_t stream_id);
bool model_l2_ste_address(const struct smmuv3_model *model, uint64_t l1std, uint32_t stream_id,
                          uint64_t *address);
const char *model_ste_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);
struct stage2 model_ste_stage2(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);
const char *model_ste_not_modelled(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);
void model_check_ste(struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);

unsigned model_ias(const struct smmuv3_model *model);
unsigned model_size_bits(const struct smmuv3_model *model, uint64_t encoded);
enum tlb_regime model_ste_regime(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);

/* cd_table.c: from SubstreamID to CD */
struct cd_table {
    uint64_t base;      /* aligned as the unit takes it */
    unsigned log2_size; /* CDs */
    unsigned split;     /* CDs in a level-2 table, as log2; 0: one level */
};
struct cd_table model_cd_table(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS]);
bool model_find_cd(struct smmuv3_model *model, const struct lookup *lookup,
                   const uint64_t ste[STE_WORDS], const struct stage2 *s2, uint32_t index,
                   uint64_t cd[CD_WORDS], struct fault *fault);
bool model_l2_cd_address(const struct cd_table *table, uint64_t l1cd, uint32_t index,
                         uint64_t *address);

/* cd.c: what a CD says */
const char *model_cd_illegal(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                             const uint64_t cd[CD_WORDS]);
const char *model_cd_not_modelled(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                                  const uint64_t cd[CD_WORDS]);
struct stage1 model_cd_stage1(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                              const uint64_t cd[CD_WORDS]);
void model_check_cd(struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                    const uint64_t cd[CD_WORDS]);

/* stage1.c: the walk, through stage 2 where there is one */
struct rights model_stage1_rights(const struct stage1 *s1, uint64_t descriptor, unsigned inherit);
unsigned model_inherited(const struct half *half, uint64_t descriptor);
const struct half *model_half_for(const struct stage1 *s1, uint64_t *va);
bool model_walk_stage1(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage1 *s1, const struct stage2 *s2,
                       struct translation *translation, struct fault *fault);

/* substream.c: which CD a transaction uses (STE.S1CDMax, S1DSS) */
enum substream {
    SUBSTREAM_CD,     /* the CD of `index` */
    SUBSTREAM_BYPASS, /* no stage 1 */
    SUBSTREAM_FAULT,
};
enum substream model_substream(const struct smmuv3_model *model, const uint64_t ste[STE_WORDS],
                               bool ssv, uint32_t substream_id, uint32_t *index, uint8_t *event);

/* tables.c: what both stages' tables have in common */
unsigned model_level_shift(const struct tables *t, unsigned level);
unsigned model_index_bits(const struct tables *t, unsigned level);
uint64_t model_descriptor_address(const struct tables *t, unsigned level, uint64_t table,
                                  uint64_t input);
bool model_is_table(unsigned level, uint64_t descriptor);
bool model_is_leaf(const struct smmuv3_model *model, const struct tables *t, unsigned level,
                   uint64_t descriptor);
uint64_t model_output(const struct smmuv3_model *model, const struct tables *t, unsigned log2,
                      uint64_t descriptor);
unsigned model_leaf_log2(const struct smmuv3_model *model, const struct tables *t, unsigned level,
                         uint64_t input, uint64_t descriptor);
bool model_allows(const struct rights *rights, bool privileged, bool write, bool instruction);

/* httu.c: hardware updates of descriptors */
enum update {
    UPDATE_DONE,
    UPDATE_CHANGED, /* the descriptor is not what it was: walk again */
    UPDATE_ABORTED,
};
enum update model_update_descriptor(struct smmuv3_model *model, uint64_t address, uint64_t expected,
                                    uint64_t desired);

/* stage2.c: the walk */
bool model_stage2_executable(const struct smmuv3_model *model, unsigned xn, bool privileged);
struct rights model_stage2_rights(const struct smmuv3_model *model, const struct stage2 *s2,
                                  uint64_t descriptor);
bool model_stage2_device(const struct stage2 *s2, uint64_t descriptor);
bool model_walk_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage2 *s2, const struct stage2_request *request,
                       struct tlb_entry *leaf, struct fault *fault);

/* index.c */
uint64_t model_hash(uint64_t a, uint64_t b);
void model_index_clear(struct model_index *index);
bool model_index_full(const struct model_index *index, unsigned element);
void model_index_resize(struct model_index *index, unsigned room);
void model_index_remove(struct model_index *index, uint64_t hash, unsigned element);
void model_index_add(struct model_index *index, uint64_t hash, unsigned element);
bool model_index_first(const struct model_index *index, uint64_t hash, unsigned *element);
bool model_index_next(const struct model_index *index, unsigned *element);
void model_index_free(struct model_index *index);
void model_index_copy(struct model_index *index);

/* config_cache.c, tlb.c */
const struct cached_ste *model_cached_ste(const struct smmuv3_model *model, uint32_t stream_id);
const struct cached_l1std *model_cached_l1std(const struct smmuv3_model *model, uint32_t stream_id);
const struct cached_cd *model_cached_cd(const struct smmuv3_model *model, uint32_t stream_id,
                                        uint32_t index);
const struct cached_l1cd *model_cached_l1cd(const struct smmuv3_model *model, uint32_t stream_id,
                                            uint32_t index);
void model_cache_ste(struct smmuv3_model *model, const struct cached_ste *entry);
void model_cache_l1std(struct smmuv3_model *model, const struct cached_l1std *entry);
void model_cache_cd(struct smmuv3_model *model, const struct cached_cd *entry);
void model_cache_l1cd(struct smmuv3_model *model, const struct cached_l1cd *entry);
void model_forget_ste(struct smmuv3_model *model, unsigned at);
void model_forget_cd(struct smmuv3_model *model, unsigned at);
void model_forget_descriptor(struct smmuv3_model *model, unsigned at);
void model_invalidate_config(struct smmuv3_model *model,
                             const struct pending_invalidation *invalidation);

/* What a TLB lookup presents. */
struct tlb_key {
    enum tlb_regime regime;
    uint16_t vmid;
    uint16_t asid;
    bool aset;
    uint64_t input;
};
unsigned model_tlb_leaves(const struct smmuv3_model *model, const struct tlb_key *key,
                          const struct tlb_entry **found);
const struct tlb_entry *model_tlb_hit(struct smmuv3_model *model, const struct tlb_key *key,
                                      unsigned *hits);
const struct tlb_entry *model_tlb_table(const struct smmuv3_model *model, const struct tlb_key *key,
                                        unsigned granule, unsigned level);
bool model_tlb_matches(const struct smmuv3_model *model, const struct tlb_key *key,
                       const struct tlb_entry *entry);
void model_tlb_insert(struct smmuv3_model *model, const struct tlb_entry *entry);
void model_tlb_forget(struct smmuv3_model *model, const struct tlb_entry *entry);
void model_tlb_evict(struct smmuv3_model *model);
void model_invalidate_tlb(struct smmuv3_model *model,
                          const struct pending_invalidation *invalidation);

/* translate.c */
struct smmuv3_model_result model_transaction(struct smmuv3_model *model,
                                             const struct lookup *lookup, struct fault *fault);
uint64_t model_in_effect(struct smmuv3_model *model, const struct lookup *lookup, uint64_t old,
                         uint64_t new, unsigned field);
struct smmuv3_model_result model_abort_with(struct smmuv3_model *model, uint8_t event,
                                            struct fault *fault);
struct smmuv3_model_result model_identity(const struct smmuv3_model *model, uint64_t iova);
struct smmuv3_model_result model_stage2_only(struct smmuv3_model *model,
                                             const struct lookup *lookup,
                                             const uint64_t ste[STE_WORDS], struct fault *fault);

/* trace.c */
void model_trace(struct smmuv3_model *model, struct smmuv3_model_command *command);

#endif
