/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose other CPU, or whose device, changes a structure or an event ring in the midst of a call, between
 * any two instructions that touch it: what was checked is what is used, and the answer is that of the old or of
 * the new contents. Calls and events read guest memory in four places: the size of a structure that is filled, the
 * bytes of console_write, a ring's consumer index, and what names mappings (test_fetches_named.c).
 */
#include <string.h>

#include "kernel/events.h"
#include "tests/adversary/memory_watch.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define BASE UINT64_C(0x40000000)
#define VISIBLE (UINT64_C(0x400000) - 64 * PAGE_SIZE)
#define STRUCTURE (BASE + 0x210000)
#define TEXT (BASE + 0x220000)
#define RING (BASE + 0x180000)
#define PATTERN 0xA5
#define ACCESSES 64 /* more than any call makes to a structure */

static uint64_t ioas;

static void start(void)
{
    machine_plain();
    machine.partition[0].pci[1] = DEVICE2_NAME;
    machine_boot();
    ioas = bind_and_attach(0, DEVICE1_ID, 1);
    assert_int_equal(bind(0, DEVICE2_ID, 2), BH_OK);
}

/* The host's own looks at what a store replaces and at what it left (store_buffer.c) are none of the kernel's. */
static bool by_kernel(const struct memory_access *access)
{
    static const char *const host[] = { "host_store", "report_coherent", "seen" };

    for (unsigned int i = 0; i < ARRAY_LENGTH(host) && !access->write; i++) {
        if (strcmp(access->function, host[i]) == 0)
            return false;
    }
    return true;
}

/* ---- Which memory a call reads ---------------------------------------------------------------------------- */

static struct {
    unsigned int count;
    uint64_t offset[ACCESSES * 8];
    const char *function[ACCESSES * 8];
} reads;

static void note_reads(const struct memory_access *access)
{
    if (access->write || !by_kernel(access))
        return;
    assert_true(reads.count < ARRAY_LENGTH(reads.offset));
    reads.function[reads.count] = access->function;
    reads.offset[reads.count++] = access->offset;
}

/* All memory of the partition is watched. */
static int64_t watched_call(uint64_t number, const uint64_t *x)
{
    reads.count = 0;
    memory_watch(guest(0, BASE), VISIBLE, note_reads);
    int64_t answer = call(0, number, x[0], x[1], x[2], x[3], x[4]);

    memory_watch_end();
    return answer;
}

static void expect_reads(uint64_t number, unsigned int count)
{
    if (reads.count != count)
        fail_msg("call %llu reads %u times in its caller's memory, not %u: first 0x%llx by %s",
                 (unsigned long long)number, reads.count, count,
                 (unsigned long long)(reads.count != 0 ? reads.offset[0] : 0),
                 reads.count != 0 ? reads.function[0] : "nobody");
}

struct taker {
    uint64_t number, x[5];
    uint64_t bytes; /* of the structure */
    uint64_t first; /* of its first version */
};

static const struct taker takers[] = {
    { BH_CALL_PARTITION_INFO, { STRUCTURE }, sizeof(struct bh_partition_info), 88 },
    { BH_CALL_DEVICE_INFO, { 0, STRUCTURE }, sizeof(struct bh_device_info), 200 },
    { BH_CALL_QUERY, { BH_QUERY_STATE, STRUCTURE, DEVICE1_ID }, sizeof(struct bh_query_state), 40 },
    { BH_CALL_QUERY, { BH_QUERY_FAULT, STRUCTURE, DEVICE1_ID }, sizeof(struct bh_query_fault), 56 },
    { BH_CALL_QUERY, { BH_QUERY_POOL, STRUCTURE }, sizeof(struct bh_query_pool), 40 },
    { BH_CALL_QUERY, { BH_QUERY_HEALTH, STRUCTURE }, sizeof(struct bh_query_health), 64 },
    { BH_CALL_QUERY, { BH_QUERY_COUNTERS, STRUCTURE }, sizeof(struct bh_query_counters), 40 },
    { BH_CALL_QUERY, { BH_QUERY_DIGEST, STRUCTURE }, sizeof(struct bh_query_digest), 40 },
    { BH_CALL_QUERY,
      { BH_QUERY_CALLS, STRUCTURE, BH_PARTITION_SELF },
      sizeof(struct bh_query_calls),
      1040 },
};

static void write_size(uint64_t size)
{
    memcpy(guest(0, STRUCTURE), &size, sizeof(size));
}

static void i10_of_a_structure_its_size_is_read_once_and_nothing_else(void)
{
    start();
    for (unsigned int i = 0; i < ARRAY_LENGTH(takers); i++) {
        for (uint64_t size = takers[i].first - 1; size <= takers[i].bytes + 1; size++) {
            write_size(size);
            assert_int_equal(watched_call(takers[i].number, takers[i].x),
                             size < takers[i].first ? BH_EINVAL : BH_OK);
            expect_reads(takers[i].number, 1);
            assert_int_equal(reads.offset[0], STRUCTURE - BASE);
        }
    }
}

