/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An IOMMU instance as kernel/ sees it, and what a driver for one must do. Each instance has its
 * own capabilities, tags and domains; nothing is merged between instances.
 *
 * A stream is either parked or attached to one domain; there is no third state and no bypass.
 * Parked logged: every access is blocked and reported. Parked silent: blocked without a report.
 * Attached, an access that the domain blocks is reported, unless the stream was made silent.
 */
#ifndef DRIVERS_IOMMU_H
#define DRIVERS_IOMMU_H

#include "drivers/iommu/early.h"
#include "drivers/topology/topology.h"
#include "lib/lock.h"
#include "lib/pagetable.h"
#include "lib/types.h"

#define IOMMU_TAGS 512 /* most tags that are handed out per instance; a bit each */

/* The SYNC deadline (docs/architecture.md, "When a unit fails"). */
#define IOMMU_DEADLINE_MICROSECONDS 100000

/* Read once from the instance, never changed and never combined with another's. */
struct iommu_capabilities {
    unsigned int input_bits;  /* a paging domain maps addresses below 2^input_bits */
    unsigned int output_bits; /* and to addresses below 2^output_bits */
    unsigned int tag_bits;
    unsigned int stream_bits; /* streams below 2^stream_bits have table entries */
    uint64_t page_sizes;
    uint8_t stage;           /* that domains translate with: 2, or 1 where the unit has no other */
    bool coherent;           /* walks and queues are cache-coherent */
    bool range_invalidation; /* one command covers a range */
    bool two_level;          /* stream table of two levels */
    bool sync_each;          /* erratum: each command needs a SYNC of its own */
    bool nesting;            /* stage 1 under stage 2 could be offered */
    bool hitless_replace;    /* stream_replace() leaves no gap */
};

enum iommu_result {
    IOMMU_OK,
    IOMMU_SILENCED, /* the instance missed a deadline or failed, now or before; it passes nothing */
    IOMMU_BUSY, /* stream_replace(): another replace on the instance is under way; nothing changed */
};

enum iommu_stream_state {
    STREAM_PARKED_SILENT,
    STREAM_PARKED_LOGGED,
    STREAM_ATTACHED,
    STREAM_ATTACHED_SILENT, /* the same translation; what it blocks is not reported */
};

/* Why the instance was silenced. */
enum iommu_failure {
    FAILURE_DEADLINE,    /* a SYNC or a register acknowledge did not come */
    FAILURE_COMMAND,     /* a second illegal command, or a command fetch that aborted */
    FAILURE_EVENT_QUEUE, /* it could not write an event though there was room */
    FAILURE_SERVICE,     /* the unit reported that it has failed */
};

struct iommu_fault {
    uint64_t number; /* one more than that of the instance's fault before it */
    uint64_t first;  /* of those that waited when the queue was looked at for this one */
    uint32_t stream;
    uint32_t pasid; /* BH_PASID_NONE: none */
    uint64_t iova;
    uint32_t cause;  /* BH_CAUSE_* */
    uint32_t access; /* BH_ACCESS_* */
    uint32_t type;   /* as the hardware numbers it */
};

/* How the tables of an instance's domains are written. A leaf that allows nothing has the attributes `common`;
 * reading is allowed by turning the bits `read` (exclusive or), writing by turning `write`. Where stage
 * 1 alone translates, what can be written can be read. A leaf that leads to registers has `registers` turned, too. */
struct iommu_format {
    const struct pagetable_format *entries;
    uint64_t read, write, common, registers;
};

/* A paging domain: an I/O address space on one instance. Domains of several instances of one format and
 * geometry may share the table. */
struct iommu_domain {
    const struct pagetable *table;
    uint16_t tag; /* from iommu_tag_take(): VMID or ASID */
};

/* A batch of commands in an instance's queue, and what has to be waited for. */
struct iommu_ticket {
    uint64_t position; /* 0: nothing */
    uint64_t illegal;  /* the instance's illegal commands before the batch began */
};

#define IOMMU_TICKET_EMPTY ((struct iommu_ticket){ 0, 0 })

struct iommu;

/* What an instance has to tell. A handler may change streams; it does not read events itself. */
struct iommu_events {
    /* Event lock held. */
    void (*fault)(struct iommu *iommu, const struct iommu_fault *fault);
    /* Records went missing because there was no room for them: end is the number behind the last that was
     * waiting when that was seen. Event lock held. */
    void (*lost)(struct iommu *iommu, uint64_t end);
    /* Once an instance: it failed, and is closed next; then: nothing passes it any more. */
    void (*failed)(struct iommu *iommu);
    void (*silenced)(struct iommu *iommu, enum iommu_failure reason);
};

struct iommu_counters {
    uint64_t commands;
    uint64_t syncs;
    uint64_t events;
    uint64_t events_lost;
    uint64_t illegal_commands;
    uint64_t unknown_errors;
};

