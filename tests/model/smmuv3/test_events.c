/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event queue and GERROR: order, interrupts, overflow both ways, aborts, acknowledge.
 */
#include "fixture.h"

enum { QUEUE_ENTRIES = 4 }; /* 2^EVENTQ_LOG2 */

static uint32_t prod(struct machine *m)
{
    return smmuv3_model_read32(m->unit, AT_EVENTQ_PROD);
}

/* An access that records one event. */
static void fault(struct machine *m, uint32_t stream_id)
{
    uint64_t data = 0;

    smmuv3_model_dma(m->unit, stream_id, 0, &data, sizeof(data), false);
}

static void events_come_in_order_and_the_queue_wraps(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (uint32_t i = 0; i < 20; i++) {
        fault(m, i);
        fault(m, i + 100);
        assert_int_equal(take_event(m).stream_id, i);
        assert_int_equal(take_event(m).stream_id, i + 100);
    }
    assert_int_equal(smmuv3_model_events_recorded(m->unit), 40);
    assert_no_errors(m);
    machine_stop(m);
}

static void the_interrupt_comes_when_the_queue_becomes_non_empty(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    fault(m, 1);
    fault(m, 2);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_EVENTQ], 1);
    take_event(m);
    fault(m, 3);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_EVENTQ], 1);
    take_event(m);
    take_event(m);
    fault(m, 4);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_EVENTQ], 2);
    machine_stop(m);
}

static void a_disabled_interrupt_is_not_sent(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0);
    fault(m, 1);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_EVENTQ], 0);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 0);
    machine_stop(m);
}

static void enabling_messages_without_an_address_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x1);
    assert_one_error(m, SMMUV3_MODEL_ERROR_ORDER);
    machine_stop(m);
}

static void a_unit_without_messages_needs_no_address(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x5);
    assert_no_errors(m);
    machine_stop(m);
}

static void interrupts_are_messages_where_an_address_is_configured(void **state)
{
    struct machine *m = plain_up();
    uint64_t target = take(m, 16);

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0);
    smmuv3_model_write64(m->unit, AT_EVENTQ_IRQ_CFG0, target);
    smmuv3_model_write32(m->unit, AT_EVENTQ_IRQ_CFG1, 0x111);
    smmuv3_model_write64(m->unit, AT_GERROR_IRQ_CFG0, target + 8);
    smmuv3_model_write32(m->unit, AT_GERROR_IRQ_CFG1, 0x222);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x5);
    fault(m, 1);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    assert_int_equal(peek(m, target), 0x111);
    assert_int_equal(peek(m, target + 8), 0x222);
    assert_no_errors(m);
    machine_stop(m);
}

static void an_aborted_message_is_a_global_error_that_sends_no_second_one(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0);
    smmuv3_model_write64(m->unit, AT_EVENTQ_IRQ_CFG0, 0);
    smmuv3_model_write64(m->unit, AT_GERROR_IRQ_CFG0, 0x1000);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x5);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0x84);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 1);
    machine_stop(m);
}

static void a_full_queue_overflows_by_toggling_ovflg_once(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (uint32_t i = 0; i < QUEUE_ENTRIES; i++) {
        fault(m, i);
    }
    assert_int_equal(prod(m), QUEUE_ENTRIES);
    fault(m, 50);
    assert_int_equal(prod(m), 0x80000000u | QUEUE_ENTRIES);
    fault(m, 51);
    assert_int_equal(prod(m), 0x80000000u | QUEUE_ENTRIES);
    assert_int_equal(smmuv3_model_events_lost(m->unit), 2);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    machine_stop(m);
}

static void an_acknowledged_overflow_toggles_back_at_the_next(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (uint32_t i = 0; i < QUEUE_ENTRIES + 1; i++) {
        fault(m, i);
    }
    for (uint32_t i = 0; i < QUEUE_ENTRIES; i++) {
        assert_int_equal(take_event(m).stream_id, i); /* acknowledges too */
    }
    assert_int_equal(events_waiting(m), 0);
    for (uint32_t i = 0; i < QUEUE_ENTRIES; i++) {
        fault(m, i);
    }
    assert_true(prod(m) & 0x80000000u);
    fault(m, 50);
    assert_false(prod(m) & 0x80000000u);
    machine_stop(m);
}

