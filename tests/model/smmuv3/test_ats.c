/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ATS: answers to translation requests, what translated transactions may do, CMD_ATC_INV and the
 * CMD_SYNC that waits for its answer.
 */
#include "fixture_pcie.h"

#define PAGE UINT64_C(0x7000)

enum { EATS_NONE = 0, EATS_FULL_ATS = 1, EATS_SPLIT_STAGE = 2 };

static struct smmuv3_model_ats_completion ask(struct machine *m, uint64_t iova, bool no_write)
{
    const struct smmuv3_model_ats_request request = {
        .stream_id = SID,
        .iova = iova,
        .no_write = no_write,
    };

    return smmuv3_model_ats_translate(m->unit, &request);
}

static struct smmuv3_model_result translated(struct machine *m, uint64_t address, bool write)
{
    const struct smmuv3_model_access access = {
        .stream_id = SID,
        .iova = address,
        .write = write,
        .translated = true,
    };

    return smmuv3_model_transact(m->unit, &access);
}

static void assert_forbidden(struct machine *m)
{
    struct smmuv3_model_result result = translated(m, MEMORY_BASE, true);
    struct smmuv3_model_event event;

    assert_int_equal(result.outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(result.event, F_TRANSL_FORBIDDEN);
    event = take_event(m);
    assert_int_equal(event.number, F_TRANSL_FORBIDDEN);
    assert_int_equal(event.input_address, MEMORY_BASE);
    assert_false(event.rnw);
}

/* ------------------------------------------------------------------ requests */

static void a_request_is_answered_with_address_size_and_rights(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;
    struct smmuv3_model_ats_completion answer;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    map(m, &a.geometry, a.root, 0x8000, 3, a.page, LEAF_AF | LEAF_READ);
    map(m, &a.geometry, a.root, 0x9000, 3, a.page, LEAF_AF | LEAF_WRITE);
    map(m, &a.geometry, a.root, 0x200000, 2, MEMORY_BASE, 0);
    answer = ask(m, PAGE + 0x123, false);
    assert_int_equal(answer.status, SMMUV3_MODEL_ATS_SUCCESS);
    assert_int_equal(answer.iova, PAGE);
    assert_int_equal(answer.address, a.page);
    assert_int_equal(answer.size, 4096);
    assert_true(answer.readable && answer.writable);
    assert_false(answer.executable || answer.privileged);
    answer = ask(m, 0x8000, false);
    assert_true(answer.readable && !answer.writable);
    answer = ask(m, 0x9000, false);
    assert_true(!answer.readable && answer.writable);
    answer = ask(m, 0x2ff000, false);
    assert_int_equal(answer.iova, 0x200000);
    assert_int_equal(answer.address, MEMORY_BASE);
    assert_int_equal(answer.size, 0x200000);
    assert_int_equal(events_waiting(m), 0);
    machine_stop(m);
}

static void no_translation_is_a_success_without_rights_and_without_an_event(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct smmuv3_model_ats_completion answer = ask(a.machine, PAGE, false);

    (void)state;
    assert_int_equal(answer.status, SMMUV3_MODEL_ATS_SUCCESS);
    assert_false(answer.readable || answer.writable);
    assert_int_equal(answer.size, 4096);
    assert_int_equal(events_waiting(a.machine), 0);
    machine_stop(a.machine);
}

static void a_request_fills_the_tlb_and_is_answered_from_it(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    ask(m, PAGE, false);
    poke(m, descriptor_at(m, &a.geometry, a.root, PAGE, 3), 0);
    assert_true(ask(m, PAGE, false).writable); /* TLBI must come before CMD_ATC_INV */
    submit_sync(m, TLBI_IPA(VMID, PAGE, 1));
    assert_false(ask(m, PAGE, false).readable);
    machine_stop(m);
}

static void a_stream_without_ats_gets_unsupported_request_and_an_event(void **state)
{
    struct assigned a = full_ats(EATS_NONE, false);
    struct smmuv3_model_ats_completion answer = ask(a.machine, PAGE, false);

    (void)state;
    assert_int_equal(answer.status, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST);
    assert_int_equal(take_event(a.machine).number, F_BAD_ATS_TREQ);
    machine_stop(a.machine);
}

/* The answer of a stream whose STE has this Config. */
static struct smmuv3_model_ats_completion answer_with(unsigned config, unsigned valid,
                                                      unsigned *events)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct smmuv3_model_ats_completion answer;
    uint64_t ste[STE_WORDS];

    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_EATS, EATS_FULL_ATS);
    field_put(ste, STE_CONFIG, config);
    field_put(ste, STE_V, valid);
    put_ste(a.machine, SID, ste);
    answer = ask(a.machine, PAGE, false);
    *events = events_waiting(a.machine);
    machine_stop(a.machine);
    return answer;
}

