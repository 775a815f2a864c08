/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stream tables, linear and two-level, and what their entries do at once: abort, bypass.
 */
#include "fixture.h"

/* A unit that is up with a two-level table: LOG2SIZE 12, the given SPLIT, room for 2^split STEs. */
struct two_level {
    struct machine *m;
    uint64_t l1, l2;
};

static struct two_level two_level_up(unsigned split)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct two_level t = { .m = machine_start(&p) };

    bring_up_queues(t.m);
    t.l1 = take(t.m, power_of_2(12 - split) * 8 < 64 ? 64 : power_of_2(12 - split) * 8);
    t.l2 = take(t.m, power_of_2(split) * 64);
    smmuv3_model_write64(t.m->unit, AT_STRTAB_BASE, t.l1);
    smmuv3_model_write32(t.m->unit, AT_STRTAB_BASE_CFG, (uint32_t)(0x10000 + split * 64 + 12));
    smmuv3_model_write32(t.m->unit, AT_CR0, CR0_ALL);
    assert_no_errors(t.m);
    return t;
}

static struct smmuv3_model_result touch(struct machine *m, uint32_t stream_id)
{
    uint64_t data = 0;

    return smmuv3_model_dma(m->unit, stream_id, MEMORY_BASE, &data, sizeof(data), false);
}

static void an_invalid_ste_aborts_and_says_c_bad_ste(void **state)
{
    struct machine *m = plain_up();
    struct smmuv3_model_event event;

    (void)state;
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    event = take_event(m);
    assert_int_equal(event.number, C_BAD_STE);
    assert_int_equal(event.stream_id, SID);
    assert_false(event.ssv);
    machine_stop(m);
}

static void config_abort_is_silent_whatever_its_low_bits(void **state)
{
    uint64_t ste[STE_WORDS] = { 0 };

    (void)state;
    for (unsigned config = 0; config < 4; config++) {
        struct machine *m = plain_up();

        field_put(ste, STE_V, 1);
        field_put(ste, STE_CONFIG, config);
        put_ste(m, SID, ste);
        assert_aborts(m, MEMORY_BASE, 0);
        assert_int_equal(events_waiting(m), 0);
        machine_stop(m);
    }
}

static void config_bypass_is_the_identity_up_to_the_output_size(void **state)
{
    struct machine *m = plain_up();
    const uint64_t ste[STE_WORDS] = { 0x9 };
    struct smmuv3_model_event event;

    (void)state;
    put_ste(m, SID, ste);
    assert_reaches(m, MEMORY_BASE + 8, MEMORY_BASE + 8);
    assert_aborts(m, power_of_2(48), F_ADDR_SIZE);
    event = take_event(m);
    assert_int_equal(event.number, F_ADDR_SIZE);
    assert_false(event.s2);
    assert_true(event.rnw);
    assert_int_equal(event.input_address, power_of_2(48));
    machine_stop(m);
}

static void a_stream_beyond_log2size_is_a_bad_streamid(void **state)
{
    struct machine *m = plain_up();
    struct smmuv3_model_event event;

    (void)state;
    assert_int_equal(touch(m, (uint32_t)low_bits(STREAMS_LOG2)).event, C_BAD_STE);
    assert_int_equal(touch(m, (uint32_t)power_of_2(STREAMS_LOG2)).event, C_BAD_STREAMID);
    take_event(m);
    event = take_event(m);
    assert_int_equal(event.number, C_BAD_STREAMID);
    assert_int_equal(event.stream_id, (uint32_t)power_of_2(STREAMS_LOG2));
    machine_stop(m);
}

static void without_recinvsid_a_bad_streamid_is_not_recorded(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = machine_start(&p);

    (void)state;
    bring_up_queues(m);
    smmuv3_model_write32(m->unit, AT_CR2, 0);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_int_equal(touch(m, 4711).event, C_BAD_STREAMID);
    assert_true(touch(m, 4711).event_suppressed);
    assert_int_equal(events_waiting(m), 0);
    machine_stop(m);
}

static void sidsize_limits_the_streams_more_than_log2size_does(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = NULL;

    (void)state;
    p.sidsize = 4;
    m = machine_start(&p);
    bring_up_queues(m);
    m->stream_table = take(m, power_of_2(STREAMS_LOG2) * 64);
    smmuv3_model_write64(m->unit, AT_STRTAB_BASE, m->stream_table);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, STREAMS_LOG2);
    smmuv3_model_write32(m->unit, AT_CR0, CR0_ALL);
    assert_one_error(m, SMMUV3_MODEL_ERROR_VALUE);
    assert_int_equal(touch(m, 15).event, C_BAD_STE);
    assert_int_equal(touch(m, 16).event, C_BAD_STREAMID);
    machine_stop(m);
}

static void a_two_level_table_works_at_each_split(void **state)
{
    static const unsigned splits[] = { 6, 8, 10 };
    const uint64_t bypass = 0x9;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        unsigned split = splits[i];
        struct two_level t = two_level_up(split);
        uint32_t second = (uint32_t)power_of_2(split) + 3;

        poke(t.m, t.l1 + 8, t.l2 | (split + 1));
        poke(t.m, t.l2 + UINT64_C(3) * 64, bypass);
        assert_int_equal(touch(t.m, second).outcome, SMMUV3_MODEL_OK);
        assert_int_equal(touch(t.m, second + 1).event, C_BAD_STE);
        assert_int_equal(touch(t.m, 3).event, C_BAD_STREAMID);
        machine_stop(t.m);
    }
}

