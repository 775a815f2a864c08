/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model devices: honest ones keep the rules of the bus and of ATS, the others break them.
 */
#include "fixture_devices.h"

static bool synced(struct bench *b)
{
    return (smmuv3_model_read32(b->m->unit, AT_CMDQ_CONS) & 0x1f) == b->m->cmdq_prod;
}

/* ------------------------------------------------------------------ plain masters */

static void a_device_reads_and_writes_when_it_is_let(void **state)
{
    struct bench b = bench_of(false, false, NULL);
    struct device_command read = { .iova = PAGE, .hold = 2 };
    uint64_t number = 0;
    char text[100];

    (void)state;
    map_page(&b, PAGE);
    number = write_at(&b, PAGE);
    assert_int_equal(peek(b.m, b.a.page), 0);
    assert_int_equal(bus_pending(b.bus), 1);
    bus_describe(b.bus, 0, text, sizeof(text));
    assert_string_equal(text, "stream 0x5: request 1, write 0x7000, to be presented");
    assert_true(bus_step(b.bus, 0));
    assert_false(bus_step(b.bus, 0));
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    number = device_issue(b.device, &read);
    bus_step(b.bus, 0);
    bus_step(b.bus, 0);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_PENDING);
    bus_step(b.bus, 0);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_OK);
    assert_memory_equal(device_report(b.device, number).data, "\x11\x22\x33\x44\x55\x66\x77\x88",
                        8);
    stop_bench(&b);
}

static void a_held_request_lands_after_its_page_is_gone_only_where_the_unit_lets_it(void **state)
{
    struct bench b = bench_of(false, false, NULL);
    uint64_t number = 0;

    (void)state;
    map_page(&b, PAGE);
    number = write_at(&b, PAGE);
    unmap_page(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    assert_int_equal(take_event(b.m).number, F_TRANSLATION);
    assert_int_equal(peek(b.m, b.a.page), 0);
    stop_bench(&b);
}

static void a_message_interrupt_is_four_bytes_untranslated(void **state)
{
    struct bench b = bench_of(true, false, NULL);

    (void)state;
    map_page(&b, PAGE);
    poke(b.m, b.a.page, ~UINT64_C(0));
    device_msi(b.device, PAGE, 0x1234);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), UINT64_C(0xffffffff00001234));
    assert_int_equal(device_cached(b.device), 0);
    stop_bench(&b);
}

static void a_forged_requester_is_taken_for_the_other_stream(void **state)
{
    struct bench b = bench_of(false, false, NULL);
    struct device_settings settings = { .stream_id = SID + 1 };
    struct device *forger = bus_add(b.bus, &settings);
    struct device_command command = { .write = true, .iova = PAGE, .value = VALUE };

    (void)state;
    map_page(&b, PAGE);
    device_issue(forger, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(take_event(b.m).stream_id, SID + 1); /* it has no STE */
    command.forges = true;
    command.forged = SID;
    device_issue(forger, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop_bench(&b);
}

static void a_pasid_that_nobody_granted_is_refused_by_the_unit(void **state)
{
    struct bench b = bench_of(false, false, NULL);
    struct device_command command = { .iova = PAGE, .has_pasid = true, .pasid = 9 };
    uint64_t number = device_issue(b.device, &command);

    (void)state;
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    assert_int_equal(take_event(b.m).number, C_BAD_SUBSTREAMID);
    stop_bench(&b);
}

static void a_flood_is_many_requests(void **state)
{
    struct bench b = bench_of(false, false, NULL);

    (void)state;
    device_flood(b.device, 50, PAGE, 4096);
    assert_int_equal(bus_pending(b.bus), 50);
    bus_run(b.bus, LIMIT);
    assert_int_equal(smmuv3_model_events_recorded(b.m->unit), 4);
    assert_int_equal(smmuv3_model_events_lost(b.m->unit), 46);
    stop_bench(&b);
}

static void a_stalled_request_waits_for_software_and_then_goes_on(void **state)
{
    struct bench b = { .a = full(true) };
    const struct device_settings settings = { .stream_id = SID };
    uint64_t number = 0;

    (void)state;
    b.m = b.a.machine;
    b.bus = bus_create(b.m->unit);
    b.device = bus_add(b.bus, &settings);
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_WAITS);
    assert_int_equal(bus_pending(b.bus), 0);
    map_page(&b, PAGE);
    submit(b.m, RESUME(SID, take_event(b.m).stag, 1, 0));
    assert_int_equal(bus_pending(b.bus), 1);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop_bench(&b);
}

static void a_reset_drops_what_is_pending(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    uint64_t number = 0;

    (void)state;
    map_page(&b, PAGE);
    number = write_at(&b, PAGE);
    bus_step(b.bus, 0);
    assert_int_equal(device_cached(b.device), 1);
    device_reset(b.device);
    assert_int_equal(write_at(&b, PAGE), 0);
    assert_int_equal(bus_pending(b.bus), 0);
    assert_int_equal(device_cached(b.device), 0);
    device_leave_reset(b.device);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_DROPPED);
    assert_int_equal(peek(b.m, b.a.page), 0);
    stop_bench(&b);
}

