/* SPDX-License-Identifier: Apache-2.0 */
/* See observer.h. This file: switching on, and the moments at which the observer looks. */
#include "observer.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "wrap.h"

#define PERIOD 2000
#define FETCHES_BEFORE_A_CALL 64
#define FETCHES_BETWEEN 2
#define COMMAND_LOG2_BYTES 4
#define EVENT_LOG2_BYTES 5
#define CR0ACK_OFFSET 0x24
#define CMDQ_PROD_OFFSET 0x98

struct observer observer;

/* ---- Help for all ---------------------------------------------------------------------------------------- */

uint64_t observer_random(uint64_t limit)
{
    return random_next(&observer.random) % limit;
}

static unsigned int choose(const char *what, unsigned int count)
{
    (void)what;
    return (unsigned int)observer_random(count);
}

enum host_view observer_view(unsigned int unit)
{
    return machine.parameters[unit].cohacc ? HOST_VIEW_COHERENT : HOST_VIEW_MEMORY;
}

/* As the unit would read it. */
void observer_read(unsigned int unit, uint64_t address, uint64_t *words, unsigned int count)
{
    uint64_t image = memory_physical(&observer);

    memset(words, 0, count * sizeof(*words));
    if (range_inside(address, count * sizeof(*words), HOST_MEMORY_BASE, HOST_MEMORY_SIZE) ||
        (address < HOST_MEMORY_BASE && image < HOST_MEMORY_BASE && address >= PAGE_SIZE))
        host_view_read(observer_view(unit), address, words, count * sizeof(*words));
}

bool observer_unit_of(const struct iommu *iommu, unsigned int *unit)
{
    *unit = (unsigned int)((iommu->topology->registers.base - UNIT_BASE) / UNIT_STRIDE);
    return *unit < machine.unit_count;
}

/* No call is under way. */
bool observer_quiet(void)
{
    bool active = false;

    for (unsigned int i = 0; i < HOST_CPUS; i++)
        active = active || observer.call[i].active;
    return !active;
}

struct observer_counts observer_counts(void)
{
    return observer.counts;
}

void observer_break_incremental(void)
{
    observer.broken = true;
    observer.period = 1;
    observer.next_full = observer.now;
}

static void look_at_unit(unsigned int unit);

/* A unit consumes commands, evicts and fetches at moments of its own, too: that comes before what is to be
 * looked at. */
static void look_at_units(void)
{
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        look_at_unit(unit);
}

void observer_check_all(void)
{
    if (!observer.on)
        return;
    look_at_units();
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        reach_all(unit, true);
}

/* Every so many events everything is computed afresh and compared; only where nothing is left to be looked
 * at: a store that is visible already, and not looked at yet, would be taken for a disagreement. */
static void full_pass_if_due(void)
{
    if (observer.now < observer.next_full)
        return;
    observer.next_full = observer.now + observer.period;
    observer_check_all();
}

/* ---- A store became visible ------------------------------------------------------------------------------ */

static void fetch_between(unsigned int unit, uint32_t id)
{
    const struct stream *stream = observer.unit[unit].stream[id];

    if (stream != NULL && observer_random(2) == 0)
        reach_fetch(stream, FETCHES_BETWEEN);
}

/* Where streams have a stage 1 alone: what their entries may lead to does not change. */
static void judge_context(const struct host_store *store, unsigned int unit)
{
    const struct stream *stream = NULL;

    if (!machine.parameters[unit].s2p && observer.unit[unit].enabled &&
        store->before != store->after)
        stream = entries_context(unit, store->address);
    if (stream != NULL)
        report_violation(I11, stream, NULL,
                         "the context descriptor that its entry leads to, or may still be read to "
                         "lead to, is changed");
}

