/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded orders: requests of a device, an unmap with its invalidations, and the freedoms of the
 * unit, in any order. What an honest device asked for never lands after the last CMD_SYNC; what a
 * dishonest one asked for does, for some seed.
 */
#include "devices.h"
#include "fixture_pcie.h"
#include "tests/random.h"

#define PAGE UINT64_C(0x7000)
#define VALUE UINT64_C(0x5a5a5a5a5a5a5a5a)

enum {
    SEEDS = 300,
    REQUESTS = 6,
    LIMIT = 10000,
};

struct race {
    struct assigned a;
    struct bus *bus;
    struct device *device;
    uint64_t seed;
};

static unsigned draw(struct race *race, unsigned of)
{
    return (unsigned)random_below(&race->seed, of);
}

/* Mostly the plainest. */
static unsigned choose(void *context, enum smmuv3_model_choice what, unsigned of)
{
    struct race *race = context;

    (void)what;
    return draw(race, 4) ? 0 : draw(race, of);
}

static bool synced(const struct race *race)
{
    return (smmuv3_model_read32(race->a.machine->unit, AT_CMDQ_CONS) & 0x1f) ==
           race->a.machine->cmdq_prod;
}

static void some_steps(struct race *race)
{
    for (unsigned steps = draw(race, 8); steps; steps--) {
        bus_step_seeded(race->bus, &race->seed);
    }
}

static void issue(struct race *race)
{
    struct device_command command = {
        .write = true,
        .iova = PAGE + UINT64_C(8) * draw(race, 4),
        .value = VALUE,
        .untranslated = !draw(race, 4),
        .hold = draw(race, 3),
        .hold_again = draw(race, 6),
    };

    device_issue(race->device, &command);
}

/* Unmap, invalidate the unit, then the device, each with its CMD_SYNC; devices go on meanwhile. */
static bool unmap_page(struct race *race)
{
    struct machine *m = race->a.machine;

    poke(m, descriptor_at(m, &race->a.geometry, race->a.root, PAGE, 3), 0);
    some_steps(race);
    submit(m, TLBI_IPA(VMID, PAGE, 1));
    some_steps(race);
    send_sync(m);
    some_steps(race);
    submit(m, ATC_INV(SID, PAGE, 0));
    some_steps(race);
    send_sync(m);
    for (unsigned i = 0; i < LIMIT && !synced(race); i++) {
        if (!bus_step_seeded(race->bus, &race->seed)) {
            return false;
        }
    }
    return synced(race);
}

/* Whether anything landed after software was told that nothing would. */
static bool lands_late(uint64_t seed, bool free, const struct device_manners *manners)
{
    struct race race = { .a = full_ats(1, true), .seed = seed };
    struct device_settings settings = { .stream_id = SID, .ats = true };
    struct machine *m = race.a.machine;
    bool late = false;

    settings.manners = *manners;
    race.bus = bus_create(m->unit);
    settings.answer_hold = draw(&race, 3);
    race.device = bus_add(race.bus, &settings);
    if (free) {
        smmuv3_model_set_chooser(m->unit, choose, &race);
    }
    map(m, &race.a.geometry, race.a.root, PAGE, 3, race.a.page, 0);
    for (unsigned i = 0; i < REQUESTS; i++) {
        issue(&race);
        some_steps(&race);
    }
    assert_true(unmap_page(&race));
    for (unsigned i = 0; i < 4; i++) {
        poke(m, race.a.page + UINT64_C(8) * i, 0); /* the page has another owner now */
    }
    issue(&race);
    bus_run(race.bus, LIMIT);
    assert_int_equal(bus_pending(race.bus), 0);
    for (unsigned i = 0; i < 4; i++) {
        late |= peek(m, race.a.page + UINT64_C(8) * i) != 0;
    }
    bus_destroy(race.bus);
    machine_stop(m);
    return late;
}

static void an_honest_device_never_lands_after_the_last_sync(void **state)
{
    const struct device_manners honest = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        if (lands_late(seed, seed % 2, &honest)) {
            fail_msg("seed %llu: a write landed in a page given away", (unsigned long long)seed);
        }
    }
}

static void a_dishonest_one_does_for_some_seed(void **state)
{
    const struct device_manners kinds[] = {
        { .lies_about_invalidations = true },
        { .answers_with_requests_in_flight = true },
    };

    (void)state;
    for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
        unsigned late = 0;

        for (uint64_t seed = 0; seed < SEEDS && !late; seed++) {
            late += lands_late(seed, seed % 2, &kinds[kind]);
        }
        assert_true(late > 0);
    }
}

/* ------------------------------------------------------------------ stalls */

enum decision { UNDECIDED, RETRY, TERMINATE, COMPLETE, DECISIONS };

/* Requests to two pages, a place each; a page is mapped from some retry on. */
struct stalls {
    struct race race;
    bool free;
    uint64_t numbers[REQUESTS];
    bool mapped[2];
    enum decision decided[REQUESTS]; /* last */
    bool ended[REQUESTS];
};

static uint64_t place_of(unsigned request)
{
    return UINT64_C(4096) * (request % 2) + UINT64_C(8) * request;
}