static void i10_other_calls_read_nothing_of_their_callers_memory(void)
{
    const struct taker calls[] = {
        { .number = BH_CALL_VERSION },
        { .number = BH_CALL_FEATURES, .x = { 3 } },
        { .number = BH_CALL_IOAS_MAP, .x = { ioas, 0x10000, BASE, 0x3000, 3 } },
        { .number = BH_CALL_IOAS_REMAP, .x = { ioas, 0x10000, BASE + 0x8000, 0x3000, 3 } },
        { .number = BH_CALL_IOAS_UNMAP, .x = { ioas, 0x10000, 0x3000 } },
        { .number = BH_CALL_IOAS_UNMAP_ALL, .x = { ioas } },
        { .number = BH_CALL_DETACH, .x = { DEVICE1_ID, BH_PASID_NONE } },
        { .number = BH_CALL_ATTACH, .x = { DEVICE1_ID, BH_PASID_NONE, ioas } },
        { .number = BH_CALL_DETACH, .x = { DEVICE1_ID, BH_PASID_NONE } },
        { .number = BH_CALL_DEVICE_UNBIND, .x = { DEVICE1_ID } },
        { .number = BH_CALL_IOAS_ALLOC_PAGING, .x = { DEVICE2_ID } },
        { .number = BH_CALL_EVENT_RING, .x = { RING } },
        { .number = BH_CALL_EVENT_RING },
        { .number = BH_CALL_CONSOLE_READ, .x = { TEXT, 200 } },
    };

    start();
    for (unsigned int i = 0; i < ARRAY_LENGTH(calls); i++) {
        struct taker one = calls[i];

        if (one.x[0] == 0 && one.number != BH_CALL_EVENT_RING)
            one.x[0] = ioas;
        if (one.number == BH_CALL_ATTACH)
            one.x[2] = ioas;
        assert_true(watched_call(one.number, one.x) >= 0);
        expect_reads(one.number, 0);
    }
    assert_int_equal(watched_call(BH_CALL_IOAS_FREE, (const uint64_t[5]){ ioas }), BH_OK);
    expect_reads(BH_CALL_IOAS_FREE, 0);
    assert_int_equal(watched_call(BH_CALL_DEVICE_BIND, (const uint64_t[5]){ DEVICE1_ID, 9 }),
                     BH_EAGAIN);
    expect_reads(BH_CALL_DEVICE_BIND, 0);
}

/* ---- A size that changes -------------------------------------------------------------------------------- */

static unsigned int turn, change_at;
static uint64_t change_to;

/* The other CPU's store comes ahead of one access. */
static void change_size(const struct memory_access *access)
{
    (void)access;
    if (turn++ == change_at)
        write_size(change_to);
}

typedef int64_t answerer(const struct taker *taker);

/* Each is the first one: what counts calls says the same of it every time. */
static int64_t by_call(const struct taker *taker)
{
    partitions.partition[0].recorded = 0;
    return call(0, taker->number, taker->x[0], taker->x[1], taker->x[2], taker->x[3], taker->x[4]);
}

static bool is_pattern(const uint8_t *page, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        if (page[i] != PATTERN)
            return false;
    }
    return true;
}

/* Whether result, and what stands behind the size, is what a caller with room for size bytes gets. */
static bool is_answer_to(const struct taker *taker, uint64_t size, int64_t result,
                         const uint8_t *page, const uint8_t *expected)
{
    uint64_t filled = min_u64(size, taker->bytes);

    if (size < taker->first)
        return result == BH_EINVAL && is_pattern(page, 8, 2 * PAGE_SIZE);
    return result == BH_OK && is_pattern(page, filled, 2 * PAGE_SIZE) &&
           memcmp(page + 8, expected + 8, filled - 8) == 0;
}

/* The call on a structure whose size is `before` until the access of that number, and `after` from then on. False:
 * what came of it is neither the answer to the one nor to the other. */
static bool holds(answerer *answer, const struct taker *taker, uint64_t before, uint64_t after,
                  unsigned int at, const uint8_t *expected)
{
    uint8_t *page = guest(0, STRUCTURE);

    memset(page - PAGE_SIZE, PATTERN, 3 * PAGE_SIZE);
    write_size(before);
    turn = 0;
    change_at = at;
    change_to = after;
    memory_watch(page - PAGE_SIZE, 3 * PAGE_SIZE, change_size);
    int64_t result = answer(taker);

    memory_watch_end();

    return is_pattern(page - PAGE_SIZE, 0, PAGE_SIZE) &&
           (is_answer_to(taker, before, result, page, expected) ||
            is_answer_to(taker, after, result, page, expected));
}

