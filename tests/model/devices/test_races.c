/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded orders: requests of a device, an unmap with its invalidations, and the freedoms of the
 * unit, in any order. What an honest device asked for never lands after the last CMD_SYNC; what a
 * dishonest one asked for does, for some seed.
 */
#include "devices.h"
#include "fixture_pcie.h"

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
    race->seed = race->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((race->seed >> 33) % of);
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

/* Stalls: any order of retries and terminations; what is terminated and not retried never lands. */
static void every_stall_ends_once_and_as_it_was_decided(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct race race = { .a = full(true), .seed = seed };
        struct machine *m = race.a.machine;
        const struct device_settings settings = { .stream_id = SID };
        uint64_t numbers[REQUESTS];
        unsigned ended = 0;

        race.bus = bus_create(m->unit);
        race.device = bus_add(race.bus, &settings);
        if (seed % 2) {
            smmuv3_model_set_chooser(m->unit, choose, &race);
        }
        for (unsigned i = 0; i < REQUESTS; i++) {
            const struct device_command command = {
                .write = true,
                .iova = PAGE + UINT64_C(4096) * draw(&race, 2),
                .value = VALUE,
            };

            numbers[i] = device_issue(race.device, &command);
        }
        for (unsigned steps = 0; steps < LIMIT && ended < REQUESTS; steps++) {
            bus_step_seeded(race.bus, &race.seed);
            if (draw(&race, 2) && events_waiting(m)) {
                struct smmuv3_model_event event = take_event(m);

                assert_true(event.stall);
                submit(m, RESUME(SID, event.stag, draw(&race, 2), 1));
            }
            ended = 0;
            for (unsigned i = 0; i < REQUESTS; i++) {
                struct device_report report = device_report(race.device, numbers[i]);

                ended += report.progress == DEVICE_DONE;
                if (report.progress == DEVICE_DONE) {
                    assert_int_equal(report.result.outcome, SMMUV3_MODEL_ABORT);
                }
            }
        }
        if (ended != REQUESTS) {
            fail_msg("seed %llu: only %u requests ended", (unsigned long long)seed, ended);
        }
        assert_int_equal(smmuv3_model_stalls(m->unit), 0);
        assert_no_errors(m);
        bus_destroy(race.bus);
        machine_stop(m);
    }
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