static void refusals_depend_on_the_configuration(void **state)
{
    unsigned events = 0;

    (void)state;
    assert_int_equal(answer_with(0, 1, &events).status, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST);
    assert_int_equal(events, 0); /* abort: silent */
    assert_int_equal(answer_with(4, 1, &events).event, F_BAD_ATS_TREQ);
    assert_int_equal(events, 1); /* bypass has no ATS */
    assert_int_equal(answer_with(6, 0, &events).status, SMMUV3_MODEL_ATS_COMPLETER_ABORT);
    assert_int_equal(events, 0); /* errors of configuration: no event */
}

static void a_disabled_unit_refuses_requests_and_translated_transactions(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);

    (void)state;
    smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_QUEUES);
    assert_int_equal(ask(a.machine, 0, false).status, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST);
    assert_int_equal(take_event(a.machine).number, F_BAD_ATS_TREQ);
    assert_forbidden(a.machine); /* even where GBPA lets all others pass */
    machine_stop(a.machine);
}

static void a_walk_that_aborts_is_a_completer_abort_without_an_event(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);

    (void)state;
    smmuv3_model_abort_next(a.machine->unit, SMMUV3_MODEL_FETCH_TABLE, 1);
    assert_int_equal(ask(a.machine, PAGE, false).status, SMMUV3_MODEL_ATS_COMPLETER_ABORT);
    assert_int_equal(events_waiting(a.machine), 0);
    machine_stop(a.machine);
}

static void execution_is_granted_only_with_a_pasid_and_on_request(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = guest_of(&p, &PLAIN_S1);
    struct smmuv3_model_ats_request request = { .stream_id = SID, .iova = PAGE, .execute = true };

    (void)state;
    set_ste(&g, STE_EATS, EATS_FULL_ATS);
    map1(&g, g.root, PAGE, 3, g.page, S1_AF | S1_USER | S1_NG | S1_READ_ONLY);
    assert_false(smmuv3_model_ats_translate(g.machine->unit, &request).executable);
    assert_true(smmuv3_model_ats_translate(g.machine->unit, &request).readable);
    set_ste(&g, STE_S1CDMAX, 1);
    request.ssv = true;
    request.substream_id = 0;
    assert_true(smmuv3_model_ats_translate(g.machine->unit, &request).executable);
    request.execute = false;
    assert_false(smmuv3_model_ats_translate(g.machine->unit, &request).executable);
    machine_stop(g.machine);
}

/* ------------------------------------------------------------------ translated transactions */