static void look_at_store(const struct host_store *store, unsigned int unit)
{
    uint32_t first, count;
    unsigned int word;

    if (!entries_find(unit, store->address, &first, &count, &word)) {
        judge_context(store, unit);
        reach_store(unit, store->address);
        return;
    }
    if (word == DECODE_STE_WORDS)
        entries_base(unit);
    else
        entries_store(store, unit, first, word);
    for (uint32_t id = first; id < first + count && !observer.broken; id++)
        reach_compute(unit, id);
    if (count == 1)
        fetch_between(unit, first);
}

static void on_visible(const struct host_store *store)
{
    if (!observer.on)
        return;
    look_at_units();
    report_store(store);
    observer.counts.stores++;
    observer.counts.stores_seen += store->view == HOST_VIEW_COHERENT;
    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        if (observer_view(unit) == store->view)
            look_at_store(store, unit);
        observer.unit[unit].torn = observer.unit[unit].torn || machine.fetching[unit];
    }
    full_pass_if_due();
}

/* ---- A unit did something ---------------------------------------------------------------------------------- */

#define OPCODE_SYNC 0x46

/* What its caches dropped of their own accord, and what they hold that was read before a store and is
 * kept since behind it. */
static void look_at_caches(unsigned int unit)
{
    struct unit *u = &observer.unit[unit];
    uint64_t dropped = smmuv3_model_dropped(machine.unit[unit]);

    if (u->torn && !machine.fetching[unit]) {
        u->torn = false;
        reach_watched(unit);
    } else if (dropped != u->dropped) {
        reach_cached_part(unit);
    }
    u->dropped = dropped;
}

/* What it has consumed since the last look. */
static void look_at_commands(unsigned int unit)
{
    struct unit *u = &observer.unit[unit];
    uint64_t total = smmuv3_model_command_total(machine.unit[unit]);
    bool removed = false;

    for (; u->commands < total; u->commands++) {
        const struct smmuv3_model_command *command = smmuv3_model_command_at(machine.unit[unit],
                                                                             u->commands);

        if (command == NULL)
            continue;
        report_command(unit, command);
        observer.counts.commands++;
        entries_command(unit, command);
        removed = true;
    }
    if (!removed)
        return;
    reach_cached_part(unit);
    if (observer.watched_count != 0 && observer_random(4) == 0) {
        const struct stream *stream = observer.watched[observer_random(observer.watched_count)];

        reach_fetch(stream, FETCHES_BETWEEN);
    }
}

static void look_at_unit(unsigned int unit)
{
    look_at_commands(unit);
    look_at_caches(unit);
}

static void recompute(unsigned int unit)
{
    entries_base(unit);
    reach_all(unit, false);
}

static void note_enabled(unsigned int unit, uint64_t acknowledged)
{
    struct unit *u = &observer.unit[unit];

    u->enabled = (acknowledged & DECODED_CR0_SMMUEN) != 0;
    u->started = u->started || u->enabled;
    u->settled = ((acknowledged ^ u->cr0) & DECODED_CR0_SMMUEN) == 0;
    recompute(unit);
}

static void on_register_written(unsigned int unit, uint64_t offset, uint64_t value)
{
    struct unit *u = &observer.unit[unit];
    const char *name;
    enum decoded_register what = decode_register(offset, &name);

    if (!observer.on)
        return;
    look_at_unit(unit);
    if (offset == CMDQ_PROD_OFFSET)
        u->heard.producer = (uint32_t)value;
    if (what == DECODED_QUEUE_INDEX)
        return;
    report_note("unit %u: %s = 0x%llx", unit, name, (unsigned long long)value);
    switch (what) {
    case DECODED_CR0:
        u->cr0 = value;
        note_enabled(unit, smmuv3_model_read32(machine.unit[unit], CR0ACK_OFFSET));
        break;
    case DECODED_GBPA:
        u->told_to_abort = u->told_to_abort || (u->enabled && (value & DECODED_GBPA_ABORT) != 0);
        recompute(unit);
        break;
    case DECODED_STRTAB_BASE:
        u->strtab_base = value;
        recompute(unit);
        break;
    case DECODED_STRTAB_BASE_CFG:
        u->strtab_base_cfg = value;
        recompute(unit);
        break;
    case DECODED_CMDQ_BASE:
        u->queue[0].base = decode_queue(value, COMMAND_LOG2_BYTES, &u->queue[0].size);
        break;
    case DECODED_EVENTQ_BASE:
        u->queue[1].base = decode_queue(value, EVENT_LOG2_BYTES, &u->queue[1].size);
        break;
    default:
        break;
    }
}

