/* SPDX-License-Identifier: Apache-2.0 */
/* The command queue (IHI 0070 chapter 4, 3.5) and the errors that GERROR reports (7.5). */
#include "drivers/iommu/smmuv3/early.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "lib/log.h"

struct command command_tlbi_range(unsigned int stage, uint16_t tag, uint64_t address,
                                  uint64_t pages, bool leaf)
{
    static const uint64_t num_limit = 32;
    uint64_t scale = 0;

    while (((pages + BIT(scale) - 1) >> scale) > num_limit)
        scale++;
    uint64_t num = ((pages + BIT(scale) - 1) >> scale) - 1;

    return (struct command){ { command_by_address(stage, tag) | FIELD_PUT(TLBI0_NUM, num) |
                                   FIELD_PUT(TLBI0_SCALE, scale),
                               (address & TLBI1_ADDRESS) | FIELD_PUT(TLBI1_TG, TLBI_TG_4K) |
                                   (leaf ? TLBI1_LEAF : 0) } };
}

static volatile uint64_t *slot(const struct smmuv3 *unit, uint64_t position)
{
    return unit->commands + (position & unit->command_mask) * COMMAND_WORDS;
}

/* Brings `consumed` up to what the unit says. Between two looks the queue cannot have been
 * emptied twice: nobody puts in more than there is room for by the last look. Lock held. */
static void look(struct smmuv3 *unit)
{
    uint64_t consumer = mmio_read32(unit->base + SMMU_CMDQ_CONS) & unit->position_mask;

    consumer = unit->consumed + ((consumer - unit->consumed) & unit->position_mask);
    if (consumer <= unit->produced) /* the register is the unit's word, not a fact */
        unit->consumed = consumer;
}

/* Waits until `position` commands have been consumed. Lock not held. */
static bool wait_consumed(struct smmuv3 *unit, uint64_t position)
{
    uint64_t deadline = time_deadline(IOMMU_DEADLINE_MICROSECONDS);

    for (;;) {
        /* The clock first: a CPU that was held up in between does not blame the unit. */
        bool late = time_passed(deadline), done;

        lock_acquire(&unit->lock);
        look(unit);
        done = unit->consumed >= position;
        lock_release(&unit->lock);
        if (done)
            return true;
        if (unit->iommu->silenced)
            return false;
        smmuv3_errors(unit);
        if (late) {
            smmuv3_silence(unit, FAILURE_DEADLINE);
            return false;
        }
        cpu_relax();
    }
}

static inline void put(volatile uint64_t *entry, struct command command)
{
    entry_write64(&entry[0], command.word[0]);
    entry_write64(&entry[1], command.word[1]);
}

static inline bool has_room(const struct smmuv3 *unit, uint64_t mask, uint64_t end)
{
    return end - unit->consumed <= mask + 1;
}

/* Tells the unit of all commands up to that position. True: it is through with them before the lock is given back;
 * then none was refused, since that is repaired under the lock, and the unit goes no further before. Lock held. */
static inline bool tell(struct smmuv3 *unit, uint64_t end, uint32_t commands, uint32_t syncs)
{
    struct iommu_counters *counters = &unit->iommu->counters;
    uint64_t mask = unit->position_mask, producer = end & mask;
    uint64_t base = unit->base;

    counters->commands += commands;
    counters->syncs += syncs;
    unit->produced = end;
    barrier_entries();
    mmio_write32(base + SMMU_CMDQ_PROD, (uint32_t)producer);
    if (syncs == 0 || (mmio_read32(base + SMMU_CMDQ_CONS) & mask) != producer)
        return false;
    unit->consumed = end;
    return true;
}

/* What a batch has to wait for now that the unit has been told. Lock held. */
static inline void note(const struct smmuv3 *unit, struct iommu_ticket *ticket, bool through)
{
    if (ticket->position == 0) {
        if (through)
            return;
        ticket->illegal = unit->iommu->counters.illegal_commands;
    }
    ticket->position = unit->produced;
}