static void without_atschk_any_stream_reaches_any_address(void **state)
{
    struct assigned a = full_ats(EATS_NONE, false);

    (void)state;
    assert_int_equal(translated(a.machine, MEMORY_BASE, true).address, MEMORY_BASE);
    assert_int_equal(smmuv3_model_translated(a.machine->unit, SID), SMMUV3_MODEL_TRANSLATED_ALL);
    assert_int_equal(translated(a.machine, UINT64_C(1) << 50, true).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(events_waiting(a.machine), 0);
    machine_stop(a.machine);
}

static void with_atschk_the_ste_decides(void **state)
{
    struct assigned a = full_ats(EATS_NONE, true);

    (void)state;
    assert_forbidden(a.machine);
    assert_int_equal(smmuv3_model_translated(a.machine->unit, SID), SMMUV3_MODEL_TRANSLATED_NONE);
    machine_stop(a.machine);
    a = full_ats(EATS_FULL_ATS, true);
    assert_int_equal(translated(a.machine, MEMORY_BASE, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(smmuv3_model_translated(a.machine->unit, SID), SMMUV3_MODEL_TRANSLATED_ALL);
    machine_stop(a.machine);
}

static void a_stale_ste_lets_translated_transactions_pass_until_it_is_invalidated(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, true);
    struct machine *m = a.machine;
    uint64_t ste[STE_WORDS];

    (void)state;
    translated(m, MEMORY_BASE, true);
    stage2_ste(ste, &PLAIN_4K, a.root);
    put_ste(m, SID, ste);
    assert_int_equal(translated(m, MEMORY_BASE, true).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(smmuv3_model_translated(m->unit, SID), SMMUV3_MODEL_TRANSLATED_ALL);
    submit_sync(m, CFGI_STE_LEAF(SID));
    assert_forbidden(m);
    assert_int_equal(smmuv3_model_translated(m->unit, SID), SMMUV3_MODEL_TRANSLATED_NONE);
    machine_stop(m);
}

static void split_stage_gives_ipas_and_checks_them(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = nested_of(&p, &PLAIN_S1);
    struct smmuv3_model_ats_completion answer;

    (void)state;
    smmuv3_model_write32(g.machine->unit, AT_CR0, CR0_WITH_ATSCHK);
    set_ste(&g, STE_EATS, EATS_SPLIT_STAGE);
    map1(&g, g.root, PAGE, 3, g.page, 0);
    answer = ask(g.machine, PAGE, false);
    assert_int_equal(answer.status, SMMUV3_MODEL_ATS_SUCCESS);
    assert_int_equal(answer.address, out(&g, g.page));
    assert_true(answer.readable && answer.writable);
    assert_int_equal(translated(g.machine, answer.address, true).address, g.page);
    assert_int_equal(translated(g.machine, g.page, true).event, F_TRANSLATION); /* no IPA */
    assert_int_equal(smmuv3_model_translated(g.machine->unit, SID), SMMUV3_MODEL_TRANSLATED_STAGE2);
    machine_stop(g.machine);
}

static void split_stage_without_atschk_is_no_ats_but_lets_ipas_out_as_addresses(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct guest g = nested_of(&p, &PLAIN_S1);

    (void)state;
    set_ste(&g, STE_EATS, EATS_SPLIT_STAGE);
    assert_int_equal(ask(g.machine, PAGE, false).event, F_BAD_ATS_TREQ);
    assert_int_equal(translated(g.machine, MEMORY_BASE, true).address, MEMORY_BASE);
    machine_stop(g.machine);
}

static void a_unit_without_ats_knows_neither_requests_nor_commands(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct assigned a;

    (void)state;
    p.ats = false;
    a = assign(&p, &PLAIN_4K);
    assert_int_equal(ask(a.machine, 0, false).status, SMMUV3_MODEL_ATS_UNSUPPORTED_REQUEST);
    assert_int_equal(translated(a.machine, MEMORY_BASE, true).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(events_waiting(a.machine), 0);
    submit(a.machine, ATC_INV(SID, 0, 52));
    assert_int_equal(smmuv3_model_read32(a.machine->unit, AT_GERROR), 1);
    machine_stop(a.machine);
}

/* ------------------------------------------------------------------ invalidation */

static void atc_inv_reaches_the_endpoint_with_its_range(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct noted noted = { .answers = true };

    (void)state;
    put_endpoint(a.machine, &noted);
    submit_sync(a.machine, ATC_INV(SID, 0x7654000, 3));
    assert_int_equal(noted.invalidation.iova, 0x7650000); /* aligned to its size */
    assert_int_equal(noted.invalidation.log2_size, 15);
    assert_false(noted.invalidation.ssv || noted.invalidation.global);
    submit_sync(a.machine, ATC_INV_PASID(SID, 0x4321, 1, 0, 52));
    assert_int_equal(noted.invalidation.log2_size, 64);
    assert_true(noted.invalidation.ssv && noted.invalidation.global);
    assert_int_equal(noted.invalidation.substream_id, 0x4321);
    assert_int_equal(noted.invalidations, 2);
    assert_int_equal(smmuv3_model_atc_unanswered(a.machine->unit), 0);
    assert_no_errors(a.machine);
    machine_stop(a.machine);
}

static void a_sync_waits_until_the_device_answers(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };
    uint32_t start = 0;

    (void)state;
    put_endpoint(m, &noted);
    start = m->cmdq_prod;
    submit_sync(m, ATC_INV(SID, 0, 52));
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), start + 1);
    }
    assert_false(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_SYNC));
    smmuv3_model_atc_answer(m->unit, noted.invalidation.tag + 1); /* another's */
    assert_int_equal(smmuv3_model_atc_unanswered(m->unit), 1);
    smmuv3_model_atc_answer(m->unit, noted.invalidation.tag);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), start + 2);
    machine_stop(m);
}

