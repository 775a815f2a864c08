/* SPDX-License-Identifier: Apache-2.0 */
/* The last events, and the report of a violation: what a reader needs who does not know the code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define EVENTS 64
#define SHOWN 12
#define LEVELS 4

enum event_kind { EVENT_STORE, EVENT_COMMAND, EVENT_NOTE };

struct event {
    enum event_kind kind;
    uint64_t number;
    struct host_store store;
    unsigned int unit;
    struct smmuv3_model_command command;
    char note[200];
};

static struct event events[EVENTS];
static uint64_t event_count;
static char text[16384];
static size_t used;
static jmp_buf caught;
static bool catching;

static const char *const rule[] = {
    [I1] = "I1: no stream bypasses translation.",
    [I3] =
        "I3: a stream reaches frames of the partition that owns its group, as that mapped them, and "
        "nothing else.",
    [I4] =
        "I4: a frame, table page or tag is used again only after the invalidation that covers it has "
        "completed.",
    [I5] = "I5: a tag names one root.",
    [I6] = "I6: every way out of ownership ends parked.",
    [I11] =
        "I11: while its entry is changed a stream sees the old translation, the new one or nothing, "
        "never a mixture.",
    [I14] = "I14: no stream reaches the hypervisor's tables and queues.",
    [ITSELF] = "The observer disagrees with itself.",
    [DEAF] = "The observer is told of all that happens.",
};

/* ---- Events ------------------------------------------------------------------------------------------- */

static struct event *add_event(enum event_kind kind)
{
    struct event *event = &events[event_count++ % EVENTS];

    event->kind = kind;
    event->number = ++observer.now;
    observer.counts.events++;
    return event;
}

void report_reset(void)
{
    event_count = 0;
    text[0] = '\0';
    used = 0;
}

void report_store(const struct host_store *store)
{
    add_event(EVENT_STORE)->store = *store;
}

void report_command(unsigned int unit, const struct smmuv3_model_command *command)
{
    struct event *event = add_event(EVENT_COMMAND);

    event->unit = unit;
    event->command = *command;
}

void report_note(const char *format, ...)
{
    struct event *event = add_event(EVENT_NOTE);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(event->note, sizeof(event->note), format, arguments);
    va_end(arguments);
}

const char *report_partition(unsigned int partition)
{
    return partition < machine.partition_count ? machine.partition[partition].name : "?";
}

static const char *result_name(int64_t result)
{
    static const char *const names[] = { "OK",     "NOT_SUPPORTED", "ENOENT", "EPERM",
                                         "EBUSY",  "EINVAL",        "EEXIST", "ERANGE",
                                         "ENOSPC", "EOPNOTSUPP",    "EAGAIN", "ETIMEDOUT",
                                         "EFAULT" };

    return result <= 0 && -result < (int64_t)ARRAY_LENGTH(names) ? names[-result] : NULL;
}