struct iommu {
    const struct iommu_driver *driver;
    const struct topology_iommu *topology;
    struct iommu_capabilities capabilities;
    const struct iommu_format *format; /* set by start() */
    struct iommu_counters counters;
    uint32_t number;        /* among the machine's */
    bool usable;            /* started; its devices may be assigned */
    bool silenced;          /* failed since */
    bool late;              /* not in the board's table: closed later than the others */
    void *unit;             /* the driver's own */
    struct lock event_lock; /* guards the reading of events: faults are told under it */
    struct lock tag_lock;   /* guards tags */
    uint64_t tags[IOMMU_TAGS / 64];
};

struct iommu_driver {
    const char *compatible;

    /* Makes the unit at these registers, in whatever state it is, abort everything. Boot only:
     * for one that the board's table did not name. Each wait has the early closer's bound. */
    enum early_state (*close)(uint64_t registers);

    /* Reads capabilities, gives every stream below stream_count an entry that aborts (or none),
     * brings up queues and turns the unit on. It has been closed and stays so. Boot only. False:
     * not usable, it stays closed; *reason says why. */
    bool (*start)(struct iommu *iommu, uint32_t stream_count, const char **reason);

    /* Makes sure that the stream has an entry of its own. Boot only; one SYNC. False: no memory, out of
     * range, or the unit failed. */
    bool (*stream_prepare)(struct iommu *iommu, uint32_t stream);

    /* Changes a prepared stream's state; domain only where it is attached. The stream passes nothing
     * of its old state when this returns, whatever it returns; between attached and attached silent
     * of one domain nothing is blocked on the way. One change of a stream at a time. SYNCs, each with the
     * deadline: from parked at most two, to parked three, else four. */
    enum iommu_result (*stream_set)(struct iommu *iommu, uint32_t stream,
                                    enum iommu_stream_state state,
                                    const struct iommu_domain *domain);

    /*
     * Moves an attached stream from one domain to another; state: one of the attached. Each access is
     * translated by one of the two domains (I11), or, on the way, by none where *hitless turns out
     * false. When it returns IOMMU_OK the last access through `from` is over. Neither table may be
     * changed while this runs, other than absent entries becoming present: what is invalidated
     * meanwhile is known by the domains' own tags. At most four SYNCs, each with the deadline;
     * IOMMU_SILENCED: as stream_set().
     */
    enum iommu_result (*stream_replace)(struct iommu *iommu, uint32_t stream,
                                        enum iommu_stream_state state,
                                        const struct iommu_domain *from,
                                        const struct iommu_domain *to, bool *hitless);

    /* Tells the unit to forget what it caches of [address, +size) of a domain, and does not wait for
     * more than room in its queue. Page-aligned. tables: also of intermediate tables. leaves: how many
     * leaves went, as a hint. Calls with one ticket, which is empty before the first, are one batch; the
     * last of them says so and brings its SYNC (size 0: nothing else). Nothing is forgotten for sure before iommu_wait(). */
    enum iommu_result (*invalidate)(struct iommu *iommu, const struct iommu_domain *domain,
                                    uint64_t address, uint64_t size, uint32_t leaves, bool tables,
                                    struct iommu_ticket *ticket, bool last);

    /* Waits until the SYNC of a batch is through, with the deadline, counted from here. */
    enum iommu_result (*wait)(struct iommu *iommu, const struct iommu_ticket *ticket);

    /* All that the unit caches of a domain, and waits, one SYNC: before its tag or its root is used
     * again. */
    enum iommu_result (*invalidate_domain)(struct iommu *iommu, const struct iommu_domain *domain);

    /* What the unit has blocked of the stream before this call is among its events, or lost, when this
     * returns. One SYNC, with the deadline. */
    enum iommu_result (*settle)(struct iommu *iommu, uint32_t stream);

    /* The number that the first event gets that is not among its events now. Event lock held. One
     * look at a register. */
    uint64_t (*events_end)(const struct iommu *iommu);

    /* Interrupt handlers: reads events, a part of the queue at most, and looks at the unit's
     * errors. True: there is more, call again. */
    bool (*handle_events)(struct iommu *iommu);
};

/* The driver's wait(), where the batch was not through as it was put in. */
static inline enum iommu_result iommu_wait(struct iommu *iommu, const struct iommu_ticket *ticket)
{
    return ticket->position == 0 ? IOMMU_OK : iommu->driver->wait(iommu, ticket);
}

/* An alignment of its own: the table of drivers has no gaps, however a compiler likes large objects. */
#define IOMMU_DRIVER(name)                                                                         \
    static const struct iommu_driver name                                                          \
        __attribute__((used, section(".iommu_drivers"), aligned(_Alignof(struct iommu_driver))))

/* The driver for a compatible string, or NULL. */
const struct iommu_driver *iommu_find_driver(const char *compatible);

/* Set once at boot, before the first instance starts. */
void iommu_register_events(const struct iommu_events *events);
extern const struct iommu_events *iommu_events;

/* A tag that names no root on this instance now, or 0 if all are taken. Given back only after
 * invalidate_domain() succeeded. Any CPU; they take tag_lock. Work: IOMMU_TAGS / 64. */
uint16_t iommu_tag_take(struct iommu *iommu);
void iommu_tag_give(struct iommu *iommu, uint16_t tag);

#endif