static void a_device_that_never_answers_fails_the_sync_and_the_next_one_succeeds(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };
    uint32_t at = 0;

    (void)state;
    put_endpoint(m, &noted);
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_ATC_TIMEOUT, 3);
    submit_sync(m, ATC_INV(SID, 0, 52));
    at = m->cmdq_prod - 1;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    }
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 1);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS),
                     at | (uint32_t)SMMUV3_MODEL_CERROR_ATC_INV_SYNC << 24);
    smmuv3_model_atc_answer(m->unit, noted.invalidation.tag); /* too late, harmless */
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS) & 0xff, m->cmdq_prod);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_failed_sync_completes_no_other_invalidation(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(m, &noted);
    leave_stale_page(&a, PAGE);
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_ATC_TIMEOUT, 0);
    submit(m, TLBI_IPA(VMID, PAGE, 1));
    submit_sync(m, ATC_INV(SID, 0, 52));
    assert_reaches(m, PAGE, a.page);
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_aborts(m, PAGE, F_TRANSLATION);
    machine_stop(m);
}

static void commands_other_than_sync_do_not_wait_for_the_device(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(m, &noted);
    submit(m, ATC_INV(SID, 0, 52));
    submit(m, ATC_INV(SID, 0, 0));
    assert_int_equal(noted.invalidations, 2);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), m->cmdq_prod);
    machine_stop(m);
}

static void an_invalidation_to_nobody_is_ignored(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);

    (void)state;
    submit_sync(a.machine, ATC_INV(SID, 0, 52));
    assert_int_equal(smmuv3_model_read32(a.machine->unit, AT_CMDQ_CONS), a.machine->cmdq_prod);
    assert_no_errors(a.machine);
    machine_stop(a.machine);
}

static void invalidations_without_effect_are_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct noted noted = { .answers = true };
    struct assigned a;

    (void)state;
    p.ssidsize = 0;
    a = assign(&p, &PLAIN_4K);
    put_endpoint(a.machine, &noted);
    submit(a.machine, ATC_INV_PASID(SID, 1, 0, 0, 52));
    submit(a.machine, ATC_INV(SID, 0, 53));
    smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_QUEUES);
    submit(a.machine, ATC_INV(SID, 0, 52));
    assert_int_equal(noted.invalidations, 0);
    assert_int_equal(smmuv3_model_error_count(a.machine->unit, SMMUV3_MODEL_ERROR_ALL), 3);
    machine_stop(a.machine);
}

/* ------------------------------------------------------------------ choices */

