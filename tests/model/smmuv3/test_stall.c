/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stalls: a transaction waits in the unit, an event tells of it, commands decide what becomes of it.
 */
#include "fixture_pcie.h"

#define PAGE UINT64_C(0x7000)

/* A device reads a page that is not mapped; the read stalls. Answers its token. */
static uint64_t stall_at(struct machine *m, uint64_t iova, bool write)
{
    struct smmuv3_model_result result = dma(m, iova, write);

    assert_int_equal(result.outcome, SMMUV3_MODEL_STALLED);
    return result.token;
}

static struct smmuv3_model_result ended(struct machine *m, uint64_t token, uint64_t *seen)
{
    struct smmuv3_model_result result;

    assert_true(smmuv3_model_stall_ended(m->unit, token, seen, &result));
    assert_false(smmuv3_model_stall_ended(m->unit, token, seen, &result)); /* once */
    return result;
}

static void assert_waits(struct machine *m, uint64_t token)
{
    assert_false(smmuv3_model_stall_ended(m->unit, token, NULL, NULL));
}

/* Let the stream end whatever comes, as CMD_STALL_TERM wants it. */
static void close_stream(struct assigned *a)
{
    uint64_t ste[STE_WORDS] = { 1 };

    put_ste(a->machine, SID, ste);
    submit_sync(a->machine, CFGI_STE_LEAF(SID));
}

static void a_stalled_transaction_is_told_with_its_stag_and_waits(void **state)
{
    struct assigned a = full(true);
    struct smmuv3_model_event event;
    uint64_t token = stall_at(a.machine, PAGE, false);

    (void)state;
    event = take_event(a.machine);
    assert_int_equal(event.number, F_TRANSLATION);
    assert_true(event.stall);
    assert_int_equal(event.stream_id, SID);
    assert_int_equal(event.input_address, PAGE);
    assert_int_equal(smmuv3_model_stalls_recorded(a.machine->unit), 1);
    send_sync(a.machine); /* a CMD_SYNC does not wait for it */
    assert_waits(a.machine, token);
    assert_no_errors(a.machine);
    machine_stop(a.machine);
}

static void the_event_is_recorded_even_with_s2r_clear(void **state)
{
    struct assigned a = full(true);
    uint64_t ste[STE_WORDS];

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, 1);
    field_put(ste, STE_S2R, 0);
    put_ste(a.machine, SID, ste);
    stall_at(a.machine, PAGE, false);
    assert_true(take_event(a.machine).stall);
    machine_stop(a.machine);
}

static void a_retry_uses_the_tables_of_its_time_and_transfers_the_data(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE + 8, false);
    uint16_t stag = take_event(m).stag;
    uint64_t seen = 0;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    poke(m, a.page + 8, 0xabcdef);
    assert_waits(m, token);
    submit(m, RESUME(SID, stag, 1, 0));
    assert_int_equal(ended(m, token, &seen).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(seen, 0xabcdef);
    assert_int_equal(events_waiting(m), 0);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_stalled_write_lands_only_when_it_is_retried(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, true);
    uint16_t stag = take_event(m).stag;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    assert_int_equal(peek(m, a.page), 0);
    submit(m, RESUME(SID, stag, 1, 0));
    assert_int_equal(ended(m, token, NULL).done, 8);
    assert_int_equal(peek(m, a.page), 0x1122334455667788);
    machine_stop(m);
}

static void a_retry_that_faults_again_is_told_again(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;

    (void)state;
    submit(m, RESUME(SID, stag, 1, 0));
    assert_waits(m, token);
    stag = take_event(m).stag;
    submit(m, RESUME(SID, stag, 0, 1));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(m);
}

static void an_access_over_two_pages_can_stall_at_the_second(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint8_t bytes[32] = { 0 };
    struct smmuv3_model_result result;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    poke(m, a.page + 4096 - 8, 0x11);
    result = smmuv3_model_dma(m->unit, SID, PAGE + 4096 - 16, bytes, sizeof(bytes), false);
    assert_int_equal(result.outcome, SMMUV3_MODEL_STALLED);
    assert_int_equal(result.done, 16);
    assert_int_equal(result.fault_iova, PAGE + 4096);
    map(m, &a.geometry, a.root, PAGE + 4096, 3, a.page, 0);
    poke(m, a.page, 0x22);
    submit(m, RESUME(SID, take_event(m).stag, 1, 0));
    assert_true(smmuv3_model_stall_ended(m->unit, result.token, bytes, &result));
    assert_int_equal(result.outcome, SMMUV3_MODEL_OK);
    assert_int_equal(result.done, 32);
    assert_int_equal(bytes[8], 0x11);
    assert_int_equal(bytes[16], 0x22);
    machine_stop(m);
}