static __attribute__((noinline, cold)) enum iommu_result put_many(struct smmuv3 *unit,
                                                                  const struct command *commands,
                                                                  uint32_t count,
                                                                  struct iommu_ticket *ticket,
                                                                  bool last)
{
    const struct iommu_capabilities *capabilities = &unit->iommu->capabilities;
    uint32_t syncs = capabilities->sync_each ? count : last;

    lock_acquire(&unit->lock);
    while (!has_room(unit, unit->command_mask, unit->produced + count + syncs)) {
        uint64_t needed = unit->produced + count + syncs - unit->command_mask - 1;

        lock_release(&unit->lock);
        if (!wait_consumed(unit, needed))
            return IOMMU_SILENCED;
        lock_acquire(&unit->lock);
    }
    uint64_t at = unit->produced, end = at + count + syncs;

    for (uint32_t i = 0; i < count; i++) {
        put(slot(unit, at++), commands[i]);
        if (i + 1 < syncs)
            put(slot(unit, at++), command_sync());
    }
    if (at != end)
        put(slot(unit, at), command_sync());
    for (at = unit->produced; at != end && !capabilities->coherent; at++)
        cache_clean(slot(unit, at), COMMAND_SIZE);
    note(unit, ticket, tell(unit, end, count, syncs));
    lock_release(&unit->lock);
    return IOMMU_OK;
}

/* For units that see what is stored and want one SYNC a batch, as most do, while their queue has room. True: the lock
 * is held, and *through is what tell() said. False: not this one, and nothing is done. Written out where it is used, for
 * calls that then have no more to do. */
static inline __attribute__((always_inline)) bool put_plain(struct smmuv3 *unit,
                                                            const struct command *commands,
                                                            uint32_t count, bool last,
                                                            bool *through)
{
    volatile uint64_t *queue = unit->commands;
    uint64_t mask = unit->command_mask;

    if (!unit->plain)
        return false;
    lock_acquire(&unit->lock);
    uint64_t at = unit->produced, end = at + count + last;

    if (!has_room(unit, mask, end)) {
        lock_release(&unit->lock);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        put(queue + (at++ & mask) * COMMAND_WORDS, commands[i]);
    if (last)
        put(queue + (at & mask) * COMMAND_WORDS, command_sync());
    *through = tell(unit, end, count, last);
    return true;
}

enum iommu_result smmuv3_put(struct smmuv3 *unit, const struct command *commands, uint32_t count,
                             struct iommu_ticket *ticket, bool last)
{
    bool through;

    if (unit->iommu->silenced)
        return IOMMU_SILENCED;
    if (count == 0 || !put_plain(unit, commands, count, last, &through))
        return put_many(unit, commands, count, ticket, last);
    note(unit, ticket, through);
    lock_release(&unit->lock);
    return IOMMU_OK;
}

/* One command in the queue was refused and replaced; what it should have done is not known to be
 * done, so everything is invalidated, by commands as simple as there are. */
static __attribute__((noinline)) enum iommu_result issue_widest(struct smmuv3 *unit)
{
    const struct command widest[] = { command_cfgi_all(), command_tlbi_all() };
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    uint64_t illegal = unit->iommu->counters.illegal_commands;

    if (smmuv3_put(unit, widest, ARRAY_LENGTH(widest), &ticket, true) != IOMMU_OK ||
        !wait_consumed(unit, ticket.position))
        return IOMMU_SILENCED;
    if (unit->iommu->counters.illegal_commands == illegal)
        return IOMMU_OK;
    smmuv3_silence(unit, FAILURE_COMMAND);
    return IOMMU_SILENCED;
}

static __attribute__((noinline)) enum iommu_result wait_through(struct smmuv3 *unit,
                                                                struct iommu_ticket ticket)
{
    if (!wait_consumed(unit, ticket.position))
        return IOMMU_SILENCED;
    return unit->iommu->counters.illegal_commands == ticket.illegal ? IOMMU_OK : issue_widest(unit);
}

enum iommu_result smmuv3_wait(struct iommu *iommu, const struct iommu_ticket *ticket)
{
    return wait_through(iommu->unit, *ticket);
}

static __attribute__((noinline)) enum iommu_result issue_many(struct smmuv3 *unit,
                                                              const struct command *commands,
                                                              uint32_t count)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;

    if (smmuv3_put(unit, commands, count, &ticket, true) != IOMMU_OK)
        return IOMMU_SILENCED;
    return ticket.position == 0 ? IOMMU_OK : wait_through(unit, ticket);
}

