/* SPDX-License-Identifier: Apache-2.0 */
/* Several CPUs of the host machine: where one gives way to another, what locks order, what ends a run. */
#include <string.h>

#include "lib/lock.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

#define A UINT64_C(0x46000000)
#define B (A + 64)

static struct lock first, second;
static unsigned int counter;
static bool locked;

static void expect(enum host_verdict wanted, const struct host_schedule *schedule)
{
    enum host_verdict verdict = host_schedule(schedule);

    if (verdict != wanted)
        fail_msg("the run ended with %s", host_schedule_report());
}

static const struct host_schedule plain = { .event_count = 0 };

/* ---- Interleaving ------------------------------------------------------------------------------- */

static void count_up(void *unused)
{
    (void)unused;
    for (unsigned int i = 0; i < 3; i++) {
        if (locked)
            lock_acquire(&first);
        unsigned int seen = counter;

        (void)time_now();
        counter = seen + 1;
        if (locked)
            lock_release(&first);
    }
}

static void two_count(void)
{
    host_cpu_start(0, count_up, NULL);
    host_cpu_start(1, count_up, NULL);
    expect(HOST_FINISHED, &plain);
    assert_int_equal(counter, 6);
}

static void an_update_without_a_lock_is_lost_in_some_run_and_with_one_in_none(void)
{
    uint64_t seed;

    machine_reset();
    assert_int_equal(campaign_shortest(two_count, 100, &seed), 1);
    locked = true;
    campaign_seeds(__func__, two_count, campaign(1000));
}

/* What a run did, as a number. */
static uint64_t *traces;

static void trace_counting(void)
{
    locked = true;
    two_count();
    traces[++traces[0]] = host_steps();
}

static void the_same_seed_gives_the_same_run(void)
{
    unsigned int different = 0;

    machine_reset();
    traces = (void *)choices_create();
    campaign_seeds(__func__, trace_counting, 40);
    campaign_seeds(__func__, trace_counting, 40);
    for (unsigned int i = 1; i <= 40; i++) {
        assert_int_equal(traces[i], traces[40 + i]);
        different += traces[i] != traces[1];
    }
    assert_true(different > 5);
}

/* ---- Ends of a run ------------------------------------------------------------------------------ */

static void take_both(void *argument)
{
    struct lock *one = argument, *other = one == &first ? &second : &first;

    lock_acquire(one);
    lock_acquire(other);
    lock_release(other);
    lock_release(one);
}

static void opposite_orders(void)
{
    host_cpu_start(0, take_both, &first);
    host_cpu_start(1, take_both, &second);
    expect(HOST_FINISHED, &plain);
}

static unsigned int always_the_other(const char *what, unsigned int count)
{
    (void)what;
    return count - 1;
}

static void a_deadlock_ends_the_run_and_is_told_with_locks_and_holders(void)
{
    uint64_t seed;

    machine_reset();
    assert_int_equal(campaign_shortest(opposite_orders, 100, &seed), 1);
    host_choose = always_the_other;
    host_cpu_start(0, take_both, &first);
    host_cpu_start(1, take_both, &second);
    assert_int_equal(host_schedule(&plain), HOST_DEADLOCK);
    if (strstr(host_schedule_report(), "CPU 0: blocked, at a wait of take_both") == NULL ||
        strstr(host_schedule_report(), "in second, held by CPU 1") == NULL ||
        strstr(host_schedule_report(), "in first, held by CPU 0") == NULL)
        fail_msg("told as: %s", host_schedule_report());
}

static void store_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        entry_write64(memory_pointer(A), 1);
}

static void a_run_without_end_ends_at_its_limit_of_steps(void)
{
    const struct host_schedule schedule = { .steps_limit = 5000 };

    machine_reset();
    host_cpu_start(1, store_for_ever, NULL);
    assert_int_equal(host_schedule(&schedule), HOST_LIVELOCK);
    assert_non_null(strstr(host_schedule_report(), "livelock after 5001 steps"));
    if (strstr(host_schedule_report(), "at a store of store_for_ever") == NULL)
        fail_msg("told as: %s", host_schedule_report());
}

static void wait_for_deadline(void *argument)
{
    uint64_t deadline = time_deadline(100000);

    while (!time_passed(deadline))
        cpu_relax();
    *(bool *)argument = true;
}