/* Over every moment of the change; answers how many broke the rule. */
static unsigned int broken(answerer *answer, const struct taker *taker)
{
    const uint64_t sizes[] = { 0,
                               taker->first - 1,
                               taker->first,
                               taker->bytes - 1,
                               taker->bytes,
                               taker->bytes + 64,
                               PAGE_SIZE,
                               UINT64_MAX };
    static uint8_t expected[PAGE_SIZE];
    unsigned int count = 0;

    write_size(taker->bytes);
    assert_int_equal(by_call(taker), BH_OK);
    memcpy(expected, guest(0, STRUCTURE), sizeof(expected));
    for (unsigned int i = 0; i < ARRAY_LENGTH(sizes) * ARRAY_LENGTH(sizes); i++) {
        uint64_t before = sizes[i / ARRAY_LENGTH(sizes)], after = sizes[i % ARRAY_LENGTH(sizes)];
        bool more = true;

        for (unsigned int at = 0; more; at++) {
            count += !holds(answer, taker, before, after, at, expected);
            more = turn > at; /* the change came */
            assert_true(at < ACCESSES * 8);
        }
    }
    return count;
}

static void i10_a_size_that_changes_in_the_midst_of_a_call_is_the_old_or_the_new_one(void)
{
    start();
    for (unsigned int i = 0; i < ARRAY_LENGTH(takers); i++) {
        unsigned int count = broken(by_call, &takers[i]);

        if (count != 0)
            fail_msg("call %llu, structure %u: %u mixtures of old and new",
                     (unsigned long long)takers[i].number, i, count);
    }
}

/* ---- The watch itself: code that reads twice --------------------------------------------------------------- */

/* Checks the size and then reads it again to copy so much: what no check of a finished call shows. */
static int64_t reads_twice(const struct taker *taker)
{
    static uint8_t filled[512];
    volatile uint64_t *size = guest(0, STRUCTURE);
    uint64_t need = taker->bytes;

    memset(filled, 0, sizeof(filled));
    if (*size < need || need > sizeof(filled))
        return BH_EINVAL;
    memcpy(guest(0, STRUCTURE), filled, min_u64(*size, sizeof(filled)));
    return BH_OK;
}

/* The right way, by the same watch. */
static int64_t reads_once(const struct taker *taker)
{
    volatile uint64_t *size = guest(0, STRUCTURE);

    return *size < taker->bytes ? BH_EINVAL : by_call(taker);
}

static void the_watch_finds_what_reads_twice_and_each_read_of_it(void)
{
    start();
    write_size(takers[4].bytes);
    reads.count = 0;
    memory_watch(guest(0, BASE), VISIBLE, note_reads);
    assert_int_equal(reads_twice(&takers[4]), BH_OK);
    memory_watch_end();
    assert_int_equal(reads.count, 2);
    assert_string_equal(reads.function[0], "reads_twice");
    assert_true(broken(reads_twice, &takers[4]) > 0);
    /* Checked before and checked again by the call: still one of the two. */
    assert_int_equal(broken(reads_once, &takers[4]), 0);
}

/* ---- Bytes for the console ----------------------------------------------------------------------------------- */

#define LENGTH 200

static void change_text(const struct memory_access *access)
{
    (void)access;
    if (turn++ == change_at)
        memset(guest(0, TEXT), '\x1b', LENGTH);
}

static void i10_text_that_changes_in_the_midst_of_a_call_is_filtered_as_it_was_read(void)
{
    unsigned int at = 0, old = 0, changed = 0;

    start();
    do {
        memset(guest(0, TEXT), 'a', LENGTH);
        *(char *)guest(0, TEXT + LENGTH) = '\n';
        machine_drain_console();
        size_t from = machine.console_used;

        turn = 0;
        change_at = at;
        memory_watch(guest(0, TEXT), PAGE_SIZE, change_text);
        assert_int_equal(call2(0, BH_CALL_CONSOLE_WRITE, TEXT, LENGTH + 1), BH_OK);
        memory_watch_end();
        machine_drain_console();
        const char *line = machine.console + from;

        assert_int_equal(machine.console_used - from, sizeof("[one] ") + LENGTH);
        assert_memory_equal(line, "[one] ", 6);
        for (unsigned int i = 0; i < LENGTH; i++) {
            char c = line[6 + i];

            old += c == 'a';
            changed += c == '.';
            if (c != 'a' && c != '.')
                fail_msg("byte %u came out as 0x%x", i, (unsigned char)c);
        }
        at++;
    } while (turn >= at);
    assert_true(old > 0 && changed > 0);
}

/* ---- An event ring ------------------------------------------------------------------------------------------- */