static void a_device_may_work_on_in_reset(void **state)
{
    const struct device_manners manners = { .works_in_reset = true };
    struct bench b = bench_of(false, false, &manners);

    (void)state;
    map_page(&b, PAGE);
    device_reset(b.device);
    assert_int_not_equal(write_at(&b, PAGE), 0);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop_bench(&b);
}

/* ------------------------------------------------------------------ ATS */

static void a_translation_is_asked_for_once_and_used_from_the_cache(void **state)
{
    struct bench b = bench_of(true, false, NULL);

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    assert_true(bus_step(b.bus, 0));
    assert_true(device_holds(b.device, -1, PAGE));
    assert_int_equal(peek(b.m, b.a.page), 0); /* asked, not used */
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    unmap_page(&b, PAGE); /* nobody tells the device */
    poke(b.m, b.a.page, 0);
    write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    assert_int_equal(events_waiting(b.m), 0);
    stop_bench(&b);
}

static void an_invalidation_empties_the_cache_and_its_answer_completes_the_sync(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    uint64_t number = 0;

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    unmap_page(&b, PAGE);
    submit_sync(b.m, ATC_INV(SID, PAGE, 0));
    assert_int_equal(device_cached(b.device), 0);
    assert_false(synced(&b));
    assert_true(bus_step(b.bus, 0));
    assert_true(synced(&b));
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    stop_bench(&b);
}

static void an_answer_waits_until_requests_in_flight_have_landed(void **state)
{
    struct bench b = bench_of(true, false, NULL);

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_step(b.bus, 0); /* in flight */
    unmap_page(&b, PAGE);
    submit_sync(b.m, ATC_INV(SID, PAGE, 0));
    assert_int_equal(device_unanswered(b.device), 1);
    assert_int_equal(bus_pending(b.bus), 1); /* the request; not the answer */
    bus_step(b.bus, 0);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    assert_false(synced(&b));
    bus_step(b.bus, 0);
    assert_true(synced(&b));
    stop_bench(&b);
}

static void a_device_may_answer_before_its_requests_land(void **state)
{
    const struct device_manners manners = { .answers_with_requests_in_flight = true };
    struct bench b = bench_of(true, false, &manners);

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_step(b.bus, 0);
    unmap_page(&b, PAGE);
    submit_sync(b.m, ATC_INV(SID, PAGE, 0));
    assert_int_equal(bus_pending(b.bus), 2);
    bus_step(b.bus, 1); /* the answer first */
    assert_true(synced(&b));
    assert_int_equal(peek(b.m, b.a.page), 0);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE); /* late DMA, past the unit's tables */
    stop_bench(&b);
}

static void a_device_may_lie_or_keep_silent(void **state)
{
    struct device_manners manners = { .lies_about_invalidations = true };
    struct bench b = bench_of(true, false, &manners);

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    submit_sync(b.m, ATC_INV(SID, 0, 52));
    bus_run(b.bus, LIMIT);
    assert_true(synced(&b));
    assert_true(device_holds(b.device, -1, PAGE));
    manners = (struct device_manners){ .ignores_invalidations = true };
    device_set_manners(b.device, &manners);
    submit_sync(b.m, ATC_INV(SID, 0, 52));
    bus_run(b.bus, LIMIT);
    assert_false(synced(&b));
    assert_true(smmuv3_model_step(b.m->unit, SMMUV3_MODEL_LATE_ATC_TIMEOUT));
    assert_int_equal(smmuv3_model_read32(b.m->unit, AT_GERROR), 1);
    stop_bench(&b);
}

static void a_device_that_is_reset_never_answers_what_it_owed(void **state)
{
    struct bench b = bench_of(true, false, NULL);

    (void)state;
    submit_sync(b.m, ATC_INV(SID, 0, 52));
    device_reset(b.device);
    device_leave_reset(b.device);
    bus_run(b.bus, LIMIT);
    assert_false(synced(&b));
    stop_bench(&b);
}

