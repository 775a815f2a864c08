/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PRI queue: records, interrupts, overflow, what the unit answers by itself, CMD_PRI_RESP.
 */
#include "fixture_pcie.h"

#define PASID 0x12345u

static const struct smmuv3_model_page_request PLAIN = {
    .stream_id = SID,
    .address = UINT64_C(0xdeadbeef7000),
    .read = true,
    .last = true,
    .prg_index = 0x155,
};

static struct smmuv3_model_page_request with_pasid(void)
{
    struct smmuv3_model_page_request request = PLAIN;

    request.ssv = true;
    request.substream_id = PASID;
    return request;
}

static uint32_t prod(struct machine *m)
{
    return smmuv3_model_read32(m->unit, AT_PRIQ_PROD);
}

static void fill(struct machine *m)
{
    for (unsigned i = 0; i < PRIQ_ENTRIES; i++) {
        assert_int_equal(smmuv3_model_page_request(m->unit, &PLAIN), SMMUV3_MODEL_PAGE_RECORDED);
    }
}

static void a_request_is_recorded_field_by_field(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    uint64_t queue = bring_up_priq(m, false);
    struct smmuv3_model_page_request request = with_pasid();

    (void)state;
    request.privileged = true;
    smmuv3_model_page_request(m->unit, &request);
    request = PLAIN;
    request.write = true;
    request.last = false;
    request.execute = true; /* means nothing without a PASID */
    smmuv3_model_page_request(m->unit, &request);
    assert_int_equal(prod(m), 2);
    assert_int_equal(peek(m, queue), UINT64_C(0xd401234500000005));
    assert_int_equal(peek(m, queue + 8), UINT64_C(0xdeadbeef7155));
    assert_int_equal(peek(m, queue + 16), UINT64_C(0x3000000000000005));
    assert_no_errors(m);
    machine_stop(m);
}

static void the_interrupt_comes_when_the_queue_becomes_non_empty(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;

    (void)state;
    bring_up_priq(m, false);
    smmuv3_model_page_request(m->unit, &PLAIN);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_PRIQ], 1);
    smmuv3_model_write32(m->unit, AT_PRIQ_CONS, 2);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_PRIQ], 2);
    machine_stop(m);
}

static void with_lo_it_comes_for_each_last_request_discarded_ones_too(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct smmuv3_model_page_request more = PLAIN;

    (void)state;
    bring_up_priq(m, true);
    more.last = false;
    smmuv3_model_page_request(m->unit, &more);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_PRIQ], 0);
    for (unsigned i = 1; i < PRIQ_ENTRIES; i++) {
        smmuv3_model_page_request(m->unit, &PLAIN);
    }
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_PRIQ], PRIQ_ENTRIES - 1);
    smmuv3_model_page_request(m->unit, &PLAIN); /* overflows */
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_PRIQ], PRIQ_ENTRIES);
    machine_stop(m);
}

static void a_message_interrupt_that_aborts_is_a_global_error(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;

    (void)state;
    bring_up_priq(m, false);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x5);
    smmuv3_model_write64(m->unit, AT_PRIQ_IRQ_CFG0, 0x1000);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x7);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0x40);
    machine_stop(m);
}

static void a_full_queue_overflows_and_answers_last_requests_with_success(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };
    struct smmuv3_model_page_request more = PLAIN;

    (void)state;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    fill(m);
    more.last = false;
    assert_int_equal(smmuv3_model_page_request(m->unit, &more), SMMUV3_MODEL_PAGE_DISCARDED);
    assert_int_equal(noted.responses, 0);
    assert_int_equal(prod(m), 0x80000000u | PRIQ_ENTRIES);
    assert_int_equal(smmuv3_model_page_request(m->unit, &PLAIN), SMMUV3_MODEL_PAGE_ANSWERED);
    assert_int_equal(noted.responses, 1);
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_SUCCESS);
    assert_int_equal(noted.response.prg_index, PLAIN.prg_index);
    assert_true(noted.response.automatic);
    assert_int_equal(prod(m), 0x80000000u | PRIQ_ENTRIES); /* toggles once */
    assert_int_equal(smmuv3_model_page_requests_lost(m->unit), 2);
    machine_stop(m);
}

static void an_overflow_keeps_requests_out_until_it_is_acknowledged(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;

    (void)state;
    bring_up_priq(m, false);
    fill(m);
    smmuv3_model_page_request(m->unit, &PLAIN);
    smmuv3_model_write32(m->unit, AT_PRIQ_CONS, PRIQ_ENTRIES); /* empty, OVACKFLG still 0 */
    assert_int_equal(smmuv3_model_page_request(m->unit, &PLAIN), SMMUV3_MODEL_PAGE_ANSWERED);
    smmuv3_model_write32(m->unit, AT_PRIQ_CONS, 0x80000000u | PRIQ_ENTRIES);
    assert_int_equal(smmuv3_model_page_request(m->unit, &PLAIN), SMMUV3_MODEL_PAGE_RECORDED);
    machine_stop(m);
}

