/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt translation service of GICv3 (IHI 0069 chapter 5): messages of the machine are LPIs, a CPU is a
 * collection, and each device has an interrupt translation table of its own, no longer than it has vectors: an event
 * beyond it, an event that is not mapped and a device that is not are dropped by the ITS.
 */
#include "arch/seam.h"
#include "drivers/irqchip/its_registers.h"
#include "drivers/irqchip/lpi.h"
#include "drivers/irqchip/message.h"
#include "lib/boot_memory.h"
#include "lib/log.h"

/* Every CPU has one call's commands in it at most: it is never full. */
#define QUEUE_SIZE PAGE_SIZE
#define QUEUE_SLOTS (QUEUE_SIZE / ITS_COMMAND_SIZE)
#define CALL_COMMANDS 3

struct command {
    uint64_t word[ITS_COMMAND_WORDS];
};

/* Cleaned in any case: whether a unit sees the caches it says only once it is told where its tables are. */
static void *take_table(uint64_t size, uint64_t alignment)
{
    void *table = boot_memory_take(size, alignment);

    if (table != NULL)
        cache_clean_invalidate(table, size);
    return table;
}

/* ---- Commands ------------------------------------------------------------------------------- */

static void fail(struct message_unit *unit, const char *what)
{
    if (!__atomic_exchange_n(&unit->usable, false, __ATOMIC_ACQ_REL))
        return;
    mmio_write32(unit->base + GITS_CTLR, 0);
    log_error("%s %s: no device behind it raises messages any more", unit->topology->name, what);
}

static void put(struct message_unit *unit, const struct command *command)
{
    volatile uint64_t *slot = unit->queue + unit->produced++ % QUEUE_SLOTS * ITS_COMMAND_WORDS;

    for (unsigned int i = 0; i < ITS_COMMAND_WORDS; i++)
        entry_write64(&slot[i], command->word[i]);
    if (!unit->coherent)
        cache_clean(slot, ITS_COMMAND_SIZE);
}

/* Whether the unit is through with what stands before the position. Its word is believed as far as it can be: it is
 * not through with what it was not given. Nor is it where another CPU has looked since: a word that is so old that the
 * queue went round meanwhile would stand for what is still to come. */
static bool is_through(struct message_unit *unit, uint64_t position, bool *stalled)
{
    uint64_t before = __atomic_load_n(&unit->consumed, __ATOMIC_ACQUIRE);
    uint64_t reader = mmio_read64(unit->base + GITS_CREADR);
    uint64_t at = before + (FIELD_GET(QUEUE_OFFSET, reader) - before) % QUEUE_SLOTS;

    lock_acquire(&unit->lock);
    if (unit->consumed == before && at <= unit->produced)
        __atomic_store_n(&unit->consumed, at, __ATOMIC_RELAXED);
    bool through = unit->consumed >= position;

    lock_release(&unit->lock);
    *stalled = (reader & CREADR_STALLED) != 0;
    return through;
}

/* Has the unit carry out count <= CALL_COMMANDS commands, and waits. */
static bool issue(struct message_unit *unit, const struct command *commands, uint32_t count)
{
    uint64_t deadline = time_deadline(MESSAGE_DEADLINE_MICROSECONDS), position;

    lock_acquire(&unit->lock);
    for (uint32_t i = 0; i < count; i++)
        put(unit, &commands[i]);
    position = unit->produced;
    unit->commands += count;
    barrier_entries();
    mmio_write64(unit->base + GITS_CWRITER, FIELD_PUT(QUEUE_OFFSET, position % QUEUE_SLOTS));
    lock_release(&unit->lock);
    for (;;) {
        /* The clock first: a CPU that was held up in between does not blame the unit. */
        bool late = time_passed(deadline), stalled;

        if (is_through(unit, position, &stalled))
            return unit->usable;
        if (stalled || late)
            fail(unit, stalled ? "refused a command" : "missed a deadline");
        if (!unit->usable)
            return false;
        cpu_relax();
    }
}

static struct command command_sync(uint64_t target)
{
    return (struct command){ { ITS_SYNC, 0, target, 0 } };
}

bool message_map(struct message_unit *unit, uint32_t device, uint32_t vector, uint32_t message,
                 uint32_t cpu)
{
    const struct command commands[] = {
        { { ITS_MAPTI | FIELD_PUT(ITS0_DEVICE, device),
            FIELD_PUT(ITS1_EVENT, vector) | FIELD_PUT(ITS1_INTERRUPT, LPI_FIRST + message),
            FIELD_PUT(ITS2_COLLECTION, cpu), 0 } },
        command_sync(unit->target[cpu]),
    };

    return unit->usable && issue(unit, commands, ARRAY_LENGTH(commands));
}

