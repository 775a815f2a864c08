/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver does when the unit fails (drivers/iommu/smmuv3/queue.c). */
#include <string.h>

#include "bench.h"
#include "drivers/iommu/smmuv3/unit.h"
#include "groups.h"

#define STREAM 0x100
#define IOVA UINT64_C(0x10000)

static struct iommu_domain domain;

static void start_with(const struct smmuv3_model_parameters *parameters)
{
    machine.unit_count = 0;
    assert_true(bench_start(parameters, 0x10000));
    assert_true(bench.iommu.driver->stream_prepare(&bench.iommu, STREAM));
    bench_domain(&domain);
    bench_map(&domain, IOVA, BENCH_PAGE(1), PAGE_SIZE);
    assert_int_equal(bench_set(STREAM, STREAM_ATTACHED, &domain), IOMMU_OK);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
}

static void start(void)
{
    const struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    start_with(&parameters);
}

static void expect_silenced(enum iommu_failure reason)
{
    assert_true(bench.iommu.silenced);
    assert_int_equal(bench.silenced, 1);
    assert_int_equal(bench.failure, reason);
    assert_true((mmio_read32(UNIT_BASE + SMMU_GBPA) & GBPA_ABORT) != 0);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
    assert_int_equal(bench_ask(0x5555, 0x40000000).outcome, SMMUV3_MODEL_ABORT);
    /* Everything afterwards says so at once, and the owners are told once only. */
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    bench.iommu.driver->handle_events(&bench.iommu);
    smmuv3_silence(bench.iommu.unit, FAILURE_SERVICE);
    assert_int_equal(bench.silenced, 1);
}

static void a_sync_that_never_completes_silences_the_unit_within_the_deadline(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    uint64_t before = time_now();

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_true(time_now() - before >= IOMMU_DEADLINE_MICROSECONDS * UINT64_C(1000));
    assert_true(time_now() - before < IOMMU_DEADLINE_MICROSECONDS * UINT64_C(2000));
    expect_silenced(FAILURE_DEADLINE);
}

static void a_change_of_a_stream_that_meets_a_dead_unit_leaves_it_passing_nothing(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, SMMUV3_MODEL_NEVER);
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_SILENCED);
    expect_silenced(FAILURE_DEADLINE);
}

static void a_unit_that_does_not_even_leave_translation_is_closed_as_far_as_it_goes(void)
{
    start();
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_CR0ACK, SMMUV3_MODEL_NEVER);
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_true(bench.iommu.silenced);
    assert_int_equal(bench.silenced, 1);
}

static void whatever_state_is_asked_for_on_a_dead_unit_the_entry_in_memory_aborts(void)
{
    static const enum iommu_stream_state states[] = { STREAM_PARKED_LOGGED, STREAM_ATTACHED };

    for (unsigned int i = 0; i < ARRAY_LENGTH(states); i++) {
        start();
        assert_int_equal(bench_entry_config(STREAM), STE_CONFIG_S2);
        smmuv3_silence(bench_unit(), FAILURE_SERVICE);
        assert_int_equal(bench_set(STREAM, states[i], &domain), IOMMU_SILENCED);
        assert_int_equal(bench_entry_config(STREAM), STE_CONFIG_ABORT);
    }
}

/* ---- Illegal commands ------------------------------------------------------------------------------ */

static unsigned int spoil; /* batches still to spoil */

/* Behind the driver's back one command in the queue turns into one that does not exist. */
static void spoil_command(unsigned int unit, uint64_t offset, uint64_t value)
{
    (void)unit;
    if (offset != SMMU_CMDQ_PROD || spoil == 0)
        return;
    spoil--;
    uint64_t log2 = bench_unit()->command_log2;
    uint64_t last = (value - 2) & (BIT(log2) - 1); /* before the SYNC */

    bench_unit()->commands[last * COMMAND_WORDS] = 0xFF;
}

static void an_illegal_command_is_repaired_counted_and_made_good_by_a_whole_invalidation(void)
{
    struct pagetable_progress progress;

    start();
    assert_int_equal(pagetable_unmap(bench_table(&domain), IOVA, PAGE_SIZE, 1, &progress),
                     PAGETABLE_OK);
    spoil = 1;
    machine.before_register_write = spoil_command;
    bench_commands_mark();
    assert_int_equal(bench_forget(&domain, IOVA, PAGE_SIZE, 1, true), IOMMU_OK);
    assert_int_equal(bench.iommu.counters.illegal_commands, 1);
    assert_int_equal(bench_commands(OPCODE_TLBI_ALL), 1);
    assert_int_equal(bench_commands(OPCODE_CFGI_ALL), 1);
    assert_int_equal(bench.silenced, 0);
    assert_int_equal(bench_ask(STREAM, IOVA).outcome, SMMUV3_MODEL_ABORT);
    assert_int_equal(mmio_read32(UNIT_BASE + SMMU_GERROR), mmio_read32(UNIT_BASE + SMMU_GERRORN));
    /* And it goes on. */
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
}

