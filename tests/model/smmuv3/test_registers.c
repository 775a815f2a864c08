/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers: ID values, reset, sizes, guards, update protocols.
 */
#include "fixture.h"

static void the_qemu_unit_has_the_id_registers_read_from_qemu(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR0), 0x0d44101b);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR1), 0x02730010);
    assert_int_equal(smmuv3_model_read32(m->unit, 0x8), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR3), 0x1414);
    assert_int_equal(smmuv3_model_read32(m->unit, 0x10), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR5), 0x74);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IIDR), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_AIDR), 1);
    p.s1p = false;
    machine_stop(m);
    m = machine_start(&p);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR0), 0x0d441019);
    machine_stop(m);
}

static void the_plain_unit_says_what_it_can_do(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR0), 0x084c723b);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR5), 0x00100075);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IIDR), 0x4831043b);
    machine_stop(m);
}

static void after_reset_traffic_bypasses_and_nothing_is_enabled(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR0), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR0ACK), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GBPA), 0x1000);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

static void a_register_with_an_unknown_reset_value_does_not_read_zero(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_not_equal(smmuv3_model_read32(m->unit, AT_CMDQ_PROD), 0);
    assert_int_not_equal(smmuv3_model_read64(m->unit, AT_STRTAB_BASE), 0);
    assert_int_not_equal(smmuv3_model_read32(m->unit, AT_EVENTQ_CONS), 0);
    machine_stop(m);
}

static void reset_clears_the_enables_and_restores_bypass(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    smmuv3_model_raise_gerror(m->unit, SMMUV3_MODEL_CMDQ_ERR);
    smmuv3_model_reset(m->unit);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR0ACK), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GERROR), 0);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    machine_stop(m);
}

static void gbpa_abort_ends_bypass_without_an_event(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_GBPA, (uint32_t)GBPA_SET_ABORT);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GBPA), 0x00100000);
    assert_aborts(m, MEMORY_BASE, 0);
    assert_no_errors(m);
    machine_stop(m);
}

static void gbpa_without_update_is_ignored_and_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_GBPA, 0x00100000);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_GBPA), 0x1000);
    assert_reaches(m, MEMORY_BASE, MEMORY_BASE);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    machine_stop(m);
}

static void bypass_beyond_the_output_size_aborts_silently(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_aborts(m, power_of_2(48), 0);
    machine_stop(m);
}

static void the_stream_table_base_cannot_change_while_enabled(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, 0x12345000);
    assert_int_equal(smmuv3_model_read64(m->unit, AT_STRTAB_BASE), m->stream_table);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    smmuv3_model_write32(m->unit, AT_CR2, 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR2), 2);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, 3);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_STRTAB_BASE_CFG), STREAMS_LOG2);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_STATE), 3);
    machine_stop(m);
}

static void a_queue_base_cannot_change_while_its_queue_is_enabled(void **state)
{
    struct machine *m = plain_up();
    uint64_t cmdq = m->cmdq | CMDQ_LOG2;

    (void)state;
    smmuv3_model_write64(m->unit, AT_CMDQ_BASE, 0x12345000);
    smmuv3_model_write64(m->unit, AT_EVENTQ_BASE, 0x12345000);
    smmuv3_model_write32(m->unit, AT_CMDQ_CONS, 1);
    smmuv3_model_write32(m->unit, AT_EVENTQ_PROD, 1);
    assert_int_equal(smmuv3_model_read64(m->unit, AT_CMDQ_BASE), cmdq);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_EVENTQ_PROD), 0);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_STATE), 4);
    machine_stop(m);
}

static void table_and_queue_attributes_have_guards_of_their_own(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, CR0_QUEUES);
    smmuv3_model_write32(m->unit, AT_CR1, 0x035);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0x035);
    assert_no_errors(m);
    smmuv3_model_write32(m->unit, AT_CR1, 0x030);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0x035);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    smmuv3_model_write32(m->unit, AT_CR1, 0xd75);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0x035);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_STATE), 2);
    machine_stop(m);
}

static void an_interrupt_configuration_is_guarded_by_its_enable(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write64(m->unit, AT_GERROR_IRQ_CFG0, MEMORY_BASE);
    assert_int_not_equal(smmuv3_model_read64(m->unit, AT_GERROR_IRQ_CFG0), MEMORY_BASE);
    smmuv3_model_write32(m->unit, AT_IRQ_CTRL, 0);
    smmuv3_model_write64(m->unit, AT_GERROR_IRQ_CFG0, MEMORY_BASE);
    assert_int_equal(smmuv3_model_read64(m->unit, AT_GERROR_IRQ_CFG0), MEMORY_BASE);
    assert_one_error(m, SMMUV3_MODEL_ERROR_STATE);
    machine_stop(m);
}