static void call_text(const struct pending_call *call, char *to, size_t size)
{
    static const struct {
        const char *name;
        unsigned int arguments;
    } calls[] = {
        [BH_CALL_VERSION] = { "version", 0 },
        [BH_CALL_FEATURES] = { "features", 1 },
        [BH_CALL_PARTITION_INFO] = { "partition_info", 1 },
        [BH_CALL_DEVICE_INFO] = { "device_info", 2 },
        [BH_CALL_DEVICE_BIND] = { "device_bind", 2 },
        [BH_CALL_DEVICE_UNBIND] = { "device_unbind", 1 },
        [BH_CALL_IOAS_ALLOC_PAGING] = { "ioas_alloc_paging", 2 },
        [BH_CALL_IOAS_FREE] = { "ioas_free", 1 },
        [BH_CALL_IOAS_MAP] = { "ioas_map", 5 },
        [BH_CALL_IOAS_UNMAP] = { "ioas_unmap", 3 },
        [BH_CALL_ATTACH] = { "attach", 3 },
        [BH_CALL_DETACH] = { "detach", 2 },
        [BH_CALL_QUERY] = { "query", 3 },
        [BH_CALL_CONSOLE_WRITE] = { "console_write", 2 },
        [BH_CALL_POWER] = { "power", 2 },
        [BH_CALL_EVENT_RING] = { "event_ring", 1 },
        [BH_CALL_CONSOLE_READ] = { "console_read", 2 },
        [BH_CALL_IOAS_RANGES] = { "ioas_ranges", 2 },
        [BH_CALL_IOAS_RESERVE] = { "ioas_reserve", 3 },
        [BH_CALL_IOAS_COPY] = { "ioas_copy", 1 },
        [BH_CALL_IOAS_REMAP] = { "ioas_remap", 5 },
        [BH_CALL_IOAS_UNMAP_ALL] = { "ioas_unmap_all", 3 },
        [BH_CALL_IOAS_MAP_BATCH] = { "ioas_map_batch", 3 },
        [BH_CALL_IOAS_UNMAP_BATCH] = { "ioas_unmap_batch", 3 },
        [BH_CALL_REPLACE] = { "replace", 3 },
        [BH_CALL_DEVICE_RESET] = { "device_reset", 1 },
        [BH_CALL_NOTIFY] = { "notify", 1 },
        [BH_CALL_YIELD] = { "yield", 0 },
        [BH_CALL_DEVICE_CONFIG_READ] = { "device_config_read", 3 },
        [BH_CALL_DEVICE_CONFIG_WRITE] = { "device_config_write", 4 },
        [BH_CALL_MSI_BIND] = { "msi_bind", 4 },
        [BH_CALL_PARTITION_CONTROL] = { "partition_control", 2 },
        [BH_CALL_DEVICE_GIVE] = { "device_give", 2 },
    };
    bool known = call->number < ARRAY_LENGTH(calls) && calls[call->number].name != NULL;
    unsigned int count = known ? calls[call->number].arguments : 0;
    int length = snprintf(to, size, "partition %s: %s(", report_partition(call->partition),
                          known ? calls[call->number].name : "a call");

    for (unsigned int i = 1; i <= count && length > 0 && (size_t)length < size; i++)
        length += snprintf(to + length, size - (size_t)length, "%s0x%llx", i > 1 ? ", " : "",
                           (unsigned long long)call->x[i]);
    if (length > 0 && (size_t)length < size)
        snprintf(to + length, size - (size_t)length, ")");
}

void report_call(const struct pending_call *call, const uint64_t *x)
{
    char line[160];

    call_text(call, line, sizeof(line));
    if (x == NULL)
        report_note("%s begins", line);
    else if (result_name((int64_t)x[0]) != NULL)
        report_note("%s answered %s, x1=0x%llx", line, result_name((int64_t)x[0]),
                    (unsigned long long)x[1]);
    else
        report_note("%s answered 0x%llx", line, (unsigned long long)x[0]);
}

/* ---- Text ---------------------------------------------------------------------------------------------- */

static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text + used, sizeof(text) - used, format, arguments);

    va_end(arguments);
    if (length > 0)
        used = min_u64(used + (size_t)length, sizeof(text) - 1);
}

/* Which word of which structure an address is. */
static void say_place(uint64_t address)
{
    char owner[160];
    uint32_t stream, count;
    unsigned int word;

    for (unsigned int unit = 0; unit < machine.unit_count; unit++) {
        const struct topology_range *queue = observer.unit[unit].queue;

        if (entries_find(unit, address, &stream, &count, &word)) {
            if (word == DECODE_STE_WORDS)
                say("the first-level descriptor of streams 0x%x to 0x%x of unit %u", stream,
                    stream + count - 1, unit);
            else
                say("word %u of the entry of stream 0x%x of unit %u", word, stream, unit);
            return;
        }
        if (address - queue[0].base < queue[0].size) {
            say("word %u of slot %llu of the command queue of unit %u",
                (unsigned int)((address - queue[0].base) / 8 % 2),
                (unsigned long long)((address - queue[0].base) / 16), unit);
            return;
        }
    }
    say("entry %llu of the page 0x%llx: %s",
        (unsigned long long)(address % PAGE_SIZE / sizeof(uint64_t)),
        (unsigned long long)align_down(address, PAGE_SIZE),
        pages_text(address, owner, sizeof(owner)));
}

