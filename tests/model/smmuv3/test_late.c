/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lateness: acknowledges and commands that come after some register reads, or never.
 */
#include "fixture.h"

static uint32_t read_at(struct machine *m, uint32_t offset)
{
    return smmuv3_model_read32(m->unit, offset);
}

static void cr0ack_can_come_after_some_reads(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_CR0ACK, 3);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    assert_int_equal(read_at(m, AT_CR0), CR0_QUEUES); /* readable at once */
    assert_int_equal(read_at(m, AT_CR0ACK), CR0_ALL);
    assert_int_equal(read_at(m, AT_CR0ACK), CR0_ALL);
    assert_int_equal(read_at(m, AT_CR0ACK), CR0_QUEUES);
    machine_stop(m);
}

static void a_function_keeps_its_old_value_until_its_acknowledge(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(read_at(m, AT_CR0ACK), CR0_ALL);
    }
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, 0); /* still guarded */
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    assert_true(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_CR0ACK));
    assert_false(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_CR0ACK));
    assert_int_equal(read_at(m, AT_CR0ACK), CR0_QUEUES);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

static void a_field_changed_again_before_its_acknowledge_is_noted_and_keeps_the_first(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES); /* the same value is allowed */
    assert_no_errors(m);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    smmuv3_model_release(m->unit, SMMUV3_MODEL_LATE_CR0ACK);
    assert_int_equal(read_at(m, AT_CR0ACK), CR0_QUEUES);
    machine_stop(m);
}

static void gbpa_update_can_be_late_and_bypass_lasts_until_then(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_GBPA, 2);
    smmuv3_model_write32(m->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    assert_int_equal(read_at(m, AT_GBPA), 0x80100000u);
    smmuv3_model_write32(m->unit, AT_GBPA, 0x80000000u);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE); /* while Update is set */
    assert_int_equal(read_at(m, AT_GBPA), 0x80100000u);
    assert_int_equal(read_at(m, AT_GBPA), 0x00100000u);
    assert_aborts(m, MEMORY_BASE, 0);
    machine_stop(m);
}

static void irq_ctrl_counts_from_its_acknowledge(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0);
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_IRQ_CTRLACK, SMMUV3_MODEL_NEVER);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0x5);
    assert_int_equal(read_at(m, AT_IRQ_CTRLACK), 0);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_EVENTQ_ABT_ERR);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_GERROR], 0);
    smmuv3_model_release(m->unit, SMMUV3_MODEL_LATE_IRQ_CTRLACK);
    assert_int_equal(read_at(m, AT_IRQ_CTRLACK), 0x5);
    machine_stop(m);
}

static void commands_can_wait_for_reads_each_for_its_own(void **state)
{
    struct machine *m = plain_up();
    uint32_t start = m->cmdq_prod;

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_COMMANDS, 1);
    submit(m, TLBI_NSNH_ALL);
    submit(m, TLBI_NSNH_ALL);
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start);
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 1);
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 1);
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 2);
    machine_stop(m);
}

static void a_sync_can_be_held_while_other_commands_are_consumed(void **state)
{
    struct machine *m = plain_up();
    uint32_t start = m->cmdq_prod;

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    submit(m, TLBI_NSNH_ALL);
    submit(m, 0x46 | 0x1000, 0);
    submit(m, TLBI_NSNH_ALL);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 1);
    }
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 0);
    assert_true(smmuv3_model_invalidation_pending(m->unit));
    assert_true(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_SYNC));
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 3);
    assert_int_equal(m->interrupts[SMMUV3_MODEL_LINE_CMD_SYNC], 1);
    machine_stop(m);
}

static void held_commands_go_one_by_one_and_are_all_released(void **state)
{
    struct machine *m = plain_up();
    uint32_t start = m->cmdq_prod;

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_COMMANDS, SMMUV3_MODEL_NEVER);
    submit(m, TLBI_NSNH_ALL);
    submit(m, TLBI_NSNH_ALL);
    submit(m, TLBI_NSNH_ALL);
    send_sync(m);
    assert_true(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_COMMANDS));
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 1);
    smmuv3_model_release(m->unit, SMMUV3_MODEL_LATE_COMMANDS);
    assert_int_equal(read_at(m, AT_CMDQ_CONS), start + 4);
    assert_false(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_COMMANDS));
    machine_stop(m);
}

static void a_held_command_is_fetched_when_its_time_comes(void **state)
{
    struct machine *m = plain_up();
    uint32_t slot = m->cmdq_prod;

    (void)state;
    smmuv3_model_set_late(m->unit, SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    send_sync(m);
    smmuv3_model_write32(m->unit, AT_CR0, 0x5); /* CMDQEN off: it stays unconsumed */
    assert_false(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_SYNC));
    assert_int_equal(read_at(m, AT_CMDQ_CONS), slot);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_true(smmuv3_model_step(m->unit, SMMUV3_MODEL_LATE_SYNC));
    assert_int_equal(read_at(m, AT_CMDQ_CONS), slot + 1);
    machine_stop(m);
}

int run_late_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cr0ack_can_come_after_some_reads),
        cmocka_unit_test(a_function_keeps_its_old_value_until_its_acknowledge),
        cmocka_unit_test(a_field_changed_again_before_its_acknowledge_is_noted_and_keeps_the_first),
        cmocka_unit_test(gbpa_update_can_be_late_and_bypass_lasts_until_then),
        cmocka_unit_test(irq_ctrl_counts_from_its_acknowledge),
        cmocka_unit_test(commands_can_wait_for_reads_each_for_its_own),
        cmocka_unit_test(a_sync_can_be_held_while_other_commands_are_consumed),
        cmocka_unit_test(held_commands_go_one_by_one_and_are_all_released),
        cmocka_unit_test(a_held_command_is_fetched_when_its_time_comes),
    };

    return cmocka_run_group_tests_name("lateness", tests, NULL, NULL);
}