/* What was late may have taken effect with the read. */
static void on_register_read(unsigned int unit, uint64_t offset, uint64_t value)
{
    struct unit *u = &observer.unit[unit];
    const char *name;

    if (!observer.on)
        return;
    look_at_unit(unit);
    switch (decode_register(offset, &name)) {
    case DECODED_CR0ACK:
        if (!u->settled)
            note_enabled(unit, value);
        break;
    case DECODED_GBPA:
        if (!u->enabled)
            recompute(unit);
        break;
    default:
        break;
    }
}

static void on_transfer(unsigned int unit, uint32_t stream, uint64_t iova, uint64_t size,
                        bool write, bool landed)
{
    if (!observer.on)
        return;
    look_at_units();
    observer.counts.transfers++;
    report_note("the device of stream 0x%x of unit %u %s 0x%llx: %s", stream, unit,
                write ? "writes" : "reads", (unsigned long long)iova,
                landed ? "landed" : "blocked");
    if (landed)
        judge_transfer(unit, stream, iova, size, write);
}

/* ---- The kernel did something -------------------------------------------------------------------------------- */

static void fetch_stream(unsigned int unit, uint32_t stream)
{
    reach_fetch(reach_stream(unit, stream), FETCHES_BEFORE_A_CALL);
}

static void judge_parked(unsigned int unit, uint32_t id)
{
    if (ledger_parked(unit, id) && observer.unit[unit].enabled)
        entries_parked(reach_stream(unit, id));
}

/* A call has come to its end. */
static void look_at_all(void)
{
    for (unsigned int i = 0; i < observer.watched_count; i++) {
        const struct stream *stream = observer.watched[i];

        if (!observer.unit[stream->unit].enabled)
            continue;
        judge_stream(stream);
        judge_promise(stream);
    }
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        tags_cached(unit);
    for (unsigned int i = 0; observer_quiet() && i < observer.watched_count; i++)
        entries_quiet(observer.watched[i]);
}

static void quiet_stream(unsigned int unit, uint32_t id)
{
    entries_quiet(reach_stream(unit, id));
}

/* A partition's streams are changed by its own calls alone: is it in one? */
static void quiet_partition(unsigned int partition)
{
    bool active = false;

    for (unsigned int i = 0; i < HOST_CPUS; i++)
        active = active || (observer.call[i].active && observer.call[i].partition == partition);
    if (!active)
        ledger_each_stream(partition, quiet_stream);
}

static bool takes_away(uint64_t number)
{
    return number == BH_CALL_IOAS_UNMAP || number == BH_CALL_IOAS_REMAP ||
           number == BH_CALL_IOAS_UNMAP_ALL || number == BH_CALL_IOAS_UNMAP_BATCH ||
           number == BH_CALL_IOAS_FREE || number == BH_CALL_DETACH || number == BH_CALL_REPLACE ||
           number == BH_CALL_DEVICE_UNBIND || number == BH_CALL_DEVICE_RESET ||
           number == BH_CALL_MSI_BIND || number == BH_CALL_POWER;
}