static void an_unacknowledged_overflow_does_not_stop_recording(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (uint32_t i = 0; i < QUEUE_ENTRIES + 1; i++) {
        fault(m, i);
    }
    smmuv3_model_write32(m->unit, AT_EVENTQ_CONS, 1); /* OVACKFLG stays 0 */
    fault(m, 50);
    assert_int_equal(smmuv3_model_events_recorded(m->unit), QUEUE_ENTRIES + 1);
    machine_stop(m);
}

static void overflow_can_be_as_qemu_has_it(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct machine *m = NULL;

    (void)state;
    p.overflow = SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR;
    m = machine_up(&p);
    for (uint32_t i = 0; i < QUEUE_ENTRIES + 1; i++) {
        fault(m, i);
    }
    assert_int_equal(prod(m), QUEUE_ENTRIES);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 4);
    machine_stop(m);
}

static void an_aborted_record_stops_delivery_until_acknowledged(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_abort_next(m->unit, SMMUV3_MODEL_WRITE_EVENT, 1);
    fault(m, 1);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 4);
    assert_int_equal(prod(m), 0);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 1);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_EVENTQ], 0);
    fault(m, 2);
    assert_int_equal(prod(m), 0);
    smmuv3_model_write32(m->unit, AT_GERRORN, 4);
    fault(m, 3);
    assert_int_equal(take_event(m).stream_id, 3);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_disabled_queue_loses_events_without_overflow(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, 0x9);
    for (uint32_t i = 0; i < QUEUE_ENTRIES + 1; i++) {
        fault(m, i);
    }
    assert_int_equal(prod(m), 0);
    assert_int_equal(smmuv3_model_events_lost(m->unit), QUEUE_ENTRIES + 1);
    machine_stop(m);
}

static void cons_beyond_prod_is_noted(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_EVENTQ_CONS, 1);
    assert_one_error(m, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(m);
}

static void an_active_error_does_not_toggle_again(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 4);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 1);
    machine_stop(m);
}

static void acknowledging_what_is_not_active_is_noted(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_GERRORN, 4);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    machine_stop(m);
}

static void an_unknown_error_bit_can_be_raised_and_acknowledged(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_raise_gerror(m->unit, 29);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0x20000000);
    smmuv3_model_write32(m->unit, AT_GERRORN, 0x20000000);
    assert_no_errors(m);
    smmuv3_model_raise_gerror(m->unit, 29);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    machine_stop(m);
}

static void service_failure_stops_traffic_commands_and_events_until_reset(void **state)
{
    struct machine *m = plain_up();
    uint32_t cons = smmuv3_model_read32(m->unit, AT_CMDQ_CONS);

    (void)state;
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_SFM_ERR);
    assert_aborts(m, MEMORY_BASE, 0);
    send_sync(m);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), cons);
    smmuv3_model_write32(m->unit, AT_GERRORN, 0x100);
    assert_aborts(m, MEMORY_BASE, 0);
    smmuv3_model_reset(m->unit);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

int run_event_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_and_the_queue_wraps),
        cmocka_unit_test(the_interrupt_comes_when_the_queue_becomes_non_empty),
        cmocka_unit_test(a_disabled_interrupt_is_not_sent),
        cmocka_unit_test(enabling_messages_without_an_address_is_noted),
        cmocka_unit_test(interrupts_are_messages_where_an_address_is_configured),
        cmocka_unit_test(an_aborted_message_is_a_global_error_that_sends_no_second_one),
        cmocka_unit_test(a_full_queue_overflows_by_toggling_ovflg_once),
        cmocka_unit_test(an_acknowledged_overflow_toggles_back_at_the_next),
        cmocka_unit_test(an_unacknowledged_overflow_does_not_stop_recording),
        cmocka_unit_test(overflow_can_be_as_qemu_has_it),
        cmocka_unit_test(an_aborted_record_stops_delivery_until_acknowledged),
        cmocka_unit_test(a_disabled_queue_loses_events_without_overflow),
        cmocka_unit_test(cons_beyond_prod_is_noted),
        cmocka_unit_test(an_active_error_does_not_toggle_again),
        cmocka_unit_test(acknowledging_what_is_not_active_is_noted),
        cmocka_unit_test(an_unknown_error_bit_can_be_raised_and_acknowledged),
        cmocka_unit_test(service_failure_stops_traffic_commands_and_events_until_reset),
        cmocka_unit_test(a_unit_without_messages_needs_no_address),
    };

    return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