static void a_64_bit_register_takes_two_32_bit_halves(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, 0);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE, 0x89abcdc0);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE + 4, 0x4567);
    assert_int_equal(smmuv3_model_read64(m->unit, AT_STRTAB_BASE), UINT64_C(0x456789abcdc0));
    assert_int_equal(smmuv3_model_read32(m->unit, AT_STRTAB_BASE + 4), 0x4567);
    assert_no_errors(m);
    machine_stop(m);
}

static void a_64_bit_access_to_32_bit_registers_does_nothing_and_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read64(m->unit, AT_IDR0), 0);
    smmuv3_model_write64(m->unit, AT_CR0, CR0_ALL);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR0), 0);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR0 + 2), 0);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_SIZE), 3);
    machine_stop(m);
}

static void event_queue_indexes_are_in_page_1_only(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_EVENTQ_CONS, 3);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_EVENTQ_CONS), 3);
    assert_int_equal(smmuv3_model_read32(m->unit, 0xac), 0);
    assert_one_error(m, SMMUV3_MODEL_ERROR_RESERVED);
    machine_stop(m);
}

static void reserved_bits_and_read_only_registers_are_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR2, 0x4); /* PTM without IDR0.BTM */
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR2), 0);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_RESERVED), 1);
    smmuv3_model_write32(m->unit, AT_IDR0, 1);
    smmuv3_model_write32(m->unit, AT_GERROR, 1);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_STATE), 2);
    smmuv3_model_write32(m->unit, 0x1000, 1);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_RESERVED), 2);
    machine_stop(m);
}

static void enabling_before_initialising_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_true(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_ORDER) >= 8);
    machine_stop(m);
}

static void enabling_without_clean_caches_is_noted(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    bring_up_queues(m);
    smmuv3_model_reset(m->unit);
    m->cmdq_prod = 0;
    m->free = MEMORY_BASE;
    m->p.hyp = false; /* what a driver that forgets EL2 believes */
    bring_up_queues(m);
    assert_no_errors(m);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_one_error(m, SMMUV3_MODEL_ERROR_ORDER);
    machine_stop(m);
}

static void a_misaligned_table_or_queue_is_noted_when_enabled(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    bring_up_queues(m);
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, m->stream_table + 64);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_one_error(m, SMMUV3_MODEL_ERROR_VALUE);
    machine_stop(m);
}

static void sizes_formats_and_indexes_are_checked_when_enabled(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);
    struct smmuv3_model *unit = m->unit;

    (void)state;
    bring_up_queues(m);
    smmuv3_model_write32(unit, AT_CR0, 0);
    smmuv3_model_write64(unit, AT_CMDQ_BASE, MEMORY_BASE | 9); /* CMDQS is 8 */
    smmuv3_model_write32(unit, AT_CR0, 0x8);
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_VALUE), 1);
    smmuv3_model_write32(unit, AT_EVENTQ_CONS, 1); /* PROD is 0 */
    smmuv3_model_write32(unit, AT_CR0, 0xc);
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_VALUE), 2);
    smmuv3_model_write32(unit, AT_CR0, 0x8);
    smmuv3_model_write32(unit, AT_EVENTQ_CONS, 0x80000000u); /* overflow flags differ */
    smmuv3_model_write32(unit, AT_CR0, 0xc);
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_VALUE), 3);
    smmuv3_model_write32(unit, AT_STRTAB_BASE_CFG, 0x20000 + STREAMS_LOG2); /* FMT 2 */
    smmuv3_model_write32(unit, AT_CR0, 0xd);
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_VALUE), 4);
    smmuv3_model_write32(unit, AT_CR0, 0xc);
    smmuv3_model_write32(unit, AT_STRTAB_BASE_CFG, 0x10000 + 7 * 64 + STREAMS_LOG2);
    smmuv3_model_write32(unit, AT_CR0, 0xd); /* SPLIT 7 */
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_VALUE), 5);
    assert_int_equal(smmuv3_model_error_count(unit, SMMUV3_MODEL_ERROR_ALL), 5);
    machine_stop(m);
}

static void two_units_share_nothing(void **state)
{
    struct machine *a = plain_up();
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();
    struct machine *b = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read32(b->unit, AT_CR0ACK), 0);
    assert_int_not_equal(smmuv3_model_read32(a->unit, AT_IDR0),
                         smmuv3_model_read32(b->unit, AT_IDR0));
    assert_aborts(a, MEMORY_BASE, C_BAD_STE);
    assert_reaches(b, MEMORY_BASE, MEMORY_BASE);
    machine_stop(a);
    machine_stop(b);
}

