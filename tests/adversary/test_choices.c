/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of choices and its campaigns: seeds, replay, all orders, and how short a failure becomes. */
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "tests/adversary/campaign.h"
#include "tests/adversary/choices.h"
#include "tests/unit/groups.h"
#include "tests/unit/machine.h"

static struct choices *record;
static struct choice kept[64];

static void ask(unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        choices_next("test", 2 + i % 5);
}

static void a_seed_and_a_recorded_list_give_the_same_choices_again(void)
{
    unsigned int different = 0;

    record = choices_create();
    for (uint64_t seed = 1; seed < 20; seed++) {
        choices_from_seed(record, seed);
        ask(64);
        different += memcmp(kept, record->item, sizeof(kept)) != 0;
        memcpy(kept, record->item, sizeof(kept));
        choices_from_seed(record, seed);
        ask(64);
        assert_memory_equal(kept, record->item, sizeof(kept));
        choices_from_list(record, kept, 64);
        ask(64);
        assert_memory_equal(kept, record->item, sizeof(kept));
    }
    assert_true(different > 15);
    choices_from_list(record, kept, 3);
    ask(64);
    for (unsigned int i = 3; i < 64; i++)
        assert_int_equal(record->item[i].taken, 0);
}

static unsigned int *outcomes; /* shared with the runs */

static void share_outcomes(void)
{
    outcomes = (void *)choices_create();
}

static void two_then_three(void)
{
    unsigned int first = choices_next("test", 2), second = choices_next("test", 3);
    unsigned int third = second == 2 ? choices_next("test", 4) : 0;

    outcomes[first * 12 + second * 4 + third]++;
}

static void all_sequences_of_choices_are_gone_through_once_each(void)
{
    share_outcomes();
    assert_int_equal(campaign_all(__func__, two_then_three, 100), 2 * (2 + 4));
    for (unsigned int first = 0; first < 2; first++) {
        for (unsigned int i = 0; i < 12; i++)
            assert_int_equal(outcomes[first * 12 + i], i == 0 || i == 4 || i >= 8 ? 1 : 0);
    }
}

/* Fails where the 51st choice is 3 and one of the choices from the 120th on is 1. */
static void needle(void)
{
    bool first = false, second = false;

    for (unsigned int i = 0; i < 200; i++) {
        unsigned int taken = choices_next("test", 4);

        first = first || (i == 50 && taken == 3);
        second = second || (i >= 120 && taken == 1);
    }
    assert_false(first && second);
}

static void a_failing_run_shrinks_to_the_choices_that_it_needs(void)
{
    uint64_t seed, again;

    assert_int_equal(campaign_shortest(needle, 500, &seed), 2);
    assert_int_equal(campaign_shortest(needle, 500, &again), 2);
    assert_int_equal(seed, again);
}

/* ---- Stores ------------------------------------------------------------------------------------- */

#define A UINT64_C(0x46000000)
#define B (A + 64)

static unsigned int order, seen;

static void note(const struct host_store *store)
{
    order = order * 4 + (unsigned int)store->sequence + 1;
    seen++;
}

static void three_stores(void)
{
    host_visible = note;
    host_stores_mode(HOST_STORES_SCHEDULED);
    entry_write64(memory_pointer(A), 1);
    entry_write64(memory_pointer(A), 2);
    entry_write64(memory_pointer(B), 3);
    barrier_entries();
    assert_int_equal(seen, 3);
    outcomes[order]++;
}

static void all_orders_of_a_short_sequence_become_visible_and_no_other(void)
{
    /* Stores 1 and 2 go to one address; written in base 4. */
    static const unsigned int legal[] = { 0x1B, 0x1E, 0x36 }; /* 1 2 3, 1 3 2, 3 1 2 */
    unsigned int orders = 0;

    machine_reset();
    share_outcomes();
    campaign_all(__func__, three_stores, 1000);
    for (unsigned int i = 0; i < 64; i++)
        orders += outcomes[i] != 0;
    assert_int_equal(orders, ARRAY_LENGTH(legal));
    for (size_t i = 0; i < ARRAY_LENGTH(legal); i++)
        assert_true(outcomes[legal[i]] != 0);
}

/* A table that a pointer in front leads to: filled, then linked. */
static void link_table(bool barrier)
{
    uint64_t pointer, filled;

    host_stores_mode(HOST_STORES_SCHEDULED);
    entry_write64(memory_pointer(B), 7);
    if (barrier)
        barrier_entries();
    entry_write64(memory_pointer(A), B);
    host_hardware_read(A, &pointer, sizeof(pointer));
    host_hardware_read(B, &filled, sizeof(filled));
    assert_true(pointer == 0 || filled == 7);
    (void)time_now();
    host_hardware_read(A, &pointer, sizeof(pointer));
    host_hardware_read(B, &filled, sizeof(filled));
    assert_true(pointer == 0 || filled == 7);
}

static void link_without(void)
{
    link_table(false);
}

static void link_with(void)
{
    link_table(true);
}

static void a_missing_barrier_between_two_stores_is_found_by_one_choice(void)
{
    uint64_t seed;

    machine_reset();
    assert_int_equal(campaign_shortest(link_without, 100, &seed), 1);
    assert_int_equal(campaign_shortest(link_with, 100, &seed), -1);
    assert_true(campaign_all(__func__, link_with, 100) > 2);
}

int run_choices_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_seed_and_a_recorded_list_give_the_same_choices_again),
        TEST(all_sequences_of_choices_are_gone_through_once_each),
        TEST(a_failing_run_shrinks_to_the_choices_that_it_needs),
        TEST(all_orders_of_a_short_sequence_become_visible_and_no_other),
        TEST(a_missing_barrier_between_two_stores_is_found_by_one_choice),
    };

    return RUN_GROUP("host/choices");
}