static void say_event(const struct event *event)
{
    char line[400];

    say("  %6llu  ", (unsigned long long)event->number);
    switch (event->kind) {
    case EVENT_STORE:
        say("visible: %s\n          ", host_store_text(&event->store, line, sizeof(line)));
        say_place(event->store.address);
        break;
    case EVENT_COMMAND:
        say("unit %u consumed %s", event->unit,
            decode_command_text(&event->command, line, sizeof(line)));
        break;
    case EVENT_NOTE:
        say("%s", event->note);
        break;
    }
    say("\n");
}

/* A store to an entry of the stream table: the entry before and after. */
static void say_entry_change(const struct event *event)
{
    uint64_t before[DECODE_STE_WORDS], after[DECODE_STE_WORDS];
    char line[600];
    uint32_t id, count;
    unsigned int word = DECODE_STE_WORDS, unit;

    for (unit = 0; unit < machine.unit_count; unit++) {
        if (observer_view(unit) == event->store.view &&
            entries_find(unit, event->store.address, &id, &count, &word))
            break;
    }
    if (unit == machine.unit_count || word == DECODE_STE_WORDS)
        return;
    observer_read(unit, event->store.address - word * sizeof(uint64_t), after, DECODE_STE_WORDS);
    memcpy(before, after, sizeof(before));
    before[word] = event->store.before;
    say("  before  %s\n", decode_ste_text(before, line, sizeof(line)));
    say("  after   %s\n", decode_ste_text(after, line, sizeof(line)));
    say("  change  %s\n", decode_ste_change(before, after, line, sizeof(line)));
}

static void say_just_before(void)
{
    const struct event *event = &events[(event_count - 1) % EVENTS];
    char line[200];

    if (event_count == 0)
        return;
    say("\nJust before\n");
    say_event(event);
    if (event->kind == EVENT_STORE)
        say_entry_change(event);
    for (unsigned int i = 0; i < HOST_CPUS; i++) {
        if (!observer.call[i].active)
            continue;
        call_text(&observer.call[i], line, sizeof(line));
        say("          under way: %s\n", line);
    }
}

static bool reaches(const struct pieces *reach, const struct piece *piece)
{
    struct piece wanted = *piece, lacking;

    /* A table page that is free is named without an access. */
    return piece->access == 0 ||
           !pieces_lacks(reach, &(struct pieces){ .count = 1, .item = &wanted }, &lacking);
}

/* From the entry down to where the address leads, as memory says. */
static void say_walk(const struct stream *stream, const struct piece *piece)
{
    uint64_t words[DECODE_STE_WORDS], level1, table, next = 0, descriptor;
    uint64_t entry = entries_address(stream->unit, stream->id, &level1);
    char line[600], owner[160];

    if (entry == 0 || !observer.unit[stream->unit].enabled)
        return;
    observer_read(stream->unit, entry, words, DECODE_STE_WORDS);
    struct decoded_ste ste = decode_ste(words);
    bool stage1 = ste.kind == DECODED_STAGE1;

    say("\nThe walk, as memory stands\n  entry at 0x%llx: %s\n", (unsigned long long)entry,
        decode_ste_text(words, line, sizeof(line)));
    if (stage1) {
        observer_read(stream->unit, ste.context, words, DECODE_CD_WORDS);
        decode_cd(&ste, words);
        say("  context descriptor at 0x%llx: %s\n", (unsigned long long)ste.context,
            decode_cd_text(words, line, sizeof(line)));
    }
    if (ste.kind != DECODED_STAGE2 && ste.kind != DECODED_STAGE1) {
        if (piece != NULL)
            say("  memory leads nowhere: the unit goes by an entry that it has cached\n");
        return;
    }
    say("  root 0x%llx: %s\n", (unsigned long long)ste.root,
        pages_text(ste.root, owner, sizeof(owner)));
    table = ste.root;
    for (unsigned int level = ste.start_level; piece != NULL && level < LEVELS; level++) {
        uint64_t index = piece->iova >> decode_level_shift(level) & 511;
        unsigned long long address = table + index * sizeof(descriptor);

        observer_read(stream->unit, address, &descriptor, 1);
        enum decoded_descriptor kind = decode_descriptor(level, descriptor, &next);

        say("  level %u [%llu] at 0x%llx = 0x%llx: %s\n", level, (unsigned long long)index, address,
            (unsigned long long)descriptor,
            decode_descriptor_text(level, stage1, descriptor, line, sizeof(line)));
        if (kind == DECODED_INVALID)
            say("  memory ends here%s\n",
                reaches(&stream->all, piece) ? ": the unit goes on by what it has cached" : "");
        if (kind != DECODED_TABLE)
            break;
        table = next;
    }
}