/* The automatic answer to a request with a PASID at a full queue. */
static struct smmuv3_model_page_response overflow_answer(bool ppar, bool valid, bool pps)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();
    struct smmuv3_model_page_request request = with_pasid();
    struct noted noted = { 0 };
    uint64_t ste[STE_WORDS];
    struct assigned a;

    p.pps = pps;
    a = assign(&p, &PLAIN_4K);
    stage2_ste(ste, &PLAIN_4K, a.root);
    field_put(ste, STE_PPAR, ppar);
    field_put(ste, STE_V, valid);
    put_ste(a.machine, SID, ste);
    put_endpoint(a.machine, &noted);
    bring_up_priq(a.machine, false);
    fill(a.machine);
    smmuv3_model_page_request(a.machine->unit, &request);
    assert_int_equal(noted.responses, 1);
    machine_stop(a.machine);
    return noted.response;
}

static void ste_ppar_says_whether_the_automatic_answer_has_the_pasid(void **state)
{
    (void)state;
    assert_false(overflow_answer(false, true, false).ssv);
    assert_true(overflow_answer(true, true, false).ssv);
    assert_int_equal(overflow_answer(true, true, false).substream_id, PASID);
    assert_int_equal(overflow_answer(true, true, false).code, SMMUV3_MODEL_RESPONSE_SUCCESS);
}

static void without_a_valid_ste_the_answer_is_failure_without_pasid(void **state)
{
    (void)state;
    assert_int_equal(overflow_answer(true, false, false).code, SMMUV3_MODEL_RESPONSE_FAILURE);
    assert_false(overflow_answer(true, false, false).ssv);
}

static void with_pps_the_pasid_stays_whatever_the_ste_says(void **state)
{
    (void)state;
    assert_true(overflow_answer(false, false, true).ssv);
    assert_int_equal(overflow_answer(false, false, true).code, SMMUV3_MODEL_RESPONSE_SUCCESS);
}

static void a_disabled_queue_answers_every_request_with_failure(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };
    struct smmuv3_model_page_request request = with_pasid();

    (void)state;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    request.last = false;
    assert_int_equal(smmuv3_model_page_request(m->unit, &request), SMMUV3_MODEL_PAGE_ANSWERED);
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_FAILURE);
    assert_false(noted.response.ssv);
    machine_stop(m);
}

static void a_disabled_unit_has_no_queue_but_guards_its_registers(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    smmuv3_model_write32(m->unit, AT_CR0, 0xe);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_FAILURE);
    smmuv3_model_write64(m->unit, AT_PRIQ_BASE, 0);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    machine_stop(m);
}

static void an_aborted_write_fails_requests_until_it_is_acknowledged(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    smmuv3_model_abort_next(m->unit, SMMUV3_MODEL_WRITE_PRI, 1);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0x8);
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_FAILURE);
    smmuv3_model_page_request(m->unit, &PLAIN);
    assert_int_equal(noted.responses, 2);
    assert_int_equal(prod(m), 0);
    smmuv3_model_write32(m->unit, AT_GERRORN, 0x8);
    assert_int_equal(smmuv3_model_page_request(m->unit, &PLAIN), SMMUV3_MODEL_PAGE_RECORDED);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_stop_marker_is_recorded_and_never_answered(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };
    struct smmuv3_model_page_request marker = with_pasid();

    (void)state;
    marker.read = false;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    assert_int_equal(smmuv3_model_page_request(m->unit, &marker), SMMUV3_MODEL_PAGE_RECORDED);
    smmuv3_model_write32(m->unit, AT_PRIQ_CONS, 1);
    fill(m);
    assert_int_equal(smmuv3_model_page_request(m->unit, &marker), SMMUV3_MODEL_PAGE_DISCARDED);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_int_equal(smmuv3_model_page_request(m->unit, &marker), SMMUV3_MODEL_PAGE_DISCARDED);
    assert_int_equal(noted.responses, 0);
    marker.ssv = false; /* no stop marker without a PASID */
    assert_int_equal(smmuv3_model_page_request(m->unit, &marker), SMMUV3_MODEL_PAGE_ANSWERED);
    machine_stop(m);
}

