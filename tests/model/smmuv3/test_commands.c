/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue: consumption, errors and recovery, legality, CMD_SYNC signals, the trace.
 */
#include "fixture.h"

static uint32_t cons_error(struct machine *m)
{
    return (uint32_t)field_in(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), FIELD(30, 24));
}

static uint32_t cons_index(struct machine *m)
{
    return (uint32_t)field_in(smmuv3_model_read32(m->unit, AT_CMDQ_CONS), FIELD(19, 0));
}

/* Whether a command is taken for illegal by a unit with these parameters. */
static bool illegal(const struct smmuv3_model_parameters *p, uint64_t word0, uint64_t word1)
{
    struct machine *m = machine_up(p);
    bool error = false;

    submit(m, word0, word1);
    error = smmuv3_model_read32(m->unit, AT_GERROR) & 1;
    assert_int_equal(error ? cons_error(m) : 0, error ? SMMUV3_MODEL_CERROR_ILL : 0);
    machine_stop(m);
    return error;
}

static void commands_are_consumed_in_order_and_cons_wraps(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        send_sync(m);
        assert_int_equal(cons_index(m), m->cmdq_prod);
    }
    assert_int_equal(smmuv3_model_command_count(m->unit, CMD_SYNC), 41);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_whole_queue_is_consumed_at_one_doorbell(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    for (unsigned i = 0; i < power_of_2(CMDQ_LOG2); i++) {
        uint64_t slot = m->cmdq + (m->cmdq_prod + i) % power_of_2(CMDQ_LOG2) * 16;

        poke(m, slot, 0x46);
        poke(m, slot + 8, 0);
    }
    m->cmdq_prod = (m->cmdq_prod + 16) % 32;
    smmuv3_model_write32(m->unit, AT_CMDQ_PROD, m->cmdq_prod);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    assert_int_equal(smmuv3_model_command_count(m->unit, CMD_SYNC), 17);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_disabled_queue_consumes_nothing_until_it_is_enabled(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, 0x5);
    send_sync(m);
    assert_int_not_equal(cons_index(m), m->cmdq_prod);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void an_illegal_command_stops_the_queue_until_it_is_replaced_and_acknowledged(void **state)
{
    struct machine *m = plain_up();
    uint32_t bad = m->cmdq_prod;

    (void)state;
    submit(m, 0xff, 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 1);
    assert_int_equal(cons_error(m), SMMUV3_MODEL_CERROR_ILL);
    assert_int_equal(cons_index(m), bad);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 1);
    send_sync(m);
    assert_int_equal(cons_index(m), bad);
    poke(m, m->cmdq + UINT64_C(16) * bad, 0x46);
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    submit(m, 0xff, 0); /* the bit toggles back */
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 2);
    machine_stop(m);
}

static void prod_may_go_back_to_cons_while_an_error_is_active_and_only_then(void **state)
{
    struct machine *m = plain_up();
    uint32_t bad = m->cmdq_prod;

    (void)state;
    submit(m, 0xff, 0);
    send_sync(m);
    smmuv3_model_write32(m->unit, AT_CMDQ_PROD, bad);
    m->cmdq_prod = bad;
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_ALL), 1); /* 0xff */
    send_sync(m);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    smmuv3_model_write32(m->unit, AT_CMDQ_PROD, bad); /* behind CONS */
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_ALL), 2);
    send_sync(m);
    assert_int_not_equal(cons_index(m), (m->cmdq_prod + 1) % 32);
    smmuv3_model_write32(m->unit, AT_CR0, 0x5); /* only a restart helps */
    smmuv3_model_write32(m->unit, AT_CMDQ_PROD, cons_index(m));
    m->cmdq_prod = cons_index(m);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    send_sync(m);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void the_doorbell_may_be_rung_again_without_a_new_command(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_CMDQ_PROD, m->cmdq_prod);
    send_sync(m);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    assert_no_errors(m);
    machine_stop(m);
}

