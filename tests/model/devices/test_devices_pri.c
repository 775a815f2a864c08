/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model devices: page requests and what they come to, and what the audit sees of a device.
 */
#include "fixture_devices.h"

/* ------------------------------------------------------------------ PRI */

static uint16_t take_page_request(struct bench *b, uint64_t iova)
{
    uint64_t slot = b->priq + b->priq_cons % PRIQ_ENTRIES * UINT64_C(16);
    uint64_t word = peek(b->m, slot + 8);

    assert_int_not_equal(smmuv3_model_read32(b->m->unit, AT_PRIQ_PROD), b->priq_cons);
    assert_int_equal(word & ~UINT64_C(0xfff), iova);
    b->priq_cons = (b->priq_cons + 1) % (2 * PRIQ_ENTRIES);
    smmuv3_model_write32(b->m->unit, AT_PRIQ_CONS, b->priq_cons);
    return (uint16_t)(word & 0x1ff);
}

static void a_missing_page_is_asked_for_and_used_when_it_is_there(void **state)
{
    struct bench b = bench_of(true, true, NULL);
    uint64_t number = write_at(&b, PAGE);
    uint16_t index = 0;

    (void)state;
    bus_run(b.bus, LIMIT);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_WAITS);
    index = take_page_request(&b, PAGE);
    map_page(&b, PAGE);
    submit(b.m, PRI_RESP(SID, index ^ 1, 2)); /* another group's */
    assert_int_equal(device_report(b.device, number).progress, DEVICE_WAITS);
    submit(b.m, PRI_RESP(SID, index, 2));
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop_bench(&b);
}

static void a_refused_page_ends_the_request_and_failure_ends_page_requests(void **state)
{
    struct bench b = bench_of(true, true, NULL);
    uint64_t number = write_at(&b, PAGE);

    (void)state;
    bus_run(b.bus, LIMIT);
    submit(b.m, PRI_RESP(SID, take_page_request(&b, PAGE), 1));
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    assert_true(device_pri_enabled(b.device));
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    submit(b.m, PRI_RESP(SID, take_page_request(&b, PAGE), 0));
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    assert_false(device_pri_enabled(b.device));
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT); /* did not ask */
    assert_int_equal(device_page_responses(b.device), 2);
    stop_bench(&b);
}

static void the_automatic_success_of_an_overflow_makes_the_device_try_again(void **state)
{
    struct bench b = bench_of(true, true, NULL);
    uint64_t number = 0;

    (void)state;
    for (unsigned i = 0; i < PRIQ_ENTRIES; i++) {
        write_at(&b, PAGE);
    }
    bus_run(b.bus, LIMIT);
    number = write_at(&b, PAGE + 4096);
    bus_step(b.bus, 0);
    bus_step(b.bus, 0);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_PENDING);
    assert_int_equal(device_report(b.device, number).pages_asked, 2);
    bus_run(b.bus, LIMIT); /* gives up in the end */
    assert_int_equal(outcome_of(&b, number), SMMUV3_MODEL_ABORT);
    stop_bench(&b);
}

/* ------------------------------------------------------------------ audit and scheduler */

struct seen {
    unsigned device_pieces;
    struct smmuv3_model_reach last;
};

static void note_piece(void *context, const struct smmuv3_model_reach *piece)
{
    struct seen *seen = context;

    if (piece->source == SMMUV3_MODEL_REACH_DEVICE) {
        seen->device_pieces++;
        seen->last = *piece;
    }
}

static unsigned device_pieces(struct bench *b, struct seen *seen)
{
    *seen = (struct seen){ 0 };
    assert_true(smmuv3_model_reach(b->m->unit, SID, note_piece, seen));
    return seen->device_pieces;
}

static void the_audit_sees_what_the_device_holds_as_far_as_eats_lets_it(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    uint64_t ste[STE_WORDS];
    struct seen seen;

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    unmap_page(&b, PAGE);
    assert_int_equal(device_pieces(&b, &seen), 1);
    assert_int_equal(seen.last.iova, PAGE);
    assert_int_equal(seen.last.address, b.a.page);
    assert_int_equal(seen.last.size, 4096);
    assert_true(seen.last.writable);
    stage2_ste(ste, &PLAIN_4K, b.a.root); /* EATS 0 in memory, 1 in the cache */
    put_ste(b.m, SID, ste);
    assert_int_equal(device_pieces(&b, &seen), 1);
    submit_sync(b.m, CFGI_STE_LEAF(SID));
    assert_int_equal(device_pieces(&b, &seen), 0);
    smmuv3_model_write32(b.m->unit, AT_CR0, CR0_ALL); /* ATSCHK off: the STE counts no more */
    assert_int_equal(device_pieces(&b, &seen), 1);
    stop_bench(&b);
}

static void the_audit_sees_a_request_in_flight_and_not_after_it_landed(void **state)
{
    struct bench b = bench_of(true, false, NULL);
    struct seen seen;

    (void)state;
    map_page(&b, PAGE);
    write_at(&b, PAGE);
    bus_step(b.bus, 0);
    unmap_page(&b, PAGE);
    submit(b.m, ATC_INV(SID, 0, 52));
    assert_int_equal(device_cached(b.device), 0);
    assert_int_equal(device_pieces(&b, &seen), 1);
    bus_run(b.bus, LIMIT);
    assert_int_equal(device_pieces(&b, &seen), 0);
    stop_bench(&b);
}

static void with_split_stage_the_audit_follows_stage_2(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = nested_of(&p, &PLAIN_S1);
    struct bus *bus = bus_create(g.machine->unit);
    const struct device_settings settings = { .stream_id = SID, .ats = true };
    const struct device_command command = { .iova = PAGE };
    struct device *device = bus_add(bus, &settings);
    struct seen seen = { 0 };

    (void)state;
    smmuv3_model_write32(g.machine->unit, AT_CR0, CR0_WITH_ATSCHK);
    set_ste(&g, STE_EATS, 2);
    map1(&g, g.root, PAGE, 3, g.page, 0);
    device_issue(device, &command);
    bus_run(bus, LIMIT);
    assert_int_equal(device_cached(device), 1);
    smmuv3_model_reach(g.machine->unit, SID, note_piece, &seen);
    assert_int_equal(seen.device_pieces, 1);
    assert_int_equal(seen.last.address, g.page);
    poke(g.machine, s2_slot(&g, g.page), 0);
    submit(g.machine, TLBI_S12_VMALL(VMID));
    send_sync(g.machine);
    seen = (struct seen){ 0 };
    smmuv3_model_reach(g.machine->unit, SID, note_piece, &seen);
    assert_int_equal(seen.device_pieces, 0);
    bus_destroy(bus);
    machine_stop(g.machine);
}

int run_device_pri_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_page_is_asked_for_and_used_when_it_is_there),
        cmocka_unit_test(a_refused_page_ends_the_request_and_failure_ends_page_requests),
        cmocka_unit_test(the_automatic_success_of_an_overflow_makes_the_device_try_again),
        cmocka_unit_test(the_audit_sees_what_the_device_holds_as_far_as_eats_lets_it),
        cmocka_unit_test(the_audit_sees_a_request_in_flight_and_not_after_it_landed),
        cmocka_unit_test(with_split_stage_the_audit_follows_stage_2),
    };

    return cmocka_run_group_tests_name("devices: pages and audit", tests, NULL, NULL);
}