static void pri_resp_reaches_the_endpoint_with_code_index_and_pasid(void **state)
{
    struct assigned a = full(false);
    struct machine *m = a.machine;
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(m, &noted);
    bring_up_priq(m, false);
    submit(m, PRI_RESP(SID, 0x1ff, 2));
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_SUCCESS);
    assert_int_equal(noted.response.prg_index, 0x1ff);
    assert_false(noted.response.ssv);
    submit(m, PRI_RESP_PASID(SID, PASID, 3, 1));
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_INVALID);
    assert_true(noted.response.ssv);
    assert_int_equal(noted.response.substream_id, PASID);
    submit(m, PRI_RESP(SID, 3, 0));
    assert_int_equal(noted.response.code, SMMUV3_MODEL_RESPONSE_FAILURE);
    submit(m, PRI_RESP(SID + 1, 3, 0)); /* nobody there */
    assert_int_equal(noted.responses, 3);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_reserved_response_is_illegal(void **state)
{
    struct assigned a = full(false);

    (void)state;
    submit(a.machine, PRI_RESP(SID, 3, 3));
    assert_int_equal(smmuv3_model_read32(a.machine->unit, AT_GERROR), 1);
    machine_stop(a.machine);
}

static void pri_resp_on_a_disabled_unit_is_ignored_and_noted(void **state)
{
    struct assigned a = full(false);
    struct noted noted = { 0 };

    (void)state;
    put_endpoint(a.machine, &noted);
    smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_QUEUES);
    submit(a.machine, PRI_RESP(SID, 3, 2));
    assert_int_equal(noted.responses, 0);
    assert_one_error(a.machine, SMMUV3_MODEL_ERROR_STATE);
    machine_stop(a.machine);
}

static void the_queue_must_be_set_up_before_it_is_enabled(void **state)
{
    struct assigned a = full(false);

    (void)state;
    smmuv3_model_write32(a.machine->unit, AT_CR0, CR0_WITH_PRIQ);
    assert_true(smmuv3_model_error_count(a.machine->unit, SMMUV3_MODEL_ERROR_ORDER) >= 3);
    machine_stop(a.machine);
}

static void cons_beyond_prod_is_noted(void **state)
{
    struct assigned a = full(false);

    (void)state;
    bring_up_priq(a.machine, false);
    smmuv3_model_write32(a.machine->unit, AT_PRIQ_CONS, 1);
    assert_one_error(a.machine, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(a.machine);
}

static void a_unit_without_pri_has_neither_queue_nor_command(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_full();

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct machine *m = NULL;

        p = smmuv3_model_like_full();
        p.pri = i;
        p.ats = !i; /* without ATS there is no PRI */
        m = machine_up(&p);
        assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR0) & 0x10000, 0);
        smmuv3_model_write64(m->unit, AT_PRIQ_BASE, 0x80000003);
        assert_one_error(m, SMMUV3_MODEL_ERROR_RESERVED);
        assert_int_equal(smmuv3_model_read64(m->unit, AT_PRIQ_BASE), 0);
        submit(m, PRI_RESP(SID, 0, 2));
        assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 1);
        machine_stop(m);
    }
}

int run_priq_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_recorded_field_by_field),
        cmocka_unit_test(the_interrupt_comes_when_the_queue_becomes_non_empty),
        cmocka_unit_test(with_lo_it_comes_for_each_last_request_discarded_ones_too),
        cmocka_unit_test(a_message_interrupt_that_aborts_is_a_global_error),
        cmocka_unit_test(a_full_queue_overflows_and_answers_last_requests_with_success),
        cmocka_unit_test(an_overflow_keeps_requests_out_until_it_is_acknowledged),
        cmocka_unit_test(ste_ppar_says_whether_the_automatic_answer_has_the_pasid),
        cmocka_unit_test(without_a_valid_ste_the_answer_is_failure_without_pasid),
        cmocka_unit_test(with_pps_the_pasid_stays_whatever_the_ste_says),
        cmocka_unit_test(a_disabled_queue_answers_every_request_with_failure),
        cmocka_unit_test(a_disabled_unit_has_no_queue_but_guards_its_registers),
        cmocka_unit_test(an_aborted_write_fails_requests_until_it_is_acknowledged),
        cmocka_unit_test(a_stop_marker_is_recorded_and_never_answered),
        cmocka_unit_test(pri_resp_reaches_the_endpoint_with_code_index_and_pasid),
        cmocka_unit_test(a_reserved_response_is_illegal),
        cmocka_unit_test(pri_resp_on_a_disabled_unit_is_ignored_and_noted),
        cmocka_unit_test(the_queue_must_be_set_up_before_it_is_enabled),
        cmocka_unit_test(cons_beyond_prod_is_noted),
        cmocka_unit_test(a_unit_without_pri_has_neither_queue_nor_command),
    };

    return cmocka_run_group_tests_name("page requests", tests, NULL, NULL);
}
