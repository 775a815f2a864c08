/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event ring between two CPUs: the hypervisor adds records on one while the guest takes them on another,
 * and sees each store no sooner than the named barriers promise (kernel/events.c). No record is torn or
 * missing, and no reader sleeps over one.
 */
#include <string.h>

#include "arch/host/store_buffer.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/hardware.h"
#include "tests/unit/groups.h"

#define BASE UINT64_C(0x40000000)
#define RING (BASE + 0x180000)
#define EVENTS 12
#define MANY (BH_EVENT_RECORDS + 20) /* more than a ring takes from a reader that sleeps */
#define PATTERN 0xA5

static const struct host_schedule schedule = { .steps_limit = 200000 };
static unsigned int posts;   /* how many events there are in a run */
static bool posted;          /* all of them */
static uint64_t next_number; /* that the reader expects */
static uint64_t taken;

static void expect_finished(void)
{
    if (host_schedule(&schedule) != HOST_FINISHED)
        fail_msg("%llu of %u events taken; the run ended with %s", (unsigned long long)taken, posts,
                 host_schedule_report());
}

/* Every field says which event it is. */
static void post_all(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < posts; i++) {
        const struct bh_event event = { .type = i,
                                        .device = i,
                                        .label = i,
                                        .iova = i,
                                        .pasid = i,
                                        .access = i,
                                        .cause = i,
                                        .iommu = i,
                                        .cookie = i };

        event_post(&partitions.partition[0], &event, true);
    }
    posted = true;
}

/* ---- A guest that reads as the ABI says ---------------------------------------------------------------- */

/* What another CPU than the one that stores sees. */
static uint64_t see(size_t offset)
{
    uint64_t word;

    host_between();
    host_hardware_read(memory_physical(guest(0, RING)) + offset, &word, sizeof(word));
    return word;
}

static void take(uint64_t slot)
{
    size_t at = offsetof(struct bh_event_ring, record) + slot * sizeof(struct bh_event);
    union {
        uint64_t word[sizeof(struct bh_event) / sizeof(uint64_t)];
        struct bh_event event;
    } seen;

    for (size_t i = 0; i < ARRAY_LENGTH(seen.word); i++)
        seen.word[i] = see(at + i * sizeof(uint64_t));
    uint64_t n = seen.event.iova;

    if (seen.event.sequence != n || seen.event.type != n || seen.event.device != n ||
        seen.event.label != n || seen.event.pasid != n || seen.event.access != n ||
        seen.event.cause != n || seen.event.iommu != n || seen.event.cookie != n)
        fail_msg("the record in slot %llu is torn: number %llu, address %llu, cookie %llu",
                 (unsigned long long)slot, (unsigned long long)seen.event.sequence,
                 (unsigned long long)n, (unsigned long long)seen.event.cookie);
    if (n < next_number)
        fail_msg("event %llu comes after event %llu", (unsigned long long)n,
                 (unsigned long long)next_number - 1);
    next_number = n + 1;
    taken++;
}

static void sleep_until_woken(void)
{
    struct vcpu *vcpu = &partitions.partition[0].vcpu;

    while (atomic_exchange(&vcpu->interrupts, 0) == 0)
        cpu_relax();
}

/* Sleeps whenever there is nothing, until it has taken the last event, or all that the ring took. */
static void read_all(void *unused)
{
    struct bh_event_ring *ring = guest(0, RING);
    uint64_t consumer = 0;

    (void)unused;
    for (;;) {
        sleep_until_woken();
        while (see(offsetof(struct bh_event_ring, producer)) != consumer) {
            take(consumer);
            consumer = (consumer + 1) % BH_EVENT_RECORDS;
            host_between();
            ring->consumer = consumer;
            if (next_number == posts)
                return;
        }
        if (posted && next_number + ring->lost == posts)
            return;
    }
}