static void start_stalls(struct stalls *s)
{
    const struct device_settings settings = { .stream_id = SID };

    s->race.bus = bus_create(s->race.a.machine->unit);
    s->race.device = bus_add(s->race.bus, &settings);
    if (s->free) {
        smmuv3_model_set_chooser(s->race.a.machine->unit, choose, &s->race);
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct device_command command = {
            .write = true,
            .iova = PAGE + place_of(i),
            .value = VALUE,
        };

        s->numbers[i] = device_issue(s->race.device, &command);
    }
}

static void decide(struct stalls *s)
{
    struct race *race = &s->race;
    struct machine *m = race->a.machine;
    struct smmuv3_model_event event = take_event(m);
    unsigned request = (unsigned)((event.input_address & 0xfff) / 8);
    unsigned page = request % 2;
    enum decision decision = (enum decision)(RETRY + draw(race, 3));

    assert_true(event.stall);
    assert_true(request < REQUESTS);
    assert_false(s->ended[request]);
    if (decision == RETRY && !draw(race, 3) && !s->mapped[page]) {
        map(m, &race->a.geometry, race->a.root, PAGE + UINT64_C(4096) * page, 3, race->a.page, 0);
        s->mapped[page] = true;
    }
    s->decided[request] = decision;
    submit(m, RESUME(SID, event.stag, decision == RETRY, decision == TERMINATE));
}

/* A unit that is free may retry before it terminates (4.7.1). */
static bool as_decided(const struct stalls *s, unsigned request, enum smmuv3_model_outcome outcome)
{
    if (outcome == SMMUV3_MODEL_OK) {
        return s->mapped[request % 2] && (s->free || s->decided[request] <= RETRY);
    }
    return outcome == (s->decided[request] == TERMINATE  ? SMMUV3_MODEL_ABORT
                       : s->decided[request] == COMPLETE ? SMMUV3_MODEL_RAZ_WI
                                                         : SMMUV3_MODEL_OK);
}

/* Counts, by outcome, what ended since last time. */
static void note_ends(struct stalls *s, unsigned ends[SMMUV3_MODEL_NOT_MODELLED + 1], uint64_t seed)
{
    struct machine *m = s->race.a.machine;

    for (unsigned i = 0; i < REQUESTS; i++) {
        struct device_report report = device_report(s->race.device, s->numbers[i]);
        enum smmuv3_model_outcome outcome = report.result.outcome;

        if (s->ended[i]) {
            assert_int_equal(report.progress, DEVICE_DONE);
        } else if (report.progress == DEVICE_DONE) {
            if (!as_decided(s, i, outcome) || (peek(m, s->race.a.page + UINT64_C(8) * i) ==
                                               VALUE) != (outcome == SMMUV3_MODEL_OK)) {
                fail_msg("seed %llu: request %u ends with outcome %d, decided %d, page mapped %d",
                         (unsigned long long)seed, i, (int)outcome, (int)s->decided[i],
                         s->mapped[i % 2]);
            }
            s->ended[i] = true;
            ends[outcome]++;
        }
    }
}

static unsigned count_ended(const struct stalls *s)
{
    unsigned count = 0;

    for (unsigned i = 0; i < REQUESTS; i++) {
        count += s->ended[i];
    }
    return count;
}

/* Any order of retries and terminations; what is terminated and not retried never lands. */
static void every_stall_ends_once_and_as_it_was_decided(void **state)
{
    unsigned ends[SMMUV3_MODEL_NOT_MODELLED + 1] = { 0 };

    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct stalls s = { .race = { .a = full_stalls(), .seed = seed }, .free = seed % 2 };
        struct machine *m = s.race.a.machine;

        start_stalls(&s);
        for (unsigned steps = 0; steps < LIMIT && count_ended(&s) < REQUESTS; steps++) {
            bus_step_seeded(s.race.bus, &s.race.seed);
            if (draw(&s.race, 2) && events_waiting(m)) {
                decide(&s);
            }
            note_ends(&s, ends, seed);
        }
        if (count_ended(&s) != REQUESTS) {
            fail_msg("seed %llu: only %u requests ended", (unsigned long long)seed,
                     count_ended(&s));
        }
        assert_int_equal(smmuv3_model_stalls(m->unit), 0);
        assert_no_errors(m);
        bus_destroy(s.race.bus);
        machine_stop(m);
    }
    assert_int_equal(ends[SMMUV3_MODEL_OK] + ends[SMMUV3_MODEL_ABORT] + ends[SMMUV3_MODEL_RAZ_WI],
                     SEEDS * REQUESTS);
    assert_true(ends[SMMUV3_MODEL_OK] > SEEDS / 2);
    assert_true(ends[SMMUV3_MODEL_ABORT] > SEEDS / 2);
    assert_true(ends[SMMUV3_MODEL_RAZ_WI] > SEEDS / 2);
}

int run_race_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_device_never_lands_after_the_last_sync),
        cmocka_unit_test(a_dishonest_one_does_for_some_seed),
        cmocka_unit_test(every_stall_ends_once_and_as_it_was_decided),
    };

    return cmocka_run_group_tests_name("seeded orders", tests, NULL, NULL);
}