void observer_call_begins(unsigned int partition, uint64_t number, const uint64_t *x)
{
    if (!observer.on)
        return;
    quiet_partition(partition);
    struct pending_call *call = &observer.call[host_cpu];

    *call = (struct pending_call){
        .active = true, .cpu = host_cpu, .partition = partition, .number = number
    };
    memcpy(call->x, x, sizeof(call->x));
    observer.counts.calls++;
    report_call(call, NULL);
    if (takes_away(number))
        ledger_each_stream(partition, fetch_stream);
    if (ledger_replacing(call) != NULL)
        entries_replace_begins(ledger_replacing(call));
    ledger_begin(call);
}

void observer_call_returned(unsigned int partition, const uint64_t *x)
{
    struct pending_call *call = &observer.call[host_cpu];

    if (!observer.on || !call->active)
        return;
    look_at_units();
    report_call(call, x);
    if (ledger_replacing(call) != NULL)
        entries_replaced(ledger_replacing(call), (int64_t)x[0] == BH_OK, x[1] == 1);
    call->active = false;
    quiet_partition(partition);
    ledger_end(call, x);
    look_at_all();
    ledger_each_stream(partition, judge_parked);
    full_pass_if_due();
}

static unsigned int released[64], released_count;

static void note_released(unsigned int unit, uint32_t stream)
{
    if (released_count < ARRAY_LENGTH(released))
        released[released_count++] = unit << 16 | stream;
}

void observer_release_begins(unsigned int partition)
{
    if (!observer.on)
        return;
    report_note("partition %s is dying: its devices are taken from it",
                report_partition(partition));
    ledger_each_stream(partition, fetch_stream);
    released_count = 0;
    ledger_each_stream(partition, note_released);
    ledger_release_begin(partition);
}

void observer_released(unsigned int partition, bool clean)
{
    if (!observer.on)
        return;
    report_note("partition %s: its devices are parked and given back", report_partition(partition));
    ledger_release_end(partition, clean);
    look_at_all();
    for (unsigned int i = 0; i < released_count; i++)
        judge_parked(released[i] >> 16, released[i] & 0xFFFF);
}

void observer_spaces_freed(unsigned int partition)
{
    if (!observer.on)
        return;
    ledger_spaces_gone(partition);
    observer.call[host_cpu].active = false; /* power() does not return */
    look_at_all();
}

static void fetch_survivor(unsigned int partition)
{
    ledger_each_stream(partition, fetch_stream);
}

void observer_joined(unsigned int partition)
{
    ledger_joined(partition);
    if (observer.on)
        report_note("partition %s has its windows", report_partition(partition));
}

void observer_leave_begins(unsigned int partition)
{
    if (observer.on) {
        report_note("partition %s is dying: its windows are withdrawn",
                    report_partition(partition));
        ledger_each_survivor(partition, fetch_survivor);
    }
    ledger_leave_begin(partition);
}

void observer_left(unsigned int partition)
{
    ledger_leave_end(partition);
    if (!observer.on)
        return;
    report_note("partition %s: its windows are nobody's", report_partition(partition));
    look_at_all();
}

void observer_pages(uint64_t base, uint64_t count, bool free)
{
    if (!observer.on || count == 0)
        return;
    look_at_units();
    pages_state(base, count, free);
    if (!free)
        return;
    if (count == 1)
        report_note("the table page 0x%llx is given back", (unsigned long long)base);
    else
        report_note("a pool of %llu pages is made at 0x%llx", (unsigned long long)count,
                    (unsigned long long)base);
    for (uint64_t page = base; page < base + count * PAGE_SIZE; page += PAGE_SIZE) {
        for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
            reach_store(unit, page);
            tags_page_free(unit, page);
        }
    }
}

void observer_tag(const struct iommu *iommu, uint16_t tag, bool taken)
{
    unsigned int unit;

    if (!observer.on || tag == 0 || !observer_unit_of(iommu, &unit))
        return;
    look_at_units();
    report_note("unit %u: tag %u is %s", unit, tag, taken ? "handed out" : "given back");
    if (taken)
        tags_taken(unit, tag);
    else
        tags_given(unit, tag);
}