static void termination_is_an_abort_or_reads_zeros(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t seen = 1;
    uint64_t aborted = stall_at(m, PAGE, false);
    uint64_t zeroed = stall_at(m, PAGE, false);
    uint16_t first = take_event(m).stag;

    (void)state;
    submit(m, RESUME(SID, first, 0, 1));
    submit(m, RESUME(SID, take_event(m).stag, 0, 0));
    assert_int_equal(ended(m, aborted, &seen).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(ended(m, zeroed, &seen).outcome, SMMUV3_MODEL_RAZ_WI);
    assert_int_equal(seen, 0);
    machine_stop(m);
}

static void a_unit_that_only_aborts_ignores_ab(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct assigned a;
    uint64_t ste[STE_WORDS];
    uint64_t token = 0;

    (void)state;
    p.term_model = true;
    a = assign(&p, &PLAIN_4K);
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, 1);
    put_ste(a.machine, SID, ste);
    token = stall_at(a.machine, PAGE, false);
    submit(a.machine, RESUME(SID, take_event(a.machine).stag, 0, 0));
    assert_int_equal(ended(a.machine, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(a.machine);
}

static void a_wrong_stag_or_stream_is_without_effect_and_noted(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;

    (void)state;
    submit(m, RESUME(SID, stag ^ 1, 0, 1));
    submit(m, RESUME(SID + 1, stag, 0, 1));
    assert_waits(m, token);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_VALUE), 2);
    submit(m, RESUME(SID, stag, 0, 1));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    submit(m, RESUME(SID, stag, 0, 1)); /* a second time */
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_VALUE), 3);
    machine_stop(m);
}

static void a_stag_is_given_again_at_once_so_that_a_late_resume_hits_another(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t first = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;
    uint64_t second = 0;

    (void)state;
    submit(m, RESUME(SID, stag, 0, 1));
    ended(m, first, NULL);
    second = stall_at(m, PAGE + 4096, false);
    assert_int_equal(take_event(m).stag, stag);
    submit(m, RESUME(SID, stag, 0, 1));
    assert_int_equal(ended(m, second, NULL).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(m);
}

static void no_more_than_stall_max_records_are_outstanding(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct assigned a;
    uint64_t ste[STE_WORDS];
    uint64_t tokens[3];
    uint16_t stag = 0;

    (void)state;
    p.stall_max = 2;
    a = assign(&p, &PLAIN_4K);
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, 1);
    put_ste(a.machine, SID, ste);
    for (unsigned i = 0; i < 3; i++) {
        tokens[i] = stall_at(a.machine, PAGE + UINT64_C(4096) * i, false);
    }
    assert_int_equal(events_waiting(a.machine), 2);
    assert_int_equal(smmuv3_model_stalls(a.machine->unit), 3);
    assert_int_equal(smmuv3_model_stalls_recorded(a.machine->unit), 2);
    stag = take_event(a.machine).stag;
    submit(a.machine, RESUME(SID, stag, 0, 1)); /* makes room: the third is told */
    ended(a.machine, tokens[0], NULL);
    take_event(a.machine);
    assert_int_equal(take_event(a.machine).input_address, PAGE + UINT64_C(2) * 4096);
    assert_waits(a.machine, tokens[2]);
    machine_stop(a.machine);
}

static void a_stall_that_finds_the_event_queue_full_is_not_lost_and_is_no_overflow(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        stall_at(m, PAGE + UINT64_C(4096) * i, false);
    }
    token = stall_at(m, PAGE + 0x10000, false);
    assert_int_equal(smmuv3_model_events_lost(m->unit), 0);
    assert_false(smmuv3_model_read32(m->unit, AT_EVENTQ_PROD) & 0x80000000u);
    for (unsigned i = 0; i < 4; i++) {
        take_event(m);
    }
    assert_int_equal(take_event(m).input_address, PAGE + 0x10000);
    assert_waits(m, token);
    machine_stop(m);
}

