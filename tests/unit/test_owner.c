/* SPDX-License-Identifier: Apache-2.0 */
/* The owner word (kernel/owner.c): every transition, and two CPUs that want the same group. */
#include <pthread.h>

#include "groups.h"
#include "kernel/device.h"
#include "unit.h"

enum step { CLAIM, RELEASE, CLAIM_HYPERVISOR, RELEASE_HYPERVISOR, STEPS };

/* The rule, as a table in words: none leads to the others, the others only to none. */
static bool expected(struct owner *owner, enum step step, uint32_t partition)
{
    bool mine = owner->state == OWNER_PARTITION && owner->index == partition;

    switch (step) {
    case CLAIM:
        if (owner->state != OWNER_NONE && !mine)
            return false;
        *owner = (struct owner){ OWNER_PARTITION, partition, owner->count + 1 };
        return true;
    case RELEASE:
        if (!mine)
            return false;
        if (owner->count > 1) {
            owner->count--;
            return false;
        }
        *owner = (struct owner){ OWNER_NONE, 0, 0 };
        return true;
    case CLAIM_HYPERVISOR:
        if (owner->state != OWNER_NONE)
            return false;
        *owner = (struct owner){ OWNER_HYPERVISOR, 0, 0 };
        return true;
    case RELEASE_HYPERVISOR:
    default:
        if (owner->state != OWNER_HYPERVISOR)
            return false;
        *owner = (struct owner){ OWNER_NONE, 0, 0 };
        return true;
    }
}

static bool apply(_Atomic uint64_t *word, enum step step, uint32_t partition)
{
    switch (step) {
    case CLAIM:
        return owner_claim(word, partition);
    case RELEASE:
        return owner_release(word, partition);
    case CLAIM_HYPERVISOR:
        return owner_claim_hypervisor(word);
    case RELEASE_HYPERVISOR:
    default:
        return owner_release_hypervisor(word);
    }
}

/* Every sequence of up to `depth` steps of three partitions from a state. */
static void explore(uint64_t from, struct owner owner, unsigned int depth)
{
    for (unsigned int step = 0; step < STEPS && depth > 0; step++) {
        for (uint32_t partition = 0; partition < 3; partition++) {
            _Atomic uint64_t word = from;
            struct owner next = owner;
            bool answer = expected(&next, (enum step)step, partition);

            assert_int_equal(apply(&word, (enum step)step, partition), answer);
            struct owner got = owner_decode(atomic_load(&word));

            assert_int_equal(got.state, next.state);
            assert_int_equal(got.index, next.index);
            assert_int_equal(got.count, next.count);
            explore(atomic_load(&word), next, depth - 1);
        }
    }
}

static void row_3_10_row_3_16_row_3_17_every_sequence_of_five_steps_follows_the_table(void)
{
    explore(0, (struct owner){ OWNER_NONE, 0, 0 }, 5);
}

static void a_word_of_zero_is_nobodys(void)
{
    assert_int_equal(owner_decode(0).state, OWNER_NONE);
    assert_int_equal(owner_decode(0).count, 0);
}

static void the_count_does_not_overflow_into_another_owner(void)
{
    _Atomic uint64_t word = 0;

    assert_true(owner_claim(&word, 3));
    atomic_store(&word, atomic_load(&word) | BITS(63, 32));
    assert_false(owner_claim(&word, 3));
    assert_int_equal(owner_decode(atomic_load(&word)).index, 3);
    assert_int_equal(owner_decode(atomic_load(&word)).count, UINT32_MAX);
}

#define ROUNDS 20000

struct racer {
    uint32_t partition;
    pthread_barrier_t *barrier;
    _Atomic uint64_t *word;
    _Atomic uint32_t *inside;
    uint32_t wins;
    bool collided;
};

static void *race(void *argument)
{
    struct racer *racer = argument;

    for (unsigned int round = 0; round < ROUNDS; round++) {
        if (round % 100 == 0)
            pthread_barrier_wait(racer->barrier);
        if (!owner_claim(racer->word, racer->partition))
            continue;
        racer->wins++;
        if (atomic_fetch_add(racer->inside, 1) != 0)
            racer->collided = true;
        atomic_fetch_sub(racer->inside, 1);
        if (!owner_release(racer->word, racer->partition))
            racer->collided = true;
    }
    return NULL;
}

static void row_3_17_row_3_24_of_two_cpus_that_claim_a_group_exactly_one_wins(void)
{
    _Atomic uint64_t word = 0;
    _Atomic uint32_t inside = 0;
    pthread_barrier_t barrier;
    pthread_t thread[2];
    struct racer racer[2];

    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (uint32_t i = 0; i < 2; i++) {
        racer[i] = (struct racer){
            .partition = i, .barrier = &barrier, .word = &word, .inside = &inside
        };
        assert_int_equal(pthread_create(&thread[i], NULL, race, &racer[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_false(racer[0].collided || racer[1].collided);
    assert_true(racer[0].wins > 0 && racer[1].wins > 0);
    assert_int_equal(atomic_load(&word), 0);
}

struct once {
    pthread_barrier_t *barrier;
    _Atomic uint64_t *words;
    uint32_t partition;
};

static void *claim_each(void *argument)
{
    const struct once *once = argument;

    pthread_barrier_wait(once->barrier);
    for (unsigned int i = 0; i < ROUNDS; i++)
        owner_claim(&once->words[i], once->partition);
    return NULL;
}

static void a_claim_that_is_never_given_back_has_one_owner_and_a_count_of_one(void)
{
    static _Atomic uint64_t words[ROUNDS];
    pthread_barrier_t barrier;
    pthread_t thread[2];
    struct once once[2];

    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (uint32_t i = 0; i < 2; i++) {
        once[i] = (struct once){ .barrier = &barrier, .words = words, .partition = i };
        assert_int_equal(pthread_create(&thread[i], NULL, claim_each, &once[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        assert_int_equal(owner_decode(words[i]).state, OWNER_PARTITION);
        assert_int_equal(owner_decode(words[i]).count, 1);
    }
}

int run_owner_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(row_3_10_row_3_16_row_3_17_every_sequence_of_five_steps_follows_the_table),
        TEST(a_word_of_zero_is_nobodys),
        TEST(the_count_does_not_overflow_into_another_owner),
        TEST(row_3_17_row_3_24_of_two_cpus_that_claim_a_group_exactly_one_wins),
        TEST(a_claim_that_is_never_given_back_has_one_owner_and_a_count_of_one),
    };

    return RUN_GROUP("kernel/owner");
}