void observer_barrier(void)
{
    if (observer.on)
        report_note("barrier of CPU %u", host_cpu);
}

/* ---- Switching on ------------------------------------------------------------------------------------------ */

static const struct machine_watch watch = {
    .audited = reach_audited,
    .register_read = on_register_read,
    .register_written = on_register_written,
    .transfer = on_transfer,
};

void observer_finish(void)
{
    if (!observer.on)
        return;
    heard_check();
    observer_check_all();
    observer.on = false;
}

static uint64_t seed_of(const struct observer_options *options)
{
    const char *wanted = getenv("OBSERVER_SEED");

    if (wanted != NULL)
        return strtoull(wanted, NULL, 0);
    return options->seed != 0 ? options->seed : 1;
}

/* What the registers say already, if the machine has been booted. */
static void read_registers(unsigned int unit)
{
    struct unit *u = &observer.unit[unit];

    u->cr0 = smmuv3_model_read32(machine.unit[unit], CR0ACK_OFFSET);
    u->enabled = (u->cr0 & DECODED_CR0_SMMUEN) != 0;
    u->settled = true;
    u->commands = smmuv3_model_command_total(machine.unit[unit]);
    u->dropped = smmuv3_model_dropped(machine.unit[unit]);
    u->heard.producer = smmuv3_model_read32(machine.unit[unit], CMDQ_PROD_OFFSET);
    if (!u->enabled)
        return;
    u->closed = true;
    u->started = partitions.count != 0;
    on_register_written(unit, 0x90, smmuv3_model_read64(machine.unit[unit], 0x90));
    on_register_written(unit, 0xA0, smmuv3_model_read64(machine.unit[unit], 0xA0));
    u->strtab_base = smmuv3_model_read64(machine.unit[unit], 0x80);
    u->strtab_base_cfg = smmuv3_model_read32(machine.unit[unit], 0x88);
    entries_base(unit);
    entries_adopt(unit);
}

static void adopt_pools(void)
{
    for (unsigned int i = 0; i < partitions.count; i++) {
        const struct page_pool *pool = &partitions.partition[i].pool;

        pages_state(pool->base, pool->count, false);
        if (pool->records == NULL)
            continue;
        for (uint32_t n = pool->first_free; n != PAGE_NONE; n = pool->records[n].next)
            pages_state(pool->base + ((uint64_t)n << PAGE_SHIFT), 1, true);
    }
}

static void adopt_tags(void)
{
    unsigned int unit;

    for (uint32_t i = 0; i < devices.iommu_count; i++) {
        if (observer_unit_of(&devices.iommu[i], &unit))
            tags_adopt(unit, &devices.iommu[i]);
    }
}

void observer_start_with(const struct observer_options *options)
{
    memset(&observer, 0,
           offsetof(struct observer, unit) + machine.unit_count * sizeof(observer.unit[0]));
    report_reset();
    ledger_reset();
    pages_reset();
    heard_reset();
    observer.seed = seed_of(options);
    observer.random = observer.seed;
    observer.period = options->period != 0 ? options->period : PERIOD;
    observer.next_full = observer.period;
    observer.fetching = !options->no_fetching;
    observer.on = true;
    adopt_pools();
    adopt_tags();
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        read_registers(unit);
    for (unsigned int unit = 0; unit < machine.unit_count; unit++)
        reach_all(unit, false);
    machine.watch = &watch;
    host_visible = on_visible;
    if (host_choose == NULL && options->mode == HOST_STORES_SCHEDULED)
        host_choose = choose;
    host_stores_mode(options->mode);
    unit_after_test = observer_finish;
}

void observer_start(void)
{
    observer_start_with(&(struct observer_options){ .mode = HOST_STORES_IMMEDIATE });
}

const char *observer_caught(void (*scenario)(void))
{
    return report_catch(scenario) ? NULL : report_text();
}