static void spoil_last(unsigned int unit, uint64_t offset, uint64_t value)
{
    uint64_t log2 = bench_unit()->command_log2;

    (void)unit;
    if (offset != SMMU_CMDQ_PROD)
        return;
    machine.before_register_write = NULL;
    bench_unit()->commands[((value - 1) & (BIT(log2) - 1)) * COMMAND_WORDS] = 0xFF;
}

static void an_illegal_command_in_an_earlier_call_of_a_batch_is_made_good_too(void)
{
    const struct iommu_driver *driver;
    struct iommu_ticket ticket = IOMMU_TICKET_EMPTY;
    struct pagetable_progress progress;

    start();
    driver = bench.iommu.driver;
    assert_int_equal(pagetable_unmap(bench_table(&domain), IOVA, PAGE_SIZE, 1, &progress),
                     PAGETABLE_OK);
    machine.before_register_write = spoil_last;
    assert_int_equal(
        driver->invalidate(&bench.iommu, &domain, IOVA, PAGE_SIZE, 1, true, &ticket, false),
        IOMMU_OK);
    smmuv3_errors(bench_unit()); /* the interrupt comes before the batch is complete */
    assert_int_equal(bench.iommu.counters.illegal_commands, 1);
    bench_commands_mark();
    assert_int_equal(driver->invalidate(&bench.iommu, &domain, IOVA + PAGE_SIZE, PAGE_SIZE, 1, true,
                                        &ticket, true),
                     IOMMU_OK);
    assert_int_equal(iommu_wait(&bench.iommu, &ticket), IOMMU_OK);
    assert_int_equal(bench_commands(OPCODE_TLBI_ALL), 1);
    assert_int_equal(bench_ask(STREAM, IOVA).outcome, SMMUV3_MODEL_ABORT);
}

static uint64_t barriers_at_spoil;

static void spoil_and_expect_barrier(unsigned int unit, uint64_t offset, uint64_t value)
{
    if (offset == SMMU_CMDQ_PROD)
        barriers_at_spoil = host_counters.barriers;
    if (offset == SMMU_GERRORN)
        assert_int_equal(host_counters.barriers, barriers_at_spoil + 1);
    spoil_command(unit, offset, value);
}

static void a_repaired_command_stands_in_memory_before_the_unit_is_told_to_go_on(void)
{
    start();
    spoil = 1;
    machine.before_register_write = spoil_and_expect_barrier;
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_int_equal(bench.iommu.counters.illegal_commands, 1);
}

static void an_illegal_command_during_a_change_of_a_stream_leaves_no_stale_entry(void)
{
    start();
    spoil = 1;
    machine.before_register_write = spoil_command;
    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_OK);
    assert_int_equal(bench.iommu.counters.illegal_commands, 1);
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_ABORT);
}

static void a_second_illegal_command_silences_the_unit(void)
{
    start();
    spoil = 2;
    machine.before_register_write = spoil_command;
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    expect_silenced(FAILURE_COMMAND);
}

/* The widest invalidation is the first batch after the one with the command that does not exist. */
static void spoil_then_fail(unsigned int unit, uint64_t offset, uint64_t value)
{
    if (offset == SMMU_CMDQ_PROD && spoil == 0)
        smmuv3_model_set_late(machine.unit[unit], SMMUV3_MODEL_LATE_SYNC, SMMUV3_MODEL_NEVER);
    spoil_command(unit, offset, value);
}

static void a_unit_that_fails_in_the_widest_invalidation_is_silenced_and_the_caller_told(void)
{
    start();
    spoil = 1;
    machine.before_register_write = spoil_then_fail;
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    machine.before_register_write = NULL;
    assert_int_equal(bench.iommu.counters.illegal_commands, 1);
    expect_silenced(FAILURE_DEADLINE);
}

static void an_abort_of_the_command_fetch_silences_the_unit(void)
{
    start();
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_FETCH_COMMAND, 1);
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    expect_silenced(FAILURE_COMMAND);
}

/* ---- GERROR ------------------------------------------------------------------------------------- */