static void a_span_covers_no_stream_beyond_it(void **state)
{
    struct two_level t = two_level_up(8);

    (void)state;
    poke(t.m, t.l1, t.l2 | 3); /* 4 STEs */
    poke(t.m, t.l2 + UINT64_C(3) * 64, 0x9);
    assert_int_equal(touch(t.m, 3).outcome, SMMUV3_MODEL_OK);
    assert_int_equal(touch(t.m, 4).event, C_BAD_STREAMID);
    machine_stop(t.m);
}

static void a_reserved_or_oversized_span_is_a_bad_streamid(void **state)
{
    static const unsigned spans[] = { 0, 8, 11, 12, 31 };

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        struct two_level t = two_level_up(6); /* 7 is the largest span here */

        poke(t.m, t.l1, t.l2 | spans[i]);
        assert_int_equal(touch(t.m, 0).event, C_BAD_STREAMID);
        machine_stop(t.m);
    }
}

static void a_level_2_pointer_is_aligned_to_its_span(void **state)
{
    struct two_level t = two_level_up(6);

    (void)state;
    poke(t.m, t.l1, (t.l2 + 64) | 7);
    poke(t.m, t.l2, 0x9);
    assert_int_equal(touch(t.m, 0).outcome, SMMUV3_MODEL_OK);
    machine_stop(t.m);
}

static void a_unit_with_linear_tables_only_ignores_the_format(void **state)
{
    struct smmuv3_model_parameters p = smmuv3_model_like_mmu600();
    struct machine *m = NULL;

    (void)state;
    p.st_level = false;
    p.sidsize = 6;
    m = machine_start(&p);
    bring_up_queues(m);
    smmuv3_model_write32(m->unit, AT_STRTAB_BASE_CFG, 0x10000 + 6);
    assert_int_equal(smmuv3_model_read32(m->unit, AT_STRTAB_BASE_CFG), 6);
    assert_int_equal(smmuv3_model_error_count(m->unit, SMMUV3_MODEL_ERROR_RESERVED), 1);
    machine_stop(m);
}

static void an_aborted_fetch_is_f_ste_fetch_with_its_address(void **state)
{
    struct machine *m = plain_up();
    struct two_level t = two_level_up(6);
    struct smmuv3_model_event event;

    (void)state;
    smmuv3_model_abort_next(m->unit, SMMUV3_MODEL_FETCH_STE, 1);
    assert_aborts(m, MEMORY_BASE, F_STE_FETCH);
    event = take_event(m);
    assert_int_equal(event.number, F_STE_FETCH);
    assert_int_equal(event.stream_id, SID);
    assert_int_equal(event.fetch_address, m->stream_table + UINT64_C(64) * SID);
    assert_int_equal(smmuv3_model_cached(m->unit).stes, 0);
    assert_aborts(m, MEMORY_BASE, C_BAD_STE);
    machine_stop(m);

    smmuv3_model_abort_next(t.m->unit, SMMUV3_MODEL_FETCH_L1STD, 1);
    assert_int_equal(touch(t.m, 64).event, F_STE_FETCH);
    assert_int_equal(take_event(t.m).fetch_address, t.l1 + 8);
    machine_stop(t.m);
}

static void a_level_2_pointer_beyond_the_output_size_is_f_ste_fetch(void **state)
{
    struct two_level t = two_level_up(6);

    (void)state;
    poke(t.m, t.l1, power_of_2(50) | 7);
    assert_int_equal(touch(t.m, 0).event, F_STE_FETCH);
    assert_int_equal(take_event(t.m).fetch_address, power_of_2(50));
    machine_stop(t.m);
}

static void a_substream_without_stage_1_is_a_bad_substreamid(void **state)
{
    struct machine *m = plain_up();
    const uint64_t ste[STE_WORDS] = { 0x9 };
    struct smmuv3_model_access access = {
        .stream_id = SID,
        .ssv = true,
        .substream_id = 9,
        .iova = MEMORY_BASE,
    };
    struct smmuv3_model_event event;

    (void)state;
    put_ste(m, SID, ste);
    assert_int_equal(smmuv3_model_transact(m->unit, &access).event, C_BAD_SUBSTREAMID);
    event = take_event(m);
    assert_int_equal(event.number, C_BAD_SUBSTREAMID);
    assert_int_equal(event.substream_id, 9);
    assert_false(event.ssv);
    machine_stop(m);
}

int run_stream_table_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invalid_ste_aborts_and_says_c_bad_ste),
        cmocka_unit_test(config_abort_is_silent_whatever_its_low_bits),
        cmocka_unit_test(config_bypass_is_the_identity_up_to_the_output_size),
        cmocka_unit_test(a_stream_beyond_log2size_is_a_bad_streamid),
        cmocka_unit_test(without_recinvsid_a_bad_streamid_is_not_recorded),
        cmocka_unit_test(sidsize_limits_the_streams_more_than_log2size_does),
        cmocka_unit_test(a_two_level_table_works_at_each_split),
        cmocka_unit_test(a_span_covers_no_stream_beyond_it),
        cmocka_unit_test(a_reserved_or_oversized_span_is_a_bad_streamid),
        cmocka_unit_test(a_level_2_pointer_is_aligned_to_its_span),
        cmocka_unit_test(a_unit_with_linear_tables_only_ignores_the_format),
        cmocka_unit_test(an_aborted_fetch_is_f_ste_fetch_with_its_address),
        cmocka_unit_test(a_level_2_pointer_beyond_the_output_size_is_f_ste_fetch),
        cmocka_unit_test(a_substream_without_stage_1_is_a_bad_substreamid),
    };

    return cmocka_run_group_tests_name("stream table", tests, NULL, NULL);
}