static void an_aborted_command_fetch_is_cerror_abt(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_abort_next(m->unit, SMMUV3_MODEL_FETCH_COMMAND, 1);
    send_sync(m);
    assert_int_equal(cons_error(m), SMMUV3_MODEL_CERROR_ABT);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 1);
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void an_ats_timeout_fails_the_sync_and_the_sync_can_be_repeated(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_fail_next_sync(m->unit);
    send_sync(m);
    assert_int_equal(cons_error(m), SMMUV3_MODEL_CERROR_ATC_INV_SYNC);
    assert_int_not_equal(cons_index(m), m->cmdq_prod);
    smmuv3_model_write32(m->unit, AT_GERRORN, 1);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void every_opcode_is_legal_exactly_where_its_feature_exists(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    p.ats = true;
    p.pri = true;
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        bool known = (opcode >= 0x01 && opcode <= 0x06) || (opcode >= 0x10 && opcode <= 0x13) ||
                     (opcode >= 0x20 && opcode <= 0x23) || opcode == 0x28 || opcode == 0x2a ||
                     opcode == 0x30 || opcode == 0x40 || opcode == 0x41 ||
                     (opcode >= 0x44 && opcode <= 0x46);

        if (illegal(&p, opcode, 0) == known) {
            fail_msg("opcode 0x%x", opcode);
        }
    }
    p = smmuv3_model_like_mmu600();
    assert_true(illegal(&p, 0x40, 0)); /* CMD_ATC_INV without ATS */
    assert_true(illegal(&p, 0x41, 0));
    p.stall_model = 1;
    assert_true(illegal(&p, 0x44, 0));
    assert_true(illegal(&p, 0x45, 0));
    p.hyp = false;
    assert_true(illegal(&p, TLBI_EL2_ALL));
    p.s1p = false;
    assert_true(illegal(&p, TLBI_NH_ALL(0)));
    assert_true(illegal(&p, 0x05, 0));
    assert_false(illegal(&p, TLBI_S12_VMALL(1)));
    assert_false(illegal(&p, TLBI_NSNH_ALL));
    p = smmuv3_model_like_mmu600();
    p.s2p = false;
    assert_true(illegal(&p, TLBI_S12_VMALL(1)));
    assert_true(illegal(&p, TLBI_IPA(1, 0, 1)));
    assert_false(illegal(&p, TLBI_NSNH_ALL));
}

static void illegal_parameters_are_cerror_ill(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    assert_true(illegal(&p, 0x03 | 0x400, 0));  /* SSec */
    assert_true(illegal(&p, 0x46 | 0x3000, 0)); /* CS reserved */
    p.pri = true;
    assert_true(illegal(&p, 0x41, 0x3000)); /* Resp reserved */
    p.ril = true;
    assert_true(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 1, 0, 0, 0)));
    assert_false(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 1, 3, 0, 0)));
    assert_false(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 1, 0, 1, 0)));
    assert_true(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 2, 1, 0, 0))); /* 16 KiB: TTL 1 is 0 */
}

static void reserved_fields_are_cerror_ill_unless_the_unit_ignores_them(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    assert_true(illegal(&p, 0x30, 1));
    assert_true(illegal(&p, 0x46 | 0x100, 0));
    assert_true(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 1, 3, 0, 0))); /* TG without RIL */
    p.ril = true;
    assert_true(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 0, 0, 3, 0))); /* NUM without TG */
    assert_true(illegal(&p, TLBI_IPA_RANGE(1, 0, 1, 0, 3, 0, 0))); /* TTL without TG */
    p.ignore_reserved = true;
    assert_false(illegal(&p, 0x30, 1));
}

static void a_sync_signals_by_wire_where_asked_and_after_cons(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    send_sync(m);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 0);
    submit(m, 0x46 | 0x2000, 0); /* SEV */
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 0);
    submit(m, 0x46 | 0x1000, 0);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 1);
    smmuv3_model_drop_sync_signals(m->unit, 1);
    submit(m, 0x46 | 0x1000, 0);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 1);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void a_sync_writes_its_msi_if_the_unit_has_msis(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();

    (void)state;
    for (unsigned msi = 0; msi < 2; msi++) {
        struct machine *m = NULL;
        uint64_t target = 0;

        p.msi = msi;
        m = machine_up(&p);
        target = take(m, 8);
        submit(m, 0x46 | 0x1000 | UINT64_C(0xcafef00d) << 32, target);
        assert_int_equal(peek(m, target), msi ? 0xcafef00d : 0);
        machine_stop(m);
    }
}

static void an_aborted_sync_msi_is_a_global_error(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    submit(m, 0x46 | 0x1000, 0x1000);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0x10);
    assert_int_equal(cons_index(m), m->cmdq_prod);
    machine_stop(m);
}