static void what_was_mapped_while_the_queue_was_full_goes_through_without_an_event(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        stall_at(m, PAGE + UINT64_C(4096) * i, false);
    }
    token = stall_at(m, PAGE + 0x10000, false);
    map(m, &a.geometry, a.root, PAGE + 0x10000, 3, a.page, 0);
    for (unsigned i = 0; i < 4; i++) {
        take_event(m);
    }
    assert_int_equal(events_waiting(m), 0);
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_OK);
    machine_stop(m);
}

static void a_record_lost_to_an_abort_leaves_a_stall_that_only_stall_term_ends(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = 0;

    (void)state;
    smmuv3_model_abort_next(m->unit, SMMUV3_MODEL_WRITE_EVENT, 1);
    token = stall_at(m, PAGE, false);
    smmuv3_model_write32(m->unit, AT_GERRORN, 4);
    assert_int_equal(events_waiting(m), 0);
    assert_waits(m, token);
    close_stream(&a);
    submit(m, STALL_TERM(SID));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    assert_no_errors(m);
    machine_stop(m);
}

static void stall_term_ends_all_stalls_of_its_stream_and_no_others(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t ste[STE_WORDS];
    uint64_t mine[2];
    uint64_t other = 0;
    uint64_t data = 0;

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_S2S, 1);
    put_ste(m, SID + 1, ste);
    mine[0] = stall_at(m, PAGE, false);
    mine[1] = stall_at(m, PAGE + 4096, false);
    other = smmuv3_model_dma(m->unit, SID + 1, PAGE, &data, 8, false).token;
    close_stream(&a);
    submit(m, STALL_TERM(SID));
    assert_int_equal(ended(m, mine[0], NULL).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(ended(m, mine[1], NULL).outcome, SMMUV3_MODEL_ABORT);
    assert_waits(m, other);
    assert_no_errors(m);
    machine_stop(m);
}

static void stall_term_while_the_stream_is_open_is_noted_and_does_nothing(void **state)
{
    struct assigned a = full(true);
    uint64_t token = stall_at(a.machine, PAGE, false);

    (void)state;
    submit(a.machine, STALL_TERM(SID));
    assert_one_error(a.machine, SMMUV3_MODEL_ERROR_ORDER);
    assert_waits(a.machine, token);
    machine_stop(a.machine);
}

static void stall_term_without_stalls_needs_nothing(void **state)
{
    struct assigned a = full(true);

    (void)state;
    submit(a.machine, STALL_TERM(SID));
    assert_no_errors(a.machine);
    machine_stop(a.machine);
}

static void disabling_the_unit_aborts_all_and_frees_the_stags(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    stall_at(m, PAGE, false);
    assert_int_equal(take_event(m).stag, stag);
    machine_stop(m);
}

static void a_stale_translation_serves_a_retry_until_it_is_invalidated(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = 0;
    uint16_t stag = 0;

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, LEAF_AF | LEAF_READ);
    assert_reaches(m, PAGE, a.page);
    token = stall_at(m, PAGE, true); /* by permission, from the TLB */
    stag = take_event(m).stag;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    submit(m, RESUME(SID, stag, 1, 0));
    assert_waits(m, token);
    stag = take_event(m).stag;
    submit_sync(m, TLBI_IPA(VMID, PAGE, 1)); /* not held up by the stall */
    assert_false(smmuv3_model_invalidation_pending(m->unit));
    submit(m, RESUME(SID, stag, 1, 0));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_OK);
    machine_stop(m);
}

static void an_early_retry_goes_through_and_its_stag_stays_taken(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;

    (void)state;
    assert_false(smmuv3_model_early_retry(m->unit, token));
    assert_int_equal(events_waiting(m), 0); /* told once */
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    assert_true(smmuv3_model_early_retry(m->unit, token));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_OK);
    stall_at(m, PAGE + 4096, false);
    assert_int_not_equal(take_event(m).stag, stag);
    submit(m, RESUME(SID, stag, 1, 0)); /* still to be acknowledged */
    assert_no_errors(m);
    machine_stop(m);
}