bool message_unmap(struct message_unit *unit, uint32_t device, uint32_t vector, uint32_t cpu)
{
    const struct command commands[] = {
        { { ITS_DISCARD | FIELD_PUT(ITS0_DEVICE, device), FIELD_PUT(ITS1_EVENT, vector), 0, 0 } },
        command_sync(unit->target[cpu]),
    };

    return unit->usable && issue(unit, commands, ARRAY_LENGTH(commands));
}

/* ---- Boot ----------------------------------------------------------------------------------- */

bool message_unit_add_cpu(struct message_unit *unit, uint32_t cpu, uint64_t target)
{
    uint64_t processor = FIELD_GET(GICR_TYPER_PROCESSOR, mmio_read64(target + GICR_TYPER));

    unit->target[cpu] = (unit->type & GITS_TYPER_PTA) != 0 ? target & ITS2_TARGET
                                                           : FIELD_PUT(ITS2_TARGET, processor);
    const struct command commands[CALL_COMMANDS] = {
        { { ITS_MAPC, 0, FIELD_PUT(ITS2_COLLECTION, cpu) | unit->target[cpu] | ITS2_VALID, 0 } },
        { { ITS_INVALL, 0, FIELD_PUT(ITS2_COLLECTION, cpu), 0 } },
        command_sync(unit->target[cpu]),
    };

    return unit->usable && issue(unit, commands, ARRAY_LENGTH(commands));
}

/* The second level of the table of devices that the device's entry stands in. */
static bool has_entry(struct message_unit *unit, uint32_t device)
{
    uint64_t index = device / unit->page_devices;

    if (device >= unit->device_limit)
        return false;
    if (unit->level1 == NULL || (unit->level1[index] & LEVEL1_VALID) != 0)
        return true;
    void *page = take_table(unit->page, unit->page);

    if (page == NULL)
        return false;
    entry_write64(&unit->level1[index], LEVEL1_VALID | memory_physical(page));
    cache_clean(&unit->level1[index], LEVEL1_SIZE);
    return true;
}

bool message_unit_add_device(struct message_unit *unit, uint32_t device, uint32_t vectors)
{
    /* One bit at least: a table of one event has no size. */
    uint32_t bits = vectors > 1 ? first_bit(vectors) : 1;
    uint64_t entry = FIELD_GET(GITS_TYPER_ITT_ENTRY, unit->type) + 1;

    if (!unit->usable || bits > FIELD_GET(GITS_TYPER_EVENT_BITS, unit->type) + 1 ||
        !has_entry(unit, device))
        return false;
    void *table = take_table(max_u64(entry << bits, ITT_ALIGNMENT), ITT_ALIGNMENT);

    if (table == NULL)
        return false;
    const struct command command = { { ITS_MAPD | FIELD_PUT(ITS0_DEVICE, device),
                                       FIELD_PUT(ITS1_SIZE, bits - 1),
                                       ITS2_VALID | (memory_physical(table) & ITS2_TABLE), 0 } };

    return issue(unit, &command, 1);
}

/* Writes a register that names a table, by the attributes that it takes. Returns what it says then. */
static uint64_t name_table(uint64_t address, uint64_t value)
{
    mmio_write64(address, value | FIELD_PUT(BASER_INNER_CACHE, CACHE_WRITE_BACK) |
                              FIELD_PUT(BASER_SHAREABILITY, SHARE_INNER_DOMAIN));
    uint64_t taken = mmio_read64(address);

    if (FIELD_GET(BASER_SHAREABILITY, taken) != 0)
        return taken;
    mmio_write64(address, value | FIELD_PUT(BASER_INNER_CACHE, CACHE_NONE));
    return mmio_read64(address);
}

static uint64_t page_bytes(uint64_t baser)
{
    return PAGE_SIZE << 2 * min_u64(FIELD_GET(BASER_PAGE_SIZE, baser), BASER_PAGE_64K);
}

/* A table of that many bytes, whole pages, at that register. */
static void *start_table(struct message_unit *unit, uint64_t address, uint64_t flags, uint64_t size)
{
    uint64_t pages = size / unit->page;
    void *table = pages <= FIELD_GET(BASER_SIZE, UINT64_MAX) + 1 ? take_table(size, unit->page)
                                                                 : NULL;

    if (table == NULL)
        return NULL;
    /* Page sizes are 4, 16 and 64 KiB: the field is half of how often 4 KiB were doubled. */
    uint64_t size_field = FIELD_PUT(BASER_PAGE_SIZE, first_bit(unit->page / PAGE_SIZE) / 2);
    uint64_t taken = name_table(address, BASER_VALID | flags | size_field | memory_physical(table) |
                                             FIELD_PUT(BASER_SIZE, pages - 1));

    return (taken & BASER_VALID) != 0 ? table : NULL;
}