static void read_while_written(void)
{
    posts = EVENTS;
    posted = false;
    next_number = 0;
    taken = 0;
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(0, post_all, NULL);
    host_cpu_start(1, read_all, NULL);
    expect_finished();
    host_stores_release_all();
    assert_int_equal(taken, EVENTS);
    assert_int_equal(((struct bh_event_ring *)guest(0, RING))->lost, 0);
}

static void boot(void)
{
    machine_plain();
    machine_boot();
    assert_int_equal(call1(0, BH_CALL_EVENT_RING, RING), BH_OK);
}

static void i9_a_reader_on_another_cpu_sees_each_record_whole_and_sleeps_over_none(void)
{
    boot();
    campaign_seeds(__func__, read_while_written, campaign(3000));
}

/* ---- A ring that runs full meanwhile ---------------------------------------------------------------------- */

/* Takes what is there without sleeping, until all is said. */
static void read_now_and_then(void *unused)
{
    struct bh_event_ring *ring = guest(0, RING);
    uint64_t consumer = 0;
    bool last;

    (void)unused;
    do {
        last = posted;
        for (unsigned int i = guest_choice(200); i > 0 && !last; i--)
            host_between();
        while (see(offsetof(struct bh_event_ring, producer)) != consumer) {
            take(consumer);
            consumer = (consumer + 1) % BH_EVENT_RECORDS;
            ring->consumer = consumer;
        }
    } while (!last);
}

static void read_too_slowly(void)
{
    const struct bh_event_ring *ring = guest(0, RING);

    posts = MANY;
    posted = false;
    next_number = 0;
    taken = 0;
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(0, post_all, NULL);
    host_cpu_start(1, read_now_and_then, NULL);
    expect_finished();
    host_stores_release_all();
    if (taken + ring->lost != MANY || ring->sequence != MANY)
        fail_msg("of %u events %llu were taken and %llu counted as lost; the next is %llu", MANY,
                 (unsigned long long)taken, (unsigned long long)ring->lost,
                 (unsigned long long)ring->sequence);
}

static void i9_what_a_slow_reader_takes_and_what_is_counted_as_lost_is_all_there_was(void)
{
    boot();
    campaign_seeds(__func__, read_too_slowly, campaign(1000));
}

/* ---- A ring that comes and goes ------------------------------------------------------------------------------- */

static void open_and_withdraw(void *unused)
{
    uint8_t *page = guest(0, RING);

    (void)unused;
    for (unsigned int round = 0; round < 3; round++) {
        assert_int_equal(guest_call(0, BH_CALL_EVENT_RING, 0, 0, 0, 0, 0, NULL), BH_OK);
        memset(page, PATTERN, PAGE_SIZE);
        for (unsigned int i = guest_choice(20); i > 0; i--)
            host_between();
        for (unsigned int i = 0; i < PAGE_SIZE; i += sizeof(uint64_t)) {
            uint64_t word = i % 64 == 0 ? see(i) : *(const uint64_t *)(const void *)(page + i);

            if (word != UINT64_C(0xA5A5A5A5A5A5A5A5))
                fail_msg("word %u of a page that is no ring any more was written", i / 8);
        }
        assert_int_equal(guest_call(0, BH_CALL_EVENT_RING, RING, 0, 0, 0, 0, NULL), BH_OK);
    }
}

static void come_and_go(void)
{
    posts = EVENTS;
    posted = false;
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(1, post_all, NULL);
    host_cpu_start(0, open_and_withdraw, NULL);
    expect_finished();
}

static void i4_a_page_is_the_guests_own_again_when_the_call_that_withdraws_it_returns(void)
{
    boot();
    campaign_seeds(__func__, come_and_go, campaign(500));
}

int run_reader_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(i9_a_reader_on_another_cpu_sees_each_record_whole_and_sleeps_over_none),
        TEST(i9_what_a_slow_reader_takes_and_what_is_counted_as_lost_is_all_there_was),
        TEST(i4_a_page_is_the_guests_own_again_when_the_call_that_withdraws_it_returns),
    };

    return RUN_GROUP("kernel/events, two CPUs");
}