static void service_failure_silences_the_unit(void)
{
    start();
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_SFM_ERR);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_true(bench.iommu.silenced);
    assert_int_equal(bench.failure, FAILURE_SERVICE);
    assert_int_equal(bench.silenced, 1);
}

static void an_event_that_cannot_be_written_though_there_is_room_silences_the_unit(void)
{
    start();
    smmuv3_model_abort_next(machine.unit[0], SMMUV3_MODEL_WRITE_EVENT, 1);
    bench_dma(STREAM, 0x900000, true);
    bench.iommu.driver->handle_events(&bench.iommu);
    expect_silenced(FAILURE_EVENT_QUEUE);
}

static void an_unknown_error_bit_is_counted_and_acknowledged(void)
{
    start();
    smmuv3_model_raise_gerror(machine.unit[0], SMMUV3_MODEL_MSI_GERROR_ABT_ERR);
    smmuv3_model_raise_gerror(machine.unit[0], 20);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.silenced, 0);
    assert_true(bench.iommu.counters.unknown_errors > 0);
    assert_int_equal(mmio_read32(UNIT_BASE + SMMU_GERROR), mmio_read32(UNIT_BASE + SMMU_GERRORN));
    assert_int_equal(bench_dma(STREAM, IOVA, true), SMMUV3_MODEL_OK);
}

/* ---- Overflow ------------------------------------------------------------------------------------ */

static void read_all(void)
{
    while (bench.iommu.driver->handle_events(&bench.iommu))
        ;
}

static void overflow(enum smmuv3_model_overflow kind)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.overflow = kind;
    start_with(&parameters);
    uint64_t room = BIT(bench_unit()->event_log2);

    for (uint64_t i = 0; i < room + 20; i++)
        bench_dma(STREAM, 0x900000 + i * PAGE_SIZE, true);
    assert_int_equal(smmuv3_model_events_lost(machine.unit[0]), 20);
    read_all();
    assert_int_equal(bench.faults, room);
    assert_int_equal(bench.fault[0].iova, 0x900000);
    assert_int_equal(bench.fault[15].iova, 0x900000 + (room - 1) * PAGE_SIZE);
    assert_int_equal(bench.lost, 1);
    assert_int_equal(bench.iommu.counters.events_lost, 1);
    assert_int_equal(bench.silenced, 0);
    /* It works on, and a second overflow is a second loss. */
    bench_dma(STREAM, 0x800000, false);
    read_all();
    assert_int_equal(bench.fault[15].iova, 0x800000);
    for (uint64_t i = 0; i < room + 1; i++)
        bench_dma(STREAM, 0x900000, true);
    read_all();
    assert_int_equal(bench.lost, 2);
    assert_units_clean();
}

static void i9_lost_events_are_counted_where_the_unit_says_ovflg(void)
{
    overflow(SMMUV3_MODEL_OVERFLOW_OVFLG);
}

static void i9_lost_events_are_counted_where_the_unit_says_eventq_abort(void)
{
    overflow(SMMUV3_MODEL_OVERFLOW_EVENTQ_ABT_ERR);
}

/* ---- Hostile registers, long use -------------------------------------------------------------------- */

static uint64_t garbage(void *context, uint64_t offset, unsigned int bytes)
{
    static uint64_t seed = 99;

    (void)bytes;
    if (offset == SMMU_GERROR || offset == SMMU_GERRORN)
        return 0;
    if (offset == SMMU_CMDQ_CONS || offset == SMMU_EVENTQ_PROD)
        return random_next(&seed) & (*(uint32_t *)context);
    return smmuv3_model_read32(machine.unit[0], (uint32_t)offset);
}

static void drop(void *context, uint64_t offset, uint64_t value, unsigned int bytes)
{
    (void)context;
    (void)offset;
    (void)value;
    (void)bytes;
}

/* Another unit at another address whose indices are noise. */
static void i8_indices_that_are_noise_cost_bounded_work_and_no_wild_access(void)
{
    uint32_t mask = UINT32_MAX;

    start();
    host_attach(&(struct host_registers){
        .base = 0x0F000000, .size = 0x20000, .context = &mask, .read = garbage, .write = drop });
    bench_unit()->base = 0x0F000000;
    for (unsigned int i = 0; i < 200 && !bench.iommu.silenced; i++) {
        unsigned int faults = bench.faults;

        bench.iommu.driver->handle_events(&bench.iommu);
        assert_true(bench.faults - faults <= 4 * BIT(bench_unit()->event_log2));
        bench.iommu.driver->invalidate_domain(&bench.iommu, &domain);
        assert_true(bench_unit()->consumed <= bench_unit()->produced);
        assert_true(bench_unit()->produced - bench_unit()->consumed <=
                    BIT(bench_unit()->command_log2));
    }
}

