/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model devices: honest ones keep the rules of ATS and PRI, the others break them, and what
 * their caches hold is seen by the audit.
 */
#include "devices.h"
#include "fixture_pcie.h"

#define PAGE UINT64_C(0x7000)
#define VALUE UINT64_C(0x8877665544332211)

enum { LIMIT = 1000 };

/* A machine with everything, a stream with stage 2 and full ATS, and a device on it. */
struct bench {
    struct assigned a;
    struct machine *m;
    struct bus *bus;
    struct device *device;
    uint64_t priq;
    uint32_t priq_cons;
};

static struct bench bench_of(bool ats, bool pri, const struct device_manners *manners)
{
    struct bench b = { .a = full_ats(ats ? 1 : 0, true) };
    struct device_settings settings = { .stream_id = SID, .ats = ats, .pri = pri };

    if (manners) {
        settings.manners = *manners;
    }
    b.m = b.a.machine;
    b.bus = bus_create(b.m->unit);
    b.device = bus_add(b.bus, &settings);
    if (pri) {
        b.priq = bring_up_priq(b.m, false);
    }
    return b;
}

static void stop(struct bench *b)
{
    bus_destroy(b->bus);
    machine_stop(b->m);
}

static void map_page(struct bench *b, uint64_t iova)
{
    map(b->m, &b->a.geometry, b->a.root, iova, 3, b->a.page, 0);
}

/* Unmap in memory and in the unit, as software does before it turns to the device's cache. */
static void unmap_page(struct bench *b, uint64_t iova)
{
    poke(b->m, descriptor_at(b->m, &b->a.geometry, b->a.root, iova, 3), 0);
    submit_sync(b->m, TLBI_IPA(VMID, iova, 1));
}

static uint64_t write_at(struct bench *b, uint64_t iova)
{
    const struct device_command command = { .write = true, .iova = iova, .value = VALUE };

    return device_issue(b->device, &command);
}

static enum smmuv3_model_outcome outcome(struct bench *b, uint64_t number)
{
    struct device_report report = device_report(b->device, number);

    assert_int_equal(report.progress, DEVICE_DONE);
    return report.result.outcome;
}

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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    number = device_issue(b.device, &read);
    bus_step(b.bus, 0);
    bus_step(b.bus, 0);
    assert_int_equal(device_report(b.device, number).progress, DEVICE_PENDING);
    bus_step(b.bus, 0);
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_OK);
    assert_memory_equal(device_report(b.device, number).data, "\x11\x22\x33\x44\x55\x66\x77\x88",
                        8);
    stop(&b);
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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    assert_int_equal(take_event(b.m).number, F_TRANSLATION);
    assert_int_equal(peek(b.m, b.a.page), 0);
    stop(&b);
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
    stop(&b);
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
    stop(&b);
}

static void a_pasid_that_nobody_granted_is_refused_by_the_unit(void **state)
{
    struct bench b = bench_of(false, false, NULL);
    struct device_command command = { .iova = PAGE, .has_pasid = true, .pasid = 9 };
    uint64_t number = device_issue(b.device, &command);

    (void)state;
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    assert_int_equal(take_event(b.m).number, C_BAD_SUBSTREAMID);
    stop(&b);
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
    stop(&b);
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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
    stop(&b);
}

static void an_invalidation_covers_its_range_and_its_pasid_to_the_letter(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = guest_of(&p, &PLAIN_S1);
    struct bus *bus = bus_create(g.machine->unit);
    const struct device_settings settings = { .stream_id = SID, .ats = true };
    struct device *device = bus_add(bus, &settings);
    struct device_command command = { .iova = PAGE };

    (void)state;
    set_ste(&g, STE_EATS, 1);
    set_ste(&g, STE_S1CDMAX, 1);
    set_ste(&g, STE_S1DSS, 2); /* CD 0 serves what has no PASID */
    for (unsigned i = 1; i < 2; i++) {
        uint64_t cd[CD_WORDS];

        stage1_cd(cd, &PLAIN_S1, g.root);
        put_cd(g.machine, g.cds + UINT64_C(64) * i, cd);
    }
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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(device_report(b.device, number).done, 16);
    assert_int_equal(peek(b.m, b.a.page + 4096 - 8), VALUE);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    assert_int_equal(device_cached(b.device), 2);
    stop(&b);
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
    stop(&b);
    b = bench_of(false, false, NULL);
    device_issue(b.device, &command);
    bus_run(b.bus, LIMIT);
    assert_int_equal(peek(b.m, b.a.page), 0);
    assert_int_equal(take_event(b.m).number, F_TRANSL_FORBIDDEN);
    stop(&b);
}

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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_OK);
    assert_int_equal(peek(b.m, b.a.page), VALUE);
    stop(&b);
}

static void a_refused_page_ends_the_request_and_failure_ends_page_requests(void **state)
{
    struct bench b = bench_of(true, true, NULL);
    uint64_t number = write_at(&b, PAGE);

    (void)state;
    bus_run(b.bus, LIMIT);
    submit(b.m, PRI_RESP(SID, take_page_request(&b, PAGE), 1));
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    assert_true(device_pri_enabled(b.device));
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    submit(b.m, PRI_RESP(SID, take_page_request(&b, PAGE), 0));
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    assert_false(device_pri_enabled(b.device));
    number = write_at(&b, PAGE);
    bus_run(b.bus, LIMIT);
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT); /* did not ask */
    assert_int_equal(device_page_responses(b.device), 2);
    stop(&b);
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
    assert_int_equal(outcome(&b, number), SMMUV3_MODEL_ABORT);
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
    stop(&b);
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
        cmocka_unit_test(a_missing_page_is_asked_for_and_used_when_it_is_there),
        cmocka_unit_test(a_refused_page_ends_the_request_and_failure_ends_page_requests),
        cmocka_unit_test(the_automatic_success_of_an_overflow_makes_the_device_try_again),
        cmocka_unit_test(the_audit_sees_what_the_device_holds_as_far_as_eats_lets_it),
        cmocka_unit_test(the_audit_sees_a_request_in_flight_and_not_after_it_landed),
        cmocka_unit_test(with_split_stage_the_audit_follows_stage_2),
        cmocka_unit_test(a_seed_gives_an_order_and_the_same_again),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