static void time_passes_while_every_cpu_waits(void)
{
    bool done[2] = { false, false };

    machine_reset();
    host_cpu_start(0, wait_for_deadline, &done[0]);
    host_cpu_start(1, wait_for_deadline, &done[1]);
    expect(HOST_FINISHED, &plain);
    assert_true(done[0] && done[1]);
    assert_true(host_steps() < 2000);
}

/* ---- Stores and locks --------------------------------------------------------------------------- */

static bool written;

static void write_then_release(void *unused)
{
    (void)unused;
    lock_acquire(&first);
    entry_write64(memory_pointer(A), 1);
    written = true;
    lock_release(&first);
}

static void take_then_look(void *unused)
{
    uint64_t seen;

    (void)unused;
    lock_acquire(&first);
    host_hardware_read(A, &seen, sizeof(seen));
    assert_int_equal(seen, written ? 1 : 0);
    lock_release(&first);
}

static void hand_over(void)
{
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(0, write_then_release, NULL);
    host_cpu_start(1, take_then_look, NULL);
    expect(HOST_FINISHED, &plain);
}

static void who_takes_a_lock_finds_what_was_stored_before_it_was_released_seen(void)
{
    machine_reset();
    campaign_seeds(__func__, hand_over, campaign(500));
}

static void write_and_end(void *unused)
{
    (void)unused;
    entry_write64(memory_pointer(A), 1);
    written = true;
}

static void look_without_lock(void *unused)
{
    uint64_t seen;

    (void)unused;
    while (!written)
        cpu_relax();
    host_hardware_read(A, &seen, sizeof(seen));
    assert_int_equal(seen, 1);
}

static void no_hand_over(void)
{
    host_stores_mode(HOST_STORES_SCHEDULED);
    host_cpu_start(0, write_and_end, NULL);
    host_cpu_start(1, look_without_lock, NULL);
    expect(HOST_FINISHED, &plain);
}

static void without_a_lock_or_barrier_it_may_find_it_unseen(void)
{
    uint64_t seed;

    machine_reset();
    /* The plainest run is such a one already. */
    assert_int_equal(campaign_shortest(no_hand_over, 100, &seed), 0);
}

/* ---- Interrupts --------------------------------------------------------------------------------- */

static bool inside;
static unsigned int *taken; /* [0] inside of the hypervisor, [1] outside; shared with the runs */

static void handler(void *unused)
{
    (void)unused;
    assert_int_equal(host_cpu, 0);
    taken[inside ? 0 : 1]++;
}

static void in_hypervisor(void *unused)
{
    (void)unused;
    inside = true;
    for (unsigned int i = 0; i < 5; i++)
        (void)time_now();
    inside = false;
}

static void guest_with_calls(void *unused)
{
    (void)unused;
    host_raise(77);
    for (unsigned int i = 0; i < 3; i++) {
        host_between();
        host_run(in_hypervisor, NULL);
        host_between();
    }
}

static void with_interrupt(void)
{
    unsigned int before = taken[1];

    host_cpu_start(0, guest_with_calls, NULL);
    expect(HOST_FINISHED, &plain);
    assert_int_equal(taken[1], before + 1);
}

static void an_interrupt_is_taken_once_by_the_boot_cpu_outside_of_the_hypervisor(void)
{
    machine_reset();
    taken = (void *)choices_create();
    assert_true(arch_interrupt_enable(77, true, handler, NULL));
    campaign_seeds(__func__, with_interrupt, campaign(200));
    assert_int_equal(taken[0], 0);
    assert_int_equal(taken[1], campaign(200));
}

int run_cpus_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_update_without_a_lock_is_lost_in_some_run_and_with_one_in_none),
        TEST(the_same_seed_gives_the_same_run),
        TEST(a_deadlock_ends_the_run_and_is_told_with_locks_and_holders),
        TEST(a_run_without_end_ends_at_its_limit_of_steps),
        TEST(time_passes_while_every_cpu_waits),
        TEST(who_takes_a_lock_finds_what_was_stored_before_it_was_released_seen),
        TEST(without_a_lock_or_barrier_it_may_find_it_unseen),
        TEST(an_interrupt_is_taken_once_by_the_boot_cpu_outside_of_the_hypervisor),
    };

    return RUN_GROUP("host/CPUs");
}