static volatile uint64_t *ring_page;
static unsigned int change_word;
static unsigned int consumer_reads;
static uint64_t slot_written; /* where the record of this event goes */

/* What the hypervisor reads and writes there; and the other CPU's store into the header. */
static void change_ring(const struct memory_access *access)
{
    uint64_t offset = access->offset - PAGE_SIZE;
    const uint64_t record = sizeof(struct bh_event);
    uint64_t first = offsetof(struct bh_event_ring, record) + slot_written * record;

    if (by_kernel(access) && !access->write) {
        if (offset != offsetof(struct bh_event_ring, consumer))
            fail_msg("%s reads 0x%llx of the ring", access->function, (unsigned long long)offset);
        consumer_reads++;
    }
    if (access->write && (offset >= 64 ? offset - first >= record : offset == 16))
        fail_msg("%s writes 0x%llx of the ring; the record is that of slot %llu", access->function,
                 (unsigned long long)offset, (unsigned long long)slot_written);
    if (turn++ == change_at)
        ring_page[change_word] = change_to;
}

/* One event while a word of the header changes. */
static void post_while_changed(uint64_t before, unsigned int at, bool *added)
{
    const struct event_ring *ring = &partitions.partition[0].events;
    const struct bh_event event = { .type = BH_EVENT_FAULT, .iova = 0x1234 };
    uint64_t sequence = ring->sequence, lost = ring->lost, producer = ring->producer;

    slot_written = producer;
    ring_page[2] = before;
    turn = 0;
    change_at = at;
    consumer_reads = 0;
    memory_watch(guest(0, RING - PAGE_SIZE), 3 * PAGE_SIZE, change_ring);
    event_post(&partitions.partition[0], &event, true);
    memory_watch_end();
    *added = ring->producer != producer;
    assert_int_equal(ring->sequence, sequence + 1);
    assert_int_equal(ring->lost, lost + !*added);
    assert_int_equal(ring->producer, *added ? (producer + 1) % BH_EVENT_RECORDS : producer);
    assert_int_equal(consumer_reads, *added ? 2 : 1);
    assert_true(is_pattern(guest(0, RING - PAGE_SIZE), 0, PAGE_SIZE));
    assert_true(is_pattern(guest(0, RING + PAGE_SIZE), 0, PAGE_SIZE));
}

static bool has_room(uint64_t consumer, uint64_t producer)
{
    return consumer < BH_EVENT_RECORDS && consumer != (producer + 1) % BH_EVENT_RECORDS;
}

/* Each word of the header becomes hostile at each moment; the event is added or lost as the old or the new index
 * says. */
static void i10_a_ring_that_changes_in_the_midst_of_an_event_takes_it_or_counts_it(void)
{
    static const uint64_t hostile[] = {
        0, 1, 62, BH_EVENT_RECORDS, 64, BIT(32), BIT(63), UINT64_MAX
    };
    unsigned int taken = 0, missed = 0;

    start();
    ring_page = guest(0, RING);
    memset(guest(0, RING - PAGE_SIZE), PATTERN, PAGE_SIZE);
    memset(guest(0, RING + PAGE_SIZE), PATTERN, PAGE_SIZE);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, RING), BH_OK);
    for (unsigned int i = 0; i < ARRAY_LENGTH(hostile) * ARRAY_LENGTH(hostile) * 8; i++) {
        uint64_t before = hostile[i / 8 % ARRAY_LENGTH(hostile)];
        bool added, more = true;

        change_word = i % 8;
        change_to = hostile[i / 8 / ARRAY_LENGTH(hostile)];
        for (unsigned int at = 0; more; at++) {
            uint64_t producer = partitions.partition[0].events.producer;
            bool old_room = has_room(before, producer);
            bool new_room = change_word == 2 ? has_room(change_to, producer) : old_room;

            post_while_changed(before, at, &added);
            taken += added;
            missed += !added;
            if (added ? !old_room && !new_room : old_room && new_room)
                fail_msg("word %u turned to 0x%llx at access %u: the event was %s", change_word,
                         (unsigned long long)change_to, at, added ? "added" : "lost");
            more = turn > at;
        }
    }
    assert_true(taken > 100 && missed > 100);
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, 0), BH_OK);
}

int run_fetches_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i10_of_a_structure_its_size_is_read_once_and_nothing_else),
        TEST(i10_other_calls_read_nothing_of_their_callers_memory),
        TEST(i10_a_size_that_changes_in_the_midst_of_a_call_is_the_old_or_the_new_one),
        TEST(the_watch_finds_what_reads_twice_and_each_read_of_it),
        TEST(i10_text_that_changes_in_the_midst_of_a_call_is_filtered_as_it_was_read),
        TEST(i10_a_ring_that_changes_in_the_midst_of_an_event_takes_it_or_counts_it),
    };

    return RUN_GROUP("structures changed in the midst of a call");
}
