/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SMMUv3 driver share. */
#ifndef DRIVERS_IOMMU_SMMUV3_UNIT_H
#define DRIVERS_IOMMU_SMMUV3_UNIT_H

#include "drivers/iommu/iommu.h"
#include "drivers/iommu/smmuv3/commands.h"
#include "drivers/iommu/smmuv3/registers.h"
#include "lib/lock.h"

/* Streams of two-level tables are found by SPLIT bits in the second level: one PCI bus a table. */
#define STREAM_SPLIT 8
#define STREAM_BITS_LIMIT 16
#define L1_ENTRIES (1u << (STREAM_BITS_LIMIT - STREAM_SPLIT))

/* Entries that one call may need at a time; the queue holds one such batch for every CPU. */
#define BATCH_LIMIT 33
#define COMMAND_QUEUE_LOG2 9
/* The least that holds a batch with a SYNC behind each command. */
#define COMMAND_QUEUE_LOG2_LEAST 7
/* QEMU reports each 4 bytes of a blocked transfer; 4 KiB of them fit. */
#define EVENT_QUEUE_LOG2 10

/* A stream-table entry or a context descriptor, as values. */
struct entry {
    uint64_t word[ENTRY_WORDS];
};

/* What is particular to one kind of entry. */
struct entry_kind {
    /* The bits that the unit looks at in the state that the entry describes. What decides on that
     * is always among them. */
    struct entry (*used)(const struct entry *entry);
    uint64_t blocked; /* word 0 of an entry that lets nothing through, whatever the others hold */
};

struct smmuv3 {
    struct iommu *iommu;
    uint64_t base;

    struct lock lock; /* guards the command queue and GERROR */
    volatile uint64_t *commands;
    unsigned int command_log2;
    uint64_t command_mask;  /* of a position: the command's place in the queue */
    uint64_t position_mask; /* the same with the wrap bit, as registers have it */
    bool plain;             /* sees what is stored, wants one SYNC a batch, and has not failed */
    uint64_t produced;      /* commands ever put into the queue */
    uint64_t consumed;      /* of these, known to be consumed */

    const volatile uint64_t *events;
    unsigned int event_log2;
    uint32_t event_consumer; /* index with wrap bit */
    uint64_t events_read;    /* records ever taken from the queue */

    uint64_t *level1;      /* two-level: descriptors; linear: NULL */
    uint64_t stream_table; /* linear: physical base of the entries */
    unsigned int stream_bits;
    struct iommu_domain parked; /* an empty domain: where logged parked streams lead */
    uint64_t stage2;            /* stage 2: what word 2 of each translating entry has in common */
    struct pagetable parked_table;
    struct page_record parked_record;
    struct page_pool parked_pool;
    uint64_t parked_context; /* stage 1: physical address of its descriptor */
    uint16_t
        reserved_tag; /* stage 2, hitless_replace: names two roots while one takes the other's place */
    struct lock reserved_lock; /* who uses it; never waited for */
};

/*
 * Puts count <= BATCH_LIMIT commands into the queue, and with the last of a batch a SYNC. The ticket
 * names what smmuv3_wait() waits for, at most until IOMMU_DEADLINE_MICROSECONDS have passed; it is empty where the
 * unit was through at once. An illegal command is repaired as docs/architecture.md says. Any CPU; no lock
 * is held while waiting, for the unit or for room.
 */
enum iommu_result smmuv3_put(struct smmuv3 *unit, const struct command *commands, uint32_t count,
                             struct iommu_ticket *ticket, bool last);
enum iommu_result smmuv3_wait(struct iommu *iommu, const struct iommu_ticket *ticket);

/* Both, for a batch of one call. */
enum iommu_result smmuv3_issue(struct smmuv3 *unit, const struct command *commands, uint32_t count);

/* An entry that the unit may read at any moment. */
struct live_entry {
    struct smmuv3 *unit;
    const struct entry_kind *kind;
    volatile uint64_t *words;
    struct command forget; /* drops the unit's copies of the entry */
};

/*
 * The one writer of live entries (entry.c). When it returns IOMMU_OK the entry is `target` and the
 * unit holds no copy of another state. Hitless where a single word turns the state: the unit sees
 * the old state, then the new one. Else nothing passes in between. At most three SYNCs and
 * 2 * ENTRY_WORDS + 2 stores. IOMMU_SILENCED: the unit has failed; the entry lets nothing through. One
 * writer of an entry at a time.
 */
enum iommu_result smmuv3_entry_write(const struct live_entry *live, const struct entry *target);

/* A unit that failed may keep any word that it has read, and forgets nothing more: its entries only ever turn to
 * nothing, which is one word. IOMMU_SILENCED. */
enum iommu_result smmuv3_entry_give_up(const struct live_entry *live);

extern const struct entry_kind smmuv3_stream_entry, smmuv3_context_descriptor;

/* Looks at GERROR and does what each error asks for, but for the event queue's. Any time. */
void smmuv3_errors(struct smmuv3 *unit);

/* Reads the events that are there, EVENTS_PER_CALL at most, and looks whether any were lost. True: there
 * may be more. Boot CPU, in the handler. */
bool smmuv3_events(struct smmuv3 *unit);

/* struct iommu_driver, events_end */
uint64_t smmuv3_events_end(const struct iommu *iommu);

/* The devices cut off, GBPA.ABORT, SMMUEN off, and then the owners told; once. Any CPU, without the queue's lock.
 * Work: the early closer's waits. */
void smmuv3_silence(struct smmuv3 *unit, enum iommu_failure reason);

/* Writes a register and waits for its acknowledge. False: not within IOMMU_DEADLINE_MICROSECONDS. */
bool smmuv3_write_acknowledged(struct smmuv3 *unit, uint64_t reg, uint64_t acknowledge,
                               uint32_t value);

/* Stream table (stream.c). The first: boot, the unit closed; stream_count: more than the highest stream id. False:
 * *reason says why. The second and the third: once the parked domain is there, on a unit of that stage; false: no
 * memory. The others as struct iommu_driver has them. */
bool smmuv3_stream_table_start(struct smmuv3 *unit, uint32_t stream_count, const char **reason);
bool smmuv3_parked_context_start(struct smmuv3 *unit);
void smmuv3_stage2_start(struct smmuv3 *unit);
bool smmuv3_stream_prepare(struct iommu *iommu, uint32_t stream);
enum iommu_result smmuv3_stream_set(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain);
enum iommu_result smmuv3_stream_replace(struct iommu *iommu, uint32_t stream,
                                        enum iommu_stream_state state,
                                        const struct iommu_domain *from,
                                        const struct iommu_domain *to, bool *hitless);
enum iommu_result smmuv3_settle(struct iommu *iommu, uint32_t stream);

/* Invalidation (domain.c) */
enum iommu_result smmuv3_invalidate(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last);
enum iommu_result smmuv3_invalidate_domain(struct iommu *iommu, const struct iommu_domain *domain);

/* Cleans what a unit without coherent access is to read. */
static inline void smmuv3_publish(const struct smmuv3 *unit, const volatile void *pointer,
                                  uint64_t size)
{
    if (!unit->iommu->capabilities.coherent)
        cache_clean(pointer, size);
    barrier_entries();
}

#endif
