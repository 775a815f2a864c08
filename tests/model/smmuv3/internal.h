/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the SMMUv3 model: its state, and what its files offer each other. Each file is one
 * concept; the functions are grouped by file below. Users include smmuv3_model.h only.
 */
#ifndef SMMUV3_MODEL_INTERNAL_H
#define SMMUV3_MODEL_INTERNAL_H

#include "layout.h"
#include "smmuv3_model.h"

enum {
    ERRORS_KEPT = 64,
    TRACE_DEFAULT = 1024,
    LAST_LEVEL = 3,
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
    uint64_t stamp;
};

/* Whose translations an entry belongs to (3.17). Stage 1 and nested entries come with issue 3. */
enum tlb_regime {
    REGIME_NS_EL1_IPA, /* stage 2 only: by VMID and IPA */
    REGIME_NS_EL1_VA,  /* stage 1, or both stages in one: by VMID, ASID and VA */
    REGIME_NS_EL2,
    REGIME_NS_EL2_E2H,
};

/*
 * A TLB entry: a leaf translates its range to `output`; a table entry is a walk-cache entry, the
 * table descriptor of `level` for its range, whose next table is at `output`.
 */
struct tlb_entry {
    enum tlb_regime regime;
    bool table;
    uint16_t vmid;
    uint16_t asid;
    bool global;
    unsigned granule; /* log2 */
    unsigned level;
    unsigned log2_size;
    uint64_t input;
    uint64_t output;
    bool readable, writable;
    unsigned xn;
    uint64_t stamp;
};

/*
 * Every fetch into a cache and every invalidation gets a stamp when it happens. An invalidation
 * removes what is older than itself; an entry derived from a cached one inherits its age.
 */
struct model_caches {
    uint64_t now;
    struct cached_l1std *l1stds;
    unsigned l1std_count, l1std_room;
    struct cached_ste *stes;
    unsigned ste_count, ste_room;
    struct tlb_entry *tlb;
    unsigned tlb_count, tlb_room;
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
    bool cmdq_stuck;          /* CMDQ_PROD was moved against the rules */
    bool eventq_inconsistent; /* EVENTQ_CONS was */
    unsigned asked;           /* whole caches whose invalidation was consumed, */
    unsigned invalidated;     /* and those where a CMD_SYNC completed it, since reset */

    struct model_caches caches;
    struct pending_invalidation *pending;
    unsigned pending_count, pending_room;
    bool unsynced; /* an invalidation was consumed, no CMD_SYNC since */

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
};

/* The effective stage-2 configuration of a valid STE. */
struct stage2 {
    uint16_t vmid;
    unsigned granule; /* log2 of its bytes */
    unsigned start_level;
    unsigned input_bits;
    unsigned output_bits;
    uint64_t ttb;
    bool affd;
    bool stall;
    bool record;
};

/* Why a transaction ends, as far as an event can say it. */
struct fault {
    uint8_t event;            /* 0: silent, or not modelled */
    bool translation_related; /* S2R and S2S apply */
    bool s2;
    unsigned class_;
    uint64_t ipa;
    uint64_t fetch_address;
    const char *not_modelled;
};

/* A translation found. */
struct translation {
    uint64_t output;
    uint64_t contiguous; /* bytes left in the entry from here on */
    bool readable, writable, executable;
};

/* How a lookup behaves: a pure one leaves no trace. */
struct lookup {
    const struct smmuv3_model_access *access;
    bool pure;
};

/* model.c: life, memory, programming errors, lateness */
void model_error(struct smmuv3_model *model, enum smmuv3_model_error_kind kind, const char *subject,
                 const char *text, uint64_t value);
bool model_read(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                void *data, size_t size);
bool model_read_words(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, bool pure,
                      uint64_t address, uint64_t *words, unsigned count);
bool model_write(struct smmuv3_model *model, enum smmuv3_model_access_kind kind, uint64_t address,
                 const void *data, size_t size);
void model_interrupt(struct smmuv3_model *model, enum smmuv3_model_line line);
void *model_grow(void *array, unsigned *room, size_t element);
void model_schedule(struct smmuv3_model *model, enum smmuv3_model_late what);
void model_tick(struct smmuv3_model *model);

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

/* stage2.c: descriptors and the walk */
unsigned model_stage2_level_shift(const struct stage2 *s2, unsigned level);
unsigned model_stage2_index_bits(const struct stage2 *s2, unsigned level);
bool model_stage2_is_table(unsigned level, uint64_t descriptor);
bool model_stage2_is_leaf(const struct smmuv3_model *model, const struct stage2 *s2, unsigned level,
                          uint64_t descriptor);
uint64_t model_stage2_output(const struct smmuv3_model *model, const struct stage2 *s2,
                             unsigned log2, uint64_t descriptor);
bool model_stage2_executable(const struct smmuv3_model *model, unsigned xn, bool privileged);
bool model_walk_stage2(struct smmuv3_model *model, const struct lookup *lookup,
                       const struct stage2 *s2, uint64_t ipa, struct translation *translation,
                       struct fault *fault);

/* config_cache.c, tlb.c */
const struct cached_ste *model_cached_ste(const struct smmuv3_model *model, uint32_t stream_id);
const struct cached_l1std *model_cached_l1std(const struct smmuv3_model *model, uint32_t stream_id);
void model_cache_ste(struct smmuv3_model *model, const struct cached_ste *entry);
void model_cache_l1std(struct smmuv3_model *model, const struct cached_l1std *entry);
void model_invalidate_config(struct smmuv3_model *model,
                             const struct pending_invalidation *invalidation);
unsigned model_tlb_leaves(const struct smmuv3_model *model, uint16_t vmid, uint64_t ipa,
                          const struct tlb_entry **found);
const struct tlb_entry *model_tlb_table(const struct smmuv3_model *model, const struct stage2 *s2,
                                        unsigned level, uint64_t ipa);
void model_tlb_insert(struct smmuv3_model *model, const struct tlb_entry *entry);
void model_invalidate_tlb(struct smmuv3_model *model,
                          const struct pending_invalidation *invalidation);

/* translate.c */
struct smmuv3_model_result model_transaction(struct smmuv3_model *model,
                                             const struct lookup *lookup, struct fault *fault);

/* trace.c */
void model_trace(struct smmuv3_model *model, struct smmuv3_model_command *command);

#endif