static void an_invalidation_covers_its_range_and_its_pasid_to_the_letter(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = guest_of(&p, &PLAIN_S1);
    struct bus *bus = bus_create(g.machine->unit);
    const struct device_settings settings = { .stream_id = SID, .ats = true };
    struct device *device = bus_add(bus, &settings);
    struct device_command command = { .iova = PAGE };
    uint64_t cd[CD_WORDS];

    (void)state;
    set_ste(&g, STE_EATS, 1);
    set_ste(&g, STE_S1CDMAX, 1);
    set_ste(&g, STE_S1DSS, 2); /* CD 0 serves what has no PASID */
    stage1_cd(cd, &PLAIN_S1, g.root);
    put_cd(g.machine, g.cds + 64, cd);
    map1(&g, g.root, PAGE, 3, g.page, 0);
    map1(&g, g.root, PAGE + 4096, 3, g.page, 0);
    device_issue(device, &command);
    command.has_pasid = true;
    command.pasid = 1;
    device_issue(device, &command);
    command.iova = PAGE + 4096;
    device_issue(device, &command);
    bus_run(bus, LIMIT);
    assert_int_equal(device_cached(device), 3);
    submit(g.machine, ATC_INV_PASID(SID, 1, 0, PAGE, 0));
    assert_false(device_holds(device, 1, PAGE));
    assert_true(device_holds(device, 1, PAGE + 4096));
    assert_true(device_holds(device, -1, PAGE));
    submit(g.machine, ATC_INV_PASID(SID, 0, 0, 0, 52)); /* another's */
    assert_true(device_holds(device, 1, PAGE + 4096));
    submit(g.machine, ATC_INV(SID, 0, 52));
    assert_false(device_holds(device, -1, PAGE));
    assert_true(device_holds(device, 1, PAGE + 4096));
    submit(g.machine, ATC_INV_PASID(SID, 0, 1, 0, 52)); /* global */
    assert_int_equal(device_cached(device), 0);
    bus_destroy(bus);
    machine_stop(g.machine);
}

static void an_access_over_pages_asks_for_each(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    const struct device_command command = {
        .write = true,
        .iova = PAGE + 4096 - 8,
        .length = 16,
        .value = VALUE,
    };
    uint64_t number = 0;

    (void)state;
    map_page(&b, PAGE);
    map_page(&b, PAGE + 4096);
    number = device_issue(b.device, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(device_report(b.device, number).done, 16);
    assert_int_equal(peek(b.m, b.a.page + 4096 - 8), VALUE);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    assert_int_equal(device_cached(b.device), 2);
    stop_bench(&b);
}

static void a_device_may_claim_any_address_as_translated(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    const struct device_command command = {
        .write = true,
        .iova = b.a.page,
        .value = VALUE,
        .claims = true,
    };

    (void)state;
    device_issue(b.device, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), VALUE); /* full ATS: nothing stops it */
    stop_bench(&b);
    b = bench_of(false, false, NULL);
    device_issue(b.device, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), 0);
    assert_int_equal(take_event(b.m).number, F_TRANSL_FORBIDDEN);
    stop_bench(&b);
}

/* ------------------------------------------------------------------ scheduler */

/* The order in which two writes to one place land, by seed. */
static uint64_t last_to_land(uint64_t seed)
{
    struct bench b = bench_of(false, false, NULL);
    struct device_command command = { .write = true, .iova = PAGE };
    uint64_t landed = 0;

    map_page(&b, PAGE);
    for (command.value = 1; command.value < 9; command.value++) {
        device_issue(b.device, &command);
    }
    while (bus_step_seeded(b.bus, &seed)) {
    }
    landed = peek(b.m, b.a.page);
    stop_bench(&b);
    return landed;
}

static void a_seed_gives_an_order_and_the_same_again(void **state)
{
    unsigned orders = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        uint64_t landed = last_to_land(seed);

        assert_int_equal(last_to_land(seed), landed);
        orders += landed != 8;
    }
    assert_true(orders > 0);
}

int run_device_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_reads_and_writes_when_it_is_let),
        cmocka_unit_test(a_held_request_lands_after_its_page_is_gone_only_where_the_unit_lets_it),
        cmocka_unit_test(a_message_interrupt_is_four_bytes_untranslated),
        cmocka_unit_test(a_forged_requester_is_taken_for_the_other_stream),
        cmocka_unit_test(a_pasid_that_nobody_granted_is_refused_by_the_unit),
        cmocka_unit_test(a_flood_is_many_requests),
        cmocka_unit_test(a_stalled_request_waits_for_software_and_then_goes_on),
        cmocka_unit_test(a_reset_drops_what_is_pending),
        cmocka_unit_test(a_device_may_work_on_in_reset),
        cmocka_unit_test(a_translation_is_asked_for_once_and_used_from_the_cache),
        cmocka_unit_test(an_invalidation_empties_the_cache_and_its_answer_completes_the_sync),
        cmocka_unit_test(an_answer_waits_until_requests_in_flight_have_landed),
        cmocka_unit_test(a_device_may_answer_before_its_requests_land),
        cmocka_unit_test(a_device_may_lie_or_keep_silent),
        cmocka_unit_test(a_device_that_is_reset_never_answers_what_it_owed),
        cmocka_unit_test(an_invalidation_covers_its_range_and_its_pasid_to_the_letter),
        cmocka_unit_test(an_access_over_pages_asks_for_each),
        cmocka_unit_test(a_device_may_claim_any_address_as_translated),
        cmocka_unit_test(a_seed_gives_an_order_and_the_same_again),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