static void every_output_size_has_its_code(void **state)
{
    static const unsigned sizes[] = { 32, 36, 40, 42, 44, 48, 52 };
    struct smmuv3_model_parameters p = smmuv3_model_like_qemu();

    (void)state;
    for (unsigned i = 0; i < 7; i++) {
        struct machine *m = NULL;

        p.oas = sizes[i];
        m = machine_start(&p);
        assert_int_equal(smmuv3_model_read32(m->unit, AT_IDR5), 0x70 + i);
        machine_stop(m);
    }
}

static void undefined_locations_may_be_read_and_written_with_zero(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    assert_int_equal(smmuv3_model_read32(m->unit, 0x8000), 0);
    smmuv3_model_write32(m->unit, 0x8044, 0);
    assert_no_errors(m);
    machine_stop(m);
}

static void the_list_of_errors_is_bounded_and_its_count_is_not(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        smmuv3_model_write32(m->unit, AT_IDR0, i);
    }
    smmuv3_model_read64(m->unit, AT_IDR0);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_ALL), 101);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_SIZE), 1);
    assert_int_equal(smmuv3_model_error_at(m->unit, SMMUV3_MODEL_ERROR_ALL, 63)->value, 63);
    assert_null(smmuv3_model_error_at(m->unit, SMMUV3_MODEL_ERROR_ALL, 64));
    assert_null(smmuv3_model_error_at(m->unit, SMMUV3_MODEL_ERROR_VALUE, 0));
    machine_stop(m);
}

static void a_queue_may_have_the_largest_size_that_idr1_allows(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = NULL;

    (void)state;
    p.cmdqs = CMDQ_LOG2;
    p.eventqs = EVENTQ_LOG2;
    m = machine_up(&p); /* asserts that there were no errors */
    machine_stop(m);
}

static void queue_attributes_are_guarded_by_either_queue(void **state)
{
    struct machine *m = plain_up();

    (void)state;
    smmuv3_model_write32(m->unit, AT_CR0, 0x4); /* the event queue alone */
    smmuv3_model_write32(m->unit, AT_CR1, 0xd70);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0xd75);
    smmuv3_model_write32(m->unit, AT_CR0, 0x8); /* the command queue alone */
    smmuv3_model_write32(m->unit, AT_CR1, 0xd70);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0xd75);
    smmuv3_model_write32(m->unit, AT_CR0, 0x0);
    smmuv3_model_write32(m->unit, AT_CR1, 0xd70);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_CR1), 0xd70);
    machine_stop(m);
}

int run_register_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_qemu_unit_has_the_id_registers_read_from_qemu),
        cmocka_unit_test(the_plain_unit_says_what_it_can_do),
        cmocka_unit_test(after_reset_traffic_bypasses_and_nothing_is_enabled),
        cmocka_unit_test(a_register_with_an_unknown_reset_value_does_not_read_zero),
        cmocka_unit_test(reset_clears_the_enables_and_restores_bypass),
        cmocka_unit_test(gbpa_abort_ends_bypass_without_an_event),
        cmocka_unit_test(gbpa_without_update_is_ignored_and_noted),
        cmocka_unit_test(bypass_beyond_the_output_size_aborts_silently),
        cmocka_unit_test(the_stream_table_base_cannot_change_while_enabled),
        cmocka_unit_test(a_queue_base_cannot_change_while_its_queue_is_enabled),
        cmocka_unit_test(table_and_queue_attributes_have_guards_of_their_own),
        cmocka_unit_test(an_interrupt_configuration_is_guarded_by_its_enable),
        cmocka_unit_test(a_64_bit_register_takes_two_32_bit_halves),
        cmocka_unit_test(a_64_bit_access_to_32_bit_registers_does_nothing_and_is_noted),
        cmocka_unit_test(event_queue_indexes_are_in_page_1_only),
        cmocka_unit_test(reserved_bits_and_read_only_registers_are_noted),
        cmocka_unit_test(enabling_before_initialising_is_noted),
        cmocka_unit_test(enabling_without_clean_caches_is_noted),
        cmocka_unit_test(a_misaligned_table_or_queue_is_noted_when_enabled),
        cmocka_unit_test(sizes_formats_and_indexes_are_checked_when_enabled),
        cmocka_unit_test(two_units_share_nothing),
        cmocka_unit_test(every_output_size_has_its_code),
        cmocka_unit_test(undefined_locations_may_be_read_and_written_with_zero),
        cmocka_unit_test(the_list_of_errors_is_bounded_and_its_count_is_not),
        cmocka_unit_test(a_queue_may_have_the_largest_size_that_idr1_allows),
        cmocka_unit_test(queue_attributes_are_guarded_by_either_queue),
    };

    return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