/* How the stream gets there. */
static const char *way_text(const struct stream *stream, const struct piece *piece)
{
    if (stream == NULL || reaches(&stream->memory, piece))
        return "";
    return reaches(&stream->all, piece) ? ", through a cache of the unit" : ": or it should";
}

static void say_stream(const struct stream *stream, const struct piece *piece)
{
    char line[200];

    if (stream != NULL)
        say("  stream 0x%x of unit %u: %s\n", stream->id, stream->unit,
            ledger_text(stream->unit, stream->id, line, sizeof(line)));
    if (piece == NULL)
        return;
    if (piece->access != 0 && piece->pasid != BH_PASID_NONE)
        say("  with the PASID 0x%x\n", piece->pasid);
    if (piece->access != 0)
        say("  it %s%s%s 0x%llx to 0x%llx at the physical address 0x%llx%s\n",
            (piece->access & BH_MAP_READ) != 0 ? "reads" : "",
            piece->access == (BH_MAP_READ | BH_MAP_WRITE) ? " and " : "",
            (piece->access & BH_MAP_WRITE) != 0 ? "writes" : "", (unsigned long long)piece->iova,
            (unsigned long long)(piece->iova + piece->size - 1), (unsigned long long)piece->address,
            way_text(stream, piece));
    say("  which is %s\n", pages_text(piece->address, line, sizeof(line)));
}

static void say_events(void)
{
    uint64_t first = event_count > SHOWN ? event_count - SHOWN : 0;

    say("\nThe last events\n");
    for (uint64_t i = first; i < event_count; i++)
        say_event(&events[i % EVENTS]);
}

_Noreturn void report_violation(enum invariant invariant, const struct stream *stream,
                                const struct piece *piece, const char *what, ...)
{
    va_list arguments;

    used = 0;
    say("\n---- observer: a rule is broken -------------------------------------------------\n%s\n",
        rule[invariant]);
    say("\nWhat is wrong\n  ");
    va_start(arguments, what);
    used += (size_t)vsnprintf(text + used, sizeof(text) - used, what, arguments);
    va_end(arguments);
    say("\n");
    say_stream(stream, piece);
    say_just_before();
    if (stream != NULL)
        say_walk(stream, piece);
    say_events();
    say("\nSeed 0x%llx, event %llu. Replay: OBSERVER_SEED=0x%llx build/host/unit-tests '%s'\n",
        (unsigned long long)observer.seed, (unsigned long long)observer.now,
        (unsigned long long)observer.seed, unit_test_name != NULL ? unit_test_name : "*");
    say("---------------------------------------------------------------------------------\n");
    observer.on = false;
    host_visible = NULL;
    machine.watch = NULL;
    if (catching)
        longjmp(caught, 1);
    (void)fputs(text, stderr);
    fail_msg("the observer found that a rule is broken: %s", rule[invariant]);
    abort();
}

/* Runs a scenario; false: it ended with a violation. */
bool report_catch(void (*scenario)(void))
{
    volatile bool clean = false;

    catching = true;
    if (setjmp(caught) == 0) {
        scenario();
        clean = true;
    }
    catching = false;
    return clean;
}

const char *report_text(void)
{
    return text;
}