static void the_trace_tells_each_command_with_its_fields(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    const struct smmuv3_model_command *command = NULL;
    struct machine *m = NULL;
    uint64_t from = 0;

    (void)state;
    p.ril = true;
    m = machine_up(&p);
    from = smmuv3_model_command_total(m->unit);
    submit(m, TLBI_IPA_RANGE(0x1234, 0x200000, 1, 1, 2, 3, 9));
    submit(m, CFGI_STE_LEAF(77));
    send_sync(m);
    command = smmuv3_model_command_at(m->unit, from);
    assert_string_equal(command->name, "CMD_TLBI_S2_IPA");
    assert_int_equal(command->vmid, 0x1234);
    assert_int_equal(command->address, 0x200000);
    assert_int_equal(command->size, 4 * 512 * 4096);
    assert_int_equal(command->granule, 12);
    assert_int_equal(command->ttl, 2);
    assert_true(command->leaf);
    command = smmuv3_model_command_at(m->unit, from + 1);
    assert_int_equal(command->opcode, CMD_CFGI_STE);
    assert_int_equal(command->stream_id, 77);
    assert_int_equal(command->vmid, 0); /* no such fields */
    assert_int_equal(command->asid, 0);
    assert_int_equal(command->size, 0);
    assert_int_equal(command->address, 0);
    assert_int_equal(smmuv3_model_command_at(m->unit, from + 2)->opcode, CMD_SYNC);
    assert_null(smmuv3_model_command_at(m->unit, from + 3));
    machine_stop(m);
}

static void the_trace_is_bounded_and_the_counters_are_not(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = NULL;

    (void)state;
    p.trace_length = 4;
    m = machine_up(&p);
    for (unsigned i = 0; i < 10; i++) {
        send_sync(m);
    }
    assert_int_equal(smmuv3_model_command_total(m->unit), 14);
    assert_null(smmuv3_model_command_at(m->unit, 9));
    assert_int_equal(smmuv3_model_command_at(m->unit, 10)->sequence, 10);
    assert_int_equal(smmuv3_model_command_count(m->unit, CMD_SYNC), 11);
    machine_stop(m);
}

static void prefetch_commands_fill_the_caches_and_record_nothing(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct assigned a = assign(&p, &PLAIN_4K);

    (void)state;
    map(a.machine, &a.geometry, a.root, 0x5000, 3, a.page, 0);
    submit(a.machine, 0x01 | ((uint64_t)(SID + 1) << 32), 0);
    submit(a.machine, 0x02 | ((uint64_t)SID << 32), 0x5000);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).stes, 2);
    assert_int_equal(smmuv3_model_cached(a.machine->unit).leaves, 1);
    assert_int_equal(events_waiting(a.machine), 0);
    machine_stop(a.machine);
}

static void a_leaf_bit_is_told_for_configuration_and_for_translations(void **state)
{
    struct machine *m = plain_up();
    uint64_t from = smmuv3_model_command_total(m->unit);

    (void)state;
    submit(m, CFGI_STE_LEAF(1));
    submit(m, CFGI_STE_ALL_LEVELS(1));
    submit(m, TLBI_IPA(1, 0x1000, 1));
    submit(m, TLBI_IPA(1, 0x1000, 0));
    assert_true(smmuv3_model_command_at(m->unit, from)->leaf);
    assert_false(smmuv3_model_command_at(m->unit, from + 1)->leaf);
    assert_true(smmuv3_model_command_at(m->unit, from + 2)->leaf);
    assert_false(smmuv3_model_command_at(m->unit, from + 3)->leaf);
    machine_stop(m);
}

int run_command_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_consumed_in_order_and_cons_wraps),
        cmocka_unit_test(a_whole_queue_is_consumed_at_one_doorbell),
        cmocka_unit_test(a_disabled_queue_consumes_nothing_until_it_is_enabled),
        cmocka_unit_test(an_illegal_command_stops_the_queue_until_it_is_replaced_and_acknowledged),
        cmocka_unit_test(prod_may_go_back_to_cons_while_an_error_is_active_and_only_then),
        cmocka_unit_test(the_doorbell_may_be_rung_again_without_a_new_command),
        cmocka_unit_test(an_aborted_command_fetch_is_cerror_abt),
        cmocka_unit_test(an_ats_timeout_fails_the_sync_and_the_sync_can_be_repeated),
        cmocka_unit_test(every_opcode_is_legal_exactly_where_its_feature_exists),
        cmocka_unit_test(illegal_parameters_are_cerror_ill),
        cmocka_unit_test(reserved_fields_are_cerror_ill_unless_the_unit_ignores_them),
        cmocka_unit_test(a_sync_signals_by_wire_where_asked_and_after_cons),
        cmocka_unit_test(a_sync_writes_its_msi_if_the_unit_has_msis),
        cmocka_unit_test(an_aborted_sync_msi_is_a_global_error),
        cmocka_unit_test(the_trace_tells_each_command_with_its_fields),
        cmocka_unit_test(the_trace_is_bounded_and_the_counters_are_not),
        cmocka_unit_test(prefetch_commands_fill_the_caches_and_record_nothing),
        cmocka_unit_test(a_leaf_bit_is_told_for_configuration_and_for_translations),
    };

    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