/* One level where that is a page, or the unit has no other; else a page of entries, each of a page of devices. */
static const char *start_devices(struct message_unit *unit, uint64_t address, uint64_t limit)
{
    mmio_write64(address, BASER_INDIRECT); /* 4 KiB pages, if it has a choice */
    uint64_t offered = mmio_read64(address), entry = FIELD_GET(BASER_ENTRY, offered) + 1;

    unit->page = page_bytes(offered);
    unit->page_devices = unit->page / entry;
    unit->device_limit = min_u64(limit, UINT64_C(2)
                                            << FIELD_GET(GITS_TYPER_DEVICE_BITS, unit->type));
    if (unit->device_limit <= unit->page_devices || (offered & BASER_INDIRECT) == 0)
        return start_table(unit, address, 0, align_up(unit->device_limit * entry, unit->page)) !=
                       NULL
                   ? NULL
                   : "no memory for its table of devices";
    unit->device_limit = min_u64(unit->device_limit, unit->page / LEVEL1_SIZE * unit->page_devices);
    unit->level1 = start_table(unit, address, BASER_INDIRECT, unit->page);
    return unit->level1 != NULL ? NULL : "no memory for its table of devices";
}

static const char *start_collections(struct message_unit *unit, uint64_t address)
{
    mmio_write64(address, 0);
    unit->page = page_bytes(mmio_read64(address));
    return start_table(unit, address, 0, unit->page) != NULL ? NULL
                                                             : "no memory for its collections";
}

static const char *start_tables(struct message_unit *unit, uint64_t limit)
{
    bool collections = FIELD_GET(GITS_TYPER_HCC, unit->type) >= TOPOLOGY_CPUS;
    uint64_t devices = 0;
    const char *reason = NULL;

    for (unsigned int i = 0; i < GITS_BASERS && reason == NULL; i++) {
        uint64_t address = unit->base + GITS_BASER(i);
        uint64_t type = FIELD_GET(BASER_TYPE, mmio_read64(address));

        if (type == BASER_TYPE_DEVICES) {
            devices = address;
        } else if (type == BASER_TYPE_COLLECTIONS) {
            reason = start_collections(unit, address);
            collections = true;
        } else {
            mmio_write64(address, 0); /* what firmware left there */
        }
    }
    if (reason != NULL)
        return reason;
    if (!collections || devices == 0)
        return "it has no table of devices, or none of CPUs";
    return start_devices(unit, devices, limit);
}

static const char *start_queue(struct message_unit *unit)
{
    void *queue = take_table(QUEUE_SIZE, QUEUE_ALIGNMENT);

    if (queue == NULL)
        return "no memory for its command queue";
    unit->queue = queue;
    uint64_t taken = name_table(unit->base + GITS_CBASER, BASER_VALID | memory_physical(queue));

    unit->coherent = FIELD_GET(BASER_SHAREABILITY, taken) != 0;
    mmio_write64(unit->base + GITS_CWRITER, 0);
    return NULL;
}

/* Off, and at rest: it reads no table any more that it had from firmware. */
static bool come_to_rest(uint64_t base)
{
    uint64_t deadline = time_deadline(MESSAGE_DEADLINE_MICROSECONDS);

    mmio_write32(base + GITS_CTLR, 0);
    for (;;) {
        bool late = time_passed(deadline); /* before the look, as in issue() */

        if ((mmio_read32(base + GITS_CTLR) & GITS_CTLR_QUIESCENT) != 0)
            return true;
        if (late)
            return false;
        cpu_relax();
    }
}

bool message_unit_start(struct message_unit *unit, const struct topology_its *topology,
                        uint64_t device_limit, const char **reason)
{
    uint64_t base = topology->registers.base;

    *unit = (struct message_unit){ .topology = topology,
                                   .base = base,
                                   .doorbell = base + GITS_TRANSLATER };
    if (topology->registers.size < GITS_REGISTERS_SIZE) {
        *reason = "its register range is too small";
        return false;
    }
    if (!come_to_rest(base)) {
        *reason = "it does not come to rest";
        return false;
    }
    unit->type = mmio_read64(base + GITS_TYPER);
    *reason = (unit->type & GITS_TYPER_PHYSICAL) == 0 ? "it has no physical interrupts"
                                                      : start_tables(unit, device_limit);
    if (*reason == NULL)
        *reason = start_queue(unit);
    if (*reason != NULL)
        return false;
    barrier_entries();
    mmio_write32(base + GITS_CTLR, (uint32_t)GITS_CTLR_ENABLED);
    unit->usable = true;
    return true;
}
