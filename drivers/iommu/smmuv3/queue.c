/* SPDX-License-Identifier: Apache-2.0 */
/* The command queue (IHI 0070 chapter 4, 3.5) and the errors that GERROR reports (7.5). */
#include "drivers/iommu/smmuv3/early.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "lib/log.h"

struct command command_cfgi_ste(uint32_t stream, bool leaf)
{
    return (struct command){ { CMD_CFGI_STE | FIELD_PUT(CFGI0_STREAM, stream),
                               leaf ? CFGI1_LEAF : 0 } };
}

struct command command_cfgi_cd(uint32_t stream, uint32_t pasid)
{
    return (struct command){ { CMD_CFGI_CD | FIELD_PUT(CFGI0_SUBSTREAM, pasid) |
                                   FIELD_PUT(CFGI0_STREAM, stream),
                               CFGI1_LEAF } };
}

struct command command_cfgi_all(void)
{
    return (struct command){ { CMD_CFGI_STE_RANGE, FIELD_PUT(CFGI1_RANGE, CFGI_RANGE_ALL) } };
}

struct command command_tlbi_all(void)
{
    return (struct command){ { CMD_TLBI_NSNH_ALL, 0 } };
}

struct command command_tlbi_el2_all(void)
{
    return (struct command){ { CMD_TLBI_EL2_ALL, 0 } };
}

/* A unit without stage 2 has ASIDs for tags, and all of them under VMID 0 (4.4.2). */
struct command command_tlbi_domain(unsigned int stage, uint16_t tag)
{
    return (struct command){ { stage == 1 ? CMD_TLBI_NH_ASID | FIELD_PUT(TLBI0_ASID, tag)
                                          : CMD_TLBI_S12_VMALL | FIELD_PUT(TLBI0_VMID, tag),
                               0 } };
}

static uint64_t by_address(unsigned int stage, uint16_t tag)
{
    return stage == 1 ? CMD_TLBI_NH_VA | FIELD_PUT(TLBI0_ASID, tag)
                      : CMD_TLBI_S2_IPA | FIELD_PUT(TLBI0_VMID, tag);
}

struct command command_tlbi_address(unsigned int stage, uint16_t tag, uint64_t address, bool leaf)
{
    return (struct command){ { by_address(stage, tag),
                               (address & TLBI1_ADDRESS) | (leaf ? TLBI1_LEAF : 0) } };
}

struct command command_tlbi_range(unsigned int stage, uint16_t tag, uint64_t address,
                                  uint64_t pages, bool leaf)
{
    static const uint64_t num_limit = 32;
    uint64_t scale = 0;

    while (((pages + BIT(scale) - 1) >> scale) > num_limit)
        scale++;
    uint64_t num = ((pages + BIT(scale) - 1) >> scale) - 1;

    return (struct command){
        { by_address(stage, tag) | FIELD_PUT(TLBI0_NUM, num) | FIELD_PUT(TLBI0_SCALE, scale),
          (address & TLBI1_ADDRESS) | FIELD_PUT(TLBI1_TG, TLBI_TG_4K) | (leaf ? TLBI1_LEAF : 0) }
    };
}

static struct command command_sync(void)
{
    return (struct command){ { CMD_SYNC | FIELD_PUT(SYNC0_CS, SYNC_CS_NONE), 0 } };
}

static volatile uint64_t *slot(struct smmuv3 *unit, uint64_t position)
{
    return unit->commands + (position & (BIT(unit->command_log2) - 1)) * COMMAND_WORDS;
}

static void put(volatile uint64_t *entry, struct command command, bool coherent)
{
    entry_write64(&entry[0], command.word[0]);
    entry_write64(&entry[1], command.word[1]);
    if (!coherent)
        cache_clean(entry, COMMAND_SIZE);
}

/* Brings `consumed` up to what the unit says. Between two looks the queue cannot have been
 * emptied twice: nobody puts in more than there is room for by the last look. Lock held. */
static void look(struct smmuv3 *unit)
{
    uint64_t position_mask = BIT(unit->command_log2 + 1) - 1;
    uint64_t consumer = mmio_read32(unit->base + SMMU_CMDQ_CONS) & position_mask;

    unit->consumed += (consumer - unit->consumed) & position_mask;
    if (unit->consumed > unit->produced) /* the register is the unit's word, not a fact */
        unit->consumed = unit->produced;
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

/* Room for a batch and its SYNCs. Lock held on return if true. */
static bool acquire_room(struct smmuv3 *unit, uint64_t entries)
{
    for (;;) {
        uint64_t needed;

        lock_acquire(&unit->lock);
        if (unit->produced - unit->consumed + entries <= BIT(unit->command_log2))
            return true;
        needed = unit->produced + entries - BIT(unit->command_log2);
        lock_release(&unit->lock);
        if (!wait_consumed(unit, needed))
            return false;
    }
}

enum iommu_result smmuv3_put(struct smmuv3 *unit, const struct command *commands, uint32_t count,
                             struct iommu_ticket *ticket, bool last)
{
    struct iommu *iommu = unit->iommu;
    bool sync_each = iommu->capabilities.sync_each;
    bool coherent = iommu->capabilities.coherent;
    uint32_t syncs = sync_each ? count : last;

    if (iommu->silenced || !acquire_room(unit, count + syncs))
        return IOMMU_SILENCED;
    uint64_t end = unit->produced, mask = BIT(unit->command_log2) - 1;
    volatile uint64_t *queue = unit->commands;

    for (uint32_t i = 0; i < count; i++) {
        put(queue + (end++ & mask) * COMMAND_WORDS, commands[i], coherent);
        if (sync_each && i + 1 < count)
            put(queue + (end++ & mask) * COMMAND_WORDS, command_sync(), coherent);
    }
    if (syncs != 0)
        put(queue + (end++ & mask) * COMMAND_WORDS, command_sync(), coherent);
    unit->produced = end;
    iommu->counters.commands += count;
    iommu->counters.syncs += syncs;
    barrier_entries();
    mmio_write32(unit->base + SMMU_CMDQ_PROD, (uint32_t)(end & (2 * mask + 1)));
    if (last)
        look(unit);
    /* Refused commands are repaired under the lock: in this call none was. */
    uint64_t illegal = iommu->counters.illegal_commands;

    if (ticket->position == 0)
        ticket->illegal = illegal;
    ticket->position = unit->consumed >= end && illegal == ticket->illegal ? 0 : end;
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

enum iommu_result smmuv3_wait(struct iommu *iommu, const struct iommu_ticket *ticket)
{
    struct smmuv3 *unit = iommu->unit;

    if (!wait_consumed(unit, ticket->position))
        return IOMMU_SILENCED;
    return iommu->counters.illegal_commands == ticket->illegal ? IOMMU_OK : issue_widest(unit);
}

enum iommu_result smmuv3_issue(struct smmuv3 *unit, const struct command *commands, uint32_t count)
{
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;

    if (smmuv3_put(unit, commands, count, &ticket, true) != IOMMU_OK)
        return IOMMU_SILENCED;
    return ticket.position == 0 ? IOMMU_OK : smmuv3_wait(unit->iommu, &ticket);
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
    iommu_events->failed(unit->iommu);
    if (smmuv3_close(unit->base) == EARLY_UNRESPONSIVE)
        log_error("%s: does not acknowledge ABORT: only the ports above its devices are closed",
                  unit->iommu->topology->name);
    iommu_events->silenced(unit->iommu, reason);
}