/* The unit has been told, and is not through yet. Lock held, and given back. */
static __attribute__((noinline)) enum iommu_result wait_told(struct smmuv3 *unit)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;

    note(unit, &ticket, false);
    lock_release(&unit->lock);
    return wait_through(unit, ticket);
}

enum iommu_result smmuv3_issue(struct smmuv3 *unit, const struct command *commands, uint32_t count)
{
    bool through;

    /* Almost always it is one command, and through at once or soon. */
    if (count != 1 || !put_plain(unit, commands, 1, true, &through))
        return issue_many(unit, commands, count);
    if (!through)
        return wait_told(unit);
    lock_release(&unit->lock);
    return IOMMU_OK;
}

/* The unit stopped at a command. Lock held. True: repaired, acknowledge and go on. */
static bool repair_command(struct smmuv3 *unit)
{
    uint32_t consumer = mmio_read32(unit->base + SMMU_CMDQ_CONS);
    uint64_t error = FIELD_GET(CMDQ_CONS_ERROR, consumer);
    volatile uint64_t *entry = slot(unit, consumer);
    struct command sync = command_sync();

    log_error("%s: command 0x%lx 0x%lx refused, error %lu", unit->iommu->topology->name, entry[0],
              entry[1], error);
    if (error != CMDQ_ERROR_ILLEGAL)
        return false;
    unit->iommu->counters.illegal_commands++;
    entry_write64(&entry[0], sync.word[0]);
    entry_write64(&entry[1], sync.word[1]);
    smmuv3_publish(unit, entry, COMMAND_SIZE);
    return true;
}

void smmuv3_errors(struct smmuv3 *unit)
{
    struct iommu *iommu = unit->iommu;
    bool failed = false;
    enum iommu_failure reason = FAILURE_SERVICE;

    lock_acquire(&unit->lock);
    uint32_t acknowledged = mmio_read32(unit->base + SMMU_GERRORN);
    uint32_t active = (mmio_read32(unit->base + SMMU_GERROR) ^ acknowledged) &
                      (uint32_t)~GERROR_EVENTQ_ABORT;

    if (active == 0 || iommu->silenced) {
        lock_release(&unit->lock);
        return;
    }
    if ((active & GERROR_SERVICE_FAILURE) != 0)
        failed = true;
    if ((active & GERROR_CMDQ) != 0 && !repair_command(unit)) {
        failed = true;
        reason = FAILURE_COMMAND;
    }
    if ((active & ~(GERROR_SERVICE_FAILURE | GERROR_CMDQ)) != 0) {
        iommu->counters.unknown_errors++;
        log_warning("%s: unknown error bits 0x%x", iommu->topology->name, active);
    }
    /* A unit that failed is not told to go on. */
    if (!failed)
        mmio_write32(unit->base + SMMU_GERRORN, acknowledged ^ active);
    lock_release(&unit->lock);
    if (failed)
        smmuv3_silence(unit, reason);
}

void smmuv3_silence(struct smmuv3 *unit, enum iommu_failure reason)
{
    if (__atomic_exchange_n(&unit->iommu->silenced, true, __ATOMIC_ACQ_REL))
        return;
    unit->plain = false;
    iommu_events->failed(unit->iommu);
    if (smmuv3_close(unit->base) == EARLY_UNRESPONSIVE)
        log_error("%s: does not acknowledge ABORT: only the ports above its devices are closed",
                  unit->iommu->topology->name);
    iommu_events->silenced(unit->iommu, reason);
}
