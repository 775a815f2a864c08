/* SPDX-License-Identifier: Apache-2.0 */
/* What the observer's files share. Each file is one concept; the functions stand by file. */
#ifndef TESTS_OBSERVER_INTERNAL_H
#define TESTS_OBSERVER_INTERNAL_H

#include "decode.h"
#include "machine.h"
#include "observer.h"

#define STREAMS 0x10000 /* most that a stream table has */
#define WATCHED 256     /* most streams whose entry leads to a table, or ever did */
#define TAGS 0x10000
#define FLUSHES 64

/* A piece of what a stream reaches, with a PASID or (BH_PASID_NONE) without; access is of BH_MAP_*. */
struct piece {
    uint64_t iova, address, size;
    uint32_t access, pasid;
};

struct pieces {
    unsigned int count, room;
    struct piece *item;
};

/* A translating entry as a whole: what only makes sense together. */
struct translation {
    bool valid;
    uint16_t tag;
    uint64_t root;
    bool barren; /* the root is the hypervisor's own, without entries: nothing is cached by it */
    uint64_t how[DECODE_HOW_WORDS]; /* the rest of the words that count */
};

/* All that translates among the mixtures of what has stood in an entry. */
#define MIXTURES 8

struct mixtures {
    bool blocked; /* there is one that translates nothing */
    unsigned int count;
    struct translation item[MIXTURES];
};

#define VERSIONS 48
#define SEEN 3
#define LOST 8

/* What has stood in a stream's entry: any mixture of the words of these versions may be what the unit
 * has. The last version is what stands there now. */
struct history {
    bool known;
    uint64_t address;
    unsigned int count;
    uint64_t version[VERSIONS][DECODE_STE_WORDS];
    unsigned int forgotten; /* a consumed CFGI covers those below; they go when a SYNC completes */
    /* Before the change under way; and what it has led to: one other translation, in a replace by way of a
     * reserved tag up to three. */
    struct translation old, seen[SEEN];
    unsigned int seen_count;
    uint16_t
        passed; /* a tag that stood over the barren root on the way, and is not the old one; 0: none */
    unsigned int replaces; /* calls under way that replace the stream's translation */
    bool blocked;          /* in the change under way it may have led nowhere at some moment */
    /* Tags that the entry named, until a TLBI of them that was consumed later has completed. */
    unsigned int lost_count;
    struct {
        uint16_t tag;
        uint64_t since;
    } lost[LOST];
};

struct stream {
    unsigned int unit, id;
    unsigned int index; /* its bit in the watch of pages */
    bool complete;      /* the model knows everything on the way */
    struct pieces memory, all;
    unsigned int page_count, page_room;
    uint32_t *page; /* table pages that were read for it */
    struct history history;
};

struct tag {
    uint64_t root;  /* 0: names none */
    uint64_t other; /* in a replace: the root to which the tag is moved on; 0: none */
    bool used;      /* something was reachable under it */
    bool taken;     /* handed out, and not given back */
    bool dirty;     /* the unit may hold something of it */
    uint64_t last_named;
};

struct flush {
    bool all;
    uint16_t tag;
    uint64_t since;
};

struct unit {
    bool closed;  /* was seen to let nothing bypass it: from there on it never may */
    bool enabled; /* as CR0ACK says */
    bool started; /* was enabled by the kernel: off, it has failed, and keeps what it has cached */
    bool settled; /* as CR0 was written last */
    uint64_t cr0;
    bool told_to_abort; /* GBPA.ABORT was written while it was on */
    uint64_t strtab_base, strtab_base_cfg;
    struct decoded_table table;
    struct topology_range queue[2];
    uint64_t commands; /* of the model's trace, seen so far */
    struct {
        uint64_t producer; /* CMDQ_PROD */
    } heard;
    uint64_t dropped; /* by its caches, as of the last look */
    bool torn; /* a store became visible while it fetched: what it then caches may be older */
    struct stream *stream[STREAMS];
    struct tag tag[TAGS];
    unsigned int flush_count;
    struct flush flush[FLUSHES];
};

struct pending_call {
    bool active;
    unsigned int cpu, partition;
    uint64_t number;
    uint64_t x[6];
};

struct observer {
    bool on;
    uint64_t seed, random, period, next_full;
    bool fetching, broken;
    uint64_t now; /* number of the last event */
    struct observer_counts counts;
    unsigned int watched_count;
    struct stream *watched[WATCHED];
    struct pending_call call[HOST_CPUS]; /* that each CPU is in */
    struct unit unit[UNITS];             /* last: those that the machine lacks are never touched */
};

extern struct observer observer;

/* observer.c */
bool observer_quiet(void);
uint64_t observer_random(uint64_t limit);
enum host_view observer_view(unsigned int unit);
void observer_read(unsigned int unit, uint64_t address, uint64_t *words, unsigned int count);

bool observer_unit_of(const struct iommu *iommu, unsigned int *unit);

/* heard.c: was everything told? */
void heard_reset(void);
void heard_check(void);

/* reach.c: what a stream reaches, and what that stood on */
struct stream *reach_stream(unsigned int unit, uint32_t id);
void reach_audited(unsigned int unit, uint64_t address);
void reach_compute(unsigned int unit, uint32_t id);
void reach_store(unsigned int unit, uint64_t address);
void reach_all(unsigned int unit, bool compare);
void reach_cached_part(unsigned int unit);
void reach_watched(unsigned int unit);
bool reach_is_walked(uint64_t page);
void reach_fetch(const struct stream *stream, unsigned int most);
void pieces_clear(struct pieces *pieces);
void pieces_add(struct pieces *pieces, struct piece piece);
void pieces_canonical(struct pieces *pieces);
/* The first stretch of `wanted` that `given` does not cover with all its access. */
bool pieces_lacks(const struct pieces *given, const struct pieces *wanted, struct piece *lacking);