static void an_answer_may_cover_one_page_and_grant_no_more_than_was_asked(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, false);
    struct machine *m = a.machine;

    (void)state;
    map(m, &a.geometry, a.root, 0x200000, 2, MEMORY_BASE, 0);
    assert_true(ask(m, 0x2ff000, true).writable);
    take_choice(m, SMMUV3_MODEL_CHOOSE_SPAN);
    assert_int_equal(ask(m, 0x2ff000, true).size, 4096);
    assert_int_equal(ask(m, 0x2ff000, true).address, MEMORY_BASE + 0xff000);
    take_choice(m, SMMUV3_MODEL_CHOOSE_GRANT);
    assert_false(ask(m, 0x2ff000, true).writable);
    assert_true(ask(m, 0x2ff000, false).writable);
    machine_stop(m);
}

static void a_translated_address_may_be_cut_to_the_output_size(void **state)
{
    struct assigned a = full_ats(EATS_FULL_ATS, true);

    (void)state;
    take_choice(a.machine, SMMUV3_MODEL_CHOOSE_TRUNCATE);
    assert_int_equal(translated(a.machine, (UINT64_C(1) << 50) + MEMORY_BASE, true).address,
                     MEMORY_BASE);
    machine_stop(a.machine);
}

static void atschk_counts_before_or_after_while_it_is_being_changed(void **state)
{
    struct assigned a = full_ats(EATS_NONE, true);
    struct machine *m = a.machine;

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_forbidden(m);
    assert_int_equal(smmuv3_model_translated(m->unit, SID), SMMUV3_MODEL_TRANSLATED_ALL);
    take_choice(m, SMMUV3_MODEL_CHOOSE_PENDING);
    assert_int_equal(translated(m, MEMORY_BASE, true).outcome, SMMUV3_MODEL_OK);
    machine_stop(m);
}

int run_ats_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_with_address_size_and_rights),
        cmocka_unit_test(no_translation_is_a_success_without_rights_and_without_an_event),
        cmocka_unit_test(a_request_fills_the_tlb_and_is_answered_from_it),
        cmocka_unit_test(a_stream_without_ats_gets_unsupported_request_and_an_event),
        cmocka_unit_test(refusals_depend_on_the_configuration),
        cmocka_unit_test(a_disabled_unit_refuses_requests_and_translated_transactions),
        cmocka_unit_test(a_walk_that_aborts_is_a_completer_abort_without_an_event),
        cmocka_unit_test(execution_is_granted_only_with_a_pasid_and_on_request),
        cmocka_unit_test(without_atschk_any_stream_reaches_any_address),
        cmocka_unit_test(with_atschk_the_ste_decides),
        cmocka_unit_test(a_stale_ste_lets_translated_transactions_pass_until_it_is_invalidated),
        cmocka_unit_test(split_stage_gives_ipas_and_checks_them),
        cmocka_unit_test(split_stage_without_atschk_is_no_ats_but_lets_ipas_out_as_addresses),
        cmocka_unit_test(a_unit_without_ats_knows_neither_requests_nor_commands),
        cmocka_unit_test(atc_inv_reaches_the_endpoint_with_its_range),
        cmocka_unit_test(a_sync_waits_until_the_device_answers),
        cmocka_unit_test(a_device_that_never_answers_fails_the_sync_and_the_next_one_succeeds),
        cmocka_unit_test(a_failed_sync_completes_no_other_invalidation),
        cmocka_unit_test(commands_other_than_sync_do_not_wait_for_the_device),
        cmocka_unit_test(an_invalidation_to_nobody_is_ignored),
        cmocka_unit_test(invalidations_without_effect_are_noted),
        cmocka_unit_test(an_answer_may_cover_one_page_and_grant_no_more_than_was_asked),
        cmocka_unit_test(a_translated_address_may_be_cut_to_the_output_size),
        cmocka_unit_test(atschk_counts_before_or_after_while_it_is_being_changed),
    };

    return cmocka_run_group_tests_name("ATS", tests, NULL, NULL);
}