static uint64_t all_ones(void *context, uint64_t offset, unsigned int size)
{
    (void)context;
    (void)offset;
    return size == sizeof(uint64_t) ? UINT64_MAX : UINT32_MAX;
}

/* What is read then is no index of the queue, and no SYNC is through. */
static void i4_a_unit_that_has_lost_its_clock_completes_nothing(void)
{
    start();
    bench_map(&domain, 0x200000, BENCH_PAGE(2), PAGE_SIZE);
    host_attach(&(struct host_registers){
        .base = 0x0F000000, .size = 0x20000, .read = all_ones, .write = drop });
    bench_unit()->base = 0x0F000000;
    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_SILENCED);
    assert_true(bench.iommu.silenced);
}

static void the_queues_wrap_over_many_thousand_commands_and_events(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cmdqs = 7;
    parameters.eventqs = 4;
    start_with(&parameters);
    for (unsigned int i = 0; i < 5000; i++) {
        bench_map(&domain, 0x200000, BENCH_PAGE(2), 4 * PAGE_SIZE);
        bench_dma(STREAM, 0x201000, true);
        bench_unmap(&domain, 0x200000, 4 * PAGE_SIZE);
        assert_int_equal(bench_dma(STREAM, 0x201000, true), SMMUV3_MODEL_ABORT);
        bench.iommu.driver->handle_events(&bench.iommu);
        assert_int_equal(bench.faults, i + 1);
    }
    assert_true(bench.iommu.counters.commands >= 20000);
    assert_int_equal(bench.lost, 0);
    assert_units_clean();
}

/* Every command names another address than the one that stood in its place a round before. */
static void every_command_is_cleaned_to_memory_however_often_the_queue_has_wrapped(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();
    uint64_t commands;

    parameters.cohacc = false;
    start_with(&parameters);
    commands = bench.iommu.counters.commands;
    /* A neighbour keeps the tables. */
    bench_map(&domain, 0x200000, BENCH_PAGE(2), PAGE_SIZE);
    for (uint64_t i = 1; i <= 1200; i++) {
        uint64_t iova = 0x200000 + (i % 509 + 1) * PAGE_SIZE;

        bench_map(&domain, iova, BENCH_PAGE(3), PAGE_SIZE);
        assert_int_equal(bench_dma(STREAM, iova, true), SMMUV3_MODEL_OK);
        bench_unmap(&domain, iova, PAGE_SIZE);
        assert_int_equal(bench_ask(STREAM, iova).outcome, SMMUV3_MODEL_ABORT);
    }
    assert_true(bench.iommu.counters.commands - commands > 1100);
    assert_true(bench_unit()->produced > 2 * BIT(bench_unit()->command_log2));
    assert_units_clean();
}

/* As another CPU would: a batch that the unit has been told of and has not consumed. */
static void put_late_commands(uint64_t count)
{
    struct smmuv3 *unit = bench_unit();
    uint64_t mask = BIT(unit->command_log2) - 1;

    for (uint64_t i = 0; i < count; i++) {
        struct command command = command_tlbi_address(2, domain.tag, i * PAGE_SIZE, true);
        volatile uint64_t *entry = unit->commands + (unit->produced++ & mask) * COMMAND_WORDS;

        entry_write64(&entry[0], command.word[0]);
        entry_write64(&entry[1], command.word[1]);
    }
    barrier_entries();
    mmio_write32(UNIT_BASE + SMMU_CMDQ_PROD, (uint32_t)(unit->produced & (2 * mask + 1)));
}

static void a_queue_that_is_full_to_the_brim_loses_no_command_to_the_next_batch(void)
{
    /* So many places are left: too few by one, as many as needed, none. */
    static const uint64_t left[] = { 1, 2, 0 };

    for (unsigned int n = 0; n < ARRAY_LENGTH(left); n++) {
        start();
        uint64_t count = BIT(bench_unit()->command_log2) - left[n];

        bench_commands_mark();
        smmuv3_model_set_late(machine.unit[0], SMMUV3_MODEL_LATE_COMMANDS, 3);
        put_late_commands(count);
        assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
        assert_int_equal(bench_commands(OPCODE_TLBI_IPA), count);
        for (unsigned int i = 0; i < count; i++)
            assert_int_equal(bench_command(i)->address, i * PAGE_SIZE);
        assert_int_equal(bench_command((unsigned int)count)->opcode, OPCODE_TLBI_VMALL);
        assert_units_clean();
    }
}