/* entries.c: stream tables, and their entries' history */
void entries_base(unsigned int unit);
bool entries_find(unsigned int unit, uint64_t address, uint32_t *stream, uint32_t *count,
                  unsigned int *word);
uint64_t entries_address(unsigned int unit, uint32_t stream, uint64_t *level1);
bool entries_overlap(unsigned int unit, uint64_t address, uint64_t size);
void entries_adopt(unsigned int unit);
void entries_learn(struct stream *stream);
void entries_store(const struct host_store *store, unsigned int unit, uint32_t stream,
                   unsigned int word);
void entries_mixtures(const struct stream *stream, struct mixtures *mixtures);
void entries_command(unsigned int unit, const struct smmuv3_model_command *command);
void entries_quiet(struct stream *stream);
void entries_replace_begins(struct stream *stream);
/* done: the call answered OK. */
void entries_replaced(struct stream *stream, bool done, bool hitless);
struct translation entries_now(const struct stream *stream);
/* A stream whose entry the unit may read as one that leads to the context descriptor there; NULL: none. */
const struct stream *entries_context(unsigned int unit, uint64_t address);
void entries_parked(const struct stream *stream);

/* tags.c */
void tags_name(const struct stream *stream, const struct mixtures *mixtures);
void tags_lose(struct history *history, uint16_t tag);
void tags_flush(unsigned int unit, bool all, uint16_t tag);
void tags_complete(unsigned int unit);
void tags_adopt(unsigned int unit, const struct iommu *iommu);
void tags_taken(unsigned int unit, uint16_t tag);
void tags_given(unsigned int unit, uint16_t tag);
/* A change is over: the tag, which was only passed through, is clean. */
void tags_passed(const struct stream *stream, uint16_t number);
/* The root is the hypervisor's own: such a one has no entries, ever. */
bool tags_barren(uint64_t root);
/* Nothing cached was made by another root than its tag names. */
void tags_cached(unsigned int unit);
void tags_page_free(unsigned int unit, uint64_t page);

/* pages.c: pools, and whose a page is */
void pages_reset(void);
void pages_state(uint64_t base, uint64_t count, bool free);
bool pages_free(uint64_t page);
enum page_owner {
    PAGE_VISIBLE,    /* a partition's memory */
    PAGE_POOL,       /* its table pool */
    PAGE_HYPERVISOR, /* image, tables, queues */
    PAGE_REGISTERS,
    PAGE_NOBODY,
};
enum page_owner pages_owner(uint64_t address, unsigned int *partition);
const char *pages_kept(uint64_t base, uint64_t size);
const char *pages_text(uint64_t address, char *text, size_t size);

/* Whether the machine says that firmware keeps memory for the stream: it has a root of the hypervisor's. */
bool ledger_is_firmware(unsigned int unit, uint32_t stream);

/* ledger*.c: what was asked and answered */
void ledger_reset(void);
void ledger_begin(const struct pending_call *call);
void ledger_end(const struct pending_call *call, const uint64_t *x);
void ledger_release_begin(unsigned int partition);
void ledger_release_end(unsigned int partition, bool clean);
void ledger_spaces_gone(unsigned int partition);
/* The partition has its windows; it is losing them; it has lost them, and with it what others had of them. */
void ledger_joined(unsigned int partition);
void ledger_leave_begin(unsigned int partition);
void ledger_leave_end(unsigned int partition);
/* The partitions that share a window with it. */
void ledger_each_survivor(unsigned int partition, void (*look)(unsigned int partition));
/* may: also what a call under way is giving or taking. */
void ledger_allowed(unsigned int unit, uint32_t stream, bool may, struct pieces *pieces);
bool ledger_bound(unsigned int partition, uint64_t id);
bool ledger_parked(unsigned int unit, uint32_t stream);
/* The stream of the device that a call would replace the ioas of; NULL: of none. */
struct stream *ledger_replacing(const struct pending_call *call);
/* While a replace is under way: what is promised by what it is attached to, and by what it is to be. */
bool ledger_both(unsigned int unit, uint32_t stream, struct pieces *old, struct pieces *new);
bool ledger_owner(unsigned int unit, uint32_t stream, unsigned int *partition);
const char *ledger_text(unsigned int unit, uint32_t stream, char *text, size_t size);
/* What was mapped there once and is gone; 0: never. */
uint64_t ledger_past(unsigned int unit, uint32_t stream, struct piece piece);
void ledger_each_stream(unsigned int partition, void (*look)(unsigned int unit, uint32_t stream));

/* judge.c: is it allowed? */
void judge_stream(const struct stream *stream);
void judge_promise(const struct stream *stream);
void judge_transfer(unsigned int unit, uint32_t stream, uint64_t iova, uint64_t size, bool write);
void judge_disabled(unsigned int unit, const struct pieces *pieces);
void judge_page_free(const struct stream *stream, uint64_t page);

/* report.c: events, and the text of a violation */
enum invariant { I1, I3, I4, I5, I6, I11, I14, ITSELF, DEAF };

void report_reset(void);
void report_store(const struct host_store *store);
void report_command(unsigned int unit, const struct smmuv3_model_command *command);
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_call(const struct pending_call *call, const uint64_t *x);
const char *report_partition(unsigned int partition);
bool report_catch(void (*scenario)(void));
const char *report_text(void);

/* Ends the test. stream and piece: the stream and what it reaches, or NULL. what: one sentence. */
_Noreturn void report_violation(enum invariant invariant, const struct stream *stream,
                                const struct piece *piece, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

#endif