static void a_stall_to_be_terminated_may_still_succeed_if_it_is_mapped_too_early(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t token = stall_at(m, PAGE, true);

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_STALLED, SMMUV3_MODEL_NEVER);
    submit_sync(m, RESUME(SID, take_event(m).stag, 0, 1));
    assert_waits(m, token);
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    assert_true(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_STALLED));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(peek(m, a.page), 0x1122334455667788);
    machine_stop(m);
}

static void a_resumed_stall_can_go_on_late(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t first = stall_at(m, PAGE, false);
    uint64_t second = stall_at(m, PAGE, false);

    (void)state;
    map(m, &a.geometry, a.root, PAGE, 3, a.page, 0);
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_STALLED, 1);
    submit(m, RESUME(SID, take_event(m).stag, 1, 0));
    submit(m, RESUME(SID, take_event(m).stag, 1, 0)); /* its events were read: time has passed */
    assert_int_equal(ended(m, first, NULL).outcome, SMMUV3_MODEL_OK);
    assert_waits(m, second);
    smmuv3_model_release(m->unit, SMMUV3_MODEL_LATE_STALLED);
    assert_int_equal(ended(m, second, NULL).outcome, SMMUV3_MODEL_OK);
    machine_stop(m);
}

static void a_terminating_configuration_ends_a_retry_with_its_own_event(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t ste[STE_WORDS];
    uint64_t token = stall_at(m, PAGE, false);
    uint16_t stag = take_event(m).stag;
    struct smmuv3_model_event event;

    (void)state;
    stage2_ste(ste, &PLAIN_4K, a.root);
    put_ste(m, SID, ste);
    submit_sync(m, CFGI_STE_LEAF(SID));
    submit(m, RESUME(SID, stag, 1, 0));
    assert_int_equal(ended(m, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    event = take_event(m);
    assert_false(event.stall);
    assert_int_equal(event.number, F_TRANSLATION);
    machine_stop(m);
}

static void reset_aborts_what_waits(void **state)
{
    struct assigned a = full(true);
    uint64_t token = stall_at(a.machine, PAGE, false);

    (void)state;
    smmuv3_model_reset(a.machine->unit);
    assert_int_equal(ended(a.machine, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(a.machine);
}

static void note_end(void *context, uint64_t token)
{
    *(uint64_t *)context = token;
}

static void a_test_can_be_told_of_the_end(void **state)
{
    struct assigned a = full(true);
    uint64_t told = 0;
    uint64_t token = stall_at(a.machine, PAGE, false);

    (void)state;
    smmuv3_model_on_stall_end(a.machine->unit, note_end, &told);
    submit(a.machine, RESUME(SID, take_event(a.machine).stag, 0, 1));
    assert_int_equal(told, token);
    machine_stop(a.machine);
}

static void a_unit_without_stalls_has_neither_the_commands_nor_stags(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct machine *m = NULL;

    (void)state;
    p.stall_model = 1;
    m = machine_up(&p);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR5) & 0xffff0000u, 0);
    submit(m, RESUME(SID, 1, 0, 1));
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 1);
    machine_stop(m);
}

/* ------------------------------------------------------------------ choices */

static void a_like_stall_may_wait_behind_the_first_without_an_event(void **state)
{
    struct assigned a = full(true);
    struct machine *m = a.machine;
    uint64_t first = 0;
    uint64_t second = 0;

    (void)state;
    take_choice(m, SMMUV3_MODEL_CHOOSE_DUPLICATE);
    first = stall_at(m, PAGE, false);
    second = stall_at(m, PAGE + 8, false);
    stall_at(m, PAGE, true);         /* not alike: a write */
    stall_at(m, PAGE + 4096, false); /* another page */
    assert_int_equal(events_waiting(m), 3);
    assert_int_equal(smmuv3_model_stalls(m->unit), 4);
    submit(m, RESUME(SID, take_event(m).stag, 0, 1));
    assert_int_equal(ended(m, first, NULL).outcome, SMMUV3_MODEL_ABORT);
    assert_waits(m, second); /* retried, it has its own event now */
    take_event(m);
    take_event(m);
    assert_int_equal(take_event(m).input_address, PAGE + 8);
    machine_stop(m);
}

static void stalls_of_an_open_stream_may_be_terminated(void **state)
{
    struct assigned a = full(true);
    uint64_t token = stall_at(a.machine, PAGE, false);

    (void)state;
    take_choice(a.machine, SMMUV3_MODEL_CHOOSE_TERM);
    submit(a.machine, STALL_TERM(SID));
    assert_int_equal(ended(a.machine, token, NULL).outcome, SMMUV3_MODEL_ABORT);
    machine_stop(a.machine);
}

static void early_retry_is_a_choice_where_it_is_no_property(void **state)
{
    (void)state;
    for (unsigned early = 0; early < 2; early++) {
        struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
        struct assigned a = assign(&p, &PLAIN_4K);
        uint64_t ste[STE_WORDS];
        uint64_t token = 0;

        stage2_ste(ste, &PLAIN_4K, a.root);
        field_put(ste, STE_S2S, 1);
        put_ste(a.machine, SID, ste);
        token = stall_at(a.machine, PAGE, false);
        if (early) {
            take_choice(a.machine, SMMUV3_MODEL_CHOOSE_EARLY);
        }
        map(a.machine, &a.geometry, a.root, PAGE, 3, a.page, 0);
        submit(a.machine, RESUME(SID, take_event(a.machine).stag, 0, 1));
        assert_int_equal(ended(a.machine, token, NULL).outcome,
                         early ? SMMUV3_MODEL_OK : SMMUV3_MODEL_ABORT);
        machine_stop(a.machine);
    }
}

int run_stall_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stalled_transaction_is_told_with_its_stag_and_waits),
        cmocka_unit_test(the_event_is_recorded_even_with_s2r_clear),
        cmocka_unit_test(a_retry_uses_the_tables_of_its_time_and_transfers_the_data),
        cmocka_unit_test(a_stalled_write_lands_only_when_it_is_retried),
        cmocka_unit_test(a_retry_that_faults_again_is_told_again),
        cmocka_unit_test(an_access_over_two_pages_can_stall_at_the_second),
        cmocka_unit_test(termination_is_an_abort_or_reads_zeros),
        cmocka_unit_test(a_unit_that_only_aborts_ignores_ab),
        cmocka_unit_test(a_wrong_stag_or_stream_is_without_effect_and_noted),
        cmocka_unit_test(a_stag_is_given_again_at_once_so_that_a_late_resume_hits_another),
        cmocka_unit_test(no_more_than_stall_max_records_are_outstanding),
        cmocka_unit_test(a_stall_that_finds_the_event_queue_full_is_not_lost_and_is_no_overflow),
        cmocka_unit_test(what_was_mapped_while_the_queue_was_full_goes_through_without_an_event),
        cmocka_unit_test(a_record_lost_to_an_abort_leaves_a_stall_that_only_stall_term_ends),
        cmocka_unit_test(stall_term_ends_all_stalls_of_its_stream_and_no_others),
        cmocka_unit_test(stall_term_while_the_stream_is_open_is_noted_and_does_nothing),
        cmocka_unit_test(stall_term_without_stalls_needs_nothing),
        cmocka_unit_test(disabling_the_unit_aborts_all_and_frees_the_stags),
        cmocka_unit_test(a_stale_translation_serves_a_retry_until_it_is_invalidated),
        cmocka_unit_test(an_early_retry_goes_through_and_its_stag_stays_taken),
        cmocka_unit_test(a_stall_to_be_terminated_may_still_succeed_if_it_is_mapped_too_early),
        cmocka_unit_test(a_resumed_stall_can_go_on_late),
        cmocka_unit_test(a_terminating_configuration_ends_a_retry_with_its_own_event),
        cmocka_unit_test(reset_aborts_what_waits),
        cmocka_unit_test(a_test_can_be_told_of_the_end),
        cmocka_unit_test(a_unit_without_stalls_has_neither_the_commands_nor_stags),
        cmocka_unit_test(a_like_stall_may_wait_behind_the_first_without_an_event),
        cmocka_unit_test(stalls_of_an_open_stream_may_be_terminated),
        cmocka_unit_test(early_retry_is_a_choice_where_it_is_no_property),
    };

    return cmocka_run_group_tests_name("stalls", tests, NULL, NULL);
}