static void a_command_queue_smaller_than_a_batch_is_not_waited_for_in_vain(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cmdqs = 4;
    machine.unit_count = 0;
    if (!bench_start(&parameters, 0x10000)) {
        assert_non_null(bench.reason);
        return;
    }
    bench_domain(&domain);
    bench_map(&domain, 0x200000, BENCH_PAGE(2), 31 * PAGE_SIZE);
    bench_unmap(&domain, 0x200000, 31 * PAGE_SIZE);
    assert_int_equal(bench.silenced, 0);
}

static void events_of_a_silenced_unit_are_not_read(void)
{
    start();
    assert_int_equal(bench_dma(STREAM, 0x5000000, true), SMMUV3_MODEL_ABORT);
    smmuv3_silence(bench.iommu.unit, FAILURE_SERVICE);
    unsigned int faults = bench.faults;

    assert_false(bench.iommu.driver->handle_events(&bench.iommu));
    assert_int_equal(bench.faults, faults);
}

static void an_entry_that_turns_to_nothing_on_a_silenced_unit_is_cleaned_to_memory(void)
{
    struct smmuv3_model_parameters parameters = smmuv3_model_like_mmu600();

    parameters.cohacc = false;
    start_with(&parameters);
    smmuv3_silence(bench.iommu.unit, FAILURE_SERVICE);
    uint64_t cleans = host_counters.cleans;

    assert_int_equal(bench_set(STREAM, STREAM_PARKED_LOGGED, NULL), IOMMU_SILENCED);
    assert_int_equal(host_counters.cleans - cleans, 1);
}

static void what_the_unit_is_told_and_tells_is_counted(void)
{
    start();
    struct iommu_counters before = bench.iommu.counters;

    assert_int_equal(bench.iommu.driver->invalidate_domain(&bench.iommu, &domain), IOMMU_OK);
    assert_int_equal(bench.iommu.counters.commands - before.commands, 1);
    assert_int_equal(bench.iommu.counters.syncs - before.syncs, 1);
    assert_int_equal(bench_dma(STREAM, 0x5000000, true), SMMUV3_MODEL_ABORT);
    bench.iommu.driver->handle_events(&bench.iommu);
    assert_int_equal(bench.iommu.counters.events - before.events, 1);
}

int run_errors_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sync_that_never_completes_silences_the_unit_within_the_deadline),
        TEST(a_change_of_a_stream_that_meets_a_dead_unit_leaves_it_passing_nothing),
        TEST(a_unit_that_does_not_even_leave_translation_is_closed_as_far_as_it_goes),
        TEST(whatever_state_is_asked_for_on_a_dead_unit_the_entry_in_memory_aborts),
        TEST(an_illegal_command_is_repaired_counted_and_made_good_by_a_whole_invalidation),
        TEST(an_illegal_command_in_an_earlier_call_of_a_batch_is_made_good_too),
        TEST(a_repaired_command_stands_in_memory_before_the_unit_is_told_to_go_on),
        TEST(an_illegal_command_during_a_change_of_a_stream_leaves_no_stale_entry),
        TEST(a_second_illegal_command_silences_the_unit),
        TEST(a_unit_that_fails_in_the_widest_invalidation_is_silenced_and_the_caller_told),
        TEST(an_abort_of_the_command_fetch_silences_the_unit),
        TEST(service_failure_silences_the_unit),
        TEST(an_event_that_cannot_be_written_though_there_is_room_silences_the_unit),
        TEST(an_unknown_error_bit_is_counted_and_acknowledged),
        TEST(i9_lost_events_are_counted_where_the_unit_says_ovflg),
        TEST(i9_lost_events_are_counted_where_the_unit_says_eventq_abort),
        TEST(i8_indices_that_are_noise_cost_bounded_work_and_no_wild_access),
        TEST(i4_a_unit_that_has_lost_its_clock_completes_nothing),
        TEST(the_queues_wrap_over_many_thousand_commands_and_events),
        TEST(every_command_is_cleaned_to_memory_however_often_the_queue_has_wrapped),
        TEST(a_queue_that_is_full_to_the_brim_loses_no_command_to_the_next_batch),
        TEST(a_command_queue_smaller_than_a_batch_is_not_waited_for_in_vain),
        TEST(events_of_a_silenced_unit_are_not_read),
        TEST(an_entry_that_turns_to_nothing_on_a_silenced_unit_is_cleaned_to_memory),
        TEST(what_the_unit_is_told_and_tells_is_counted),
    };

    return RUN_GROUP("smmuv3/errors");
}
